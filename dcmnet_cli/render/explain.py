"""What ``dcmnet explain`` shows: every reading of what was asked, one after the other.

In a pipe each reading is a line ``reading<TAB>title`` followed by ``label<TAB>value`` lines: its facts, ``meaning``,
``cause``, ``try``, ``who acts``.
"""

from typing import TYPE_CHECKING

from dcmnet_cli.ops.results import Explanation, Reading
from dcmnet_cli.render.output import Channel, Output
from dcmnet_cli.render.words import SIDES

if TYPE_CHECKING:
    from rich.console import RenderableType

    from dcmnet_cli.render.screen import Labelled


def show_explanation(explanation: Explanation, output: Output) -> None:
    """Show all readings, on whatever ``output`` is."""
    if output.json:
        from dcmnet_cli.render.json import dump_object

        dump_object(explanation_json(explanation), output)
    elif output.quiet:
        return
    elif output.out.is_screen:
        _show_screen(explanation, output.out)
    else:
        for reading in explanation.readings:
            for cells in _lines(reading):
                output.result(*cells)


def explanation_json(explanation: Explanation) -> dict[str, object]:
    """The envelope with the readings; facts are (label, value) objects."""
    from dcmnet_cli.ops.results import Report
    from dcmnet_cli.render.json import envelope

    report = Report("explain")
    report.extra["words"] = explanation.words
    report.extra["readings"] = [
        reading._asdict()
        | {
            "facts": [{"label": label, "value": value} for label, value in reading.facts],
            "side": reading.side or None,
        }
        for reading in explanation.readings
    ]
    return envelope(report)


def _lines(reading: Reading) -> list[tuple[str, str]]:
    lines = [("reading", reading.title), *reading.facts, ("meaning", reading.meaning)]
    lines += [("cause", cause) for cause in reading.causes]
    lines += [("try", remedy) for remedy in reading.remedies]
    lines.append(("who acts", SIDES.get(reading.side, reading.side)))
    return [line for line in lines if line[1]]


def _show_screen(explanation: Explanation, channel: Channel) -> None:
    from dcmnet_cli.render.screen import WIDEST_PROSE, indented, paragraphs, show, text

    parts: list[RenderableType] = []
    several = len(explanation.readings) > 1
    for number, reading in enumerate(explanation.readings, 1):
        title = f"{number}. {reading.title}" if several else reading.title
        parts += ["", text(channel, title, "bold")] if parts else [text(channel, title, "bold")]
        if any(groups := _groups(reading, channel)):
            parts += ["", indented(paragraphs(channel, groups))]
    show(channel, parts, min(channel.width, WIDEST_PROSE))


def _groups(reading: Reading, channel: Channel) -> "list[list[Labelled]]":
    from dcmnet_cli.render.screen import numbered, text

    side = SIDES.get(reading.side, reading.side)
    return [
        [("UID" if label == "uid" else label.capitalize(), text(channel, value)) for label, value in reading.facts],
        [("Meaning", text(channel, reading.meaning))] if reading.meaning else [],
        [("Causes", numbered(channel, reading.causes))] if reading.causes else [],
        [("Try", numbered(channel, reading.remedies))] if reading.remedies else [],
        [("Who acts", text(channel, side))] if side else [],
    ]
