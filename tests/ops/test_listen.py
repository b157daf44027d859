"""A listener: who is let in, what its log says, and how it ends."""

import threading
from collections.abc import Callable, Iterator

import pytest

from dcmnet_cli.errors import ListenError
from dcmnet_cli.net.server import SERVER_TIMERS
from dcmnet_cli.ops.echo import echo
from dcmnet_cli.ops.listening.listen import Listener, ListenPlan
from dcmnet_cli.ops.listening.listen_log import EventLog, Summary
from dcmnet_cli.ops.results import ListenEvent, Report
from dcmnet_cli.ops.target import Target, Timeouts
from tests.golden import associate as golden
from tests.scripted import (
    ABORT_BY_USER,
    PATIENCE,
    RELEASE_RP,
    RELEASE_RQ,
    Peer,
    dial,
    echo_request,
    status_of,
    until,
)

RQ = golden.RQ_ECHO.data
TIMERS = SERVER_TIMERS._replace(acse=0.3, dimse=2.0, idle=2.0, closing=0.05)


class Running:
    """A listener in a thread of its own, and its events."""

    def __init__(self, plan: ListenPlan) -> None:
        self.events: list[ListenEvent] = []
        self.listener = Listener(plan, self.events.append)
        self.port = self.listener.port
        self._summaries: list[Summary] = []
        self.thread = threading.Thread(target=lambda: self._summaries.append(self.listener.run()), daemon=True)
        self.thread.start()

    @property
    def words(self) -> list[str]:
        return [event.event for event in self.events]

    def event(self, word: str) -> ListenEvent:
        """The one event of this name, once it has come."""
        until(lambda: word in self.words)
        (found,) = (event for event in self.events if event.event == word)
        return found

    def stopped(self) -> Summary:
        self.listener.stop()
        return self.ended()

    def ended(self) -> Summary:
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()
        return self._summaries[0]


Start = Callable[..., Running]


@pytest.fixture
def start() -> Iterator[Start]:
    running: list[Running] = []

    def listen(**options: object) -> Running:
        plan = ListenPlan(0, host="127.0.0.1", timers=TIMERS, grace=0.0)
        running.append(Running(plan._replace(**options)))  # type: ignore[arg-type]
        return running[-1]

    yield listen
    for each in running:
        each.stopped()


def associate(port: int, request: bytes = RQ) -> Peer:
    peer = dial(port)
    peer.send(request)
    return peer


def titled(called: bytes, calling: bytes) -> bytes:
    return RQ[:10] + called.ljust(16) + calling.ljust(16) + RQ[42:]


def release(peer: Peer) -> None:
    peer.send(RELEASE_RQ)
    assert peer.pdu() == RELEASE_RP
    peer.close()


def test_the_log_of_one_echo(start: Start) -> None:
    running = start()
    peer = associate(running.port, titled(b"PACS", b"CT1"))
    assert peer.pdu()[0] == 2
    peer.send(echo_request())
    assert status_of(peer.pdu()) == 0
    remote = f"127.0.0.1:{peer.sock.getsockname()[1]}"
    release(peer)
    until(lambda: "closed" in running.words)
    assert running.stopped() == Summary(associations=1, rejected=0, echoes=1, failed=0, cut_off=False)
    assert running.words == ["listening", "association", "echo", "closed", "stopped"]
    listening, association, answered, closed, stopped = running.events
    assert (listening.facts["port"], listening.facts["tls"]) == (running.port, False)
    assert f"127.0.0.1:{running.port}" in listening.detail
    for event in (association, answered, closed):
        assert (event.peer, event.calling, event.called) == (remote, "CT1", "PACS")
    assert association.detail == "1 of 1 context accepted"
    assert association.facts["peer_implementation_class_uid"] == "1.2.3.4"
    assert answered.facts == {"status": "0000"}
    assert closed.facts["association"] is True
    assert stopped.detail == "1 association, 1 echo"
    assert listening.at <= association.at <= stopped.at


def test_our_own_echo_against_our_own_listener(start: Start) -> None:
    running = start()
    report = Report("echo")
    timeouts = Timeouts(connect=2.0, acse=2.0, dimse=2.0, release=2.0, write=2.0)
    trips = echo(Target("127.0.0.1", running.port, timeouts=timeouts), report)
    assert (trips.answered, report.exit_code) == (1, 0)
    assert report.association is not None
    assert report.association.notes == ()
    until(lambda: "closed" in running.words)
    assert running.stopped().echoes == 1


# --- who is let in -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "triple", "words"),
    [
        ({"called": ("PACS",)}, (1, 1, 7), "called AE title not recognized"),
        ({"calling": ("CT1", "CT2")}, (1, 1, 3), "calling AE title not recognized"),
        ({"called": ("any-scp",)}, (1, 1, 7), "called AE title not recognized"),
        ({"max_associations": 0}, (2, 3, 2), "local limit exceeded"),
    ],
)
def test_rejections_with_the_right_reason(
    start: Start, options: dict[str, object], triple: tuple[int, int, int], words: str
) -> None:
    running = start(**options)
    with associate(running.port) as peer:
        assert peer.pdu() == bytes((3, 0, 0, 0, 0, 4, 0, *triple))
    event = running.event("rejected")
    assert (event.facts["result"], event.facts["source"], event.facts["reason"]) == triple
    assert words in event.detail
    assert 'called "ANY-SCP"' in event.detail
    assert event.calling == "ECHOSCU"
    assert running.stopped() == Summary(associations=0, rejected=1, echoes=0, failed=0, cut_off=False)


def test_those_who_are_named_are_let_in(start: Start) -> None:
    running = start(called=("PACS",), calling=("CT1", "CT2"))
    for calling in (b"CT1", b"CT2"):
        peer = associate(running.port, titled(b"PACS", calling))
        assert peer.pdu()[0] == 2
        release(peer)


def test_a_version_that_is_not_ours_counts_once(start: Start) -> None:
    running = start()
    with associate(running.port, RQ[:6] + b"\0\2" + RQ[8:]) as peer:
        assert peer.pdu() == bytes.fromhex("03 00 00000004 00 01 02 02")
    until(lambda: "closed" in running.words)
    assert running.stopped() == Summary(associations=0, rejected=1, echoes=0, failed=0, cut_off=False)
    assert running.words.count("rejected") == 1


def test_a_hostile_title_is_shown_and_does_nothing(start: Start) -> None:
    running = start(called=("PACS",))
    with associate(running.port, titled(b'\x1b[2J"\r\n\xff', b"../[red]$(x)")) as peer:
        assert peer.pdu()[0] == 3
    detail = running.event("rejected").detail
    assert detail.isprintable()
    assert r'called "\x1b[2J\"\x0d\x0a\xff"' in detail


# --- what is no association ----------------------------------------------------------------------------------------


def test_a_port_check_is_one_short_line_and_no_failure(start: Start) -> None:
    running = start()
    dial(running.port).close()
    event = running.event("closed")
    assert (event.detail, event.facts["association"]) == ("no association", False)
    assert running.stopped() == Summary(associations=0, rejected=0, echoes=0, failed=0, cut_off=False)
    assert running.words == ["listening", "closed", "stopped"]


@pytest.mark.parametrize(
    ("said", "event", "words"),
    [
        (b"GET /?\x1b[31m HTTP/1.1\r\n\r\n", "not_dicom", "an HTTP request"),
        (bytes.fromhex("16 03 01 02 00 01"), "not_dicom", "a TLS client hello"),
        (b"\4", "aborted", "P-DATA-TF in Sta2"),
        (ABORT_BY_USER, "aborted", "by the peer"),
        (RQ[:50], "failed", "(ACSE timeout)"),
        (b"", "failed", "was silent for 0.3 s (ACSE timeout)"),
    ],
)
def test_what_the_log_says_of_others(start: Start, said: bytes, event: str, words: str) -> None:
    running = start()
    with dial(running.port) as peer:
        peer.send(said)
        peer.rest()
    found = running.event(event)
    assert words in found.detail
    assert found.detail.isprintable()
    assert running.stopped().failed == (0 if event == "not_dicom" else 1)


def test_a_lost_association(start: Start) -> None:
    running = start()
    with associate(running.port) as peer:
        peer.pdu()
    assert "closed the connection" in running.event("failed").detail
    assert running.stopped() == Summary(associations=1, rejected=0, echoes=0, failed=1, cut_off=False)


# --- the end -------------------------------------------------------------------------------------------------------


def test_it_ends_after_so_many_associations(start: Start) -> None:
    running = start(stop_after=2, grace=PATIENCE)
    dial(running.port).close()
    for _ in range(2):
        peer = associate(running.port)
        assert peer.pdu()[0] == 2
        release(peer)
    assert running.ended().associations == 2
    assert running.words[-2:] == ["closed", "stopped"]


def test_what_is_cut_off_is_said(start: Start) -> None:
    running = start(grace=0.05)
    with associate(running.port) as peer:
        peer.pdu()
        running.listener.stop()
        assert peer.rest() == ABORT_BY_USER
    summary = running.ended()
    assert summary.cut_off
    assert running.words[-3:] == ["aborted", "closed", "stopped"]
    assert "by us" in running.event("aborted").detail
    assert running.events[-1].detail.endswith("some aborted at the end")


def test_a_port_that_is_taken() -> None:
    first = Listener(ListenPlan(0, host="127.0.0.1"), lambda event: None)
    with pytest.raises(ListenError, match="the port is in use"):
        Listener(ListenPlan(first.port, host="127.0.0.1"), lambda event: None)
    first.stop()
    first.run()


@pytest.mark.parametrize(
    ("summary", "words"),
    [
        (Summary(), "0 associations"),
        (Summary(associations=1, echoes=1), "1 association, 1 echo"),
        (
            Summary(associations=3, rejected=2, echoes=4, failed=1, cut_off=True),
            "3 associations, 4 echoes, 2 rejected, 1 connection failed, some aborted at the end",
        ),
    ],
)
def test_the_summary_in_words(summary: Summary, words: str) -> None:
    assert summary.describe() == words


@pytest.mark.parametrize("last", ["listening", "association", "echo", "stopped"])
def test_a_log_that_cannot_be_written_ends_the_listener_and_no_association(last: str) -> None:
    words: list[str] = []

    def emit(event: ListenEvent) -> None:
        words.append(event.event)
        if event.event == last:
            raise BrokenPipeError("nobody reads it")

    listener = Listener(ListenPlan(0, host="127.0.0.1", timers=TIMERS, grace=PATIENCE), emit)
    failures: list[OSError] = []

    def run() -> None:
        try:
            listener.run()
        except OSError as error:
            failures.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    if last != "listening":
        peer = associate(listener.port)
        assert peer.pdu()[0] == 2
        peer.send(echo_request())
        assert status_of(peer.pdu()) == 0
        release(peer)
    if last == "stopped":
        listener.stop()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert [str(error) for error in failures] == ["nobody reads it"]
    assert words[-1] == last


def test_a_bug_of_ours_is_named_as_one() -> None:
    events: list[ListenEvent] = []
    log = EventLog(events.append, lambda ended: None, lambda: None)
    log.failed("127.0.0.1:1", ZeroDivisionError("division by zero"))
    (event,) = events
    assert (event.event, event.facts["kind"]) == ("failed", "internal")
    assert event.detail == "internal error: ZeroDivisionError: division by zero"
