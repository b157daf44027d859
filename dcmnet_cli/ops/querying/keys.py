"""From what a person asks to a query that a peer can answer: keys, shorthand, level, and the rules of PS3.4 C.4.1.

A baseline query names one value of the unique key of every level above its own. Peers answer one that does not with a
failure, with everything they have, or not at all; so it is refused here, unless relational queries are asked for.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from dcmnet_cli.core.character_set import UTF_8, is_known
from dcmnet_cli.core.identifier import Element
from dcmnet_cli.core.text import quoted
from dcmnet_cli.errors import UsageError
from dcmnet_cli.ops.querying.key_tree import (
    Key,
    Path,
    Tree,
    elements_of,
    leaves,
    name_of,
    parse_key,
    path_name,
    put,
    tree_of,
)
from dcmnet_cli.ops.querying.levels import (
    CHARACTER_SET,
    INSTANCE_UID,
    LEVEL,
    LEVELS,
    MODELS,
    NO_KEYS,
    PATIENT_ID,
    SERIES_UID,
    STEP_SEQUENCE,
    STUDY_UID,
    UNIQUE_KEYS,
    check_level,
    level_of,
)

_PATIENT_NAME, _ACCESSION, _STUDY_DATE, _MODALITY, _MODALITIES = (
    0x00100010,
    0x00080050,
    0x00080020,
    0x00080060,
    0x00080061,
)
_STEP_DATE, _STATION = (STEP_SEQUENCE, 0x00400002), (STEP_SEQUENCE, 0x00400001)
_STEP = (0x00400001, 0x00400002, 0x00400003, 0x00080060, 0x00400006, 0x00400007, 0x00400009, 0x00400010)
_RETURNED: dict[str, tuple[Path, ...]] = {
    "PATIENT": tuple((tag,) for tag in (_PATIENT_NAME, PATIENT_ID, 0x00100030, 0x00100040, 0x00201200, 0x00201204)),
    "STUDY": tuple(
        (tag,)
        for tag in (
            *(_STUDY_DATE, 0x00080030, _PATIENT_NAME, PATIENT_ID, 0x00081030, _MODALITIES, 0x00201206, 0x00201208),
            *(_ACCESSION, STUDY_UID),
        )
    ),
    "SERIES": tuple((tag,) for tag in (0x00200011, _MODALITY, 0x0008103E, 0x00180015, 0x00201209, SERIES_UID)),
    "IMAGE": tuple((tag,) for tag in (0x00200013, 0x00080016, INSTANCE_UID)),
    "": (
        *((STEP_SEQUENCE, tag) for tag in _STEP),
        *((tag,) for tag in (_PATIENT_NAME, PATIENT_ID, 0x00100030, 0x00100040, _ACCESSION, 0x00321060, 0x00401001)),
        (STUDY_UID,),
    ),
}


class Query(NamedTuple):
    """One C-FIND request. ``level`` is "" for a worklist; ``elements`` are the keys, without the level.

    ``columns`` are the attributes to show, in order; ``notes`` say what of it peers may not like.
    """

    model: str
    level: str
    elements: tuple[Element, ...]
    columns: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()


class Shorthands(NamedTuple):
    """Keys by everyday names; None where one was not given."""

    patient_id: str | None = None
    patient_name: str | None = None
    accession: str | None = None
    study: str | None = None
    series: str | None = None
    instance: str | None = None
    modality: str | None = None
    date: str | None = None
    station: str | None = None


def build_query(
    model: str,
    keys: Sequence[str] = (),
    tree: "Tree | None" = None,
    short: Shorthands = Shorthands(),  # noqa: B008 - immutable
    level: str = "",
    *,
    returns: Sequence[Path] = (),
    charset: str = "",
    relational: bool = False,
    verbatim: bool = False,
) -> Query:
    """The query of a model: ``tree`` is that of a query file, ``keys`` are ``-k`` words, which win over all else.

    ``returns`` are attributes to ask for beside these; where nothing is asked for, there is a useful selection.
    ``charset`` is what the peer understands, if that is known: text beyond ASCII is written in it, else in UTF-8.
    ``verbatim`` adds nothing but the level, and checks no rule. Raises UsageError.
    """
    built: Tree = dict(tree or {})
    typed = [parse_key(word) for word in keys]
    level = _level(model, level, built, [*typed, *((path, "") for path in returns)], short)
    for path, value in (*_expand(short, model, level), *typed):
        put(built, path, value)
    _add(built, returns)
    built.pop(LEVEL, None)
    if verbatim:
        return Query(model, level, _encoded(built, charset, declares=False), tuple(_columns(built)))
    _check_keys(built, model, level, relational)
    notes = _notes(built, model, level, relational)
    asked = tree is not None or bool(returns) or any(not value and path != (CHARACTER_SET,) for path, value in typed)
    columns = tuple(_columns(built)) if asked else ()
    if not asked:
        _add(built, _RETURNED[level])
        narrowing = [path for path in _columns(built) if path not in _RETURNED[level]]
        columns = (*_RETURNED[level], *narrowing)
    if level:
        _add(built, [(UNIQUE_KEYS[level],)])
    return Query(model, level, _encoded(built, charset, declares=True), columns, notes)


def check_baseline(query: Query) -> None:
    """Raises UsageError where a query needs relational queries to be agreed (PS3.4 C.4.1.2.2)."""
    _check_keys(tree_of(query.elements, ""), query.model, query.level, relational=False)


def narrowing(query: Query) -> list[tuple[Path, str]]:
    """The keys that keep answers away, with their values as text: what is left when return keys are taken off.

    The unique keys above the level are not among them: without them the query would be another one.
    """
    upper = {UNIQUE_KEYS[each] for each in _above(query.model, query.level)}
    return [(path, value) for path, value in _valued(query) if path[0] not in upper]


def above(query: Query) -> list[tuple[Path, str]]:
    """The unique keys above the level, with their values: what the query looks within."""
    upper = {UNIQUE_KEYS[each] for each in _above(query.model, query.level)}
    return [(path, value) for path, value in _valued(query) if path[0] in upper]


def changed(query: Query, path: Path, change: Callable[[Element], bytes]) -> Query:
    """The same query with another value for one key, that which ``change`` makes of it."""

    def within(elements: tuple[Element, ...], path: Path) -> tuple[Element, ...]:
        return tuple(each if each.tag != path[0] else of(each, path[1:]) for each in elements)

    def of(element: Element, rest: Path) -> Element:
        if not rest:
            return element._replace(value=change(element))
        return element._replace(items=tuple(within(item, rest) for item in element.items or ()))

    return query._replace(elements=within(query.elements, path))


def without(query: Query, path: Path) -> Query:
    """The same query with one key asked for instead of matched."""
    return changed(query, path, lambda _: b"")


def widened(query: Query, path: Path) -> Query | None:
    """The same query with asterisks round the value of one key, None where that is no use.

    First behind a name, of which people know the beginning; round all else that a person may have typed in part.
    """

    def wider(element: Element) -> bytes:
        value = element.value.strip(b"\0 ")
        if element.vr not in ("PN", "LO", "SH") or b"?" in value or value[:1] == b"*":
            return element.value
        if element.vr == "PN":
            return b"*" + value if value[-1:] == b"*" else value + b"*"
        return b"*" + value + b"*" * (value[-1:] != b"*")

    found = changed(query, path, wider)
    return found if found != query else None


def describe(query: Query) -> str:
    """``study root, STUDY level: StudyDate=20250107-20250114``: what is asked, for people."""
    name = MODELS[query.model].name
    keys = ", ".join(f"{path_name(path)}={value}" for path, value in _valued(query))
    return f"{name}{f', {query.level} level' if query.level else ''}: {keys or 'everything'}"


def _valued(query: Query) -> list[tuple[Path, str]]:
    """All keys with a value to match. A lone asterisk is none (PS3.4 C.2.2.2.4)."""
    return [
        (path, value)
        for path, value in leaves(tree_of(query.elements, ""))
        if value not in ("", "*") and path[0] not in NO_KEYS
    ]


# --- the level -------------------------------------------------------------------------------------------------------


def _level(model: str, wanted: str, tree: Tree, typed: list[tuple[Path, str]], short: Shorthands) -> str:
    """The level that was said, or else the lowest that a key belongs to."""
    said = {check_level(word, model): word for word in (wanted, *_said(tree, typed)) if word}
    if len(said) > 1 and wanted:
        said = {check_level(wanted, model): wanted}  # the option is the later word
    if said:
        return next(iter(said))
    if model == "worklist":
        return ""
    tags = {*tree, *(path[0] for path, _ in typed)}
    tags |= {path[0] for path, _ in _expand(short._replace(modality=None), model, "STUDY")}
    named = {level_of(tag, model) for tag in tags - NO_KEYS}
    lowest = [each for each in LEVELS[model] if each in named]
    if model == "only" and named - set(LEVELS[model]):
        raise UsageError("the patient/study only model has no keys below the study")
    return lowest[-1] if lowest else LEVELS[model][0] if short == Shorthands() and not tags else "STUDY"


def _said(tree: Tree, typed: list[tuple[Path, str]]) -> list[str]:
    words = [value for path, value in typed if path == (LEVEL,)]
    node = tree.get(LEVEL)
    return words[-1:] or ([node.value] if isinstance(node, Key) else [])


def _above(model: str, level: str) -> tuple[str, ...]:
    levels = LEVELS[model]
    return levels[: levels.index(level)] if level in levels else ()


# --- shorthand -------------------------------------------------------------------------------------------------------


def _expand(short: Shorthands, model: str, level: str) -> list[tuple[Path, str]]:
    """The keys that the everyday names stand for, at this level."""
    is_worklist = model == "worklist"
    if is_worklist and (short.series is not None or short.instance is not None):
        raise UsageError("a worklist has no series and no instances: --series and --instance do not go with -W")
    if short.station is not None and not is_worklist:
        raise UsageError("--station is a key of the modality worklist: add -W")
    modality: Path = (_MODALITY,) if level in ("SERIES", "IMAGE") else (_MODALITIES,)
    pairs: list[tuple[Path, str | None]] = [
        ((PATIENT_ID,), short.patient_id),
        ((_PATIENT_NAME,), short.patient_name),
        ((_ACCESSION,), short.accession),
        ((STUDY_UID,), short.study),
        ((SERIES_UID,), short.series),
        ((INSTANCE_UID,), short.instance),
        ((STEP_SEQUENCE, _MODALITY) if is_worklist else modality, short.modality and short.modality.upper()),
        (_STEP_DATE if is_worklist else (_STUDY_DATE,), short.date),
        (_STATION, short.station),
    ]
    return [(path, value) for path, value in pairs if value is not None]


# --- rules -----------------------------------------------------------------------------------------------------------


def _check_keys(tree: Tree, model: str, level: str, relational: bool) -> None:
    """One single value of the unique key of every level above (PS3.4 C.4.1.2.1). Raises UsageError."""
    if relational:
        return
    for above in _above(model, level):
        tag = UNIQUE_KEYS[above]
        node = tree.get(tag)
        value = node.value if isinstance(node, Key) else ""
        if not value:
            raise UsageError(
                f"a query at {level} level needs one {name_of(tag)}",
                hints=_missing(tree, level, tag),
            )
        if any(mark in value for mark in "*?\\"):
            raise UsageError(
                f"a query at {level} level takes one {name_of(tag)}, no list and no wild card: {quoted(value)}"
            )


def _missing(tree: Tree, level: str, tag: int) -> tuple[str, ...]:
    option = {PATIENT_ID: "--patient-id ID", STUDY_UID: "--study UID", SERIES_UID: "--series UID"}[tag]
    hints = [f"Give {option}; dcmnet find at the level above lists them."]
    if tag == PATIENT_ID:
        hints = [f"Give {option}, or ask in the study root model (-S), which does not need it."]
    elif level == "SERIES" and isinstance(tree.get(_MODALITY), Key):
        hints.append("To find studies by modality: --modality CT, or -k ModalitiesInStudy=CT.")
    return (*hints, "Or ask below the unique keys with --relational, if the peer can.")


def _notes(tree: Tree, model: str, level: str, relational: bool) -> tuple[str, ...]:
    """Keys that have no place at this level in a baseline query. Peers differ in what they make of them."""
    if relational or not level:
        return ()
    levels = LEVELS[model]
    found = []
    for path, value in leaves(tree):
        own = level_of(path[0], model)
        if path[0] in NO_KEYS or own not in levels or own == level or path[0] in UNIQUE_KEYS.values():
            continue
        is_below = levels.index(own) > levels.index(level)
        if is_below or value:
            found.append(f"{path_name(path)} belongs to the {own} level; at {level} level the peer may ignore it")
    return tuple(found)


def _columns(tree: Tree) -> list[Path]:
    return [path for path, _ in leaves(tree) if path[0] not in NO_KEYS]


def _add(tree: Tree, paths: Sequence[Path]) -> None:
    """Ask for what is not in the tree yet."""
    there = {path for path, _ in leaves(tree)}
    for path in paths:
        if path not in there:
            put(tree, path, "")


def _encoded(tree: Tree, charset: str, *, declares: bool) -> tuple[Element, ...]:
    """The elements, in a character set that has all of their letters; (0008,0005) is always asked for."""
    node = tree.pop(CHARACTER_SET, None)
    said = node.value if isinstance(node, Key) else ""
    if said and not is_known(said):
        raise UsageError(f"SpecificCharacterSet: {quoted(said)} is not a character set of DICOM")
    is_ascii = all(value.isascii() for _, value in leaves(tree))
    chosen = said or ("" if is_ascii else charset or UTF_8)
    elements = elements_of(tree, chosen)
    if not (declares or node is not None or chosen):
        return elements
    return (Element(CHARACTER_SET, "CS", chosen.encode("ascii")), *elements)
