"""Zip and tar archives read in place: members are sources like any file, and nothing is ever unpacked to a name.

A hostile archive costs what is asked of it and no more: members are unpacked as far as their headers are looked at
until one is to be sent, lists of members are not kept (tar) or limited (zip), and names are only shown.
"""

import os
import threading
from collections.abc import Iterator
from functools import cache
from typing import IO, TYPE_CHECKING

from dcmnet_cli.errors import InputError
from dcmnet_cli.net.part10 import open_file
from dcmnet_cli.ops.files.opened import Opened, OpenedFile, OpenedStream, Source, Stream

if TYPE_CHECKING:
    from tarfile import TarInfo
    from zipfile import ZipExtFile, ZipFile, ZipInfo

ARCHIVE_ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
HEAD = 512
"""How many bytes ``archive_kind`` wants to see."""

_KINDS = ((b"PK\3\4", "zip"), (b"PK\5\6", "zip"), (b"\x1f\x8b", "gz"), (b"BZh", "bz2"), (b"\xfd7zXZ\0", "xz"))
_UNPACKED_IN_STEPS = (0, 8)  # stored and deflated
_LARGEST_DIRECTORY = 64 << 20
_LARGEST_TAR_HEADER = 1 << 20
_XZ_MEMORY = 256 << 20
_MOST_CURSORS = 8
_BLOCK = 1 << 16


def archive_kind(head: bytes) -> str:
    """What archive begins with ``head``: zip, tar, gz, bz2 or xz (a tar within, it is hoped), "" for none."""
    if head[128:132] == b"DICM":
        return ""  # a preamble may say what it likes
    kinds = (kind for magic, kind in _KINDS if head.startswith(magic))
    return next(kinds, "tar" if head[257:262] == b"ustar" else "")


def members(path: str, kind: str) -> Iterator[Source]:
    """The regular files in an archive, in its order; ``kind`` as ``archive_kind`` says. Raises InputError.

    What cannot be read of a single member shows when that is opened or read.
    """
    return _zip_members(path) if kind == "zip" else _tar_members(path, kind)


@cache
def _damage() -> tuple[type[Exception], ...]:
    """Everything that a damaged archive makes its module raise."""
    import lzma
    import struct
    import tarfile
    import zipfile
    import zlib

    errors = (OSError, EOFError, ValueError, LookupError, RuntimeError, NotImplementedError, MemoryError)
    return (*errors, zlib.error, lzma.LZMAError, struct.error, tarfile.TarError, zipfile.BadZipFile)


def _damaged(label: str, error: Exception) -> InputError:
    return InputError(f"cannot read {label}: {str(error) or type(error).__name__}", path=label)


# --- zip ------------------------------------------------------------------------------------------------------


class ZipMember(Source):
    """One file of a zip archive, which stays open for as long as any of its members is known."""

    __slots__ = ("_archive", "_info")

    def __init__(self, archive: "ZipFile", info: "ZipInfo") -> None:
        self._archive = archive
        self._info = info

    @property
    def label(self) -> str:
        return f"{self._archive.filename}:{self._info.filename}"

    def open(self) -> Opened:
        return OpenedStream(self.label, self._info.file_size, _ZipStream(self))

    def unpack(self) -> "ZipExtFile":
        """The member's bytes. Raises what ``zipfile`` raises, and refuses what it unpacks without limits."""
        if self._info.compress_type not in _UNPACKED_IN_STEPS:
            raise NotImplementedError(f"compression method {self._info.compress_type} is not supported")
        return self._archive.open(self._info)  # type: ignore[return-value]


class _ZipStream(Stream):
    __slots__ = ("_file", "_member")

    def __init__(self, member: ZipMember) -> None:
        self._member = member
        self._file: ZipExtFile | None = None

    def read(self, count: int) -> bytes:
        try:
            if self._file is None:
                self._file = self._member.unpack()
            return self._file.read(count)
        except _damage() as error:
            raise _damaged(self._member.label, error) from error

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def _zip_members(path: str) -> Iterator[Source]:
    import zipfile

    descriptor, size = open_file(path)
    with OpenedFile(path, descriptor, size) as file:
        tail = file.pread(min(size, 0xFFFF + 98), max(0, size - 0xFFFF - 98))
    if (length := _directory_size(tail)) > _LARGEST_DIRECTORY:
        raise InputError(f"cannot read {path}: a directory of {length} bytes is more than is read", path=path)
    try:
        archive = zipfile.ZipFile(path)
        infos = archive.infolist()
    except zipfile.BadZipFile as error:
        raise InputError(f"cannot read {path}: its end is no end of a zip archive: cut short?", path=path) from error
    except _damage() as error:
        raise _damaged(path, error) from error
    for info in infos:
        if not info.is_dir():
            yield ZipMember(archive, info)


def _directory_size(tail: bytes) -> int:
    """What the end of a zip archive says of the size of its directory (APPNOTE 4.3.14 and 4.3.16)."""
    at = tail.rfind(b"PK\5\6")
    size = int.from_bytes(tail[at + 12 : at + 16], "little") if at >= 0 else 0
    at = tail.rfind(b"PK\6\6")
    return int.from_bytes(tail[at + 40 : at + 48], "little") if size == 0xFFFFFFFF and at >= 0 else size


# --- tar ------------------------------------------------------------------------------------------------------


class TarMember(Source):
    """One file of a tar archive that is not compressed: a part of that file."""

    __slots__ = ("_name", "_offset", "_path", "_size")

    def __init__(self, path: str, name: str, offset: int, size: int) -> None:
        self._path = path
        self._name = name
        self._offset = offset
        self._size = size

    @property
    def label(self) -> str:
        return f"{self._path}:{self._name}"

    def open(self) -> Opened:
        descriptor, _ = open_file(self._path)
        return OpenedFile(self.label, descriptor, self._size, self._offset)


class PackedTarMember(Source):
    """One file of a compressed tar archive."""

    __slots__ = ("_archive", "_name", "_offset", "_size")

    def __init__(self, archive: "_PackedTar", name: str, offset: int, size: int) -> None:
        self._archive = archive
        self._name = name
        self._offset = offset
        self._size = size

    @property
    def label(self) -> str:
        return f"{self._archive.path}:{self._name}"

    def open(self) -> Opened:
        return OpenedStream(self.label, self._size, _TarStream(self.label, self._archive, self._offset, self._size))


class _Cursor:
    """A compressed file unpacked from its start, and how far it has come."""

    def __init__(self, path: str, kind: str) -> None:
        self.position = 0
        self._raw = open(path, "rb")  # noqa: SIM115 (a cursor outlives this function)
        self._file = _unpacked(self._raw, kind)

    def read(self, count: int) -> bytes:
        data = self._file.read(count)
        self.position += len(data)
        return data

    def skip_to(self, position: int) -> None:
        while self.position < position and self.read(min(_BLOCK, position - self.position)):
            pass

    def close(self) -> None:
        self._file.close()
        self._raw.close()


def _unpacked(raw: IO[bytes], kind: str) -> IO[bytes]:
    if kind == "gz":
        import gzip

        return gzip.GzipFile(fileobj=raw)  # type: ignore[return-value]
    if kind == "bz2":
        import bz2

        return bz2.BZ2File(raw)
    return _XZFile(raw)  # type: ignore[return-value]


class _XZFile:
    """An xz file unpacked with limited memory, which is for the file to say otherwise: up to 4 GiB."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self._renew()

    def _renew(self) -> None:
        import lzma

        self._decompressor = lzma.LZMADecompressor(memlimit=_XZ_MEMORY)

    def read(self, count: int) -> bytes:
        while True:
            rest = b""
            if self._decompressor.eof:
                rest = self._decompressor.unused_data.lstrip(b"\0") or self._raw.read(_BLOCK).lstrip(b"\0")
                if not rest:
                    return b""
                self._renew()
            elif self._decompressor.needs_input:
                rest = self._raw.read(_BLOCK)
                if not rest:
                    raise EOFError("the compressed file ends too early")
            data = self._decompressor.decompress(rest, count)
            if data:
                return data

    def close(self) -> None:
        """Nothing is held but the file, which is not ours."""


class _PackedTar:
    """The cursors of a compressed archive. A reader takes the one that has come closest; going back begins anew."""

    def __init__(self, path: str, kind: str) -> None:
        self.path = path
        self._kind = kind
        self._idle: list[_Cursor] = []
        self._lock = threading.Lock()

    def take(self, offset: int) -> _Cursor:
        """A cursor at ``offset``, or at the end of the archive. Raises what unpacking raises."""
        with self._lock:
            fitting = [cursor for cursor in self._idle if cursor.position <= offset]
            cursor = max(fitting, key=lambda one: one.position, default=None)
            if cursor:
                self._idle.remove(cursor)
        cursor = cursor or _Cursor(self.path, self._kind)
        try:
            cursor.skip_to(offset)
        except BaseException:
            cursor.close()
            raise
        return cursor

    def give_back(self, cursor: _Cursor) -> None:
        with self._lock:
            self._idle.append(cursor)
            spare = min(self._idle, key=lambda one: one.position) if len(self._idle) > _MOST_CURSORS else None
            if spare:
                self._idle.remove(spare)
        if spare:
            spare.close()


class _TarStream(Stream):
    __slots__ = ("_archive", "_cursor", "_end", "_label", "_offset")

    def __init__(self, label: str, archive: _PackedTar, offset: int, size: int) -> None:
        self._label = label
        self._archive = archive
        self._cursor: _Cursor | None = None
        self._offset = offset
        self._end = offset + size

    def read(self, count: int) -> bytes:
        try:
            if self._cursor is None:
                self._cursor = self._archive.take(self._offset)
            count = min(count, self._end - self._cursor.position)
            return self._cursor.read(count) if count else b""  # xz minds being asked for nothing
        except _damage() as error:
            raise _damaged(self._label, error) from error

    def close(self) -> None:
        if self._cursor is not None:
            self._archive.give_back(self._cursor)
            self._cursor = None


class _TarHeaders:
    """What ``tarfile`` reads headers from: a limited length for each member, whatever size a header gives itself."""

    def __init__(self, archive: _PackedTar | None, descriptor: int) -> None:
        self._archive = archive
        self._descriptor = descriptor
        self._position = 0
        self._left = 0

    def begin(self, position: int) -> None:
        """The headers of a member are next."""
        self._position = position
        self._left = _LARGEST_TAR_HEADER

    def tell(self) -> int:
        return self._position

    def seek(self, position: int) -> None:
        self._position = position

    def read(self, count: int) -> bytes:
        self._left -= count
        if self._left < 0:
            raise OSError(f"a header at offset {self._position} is larger than any that is read")
        if self._archive is None:
            data = os.pread(self._descriptor, count, self._position)
        else:
            cursor = self._archive.take(self._position)
            data = b""
            while len(data) < count and (part := cursor.read(count - len(data))):
                data += part
            self._archive.give_back(cursor)
        self._position += len(data)
        return data


def _tar_members(path: str, kind: str) -> Iterator[Source]:
    packed = None if kind == "tar" else _PackedTar(path, kind)
    descriptor, size = open_file(path)
    with OpenedFile(path, descriptor, size):
        infos = _tar_infos(_TarHeaders(packed, descriptor))
        while True:
            try:
                info = next(infos, None)
            except _damage() as error:
                raise _damaged(path, error) from error
            if info is None:
                return
            if packed is None and info.offset_data + info.size > size:  # of others, what unpacks them complains
                raise InputError(f"cannot read {path}: it ends within {info.name}", path=path)
            if info.isreg() and not info.issparse():
                yield _tar_member(path, packed, info)


def _tar_infos(headers: _TarHeaders) -> Iterator["TarInfo"]:
    """The members of a tar archive one by one; ``tarfile`` itself would keep them all, and end at a damaged one."""
    import tarfile

    headers.begin(0)
    try:
        archive = tarfile.TarFile(fileobj=headers, errors="surrogateescape")  # type: ignore[arg-type]
    except tarfile.ReadError:
        raise tarfile.ReadError("it does not hold a tar archive") from None
    while info := archive.next():
        archive.members.clear()  # type: ignore[attr-defined]
        yield info
        headers.begin(archive.offset)
    headers.begin(archive.offset)
    if headers.read(tarfile.BLOCKSIZE).strip(b"\0"):
        raise tarfile.ReadError(f"damaged header at offset {archive.offset}")


def _tar_member(path: str, packed: _PackedTar | None, info: "TarInfo") -> Source:
    if packed:
        return PackedTarMember(packed, info.name, info.offset_data, info.size)
    return TarMember(path, info.name, info.offset_data, info.size)
