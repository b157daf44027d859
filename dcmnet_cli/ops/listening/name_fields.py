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

# The words that DCMTK puts before a UID, as storescp 3.6.7 was seen to name an object of every storage class:
# by the numbers below 1.2.840.10008.5.1.4.1.1. One that is not named, or newer, is like the one above it.
_MODALITIES = """
1 CR  1.1 DX  1.1.1 DP  1.2 DXm  1.2.1 DPm  1.3 DXo  1.3.1 DPo  2 CT  2.1 CTe  2.2 CTl  3 USf  3.1 USm  4 MR  4.1 MRe
4.2 MRs  4.3 MRc  4.4 MRl  5 NMr  6 USr  6.1 US  6.2 USe  6.3 US  7 SC  7.1 SCs  7.2 SCb  7.3 SCw  7.4 SCc  8 OV  9 CV
9.1 WV_d  9.1.1 TLE  9.1.2 ECG  9.1.3 ECA  9.1.4 ECG  9.2.1 WVh  9.3.1 WVc  9.4.1 AUV  9.4.2 AUG  9.5.1 WVa  9.6.1 WVr
9.6.2 WVm  9.7.1 EEG  9.7.2 EMG  9.7.3 EOG  9.7.4 WVs  9.8.1 WVb  9.100.1 PR  9.100.2 PR  10 ML  11 VO  11.1 PSg
11.2 PSc  11.3 PSp  11.4 PSb  11.5 PSx  11.6 VPg  11.7 VPc  11.8 PSa  11.9 VPv  11.10 VPs  11.11 VPm  11.12 PR
12.1 XA  12.1.1 XAe  12.2 RF  12.2.1 RFe  12.3 XB  13.1.1 XA3  13.1.2 XC3  13.1.3 BT  13.1.4 BX  13.1.5 BP  14.1 OCt
14.2 OCp  20 NM  30 PM  66 RAW  66.1 RGs  66.2 FID  66.3 RGd  66.4 SG  66.5 SGs  66.6 TR  66.7 SEG  66.8 SEG  67 RWM
68.1 SSm  68.2 SSp  77.1 VLr  77.1.1 VLe  77.1.1.1 VVe  77.1.2 VLm  77.1.2.1 VVm  77.1.3 VLs  77.1.4 VLp  77.1.4.1 VVp
77.1.5.1 OPb  77.1.5.2 OPw  77.1.5.3 OPr  77.1.5.4 OPt  77.1.5.5 OWs  77.1.5.6 OW3  77.1.5.7 OCe  77.1.5.8 OCb
77.1.6 VLw  77.1.7 VLd  77.1.8 CFM  77.1.9 CFM  77.2 VMr  78.1 OPl  78.2 OPa  78.3 OPk  78.4 OPs  78.5 OPv  78.6 SRs
78.7 OPx  78.8 OPc  79.1 SRg  80.1 OPp  81.1 OPm  82.1 CM  88 SR  88.1 SR_t  88.2 SR_a  88.3 SR_d  88.4 SR_c
88.11 SRt  88.22 SRe  88.33 SRc  88.34 SR3  88.35 SRx  88.40 SRp  88.50 SRm  88.59 KO  88.65 SRh  88.67 SRd  88.68 SRr
88.69 SRo  88.70 SRi  88.71 SRa  88.72 SRu  88.73 SRq  88.74 SRj  88.75 SRi  88.76 SRde  90.1 AS  91.1 MAs  104.1 PDF
104.2 CDA  104.3 STL  104.4 OBJ  104.5 MTL  128 PI  128.1 PIl  129 PC  130 PIe  131 SD  200.1 CTP  200.2 PPcp
200.3 CTP  200.7 CTP  200.8 PPxp  201.1 ST  481 RT  481.1 RI  481.2 RD  481.3 RS  481.4 RTb  481.5 RP  481.6 RTr
481.7 RTs  481.8 RPi  481.9 RTi  481.10 RIp  481.11 RAs  481.12 RSe  481.13 Rca  481.14 Rto  481.15 Rra  481.16 RSr
481.17 RRs  481.18 RRt  481.19 RRc  481.20 RRr  481.21 RSd  481.22 RTp  501.1 CTs  501.2.1 DXs  501.2.2 DPs  501.3 TDR
501.4 AI2  501.5 AI3  501.6 QR  601.1 EC  601.2 ECm
"""
_STORAGE = DICOM_ROOT + "5.1.4.1.1."
_ELSEWHERE = {
    DICOM_ROOT + "5.1.1.27": "SP",
    DICOM_ROOT + "5.1.1.29": "HG",
    DICOM_ROOT + "5.1.1.30": "HC",
    DICOM_ROOT + "5.1.4.34.1": "RB_d",
    DICOM_ROOT + "5.1.4.34.7": "RTd",
    DICOM_ROOT + "5.1.4.34.10": "RTa",
}
_UNKNOWN = "UNKNOWN"


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
    """DCMTK's word for a storage SOP class, such as CT, MRe or SRt; UNKNOWN for one that it does not know."""
    words = _modalities()
    place = sop_class_uid.removeprefix(_STORAGE) if sop_class_uid.startswith(_STORAGE) else ""
    while place and place not in words:
        place = place.rpartition(".")[0]
    return words.get(place) or _ELSEWHERE.get(sop_class_uid, _UNKNOWN)


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
