"""``dcmnet listen`` against storescp, and ``store`` to ``listen`` over a long line."""

import sys
from collections.abc import Iterator, Sequence

from tests.benchmarks.bench import CT_BYTES, TINY_BYTES, Bench, Inbox
from tests.benchmarks.figures import Goal, Row, Side, at_most, compare, times_faster
from tests.benchmarks.objects import WorkSet
from tests.benchmarks.processes import NODELAY, free_port, run_together, serving
from tests.benchmarks.programs import listen, store, storescp, storescu, storescu_words

_GOALS = {"ct512": at_most(0.9), "tiny": at_most(0.9), "short": None, "big": at_most(1.2)}
_ROUND_TRIP = 50


def from_storescu(bench: Bench) -> Iterator[Row]:
    """Everything at its best, objects written to files."""
    for work in (bench.ct512, bench.tiny, bench.short, bench.big):
        yield _receive(bench, work, _GOALS[work.name], as_installed=False)


def from_storescu_as_installed(bench: Bench) -> Iterator[Row]:
    """storescu with nothing set: whether its waits end early depends on the receiver."""
    for work in (bench.work_set("ct512", 250, CT_BYTES), bench.work_set("tiny", 250, TINY_BYTES)):
        yield _receive(bench, work, times_faster(15), as_installed=True)


def _receive(bench: Bench, work: WorkSet, goal: Goal | None, *, as_installed: bool) -> Row:
    ours, theirs = Inbox(bench), Inbox(bench)
    environ = {} if as_installed else NODELAY
    options = () if as_installed else ("+B",)
    peer = storescp(theirs.folder, *options, as_installed=as_installed)
    with serving(listen(ours.folder)) as mine, serving(peer, environ) as other:

        def fed(port: int, inbox: Inbox, label: str) -> Side:
            def measured() -> float:
                value = storescu(port, work, as_installed=as_installed).run()
                inbox.check(work)
                return value

            return Side(label, measured)

        sides = (
            fed(mine.port, ours, "dcmnet listen -od"),
            fed(other.port, theirs, "storescp as installed" if as_installed else "storescp +B NODELAY -pdu 131072"),
        )
        fed_by = "storescu as installed" if as_installed else "storescu NODELAY -pdu 131072"
        rounds = bench.slow_rounds if as_installed else bench.rounds
        words = f"receive from {fed_by}, {work.words}"
        return compare(words, *sides, rounds, goal, note="reduced count" if as_installed else "")


def from_four(bench: Bench) -> Iterator[Row]:
    """Four senders at once: our threads against storescp's processes."""
    count = bench.count(250)
    works = [bench.work_set(f"part{n}", 250, CT_BYTES, first=n * count) for n in range(4)]
    ours, theirs = Inbox(bench), Inbox(bench)
    peer = storescp(theirs.folder, "+B", "--fork")
    with serving(listen(ours.folder)) as mine, serving(peer, NODELAY) as other:

        def fed(port: int, inbox: Inbox, label: str) -> Side:
            def measured() -> float:
                value = run_together([storescu_words(port, work) for work in works], NODELAY)
                inbox.check(*works)
                return value

            return Side(label, measured)

        sides = fed(mine.port, ours, "dcmnet listen -od"), fed(other.port, theirs, "storescp +B --fork NODELAY")
        words = f"four storescu NODELAY at once, 4 x {works[0].files} of 512 KiB"
        yield compare(words, *sides, bench.rounds, at_most(1.0))


def over_a_long_line(bench: Bench) -> Iterator[Row]:
    """50 ms round trip: one C-STORE at a time waits for most of it."""
    work = bench.work_set("far", 320 if not bench.tenth else 1600, TINY_BYTES, studies=16)
    inbox = Inbox(bench)
    port = free_port()
    with (
        serving(listen(inbox.folder)) as server,
        serving(_relay(port, server.port), port=port),
    ):

        def sent(*options: str) -> Side:
            side = store(port, work, *options)

            def measured() -> float:
                value = side.run()
                inbox.check(work)
                return value

            return side._replace(run=measured)

        words = f"store to listen over {_ROUND_TRIP} ms round trip, {work.words}"
        yield compare(words, sent("--jobs", "8"), sent("--jobs", "1"), bench.slow_rounds, times_faster(6))


def _relay(port: int, target: int) -> Sequence[str]:
    from tests.benchmarks import relay

    return [sys.executable, str(relay.__file__), str(port), str(target), str(_ROUND_TRIP)]
