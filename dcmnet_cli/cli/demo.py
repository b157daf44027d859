"""``dcmnet demo``."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from dcmnet_cli.cli.command import command
from dcmnet_cli.cli.exit import ExitCode
from dcmnet_cli.cli.options import OutputOptions
from dcmnet_cli.cli.reporting import attempt, conclude, make_output
from dcmnet_cli.core.quantities import plural
from dcmnet_cli.core.steps import Step
from dcmnet_cli.errors import DcmnetError
from dcmnet_cli.ops.demonstrating.demo import FOLDERS, Demo, compare
from dcmnet_cli.ops.demonstrating.stage import Stage
from dcmnet_cli.ops.results import Act, Report
from dcmnet_cli.render.demo import Play, environment

EXAMPLES = (
    ("dcmnet demo", "an archive, and every command against it; a few seconds"),
    ("dcmnet demo -v", "the same, with what goes over the network"),
    ("dcmnet demo --json", "the commands, their exit statuses and output as one object"),
)


@command(examples=EXAMPLES)
def demo(output: OutputOptions) -> None:
    """Show everything at work: an archive on this computer, and each command against it, with its true output."""
    shown = make_output(output)
    report, screen = Report("demo"), Play(shown)
    stage = Stage(FOLDERS, {**os.environ, **environment(shown)})

    def end(act: Act) -> None:
        name = act.scene.words[0]
        detail = "running" if act.status is None else f"exit {act.status}"
        report.steps.append(Step(name, act.is_good, act.seconds, detail))
        screen.end(act)

    def work() -> None:
        with _halting(stage), stage:
            screen.open()
            Demo(stage, screen.begin, end, shown.verbosity).run()
            if not stage.is_halted:
                report.steps.append(_compared(stage.folder))
        if stage.is_halted:
            report.error = DcmnetError("interrupted")
            report.exit_code = ExitCode.INTERRUPTED
        elif not all(step.ok for step in report.steps):
            report.exit_code = ExitCode.PARTLY_DONE

    attempt(report, None, work)
    conclude(report, shown, show=lambda: screen.close(report))


def _compared(folder: str) -> Step:
    """Whether what came back is what was sent."""
    begun = time.monotonic()
    same, others = compare(folder)
    detail = f"{plural(same, 'object')} back byte for byte"
    if others:
        detail = f"{plural(len(others), 'object')} back as others: {', '.join(others)}"
    return Step("compare", bool(same) and not others, time.monotonic() - begun, detail)


@contextmanager
def _halting(stage: Stage) -> Iterator[None]:
    """Within this, whatever asks us to end ends the demonstration in good order."""

    def halt(number: int, frame: FrameType | None) -> None:
        stage.halt()

    asked = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, halt) for number in asked]
    try:
        yield
    finally:
        for number, handler in zip(asked, before, strict=True):
            signal.signal(number, handler)
