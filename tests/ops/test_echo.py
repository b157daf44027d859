"""C-ECHO as an operation: one, many, lost ones, and waiting until a peer is up."""

import time
from collections.abc import Callable

import pytest

from dcmnet_cli.core import uids
from dcmnet_cli.errors import (
    AssociationAborted,
    AssociationRejected,
    ConnectError,
    DcmnetError,
    NoAcceptedContext,
    OperationFailed,
    TimedOut,
    UnexpectedMessage,
    UsageError,
)
from dcmnet_cli.net.listener import listen
from dcmnet_cli.ops.echo import EchoPlan, echo, transfer_syntaxes, wait_for
from dcmnet_cli.ops.results import Report, RoundTrips
from dcmnet_cli.ops.target import Target, Timeouts
from tests.golden import associate as golden
from tests.scripted import (
    ABORT_BY_USER,
    Peer,
    accepting,
    acting,
    command,
    echo_request,
    echo_response,
    good_server,
    us,
)

QUICK = Timeouts(connect=2.0, acse=2.0, dimse=0.2, release=0.2, write=2.0)


def target(port: int) -> Target:
    return Target("127.0.0.1", port, "ANY-SCP", "ECHOSCU", timeouts=QUICK)


def names(report: Report) -> list[str]:
    return [step.name for step in report.steps]


def failing(port: int, kind: type[DcmnetError], plan: EchoPlan = EchoPlan()) -> tuple[DcmnetError, Report]:  # noqa: B008
    report = Report("echo")
    with pytest.raises(kind) as caught:
        echo(target(port), report, plan)
    return caught.value, report


def answering(*answers: bytes) -> Callable[[Peer], None]:
    """A scene: accept, and give each request the next answer; then hear how we leave."""

    def scene(peer: Peer) -> None:
        accepting(peer)
        for answer in answers:
            peer.pdu()
            peer.send(answer)
        peer.farewell()

    return scene


# --- one echo ------------------------------------------------------------------------------------------------------


def test_one_echo() -> None:
    report = Report("echo")
    with acting(good_server()) as port:
        trips = echo(target(port), report)
    assert (trips.sent, trips.lost, report.exit_code) == (1, 0, 0)
    assert 0 < trips.seconds[0] < 2
    assert names(report) == ["resolve", "TCP connect", "association", "C-ECHO", "release"]
    assert all(step.ok for step in report.steps)
    assert report.steps[3].detail == "0x0000 success"
    assert report.extra["status"] == "0000"


def test_an_abort_on_request() -> None:
    def scene(peer: Peer) -> None:
        accepting(peer)
        peer.pdu()
        peer.send(echo_response())
        assert peer.farewell() == ABORT_BY_USER

    report = Report("echo")
    with acting(scene) as port:
        echo(target(port), report, EchoPlan(abort=True))
    assert names(report)[-1] == "abort"
    assert report.exit_code == 0


def test_a_spoilt_release_costs_a_rung_and_nothing_else() -> None:
    def scene(peer: Peer) -> None:
        accepting(peer)
        peer.pdu()
        peer.send(echo_response())
        peer.pdu()

    report = Report("echo")
    with acting(scene) as port:
        trips = echo(target(port), report)
    assert (trips.answered, report.exit_code) == (1, 0)
    assert (report.steps[-1].name, report.steps[-1].ok) == ("release", False)
    assert "closed the connection, the release response was due" in report.steps[-1].detail


@pytest.mark.parametrize("status", [0x0122, 0xC000, 0xB000, 0xFF00])
def test_any_status_but_success_is_a_failure(status: int) -> None:
    with acting(answering(echo_response(1, status))) as port:
        error, report = failing(port, OperationFailed)
    assert isinstance(error, OperationFailed)
    assert error.status == status
    assert error.details["service"] == "echo"
    assert f"0x{status:04X}" in error.message
    assert report.extra["status"] == f"{status:04X}"
    assert (report.steps[-1].name, report.steps[-1].ok) == ("C-ECHO", False)


def test_the_comment_of_a_failure_is_kept() -> None:
    comment = b"closed for\x1b[2J lunch "
    fixed = (0x0100, us(0x8030)), (0x0120, us(1)), (0x0800, us(0x0101)), (0x0900, us(0x0110))
    with acting(answering(command(1, *fixed, (0x0902, comment)))) as port:
        error, _ = failing(port, OperationFailed)
    assert error.details["error_comment"] == comment.decode().strip()
    assert "\x1b" not in error.message


def test_a_request_in_answer_is_a_protocol_error_and_no_crash() -> None:
    with acting(answering(echo_request())) as port:
        error, report = failing(port, UnexpectedMessage)
    assert "sent C-ECHO-RQ" in error.message
    assert (report.steps[-1].name, report.steps[-1].ok) == ("C-ECHO", False)


@pytest.mark.parametrize(
    ("answers", "kind"),
    [((ABORT_BY_USER,), AssociationAborted), ((), TimedOut)],
)
def test_no_answer_is_no_success(answers: tuple[bytes, ...], kind: type[DcmnetError]) -> None:
    with acting(answering(*answers)) as port:
        _, report = failing(port, kind)
    assert (report.steps[-1].name, report.steps[-1].ok) == ("C-ECHO", False)


def test_an_association_without_a_context() -> None:
    refusing = bytearray(golden.AC_ECHO.data)
    refusing[refusing.index(b"\x21\0") + 6] = 3

    def scene(peer: Peer) -> None:
        peer.pdu()
        peer.send(bytes(refusing))
        peer.farewell()

    with acting(scene) as port:
        error, report = failing(port, NoAcceptedContext)
    assert error.details["results"] == [3]
    assert report.association is not None
    assert report.association.contexts[0].result == 3


# --- what is proposed ----------------------------------------------------------------------------------------------


def test_contexts_and_transfer_syntaxes_as_planned() -> None:
    seen: list[bytes] = []

    def scene(peer: Peer) -> None:
        seen.append(peer.pdu())
        peer.send(golden.RJ_CALLED.data)

    with acting(scene) as port:
        failing(port, AssociationRejected, EchoPlan(contexts=128, transfer_syntaxes=38))
    assert seen[0].count(b"\x30\0\0\x111.2.840.10008.1.1") == 128
    assert seen[0].count(b"\x40\0\0\x111.2.840.10008.1.2\x40") == 128
    assert seen[0].count(b"\x40\0\0") == 128 * 38


def test_transfer_syntaxes_are_distinct_and_begin_with_the_one_that_all_must_take() -> None:
    assert transfer_syntaxes(1) == (uids.IMPLICIT_VR_LITTLE_ENDIAN,)
    most = len(uids.transfer_syntaxes())
    everything = transfer_syntaxes(most)
    assert everything[0] == uids.IMPLICIT_VR_LITTLE_ENDIAN
    assert len(everything) == len(set(everything)) == most


# --- many ----------------------------------------------------------------------------------------------------------


def test_many_on_one_association() -> None:
    report = Report("echo")
    with acting(good_server(5)) as port:
        trips = echo(target(port), report, EchoPlan(repeat=5))
    assert (trips.sent, trips.answered, trips.lost, report.exit_code) == (5, 5, 0, 0)
    assert names(report).count("C-ECHO") == 1


def test_a_lost_echo_goes_on_with_a_new_association() -> None:
    """Three are answered, the fourth is not; the fifth and sixth go out on a second association."""
    first = answering(echo_response(1), echo_response(2), echo_response(3), ABORT_BY_USER)
    report = Report("echo")
    with acting(first, good_server(2)) as port:
        trips = echo(target(port), report, EchoPlan(repeat=6))
    assert (trips.sent, trips.answered, trips.lost) == (6, 5, 1)
    assert report.exit_code == 1


def test_a_late_failure_status_is_a_lost_echo() -> None:
    scene = answering(echo_response(1), echo_response(2, 0x0110), echo_response(3))
    report = Report("echo")
    with acting(scene) as port:
        trips = echo(target(port), report, EchoPlan(repeat=3))
    assert (trips.sent, trips.answered, trips.lost, report.exit_code) == (3, 2, 1, 1)


def test_without_a_new_association_it_stops_and_says_so() -> None:
    """A peer that has gone is not called a million times."""
    report = Report("echo")
    begin = time.monotonic()
    with acting(answering(echo_response(1), ABORT_BY_USER), lambda peer: peer.send(golden.RJ_CALLED.data)) as port:
        trips = echo(target(port), report, EchoPlan(repeat=1_000_000))
    assert time.monotonic() - begin < 2
    assert (trips.sent, trips.answered, trips.lost, report.exit_code) == (2, 1, 1, 1)
    assert report.notes[-1].startswith("stopped after 2 of 1000000 echoes: ")
    assert "called AE title not recognized" in report.notes[-1]


def test_a_first_echo_that_fails_is_an_error_however_many_were_to_follow() -> None:
    with acting(answering(ABORT_BY_USER)) as port:
        failing(port, AssociationAborted, EchoPlan(repeat=10))


# --- waiting -------------------------------------------------------------------------------------------------------


def wait(attempt: Callable[[Report], RoundTrips], patience: float) -> tuple[Report, RoundTrips | None, list[str]]:
    told: list[str] = []
    report, trips = wait_for(attempt, lambda: Report("echo"), patience, lambda error: told.append(error.message))
    return report, trips, told


def test_waiting_until_it_answers() -> None:
    failures = [ConnectError("not yet"), TimedOut("still not", "acse", 1.0)]

    def attempt(report: Report) -> RoundTrips:
        if failures:
            raise failures.pop(0)
        return RoundTrips(1, (0.001,))

    report, trips, told = wait(attempt, 10)
    assert trips == RoundTrips(1, (0.001,))
    assert report.error is None
    assert report.extra["attempts"] == 3
    assert told == ["not yet", "still not"]
    waited = report.extra["waited_s"]
    assert isinstance(waited, float)
    assert 0.3 <= waited < 2


def test_waiting_in_vain_ends_in_time_with_the_last_error() -> None:
    def attempt(report: Report) -> RoundTrips:
        report.steps.clear()
        raise ConnectError("nobody there")

    begin = time.monotonic()
    report, trips, told = wait(attempt, 0.5)
    assert time.monotonic() - begin < 1
    assert trips is None
    assert report.error is not None
    assert report.error.message == "nobody there"
    assert report.extra["attempts"] == len(told) >= 2


def test_what_waiting_cannot_cure_is_raised() -> None:
    def attempt(report: Report) -> RoundTrips:
        raise UsageError("wrong option")

    with pytest.raises(UsageError):
        wait(attempt, 10)


def test_each_attempt_has_its_own_ladder() -> None:
    (listener,) = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    listener.close()
    report, trips, told = wait(lambda fresh: echo(target(port), fresh), 0.2)
    assert trips is None
    assert names(report) == ["resolve", "TCP connect"]
    assert len(told) >= 2
