"""What a listener says of what it received."""

import json
import time
from collections.abc import Iterator
from importlib.resources import files
from types import SimpleNamespace

import pytest
from json_schema import problems
from render_samples import Shown, pipe, terminal

from dcmnet_cli.net.sink import Stored
from dcmnet_cli.ops.listening.hooks import HookResult
from dcmnet_cli.ops.listening.listen_log import MOST_STUDIES, EventLog, Received
from dcmnet_cli.ops.listening.receive import ReceivedObject
from dcmnet_cli.ops.results import ListenEvent
from dcmnet_cli.render.events import show_event
from dcmnet_cli.render.json import plain
from dcmnet_cli.render.listen_summary import show_listen_summary

SCHEMA = json.loads(files("dcmnet_cli.render").joinpath("schema.json").read_text(encoding="utf-8"))
STUDY = "1.2.276.0.7230010.3.1.2.88.77"
CT, ELE = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1"
WIDE = {"NO_COLOR": "1", "COLUMNS": "200"}
PEER = "10.20.9.40:104"
HOSTILE = "1.2\n22:13:20\x1b[2J\u202e.3.4.5"


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def events(study: str = STUDY, path: str = "inbox/1.dcm") -> list[ListenEvent]:
    """What the log of a listener tells of two objects, their association, two hooks and the end."""
    told: list[ListenEvent] = []
    log = EventLog(told.append, lambda _: None, lambda: None)
    calling = SimpleNamespace(transport=SimpleNamespace(remote=PEER))
    log.requested(calling, SimpleNamespace(calling_ae_title="CTROOM2", called_ae_title="INBOX"))  # type: ignore[arg-type]
    for outcome in ("stored", "skipped"):
        made = ReceivedObject(CT, "1.2.3.4.5.6", study, ELE, 526_000, 0.01, Stored(outcome, path))
        log.received(PEER, made, tell=outcome == "stored")
    log.closed(PEER)
    log.hook_ended(HookResult("study", "route.py", study, 1, 0.4, ("no such route",), ""))
    log.hook_ended(HookResult("study", "route.py", study, 0, 0.4, (), ""))
    summary = log.summary(False)
    log.emit("stopped", "", summary.describe(), summary._asdict())
    return [one._replace(at=1700000000.0) for one in told]


def show(output: Shown, told: list[ListenEvent]) -> list[str]:
    for one in told:
        show_event(one, output)
    return output.stdout.splitlines()


def test_people_get_short_uids() -> None:
    lines = show(terminal(WIDE), events())
    assert lines[0] == "22:13:20  CTROOM2     10.20.9.40      stored       inbox/1.dcm, 526 kB"
    assert lines[1].startswith(
        "22:13:20  CTROOM2     10.20.9.40      received     study ...88.77: 1 stored, 1 skipped, "
    )
    assert lines[3].startswith("22:13:20  -           -               hook         route.py study ...88.77: exit 1 in")
    assert lines[3].endswith('0.4 s: "no such route"')
    assert lines[5] == "22:13:20  stopped  0 associations, 1 stored, 1 duplicate skipped, 1 hook failed"


def test_a_pipe_gets_whole_ones() -> None:
    lines = show(pipe(), events())
    assert lines[1].split("\t")[1:4] == ["CTROOM2", PEER, "received"]
    assert f"\tstudy {STUDY}: 1 stored, 1 skipped, 1.1 MB, " in lines[1]
    assert lines[3].endswith(f'\troute.py study {STUDY}: exit 1 in 0.4 s: "no such route"')


def test_every_event_follows_the_schema_and_keeps_its_facts() -> None:
    output = pipe(json=True)
    told = events()
    for one, line in zip(told, show(output, told), strict=True):
        value = json.loads(line)
        assert problems(value, SCHEMA["$defs"]["event"], SCHEMA) == []
        assert value["event"] == one.event
        assert {key: value[key] for key in one.facts} == plain(one.facts)


def test_uids_have_their_names_beside_them_in_json() -> None:
    first = json.loads(show(pipe(json=True), events())[0])
    assert (first["sop_class_name"], first["transfer_syntax_name"]) == ("CT Image Storage", "Explicit VR Little Endian")


def test_a_hook_that_failed_is_red_and_one_that_did_not_is_plain() -> None:
    lines = show(terminal({"TERM": "xterm", "COLUMNS": "200"}), events())
    assert [line.startswith("\x1b[31m") for line in lines] == [False, False, False, True, False, False]


def test_several_studies_are_counted_and_a_flood_of_them_is_bounded() -> None:
    received = Received()
    for number in range(MOST_STUDIES + 50):
        received.add("stored", 1000, f"1.2.{number}")
    assert received.describe(10.0) == "100 studies: 150 stored, 150 kB, 15 files/s, 15 kB/s"
    assert len(received.facts(10.0)["studies"]) == MOST_STUDIES  # type: ignore[arg-type]


def test_without_study_uids_there_is_no_word_of_studies() -> None:
    received = Received()
    received.add("stored", 1000, "")
    assert received.describe(1.0).startswith("1 stored, 1.0 kB")


def test_hostile_uids_and_paths_stay_in_their_line() -> None:
    told = events(HOSTILE, HOSTILE)
    for output in (terminal({"NO_COLOR": "1", "COLUMNS": "2000"}), pipe(), pipe(json=True)):
        assert len(show(output, told)) == len(told)
        assert "\x1b" not in output.stdout
        assert "\u202e" not in output.stdout


@pytest.mark.parametrize(("exit_code", "mark"), [(0, "✓"), (1, "▲")])
def test_the_last_line_of_a_listener(exit_code: int, mark: str) -> None:
    output = terminal()
    show_listen_summary("2 associations, 430 stored", exit_code, output)
    assert output.stdout == f"{mark} listen  2 associations, 430 stored".ljust(74) + f"exit {exit_code}\n"


def test_only_a_screen_has_it() -> None:
    for output in (pipe(), pipe(json=True), terminal(quiet=True), terminal(json=True)):
        show_listen_summary("1 association", 0, output)
        assert (output.stdout, output.stderr) == ("", "")
