"""What core tests share: ways to cut a byte stream, a strict driver of one core, and two cores back to back."""

import random
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from dcmnet_cli.core.association import DEFAULT_TIMERS, AssociationProtocol, Timers
from dcmnet_cli.core.events import AssociationEvent, AssociationRequested, Fragment, Trace
from dcmnet_cli.core.negotiation import AcceptorPolicy, answer, own_information, propose
from dcmnet_cli.core.pdata import Chunks
from dcmnet_cli.core.pdu import AAssociateRQ
from dcmnet_cli.core.uids import EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN, VERIFICATION

CT_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
STUDY_FIND = "1.2.840.10008.5.1.4.1.2.2.1"
ECHO, STORE, FIND = 1, 3, 5
"""The contexts of ``REQUEST`` by id: Verification, CT storage, Study Root find."""

REQUEST = AAssociateRQ(
    "ACCEPTOR",
    "REQUESTOR",
    propose(
        [
            (VERIFICATION, [IMPLICIT_VR_LITTLE_ENDIAN]),
            (CT_STORAGE, [EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN]),
            (STUDY_FIND, [IMPLICIT_VR_LITTLE_ENDIAN]),
        ]
    ),
    own_information(16384),
)
POLICY = AcceptorPolicy(any_abstract_syntax=True)

_POISON = b"\xa5"
Kind = TypeVar("Kind")
Cutter = Callable[[bytes], Iterable[bytes]]


def whole(data: bytes) -> Iterator[bytes]:
    """One chunk."""
    yield data


def byte_by_byte(data: bytes) -> Iterator[bytes]:
    """One byte a chunk."""
    for value in data:
        yield bytes((value,))


def random_chunks(data: bytes, seed: int) -> Iterator[bytes]:
    """Chunks of 1 to 40 bytes, the same for the same seed."""
    source = random.Random(seed)
    start = 0
    while start < len(data):
        end = start + source.randint(1, 40)
        yield data[start:end]
        start = end


def splits(data: bytes) -> Iterator[tuple[bytes, ...]]:
    """``data`` in one piece, byte by byte, and at random in three ways."""
    yield tuple(whole(data))
    yield tuple(byte_by_byte(data))
    for seed in range(3):
        yield tuple(random_chunks(data, seed))


CUTTERS: tuple[Cutter, ...] = (whole, byte_by_byte, lambda data: random_chunks(data, 7))


def drive(
    core: AssociationProtocol, chunks: Iterable[bytes], now: float = 0.0, *, is_quick: bool = False
) -> list[AssociationEvent]:
    """Feed a core, and return all its events, the data of fragments copied.

    What was lent is overwritten before the buffer is lent again, so that a view that anyone kept shows. ``is_quick``
    tries the quick way through data sets first, as the network layer does; its fragments come on context 0.
    """
    events: list[AssociationEvent] = []
    lent: list[memoryview] = []
    for chunk in chunks:
        while chunk:
            _spoil(lent)
            buffer = core.get_buffer()
            assert len(buffer) > 0
            count = min(len(buffer), len(chunk))
            buffer[:count] = chunk[:count]
            core.buffer_updated(count, now)
            chunk = chunk[count:]
            while (event := _next_event(core, lent, is_quick)) is not None:
                events.append(event)
    _spoil(lent)
    return events


def _next_event(core: AssociationProtocol, lent: list[memoryview], is_quick: bool) -> AssociationEvent | None:
    views, is_last = core.next_fragments() if is_quick else ([], False)
    if views or is_last:
        lent += views
        return Fragment(0, memoryview(b"".join(views)), is_last)
    event = core.next_event()
    if isinstance(event, Fragment):
        lent.append(event.data)
        return event._replace(data=memoryview(bytes(event.data)))
    return event


def _spoil(lent: list[memoryview]) -> None:
    for view in lent:
        view[:] = _POISON * len(view)
    lent.clear()


def sent(core: AssociationProtocol) -> bytes:
    """What the core wants written, joined."""
    return b"".join(bytes(buffer) for buffer in core.data_to_send())


def only(events: Iterable[AssociationEvent], kind: type[Kind]) -> Kind:
    """The one event of a kind."""
    found = [event for event in events if isinstance(event, kind)]
    assert len(found) == 1, f"{kind.__name__} came {len(found)} times"
    return found[0]


def data_of(events: Iterable[AssociationEvent]) -> bytes:
    """The data set in the fragments among ``events``."""
    return b"".join(bytes(event.data) for event in events if isinstance(event, Fragment))


class AssociationPair:
    """A requestor and an acceptor back to back. ``cut`` is how the wire chops what it carries.

    ``events`` has what each has told its user since it was last taken.
    """

    def __init__(
        self,
        request: AAssociateRQ = REQUEST,
        policy: AcceptorPolicy = POLICY,
        *,
        cut: Cutter = whole,
        timers: Timers = DEFAULT_TIMERS,
        is_traced: bool = False,
    ) -> None:
        self.now = 0.0
        self.policy = policy
        self.traces: dict[AssociationProtocol, list[Trace]] = {}
        self.requestor, self.acceptor = (self._core(role, timers, is_traced) for role in (True, False))
        self.events: dict[AssociationProtocol, list[AssociationEvent]] = {self.requestor: [], self.acceptor: []}
        self._request = request
        self._cut = cut

    def _core(self, is_requestor: bool, timers: Timers, is_traced: bool) -> AssociationProtocol:
        seen: list[Trace] = []
        trace = seen.append if is_traced else None
        core = AssociationProtocol(is_requestor=is_requestor, timers=timers, trace=trace, buffer_size=1 << 12)
        self.traces[core] = seen
        return core

    def connect(self) -> None:
        """Open the connection and carry the request over: the acceptor is in Sta3 then."""
        self.requestor.propose(self._request)
        self.requestor.connected(self.now)
        self.acceptor.connected(self.now)
        self.pump()

    def establish(self) -> "AssociationPair":
        """Both in Sta6, and the events of getting there taken."""
        self.connect()
        requested = only(self.take(self.acceptor), AssociationRequested)
        response = answer(requested.request, self.policy)
        self.acceptor.accept(response, self.now)  # type: ignore[arg-type]
        self.pump()
        self.take(self.requestor)
        return self

    def pump(self) -> None:
        """Carry bytes both ways until neither side has any."""
        while any([self._carry(self.requestor, self.acceptor), self._carry(self.acceptor, self.requestor)]):
            pass

    def take(self, core: AssociationProtocol) -> list[AssociationEvent]:
        """The events of one side so far, each once."""
        events, self.events[core] = self.events[core], []
        return events

    def send_data_set(self, core: AssociationProtocol, context_id: int, chunks: Chunks) -> None:
        """Put what is queued and then the data set on the wire."""
        wire = sent(core)
        for batch in core.data_set_batches(context_id, chunks):
            wire += b"".join(bytes(buffer) for buffer in batch)
        self._deliver(wire, self._other(core))

    def hang_up(self, core: AssociationProtocol) -> None:
        """The other side of ``core`` sees the connection close."""
        other = self._other(core)
        other.eof_received(self.now)
        while (event := other.next_event()) is not None:
            self.events[other].append(event)

    def _other(self, core: AssociationProtocol) -> AssociationProtocol:
        return self.acceptor if core is self.requestor else self.requestor

    def _carry(self, source: AssociationProtocol, target: AssociationProtocol) -> bool:
        wire = sent(source)
        self._deliver(wire, target)
        return bool(wire)

    def _deliver(self, wire: bytes, target: AssociationProtocol) -> None:
        self.events[target] += drive(target, self._cut(wire), self.now)
