"""An open folder, and the temporary files in it: their names, and what a process that was killed has left of them."""

import fcntl
import os
import secrets
from contextlib import suppress

_MOST_SPARE = 8
_BEGINNING, _END = ".dcmnet-", ".part"


class Directory:
    """A folder, open for as long as anything uses it; ``number`` is its descriptor. Raises OSError."""

    def __init__(self, path: str) -> None:
        self.number = -1
        self._spare: list[int] = []
        self.number = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._is = _identity(os.fstat(self.number))

    def __del__(self) -> None:
        for number in (self.number, *self._spare):
            if number >= 0:
                os.close(number)

    def is_at(self, path: str) -> bool:
        """Whether ``path`` still leads here: the folder may have been removed, moved or mounted over, and another one
        made in its place. Raises OSError where nothing is.
        """
        return _identity(os.stat(path)) == self._is

    def take_unnamed(self, kind: int) -> int:
        """A descriptor of a new file without a name; ``kind`` is the system's O_TMPFILE. Raises OSError."""
        try:
            return self._spare.pop()
        except IndexError:
            return self._open_unnamed(kind)

    def prepare(self, kind: int) -> None:
        """Open such a file for ``take_unnamed``, unless enough of them wait. Raises OSError."""
        if len(self._spare) < _MOST_SPARE:
            self._spare.append(self._open_unnamed(kind))

    def _open_unnamed(self, kind: int) -> int:
        return os.open(".", kind | os.O_WRONLY, 0o666, dir_fd=self.number)

    def create(self) -> tuple[int, str]:
        """(descriptor, name) of a new temporary file. Raises OSError."""
        name = temporary_name()
        number = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666, dir_fd=self.number)
        _hold(number)
        return number, name

    def clear_leftovers(self) -> None:
        """Remove the temporary files that nobody works on any more. Raises OSError."""
        for name in os.listdir(self.number):
            if not (name.startswith(_BEGINNING) and name.endswith(_END)):
                continue
            with suppress(OSError):  # finished meanwhile by another process, or somebody else's: it harms nobody
                number = os.open(name, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=self.number)
                try:
                    if _hold(number):
                        os.unlink(name, dir_fd=self.number)
                finally:
                    os.close(number)


def temporary_name() -> str:
    """A name that nobody takes for an object's, and that is cleared away if it is left behind."""
    return f"{_BEGINNING}{secrets.token_hex(8)}{_END}"


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _hold(number: int) -> bool:
    """Hold a file for as long as it is open; False if somebody else does. It goes with the process that is killed."""
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # no locks on this file system: then nobody can hold it
    return True
