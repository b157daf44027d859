"""``dcmnet listen --archive`` beside dcmqrscp and Orthanc: storing, asking, and sending what it holds."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.benchmarks import archives
from tests.benchmarks.archives import Archive
from tests.benchmarks.asking import first_match
from tests.benchmarks.bench import CT_BYTES, Bench
from tests.benchmarks.figures import Row, Side, WrongResult, at_most, below, compare, take_turns
from tests.benchmarks.holdings import Holding, day, write_holding
from tests.benchmarks.objects import WorkSet
from tests.benchmarks.processes import HOST, NODELAY, dcmnet, installed, run, serving
from tests.benchmarks.programs import listen, storescu

_STUDIES, _INSTANCES = 10_000, 20
_STUDIES_AT_PEERS = 5_000
_RETURNED = ("PatientName", "PatientID", "StudyInstanceUID", "AccessionNumber", "StudyDescription")


# --- asking ----------------------------------------------------------------------------------------------------------


def queries(bench: Bench) -> Iterator[Row]:
    """Study level queries of 200,000 instances; the peers hold what they can be filled with in some minutes."""
    held = Holding(bench.count(_STUDIES), _INSTANCES)
    folder = bench.new_folder()
    write_holding(folder, held)
    seconds = run([*dcmnet(), "listen", "0", "--archive", str(folder), "--reindex", "--idle-exit", "0.1", "-q"]).seconds
    yield Row(f"--reindex of {held.words}", "dcmnet listen --archive", [seconds])
    with archives.ours(folder) as mine, _filled_peers(bench) as peers:
        yield from _first_matches(bench, mine._replace(studies=held.studies), peers)
        for peer in peers:
            yield _all_matches(bench, mine, held, peer)


@contextlib.contextmanager
def _filled_peers(bench: Bench) -> Iterator[list[Archive]]:
    source = bench.new_folder()
    write_holding(source, Holding(bench.count(_STUDIES_AT_PEERS), 1))
    with archives.dcmqrscp(bench.new_folder()) as dcmtk, archives.orthanc(bench.new_folder()) as other:
        most = bench.count(_STUDIES_AT_PEERS)
        yield [archives.fill(dcmtk, source, min(most, archives.DCMQRSCP_HOLDS)), archives.fill(other, source, most)]


def _first_matches(bench: Bench, mine: Archive, peers: list[Archive]) -> Iterator[Row]:
    """How long somebody waits before something appears."""
    many = mine.studies // 500 * 250
    questions = (
        ("by patient id", "PatientID=PAT000123", 1),
        ("by date", f"StudyDate={day(7)}", 1),
        (f"by date range, {many:,} matches", f"StudyDate={day(0)}-{day(249)}", many),
    )
    for words, key, least in questions:
        (values,) = take_turns((_first(mine, key, least),), 2 * bench.rounds)
        yield Row(f"first match {words}", mine.name, values, goal=below(50, "ms"), unit="ms")
    for peer in peers:
        for words, key, _ in questions[:2]:
            row = compare(f"first match {words}", _first(mine, key), _first(peer, key), bench.rounds, None, unit="ms")
            yield row._replace(note=f"{peer.studies:,} instances there")


def _first(archive: Archive, key: str, least: int = 1) -> Side:
    return Side(archive.name, lambda: first_match(archive.title, archive.port, [key], least=least))


def _all_matches(bench: Bench, mine: Archive, held: Holding, peer: Archive) -> Row:
    """As many matches as the peer has studies, from both; again and again where it holds few."""
    days = max(1, peer.studies * 500 // held.studies)
    matches = days * held.studies // 500
    times = max(1, bench.count(_STUDIES_AT_PEERS) // matches)
    ours = _asked(bench, mine, f"{day(0)}-{day(days - 1)}", matches, times)
    theirs = _asked(bench, peer, f"{day(0)}-{day(499)}", peer.studies, times)
    note = f"of {held.words}; {peer.studies:,} instances there"
    words = f"{matches:,} matches to findscu{f', {times} times' if times > 1 else ''}"
    return compare(words, ours, theirs, bench.rounds, at_most(1.0), note=note)


def _asked(bench: Bench, archive: Archive, dates: str, matches: int, times: int) -> Side:
    """findscu that shows nothing of the answers; they are counted once, beforehand."""
    keys = [word for key in ("QueryRetrieveLevel=STUDY", f"StudyDate={dates}", *_RETURNED) for word in ("-k", key)]
    words = [installed("findscu"), "-S", "-aec", archive.title, HOST, str(archive.port), *keys]
    file = bench.new_folder() / "answers.xml"
    run([*words, "-Xs", str(file)], NODELAY)
    found = file.read_bytes().count(b"<data-set ")
    if found != matches:
        raise WrongResult(f"{archive.name} gave {found} matches of {matches}")
    return Side(archive.name, lambda: run([*words, "-sr", "--repeat", str(times)], NODELAY).seconds)


# --- storing ---------------------------------------------------------------------------------------------------------


def storing(bench: Bench) -> Iterator[Row]:
    """What the index costs, until all of it can be found; and what storing costs at the others."""
    for work in (bench.tiny, bench.work_set("ct512", 200, CT_BYTES)):
        indexed = Side("dcmnet listen --archive", lambda work=work: _into_archive(bench, work))
        plain = Side("dcmnet listen -od", lambda work=work: _into_folder(bench, work))
        yield compare(f"store with the index, {work.words}", indexed, plain, bench.rounds, at_most(1.3))
    work = bench.work_set("tiny", 500, 6 << 10)
    ours = Side("dcmnet listen --archive", lambda: _into_archive(bench, work))
    starters: tuple[tuple[str, Callable[[Path], contextlib.AbstractContextManager[Archive]]], ...] = (
        ("dcmqrscp NODELAY", archives.dcmqrscp),
        ("Orthanc", archives.orthanc),
    )
    for name, start in starters:
        peer = Side(name, lambda start=start: _into_peer(bench, work, start))
        yield compare(f"store into an archive, {work.words}", ours, peer, bench.slow_rounds, None, note="reduced count")


def _into_archive(bench: Bench, work: WorkSet) -> float:
    """Into a new one, and then a query that is answered once everything is in the index."""
    with archives.ours(bench.new_folder()) as archive:
        seconds = storescu(archive.port, work).run()
        return seconds + first_match(archive.title, archive.port, ["StudyDate"]) / 1000


def _into_folder(bench: Bench, work: WorkSet) -> float:
    with serving(listen(bench.new_folder())) as server:
        return storescu(server.port, work).run()


def _into_peer(
    bench: Bench, work: WorkSet, start: Callable[[Path], contextlib.AbstractContextManager[Archive]]
) -> float:
    with start(bench.new_folder()) as archive:
        return archives.send(archive, work.folder)
