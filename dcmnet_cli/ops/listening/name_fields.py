"""What names can be made of: element keywords, their text, and a word for the modality of a SOP class."""

import re
from functools import cache
from typing import NamedTuple

from dcmnet_cli.core.character_set import decode_text
from dcmnet_cli.core.uids import DICOM_ROOT
from dcmnet_cli.errors import UsageError

SPECIFIC_CHARACTER_SET = 0x00080005
PATIENT_NAME, STUDY_INSTANCE_UID, SERIES_DATE = 0x00100010, 0x0020000D, 0x00080021
ENCODED_VRS = frozenset(("LO", "PN", "SH", "UC"))
"""Value representations whose characters depend on Specific Character Set."""

_TEXT_VRS = ENCODED_VRS | {"AE", "AS", "CS", "DA", "DS", "DT", "IS", "TM", "UI"}
_PIXEL_DATA_GROUP = 0x7FE0
_LONE = re.compile("[\ud800-\udfff]")

# The usual ones, so that pydicom and its dictionary are loaded for the others only.
_USUAL = """
00080008 CS ImageType              00080012 DA InstanceCreationDate    00080013 TM InstanceCreationTime
00080020 DA StudyDate              00080021 DA SeriesDate              00080022 DA AcquisitionDate
00080023 DA ContentDate            0008002A DT AcquisitionDateTime     00080030 TM StudyTime
00080031 TM SeriesTime             00080032 TM AcquisitionTime         00080033 TM ContentTime
00080050 SH AccessionNumber        00080060 CS Modality                00080064 CS ConversionType
00080068 CS PresentationIntentType 00080070 LO Manufacturer            00080080 LO InstitutionName
00080090 PN ReferringPhysicianName 00081010 SH StationName             00081030 LO StudyDescription
0008103E LO SeriesDescription      00081040 LO InstitutionalDepartmentName
00081050 PN PerformingPhysicianName                                    00081090 LO ManufacturerModelName
00100010 PN PatientName            00100020 LO PatientID               00100021 LO IssuerOfPatientID
00100030 DA PatientBirthDate       00100040 CS PatientSex              00101010 AS PatientAge
00180015 CS BodyPartExamined       00181000 LO DeviceSerialNumber      00181030 LO ProtocolName
00185101 CS ViewPosition           0020000D UI StudyInstanceUID        0020000E UI SeriesInstanceUID
00200010 SH StudyID                00200011 IS SeriesNumber            00200012 IS AcquisitionNumber
00200013 IS InstanceNumber         00200052 UI FrameOfReferenceUID     00200060 CS Laterality
00200062 CS ImageLaterality        00280008 IS NumberOfFrames          00321032 PN RequestingPhysician
00321060 LO RequestedProcedureDescription                              00400253 SH PerformedProcedureStepID
"""

# Storage classes by their numbers below 1.2.840.10008.5.1.4.1.1; one that is not named is like the one above it.
_MODALITIES = """
1 CR  1.1 DX  1.2 MG  1.3 IO  2 CT  3 US  4 MR  5 NM  6 US  7 SC  8 OV  9 WV  9.1 ECG  9.2 HD  9.3 EPS  9.4 AU
9.6 RESP  9.7 EEG  9.7.2 EMG  9.7.3 EOG  9.8 POS  9.100 PR  10 LUT  11 PR  12.1 XA  12.2 RF  12.3 XA  13.1 XA
13.1.3 MG  13.1.4 MG  13.1.5 MG  14 OCT  20 NM  30 PM  66 RAW  66.1 REG  66.2 FID  66.3 REG  66.4 SEG  66.5 SEG
66.6 TR  66.7 SEG  66.8 SEG  67 RWV  68 OSS  77.1 XC  77.1.1 ES  77.1.2 GM  77.1.3 SM  77.1.5 OP  77.1.5.4 OPT
77.1.5.8 OPT  77.1.6 SM  77.1.7 DMS  77.1.8 CFM  77.1.9 CFM  78.1 LEN  78.2 AR  78.3 KER  78.4 SRF  78.5 VA
78.6 IOL  78.7 IOL  78.8 IOL  79 OPV  80 OPV  81 OPM  82 OPM  88 SR  88.59 KO  104 DOC  104.3 M3D  128 PT
129 RAW  130 PT  131 ASMT  200 CTP  201 ST  481 RT  481.1 RI  481.2 RD  481.3 RS  481.4 RR  481.5 RP  481.6 RR
481.7 RR  481.8 RP  481.9 RR
"""
_STORAGE = DICOM_ROOT + "5.1.4.1.1."


class Element(NamedTuple):
    """A data element that a name can hold."""

    tag: int
    vr: str


def find_element(keyword: str, more_words: tuple[str, ...] = ()) -> Element:
    """The element of a keyword of PS3.6. Raises UsageError, with the keywords or ``more_words`` that look alike."""
    element = _usual().get(keyword)
    if element is None:
        from pydicom.datadict import dictionary_VR, tag_for_keyword

        tag = tag_for_keyword(keyword)
        if tag is None:
            raise UsageError(f'no element has the keyword "{keyword}"{_alike(keyword, more_words)}')
        element = Element(tag, dictionary_VR(tag))
    if element.tag >> 16 < 8 or element.tag >> 16 >= _PIXEL_DATA_GROUP or element.vr not in _TEXT_VRS:
        raise UsageError(f"{keyword} ({element.vr}) is not a text that a name can hold")
    return element


def modality_word(sop_class_uid: str) -> str:
    """A short word for a storage SOP class, such as CT, MR or SR; OT for one that is not known."""
    words = _modalities()
    place = sop_class_uid.removeprefix(_STORAGE) if sop_class_uid.startswith(_STORAGE) else ""
    while place and place not in words:
        place = place.rpartition(".")[0]
    return words.get(place, "OT")


def text_of(value: str, character_set: str, vr: str) -> str:
    """The first of an element's values as text, as ``Head`` gives it; of a person's name the first group in use.

    Bytes that the character set cannot explain become U+FFFD.
    """
    text = value
    if vr in ENCODED_VRS and ("\x1b" in value or not value.isascii()):
        text = _LONE.sub("\ufffd", decode_text(_bytes_of(value), character_set, vr))
    text = text.partition("\\")[0].strip()
    if vr == "PN":
        text = next((group for group in text.split("=") if group.strip("^ ")), "").rstrip("^ ")
    return text


def _bytes_of(value: str) -> bytes:
    try:
        return value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # not from ``Head``
        return value.encode("utf-8", "replace")


@cache
def _usual() -> dict[str, Element]:
    rows = re.findall(r"([0-9A-F]{8}) ([A-Z]{2}) (\w+)", _USUAL)
    return {keyword: Element(int(tag, 16), vr) for tag, vr, keyword in rows}


@cache
def _modalities() -> dict[str, str]:
    words = _MODALITIES.split()
    return dict(zip(words[::2], words[1::2], strict=True))


def _alike(keyword: str, more_words: tuple[str, ...]) -> str:
    from difflib import get_close_matches

    from pydicom.datadict import keyword_dict

    folded = {word.lower(): word for word in (*keyword_dict, *more_words)}
    near = [folded[match] for match in get_close_matches(keyword.lower(), folded, n=3, cutoff=0.7)]
    return f"; did you mean {' or '.join(near)}?" if near else ""
