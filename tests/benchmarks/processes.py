"""Programs that run to their end and are timed, and servers that run until they are stopped."""

import compileall
import contextlib
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import dcmnet_cli
from tests.benchmarks.figures import WrongResult

HOST = "127.0.0.1"
_PATIENCE = 1200.0
_START = 20.0
_DROPPED = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "TCP_NODELAY", "NO_COLOR", "FORCE_COLOR")
NODELAY = {"TCP_NODELAY": "1"}
"""What switches Nagle's algorithm off in DCMTK's programs."""

# Not beside our interpreter: pynetdicom installs programs there that bear the names of DCMTK's.
_PLACES = os.pathsep.join(
    place
    for place in (*os.environ.get("PATH", "").split(os.pathsep), "/usr/bin", "/usr/sbin", "/usr/local/sbin")
    if Path(place) != Path(sys.executable).parent
)


def installed(name: str) -> str:
    """The path of a peer's program, "" if there is none."""
    return shutil.which(name, path=_PLACES) or ""


_own: list[str] = []


def install(folder: Path) -> None:
    """Put our command there as a wheel would be installed: an editable install adds some 30 ms to every start.

    A virtual environment of its own has the copy of the package; what it depends on is used where it lies.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    target = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder), "platbase": str(folder)}))
    package = Path(dcmnet_cli.__file__).parent
    shutil.copytree(package, target / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    # A folder named in a .pth file is searched, the .pth files in it are not read.
    found = importlib.util.find_spec("typer")
    assert found is not None
    assert found.origin is not None
    (target / "dependencies.pth").write_text(f"{Path(found.origin).parents[1]}\n")
    compileall.compile_dir(str(target / package.name), quiet=2)
    _own[:] = [str(folder / "bin" / "python"), "-m", package.name]


def dcmnet() -> list[str]:
    """The words that run our command. Only after ``install``."""
    return list(_own)


def environment(more: dict[str, str] | None = None) -> dict[str, str]:
    """Ours without what would slow Python down, and without anybody's configuration."""
    kept = {name: text for name, text in os.environ.items() if name not in _DROPPED and not name.startswith("DCMNET_")}
    return kept | {"XDG_CONFIG_HOME": "/nonexistent"} | (more or {})


class Run(NamedTuple):
    """A program that has ended: seconds of the whole process, exit status, its output, its peak of resident MiB."""

    seconds: float
    status: int
    output: str
    peak: float


def run(
    words: Sequence[str],
    environ: dict[str, str] | None = None,
    *,
    expect: int | None = 0,
    output: Path | None = None,
) -> Run:
    """Run a program to its end, its standard output in the file ``output`` or in the result.

    Raises WrongResult when it ends otherwise than with ``expect`` (None: anything).
    """
    started = _Started(words, environ, output)
    return started.wait(expect)


def run_together(commands: Sequence[Sequence[str]], environ: dict[str, str] | None = None) -> float:
    """Run several programs at once; the seconds from the first start to the last end."""
    begin = time.perf_counter()
    for started in [_Started(words, environ) for words in commands]:
        started.wait(0)
    return time.perf_counter() - begin


class _Started:
    def __init__(self, words: Sequence[str], environ: dict[str, str] | None, output: Path | None = None) -> None:
        self._words = words
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed by ``wait``
        with contextlib.ExitStack() as stack:
            out = self._log if output is None else stack.enter_context(output.open("wb"))
            self._begin = time.perf_counter()
            self._process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=out, stderr=self._log, env=environment(environ)
            )

    def wait(self, expect: int | None) -> Run:
        guard = threading.Timer(_PATIENCE, self._process.kill)
        guard.start()
        # The peak counts what the child was before it became the program, too: this process has to stay small.
        _, status, usage = os.wait4(self._process.pid, 0)
        seconds = time.perf_counter() - self._begin
        guard.cancel()
        self._process.returncode = os.waitstatus_to_exitcode(status)
        self._log.seek(0)
        output = self._log.read().decode(errors="replace")
        self._log.close()
        if expect is not None and self._process.returncode != expect:
            told = output.strip()[-600:]
            raise WrongResult(f"{' '.join(self._words[:3])} ... ended with {self._process.returncode}: {told}")
        return Run(seconds, self._process.returncode, output, usage.ru_maxrss / 1024)


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        return int(sock.getsockname()[1])


class Server:
    """A server that is up."""

    def __init__(self, port: int, process: "subprocess.Popen[bytes]") -> None:
        self.port = port
        self._process = process

    @property
    def peak(self) -> float:
        """Its peak of resident memory so far, in MiB."""
        for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
        raise WrongResult("the server has ended")


@contextlib.contextmanager
def serving(words: Sequence[str], environ: dict[str, str] | None = None, *, port: int = 0) -> Iterator[Server]:
    """Start a server, wait until it takes connections, and stop it in the end. ``{port}`` stands for its port."""
    port = port or free_port()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [word.replace("{port}", str(port)) for word in words],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment(environ),
        )
        try:
            if not _comes_up(port, process):
                log.seek(0)
                told = log.read().decode(errors="replace").strip()[-600:]
                raise WrongResult(f"{' '.join(words[:4])} did not come up: {told}")
            yield Server(port, process)
        finally:
            process.terminate()
            try:
                process.wait(10.0)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _comes_up(port: int, process: "subprocess.Popen[bytes]") -> bool:
    deadline = time.monotonic() + _START
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), 1.0):
            return True
        time.sleep(0.02)
    return False
