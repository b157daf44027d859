"""Identifiers, the data sets of queries and their answers, to plain elements and back (PS3.5 7, PS3.4 C.4.1.1.3).

Little endian, implicit or explicit VR. Values stay bytes until somebody asks for their text: an answer is a dozen
short elements, and thousands of them come in a second.
"""

import struct
from collections.abc import Iterable
from typing import NamedTuple

from dcmnet_cli.core.attributes import ATTRIBUTES, vr_of
from dcmnet_cli.core.character_set import decode_text
from dcmnet_cli.errors import InvalidIdentifier

SPECIFIC_CHARACTER_SET = 0x00080005
DEEPEST = 64
"""How many sequences may lie within each other. Real identifiers have two."""

_UNDEFINED = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_LAST_OF_META = 0x0007FFFF  # command, file meta and directory elements have no place in a data set (PS3.5 7.1)
_FIRST_ITEM = b"\xfe\xff\x00\xe0"
_IMPLICIT = struct.Struct("<HHI")
_RAW = struct.Struct("<II")
_EXPLICIT = struct.Struct("<HH2sH")
_LONG = struct.Struct("<I")
_SHORT_VRS = {raw: raw.decode() for raw in b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split()}
_LONG_VRS = {raw: raw.decode() for raw in b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split()}
_PADDED_WITH_NUL = frozenset(("OB", "OD", "OF", "OL", "OV", "OW", "UI", "UN"))
_NUMBERS = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "UV": "Q", "SV": "q", "FL": "f", "FD": "d"}
NOT_TEXT = frozenset((*_NUMBERS, "AT", "OB", "OD", "OF", "OL", "OV", "OW", "UN"))
"""VRs whose values are written out; those of all others are text."""
KEEPS_LEADING = frozenset(("LT", "ST", "UT"))
"""Text whose leading spaces mean something."""
_ESCAPE = b"\x1b"
_LONGEST_SHORT = 0xFFFE
# What most elements are: no sequence, and of a VR that we know. By the tag as one number of four bytes reads it.
_PLAIN = {tag << 16 & 0xFFFF0000 | tag >> 16: (tag, vr) for tag, (vr, _) in ATTRIBUTES.items() if vr != "SQ"}


class Element(NamedTuple):
    """One element. ``value`` as on the wire, padding and all; a sequence has ``items`` instead, others None.

    An empty sequence has no items, and an item without elements is the empty tuple.
    """

    tag: int
    vr: str
    value: bytes
    items: "tuple[tuple[Element, ...], ...] | None" = None


def decode(data: bytes, explicit: bool) -> dict[int, Element]:
    """The elements of an identifier by tag, in the order they came; of a repeated tag the last one counts.

    Generous: odd lengths, a wrong order, zeros at the end, file meta information in front, a sequence sent as UN.
    Raises InvalidIdentifier for what cannot be followed: a value longer than the data set, more than ``DEEPEST``
    levels. The size of ``data`` is for the caller to bound.
    """
    if data[128:132] == b"DICM":
        elements = _decode_file(data, explicit)
    else:
        elements, _ = _decode(data, 0, len(data), explicit, 0, False)
    if elements and min(elements) <= _LAST_OF_META:
        elements = {tag: each for tag, each in elements.items() if tag > _LAST_OF_META}
    return elements


def encode(elements: Iterable[Element], explicit: bool) -> bytes:
    """The data set of ``elements``: ascending tags, even lengths, sequences and items of defined length."""
    parts: list[bytes] = []
    for element in sorted(elements, key=_tag):
        tag, vr, value, items = element
        if items is not None:
            vr = "SQ"
            value = b"".join(
                b"\xfe\xff\x00\xe0" + _LONG.pack(len(inner)) + inner
                for inner in (encode(item, explicit) for item in items)
            )
        elif len(value) % 2:
            value += b"\0" if vr in _PADDED_WITH_NUL else b" "
        parts.append(_header(tag, vr, len(value), explicit))
        parts.append(value)
    return b"".join(parts)


def text(element: Element, character_set: str, assumed: str = "") -> str:
    """The value of ``element`` as text, padding stripped, several values with backslashes between as on the wire.

    ``character_set`` is that of the identifier (0008,0005), as ``character_set_of`` returns it; ``assumed`` stands in
    where the identifier declares none. Numbers and tags are written out, bulk values in hexadecimal; a sequence is "".
    Never raises. What it returns is not yet safe for a terminal.
    """
    value, vr = element.value, element.vr
    if vr in NOT_TEXT:
        return _written_out(value, vr)
    if value.isascii() and _ESCAPE not in value:
        decoded = value.decode("ascii")
    else:
        decoded = decode_text(value, character_set or assumed, vr)
    return decoded.rstrip("\0 ") if vr in KEEPS_LEADING else decoded.strip("\0 ")


def character_set_of(elements: dict[int, Element]) -> str:
    """Specific Character Set (0008,0005) of an identifier, its values with backslashes between; "" where none is."""
    element = elements.get(SPECIFIC_CHARACTER_SET)
    return element.value.decode("ascii", "replace").strip("\0 ") if element is not None else ""


# --- reading ---------------------------------------------------------------------------------------------------------


def _decode(
    data: bytes, at: int, end: int, explicit: bool, depth: int, open_ended: bool
) -> tuple[dict[int, Element], int]:
    """The elements from ``at`` on, and where they end: at ``end``, or behind an item delimiter if ``open_ended``."""
    found: dict[int, Element] = {}
    if explicit:
        return found, _decode_explicit(data, at, end, depth, open_ended, found)
    unpack, plain, new = _RAW.unpack_from, _PLAIN, tuple.__new__
    last = end - 8
    while at <= last:
        raw_tag, length = unpack(data, at)
        value = at + 8
        at = value + length
        known = plain.get(raw_tag)
        if known is not None and at <= end:
            tag, vr = known
            found[tag] = new(Element, (tag, vr, data[value:at], None))
            continue
        tag = raw_tag << 16 & 0xFFFF0000 | raw_tag >> 16
        if tag == _ITEM_END and open_ended:
            return found, value
        found[tag], at = _unusual(data, tag, vr_of(tag), value, length, end, False, depth)
    return found, _rest(data, at, end, open_ended)


def _decode_explicit(data: bytes, at: int, end: int, depth: int, open_ended: bool, found: dict[int, Element]) -> int:
    unpack, short_vrs, new = _EXPLICIT.unpack_from, _SHORT_VRS, tuple.__new__
    last = end - 8
    while at <= last:
        group, number, raw_vr, length = unpack(data, at)
        tag = group << 16 | number
        vr = short_vrs.get(raw_vr)
        if vr is not None:
            value = at + 8
            at = value + length
            if at > end:
                raise _overrun(tag, at - end)
            found[tag] = new(Element, (tag, vr, data[value:at], None))
            continue
        if tag == _ITEM_END and open_ended:
            return at + 8
        vr, value, length = _long_header(data, tag, raw_vr, at, end)
        found[tag], at = _unusual(data, tag, vr, value, length, end, vr != "UN", depth)
    return _rest(data, at, end, open_ended)


def _long_header(data: bytes, tag: int, raw_vr: bytes, at: int, end: int) -> tuple[str, int, int]:
    """VR, offset of the value and length of an explicit element that has no short VR."""
    vr = _LONG_VRS.get(raw_vr)
    if vr is None and not (raw_vr.isalpha() and raw_vr.isupper()):
        raise InvalidIdentifier(tag, f"{raw_vr!r} is no VR")
    if at + 12 > end:
        raise _overrun(tag, at + 12 - end)
    return vr or "UN", at + 12, _LONG.unpack_from(data, at + 8)[0]  # a VR yet to come is a long one (PS3.5 7.1.2)


def _unusual(
    data: bytes, tag: int, vr: str, value: int, length: int, end: int, explicit: bool, depth: int
) -> tuple[Element, int]:
    """One element that may be a sequence, by VR, by its undefined length, or because its value begins as one."""
    if length == _UNDEFINED:
        items, at = _items(data, tag, value, end, explicit, depth, True)
        return Element(tag, "SQ", b"", items), at
    at = value + length
    if at > end:
        raise _overrun(tag, at - end)
    if vr == "SQ":
        return Element(tag, vr, b"", _items(data, tag, value, at, explicit, depth, False)[0]), at
    if vr == "UN" and data[value : value + 4] == _FIRST_ITEM:
        try:  # UN hides implicit VR (PS3.5 6.2.2); where it does not, it stays what it is
            return Element(tag, "SQ", b"", _items(data, tag, value, at, False, depth, False)[0]), at
        except InvalidIdentifier:
            pass
    if vr == "UN":  # a peer that knows less than we do
        known = vr_of(tag)
        vr = known if known != "SQ" else vr
    return Element(tag, vr, data[value:at]), at


def _items(
    data: bytes, tag: int, at: int, end: int, explicit: bool, depth: int, open_ended: bool
) -> tuple[tuple[tuple[Element, ...], ...], int]:
    """The items of a sequence, and where it ends."""
    if depth == DEEPEST:
        raise InvalidIdentifier(tag, f"more than {DEEPEST} sequences lie within each other")
    items: list[tuple[Element, ...]] = []
    while at + 8 <= end:
        group, number, length = _IMPLICIT.unpack_from(data, at)
        inner = group << 16 | number
        at += 8
        if inner == _SEQUENCE_END:
            return tuple(items), at
        if inner != _ITEM:
            raise InvalidIdentifier(tag, f"({group:04X},{number:04X}) where an item belongs")
        if length == _UNDEFINED:
            elements, at = _decode(data, at, end, explicit, depth + 1, True)
        elif at + length > end:
            raise _overrun(tag, at + length - end)
        else:
            elements, at = _decode(data, at, at + length, explicit, depth + 1, False)
        items.append(tuple(elements.values()))
    if at != end or open_ended:
        raise InvalidIdentifier(tag, "the sequence has no end")
    return tuple(items), at


def _rest(data: bytes, at: int, end: int, open_ended: bool) -> int:
    """What is left behind the last element: nothing, or padding."""
    if open_ended:
        raise InvalidIdentifier(_ITEM, "the item has no end")
    if any(data[at:end]):
        raise InvalidIdentifier(0, f"{end - at} stray bytes at its end")
    return end


def _decode_file(data: bytes, explicit: bool) -> dict[int, Element]:
    """A whole file sent as a data set: its preamble and file meta information skipped."""
    at = 132
    while at + 8 <= len(data) and data[at : at + 2] == b"\2\0":
        raw_vr, length = _EXPLICIT.unpack_from(data, at)[2:]
        if raw_vr in _SHORT_VRS:
            at += 8 + length
        else:
            _, value, length = _long_header(data, 0x00020000, raw_vr, at, len(data))
            at = value + length
    return _decode(data, at, len(data), explicit, 0, False)[0]


def _overrun(tag: int, missing: int) -> InvalidIdentifier:
    return InvalidIdentifier(tag, f"its last {missing} bytes are not there")


def _written_out(value: bytes, vr: str) -> str:
    """Values that are no text."""
    if vr in _NUMBERS:
        code = _NUMBERS[vr]
        numbers = struct.unpack_from(f"<{len(value) // struct.calcsize(code)}{code}", value)
        return "\\".join(f"{number:.9g}" if vr == "FL" else str(number) for number in numbers)
    if vr == "AT":
        pairs = struct.iter_unpack("<HH", value[: len(value) & ~3])
        return "\\".join(f"({group:04X},{number:04X})" for group, number in pairs)
    if vr == "UN" and value.isascii():
        return value.decode("ascii").strip("\0 ")
    return value.hex()


# --- writing ---------------------------------------------------------------------------------------------------------


def _tag(element: Element) -> int:
    return element.tag


def _header(tag: int, vr: str, length: int, explicit: bool) -> bytes:
    if not explicit:
        return _IMPLICIT.pack(tag >> 16, tag & 0xFFFF, length)
    raw_vr = vr.encode()
    if raw_vr in _SHORT_VRS and length <= _LONGEST_SHORT:
        return _EXPLICIT.pack(tag >> 16, tag & 0xFFFF, raw_vr, length)
    if raw_vr not in _LONG_VRS:  # no VR, or too long for its short length field (PS3.5 6.2.2)
        raw_vr = b"UN"
    return _EXPLICIT.pack(tag >> 16, tag & 0xFFFF, raw_vr, 0) + _LONG.pack(length)
