"""Where a command writes, and what each of its two streams can show."""

import os
import sys
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, TextIO

from dcmnet_cli.core.text import printable

if TYPE_CHECKING:
    from dcmnet_cli.render.junit import JUnitFile

UNKNOWN_WIDTH = 80
NARROWEST = 40

# The marks of our own screens, and what stands for them where the stream's encoding has no such character.
_ASCII_MARKS = {
    "✓": "ok",
    "✗": "FAILED",
    "▲": "!",
    "─": "-",
    "━": "-",
    "·": "-",
    "→": "->",
    "←": "<-",
    "…": "...",
}
_TO_ASCII = str.maketrans(_ASCII_MARKS)
_SGR = {"red": "31", "green": "32", "yellow": "33", "dim": "2", "bold": "1"}


class Channel:
    """One stream: what it is, and the only way to write to it. ``file`` None (a closed stream) swallows all.

    ``is_screen`` asks for the layout made for people: a terminal, or anything when FORCE_COLOR is set. ``can_redraw``
    tells whether a line can be written anew in its place.
    """

    def __init__(self, file: TextIO | None, environ: Mapping[str, str], *, may_fail: bool = False) -> None:
        self._file = file
        self._may_fail = may_fail
        self._lock = threading.Lock()
        self._encoding = getattr(file, "encoding", None) or "utf-8"
        self.is_terminal = _is_terminal(file)
        is_forced = environ.get("FORCE_COLOR", "") != ""
        is_dumb = environ.get("TERM", "") in ("dumb", "unknown")
        self.is_screen = self.is_terminal or is_forced
        self.has_colour = environ.get("NO_COLOR", "") == "" and (is_forced or (self.is_terminal and not is_dumb))
        self.can_redraw = self.is_terminal and not is_dumb
        self.has_unicode = _can_encode("".join(_ASCII_MARKS), self._encoding)
        self.width = max(NARROWEST, _width(file, self.is_terminal, environ))

    def text(self, value: str) -> str:
        """``value`` as it can be shown here: harmless (``core.text``), and within the stream's encoding."""
        safe = printable(value)
        if self.has_unicode and self._encoding.lower().startswith("utf"):
            return safe
        if not self.has_unicode:
            safe = safe.translate(_TO_ASCII)
        return safe.encode(self._encoding, "backslashreplace").decode(self._encoding)

    def paint(self, text: str, style: str) -> str:
        """``text`` in a style ("red", "green", "yellow", "dim", "bold"), or as it is where there is no colour."""
        return f"\x1b[{_SGR[style]}m{text}\x1b[0m" if style and self.has_colour else text

    def line(self, *cells: str, style: str = "") -> None:
        """Write one line, ``cells`` parted by tabs. Whatever a cell holds, it stays within its cell."""
        self.write(self.paint("\t".join(map(self.text, cells)), style) + "\n")

    def write(self, text: str) -> None:
        """Write ``text`` as it is and flush, in one piece, from any thread. The caller has made it harmless.

        OSError of stdout passes, so that lost results change the exit status; that of stderr does not, since
        there is nowhere left to say so.
        """
        if self._file is None:
            return
        try:
            with self._lock:
                self._file.write(text)
                self._file.flush()
        except OSError:
            if not self._may_fail:
                raise


class Output:
    """What a command prints, and where. Made once in ``cli`` and passed on.

    ``verbosity`` 0 is silent about the work, 1 (``-v``) shows negotiation and statuses, 2 (``-d``) every PDU;
    ``hexdump`` adds their bytes. ``quiet`` leaves only :meth:`error`. With ``json`` stdout holds JSON and nothing
    else; ``junit`` is a file that gets the outcome as well. ``environ`` is read once.
    """

    def __init__(
        self,
        stdout: TextIO | None = None,
        stderr: TextIO | None = None,
        *,
        json: bool = False,
        quiet: bool = False,
        verbosity: int = 0,
        hexdump: bool = False,
        junit: "JUnitFile | None" = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        environ = os.environ if environ is None else environ
        self.out = Channel(sys.stdout if stdout is None else stdout, environ)
        self.err = Channel(sys.stderr if stderr is None else stderr, environ, may_fail=True)
        self.json = json
        self.quiet = quiet
        self.verbosity = 0 if quiet else verbosity
        self.hexdump = hexdump
        self.junit = junit

    def result(self, *cells: str, style: str = "") -> None:
        """A line of the result to stdout, cells parted by tabs. Nothing with ``quiet`` or ``json``."""
        if not (self.quiet or self.json):
            self.out.line(*cells, style=style)

    def say(self, line: str, style: str = "") -> None:
        """A remark to stderr. Nothing with ``quiet``."""
        if not self.quiet:
            self.err.line(line, style=style)

    def error(self, line: str) -> None:
        """What went wrong, to stderr, always."""
        self.err.line(line, style="red")

    def verbose(self, line: str, level: int = 1) -> None:
        """A remark to stderr for those who asked with ``-v`` (level 1) or ``-d`` (2)."""
        if self.verbosity >= level:
            self.err.line(line, style="dim")


def _is_terminal(file: TextIO | None) -> bool:
    return file is not None and file.isatty()


def _can_encode(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _width(file: TextIO | None, is_terminal: bool, environ: Mapping[str, str]) -> int:
    columns = environ.get("COLUMNS", "")
    if columns.isascii() and columns.isdigit() and 0 < len(columns) <= 4 and int(columns) > 0:
        return int(columns)
    if file is not None and is_terminal:
        try:
            return os.get_terminal_size(file.fileno()).columns or UNKNOWN_WIDTH
        except OSError:
            return UNKNOWN_WIDTH
    return UNKNOWN_WIDTH
