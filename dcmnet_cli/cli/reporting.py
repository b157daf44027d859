"""From options to an ``Output``, and from a report to a screen and an exit status."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NoReturn

import typer

from dcmnet_cli.cli.exit import ExitCode, exit_code_of
from dcmnet_cli.cli.options import OutputOptions
from dcmnet_cli.errors import DcmnetError, LocalProtocolError, OutputError
from dcmnet_cli.ops.results import Report
from dcmnet_cli.render.output import Output

if TYPE_CHECKING:
    from dcmnet_cli.net.observer import Observer
    from dcmnet_cli.ops.target import Target
    from dcmnet_cli.render.junit import Case, JUnitFile


def make_output(options: OutputOptions, junit: "JUnitFile | None" = None) -> Output:
    """The output that the options ask for. Raises UsageError for contradictions."""
    verbosity = options.verbosity
    level, has_bytes = max(0, min(verbosity, 2)), verbosity >= 3
    return Output(json=options.json, quiet=verbosity < 0, verbosity=level, hexdump=has_bytes, junit=junit)


def traffic_observers(output: Output) -> "Sequence[Observer]":
    """What ``-v`` and ``-d`` show while a command works."""
    if not output.verbosity:
        return ()
    from dcmnet_cli.cli.tracing import Tracer

    return (Tracer(output),)


def attempt(report: Report, target: "Target | None", work: Callable[[], None]) -> None:
    """Do ``work``; what it raises ends up in ``report``, with its diagnosis and exit status. Bugs pass through."""
    try:
        work()
    except LocalProtocolError:
        raise
    except DcmnetError as error:
        fail(report, error, target)
    except KeyboardInterrupt:
        report.error = DcmnetError("interrupted")
        report.exit_code = ExitCode.INTERRUPTED


def fail(report: Report, error: DcmnetError, target: "Target | None") -> None:
    """Note an error in ``report``: what it means, what to try, and the exit status it stands for."""
    from dcmnet_cli.ops.diagnosis import diagnose

    report.error = error
    report.diagnosis = diagnose(error, target)
    report.exit_code = exit_code_of(error)


def conclude(
    report: Report,
    output: Output,
    also: Callable[[], None] | None = None,
    *,
    show: Callable[[], None] | None = None,
    cases: "Callable[[], Sequence[Case]]" = lambda: (),
) -> NoReturn:
    """Show ``report`` (as a ladder, unless ``show`` has another way), then what the command adds, and leave.

    ``cases`` is what a JUnit file has beside the steps.
    """
    if output.junit is not None:
        _write_junit(report, output, output.junit, cases)
    if show is not None:
        show()
    else:
        from dcmnet_cli.render.ladder import show_report

        show_report(report, output)
    if also is not None:
        also()
    raise typer.Exit(report.exit_code)


def _write_junit(report: Report, output: Output, file: "JUnitFile", cases: "Callable[[], Sequence[Case]]") -> None:
    """The outcome as it is by now. A file that cannot be written changes the exit status, and hides no other error."""
    from dcmnet_cli.render.junit import junit_text, step_cases

    try:
        file.write(junit_text(report, [*step_cases(report), *cases()]))
    except OutputError as error:
        if report.error is None:
            fail(report, error, None)
        else:
            output.error(f"dcmnet {report.command}: {error.message}")
            report.exit_code = ExitCode.CANNOT_WRITE
