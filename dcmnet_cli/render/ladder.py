"""The ladder: how far a command got, rung by rung, and what to do where it stopped.

On a terminal it is one screen on stdout. In a pipe stdout gets a line a rung and one for the whole,

    ok<TAB>resolve<TAB>127.0.0.1<TAB>0.4 ms
    FAILED<TAB>association<TAB>rejected permanently<TAB>6.1 ms
    FAILED<TAB>dcmnet echo<TAB>PACS@host:104 as ME<TAB>6.5 ms

always four cells: ``ok`` or ``FAILED``, what, detail, time. The rungs are the result, of a failure too. Why it
failed and what to try goes to stderr: one line ``dcmnet COMMAND: message``, then indented lines that explain it.
"""

from typing import TYPE_CHECKING

from dcmnet_cli.ops.results import AssociationFacts, Diagnosis, Report, Step
from dcmnet_cli.render.contexts import context_lines, context_table
from dcmnet_cli.render.output import Channel, Output
from dcmnet_cli.render.words import SIDES, duration, milliseconds, one_line, pdu_length

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from dcmnet_cli.render.screen import Labelled


def show_report(report: Report, output: Output) -> None:
    """Show the outcome of a command that climbed the ladder, in the way ``output`` asks for.

    What failed before the first rung (a bad option, an unreadable file) is an error line and no ladder.
    """
    if output.json:
        from dcmnet_cli.render.json import dump

        dump(report, output)
        return
    has_ladder = bool(report.steps) or report.peer is not None
    if has_ladder and not output.quiet:
        if output.out.is_screen:
            _show_screen(report, output)
        else:
            _show_lines(report, output)
    shown_already = has_ladder and output.out.is_screen and output.err.is_screen
    if report.error is not None and (output.quiet or not shown_already):
        show_error(report, output)


def show_error(report: Report, output: Output) -> None:
    """The error of ``report`` on stderr: the one line, and unless ``quiet`` what explains it."""
    if report.error is None:
        return
    output.error(f"dcmnet {report.command}: {one_line(report.error.message)}")
    if output.quiet:
        return
    for label, value in explanation(report):
        say_hanging(output, f"  {label}: ", one_line(value))


def show_failure(report: Report, outcome: str, output: Output) -> None:
    """The line that says what failed: the error, else ``outcome`` of work that was not all done. None for success."""
    if report.error is not None:
        show_error(report, output)
    elif report.exit_code:
        peer = f"{report.peer.label}: " if report.peer else ""
        output.error(f"dcmnet {report.command}: {peer}{outcome}")


def _diagnosis(report: Report) -> Diagnosis:
    error = report.error
    if error is None:
        return Diagnosis("", "")
    found = report.diagnosis or Diagnosis(error.layer, error.message)
    return found if found.remedies else found._replace(remedies=error.hints)


def explanation(report: Report) -> list[tuple[str, str]]:
    """What there is to say about the error of ``report`` beyond its message: labels, and what they say."""
    diagnosis = _diagnosis(report)
    rows = [(label.lower(), value) for label, value in diagnosis.facts]
    rows.append(("meaning", diagnosis.meaning))
    rows += [(f"try {number}", remedy) for number, remedy in enumerate(diagnosis.remedies, 1)]
    rows.append(("who acts", SIDES.get(diagnosis.side, diagnosis.side)))
    rows.append(("more", diagnosis.more))
    return [row for row in rows if row[1]]


def say_hanging(output: Output, label: str, value: str) -> None:
    """One line for a log; wrapped beside its label where a person reads it."""
    if not output.err.is_terminal:
        output.say(label + value)
        return
    import textwrap

    indent = " " * len(label)
    for line in textwrap.wrap(label + output.err.text(value), output.err.width, subsequent_indent=indent):
        output.say(line)


def _show_lines(report: Report, output: Output) -> None:
    for step in report.steps:
        detail = one_line(_step_result(step, report))
        output.result(_mark(step.ok, plain=True), step.name, detail, milliseconds(step.seconds))
    ok = report.error is None and report.exit_code == 0
    peer = f"{report.peer.label} as {report.peer.calling}" if report.peer else ""
    whole = milliseconds(sum(step.seconds for step in report.steps))
    output.result(_mark(ok, plain=True), f"dcmnet {report.command}", peer, whole)
    for note in report.notes:
        output.say(f"note: {one_line(note)}")
    if report.association is not None and (output.verbosity or _has_refusal(report)):
        for label, value in _association_rows(report.association):
            output.say(f"{label.lower()}: {one_line(value)}")
        for cells in context_lines(report.association.contexts):
            output.err.line(*cells)


def _show_screen(report: Report, output: Output) -> None:
    from dcmnet_cli.render.screen import WIDEST_PROSE, indented, show

    channel = output.out
    width = min(channel.width, WIDEST_PROSE)
    parts: list[RenderableType] = [_headline(report, channel)]
    if report.steps:
        parts += ["", indented(_step_table(report, channel))]
    rows = _screen_rows(report, output)
    if rows is not None:
        parts += ["", indented(rows)]
    show(channel, parts, width)
    association = report.association
    if association is not None and association.contexts and (output.verbosity or _has_refusal(report)):
        show(channel, ["", indented(context_table(channel, association.contexts))])


def _headline(report: Report, channel: Channel) -> "Table":
    from dcmnet_cli.render.screen import headline

    ok = report.error is None and report.exit_code == 0
    about = f"{report.peer.label}  as {report.peer.calling}" if report.peer else ""
    return headline(channel, _mark(ok), "green" if ok else "red", report.command, about, report.exit_code)


def _step_table(report: Report, channel: Channel) -> "Table":
    from dcmnet_cli.render.screen import Column, table, text

    columns = (
        Column("", wraps=False),
        Column("step", wraps=False),
        Column("result", ratio=1, apart=True),
        Column("time", right=True, wraps=False),
    )
    rows = []
    for step in report.steps:
        colour = "green" if step.ok else "red"
        result = text(channel, _step_result(step, report))
        if not step.ok:
            result.stylize("red", 0, len(result.plain.split("\n")[0]))
        name = text(channel, step.name)
        rows.append((text(channel, _mark(step.ok), colour), name, result, text(channel, duration(step.seconds), "dim")))
    return table(channel, columns, rows)


def _step_result(step: Step, report: Report) -> str:
    """A failed step opens with the diagnosis; what the step itself says comes below, unless it is the same."""
    headline = report.diagnosis.headline if report.diagnosis else ""
    if step.ok or not headline or step.detail in headline:
        return headline if not step.ok and headline else step.detail
    return step.detail if headline in step.detail else f"{headline}\n{step.detail}"


def _screen_rows(report: Report, output: Output) -> "Table | None":
    """What stands below the steps: facts, meaning, remedies, notes. None when there is nothing to say."""
    from dcmnet_cli.render.screen import numbered, paragraphs, text

    channel = output.out
    groups: list[list[Labelled]] = []
    diagnosis = _diagnosis(report)
    if report.error is not None:
        if all(step.ok for step in report.steps):
            groups.append([("Error", text(channel, report.error.message, "red"))])
        groups.append([(label, text(channel, value)) for label, value in diagnosis.facts])
        groups.append([("Meaning", text(channel, diagnosis.meaning))] if diagnosis.meaning else [])
        groups.append([("Try", numbered(channel, diagnosis.remedies))] if diagnosis.remedies else [])
        side = SIDES.get(diagnosis.side, diagnosis.side)
        last = [("Who acts", side), ("More", diagnosis.more)]
        groups.append([(label, text(channel, value)) for label, value in last if value])
    if report.association is not None and output.verbosity:
        groups.append([(label, text(channel, value)) for label, value in _association_rows(report.association)])
    groups.append([("Note", text(channel, note, "yellow")) for note in report.notes])
    return paragraphs(channel, groups) if any(groups) else None


def _association_rows(association: AssociationFacts) -> list[tuple[str, str]]:
    version = association.peer_implementation_version_name
    uid = association.peer_implementation_class_uid
    rows = [
        ("Peer", f"{version} ({uid})" if version and uid else version or uid or "does not say what it is"),
        ("Largest PDU", f"{pdu_length(association.max_pdu_length)}, set by the peer"),
    ]
    return rows + [("Remark", note) for note in association.notes]


def _has_refusal(report: Report) -> bool:
    """Whether the contexts explain the failure, and so belong on the screen without ``-v``."""
    return report.error is not None and report.error.kind == "no_accepted_context"


def _mark(ok: bool, plain: bool = False) -> str:
    if plain:
        return "ok" if ok else "FAILED"
    return "✓" if ok else "✗"
