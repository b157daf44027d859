"""What an ``AssociationProtocol`` tells its user, one record an event."""

from typing import NamedTuple, TypeAlias

from dcmnet_cli.core.commands import Message
from dcmnet_cli.core.negotiation import Negotiated
from dcmnet_cli.core.pdu import PDU, AAssociateRQ, PDataTF
from dcmnet_cli.errors import RemoteProtocolError


class AssociationRequested(NamedTuple):
    """A-ASSOCIATE indication: answer with ``accept`` or ``reject``."""

    request: AAssociateRQ


class AssociationAccepted(NamedTuple):
    """A-ASSOCIATE confirmation, positive."""

    negotiated: Negotiated


class AssociationRejected(NamedTuple):
    """A-ASSOCIATE confirmation, negative; also when the provider on our side rejected a request by itself."""

    result: int
    source: int
    reason: int
    by_peer: bool = True


class MessageReceived(NamedTuple):
    """A DIMSE message. If it announces a data set, its fragments follow as events of their own."""

    context_id: int
    message: Message


class Fragment(NamedTuple):
    """A piece of the data set: ``data`` is borrowed until the next ``get_buffer``. ``is_last`` ends the message."""

    context_id: int
    data: memoryview
    is_last: bool


class ReleaseRequested(NamedTuple):
    """A-RELEASE indication: answer with ``respond_to_release``."""


class Released(NamedTuple):
    """A-RELEASE confirmation: the association ended in good order."""


class Aborted(NamedTuple):
    """The peer's A-ABORT: source 0 its user, 2 its provider."""

    source: int
    reason: int


class ConnectionClosed(NamedTuple):
    """The transport connection ended. ``in_order`` when the association was over by then.

    ``within_pdu``: in the middle of a PDU; ``waiting_for``: what was due, in words.
    """

    in_order: bool
    within_pdu: bool = False
    waiting_for: str = ""


class Violation(NamedTuple):
    """The peer broke the protocol; an A-ABORT is queued. ``error`` says how."""

    error: RemoteProtocolError


class NotDICOM(NamedTuple):
    """The first byte was no PDU type: ``first_bytes`` for whoever wants to recognise what it was."""

    first_bytes: bytes


class TimerExpired(NamedTuple):
    """``timer`` is acse, dimse, idle or release; ``waiting_for`` says what was due. Usually the user aborts."""

    timer: str
    seconds: float
    waiting_for: str


AssociationEvent: TypeAlias = (
    AssociationRequested
    | AssociationAccepted
    | AssociationRejected
    | MessageReceived
    | Fragment
    | ReleaseRequested
    | Released
    | Aborted
    | ConnectionClosed
    | Violation
    | NotDICOM
    | TimerExpired
)


class Trace(NamedTuple):
    """One PDU, PDV or DIMSE message as it went by, for observers; ``raw`` is absent for data sets."""

    is_sent: bool
    what: PDU | PDataTF | Message
    raw: bytes | None = None
    context_id: int = 0
