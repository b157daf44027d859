"""Why instances were not plainly stored: grouped by cause, each with what it means and which files it befell."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from dcmnet_cli.core.quantities import count, plural
from dcmnet_cli.core.status import lookup
from dcmnet_cli.core.text import printable
from dcmnet_cli.ops.storing.transfer import CONFIRMED, IN_DOUBT, NOT_SENT, REFUSED, STORED, WARNED, Outcome, by_cause
from dcmnet_cli.render.status import status_line
from dcmnet_cli.render.words import one_line, tag

LABELS = {
    STORED: "stored",
    WARNED: "stored, with a warning",
    REFUSED: "refused",
    NOT_SENT: "not sent",
    IN_DOUBT: "in doubt",
    CONFIRMED: "confirmed earlier",
}
"""The words for outcomes that people read."""
TROUBLE = (REFUSED, IN_DOUBT, NOT_SENT)
MOST_CAUSES = 6
"""Causes of one outcome that a screen tells apart."""
MOST_FILES = 3
"""Files that a screen names for one cause."""
_MOST_COMMENTS = 3
_MOST_ELEMENTS = 6
_MOST_REMEDIES = 2
_MOST_NOTES = 2
_IN_DOUBT = (
    "Sent whole, but the association ended before the answer, so the peer may have it or not. Look for it there, or "
    "send it again: the same SOP Instance UID makes no second object."
)


class Cause(NamedTuple):
    """What several outcomes have in common. ``status`` and ``reason`` as in Outcome."""

    kind: str
    status: int | None
    reason: str
    outcomes: Sequence[Outcome]

    @property
    def detail(self) -> str:
        """In one line what the peer said, or why there is nothing it could have said."""
        return one_line(self.reason) if self.status is None else status_line(self.status, "store")

    @property
    def label(self) -> str:
        """A few characters that name it."""
        return LABELS[self.kind].capitalize() if self.status is None else f"0x{self.status:04X}"

    @property
    def meaning(self) -> str:
        """What it means for the files; "" where the detail says it all."""
        if self.kind == IN_DOUBT:
            return _IN_DOUBT
        return "" if self.status is None else lookup(self.status, "store").explanation

    @property
    def remedies(self) -> tuple[str, ...]:
        """What to try, the likeliest first. What was stored needs no remedy."""
        return lookup(self.status, "store").remedies[:_MOST_REMEDIES] if self.kind == REFUSED and self.status else ()

    def facts(self, *, with_keywords: bool = False) -> Iterator[tuple[str, str]]:
        """What came along with the status, as (name, value), harmless."""
        comments = Counter(outcome.error_comment for outcome in self.outcomes if outcome.error_comment)
        for comment, times in comments.most_common(_MOST_COMMENTS):
            yield "Error Comment", f'"{printable(comment)}"' + (f" ({count(times)} times)" if times > 1 else "")
        if (left := len(comments) - _MOST_COMMENTS) > 0:
            yield "Error Comment", f"and {plural(left, 'other')}"
        if self.kind == REFUSED:
            yield from (("Remark", one_line(note)) for note in self._notes())
        elements = Counter(element for outcome in self.outcomes for element in outcome.offending_element)
        if elements:
            named = [_element(number, with_keywords) for number, _ in elements.most_common(_MOST_ELEMENTS)]
            left = len(elements) - len(named)
            yield "Offending Element", ", ".join(named) + (f" and {plural(left, 'other')}" if left > 0 else "")

    def _notes(self) -> list[str]:
        """What was odd about the files before they were sent: it may be why the peer would not have them."""
        notes = Counter(note for outcome in self.outcomes for note in outcome.notes)
        return [note for note, _ in notes.most_common(_MOST_NOTES)]

    def files(self, all_in: str) -> list[str]:
        """The first few files, harmless, and where the others are to be found."""
        return named_files([outcome.label for outcome in self.outcomes[:MOST_FILES]], len(self.outcomes), all_in)


def causes_of(outcomes: Iterable[Outcome]) -> list[Cause]:
    """The causes, those of one kind together, the most frequent first."""
    order = list(LABELS)
    found = [Cause(*key, outcomes) for key, outcomes in by_cause(outcomes).items()]
    return sorted(found, key=lambda cause: (order.index(cause.kind), -len(cause.outcomes)))


def told_apart(causes: Iterable[Cause]) -> tuple[list[Cause], dict[str, list[Cause]]]:
    """The causes to tell one by one, and by kind those that are too many for that."""
    told: list[Cause] = []
    rest: dict[str, list[Cause]] = {}
    seen: Counter[str] = Counter()
    for cause in causes:
        seen[cause.kind] += 1
        if seen[cause.kind] <= MOST_CAUSES:
            told.append(cause)
        else:
            rest.setdefault(cause.kind, []).append(cause)
    return told, rest


def named_files(labels: Sequence[str], total: int, all_in: str) -> list[str]:
    """Labels a line, harmless, and a last line where there are more than these. ``all_in`` says what lists them all."""
    lines = [printable(label) for label in labels[:MOST_FILES]]
    if (left := total - len(lines)) > 0:
        lines.append(f"and {count(left)} more: {all_in}")
    return lines


def _element(number: int, with_keyword: bool) -> str:
    if not with_keyword:
        return tag(number)
    from pydicom.datadict import keyword_for_tag

    return f"{tag(number)} {keyword_for_tag(number)}".rstrip()
