"""Small DICOM files written byte by byte, for tests of what reads them."""

import struct

CT = "1.2.840.10008.5.1.4.1.1.2"
IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
BIG = "1.2.840.10008.1.2.2"
JPEG_2000 = "1.2.840.10008.1.2.4.90"
UNDEFINED = 0xFFFFFFFF
_LONG = (b"OB", b"OW", b"SQ", b"UN", b"UT", b"UC")


def element(tag: int, vr: str, value: bytes | str, *, length: int | None = None, order: str = "<") -> bytes:
    """One element of explicit VR, or of implicit VR where ``vr`` is empty; ``length`` in place of the true one."""
    raw = value.encode() if isinstance(value, str) else value
    if isinstance(value, str) and len(raw) % 2:
        raw += b"\0" if vr in ("UI", "") else b" "
    count = len(raw) if length is None else length
    head = struct.pack(order + "HH", tag >> 16, tag & 0xFFFF)
    if not vr:
        return head + struct.pack(order + "I", count) + raw
    if vr.encode() in _LONG:
        return head + vr.encode() + b"\0\0" + struct.pack(order + "I", count) + raw
    return head + vr.encode() + struct.pack(order + "H", count) + raw


def item(content: bytes, *, length: int | None = None, order: str = "<") -> bytes:
    """An item (FFFE,E000)."""
    return element(0xFFFEE000, "", content, length=length, order=order)


def delimiter(tag: int, order: str = "<") -> bytes:
    """(FFFE,E00D) ends an item, (FFFE,E0DD) a sequence."""
    return element(tag, "", b"", order=order)


ITEM_END, SEQUENCE_END = delimiter(0xFFFEE00D), delimiter(0xFFFEE0DD)


def data_set(
    instance: str = "1.2.3.4",
    sop_class: str = CT,
    study: str = "1.2.3",
    *,
    vr: bool = True,
    order: str = "<",
    pixels: bytes = bytes(64),
) -> bytes:
    """A data set with the three UIDs, a few values beside them and pixel data."""

    def one(tag: int, name: str, value: bytes | str) -> bytes:
        return element(tag, name if vr else "", value, order=order)

    return b"".join(
        (
            one(0x00080005, "CS", "ISO_IR 100"),
            one(0x00080016, "UI", sop_class) if sop_class else b"",
            one(0x00080018, "UI", instance) if instance else b"",
            one(0x00080060, "CS", "CT"),
            one(0x00100010, "PN", "DOE^JANE"),
            one(0x0020000D, "UI", study) if study else b"",
            one(0x00280010, "US", struct.pack(order + "H", 8)),
            one(0x7FE00010, "OW", pixels) if pixels else b"",
        )
    )


def part10(
    body: bytes, syntax: str = EXPLICIT, instance: str = "1.2.3.4", sop_class: str = CT, preamble: bytes = bytes(128)
) -> bytes:
    """A whole file around a data set; an empty ``syntax`` is left out of the file meta information."""
    meta = element(0x00020001, "OB", b"\0\1") + element(0x00020002, "UI", sop_class)
    meta += element(0x00020003, "UI", instance) + (element(0x00020010, "UI", syntax) if syntax else b"")
    return preamble + b"DICM" + element(0x00020000, "UL", struct.pack("<I", len(meta))) + meta + body
