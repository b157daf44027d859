"""The work sets: files of CT slices, written byte by byte as fast as the disk takes them."""

import os
from pathlib import Path
from typing import NamedTuple

from tests.dicom_files import CT, EXPLICIT, element, part10

_PIXEL_DATA = 0x7FE00010
_BLOCK = 1 << 20
_ROOT = 2250000000000000000000000
_HEADER = (
    (0x00080005, "CS", "ISO_IR 100"),
    (0x00080008, "CS", "ORIGINAL\\PRIMARY\\AXIAL"),
    (0x00080016, "UI", CT),
    (0x00080018, "UI", "{instance}"),
    (0x00080020, "DA", "20240131"),
    (0x00080021, "DA", "20240131"),
    (0x00080030, "TM", "101530"),
    (0x00080031, "TM", "101612"),
    (0x00080050, "SH", "A0001"),
    (0x00080060, "CS", "CT"),
    (0x00080070, "LO", "Bench"),
    (0x00080080, "LO", "Hospital"),
    (0x00080090, "PN", "ROE^RICHARD"),
    (0x00081030, "LO", "CHEST"),
    (0x0008103E, "LO", "AXIAL 1 MM"),
    (0x00100010, "PN", "DOE^JANE"),
    (0x00100020, "LO", "P0001"),
    (0x00100030, "DA", "19600101"),
    (0x00100040, "CS", "F"),
    (0x00180050, "DS", "1.0"),
    (0x00180060, "DS", "120"),
    (0x00185100, "CS", "HFS"),
    (0x0020000D, "UI", "{study}"),
    (0x0020000E, "UI", "{study}.1"),
    (0x00200010, "SH", "1"),
    (0x00200011, "IS", "1"),
    (0x00200013, "IS", "{number}"),
    (0x00200032, "DS", "-250\\-250\\{number}"),
    (0x00200037, "DS", "1\\0\\0\\0\\1\\0"),
    (0x00280002, "US", b"\1\0"),
    (0x00280004, "CS", "MONOCHROME2"),
    (0x00280010, "US", b"\0\2"),
    (0x00280011, "US", b"\0\2"),
    (0x00280030, "DS", "0.7\\0.7"),
    (0x00280100, "US", b"\x10\0"),
    (0x00280101, "US", b"\x10\0"),
    (0x00280102, "US", b"\x0f\0"),
    (0x00280103, "US", b"\1\0"),
    (0x00281052, "DS", "0"),
    (0x00281053, "DS", "1"),
)


class WorkSet(NamedTuple):
    """Files in a folder: ``count`` of them with ``bytes`` in all."""

    name: str
    folder: Path
    count: int
    bytes: int

    @property
    def words(self) -> str:
        return f"{self.name}: {self.count:,} of {_size(self.bytes // max(1, self.count))}"


def write_set(folder: Path, name: str, count: int, size: int, *, studies: int = 1, first: int = 0) -> WorkSet:
    """``count`` objects whose pixel data has ``size`` bytes; the files are in the page cache then and on disk.

    ``first`` numbers the instances: sets with ranges of their own can be received into one folder.
    """
    target = folder / name
    target.mkdir()
    total = 0
    block = os.urandom(min(size, _BLOCK))
    for number in range(first, first + count):
        with (target / f"{number:06}.dcm").open("wb", buffering=0) as file:
            total += file.write(_beginning(number, number % studies, size))
            for start in range(0, size, len(block)):
                total += file.write(block[: size - start])
    os.sync()  # what the kernel still has to write would be written during a measurement
    return WorkSet(name, target, count, total)


def write_sparse(folder: Path, name: str, size: int) -> WorkSet:
    """One object with ``size`` bytes of pixel data that take no room on disk."""
    target = folder / name
    target.mkdir()
    head = _beginning(0, 0, size)
    with (target / "0.dcm").open("wb") as file:
        file.write(head)
        file.truncate(len(head) + size)
    return WorkSet(name, target, 1, len(head) + size)


def _beginning(number: int, study: int, size: int) -> bytes:
    """The file up to its pixel data."""
    instance, study_uid = f"2.25.{_ROOT + number}", f"2.25.{_ROOT - 1 - study}"

    def filled(value: str | bytes) -> str | bytes:
        if isinstance(value, bytes):
            return value
        return value.format(instance=instance, study=study_uid, number=number) if "{" in value else value

    body = b"".join(element(tag, vr, filled(value)) for tag, vr, value in _HEADER)
    return part10(body + element(_PIXEL_DATA, "OW", b"", length=size), EXPLICIT, instance)


def _size(count: int) -> str:
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count} {unit}"
        count = round(count / 1024)
    return f"{count} GiB"
