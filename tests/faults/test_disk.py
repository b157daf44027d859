"""A disk that is full, a folder that is gone or may only be read, under a listener and an archive that serve.

The association lives on, what cannot be stored is answered with A700 and leaves nothing, and once the fault is mended
the next object is stored, without a restart. What was acknowledged stays.
"""

import contextlib
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dcmnet_cli.archive.index import INDEX_NAME
from tests.faults import objects
from tests.interop.conftest import StartListener
from tests.interop.running import HOST, Listener, dcmnet, wait_until
from tests.interop.test_store import data_of
from tests.receiving import Sender

LARGE = 300_000
"""Bytes of pixels that find no room in the last quarter of the disk."""


class Disk:
    """A folder with a file system of its own, of 1 MiB. Where none may be mounted, limits and permissions of our
    process stand in for it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
        self._is_mounted = subprocess.run(mount, check=False, capture_output=True).returncode == 0
        self._ballast = folder / ".ballast"
        self.process = 0

    def fill(self) -> None:
        if self._is_mounted:
            with contextlib.suppress(OSError), self._ballast.open("wb", buffering=0) as file:
                while file.write(bytes(4096)):
                    pass
        else:
            resource.prlimit(self.process, resource.RLIMIT_FSIZE, (LARGE, resource.RLIM_INFINITY))

    def empty(self) -> None:
        if self._is_mounted:
            self._ballast.unlink()
        else:
            resource.prlimit(self.process, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)

    def freeze(self) -> None:
        """Nothing can be written from now on: another file system lies over ours."""
        if self._is_mounted:
            subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(self.folder)], check=True)
        elif os.geteuid():
            self.folder.chmod(0o555)
        else:
            pytest.skip("no permission to mount a file system, and root may write everywhere")

    def thaw(self) -> None:
        if self._is_mounted:
            self._unmount()
        else:
            self.folder.chmod(0o755)

    def close(self) -> None:
        if self._is_mounted:
            self._unmount()

    def _unmount(self) -> None:
        subprocess.run(["umount", "-l", str(self.folder)], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    disk = Disk(tmp_path / "disk")
    yield disk
    disk.close()


class Remover:
    """A folder that is removed and made again."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder

    def remove(self) -> None:
        shutil.rmtree(self.folder)

    def make(self) -> None:
        self.folder.mkdir()


def stored_in(folder: Path) -> dict[str, Path]:
    return {path.name.removesuffix(".dcm"): path for path in folder.iterdir() if not path.name.startswith(".")}


def found(server: Listener) -> set[str]:
    """What the archive answers to a query."""
    words = ("-S", "-k", "QueryRetrieveLevel=IMAGE", "-k", f"StudyInstanceUID={objects.STUDY}", "-k", "SOPInstanceUID")
    outcome = dcmnet("find", HOST, str(server.port), *words, "--json", "--relational")
    assert outcome.status == 0, outcome.stderr
    return {match["00080018"]["Value"][0] for match in outcome.json["matches"]}


def store(sender: Sender, number: int, length: int = 1024) -> tuple[int, str]:
    response = sender.store(objects.image(number, length), objects.uid_of(number))
    return response.status, response.error_comment


def check(server: Listener, folder: Path, *numbers: int, large: int = 0) -> None:
    """These and no others are there, whole, and with an archive in its index."""
    expected = {objects.uid_of(number): objects.image(number) for number in numbers}
    if large:
        expected[objects.uid_of(large)] = objects.image(large, LARGE)
    held = stored_in(folder)
    assert {uid: data_of(path) for uid, path in held.items()} == expected
    assert list(folder.glob(".dcmnet-*.part")) == []
    if any(each["event"] == "archive" for each in server.events):
        assert found(server) == held.keys()


def end(server: Listener, refused: int) -> None:
    server.process.signal(signal.SIGTERM)
    assert server.process.wait() == 1
    assert server.process.stderr == ""
    assert server.events[-1]["refused"] == refused


KINDS = pytest.mark.parametrize("option", ["-od", "--archive"])
Fault = Callable[[], None]


@KINDS
def test_full_disk(listener: StartListener, disk: Disk, option: str) -> None:
    server = listener(option, str(disk.folder))
    disk.process = server.process._popen.pid
    with Sender(server.port) as sender:
        assert store(sender, 1) == (0, "")
        disk.fill()
        for number in (2, 3):
            status, comment = store(sender, number, LARGE)
            assert status == 0xA700
            assert comment in ("cannot be stored: no space left on device", "cannot be stored: file too large")
        assert sender.echo() == 0
        assert stored_in(disk.folder).keys() == {objects.uid_of(1)}
        disk.empty()
        assert store(sender, 2, LARGE) == (0, "")
    check(server, disk.folder, 1, large=2)
    end(server, refused=2)


@KINDS
def test_folder_that_may_only_be_read(listener: StartListener, disk: Disk, option: str) -> None:
    server = listener(option, str(disk.folder))
    with Sender(server.port) as sender:
        assert store(sender, 1) == (0, "")
        disk.freeze()
        status, comment = store(sender, 2)
        assert status == 0xA700
        assert comment in ("cannot be stored: read-only file system", "cannot be stored: permission denied")
        assert sender.echo() == 0
        disk.thaw()
        assert store(sender, 2) == (0, "")
    check(server, disk.folder, 1, 2)
    end(server, refused=1)


@KINDS
def test_removed_folder(listener: StartListener, tmp_path: Path, option: str) -> None:
    """It comes back empty, as it was made again; the index of an archive is made again with it."""
    inbox = Remover(tmp_path / "inbox")
    server = listener(option, str(inbox.folder))
    with Sender(server.port) as sender:
        assert store(sender, 1) == (0, "")
        inbox.remove()
        assert store(sender, 2) == (0xA700, "cannot be stored: no such file or directory")
        assert sender.echo() == 0
        inbox.make()
        assert store(sender, 3) == (0, "")
    check(server, inbox.folder, 3)
    end(server, refused=1)


def test_object_under_way_when_the_disk_fills_up(listener: StartListener, disk: Disk) -> None:
    """An object larger than what is left: its beginning does not stay to fill the disk, and a smaller one goes in."""
    server = listener("-od", str(disk.folder))
    with Sender(server.port) as sender:
        assert store(sender, 1, 600_000) == (0, "")
        assert store(sender, 2, 600_000)[0] in (0xA700, 0)  # 0 where no disk of this size could be had
        assert store(sender, 3, LARGE) == (0, "")
    assert {objects.uid_of(1), objects.uid_of(3)} <= stored_in(disk.folder).keys()


def test_index_locked_by_another_program(listener: StartListener, tmp_path: Path) -> None:
    """Objects are stored all the same; queries that would miss them are refused, until the index has caught up."""
    folder = tmp_path / "archive"
    folder.mkdir()
    server = listener("--archive", str(folder))
    query = ("find", HOST, str(server.port), "-S", "-k", "PatientID=P1")
    backup = sqlite3.connect(folder / INDEX_NAME, isolation_level=None)
    try:
        backup.execute("BEGIN EXCLUSIVE")
        with Sender(server.port) as sender:
            for number in range(10):
                assert store(sender, number) == (0, "")
            refused = dcmnet(*query)
            assert sender.echo() == 0
    finally:
        backup.close()
    assert refused.status == 9
    assert "A700" in refused.stderr
    assert "the index cannot be used: database is locked" in refused.stderr
    wait_until(lambda: "nothing is missing" in server.process.stdout, "the index has caught up")
    assert dcmnet(*query).status == 0
    check(server, folder, *range(10))
    event = next(each for each in server.events if each["event"] == "find")
    assert (event["status"], event["detail"][-18:]) == ("A700", "database is locked")


def test_index_taken_away(listener: StartListener, tmp_path: Path) -> None:
    """Made again from the objects, whatever the old one has left."""
    folder = tmp_path / "archive"
    folder.mkdir()
    server = listener("--archive", str(folder))
    with Sender(server.port) as sender:
        assert store(sender, 1) == (0, "")
        assert found(server) == {objects.uid_of(1)}
        os.unlink(folder / INDEX_NAME)
        assert store(sender, 2) == (0, "")
    check(server, folder, 1, 2)
