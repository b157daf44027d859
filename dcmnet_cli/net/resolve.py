"""From a host name to addresses, within a time limit."""

import socket
import time
from typing import NamedTuple

from dcmnet_cli.core.text import printable, quoted
from dcmnet_cli.errors import ResolveError, UsageError

FAMILIES = {"auto": socket.AF_UNSPEC, "4": socket.AF_INET, "6": socket.AF_INET6}
_FAMILY_NAMES = {"4": "IPv4", "6": "IPv6"}

# What getaddrinfo says of a name that exists nowhere, or not with the family asked for. Two of them are
# missing on some systems.
_NOT_FOUND = {
    getattr(socket, name)
    for name in ("EAI_NONAME", "EAI_NODATA", "EAI_ADDRFAMILY", "EAI_FAMILY")
    if hasattr(socket, name)
}


class Address(NamedTuple):
    """One address of a host: ``sockaddr`` is what the socket functions take, ``text`` what a person reads."""

    family: socket.AddressFamily
    sockaddr: tuple[str, int] | tuple[str, int, int, int]

    @property
    def text(self) -> str:
        """The address without its port."""
        return printable(self.sockaddr[0])


def format_address(sockaddr: object) -> str:
    """Return ``addr:port``, an IPv6 address in brackets; what is no internet address comes back as plain text."""
    if not isinstance(sockaddr, tuple):
        return printable(str(sockaddr)) or "local socket"
    host = printable(sockaddr[0])
    return f"[{host}]:{sockaddr[1]}" if ":" in host else f"{host}:{sockaddr[1]}"


def resolve(host: str, port: int, family: str = "auto", timeout: float = 10.0) -> list[Address]:
    """Return the addresses of ``host`` in the order in which the system wants them tried.

    ``family`` is "auto", "4" or "6". Addresses written in digits cost no query. Raises ResolveError, whose
    ``details["how"]`` is "unknown", "resolver" (no name server answered), "family" (only addresses of the other
    family), "timeout" or "invalid".
    """
    if family not in FAMILIES:
        raise UsageError(f'address family {quoted(family)} is none of "auto", "4", "6"')
    numeric = _numeric(host, port)
    if numeric is not None:
        return _of_family(numeric, host, family)
    deadline = time.monotonic() + timeout
    try:
        return _query(host, port, FAMILIES[family], deadline, timeout)
    except ResolveError as error:
        if family == "auto" or error.details["how"] != "unknown":
            raise
        # A name that has only addresses of the other family is reported as if it did not exist.
        return _of_family(_query(host, port, socket.AF_UNSPEC, deadline, timeout), host, family)


def _numeric(host: str, port: int) -> list[Address] | None:
    try:
        return _lookup(host, port, socket.AF_UNSPEC, socket.AI_NUMERICHOST)
    except (OSError, ValueError):
        return None


def _lookup(host: str, port: int, family: socket.AddressFamily, flags: int = 0) -> list[Address]:
    # As bytes an ASCII name spares the IDNA codec, whose tables take a millisecond or two to load.
    name = host.encode("ascii") if host.isascii() else host
    found = socket.getaddrinfo(name, port, family, socket.SOCK_STREAM, 0, flags)
    addresses = [
        Address(entry[0], entry[4])  # type: ignore[arg-type]
        for entry in found
        if entry[0] in (socket.AF_INET, socket.AF_INET6)
    ]
    return list(dict.fromkeys(addresses))


def _of_family(addresses: list[Address], host: str, family: str) -> list[Address]:
    if family == "auto":
        return addresses
    wanted = [address for address in addresses if address.family == FAMILIES[family]]
    if wanted:
        return wanted
    others = ", ".join(address.text for address in addresses)
    raise ResolveError(
        f"host {quoted(host)} has no {_FAMILY_NAMES[family]} address, only {others}",
        hints=(f"leave out the option that asks for {_FAMILY_NAMES[family]}",),
        host=host,
        how="family",
    )


def _query(host: str, port: int, family: socket.AddressFamily, deadline: float, timeout: float) -> list[Address]:
    """Ask the resolver in a thread, for getaddrinfo has no time limit of its own and may take half a minute."""
    import threading

    outcome: list[list[Address] | Exception] = []

    def ask() -> None:
        try:
            outcome.append(_lookup(host, port, family))
        except Exception as error:  # raised where it is waited for, not in this thread
            outcome.append(error)

    thread = threading.Thread(target=ask, name="resolve", daemon=True)
    thread.start()
    thread.join(max(0.0, deadline - time.monotonic()))
    if not outcome:
        raise ResolveError(
            f"the name service did not answer for host {quoted(host)} within {timeout:g} s",
            hints=_RESOLVER_HINTS,
            host=host,
            how="timeout",
        )
    if isinstance(outcome[0], Exception):
        raise _refusal(host, outcome[0]) from outcome[0]
    return outcome[0]


_RESOLVER_HINTS = (
    "check that this machine reaches its name server (VPN, network, resolver settings)",
    "use the peer's IP address instead of its name",
)


def _refusal(host: str, error: Exception) -> ResolveError:
    if isinstance(error, ValueError):
        return ResolveError(f"{quoted(host)} cannot be a host name", host=host, how="invalid")
    if isinstance(error, socket.gaierror) and error.errno in _NOT_FOUND:
        return ResolveError(
            f"host {quoted(host)} is unknown",
            hints=(
                "check the spelling",
                "write the name with its domain, as in pacs.example.org",
                "use the peer's IP address instead of its name",
            ),
            host=host,
            how="unknown",
        )
    words = getattr(error, "strerror", None) or type(error).__name__
    return ResolveError(
        f"the name service failed for host {quoted(host)}: {printable(str(words)).lower()}",
        hints=_RESOLVER_HINTS,
        host=host,
        how="resolver",
    )
