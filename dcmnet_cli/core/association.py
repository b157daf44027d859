"""AssociationProtocol: one association, either role, as bytes and times in, events and lists of buffers out.

The user's loop: fill ``get_buffer()``, report ``buffer_updated``, drain ``next_event()``; after every verb and every
drained event write ``data_to_send()``; wait until ``deadline()`` at most, then call ``timeout``; close the transport
when ``is_over``. Every state change goes through the table of ``core.state``, in ``core.upper_layer``.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from dcmnet_cli.core import codec, command_set, negotiation
from dcmnet_cli.core.command_set import COMMAND_SET_LIMIT
from dcmnet_cli.core.commands import COMMAND_FIELDS, Message, Response
from dcmnet_cli.core.events import (
    AssociationEvent,
    MessageReceived,
    NotDICOM,
    TimerExpired,
    Trace,
)
from dcmnet_cli.core.messages import Outstanding
from dcmnet_cli.core.pdata import COMMAND, Buffers, Chunks, chunks_of, frame, frame_command
from dcmnet_cli.core.pdu import (
    PDU_NAMES,
    AAssociateAC,
    AAssociateRJ,
    AAssociateRQ,
    PDataTF,
)
from dcmnet_cli.core.state import TRANSITIONS, Action, Event, State
from dcmnet_cli.core.upper_layer import UpperLayer
from dcmnet_cli.errors import InvalidPDU, LocalProtocolError, RemoteProtocolError, UnexpectedMessage

P_DATA_LIMIT = 1 << 28
"""Longest P-DATA-TF we read. Peers ignore the maximum we announce; nothing is allocated for it, yet a stream that
declares more than this has lost its framing."""

_PROGRESS = 1 << 16  # bytes that count as a sign of life within one long message
_PDU_EVENTS = {
    1: Event.ASSOCIATE_RQ_RECEIVED,
    2: Event.ASSOCIATE_AC_RECEIVED,
    3: Event.ASSOCIATE_RJ_RECEIVED,
    4: Event.P_DATA_RECEIVED,
    5: Event.RELEASE_RQ_RECEIVED,
    6: Event.RELEASE_RP_RECEIVED,
    7: Event.ABORT_RECEIVED,
}
_REFUSING = frozenset((Action.AA_1, Action.AA_7, Action.AA_8))
_RELEASING = frozenset((State.STA7, State.STA9, State.STA10, State.STA11))


class Timers(NamedTuple):
    """Seconds; None is no limit. ``dimse`` and ``idle`` measure silence, the others the whole wait.

    ``closing`` is ARTIM in Sta13: how long the peer gets to close a connection that is over.
    """

    acse: float | None = 30.0
    dimse: float | None = 60.0
    release: float | None = 10.0
    idle: float | None = None
    closing: float = 1.0


DEFAULT_TIMERS = Timers()


class AssociationProtocol(UpperLayer):
    """One association. ``maximum_length`` is what we announce; ``trace`` is called with every PDU, PDV and message.

    ``notes`` collects what was tolerated. No method blocks; misuse raises LocalProtocolError, and what the peer does
    wrong becomes a Violation event, never an exception.
    """

    def __init__(
        self,
        *,
        is_requestor: bool,
        timers: Timers = DEFAULT_TIMERS,
        trace: Callable[[Trace], None] | None = None,
        buffer_size: int = 1 << 18,
    ) -> None:
        super().__init__(is_requestor, trace, buffer_size)
        self.largest_sent_pdu = 0  # our own limit for peers that announce more than they can take; 0 is none
        self._timers = timers
        self._encoder = command_set.Encoder()
        self._outstanding = Outstanding()
        self._announced = 0  # the maximum length we told the peer
        self._longest_command = COMMAND_SET_LIMIT - 6  # that the quick way takes
        self._received = 0  # bytes of fragments since the last progress
        self._pdu_type = 0  # of the PDU under way, 0 between PDUs
        self._skipping = False
        self._pending: tuple[bytes, MessageReceived] | None = None  # the last pending response, as it was on the wire

    # --- verbs: the association -------------------------------------------------------------------------------

    def propose(self, request: AAssociateRQ) -> None:
        """A-ASSOCIATE request; it leaves once ``connected`` is called."""
        self.request = request
        self._announce(request.user_information.maximum_length)
        self._process(Event.ASSOCIATE_REQUEST)

    def _announce(self, maximum_length: int | None) -> None:
        self._announced = maximum_length or 0
        self._longest_command = min(self._announced or COMMAND_SET_LIMIT, COMMAND_SET_LIMIT) - 6

    def connected(self, now: float) -> None:
        """The transport connection is open. Starts the ACSE timer, for the whole of the request or its answer."""
        self._now = self._since = now
        self._process(Event.TRANSPORT_CONFIRMED if self.is_requestor else Event.TRANSPORT_INDICATION)

    def accept(self, answer: AAssociateAC, now: float) -> None:
        """A-ASSOCIATE response, positive. Where nothing fits the peer's maximum length it becomes a Violation."""
        if self.request is None or self.state != State.STA3:
            raise LocalProtocolError(f"associate accept in {self.state}")
        self._now = now
        try:
            negotiated = negotiation.settle(self.request, answer)
        except RemoteProtocolError as error:
            self._refuse(Event.INVALID_PDU, error)
            return
        self._announce(answer.user_information.maximum_length)
        self._process(Event.ASSOCIATE_ACCEPT, answer)
        self._establish(negotiated)

    def reject(self, answer: AAssociateRJ, now: float) -> None:
        """A-ASSOCIATE response, negative. The peer is given the closing time to hang up."""
        self._now = now
        self._process(Event.ASSOCIATE_REJECT, answer)

    def release(self, now: float) -> None:
        """A-RELEASE request. Data of the peer may still arrive before Released."""
        self._now = now
        self._process(Event.RELEASE_REQUEST)

    def respond_to_release(self, now: float) -> None:
        """A-RELEASE response, the only answer there is."""
        self._now = now
        self._process(Event.RELEASE_RESPONSE)

    def abort(self, now: float) -> None:
        """A-ABORT as service user, from any state; before the association request it just ends the connection."""
        self._now = now
        if (Event.ABORT_REQUEST, self.state) in TRANSITIONS:
            self._process(Event.ABORT_REQUEST)
        else:
            self._close()

    # --- verbs: messages ---------------------------------------------------------------------------------------

    def send_message(self, context_id: int, message: Message, now: float) -> None:
        """Queue a command set. If it announces a data set, send that with ``data_set_batches`` next."""
        self._now = self._since = now
        self._process(Event.P_DATA_REQUEST)
        if self.negotiated is None or context_id not in self.negotiated.contexts:
            raise LocalProtocolError(f"presentation context {context_id} was not accepted")
        raw = self._encoder.encode(message)
        if COMMAND_FIELDS.get(type(message), 0x8000) < 0x8000:
            self._outstanding.add(context_id, message)
        framed = frame_command(context_id, raw, self._peer_maximum_length())
        self._trace_pdvs(framed)
        self._out += framed
        if self._trace is not None:
            self._trace(Trace(True, message, raw, context_id))

    def prepare_response(self, context_id: int, response: Response) -> Buffers:
        """The bytes of a response without a data set, for ``send_prepared`` when it is due. Nothing is queued."""
        return frame_command(context_id, self._encoder.encode(response), self._peer_maximum_length())

    def send_prepared(self, prepared: Buffers, now: float) -> None:
        """Queue what ``prepare_response`` made. Nobody hears of it by ``trace``: not for those who want to."""
        self._now = self._since = now
        self._process(Event.P_DATA_REQUEST)
        self._out += prepared

    def send_alike(self, context_id: int, response: Message, data_sets: Iterable[bytes], now: float) -> bytes:
        """One response again and again, with one of ``data_sets`` each: the bytes to be written for all of them.

        Nothing of it is traced.
        """
        self.send_message(context_id, response, now)
        command = b"".join(self.data_to_send())
        maximum = self._peer_maximum_length()
        parts: Buffers = []
        for data in data_sets:
            parts.append(command)
            for batch in frame(context_id, 0, chunks_of(data), maximum):
                parts += batch
        return b"".join(parts)

    def data_set_batches(self, context_id: int, chunks: Chunks) -> Iterator[Buffers]:
        """The data set of the message just sent, as batches of buffers to be written one after the other.

        The first batch belongs behind ``data_to_send()``. Raises as ``pdata.frame`` does.
        """
        for batch in frame(context_id, 0, chunks, self._peer_maximum_length()):
            self._trace_pdvs(batch)
            yield batch

    def _trace_pdvs(self, batch: Buffers) -> None:
        if self._trace is not None:
            for header in map(bytes, batch[::2]):
                pdv = PDataTF(header[10], header[11], int.from_bytes(header[6:10], "big") - 2)
                self._trace(Trace(True, pdv, None, pdv.context_id))

    def data_to_send(self) -> Buffers:
        """Buffers to be written now, in order. Each call hands them out once."""
        out, self._out = self._out, []
        return out

    def _peer_maximum_length(self) -> int:
        peers = self.negotiated.peer_maximum_length if self.negotiated is not None else 0
        ours = self.largest_sent_pdu
        return min(peers, ours) if peers and ours else peers or ours

    # --- bytes in ----------------------------------------------------------------------------------------------

    def get_buffer(self) -> memoryview:
        """Where to receive into. Voids every fragment handed out before."""
        return self._receiver.get_buffer()

    def buffer_updated(self, count: int, now: float) -> None:
        """``count`` bytes were received into the buffer. Once the association is over they are dropped."""
        if self.is_over:
            return
        if self.state is State.STA6 and self._is_idle():  # silence within a message counts from its first byte
            self._since = now
        self._receiver.buffer_updated(count)
        self._now = now

    def eof_received(self, now: float) -> None:
        """The peer closed its side, or the connection broke."""
        self._now = now
        if not self.is_over:
            self._due = self.waiting_for()
            self._process(Event.TRANSPORT_CLOSED)
            self._close()

    def next_event(self) -> AssociationEvent | None:
        """The next event, or None when more bytes are needed. To be drained before ``get_buffer`` is called again."""
        while not self._events and not self.is_over:
            try:
                if not self._advance_quickly() and not self._advance():
                    break
            except InvalidPDU as error:
                self._skipping = True  # a length was wrong: where the next PDU begins is anyone's guess
                self._refuse(Event.INVALID_PDU, error)
            except RemoteProtocolError as error:
                self._refuse(Event.INVALID_PDU, error)
        return self._events.pop(0) if self._events else None

    def next_fragments(self) -> tuple[list[memoryview], bool]:
        """What the buffer holds of the data set under way, borrowed like ``Fragment.data``, and whether it ended.

        The quick way through bulk data, to be tried before ``next_event``, which has the last word on what this leaves.
        """
        context_id = self._assembler.data_set_context
        if not context_id or self._events or self._skipping or self._trace is not None or self._pdu_type not in (0, 4):
            return [], False
        if self.state is not State.STA6 and self.state is not State.STA7:
            return [], False
        fragments, is_over = self._receiver.data_set(context_id, self._announced or P_DATA_LIMIT)
        self._pdu_type = 0 if self._receiver.pdu_is_used_up else 4
        if is_over:
            self._assembler.end_data_set()
            self._progress()
        else:
            self._count(sum(map(len, fragments)))
        return fragments, is_over

    @property
    def needs_bytes(self) -> bool:
        """Whether nothing can come before more bytes do: there are no events, and no bytes left to make some of."""
        return not self._receiver.pending() and not self._events and not self.is_over

    def _advance(self) -> bool:
        """One step of parsing; False when it needs more bytes."""
        if self._skipping:
            self._receiver.skip_all()
            return False
        if not self._pdu_type:
            return self._begin_pdu()
        if self._pdu_type != 4:
            return self._end_pdu()
        if self.state not in (State.STA6, State.STA7):
            return self._skip_pdu()
        return self._advance_pdata()

    def _advance_quickly(self) -> bool:
        """The quick way through messages: a command set that has come in one piece, as nearly all do.

        Pending responses to a query are the same byte for byte, thousands of them: one comparison does for each. What
        this leaves is for ``_advance``; the state stays Sta6, as P-DATA leaves it there (DT-2).
        """
        assembler = self._assembler
        if self._pdu_type or self._skipping or assembler.in_message or self.state is not State.STA6 or self._trace:
            return False
        if self._pending is not None and self._receiver.take(self._pending[0]):
            received = self._pending[1]
            assembler.begin_message(received)
        else:
            whole = self._receiver.whole_command(assembler.contexts, self._longest_command)
            if whole is None:
                return False
            received = assembler.add_command(*whole)
        self._message_received(received)
        return True

    def _begin_pdu(self) -> bool:
        """The first byte decides: what has no place here is answered without waiting for the length it declares."""
        first = self._receiver.first_byte()
        if first is None:
            return False
        event = _PDU_EVENTS.get(first)
        if event is None:
            if self.state in (State.STA2, State.STA5):
                self._events.append(NotDICOM(self._receiver.first_bytes()))
            raise InvalidPDU(f"PDU {first:02X}H", "type", 0, "not a PDU of PS3.8", 1)
        action = TRANSITIONS[event, self.state][0]
        if action in _REFUSING:
            self._skipping = True
            self._refuse(event, UnexpectedMessage(f"{PDU_NAMES[first]} in {self.state}", 2))
            return True
        header = self._receiver.header()
        if header is None:
            return False
        self._check_length(header.pdu_type, header.length)
        self._pdu_type = first
        if first == 4:
            self._process(event)
        return True

    def _check_length(self, pdu_type: int, length: int) -> None:
        name = PDU_NAMES[pdu_type]
        if pdu_type in (1, 2) and not 68 <= length <= codec.ASSOCIATE_PDU_LIMIT:
            raise InvalidPDU(name, "length", 2, f"{length}, where 68 to {codec.ASSOCIATE_PDU_LIMIT} are read")
        if pdu_type in (3, 5, 6, 7) and length != 4:
            raise InvalidPDU(name, "length", 2, f"{length}, where PS3.8 has 4")
        if pdu_type == 4 and not 6 <= length <= P_DATA_LIMIT:
            raise InvalidPDU(name, "length", 2, f"{length}, where 6 to {P_DATA_LIMIT} are read")
        if pdu_type == 4 and self._announced and length > self._announced:
            self.notes.append(f"P-DATA-TF of {length} bytes, though we announced a maximum of {self._announced}")

    def _end_pdu(self) -> bool:
        raw = self._receiver.body()
        if raw is None:
            return False
        event = _PDU_EVENTS[self._pdu_type]
        self._pdu_type = 0
        self._progress()
        pdu = codec.decode(raw, self.notes)
        if self._trace is not None:
            self._trace(Trace(False, pdu, raw))
        self._process(event, pdu)
        return True

    def _skip_pdu(self) -> bool:
        """A P-DATA-TF that is to be ignored, as in Sta13 (AA-6)."""
        if self._receiver.skip():
            self._pdu_type = 0
            return True
        return False

    def _advance_pdata(self) -> bool:
        receiver = self._receiver
        if not receiver.in_pdv:
            if receiver.pdu_is_used_up:
                self._pdu_type = 0
                return True
            pdv = receiver.pdv()
            if pdv is None:
                return False
            self._assembler.begin(pdv)
            if self._trace is not None:
                self._trace(Trace(False, PDataTF(pdv.context_id, pdv.control, pdv.length), None, pdv.context_id))
        piece = receiver.piece()
        if piece is None:
            return False
        self._count(len(piece.data))
        event = self._assembler.add(piece)
        if isinstance(event, MessageReceived):
            self._message_received(event)
        elif event is not None:
            self._events.append(event)
            if event.is_last:
                self._progress()
        return True

    def _message_received(self, event: MessageReceived) -> None:
        self._progress()
        if self._trace is not None:
            self._trace(Trace(False, event.message, self._assembler.raw_command, event.context_id))
        self._outstanding.settle(event.context_id, event.message)
        self._events.append(event)
        if getattr(event.message, "status", None) in (0xFF00, 0xFF01) and self._trace is None:
            self._remember_pending(event)

    def _remember_pending(self, event: MessageReceived) -> None:
        if self._pending is None or self._pending[1] is not event:
            whole = frame(event.context_id, COMMAND, chunks_of(self._assembler.raw_command), 0)
            self._pending = b"".join(next(whole)), event

    # --- time --------------------------------------------------------------------------------------------------

    def deadline(self) -> float | None:
        """When ``timeout`` is to be called if nothing arrives until then, on the clock of ``now``; None for never."""
        seconds = self._timer()[1]
        return None if seconds is None else self._since + seconds

    def timeout(self, now: float) -> None:
        """Time has passed. An expired timer is an event; in Sta2 and Sta13 it ends the connection too (Evt18)."""
        deadline = self.deadline()
        if deadline is None or now < deadline or self.is_over:
            return
        self._now = now
        timer, seconds = self._timer()
        if timer != "closing":
            self._events.append(TimerExpired(timer, seconds or 0.0, self.waiting_for()))
        if (Event.ARTIM_EXPIRED, self.state) in TRANSITIONS:
            self._process(Event.ARTIM_EXPIRED)
        else:
            self._since = now

    def touch(self, now: float) -> None:
        """Our own sending was a sign of life: measure silence from here."""
        self._now = self._since = now

    def excuse(self, seconds: float) -> None:
        """We have been busy with what the peer sent: that long it had no chance to be heard."""
        self._since += seconds

    def excuse_until(self, then: float) -> None:
        """There was a sign of life elsewhere: silence counts from then, if not from later."""
        self._since = max(self._since, then)

    def _timer(self) -> tuple[str, float | None]:
        state = self.state
        if state is State.STA6:
            return ("idle", self._timers.idle) if self._is_idle() else ("dimse", self._timers.dimse)
        if state is State.STA2 or state is State.STA5:
            return "acse", self._timers.acse
        if state is State.STA13:
            return "closing", self._timers.closing
        return ("release", self._timers.release) if state in _RELEASING else ("", None)

    def _is_idle(self) -> bool:
        """In Sta6: nothing is under way in either direction."""
        return not (self._assembler.in_message or self._outstanding or self._receiver.in_pdu)

    def waiting_for(self) -> str:
        """What the peer owes us now, in words."""
        if self.state == State.STA2:
            return "the association request"
        if self.state == State.STA5:
            return "the answer to the association request"
        if self.state in _RELEASING:
            return "the release response"
        if self.state == State.STA13:
            return "the close of the connection"
        return self.describe_outstanding() or ("the rest of a PDU" if self._receiver.in_pdu else "the next request")

    def describe_outstanding(self) -> str:
        """The message or response that is under way, in words; empty when the association is at rest."""
        return self._assembler.describe() or self._outstanding.describe()

    def _count(self, length: int) -> None:
        """So much of a message has come. Empty fragments are no sign of life, however many there are."""
        self._received += length
        if self._received >= _PROGRESS:
            self._progress()

    def _progress(self) -> None:
        """The peer made headway. In Sta2 the timer runs for the whole request: drops of bytes do not hold it off."""
        self._received = 0
        if self.state == State.STA6:
            self._since = self._now
