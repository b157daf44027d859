"""Start real peers and our own commands as processes, wait for them within bounds, and end what was started."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import pytest

ROOT = Path(__file__).parents[2]
HOST = "127.0.0.1"
PATIENCE = 20.0
"""Seconds that anything may take here before it is a failure; nearly everything takes a fraction of one."""

# Not beside our interpreter: pynetdicom installs programs there that bear the names of DCMTK's.
_PLACES = os.pathsep.join(
    place
    for place in (*os.environ.get("PATH", "").split(os.pathsep), "/usr/sbin", "/usr/local/sbin")
    if Path(place) != Path(sys.executable).parent
)
T = TypeVar("T")


def missing(what: str, remedy: str) -> None:
    """A peer is not installed: skip, or fail where ``DCMNET_REQUIRE_PEERS=1`` says that it has to be there."""
    message = f"{what} is not installed; {remedy}"
    if os.environ.get("DCMNET_REQUIRE_PEERS") == "1":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def program(name: str, package: str) -> str:
    """The path of a peer's program."""
    path = shutil.which(name, path=_PLACES)
    if path is None:
        missing(name, f"apt-get install {package}")
    assert path is not None
    return path


def wait_until(condition: Callable[[], T], what: str, seconds: float = PATIENCE) -> T:
    """What ``condition`` returns once that is true; a failure that says what did not happen in time."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds:g} s")
        time.sleep(0.01)
    return found


def free_port() -> int:
    """A port that was free a moment ago. Whoever gets it must cope with a loser of the race (see ``start_peer``)."""
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        return int(sock.getsockname()[1])


def is_open(port: int) -> bool:
    """Whether something accepts connections there."""
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), 1.0):
        return True
    return False


def environment(**more: str) -> dict[str, str]:
    """An 80-column world without anybody's configuration, so that output is the same everywhere."""
    dropped = ("NO_COLOR", "FORCE_COLOR", "PYTHONDONTWRITEBYTECODE", "LC_ALL", "LANG")
    kept = {
        name: text
        for name, text in os.environ.items()
        if name not in dropped and not name.startswith(("DCMNET_", "XDG_"))
    }
    return kept | {"COLUMNS": "80", "XDG_CONFIG_HOME": "/nonexistent", "PYTHONUTF8": "1"} | more


class Process:
    """A program we started, with what it prints in files. ``stop`` ends this one process and waits for it."""

    running: "list[Process]" = []  # noqa: RUF012 - whoever reports a failure shows the logs of these

    def __init__(self, words: Sequence[str], folder: Path, **environ: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.name = Path(words[0]).name if words[0] != sys.executable else "dcmnet"
        self._out, self._err = folder / "stdout", folder / "stderr"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self._popen = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=folder if words[0] != sys.executable else ROOT,
                env=environment(**environ),
            )
        Process.running.append(self)

    @property
    def stdout(self) -> str:
        return self._out.read_text(errors="backslashreplace")

    @property
    def stderr(self) -> str:
        return self._err.read_text(errors="backslashreplace")

    @property
    def log(self) -> str:
        return self.stdout + self.stderr

    @property
    def has_ended(self) -> bool:
        return self._popen.poll() is not None

    def signal(self, number: int) -> None:
        self._popen.send_signal(number)

    def wait(self, seconds: float = PATIENCE) -> int:
        """Its exit status, once it has ended by itself."""
        return self._popen.wait(seconds)

    def stop(self) -> None:
        if not self.has_ended:
            self._popen.terminate()
            try:
                self._popen.wait(5.0)
            except subprocess.TimeoutExpired:
                self._popen.kill()
                self._popen.wait(5.0)
        Process.running.remove(self)


class Peer(NamedTuple):
    """A DICOM application to talk to, and the process behind it, if it has one of its own."""

    title: str
    port: int
    process: Process | None = None

    @property
    def label(self) -> str:
        return f"{self.title}@{HOST}:{self.port}"

    @property
    def words(self) -> tuple[str, ...]:
        """How our command line names it."""
        return "-aec", self.title, HOST, str(self.port)


def start_peer(title: str, words: Callable[[int], Sequence[str]], folder: Path, port: int = 0) -> Peer:
    """Start a server on a free port and wait until that is open; on another one if somebody else was faster.

    With ``port`` it is that one which others have been told of, and no other.
    """
    fixed = port
    for attempt in range(3):
        port = fixed or free_port()
        process = Process(words(port), folder / str(attempt))
        wait_until(lambda: process.has_ended or is_open(port), f"{process.name} opens port {port}")  # noqa: B023
        if not process.has_ended:
            return Peer(title, port, process)
        log = process.log
        process.stop()
    raise AssertionError(f"{words(0)[0]} does not start:\n{log}")


class Rung(NamedTuple):
    """A line of the ladder in a pipe, without its time, which is no fact to assert."""

    mark: str
    name: str
    detail: str


class Outcome(NamedTuple):
    """Everything that a shell sees of a command."""

    status: int
    stdout: str
    stderr: str

    @property
    def rungs(self) -> list[Rung]:
        rows = [line.split("\t") for line in self.stdout.splitlines()]
        assert all(len(row) == 4 for row in rows), self.stdout
        return [Rung(*row[:3]) for row in rows]

    @property
    def names(self) -> list[tuple[str, str]]:
        """Marks and names of the rungs."""
        return [rung[:2] for rung in self.rungs]

    @property
    def json(self) -> Any:
        assert self.stdout.count("\n") == 1, self.stdout
        return json.loads(self.stdout)


def run(*words: str, seconds: float = PATIENCE, **environ: str) -> Outcome:
    """Run a program to its end."""
    done = subprocess.run(
        words,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=seconds,
        check=False,
        env=environment(**environ),
    )
    stdout, stderr = (text.decode(errors="backslashreplace") for text in (done.stdout, done.stderr))
    return Outcome(done.returncode, stdout, stderr)


def dcmnet(*words: str, seconds: float = PATIENCE, **environ: str) -> Outcome:
    """Run our command. No traceback and no escape sequence may come out of it, whatever it is about."""
    outcome = run(sys.executable, "-m", "dcmnet_cli", *words, seconds=seconds, **environ)
    for text in (outcome.stdout, outcome.stderr):
        assert "Traceback" not in text
        assert "\x1b" not in text
    return outcome


class Listener:
    """``dcmnet listen --json`` on a free port of its choice."""

    def __init__(self, folder: Path, *words: str) -> None:
        command = (sys.executable, "-m", "dcmnet_cli", "listen", "0", "--bind", HOST, "--json", *words)
        self.process = Process(command, folder)
        wait_until(lambda: self.process.has_ended or self.events, "dcmnet listen says that it listens")
        assert self.events, self.process.log
        first = self.events[0]
        assert first["event"] == "listening"
        self.port: int = first["port"]

    @property
    def events(self) -> list[dict[str, Any]]:
        """All events so far; a line that is still being written is none yet."""
        complete = self.process.stdout.rpartition("\n")[0]
        return [json.loads(line) for line in complete.splitlines()]

    def wait_for(self, event: str, count: int = 1) -> dict[str, Any]:
        """The ``count``-th event of a kind, once it has come."""

        def found() -> list[dict[str, Any]]:
            seen = [each for each in self.events if each["event"] == event]
            return seen if len(seen) >= count else []

        return wait_until(found, f"event {event} number {count}")[count - 1]
