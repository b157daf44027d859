"""A long line: a relay that delivers every byte after a delay, at any bandwidth. Also a program of its own."""

import socket
import sys
import threading
import time
from queue import SimpleQueue

_READ = 1 << 16
_Sent = tuple[float, bytes]


class Relay:
    """Listens on ``port`` and passes connections on to ``target``, with half of ``round_trip`` seconds each way.

    ``first_byte`` is when the first byte of all came, by ``time.monotonic``, 0 before that.
    """

    def __init__(self, target: tuple[str, int], round_trip: float, port: int = 0) -> None:
        self._target = target
        self._delay = round_trip / 2
        self._listener = socket.create_server(("127.0.0.1", port), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self.first_byte = 0.0

    def start(self) -> None:
        """Serve in a thread of its own, as long as this process lives."""
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        """Accept connections without end."""
        while True:
            near, _ = self._listener.accept()
            far = socket.create_connection(self._target)
            for source, sink in ((near, far), (far, near)):
                source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                under_way: SimpleQueue[_Sent] = SimpleQueue()
                threading.Thread(target=self._take, args=(source, under_way), daemon=True).start()
                threading.Thread(target=self._give, args=(sink, under_way), daemon=True).start()

    def _take(self, source: socket.socket, under_way: "SimpleQueue[_Sent]") -> None:
        data = b"?"
        while data:
            try:
                data = source.recv(_READ)
            except OSError:
                data = b""
            now = time.monotonic()
            self.first_byte = self.first_byte or (now if data else 0.0)
            under_way.put((now + self._delay, data))

    def _give(self, sink: socket.socket, under_way: "SimpleQueue[_Sent]") -> None:
        while True:
            due, data = under_way.get()
            time.sleep(max(0.0, due - time.monotonic()))
            try:
                if not data:
                    sink.shutdown(socket.SHUT_WR)
                    return
                sink.sendall(data)
            except OSError:
                return  # that side has gone, and what it was sent has nobody to go to


if __name__ == "__main__":
    own, target_port, milliseconds = map(int, sys.argv[1:])
    Relay(("127.0.0.1", target_port), milliseconds / 1000, own).serve()
