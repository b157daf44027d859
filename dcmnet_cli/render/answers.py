"""Answers of a query as rows of text: lines for a pipe, CSV, and the DICOM JSON model (PS3.18 F.2).

Made for tens of thousands of answers: no data set is built, and text is written in large pieces. ``add`` takes one
answer, ``flush`` is called when the network has nothing more at the moment, ``close`` once at the end.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Sequence
from json.encoder import encode_basestring_ascii as quoted_json
from typing import Protocol

from dcmnet_cli.core.character_set import UTF_8
from dcmnet_cli.core.identifier import SPECIFIC_CHARACTER_SET, Element, character_set_of, text
from dcmnet_cli.core.text import printable
from dcmnet_cli.ops.answers import Column, Match, values_at

_AT_ONCE = 1 << 16
_FORMULA = re.compile(r"[=+\-@\t](?![\d.]*$)")  # what a spreadsheet would run, plain numbers aside
_DOUBTFUL = re.compile(r"(?:^|,)[=+\-@]")  # what may need a closer look: most rows do not
_ONE_VALUE = frozenset(("LT", "ST", "UT", "UR"))
_NUMBERS = frozenset(("US", "SS", "UL", "SL", "UV", "SV", "FL", "FD", "IS", "DS"))
_SURROGATE = re.compile("[\ud800-\udfff]")
_INTEGER = re.compile(r"[+-]?\d{1,15}")
_DECIMAL = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d{1,3})?")  # as JSON wants it
_LONGEST_NUMBER = 24
_PLAIN = frozenset(("AE", "AS", "CS", "DA", "DT", "LO", "SH", "TM", "UC", "UI"))
_MOST_HEADS = 4096
_UTF_8 = UTF_8.encode("ascii")
_BULK = frozenset(("OB", "OD", "OF", "OL", "OV", "OW", "UN"))

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
        self._row = csv.writer(self._file, lineterminator="\r\n" if for_spreadsheet else "\n").writerow
        self._row([column.name for column in columns])
        if for_spreadsheet:
            self.put("\ufeff")  # without it Excel takes UTF-8 for something else
        self._take()

    def add(self, match: Match) -> None:
        row = self._cells(match)
        whole = "".join(row)
        if not whole.isprintable() or _DOUBTFUL.search(",".join(row)):
            row = [_safe_cell(cell) for cell in row]
        self._row(row)
        if self._file.tell() >= _AT_ONCE:
            self._take()

    def flush(self) -> None:
        self._take()
        super().flush()

    def _take(self) -> None:
        if piece := self._file.getvalue():
            self._file.seek(0)
            self._file.truncate()
            self.put(piece)


class NDJSON(_Buffered):
    """One object of the DICOM JSON model a line."""

    def __init__(self, write: Write, assumed: str) -> None:
        super().__init__(write)
        self._assumed = assumed

    def add(self, match: Match) -> None:
        self.put(match_json(match, self._assumed) + "\n")


class JSONList(_Buffered):
    """The ``matches`` of the one object that ``--json`` prints: begun with the first answer, ended by ``close``."""

    def __init__(self, write: Write, opening: str, assumed: str) -> None:
        super().__init__(write)
        self._opening = opening
        self._assumed = assumed
        self.is_begun = False

    def add(self, match: Match) -> None:
        self.put("," if self.is_begun else self._opening)
        self.is_begun = True
        self.put(match_json(match, self._assumed))


def _reader(columns: Sequence[Column], assumed: str) -> Callable[[Match], list[str]]:
    """A function that gives an answer's cells, the common case of a plain attribute in the shortest way."""
    paths = [column.path for column in columns]
    if any(len(path) > 1 for path in paths):
        return lambda match: [values_at(match.elements, path, match.character_set, assumed) for path in paths]
    tags = [path[0] for path in paths]
    nothing = Element(0, "LO", b"")

    def cells(match: Match) -> list[str]:
        get, character_set = match.elements.get, match.character_set
        return [text(get(tag, nothing), character_set, assumed) for tag in tags]

    return cells


def _safe_cell(cell: str) -> str:
    if not cell.isprintable():
        cell = printable(cell)
    return "'" + cell if cell[:1] in "=+-@" and _FORMULA.match(cell) else cell


# --- the DICOM JSON model --------------------------------------------------------------------------------------------


def match_json(match: Match, assumed: str) -> str:
    """One answer as a JSON object in ASCII, so that it survives any stream."""
    elements = match.elements
    declared = elements.get(SPECIFIC_CHARACTER_SET)
    if declared is not None:  # JSON is UTF-8, whatever the answer was in
        elements = elements | {SPECIFIC_CHARACTER_SET: declared._replace(value=_UTF_8)}
    return json_of(elements.values(), match.character_set, assumed)


def json_of(elements: Iterable[Element], character_set: str, assumed: str) -> str:
    """A data set by the DICOM JSON model, character set as it says."""
    parts = []
    heads = _heads
    for element in elements:
        tag, vr, value, items = element
        if not tag & 0xFFFF:
            continue  # a group length is no attribute
        head = heads.get((tag, vr)) or _head(tag, vr)
        if items is not None:
            inner = ",".join(_json_item(item, character_set, assumed) for item in items)
            parts.append(f'{head},"Value":[{inner}]}}' if inner else head + "}")
        elif not value:
            parts.append(head + "}")
        elif vr in _PLAIN and value.isascii() and b"\\" not in value and b"\x1b" not in value:
            word = value.decode("ascii").strip("\0 ")
            parts.append(f'{head},"Value":[{quoted_json(word)}]}}' if word else head + "}")
        elif vr in _BULK:
            from base64 import b64encode

            parts.append(f'{head},"InlineBinary":"{b64encode(value).decode()}"}}')
        else:
            values = _json_values(vr, text(element, character_set, assumed))
            parts.append(f'{head},"Value":[{values}]}}' if values else head + "}")
    return "{" + ",".join(parts) + "}"


_heads: dict[tuple[int, str], str] = {}


def _head(tag: int, vr: str) -> str:
    """How an element begins. Kept for the next answer, as long as the peer does not invent tag after tag."""
    head = f'"{tag:08X}":{{"vr":"{vr}"'
    if len(_heads) < _MOST_HEADS:
        _heads[tag, vr] = head
    return head


def _json_item(item: Sequence[Element], character_set: str, assumed: str) -> str:
    elements = {each.tag: each for each in item}
    return match_json(Match(elements, character_set_of(elements) or character_set), assumed)


def _json_values(vr: str, value: str) -> str:
    if not value:
        return ""
    if "\\" not in value or vr in _ONE_VALUE:
        return _json_value(vr, value)
    return ",".join(_json_value(vr, each.strip(" ")) for each in value.split("\\"))


def _json_value(vr: str, value: str) -> str:
    if not value:
        return "null"
    if not value.isascii() and _SURROGATE.search(value):
        value = printable(value)  # bytes that no character set explained, which JSON readers may refuse
    if vr == "IS" and value.isdigit() and value.isascii() and len(value) < 16:
        return str(int(value))
    if vr == "PN":
        return _json_name(value)
    if vr in _NUMBERS:
        if _INTEGER.fullmatch(value):
            return str(int(value))
        return value if len(value) <= _LONGEST_NUMBER and _DECIMAL.fullmatch(value) else quoted_json(value)
    if vr == "AT":
        return quoted_json(value.strip("()").replace(",", ""))
    return quoted_json(value)


def _json_name(value: str) -> str:
    if "=" not in value:
        return f'{{"Alphabetic":{quoted_json(value)}}}'
    groups = zip(("Alphabetic", "Ideographic", "Phonetic"), value.split("=", 2), strict=False)
    inner = ",".join(f'"{name}":{quoted_json(group)}' for name, group in groups if group)
    return f"{{{inner}}}" if inner else "null"
