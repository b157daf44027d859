"""``dcmnet demo``: what it shows is what happened, and it leaves nothing behind, however it ends."""

import json
import os
import re
import signal
import socket
import sys
import threading
import time
from pathlib import Path

import pytest

import dcmnet_cli.render
from dcmnet_cli.cli.app import run as run_here
from dcmnet_cli.ops.demonstrating import demo, stage
from dcmnet_cli.ops.results import Scene
from dcmnet_cli.render.demo import command_lines
from tests.interop.running import HOST, Process, dcmnet, is_open, run, wait_until
from tests.render.json_schema import problems

SCHEMA = json.loads((Path(dcmnet_cli.render.__file__).parent / "schema.json").read_text())
PLAYED = ["listen", "echo", "echo", "store", "find", "get", "move", "listen"]
README = Path(__file__).parents[2] / "README.md"
COMMAND = (sys.executable, "-m", "dcmnet_cli", "demo")


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files, empty."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    return folder


def port_of(text: str) -> int:
    """Where the archive of a demonstration listens."""
    found = re.search(r"dcmnet listen (\d+)", text)
    assert found is not None, text
    return int(found[1])


def test_everything_is_played_and_told(temporary: Path) -> None:
    outcome = dcmnet("demo", "--json", seconds=90)
    told = outcome.json
    assert (outcome.status, told["exit"], told["ok"], told["error"]) == (0, 0, True, None)
    assert problems(told, SCHEMA, SCHEMA) == []
    commands = told["commands"]
    assert [each["command_line"].split()[1] for each in commands] == PLAYED
    assert [each["exit"] for each in commands] == [None, 0, 5, 0, 0, 0, 0, 0]
    output = ["\n".join(each["output"]) for each in commands]
    assert "reason 7" in output[2]
    assert "stored\t27\nwarned\t0\nfailed\t0\nnot_sent\t0\n" in output[3]
    assert output[4].count("Doe^") == 5
    assert "received\t4\n" in output[5]
    assert "received\t17\n" in output[6]
    assert [step["name"] for step in told["steps"]] == [*PLAYED, "compare"]
    assert told["steps"][-1]["detail"] == "21 objects back byte for byte"
    assert list(temporary.iterdir()) == []
    assert not is_open(port_of(commands[0]["command_line"]))


def test_on_a_terminal_each_command_stands_above_what_it_draws(temporary: Path) -> None:
    outcome = run(*COMMAND, seconds=90, FORCE_COLOR="1", NO_COLOR="1")
    assert (outcome.status, outcome.stderr) == (0, "")
    lines = outcome.stdout.splitlines()
    assert [line.split()[2] for line in lines if line.startswith("$ ")] == PLAYED[:-1]
    assert max(len(line) for line in lines if not re.match(r"\d\d:\d\d:\d\d  ", line)) <= 80  # but for the log
    assert sum(bool(re.match(r"[✓✗] (echo|store|find|get|move|listen) ", line)) for line in lines) == 7
    assert next(line for line in lines if line.startswith("✓ demo")) in README.read_text("utf-8").splitlines()
    assert len(lines) < 140
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_what_ends_it_early_leaves_nothing_behind(temporary: Path, tmp_path: Path, number: signal.Signals) -> None:
    process = Process(COMMAND, tmp_path / "run")
    try:
        wait_until(lambda: "\n3  " in process.stdout, "the third scene")
        process.signal(number)
        assert process.wait() == 130
    finally:
        process.stop()
    assert process.stderr == "dcmnet demo: interrupted\n"
    assert "dcmnet move" not in process.stdout
    assert list(temporary.iterdir()) == []
    assert not is_open(port_of(process.stdout))


def test_a_reader_that_leaves_leaves_nothing_behind(temporary: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    process = os.posix_spawn(sys.executable, COMMAND, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, writer, 1)])
    os.close(writer)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 11
    assert list(temporary.iterdir()) == []


def play(scenes: list[Scene], monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """Play other scenes beside the archive, in this process."""
    usual = demo.scenes
    monkeypatch.setattr(demo, "scenes", lambda *ports: [usual(*ports)[0], *scenes])
    return run_here(["demo", *words])


def test_a_command_that_does_something_else_is_told(
    temporary: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scenes = [Scene("no such status", ("explain", "nonsense")), Scene("which is due", ("explain", "nonsense"), 2)]
    assert play(scenes, monkeypatch) == 1
    stdout, stderr = capsys.readouterr()
    assert "dcmnet demo: explain ended with exit status 2, and 0 was due" in stderr.splitlines()
    assert stderr.count("was due") == 1
    assert "FAILED\texplain\texit 2" in stdout
    assert list(temporary.iterdir()) == []


def test_a_command_that_does_not_end_is_ended(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "LONGEST", 1.0)
    assert play([Scene("for ever", ("listen", "0", "--bind", HOST, "-od", "got"), 99)], monkeypatch, "-q") == 1
    assert list(temporary.iterdir()) == []


def test_what_ends_it_early_ends_a_command_that_would_not(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    timer = threading.Timer(3.0, os.kill, (os.getpid(), signal.SIGTERM))
    begin = time.monotonic()
    timer.start()
    try:
        assert play([Scene("for ever", ("listen", "0", "--bind", HOST, "-od", "got"))], monkeypatch) == 130
    finally:
        timer.cancel()
        timer.join()
    assert time.monotonic() - begin < stage.LONGEST / 2
    assert list(temporary.iterdir()) == []


def test_ports_in_use_are_left_alone(
    temporary: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(demo, "_USUAL_PORTS", (port, port))
        assert play([], monkeypatch) == 1  # as nothing came back
        assert port_of(capsys.readouterr().out) != port
    assert list(temporary.iterdir()) == []


def test_an_archive_that_does_not_start_is_told_with_its_own_words(
    temporary: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "scenes", lambda *_: [Scene("never", ("listen", "0", "--bind", "no.such.host.invalid"))])
    assert run_here(["demo", "--json"]) == 3
    told = json.loads(capsys.readouterr().out)
    assert "does not start: dcmnet listen: " in told["error"]["message"]
    assert "no.such.host.invalid" in told["error"]["message"]
    assert list(temporary.iterdir()) == []


def test_without_example_files_it_says_where_they_come_from(
    temporary: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "find_spec", lambda _: None)
    assert run_here(["demo"]) == 2
    assert "pip install pydicom" in capsys.readouterr().err
    assert list(temporary.iterdir()) == []


def test_an_object_that_came_back_changed_is_found(tmp_path: Path) -> None:
    for folder in ("export", "got", "moved"):
        (tmp_path / folder).mkdir()
    demo._provide(tmp_path / "export")
    original = (tmp_path / "export" / "JPEG2000.dcm").read_bytes()
    (tmp_path / "got" / "same.dcm").write_bytes(original)
    (tmp_path / "moved" / "changed.dcm").write_bytes(original[:-1] + bytes((original[-1] ^ 1,)))
    assert demo.compare(str(tmp_path)) == (1, ("moved/changed.dcm",))


def test_a_command_line_can_be_pasted_from_any_width() -> None:
    words = ["dcmnet", "move", "PACS@127.0.0.1:104", "--patient-name", "'DOE*'", "+P", "11113", "-q", "&"]
    for width in (40, 60, 80):
        lines = command_lines(words, width)
        assert max(map(len, lines)) <= width
        assert "\n".join(lines).replace(" \\\n     ", "") == "$ " + " ".join(words)
        assert not any(line.endswith(("+P \\", "--patient-name \\")) for line in lines)
