"""One C-MOVE or C-GET from its request to its final response (PS3.7 9.1.3, 9.1.4): pending responses, sub-operations on
the same association, C-CANCEL, and patience.
"""

import time
from collections.abc import Callable, Mapping
from typing import TypeAlias

from dcmnet_cli.core import status as dimse_status
from dcmnet_cli.core.commands import CCancelRQ, CGetRQ, CGetRSP, CMoveRQ, CMoveRSP
from dcmnet_cli.core.identifier import decode, text
from dcmnet_cli.core.negotiation import AcceptedContext
from dcmnet_cli.core.text import printable
from dcmnet_cli.core.uids import IMPLICIT_VR_LITTLE_ENDIAN
from dcmnet_cli.errors import DcmnetError, TimedOut, UnexpectedRelease
from dcmnet_cli.net.association import Association, Received
from dcmnet_cli.net.service import Handlers, dispatch
from dcmnet_cli.ops.querying.deflation import packed, unpacked
from dcmnet_cli.ops.retrieving.reconcile import Claim, SubOperations
from dcmnet_cli.ops.retrieving.retrieve import FAILED_UIDS, Request
from dcmnet_cli.ops.stop import Stop

CANCEL_PATIENCE = 10.0
"""Seconds that a peer gets to stop after a C-CANCEL, which some ignore."""
_LONGEST_LIST = 1 << 24  # bytes of an identifier with failed UIDs: more than 65535 of them need

Pending: TypeAlias = Callable[[SubOperations], None]


class Operation:
    """Performs retrievals over one association, one after the other.

    ``handlers`` answer what the peer asks meanwhile; ``life`` says when there was last a sign of life elsewhere, on the
    monotonic clock. What was tolerated is added to ``notes``.
    """

    def __init__(
        self,
        association: Association,
        stop: Stop,
        *,
        pending: Pending,
        notes: list[str],
        handlers: Handlers,
        life: Callable[[], float] = lambda: 0.0,
        prepare: Callable[[Received], Received] = lambda received: received,
        failed: Callable[[Exception], None],
    ) -> None:
        self._association = association
        self._stop = stop
        self._pending = pending
        self._notes = notes
        self._handlers: Mapping[type, Callable[..., int | None]] = handlers
        self._life = life
        self._prepare = prepare
        self._failed = failed
        self._cancelled: float | None = None

    def perform(self, context: AcceptedContext, message: CMoveRQ | CGetRQ, request: Request) -> Claim:
        """Send ``request`` and follow it to its end. Raises what ends the association before that."""
        association = self._association
        explicit = context.transfer_syntax != IMPLICIT_VR_LITTLE_ENDIAN
        begin = time.monotonic()
        self._cancelled = None
        identifier = packed(request.identifier(explicit), context.transfer_syntax)
        association.send(context.context_id, message, identifier)
        association.watch = lambda: self._watch(context.context_id, message.message_id)
        count = 0
        try:
            while True:
                response = self._next_response()
                counts = _counts(response)
                if dimse_status.category(response.status) != "pending":
                    claim = Claim(request.describe(), response.status, counts, pending=count)
                    return self._conclude(response, context, claim, begin)
                count += 1
                self._note_pending(response)
                self._pending(counts)
                if self._stop.after and count >= self._stop.after:
                    self._stop.ask()
        finally:
            association.watch = None

    def _next_response(self) -> CMoveRSP | CGetRSP:
        """The next response to us; what the peer asks before that is answered."""
        association = self._association
        while True:
            received = association.receive()
            if received is None:
                raise UnexpectedRelease(f"{association.peer} released the association before its final response")
            if isinstance(received.message, (CMoveRSP, CGetRSP)):
                return received.message
            dispatch(association, self._prepare(received), self._handlers, self._failed)

    def _note_pending(self, response: CMoveRSP | CGetRSP) -> None:
        if response.command_data_set_type != 0x0101:
            self._association.drain()
            note = "pending responses come with a data set, which the standard forbids: dropped"
            if note not in self._notes:
                self._notes.append(note)

    def _conclude(self, response: CMoveRSP | CGetRSP, context: AcceptedContext, claim: Claim, begin: float) -> Claim:
        uids: tuple[str, ...] = ()
        syntax = context.transfer_syntax
        if response.command_data_set_type != 0x0101:
            try:
                data = unpacked(self._association.read_data_set(_LONGEST_LIST), syntax, _LONGEST_LIST)
                uids = failed_uids(data, syntax != IMPLICIT_VR_LITTLE_ENDIAN)
            except DcmnetError as error:  # the answer itself has come, and it stands
                self._notes.append(f"the list of failed instances could not be read: {error.message}")
        return claim._replace(
            error_comment=printable(response.error_comment),
            offending_element=response.offending_element,
            failed_uids=tuple(map(printable, uids)),
            seconds=time.monotonic() - begin,
        )

    def _watch(self, context_id: int, message_id: int) -> float:
        now = time.monotonic()
        if self._cancelled is None:
            if self._stop.is_asked:
                self._cancelled = now
                self._association.send(context_id, CCancelRQ(message_id))
        elif now - self._cancelled > CANCEL_PATIENCE:
            self._association.abort()
            peer = self._association.peer
            message = f"{peer} went on for {CANCEL_PATIENCE:g} s after it was asked to stop (C-CANCEL); aborted"
            raise TimedOut(message, "dimse", CANCEL_PATIENCE)
        return self._life()


def _counts(response: CMoveRSP | CGetRSP) -> SubOperations:
    return SubOperations(
        response.number_of_remaining_suboperations,
        response.number_of_completed_suboperations,
        response.number_of_failed_suboperations,
        response.number_of_warning_suboperations,
    )


def failed_uids(identifier: bytes, explicit: bool) -> tuple[str, ...]:
    """The Failed SOP Instance UID List of a final response's identifier. Raises InvalidIdentifier."""
    element = decode(identifier, explicit).get(FAILED_UIDS)
    return tuple(filter(None, text(element, "").split("\\"))) if element is not None else ()
