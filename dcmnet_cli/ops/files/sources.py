"""What a user named, as a lazy stream of sources: files, folders, archives, file-sets and lists of them.

Nothing is read here but what it takes to tell an archive or a DICOMDIR from a file.
"""

import os
import stat
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import IO, NamedTuple, TypeAlias

from dcmnet_cli.errors import InputError
from dcmnet_cli.net.part10 import open_file
from dcmnet_cli.ops.files import archives, file_sets
from dcmnet_cli.ops.files.opened import Opened, OpenedFile, Source

_BLOCK = 1 << 16
_LONGEST_PATH = 1 << 16
_PLAIN_ENDINGS = (".dcm", ".ima", ".dic", ".dicom")


class Skipped(NamedTuple):
    """Something that is no object to send. ``is_fault`` where nobody can tell: unreadable, missing."""

    label: str
    why: str
    is_fault: bool = True


Found: TypeAlias = Source | Skipped


def unread(label: str, error: InputError) -> Skipped:
    """What could not be read. The label is not repeated in the reason: many files may have one reason."""
    return Skipped(label, error.message.removeprefix(f"cannot read {label}: "))


class FileSource(Source):
    """A file by its path."""

    __slots__ = ("_path",)

    def __init__(self, path: str) -> None:
        self._path = path

    @property
    def label(self) -> str:
        return self._path

    def open(self) -> Opened:
        descriptor, size = open_file(self._path)
        return OpenedFile(self._path, descriptor, size)


class Search(NamedTuple):
    """How folders are looked through: with their folders or not, and for names that match ``pattern``, "" for all."""

    recurse: bool = True
    folders: bool = True
    pattern: str = ""


def find_sources(paths: Iterable[str], search: Search = Search()) -> Iterator[Found]:  # noqa: B008 (immutable)
    """Everything that ``paths`` name, in their order; a folder's files sorted by name, then its folders.

    A path given may be a file, a folder, a DICOMDIR, a zip or tar archive, the latter told by their content. Within
    folders an archive is opened for its name, and a DICOMDIR left alone, as the walk comes to its files anyway.
    Nothing raises: what cannot be read comes as ``Skipped``.
    """
    for path in paths:
        try:
            mode = os.stat(path).st_mode
        except (OSError, ValueError) as error:
            yield Skipped(path, _words(error))
            continue
        if not stat.S_ISDIR(mode):
            yield from _named_file(path, mode)
        elif search.folders:
            yield from _walk(path, search)
        else:
            yield Skipped(path, "a folder", False)


def read_list(name: str, standard_input: IO[bytes]) -> Iterator[str]:
    """The paths in a list, one a line or separated by NUL, "-" naming standard input; lazily, empty ones left out.

    They are relative to the current folder, as for xargs, since lists are made by find and ls in that folder. Raises
    InputError.
    """
    try:
        if name == "-":
            yield from _split(standard_input)
        else:
            with open(name, "rb") as file:
                yield from _split(file)
    except OSError as error:
        raise InputError(f"cannot read {name}: {error.strerror}", path=name) from error


def _split(file: IO[bytes]) -> Iterator[str]:
    """A NUL in the first block makes NUL the separator: line ends may be part of a name then."""
    separator, rest = b"", b""
    while block := file.read(_BLOCK):
        separator = separator or (b"\0" if b"\0" in block else b"\n")
        *paths, rest = (rest + block).split(separator)
        if len(rest) > _LONGEST_PATH:
            raise InputError("the list of paths has a line of more than 64 KiB")
        yield from _paths(paths, separator)
    yield from _paths([rest], separator)


def _paths(raw: list[bytes], separator: bytes) -> Iterator[str]:
    for path in raw:
        if name := path.removesuffix(b"\r") if separator == b"\n" else path:
            yield os.fsdecode(name)


def _words(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _named_file(path: str, mode: int) -> Iterator[Found]:
    """A file that the user named: it is looked into, unless its ending says that it is one object."""
    if not stat.S_ISREG(mode):
        yield Skipped(path, "not a regular file")
        return
    if path.lower().endswith(_PLAIN_ENDINGS):
        yield FileSource(path)
        return
    try:
        with FileSource(path).open() as file:
            head = file.pread(file_sets.HEAD, 0)
    except InputError as error:
        yield unread(path, error)
        return
    if file_sets.is_dicomdir(head):
        yield from _file_set(path)
    elif kind := archives.archive_kind(head):
        yield from _archive(path, kind)
    else:
        yield FileSource(path)


def _file_set(path: str) -> Iterator[Found]:
    try:
        for reference in file_sets.references(path):
            yield Skipped(reference.path, reference.why) if reference.why else FileSource(reference.path)
    except InputError as error:
        yield unread(path, error)


def _archive(path: str, kind: str) -> Iterator[Found]:
    try:
        yield from archives.members(path, kind)
    except InputError as error:
        yield unread(path, error)


def _walk(root: str, search: Search) -> Iterator[Found]:
    """A folder and those in it, each once, however symbolic links lead to it."""
    waiting, seen = [root], set()
    while waiting:
        folder = waiting.pop()
        try:
            status = os.stat(folder)
            with os.scandir(folder) as entries:
                ordered = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            yield Skipped(folder, _words(error))
            continue
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        folders = []
        for entry in ordered:
            if _is_folder(entry):
                folders.append(entry.path)
            elif not search.pattern or fnmatchcase(entry.name, search.pattern):
                yield from _folder_file(entry)
        if search.recurse:
            waiting += reversed(folders)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _folder_file(entry: os.DirEntry[str]) -> Iterator[Found]:
    """A file come upon in a folder. Pipes, sockets and devices are passed over: opening one may do anything."""
    path = entry.path
    try:
        if not entry.is_file():
            is_broken = entry.is_symlink()
            yield Skipped(path, "a symbolic link to nothing" if is_broken else "not a regular file", is_broken)
            return
    except OSError as error:
        yield Skipped(path, _words(error))
        return
    if not entry.name.lower().endswith(archives.ARCHIVE_ENDINGS):
        yield FileSource(path)
        return
    try:
        with FileSource(path).open() as file:
            kind = archives.archive_kind(file.pread(archives.HEAD, 0))
    except InputError as error:
        yield unread(path, error)
        return
    yield from _archive(path, kind) if kind else [FileSource(path)]
