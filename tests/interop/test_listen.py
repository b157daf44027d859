"""DCMTK's and pynetdicom's echoscu, and less friendly company, against ``dcmnet listen``."""

import signal
import socket
import sys
from collections.abc import Callable

import pytest

from tests.interop.conftest import StartListener
from tests.interop.peers import Certificates, own
from tests.interop.running import (
    HOST,
    Listener,
    Outcome,
    Process,
    free_port,
    is_open,
    missing,
    program,
    run,
    wait_until,
)

Ask = Callable[..., Outcome]
A_ABORT = 7


def ask_dcmtk(port: int, *options: str) -> Outcome:
    return run(program("echoscu", "dcmtk"), *options, HOST, str(port))


def ask_pynetdicom(port: int, *options: str) -> Outcome:
    try:
        import pynetdicom  # noqa: F401 - whether it is there
    except ImportError:
        missing("pynetdicom", "pip install pynetdicom")
    return run(sys.executable, "-m", "pynetdicom", "echoscu", HOST, str(port), *options)


@pytest.fixture(params=[ask_dcmtk, ask_pynetdicom], ids=["DCMTK", "pynetdicom"])
def ask(request: pytest.FixtureRequest) -> Ask:
    """The two programs in turn; both call themselves ECHOSCU and the peer ANY-SCP, and take -aet and -aec."""
    chosen: Ask = request.param
    return chosen


def kinds(listener: Listener) -> list[str]:
    return [event["event"] for event in listener.events]


def end(listener: Listener) -> None:
    """It ends when asked to, with exit status 0, a last event and nothing on stderr."""
    listener.process.signal(signal.SIGTERM)
    assert listener.process.wait() == 0
    assert kinds(listener)[-1] == "stopped"
    assert listener.process.stderr == ""


def test_echo_is_answered_and_told(listener: StartListener, ask: Ask) -> None:
    server = listener("-aet", "SERVER")
    assert ask(server.port, "-aet", "CT1", "-aec", "SERVER") == (0, "", "")
    closed = server.wait_for("closed")
    end(server)
    assert kinds(server) == ["listening", "association", "echo", "closed", "stopped"]
    first, association, *_, stopped = server.events
    assert (first["title"], first["addresses"], first["tls"]) == ("SERVER", [f"{HOST}:{server.port}"], False)
    assert (association["calling"], association["called"]) == ("CT1", "SERVER")
    assert (association["contexts_accepted"], association["contexts_proposed"]) == (1, 1)
    assert (closed["calling"], closed["association"]) == ("CT1", True)
    assert (stopped["associations"], stopped["echoes"], stopped["rejected"], stopped["failed"]) == (1, 1, 0, 0)


def test_every_pdu_is_shown_on_request_behind_its_peer(listener: StartListener) -> None:
    server = listener("-d", "--count", "1")
    assert ask_dcmtk(server.port).status == 0
    assert server.process.wait() == 0
    lines = [line.partition(" ") for line in server.process.stderr.splitlines()]
    assert {peer for peer, _, _ in lines} == {server.events[1]["peer"]}
    assert [text.split("  ")[0] for _, _, text in lines if text[0] in "←→"] == [
        "← A-ASSOCIATE-RQ",
        "→ A-ASSOCIATE-AC",
        "← P-DATA-TF",
        "← C-ECHO-RQ",
        "→ P-DATA-TF",
        "→ C-ECHO-RSP",
        "← A-RELEASE-RQ",
        "→ A-RELEASE-RP",
    ]


def test_many_contexts_and_echoes_of_dcmtk(listener: StartListener) -> None:
    server = listener("--count", "1")
    options = ("-ppc", "128", "-pts", "38", "--repeat", "50", "-v")
    outcome = ask_dcmtk(server.port, *options)
    assert outcome.status == 0
    assert outcome.stderr.count("Received Echo Response (Success)") == 50
    assert server.process.wait() == 0
    assert kinds(server) == ["listening", "association", *["echo"] * 50, "closed", "stopped"]
    assert server.events[1]["contexts_accepted"] == 128


def test_abort_of_dcmtk_is_told_and_survived(listener: StartListener) -> None:
    server = listener()
    assert ask_dcmtk(server.port, "--abort").status == 0
    server.wait_for("closed")
    assert ask_dcmtk(server.port) == (0, "", "")
    server.wait_for("closed", 2)
    end(server)
    assert kinds(server)[1:5] == ["association", "echo", "aborted", "closed"]
    assert server.events[3]["kind"] == "aborted"


@pytest.mark.parametrize(
    ("options", "sent", "reason", "number"),
    [
        (("--called", "PACS", "--called", "ARCHIVE"), ("-aec", "STRANGER"), "called ae title not recogni", 7),
        (("--calling", "CT1"), ("-aet", "NOBODY"), "calling ae title not recogni", 3),
        (("--refuse",), (), "no reason", 1),
    ],
    ids=["called", "calling", "refuse"],
)
def test_rejection_with_the_right_reason(
    listener: StartListener, ask: Ask, options: tuple[str, ...], sent: tuple[str, ...], reason: str, number: int
) -> None:
    server = listener(*options)
    outcome = ask(server.port, *sent)
    assert (outcome.status, outcome.stdout) == (1, "")
    assert "Result: Rejected Permanent, Source: Service User" in outcome.stderr
    assert f"reason: {reason}" in outcome.stderr.lower()
    event = server.wait_for("rejected")
    end(server)
    assert (event["result"], event["source"], event["reason"]) == (1, 1, number)
    assert f"(result 1, source 1, reason {number})" in event["detail"]
    assert "association" not in kinds(server)


def test_titles_on_the_lists_are_accepted(listener: StartListener, ask: Ask) -> None:
    server = listener("--called", "PACS", "--called", "ARCHIVE", "--calling", "CT1")
    for called in ("PACS", "ARCHIVE"):
        assert ask(server.port, "-aet", "CT1", "-aec", called) == (0, "", "")
    end(server)


def test_one_association_at_a_time(listener: StartListener, ask: Ask) -> None:
    from pynetdicom import AE
    from pynetdicom.sop_class import Verification

    server = listener("--max-associations", "1")
    guest = AE("GUEST")
    guest.add_requested_context(Verification)
    held = guest.associate(HOST, server.port)
    assert held.is_established
    outcome = ask(server.port)
    held.release()
    assert outcome.status == 1
    assert "Result: Rejected Transient, Source: Service Provider (Presentation" in outcome.stderr
    assert "reason: local limit exceeded" in outcome.stderr.lower()
    server.wait_for("closed", 2)
    assert ask(server.port) == (0, "", "")
    end(server)


def test_count_ends_it(listener: StartListener, ask: Ask) -> None:
    server = listener("--count", "2")
    assert ask(server.port) == (0, "", "")
    assert not server.process.has_ended
    assert ask(server.port) == (0, "", "")
    assert server.process.wait() == 0
    assert kinds(server)[-1] == "stopped"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_waits_for_the_open_association(listener: StartListener, number: signal.Signals) -> None:
    from pynetdicom import AE
    from pynetdicom.sop_class import Verification

    server = listener()
    guest = AE("GUEST")
    guest.add_requested_context(Verification)
    held = guest.associate(HOST, server.port)
    server.process.signal(number)
    wait_until(lambda: _refuses(server.port), "the port is closed")
    status = held.send_c_echo()
    held.release()
    assert status.Status == 0
    assert server.process.wait() == 0
    assert (server.events[-1]["event"], server.events[-1]["cut_off"]) == ("stopped", False)
    assert server.process.stderr == ""


def test_association_that_does_not_end_is_aborted_and_told(listener: StartListener) -> None:
    from pynetdicom import AE
    from pynetdicom.sop_class import Verification

    server = listener("--grace", "0.3")
    guest = AE("GUEST")
    guest.add_requested_context(Verification)
    held = guest.associate(HOST, server.port)
    server.process.signal(signal.SIGTERM)
    assert server.process.wait() == 1
    assert server.events[-1]["cut_off"] is True
    wait_until(lambda: held.is_aborted, "the guest hears of the abort")


def _refuses(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex((HOST, port)) != 0


NONSENSE = {
    "HTTP": (b"GET / HTTP/1.0\r\nHost: x\r\n\r\n", "an HTTP request"),
    "TLS": (bytes.fromhex("16 03 01 02 00 01 00 01 fc 03 03"), "a TLS client hello"),
    "escape": (b"SSH-2.0-\x1b[2J\x07evil\r\n", "\\x1b[2J"),
}


@pytest.mark.parametrize(("sent", "words"), NONSENSE.values(), ids=NONSENSE)
def test_nonsense_is_told_at_once_and_survived(listener: StartListener, ask: Ask, sent: bytes, words: str) -> None:
    server = listener()
    with socket.create_connection((HOST, server.port), 5.0) as connection:
        connection.sendall(sent)
        connection.settimeout(5.0)
        answer = connection.recv(64)
        assert answer[:1] in (b"", bytes([A_ABORT]))
    event = server.wait_for("not_dicom")
    assert words in event["detail"]
    assert "\x1b" not in server.process.stdout
    assert ask(server.port) == (0, "", "")
    end(server)


def test_silent_connections_lock_nobody_out(listener: StartListener, ask: Ask) -> None:
    server = listener()
    silent = [socket.create_connection((HOST, server.port), 5.0) for _ in range(200)]
    assert ask(server.port) == (0, "", "")
    for connection in silent:
        connection.close()
    end(server)


def test_tls_with_certificates_on_both_sides(listener: StartListener, certificates: Certificates) -> None:
    server = listener(*own(certificates.server), *certificates.trust)
    assert server.events[0]["tls"] is True
    assert ask_dcmtk(server.port, *own(certificates.client), *certificates.trust) == (0, "", "")
    server.wait_for("closed")
    end(server)
    assert kinds(server) == ["listening", "association", "echo", "closed", "stopped"]


def test_tls_of_pynetdicom(listener: StartListener, certificates: Certificates) -> None:
    import ssl

    from pynetdicom import AE
    from pynetdicom.sop_class import Verification

    server = listener(*own(certificates.server), *certificates.trust)
    context = ssl.create_default_context(cafile=certificates.authority.file)
    context.load_cert_chain(certificates.client.certificate_file, certificates.client.key_file)
    guest = AE("GUEST")
    guest.add_requested_context(Verification)
    association = guest.associate(HOST, server.port, tls_args=(context, HOST))
    assert association.is_established
    assert association.send_c_echo().Status == 0
    association.release()
    end(server)


def test_tls_without_client_certificates(listener: StartListener, certificates: Certificates) -> None:
    server = listener(*own(certificates.server), "-ic")
    assert ask_dcmtk(server.port, "+tla", "-ic") == (0, "", "")
    assert ask_dcmtk(server.port, "+tla", *certificates.trust) == (0, "", "")
    stranger = ask_dcmtk(server.port, "+tla", "+cf", certificates.stranger.file)
    assert stranger.status == 1
    assert "certificate verify failed" in stranger.stderr
    assert "does not know the authority that signed it" in server.wait_for("failed")["detail"]
    end(server)


def test_tls_clients_that_show_no_certificate_or_no_tls(listener: StartListener, certificates: Certificates) -> None:
    server = listener(*own(certificates.server), *certificates.trust)
    assert ask_dcmtk(server.port, "+tla", *certificates.trust).status == 1
    assert "showed no certificate" in server.wait_for("failed")["detail"]
    assert ask_dcmtk(server.port).status == 1
    assert "plain DICOM, not TLS" in server.wait_for("not_dicom")["detail"]
    assert ask_dcmtk(server.port, *own(certificates.client), *certificates.trust) == (0, "", "")
    end(server)


def test_log_for_pipes_has_five_cells(tmp_path_factory: pytest.TempPathFactory) -> None:
    port = free_port()
    words = (sys.executable, "-m", "dcmnet_cli", "listen", str(port), "--bind", HOST, "--count", "1")
    process = Process(words, tmp_path_factory.mktemp("pipe"))
    try:
        wait_until(lambda: process.has_ended or is_open(port), "dcmnet listen opens its port")
        assert ask_dcmtk(port) == (0, "", "")
        assert process.wait() == 0
        rows = [line.split("\t") for line in process.stdout.splitlines()]
        assert [(row[1], row[3]) for row in rows] == [
            ("-", "listening"),
            ("ECHOSCU", "association"),
            ("ECHOSCU", "echo"),
            ("-", "stopped"),
        ]
        assert {len(row) for row in rows} == {5}
        assert process.stderr == ""
    finally:
        process.stop()
