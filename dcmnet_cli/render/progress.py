"""How far a transfer is, while it runs: one line on stderr that is written anew, or now and then a line in a log.

The line is drawn by a thread of its own, ten times a second, so that whoever sends only counts, and a peer that hangs
still leaves a line that lives. It takes no more than carriage return and two escape sequences that every terminal has
known for forty years; rich, which lays out the other screens, would cost more to import than many a transfer takes.
"""

import threading
import time
from collections import deque
from types import TracebackType
from typing import Self

from dcmnet_cli.core.quantities import clock, count, data_rate, plural, rate, size
from dcmnet_cli.ops.storing.transfer import CONFIRMED, IN_DOUBT, NOT_SENT, REFUSED, Outcome
from dcmnet_cli.render.output import Output

DRAW_EVERY = 0.1
LOG_EVERY = 10.0
FIRST_AFTER = 0.3
"""What is done by then needs no progress."""
_RATE_OVER = 10.0  # seconds over which the current rate is measured
_SHORTEST_BAR = 10
_TROUBLE = {REFUSED: "refused", NOT_SENT: "not sent", IN_DOUBT: "in doubt"}
# No wrapping while the line is drawn: a terminal made narrower meanwhile cuts it off instead of scrolling.
_BEGIN, _END = "\r\x1b[?7l", "\x1b[K\x1b[?7h"


class LiveLine:
    """A line about what is going on, as a context manager. Does nothing where it would only disturb: with ``-v``, whose
    lines tell more, with ``--json`` and with ``-q``. The last state ``stays`` on the screen, or leaves no trace.
    """

    stays = True

    def __init__(self, output: Output) -> None:
        self._channel = output.err
        is_wanted = not (output.quiet or output.json or output.verbosity)
        self.is_live = is_wanted and self._channel.can_redraw
        self._every = DRAW_EVERY if self.is_live else LOG_EVERY
        self._thread = threading.Thread(target=self._keep_drawing, daemon=True) if is_wanted else None
        self._done = threading.Event()
        self._is_drawn = False
        self.began = time.monotonic()

    def __enter__(self) -> Self:
        self.began = time.monotonic()
        if self._thread is not None:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._done.set()
        if self._thread is not None:
            self._thread.join()
        if self._is_drawn and self.stays:
            # Over what Ctrl-C left there, and the cursor below it, whatever ended the work.
            self._draw(is_last=True)
            self._channel.write("\n")
        elif self._is_drawn:
            self._channel.write(f"{_BEGIN}{_END}")

    def compose(self, width: int, now: float, *, is_last: bool) -> str:
        """The line as it is now, for a terminal of ``width`` columns, colours included."""
        raise NotImplementedError

    def sentence(self, now: float) -> str:
        """The same for a log."""
        raise NotImplementedError

    def _keep_drawing(self) -> None:
        if self._done.wait(FIRST_AFTER if self.is_live else LOG_EVERY):
            return
        while True:
            if self.is_live:
                self._draw(is_last=False)
            else:
                self._channel.line(self.sentence(time.monotonic()))
            if self._done.wait(self._every):
                return

    def _draw(self, *, is_last: bool) -> None:
        line = self.compose(self._channel.width, time.monotonic(), is_last=is_last)
        self._channel.write(f"{_BEGIN}{line}{_END}")
        self._is_drawn = True


class Progress(LiveLine):
    """The progress of a ``store``. Call :meth:`add` with every outcome, one at a time.

    ``total`` and ``total_bytes`` are of all that will get an outcome in this run, save what an earlier run confirmed.
    """

    def __init__(self, output: Output, total: int, total_bytes: int) -> None:
        super().__init__(output)
        self.total = total
        self.total_bytes = total_bytes
        self._files = 0
        self._bytes = 0
        self._unsent = 0
        self._under_way = 0
        self._trouble: dict[str, int] = {}
        self._samples: deque[tuple[float, int, int]] = deque()

    def add(self, outcome: Outcome) -> None:
        """Count one more. Nothing is drawn here."""
        if outcome.kind == CONFIRMED:
            return
        self._files += 1
        if outcome.kind == NOT_SENT:
            self._unsent += outcome.length
        else:
            self._bytes += outcome.length
        if self._under_way:
            self._under_way = max(0, self._under_way - outcome.length)
        if outcome.kind in _TROUBLE:
            self._trouble[outcome.kind] = self._trouble.get(outcome.kind, 0) + 1

    def moved(self, length: int) -> None:
        """So many more bytes of an object under way have gone out: for objects so large that one takes a while."""
        self._under_way += length

    def compose(self, width: int, now: float, *, is_last: bool) -> str:
        files, length = self._files, self._moved()
        seconds, files_done, bytes_done = self._latest(now, files, length)
        if is_last:
            seconds, files_done, bytes_done = now - self.began, files, length
        left = clock(now - self.began) if is_last else self._time_left(length, seconds, bytes_done)
        done = f"{count(files):>{len(count(self.total))}}/{count(self.total)}"
        parts = [
            done,
            f"{size(length):>6}",
            f"{rate(files_done, seconds):>3} files/s",
            f"{data_rate(bytes_done, seconds):>8}",
            left,
        ]
        return self._line(parts, width)

    def sentence(self, now: float) -> str:
        files, length = self._files, self._moved()
        seconds, files_done, bytes_done = self._latest(now, files, length)
        parts = [
            f"sending: {count(files)} of {plural(self.total, 'file')}",
            size(length),
            f"{rate(files_done, seconds)} files/s",
            data_rate(bytes_done, seconds),
            self._time_left(length, seconds, bytes_done),
            *(f"{count(number)} {_TROUBLE[kind]}" for kind, number in list(self._trouble.items())),
        ]
        return ", ".join(parts)

    def _moved(self) -> int:
        return self._bytes + self._under_way

    def _latest(self, now: float, files: int, length: int) -> tuple[float, int, int]:
        """Seconds, files and bytes of the last while. Called once a drawing, which is what it measures by."""
        samples = self._samples
        if not samples:
            samples.append((self.began, 0, 0))
        samples.append((now, files, length))
        while len(samples) > 2 and samples[1][0] <= now - _RATE_OVER:
            samples.popleft()
        then, files_then, bytes_then = samples[0]
        return now - then, files - files_then, length - bytes_then

    def _time_left(self, length: int, seconds: float, bytes_done: int) -> str:
        if bytes_done <= 0 or seconds <= 0:
            return "-:--:-- left"
        to_go = max(0, self.total_bytes - self._unsent - length)
        return f"{clock(to_go * seconds / bytes_done)} left"

    def _line(self, parts: list[str], width: int) -> str:
        channel = self._channel
        trouble = [f"{count(number)} {_TROUBLE[kind]}" for kind, number in list(self._trouble.items())]
        # A narrow terminal does without the size, then the rates; how far and what went wrong stay.
        for dropped in ((), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)):
            kept = [part for index, part in enumerate(parts) if index not in dropped]
            plain = "  ".join([*kept, *trouble])
            room = width - len("  sending    ") - len(plain) - 1
            if room >= _SHORTEST_BAR:
                break
        coloured = "  ".join([*kept, *(channel.paint(word, "red") for word in trouble)])
        if room < _SHORTEST_BAR:
            return f"  sending  {plain}"[: width - 1]
        return f"  sending  {self._bar(room)}  {coloured}"

    def _bar(self, room: int) -> str:
        whole, done = self.total_bytes, self._unsent + self._moved()
        if not whole:
            whole, done = self.total, self._files
        filled = min(room, room * done // max(whole, 1))
        full, empty = ("━", "─") if self._channel.has_unicode else ("#", ".")
        return self._channel.paint(full * filled, "green") + self._channel.paint(empty * (room - filled), "dim")


class Reading(LiveLine):
    """How many files were looked at, before it is known how many there are; for ``on_source`` of a plan."""

    stays = False

    def __init__(self, output: Output) -> None:
        super().__init__(output)
        self.files = 0

    def seen(self, files: int) -> None:
        """So many by now."""
        self.files = files

    def compose(self, width: int, now: float, *, is_last: bool) -> str:
        return f"  reading  {plural(self.files, 'file')}"[: width - 1]

    def sentence(self, now: float) -> str:
        return f"reading: {plural(self.files, 'file')}"
