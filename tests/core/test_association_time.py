"""The timers of an association, by passing ``now``: which runs when, from where it counts, and what holds it off."""

import pytest

from dcmnet_cli.core.association import AssociationProtocol, Timers
from dcmnet_cli.core.commands import CEchoRQ, CFindRQ, CStoreRQ, respond
from dcmnet_cli.core.events import ConnectionClosed, Fragment, TimerExpired, Violation
from dcmnet_cli.core.pdata import chunks_of
from tests.golden import associate as golden
from tests.golden import messages
from tests.helpers import CT_STORAGE, ECHO, FIND, STORE, STUDY_FIND, AssociationPair, byte_by_byte, drive, only, sent

TIMERS = Timers(acse=30.0, dimse=60.0, release=10.0, idle=300.0, closing=1.0)
ECHO_RQ = messages.ECHO_RQ.pdus


def established(timers: Timers = TIMERS) -> AssociationPair:
    return AssociationPair(timers=timers).establish()


def expired(core: AssociationProtocol) -> TimerExpired:
    event = core.next_event()
    assert isinstance(event, TimerExpired)
    assert core.next_event() is None
    return event


def acceptor(timers: Timers = TIMERS) -> AssociationProtocol:
    core = AssociationProtocol(is_requestor=False, timers=timers)
    core.connected(100.0)
    return core


def requestor(timers: Timers = TIMERS) -> AssociationProtocol:
    core = AssociationProtocol(is_requestor=True, timers=timers)
    assert isinstance(golden.RQ_ECHO.record, golden.AAssociateRQ)
    core.propose(golden.RQ_ECHO.record)
    assert core.deadline() is None, "the connection has a timer of its own, elsewhere"
    core.connected(100.0)
    sent(core)
    return core


# --- association ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_requestor", [False, True])
def test_the_acse_timer_runs_for_the_whole_of_a_request_or_its_answer_while_bytes_drip(is_requestor: bool) -> None:
    core, wire = (requestor(), golden.AC_ECHO.data) if is_requestor else (acceptor(), golden.RQ_ECHO.data)
    now = 100.0
    for chunk in byte_by_byte(wire[:-1]):
        assert core.deadline() == 130.0
        now += 0.125
        assert drive(core, [chunk], now) == []
        core.timeout(now)
        assert core.next_event() is None
    core.timeout(129.999)
    assert core.next_event() is None
    core.timeout(130.0)
    due = "the answer to the association request" if is_requestor else "the association request"
    assert expired(core) == TimerExpired("acse", 30.0, due)
    assert core.is_over is not is_requestor, "ARTIM ends the connection in Sta2; the user of a requestor aborts"
    assert sent(core) == b""


def test_an_expired_acse_timer_counts_anew() -> None:
    core = requestor()
    core.timeout(131.0)
    expired(core)
    assert core.deadline() == 161.0
    core.abort(131.5)
    assert sent(core) == golden.ABORT_USER.data
    assert core.deadline() == 132.5


def test_deciding_on_a_request_is_our_own_time() -> None:
    core = acceptor()
    drive(core, [golden.RQ_ECHO.data], 101.0)
    assert core.deadline() is None
    assert isinstance(golden.AC_ECHO.record, golden.AAssociateAC)
    core.accept(golden.AC_ECHO.record, 500.0)
    assert core.deadline() == 800.0


def test_no_limit_where_none_is_set() -> None:
    unlimited = Timers(acse=None, dimse=None, release=None, idle=None)
    assert acceptor(unlimited).deadline() is None
    assert requestor(unlimited).deadline() is None
    pair = established(unlimited)
    assert pair.requestor.deadline() is None
    pair.requestor.send_message(ECHO, CEchoRQ(1), 0.0)
    assert pair.requestor.deadline() is None
    pair.requestor.timeout(1e9)
    assert pair.requestor.next_event() is None
    pair.requestor.release(0.0)
    assert pair.requestor.deadline() is None


# --- messages ------------------------------------------------------------------------------------------------


def test_silence_counts_from_the_request() -> None:
    pair = established()
    assert pair.requestor.deadline() == 300.0
    pair.requestor.send_message(ECHO, CEchoRQ(7), 200.0)
    assert pair.requestor.deadline() == 260.0
    pair.requestor.timeout(260.0)
    assert expired(pair.requestor) == TimerExpired("dimse", 60.0, "the response to C-ECHO-RQ (message 7)")
    assert not pair.requestor.is_over
    assert pair.requestor.deadline() == 320.0


def test_our_own_writing_holds_silence_off() -> None:
    pair = established()
    pair.requestor.send_message(STORE, CStoreRQ(1, CT_STORAGE, "1.2"), 10.0)
    pair.requestor.touch(55.0)
    assert pair.requestor.deadline() == 115.0


def test_the_time_we_were_busy_is_not_the_peers_silence() -> None:
    core = established().acceptor
    drive(core, [messages.STORE_SUBOPERATION.pdus], 10.0)
    core.excuse(25.0)
    assert core.deadline() == 95.0
    drive(core, [b"\4\0\0\0\0\6" + b"\0\0\0\2\3\2"], 80.0)
    assert core.deadline() == 380.0, "counted anew once the peer is heard"


def test_each_response_holds_silence_off_and_the_final_one_ends_the_wait() -> None:
    pair = established()
    pair.requestor.send_message(FIND, CFindRQ(1, STUDY_FIND), 0.0)
    pending = respond(CFindRQ(1, STUDY_FIND), 0xFF00)
    for now in (50.0, 100.0, 150.0):
        pair.acceptor.send_message(FIND, pending, now)
        pair.now = now
        pair.pump()
        assert pair.requestor.deadline() == now + 60
    pair.acceptor.send_message(FIND, pending._replace(status=0), 160.0)
    pair.now = 160.0
    pair.pump()
    assert pair.requestor.deadline() == 460.0, "idle now"


def test_a_drip_is_silence() -> None:
    pair = established()
    pair.requestor.send_message(ECHO, CEchoRQ(1), 0.0)
    wire = messages.ECHO_RSP.pdus
    for second in range(59):
        drive(pair.requestor, [wire[second : second + 1]], float(second))
        assert pair.requestor.deadline() == 60.0
    pair.requestor.timeout(60.0)
    assert expired(pair.requestor).timer == "dimse"


def test_a_long_data_set_is_no_silence_while_it_flows() -> None:
    pair = established()
    core = pair.acceptor
    drive(core, [messages.STORE_SUBOPERATION.pdus], 10.0)
    assert core.deadline() == 70.0
    assert core.waiting_for() == "the rest of the data set of C-STORE-RQ"
    drive(core, [b"\4\0\0\x20\0\0" + b"\0\x1f\xff\xfc\3\0"], 20.0)
    for now in (30.0, 60.0, 90.0):
        assert all(isinstance(event, Fragment) for event in drive(core, [bytes(1 << 16)], now))
        assert core.deadline() == now + 60
    drive(core, [bytes(1000)], 100.0)
    assert core.deadline() == 150.0, "a thousand bytes are no sign of life"
    core.timeout(150.0)
    assert expired(core) == TimerExpired("dimse", 60.0, "the rest of the data set of C-STORE-RQ")


def test_a_data_set_that_was_announced_and_does_not_come_is_named() -> None:
    core = established().acceptor
    drive(core, [messages.STORE_SUBOPERATION.pdus], 10.0)
    core.eof_received(11.0)
    assert core.next_event() == ConnectionClosed(False, False, "the rest of the data set of C-STORE-RQ")


def test_the_end_of_a_data_set_starts_the_idle_time() -> None:
    core = established().acceptor
    drive(core, [messages.STORE_SUBOPERATION.pdus + b"\4\0\0\0\0\6" + b"\0\0\0\2\3\2"], 10.0)
    assert core.deadline() == 310.0
    assert core.waiting_for() == "the next request"


def test_an_idle_association_expires_as_such() -> None:
    core = established().acceptor
    core.timeout(299.0)
    assert core.next_event() is None
    core.timeout(300.0)
    assert expired(core) == TimerExpired("idle", 300.0, "the next request")
    assert not core.is_over


@pytest.mark.parametrize("cut", [1, 5, 6, 11, 12, 40])
@pytest.mark.parametrize("idle", [None, 5000.0])
def test_a_message_that_comes_in_two_pieces_after_a_long_rest_has_its_full_time(cut: int, idle: float | None) -> None:
    core = established(TIMERS._replace(idle=idle)).acceptor
    drive(core, [ECHO_RQ[:cut]], 1000.0)
    assert core.deadline() == 1060.0
    core.timeout(1001.0)
    assert core.next_event() is None
    drive(core, [ECHO_RQ[cut : cut + 1]], 1030.0)
    assert core.deadline() == 1060.0
    assert core.waiting_for() in ("the rest of a PDU", "the rest of a command set")
    core.timeout(1060.0)
    assert expired(core).timer == "dimse"


def test_a_first_response_in_two_pieces() -> None:
    """The requestor waits on one request while it idled before: the request's own time counts."""
    pair = established()
    pair.requestor.send_message(ECHO, CEchoRQ(1), 1000.0)
    drive(pair.requestor, [messages.ECHO_RSP.pdus[:20]], 1050.0)
    assert pair.requestor.deadline() == 1060.0


# --- the end -------------------------------------------------------------------------------------------------


def test_the_release_timer_runs_for_the_whole_wait_though_data_still_comes() -> None:
    core = established().requestor
    core.release(50.0)
    for now in (52.0, 55.0, 59.0):
        assert len(drive(core, [ECHO_RQ], now)) == 1
        assert core.deadline() == 60.0
    core.timeout(60.0)
    assert expired(core) == TimerExpired("release", 10.0, "the release response")
    assert not core.is_over
    core.abort(60.0)
    assert core.deadline() == 61.0


def test_the_peer_gets_the_closing_time_and_not_a_moment_more() -> None:
    pair = established()
    pair.requestor.release(0.0)
    pair.now = 5.0
    pair.pump()
    pair.acceptor.respond_to_release(7.0)
    assert pair.acceptor.deadline() == 8.0
    for now, pdu in ((7.2, ECHO_RQ), (7.5, golden.RELEASE_RQ.data), (7.8, ECHO_RQ), (7.9, golden.RQ_ECHO.data)):
        assert drive(pair.acceptor, [pdu], now) == []
        assert pair.acceptor.deadline() == 8.0
    pair.acceptor.timeout(8.0)
    assert pair.acceptor.next_event() is None
    assert pair.acceptor.is_over


def test_after_a_violation_the_close_is_awaited_no_longer_than_the_closing_time() -> None:
    core = established().acceptor
    only(drive(core, [golden.UNKNOWN_PDU], 20.0), Violation)
    assert core.deadline() == 21.0
    drive(core, [golden.RQ_ECHO.data], 20.9)
    assert core.deadline() == 21.0
    core.timeout(21.0)
    assert core.is_over


def test_a_data_set_of_ours_does_not_change_the_release_timer() -> None:
    pair = established()
    pair.requestor.send_message(STORE, CStoreRQ(1, CT_STORAGE, "1.2"), 0.0)
    pair.send_data_set(pair.requestor, STORE, chunks_of(b"data"))
    pair.requestor.release(40.0)
    assert pair.requestor.deadline() == 50.0
