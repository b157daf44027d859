"""DICOM files: what must be known of one to send it, and the file meta information of one received (PS3.10 7.1).

Reading decodes group 0002 and skips over the data set, whose bytes are sent as they lie. Files without preamble or
without meta information are recognised by how their first element looks.
"""

import os
import re
import stat
import struct
import sys
import zlib
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from dcmnet_cli.core import uids
from dcmnet_cli.errors import InputError
from dcmnet_cli.net.elements import WINDOW, FileWindow, Layout, Walk, walk

SOP_CLASS_UID, SOP_INSTANCE_UID, STUDY_INSTANCE_UID = 0x00080016, 0x00080018, 0x0020000D
IDENTIFYING = frozenset((SOP_CLASS_UID, SOP_INSTANCE_UID, STUDY_INSTANCE_UID))
_META_CLASS, _META_INSTANCE, _META_SYNTAX = 0x00020002, 0x00020003, 0x00020010
_META_WANTED = frozenset((_META_CLASS, _META_INSTANCE, _META_SYNTAX))
_EXPLICIT_LITTLE, _IMPLICIT_LITTLE, _EXPLICIT_BIG = Layout(True, True), Layout(False, True), Layout(True, False)
_INFLATED_HEAD = 1 << 16  # how much of a deflated data set is looked at to find its UIDs
_MOST_INFLATED = 1 << 26  # how much of it is inflated to see that it is whole
_UID = re.compile(r"(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))*")
_WRONG_VR = "implicit VR, though the transfer syntax is explicit"
_RIGHT_VR = "explicit VR, though the transfer syntax is implicit"
PRead: TypeAlias = Callable[[int, int], bytes]
_EXPLICIT_HEADER = struct.Struct("<HH2sH")
_LONG_HEADER = struct.Struct("<HH2sxxI")
_PREAMBLE = bytes(128) + b"DICM" + _EXPLICIT_HEADER.pack(2, 0, b"UL", 4)
_READ = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)


class DicomFile(NamedTuple):
    """What a file says of itself. The data set is the ``length`` bytes at ``offset``.

    ``problem`` is why it cannot be sent, "" if it can; ``notes`` what is odd about it; ``needs_repair`` that its bytes
    should not go out as they lie. A deflated data set of odd ``length`` wants a zero byte behind it (PS3.5 A.5).
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


def read_file(pread: PRead, size: int, *, check_uids: bool = True) -> DicomFile | None:
    """What a file of ``size`` bytes holds; None when it is not DICOM. Reads the head and the headers, no values.

    ``pread`` takes (count, offset) and may return less at the end of the file only. Without ``check_uids`` a UID
    that breaks PS3.5 section 9.1 is passed as long as it can be sent at all. Raises what ``pread`` raises.
    """
    surveyed = survey_file(pread, size, IDENTIFYING, check_uids=check_uids)
    return surveyed[0] if surveyed is not None else None


def survey_file(
    pread: PRead, size: int, wanted: frozenset[int], *, check_uids: bool = True
) -> tuple[DicomFile, dict[int, str]] | None:
    """As ``read_file``, with the values of the ``wanted`` tags, of which IDENTIFYING have to be some.

    Values are as ``elements.walk`` finds them: at the top level, undecoded, cut off after 1024 bytes.
    """
    head = pread(WINDOW, 0)
    window = FileWindow(pread, size, head)
    start = 132 if head[128:132] == b"DICM" else 4 if head[:4] == b"DICM" else 0
    if start == 0 and not _looks_like_element(head):
        return None
    notes = [] if start == 132 else ["no preamble"]
    meta, offset = _read_meta(window, start)
    if not meta:
        notes.append("no file meta information")
    syntax = meta.get(_META_SYNTAX) or ("" if meta else _guess_syntax(window, offset))
    if problem := _syntax_problem(syntax):
        return _describe(meta, Walk({}, window.size, problem, False), syntax, offset, size, notes), {}
    offset = _skip_inner_meta(window, start, offset, notes)
    if syntax == uids.DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN:
        found = _walk_deflated(pread, offset, size, wanted)
    else:
        found = walk(window, offset, _true_layout(window, offset, syntax, notes), wanted)
    if start == 0 and not meta and SOP_CLASS_UID not in found.values and found.problem:
        return None  # it only began like DICOM
    found = found if found.problem else found._replace(problem=_uid_problem(found.values, meta, check_uids))
    return _describe(meta, found, syntax, offset, size, notes), found.values


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
    if window.read(start, 2) != b"\2\0":
        return {}, start
    found = walk(window, start, _EXPLICIT_LITTLE, _META_WANTED, last=0x0002FFFF, first=0x00020000)
    return found.values, found.end


def _guess_syntax(window: FileWindow, offset: int) -> str:
    first = window.read(offset, 8)
    if not _is_vr(first[4:6]):
        return uids.IMPLICIT_VR_LITTLE_ENDIAN
    is_big = int.from_bytes(first[:2], "big") == 0x0008
    return uids.EXPLICIT_VR_BIG_ENDIAN if is_big else uids.EXPLICIT_VR_LITTLE_ENDIAN


def _skip_inner_meta(window: FileWindow, start: int, offset: int, notes: list[str]) -> int:
    """Where the data set begins for sure: preamble and group 0002 come again in it, a known fault of writers.

    They are never to be sent (PS3.7 6.3.1). What follows group 0002 directly was passed already, and is noted here.
    """
    first = window.read(start, 12)
    if first[:4] == b"\2\0\0\0" and start + 12 + int.from_bytes(first[8:], "little") < offset:
        notes.append("file meta elements behind the length of their group are left out")
    if window.read(offset + 128, 6) != b"DICM\2\0":
        return offset
    notes.append("file meta information within the data set is left out")
    return _read_meta(window, offset + 132)[1]


def _true_layout(window: FileWindow, offset: int, syntax: str, notes: list[str]) -> Layout:
    """The layout that the first element shows: some files hold implicit VR under the name of an explicit one.

    Or the other way round, where the length that implicit VR reads there cannot be.
    """
    layout = layout_of(syntax)
    first = window.read(offset, 8)
    if len(first) < 8 or _is_vr(first[4:6]) == layout.explicit:
        return layout
    if layout.explicit:
        notes.append(_WRONG_VR)
        return _IMPLICIT_LITTLE
    if int.from_bytes(first[4:8], "little") <= window.size:
        return layout
    notes.append(_RIGHT_VR)
    return _EXPLICIT_LITTLE


def _walk_deflated(pread: PRead, offset: int, size: int, wanted: frozenset[int]) -> Walk:
    """The values at the head of a deflated data set (PS3.5 A.5), and whether its deflate stream comes to its end.

    Inflating stops at 64 MiB: what is larger is taken on trust, and a bomb costs no more than that.
    """
    inflater = zlib.decompressobj(-15)
    head, inflated, at = b"", 0, offset
    try:
        while not inflater.eof and inflated < _MOST_INFLATED:
            data = inflater.unconsumed_tail or pread(_INFLATED_HEAD, at)
            at += 0 if inflater.unconsumed_tail else len(data)
            piece = inflater.decompress(data, _INFLATED_HEAD)
            if not data and not piece and not inflater.eof:
                return Walk({}, size, "the file ends within its deflated data set", False)
            inflated += len(piece)
            head = head if len(head) >= _INFLATED_HEAD else head + piece
    except zlib.error:
        return Walk({}, size, "the data set is not deflated, though its transfer syntax says so", False)
    window = FileWindow(lambda count, start: head[start : start + count], len(head), head)
    values = walk(window, 0, _EXPLICIT_LITTLE, wanted, last=max(wanted)).values
    if not inflater.eof:
        return Walk(values, size, "", False)
    end = at - len(inflater.unused_data)
    has_padding = (end - offset) % 2 and inflater.unused_data[:1] == b"\0"
    return Walk(values, end + bool(has_padding), "", False)


def _describe(meta: dict[int, str], found: Walk, syntax: str, offset: int, size: int, notes: list[str]) -> DicomFile:
    sop_class = found.values.get(SOP_CLASS_UID, "")
    instance = found.values.get(SOP_INSTANCE_UID, "")
    for name, tag, value in (("class", _META_CLASS, sop_class), ("instance", _META_INSTANCE, instance)):
        if value and meta.get(tag, value) not in (value, ""):
            notes.append(f"the file meta information names another SOP {name}: the data set's is sent")
        if not value and not found.problem:
            notes.append(f"the data set names no SOP {name}: the file meta information's is sent")
    length = max(0, found.end - offset)
    is_deflated = syntax == uids.DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN
    if size > found.end and not found.problem:
        notes.append(f"{size - found.end} bytes behind the data set are left out")
    if found.odd:
        notes.append("a value of odd length")
    return DicomFile(
        sys.intern(sop_class or meta.get(_META_CLASS, "")),
        instance or meta.get(_META_INSTANCE, ""),
        sys.intern(syntax),
        sys.intern(found.values.get(STUDY_INSTANCE_UID, "")),
        offset,
        length,
        found.problem or ("" if length else "the data set is empty"),
        tuple(map(sys.intern, notes)),
        (bool(length % 2) and not is_deflated) or _WRONG_VR in notes or _RIGHT_VR in notes,
    )


def _syntax_problem(syntax: str) -> str:
    if not syntax:
        return "the file meta information names no transfer syntax"
    return f"Transfer Syntax UID: {uids.uid_problem(syntax)}" if _is_odd_uid(syntax) else ""


def _uid_problem(values: dict[int, str], meta: dict[int, str], check_uids: bool) -> str:
    for name, uid in (
        ("SOP Class UID", values.get(SOP_CLASS_UID) or meta.get(_META_CLASS, "")),
        ("SOP Instance UID", values.get(SOP_INSTANCE_UID) or meta.get(_META_INSTANCE, "")),
    ):
        if not uid:
            return f"no {name}"
        if _is_odd_uid(uid) and (check_uids or len(uid) > 64 or not uid.isascii() or not uid.isprintable()):
            return f"{name}: {uids.uid_problem(uid)}"
    return ""


def _is_odd_uid(uid: str) -> bool:
    """Whether ``uid`` breaks PS3.5 section 9.1: ``core.uids.uid_problem``, as fast as a hundred thousand files ask."""
    return len(uid) > 64 or _UID.fullmatch(uid) is None


# --- writing --------------------------------------------------------------------------------------------------


def meta_header(sop_class_uid: str, sop_instance_uid: str, transfer_syntax_uid: str, source_ae_title: str) -> bytes:
    """Preamble (our own zeros, never a peer's bytes), prefix and file meta information of a received object."""
    instance = sop_instance_uid.encode("ascii", "replace")
    before, behind = _meta_around(sop_class_uid, len(instance), transfer_syntax_uid, source_ae_title)
    return b"".join((before, instance, behind))


@lru_cache(maxsize=1024)
def _meta_around(
    sop_class_uid: str, length: int, transfer_syntax_uid: str, source_ae_title: str
) -> tuple[bytes, bytes]:
    """What stands before and behind an instance UID of ``length``: all objects of a presentation context share it."""
    padding = b"\0" * (length % 2)
    head = _LONG_HEADER.pack(2, 1, b"OB", 2) + b"\0\1" + _element(0x0002, b"UI", sop_class_uid)
    instance = _EXPLICIT_HEADER.pack(2, 0x0003, b"UI", length + len(padding))
    tail = (
        _element(0x0010, b"UI", transfer_syntax_uid)
        + _element(0x0012, b"UI", uids.IMPLEMENTATION_CLASS_UID)
        + _element(0x0013, b"SH", uids.IMPLEMENTATION_VERSION_NAME)
        + (_element(0x0016, b"AE", source_ae_title) if source_ae_title else b"")
    )
    group_length = len(head) + len(instance) + length + len(padding) + len(tail)
    return _PREAMBLE + group_length.to_bytes(4, "little") + head + instance, padding + tail


def _element(element: int, vr: bytes, value: str) -> bytes:
    raw = value.encode("ascii", "replace")
    if len(raw) % 2:
        raw += b"\0" if vr == b"UI" else b" "
    return _EXPLICIT_HEADER.pack(2, element, vr, len(raw)) + raw


def open_file(path: str) -> tuple[int, int]:
    """(descriptor, size) of a file to be read. Raises InputError with the system's words.

    What is no regular file is refused: a pipe would block, and has no size.
    """
    try:
        descriptor = os.open(path, _READ)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {path}: {getattr(error, 'strerror', error)}", path=path) from error
    status = os.fstat(descriptor)
    if stat.S_ISREG(status.st_mode):
        return descriptor, status.st_size
    os.close(descriptor)
    raise InputError(f"cannot read {path}: not a regular file", path=path)
