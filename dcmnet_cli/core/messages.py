"""DIMSE messages out of PDVs: which fragment may follow which, and which response answers what (PS3.7 6.3, PS3.8 E)."""

from collections.abc import Mapping

from dcmnet_cli.core import command_set
from dcmnet_cli.core.commands import COMMAND_FIELDS, CCancelRQ, Message, UnknownMessage, message_name
from dcmnet_cli.core.events import Fragment, MessageReceived
from dcmnet_cli.core.negotiation import AcceptedContext
from dcmnet_cli.core.pdata import COMMAND, LAST, PDVHeader, Piece
from dcmnet_cli.errors import InvalidCommandSet, LocalProtocolError, UnexpectedMessage

_UNEXPECTED_PARAMETER = 5  # reason of an A-ABORT (PS3.8 table 9-26)
_INVALID_PARAMETER = 6


class Outstanding:
    """Requests of one direction that still await their final response: context and request by message id."""

    def __init__(self) -> None:
        self._requests: dict[int, tuple[int, Message]] = {}

    def __bool__(self) -> bool:
        return bool(self._requests)

    def add(self, context_id: int, request: Message) -> None:
        """Register a request to be sent. A C-CANCEL has no response and a response needs none.

        Raises LocalProtocolError for a message id that is in use (PS3.7 9.3.1.1).
        """
        message_id = getattr(request, "message_id", None)
        if message_id is None:
            return
        if message_id in self._requests:
            raise LocalProtocolError(f"message id {message_id} still awaits its response")
        self._requests[message_id] = context_id, request

    def settle(self, context_id: int, response: Message) -> None:
        """Check that ``response`` answers one of our requests; a final status ends it. Raises UnexpectedMessage."""
        if isinstance(response, CCancelRQ):
            return
        answered = getattr(response, "message_id_being_responded_to", None)
        if answered is None:
            return
        if answered not in self._requests:
            raise UnexpectedMessage(f"{message_name(response)} for message {answered}, which awaits none", 2)
        asked_on, request = self._requests[answered]
        expected = COMMAND_FIELDS[type(request)] | 0x8000
        got = response.command_field if isinstance(response, UnknownMessage) else COMMAND_FIELDS[type(response)]
        if got != expected:
            raise UnexpectedMessage(f"{message_name(response)} in answer to {message_name(request)}", 2)
        if context_id != asked_on:
            name = message_name(response)
            raise UnexpectedMessage(f"{name} on presentation context {context_id}, asked for on {asked_on}", 2)
        status = getattr(response, "status", None)
        if status not in (0xFF00, 0xFF01):
            del self._requests[answered]

    def describe(self) -> str:
        """What is awaited, in words; empty when nothing is."""
        waiting = [f"the response to {message_name(r)} (message {i})" for i, (_, r) in self._requests.items()]
        return " and ".join(waiting)


class Assembler:
    """Follows the PDVs of one direction: gathers command sets, passes data set fragments through as they come."""

    def __init__(self, contexts: Mapping[int, AcceptedContext], notes: list[str]) -> None:
        self.contexts = contexts
        self._notes = notes
        self._decoder = command_set.Decoder(notes)
        self._command = bytearray()
        self._context_id = 0  # of the message under way, 0 between messages
        self._message: Message | None = None  # whose data set is under way
        self.raw_command = b""

    @property
    def in_message(self) -> bool:
        return self._context_id != 0

    def describe(self) -> str:
        """What is still to come of the message under way, in words; empty between messages."""
        if self._message is not None:
            return f"the rest of the data set of {message_name(self._message)}"
        return "the rest of a command set" if self._context_id else ""

    @property
    def data_set_context(self) -> int:
        """The presentation context whose data set is under way, 0 if none is."""
        return self._context_id if self._message is not None else 0

    def end_data_set(self) -> None:
        """The last fragment of the data set has gone by."""
        self._message, self._context_id = None, 0

    def begin(self, pdv: PDVHeader) -> None:
        """Check that a PDV may come now. Raises UnexpectedMessage or InvalidCommandSet."""
        if pdv.context_id not in self.contexts:
            raise UnexpectedMessage(
                f"a PDV for presentation context {pdv.context_id}, which was not accepted", _UNEXPECTED_PARAMETER
            )
        is_command = bool(pdv.control & COMMAND)
        if self._context_id and pdv.context_id != self._context_id:
            raise UnexpectedMessage(
                f"a fragment for presentation context {pdv.context_id} within a message of context {self._context_id}",
                _UNEXPECTED_PARAMETER,
            )
        if is_command and self._message is not None:
            raise UnexpectedMessage(
                f"a command set where the data set of {message_name(self._message)} is due", _UNEXPECTED_PARAMETER
            )
        if not is_command and self._message is None:
            raise UnexpectedMessage("a data set that no command announced", _UNEXPECTED_PARAMETER)
        if is_command and len(self._command) + pdv.length > command_set.COMMAND_SET_LIMIT:
            raise InvalidCommandSet(
                f"a command set longer than {command_set.COMMAND_SET_LIMIT} bytes", _INVALID_PARAMETER
            )
        self._context_id = pdv.context_id
        if pdv.length % 2:
            self._notes.append("fragment of odd length accepted")

    def add(self, piece: Piece) -> MessageReceived | Fragment | None:
        """What a piece completes or carries. Raises InvalidCommandSet."""
        is_last = piece.ends_pdv and bool(piece.control & LAST)
        if self._message is not None:
            if is_last:
                self.end_data_set()
            elif not piece.data:
                return None
            return Fragment(piece.context_id, piece.data, is_last)
        self._command += piece.data
        if not is_last:
            return None
        raw = bytes(self._command)
        self._command.clear()
        return self.add_command(piece.context_id, raw)

    def add_command(self, context_id: int, raw: bytes) -> MessageReceived:
        """A command set that has come whole. Raises InvalidCommandSet."""
        self.raw_command = raw
        received = MessageReceived(context_id, self._decoder.decode(raw))
        self.begin_message(received)
        return received

    def begin_message(self, received: MessageReceived) -> None:
        """A command set has come whole: what it announces is due next."""
        has_data_set = command_set.has_data_set(received.message)
        self._message = received.message if has_data_set else None
        self._context_id = received.context_id if has_data_set else 0
