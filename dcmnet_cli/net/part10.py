"""DICOM files: what must be known of one to send it, and the file meta information of one received (PS3.10 7.1).

Reading decodes group 0002 and skips over the data set, whose bytes are sent as they lie. Files without preamble or
without meta information are recognised by how their first element looks.
"""

import os
import struct
import zlib
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from dcmnet_cli.core import uids
from dcmnet_cli.errors import InputError
from dcmnet_cli.net.elements import WINDOW, FileWindow, Layout, Walk, walk

SOP_CLASS_UID, SOP_INSTANCE_UID, STUDY_INSTANCE_UID = 0x00080016, 0x00080018, 0x0020000D
_WANTED = frozenset((SOP_CLASS_UID, SOP_INSTANCE_UID, STUDY_INSTANCE_UID))
_META_CLASS, _META_INSTANCE, _META_SYNTAX = 0x00020002, 0x00020003, 0x00020010
_META_WANTED = frozenset((_META_CLASS, _META_INSTANCE, _META_SYNTAX))
_EXPLICIT_LITTLE, _IMPLICIT_LITTLE, _EXPLICIT_BIG = Layout(True, True), Layout(False, True), Layout(True, False)
_INFLATED_HEAD = 1 << 16  # how much of a deflated data set is inflated to find its UIDs
_WRONG_VR = "implicit VR, though the transfer syntax is explicit"
PRead: TypeAlias = Callable[[int, int], bytes]
_EXPLICIT_HEADER = struct.Struct("<HH2sH")
_LONG_HEADER = struct.Struct("<HH2sxxI")


class DicomFile(NamedTuple):
    """What a file says of itself. The data set is the ``length`` bytes at ``offset``.

    ``problem`` is why it cannot be sent, "" if it can; ``notes`` what is odd about it; ``needs_repair`` that its bytes
    should not go out as they lie.
    """

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    study_instance_uid: str
    offset: int
    length: int
    problem: str = ""
    notes: tuple[str, ...] = ()
    needs_repair: bool = False


def read_file(pread: PRead, size: int) -> DicomFile | None:
    """What a file of ``size`` bytes holds; None when it is not DICOM. Reads the head and the headers, no values.

    ``pread`` takes (count, offset); ``functools.partial(os.pread, descriptor)`` does for an open file.
    """
    head = pread(WINDOW, 0)
    window = FileWindow(pread, size, head)
    start = 132 if head[128:132] == b"DICM" else 0
    notes: list[str] = []
    if start == 0 and not _looks_like_element(head):
        return None
    if start == 0:
        notes.append("no preamble")
    meta, offset = _read_meta(window, start)
    if not meta:
        notes.append("no file meta information")
    if problem := _meta_problem(meta):
        return DicomFile("", "", "", "", offset, size - offset, problem, tuple(notes))
    syntax = meta.get(_META_SYNTAX) or _guess_syntax(window, offset)
    offset = _skip_inner_meta(window, offset, notes)
    if syntax == uids.DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN:
        found = _walk_deflated(pread, offset, size)
    else:
        found = walk(window, offset, _true_layout(window, offset, syntax, notes), _WANTED)
    return _describe(meta, found, syntax, offset, size, notes)


def layout_of(transfer_syntax_uid: str) -> Layout:
    """How a data set in a transfer syntax is encoded. Private ones are explicit VR little endian (PS3.5 10.2)."""
    if transfer_syntax_uid == uids.IMPLICIT_VR_LITTLE_ENDIAN:
        return _IMPLICIT_LITTLE
    return _EXPLICIT_BIG if transfer_syntax_uid == uids.EXPLICIT_VR_BIG_ENDIAN else _EXPLICIT_LITTLE


def _looks_like_element(head: bytes) -> bool:
    """Whether ``head`` begins with an element of a low group, as every data set and meta header does."""
    if len(head) < 8:
        return False
    group = int.from_bytes(head[:2], "little")
    if group in (0x0002, 0x0008):
        return _is_vr(head[4:6]) or int.from_bytes(head[4:8], "little") < 1 << 16
    return int.from_bytes(head[:2], "big") == 0x0008 and _is_vr(head[4:6])


def _is_vr(raw: bytes) -> bool:
    return len(raw) == 2 and raw.isalpha() and raw.isupper()


def _read_meta(window: FileWindow, start: int) -> tuple[dict[int, str], int]:
    """Group 0002, always explicit VR little endian, and where it ends. Its group length is not relied on."""
    at = window.need(start, 8)
    if at < 0 or int.from_bytes(window.data[at : at + 2], "little") != 2:
        return {}, start
    found = walk(window, start, _EXPLICIT_LITTLE, _META_WANTED, last=0x0002FFFF)
    return found.values, found.end


def _meta_problem(meta: dict[int, str]) -> str:
    return "" if not meta or meta.get(_META_SYNTAX) else "the file meta information names no transfer syntax"


def _guess_syntax(window: FileWindow, offset: int) -> str:
    at = window.need(offset, 8)
    first = window.data[at : at + 8] if at >= 0 else b""
    if not _is_vr(first[4:6]):
        return uids.IMPLICIT_VR_LITTLE_ENDIAN
    is_big = int.from_bytes(first[:2], "big") == 0x0008
    return uids.EXPLICIT_VR_BIG_ENDIAN if is_big else uids.EXPLICIT_VR_LITTLE_ENDIAN


def _skip_inner_meta(window: FileWindow, offset: int, notes: list[str]) -> int:
    """Group 0002 once more within the data set: a known fault of writers, and never to be sent (PS3.7 6.3.1)."""
    meta, end = _read_meta(window, offset)
    if not meta and end == offset:
        return offset
    notes.append("file meta elements within the data set are left out")
    return end


def _true_layout(window: FileWindow, offset: int, syntax: str, notes: list[str]) -> Layout:
    """The layout that the first element shows: some files hold implicit VR under the name of an explicit one."""
    layout = layout_of(syntax)
    at = window.need(offset, 8)
    if at >= 0 and layout.explicit and not _is_vr(window.data[at + 4 : at + 6]):
        notes.append(_WRONG_VR)
        return _IMPLICIT_LITTLE
    return layout


def _walk_deflated(pread: PRead, offset: int, size: int) -> Walk:
    """The UIDs at the head of a deflated data set (PS3.5 A.5), inflated no further than that takes."""
    try:
        head = zlib.decompressobj(-15).decompress(pread(_INFLATED_HEAD, offset), _INFLATED_HEAD)
    except zlib.error:
        return Walk({}, size, "the data set is not deflated, though its transfer syntax says so", False)
    window = FileWindow(lambda count, at: head[at : at + count], len(head), head)
    return Walk(walk(window, 0, _EXPLICIT_LITTLE, _WANTED, last=STUDY_INSTANCE_UID).values, size, "", False)


def _describe(meta: dict[int, str], found: Walk, syntax: str, offset: int, size: int, notes: list[str]) -> DicomFile:
    sop_class = found.values.get(SOP_CLASS_UID, "")
    instance = found.values.get(SOP_INSTANCE_UID, "")
    problem = found.problem or _uid_problem(sop_class, instance, meta)
    for name, tag, value in (("class", _META_CLASS, sop_class), ("instance", _META_INSTANCE, instance)):
        if meta.get(tag) and value and meta[tag] != value:
            notes.append(f"the file meta information names another SOP {name}: the data set's is sent")
    if size > found.end and not problem:
        notes.append(f"{size - found.end} bytes behind the data set are left out")
    length = max(0, found.end - offset)
    is_deflated = syntax == uids.DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN
    if found.odd:
        notes.append("a value of odd length")
    return DicomFile(
        sop_class or meta.get(_META_CLASS, ""),
        instance or meta.get(_META_INSTANCE, ""),
        syntax,
        found.values.get(STUDY_INSTANCE_UID, ""),
        offset,
        length,
        problem,
        tuple(notes),
        (bool(length % 2) and not is_deflated) or _WRONG_VR in notes,
    )


def _uid_problem(sop_class: str, instance: str, meta: dict[int, str]) -> str:
    for name, value in (
        ("SOP Class UID", sop_class or meta.get(_META_CLASS, "")),
        ("SOP Instance UID", instance or meta.get(_META_INSTANCE, "")),
    ):
        if not value:
            return f"no {name}"
        if problem := uids.uid_problem(value):
            return f"{name}: {problem}"
    return ""


# --- writing --------------------------------------------------------------------------------------------------


def meta_header(sop_class_uid: str, sop_instance_uid: str, transfer_syntax_uid: str, source_ae_title: str) -> bytes:
    """Preamble (our own zeros, never a peer's bytes), prefix and file meta information of a received object."""
    body = b"".join(
        (
            _LONG_HEADER.pack(2, 1, b"OB", 2) + b"\0\1",
            _element(0x0002, b"UI", sop_class_uid),
            _element(0x0003, b"UI", sop_instance_uid),
            _element(0x0010, b"UI", transfer_syntax_uid),
            _element(0x0012, b"UI", uids.IMPLEMENTATION_CLASS_UID),
            _element(0x0013, b"SH", uids.IMPLEMENTATION_VERSION_NAME),
            _element(0x0016, b"AE", source_ae_title) if source_ae_title else b"",
        )
    )
    length = _EXPLICIT_HEADER.pack(2, 0, b"UL", 4) + len(body).to_bytes(4, "little")
    return bytes(128) + b"DICM" + length + body


def _element(element: int, vr: bytes, value: str) -> bytes:
    raw = value.encode("ascii", "replace")
    if len(raw) % 2:
        raw += b"\0" if vr == b"UI" else b" "
    return _EXPLICIT_HEADER.pack(2, element, vr, len(raw)) + raw


def open_file(path: str) -> tuple[int, int]:
    """(descriptor, size) of a file to be read. Raises InputError with the system's words."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
        return descriptor, os.fstat(descriptor).st_size
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}", path=path) from error
