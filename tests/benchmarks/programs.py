"""The command lines that are compared."""

import sys
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.figures import Side
from tests.benchmarks.objects import WorkSet
from tests.benchmarks.processes import HOST, NODELAY, dcmnet, installed, run

LARGEST_PDU = "131072"


def store(port: int, work: WorkSet, *options: str) -> Side:
    """Our sender."""
    words = [*dcmnet(), "store", HOST, str(port), str(work.folder), *options]
    return Side(" ".join(("dcmnet store", *options)), lambda: run(words).seconds)


def storescu(port: int, work: WorkSet, *, as_installed: bool = False) -> Side:
    """DCMTK's sender, with the options that serve it best unless ``as_installed``."""
    words = storescu_words(port, work, as_installed=as_installed)
    label = "storescu as installed" if as_installed else "storescu NODELAY -pdu 131072"
    return Side(label, lambda: run(words, {} if as_installed else NODELAY).seconds)


def storescu_words(port: int, work: WorkSet, *, as_installed: bool = False) -> list[str]:
    best = [] if as_installed else ["-pdu", LARGEST_PDU]
    return [installed("storescu"), *best, "+sd", HOST, str(port), str(work.folder)]


def pynetdicom_storescu(port: int, work: WorkSet) -> Side:
    words = [sys.executable, "-m", "pynetdicom", "storescu", HOST, str(port), str(work.folder), "-cx"]
    return Side("pynetdicom storescu", lambda: run(words).seconds)


def listen(folder: Path, *options: str) -> list[str]:
    """Our receiver."""
    return [*dcmnet(), "listen", "{port}", "-od", str(folder), *options]


def storescp(folder: Path | None = None, *options: str, as_installed: bool = False) -> list[str]:
    """DCMTK's receiver; without a folder it drops what comes."""
    best = [] if as_installed else ["-pdu", LARGEST_PDU]
    where = ["--ignore"] if folder is None else ["-od", str(folder)]
    return [installed("storescp"), *best, *where, *options, "{port}"]


def echo(words: Sequence[str], label: str, environ: dict[str, str] | None = None) -> Side:
    """A program that is timed in milliseconds."""
    return Side(label, lambda: run(words, environ).seconds * 1000)
