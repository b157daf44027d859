"""Memory for one very large object, and for very many files."""

import time
from collections.abc import Iterator

from tests.benchmarks.bench import TINY_BYTES, Bench, Inbox
from tests.benchmarks.figures import Row, WrongResult, below
from tests.benchmarks.objects import WorkSet, write_sparse
from tests.benchmarks.processes import HOST, Run, Server, dcmnet, run, serving
from tests.benchmarks.programs import listen
from tests.benchmarks.relay import Relay

_HUGE = (1 << 32) - (1 << 16)
"""As long as a value with a length of 32 bits gets, nearly."""


def huge_object(bench: Bench) -> Iterator[Row]:
    """One object of 4 GiB, from ``store`` to ``listen``."""
    size = 512 << 20 if bench.tenth else _HUGE
    work = write_sparse(bench.new_folder(), "huge", size)
    inbox = Inbox(bench)
    with serving(listen(inbox.folder)) as server:
        ended = run([*dcmnet(), "store", HOST, str(server.port), str(work.folder)])
        received = server.peak
    inbox.check(work)
    words = f"one object of {size / (1 << 30):.1f} GiB"
    for label, value in (("dcmnet store", ended.peak), ("dcmnet listen -od", received)):
        yield Row(f"{words}: peak memory", label, [value], goal=below(100, "MiB"), unit="MiB")
    yield Row(f"{words}: time", "dcmnet store to dcmnet listen -od", [ended.seconds])


def many_files(bench: Bench) -> Iterator[Row]:
    """100,000 files: what the plan keeps of each, and how long it takes until something is sent."""
    work = bench.work_set("many", 100_000, TINY_BYTES, studies=100)
    with serving([*dcmnet(), "listen", "{port}", "--ignore"]) as server:
        begin, ended = _send_watched(work, server)
    words = f"{work.files:,} files in one store"
    yield Row(f"{words}: peak memory", "dcmnet store", [ended.peak], goal=below(200, "MiB"), unit="MiB")
    yield Row(f"{words}: first byte on the wire", "dcmnet store", [begin], goal=below(10, "s"))
    yield Row(f"{words}: time", "dcmnet store to dcmnet listen --ignore", [ended.seconds], note="through a relay")


def _send_watched(work: WorkSet, server: Server) -> tuple[float, Run]:
    """Send through a relay that notes when it hears something; the seconds until then."""
    relay = Relay((HOST, server.port), 0.0)
    relay.start()
    begin = time.monotonic()
    ended = run([*dcmnet(), "store", HOST, str(relay.port), str(work.folder)])
    if not relay.first_byte:
        raise WrongResult("nothing went over the wire")
    return relay.first_byte - begin, ended
