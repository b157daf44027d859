"""The seven PDUs of the DICOM upper layer and their items, as records (PS3.8 9.3).

A record holds what a PDU says, free of padding. Text is ASCII; a byte beyond it becomes a lone surrogate
(``surrogateescape``), so that nothing a peer sent is lost and ``core.text.printable`` can show it.
"""

from typing import NamedTuple

from dcmnet_cli.core.uids import APPLICATION_CONTEXT

ACCEPTANCE = 0
USER_REJECTION = 1
PROVIDER_REJECTION = 2
ABSTRACT_SYNTAX_NOT_SUPPORTED = 3
TRANSFER_SYNTAXES_NOT_SUPPORTED = 4
"""Results of a presentation context (PS3.8 table 9-18)."""

NO_SOP_CLASSES: tuple[str, ...] = ()


class ProposedContext(NamedTuple):
    """Item 20: one abstract syntax and the transfer syntaxes offered for it. ``context_id`` is odd, 1 to 255."""

    context_id: int
    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...]


class ContextResult(NamedTuple):
    """Item 21: the acceptor's answer to one context. ``transfer_syntax`` means nothing unless ``result`` is 0."""

    context_id: int
    result: int
    transfer_syntax: str = ""


class AsynchronousOperationsWindow(NamedTuple):
    """Item 53, seen from the requestor; 0 is unlimited, 1 one operation at a time."""

    invoked: int
    performed: int


class RoleSelection(NamedTuple):
    """Item 54. Both roles describe the association requestor, in the answer too (PS3.7 D.3.3.4)."""

    sop_class_uid: str
    scu_role: bool
    scp_role: bool


class ExtendedNegotiation(NamedTuple):
    """Item 56; ``information`` is defined by the service class."""

    sop_class_uid: str
    information: bytes


class CommonExtendedNegotiation(NamedTuple):
    """Item 57, in a request only."""

    sop_class_uid: str
    service_class_uid: str
    related_general_sop_class_uids: tuple[str, ...] = NO_SOP_CLASSES
    version: int = 0


class UserIdentity(NamedTuple):
    """Item 58: type 1 user name, 2 with passcode, 3 Kerberos, 4 SAML, 5 JSON Web Token. Never to be logged."""

    identity_type: int
    primary: bytes
    secondary: bytes = b""
    positive_response_requested: bool = False

    def __repr__(self) -> str:
        return (
            f"UserIdentity(type {self.identity_type}, {len(self.primary)} + {len(self.secondary)} bytes withheld, "
            f"positive_response_requested={self.positive_response_requested})"
        )


class UserInformation(NamedTuple):
    """Item 50 with its sub-items. ``maximum_length`` 0 is no limit, None that the peer left it out.

    ``identity_response`` is item 59: None when absent, the server's answer (often empty) when present.
    """

    maximum_length: int | None = 0
    implementation_class_uid: str = ""
    asynchronous_window: AsynchronousOperationsWindow | None = None
    roles: tuple[RoleSelection, ...] = ()
    implementation_version_name: str = ""
    extended: tuple[ExtendedNegotiation, ...] = ()
    common_extended: tuple[CommonExtendedNegotiation, ...] = ()
    user_identity: UserIdentity | None = None
    identity_response: bytes | None = None


class AAssociateRQ(NamedTuple):
    """A-ASSOCIATE-RQ (PS3.8 9.3.2). ``fields`` are bytes 10 to 73 as received, for the echo in the answer."""

    called_ae_title: str
    calling_ae_title: str
    contexts: tuple[ProposedContext, ...]
    user_information: UserInformation
    application_context: str = APPLICATION_CONTEXT
    protocol_version: int = 1
    fields: bytes = b""


class AAssociateAC(NamedTuple):
    """A-ASSOCIATE-AC (PS3.8 9.3.3). ``fields`` are bytes 10 to 73: an echo of the request, never to be tested."""

    contexts: tuple[ContextResult, ...]
    user_information: UserInformation
    application_context: str = APPLICATION_CONTEXT
    protocol_version: int = 1
    fields: bytes = bytes(64)


class AAssociateRJ(NamedTuple):
    """A-ASSOCIATE-RJ (PS3.8 9.3.4)."""

    result: int
    source: int
    reason: int


class PDataTF(NamedTuple):
    """One PDV of a P-DATA-TF as it went by, without its fragment, whose length ``fragment_length`` is."""

    context_id: int
    control: int
    fragment_length: int


class AReleaseRQ(NamedTuple):
    """A-RELEASE-RQ (PS3.8 9.3.6)."""


class AReleaseRP(NamedTuple):
    """A-RELEASE-RP (PS3.8 9.3.7)."""


class AAbort(NamedTuple):
    """A-ABORT (PS3.8 9.3.8): source 0 service user, 2 service provider; the reason counts with source 2 only."""

    source: int
    reason: int


PDU = AAssociateRQ | AAssociateAC | AAssociateRJ | AReleaseRQ | AReleaseRP | AAbort
"""Every PDU but P-DATA-TF, which is never gathered into a record (see ``core.pdata``)."""

PDU_NAMES = {
    1: "A-ASSOCIATE-RQ",
    2: "A-ASSOCIATE-AC",
    3: "A-ASSOCIATE-RJ",
    4: "P-DATA-TF",
    5: "A-RELEASE-RQ",
    6: "A-RELEASE-RP",
    7: "A-ABORT",
}
