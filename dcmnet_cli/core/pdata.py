"""P-DATA-TF framing both ways, without joining or copying a data set (PS3.8 9.3.5, annex E).

Sending yields lists of buffers, headers and slices of what the caller gave. Receiving lends out one buffer to be
filled, and hands back views of it that are borrowed until the buffer is lent again.
"""

import struct
from collections.abc import Container, Iterable, Iterator
from typing import NamedTuple, TypeAlias

from dcmnet_cli.core.pdu import PDU_NAMES
from dcmnet_cli.errors import InvalidPDU, LocalProtocolError

Buffer: TypeAlias = bytes | bytearray | memoryview
Buffers: TypeAlias = list[Buffer]

COMMAND = 0x01
LAST = 0x02
"""Bits of the message control header (PS3.8 E.2). The others are sent 0 and never tested."""

_WHOLE = COMMAND | LAST

LARGEST_SENT_PDU = 1 << 18
"""Our own ceiling on what we send where the peer names none, or a very large one."""

_FIRST_BUFFER = 1 << 13  # enough for everything but data sets: most connections are silent, or an echo
_SHORT_REST = 64  # bytes worth moving so that the next read gets the whole buffer
_PDUS_A_BATCH = 128  # two buffers each: well below the 1024 of IOV_MAX
_PDU_AND_PDV = struct.Struct(">BxIIBB")
_PDV = struct.Struct(">IBB")


def largest_fragment(maximum_length: int) -> int:
    """The longest even fragment that fits the peer's maximum length, one PDV a PDU. 0 is no limit (PS3.8 D.1)."""
    limit = min(maximum_length or LARGEST_SENT_PDU, LARGEST_SENT_PDU)
    return max(0, (limit - 6) & ~1)


class Chunks(NamedTuple):
    """A data set in pieces: ``length`` bytes in all, each piece but the last of even length.

    A piece is used up before the next is asked for, so that one buffer may serve for all of them.
    """

    length: int
    buffers: Iterable[Buffer]


def chunks_of(data: Buffer) -> Chunks:
    """A data set that lies in memory as a whole."""
    return Chunks(len(data), (data,))


def frame(context_id: int, control: int, chunks: Chunks, maximum_length: int) -> Iterator[Buffers]:
    """Batches of ``[header, fragment, header, fragment ...]`` for one command set or one data set.

    The batches alias the chunks. ``control`` is COMMAND or 0; the last fragment is marked here. Raises
    LocalProtocolError when the chunks do not add up to their length: nothing can be sent on the association then.
    """
    size = largest_fragment(maximum_length)
    if size < 2:
        raise LocalProtocolError(f"the peer's maximum length of {maximum_length} leaves no room for a fragment")
    full = _PDU_AND_PDV.pack(4, size + 6, size + 2, context_id, control)  # one object for every full fragment
    left = chunks.length
    if not left:
        yield [_PDU_AND_PDV.pack(4, 6, 2, context_id, control | LAST)]
        return
    for chunk in chunks.buffers:
        view = memoryview(chunk)
        left -= len(view)
        if left < 0 or (left and len(view) % 2):
            break
        batch: Buffers = []
        for start in range(0, len(view), size):
            fragment = view[start : start + size]
            length = len(fragment)
            if length == size and (left or start + size < len(view)):
                batch.append(full)
            else:
                last = 0 if left or start + size < len(view) else LAST
                batch.append(_PDU_AND_PDV.pack(4, length + 6, length + 2, context_id, control | last))
            batch.append(fragment)
            if len(batch) == 2 * _PDUS_A_BATCH:
                yield batch
                batch = []
        if batch:
            yield batch
        if not left:
            return
    raise LocalProtocolError(f"the data set of {chunks.length} bytes came in pieces that do not add up")


def frame_command(context_id: int, raw: bytes, maximum_length: int) -> Buffers:
    """A command set as ``frame`` does it, all at once: few are longer than a fragment."""
    length = len(raw)
    if 0 < length <= largest_fragment(maximum_length):
        return [_PDU_AND_PDV.pack(4, length + 6, length + 2, context_id, COMMAND | LAST), raw]
    return [buffer for batch in frame(context_id, COMMAND, chunks_of(raw), maximum_length) for buffer in batch]


class Header(NamedTuple):
    """The first six bytes of a PDU. ``length`` counts what follows them."""

    pdu_type: int
    length: int


class Piece(NamedTuple):
    """Part of a PDV: ``data`` is borrowed until the next ``get_buffer``. ``ends_pdv`` on the PDV's last piece."""

    context_id: int
    control: int
    data: memoryview
    ends_pdv: bool


class PDVHeader(NamedTuple):
    """The start of a PDV; ``length`` is that of its fragment, control header and context id not counted."""

    context_id: int
    control: int
    length: int


class Receiver:
    """The lent receive buffer and the framing in it: PDU headers, whole small PDUs, pieces of PDVs.

    A peer's PDU size never makes it grow: only bodies asked for by ``body()`` are gathered, and the caller has
    checked their length by then. The caller takes turns: ``header()``, then ``body()`` or ``pdv()`` and ``piece()``
    until the PDU is used up. Each returns None when more bytes are needed.
    """

    def __init__(self, size: int = 1 << 18) -> None:
        self._most = size
        self._buffer = bytearray(min(size, _FIRST_BUFFER))
        self._view = memoryview(self._buffer)
        self._start = 0
        self._end = 0
        self._pdu_left = 0
        self._pdv_left = 0
        self._pdv: PDVHeader | None = None
        self._pdu_length = 0  # as declared, for the offset in an error message
        self._gathered = bytearray()

    def get_buffer(self) -> memoryview:
        """A writable view to receive into, never empty. All views handed out before are void from here on."""
        left = self._end - self._start
        if self._end == len(self._buffer) < self._most:
            self._grow()
        elif not left:
            self._start = self._end = 0
        elif self._start and (left <= _SHORT_REST or self._end == len(self._buffer)):
            rest = bytes(self._view[self._start : self._end])
            self._view[:left] = rest
            self._start, self._end = 0, left
        return self._view[self._end :]

    def _grow(self) -> None:
        """The last read filled the buffer: there is more than talk."""
        rest = self._view[self._start : self._end]
        self._buffer = bytearray(min(8 * len(self._buffer), self._most))
        self._view = memoryview(self._buffer)
        self._start, self._end = 0, len(rest)
        self._view[: self._end] = rest

    def buffer_updated(self, count: int) -> None:
        """``count`` bytes have been written to the start of the view that was lent."""
        self._end += count

    def first_byte(self) -> int | None:
        """The next byte, left where it is."""
        return self._view[self._start] if self._start < self._end else None

    def take(self, expected: bytes) -> bool:
        """Between PDUs: use up ``expected`` at once, if that is what comes next to the byte."""
        if not self._buffer.startswith(expected, self._start, self._end):
            return False
        self._start += len(expected)
        return True

    def whole_command(self, contexts: Container[int], longest: int) -> tuple[int, bytes] | None:
        """Between PDUs: use up a P-DATA-TF that has come whole and holds one command set whole, and nothing else.

        As (context id, command set). None, with nothing used up, for all else, and where the context is none of
        ``contexts`` or the command set longer than ``longest``.
        """
        start, end = self._start, self._end
        if end - start < 12:
            return None
        pdu_type, pdu_length, length, context_id, control = _PDU_AND_PDV.unpack_from(self._buffer, start)
        stop = start + 6 + pdu_length
        if pdu_type != 4 or control & _WHOLE != _WHOLE or length + 4 != pdu_length or stop > end:
            return None
        if not 2 <= length <= longest + 2 or length % 2 or context_id not in contexts:
            return None
        self._start = stop
        return context_id, bytes(self._view[start + 12 : stop])

    def skip(self) -> bool:
        """Drop what has come of the current PDU; True once it has come whole."""
        count = min(self._pdv_left + self._pdu_left, self._end - self._start)
        self._start += count
        from_pdv = min(count, self._pdv_left)
        self._pdv_left -= from_pdv
        self._pdu_left -= count - from_pdv
        if self._pdv_left or self._pdu_left:
            return False
        self._pdv = None
        return True

    def skip_all(self) -> None:
        """Drop every byte that has come: the framing is lost."""
        self._start = self._end

    def first_bytes(self) -> bytes:
        """A copy of what has come and is not used yet, 256 bytes at most."""
        return bytes(self._view[self._start : min(self._end, self._start + 256)])

    def pending(self) -> int:
        """How many bytes lie in the buffer unused."""
        return self._end - self._start

    @property
    def in_pdu(self) -> bool:
        """Whether the end of the bytes so far lies within a PDU."""
        return bool(self._pdu_left or self._pdv_left or self.pending())

    def header(self) -> Header | None:
        """The next PDU's type and length."""
        if self._end - self._start < 6:
            return None
        start = self._start
        self._start = start + 6
        self._pdu_left = int.from_bytes(self._view[start + 2 : start + 6], "big")
        self._pdu_length = self._pdu_left
        self._gathered = bytearray(self._view[start : start + 6])
        return Header(self._view[start], self._pdu_left)

    def body(self) -> bytes | None:
        """The whole PDU, header included, once it is there."""
        count = min(self._pdu_left, self._end - self._start)
        self._gathered += self._view[self._start : self._start + count]
        self._start += count
        self._pdu_left -= count
        return None if self._pdu_left else bytes(self._gathered)

    @property
    def pdu_is_used_up(self) -> bool:
        return not self._pdu_left and not self._pdv_left and self._pdv is None

    def pdv(self) -> PDVHeader | None:
        """The header of the next PDV in the current P-DATA-TF (PS3.8 9.3.5.1). Raises InvalidPDU."""
        if self._pdu_left < 6:
            raise self._error("PDV item", f"{self._pdu_left} stray bytes at the end")
        if self._end - self._start < 6:
            return None
        length, context_id, control = _PDV.unpack_from(self._buffer, self._start)
        if length < 2:
            raise self._error("PDV item length", f"{length} is below 2")
        if length + 4 > self._pdu_left:
            raise self._error("PDV item length", f"{length} declared, {self._pdu_left - 4} bytes are left in the PDU")
        self._start += 6
        self._pdu_left -= length + 4
        self._pdv_left = length - 2
        self._pdv = PDVHeader(context_id, control, length - 2)
        return self._pdv

    @property
    def in_pdv(self) -> bool:
        return self._pdv is not None

    def piece(self) -> Piece | None:
        """What has come of the current PDV's fragment, an empty fragment too."""
        pdv = self._pdv
        assert pdv is not None
        start = self._start
        count = min(self._pdv_left, self._end - start)
        if not count and self._pdv_left:
            return None
        self._start = start + count
        self._pdv_left -= count
        if not self._pdv_left:
            self._pdv = None
        return Piece(pdv.context_id, pdv.control, self._view[start : start + count], self._pdv is None)

    def data_set(self, context_id: int, longest_pdu: int) -> tuple[list[memoryview], bool]:
        """What has come of a data set under way, many fragments a call, and whether that was its end.

        The way of the bulk: one loop without a call per fragment. It stops in front of whatever is not plainly the
        next fragment of the data set on ``context_id``, for ``header``, ``pdv`` and ``piece`` to find the words.
        """
        buffer, view, start, end = self._buffer, self._view, self._start, self._end
        pdu_left, pdv_left = self._pdu_left, self._pdv_left
        control, fragment_length = (None, 0) if self._pdv is None else self._pdv[1:]  # of the fragment under way
        fragments: list[memoryview] = []
        is_over = False
        while True:
            if control is None:
                begin, room = start, pdu_left
                if not room and end - start >= 12:
                    pdu_type, room, length, context, bits = _PDU_AND_PDV.unpack_from(buffer, start)
                    if pdu_type != 4 or room > longest_pdu:
                        break
                    begin, self._pdu_length = start + 6, room
                elif room and end - start >= 6:
                    length, context, bits = _PDV.unpack_from(buffer, start)
                else:
                    break
                if context != context_id or bits & COMMAND or length < 2 or length % 2 or length + 4 > room:
                    break
                start, pdu_left = begin + 6, room - length - 4
                control, pdv_left = bits, length - 2
                fragment_length = pdv_left
            count = min(pdv_left, end - start)
            if count:
                fragments.append(view[start : start + count])
                start += count
                pdv_left -= count
            if pdv_left:
                break
            if control & LAST:
                is_over, control = True, None
                break
            control = None
        self._start, self._pdu_left, self._pdv_left = start, pdu_left, pdv_left
        self._pdv = None if control is None else PDVHeader(context_id, control, fragment_length)
        return fragments, is_over

    def _error(self, field: str, problem: str) -> InvalidPDU:
        return InvalidPDU(PDU_NAMES[4], field, 6 + self._pdu_length - self._pdu_left, problem)
