"""A listener: a server, its policy, and the log of what happens at it."""

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from dcmnet_cli.core import uids
from dcmnet_cli.core.association import Timers
from dcmnet_cli.core.commands import CEchoRQ
from dcmnet_cli.core.negotiation import AcceptorPolicy, Negotiated, answer
from dcmnet_cli.core.pdu import ACCEPTANCE, AAssociateAC, AAssociateRJ, AAssociateRQ
from dcmnet_cli.core.reasons import explain_abort, explain_reject
from dcmnet_cli.core.text import quoted
from dcmnet_cli.errors import (
    AssociationAborted,
    AssociationRejected,
    ConnectionLost,
    DcmnetError,
    RemoteProtocolError,
    TLSError,
    WrongProtocol,
)
from dcmnet_cli.net.association import Association
from dcmnet_cli.net.resolve import format_address
from dcmnet_cli.net.server import SERVER_TIMERS, Limits, Server, ServerObserver
from dcmnet_cli.net.service import Handlers, ServiceRequest, answer_echo
from dcmnet_cli.net.transport import Transport, listen
from dcmnet_cli.ops.results import ListenEvent

if TYPE_CHECKING:
    from dcmnet_cli.net.tls_settings import TLSSettings

REFUSED = AAssociateRJ(1, 1, 1)
_VERIFICATION_SYNTAXES = (
    uids.IMPLICIT_VR_LITTLE_ENDIAN,
    uids.EXPLICIT_VR_LITTLE_ENDIAN,
    uids.EXPLICIT_VR_BIG_ENDIAN,
    uids.DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
)


class ListenPlan(NamedTuple):
    """How to listen. ``host`` None is every interface, ``port`` 0 any free port; ``stop_after`` is a number of
    associations, 0 for no end; empty ``called`` and ``calling`` accept every title. Times in seconds.
    """

    port: int
    host: str | None = None
    family: str = "auto"
    title: str = "DCMNET"
    called: tuple[str, ...] = ()
    calling: tuple[str, ...] = ()
    max_pdu: int = 131072
    refuse: bool = False
    max_associations: int = Limits().associations
    stop_after: int = 0
    grace: float = 10.0
    timers: Timers = SERVER_TIMERS
    write_timeout: float = 60.0
    tls: "TLSSettings | None" = None


class Summary(NamedTuple):
    """What a listener did. ``cut_off`` when associations still open at the end had to be aborted."""

    associations: int
    rejected: int
    echoes: int
    failed: int
    cut_off: bool


class Listener:
    """Binds at once (raises ListenError), then serves until ``stop``; ``emit`` gets every event, from any thread."""

    def __init__(self, plan: ListenPlan, emit: Callable[[ListenEvent], None]) -> None:
        self._plan = plan
        self._log = EventLog(emit, self._association_ended, self.stop)
        secure = self._make_secure(plan)
        self._sockets = listen(plan.host, plan.port, family=plan.family)
        self.addresses = tuple(format_address(sock.getsockname()) for sock in self._sockets)
        self.port: int = self._sockets[0].getsockname()[1]
        self._server = Server(
            self._sockets,
            self._handlers(),
            decide=self._decide,
            secure=secure,
            timers=plan.timers,
            write_timeout=plan.write_timeout,
            limits=Limits(associations=plan.max_associations),
            observers=(self._log,),
        )

    def run(self) -> Summary:
        """Serve. Returns once stopped, by ``stop`` or by ``stop_after``, and every association has ended.

        An OSError of ``emit`` ends it as well, and is raised then: a listener without its log is nothing to rely on.
        """
        facts: dict[str, object] = {"port": self.port, "addresses": list(self.addresses), "title": self._plan.title}
        facts["tls"] = self._plan.tls is not None
        self._log.emit("listening", "", self._describe(), facts)
        self._server.serve()
        cut_off = not self._server.finish(self._plan.grace)
        summary = self._log.summary(cut_off)
        self._log.emit("stopped", "", describe(summary), summary._asdict())
        if self._log.failure is not None:
            raise self._log.failure
        return summary

    def stop(self) -> None:
        """Accept nothing more; what is under way gets the grace time. Safe in a signal handler."""
        self._server.stop()

    def _handlers(self) -> Handlers:
        def echo(request: ServiceRequest) -> int:
            status = answer_echo(request)
            self._log.echoed(request.association)
            return status

        return {CEchoRQ: echo}

    def _decide(self, request: AAssociateRQ, _association: Association) -> AAssociateAC | AAssociateRJ:
        plan = self._plan
        if plan.refuse:
            return REFUSED
        policy = AcceptorPolicy(
            called_ae_titles=frozenset(plan.called),
            calling_ae_titles=frozenset(plan.calling),
            abstract_syntaxes={uids.VERIFICATION: _VERIFICATION_SYNTAXES},
            maximum_length=plan.max_pdu,
        )
        return answer(request, policy)

    def _association_ended(self, ended: int) -> None:
        if self._plan.stop_after and ended >= self._plan.stop_after:
            self.stop()

    @staticmethod
    def _make_secure(plan: ListenPlan) -> Callable[[Transport], Transport] | None:
        if plan.tls is None:
            return None
        from dcmnet_cli.net.tls import server_context, start_server

        settings = plan.tls
        context = server_context(settings)  # once, so that a bad key or certificate shows before the port is bound
        seconds = plan.timers.acse or 30.0
        return lambda transport: start_server(transport, settings, seconds, context=context)

    def _describe(self) -> str:
        plan = self._plan
        callers = f"calling titles {', '.join(plan.calling)}" if plan.calling else "any calling title"
        titles = f"called {', '.join(plan.called)}" if plan.called else "any called title"
        secured = " with TLS" if plan.tls is not None else ""
        return f"{plan.title} on {' and '.join(self.addresses)}{secured} · {titles} · {callers}"


def describe(summary: Summary) -> str:
    """The summary as one line."""
    counts = [
        (summary.associations, "association", "associations"),
        (summary.echoes, "echo", "echoes"),
        (summary.rejected, "rejected", "rejected"),
        (summary.failed, "failed", "failed"),
    ]
    told = [f"{count} {one if count == 1 else many}" for count, one, many in counts if count or one == "association"]
    return ", ".join(told) + (", some aborted at the end" if summary.cut_off else "")


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
        self._counts = dict.fromkeys(("associations", "ended", "rejected", "echoes", "failed"), 0)

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
        return Summary(counts["associations"], counts["rejected"], counts["echoes"], counts["failed"], cut_off)

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
        self._count("failed")
        facts: dict[str, object] = {"kind": getattr(error, "kind", "internal"), "message": str(error)}
        self.emit(_word_for(error), remote, _detail_of(error), facts)

    def closed(self, remote: str) -> None:
        begin = self._open.pop(remote, None)
        seconds = time.monotonic() - begin if begin is not None else 0.0
        detail = f"after {seconds:.1f} s" if begin is not None else "no association"
        self.emit("closed", remote, detail, {"seconds": round(seconds, 3), "association": begin is not None})
        self._titles.pop(remote, None)
        if begin is not None:
            self._ended(self._count("ended"))

    def _is_port_check(self, remote: str, error: Exception) -> bool:
        """Whether somebody only looked if the port is open: a health check, a scanner."""
        if remote in self._titles:
            return False
        if isinstance(error, TLSError):
            return error.reason == "closed"
        return isinstance(error, ConnectionLost) and not error.details.get("within_pdu")

    def _count(self, what: str) -> int:
        with self._lock:
            self._counts[what] += 1
            return self._counts[what]


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
    if isinstance(error, DcmnetError):
        return error.message
    return f"internal error: {type(error).__name__}: {error}"
