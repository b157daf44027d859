"""What a ``store`` found and is going to do, before anything is sent.

A terminal gets one line on the input and a table, on stdout. In a pipe the plan is the result of ``--dry-run`` alone,

    plan<TAB>SOP class UID<TAB>its name<TAB>stored as<TAB>files<TAB>bytes<TAB>proposed<TAB>accepted<TAB>sent as<TAB>note

with transfer syntaxes as UIDs, those of one context parted by commas and contexts by blanks, ``-`` for what there is
not. Otherwise it goes to stderr in words, with ``-v``.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from dcmnet_cli.core.quantities import count, plural, size
from dcmnet_cli.core.uids import uid_name
from dcmnet_cli.ops.storing.transfer import InputFacts, PlanRow
from dcmnet_cli.render.output import Channel, Output
from dcmnet_cli.render.words import beginning, object_name, one_line, syntax_name

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

    from dcmnet_cli.render.screen import Column

MOST_ROWS = 24
"""Rows of the table on a screen; with ``-v`` there is no limit."""
_WIDEST = 120
_MOST_PATHS = 3
_MOST_SYNTAXES = 4


def show_input(facts: InputFacts, skipped: Iterable[tuple[str, str]], output: Output) -> None:
    """Say what was found where; with ``-v`` what is left out, and why. ``skipped`` are (label, reason) pairs."""
    if output.json:
        return
    if output.out.is_screen and not output.quiet:
        from dcmnet_cli.render.screen import show, text

        show(output.out, [text(output.out, input_line(facts))])
    else:
        output.verbose(input_line(facts))
    if output.verbosity:
        for label, why in skipped:
            output.verbose(f"skipped: {label}: {one_line(why)}")


def input_line(facts: InputFacts) -> str:
    """``reading ./export   1,312 files: 1,309 objects, 1 DICOMDIR, 2 not DICOM (skipped)``."""
    parts = [
        plural(facts.objects, "object"),
        f"{count(facts.directories)} DICOMDIR",
        f"{count(facts.not_dicom)} not DICOM (skipped)",
        f"{count(facts.unreadable)} unreadable",
    ]
    numbers = (1, facts.directories, facts.not_dicom, facts.unreadable)
    found = ", ".join(part for part, number in zip(parts, numbers, strict=True) if number)
    more = [f"{count(facts.unfit)} of them cannot be sent"] if facts.unfit else []
    more += [f"{plural(facts.duplicates, 'SOP Instance UID')} came again"] if facts.duplicates else []
    where = beginning(facts.paths, len(facts.paths), _MOST_PATHS)
    return f"reading {where}   {plural(facts.files, 'file')}: {'; '.join([found, *more])}"


def show_plan(rows: Sequence[PlanRow], output: Output, *, is_result: bool = False) -> None:
    """Show the plan: proposed, or once the peer has answered (``accepted`` is set) what it made of that.

    ``is_result`` for ``--dry-run``, whose result the plan is.
    """
    if output.json or not rows:
        return
    if output.out.is_screen and not output.quiet:
        _show_table(rows, output)
    elif is_result:
        for row in rows:
            output.result("plan", *_cells(row))
    else:
        for row in rows:
            output.verbose(_sentence(row))


def plan_json(rows: Iterable[PlanRow]) -> list[dict[str, object]]:
    """The plan for JSON, UIDs with their names. ``accepted`` is null before the peer was asked, "" for nothing."""
    return [
        {
            "sop_class_uid": row.sop_class_uid,
            "sop_class_name": uid_name(row.sop_class_uid) or None,
            "stored_as": row.stored_as,
            "stored_as_name": uid_name(row.stored_as) or None,
            "files": row.files,
            "bytes": row.bytes,
            "proposed": [list(context) for context in row.proposed],
            "accepted": row.accepted,
            "accepted_name": uid_name(row.accepted or "") or None,
            "sent_as": row.sent_as or None,
            "sent_as_name": uid_name(row.sent_as) or None,
            "note": row.note,
        }
        for row in rows
    ]


def input_json(facts: InputFacts) -> dict[str, object]:
    """What was found, for JSON."""
    return {**facts._asdict(), "paths": list(facts.paths), "files": facts.files}


def _cells(row: PlanRow) -> tuple[str, ...]:
    proposed = " ".join(",".join(context) for context in row.proposed)
    accepted = "-" if row.accepted is None else row.accepted or "nothing"
    cells = (
        row.sop_class_uid,
        object_name(row.sop_class_uid),
        row.stored_as,
        str(row.files),
        str(row.bytes),
        proposed,
        accepted,
        row.sent_as,
        one_line(row.note),
    )
    return tuple(cell or "-" for cell in cells)


def _sentence(row: PlanRow) -> str:
    """A row for those who follow the work in a log."""
    what = f"plan: {plural(row.files, 'file')} of {object_name(row.sop_class_uid)}, {syntax_name(row.stored_as)}"
    if row.accepted is None:
        return f"{what}: proposed as {', '.join(_proposed(row))}"
    note = f" ({one_line(row.note)})" if row.note else ""
    return f"{what}: peer accepts {_accepted(row)}, {_sent_as(row)}{note}"


def _proposed(row: PlanRow) -> list[str]:
    names = [syntax_name(uid) for context in row.proposed for uid in context]
    return list(dict.fromkeys(names)) or ["nothing"]


def _accepted(row: PlanRow) -> str:
    return "nothing" if not row.accepted else syntax_name(row.accepted)


def _sent_as(row: PlanRow) -> str:
    if not row.sent_as:
        return "not sent"
    return "unchanged" if row.sent_as == row.stored_as else syntax_name(row.sent_as)


def _show_table(rows: Sequence[PlanRow], output: Output) -> None:
    from dcmnet_cli.render.screen import hanging, indented, show, table, text

    channel = output.out
    shown = rows if output.verbosity or len(rows) <= MOST_ROWS else _foremost(rows)
    notes = list(dict.fromkeys(row.note for row in shown if row.note))
    marks = {note: "*" if len(notes) == 1 else f"*{number}" for number, note in enumerate(notes, 1)}
    is_answered = any(row.accepted is not None for row in rows)
    columns = _columns(is_answered)
    make = _answered_row if is_answered else _proposed_row
    parts: list[RenderableType] = ["", indented(table(channel, columns, [make(row, marks, channel) for row in shown]))]
    parts += [indented(hanging(channel, mark, one_line(note))) for note, mark in marks.items()]
    if left := len(rows) - len(shown):
        parts.append(indented(text(channel, f"and {plural(left, 'more row')}; -v shows all", "dim")))
    show(channel, parts, min(channel.width, _WIDEST))


def _foremost(rows: Sequence[PlanRow]) -> list[PlanRow]:
    """The rows worth showing when there are too many: what will not be sent, then the most files. Their order stays."""
    ranked = sorted(range(len(rows)), key=lambda index: (not _is_trouble(rows[index]), -rows[index].files))
    return [rows[index] for index in sorted(ranked[: MOST_ROWS - 1])]


def _is_trouble(row: PlanRow) -> bool:
    return row.accepted is not None and not row.sent_as


def _columns(is_answered: bool) -> "list[Column]":
    from dcmnet_cli.render.screen import Column

    first = [Column("plan"), Column("files", right=True, wraps=False)]
    if is_answered:
        return [*first, *map(Column, ("stored as", "peer accepts", "sent as"))]
    return [*first, Column("size", right=True, wraps=False), Column("stored as"), Column("proposed")]


def _answered_row(row: PlanRow, marks: dict[str, str], channel: Channel) -> "list[Text]":
    from dcmnet_cli.render.screen import text

    sent_as = f"{_sent_as(row)} {marks.get(row.note, '')}".rstrip()
    style = "red" if _is_trouble(row) else "yellow" if row.sent_as != row.stored_as else ""
    return [
        text(channel, object_name(row.sop_class_uid)),
        text(channel, count(row.files)),
        text(channel, syntax_name(row.stored_as)),
        text(channel, _accepted(row) if row.accepted is not None else "-", "" if row.accepted else "red"),
        text(channel, sent_as, style),
    ]


def _proposed_row(row: PlanRow, marks: dict[str, str], channel: Channel) -> "list[Text]":
    from dcmnet_cli.render.screen import text

    names = _proposed(row)
    if len(names) > _MOST_SYNTAXES:
        names = [*names[: _MOST_SYNTAXES - 1], f"and {len(names) - _MOST_SYNTAXES + 1} more"]
    names[-1] = f"{names[-1]} {marks.get(row.note, '')}".rstrip()
    return [
        text(channel, object_name(row.sop_class_uid)),
        text(channel, count(row.files)),
        text(channel, size(row.bytes)),
        text(channel, syntax_name(row.stored_as)),
        text(channel, "\n".join(names), "red" if not row.proposed else ""),
    ]
