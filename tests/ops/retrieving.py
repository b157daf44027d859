"""An archive in this process for tests of retrieval: it answers C-FIND from a list, and moves as a test scripts it."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from dcmnet_cli.core import uids
from dcmnet_cli.core.commands import CFindRQ, CGetRQ, CMoveRQ, CStoreRQ
from dcmnet_cli.core.identifier import Element, decode, encode, text
from dcmnet_cli.core.negotiation import AcceptorPolicy, answer, own_information, propose
from dcmnet_cli.core.pdu import AAssociateAC, AAssociateRJ, AAssociateRQ
from dcmnet_cli.net.association import Association
from dcmnet_cli.net.server import Server
from dcmnet_cli.net.service import ServiceRequest
from dcmnet_cli.net.transport import connect, listen
from dcmnet_cli.ops.querying.deflation import unpacked
from dcmnet_cli.ops.target import Target, Timeouts
from tests.dicom_files import CT, data_set
from tests.scripted import PATIENCE
from tests.serving import running

STUDY, SERIES, OTHER = "1.2.3", "1.2.3.1", "1.2.3.2"
SR = "1.2.840.10008.5.1.4.1.1.88.11"
ELE, ILE = uids.EXPLICIT_VR_LITTLE_ENDIAN, uids.IMPLICIT_VR_LITTLE_ENDIAN
STORED = tuple(f"1.2.3.1.{number}" for number in range(1, 5))
LEVEL = 0x00080052
_UNIQUE = {"STUDY": 0x0020000D, "SERIES": 0x0020000E, "IMAGE": 0x00080018}
QUICK = Timeouts(connect=2.0, acse=2.0, dimse=2.0, release=1.0, write=2.0)


class Held(NamedTuple):
    """One instance in the archive."""

    instance: str
    series: str = SERIES
    study: str = STUDY
    sop_class: str = CT
    accession: str = "A1"
    modality: str = "CT"

    def values(self) -> dict[int, str]:
        return {
            0x00080018: self.instance,
            0x00080016: self.sop_class,
            0x0020000E: self.series,
            0x00200011: self.series.rpartition(".")[2],
            0x00080060: self.modality,
            0x0020000D: self.study,
            0x00080050: self.accession,
            0x00081030: "CHEST",
            0x00080020: "20250114",
            0x00100020: "P1",
        }


HOLDINGS = tuple(Held(uid) for uid in STORED)


def answers(holdings: Sequence[Held], identifier: bytes) -> list[bytes]:
    """What a hierarchical C-FIND in explicit VR finds: exact matches of what has a value, one answer an entity."""
    keys = decode(identifier, True)
    wanted = {tag: text(each, "") for tag, each in keys.items() if tag != LEVEL and each.items is None}
    level = text(keys[LEVEL], "")
    found: dict[str, bytes] = {}
    for held in holdings:
        values = held.values()
        if all(not value or values.get(tag) in value.split("\\") for tag, value in wanted.items()):
            own = values[_UNIQUE[level]]
            elements = [Element(t, keys[t].vr, values[t].encode()) for t in wanted if t in values]
            found.setdefault(own, encode([*elements, Element(LEVEL, "CS", level.encode())], True))
    return list(found.values())


class Sender:
    """The archive's side of the sub-operations: an association to the destination."""

    def __init__(self, port: int, *, called: str = "HERE") -> None:
        contexts = propose([(CT, (ELE,)), (SR, (ELE,))])
        request = AAssociateRQ(called, "ARCHIVE", contexts, own_information())
        self.association = Association.request(connect("127.0.0.1", port, timeout=PATIENCE), request)

    def store(self, instance: str, sop_class: str = CT) -> int:
        """Send one object; its status."""
        context = self.association.negotiated.find(sop_class)
        assert context is not None
        message = CStoreRQ(self.association.next_message_id(), sop_class, instance)
        answer = self.association.call(context.context_id, message, data_set(instance, sop_class, STUDY))
        return answer.status

    def close(self) -> None:
        self.association.release()


def send_all(port: int, instances: Sequence[str] = STORED) -> None:
    """Everything over one association."""
    sender = Sender(port)
    for instance in instances:
        assert sender.store(instance) == 0
    sender.close()


Handle = Callable[[ServiceRequest], int | None]


class Archive:
    """What a test scripts of it, and what it was asked."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.identifiers: list[dict[int, str]] = []
        self.destinations: list[str] = []
        self.queries: list[str] = []

    @property
    def target(self) -> Target:
        return Target("127.0.0.1", self.port, "ARCHIVE", "HERE", timeouts=QUICK)


@contextmanager
def archive(
    *,
    move: Handle | None = None,
    get: Handle | None = None,
    holdings: Sequence[Held] = HOLDINGS,
    find_status: int = 0,
    policy: AcceptorPolicy | None = None,
    answers_roles: bool = True,
) -> Iterator[Archive]:
    """Serve C-FIND, and C-MOVE or C-GET by the handlers given."""
    sockets = listen("127.0.0.1", 0)
    found = Archive(sockets[0].getsockname()[1])

    def find(request: ServiceRequest) -> int:
        identifier = request.read_data_set()
        found.queries.append(text(decode(identifier, True)[LEVEL], ""))
        if find_status:
            return find_status
        for each in answers(holdings, identifier):
            request.respond(0xFF00, each)
        return 0

    def noting(handle: Handle) -> Handle:
        def noted(request: ServiceRequest) -> int | None:
            keys = decode(unpacked(request.read_data_set(), request.context.transfer_syntax, 1 << 16), True)
            found.identifiers.append({tag: text(each, "") for tag, each in keys.items()})
            if isinstance(request.message, CMoveRQ):
                found.destinations.append(request.message.move_destination)
            return handle(request)

        return noted

    handlers: dict[type, Handle] = {CFindRQ: find}
    classes: dict[str, tuple[str, ...]] = {uids.STUDY_ROOT_FIND: (ELE,)}
    if move is not None:
        handlers[CMoveRQ] = noting(move)
        classes[uids.STUDY_ROOT_MOVE] = (ELE,)
    if get is not None:
        handlers[CGetRQ] = noting(get)
        classes |= {uids.STUDY_ROOT_GET: (ELE,), CT: (), SR: ()}
    accepts = AcceptorPolicy(abstract_syntaxes=classes, grants_scp_role=lambda uid: uid in (CT, SR))

    def decide(request: AAssociateRQ, association: Association) -> AAssociateAC | AAssociateRJ:
        agreed = answer(request, policy or accepts)
        if answers_roles or isinstance(agreed, AAssociateRJ):
            return agreed
        return agreed._replace(user_information=agreed.user_information._replace(roles=()))

    server = Server(sockets, handlers, decide=decide)
    with running(server):
        yield found


def store_back(request: ServiceRequest, instance: str, sop_class: str = CT) -> int:
    """A sub-operation of C-GET: one object over the association that asked; its status."""
    association = request.association
    fit = [each for each in association.negotiated.contexts.values() if each.abstract_syntax == sop_class]
    context = next(each for each in fit if each.transfer_syntax == ELE)
    message = CStoreRQ(association.next_message_id(), sop_class, instance)
    return association.call(context.context_id, message, data_set(instance, sop_class, STUDY)).status


def counts(
    remaining: int | None, completed: int | None, failed: int | None = 0, warning: int | None = 0
) -> dict[str, Any]:
    """The four counts of a response."""
    return {
        "number_of_remaining_suboperations": remaining,
        "number_of_completed_suboperations": completed,
        "number_of_failed_suboperations": failed,
        "number_of_warning_suboperations": warning,
    }


def failed_list(*instances: str) -> bytes:
    """A Failed SOP Instance UID List."""
    return encode([Element(0x00080058, "UI", "\\".join(instances).encode())], True)


def later(seconds: float, work: Callable[[], object]) -> None:
    """Do something in the background, after a while."""

    def run() -> None:
        time.sleep(seconds)
        work()

    threading.Thread(target=run, daemon=True).start()
