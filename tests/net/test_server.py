"""The server under crowds, silence, floods and hostile bytes, on the loopback interface."""

import errno
import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from dcmnet_cli.core.commands import CEchoRQ
from dcmnet_cli.core.negotiation import AcceptorPolicy
from dcmnet_cli.core.pdu import AAssociateRQ
from dcmnet_cli.errors import (
    AssociationAborted,
    AssociationRejected,
    ConnectionLost,
    DcmnetError,
    TimedOut,
    TLSError,
    UnexpectedMessage,
    WrongProtocol,
)
from dcmnet_cli.net.association import Association
from dcmnet_cli.net.listener import listen
from dcmnet_cli.net.resolve import format_address
from dcmnet_cli.net.server import Limits, Server
from dcmnet_cli.net.service import ServiceRequest, answer_echo
from dcmnet_cli.net.transport import Transport
from tests.golden import associate as golden
from tests.golden import messages
from tests.scripted import (
    ABORT_BY_USER,
    PATIENCE,
    QUICK,
    RELEASE_RP,
    RELEASE_RQ,
    Peer,
    Watcher,
    dial,
    echo_request,
    p_data,
    status_of,
    until,
)
from tests.serving import running

RQ = golden.RQ_ECHO.data
LIMIT_EXCEEDED = golden.RJ_LIMIT.data
POLICY = AcceptorPolicy(any_abstract_syntax=True)


def make(watcher: Watcher | None = None, **more: object) -> Server:
    options: dict[str, object] = {"policy": POLICY, "timers": QUICK, "observers": (watcher,) if watcher else ()}
    return Server(listen("127.0.0.1", 0), {CEchoRQ: answer_echo}, **(options | more))  # type: ignore[arg-type]


def associate(port: int) -> Peer:
    peer = dial(port)
    peer.send(RQ)
    assert peer.pdu()[0] == 2
    return peer


def echo(peer: Peer) -> int:
    peer.send(echo_request())
    return status_of(peer.pdu())


def release(peer: Peer) -> None:
    peer.send(RELEASE_RQ)
    assert peer.pdu() == RELEASE_RP
    peer.close()


# --- one association -----------------------------------------------------------------------------------------------


def test_a_whole_life() -> None:
    watcher = Watcher()
    with running(make(watcher)) as port:
        peer = associate(port)
        peer.send(messages.ECHO_RQ.pdus)
        assert peer.pdu() == messages.ECHO_RSP.pdus
        release(peer)
        watcher.await_closed()
    assert watcher.names == ["connected", "requested", "accepted", "released", "closed"]
    assert watcher.errors == []


def test_several_at_once() -> None:
    with running(make()) as port:
        peers = [associate(port) for _ in range(10)]
        assert [echo(peer) for peer in reversed(peers)] == [0] * 10
        for peer in peers:
            release(peer)


def test_a_decision_by_code() -> None:
    def decide(request: AAssociateRQ, association: Association) -> object:
        assert association.peer.startswith("ECHOSCU@127.0.0.1:")
        return golden.RJ_CALLED.record

    watcher = Watcher()
    with running(make(watcher, decide=decide)) as port, dial(port) as peer:
        peer.send(RQ)
        assert peer.pdu() == golden.RJ_CALLED.data
        assert peer.is_gone()
        watcher.await_closed()
    assert ("rejected", 1, 1, 7) in watcher.seen
    assert watcher.errors == []


def test_a_decision_that_fails_is_an_abort_and_no_silence() -> None:
    def decide(request: AAssociateRQ, association: Association) -> object:
        raise ZeroDivisionError

    watcher = Watcher()
    with running(make(watcher, decide=decide)) as port:
        for _ in range(2):
            with dial(port) as peer:
                peer.send(RQ)
                assert peer.rest() == ABORT_BY_USER
        watcher.await_closed(2)
    assert [type(error) for error in watcher.errors] == [ZeroDivisionError] * 2


# --- what is no DICOM ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "kind", "answered"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", WrongProtocol, ABORT_BY_USER),
        (b"\x16\x03\x01", WrongProtocol, ABORT_BY_USER),
        (b"\0", WrongProtocol, ABORT_BY_USER),
        (b"\xff", WrongProtocol, ABORT_BY_USER),
        (b"\4", UnexpectedMessage, ABORT_BY_USER),
        (ABORT_BY_USER, AssociationAborted, b""),
    ],
)
def test_a_bad_first_byte_is_answered_at_once(said: bytes, kind: type[DcmnetError], answered: bytes) -> None:
    watcher = Watcher()
    with running(make(watcher)) as port, dial(port) as peer:
        begin = time.monotonic()
        peer.send(said)
        assert peer.rest() == answered
        assert time.monotonic() - begin < 1
        watcher.await_closed()
    assert [type(error) for error in watcher.errors] == [kind]


def test_a_port_check() -> None:
    watcher = Watcher()
    with running(make(watcher)) as port:
        dial(port).close()
        watcher.await_closed()
    assert [type(error) for error in watcher.errors] == [ConnectionLost]
    assert "closed the connection, the association request was due" in str(watcher.errors[0])


def test_a_request_that_drips_ends_at_the_acse_deadline() -> None:
    watcher = Watcher()
    with running(make(watcher, timers=QUICK._replace(acse=0.25))) as port, dial(port) as peer:
        begin = time.monotonic()
        with pytest.raises(OSError, match=r"reset|pipe"):
            dripping(peer)
        assert 0.2 < time.monotonic() - begin < 1.5
        watcher.await_closed()
    assert isinstance(watcher.errors[0], TimedOut)
    assert "sent too little within 0.25 s (ACSE timeout)" in watcher.errors[0].message


def dripping(peer: Peer) -> None:
    for byte in RQ:
        peer.send(bytes((byte,)))
        time.sleep(0.02)


def test_more_roles_than_an_answer_can_hold() -> None:
    """64 KiB of role selections, echoed with our own items on top, do not fit the length of item 50H."""
    roles = b"".join(
        b"\x54\0" + (15).to_bytes(2, "big") + (11).to_bytes(2, "big") + b"1.2.3.%05d" % n + b"\1\1" for n in range(3400)
    )
    with running(make()) as port, dial(port) as peer:
        items = RQ[74:-23] + b"\x50\0" + len(roles).to_bytes(2, "big") + roles
        body = RQ[6:74] + items
        peer.send(b"\1\0" + len(body).to_bytes(4, "big") + body)
        answered = peer.pdu()
        assert answered[0] == 2
        assert b"\x54\0" not in answered[74:]
        assert echo(peer) == 0
        release(peer)


# --- crowds --------------------------------------------------------------------------------------------------------


def test_over_the_limit_is_a_transient_rejection_at_once() -> None:
    watcher = Watcher()
    with running(make(watcher, limits=Limits(associations=2))) as port:
        peers = [associate(port), associate(port)]
        begin = time.monotonic()
        with dial(port) as third:
            third.send(RQ)
            assert third.pdu() == LIMIT_EXCEEDED
        assert time.monotonic() - begin < 1
        assert ("rejected", 2, 3, 2) in watcher.seen
        assert [echo(peer) for peer in peers] == [0, 0]
        release(peers[0])
        watcher.await_closed(2)
        peers[0] = associate(port)
        for peer in peers:
            release(peer)


def test_silent_connections_lock_nobody_out() -> None:
    watcher = Watcher()
    with ExitStack() as stack, running(make(watcher, limits=Limits(associations=1, lobby=4))) as port:
        silent = [stack.enter_context(dial(port)) for _ in range(10)]
        peer = associate(port)
        assert echo(peer) == 0
        assert all(old.is_gone() for old in silent[:6])
        silent[-1].sock.settimeout(0.05)
        with pytest.raises(TimeoutError):
            silent[-1].read(1)
        release(peer)


def test_a_silent_connection_is_shown_out_after_its_time() -> None:
    watcher = Watcher()
    with running(make(watcher, timers=QUICK._replace(acse=0.1))) as port, dial(port) as peer:
        assert peer.is_gone()
        watcher.await_closed()
    assert isinstance(watcher.errors[0], TimedOut)


def test_those_turned_away_wait_in_the_lobby() -> None:
    """Rejected peers that neither close nor read hold a place that the next one may take, not a thread for good."""
    timers = QUICK._replace(closing=30.0)
    watcher = Watcher()
    with ExitStack() as stack, running(make(watcher, timers=timers, limits=Limits(1, lobby=2))) as port:
        first = stack.enter_context(associate(port))
        for _ in range(5):
            rejected = stack.enter_context(dial(port))
            rejected.send(RQ)
            assert rejected.pdu() == LIMIT_EXCEEDED
        watcher.await_closed(3)
        assert echo(first) == 0


def test_a_flood_after_the_rejection_ends_with_the_closing_time() -> None:
    watcher = Watcher()
    with running(make(watcher, limits=Limits(associations=0))) as port, dial(port) as peer:
        peer.send(RQ)
        assert peer.pdu() == LIMIT_EXCEEDED
        begin = time.monotonic()
        with pytest.raises(OSError, match=r"reset|pipe"):
            flooding(peer, until=begin + PATIENCE)
        assert time.monotonic() - begin < 2
        watcher.await_closed()


def flooding(peer: Peer, until: float) -> None:
    while time.monotonic() < until:
        peer.send(p_data(1, 0, bytes(0x4000)))


def test_three_hundred_associations_leave_nothing_behind() -> None:
    watcher = Watcher()
    with running(make(watcher)) as port:
        at_rest = threading.active_count()  # the server's, pytest's, and whatever other tests left behind

        def one(number: int) -> None:
            if number % 3 == 0:
                peer = associate(port)
                assert echo(peer) == 0
                release(peer)
            elif number % 3 == 1:
                with associate(port) as peer:
                    peer.send(messages.PDV_PAST_ITS_PDU)
                    assert peer.pdu()[0] == 7
            else:
                with associate(port) as peer:
                    peer.reset()

        for number in range(30):
            one(number)
        watcher.await_closed(30)
        until(lambda: threading.active_count() <= at_rest)
        threads, descriptors = threading.active_count(), len(os.listdir("/proc/self/fd"))
        for number in range(300):
            one(number)
        watcher.await_closed(330)
        until(lambda: threading.active_count() <= threads)
        assert len(os.listdir("/proc/self/fd")) <= descriptors


# --- a system that runs out ----------------------------------------------------------------------------------------


class Listener:
    """A listening socket whose first calls of ``accept`` fail."""

    def __init__(self, *errors: int) -> None:
        (self._sock,) = listen("127.0.0.1", 0)
        self._errors = list(errors)

    def accept(self) -> tuple[socket.socket, object]:
        if self._errors:
            raise OSError(self._errors.pop(0), "no")
        return self._sock.accept()

    def __getattr__(self, name: str) -> object:
        return getattr(self._sock, name)


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ECONNABORTED, errno.EAGAIN])
def test_failures_of_accept_do_not_end_the_server(number: int) -> None:
    server = Server([Listener(number, number)], {CEchoRQ: answer_echo}, policy=POLICY, timers=QUICK)  # type: ignore[list-item]
    with running(server) as port:
        peer = associate(port)
        assert echo(peer) == 0
        release(peer)


def test_without_descriptors_the_lobby_makes_room() -> None:
    listener = Listener()
    server = Server([listener], {CEchoRQ: answer_echo}, policy=POLICY, timers=QUICK)  # type: ignore[list-item]
    with running(server) as port, dial(port) as silent:
        until(lambda: server._lobby)
        listener._errors.append(errno.EMFILE)
        peer = associate(port)
        assert silent.is_gone()
        release(peer)


def test_without_threads_one_connection_is_lost_and_not_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    watcher = Watcher()
    start, failures = threading.Thread.start, [1]

    def no_thread(thread: threading.Thread) -> None:
        if failures and getattr(thread, "_target", None).__name__ == "_run":
            failures.clear()
            raise RuntimeError("can't start new thread")
        start(thread)

    with running(make(watcher)) as port:
        monkeypatch.setattr(threading.Thread, "start", no_thread)
        with dial(port) as unlucky:
            assert unlucky.is_gone()
        peer = associate(port)
        assert echo(peer) == 0
        release(peer)
    assert [str(error) for error in watcher.errors] == ["can't start new thread"]


def test_an_observer_that_fails_costs_one_connection() -> None:
    class Broken(Watcher):
        def connected(self, remote: str) -> None:
            super().connected(remote)
            if self.names.count("connected") == 1:
                raise ZeroDivisionError

    watcher = Broken()
    server = make(watcher)
    with running(server) as port:
        with dial(port) as unlucky:
            assert unlucky.is_gone()
        release(associate(port))
        watcher.await_closed(2)
        until(lambda: not server._connections)
    assert [type(error) for error in watcher.errors] == [ZeroDivisionError]


# --- a layer of its own around the connection ----------------------------------------------------------------------


def test_a_slow_handshake_holds_up_nobody() -> None:
    release_it = threading.Event()

    def secure(transport: Transport) -> Transport:
        view = memoryview(bytearray(1))
        if transport.recv_into(view, PATIENCE) and view[0] == 0x53:
            release_it.wait(PATIENCE)
        return transport

    with running(make(secure=secure)) as port, dial(port) as slow, dial(port) as quick:
        slow.send(b"S")
        quick.send(b"Q", RQ)
        assert quick.pdu()[0] == 2
        release_it.set()
        slow.send(RQ)
        assert slow.pdu()[0] == 2


def test_a_failed_handshake_is_reported_and_closed() -> None:
    def secure(transport: Transport) -> Transport:
        raise TLSError("not in TLS", "not_tls")

    watcher = Watcher()
    with running(make(watcher, secure=secure)) as port, dial(port) as peer:
        assert peer.is_gone()
        watcher.await_closed()
    assert [type(error) for error in watcher.errors] == [TLSError]


# --- the end -------------------------------------------------------------------------------------------------------


def start(server: Server) -> tuple[int, threading.Thread]:
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    return server._listeners[0].getsockname()[1], thread


def test_stop_and_finish_without_anybody() -> None:
    server = make()
    port, thread = start(server)
    server.stop()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert server.finish(1.0)
    server.stop()
    with pytest.raises(OSError, match="refused"):
        dial(port)
    assert server._wake_reader.fileno() == server._wake_writer.fileno() == -1


def test_stop_before_serve() -> None:
    server = make()
    server.stop()
    server.serve()
    assert server.finish(0.0)


def test_what_is_under_way_gets_its_grace() -> None:
    watcher = Watcher()
    server = make(watcher)
    port, thread = start(server)
    with associate(port) as peer, dial(port) as silent:
        until(lambda: len(server._connections) == 2)
        server.stop()
        thread.join(PATIENCE)
        threading.Timer(0.1, release, (peer,)).start()
        assert server.finish(PATIENCE)
        assert silent.is_gone()
    assert watcher.names.count("closed") == 2, "the last event comes before the end"
    assert watcher.names.count("released") == 1


def test_what_does_not_end_in_its_grace_is_aborted() -> None:
    watcher = Watcher()
    server = make(watcher)
    port, thread = start(server)
    with associate(port) as peer:
        server.stop()
        thread.join(PATIENCE)
        begin = time.monotonic()
        assert not server.finish(0.05)
        assert time.monotonic() - begin < 1
        assert peer.rest() == ABORT_BY_USER
    assert ("aborted", 0, 0, False) in watcher.seen
    assert watcher.names[-1] == "closed"
    assert [type(error) for error in watcher.errors] == [AssociationAborted]


def test_a_handler_that_never_ends_does_not_hold_up_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dcmnet_cli.net.server._ABORTING", 0.1)
    forever = threading.Event()

    def stuck(request: ServiceRequest) -> int:
        forever.wait(PATIENCE)
        return 0

    server = Server(listen("127.0.0.1", 0), {CEchoRQ: stuck}, policy=POLICY, timers=QUICK)
    port, thread = start(server)
    with associate(port) as peer:
        peer.send(echo_request())
        time.sleep(0.05)
        server.stop()
        thread.join(PATIENCE)
        begin = time.monotonic()
        assert not server.finish(0.0)
        assert time.monotonic() - begin < 1
        forever.set()
        assert peer.is_gone()


def test_nobody_is_let_in_any_more() -> None:
    server = make()
    port, thread = start(server)
    with associate(port), dial(port) as late:
        until(lambda: len(server._lobby) == 1)
        server.stop()
        thread.join(PATIENCE)
        late.send(RQ)
        assert late.pdu() == LIMIT_EXCEEDED
        server.finish(0.0)


def test_the_address_of_a_peer_that_is_gone_already(monkeypatch: pytest.MonkeyPatch) -> None:
    """``getpeername`` fails on such a socket; two of them must not be taken for one."""
    remotes: list[str] = []

    class Log(Watcher):
        def connected(self, remote: str) -> None:
            super().connected(remote)
            remotes.append(remote)

    watcher = Log()
    names: list[str] = []
    with running(make(watcher)) as port:
        monkeypatch.setattr("dcmnet_cli.net.transport._name", unnamed)
        for _ in range(2):
            with dial(port) as peer:
                names.append(format_address(peer.sock.getsockname()))
        watcher.await_closed(2)
    assert sorted(remotes) == sorted(names)


def unnamed(ask: Callable[[], object]) -> str:
    return "unknown address"


def test_a_rejection_by_the_provider_is_an_error_that_says_so() -> None:
    watcher = Watcher()
    with running(make(watcher)) as port, dial(port) as peer:
        peer.send(RQ[:6] + b"\0\2" + RQ[8:])
        assert peer.pdu() == bytes.fromhex("03 00 00000004 00 01 02 02")
        watcher.await_closed()
    assert [type(error) for error in watcher.errors] == [AssociationRejected]
