"""Answers of a query as text: lines for a pipe, CSV, and JSON.

Made for tens of thousands of answers: no data set is built, and text is written in large pieces. ``add`` takes one
answer, ``flush`` is called when the network has nothing more at the moment, ``close`` once at the end.
"""

import csv
import io
import re
from collections.abc import Callable, Sequence
from typing import Protocol

from dcmnet_cli.core.identifier import KEEPS_LEADING, NOT_TEXT, Element, text
from dcmnet_cli.core.text import printable
from dcmnet_cli.ops.querying.answers import Column, Match, values_at
from dcmnet_cli.render.dicom_json import DicomJSON

_AT_ONCE = 1 << 16
_FORMULA = re.compile(r"[=+\-@\t](?![\d.]*$)")  # what a spreadsheet would run, plain numbers aside
_DOUBTFUL = re.compile(r"(?:^|,)[=+\-@]")  # a cell that may be one

_SPECIAL = NOT_TEXT | KEEPS_LEADING

Write = Callable[[str], None]


class Sink(Protocol):
    """Where answers go."""

    def add(self, match: Match) -> None: ...

    def flush(self) -> None: ...

    def close(self) -> None: ...


class _Buffered:
    """Text that is written in large pieces, or when there is time."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._parts: list[str] = []
        self._size = 0

    def put(self, piece: str) -> None:
        self._parts.append(piece)
        self._size += len(piece)
        if self._size >= _AT_ONCE:
            self.flush()

    def flush(self) -> None:
        if self._parts:
            self._write("".join(self._parts))
            self._parts.clear()
            self._size = 0

    def close(self) -> None:
        self.flush()


class Lines(_Buffered):
    """One line an answer, cells parted by tabs, as they are on the wire but for what could harm a terminal."""

    def __init__(self, write: Write, columns: Sequence[Column], assumed: str, clean: Callable[[str], str]) -> None:
        super().__init__(write)
        self._cells = _reader(columns, assumed)
        self._clean = clean

    def add(self, match: Match) -> None:
        self.put("\t".join(map(self._clean, self._cells(match))) + "\n")


class CSV(_Buffered):
    """Comma separated values (RFC 4180) under the names of the columns.

    A cell that a spreadsheet program would take for a formula gets an apostrophe in front.
    """

    def __init__(self, write: Write, columns: Sequence[Column], assumed: str, *, for_spreadsheet: bool) -> None:
        super().__init__(write)
        self._cells = _reader(columns, assumed)
        self._file = io.StringIO()
        self._end = "\r\n" if for_spreadsheet else "\n"
        self._commas = len(columns) - 1
        self._writer = csv.writer(self._file, lineterminator=self._end)
        if for_spreadsheet:
            self.put("\ufeff")  # without it Excel takes UTF-8 for something else
        self._write_row([column.name for column in columns])

    def add(self, match: Match) -> None:
        row = self._cells(match)
        line = ",".join(row)
        if line.isprintable() and line.count(",") == self._commas and '"' not in line and _is_harmless(line):
            self.put(line + self._end)  # nothing to quote, as in most answers: what the writer would write
        else:
            self._write_row([_safe_cell(cell) for cell in row])

    def _write_row(self, row: Sequence[str]) -> None:
        self._writer.writerow(row)
        self.put(self._file.getvalue())
        self._file.seek(0)
        self._file.truncate()


class NDJSON(_Buffered):
    """One object of the DICOM JSON model a line."""

    def __init__(self, write: Write, assumed: str) -> None:
        super().__init__(write)
        self._json = DicomJSON(assumed).of

    def add(self, match: Match) -> None:
        self.put(self._json(match) + "\n")


class JSONList(_Buffered):
    """The ``matches`` of the one object that ``--json`` prints: begun with the first answer, ended by ``close``."""

    def __init__(self, write: Write, opening: str, assumed: str) -> None:
        super().__init__(write)
        self._opening = opening
        self._json = DicomJSON(assumed).of
        self.is_begun = False

    def add(self, match: Match) -> None:
        self.put("," if self.is_begun else self._opening)
        self.is_begun = True
        self.put(self._json(match))


def _reader(columns: Sequence[Column], assumed: str) -> Callable[[Match], list[str]]:
    """A function that gives an answer's cells, the common case of a plain attribute in the shortest way."""
    paths = [column.path for column in columns]
    if any(len(path) > 1 for path in paths):
        return lambda match: [values_at(match.elements, path, match.character_set, assumed) for path in paths]
    tags = [path[0] for path in paths]
    nothing = Element(0, "LO", b"")

    def cells(match: Match) -> list[str]:
        get, character_set, row = match.elements.get, match.character_set, []
        for tag in tags:
            element = get(tag, nothing)
            value = element[2]
            if value.isascii() and b"\x1b" not in value and element[1] not in _SPECIAL:  # as ``text`` has it, inline
                row.append(str(value, "ascii").strip("\0 "))
            else:
                row.append(text(element, character_set, assumed))
        return row

    return cells


def _is_harmless(line: str) -> bool:
    """Whether a line has something in it, and certainly no formula. The expression alone would take five times as
    long."""
    has_marks = "=" in line or "-" in line or "+" in line or "@" in line
    return line != "" and not (has_marks and _DOUBTFUL.search(line))


def _safe_cell(cell: str) -> str:
    if not cell.isprintable():
        cell = printable(cell)
    return "'" + cell if cell[:1] in "=+-@" and _FORMULA.match(cell) else cell
