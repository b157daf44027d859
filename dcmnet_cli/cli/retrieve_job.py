"""One ``move`` or ``get`` from what it is to bring to its exit status."""

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from dcmnet_cli.cli.exit import ExitCode
from dcmnet_cli.cli.reporting import attempt, conclude, fail
from dcmnet_cli.errors import DcmnetError, OperationFailed
from dcmnet_cli.ops.results import ListenEvent, Report
from dcmnet_cli.ops.retrieving.reconcile import Destination, Result, SubOperations
from dcmnet_cli.ops.retrieving.retrieve import Follower, Plan, Request
from dcmnet_cli.ops.retrieving.suboperations import Stop
from dcmnet_cli.ops.target import Target
from dcmnet_cli.render.output import Output
from dcmnet_cli.render.receiving import Receiving, show_asked, show_found, show_listening, show_proposed
from dcmnet_cli.render.retrieve import describe_claim, show_retrieval


class Screen(Follower):
    """Shows how a retrieval goes. To be left as a context, so that the line of progress ends below itself."""

    def __init__(self, service: str, output: Output, *, elsewhere: str = "") -> None:
        self._service = service
        self._output = output
        self._elsewhere = elsewhere
        self._progress: Receiving | None = None
        self._plan: Plan | None = None

    def __enter__(self) -> "Screen":
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress is not None:
            self._progress.__exit__(None, None, None)

    def resolved(self, plan: Plan) -> None:
        self._plan = plan
        expected = None if plan.expected is None else len(plan.expected)
        show_found(plan.entities, expected, plan.already, self._output)

    def listening(self, destination: Destination, addresses: tuple[str, ...]) -> None:
        show_listening(destination, addresses, self._output)

    def heard(self, event: ListenEvent) -> None:
        if event.event not in ("listening", "stored", "stopped"):
            self._output.verbose(f"listener: {event.event.replace('_', ' ')} {event.peer}: {event.detail}")

    def proposed(self, classes: Sequence[tuple[str, int]], contexts: int) -> None:
        if self._progress is None:  # nothing may be written into the line that is being drawn
            show_proposed(classes, contexts, self._output)

    def asked(self, request: Request) -> None:
        if self._progress is None:
            show_asked(self._service, request.describe(), self._elsewhere, self._output)
            expected = None if self._plan is None or self._plan.expected is None else len(self._plan.expected)
            self._progress = Receiving(self._output, expected, is_elsewhere=bool(self._elsewhere))
            self._progress.__enter__()
        self._progress.asked()

    def pending(self, counts: SubOperations) -> None:
        if self._progress is not None:
            self._progress.pending(counts)

    def arrived(self, length: int) -> None:
        if self._progress is not None:
            self._progress.arrived(length)


def run_retrieval(
    target: Target,
    report: Report,
    stop: Stop,
    output: Output,
    work: Callable[[], tuple[Result, DcmnetError | None]],
) -> None:
    """Do ``work``, judge it, show it. Leaves with the exit status."""
    found: list[Result] = []

    def whole() -> None:
        with stopping(stop):
            result, error = work()
        found.append(result)
        for claim in result.claims:
            output.verbose(describe_claim(claim, result.service))
        judge(report, result, error, target, stop)

    attempt(report, target, whole)
    conclude(report, output, show=(lambda: show_retrieval(report, found[0], output)) if found else None)


def judge(report: Report, result: Result, error: DcmnetError | None, target: Target, stop: Stop) -> None:
    """The exit status: 0 only where everything is where it should be, whatever the peer says of it."""
    worst = result.worst
    if result.is_complete or (not result.claims and result.expected == () and error is None):
        if error is not None:
            report.notes.append(f"everything had arrived when the association ended: {error.message}")
        return
    if error is not None:
        fail(report, error, target)
        if stop.is_asked and not stop.after:
            report.exit_code = ExitCode.INTERRUPTED
    elif stop.is_asked:
        report.exit_code = ExitCode.PARTLY_DONE if stop.after else ExitCode.INTERRUPTED
    elif not result.good and worst is not None and worst.category == "failure" and worst.status is not None:
        fail(report, _failure(result, target), target)
    else:
        report.exit_code = ExitCode.PARTLY_DONE


def _failure(result: Result, target: Target) -> OperationFailed:
    from dcmnet_cli.core.status import format_status, lookup

    worst = result.worst
    assert worst is not None
    assert worst.status is not None
    meaning = lookup(worst.status, result.service).meaning
    return OperationFailed(
        f"{target.facts.label} answered C-{result.service.upper()} with {format_status(worst.status)}: "
        f"{meaning[:1].lower()}{meaning[1:]}",
        worst.status,
        service=result.service,
        error_comment=worst.error_comment,
    )


@contextmanager
def stopping(stop: Stop) -> Iterator[None]:
    """Within this, the first Ctrl-C asks the peer to stop, and the second ends the program at once."""

    def ask(number: int, frame: FrameType | None) -> None:
        if stop.is_asked:
            raise KeyboardInterrupt
        stop.ask()

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
