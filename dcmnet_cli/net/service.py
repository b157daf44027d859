"""What a service handler gets to see: one request on an accepted association, and how to answer it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

from dcmnet_cli.core.commands import (
    DATA_SET,
    NO_DATA_SET,
    CCancelRQ,
    CEchoRQ,
    CFindRQ,
    CGetRQ,
    CMoveRQ,
    CStoreRQ,
    NSetRQ,
    Request,
    UnknownMessage,
    message_name,
    respond,
)
from dcmnet_cli.core.negotiation import AcceptedContext
from dcmnet_cli.core.pdata import Buffer, Buffers
from dcmnet_cli.net.association import Association, Received

SUCCESS = 0x0000
PROCESSING_FAILURE = 0x0110
SOP_CLASS_NOT_SUPPORTED = 0x0122
UNRECOGNIZED_OPERATION = 0x0211
NO_DATA_SET_STATUS = 0xA900
UNABLE_TO_PROCESS = 0xC000

_C_REQUESTS = frozenset((CStoreRQ, CFindRQ, CGetRQ, CMoveRQ, CEchoRQ))
_NEED_DATA_SET = frozenset((CStoreRQ, CFindRQ, CGetRQ, CMoveRQ, NSetRQ))


class ServiceRequest:
    """One DIMSE request of the peer, handed to the handler of its service.

    The data set is read with ``fragments`` or ``read_data_set``; what the handler leaves of it is dropped. The handler
    returns the final status, or None when it has sent the final response itself with ``respond`` or ended the
    association.
    """

    def __init__(self, association: Association, context: AcceptedContext, message: Request) -> None:
        self.association = association
        self.context = context
        self.message = message
        self.is_answered = False
        self._was_cancelled = False
        self._expected: tuple[int, Buffers | None] = (0, None)

    def fragments(self) -> Iterator[list[memoryview]]:
        """The data set as it arrives: lists of views, each list borrowed until the next (see ``Association``)."""
        return self.association.fragments()

    def read_data_set(self, limit: int = 1 << 20) -> bytes:
        """The whole data set. Longer ones end the association, so this is for identifiers, not for objects."""
        return self.association.read_data_set(limit)

    def expect(self, status: int) -> None:
        """``respond`` will most likely be called with nothing but ``status``: that response is made now.

        Worth its while before the data set is read: the peer is busy sending then, and waits later.
        """
        response = respond(self.message, status)
        self._expected = status, self.association.prepare_response(self.context.context_id, response)

    def respond(self, status: int, data_set: Buffer | None = None, **elements: object) -> None:
        """Send a response: pending ones as often as needed, one final one. ``elements`` as in ``core.commands``."""
        self.association.drain()
        expected, prepared = self._expected
        if prepared is not None and status == expected and data_set is None and not elements:
            self.association.send_prepared(prepared)
        else:
            if data_set is not None:
                elements["command_data_set_type"] = DATA_SET
            response = respond(self.message, status, **elements)
            self.association.send(self.context.context_id, response, data_set or b"")
        self.is_answered = status not in (0xFF00, 0xFF01)

    def respond_alike(self, status: int, data_sets: Sequence[bytes]) -> None:
        """Send a pending response with each of ``data_sets``, identifiers of one query's matches."""
        self.association.drain()
        response = respond(self.message, status, command_data_set_type=DATA_SET)
        self.association.send_alike(self.context.context_id, response, data_sets)

    def is_cancelled(self) -> bool:
        """Whether the peer has sent a C-CANCEL for this request by now. Never waits; cheap enough for every response.

        Any other message stays where it is, and a C-CANCEL for another request is dropped as one that comes too late
        (PS3.7 9.3.2.3). What is left of our own data set is dropped. Raises as ``Association.peek`` does.
        """
        while isinstance(message := self.association.peek(), CCancelRQ):
            self.association.receive()
            self.cancelled(message)
        return self._was_cancelled

    def cancelled(self, message: CCancelRQ) -> None:
        """Take note of a C-CANCEL that came where a response was due (C-GET); ``is_cancelled`` tells if it was ours."""
        if message.message_id_being_responded_to == self.message.message_id:
            self._was_cancelled = True


Handler: TypeAlias = Callable[[ServiceRequest], int | None]
Handlers: TypeAlias = Mapping[type, Handler]
"""Handlers by request record: ``{CEchoRQ: answer_echo}``."""


def answer_echo(request: ServiceRequest) -> int:
    """C-ECHO: the peer lives, and so do we (PS3.7 9.1.5)."""
    return SUCCESS


def serve(association: Association, handlers: Handlers, report: Callable[[Exception], None]) -> None:
    """Answer the peer's requests until it releases. Raises what ends the association otherwise.

    A handler that raises costs its request a failure status and goes to ``report``; the association lives on. So does
    one that neither responds nor returns a status: success is never assumed.
    """
    while association.is_open and (received := association.receive()) is not None:
        if isinstance(received.message, CCancelRQ):
            continue  # for an operation that is over: no effect, no response (PS3.7 9.3.2.3)
        dispatch(association, received, handlers, report)


def dispatch(
    association: Association, received: Received, handlers: Handlers, report: Callable[[Exception], None]
) -> None:
    """Answer one request: by its handler, or with the status that tells why there is none."""
    message = received.message
    if isinstance(message, UnknownMessage):
        _refuse_unknown(association, received, message)
        return
    request = ServiceRequest(association, received.context, message)  # type: ignore[arg-type]  # responses stay in core
    refusal = _refusal(request, handlers)
    if refusal is not None:
        request.respond(refusal[0], error_comment=refusal[1])
        return
    try:
        status = handlers[type(message)](request)
        if status is None and not request.is_answered and association.is_open:
            raise TypeError(f"the handler of {message_name(message)} gave no status")
    except Exception as error:  # a handler is somebody else's code, and one object must not cost the association
        if not association.is_open:
            raise
        report(error)
        status = UNABLE_TO_PROCESS if type(message) in _C_REQUESTS else PROCESSING_FAILURE
    if status is not None and not request.is_answered and association.is_open:
        request.respond(status)


def _refusal(request: ServiceRequest, handlers: Handlers) -> tuple[int, str] | None:
    """Why a request cannot go to a handler, or None: status and Error Comment (PS3.7 annex C)."""
    message, context = request.message, request.context
    record = type(message)
    if record in _C_REQUESTS and getattr(message, "affected_sop_class_uid", "") != context.abstract_syntax:
        return SOP_CLASS_NOT_SUPPORTED, "SOP class is not that of the presentation context"
    if record not in handlers or not request.association.serves(context):
        return UNRECOGNIZED_OPERATION, "operation not offered here"
    if message.command_data_set_type == NO_DATA_SET and record in _NEED_DATA_SET:
        return NO_DATA_SET_STATUS, "the request came without a data set"
    return None


def _refuse_unknown(association: Association, received: Received, message: UnknownMessage) -> None:
    """An operation that PS3.7 does not know gets 0211H, under its own number."""
    association.drain()
    if message.message_id is None or message.command_field & 0x8000:
        return
    answer = UnknownMessage(
        command_field=message.command_field | 0x8000,
        message_id_being_responded_to=message.message_id,
        status=UNRECOGNIZED_OPERATION,
    )
    association.send(received.context.context_id, answer)
