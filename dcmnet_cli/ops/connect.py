"""From a target to an established association, rung by rung: what every requestor's operation begins with."""

import time
from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING

from dcmnet_cli.core.negotiation import Negotiated, own_information, propose
from dcmnet_cli.core.pdu import ACCEPTANCE, AAssociateRQ, ExtendedNegotiation, RoleSelection
from dcmnet_cli.core.steps import Step
from dcmnet_cli.errors import (
    AssociationAborted,
    AssociationRejected,
    ConnectionLost,
    DcmnetError,
    NoAcceptedContext,
    WrongProtocol,
)
from dcmnet_cli.net.association import Association
from dcmnet_cli.net.observer import Observer
from dcmnet_cli.net.transport import Transport, connect
from dcmnet_cli.ops.results import AssociationFacts, ContextFacts, Report
from dcmnet_cli.ops.target import Target

if TYPE_CHECKING:
    import ssl

    from dcmnet_cli.net.tls_settings import TLSSettings

_PROBE_TIMEOUT = 3.0


def open_association(
    target: Target,
    syntaxes: Iterable[tuple[str, Sequence[str]]],
    report: Report,
    *,
    roles: Sequence[RoleSelection] = (),
    extended: Sequence[ExtendedNegotiation] = (),
    observers: Sequence[Observer] = (),
) -> Association:
    """Connect, secure and negotiate; ``syntaxes`` are (abstract syntax, transfer syntaxes) of each context.

    Every rung is added to ``report.steps``, what was agreed becomes ``report.association``. An association without any
    accepted context is returned like others: see ``require_context``. Raises what connecting and negotiating raise.
    """
    report.peer = target.facts
    information = own_information(target.max_pdu)._replace(
        roles=tuple(roles), extended=tuple(extended), user_identity=target.identity
    )
    request = AAssociateRQ(target.called, target.calling, propose(syntaxes), information)
    transport = _open_transport(target, report)
    begin = time.monotonic()
    try:
        association = Association.request(
            transport,
            request,
            peer=target.facts.label,
            timers=target.timeouts.timers(),
            write_timeout=target.timeouts.write,
            observers=observers,
        )
    except DcmnetError as error:
        report.steps.append(Step("association", False, time.monotonic() - begin, _failure(error)))
        if isinstance(error, ConnectionLost) and target.tls is None and speaks_tls(target):
            raise WrongProtocol(f"{target.facts.label} speaks TLS, and we did not", "tls") from error
        raise
    report.association = association_facts(association.negotiated, association.notes)
    report.steps.append(Step("association", True, time.monotonic() - begin, _success(association.negotiated)))
    return association


def _open_transport(target: Target, report: Report) -> Transport:
    transport = connect(
        target.host,
        target.port,
        family=target.family,
        timeout=target.timeouts.connect,
        on_step=report.steps.append,
    )
    if target.tls is None:
        return transport
    from dcmnet_cli.net.tls import security_notes, start_client

    report.notes += security_notes(target.tls)
    return start_client(
        transport,
        target.tls,
        target.host,
        target.timeouts.connect,
        context=_tls_context(target.tls),
        on_step=report.steps.append,
    )


@cache
def _tls_context(settings: "TLSSettings") -> "ssl.SSLContext":
    """One context for all connections of a command, so that a key's password is asked for once."""
    from dcmnet_cli.net.tls import client_context

    return client_context(settings)


def require_context(association: Association, abstract_syntax: str, name: str) -> int:
    """The id of an accepted context for a SOP class. Aborts nothing; raises NoAcceptedContext with the reasons."""
    context = association.negotiated.find(abstract_syntax)
    if context is not None:
        return context.context_id
    results = {
        outcome.result
        for outcome in association.negotiated.outcomes
        if outcome.proposed.abstract_syntax == abstract_syntax
    }
    raise NoAcceptedContext(
        f"{association.peer} accepted the association, but no presentation context for {name}",
        results=sorted(result for result in results if result is not None),
        abstract_syntax=abstract_syntax,
    )


def association_facts(negotiated: Negotiated, notes: Sequence[str]) -> AssociationFacts:
    """What an association agreed on, for renderers."""
    contexts = tuple(
        ContextFacts(
            outcome.proposed.context_id,
            outcome.proposed.abstract_syntax,
            outcome.proposed.transfer_syntaxes,
            outcome.result,
            outcome.transfer_syntax,
        )
        for outcome in negotiated.outcomes
    )
    peer = negotiated.peer
    return AssociationFacts(
        peer.implementation_class_uid,
        peer.implementation_version_name,
        negotiated.peer_maximum_length,
        contexts,
        tuple(notes),
    )


def speaks_tls(target: Target) -> bool:
    """Whether a TLS handshake gets anywhere with a peer that had no answer for plain DICOM. Sends no DICOM."""
    from dcmnet_cli.net.tls import TLSSettings, start_client

    settings = TLSSettings(verify="ignore", check_hostname=False)
    patience = min(_PROBE_TIMEOUT, target.timeouts.connect)
    try:
        transport = connect(target.host, target.port, family=target.family, timeout=patience)
        start_client(transport, settings, target.host, patience).close()
    except DcmnetError as error:
        return error.details.get("reason") in ("client_certificate_required", "no_shared_version", "no_shared_cipher")
    return True


def _success(negotiated: Negotiated) -> str:
    accepted = sum(outcome.result == ACCEPTANCE for outcome in negotiated.outcomes)
    whole = len(negotiated.outcomes)
    return f"accepted, {accepted} of {whole} context{'s' if whole != 1 else ''}"


def _failure(error: DcmnetError) -> str:
    """What the rung says; the whole story stands below the ladder."""
    if isinstance(error, AssociationRejected):
        from dcmnet_cli.core.reasons import explain_reject

        source = explain_reject(error.result, error.source, error.reason).source_name
        return f"result {error.result} · source {error.source} ({source}) · reason {error.reason}"
    if isinstance(error, AssociationAborted):
        return f"source {error.source} · reason {error.reason}"
    return error.message
