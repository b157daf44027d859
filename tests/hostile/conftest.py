"""Listeners as real processes, one of each kind for a module."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.interop.running import Listener

QUICK = ("-ta", "1.5", "-td", "1.5", "-ts", "1.5", "--idle-timeout", "1.5", "--release-timeout", "1.5")
"""Short timers, so that silence ends while a test looks on, and long enough for good peers on a busy machine."""


class Target(NamedTuple):
    """A listener and the folder it stores into."""

    listener: Listener
    folder: Path

    @property
    def port(self) -> int:
        return self.listener.port


@pytest.fixture(scope="module")
def storing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """``dcmnet listen -od``."""
    folder = tmp_path_factory.mktemp("objects")
    listener = Listener(tmp_path_factory.mktemp("storing"), "-od", str(folder), *QUICK)
    yield Target(listener, folder)
    listener.process.stop()


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """``dcmnet listen --archive``."""
    folder = tmp_path_factory.mktemp("archive")
    listener = Listener(tmp_path_factory.mktemp("archiving"), "--archive", str(folder), *QUICK)
    yield Target(listener, folder)
    listener.process.stop()
