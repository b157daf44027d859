"""Whether what is stored matches what is asked for (PS3.4 C.2.2.2, K.2.2.1.2)."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from dcmnet_cli.archive.moments import MomentRange, moment_range, moment_test, within_day_and_time
from dcmnet_cli.archive.values import BINARY_VRS, Attribute

WILDCARD_VRS = frozenset(["AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"])
_ONE_VALUE_VRS = frozenset(("LT", "ST", "UT", "UR"))  # in these a backslash is a letter like others
_MULTIPLE_VRS = frozenset(["AE", "AS", "AT", "CS", "LO", "PN", "SH", "UC"])
_EMPTY_VRS = frozenset(["AE", "CS", "DA", "DT", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UR", "UT"])
_ACCENTS = re.compile("[\u0300-\u036f]")
TextTest: TypeAlias = Callable[[str], bool]


class Rules(NamedTuple):
    """How matching is done. ``unknown_matches``: an attribute without a value matches every key, as in query/retrieve
    and not in worklists. The others are what extended negotiation agreed on; ``combined`` joins date and time ranges,
    ``always_combined`` does so for worklists, without being asked.
    """

    unknown_matches: bool = True
    fuzzy: bool = False
    empty_values: bool = False
    multiple_values: bool = False
    combined: bool = False
    always_combined: bool = False


QUERY_RULES = Rules()
WORKLIST_RULES = Rules(unknown_matches=False, always_combined=True)


class Condition(NamedTuple):
    """What one key asks of the attributes of an entity; ``tag`` is that of the key."""

    tag: int
    accepts: Callable[[Mapping[int, Attribute]], bool]


def conditions(keys: Mapping[int, Attribute], rules: Rules) -> list[Condition]:
    """What ``keys`` ask for. Universal keys ask for nothing."""
    found: list[Condition] = []
    joined: set[int] = set()
    for day, clock in _PAIRS if rules.combined or rules.always_combined else ():
        if day in keys and clock in keys and (both := _joined(keys[day], keys[clock], rules)) is not None:
            found.append(Condition(day, _pair_test(day, clock, *both, rules.unknown_matches)))
            joined |= {day, clock}
    for key in keys.values():
        if key.tag not in joined and (test := attribute_test(key, rules)) is not None:
            found.append(Condition(key.tag, test))
    return found


def attribute_test(key: Attribute, rules: Rules) -> Callable[[Mapping[int, Attribute]], bool] | None:
    """What one key asks of the attributes beside it; None if it is universal."""
    tag = key.tag
    if key.items is not None:
        return _sequence_test(key, rules)
    if key.vr in BINARY_VRS:
        raw = key.raw
        if not raw:
            return None
        return lambda stored: _raw_of(stored, tag) == raw or (rules.unknown_matches and not _raw_of(stored, tag))
    test = text_test(key.vr, key.text, rules)
    if test is None:
        return None
    accepts = test
    return lambda stored: accepts(stored[tag].text if tag in stored else "")


def _sequence_test(key: Attribute, rules: Rules) -> Callable[[Mapping[int, Attribute]], bool] | None:
    """All keys of the one item must match within the same stored item (PS3.4 C.2.2.2.6)."""
    wanted = conditions(key.items[0], rules) if key.items else []
    if not wanted:
        return None
    tag = key.tag

    def accepts(stored: Mapping[int, Attribute]) -> bool:
        items = stored[tag].items if tag in stored else None
        if not items:
            return rules.unknown_matches
        return any(all(each.accepts(item) for each in wanted) for item in items)

    return accepts


def matching_items(key: Attribute, stored: Attribute, rules: Rules) -> tuple[dict[int, Attribute], ...]:
    """The items of a stored sequence that match, each with the attributes that were asked for; a key without item, or
    with an empty one, asks for everything."""
    items = stored.items or ()
    if not key.items or not key.items[0]:
        return items
    asked = key.items[0]
    wanted = conditions(asked, rules)
    return tuple(
        {tag: answered(inner, item.get(tag), rules) for tag, inner in asked.items()}
        for item in items
        if all(each.accepts(item) for each in wanted)
    )


def answered(key: Attribute, stored: Attribute | None, rules: Rules) -> Attribute:
    """What comes back for a key: the stored attribute, or an empty one."""
    if key.items is not None or (stored is not None and stored.items is not None):
        return Attribute(key.tag, "SQ", items=matching_items(key, stored, rules) if stored is not None else ())
    return stored if stored is not None else Attribute(key.tag, key.vr)


def text_test(vr: str, asked: str, rules: Rules) -> TextTest | None:
    """What a key of a VR that holds text asks of a stored text; None if it is universal."""
    if not asked or not asked.strip("*"):
        return None
    if rules.empty_values and asked == '""' and vr in _EMPTY_VRS:
        return lambda stored: not stored
    unknown = rules.unknown_matches
    if vr == "UI":
        uids = frozenset(uid.strip() for uid in asked.split("\\"))
        return lambda stored: not uids.isdisjoint(stored.split("\\")) if stored else unknown
    if vr in _ONE_VALUE_VRS:
        whole = _value_test(vr, asked, rules)
        return lambda stored: whole(stored) if stored else unknown
    tests = [_value_test(vr, each.strip(), rules) for each in asked.split("\\")]
    every = rules.multiple_values and vr in _MULTIPLE_VRS
    return _values_test(tests, every, unknown)


def _values_test(tests: list[TextTest], every: bool, unknown: bool) -> TextTest:
    """Several stored values, one of which must match; of several keys one, or every one where that was negotiated."""
    if len(tests) == 1:
        only = tests[0]
        return lambda stored: (
            (only(stored) if "\\" not in stored else any(map(only, stored.split("\\")))) if stored else unknown
        )
    combine = all if every else any

    def accepts(stored: str) -> bool:
        return combine(any(map(test, stored.split("\\"))) for test in tests) if stored else unknown

    return accepts


def _value_test(vr: str, asked: str, rules: Rules) -> TextTest:
    """The test of one value against one value."""
    if vr == "PN":
        return _fuzzy_name_test(asked) if rules.fuzzy else _name_test(asked)
    if vr in ("DA", "TM", "DT"):
        return moment_test(vr, asked)
    if vr in ("IS", "DS"):
        return _number_test(asked)
    if vr in WILDCARD_VRS and has_wildcard(asked):
        return glob(asked)
    return lambda stored: stored.strip() == asked


def has_wildcard(asked: str) -> bool:
    return "*" in asked or "?" in asked


def glob(pattern: str) -> TextTest:
    """``*`` any run of characters, ``?`` exactly one. Linear in the text: peers choose both."""
    first, *others = (_piece(part) for part in pattern.split("*"))
    if not others:
        return lambda stored: len(stored) == first.length and first.at(stored, 0)
    *middle, last = others
    shortest = first.length + last.length

    def accepts(stored: str) -> bool:
        end = len(stored) - last.length
        if len(stored) < shortest or not first.at(stored, 0) or not last.at(stored, end):
            return False
        at = first.length
        for piece in middle:
            at = piece.find(stored, at, end)
            if at < 0:
                return False
        return True

    return accepts


class _piece:  # noqa: N801 - a pattern between two asterisks
    """Literal text with ``?`` in it."""

    __slots__ = ("_expression", "_text", "length")

    def __init__(self, text: str) -> None:
        self.length = len(text)
        self._text = text
        self._expression = None
        if "?" in text:
            self._expression = re.compile("".join("." if each == "?" else re.escape(each) for each in text), re.DOTALL)

    def at(self, stored: str, start: int) -> bool:
        if self._expression is None:
            return stored.startswith(self._text, start)
        return self._expression.match(stored, start) is not None

    def find(self, stored: str, start: int, end: int) -> int:
        """Where the first place from ``start`` on ends, -1 without one before ``end``."""
        if self._expression is None:
            at = stored.find(self._text, start, end)
        else:
            found = self._expression.search(stored, start, end)
            at = found.start() if found else -1
        return at if at < 0 else at + self.length


# --- names and numbers ------------------------------------------------------------------------------------------------


@lru_cache(4096)
def fold(name: str) -> str:
    """One component group of a name without case, accents, width and trailing empty components."""
    plain = _ACCENTS.sub("", unicodedata.normalize("NFKD", name))
    folded = unicodedata.normalize("NFC", plain).casefold()
    return "^".join(" ".join(part.split()) for part in folded.split("^")).rstrip("^")


def name_key(name: str) -> str:
    """A name as the index keeps it for matching: folded; with ``=`` in front if it has several component groups."""
    groups = [fold(group) for group in name.split("=")]
    return groups[0] if len(groups) == 1 else "=" + "=".join(groups)


def _name_test(asked: str) -> TextTest:
    """Case, accents and form do not count; a key of one group may match any of the stored groups."""
    tests = [_folded_test(fold(group)) for group in asked.split("=")]
    if len(tests) == 1:
        only = tests[0]
        return lambda stored: only is None or any(only(fold(group)) for group in stored.split("="))

    def accepts(stored: str) -> bool:
        groups = [fold(group) for group in stored.split("=")]
        groups += [""] * (len(tests) - len(groups))
        return all(test is None or test(group) for test, group in zip(tests, groups, strict=False))

    return accepts


def _folded_test(asked: str) -> TextTest | None:
    if not asked.strip("*"):
        return None
    return glob(asked) if has_wildcard(asked) else asked.__eq__


def _fuzzy_name_test(asked: str) -> TextTest:
    """Every word of the key begins a word of the name, in whatever order (agreed by extended negotiation)."""
    wanted = [glob(word if word.endswith("*") else word + "*") for word in _words(asked)]

    def accepts(stored: str) -> bool:
        words = _words(stored)
        return all(any(map(each, words)) for each in wanted)

    return accepts


def _words(name: str) -> list[str]:
    return [word for group in name.split("=") for word in fold(group).replace("^", " ").replace(",", " ").split()]


def _number_test(asked: str) -> TextTest:
    try:
        number = float(asked)
    except ValueError:
        return lambda stored: stored.strip() == asked

    def accepts(stored: str) -> bool:
        try:
            return float(stored) == number
        except ValueError:
            return False

    return accepts


# --- dates and times as one -------------------------------------------------------------------------------------------

_PAIRS = (
    (0x00080020, 0x00080030),
    (0x00080021, 0x00080031),
    (0x00080022, 0x00080032),
    (0x00080023, 0x00080033),
    (0x00100030, 0x00100032),
    (0x00400002, 0x00400003),
    (0x00400004, 0x00400005),
)


def _joined(day: Attribute, clock: Attribute, rules: Rules) -> tuple[MomentRange, MomentRange] | None:
    """The ranges of a date and a time key that are one interval; None where each is for itself (PS3.4 C.2.2.2.5)."""
    days, times = moment_range("DA", day.text), moment_range("TM", clock.text)
    if days is None or times is None:
        return None
    same_form = (not days.first, not days.last) == (not times.first, not times.last)
    return (days, times) if same_form or rules.always_combined else None


def _pair_test(
    day: int, clock: int, days: MomentRange, times: MomentRange, unknown: bool
) -> Callable[[Mapping[int, Attribute]], bool]:
    def accepts(stored: Mapping[int, Attribute]) -> bool:
        date = stored[day].text if day in stored else ""
        time = stored[clock].text if clock in stored else ""
        return within_day_and_time(date, time, days, times) if date else unknown

    return accepts


def _raw_of(stored: Mapping[int, Attribute], tag: int) -> bytes:
    return stored[tag].raw if tag in stored else b""
