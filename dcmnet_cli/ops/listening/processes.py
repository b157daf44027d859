"""Programs that the user named, run beside the network: never through a shell, never longer than they may."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from dcmnet_cli.core.text import quoted
from dcmnet_cli.errors import UsageError
from dcmnet_cli.ops.secret_variables import public_environment

_TICK = 0.1
_TERMINATE_GRACE = 1.0
_CHUNK = 1 << 16
_MOST_CHUNKS_AFTER_EXIT = 16


class Ran(NamedTuple):
    """How a program ended. ``exit_status`` is negative for a signal, None when there is none.

    ``output`` is the end of what it wrote; ``problem`` why it did not run to its end, "" if it did.
    """

    exit_status: int | None
    output: bytes
    seconds: float
    problem: str = ""


def parse_arguments(option: str, text: str) -> tuple[str, ...]:
    """The argument list of ``text``, split as a shell would, but never given to one; never an empty one.

    Raises UsageError, naming ``option``.
    """
    import shlex

    try:
        arguments = tuple(shlex.split(text))
    except ValueError as error:
        raise UsageError(f"{option} {quoted(text)}: {str(error).lower()}") from None
    if not arguments:
        raise UsageError(f"{option}: no command")
    return arguments


def check_program(option: str, program: str) -> None:
    """See that there is such a program. Raises UsageError, naming ``option``."""
    import shutil

    if shutil.which(program) is None:
        raise UsageError(f"{option}: no program {quoted(program)} that can be run")


def run(
    arguments: Sequence[str],
    given: bytes = b"",
    *,
    seconds: float,
    keep: int,
    with_errors: bool,
    halt: threading.Event | None = None,
) -> Ran:
    """Run a program with ``given`` on its standard input, for at most ``seconds``, or until ``halt`` is set.

    The last ``keep`` bytes of its output are kept, standard error among it only ``with_errors``. It inherits no
    socket and no secret, and has a process group of its own that is ended as one. A child it leaves behind is not
    waited for.
    """
    begin = time.monotonic()
    try:
        process = subprocess.Popen(
            arguments,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if with_errors else subprocess.DEVNULL,
            close_fds=True,
            env=public_environment(),
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        words = getattr(error, "strerror", None) or str(error)
        return Ran(None, b"", time.monotonic() - begin, f"cannot start: {words}")
    with _Pipes(process, given, keep) as pipes:
        problem = _attend(process, pipes, seconds, halt)
        if problem:
            _end(process)
        pipes.drain()
    status = process.returncode if not problem else None
    return Ran(status, bytes(pipes.output), time.monotonic() - begin, problem)


def _attend(process: "subprocess.Popen[bytes]", pipes: "_Pipes", seconds: float, halt: threading.Event | None) -> str:
    """Talk to a program until it ends. Returns why it has to be ended, or "" if it did so itself."""
    deadline = time.monotonic() + seconds
    while process.poll() is None:
        left = deadline - time.monotonic()
        if left <= 0:
            return f"not done within {seconds:g} s, ended"
        if halt is not None and halt.is_set():
            return "ended by us before it was done"
        pipes.exchange(min(left, _TICK))
    return ""


def _end(process: "subprocess.Popen[bytes]") -> None:
    """SIGTERM to the whole group, and SIGKILL if that was not heard."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_TERMINATE_GRACE)
            return


class _Pipes:
    """Both ends of a conversation with a program, neither of which may block: it need not read, nor stop writing."""

    def __init__(self, process: "subprocess.Popen[bytes]", given: bytes, keep: int) -> None:
        import selectors

        assert process.stdin is not None
        assert process.stdout is not None
        self.output = bytearray()
        self._process = process
        self._stdin, self._stdout = process.stdin, process.stdout
        self._left = memoryview(given)
        self._keep = keep
        self._selector = selectors.DefaultSelector()
        os.set_blocking(self._stdin.fileno(), False)
        os.set_blocking(self._stdout.fileno(), False)
        self._selector.register(self._stdout, selectors.EVENT_READ)
        if given:
            self._selector.register(self._stdin, selectors.EVENT_WRITE)
        else:
            self._stdin.close()

    def __enter__(self) -> "_Pipes":
        return self

    def __exit__(self, *_: object) -> None:
        self._selector.close()
        self._stdin.close()
        self._stdout.close()

    def exchange(self, seconds: float) -> None:
        """Move what can be moved within ``seconds``; with all pipes closed, wait for the program to end."""
        if not self._selector.get_map():
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)
            return
        for key, _ in self._selector.select(seconds):
            if key.fileobj is self._stdin:
                self._write()
            else:
                self._read()

    def drain(self) -> None:
        """Take what is left of the output, without waiting for an end that a child may hold back."""
        for _ in range(_MOST_CHUNKS_AFTER_EXIT):
            if self._stdout.closed or not self._read():
                return

    def _write(self) -> None:
        try:
            self._left = self._left[os.write(self._stdin.fileno(), self._left[:_CHUNK]) :]
        except BlockingIOError:
            return
        except OSError:
            self._left = self._left[:0]  # it does not care to read: its own business
        if not self._left:
            self._selector.unregister(self._stdin)
            self._stdin.close()

    def _read(self) -> bool:
        try:
            chunk = os.read(self._stdout.fileno(), _CHUNK)
        except BlockingIOError:
            return False
        if not chunk:
            self._selector.unregister(self._stdout)
            self._stdout.close()
            return False
        self.output += chunk
        del self.output[: -self._keep]
        return True
