import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcmnet_cli.core import uids
from dcmnet_cli.ops.listening.head import Head

STUDY_UID, PATIENT_NAME, MODALITY, SOP_UID = 0x0020000D, 0x00100010, 0x00080060, 0x00080018
WANTED = frozenset((STUDY_UID, PATIENT_NAME, MODALITY))
FOUND = {MODALITY: "CT", PATIENT_NAME: "M\udcfcller^Eva", STUDY_UID: "1.2.3.4"}
LONG_VRS = (b"OB", b"OW", b"SQ", b"UN", b"UT")


def element(tag: int, vr: bytes, value: bytes, *, explicit: bool = True, order: str = "<") -> bytes:
    group, number = tag >> 16, tag & 0xFFFF
    if not explicit:
        return struct.pack(order + "HHI", group, number, len(value)) + value
    if vr in LONG_VRS:
        return struct.pack(order + "HH2sxxI", group, number, vr, len(value)) + value
    return struct.pack(order + "HH2sH", group, number, vr, len(value)) + value


def data_set(private: int = 10, **how: object) -> bytes:
    """CT, a private element, a patient, a study, and pixels behind."""
    parts = [
        (SOP_UID, b"UI", b"1.2.3\0"),
        (MODALITY, b"CS", b"CT"),
        (0x00091010, b"OB", b"\1" * private),
        (PATIENT_NAME, b"PN", b"M\xfcller^Eva "),
        (STUDY_UID, b"UI", b"1.2.3.4\0"),
        (0x0020000E, b"UI", b"1.2.3.4.5\0"),
        (0x7FE00010, b"OW", b"\0" * 5000),
    ]
    return b"".join(element(*part, **how) for part in parts)  # type: ignore[arg-type]


def read(data: bytes, syntax: str, size: int, limit: int = 1 << 20) -> tuple[dict[int, str], Head]:
    head = Head(WANTED, syntax, limit)
    for start in range(0, len(data), size):
        borrowed = bytearray(data[start : start + size])
        head.feed([memoryview(borrowed)])
        borrowed[:] = b"\xa5" * len(borrowed)  # a view is only lent
    return dict(head.values()), head


@pytest.mark.parametrize("size", [1, 7, 100, 10_000])
@pytest.mark.parametrize(
    ("syntax", "data"),
    [
        (uids.EXPLICIT_VR_LITTLE_ENDIAN, data_set()),
        (uids.IMPLICIT_VR_LITTLE_ENDIAN, data_set(explicit=False)),
        (uids.EXPLICIT_VR_BIG_ENDIAN, data_set(order=">")),
        (uids.EXPLICIT_VR_LITTLE_ENDIAN, data_set(explicit=False)),  # the peer's word is not kept
        (uids.JPEG_BASELINE_8_BIT, data_set()),
        ("1.2.3.4", data_set()),
        (uids.DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN, zlib.compress(data_set(), wbits=-15)),
    ],
)
def test_values_however_they_come(syntax: str, data: bytes, size: int) -> None:
    values, head = read(data, syntax, size)
    assert values == FOUND
    assert head.is_settled


def test_it_is_settled_by_the_first_fragment_that_has_it_all() -> None:
    head = Head(WANTED, uids.EXPLICIT_VR_LITTLE_ENDIAN)
    head.feed([memoryview(data_set())])
    assert head.is_settled
    assert not head._held
    assert head.values() == FOUND


def test_nothing_wanted_is_settled_at_once() -> None:
    head = Head(frozenset(), uids.EXPLICIT_VR_LITTLE_ENDIAN)
    assert head.is_settled
    head.feed([b"x" * 100])
    assert head.values() == {}


def test_values_behind_the_limit_are_missing() -> None:
    values, head = read(data_set(private=5000), uids.EXPLICIT_VR_LITTLE_ENDIAN, 512, limit=2048)
    assert values == {MODALITY: "CT"}
    assert head.is_settled


def test_a_large_element_in_front_is_passed() -> None:
    values, _ = read(data_set(private=300_000), uids.EXPLICIT_VR_LITTLE_ENDIAN, 16_000)
    assert values == FOUND


def test_values_within_sequences_are_not_taken_for_the_objects_own() -> None:
    item = element(PATIENT_NAME, b"PN", b"WRONG ")
    sequence = struct.pack("<HH2sxxI", 0x0008, 0x1140, b"SQ", 0xFFFFFFFF)
    sequence += struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF) + item
    sequence += struct.pack("<HHIHHI", 0xFFFE, 0xE00D, 0, 0xFFFE, 0xE0DD, 0)
    data = element(MODALITY, b"CS", b"CT") + sequence + element(PATIENT_NAME, b"PN", b"RIGHT ")
    for size in (5, 1000):
        assert read(data, uids.EXPLICIT_VR_LITTLE_ENDIAN, size)[0] == {MODALITY: "CT", PATIENT_NAME: "RIGHT"}


def test_what_is_not_deflated_has_no_values() -> None:
    values, head = read(data_set(), uids.DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN, 100)
    assert values == {}
    assert head.is_settled


def test_a_deflated_bomb_is_inflated_to_the_limit_only() -> None:
    bomb = zlib.compress(element(0x00080005, b"UT", b"\0" * 50_000_000), wbits=-15)
    values, head = read(bomb, uids.DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN, 4096, limit=100_000)
    assert values == {}
    assert head.is_settled


@settings(max_examples=200)
@given(st.binary(max_size=400), st.integers(1, 50), st.booleans(), st.integers(0, 40))
def test_no_bytes_raise(noise: bytes, size: int, is_deflated: bool, keep: int) -> None:
    syntax = uids.DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN if is_deflated else uids.EXPLICIT_VR_LITTLE_ENDIAN
    values, head = read(data_set()[:keep] + noise, syntax, size, limit=300)
    assert head.is_settled
    assert values.keys() <= WANTED


def test_a_drip_of_bytes_is_looked_at_a_few_times_only(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []
    look = Head._look
    monkeypatch.setattr(Head, "_look", lambda self, data: looks.append(len(data)) or look(self, data))
    read(element(0x00080005, b"UT", b"\0" * 20_000), uids.EXPLICIT_VR_LITTLE_ENDIAN, 1)
    assert len(looks) < 30
    assert sum(looks) < 80_000
