"""A peer that says what a test scripts, byte by byte, over TCP on the loopback interface; and who saw what."""

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType

from dcmnet_cli.core.association import Timers
from dcmnet_cli.net.association import Association
from dcmnet_cli.net.server import ServerObserver
from dcmnet_cli.net.transport import Transport
from tests.golden import associate as golden

PATIENCE = 5.0
"""Seconds after which a test gives up. No test waits that long while the code is right."""

QUICK = Timers(acse=2.0, dimse=2.0, release=2.0, idle=2.0, closing=0.05)
RELEASE_RQ, RELEASE_RP = golden.RELEASE_RQ.data, golden.RELEASE_RP.data
ABORT_BY_USER = bytes.fromhex("07 00 00000004 0000 00 00")


def abort_by_provider(reason: int) -> bytes:
    return bytes((7, 0, 0, 0, 0, 4, 0, 0, 2, reason))


def p_data(context_id: int, control: int, fragment: bytes) -> bytes:
    """A P-DATA-TF with one PDV."""
    return struct.pack(">BxIIBB", 4, len(fragment) + 6, len(fragment) + 2, context_id, control) + fragment


def command(context_id: int, *elements: tuple[int, bytes]) -> bytes:
    """A command set in one PDV, from (tag, value); the group length is put in front."""
    body = b"".join(struct.pack("<HHI", 0, tag, len(value)) + value for tag, value in elements)
    return p_data(context_id, 3, struct.pack("<HHII", 0, 0, 4, len(body)) + body)


def us(number: int) -> bytes:
    return number.to_bytes(2, "little")


def echo_request(message_id: int = 1) -> bytes:
    uid = b"1.2.840.10008.1.1\0"
    return command(1, (0x0002, uid), (0x0100, us(0x30)), (0x0110, us(message_id)), (0x0800, us(0x0101)))


def echo_response(message_id: int = 1, status: int = 0) -> bytes:
    answers = (0x0100, us(0x8030)), (0x0120, us(message_id)), (0x0800, us(0x0101)), (0x0900, us(status))
    return command(1, *answers)


def elements_of(pdus: bytes) -> dict[int, bytes]:
    """The elements of group 0000 in one P-DATA-TF with one PDV."""
    found, offset = {}, 12
    while offset < len(pdus):
        _, tag, length = struct.unpack_from("<HHI", pdus, offset)
        found[tag] = pdus[offset + 8 : offset + 8 + length]
        offset += 8 + length
    return found


def status_of(pdus: bytes) -> int:
    return int.from_bytes(elements_of(pdus)[0x0900], "little")


class Peer:
    """The other end of a connection, blocking, for one thread."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        sock.settimeout(PATIENCE)

    def __enter__(self) -> "Peer":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.sock.close()

    def send(self, *data: bytes) -> None:
        self.sock.sendall(b"".join(data))

    def read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            piece = self.sock.recv(count - len(data))
            assert piece, f"the connection ended after {data.hex()}"
            data += piece
        return data

    def pdu(self) -> bytes:
        """The next PDU, whole."""
        header = self.read(6)
        return header + self.read(int.from_bytes(header[2:], "big"))

    def rest(self) -> bytes:
        """Everything until the connection ends, in whatever way."""
        data = b""
        try:
            while piece := self.sock.recv(65536):
                data += piece
        except ConnectionResetError:
            pass
        return data

    def farewell(self) -> bytes:
        """Read on until the other side ends the association, agree to a release; returns the PDU that ended it."""
        try:
            while self.sock.recv(1, socket.MSG_PEEK):
                pdu = self.pdu()
                if pdu == RELEASE_RQ:
                    self.send(RELEASE_RP)
                if pdu[0] in (5, 7):
                    return pdu
        except ConnectionResetError:
            pass
        return b""

    def is_gone(self) -> bool:
        """Whether the other side has ended the connection, without a word."""
        return self.rest() == b""

    def close(self) -> None:
        self.sock.close()

    def reset(self) -> None:
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


def connected() -> tuple[Transport, Peer]:
    """A transport and the peer at its other end."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sock = socket.create_connection(listener.getsockname())
        other, _ = listener.accept()
    return Transport(sock), Peer(other)


def dial(port: int) -> Peer:
    return Peer(socket.create_connection(("127.0.0.1", port), PATIENCE))


@contextmanager
def acting(*scenes: Callable[[Peer], object]) -> Iterator[int]:
    """A server whose connections are answered by ``scenes``, one after the other; yields its port.

    What a scene asserts fails the test that uses it.
    """
    failures: list[BaseException] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE)

        def act() -> None:
            try:
                for scene in scenes:
                    with Peer(listener.accept()[0]) as peer:
                        scene(peer)
            except BaseException as error:  # told to the test's own thread
                failures.append(error)

        thread = threading.Thread(target=act, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert not failures, failures


def accepting(peer: Peer) -> None:
    """Accept whatever is requested, as golden.AC_ECHO."""
    peer.pdu()
    peer.send(golden.AC_ECHO.data)


def good_server(echoes: int = 1) -> Callable[[Peer], None]:
    """A scene: accept, answer ``echoes`` C-ECHOs, agree to the release."""

    def scene(peer: Peer) -> None:
        accepting(peer)
        for number in range(1, echoes + 1):
            peer.pdu()
            peer.send(echo_response(number))
        assert peer.pdu() == RELEASE_RQ
        peer.send(RELEASE_RP)
        assert peer.is_gone()

    return scene


class Watcher(ServerObserver):
    """Notes what it is told: (what, facts) in order; errors and remote addresses apart."""

    def __init__(self) -> None:
        self.seen: list[tuple[object, ...]] = []
        self.errors: list[Exception] = []

    def requested(self, association: Association, request: object) -> None:
        self.seen.append(("requested", request))

    def accepted(self, association: Association, negotiated: object) -> None:
        self.seen.append(("accepted", negotiated))

    def rejected(self, association: Association, result: int, source: int, reason: int) -> None:
        self.seen.append(("rejected", result, source, reason))

    def released(self, association: Association) -> None:
        self.seen.append(("released",))

    def aborted(self, association: Association, source: int, reason: int, by_peer: bool) -> None:
        self.seen.append(("aborted", source, reason, by_peer))

    def lost(self, association: Association, what: str) -> None:
        self.seen.append(("lost", what))

    def noted(self, association: Association, note: str) -> None:
        self.seen.append(("noted", note))

    def connected(self, remote: str) -> None:
        self.seen.append(("connected",))

    def failed(self, remote: str, error: Exception) -> None:
        self.errors.append(error)

    def closed(self, remote: str) -> None:
        self.seen.append(("closed",))

    @property
    def names(self) -> list[object]:
        return [what for what, *_ in self.seen]

    def await_closed(self, count: int = 1) -> None:
        until(lambda: self.names.count("closed") >= count)


def until(condition: Callable[[], object]) -> None:
    """Wait for something that another thread is about to do."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.005)


def joined(batches: Sequence[Sequence[memoryview]]) -> bytes:
    return b"".join(bytes(view) for batch in batches for view in batch)
