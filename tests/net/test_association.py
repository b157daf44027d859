"""An association over TCP against a peer whose every byte is scripted, in either role."""

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from dcmnet_cli.core.association import Timers
from dcmnet_cli.core.commands import CEchoRQ, CEchoRSP, CStoreRQ, CStoreRSP
from dcmnet_cli.core.events import Trace
from dcmnet_cli.core.negotiation import AcceptorPolicy, answer
from dcmnet_cli.core.pdata import Chunks
from dcmnet_cli.core.pdu import AAssociateAC, AAssociateRJ, AAssociateRQ
from dcmnet_cli.errors import (
    AssociationAborted,
    AssociationRejected,
    ConnectionLost,
    DcmnetError,
    InvalidCommandSet,
    InvalidPDU,
    LocalProtocolError,
    RemoteProtocolError,
    TimedOut,
    TLSError,
    UnexpectedMessage,
    UnexpectedRelease,
    WrongProtocol,
)
from dcmnet_cli.net.association import Association
from dcmnet_cli.net.observer import Observer
from dcmnet_cli.net.transport import Transport
from tests.golden import associate as golden
from tests.golden import messages
from tests.scripted import (
    ABORT_BY_USER,
    QUICK,
    RELEASE_RP,
    RELEASE_RQ,
    Peer,
    Watcher,
    abort_by_provider,
    command,
    connected,
    echo_request,
    echo_response,
    joined,
    p_data,
    us,
)

RQ, AC = golden.RQ_ECHO.data, golden.AC_ECHO.data
REQUEST = golden.RQ_ECHO.record
assert isinstance(REQUEST, AAssociateRQ)
POLICY = AcceptorPolicy(any_abstract_syntax=True)
LABEL = "ANY-SCP@pacs:104"
STORE = CStoreRQ(7, golden.CT_STORAGE, messages.INSTANCE)

Pair = tuple[Transport, Peer]


@pytest.fixture
def pair() -> Iterator[Pair]:
    transport, peer = connected()
    yield transport, peer
    transport.close()
    peer.close()


def request(transport: Transport, *observers: Observer, timers: Timers = QUICK) -> Association:
    return Association.request(transport, REQUEST, peer=LABEL, timers=timers, observers=observers)


def established(pair: Pair, *observers: Observer, timers: Timers = QUICK) -> tuple[Association, Peer]:
    """Our association as requestor, and the peer that has accepted it."""
    transport, peer = pair
    peer.send(AC)
    association = request(transport, *observers, timers=timers)
    assert peer.pdu() == RQ
    return association, peer


def accepted(pair: Pair, *observers: Observer, data: bytes = RQ, timers: Timers = QUICK) -> tuple[Association, Peer]:
    """Our association as acceptor, and the peer that has asked for it."""
    transport, peer = pair
    association = Association(transport, is_requestor=False, peer=transport.remote, timers=timers, observers=observers)
    peer.send(data)
    response = answer(association.receive_request(), POLICY)
    assert isinstance(response, AAssociateAC)
    association.accept(response)
    assert peer.pdu()[:1] == b"\2"
    return association, peer


def is_closed(association: Association) -> bool:
    return association.transport.sock.fileno() < 0


# --- the requestor's life ------------------------------------------------------------------------------------------


def test_a_whole_life_as_requestor(pair: Pair) -> None:
    watcher = Watcher()
    association, peer = established(pair, watcher)
    assert association.is_open
    assert association.requested == REQUEST
    assert association.negotiated.contexts[1].transfer_syntax == golden.IMPLICIT
    peer.send(messages.ECHO_RSP.pdus)
    assert association.call(1, CEchoRQ(association.next_message_id())).status == 0
    assert peer.pdu() == messages.ECHO_RQ.pdus
    peer.send(RELEASE_RP)
    assert association.release() == ""
    assert peer.rest() == RELEASE_RQ
    assert is_closed(association)
    assert watcher.seen == [("requested", REQUEST), ("accepted", association.negotiated), ("released",)]


def test_a_context_manager_releases_or_aborts(pair: Pair) -> None:
    association, peer = established(pair)
    peer.send(RELEASE_RP)
    with association:
        pass
    assert peer.rest() == RELEASE_RQ
    association, peer = established(connected())
    with pytest.raises(ZeroDivisionError), association:
        raise ZeroDivisionError
    assert peer.rest() == ABORT_BY_USER
    peer.close()


def test_the_peer_is_named_after_the_request_where_nobody_names_it(pair: Pair) -> None:
    transport, peer = pair
    peer.send(AC)
    association = Association.request(transport, REQUEST, timers=QUICK)
    assert association.peer == f"ANY-SCP@{transport.remote}"
    association.abort()


def test_message_ids_go_round(pair: Pair) -> None:
    association, _ = established(pair)
    ids = [association.next_message_id() for _ in range(65537)]
    assert (ids[0], ids[65534], ids[65535]) == (1, 65535, 1)
    association.abort()


def test_what_cannot_be_sent_is_not_sent(pair: Pair) -> None:
    transport, peer = pair
    with pytest.raises(LocalProtocolError, match="AE title"):
        Association.request(transport, REQUEST._replace(called_ae_title="X" * 17))
    assert peer.is_gone()


def test_a_context_that_was_not_accepted_is_ours_to_respect(pair: Pair) -> None:
    association, peer = established(pair)
    with pytest.raises(LocalProtocolError, match="presentation context 3"):
        association.send(3, CEchoRQ(1))
    assert association.is_open
    association.abort()
    assert peer.rest() == ABORT_BY_USER


# --- how a request can fail ----------------------------------------------------------------------------------------


def test_rejection(pair: Pair) -> None:
    transport, peer = pair
    watcher = Watcher()
    peer.send(golden.RJ_CALLED.data)
    with pytest.raises(AssociationRejected) as caught:
        request(transport, watcher)
    error = caught.value
    assert (error.result, error.source, error.reason) == (1, 1, 7)
    assert LABEL in error.message
    assert "result 1, source 1, reason 7" in error.message
    assert peer.rest() == RQ
    assert watcher.seen == [("requested", REQUEST), ("rejected", 1, 1, 7)]


def test_rejection_with_numbers_outside_of_the_standard(pair: Pair) -> None:
    transport, peer = pair
    peer.send(bytes.fromhex("03 00 00000004 00 09 63 ff"))
    with pytest.raises(AssociationRejected) as caught:
        request(transport)
    assert (caught.value.result, caught.value.source, caught.value.reason) == (9, 99, 255)


def test_an_abort_in_answer_to_the_request(pair: Pair) -> None:
    transport, peer = pair
    watcher = Watcher()
    peer.send(abort_by_provider(6))
    with pytest.raises(AssociationAborted) as caught:
        request(transport, watcher)
    assert (caught.value.source, caught.value.reason, caught.value.by_peer) == (2, 6, True)
    assert peer.rest() == RQ
    assert watcher.seen[1:] == [("aborted", 2, 6, True)]


def test_a_close_in_answer_to_the_request(pair: Pair) -> None:
    transport, peer = pair
    watcher = Watcher()
    peer.sock.shutdown(socket.SHUT_WR)
    with pytest.raises(ConnectionLost) as caught:
        request(transport, watcher)
    error = caught.value
    assert error.message == f"{LABEL} closed the connection, the answer to the association request was due"
    assert (error.details["how"], error.details["waiting_for"]) == ("closed", "the answer to the association request")
    assert watcher.seen[1:] == [("lost", error.message)]
    assert transport.sock.fileno() < 0


def test_a_reset_in_answer_to_the_request(pair: Pair) -> None:
    transport, peer = pair
    threading.Timer(0.05, peer.reset).start()
    with pytest.raises(
        ConnectionLost, match="reset the connection, the answer to the association request was due"
    ) as e:
        request(transport)
    assert e.value.details["how"] == "reset"


def test_a_close_within_the_answer(pair: Pair) -> None:
    transport, peer = pair
    peer.send(AC[:40])
    peer.sock.shutdown(socket.SHUT_WR)
    with pytest.raises(ConnectionLost, match="in the middle of a PDU"):
        request(transport)


@pytest.mark.parametrize(
    ("said", "protocol", "words"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "ssh", "an SSH server"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "http", "an HTTP response"),
        (bytes.fromhex("15 03 01 00 02 02 46"), "tls", "a TLS alert"),
        (b"\x1b]0;owned\x07", "binary", "unknown binary data"),
    ],
)
def test_a_peer_of_another_protocol(pair: Pair, said: bytes, protocol: str, words: str) -> None:
    transport, peer = pair
    watcher = Watcher()
    peer.send(said)
    with pytest.raises(WrongProtocol) as caught:
        request(transport, watcher)
    assert caught.value.protocol == protocol
    assert f"{LABEL} does not speak DICOM: {words}" in caught.value.message
    assert caught.value.message.isprintable()
    assert caught.value.details["first_bytes"] == said[:32].hex(" ")
    assert peer.rest() == RQ + abort_by_provider(1)
    assert watcher.seen[1:] == [("aborted", 2, 1, False)]


def test_a_malformed_answer(pair: Pair) -> None:
    transport, peer = pair
    watcher = Watcher()
    peer.send(AC[:76] + b"\xff\xff" + AC[78:])
    with pytest.raises(InvalidPDU, match="broke the protocol: invalid A-ASSOCIATE-AC") as caught:
        request(transport, watcher)
    assert caught.value.message.startswith(LABEL)
    assert peer.rest() == RQ + abort_by_provider(6)
    assert watcher.seen[1:] == [("aborted", 2, 6, False)]


def test_a_request_in_answer_to_a_request(pair: Pair) -> None:
    transport, peer = pair
    peer.send(RQ)
    with pytest.raises(UnexpectedMessage, match="A-ASSOCIATE-RQ in Sta5"):
        request(transport)
    assert peer.rest() == RQ + abort_by_provider(2)


# --- silence: every timer by its name ------------------------------------------------------------------------------


def test_no_answer_to_the_request(pair: Pair) -> None:
    transport, peer = pair
    watcher = Watcher()
    begin = time.monotonic()
    with pytest.raises(TimedOut) as caught:
        request(transport, watcher, timers=QUICK._replace(acse=0.1))
    assert time.monotonic() - begin < 1
    assert (caught.value.timer, caught.value.seconds) == ("acse", 0.1)
    assert "was silent for 0.1 s (ACSE timeout), the answer to the association request was due" in caught.value.message
    assert peer.rest() == RQ + ABORT_BY_USER
    assert watcher.seen[1:] == [("aborted", 0, 0, False)]


def test_an_answer_that_drips_is_not_silence_and_yet_too_slow(pair: Pair) -> None:
    transport, peer = pair
    peer.send(AC[:10])
    timer = threading.Timer(0.06, peer.send, [AC[10:20]])
    timer.start()
    with pytest.raises(TimedOut, match=r"sent too little within 0\.1 s \(ACSE timeout\)"):
        request(transport, timers=QUICK._replace(acse=0.1))
    timer.join()


def test_no_response(pair: Pair) -> None:
    association, peer = established(pair, timers=QUICK._replace(dimse=0.1))
    with pytest.raises(TimedOut) as caught:
        association.call(1, CEchoRQ(1))
    assert (caught.value.timer, caught.value.seconds) == ("dimse", 0.1)
    assert "0.1 s (DIMSE timeout), the response to C-ECHO-RQ (message 1) was due" in caught.value.message
    assert peer.pdu() == messages.ECHO_RQ.pdus
    assert peer.rest() == ABORT_BY_USER
    assert is_closed(association)


def test_no_rest_of_a_data_set(pair: Pair) -> None:
    association, peer = accepted(pair, data=golden.RQ_STORE.data, timers=QUICK._replace(dimse=0.1))
    peer.send(command(1, *store_elements()), p_data(1, 0, b"half"))
    received = association.receive()
    assert received is not None
    with pytest.raises(TimedOut, match="the rest of the data set of C-STORE-RQ was due"):
        association.drain()


def test_no_request_on_an_idle_association(pair: Pair) -> None:
    watcher = Watcher()
    association, peer = accepted(pair, watcher, timers=QUICK._replace(idle=0.1))
    with pytest.raises(TimedOut, match=r"\(idle timeout\), the next request was due") as caught:
        association.receive()
    assert caught.value.timer == "idle"
    assert peer.rest() == ABORT_BY_USER
    assert watcher.seen[-1] == ("aborted", 0, 0, False)


def test_no_answer_to_the_release_is_a_complaint(pair: Pair) -> None:
    association, peer = established(pair, timers=QUICK._replace(release=0.1))
    complaint = association.release()
    assert complaint == f"{LABEL} was silent for 0.1 s (release timeout), the release response was due"
    assert peer.rest() == RELEASE_RQ + ABORT_BY_USER
    assert is_closed(association)


def test_a_peer_that_takes_nothing(pair: Pair) -> None:
    transport, peer = pair
    peer.send(golden.AC_STORE.data)
    watcher = Watcher()
    request_of_three = golden.RQ_STORE.record
    assert isinstance(request_of_three, AAssociateRQ)
    association = Association.request(
        transport, request_of_three, peer=LABEL, timers=QUICK, write_timeout=0.1, observers=(watcher,)
    )
    with pytest.raises(TimedOut) as caught:
        association.send(1, STORE, bytes(32 << 20))
    assert (caught.value.timer, caught.value.seconds) == ("write", 0.1)
    assert caught.value.message == f"{LABEL} took no data for 0.1 s (write timeout)"
    assert is_closed(association)
    assert watcher.seen[-1] == ("lost", caught.value.message)


def test_a_flood_does_not_hold_off_the_release_timer(pair: Pair) -> None:
    """Whole messages all the time, never the release response: bytes are no reason to wait for ever."""
    transport, peer = pair
    peer.send(AC)
    association = request(transport, timers=QUICK._replace(release=0.2))
    flood = threading.Thread(target=flooding(peer, echo_request() * 2000), daemon=True)
    flood.start()
    begin = time.monotonic()
    assert "(release timeout)" in association.release()
    assert time.monotonic() - begin < 2
    peer.close()
    flood.join(2)


def test_a_flood_does_not_hold_off_the_end_of_an_abort(pair: Pair) -> None:
    association, peer = established(pair)
    flood = threading.Thread(target=flooding(peer, p_data(1, 0, bytes(60000)) * 20), daemon=True)
    flood.start()
    begin = time.monotonic()
    association.abort()
    assert time.monotonic() - begin < 1
    assert is_closed(association)
    peer.sock.close()
    flood.join(2)


def flooding(peer: Peer, data: bytes) -> Callable[[], None]:
    def flood() -> None:
        try:
            while True:
                peer.sock.sendall(data)
        except OSError:
            pass  # the other side has had enough, which is what the test is about

    return flood


# --- answers that are none -----------------------------------------------------------------------------------------


def call_fails(pair: Pair, answer: bytes, kind: type[DcmnetError], sent: bytes) -> DcmnetError:
    association, peer = established(pair)
    peer.send(answer)
    with pytest.raises(kind) as caught:
        association.call(1, CEchoRQ(1))
    assert peer.pdu() == messages.ECHO_RQ.pdus
    assert peer.rest() == sent
    assert is_closed(association)
    return caught.value


def test_a_request_in_answer_to_a_request_for_an_echo(pair: Pair) -> None:
    error = call_fails(pair, echo_request(), UnexpectedMessage, ABORT_BY_USER)
    assert error.message == f"{LABEL} sent C-ECHO-RQ, the response to C-ECHO-RQ was due"


def test_a_cancel_in_answer(pair: Pair) -> None:
    call_fails(pair, messages.CANCEL_RQ.pdus, UnexpectedMessage, ABORT_BY_USER)


def test_an_unknown_operation_in_answer(pair: Pair) -> None:
    unknown = command(1, (0x0100, us(0x0077)), (0x0110, us(1)), (0x0800, us(0x0101)))
    assert "message 0077H" in call_fails(pair, unknown, UnexpectedMessage, ABORT_BY_USER).message


def test_the_answer_to_another_message(pair: Pair) -> None:
    error = call_fails(pair, echo_response(2), UnexpectedMessage, abort_by_provider(2))
    assert f"{LABEL} broke the protocol: C-ECHO-RSP for message 2, which awaits none" in error.message


def test_an_answer_without_a_status(pair: Pair) -> None:
    mute = command(1, (0x0100, us(0x8030)), (0x0120, us(1)), (0x0800, us(0x0101)))
    assert "(0000,0900)" in call_fails(pair, mute, InvalidCommandSet, abort_by_provider(6)).message


def test_an_answer_on_a_context_that_was_not_accepted(pair: Pair) -> None:
    alien = bytearray(echo_response())
    alien[10] = 3
    call_fails(pair, bytes(alien), UnexpectedMessage, abort_by_provider(5))


def test_a_pdv_past_its_pdu(pair: Pair) -> None:
    call_fails(pair, messages.PDV_PAST_ITS_PDU, InvalidPDU, abort_by_provider(6))


def test_an_abort_in_answer_says_what_was_due(pair: Pair) -> None:
    error = call_fails(pair, ABORT_BY_USER, AssociationAborted, b"")
    assert "aborted the association, the response to C-ECHO-RQ (message 1) was due" in error.message


def test_a_release_in_answer(pair: Pair) -> None:
    error = call_fails(pair, RELEASE_RQ, UnexpectedRelease, RELEASE_RP)
    assert LABEL in error.message


def test_a_data_set_that_comes_with_the_answer_is_dropped(pair: Pair) -> None:
    association, peer = established(pair)
    with_data = command(1, (0x0100, us(0x8030)), (0x0120, us(1)), (0x0800, us(0)), (0x0900, us(0)))
    peer.send(with_data, p_data(1, 0, bytes(1000)), p_data(1, 2, b""), RELEASE_RP)
    assert association.call(1, CEchoRQ(1)).status == 0
    assert association.release() == ""


def test_connection_lost_while_an_answer_is_due(pair: Pair) -> None:
    association, peer = established(pair)
    peer.sock.shutdown(socket.SHUT_WR)
    with pytest.raises(ConnectionLost) as caught:
        association.call(1, CEchoRQ(1))
    assert caught.value.details["waiting_for"] == "the response to C-ECHO-RQ (message 1)"
    assert isinstance(caught.value.details["silence"], float)


def test_what_comes_after_the_end_is_misuse(pair: Pair) -> None:
    watcher = Watcher()
    association, _ = established(pair, watcher)
    association.abort()
    association.abort()
    assert association.release() == ""
    with pytest.raises(LocalProtocolError, match="the association is over"):
        association.receive()
    with pytest.raises(LocalProtocolError):
        association.send(1, CEchoRQ(1))
    assert watcher.names == ["requested", "accepted", "aborted"]


def test_an_abort_that_the_peer_ignores_is_told_once(pair: Pair) -> None:
    watcher = Watcher()
    association, peer = established(pair, watcher)
    peer.send(b"\x08\0\0\0\0\0")
    with pytest.raises(RemoteProtocolError), association:
        association.receive()
    assert watcher.seen[2:] == [("aborted", 2, 1, False)]


# --- last words ----------------------------------------------------------------------------------------------------


def storing(pair: Pair, last_words: bytes, *observers: Observer) -> DcmnetError:
    """What is raised when the peer says ``last_words`` and is gone while we are sending."""
    transport, peer = pair
    peer.send(golden.AC_STORE.data)
    request_of_three = golden.RQ_STORE.record
    assert isinstance(request_of_three, AAssociateRQ)
    association = Association.request(transport, request_of_three, peer=LABEL, timers=QUICK, observers=observers)
    peer.pdu()
    peer.send(last_words)
    peer.close()

    def drops() -> Iterator[bytes]:
        for _ in range(200):
            yield bytes(10000)
            time.sleep(0.001)

    with pytest.raises(DcmnetError) as caught:
        association.send(1, STORE, Chunks(200 * 10000, drops()))
    assert is_closed(association)
    return caught.value


def test_an_abort_is_heard_after_a_write_failed(pair: Pair) -> None:
    watcher = Watcher()
    error = storing(pair, abort_by_provider(2), watcher)
    assert isinstance(error, AssociationAborted)
    assert (error.source, error.reason) == (2, 2)
    assert watcher.seen[-1] == ("aborted", 2, 2, True)


def test_nothing_is_heard_after_a_write_failed(pair: Pair) -> None:
    watcher = Watcher()
    error = storing(pair, b"", watcher)
    assert isinstance(error, ConnectionLost)
    assert "the connection while we were sending, the response to C-STORE-RQ (message 7) was due" in error.message
    assert error.details["waiting_for"] == "the response to C-STORE-RQ (message 7)"
    assert watcher.seen[-1] == ("lost", error.message)


def test_a_response_heard_after_a_write_failed_changes_nothing(pair: Pair) -> None:
    full = command(1, (0x0100, us(0x8001)), (0x0120, us(7)), (0x0800, us(0x0101)), (0x0900, us(0xA700)))
    assert isinstance(storing(pair, full), ConnectionLost)


def test_a_release_heard_after_a_write_failed(pair: Pair) -> None:
    error = storing(pair, RELEASE_RQ)
    assert isinstance(error, UnexpectedMessage)
    assert error.message == f"{LABEL} asked for the release, the response to C-STORE-RQ (message 7) was due"


def test_the_banner_of_a_server_that_hung_up_before_our_request(pair: Pair) -> None:
    """Writing fails then, and what was said before still tells what it was."""
    transport, peer = pair
    peer.send(b"SSH-2.0-OpenSSH_9.2\r\n")
    transport.sock.shutdown(socket.SHUT_WR)
    with pytest.raises(WrongProtocol) as caught:
        request(transport)
    assert caught.value.protocol == "ssh"


# --- TLS trouble in mid-association --------------------------------------------------------------------------------


class Refusing(Transport):
    """A transport whose reads fail as those of TLS 1.3 do when the server does not like our certificate."""

    def recv_into(self, view: memoryview, timeout: float | None, *, quick_ack: bool = False) -> int:
        raise TLSError("the server asks for a certificate", "client_certificate_required")


def test_a_late_refusal_of_tls_closes_the_connection() -> None:
    transport, peer = connected()
    refusing = Refusing(transport.sock)
    watcher = Watcher()
    with pytest.raises(TLSError) as caught:
        request(refusing, watcher)
    assert caught.value.reason == "client_certificate_required"
    assert refusing.sock.fileno() < 0
    assert watcher.seen[1:] == [("lost", "the server asks for a certificate")]
    peer.close()


def test_tls_trouble_does_not_escape_from_an_abort() -> None:
    transport, peer = connected()
    association = Association(Refusing(transport.sock), is_requestor=False, peer="x", timers=QUICK)
    association.abort()
    assert peer.is_gone()
    peer.close()


# --- the acceptor's life -------------------------------------------------------------------------------------------


def test_a_whole_life_as_acceptor(pair: Pair) -> None:
    watcher = Watcher()
    association, peer = accepted(pair, watcher)
    assert association.peer == f"ECHOSCU@{association.transport.remote}"
    peer.send(messages.ECHO_RQ.pdus)
    received = association.receive()
    assert received is not None
    assert received.message == CEchoRQ(1)
    assert received.context.abstract_syntax == golden.VERIFICATION
    association.send(1, CEchoRSP(1, 0, golden.VERIFICATION))
    assert peer.pdu() == messages.ECHO_RSP.pdus
    peer.send(RELEASE_RQ)
    peer.sock.shutdown(socket.SHUT_WR)
    assert association.receive() is None
    assert peer.rest() == RELEASE_RP
    assert is_closed(association)
    assert watcher.seen == [
        ("requested", association.requested),
        ("accepted", association.negotiated),
        ("released",),
    ]


def test_the_title_of_a_caller_is_made_harmless(pair: Pair) -> None:
    association, _ = accepted(pair, data=RQ[:26] + b"\x1b[31m\xff\r\nROOT...." + RQ[42:])
    assert association.peer == f"\\x1b[31m\\xff\\x0d\\x0aROOT....@{association.transport.remote}"
    association.abort()


def test_a_rejection_of_ours(pair: Pair) -> None:
    transport, peer = pair
    watcher = Watcher()
    association = Association(transport, is_requestor=False, peer="x", timers=QUICK, observers=(watcher,))
    peer.send(RQ)
    association.receive_request()
    association.reject(AAssociateRJ(1, 1, 7))
    assert peer.rest() == golden.RJ_CALLED.data
    assert is_closed(association)
    assert watcher.names == ["requested", "rejected"]


def test_a_rejection_by_our_provider(pair: Pair) -> None:
    transport, peer = pair
    watcher = Watcher()
    association = Association(transport, is_requestor=False, peer="x", timers=QUICK, observers=(watcher,))
    peer.send(RQ[:6] + b"\0\2" + RQ[8:])  # protocol version bit 0 is not set
    with pytest.raises(AssociationRejected, match=r"^we rejected") as caught:
        association.receive_request()
    assert (caught.value.result, caught.value.source, caught.value.reason) == (1, 2, 2)
    assert peer.rest() == bytes.fromhex("03 00 00000004 00 01 02 02")
    assert watcher.seen == [("rejected", 1, 2, 2)]


def test_a_maximum_length_that_nothing_fits_into(pair: Pair) -> None:
    transport, peer = pair
    association = Association(transport, is_requestor=False, peer="x", timers=QUICK)
    peer.send(RQ.replace(bytes.fromhex("51000004 00004000"), bytes.fromhex("51000004 00000007")))
    response = answer(association.receive_request(), POLICY)
    assert isinstance(response, AAssociateAC)
    with pytest.raises(RemoteProtocolError, match="maximum length of 7"):
        association.accept(response)
    assert peer.rest() == abort_by_provider(6)


@pytest.mark.parametrize(
    ("said", "kind", "answered", "told"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", WrongProtocol, ABORT_BY_USER, ("aborted", 0, 0, False)),
        (bytes.fromhex("16 03 01 02 00 01 00 01 fc 03 03"), WrongProtocol, ABORT_BY_USER, ("aborted", 0, 0, False)),
        (messages.ECHO_RQ.pdus, UnexpectedMessage, ABORT_BY_USER, ("aborted", 0, 0, False)),
        (bytes.fromhex("01 00 FFFFFFFF"), InvalidPDU, ABORT_BY_USER, ("aborted", 0, 0, False)),
        (bytes.fromhex("07 00 00000004 0000 02 05"), AssociationAborted, b"", ("aborted", 2, 5, True)),
    ],
)
def test_what_is_no_request(
    pair: Pair, said: bytes, kind: type[DcmnetError], answered: bytes, told: tuple[object, ...]
) -> None:
    transport, peer = pair
    watcher = Watcher()
    association = Association(transport, is_requestor=False, peer="there", timers=QUICK, observers=(watcher,))
    peer.send(said)
    begin = time.monotonic()
    with pytest.raises(kind) as caught:
        association.receive_request()
    assert time.monotonic() - begin < 1
    assert caught.value.message.startswith("there ")
    assert peer.rest() == answered
    assert is_closed(association)
    assert watcher.seen == [told]


def test_no_request(pair: Pair) -> None:
    transport, peer = pair
    watcher = Watcher()
    timers = QUICK._replace(acse=0.1)
    association = Association(transport, is_requestor=False, peer="there", timers=timers, observers=(watcher,))
    with pytest.raises(TimedOut, match=r"was silent for 0\.1 s \(ACSE timeout\), the association request was due"):
        association.receive_request()
    assert peer.is_gone()
    assert watcher.names == ["lost"]


def test_nothing_is_negotiated_before_the_request(pair: Pair) -> None:
    transport, _ = pair
    association = Association(transport, is_requestor=False, peer="there")
    with pytest.raises(LocalProtocolError):
        _ = association.negotiated
    with pytest.raises(LocalProtocolError):
        _ = association.requested
    assert not association.is_open


def test_a_request_and_its_first_message_in_one_write(pair: Pair) -> None:
    transport, peer = pair
    association = Association(transport, is_requestor=False, peer="x", timers=QUICK)
    peer.send(RQ, messages.ECHO_RQ.pdus)
    response = answer(association.receive_request(), POLICY)
    assert isinstance(response, AAssociateAC)
    association.accept(response)
    received = association.receive()
    assert received is not None
    assert received.message == CEchoRQ(1)
    association.abort()


# --- data sets -----------------------------------------------------------------------------------------------------


def store_elements(*others: tuple[int, bytes]) -> list[tuple[int, bytes]]:
    uid = b"1.2.840.10008.5.1.4.1.1.2\0"
    fixed = (0x0002, uid), (0x0100, us(1)), (0x0110, us(7)), (0x0700, us(0)), (0x0800, us(1))
    return [*fixed, (0x1000, b"1.2.3.4.5.6.7.8\0"), *others]


def receiving(pair: Pair, *pdus: bytes) -> tuple[Association, Peer]:
    """An acceptor that has received a C-STORE-RQ and whatever of ``pdus`` has come."""
    association, peer = accepted(pair, data=golden.RQ_STORE.data)
    peer.send(command(1, *store_elements()), *pdus)
    received = association.receive()
    assert received is not None
    assert isinstance(received.message, CStoreRQ)
    return association, peer


def test_fragments_are_views_and_a_read_is_a_batch(pair: Pair) -> None:
    association, peer = receiving(pair, p_data(1, 0, b"ab"), p_data(1, 0, b"cdef"), p_data(1, 2, b"gh"))
    (batch,) = association.fragments()
    assert [bytes(view) for view in batch] == [b"ab", b"cdef", b"gh"]
    assert all(isinstance(view, memoryview) for view in batch)
    assert list(association.fragments()) == []
    association.send(1, CStoreRSP(7, 0))
    peer.pdu()
    association.abort()


def test_fragments_of_a_big_pdu_come_as_they_arrive(pair: Pair) -> None:
    data = bytes(range(256)) * 4096
    association, peer = receiving(pair)
    sender = threading.Thread(target=peer.send, args=(p_data(1, 0, data), p_data(1, 2, b"end!")), daemon=True)
    sender.start()
    copies = [[bytes(view) for view in batch] for batch in association.fragments()]
    assert b"".join(piece for batch in copies for piece in batch) == data + b"end!"
    assert len(copies) > 1
    assert max(sum(map(len, batch)) for batch in copies) <= 1 << 18
    sender.join(2)
    association.abort()


def test_a_batch_is_borrowed_until_the_next(pair: Pair) -> None:
    association, peer = receiving(pair, p_data(1, 0, b"first"))
    batches = association.fragments()
    kept = next(batches)
    assert joined([kept]) == b"first"
    peer.send(p_data(1, 2, b"SECOND" * 100))
    assert joined([next(batches)]) == b"SECOND" * 100
    assert joined([kept]) != b"first"
    association.abort()


def test_what_is_left_of_a_data_set_is_dropped(pair: Pair) -> None:
    association, peer = receiving(pair, p_data(1, 0, bytes(5000)))
    next(association.fragments())
    sender = threading.Thread(
        target=peer.send, args=(p_data(1, 0, bytes(1 << 20)), p_data(1, 2, b"xx"), RELEASE_RQ), daemon=True
    )
    sender.start()
    association.drain()
    association.drain()
    assert association.receive() is None
    sender.join(2)


def test_receive_drops_it_too(pair: Pair) -> None:
    association, _ = receiving(pair, p_data(1, 2, bytes(5000)), command(1, *store_elements()), p_data(1, 2, b"2nd!"))
    received = association.receive()
    assert received is not None
    assert association.read_data_set(4) == b"2nd!"
    association.abort()


def test_a_data_set_within_its_limit(pair: Pair) -> None:
    association, _ = receiving(pair, p_data(1, 0, b"12"), p_data(1, 0, b""), p_data(1, 2, b"34"))
    assert association.read_data_set(4) == b"1234"
    association.abort()


def test_a_data_set_beyond_its_limit(pair: Pair) -> None:
    association, peer = receiving(pair, p_data(1, 0, b"12"), p_data(1, 2, b"345"))
    with pytest.raises(UnexpectedMessage, match="more than 4 bytes"):
        association.read_data_set(4)
    assert peer.rest() == ABORT_BY_USER
    assert is_closed(association)


def test_no_data_set(pair: Pair) -> None:
    association, peer = accepted(pair)
    assert list(association.fragments()) == []
    assert association.read_data_set(0) == b""
    association.abort()
    assert peer.rest() == ABORT_BY_USER


def test_our_own_time_is_not_the_silence_of_the_peer(pair: Pair) -> None:
    """Who stores to a slow disk comes back late, and then the peer has its whole time again."""
    association, peer = accepted(pair, data=golden.RQ_STORE.data, timers=QUICK._replace(dimse=0.2))
    peer.send(command(1, *store_elements()), p_data(1, 0, b"half"))
    association.receive()
    batches = association.fragments()
    assert joined([next(batches)]) == b"half"
    time.sleep(0.25)
    timer = threading.Timer(0.05, peer.send, [p_data(1, 2, b"rest")])
    timer.start()
    assert joined(list(batches)) == b"rest"
    timer.join()
    association.abort()


def test_a_release_within_a_data_set(pair: Pair) -> None:
    association, peer = receiving(pair, p_data(1, 0, b"half"), RELEASE_RQ)
    with pytest.raises(UnexpectedMessage, match="asked for the release, the rest of the data set of C-STORE"):
        association.drain()
    assert peer.rest() == ABORT_BY_USER


@pytest.mark.parametrize("reset", [False, True])
def test_a_connection_lost_within_a_data_set(pair: Pair, reset: bool) -> None:
    association, peer = receiving(pair, p_data(1, 0, b"half"))
    batches = association.fragments()
    assert joined([next(batches)]) == b"half"
    peer.reset() if reset else peer.close()
    with pytest.raises(ConnectionLost, match="the rest of the data set of C-STORE-RQ was due"):
        next(batches)
    assert is_closed(association)


def test_sending_cuts_to_the_peers_maximum_in_order(pair: Pair) -> None:
    transport, peer = pair
    peer.send(golden.AC_STORE.data)
    request_of_three = golden.RQ_STORE.record
    assert isinstance(request_of_three, AAssociateRQ)
    association = Association.request(transport, request_of_three, timers=QUICK)
    limit = association.negotiated.peer_maximum_length
    peer.pdu()
    data = bytes(range(256)) * 300
    sender = threading.Thread(target=association.send, args=(1, STORE, Chunks(len(data), (data[:1000], data[1000:]))))
    sender.start()
    assert status_free(peer.pdu())
    found, last = b"", 0
    while not last:
        pdu = peer.pdu()
        assert not limit or len(pdu) - 6 <= limit
        assert pdu[10] == 1
        last = pdu[11]
        found += pdu[12:]
    assert (found, last) == (data, 2)
    sender.join(2)
    association.abort()


def status_free(pdu: bytes) -> bool:
    return pdu[0] == 4 and pdu[11] == 3


def test_half_a_data_set_is_an_abort(pair: Pair) -> None:
    """The command set is out, its data set is not to be had: nothing else may follow on the association."""
    association, peer = accepted(pair, data=golden.RQ_FIND.data)
    context_id = next(iter(association.negotiated.contexts))

    def pieces() -> Iterator[bytes]:
        yield b"ab"
        raise ZeroDivisionError

    pending = messages.FIND_PENDING.message
    with pytest.raises(ZeroDivisionError):
        association.send(context_id, pending, Chunks(4, pieces()))
    assert not association.is_open
    assert peer.rest().endswith(ABORT_BY_USER)


# --- the release ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answered", "complaint"),
    [
        (ABORT_BY_USER, "aborted the association"),
        (b"\x42", "broke the protocol"),
        (RQ, "broke the protocol: A-ASSOCIATE-RQ in Sta7"),
        (b"", "closed the connection, the release response was due"),
        (RELEASE_RP[:3], "in the middle of a PDU"),
    ],
)
def test_a_spoilt_release_is_a_complaint_and_no_error(pair: Pair, answered: bytes, complaint: str) -> None:
    association, peer = established(pair)
    peer.send(answered)
    peer.sock.shutdown(socket.SHUT_WR)
    assert complaint in association.release()
    assert is_closed(association)


def test_what_still_comes_before_the_release_response(pair: Pair) -> None:
    association, peer = established(pair)
    peer.send(echo_request(), RELEASE_RP)
    assert association.release() == ""


def test_both_ask_for_the_release_as_requestor(pair: Pair) -> None:
    association, peer = established(pair)
    peer.send(RELEASE_RQ, RELEASE_RP)
    assert association.release() == ""
    assert peer.rest() == RELEASE_RQ + RELEASE_RP
    assert any("release collision" in note for note in association.notes)


def test_both_ask_for_the_release_as_acceptor(pair: Pair) -> None:
    association, peer = accepted(pair)
    peer.send(RELEASE_RQ, RELEASE_RP)
    assert association.release() == ""
    assert peer.rest() == RELEASE_RQ + RELEASE_RP


def test_a_peer_that_never_closes_after_the_release(pair: Pair) -> None:
    association, peer = accepted(pair)
    peer.send(RELEASE_RQ)
    begin = time.monotonic()
    assert association.receive() is None
    assert time.monotonic() - begin < 1
    assert is_closed(association)


def test_leaving_before_the_answer_is_an_abort(pair: Pair) -> None:
    transport, peer = pair
    association = Association(transport, is_requestor=False, peer="x", timers=QUICK)
    peer.send(RQ)
    with association:
        association.receive_request()
    assert peer.rest() == ABORT_BY_USER


# --- from another thread -------------------------------------------------------------------------------------------


def test_interrupt_aborts_what_waits(pair: Pair) -> None:
    watcher = Watcher()
    association, peer = accepted(pair, watcher)
    threading.Timer(0.05, association.interrupt).start()
    begin = time.monotonic()
    with pytest.raises(AssociationAborted) as caught:
        association.receive()
    assert time.monotonic() - begin < 1
    assert not caught.value.by_peer
    assert peer.rest() == ABORT_BY_USER
    assert watcher.seen[-1] == ("aborted", 0, 0, False)
    assert watcher.names.count("aborted") == 1


def test_interrupt_aborts_what_never_waits(pair: Pair) -> None:
    """Under a peer that has always more to say, reading never comes to an end by itself."""
    association, peer = receiving(pair)
    flood = threading.Thread(target=flooding(peer, p_data(1, 0, bytes(60000)) * 10), daemon=True)
    flood.start()
    threading.Timer(0.05, association.interrupt).start()
    begin = time.monotonic()
    with pytest.raises(AssociationAborted):
        association.drain()
    assert time.monotonic() - begin < 1.5
    assert is_closed(association)
    peer.close()
    flood.join(2)


def test_interrupt_before_the_next_use(pair: Pair) -> None:
    association, peer = established(pair)
    association.interrupt()
    with pytest.raises(AssociationAborted):
        association.call(1, CEchoRQ(1))
    assert peer.rest() == ABORT_BY_USER


def test_ctrl_c_while_the_answer_is_due(pair: Pair) -> None:
    transport, peer = pair

    class Impatient(Observer):
        def requested(self, association: Association, request: AAssociateRQ) -> None:
            association._flush()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        request(transport, Impatient())
    assert peer.rest() == RQ + ABORT_BY_USER


def test_ctrl_c_while_the_release_is_due(pair: Pair) -> None:
    class Impatient(Observer):
        def traced(self, association: Association, trace: Trace) -> None:
            if isinstance(trace.what, CEchoRQ):
                raise KeyboardInterrupt

    association, peer = established(pair, Impatient())
    peer.send(echo_request())
    with pytest.raises(KeyboardInterrupt):
        association.release()
    assert peer.rest() == RELEASE_RQ + ABORT_BY_USER
    assert is_closed(association)


# --- observers -----------------------------------------------------------------------------------------------------


def test_notes_are_told_once_and_in_order(pair: Pair) -> None:
    transport, peer = pair
    watcher = Watcher()
    shuffled = golden.AC_SHUFFLED.data
    peer.send(shuffled)
    association = request(transport, watcher)
    told = [facts[0] for what, *facts in watcher.seen if what == "noted"]
    assert told == list(association.notes)
    assert told
    assert watcher.names.index("noted") < watcher.names.index("accepted")
    association.abort()


def test_traffic_is_traced_for_those_who_ask(pair: Pair) -> None:
    class Tracer(Observer):
        def __init__(self) -> None:
            self.traces: list[Trace] = []

        def traced(self, association: Association, trace: Trace) -> None:
            self.traces.append(trace)

    tracer = Tracer()
    association, peer = established(pair, tracer, Watcher())
    peer.send(echo_response(), RELEASE_RP)
    association.call(1, CEchoRQ(1))
    association.release()
    directions = [(type(trace.what).__name__, trace.is_sent) for trace in tracer.traces]
    assert [step for step in directions if step[0] != "PDataTF"] == [
        ("AAssociateRQ", True),
        ("AAssociateAC", False),
        ("CEchoRQ", True),
        ("CEchoRSP", False),
        ("AReleaseRQ", True),
        ("AReleaseRP", False),
    ]
    assert tracer.traces[0].raw == RQ
    assert tracer.traces[1].raw == AC
