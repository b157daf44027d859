"""Conversations that end in the middle, stand still, or come by the hundred: nobody notices, and nothing is left."""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.hostile.bad_messages import MESSAGES
from tests.hostile.bad_requests import REQUESTS, TAKEN
from tests.hostile.conftest import Target
from tests.hostile.peers import (
    ABORT,
    PROPER,
    RELEASE_RQ,
    STORE,
    Usage,
    check_service,
    converse,
    ct_object,
    dimse,
    echo,
    fragments,
    heard,
    store,
    usage,
    words_of,
)
from tests.interop.running import wait_until
from tests.scripted import Peer, dial, p_data

WHOLE = PROPER + echo(1) + store(b"1.2.3.4", 2) + fragments(STORE, ct_object(), 64) + RELEASE_RQ
LATEST = 20.0
"""Seconds by which any connection is over: a second of silence, a second to hang up, and a busy machine."""


def closes(peer: Peer) -> None:
    peer.close()


def resets(peer: Peer) -> None:
    peer.reset()


def aborts(peer: Peer) -> None:
    with contextlib.suppress(OSError):
        peer.send(ABORT)
    peer.close()


def at_rest(target: Target) -> Usage:
    """What the listener holds once it has no connection any more."""
    pid = target.listener.process._popen.pid
    wait_until(lambda: usage(pid).threads == 1, "all connections end")
    return usage(pid)


@pytest.mark.parametrize("ending", [closes, resets, aborts])
def test_an_end_anywhere_leaves_whole_objects_or_none(storing: Target, ending: Callable[[Peer], None]) -> None:
    before = at_rest(storing)
    for cut in range(0, len(WHOLE), 11):
        with dial(storing.port) as peer:
            with contextlib.suppress(ConnectionError):
                peer.send(WHOLE[:cut])
            ending(peer)
    check_service(storing.listener, storing.folder)
    check_descriptors(storing, before)
    for path in every_file(storing.folder):
        assert path.name == "1.2.3.4.dcm"
        assert path.read_bytes().endswith(ct_object())
        path.unlink()


def check_descriptors(target: Target, before: Usage) -> None:
    """All are back but for one: a file is kept open for the next object, now and then."""
    assert at_rest(target).descriptors <= before.descriptors + 1


def every_file(folder: Path) -> list[Path]:
    """Hidden ones, too."""
    return [Path(place, name) for place, _, names in os.walk(folder) for name in names]


@pytest.mark.parametrize("kind", range(1, 9))
def test_what_comes_after_our_abort_changes_nothing(storing: Target, kind: int) -> None:
    """Sta13: dropped (AA-6), aborted once more (AA-7), or taken for the end (AA-2)."""
    with dial(storing.port) as peer:
        peer.send(PROPER)
        peer.pdu()
        peer.send(PROPER)
        assert peer.pdu()[0] == 7
        peer.send(bytes((kind, 0, 0, 0, 0, 4, 0, 0, 0, 0)) if kind != 4 else echo())
        assert peer.rest()[:1] in (b"", b"\7")


# --- who does not go on -----------------------------------------------------------------------------------------------


def stopping_after(data: bytes, *, accepted: bool = False) -> Callable[[Peer], list[str]]:
    """Say this much, then wait for the other side; what it says in the end."""

    def scene(peer: Peer) -> list[str]:
        if accepted:
            peer.send(PROPER)
            peer.pdu()
        peer.send(data)
        return heard(peer)

    return scene


def dripping(data: bytes, *, accepted: bool = False) -> Callable[[Peer], list[str]]:
    """Five bytes a second, of a message that will take minutes."""

    def scene(peer: Peer) -> list[str]:
        if accepted:
            peer.send(PROPER)
            peer.pdu()
        peer.sock.settimeout(0.2)
        for byte in data:
            try:
                peer.send(bytes((byte,)))
                if not peer.sock.recv(1, socket.MSG_PEEK):
                    break
            except TimeoutError:
                continue
            except ConnectionError:
                return ["closed"]
            break
        return heard(peer)

    return scene


def staying(data: bytes) -> Callable[[Peer], list[str]]:
    """Ask for the end, and then keep the connection open: the other side hangs up."""

    def scene(peer: Peer) -> list[str]:
        peer.send(data)
        said = [words_of(peer.pdu())]
        assert peer.rest() == b""
        return said

    return scene


def deaf(peer: Peer) -> list[str]:
    """Ask on and on, and never read an answer."""
    peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    peer.send(PROPER)
    long_answer = p_data(1, 3, dimse(0x30, 1, b"1." * 30_000))
    with contextlib.suppress(OSError):
        for _ in range(1000):
            peer.send(long_answer)
    return ["closed"]


def empty_fragments(peer: Peer) -> list[str]:
    """A data set that consists of nothing, without end."""
    peer.send(PROPER)
    peer.pdu()
    peer.send(store())
    end = time.monotonic() + LATEST
    while time.monotonic() < end:
        try:
            peer.send(p_data(STORE, 0, b"") * 500)
            peer.sock.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK)
        except BlockingIOError:
            continue
        except ConnectionError:
            return ["closed"]
        break
    return heard(peer)


STANDSTILLS: Sequence[tuple[str, Callable[[Peer], list[str]], str]] = (
    ("silence", stopping_after(b""), "closed"),
    ("one byte", stopping_after(PROPER[:1]), "closed"),
    ("half a header", stopping_after(PROPER[:4]), "closed"),
    ("half a request", stopping_after(PROPER[:100]), "closed"),
    ("a request that never ends", stopping_after(b"\1\0\0\0\xff\xff" + PROPER[6:]), "closed"),
    ("a request in drops", dripping(PROPER), "closed"),
    ("an association at rest", stopping_after(b"", accepted=True), "abort 0 0"),
    ("half a PDU", stopping_after(echo()[:5], accepted=True), "abort 0 0"),
    ("half a command", stopping_after(p_data(1, 1, echo()[12:40]), accepted=True), "abort 0 0"),
    ("a command without its data set", stopping_after(store(), accepted=True), "abort 0 0"),
    ("half a data set", stopping_after(store() + p_data(STORE, 0, bytes(99)), accepted=True), "abort 0 0"),
    ("half a PDV", stopping_after(store() + p_data(STORE, 0, bytes(999))[:500], accepted=True), "abort 0 0"),
    ("a data set in drops", dripping(store() + p_data(STORE, 0, bytes(9999)), accepted=True), "abort 0 0"),
    ("a header in drops", dripping(echo() * 9, accepted=True), "abort 0 0"),
    ("empty fragments", empty_fragments, "abort 0 0"),
    ("a requestor that reads nothing", deaf, "closed"),
    ("an aborted one that stays", staying(b"GET / HTTP/1.1\r\n\r\n"), "abort 0 0"),
    ("a rejected one that stays", staying(PROPER[:7] + b"\2" + PROPER[8:]), "reject 1 2 2"),
)


def test_who_does_not_go_on_is_shown_out_while_others_are_served(storing: Target) -> None:
    before = at_rest(storing)
    said: dict[str, str] = {}

    def act(name: str, scene: Callable[[Peer], list[str]]) -> None:
        with dial(storing.port) as peer:
            peer.sock.settimeout(LATEST)
            said[name] = ", ".join(scene(peer))

    threads = [threading.Thread(target=act, args=case[:2], daemon=True) for case in STANDSTILLS]
    for thread in threads:
        thread.start()
    check_service(storing.listener, storing.folder)
    for thread in threads:
        thread.join(LATEST)
    said["empty fragments"] = said["empty fragments"].replace("closed", "abort 0 0")  # a reset may overtake it
    assert said == {name: answer for name, _, answer in STANDSTILLS}
    check_descriptors(storing, before)
    assert not every_file(storing.folder)


@pytest.mark.parametrize("beginning", [b"", PROPER[:3], PROPER[:80]], ids=["silent", "half a header", "half a request"])
def test_a_flood_of_connections_locks_nobody_out(storing: Target, beginning: bytes) -> None:
    before = at_rest(storing)
    with contextlib.ExitStack() as stack:
        for _ in range(250):
            with contextlib.suppress(ConnectionError):
                stack.enter_context(dial(storing.port)).send(beginning)
        check_service(storing.listener, storing.folder)
    check_service(storing.listener, storing.folder)
    check_descriptors(storing, before)


# --- two thousand of them ---------------------------------------------------------------------------------------------


def test_two_thousand_rounds_leave_nothing_behind(storing: Target) -> None:
    """The table again and again; a first time through it fills what is filled once.

    What an allocator keeps for the threads to come levels out at some 20 MB; a buffer lost with each would be more.
    """
    small = 1 << 15
    rounds = [
        (b"", bad.sent + (RELEASE_RQ if bad.answer == TAKEN else b"")) for bad in REQUESTS if len(bad.sent) < small
    ]
    rounds += [(PROPER, bad.sent + RELEASE_RQ) for bad in MESSAGES if len(bad.sent) < small]
    for first, sent in rounds:
        converse(storing.port, sent, first=first)
    before = at_rest(storing)
    for number in range(2000):
        first, sent = rounds[number % len(rounds)]
        converse(storing.port, sent, first=first)
    check_service(storing.listener, storing.folder)
    after = at_rest(storing)
    assert after.descriptors <= before.descriptors + 1
    assert after.memory - before.memory < 24 << 10, "KiB"
    for path in every_file(storing.folder):
        path.unlink()
