"""Pending responses that repeat to the byte: read at one glance, and told the same as one by one."""

import pytest

from dcmnet_cli.core.commands import CFindRQ, CFindRSP, CMoveRQ, CMoveRSP, Message
from dcmnet_cli.core.events import Fragment, MessageReceived, Violation
from dcmnet_cli.core.pdata import LAST
from tests.helpers import FIND, STORE, STUDY_FIND, AssociationPair, drive, sent, splits
from tests.wire import command, pdata, pdv

ASK = CFindRQ(2, STUDY_FIND)
PENDING = command(FIND, CFindRSP(2, 0xFF00, STUDY_FIND, command_data_set_type=1))
WARNING = command(FIND, CFindRSP(2, 0xFF01, STUDY_FIND, command_data_set_type=1))
DONE = command(FIND, CFindRSP(2, 0, STUDY_FIND))
ANSWER = pdata(pdv(FIND, LAST, b"abcd"))
RELEASE = b"\5\0\0\0\0\4\0\0\0\0"
STREAMS = {
    "many": (PENDING + ANSWER) * 9 + DONE,
    "of two kinds": (PENDING + ANSWER + WARNING + ANSWER + WARNING + ANSWER + PENDING + ANSWER) * 2 + DONE,
    "answers in fragments": (PENDING + pdata(pdv(FIND, 0, b"ab"), pdv(FIND, LAST, b"cd"))) * 4 + DONE,
    "in one PDU with its answer": (PENDING + ANSWER) * 2
    + pdata(PENDING[6:], pdv(FIND, LAST, b"ab"))
    + (PENDING + ANSWER) * 2,
    "again after the last": (PENDING + ANSWER) * 3 + DONE + PENDING + ANSWER,
    "where an answer is due": (PENDING + ANSWER) * 3 + PENDING + PENDING,
    "within an answer": (PENDING + ANSWER) * 3 + PENDING + pdata(pdv(FIND, 0, b"ab")) + PENDING,
    "on another context": (PENDING + ANSWER) * 2 + command(STORE, CFindRSP(2, 0xFF00, STUDY_FIND)),
    "then a release": (PENDING + ANSWER) * 3 + RELEASE,
    "cut": ((PENDING + ANSWER) * 3)[:-9],
}


def outcome(chunks: tuple[bytes, ...], *, is_traced: bool, request: Message = ASK) -> tuple[object, ...]:
    """All that a user can tell of a stream. With a trace every PDU is looked at."""
    core = AssociationPair(is_traced=is_traced).establish().requestor
    core.send_message(FIND, request, 0.0)
    sent(core)
    events: list[object] = []
    data = b""
    for event in drive(core, chunks, is_quick=True):
        if isinstance(event, Fragment):
            data += event.data
            if not event.is_last:
                continue
            events.append(data)
            data = b""
        else:
            events.append(event.error.message if isinstance(event, Violation) else event)
    return events, data, sent(core), core.state, core.notes, core.waiting_for(), core.deadline()


@pytest.mark.parametrize("name", STREAMS)
def test_at_one_glance_or_one_by_one(name: str) -> None:
    expected = outcome((STREAMS[name],), is_traced=True)
    for chunks in splits(STREAMS[name]):
        assert outcome(chunks, is_traced=False) == expected


def test_every_answer_is_told() -> None:
    events = outcome((STREAMS["many"],), is_traced=False)[0]
    assert isinstance(events, list)
    assert [event for event in events if isinstance(event, bytes)] == [b"abcd"] * 9
    assert len([event for event in events if isinstance(event, MessageReceived)]) == 10


def test_pending_responses_without_an_answer() -> None:
    moving = CMoveRQ(3, STUDY_FIND, "HERE")
    stream = command(FIND, CMoveRSP(3, 0xFF00, STUDY_FIND, 5, 1, 0, 0)) * 4 + command(FIND, CMoveRSP(3, 0, STUDY_FIND))
    expected = outcome((stream,), is_traced=True, request=moving)
    assert len(expected[0]) == 5  # type: ignore[arg-type]
    for chunks in splits(stream):
        assert outcome(chunks, is_traced=False, request=moving) == expected
