"""The index of an archive: one SQLite file in the folder of its objects.

The objects are the archive, and the index is made from them: it is repaired when it is opened and can be rebuilt at
will. One thread writes it, in short transactions, when it is quiet or a query wants to see what has come; every query
reads with a connection of its own. What keeps the index from being written keeps no object from being stored: rows are
written once it can be, and until then queries that would miss them are refused.
"""

import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import NamedTuple
from urllib.parse import quote_from_bytes

from dcmnet_cli.archive.entry import read_entry
from dcmnet_cli.archive.holding import INDEX_NAME as INDEX_NAME
from dcmnet_cli.archive.holding import Holding, Progress
from dcmnet_cli.archive.rows import Rows
from dcmnet_cli.core.quantities import plural
from dcmnet_cli.core.text import printable
from dcmnet_cli.errors import DcmnetError, InputError, OutputError

_BATCH = 500  # objects in one transaction
_QUIET = 0.1  # seconds without another object after which rows are written
_MOST_GATHERING = 2.0  # seconds after which they are written though more objects come
_MOST_GATHERED = 2_000  # objects for which they are written at once: a query waits for no more than these
_RETRY = 0.5  # seconds after which what could not be written is tried again
_MOST_WAITING = 20_000  # objects stored and not yet indexed; then storing waits
_LOOK = b""
"""In the queue, in place of an object: see whether the index is still in its place."""


class Counts(NamedTuple):
    """How much an archive holds."""

    studies: int
    series: int
    instances: int


class Index:
    """The index of the objects in ``folder``, held for as long as it is open.

    With ``rebuild`` it is made anew from the objects; ``progress`` hears how far that is. ``warn`` hears, from the
    writing thread, of objects that cannot be indexed, which ``name_of`` puts into words, and of an index that cannot be
    written. Raises as ``Holding`` does.
    """

    def __init__(
        self,
        folder: str,
        warn: Callable[[str], None],
        *,
        rebuild: bool = False,
        name_of: Callable[[str], str] = printable,
        progress: Progress | None = None,
    ) -> None:
        self.folder = folder
        self._folder = os.fsencode(folder)
        self._beginning = os.path.join(self._folder, b"")
        self._warn = warn
        self._name_of = name_of
        self._held = Holding(folder, rebuild=rebuild, progress=progress)
        self.repaired = self._held.repaired
        self._queue: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._state = threading.Condition()
        self._added = self._written = 0
        self._missed = 0  # objects that found the queue full while nothing could be written
        self._trouble = ""  # why nothing can be written at the moment
        self._wanted = threading.Event()  # somebody waits for what is in the queue
        self._is_draining = False  # the last batch was a full one: more are likely to wait
        self._closing = threading.Event()
        self._open = ExitStack()
        self._rows: Rows | None = None
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    # --- for those who store and query -------------------------------------------------------------------------

    def add(self, path: str) -> None:
        """Index an object that is safe under ``path``, soon. Replaces what the index had of it."""
        whole = os.fsencode(path)
        relative = whole.removeprefix(self._beginning)
        if relative == whole:
            relative = os.path.relpath(whole, self._folder)
        with self._state:
            while self._added - self._written > _MOST_WAITING:
                if self._trouble:
                    self._missed += 1
                    return
                self._wanted.set()
                self._state.wait()
        self._enqueue(relative)

    def settle(self) -> None:
        """Wait until everything is indexed that had been added when this was called.

        Raises OutputError where that cannot be done at the moment.
        """
        with self._state:
            target = self._added
            while self._written < target:
                if self._trouble:
                    raise OutputError(f"the index cannot be used: {self._trouble}")
                self._wanted.set()
                self._state.wait()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection for one thread, that sees everything added so far and does not see what comes later.

        Raises OutputError for an index that cannot be used at the moment, on the way in or in the middle.
        """
        if not self._held.is_in_place():
            self._enqueue(_LOOK)
        self.settle()
        try:
            place = f"file:{quote_from_bytes(os.fsencode(self._held.path))}?mode=ro"
            connection = sqlite3.connect(place, uri=True, isolation_level=None)
            try:
                connection.execute("PRAGMA query_only = 1")
                yield connection
            finally:
                connection.close()
        except sqlite3.Error as error:
            raise OutputError(f"the index cannot be used: {error}") from error

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
        self._closing.set()
        self._queue.put(None)
        self._wanted.set()
        self._thread.join()
        self._held.close()

    def _enqueue(self, path: bytes) -> None:
        with self._state:
            self._added += 1
        self._queue.put(path)

    # --- writing -----------------------------------------------------------------------------------------------

    def _write(self) -> None:
        """The writing thread."""
        with self._open:
            is_over = False
            while not is_over:
                batch = self._next_batch()
                is_over = batch[-1] is None
                paths = [path for path in batch if path is not None]
                self._write_all([path for path in paths if path != _LOOK])
                with self._state:
                    self._written += len(paths)
                    self._state.notify_all()

    def _next_batch(self) -> list[bytes | None]:
        batch = [self._queue.get()]
        if batch[0] is not None and not self._is_draining:
            self._gather()
        while len(batch) < _BATCH and batch[-1] is not None:
            try:
                batch.append(self._queue.get_nowait())
            except queue.Empty:
                break
        self._is_draining = len(batch) == _BATCH
        return batch

    def _gather(self) -> None:
        """Wait for a quiet moment: reading objects and writing rows takes time from those who store more of them.

        Not for long, nor for many objects, and no longer once a query wants to see them.
        """
        latest = time.monotonic() + _MOST_GATHERING
        before = -1
        while before < (waiting := self._queue.qsize()) < _MOST_GATHERED and time.monotonic() < latest:
            if self._wanted.wait(_QUIET):
                break
            before = waiting
        self._wanted.clear()

    def _write_all(self, paths: list[bytes]) -> None:
        """Write rows, however long it takes until that is possible. The next start finds what is left at the end."""
        if self._trouble:
            return  # given up, as this is the end
        while problem := self._try(paths):
            if not self._trouble:
                self._warn(f"the index cannot be written: {problem}; objects are stored and will be indexed later")
            with self._state:
                self._trouble = problem
                self._state.notify_all()
            if self._closing.wait(_RETRY):
                left = self._added - self._written + self._missed
                self._warn(f"{plural(left, 'object')} stored and not indexed until the next start: {problem}")
                return
        if self._trouble:
            self._warn("the index is written again, and nothing is missing in it")
            self._trouble = ""

    def _try(self, paths: list[bytes]) -> str:
        """Write rows; returns why that cannot be done, or ""."""
        try:
            missed = self._missed
            if not self._held.is_in_place():
                self._take_anew()
            elif missed:
                self._held.repair()
            if paths:
                self._write_batch(paths)
        except Exception as error:  # whatever it is, those who wait for this thread must not wait for ever
            self._let_go()
            return error.message if isinstance(error, DcmnetError) else str(error)
        with self._state:
            self._missed -= missed
        return ""

    def _take_anew(self) -> None:
        """The folder, or the index in it, was removed: begin again with what is there now."""
        self._let_go()
        self._held.close()
        self._held = Holding(self.folder, adopts=True)
        self._warn(f"the index was gone, and was made again: {plural(self._held.repaired.added, 'object')} in it")

    def _let_go(self) -> None:
        with suppress(sqlite3.Error):
            self._open.close()
        self._rows = None

    def _write_batch(self, paths: list[bytes]) -> None:
        entries = []
        for path in paths:
            try:
                entries.append(read_entry(self._folder, path))
            except InputError as error:
                self._warn(f"{self._name_of(os.fsdecode(path))} is stored and not indexed: {error.message}")
        if self._rows is None:
            connection = self._open.enter_context(self._held.writing())
            self._rows = Rows(connection, self._folder)
        self._rows.write(entries)
