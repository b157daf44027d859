"""What tests of queries share: answers in few words, and a query SCP that answers as a test tells it."""

import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from dcmnet_cli.core import uids
from dcmnet_cli.core.attributes import vr_of
from dcmnet_cli.core.commands import CCancelRQ, CFindRQ
from dcmnet_cli.core.identifier import Element, decode, encode
from dcmnet_cli.core.negotiation import AcceptorPolicy
from dcmnet_cli.net.listener import listen
from dcmnet_cli.net.server import Server
from dcmnet_cli.net.service import ServiceRequest
from tests.scripted import PATIENCE, QUICK
from tests.serving import running

LEVEL, CHARACTER_SET, STUDY_DATE, PATIENT_NAME, PATIENT_ID, STUDY_UID = (
    0x00080052,
    0x00080005,
    0x00080020,
    0x00100010,
    0x00100020,
    0x0020000D,
)
FIND_CLASSES = (
    uids.STUDY_ROOT_FIND,
    uids.PATIENT_ROOT_FIND,
    uids.PATIENT_STUDY_ONLY_FIND,
    uids.MODALITY_WORKLIST_FIND,
)


def element(tag: int, value: str | bytes) -> Element:
    return Element(tag, vr_of(tag), value.encode() if isinstance(value, str) else value)


def answer(name: str | bytes = "DOE^JANE", date: str = "20250114", **more: str) -> list[Element]:
    """A study level answer; ``more`` by keyword."""
    from dcmnet_cli.core.attributes import tag_of

    elements = [element(LEVEL, "STUDY"), element(STUDY_DATE, date), element(PATIENT_NAME, name)]
    for keyword, value in more.items():
        tag = tag_of(keyword)
        assert tag is not None
        elements.append(element(tag, value))
    return elements


Script = Callable[[ServiceRequest, dict[int, Element], "Archive"], int | None]


class Archive:
    """A query SCP. Every request goes to ``script``: the service request, its decoded identifier, and this object."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.queries: list[dict[int, Element]] = []
        self.requests: list[CFindRQ] = []
        self.extended: list[dict[str, bytes]] = []
        self.failures: list[BaseException] = []
        self.cancelled = threading.Event()

    def handle(self, request: ServiceRequest) -> int | None:
        explicit = request.context.transfer_syntax != uids.IMPLICIT_VR_LITTLE_ENDIAN
        assert isinstance(request.message, CFindRQ)
        data = request.read_data_set()
        if request.context.transfer_syntax == uids.DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN:
            data = zlib.decompressobj(-15).decompress(data)
        identifier = decode(data, explicit)
        self.requests.append(request.message)
        self.queries.append(identifier)
        asked = request.association.requested.user_information.extended
        self.extended.append({item.sop_class_uid: item.information for item in asked})
        return self.script(request, identifier, self)

    def await_cancel(self, request: ServiceRequest) -> None:
        """Wait for the C-CANCEL of a request, and check that it names it."""
        deadline = time.monotonic() + PATIENCE
        while (message := request.association.peek()) is None:
            assert time.monotonic() < deadline, "no C-CANCEL came"
            time.sleep(0.005)
        assert isinstance(message, CCancelRQ)
        assert message.message_id_being_responded_to == request.message.message_id  # type: ignore[union-attr]
        request.association.receive()
        self.cancelled.set()


def pending(request: ServiceRequest, elements: Sequence[Element], status: int = 0xFF00) -> None:
    """Send one answer."""
    explicit = request.context.transfer_syntax != uids.IMPLICIT_VR_LITTLE_ENDIAN
    data = encode(elements, explicit)
    if request.context.transfer_syntax == uids.DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN:
        deflater = zlib.compressobj(wbits=-15)
        data = deflater.compress(data) + deflater.flush()
        data += b"\0" * (len(data) % 2)
    request.respond(status, data)


def answering(*answers: Sequence[Element], status: int = 0, **more: object) -> Script:
    """All of ``answers``, then a final status; ``more`` are elements of the final response."""

    def script(request: ServiceRequest, identifier: dict[int, Element], archive: Archive) -> None:
        for each in answers:
            pending(request, each)
        request.respond(status, **more)

    return script


@contextmanager
def archive(
    script: Script,
    *,
    syntaxes: tuple[str, ...] = (),
    extended: Callable[[bytes], bytes | None] | None = None,
    classes: Sequence[str] = FIND_CLASSES,
) -> Iterator[tuple[int, Archive]]:
    """A query SCP on the loopback interface: its port, and what it heard."""
    told = Archive(script)
    policy = AcceptorPolicy(
        abstract_syntaxes=dict.fromkeys(classes, syntaxes),
        extended={} if extended is None else dict.fromkeys(classes, extended),
    )
    server = Server(listen("127.0.0.1", 0), {CFindRQ: told.handle}, policy=policy, timers=QUICK)
    with running(server) as port:
        yield port, told
