"""The first of several addresses that answers, and what became of the others."""

import errno
import math
import os
import select
import socket
import time
from collections.abc import Sequence

from dcmnet_cli.errors import ConnectError
from dcmnet_cli.net.resolve import Address, format_address

# Seconds that an address gets to itself before the next one is tried beside it: a dead first address, often IPv6,
# then costs this and not half of the connect timeout (as in RFC 8305, section 5).
_STAGGER = 0.3

_REASONS = {
    errno.ECONNREFUSED: ("refused", "connection refused"),
    errno.ETIMEDOUT: ("timeout", "no answer"),
    errno.ENETUNREACH: ("unreachable", "network unreachable"),
    errno.EHOSTUNREACH: ("unreachable", "no route to host"),
    errno.ECONNRESET: ("refused", "connection reset at once"),
    errno.EACCES: ("denied", "not permitted by this machine"),
    errno.EPERM: ("denied", "not permitted by this machine"),
    errno.EADDRNOTAVAIL: ("unreachable", "this machine has no address or port to use for it"),
    errno.EAFNOSUPPORT: ("unreachable", "this machine does not have this address family"),
}


class Race:
    """One attempt to connect to any of the addresses of a host, until ``deadline`` of the monotonic clock.

    ``failures`` holds each address that lost, with its errno.
    """

    def __init__(self, deadline: float) -> None:
        self.failures: list[tuple[Address, int]] = []
        self._deadline = deadline
        self._open: dict[int, tuple[socket.socket, Address]] = {}
        self._poll = select.poll()

    def run(self, addresses: Sequence[Address]) -> socket.socket | None:
        """Return the connected socket, non-blocking; None when there is none left to wait for."""
        waiting = list(addresses)
        next_start = 0.0
        try:
            while waiting or self._open:
                now = time.monotonic()
                if now >= self._deadline:
                    break
                if waiting and (now >= next_start or not self._open):
                    self._start(waiting.pop(0))
                    next_start = now + _STAGGER
                winner = self._harvest(min(self._deadline, next_start) if waiting else self._deadline)
                if winner is not None:
                    return winner
            untried = [(address, errno.ETIMEDOUT) for _, address in self._open.values()]
            self.failures += untried + [(address, errno.ETIMEDOUT) for address in waiting]
            return None
        finally:
            for sock, _ in self._open.values():
                sock.close()

    def _start(self, address: Address) -> None:
        try:
            sock = socket.socket(address.family, socket.SOCK_STREAM)
        except OSError as error:
            self.failures.append((address, error.errno or 0))
            return
        sock.setblocking(False)
        number = sock.connect_ex(address.sockaddr)
        if number not in (0, errno.EINPROGRESS):
            sock.close()
            self.failures.append((address, number))
            return
        self._open[sock.fileno()] = (sock, address)
        self._poll.register(sock, select.POLLOUT)

    def _harvest(self, deadline: float) -> socket.socket | None:
        if not self._open:
            return None
        wait = max(0, math.ceil((deadline - time.monotonic()) * 1000))
        for descriptor, _ in self._poll.poll(wait):
            sock, address = self._open.pop(descriptor)
            self._poll.unregister(descriptor)
            number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if not number and not _is_self_connected(sock):
                return sock
            sock.close()
            self.failures.append((address, number or errno.ECONNREFUSED))
        return None


def _is_self_connected(sock: socket.socket) -> bool:
    # On the loopback interface a free port among the ephemeral ones may be given to the caller itself, which
    # then meets its own SYN and counts as connected.
    try:
        return bool(sock.getsockname() == sock.getpeername())
    except OSError:
        return False


def connect_error(host: str, port: int, timeout: float, failures: Sequence[tuple[Address, int]]) -> ConnectError:
    """Return the error that names every address tried and what each of them said."""
    attempts: list[tuple[str, str]] = []
    kinds: list[str] = []
    for address, number in failures:
        how, words = _REASONS.get(number, ("error", os.strerror(number).lower()))
        kinds.append(how)
        attempts.append((address.text, f"{words} within {timeout:g} s" if how == "timeout" else words))
    # A refusal proves that the host is up, so it says most about what to mend.
    how = min(kinds, key=("refused", "denied", "timeout", "unreachable", "error").index, default="error")
    is_literal = len(attempts) == 1 and attempts[0][0] == host
    words = "; ".join(reason if is_literal else f"{text}: {reason}" for text, reason in attempts)
    target = format_address((host, port))
    return ConnectError(
        f"cannot connect to {target}: {words}",
        hints=tuple(hint.format(port=port) for hint in _CONNECT_HINTS.get(how, ())),
        attempts=attempts,
        how=how,
        reason=words,
        seconds=timeout,
    )


_CONNECT_HINTS = {
    "refused": (
        "the host is up but nothing listens on port {port}: check the port number",
        "check that the DICOM service there is running",
        "a firewall can also refuse in the host's name",
    ),
    "timeout": (
        "check the address: the host may be off or elsewhere",
        "ask whether a firewall on the way lets port {port} through from this machine",
    ),
    "unreachable": ("check this machine's network: cable, VPN, route to the peer's network",),
    "denied": ("a firewall or security policy of this machine forbids the connection to port {port}",),
}
