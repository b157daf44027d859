"""The state machine of one association: table 9-10 applied, and what its actions do (PS3.8 9.2).

``core.association`` adds the verbs, the bytes and the time; whatever changes the state stands here.
"""

from collections.abc import Callable

from dcmnet_cli.core import codec, negotiation
from dcmnet_cli.core.events import (
    Aborted,
    AssociationAccepted,
    AssociationEvent,
    AssociationRejected,
    AssociationRequested,
    ConnectionClosed,
    Released,
    ReleaseRequested,
    Trace,
    Violation,
)
from dcmnet_cli.core.messages import Assembler
from dcmnet_cli.core.pdata import Buffers, Receiver
from dcmnet_cli.core.pdu import PDU, AAbort, AAssociateAC, AAssociateRJ, AAssociateRQ, AReleaseRP, AReleaseRQ
from dcmnet_cli.core.state import TRANSITIONS, Action, Event, State
from dcmnet_cli.errors import LocalProtocolError, RemoteProtocolError


class UpperLayer:
    """State, what is queued to be sent, and the events that await the user. Blind to role but for one question:
    whose side of a release collision we are on."""

    def __init__(self, is_requestor: bool, trace: Callable[[Trace], None] | None, buffer_size: int) -> None:
        self.is_requestor = is_requestor
        self.state = State.STA1
        self.is_over = False
        self.negotiated: negotiation.Negotiated | None = None
        self.request: AAssociateRQ | None = None
        self.notes: list[str] = codec.Notes()
        self._trace = trace
        self._receiver = Receiver(buffer_size)
        self._out: Buffers = []
        self._events: list[AssociationEvent] = []
        self._assembler = Assembler({}, self.notes)
        self._now = 0.0
        self._since = 0.0  # when the current wait began, or last made progress
        self._due = ""  # what was awaited when the connection ended
        self._refusal = RemoteProtocolError("")  # the violation that is being answered

    def _process(self, event: Event, pdu: PDU | None = None) -> None:
        """One step of PS3.8 table 9-10."""
        cell = TRANSITIONS.get((event, self.state))
        if cell is None:
            raise LocalProtocolError(f"{event.name.lower().replace('_', ' ')} in {self.state}")
        action, following = cell
        self.state = following[1] if action is Action.AR_8 and not self.is_requestor else following[0]
        if action not in _KEEPING_TIME:
            self._since = self._now
        effect = _EFFECTS.get(action)
        if effect is not None:
            effect(self, pdu)

    def _refuse(self, event: Event, error: RemoteProtocolError) -> None:
        """The peer broke the protocol: abort (AA-1, AA-8), or abort once more (AA-7) where it is over already."""
        was_over = self.state == State.STA13
        self._refusal = error
        self._process(event)
        if not was_over:
            self._events.append(Violation(error))

    def _establish(self, negotiated: negotiation.Negotiated) -> None:
        self.negotiated = negotiated
        self._assembler = Assembler(negotiated.contexts, self.notes)

    def _queue(self, pdu: PDU | None) -> None:
        assert pdu is not None
        raw = codec.encode(pdu)
        self._out.append(raw)
        if self._trace is not None:
            self._trace(Trace(True, pdu, raw))

    def _close(self, _pdu: PDU | None = None) -> None:
        """The end of every way: the transport is to be closed once what is queued was written."""
        self.is_over = True
        self.state = State.STA1

    # What the actions of PS3.8 tables 9-6 to 9-9 do beyond changing the state; those left out do nothing more.

    def _send_request(self, _pdu: PDU | None) -> None:  # AE-2
        self._queue(self.request)

    def _confirm(self, pdu: PDU | None) -> None:  # AE-3
        assert self.request is not None
        assert isinstance(pdu, AAssociateAC)
        negotiated = negotiation.conclude(self.request, pdu, self.notes)
        self._establish(negotiated)
        self._events.append(AssociationAccepted(negotiated))

    def _be_rejected(self, pdu: PDU | None) -> None:  # AE-4
        assert isinstance(pdu, AAssociateRJ)
        self._events.append(AssociationRejected(*pdu))
        self._close()

    def _indicate_request(self, pdu: PDU | None) -> None:  # AE-6
        assert isinstance(pdu, AAssociateRQ)
        self.request = pdu
        rejection = negotiation.provider_rejection(pdu)
        if rejection is None:
            self._events.append(AssociationRequested(pdu))
        else:
            self.state = State.STA13
            self._queue(rejection)
            self._events.append(AssociationRejected(*rejection, by_peer=False))

    def _ask_release(self, _pdu: PDU | None) -> None:  # AR-1
        self._queue(AReleaseRQ())

    def _indicate_release(self, _pdu: PDU | None) -> None:  # AR-2
        self._events.append(ReleaseRequested())

    def _confirm_release(self, _pdu: PDU | None) -> None:  # AR-3
        self._events.append(Released())
        self._close()

    def _answer_release(self, _pdu: PDU | None) -> None:  # AR-4, AR-9
        self._queue(AReleaseRP())

    def _collide(self, _pdu: PDU | None) -> None:  # AR-8
        """Both sides asked at once. A release cannot be refused, so the answer needs no user (PS3.8 9.2.3)."""
        self.notes.append("release collision: both sides asked for the release at once")
        if self.state == State.STA9:
            self._process(Event.RELEASE_RESPONSE)

    def _end_collision(self, _pdu: PDU | None) -> None:  # AR-10
        self._process(Event.RELEASE_RESPONSE)
        self._events.append(Released())

    def _abort_as_user(self, _pdu: PDU | None) -> None:  # AA-1
        self._queue(AAbort(0, 0))

    def _give_up(self, pdu: PDU | None) -> None:  # AA-2
        if isinstance(pdu, AAbort) and self.request is None:  # in place of a request (Sta2), and so the end of the wait
            self._events.append(Aborted(*pdu))
        self._close()

    def _be_aborted(self, pdu: PDU | None) -> None:  # AA-3
        assert isinstance(pdu, AAbort)
        self._events.append(Aborted(*pdu))
        self._close()

    def _lose(self, _pdu: PDU | None) -> None:  # AA-4, AA-5
        self._events.append(ConnectionClosed(False, self._receiver.in_pdu, self._due))

    def _end(self, _pdu: PDU | None) -> None:  # AR-5
        self._events.append(ConnectionClosed(True))

    def _abort_again(self, _pdu: PDU | None) -> None:  # AA-7
        self._queue(AAbort(2, 2))

    def _abort_as_provider(self, _pdu: PDU | None) -> None:  # AA-8
        self._queue(AAbort(2, self._refusal.abort_reason))


_KEEPING_TIME = frozenset((Action.DT_1, Action.DT_2, Action.AR_6, Action.AR_7, Action.AA_6, Action.AA_7))

_EFFECTS: dict[Action, Callable[[UpperLayer, PDU | None], None]] = {
    Action.AE_2: UpperLayer._send_request,
    Action.AE_3: UpperLayer._confirm,
    Action.AE_4: UpperLayer._be_rejected,
    Action.AE_6: UpperLayer._indicate_request,
    Action.AE_7: UpperLayer._queue,
    Action.AE_8: UpperLayer._queue,
    Action.AR_1: UpperLayer._ask_release,
    Action.AR_2: UpperLayer._indicate_release,
    Action.AR_3: UpperLayer._confirm_release,
    Action.AR_4: UpperLayer._answer_release,
    Action.AR_5: UpperLayer._end,
    Action.AR_8: UpperLayer._collide,
    Action.AR_9: UpperLayer._answer_release,
    Action.AR_10: UpperLayer._end_collision,
    Action.AA_1: UpperLayer._abort_as_user,
    Action.AA_2: UpperLayer._give_up,
    Action.AA_3: UpperLayer._be_aborted,
    Action.AA_4: UpperLayer._lose,
    Action.AA_5: UpperLayer._lose,
    Action.AA_7: UpperLayer._abort_again,
    Action.AA_8: UpperLayer._abort_as_provider,
}
