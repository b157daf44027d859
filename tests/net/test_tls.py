"""TLS on loopback, both roles, with certificates made for the purpose."""

import os
import socket
import ssl
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from dcmnet_cli.core.steps import Step
from dcmnet_cli.errors import ConnectionLost, DcmnetError, InputError, TimedOut, TLSError, UsageError
from dcmnet_cli.net.tls import (
    TLSSettings,
    TLSTransport,
    client_context,
    server_context,
    start_client,
    start_server,
    usable_ciphers,
)
from dcmnet_cli.net.transport import Transport, connect, listen
from tests.certificates import DAY, NOW, Authority, Issued, der, self_signed


class World:
    """One authority, a server's certificate for localhost, and settings that fit together."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = Authority(folder / "ca")
        self.stranger = Authority(folder / "stranger", "Unknown Authority")
        self.server = self.authority.issue("server", "localhost", "127.0.0.1")
        self.client = self.authority.issue("client")
        self.serving = TLSSettings(self.server.key_file, self.server.certificate_file, verify="ignore")
        self.mutual = self.serving._replace(verify="require", ca_files=(self.authority.file,))
        self.asking = TLSSettings(ca_files=(self.authority.file,))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("tls"))


def using(settings: TLSSettings, issued: Issued) -> TLSSettings:
    return settings._replace(key_file=issued.key_file, certificate_file=issued.certificate_file)


class Server:
    """Serves connections one at a time in a thread, echoing what it reads; ``outcome`` is that of the first."""

    def __init__(self, serve: Callable[[socket.socket], object]) -> None:
        (self._listener,) = listen("127.0.0.1", 0)
        self._listener.setblocking(True)
        self.port = self._listener.getsockname()[1]
        self.outcomes: list[object] = []
        self._serve = serve
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            try:
                self.outcomes.append(self._serve(sock))
            except (DcmnetError, OSError) as error:
                self.outcomes.append(error)
            finally:
                sock.close()

    def outcome(self) -> object:
        """Wait for the first connection to end."""
        until = time.monotonic() + 2
        while not self.outcomes and time.monotonic() < until:
            time.sleep(0.005)
        return self.outcomes[0]

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(2)


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(work: Callable[[socket.socket], object]) -> Server:
        servers.append(Server(work))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def echoing(settings: TLSSettings, context: ssl.SSLContext | None = None) -> Callable[[socket.socket], object]:
    prepared = context or server_context(settings)

    def work(sock: socket.socket) -> object:
        secured = start_server(Transport(sock), settings, 2, context=prepared)
        view = memoryview(bytearray(1000))
        count = secured.recv_into(view, 2)
        secured.write_buffers([view[:count]], 2)
        secured.close()
        return secured.facts()

    return work


def dial(port: int, settings: TLSSettings, host: str = "127.0.0.1", **more: object) -> TLSTransport:
    return start_client(connect("127.0.0.1", port, timeout=2), settings, host, 2, **more)


def exchange(secured: TLSTransport) -> bytes:
    view = memoryview(bytearray(100))
    try:
        secured.write_buffers([b"he", b"llo"], 2)
        return bytes(view[: secured.recv_into(view, 2)])
    finally:
        secured.close()


def failure(port: int, settings: TLSSettings, host: str = "127.0.0.1") -> TLSError:
    with pytest.raises(TLSError) as caught:
        exchange(dial(port, settings, host))
    return caught.value


def keep_writing(transport: Transport) -> None:
    for _ in range(20):
        transport.write_buffers([bytes(1000)], 1)
        time.sleep(0.005)


def limited(settings: TLSSettings, newest: str, ciphers: str = "ALL:@SECLEVEL=0") -> ssl.SSLContext:
    """A server that knows nothing newer than this version."""
    context = server_context(settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = getattr(ssl.TLSVersion, newest)
    context.set_ciphers(ciphers)
    return context


# --- it works --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "localhost."])
def test_the_peer_is_verified_and_named(world: World, serve: Callable[..., Server], host: str) -> None:
    server = serve(echoing(world.serving))
    steps: list[Step] = []
    secured = dial(server.port, world.asking, host, on_step=steps.append)
    facts = secured.facts()
    assert exchange(secured) == b"hello"
    assert facts.version == "TLSv1.3"
    assert facts.is_verified
    assert facts.certificate is not None
    assert facts.certificate.names == ("localhost", "127.0.0.1")
    assert [(step.name, step.ok) for step in steps] == [("TLS handshake", True)]
    assert "CN=localhost" in steps[0].detail
    assert facts.cipher in steps[0].detail


def test_both_sides_show_certificates(world: World, serve: Callable[..., Server]) -> None:
    server = serve(echoing(world.mutual))
    assert exchange(dial(server.port, using(world.asking, world.client))) == b"hello"
    facts = server.outcome()
    assert facts.certificate.subject.startswith("CN=client")
    assert facts.is_verified


def test_verify_if_present_takes_clients_without_certificate(world: World, serve: Callable[..., Server]) -> None:
    server = serve(echoing(world.mutual._replace(verify="verify-if-present")))
    assert exchange(dial(server.port, world.asking)) == b"hello"
    facts = server.outcome()
    assert facts.certificate is None
    assert not facts.is_verified
    bad = world.stranger.issue("bad-client")
    failure(server.port, using(world.asking, bad))


def test_ignoring_certificates_takes_any_and_says_so(world: World, serve: Callable[..., Server]) -> None:
    server = serve(echoing(using(world.serving, self_signed(world.folder, "nowhere"))))
    secured = dial(server.port, TLSSettings(verify="ignore"))
    assert secured.facts().detail.endswith("NOT verified")
    assert exchange(secured) == b"hello"


def test_names_may_go_unchecked(world: World, serve: Callable[..., Server]) -> None:
    server = serve(echoing(world.serving))
    assert exchange(dial(server.port, world.asking._replace(check_hostname=False), "other")) == b"hello"


def test_another_name_can_be_asked_for(world: World, serve: Callable[..., Server]) -> None:
    server = serve(echoing(world.serving._replace(server_name="LocalHost")))
    assert exchange(dial(server.port, world.asking._replace(server_name="localhost"), "10.0.0.1")) == b"hello"


def test_a_common_name_will_do_without_alternative_names(world: World, serve: Callable[..., Server]) -> None:
    old_style = world.authority.issue("old-style", common_name="localhost")
    server = serve(echoing(using(world.serving, old_style)))
    assert exchange(dial(server.port, world.asking, "localhost")) == b"hello"


def test_a_certificate_can_be_trusted_itself(world: World, serve: Callable[..., Server]) -> None:
    server = serve(echoing(world.serving))
    assert exchange(dial(server.port, TLSSettings(ca_files=(world.server.certificate_file,)))) == b"hello"


def test_bulk_both_ways(world: World, serve: Callable[..., Server]) -> None:
    size = 3_000_000

    def work(sock: socket.socket) -> bytes:
        secured = start_server(Transport(sock), world.serving, 2)
        data = bytearray()
        view = memoryview(bytearray(200_000))
        while len(data) < size:
            count = secured.recv_into(view, 2)
            data += view[:count]
        secured.write_buffers([data[at : at + 1000] for at in range(0, size, 1000)], 2)
        secured.close()
        return bytes(data)

    server = serve(work)
    secured = dial(server.port, world.asking)
    sent = os.urandom(size)
    pieces = [memoryview(sent)[:12], b"", bytearray(sent[12:70_000]), memoryview(sent)[70_000:]]
    secured.write_buffers(pieces, 2)
    back = bytearray()
    view = memoryview(bytearray(777))
    while count := secured.recv_into(view, 2):
        back += view[:count]
    assert server.outcome() == sent
    assert bytes(back) == sent
    secured.close()


def test_one_read_takes_many_records(world: World, serve: Callable[..., Server]) -> None:
    def work(sock: socket.socket) -> None:
        secured = start_server(Transport(sock), world.serving, 2)
        secured.write_buffers([bytes(60_000)], 2)
        secured.close()

    secured = dial(serve(work).port, world.asking)
    time.sleep(0.1)
    assert secured.recv_into(memoryview(bytearray(100_000)), 2) > 16_384
    secured.close()


# --- reading -----------------------------------------------------------------------------------------------------


def test_read_timeout(world: World, serve: Callable[..., Server]) -> None:
    secured = dial(serve(echoing(world.serving)).port, world.asking)
    with pytest.raises(TimeoutError):
        secured.recv_into(memoryview(bytearray(10)), 0.05)
    assert exchange(secured) == b"hello"


@pytest.mark.parametrize("is_polite", [True, False])
def test_the_end_of_the_stream(world: World, serve: Callable[..., Server], is_polite: bool) -> None:
    def work(sock: socket.socket) -> None:
        secured = start_server(Transport(sock), world.serving, 2)
        secured.write_buffers([b"bye"], 2)
        if is_polite:
            secured.shutdown_write()
            secured.recv_into(memoryview(bytearray(1)), 1)
        sock.close()

    secured = dial(serve(work).port, world.asking)
    view = memoryview(bytearray(10))
    assert secured.recv_into(view, 2) == 3
    assert secured.recv_into(view, 2) == 0
    assert secured.recv_into(view, 2) == 0
    secured.close()
    secured.close()


def test_what_was_changed_on_the_way_is_an_error(world: World, serve: Callable[..., Server]) -> None:
    def work(sock: socket.socket) -> None:
        secured = start_server(Transport(sock), world.serving, 2)
        secured.write_buffers([b"good"], 2)
        Transport.write_buffers(secured, [bytes.fromhex("17 03 03 00 20") + bytes(32)], 2)
        time.sleep(0.1)

    secured = dial(serve(work).port, world.asking)
    view = memoryview(bytearray(10))
    time.sleep(0.05)
    # What came in good order is still delivered.
    assert secured.recv_into(view, 2) == 4
    with pytest.raises(TLSError) as caught:
        secured.recv_into(view, 2)
    assert caught.value.reason == "integrity"
    secured.close()


def test_sessions_are_not_resumed(world: World, serve: Callable[..., Server]) -> None:
    server = serve(echoing(world.serving))
    context = ssl.create_default_context(cafile=world.authority.file)
    with (
        socket.create_connection(("127.0.0.1", server.port), 2) as sock,
        context.wrap_socket(sock, server_hostname="localhost") as secured,
    ):
        secured.sendall(b"x")
        assert secured.recv(1) == b"x"
        assert secured.session is None or not secured.session.has_ticket


# --- certificates that do not verify -----------------------------------------------------------------------------


def test_unknown_authority(world: World, serve: Callable[..., Server]) -> None:
    server = serve(echoing(world.serving))
    for settings in (TLSSettings(), TLSSettings(ca_files=(world.stranger.file,))):
        error = failure(server.port, settings)
        assert error.reason == "unknown_ca"
        assert "signed by an authority that is not trusted here (CN=Test Authority" in error.message
        assert any("+cf" in hint for hint in error.hints)
    assert server.outcome().reason == "our_certificate_refused"


def test_self_signed(world: World, serve: Callable[..., Server]) -> None:
    issued = self_signed(world.folder, "127.0.0.1")
    server = serve(echoing(using(world.serving, issued)))
    assert failure(server.port, world.asking).reason == "self_signed"
    assert exchange(dial(server.port, TLSSettings(ca_files=(issued.certificate_file,)))) == b"hello"


def test_expired_says_when(world: World, serve: Callable[..., Server]) -> None:
    issued = world.authority.issue("expired", "127.0.0.1", not_before=NOW - 9 * DAY, not_after=NOW - 2 * DAY)
    error = failure(serve(echoing(using(world.serving, issued))).port, world.asking)
    assert error.reason == "expired"
    assert f"the peer's certificate expired on {NOW - 2 * DAY:%Y-%m-%d %H:%M} UTC" in error.message
    assert error.details["certificate"]["subject"].startswith("CN=127.0.0.1")


def test_not_yet_valid_says_when(world: World, serve: Callable[..., Server]) -> None:
    issued = world.authority.issue("early", "127.0.0.1", not_before=NOW + 2 * DAY)
    error = failure(serve(echoing(using(world.serving, issued))).port, world.asking)
    assert error.reason == "not_yet_valid"
    assert f"not valid before {NOW + 2 * DAY:%Y-%m-%d}" in error.message


@pytest.mark.parametrize("host", ["pacs.example.org", "127.0.0.9"])
def test_name_mismatch_says_both_names(world: World, serve: Callable[..., Server], host: str) -> None:
    error = failure(serve(echoing(world.serving)).port, world.asking, host)
    assert error.reason == "name_mismatch"
    assert f'is for localhost, 127.0.0.1, not for "{host}"' in error.message


def test_revoked_and_unknown_revocation(world: World, serve: Callable[..., Server]) -> None:
    good, bad = world.authority.issue("good", "127.0.0.1"), world.authority.issue("withdrawn", "127.0.0.1")
    for is_der in (False, True):
        settings = world.asking._replace(crl_files=(world.authority.revoke(bad, is_der=is_der),))
        assert failure(serve(echoing(using(world.serving, bad))).port, settings).reason == "revoked"
        assert exchange(dial(serve(echoing(using(world.serving, good))).port, settings)) == b"hello"
    unknown = settings._replace(crl_files=(world.stranger.revoke(),), crl_check="chain")
    assert failure(serve(echoing(using(world.serving, good))).port, unknown).reason == "no_crl"


def test_the_certificate_is_named_though_the_server_takes_one_connection_only(
    world: World, serve: Callable[..., Server]
) -> None:
    """The second look may fail; the first failure must be told all the same."""
    refuse = threading.Event()

    def work(sock: socket.socket) -> None:
        if not refuse.is_set():
            refuse.set()
            start_server(Transport(sock), world.serving, 2)

    error = failure(serve(work).port, TLSSettings(ca_files=(world.stranger.file,)))
    assert error.reason == "unknown_ca"
    assert error.details["certificate"] is None


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_the_server_demands_a_certificate(world: World, serve: Callable[..., Server], version: str) -> None:
    context = server_context(world.mutual)
    context.maximum_version = getattr(ssl.TLSVersion, version)
    server = serve(echoing(world.mutual, context))
    error = failure(server.port, world.asking)
    assert error.reason == "client_certificate_required"
    assert "demands a certificate from us" in error.message
    assert server.outcome().reason == "no_client_certificate"


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_the_server_refuses_our_certificate(world: World, serve: Callable[..., Server], version: str) -> None:
    context = server_context(world.mutual)
    context.maximum_version = getattr(ssl.TLSVersion, version)
    server = serve(echoing(world.mutual, context))
    error = failure(server.port, using(world.asking, world.stranger.issue("other-client")))
    assert error.reason == "our_certificate_refused"
    assert "does not know the authority" in error.message
    answer = server.outcome()
    assert answer.reason == "unknown_ca"
    assert "the client's certificate is signed by an authority that is not trusted here" in answer.message


# --- versions and suites -----------------------------------------------------------------------------------------


def test_no_version_in_common(world: World, serve: Callable[..., Server]) -> None:
    server = serve(echoing(world.serving, limited(world.serving, "TLSv1_1")))
    assert failure(server.port, world.asking).reason == "no_shared_version"
    assert server.outcome().reason == "no_shared_version"
    old = dial(server.port, world.asking._replace(profile="+px"))
    assert old.facts().version == "TLSv1.1"
    assert exchange(old) == b"hello"


def test_no_suite_in_common(world: World, serve: Callable[..., Server]) -> None:
    only = limited(world.serving, "TLSv1_2", "ECDHE-ECDSA-AES256-SHA384")
    server = serve(echoing(world.serving, only))
    error = failure(server.port, world.asking)
    assert error.reason == "no_shared_cipher"
    assert any("+cs" in hint for hint in error.hints)
    assert server.outcome().reason == "no_shared_cipher"
    wider = world.asking._replace(ciphers=("TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384",))
    assert exchange(dial(server.port, wider)) == b"hello"


def test_tls_1_3_alone(world: World, serve: Callable[..., Server]) -> None:
    server = serve(echoing(world.serving, limited(world.serving, "TLSv1_2")))
    assert failure(server.port, world.asking._replace(profile="tls1.3")).reason == "no_shared_version"


def test_the_server_serves_another_name(world: World, serve: Callable[..., Server]) -> None:
    server = serve(echoing(world.serving._replace(server_name="pacs.example.org")))
    error = failure(server.port, world.asking, "localhost")
    assert error.reason == "unknown_name"
    assert server.outcome().reason == "unknown_name"


# --- no TLS at all -----------------------------------------------------------------------------------------------


def saying(answer: bytes) -> Callable[[socket.socket], object]:
    def work(sock: socket.socket) -> None:
        sock.recv(1000)
        if answer:
            sock.sendall(answer)

    return work


def test_a_plain_dicom_server(world: World, serve: Callable[..., Server]) -> None:
    error = failure(serve(saying(bytes.fromhex("07 00 00 00 00 04 00 00 02 01"))).port, world.asking)
    assert error.reason == "plain_dicom"
    assert "speaks plain DICOM" in error.message


def test_an_http_server(world: World, serve: Callable[..., Server]) -> None:
    error = failure(serve(saying(b"HTTP/1.1 400 Bad Request\r\n\r\n")).port, world.asking)
    assert error.reason == "not_tls"
    assert error.details["protocol"] == "http"
    assert '"HTTP/1.1 400 Bad Request"' in error.message


def test_a_server_that_closes_at_once(world: World, serve: Callable[..., Server]) -> None:
    error = failure(serve(saying(b"")).port, world.asking)
    assert error.reason == "closed"
    assert "at once" in error.message
    assert any("plain DICOM" in hint for hint in error.hints)


def test_a_server_that_resets(world: World, serve: Callable[..., Server]) -> None:
    def work(sock: socket.socket) -> None:
        sock.recv(1)
        Transport(sock).close(abort=True)

    assert failure(serve(work).port, world.asking).reason == "reset"


@pytest.mark.parametrize(
    ("first", "reason"),
    [("15 03 01 00 02 02 28", "no_shared_cipher"), ("16 03 03", "reset"), ("", "reset")],
)
def test_a_server_that_is_gone_before_our_hello(
    world: World, serve: Callable[..., Server], first: str, reason: str
) -> None:
    def work(sock: socket.socket) -> None:
        sock.sendall(bytes.fromhex(first))
        time.sleep(0.02)
        Transport(sock).close(abort=True)

    server = serve(work)
    transport = connect("127.0.0.1", server.port, timeout=2)
    server.outcome()
    time.sleep(0.02)
    with pytest.raises(TLSError) as caught:
        start_client(transport, world.asking, "127.0.0.1", 2)
    assert caught.value.reason == reason


def test_a_silent_server(world: World, serve: Callable[..., Server]) -> None:
    release = threading.Event()
    server = serve(lambda sock: release.wait(2))
    steps: list[Step] = []
    transport = connect("127.0.0.1", server.port, timeout=2)
    with pytest.raises(TimedOut, match="said nothing") as caught:
        start_client(transport, world.asking, "127.0.0.1", 0.1, on_step=steps.append)
    release.set()
    assert (caught.value.timer, caught.value.seconds, caught.value.layer) == ("tls", 0.1, "tls")
    assert not steps[0].ok
    assert transport.sock.fileno() == -1


@pytest.mark.parametrize(
    ("first", "reason", "words"),
    [
        (bytes.fromhex("01 00 00 00 00 cd 00 01 00 00"), "plain_dicom", "plain DICOM"),
        (b"GET / HTTP/1.0\r\n\r\n", "not_tls", "HTTP request"),
        (b"", "closed", "at once"),
        (bytes.fromhex("16 03 01 00 04 ff ff ff ff"), "protocol", ""),
    ],
)
def test_clients_without_tls(world: World, serve: Callable[..., Server], first: bytes, reason: str, words: str) -> None:
    server = serve(echoing(world.serving))
    with socket.create_connection(("127.0.0.1", server.port), 2) as sock:
        sock.sendall(first)
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(100):
            pass
    error = server.outcome()
    assert isinstance(error, TLSError)
    assert error.reason == reason
    assert words in error.message


def test_a_client_that_drips_is_timed_out(world: World, serve: Callable[..., Server]) -> None:
    server = serve(lambda sock: start_server(Transport(sock), world.serving, 0.15))
    begin = time.monotonic()
    with (
        socket.create_connection(("127.0.0.1", server.port), 2) as sock,
        suppress(BrokenPipeError, ConnectionResetError),
    ):
        for byte in bytes.fromhex("16 03 01 40 00 01 00 00"):
            sock.sendall(bytes([byte]))
            time.sleep(0.03)
    error = server.outcome()
    assert isinstance(error, TimedOut)
    assert time.monotonic() - begin < 1


def test_a_reset_after_the_handshake_is_a_lost_connection(world: World, serve: Callable[..., Server]) -> None:
    server = serve(lambda sock: start_server(Transport(sock), world.serving, 2).close(abort=True))
    secured = dial(server.port, world.asking)
    server.outcome()
    with pytest.raises(ConnectionLost, match="reset by the peer"):
        secured.recv_into(memoryview(bytearray(10)), 2)
    secured.close()


def test_a_refusal_is_heard_after_a_write_failed(world: World, serve: Callable[..., Server]) -> None:
    """With TLS 1.3 the server refuses us when we have begun to send; its alert still waits to be read."""
    context = server_context(world.mutual)
    server = serve(lambda sock: start_server(Transport(sock), world.mutual, 2, context=context))
    secured = dial(server.port, world.asking)
    server.outcome()
    with pytest.raises(ConnectionLost):
        keep_writing(secured)
    with pytest.raises(TLSError) as caught:
        secured.recv_into(memoryview(bytearray(10)), 1)
    assert caught.value.reason == "client_certificate_required"
    secured.close()


def test_a_write_to_a_peer_that_has_gone(world: World, serve: Callable[..., Server]) -> None:
    server = serve(lambda sock: start_server(Transport(sock), world.serving, 2).close(abort=True))
    secured = dial(server.port, world.asking)
    server.outcome()
    with pytest.raises(ConnectionLost):
        keep_writing(secured)
    secured.close()


# --- settings and files ------------------------------------------------------------------------------------------


def test_the_password_opens_the_key_and_is_never_shown(world: World, serve: Callable[..., Server]) -> None:
    issued = world.authority.issue("locked", "127.0.0.1", password="s3cret-word")
    settings = using(world.serving, issued)
    for password in ("s3cret-word", lambda: "s3cret-word"):
        server = serve(echoing(settings._replace(key_password=password)))
        assert exchange(dial(server.port, world.asking)) == b"hello"
    wrong = settings._replace(key_password="wr0ng-word")
    assert "wr0ng-word" not in repr(wrong)
    assert "wr0ng-word" not in str(wrong)
    with pytest.raises(InputError, match=r"password does not open private key .*locked\.key") as caught:
        server_context(wrong)
    assert "wr0ng-word" not in caught.value.message
    with pytest.raises(InputError, match=r"locked\.key is encrypted and no password is given"):
        server_context(settings)


def test_nobody_is_asked_for_the_password_of_an_open_key(world: World) -> None:
    def ask() -> str:
        raise AssertionError("asked")

    server_context(world.serving._replace(key_password=ask))


FORMS = [
    (serialization.PrivateFormat.PKCS8, ""),
    (serialization.PrivateFormat.TraditionalOpenSSL, ""),
    (serialization.PrivateFormat.PKCS8, "pw"),
]


@pytest.mark.parametrize("kind", ["ec", "rsa"])
@pytest.mark.parametrize(("form", "password"), FORMS)
def test_der_files(
    world: World, serve: Callable[..., Server], kind: str, form: serialization.PrivateFormat, password: str
) -> None:
    key = rsa.generate_private_key(65537, 2048) if kind == "rsa" else None
    issued = world.authority.issue(f"der-{kind}", "127.0.0.1", key=key)
    encryption = serialization.BestAvailableEncryption(password.encode()) if password else None
    key_file = issued.write_key(world.folder / "key.der", serialization.Encoding.DER, form, encryption)
    certificate_file = world.folder / "certificate.der"
    certificate_file.write_bytes(der(issued.certificate))
    authority_file = world.folder / "authority.der"
    authority_file.write_bytes(der(world.authority.certificate))
    server = serve(echoing(TLSSettings(key_file, str(certificate_file), password or None, verify="ignore")))
    assert exchange(dial(server.port, TLSSettings(ca_files=(str(authority_file),)))) == b"hello"


def test_a_der_key_leaves_no_copy_behind(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    key_file = world.server.write_key(world.folder / "server.der", serialization.Encoding.DER)
    server_context(world.serving._replace(key_file=key_file))
    wrong = world.client.write_key(world.folder / "wrong.der", serialization.Encoding.DER)
    with pytest.raises(InputError):
        server_context(world.serving._replace(key_file=wrong))
    assert list(tmp_path.iterdir()) == []


def test_files_that_cannot_be_used(world: World) -> None:
    serving, folder = world.serving, world.folder
    junk = folder / "junk"
    junk.write_bytes(b"not a key")
    bundle = folder / "bundle.p12"
    bundle.write_bytes(
        pkcs12.serialize_key_and_certificates(
            b"x", world.client.key, world.client.certificate, None, serialization.NoEncryption()
        )
    )
    cases = {
        "cannot read private key .*absent: no such file": serving._replace(key_file=str(folder / "absent")),
        "cannot read certificate .*absent: no such file": serving._replace(certificate_file=str(folder / "absent")),
        "does not belong to certificate": serving._replace(key_file=world.client.key_file),
        "holds no private key": serving._replace(key_file=world.server.certificate_file),
        "holds no certificate": serving._replace(certificate_file=world.server.key_file),
        "neither a PEM nor a DER private key": serving._replace(key_file=str(junk)),
        "cannot use private key": serving._replace(certificate_file=str(junk)),
        "is a PKCS #12 file": serving._replace(key_file=str(bundle)),
        "cannot read certificate authority .*absent": serving._replace(ca_files=(str(folder / "absent"),)),
        "junk holds no certificate": serving._replace(ca_files=(str(junk),)),
        "junk holds no certificate revocation list": serving._replace(crl_files=(str(junk),)),
        "cannot read certificate folder": serving._replace(ca_dirs=(str(folder / "absent"),)),
    }
    for message, settings in cases.items():
        with pytest.raises(InputError, match=message):
            server_context(settings)


def test_certificates_from_a_folder(world: World, serve: Callable[..., Server], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no certificate"):
        client_context(TLSSettings(ca_dirs=(str(tmp_path),)))
    (tmp_path / "hospital.crt").write_bytes(Path(world.authority.file).read_bytes())
    (tmp_path / "notes.pem").write_text("nothing of use")
    server = serve(echoing(world.serving))
    assert exchange(dial(server.port, TLSSettings(ca_dirs=(str(tmp_path),)))) == b"hello"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"key_file": None, "certificate_file": None}, "needs a private key and a certificate"),
        ({"verify": "require"}, "no certificate authority is given"),
        ({"verify": "maybe"}, '"maybe" is none of'),
        ({"crl_check": "all"}, '"all" is none of'),
        ({"crl_check": "leaf"}, "without a list"),
        ({"profile": "+pa"}, "retired and not secure"),
        ({"profile": "fips"}, "none of 8996, 8996-mod"),
        ({"ciphers": ("TLS_RSA_WITH_NOTHING",)}, "is not known to OpenSSL"),
        ({"ciphers": ("TLS_RSA_WITH_NULL_SHA256",)}, "does not protect"),
        ({"ciphers": ("ADH-AES256-GCM-SHA384",)}, "does not protect"),
        ({"profile": "tls1.3", "ciphers": ("AES128-SHA",)}, "none can be added"),
    ],
)
def test_settings_that_cannot_be_meant(world: World, changes: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        server_context(world.serving._replace(**changes))


def test_a_client_needs_both_halves_of_its_identity(world: World) -> None:
    with pytest.raises(UsageError, match="go together"):
        client_context(TLSSettings(key_file=world.client.key_file))


def test_a_failed_start_closes_the_connection(world: World, serve: Callable[..., Server]) -> None:
    transport = connect("127.0.0.1", serve(echoing(world.serving)).port, timeout=2)
    with pytest.raises(UsageError):
        start_client(transport, TLSSettings(profile="+pn"), "localhost", 1)
    assert transport.sock.fileno() == -1
    ours, theirs = socket.socketpair()
    with pytest.raises(UsageError):
        start_server(Transport(ours), TLSSettings(), 1)
    assert theirs.recv(1) == b""
    theirs.close()
    transport = connect("127.0.0.1", serve(echoing(world.serving)).port, timeout=2)
    with pytest.raises(UsageError, match="cannot be a server name"):
        start_client(transport, world.asking, ".leading", 1)
    assert transport.sock.fileno() == -1


@pytest.mark.parametrize("profile", ["8996", "8996-mod", "bcp195-nd", "bcp195-ex", "bcp195", "tls1.3"])
def test_what_a_profile_offers(profile: str) -> None:
    names = usable_ciphers(profile)
    newest = {"TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"}
    older = set(names) - newest
    assert newest <= set(names)
    # RFC 9325 4.2, which PS3.15 B.12 repeats
    recommended = {
        f"ECDHE-{kind}-{suite}" for kind in ("RSA", "ECDSA") for suite in ("AES128-GCM-SHA256", "AES256-GCM-SHA384")
    }
    if profile == "tls1.3":
        assert not older
    else:
        assert recommended <= older
    if profile == "8996":
        assert older == recommended
    if profile != "bcp195":
        assert all("GCM" in name or "CCM" in name or "POLY1305" in name for name in older)
