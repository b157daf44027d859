"""Where a demonstration takes place: a temporary folder, and the processes that run in it."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from dcmnet_cli.errors import OutputError

LONGEST = 60.0
"""Seconds that one command may take before it is ended, and counts as failed."""
_TICK = 0.1
_ENDING = 4.0  # seconds that a process gets to end in good order once it was asked to
_PREFIX = "dcmnet-demo-"
_OWN_VARIABLES = "DCMNET_"


class Running:
    """One command in the background, and what it has written so far."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: str) -> None:
        self._process = process
        self._log = log

    @property
    def output(self) -> str:
        """Standard output and standard error together, in the order they were written in."""
        return Path(self._log).read_text("utf-8", "backslashreplace")

    @property
    def status(self) -> int | None:
        """The exit status, None while it runs."""
        return self._process.poll()

    def wait(self, seconds: float) -> int | None:
        """The exit status, once it has ended; None if it has not within ``seconds``."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def end(self, number: int = signal.SIGTERM) -> int:
        """Ask it to end, and make it if it does not. The exit status."""
        for each in (number, signal.SIGKILL):
            if self.status is not None:
                break
            self._process.send_signal(each)
            self.wait(_ENDING)
        return self._process.wait()


class Stage:
    """A temporary folder with ``folders`` in it, as a context: afterwards nothing is left, no file and no process.

    Commands run in it as a user would run them, but for the configuration, which is an empty one. Each has a session
    of its own, so that a Ctrl-C at the terminal reaches us alone, who then end them: that is ``halt``, which may be
    called from a signal handler. Raises OutputError.
    """

    def __init__(self, folders: Sequence[str], environ: Mapping[str, str]) -> None:
        self._folders = folders
        self._environ = environ
        self._running: list[Running] = []
        self._top: str | None = None
        self._commands = 0
        self.is_halted = False

    def __enter__(self) -> "Stage":
        try:
            self._top = tempfile.mkdtemp(prefix=_PREFIX)
            for folder in (*self._folders, ".log"):
                os.mkdir(os.path.join(self._top, folder))
            Path(self._top, ".log", "empty.toml").touch()
        except OSError as error:
            self.__exit__()
            raise OutputError(f"cannot make a temporary folder: {error.strerror}") from error
        return self

    def __exit__(self, *_: object) -> None:
        for running in self._running:
            running.end()
        if self._top is None:
            return
        try:
            shutil.rmtree(self._top)
        except OSError as error:
            raise OutputError(f"cannot remove {self._top}: {error.strerror}", path=self._top) from error

    @property
    def folder(self) -> str:
        """The temporary folder, in which commands run."""
        assert self._top is not None  # only within the context
        return self._top

    def halt(self) -> None:
        """Start nothing more, and let what runs be ended."""
        self.is_halted = True

    def start(self, words: Sequence[str]) -> Running:
        """Start ``dcmnet`` with ``words`` and go on. Raises OutputError."""
        self._commands += 1
        log = os.path.join(self.folder, ".log", str(self._commands))
        try:
            with open(log, "wb") as file:
                running = Running(self._process(words, file), log)
        except OSError as error:
            raise OutputError(f"cannot start dcmnet {words[0]}: {error.strerror}") from error
        self._running.append(running)
        return running

    def run(self, words: Sequence[str]) -> Running:
        """Run ``dcmnet`` with ``words`` to its end, which is brought about when it takes too long or at ``halt``."""
        running = self.start(words)
        deadline = time.monotonic() + LONGEST
        while running.wait(_TICK) is None:
            if self.is_halted or time.monotonic() > deadline:
                running.end()
        return running

    def _process(self, words: Sequence[str], log: IO[bytes]) -> "subprocess.Popen[bytes]":
        package = str(Path(__file__).parents[3])
        kept = {name: text for name, text in self._environ.items() if not name.startswith(_OWN_VARIABLES)}
        kept["PYTHONPATH"] = os.pathsep.join(filter(None, (package, kept.get("PYTHONPATH"))))
        kept["DCMNET_CONFIG"] = os.path.join(self.folder, ".log", "empty.toml")
        return subprocess.Popen(
            (sys.executable, "-m", "dcmnet_cli", *words),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=self.folder,
            env=kept,
            start_new_session=True,
        )
