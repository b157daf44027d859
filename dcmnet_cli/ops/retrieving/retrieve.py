"""What ``move`` and ``get`` have in common: from keys to unique keys by C-FIND, and what should come of them.

A retrieval takes unique keys only (PS3.4 C.4.2.1.4, C.4.3.1.3), while people know accession numbers and patients. So
the peer is asked first, from the top of the hierarchy down, and what its answers name is then asked for.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, TypeVar

from dcmnet_cli.core import uids
from dcmnet_cli.core.identifier import Element, character_set_of, encode, text
from dcmnet_cli.core.quantities import plural
from dcmnet_cli.core.text import printable
from dcmnet_cli.errors import InputError, InvalidIdentifier, OperationFailed, UsageError
from dcmnet_cli.ops.querying.key_tree import name_of
from dcmnet_cli.ops.querying.levels import (
    CHARACTER_SET,
    INSTANCE_UID,
    LEVEL,
    LEVELS,
    NO_KEYS,
    PATIENT_ID,
    SERIES_UID,
    STUDY_UID,
    UNIQUE_KEYS,
    level_of,
)
from dcmnet_cli.ops.results import ListenEvent
from dcmnet_cli.ops.retrieving.reconcile import Destination, Entity, SubOperations, Wanted

if TYPE_CHECKING:
    from dcmnet_cli.net.association import Association

SOP_CLASSES = {
    ("study", "find"): uids.STUDY_ROOT_FIND,
    ("study", "move"): uids.STUDY_ROOT_MOVE,
    ("study", "get"): uids.STUDY_ROOT_GET,
    ("patient", "find"): uids.PATIENT_ROOT_FIND,
    ("patient", "move"): uids.PATIENT_ROOT_MOVE,
    ("patient", "get"): uids.PATIENT_ROOT_GET,
    ("only", "find"): uids.PATIENT_STUDY_ONLY_FIND,
    ("only", "move"): uids.PATIENT_STUDY_ONLY_MOVE,
    ("only", "get"): uids.PATIENT_STUDY_ONLY_GET,
    ("instance", "find"): uids.STUDY_ROOT_FIND,
    ("instance", "move"): uids.INSTANCE_ROOT_MOVE,
    ("instance", "get"): uids.INSTANCE_ROOT_GET,
    ("no-bulk", "find"): uids.STUDY_ROOT_FIND,
    ("no-bulk", "get"): uids.WITHOUT_BULK_DATA_GET,
}
"""The SOP class of each information model and service. The last two models have no C-FIND of their own: Composite
Instance Root, and Composite Instance Retrieve Without Bulk Data."""
BY_INSTANCE = ("instance", "no-bulk")

FAILED_UIDS, SOP_CLASS_UID = 0x00080058, 0x00080016
_AVAILABLE_SYNTAX, _SERIES_NUMBER, _MODALITY = 0x00083002, 0x00200011, 0x00080060
_STUDY_WORDS = (0x00081030, 0x00080020)
_SERIES_WORDS = (_MODALITY, _SERIES_NUMBER, 0x0008103E)
_COUNTS = {
    "PATIENT": (0x00201202, 0x00201204),
    "STUDY": (0x00201206, 0x00201208),
    "SERIES": (None, 0x00201209),
    "IMAGE": (None, None),
}
_RETURNED: dict[str, tuple[int, ...]] = {
    "PATIENT": (0x00201202, 0x00201204),
    "STUDY": (*_STUDY_WORDS, 0x00201206, 0x00201208),
    "SERIES": (*_SERIES_WORDS, 0x00201209),
    "IMAGE": (SOP_CLASS_UID, _AVAILABLE_SYNTAX),
}
_VRS = {PATIENT_ID: "LO", 0x00081030: "LO", 0x00080020: "DA", _MODALITY: "CS", 0x0008103E: "LO"}
_VRS |= dict.fromkeys((_SERIES_NUMBER, 0x00201202, 0x00201204, 0x00201206, 0x00201208, 0x00201209), "IS")
_PADDING = b"\0 "
_MOST_UIDS = 100
"""Instances that one request names: a list has no limit in the standard, and the identifier should stay small."""

_MOST_ANSWERS = 500_000
"""Answers to one question: nobody means to retrieve that much at once."""

_LONGEST_WORDS = 100

Answer: TypeAlias = Mapping[int, Element]
Name = TypeVar("Name")
Ask: TypeAlias = Callable[[str, Sequence[Element]], Iterable[Answer]]
"""Ask the peer at a level by C-FIND, and get its answers as they come."""


class Request(NamedTuple):
    """One C-MOVE or C-GET: a level, and the unique keys down to it as they are on the wire. Empty ones are left out."""

    level: str
    patient_id: bytes = b""
    study: str = ""
    series: str = ""
    instances: tuple[str, ...] = ()
    verbatim: tuple[Element, ...] = ()

    def identifier(self, explicit: bool) -> bytes:
        """The data set of the request."""
        if self.verbatim:
            return encode((*self.verbatim, Element(LEVEL, "CS", self.level.encode())), explicit)
        keys = [Element(LEVEL, "CS", self.level.encode())]
        keys += [Element(PATIENT_ID, "LO", self.patient_id)] if self.patient_id else []
        keys += [_ui(STUDY_UID, self.study)] if self.study else []
        keys += [_ui(SERIES_UID, self.series)] if self.series else []
        keys += [_ui(INSTANCE_UID, "\\".join(self.instances))] if self.instances else []
        return encode(keys, explicit)

    def describe(self) -> str:
        """``study 1.2.3``: what is asked for, in words."""
        if self.level == "PATIENT":
            return f"patient {printable(self.patient_id)}"
        if self.level == "STUDY":
            return f"study {printable(self.study)}"
        if self.level == "SERIES":
            return f"series {printable(self.series)}"
        if len(self.instances) == 1:
            return f"instance {printable(self.instances[0])}"
        return f"{len(self.instances)} instances of series {printable(self.series)}" if self.instances else "instances"


class Resolution(NamedTuple):
    """What keys turned out to stand for: the requests to send, and the entities to show."""

    requests: tuple[Request, ...]
    entities: tuple[Entity, ...]
    instances: tuple[Wanted, ...] = ()
    """Those of an image level query, which need not be asked for again."""


def _ui(tag: int, uid: str) -> Element:
    return Element(tag, "UI", uid.encode("ascii", "replace"))


def _empty(tag: int) -> Element:
    return Element(tag, _VRS.get(tag, "UI"), b"")


class Resolver:
    """Goes down the hierarchy of a model, from the keys given to the unique keys of ``level``."""

    def __init__(self, ask: Ask, model: str, level: str, keys: Iterable[Element]) -> None:
        self._ask = ask
        model = "study" if model in BY_INSTANCE else model
        self._levels: tuple[str, ...] = LEVELS[model]
        if level not in self._levels:
            raise UsageError(
                f"level {level} does not exist in this information model; it has {', '.join(self._levels)}"
            )
        self._levels = self._levels[: self._levels.index(level) + 1]
        self._keys: dict[str, list[Element]] = {each: [] for each in self._levels}
        self._charset: list[Element] = []
        self.strangers = 0  # answers that are left out, being of another patient than was asked for
        for key in keys:
            if key.tag in NO_KEYS or not (key.value.strip(_PADDING) or key.items):
                self._charset += [key] if key.tag == CHARACTER_SET else []
                continue
            own = level_of(key.tag, model)
            if own not in self._keys:
                raise UsageError(f"{name_of(key.tag)} is a key below the level {level}")
            self._keys[own].append(key)
        if not any(self._keys.values()):
            raise UsageError("nothing says what to retrieve: give --study, --patient-id, --accession or another key")

    def resolve(self) -> Resolution:
        """Ask, and collect. Raises InputError when nothing matches, and whatever ``ask`` raises."""
        found = [each for each in self._levels if self._keys[each] or each == self._levels[-1]]
        requests: dict[Request, None] = {}
        entities: list[Entity] = []
        instances: list[Wanted] = []
        for request, answer in self._descend(found, Request(found[0])):
            entities.append(_entity(request.level, answer))
            if request.level == "IMAGE":
                instances.append(_wanted(request, answer))
            requests[request] = None
        if not requests:
            others = "; what the peer named is of another patient or of none" if self.strangers else ""
            raise InputError(f"nothing to retrieve: no {self._word()} matches {', '.join(self._words())}{others}")
        return Resolution(tuple(_joined(requests)), tuple(entities), tuple(instances))

    def direct(self) -> Resolution:
        """The same without asking, where the keys given are unique keys alone. Raises UsageError where they are not."""
        request = Request(self._levels[-1])
        for level in self._levels:
            values = {key.tag: key.value.strip(_PADDING) for key in self._keys[level]}
            unique = values.pop(UNIQUE_KEYS[level], b"")
            is_last = level == self._levels[-1]
            if values or (is_last and not unique) or b"*" in unique or b"?" in unique:
                raise UsageError(
                    "without C-FIND only unique keys can be retrieved: Study, Series or SOP Instance UID, or the "
                    "Patient ID with --patient"
                )
            request = _with(request, level, unique)
        return Resolution((request,), (Entity(request.level, _uid_of(request)),))

    def _descend(self, levels: Sequence[str], above: Request) -> Iterator[tuple[Request, Answer]]:
        level, *deeper = levels
        named = ((self._taken(above._replace(level=level), answer), answer) for answer in self._answers(level, above))
        for request, answer in _distinct((each for each in named if _uid_of(each[0])), level):
            if deeper:
                yield from self._descend(deeper, request)
            else:
                yield request, answer

    def _answers(self, level: str, above: Request) -> Iterable[Answer]:
        """Ask at one level: unique keys from above, our own keys, and what describes the answers."""
        elements = {tag: _empty(tag) for tag in (CHARACTER_SET, *_RETURNED[level], UNIQUE_KEYS[level])}
        for upper in self._levels[: self._levels.index(level)]:
            value = _value_of(above, upper)
            elements[UNIQUE_KEYS[upper]] = _empty(UNIQUE_KEYS[upper])._replace(value=value)
        elements |= {key.tag: key for key in (*self._charset, *self._keys[level])}
        return filter(self._is_of_this_patient, self._ask(level, tuple(elements.values())))

    def _is_of_this_patient(self, answer: Answer) -> bool:
        """An object without a Patient ID matches everyone's (PS3.4 C.2.2.2), and some peers do not look at the key."""
        asked = [key.value.strip(_PADDING) for own in self._keys.values() for key in own if key.tag == PATIENT_ID]
        given = answer.get(PATIENT_ID)
        if not asked or given is None or not asked[0].isascii() or any(mark in asked[0] for mark in b"*?\\"):
            return True
        is_same = given.value.strip(_PADDING).lower() == asked[0].lower()
        self.strangers += not is_same
        return is_same

    def _taken(self, request: Request, answer: Answer) -> Request:
        """``request`` with the unique keys that the answer has for its level, and for those that were passed over."""
        for level in self._levels[: self._levels.index(request.level) + 1]:
            element = answer.get(UNIQUE_KEYS[level])
            if element is not None and (level == request.level or not _value_of(request, level)):
                request = _with(request, level, element.value.strip(_PADDING))
        return request

    def _word(self) -> str:
        return {"IMAGE": "instance"}.get(self._levels[-1], self._levels[-1].lower())

    def _words(self) -> list[str]:
        keys = [key for own in self._keys.values() for key in own]
        return [f"{name_of(key.tag)}={printable(key.value.strip(_PADDING))}" for key in keys]


class Wish(NamedTuple):
    """What is to be retrieved: an information model, a level of it, and keys of that level and those above.

    ``already`` are instances that need not come again, ``only`` the SOP classes that are wanted, empty for all;
    without ``asks_first`` no C-FIND is sent.
    """

    model: str
    level: str
    keys: tuple[Element, ...]
    already: frozenset[str] | None = None
    asks_first: bool = True
    only: frozenset[str] = frozenset()


class Plan(NamedTuple):
    """What is going to be asked for, and what should come of it: None where nobody knows."""

    requests: tuple[Request, ...]
    entities: tuple[Entity, ...]
    expected: tuple[Wanted, ...] | None
    already: int = 0


class Follower:
    """Hears how a retrieval goes. Override what is of interest; ``arrived`` and ``heard`` come from other threads."""

    def resolved(self, plan: Plan) -> None:
        """The peer has said what it has."""

    def listening(self, destination: Destination, addresses: tuple[str, ...]) -> None:
        """A listener is up, for what the peer will send."""

    def heard(self, event: ListenEvent) -> None:
        """Something happened at the listener."""

    def proposed(self, classes: Sequence[tuple[str, int]], contexts: int) -> None:
        """An association was made, with so many contexts for each SOP class, and so many in all."""

    def asked(self, request: Request) -> None:
        """A request went out."""

    def pending(self, counts: SubOperations) -> None:
        """The peer is at work."""

    def arrived(self, length: int) -> None:
        """An object came, with so many bytes."""


def plan_retrieval(ask: Ask | None, wish: Wish, peer: str, notes: list[str]) -> Plan:
    """What to ask for. ``ask`` is None where there is no C-FIND. Raises UsageError, InputError, NoAcceptedContext, and
    OperationFailed where C-FIND fails and is needed.
    """
    if wish.level == "FRAME":
        return Plan((Request("FRAME", verbatim=wish.keys),), (Entity("FRAME", ""),), None)
    resolver = Resolver(ask or _nobody, wish.model, wish.level, wish.keys)
    resolution, expected = _ask_around(ask, resolver, peer, notes)
    if wish.already is not None and expected is None:
        raise InputError(f"--missing needs to know what {peer} has, and C-FIND does not tell")
    if expected is None:
        return Plan(resolution.requests, resolution.entities, None)
    wanted = _of_classes(expected, wish.only)
    left = [each for each in wanted if each.sop_instance_uid not in (wish.already or ())]
    requests = resolution.requests
    if len(left) < len(expected) or wish.already is not None or wish.model in BY_INSTANCE:
        requests = image_requests(left, by_instance=wish.model in BY_INSTANCE)
    return Plan(requests, resolution.entities, tuple(left), len(wanted) - len(left))


def _of_classes(expected: list[Wanted], only: frozenset[str]) -> list[Wanted]:
    """What is of the wanted SOP classes. All of it where the peer does not tell the classes."""
    if not only or not all(each.sop_class_uid for each in expected):
        return expected
    return [each for each in expected if each.sop_class_uid in only]


def _ask_around(
    ask: Ask | None, resolver: Resolver, peer: str, notes: list[str]
) -> tuple[Resolution, list[Wanted] | None]:
    """Resolve, and find out what is to be expected, as far as the peer goes along."""
    if ask is None:
        return resolver.direct(), None
    try:
        resolution = resolver.resolve()
    except OperationFailed as error:
        try:
            resolution = resolver.direct()
        except UsageError:
            raise error from None
        notes.append(f"C-FIND failed, so nothing says what to expect: {error.message}")
        return resolution, None
    if resolver.strangers:
        told = plural(resolver.strangers, "answer")
        notes.append(f"{told} of {peer} left out: of another patient, or without a Patient ID")
    if resolution.instances:
        return resolution, list(resolution.instances)
    try:
        return resolution, expected_of(ask, resolution.requests)
    except OperationFailed as error:
        notes.append(f"{peer} does not list single instances, so nothing says what to expect: {error.message}")
        return resolution, None


def _nobody(level: str, elements: Sequence[Element]) -> Iterable[Answer]:
    raise AssertionError("there is nobody to ask")


def expected_of(ask: Ask, requests: Iterable[Request]) -> list[Wanted]:
    """The instances that the peer has for ``requests``, each once. Raises whatever ``ask`` raises."""
    found: dict[str, Wanted] = {}
    for request in requests:
        for wanted in _instances_of(ask, request):
            found.setdefault(wanted.sop_instance_uid, wanted)
    return list(found.values())


def _instances_of(ask: Ask, request: Request) -> Iterator[Wanted]:
    """Down to the instances, level by level: the one way that every archive goes along with."""
    below = {"PATIENT": "STUDY", "STUDY": "SERIES", "SERIES": "IMAGE", "IMAGE": "IMAGE"}[request.level]
    keys = {tag: _empty(tag) for tag in (CHARACTER_SET, *_RETURNED[below], UNIQUE_KEYS[below])}
    for level in UNIQUE_KEYS:
        if value := _value_of(request, level):
            keys[UNIQUE_KEYS[level]] = _empty(UNIQUE_KEYS[level])._replace(value=value)
    empty = Element(0, "UI", b"")
    named = (
        (each.get(UNIQUE_KEYS[below], empty).value.strip(_PADDING), each) for each in ask(below, tuple(keys.values()))
    )
    for uid, answer in _distinct((each for each in named if each[0]), below):
        inner = _with(request._replace(level=below, instances=()), below, uid)
        if below == "IMAGE":
            yield _wanted(inner, answer)
        else:
            number, modality = _text(answer, _SERIES_NUMBER), _text(answer, _MODALITY)
            for wanted in _instances_of(ask, inner):
                yield wanted._replace(
                    series_number=wanted.series_number or number, modality=wanted.modality or modality
                )


def _distinct(named: Iterable[tuple[Name, Answer]], level: str) -> Iterable[tuple[Name, Answer]]:
    """All answers to one question, each name once; the next can be asked then. Raises InputError for too many."""
    found: dict[Name, Answer] = {}
    for name, answer in named:
        found.setdefault(name, answer)
        if len(found) > _MOST_ANSWERS:
            raise InputError(f"the peer names more than {_MOST_ANSWERS:,} at {level} level; ask for less at a time")
    return found.items()


def image_requests(wanted: Iterable[Wanted], *, by_instance: bool = False) -> tuple[Request, ...]:
    """Requests for single instances, those of a series together; ``by_instance`` without the keys above them."""

    def alone(each: Wanted) -> Request:
        above = Request("IMAGE", each.patient_id, each.study_instance_uid, each.series_instance_uid)
        return (Request("IMAGE") if by_instance else above)._replace(instances=(each.sop_instance_uid,))

    return tuple(_joined(map(alone, wanted)))


def finder(association: "Association", context_id: int, model: str, stop: Callable[[], bool]) -> Ask:
    """``Ask`` over an association that has a context for C-FIND. It raises what ends the association, OperationFailed
    for a failure status, InvalidIdentifier for an answer that cannot be read, and KeyboardInterrupt once ``stop`` says
    so: nothing has been retrieved by then.
    """
    from dcmnet_cli.ops.querying.find import Finding, failed
    from dcmnet_cli.ops.querying.keys import Query

    context = association.negotiated.contexts[context_id]

    def ask(level: str, elements: Sequence[Element]) -> Iterator[Answer]:
        query = Query("study" if model in BY_INSTANCE else model, level, tuple(elements))
        finding = Finding(association, context, query, stop=stop)
        for match in finding:
            yield match.elements
        ending = finding.ending
        if ending.is_stopped:
            raise KeyboardInterrupt
        if ending.is_failure and ending.status is not None:
            raise failed(association.peer, ending, query)
        if ending.unreadable:
            raise InvalidIdentifier(0, f"{ending.unreadable} answers could not be read ({ending.problem})")

    return ask


# --- answers and unique keys -----------------------------------------------------------------------------------------


def _text(answer: Answer, tag: int | None) -> str:
    element = answer.get(tag) if tag is not None else None
    return text(element, character_set_of(dict(answer))) if element is not None else ""


def _number(answer: Answer, tag: int | None) -> int | None:
    word = _text(answer, tag).strip()
    return int(word) if word.isascii() and word.isdigit() and len(word) < 10 else None


def _entity(level: str, answer: Answer) -> Entity:
    tags = {"STUDY": _STUDY_WORDS, "SERIES": _SERIES_WORDS}.get(level, ())
    words = [_date(_text(answer, tag)) if tag == 0x00080020 else _text(answer, tag) for tag in tags]
    series, instances = _COUNTS[level]
    return Entity(
        level,
        _text(answer, UNIQUE_KEYS[level]),
        ", ".join(filter(None, words))[:_LONGEST_WORDS],
        _number(answer, series),
        _number(answer, instances),
    )


def _date(value: str) -> str:
    return f"{value[:4]}-{value[4:6]}-{value[6:]}" if len(value) == 8 and value.isdigit() else value


def _wanted(inner: Request, answer: Answer) -> Wanted:
    return Wanted(
        inner.instances[0],
        _text(answer, SOP_CLASS_UID),
        inner.study or _text(answer, STUDY_UID),
        inner.series or _text(answer, SERIES_UID),
        _text(answer, _SERIES_NUMBER),
        _text(answer, _AVAILABLE_SYNTAX),
        _text(answer, _MODALITY),
        inner.patient_id,
    )


def _with(request: Request, level: str, value: bytes) -> Request:
    if level == "PATIENT":
        return request._replace(patient_id=value)
    words = value.decode("ascii", "replace")
    if level == "STUDY":
        return request._replace(study=words)
    if level == "SERIES":
        return request._replace(series=words)
    return request._replace(instances=tuple(filter(None, words.split("\\"))))


def _value_of(request: Request, level: str) -> bytes:
    words = {"STUDY": request.study, "SERIES": request.series, "IMAGE": "\\".join(request.instances)}
    return request.patient_id if level == "PATIENT" else words[level].encode("ascii", "replace")


def _uid_of(request: Request) -> str:
    return _value_of(request, request.level).decode("latin-1")


def _joined(requests: Iterable[Request]) -> Iterator[Request]:
    """Requests for instances of the same series as one, others as they are."""
    groups: dict[Request, list[str]] = {}
    for request in requests:
        if request.level != "IMAGE":
            yield request
        else:
            groups.setdefault(request._replace(instances=()), []).extend(request.instances)
    for request, members in groups.items():
        for start in range(0, len(members), _MOST_UIDS):
            yield request._replace(instances=tuple(members[start : start + _MOST_UIDS]))
