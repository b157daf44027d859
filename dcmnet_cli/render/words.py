"""Numbers and codes in the words that screens, lines and JSON share."""

from collections.abc import Sequence

from dcmnet_cli.core.text import printable
from dcmnet_cli.core.uids import DICOM_ROOT, short_name, uid_name

_UID_END = 12

SIDES = {
    "peer": "the peer's side",
    "here": "this side",
    "network": "whoever runs the network in between",
}
"""Who has to act, by the words of ``Diagnosis.side``."""


def milliseconds(seconds: float) -> str:
    """A time for lines that programs read: always in ms, whatever its size."""
    value = seconds * 1000
    return f"{value:.2f} ms" if value < 0.995 else f"{value:.1f} ms"


def duration(seconds: float) -> str:
    """A time for people: three digits or so, in ms up to ten seconds."""
    if seconds >= 10:
        return f"{seconds:.1f} s"
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.1 else milliseconds(seconds)


def one_line(text: str) -> str:
    """Several lines as one, for streams where a line is a record."""
    return "; ".join(part.strip() for part in text.splitlines() if part.strip())


def name_or_uid(uid: str) -> str:
    """The short name of a UID, or the UID itself when PS3.6 gives it none."""
    return short_name(uid) or uid


def object_name(uid: str) -> str:
    """What objects of a SOP class are called: ``CT Image``, without the "Storage" that all of them have in common."""
    name = short_name(uid).replace(" Storage", "")
    return name or (printable(uid) if uid.startswith(DICOM_ROOT) else f"private {printable(uid)}")


def syntax_name(uid: str) -> str:
    """The short name of a transfer syntax, or what a file without one lacks."""
    return short_name(uid) or printable(uid) or "none given"


def short_uid(uid: str) -> str:
    """The end of a UID, which tells it from its siblings: ``...88.77``."""
    parts = uid.split(".")
    end = ".".join(parts[-2:])
    if len(parts) <= 3 and len(uid) <= _UID_END + 3:
        return uid
    return f"...{end if len(end) <= _UID_END else end[-_UID_END:]}"


def beginning(labels: Sequence[str], total: int, most: int) -> str:
    """The first few labels, made harmless, and how many more there are: ``a, b and 7 more``."""
    shown = ", ".join(map(printable, labels[:most]))
    left = total - min(len(labels), most)
    return f"{shown} and {left:,} more" if left > 0 else shown


def named_uid(uid: str) -> str:
    """``1.2.840.10008.1.2 Implicit VR Little Endian``: the UID, and its name where it has one."""
    return f"{uid} {uid_name(uid)}".rstrip()


def context_result(result: int | None) -> str:
    """A presentation context result (PS3.8 table 9-18) in few words, its number in brackets."""
    if result is None:
        return "not answered"
    if result == 0:
        return "accepted (0)"
    return f"{context_result_name(result).partition(' (')[0]} ({result})"


def context_result_name(result: int | None) -> str:
    """The name of a presentation context result in the standard's words."""
    from dcmnet_cli.core.reasons import explain_context_result

    return "not answered" if result is None else explain_context_result(result).name


def pdu_length(length: int) -> str:
    """A maximum PDU length, where 0 means that there is none (PS3.8 D.1)."""
    return f"{length} bytes" if length else "no limit"


def tag(number: int) -> str:
    """An element or attribute tag as ``(gggg,eeee)``."""
    return f"({number >> 16:04X},{number & 0xFFFF:04X})"
