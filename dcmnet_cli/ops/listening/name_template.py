"""Names from a template such as ``{PatientID}/{StudyDate}-{Modality}/{SOPInstanceUID}.dcm``."""

import re
from collections.abc import Callable, Mapping
from string import Formatter
from time import localtime, strftime
from typing import NamedTuple

from dcmnet_cli.core.text import quoted
from dcmnet_cli.errors import UsageError
from dcmnet_cli.ops.listening.filenames import LONGEST_NAME, UNKNOWN, clean, component, is_plain_uid
from dcmnet_cli.ops.listening.name_fields import ENCODED_VRS, SPECIFIC_CHARACTER_SET, find_element, text_of

_MOST_COMPONENTS = 10
_SPEC = re.compile(r"(?:0([1-9]\d?))?(?:\.([1-9]\d?))?")
_NUMBER = re.compile(r"[+-]?\d{1,18}")
_EXTENSION = re.compile(r"(?<=.)\.[A-Za-z0-9]{1,15}\Z")


class Arrival(NamedTuple):
    """What is known of an object when it needs a name. ``values`` are those ``Head`` found, by tag; ``at`` is Unix
    time, ``sequence`` a number that grows with every object."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    calling: str
    called: str
    address: str
    values: Mapping[int, str]
    at: float
    sequence: int


_FACTS: dict[str, tuple[str, Callable[[Arrival], str]]] = {
    "SOPInstanceUID": ("UI", lambda arrival: arrival.sop_instance_uid),
    "SOPClassUID": ("UI", lambda arrival: arrival.sop_class_uid),
    "TransferSyntaxUID": ("UI", lambda arrival: arrival.transfer_syntax_uid),
    "CallingAET": ("AE", lambda arrival: arrival.calling),
    "CalledAET": ("AE", lambda arrival: arrival.called),
    "Address": ("AE", lambda arrival: arrival.address),
    "date": ("DA", lambda arrival: strftime("%Y%m%d", localtime(arrival.at))),
    "time": ("TM", lambda arrival: strftime("%H%M%S", localtime(arrival.at))),
    "sequence": ("IS", lambda arrival: str(arrival.sequence)),
}


class _Field(NamedTuple):
    """One ``{...}``: where its text comes from and what its format says."""

    read: Callable[[Arrival], str]
    vr: str
    tag: int
    width: int
    precision: int

    def text(self, arrival: Arrival) -> tuple[str, bool]:
        """(the text, whether it is an identifier that cannot be trusted to be unique as a name)."""
        text = self.read(arrival).strip()
        is_doubtful = self.vr == "UI" and bool(text) and not is_plain_uid(text)
        if not text:
            return UNKNOWN, False
        if self.precision:
            text = text[: self.precision]
        if self.width and _NUMBER.fullmatch(text):
            text = str(int(text)).zfill(self.width)
        return text, is_doubtful


class _Component(NamedTuple):
    parts: tuple[str | _Field, ...]
    tail: str

    def name(self, arrival: Arrival) -> str:
        cleaned, original, is_doubtful = "", "", False
        for part in self.parts:
            if isinstance(part, str):
                cleaned, original = cleaned + part, original + part
            else:
                text, odd = part.text(arrival)
                cleaned, original, is_doubtful = cleaned + clean(text), original + text, is_doubtful or odd
        return component(cleaned, original, self.tail, is_doubtful=is_doubtful)


class Template:
    """A template, read once. ``wanted`` are the tags it needs. Raises UsageError for what cannot make a path.

    A format after a colon fills a number with zeros (``{SeriesNumber:04}``) or takes the first characters
    (``{StudyDate:.4}`` is the year). ``{{`` and ``}}`` are braces.
    """

    def __init__(self, text: str, extension: str = "") -> None:
        self._text = text
        pieces = self._split()
        if len(pieces) > _MOST_COMPONENTS:
            raise self._error(f"more than {_MOST_COMPONENTS - 1} folders")
        tails = [*[""] * (len(pieces) - 1), extension]
        self._components = [self._compile(parts, tail) for parts, tail in zip(pieces, tails, strict=True)]
        fields = [part for each in self._components for part in each.parts if isinstance(part, _Field)]
        tags = {field.tag for field in fields if field.tag}
        if any(field.tag and field.vr in ENCODED_VRS for field in fields):
            tags.add(SPECIFIC_CHARACTER_SET)
        self.wanted = frozenset(tags)

    def path(self, arrival: Arrival) -> str:
        """The relative path of an object: as many names as the template has, whatever the values are."""
        return "/".join(each.name(arrival) for each in self._components)

    def _error(self, problem: str) -> UsageError:
        return UsageError(f"name template {quoted(self._text)}: {problem}")

    def _split(self) -> list[list[str | _Field]]:
        """The parts of each component. Only a slash of the template itself begins a new one."""
        pieces: list[list[str | _Field]] = [[]]
        try:
            parsed = list(Formatter().parse(self._text))
        except ValueError as error:
            raise self._error(str(error).lower()) from None
        for literal, name, spec, conversion in parsed:
            first, *others = literal.split("/")
            pieces[-1].append(first)
            pieces += [[other] for other in others]
            if name is not None:
                if conversion:
                    raise self._error(f"!{conversion} means nothing here")
                pieces[-1].append(self._field(name, spec or ""))
        return pieces

    def _field(self, name: str, spec: str) -> _Field:
        if not name:
            raise self._error("braces without a keyword")
        match = _SPEC.fullmatch(spec)
        if match is None:
            raise self._error(f'format ":{spec}" of {name} is neither :0WIDTH nor :.LENGTH')
        width, precision = int(match[1] or 0), int(match[2] or 0)
        if name in _FACTS:
            vr, read = _FACTS[name]
            return _Field(read, vr, 0, width, precision)
        try:
            tag, vr = find_element(name, tuple(_FACTS))
        except UsageError as error:
            raise self._error(error.message) from None
        return _Field(_reader(tag, vr), vr, tag, width, precision)

    def _compile(self, parts: list[str | _Field], extension: str) -> _Component:
        """A component, its literal text checked; what looks like an extension goes behind whatever is cut off."""
        parts = [part for part in parts if part != ""]
        tail = extension
        if len(parts) > 1 and isinstance(last := parts[-1], str) and (match := _EXTENSION.search("x" + last)):
            tail = match[0] + extension
            parts[-1] = last[: len(last) - len(match[0])]
        literal = "".join(part for part in parts if isinstance(part, str))
        if not literal.isprintable() or "\\" in literal:
            raise self._error("a backslash or an unprintable character")
        if not parts or (isinstance(parts[0], str) and parts[0][:1] in (".", "-", " ")):
            raise self._error("every part of the path needs a name, one that begins with neither . nor - nor a blank")
        if all(isinstance(part, str) for part in parts) and component(literal, literal) != literal:
            raise self._error(f"{quoted(literal)} cannot be a name on every system")
        if len(literal.encode()) > LONGEST_NAME // 2:
            raise self._error(f"more than {LONGEST_NAME // 2} bytes of fixed text in one name")
        return _Component(tuple(parts), tail)


def _reader(tag: int, vr: str) -> Callable[[Arrival], str]:
    def read(arrival: Arrival) -> str:
        value = arrival.values.get(tag, "")
        return text_of(value, arrival.values.get(SPECIFIC_CHARACTER_SET, ""), vr)

    return read
