"""A server: an accept loop that does nothing else, and a thread for each connection.

A peer that connects and stays silent holds a place in the lobby, not one of the associations, and so does one that was
turned away and does not go; when the lobby is full the one that has waited longest leaves. So nobody is locked out by
scanners, health checks or floods.
"""

import errno
import select
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple, TypeAlias

from dcmnet_cli.core.association import Timers
from dcmnet_cli.core.negotiation import LOCAL_LIMIT_EXCEEDED, AcceptorPolicy, answer
from dcmnet_cli.core.pdu import AAssociateAC, AAssociateRJ, AAssociateRQ
from dcmnet_cli.net.association import WRITE_TIMEOUT, Association
from dcmnet_cli.net.observer import Observer
from dcmnet_cli.net.resolve import format_address
from dcmnet_cli.net.service import Handlers, serve
from dcmnet_cli.net.transport import Transport

_ABORTING = 3.0  # seconds that associations get to be aborted properly
_PAUSE = 0.05  # seconds to wait when the system is out of descriptors, memory or threads
_OUT_OF_RESOURCES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)

SERVER_TIMERS = Timers(acse=30.0, dimse=60.0, release=10.0, idle=600.0, closing=1.0)

Decide: TypeAlias = Callable[[AAssociateRQ, Association], AAssociateAC | AAssociateRJ]
Secure: TypeAlias = Callable[[Transport], Transport]


class ServerObserver(Observer):
    """An observer that also hears of what happens outside of associations."""

    def connected(self, remote: str) -> None:
        """A TCP connection was accepted."""

    def failed(self, remote: str, error: Exception) -> None:
        """A connection or association ended with an error; DcmnetError for the peer's doing, others are our bugs."""

    def closed(self, remote: str) -> None:
        """The connection is gone, whatever became of it."""


class Limits(NamedTuple):
    """``associations`` at once, beyond which a request gets a transient rejection; ``lobby`` connections that have
    not asked for one yet, or were turned away."""

    associations: int = 256
    lobby: int = 128


class _Connection:
    """One accepted connection and the thread that serves it."""

    __slots__ = ("association", "remote", "thread", "transport")

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.remote = transport.remote
        self.association: Association | None = None
        self.thread: threading.Thread | None = None


class Server:
    """Serves associations on ``listeners`` until ``stop`` is called.

    ``handlers`` answer requests by their record type; ``policy`` says what is accepted, or ``decide`` does, called with
    each request; ``secure`` wraps a fresh connection, in TLS for example, on the connection's own thread.
    """

    def __init__(
        self,
        listeners: Sequence[socket.socket],
        handlers: Handlers,
        *,
        policy: AcceptorPolicy | None = None,
        decide: Decide | None = None,
        secure: Secure | None = None,
        timers: Timers = SERVER_TIMERS,
        write_timeout: float = WRITE_TIMEOUT,
        limits: Limits = Limits(),  # noqa: B008 - immutable
        observers: Sequence[ServerObserver] = (),
    ) -> None:
        self._listeners = listeners
        self._handlers = handlers
        accept_by = policy or AcceptorPolicy()
        self._decide: Decide = decide or (lambda request, _association: answer(request, accept_by))
        self._secure = secure
        self._timers = timers
        self._write_timeout = write_timeout
        self._limits = limits
        self._observers = observers
        self._lock = threading.Lock()
        self._connections: set[_Connection] = set()
        self._lobby: dict[_Connection, None] = {}  # in order of arrival
        self._admitted: set[_Connection] = set()
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._stopping = threading.Event()

    # --- the accept loop ---------------------------------------------------------------------------------------

    def serve(self) -> None:
        """Accept connections until ``stop``; returns once the listening sockets are closed."""
        poll = select.poll()
        by_number = {listener.fileno(): listener for listener in self._listeners}
        for listener in self._listeners:
            listener.setblocking(False)
            poll.register(listener, select.POLLIN)
        poll.register(self._wake_reader, select.POLLIN)
        try:
            while not self._stopping.is_set():
                for number, _ in poll.poll():
                    if number in by_number:
                        self._accept(by_number[number])
        finally:
            for sock in (*self._listeners, self._wake_reader, self._wake_writer):
                sock.close()

    def _accept(self, listener: socket.socket) -> None:
        try:
            sock, address = listener.accept()
        except OSError as error:
            if error.errno in _OUT_OF_RESOURCES:
                self._wait_for_room()  # the connection stays in the backlog; without a pause this loop would spin
            return
        self._make_room(self._limits.lobby - 1)
        connection = _Connection(Transport(sock, format_address(address)))
        connection.thread = threading.Thread(target=self._run, args=(connection,), daemon=True)
        with self._lock:
            self._connections.add(connection)
            self._lobby[connection] = None
        try:
            connection.thread.start()
        except RuntimeError as error:  # no more threads: this peer must try again, and the server lives on
            self._forget(connection)
            connection.transport.close()
            self._report(connection.remote, error)
            self._wait_for_room()

    def _wait_for_room(self) -> None:
        self._make_room(0)
        time.sleep(_PAUSE)  # out of threads or descriptors: until a connection ends, a try again would fail as well

    def _make_room(self, most: int) -> None:
        """Show those out of the lobby that have waited longest, down to ``most``."""
        with self._lock:
            excess = list(self._lobby)[: max(0, len(self._lobby) - most)]
            for connection in excess:
                del self._lobby[connection]
        for connection in excess:
            connection.transport.interrupt()

    # --- one connection ----------------------------------------------------------------------------------------

    def _run(self, connection: _Connection) -> None:
        try:
            for observer in self._observers:
                observer.connected(connection.remote)
            self._serve_connection(connection)
        except Exception as error:  # a thread's outermost frame: nothing may end silently, nothing may end the others
            self._report(connection.remote, error)
        finally:
            connection.transport.close()
            try:
                for observer in self._observers:
                    observer.closed(connection.remote)
            finally:
                self._forget(connection)  # last, as ``finish`` waits for what observers have to say, too

    def _forget(self, connection: _Connection) -> None:
        with self._lock:
            self._connections.discard(connection)
            self._lobby.pop(connection, None)
            self._admitted.discard(connection)

    def _serve_connection(self, connection: _Connection) -> None:
        if self._secure is not None:
            connection.transport = self._secure(connection.transport)
        association = Association(
            connection.transport,
            is_requestor=False,
            peer=connection.remote,
            timers=self._timers,
            write_timeout=self._write_timeout,
            observers=self._observers,
        )
        try:
            request = association.receive_request()
            is_admitted = self._admit(connection, association)
            verdict = self._decide(request, association) if is_admitted else LOCAL_LIMIT_EXCEEDED
            if isinstance(verdict, AAssociateRJ):
                self._turn_away(connection)
                association.reject(verdict)
                return
            association.accept(verdict)
            serve(association, self._handlers, lambda error: self._report(connection.remote, error))
        finally:
            association.abort()  # nothing once it is over; if it is not, our own code failed and the peer must hear

    def _admit(self, connection: _Connection, association: Association) -> bool:
        with self._lock:
            if self._stopping.is_set() or len(self._admitted) >= self._limits.associations:
                return False
            self._lobby.pop(connection, None)
            connection.association = association
            self._admitted.add(connection)
            return True

    def _turn_away(self, connection: _Connection) -> None:
        with self._lock:
            self._admitted.discard(connection)
            self._lobby[connection] = None

    def _report(self, remote: str, error: Exception) -> None:
        for observer in self._observers:
            observer.failed(remote, error)

    @property
    def last_heard(self) -> float:
        """When any of the open associations was last heard of, on the monotonic clock; 0 without one."""
        with self._lock:
            open_now = [connection.association for connection in self._admitted]
        return max((each.last_heard for each in open_now if each is not None), default=0.0)

    # --- the end -----------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Accept nothing more. Safe in a signal handler; associations under way go on (see ``finish``)."""
        self._stopping.set()
        with suppress(OSError):
            self._wake_writer.send(b"\0")

    def finish(self, grace: float) -> bool:
        """After ``serve`` has returned: give associations ``grace`` seconds to end, then abort them.

        True when all ended by themselves; connections without an association are closed at once and do not count.
        """
        self._make_room(0)
        if self._wait_until(time.monotonic() + grace):
            return True
        with self._lock:
            cut_off = list(self._admitted)
        for connection in cut_off:
            if connection.association is not None:
                connection.association.interrupt()
        self._wait_until(time.monotonic() + _ABORTING)
        for connection in self._left():
            connection.transport.interrupt()
        return not cut_off

    def _left(self) -> list[_Connection]:
        with self._lock:
            return list(self._connections)

    def _wait_until(self, deadline: float) -> bool:
        """Wait for the connections' threads; True once none is left."""
        for connection in self._left():
            if connection.thread is not None:
                connection.thread.join(max(0.0, deadline - time.monotonic()))
        return not self._left()
