"""A listener: a server, what it accepts and from whom, and what it does with what it gets."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from dcmnet_cli.core import uids
from dcmnet_cli.core.association import Timers
from dcmnet_cli.core.commands import CEchoRQ, CStoreRQ
from dcmnet_cli.core.negotiation import AcceptorPolicy, IdentityDecision, answer
from dcmnet_cli.core.pdu import AAssociateAC, AAssociateRJ, AAssociateRQ
from dcmnet_cli.errors import ConnectionLost
from dcmnet_cli.net.association import Association
from dcmnet_cli.net.resolve import format_address
from dcmnet_cli.net.server import SERVER_TIMERS, Limits, Server, ServerObserver
from dcmnet_cli.net.service import Handlers, ServiceRequest, answer_echo
from dcmnet_cli.net.transport import Transport, listen
from dcmnet_cli.ops.archiving.archive_plan import ArchivePlan
from dcmnet_cli.ops.listening.faults import Faults
from dcmnet_cli.ops.listening.identity import Caller, IdentityCheck
from dcmnet_cli.ops.listening.listen_log import EventLog, Summary
from dcmnet_cli.ops.listening.storage import Storage, StoragePlan
from dcmnet_cli.ops.results import ListenEvent

if TYPE_CHECKING:
    import ipaddress

    from dcmnet_cli.net.tls_settings import TLSSettings
    from dcmnet_cli.ops.archiving.archive_service import ArchiveService

NOT_ADMITTED = AAssociateRJ(1, 1, 3)
"""What an address that may not call is told: the reason that says whose side has to be changed."""
_VERIFICATION_SYNTAXES = (
    uids.IMPLICIT_VR_LITTLE_ENDIAN,
    uids.EXPLICIT_VR_LITTLE_ENDIAN,
    uids.EXPLICIT_VR_BIG_ENDIAN,
    uids.DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
)
_LOOKS_A_SECOND = 5


class ListenPlan(NamedTuple):
    """How to listen. ``host`` None is every interface, ``port`` 0 any free port; ``stop_after`` is a number of
    associations and ``idle_exit`` a time without any, 0 for no end; empty ``called``, ``calling`` and ``networks``
    accept everybody. Without ``storage`` and ``archive`` only C-ECHO is answered. Times in seconds.
    """

    port: int
    host: str | None = None
    family: str = "auto"
    title: str = "DCMNET"
    called: tuple[str, ...] = ()
    calling: tuple[str, ...] = ()
    networks: "tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]" = ()
    max_pdu: int = 131072
    max_associations: int = Limits().associations
    stop_after: int = 0
    idle_exit: float = 0.0
    grace: float = 10.0
    timers: Timers = SERVER_TIMERS
    write_timeout: float = 60.0
    tls: "TLSSettings | None" = None
    storage: StoragePlan | None = None
    identity: IdentityCheck | None = None
    faults: Faults | None = None
    archive: ArchivePlan | None = None


class Listener:
    """Binds at once (raises ListenError), then serves until ``stop``; ``emit`` gets every event, from any thread.

    ``observers`` hear of associations beside the log.
    """

    def __init__(
        self, plan: ListenPlan, emit: Callable[[ListenEvent], None], observers: Sequence[ServerObserver] = ()
    ) -> None:
        self._plan = plan
        self._log = EventLog(emit, self._association_ended, self.stop)
        self._requests = 0
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        secure = self._make_secure(plan)
        self._archive = self._open_archive(plan)
        try:
            self._storage = self._open_storage(plan)
            self._sockets = listen(plan.host, plan.port, family=plan.family)
        except BaseException:
            self._close_archive()
            raise
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
            observers=(*((self._storage,) if self._storage is not None else ()), self._log, *observers),
        )

    def run(self) -> Summary:
        """Serve. Returns once stopped, by ``stop``, ``stop_after`` or ``idle_exit``, and every association has ended.

        An OSError of ``emit`` ends it as well, and is raised then: a listener without its log is nothing to rely on.
        """
        facts: dict[str, object] = {"port": self.port, "addresses": list(self.addresses), "title": self._plan.title}
        facts["tls"] = self._plan.tls is not None
        self._log.emit("listening", "", self._describe(), facts)
        if self._archive is not None:
            self._archive.tell()
        if self._plan.idle_exit:
            threading.Thread(target=self._watch_idleness, daemon=True).start()
        self._server.serve()
        self._stopped.set()
        cut_off = not self._server.finish(self._plan.grace)
        if self._storage is not None:
            self._storage.finish(self._plan.grace)
        self._close_archive()
        summary = self._log.summary(cut_off)
        self._log.emit("stopped", "", summary.describe(), summary._asdict())
        if self._log.failure is not None:
            raise self._log.failure
        return summary

    @property
    def last_heard(self) -> float:
        """When any of the open associations was last heard of, on the monotonic clock; 0 without one."""
        return self._server.last_heard

    @property
    def active(self) -> int:
        """How many associations are open."""
        return self._log.active

    def _open_archive(self, plan: ListenPlan) -> "ArchiveService | None":
        if plan.archive is None:
            return None
        from dcmnet_cli.ops.archiving.archive_service import (
            ArchiveService,  # SQLite, and all that only an archive needs
        )

        return ArchiveService(plan.archive, plan.title, self._log)

    def _open_storage(self, plan: ListenPlan) -> Storage | None:
        if plan.storage is None:
            return None
        index = self._archive.index if self._archive is not None else None
        return Storage(plan.storage, self._log, plan.faults, index.add if index is not None else None)

    def _close_archive(self) -> None:
        if self._archive is not None:
            self._archive.close()

    def stop(self) -> None:
        """Accept nothing more; what is under way gets the grace time. Safe in a signal handler."""
        self._server.stop()

    def _watch_idleness(self) -> None:
        while not self._stopped.wait(1 / _LOOKS_A_SECOND):
            if not self._log.active and time.monotonic() - self._log.last_activity > self._plan.idle_exit:
                self.stop()
                return

    def _handlers(self) -> Handlers:
        def echo(request: ServiceRequest) -> int:
            status = answer_echo(request)
            self._log.echoed(request.association)
            return status

        handlers: dict[type, Callable[[ServiceRequest], int | None]] = {CEchoRQ: echo}
        if self._storage is not None:
            handlers[CStoreRQ] = self._storage.receiver
        if self._archive is not None:
            handlers |= self._archive.handlers()
        return handlers

    def _decide(self, request: AAssociateRQ, association: Association) -> AAssociateAC | AAssociateRJ:
        fault = self._fault_of(request, association)
        if fault is not None:
            return fault
        address = association.transport.remote.rpartition(":")[0].strip("[]")
        if not self._is_admitted(address):
            self._log.warned(f"{address} is none of the addresses that are allowed")
            return NOT_ADMITTED
        decision = self._identity_of(request, association, address)
        plan = self._plan
        accepted: dict[str, tuple[str, ...]] = {uids.VERIFICATION: _VERIFICATION_SYNTAXES}
        policy = AcceptorPolicy(
            called_ae_titles=frozenset(plan.called),
            calling_ae_titles=frozenset(plan.calling),
            abstract_syntaxes=accepted,
            maximum_length=plan.max_pdu,
        )
        if plan.storage is not None:
            proposed = {context.abstract_syntax for context in request.contexts}
            accepted |= {uid: plan.storage.transfer_syntaxes for uid in proposed if plan.storage.takes(uid)}
            policy = policy._replace(preferred=plan.storage.preferred)
        if self._archive is not None:
            accepted |= self._archive.contexts
            grants = plan.storage.takes if plan.storage is not None else None
            policy = policy._replace(grants_scp_role=grants, extended=self._archive.extended)
        return answer(request, policy, decision)

    def _fault_of(self, request: AAssociateRQ, association: Association) -> AAssociateRJ | None:
        if self._plan.faults is None:
            return None
        with self._lock:
            self._requests += 1
            number = self._requests
        is_identified = bool(request.user_information.implementation_class_uid)
        fault = self._plan.faults.on_association(number, is_identified=is_identified)
        if fault.drop:
            association.transport.close(abort=True)
            raise ConnectionLost("dropped on purpose, as asked for", how="closed_here")
        return fault.rejection

    def _is_admitted(self, address: str) -> bool:
        if not self._plan.networks:
            return True
        import ipaddress

        host = ipaddress.ip_address(address.partition("%")[0])
        return any(host in network for network in self._plan.networks)

    def _identity_of(self, request: AAssociateRQ, association: Association, address: str) -> IdentityDecision | None:
        """The verdict on the user identity. With nothing to check by, none: then no answer is given to it either."""
        remote = association.transport.remote
        identity = request.user_information.user_identity
        if self._plan.identity is None:
            return None
        caller = Caller(request.calling_ae_title, request.called_ae_title, address)
        checked = self._plan.identity.check(identity, caller)
        self._log.identified(remote, checked.name)
        if checked.reason:
            self._log.warned(f"user identity {checked.name or 'missing'} from {remote} refused: {checked.reason}")
        return checked.decision

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
        only = "" if plan.archive is not None else " · C-ECHO only"
        storage = f" · {plan.storage.describe()}" if plan.storage is not None else only
        archive = f" · {plan.archive.describe()}" if plan.archive is not None else ""
        return f"{plan.title} on {' and '.join(self.addresses)}{secured} · {titles} · {callers}{storage}{archive}"
