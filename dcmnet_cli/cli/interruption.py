"""Ctrl-C as a request: the first one asks for an end in good order, the second ends the program."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from dcmnet_cli.ops.stop import Stop


@contextmanager
def stopping(stop: Stop) -> Iterator[None]:
    """Within this, the first Ctrl-C only asks ``stop``; the second is a KeyboardInterrupt."""

    def ask(number: int, frame: FrameType | None) -> None:
        if stop.is_asked:
            raise KeyboardInterrupt
        stop.ask()

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
