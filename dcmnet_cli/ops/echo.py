"""C-ECHO: does a peer answer, and how fast (PS3.7 9.1.5)."""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from dcmnet_cli.core import uids
from dcmnet_cli.core.commands import CEchoRQ
from dcmnet_cli.core.steps import Step
from dcmnet_cli.errors import (
    AssociationError,
    DcmnetError,
    NoAcceptedContext,
    OperationFailed,
    RemoteProtocolError,
    TimedOut,
    TransportError,
)
from dcmnet_cli.net.association import Association
from dcmnet_cli.net.observer import Observer
from dcmnet_cli.ops.connect import open_association, require_context
from dcmnet_cli.ops.results import Report, RoundTrips
from dcmnet_cli.ops.target import Target

TRANSFER_SYNTAXES = (
    uids.IMPLICIT_VR_LITTLE_ENDIAN,
    uids.EXPLICIT_VR_LITTLE_ENDIAN,
    uids.EXPLICIT_VR_BIG_ENDIAN,
    uids.DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
)
"""What comes first when several transfer syntaxes are proposed: implicit little endian, which everyone must take."""

_WORTH_ANOTHER_TRY = (TransportError, TimedOut, AssociationError, RemoteProtocolError)
_PAUSES = (0.1, 0.2, 0.4, 0.8, 1.0)


class Wanted(NamedTuple):
    """A SOP class that the peer has to accept in one of some transfer syntaxes. UIDs; nothing of it is used."""

    sop_class_uid: str
    transfer_syntaxes: tuple[str, ...]


class EchoPlan(NamedTuple):
    """What to propose and how often to ask. ``abort`` ends with an A-ABORT instead of a release; ``accepts`` are
    contexts that are proposed to see whether they are accepted.
    """

    contexts: int = 1
    transfer_syntaxes: int = 1
    repeat: int = 1
    abort: bool = False
    accepts: tuple[Wanted, ...] = ()


def echo(target: Target, report: Report, plan: EchoPlan = EchoPlan(), observers: Sequence[Observer] = ()) -> RoundTrips:  # noqa: B008
    """Open an association, ask ``plan.repeat`` times, release. Fills ``report`` and returns the times.

    Raises what connecting raises, NoAcceptedContext, and OperationFailed for a status other than success. With
    ``repeat``, once the first echo is answered, one that fails counts as lost and the next goes out on a new
    association if need be; when none can be had, a note says why and the rest is not sent.
    """
    outcomes: list[float | None] = []  # seconds of each echo that was sent, None for a lost one
    while len(outcomes) < plan.repeat:
        sent = len(outcomes)
        try:
            association = open_association(target, _proposal(plan), report, observers=observers)
            _ask(association, report, plan, outcomes)
        except _WORTH_ANOTHER_TRY as error:
            if all(outcome is None for outcome in outcomes):
                raise
            if len(outcomes) == sent:
                report.notes.append(f"stopped after {sent} of {plan.repeat} echoes: {error.message}")
                break
    seconds = tuple(outcome for outcome in outcomes if outcome is not None)
    report.exit_code = 1 if len(seconds) < plan.repeat else 0
    return RoundTrips(len(outcomes), seconds)


def _proposal(plan: EchoPlan) -> list[tuple[str, tuple[str, ...]]]:
    return [(uids.VERIFICATION, transfer_syntaxes(plan.transfer_syntaxes))] * plan.contexts + [*plan.accepts]


def transfer_syntaxes(count: int) -> tuple[str, ...]:
    """The first ``count`` transfer syntaxes to propose; the table of all is read only when it is needed."""
    if count <= len(TRANSFER_SYNTAXES):
        return TRANSFER_SYNTAXES[:count]
    others = [uid for uid in uids.transfer_syntaxes() if uid not in TRANSFER_SYNTAXES]
    return (*TRANSFER_SYNTAXES, *others)[:count]


def _ask(association: Association, report: Report, plan: EchoPlan, outcomes: list[float | None]) -> None:
    """Echo until ``plan.repeat`` have been sent, then end the association. ``outcomes`` grows with every echo."""
    try:
        if not outcomes:
            _require(association, report, plan)
        context_id = require_context(association, uids.VERIFICATION, "Verification")
        while len(outcomes) < plan.repeat:
            outcomes.append(None)
            outcomes[-1] = _ask_once(association, context_id, report, is_first=len(outcomes) == 1)
    except BaseException:
        association.abort()
        raise
    _end(association, report, plan)


def _require(association: Association, report: Report, plan: EchoPlan) -> None:
    """A rung for everything that has to be accepted. Raises NoAcceptedContext when something is not."""
    refused = []
    outcomes = association.negotiated.outcomes[plan.contexts :]
    for wanted, outcome in zip(plan.accepts, outcomes, strict=True):
        is_accepted = bool(outcome.transfer_syntax)
        name = uids.short_name(wanted.sop_class_uid) or wanted.sop_class_uid
        syntaxes = (outcome.transfer_syntax,) if is_accepted else wanted.transfer_syntaxes
        words = f"{name} in {' or '.join(uids.short_name(each) or each for each in syntaxes)}"
        detail = words if is_accepted else f"{words}: {_refusal(outcome.result)}"
        report.steps.append(Step("accepts", is_accepted, 0.0, detail))
        refused += [] if is_accepted else [(outcome.result, words)]
    if refused:
        raise NoAcceptedContext(
            f"{association.peer} does not accept {', nor '.join(words for _, words in refused)}",
            results=sorted({result for result, _ in refused if result is not None}),
        )


def _refusal(result: int | None) -> str:
    from dcmnet_cli.core.reasons import explain_context_result

    return f"{explain_context_result(result).name} ({result})" if result else "not answered"


def _ask_once(association: Association, context_id: int, report: Report, is_first: bool) -> float | None:
    """Seconds until the answer came, None for a status other than success, which the first echo raises instead."""
    begin = time.monotonic()
    try:
        response = association.call(context_id, CEchoRQ(association.next_message_id()))
    except DcmnetError as error:
        report.steps.append(Step("C-ECHO", False, time.monotonic() - begin, error.message))
        raise
    seconds = time.monotonic() - begin
    is_success = response.status == 0
    if is_first:
        report.extra["status"] = f"{response.status:04X}"
        detail = "0x0000 success" if is_success else f"0x{response.status:04X}"
        report.steps.append(Step("C-ECHO", is_success, seconds, detail))
        if not is_success:
            raise OperationFailed(
                f"{association.peer} answered C-ECHO with status 0x{response.status:04X}",
                response.status,
                service="echo",
                error_comment=getattr(response, "error_comment", ""),
            )
    return seconds if is_success else None


def _end(association: Association, report: Report, plan: EchoPlan) -> None:
    begin = time.monotonic()
    if plan.abort:
        association.abort()
        report.steps.append(Step("abort", True, time.monotonic() - begin, "A-ABORT sent, as asked"))
        return
    complaint = association.release()
    report.steps.append(Step("release", not complaint, time.monotonic() - begin, complaint or "confirmed"))


def wait_for(
    attempt: Callable[[Report], RoundTrips],
    fresh_report: Callable[[], Report],
    patience: float,
    tell: Callable[[DcmnetError], None],
) -> tuple[Report, RoundTrips | None]:
    """Repeat ``attempt`` until it succeeds or ``patience`` seconds have passed; each attempt gets its own report.

    The last report is returned, with the last error in it if there was no success. ``tell`` hears of every failure.
    Errors that waiting cannot cure are raised at once.
    """
    begin = time.monotonic()
    attempts = 0
    while True:
        report = fresh_report()
        attempts += 1
        try:
            trips: RoundTrips | None = attempt(report)
        except _WORTH_ANOTHER_TRY as error:
            trips, report.error = None, error
            tell(error)
        waited = time.monotonic() - begin
        report.extra |= {"attempts": attempts, "waited_s": round(waited, 3)}
        pause = _PAUSES[min(attempts, len(_PAUSES)) - 1]
        if trips is not None or waited + pause >= patience:
            return report, trips
        time.sleep(pause)
