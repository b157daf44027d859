"""An association that ended before its time, as the exception that says how.

``peer`` is harmless by then: ``AET@host:port``. ``due`` is what was awaited, in words, "" where nothing was.
"""

from dcmnet_cli.core.events import AssociationRejected, TimerExpired
from dcmnet_cli.errors import AssociationAborted, ConnectionLost, TimedOut, TransportError, WrongProtocol
from dcmnet_cli.errors import AssociationRejected as RejectedError

_TIMER_NAMES = {"acse": "ACSE", "dimse": "DIMSE"}  # the others are called what they are


def rejected(peer: str, event: AssociationRejected) -> RejectedError:
    """The request was rejected, by the peer or by our own provider."""
    from dcmnet_cli.core.reasons import explain_reject

    why = explain_reject(event.result, event.source, event.reason)
    who = peer if event.by_peer else "we"
    numbers = f"result {event.result}, source {event.source}, reason {event.reason}"
    return RejectedError(f"{who} {why.result_name}: {why.name} ({numbers})", event.result, event.source, event.reason)


def aborted(peer: str, source: int, reason: int, due: str) -> AssociationAborted:
    """The peer sent an A-ABORT."""
    from dcmnet_cli.core.reasons import explain_abort

    why = explain_abort(source, reason)
    waiting = f", {due} was due" if due else ""
    words = f"{peer} aborted the association{waiting}: {why.name} (source {source}, reason {reason})"
    error = AssociationAborted(words, source, reason)
    error.details["waiting_for"] = due
    return error


def not_dicom(peer: str, first_bytes: bytes) -> WrongProtocol:
    """What the peer said is no PDU."""
    from dcmnet_cli.core.banner import recognise

    banner = recognise(first_bytes)
    words, protocol = (banner.words, banner.protocol) if banner else ("something else", "unknown")
    return WrongProtocol(f"{peer} does not speak DICOM: {words}", protocol, first_bytes=first_bytes[:32].hex(" "))


def expired(peer: str, event: TimerExpired, silence: float) -> TimedOut:
    """A timer ran out; ``silence`` is how long nothing has come, in seconds. A peer can also be too slow."""
    how = "was silent for" if silence >= event.seconds else "sent too little within"
    name = _TIMER_NAMES.get(event.timer, event.timer)
    message = f"{peer} {how} {event.seconds:g} s ({name} timeout), {event.waiting_for} was due"
    return TimedOut(message, event.timer, event.seconds)


def lost(peer: str, cause: TransportError | None, when: str, due: str, silence: float) -> ConnectionLost:
    """The connection ended, by ``cause`` or, without one, because the peer closed it; ``when`` says at what moment."""
    how = str(cause.details.get("how", "")) if cause is not None else "closed"
    verb = {"closed": "closed the connection", "reset": "reset the connection"}.get(how)
    what = f"{peer} {verb}" if verb else f"{peer}: {cause}"
    return ConnectionLost(f"{what}{when}, {due} was due", how=how, waiting_for=due, silence=round(silence, 3))
