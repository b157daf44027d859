"""The peer as people write it: ``HOST PORT``, ``HOST:PORT``, ``AET@HOST:PORT``, ``[v6]:PORT`` or a node's name."""

import re
from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple

import typer

from dcmnet_cli.cli.checks import check_port, check_title
from dcmnet_cli.cli.config import Configuration, Node
from dcmnet_cli.cli.spelling import did_you_mean
from dcmnet_cli.core.text import quoted
from dcmnet_cli.errors import UsageError

FORMS = "HOST PORT, HOST:PORT, AET@HOST:PORT, [IPv6]:PORT or a node's name"
_BRACKETED = re.compile(r"\[([^][]*)\](:(.*))?", re.DOTALL)
_IPV6 = re.compile(r"[0-9A-Fa-f:.]+(%[\w.-]+)?")
_HOST = re.compile(r"[^\s:/\\@\[\]\x00-\x20]+")


def _words(*others: tuple[str, str]) -> Any:
    """The peer and what stands behind it, as pairs of a name for the usage and a line of help each."""
    names, texts = zip(("PEER", FORMS), *others, strict=True)
    return typer.Argument(metavar=" ".join(names), help="\n".join(texts), show_default=False)


# Optional for Typer: an option such as +vc does its work without a peer, so ``take_peer`` misses it instead.
PeerWords = Annotated[list[str] | None, _words()]
PeerAndFiles = Annotated[
    list[str] | None,
    _words(("[PATH...]", "files, folders, DICOMDIRs, zip and tar archives; they may come from --from instead")),
]
PeerAndQueries = Annotated[
    list[str] | None,
    _words(("[FILE...]", "query files, DICOM or DICOM JSON, whose attributes are keys; -k goes before them")),
]
PeerAndQuery = Annotated[
    list[str] | None,
    _words(("[FILE]", "a query file, DICOM or DICOM JSON, whose attributes are keys; -k goes before them")),
]


class Peer(NamedTuple):
    """A peer as it was named. ``called`` is empty when no title was given with it; ``node`` is what the
    configuration says about it, None for an address.
    """

    host: str
    port: int
    called: str = ""
    node: Node | None = None


def only_peer(words: Sequence[str] | None, configuration: Configuration) -> Peer:
    """The peer of a command that takes nothing else. Raises UsageError."""
    peer, rest = take_peer(words, configuration)
    if rest:
        raise UsageError(f"unexpected argument {quoted(rest[0])}")
    return peer


def take_peer(words: Sequence[str] | None, configuration: Configuration) -> tuple[Peer, list[str]]:
    """The peer that ``words`` begin with, and the words after it. Raises UsageError."""
    if not words:
        raise UsageError(f"PEER is missing: {FORMS}")
    word, rest = words[0], list(words[1:])
    title, at, address = word.rpartition("@")
    if at:
        check_title("peer", title)
    host, port = _split(address, has_port_word=bool(rest) and _is_number(rest[0]))
    node = configuration.nodes.get(address) if port is None else None
    if port is not None or node is not None:
        if rest and _is_number(rest[0]):
            raise UsageError(
                f"{quoted(word)} has its port already; leave out {rest[0]} (a file is given as ./{rest[0]})"
            )
        return _complete(title, host, port, node), rest
    if not rest:
        raise UsageError(_no_port(word, address, configuration))
    if not _is_number(rest[0]) and configuration.nodes:
        problem = f"{quoted(rest[0])} is not a port, and {quoted(address)} is no node in {configuration.place}"
        raise UsageError(problem + did_you_mean(address, configuration.nodes))
    return Peer(host, check_port("port", rest[0]), title), rest[1:]


def _complete(title: str, host: str, port: int | None, node: Node | None) -> Peer:
    if node is not None:
        return Peer(node.host, node.port, title, node)
    assert port is not None
    return Peer(host, port, title)


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdigit()


def _split(address: str, has_port_word: bool) -> tuple[str, int | None]:
    """Host and port of one word; None without a port. Raises UsageError for what cannot be an address."""
    bracketed = _BRACKETED.fullmatch(address)
    if bracketed:
        host, colon, port = bracketed.groups()
        if not _IPV6.fullmatch(host) or ":" not in host:
            raise UsageError(f"{quoted(address)}: between brackets stands an IPv6 address, as in [::1]:104")
        return host, check_port("port", port) if colon else None
    if address.count(":") > 1 and _IPV6.fullmatch(address):
        if has_port_word:
            return address, None
        raise UsageError(f"{quoted(address)}: an IPv6 address needs brackets before its port, as in [::1]:104")
    host, colon, port = address.partition(":")
    if not host:
        raise UsageError(f"{quoted(address)} has no host; give {FORMS}")
    if not _HOST.fullmatch(host) or "/" in port:
        raise UsageError(f"{quoted(address)} is not a host; give {FORMS}")
    return host, check_port("port", port) if colon else None


def _no_port(word: str, address: str, configuration: Configuration) -> str:
    near = did_you_mean(address, configuration.nodes)
    return f"{quoted(word)} has no port, and is no node in {configuration.place}{near or f'; give {FORMS}'}"
