"""A modality worklist from files: a folder of ``.wl``, ``.dcm`` and ``.json`` files, or one CSV table (PS3.4 K.6).

What has changed on disk is read again with the next query. Nothing is ever written.
"""

import os
import threading
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from dcmnet_cli.archive.matching import WORKLIST_RULES, Condition, Rules, answered, conditions
from dcmnet_cli.archive.values import Attribute, Attributes, dictionary_vr, read_attributes
from dcmnet_cli.core import uids
from dcmnet_cli.core.attributes import ATTRIBUTES, tag_of
from dcmnet_cli.errors import InputError, InvalidIdentifier
from dcmnet_cli.net.part10 import layout_of, open_file, read_file

STEPS = 0x00400100
"""Scheduled Procedure Step Sequence."""
_STUDY_INSTANCE_UID = 0x0020000D
_CONTROLS = frozenset((0x00080005, 0x00080052, 0x00080053, 0x00080201))
_UNMATCHED = frozenset((0x00400440,))  # Protocol Context Sequence (PS3.4 K.2.2.1.2)
_ENDINGS = (".wl", ".dcm", ".json")
_LARGEST_FILE = 16 << 20
_OF_STEP = frozenset(
    (
        0x00080060,  # Modality
        0x00321070,  # Requested Contrast Agent
        *(tag for tag in ATTRIBUTES if 0x00400001 <= tag <= 0x00400020),
    )
)
"""What stands within the step in a table of flat columns."""


class _Version(NamedTuple):
    """What tells that a file is another one now."""

    changed: int
    size: int
    inode: int


class Worklist:
    """The worklist at ``path``. Raises InputError for a path that is neither a folder nor a table.

    ``warn`` hears of every file that cannot be used, once for each of its versions. Safe for many threads.
    """

    def __init__(self, path: str, warn: Callable[[str], None]) -> None:
        self.path = path
        self._warn = warn
        self._lock = threading.Lock()
        self._files: dict[str, tuple[_Version, list[Attributes]]] = {}
        if not os.path.isdir(path) and not (os.path.isfile(path) and path.lower().endswith(".csv")):
            raise InputError(f"worklist {path} is neither a folder nor a .csv file", path=path)

    def steps(self) -> list[Attributes]:
        """All entries as they are now, each with one scheduled procedure step."""
        with self._lock:
            current: dict[str, tuple[_Version, list[Attributes]]] = {}
            for path, version in self._list():
                known = self._files.get(path)
                current[path] = known if known is not None and known[0] == version else (version, self._read(path))
            self._files = current
            return [step for _, steps in current.values() for step in steps]

    def _list(self) -> Iterator[tuple[str, _Version]]:
        paths = [self.path]
        if os.path.isdir(self.path):
            names = sorted(name for name in os.listdir(self.path) if name.lower().endswith(_ENDINGS))
            paths = [os.path.join(self.path, name) for name in names]
        for path in paths:
            try:
                status = os.stat(path)
            except OSError:
                continue  # gone between listing and looking
            yield path, _Version(status.st_mtime_ns, status.st_size, status.st_ino)

    def _read(self, path: str) -> list[Attributes]:
        try:
            data = _content(path)
            if path.lower().endswith(".csv"):
                return list(_from_table(data))
            entries = _from_json(data) if path.lower().endswith(".json") else [_from_dicom(data)]
            return [step for entry in entries for step in _single_steps(entry)]
        except InputError as error:
            self._warn(f"worklist file {path} is left out: {error.message}")
            return []


class WorklistQuery:
    """One C-FIND over a worklist. ``fuzzy`` names if that was agreed on."""

    def __init__(self, keys: Attributes, *, fuzzy: bool = False, empty_values: bool = False) -> None:
        self._rules: Rules = WORKLIST_RULES._replace(fuzzy=fuzzy, empty_values=empty_values)
        self._keys = {tag: key for tag, key in keys.items() if tag not in _CONTROLS and tag & 0xFFFF}
        matched = {tag: key for tag, key in self._keys.items() if tag not in _UNMATCHED}
        self._conditions: list[Condition] = conditions(matched, self._rules)
        self.is_unsure = any(not key.is_empty for tag, key in self._keys.items() if tag in _UNMATCHED)

    def run(self, steps: list[Attributes]) -> Iterator[Attributes]:
        """An answer for every step that matches."""
        for step in steps:
            if all(condition.accepts(step) for condition in self._conditions):
                yield {tag: self._answer(key, step.get(tag)) for tag, key in self._keys.items()}

    def _answer(self, key: Attribute, stored: Attribute | None) -> Attribute:
        if key.tag in _UNMATCHED:
            key = Attribute(key.tag, "SQ", items=())
        return answered(key, stored, self._rules)


def _single_steps(entry: Attributes) -> Iterator[Attributes]:
    """An entry for each of its steps: an answer has exactly one (PS3.4 K.6.1.2.2)."""
    sequence = entry.get(STEPS)
    for item in (sequence.items if sequence is not None else None) or ({},):
        yield entry | {STEPS: Attribute(STEPS, "SQ", items=(item,))}


def _content(path: str) -> bytes:
    descriptor, size = open_file(path)
    try:
        if size > _LARGEST_FILE:
            raise InputError("too large for a worklist")
        return os.pread(descriptor, size, 0)
    except OSError as error:
        raise InputError(f"cannot be read: {(error.strerror or '').lower()}") from error
    finally:
        os.close(descriptor)


def _from_dicom(data: bytes) -> Attributes:
    """A worklist file has no SOP class of its own, so that nothing but its structure can be wrong."""
    file = read_file(lambda count, at: data[at : at + count], len(data))
    if file is None:
        raise InputError("not DICOM")
    layout = layout_of(file.transfer_syntax_uid or uids.EXPLICIT_VR_LITTLE_ENDIAN)
    if not layout.little:
        return _by_pydicom(data)
    body = data[file.offset :]
    if file.transfer_syntax_uid == uids.DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN:
        body = _inflated(body)
    explicit = body[4:6].isalpha() and body[4:6].isupper()
    try:
        return read_attributes(body, explicit)[0]
    except InvalidIdentifier as error:
        raise InputError(error.message) from error


def _inflated(data: bytes) -> bytes:
    inflater = zlib.decompressobj(-15)
    try:
        body = inflater.decompress(data, _LARGEST_FILE)
    except zlib.error as error:
        raise InputError("the data set is not deflated, though its transfer syntax says so") from error
    if inflater.unconsumed_tail:
        raise InputError("too large for a worklist once it is inflated")
    return body


def _by_pydicom(data: bytes) -> Attributes:
    import io

    from pydicom import dcmread

    return _plain(partial(dcmread, io.BytesIO(data), force=True))


def _from_json(data: bytes) -> list[Attributes]:
    """The DICOM JSON model (PS3.18 F): one object, or a list of them. Its texts are Unicode, whatever they declare."""
    import json

    from pydicom.dataset import Dataset

    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InputError(f"no JSON: {error}") from error
    entries = document if isinstance(document, list) else [document]
    if not all(isinstance(entry, dict) for entry in entries):
        raise InputError("no object of the DICOM JSON model")
    return [_plain(partial(Dataset.from_json, entry), "ISO_IR 192") for entry in entries]


def _plain(load: Callable[[], "object"], character_set: str = "") -> Attributes:
    """Our attributes of what pydicom has read, or could not."""
    from pydicom.dataset import Dataset
    from pydicom.filebase import DicomBytesIO
    from pydicom.filewriter import write_dataset

    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    try:
        data_set = load()
        assert isinstance(data_set, Dataset)
        if character_set:
            data_set.SpecificCharacterSet = character_set
        write_dataset(buffer, data_set)
        return read_attributes(buffer.getvalue(), True)[0]
    except Exception as error:  # pydicom raises what its parts raise: no list of theirs would last
        raise InputError(f"cannot be decoded: {error}") from error


# --- tables -----------------------------------------------------------------------------------------------------------


def _from_table(data: bytes) -> Iterator[Attributes]:
    """A row a step; the first row has the keywords of PS3.6. What lacks a Study Instance UID gets one of its own, which
    stays the same as long as the row does."""
    import csv

    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError("not UTF-8 text") from error
    delimiter = ";" if text.partition("\n")[0].count(";") > text.partition("\n")[0].count(",") else ","
    rows = csv.reader(text.splitlines(), delimiter=delimiter, strict=True)
    try:
        names = next(rows, [])
        columns = [_column(name.strip()) for name in names]
        for row in rows:
            if any(cell.strip() for cell in row):
                if len(row) != len(columns):
                    raise InputError(f"line {rows.line_num} has {len(row)} cells, the first line {len(columns)}")
                yield _entry(columns, [cell.strip() for cell in row])
    except csv.Error as error:
        raise InputError(f"line {rows.line_num}: {error}") from error


def _column(name: str) -> tuple[int, str]:
    """(tag, VR) of a column."""
    tag = tag_of(name)
    if tag is None:
        from pydicom.datadict import tag_for_keyword

        tag = tag_for_keyword(name)
    if tag is None:
        raise InputError(f'column "{name}" is no keyword of PS3.6')
    vr = dictionary_vr(tag)
    if vr == "SQ":
        raise InputError(f"column {name} is a sequence, which no cell can hold")
    return tag, vr


def _entry(columns: list[tuple[int, str]], cells: list[str]) -> Attributes:
    entry: Attributes = {}
    step: Attributes = {}
    for (tag, vr), cell in zip(columns, cells, strict=True):
        (step if tag in _OF_STEP else entry)[tag] = _attribute(tag, vr, cell)
    if _STUDY_INSTANCE_UID not in entry or entry[_STUDY_INSTANCE_UID].is_empty:
        import uuid

        uid = f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, chr(0).join(cells)).int}"
        entry[_STUDY_INSTANCE_UID] = Attribute(_STUDY_INSTANCE_UID, "UI", uid)
    entry[STEPS] = Attribute(STEPS, "SQ", items=(step,))
    return entry


def _attribute(tag: int, vr: str, cell: str) -> Attribute:
    """Dates and times may be written as people write them: 2024-05-31, 14:30."""
    if vr == "DA":
        cell = cell.replace("-", "")
    elif vr == "TM":
        cell = cell.replace(":", "")
    elif vr == "US":
        if not cell.isdecimal() or len(cell) > 5 or int(cell) > 0xFFFF:
            raise InputError(f"{cell!r} is no value of VR US")
        return Attribute(tag, vr, raw=int(cell).to_bytes(2, "little"))
    return Attribute(tag, vr, cell)
