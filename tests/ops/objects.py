"""What tests of conversion share: pydicom's bundled files, data sets written by hand, and ways to compare."""

import os
import struct
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pydicom
import pydicom.data
from pydicom.dataset import Dataset

from dcmnet_cli.core import uids
from dcmnet_cli.net.part10 import DicomFile, meta_header, read_file
from dcmnet_cli.ops.conversion.transcode import Transcoded

FOLDER = os.path.join(os.path.dirname(pydicom.data.__file__), "test_files")
ILE, ELE = uids.IMPLICIT_VR_LITTLE_ENDIAN, uids.EXPLICIT_VR_LITTLE_ENDIAN
EBE, DEFLATED = uids.EXPLICIT_VR_BIG_ENDIAN, uids.DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN
CT_CLASS = "1.2.840.10008.5.1.4.1.1.2"
UNDEFINED = b"\xff\xff\xff\xff"
ITEM, ITEM_END, SEQUENCE_END = b"\xfe\xff\x00\xe0", b"\xfe\xff\x0d\xe0", b"\xfe\xff\xdd\xe0"
LONG = frozenset(["OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"])


def bundled(name: str) -> bytes:
    with open(os.path.join(FOLDER, name), "rb") as file:
        return file.read()


def opened(data: bytes) -> tuple[Callable[[int, int], bytes], DicomFile]:
    """How a conversion gets a file that lies in memory."""

    def pread(count: int, offset: int) -> bytes:
        return data[offset : offset + count]

    file = read_file(pread, len(data))
    assert file is not None
    return pread, file


def explicit(tag: int, vr: str, value: bytes, length: bytes | None = None) -> bytes:
    """An element in explicit VR little endian."""
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr.encode()
    if vr in LONG:
        return head + b"\0\0" + (length or len(value).to_bytes(4, "little")) + value
    return head + len(value).to_bytes(2, "little") + value


def implicit(tag: int, value: bytes, length: bytes | None = None) -> bytes:
    """An element in implicit VR little endian."""
    return struct.pack("<HH", tag >> 16, tag & 0xFFFF) + (length or len(value).to_bytes(4, "little")) + value


IDENTITY = (
    explicit(0x00080016, "UI", CT_CLASS.encode() + b"\0"),
    explicit(0x00080018, "UI", b"1.2.3\0"),
    explicit(0x0020000D, "UI", b"1.2.4\0"),
)


def part10(syntax: str, data_set: bytes) -> bytes:
    return meta_header(CT_CLASS, "1.2.3", syntax, "") + data_set


def numbers(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}H", *values)


def image_elements(
    rows: int,
    columns: int,
    *,
    allocated: int = 16,
    stored: int | None = None,
    signed: int = 0,
    samples: int = 1,
    photometric: bytes = b"MONOCHROME2 ",
    planar: int | None = None,
    frames: bytes | None = None,
) -> bytes:
    """The attributes of an image in explicit VR little endian."""
    elements = [explicit(0x00280002, "US", numbers(samples)), explicit(0x00280004, "CS", photometric)]
    if planar is not None:
        elements.append(explicit(0x00280006, "US", numbers(planar)))
    if frames is not None:
        elements.append(explicit(0x00280008, "IS", frames))
    for tag, value in (
        (0x00280010, rows),
        (0x00280011, columns),
        (0x00280100, allocated),
        (0x00280101, stored or allocated),
        (0x00280102, (stored or allocated) - 1),
        (0x00280103, signed),
    ):
        elements.append(explicit(tag, "US", numbers(value)))
    return b"".join(elements)


def encapsulated(*fragments: bytes, table: bytes = b"") -> bytes:
    """Pixel data of undefined length, fragments as they are."""
    items = (ITEM + len(part).to_bytes(4, "little") + part for part in (table, *fragments))
    return explicit(0x7FE00010, "OB", b"".join(items) + SEQUENCE_END + bytes(4), UNDEFINED)


def data_of(result: Transcoded) -> bytes:
    """The converted data set, as an association would be given it."""
    chunks = result.data.chunks()
    data = b"".join(chunks.buffers)
    assert len(data) == chunks.length
    assert len(data) % 2 == 0
    return data


def as_file(data: bytes, syntax: str) -> bytes:
    return part10(syntax, data)


def read(data: bytes, syntax: str) -> Dataset:
    return pydicom.dcmread(BytesIO(part10(syntax, data)))


def values(data_set: Dataset, without: frozenset[int] = frozenset()) -> dict[tuple[int, ...], Any]:
    """Every element at any depth by its path, values as pydicom understands them; VRs do not count.

    A value that is raw bytes because its VR was lost is what it was. Group lengths differ between encodings.
    """
    found: dict[tuple[int, ...], Any] = {}
    for element in data_set:
        tag = int(element.tag)
        if tag in without or not tag & 0xFFFF:
            continue
        if element.VR == "SQ":
            found[(tag,)] = len(element.value)
            for index, item in enumerate(element.value):
                found |= {(tag, index, *path): value for path, value in values(item, without).items()}
        else:
            found[(tag,)] = element.value
    return found
