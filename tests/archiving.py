"""What tests of an archive share: a listener in a thread, and a requestor that asks it over loopback."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from dcmnet_cli.archive.values import Attribute, Attributes, dictionary_vr, read_attributes, write_attributes
from dcmnet_cli.core import uids
from dcmnet_cli.core.attributes import tag_of
from dcmnet_cli.core.commands import CCancelRQ, CFindRQ, CGetRQ, CMoveRQ, CStoreRQ, Response
from dcmnet_cli.core.commands import respond as response_to
from dcmnet_cli.core.negotiation import own_information, propose
from dcmnet_cli.core.pdu import AAssociateRQ, ExtendedNegotiation, RoleSelection
from dcmnet_cli.net.association import Association
from dcmnet_cli.net.server import SERVER_TIMERS
from dcmnet_cli.net.transport import connect
from dcmnet_cli.ops.listening.listen import Listener, ListenPlan
from dcmnet_cli.ops.results import ListenEvent
from dcmnet_cli.ops.target import Target, Timeouts
from tests.scripted import PATIENCE, until

EXPLICIT, IMPLICIT = uids.EXPLICIT_VR_LITTLE_ENDIAN, uids.IMPLICIT_VR_LITTLE_ENDIAN
TIMERS = SERVER_TIMERS._replace(acse=2.0, dimse=2.0, idle=5.0, closing=0.05)
LEVEL, FAILED_LIST = 0x00080052, 0x00080058


class Running:
    """A listener in a thread of its own."""

    def __init__(self, plan: ListenPlan) -> None:
        self.events: list[ListenEvent] = []
        self.listener = Listener(plan, self.events.append)
        self.port = self.listener.port
        self._thread = threading.Thread(target=self.listener.run, daemon=True)
        self._thread.start()

    def event(self, word: str) -> ListenEvent:
        until(lambda: any(event.event == word for event in self.events))
        return next(event for event in self.events if event.event == word)

    def stop(self) -> None:
        self.listener.stop()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()


@contextmanager
def running(plan: ListenPlan) -> Iterator[Running]:
    server = Running(plan._replace(host="127.0.0.1", timers=TIMERS, grace=1.0))
    try:
        yield server
    finally:
        server.stop()


def target(port: int, title: str = "SINK") -> Target:
    return Target("127.0.0.1", port, called=title, calling="PACS", timeouts=Timeouts(1.0, 2.0, 2.0, 1.0, 2.0))


class Answer(NamedTuple):
    """A response, and its identifier."""

    message: Response
    identifier: Attributes

    @property
    def status(self) -> int:
        return int(self.message.status)  # type: ignore[union-attr]

    @property
    def counts(self) -> tuple[int | None, int | None, int | None, int | None]:
        """Remaining, completed, failed, warning."""
        kinds = ("remaining", "completed", "failed", "warning")
        return tuple(getattr(self.message, f"number_of_{kind}_suboperations") for kind in kinds)  # type: ignore[return-value]


class Requestor:
    """An association with an archive. ``stored`` are the data sets that came by C-GET, ``refuse`` says their status."""

    def __init__(
        self,
        server: Running,
        sop_class: str,
        syntax: str = EXPLICIT,
        *,
        storage: Sequence[str] = (),
        extended: bytes = b"",
    ) -> None:
        contexts = [(sop_class, [syntax]), *((uid, [EXPLICIT]) for uid in storage)]
        information = own_information()._replace(
            roles=tuple(RoleSelection(uid, False, True) for uid in storage),
            extended=(ExtendedNegotiation(sop_class, extended),) if extended else (),
        )
        request = AAssociateRQ("PACS", "ASKER", propose(contexts), information)
        self.association = Association.request(
            connect("127.0.0.1", server.port), request, timers=TIMERS._replace(dimse=PATIENCE)
        )
        self.stored: dict[str, bytes] = {}
        self.refuse: Callable[[str], int] = lambda _uid: 0
        self._sop_class = sop_class
        self._explicit = syntax == EXPLICIT

    def __enter__(self) -> "Requestor":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.association.__exit__(kind)

    def send(self, keys: Attributes | bytes, destination: str = "") -> None:
        number = self.association.next_message_id()
        record = {"1": CFindRQ, "2": CMoveRQ, "3": CGetRQ}[self._sop_class[-1] if len(self._sop_class) > 24 else "1"]
        message = (
            CMoveRQ(number, self._sop_class, destination) if record is CMoveRQ else record(number, self._sop_class)
        )
        data = keys if isinstance(keys, bytes) else write_attributes(keys, (), self._explicit)
        self.association.send(1, message, data)

    def cancel(self) -> None:
        self.association.send(1, CCancelRQ(1))

    def next(self) -> Answer:
        """The next response to the request; stores that come before it are answered."""
        while True:
            received = self.association.receive()
            assert received is not None
            message = received.message
            data = self.association.read_data_set(1 << 20)
            if isinstance(message, CStoreRQ):
                status = self.refuse(message.affected_sop_instance_uid)
                if not status:
                    self.stored[message.affected_sop_instance_uid] = data
                self.association.send(received.context.context_id, response_to(message, status))
                continue
            return Answer(message, read_attributes(data, self._explicit)[0])  # type: ignore[arg-type]

    def answers(self) -> list[Answer]:
        """All responses, to the final one."""
        found = [self.next()]
        while found[-1].status in (0xFF00, 0xFF01):
            found.append(self.next())
        return found


def identifier(level: str, **keys: str) -> Attributes:
    found = {LEVEL: Attribute(LEVEL, "CS", level)} if level else {}
    for keyword, value in keys.items():
        number = tag_of(keyword)
        assert number is not None
        found[number] = Attribute(number, dictionary_vr(number), value)
    return found


def ask(
    server: Running, sop_class: str, keys: Attributes | bytes, destination: str = "", **more: object
) -> list[Answer]:
    with Requestor(server, sop_class, **more) as requestor:  # type: ignore[arg-type]
        requestor.send(keys, destination)
        return requestor.answers()
