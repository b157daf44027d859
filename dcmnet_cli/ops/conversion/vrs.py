"""Value representations where an encoding does not say them: looked up, and resolved where the dictionary has two."""

from functools import cache

from dcmnet_cli.net.elements import Layout
from dcmnet_cli.ops.conversion.spool import Reader

LONG_VRS = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"))
# How many bytes of a value change places with the byte order (PS3.5 7.3). AT is two numbers of two bytes.
WIDTHS = {
    **dict.fromkeys((b"US", b"SS", b"OW", b"AT"), 2),
    **dict.fromkeys((b"UL", b"SL", b"FL", b"OF", b"OL"), 4),
    **dict.fromkeys((b"FD", b"OD", b"OV", b"SV", b"UV"), 8),
}
_PIXEL_REPRESENTATION, _BITS_ALLOCATED, _WAVEFORM_BITS = 0x00280103, 0x00280100, 0x54001004
_TELLING = frozenset((_PIXEL_REPRESENTATION, _BITS_ALLOCATED, _WAVEFORM_BITS))


class Scope:
    """What the elements read so far say about those to come. An item begins with what is known around it."""

    __slots__ = ("bits_allocated", "is_signed", "waveform_bits")

    def __init__(self, is_signed: bool = False, bits_allocated: int = 0, waveform_bits: int = 0) -> None:
        self.is_signed = is_signed
        self.bits_allocated = bits_allocated
        self.waveform_bits = waveform_bits

    def inner(self) -> "Scope":
        return Scope(self.is_signed, self.bits_allocated, self.waveform_bits)

    def note(self, tag: int, length: int, reader: Reader, offset: int, layout: Layout) -> None:
        """Remember a value that decides about others. Called for every element, so it looks at the tag first."""
        if tag not in _TELLING or length != 2:
            return
        number = int.from_bytes(reader.take(offset, 2), "little" if layout.little else "big")
        if tag == _PIXEL_REPRESENTATION:
            self.is_signed = number == 1
        elif tag == _BITS_ALLOCATED:
            self.bits_allocated = number
        else:
            self.waveform_bits = number


def is_vr(raw: bytes) -> bool:
    return len(raw) == 2 and raw.isalpha() and raw.isupper()


def dictionary_vr(tag: int, length: int, scope: Scope) -> bytes:
    """The VR of an element read in implicit VR. UN for what is not in PS3.6 and for all private values: their bytes
    are right in any encoding then, which no guess could promise (PS3.5 6.2.2)."""
    number = tag & 0xFFFF
    if number == 0:
        return b"UL"
    if tag >> 16 & 1:
        return b"LO" if 0x10 <= number <= 0xFF else b"UN"  # private creators are LO (PS3.5 7.8.1)
    vr = _public_vr(tag)
    return vr if len(vr) == 2 else _resolved(tag, vr, length, scope)


@cache
def _public_vr(tag: int) -> bytes:
    from pydicom.datadict import dictionary_VR

    try:
        return dictionary_VR(tag).encode()
    except KeyError:
        return b"UN"


def _resolved(tag: int, vr: bytes, length: int, scope: Scope) -> bytes:
    """One of several VRs, as PS3.5 annex A and PS3.3 have it."""
    if vr == b"OB or OW":
        is_waveform = tag >> 16 == 0x5400
        return b"OB" if is_waveform and scope.waveform_bits == 8 else b"OW"
    if b"OW" in vr and length > 2:  # a lookup table; one entry alone is a number
        return b"OW"
    return b"SS" if b"SS" in vr and scope.is_signed else b"US"
