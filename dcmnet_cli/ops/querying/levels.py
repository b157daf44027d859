"""The levels of the query information models, and which attribute belongs to which (PS3.4 C.6)."""

from typing import NamedTuple

from dcmnet_cli.core import uids
from dcmnet_cli.core.text import quoted
from dcmnet_cli.errors import UsageError

CHARACTER_SET, LEVEL, TIMEZONE, VIEW = 0x00080005, 0x00080052, 0x00080201, 0x00080053
PATIENT_ID, STUDY_UID, SERIES_UID, INSTANCE_UID = 0x00100020, 0x0020000D, 0x0020000E, 0x00080018
STEP_SEQUENCE = 0x00400100
NO_KEYS = frozenset((CHARACTER_SET, LEVEL, TIMEZONE, VIEW))
"""Attributes of a request that are never matched."""
UNIQUE_KEYS = {"PATIENT": PATIENT_ID, "STUDY": STUDY_UID, "SERIES": SERIES_UID, "IMAGE": INSTANCE_UID}
LEVELS = {
    "patient": ("PATIENT", "STUDY", "SERIES", "IMAGE"),
    "study": ("STUDY", "SERIES", "IMAGE"),
    "only": ("PATIENT", "STUDY"),
    "worklist": (),
}


class Model(NamedTuple):
    """A query information model: its SOP class for C-FIND, what a person calls it, its DCMTK option."""

    sop_class_uid: str
    name: str
    option: str


MODELS = {
    "study": Model(uids.STUDY_ROOT_FIND, "study root", "-S"),
    "patient": Model(uids.PATIENT_ROOT_FIND, "patient root", "-P"),
    "only": Model(uids.PATIENT_STUDY_ONLY_FIND, "patient/study only", "-O"),
    "worklist": Model(uids.MODALITY_WORKLIST_FIND, "modality worklist", "-W"),
}

_SERIES = """00080060 0020000E 00200011 0008103E 0008103F 00080021 00080031 00180015 00181030 00200060 00201209
00081050 00081052 00081070 00081072 00081111 00400244 00400245 00400250 00400251 00400253 00400254 00400275
00185100 00081010 00080070 00080080 00080081 00081040 00081090 00181000 00181020 00200052 00540410 00400260"""
_IMAGE = """00080018 00080016 00200013 00083002 00083001 0008001A 00080008 00080012 00080013 00080022 00080023
0008002A 00080032 00080033 00200012 00200032 00200037 00201041 00200062 00204000 00280002 00280004 00280008 00280010
00280011 00280030 00280100 00280101 00280102 00280103 00280301 00281050 00281051 00281052 00281053 00282110
0040A043 0040A372 0040A491 0040A493 0040A504 00400512 00400560 00700080 00700081 00700082 00700083 00700084"""
_SERIES_TAGS = frozenset(int(tag, 16) for tag in _SERIES.split())
_IMAGE_TAGS = frozenset(int(tag, 16) for tag in _IMAGE.split())
_ABOVE_PATIENT = frozenset((0x00201200, 0x00201202, 0x00201204))
_SYNONYMS = {"INSTANCE": "IMAGE", "STUDIES": "STUDY", "PATIENTS": "PATIENT", "IMAGES": "IMAGE", "INSTANCES": "IMAGE"}


def level_of(tag: int, model: str) -> str:
    """The level that an attribute belongs to. In Study Root a patient's attributes are those of a study."""
    if tag in _IMAGE_TAGS:
        return "IMAGE"
    if tag in _SERIES_TAGS:
        return "SERIES"
    has_patient = LEVELS[model][:1] == ("PATIENT",)
    return "PATIENT" if has_patient and (tag >> 16 == 0x0010 or tag in _ABOVE_PATIENT) else "STUDY"


def check_level(word: str, model: str) -> str:
    """A level as it is sent. Raises UsageError for one that the model does not have."""
    level = _SYNONYMS.get(word.strip().upper(), word.strip().upper())
    if model == "worklist":
        raise UsageError("a worklist has no levels; leave out --level")
    if level not in LEVELS[model]:
        known = ", ".join(LEVELS[model])
        raise UsageError(f"level {quoted(word)} does not exist in the {MODELS[model].name} model; it has {known}")
    return level
