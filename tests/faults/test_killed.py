"""kill -9 of the receiver or the sender, at random moments of a transfer.

Nothing under a final name is incomplete, everything acknowledged is there, and a second run with the same journal sends
what was not confirmed.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults import IS_FULL
from tests.faults.killing import Rounds
from tests.interop.running import Process, dcmnet

KILLS = 200 if IS_FULL else 8

Begin = Callable[..., Rounds]


@pytest.fixture
def begin(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Begin]:
    """Start rounds; what they saw is told at the end, for ``-s``."""
    rounds: list[Rounds] = []
    running = list(Process.running)

    def start(*words: str, seed: int) -> Rounds:
        rounds.append(Rounds(tmp_path, words, seed))
        return rounds[-1]

    yield start
    for each in Process.running[len(running) :]:
        each.stop()
    for seen in (each.seen for each in rounds):
        print(f"\n{request.node.name}: {', '.join(f'{number:,} {what}' for what, number in seen.items())}")


@pytest.mark.parametrize("named_files", [False, True], ids=["unnamed", "named"])
def test_killed_receiver(begin: Begin, named_files: bool) -> None:
    rounds = begin("-od", "{}", seed=1 + named_files)
    for _ in range(KILLS):
        rounds.kill_receiver(named_files=named_files)
    receiver = rounds.transfer.listen(named_files=named_files)
    assert rounds.transfer.leftovers() == []
    rounds.finish(receiver)


def test_killed_archive(begin: Begin) -> None:
    """The same, and after every start the index has a row for each object on disk and no other."""
    rounds = begin("--archive", "{}", seed=3)
    for _ in range(KILLS):
        rounds.kill_receiver(named_files=False)
    receiver = rounds.transfer.listen()
    rounds.transfer.check_index()
    rounds.finish(receiver)


def test_killed_sender(begin: Begin) -> None:
    """The receiver serves on, and keeps whole objects alone."""
    rounds = begin("-od", "{}", seed=4)
    receiver = rounds.transfer.listen()
    for _ in range(KILLS):
        rounds.kill_sender(receiver)
        if len(rounds.transfer.acknowledged()) > 200:
            rounds.finish(receiver)
            receiver.process.stop()
            receiver = rounds.transfer.listen()
    assert dcmnet("echo", "127.0.0.1", str(receiver.port)).status == 0
    rounds.finish(receiver)
