"""The index of an archive: one SQLite file in the folder of its objects.

The objects are the archive, and the index is made from them: it is repaired when it is opened and can be rebuilt at
will. One thread writes it, in short transactions; every query reads with a connection of its own.
"""

import fcntl
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

from dcmnet_cli.archive.entry import EVERYTHING, Entry, read_entry
from dcmnet_cli.archive.matching import name_key
from dcmnet_cli.archive.schema import (
    APPLICATION_ID,
    ONE_PER_IMAGE,
    ONE_PER_SERIES,
    ONE_PER_STUDY,
    PATIENT_NAME,
    SERIES_INSTANCE_UID,
    SOP_INSTANCE_UID,
    STATEMENTS,
    STUDY_INSTANCE_UID,
    VERSION,
)
from dcmnet_cli.core.text import printable
from dcmnet_cli.errors import InputError, OutputError

INDEX_NAME = ".dcmnet-archive.sqlite"
_LOCK_NAME = ".dcmnet-archive.lock"
_OWN_FILES = b".dcmnet-"
_BATCH = 500  # objects in one transaction
_GATHERING = 0.1  # seconds a batch is waited for, unless a query wants to see it
_MOST_WAITING = 20_000  # objects stored and not yet indexed; then storing waits
_MOST_KNOWN = 20_000  # series whose row numbers are kept


class Repair(NamedTuple):
    """What opening an index did: rows ``added`` for objects that had none, ``removed`` for objects that are gone or
    have changed; ``unfit`` are files that cannot be indexed, with the reason, the first few of ``unfit_count``.
    """

    added: int
    removed: int
    unfit_count: int
    unfit: tuple[tuple[str, str], ...]
    seconds: float


class Counts(NamedTuple):
    """How much an archive holds."""

    studies: int
    series: int
    instances: int


class Index:
    """The index of the objects in ``folder``, held for as long as it is open.

    With ``rebuild`` it is made anew from the objects. ``warn`` hears, from the writing thread, of objects that cannot
    be indexed. Raises InputError for a folder that is no archive or an index that cannot be read, OutputError for a
    folder in use or not writable.
    """

    def __init__(self, folder: str, warn: Callable[[str], None], *, rebuild: bool = False) -> None:
        self.folder = folder
        self._folder = os.fsencode(folder)
        self._warn = warn
        self._path = os.path.join(folder, INDEX_NAME)
        if not os.path.isdir(folder):
            raise InputError(f"{folder} is no folder", path=folder)
        self._lock_file = self._lock()
        try:
            self._check(rebuild)
            self._prepare()
            self.repaired = self._repair()
        except BaseException:
            os.close(self._lock_file)
            raise
        self._queue: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._state = threading.Condition()
        self._added = self._written = 0
        self._wanted = threading.Event()  # somebody waits for what is in the queue
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    # --- for those who store and query -------------------------------------------------------------------------

    def add(self, path: str) -> None:
        """Index an object that is safe under ``path``, soon. Replaces what the index had of it."""
        relative = os.path.relpath(os.fsencode(path), self._folder)
        with self._state:
            while self._added - self._written > _MOST_WAITING:
                self._wanted.set()
                self._state.wait()
            self._added += 1
        self._queue.put(relative)

    def settle(self) -> None:
        """Wait until everything is indexed that had been added when this was called."""
        with self._state:
            target = self._added
            while self._written < target:
                self._wanted.set()
                self._state.wait()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection for one thread, that sees everything added so far and does not see what comes later."""
        self.settle()
        connection = sqlite3.connect(f"file:{_quoted(self._path)}?mode=ro", uri=True, isolation_level=None)
        try:
            connection.execute("PRAGMA query_only = 1")
            yield connection
        finally:
            connection.close()

    def absolute(self, path: bytes) -> str:
        """Where an object of the index lies."""
        return os.fsdecode(os.path.join(self._folder, path))

    def counts(self) -> Counts:
        """How much the archive holds now."""
        with self.reading() as connection:
            tables = ("studies", "series", "instances")
            return Counts(*(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables))

    def close(self) -> None:
        """Index what is left and let go of the folder."""
        self._queue.put(None)
        self._wanted.set()
        self._thread.join()
        os.close(self._lock_file)

    # --- opening -----------------------------------------------------------------------------------------------

    def _lock(self) -> int:
        """Hold the folder: the lock goes with the process, however that ends."""
        path = os.path.join(self.folder, _LOCK_NAME)
        try:
            number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise OutputError(f"cannot write to folder {self.folder}: {(error.strerror or '').lower()}") from error
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(number, 32, 0).decode("ascii", "replace").strip()
            os.close(number)
            by = f" (process {holder})" if holder.isdigit() else ""
            raise OutputError(f"archive {self.folder} is in use by another listener{by}", path=self.folder) from error
        os.truncate(number, 0)
        os.pwrite(number, f"{os.getpid()}\n".encode(), 0)
        return number

    def _check(self, rebuild: bool) -> None:
        """See that the folder is an archive, or may become one."""
        if rebuild:
            for ending in ("", "-wal", "-shm", "-journal"):
                with suppress(FileNotFoundError):
                    os.unlink(self._path + ending)
        elif not os.path.exists(self._path):
            with os.scandir(self._folder) as entries:
                strangers = any(not entry.name.startswith(_OWN_FILES) for entry in entries)
            if strangers:
                raise InputError(
                    f"{self.folder} is no archive: it holds files and no index",
                    hints=("--reindex makes one of the objects in it", "or give an empty folder"),
                    path=self.folder,
                )

    def _prepare(self) -> None:
        """Open for writing, and create what a new index needs. Raises InputError for what is no index of ours."""
        try:
            with self._writing() as connection:
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

    def _unusable(self, error: sqlite3.Error) -> InputError:
        return InputError(
            f"the index of archive {self.folder} cannot be used: {error}",
            hints=("--reindex rebuilds it from the objects",),
            path=self._path,
        )

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self._path, isolation_level=None)
        try:
            # The objects are the truth: a power cut may cost the last rows, which the next repair brings back.
            connection.execute("PRAGMA synchronous = NORMAL")
            yield connection
        finally:
            connection.close()

    def _repair(self) -> Repair:
        """Bring the index to what is on disk."""
        begin = time.monotonic()
        on_disk = {path: facts for path, *facts in _objects(self._folder)}
        unfit: list[tuple[str, str]] = []
        added = unfit_count = 0
        try:
            with self._writing() as connection:
                gone = [
                    number
                    for number, path, *facts in connection.execute("SELECT id, path, size, changed FROM instances")
                    if on_disk.pop(path, None) != facts
                ]
                # Popping leaves in ``on_disk`` what has no row; what has changed is to be read again.
                missing = list(on_disk) + self._changed(connection, gone)
                connection.execute("BEGIN")
                connection.executemany("DELETE FROM instances WHERE id = ?", ((number,) for number in gone))
                rows = _Rows(connection, self._folder)
                for count, path in enumerate(missing, 1):
                    try:
                        added += rows.add(read_entry(self._folder, path))
                    except InputError as error:
                        unfit_count += 1
                        if len(unfit) < 5:
                            unfit.append((os.fsdecode(path), error.message))
                    if not count % _BATCH:
                        connection.execute("COMMIT")
                        connection.execute("BEGIN")
                rows.clear_orphans()
                connection.execute("COMMIT")
                connection.execute("PRAGMA optimize")
        except sqlite3.Error as error:
            raise self._unusable(error) from error
        return Repair(added, len(gone), unfit_count, tuple(unfit), time.monotonic() - begin)

    def _changed(self, connection: sqlite3.Connection, gone: list[int]) -> list[bytes]:
        """Of the rows that are to go, the paths at which there is something else now."""
        paths = (
            connection.execute("SELECT path FROM instances WHERE id = ?", (number,)).fetchone()[0] for number in gone
        )
        return [path for path in paths if os.path.isfile(os.path.join(self._folder, path))]

    # --- writing -----------------------------------------------------------------------------------------------

    def _write(self) -> None:
        """The writing thread."""
        with self._writing() as connection:
            rows = _Rows(connection, self._folder)
            is_over = False
            while not is_over:
                batch = self._next_batch()
                is_over = batch[-1] is None
                paths = [path for path in batch if path is not None]
                self._write_batch(connection, rows, paths)
                with self._state:
                    self._written += len(paths)
                    self._state.notify_all()

    def _next_batch(self) -> list[bytes | None]:
        batch = [self._queue.get()]
        if batch[0] is not None:
            self._wanted.wait(_GATHERING)
            self._wanted.clear()
        while len(batch) < _BATCH and batch[-1] is not None:
            try:
                batch.append(self._queue.get_nowait())
            except queue.Empty:
                break
        return batch

    def _write_batch(self, connection: sqlite3.Connection, rows: "_Rows", paths: list[bytes]) -> None:
        """A failure costs rows, not objects: the next repair finds them again."""
        entries = []
        for path in paths:
            try:
                entries.append(read_entry(self._folder, path))
            except InputError as error:
                self._warn(f"{printable(os.fsdecode(path))} is stored and not indexed: {error.message}")
        try:
            connection.execute("BEGIN")
            for entry in entries:
                with suppress(InputError):  # gone since it was read
                    rows.add(entry)
            connection.execute("COMMIT")
        except Exception as error:  # whatever it is, those who wait for this thread must not wait for ever
            rows.forget()
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            self._warn(f"{len(entries)} objects are stored and not indexed until the next start: {error}")


class _Rows:
    """Writes rows over one connection, and remembers which series it has seen."""

    def __init__(self, connection: sqlite3.Connection, folder: bytes) -> None:
        self._connection = connection
        self._folder = folder
        self._known: dict[tuple[str, str], int] = {}
        self._add_study = _insertion("studies", 1 + len(ONE_PER_STUDY))
        self._add_series = _insertion("series", 1 + len(ONE_PER_SERIES))
        self._add_instance = _insertion("instances", 5 + len(ONE_PER_IMAGE))

    def add(self, entry: Entry) -> bool:
        """Write what is new. False for an instance that is there already, under another path: the first one stays."""
        uid = entry.values[SOP_INSTANCE_UID]
        find = "SELECT path, id, series FROM instances WHERE SOPInstanceUID = ?"
        row = self._connection.execute(find, (uid,)).fetchone()
        if row is not None:
            if row[0] != entry.path and os.path.exists(os.path.join(self._folder, row[0])):
                return False
            self._connection.execute("DELETE FROM instances WHERE id = ?", row[1:2])
            self.clear_orphans("= ?", row[2:])
        head = (self._series(entry), entry.path, entry.size, entry.changed, entry.syntax)
        self._connection.execute(self._add_instance, (*head, *entry.texts_of(ONE_PER_IMAGE)))
        return True

    def forget(self) -> None:
        """A transaction was rolled back: what was written in it is not there."""
        self._known.clear()

    def clear_orphans(self, which: str = "> 0", values: tuple[int, ...] = ()) -> None:
        """Remove series without instances, those whose number is as ``which`` says, and studies without series."""
        empty = "NOT EXISTS (SELECT 1 FROM instances WHERE series = series.id)"
        if self._connection.execute(f"DELETE FROM series WHERE id {which} AND {empty}", values).rowcount:
            self._connection.execute(
                "DELETE FROM studies WHERE NOT EXISTS (SELECT 1 FROM series WHERE study = studies.id)"
            )
            self.forget()

    def _series(self, entry: Entry) -> int:
        """The row of the object's series. Attributes of series and study are those of the first object."""
        key = entry.values[STUDY_INSTANCE_UID], entry.values[SERIES_INSTANCE_UID]
        known = self._known.get(key)
        if known is None:
            find = "SELECT e.id FROM series e JOIN studies s ON s.id = e.study WHERE s.StudyInstanceUID = ?"
            row = self._connection.execute(f"{find} AND e.SeriesInstanceUID = ?", key).fetchone()
            known = int(row[0]) if row else self._new_series(read_entry(self._folder, entry.path, EVERYTHING))
            if len(self._known) >= _MOST_KNOWN:
                self.forget()
            self._known[key] = known
        return known

    def _new_series(self, entry: Entry) -> int:
        uid = entry.values[STUDY_INSTANCE_UID]
        row = self._connection.execute("SELECT id FROM studies WHERE StudyInstanceUID = ?", (uid,)).fetchone()
        if row:
            study = int(row[0])
        else:
            name = name_key(entry.text_of(PATIENT_NAME))
            study = self._insert(self._add_study, name, *entry.texts_of(ONE_PER_STUDY))
        return self._insert(self._add_series, study, *entry.texts_of(ONE_PER_SERIES))

    def _insert(self, statement: str, *values: object) -> int:
        number = self._connection.execute(statement, values).lastrowid
        assert number is not None  # what was inserted has one
        return number


def _insertion(table: str, count: int) -> str:
    return f"INSERT INTO {table} VALUES (NULL, {', '.join('?' * count)})"


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


def _quoted(path: str) -> str:
    from urllib.parse import quote_from_bytes

    return quote_from_bytes(os.fsencode(path))
