import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom._uid_dict import UID_dictionary
from pydicom.uid import UID

import dcmnet_cli
from dcmnet_cli.core import uids
from dcmnet_cli.core.transfer_syntax_table import TRANSFER_SYNTAXES
from dcmnet_cli.core.uid_table import ENTRIES

KINDS = {"SOP Class", "Meta SOP Class", "Service Class", "Transfer Syntax", "Well-known SOP Instance"}
# Registered after the edition that pydicom 3.0 knows.
NEWER = {
    "1.2.840.10008.1.2.4.110",
    "1.2.840.10008.1.2.4.111",
    "1.2.840.10008.1.2.4.112",
    "1.2.840.10008.1.2.8.1",
    "1.2.840.10008.5.1.4.1.1.9.100.1",
    "1.2.840.10008.5.1.4.1.1.9.100.2",
    "1.2.840.10008.5.1.4.1.1.66.7",
    "1.2.840.10008.5.1.4.1.1.66.8",
    "1.2.840.10008.5.1.4.1.1.601.3",
    "1.2.840.10008.5.1.4.1.1.601.4",
    "1.2.840.10008.5.1.4.1.1.601.5",
}
# pydicom judges by position in the tree; PS3.5 says referenced, deflated, implicit or (XML, 1.2.6.2) neither.
MISJUDGED = ("1.2.6.2", "1.2.4.94", "1.2.4.95", "1.2.4.204", "1.2.4.205", "1.2.7.1", "1.2.7.2", "1.2.7.3", "1.20")


def squeezed(name: str) -> str:
    return re.sub(r"\s+", " ", name).replace("–", "-").strip()


def everything() -> dict[str, uids.UIDEntry]:
    found = {uid: uids.lookup(uid) for uid in (*ENTRIES, *TRANSFER_SYNTAXES)}
    return {uid: entry for uid, entry in found.items() if entry}


def test_every_uid_of_the_kinds_we_name_is_there_and_no_other() -> None:
    known = {uid for uid, (_, kind, *_) in UID_dictionary.items() if kind in KINDS}
    assert set(everything()) == known | NEWER | {uids.APPLICATION_CONTEXT}


def test_names_keywords_and_kinds_agree_with_pydicom() -> None:
    differing = {}
    for uid, entry in everything().items():
        if uid in NEWER:
            continue
        name, kind, _, retired, keyword = UID_dictionary[uid]
        theirs = (squeezed(name), keyword, kind, retired == "Retired")
        ours = (squeezed(entry.name), entry.keyword, entry.kind, entry.retired)
        if theirs != ours:
            differing[uid] = (theirs, ours)
    # Some names of pydicom go on to say what the transfer syntax is the default for.
    assert {uid for uid in differing if differing[uid][0][1:] != differing[uid][1][1:]} == set()
    for theirs, ours in differing.values():
        assert theirs[0].startswith(ours[0])


@pytest.mark.parametrize("uid", sorted(set(TRANSFER_SYNTAXES) - NEWER - {uids.DICOM_ROOT + uid for uid in MISJUDGED}))
def test_transfer_syntax_flags_agree_with_pydicom(uid: str) -> None:
    ours, theirs = TRANSFER_SYNTAXES[uid], UID(uid)
    assert (ours.vr == "implicit") == theirs.is_implicit_VR
    assert (ours.endian == "little") == theirs.is_little_endian
    assert ours.deflated == theirs.is_deflated
    # pydicom takes the retired MIME wrapping for compressed pixel data.
    assert (ours.encapsulated or uid == "1.2.840.10008.1.2.6.1") == theirs.is_encapsulated


IMPLICIT, EXPLICIT = ("implicit", "little"), ("explicit", "little")


@pytest.mark.parametrize(
    ("suffix", "keyword", "coding", "encapsulated", "deflated", "lossy", "retired", "video"),
    [
        ("2", "ImplicitVRLittleEndian", IMPLICIT, False, False, "no", False, False),
        ("2.1", "ExplicitVRLittleEndian", EXPLICIT, False, False, "no", False, False),
        ("2.1.98", "EncapsulatedUncompressedExplicitVRLittleEndian", EXPLICIT, True, False, "no", False, False),
        ("2.1.99", "DeflatedExplicitVRLittleEndian", EXPLICIT, False, True, "no", False, False),
        ("2.2", "ExplicitVRBigEndian", ("explicit", "big"), False, False, "no", True, False),
        ("2.4.50", "JPEGBaseline8Bit", EXPLICIT, True, False, "yes", False, False),
        ("2.4.57", "JPEGLossless", EXPLICIT, True, False, "no", False, False),
        ("2.4.65", "JPEGLosslessHierarchical28", EXPLICIT, True, False, "no", True, False),
        ("2.4.70", "JPEGLosslessSV1", EXPLICIT, True, False, "no", False, False),
        ("2.4.81", "JPEGLSNearLossless", EXPLICIT, True, False, "yes", False, False),
        ("2.4.90", "JPEG2000Lossless", EXPLICIT, True, False, "no", False, False),
        ("2.4.91", "JPEG2000", EXPLICIT, True, False, "possibly", False, False),
        ("2.4.95", "JPIPReferencedDeflate", EXPLICIT, False, True, "possibly", False, False),
        ("2.4.100", "MPEG2MPML", EXPLICIT, True, False, "yes", False, True),
        ("2.4.108", "HEVCM10P51", EXPLICIT, True, False, "yes", False, True),
        ("2.4.110", "JPEGXLLossless", EXPLICIT, True, False, "no", False, False),
        ("2.4.203", "HTJ2K", EXPLICIT, True, False, "possibly", False, False),
        ("2.5", "RLELossless", EXPLICIT, True, False, "no", False, False),
        ("2.8.1", "DeflatedImageFrameCompression", EXPLICIT, True, False, "no", False, False),
        ("20", "Papyrus3ImplicitVRLittleEndian", IMPLICIT, False, False, "no", True, False),
    ],
)
def test_transfer_syntax_rows(
    suffix: str,
    keyword: str,
    coding: tuple[str, str],
    encapsulated: bool,
    deflated: bool,
    lossy: str,
    retired: bool,
    video: bool,
) -> None:
    found = uids.transfer_syntax(f"1.2.840.10008.1.{suffix}")
    assert found is not None
    assert (found.keyword, (found.vr, found.endian)) == (keyword, coding)
    assert (found.encapsulated, found.deflated, found.lossy) == (encapsulated, deflated, lossy)
    assert (found.retired, found.video) == (retired, video)


def test_only_what_no_association_carries_is_not_negotiated() -> None:
    never = {uid.removeprefix("1.2.840.10008.1.") for uid, syntax in TRANSFER_SYNTAXES.items() if not syntax.negotiated}
    assert never == {"2.6.1", "2.6.2", "2.7.1", "2.7.2", "2.7.3", "20"}


@pytest.mark.parametrize(
    ("suffix", "name", "kind", "retired", "service_class"),
    [
        ("1.1", "Verification SOP Class", "SOP Class", False, "Verification"),
        ("4.2", "Storage Service Class", "Service Class", False, "Storage"),
        ("5.1.1.9", "Basic Grayscale Print Management Meta SOP Class", "Meta SOP Class", False, "Print Management"),
        ("5.1.4.1.1.2", "CT Image Storage", "SOP Class", False, "Storage"),
        ("5.1.4.1.1.6", "Ultrasound Image Storage", "SOP Class", True, "Storage"),
        ("5.1.4.1.1.66.7", "Label Map Segmentation Storage", "SOP Class", False, "Storage"),
        ("5.1.4.38.1", "Hanging Protocol Storage", "SOP Class", False, "Non-Patient Object Storage"),
        ("5.1.4.31", "Modality Worklist Information Model - FIND", "SOP Class", False, "Basic Worklist Management"),
        ("1.2.4.50", "JPEG Baseline (Process 1)", "Transfer Syntax", False, ""),
        ("3.1.1.1", "DICOM Application Context Name", "Application Context Name", False, ""),
        ("1.20.1.1", "Storage Commitment Push Model SOP Instance", "Well-known SOP Instance", False, ""),
    ],
)
def test_lookup_rows(suffix: str, name: str, kind: str, retired: bool, service_class: str) -> None:
    entry = uids.lookup(f"1.2.840.10008.{suffix}")
    assert entry is not None
    assert (entry.name, entry.kind, entry.retired, entry.service_class) == (name, kind, retired, service_class)
    assert uids.uid_name(entry.uid) == name


def test_private_uids_have_no_name() -> None:
    assert uids.uid_name("1.2.3.4") == ""
    assert uids.short_name("1.2.3.4") == ""
    assert uids.lookup("") is None
    assert uids.transfer_syntax("1.2.840.10008.1.1") is None


def test_constants_are_uids_of_the_standard() -> None:
    constants = {name: value for name, value in vars(uids).items() if name.isupper() and isinstance(value, str)}
    for name, value in constants.items():
        if name not in ("DICOM_ROOT", "IMPLEMENTATION_CLASS_UID", "IMPLEMENTATION_VERSION_NAME"):
            assert uids.lookup(value), name
    assert uids.lookup(uids.STUDY_ROOT_MOVE).keyword == "StudyRootQueryRetrieveInformationModelMove"  # type: ignore[union-attr]
    assert uids.lookup(uids.PATIENT_ROOT_GET).keyword == "PatientRootQueryRetrieveInformationModelGet"  # type: ignore[union-attr]
    assert uids.lookup(uids.UPS_PULL).keyword == "UnifiedProcedureStepPull"  # type: ignore[union-attr]
    assert uids.lookup(uids.JPEG_LS_LOSSLESS).keyword == "JPEGLSLossless"  # type: ignore[union-attr]


def test_implementation_identity_fits_its_items() -> None:
    assert uids.is_valid_uid(uids.IMPLEMENTATION_CLASS_UID)
    number = int(uids.IMPLEMENTATION_CLASS_UID.removeprefix("2.25."))
    assert (number >> 76) & 0xF == 4, "a random UUID carries its version"
    assert number >> 62 & 3 == 2, "and its variant"
    assert 1 <= len(uids.IMPLEMENTATION_VERSION_NAME) <= 16
    assert dcmnet_cli.__version__.replace(".", "") in uids.IMPLEMENTATION_VERSION_NAME


@pytest.mark.parametrize(
    ("word", "suffix"),
    [
        ("CTImageStorage", "5.1.4.1.1.2"),
        ("ctimagestorage", "5.1.4.1.1.2"),
        ("CT Image Storage", "5.1.4.1.1.2"),
        ("UltrasoundImageStorage", "5.1.4.1.1.6.1"),
        ("Ultrasound Image Storage", "5.1.4.1.1.6.1"),
        ("JPEG2000Lossless", "1.2.4.90"),
        ("JPEG 2000 Lossless", "1.2.4.90"),
        ("JPEGLossless", "1.2.4.57"),
        ("ILE", "1.2"),
        ("ele", "1.2.1"),
        ("EBE", "1.2.2"),
        ("DEFL", "1.2.1.99"),
        ("Implicit LE", "1.2"),
        ("RLE", "1.2.5"),
        ("Study Root FIND", "5.1.4.1.2.2.1"),
        ("mwl", "5.1.4.31"),
    ],
)
def test_words_for_uids(word: str, suffix: str) -> None:
    assert uids.by_keyword(word) == f"1.2.840.10008.{suffix}"


def test_words_that_mean_nothing() -> None:
    assert uids.by_keyword("") is None
    assert uids.by_keyword("- /") is None
    assert uids.by_keyword("CTImage") is None


def test_every_keyword_leads_to_its_own_uid() -> None:
    for entry in everything().values():
        if entry.keyword:
            assert uids.by_keyword(entry.keyword) == entry.uid
    assert len(set(uids.keywords())) == len(uids.keywords())


def test_short_names_are_short_and_tell_transfer_syntaxes_apart() -> None:
    short = [syntax.short_name for syntax in TRANSFER_SYNTAXES.values()]
    assert len(set(short)) == len(short)
    assert max(map(len, short)) <= 20
    assert uids.short_name("1.2.840.10008.1.2.1") == "Explicit LE"
    assert uids.short_name("1.2.840.10008.5.1.4.1.2.2.2") == "Study Root MOVE"
    assert uids.short_name("1.2.840.10008.1.1") == "Verification"


def test_storage_classes() -> None:
    current, all_of_them = uids.storage_sop_classes(), uids.storage_sop_classes(retired=True)
    assert len(set(all_of_them)) == len(all_of_them)
    assert set(current) < set(all_of_them)
    names = {uids.uid_name(uid) for uid in current}
    assert {"CT Image Storage", "Hanging Protocol Storage", "Enhanced SR Storage"} <= names
    assert not names & {"Verification SOP Class", "Media Storage Directory Storage", "Storage Service Class"}
    assert "1.2.840.10008.5.1.4.1.1.6" not in current
    assert "1.2.840.10008.5.1.4.1.1.6" in all_of_them


@pytest.mark.parametrize(
    ("uid", "problem"),
    [
        ("1.2.840.10008.1.1", ""),
        ("0", ""),
        ("2.25.0", ""),
        ("1." * 31 + "12", ""),
        ("1." * 31 + "123", "65 characters, 64 at most"),
        ("", "empty"),
        ("1..2", "empty component"),
        ("1.2.", "empty component"),
        ("1.02", "component with a leading zero"),
        ("1.2.00", "component with a leading zero"),
        ("1.2 ", "only digits and full stops are allowed"),
        ("1.2\x00", "only digits and full stops are allowed"),
        ("1.2.٣", "only digits and full stops are allowed"),
        ("1.-2", "only digits and full stops are allowed"),
    ],
)
def test_uid_rules(uid: str, problem: str) -> None:
    assert uids.uid_problem(uid) == problem
    assert uids.is_valid_uid(uid) == (not problem)


@given(st.text(alphabet="0123456789.", max_size=70))
def test_uid_rules_agree_with_a_second_wording(uid: str) -> None:
    well_formed = bool(re.fullmatch(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))*", uid)) and len(uid) <= 64
    assert uids.is_valid_uid(uid) == well_formed


def test_constants_do_not_load_the_tables() -> None:
    code = (
        "import sys; from dcmnet_cli.core import uids, status, reasons, text;"
        "uids.is_valid_uid('1.2'); status.category(0);"
        "print([name for name in sys.modules if name.endswith(('_table', '_table_n')) or name.startswith('pydicom')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
