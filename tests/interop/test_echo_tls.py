"""``dcmnet echo`` over TLS, to storescp and to a peer that knows nothing newer than TLS 1.2."""

import socket
import ssl
from collections.abc import Iterator

import pytest

from tests.interop import peers
from tests.interop.peers import Certificates, own
from tests.interop.running import HOST, Outcome, Peer, dcmnet
from tests.interop.scripted import never_answer, scripted
from tests.interop.test_echo_refused import CLIMBED, explanation, headline

SECURED = [*CLIMBED, ("ok", "TLS handshake")]
FINISHED = [*SECURED, ("ok", "association"), ("ok", "C-ECHO"), ("ok", "release"), ("ok", "dcmnet echo")]
Folders = pytest.TempPathFactory


@pytest.fixture(scope="module")
def mutual(certificates: Certificates, tmp_path_factory: Folders) -> Iterator[Peer]:
    """storescp that demands a certificate of the authority."""
    options = (*own(certificates.server), *certificates.trust)
    with peers.storescp(tmp_path_factory.mktemp("mutual"), *options) as peer:
        yield peer


@pytest.fixture(scope="module")
def misnamed(certificates: Certificates, tmp_path_factory: Folders) -> Iterator[Peer]:
    """storescp that takes anyone, and shows a certificate with another name than it has here."""
    with peers.storescp(tmp_path_factory.mktemp("misnamed"), *own(certificates.misnamed), "-ic") as peer:
        yield peer


def assert_tls_failed(outcome: Outcome, *words: str) -> dict[str, str]:
    """Exit 4, in the ladder's rung for TLS or, as TLS 1.3 has it, at the first read after it."""
    assert outcome.status == 4, outcome
    assert outcome.names[:2] == CLIMBED
    assert outcome.names[-2:] in (
        [("FAILED", "TLS handshake"), ("FAILED", "dcmnet echo")],
        [("FAILED", "association"), ("FAILED", "dcmnet echo")],
    )
    assert headline(outcome).startswith("dcmnet echo: TLS with 127.0.0.1:")
    for word in words:
        assert word in headline(outcome)
    told = explanation(outcome)
    assert told["try 1"]
    return told


def test_both_show_a_certificate(mutual: Peer, certificates: Certificates) -> None:
    outcome = dcmnet("echo", *mutual.words, *own(certificates.client), *certificates.trust)
    assert (outcome.status, outcome.stderr) == (0, "")
    assert outcome.names == FINISHED
    handshake = outcome.rungs[2].detail
    assert handshake.startswith("TLSv1.3, TLS_")
    assert "CN=127.0.0.1, O=Example Hospital" in handshake


def test_plain_to_tls_says_that_it_is_tls(mutual: Peer) -> None:
    outcome = dcmnet("echo", *mutual.words)
    assert outcome.status == 10
    assert outcome.names == [*CLIMBED, ("FAILED", "association"), ("FAILED", "dcmnet echo")]
    assert headline(outcome) == f"dcmnet echo: {mutual.label} speaks TLS, and we did not"
    told = explanation(outcome)
    assert "+tla" in told["try 1"]
    assert told["who acts"] == "this side"


def test_tls_to_plain(storescp: Peer, certificates: Certificates) -> None:
    outcome = dcmnet("echo", *storescp.words, "+tla", *certificates.trust)
    told = assert_tls_failed(outcome, "without a word of TLS")
    assert "leave TLS out" in told["try 1"]


def test_no_certificate_where_one_is_demanded(mutual: Peer, certificates: Certificates) -> None:
    outcome = dcmnet("echo", *mutual.words, "+tla", *certificates.trust)
    told = assert_tls_failed(outcome, "the peer demands a certificate from us")
    assert "+tls KEY CERT" in told["try 1"]


def test_no_certificate_as_json(mutual: Peer, certificates: Certificates) -> None:
    outcome = dcmnet("echo", *mutual.words, "+tla", *certificates.trust, "--json")
    told = outcome.json
    assert (outcome.status, outcome.stderr, told["ok"], told["exit"]) == (4, "", False, 4)
    assert (told["error"]["kind"], told["error"]["layer"]) == ("tls", "tls")
    assert told["error"]["reason"] == "client_certificate_required"


def test_unknown_authority(mutual: Peer, certificates: Certificates) -> None:
    outcome = dcmnet("echo", *mutual.words, *own(certificates.client), "+cf", certificates.stranger.file)
    told = assert_tls_failed(outcome, "an authority that is not trusted here", "CN=Test Authority")
    assert outcome.names[2] == ("FAILED", "TLS handshake")
    assert "+cf" in told["try 1"]


def test_our_certificate_is_of_an_authority_unknown_there(mutual: Peer, certificates: Certificates) -> None:
    ours = certificates.stranger.issue("client", "workstation.example.org")
    outcome = dcmnet("echo", *mutual.words, *own(ours), *certificates.trust)
    assert_tls_failed(outcome, "the peer refused our certificate")


def test_unverified_when_asked_for_and_with_a_warning(mutual: Peer, certificates: Certificates) -> None:
    outcome = dcmnet("echo", *mutual.words, *own(certificates.client), "-ic")
    assert outcome.status == 0
    assert outcome.names == FINISHED
    assert outcome.rungs[2].detail.endswith("NOT verified")
    assert outcome.stderr.startswith("note: WARNING")
    assert outcome.stderr.count("\n") == 1


def test_name_mismatch_tells_both_names(misnamed: Peer, certificates: Certificates) -> None:
    outcome = dcmnet("echo", *misnamed.words, "+tla", *certificates.trust)
    assert_tls_failed(outcome, "pacs.example.org", HOST)
    assert outcome.names[2] == ("FAILED", "TLS handshake")


@pytest.mark.parametrize(
    "way", [("--no-hostname-check",), ("--server-name", "pacs.example.org")], ids=lambda way: way[0]
)
def test_ways_around_a_name_mismatch(misnamed: Peer, certificates: Certificates, way: tuple[str, ...]) -> None:
    outcome = dcmnet("echo", *misnamed.words, "+tla", *certificates.trust, *way)
    assert outcome.status == 0
    assert outcome.names == FINISHED


def test_encrypted_key_and_its_password(mutual: Peer, certificates: Certificates) -> None:
    locked = certificates.authority.issue("locked", "workstation.example.org", password="open sesame")
    words = ("echo", *mutual.words, *own(locked), *certificates.trust)
    right = dcmnet(*words, "--key-password-env", "KEY_PASSWORD", KEY_PASSWORD="open sesame")
    wrong = dcmnet(*words, "--key-password-env", "KEY_PASSWORD", KEY_PASSWORD="open barley")
    assert (right.status, right.names, right.stderr) == (0, FINISHED, "")
    assert wrong.status == 2
    assert "password" in wrong.stderr
    assert "barley" not in wrong.stdout + wrong.stderr


def test_node_with_tls_of_a_configuration(mutual: Peer, certificates: Certificates) -> None:
    client = certificates.client
    file = certificates.authority.folder / "nodes.toml"  # its paths are relative to itself
    file.write_text(
        f'[nodes.safe]\nhost = "{HOST}"\nport = {mutual.port}\n'
        f'tls = {{ ca = "authority.pem", key = "{client.key_file}", certificate = "client.pem" }}\n'
    )
    outcome = dcmnet("echo", "safe", "--config", str(file))
    assert (outcome.status, outcome.names, outcome.stderr) == (0, FINISHED, "")


def test_plain_to_old_tls_that_demands_a_certificate(certificates: Certificates) -> None:
    """TLS 1.2 fails within the handshake where TLS 1.3 fails after it; both prove that it is TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificates.server.certificate_file, certificates.server.key_file)
    context.load_verify_locations(certificates.authority.file)
    context.verify_mode = ssl.CERT_REQUIRED

    def demand(connection: socket.socket) -> None:
        try:
            never_answer(context.wrap_socket(connection, server_side=True))
        except ssl.SSLError:
            return  # what the test is about: the next connection is served

    with scripted(demand) as port:
        plain = dcmnet("echo", HOST, str(port))
        secured = dcmnet("echo", HOST, str(port), *own(certificates.client), *certificates.trust, "-ta", "0.5")
    assert plain.status == 10
    assert "speaks TLS" in headline(plain)
    assert (secured.status, secured.names[2]) == (8, ("ok", "TLS handshake"))
    assert secured.rungs[2].detail.startswith("TLSv1.2")
