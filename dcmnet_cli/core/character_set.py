"""Specific Character Set (0008,0005): letters from bytes and back (PS3.3 C.12.1.1.2, PS3.5 6.1 and annexes H to K)."""

import re
from contextlib import suppress
from functools import lru_cache
from typing import NamedTuple

UTF_8 = "ISO_IR 192"
LATIN_1 = "ISO_IR 100"


class _Set(NamedTuple):
    """One coded character set: Python's codec for it, the escape sequence that calls it, and whether it fills G0."""

    codec: str
    escape: bytes
    is_g0: bool = False


_ASCII = _Set("ascii", b"\x1b(B", True)
_SETS = {
    "6": _ASCII,
    "13": _Set("shift_jis", b"\x1b)I"),  # JIS X 0201 is what of Shift JIS has one byte
    "100": _Set("latin_1", b"\x1b-A"),
    "101": _Set("iso8859_2", b"\x1b-B"),
    "109": _Set("iso8859_3", b"\x1b-C"),
    "110": _Set("iso8859_4", b"\x1b-D"),
    "126": _Set("iso8859_7", b"\x1b-F"),
    "127": _Set("iso8859_6", b"\x1b-G"),
    "138": _Set("iso8859_8", b"\x1b-H"),
    "144": _Set("iso8859_5", b"\x1b-L"),
    "148": _Set("iso8859_9", b"\x1b-M"),
    "166": _Set("iso8859_11", b"\x1b-T"),
    "203": _Set("iso8859_15", b"\x1b-b"),
    "87": _Set("iso2022_jp", b"\x1b$B", True),
    "159": _Set("iso2022_jp_2", b"\x1b$(D", True),
    "149": _Set("euc_kr", b"\x1b$)C"),
    "58": _Set("gb2312", b"\x1b$)A"),
}
_BY_ESCAPE = {each.escape: each for each in _SETS.values()} | {b"\x1b(J": _ASCII}  # IR 14 is ASCII but for two signs
_TWO_BYTES = frozenset(("iso2022_jp", "iso2022_jp_2"))
# These stand alone, and know no escape sequences.
_WHOLE = {"192": "utf_8", "GB18030": "gb18030", "GBK": "gbk", "UTF8": "utf_8"}
# What peers send and DICOM has no name for: only ever assumed, never believed from the wire.
_ASSUMED = {
    **{f"CP{number}": f"cp{number}" for number in (437, 850, 874, 932, 936, 949, 950, *range(1250, 1259))},
    "LATIN1": "latin_1",
    "SHIFTJIS": "shift_jis",
    "EUCJP": "euc_jp",
    "EUCKR": "euc_kr",
    "BIG5": "big5",
    "KOI8R": "koi8_r",
    "ASCII": "ascii",
}
_NAME = re.compile(r"(?:ISO[ _-]*(?:2022)?[ _-]*(?:IR)?[ _-]*)?(\d+|GBK)$")
_RUNS = re.compile(rb"\x1b(?:\$[()]?|[(),\-.])[@-~]|[\x80-\xff]+|[\x00-\x1a\x1c-\x7f]+|\x1b")
_RESET = re.compile(rb"[\t\n\f\r\\]")
_RESET_IN_NAME = re.compile(rb"[\t\n\f\r\\^=]")


def decode_text(raw: bytes, character_set: str, vr: str) -> str:
    """``raw`` as text. ``character_set`` holds the defined terms with backslashes between, "" the default repertoire.

    What peers misspell is understood. Bytes beyond ASCII that nothing declares are taken for UTF-8 if they are UTF-8,
    else for Latin-1; bytes that a declared set does not have become lone surrogates, which show as ``\\xNN`` once they
    have passed ``printable``. Never raises.
    """
    whole, single, upper = _codecs(character_set)
    if whole or (single and b"\x1b" not in raw):
        return raw.decode(whole or single, "surrogateescape")
    if upper is None and b"\x1b" not in raw:
        return raw.decode(_SETS["100"].codec if guess(raw) == LATIN_1 else "utf_8")
    return _decode_extended(raw, upper or _SETS["100"], _RESET_IN_NAME if vr == "PN" else _RESET)


def encode_text(value: str, character_set: str) -> bytes | None:
    """``value`` in a character set given as for ``decode_text``; None where it does not have all of its letters."""
    names = _names(character_set)
    whole = _codec(names[0])
    try:
        if whole is not None:
            return value.encode(whole)
        if value.isascii():
            return value.encode("ascii")
        return _encode_extended(value, [_SETS[name] for name in names if name in _SETS])
    except UnicodeEncodeError:
        return None


def guess(raw: bytes) -> str:
    """The defined term for bytes that come without one: UTF-8 where they can be it, else Latin-1."""
    try:
        raw.decode("utf_8")
    except UnicodeDecodeError:
        return LATIN_1
    return UTF_8


def is_known(character_set: str) -> bool:
    """Whether every term of ``character_set`` is one that this module understands."""
    return all(name in _SETS or _codec(name) is not None for name in _names(character_set))


@lru_cache(64)
def _codecs(character_set: str) -> "tuple[str, str, _Set | None]":
    """What decodes a character set: the codec of one without escape sequences, that of the only set there is where no
    escape sequence comes, and the set of high bytes. Thousands of answers name the same one."""
    names = _names(character_set)
    sets = [_SETS[name] for name in names if name in _SETS]
    is_single = len(sets) == 1 and sets[0] is not _ASCII and not sets[0].is_g0
    upper = next((each for each in sets if not each.is_g0), None)
    return _codec(names[0]) or "", sets[0].codec if is_single else "", upper


def _names(character_set: str) -> list[str]:
    """The terms without their many spellings: the number of an ISO set, or a bare name."""
    names = []
    for term in character_set.upper().split("\\"):
        term = term.strip("\0 ")
        match = _NAME.match(term)
        names.append(match[1] if match else term.replace("-", "").replace("_", "").replace("WINDOWS", "CP"))
    return [name or "6" for name in names]


def _codec(name: str) -> str | None:
    return _WHOLE.get(name) or _ASSUMED.get(name)


# --- code extensions (PS3.5 6.1.2.5) ---------------------------------------------------------------------------------


def _decode_extended(raw: bytes, upper: _Set, resets: re.Pattern[bytes]) -> str:
    """Bytes with escape sequences: low bytes are of the set in G0, high ones of that in G1, until the next escape.

    A delimiter brings the first sets back. ``upper`` is G1 at first: the first declared set that belongs there, even if
    it should have been called by its escape sequence, because nothing else could be meant.
    """
    g0, g1 = _ASCII, upper
    parts = []
    for run in _RUNS.findall(raw):
        called = _BY_ESCAPE.get(run)
        if called is not None:
            g0, g1 = (called, g1) if called.is_g0 else (g0, called)
        elif run[0] >= 0x80:
            parts.append(run.decode(g1.codec, "surrogateescape"))
        elif g0.codec in _TWO_BYTES:
            parts.append(_decode_pairs(run, g0))
        else:
            parts.append(run.decode("ascii"))
            if resets.search(run):
                g1 = upper
    return "".join(parts)


def _decode_pairs(run: bytes, g0: _Set) -> str:
    """Low bytes where a set of two bytes is in G0. What is none of its characters stays what it is in ASCII."""
    with suppress(UnicodeDecodeError):
        return (g0.escape + run).decode(g0.codec)
    parts, at = [], 0
    while at < len(run):
        try:
            parts.append((g0.escape + run[at : at + 2]).decode(g0.codec))
            at += 2
        except UnicodeDecodeError:
            parts.append(run[at : at + 1].decode("ascii"))
            at += 1
    return "".join(parts)


def _encode_extended(value: str, sets: list[_Set]) -> bytes:
    first = sets[0] if sets and not sets[0].is_g0 else None
    g0, g1 = _ASCII, first
    parts = []
    for character in value:
        if character.isascii():
            parts.append((_ASCII.escape if g0 is not _ASCII else b"") + character.encode())
            g0 = _ASCII
            if character in "\t\n\f\r\\^=":
                g1 = first
            continue
        chosen, code = _code_of(character, sets)
        if chosen is not (g0 if chosen.is_g0 else g1):
            parts.append(chosen.escape)
            g0, g1 = (chosen, g1) if chosen.is_g0 else (g0, chosen)
        parts.append(code)
    return b"".join(parts) + (_ASCII.escape if g0 is not _ASCII else b"")


def _code_of(character: str, sets: list[_Set]) -> tuple[_Set, bytes]:
    """The first set that has the character, and its code there. Raises UnicodeEncodeError."""
    for each in sets:
        code = character.encode(each.codec, "ignore")
        if each.codec in _TWO_BYTES:
            code = code[len(each.escape) :][:2] if code.startswith(each.escape) else b""
        # JIS X 0201 has the yen sign at the place of the backslash, which in DICOM parts values: it cannot be sent.
        if code and not (each.codec == "shift_jis" and (len(code) > 1 or code.isascii())):
            return each, code
    raise UnicodeEncodeError("dicom", character, 0, 1, "in none of the sets")
