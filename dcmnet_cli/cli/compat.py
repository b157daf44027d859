"""``dcmnet compat``."""

from typing import Annotated

import typer

from dcmnet_cli.cli.command import ForeignLineCommand, command
from dcmnet_cli.cli.dcmtk_translation import Translation, translate
from dcmnet_cli.cli.options import OUTPUT, flag
from dcmnet_cli.cli.shell_words import Typed, split
from dcmnet_cli.core.text import quoted
from dcmnet_cli.errors import UsageError
from dcmnet_cli.render.output import Output

COMPAT = "Compat"
EXAMPLES = (
    ('dcmnet compat "storescu -v +sd +r -aec PACS host 104 dir"', "the same in our words, and what differs"),
    ("dcmnet compat findscu -W -k ScheduledProcedureStepSequence host 104", "without quotes, as it was typed"),
    ("dcmnet compat --run echoscu -aec PACS host 104", "do it"),
    ('dcmnet compat "dcmqrscp -c dcmqrscp.cfg 11112"', "an archive, from the file of DCMTK's"),
)


@command(examples=EXAMPLES, cls=ForeignLineCommand)
def compat(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="LINE", help="a line for echoscu, storescu ...; in quotes or without", show_default=False
        ),
    ] = None,
    *,
    run: Annotated[bool, flag("--run", panel=COMPAT, text="run it, and leave with its exit status")] = False,
    json: Annotated[
        bool, flag("--json", panel=OUTPUT, text="one JSON object on stdout; with --run, that of the command")
    ] = False,
) -> None:
    """Say a command line of DCMTK's network tools in our words, with what differs, or run it.

    Both --run and --json may also stand at the end of the line.
    """
    translation = translate(_line(words or []))
    output = Output(json=json)
    if run:
        raise typer.Exit(_run(translation, output))
    _show(translation, output)


def _line(words: list[str]) -> list[str]:
    """The words of the line: those given, or those in the first one if that holds them all."""
    if words and any(letter.isspace() for letter in words[0]):
        return [*split(words[0]), *words[1:]]
    return words


def _show(translation: Translation, output: Output) -> None:
    if output.json:
        from dcmnet_cli.ops.results import Report
        from dcmnet_cli.render.json import dump

        report = Report("compat")
        report.notes += translation.notes
        report.extra["tool"] = translation.tool
        pairs = zip(translation.lines, translation.commands, strict=True)
        report.extra["lines"] = [{"line": line, "words": ["dcmnet", *words]} for line, words in pairs]
        dump(report, output)
        return
    for line in translation.lines:
        output.out.write(line + "\n")
    for note in translation.notes:
        for line in _folded(f"note: {note}", output):
            output.say(line, style="dim")


def _folded(text: str, output: Output) -> list[str]:
    """A remark as lines, on a terminal no wider than that."""
    if not output.err.is_screen:
        return [text]
    import textwrap

    return textwrap.wrap(text, output.err.width, subsequent_indent="      ", break_on_hyphens=False)


def _run(translation: Translation, output: Output) -> int:
    from dcmnet_cli.cli.app import run

    if len(translation.commands) > 1:
        raise UsageError(f"{translation.tool} would be {len(translation.commands)} listeners: run one of these lines")
    (words,) = translation.commands
    for word in words:
        if isinstance(word, Typed):
            raise UsageError(f"{quoted(word)} is for the shell to expand: leave out the quotes round the line")
    if "--quiet" not in words:
        output.say(translation.lines[0], style="dim")
    return run([*words, *(["--json"] if output.json else [])])
