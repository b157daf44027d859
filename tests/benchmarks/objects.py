"""The work sets: the header of a real CT slice over and over, written as fast as the disk takes it."""

import importlib.util
import os
from pathlib import Path
from typing import NamedTuple

_MODEL = "data/test_files/CT_small.dcm"
"""Comes with pydicom: some 260 elements, private ones among them, as a scanner writes them."""
_PIXEL_DATA = b"\xe0\x7f\x10\x00OW\0\0"
_BLOCK = 1 << 20
_TAG_UI = 6  # a tag and "UI", in front of the length of a UID


class WorkSet(NamedTuple):
    """``files`` files in a folder with ``bytes`` in all."""

    name: str
    folder: Path
    files: int
    bytes: int

    @property
    def words(self) -> str:
        return f"{self.name} ({self.files:,} of {_size(self.bytes // self.files)})"


class Model:
    """The slice that all objects are made of: its bytes up to the pixel data, cut where the UIDs are.

    With ``is_short`` it keeps a fraction of its elements, as secondary captures and test objects have them.
    """

    def __init__(self, *, is_short: bool = False) -> None:
        spec = importlib.util.find_spec("pydicom")  # found, not imported: that is slow
        assert spec is not None
        assert spec.origin is not None
        whole = (Path(spec.origin).parent / _MODEL).read_bytes()
        self._head = (_shortened(whole) if is_short else whole).partition(_PIXEL_DATA)[0]
        self._instance = self._value(b"\x08\x00\x18\x00UI")
        self._study = self._value(b"\x20\x00\x0d\x00UI")

    def _value(self, tag: bytes) -> bytes:
        at = self._head.index(tag) + _TAG_UI
        return self._head[at + 2 : at + 2 + int.from_bytes(self._head[at : at + 2], "little")].rstrip(b"\0")

    def head(self, instance: int, study: int, size: int) -> bytes:
        """The file up to the pixel data, which has ``size`` bytes; UIDs of the same lengths as in the model."""
        own = self._head.replace(self._instance, _renumbered(self._instance, instance))
        return own.replace(self._study, _renumbered(self._study, study)) + _PIXEL_DATA + size.to_bytes(4, "little")


def _shortened(whole: bytes) -> bytes:
    """The same object with the elements that an image cannot do without, fewer than sixty."""
    import io

    import pydicom

    data_set = pydicom.dcmread(io.BytesIO(whole))
    for element in list(data_set):
        if element.tag.is_private or element.VR == "SQ" or element.tag.group in (0x0018, 0x0040, 0xFFFC):
            del data_set[element.tag]
    written = io.BytesIO()
    data_set.save_as(written)
    return written.getvalue()


def _renumbered(uid: bytes, number: int) -> bytes:
    """``uid`` with another end: a one, so that no part begins with a zero, and six digits."""
    return uid[:-7] + b"1%06d" % number


def write_set(
    folder: Path, name: str, files: int, size: int, *, studies: int = 1, first: int = 0, is_short: bool = False
) -> WorkSet:
    """Files of ``size`` bytes, nearly; they are in the page cache then, and on disk.

    ``first`` numbers the instances: sets with ranges of their own can be received into one folder. ``is_short`` as in
    ``Model``.
    """
    target = folder / name
    target.mkdir()
    model = Model(is_short=is_short)
    total = 0
    pixels = max(64, size - len(model.head(0, 0, 0))) & ~1
    block = os.urandom(min(pixels, _BLOCK))
    for number in range(first, first + files):
        with (target / f"{number:06}.dcm").open("wb", buffering=0) as file:
            total += file.write(model.head(number, number % studies, pixels))
            for start in range(0, pixels, len(block)):
                total += file.write(block[: pixels - start])
    os.sync()  # what the kernel still has to write would be written during a measurement
    return WorkSet(name, target, files, total)


def write_sparse(folder: Path, name: str, size: int) -> WorkSet:
    """One object with ``size`` bytes of pixel data that take no room on disk."""
    target = folder / name
    target.mkdir()
    head = Model().head(0, 0, size)
    with (target / "0.dcm").open("wb") as file:
        file.write(head)
        file.truncate(len(head) + size)
    return WorkSet(name, target, 1, len(head) + size)


def _size(size: int) -> str:
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size} {unit}"
        size = round(size / 1024)
    return f"{size} GiB"
