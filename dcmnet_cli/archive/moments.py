"""Dates and times as keys: by what they mean, single or as ranges (PS3.4 C.2.2.2.5, PS3.5 6.2).

A moment becomes a string of digits of fixed length, so that comparing is comparing strings.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

_DAY = re.compile(r"\d{8}")
_CLOCK = re.compile(r"(\d{2})(?:(\d{2})(?:(\d{2})(?:\.(\d{1,6}))?)?)?")
_BOTH = re.compile(r"(\d{4})(\d{2})?(\d{2})?(\d{2})?(\d{2})?(\d{2})?(?:\.(\d{1,6}))?([+-]\d{4})?")
_EARLIEST, _LATEST = "00000101000000000000", "99991231235959999999"
_END_OF_DAY = "235959999999"


class MomentRange(NamedTuple):
    """A range, both ends included, "" for an open one. The ends are normalized, as ``stored_moment`` has them."""

    first: str
    last: str


def stored_moment(vr: str, text: str) -> str:
    """A date as 8 digits, a time as 12, a date-time as 20 in UTC if it has an offset; "" for what is none of these."""
    return _moment(vr, text, False)


def moment_range(vr: str, asked: str) -> MomentRange | None:
    """The range that a key asks for, None if it asks for one moment or is nothing at all."""
    first, last = _split(vr, asked)
    if last is None:
        return None
    ends = MomentRange(_moment(vr, first, False), _moment(vr, last, True))
    is_sound = bool(ends.first or ends.last) and bool(first.strip()) == bool(ends.first)
    return ends if is_sound and bool(last.strip()) == bool(ends.last) else None


def moment_test(vr: str, asked: str) -> Callable[[str], bool]:
    """What a key asks of a stored date, time or date-time."""
    ends = moment_range(vr, asked)
    if ends is not None:
        first, last = ends
        return lambda stored: (
            first <= (moment := stored_moment(vr, stored)) and moment != "" and (not last or moment <= last)
        )
    exact = stored_moment(vr, asked)
    if not exact:
        return lambda stored: stored.strip() == asked.strip()
    return lambda stored: stored_moment(vr, stored) == exact


def within_day_and_time(day: str, clock: str, days: MomentRange, times: MomentRange) -> bool:
    """Whether a date with its time lies in the interval that begins and ends with the ends of both ranges.

    Without a time the day alone is compared: nobody knows better.
    """
    date, time = stored_moment("DA", day), stored_moment("TM", clock)
    if not date:
        return False
    if not time:
        return days.first <= date and (not days.last or date <= days.last)
    moment = date + time
    first = days.first + (times.first or "0" * 12) if days.first else ""
    last = days.last + (times.last or _END_OF_DAY) if days.last else "9" * 20
    return first <= moment <= last


def _split(vr: str, asked: str) -> tuple[str, str | None]:
    """The two sides of a range; the second is None where there is no range.

    A date-time may have hyphens of its own: those of offsets. One that splits two whole date-times is the range.
    """
    if "-" not in asked:
        return asked, None
    if vr != "DT" or asked.count("-") == 1:
        first, _, last = asked.partition("-")
        return first, last
    for at in (at for at, letter in enumerate(asked) if letter == "-"):
        first, last = asked[:at].strip(), asked[at + 1 :].strip()
        if all(not side or (_BOTH.fullmatch(side) and len(side) >= 4) for side in (first, last)) and len(last) != 4:
            return first, last
    return asked, None


def _moment(vr: str, text: str, is_end: bool) -> str:
    """Normalized; where less than everything is given, its beginning, or its end for the end of a range."""
    text = text.strip()
    if vr == "DA":
        day = text.replace(".", "")
        return day if _DAY.fullmatch(day) else ""
    if vr == "TM":
        found = _CLOCK.fullmatch(text.replace(":", ""))
        if found is None:
            return ""
        parts = "".join(part or "" for part in found.groups())
        return parts + (_END_OF_DAY if is_end else "0" * 12)[len(parts) :]
    return _date_time(text, is_end)


def _date_time(text: str, is_end: bool) -> str:
    found = _BOTH.fullmatch(text)
    if found is None:
        return ""
    *fields, offset = found.groups()
    digits = "".join(field or "" for field in fields)
    whole = digits + (_end_of(digits) if is_end else _EARLIEST)[len(digits) :]
    return _in_utc(whole, offset) if offset else whole


def _end_of(digits: str) -> str:
    """The last moment of what ``digits`` name; of a month its true last day."""
    if len(digits) != 6:
        return _LATEST
    import calendar

    month = int(digits[4:])
    last = calendar.monthrange(max(1, int(digits[:4])), month)[1] if 1 <= month <= 12 else 31
    return f"{digits}{last:02d}{_END_OF_DAY}"


def _in_utc(whole: str, offset: str) -> str:
    from datetime import datetime, timedelta

    try:
        moment = datetime.strptime(whole, "%Y%m%d%H%M%S%f")
        minutes = int(offset[1:3]) * 60 + int(offset[3:])
        moment -= timedelta(minutes=minutes if offset[0] == "+" else -minutes)
    except (ValueError, OverflowError):
        return ""
    return f"{moment:%Y%m%d%H%M%S%f}".rjust(20, "0")
