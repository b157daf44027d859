"""The end of a ``store``: what became of every file, why, and where the time went.

A terminal gets one screen on stdout. In a pipe stdout gets a line for every instance that was not plainly stored,

    instance<TAB>failed<TAB>0xA700<TAB>export/IM7.dcm<TAB>SOP Instance UID<TAB>failure: refused: out of resources

then ``name<TAB>number`` lines (stored, warned, failed, not_sent, in_doubt, confirmed, skipped, bytes,
files_per_second, bytes_per_second), ``name<TAB>time`` lines in ms, and the last line of every command, four cells that
begin with ``ok`` or ``FAILED``. Causes, what they mean and what to try go to stderr.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from dcmnet_cli.core.quantities import clock, count, data_rate, percent, plural, rate, size
from dcmnet_cli.core.text import printable
from dcmnet_cli.errors import OperationFailed
from dcmnet_cli.ops.results import Report
from dcmnet_cli.ops.storing.transfer import (
    CONFIRMED,
    OUTCOMES,
    STORED,
    WARNED,
    InputFacts,
    Mentions,
    Outcome,
    PlanRow,
    StoreResult,
    Tally,
)
from dcmnet_cli.render.causes import LABELS, MOST_FILES, TROUBLE, Cause, causes_of, told_apart
from dcmnet_cli.render.ladder import say_hanging, show_failure, show_report
from dcmnet_cli.render.output import Channel, Output
from dcmnet_cli.render.plan import show_plan
from dcmnet_cli.render.status import status_line
from dcmnet_cli.render.store_json import WORDS, report_text
from dcmnet_cli.render.words import beginning, duration, milliseconds, one_line

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from dcmnet_cli.render.screen import Labelled

_NOT_DICOM = "not DICOM"
_MOST_REASONS = 4
_ACTIVITIES = {
    "waiting": "waiting for the peer",
    "converting": "converting",
    "network": "network",
    "disk": "disk",
    "pausing": "pausing",
}
_LONG = 120.0  # seconds that are better told as a clock does
_WORTH_TELLING = 0.005  # as a share of the time: what would round to nothing
_MOST_TEXTS = 6


def show_store(
    report: Report,
    result: StoreResult,
    output: Output,
    *,
    outcomes: Iterable[Outcome] = (),
    plan: Sequence[PlanRow] = (),
    facts: InputFacts | None = None,
    report_file: str = "",
) -> None:
    """Show how a ``store`` ended. ``report`` has the exit status, and the error when the whole of it failed.

    ``outcomes``, all of them, ``plan`` and ``facts`` are for JSON alone; ``report_file`` is the file of ``--report``.
    """
    if output.json:
        for piece in report_text(report, result, outcomes, plan, facts):
            output.out.write(piece)
        return
    all_in = f"{printable(report_file)} lists all" if report_file else "--report FILE lists all"
    never_began = report.error is not None and not result.tally.answered and not result.tally.counts["in_doubt"]
    if output.quiet:
        show_failure(report, summary_line(result.tally), output)
    elif output.out.is_screen:
        if never_began:
            show_report(report, output)  # the ladder says where it ended
        _show_screen(report, result, output, all_in, with_headline=not never_began)
    else:
        _show_lines(report, result, output, all_in, with_ending=not never_began)
        if never_began:
            show_report(report, output)


def show_dry_run(
    report: Report, rows: Sequence[PlanRow], unfit: Sequence[Outcome], associations: int, output: Output
) -> None:
    """The result of ``--dry-run``: the plan, what is wrong with the files that could not be sent, and how many
    associations it takes to propose all that.
    """
    ready = sum(row.files for row in rows)
    words = f"dry run: {count(ready)} of {count(ready + len(unfit))} can be sent"
    words += f", over {plural(associations, 'association')}" if associations > 1 else ""
    if output.json:
        from dcmnet_cli.render.json import dump
        from dcmnet_cli.render.plan import plan_json
        from dcmnet_cli.render.store_json import instances_json

        report.extra |= {"plan": plan_json(rows), "instances": instances_json(unfit)}
        dump(report, output)
        return
    show_plan(rows, output, is_result=True)
    causes, _ = told_apart(causes_of(unfit))
    if output.out.is_screen and not output.quiet:
        from dcmnet_cli.render.screen import indented, paragraphs, show

        parts: list[RenderableType] = ["", _headline(report, len(unfit) == 0, bool(ready), words, output.out)]
        groups = [[_paragraph(cause, output.out, "--json lists all")] for cause in causes]
        parts += ["", indented(paragraphs(output.out, groups))] if groups else []
        show(output.out, parts, _width(output.out))
        return
    for outcome in unfit:
        output.result(*_instance_cells(outcome))
    output.result(_ending(report), f"dcmnet {report.command}", words, "-")


# --- in words ------------------------------------------------------------------------------------------------------


def headline_words(tally: Tally) -> str:
    """``1,306 of 1,309 stored``."""
    return f"{count(tally.good)} of {count(tally.total)} stored" if tally.total else "nothing to send"


def summary_line(tally: Tally) -> str:
    """The same, and when that is not all, what became of the others: ``..., 2 refused, 1 not sent``."""
    parts = [f"{count(tally.counts[kind])} {LABELS[kind]}" for kind in TROUBLE if tally.counts[kind]]
    return ", ".join([headline_words(tally), *parts])


def time_line(result: StoreResult) -> str:
    """``22.4 s: 78 % waiting for the peer, 15 % converting``: shares of the time of all associations together."""
    told = f"{result.seconds:.1f} s" if result.seconds >= 1 else duration(result.seconds)
    told = told if result.seconds < _LONG else clock(result.seconds)
    spent = {_ACTIVITIES[name]: seconds for name, seconds in result.spent._asdict().items()}
    whole = max(sum(spent.values()), result.seconds)
    rest = whole - sum(spent.values())
    shares = [*sorted(((seconds, what) for what, seconds in spent.items()), reverse=True), (rest, "other")]
    shares = [(seconds, what) for seconds, what in shares if seconds > _WORTH_TELLING * whole]
    at_once = f", up to {plural(result.jobs, 'association')} at once" if result.jobs > 1 else ""
    return f"{told}{at_once}: {', '.join(f'{percent(part, whole)} {what}' for part, what in shares)}".rstrip(": ")


def speed_line(result: StoreResult) -> str:
    """``58 files/s, 31 MB/s, 695 MB in all``, of what the peer answered for."""
    tally, seconds = result.tally, result.seconds
    return f"{rate(tally.answered, seconds)} files/s, {data_rate(tally.bytes, seconds)}, {size(tally.bytes)} in all"


def _rows(result: StoreResult, told: Sequence[Cause], rest: dict[str, list[Cause]]) -> Iterator[tuple[str, int, str]]:
    """The table: kind, files, detail."""
    counts = result.tally.counts
    if counts[STORED]:
        yield STORED, counts[STORED], status_line(0, "store")
    for cause in told:
        yield cause.kind, len(cause.outcomes), cause.detail
    for kind, causes in rest.items():
        yield kind, sum(len(cause.outcomes) for cause in causes), f"{plural(len(causes), 'other cause')}"
    if counts[CONFIRMED]:
        yield CONFIRMED, counts[CONFIRMED], "by the journal of an earlier run, not sent again"


def _facts(result: StoreResult) -> list[tuple[str, str]]:
    """Labels and texts below the causes."""
    rows = [("Skipped", line) for line in _skipped(result.skipped)]
    rows += [("Converted", line) for line in _mentioned(result.tally.changes)]
    if result.tally.answered:
        rows += [("Time", time_line(result)), ("Speed", speed_line(result))]
    if result.associations > 1 or result.retries:
        retries = f", {plural(result.retries, 'retry', 'retries')}" if result.retries else ""
        rows.append(("Link", f"{plural(result.associations, 'association')}{retries}"))
    return rows


def _skipped(skipped: Sequence[tuple[str, str]]) -> list[str]:
    groups: dict[str, Mentions] = {}
    for label, why in skipped:
        groups.setdefault(one_line(why), Mentions()).add(label)
    if len(groups) > _MOST_REASONS:  # reasons that name the file: no use in telling them apart
        groups = {"not DICOM or unreadable": _merged(groups.values())}
    return [
        f"{plural(found.count, 'file')}, {why}"
        + (f": {beginning(found.labels, found.count, MOST_FILES)}" if why != _NOT_DICOM else "")
        for why, found in groups.items()
    ]


def _merged(groups: Iterable[Mentions]) -> Mentions:
    whole = Mentions()
    for group in groups:
        whole.labels += group.labels
        whole.count += group.count
    return whole


def _mentioned(texts: Mapping[str, Mentions], *, with_files: bool = False) -> list[str]:
    """A line a text, what most files have in common first."""
    ranked = sorted(texts.items(), key=lambda item: -item[1].count)
    lines = []
    for text, found in ranked[:_MOST_TEXTS]:
        files = f": {beginning(found.labels, found.count, MOST_FILES)}" if with_files else ""
        lines.append(f"{plural(found.count, 'file')}: {one_line(text)}{files}")
    if (left := len(ranked) - _MOST_TEXTS) > 0:
        lines.append(f"and {plural(left, 'other remark')}")
    return lines


def _ending(report: Report) -> str:
    return "ok" if report.error is None and report.exit_code == 0 else "FAILED"


# --- a pipe --------------------------------------------------------------------------------------------------------


def _show_lines(report: Report, result: StoreResult, output: Output, all_in: str, *, with_ending: bool) -> None:
    tally, seconds = result.tally, result.seconds
    for outcome in tally.remarkable:
        output.result(*_instance_cells(outcome))
    for kind in OUTCOMES:
        output.result(WORDS[kind], str(tally.counts[kind]))
    output.result("skipped", str(len(result.skipped)))
    output.result("bytes", str(tally.bytes))
    output.result("files_per_second", f"{tally.answered / seconds:.1f}" if seconds > 0 else "-")
    output.result("bytes_per_second", f"{tally.bytes / seconds:.0f}" if seconds > 0 else "-")
    for name, spent in result.spent._asdict().items():
        output.result(name, milliseconds(spent))
    if with_ending:
        peer = f"{report.peer.label} as {report.peer.calling}" if report.peer else ""
        output.result(_ending(report), f"dcmnet {report.command}", peer, milliseconds(seconds))
        show_failure(report, summary_line(tally), output)
        for note in report.notes:
            output.say(f"note: {one_line(note)}")
    told, _ = told_apart(causes_of(tally.remarkable))
    for cause in told:
        if report.error is not None and cause.reason == report.error.message:
            continue  # said already
        is_explained = isinstance(report.error, OperationFailed) and cause.status == report.error.status
        _say_cause(cause, output, all_in, is_explained=is_explained)
    if output.verbosity:
        for label, text in [*_facts(result), *_note_rows(tally)]:
            output.verbose(f"{label.lower()}: {one_line(text)}")


def _instance_cells(outcome: Outcome) -> tuple[str, ...]:
    status = f"0x{outcome.status:04X}" if outcome.status is not None else "-"
    words = [one_line(outcome.reason)] if outcome.status is None else [_without_number(outcome.status)]
    words += [f'"{one_line(outcome.error_comment)}"'] if outcome.error_comment else []
    return ("instance", WORDS[outcome.kind], status, outcome.label, outcome.sop_instance_uid or "-", ", ".join(words))


def _without_number(status: int) -> str:
    return status_line(status, "store").partition(" ")[2]


def _say_cause(cause: Cause, output: Output, all_in: str, *, is_explained: bool) -> None:
    """One cause, with what it means and what to try unless that stands above."""
    output.say(f"  {LABELS[cause.kind]}, {plural(len(cause.outcomes), 'file')}: {cause.detail}")
    advice = [] if is_explained else [("meaning", cause.meaning), *(("try", one) for one in cause.remedies)]
    for label, value in [*cause.facts(), *advice]:
        if value:
            say_hanging(output, f"    {label.lower()}: ", value)
    for line in cause.files(all_in):
        output.say(f"    {line}")


# --- a screen ------------------------------------------------------------------------------------------------------


def _width(channel: Channel) -> int:
    from dcmnet_cli.render.screen import WIDEST_PROSE

    return min(channel.width, WIDEST_PROSE)


def _show_screen(report: Report, result: StoreResult, output: Output, all_in: str, *, with_headline: bool) -> None:
    from dcmnet_cli.render.screen import indented, paragraphs, show, text

    channel, tally = output.out, result.tally
    told, rest = told_apart(causes_of(tally.remarkable))
    parts: list[RenderableType] = [""]
    if with_headline:
        is_complete = tally.is_complete and report.exit_code == 0
        parts.append(_headline(report, is_complete, tally.good > 0, headline_words(tally), channel))
        parts.append("")
    if tally.total:
        said = report.error.message if report.error is not None and not with_headline else None
        rows = [
            (kind, files, "for the reason above" if detail == said else detail)
            for kind, files, detail in _rows(result, told, rest)
        ]
        parts += [indented(_table(rows, channel)), ""]
    groups: list[list[Labelled]] = [_error_rows(report, channel)] if with_headline else []
    groups += [[_paragraph(cause, channel, all_in)] for cause in told if with_headline or cause.status is not None]
    texts = _facts(result) + (_note_rows(tally) if output.verbosity else [])
    facts: list[Labelled] = [(label, text(channel, value)) for label, value in _labelled_once(texts)]
    groups.append(facts + [("Note", text(channel, one_line(note), "yellow")) for note in report.notes if with_headline])
    if any(groups):
        parts.append(indented(paragraphs(channel, groups)))
    show(channel, parts, _width(channel))


def _headline(report: Report, is_complete: bool, is_begun: bool, words: str, channel: Channel) -> "Table":
    from dcmnet_cli.render.screen import headline

    mark, colour = ("✓", "green") if is_complete else ("▲", "yellow") if is_begun else ("✗", "red")
    if report.error is not None and not is_complete:
        mark, colour = "✗", "red"
    about = f"{report.peer.label}  {words}" if report.peer else words
    return headline(channel, mark, colour, report.command, about, report.exit_code)


def _table(rows: Sequence[tuple[str, int, str]], channel: Channel) -> "Table":
    from dcmnet_cli.render.screen import Column, table, text

    columns = (
        Column("outcome", wraps=False),
        Column("files", right=True, wraps=False),
        Column("detail", ratio=1, apart=True),
    )
    styles = {STORED: "green", WARNED: "yellow", CONFIRMED: "green", **dict.fromkeys(TROUBLE, "red")}
    cells = [
        (text(channel, LABELS[kind], styles[kind]), text(channel, count(files)), text(channel, detail))
        for kind, files, detail in rows
    ]
    return table(channel, columns, cells)


def _paragraph(cause: Cause, channel: Channel, all_in: str) -> "Labelled":
    from dcmnet_cli.render.screen import text

    lines = [cause.meaning or cause.detail]
    lines += [f"{name}: {value}" for name, value in cause.facts(with_keywords=True)]
    lines += [remedy if ": " in remedy[:12] else f"Try: {remedy}" for remedy in cause.remedies]
    return cause.label, text(channel, "\n".join([*lines, *cause.files(all_in)]))


def _error_rows(report: Report, channel: Channel) -> "list[Labelled]":
    """What ended the whole of it. A status is told with its cause."""
    from dcmnet_cli.render.screen import numbered, text

    if report.error is None or isinstance(report.error, OperationFailed):
        return []
    remedies = report.diagnosis.remedies if report.diagnosis else report.error.hints
    rows: list[Labelled] = [("Error", text(channel, one_line(report.error.message), "red"))]
    return [*rows, ("Try", numbered(channel, remedies))] if remedies else rows


def _note_rows(tally: Tally) -> list[tuple[str, str]]:
    """What was odd about files that were sent all the same."""
    return [("Remark", line) for line in _mentioned(tally.notes, with_files=True)]


def _labelled_once(rows: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The rows, a label that repeats the one above left out."""
    previous = ""
    for label, value in rows:
        yield "" if label == previous else label, value
        previous = label
