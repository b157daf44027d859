"""A TCP connection with time limits on both directions, and the ways to get one.

Sockets never block here: a call tries first and waits with ``poll`` only when the kernel has nothing to give or no
room to take, so that a bulk transfer costs one system call for each buffer. ``poll`` rather than ``select``, which
fails beyond 1,024 open files.
"""

import errno
import math
import os
import select
import socket
import struct
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeAlias

from dcmnet_cli.core.steps import OnStep, Step
from dcmnet_cli.errors import ConnectionLost, ResolveError
from dcmnet_cli.net.listener import listen as listen
from dcmnet_cli.net.race import Race, connect_error
from dcmnet_cli.net.resolve import format_address
from dcmnet_cli.net.resolve import resolve as resolve

Buffer: TypeAlias = bytes | bytearray | memoryview

# What a peer must take within one write timeout if there is more than that to send. A limit on the whole write
# would forbid 4 GiB over a slow line, and any progress at all would let a peer that reads a byte now and then hold
# us for ever; this asks for about 1 KiB a second at the usual 60 s.
MINIMUM_PROGRESS = 64 * 1024

_IOV_MAX = max(16, min(1024, os.sysconf("SC_IOV_MAX")))
_HUNG_UP = select.POLLHUP | select.POLLERR | select.POLLNVAL | getattr(select, "POLLRDHUP", 0)
_QUICK_ACK = getattr(socket, "TCP_QUICKACK", None)

# Seconds of silence before the first probe, between probes, and how many may be lost. Firewalls forget idle
# connections after some minutes, so the first probe leaves well before.
_KEEP_ALIVE = (("TCP_KEEPIDLE", 60), ("TCP_KEEPALIVE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 8))

_HOW = {
    errno.ECONNRESET: ("reset", "was reset by the peer"),
    errno.EPIPE: ("closed", "was closed by the peer while we were sending"),
    errno.ETIMEDOUT: ("unanswered", "is dead: the peer's system no longer acknowledges"),
    errno.EHOSTUNREACH: ("unreachable", "is dead: no route to the host any more"),
    errno.ENETUNREACH: ("unreachable", "is dead: the network is unreachable"),
    errno.ENETDOWN: ("unreachable", "is dead: the network is down"),
    errno.EBADF: ("closed_here", "was closed by this program"),
}


class Transport:
    """A connected TCP socket. ``local`` and ``remote`` are ``addr:port``, an IPv6 address in brackets.

    Takes the socket over, accepted ones too, and makes it non-blocking. One thread may read while another writes.
    """

    def __init__(self, sock: socket.socket, remote: str = "") -> None:
        self.sock = sock
        sock.setblocking(False)
        self.local = _name(sock.getsockname)
        # An accepted peer may be gone by now, and then only the caller knows its address.
        self.remote = remote or _name(sock.getpeername)
        self._is_tcp = sock.family in (socket.AF_INET, socket.AF_INET6)
        if self._is_tcp:
            _tune(sock)
        self._readable = select.poll()
        self._readable.register(sock, select.POLLIN)
        self._writable = select.poll()
        self._writable.register(sock, select.POLLOUT)

    def recv_into(self, view: memoryview, timeout: float | None, *, quick_ack: bool = False) -> int:
        """Read what has arrived, at most the whole of ``view``; 0 means that the peer has closed its side.

        Waits up to ``timeout`` seconds, for ever with None, and raises TimeoutError when nothing came, ConnectionLost
        when the connection broke. ``quick_ack`` applies :meth:`quick_ack` if, and only if, the call has to wait.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            try:
                return self.sock.recv_into(view)
            except BlockingIOError:
                pass
            except OSError as error:
                raise self._lost(error) from error
            if quick_ack:
                self.quick_ack()
            if not _wait(self._readable, deadline):
                raise TimeoutError(f"nothing came from {self.remote} within {timeout:g} s")

    def write_buffers(self, buffers: Sequence[Buffer], timeout: float) -> None:
        """Send all of ``buffers``, in order, in as few system calls as the kernel takes, copying nothing.

        Buffers must count in bytes and stay unchanged until the call returns. Raises TimeoutError when the peer takes
        less than ``MINIMUM_PROGRESS`` bytes (or what is left, if less) within ``timeout`` seconds, ConnectionLost when
        the connection broke. Either way the stream is then of no more use, but what the peer sent before it went can
        still be read.
        """
        pending = list(buffers)
        start, taken = 0, 0
        deadline = time.monotonic() + timeout
        while start < len(pending):
            try:
                sent = self.sock.sendmsg(pending[start : start + _IOV_MAX] if start else pending[:_IOV_MAX])
            except BlockingIOError:
                if taken >= MINIMUM_PROGRESS:
                    deadline, taken = time.monotonic() + timeout, 0
                if not _wait(self._writable, deadline):
                    raise self._stalled(timeout) from None
                continue
            except OSError as error:
                raise self._lost(error) from error
            taken += sent
            while start < len(pending) and sent >= len(pending[start]):
                sent -= len(pending[start])
                start += 1
            if sent:
                pending[start] = memoryview(pending[start])[sent:]

    def quick_ack(self) -> None:
        """Have the kernel acknowledge at once what has arrived and what comes next, where it can (Linux).

        Peers that write a message in pieces with Nagle's algorithm on wait for that acknowledgement, 40 ms each
        time. The option wears off by itself and costs a system call: only before a read that is going to wait.
        """
        if _QUICK_ACK is not None and self._is_tcp:
            # A connection that broke refuses options; the read that follows says why in better words.
            with suppress(OSError):
                self.sock.setsockopt(socket.IPPROTO_TCP, _QUICK_ACK, 1)

    @property
    def is_closed_by_peer(self) -> bool:
        """Whether the peer has closed its side or the connection broke; bytes sent before that may still wait."""
        if self.sock.fileno() < 0:
            return True
        waiting = select.poll()
        waiting.register(self.sock, _HUNG_UP | select.POLLIN)
        state = sum(mask for _, mask in waiting.poll(0))
        if state & _HUNG_UP or not state:
            return bool(state)
        # Systems without POLLRDHUP report a closed side only as a read that yields nothing.
        try:
            return not self.sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def shutdown_write(self) -> None:
        """Tell the peer that nothing more will come; what it sends can still be read."""
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_WR)

    def interrupt_read(self) -> None:
        """Wake another thread that waits in a read: it sees the end of the stream, and can still write."""
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_RD)

    def interrupt(self) -> None:
        """End the connection under another thread that waits in a read or a write: that thread sees it closed."""
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)

    def close(self, *, abort: bool = False) -> None:
        """Close the socket; more than once does no harm. ``abort`` drops what was not sent and sends a reset."""
        if abort and self.sock.fileno() >= 0:
            with suppress(OSError):
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # After a reset some systems report it once more here; the descriptor is released all the same.
        with suppress(OSError):
            self.sock.close()

    def _lost(self, error: OSError) -> ConnectionLost:
        number = error.errno or 0
        how, words = _HOW.get(number, ("error", f"failed: {(error.strerror or str(error)).lower()}"))
        return ConnectionLost(f"connection to {self.remote} {words}", errno=number, how=how)

    def _stalled(self, timeout: float) -> TimeoutError:
        return TimeoutError(f"{self.remote} took hardly any of what we sent for {timeout:g} s")


def _wait(ready: select.poll, deadline: float | None) -> bool:
    """Wait for what ``ready`` watches; False once the deadline has passed. Signals are handled as they come."""
    if deadline is None:
        return bool(ready.poll())
    # Rounded up: a wait that ends a fraction early would only come back for another turn.
    return bool(ready.poll(max(0, math.ceil((deadline - time.monotonic()) * 1000))))


def _tune(sock: socket.socket) -> None:
    options = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    options += [
        (socket.IPPROTO_TCP, getattr(socket, name), value) for name, value in _KEEP_ALIVE if hasattr(socket, name)
    ]
    for level, option, value in options:
        # Some systems refuse options on a connection that the peer has already reset.
        with suppress(OSError):
            sock.setsockopt(level, option, value)


def _name(ask: Callable[[], object]) -> str:
    try:
        return format_address(ask())
    except OSError:
        return "unknown address"


def connect(
    host: str, port: int, *, family: str = "auto", timeout: float = 10.0, on_step: OnStep | None = None
) -> Transport:
    """Resolve ``host`` and return a connection to the first of its addresses that answers.

    ``timeout`` seconds cover everything, the name query too. Addresses are tried in the system's order, the next one
    as soon as one fails or has been silent for 0.3 s. ``on_step`` gets the rungs "resolve" and "TCP connect", the
    failed ones too. Raises ResolveError, or ConnectError that names every address and what became of it; its
    ``details["how"]`` is "refused", "timeout", "unreachable", "denied" or "error".
    """
    begin = time.monotonic()
    report = on_step or _ignore
    try:
        addresses = resolve(host, port, family, timeout)
    except ResolveError as error:
        report(Step("resolve", False, time.monotonic() - begin, error.message))
        raise
    resolved = time.monotonic()
    report(Step("resolve", True, resolved - begin, ", ".join(address.text for address in addresses)))
    race = Race(begin + timeout)
    sock = race.run(addresses)
    if sock is None:
        failure = connect_error(host, port, timeout, race.failures)
        report(Step("TCP connect", False, time.monotonic() - resolved, str(failure.details["reason"])))
        raise failure
    transport = Transport(sock)
    answered = f"open at {transport.remote}" if len(addresses) > 1 else "open"
    report(Step("TCP connect", True, time.monotonic() - resolved, f"{answered}, from {transport.local}"))
    return transport


def _ignore(step: Step) -> None:
    """Take a rung that nobody asked for."""
