"""Whom a requestor's operation talks to, and how: everything the command line and the configuration decide."""

from typing import TYPE_CHECKING, NamedTuple

from dcmnet_cli.core.association import Timers
from dcmnet_cli.ops.results import PeerFacts

if TYPE_CHECKING:
    from dcmnet_cli.core.pdu import UserIdentity
    from dcmnet_cli.net.tls_settings import TLSSettings


class Timeouts(NamedTuple):
    """Seconds. ``dimse`` is the longest silence while a message is awaited; None there is no limit."""

    connect: float = 10.0
    acse: float = 30.0
    dimse: float | None = 60.0
    release: float = 10.0
    write: float = 60.0

    def timers(self) -> Timers:
        """Those that the protocol core keeps."""
        return Timers(acse=self.acse, dimse=self.dimse, release=self.release)


class Target(NamedTuple):
    """A peer and the terms to meet it on. ``family`` is "auto", "4" or "6"; ``tls`` None is plain TCP; ``max_pdu`` is
    the longest PDU we take, 0 for no limit; ``charset`` what to assume where a peer declares none.
    """

    host: str
    port: int
    called: str = "ANY-SCP"
    calling: str = "DCMNET"
    family: str = "auto"
    max_pdu: int = 131072
    timeouts: Timeouts = Timeouts()
    tls: "TLSSettings | None" = None
    identity: "UserIdentity | None" = None
    charset: str | None = None
    quirks: tuple[str, ...] = ()

    @property
    def facts(self) -> PeerFacts:
        return PeerFacts(self.host, self.port, self.called, self.calling)
