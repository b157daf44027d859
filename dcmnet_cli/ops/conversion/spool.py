"""Bytes of a data set while it is converted: read by position, written in order, off memory when there are many."""

import io
import tempfile
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Self

from dcmnet_cli.core.pdata import Chunks
from dcmnet_cli.errors import ConversionError, OutputError

_IN_MEMORY = 8 << 20  # larger ones lie in a temporary file
PIECE = 1 << 18
_WINDOW = 1 << 16


class Spool:
    """A converted data set: what ``store`` sends in place of the file's bytes. To be closed by whoever got it.

    Up to 8 MiB lie in memory, more in an unnamed temporary file. Raises OutputError when that has no room.
    """

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115
        self.size = 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        try:
            self._file.write(data)
        except OSError as error:
            raise OutputError(
                f"no room for a converted data set in {tempfile.gettempdir()}: {error.strerror}"
            ) from error
        self.size += len(data)

    def patch(self, offset: int, data: bytes) -> None:
        """Overwrite what was written at ``offset``, as for a length that is known only later."""
        self._file.seek(offset)
        self._file.write(data)
        self._file.seek(0, io.SEEK_END)

    def pread(self, count: int, offset: int) -> bytes:
        self._file.seek(offset)
        data = self._file.read(count)
        self._file.seek(0, io.SEEK_END)
        return data

    def chunks(self) -> Chunks:
        """The data set as an association sends it. May be asked for again, for another try."""
        return Chunks(self.size, self._pieces())

    def _pieces(self) -> Iterator[bytes]:
        for offset in range(0, self.size, PIECE):
            yield self.pread(PIECE, offset)

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()


class Reader:
    """The ``size`` bytes that ``pread`` (count, offset) reads from ``start`` on; offsets count from there.

    Small reads come out of one window, so that walking over headers does not ask the system for each.
    """

    def __init__(self, pread: Callable[[int, int], bytes], start: int, size: int) -> None:
        self.size = size
        self._pread = pread
        self._base = start
        self._window = b""
        self._at = 0

    def take(self, offset: int, count: int) -> bytes:
        """``count`` bytes at ``offset``. Raises ConversionError when there are fewer."""
        at = offset - self._at
        if at < 0 or at + count > len(self._window):
            if count > self.size - offset:
                raise ConversionError(f"the data set ends within an element, {count} bytes expected at {offset}")
            wanted = min(max(count, _WINDOW), self.size - offset)
            self._window = self._pread(wanted, self._base + offset)
            self._at, at = offset, 0
            if len(self._window) < count:
                raise ConversionError("the file became shorter while it was read")
        return self._window[at : at + count]

    def pieces(self, offset: int, length: int) -> Iterator[bytes]:
        """``length`` bytes at ``offset``, in pieces whose length is a multiple of 8 but for the last."""
        if length > self.size - offset:
            raise ConversionError(f"the data set ends within an element, {length} bytes expected at {offset}")
        end = offset + length
        while offset < end:
            piece = self._pread(min(PIECE, end - offset), self._base + offset)
            if not piece or (len(piece) < PIECE and offset + len(piece) < end):
                raise ConversionError("the file became shorter while it was read")
            yield piece
            offset += len(piece)

    def part(self, size: int) -> "Reader":
        """The first ``size`` bytes."""
        return Reader(self._pread, self._base, size)


class ReaderFile(io.RawIOBase):
    """A stretch of a Reader as a file, for a library that wants one."""

    def __init__(self, reader: Reader, offset: int, length: int) -> None:
        self._reader = reader
        self._offset = offset
        self._length = length
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._length}[whence]
        self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        count = max(0, min(len(buffer), self._length - self._position))
        if count:
            buffer[:count] = self._reader.take(self._offset + self._position, count)
        self._position += count
        return count


def inflate(reader: Reader, limit: int) -> Spool:
    """A deflated data set as it was before (PS3.5 A.5). Raises ConversionError beyond ``limit`` bytes, or if cut."""
    out = Spool()
    decompress = zlib.decompressobj(-15)
    try:
        for piece in reader.pieces(0, reader.size):
            data = piece
            while not decompress.eof:
                inflated = decompress.decompress(data, PIECE)
                out.write(inflated)
                if out.size > limit:
                    raise ConversionError(f"inflates to more than {limit} bytes")
                data = decompress.unconsumed_tail
                if not data and len(inflated) < PIECE:
                    break
        if not decompress.eof:
            raise ConversionError("the deflated data set is cut short")
    except zlib.error as error:
        out.close()
        raise ConversionError(f"cannot be inflated: {error}") from error
    except ConversionError:
        out.close()
        raise
    return out


def deflate(source: Spool) -> Spool:
    """``source`` deflated and padded to even length (PS3.5 A.5). Closes ``source``."""
    out = Spool()
    with source:
        compress = zlib.compressobj(wbits=-15)
        for piece in source.chunks().buffers:
            out.write(compress.compress(piece))
        out.write(compress.flush())
        if out.size % 2:
            out.write(b"\0")
    return out
