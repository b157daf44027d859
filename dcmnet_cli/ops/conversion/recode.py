"""A data set from one encoding into another, value by value, decoding nothing (PS3.5 6, 7 and annex A).

Tags, VRs, lengths and byte order are written anew; the bytes of a value stay what they were, swapped where the byte
order asks for it and padded where their number is odd. So character sets, private elements and illegal values come out
as they went in, which a detour through decoded values would not guarantee.
"""

import struct
from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias

from dcmnet_cli.errors import ConversionError
from dcmnet_cli.net.elements import UNDEFINED, Layout
from dcmnet_cli.ops.conversion.spool import Reader, Spool
from dcmnet_cli.ops.conversion.vrs import LONG_VRS, WIDTHS, Scope, dictionary_vr, is_vr

ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
PIXEL_DATA = 0x7FE00010
IMPLICIT_LITTLE = Layout(False, True)
_LONGEST_SHORT = 0xFFFE
_AT_ONCE = 4096
_MOST_ELEMENTS = 4_000_000
_NO_TAG = 1 << 32  # above all of them
# What an element becomes: VR and value in little endian, a function that writes all of it, or nothing.
Edit: TypeAlias = "tuple[bytes, bytes] | Callable[[Recoder], None] | None"
Edits: TypeAlias = "Mapping[int, Edit]"
_NO_EDITS: Edits = {}


class Element(NamedTuple):
    """A header as it was read. ``value`` is the offset of the first byte of the value."""

    tag: int
    vr: bytes
    length: int
    value: int


class Recoder:
    """One pass over a data set: ``run`` writes it to ``out``, or only checks it when there is none.

    ``edits`` replace, add or (None) leave out elements, by the offset at which their data set begins: 0 for the top
    level, that of an item's first element for an item. ``keeps_fragments`` allows encapsulated values to be copied,
    which is right only where source and target have the same compression. Afterwards ``padded`` counts odd values and
    ``unknown`` those whose VR became UN; ``top`` holds the elements of the top level, and ``compressed`` those of every
    data set with encapsulated pixel data, by its offset. Raises ConversionError.
    """

    def __init__(
        self,
        reader: Reader,
        source: Layout,
        target: Layout,
        out: Spool | None,
        *,
        edits: Mapping[int, Edits] | None = None,
        keeps_fragments: bool = False,
        deepest: int = 64,
    ) -> None:
        self.reader = reader
        self.source = source
        self.target = target
        self.out = out
        self.padded = 0
        self.unknown = 0
        self.top: dict[int, Element] = {}
        self.compressed: dict[int, dict[int, Element]] = {}
        self._edits = edits or {}
        self._keeps_fragments = keeps_fragments
        self._deepest = deepest
        self._left = _MOST_ELEMENTS
        self._last = _NO_TAG
        self._read_item = struct.Struct("<HHI" if source.little else ">HHI").unpack_from
        self._target_order = "<" if target.little else ">"

    def run(self, last: int = _NO_TAG) -> int:
        """Returns the offset at which it ended: behind the data set, or before the first tag above ``last``."""
        self._last = last
        return self._data_set(0, self.reader.size, 0, Scope())

    # --- reading ---------------------------------------------------------------------------------------------------

    def _data_set(self, offset: int, end: int | None, depth: int, scope: Scope) -> int:
        """Elements up to ``end``, or up to an item delimiter where it is None. Returns the offset behind them."""
        edits = _Waiting(self, self._edits.get(offset, _NO_EDITS))
        begin, elements = offset, self.top if depth == 0 else {}
        group, group_start = -1, 0  # of the last group length written, which is put right at the group's end
        while end is None or offset < end:
            element = self._header(offset, scope)
            tag = element.tag
            if tag >> 16 != group and group >= 0:
                edits.write(group + 1 << 16)
                self._patch_length(group_start)
                group = -1
            if (tag == ITEM_END and end is None) or (depth == 0 and tag > self._last):
                break
            edits.write(tag + 1)
            elements[tag] = element
            if tag in edits.all:
                offset = self._skip(element, depth, scope)
            else:
                offset = self._copy(element, depth, scope)
                if not tag & 0xFFFF and element.length == 4 and self.out:
                    group, group_start = tag >> 16, self.out.size
            if end is not None and offset > end:
                raise ConversionError(f"{name(tag)} reaches beyond the item it is in")
        edits.write(_NO_TAG)
        if group >= 0:
            self._patch_length(group_start)
        if PIXEL_DATA in elements and elements[PIXEL_DATA].length == UNDEFINED:
            self.compressed[begin] = elements
        return offset if end is not None else offset + 8

    def _header(self, offset: int, scope: Scope) -> Element:
        head = self.reader.take(offset, 8)
        group, number, length = self._read_item(head)
        tag = group << 16 | number
        self._left -= 1
        if self._left < 0:
            raise ConversionError(f"more than {_MOST_ELEMENTS} elements")
        if group == 0xFFFE:
            return Element(tag, b"", length, offset + 8)
        if not self.source.explicit:
            vr = dictionary_vr(tag, length, scope)
            if length == UNDEFINED and vr != b"SQ" and tag != PIXEL_DATA:
                vr = b"UN"
            return Element(tag, vr, length, offset + 8)
        vr = head[4:6]
        if not is_vr(vr):
            raise ConversionError(f"{name(tag)} has no value representation, though the transfer syntax is explicit")
        if vr in LONG_VRS:
            return Element(tag, vr, self._read_item(self.reader.take(offset + 4, 8))[2], offset + 12)
        return Element(tag, vr, int.from_bytes(head[6:8], "little" if self.source.little else "big"), offset + 8)

    def _copy(self, element: Element, depth: int, scope: Scope) -> int:
        """Write ``element`` in the target's encoding; returns the offset behind it in the source."""
        tag, vr, length, value = element
        if tag >> 16 == 0xFFFE:
            raise ConversionError(f"delimiter {name(tag)} where an element has to be")
        if vr == b"SQ":
            return self._sequence(element, depth, scope)
        if length == UNDEFINED:
            return self._unknown_sequence(element, depth) if vr == b"UN" else self._fragments(element)
        scope.note(tag, length, self.reader, value, self.source)
        if self.target.explicit and vr not in LONG_VRS and length > _LONGEST_SHORT:
            vr = b"UN"  # PS3.5 6.2.2: too long for the length field of its VR
        if vr == b"UN" and self.target.explicit and not self.source.explicit:
            self.unknown += 1
        if tag == PIXEL_DATA and self.source.little != self.target.little:
            vr = pixel_vr(vr, scope.bits_allocated)
        self.write_header(tag, vr, length + (length & 1))
        return self._copy_value(element, vr)

    def _copy_value(self, element: Element, vr: bytes) -> int:
        tag, _, length, value = element
        if length > self.reader.size - value:
            raise ConversionError(f"{name(tag)} declares {length} bytes, {max(0, self.reader.size - value)} follow")
        self.padded += length & 1
        if self.out is None:
            return value + length
        width = WIDTHS.get(vr, 1) if self.source.little != self.target.little else 1
        if length % width:
            raise ConversionError(f"{length} bytes of {name(tag)} cannot change their byte order, VR {vr.decode()}")
        if length <= _AT_ONCE:
            self.out.write(swapped(self.reader.take(value, length), width))
        else:
            for piece in self.reader.pieces(value, length):
                self.out.write(swapped(piece, width))
        if length & 1:
            self.out.write(b"\0" if vr in (b"UI", b"OB", b"UN") else b" ")
        return value + length

    def _skip(self, element: Element, depth: int, scope: Scope) -> int:
        """The offset behind an element that an edit has replaced."""
        before = self.out, self._keeps_fragments, self.padded
        self.out, self._keeps_fragments = None, True
        offset = self._copy(element, depth, scope)
        self.out, self._keeps_fragments, self.padded = before
        return offset

    # --- what holds other things -----------------------------------------------------------------------------------

    def _sequence(self, element: Element, depth: int, scope: Scope) -> int:
        start = self.write_header(element.tag, b"SQ", element.length)
        end = self._items(element, depth, scope)
        if element.length != UNDEFINED:
            self._patch_length(start)
        return end

    def _unknown_sequence(self, element: Element, depth: int) -> int:
        """A sequence of VR UN: implicit VR little endian within, whatever is around it (PS3.5 6.2.2)."""
        if self.source.little != self.target.little:
            raise ConversionError(
                f"the byte order within {name(element.tag)}, a sequence of unknown VR, is not agreed on"
            )
        self.write_header(element.tag, b"UN", UNDEFINED)
        inner = Recoder(self.reader, IMPLICIT_LITTLE, IMPLICIT_LITTLE, self.out, deepest=self._deepest)
        inner._left = self._left
        end = inner._items(element, depth, Scope())
        self.padded += inner.padded
        self._left = inner._left
        return end

    def _items(self, element: Element, depth: int, scope: Scope) -> int:
        """The items of a sequence, each of defined or undefined length as it was."""
        if depth >= self._deepest:
            raise ConversionError(f"sequences nested more than {self._deepest} deep")
        offset, index, out = element.value, 0, self.out
        end = None if element.length == UNDEFINED else offset + element.length
        while end is None or offset < end:
            group, number, length = self._read_item(self.reader.take(offset, 8))
            tag = group << 16 | number
            if tag == SEQUENCE_END and end is None:
                self.end_items(element.tag, depth)
                self.write_header(SEQUENCE_END, b"", 0)
                return offset + 8
            if tag != ITEM:
                raise ConversionError(f"{name(tag)} where an item of {name(element.tag)} has to be")
            self.out = out if self.wants_item(element.tag, depth, index) else None
            index += 1
            start = self.write_header(ITEM, b"", length)
            item_end = None if length == UNDEFINED else offset + 8 + length
            offset = self._data_set(offset + 8, item_end, depth + 1, scope.inner())
            if item_end is None:
                self.write_header(ITEM_END, b"", 0)
            else:
                self._patch_length(start)
            self.out = out
        if offset != end:
            raise ConversionError(f"an item reaches beyond {name(element.tag)}")
        self.end_items(element.tag, depth)
        return offset

    def wants_item(self, tag: int, depth: int, index: int) -> bool:
        """Whether to write item ``index`` of a sequence, the first of which is 0: for subclasses to say otherwise."""
        return True

    def end_items(self, tag: int, depth: int) -> None:
        """Called behind the last item of a sequence, where a subclass may write another."""

    def _fragments(self, element: Element) -> int:
        """Encapsulated pixel data (PS3.5 A.4): items that hold bytes."""
        tag, vr, _, offset = element
        if vr not in (b"OB", b"OW"):
            raise ConversionError(f"{name(tag)} of VR {vr.decode()} has an undefined length")
        if not self._keeps_fragments:
            what = "private element" if tag >> 16 & 1 else "element"
            raise ConversionError(f"{what} {name(tag)} holds encapsulated data, which cannot be converted")
        self.write_header(tag, b"OB" if tag == PIXEL_DATA else vr, UNDEFINED)
        while True:
            group, number, length = self._read_item(self.reader.take(offset, 8))
            item = group << 16 | number
            offset += 8
            if item == SEQUENCE_END:
                self.write_header(SEQUENCE_END, b"", 0)
                return offset
            if item != ITEM or length == UNDEFINED:
                raise ConversionError(f"{name(item)} where a fragment of {name(tag)} has to be")
            self.write_header(ITEM, b"", length + (length & 1))
            offset = self._copy_value(Element(tag, b"OB", length, offset), b"OB")

    # --- writing ---------------------------------------------------------------------------------------------------

    def write_header(self, tag: int, vr: bytes, length: int) -> int:
        """Returns the offset of the value in the output; a four byte length field lies right before it."""
        if self.out is None:
            return 0
        group, number, order = tag >> 16, tag & 0xFFFF, self._target_order
        if not self.target.explicit or group == 0xFFFE:
            self.out.write(struct.pack(order + "HHI", group, number, length))
        elif vr in LONG_VRS:
            self.out.write(struct.pack(order + "HH2sxxI", group, number, vr, length))
        else:
            self.out.write(struct.pack(order + "HH2sH", group, number, vr, length))
        return self.out.size

    def write_value(self, vr: bytes, data: bytes) -> None:
        """Bytes of a value in little endian, whole numbers of them."""
        if self.out is not None:
            self.out.write(data if self.target.little else swapped(data, WIDTHS.get(vr, 1)))

    def _patch_length(self, start: int) -> None:
        if self.out is not None:
            self.out.patch(start - 4, struct.pack(self._target_order + "I", self.out.size - start))


class _Waiting:
    """The edits of one data set that are not written yet, in the order of their tags."""

    __slots__ = ("_recoder", "_tags", "all")

    def __init__(self, recoder: Recoder, edits: Edits) -> None:
        self.all = edits
        self._recoder = recoder
        self._tags = sorted(edits, reverse=True)

    def write(self, before: int) -> None:
        """Write those of tags lower than ``before``."""
        while self._tags and self._tags[-1] < before:
            tag = self._tags.pop()
            edit = self.all[tag]
            if callable(edit):
                edit(self._recoder)
            elif edit is not None:
                vr, value = edit
                if len(value) % 2:
                    value += b"\0" if vr in (b"UI", b"OB", b"UN") else b" "
                self._recoder.write_header(tag, vr, len(value))
                self._recoder.write_value(vr, value)


def pixel_vr(vr: bytes, bits_allocated: int) -> bytes:
    """The VR by which pixel data changes its byte order."""
    if bits_allocated > 16:
        # By words as PS3.5 A.3 has OW, or by pixel as many do it: values would depend on who reads them.
        raise ConversionError(f"pixels of {bits_allocated} bits have no agreed big endian form")
    return b"OW" if bits_allocated > 8 else vr


def swapped(data: bytes, width: int) -> bytes:
    """``data`` with every ``width`` bytes in reverse order."""
    if width == 1:
        return data
    result = bytearray(len(data))
    for position in range(width):
        result[position::width] = data[width - 1 - position :: width]
    return bytes(result)


def name(tag: int) -> str:
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
