"""The size of the image that a compressed frame declares, read before a decoder believes it and allocates."""

from typing import NamedTuple

_SOI, _SOC_SIZ = b"\xff\xd8", b"\xff\x4f\xff\x51"
_JP2 = b"\0\0\0\x0cjP  "
# Start of frame of every JPEG process, and of JPEG-LS; C4, C8 and CC are other markers (ISO 10918-1 B.1.1.3).
_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}
_STANDALONE = frozenset(range(0xD0, 0xD8)) | {0x01}


class Declared(NamedTuple):
    """What a codestream says of its image. ``precision`` is in bits a sample."""

    rows: int
    columns: int
    components: int
    precision: int


def declared(frame: bytes) -> Declared | None:
    """What a JPEG, JPEG-LS or JPEG 2000 codestream declares; None when ``frame`` is none of these."""
    if frame.startswith(_JP2):
        start = frame.find(_SOC_SIZ)
        return _jpeg_2000(frame[start : start + 43]) if start >= 0 else None
    if frame.startswith(_SOC_SIZ):
        return _jpeg_2000(frame[:43])
    return _jpeg(frame) if frame.startswith(_SOI) else None


def _jpeg_2000(head: bytes) -> Declared | None:
    """The SIZ marker segment (ISO 15444-1 A.5.1)."""
    if len(head) < 43:
        return None
    right, lower, left, upper = (int.from_bytes(head[at : at + 4], "big") for at in (8, 12, 16, 20))
    return Declared(lower - upper, right - left, int.from_bytes(head[40:42], "big"), (head[42] & 0x7F) + 1)


def _jpeg(frame: bytes) -> Declared | None:
    """The first start of frame among the marker segments (ISO 10918-1 B.2.2)."""
    at = 2
    while at + 10 <= len(frame) and frame[at] == 0xFF:
        marker = frame[at + 1]
        if marker == 0xFF:  # fill
            at += 1
        elif marker in _FRAME_MARKERS:
            rows, columns = (int.from_bytes(frame[place : place + 2], "big") for place in (at + 5, at + 7))
            return Declared(rows, columns, frame[at + 9], frame[at + 4])
        else:
            at += 2 if marker in _STANDALONE else 2 + int.from_bytes(frame[at + 2 : at + 4], "big")
    return None
