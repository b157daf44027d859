import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcmnet_cli.errors import UsageError
from dcmnet_cli.ops.listening.filenames import LONGEST_NAME
from dcmnet_cli.ops.listening.name_fields import find_element, text_of
from dcmnet_cli.ops.listening.naming import NameOptions, Naming

CT = "1.2.840.10008.5.1.4.1.1.2"
AT = time.mktime((2024, 1, 31, 14, 23, 59, 0, 0, -1)) + 0.042
PATIENT_ID, STUDY_DATE, MODALITY, SERIES_NUMBER = 0x00100020, 0x00080020, 0x00080060, 0x00200011
PATIENT_NAME, CHARACTER_SET = 0x00100010, 0x00080005


def named(template: str, values: dict[int, str] | None = None, naming: Naming | None = None) -> str:
    naming = naming or Naming(NameOptions(template=template))
    return naming.path(sop_class_uid=CT, sop_instance_uid="1.2.3", calling="CT1", called="US", values=values, at=AT)


def test_the_template_of_the_manual() -> None:
    naming = Naming(NameOptions(template="{PatientID}/{StudyDate}-{Modality}/{SOPInstanceUID}.dcm"))
    assert naming.wanted == {PATIENT_ID, STUDY_DATE, MODALITY, CHARACTER_SET}
    values = {PATIENT_ID: "0815", STUDY_DATE: "20240131", MODALITY: "CT"}
    assert named("", values, naming=naming) == "0815/20240131-CT/1.2.3.dcm"
    assert named("", {}, naming=naming) == "unknown/unknown-unknown/1.2.3.dcm"


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("{SeriesNumber:04}", "0007"),
        ("{SeriesNumber:03.1}", "007"),
        ("{StudyDate:.4}/{StudyDate:.6}", "2024/202401"),
        ("{Modality:04}", "CT"),
        ("{CallingAET}@{CalledAET}", "CT1@US"),
        ("{date}-{time}", "20240131-142359"),
        ("{sequence:05}", "00001"),
        ("x{{y}}", "x{y}"),
        ("{SOPClassUID}/{SOPInstanceUID}", f"{CT}/1.2.3"),
        ("all/{SOPInstanceUID}", "all/1.2.3"),
    ],
)
def test_formats(template: str, path: str) -> None:
    values = {SERIES_NUMBER: "7", STUDY_DATE: "20240131", MODALITY: "CT"}
    assert named(template, values) == path


def test_the_sequence_counts_every_object() -> None:
    naming = Naming(NameOptions(template="{sequence}.dcm"))
    assert [named("", naming=naming) for _ in range(3)] == ["1.dcm", "2.dcm", "3.dcm"]


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("{PatientId}/x", "did you mean PatientID"),
        ("{CallingAE}", "CallingAET"),
        ("{Nonsense99}", "no element has the keyword"),
        ("{PixelData}", "not a text"),
        ("{Rows}", "not a text"),
        ("{ReferencedSeriesSequence}", "not a text"),
        ("{TransferSyntaxUID!r}", "!r means nothing"),
        ("{PatientID.x}", "no element"),
        ("{PatientID[0]}", "no element"),
        ("{PatientID:>9}", "neither"),
        ("{PatientID:{Modality}}", "neither"),
        ("{}", "without a keyword"),
        ("{PatientID", "expected '}'"),
        ("x}", "single"),
        ("/{SOPInstanceUID}", "every part"),
        ("{PatientID}//{SOPInstanceUID}", "every part"),
        ("{PatientID}/", "every part"),
        ("../{SOPInstanceUID}", "begins"),
        ("./{SOPInstanceUID}", "begins"),
        ("a/../{SOPInstanceUID}", "begins"),
        (".hidden/{SOPInstanceUID}", "begins"),
        ("-x/{SOPInstanceUID}", "begins"),
        ("a\\{SOPInstanceUID}", "backslash"),
        ("a\0{SOPInstanceUID}", "unprintable"),
        ("a\n{SOPInstanceUID}", "unprintable"),
        ("con/{SOPInstanceUID}", "cannot be a name"),
        ("a./{SOPInstanceUID}", "cannot be a name"),
        ("x" * 60 + "{SOPInstanceUID}", "fixed text"),
        ("a/" * 12 + "{SOPInstanceUID}", "folders"),
    ],
)
def test_templates_that_are_refused_at_the_start(template: str, told: str) -> None:
    with pytest.raises(UsageError, match=re.escape(told)):
        Naming(NameOptions(template=template))


def test_no_value_makes_a_new_folder() -> None:
    naming = Naming(NameOptions(template="{PatientID}/{SOPInstanceUID}"))
    assert named("", {PATIENT_ID: "a/b/c"}, naming=naming).count("/") == 1


def test_two_patients_never_share_a_folder_because_both_were_cleaned() -> None:
    naming = Naming(NameOptions(template="{PatientID}/{SOPInstanceUID}"))
    folders = {named("", {PATIENT_ID: each}, naming=naming) for each in ("a/b", "a_b", "a:b", "a*b", "a?b")}
    assert len(folders) == 5


def test_a_name_that_is_cut_keeps_its_extension() -> None:
    naming = Naming(NameOptions(template="{PatientID}{PatientID}-{SOPInstanceUID}.dcm"))
    first, second = (
        naming.path(sop_class_uid=CT, sop_instance_uid=uid, values={PATIENT_ID: "p" * 64}) for uid in ("1.2", "1.3")
    )
    assert first.endswith(".dcm")
    assert len(first) == LONGEST_NAME
    assert first != second


def test_cutting_respects_letters_of_several_bytes() -> None:
    naming = Naming(NameOptions(template="{PatientName}"))
    value = ("\u5c71" * 60).encode().decode("ascii", "surrogateescape")
    name = named("", {PATIENT_NAME: value, CHARACTER_SET: "ISO_IR 192"}, naming=naming)
    assert re.fullmatch("\u5c71+-[0-9a-f]{12}", name)
    assert LONGEST_NAME - 2 <= len(name.encode()) <= LONGEST_NAME


# --- text -----------------------------------------------------------------------------------------------------


def raw(data: bytes) -> str:
    return data.decode("ascii", "surrogateescape")


@pytest.mark.parametrize(
    ("value", "character_set", "vr", "text"),
    [
        ("Doe^Jane^^^", "", "PN", "Doe^Jane"),
        ("=^^=Yamada", "", "PN", "Yamada"),
        ("ORIGINAL\\PRIMARY", "", "CS", "ORIGINAL"),
        (" x ", "", "LO", "x"),
        (raw("M\u00fcller".encode("latin-1")), "ISO_IR 100", "PN", "M\u00fcller"),
        (raw("M\u00fcller".encode("latin-1")), "", "PN", "M\u00fcller"),
        (raw("\u5c71\u7530".encode()), "ISO_IR 192", "LO", "\u5c71\u7530"),
        (raw("\u738b".encode("gb18030")), "GB18030", "LO", "\u738b"),
        (raw(b"\xff\xfe"), "ISO_IR 192", "LO", "\ufffd\ufffd"),
        (raw(b"\xe9"), "NONSENSE", "LO", "\u00e9"),
        (raw("\u5c71\u7530".encode()), "", "PN", "\u5c71\u7530"),
        (
            "Yamada^Tarou=" + raw(b"\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B"),
            "\\ISO 2022 IR 87",
            "PN",
            "Yamada^Tarou",
        ),
        (raw(b"\x1b$B;3ED\x1b(B"), "\\ISO 2022 IR 87", "LO", "\u5c71\u7530"),
    ],
)
def test_text_by_its_character_set(value: str, character_set: str, vr: str, text: str) -> None:
    assert text_of(value, character_set, vr) == text


@given(
    st.binary(max_size=80), st.sampled_from(["", "ISO_IR 192", "\\ISO 2022 IR 87", "ISO 2022 IR 149", "x\\y", "GBK"])
)
def test_no_bytes_are_too_odd_to_name(value: bytes, character_set: str) -> None:
    path = named("{PatientName}", {PATIENT_NAME: raw(value), CHARACTER_SET: character_set})
    assert 0 < len(path.encode()) <= LONGEST_NAME
    assert path.isprintable()
    assert path[0] not in ".- "
    assert not set(path) & set("/\\\0")


def test_the_usual_keywords_are_those_of_the_dictionary() -> None:
    from pydicom.datadict import dictionary_VR, tag_for_keyword

    from dcmnet_cli.ops.listening.name_fields import _usual

    assert len(_usual()) > 40
    for keyword, (tag, vr) in _usual().items():
        assert (tag_for_keyword(keyword), dictionary_VR(tag)) == (tag, vr), keyword


def test_other_keywords_come_from_the_dictionary() -> None:
    assert find_element("ContrastBolusAgent") == (0x00180010, "LO")
