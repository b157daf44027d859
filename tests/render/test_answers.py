"""Answers as lines, CSV, JSON and XML: right in every letter, harmless, and the same to other readers."""

import csv
import io
import json
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from dcmnet_cli.core.identifier import Element, decode
from dcmnet_cli.core.text import printable
from dcmnet_cli.ops.querying.answers import Assumption, Column, Match
from dcmnet_cli.ops.querying.find_files import xml_of
from dcmnet_cli.render.answers import CSV, NDJSON, JSONList, Lines
from dcmnet_cli.render.dicom_json import DicomJSON
from dcmnet_cli.render.sorting import Sorted
from tests.finding import element

NAME, ID, DATE, NUMBER, MODALITIES, STEP, MODALITY = (
    0x00100010,
    0x00100020,
    0x00080020,
    0x00201208,
    0x00080061,
    0x00400100,
    0x00080060,
)
COLUMNS = [Column((DATE,), "StudyDate", "date"), Column((NAME,), "PatientName", "patient")]


def match(*elements: Element, character_set: str = "") -> Match:
    return Match({each.tag: each for each in elements}, character_set)


def study(name: str | bytes, date: str = "20250114", character_set: str = "ISO_IR 192") -> Match:
    return match(element(DATE, date), element(NAME, name), character_set=character_set)


def csv_of(*matches: Match, columns: list[Column] = COLUMNS, assumed: str = "", for_spreadsheet: bool = False) -> str:
    pieces: list[str] = []
    sink = CSV(pieces.append, columns, assumed, for_spreadsheet=for_spreadsheet)
    for each in matches:
        sink.add(each)
    sink.close()
    return "".join(pieces)


# --- lines -----------------------------------------------------------------------------------------------------------


def test_a_line_an_answer() -> None:
    pieces: list[str] = []
    lines = Lines(pieces.append, COLUMNS, "", printable)
    lines.add(study("MÜLLER^JÖRG"))
    lines.add(study("A\tB\x1b[2J\n"))
    lines.add(match())
    assert pieces == []
    lines.flush()
    assert pieces == ["20250114\tMÜLLER^JÖRG\n20250114\tA\\x09B\\x1b[2J\\x0a\n\t\n"]


def test_much_is_written_before_anybody_asks() -> None:
    pieces: list[str] = []
    lines = Lines(pieces.append, COLUMNS, "", printable)
    for _ in range(20000):
        lines.add(study("DOE"))
    assert 2 < len(pieces) < 100


# --- CSV -------------------------------------------------------------------------------------------------------------


def test_csv_under_the_names_of_its_columns() -> None:
    text = csv_of(study('MÜLLER, "Jörg"'), study("山田^太郎"))
    assert list(csv.reader(io.StringIO(text))) == [
        ["StudyDate", "PatientName"],
        ["20250114", 'MÜLLER, "Jörg"'],
        ["20250114", "山田^太郎"],
    ]


def test_csv_for_a_spreadsheet_tells_its_encoding() -> None:
    text = csv_of(study("A"), for_spreadsheet=True)
    assert text == "\ufeffStudyDate,PatientName\r\n20250114,A\r\n"


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("+1+1", "'+1+1"),
        ("-@SUM(A1)", "'-@SUM(A1)"),
        ("@x", "'@x"),
        ("-5", "-5"),
        ("+3.5", "+3.5"),
        ("A=B", "A=B"),
        ("line\nbreak", "line\\x0abreak"),
        ("esc\x1b[31m", "esc\\x1b[31m"),
        ("right\u202eleft", "right\\u202eleft"),
    ],
)
def test_no_cell_does_anything(value: str, cell: str) -> None:
    column = [Column((0x00081030,), "StudyDescription", "")]
    text = csv_of(match(element(0x00081030, value), character_set="ISO_IR 192"), columns=column)
    assert list(csv.reader(io.StringIO(text)))[1] == [cell]


def test_nested_keys_have_columns_by_path() -> None:
    steps = Element(STEP, "SQ", b"", ((element(MODALITY, "CT"),), (element(MODALITY, "MR"), element(0x00400001, "A"))))
    columns = [
        Column((STEP, MODALITY), "ScheduledProcedureStepSequence[0].Modality", ""),
        Column((STEP, 0x00400001), "ScheduledProcedureStepSequence[0].ScheduledStationAETitle", ""),
        Column((NAME, MODALITY), "PatientName[0].Modality", ""),
    ]
    assert csv_of(match(steps, element(NAME, "X")), columns=columns).split("\n")[1] == "CT\\MR,A,"


def test_an_assumed_character_set_counts_where_none_is_declared() -> None:
    name = "Ωμέγα".encode("iso8859_7")
    assert "Ωμέγα" in csv_of(study(name, character_set=""), assumed="ISO_IR 126")
    assert "Ωμέγα" in csv_of(study(name, character_set="ISO_IR 126"), assumed="ISO_IR 100")


def test_assumptions_are_counted() -> None:
    assumption = Assumption()
    for each in (study(b"J\xf6rg", character_set=""), study("Jörg", character_set=""), study("JORG", character_set="")):
        assumption.note(each)
    assert assumption.counts == {"ISO_IR 100": 1, "ISO_IR 192": 1}
    assumption = Assumption("cp1252")
    assumption.note(study(b"J\xf6rg", character_set=""))
    assert assumption.counts == {"cp1252": 1}


# --- JSON ------------------------------------------------------------------------------------------------------------


def a_data_set() -> Dataset:
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.QueryRetrieveLevel = "STUDY"
    dataset.StudyDate = "20250114"
    dataset.AccessionNumber = ""
    dataset.ModalitiesInStudy = ["CT", "SR"]
    dataset.PatientName = "Yamada^Tarou=山田^太郎=やまだ^たろう"
    dataset.OtherPatientNames = ["A^B", "C^D"]
    dataset.PatientWeight = "81.5"
    dataset.PatientComments = "one\\two"
    dataset.NumberOfStudyRelatedInstances = 412
    dataset.Rows = 512
    dataset.FrameIncrementPointer = [0x00181063, 0x00181065]
    dataset.ReferencedStudySequence = []
    dataset.ScheduledProcedureStepSequence = [Dataset(), Dataset()]
    dataset.ScheduledProcedureStepSequence[0].Modality = "CT"
    dataset.add_new(0x00091001, "OB", b"\0\1\2\3")
    return dataset


def as_match(dataset: Dataset) -> Match:
    from tests.core.test_identifier import written

    return Match(decode(written(dataset, True), True), "ISO_IR 192")


def test_the_dicom_json_model_as_pydicom_writes_it() -> None:
    expected = a_data_set().to_json_dict()
    expected["00081110"] = {"vr": "SQ"}  # empty: PS3.18 F.2.5 has no Value then, pydicom an empty one
    assert json.loads(DicomJSON().of(as_match(a_data_set()))) == expected


def test_json_says_utf_8_whatever_the_answer_was_in() -> None:
    latin = match(element(0x00080005, "ISO_IR 100"), element(NAME, b"J\xf6rg"), character_set="ISO_IR 100")
    inner = Element(STEP, "SQ", b"", ((element(0x00080005, "ISO_IR 126"), element(NAME, b"\xd9")),))
    found = json.loads(DicomJSON().of(Match({**latin.elements, STEP: inner}, "ISO_IR 100")))
    assert found["00080005"]["Value"] == ["ISO_IR 192"]
    assert found["00100010"]["Value"] == [{"Alphabetic": "Jörg"}]
    item = found["00400100"]["Value"][0]
    assert (item["00080005"]["Value"], item["00100010"]["Value"]) == (["ISO_IR 192"], [{"Alphabetic": "Ω"}])


@pytest.mark.parametrize(
    ("tag", "value", "expected"),
    [
        (NUMBER, "007", [7]),
        (NUMBER, "many", ["many"]),
        (NUMBER, "1" * 40, ["1" * 40]),
        (0x00101030, "1e5", [1e5]),
        (0x00101030, "0.50", [0.5]),
        (0x00101030, "NaN", ["NaN"]),
        (MODALITIES, "CT\\\\SR", ["CT", None, "SR"]),
        (ID, 'quote" and back', ['quote" and back']),
        (ID, "  ", None),
    ],
)
def test_values_that_are_not_as_they_should_be(tag: int, value: str, expected: list[object] | None) -> None:
    found = json.loads(DicomJSON().of(match(element(tag, value))))[f"{tag:08X}"]
    assert found.get("Value") == expected


def test_bytes_that_no_character_set_explains_are_visible() -> None:
    text = DicomJSON().of(study(b"A\xff\xfe", character_set="ISO_IR 192"))
    assert json.loads(text)["00100010"]["Value"] == [{"Alphabetic": "A\\xff\\xfe"}]


def test_what_stays_the_same_is_right_in_every_answer() -> None:
    """Equal values in other character sets, VRs, elements and items are not the same."""
    writer = DicomJSON()
    name, number = b"\x1b$B;3\x1b(B", b"12"
    answers = [
        (match(element(NAME, name), element(ID, number), character_set="\\ISO 2022 IR 87"), ("山", ["12"])),
        (match(element(NAME, name), element(ID, number), character_set="GB18030"), ("\x1b$B;3\x1b(B", ["12"])),
        (match(element(NAME, b"\xe9"), Element(ID, "IS", number), character_set="ISO_IR 100"), ("é", [12])),
        (match(element(NAME, b"\xe9"), Element(ID, "IS", number), character_set="ISO_IR 144"), ("щ", [12])),
        (match(element(NAME, "A"), element(ID, "13")), ("A", ["13"])),
        (match(element(NAME, "A"), element(ID, "")), ("A", None)),
        (match(element(NAME, "A"), element(ID, "13")), ("A", ["13"])),
    ]
    for answer, (shown, value) in answers:
        found = json.loads(writer.of(answer))
        assert found["00100010"]["Value"] == [{"Alphabetic": shown}]
        assert found["00100020"].get("Value") == value


def test_group_lengths_are_left_out() -> None:
    assert DicomJSON().of(match(Element(0x00100000, "UL", b"\4\0\0\0"), element(ID, "1"))) == (
        '{"00100020":{"vr":"LO","Value":["1"]}}'
    )


def test_a_line_of_json_an_answer() -> None:
    pieces: list[str] = []
    sink = NDJSON(pieces.append, "")
    for name in ("A", "B\n"):
        sink.add(study(name))
    sink.close()
    lines = "".join(pieces).splitlines()
    assert [json.loads(line)["00100010"]["Value"][0]["Alphabetic"] for line in lines] == ["A", "B\n"]


def test_a_list_begins_with_its_first_answer() -> None:
    pieces: list[str] = []
    sink = JSONList(pieces.append, '{"matches":[', "")
    sink.close()
    assert pieces == []
    sink.add(study("A"))
    sink.add(study("B"))
    sink.close()
    assert len(json.loads("".join(pieces) + "]}")["matches"]) == 2


@given(st.binary(max_size=80), st.sampled_from(["", "ISO_IR 192", "\\ISO 2022 IR 87", "ISO_IR 100", "GB18030"]))
def test_whatever_comes_can_be_written(raw: bytes, character_set: str) -> None:
    hostile = match(
        *(Element(tag, vr, raw) for tag, vr in ((NAME, "PN"), (ID, "LO"), (NUMBER, "IS"), (0x00280010, "US"))),
        Element(0x00091001, "UN", raw),
        Element(0x00091002, "AT", raw),
        character_set=character_set,
    )
    json.loads(DicomJSON().of(hostile))
    ElementTree.fromstring(xml_of(hostile, "").encode("utf-8", "backslashreplace"))
    columns = [Column((tag,), "x", "x") for tag in hostile.elements]
    text = csv_of(hostile, columns=columns)
    assert len(list(csv.reader(io.StringIO(text)))) == 2
    assert "\x1b" not in text


# --- XML -------------------------------------------------------------------------------------------------------------


def test_xml_as_dcmtk_writes_it() -> None:
    steps = Element(STEP, "SQ", b"", ((element(MODALITY, "CT"),),))
    found = match(
        element(0x00080005, "ISO_IR 100"),
        element(MODALITIES, "CT\\SR"),
        element(NAME, b"J\xf6rg & <Co>"),
        steps,
        character_set="ISO_IR 100",
    )
    assert xml_of(found, "") == (
        '<data-set xfer="1.2.840.10008.1.2.1" name="Little Endian Explicit">\n'
        '<element tag="0008,0005" vr="CS" vm="1" len="10" name="SpecificCharacterSet">ISO_IR 192</element>\n'
        '<element tag="0008,0061" vr="CS" vm="2" len="6" name="ModalitiesInStudy">CT\\SR</element>\n'
        '<element tag="0010,0010" vr="PN" vm="1" len="12" name="PatientName">Jörg &amp; &lt;Co&gt;</element>\n'
        '<sequence tag="0040,0100" vr="SQ" card="1" name="ScheduledProcedureStepSequence">\n'
        '<item card="1">\n'
        '<element tag="0008,0060" vr="CS" vm="1" len="2" name="Modality">CT</element>\n'
        "</item>\n"
        "</sequence>\n"
        "</data-set>\n"
    )


# --- order -----------------------------------------------------------------------------------------------------------


class Collecting:
    def __init__(self) -> None:
        self.names: list[bytes] = []

    def add(self, found: Match) -> None:
        self.names.append(found.elements[NAME].value)

    def flush(self) -> None: ...

    def close(self) -> None: ...


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ([((NUMBER,), False)], [b"b", b"a", b"c"]),
        ([((NUMBER,), True)], [b"c", b"a", b"b"]),
        ([((DATE,), True), ((NAME,), False)], [b"a", b"c", b"b"]),
        ([((0x00104000,), False)], [b"a", b"b", b"c"]),
    ],
)
def test_answers_in_order(order: list[tuple[tuple[int, ...], bool]], expected: list[bytes]) -> None:
    collecting = Collecting()
    ordered = Sorted(order, [collecting], "")
    for name, number, date in (("a", "10", "20250102"), ("b", "9", "20250101"), ("c", "100", "20250102")):
        ordered.add(match(element(NAME, name), element(NUMBER, number), element(DATE, date)))
    assert collecting.names == []
    ordered.close()
    assert collecting.names == expected
