"""What can be read as a DICOM file: a file, part of a file, or bytes unpacked from an archive as they are asked for."""

import os
from collections.abc import Iterator
from types import TracebackType

from dcmnet_cli.core.pdata import Buffer, Chunks
from dcmnet_cli.errors import InputError

LARGEST_CHUNK = 1 << 20
IN_MEMORY = 32 << 20
"""How much of an archive's member is kept in memory; a larger one goes through a temporary file without a name."""


class Source:
    """Something that may be a DICOM file. ``label`` names it; it may hold bytes that are no text, as surrogates."""

    __slots__ = ()

    @property
    def label(self) -> str:
        raise NotImplementedError

    def open(self) -> "Opened":
        """Open it for reading; the caller closes it. Raises InputError."""
        raise NotImplementedError


class Opened:
    """An open source of ``size`` bytes. Not for several threads at once."""

    __slots__ = ("label", "size")

    def __init__(self, label: str, size: int) -> None:
        self.label = label
        self.size = size

    def pread(self, count: int, offset: int) -> bytes:
        """The ``count`` bytes at ``offset``, fewer at the end. Raises InputError."""
        raise NotImplementedError

    def chunks(self, offset: int, length: int, buffer: bytearray | None = None) -> Chunks:
        """``length`` bytes in even pieces, each used up before the next is asked for; constant memory.

        All pieces of more than 1 MiB are views of one buffer: ``buffer``, of an even size, if given. Raises
        InputError, here or on the way, when the bytes are not there: what was handed out by then is no whole data set.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Let go of what is open. May be called twice."""
        raise NotImplementedError

    def __enter__(self) -> "Opened":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class OpenedFile(Opened):
    """The ``size`` bytes from ``base`` of an open file, whose descriptor it closes."""

    __slots__ = ("_base", "_descriptor")

    def __init__(self, label: str, descriptor: int, size: int, base: int = 0) -> None:
        super().__init__(label, size)
        self._descriptor = descriptor
        self._base = base

    def pread(self, count: int, offset: int) -> bytes:
        try:
            return os.pread(self._descriptor, min(count, max(0, self.size - offset)), self._base + offset)
        except OSError as error:
            raise _unreadable(self.label, error) from error

    def chunks(self, offset: int, length: int, buffer: bytearray | None = None) -> Chunks:
        if offset + length > self.size:
            raise _too_short(self.label)
        view = memoryview(bytearray(min(length, LARGEST_CHUNK)) if buffer is None else buffer)[:length]
        self._fill(view, offset)  # at once, and not when it is sent: the caller may have nothing to do but wait now
        return Chunks(length, (view,) if len(view) == length else self._pieces(view, offset, offset + length))

    def _pieces(self, view: memoryview, offset: int, end: int) -> Iterator[Buffer]:
        """The bytes from ``offset`` to ``end``, of which ``view`` holds the first."""
        yield view
        for position in range(offset + len(view), end, len(view)):
            piece = view[: end - position]
            self._fill(piece, position)
            yield piece

    def _fill(self, view: memoryview, offset: int) -> None:
        filled = 0
        while filled < len(view):
            try:
                count = os.preadv(self._descriptor, [view[filled:]], self._base + offset + filled)
            except OSError as error:
                raise _unreadable(self.label, error) from error
            if not count:
                raise _too_short(self.label)
            filled += count

    def close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


class Stream:
    """Bytes that are unpacked from their beginning to their end."""

    __slots__ = ()

    def read(self, count: int) -> bytes:
        """The next bytes, ``count`` at most, none at the end. Raises InputError."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of what it reads from."""
        raise NotImplementedError


class OpenedStream(Opened):
    """A stream of ``size`` bytes, unpacked as far as it was looked at and kept for as long as it is open.

    Chunks are handed out once all of it was unpacked: what is damaged is found before anything is sent.
    """

    __slots__ = ("_kept", "_kept_size", "_spill", "_stream")

    def __init__(self, label: str, size: int, stream: Stream) -> None:
        super().__init__(label, size)
        self._stream = stream
        self._kept = bytearray()
        self._kept_size = 0
        self._spill: _Spill | None = None

    def pread(self, count: int, offset: int) -> bytes:
        self._unpack(min(self.size, offset + count))
        if self._spill:
            return self._spill.pread(count, offset)
        return bytes(self._kept[offset : offset + count])

    def chunks(self, offset: int, length: int, buffer: bytearray | None = None) -> Chunks:
        self._unpack(self.size)
        if self._stream.read(1):
            raise InputError(f"cannot read {self.label}: it is larger than the archive says", path=self.label)
        if offset + length > self._kept_size:
            raise _too_short(self.label)
        if self._spill:
            return self._spill.chunks(offset, length, buffer)
        return Chunks(length, _slices(memoryview(self._kept)[offset : offset + length]))

    def _unpack(self, end: int) -> None:
        """Unpack until ``end``, as far as there is anything. Refused before it fills the disk."""
        if end <= self._kept_size:
            return
        if end > IN_MEMORY and not self._spill:
            self._spill = self._to_file()
        while self._kept_size < end:
            data = self._stream.read(min(LARGEST_CHUNK, end - self._kept_size))
            if not data:
                break
            if self._spill:
                self._spill.append(data)
            else:
                self._kept += data
            self._kept_size += len(data)

    def _to_file(self) -> "_Spill":
        spill = _Spill(self.label, self.size)
        spill.append(bytes(self._kept))
        self._kept = bytearray()
        return spill

    def close(self) -> None:
        self._kept = bytearray()
        self._stream.close()
        if self._spill:
            self._spill.close()


class _Spill(OpenedFile):
    """A temporary file without a name, written at its end."""

    __slots__ = ()

    def __init__(self, label: str, size: int) -> None:
        import shutil
        import tempfile

        folder = tempfile.gettempdir()
        if size > shutil.disk_usage(folder).free // 2:
            raise InputError(f"cannot unpack {label}: its {size} bytes take more than half of what is free in {folder}")
        with tempfile.TemporaryFile() as file:
            super().__init__(label, os.dup(file.fileno()), size)

    def append(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._descriptor, view) :]
        except OSError as error:
            raise _unreadable(self.label, error) from error


def _slices(view: memoryview) -> Iterator[Buffer]:
    for start in range(0, len(view), LARGEST_CHUNK):
        yield view[start : start + LARGEST_CHUNK]


def _too_short(label: str) -> InputError:
    return InputError(f"cannot read {label}: it has become shorter than it was", path=label)


def _unreadable(label: str, error: OSError) -> InputError:
    return InputError(f"cannot read {label}: {error.strerror}", path=label)
