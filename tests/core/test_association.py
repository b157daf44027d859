"""AssociationProtocol from its beginnings to its end, both roles, and what a peer may do wrong on the way."""

from collections.abc import Callable

import pytest

from dcmnet_cli.core.association import AssociationProtocol
from dcmnet_cli.core.commands import CEchoRQ, respond
from dcmnet_cli.core.events import (
    Aborted,
    AssociationEvent,
    AssociationRejected,
    AssociationRequested,
    ConnectionClosed,
    Fragment,
    MessageReceived,
    Released,
    ReleaseRequested,
    Violation,
)
from dcmnet_cli.core.negotiation import LOCAL_LIMIT_EXCEEDED, AcceptorPolicy, answer, own_information
from dcmnet_cli.core.pdu import AAssociateAC, AAssociateRJ
from dcmnet_cli.core.state import State
from dcmnet_cli.errors import LocalProtocolError, RemoteProtocolError
from tests.core.cores import (
    ABORT_USER,
    PDUS,
    RELEASE_RQ,
    UNRECOGNIZED,
    acceptor,
    core_in,
)
from tests.golden import associate as golden
from tests.golden import messages
from tests.helpers import CUTTERS, ECHO, REQUEST, AssociationPair, drive, only, sent, splits

# --- beginnings ----------------------------------------------------------------------------------------------


def test_the_request_goes_out_once_the_connection_is_open() -> None:
    core = core_in(4)
    assert sent(core) == b""
    core.connected(0.0)
    assert sent(core) == golden.RQ_ECHO.data
    assert sent(core) == b""


def test_a_request_that_cannot_be_sent_is_an_error_of_ours() -> None:
    core = AssociationProtocol(is_requestor=True)
    core.propose(REQUEST._replace(called_ae_title="SEVENTEEN_LETTERS"))
    with pytest.raises(LocalProtocolError):
        core.connected(0.0)


@pytest.mark.parametrize("first", [b"\0", b"\x08", b"\x16", b"G", b"S", b"\xff"])
@pytest.mark.parametrize("number", [2, 5])
def test_what_is_not_dicom_is_answered_on_its_first_byte(first: bytes, number: int) -> None:
    core = core_in(number)
    events = drive(core, [first])
    assert [type(event).__name__ for event in events] == ["NotDICOM", "Violation"]
    assert sent(core) == (ABORT_USER if number == 2 else UNRECOGNIZED)
    assert drive(core, [b"ET / HTTP/1.1\r\nHost: x\r\n\r\n" * 100]) == []
    assert sent(core) == b""
    assert core.state == State.STA13


def test_the_first_bytes_are_handed_on_for_recognition() -> None:
    for wire in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", bytes(600)):
        core = AssociationProtocol(is_requestor=False)
        core.connected(0.0)
        events = drive(core, [wire])
        assert getattr(events[0], "first_bytes", None) == wire[:256]


def test_zeros_in_the_middle_of_an_association_are_no_other_protocol() -> None:
    events = drive(core := core_in(6), [bytes(100)])
    assert [type(event) for event in events] == [Violation]
    assert sent(core) == UNRECOGNIZED


@pytest.mark.parametrize(
    ("change", "rejection"),
    [
        ({6: b"\0\2"}, (1, 2, 2)),
        ({6: b"\0\0"}, (1, 2, 2)),
        ({78: b"9"}, (1, 1, 2)),
    ],
)
def test_what_the_provider_rejects_by_itself(change: dict[int, bytes], rejection: tuple[int, int, int]) -> None:
    data = bytearray(golden.RQ_ECHO.data)
    for offset, value in change.items():
        data[offset : offset + len(value)] = value
    for chunks in splits(bytes(data)):
        core = acceptor()
        assert drive(core, chunks) == [AssociationRejected(*rejection, by_peer=False)]
        assert sent(core) == b"\3\0\0\0\0\4\0" + bytes(rejection)
        assert core.state == State.STA13
        core.eof_received(0.5)
        assert core.next_event() == ConnectionClosed(True)


def test_protocol_version_ffff_is_version_1() -> None:
    data = golden.RQ_ECHO.data
    only(drive(acceptor(), [data[:6] + b"\xff\xff" + data[8:]]), AssociationRequested)


def test_the_user_rejects() -> None:
    for rejection in (AAssociateRJ(1, 1, 7), LOCAL_LIMIT_EXCEEDED):
        pair = AssociationPair()
        pair.connect()
        pair.acceptor.reject(rejection, 0.0)
        pair.pump()
        assert pair.take(pair.requestor) == [AssociationRejected(*rejection)]
        assert pair.requestor.is_over
        assert pair.acceptor.state == State.STA13


@pytest.mark.parametrize("pdu_type", [1, 2])
@pytest.mark.parametrize("length", [0, 67, (1 << 20) + 1, 0x7FFFFFFF, 0xFFFFFFFF])
def test_an_absurd_length_is_refused_before_the_body(pdu_type: int, length: int) -> None:
    core = core_in(2 if pdu_type == 1 else 5)
    error = only(drive(core, [bytes((pdu_type, 0)) + length.to_bytes(4, "big")]), Violation).error
    assert error.details["field"] == "length"
    assert sent(core) == (ABORT_USER if pdu_type == 1 else b"\7\0\0\0\0\4\0\0\2\6")


@pytest.mark.parametrize("pdu_type", [3, 5, 6, 7])
def test_short_pdus_of_a_wrong_length_are_refused(pdu_type: int) -> None:
    number = {3: 5, 5: 6, 6: 7, 7: 6}[pdu_type]
    for length in (0, 3, 5, 0xFFFFFFFF):
        core = core_in(number)
        only(drive(core, [bytes((pdu_type, 0)) + length.to_bytes(4, "big")]), Violation)
        assert sent(core) == b"\7\0\0\0\0\4\0\0\2\6"


def test_a_broken_body_is_refused_with_field_and_offset() -> None:
    data = bytearray(golden.RQ_ECHO.data)
    data[77] = 0xFF  # the application context reaches past the PDU
    for chunks in splits(bytes(data)):
        core = acceptor()
        error = only(drive(core, chunks), Violation).error
        assert (error.details["pdu"], error.details["field"]) == ("A-ASSOCIATE-RQ", "presentation context ID") or (
            error.details["field"] == "item 10H length"
        )
        assert sent(core) == ABORT_USER


@pytest.mark.parametrize("maximum", [1, 7])
def test_a_peer_that_takes_no_data_is_refused_by_either_side(maximum: int) -> None:
    pair = AssociationPair(REQUEST._replace(user_information=own_information(maximum)))
    pair.connect()
    response = answer(only(pair.take(pair.acceptor), AssociationRequested).request, AcceptorPolicy())
    assert isinstance(response, AAssociateAC)
    pair.acceptor.accept(response, 0.0)
    assert only([pair.acceptor.next_event()], Violation).error.abort_reason == 6  # type: ignore[list-item]
    assert pair.acceptor.negotiated is None
    assert sent(pair.acceptor) == b"\7\0\0\0\0\4\0\0\2\6"

    pair = AssociationPair(policy=AcceptorPolicy(maximum_length=maximum))
    pair.connect()
    response = answer(REQUEST, AcceptorPolicy(maximum_length=maximum))
    assert isinstance(response, AAssociateAC)
    pair.acceptor.accept(response, 0.0)
    pair.pump()
    events = pair.take(pair.requestor)
    assert [type(event) for event in events] == [Violation]
    assert pair.take(pair.acceptor)[-1] == Aborted(2, 6)
    assert pair.requestor.state == State.STA13


# --- whole lives ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", CUTTERS)
def test_a_whole_life(cut: Callable[[bytes], list[bytes]]) -> None:
    pair = AssociationPair(cut=cut).establish()
    assert pair.requestor.negotiated is not None
    assert pair.acceptor.negotiated is not None
    assert pair.requestor.negotiated.contexts == pair.acceptor.negotiated.contexts
    pair.requestor.send_message(ECHO, CEchoRQ(1), 0.0)
    pair.pump()
    received = only(pair.take(pair.acceptor), MessageReceived)
    assert received == MessageReceived(ECHO, CEchoRQ(1))
    pair.acceptor.send_message(ECHO, respond(CEchoRQ(1), 0), 0.0)
    pair.pump()
    assert pair.take(pair.requestor) == [MessageReceived(ECHO, respond(CEchoRQ(1), 0))]
    pair.requestor.release(0.0)
    pair.pump()
    assert pair.take(pair.acceptor) == [ReleaseRequested()]
    pair.acceptor.respond_to_release(0.0)
    pair.pump()
    assert [type(event) for event in pair.take(pair.requestor)] == [Released]
    assert pair.requestor.is_over
    assert pair.acceptor.state == State.STA13
    pair.hang_up(pair.requestor)
    assert pair.take(pair.acceptor) == [ConnectionClosed(True)]
    assert pair.acceptor.is_over
    assert pair.requestor.notes == pair.acceptor.notes == []


@pytest.mark.parametrize("cut", CUTTERS)
def test_a_release_collision(cut: Callable[[bytes], list[bytes]]) -> None:
    pair = AssociationPair(cut=cut).establish()
    pair.requestor.release(0.0)
    pair.acceptor.release(0.0)
    pair.pump()
    assert [type(event) for event in pair.take(pair.requestor)] == [Released]
    assert [type(event) for event in pair.take(pair.acceptor)] == [Released]
    assert pair.requestor.is_over
    assert pair.acceptor.state == State.STA13
    assert "collision" in pair.requestor.notes[0]
    assert "collision" in pair.acceptor.notes[0]


def test_the_acceptor_may_release_too() -> None:
    pair = AssociationPair().establish()
    pair.acceptor.release(0.0)
    pair.pump()
    assert pair.take(pair.requestor) == [ReleaseRequested()]
    pair.requestor.respond_to_release(0.0)
    pair.pump()
    assert [type(event) for event in pair.take(pair.acceptor)] == [Released]


def test_data_may_still_come_before_the_release_is_answered() -> None:
    pair = AssociationPair().establish()
    pair.requestor.release(0.0)
    pair.pump()
    pair.acceptor.send_message(ECHO, CEchoRQ(1), 0.0)
    pair.pump()
    assert pair.take(pair.requestor) == [MessageReceived(ECHO, CEchoRQ(1))]
    pair.acceptor.respond_to_release(0.0)
    pair.pump()
    assert [type(event) for event in pair.take(pair.requestor)] == [Released]


@pytest.mark.parametrize("by_requestor", [True, False])
def test_either_side_may_abort_and_nothing_is_answered(by_requestor: bool) -> None:
    pair = AssociationPair().establish()
    one, other = (pair.requestor, pair.acceptor) if by_requestor else (pair.acceptor, pair.requestor)
    one.abort(0.0)
    pair.pump()
    assert pair.take(other) == [Aborted(0, 0)]
    assert other.is_over
    assert sent(other) == b""
    pair.hang_up(other)
    assert pair.take(one) == [ConnectionClosed(True)]


def test_both_sides_abort_at_once() -> None:
    pair = AssociationPair().establish()
    pair.requestor.abort(0.0)
    pair.acceptor.abort(0.0)
    pair.pump()
    assert pair.take(pair.requestor) == pair.take(pair.acceptor) == []
    assert pair.requestor.is_over or pair.acceptor.is_over


def test_an_abort_with_reserved_numbers_is_handed_on() -> None:
    for source, reason in ((1, 0), (2, 3), (255, 255)):
        assert drive(core_in(6), [b"\7\xff\0\0\0\4\xff\xff" + bytes((source, reason))]) == [Aborted(source, reason)]


def test_an_abort_amid_a_message_ends_it() -> None:
    core = core_in(6)
    drive(core, [messages.STORE_RQ.pdus[:50].replace(b"\0\0\0\x70\3\3", b"\0\0\0\x70\1\3")])
    core.abort(0.0)
    assert sent(core) == ABORT_USER
    assert drive(core, [messages.STORE_RQ.pdus[50:], RELEASE_RQ]) == []
    assert core.state == State.STA13
    assert sent(core) == b""


def test_what_follows_a_violation_is_ignored_until_the_close() -> None:
    for first in (golden.UNKNOWN_PDU, golden.AC_ECHO.data, messages.PDV_PAST_ITS_PDU):
        core = core_in(6)
        only(drive(core, [first]), Violation)
        sent(core)
        for pdu in PDUS.values():
            assert drive(core, [pdu] * 9) == []
        assert drive(core, [bytes(1000)]) == []
        assert sent(core) == b""
        core.eof_received(0.5)
        assert only([core.next_event()], ConnectionClosed).in_order  # type: ignore[list-item]


def test_after_the_end_nothing_more_happens() -> None:
    core = core_in(6)
    rest = messages.ECHO_RQ.pdus + golden.UNKNOWN_PDU
    assert drive(core, [golden.ABORT_USER.data + rest, rest * 9]) == [Aborted(0, 0)]
    assert sent(core) == b""
    assert core.deadline() is None
    core.timeout(1e9)
    assert core.next_event() is None


def test_several_pdus_in_one_piece_are_told_one_by_one() -> None:
    core = core_in(6)
    wire = messages.ECHO_RQ.pdus * 3 + messages.ECHO_RQ_IN_TWO.pdus + RELEASE_RQ
    events: list[AssociationEvent] = drive(core, [wire])
    assert [type(event) for event in events] == [MessageReceived] * 4 + [ReleaseRequested]


def test_a_violation_says_what_was_wrong() -> None:
    error = only(drive(core_in(6), [golden.RQ_ECHO.data]), Violation).error
    assert isinstance(error, RemoteProtocolError)
    assert error.message == "A-ASSOCIATE-RQ in Sta6 (established)"
    assert Fragment not in map(type, drive(core_in(13), [messages.STORE_RQ.pdus]))
