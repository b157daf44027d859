"""What happens on associations, told to whoever wants to know: the ladder, ``-v``, ``-d``, logs, a user's own code."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dcmnet_cli.core.events import Trace
from dcmnet_cli.core.negotiation import Negotiated
from dcmnet_cli.core.pdu import AAssociateRQ

if TYPE_CHECKING:
    from dcmnet_cli.net.association import Association


class Observer:
    """Override what is of interest. Calls come from the association's own thread, in order; they must not block.

    Text from the peer arrives as it was sent: pass it through ``core.text.printable`` before showing it.
    """

    def requested(self, association: "Association", request: AAssociateRQ) -> None:
        """An association request was sent, or has arrived."""

    def accepted(self, association: "Association", negotiated: Negotiated) -> None:
        """The association is established; ``negotiated.outcomes`` has the result of every context."""

    def rejected(self, association: "Association", result: int, source: int, reason: int) -> None:
        """The request was rejected, by the peer or by us (PS3.8 9.3.4)."""

    def released(self, association: "Association") -> None:
        """The association ended in good order."""

    def aborted(self, association: "Association", source: int, reason: int, by_peer: bool) -> None:
        """The association ended with an A-ABORT (PS3.8 9.3.8)."""

    def lost(self, association: "Association", what: str) -> None:
        """The connection ended without release or abort; ``what`` says how, in words."""

    def noted(self, association: "Association", note: str) -> None:
        """Something the standard forbids was tolerated."""

    def traced(self, association: "Association", trace: Trace) -> None:
        """A PDU, a PDV or a DIMSE message went by. Overriding this costs time on every one of them."""


def watches_traffic(observers: Sequence[Observer]) -> bool:
    """Whether any of them overrides ``traced``."""
    return any(type(observer).traced is not Observer.traced for observer in observers)
