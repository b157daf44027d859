"""Why an operation failed, told for a person who has to mend it: which layer, what to try, whose side it is."""

from collections.abc import Callable

from dcmnet_cli.core import reasons, status
from dcmnet_cli.core.text import quoted
from dcmnet_cli.errors import (
    AssociationAborted,
    AssociationRejected,
    ConnectError,
    ConnectionLost,
    DcmnetError,
    NoAcceptedContext,
    OperationFailed,
    RemoteProtocolError,
    ResolveError,
    TimedOut,
    TLSError,
    UnexpectedRelease,
    WrongProtocol,
)
from dcmnet_cli.ops.results import Diagnosis
from dcmnet_cli.ops.target import Target

_TIMER_OPTIONS = {
    "connect": "-to/--timeout",
    "tls": "-to/--timeout",
    "acse": "-ta/--acse-timeout",
    "dimse": "-td/--dimse-timeout",
    "release": "--release-timeout",
    "write": "-ts/--socket-timeout",
}


def diagnose(error: DcmnetError, target: Target | None = None) -> Diagnosis:
    """What to tell about ``error``. ``target`` is whom we talked to, None where nobody was involved yet."""
    for kind, explain in _EXPLANATIONS:
        if isinstance(error, kind):
            return explain(error, target)
    return Diagnosis(error.layer, error.message, remedies=error.hints)


def _rejected(error: DcmnetError, target: Target | None) -> Diagnosis:
    assert isinstance(error, AssociationRejected)
    reason = reasons.explain_reject(error.result, error.source, error.reason)
    return Diagnosis(
        error.layer,
        f"{_emphatic(reason.result_name)}: {reason.name}",
        (("We sent", _titles(target)),) if target else (),
        reason.meaning,
        reason.remedies,
        reason.side,
        f"dcmnet explain rj {error.result} {error.source} {error.reason}",
    )


def _emphatic(words: str) -> str:
    """The first word in capitals: REJECTED permanently."""
    first, _, rest = words.partition(" ")
    return f"{first.upper()} {rest}".strip()


def _titles(target: Target) -> str:
    sent = f"called {quoted(target.called)}   calling {quoted(target.calling)}"
    if target.identity is not None:
        sent += f"   user identity type {target.identity.identity_type}"
    return sent


_FOR_KNOWN_TITLES = ("C-FIND", "C-MOVE", "C-GET")


def _aborted(error: DcmnetError, target: Target | None) -> Diagnosis:
    assert isinstance(error, AssociationAborted)
    reason = reasons.explain_abort(error.source, error.reason)
    remedies = reason.remedies
    if error.by_peer and target and any(name in str(error.details.get("waiting_for")) for name in _FOR_KNOWN_TITLES):
        register = (
            f"Peer: register our AE title, {quoted(target.calling)}: some, as Orthanc, answer no stranger's query."
        )
        remedies = (register, *remedies)
    return Diagnosis(
        error.layer,
        f"ABORTED {'by the peer' if error.by_peer else 'here'}: {reason.name}",
        (("We sent", _titles(target)),) if target else (),
        reason.meaning,
        remedies,
        reason.side,
        f"dcmnet explain abort {error.source} {error.reason}",
    )


_SILENCES: dict[str, tuple[str, tuple[str, ...]]] = {
    "acse": (
        "Something accepts TCP connections there and then says nothing. Either it is no DICOM server, or one that is "
        "stuck, or it looks up our address first and that takes long.",
        (
            "Check the port: is it that of the DICOM service, not of its web page or database?",
            "Have the peer's owner look whether the service hangs, and how many associations it holds open.",
            "Check that the peer can resolve our address to a name; slow reverse lookups delay the answer.",
            "If the peer is just slow, allow more time{option}.",
        ),
    ),
    "tls": (
        "The TCP connection stands, and the peer did not finish the TLS handshake.",
        ("Check that the port expects TLS.", "If the peer is just slow, allow more time{option}."),
    ),
    "write": (
        "The connection stands and the peer no longer takes what we send: its program is stuck or overloaded, or the "
        "line between the two hosts is.",
        (
            "Look into the peer's log at this time: is it busy, or out of disk space?",
            "If the peer or the line is just slow, allow more time{option}.",
            "If it always stops at the same place, suspect a path that drops large packets (MTU).",
        ),
    ),
}
_SILENCE = (
    "The connection stands and the peer is silent. It may still be working, or it may be stuck; a firewall that "
    "dropped the connection without a word looks the same.",
    (
        "Look into the peer's log at this time: did the request arrive, and what came of it?",
        "If the peer needs longer, allow more time{option}.",
        "If it always stops after the same time, suspect a firewall between the two hosts.",
    ),
)


def _timed_out(error: DcmnetError, target: Target | None) -> Diagnosis:
    assert isinstance(error, TimedOut)
    name = _TIMER_OPTIONS.get(error.timer, "")
    facts = (("Timer", f"{error.timer}, {error.seconds:g} s" + (f", set with {name}" if name else "")),)
    meaning, remedies = _SILENCES.get(error.timer, _SILENCE)
    option = f" with {name}" if name else ""
    advice = error.hints or tuple(remedy.format(option=option) for remedy in remedies)
    return Diagnosis(error.layer, error.message, facts, meaning, advice, "peer")


def _lost(error: DcmnetError, target: Target | None) -> Diagnosis:
    due = str(error.details.get("waiting_for", ""))
    facts = tuple(
        (label, str(error.details[key]) + unit)
        for label, key, unit in (("In flight", "waiting_for", ""), ("Last byte", "silence", " s before"))
        if error.details.get(key) is not None
    )
    if "association request" in due:
        return Diagnosis(
            error.layer,
            error.message,
            facts,
            "The TCP connection was accepted and ended without a word about the association. The listener did not "
            "like our address, or did not understand us.",
            (
                "Ask whether the peer only admits known host addresses, and enter the address of this host there.",
                "Does the port expect TLS? Then use +tla, or +tls with a key and certificate."
                if target is None or target.tls is None
                else "Does the port expect plain DICOM? Then leave TLS out.",
                "Check that this port belongs to a DICOM service.",
                "A load balancer or firewall may accept in the peer's place: is the service behind it running?",
            ),
            "peer",
        )
    return Diagnosis(
        error.layer,
        error.message,
        facts,
        "The association was up and the connection ended without release or abort: the peer's program died, or "
        "something between the two hosts cut the line.",
        (
            "Look into the peer's log at this time for a crash or a restart.",
            "Try again: if it breaks at the same place, the data or the message sent there is the reason.",
            "If it breaks after the same time, suspect a firewall or an intrusion detection between the two hosts.",
        ),
        "peer",
    )


def _wrong_protocol(error: DcmnetError, target: Target | None) -> Diagnosis:
    assert isinstance(error, WrongProtocol)
    first = error.details.get("first_bytes")
    facts = (("First bytes", str(first)),) if first else ()
    if error.protocol.startswith("tls"):
        return Diagnosis(
            error.layer,
            error.message,
            facts,
            "The port expects TLS and we spoke plain DICOM.",
            (
                "Add +tla (TLS without a certificate of our own), and +cf CA.pem if the peer's certificate is private.",
                "If the peer asks for a certificate of ours: +tls KEY CERT.",
                "Or use the peer's plain DICOM port, if it has one: often 104 or 11112, TLS often 2762.",
            ),
            "here",
        )
    return Diagnosis(
        error.layer,
        error.message,
        facts,
        "Something answers on this port, and it is not a DICOM service. Network and firewall are fine.",
        (
            "Check the port number: DICOM is often 104, 11112 or 4242, and never the port of the web page.",
            "Check the host: is it the archive itself, or a gateway in front of it?",
        ),
        "here",
    )


def _no_context(error: DcmnetError, target: Target | None) -> Diagnosis:
    if error.hints:  # a context there is, and what the work needs of it was not agreed
        return Diagnosis(error.layer, error.message, remedies=error.hints, side="here")
    results = error.details.get("results")
    refusals = [int(number) for number in results if number] if isinstance(results, list) else []
    if not refusals:
        return Diagnosis(
            error.layer,
            error.message,
            (("Answer", "accepted, with a transfer syntax that we did not propose" if results else "none"),),
            "The peer accepted the association, but its answer to our presentation contexts leaves nothing to use.",
            (
                "Run again with -d to see the answer, and send that to the peer's vendor: PS3.8 does not allow it.",
                "Propose other transfer syntaxes, if the command has an option for that.",
            ),
            "peer",
        )
    reason = reasons.explain_context_result(refusals[0])
    return Diagnosis(
        error.layer,
        error.message,
        tuple(("Answer", f"result {number}: {reasons.explain_context_result(number).name}") for number in refusals),
        reason.meaning,
        reason.remedies,
        reason.side,
        f"dcmnet explain context {refusals[0]}",
    )


def _not_connected(error: DcmnetError, target: Target | None) -> Diagnosis:
    how = error.details.get("how")
    meanings = {
        "refused": (
            "The host is there and says that nothing listens on this port.",
            ("Is the DICOM service running?", "Is the port right? DICOM is often 104, 11112 or 4242."),
            "peer",
        ),
        "timeout": (
            "Nobody answers at this address: the host is off, the address is wrong, or a firewall drops our packets.",
            (
                "Check the address and whether the host is up (ping, or another service on it).",
                "Ask the network team whether a firewall lets this host reach that port.",
                "If the network is slow, allow more time with -to/--timeout.",
            ),
            "network",
        ),
        "unreachable": (
            "There is no way to this address from here.",
            ("Check the address.", "Check this host's network: cable, VPN, default route."),
            "network",
        ),
    }
    meaning, remedies, side = meanings.get(
        str(how),
        ("No connection came about, so nothing was sent.", ("Check the address, and the port number.",), ""),
    )
    return Diagnosis(
        error.layer, str(error.details.get("reason", error.message)), (), meaning, error.hints or remedies, side
    )


def _not_resolved(error: DcmnetError, target: Target | None) -> Diagnosis:
    return Diagnosis(
        error.layer,
        error.message,
        (),
        "Without an address nothing was sent to anyone.",
        error.hints
        or (
            "Check the spelling of the host name.",
            "Try the IP address instead; if that works, the name service is at fault.",
        ),
        "here",
    )


def _tls(error: DcmnetError, target: Target | None) -> Diagnosis:
    return Diagnosis(
        error.layer,
        error.message,
        (),
        "The TCP connection stands, and no TLS came about on it, so no DICOM was exchanged.",
        error.hints
        or (
            "Look into the peer's log at this time: its side of the handshake says what it did not like.",
            "Compare TLS versions, profiles and certificates on both sides.",
        ),
    )


def _status(error: DcmnetError, target: Target | None) -> Diagnosis:
    assert isinstance(error, OperationFailed)
    service = str(error.details.get("service", ""))
    known = status.lookup(error.status, service)
    facts = [("Status", f"0x{error.status:04X} {known.category}: {known.meaning}")]
    if error.details.get("error_comment"):
        facts.append(("Comment", quoted(str(error.details["error_comment"]))))
    offending = error.details.get("offending_element")
    if isinstance(offending, tuple) and offending:
        from dcmnet_cli.ops.querying.key_tree import name_of

        facts.append(
            ("Offending", ", ".join(f"{name_of(tag)} ({tag >> 16:04X},{tag & 0xFFFF:04X})" for tag in offending))
        )
    more = f"dcmnet explain {error.status:04X}" + (f" --service {service}" if service else "")
    return Diagnosis(
        error.layer, error.message, tuple(facts), known.explanation, known.remedies, known.side or "peer", more
    )


def _violation(error: DcmnetError, target: Target | None) -> Diagnosis:
    return Diagnosis(
        error.layer,
        error.message,
        (),
        "What the peer sent cannot be right by the standard, so the association was aborted.",
        (
            "Run again with -d to see every PDU, and send that to the peer's vendor.",
            "If this happened on the first try, check that nothing between the hosts alters the data.",
        ),
        "peer",
    )


def _released(error: DcmnetError, target: Target | None) -> Diagnosis:
    return Diagnosis(
        error.layer,
        error.message,
        (),
        "The peer ended the association in good order, but before the work was done.",
        ("Look into the peer's log at this time: shutting down, or a limit on idle or total time?",),
        "peer",
    )


_EXPLANATIONS: tuple[tuple[type[DcmnetError], Callable[[DcmnetError, Target | None], Diagnosis]], ...] = (
    (AssociationRejected, _rejected),
    (AssociationAborted, _aborted),
    (NoAcceptedContext, _no_context),
    (UnexpectedRelease, _released),
    (TimedOut, _timed_out),
    (TLSError, _tls),
    (WrongProtocol, _wrong_protocol),
    (ConnectionLost, _lost),
    (ConnectError, _not_connected),
    (ResolveError, _not_resolved),
    (RemoteProtocolError, _violation),
    (OperationFailed, _status),
)
