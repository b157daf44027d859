"""What a listener says of what it received."""

import json
import time
from collections.abc import Iterator
from importlib.resources import files

import pytest
from json_schema import problems
from render_samples import Shown, pipe, terminal

from dcmnet_cli.ops.hooks import HookResult
from dcmnet_cli.ops.reception import (
    MOST_STUDIES,
    ListenTotals,
    ObjectReceived,
    StudyReceived,
    StudyTally,
    hook_facts,
)
from dcmnet_cli.ops.results import ListenEvent
from dcmnet_cli.render.events import show_event
from dcmnet_cli.render.listen_summary import show_listen_summary

SCHEMA = json.loads(files("dcmnet_cli.render").joinpath("schema.json").read_text(encoding="utf-8"))
STUDY = "1.2.276.0.7230010.3.1.2.88.77"
CT, ELE = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1"
RECEIVED = StudyReceived(STUDY, {"stored": 412}, 216_000_000, 27.5, "released")
OBJECT = ObjectReceived(CT, "1.2.3.4.5.6", STUDY, ELE, 526_000, 0.0123, "stored", "inbox/1.dcm", "jane")
HOOK = HookResult("study", "route.py", STUDY, 1, 0.4, ("no such route",), "")


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def event(name: str, detail: str, facts: dict[str, object], peer: str = "10.20.9.40:104") -> ListenEvent:
    return ListenEvent(name, 1700000000.0, peer, "CTROOM2" if peer else "", "INBOX", detail, facts)


EVENTS = [
    event("stored", OBJECT.detail, OBJECT.facts),
    event("study", RECEIVED.detail, RECEIVED.facts),
    event("hook", HOOK.detail, hook_facts(HOOK), ""),
    event("stopped", ListenTotals(2, 412).detail, dict(ListenTotals(2, 412)._asdict()), ""),
]


def show(output: Shown) -> list[str]:
    for one in EVENTS:
        show_event(one, output)
    return output.stdout.splitlines()


def test_people_get_short_uids() -> None:
    assert show(terminal()) == [
        "22:13:20  CTROOM2     10.20.9.40      stored       CT Image Storage ...5.6  526 kB  inbox/1.dcm",
        "22:13:20  CTROOM2     10.20.9.40      study        ...88.77  412 stored, 0 duplicates, 216 MB, 15 files/s, "
        "released",
        "22:13:20  -           -               hook         route.py study ...88.77: exit 1 in 0.4 s",
        "22:13:20  stopped  2 associations, 412 stored, 0 duplicates, 0 B, 0 failed",
    ]


def test_a_pipe_gets_whole_ones() -> None:
    lines = show(pipe())
    assert lines[1].split("\t")[1:] == [
        "CTROOM2",
        "10.20.9.40:104",
        "study",
        f"{STUDY}  412 stored, 0 duplicates, 216 MB, 15 files/s, released",
    ]
    assert lines[2].endswith(f"route.py study {STUDY}: exit 1 in 0.4 s")


@pytest.mark.parametrize("one", EVENTS, ids=lambda one: one.event)
def test_every_event_follows_the_schema(one: ListenEvent) -> None:
    output = pipe(json=True)
    show_event(one, output)
    value = json.loads(output.stdout)
    assert problems(value, SCHEMA["$defs"]["event"], SCHEMA) == []
    assert value["event"] == one.event
    for key, fact in one.facts.items():
        assert value[key] == fact


def test_failures_are_red_and_success_is_not() -> None:
    output = terminal({"TERM": "xterm"})
    show(output)
    assert [line.startswith("\x1b[31m") for line in output.stdout.splitlines()] == [False, False, True, False]


@pytest.mark.parametrize(
    ("outcomes", "words"),
    [
        ({"stored": 18, "skipped": 6}, "18 stored, 6 duplicates skipped (identical), 1.0 kB, released"),
        ({"renamed": 1}, "1 stored, 1 duplicate renamed, 1.0 kB, released"),
        ({"rejected": 2, "failed": 3}, "0 stored, 2 duplicates rejected, 3 failed, 1.0 kB, released"),
    ],
)
def test_duplicates_and_failures_are_told_apart(outcomes: dict[str, int], words: str) -> None:
    assert StudyReceived("", outcomes, 1000, 0.0, "released").detail == words


def test_a_tally_counts_by_study() -> None:
    tally = StudyTally()
    for number in range(10):
        tally.add("1.2" if number % 2 else "1.3", "stored", 1000, 100.0 + number)
    tally.add("1.2", "skipped", 10, 120.0)
    first, second = tally.ended("aborted")
    assert (first.study_instance_uid, first.stored, first.bytes, first.seconds) == ("1.3", 5, 5000, 8.0)
    assert (second.stored, second.duplicates, second.seconds, second.ended) == (5, 1, 19.0, "aborted")


def test_a_peer_that_makes_up_studies_does_not_fill_the_memory() -> None:
    tally = StudyTally()
    for number in range(MOST_STUDIES + 500):
        tally.add(f"1.2.{number}", "stored", 1, 0.0)
    ended = tally.ended("released")
    assert len(ended) == MOST_STUDIES + 1
    assert (ended[-1].study_instance_uid, ended[-1].stored) == ("", 500)
    assert ended[-1].detail.startswith("500 stored")


def test_hostile_uids_and_paths_stay_in_their_line() -> None:
    hostile = "1.2\n22:13:20\x1b[2J\u202e.3.4.5"
    made = OBJECT._replace(sop_instance_uid=hostile, study_instance_uid=hostile, path=hostile, sop_class_uid=hostile)
    for output in (terminal(), pipe(), pipe(json=True)):
        show_event(event("stored", made.detail, made.facts), output)
        assert output.stdout.count("\n") == 1
        assert "\x1b" not in output.stdout
        assert "\u202e" not in output.stdout


@pytest.mark.parametrize(
    ("totals", "exit_code", "line"),
    [
        (
            ListenTotals(2, 430, 6, 230_000_000, hooks_failed=1),
            1,
            "▲ listen  2 associations, 430 stored, 6 duplicates, 230 MB, 0 failed, 1 hook failed",
        ),
        (ListenTotals(1, echoes=1), 0, "✓ listen  1 association, 1 echo, 0 failed"),
        (
            ListenTotals(0, rejected=2, cut_off=True),
            1,
            "▲ listen  0 associations, 2 rejected, 0 failed, some aborted at the end",
        ),
    ],
)
def test_the_last_line_of_a_listener(totals: ListenTotals, exit_code: int, line: str) -> None:
    output = terminal({"NO_COLOR": "1", "COLUMNS": "100"})
    show_listen_summary(totals, exit_code, output)
    assert output.stdout == f"{line.ljust(94)}exit {exit_code}\n"


def test_only_a_screen_has_it() -> None:
    for output in (pipe(), pipe(json=True), terminal(quiet=True), terminal(json=True)):
        show_listen_summary(ListenTotals(1), 0, output)
        assert (output.stdout, output.stderr) == ("", "")
