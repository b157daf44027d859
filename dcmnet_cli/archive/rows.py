"""Objects as rows of the index: what is written of each, and what goes with it."""

import os
import sqlite3
from collections.abc import Iterable
from contextlib import suppress

from dcmnet_cli.archive.entry import EVERYTHING, Entry, read_entry
from dcmnet_cli.archive.matching import name_key
from dcmnet_cli.archive.schema import (
    ONE_PER_IMAGE,
    ONE_PER_SERIES,
    ONE_PER_STUDY,
    PATIENT_NAME,
    SERIES_INSTANCE_UID,
    SOP_INSTANCE_UID,
    STUDY_INSTANCE_UID,
)
from dcmnet_cli.errors import InputError

_MOST_KNOWN = 20_000  # series whose row numbers are kept


class Rows:
    """Writes rows over one connection, and remembers which series it has seen."""

    def __init__(self, connection: sqlite3.Connection, folder: bytes) -> None:
        self._connection = connection
        self._folder = folder
        self._known: dict[tuple[str, str], int] = {}
        self._add_study = _insertion("studies", 1 + len(ONE_PER_STUDY))
        self._add_series = _insertion("series", 1 + len(ONE_PER_SERIES))
        self._add_instance = _insertion("instances", 5 + len(ONE_PER_IMAGE))

    def write(self, entries: Iterable[Entry]) -> None:
        """Write all of them in one transaction. Raises sqlite3.Error, and none of them is there then."""
        self._connection.execute("BEGIN")
        for entry in entries:
            with suppress(InputError):  # gone since it was read
                self.add(entry)
        self._connection.execute("COMMIT")

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
        """Rows of series are gone: look for them again."""
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
