"""What a retrieval should bring, what the peer says it sent, and what arrived: three accounts, compared by UID.

Plain facts for renderers. A count that the peer did not give is None, which is not zero (PS3.7 9.1.3, 9.1.4).
"""

import threading
import time
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from dcmnet_cli.core import status as dimse_status
from dcmnet_cli.errors import DcmnetError, OutputError
from dcmnet_cli.ops.results import Diagnosis


class Wanted(NamedTuple):
    """An instance that the peer has, as its C-FIND answers describe it; what it did not say is empty. ``patient_id`` is
    as on the wire, and only there where the information model begins with patients.
    """

    sop_instance_uid: str
    sop_class_uid: str = ""
    study_instance_uid: str = ""
    series_instance_uid: str = ""
    series_number: str = ""
    transfer_syntax_uid: str = ""
    modality: str = ""
    patient_id: bytes = b""


class Entity(NamedTuple):
    """A patient, study, series or instance that the keys stand for. ``words`` describe it to a person; ``series`` and
    ``instances`` are what the peer counts in it, None where it does not say.
    """

    level: str
    uid: str
    words: str = ""
    series: int | None = None
    instances: int | None = None


class SubOperations(NamedTuple):
    """The four counts of a response to C-MOVE or C-GET, None where the response lacks one."""

    remaining: int | None = None
    completed: int | None = None
    failed: int | None = None
    warning: int | None = None

    @property
    def done(self) -> int | None:
        """How many have ended, in whatever way; None where not even one of these counts is known."""
        known = [number for number in self[1:] if number is not None]
        return sum(known) if known else None


class Claim(NamedTuple):
    """How one request ended in the peer's words. ``status`` is None when no final response came; ``pending`` is how
    many responses came before it, ``seconds`` the time until then.
    """

    asked: str
    status: int | None
    counts: SubOperations = SubOperations()
    error_comment: str = ""
    offending_element: tuple[int, ...] = ()
    failed_uids: tuple[str, ...] = ()
    pending: int = 0
    seconds: float = 0.0

    @property
    def category(self) -> str:
        """As ``core.status.category``; "" without a status."""
        return "" if self.status is None else dimse_status.category(self.status)


class Arrival(NamedTuple):
    """What came here. ``distinct`` counts the SOP Instance UIDs of what was expected (all, if that is not known),
    ``surplus`` the others; ``refused`` says why in words for objects that could not be kept; ``kept`` is false where
    they are dropped on purpose. ``cannot_write`` is what the file system said, if it is why some could not be kept;
    ``not_durable`` counts those that were kept and might not outlive a power cut, though that was asked for.
    ``after_final`` came when the peer had reported the end already, the last of all
    ``last_after`` seconds from the beginning.
    """

    distinct: int
    surplus: int = 0
    bytes: int = 0
    refused: tuple[str, ...] = ()
    kept: bool = True
    last_after: float | None = None
    after_final: int = 0
    cannot_write: OutputError | None = None
    not_durable: int = 0


class Destination(NamedTuple):
    """Where a C-MOVE sends to, as the peer has to know it. Without ``port`` it is somebody else's."""

    title: str
    host_name: str = ""
    addresses: tuple[str, ...] = ()
    port: int = 0
    tls: bool = False
    takes: str = "all storage classes, all transfer syntaxes"

    @property
    def is_here(self) -> bool:
        return self.port != 0


def service_of(status: int, service: str) -> str:
    """Whose table has a status: ``service``, or that of retrieving frames, which has some of its own (PS3.4 Y.4)."""
    return f"composite-{service}" if 0xAA00 <= status <= 0xAA04 else service


class Result(NamedTuple):
    """The whole of a ``move`` or ``get``. ``expected`` is None where C-FIND could not tell; ``arrival`` is None when
    the objects went to somebody else; ``already`` instances were there before and were not asked for again.
    ``proposed`` has the SOP classes of a C-GET and how many contexts each got; ``diagnosis`` says why less came than
    was due, where that can be told.
    """

    service: str
    entities: tuple[Entity, ...] = ()
    expected: tuple[Wanted, ...] | None = None
    already: int = 0
    claims: tuple[Claim, ...] = ()
    arrival: Arrival | None = None
    missing: tuple[Wanted, ...] = ()
    destination: Destination | None = None
    seconds: float = 0.0
    proposed: tuple[tuple[str, int], ...] = ()
    associations: int = 0
    cancelled: bool = False
    diagnosis: Diagnosis | None = None

    @property
    def claimed(self) -> SubOperations:
        """The sums of all final responses; None for a count that one of them lacks."""
        if not self.claims:
            return SubOperations()
        columns = zip(*(claim.counts for claim in self.claims), strict=True)
        return SubOperations(*(_sum(column) for column in columns))

    @property
    def failed_uids(self) -> tuple[str, ...]:
        """Every UID that a Failed SOP Instance UID List named, once."""
        return tuple(dict.fromkeys(uid for claim in self.claims for uid in claim.failed_uids))

    @property
    def worst(self) -> Claim | None:
        """The claim that says most about what went wrong: a failure, else a warning, else the first."""
        order = {"failure": 0, "": 1, "cancel": 2, "warning": 3, "success": 4, "pending": 5}
        return min(self.claims, key=lambda claim: order[claim.category], default=None)

    @property
    def good(self) -> int:
        """Instances that are known to be where they should be."""
        if self.arrival is not None:
            return self.arrival.distinct
        claimed = self.claimed
        return (claimed.completed or 0) + (claimed.warning or 0)

    @property
    def is_complete(self) -> bool:
        """Whether everything that was asked for is where it should be. A status of success alone does not prove it."""
        if self.arrival is not None and self.arrival.not_durable:
            return False
        if self.arrival is not None and self.expected is not None:
            return not self.missing
        claimed = self.claimed
        if self.cancelled or not self.claims or claimed.failed or any(c.category not in _FINE for c in self.claims):
            return False
        if self.arrival is not None:
            return self.arrival.distinct > 0 and self.arrival.distinct >= (claimed.done or 0)
        if any(claim.status for claim in self.claims) and claimed.failed is None:
            return False  # a warning that does not say what it is about
        return self.expected is None or claimed.completed is None or self.good >= len(self.expected)


_FINE = ("success", "warning")


def _sum(numbers: Sequence[int | None]) -> int | None:
    return None if None in numbers else sum(number for number in numbers if number is not None)


class Ledger:
    """Counts what arrives, from any thread. ``expected`` is None where nobody knows."""

    def __init__(self, expected: Iterable[Wanted] | None) -> None:
        self._lock = threading.Lock()
        self._expected = None if expected is None else {wanted.sop_instance_uid: wanted for wanted in expected}
        self._seen: set[str] = set()
        self._refused: list[str] = []
        self._began = time.monotonic()
        self._last: float | None = None
        self._final: float | None = None
        self._after_final = 0
        self._bytes = 0
        self._cannot_write: OutputError | None = None
        self._not_durable = 0

    @property
    def distinct(self) -> int:
        """Different instances that came, expected or not."""
        return len(self._seen)

    @property
    def expected(self) -> int | None:
        return None if self._expected is None else len(self._expected)

    @property
    def last_arrival(self) -> float:
        """On the monotonic clock; 0 before the first."""
        return 0.0 if self._last is None else self._last

    def arrived(self, sop_instance_uid: str, length: int) -> None:
        """An object is safe, or was dropped as asked."""
        now = time.monotonic()
        with self._lock:
            self._after_final += self._final is not None and sop_instance_uid not in self._seen
            self._seen.add(sop_instance_uid)
            self._bytes += length
            self._last = now

    def refused(self, why: str | DcmnetError) -> None:
        """An object came and could not be kept."""
        with self._lock:
            self._last = time.monotonic()
            self._note(why)

    def not_durable(self, objects: int, why: DcmnetError) -> None:
        """So many objects were kept, and could not be made durable as was asked for."""
        with self._lock:
            self._not_durable += objects
            self._note(why)

    def _note(self, why: str | DcmnetError) -> None:
        if isinstance(why, OutputError):
            self._cannot_write = self._cannot_write or why
        if len(self._refused) < _MOST_REFUSALS:
            self._refused.append(str(why))

    def final(self) -> None:
        """The last final response has come: what arrives from now on is a straggler."""
        self._final = time.monotonic()

    def is_complete(self, given_up: Iterable[str] = ()) -> bool:
        """Whether all that is expected has arrived, but for what the peer has ``given_up``."""
        if self._expected is None:
            return False
        with self._lock:
            return self._expected.keys() <= self._seen.union(given_up)

    def missing(self) -> tuple[Wanted, ...]:
        """What is expected and did not arrive, in its order."""
        with self._lock:
            return tuple(wanted for uid, wanted in (self._expected or {}).items() if uid not in self._seen)

    def arrival(self, *, kept: bool) -> Arrival:
        """The account so far."""
        with self._lock:
            expected = self._seen if self._expected is None else self._seen & self._expected.keys()
            return Arrival(
                len(expected),
                len(self._seen) - len(expected),
                self._bytes,
                tuple(self._refused),
                kept,
                None if self._last is None else self._last - self._began,
                self._after_final,
                self._cannot_write,
                self._not_durable,
            )


_MOST_REFUSALS = 100
