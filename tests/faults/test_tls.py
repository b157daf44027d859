"""TLS with ``openssl`` as the other side: what may not be agreed to, told in words, and everybody else served after it.

Server certificates that are expired, misnamed, of an unknown authority are in ``net/test_tls`` and
``interop/test_echo_tls``; here are clients' certificates, old versions and renegotiation, and our client against a
server that wants them.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.certificates import DAY, NOW, Issued
from tests.golden import associate as golden
from tests.interop.conftest import StartListener
from tests.interop.peers import Certificates, own
from tests.interop.running import (
    HOST,
    Listener,
    Outcome,
    Peer,
    Process,
    dcmnet,
    free_port,
    program,
    start_peer,
    wait_until,
)

OLD = ("-tls1", "-tls1_1")
ANY_CIPHER = ("-cipher", "ALL:@SECLEVEL=0")


def openssl() -> str:
    return program("openssl", "openssl")


def s_client(server: Listener, *words: str, given: bytes = b"") -> Outcome:
    """Connect, say ``given``, wait for the answer of an association request or the end, and leave."""
    command = (openssl(), "s_client", "-connect", f"{HOST}:{server.port}", "-quiet", "-no_ign_eof", *words)
    done = subprocess.run(command, input=given, capture_output=True, timeout=20, check=False)
    stdout, stderr = (text.decode(errors="backslashreplace") for text in (done.stdout, done.stderr))
    return Outcome(done.returncode, stdout, stderr)


@pytest.fixture
def secured(listener: StartListener, certificates: Certificates) -> Iterator[Listener]:
    """A listener that demands certificates of our authority; at the end it still serves those who have one."""
    server = listener(*own(certificates.server), *certificates.trust)
    yield server
    good = dcmnet("echo", HOST, str(server.port), *own(certificates.client), *certificates.trust)
    assert good.status == 0, good.stderr


def shown(issued: Issued) -> tuple[str, ...]:
    return "-cert", issued.certificate_file, "-key", issued.key_file


def refusal(server: Listener) -> str:
    """How the listener tells of the one connection that it refused."""
    event = server.wait_for("failed")
    assert event["kind"] == "tls"
    server.wait_for("closed")
    assert not [each for each in server.events if each["event"] == "association"]
    return str(event["detail"])


@pytest.fixture(params=["expired", "not yet valid", "unknown authority", "none"])
def bad_client(request: pytest.FixtureRequest, certificates: Certificates) -> tuple[tuple[str, ...], str]:
    """What a client shows, and a word of why that is not taken."""
    issue = certificates.authority.issue
    if request.param == "expired":
        return shown(issue("old", "old.example.org", not_before=NOW - 9 * DAY, not_after=NOW - DAY)), "expired"
    if request.param == "not yet valid":
        return shown(issue("new", "new.example.org", not_before=NOW + DAY)), "not yet valid"
    if request.param == "unknown authority":
        return shown(certificates.stranger.issue("someone", "someone.example.org")), "authority"
    return (), "showed no certificate"


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_clients_that_prove_nothing(secured: Listener, bad_client: tuple[tuple[str, ...], str], version: str) -> None:
    words, why = bad_client
    s_client(secured, version, *words, given=golden.RQ_ECHO.data)
    assert why in refusal(secured)


@pytest.mark.parametrize("version", OLD)
def test_clients_of_old_versions(secured: Listener, certificates: Certificates, version: str) -> None:
    outcome = s_client(secured, version, *ANY_CIPHER, *shown(certificates.client))
    assert outcome.status != 0
    assert "protocol version" in outcome.stderr or "unsupported protocol" in outcome.stderr
    assert "no TLS version in common" in refusal(secured) or "version" in refusal(secured)


def test_a_client_that_renegotiates(secured: Listener, certificates: Certificates, tmp_path: Path) -> None:
    """Refused, so that nobody keeps us busy with handshakes or slips his own bytes before somebody else's."""
    command = (openssl(), "s_client", "-connect", f"{HOST}:{secured.port}", "-tls1_2", *shown(certificates.client))
    with (tmp_path / "said").open("wb") as said:
        client = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=said, stderr=subprocess.STDOUT)
    assert client.stdin is not None
    client.stdin.write(b"R\n")
    client.stdin.flush()
    try:
        client.wait(10)
    finally:
        client.kill()
        client.stdin.close()
    text = (tmp_path / "said").read_text(errors="replace")
    assert "RENEGOTIATING" in text
    assert "no renegotiation" in text
    assert "renegotiate" in refusal(secured)


# --- our client ------------------------------------------------------------------------------------------------------

Serve = Callable[..., Peer]


@pytest.fixture
def s_server(tmp_path: Path, certificates: Certificates) -> Iterator[Serve]:
    started: list[Process] = []

    def start(*words: str, issued: Issued = certificates.server) -> Peer:
        def command(port: int) -> Sequence[str]:
            return openssl(), "s_server", "-accept", f"{HOST}:{port}", *shown(issued), "-www", *words

        peer = start_peer("OPENSSL", command, tmp_path / f"server{len(started)}")
        assert peer.process is not None
        started.append(peer.process)
        return peer

    yield start
    for each in started:
        each.stop()


def echo(peer: Peer, certificates: Certificates, *words: str) -> Outcome:
    return dcmnet("echo", HOST, str(peer.port), "+tla", *certificates.trust, "-ta", "2", *words)


@pytest.mark.parametrize("version", OLD)
def test_servers_of_old_versions(s_server: Serve, certificates: Certificates, version: str) -> None:
    outcome = echo(s_server(version, *ANY_CIPHER), certificates)
    assert outcome.status == 4
    assert "TLS" in outcome.stderr
    assert "version" in outcome.stderr


def test_a_server_whose_certificate_has_expired(s_server: Serve, certificates: Certificates) -> None:
    old = certificates.authority.issue("old server", HOST, not_before=NOW - 9 * DAY, not_after=NOW - DAY)
    outcome = echo(s_server(issued=old), certificates)
    assert outcome.status == 4
    assert "expired" in outcome.stderr


def test_a_server_of_another_name(s_server: Serve, certificates: Certificates) -> None:
    outcome = echo(s_server(issued=certificates.misnamed), certificates)
    assert outcome.status == 4
    assert "pacs.example.org" in outcome.stderr


def test_a_server_that_renegotiates(certificates: Certificates, tmp_path: Path) -> None:
    """It speaks no DICOM either: what matters is that no handshake is begun again, and that we end in time."""
    port = free_port()
    command = (openssl(), "s_server", "-accept", f"{HOST}:{port}", *shown(certificates.server), "-tls1_2")
    with (tmp_path / "said").open("wb") as said:
        server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=said, stderr=subprocess.STDOUT)
    assert server.stdin is not None
    try:
        wait_until(lambda: b"ACCEPT" in (tmp_path / "said").read_bytes(), "openssl s_server listens")
        words = (sys.executable, "-m", "dcmnet_cli", "echo", HOST, str(port), "+tla", *certificates.trust, "-ta", "2")
        client = Process(words, tmp_path / "client")
        wait_until(lambda: b"CIPHER is" in (tmp_path / "said").read_bytes(), "the handshake is done")
        server.stdin.write(b"r\n")
        server.stdin.flush()
        assert client.wait() in (4, 6, 8), client.log
        assert "Traceback" not in client.log
        client.stop()
    finally:
        server.kill()
        server.wait()
        server.stdin.close()
    text = (tmp_path / "said").read_text(errors="replace")
    assert "SSL_do_handshake -> 1" in text
    assert text.count("CIPHER is") == 1
