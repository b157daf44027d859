"""The TCP transport on loopback and on socket pairs."""

import errno
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from dcmnet_cli.core.steps import Step
from dcmnet_cli.errors import ConnectError, ConnectionLost, ListenError, ResolveError
from dcmnet_cli.net import race
from dcmnet_cli.net import transport as module
from dcmnet_cli.net.resolve import Address
from dcmnet_cli.net.transport import Transport, connect, listen


@pytest.fixture
def pair() -> Iterator[tuple[Transport, socket.socket]]:
    """A transport and the blocking socket at its other end, over TCP."""
    (listener,) = listen("127.0.0.1", 0)
    transport = connect("127.0.0.1", listener.getsockname()[1], timeout=2)
    peer, _ = listener.accept()
    peer.settimeout(2)
    listener.close()
    yield transport, peer
    transport.close()
    peer.close()


def in_thread(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def keep_writing(transport: Transport) -> None:
    for _ in range(20):
        transport.write_buffers([bytes(1000)], 1)
        time.sleep(0.005)


def read_all(peer: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        piece = peer.recv(1 << 20)
        if not piece:
            break
        data += piece
    return bytes(data)


# --- reading ---------------------------------------------------------------------------------------------------


def test_reads_what_has_arrived_and_then_the_end(pair: tuple[Transport, socket.socket]) -> None:
    transport, peer = pair
    view = memoryview(bytearray(100))
    peer.sendall(b"\x07\x00rest")
    assert transport.recv_into(view[:2], 1) == 2
    assert transport.recv_into(view[2:], 1) == 4
    assert bytes(view[:6]) == b"\x07\x00rest"
    peer.close()
    assert transport.recv_into(view, 1) == 0


def test_waits_for_what_is_late(pair: tuple[Transport, socket.socket]) -> None:
    transport, peer = pair
    timer = threading.Timer(0.05, peer.sendall, [b"late"])
    timer.start()
    view = memoryview(bytearray(8))
    assert transport.recv_into(view, None, quick_ack=True) == 4
    timer.join()


def test_read_timeout(pair: tuple[Transport, socket.socket]) -> None:
    transport, _ = pair
    begin = time.monotonic()
    with pytest.raises(TimeoutError, match=r"0\.05 s"):
        transport.recv_into(memoryview(bytearray(8)), 0.05)
    assert 0.05 <= time.monotonic() - begin < 0.5
    with pytest.raises(TimeoutError):
        transport.recv_into(memoryview(bytearray(8)), 0)


def test_a_reset_is_a_lost_connection(pair: tuple[Transport, socket.socket]) -> None:
    transport, peer = pair
    Transport(peer).close(abort=True)
    with pytest.raises(ConnectionLost, match="reset by the peer") as caught:
        transport.recv_into(memoryview(bytearray(8)), 1)
    assert caught.value.details == {"errno": errno.ECONNRESET, "how": "reset"}
    assert transport.remote in caught.value.message


def test_a_time_out_of_the_kernel_is_not_one_of_ours(pair: tuple[Transport, socket.socket]) -> None:
    transport, _ = pair

    class DeadSocket:
        def recv_into(self, view: memoryview) -> int:
            raise TimeoutError(errno.ETIMEDOUT, "Connection timed out")

    real, transport.sock = transport.sock, DeadSocket()
    with pytest.raises(ConnectionLost, match="no longer acknowledges") as caught:
        transport.recv_into(memoryview(bytearray(8)), 1)
    assert caught.value.details["how"] == "unanswered"
    transport.sock = real


def test_descriptors_beyond_the_limit_of_select(pair: tuple[Transport, socket.socket]) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 1200:
        pytest.fail("this test needs 1,200 open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 1200), hard))
    ours, theirs = socket.socketpair()
    high = socket.socket(fileno=os.dup2(ours.fileno(), 1100))
    transport = Transport(high)
    try:
        timer = threading.Timer(0.02, theirs.sendall, [b"x"])
        timer.start()
        assert transport.recv_into(memoryview(bytearray(8)), 1) == 1
    finally:
        transport.close()
        ours.close()
        theirs.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_ctrl_c_ends_a_wait(pair: tuple[Transport, socket.socket]) -> None:
    transport, _ = pair
    timer = threading.Timer(0.05, os.kill, [os.getpid(), signal.SIGINT])
    timer.start()
    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        transport.recv_into(memoryview(bytearray(8)), 5)
    assert time.monotonic() - begin < 1


def test_other_signals_do_not_end_a_wait(pair: tuple[Transport, socket.socket]) -> None:
    transport, peer = pair
    seen: list[int] = []
    before = signal.signal(signal.SIGUSR1, lambda number, _: seen.append(number))
    try:
        threading.Timer(0.03, os.kill, [os.getpid(), signal.SIGUSR1]).start()
        timer = threading.Timer(0.1, peer.sendall, [b"after"])
        timer.start()
        assert transport.recv_into(memoryview(bytearray(8)), 2) == 5
        timer.join()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert seen == [signal.SIGUSR1]


def test_another_thread_can_end_a_read(pair: tuple[Transport, socket.socket]) -> None:
    transport, peer = pair
    timer = threading.Timer(0.05, transport.interrupt_read)
    timer.start()
    assert transport.recv_into(memoryview(bytearray(8)), 5) == 0
    transport.write_buffers([b"still writing"], 1)
    assert peer.recv(100) == b"still writing"


# --- writing ---------------------------------------------------------------------------------------------------


def test_gathers_more_buffers_than_one_call_takes(pair: tuple[Transport, socket.socket]) -> None:
    transport, peer = pair
    buffers = [bytes([number % 251]) * (number % 7) for number in range(5000)]
    expected = b"".join(buffers)
    received: list[bytes] = []
    thread = in_thread(lambda: received.append(read_all(peer, len(expected))))
    transport.write_buffers(buffers, 2)
    thread.join(2)
    assert received == [expected]


def test_a_slow_reader_gets_everything_in_order(pair: tuple[Transport, socket.socket]) -> None:
    transport, peer = pair
    transport.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
    pieces = [os.urandom(size) for size in (12, 300_000, 0, 12, 1, 1_000_000, 12)]
    views = [memoryview(pieces[0]), bytearray(pieces[1]), *map(memoryview, pieces[2:])]
    expected = b"".join(pieces)
    received: list[bytes] = []
    thread = in_thread(lambda: received.append(read_all(peer, len(expected))))
    transport.write_buffers(views, 2)
    thread.join(5)
    assert received == [expected]


def test_nothing_to_write_is_no_call(pair: tuple[Transport, socket.socket]) -> None:
    transport, peer = pair
    transport.write_buffers([], 1)
    transport.write_buffers([b"", b""], 1)
    transport.write_buffers([b"end"], 1)
    assert peer.recv(10) == b"end"


def test_a_peer_that_reads_nothing_is_given_up(pair: tuple[Transport, socket.socket]) -> None:
    transport, _ = pair
    begin = time.monotonic()
    with pytest.raises(TimeoutError, match="took hardly any"):
        transport.write_buffers([bytes(1 << 20)] * 64, 0.1)
    assert time.monotonic() - begin < 1


def test_a_trickle_does_not_stretch_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    transport = Transport(ours)
    stop = threading.Event()

    def trickle() -> None:
        while not stop.wait(0.01):
            theirs.recv(512)

    thread = in_thread(trickle)
    begin = time.monotonic()
    with pytest.raises(TimeoutError):
        transport.write_buffers([bytes(8192)] * 1000, 0.2)
    assert time.monotonic() - begin < 1
    stop.set()
    thread.join(1)
    transport.close()
    theirs.close()


def test_a_slow_line_may_take_many_times_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MINIMUM_PROGRESS", 4096)
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    transport = Transport(ours)
    total = 400_000
    taken = 0

    def drip() -> None:
        nonlocal taken
        while taken < total:
            time.sleep(0.005)
            taken += len(theirs.recv(8192))

    thread = in_thread(drip)
    begin = time.monotonic()
    transport.write_buffers([bytes(1000)] * (total // 1000), 0.1)
    assert time.monotonic() - begin > 0.15
    thread.join(2)
    assert taken == total
    transport.close()
    theirs.close()


def test_writing_to_a_peer_that_has_gone(pair: tuple[Transport, socket.socket]) -> None:
    transport, peer = pair
    Transport(peer).close(abort=True)
    with pytest.raises(ConnectionLost) as caught:
        keep_writing(transport)
    assert caught.value.details["how"] in ("reset", "closed")


def test_last_words_can_be_read_after_a_write_failed(pair: tuple[Transport, socket.socket]) -> None:
    transport, peer = pair
    peer.sendall(b"last words")
    peer.close()
    with pytest.raises(ConnectionLost):
        keep_writing(transport)
    view = memoryview(bytearray(20))
    assert bytes(view[: transport.recv_into(view, 0)]) == b"last words"


# --- state -----------------------------------------------------------------------------------------------------


def test_options_that_matter(pair: tuple[Transport, socket.socket]) -> None:
    transport, _ = pair
    assert transport.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert transport.sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    assert not transport.sock.get_inheritable()


def test_quick_ack_is_switched_on(pair: tuple[Transport, socket.socket]) -> None:
    transport, peer = pair
    if not hasattr(socket, "TCP_QUICKACK"):
        transport.quick_ack()
        return
    transport.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)
    transport.quick_ack()
    assert transport.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK)
    peer.sendall(b"here already")
    time.sleep(0.02)
    transport.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)
    transport.recv_into(memoryview(bytearray(100)), 1, quick_ack=True)
    assert not transport.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK)


def test_is_closed_by_peer(pair: tuple[Transport, socket.socket]) -> None:
    transport, peer = pair
    assert not transport.is_closed_by_peer
    peer.sendall(b"data")
    assert not transport.is_closed_by_peer
    peer.close()
    time.sleep(0.02)
    assert transport.is_closed_by_peer
    assert transport.recv_into(memoryview(bytearray(8)), 1) == 4


def test_shutdown_write_and_close_twice(pair: tuple[Transport, socket.socket]) -> None:
    transport, peer = pair
    transport.shutdown_write()
    assert peer.recv(1) == b""
    peer.sendall(b"answer")
    assert transport.recv_into(memoryview(bytearray(8)), 1) == 6
    transport.close()
    transport.close(abort=True)
    transport.shutdown_write()
    transport.quick_ack()
    assert transport.is_closed_by_peer
    with pytest.raises(ConnectionLost) as caught:
        transport.recv_into(memoryview(bytearray(8)), 1)
    assert caught.value.details["how"] == "closed_here"
    with pytest.raises(ConnectionLost):
        transport.write_buffers([b"x"], 1)


def test_a_socket_pair_is_a_transport_too() -> None:
    ours, theirs = socket.socketpair()
    transport = Transport(ours, remote="test:104")
    transport.quick_ack()
    transport.write_buffers([b"a", b"b"], 1)
    assert theirs.recv(8) == b"ab"
    assert transport.remote == "test:104"
    transport.close()
    theirs.close()


# --- connect ---------------------------------------------------------------------------------------------------


@pytest.fixture
def listening() -> Iterator[int]:
    (listener,) = listen("127.0.0.1", 0)
    yield listener.getsockname()[1]
    listener.close()


def unused_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def addresses(*texts: str) -> Callable[..., list[Address]]:
    def resolve(host: str, port: int, family: str, timeout: float) -> list[Address]:
        return [Address(socket.AF_INET, (text, port)) for text in texts]

    return resolve


def test_the_rungs_of_a_connection(listening: int) -> None:
    steps: list[Step] = []
    transport = connect("127.0.0.1", listening, timeout=2, on_step=steps.append)
    assert [(step.name, step.ok) for step in steps] == [("resolve", True), ("TCP connect", True)]
    assert steps[0].detail == "127.0.0.1"
    assert steps[1].detail == f"open, from {transport.local}"
    assert transport.remote == f"127.0.0.1:{listening}"
    assert all(0 <= step.seconds < 2 for step in steps)
    transport.close()


def test_refused() -> None:
    port = unused_port()
    steps: list[Step] = []
    with pytest.raises(ConnectError) as caught:
        connect("127.0.0.1", port, timeout=2, on_step=steps.append)
    assert caught.value.message == f"cannot connect to 127.0.0.1:{port}: connection refused"
    assert caught.value.details["how"] == "refused"
    assert caught.value.details["attempts"] == [("127.0.0.1", "connection refused")]
    assert f"port {port}" in caught.value.hints[0]
    assert (steps[1].name, steps[1].ok, steps[1].detail) == ("TCP connect", False, "connection refused")


def test_the_next_address_is_tried_and_named(listening: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "resolve", addresses("127.0.0.2", "127.0.0.1"))
    steps: list[Step] = []
    transport = connect("pacs", listening, timeout=2, on_step=steps.append)
    assert steps[0].detail == "127.0.0.2, 127.0.0.1"
    assert steps[1].detail == f"open at 127.0.0.1:{listening}, from {transport.local}"
    transport.close()


def full_listener() -> tuple[socket.socket, list[socket.socket]]:
    """A listener whose queue is full: the system leaves further connections unanswered."""
    listener = socket.socket()
    listener.bind(("127.0.0.3", 0))
    listener.listen(0)
    crowd = []
    for _ in range(3):
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex(listener.getsockname())
        crowd.append(sock)
    time.sleep(0.02)
    return listener, crowd


def test_a_dead_first_address_does_not_hold_the_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(race, "_STAGGER", 0.05)
    dead, crowd = full_listener()
    port = dead.getsockname()[1]
    (alive,) = listen("127.0.0.1", port)
    monkeypatch.setattr(module, "resolve", addresses("127.0.0.3", "127.0.0.1"))
    begin = time.monotonic()
    transport = connect("pacs", port, timeout=5)
    assert time.monotonic() - begin < 1
    assert transport.remote == f"127.0.0.1:{port}"
    for sock in (transport, dead, alive, *crowd):
        sock.close()


def test_every_address_is_named_with_what_became_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    dead, crowd = full_listener()
    port = dead.getsockname()[1]
    monkeypatch.setattr(module, "resolve", addresses("127.0.0.3", "127.0.0.2"))
    begin = time.monotonic()
    with pytest.raises(ConnectError) as caught:
        connect("pacs", port, timeout=0.4)
    assert 0.3 < time.monotonic() - begin < 1
    assert dict(caught.value.details["attempts"]) == {
        "127.0.0.3": "no answer within 0.4 s",
        "127.0.0.2": "connection refused",
    }
    for text in ("pacs:", "127.0.0.3: no answer within 0.4 s", "127.0.0.2: connection refused"):
        assert text in caught.value.message
    for sock in (dead, *crowd):
        sock.close()


def test_silence_is_a_time_out() -> None:
    dead, crowd = full_listener()
    with pytest.raises(ConnectError, match=r"no answer within 0\.1 s") as caught:
        connect("127.0.0.3", dead.getsockname()[1], timeout=0.1)
    assert caught.value.details["how"] == "timeout"
    assert any("firewall" in hint for hint in caught.value.hints)
    for sock in (dead, *crowd):
        sock.close()


def test_an_address_without_a_route() -> None:
    # No connection can be made to a multicast address; the system says so at once.
    with pytest.raises(ConnectError, match=r"cannot connect to 224\.0\.0\.1:104: network unreachable") as caught:
        connect("224.0.0.1", 104, timeout=1)
    assert caught.value.details["how"] == "unreachable"


def test_a_machine_without_the_address_family(listening: int, monkeypatch: pytest.MonkeyPatch) -> None:
    class OnlyIPv4(socket.socket):
        def __init__(self, family: int = -1, *more: object, **named: object) -> None:
            if family == socket.AF_INET6:
                raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
            super().__init__(family, *more, **named)

    monkeypatch.setattr("dcmnet_cli.net.race.socket.socket", OnlyIPv4)
    both = [Address(socket.AF_INET6, ("::1", listening, 0, 0)), Address(socket.AF_INET, ("127.0.0.1", listening))]
    monkeypatch.setattr(module, "resolve", lambda *_: both)
    transport = connect("pacs", listening, timeout=1)
    assert transport.remote == f"127.0.0.1:{listening}"
    transport.close()


def test_a_failed_name_is_a_rung_too() -> None:
    steps: list[Step] = []
    with pytest.raises(ResolveError):
        connect("a..b", 104, timeout=1, on_step=steps.append)
    assert [(step.name, step.ok) for step in steps] == [("resolve", False)]
    assert '"a..b"' in steps[0].detail


def test_meeting_oneself_is_no_connection(pair: tuple[Transport, socket.socket]) -> None:
    # A socket that connects to its own port succeeds on loopback, though nobody listens.
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.connect(sock.getsockname())
        assert race._is_self_connected(sock)
    assert not race._is_self_connected(pair[0].sock)


# --- listen ----------------------------------------------------------------------------------------------------


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


def test_both_families_share_a_free_port() -> None:
    sockets = listen(None, 0)
    try:
        ports = {sock.getsockname()[1] for sock in sockets}
        assert len(ports) == 1
        families = [sock.family for sock in sockets]
        assert families == ([socket.AF_INET, socket.AF_INET6] if has_ipv6() else [socket.AF_INET])
        for host in ("127.0.0.1", "::1")[: len(sockets)]:
            connect(host, ports.copy().pop(), timeout=2).close()
        assert not any(sock.get_inheritable() or sock.getblocking() for sock in sockets)
    finally:
        for sock in sockets:
            sock.close()


@pytest.mark.parametrize("family", ["4", "6"])
def test_one_family_alone(family: str) -> None:
    (sock,) = listen(None, 0, family=family)
    assert sock.family == (socket.AF_INET if family == "4" else socket.AF_INET6)
    sock.close()


def test_one_address_alone() -> None:
    (sock,) = listen("127.0.0.1", 0)
    assert sock.getsockname()[0] == "127.0.0.1"
    with pytest.raises(ConnectError):
        connect("127.0.0.2", sock.getsockname()[1], timeout=1)
    sock.close()


def test_port_in_use(listening: int) -> None:
    with pytest.raises(ListenError, match="the port is in use") as caught:
        listen("127.0.0.1", listening)
    assert f"127.0.0.1:{listening}" in caught.value.message
    assert f":{listening}" in caught.value.hints[0]
    # Nothing of a pair is kept when one of the two is taken.
    with pytest.raises(ListenError):
        listen(None, listening)
    with pytest.raises(ConnectError):
        connect("::1", listening, timeout=1)


def test_an_address_of_another_machine() -> None:
    with pytest.raises(ListenError, match="no interface of this machine has this address"):
        listen("192.0.2.99", 0)


def test_a_privileged_port(monkeypatch: pytest.MonkeyPatch) -> None:
    class Unprivileged(socket.socket):
        def bind(self, address: object) -> None:
            raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("dcmnet_cli.net.listener.socket.socket", Unprivileged)
    with pytest.raises(ListenError, match=r"0\.0\.0\.0:104: not permitted") as caught:
        listen(None, 104)
    assert "11112" in caught.value.hints[0]


def test_a_free_port_taken_at_the_other_family_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    if not has_ipv6():
        pytest.fail("this test needs IPv6 on the loopback interface")
    attempts: list[tuple] = []

    class Busy(socket.socket):
        def bind(self, address: tuple) -> None:
            attempts.append(address)
            if len(attempts) == 2:
                raise OSError(errno.EADDRINUSE, "Address already in use")
            super().bind(address)

    monkeypatch.setattr("dcmnet_cli.net.listener.socket.socket", Busy)
    sockets = listen(None, 0)
    assert len(sockets) == 2
    assert len(attempts) == 4
    for sock in sockets:
        sock.close()
