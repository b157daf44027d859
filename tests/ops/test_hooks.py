import json
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcmnet_cli.errors import UsageError
from dcmnet_cli.ops.listening import hook_commands, hooks
from dcmnet_cli.ops.listening.hook_commands import (
    OBJECT,
    STUDY,
    Command,
    StoredObject,
    fill,
    object_document,
    parse_command,
)
from dcmnet_cli.ops.listening.hooks import HookLimits, HookResult, Hooks
from dcmnet_cli.ops.listening.processes import run

PATIENCE = 10.0
HOSTILE = [
    "",
    "-rf",
    "--output=/etc/passwd",
    "$(touch pwned)",
    "`touch pwned`",
    "; touch pwned",
    "&& touch pwned",
    "| touch pwned",
    "> pwned",
    "a b",
    "'",
    '"',
    "a\nb",
    "a\0b",
    "\x1b[2J",
    "*",
    "~",
    "#f",
    "#p#a#c#r",
    "%s{x}",
    "\udcff",
    "\ud800",
    "\u202e",
    "x" * 5000,
]
SHOW = "import json, sys; open(sys.argv[1], 'a').write(json.dumps(sys.argv[2:]) + '\\n')"
COPY = "import sys; open(sys.argv[1], 'ab').write(sys.stdin.buffer.read())"


def stored(**fields: object) -> StoredObject:
    plain = StoredObject(
        "/in/1.2/1.2.3.dcm",
        "1.2.4",
        "1.2.3",
        "1.2",
        "1.2.840.10008.1.2",
        "CT1",
        "US",
        "192.0.2.7",
        "eva",
        10,
        "stored",
        5.5,
    )
    return plain._replace(**fields)  # type: ignore[arg-type]


def command(code: str, *arguments: str, event: str = OBJECT, takes_json: bool = False) -> Command:
    return Command(event, (sys.executable, "-S", "-c", code, *arguments), takes_json)


class Runner:
    """Hooks with a record of what they reported."""

    def __init__(self, *commands: Command, **limits: float) -> None:
        self.results: list[HookResult] = []
        self.warnings: list[str] = []
        self.ended: list[str] = []
        self.hooks = Hooks(
            commands,
            self.results.append,
            self.warnings.append,
            limits=HookLimits(**limits),  # type: ignore[arg-type]
            study_ended=self.ended.append,
        )
        self.is_finished = False

    def finish(self, grace: float = PATIENCE) -> bool:
        self.is_finished = True
        return self.hooks.finish(grace)

    def wait_for(self, count: int) -> None:
        until(lambda: len(self.results) >= count)


def until(is_true: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not is_true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


@pytest.fixture
def start() -> Iterator[Callable[..., Runner]]:
    runners: list[Runner] = []

    def make(*commands: Command, **limits: float) -> Runner:
        runners.append(Runner(*commands, **limits))
        return runners[-1]

    yield make
    for runner in runners:
        if not runner.is_finished:
            runner.finish(0)


Start = Callable[..., Runner]


# --- commands -------------------------------------------------------------------------------------------------


def test_a_command_is_split_into_arguments_and_never_read_by_a_shell() -> None:
    found = parse_command("-xcr", "echo 'a b' \"$HOME\" $(id) ; rm", OBJECT, takes_json=False)
    assert found.arguments == ("echo", "a b", "$HOME", "$(id)", ";", "rm")
    assert found.program == "echo"


@pytest.mark.parametrize(
    ("text", "event", "told"),
    [
        ("", OBJECT, "no command"),
        ("   ", OBJECT, "no command"),
        ("echo 'a", OBJECT, "quotation"),
        ("/nonexistent/program #f", OBJECT, "no program"),
        ("/etc/passwd #f", OBJECT, "no program"),
        ("#p/run", OBJECT, "cannot name the program"),
        ("#f", OBJECT, "cannot name the program"),
        ("echo #f", STUDY, "end of a study"),
        ("sh -c 'echo #f'", OBJECT, "inside a script"),
        ("/bin/bash -lc 'echo #a'", OBJECT, "inside a script"),
        ("env sh -c 'echo #p'", OBJECT, "inside a script"),
        ("python3 -c 'print(\"#f\")'", OBJECT, "inside a script"),
        ("perl -e 'print \"#r\"'", OBJECT, "inside a script"),
    ],
)
def test_commands_that_are_refused_at_the_start(text: str, event: str, told: str) -> None:
    with pytest.raises(UsageError, match=told) as caught:
        parse_command("-xcr", text, event, takes_json=False)
    assert caught.value.message.startswith("-xcr")


def test_a_shells_script_may_take_placeholders_as_arguments() -> None:
    found = parse_command("-xcr", "sh -c 'echo \"$1\"' hook '#f'", OBJECT, takes_json=False)
    assert fill(found, stored()) == ["sh", "-c", 'echo "$1"', "hook", "1.2.3.dcm"]


def test_placeholders_mean_what_they_mean_to_storescp() -> None:
    found = parse_command("-xcr", "echo #p #f #a #c #r #p/#f from=#a ## #x #", OBJECT, takes_json=False)
    assert fill(found, stored())[1:] == [
        "/in/1.2",
        "1.2.3.dcm",
        "CT1",
        "US",
        "192.0.2.7",
        "/in/1.2/1.2.3.dcm",
        "from=CT1",
        "##",
        "#x",
        "#",
    ]


def test_values_are_not_filled_in_twice() -> None:
    found = parse_command("-xcr", "echo #a #c", OBJECT, takes_json=False)
    assert fill(found, stored(calling="#f#c", called="#a"))[1:] == ["#f#c", "#a"]


def test_a_value_does_not_become_an_option() -> None:
    found = parse_command("-xcr", "echo #f #a #r x#a -#a", OBJECT, takes_json=False)
    filled = fill(found, stored(path="/in/-rf", calling="-rf", address="--x"))
    assert filled[1:] == ["./-rf", "_-rf", "_--x", "x-rf", "--rf"]


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60))
def test_whatever_a_peer_is_called_the_arguments_keep_their_number(calling: str, called: str, address: str) -> None:
    found = parse_command("-xcr", "echo #a #c #r", OBJECT, takes_json=False)
    filled = fill(found, stored(calling=calling, called=called, address=address))
    assert len(filled) == 4
    assert all(each.isprintable() or "\u3000" in each for each in filled)
    assert not any(each.startswith("-") for each in filled)
    for each in filled:
        os.fsencode(each)


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_values_reach_a_real_program_as_one_argument(value: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    found = command(SHOW, str(out), "#a", "<#c>")
    ran = run(fill(found, stored(calling=value, called=value)), seconds=PATIENCE, keep=100, with_errors=True)
    assert (ran.exit_status, ran.problem) == (0, "")
    first, second = json.loads(out.read_text())
    assert second.startswith("<")
    assert second.endswith(">")
    assert not first.startswith("-")
    assert os.listdir(tmp_path) == ["out"]


@pytest.mark.parametrize("value", HOSTILE)
def test_json_of_hostile_values_is_one_line_of_ascii(value: str) -> None:
    document = object_document(stored(calling=value, sop_instance_uid=value, identity=value, address=value))
    assert document.isascii()
    assert document.count(b"\n") == 1
    facts = json.loads(document)
    assert facts["calling"].isprintable() or not value


# --- objects --------------------------------------------------------------------------------------------------


def test_a_hook_runs_for_every_object_and_its_end_is_reported(start: Start, tmp_path: Path) -> None:
    out = tmp_path / "out"
    runner = start(command(SHOW + "; print('fine'); sys.exit(len(sys.argv) - 3)", str(out), "#f"), workers=1)
    for number in range(3):
        runner.hooks.object_stored(stored(path=f"/in/{number}.dcm", sop_instance_uid=f"1.{number}"))
    assert runner.finish()
    assert [json.loads(line) for line in out.read_text().splitlines()] == [["0.dcm"], ["1.dcm"], ["2.dcm"]]
    assert [result.subject for result in runner.results] == ["1.0", "1.1", "1.2"]
    result = runner.results[0]
    assert (result.event, result.exit_status, result.output, result.problem) == (OBJECT, 0, ("fine",), "")
    assert result.is_ok
    assert re.fullmatch(rf"{os.path.basename(sys.executable)} object 1\.0: exit 0 in \d+\.\d s", result.detail)


def test_json_on_standard_input(start: Start, tmp_path: Path) -> None:
    out = tmp_path / "out"
    runner = start(command(COPY, str(out), takes_json=True))
    runner.hooks.object_stored(stored(calling="CT\x1b1"))
    assert runner.finish()
    assert json.loads(out.read_text()) == {
        "schema": "dcmnet/1",
        "event": "object",
        "path": "/in/1.2/1.2.3.dcm",
        "folder": "/in/1.2",
        "sop_class_uid": "1.2.4",
        "sop_instance_uid": "1.2.3",
        "study_instance_uid": "1.2",
        "transfer_syntax_uid": "1.2.840.10008.1.2",
        "calling": "CT\\x1b1",
        "called": "US",
        "address": "192.0.2.7",
        "identity": "eva",
        "length": 10,
        "outcome": "stored",
        "time": 5.5,
    }


def test_failures_are_told_and_their_words_cleaned(start: Start) -> None:
    code = "import sys; sys.stdout.buffer.write(b'\\x1b[2Jbad\\n\\n\\xff\\n'); sys.exit(7)"
    runner = start(command(code))
    runner.hooks.object_stored(stored())
    assert runner.finish()
    (result,) = runner.results
    assert (result.exit_status, result.is_ok, result.output) == (7, False, ("\\x1b[2Jbad", "\\xff"))


def test_a_program_that_is_gone_by_now(start: Start, tmp_path: Path) -> None:
    program = tmp_path / "hook"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o700)
    found = parse_command("-xcr", str(program), OBJECT, takes_json=False)
    program.unlink()
    runner = start(found)
    runner.hooks.object_stored(stored())
    assert runner.finish()
    assert runner.results[0].detail == "hook object 1.2.3: cannot start: No such file or directory"


def test_a_hook_killed_by_a_signal(start: Start) -> None:
    runner = start(command("import os; os.kill(os.getpid(), 9)"))
    runner.hooks.object_stored(stored())
    assert runner.finish()
    assert "killed by signal 9" in runner.results[0].detail


def test_hooks_that_hang_never_hold_up_receiving_and_end_with_the_listener(start: Start) -> None:
    runner = start(command("import time; time.sleep(300)"), workers=2)
    begin = time.monotonic()
    for number in range(1000):
        runner.hooks.object_stored(stored(sop_instance_uid=f"1.{number}"))
    assert time.monotonic() - begin < 1
    assert runner.warnings == ["hooks fall behind: over 100 runs wait; receiving goes on"]
    until(lambda: len(runner.hooks._waiting) == 998)
    assert not runner.finish(0.2)
    assert time.monotonic() - begin < 6
    assert len(runner.results) == 1000
    assert {result.problem for result in runner.results} == {
        "not run: the listener ended",
        "ended by us before it was done",
    }
    assert not any(result.is_ok for result in runner.results)


def test_a_hook_over_its_time_makes_way_for_the_next(start: Start) -> None:
    runner = start(command("import sys, time; time.sleep(300 * (sys.argv[1] == 'slow'))", "#a"), seconds=0.8, workers=1)
    runner.hooks.object_stored(stored(calling="slow"))
    runner.hooks.object_stored(stored(calling="quick", sop_instance_uid="1.9"))
    assert runner.finish()
    assert ["not done within" in result.problem for result in runner.results] == [True, False]
    assert runner.results[1].is_ok


def test_a_full_backlog_loses_no_object_silently(start: Start) -> None:
    runner = start(command("import time; time.sleep(300)"), workers=1, backlog=5)
    for number in range(20):
        runner.hooks.object_stored(stored(sop_instance_uid=f"1.{number}"))
    assert len(runner.hooks._waiting) <= 5
    runner.finish(0)
    assert len(runner.results) == 20
    assert {result.subject for result in runner.results} == {f"1.{number}" for number in range(20)}
    assert sum(result.problem == "not run: too many are waiting" for result in runner.results) >= 14


def test_without_commands_there_is_no_thread() -> None:
    before = threading.active_count()
    idle = Hooks((), lambda _result: None, lambda _text: None)
    assert threading.active_count() == before
    idle.object_stored(stored())
    assert idle.finish(0)


# --- studies --------------------------------------------------------------------------------------------------


def test_a_study_ends_by_quiet_time_not_by_another_study(start: Start, tmp_path: Path) -> None:
    out = tmp_path / "out"
    runner = start(command(COPY, str(out), event=STUDY, takes_json=True), quiet=0.3)
    runner.hooks.object_stored(stored(at=1.0))
    runner.hooks.object_stored(stored(study_instance_uid="1.9"))  # a study of another association comes between
    runner.hooks.object_stored(stored(path="/in/1.2/b.dcm", length=5, outcome="skipped", calling="CT2", at=2.0))
    assert runner.results == []
    runner.wait_for(2)
    first, second = sorted(map(json.loads, out.read_text().splitlines()), key=lambda facts: facts["study_instance_uid"])
    assert runner.ended == ["1.9", "1.2"]
    assert first == {
        "schema": "dcmnet/1",
        "event": "study",
        "folder": "/in/1.2",
        "study_instance_uid": "1.2",
        "transfer_syntax_uid": "1.2.840.10008.1.2",
        "instances": 2,
        "length": 15,
        "outcomes": {"stored": 1, "skipped": 1},
        "files": ["/in/1.2/1.2.3.dcm", "/in/1.2/b.dcm"],
        "files_are_complete": True,
        "first_time": 1.0,
        "last_time": 2.0,
        "ended_by": "quiet",
        "calling": "CT2",
        "called": "US",
        "address": "192.0.2.7",
        "identity": "eva",
    }
    assert second["instances"] == 1
    assert [result.event for result in runner.results] == [STUDY, STUDY]
    assert {result.subject for result in runner.results} == {"1.2", "1.9"}


def test_every_object_puts_the_end_off(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(hooks, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    runner = start(quiet=3600)

    def look_at(now: float) -> None:
        clock[0] = now
        with runner.hooks._lock:
            runner.hooks._quiet.notify()

    runner.hooks.object_stored(stored())
    clock[0] = 3000.0
    runner.hooks.object_stored(stored())
    look_at(6599.0)
    time.sleep(0.05)
    assert runner.ended == []
    look_at(6600.0)
    until(lambda: runner.ended == ["1.2"])
    monkeypatch.undo()


def test_a_study_that_goes_on_later_ends_again(start: Start) -> None:
    runner = start(command("pass", event=STUDY), quiet=0.02)
    runner.hooks.object_stored(stored())
    runner.wait_for(1)
    runner.hooks.object_stored(stored())
    runner.wait_for(2)
    assert runner.ended == ["1.2", "1.2"]


def test_open_studies_are_ended_at_shutdown(start: Start, tmp_path: Path) -> None:
    out = tmp_path / "out"
    runner = start(command(COPY, str(out), event=STUDY, takes_json=True), quiet=3600)
    for number in range(3):
        runner.hooks.object_stored(stored(study_instance_uid=f"1.{number}"))
    assert runner.finish()
    facts = [json.loads(line) for line in out.read_text().splitlines()]
    assert {each["study_instance_uid"] for each in facts} == {"1.0", "1.1", "1.2"}
    assert {each["ended_by"] for each in facts} == {"shutdown"}


def test_the_end_of_studies_is_told_without_any_hook(start: Start) -> None:
    runner = start(quiet=0.02)
    runner.hooks.object_stored(stored())
    until(lambda: runner.ended == ["1.2"])


def test_a_flood_of_studies_and_files_stays_bounded(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "_MOST_STUDIES", 10)
    monkeypatch.setattr(hooks, "_MOST_PATHS", 25)
    monkeypatch.setattr(hook_commands, "MOST_FILES", 3)
    runner = start(command("pass", event=STUDY, takes_json=True), quiet=3600, backlog=100)
    for number in range(30):
        for _ in range(5):
            runner.hooks.object_stored(stored(study_instance_uid=f"1.{number}"))
    assert len(runner.hooks._studies) == 10
    assert all(len(study.files) <= 3 and study.instances == 5 for study in runner.hooks._studies.values())
    assert 0 <= runner.hooks._paths <= 25
    assert runner.finish()
    assert len(runner.results) == 30
    assert runner.hooks._paths == 0


def test_both_kinds_at_once_from_many_threads(start: Start) -> None:
    runner = start(command("pass", event=STUDY, takes_json=True), command("pass"), quiet=3600, workers=2)

    def send(number: int) -> None:
        for index in range(3):
            runner.hooks.object_stored(
                stored(study_instance_uid=f"1.{number % 2}", sop_instance_uid=f"{number}.{index}")
            )

    threads = [threading.Thread(target=send, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert runner.finish(60)
    assert sum(result.event == OBJECT for result in runner.results) == 12
    assert sum(result.event == STUDY for result in runner.results) == 2
    assert all(result.is_ok for result in runner.results)
