"""``dcmnet find`` against the query programs of others, on answers that cost nobody anything to make."""

import sys
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks import answering
from tests.benchmarks.bench import Bench
from tests.benchmarks.figures import Row, Side, WrongResult, at_most, compare, times_faster
from tests.benchmarks.processes import HOST, NODELAY, Run, Server, dcmnet, installed, run, serving

_ANSWERS = 20_000
_PIECE = 1 << 20
_KEYS = (
    *("StudyDate", "StudyTime", "AccessionNumber", "ModalitiesInStudy", "StudyDescription", "PatientName", "PatientID"),
    *("StudyInstanceUID", "NumberOfStudyRelatedSeries", "NumberOfStudyRelatedInstances"),
)


def against_findscu(bench: Bench) -> Iterator[Row]:
    """Answers as CSV and as lines of JSON, beside findscu that writes them all into one XML file."""
    count, folder = bench.count(_ANSWERS), bench.new_folder()
    with serving(_answering(count)) as server:
        peer = Side("findscu -Xs", lambda: _findscu(server, folder / "all.xml", count).seconds)
        for option in ("--csv", "--ndjson"):
            ours = Side(f"dcmnet find {option}", lambda option=option: _find(server, folder, option, count).seconds)
            yield compare(f"{count:,} answers", ours, peer, bench.rounds, at_most(1.0))


def against_pynetdicom(bench: Bench) -> Iterator[Row]:
    """Beside the other toolkit in Python."""
    count, folder = bench.count(_ANSWERS), bench.new_folder()
    with serving(_answering(count)) as server:
        words = [sys.executable, "-m", "pynetdicom", "findscu", "-q", *_words(server)]
        peer = Side("pynetdicom findscu", lambda: run(words).seconds)
        ours = Side("dcmnet find --ndjson", lambda: _find(server, folder, "--ndjson", count).seconds)
        yield compare(f"{count:,} answers", ours, peer, bench.slow_rounds, times_faster(8))


def memory(bench: Bench) -> Iterator[Row]:
    """Ten times the answers in the same memory."""
    folder = bench.new_folder()
    many, few = bench.count(10 * _ANSWERS), bench.count(_ANSWERS)
    with serving(_answering(many)) as more, serving(_answering(few)) as less:
        for option in ("--csv", "--ndjson", "--json"):
            ours = Side(f"dcmnet find {option}", lambda option=option: _find(more, folder, option, many).peak)
            peer = Side(f"the same, {few:,} answers", lambda option=option: _find(less, folder, option, few).peak)
            yield compare(f"{many:,} answers: peak memory", ours, peer, 1, at_most(1.05), unit="MiB")


def _answering(count: int) -> list[str]:
    return [sys.executable, str(answering.__file__), "{port}", str(count)]


def _words(server: Server) -> list[str]:
    keys = [word for key in ("QueryRetrieveLevel=STUDY", *_KEYS) for word in ("-k", key)]
    return ["-S", HOST, str(server.port), *keys]


def _find(server: Server, folder: Path, option: str, count: int) -> Run:
    """Ours; what it wrote is counted."""
    path = folder / "ours"
    words = [option, str(path)] if option == "--csv" else [option]
    ended = run([*dcmnet(), "find", *_words(server), *words], output=None if option == "--csv" else path)
    found = _count(path, b"\n") - 1 if option == "--csv" else _count(path, b'"0020000D"')
    if found != count:
        raise WrongResult(f"dcmnet find {option} wrote {found} of {count} answers")
    return ended


def _count(path: Path, word: bytes) -> int:
    """How often a word is in a file, read piece by piece: this process has to stay small."""
    found, rest = 0, b""
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            found += (rest + piece).count(word)
            rest = (rest + piece)[-len(word) + 1 :] if len(word) > 1 else b""
    return found


def _findscu(server: Server, path: Path, count: int) -> Run:
    path.unlink(missing_ok=True)
    ended = run([installed("findscu"), *_words(server), "-Xs", str(path)], NODELAY)
    found = _count(path, b"<data-set ")
    if found != count:
        raise WrongResult(f"findscu wrote {found} of {count} answers")
    return ended
