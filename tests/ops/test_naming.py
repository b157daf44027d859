import os
import re
import sys
import time
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dcmnet_cli.core import uids
from dcmnet_cli.errors import UsageError
from dcmnet_cli.ops.listening.filenames import LONGEST_NAME, uid_component
from dcmnet_cli.ops.listening.name_fields import modality_word
from dcmnet_cli.ops.listening.naming import FOLDERS, SCHEMES, NameOptions, Naming

CT = "1.2.840.10008.5.1.4.1.1.2"
AT = time.mktime((2024, 1, 31, 14, 23, 59, 0, 0, -1)) + 0.042
PATIENT_ID, STUDY_DATE, MODALITY, SERIES_NUMBER = 0x00100020, 0x00080020, 0x00080060, 0x00200011
PATIENT_NAME, STUDY_UID, SERIES_DATE, CHARACTER_SET = 0x00100010, 0x0020000D, 0x00080021, 0x00080005

HOSTILE = [
    "",
    ".",
    "..",
    "...",
    "/",
    "\\",
    "/etc/passwd",
    "../../x",
    "..\\..\\x",
    "a/../../b",
    "C:\\x",
    "~",
    "~root",
    "-rf",
    "--",
    "$(id)",
    "`id`",
    "'; rm x; '",
    'a"b',
    "a\nb",
    "a\rb",
    "a\tb",
    "a\0b",
    "\0",
    "\x1b[2J\x1b]0;x\x07",
    "\x9b31m",
    "\udcff\udc80",
    "\ud800",
    "CON",
    "nul",
    "NUL.tar",
    "com1",
    "LPT\u00b9",
    "aux ",
    " lead",
    "trail ",
    "trail.",
    ".hidden",
    "\u202etxt.exe",
    "a\u200bb",
    "\ufeff",
    "\u3164",
    "a\u034fb",
    "\uff0f\uff0e\uff0e",
    "\u2215\u2044",
    "e\u0301",
    "\u0301",
    "a" * 65,
    "9" * 65,
    "9" * 5000,
    "\u00e9" * 300,
    "\U0001f600" * 80,
    "1.2.3/../4",
    "1..2",
    ".1.2",
    "1.2.",
    "1.2.3 ",
    "1.2.A",
    "1.2.a",
    "\u0661.\u0662",
    "{x}",
    "%n%s",
    "[red]x[/red]",
]


def assert_safe(path: str) -> None:
    """What must hold of every path, whoever chose its parts."""
    assert not os.path.isabs(path)
    names = path.split("/")
    assert len(path.encode()) <= 1024
    for name in names:
        assert 0 < len(name.encode()) <= LONGEST_NAME
        assert name[0] not in ".-~ "
        assert name[-1] not in ". "
        assert name == unicodedata.normalize("NFC", name)
        assert name.isprintable()
        assert not set(name) & set("/\\:*?\"<>|'`$;&!~#%()[]{}\0")
        assert not re.fullmatch(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])", name.split(".")[0].strip())
        assert not any(unicodedata.category(character)[0] == "C" for character in name)


def default(uid: str) -> str:
    return Naming(NameOptions(extension=".dcm")).path(sop_class_uid=CT, sop_instance_uid=uid)


# --- safety ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize(
    "options",
    [
        NameOptions(extension=".dcm"),
        NameOptions(modality=True),
        NameOptions(folders="study-uid", folder_prefix="IN"),
        NameOptions(folders="study-uid"),
        NameOptions(folders="patient-name"),
        NameOptions(folders="study", folder_prefix="IN"),
        NameOptions(folders="series-date", scheme="time"),
        NameOptions(
            template="{PatientID}/{CallingAET}-{CalledAET}/{Address}/{StudyDate}{Modality}/{SOPInstanceUID}.dcm"
        ),
        NameOptions(template="{PatientName}.{StudyInstanceUID}", extension=".dcm"),
        NameOptions(template="a{PatientName:.3}/{SeriesNumber:04}/{TransferSyntaxUID}-{SOPClassUID}"),
    ],
)
def test_hostile_values_stay_in_the_folder(options: NameOptions, value: str) -> None:
    tags = (PATIENT_ID, PATIENT_NAME, STUDY_UID, STUDY_DATE, MODALITY, SERIES_NUMBER, SERIES_DATE, CHARACTER_SET)
    naming = Naming(options)
    path = naming.path(
        sop_class_uid=value,
        sop_instance_uid=value,
        transfer_syntax_uid=value,
        calling=value,
        called=value,
        address=value,
        values=dict.fromkeys(tags, value),
        at=AT,
    )
    assert_safe(path)
    if options.folders != "series-date":  # which has another place for what has no date
        assert path.count("/") == naming.sample().count("/")


@settings(max_examples=300)
@given(st.text(max_size=120), st.text(max_size=120))
@example("CON", "con")
@example("a/b", "a_b")
@example("unknown", "")
def test_different_instances_never_share_a_name(one: str, other: str) -> None:
    first, second = default(one), default(other)
    assert_safe(first)
    assert (first == second) == (one == other)
    # On systems that fold case, too, and after whatever normalisation those do.
    assert (first.casefold() == second.casefold()) == (one == other)


def test_every_hostile_uid_has_a_name_of_its_own() -> None:
    names = {default(value).casefold() for value in HOSTILE}
    assert len(names) == len(HOSTILE)


@given(st.from_regex(r"[0-9]{1,12}(\.[0-9]{1,12}){0,4}", fullmatch=True))
def test_a_plain_uid_is_its_own_name(uid: str) -> None:
    uid = uid.encode("ascii", "ignore").decode()
    assert default(uid) == f"{uid}.dcm"


def test_a_uid_of_64_characters_is_kept_and_one_of_65_marked() -> None:
    assert default("1." + "2" * 62) == "1." + "2" * 62 + ".dcm"
    assert re.fullmatch(r"1\.2{63}-[0-9a-f]{12}\.dcm", default("1." + "2" * 63))


def test_a_cleaned_uid_says_so_and_keeps_what_it_can() -> None:
    assert re.fullmatch(r"1\.2_\.\._4-[0-9a-f]{12}", uid_component("1.2/../4"))


@settings(max_examples=200)
@given(st.text(max_size=200), st.text(max_size=200))
def test_values_that_differ_give_folders_that_differ(one: str, other: str) -> None:
    naming = Naming(NameOptions(template="{CallingAET}/{sequence}"))
    one, other = one.strip(), other.strip()

    def folder(title: str) -> str:
        return naming.path(sop_class_uid="", sop_instance_uid="", calling=title).split("/")[0]

    if one and other and one != other:
        assert folder(one) != folder(other)


# --- schemes --------------------------------------------------------------------------------------------------


def named(
    options: NameOptions, values: dict[int, str] | None = None, at: float = AT, naming: Naming | None = None
) -> str:
    naming = naming or Naming(options)
    return naming.path(sop_class_uid=CT, sop_instance_uid="1.2.3", calling="CT1", called="US", values=values, at=at)


def test_the_default_needs_nothing_of_the_data_set() -> None:
    assert Naming(NameOptions()).wanted == frozenset()
    assert named(NameOptions()) == "1.2.3"
    assert named(NameOptions(modality=True, extension=".dcm")) == "CT.1.2.3.dcm"


def test_unique_and_short_names_are_fresh_each_time() -> None:
    unique = Naming(NameOptions(scheme="unique", modality=True))
    names = {named(NameOptions(), naming=unique) for _ in range(50)}
    assert len(names) == 50
    assert all(re.fullmatch(r"CT\.X\.2\.25\.[0-9]{1,39}", name) for name in names)
    short = Naming(NameOptions(scheme="short"))
    names = {named(NameOptions(), naming=short) for _ in range(50)}
    assert len(names) == 50
    assert all(re.fullmatch("[0-9a-f]{16}", name) for name in names)
    assert re.fullmatch("CT_[0-9a-f]{16}", named(NameOptions(scheme="short", modality=True)))


def test_time_names_number_what_comes_in_one_millisecond() -> None:
    naming = Naming(NameOptions(scheme="time", extension=".dcm"))
    moments = (AT, AT, AT, AT + 0.001)
    names = [named(NameOptions(), at=moment, naming=naming).rsplit(".", 1)[0] for moment in moments]
    stamp = time.strftime("%Y%m%d%H%M%S", time.localtime(AT))
    first = names[0].partition(".")[0]
    assert first in (f"{stamp}041", f"{stamp}042")  # binary fractions
    assert names[:3] == [f"{first}.CT", f"{first}_0000.CT", f"{first}_0001.CT"]
    assert names[3].partition(".")[0] > first
    assert "_" not in names[3]


def test_study_folders_are_named_by_the_first_object() -> None:
    naming = Naming(NameOptions(folders="study", folder_prefix="IN"))
    first = named(NameOptions(), {STUDY_UID: "1.2"}, AT, naming)
    assert re.fullmatch(r"IN_20240131_142359\d{3}/1\.2\.3", first)
    assert named(NameOptions(), {STUDY_UID: "1.2"}, AT + 5, naming) == first
    other = named(NameOptions(), {STUDY_UID: "1.3"}, AT, naming)
    assert other != first  # the same millisecond, another study
    naming.end_of_study("1.2")
    assert named(NameOptions(), {STUDY_UID: "1.2"}, AT + 9, naming) not in (first, other)


def test_study_folders_without_a_prefix_have_no_underscore_in_front() -> None:
    assert re.fullmatch(r"20240131_142359\d{3}/1\.2\.3", named(NameOptions(folders="study"), {STUDY_UID: "1.2"}))
    assert named(NameOptions(folders="study-uid"), {STUDY_UID: "1.2"}) == "1.2/1.2.3"
    assert named(NameOptions(folders="study-uid", folder_prefix="IN"), {STUDY_UID: "1.2"}) == "IN_1.2/1.2.3"


def test_a_study_uid_of_dots_is_no_way_up() -> None:
    path = named(NameOptions(folders="study-uid"), {STUDY_UID: ".."})
    assert_safe(path)
    assert path.endswith("/1.2.3")


def test_patient_folders() -> None:
    options = NameOptions(folders="patient-name")
    path = named(options, {STUDY_UID: "1.2", PATIENT_NAME: "DOE^JANE"})
    assert re.fullmatch(r"DOE_JANE_20240131_142359\d{3}/1\.2\.3", path)
    assert named(options, {STUDY_UID: "1.2"}).startswith("ANONYMOUS_20240131_")
    latin = named(options, {STUDY_UID: "1.2", PATIENT_NAME: "M\udcfcller", CHARACTER_SET: "ISO_IR 100"})
    assert latin.startswith("M\u00fcller_2024")


def test_series_date_folders() -> None:
    options = NameOptions(folders="series-date")
    assert named(options, {SERIES_DATE: "19970430"}) == "data/1997/04/30/1.2.3"
    for odd in ("", "1997.04.30", "../../..", "1997043", "\u0661" * 8):
        assert named(options, {SERIES_DATE: odd}) == "undef/20240131/1.2.3"


def test_folders_of_studies_that_are_long_over_are_forgotten() -> None:
    naming = Naming(NameOptions(folders="study"))
    folders = {named(NameOptions(), {STUDY_UID: f"1.{n}"}, AT, naming) for n in range(6000)}
    assert len(folders) == 6000
    assert len(naming._studies) <= 4096


@pytest.mark.parametrize(
    "options",
    [
        NameOptions(extension="/x"),
        NameOptions(extension="/../x"),
        NameOptions(extension=".d\0m"),
        NameOptions(extension=".dcm."),
        NameOptions(extension="." + "x" * 40),
        NameOptions(folder_prefix="../x", folders="study"),
        NameOptions(folder_prefix="-x", folders="study"),
        NameOptions(folder_prefix="x" * 21, folders="study"),
        NameOptions(template="{SOPInstanceUID}", scheme="time"),
        NameOptions(template="{SOPInstanceUID}", folders="study"),
        NameOptions(template="{SOPInstanceUID}", modality=True),
    ],
)
def test_options_that_make_no_name(options: NameOptions) -> None:
    with pytest.raises(UsageError):
        Naming(options)


def test_samples_of_every_scheme_are_safe() -> None:
    for scheme in SCHEMES:
        for folders in FOLDERS:
            assert_safe(Naming(NameOptions(scheme=scheme, folders=folders, extension=".dcm")).sample())


@pytest.mark.parametrize(
    ("uid", "word"),
    [
        (CT, "CT"),
        (CT + ".1", "CTe"),
        ("1.2.840.10008.5.1.4.1.1.4", "MR"),
        ("1.2.840.10008.5.1.4.1.1.1", "CR"),
        ("1.2.840.10008.5.1.4.1.1.1.1", "DX"),
        ("1.2.840.10008.5.1.4.1.1.7", "SC"),
        ("1.2.840.10008.5.1.4.1.1.7.4", "SCc"),
        ("1.2.840.10008.5.1.4.1.1.6.1", "US"),
        ("1.2.840.10008.5.1.4.1.1.88.33", "SRc"),
        ("1.2.840.10008.5.1.4.1.1.88.59", "KO"),
        ("1.2.840.10008.5.1.4.1.1.481.5", "RP"),
        ("1.2.840.10008.5.1.4.1.1.104.1", "PDF"),
        ("1.2.840.10008.5.1.4.1.1.9999", "UNKNOWN"),
        ("1.2.840.113619.4.26", "UNKNOWN"),
        ("../x", "UNKNOWN"),
        ("", "UNKNOWN"),
    ],
)
def test_modality_words(uid: str, word: str) -> None:
    assert modality_word(uid) == word


def test_modality_words_are_short_and_plain() -> None:
    for uid in uids.storage_sop_classes(retired=True):
        assert re.fullmatch("[A-Z0-9][A-Za-z0-9_]{1,6}", modality_word(uid))


def test_plain_names_load_no_pydicom() -> None:
    import subprocess

    code = (
        "import sys; from dcmnet_cli.ops.listening.naming import Naming, NameOptions;"
        "n = Naming(NameOptions(template='{PatientID}/{StudyDate}/{SOPInstanceUID}.dcm'));"
        "print(n.path(sop_class_uid='1', sop_instance_uid='1.2', values={0x00100020: 'x'}), 'pydicom' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "x/unknown/1.2.dcm False\n"
