"""The end of a query: its one line, what explains an empty result, notes, and where each of them goes."""

import json

import pytest

from dcmnet_cli.errors import OperationFailed
from dcmnet_cli.ops.querying.answers import Ending, Relaxed
from dcmnet_cli.ops.results import Diagnosis, PeerFacts, Report
from dcmnet_cli.render.answers import JSONList
from dcmnet_cli.render.find import Found, explanation, heading, json_opening, outcome, show_count, show_find, show_query
from tests.finding import answer
from tests.render.render_samples import Shown, pipe, terminal

DONE = Ending(0, answers=2, seconds=0.5)
NOTHING = Ending(0, seconds=0.022)


def found(ending: Ending, level: str = "STUDY", **facts: object) -> Found:
    result = Found("study root", level, ["study root, STUDY level: everything"])
    result.ending, result.answers = ending, ending.answers
    for name, fact in facts.items():
        assert hasattr(result, name)
        setattr(result, name, fact)
    return result


def shown(result: Found, output: Shown, report: Report | None = None) -> Shown:
    report = report or Report("find", PeerFacts("10.0.0.1", 104, "ARCHIVE", "ME"))
    show_find(report, result, output, None)
    return output


@pytest.mark.parametrize(
    ("ending", "level", "words"),
    [
        (DONE, "STUDY", "2 studies, 500 ms, complete"),
        (Ending(0, answers=1, seconds=12.34), "SERIES", "1 series, 12.3 s, complete"),
        (Ending(0, answers=1), "IMAGE", "1 instance, 0.00 ms, complete"),
        (Ending(0, answers=20000), "PATIENT", "20,000 patients, 0.00 ms, complete"),
        (Ending(0, answers=3), "", "3 items, 0.00 ms, complete"),
        (Ending(0xFE00, answers=2, is_cancelled=True), "STUDY", "2 studies, 0.00 ms, limit reached"),
        (Ending(0, answers=2, is_cancelled=True), "STUDY", "2 studies, 0.00 ms, and no more"),
        (Ending(0xFE00, answers=2, is_cancelled=True, is_stopped=True), "STUDY", "2 studies, 0.00 ms, stopped by you"),
        (Ending(0xFE00, answers=2), "STUDY", "2 studies, 0.00 ms, not complete"),
        (Ending(0, answers=2, unreadable=1), "STUDY", "2 studies, 0.00 ms, not complete"),
    ],
)
def test_the_one_line(ending: Ending, level: str, words: str) -> None:
    output = shown(found(ending, level, narrowing=[("PatientID", "1")]), pipe())
    assert output.stderr.splitlines()[0] == words
    assert output.stdout == ""


def test_on_a_terminal_it_is_a_headline() -> None:
    output = shown(found(DONE), terminal())
    assert output.stdout.splitlines()[1].split("  ")[:2] == ["✓ find", "ARCHIVE@10.0.0.1:104"]
    assert output.stdout.splitlines()[1].endswith("exit 0")
    assert output.stderr == ""


def test_quiet_says_nothing() -> None:
    output = shown(found(NOTHING, narrowing=[("PatientID", "1")], notes=["a note"]), pipe(quiet=True))
    assert (output.stdout, output.stderr) == ("", "")


def test_nothing_found_names_the_keys_that_narrowed_it() -> None:
    keys = [("PatientName", "X\x1b*"), ("StudyDate", "20250114")]
    assert explanation(found(NOTHING, narrowing=keys)) == [
        "What narrowed it: PatientName=X\\x1b*, StudyDate=20250114",
        "See what there would be without each of them: --relax",
    ]
    assert explanation(found(NOTHING)) == ["Nothing narrowed this query: the peer has no studies at all."]
    assert explanation(found(NOTHING, "SERIES", within=[("StudyInstanceUID", "1.2")])) == [
        "Nothing else narrowed this query: the peer has no series with StudyInstanceUID=1.2."
    ]


def test_what_there_would_be_without_each_key() -> None:
    relaxed = [Relaxed("PatientName", "X*", 500, True, "20250113"), Relaxed("StudyDate", "20250114", 0, False, "")]
    assert explanation(found(NOTHING, narrowing=[("PatientName", "X*")], relaxed=relaxed)) == [
        "Without each of the keys that narrowed it, the peer has studies:",
        "  without PatientName  500 or more   the latest of 2025-01-13",
        "  without StudyDate    0",
    ]


def test_what_might_be_meant() -> None:
    relaxed = [
        Relaxed("PatientName", "O'NEIL", 7, False, "20250113"),
        Relaxed("PatientName", "O'NEIL", 3, False, "20250113", "O'NEIL*"),
        Relaxed("StudyDescription", "HEAD", 0, False, "", "*HEAD*"),
        Relaxed("StudyID", "1", 2, False, "", "*1*"),
        Relaxed("StudyDate", "20250114", 4, False, "20250113"),
    ]
    assert explanation(found(NOTHING, narrowing=[("PatientName", "O'NEIL")], relaxed=relaxed))[1:] == [
        "  without PatientName           7   the latest of 2025-01-13",
        "  with PatientName=O'NEIL*      3   the latest of 2025-01-13",
        "  with StudyDescription=*HEAD*  0",
        "  with StudyID=*1*              2",
        "  without StudyDate             4   the latest of 2025-01-13",
        "Maybe: --patient-name 'O'\"'\"'NEIL*', or -k 'StudyID=*1*', or --date 2025-01-13",
    ]


@pytest.mark.parametrize("ending", [DONE, Ending(0xFE00), Ending(0xA700), Ending(None)])
def test_only_a_complete_nothing_is_explained(ending: Ending) -> None:
    assert explanation(found(ending, narrowing=[("PatientID", "1")])) == []


def test_remarks() -> None:
    ending = Ending(0, answers=2, warned=2, unreadable=1, problem="why not", is_deaf=True)
    output = shown(found(ending, absent=["PatientComments"], notes=["one note"]), pipe())
    notes = [line for line in output.stderr.splitlines() if line.startswith("note: ")]
    assert notes == [
        "note: one note",
        "note: left out as unreadable: 1 answer (why not)",
        "note: the peer says that it does not support all keys (status FF01); its answers lack PatientComments",
        "note: the peer ignored the C-CANCEL; the association was aborted after a while",
    ]


def test_a_failure_after_answers_keeps_their_line_and_explains_itself() -> None:
    report = Report("find", PeerFacts("10.0.0.1", 104, "ARCHIVE", "ME"))
    report.error = OperationFailed("ARCHIVE@10.0.0.1:104 answered C-FIND with status 0xC000", 0xC000)
    report.diagnosis = Diagnosis("dimse", "failed", meaning="It could not go on.")
    report.exit_code = 1
    output = shown(found(Ending(0xC000, answers=2)), pipe(), report)
    lines = output.stderr.splitlines()
    assert lines[0] == "2 studies, 0.00 ms, not complete"
    assert "dcmnet find: ARCHIVE@10.0.0.1:104 answered C-FIND with status 0xC000" in lines
    assert "  meaning: It could not go on." in lines


def test_the_query_is_shown_to_those_who_look() -> None:
    screen, lines, wordy = terminal(), pipe(), pipe(verbosity=1)
    for output in (screen, lines, wordy):
        show_query("study root, STUDY level: everything", output)
    assert screen.stderr == "  study root, STUDY level: everything\n"
    assert (lines.stderr, wordy.stderr) == ("", "study root, STUDY level: everything\n")


def test_the_number_alone() -> None:
    output = pipe()
    show_count(found(DONE), output)
    assert output.stdout == "2\n"


def test_json_around_the_answers() -> None:
    from dcmnet_cli.ops.querying.answers import Match

    output = pipe(json=True)
    sink = JSONList(output.out.write, json_opening(), "")
    for name in ("A", "B"):
        sink.add(Match({each.tag: each for each in answer(name)}, ""))
    sink.close()
    report = Report("find", PeerFacts("10.0.0.1", 104, "ARCHIVE", "ME"))
    show_find(report, found(DONE), output, sink)
    value = json.loads(output.stdout)
    assert [match["00100010"]["Value"][0]["Alphabetic"] for match in value["matches"]] == ["A", "B"]
    assert (value["schema"], value["command"], value["count"], value["ok"]) == ("dcmnet/1", "find", 2, True)


@pytest.mark.parametrize(
    ("ending", "words"),
    [
        (DONE, "2 answers, 0x0000 success"),
        (Ending(0xFE00, answers=1), "1 answer, 0xFE00 cancel"),
        (Ending(None, answers=3, is_deaf=True), "3 answers, and the peer went on after the C-CANCEL: aborted"),
        (Ending(None), "0 answers, no final status"),
    ],
)
def test_the_rung_of_the_ladder(ending: Ending, words: str) -> None:
    assert outcome(ending).startswith(words)


def test_headings() -> None:
    assert heading((0x00100010,), "PatientName") == "patient"
    assert heading((0x00400100, 0x00400001), "ScheduledProcedureStepSequence[0].ScheduledStationAETitle") == "station"
    assert heading((0x00104000,), "PatientComments") == "PatientComments"
