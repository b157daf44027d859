"""What every comparison needs at hand: where to work, how often, who is there, and work sets made once."""

import functools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks import processes
from tests.benchmarks.figures import Row, WrongResult
from tests.benchmarks.objects import WorkSet, write_set

CT_BYTES, TINY_BYTES, BIG_BYTES = 512 << 10, 6 << 10, 128 << 20
_META = 512  # bytes of file meta information by which files may differ
SLOW_ROUNDS = 3
"""Rounds where a peer takes very long: more would not make a factor of 50 any clearer."""


class Bench:
    """One run of the benchmark. ``tenth`` divides the counts by ten (``--quick``)."""

    def __init__(self, folder: Path, rounds: int, *, tenth: bool) -> None:
        self.folder = folder
        self.rounds = rounds
        self.slow_rounds = min(rounds, SLOW_ROUNDS)
        self.tenth = tenth
        self._made = 0

    def count(self, number: int) -> int:
        return max(1, number // 10) if self.tenth else number

    def new_folder(self) -> Path:
        """An empty folder."""
        self._made += 1
        path = self.folder / f"work-{self._made}"
        path.mkdir()
        return path

    def work_set(
        self, name: str, count: int, size: int, *, studies: int = 1, first: int = 0, is_short: bool = False
    ) -> WorkSet:
        return write_set(
            self.new_folder(), name, self.count(count), size, studies=studies, first=first, is_short=is_short
        )

    @functools.cached_property
    def ct512(self) -> WorkSet:
        return self.work_set("ct512", 1000, CT_BYTES)

    @functools.cached_property
    def tiny(self) -> WorkSet:
        return self.work_set("tiny", 2000, TINY_BYTES)

    @functools.cached_property
    def short(self) -> WorkSet:
        """As ``tiny``, with fewer than sixty elements each: those who read every element have little to read."""
        return self.work_set("short", 2000, TINY_BYTES, is_short=True)

    @functools.cached_property
    def big(self) -> WorkSet:
        return self.work_set("big", 4, BIG_BYTES)


class Inbox:
    """The folder that a receiver writes to. ``check`` counts what has come and empties it for the next run."""

    def __init__(self, bench: Bench) -> None:
        self.folder = bench.new_folder()
        self._done = bench.new_folder()
        self._checked = 0

    def check(self, *sets: WorkSet) -> None:
        """Raises WrongResult unless all objects are there with all of their bytes."""
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        count, size = len(files), sum(path.stat().st_size for path in files)
        for path in files:
            self._put_away(path)
        due, least = sum(each.files for each in sets), sum(each.bytes - _META * each.files for each in sets)
        if count != due or size < least:
            raise WrongResult(f"{count} files of {size} bytes received, {due} of about {least} were sent")

    def _put_away(self, path: Path) -> None:
        """Emptied, moved, and not deleted: for minutes ext4 passes over the inodes of deleted files one by one whenever
        it needs one, which would make the next run look five times as slow."""
        self._checked += 1
        os.truncate(path, 0)
        path.rename(self._done / str(self._checked))


class Benchmark(NamedTuple):
    """``measure`` yields its rows as they come; ``needs`` are programs without which it is left out."""

    name: str
    measure: Callable[[Bench], Iterator[Row]]
    needs: tuple[str, ...] = ()

    @property
    def missing(self) -> list[str]:
        """Needed programs that are not installed."""
        return [name for name in self.needs if not is_there(name)]


def is_there(name: str) -> bool:
    """Whether a peer is installed."""
    if name == "pynetdicom":
        import importlib.util

        return importlib.util.find_spec("pynetdicom") is not None
    return bool(processes.installed(name))
