"""Listening sockets, on both address families where the machine has them."""

import errno
import socket
from collections.abc import Sequence

from dcmnet_cli.errors import ListenError
from dcmnet_cli.net.resolve import Address, format_address, resolve


def listen(host: str | None, port: int, *, family: str = "auto", backlog: int = 1024) -> list[socket.socket]:
    """Return listening sockets, non-blocking and not inherited by child processes.

    Without ``host`` on every interface, IPv4 and IPv6 where the machine has them; with a name or address on all the
    addresses it stands for. Port 0 picks a free port, the same one for each. Raises ListenError, or ResolveError.
    """
    if host is None:
        addresses = [
            address
            for wildcard in ("0.0.0.0", "::")
            for address in resolve(wildcard, port)
            if family in ("auto", "4" if address.family == socket.AF_INET else "6")
        ]
    else:
        addresses = resolve(host, port, family)
    # The free port that the system picks for the first address may be taken at the second one.
    tries = 1 if port else _PORT_TRIES
    while True:
        tries -= 1
        try:
            return _bind_all(addresses, port, backlog)
        except ListenError as error:
            if not tries or error.details["errno"] != errno.EADDRINUSE:
                raise


_PORT_TRIES = 16
# What a machine says that lacks one of the address families.
_ABSENT = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT)


def _bind_all(addresses: Sequence[Address], port: int, backlog: int) -> list[socket.socket]:
    sockets: list[socket.socket] = []
    failed: tuple[Address, OSError] | None = None
    for address in addresses:
        try:
            sockets.append(_bind(address, sockets[0].getsockname()[1] if sockets else port, backlog))
        except OSError as error:
            failed = (address, error)
            if error.errno not in _ABSENT:
                sockets = _close_all(sockets)
                break
    if sockets or failed is None:
        return sockets
    raise _listen_error(*failed, port) from failed[1]


def _close_all(sockets: Sequence[socket.socket]) -> list[socket.socket]:
    for sock in sockets:
        sock.close()
    return []


def _bind(address: Address, port: int, backlog: int) -> socket.socket:
    sock = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if address.family == socket.AF_INET6:
            # Its own socket for each family: peers then show up as IPv4 addresses, not as mapped ones.
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((address.sockaddr[0], port, *address.sockaddr[2:]))
        sock.listen(backlog)
        sock.setblocking(False)
    except BaseException:
        sock.close()
        raise
    return sock


def _listen_error(address: Address, error: OSError, port: int) -> ListenError:
    number = error.errno or 0
    words, hint = _REASONS.get(number, ((error.strerror or str(error)).lower(), ""))
    return ListenError(
        f"cannot listen on {format_address((address.sockaddr[0], port))}: {words}",
        hints=(hint.format(port=port),) if hint else (),
        errno=number,
        port=port,
    )


_PRIVILEGED = (
    "not permitted",
    "ports below 1024 are for privileged programs: use 11112, or grant CAP_NET_BIND_SERVICE",
)
_REASONS = {
    errno.EADDRINUSE: ("the port is in use", "find out by whom: ss -ltnp 'sport = :{port}'"),
    errno.EACCES: _PRIVILEGED,
    errno.EPERM: _PRIVILEGED,
    errno.EADDRNOTAVAIL: (
        "no interface of this machine has this address",
        "leave the address out to listen on every interface, or use 127.0.0.1",
    ),
}
