"""Identifiers to elements and back: both encodings against pydicom, what is generously read, what is refused."""

import io
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset
from pydicom.filewriter import write_dataset

from dcmnet_cli.core.attributes import ATTRIBUTES, keyword_of, tag_of, vr_of
from dcmnet_cli.core.identifier import DEEPEST, Element, character_set_of, decode, encode, text
from dcmnet_cli.errors import InvalidIdentifier

PATIENT_NAME, PATIENT_ID, STUDY_UID = 0x00100010, 0x00100020, 0x0020000D
STEP_SEQUENCE, MODALITY, STATION = 0x00400100, 0x00080060, 0x00400001
NAME = Element(PATIENT_NAME, "PN", b"DOE^JANE")
ID = Element(PATIENT_ID, "LO", b"4711")
BOTH = pytest.mark.parametrize("explicit", [False, True], ids=["implicit", "explicit"])


def implicit(tag: int, value: bytes, length: int | None = None) -> bytes:
    return struct.pack("<HHI", tag >> 16, tag & 0xFFFF, len(value) if length is None else length) + value


def explicit_short(tag: int, vr: bytes, value: bytes) -> bytes:
    return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr, len(value)) + value


def explicit_long(tag: int, vr: bytes, value: bytes, length: int | None = None) -> bytes:
    head = struct.pack("<HH2sHI", tag >> 16, tag & 0xFFFF, vr, 0, len(value) if length is None else length)
    return head + value


def item(value: bytes, length: int | None = None) -> bytes:
    return implicit(0xFFFEE000, value, length)


def written(dataset: Dataset, explicit: bool) -> bytes:
    """What pydicom writes."""
    out = DicomBytesIO()
    out.is_little_endian, out.is_implicit_VR = True, not explicit
    write_dataset(out, dataset)
    return out.getvalue()


def an_answer() -> Dataset:
    """Every kind of value that answers have."""
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.StudyDate = "20250114"
    dataset.ModalitiesInStudy = ["CT", "SR"]
    dataset.PatientName = "Müller^Jörg"
    dataset.PatientID = "123"
    dataset.StudyInstanceUID = "1.2.840.1"
    dataset.NumberOfStudyRelatedInstances = 412
    dataset.Rows = 512
    dataset.ScheduledProcedureStepSequence = [Dataset(), Dataset()]
    dataset.ScheduledProcedureStepSequence[0].Modality = "CT"
    dataset.ScheduledProcedureStepSequence[0].ScheduledProtocolCodeSequence = [Dataset()]
    dataset.ScheduledProcedureStepSequence[0].ScheduledProtocolCodeSequence[0].CodeMeaning = "Thorax"
    dataset.ReferencedStudySequence = []
    return dataset


# --- both ways -------------------------------------------------------------------------------------------------------


@BOTH
def test_what_pydicom_writes_is_read(explicit: bool) -> None:
    found = decode(written(an_answer(), explicit), explicit)
    assert [f"{tag:08X} {element.vr} {text(element, 'ISO_IR 192')}" for tag, element in found.items()] == [
        "00080005 CS ISO_IR 192",
        "00080020 DA 20250114",
        "00080061 CS CT\\SR",
        "00081110 SQ ",
        "00100010 PN Müller^Jörg",
        "00100020 LO 123",
        "0020000D UI 1.2.840.1",
        "00201208 IS 412",
        "00280010 US 512",
        "00400100 SQ ",
    ]
    assert found[0x00081110].items == ()
    first, second = found[STEP_SEQUENCE].items or ()
    assert second == ()
    assert first[0] == Element(MODALITY, "CS", b"CT", None)
    assert first[1].items == ((Element(0x00080104, "LO", b"Thorax", None),),)


@BOTH
def test_what_is_written_pydicom_reads(explicit: bool) -> None:
    data = written(an_answer(), explicit)
    again = encode(decode(data, explicit).values(), explicit)
    assert read_dataset(io.BytesIO(again), not explicit, True) == read_dataset(io.BytesIO(data), not explicit, True)
    assert again == data


@BOTH
def test_elements_leave_in_ascending_order(explicit: bool) -> None:
    assert list(decode(encode([ID, NAME], explicit), explicit)) == [PATIENT_NAME, PATIENT_ID]


@BOTH
@pytest.mark.parametrize(
    ("element", "expected"),
    [
        (Element(PATIENT_ID, "LO", b"123"), b"123 "),
        (Element(STUDY_UID, "UI", b"1.2"), b"1.2\0"),
        (Element(0x00091001, "UN", b"x"), b"x\0"),
        (ID, b"4711"),
    ],
)
def test_values_are_padded_as_their_vr_wants_it(element: Element, expected: bytes, explicit: bool) -> None:
    assert encode([element], explicit).endswith(expected)


def test_a_value_too_long_for_its_vr_becomes_un() -> None:
    data = encode([Element(PATIENT_ID, "LO", b"x" * 70000)], True)
    assert data[:12] == b"\x10\0\x20\0UN\0\0" + struct.pack("<I", 70000)
    assert decode(data, True)[PATIENT_ID] == Element(PATIENT_ID, "LO", b"x" * 70000)


ATTRIBUTE = st.sampled_from([tag for tag, (vr, _) in ATTRIBUTES.items() if vr not in ("SQ", "UN")])
PLAIN = st.builds(
    lambda tag, value: Element(tag, vr_of(tag), value[: len(value) & ~1]), ATTRIBUTE, st.binary(max_size=40)
)
NESTED = st.recursive(
    st.lists(PLAIN, max_size=4, unique_by=lambda each: each.tag).map(tuple),
    lambda items: st.lists(items, max_size=3).map(lambda found: (Element(STEP_SEQUENCE, "SQ", b"", tuple(found)),)),
    max_leaves=8,
)


@given(NESTED, st.booleans())
def test_whatever_is_encoded_is_decoded(elements: tuple[Element, ...], explicit: bool) -> None:
    expected = sorted(elements, key=lambda each: each.tag)

    def in_order(each: Element) -> Element:
        if each.items is None:
            return each
        return each._replace(
            items=tuple(tuple(map(in_order, sorted(item, key=lambda e: e.tag))) for item in each.items)
        )

    assert list(decode(encode(elements, explicit), explicit).values()) == [in_order(each) for each in expected]


# --- read generously -------------------------------------------------------------------------------------------------


def test_sequences_and_items_of_undefined_length() -> None:
    inner = implicit(MODALITY, b"CT") + implicit(STATION, b"ROOM1 ")
    ends = implicit(0xFFFEE00D, b"") + implicit(0xFFFEE0DD, b"")
    data = implicit(STEP_SEQUENCE, item(inner, 0xFFFFFFFF) + ends, 0xFFFFFFFF) + implicit(PATIENT_ID, b"12")
    found = decode(data, False)
    assert [[each.tag for each in items] for items in found[STEP_SEQUENCE].items or ()] == [[MODALITY, STATION]]
    assert found[PATIENT_ID].value == b"12"


def test_an_unknown_sequence_in_implicit_vr_is_seen_by_its_items() -> None:
    inner = implicit(0x00091002, b"abcd")
    assert decode(implicit(0x00091001, item(inner)), False)[0x00091001].items == (
        (Element(0x00091002, "UN", b"abcd", None),),
    )


def test_a_value_that_only_begins_like_a_sequence_stays_what_it_is() -> None:
    value = item(b"abcdef", 400)
    assert decode(implicit(0x00091001, value), False)[0x00091001] == Element(0x00091001, "UN", value)


@pytest.mark.parametrize("undefined", [False, True])
def test_a_sequence_sent_as_un_holds_implicit_vr(undefined: bool) -> None:
    value = item(implicit(MODALITY, b"MR")) + (implicit(0xFFFEE0DD, b"") if undefined else b"")
    data = explicit_long(STEP_SEQUENCE, b"UN", value, 0xFFFFFFFF if undefined else None)
    assert decode(data, True)[STEP_SEQUENCE].items == ((Element(MODALITY, "CS", b"MR"),),)


def test_un_is_overruled_where_the_vr_is_known() -> None:
    assert decode(explicit_long(PATIENT_NAME, b"UN", b"DOE "), True)[PATIENT_NAME].vr == "PN"
    assert decode(explicit_long(STEP_SEQUENCE, b"UN", b""), True)[STEP_SEQUENCE].vr == "UN"


def test_a_vr_yet_to_come_has_the_long_form() -> None:
    data = explicit_long(0x00091001, b"ZZ", b"abcd") + explicit_short(0x00100020, b"LO", b"12")
    assert [each.value for each in decode(data, True).values()] == [b"abcd", b"12"]


def test_file_meta_information_in_front_is_skipped() -> None:
    meta = explicit_long(0x00020001, b"OB", b"\0\1") + explicit_short(0x00020010, b"UI", b"1.2.840.10008.1.2\0")
    assert list(decode(bytes(128) + b"DICM" + meta + implicit(PATIENT_ID, b"12"), False)) == [PATIENT_ID]
    assert list(decode(meta + explicit_short(PATIENT_ID, b"LO", b"12"), True)) == [PATIENT_ID]


def test_command_elements_in_a_data_set_do_not_count() -> None:
    assert list(decode(implicit(0x00000900, b"\0\xff") + implicit(PATIENT_ID, b"12"), False)) == [PATIENT_ID]


@BOTH
def test_odd_lengths_wrong_order_and_trailing_zeros(explicit: bool) -> None:
    def element(tag: int, vr: bytes, value: bytes) -> bytes:
        return explicit_short(tag, vr, value) if explicit else implicit(tag, value)

    data = element(PATIENT_ID, b"LO", b"123") + element(PATIENT_NAME, b"PN", b"A") + bytes(5)
    assert {tag: each.value for tag, each in decode(data, explicit).items()} == {
        PATIENT_ID: b"123",
        PATIENT_NAME: b"A",
    }


def test_nothing_is_an_identifier_too() -> None:
    assert decode(b"", False) == {}
    assert encode([], True) == b""


# --- refused ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "explicit", "tag"),
    [
        (implicit(PATIENT_ID, b"12", 400), False, PATIENT_ID),
        (explicit_short(PATIENT_ID, b"LO", b"1234")[:-2], True, PATIENT_ID),
        (explicit_long(0x00081190, b"UR", b"1234", 0x7FFFFFFF), True, 0x00081190),
        (struct.pack("<HH2sHH", 8, 0x1190, b"UR", 0, 0), True, 0x00081190),
        (explicit_short(PATIENT_ID, b"\1\2", b"1234"), True, PATIENT_ID),
        (implicit(STEP_SEQUENCE, implicit(PATIENT_ID, b"12")), False, STEP_SEQUENCE),
        (implicit(STEP_SEQUENCE, item(b"", 60)), False, STEP_SEQUENCE),
        (implicit(STEP_SEQUENCE, item(b""), 0xFFFFFFFF), False, STEP_SEQUENCE),
        (implicit(STEP_SEQUENCE, b"\xfe\xff\0\xe0\0\0"), False, STEP_SEQUENCE),
        (implicit(STEP_SEQUENCE, item(b"", 0xFFFFFFFF), 0xFFFFFFFF), False, 0xFFFEE000),
        (implicit(PATIENT_ID, b"12") + b"\1\2\3", False, 0),
    ],
    ids=[
        "overrun",
        "overrun in explicit VR",
        "huge length",
        "cut long header",
        "no VR",
        "no item",
        "item overruns",
        "sequence without end",
        "cut item header",
        "item without end",
        "stray bytes",
    ],
)
def test_what_cannot_be_followed_is_refused_by_name(data: bytes, explicit: bool, tag: int) -> None:
    with pytest.raises(InvalidIdentifier) as caught:
        decode(data, explicit)
    assert caught.value.tag == tag
    assert str(caught.value).startswith("invalid identifier: ")


@BOTH
def test_depth_is_bounded(explicit: bool) -> None:
    def nested(depth: int) -> bytes:
        data = b""
        for _ in range(depth):
            data = explicit_long(STEP_SEQUENCE, b"SQ", item(data)) if explicit else implicit(STEP_SEQUENCE, item(data))
        return data

    assert decode(nested(DEEPEST), explicit)
    with pytest.raises(InvalidIdentifier, match=f"more than {DEEPEST} sequences"):
        decode(nested(DEEPEST + 1), explicit)
    with pytest.raises(InvalidIdentifier):
        decode(nested(3000), explicit)


@settings(max_examples=300)
@given(st.binary(max_size=200), st.booleans())
def test_random_bytes_raise_nothing_else(data: bytes, explicit: bool) -> None:
    try:
        found = decode(data, explicit)
    except InvalidIdentifier:
        return
    for element in found.values():
        assert isinstance(text(element, character_set_of(found)), str)


ANSWERS = [written(an_answer(), False), written(an_answer(), True)]


@settings(max_examples=300)
@given(st.booleans(), st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=4))
def test_mutated_answers_raise_nothing_else(explicit: bool, changes: list[tuple[int, int]]) -> None:
    data = bytearray(ANSWERS[explicit])
    for place, byte in changes:
        data[place % len(data)] = byte
    try:
        found = decode(bytes(data), explicit)
    except InvalidIdentifier:
        return
    assert decode(encode(found.values(), explicit), explicit).keys() == found.keys()


@BOTH
def test_every_truncation_is_read_or_refused(explicit: bool) -> None:
    data = ANSWERS[explicit]
    refused = 0
    for length in range(len(data)):
        try:
            assert len(decode(data[:length], explicit)) < 11
        except InvalidIdentifier:
            refused += 1
    assert refused > len(data) * 0.8


# --- text ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("vr", "value", "expected"),
    [
        ("US", b"\1\0\2\0", "1\\2"),
        ("SS", b"\xff\xff", "-1"),
        ("UL", b"\1\0\1\0", "65537"),
        ("SL", b"\xfe\xff\xff\xff", "-2"),
        ("FL", struct.pack("<f", 0.1), "0.100000001"),
        ("FD", struct.pack("<d", 0.1), "0.1"),
        ("US", b"\1\0\2", "1"),
        ("AT", b"\x10\0\x20\0", "(0010,0020)"),
        ("OB", b"\1\xff", "01ff"),
        ("UN", b"text ", "text"),
        ("UN", b"\xffx", "ff78"),
        ("LO", b"  both ends  ", "both ends"),
        ("LT", b"  leading stays ", "  leading stays"),
        ("UI", b"1.2\0", "1.2"),
        ("PN", b"A\\B ", "A\\B"),
        ("SQ", b"", ""),
    ],
)
def test_values_in_text(vr: str, value: bytes, expected: str) -> None:
    assert text(Element(0x00091001, vr, value), "") == expected


def test_a_declared_set_goes_before_an_assumed_one() -> None:
    name = Element(PATIENT_NAME, "PN", "Ωμέγα".encode("iso8859_7"))
    assert text(name, "ISO_IR 126", "ISO_IR 100") == "Ωμέγα"
    assert text(name, "", "ISO_IR 126") == "Ωμέγα"


def test_the_character_set_of_an_identifier() -> None:
    data = encode([Element(0x00080005, "CS", b"\\ISO 2022 IR 87")], False)
    assert character_set_of(decode(data, False)) == "\\ISO 2022 IR 87"
    assert character_set_of({}) == ""
    assert character_set_of({0x00080005: Element(0x00080005, "CS", b"\xff\0")}) == "\ufffd"


# --- the table of attributes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("tag", ATTRIBUTES, ids=lambda tag: f"{tag:08X}")
def test_the_table_agrees_with_the_dictionary(tag: int) -> None:
    assert ATTRIBUTES[tag] == (dictionary_VR(tag), keyword_for_tag(tag))
    assert tag_of(keyword_of(tag)) == tag


def test_tags_beyond_the_table() -> None:
    assert [vr_of(tag) for tag in (0x00100000, 0x00090010, 0x00091001, 0x7FE00010)] == ["UL", "LO", "UN", "UN"]
    assert keyword_of(0x7FE00010) == ""
    assert tag_of("PixelData") is None
