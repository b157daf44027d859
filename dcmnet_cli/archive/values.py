"""Attributes with their values as text, whatever character set they came in: what is matched and answered."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from dcmnet_cli.core.attributes import vr_of
from dcmnet_cli.core.character_set import UTF_8, encode_text
from dcmnet_cli.core.identifier import Element, character_set_of, decode, encode, text

SPECIFIC_CHARACTER_SET = 0x00080005
BINARY_VRS = frozenset(["AT", "FD", "FL", "OB", "OD", "OF", "OL", "OV", "OW", "SL", "SS", "SV", "UL", "UN", "US", "UV"])
_COLLECTED = frozenset((0x00080061, 0x00080062))  # several values, which SQL parts by commas
_SHORT_VRS = frozenset(["AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UI"])
_LONGEST_SHORT = 0xFFFE
_SURROGATE = re.compile("[\ud800-\udfff]")
_ENCODED_VRS = frozenset(["LO", "LT", "PN", "SH", "ST", "UC", "UT"])  # whose letters depend on Specific Character Set


class Attribute(NamedTuple):
    """One attribute. ``text`` is its value, several with backslashes between; ``raw`` is that of a VR which holds no
    text, ``items`` those of a sequence.
    """

    tag: int
    vr: str
    text: str = ""
    raw: bytes = b""
    items: "tuple[dict[int, Attribute], ...] | None" = None

    @property
    def is_empty(self) -> bool:
        return not (self.text or self.raw or self.items)


Attributes: TypeAlias = dict[int, Attribute]


def read_attributes(data: bytes, explicit: bool) -> tuple[Attributes, str]:
    """The attributes of a data set in little endian, and its character set. Raises InvalidIdentifier."""
    elements = decode(data, explicit)
    character_set = character_set_of(elements)
    return from_elements(elements.values(), character_set), character_set


def from_elements(elements: Iterable[Element], character_set: str) -> Attributes:
    """The attributes of elements in a character set; an item may declare its own."""
    found: Attributes = {}
    for element in elements:
        tag, vr, value, items = element
        if vr == "UN":
            vr = dictionary_vr(tag)
            element = element._replace(vr=vr)
        if items is not None:
            inner = tuple(from_elements(item, _set_of(item) or character_set) for item in items)
            found[tag] = Attribute(tag, "SQ", items=inner)
        elif vr == "SQ":
            found[tag] = Attribute(tag, vr, items=())
        elif vr in BINARY_VRS:
            found[tag] = Attribute(tag, vr, raw=value)
        else:
            found[tag] = Attribute(tag, vr, storable(text(element, character_set)))
    return found


def storable(value: str) -> str:
    """Text without lone surrogates, the bytes that no character set explained: an index cannot hold them.

    Not a question mark in their place, which in a key would match anything.
    """
    return value if value.isascii() else _SURROGATE.sub("\ufffd", value)


def dictionary_vr(tag: int) -> str:
    """The VR of a tag in PS3.6, "UN" for private and unknown ones."""
    known = vr_of(tag)
    if known != "UN" or tag >> 16 & 1:
        return known
    from pydicom.datadict import dictionary_VR

    try:
        return dictionary_VR(tag).partition(" ")[0]
    except KeyError:
        return known


def write_attributes(attributes: Mapping[int, Attribute], wanted: Sequence[str], explicit: bool) -> bytes:
    """The data set of ``attributes``, with Specific Character Set where it is needed.

    ASCII needs none. Other letters go in the first of the character sets ``wanted`` that has all of them, in UTF-8 if
    none has (PS3.4 C.4.1.1.3.2: that of the answer may differ from that of the request).
    """
    plain = _plain(attributes, explicit)
    if plain is not None:
        return plain
    letters = [each for each in _texts(attributes) if not each.isascii()]
    character_set = ""
    if letters:
        fit = (one for one in wanted if all(encode_text(each, one) is not None for each in letters))
        character_set = next(fit, UTF_8)
    elements = [_element(each, character_set) for each in attributes.values() if each.tag != SPECIFIC_CHARACTER_SET]
    if character_set:
        elements.append(Element(SPECIFIC_CHARACTER_SET, "CS", character_set.encode()))
    return encode(elements, explicit)


def _plain(attributes: Mapping[int, Attribute], explicit: bool) -> bytes | None:
    """The data set of nothing but short values in ASCII, as most answers are; None for every other one.

    What the general way comes to, in a third of the time: thousands of answers are written in a second.
    """
    parts = []
    for tag in sorted(attributes):
        _, vr, value, raw, items = attributes[tag]
        if raw or items is not None or vr not in _SHORT_VRS or not value.isascii() or len(value) > _LONGEST_SHORT:
            return None
        if tag == SPECIFIC_CHARACTER_SET:
            continue
        data = value.encode()
        if len(data) % 2:
            data += b"\0" if vr == "UI" else b" "
        parts.append(_head(tag, vr, explicit) + len(data).to_bytes(2 if explicit else 4, "little") + data)
    return b"".join(parts)


class PlainLine:
    """Writes rows of plain text as data sets: for each element its tag, in their order, and where in the row its value
    is, None for the same text always.
    """

    def __init__(self, elements: Sequence[tuple[int, int | None, str]], explicit: bool) -> None:
        self._parts: list[tuple[bytes, int, bytes, bytes]] = []
        self._size = 2 if explicit else 4
        self._is_plain = True
        for tag, index, fixed in elements:
            vr = vr_of(tag)
            padding = b"\0" if vr == "UI" else b" "
            self._is_plain &= vr in _SHORT_VRS and fixed.isascii() and tag not in _COLLECTED
            whole = b"" if index is not None else self._element(_head(tag, vr, explicit), fixed.encode(), padding)
            self._parts.append((_head(tag, vr, explicit), -1 if index is None else index, padding, whole))

    def _element(self, head: bytes, data: bytes, padding: bytes) -> bytes:
        data += padding * (len(data) % 2)
        return head + len(data).to_bytes(self._size, "little") + data

    def of(self, row: Sequence[object]) -> bytes | None:
        """The data set, None where something in the row is not plain."""
        if not self._is_plain:
            return None
        parts, size = [], self._size
        for head, index, padding, whole in self._parts:
            if index < 0:
                parts.append(whole)
                continue
            value = row[index]
            if isinstance(value, int):
                value = str(value)
            if not isinstance(value, str) or not value.isascii() or len(value) > _LONGEST_SHORT:
                return None
            data = value.encode()
            if len(data) & 1:
                data += padding
            parts.append(head + len(data).to_bytes(size, "little") + data)
        return b"".join(parts)


@lru_cache(1024)
def _head(tag: int, vr: str, explicit: bool) -> bytes:
    """What stands in front of the length of an element."""
    number = (tag >> 16).to_bytes(2, "little") + (tag & 0xFFFF).to_bytes(2, "little")
    return number + vr.encode() if explicit else number


def _element(attribute: Attribute, character_set: str) -> Element:
    tag, vr, value, raw, items = attribute
    if items is not None:
        return Element(
            tag, "SQ", b"", tuple(tuple(_element(each, character_set) for each in item.values()) for item in items)
        )
    if vr in BINARY_VRS:
        return Element(tag, vr, raw)
    if vr not in _ENCODED_VRS or value.isascii():
        return Element(tag, vr, value.encode("ascii", "replace"))
    encoded = encode_text(value, character_set)
    return Element(tag, vr, encoded if encoded is not None else value.encode("utf_8", "replace"))


def _texts(attributes: Mapping[int, Attribute]) -> Iterator[str]:
    for attribute in attributes.values():
        if attribute.items is not None:
            for item in attribute.items:
                yield from _texts(item)
        elif attribute.vr in _ENCODED_VRS:
            yield attribute.text


def _set_of(item: Iterable[Element]) -> str:
    return character_set_of({element.tag: element for element in item if element.tag == SPECIFIC_CHARACTER_SET})
