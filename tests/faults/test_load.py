"""Crowds, floods and sluggards at a listener: everybody is served or turned away as PS3.8 says, and nothing stays."""

import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from dcmnet_cli.errors import DcmnetError
from tests.faults import IS_FULL, objects
from tests.faults.killing import indexed
from tests.golden import associate as golden
from tests.interop.conftest import StartListener
from tests.interop.running import HOST, Listener, dcmnet, wait_until
from tests.receiving import Sender
from tests.scripted import RELEASE_RP, RELEASE_RQ, Peer, command, dial, echo_request, p_data, status_of, us

CROWD = 200
IN_A_ROW = 5_000 if IS_FULL else 1_000
RQ = golden.RQ_ECHO.data
ACCEPTED, REJECTED, ABORTED = 2, 3, 7
LIMIT_EXCEEDED = bytes.fromhex("03 00 00000004 00 02 03 02")
"""Transient, by the presentation related provider, local limit exceeded (PS3.8 9.3.4)."""
AT_ONCE = 3.0
"""Seconds, generously, for what has to wait for nobody: sluggards take the minute of the write timer."""


class Usage:
    """What a process holds of the system."""

    def __init__(self, server: Listener) -> None:
        self._folder = Path("/proc") / str(server.process._popen.pid)

    @property
    def descriptors(self) -> int:
        return len(list((self._folder / "fd").iterdir()))

    @property
    def threads(self) -> int:
        return len(list((self._folder / "task").iterdir()))

    @property
    def memory(self) -> int:
        """Bytes of it that are in memory."""
        words = next(line for line in (self._folder / "status").read_text().splitlines() if line.startswith("VmRSS"))
        return int(words.split()[1]) * 1024


@contextmanager
def nothing_stays(server: Listener, memory: int, *, spare: int = 0) -> Iterator[None]:
    """Descriptors and threads are at the end what they were before, and memory has grown by ``memory`` at most.

    ``spare`` is how many files a listener that stores may have opened ahead.
    """
    usage = Usage(server)
    descriptors, threads, held = usage.descriptors, usage.threads, usage.memory
    yield
    wait_until(lambda: usage.descriptors <= descriptors + spare, f"{descriptors} descriptors again")
    wait_until(lambda: usage.threads <= threads, f"{threads} threads again")
    grown = usage.memory - held
    print(f"\n{usage.descriptors} descriptors, {usage.threads} threads, {held >> 10:,} KiB and {grown >> 10:,} more")
    assert grown < memory


def request(port: int) -> tuple[Peer, bytes]:
    """A connection, and the answer to an association request over it."""
    peer = dial(port)
    peer.send(RQ)
    return peer, peer.pdu()


def associate(port: int) -> Peer:
    peer, answer = request(port)
    assert answer[0] == ACCEPTED
    return peer


def echo(peer: Peer) -> int:
    peer.send(echo_request())
    return status_of(peer.pdu())


def release(peer: Peer) -> None:
    peer.send(RELEASE_RQ)
    assert peer.pdu() == RELEASE_RP
    peer.close()


def visit(port: int) -> None:
    """A whole association."""
    peer = associate(port)
    assert echo(peer) == 0
    release(peer)


def end(server: Listener, status: int = 0) -> dict[str, object]:
    server.process.signal(signal.SIGTERM)
    assert server.process.wait() == status
    assert server.process.stderr == ""
    return server.events[-1]


def test_a_crowd_at_once(listener: StartListener, tmp_path: Path) -> None:
    server = listener("-od", str(tmp_path))
    visit(server.port)
    with nothing_stays(server, memory=64 << 20, spare=8), ThreadPoolExecutor(20) as pool:
        senders = [Sender(server.port) for _ in range(CROWD)]
        for number, sender in enumerate(senders):
            assert sender.store(objects.image(number), objects.uid_of(number)).status == 0
        assert [sender.echo() for sender in reversed(senders)] == [0] * CROWD
        assert set(pool.map(lambda sender: sender.association.release(), senders)) == {""}
    assert len(list(tmp_path.glob("*.dcm"))) == CROWD
    assert end(server)["stored"] == CROWD


def test_one_after_the_other(listener: StartListener) -> None:
    server = listener()
    for _ in range(50):
        visit(server.port)
    with nothing_stays(server, memory=8 << 20):
        for _ in range(IN_A_ROW):
            visit(server.port)
    stopped = end(server)
    assert (stopped["echoes"], stopped["failed"]) == (IN_A_ROW + 50, 0)


def test_a_flood_over_the_limit(listener: StartListener) -> None:
    """Those who are in are served, those who are not are told why, at once, and may come back."""
    server = listener("--max-associations", "10")
    with nothing_stays(server, memory=64 << 20):
        inside = [associate(server.port) for _ in range(10)]

        def knock(_: int) -> bytes:
            peer, answer = request(server.port)
            peer.close()
            return answer

        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(knock, range(300)))
        assert set(answers) == {LIMIT_EXCEEDED}
        assert [echo(peer) for peer in inside] == [0] * 10
        release(inside.pop())
        wait_until(lambda: any(each["event"] == "closed" and each["association"] for each in server.events), "room")
        inside.append(associate(server.port))
        for peer in inside:
            release(peer)
    stopped = end(server)
    assert (stopped["associations"], stopped["rejected"]) == (11, 300)


def test_store_comes_through_when_there_is_room_again(listener: StartListener, tmp_path: Path) -> None:
    """Our own sender takes a transient rejection for what it is."""
    server = listener("-od", str(tmp_path), "--max-associations", "1")
    objects.write(tmp_path / "source", 1)
    inside = associate(server.port)

    def make_room() -> None:
        server.wait_for("rejected")
        release(inside)

    thread = threading.Thread(target=make_room)
    thread.start()
    outcome = dcmnet("store", HOST, str(server.port), str(tmp_path / "source"))
    thread.join()
    assert outcome.status == 0, outcome.stderr
    assert end(server)["stored"] == 1


def drip(port: int) -> socket.socket:
    """A request that comes byte by byte, and has just begun."""
    peer = dial(port)
    peer.send(RQ[:20])
    return peer.sock


def dawdle(port: int) -> socket.socket:
    """An object of which only a part is sent."""
    sock = Sender(port).association.transport.sock
    uids = (0x0002, objects.CT.encode() + b"\0"), (0x1000, objects.uid_of(999).encode())
    numbers = (0x0100, us(1)), (0x0110, us(1)), (0x0700, us(0)), (0x0800, us(1))
    sock.sendall(command(3, *sorted((*uids, *numbers))) + p_data(3, 0, objects.image(999, 1 << 20)[:16000]))
    return sock


def hoard(port: int) -> socket.socket:
    """Requests without end, and none of the responses read."""
    peer = associate(port)
    peer.sock.settimeout(0.2)
    requests = echo_request() * 1000
    with suppress(TimeoutError):
        for _ in range(1000):
            peer.send(requests)
    return peer.sock


@pytest.mark.parametrize("sluggard", [drip, dawdle, hoard])
def test_sluggards_hold_nobody_up(
    listener: StartListener, tmp_path: Path, sluggard: Callable[[int], socket.socket]
) -> None:
    server = listener("-od", str(tmp_path), "--max-associations", "30")
    with ExitStack() as stack:
        for _ in range(8):
            stack.enter_context(sluggard(server.port))
        begin = time.monotonic()
        for number in range(10):
            with Sender(server.port) as sender:
                assert sender.echo() == 0
                assert sender.store(objects.image(number), objects.uid_of(number)).status == 0
        assert time.monotonic() - begin < 10 * AT_ONCE
        assert not [
            each for each in server.events if each["event"] in ("failed", "aborted", "not_dicom")
        ]  # still there
    assert len(list(tmp_path.glob("*.dcm"))) == 10
    assert list(tmp_path.glob(".dcmnet-*.part")) == []


@pytest.mark.parametrize(("option", "number"), [("-od", signal.SIGINT), ("--archive", signal.SIGTERM)])
def test_stopped_under_load(listener: StartListener, tmp_path: Path, option: str, number: int) -> None:
    """What was acknowledged is there, what is there was counted, and an archive has it in its index."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    server = listener(option, str(folder), "--grace", "0.3")
    acknowledged: set[str] = set()

    def send(first: int) -> None:
        try:
            with Sender(server.port) as sender:
                for each in range(first, first + 100_000):
                    if sender.store(objects.image(each, 50_000), objects.uid_of(each)).status == 0:
                        acknowledged.add(objects.uid_of(each))
        except (DcmnetError, OSError):
            pass

    threads = [threading.Thread(target=send, args=(1_000_000 * number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(acknowledged) > 40, "objects acknowledged")
    server.process.signal(number)
    assert server.process.wait() == 1  # associations had to be cut off
    for thread in threads:
        thread.join(10.0)
    stopped = server.events[-1]
    assert (stopped["event"], stopped["cut_off"]) == ("stopped", True)
    names = {path.name for path in folder.glob("*.dcm")}
    assert {f"{uid}.dcm" for uid in acknowledged} <= names
    assert stopped["stored"] == len(names)
    assert list(folder.glob(".dcmnet-*.part")) == []
    if option == "--archive":
        assert indexed(folder) == names
