"""DICOMDIR: the instances that a file-set's directory refers to (PS3.3 annex F, PS3.10 8)."""

import os
import struct
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from dcmnet_cli.errors import InputError

if TYPE_CHECKING:
    from pydicom import Dataset

HEAD = 1024
"""How many bytes ``is_dicomdir`` wants to see."""

_MEDIA_STORAGE_DIRECTORY = b"\x02\x00\x02\x00UI\x14\x001.2.840.10008.1.3.10"
_INACTIVE = 0
_DAMAGE = (
    *(OSError, EOFError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, MemoryError),
    *(NotImplementedError, RecursionError, AssertionError, struct.error, zlib.error),
)
"""What pydicom has been seen to raise for damaged files, beside its own errors."""


class Reference(NamedTuple):
    """A file that the directory names; ``why`` it is out of the question, "" if it is not."""

    path: str
    why: str


def is_dicomdir(head: bytes) -> bool:
    """Whether a file beginning with ``head`` is the directory of a file-set."""
    return head[128:132] == b"DICM" and _MEDIA_STORAGE_DIRECTORY in head[132:]


def references(path: str) -> Iterator[Reference]:
    """The files that the records of a DICOMDIR refer to, in its order. Raises InputError.

    Every record counts, linked or not: what the links say of patients and series does not matter for sending, and
    links may run in circles. Only files within the folder of the DICOMDIR are referred to, symbolic links followed.
    """
    folder = os.path.dirname(path) or "."
    root = os.path.realpath(folder)
    for parts in _file_ids(path):
        yield _refer(folder, root, parts)


def _file_ids(path: str) -> list[list[str]]:
    import warnings

    import pydicom
    from pydicom.errors import BytesLengthException, InvalidDicomError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with open(path, "rb") as file:
                records = pydicom.dcmread(file).get("DirectoryRecordSequence") or ()
                return [parts for record in records if (parts := _file_id(record))]
        except (*_DAMAGE, BytesLengthException, InvalidDicomError) as error:
            raise InputError(f"cannot read {path}: {error}", path=path) from error


def _file_id(record: "Dataset") -> list[str]:
    """The components of Referenced File ID; none for a record without a file or one not in use (PS3.3 F.3.2.2)."""
    value = record.get("ReferencedFileID")
    if not value or record.get("RecordInUseFlag", 0xFFFF) == _INACTIVE:
        return []
    return [value] if isinstance(value, str) else [str(part) for part in value]


def _refer(folder: str, root: str, parts: list[str]) -> Reference:
    path = os.path.join(folder, *(part.replace("/", "_") for part in parts))
    if any(part in ("", ".", "..") or set(part) & set("/\0") for part in parts):
        return Reference("\\".join(parts), "the DICOMDIR refers to a file outside of its folder")
    found = path if os.path.lexists(path) else _find(folder, parts)
    if not found or not os.path.exists(found):
        return Reference(path, "file missing")
    if os.path.commonpath((root, os.path.realpath(found))) != root:
        return Reference(path, "the DICOMDIR refers to a file outside of its folder")
    return Reference(found, "")


def _find(folder: str, parts: list[str]) -> str:
    """The file whose name differs in case or by what ISO 9660 adds to it, as discs are mounted and copied."""
    for part in parts:
        try:
            names = os.listdir(folder)
        except OSError:
            return ""
        wanted = part.casefold()
        matches = [name for name in names if name.partition(";")[0].rstrip(".").casefold() == wanted]
        name = part if part in matches else min(matches, default="")
        if not name:
            return ""
        folder = os.path.join(folder, name)
    return folder
