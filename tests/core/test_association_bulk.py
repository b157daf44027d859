"""The quick ways through messages and data sets: the same as piece by piece, whatever comes."""

import random

import pytest

from dcmnet_cli.core.command_set import encode
from dcmnet_cli.core.commands import (
    CEchoRQ,
    CFindRQ,
    CFindRSP,
    CStoreRQ,
)
from dcmnet_cli.core.events import Fragment, MessageReceived, Violation
from dcmnet_cli.core.pdata import COMMAND, LAST
from dcmnet_cli.core.pdu import PDataTF
from tests.helpers import (
    CT_STORAGE,
    ECHO,
    FIND,
    POLICY,
    STORE,
    STUDY_FIND,
    AssociationPair,
    drive,
    sent,
    splits,
)
from tests.wire import command, pdata, pdv

STORE_RQ = CStoreRQ(1, CT_STORAGE, "1.2.3.4")
FIND_RQ = CFindRQ(2, STUDY_FIND)
PENDING = CFindRSP(2, 0xFF00, STUDY_FIND, command_data_set_type=1)


# --- the quick way through data sets --------------------------------------------------------------------------

QUICK_STREAMS = {
    "several data sets": (command(STORE, STORE_RQ) + pdata(pdv(STORE, 0, b"abcd"), pdv(STORE, LAST, b"ef"))) * 3,
    "a pipelined command in the same PDU": command(STORE, STORE_RQ)
    + pdata(pdv(STORE, LAST, b"ab"), pdv(ECHO, COMMAND | LAST, encode(CEchoRQ(1)))),
    "empty fragments": command(STORE, STORE_RQ)
    + pdata(pdv(STORE, 0, b""), pdv(STORE, 0, b"ab"), pdv(STORE, 0, b""))
    + pdata(pdv(STORE, LAST, b"")),
    "reserved bits": command(STORE, STORE_RQ) + pdata(pdv(STORE, 0xFC, b"ab"), pdv(STORE, 0xFC | LAST, b"cd")),
    "objects that differ": b"".join(
        command(STORE, CStoreRQ(number, CT_STORAGE, f"1.2.{number}")) + pdata(pdv(STORE, LAST, b"ab"))
        for number in (1, 2, 258, 3, 11)
    ),
    "a command in a longer PDU than announced": command(STORE, CStoreRQ(1, CT_STORAGE, "1." * 60 + "1")) * 2,
    "a command set of odd length": pdata(pdv(STORE, COMMAND | LAST, encode(STORE_RQ)[:-1])),
    "a command set in two PDVs": pdata(
        pdv(STORE, COMMAND, encode(STORE_RQ)[:20]), pdv(STORE, COMMAND | LAST, encode(STORE_RQ)[20:])
    ),
    "an empty command set": pdata(pdv(STORE, COMMAND | LAST, b"")),
    "a command on a context that was not accepted": command(99, STORE_RQ),
    "a broken command set": pdata(pdv(STORE, COMMAND | LAST, encode(STORE_RQ)[:-4] + b"1.3\0" + bytes(2))),
    "odd fragments": command(STORE, STORE_RQ) + pdata(pdv(STORE, 0, b"abc"), pdv(STORE, LAST, b"d")),
    "a PDU longer than announced": command(STORE, STORE_RQ) + pdata(pdv(STORE, LAST, bytes(400))),
    "release amid": command(STORE, STORE_RQ) + pdata(pdv(STORE, 0, b"ab")) + b"\5\0\0\0\0\4\0\0\0\0",
    "abort amid": command(STORE, STORE_RQ) + pdata(pdv(STORE, 0, b"ab")) + b"\7\0\0\0\0\4\0\0\0\0",
    "another context": command(STORE, STORE_RQ) + pdata(pdv(STORE, 0, b"ab"), pdv(FIND, 0, b"cd")),
    "a command where data is due": command(STORE, STORE_RQ) + pdata(pdv(STORE, 0, b"ab")) + command(STORE, STORE_RQ),
    "data without a command": command(STORE, STORE_RQ) + pdata(pdv(STORE, LAST, b"ab"), pdv(STORE, LAST, b"ab")),
    "a PDV of 1 byte": command(STORE, STORE_RQ) + pdata(pdv(STORE, 0, b"abcdef"), b"\0\0\0\1\3\0"),
    "a PDV past its PDU": command(STORE, STORE_RQ) + pdata(pdv(STORE, 0, b"ab"), b"\xff\xff\xff\xfc\3\0ab"),
    "a PDV past its PDU by 2": command(STORE, STORE_RQ) + pdata(pdv(STORE, 0, b"ab"), b"\0\0\0\6\3\0ab") + bytes(9),
    "stray bytes": command(STORE, STORE_RQ) + pdata(pdv(STORE, 0, b"ab"), b"\0\0\0"),
    "an empty PDU": command(STORE, STORE_RQ) + pdata(pdv(STORE, 0, b"ab")) + pdata(),
    "another PDU": command(STORE, STORE_RQ) + pdata(pdv(STORE, 0, b"ab")) + b"\1\0\0\0\1\0",
    "no PDU": command(STORE, STORE_RQ) + pdata(pdv(STORE, 0, b"ab")) + b"\x47ET",
}


def _outcome(chunks: tuple[bytes, ...], *, is_quick: bool = False, is_traced: bool = False) -> tuple[object, ...]:
    """All that a user can tell of a stream: events with neighbouring fragments joined, bytes sent, state, notes.

    With a trace command sets are looked at piece by piece, too.
    """
    core = AssociationPair(policy=POLICY._replace(maximum_length=256), is_traced=is_traced).establish().acceptor
    events: list[object] = []
    data = b""
    for event in drive(core, chunks, is_quick=is_quick):
        if isinstance(event, Fragment):
            data += event.data
            if not event.is_last:
                continue
            events += [data, "end of the data set"]
            data = b""
        elif isinstance(event, Violation):
            events.append(event.error.message)
        else:
            events.append(event)
    return events, data, sent(core), core.state, core.notes, core.waiting_for(), core.deadline()


@pytest.mark.parametrize("name", QUICK_STREAMS)
def test_the_quick_way_through_data_sets_tells_the_same(name: str) -> None:
    expected = _outcome((QUICK_STREAMS[name],), is_traced=True)
    for chunks in splits(QUICK_STREAMS[name]):
        assert _outcome(chunks) == expected
        assert _outcome(chunks, is_quick=True) == expected


@pytest.mark.parametrize("seed", range(16))
def test_the_quick_way_tells_the_same_of_random_streams(seed: int) -> None:
    source = random.Random(seed)
    wire = b""
    for _ in range(6):
        wire += command(STORE, STORE_RQ)
        fragments = [source.randbytes(source.choice((0, 2, 10, 11, 40, 200))) for _ in range(source.randrange(1, 8))]
        items = [pdv(STORE, 0, fragment) for fragment in fragments[:-1]] + [pdv(STORE, LAST, fragments[-1])]
        while items:
            count = source.randrange(1, 4)
            wire += pdata(*items[:count])
            del items[:count]
    if seed % 2:
        at = source.randrange(len(wire))
        wire = wire[:at] + source.choice((b"", b"\0", b"\xff", b"\3\1")) + wire[at + 1 :]
    for chunks in splits(wire):
        assert _outcome(chunks, is_quick=True) == _outcome(chunks, is_traced=True)


def test_the_quick_way_lends_many_fragments_at_once_and_nothing_outside_a_data_set() -> None:
    core = AssociationPair().establish().acceptor
    assert core.next_fragments() == ([], False)
    wire = command(STORE, STORE_RQ) + pdata(pdv(STORE, 0, b"abcd")) * 5 + pdata(pdv(STORE, LAST, b"ef"))
    buffer = core.get_buffer()
    buffer[: len(wire)] = wire
    core.buffer_updated(len(wire), 0.0)
    assert core.next_fragments() == ([], False)
    assert core.next_event() == MessageReceived(STORE, STORE_RQ)
    fragments, is_last = core.next_fragments()
    assert [bytes(fragment) for fragment in fragments] == [b"abcd"] * 5 + [b"ef"]
    assert is_last
    assert all(fragment.obj is buffer.obj for fragment in fragments)
    assert core.next_fragments() == ([], False)
    assert core.next_event() is None


def test_with_an_observer_every_pdv_is_seen() -> None:
    pair = AssociationPair(is_traced=True).establish()
    pair.traces[pair.acceptor].clear()
    drive(pair.acceptor, [command(STORE, STORE_RQ) + pdata(pdv(STORE, 0, b"abcd")) * 3], is_quick=True)
    assert [trace.what for trace in pair.traces[pair.acceptor]][2:] == [PDataTF(STORE, 0, 4)] * 3
