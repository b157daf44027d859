"""Names of files and folders made from what a peer wrote: safe by construction, and still telling instances apart.

Every path of a received object is built here and nowhere else.
"""

import re
from unicodedata import category, normalize

LONGEST_NAME = 100
"""Bytes in one name. File systems take 255; archives, CD formats and Windows paths less."""

UNKNOWN = "unknown"
_PLAIN_UID = re.compile(r"[0-9]+(?:\.[0-9]+)*")
_LONGEST_UID = 64
_MARKS = " ._-+=@^,"
_INVISIBLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_RESERVED = re.compile(r"(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9¹²³])", re.IGNORECASE)


def is_plain_uid(uid: str) -> bool:
    """Whether ``uid`` can be a name as it is: digits and full stops, 64 at most. Leading zeros do no harm here."""
    return len(uid) <= _LONGEST_UID and _PLAIN_UID.fullmatch(uid) is not None


def clean(value: str) -> str:
    """``value`` with an underscore for everything but letters and digits of any script and a few harmless marks.

    Separators, controls, format characters and whatever a shell would read are gone. The result may be empty or dots,
    so it becomes a name only through ``component``.
    """
    return "".join(character if _is_kept(character) else "_" for character in normalize("NFC", value))


def _is_kept(character: str) -> bool:
    if character.isascii():
        return character.isalnum() or character in _MARKS
    return (character.isalnum() or category(character)[0] == "M") and not _INVISIBLE.match(character)


def component(cleaned: str, original: str, tail: str = "", *, is_doubtful: bool = False) -> str:
    """One name of a path: ``cleaned`` if that can be a name, else changed until it can, ``tail`` behind it.

    A name that is not letter for letter ``original`` ends in a hash of ``original``, as does a doubtful one, so that
    two values never share a name because both were cleaned. ``tail``, an extension, is trusted.
    """
    name = normalize("NFC", cleaned).rstrip(" .")
    if name[:1] in ("", " ", ".", "-"):
        name = "_" + name[1:]
    if _RESERVED.fullmatch(name.partition(".")[0].rstrip()):
        name = "_" + name
    room = LONGEST_NAME - len(tail.encode())
    if is_doubtful or name != original or len(name.encode()) > room:
        mark = "-" + _fingerprint(original)
        name = name.encode()[: room - len(mark)].decode(errors="ignore").rstrip(" .") + mark
    return name + tail


def uid_component(uid: str, before: str = "", tail: str = "") -> str:
    """A name made of a UID, between a fixed beginning and ``tail``. Different UIDs give different names."""
    if is_plain_uid(uid):
        return f"{before}{uid}{tail}"
    return component(before + clean(uid or UNKNOWN), before + uid, tail, is_doubtful=True)


def _fingerprint(text: str) -> str:
    import hashlib

    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
