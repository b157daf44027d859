"""Ctrl-C as a request: the first one asks for an end in good order, the second ends the program."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interruption:
    """Whether the user has had enough."""

    def __init__(self) -> None:
        self.is_asked = False

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Within this, the first Ctrl-C is only noted; the second is a KeyboardInterrupt."""

        def note(number: int, frame: FrameType | None) -> None:
            if self.is_asked:
                raise KeyboardInterrupt
            self.is_asked = True

        before = signal.signal(signal.SIGINT, note)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)
