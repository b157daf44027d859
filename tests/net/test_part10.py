import functools
import os
import time
import warnings
import zlib
from pathlib import Path

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcmnet_cli.core.uids import IMPLEMENTATION_CLASS_UID
from dcmnet_cli.errors import InputError
from dcmnet_cli.net.part10 import DicomFile, meta_header, open_file, read_file
from tests.dicom_files import (
    BIG,
    CT,
    DEFLATED,
    EXPLICIT,
    IMPLICIT,
    ITEM_END,
    JPEG_2000,
    SEQUENCE_END,
    UNDEFINED,
    data_set,
    element,
    item,
    part10,
)

PRIVATE = "1.2.840.113619.5.2.99"


def read(data: bytes, *, check_uids: bool = True) -> DicomFile | None:
    return read_file(lambda count, offset: data[offset : offset + count], len(data), check_uids=check_uids)


def fine(data: bytes) -> DicomFile:
    file = read(data)
    assert file is not None
    assert file.problem == ""
    return file


def problem(data: bytes) -> str:
    file = read(data)
    assert file is not None
    return file.problem


def deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(body) + packer.flush()


def bundled() -> list[str]:
    folder = Path(pydicom.__file__).parent / "data"  # its own look-up would fetch what is not there
    return sorted(str(path) for path in folder.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc"))


@pytest.mark.parametrize("path", bundled(), ids=lambda path: "/".join(Path(path).parts[-2:]))
def test_what_pydicom_says_of_its_own_files(path: str) -> None:
    with open(path, "rb") as raw:
        file = read_file(functools.partial(os.pread, raw.fileno()), os.stat(path).st_size)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = pydicom.dcmread(path)
    except Exception:  # whatever pydicom objects to, it is not of Part 10
        assert file is None or "no preamble" in file.notes
        return
    assert file is not None
    meta = expected.file_meta
    assert file.transfer_syntax_uid == meta.get("TransferSyntaxUID", "")
    assert file.sop_class_uid == (expected.get("SOPClassUID") or meta.get("MediaStorageSOPClassUID", ""))
    assert file.sop_instance_uid == (expected.get("SOPInstanceUID") or meta.get("MediaStorageSOPInstanceUID", ""))
    assert file.study_instance_uid == expected.get("StudyInstanceUID", "")
    faults = ("truncated", "nested_priv_SQ", "empty_charset", "meta_missing_tsyntax")
    assert bool(file.problem) == any(fault in path for fault in faults), file.problem
    if "truncated" not in path:
        trailer = 8 if "image_dfl" in path else 0  # a checksum and a size, as gzip has them
        assert file.offset + file.length == os.stat(path).st_size - trailer


@pytest.mark.parametrize(
    ("syntax", "body"),
    [
        (EXPLICIT, data_set()),
        (IMPLICIT, data_set(vr=False)),
        (BIG, data_set(order=">")),
        (JPEG_2000, data_set(pixels=b"") + element(0x7FE00010, "OB", item(b"") + SEQUENCE_END, length=UNDEFINED)),
        (DEFLATED, deflate(data_set()) + b"\0" * (len(deflate(data_set())) % 2)),
        (PRIVATE, data_set()),
    ],
)
def test_every_transfer_syntax(syntax: str, body: bytes) -> None:
    data = part10(body, syntax)
    assert fine(data) == DicomFile(CT, "1.2.3.4", syntax, "1.2.3", len(data) - len(body), len(body))


@pytest.mark.parametrize(
    ("syntax", "body"), [(EXPLICIT, data_set()), (IMPLICIT, data_set(vr=False)), (BIG, data_set(order=">"))]
)
def test_no_preamble_and_no_meta(syntax: str, body: bytes) -> None:
    file = fine(body)
    assert (file.transfer_syntax_uid, file.offset, file.length) == (syntax, 0, len(body))
    assert file.notes == ("no preamble", "no file meta information")


def test_meta_without_preamble_or_prefix_or_group_length() -> None:
    whole = part10(data_set())
    for data, notes in (
        (whole[132:], ("no preamble",)),
        (whole[128:], ("no preamble",)),
        (whole[:132] + whole[144:], ()),
    ):
        assert fine(data).notes == notes
        assert data[fine(data).offset :] == data_set()


def test_a_preamble_without_meta() -> None:
    file = fine(bytes(128) + b"DICM" + data_set())
    assert (file.offset, file.notes) == (132, ("no file meta information",))


def test_a_group_length_that_lies() -> None:
    for lie in (0, 1, 50, 1 << 30):
        data = part10(data_set())
        data = data[:140] + lie.to_bytes(4, "little") + data[144:]
        assert data[fine(data).offset :] == data_set()


def test_file_meta_elements_within_the_data_set_are_not_sent() -> None:
    inner = element(0x00020010, "UI", IMPLICIT) + element(0x00020013, "SH", "ODD")
    data = part10(inner + data_set())
    file = fine(data)
    assert data[file.offset : file.offset + file.length] == data_set()
    assert file.transfer_syntax_uid == EXPLICIT
    assert file.notes == ("file meta elements behind the length of their group are left out",)
    file = fine(twice := part10(part10(data_set(), IMPLICIT)))
    assert twice[file.offset :] == data_set()
    assert file.transfer_syntax_uid == EXPLICIT
    assert file.notes == ("file meta information within the data set is left out",)


def test_padding_behind_the_data_set_is_not_sent() -> None:
    data = part10(data_set())
    file = fine(data + bytes(300))
    assert file.offset + file.length == len(data)
    assert file.notes == ("300 bytes behind the data set are left out",)


def test_odd_lengths() -> None:
    file = fine(part10(data_set() + element(0x7FE10010, "LO", b"ABC")))
    assert file.needs_repair
    assert file.notes == ("a value of odd length",)
    even = fine(part10(element(0x00080001, "LO", b"ABC") + data_set() + element(0x7FE10010, "LO", b"ABC")))
    assert (even.needs_repair, even.length % 2) == (False, 0)


def test_vr_other_than_the_transfer_syntax_says() -> None:
    for syntax, body in ((EXPLICIT, data_set(vr=False)), (IMPLICIT, data_set())):
        file = fine(part10(body, syntax))
        assert file.needs_repair
        assert "though the transfer syntax is" in file.notes[0]
        assert file.length == len(body)


def test_the_data_set_counts_where_meta_says_otherwise() -> None:
    file = fine(part10(data_set(), instance="9.9.9"))
    assert file.sop_instance_uid == "1.2.3.4"
    assert file.notes == ("the file meta information names another SOP instance: the data set's is sent",)


def test_meta_stands_in_for_a_data_set_without_uids() -> None:
    file = fine(part10(data_set(instance="")))
    assert file.sop_instance_uid == "1.2.3.4"
    assert file.notes == ("the data set names no SOP instance: the file meta information's is sent",)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (part10(data_set(instance=""), instance=""), "no SOP Instance UID"),
        (part10(data_set(sop_class=""), sop_class=""), "no SOP Class UID"),
        (part10(data_set("1.2." + "3" * 61)), "SOP Instance UID: 65 characters, 64 at most"),
        (part10(data_set("1." * 300 + "1")), "SOP Instance UID: 601 characters, 64 at most"),
        (part10(data_set("1.02")), "SOP Instance UID: component with a leading zero"),
        (part10(data_set(sop_class="1..2")), "SOP Class UID: empty component"),
        (part10(data_set("1.2\x1b[2J")), "SOP Instance UID: only digits and full stops are allowed"),
        (part10(data_set(), syntax=""), "the file meta information names no transfer syntax"),
        (part10(data_set(), syntax="x"), "Transfer Syntax UID: only digits and full stops are allowed"),
        (part10(b""), "the data set is empty"),
        (part10(data_set(), DEFLATED), "the data set is not deflated, though its transfer syntax says so"),
    ],
)
def test_what_cannot_be_sent(data: bytes, words: str) -> None:
    assert problem(data) == words


def test_illegal_uids_pass_when_asked_for_unless_they_cannot_be_sent() -> None:
    for uid, is_passed in (("1.02", True), ("1.2-3", True), ("1.2." + "3" * 61, False), ("1.2\x1b", False)):
        file = read(part10(data_set(uid)), check_uids=False)
        assert file is not None
        assert (file.problem == "") == is_passed
    file = read(part10(data_set(instance=""), instance=""), check_uids=False)
    assert file is not None
    assert file.problem == "no SOP Instance UID"


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG, DEFLATED])
def test_truncated_at_every_byte(syntax: str) -> None:
    body = {
        EXPLICIT: data_set(),
        IMPLICIT: data_set(vr=False),
        BIG: data_set(order=">"),
        DEFLATED: deflate(data_set()),
    }[syntax]
    data = part10(body, syntax)
    start, whole = len(data) - len(body), []
    for size in range(len(data)):
        file = read(data[:size])
        if file is not None and not file.problem:
            whole.append(size)
            assert file.sop_instance_uid == "1.2.3.4"
            assert file.offset + file.length in (size, size - 1)
    assert all(size > start for size in whole)
    assert len(whole) <= {DEFLATED: 0, BIG: 14}.get(syntax, 7)  # cut between two elements, it cannot be told
    assert problem(data[:-1]) != ""


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        bytes(200),
        b"hello, world" * 20,
        b"PK\3\4" + bytes(200),
        b"\x7fELF" + bytes(200),
        b"\x08\0" + bytes(range(256)) * 4,
        b"\x02\0\xff\xff\xff\xff\xff\xff" * 9,
        b"8BPS" + bytes(300),
    ],
)
def test_what_is_not_dicom(data: bytes) -> None:
    assert read(data) is None


def test_a_data_set_with_nothing_to_send_is_an_object_all_the_same() -> None:
    body = element(0x00080005, "CS", "ISO_IR 100") + element(0x00080052, "CS", "STUDY ")
    assert problem(body) == "no SOP Class UID"


def test_a_deflated_bomb_is_inflated_no_further_than_64_mib() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = packer.compress(data_set(pixels=b"")) + b"".join(packer.compress(bytes(1 << 20)) for _ in range(300))
    bomb += packer.flush()
    started = time.process_time()
    file = fine(part10(bomb, DEFLATED))
    assert file.length == len(bomb)
    assert time.process_time() - started < 5


def test_a_deflated_data_set_is_followed_to_its_end() -> None:
    body = data_set(pixels=os.urandom(200_000)) + element(0xFFFCFFFC, "OB", bytes(500_000))
    packed = deflate(body)
    file = fine(part10(packed + b"\0" * (len(packed) % 2) + b"ABCD", DEFLATED))
    assert file.length == len(packed) + len(packed) % 2
    assert file.notes == ("4 bytes behind the data set are left out",)
    assert not file.needs_repair
    assert problem(part10(packed[:-1], DEFLATED)) == "the file ends within its deflated data set"


def test_uids_repeated_in_many_files_are_kept_once() -> None:
    one, other = fine(part10(data_set("1.1"), instance="1.1")), fine(part10(data_set("1.2"), instance="1.2"))
    assert one.sop_class_uid is other.sop_class_uid
    assert one.study_instance_uid is other.study_instance_uid
    assert one.transfer_syntax_uid is other.transfer_syntax_uid


def test_reads_headers_and_no_pixel_data() -> None:
    data = part10(data_set(pixels=bytes(50 << 20)))
    asked = []

    def pread(count: int, offset: int) -> bytes:
        asked.append(count)
        return data[offset : offset + count]

    assert read_file(pread, len(data)) is not None
    assert sum(asked) <= 8192


@given(st.data())
def test_mutated_files_raise_nothing(draw: st.DataObject) -> None:
    nested = element(0x30060020, "SQ", item(data_set(), length=UNDEFINED) + ITEM_END + SEQUENCE_END, length=UNDEFINED)
    syntax = draw.draw(st.sampled_from([EXPLICIT, IMPLICIT, BIG, DEFLATED, JPEG_2000]))
    body = deflate(data_set() + nested) if syntax == DEFLATED else data_set() + nested
    data = bytearray(part10(body, syntax))
    for _ in range(draw.draw(st.integers(1, 6))):
        at = draw.draw(st.integers(128, len(data) - 1))
        data[at] = draw.draw(st.integers(0, 255))
    file = read(bytes(data[: draw.draw(st.integers(0, len(data)))]))
    if file is not None and not file.problem:
        assert 0 < file.length <= len(data) - file.offset
        file.sop_instance_uid.encode("ascii")


@given(st.binary(max_size=400))
def test_any_bytes_behind_a_prefix_raise_nothing(data: bytes) -> None:
    read(bytes(128) + b"DICM" + data)
    read(data)


def test_meta_header_is_read_by_pydicom(tmp_path: Path) -> None:
    path = tmp_path / "one"
    path.write_bytes(meta_header(CT, "1.2.3.4", EXPLICIT, "SENDER") + data_set())
    expected = pydicom.dcmread(path).file_meta
    assert expected.MediaStorageSOPClassUID == CT
    assert expected.MediaStorageSOPInstanceUID == "1.2.3.4"
    assert expected.TransferSyntaxUID == EXPLICIT
    assert expected.ImplementationClassUID == IMPLEMENTATION_CLASS_UID
    assert expected.SourceApplicationEntityTitle == "SENDER"
    assert fine(path.read_bytes()).notes == ()


def test_open_file(tmp_path: Path) -> None:
    path = tmp_path / "one"
    path.write_bytes(b"abc")
    descriptor, size = open_file(str(path))
    assert (os.pread(descriptor, 9, 0), size) == (b"abc", 3)
    os.close(descriptor)
    os.mkfifo(tmp_path / "pipe")
    for name, words in (("none", "No such file"), ("pipe", "not a regular file"), ("\0", "null"), (".", "directory")):
        with pytest.raises(InputError, match="cannot read") as caught:
            open_file(str(tmp_path / name) if name != "." else str(tmp_path))
        assert words in caught.value.message or name == "."


def test_a_data_set_that_begins_with_group_0001_is_not_taken_for_file_meta_information() -> None:
    odd_group = bytes.fromhex("01000110 4c4f 0400 41424344")
    meta = meta_header("1.2.840.10008.5.1.4.1.1.2", "1.2.3", "1.2.840.10008.1.2.1", "")
    data = meta + odd_group
    found = read_file(lambda count, offset: data[offset : offset + count], len(data))
    assert found is not None
    assert (found.offset, found.length) == (len(meta), len(odd_group))
