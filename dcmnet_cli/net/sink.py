"""Where received objects go: nothing under a final name until it is whole, and then in one step.

An object is written to a file without a name (``O_TMPFILE``) or, where the system has none, to a hidden temporary one
in the same folder. Linking it under its final name fails if that name is taken, so two associations that bring the same
instance at once cannot mix their bytes. No symbolic link below the folder is ever followed.
"""

import errno
import os
import stat
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import chain
from typing import NamedTuple

from dcmnet_cli.core.pdata import Buffer
from dcmnet_cli.errors import OutputError
from dcmnet_cli.net.directory import Directory, temporary_name
from dcmnet_cli.net.part10 import read_file

DUPLICATES = ("skip", "overwrite", "rename", "reject")
SYNCS = ("none", "object", "association")

_OWN_DESCRIPTORS = "/proc/self/fd"  # the way to an unnamed file: linkat() follows these links
_IOV_MAX = 1024
_BLOCK = 1 << 20
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_TRUSTED = 1.0  # seconds; a name is given only in a folder that is in its place at that moment
_MOST_RENAMES = 10_000
_NO_NAMES = frozenset(("", ".", ".."))
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


class Stored(NamedTuple):
    """What became of an object: ``outcome`` is stored, skipped (the same bytes were there), renamed (other bytes
    were), overwritten or rejected; ``path`` where its bytes are now."""

    outcome: str
    path: str


class Folder:
    """An output folder, which must exist. ``on_duplicate`` and ``sync`` as listed in DUPLICATES and SYNCS.

    It is looked for by its path whenever an object gets its name: one that is removed and made again later is used
    again. Safe for many threads. Raises OutputError for everything the file system refuses, in its words.
    """

    def __init__(self, path: str, *, on_duplicate: str = "skip", sync: str = "none") -> None:
        self.path = path
        self._prefix = os.path.join(path, "")
        self.on_duplicate = on_duplicate
        self.sync = sync
        self._lock = threading.Lock()
        self._trusted_until = 0.0  # by ``begin``, on the monotonic clock: the folder was in its place a moment ago
        self._unnamed = getattr(os, "O_TMPFILE", 0) if os.path.isdir(_OWN_DESCRIPTORS) else 0
        try:
            self._directory = Directory(path)
            with self.begin() as probe:
                probe.discard()
            self._directory.clear_leftovers()
        except OSError as error:
            raise OutputError(f"cannot write to folder {path}: {_words(error)}", path=path) from error

    def begin(self) -> "IncomingFile":
        """A new file that has no final name yet, in a folder that was in its place a second ago. Raises OutputError."""
        try:
            if time.monotonic() < self._trusted_until:
                with suppress(OSError):  # the folder went a moment ago, most likely
                    return self._begin_in(self._directory)
            return self._begin_in(self.current())
        except OSError as error:
            raise self._error("create a file in", error) from error

    def _begin_in(self, directory: Directory) -> "IncomingFile":
        if self._unnamed:
            try:
                return IncomingFile(self, directory, directory.take_unnamed(self._unnamed), "")
            except OSError as error:
                if error.errno in (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL):
                    self._unnamed = 0
                # Whatever else it was stands in the way of a named one, too, and is better told then.
        return IncomingFile(self, directory, *directory.create())

    def prepare(self) -> None:
        """Open the next unnamed file ahead of ``begin``, for when there is time to wait: after a response."""
        if self._unnamed:
            with suppress(OSError):  # ``begin`` meets it again, and tells
                self._directory.prepare(self._unnamed)

    def current(self) -> Directory:
        """The folder that the path leads to now. Raises OSError."""
        if not self._directory.is_at(self.path):
            self._directory = Directory(self.path)
        self._trusted_until = time.monotonic() + _TRUSTED
        return self._directory

    def path_of(self, folders: str, name: str) -> str:
        """The path of a file below the folder, as a caller of ours can open it."""
        return f"{self._prefix}{folders}/{name}" if folders else f"{self._prefix}{name}"

    def sync_files(self, paths: Iterable[str]) -> None:
        """Make files and their folders durable (``sync="association"``). Raises OutputError."""
        try:
            folders: set[str] = set()
            top = len(self.path.rstrip("/"))
            for path in paths:
                _sync_path(path)
                folder = os.path.dirname(path)
                while folder not in folders and len(folder) >= top:
                    folders.add(folder)
                    folder = os.path.dirname(folder)
            for folder in folders:
                _sync_path(folder or "/")
        except OSError as error:
            raise self._error("make durable what is in", error) from error

    def _error(self, what: str, error: OSError, relative: str = "") -> OutputError:
        """``details`` has the name: in words it would take a patient's name, where files are named so, to the log."""
        why = _words(error)
        return OutputError(f"cannot {what} {self.path}: {why}", errno=error.errno, why=why, relative=relative)

    def open_parents(self, directory: Directory, folders: list[str]) -> int:
        """A descriptor of the sub-folder, made where it is missing. The caller closes it. Raises OSError."""
        number = os.dup(directory.number)
        try:
            for folder in folders:
                with suppress(FileExistsError):
                    os.mkdir(folder, 0o777, dir_fd=number)
                    if self.sync == "object":
                        os.fsync(number)
                inner = os.open(folder, _DIRECTORY, dir_fd=number)
                os.close(number)
                number = inner
        except BaseException:
            os.close(number)
            raise
        return number


class IncomingFile:
    """One object while it arrives. Exactly one of ``commit`` and ``discard`` ends it; leaving it discards."""

    def __init__(self, folder: Folder, directory: Directory, descriptor: int, temporary: str) -> None:
        self._folder = folder
        self._directory = directory  # where the temporary name is
        self._descriptor = descriptor
        self._temporary = temporary
        self._reader = -1
        self.length = 0

    def __enter__(self) -> "IncomingFile":
        return self

    def __exit__(self, *_: object) -> None:
        self.discard()

    def write(self, batch: Sequence[Buffer]) -> None:
        """Append ``batch``, in one system call where the kernel takes it so. Raises OutputError."""
        buffers, left = batch, sum(map(len, batch))
        try:
            while left:
                written = os.writev(self._descriptor, buffers[:_IOV_MAX])
                self.length += written
                left -= written
                if left:
                    buffers = _behind(buffers, written)
        except OSError as error:
            raise self._folder._error("write to", error) from error

    def reader(self) -> int:
        """A descriptor to read the file by, closed with it. Raises OSError."""
        if self._reader < 0:
            if self._temporary:
                self._reader = os.open(self._temporary, os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._directory.number)
            else:
                self._reader = os.open(f"{_OWN_DESCRIPTORS}/{self._descriptor}", os.O_RDONLY | os.O_CLOEXEC)
        return self._reader

    def commit(self, relative: str) -> Stored:
        """Give the object its final name, a path of ``/``-parted components below the folder. Raises OutputError."""
        folders, _, name = relative.rpartition("/")
        try:
            if name in _NO_NAMES or ("/" in relative and not _NO_NAMES.isdisjoint(folders.split("/"))):
                raise OSError(errno.EINVAL, "the name leads out of the folder")
            self._flush()
            try:
                return self._name(folders, name)
            except FileNotFoundError:
                pass  # the sub-folder went between making and using it: once more
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                self._carry_over()
            return self._name(folders, name)
        except OSError as error:
            raise self._folder._error("write to", error, relative) from error
        finally:
            self.discard()

    def discard(self) -> None:
        """Forget the file, if it has not been named: nothing of it stays."""
        if self._descriptor < 0:
            return
        os.close(self._descriptor)
        if self._reader >= 0:
            os.close(self._reader)
        self._descriptor = self._reader = -1
        if self._temporary:
            with suppress(OSError):  # gone already: with its folder, or renamed
                os.unlink(self._temporary, dir_fd=self._directory.number)

    def _flush(self) -> None:
        if self._temporary:
            os.close(os.dup(self._descriptor))  # where network file systems write, and tell that the disk is full
        if self._folder.sync == "object":
            os.fsync(self._descriptor)

    def _carry_over(self) -> None:
        """The folder's path has come to lead to another file system meanwhile: write the object again, there."""
        copy = self._folder._begin_in(self._folder.current())
        try:
            for block in _blocks(self.reader(), 0):
                copy.write([block])
            copy._flush()
            self.discard()
        except BaseException:
            copy.discard()
            raise
        self._directory, self._descriptor, self._temporary = copy._directory, copy._descriptor, copy._temporary

    def _name(self, folders: str, name: str) -> Stored:
        directory = self._folder.current()
        parent = self._folder.open_parents(directory, folders.split("/")) if folders else directory.number
        try:
            outcome, used = self._name_in(directory, parent, name)
            if self._folder.sync == "object":
                os.fsync(parent)
        finally:
            if folders:
                os.close(parent)
        return Stored(outcome, self._folder.path_of(folders, used))

    def _name_in(self, directory: Directory, parent: int, name: str) -> tuple[str, str]:
        if self._link(parent, name):
            return "stored", name
        policy = self._folder.on_duplicate
        if policy == "reject":
            return "rejected", name
        if policy == "overwrite":
            self._replace(directory, parent, name)
            return "overwritten", name
        for candidate in chain((name,), _other_names(name)):
            if candidate != name and self._link(parent, candidate):
                return "renamed", candidate
            if policy == "skip" and self._is_same(parent, candidate):
                return "skipped", candidate
        raise OSError(errno.EEXIST, os.strerror(errno.EEXIST))

    def _link(self, parent: int, name: str) -> bool:
        """Link under ``name``; False if that is taken."""
        try:
            if self._temporary:
                os.link(self._temporary, name, src_dir_fd=self._directory.number, dst_dir_fd=parent)
            else:
                # Giving a folder descriptor makes Python call linkat(), which alone follows the link in /proc.
                os.link(f"{_OWN_DESCRIPTORS}/{self._descriptor}", name, dst_dir_fd=parent, follow_symlinks=True)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in _NO_LINKS or not self._temporary:
                raise
            return self._rename(parent, name)
        return True

    def _rename(self, parent: int, name: str) -> bool:
        """What takes the place of ``_link`` on file systems without hard links; other processes can still interfere."""
        with self._folder._lock:
            try:
                os.lstat(name, dir_fd=parent)
            except FileNotFoundError:
                os.rename(self._temporary, name, src_dir_fd=self._directory.number, dst_dir_fd=parent)
                self._temporary = ""
                return True
        return False

    def _replace(self, directory: Directory, parent: int, name: str) -> None:
        source, interim, self._temporary = self._directory, self._temporary, ""
        if not interim:
            source, interim = directory, temporary_name()  # where leftovers are looked for
            self._link(source.number, interim)
        try:
            os.rename(interim, name, src_dir_fd=source.number, dst_dir_fd=parent)
        except OSError:
            os.unlink(interim, dir_fd=source.number)
            raise

    def _is_same(self, parent: int, name: str) -> bool:
        """Whether a file holds the same data set in the same transfer syntax: headers may differ by sender."""
        try:
            other = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=parent)
        except OSError:
            return False  # gone again, or no file that could be compared
        try:
            is_same = stat.S_ISREG(os.fstat(other).st_mode) and _same_data_set(self.reader(), other)
            if is_same and self._folder.sync == "object":
                os.fsync(other)  # it stands for ours, and may be there because the disk failed when it came first
            return is_same
        finally:
            os.close(other)


def _behind(buffers: Sequence[Buffer], count: int) -> list[Buffer]:
    """What is left of ``buffers`` behind their first ``count`` bytes."""
    rest: list[Buffer] = []
    for buffer in buffers:
        if count < len(buffer):
            rest.append(memoryview(buffer)[count:])
        count = max(0, count - len(buffer))
    return rest


def _same_data_set(one: int, other: int) -> bool:
    files = [read_file(partial(os.pread, number), os.fstat(number).st_size) for number in (one, other)]
    first, second = files
    if first is None or second is None or first.transfer_syntax_uid != second.transfer_syntax_uid:
        return False
    sizes = {os.fstat(number).st_size - file.offset for number, file in ((one, first), (other, second))}
    return len(sizes) == 1 and all(
        a == b for a, b in zip(_blocks(one, first.offset), _blocks(other, second.offset), strict=False)
    )


def _blocks(descriptor: int, offset: int) -> Iterator[bytes]:
    while block := os.pread(descriptor, _BLOCK, offset):
        yield block
        offset += len(block)


def _other_names(name: str) -> Iterator[str]:
    stem, extension = os.path.splitext(name)
    for number in range(1, _MOST_RENAMES):
        yield f"{stem}.{number}{extension}"


def _sync_path(path: str) -> None:
    number = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _words(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
