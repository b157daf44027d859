"""The values of query keys: checked by VR, shorthand for dates and times written out, text put into bytes.

Keys are no data: they may be longer than their VR allows and hold wild cards, ranges and lists (PS3.4 C.2.2.2). So
only what no peer could make sense of is refused.
"""

import re
import struct
from typing import TYPE_CHECKING

from dcmnet_cli.core.character_set import UTF_8, encode_text
from dcmnet_cli.core.text import excerpt
from dcmnet_cli.errors import UsageError

if TYPE_CHECKING:
    from datetime import date

EMPTY_VALUE = '""'  # asks for attributes without a value, where that was negotiated (PS3.4 C.2.2.2.7)
ENCODED_VRS = frozenset(("SH", "LO", "ST", "LT", "PN", "UC", "UT"))

_INTEGERS = {"US": ("H", 0, 0xFFFF), "SS": ("h", -0x8000, 0x7FFF), "UL": ("I", 0, 0xFFFFFFFF)}
_INTEGERS |= {"SL": ("i", -0x80000000, 0x7FFFFFFF), "UV": ("Q", 0, (1 << 64) - 1), "SV": ("q", -(1 << 63), 1 << 63)}
_FLOATS = {"FL": "f", "FD": "d"}
_BULK = frozenset(("OB", "OD", "OF", "OL", "OV", "OW"))
_DATE = re.compile(r"\d{8}")
_TIME = re.compile(r"([01]\d|2[0-3])([0-5]\d([0-5]\d(\.\d{1,6})?|60)?)?")
_DATE_TIME = re.compile(r"\d{4}(\d\d){0,5}(\.\d{1,6})?([+-]\d{4})?")
_PATTERNS = {
    "UI": (re.compile(r"[0-9.]{1,64}"), "a UID: digits and dots, 64 at most; several with \\ between"),
    "IS": (re.compile(r"[-+0-9*? ]{1,16}"), "a whole number"),
    "DS": (re.compile(r"[-+0-9.eE*? ]{1,18}"), "a number"),
    "AS": (re.compile(r"\d{3}[DWMY]"), "an age such as 045Y"),
}
_AGO = re.compile(r"-(\d{1,4})([dwmy])", re.IGNORECASE)
_DAY = re.compile(r"(\d{4})(?:-?(\d\d)(?:-?(\d\d))?)?|(\d{4})[./](\d\d)[./](\d\d)")
_DATE_FORMS = "today, yesterday, -7d, 2025-01-14, 2025-01, 2025-01..2025-03, 20250101-20250131"


def check_value(name: str, vr: str, value: str, today: "date | None" = None) -> str:
    """``value`` as it is to be sent, shorthand written out. ``today`` defaults to that. Raises UsageError."""
    if value in ("", "*", EMPTY_VALUE):
        return value
    if any(ord(character) < 32 and character not in "\t\n\f\r" for character in value):
        raise UsageError(f"{name}: {excerpt(value)} holds a control character")
    if vr == "DA":
        return "\\".join(date_key(name, each, today) for each in value.split("\\"))
    if vr == "TM":
        return _range(name, value.replace(":", ""), _TIME, "a time such as 1030 or 10:30..12:00", vr)
    if vr == "DT":
        return _range(name, value, _DATE_TIME, "a date and time such as 20250114103000", vr)
    if vr in _PATTERNS:
        pattern, what = _PATTERNS[vr]
        if not all(pattern.fullmatch(each) for each in value.split("\\")):
            raise UsageError(f"{name}: {excerpt(value)} is not {what}")
    elif vr in _BULK:
        raise UsageError(f"{name} holds bulk data (VR {vr}) and cannot be matched; ask for it without a value")
    return value


def encode_value(name: str, vr: str, value: str, character_set: str) -> bytes:
    """``value`` in bytes, without padding. Raises UsageError where it does not fit its VR or the character set."""
    if vr in ENCODED_VRS or vr == "UN":
        encoded = encode_text(value, character_set)
        if encoded is None:
            raise UsageError(f"{name}: {excerpt(value)} cannot be written in {character_set or 'ASCII'}; try {UTF_8}")
        return encoded
    try:
        if vr in _INTEGERS:
            code, least, most = _INTEGERS[vr]
            numbers = [int(each) for each in value.split("\\") if each]
            if not all(least <= number <= most for number in numbers):
                raise UsageError(f"{name}: {excerpt(value)} is out of range; VR {vr} holds {least} to {most}")
            return struct.pack(f"<{len(numbers)}{code}", *numbers)
        if vr in _FLOATS:
            return b"".join(struct.pack("<" + _FLOATS[vr], float(each)) for each in value.split("\\") if each)
        if vr == "AT":
            return b"".join(_encode_tag(each) for each in value.split("\\") if each)
    except (ValueError, OverflowError, struct.error):
        raise UsageError(f"{name}: {excerpt(value)} is not a value of VR {vr}") from None
    if not value.isascii():
        raise UsageError(f"{name}: {excerpt(value)} holds a character outside ASCII, which VR {vr} does not have")
    return value.encode("ascii")


def _encode_tag(word: str) -> bytes:
    group, number = word.strip("()").split(",")
    return struct.pack("<HH", int(group, 16), int(number, 16))


def _range(name: str, value: str, pattern: re.Pattern[str], what: str, vr: str) -> str:
    """A value, or a range of two with - or .. between; either end may be missing."""
    parts = value.split("..") if ".." in value else None
    if parts is None:
        if pattern.fullmatch(value):  # DT: a hyphen may be the sign of an offset
            return value
        cut = re.fullmatch(rf"({pattern.pattern})?-({pattern.pattern})?", value)
        if cut is None or value == "-":
            raise UsageError(f"{name}: {excerpt(value)} is not {what}")
        return value
    if len(parts) != 2 or not any(parts) or not all(pattern.fullmatch(each) for each in parts if each):
        raise UsageError(f"{name}: {excerpt(value)} is not {what}")
    return "-".join(parts)


# --- dates -----------------------------------------------------------------------------------------------------------


def date_key(name: str, value: str, today: "date | None" = None) -> str:
    """A date key from DICOM's own syntax or from shorthand. Raises UsageError."""
    word = value.strip()
    if match := re.fullmatch(r"([<>])(=?)(.+)", word):
        return _bounded(name, match[1], bool(match[2]), match[3], today)
    if ".." in word:
        first, _, last = word.partition("..")
    elif match := re.fullmatch(r"(\d{8})?-(\d{8})?", word):
        first, last = match[1] or "", match[2] or ""
    else:
        start, end = _days(name, word, today)
        return _written(start) if start == end else f"{_written(start)}-{_written(end)}"
    if not first and not last:
        raise UsageError(f"{name}: {excerpt(value)} is no date; write {_DATE_FORMS}")
    from_day = _days(name, first, today)[0] if first else None
    to_day = _days(name, last, today)[1] if last else None
    if from_day and to_day and from_day > to_day:
        raise UsageError(f"{name}: {excerpt(value)} ends before it begins")
    return f"{_written(from_day) if from_day else ''}-{_written(to_day) if to_day else ''}"


def _bounded(name: str, sign: str, includes: bool, word: str, today: "date | None") -> str:
    """``>2025-01-01``, ``<=today``: a range with one end."""
    from datetime import timedelta

    start, end = _days(name, word, today)
    step = timedelta(0 if includes else 1)
    return (
        f"{_written(start if includes else end + step)}-"
        if sign == ">"
        else f"-{_written(end if includes else start - step)}"
    )


def _days(name: str, word: str, today: "date | None") -> "tuple[date, date]":
    """The first and the last day that a word means."""
    from datetime import date, timedelta

    now = today or date.today()
    if word.lower() in ("today", "yesterday"):
        day = now - timedelta(word.lower() == "yesterday")
        return day, day
    try:
        if match := _AGO.fullmatch(word):
            return _ago(now, int(match[1]), match[2].lower()), now
        if match := _DAY.fullmatch(word):
            return _named_days([int(part) for part in match.groups() if part])
    except (ValueError, OverflowError):
        pass
    raise UsageError(f"{name}: {excerpt(word)} is no date; write {_DATE_FORMS}")


def _named_days(parts: list[int]) -> "tuple[date, date]":
    """A day, or all days of a month or year. Raises ValueError."""
    from datetime import date, timedelta

    if len(parts) == 3:
        day = date(*parts)
        return day, day
    year, month = parts[0], parts[1] if len(parts) == 2 else 0
    after = date(year + (month in (0, 12)), 1 if month in (0, 12) else month + 1, 1)
    return date(year, month or 1, 1), after - timedelta(1)


def _ago(now: "date", count: int, unit: str) -> "date":
    from datetime import date, timedelta

    if unit in "dw":
        return now - timedelta(count * (7 if unit == "w" else 1))
    months = now.year * 12 + now.month - 1 - count * (12 if unit == "y" else 1)
    year, month = divmod(months, 12)
    for day in range(now.day, 0, -1):  # 31 March less a month is the last day of February
        try:
            return date(year, month + 1, day)
        except ValueError:
            if day <= 28:
                raise
    raise AssertionError


def _written(day: "date") -> str:
    return f"{day:%Y%m%d}".rjust(8, "0")
