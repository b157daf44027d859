"""What a listener received, in the words and facts of its log: an object, a study of one association, all of it."""

from typing import TYPE_CHECKING, NamedTuple

from dcmnet_cli.core.quantities import count, plural, rate, size
from dcmnet_cli.core.uids import short_name, uid_name

if TYPE_CHECKING:
    from dcmnet_cli.ops.hooks import HookResult

MOST_STUDIES = 1000
"""Studies of one association that are counted one by one; whatever comes beyond is counted together."""

_DUPLICATES = {
    "skipped": "skipped (identical)",
    "renamed": "renamed",
    "overwritten": "overwritten",
    "rejected": "rejected",
}


class StudyReceived(NamedTuple):
    """What one association brought of one study: how many objects had which outcome (``net.sink.Stored``, or "failed").

    The UID is empty where it was not looked for, or for the studies that are counted together. ``seconds`` from the
    first object to the last; ``ended`` how the association did: released, aborted, lost.
    """

    study_instance_uid: str
    outcomes: dict[str, int]
    bytes: int
    seconds: float
    ended: str

    @property
    def stored(self) -> int:
        """Objects that have a file of their own now."""
        return sum(self.outcomes.get(word, 0) for word in ("stored", "renamed", "overwritten"))

    @property
    def duplicates(self) -> int:
        """Objects whose file name was taken."""
        return sum(self.outcomes.get(word, 0) for word in _DUPLICATES)

    @property
    def detail(self) -> str:
        """``1.2.3  412 stored, 0 duplicates, 216 MB, 15 files/s, released``."""
        parts = [f"{count(self.stored)} stored"]
        told = [(self.outcomes.get(outcome, 0), words) for outcome, words in _DUPLICATES.items()]
        parts += [f"{plural(number, 'duplicate')} {words}" for number, words in told if number]
        parts += ["0 duplicates"] if not self.duplicates else []
        if failed := self.outcomes.get("failed", 0):
            parts.append(f"{count(failed)} failed")
        parts.append(size(self.bytes))
        if self.seconds > 0:
            parts.append(f"{rate(sum(self.outcomes.values()), self.seconds)} files/s")
        return f"{self.study_instance_uid}  {', '.join([*parts, self.ended])}".lstrip()

    @property
    def facts(self) -> dict[str, object]:
        """The same for programs."""
        outcomes = {word: self.outcomes.get(word, 0) for word in ("stored", *_DUPLICATES, "failed")}
        return {
            "study_instance_uid": self.study_instance_uid or None,
            **outcomes,
            "bytes": self.bytes,
            "seconds": round(self.seconds, 3),
            "ended": self.ended,
        }


class StudyTally:
    """Counts what one association brings, by study. Belongs to the thread of that association."""

    def __init__(self) -> None:
        self._studies: dict[str, _Sums] = {}

    def add(self, study_instance_uid: str, outcome: str, length: int, now: float) -> None:
        """Count an object that arrived, or "failed" to be kept; ``now`` from ``time.monotonic``."""
        is_known = study_instance_uid in self._studies
        key = study_instance_uid if is_known or len(self._studies) < MOST_STUDIES else ""
        sums = self._studies.get(key)
        if sums is None:
            sums = self._studies[key] = _Sums(now)
        sums.outcomes[outcome] = sums.outcomes.get(outcome, 0) + 1
        sums.bytes += length
        sums.last = now

    def ended(self, how: str) -> list[StudyReceived]:
        """Everything that was counted, at the end of the association."""
        return [
            StudyReceived(uid, sums.outcomes, sums.bytes, sums.last - sums.first, how)
            for uid, sums in self._studies.items()
        ]


class _Sums:
    __slots__ = ("bytes", "first", "last", "outcomes")

    def __init__(self, now: float) -> None:
        self.first = self.last = now
        self.bytes = 0
        self.outcomes: dict[str, int] = {}


class ListenTotals(NamedTuple):
    """All that happened at a listener. ``rejected`` are associations, ``failed`` objects that could not be kept and
    associations that broke; ``cut_off`` when associations still open at the end had to be aborted."""

    associations: int
    stored: int = 0
    duplicates: int = 0
    bytes: int = 0
    failed: int = 0
    rejected: int = 0
    echoes: int = 0
    hooks_failed: int = 0
    cut_off: bool = False

    @property
    def is_clean(self) -> bool:
        """Whether nothing went wrong here. A rejection is an answer, not a fault."""
        return not (self.failed or self.hooks_failed or self.cut_off)

    @property
    def detail(self) -> str:
        """``2 associations, 430 stored, 6 duplicates, 216 MB, 0 failed, 1 hook failed``."""
        parts = [plural(self.associations, "association")]
        if self.stored or self.duplicates:
            parts += [f"{count(self.stored)} stored", plural(self.duplicates, "duplicate"), size(self.bytes)]
        parts += [plural(self.echoes, "echo", "echoes")] if self.echoes else []
        parts += [f"{count(self.rejected)} rejected"] if self.rejected else []
        parts.append(f"{count(self.failed)} failed")
        parts += [f"{plural(self.hooks_failed, 'hook')} failed"] if self.hooks_failed else []
        return ", ".join(parts) + (", some aborted at the end" if self.cut_off else "")


class ObjectReceived(NamedTuple):
    """One object that has its final name, or was refused. ``outcome`` as in ``net.sink.Stored``; ``path`` may be ""."""

    sop_class_uid: str
    sop_instance_uid: str
    study_instance_uid: str
    transfer_syntax_uid: str
    bytes: int
    seconds: float
    outcome: str
    path: str
    identity: str = ""

    @property
    def detail(self) -> str:
        """``CT Image Storage 1.2.3  526 kB  skipped (identical): inbox/1.2.3.dcm``."""
        name = short_name(self.sop_class_uid) or self.sop_class_uid
        words = _DUPLICATES.get(self.outcome, "")
        where = ": ".join(part for part in (words, self.path) if part)
        return f"{name} {self.sop_instance_uid}  {size(self.bytes)}  {where}".rstrip()

    @property
    def facts(self) -> dict[str, object]:
        """The same for programs, UIDs with their names."""
        return {
            "sop_class_uid": self.sop_class_uid,
            "sop_class_name": uid_name(self.sop_class_uid) or None,
            "sop_instance_uid": self.sop_instance_uid,
            "study_instance_uid": self.study_instance_uid or None,
            "transfer_syntax_uid": self.transfer_syntax_uid,
            "transfer_syntax_name": uid_name(self.transfer_syntax_uid) or None,
            "bytes": self.bytes,
            "ms": round(self.seconds * 1000, 3),
            "outcome": self.outcome,
            "path": self.path or None,
            "identity": self.identity or None,
        }


def hook_facts(result: "HookResult") -> dict[str, object]:
    """How a hook ended, for programs."""
    return {
        "hook": result.event,
        "program": result.program,
        "subject": result.subject,
        "ok": result.is_ok,
        "exit_status": result.exit_status,
        "seconds": round(result.seconds, 3),
        "output": list(result.output),
        "problem": result.problem or None,
    }
