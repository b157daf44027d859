"""A walk over the elements of a data set in a file: headers only, values skipped, nothing decoded (PS3.5 7).

It finds the few values that a transfer needs to know and tells whether the file is whole, in constant memory. What it
cannot follow it leaves to the peer: it reports a problem only where the file certainly ends too early.
"""

import struct
from collections.abc import Callable
from typing import NamedTuple

WINDOW = 8192
UNDEFINED = 0xFFFFFFFF
_DEEPEST = 64
_MOST_STEPS = 1_000_000
_LONG_VRS = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"))
_ITEM_END, _SEQUENCE_END = 0xFFFEE00D, 0xFFFEE0DD
_LONGEST_WANTED = 128


class Layout(NamedTuple):
    """How a data set is encoded."""

    explicit: bool
    little: bool


class Walk(NamedTuple):
    """``values`` of the wanted tags that were found, padding stripped; ``end`` the offset behind the last element.

    ``problem`` says in words why the data set cannot be whole, "" if it is; ``odd`` whether a value has odd length.
    """

    values: dict[int, str]
    end: int
    problem: str
    odd: bool


class FileWindow:
    """A file read through one small window: ``need`` moves it only when the bytes asked for are not in it.

    ``pread`` takes (count, offset) and returns the bytes there, fewer at the end of the file.
    """

    def __init__(self, pread: Callable[[int, int], bytes], size: int, head: bytes = b"") -> None:
        self.size = size
        self.data = head
        self.start = 0
        self._pread = pread

    def need(self, offset: int, count: int) -> int:
        """Where in ``data`` the byte at ``offset`` lies, once ``count`` bytes from there are in it; -1 past the end."""
        at = offset - self.start
        if at >= 0 and at + count <= len(self.data):
            return at
        if offset + count > self.size:
            return -1
        self.data = self._pread(max(WINDOW, count), offset)
        self.start = offset
        return 0 if len(self.data) >= count else -1


def walk(window: FileWindow, offset: int, layout: Layout, wanted: frozenset[int], last: int | None = None) -> Walk:
    """Walk the top level of the data set at ``offset``; stop before the first tag above ``last``, if given."""
    unpack_tag = struct.Struct("<HH" if layout.little else ">HH").unpack_from
    order = "little" if layout.little else "big"
    values: dict[int, str] = {}
    problem, odd = "", False
    for _ in range(_MOST_STEPS):
        at = window.need(offset, 8)
        if at < 0:
            break
        group, element = unpack_tag(window.data, at)
        tag = group << 16 | element
        if group == 0 or (last is not None and tag > last):
            break
        header, length = _header(window, offset, at, layout.explicit, order)
        value = offset + header
        if length == UNDEFINED:
            end = _skip_undefined(window, value, _within(window, value - header, layout), order)
            if end < 0:
                problem = f"the file ends within element {_name(tag)}"
                break
            offset = end
            continue
        if value + length > window.size:
            problem = f"element {_name(tag)} declares {length} bytes, the file has {max(0, window.size - value)}"
            break
        if tag in wanted and length <= _LONGEST_WANTED and (at := window.need(value, length)) >= 0:
            values[tag] = _text(window.data[at : at + length])
        odd = odd or bool(length & 1)
        offset = value + length
    return Walk(values, offset, problem, odd)


def _header(window: FileWindow, offset: int, at: int, explicit: bool, order: str) -> tuple[int, int]:
    """(length of the header, length of the value) of the element whose first 8 bytes lie at ``at`` of the window."""
    data = window.data
    if not explicit:
        return 8, int.from_bytes(data[at + 4 : at + 8], order)  # type: ignore[arg-type]
    if data[at + 4 : at + 6] not in _LONG_VRS:
        return 8, int.from_bytes(data[at + 6 : at + 8], order)  # type: ignore[arg-type]
    at = window.need(offset, 12)
    if at < 0:
        return 12, UNDEFINED - 1  # the header itself is cut short: any length overruns the file
    return 12, int.from_bytes(window.data[at + 8 : at + 12], order)  # type: ignore[arg-type]


def _skip_undefined(window: FileWindow, offset: int, layout: Layout, order: str) -> int:
    """The offset behind a sequence or encapsulated pixel data of undefined length at ``offset``; -1 if cut short.

    Keeps what it is in on a list of its own, as depth is the file's choice and recursion would be ours to pay for.
    """
    unpack_tag = struct.Struct("<HH" if layout.little else ">HH").unpack_from
    within = [layout]
    for _ in range(_MOST_STEPS):
        at = window.need(offset, 8)
        if at < 0:
            return -1
        group, element = unpack_tag(window.data, at)
        tag, header = group << 16 | element, 8
        if group == 0xFFFE:
            length = int.from_bytes(window.data[at + 4 : at + 8], order)  # type: ignore[arg-type]
            offset += 8
            if tag in (_SEQUENCE_END, _ITEM_END):
                within.pop()
                if not within:
                    return offset
                continue
        else:
            header, length = _header(window, offset, at, within[-1].explicit, order)
            offset += header
        if length == UNDEFINED:
            if len(within) >= _DEEPEST:
                return window.size  # too deep to follow: taken on trust
            inner = within[-1]
            within.append(inner if group == 0xFFFE else _within(window, offset - header, inner))
        elif offset + length > window.size:
            return -1
        else:
            offset += length
    return window.size


def _within(window: FileWindow, header_at: int, layout: Layout) -> Layout:
    """The layout inside an element of undefined length: UN holds implicit VR little endian, always (PS3.5 6.2.2)."""
    at = window.need(header_at, 6)
    return Layout(False, True) if layout.explicit and window.data[at + 4 : at + 6] == b"UN" else layout


def _name(tag: int) -> str:
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


def _text(raw: bytes) -> str:
    return raw.strip(b"\0 ").decode("ascii", "surrogateescape")
