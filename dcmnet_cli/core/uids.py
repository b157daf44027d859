"""The UIDs that the wire needs, and names for all the others.

The constants cost nothing. Names, keywords and properties come from two tables that are read when first asked
for, so that a command which sends and receives never pays for them.
"""

from functools import cache
from typing import NamedTuple

from dcmnet_cli import __version__

DICOM_ROOT = "1.2.840.10008."

APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"

VERIFICATION = "1.2.840.10008.1.1"
MEDIA_STORAGE_DIRECTORY = "1.2.840.10008.1.3.10"
STORAGE_SERVICE_CLASS = "1.2.840.10008.4.2"
STORAGE_COMMITMENT_PUSH = "1.2.840.10008.1.20.1"
STORAGE_COMMITMENT_PUSH_INSTANCE = "1.2.840.10008.1.20.1.1"
PATIENT_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.1.1"
PATIENT_ROOT_MOVE = "1.2.840.10008.5.1.4.1.2.1.2"
PATIENT_ROOT_GET = "1.2.840.10008.5.1.4.1.2.1.3"
STUDY_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.2.1"
STUDY_ROOT_MOVE = "1.2.840.10008.5.1.4.1.2.2.2"
STUDY_ROOT_GET = "1.2.840.10008.5.1.4.1.2.2.3"
PATIENT_STUDY_ONLY_FIND = "1.2.840.10008.5.1.4.1.2.3.1"
PATIENT_STUDY_ONLY_MOVE = "1.2.840.10008.5.1.4.1.2.3.2"
PATIENT_STUDY_ONLY_GET = "1.2.840.10008.5.1.4.1.2.3.3"
INSTANCE_ROOT_MOVE = "1.2.840.10008.5.1.4.1.2.4.2"
INSTANCE_ROOT_GET = "1.2.840.10008.5.1.4.1.2.4.3"
WITHOUT_BULK_DATA_GET = "1.2.840.10008.5.1.4.1.2.5.3"
MODALITY_WORKLIST_FIND = "1.2.840.10008.5.1.4.31"
MODALITY_PERFORMED_PROCEDURE_STEP = "1.2.840.10008.3.1.2.3.3"
UPS_PUSH = "1.2.840.10008.5.1.4.34.6.1"
UPS_WATCH = "1.2.840.10008.5.1.4.34.6.2"
UPS_PULL = "1.2.840.10008.5.1.4.34.6.3"
UPS_EVENT = "1.2.840.10008.5.1.4.34.6.4"
UPS_QUERY = "1.2.840.10008.5.1.4.34.6.5"

IMPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2"
EXPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
ENCAPSULATED_UNCOMPRESSED_EXPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2.1.98"
DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2.1.99"
EXPLICIT_VR_BIG_ENDIAN = "1.2.840.10008.1.2.2"
JPEG_BASELINE_8_BIT = "1.2.840.10008.1.2.4.50"
JPEG_EXTENDED_12_BIT = "1.2.840.10008.1.2.4.51"
JPEG_LOSSLESS = "1.2.840.10008.1.2.4.57"
JPEG_LOSSLESS_SV1 = "1.2.840.10008.1.2.4.70"
JPEG_LS_LOSSLESS = "1.2.840.10008.1.2.4.80"
JPEG_LS_NEAR_LOSSLESS = "1.2.840.10008.1.2.4.81"
JPEG_2000_LOSSLESS = "1.2.840.10008.1.2.4.90"
JPEG_2000 = "1.2.840.10008.1.2.4.91"
JPEG_2000_MC_LOSSLESS = "1.2.840.10008.1.2.4.92"
JPEG_2000_MC = "1.2.840.10008.1.2.4.93"
MPEG2_MAIN_LEVEL = "1.2.840.10008.1.2.4.100"
MPEG2_HIGH_LEVEL = "1.2.840.10008.1.2.4.101"
MPEG4_HP_41 = "1.2.840.10008.1.2.4.102"
MPEG4_HP_41_BD = "1.2.840.10008.1.2.4.103"
MPEG4_HP_42_2D = "1.2.840.10008.1.2.4.104"
MPEG4_HP_42_3D = "1.2.840.10008.1.2.4.105"
MPEG4_HP_42_STEREO = "1.2.840.10008.1.2.4.106"
HEVC_MAIN_51 = "1.2.840.10008.1.2.4.107"
HEVC_MAIN_10_51 = "1.2.840.10008.1.2.4.108"
JPEG_XL_LOSSLESS = "1.2.840.10008.1.2.4.110"
JPEG_XL_RECOMPRESSION = "1.2.840.10008.1.2.4.111"
JPEG_XL = "1.2.840.10008.1.2.4.112"
HTJ2K_LOSSLESS = "1.2.840.10008.1.2.4.201"
HTJ2K_LOSSLESS_RPCL = "1.2.840.10008.1.2.4.202"
HTJ2K = "1.2.840.10008.1.2.4.203"
RLE_LOSSLESS = "1.2.840.10008.1.2.5"

# A UUID made once for this program (PS3.5 B.2). It names the implementation, not a version, and never changes.
IMPLEMENTATION_CLASS_UID = "2.25.18057480394328927716998566044402624047"
IMPLEMENTATION_VERSION_NAME = ("DCMNET_" + __version__.replace(".", ""))[:16]

_ALIASES = {
    "ile": IMPLICIT_VR_LITTLE_ENDIAN,
    "ele": EXPLICIT_VR_LITTLE_ENDIAN,
    "ebe": EXPLICIT_VR_BIG_ENDIAN,
    "defl": DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    "deflated": DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    "mwl": MODALITY_WORKLIST_FIND,
    "mpps": MODALITY_PERFORMED_PROCEDURE_STEP,
}


_STORAGE = ("Storage", "Non-Patient Object Storage")
_SUPERFLUOUS = (" Query/Retrieve Information Model -", " Information Model -", " -", " SOP Class UID", " SOP Class")


class UIDEntry(NamedTuple):
    """A UID of PS3.6. ``kind`` is its column "UID type", ``service_class`` the part of PS3.4 that uses it, or
    "".

    Two retired storage classes were assigned without name and keyword; both are empty there.
    """

    uid: str
    name: str
    keyword: str
    kind: str
    retired: bool
    service_class: str


class TransferSyntax(NamedTuple):
    """A transfer syntax of PS3.5 annex A, and what it does to a data set.

    ``vr`` is "explicit" or "implicit" and ``endian`` "little" or "big", both empty for XML. ``deflated``
    speaks of the data set as a whole, not of frames. ``lossy`` is "no", "yes" or "possibly" where the sender
    may choose. ``referenced`` has a URL in place of pixel data. What is not ``negotiated`` never appears on
    an association.
    """

    uid: str
    name: str
    keyword: str
    short_name: str
    vr: str
    endian: str
    encapsulated: bool
    deflated: bool
    lossy: str
    retired: bool
    video: bool
    referenced: bool
    negotiated: bool


def uid_problem(uid: str) -> str:
    """Say which rule of PS3.5 section 9.1 ``uid`` breaks, in a few words, or return "" when it is well
    formed."""
    if not uid:
        return "empty"
    if len(uid) > 64:
        return f"{len(uid)} characters, 64 at most"
    for component in uid.split("."):
        if not component:
            return "empty component"
        if not (component.isascii() and component.isdigit()):
            return "only digits and full stops are allowed"
        if component[0] == "0" and component != "0":
            return "component with a leading zero"
    return ""


def is_valid_uid(uid: str) -> bool:
    """Tell whether ``uid`` follows PS3.5 section 9.1. Padding must have been stripped."""
    return not uid_problem(uid)


def lookup(uid: str) -> UIDEntry | None:
    """Return what PS3.6 says about ``uid``, transfer syntaxes included, or None for a private or unknown one."""
    from dcmnet_cli.core.uid_table import ENTRIES

    if entry := ENTRIES.get(uid):
        return entry
    if syntax := transfer_syntax(uid):
        return UIDEntry(uid, syntax.name, syntax.keyword, "Transfer Syntax", syntax.retired, "")
    return None


def transfer_syntax(uid: str) -> TransferSyntax | None:
    """Return the properties of the transfer syntax ``uid``, or None for a private or unknown one."""
    from dcmnet_cli.core.transfer_syntax_table import TRANSFER_SYNTAXES

    return TRANSFER_SYNTAXES.get(uid)


def transfer_syntaxes() -> tuple[str, ...]:
    """Return every transfer syntax that may be proposed and is not retired, in the order of PS3.5 annex A."""
    from dcmnet_cli.core.transfer_syntax_table import TRANSFER_SYNTAXES

    return tuple(uid for uid, syntax in TRANSFER_SYNTAXES.items() if syntax.negotiated and not syntax.retired)


def uid_name(uid: str) -> str:
    """Return the full name that PS3.6 gives ``uid``, without a "retired" mark, or "" when it gives none."""
    entry = lookup(uid)
    return entry.name if entry else ""


def short_name(uid: str) -> str:
    """Return a name for a narrow table, such as "Explicit LE" or "Study Root FIND", or "" when PS3.6 has
    none."""
    if syntax := transfer_syntax(uid):
        return syntax.short_name
    name = uid_name(uid)
    for superfluous in _SUPERFLUOUS:
        name = name.replace(superfluous, "")
    return name


def storage_sop_classes(*, retired: bool = False) -> tuple[str, ...]:
    """Return the UIDs of all classes that are sent with C-STORE, patient related or not.

    The retired ones, still found in old archives, only with ``retired``.
    """
    from dcmnet_cli.core.uid_table import ENTRIES

    return tuple(
        entry.uid
        for entry in ENTRIES.values()
        if entry.kind == "SOP Class" and entry.service_class in _STORAGE and (retired or not entry.retired)
    )


def by_keyword(word: str) -> str | None:
    """Return the UID that a keyword, a name, a short name or an everyday abbreviation (ILE, ELE, EBE, DEFL)
    stands for.

    Case, blanks and punctuation do not count. Returns None for words that mean nothing here.
    """
    key = _fold(word)
    if key in _ALIASES:
        return _ALIASES[key]
    return _words().get(key)


def keywords() -> tuple[str, ...]:
    """Return every keyword that :func:`by_keyword` knows, as PS3.6 writes it."""
    return tuple(entry.keyword for entry in _entries() if entry.keyword)


def _entries() -> tuple[UIDEntry, ...]:
    from dcmnet_cli.core.transfer_syntax_table import TRANSFER_SYNTAXES
    from dcmnet_cli.core.uid_table import ENTRIES

    syntaxes = (lookup(uid) for uid in TRANSFER_SYNTAXES)
    return (*ENTRIES.values(), *(syntax for syntax in syntaxes if syntax))


@cache
def _words() -> dict[str, str]:
    entries = _entries()
    words = {_fold(short_name(entry.uid)): entry.uid for entry in entries}
    words |= {_fold(entry.name): entry.uid for entry in entries}
    # Keywords come last: one must never be hidden by a name that happens to read the same.
    words |= {_fold(entry.keyword): entry.uid for entry in entries}
    words.pop("", None)
    return words


def _fold(word: str) -> str:
    return "".join(filter(str.isalnum, word)).lower()
