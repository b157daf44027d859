"""The option families of ``dcmnet move`` and ``dcmnet get`` that are about retrieving, not about keys or storage."""

from typing import TYPE_CHECKING, Annotated, NamedTuple

from dcmnet_cli.cli.checks import check_port, check_priority, check_seconds, check_title, exclude
from dcmnet_cli.cli.options import flag, known_default, value
from dcmnet_cli.core import uids
from dcmnet_cli.errors import UsageError

if TYPE_CHECKING:
    from dcmnet_cli.ops.stop import Stop

RETRIEVE = "Retrieving"
DESTINATION = "Destination"
PROPOSAL = "Proposed for the request itself"


class RetrieveOptions(NamedTuple):
    """What ``move`` and ``get`` share."""

    missing: Annotated[
        bool, flag("--missing", panel=RETRIEVE, text="only what is not in the folder yet, by SOP Instance UID")
    ] = False
    no_find: Annotated[
        bool,
        flag("--no-find", panel=RETRIEVE, text="send no C-FIND first: unique keys alone, nothing to compare"),
    ] = False
    cancel: Annotated[
        int, value("--cancel", metavar="N", panel=RETRIEVE, text="ask the peer to stop after N pending responses")
    ] = 0
    repeat: Annotated[int, value("--repeat", metavar="N", panel=RETRIEVE, text="ask for everything N times")] = 1
    priority: Annotated[
        str,
        value(
            "--priority",
            metavar="LEVEL",
            panel=RETRIEVE,
            text="low, medium (default) or high",
            choices=lambda: ("low", "medium", "high"),
        ),
    ] = "medium"
    abort: Annotated[bool, flag("--abort", panel=RETRIEVE, text="end with an A-ABORT instead of a release")] = False

    def stop(self) -> "Stop":
        """When to stop. Raises UsageError."""
        from dcmnet_cli.ops.stop import Stop

        if self.cancel < 0 or self.repeat < 1:
            raise UsageError("--cancel takes a number of responses, --repeat 1 or more")
        return Stop(self.cancel)

    def level(self) -> int:
        """The priority as a number. Raises UsageError."""
        return check_priority(self.priority)


class RequestSyntaxOptions(NamedTuple):
    """DCMTK's ``-x?``: the transfer syntaxes of the request itself."""

    request_uncompressed: Annotated[bool, known_default("-x=", "--propose-uncompr")] = False
    little: Annotated[bool, flag("-xe", "--propose-little", panel=PROPOSAL, text="explicit little endian first")] = (
        False
    )
    deflated: Annotated[
        bool, flag("-xd", "--propose-deflated", panel=PROPOSAL, text="deflated explicit little endian first")
    ] = False
    request_implicit: Annotated[
        bool, flag("-xi", "--propose-implicit", panel=PROPOSAL, text="implicit little endian only")
    ] = False

    def syntaxes(self) -> tuple[str, ...]:
        """What to propose. Raises UsageError for two of them."""
        given = exclude(
            ("-x=", self.request_uncompressed),
            ("-xe", self.little),
            ("-xd", self.deflated),
            ("-xi", self.request_implicit),
        )
        explicit, implicit = uids.EXPLICIT_VR_LITTLE_ENDIAN, uids.IMPLICIT_VR_LITTLE_ENDIAN
        deflated = (uids.DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN, explicit, implicit)
        return {"-xi": (implicit,), "-xd": deflated}.get(given, (explicit, implicit))


class DestinationOptions(NamedTuple):
    """Where a C-MOVE sends to."""

    destination: Annotated[
        str | None,
        value("-aem", "--move", metavar="AE", panel=DESTINATION, text="the AE title to send to; default our own"),
    ] = None
    here: Annotated[
        str | None,
        value("--here", metavar="FOLDER", panel=DESTINATION, text="listen while it lasts, and store here; as -od"),
    ] = None
    port: Annotated[
        str | None,
        value("+P", "--port", metavar="PORT", panel=DESTINATION, text="listen here; default 11112, 0 for any free one"),
    ] = None
    no_port: Annotated[bool, flag("--no-port", panel=DESTINATION, hidden=True)] = False
    bind: Annotated[
        str | None, value("--bind", metavar="ADDRESS", panel=DESTINATION, text="listen on this address; default all")
    ] = None
    grace: Annotated[
        float,
        value("--grace", metavar="SECONDS", panel=DESTINATION, text="wait so long for stragglers; default 10"),
    ] = 10.0
    plain_here: Annotated[
        bool, flag("--plain-here", panel=DESTINATION, text="listen without TLS, though the request goes with +tls")
    ] = False
    verify_if_sent: Annotated[
        bool, flag("-vc", "--verify-peer-cert", panel=DESTINATION, text="verify a sender's certificate if it has one")
    ] = False
    expect_sni: Annotated[
        str | None,
        value("--expect-sni", metavar="NAME", panel=DESTINATION, text="refuse senders that ask for another name"),
    ] = None
    pending_ignore: Annotated[bool, flag("-pi", "--pending-ignore", panel=DESTINATION, hidden=True)] = False
    pending_read: Annotated[bool, flag("-pr", "--pending-read", panel=DESTINATION, hidden=True)] = False

    def check(self) -> None:
        """Raises UsageError for what cannot be meant."""
        if self.destination is not None:
            check_title("-aem", self.destination)
        check_seconds("--grace", self.grace, zero_is_no_limit=True)
        if self.no_port and self.port is not None:
            raise UsageError("--no-port contradicts +P")

    def listens_on(self, preset: int | None) -> int:
        """The port, 0 for any free one. Raises UsageError."""
        from dcmnet_cli.ops.retrieving.move import DEFAULT_PORT

        if self.port is None:
            return preset or DEFAULT_PORT
        return 0 if self.port == "0" else check_port("+P", self.port)
