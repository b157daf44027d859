"""The outcome of a transfer, file by file, and where its time went: what ``store`` reports and renderers show."""

import re
from collections.abc import Iterable
from typing import NamedTuple

STORED, WARNED, REFUSED = "stored", "warned", "refused"
NOT_SENT, IN_DOUBT, CONFIRMED = "not_sent", "in_doubt", "confirmed"
OUTCOMES = (STORED, WARNED, REFUSED, NOT_SENT, IN_DOUBT, CONFIRMED)
"""stored: success. warned: stored, with a remark. refused: a failure status. not_sent: never left here, or not whole.
in_doubt: sent whole, and the connection ended before the answer. confirmed: an earlier run's journal has it."""
ANSWERED = (STORED, WARNED, REFUSED)

_MESSAGE_ID = re.compile(r" \(message \d+\)")

MOST_LABELS = 5
"""Files kept by name of all those for which the same was noted."""
MOST_TEXTS = 100
"""Different remarks that are counted one by one; some hold numbers, and there could be one a file."""
OTHERS = "other remarks"


class Outcome(NamedTuple):
    """What became of one instance. ``status`` is None where the peer gave none; ``reason`` says why in words for those
    that were not sent or are in doubt; ``sent_as`` is the transfer syntax on the wire; ``changes`` what was converted.
    """

    label: str
    kind: str
    sop_class_uid: str = ""
    sop_instance_uid: str = ""
    study_instance_uid: str = ""
    stored_as: str = ""
    sent_as: str = ""
    length: int = 0
    status: int | None = None
    error_comment: str = ""
    offending_element: tuple[int, ...] = ()
    reason: str = ""
    changes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def is_good(self) -> bool:
        """Whether the peer has it."""
        return self.kind in (STORED, WARNED, CONFIRMED)


class TimeSpent(NamedTuple):
    """Seconds of all associations together: waiting for answers, writing to the network, converting, reading files, and
    pausing, for a rate that was asked for or before another try.
    """

    waiting: float = 0.0
    network: float = 0.0
    converting: float = 0.0
    disk: float = 0.0
    pausing: float = 0.0

    def plus(self, other: "TimeSpent") -> "TimeSpent":
        return TimeSpent(*(a + b for a, b in zip(self, other, strict=True)))


class InputFacts(NamedTuple):
    """What the paths of a ``store`` turned out to hold. ``objects`` counts DICOM objects, ``unfit`` those of them that
    cannot be sent as they are, ``duplicates`` those whose SOP Instance UID had come before.
    """

    paths: tuple[str, ...]
    objects: int
    directories: int = 0
    not_dicom: int = 0
    unreadable: int = 0
    unfit: int = 0
    duplicates: int = 0

    @property
    def files(self) -> int:
        """Everything that was looked at."""
        return self.objects + self.directories + self.not_dicom + self.unreadable


class PlanRow(NamedTuple):
    """The files of one SOP class and transfer syntax, and what becomes of them.

    ``proposed`` has the transfer syntaxes of each context. ``accepted`` is the one that serves these files, "" when the
    peer takes nothing, None before it was asked; ``sent_as`` what they go out as, "" when they do not; ``note`` says in
    words what is done to them on the way, or why they stay.
    """

    sop_class_uid: str
    stored_as: str
    files: int
    bytes: int
    proposed: tuple[tuple[str, ...], ...] = ()
    accepted: str | None = None
    sent_as: str = ""
    note: str = ""


class Mentions:
    """In how many files something was noted, and the labels of the first few."""

    __slots__ = ("count", "labels")

    def __init__(self) -> None:
        self.count = 0
        self.labels: list[str] = []

    def add(self, label: str) -> None:
        self.count += 1
        if len(self.labels) < MOST_LABELS:
            self.labels.append(label)


class Tally:
    """Counts by outcome, and what a summary has to name: the outcomes that are not plainly stored, in ``remarkable``,
    and by text, of all files, what was changed on the way and what was odd. ``bytes`` is what the peer answered for.
    """

    def __init__(self) -> None:
        self.counts = dict.fromkeys(OUTCOMES, 0)
        self.bytes = 0
        self.remarkable: list[Outcome] = []
        self.changes: dict[str, Mentions] = {}
        self.notes: dict[str, Mentions] = {}

    def add(self, outcome: Outcome) -> None:
        """Count one outcome. Those that are plainly stored are not kept: there may be millions."""
        self.counts[outcome.kind] += 1
        if outcome.kind in ANSWERED:
            self.bytes += outcome.length
        if outcome.kind not in (STORED, CONFIRMED):
            self.remarkable.append(outcome)
        for texts, mentions in ((outcome.changes, self.changes), (outcome.notes, self.notes)):
            for text in texts:
                key = text if text in mentions or len(mentions) < MOST_TEXTS else OTHERS
                mentions.setdefault(key, Mentions()).add(outcome.label)

    @property
    def answered(self) -> int:
        """Instances that the peer answered for in this run, with whatever status."""
        return sum(self.counts[kind] for kind in ANSWERED)

    @property
    def good(self) -> int:
        """Instances that the peer has."""
        return sum(self.counts[kind] for kind in (STORED, WARNED, CONFIRMED))

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def is_complete(self) -> bool:
        """Whether the peer has everything."""
        return all(not self.counts[kind] for kind in (REFUSED, NOT_SENT, IN_DOUBT))


class StoreResult(NamedTuple):
    """The whole of a ``store``: ``skipped`` inputs that are not DICOM, ``seconds`` from first to last association,
    ``is_interrupted`` when somebody stopped it (Ctrl-C).
    """

    tally: Tally
    skipped: tuple[tuple[str, str], ...]
    seconds: float
    spent: TimeSpent
    associations: int
    retries: int
    jobs: int
    is_interrupted: bool = False


def by_cause(outcomes: Iterable[Outcome]) -> dict[tuple[str, int | None, str], list[Outcome]]:
    """Outcomes that need telling, grouped by kind, status and reason, whichever message it befell."""
    groups: dict[tuple[str, int | None, str], list[Outcome]] = {}
    for outcome in outcomes:
        reason = _MESSAGE_ID.sub("", outcome.reason)
        groups.setdefault((outcome.kind, outcome.status, reason), []).append(outcome)
    return groups
