"""One ``move`` or ``get`` from what it is to bring to its exit status."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from dcmnet_cli.cli.exit import ExitCode
from dcmnet_cli.cli.interruption import stopping
from dcmnet_cli.cli.reporting import attempt, conclude, fail, traffic_observers
from dcmnet_cli.errors import DcmnetError, OperationFailed
from dcmnet_cli.ops.results import ListenEvent, Report
from dcmnet_cli.ops.retrieving.reconcile import Destination, Result, SubOperations, service_of
from dcmnet_cli.ops.retrieving.retrieve import Follower, Plan, Request, Wish
from dcmnet_cli.ops.stop import Stop
from dcmnet_cli.ops.target import Target
from dcmnet_cli.render.output import Output
from dcmnet_cli.render.receiving import Receiving, show_asked, show_found, show_listening, show_proposed
from dcmnet_cli.render.retrieve import MAKE_ROOM, describe_claim, show_retrieval

if TYPE_CHECKING:
    from dcmnet_cli.ops.retrieving.get import GetOptions
    from dcmnet_cli.ops.retrieving.move import MoveOptions
    from dcmnet_cli.render.junit import Case

Retrieve: TypeAlias = Callable[..., tuple[Result, DcmnetError | None]]
"""``ops.retrieving.get.get`` or ``ops.retrieving.move.move``."""


class Screen(Follower):
    """Shows how a retrieval goes. To be left as a context, so that the line of progress ends below itself."""

    def __init__(self, service: str, output: Output, *, elsewhere: str = "") -> None:
        self.service = service
        self.output = output
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
        show_found(plan.entities, expected, plan.already, self.output)

    def listening(self, destination: Destination, addresses: tuple[str, ...]) -> None:
        show_listening(destination, addresses, self.output)

    def heard(self, event: ListenEvent) -> None:
        if event.event not in ("listening", "stored", "stopped"):
            self.output.verbose(f"listener: {event.event.replace('_', ' ')} {event.peer}: {event.detail}")

    def proposed(self, classes: Sequence[tuple[str, int]], contexts: int) -> None:
        if self._progress is None:  # nothing may be written into the line that is being drawn
            show_proposed(classes, contexts, self.output)

    def asked(self, request: Request) -> None:
        if self._progress is None:
            show_asked(self.service, request.describe(), self._elsewhere, self.output)
            expected = None if self._plan is None or self._plan.expected is None else len(self._plan.expected)
            self._progress = Receiving(self.output, expected, is_elsewhere=bool(self._elsewhere))
            self._progress.__enter__()
        self._progress.asked()

    def pending(self, counts: SubOperations) -> None:
        if self._progress is not None:
            self._progress.pending(counts)

    def arrived(self, length: int) -> None:
        if self._progress is not None:
            self._progress.arrived(length)


def run_retrieval(
    retrieve: Retrieve,
    screen: Screen,
    target: Target,
    wish: Wish,
    options: "MoveOptions | GetOptions",
    stop: Stop,
) -> None:
    """Retrieve, judge it, show it. Leaves with the exit status."""
    report, output = Report(screen.service, target.facts), screen.output
    found: list[Result] = []

    def work() -> None:
        with stopping(stop), screen:
            observers = traffic_observers(output)
            result, error = retrieve(target, wish, options, report, follower=screen, stop=stop, observers=observers)
        found.append(result)
        for claim in result.claims:
            output.verbose(describe_claim(claim, result.service))
        judge(report, result, error, target, stop)

    attempt(report, target, work)
    if not found:
        conclude(report, output)

    def cases() -> "list[Case]":
        from dcmnet_cli.render.junit import retrieval_cases

        return retrieval_cases(found[0])

    conclude(report, output, show=lambda: show_retrieval(report, found[0], output), cases=cases)


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
    elif (cannot_write := _cannot_write(result)) is not None:
        fail(report, cannot_write, target)
    elif not result.good and worst is not None and worst.category == "failure" and worst.status is not None:
        fail(report, _failure(result, target), target)
    else:
        report.exit_code = ExitCode.PARTLY_DONE


def _cannot_write(result: Result) -> DcmnetError | None:
    """What the file system said, where nothing that came is safe because of that: not the peer's failure then."""
    arrival = result.arrival
    if arrival is None or arrival.cannot_write is None or arrival.distinct + arrival.surplus > arrival.not_durable:
        return None
    arrival.cannot_write.hints = (MAKE_ROOM,)
    return arrival.cannot_write


def _failure(result: Result, target: Target) -> OperationFailed:
    from dcmnet_cli.core.status import format_status, lookup

    worst = result.worst
    assert worst is not None
    assert worst.status is not None
    service = service_of(worst.status, result.service)
    meaning = lookup(worst.status, service).meaning
    return OperationFailed(
        f"{target.facts.label} answered C-{result.service.upper()} with {format_status(worst.status)}: "
        f"{meaning[:1].lower()}{meaning[1:]}",
        worst.status,
        service=service,
        error_comment=worst.error_comment,
    )
