"""Every kind of failure comes with a meaning, something to try, and a side."""

from collections.abc import Iterator

import pytest

from dcmnet_cli import errors
from dcmnet_cli.core.pdu import UserIdentity
from dcmnet_cli.errors import (
    AssociationAborted,
    AssociationRejected,
    ConnectError,
    ConnectionLost,
    DcmnetError,
    InvalidCommandSet,
    InvalidPDU,
    NoAcceptedContext,
    OperationFailed,
    RemoteProtocolError,
    ResolveError,
    TimedOut,
    TLSError,
    UnexpectedMessage,
    UnexpectedRelease,
    UsageError,
    WrongProtocol,
)
from dcmnet_cli.net.tls_settings import TLSSettings
from dcmnet_cli.ops.diagnosis import diagnose
from dcmnet_cli.ops.target import Target

TARGET = Target("pacs", 104, called="ARCHIVE", calling="MY \x1b[31mCT")
REQUEST_DUE = "the answer to the association request"

FAILURES: list[DcmnetError] = [
    ResolveError("no address"),
    ConnectError("cannot connect"),
    *(ConnectError("cannot connect", how=how) for how in ("refused", "timeout", "unreachable", "denied", "error")),
    TLSError("unknown authority", "unknown_ca"),
    TLSError("closed", "closed"),
    ConnectionLost("lost"),
    ConnectionLost("lost", how="closed", waiting_for=REQUEST_DUE, silence=0.2),
    ConnectionLost("lost", how="reset", waiting_for="the response to C-ECHO-RQ (message 1)", silence=0.2),
    *(WrongProtocol("not DICOM", protocol, first_bytes="16 03") for protocol in ("tls", "http", "unknown")),
    *(TimedOut("silent", timer, 3.0) for timer in ("connect", "tls", "acse", "dimse", "release", "write", "idle")),
    *(
        AssociationRejected("rejected", 1, source, reason)
        for source in (0, 1, 2, 3, 9)
        for reason in (0, 1, 2, 3, 7, 99)
    ),
    *(AssociationAborted("aborted", source, reason) for source in (0, 1, 2, 77) for reason in (0, 1, 2, 4, 5, 6, 99)),
    AssociationAborted("aborted here", 0, 0, by_peer=False),
    NoAcceptedContext("none"),
    *(NoAcceptedContext("none", results=results) for results in ([], [0], [1], [2], [3], [4], [3, 4], [0, 3], [200])),
    UnexpectedRelease("released"),
    RemoteProtocolError("wrong"),
    InvalidPDU("A-ASSOCIATE-AC", "length", 2, "too long"),
    InvalidCommandSet("no status"),
    UnexpectedMessage("nobody asked"),
    *(OperationFailed("failed", code, service="echo") for code in (0x0122, 0x0110, 0xC000, 0xA700, 0xFFFF, 0xB000)),
    errors.InvalidIdentifier(0x00100010, "it ends within the element"),
    OperationFailed("failed", 0xA801, service="move"),
    OperationFailed("failed", 0x0001),
]


def identify(error: DcmnetError) -> str:
    return f"{type(error).__name__}-{'-'.join(str(value) for value in error.details.values())}"


@pytest.mark.parametrize("error", FAILURES, ids=identify)
@pytest.mark.parametrize("target", [TARGET, None], ids=["target", "nobody"])
def test_every_failure_has_a_meaning_and_remedies(error: DcmnetError, target: Target | None) -> None:
    diagnosis = diagnose(error, target)
    assert diagnosis.layer == error.layer
    assert diagnosis.headline
    assert diagnosis.meaning.endswith(".")
    assert diagnosis.remedies
    assert all(remedy.strip() and "{" not in remedy for remedy in diagnosis.remedies)
    assert diagnosis.side in ("peer", "here", "network", "")
    assert all(label and value for label, value in diagnosis.facts)


def subclasses(cls: type[DcmnetError]) -> Iterator[type[DcmnetError]]:
    for each in cls.__subclasses__():
        if each.__module__ == errors.__name__:
            yield each
            yield from subclasses(each)


def test_no_failure_of_a_conversation_was_forgotten() -> None:
    """What is left has no peer to talk about: options, files, ports of ours, and bugs."""
    parents = {errors.TransportError, errors.AssociationError, errors.ProtocolError}
    of_peers = {each for parent in parents for each in subclasses(parent)} | {TimedOut, OperationFailed}
    assert of_peers - {type(error) for error in FAILURES} == {errors.ListenError, errors.LocalProtocolError}


def test_a_rejection_shows_the_titles_as_they_were_sent() -> None:
    diagnosis = diagnose(AssociationRejected("rejected", 1, 1, 7), TARGET)
    assert diagnosis.facts == (("We sent", r'called "ARCHIVE"   calling "MY \x1b[31mCT"'),)
    assert "REJECTED permanently: called AE title not recognized" in diagnosis.headline
    assert diagnosis.more == "dcmnet explain rj 1 1 7"


def test_a_query_that_ends_in_an_abort_may_come_from_a_stranger() -> None:
    error = AssociationAborted("aborted", 0, 0)
    error.details["waiting_for"] = "the response to C-FIND-RQ (message 1)"
    first, *others = diagnose(error, TARGET).remedies
    assert r'"MY \x1b[31mCT"' in first
    error.details["waiting_for"] = "the response to C-STORE-RQ (message 1)"
    assert diagnose(error, TARGET).remedies == tuple(others)


def test_no_secret_is_shown() -> None:
    identity = UserIdentity(2, b"jane", b"hunter2")
    for error in FAILURES:
        assert "hunter2" not in str(diagnose(error, TARGET._replace(identity=identity)))
    diagnosis = diagnose(AssociationRejected("rejected", 1, 2, 1), TARGET._replace(identity=identity))
    assert diagnosis.facts[0][1].endswith("user identity type 2")


@pytest.mark.parametrize(
    ("timer", "option"),
    [
        ("connect", "-to/--timeout"),
        ("tls", "-to/--timeout"),
        ("acse", "-ta/--acse-timeout"),
        ("dimse", "-td/--dimse-timeout"),
        ("release", "--release-timeout"),
        ("write", "-ts/--socket-timeout"),
    ],
)
def test_a_timer_is_named_with_its_value_and_its_option(timer: str, option: str) -> None:
    diagnosis = diagnose(TimedOut("silent", timer, 2.5), TARGET)
    assert diagnosis.facts == (("Timer", f"{timer}, 2.5 s, set with {option}"),)
    assert any(option in remedy for remedy in diagnosis.remedies)


def test_hints_of_an_error_go_before_general_advice() -> None:
    error = TLSError("expired", "expired", hints=("have it renewed",))
    assert diagnose(error).remedies == ("have it renewed",)
    assert diagnose(TimedOut("silent", "tls", 1.0, hints=("leave TLS out",))).remedies == ("leave TLS out",)


def test_nobody_is_told_to_use_what_is_in_use() -> None:
    lost = ConnectionLost("lost", waiting_for=REQUEST_DUE)
    assert any("+tla" in remedy for remedy in diagnose(lost, TARGET).remedies)
    assert not any("+tla" in remedy for remedy in diagnose(lost, TARGET._replace(tls=TLSSettings())).remedies)


def test_in_flight_and_last_byte() -> None:
    due = "the response to C-ECHO-RQ (message 1)"
    diagnosis = diagnose(ConnectionLost("lost", waiting_for=due, silence=1.25), TARGET)
    assert diagnosis.facts == (("In flight", due), ("Last byte", "1.25 s before"))


def test_an_acceptance_is_not_told_as_a_refusal() -> None:
    unusable = diagnose(NoAcceptedContext("none", results=[0]), TARGET)
    assert unusable.facts == (("Answer", "accepted, with a transfer syntax that we did not propose"),)
    assert unusable.more == ""
    assert diagnose(NoAcceptedContext("none", results=[]), TARGET).facts == (("Answer", "none"),)


def test_every_refusal_of_a_context_is_told() -> None:
    diagnosis = diagnose(NoAcceptedContext("none", results=[0, 3, 4]), TARGET)
    assert [value.partition(":")[0] for _, value in diagnosis.facts] == ["result 3", "result 4"]
    assert diagnosis.more == "dcmnet explain context 3"


def test_a_comment_of_the_peer_is_made_harmless() -> None:
    error = OperationFailed("failed", 0x0110, service="echo", error_comment="ask \x1b[2J Bob")
    assert ("Comment", r'"ask \x1b[2J Bob"') in diagnose(error).facts


def test_an_abort_of_ours_is_not_the_peers() -> None:
    assert diagnose(AssociationAborted("x", 0, 0, by_peer=False)).headline.startswith("ABORTED here")
    assert diagnose(AssociationAborted("x", 0, 0)).headline.startswith("ABORTED by the peer")


def test_what_no_peer_is_involved_in_is_told_as_it_is() -> None:
    diagnosis = diagnose(UsageError("bad port", hints=("give a number",)))
    assert (diagnosis.layer, diagnosis.headline, diagnosis.remedies) == ("usage", "bad port", ("give a number",))
