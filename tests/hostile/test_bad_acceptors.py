"""Every bad acceptor against every command: it ends within its timers, with the right status and one clear message."""

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

from dcmnet_cli.cli.app import app
from tests.dicom_files import data_set, part10
from tests.hostile import bad_answers as bad
from tests.hostile import bad_responses
from tests.hostile.peers import Caller, Scene
from tests.scripted import PATIENCE

ALWAYS = ("-to", "1", "-ts", "5", "--release-timeout", "0.4")
QUICK, PATIENT = ("-ta", "0.4", "-td", "0.4"), ("-ta", "10", "-td", "10")
"""Timers where one has to run out, and where none may: the machine may be busy."""
COMMANDS = ("echo", "store", "find", "move", "get")


@contextlib.contextmanager
def acceptor(scene: Scene) -> Iterator[int]:
    """A server that treats every connection the same way, whatever becomes of it; yields its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):  # shut down at the end
                while True:
                    connection, _ = listener.accept()
                    with Caller(connection) as peer, contextlib.suppress(OSError, AssertionError, TimeoutError):
                        scene(peer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(PATIENCE)
            assert not thread.is_alive()


class Outcome(NamedTuple):
    status: int
    stdout: str
    stderr: str


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, ...]]:
    """What each command is asked to do."""
    folder = tmp_path_factory.mktemp("hostile")
    image = folder / "image.dcm"
    image.write_bytes(part10(data_set()))
    inbox = folder / "inbox"
    inbox.mkdir()
    return {
        "echo": (),
        "store": (str(image), "--retry", "0"),
        "find": ("--study", "1.2.3"),
        "move": ("--no-find", "--study", "1.2.3", "-aem", "OTHER"),
        "get": ("--no-find", "--study", "1.2.3", "-od", str(inbox)),
    }


def timers(case: bad.Bad) -> tuple[str, ...]:
    return QUICK if bad.TIMED_OUT in case.exits else PATIENT


def run(command: str, port: int, *more: str) -> Outcome:
    """Run a command here and now. No traceback, and nothing that steers a terminal, may come out of it."""
    done = CliRunner().invoke(app, [command, "127.0.0.1", str(port), *ALWAYS, *more])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    for text in (done.stdout, done.stderr):
        assert "Traceback" not in text
        assert "internal error" not in text
        assert all(line.isprintable() for line in text.replace("\t", " ").splitlines()), text
    return Outcome(done.exit_code, done.stdout, done.stderr)


def check(outcome: Outcome, exits: tuple[int, ...]) -> None:
    assert outcome.status in exits, outcome
    if outcome.status:
        lines = [line for line in outcome.stderr.splitlines() if not line.startswith(("context\t", "remark: "))]
        assert lines, "a failure without a word"
        assert len(lines) <= 30
        assert max(map(len, lines)) <= 1500


def against(cases: tuple[bad.Bad, ...], *commands: str) -> pytest.MarkDecorator:
    pairs = [(command, each) for each in cases for command in commands]
    return pytest.mark.parametrize(
        ("command", "case"), pairs, ids=[f"{command}-{each.name}" for command, each in pairs]
    )


@against(bad.CONNECTIONS, *COMMANDS)
def test_in_place_of_an_answer(command: str, case: bad.Bad, words: dict[str, tuple[str, ...]]) -> None:
    with acceptor(case.scene) as port:
        check(run(command, port, *timers(case), *words[command]), case.exits)


@against(bad.ANSWERS, *COMMANDS)
def test_as_an_answer(command: str, case: bad.Bad, words: dict[str, tuple[str, ...]]) -> None:
    with acceptor(case.scene) as port:
        check(run(command, port, *timers(case), *words[command]), _loosened(command, case.exits))


@against((*bad_responses.RESPONSES, bad_responses.ENDLESS_EMPTY), *COMMANDS)
def test_as_a_response(command: str, case: bad.Bad, words: dict[str, tuple[str, ...]]) -> None:
    with acceptor(case.scene) as port:
        check(run(command, port, *timers(case), *words[command]), _loosened(command, case.exits))


@against(bad_responses.FAREWELLS, "echo", "store", "find")
def test_at_the_end(command: str, case: bad.Bad, words: dict[str, tuple[str, ...]]) -> None:
    with acceptor(case.scene) as port:
        check(run(command, port, *timers(case), *words[command]), case.exits)


@against(bad_responses.IDENTIFIERS, "find")
def test_as_a_match(command: str, case: bad.Bad, words: dict[str, tuple[str, ...]]) -> None:
    with acceptor(case.scene) as port:
        check(run(command, port, *timers(case), *words[command]), case.exits)


@against(bad_responses.COUNTS, "move", "get")
def test_counts_of_sub_operations(command: str, case: bad.Bad, words: dict[str, tuple[str, ...]]) -> None:
    with acceptor(case.scene) as port:
        check(run(command, port, *timers(case), *words[command]), _loosened(command, case.exits))


def _loosened(command: str, exits: tuple[int, ...]) -> tuple[int, ...]:
    """A retrieval to here is never complete when nothing came."""
    return (*exits, bad.PARTLY) if command == "get" and bad.DONE in exits else exits


@pytest.mark.parametrize(
    "case", [*bad.CONNECTIONS[:12], *bad.ANSWERS[:8], *bad_responses.RESPONSES[:9]], ids=lambda case: case.name
)
def test_programs_get_the_same_as_json(case: bad.Bad) -> None:
    with acceptor(case.scene) as port:
        outcome = run("echo", port, *timers(case), "--json")
    told = json.loads(outcome.stdout)
    assert outcome.status in case.exits
    assert (told["exit"], told["ok"]) == (outcome.status, outcome.status == 0)
    assert outcome.status == 0 or told["error"]["message"].isprintable()
