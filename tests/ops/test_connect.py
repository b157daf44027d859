"""From a target to an association, rung by rung, against scripted servers."""

import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from dcmnet_cli.core.pdu import RoleSelection, UserIdentity
from dcmnet_cli.errors import (
    AssociationAborted,
    AssociationRejected,
    ConnectError,
    ConnectionLost,
    DcmnetError,
    LocalProtocolError,
    NoAcceptedContext,
    TimedOut,
    TLSError,
    WrongProtocol,
)
from dcmnet_cli.net.listener import listen
from dcmnet_cli.net.tls_settings import TLSSettings
from dcmnet_cli.ops.connect import open_association, require_context
from dcmnet_cli.ops.results import PeerFacts, Report
from dcmnet_cli.ops.target import Target, Timeouts
from tests.certificates import Authority
from tests.golden import associate as golden
from tests.scripted import ABORT_BY_USER, Peer, accepting, acting

ECHO = [(golden.VERIFICATION, [golden.IMPLICIT])]
QUICK = Timeouts(connect=2.0, acse=2.0, dimse=2.0, release=2.0, write=2.0)


def target(port: int, **more: object) -> Target:
    return Target("127.0.0.1", port, "ANY-SCP", "ECHOSCU", timeouts=QUICK)._replace(**more)  # type: ignore[arg-type]


def rungs(report: Report) -> list[tuple[str, bool]]:
    return [(step.name, step.ok) for step in report.steps]


CONNECTED = [("resolve", True), ("TCP connect", True)]


def failing(port: int, kind: type[DcmnetError], **more: object) -> tuple[DcmnetError, Report]:
    report = Report("test")
    with pytest.raises(kind) as caught:
        open_association(target(port, **more), ECHO, report)
    return caught.value, report


def test_every_rung_of_success() -> None:
    def scene(peer: Peer) -> None:
        accepting(peer)
        assert peer.farewell() == ABORT_BY_USER

    report = Report("test")
    with acting(scene) as port:
        association = open_association(target(port), ECHO, report)
        assert rungs(report) == [*CONNECTED, ("association", True)]
        assert report.steps[-1].detail == "accepted, 1 of 1 context"
        assert all(0 <= step.seconds < 2 for step in report.steps)
        assert report.peer == PeerFacts("127.0.0.1", port, "ANY-SCP", "ECHOSCU")
        assert association.peer == f"ANY-SCP@127.0.0.1:{port}"
        facts = report.association
        assert facts is not None
        assert (facts.peer_implementation_class_uid, facts.max_pdu_length) == ("1.2.3.4", 32768)
        (context,) = facts.contexts
        assert (context.context_id, context.result, context.accepted) == (1, 0, golden.IMPLICIT)
        assert require_context(association, golden.VERIFICATION, "Verification") == 1
        association.abort()


def test_what_is_proposed_is_what_was_asked_for() -> None:
    seen: list[bytes] = []

    def scene(peer: Peer) -> None:
        seen.append(peer.pdu())
        peer.send(ABORT_BY_USER)

    identity = UserIdentity(2, b"jane", b"secret", True)
    with acting(scene) as port, pytest.raises(AssociationAborted):
        open_association(
            target(port, identity=identity, max_pdu=28672),
            [*ECHO, (golden.CT_STORAGE, [golden.EXPLICIT, golden.IMPLICIT])],
            Report("test"),
            roles=[RoleSelection(golden.CT_STORAGE, False, True)],
        )
    (request,) = seen
    assert request[10:42] == b"ANY-SCP         ECHOSCU         "
    assert bytes.fromhex("51000004 00007000") in request
    assert b"\x54\0\0\x1d\0\x19" + golden.CT_STORAGE.encode() + b"\0\1" in request
    assert b"\x58\0\0\x10\2\1\0\4jane\0\6secret" in request
    assert request.count(b"\x30\0\0") == 2


def test_too_many_contexts_send_nothing() -> None:
    with pytest.raises(LocalProtocolError, match="129 presentation contexts"):
        open_association(target(1), ECHO * 129, Report("test"))


def test_nobody_listens() -> None:
    (listener,) = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    listener.close()
    error, report = failing(port, ConnectError)
    assert error.details["how"] == "refused"
    assert rungs(report) == [("resolve", True), ("TCP connect", False)]


def test_a_rejection_on_the_ladder() -> None:
    with acting(lambda peer: peer.send(peer.pdu()[:0], golden.RJ_CALLED.data)) as port:
        error, report = failing(port, AssociationRejected)
    assert isinstance(error, AssociationRejected)
    assert (error.result, error.source, error.reason) == (1, 1, 7)
    assert rungs(report) == [*CONNECTED, ("association", False)]
    assert "result 1 · source 1" in report.steps[-1].detail
    assert "reason 7" in report.steps[-1].detail


def test_another_protocol_on_the_ladder() -> None:
    with acting(lambda peer: peer.send(b"SSH-2.0-x\r\n")) as port:
        error, report = failing(port, WrongProtocol)
    assert isinstance(error, WrongProtocol)
    assert error.protocol == "ssh"
    assert report.steps[-1].detail.endswith('an SSH server: "SSH-2.0-x"')


def test_a_bare_close_that_is_no_tls_either() -> None:
    def hang_up(peer: Peer) -> None:
        peer.sock.recv(1)

    with acting(hang_up, hang_up) as port:
        error, report = failing(port, ConnectionLost)
    assert "the answer to the association request was due" in error.message
    assert rungs(report) == [*CONNECTED, ("association", False)]


def test_silence_is_not_probed() -> None:
    """Servers that expect TLS say no to our first bytes; one that says nothing would only be silent once more."""
    begin = time.monotonic()
    with acting(Peer.farewell) as port:
        error, _ = failing(port, TimedOut, timeouts=QUICK._replace(acse=0.1))
    assert isinstance(error, TimedOut)
    assert error.timer == "acse"
    assert time.monotonic() - begin < 2


# --- TLS -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def over_tls(authority: Authority) -> Callable[[Callable[[Peer], object]], Callable[[Peer], object]]:
    """Make a scene of one that is played within TLS; what is no TLS gets a bare close."""
    issued = authority.issue("server", "localhost", "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.certificate_file, issued.key_file)

    def wrap(scene: Callable[[Peer], object]) -> Callable[[Peer], object]:
        def secured(peer: Peer) -> None:
            if peer.sock.recv(1, 2) != b"\x16":  # MSG_PEEK
                return
            with context.wrap_socket(peer.sock, server_side=True) as sock:
                scene(Peer(sock))

        return secured

    return wrap


Wrap = Callable[[Callable[[Peer], object]], Callable[[Peer], object]]


def test_plain_dicom_to_a_server_of_tls_is_found_out(over_tls: Wrap) -> None:
    with acting(over_tls(Peer.rest), over_tls(Peer.rest)) as port:
        error, report = failing(port, WrongProtocol)
    assert isinstance(error, WrongProtocol)
    assert error.protocol == "tls"
    assert error.message == f"ANY-SCP@127.0.0.1:{port} speaks TLS, and we did not"
    assert rungs(report) == [*CONNECTED, ("association", False)]


def test_the_rungs_with_tls(over_tls: Wrap, authority: Authority) -> None:
    report = Report("test")
    with acting(over_tls(accepting)) as port:
        association = open_association(target(port, tls=TLSSettings(ca_files=(authority.file,))), ECHO, report)
        association.abort()
    assert rungs(report) == [*CONNECTED, ("TLS handshake", True), ("association", True)]


def test_a_certificate_of_a_stranger(over_tls: Wrap, tmp_path: Path) -> None:
    stranger = Authority(tmp_path / "stranger", "Unknown")

    def handshake(peer: Peer) -> None:
        with suppress(OSError):  # the client does not like what it sees
            over_tls(Peer.rest)(peer)

    with acting(handshake, handshake) as port:
        error, report = failing(port, TLSError, tls=TLSSettings(ca_files=(stranger.file,)))
    assert isinstance(error, TLSError)
    assert error.reason == "unknown_ca"
    assert rungs(report) == [*CONNECTED, ("TLS handshake", False)]


# --- contexts ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("result", [1, 2, 3, 4, 17])
def test_a_context_that_is_refused(result: int) -> None:
    refusing = bytearray(golden.AC_ECHO.data)
    offset = refusing.index(b"\x21\0")
    refusing[offset + 6] = result

    def scene(peer: Peer) -> None:
        peer.pdu()
        peer.send(bytes(refusing))
        assert peer.farewell() == ABORT_BY_USER

    report = Report("test")
    with acting(scene) as port:
        association = open_association(target(port), ECHO, report)
        assert report.steps[-1].detail == "accepted, 0 of 1 context"
        with pytest.raises(NoAcceptedContext) as caught:
            require_context(association, golden.VERIFICATION, "Verification")
        association.abort()
    assert caught.value.details["results"] == [result]
    assert "no presentation context for Verification" in caught.value.message


def test_a_transfer_syntax_that_was_not_proposed_is_not_used() -> None:
    odd = golden.AC_ECHO.data.replace(b"1.2.840.10008.1.2P", b"1.2.840.10008.1.3P")
    assert odd != golden.AC_ECHO.data

    def scene(peer: Peer) -> None:
        peer.pdu()
        peer.send(odd)
        peer.farewell()

    with acting(scene) as port:
        report = Report("test")
        association = open_association(target(port), ECHO, report)
        with pytest.raises(NoAcceptedContext) as caught:
            require_context(association, golden.VERIFICATION, "Verification")
        association.abort()
    assert caught.value.details["results"] == [0]
    assert report.association is not None
    assert any("not proposed" in note for note in report.association.notes)
