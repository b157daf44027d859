"""Association negotiation as requestor and as acceptor, pure decisions (PS3.8 7.1.1, PS3.7 annex D)."""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from dcmnet_cli.core.pdu import (
    ABSTRACT_SYNTAX_NOT_SUPPORTED,
    ACCEPTANCE,
    TRANSFER_SYNTAXES_NOT_SUPPORTED,
    AAssociateAC,
    AAssociateRJ,
    AAssociateRQ,
    AsynchronousOperationsWindow,
    ContextResult,
    ExtendedNegotiation,
    ProposedContext,
    RoleSelection,
    UserInformation,
)
from dcmnet_cli.core.uids import (
    APPLICATION_CONTEXT,
    IMPLEMENTATION_CLASS_UID,
    IMPLEMENTATION_VERSION_NAME,
    IMPLICIT_VR_LITTLE_ENDIAN,
    is_valid_uid,
)
from dcmnet_cli.errors import LocalProtocolError, RemoteProtocolError

MAXIMUM_CONTEXTS = 128
DEFAULT_MAXIMUM_LENGTH = 131072


class AcceptedContext(NamedTuple):
    """A usable presentation context. The roles are the requestor's (PS3.7 D.3.3.4)."""

    context_id: int
    abstract_syntax: str
    transfer_syntax: str
    requestor_is_scu: bool = True
    requestor_is_scp: bool = False


class ContextOutcome(NamedTuple):
    """One proposed context and its answer; ``result`` is None where the acceptor gave none."""

    proposed: ProposedContext
    result: int | None
    transfer_syntax: str


class Negotiated(NamedTuple):
    """What an association agreed on. ``peer_maximum_length`` limits what we send; 0 is no limit."""

    contexts: Mapping[int, AcceptedContext]
    outcomes: tuple[ContextOutcome, ...]
    peer_maximum_length: int
    peer: UserInformation
    extended: Mapping[str, bytes]
    window: AsynchronousOperationsWindow

    def find(self, abstract_syntax: str, transfer_syntax: str = "") -> AcceptedContext | None:
        """The first context on which the requestor may act as SCU of a SOP class, of one transfer syntax if given."""
        for context in self.contexts.values():
            is_fit = context.abstract_syntax == abstract_syntax and context.requestor_is_scu
            if is_fit and transfer_syntax in ("", context.transfer_syntax):
                return context
        return None


def propose(syntaxes: Iterable[tuple[str, Iterable[str]]]) -> tuple[ProposedContext, ...]:
    """Contexts with ids 1, 3, 5 ... from (abstract syntax, transfer syntaxes). Raises LocalProtocolError over 128."""
    contexts = tuple(
        ProposedContext(2 * index + 1, abstract, tuple(transfer)) for index, (abstract, transfer) in enumerate(syntaxes)
    )
    if len(contexts) > MAXIMUM_CONTEXTS:
        raise LocalProtocolError(f"{len(contexts)} presentation contexts; an association carries {MAXIMUM_CONTEXTS}")
    return contexts


def own_information(maximum_length: int = DEFAULT_MAXIMUM_LENGTH) -> UserInformation:
    """Item 50 as we always send it: maximum length, implementation class UID and version name."""
    return UserInformation(
        maximum_length=maximum_length,
        implementation_class_uid=IMPLEMENTATION_CLASS_UID,
        implementation_version_name=IMPLEMENTATION_VERSION_NAME,
    )


# --- the requestor's side -------------------------------------------------------------------------------------


def conclude(request: AAssociateRQ, answer: AAssociateAC, notes: list[str]) -> Negotiated:
    """What the acceptor's answer makes of our request.

    A context or transfer syntax that was not proposed is not used. Raises RemoteProtocolError where the peer's
    maximum length leaves no room for data.
    """
    if answer.application_context != request.application_context:
        notes.append("the answer names another application context")
    return _agree(request, answer, answer.user_information, notes)


def _agree(request: AAssociateRQ, answer: AAssociateAC, peer: UserInformation, notes: list[str]) -> Negotiated:
    """The same for both sides, but for who the peer is."""
    asked, answered = request.user_information, answer.user_information
    if 0 < (maximum := peer.maximum_length or 0) < 8:
        raise RemoteProtocolError(f"the peer announces a maximum length of {maximum}, which leaves no room for data", 6)
    answers = {result.context_id: result for result in answer.contexts}
    for context_id in answers.keys() - {context.context_id for context in request.contexts}:
        notes.append(f"answer for presentation context {context_id}, which was not proposed, ignored")
    outcomes = tuple(_outcome(context, answers.get(context.context_id), notes) for context in request.contexts)
    offered = {role.sop_class_uid: role for role in asked.roles}
    granted = {role.sop_class_uid: role for role in answered.roles}
    accepted: dict[int, AcceptedContext] = {}
    for context, result, syntax in outcomes:
        if result == ACCEPTANCE and syntax:
            uid = context.abstract_syntax
            scu, scp = agreed_roles(offered.get(uid), granted.get(uid))
            accepted[context.context_id] = AcceptedContext(context.context_id, uid, syntax, scu, scp)
    classes = {item.sop_class_uid for item in asked.extended}
    extended = {item.sop_class_uid: item.information for item in answered.extended if item.sop_class_uid in classes}
    window = agreed_window(asked.asynchronous_window, answered.asynchronous_window)
    return Negotiated(accepted, outcomes, maximum, peer, extended, window)


def _outcome(context: ProposedContext, result: ContextResult | None, notes: list[str]) -> ContextOutcome:
    if result is None:
        notes.append(f"no answer for presentation context {context.context_id}")
        return ContextOutcome(context, None, "")
    if result.result != ACCEPTANCE:
        return ContextOutcome(context, result.result, "")
    if result.transfer_syntax not in context.transfer_syntaxes:
        what = "one that was not proposed" if result.transfer_syntax else "none"
        notes.append(f"presentation context {context.context_id} accepted with a transfer syntax of {what}: not used")
        return ContextOutcome(context, ACCEPTANCE, "")
    return ContextOutcome(context, ACCEPTANCE, result.transfer_syntax)


def agreed_roles(offered: RoleSelection | None, answered: RoleSelection | None) -> tuple[bool, bool]:
    """(requestor is SCU, requestor is SCP) by PS3.7 table D.3-10. Without an item on either side: SCU only."""
    if offered is None or answered is None:
        return True, False
    return offered.scu_role and answered.scu_role, offered.scp_role and answered.scp_role


def agreed_window(
    offered: AsynchronousOperationsWindow | None, answered: AsynchronousOperationsWindow | None
) -> AsynchronousOperationsWindow:
    """PS3.7 D.3.3.3: one operation at a time where a side is silent; an answer beyond the offer is cut to the offer."""
    if offered is None or answered is None:
        return AsynchronousOperationsWindow(1, 1)
    pairs = zip(offered, answered, strict=True)
    return AsynchronousOperationsWindow(*(min(answer or offer, offer) if offer else answer for offer, answer in pairs))


# --- the acceptor's side --------------------------------------------------------------------------------------


class IdentityDecision(NamedTuple):
    """The verdict on a user identity; ``response`` goes into item 59 when one was asked for."""

    is_accepted: bool
    response: bytes = b""


class AcceptorPolicy(NamedTuple):
    """What an acceptor agrees to.

    Empty title sets accept every title. ``abstract_syntaxes`` maps a SOP class to the transfer syntaxes it takes,
    an empty tuple meaning ``transfer_syntaxes``; a SOP class outside of it is taken only with
    ``any_abstract_syntax``. An empty ``transfer_syntaxes`` takes every one. Among those proposed, the choice goes to
    the first of ``preferred``, then to the requestor's first. ``grants_scp_role`` says for which SOP classes the
    requestor may be SCP (C-GET); ``extended`` answers extended negotiation by SOP class.
    """

    called_ae_titles: frozenset[str] = frozenset()
    calling_ae_titles: frozenset[str] = frozenset()
    abstract_syntaxes: Mapping[str, tuple[str, ...]] = {}
    any_abstract_syntax: bool = False
    transfer_syntaxes: tuple[str, ...] = ()
    preferred: tuple[str, ...] = ()
    maximum_length: int = DEFAULT_MAXIMUM_LENGTH
    grants_scp_role: Callable[[str], bool] | None = None
    extended: Mapping[str, Callable[[bytes], bytes | None]] = {}


REJECTED_PERMANENT, REJECTED_TRANSIENT = 1, 2
SERVICE_USER, PROVIDER_ACSE, PROVIDER_PRESENTATION = 1, 2, 3
"""Result and source of a rejection (PS3.8 table 9-21)."""

LOCAL_LIMIT_EXCEEDED = AAssociateRJ(REJECTED_TRANSIENT, PROVIDER_PRESENTATION, 2)


def provider_rejection(request: AAssociateRQ) -> AAssociateRJ | None:
    """Why the provider itself cannot take a request (AE-6), or None. The version is a bit mask: bit 0 counts."""
    if not request.protocol_version & 1:
        return AAssociateRJ(REJECTED_PERMANENT, PROVIDER_ACSE, 2)
    if request.application_context != APPLICATION_CONTEXT:
        return AAssociateRJ(REJECTED_PERMANENT, SERVICE_USER, 2)
    return None


def answer(
    request: AAssociateRQ, policy: AcceptorPolicy, identity: IdentityDecision | None = None
) -> AAssociateAC | AAssociateRJ:
    """The acceptor's answer. ``identity`` is the verdict on the request's user identity, None for no opinion."""
    if policy.called_ae_titles and request.called_ae_title not in policy.called_ae_titles:
        return AAssociateRJ(REJECTED_PERMANENT, SERVICE_USER, 7)
    if policy.calling_ae_titles and request.calling_ae_title not in policy.calling_ae_titles:
        return AAssociateRJ(REJECTED_PERMANENT, SERVICE_USER, 3)
    if identity is not None and not identity.is_accepted:
        return AAssociateRJ(REJECTED_PERMANENT, PROVIDER_ACSE, 1)
    info = own_information(policy.maximum_length)
    asked = request.user_information
    proposed = {context.abstract_syntax for context in request.contexts}  # at most 128: the answer has to fit, too
    info = info._replace(
        roles=tuple(_answer_role(role, policy) for role in asked.roles if role.sop_class_uid in proposed),
        extended=_answer_extended(asked, policy),
    )
    if identity is not None and asked.user_identity is not None and asked.user_identity.positive_response_requested:
        info = info._replace(identity_response=identity.response)
    results = tuple(_answer_context(context, policy) for context in request.contexts)
    return AAssociateAC(results, info, fields=request.fields)


def settle(request: AAssociateRQ, accepted: AAssociateAC) -> Negotiated:
    """The acceptor's view of what its own answer agreed. Raises RemoteProtocolError as ``conclude`` does."""
    return _agree(request, accepted, request.user_information, [])


def _answer_context(context: ProposedContext, policy: AcceptorPolicy) -> ContextResult:
    placeholder = context.transfer_syntaxes[0] if context.transfer_syntaxes else IMPLICIT_VR_LITTLE_ENDIAN
    uid = context.abstract_syntax
    if not uid or not (policy.any_abstract_syntax or uid in policy.abstract_syntaxes):
        return ContextResult(context.context_id, ABSTRACT_SYNTAX_NOT_SUPPORTED, placeholder)
    allowed = policy.abstract_syntaxes.get(uid) or policy.transfer_syntaxes
    # A syntax that is no UID, such as the word "unknown" that some modalities send, could not be written down.
    usable = [s for s in context.transfer_syntaxes if is_valid_uid(s) and (not allowed or s in allowed)]
    if not usable:
        return ContextResult(context.context_id, TRANSFER_SYNTAXES_NOT_SUPPORTED, placeholder)
    chosen = next((syntax for syntax in policy.preferred if syntax in usable), usable[0])
    return ContextResult(context.context_id, ACCEPTANCE, chosen)


def _answer_role(role: RoleSelection, policy: AcceptorPolicy) -> RoleSelection:
    """Each role at most as offered (PS3.7 D.3.3.4): SCU always, SCP where the policy grants it."""
    may_be_scp = policy.grants_scp_role is not None and policy.grants_scp_role(role.sop_class_uid)
    return RoleSelection(role.sop_class_uid, role.scu_role, role.scp_role and may_be_scp)


def _answer_extended(asked: UserInformation, policy: AcceptorPolicy) -> tuple[ExtendedNegotiation, ...]:
    answers: dict[str, ExtendedNegotiation] = {}
    for item in asked.extended:
        respond = policy.extended.get(item.sop_class_uid)
        information = respond(item.information) if respond and item.sop_class_uid not in answers else None
        if information is not None:
            answers[item.sop_class_uid] = ExtendedNegotiation(item.sop_class_uid, information)
    return tuple(answers.values())
