"""Everything a requestor needs to know, merged: command line over environment over configuration over built-in.

Environment: ``DCMNET_CONFIG`` (the configuration file), ``DCMNET_AET`` (our own title), ``DCMNET_CALL`` (the title to
call where neither ``-aec`` nor the peer as it was named says one; a node's own title is part of its name).
"""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from dcmnet_cli.cli.checks import LONGEST_WAIT, check_title
from dcmnet_cli.cli.config import Configuration
from dcmnet_cli.cli.options import AssociationOptions, IdentityOptions, TimeoutOptions
from dcmnet_cli.cli.peer import Peer
from dcmnet_cli.errors import UsageError
from dcmnet_cli.ops.target import Target, Timeouts

if TYPE_CHECKING:
    from dcmnet_cli.cli.tls_options import TLSOptions

OWN_TITLE = "DCMNET"
ANY_TITLE = "ANY-SCP"
MAX_PDU = 131072


def resolve_settings(
    command: str,
    peer: Peer,
    configuration: Configuration,
    association: AssociationOptions,
    timeouts: TimeoutOptions,
    tls: "TLSOptions",
    identity: IdentityOptions = IdentityOptions(),  # noqa: B008 (immutable)
    environ: Mapping[str, str] = os.environ,
) -> Target:
    """Merge and check. Raises UsageError, and InputError for a file with a secret that cannot be read."""
    association.check()
    node = peer.node
    preset = configuration.defaults(command)
    charsets = (node.charset if node else None, preset.charset)
    return Target(
        host=peer.host,
        port=peer.port,
        called=_called(peer, association, environ),
        calling=own_title(command, association.local.aetitle, configuration, environ, node.calling if node else None),
        family=association.local.family,
        max_pdu=own_max_pdu(command, association.local.max_pdu, configuration, node.max_pdu if node else None),
        timeouts=merge_timeouts(preset.timeouts, node.timeouts if node else {}, timeouts.given()),
        tls=tls.settings(node.tls if node else None),
        identity=identity.identity(),
        charset=next((charset for charset in charsets if charset), None),
        quirks=node.quirks if node else (),
    )


def _called(peer: Peer, association: AssociationOptions, environ: Mapping[str, str]) -> str:
    if association.call and peer.called and association.call != peer.called:
        raise UsageError(f'-aec "{association.call}" contradicts "{peer.called}@"')
    named = association.call or peer.called or (peer.node.aet if peer.node else None)
    return named or _title_from(environ, "DCMNET_CALL") or ANY_TITLE


def own_title(
    command: str,
    typed: str | None,
    configuration: Configuration,
    environ: Mapping[str, str] = os.environ,
    towards_node: str | None = None,
) -> str:
    """Our own AE title, for requestor and acceptor. Raises UsageError."""
    if typed is not None:
        return check_title("-aet", typed)
    return _title_from(environ, "DCMNET_AET") or towards_node or configuration.defaults(command).aet or OWN_TITLE


def own_max_pdu(command: str, typed: int | None, configuration: Configuration, towards_node: int | None = None) -> int:
    """The longest PDU we take, for requestor and acceptor; 0 is no limit."""
    places = (typed, towards_node, configuration.defaults(command).max_pdu)
    return next((length for length in places if length is not None), MAX_PDU)


def merge_timeouts(*layers: Mapping[str, float]) -> Timeouts:
    """Timers over the built-in ones, later layers first in rank. A ``dimse`` or ``write`` of 0 becomes no limit."""
    merged: dict[str, float] = {}
    for layer in layers:
        merged.update(layer)
    timeouts = Timeouts(**merged)
    return timeouts._replace(dimse=timeouts.dimse or None, write=timeouts.write or LONGEST_WAIT)


def _title_from(environ: Mapping[str, str], variable: str) -> str:
    title = environ.get(variable, "")
    return check_title(variable, title) if title else ""
