"""Attributes with their values as text, whatever character set they came in: what is matched and answered."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, TypeAlias

from dcmnet_cli.core.attributes import vr_of
from dcmnet_cli.core.character_set import UTF_8, encode_text
from dcmnet_cli.core.identifier import Element, character_set_of, decode, encode, text

SPECIFIC_CHARACTER_SET = 0x00080005
BINARY_VRS = frozenset(["AT", "FD", "FL", "OB", "OD", "OF", "OL", "OV", "OW", "SL", "SS", "SV", "UL", "UN", "US", "UV"])
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
            found[tag] = Attribute(tag, vr, text(element, character_set))
    return found


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


def write_attributes(attributes: Mapping[int, Attribute], wanted: str, explicit: bool) -> bytes:
    """The data set of ``attributes``, with Specific Character Set where it is needed.

    ASCII needs none. Other letters go in the character set that is ``wanted``, "" for any, if that has all of them, and
    in UTF-8 otherwise (PS3.4 C.4.1.1.3.2: that of the answer may differ from that of the request).
    """
    letters = [each for each in _texts(attributes) if not each.isascii()]
    if not letters:
        character_set = ""
    elif wanted and all(encode_text(each, wanted) is not None for each in letters):
        character_set = wanted
    else:
        character_set = UTF_8
    elements = [_element(each, character_set) for each in attributes.values() if each.tag != SPECIFIC_CHARACTER_SET]
    if character_set:
        elements.append(Element(SPECIFIC_CHARACTER_SET, "CS", character_set.encode()))
    return encode(elements, explicit)


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
