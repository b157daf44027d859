"""kill -9, again and again: a transfer from our ``store`` to our ``listen``, one of them killed, and what is left."""

import json
import os
import random
import signal
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from dcmnet_cli.archive.index import INDEX_NAME
from tests.faults import objects
from tests.interop.running import HOST, Process, wait_until
from tests.interop.test_store import data_of

OBJECTS = 240
_LONGEST = 0.3
"""Seconds after the first object of a round within which the blow falls; all objects take a little longer."""
_NAMED_FILES = (
    "from dcmnet_cli.net import sink; sink._OWN_DESCRIPTORS = '/nonexistent'; "
    "from dcmnet_cli.__main__ import main; main()"
)
"""Our program on a system that has no files without a name."""


def write_source(folder: Path) -> dict[str, bytes]:
    """Objects of 1 KiB to 300 KiB; their data sets by SOP Instance UID."""
    sizes = random.Random(0)
    data_sets = {}
    for number in range(OBJECTS):
        path = objects.write(folder, number, 1024 * sizes.choice((1, 10, 40, 100, 300)))
        data_sets[objects.uid_of(number)] = data_of(path)
    return data_sets


def indexed(folder: Path) -> set[str]:
    """The paths in the index of an archive."""
    with closing(sqlite3.connect(folder / INDEX_NAME)) as connection:
        return {os.fsdecode(row[0]) for row in connection.execute("SELECT path FROM instances")}


class Transfer:
    """One folder that is to be filled with the objects of ``source``, however often it takes. ``words`` make a
    listener of it, and ``{}`` in them is the folder."""

    def __init__(self, source: Path, data_sets: dict[str, bytes], place: Path, words: Sequence[str]) -> None:
        place.mkdir()
        self._source, self._data_sets, self._place = source, data_sets, place
        self.folder = place / "inbox"
        self.folder.mkdir()
        self._words = [word.format(self.folder) for word in words]
        self._journal = place / "journal"
        self._runs = 0

    def listen(self, *, named_files: bool = False) -> "Receiver":
        self._runs += 1
        ours = ("-c", _NAMED_FILES) if named_files else ("-m", "dcmnet_cli")
        words = (sys.executable, *ours, "listen", "0", "--bind", HOST, "--json", *self._words)
        return Receiver(Process(words, self._place / f"listen{self._runs}"))

    def send(self, port: int) -> Process:
        self._runs += 1
        words = (sys.executable, "-m", "dcmnet_cli", "store", HOST, str(port), str(self._source), "-q", "--jobs", "2")
        return Process((*words, "--retry", "0", "--journal", str(self._journal)), self._place / f"store{self._runs}")

    def acknowledged(self) -> set[str]:
        """What the sender's journal says is stored. A last line that was cut short says nothing."""
        if not self._journal.exists():
            return set()
        complete = self._journal.read_bytes().rpartition(b"\n")[0]
        entries = [json.loads(line) for line in complete.splitlines()]
        return {entry["sop_instance_uid"] for entry in entries if entry["outcome"] in ("stored", "warned")}

    def visible(self) -> dict[str, Path]:
        """Files that a person or a program would take for objects, by the UID that they are named after."""
        return {path.name.removesuffix(".dcm"): path for path in self.folder.iterdir() if not path.name.startswith(".")}

    def leftovers(self) -> list[Path]:
        return list(self.folder.glob(".dcmnet-*.part"))

    def check(self) -> int:
        """What is acknowledged is there, and what is there is whole. Returns how much is there."""
        visible = self.visible()
        assert self.acknowledged() <= visible.keys()
        for uid, path in visible.items():
            assert data_of(path) == self._data_sets[uid], f"{path} is not what was sent"
        return len(visible)

    def check_index(self) -> None:
        """After a start: a row for every object, and no other."""
        if (self.folder / INDEX_NAME).exists():
            assert indexed(self.folder) == {path.name for path in self.visible().values()}


class Receiver:
    """A listener that is up."""

    def __init__(self, process: Process) -> None:
        self.process = process
        wait_until(lambda: process.has_ended or "\n" in process.stdout, "dcmnet listen says that it listens")
        assert not process.has_ended, process.log
        self.port: int = json.loads(process.stdout.partition("\n")[0])["port"]

    def count(self, event: str) -> int:
        return self.process.stdout.count(f'"event": "{event}"')


class Rounds:
    """Transfers that are broken off and taken up again, until ``kills`` blows have fallen."""

    def __init__(self, folder: Path, words: Sequence[str], seed: int) -> None:
        self._folder = folder
        self._words = words
        self._data_sets = write_source(folder / "source")
        self._random = random.Random(seed)
        self.seen: Counter[str] = Counter()
        self.transfer = self._begin()

    def _begin(self) -> Transfer:
        self.seen["transfers"] += 1
        return Transfer(
            self._folder / "source", self._data_sets, self._folder / str(self.seen["transfers"]), self._words
        )

    def strike(self, victim: Process, other: Process) -> None:
        """Kill ``victim`` at a random moment of the transfer that goes on between the two."""
        before = len(self.transfer.visible())
        wait_until(lambda: self._is_over(victim, other) or len(self.transfer.visible()) > before, "an object is stored")
        time.sleep(self._random.uniform(0.0, _LONGEST))
        self.seen["kills"] += 1
        self.seen["in the middle"] += not self._is_over(victim, other)
        victim.signal(signal.SIGKILL)
        victim.wait()
        Process.running.remove(victim)

    @staticmethod
    def _is_over(*processes: Process) -> bool:
        return any(process.has_ended for process in processes)

    def kill_receiver(self, *, named_files: bool) -> None:
        """One round: start, which repairs what the last blow left; send; kill; look."""
        transfer = self.transfer
        receiver = transfer.listen(named_files=named_files)
        transfer.check_index()
        assert transfer.leftovers() == []
        sender = transfer.send(receiver.port)
        self.strike(receiver.process, sender)
        status = sender.wait()
        sender.stop()
        self._look()
        assert status in (0, 1, 6), sender.log
        assert (status == 0) == (len(transfer.acknowledged()) == OBJECTS)
        if status == 0:
            self._complete()

    def kill_sender(self, receiver: Receiver) -> None:
        transfer = self.transfer
        sender = transfer.send(receiver.port)
        self.strike(sender, receiver.process)
        wait_until(lambda: receiver.count("association") == receiver.count("closed"), "the listener has noticed")
        self._look()
        assert transfer.leftovers() == []

    def finish(self, receiver: Receiver) -> None:
        """What is left goes out, and then everything is there, once."""
        sender = self.transfer.send(receiver.port)
        assert sender.wait() == 0, sender.log
        sender.stop()
        self._complete()

    def _complete(self) -> None:
        assert self.transfer.check() == OBJECTS
        self.transfer = self._begin()

    def _look(self) -> None:
        """What the blow left."""
        present, acknowledged = self.transfer.check(), len(self.transfer.acknowledged())
        self.seen["objects acknowledged, all there"] += acknowledged
        self.seen["objects there and not acknowledged"] += present - acknowledged
        self.seen["temporary files left"] += len(self.transfer.leftovers())
