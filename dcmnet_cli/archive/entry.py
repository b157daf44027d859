"""What the index takes from an object on disk, and everything else that a query may want of it."""

import os
import zlib
from functools import partial
from typing import NamedTuple

from dcmnet_cli.archive.schema import COLUMNS, IMAGE, SERIES_INSTANCE_UID, SOP_INSTANCE_UID, STUDY_INSTANCE_UID
from dcmnet_cli.archive.values import SPECIFIC_CHARACTER_SET, Attributes, read_attributes, storable
from dcmnet_cli.core import uids
from dcmnet_cli.core.attributes import ATTRIBUTES
from dcmnet_cli.core.identifier import Element, text
from dcmnet_cli.errors import InputError, InvalidIdentifier
from dcmnet_cli.net.elements import WINDOW, FileWindow, Layout, walk
from dcmnet_cli.net.part10 import IDENTIFYING, DicomFile, PRead, layout_of, open_file, read_file, survey_file

OF_INSTANCE = IDENTIFYING | {SPECIFIC_CHARACTER_SET, SERIES_INSTANCE_UID, *COLUMNS[IMAGE]}
EVERYTHING = OF_INSTANCE.union(*COLUMNS.values())
"""What is read of an object: each one says which instance it is, and the first of a series all the rest."""
_LAST_OF_HEAD = 0x51FFFFFF
"""Behind it come per-frame functional groups, waveforms and pixels, which no query asks for."""
_LARGEST_HEAD = 4 << 20
_SURELY_UNIQUE = (STUDY_INSTANCE_UID, SERIES_INSTANCE_UID, SOP_INSTANCE_UID)


class Entry(NamedTuple):
    """An object as the index knows it: ``path`` below the folder, ``changed`` its time of change in nanoseconds.

    ``values`` are undecoded, as ``net.elements.walk`` finds them; ``text_of`` decodes one.
    """

    path: bytes
    size: int
    changed: int
    syntax: str
    values: dict[int, str]

    def text_of(self, tag: int) -> str:
        """The value of a column's attribute, decoded, in the form that is compared."""
        raw = self.values.get(tag, "")
        vr = ATTRIBUTES[tag][0]
        if not raw.isascii() or "\x1b" in raw:
            element = Element(tag, vr, raw.encode("ascii", "surrogateescape"))
            raw = storable(text(element, self.values.get(SPECIFIC_CHARACTER_SET, "")))
        if vr == "DA" and "." in raw:
            return raw.replace(".", "")  # as dates were written before 1993
        return raw if "\\" not in raw else "\\".join(part.strip() for part in raw.split("\\"))

    def texts_of(self, tags: tuple[int, ...]) -> list[str]:
        return [self.text_of(tag) for tag in tags]


def read_entry(folder: bytes, path: bytes, wanted: frozenset[int] = OF_INSTANCE) -> Entry:
    """The entry of an object, with the ``wanted`` attributes, OF_INSTANCE or EVERYTHING.

    Raises InputError, with the reason in words, for what cannot be indexed.
    """
    whole = os.path.join(folder, path)
    descriptor, size = open_file(os.fsdecode(whole))
    try:
        changed = os.fstat(descriptor).st_mtime_ns
        pread = partial(os.pread, descriptor)
        surveyed = survey_file(pread, size, wanted, check_uids=False)
        if surveyed is None or surveyed[0].sop_class_uid == uids.MEDIA_STORAGE_DIRECTORY:
            raise InputError("no DICOM object")
        file, values = surveyed
        if file.problem:
            raise InputError(file.problem)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}") from error
    finally:
        os.close(descriptor)
    for tag in _SURELY_UNIQUE:
        uid = values.get(tag, "")
        if not uid or len(uid) > 64 or not uid.isascii() or not uid.isprintable():
            raise InputError(f"{ATTRIBUTES[tag][1]} is {'no UID' if uid else 'missing'}")
    return Entry(path, size, changed, file.transfer_syntax_uid, values)


def read_object(path: str) -> Attributes:
    """The attributes of an object, but for pixels and what else is behind them. Raises InputError."""
    descriptor, size = open_file(path)
    try:
        pread = partial(os.pread, descriptor)
        file = read_file(pread, size)
        if file is None or file.problem:
            raise InputError(f"cannot read {path}: {file.problem if file else 'not DICOM'}", path=path)
        if not layout_of(file.transfer_syntax_uid).little:
            return _from_big_endian(path)
        if file.transfer_syntax_uid == uids.DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN:
            data = _inflated(pread, file)
        else:
            data = pread(min(_LARGEST_HEAD, file.length), file.offset)
        layout = _layout(data[:6], file)
        end = walk(_window(data), 0, layout, frozenset(), _LAST_OF_HEAD).end
        return read_attributes(data[:end], layout.explicit)[0]
    except (OSError, InvalidIdentifier) as error:
        raise InputError(f"cannot read {path}: {error}", path=path) from error
    finally:
        os.close(descriptor)


def _window(data: bytes) -> FileWindow:
    return FileWindow(lambda count, at: data[at : at + count], len(data), data[:WINDOW])


def _layout(first: bytes, file: DicomFile) -> Layout:
    """How the data set is really encoded: some say explicit VR and are not, or the other way round."""
    layout = layout_of(file.transfer_syntax_uid)
    return layout._replace(explicit=first[4:6].isalpha() and first[4:6].isupper()) if len(first) == 6 else layout


def _inflated(pread: PRead, file: DicomFile) -> bytes:
    """The beginning of a deflated data set (PS3.5 A.5), as much of it as a head may be long."""
    try:
        return zlib.decompressobj(-15).decompress(pread(min(_LARGEST_HEAD, file.length), file.offset), _LARGEST_HEAD)
    except zlib.error as error:
        raise InputError("the data set is not deflated, though its transfer syntax says so") from error


def _from_big_endian(path: str) -> Attributes:
    """Retired in 2006, and worth no decoder of our own."""
    from pydicom import dcmread
    from pydicom.filebase import DicomBytesIO
    from pydicom.filewriter import write_dataset

    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    try:
        write_dataset(buffer, dcmread(path, stop_before_pixels=True)[:0x52000000])
    except Exception as error:  # pydicom raises what its parts raise: no list of theirs would last
        raise InputError(f"cannot read {path}: {error}", path=path) from error
    return read_attributes(buffer.getvalue(), True)[0]
