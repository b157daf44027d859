"""The log of a listener: what is counted, what is told, and what is not."""

from pathlib import Path

import pytest

from dcmnet_cli.errors import OutputError
from dcmnet_cli.net.sink import Stored
from dcmnet_cli.ops.listening.hooks import HookResult
from dcmnet_cli.ops.listening.listen_log import COUNTED_OUTCOMES, MOST_STUDIES, EventLog, Received, Summary
from dcmnet_cli.ops.listening.receive import ReceivedObject
from dcmnet_cli.ops.listening.storage import StoragePlan
from dcmnet_cli.ops.results import ListenEvent
from tests.dicom_files import CT, EXPLICIT, data_set
from tests.receiving import Running, Sender

REMOTE = "127.0.0.1:50000"


class Log(EventLog):
    """A log and what it told."""

    def __init__(self) -> None:
        self.events: list[ListenEvent] = []
        self.broken = 0
        self.has_reader = True

        def emit(event: ListenEvent) -> None:
            if not self.has_reader:
                raise BrokenPipeError
            self.events.append(event)

        def broken() -> None:
            self.broken += 1

        super().__init__(emit, lambda _: None, broken)


def received(outcome: str = "stored", *notes: str, study: str = "1.2.3") -> ReceivedObject:
    stored = Stored(outcome, "/inbox/DOE^JANE/1.2.3.4.dcm") if outcome != "ignored" else None
    return ReceivedObject(CT, "1.2.3.4", study, EXPLICIT, 1000, 0.5, stored, notes)


def test_every_outcome_is_counted() -> None:
    log = Log()
    for outcome in COUNTED_OUTCOMES:
        log.received(REMOTE, received(outcome), tell=False)
    log.not_stored(REMOTE, "1.2.3", OutputError("no space left on device"))
    assert log.summary(False) == Summary(stored=3, duplicates=1, refused=2, ignored=1)
    (failed,) = log.events
    assert (failed.event, failed.detail) == ("failed", "1.2.3 not stored: no space left on device")
    assert failed.facts["sop_instance_uid"] == "1.2.3"


def test_what_an_association_brought_is_told_at_its_end() -> None:
    log = Log()
    for outcome in ("stored", "stored", "skipped"):
        log.received(REMOTE, received(outcome), tell=False)
    log.not_stored(REMOTE, "1.2.3", OutputError("why"))
    log.closed(REMOTE)
    told = next(event for event in log.events if event.event == "received")
    assert "study 1.2.3: 2 stored, 1 skipped, 1 not stored, 3.0 kB" in told.detail
    assert told.facts["outcomes"] == {"stored": 2, "skipped": 1}
    assert (told.facts["not_stored"], told.facts["bytes"], told.facts["studies"]) == (1, 3000, ["1.2.3"])


def test_paths_are_told_only_where_every_object_is() -> None:
    log = Log()
    log.received(REMOTE, received("stored", "a remark"), tell=False)
    log.received(REMOTE, received("stored", "a remark"), tell=True)
    quiet, told = log.events
    assert "DOE" not in quiet.detail
    assert "1.2.3.4" in quiet.detail
    assert "a remark" in quiet.detail
    assert "/inbox/DOE^JANE/1.2.3.4.dcm" in told.detail
    assert told.facts["path"] == "/inbox/DOE^JANE/1.2.3.4.dcm"


def test_who_sent_it_is_in_the_event_until_the_connection_is_gone() -> None:
    log = Log()
    log.identified(REMOTE, "user jane")
    log.received(REMOTE, received(), tell=True)
    log.closed(REMOTE)
    log.received(REMOTE, received(), tell=True)
    told = [event.facts["identity"] for event in log.events if event.event == "stored"]
    assert told == ["user jane", None]


def test_an_association_of_many_studies_is_remembered_within_bounds() -> None:
    brought = Received()
    for number in range(10 * MOST_STUDIES):
        brought.add("stored", 1, f"1.2.{number}")
    assert len(brought.studies) == MOST_STUDIES
    assert brought.outcomes == {"stored": 10 * MOST_STUDIES}


def test_hooks_that_fail_are_counted() -> None:
    log = Log()
    for status in (0, 1, None):
        problem = "" if status is not None else "took too long"
        log.hook_ended(HookResult("object", "hook.sh", "1.2.3.4", status, 0.1, (), problem))
    assert log.summary(False).hooks_failed == 2
    assert [event.event for event in log.events] == ["hook"] * 3


def test_a_log_whose_reader_went_away_stops_the_listener_once() -> None:
    log = Log()
    log.has_reader = False
    for _ in range(3):
        log.received(REMOTE, received(), tell=True)
    assert isinstance(log.failure, BrokenPipeError)
    assert log.broken == 1
    assert log.summary(False).stored == 3


@pytest.mark.parametrize(
    ("summary", "words"),
    [
        (Summary(), "0 associations"),
        (Summary(associations=1, echoes=1), "1 association, 1 echo"),
        (
            Summary(associations=2, stored=430, duplicates=6, refused=1, failed=3, hooks_failed=1, cut_off=True),
            "2 associations, 430 stored, 6 duplicates skipped, 1 not stored, 3 connections failed, 1 hook failed, "
            "some aborted at the end",
        ),
    ],
)
def test_the_summary_in_words(summary: Summary, words: str) -> None:
    assert summary.describe() == words


def test_nothing_is_remembered_of_associations_that_are_over(tmp_path: Path) -> None:
    with Running(storage=StoragePlan(str(tmp_path))) as running:
        for _ in range(20):
            with Sender(running.port) as sender:
                sender.store(data_set())
        running.closed(20)
        log = running.listener._log
        held = (log._titles, log._open, log._received, log._identities)
        running.stopped()
    assert held == ({}, {}, {}, {})
