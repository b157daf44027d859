"""A demonstration as it goes: what each command is for, the line a person would type, and what it wrote."""

import shlex
from collections.abc import Sequence

from dcmnet_cli.core.quantities import plural
from dcmnet_cli.ops.results import Act, Report, Scene
from dcmnet_cli.render.output import Output

_OPENING = (
    "An archive on this computer, and what one does with an archive. Each command runs as it stands here, in a "
    "temporary folder. Nothing leaves this computer, and nothing is left on it."
)
_INDENT = "     "
_LAST_LINES = 3
_NEXT = (
    ("dcmnet echo HOST PORT", "does your own archive answer?"),
    ("dcmnet explain A801", "what a status, a rejection or a UID means"),
    ("dcmnet COMMAND --help", "all options, with examples"),
)


def environment(output: Output) -> dict[str, str]:
    """What makes a command that writes to a file do so as it would for the stream that we write to."""
    channel = output.out
    told = {"COLUMNS": str(channel.width), "PYTHONIOENCODING": "utf-8" if channel.has_unicode else "ascii"}
    is_screen = channel.is_screen and not output.json
    return told | {"FORCE_COLOR": "1" if is_screen else "", "NO_COLOR": "" if channel.has_colour else "1"}


class Play:
    """Shows the scenes of a demonstration, one below the other; with ``json`` and ``quiet`` it only keeps them."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._number = 0
        self.acts: list[Act] = []

    def open(self) -> None:
        """Say what is about to happen."""
        import textwrap

        self._write("\n".join(textwrap.wrap(_OPENING, self._output.out.width)) + "\n")

    def begin(self, scene: Scene) -> None:
        """The command line of the next scene. The first one is that of the archive, in the background."""
        self._number += 1
        self._title(f"{self._number}  {scene.remark}")
        lasts = ["&"] if self._number == 1 else []
        for line in command_lines([*map(shlex.quote, ("dcmnet", *scene.words)), *lasts], self._output.out.width):
            self._write(self._output.out.text(line) + "\n")

    def end(self, act: Act) -> None:
        """What became of a scene."""
        self.acts.append(act)
        if act.scene.remark:
            self._write(act.output)
            return
        self._title("and the archive, told to end")
        lines = act.output.splitlines(keepends=True)
        left_out = 0 if self._output.verbosity or not act.is_good else max(0, len(lines) - _LAST_LINES)
        if left_out:
            self._write(f"[{plural(left_out, 'line')} of its log left out: dcmnet demo -v shows them]\n")
        self._write("".join(lines[left_out:]))

    def close(self, report: Report) -> None:
        """The whole: whether everything did what it should, and what to do next."""
        for act in self.acts:
            if not act.is_good and report.error is None:
                command, due = act.scene.words[0], act.scene.expected
                self._output.error(f"dcmnet demo: {command} ended with exit status {act.status}, and {due} was due")
        report.extra["commands"] = [act_json(act) for act in self.acts]
        if self._output.out.is_screen and not (self._output.quiet or self._output.json):
            self._close_screen(report)
        else:
            from dcmnet_cli.render.ladder import show_report

            show_report(report, self._output)

    def _close_screen(self, report: Report) -> None:
        from dcmnet_cli.render.ladder import show_error
        from dcmnet_cli.render.screen import headline, show

        channel = self._output.out
        self._write("\n")
        mark, colour = ("✓", "green") if report.exit_code == 0 else ("✗", "red")
        show(channel, [headline(channel, mark, colour, "demo", _summary(report, self.acts), report.exit_code)])
        if report.exit_code == 0:
            self._write("\n" + "".join(f"  {line:<25}{what}\n" for line, what in _NEXT))
        show_error(report, self._output)

    def _title(self, words: str) -> None:
        self._write("\n" + self._output.out.paint(self._output.out.text(words), "bold") + "\n")

    def _write(self, text: str) -> None:
        if not (self._output.quiet or self._output.json):
            self._output.out.write(text)


def _summary(report: Report, acts: Sequence[Act]) -> str:
    good = sum(act.is_good for act in acts if act.scene.remark)
    whole = sum(bool(act.scene.remark) for act in acts)
    compared = next((step.detail for step in report.steps if step.name == "compare"), "")
    return f"{good} of {whole} commands as they should be{f', {compared}' if compared else ''}"


def act_json(act: Act) -> dict[str, object]:
    """A command of the demonstration: what was typed, how it ended, what it wrote."""
    return {
        "command_line": shlex.join(("dcmnet", *act.scene.words)),
        "ok": act.is_good,
        "exit": act.status,
        "expected_exit": act.scene.expected,
        "ms": round(act.seconds * 1000, 3),
        "output": act.output.splitlines(),
    }


def command_lines(words: Sequence[str], width: int) -> list[str]:
    """A command behind a prompt, on as many lines as it takes, so that it can be pasted into a shell."""
    lines, current = list[str](), "$"
    for chunk in _kept_together(words):
        if current != "$" and len(current) + len(chunk) + 3 > width:
            lines.append(f"{current} \\")
            current = _INDENT
        current += f" {chunk}"
    return [*lines, current]


def _kept_together(words: Sequence[str]) -> list[str]:
    """An option and its value stay on one line."""
    kept: list[str] = []
    for word in words:
        if kept and kept[-1][0] in "-+" and " " not in kept[-1] and word[0] not in "-+&":
            kept[-1] += f" {word}"
        else:
            kept.append(word)
    return kept
