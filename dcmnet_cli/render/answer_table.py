"""Answers of a query as a table on a terminal: laid out by the first of them, and grown as the others come."""

import time
import unicodedata
from collections.abc import Sequence

from dcmnet_cli.ops.querying.answers import Column, Match, values_at
from dcmnet_cli.render.output import Channel

_LAYOUT_ROWS, _LAYOUT_SECONDS = 40, 0.4
_NARROWEST = 6
_LONGEST = 1000  # letters of a value that are looked at: no terminal shows more, and a peer may send megabytes
_GAP = 2
_RIGID = frozenset(("DA", "TM", "IS", "US", "UL", "SS", "SL"))
_RIGHT = frozenset(("IS", "DS", "US", "UL", "SS", "SL"))


class Table:
    """Rows cut to the width of the terminal. ``may_drop`` lets columns of UIDs go that leave no room for the rest."""

    def __init__(
        self, channel: Channel, columns: Sequence[Column], assumed: str, *, may_drop: bool, most: int = 0
    ) -> None:
        self._channel = channel
        self._columns = list(columns)
        self._assumed = assumed
        self._may_drop = may_drop
        self._most = most
        self._waiting: list[list[tuple[str, str]]] = []
        self._widths: list[int] = []
        self._begin = 0.0
        self.left_out = 0
        self._rows = 0

    def add(self, match: Match) -> None:
        if self._most and self._rows >= self._most:
            self.left_out += 1
            return
        self._rows += 1
        row = [self._cell(match, column) for column in self._columns]
        if self._widths:
            self._print(row)
            return
        self._begin = self._begin or time.monotonic()
        self._waiting.append(row)
        if len(self._waiting) >= _LAYOUT_ROWS:
            self._lay_out()

    def flush(self) -> None:
        """Show what waits, if it has waited for long enough to be laid out by."""
        if self._waiting and time.monotonic() - self._begin > _LAYOUT_SECONDS:
            self._lay_out()

    def close(self) -> None:
        if self._waiting:
            self._lay_out()

    def _cell(self, match: Match, column: Column) -> tuple[str, str]:
        """(what to show, VR)."""
        element = match.elements.get(column.path[-1])
        value = values_at(match.elements, column.path, match.character_set, self._assumed)[:_LONGEST]
        vr = _vr(column) or (element.vr if element is not None else "")
        return self._channel.text(humane(value, vr)), vr

    def _lay_out(self) -> None:
        rows, self._waiting = self._waiting, []
        natural = [
            max(cells(column.heading), *(cells(row[index][0]) for row in rows))
            for index, column in enumerate(self._columns)
        ]
        kept = list(range(len(self._columns)))
        width = self._channel.width - 2
        if self._may_drop:
            kept = _with_room(kept, self._columns, natural, width)
        flexible = [_vr(self._columns[index]) not in _RIGID for index in kept]
        self._widths = _fit([natural[index] for index in kept], flexible, width)
        while len(kept) > 1 and sum(self._widths) + _GAP * (len(kept) - 1) > width:
            kept.pop()
            self._widths.pop()
        self._kept = kept
        heads = [(self._columns[index].heading, rows[0][index][1]) for index in kept]
        rule = ("─" if self._channel.has_unicode else "-") * min(width, sum(self._widths) + _GAP * (len(kept) - 1))
        self._channel.write(self._channel.paint(f"  {self._line(heads)}", "dim") + "\n")
        self._channel.write(self._channel.paint(f"  {rule}", "dim") + "\n")
        for row in rows:
            self._print(row)

    def _print(self, row: Sequence[tuple[str, str]]) -> None:
        self._channel.write(f"  {self._line([row[index] for index in self._kept])}\n")

    def _line(self, row: Sequence[tuple[str, str]]) -> str:
        more = "…" if self._channel.has_unicode else "~"
        pieces = [
            padded(value, width, more, right=vr in _RIGHT) for (value, vr), width in zip(row, self._widths, strict=True)
        ]
        return (" " * _GAP).join(pieces).rstrip()


def _vr(column: Column) -> str:
    from dcmnet_cli.core.attributes import vr_of

    vr = vr_of(column.path[-1])
    return "" if vr == "UN" else vr


def _with_room(kept: list[int], columns: Sequence[Column], natural: Sequence[int], width: int) -> list[int]:
    """Leave out what is worth least, as long as the rest would have to be cut: UIDs, then times, then numbers of
    orders, the last column first.
    """
    for is_spare in (lambda column: _vr(column) == "UI", lambda column: _vr(column) == "TM", _is_accession):
        for index in reversed(kept):
            if sum(natural[each] for each in kept) + _GAP * (len(kept) - 1) <= width:
                return kept
            if is_spare(columns[index]) and len(kept) > 1:
                kept = [each for each in kept if each != index]
    return kept


def _is_accession(column: Column) -> bool:
    return column.path[-1] == 0x00080050


def _fit(widths: list[int], flexible: list[bool], width: int) -> list[int]:
    """Widths that fit: the widest columns of text give way first, and dates and numbers only when nothing else can."""
    room = max(width - _GAP * (len(widths) - 1), len(widths))
    widths = list(widths)
    for may_give in (flexible, [True] * len(widths)):
        while sum(widths) > room:
            widest = max((index for index, may in enumerate(may_give) if may), key=widths.__getitem__, default=-1)
            if widest < 0 or widths[widest] <= _NARROWEST:
                break
            widths[widest] -= 1
    return widths


def humane(value: str, vr: str) -> str:
    """A value as a person writes it: dates with hyphens, times with colons, names with a comma."""
    if vr == "DA" and len(value) == 8 and value.isdigit():
        return f"{value[:4]}-{value[4:6]}-{value[6:]}"
    if vr == "TM" and len(value) >= 4 and value[:4].isdigit():
        return f"{value[:2]}:{value[2:4]}"
    if vr == "PN" and ("^" in value or "=" in value):
        groups = [_name(group) for group in value.split("=")]
        shown = [group for group in groups if group][:2]
        return f"{shown[0]} ({shown[1]})" if len(shown) > 1 else "".join(shown)
    return value.replace("\\", ", ") if vr in ("CS", "LO", "SH", "UI") else value


def _name(group: str) -> str:
    family, *given = group.split("^")
    others = " ".join(part for part in given[:2] if part)
    return f"{family}, {others}" if family and others else family or others


def cells(text: str) -> int:
    """How many columns of a terminal ``text`` takes."""
    if text.isascii():
        return len(text)
    return sum(_width(character) for character in text)


def _width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def padded(text: str, width: int, more: str, *, right: bool = False) -> str:
    """``text`` in exactly ``width`` columns, cut with ``more`` at its end where it is too long."""
    taken = cells(text)
    if taken > width:
        kept = ""
        taken = 1
        for character in text:
            if taken + _width(character) > width:
                break
            kept += character
            taken += _width(character)
        text = kept + more
    return " " * (width - taken) + text if right else text + " " * (width - taken)
