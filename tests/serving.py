"""Servers under test: run for the length of a block, stopped and checked at its end."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from dcmnet_cli.net.server import Server
from tests.scripted import PATIENCE


@contextmanager
def running(server: Server) -> Iterator[int]:
    """Serve in a thread of its own; yields the port. At the end everything is cut short."""
    port: int = server._listeners[0].getsockname()[1]
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield port
    finally:
        server.stop()
        thread.join(PATIENCE)
        assert not thread.is_alive()
        server.finish(0.0)
