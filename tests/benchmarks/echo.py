"""C-ECHO and the start of a process."""

import sys
from collections.abc import Iterator

from tests.benchmarks.bench import Bench, is_there
from tests.benchmarks.figures import Row, Side, at_most, below, take_turns
from tests.benchmarks.processes import HOST, NODELAY, dcmnet, installed, run, serving
from tests.benchmarks.programs import echo, storescp


def echoes(bench: Bench) -> Iterator[Row]:
    """One echo as a whole process, of everybody who is there, and a thousand on one association."""
    rounds = 2 * bench.rounds
    with serving(storescp(), NODELAY) as server:
        peer = [HOST, str(server.port)]
        ours = echo([*dcmnet(), "echo", *peer], "dcmnet echo")
        sides = [ours, echo([installed("echoscu"), *peer], "DCMTK echoscu", NODELAY)]
        if is_there("pynetdicom"):
            sides.append(echo([sys.executable, "-m", "pynetdicom", "echoscu", *peer], "pynetdicom echoscu"))
        mine, *others = take_turns(sides, rounds)
        yield Row("echo, whole process", ours.label, mine, goal=below(100, "ms"), unit="ms")
        for side, theirs in zip(sides[1:], others, strict=True):
            goal = at_most(1 / 3)._replace(text="ratio at most 1/3") if "pynetdicom" in side.label else None
            yield Row("echo, whole process", ours.label, mine, side.label, theirs, goal, "ms")
        count = bench.count(1000)
        repeated = Side(
            "dcmnet echo --repeat", lambda: run([*dcmnet(), "echo", *peer, "--repeat", str(count)]).seconds * 1000
        )
        words = [installed("echoscu"), "--repeat", str(count), *peer]
        dcmtk = Side("echoscu --repeat NODELAY", lambda: run(words, NODELAY).seconds * 1000)
        mine, theirs = take_turns((repeated, dcmtk), bench.rounds)
        yield Row(f"{count:,} echoes", repeated.label, mine, dcmtk.label, theirs, unit="ms")


def version(bench: Bench) -> Iterator[Row]:
    """How long it takes to say who we are."""
    side = echo([*dcmnet(), "--version"], "dcmnet --version")
    (values,) = take_turns((side,), 2 * bench.rounds)
    yield Row("--version", side.label, values, goal=below(25, "ms"), unit="ms")
