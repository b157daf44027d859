"""P-DATA-TF framing: what goes out fits the peer and is never copied, what comes in is lent, bounded and checked."""

import random
import struct
import tracemalloc
from collections.abc import Iterable, Iterator

import pytest

from dcmnet_cli.core.pdata import (
    COMMAND,
    LARGEST_SENT_PDU,
    LAST,
    Buffers,
    Chunks,
    Piece,
    Receiver,
    chunks_of,
    frame,
    largest_fragment,
)
from dcmnet_cli.errors import InvalidPDU, LocalProtocolError
from tests.golden import messages as golden
from tests.golden.messages import pdvs
from tests.helpers import splits
from tests.wire import pdata, pdv


def joined(batches: Iterable[list[object]]) -> bytes:
    return b"".join(bytes(memoryview(buffer)) for batch in batches for buffer in batch)  # type: ignore[arg-type]


def in_pieces(*pieces: bytes | bytearray | memoryview) -> Chunks:
    return Chunks(sum(map(len, pieces)), pieces)


def pdus(wire: bytes) -> Iterator[bytes]:
    while wire:
        end = 6 + int.from_bytes(wire[2:6], "big")
        yield wire[:end]
        wire = wire[end:]


def pattern(length: int) -> bytes:
    return random.Random(length).randbytes(length)


# --- sending -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("maximum", "expected"),
    [
        (1, 0),
        (6, 0),
        (7, 0),
        (8, 2),
        (9, 2),
        (10, 4),
        (16, 10),
        (4096, 4090),
        (16378, 16372),
        (16383, 16376),
        (16384, 16378),
        (28672, 28666),
        (116794, 116788),
        (LARGEST_SENT_PDU, LARGEST_SENT_PDU - 6),
        (0, LARGEST_SENT_PDU - 6),
        (0x7FFFFFFF, LARGEST_SENT_PDU - 6),
        (0xFFFFFFFF, LARGEST_SENT_PDU - 6),
    ],
)
def test_the_largest_fragment_is_even_and_fits(maximum: int, expected: int) -> None:
    assert largest_fragment(maximum) == expected


@pytest.mark.parametrize("maximum", [8, 9, 10, 11, 16, 17, 100, 16384])
def test_one_pdv_a_pdu_even_within_the_maximum_and_only_the_last_marked(maximum: int) -> None:
    full = (maximum - 6) // 2 * 2
    for length in sorted({0, 2, 4, full - 2, full, full + 2, 2 * full - 2, 2 * full, 2 * full + 2, 7 * full + 2}):
        data = pattern(length)
        fragments = []
        found = list(pdus(joined(frame(5, 0, chunks_of(data), maximum))))
        for pdu in found:
            assert pdu[:2] == b"\4\0"
            assert len(pdu) - 6 <= maximum
            pdv_length, context_id, control = struct.unpack_from(">IBB", pdu, 6)
            assert pdv_length == len(pdu) - 10, "one PDV fills the PDU"
            assert context_id == 5
            assert control == (LAST if pdu is found[-1] else 0)
            fragments.append(pdu[12:])
        assert b"".join(fragments) == data
        assert all(len(fragment) == full for fragment in fragments[:-1])
        assert len(fragments[-1]) <= full
        assert len(fragments[-1]) % 2 == 0
        assert len(fragments) == max(1, -(-length // full)), "no empty fragment behind a full one"


def test_the_worked_messages_of_one_pdv_are_framed_to_their_bytes() -> None:
    for example in golden.GOLDEN:
        if example.is_framed_alike:
            assert joined(frame(example.context_id, COMMAND, chunks_of(example.command), 16384)) == example.pdus


def test_a_command_in_several_fragments_keeps_its_bit() -> None:
    controls = [control for control, _ in pdvs(joined(frame(1, COMMAND, chunks_of(pattern(24)), 16)))]
    assert controls == [COMMAND, COMMAND, COMMAND | LAST]


@pytest.mark.parametrize("maximum", range(1, 8))
def test_no_room_for_a_fragment_is_an_error_before_anything_goes_out(maximum: int) -> None:
    with pytest.raises(LocalProtocolError):
        next(frame(1, 0, chunks_of(b"12"), maximum))


@pytest.mark.parametrize("pieces", [(), (b"",), (b"", b"")])
def test_an_empty_data_set_is_one_empty_last_fragment(pieces: tuple[bytes, ...]) -> None:
    assert joined(frame(1, 0, in_pieces(*pieces), 16384)) == pdata(pdv(1, LAST, b""))


def test_chunks_follow_one_another_and_only_the_last_is_marked() -> None:
    pieces = [pattern(30), b"", pattern(8), memoryview(bytearray(pattern(10))), pattern(21), b""]
    found = pdvs(joined(frame(3, 0, in_pieces(*pieces), 16)))
    assert b"".join(fragment for _, fragment in found) == b"".join(map(bytes, pieces))
    assert [control for control, _ in found[:-1]] == [0] * (len(found) - 1)
    assert found[-1][0] == LAST


def test_only_an_odd_end_makes_an_odd_fragment() -> None:
    lengths = [len(fragment) for _, fragment in pdvs(joined(frame(3, 0, in_pieces(pattern(20), pattern(25)), 16)))]
    assert lengths == [10, 10, 10, 10, 5]


def test_fragments_are_slices_of_what_the_caller_gave() -> None:
    first, second = bytearray(pattern(100_000)), pattern(50_000)
    sources = []
    for batch in frame(1, 0, in_pieces(first, memoryview(second)), 4096):
        for fragment in batch[1::2]:
            assert isinstance(fragment, memoryview)
            sources.append(fragment.obj)
    assert len(sources) == 25 + 13
    assert all(source is first for source in sources[:25])
    assert all(source is second for source in sources[25:])


def test_all_full_fragments_share_one_header_and_batches_stay_below_iov_max() -> None:
    batches = list(frame(1, 0, chunks_of(bytes(10 * 1000)), 16))
    assert sum(map(len, batches)) == 2 * 1000
    assert all(len(batch) <= 512 for batch in batches)
    assert len({id(header) for batch in batches for header in batch[::2]}) == 2, "the full one, and the last"


def test_batches_are_made_as_they_are_taken() -> None:
    def pieces() -> Iterator[bytes]:
        yield bytes(100_000)
        raise AssertionError("read too far ahead")

    batches = frame(1, 0, Chunks(200_000, pieces()), 256)
    assert len(next(batches)) == 256


def test_one_buffer_may_serve_for_all_pieces() -> None:
    data = pattern(1000)
    buffer = bytearray(100)

    def pieces() -> Iterator[bytearray]:
        for start in range(0, 1000, 100):
            buffer[:] = data[start : start + 100]
            yield buffer

    wire = b""
    for batch in frame(1, 0, Chunks(1000, pieces()), 46):
        wire += joined([batch])
    found = pdvs(wire)
    assert b"".join(fragment for _, fragment in found) == data
    assert [control for control, _ in found] == [0] * 29 + [LAST]


@pytest.mark.parametrize(
    ("length", "pieces"),
    [(10, [4, 4]), (10, []), (10, [0]), (10, [4, 8]), (10, [12]), (10, [3, 7]), (11, [5, 6])],
    ids=["short", "none", "empty", "long", "long at once", "odd", "odd in front"],
)
def test_pieces_that_do_not_add_up_are_a_local_error_and_never_a_whole_data_set(length: int, pieces: list[int]) -> None:
    gone: list[Buffers] = []
    with pytest.raises(LocalProtocolError):
        gone.extend(frame(1, 0, Chunks(length, map(pattern, pieces)), 16384))
    assert all(control == 0 for control, _ in pdvs(joined(gone)))


# --- receiving -----------------------------------------------------------------------------------------------


class Reader:
    """Takes turns with a Receiver as a P-DATA state does; collects PDVs, whole bodies of other PDUs, and pieces."""

    def __init__(self, size: int = 64) -> None:
        self.receiver = Receiver(size)
        self.pieces: list[tuple[int, int, bytes, bool]] = []
        self.bodies: list[bytes] = []
        self._type = 0

    def feed(self, chunks: Iterable[bytes]) -> "Reader":
        for chunk in chunks:
            while chunk:
                view = self.receiver.get_buffer()
                assert len(view) > 0
                count = min(len(view), len(chunk))
                view[:count] = chunk[:count]
                self.receiver.buffer_updated(count)
                chunk = chunk[count:]
                while self._step():
                    pass
        return self

    def fragments(self) -> list[tuple[int, int, bytes]]:
        """The PDVs, their pieces put together."""
        found: list[tuple[int, int, bytes]] = []
        data = b""
        for context_id, control, part, ends in self.pieces:
            data += part
            if ends:
                found.append((context_id, control, data))
                data = b""
        assert data == b""
        return found

    def _step(self) -> bool:
        if not self._type:
            header = self.receiver.header()
            self._type = header.pdu_type if header else 0
            return header is not None
        if self._type != 4:
            body = self.receiver.body()
            if body is None:
                return False
            self.bodies.append(body)
            self._type = 0
            return True
        if not self.receiver.in_pdv:
            if self.receiver.pdu_is_used_up:
                self._type = 0
                return True
            if self.receiver.pdv() is None:
                return False
        piece = self.receiver.piece()
        if piece is None:
            return False
        self.pieces.append((piece.context_id, piece.control, bytes(piece.data), piece.ends_pdv))
        return True


STREAM = b"".join(
    (
        golden.ECHO_RQ_IN_TWO.pdus,
        pdata(pdv(1, 0, b""), pdv(3, LAST, pattern(200)), pdv(1, LAST, b"")),
        b"\5\0\0\0\0\4\0\0\0\0",
        pdata(pdv(7, 0xFD, b"odd"), pdv(7, 0, pattern(64)), pdv(9, 0, pattern(58))),
        golden.STORE_RQ_IN_FOUR.pdus,
        b"\6\0\0\0\0\4\1\2\3\4",
    )
)


@pytest.mark.parametrize("size", [16, 61, 64, 1 << 12])
def test_however_the_stream_is_cut_the_same_comes_out(size: int) -> None:
    command = golden.ECHO_RQ_IN_TWO.command
    store = golden.STORE_RQ_IN_FOUR
    assert store.data_set is not None
    expected = [
        (1, 1, command[:20]),
        (1, 3, command[20:]),
        (1, 0, b""),
        (3, 2, pattern(200)),
        (1, 2, b""),
        (7, 0xFD, b"odd"),
        (7, 0, pattern(64)),
        (9, 0, pattern(58)),
        (3, 1, store.command[:50]),
        (3, 3, store.command[50:]),
        (3, 0, store.data_set[:46]),
        (3, 2, store.data_set[46:]),
    ]
    for chunks in splits(STREAM):
        reader = Reader(size).feed(chunks)
        assert reader.fragments() == expected
        assert reader.bodies == [b"\5\0\0\0\0\4\0\0\0\0", b"\6\0\0\0\0\4\1\2\3\4"]
        assert not reader.receiver.in_pdu


def test_pieces_are_views_of_the_buffer_that_was_lent() -> None:
    receiver = Receiver(64)
    buffer = receiver.get_buffer()
    wire = pdata(pdv(1, LAST, b"abcdef"))
    buffer[: len(wire)] = wire
    receiver.buffer_updated(len(wire))
    receiver.header()
    receiver.pdv()
    piece = receiver.piece()
    assert piece == Piece(1, LAST, memoryview(b"abcdef"), True)
    assert piece.data.obj is buffer.obj
    buffer[12:14] = b"??"
    assert bytes(piece.data) == b"??cdef"


def test_in_pdu_tells_whether_a_close_now_would_cut_a_pdu() -> None:
    whole = pdata(pdv(1, LAST, b"abcd"), pdv(1, LAST, b""))
    for end in range(len(whole) + 1):
        reader = Reader().feed([whole[:end]])
        assert reader.receiver.in_pdu == (0 < end < len(whole))


def _wrong(body: bytes) -> InvalidPDU:
    for chunks in splits(b"\4\0" + len(body).to_bytes(4, "big") + body):
        with pytest.raises(InvalidPDU) as caught:
            Reader().feed(chunks)
    return caught.value


@pytest.mark.parametrize("length", [0, 1, 9, 0xFF, 0x7FFFFFFF, 0xFFFFFFFC, 0xFFFFFFFE, 0xFFFFFFFF])
def test_a_wrong_pdv_length_is_refused_where_it_stands(length: int) -> None:
    error = _wrong(struct.pack(">IBB", length, 1, 3) + b"abcdef")
    assert (error.pdu, error.field, error.offset, error.abort_reason) == ("P-DATA-TF", "PDV item length", 6, 6)
    error = _wrong(pdv(1, 0, b"abcd") + struct.pack(">IBB", length, 1, 3) + b"abcdef")
    assert (error.field, error.offset) == ("PDV item length", 16)


@pytest.mark.parametrize("stray", [1, 4, 5])
def test_stray_bytes_behind_the_last_pdv_are_refused(stray: int) -> None:
    error = _wrong(pdv(1, 3, b"ab") + bytes(stray))
    assert (error.field, error.offset) == ("PDV item", 14)
    assert str(stray) in error.message


def test_a_pdv_that_reaches_past_its_pdu() -> None:
    with pytest.raises(InvalidPDU) as caught:
        Reader(256).feed([golden.PDV_PAST_ITS_PDU])
    assert (caught.value.offset, caught.value.abort_reason) == (6, 6)
    assert "200 declared, 44 bytes" in caught.value.message


def test_a_pdu_of_4_gib_is_lent_through_a_small_buffer() -> None:
    reader = Reader(4096)
    reader.feed([b"\4\0\xff\xff\xff\xff" + b"\xff\xff\xff\xfb\3\0"])
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    reader.feed([bytes(4096)])
    reader.pieces.clear()
    for _ in range(50):
        reader.feed([bytes(4096)])
        reader.pieces.clear()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak - before < 64 * 1024


def test_a_gathered_pdu_grows_with_what_arrives_not_with_what_it_claims() -> None:
    tracemalloc.start()
    reader = Reader(4096)
    reader.feed([b"\1\0\xff\xff\xff\xff", bytes(1000)])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 * 1024
    assert not reader.bodies


def test_skipping_drops_the_rest_of_a_pdu_and_nothing_of_the_next() -> None:
    first, second = pdata(pdv(1, 0, b"abcd"), pdv(1, LAST, pattern(100))), pdata(pdv(3, LAST, b"next"))
    for enough in (8, 12, 14, 17, 20, 60):  # within the headers, the fragments, and between them
        reader = Reader()
        receiver = reader.receiver
        reader.feed([first[:enough]])
        rest = first[enough:] + second
        for position in range(len(rest)):
            if receiver.skip():
                reader._type = 0
                reader.feed([rest[position:]])
                break
            receiver.get_buffer()[:1] = rest[position : position + 1]
            receiver.buffer_updated(1)
        assert reader.pieces[-1] == (3, LAST, b"next", True)


def test_first_bytes_are_a_copy_and_at_most_256() -> None:
    receiver = Receiver(1024)
    assert receiver.first_byte() is None
    assert receiver.first_bytes() == b""
    receiver.get_buffer()[:300] = b"G" * 300
    receiver.buffer_updated(300)
    assert receiver.first_byte() == ord("G")
    assert receiver.first_bytes() == b"G" * 256
    assert receiver.pending() == 300
    receiver.skip_all()
    assert receiver.first_byte() is None
    assert not receiver.in_pdu


def test_the_buffer_is_small_until_a_read_fills_it_and_keeps_what_is_in_it() -> None:
    data = pdata(*(pdv(3, 0, bytes([number % 251]) * 998) for number in range(200)))
    receiver = Receiver(1 << 16)
    assert len(receiver.get_buffer()) == 1 << 13
    assert _pieces(receiver, data) == [bytes([number % 251]) * 998 for number in range(200)]
    assert len(receiver.get_buffer()) <= 1 << 16


def _pieces(receiver: Receiver, data: bytes) -> list[bytes]:
    """The fragments of a P-DATA-TF that comes as fast as the buffer takes it, and is read by halves."""
    found: list[bytes] = []
    fragment, is_begun = b"", False
    while data or receiver.pending():
        buffer = receiver.get_buffer()
        count = min(len(buffer), len(data))
        buffer[:count], data = data[:count], data[count:]
        receiver.buffer_updated(count)
        is_begun = is_begun or receiver.header() is not None
        left = 0 if not data else receiver.pending() // 2
        while receiver.pending() > left and not (receiver.pdu_is_used_up and not receiver.in_pdv):
            if not receiver.in_pdv and receiver.pdv() is None:
                break
            piece = receiver.piece()
            if piece is None:
                break
            fragment += piece.data
            if piece.ends_pdv:
                found.append(fragment)
                fragment = b""
    return found
