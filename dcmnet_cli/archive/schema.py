"""What the index keeps of each object, and at which level an attribute lives (PS3.4 C.6.1.1, C.6.2.1)."""

from dcmnet_cli.core.attributes import ATTRIBUTES

PATIENT, STUDY, SERIES, IMAGE = LEVELS = ("PATIENT", "STUDY", "SERIES", "IMAGE")

FRAME = "FRAME"
"""Below the others, and of Composite Instance Root Retrieve alone (PS3.4 Y.3.1)."""

PATIENT_ID, PATIENT_NAME = 0x00100020, 0x00100010
STUDY_INSTANCE_UID, SERIES_INSTANCE_UID = 0x0020000D, 0x0020000E
SOP_INSTANCE_UID, SOP_CLASS_UID = 0x00080018, 0x00080016
STUDY_DATE, ACCESSION_NUMBER = 0x00080020, 0x00080050

UNIQUE_KEYS = {
    PATIENT: PATIENT_ID,
    STUDY: STUDY_INSTANCE_UID,
    SERIES: SERIES_INSTANCE_UID,
    IMAGE: SOP_INSTANCE_UID,
}

COLUMNS: dict[str, tuple[int, ...]] = {
    PATIENT: (
        PATIENT_ID,
        PATIENT_NAME,
        0x00100021,  # Issuer of Patient ID
        0x00100030,  # Patient's Birth Date
        0x00100032,  # Patient's Birth Time
        0x00100040,  # Patient's Sex
        0x00101001,  # Other Patient Names
        0x00102160,  # Ethnic Group
        0x00104000,  # Patient Comments
    ),
    STUDY: (
        STUDY_INSTANCE_UID,
        STUDY_DATE,
        0x00080030,  # Study Time
        ACCESSION_NUMBER,
        0x00200010,  # Study ID
        0x00080090,  # Referring Physician's Name
        0x00081030,  # Study Description
        0x00081060,  # Name of Physician(s) Reading Study
        0x00081080,  # Admitting Diagnoses Description
        0x00101010,  # Patient's Age
        0x00101020,  # Patient's Size
        0x00101030,  # Patient's Weight
        0x00102180,  # Occupation
        0x001021B0,  # Additional Patient History
        0x00201070,  # Other Study Numbers
    ),
    SERIES: (
        SERIES_INSTANCE_UID,
        0x00080060,  # Modality
        0x00200011,  # Series Number
        0x0008103E,  # Series Description
        0x00080021,  # Series Date
        0x00080031,  # Series Time
        0x00080070,  # Manufacturer
        0x00080080,  # Institution Name
        0x00081010,  # Station Name
        0x00081050,  # Performing Physician's Name
        0x00081070,  # Operators' Name
        0x00081090,  # Manufacturer's Model Name
        0x00180015,  # Body Part Examined
        0x00181030,  # Protocol Name
    ),
    IMAGE: (
        SOP_INSTANCE_UID,
        SOP_CLASS_UID,
        0x00200013,  # Instance Number
        0x00080023,  # Content Date
        0x00080033,  # Content Time
        0x00200012,  # Acquisition Number
        0x00280008,  # Number of Frames
    ),
}
"""The columns of the tables. Patient attributes are kept with each study, as its objects have them: two patients whose
objects lack a Patient ID, or share one by mistake, are still found under their own names."""

READ: dict[str, frozenset[int]] = {
    PATIENT: frozenset((0x00081120, 0x00101002, 0x00102201, 0x00102203, 0x00102297, 0x00100022, 0x00100024)),
    STUDY: frozenset((0x00080063, 0x00081032, 0x00081110, 0x00102000, 0x00102110, 0x001021C0, 0x00321032, 0x00321033)),
    SERIES: frozenset(
        (
            0x00081040,  # Institutional Department Name
            0x0008103F,  # Series Description Code Sequence
            0x00081111,  # Referenced Performed Procedure Step Sequence
            0x00081052,
            0x00180060,
            0x00181000,  # Device Serial Number
            0x00181020,  # Software Versions
            0x00185100,  # Patient Position
            0x00200052,  # Frame of Reference UID
            0x00200060,  # Laterality
            0x00400244,  # Performed Procedure Step Start Date
            0x00400245,
            0x00400250,
            0x00400251,
            0x00400253,  # Performed Procedure Step ID
            0x00400254,  # Performed Procedure Step Description
            0x00400260,  # Performed Protocol Code Sequence
            0x00400275,  # Request Attributes Sequence
        )
    ),
}
"""Further attributes of a level, read from its first object when they are asked for. At IMAGE level that is any."""

AVAILABLE_TRANSFER_SYNTAX_UID = 0x00083002
MODALITIES_IN_STUDY, SOP_CLASSES_IN_STUDY = 0x00080061, 0x00080062

_SERIES_OF = "(SELECT {} FROM series e2 WHERE e2.study = s.id)"
_IMAGES_OF = "(SELECT {} FROM series e2 JOIN instances i2 ON i2.series = e2.id WHERE e2.study = s.id)"
_OF_PATIENT = "FROM studies s2 {} WHERE s2.PatientID = s.PatientID)"
COMPUTED: dict[int, tuple[str, str]] = {
    0x00201200: (PATIENT, f"(SELECT count(*) {_OF_PATIENT.format('')}"),
    0x00201202: (PATIENT, f"(SELECT count(*) {_OF_PATIENT.format('JOIN series e2 ON e2.study = s2.id')}"),
    0x00201204: (
        PATIENT,
        "(SELECT count(*) "
        + _OF_PATIENT.format("JOIN series e2 ON e2.study = s2.id JOIN instances i2 ON i2.series = e2.id"),
    ),
    0x00201206: (STUDY, _SERIES_OF.format("count(*)")),
    0x00201208: (STUDY, _IMAGES_OF.format("count(*)")),
    MODALITIES_IN_STUDY: (STUDY, _SERIES_OF.format("group_concat(DISTINCT nullif(e2.Modality, ''))")),
    SOP_CLASSES_IN_STUDY: (STUDY, _IMAGES_OF.format("group_concat(DISTINCT i2.SOPClassUID)")),
    0x00201209: (SERIES, "(SELECT count(*) FROM instances i2 WHERE i2.series = e.id)"),
    AVAILABLE_TRANSFER_SYNTAX_UID: (IMAGE, "i.syntax"),
}
"""Attributes that are counted or collected when asked for: their level, and what computes them."""
NOT_MATCHED = frozenset(tag for tag in COMPUTED if tag >> 16 == 0x0020)
"""Counts are answered and never matched."""

ALIASES = {PATIENT: "s", STUDY: "s", SERIES: "e", IMAGE: "i"}
LEVEL_OF = {tag: level for level, tags in COLUMNS.items() for tag in tags}
ONE_PER_STUDY, ONE_PER_SERIES, ONE_PER_IMAGE = COLUMNS[PATIENT] + COLUMNS[STUDY], COLUMNS[SERIES], COLUMNS[IMAGE]

APPLICATION_ID = 0x64636D6E
VERSION = 1


def column(tag: int) -> str:
    """The name of an attribute's column: its keyword."""
    return ATTRIBUTES[tag][1]


def _declare(tags: tuple[int, ...]) -> str:
    return ", ".join(f"{column(tag)} TEXT NOT NULL" for tag in tags)


# NameKey is the patient's name as ``matching.name_key`` folds it. Paths are bytes: file systems know no characters.
STATEMENTS = (
    f"CREATE TABLE studies (id INTEGER PRIMARY KEY, NameKey TEXT NOT NULL, {_declare(ONE_PER_STUDY)})",
    f"CREATE TABLE series (id INTEGER PRIMARY KEY, study INTEGER NOT NULL, {_declare(ONE_PER_SERIES)})",
    "CREATE TABLE instances (id INTEGER PRIMARY KEY, series INTEGER NOT NULL, path BLOB NOT NULL, "
    f"size INTEGER NOT NULL, changed INTEGER NOT NULL, syntax TEXT NOT NULL, {_declare(ONE_PER_IMAGE)})",
    "CREATE UNIQUE INDEX study_uid ON studies (StudyInstanceUID)",
    "CREATE INDEX study_patient ON studies (PatientID)",
    "CREATE INDEX study_name ON studies (NameKey)",
    "CREATE INDEX study_date ON studies (StudyDate)",
    "CREATE INDEX study_accession ON studies (AccessionNumber)",
    "CREATE UNIQUE INDEX series_uid ON series (SeriesInstanceUID, study)",
    "CREATE INDEX series_study ON series (study)",
    "CREATE UNIQUE INDEX instance_uid ON instances (SOPInstanceUID)",
    "CREATE INDEX instance_series ON instances (series)",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {VERSION}",
)
