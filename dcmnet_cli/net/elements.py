"""A walk over the elements of a data set in a file: headers only, values skipped, nothing decoded (PS3.5 7).

It finds the few values that a transfer needs to know and tells whether the file is whole, in memory that does not grow
with the file. What it cannot follow it leaves to the peer: a problem is reported only where the file certainly ends
too early.
"""

import struct
from collections.abc import Callable
from functools import cache
from typing import Any, Literal, NamedTuple

WINDOW = 8192
UNDEFINED = 0xFFFFFFFF
_MOST_STEPS = 2_000_000
_MOST_PADDING = 1 << 16
_LONGEST_WANTED = 1024
_ITEM_GROUP, _ITEM, _ITEM_END = 0xFFFE, 0xE000, 0xE00D
_SHORT_VRS = frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
_LONG_VRS = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())


class Layout(NamedTuple):
    """How a data set is encoded."""

    explicit: bool
    little: bool


class _Reader(NamedTuple):
    """What reads the headers of one layout; ``quick``, ``short_vrs`` and ``items`` serve where there are many."""

    unpack: Callable[[bytes, int], tuple[Any, ...]]
    quick: Callable[[bytes, int], tuple[Any, ...]]
    short_vrs: frozenset[int]
    items: frozenset[int]


def _reader(explicit: bool, order: Literal["<", ">"]) -> _Reader:
    endian: Literal["little", "big"] = "little" if order == "<" else "big"
    return _Reader(
        struct.Struct(order + ("HH2sH" if explicit else "HHI")).unpack_from,
        struct.Struct(order + ("IHH" if explicit else "II")).unpack_from,
        frozenset(int.from_bytes(vr, endian) for vr in _SHORT_VRS),
        frozenset(_raw(tag, order) for tag in (0, 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD)),
    )


def _raw(tag: int, order: str) -> int:
    """A tag as one number of four bytes reads it."""
    return (tag & 0xFFFF) << 16 | tag >> 16 if order == "<" else tag


_READERS = {
    Layout(explicit, order == "<"): _reader(explicit, order) for explicit in (True, False) for order in ("<", ">")
}


class Walk(NamedTuple):
    """``values`` of the wanted tags found first, padding stripped; ``end`` the offset behind the last element.

    ``problem`` says in words why the data set cannot be whole, "" if it is; ``odd`` whether a value has odd length.
    """

    values: dict[int, str]
    end: int
    problem: str
    odd: bool


class FileWindow:
    """A file seen through one small window that moves forward.

    ``pread`` takes (count, offset) and returns the bytes there; fewer than asked for is the end of the file. ``head``
    is what it holds at offset 0. ``last_header`` is the last offset whose element header is certainly in ``data``.
    """

    def __init__(self, pread: Callable[[int, int], bytes], size: int, head: bytes) -> None:
        self.size = size
        self._pread = pread
        self._set(head, 0)

    def _set(self, data: bytes, start: int) -> None:
        self.data = data
        self.start = start
        end = start + len(data)
        if len(data) < WINDOW:
            self.size = min(self.size, end)
        self.last_header = end - (12 if end < self.size else 8)

    def move(self, offset: int) -> bool:
        """Bring the element header at ``offset`` into the window; False where the file has no 8 bytes left."""
        if offset + 8 > self.size:
            return False
        if not self.start <= offset <= self.last_header:
            self._set(self._pread(WINDOW, offset), offset)
        return offset <= self.last_header

    def read(self, offset: int, count: int) -> bytes:
        """``count`` bytes at ``offset``, fewer at the end of the file. The window stays where it is."""
        at = offset - self.start
        if at >= 0 and at + count <= len(self.data):
            return self.data[at : at + count]
        return self._pread(count, offset) if offset < self.size else b""


def walk(
    window: FileWindow, offset: int, layout: Layout, wanted: frozenset[int], last: int | None = None, first: int = 0
) -> Walk:
    """Walk the data set at ``offset``; ``wanted`` tags are looked for at its top level.

    With ``last`` it stops before the first tag above that one or below ``first``, wherever the file ends. What an
    element of undefined length holds is walked in the same loop: depth is the file's choice, and recursion would be
    ours to pay for.
    """
    values: dict[int, str] = {}
    enclosing: list[tuple[bool, Layout]] = []  # for every open item and sequence: is it an item, what encloses it
    reader = _READERS[layout]
    outer = odd = steps = 0
    window.move(offset)
    while steps < _MOST_STEPS:
        if offset > window.last_header and not window.move(offset):
            break
        if last is None:
            offset, odd, passed = _pass_plain(window, offset, layout, wanted, odd, None if enclosing else values)
            steps += passed >> 3
            if offset > window.last_header:
                continue
        steps += 1
        at = offset - window.start
        value = offset + 8
        if layout.explicit:
            group, element, vr, length = reader.unpack(window.data, at)
            if vr not in _SHORT_VRS or group == _ITEM_GROUP:
                value, length = _unusual_header(window, offset, layout.little)
        else:
            group, element, length = reader.unpack(window.data, at)
        if not enclosing:
            outer = group << 16 | element
            if last is not None and not first <= outer <= last:
                return Walk(values, offset, "", bool(odd & 1))
            if not outer and not length:
                break  # an element of zeros is padding
        if length == UNDEFINED or group == _ITEM_GROUP or value + length > window.size:
            inside = _structure(window, offset, value, length, (group, element), layout, enclosing)
            if inside is None:
                problem = f"element {_name(outer)} lacks its last {value + length - window.size} bytes"
                return Walk(values, offset, problem, bool(odd & 1))
            layout, offset = inside
            reader = _READERS[layout]
            continue
        if not enclosing and outer in wanted:
            values.setdefault(outer, _text(window.read(value, min(length, _LONGEST_WANTED))))
        odd |= length
        offset = value + length
    else:
        return Walk(values, window.size, "", bool(odd & 1))  # more elements than anyone counts: taken on trust
    problem = f"the file ends within element {_name(outer)}" if enclosing else _ending(window, offset)
    return Walk(values, offset, problem, bool(odd & 1))


class _Beginning(NamedTuple):
    """How a data set begins: its ``headers`` in front of the wanted element that was found last, which lies at ``end``,
    and the ``places`` (tag, begin, end) of the wanted values among them.
    """

    unpack: Callable[[bytes], tuple[Any, ...]]
    headers: tuple[bytes, ...]
    places: tuple[tuple[int, int, int], ...]
    end: int


class Glance:
    """Finds what ``walk`` does up to the last of the ``wanted`` tags, in data sets that begin with plain elements.

    Those of one series differ in values much more than in headers: where all headers are the same byte for byte as in
    one read before, one comparison does for them. Safe for many threads.
    """

    def __init__(self, layout: Layout, wanted: frozenset[int]) -> None:
        self._layout = layout
        self._wanted = wanted
        self._last = max(wanted, default=0)
        self._known: _Beginning | None = None

    def __call__(self, data: bytes) -> dict[int, str] | None:
        """The values in ``data``, which begins a data set.

        None where an element up to the first one behind the last tag is anything special or not there as a whole.
        """
        explicit, little = self._layout
        _, quick, short_vrs, items = _READERS[self._layout]
        values: dict[int, str] = {}
        at = 0
        known = self._known
        is_known = known is not None and known.end <= len(data) and known.unpack(data) == known.headers
        if known is not None and is_known:
            at = known.end
            for number, begin, end in known.places:
                values[number] = _text(data[begin:end])
        passed: list[int] = []
        found: list[tuple[int, int, int]] = []
        limit = len(data) - 8
        while at <= limit:
            if explicit:
                tag, vr, length = quick(data, at)
                if vr not in short_vrs:
                    return None
            else:
                tag, length = quick(data, at)
            if tag in items:
                return None
            number = (tag & 0xFFFF) << 16 | tag >> 16 if little else tag
            if number > self._last:
                if found and not is_known:
                    self._known = _beginning(data, passed, found)
                return values
            passed.append(at)
            at += 8
            if number in self._wanted and number not in values:
                end = at + min(length, _LONGEST_WANTED)
                values[number] = _text(data[at:end])
                found.append((number, at, end))
            at += length
        return None


def _beginning(data: bytes, passed: list[int], found: list[tuple[int, int, int]]) -> _Beginning:
    """What stands before the last element ``found``; ``passed`` are the offsets of all headers."""
    end = found[-1][1] - 8
    before = [at for at in passed if at < end]
    gaps = zip(before, [0, *(at + 8 for at in before)], strict=False)
    pattern = struct.Struct("".join(f"{at - behind}x8s" for at, behind in gaps))
    return _Beginning(pattern.unpack_from, tuple(data[at : at + 8] for at in before), tuple(found[:-1]), end)


def _pass_plain(
    window: FileWindow,
    offset: int,
    layout: Layout,
    wanted: frozenset[int],
    odd: int,
    values: dict[int, str] | None,
) -> tuple[int, int, int]:
    """Pass the elements at ``offset`` that are nothing special: this loop is where the time of a walk goes.

    ``values`` gets those of wanted tags, None within items. It stops at the end of the window, at an item, a long VR,
    an undefined length, a wanted value that is very long or not in the window, or what is not there as a whole.
    (offset then, ``odd`` with the lengths passed, how many bytes of the window were gone through)
    """
    quick, short_vrs, special = _quick(layout, wanted)
    data, start = window.data, window.start
    begin = at = offset - start
    limit, size = window.last_header - start, window.size - start
    if layout.explicit:
        while at <= limit:
            tag, vr, length = quick(data, at)
            if vr not in short_vrs or (tag in special and not _gather(data, at + 8, length, special[tag], values)):
                break
            odd |= length
            at += 8 + length
    else:
        while at <= limit:
            tag, length = quick(data, at)
            if at + length > size or (tag in special and not _gather(data, at + 8, length, special[tag], values)):
                break
            odd |= length
            at += 8 + length
    gone = min(at, limit) - begin
    if at > size:
        at -= 8 + length
    return at + start, odd, gone


def _gather(data: bytes, at: int, length: int, tag: int, values: dict[int, str] | None) -> bool:
    """Put the value of a wanted tag into ``values``; False where that is not as simple."""
    if not tag or length > _LONGEST_WANTED or at + length > len(data):
        return False
    if values is not None and tag not in values:
        values[tag] = _text(data[at : at + length])
    return True


@cache
def _quick(
    layout: Layout, wanted: frozenset[int]
) -> tuple[Callable[[bytes, int], Any], frozenset[int], dict[int, int]]:
    """How to read a layout quickly, and the special tags in it, as they are read there: to the tag for those wanted, to
    0 for those of items and padding.
    """
    reader, order = _READERS[layout], "<" if layout.little else ">"
    special = {_raw(tag, order): tag for tag in wanted} | dict.fromkeys(reader.items, 0)
    return reader.quick, reader.short_vrs, special


def _unusual_header(window: FileWindow, offset: int, little: bool) -> tuple[int, int]:
    """(offset of the value, its length) of an explicit VR element that has no short VR, or of an item."""
    at = offset - window.start
    header = window.data[at : at + 12]
    order = "<" if little else ">"
    vr = header[4:6]
    group, first, second = struct.unpack_from(order + "H2xHH", header)
    if group != _ITEM_GROUP:
        if vr in _LONG_VRS or (_is_vr(vr) and not second):  # a VR yet to come is a long one (PS3.5 7.1.2)
            if len(header) < 12:
                return offset + 12, 0  # ends behind the end of the file
            return offset + 12, int(struct.unpack_from(order + "I", header, 8)[0])
        if vr in (b"\0\0", b"??", b"  ") or (second if little else first):
            return offset + 8, int(second)  # no VR at all, but laid out as a short one
    return offset + 8, int(struct.unpack_from(order + "I", header, 4)[0])


def _structure(
    window: FileWindow,
    offset: int,
    value: int,
    length: int,
    tag: tuple[int, int],
    layout: Layout,
    enclosing: list[tuple[bool, Layout]],
) -> tuple[Layout, int] | None:
    """Enter, pass or leave an item or sequence: (layout there, offset there); None where the file ends too early."""
    is_item = tag[0] == _ITEM_GROUP
    if is_item and tag[1] != _ITEM:
        return _close(enclosing, tag[1] == _ITEM_END, layout), value
    if length == UNDEFINED:
        enclosing.append((is_item, layout))
        return _layout_within(window, offset, value, is_item, layout), value
    if value + length <= window.size:
        return layout, value + length
    if enclosing and not layout.explicit and _is_vr(window.read(offset + 4, 2)):
        return Layout(True, layout.little), offset  # explicit VR within UN, which should hold implicit VR only
    return None


def _close(enclosing: list[tuple[bool, Layout]], ends_item: bool, layout: Layout) -> Layout:
    """Leave the item or sequence that a delimiter ends. A delimiter too many is passed over, a missing one supplied."""
    if ends_item:
        return enclosing.pop()[1] if enclosing and enclosing[-1][0] else layout
    while enclosing:
        is_item, layout = enclosing.pop()
        if not is_item:
            break
    return layout


def _layout_within(window: FileWindow, offset: int, value: int, is_item: bool, layout: Layout) -> Layout:
    """The layout inside what has undefined length: UN holds implicit VR little endian, always (PS3.5 6.2.2)."""
    if is_item or not layout.explicit or window.read(offset + 4, 2) != b"UN":
        return layout
    return Layout(False, window.read(value, 2) != b"\xff\xfe")


def _ending(window: FileWindow, offset: int) -> str:
    """Why what follows the last element is more than padding, "" if it is not. Its zeros may be any 64 KiB."""
    left = window.size - offset
    if left > _MOST_PADDING:
        return f"{left} bytes that are no elements follow at offset {offset}"
    rest = window.read(offset, left)
    if rest.count(0) == left:
        return ""
    return "the file ends within the header of an element" if left < 8 else f"no element at offset {offset}"


def _is_vr(raw: bytes) -> bool:
    return len(raw) == 2 and raw.isalpha() and raw.isupper()


def _name(tag: int) -> str:
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


def _text(raw: bytes) -> str:
    return raw.strip(b"\0 ").decode("ascii", "surrogateescape")
