"""What a query brings: its answers as plain elements, how it ended, and the way to a value inside an answer."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from dcmnet_cli.core.character_set import guess
from dcmnet_cli.core.identifier import Element, character_set_of, text
from dcmnet_cli.core.status import category

Path: TypeAlias = tuple[int, ...]


class Match(NamedTuple):
    """One answer. ``character_set`` is what it declares, "" where it declares none."""

    elements: dict[int, Element]
    character_set: str


class Ending(NamedTuple):
    """How a query ended. ``status`` is None when no final response came, ``answers`` counts what was handed out.

    ``warned`` of them came with FF01: some key of the query is not supported. ``unreadable`` answers could not be
    decoded, ``problem`` says why the first could not. ``is_cancelled`` when we sent a C-CANCEL, ``is_stopped`` when a
    person wanted that, ``is_deaf`` when the peer went on and was cut short; ``has_more`` when answers beyond the limit
    came.
    """

    status: int | None
    error_comment: str = ""
    offending_element: tuple[int, ...] = ()
    answers: int = 0
    warned: int = 0
    unreadable: int = 0
    problem: str = ""
    is_cancelled: bool = False
    is_stopped: bool = False
    is_deaf: bool = False
    has_more: bool = False
    seconds: float = 0.0

    @property
    def is_failure(self) -> bool:
        return self.status is not None and category(self.status) == "failure"

    @property
    def is_complete(self) -> bool:
        """Whether there is certainly nothing more than was handed out."""
        is_good = self.status is not None and category(self.status) in ("success", "warning")
        return is_good and not self.unreadable and not self.has_more


class Relaxed(NamedTuple):
    """What there would be without one key, or with the value ``instead`` in its place: ``answers``, or more of them.

    ``newest`` is the latest study date or "".
    """

    name: str
    value: str
    answers: int
    has_more: bool
    newest: str
    instead: str = ""


class Column(NamedTuple):
    """One attribute to show: where it is in an answer, its path in words, and a short heading for a narrow table."""

    path: Path
    name: str
    heading: str


class Assumption:
    """Which character set is read into answers that declare none, and how often that mattered.

    ``given`` is what the user or the configuration says; without it UTF-8 where the bytes are UTF-8, else Latin-1.
    """

    def __init__(self, given: str = "") -> None:
        self.given = given
        self.counts: dict[str, int] = {}

    def note(self, match: Match) -> None:
        """Count an answer that has letters beyond ASCII and does not say in which set."""
        if match.character_set:
            return
        for element in match.elements.values():
            if not element.value.isascii() and element.vr not in ("OB", "OW", "UN", "US", "SS", "UL", "SL", "FL", "FD"):
                name = self.given or guess(element.value)
                self.counts[name] = self.counts.get(name, 0) + 1
                return


def values_at(elements: Mapping[int, Element], path: Path, character_set: str, assumed: str = "") -> str:
    """The value at the end of ``path`` as text, "" where there is none; those of several items joined by backslashes.

    Not yet safe for a terminal.
    """
    element = elements.get(path[0])
    if element is None:
        return ""
    if len(path) == 1:
        return text(element, character_set, assumed)
    return "\\".join(filter(None, _inner(element.items or (), path[1:], character_set, assumed)))


def _inner(items: Sequence[Sequence[Element]], path: Path, character_set: str, assumed: str) -> Iterator[str]:
    for item in items:
        inner = {each.tag: each for each in item}
        yield values_at(inner, path, character_set_of(inner) or character_set, assumed)
