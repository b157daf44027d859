"""From keys to queries: spellings, levels, the rules of hierarchical queries, and what is sent in the end."""

from pathlib import Path

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ExplicitVRLittleEndian

from dcmnet_cli.core.identifier import Element, decode
from dcmnet_cli.errors import InputError, UsageError
from dcmnet_cli.ops.querying.find import identifier
from dcmnet_cli.ops.querying.key_tree import Key, parse_key, parse_path, path_name
from dcmnet_cli.ops.querying.keys import (
    Query,
    Shorthands,
    above,
    build_query,
    check_baseline,
    describe,
    narrowing,
    without,
)
from dcmnet_cli.ops.querying.query_file import LARGEST, read_query_file

STEP, MODALITY, STATION = 0x00400100, 0x00080060, 0x00400001


def sent(query: Query) -> dict[str, bytes]:
    """What goes over the wire, by path."""
    found: dict[str, bytes] = {}

    def walk(elements: tuple[Element, ...], above: tuple[int, ...]) -> None:
        for each in elements:
            path = (*above, each.tag)
            if each.items is None:
                found[path_name(path)] = each.value.rstrip(b"\0 ")
            for item in each.items or ():
                walk(item, path)

    walk(tuple(decode(identifier(query, True), True).values()), ())
    return found


# --- paths -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("0010,0020=123", ((0x00100020,), "123")),
        ("(0010,0020)=123", ((0x00100020,), "123")),
        ("PatientID=123", ((0x00100020,), "123")),
        ("PatientID", ((0x00100020,), "")),
        ("PatientName=A=B", ((0x00100010,), "A=B")),
        ("0020,000d", ((0x0020000D,), "")),
        ("ScheduledProcedureStepSequence[0].Modality=CT", ((STEP, MODALITY), "CT")),
        ("ScheduledProcedureStepSequence.Modality=CT", ((STEP, MODALITY), "CT")),
        ("(0040,0100)[0].(0008,0060)=CT", ((STEP, MODALITY), "CT")),
        ("0040,0100[0].0040,0001=A", ((STEP, STATION), "A")),
        (
            "ScheduledProcedureStepSequence[0].ScheduledProtocolCodeSequence[0].CodeValue=1",
            ((STEP, 0x00400008, 0x00080100), "1"),
        ),
        ("PixelSpacing", ((0x00280030,), "")),
        ("0009,1001=x", ((0x00091001,), "x")),
        ("TransmitCoilManufacturerName=x", ((0x00189050,), "x")),
    ],
)
def test_keys_in_dcmtks_spellings(word: str, expected: tuple[tuple[int, ...], str]) -> None:
    assert parse_key(word) == expected


@pytest.mark.parametrize(
    ("word", "complaint"),
    [
        ("", "write gggg,eeee"),
        ("=x", "write gggg,eeee"),
        ("PatientNmae=x", "did you mean PatientName"),
        ("0010,99=1", "write gggg,eeee"),
        ("PatientName.Modality=CT", "PatientName is no sequence"),
        ("ScheduledProcedureStepSequence[1].Modality=CT", r"\[1\], but a key sequence has one item"),
        ("ScheduledProcedureStepSequence[0].=CT", "write gggg,eeee"),
        ("0002,0010=1.2", "no place in a query"),
        ("0008,0000=1", "no place in a query"),
    ],
)
def test_what_is_no_key(word: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        parse_key(word)


def test_a_tag_that_does_not_exist() -> None:
    with pytest.raises(UsageError, match=r"no attribute has the tag \(0010,9999\)"):
        build_query("study", ["0010,9999=1"])


def test_a_sequence_takes_no_value() -> None:
    with pytest.raises(UsageError, match="is a sequence"):
        build_query("worklist", ["ScheduledProcedureStepSequence=CT"])


def test_names_of_paths_are_what_keys_are_given_by() -> None:
    for name in ("PatientName", "ScheduledProcedureStepSequence[0].Modality", "0009,1001"):
        assert path_name(parse_path(name)) == name


# --- levels ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "keys", "short", "level"),
    [
        ("study", [], Shorthands(), "STUDY"),
        ("study", ["PatientID=1"], Shorthands(), "STUDY"),
        ("study", [], Shorthands(date="today", modality="CT"), "STUDY"),
        ("study", ["StudyInstanceUID=1.2", "SeriesInstanceUID"], Shorthands(), "SERIES"),
        ("study", ["StudyInstanceUID=1.2", "Modality=CT"], Shorthands(), "SERIES"),
        ("study", [], Shorthands(study="1.2", series="1.3", instance="1.4"), "IMAGE"),
        ("study", ["QueryRetrieveLevel=SERIES"], Shorthands(study="1.2"), "SERIES"),
        ("patient", [], Shorthands(), "PATIENT"),
        ("patient", ["PatientName=A*"], Shorthands(), "PATIENT"),
        ("patient", ["PatientID=1", "StudyDate=20250101"], Shorthands(), "STUDY"),
        ("patient", [], Shorthands(patient_id="1", study="1.2", modality="MR"), "STUDY"),
        ("only", ["PatientID=1", "StudyDate"], Shorthands(), "STUDY"),
        ("worklist", [], Shorthands(modality="CT"), ""),
    ],
)
def test_the_level_follows_from_the_keys(model: str, keys: list[str], short: Shorthands, level: str) -> None:
    assert build_query(model, keys, short=short).level == level


def test_the_level_is_sent_and_a_worklist_has_none() -> None:
    assert sent(build_query("study"))["QueryRetrieveLevel"] == b"STUDY"
    assert "QueryRetrieveLevel" not in sent(build_query("worklist"))


def test_a_level_that_is_said_goes_before_the_keys() -> None:
    query = build_query("study", ["StudyInstanceUID=1.2"], level="series")
    assert query.level == "SERIES"
    assert build_query("study", ["QueryRetrieveLevel=STUDY"], level="image", relational=True).level == "IMAGE"


@pytest.mark.parametrize(
    ("model", "level"), [("study", "PATIENT"), ("only", "SERIES"), ("worklist", "STUDY"), ("study", "house")]
)
def test_levels_that_a_model_does_not_have(model: str, level: str) -> None:
    with pytest.raises(UsageError, match="level"):
        build_query(model, level=level)


@pytest.mark.parametrize(
    ("model", "keys", "missing"),
    [
        ("study", ["SeriesInstanceUID"], "StudyInstanceUID"),
        ("study", ["StudyInstanceUID=1.2", "SOPInstanceUID"], "SeriesInstanceUID"),
        ("patient", ["StudyDate=20250101"], "PatientID"),
        ("study", ["StudyInstanceUID=1.2\\1.3", "SeriesInstanceUID"], "StudyInstanceUID"),
        ("patient", ["PatientID=1*", "StudyDate"], "PatientID"),
    ],
)
def test_unique_keys_above_the_level(model: str, keys: list[str], missing: str) -> None:
    with pytest.raises(UsageError, match=f"one {missing}"):
        build_query(model, keys)
    relational = build_query(model, keys, relational=True)
    with pytest.raises(UsageError, match=f"one {missing}"):
        check_baseline(relational)
    assert build_query(model, keys, verbatim=True).level == relational.level


def test_the_hint_says_what_to_give() -> None:
    with pytest.raises(UsageError) as caught:
        build_query("study", ["Modality=CT"])
    assert "--study UID" in caught.value.hints[0]
    assert "--modality CT" in caught.value.hints[1]


def test_the_unique_key_of_the_level_is_always_there() -> None:
    assert sent(build_query("study", ["PatientName"]))["StudyInstanceUID"] == b""
    assert sent(build_query("patient", ["PatientName"]))["PatientID"] == b""
    assert sent(build_query("study", ["SeriesDescription"], short=Shorthands(study="1.2")))["SeriesInstanceUID"] == b""


def test_keys_of_other_levels_are_noted() -> None:
    query = build_query("study", ["StudyDate=20250101"], short=Shorthands(study="1.2", series="1.3"), level="SERIES")
    assert query.notes == ("StudyDate belongs to the STUDY level; at SERIES level the peer may ignore it",)
    below = build_query("study", ["Modality=CT"], level="STUDY")
    assert below.notes == ("Modality belongs to the SERIES level; at STUDY level the peer may ignore it",)
    assert build_query("study", ["PatientName=A*"]).notes == ()


# --- shorthand -------------------------------------------------------------------------------------------------------


def test_everyday_names_are_keys() -> None:
    short = Shorthands("4711", "DOE*", "A1", "1.2", modality="ct", date="2025-01-14")
    assert {name: value for name, value in sent(build_query("study", short=short)).items() if value} == {
        "QueryRetrieveLevel": b"STUDY",
        "PatientID": b"4711",
        "PatientName": b"DOE*",
        "AccessionNumber": b"A1",
        "StudyInstanceUID": b"1.2",
        "ModalitiesInStudy": b"CT",
        "StudyDate": b"20250114",
    }


def test_in_a_worklist_they_are_keys_of_the_step() -> None:
    query = build_query("worklist", short=Shorthands(modality="ct", date="2025-01-14", station="ROOM2"))
    assert {name: value for name, value in sent(query).items() if value} == {
        "ScheduledProcedureStepSequence[0].Modality": b"CT",
        "ScheduledProcedureStepSequence[0].ScheduledProcedureStepStartDate": b"20250114",
        "ScheduledProcedureStepSequence[0].ScheduledStationAETitle": b"ROOM2",
    }


def test_a_modality_of_series_is_their_own() -> None:
    query = build_query("study", short=Shorthands(study="1.2", modality="CT"), level="SERIES")
    assert sent(query)["Modality"] == b"CT"
    assert "ModalitiesInStudy" not in sent(query)


@pytest.mark.parametrize(
    ("model", "short"),
    [
        ("worklist", Shorthands(series="1.2")),
        ("worklist", Shorthands(instance="1.2")),
        ("study", Shorthands(station="A")),
    ],
)
def test_everyday_names_that_a_model_does_not_have(model: str, short: Shorthands) -> None:
    with pytest.raises(UsageError, match="worklist"):
        build_query(model, short=short)


def test_a_key_wins_over_an_everyday_name() -> None:
    assert sent(build_query("study", ["PatientID=2"], short=Shorthands(patient_id="1")))["PatientID"] == b"2"


# --- what is asked for -----------------------------------------------------------------------------------------------


def test_without_keys_to_return_there_are_useful_ones() -> None:
    query = build_query("study", short=Shorthands(date="today", modality="CT"))
    assert [path_name(path) for path in query.columns] == [
        "StudyDate",
        "StudyTime",
        "PatientName",
        "PatientID",
        "StudyDescription",
        "ModalitiesInStudy",
        "NumberOfStudyRelatedSeries",
        "NumberOfStudyRelatedInstances",
        "AccessionNumber",
        "StudyInstanceUID",
    ]
    assert set(sent(query)) == {path_name(path) for path in query.columns} | {
        "SpecificCharacterSet",
        "QueryRetrieveLevel",
    }


def test_keys_to_return_are_taken_as_they_are() -> None:
    query = build_query("study", ["PatientName", "StudyDate=today", "StudyInstanceUID"])
    assert [path_name(path) for path in query.columns] == ["PatientName", "StudyDate", "StudyInstanceUID"]
    assert set(sent(query)) == {*map(path_name, query.columns), "SpecificCharacterSet", "QueryRetrieveLevel"}


def test_verbatim_adds_the_level_and_nothing_else() -> None:
    query = build_query("study", ["PatientName=A*"], verbatim=True)
    assert sent(query) == {"PatientName": b"A*", "QueryRetrieveLevel": b"STUDY"}


def test_the_character_set_is_always_asked_for_and_declared_where_it_matters() -> None:
    assert sent(build_query("study", ["PatientName=A*"]))["SpecificCharacterSet"] == b""
    utf_8 = sent(build_query("study", ["PatientName=Müller*"]))
    assert (utf_8["SpecificCharacterSet"], utf_8["PatientName"]) == (b"ISO_IR 192", "Müller*".encode())
    latin = sent(build_query("study", ["PatientName=Müller*"], charset="ISO_IR 100"))
    assert (latin["SpecificCharacterSet"], latin["PatientName"]) == (b"ISO_IR 100", b"M\xfcller*")
    said = sent(build_query("study", ["PatientName=山*", "SpecificCharacterSet=\\ISO 2022 IR 87"]))
    assert said["PatientName"] == b"\x1b$B;3\x1b(B*"


def test_letters_that_the_character_set_does_not_have() -> None:
    with pytest.raises(UsageError, match='"山" cannot be written in ISO_IR 100'):
        build_query("study", ["PatientName=山"], charset="ISO_IR 100")
    with pytest.raises(UsageError, match="is not a character set"):
        build_query("study", ["PatientName=A", "SpecificCharacterSet=KLINGON"])


# --- narrowing -------------------------------------------------------------------------------------------------------


def test_narrowing_keys_and_the_query_without_one() -> None:
    query = build_query("study", ["PatientName=Mü*", "StudyDate=20250101", "AccessionNumber=*", "StudyID"])
    assert narrowing(query) == [((0x00100010,), "Mü*"), ((0x00080020,), "20250101")]
    assert narrowing(without(query, (0x00100010,))) == [((0x00080020,), "20250101")]
    assert describe(query) == "study root, STUDY level: PatientName=Mü*, StudyDate=20250101"


def test_nested_keys_narrow_too() -> None:
    query = build_query("worklist", short=Shorthands(modality="CT", date="20250101"))
    first, second = narrowing(query)
    assert first == ((STEP, MODALITY), "CT")
    assert narrowing(without(query, first[0])) == [second]
    assert len(sent(without(query, first[0]))) == len(sent(query))


def test_unique_keys_above_are_what_the_query_looks_within() -> None:
    query = build_query("study", ["Modality=CT"], short=Shorthands(study="1.2"))
    assert narrowing(query) == [((MODALITY,), "CT")]
    assert above(query) == [((0x0020000D,), "1.2")]
    assert describe(build_query("study")) == "study root, STUDY level: everything"


# --- query files -----------------------------------------------------------------------------------------------------


def a_query() -> Dataset:
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 100"
    dataset.QueryRetrieveLevel = "STUDY"
    dataset.PatientName = "Müller*"
    dataset.StudyDate = ""
    dataset.ProcedureCodeSequence = [Dataset()]
    dataset.ProcedureCodeSequence[0].CodeValue = "T1"
    return dataset


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, None], ids=str)
def test_a_query_in_a_file(tmp_path: Path, syntax: str | None) -> None:
    path = tmp_path / "query.dcm"
    dataset = a_query()
    if syntax is None:
        dataset.save_as(path, implicit_vr=True, little_endian=True)
    else:
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = syntax
        dataset.save_as(path)
    tree = read_query_file(str(path))
    assert tree[0x00100010] == Key("PN", "Müller*")
    found = sent(build_query("study", ["StudyDate=20250101"], tree))
    assert found["PatientName"] == b"M\xfcller*"  # the file's own character set
    assert found["ProcedureCodeSequence[0].CodeValue"] == b"T1"
    assert found["StudyDate"] == b"20250101"
    assert "StudyDescription" not in found


def test_a_query_in_json(tmp_path: Path) -> None:
    path = tmp_path / "query.json"
    path.write_text(
        '{"00080052": {"vr": "CS", "Value": ["SERIES"]}, "0020000D": {"vr": "UI", "Value": ["1.2"]},'
        ' "00100010": {"vr": "PN", "Value": [{"Alphabetic": "A^B", "Ideographic": "山"}]},'
        ' "00200011": {"vr": "IS", "Value": [4]}, "Modality": {"vr": "CS"},'
        ' "00081111": {"vr": "SQ", "Value": [{"00081150": {"vr": "UI"}}]}}',
        encoding="utf-8",
    )
    query = build_query("study", (), read_query_file(str(path)))
    assert query.level == "SERIES"
    found = sent(query)
    assert found["PatientName"] == "A^B=山".encode()
    assert found["SeriesNumber"] == b"4"
    assert found["Modality"] == b""
    assert "ReferencedPerformedProcedureStepSequence[0].ReferencedSOPClassUID" in found


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no query at all",
        b"{",
        b"[1, 2]",
        b"[]",
        b"{}x",
        b'{"00100010": 3, "0010": {}}',
        b'{"00080020": {"vr": "DA", "Value": ["soon"]}}',
        b'{"00100010": {"vr": "PN", "Value": "A"}}',
        b'{"00100010": {"vr": "PN", "Value": [true]}}',
        b'{"Nothing": {"vr": "PN"}}',
        b'{"00400100": {"vr": "SQ", "Value": [1]}}',
        b"[" * 100000,
        b"\x10\0\x10\0\xff\0\0\0A",
        b" " * (LARGEST + 1),
    ],
)
def test_files_that_are_no_query(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "query"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_query_file(str(path))
    assert str(path) in caught.value.message
    assert "\n" not in caught.value.message


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_query_file(str(tmp_path / "absent"))
    with pytest.raises(InputError, match="not a regular file"):
        read_query_file(str(tmp_path))
    dataset = a_query()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    dataset.save_as(tmp_path / "big.dcm")
    with pytest.raises(InputError, match="big endian"):
        read_query_file(str(tmp_path / "big.dcm"))
