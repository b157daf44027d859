"""The log of a listener: what a server tells, as events, and the counts of a summary."""

import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from dcmnet_cli.core.negotiation import Negotiated
from dcmnet_cli.core.pdu import ACCEPTANCE, AAssociateRQ
from dcmnet_cli.core.quantities import data_rate, plural, rate, size
from dcmnet_cli.core.reasons import explain_abort, explain_reject
from dcmnet_cli.core.text import printable, quoted
from dcmnet_cli.errors import (
    AssociationAborted,
    AssociationRejected,
    ConnectionLost,
    DcmnetError,
    OutputError,
    RemoteProtocolError,
    TLSError,
    WrongProtocol,
)
from dcmnet_cli.net.association import Association
from dcmnet_cli.net.server import ServerObserver
from dcmnet_cli.ops.listening.hooks import HookResult
from dcmnet_cli.ops.listening.receive import ReceivedObject
from dcmnet_cli.ops.results import ListenEvent

COUNTED = (
    "associations",
    "ended",
    "rejected",
    "echoes",
    "failed",
    "stored",
    "duplicates",
    "ignored",
    "refused",
    "not_durable",
    "hooks_failed",
    "queries",
    "retrievals",
)
COUNTED_OUTCOMES = {
    "stored": "stored",
    "renamed": "stored",
    "overwritten": "stored",
    "skipped": "duplicates",
    "rejected": "refused",
    "ignored": "ignored",
}
"""Which count an object's outcome adds to."""
MOST_STUDIES = 100
"""Studies of one association that are told by UID."""


class Summary(NamedTuple):
    """What a listener did. ``duplicates`` were there already, byte for byte; ``refused`` could not be stored;
    ``not_durable`` were, and might not outlive a power cut though that was asked for; ``cut_off`` when associations
    still open at the end had to be aborted.
    """

    associations: int = 0
    rejected: int = 0
    echoes: int = 0
    failed: int = 0
    stored: int = 0
    duplicates: int = 0
    ignored: int = 0
    refused: int = 0
    not_durable: int = 0
    hooks_failed: int = 0
    queries: int = 0
    retrievals: int = 0
    cut_off: bool = False

    def describe(self) -> str:
        """The summary as one line."""
        told = [plural(self.associations, "association")]
        told += [plural(self.echoes, "echo", "echoes")] if self.echoes else []
        words = {
            f"quer{'ies' if self.queries != 1 else 'y'}": self.queries,
            f"retrieval{'s' * (self.retrievals != 1)}": self.retrievals,
            "stored": self.stored,
            f"duplicate{'s' * (self.duplicates != 1)} skipped": self.duplicates,
            "received and ignored": self.ignored,
            "not stored": self.refused,
            "not made durable": self.not_durable,
            "rejected": self.rejected,
            f"connection{'s' * (self.failed != 1)} failed": self.failed,
            f"hook{'s' * (self.hooks_failed != 1)} failed": self.hooks_failed,
        }
        told += [f"{number:,} {word}" for word, number in words.items() if number]
        return ", ".join(told) + (", some aborted at the end" if self.cut_off else "")


class Received:
    """What one association brought."""

    def __init__(self) -> None:
        self.outcomes: dict[str, int] = {}
        self.bytes = 0
        self.refused = 0
        self.studies: dict[str, None] = {}

    def add(self, outcome: str, length: int, study: str) -> None:
        """One more object. ``study`` is empty where nothing needed to look for it."""
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1
        self.bytes += length
        if study and len(self.studies) < MOST_STUDIES:
            self.studies[study] = None

    def describe(self, seconds: float) -> str:
        """``study 1.2.3: 412 stored, 3 skipped, 216 MB, 15 files/s, 8 MB/s``."""
        several = f"{plural(len(self.studies), 'study', 'studies')}: " if self.studies else ""
        studies = f"study {next(iter(self.studies))}: " if len(self.studies) == 1 else several
        told = [f"{number:,} {outcome}" for outcome, number in self.outcomes.items()]
        told += [f"{self.refused:,} not stored"] if self.refused else []
        files = sum(self.outcomes.values())
        told += [size(self.bytes), f"{rate(files, seconds)} files/s", data_rate(self.bytes, seconds)]
        return studies + ", ".join(told)

    def facts(self, seconds: float) -> dict[str, object]:
        """The same for programs."""
        return {
            "studies": list(self.studies),
            "outcomes": dict(self.outcomes),
            "not_stored": self.refused,
            "bytes": self.bytes,
            "seconds": round(seconds, 3),
        }


class EventLog(ServerObserver):
    """Turns what a server tells into events. A connection is known by its remote address while it lasts.

    ``failure`` is what went wrong with ``emit`` itself, if anything: the log ends with it, and ``broken`` is called.
    """

    def __init__(
        self, emit: Callable[[ListenEvent], None], ended: Callable[[int], None], broken: Callable[[], None]
    ) -> None:
        self._emit = emit
        self._ended = ended
        self._broken = broken
        self.failure: OSError | None = None
        self._lock = threading.Lock()
        self._titles: dict[str, tuple[str, str]] = {}
        self._open: dict[str, float] = {}
        self._counts = dict.fromkeys(COUNTED, 0)
        self._received: dict[str, Received] = {}
        self._identities: dict[str, str] = {}
        self.last_activity = time.monotonic()

    def emit(self, event: str, peer: str, detail: str, facts: dict[str, object]) -> None:
        """One event, with the titles that belong to ``peer``."""
        if self.failure is not None:
            return
        calling, called = self._titles.get(peer, ("", ""))
        try:
            self._emit(ListenEvent(event, time.time(), peer, calling, called, detail, facts))
        except OSError as error:  # a pipe whose reader went away, a full disk: no association may suffer for it
            self.failure = error
            self._broken()

    def summary(self, cut_off: bool) -> Summary:
        """What has been counted so far."""
        counts = self._counts
        return Summary(**{name: counts[name] for name in COUNTED if name != "ended"}, cut_off=cut_off)

    @property
    def active(self) -> int:
        """How many associations are open."""
        return len(self._open)

    def identified(self, remote: str, name: str) -> None:
        """Who the user of an association is, for the events of its objects: an audit trail."""
        self._identities[remote] = name

    def identity_of(self, remote: str) -> str:
        """What ``identified`` said of an association, or ""."""
        return self._identities.get(remote, "")

    def received(self, remote: str, received: ReceivedObject, *, tell: bool) -> None:
        """An object arrived whole and is safe; with ``tell`` it is an event of its own."""
        outcome = received.stored.outcome if received.stored is not None else "ignored"
        self._count(COUNTED_OUTCOMES[outcome])
        tally = self._received.get(remote) or self._received.setdefault(remote, Received())
        tally.add(outcome, received.length, received.study_instance_uid)
        self.last_activity = time.monotonic()
        if tell or received.notes:
            self.emit(
                "stored",
                remote,
                _stored_detail(received, outcome, with_path=tell),
                self._stored_facts(remote, received, outcome),
            )

    def not_stored(self, remote: str, sop_instance_uid: str, error: DcmnetError) -> None:
        """An object was refused because it could not be stored; the association goes on."""
        self._count("refused")
        self._received.setdefault(remote, Received()).refused += 1
        facts = _loss(error, "not_stored", 1) | {"sop_instance_uid": sop_instance_uid}
        self.emit("failed", remote, f"{printable(sop_instance_uid)} not stored: {error.message}", facts)

    def not_durable(self, remote: str, objects: int, error: OutputError) -> None:
        """So many objects are stored, were acknowledged, and could not be made durable as was asked for."""
        self._count("not_durable", objects)
        detail = f"{plural(objects, 'object')} stored and not made durable: {error.message}"
        self.emit("failed", remote, detail, _loss(error, "not_durable", objects))

    def hook_ended(self, result: HookResult) -> None:
        """A hook ended, well or not."""
        if not result.is_ok:
            self._count("hooks_failed")
        facts = {"hook": result.event, "ok": result.is_ok, **result._asdict()}
        del facts["event"]  # which is "hook" in the log
        self.emit("hook", "", result.detail, facts | {"problem": result.problem or None})

    def retrieved(self, remote: str, event: str, detail: str, facts: dict[str, object]) -> None:
        """A query or retrieval was answered: ``event`` is find, move or get."""
        self._count("queries" if event == "find" else "retrievals")
        self.last_activity = time.monotonic()
        self.emit(event, remote, detail, facts)

    def warned(self, text: str) -> None:
        """Something an operator should know."""
        self.emit("warning", "", text, {"message": text})

    def _stored_facts(self, remote: str, received: ReceivedObject, outcome: str) -> dict[str, object]:
        return {
            "outcome": outcome,
            "path": received.stored.path if received.stored is not None else None,
            "sop_class_uid": received.sop_class_uid,
            "sop_instance_uid": received.sop_instance_uid,
            "study_instance_uid": received.study_instance_uid or None,
            "transfer_syntax_uid": received.transfer_syntax_uid,
            "bytes": received.length,
            "seconds": round(received.seconds, 6),
            "identity": self.identity_of(remote) or None,
            "notes": list(received.notes),
        }

    def echoed(self, association: Association) -> None:
        """A C-ECHO was answered."""
        self._count("echoes")
        self.emit("echo", association.transport.remote, "0x0000 success", {"status": "0000"})

    def requested(self, association: Association, request: AAssociateRQ) -> None:
        self._titles[association.transport.remote] = (request.calling_ae_title, request.called_ae_title)

    def accepted(self, association: Association, negotiated: Negotiated) -> None:
        remote = association.transport.remote
        self._open[remote] = time.monotonic()
        self._count("associations")
        accepted = sum(outcome.result == ACCEPTANCE for outcome in negotiated.outcomes)
        facts: dict[str, object] = {
            "contexts_accepted": accepted,
            "contexts_proposed": len(negotiated.outcomes),
            "peer_implementation_class_uid": negotiated.peer.implementation_class_uid,
            "peer_implementation_version_name": negotiated.peer.implementation_version_name,
            "notes": list(association.notes),
        }
        proposed = len(negotiated.outcomes)
        self.emit("association", remote, f"{accepted} of {proposed} context{'s' * (proposed != 1)} accepted", facts)

    def rejected(self, association: Association, result: int, source: int, reason: int) -> None:
        self._count("rejected")
        words = explain_reject(result, source, reason)
        _, called = self._titles.get(association.transport.remote, ("", ""))
        facts: dict[str, object] = {"result": result, "source": source, "reason": reason}
        detail = f"{words.name} (result {result}, source {source}, reason {reason}), called {quoted(called)}"
        self.emit("rejected", association.transport.remote, detail, facts)

    def failed(self, remote: str, error: Exception) -> None:
        if isinstance(error, AssociationRejected):
            return  # told by ``rejected``
        if self._is_port_check(remote, error):
            return  # ``closed`` says enough
        word = _word_for(error)
        if word != "not_dicom":  # scanners and health checks are no failures of anybody's
            self._count("failed")
        facts: dict[str, object] = {"kind": getattr(error, "kind", "internal"), "message": str(error)}
        self.emit(word, remote, _detail_of(error), facts)

    def closed(self, remote: str) -> None:
        begin = self._open.pop(remote, None)
        seconds = time.monotonic() - begin if begin is not None else 0.0
        detail = f"after {seconds:.1f} s" if begin is not None else "no association"
        received = self._received.pop(remote, None)
        if received is not None:
            self.emit("received", remote, received.describe(seconds), received.facts(seconds))
        self.emit("closed", remote, detail, {"seconds": round(seconds, 3), "association": begin is not None})
        self._titles.pop(remote, None)
        self._identities.pop(remote, None)
        self.last_activity = time.monotonic()
        if begin is not None:
            self._ended(self._count("ended"))

    def _is_port_check(self, remote: str, error: Exception) -> bool:
        """Whether somebody only looked if the port is open: a health check, a scanner."""
        if remote in self._titles:
            return False
        if isinstance(error, TLSError):
            return error.reason == "closed"
        return isinstance(error, ConnectionLost) and not error.details.get("within_pdu")

    def _count(self, what: str, number: int = 1) -> int:
        with self._lock:
            self._counts[what] += number
            return self._counts[what]


def _loss(error: DcmnetError, what: str, objects: int) -> dict[str, object]:
    return {"kind": error.kind, "message": error.message, what: objects}


def _word_for(error: Exception) -> str:
    if isinstance(error, WrongProtocol) or (isinstance(error, TLSError) and error.reason in ("not_tls", "plain_dicom")):
        return "not_dicom"
    if isinstance(error, (AssociationAborted, RemoteProtocolError)):
        return "aborted"
    return "failed"


def _detail_of(error: Exception) -> str:
    if isinstance(error, AssociationAborted):
        who = "by the peer" if error.by_peer else "by us"
        return f"{who}: {explain_abort(error.source, error.reason).name}"
    if isinstance(error, WrongProtocol):
        return error.message.partition(" does not speak DICOM: ")[2] or error.message
    if isinstance(error, DcmnetError):
        return error.message
    return f"internal error: {type(error).__name__}: {error}"


def _stored_detail(received: ReceivedObject, outcome: str, *, with_path: bool) -> str:
    """Paths may hold what patients are called by, and belong in a log only where every object was asked for."""
    path = received.stored.path if received.stored is not None and with_path else received.sop_instance_uid
    notes = f" ({'; '.join(received.notes)})" if received.notes else ""
    return f"{outcome} {printable(path)}, {size(received.length)}{notes}"
