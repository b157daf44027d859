"""How a query went: the one line at its end, what explains an empty result, and the same as JSON."""

from typing import TYPE_CHECKING

from dcmnet_cli.core.text import printable
from dcmnet_cli.ops.querying.answers import Ending, Path, Relaxed
from dcmnet_cli.ops.results import Report
from dcmnet_cli.render.ladder import show_error, show_report
from dcmnet_cli.render.output import Output
from dcmnet_cli.render.status import status_json, status_line
from dcmnet_cli.render.words import duration, one_line

if TYPE_CHECKING:
    from rich.console import RenderableType

    from dcmnet_cli.render.answer_table import Table
    from dcmnet_cli.render.answers import JSONList

_NOUNS = {
    "PATIENT": ("patient", "patients"),
    "STUDY": ("study", "studies"),
    "SERIES": ("series", "series"),
    "IMAGE": ("instance", "instances"),
    "": ("item", "items"),
}
_HEADINGS = {
    0x00080020: "date",
    0x00080030: "time",
    0x00100010: "patient",
    0x00100020: "ID",
    0x00081030: "description",
    0x00080061: "mod.",
    0x00201206: "ser.",
    0x00201208: "inst.",
    0x00080050: "accession",
    0x00100030: "born",
    0x00100040: "sex",
    0x00201200: "studies",
    0x00201204: "inst.",
    0x00200011: "no.",
    0x00080060: "mod.",
    0x0008103E: "description",
    0x00180015: "body part",
    0x00201209: "inst.",
    0x00200013: "no.",
    0x00080016: "SOP class",
    0x00080018: "SOP instance UID",
    0x0020000D: "study UID",
    0x0020000E: "series UID",
    0x00400001: "station",
    0x00400002: "date",
    0x00400003: "time",
    0x00400006: "performer",
    0x00400007: "step",
    0x00400009: "step ID",
    0x00400010: "station name",
    0x00321060: "procedure",
    0x00401001: "procedure ID",
}
_OPTIONS = {"PatientName": "--patient-name", "PatientID": "--patient-id", "AccessionNumber": "--accession"}


class Found:
    """What became of a query, filled while it goes. ``queries`` are what was asked, in words."""

    def __init__(self, model: str, level: str, queries: list[str]) -> None:
        self.model = model
        self.level = level
        self.queries = queries
        self.answers = 0
        self.ending = Ending(None)
        self.narrowing: list[tuple[str, str]] = []
        self.within: list[tuple[str, str]] = []
        self.relaxed: list[Relaxed] | None = None
        self.absent: list[str] = []
        self.notes: list[str] = []
        self.assumed: dict[str, int] = {}  # how many answers declare no character set, by the one that was read
        self.is_told = False  # whether that is somebody's word
        self.table: Table | None = None


def heading(path: Path, name: str) -> str:
    """A short heading for a column of a narrow table."""
    return _HEADINGS.get(path[-1], name.rpartition(".")[2])


def outcome(ending: Ending) -> str:
    """How a query ended, in a few words."""
    words = _counted(ending.answers, "answer")
    if ending.is_deaf:
        return f"{words}, and the peer went on after the C-CANCEL: aborted"
    status = status_line(ending.status, "find") if ending.status is not None else "no final status"
    return f"{words}, {status}"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def show_query(words: str, output: Output) -> None:
    """What is asked, for those who look on."""
    if output.out.is_screen and not output.json:
        output.say(f"  {words}", style="dim")
    else:
        output.verbose(words)


def show_find(report: Report, found: Found, output: Output, answers: "JSONList | None") -> None:
    """The end of a query. The answers have been shown by then."""
    report.notes += [note for note in found.notes if note not in report.notes]
    report.notes += _remarks(found)
    if output.json:
        _show_json(report, found, output, answers)
        return
    if report.error is not None and not found.answers:
        show_report(report, output)
        return
    if output.out.is_screen and not output.quiet:
        _show_headline(report, found, output)
    elif found.answers or report.error is None:
        output.say(_summary(found))
    for line in explanation(found):
        output.say(f"  {line}")
    for note in report.notes:
        output.say(f"note: {one_line(note)}", style="yellow")
    show_error(report, output)


def show_count(found: Found, output: Output) -> None:
    """``--count``: the number and nothing else."""
    output.result(str(found.answers))


def _remarks(found: Found) -> list[str]:
    ending = found.ending
    notes = []
    for name, number in found.assumed.items():
        how = "as you said" if found.is_told else "which is a guess"
        notes.append(f"no character set in {_counted(number, 'answer')}: read as {name}, {how}")
    if ending.unreadable:
        notes.append(f"left out as unreadable: {_counted(ending.unreadable, 'answer')} ({ending.problem})")
    if ending.warned:
        absent = ", ".join(found.absent)
        what = f"; its answers lack {absent}" if absent else ""
        notes.append(f"the peer says that it does not support all keys (status FF01){what}")
    if ending.is_deaf:
        notes.append("the peer ignored the C-CANCEL; the association was aborted after a while")
    if found.table is not None and found.table.left_out:
        notes.append(f"{found.table.left_out:,} more are in the file")
    return notes


def _summary(found: Found) -> str:
    ending = found.ending
    one, many = _NOUNS[found.level]
    words = f"{found.answers:,} {one if found.answers == 1 else many}, {duration(ending.seconds)}"
    if ending.is_stopped:
        return f"{words}, stopped by you"
    if ending.is_cancelled:
        return f"{words}, and no more" if ending.is_complete else f"{words}, limit reached"
    return f"{words}, complete" if ending.is_complete else f"{words}, not complete"


def _show_headline(report: Report, found: Found, output: Output) -> None:
    from dcmnet_cli.render.screen import headline, show

    is_good = report.exit_code == 0
    peer = report.peer.label if report.peer else ""
    mark, colour = ("✓", "green") if is_good else ("✗", "red")
    parts: list[RenderableType] = [
        "",
        headline(output.out, mark, colour, "find", f"{peer}  {_summary(found)}", report.exit_code),
    ]
    show(output.out, parts)


def explanation(found: Found) -> list[str]:
    """Why there may be no answer: which keys narrowed the query, and what there would be without each."""
    if found.answers or not found.ending.is_complete:
        return []
    if not found.narrowing:
        within = " and ".join(f"{name}={printable(value)}" for name, value in found.within)
        nothing = f"the peer has no {_NOUNS[found.level][1]}{f' with {within}' if within else ' at all'}"
        return [
            f"Nothing else narrowed this query: {nothing}." if within else f"Nothing narrowed this query: {nothing}."
        ]
    if found.relaxed is None:
        keys = ", ".join(f"{name}={printable(value)}" for name, value in found.narrowing)
        return [f"What narrowed it: {keys}", "See what there would be without each of them: --relax"]
    return [f"Without each of the keys that narrowed it, the peer has {_NOUNS[found.level][1]}:", *_relaxed(found)]


def _relaxed(found: Found) -> list[str]:
    """What there would be without each key, or with a wider value, and what to try."""
    relaxed = found.relaxed or []
    words = [
        f"with {each.name}={printable(each.instead)}" if each.instead else f"without {each.name}" for each in relaxed
    ]
    width = max(map(len, words), default=0)
    lines = []
    for each, asked in zip(relaxed, words, strict=True):
        number = f"{each.answers:,}{' or more' if each.has_more else ''}"
        newest = f"   the latest of {_date(each.newest)}" if each.newest else ""
        lines.append(f"  {asked:<{width}}  {number}{newest}")
    maybe = list(filter(None, map(_suggestion, relaxed)))
    return [*lines, f"Maybe: {', or '.join(maybe)}"] if maybe else lines


def _suggestion(relaxed: Relaxed) -> str:
    """The option that would find something, "" if nobody knows."""
    from shlex import quote

    if not relaxed.answers:
        return ""
    if relaxed.instead:
        value = printable(relaxed.instead)
        option = _OPTIONS.get(relaxed.name)
        return f"{option} {quote(value)}" if option else f"-k {quote(f'{relaxed.name}={value}')}"
    return f"--date {_date(relaxed.newest)}" if relaxed.name == "StudyDate" and relaxed.newest else ""


def _date(value: str) -> str:
    return f"{value[:4]}-{value[4:6]}-{value[6:]}" if len(value) == 8 and value.isdigit() else value


# --- JSON ------------------------------------------------------------------------------------------------------------


def json_opening() -> str:
    """The beginning of the object, up to its first match: what is known by then."""
    from dcmnet_cli.render.json import SCHEMA

    return f'{{"schema":"{SCHEMA}","command":"find","matches":['


def _show_json(report: Report, found: Found, output: Output, answers: "JSONList | None") -> None:
    from dcmnet_cli.render.json import dump, envelope, line

    ending = found.ending
    report.extra |= {
        "query": {"model": found.model, "level": found.level or None, "words": found.queries},
        "count": found.answers,
        "complete": ending.is_complete,
        "cancelled": ending.is_cancelled,
        "unreadable": ending.unreadable,
        "seconds": round(ending.seconds, 3),
        "narrowing": [{"key": name, "value": value} for name, value in found.narrowing],
        "relaxed": found.relaxed,
    }
    if ending.status is not None:
        report.extra |= {"final": status_json(ending.status, "find", ending.error_comment, ending.offending_element)}
    if answers is None or not answers.is_begun:
        report.extra["matches"] = []
        dump(report, output)
        return
    rest = line({key: value for key, value in envelope(report).items() if key not in ("schema", "command")})
    output.out.write("]," + rest[1:] + "\n")
