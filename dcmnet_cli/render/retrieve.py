"""The end of a ``move`` or ``get``: three accounts of the same instances, what is missing, and what to do about it.

A terminal gets one screen on stdout. In a pipe stdout gets a line for every instance that is missing,

    missing<TAB>SOP Instance UID<TAB>SOP class<TAB>Study Instance UID<TAB>Series Instance UID<TAB>failed

the last cell ``failed`` where the peer says so itself, else ``-``; then ``name<TAB>number`` lines (expected, completed,
failed, warning, received), ``-`` for what nobody knows, and the last line of every command, four cells that begin with
``ok`` or ``FAILED``. The rest goes to stderr.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from dcmnet_cli.core import status as dimse_status
from dcmnet_cli.core.quantities import count, data_rate, plural, rate, size
from dcmnet_cli.core.text import printable
from dcmnet_cli.errors import OperationFailed
from dcmnet_cli.ops.results import Report
from dcmnet_cli.ops.retrieving.reconcile import Arrival, Claim, Destination, Result, Wanted, service_of
from dcmnet_cli.render.ladder import say_hanging, show_failure, show_report
from dcmnet_cli.render.output import Channel, Output
from dcmnet_cli.render.status import status_facts, status_line
from dcmnet_cli.render.words import duration, milliseconds, object_name, one_line

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from dcmnet_cli.render.screen import Labelled

UNKNOWN_DESTINATION = 0xA801
MAKE_ROOM = "Here: see to the disk or give another folder; then the same command with --missing asks for the rest."
_MOST_MISSING = 8
_MOST_REFUSALS = 3
_MOST_REMEDIES = 3


def show_retrieval(report: Report, result: Result, output: Output) -> None:
    """Show how a ``move`` or ``get`` ended. ``report`` has the exit status, and the error if it has one of its own."""
    if output.json:
        from dcmnet_cli.render.json import dump
        from dcmnet_cli.render.retrieve_json import retrieval_json

        report.extra |= retrieval_json(report, result)
        dump(report, output)
        return
    if output.quiet:
        show_failure(report, headline_words(result) + _shortfall(result), output)
    elif output.out.is_screen:
        _show_screen(report, result, output)
    else:
        _show_lines(report, result, output)


# --- in words --------------------------------------------------------------------------------------------------------


def headline_words(result: Result) -> str:
    """``412 of 412 on disk``."""
    where = {True: "on disk", False: "received and dropped"}
    if result.arrival is not None:
        end = where[result.arrival.kept]
    else:
        end = f"reported as sent to {result.destination.title}" if result.destination else "reported as sent"
    if result.expected is None:
        return f"{count(result.good)} {end}"
    if not result.expected and result.already:
        return f"nothing is missing, {count(result.already)} were here before"
    already = f" ({count(result.already)} were here before)" if result.already else ""
    return f"{count(result.good)} of {count(len(result.expected))} {end}{already}"


def account_rows(result: Result) -> Iterator[tuple[str, str, str]]:
    """The table: who says so, how many instances, detail."""
    expected = "unknown" if result.expected is None else count(len(result.expected))
    yield "the peer says it has (C-FIND)", expected, ""
    if result.claims:
        yield _claim_row(result)
    if result.arrival is not None:
        yield _arrival_row(result.arrival)


def _claim_row(result: Result) -> tuple[str, str, str]:
    counts, worst = result.claimed, result.worst
    assert worst is not None
    service = f"C-{result.service.upper()}"
    sent = None if counts.completed is None else counts.completed + (counts.warning or 0)
    numbers = "unknown" if sent is None else count(sent)
    label = f"the peer says it sent (final {service})"
    if counts.failed:
        label, numbers = "the peer says: sent / failed", f"{numbers} / {count(counts.failed)}"
    if worst.status is None:
        return label, numbers, "no final response"
    status = f"{dimse_status.format_status(worst.status)} {worst.category}"
    after = f" after {duration(sum(claim.seconds for claim in result.claims))}"
    several = f", {plural(len(result.claims), 'request')}" if len(result.claims) > 1 else ""
    return label, numbers, f"{status}{after}{several}"


def _arrival_row(arrival: Arrival) -> tuple[str, str, str]:
    label = "arrived and written here" if arrival.kept else "arrived here, dropped as asked"
    last = f"last one after {duration(arrival.last_after)}" if arrival.last_after is not None else ""
    return label, count(arrival.distinct), last


def note_lines(destination: Destination, peer: str) -> list[str]:
    """What to send to those who run the archive, so that a C-MOVE to ``destination`` can work."""
    tls = "with TLS" if destination.tls else "no TLS"
    if destination.is_here:
        address = ", ".join(destination.addresses)
        where = [
            f"  AE title {destination.title}, host {destination.host_name} ({address}), port {destination.port}, {tls}"
        ]
        more = [
            "  The archive connects to this host: firewalls must let that through.",
            f"  Accepted there: {destination.takes}.",
        ]
    else:
        where = [f"  AE title {destination.title}; host and port as those who run it say"]
        more = ["  The archive connects to that host: firewalls must let that through."]
    return [f"Please enter a destination for C-MOVE on {peer}:", *where, *more]


def remarks(result: Result) -> list[str]:
    """What is worth knowing even where all went well."""
    found = []
    arrival = result.arrival
    if arrival is not None and arrival.after_final:
        found.append(
            f"{plural(arrival.after_final, 'instance was', 'instances were')} still on the way when the peer reported "
            "the end; a program that stops there loses them"
        )
    if arrival is not None and arrival.surplus:
        found.append(f"{plural(arrival.surplus, 'instance')} came that C-FIND did not list")
    counts, claims = result.claimed, result.claims
    if any(claim.status == 0 and claim.counts.failed for claim in claims):
        found.append("the peer reported success, and failed sub-operations with it")
    if any(claim.counts.completed is None and claim.category in ("success", "warning") for claim in claims):
        found.append("the peer's final response has no count of what it sent: unknown, which is not none")
    if result.expected is not None and claims and _is_absurd(result):
        found.append(f"the peer counts {count(counts.done or 0)} sub-operations for {len(result.expected)} instances")
    return found


def _is_absurd(result: Result) -> bool:
    done = result.claimed.done
    known = all(claim.category in ("success", "warning") for claim in result.claims)
    return known and done is not None and result.expected is not None and done > len(result.expected)


def missing_words(wanted: Wanted, failed: bool) -> str:
    """``1.2.3.4  CT Image, series 99``."""
    parts = [object_name(wanted.sop_class_uid)] if wanted.sop_class_uid else []
    parts += [f"series {wanted.series_number}"] if wanted.series_number else []
    parts += ["failed, says the peer"] if failed else []
    return f"{wanted.sop_instance_uid}  {', '.join(parts)}".rstrip()


def _missing_lines(result: Result) -> list[str]:
    failed = frozenset(result.failed_uids)
    shown = [missing_words(each, each.sop_instance_uid in failed) for each in result.missing[:_MOST_MISSING]]
    left = len(result.missing) - len(shown)
    return [*shown, f"and {count(left)} more; --json lists all"] if left > 0 else shown


def _advice(report: Report, result: Result) -> list[tuple[str, str]]:
    """Labels and texts on what went wrong and what to try: of the final status, and of what did not arrive."""
    rows: list[tuple[str, str]] = []
    worst = result.worst
    if worst is not None and worst.status and not (result.is_complete and worst.category == "warning"):
        rows += status_facts(
            worst.status, service_of(worst.status, result.service), worst.error_comment, worst.offending_element
        )
    found = result.diagnosis
    is_our_disk = result.arrival is not None and result.arrival.cannot_write is not None
    if found is None and rows and worst is not None and worst.status is not None and not is_our_disk:
        known = dimse_status.lookup(worst.status, service_of(worst.status, result.service))
        rows.append(("Meaning", known.explanation))
        rows += [("Try", remedy) for remedy in known.remedies[:_MOST_REMEDIES]]
    if found is not None:
        rows += [*found.facts, ("Meaning", found.meaning), *(("Try", remedy) for remedy in found.remedies)]
    if result.arrival is not None:
        rows += [("Refused here", why) for why in _counted(result.arrival.refused)[:_MOST_REFUSALS]]
    if is_our_disk and report.error is None:
        rows.append(("Try", MAKE_ROOM))
    return rows


def _counted(texts: Sequence[str]) -> list[str]:
    """Each once, in the order of first mention."""
    return [text if (times := texts.count(text)) == 1 else f"{text} ({times} times)" for text in dict.fromkeys(texts)]


def needs_note(result: Result) -> bool:
    """Whether the archive's own list of destinations is the likeliest thing to mend."""
    if result.destination is None:
        return False
    is_unknown = any(claim.status == UNKNOWN_DESTINATION for claim in result.claims)
    return is_unknown or (result.diagnosis is not None and result.destination.is_here)


def _speed(result: Result) -> str:
    arrival = result.arrival
    if arrival is None or not arrival.bytes or not arrival.last_after:
        return ""
    came = arrival.distinct + arrival.surplus
    seconds = arrival.last_after
    return f"{rate(came, seconds)} files/s, {data_rate(arrival.bytes, seconds)}, {size(arrival.bytes)} in all"


def _called(report: Report) -> str:
    return report.peer.called if report.peer else "the archive"


# --- a pipe ----------------------------------------------------------------------------------------------------------


def counts_of(result: Result) -> dict[str, int | None]:
    """The counts that programs read."""
    counts = result.claimed
    return {
        "expected": None if result.expected is None else len(result.expected),
        "completed": counts.completed,
        "failed": counts.failed,
        "warning": counts.warning,
        "received": None if result.arrival is None else result.arrival.distinct,
    }


def _show_lines(report: Report, result: Result, output: Output) -> None:
    failed = frozenset(result.failed_uids)
    for wanted in result.missing:
        said = "failed" if wanted.sop_instance_uid in failed else "-"
        name = object_name(wanted.sop_class_uid) if wanted.sop_class_uid else "-"
        cells = (wanted.study_instance_uid or "-", wanted.series_instance_uid or "-", said)
        output.result("missing", wanted.sop_instance_uid, name, *cells)
    for name, number in counts_of(result).items():
        output.result(name, "-" if number is None else str(number))
    peer = f"{report.peer.label} as {report.peer.calling}" if report.peer else ""
    output.result(_ending(report), f"dcmnet {report.command}", peer, milliseconds(result.seconds))
    show_failure(report, headline_words(result) + _shortfall(result), output)
    said_already = report.error is not None and report.diagnosis is not None
    for label, value in [] if said_already and result.diagnosis is None else _advice(report, result):
        say_hanging(output, f"  {label.lower()}: ", one_line(value))
    if needs_note(result) and result.destination is not None:
        for line in note_lines(result.destination, _called(report)):
            output.say(f"  {line}")
    for note in (*remarks(result), *report.notes):
        output.say(f"note: {one_line(note)}")


def _shortfall(result: Result) -> str:
    parts = [f"{count(len(result.missing))} missing"] if result.missing else []
    parts += [f"{count(result.claimed.failed)} failed"] if result.claimed.failed else []
    parts += (
        [f"{count(result.arrival.not_durable)} not durable"] if result.arrival and result.arrival.not_durable else []
    )
    parts += ["stopped on request"] if result.cancelled else []
    return "".join(f", {part}" for part in parts)


def _ending(report: Report) -> str:
    return "ok" if report.error is None and report.exit_code == 0 else "FAILED"


# --- a screen --------------------------------------------------------------------------------------------------------


def _show_screen(report: Report, result: Result, output: Output) -> None:
    from dcmnet_cli.render.screen import WIDEST_PROSE, Column, indented, paragraphs, show, table, text

    channel = output.out
    if report.error is not None and not result.claims:
        show_report(report, output)
        return
    parts: list[RenderableType] = ["", _headline(report, result, channel)]
    if result.claims or result.expected:
        columns = (
            Column("count", wraps=False),
            Column("instances", right=True, wraps=False),
            Column("detail", ratio=1, apart=True),
        )
        rows = [
            (text(channel, label), text(channel, number), text(channel, detail, "dim"))
            for label, number, detail in account_rows(result)
        ]
        parts += ["", indented(table(channel, columns, rows))]
    groups = _groups(report, result, channel)
    if any(groups):
        parts += ["", indented(paragraphs(channel, groups))]
    show(channel, parts, min(channel.width, WIDEST_PROSE))
    if needs_note(result) and result.destination is not None:
        _show_note(note_lines(result.destination, _called(report)), channel)


def _headline(report: Report, result: Result, channel: Channel) -> "Table":
    from dcmnet_cli.render.screen import headline

    mark, colour = ("✓", "green") if report.exit_code == 0 else ("▲", "yellow") if result.good else ("✗", "red")
    words = f"{headline_words(result)}{_shortfall(result)}"
    about = f"{report.peer.label}  {words}" if report.peer else words
    return headline(channel, mark, colour, report.command, about, report.exit_code)


def _groups(report: Report, result: Result, channel: Channel) -> "list[list[Labelled]]":
    from dcmnet_cli.render.screen import text

    def labelled(rows: Sequence[tuple[str, str]], style: str = "") -> "list[Labelled]":
        previous = ""
        found: list[Labelled] = []
        for label, value in rows:
            found.append(("" if label == previous else label, text(channel, one_line(value), style)))
            previous = label
        return found

    groups: list[list[Labelled]] = []
    if report.error is not None and not isinstance(report.error, OperationFailed):
        remedies = report.diagnosis.remedies if report.diagnosis else report.error.hints
        groups.append(
            labelled([("Error", report.error.message)], "red") + labelled([("Try", each) for each in remedies])
        )
    if result.missing and result.good:
        lines = [("Missing", line) for line in _missing_lines(result)]
        groups.append(labelled(lines))
    groups.append(labelled(_advice(report, result)))
    if result.missing and result.good and result.arrival is not None and result.arrival.kept:
        groups.append(labelled([("Next", "the same command with --missing asks for what is not here")]))
    speed = _speed(result)
    groups.append(labelled([("Speed", speed)] if speed else []))
    groups.append(labelled([("Note", each) for each in (*remarks(result), *report.notes)], "yellow"))
    return groups


def _show_note(lines: Sequence[str], channel: Channel) -> None:
    """The note, between rules and not in a box: it is there to be copied."""
    rule = channel.text("─") * min(channel.width - 2, max(map(len, lines)) + 2)
    channel.write("\n")
    channel.line("  Send this to the PACS team")
    for line in (rule, *lines, rule):
        channel.line(f"  {line}")


def describe_claim(claim: Claim, service: str) -> str:
    """``study 1.2.3: 0x0000 success: ...``, for ``-v``."""
    if claim.status is None:
        return f"{printable(claim.asked)}: no final response"
    return f"{printable(claim.asked)}: {status_line(claim.status, service_of(claim.status, service))}"
