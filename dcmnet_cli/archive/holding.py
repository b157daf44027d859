"""The database of an archive, held by this process: locked, made where it is missing, brought to what is on disk."""

import fcntl
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple, TypeAlias

from dcmnet_cli.archive.entry import read_entry
from dcmnet_cli.archive.rows import Rows
from dcmnet_cli.archive.schema import APPLICATION_ID, STATEMENTS, VERSION
from dcmnet_cli.errors import DcmnetError, InputError, OutputError

INDEX_NAME = ".dcmnet-archive.sqlite"
_LOCK_NAME = ".dcmnet-archive.lock"
_OWN_FILES = b".dcmnet-"
_BATCH = 500  # objects in one transaction
_TOLD_EVERY = 100  # objects
_MOST_UNFIT = 5  # files that are named

Progress: TypeAlias = Callable[[int, int], None]
"""Hears now and then how many objects of how many have been read."""


class Repair(NamedTuple):
    """What opening an index did: rows ``added`` for objects that had none, ``removed`` for objects that are gone or
    have changed; ``unfit`` are files that cannot be indexed, with the reason, the first few of ``unfit_count``.
    """

    added: int
    removed: int
    unfit_count: int
    unfit: tuple[tuple[str, str], ...]
    seconds: float


class Holding:
    """The database in ``folder``, for as long as it is not closed. ``repaired`` is what had to be done to it.

    ``rebuild`` makes it anew; ``adopts`` makes one where there are objects and none, which otherwise is no archive.
    Raises InputError for a folder that is no archive or an index that cannot be read, OutputError for a folder in use
    or not writable.
    """

    def __init__(
        self, folder: str, *, rebuild: bool = False, adopts: bool = False, progress: Progress | None = None
    ) -> None:
        self._progress = progress
        self.path = os.path.join(folder, INDEX_NAME)
        self._name = folder
        self._folder = os.fsencode(folder)
        if not os.path.isdir(folder):
            raise InputError(f"{folder} is no folder", path=folder)
        self._lock_file = self._lock()
        try:
            self._check(rebuild, adopts)
            self._prepare()
            self.repaired = self.repair()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the folder. More than once does no harm."""
        if self._lock_file >= 0:
            os.close(self._lock_file)
        self._lock_file = -1

    def is_in_place(self) -> bool:
        """Whether what is held is what lies in the folder: somebody may have removed it, and made another one."""
        try:
            held = os.fstat(self._lock_file)
            return os.path.samestat(held, os.stat(self._lock_path)) and os.path.exists(self.path)
        except OSError:
            return False

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A connection that may write. Raises sqlite3.Error."""
        connection = sqlite3.connect(self.path, isolation_level=None)
        try:
            # The objects are the truth: a power cut may cost the last rows, which the next repair brings back.
            connection.execute("PRAGMA synchronous = NORMAL")
            yield connection
        finally:
            connection.close()

    def repair(self) -> Repair:
        """Bring the index to what is on disk. Raises as the making of a Holding does."""
        try:
            with self.writing() as connection:
                return self._repair(connection)
        except sqlite3.Error as error:
            raise self._unusable(error) from error

    @property
    def _lock_path(self) -> str:
        return os.path.join(self._name, _LOCK_NAME)

    def _lock(self) -> int:
        """Hold the folder: the lock goes with the process, however that ends."""
        try:
            number = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise OutputError(f"cannot write to folder {self._name}: {(error.strerror or '').lower()}") from error
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(number, 32, 0).decode("ascii", "replace").strip()
            os.close(number)
            by = f" (process {holder})" if holder.isdigit() else ""
            raise OutputError(f"archive {self._name} is in use by another listener{by}", path=self._name) from error
        with suppress(OSError):  # a full disk: nobody will know whose lock it is, and it holds all the same
            os.truncate(number, 0)
            os.pwrite(number, f"{os.getpid()}\n".encode(), 0)
        return number

    def _check(self, rebuild: bool, adopts: bool) -> None:
        """See that the folder is an archive, or may become one."""
        if rebuild or not os.path.exists(self.path):
            for ending in ("", "-wal", "-shm", "-journal"):  # a journal of another database would be played into ours
                with suppress(FileNotFoundError):
                    os.unlink(self.path + ending)
        if not (rebuild or adopts or os.path.exists(self.path)):
            with os.scandir(self._folder) as entries:
                strangers = any(not entry.name.startswith(_OWN_FILES) for entry in entries)
            if strangers:
                raise InputError(
                    f"{self._name} is no archive: it holds files and no index",
                    hints=("--reindex makes one of the objects in it", "or give an empty folder"),
                    path=self._name,
                )

    def _prepare(self) -> None:
        """Open for writing, and create what a new index needs. Raises InputError for what is no index of ours."""
        try:
            with self.writing() as connection:
                application, version = (
                    connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
                )
                if not (application or version or connection.execute("SELECT 1 FROM sqlite_master").fetchone()):
                    connection.execute("PRAGMA journal_mode = WAL")
                    connection.execute("BEGIN")
                    for statement in STATEMENTS:
                        connection.execute(statement)
                    connection.execute("COMMIT")
                elif (application, version) != (APPLICATION_ID, VERSION):
                    raise sqlite3.DatabaseError("it was made by another program or version")
        except sqlite3.Error as error:
            raise self._unusable(error) from error

    def _unusable(self, error: sqlite3.Error) -> DcmnetError:
        words = f"the index of archive {self._name} cannot be used: {error}"
        if isinstance(error, sqlite3.OperationalError):  # the disk is full, another program holds it: not its content
            return OutputError(words, path=self.path)
        return InputError(words, hints=("--reindex rebuilds it from the objects",), path=self.path)

    def _repair(self, connection: sqlite3.Connection) -> Repair:
        begin = time.monotonic()
        on_disk = {path: facts for path, *facts in _objects(self._folder)}
        unfit: list[tuple[str, str]] = []
        added = unfit_count = 0
        gone = [
            number
            for number, path, *facts in connection.execute("SELECT id, path, size, changed FROM instances")
            if on_disk.pop(path, None) != facts
        ]
        # Popping leaves in ``on_disk`` what has no row; what has changed is to be read again.
        missing = list(on_disk) + self._changed(connection, gone)
        connection.execute("BEGIN")
        connection.executemany("DELETE FROM instances WHERE id = ?", ((number,) for number in gone))
        rows = Rows(connection, self._folder)
        for count, path in enumerate(missing, 1):
            try:
                added += rows.add(read_entry(self._folder, path))
            except InputError as error:
                unfit_count += 1
                if len(unfit) < _MOST_UNFIT:
                    unfit.append((os.fsdecode(path), error.message))
            if self._progress is not None and not count % _TOLD_EVERY:
                self._progress(count, len(missing))
            if not count % _BATCH:
                connection.execute("COMMIT")
                connection.execute("BEGIN")
        rows.clear_orphans()
        connection.execute("COMMIT")
        connection.execute("PRAGMA optimize")
        return Repair(added, len(gone), unfit_count, tuple(unfit), time.monotonic() - begin)

    def _changed(self, connection: sqlite3.Connection, gone: list[int]) -> list[bytes]:
        """Of the rows that are to go, the paths at which there is something else now."""
        paths = (
            connection.execute("SELECT path FROM instances WHERE id = ?", (number,)).fetchone()[0] for number in gone
        )
        return [path for path in paths if os.path.isfile(os.path.join(self._folder, path))]


def _objects(folder: bytes) -> Iterator[tuple[bytes, int, int]]:
    """(path below the folder, size, time of change) of every file that may be an object. Links are not followed."""
    waiting = [b""]
    while waiting:
        below = waiting.pop()
        try:
            entries = os.scandir(os.path.join(folder, below))
        except OSError:
            continue  # gone or forbidden: its objects are not there for us
        with entries:
            for entry in entries:
                path = os.path.join(below, entry.name)
                if entry.name.startswith(_OWN_FILES):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(path)
                elif entry.is_file(follow_symlinks=False):
                    status = entry.stat(follow_symlinks=False)
                    yield path, status.st_size, status.st_mtime_ns
