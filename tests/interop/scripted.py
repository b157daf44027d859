"""Peers that do one thing wrong, each on a port of its own, in a thread that ends with the ``with`` block."""

import contextlib
import http.server
import socket
import threading
from collections.abc import Callable, Iterator

from tests.interop.running import HOST, PATIENCE

Script = Callable[[socket.socket], None]


@contextlib.contextmanager
def scripted(script: Script, port: int = 0) -> Iterator[int]:
    """Run ``script`` with every connection, one after the other; yields the port."""
    with socket.create_server((HOST, port)) as listener:
        listener.settimeout(PATIENCE)

        def serve() -> None:
            with contextlib.suppress(OSError):  # the listener is shut down at the end, or a peer went first
                while True:
                    connection, _ = listener.accept()
                    connection.settimeout(PATIENCE)
                    with connection:
                        script(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(PATIENCE)
            assert not thread.is_alive()


def close_at_once(connection: socket.socket) -> None:
    """Accept the connection and end it without a word."""


def never_answer(connection: socket.socket) -> None:
    """Read everything, say nothing."""
    while connection.recv(4096):
        pass


def greet_as_ssh(connection: socket.socket) -> None:
    """Speak first, as an SSH server does, and wait for an answer that makes sense."""
    connection.sendall(b"SSH-2.0-OpenSSH_9.2p1\r\n")
    never_answer(connection)


def abort_the_request(connection: socket.socket) -> None:
    """Answer an association request with an A-ABORT of the service provider, unrecognized PDU (PS3.8 9.3.8)."""
    connection.recv(65536)
    connection.sendall(bytes.fromhex("07 00 00000004 00 00 02 01"))


@contextlib.contextmanager
def web_server() -> Iterator[int]:
    """A real HTTP server; yields its port."""

    class Quiet(http.server.BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
            pass

    with http.server.ThreadingHTTPServer((HOST, 0), Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join(PATIENCE)
