"""Queries over an index: models, levels, keys, and what comes back."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dcmnet_cli.archive.index import Index
from dcmnet_cli.archive.matching import QUERY_RULES, Rules
from dcmnet_cli.archive.query import PATIENT_ROOT, PATIENT_STUDY_ONLY, STUDY_ROOT, BadIdentifier, Model, Query
from dcmnet_cli.archive.retrieve import Selection
from dcmnet_cli.archive.values import Attribute, Attributes, dictionary_vr, read_attributes, write_attributes
from dcmnet_cli.core.attributes import tag_of
from dcmnet_cli.core.identifier import Element, encode
from tests import collection
from tests.collection import STUDIES

LEVEL = 0x00080052


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    folder: Path = tmp_path_factory.mktemp("archive")
    collection.write(folder)
    opened = Index(str(folder), print, rebuild=True)
    yield opened
    opened.close()


def tag(keyword: str) -> int:
    found = tag_of(keyword)
    assert found is not None
    return found


def identifier(level: str, **keys: str | Attribute) -> Attributes:
    found = {LEVEL: Attribute(LEVEL, "CS", level)}
    for keyword, value in keys.items():
        number = tag(keyword)
        found[number] = value if isinstance(value, Attribute) else Attribute(number, dictionary_vr(number), value)
    return found


def ask(
    index: Index,
    model: Model,
    level: str,
    rules: Rules = QUERY_RULES,
    *,
    relational: bool = False,
    **keys: str | Attribute,
) -> list[dict[str, str]]:
    """The answers, each by the keywords that were asked for."""
    query = Query(model, identifier(level, **keys), rules, relational=relational, title="ARCHIVE")
    with index.reading() as connection:
        answers = list(filter(None, query.run(connection, index.absolute)))
    for answer in answers:
        assert answer[LEVEL].text == level
        assert answer[0x00080054].text == "ARCHIVE"
    return [{key: answer[tag(key)].text for key in keys if tag(key) in answer} for answer in answers]


def studies(index: Index, rules: Rules = QUERY_RULES, **keys: str | Attribute) -> set[int]:
    """The numbers of the studies that match."""
    found = ask(index, STUDY_ROOT, "STUDY", rules, **{"StudyInstanceUID": "", **keys})
    return {int(answer["StudyInstanceUID"].rpartition(".")[2]) for answer in found}


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ({}, {1, 2, 3, 4, 5, 6}),
        ({"PatientID": "PAT-A"}, {1, 2}),
        ({"PatientID": "PAT-?"}, {1, 2, 3, 4, 5, 6}),
        ({"PatientID": "*-B"}, {3, 4}),
        ({"PatientID": "pat-a"}, set()),
        ({"PatientName": "muller^jurgen"}, {1, 2}),
        ({"PatientName": "MÜLLER*"}, {1, 2}),
        ({"PatientName": "*tarou"}, {3, 4}),
        ({"PatientName": "山田^太郎"}, {3, 4}),
        ({"PatientName": "やまだ*"}, {3, 4}),
        ({"PatientName": "王*"}, {5, 6}),
        ({"PatientName": "nobody"}, set()),
        # Study 6 has no date: that matches every date (PS3.4 C.2.2.1.2).
        ({"StudyDate": "20230615"}, {2, 3, 6}),
        ({"StudyDate": "20230101-20231231"}, {1, 2, 3, 6}),
        ({"StudyDate": "20240229-"}, {4, 5, 6}),
        ({"StudyDate": "-20230110"}, {1, 6}),
        ({"StudyTime": "223000"}, {3, 6}),
        ({"StudyTime": "0800-1000"}, {1, 4, 6}),
        ({"AccessionNumber": "ACC4"}, {4}),
        ({"AccessionNumber": "ACC*", "StudyDescription": "Head"}, {2, 5, 6}),
        ({"StudyInstanceUID": f"{STUDIES[0].uid}\\{STUDIES[4].uid}\\1.2.3"}, {1, 5}),
        ({"ModalitiesInStudy": "SR"}, {1, 2, 5, 6}),
        ({"ModalitiesInStudy": "U?"}, {3, 6}),
        ({"SOPClassesInStudy": collection.CLASSES["MR"]}, {2, 5}),
        ({"PatientSex": "F"}, {5, 6}),
        ({"PatientBirthDate": "19560712"}, {1, 2, 3, 4, 5, 6}),
        ({"ReferringPhysicianName": "dok*"}, {1, 2, 3, 4, 5, 6}),
    ],
)
def test_studies(index: Index, keys: dict[str, str], found: set[int]) -> None:
    assert studies(index, **keys) == found


def test_a_sequence_is_matched_in_the_object(index: Index) -> None:
    item = {0x00080100: Attribute(0x00080100, "SH", "P-4")}
    key = Attribute(0x00081032, "SQ", items=(item,))
    assert studies(index, ProcedureCodeSequence=key) == {4}
    query = Query(STUDY_ROOT, identifier("STUDY", ProcedureCodeSequence=key), QUERY_RULES, relational=False, title="X")
    with index.reading() as connection:
        (answer,) = filter(None, query.run(connection, index.absolute))
    assert answer[0x00081032].items == (item,)  # the coding scheme was not asked for


def test_what_is_counted_and_collected(index: Index) -> None:
    (answer,) = ask(
        index,
        STUDY_ROOT,
        "STUDY",
        AccessionNumber="ACC2",
        ModalitiesInStudy="",
        NumberOfStudyRelatedSeries="",
        NumberOfStudyRelatedInstances="",
        InstanceAvailability="",
    )
    assert set(answer.pop("ModalitiesInStudy").split("\\")) == {"MR", "SR"}
    assert answer == {
        "AccessionNumber": "ACC2",
        "NumberOfStudyRelatedSeries": "4",
        "NumberOfStudyRelatedInstances": "8",
        "InstanceAvailability": "ONLINE",
    }


def test_patients(index: Index) -> None:
    found = ask(
        index,
        PATIENT_ROOT,
        "PATIENT",
        PatientID="",
        PatientName="",
        NumberOfPatientRelatedStudies="",
        NumberOfPatientRelatedSeries="",
        NumberOfPatientRelatedInstances="",
    )
    assert [tuple(answer.values()) for answer in found] == [
        ("PAT-A", collection.MUELLER, "2", "7", "14"),
        ("PAT-B", collection.YAMADA, "2", "6", "12"),
        ("PAT-C", collection.WANG, "2", "7", "14"),
    ]
    assert ask(index, PATIENT_STUDY_ONLY, "PATIENT", PatientID="", PatientName="yama*") == [
        {"PatientID": "PAT-B", "PatientName": collection.YAMADA}
    ]


def test_the_hierarchy(index: Index) -> None:
    study = STUDIES[1]
    found = ask(index, PATIENT_ROOT, "STUDY", PatientID="PAT-A", StudyInstanceUID="")
    assert {answer["StudyInstanceUID"] for answer in found} == {STUDIES[0].uid, study.uid}
    assert ask(index, PATIENT_ROOT, "STUDY", PatientID="PAT-B", StudyInstanceUID=study.uid) == []
    series = ask(
        index,
        STUDY_ROOT,
        "SERIES",
        StudyInstanceUID=study.uid,
        SeriesInstanceUID="",
        Modality="SR",
        NumberOfSeriesRelatedInstances="",
        SeriesDescription="",
    )
    assert series == [
        {
            "StudyInstanceUID": study.uid,
            "SeriesInstanceUID": study.series_uid(3),
            "Modality": "SR",
            "NumberOfSeriesRelatedInstances": "2",
            "SeriesDescription": "series 3",
        }
    ]
    images = ask(
        index,
        PATIENT_ROOT,
        "IMAGE",
        PatientID="PAT-A",
        StudyInstanceUID=study.uid,
        SeriesInstanceUID=study.series_uid(0),
        SOPInstanceUID="",
        InstanceNumber="2",
        ImageType="",
        AvailableTransferSyntaxUID="",
    )
    assert images == [
        {
            "PatientID": "PAT-A",
            "StudyInstanceUID": study.uid,
            "SeriesInstanceUID": study.series_uid(0),
            "SOPInstanceUID": study.instance_uid(0, 1),
            "InstanceNumber": "2",
            "ImageType": "ORIGINAL\\PRIMARY",
            "AvailableTransferSyntaxUID": "1.2.840.10008.1.2.1",
        }
    ]


def test_unique_keys_of_the_levels_above_come_back_unasked(index: Index) -> None:
    keys = identifier("SERIES", StudyInstanceUID=STUDIES[0].uid, Modality="SR")
    query = Query(STUDY_ROOT, keys, QUERY_RULES, relational=False, title="X")
    with index.reading() as connection:
        (answer,) = filter(None, query.run(connection, index.absolute))
    assert answer[0x0020000D].text == STUDIES[0].uid
    assert answer[0x0020000E].text == STUDIES[0].series_uid(2)


@pytest.mark.parametrize(
    ("model", "level", "keys", "offending"),
    [
        (STUDY_ROOT, "", {}, 0x00080052),
        (STUDY_ROOT, "PATIENT", {}, 0x00080052),
        (STUDY_ROOT, "STUDIES", {}, 0x00080052),
        (PATIENT_STUDY_ONLY, "SERIES", {"PatientID": "1", "StudyInstanceUID": "1.2"}, 0x00080052),
        (PATIENT_ROOT, "STUDY", {}, 0x00100020),
        (PATIENT_ROOT, "STUDY", {"PatientID": "PAT*"}, 0x00100020),
        (STUDY_ROOT, "SERIES", {}, 0x0020000D),
        (STUDY_ROOT, "SERIES", {"StudyInstanceUID": "1.2\\1.3"}, 0x0020000D),
        (STUDY_ROOT, "IMAGE", {"StudyInstanceUID": "1.2"}, 0x0020000E),
        (STUDY_ROOT, "IMAGE", {"StudyInstanceUID": "1.2", "SeriesInstanceUID": "*"}, 0x0020000E),
    ],
)
def test_what_does_not_fit_the_model(model: Model, level: str, keys: dict[str, str], offending: int) -> None:
    with pytest.raises(BadIdentifier) as caught:
        Query(model, identifier(level, **keys), QUERY_RULES, relational=False, title="X")
    assert caught.value.tag == offending
    with pytest.raises(BadIdentifier) as caught:
        Selection(model, identifier(level, **keys), relational=False)
    assert caught.value.tag == offending


def test_relational_queries_need_no_keys_above(index: Index) -> None:
    found = ask(index, STUDY_ROOT, "IMAGE", relational=True, PatientID="PAT-C", Modality="SR", SOPInstanceUID="")
    assert {answer["SOPInstanceUID"] for answer in found} == {
        STUDIES[number].instance_uid(series, image) for number, series in ((4, 3), (5, 1)) for image in (0, 1)
    }


def test_combined_date_and_time(index: Index) -> None:
    keys = {"StudyDate": "20230615-20240229", "StudyTime": "1500-0900"}
    assert studies(index, **keys) == {6}
    assert studies(index, Rules(combined=True), **keys) == {3, 4, 6}


def test_empty_values(index: Index) -> None:
    assert studies(index, Rules(empty_values=True), StudyDate='""') == {6}


@pytest.mark.parametrize(
    ("keys", "unsure"),
    [
        ({"PatientID": "PAT-A"}, False),
        ({"NumberOfStudyRelatedInstances": ""}, False),
        ({"NumberOfStudyRelatedInstances": "5"}, True),
        ({"Modality": "CT"}, True),
        ({"SliceThickness": ""}, True),
        ({"NumberOfPatientRelatedStudies": ""}, True),
    ],
)
def test_answers_say_when_keys_are_not_matched(keys: dict[str, str], unsure: bool) -> None:
    query = Query(STUDY_ROOT, identifier("STUDY", **keys), QUERY_RULES, relational=False, title="X")
    assert query.is_unsure is unsure


def test_unsupported_keys_are_left_out(index: Index) -> None:
    (answer,) = ask(index, STUDY_ROOT, "STUDY", AccessionNumber="ACC1", Modality="", StudyID="", EthnicGroup="")
    assert answer == {"AccessionNumber": "ACC1", "StudyID": "1", "EthnicGroup": ""}


def selected(index: Index, model: Model, level: str, *, relational: bool = False, **keys: str) -> set[str]:
    selection = Selection(model, identifier(level, **keys), relational=relational)
    with index.reading() as connection:
        found = list(selection.run(connection))
    for one in found:
        assert Path(index.absolute(one.path)).name == f"{one.sop_instance_uid}.dcm"
        assert one.sop_class_uid in collection.CLASSES.values()
        assert one.transfer_syntax_uid == "1.2.840.10008.1.2.1"
    assert len({one.sop_instance_uid for one in found}) == len(found)
    return {one.sop_instance_uid.removeprefix(f"{collection.ROOT}.") for one in found}


def test_selections(index: Index) -> None:
    first, second = STUDIES[:2]
    assert len(selected(index, PATIENT_ROOT, "PATIENT", PatientID="PAT-A")) == 14
    assert len(selected(index, STUDY_ROOT, "STUDY", StudyInstanceUID=f"{first.uid}\\{second.uid}")) == 14
    assert len(selected(index, STUDY_ROOT, "STUDY", StudyInstanceUID=f"{first.uid}\\{first.uid}")) == 6
    keys = {"StudyInstanceUID": first.uid, "SeriesInstanceUID": first.series_uid(1)}
    assert selected(index, STUDY_ROOT, "SERIES", **keys) == {"1.2.1", "1.2.2"}
    uids = "\\".join((first.instance_uid(1, 0), first.instance_uid(1, 1), second.instance_uid(0, 0)))
    assert selected(index, STUDY_ROOT, "IMAGE", **keys, SOPInstanceUID=uids) == {"1.2.1", "1.2.2"}
    assert selected(index, STUDY_ROOT, "IMAGE", relational=True, SOPInstanceUID=uids) == {"1.2.1", "1.2.2", "2.1.1"}
    assert selected(index, PATIENT_ROOT, "STUDY", PatientID="PAT-B", StudyInstanceUID=first.uid) == set()
    many = "\\".join([first.uid, *(f"1.2.3.{number}" for number in range(3000))])
    assert len(selected(index, STUDY_ROOT, "STUDY", StudyInstanceUID=many)) == 6


def test_a_selection_needs_its_own_unique_key() -> None:
    with pytest.raises(BadIdentifier) as caught:
        Selection(STUDY_ROOT, identifier("STUDY"), relational=True)
    assert caught.value.tag == 0x0020000D


@pytest.mark.parametrize(
    ("wanted", "name", "declared"),
    [
        ("", "Doe^Jane", ""),
        ("ISO_IR 100", "Doe^Jane", ""),
        ("ISO_IR 100", collection.MUELLER, "ISO_IR 100"),
        ("", collection.MUELLER, "ISO_IR 192"),
        ("ISO_IR 100", collection.WANG, "ISO_IR 192"),
        ("\\ISO 2022 IR 87", collection.YAMADA, "\\ISO 2022 IR 87"),
    ],
)
@pytest.mark.parametrize("explicit", [True, False])
def test_answers_in_the_character_set_that_was_asked_in(wanted: str, name: str, declared: str, explicit: bool) -> None:
    item = {0x00081050: Attribute(0x00081050, "PN", name)}
    answer = {0x00100010: Attribute(0x00100010, "PN", name), 0x00400100: Attribute(0x00400100, "SQ", items=(item,))}
    data = write_attributes(answer, (wanted,) if wanted else (), explicit)
    found, character_set = read_attributes(data, explicit)
    assert character_set == declared
    assert found.pop(0x00080005, None) == (Attribute(0x00080005, "CS", declared) if declared else None)
    assert found == answer


@pytest.mark.parametrize("explicit", [True, False])
def test_plain_answers_are_written_as_any_others(explicit: bool) -> None:
    values = {0x00080005: ("CS", ""), 0x00080020: ("DA", "20250114"), 0x00080050: ("SH", "X"), 0x00100010: ("PN", "")}
    values |= {
        0x0020000D: ("UI", "1.2.3"),
        0x00201208: ("IS", "7"),
        0x00080061: ("CS", "CT\\SR"),
        0x00091001: ("LO", "x"),
    }
    answer = {tag: Attribute(tag, vr, text) for tag, (vr, text) in values.items()}
    elements = [Element(tag, vr, text.encode()) for tag, (vr, text) in values.items() if tag != 0x00080005]
    assert write_attributes(answer, (), explicit) == encode(elements, explicit)


@pytest.mark.parametrize("explicit", [True, False])
@pytest.mark.parametrize(
    ("level", "keys"),
    [
        ("STUDY", {"PatientID": "PAT-*", "PatientName": "", "StudyDate": "", "ModalitiesInStudy": ""}),
        ("STUDY", {"StudyTime": "-1200", "NumberOfStudyRelatedInstances": "", "ReferringPhysicianName": "dok*"}),
        ("SERIES", {"Modality": "CT", "SeriesNumber": "", "RetrieveAETitle": "", "PatientName": "mül*"}),
        ("IMAGE", {"SOPInstanceUID": STUDIES[0].instance_uid(0, 0), "Rows": ""}),
        ("PATIENT", {"PatientID": "", "NumberOfPatientRelatedStudies": ""}),
    ],
)
def test_answers_come_encoded_as_they_are(index: Index, level: str, keys: dict[str, str], explicit: bool) -> None:
    query = Query(PATIENT_ROOT, identifier(level, **keys), QUERY_RULES, relational=True, title="ARCHIVE")

    def write(answer: Attributes) -> bytes:
        return write_attributes(answer, (), explicit)

    with index.reading() as connection:
        answers = [write(each) for each in query.run(connection, index.absolute) if each is not None]
        encoded = [each for each in query.encoded(connection, index.absolute, write, explicit) if each is not None]
    assert encoded == answers
    assert answers
