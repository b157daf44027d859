"""Queries of the Patient Root, Study Root and Patient/Study Only models over an index (PS3.4 C.4.1, C.6).

SQL finds a superset by what is indexed; whether an entity matches is then decided here, by the rules of matching.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

from dcmnet_cli.archive.entry import read_object
from dcmnet_cli.archive.matching import Condition, Rules, answered, conditions, fold, has_wildcard
from dcmnet_cli.archive.moments import moment_range, stored_moment
from dcmnet_cli.archive.schema import (
    ACCESSION_NUMBER,
    ALIASES,
    COLUMNS,
    COMPUTED,
    FRAME,
    IMAGE,
    LEVEL_OF,
    LEVELS,
    MODALITIES_IN_STUDY,
    NOT_MATCHED,
    PATIENT,
    PATIENT_ID,
    PATIENT_NAME,
    READ,
    SERIES,
    SERIES_INSTANCE_UID,
    SOP_CLASSES_IN_STUDY,
    SOP_INSTANCE_UID,
    STUDY,
    STUDY_DATE,
    STUDY_INSTANCE_UID,
    UNIQUE_KEYS,
    column,
)
from dcmnet_cli.archive.values import Attribute, Attributes, PlainLine
from dcmnet_cli.core import uids
from dcmnet_cli.core.attributes import ATTRIBUTES, keyword_of
from dcmnet_cli.errors import InputError

IDENTIFIER_DOES_NOT_MATCH = 0xA900
QUERY_RETRIEVE_LEVEL = 0x00080052
RETRIEVE_AE_TITLE, INSTANCE_AVAILABILITY = 0x00080054, 0x00080056
_CONTROLS = frozenset((0x00080005, QUERY_RETRIEVE_LEVEL, 0x00080053, 0x00080201))
"""What is in an identifier and asks for nothing."""

_FROM = {
    PATIENT: "studies s",
    STUDY: "studies s",
    SERIES: "series e JOIN studies s ON s.id = e.study",
    IMAGE: "instances i JOIN series e ON e.id = i.series JOIN studies s ON s.id = e.study",
}
_FIRST_OF = "(SELECT i2.path FROM series e2 JOIN instances i2 ON i2.series = e2.id WHERE {} ORDER BY i2.id LIMIT 1)"
_PATHS = {
    PATIENT: _FIRST_OF.format("e2.study = s.id"),
    STUDY: _FIRST_OF.format("e2.study = s.id"),
    SERIES: _FIRST_OF.format("e2.id = e.id"),
    IMAGE: "i.path",
}
_LISTS = frozenset((MODALITIES_IN_STUDY, SOP_CLASSES_IN_STUDY))
_PULSE = 0.02  # seconds
_LONGEST_NAME = 1024
_MOST_VALUES = 500
_BEYOND = "\U0010ffff"  # sorts behind every other character


Write: TypeAlias = Callable[[Attributes], bytes]


class Model(NamedTuple):
    """A query/retrieve information model and its levels; ``top`` is the level whose unique key begins the hierarchy."""

    name: str
    levels: tuple[str, ...]

    def above(self, level: str) -> tuple[str, ...]:
        """The levels above ``level``."""
        return self.levels[: self.levels.index(level)]


PATIENT_ROOT = Model("patient root", LEVELS)
STUDY_ROOT = Model("study root", LEVELS[1:])
PATIENT_STUDY_ONLY = Model("patient/study only", LEVELS[:2])
INSTANCE_ROOT = Model("composite instance root", (IMAGE, FRAME))
WITHOUT_BULK_DATA = Model("without bulk data", (IMAGE,))
FIND_MODELS = {
    uids.PATIENT_ROOT_FIND: PATIENT_ROOT,
    uids.STUDY_ROOT_FIND: STUDY_ROOT,
    uids.PATIENT_STUDY_ONLY_FIND: PATIENT_STUDY_ONLY,
}
MOVE_MODELS = {
    uids.PATIENT_ROOT_MOVE: PATIENT_ROOT,
    uids.STUDY_ROOT_MOVE: STUDY_ROOT,
    uids.PATIENT_STUDY_ONLY_MOVE: PATIENT_STUDY_ONLY,
    uids.INSTANCE_ROOT_MOVE: INSTANCE_ROOT,
}
GET_MODELS = {
    uids.PATIENT_ROOT_GET: PATIENT_ROOT,
    uids.STUDY_ROOT_GET: STUDY_ROOT,
    uids.PATIENT_STUDY_ONLY_GET: PATIENT_STUDY_ONLY,
    uids.INSTANCE_ROOT_GET: INSTANCE_ROOT,
    uids.WITHOUT_BULK_DATA_GET: WITHOUT_BULK_DATA,
}
MODELS = FIND_MODELS | MOVE_MODELS | GET_MODELS


class BadIdentifier(Exception):
    """An identifier that does not fit its model: what is wrong in words, the element that it is about, and the status
    that says so.
    """

    def __init__(self, problem: str, tag: int, status: int = IDENTIFIER_DOES_NOT_MATCH) -> None:
        super().__init__(problem)
        self.problem = problem
        self.tag = tag
        self.status = status


def level_of(model: Model, keys: Attributes) -> str:
    """The query/retrieve level of an identifier. Raises BadIdentifier."""
    given = keys.get(QUERY_RETRIEVE_LEVEL)
    level = given.text.upper() if given is not None else ""
    if level not in model.levels:
        raise BadIdentifier(
            "no level of this model" if level else "Query/Retrieve Level is missing", QUERY_RETRIEVE_LEVEL
        )
    return level


def check_upper_keys(model: Model, level: str, keys: Attributes) -> None:
    """See that there is one single value for the unique key of every level above (PS3.4 C.4.1.2.1)."""
    for upper in model.above(level):
        tag = UNIQUE_KEYS[upper]
        text = keys[tag].text if tag in keys else ""
        if not text or (tag != PATIENT_ID and "\\" in text) or has_wildcard(text):
            raise BadIdentifier(f"{keyword_of(tag)}: one value is needed at {level} level", tag)


def check_keys(keys: Attributes) -> None:
    """See that no key is so long that every entity would cost time to compare. Raises BadIdentifier.

    Keys may break the rules of their VRs (PS3.4 C.2.2.2), so the limits are far beyond these; a list of UIDs has none.
    """
    for tag, key in keys.items():
        if key.vr == "PN" and len(key.text) > _LONGEST_NAME:
            raise BadIdentifier(f"{keyword_of(tag)} is longer than any name", tag)
        if key.vr != "UI" and key.text.count("\\") > _MOST_VALUES:
            raise BadIdentifier(f"{keyword_of(tag)} has more than {_MOST_VALUES} values", tag)
        for item in key.items or ():
            check_keys(item)


class Query:
    """One C-FIND over the index. ``relational`` if that was agreed on. Raises BadIdentifier.

    ``is_unsure`` if keys were given that are not supported or not matched: then answers bear FF01.
    """

    def __init__(self, model: Model, keys: Attributes, rules: Rules, *, relational: bool, title: str) -> None:
        self.level = level_of(model, keys)
        if not relational:
            check_upper_keys(model, self.level, keys)
        self._model = model
        self._rules = rules
        self._title = title
        self._keys = {tag: key for tag, key in keys.items() if tag not in _CONTROLS and tag & 0xFFFF}
        unique = UNIQUE_KEYS[self.level]
        self._keys.setdefault(unique, Attribute(unique, ATTRIBUTES[unique][0]))
        self._levels = LEVELS[: LEVELS.index(self.level) + 1]
        supported = {tag for tag in self._keys if self._is_supported(tag)}
        ignored = {tag for tag in NOT_MATCHED & supported if self._keys[tag].text.strip("*")}
        self.is_unsure = bool(ignored) or supported != self._keys.keys()
        self._returned = supported | {UNIQUE_KEYS[upper] for upper in model.above(self.level)}
        self._conditions = self._make_conditions(supported - NOT_MATCHED - {RETRIEVE_AE_TITLE, INSTANCE_AVAILABILITY})
        self._columns = self._make_columns()
        needed = self._returned | {each.tag for each in self._conditions}
        in_index = LEVEL_OF.keys() | COMPUTED.keys() | {RETRIEVE_AE_TITLE, INSTANCE_AVAILABILITY}
        self._reads = bool(needed - in_index)

    def _is_supported(self, tag: int) -> bool:
        if tag in (RETRIEVE_AE_TITLE, INSTANCE_AVAILABILITY):
            return True
        if tag in COMPUTED:
            level = COMPUTED[tag][0]
            return level in self._levels and (level != PATIENT or PATIENT in self._model.levels)
        level = LEVEL_OF.get(tag, "")
        if level:
            return level in self._levels
        return self.level == IMAGE or any(tag in READ[each] for each in self._levels)

    def _make_conditions(self, tags: set[int]) -> list[Condition]:
        """Unique keys are never empty in an entity, so no unknown value matches them."""
        unique = {UNIQUE_KEYS[each] for each in self._model.levels}
        return [
            *conditions({tag: self._keys[tag] for tag in tags if tag not in unique}, self._rules),
            *conditions(
                {tag: self._keys[tag] for tag in tags if tag in unique}, self._rules._replace(unknown_matches=False)
            ),
        ]

    def _make_columns(self) -> dict[int, str]:
        """What is selected, by tag."""
        tags = self._returned | {each.tag for each in self._conditions}
        tags |= {tag for tag in self._keys if tag in LEVEL_OF and LEVEL_OF[tag] in self._levels}
        found = {tag: f"{ALIASES[LEVEL_OF[tag]]}.{column(tag)}" for tag in tags if tag in LEVEL_OF}
        return found | {tag: COMPUTED[tag][1] for tag in tags if tag in COMPUTED}

    # --- running -----------------------------------------------------------------------------------------------

    def run(self, connection: sqlite3.Connection, locate: Callable[[bytes], str]) -> Iterator[Attributes | None]:
        """The answers, as they are found, and None now and then while none is: whoever waits may have had enough.

        ``locate`` tells where an object of the index lies.
        """
        last_patient = ""
        for row in self._rows(connection):
            if row is None:
                yield None
                continue
            entity = self._entity(row)
            if self._reads:
                entity = _complete(entity, row[-1], locate)
            if not all(condition.accepts(entity) for condition in self._conditions):
                continue
            if self.level == PATIENT:
                patient = entity[PATIENT_ID].text
                if patient == last_patient:  # told already; and nobody could ask for a patient without an ID
                    continue
                last_patient = patient
            yield self._answer(entity)

    def encoded(
        self, connection: sqlite3.Connection, locate: Callable[[bytes], str], write: Write, explicit: bool
    ) -> Iterator[bytes | None]:
        """The same, each answer as a data set: by ``write``, or in a shorter way to what that would come to."""
        if self._reads or self.level == PATIENT or any(key.items is not None for key in self._keys.values()):
            for answer in self.run(connection, locate):
                yield None if answer is None else write(answer)
            return
        fixed = {tag: each.text for tag, each in self._answer(self._entity(("",) * len(self._columns))).items()}
        in_row = {tag: index for index, tag in enumerate(self._columns)}
        line = PlainLine([(tag, in_row.get(tag), fixed[tag]) for tag in sorted(fixed)], explicit)
        tests = self._conditions
        # Of the entity, the tests see what was asked for with a value.
        seen = [(in_row[tag], tag) for tag, key in self._keys.items() if tag in in_row and not key.is_empty]
        for row in self._rows(connection):
            if row is None:
                yield None
                continue
            entity = {tag: Attribute(tag, ATTRIBUTES[tag][0], _text_of(tag, row[index])) for index, tag in seen}
            if all(test.accepts(entity) for test in tests):
                yield line.of(row) or write(self._answer(self._entity(row)))

    def _rows(self, connection: sqlite3.Connection) -> Iterator[tuple[Any, ...] | None]:
        """What SQL finds, and None now and then."""
        where, values = self._where()
        selected = [*self._columns.values(), _PATHS[self.level] if self._reads else "NULL"]
        order = " ORDER BY s.PatientID, s.id DESC" if self.level == PATIENT else ""
        statement = f"SELECT {', '.join(selected)} FROM {_FROM[self.level]} WHERE {where}{order}"
        told = time.monotonic()
        for row in connection.execute(statement, values):
            if (now := time.monotonic()) - told > _PULSE:
                told = now
                yield None
            yield row

    def _entity(self, row: tuple[object, ...]) -> Attributes:
        entity: Attributes = {}
        for tag, value in zip(self._columns, row, strict=False):
            entity[tag] = Attribute(tag, ATTRIBUTES[tag][0], _text_of(tag, value))
        return entity

    def _answer(self, entity: Mapping[int, Attribute]) -> Attributes:
        answer: Attributes = {}
        for tag in self._returned:
            key = self._keys.get(tag)
            stored = entity.get(tag)
            if key is None:
                answer[tag] = entity[tag]
            elif stored is not None or not tag >> 16 & 1:
                answer[tag] = answered(key, stored, self._rules)
        answer[QUERY_RETRIEVE_LEVEL] = Attribute(QUERY_RETRIEVE_LEVEL, "CS", self.level)
        answer[RETRIEVE_AE_TITLE] = Attribute(RETRIEVE_AE_TITLE, "AE", self._title)
        if INSTANCE_AVAILABILITY in self._keys:
            answer[INSTANCE_AVAILABILITY] = Attribute(INSTANCE_AVAILABILITY, "CS", "ONLINE")
        return answer

    # --- SQL ---------------------------------------------------------------------------------------------------

    def _where(self) -> tuple[str, list[str]]:
        clauses, values = ["1"], []
        empty = [""] if self._rules.unknown_matches else []
        for tag, key in self._keys.items():
            if (
                tag not in _NARROWING
                or tag not in LEVEL_OF
                or LEVEL_OF[tag] not in self._levels
                or key.items is not None
            ):
                continue
            if self._rules.empty_values and key.text == '""':
                continue
            found = _NARROWING[tag](f"{ALIASES[LEVEL_OF[tag]]}.{column(tag)}", key.text, empty, self._rules.fuzzy)
            if found is not None:
                clauses.append(found[0])
                values += found[1]
        if self.level == PATIENT:
            clauses.append("s.PatientID <> ''")
        return " AND ".join(f"({clause})" for clause in clauses), values


def _text_of(tag: int, value: object) -> str:
    """A column's value as text; SQL parts several values by commas."""
    text = "" if value is None else str(value)
    return text.replace(",", "\\") if tag in _LISTS else text


def _complete(entity: Attributes, path: bytes, locate: Callable[[bytes], str]) -> Attributes:
    """``entity`` with what else its object says; what the index has comes first."""
    try:
        return read_object(locate(path)) | entity
    except InputError:
        return entity  # removed under our hands: the next repair will notice


_Narrowed = tuple[str, list[str]] | None


def _by_uid(name: str, text: str, _empty: list[str], _fuzzy: bool) -> _Narrowed:
    if not text.strip("*"):
        return None
    wanted = [uid.strip() for uid in text.split("\\")][:500]  # the rest of a longer list is for the tests to find
    if len(wanted) == 500:
        return None
    return f"{name} IN ({', '.join('?' * len(wanted))})", wanted


def _by_text(name: str, text: str, empty: list[str], _fuzzy: bool) -> _Narrowed:
    if "\\" in text or not text.strip("*"):
        return None
    if not has_wildcard(text):
        wanted = [text, *empty]
        return f"{name} IN ({', '.join('?' * len(wanted))})", wanted
    return _by_prefix(name, text, empty)


def _by_name(name: str, text: str, empty: list[str], fuzzy: bool) -> _Narrowed:
    """By the folded name; names of several component groups are left to the tests."""
    key = fold(text)
    if fuzzy or "=" in text or "\\" in text or not key.strip("*"):
        return None
    name = name.replace(column(PATIENT_NAME), "NameKey")
    several = f"({name} >= '=' AND {name} < '>')"
    if not has_wildcard(key):
        wanted = [key, *empty]
        return f"{name} IN ({', '.join('?' * len(wanted))}) OR {several}", wanted
    found = _by_prefix(name, key, empty)
    return (f"{found[0]} OR {several}", found[1]) if found else None


def _by_prefix(name: str, text: str, empty: list[str]) -> _Narrowed:
    prefix = text.partition("*")[0].partition("?")[0]
    if not prefix:
        return None
    others = f" OR {name} = ''" if empty else ""
    return f"({name} >= ? AND {name} < ?){others}", [prefix, prefix + _BEYOND]


def _by_date(name: str, text: str, empty: list[str], _fuzzy: bool) -> _Narrowed:
    others = f" OR {name} = ''" if empty else ""
    ends = moment_range("DA", text)
    if ends is not None:
        return f"({name} >= ? AND {name} <= ?){others}", [ends.first or "0", ends.last or "9" * 8]
    day = stored_moment("DA", text)
    return (f"{name} = ?{others}", [day]) if day else None


_NARROWING: dict[int, Callable[[str, str, list[str], bool], _Narrowed]] = {
    PATIENT_ID: _by_text,
    ACCESSION_NUMBER: _by_text,
    PATIENT_NAME: _by_name,
    STUDY_DATE: _by_date,
    STUDY_INSTANCE_UID: _by_uid,
    SERIES_INSTANCE_UID: _by_uid,
    SOP_INSTANCE_UID: _by_uid,
}
"""What makes SQL of a key for the attributes that have an index; None where the key does not narrow anything."""

assert all(set(UNIQUE_KEYS.values()) <= LEVEL_OF.keys() and COLUMNS[level] for level in LEVELS)
