"""What tests of sending share: objects in files, plans of them, and a peer that treats each object as it is told."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from dcmnet_cli.core.commands import CEchoRQ, CStoreRQ
from dcmnet_cli.core.negotiation import AcceptorPolicy, answer
from dcmnet_cli.core.pdu import AAssociateAC, AAssociateRJ, AAssociateRQ
from dcmnet_cli.errors import AssociationAborted, ConnectionLost, DcmnetError
from dcmnet_cli.net.association import Association
from dcmnet_cli.net.listener import listen
from dcmnet_cli.net.server import SERVER_TIMERS, Server
from dcmnet_cli.net.service import ServiceRequest, answer_echo
from dcmnet_cli.ops.files.sources import find_sources
from dcmnet_cli.ops.results import Report
from dcmnet_cli.ops.storing.plan import Plan, make_plan
from dcmnet_cli.ops.storing.store import StoreOptions, store
from dcmnet_cli.ops.storing.transfer import Outcome, StoreResult
from dcmnet_cli.ops.target import Target, Timeouts
from tests.dicom_files import EXPLICIT, data_set, part10
from tests.scripted import ABORT_BY_USER
from tests.serving import running

QUICK = Timeouts(connect=2.0, acse=2.0, dimse=2.0, release=2.0, write=2.0)
BIG = 12 << 20
"""Bytes of pixel data that no pair of socket buffers on the loopback interface takes in."""
BUSY = AAssociateRJ(2, 3, 2)


def write_object(folder: Path, number: int, *, study: int = 1, pixels: int = 64, **more: str) -> Path:
    """An object with instance UID 1.2.3.4.NUMBER of study 1.2.3.STUDY."""
    path = folder / f"{number:04}.dcm"
    instance = f"1.2.3.4.{number}"
    path.write_bytes(
        part10(data_set(instance, study=f"1.2.3.{study}", pixels=bytes(pixels), **more), EXPLICIT, instance)
    )
    return path


def write_objects(folder: Path, count: int, *, studies: int = 1) -> list[str]:
    folder.mkdir(exist_ok=True)
    return [str(write_object(folder, number, study=number % studies)) for number in range(count)]


def plan_of(paths: Sequence[str], **options: object) -> Plan:
    return make_plan(find_sources(paths), **options)  # type: ignore[arg-type]


class Peer:
    """A server whose ``script`` has a word for each C-STORE, in order of arrival; after that everything is stored.

    A word is ``ok``, four hexadecimal digits of a status, ``abort``, ``drop`` (both after the object came in whole),
    ``abort during``, ``drop during`` (both before any of it is read) or ``echo``, a request where a response is due.
    ``requests`` are verdicts on association requests, in order: an A-ASSOCIATE-RJ, or None to accept.
    """

    def __init__(
        self,
        script: Sequence[str] = (),
        *,
        requests: Sequence[AAssociateRJ | None] = (),
        policy: AcceptorPolicy = AcceptorPolicy(any_abstract_syntax=True),  # noqa: B008 - immutable
        most: int = 0,
    ) -> None:
        self.script = list(script)
        self.requests = list(requests)
        self.received: list[str] = []
        """SOP Instance UIDs of all objects that came in whole, whatever the answer was."""
        self.kept: list[str] = []
        """Those that were answered with success or a warning."""
        self.associations = 0
        self.at_once = 0
        self.times: list[float] = []
        """When associations were requested."""
        self.callers: dict[str, list[str]] = {}
        self.data: dict[str, bytes] = {}
        self.keeps_data = False
        self.on_store: Callable[[ServiceRequest], None] = lambda _: None
        self._policy = policy
        self._most = most
        self._open: set[Association] = set()
        self._lock = threading.Lock()

    @contextmanager
    def serving(self) -> Iterator[Target]:
        server = Server(
            listen("127.0.0.1", 0),
            {CEchoRQ: answer_echo, CStoreRQ: self._store},
            decide=self._decide,
            timers=SERVER_TIMERS._replace(closing=0.05, dimse=5.0),
        )
        with running(server) as port:
            yield Target("127.0.0.1", port, "STORE", "TEST", timeouts=QUICK)

    def _decide(self, request: AAssociateRQ, association: Association) -> AAssociateAC | AAssociateRJ:
        with self._lock:
            self.times.append(time.monotonic())
            verdict = self.requests.pop(0) if self.requests else None
            self._open = {each for each in self._open if each.is_open}
            if verdict is None and self._most and len(self._open) >= self._most:
                verdict = BUSY
            if verdict is None:
                self.associations += 1
                self._open.add(association)
                self.at_once = max(self.at_once, len(self._open))
        return verdict or answer(request, self._policy)

    def _store(self, request: ServiceRequest) -> int | None:
        self.on_store(request)
        message = request.message
        assert isinstance(message, CStoreRQ)
        with self._lock:
            word = self.script.pop(0) if self.script else "ok"
        what, _, when = word.partition(" ")
        if when:
            self._end_early(request, what)
        pieces = [bytes(view) for batch in request.fragments() for view in batch]
        with self._lock:
            uid = message.affected_sop_instance_uid
            self.received.append(uid)
            self.callers.setdefault(request.association.transport.remote, []).append(uid)
            if self.keeps_data:
                self.data[uid] = b"".join(pieces)
        if word in ("abort", "drop"):
            self._end(request, word)
        if word == "echo":
            request.association.send(request.context.context_id, CEchoRQ(99, "1.2.840.10008.1.1"))
            return None
        status = 0 if word == "ok" else int(word, 16)
        if status < 0xA000 or status >> 12 == 0xB:
            with self._lock:
                self.kept.append(uid)
        if status:
            request.respond(status, error_comment="as scripted", offending_element=(0x00100020,))
        return status

    @staticmethod
    def _end_early(request: ServiceRequest, how: str) -> None:
        """Without reading what is still to come: a sender of much cannot get rid of it."""
        transport = request.association.transport
        if how == "abort":
            transport.write_buffers([ABORT_BY_USER], 1.0)
            time.sleep(0.05)
        transport.close(abort=True)
        raise ConnectionLost("as scripted", how="closed_here")

    @staticmethod
    def _end(request: ServiceRequest, how: str) -> None:
        if how == "abort":
            request.association.abort()
            raise AssociationAborted("as scripted", 0, 0, by_peer=False)
        request.association.transport.close(abort=True)
        raise ConnectionLost("as scripted", how="closed_here")


class Sent:
    """One ``store``, run to its end, and everything it told."""

    def __init__(self, target: Target, plan: Plan, options: StoreOptions = StoreOptions(), **more: object) -> None:  # noqa: B008
        self.outcomes: list[Outcome] = []
        self.report = Report("store", target.facts)
        self.result: StoreResult
        self.error: DcmnetError | None
        self.result, self.error = store(target, plan, options, self.report, self.outcomes.append, **more)  # type: ignore[arg-type]

    @property
    def kinds(self) -> list[str]:
        """The outcomes in order of instance number."""
        return [each.kind for each in sorted(self.outcomes, key=lambda each: each.label)]

    def counts(self) -> dict[str, int]:
        return {kind: number for kind, number in self.result.tally.counts.items() if number}


def check_nothing_lost(sent: Sent, plan: Plan, confirmed: int = 0) -> None:
    """As many outcomes as there is in the plan, every instance once."""
    expected = sorted(
        [each.source.label for batch in plan.batches for each in batch.instances]
        + [each.source.label for each in plan.unfit]
    )
    told = sorted(each.label for each in sent.outcomes if each.kind != "confirmed")
    assert told == expected
    assert sent.result.tally.total == len(expected) + confirmed
