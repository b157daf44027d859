"""DIMSE messages over an association: their order, what answers what, and what a peer may not do."""

import gc
import random
import struct
import tracemalloc
from collections.abc import Callable

import pytest

from dcmnet_cli.core.association import P_DATA_LIMIT, AssociationProtocol
from dcmnet_cli.core.codec import Notes
from dcmnet_cli.core.command_set import COMMAND_SET_LIMIT, encode
from dcmnet_cli.core.commands import (
    CCancelRQ,
    CEchoRQ,
    CEchoRSP,
    CFindRQ,
    CFindRSP,
    CMoveRQ,
    CMoveRSP,
    CStoreRQ,
    CStoreRSP,
    Message,
    UnknownMessage,
    respond,
)
from dcmnet_cli.core.events import Fragment, MessageReceived, ReleaseRequested, Violation
from dcmnet_cli.core.negotiation import own_information
from dcmnet_cli.core.pdata import COMMAND, LAST, Chunks, chunks_of
from dcmnet_cli.core.pdu import AAssociateAC, AAssociateRQ, AReleaseRQ, PDataTF
from dcmnet_cli.core.state import State
from dcmnet_cli.errors import LocalProtocolError, RemoteProtocolError
from tests.golden import messages as golden
from tests.helpers import (
    CT_STORAGE,
    CUTTERS,
    ECHO,
    FIND,
    POLICY,
    REQUEST,
    STORE,
    STUDY_FIND,
    AssociationPair,
    data_of,
    drive,
    only,
    sent,
    splits,
)
from tests.wire import command, pdata, pdv

STORE_RQ = CStoreRQ(1, CT_STORAGE, "1.2.3.4")
FIND_RQ = CFindRQ(2, STUDY_FIND)
PENDING = CFindRSP(2, 0xFF00, STUDY_FIND, command_data_set_type=1)


def acceptor() -> AssociationProtocol:
    return AssociationPair().establish().acceptor


def violation(core: AssociationProtocol, wire: bytes) -> RemoteProtocolError:
    """The last event must be a violation, with its A-ABORT as provider on the way."""
    events = drive(core, [wire])
    error = only(events, Violation).error
    assert isinstance(events[-1], Violation)
    assert sent(core) == b"\7\0\0\0\0\4\0\0\2" + bytes((error.abort_reason,))
    assert core.state == State.STA13
    return error


# --- data sets -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", CUTTERS)
@pytest.mark.parametrize("maximum", [8, 17, 46, 4096, 0])
def test_store_with_its_data_set(cut: Callable[[bytes], list[bytes]], maximum: int) -> None:
    data = random.Random(1).randbytes(5000 if maximum > 20 else 200)
    pair = AssociationPair(REQUEST._replace(user_information=own_information(maximum)), cut=cut).establish()
    for core, context in ((pair.acceptor, FIND), (pair.requestor, STORE)):
        request: Message = STORE_RQ if context == STORE else FIND_RQ
        core.send_message(context, request, 0.0)
        pair.send_data_set(core, context, Chunks(len(data), (data[:100], bytearray(data[100:]))))
    events = pair.take(pair.acceptor)
    assert events[0] == MessageReceived(STORE, STORE_RQ)
    assert data_of(events) == data
    assert [event.is_last for event in events[1:] if isinstance(event, Fragment)].count(True) == 1
    assert isinstance(events[-1], Fragment)
    assert events[-1].is_last
    assert data_of(pair.take(pair.requestor)) == data
    assert pair.requestor.notes == pair.acceptor.notes == []


@pytest.mark.parametrize("example", [e for e in golden.GOLDEN if e.data_set], ids=lambda example: example.name)
def test_worked_messages_with_data_sets(example: golden.Golden) -> None:
    context = {1: ECHO, 3: STORE}.get(example.context_id, FIND)
    asked: dict[type, Message] = {CFindRSP: CFindRQ(2, STUDY_FIND), CMoveRSP: CMoveRQ(3, STUDY_FIND, "VIEWER")}
    for chunks in splits(_on_context(example.pdus, context)):
        core = acceptor()
        if type(example.message) in asked:
            core.send_message(context, asked[type(example.message)], 0.0)
        events = drive(core, chunks)
        assert events[0] == MessageReceived(context, example.message)
        assert data_of(events[1:]) == example.data_set


def _on_context(pdus: bytes, context_id: int) -> bytes:
    return b"".join(pdata(pdv(context_id, control, fragment)) for control, fragment in golden.pdvs(pdus))


def test_an_empty_data_set() -> None:
    pair = AssociationPair().establish()
    pair.requestor.send_message(STORE, STORE_RQ, 0.0)
    pair.send_data_set(pair.requestor, STORE, chunks_of(b""))
    assert pair.take(pair.acceptor)[1:] == [Fragment(STORE, memoryview(b""), True)]


def test_empty_pdvs_reserved_bits_and_shared_pdus_are_borne() -> None:
    raw = encode(STORE_RQ)
    wire = pdata(
        pdv(STORE, COMMAND | 0xFC, b""),
        pdv(STORE, COMMAND | 0xFC, raw[:20]),
        pdv(STORE, COMMAND | 0xFC, raw[20:]),
        pdv(STORE, COMMAND | LAST | 0xFC, b""),
        pdv(STORE, 0xFC, b""),
        pdv(STORE, 0xFC, b"abcd"),
        pdv(STORE, LAST | 0xFC, b""),
        pdv(ECHO, COMMAND | LAST, encode(CEchoRQ(5))),
    )
    for chunks in splits(wire):
        core = acceptor()
        events = drive(core, chunks)
        assert events[0] == MessageReceived(STORE, STORE_RQ)
        assert data_of(events) == b"abcd"
        assert events[-2:] == [Fragment(STORE, memoryview(b""), True), MessageReceived(ECHO, CEchoRQ(5))]
        assert core.notes == []


def test_odd_fragments_are_noted_once() -> None:
    core = acceptor()
    wire = command(STORE, STORE_RQ) + pdata(pdv(STORE, 0, b"abc"), pdv(STORE, 0, b"d"), pdv(STORE, LAST, b"e"))
    assert data_of(drive(core, [wire])) == b"abcde"
    assert core.notes == ["fragment of odd length accepted"]


def test_a_pdu_longer_than_we_announced_is_noted_and_read() -> None:
    core = AssociationPair(policy=POLICY._replace(maximum_length=64)).establish().acceptor
    assert len(drive(core, [command(ECHO, CEchoRQ(1))])) == 1
    assert len(core.notes) == 1
    assert "64" in core.notes[0]


@pytest.mark.parametrize("length", [0, 1, 5, P_DATA_LIMIT + 1, 0xFFFFFFFF])
def test_impossible_lengths_of_p_data(length: int) -> None:
    assert violation(acceptor(), b"\4\0" + length.to_bytes(4, "big")).abort_reason == 6


@pytest.mark.parametrize("length", [0, 1, 0xFFFFFFFC, 0xFFFFFFFF])
def test_impossible_lengths_of_a_pdv(length: int) -> None:
    wire = b"\4\0\0\0\0\x10" + struct.pack(">IBB", length, ECHO, 3) + bytes(10)
    error = violation(acceptor(), wire)
    assert (error.abort_reason, error.details["offset"]) == (6, 6)
    assert violation(acceptor(), golden.PDV_PAST_ITS_PDU).abort_reason == 6


def test_a_lent_view_shows_when_it_is_kept() -> None:
    """The strict wire of these tests: what the core hands out is not what it was once more bytes are received."""
    core = acceptor()
    buffer = core.get_buffer()
    wire = command(STORE, STORE_RQ) + pdata(pdv(STORE, 0, b"precious"))
    buffer[: len(wire)] = wire
    core.buffer_updated(len(wire), 0.0)
    core.next_event()
    kept = core.next_event()
    assert isinstance(kept, Fragment)
    assert kept.data == b"precious"
    core.get_buffer()[:200] = bytes(200)
    assert kept.data != b"precious"


# --- what may not come ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wire", "reason", "words"),
    [
        (pdata(pdv(STORE, 0, b"data")), 5, "no command announced"),
        (pdata(pdv(STORE, LAST, b"")), 5, "no command announced"),
        (command(ECHO, CEchoRQ(1)) + pdata(pdv(ECHO, LAST, b"data")), 5, "no command announced"),
        (command(STORE, STORE_RQ) + command(STORE, STORE_RQ), 5, "data set of C-STORE-RQ is due"),
        (command(STORE, STORE_RQ) + command(ECHO, CEchoRQ(1)), 5, "within a message of context 3"),
        (command(STORE, STORE_RQ) + pdata(pdv(FIND, 0, b"data")), 5, "within a message of context 3"),
        (pdata(pdv(ECHO, COMMAND, bytes(12)), pdv(FIND, COMMAND, b"x")), 5, "within a message of context 1"),
        (pdata(pdv(STORE, COMMAND, bytes(12)), pdv(STORE, LAST, b"data")), 5, "no command announced"),
        (pdata(pdv(7, COMMAND | LAST, encode(CEchoRQ(1)))), 5, "context 7, which was not accepted"),
        (pdata(pdv(0, COMMAND | LAST, encode(CEchoRQ(1)))), 5, "context 0, which was not accepted"),
        (pdata(pdv(2, COMMAND | LAST, encode(CEchoRQ(1)))), 5, "context 2, which was not accepted"),
        (pdata(pdv(255, 0, b"")), 5, "context 255, which was not accepted"),
        (command(ECHO, CEchoRSP(1, 0)), 2, "C-ECHO-RSP for message 1, which awaits none"),
        (command(FIND, PENDING), 2, "C-FIND-RSP for message 2, which awaits none"),
        (pdata(pdv(ECHO, COMMAND | LAST, b"")), 6, "0000,0800"),
        (pdata(pdv(ECHO, COMMAND | LAST, encode(CEchoRQ(1))[:-1])), 6, "0000,0800"),
        (pdata(pdv(ECHO, COMMAND | LAST, b"\2\0\0\0UI\4\0" + b"1.2\0")), 6, "0002,0000"),
    ],
)
def test_violations(wire: bytes, reason: int, words: str) -> None:
    for chunks in splits(wire):
        core = acceptor()
        error = only(drive(core, chunks), Violation).error
        assert error.abort_reason == reason
        assert words in error.message
        assert sent(core) == b"\7\0\0\0\0\4\0\0\2" + bytes((reason,))


@pytest.mark.parametrize(
    ("context_id", "response", "words"),
    [
        (ECHO, CEchoRSP(8, 0), "C-ECHO-RSP for message 8, which awaits none"),
        (ECHO, CStoreRSP(7, 0), "C-STORE-RSP in answer to C-ECHO-RQ"),
        (ECHO, UnknownMessage(0x8031, message_id_being_responded_to=7, status=0), "message 8031H in answer to"),
        (FIND, CEchoRSP(7, 0), "C-ECHO-RSP on presentation context 5, asked for on 1"),
    ],
)
def test_a_response_is_matched_by_context_message_id_and_type(context_id: int, response: Message, words: str) -> None:
    core = AssociationPair().establish().requestor
    core.send_message(ECHO, CEchoRQ(7), 0.0)
    sent(core)
    error = violation(core, command(context_id, response))
    assert words in error.message
    assert error.abort_reason == 2


def test_a_second_final_response_is_one_too_many() -> None:
    core = AssociationPair().establish().requestor
    core.send_message(ECHO, CEchoRQ(7), 0.0)
    sent(core)
    assert len(drive(core, [command(ECHO, CEchoRSP(7, 0))])) == 1
    violation(core, command(ECHO, CEchoRSP(7, 0)))


def test_a_response_without_status_is_no_success() -> None:
    core = AssociationPair().establish().requestor
    core.send_message(ECHO, CEchoRQ(7), 0.0)
    sent(core)
    raw = encode(CEchoRSP(7, 0))[12:-10]
    error = violation(core, pdata(pdv(ECHO, COMMAND | LAST, raw)))
    assert error.details["tag"] == "0000,0900"


def test_a_violation_after_our_release_request_is_one_too() -> None:
    core = AssociationPair().establish().requestor
    core.release(0.0)
    sent(core)
    violation(core, pdata(pdv(STORE, 0, b"data")))


def test_nothing_of_a_broken_message_reaches_the_user_after_the_violation() -> None:
    core = acceptor()
    wire = command(STORE, STORE_RQ) + pdata(pdv(STORE, 0, b"good"), pdv(FIND, 0, b"bad!"), pdv(STORE, LAST, b"late"))
    for tail in (b"", command(ECHO, CEchoRQ(1))):
        core = acceptor()
        events = drive(core, [wire + tail])
        assert [type(event) for event in events] == [MessageReceived, Fragment, Violation]
        assert data_of(events) == b"good"


# --- what may come, though odd -------------------------------------------------------------------------------


def test_a_cancel_for_nothing_is_told_and_harms_nobody() -> None:
    core = acceptor()
    assert drive(core, [command(FIND, CCancelRQ(99)) * 3]) == [MessageReceived(FIND, CCancelRQ(99))] * 3
    assert sent(core) == b""


def test_unknown_operations_are_told_with_their_data_set() -> None:
    unknown = UnknownMessage(0x0777, message_id=9, command_data_set_type=1)
    core = acceptor()
    events = drive(core, [command(ECHO, unknown) + pdata(pdv(ECHO, LAST, b"data"))])
    assert events == [MessageReceived(ECHO, unknown), Fragment(ECHO, memoryview(b"data"), True)]
    answer = UnknownMessage(0x8777, message_id_being_responded_to=9, status=0x0211)
    core.send_message(ECHO, answer, 0.0)
    assert sent(core) == command(ECHO, answer)


def test_responses_come_in_any_order_and_the_other_direction_is_its_own() -> None:
    pair = AssociationPair().establish()
    for number in (1, 2, 0, 65535):
        pair.requestor.send_message(ECHO, CEchoRQ(number), 0.0)
    pair.acceptor.send_message(ECHO, CEchoRQ(1), 0.0)
    pair.pump()
    assert pair.take(pair.requestor) == [MessageReceived(ECHO, CEchoRQ(1))]
    assert len(pair.take(pair.acceptor)) == 4
    for number in (65535, 0, 2, 1):
        pair.acceptor.send_message(ECHO, CEchoRSP(number, 0), 0.0)
    pair.requestor.send_message(ECHO, CEchoRSP(1, 0), 0.0)
    pair.pump()
    answered = [event.message for event in pair.take(pair.requestor) if isinstance(event, MessageReceived)]
    assert answered == [CEchoRSP(number, 0) for number in (65535, 0, 2, 1)]
    assert pair.take(pair.acceptor) == [MessageReceived(ECHO, CEchoRSP(1, 0))]


def test_both_pending_statuses_keep_the_request_open() -> None:
    core = AssociationPair().establish().requestor
    core.send_message(FIND, FIND_RQ, 0.0)
    for status in (0xFF00, 0xFF01, 0xFF00):
        drive(core, [command(FIND, PENDING._replace(status=status)) + pdata(pdv(FIND, LAST, b"data"))])
        assert core.describe_outstanding() == "the response to C-FIND-RQ (message 2)"
    drive(core, [command(FIND, CFindRSP(2, 0xFE00))])
    assert core.describe_outstanding() == ""


def test_a_release_amid_a_data_set_leaves_it_unfinished() -> None:
    core = acceptor()
    wire = command(STORE, STORE_RQ) + pdata(pdv(STORE, 0, b"half")) + b"\5\0\0\0\0\4\0\0\0\0"
    events = drive(core, [wire])
    assert events[-1] == ReleaseRequested()
    assert not any(event.is_last for event in events if isinstance(event, Fragment))


# --- limits --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wire",
    [
        pdata(pdv(ECHO, COMMAND | LAST, bytes(COMMAND_SET_LIMIT + 2))),
        pdata(pdv(ECHO, COMMAND, bytes(COMMAND_SET_LIMIT))) + pdata(pdv(ECHO, COMMAND, b"\0\0")),
        b"\4\0\0\x98\x96\x86" + struct.pack(">IBB", 10_000_002, ECHO, COMMAND),
    ],
    ids=["at once", "bit by bit", "10 MB announced"],
)
def test_a_command_set_without_end_is_refused(wire: bytes) -> None:
    error = violation(acceptor(), wire)
    assert error.abort_reason == 6
    assert str(COMMAND_SET_LIMIT) in error.message


def test_a_command_set_up_to_the_limit_is_read() -> None:
    padding = struct.pack("<HHI", 0, 0x5110, COMMAND_SET_LIMIT - 68 - 8) + bytes(COMMAND_SET_LIMIT - 68 - 8)
    raw = encode(CEchoRQ(1)) + padding
    assert len(raw) == COMMAND_SET_LIMIT
    wire = pdata(pdv(ECHO, COMMAND, raw[:30000])) + pdata(pdv(ECHO, COMMAND | LAST, raw[30000:]))
    assert drive(acceptor(), [wire]) == [MessageReceived(ECHO, CEchoRQ(1))]


def test_endless_pending_responses_take_constant_memory() -> None:
    core = AssociationPair().establish().requestor
    core.send_message(FIND, FIND_RQ, 0.0)
    wire = (command(FIND, PENDING) + pdata(pdv(FIND, LAST, bytes(100)))) * 20
    drive(core, [wire] * 2)
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(100):
        assert len(drive(core, [wire])) == 40
    gc.collect()
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert after - before < 20_000


def test_thousands_of_empty_fragments_take_constant_memory() -> None:
    core = acceptor()
    drive(core, [command(STORE, STORE_RQ)])
    wire = pdata(*[pdv(STORE, 0, b"")] * 500)
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(20):
        assert drive(core, [wire]) == []
    gc.collect()
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert after - before < 20_000


def test_notes_are_bounded_whatever_a_peer_does() -> None:
    core = acceptor()
    for tag in range(0x2000, 0x2100):
        raw = encode(CEchoRQ(1)) + struct.pack("<HHI", 8, tag, 0)
        drive(core, [pdata(pdv(ECHO, COMMAND | LAST, raw))])
    assert len(core.notes) == Notes.MOST


# --- what we may not do --------------------------------------------------------------------------------------


@pytest.mark.parametrize("context_id", [0, 2, 7, 255])
def test_we_send_nothing_on_a_context_that_was_not_accepted(context_id: int) -> None:
    core = acceptor()
    with pytest.raises(LocalProtocolError, match=f"context {context_id} "):
        core.send_message(context_id, CEchoRQ(1), 0.0)
    assert sent(core) == b""
    assert core.describe_outstanding() == ""


def test_a_message_id_is_free_again_after_its_final_response() -> None:
    pair = AssociationPair().establish()
    pair.requestor.send_message(ECHO, CEchoRQ(1), 0.0)
    pair.pump()
    with pytest.raises(LocalProtocolError, match="message id 1 "):
        pair.requestor.send_message(FIND, CFindRQ(1, STUDY_FIND), 0.0)
    assert sent(pair.requestor) == b""
    pair.requestor.send_message(FIND, CCancelRQ(1), 0.0)
    pair.acceptor.send_message(ECHO, respond(CEchoRQ(1), 0x0110), 0.0)
    pair.pump()
    pair.requestor.send_message(ECHO, CEchoRQ(1), 0.0)


def test_a_message_that_cannot_be_sent_leaves_nothing_behind() -> None:
    core = acceptor()
    with pytest.raises(LocalProtocolError):
        core.send_message(ECHO, CEchoRQ(70000), 0.0)
    assert sent(core) == b""
    assert core.describe_outstanding() == ""


# --- what observers see --------------------------------------------------------------------------------------


def test_everything_that_goes_by_is_traced_alike_on_both_sides() -> None:
    pair = AssociationPair(REQUEST._replace(user_information=own_information(60)), is_traced=True)
    pair.policy = pair.policy._replace(maximum_length=60)
    pair.establish()
    pair.requestor.send_message(STORE, STORE_RQ, 0.0)
    pair.send_data_set(pair.requestor, STORE, chunks_of(bytes(100)))
    pair.requestor.release(0.0)
    pair.pump()
    raw = encode(STORE_RQ)
    assert len(raw) % 54
    fragments = [PDataTF(STORE, COMMAND, 54)] * (len(raw) // 54) + [PDataTF(STORE, COMMAND | LAST, len(raw) % 54)]
    data_set = [PDataTF(STORE, 0, 54), PDataTF(STORE, LAST, 46)]
    expected = [AAssociateRQ, AAssociateAC, *fragments, STORE_RQ, *data_set, AReleaseRQ]
    for core, seen in pair.traces.items():
        assert len(seen) == len(expected)
        for trace, what in zip(seen, expected, strict=True):
            assert trace.what == what or type(trace.what) is what
            assert trace.is_sent is (core.is_requestor != isinstance(trace.what, AAssociateAC))
            if isinstance(trace.what, PDataTF):
                assert (trace.raw, trace.context_id) == (None, STORE)
            elif trace.what == STORE_RQ:
                assert (trace.raw, trace.context_id) == (raw, STORE)
            else:
                assert trace.raw is not None
                assert trace.context_id == 0
