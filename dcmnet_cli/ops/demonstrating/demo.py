"""A first look at everything: an archive on this computer, and each command played against it for real."""

import os
import shutil
import signal
import socket
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from dcmnet_cli.errors import InputError, ListenError, OutputError
from dcmnet_cli.net.part10 import open_file, read_file
from dcmnet_cli.ops.demonstrating.stage import Running, Stage
from dcmnet_cli.ops.results import Act, Scene

FOLDERS = ("export", "pacs", "got", "moved")
REJECTED = 5
HOST = "127.0.0.1"
_USUAL_PORTS = (11112, 11113)
_STARTS = 3  # somebody else may be faster at a port that was free
_STARTING = 20.0
_EXAMPLES = ("77654033", "98892003"), ("JPEG2000.dcm", "MR_small_RLE.dcm", "waveform_ecg.dcm")


def scenes(port: int, back: int, verbosity: int = 0) -> list[Scene]:
    """What is played: the archive at ``port`` first, which lasts to the end; ``back`` is where a C-MOVE sends to."""
    peer, loudly = f"PACS@{HOST}:{port}", ((), ("-v",), ("-d",))[verbosity]
    titles, safe = ("-aet", "PACS", "--called", "PACS"), ("--bind", HOST, "--idle-exit", "60")
    node, wanted = ("--node", f"ME@{HOST}:{back}"), ("--patient-id", "98890234")
    here = ("--here", "moved", "--bind", HOST, "+P", str(back))
    plays = (
        ("an archive, in the background", 0, "listen", str(port), *titles, *safe, "--archive", "pacs", *node),
        ("does it answer?", 0, "echo", peer),
        ("by a title it does not know: what went wrong, and what to try", REJECTED, "echo", f"PAX@{HOST}:{port}"),
        ("a folder of images and waveforms, sent as they lie", 0, "store", peer, "export"),
        ("what does it have?", 0, "find", peer, "--patient-name", "DOE*"),
        ("fetched over the connection that asks", 0, "get", peer, "--date", "1995-09-03", "-od", "got"),
        ("sent to a listener of ours, which lasts as long as it takes", 0, "move", "-aet", "ME", peer, *wanted, *here),
    )
    return [Scene(remark, (*words, *loudly), expected) for remark, expected, *words in plays]


class Demo:
    """One demonstration on a ``stage``, which has FOLDERS.

    ``begin`` hears of every scene before it is played, ``end`` what became of it; of the archive twice, when it listens
    and when it has ended.
    """

    def __init__(
        self, stage: Stage, begin: Callable[[Scene], None], end: Callable[[Act], None], verbosity: int = 0
    ) -> None:
        self._stage = stage
        self._begin = begin
        self._end = end
        self._verbosity = verbosity

    def run(self) -> None:
        """Play everything. Raises InputError without pydicom's example files, ListenError when the archive does not
        start, OutputError when the folder cannot be written.
        """
        _provide(Path(self._stage.folder, "export"))
        archive, running, others = self._open_archive()
        told = len(running.output)
        for scene in others:
            if self._stage.is_halted:
                break
            self._begin(scene)
            begun = time.monotonic()
            played = self._stage.run(scene.words)
            self._end(Act(scene, played.status, time.monotonic() - begun, played.output))
        begun = time.monotonic()
        status = running.end(signal.SIGINT)
        self._end(Act(archive._replace(remark=""), status, time.monotonic() - begun, running.output[told:]))

    def _open_archive(self) -> tuple[Scene, Running, list[Scene]]:
        """The archive, which listens, and the scenes that it is there for."""
        problem = "there is no free port"
        for ports in _ports():
            archive, *others = scenes(*ports, self._verbosity)
            begun = time.monotonic()
            running = self._stage.start(archive.words)
            if _listens(running, self._stage):
                self._begin(archive)
                self._end(Act(archive, None, time.monotonic() - begun, running.output))
                return archive, running, others
            problem = running.output.strip()
        raise ListenError(f"the archive of the demonstration does not start: {problem}")


def _ports() -> Iterator[tuple[int, int]]:
    """The usual ports where both are free, then others."""
    for number in range(_STARTS):
        with socket.socket() as first, socket.socket() as second:
            try:
                for sock, port in zip((first, second), _USUAL_PORTS if not number else (0, 0), strict=True):
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    sock.bind((HOST, port))
            except OSError:
                continue
            ports = first.getsockname()[1], second.getsockname()[1]
        yield ports


def _listens(running: Running, stage: Stage) -> bool:
    """Wait for its first words. False when it ends instead."""
    deadline = time.monotonic() + _STARTING
    while "listening" not in running.output and not stage.is_halted:
        if running.wait(0.02) is not None or time.monotonic() > deadline:
            running.end()
            return False
    return True


def _provide(folder: Path) -> None:
    """Real objects of several kinds: those that pydicom brings along."""
    found = find_spec("pydicom")  # found, not imported
    source = Path((found.origin if found else None) or "").parent / "data" / "test_files"
    folders, files = _EXAMPLES
    try:
        for name in folders:
            shutil.copytree(source / "dicomdirtests" / name, folder / name)
        for name in files:
            shutil.copyfile(source / name, folder / name)
    except FileNotFoundError as error:
        raise InputError(
            f"pydicom's example files are not here: {error.filename}",
            hints=("Some packages leave them out; python3 -m pip install pydicom brings them.",),
        ) from error
    except (OSError, shutil.Error) as error:
        raise OutputError(f"cannot copy example files to {folder}: {error}") from error


def compare(folder: str) -> tuple[int, tuple[str, ...]]:
    """Compare what came back to ``got`` and ``moved`` with what was in ``export``, by SOP Instance UID.

    How many objects have the very same data set, and the files of those that do not.
    """
    sent = dict(_read(path) for path in Path(folder).glob("export/**/*") if path.is_file())
    came = [path for name in ("got", "moved") for path in sorted(Path(folder, name).iterdir())]
    others = []
    for path in came:
        uid, data = _read(path)
        if sent.get(uid) != data:
            others.append(f"{path.parent.name}/{path.name}")
    return len(came) - len(others), tuple(others)


def _read(path: Path) -> tuple[str, bytes]:
    """SOP Instance UID and data set."""
    descriptor, size = open_file(str(path))
    try:
        pread = partial(os.pread, descriptor)
        file = read_file(pread, size)
        return (file.sop_instance_uid, pread(file.length, file.offset)) if file is not None else ("", b"")
    finally:
        os.close(descriptor)
