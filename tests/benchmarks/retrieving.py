"""``dcmnet get`` and ``move`` beside DCMTK's, and ``listen --archive`` as the one that sends."""

import contextlib
from collections.abc import Iterator

from tests.benchmarks import archives
from tests.benchmarks.archives import DESTINATION, Archive
from tests.benchmarks.bench import CT_BYTES, TINY_BYTES, Bench, Inbox
from tests.benchmarks.figures import Row, Side, WrongResult, at_most, compare
from tests.benchmarks.objects import WorkSet
from tests.benchmarks.processes import HOST, NODELAY, dcmnet, free_port, installed, run, serving
from tests.benchmarks.programs import LARGEST_PDU, storescp

_FILES = {"ct512": (500, CT_BYTES), "tiny": (1000, TINY_BYTES)}


def asking(bench: Bench) -> Iterator[Row]:
    """``get`` and ``move --here`` against getscu and movescu, from dcmqrscp: ours ask first what there is."""
    sink = free_port()
    for work in _works(bench):
        with archives.dcmqrscp(bench.new_folder(), sink=sink) as archive:
            archives.send(archive, work.folder)
            inbox = Inbox(bench)
            sides = _get(archive, inbox, work), _getscu(archive, inbox, work)
            yield compare(f"get from dcmqrscp, {work.words}", *sides, bench.rounds, None)
            sides = _move(archive, inbox, work, sink), _movescu(archive, inbox, work, sink)
            yield compare(f"move here from dcmqrscp, {work.words}", *sides, bench.rounds, None)


def sending(bench: Bench) -> Iterator[Row]:
    """The archives as those who send: to getscu, and on movescu's word to storescp."""
    sink = free_port()
    for work in _works(bench):
        with (
            _filled(bench, work, sink) as (mine, *others),
            serving(storescp((inbox := Inbox(bench)).folder, "+B"), NODELAY, port=sink),
        ):
            for peer in others:
                for make in (_getscu, _ordered):
                    ours, theirs = (make(archive, inbox, work) for archive in (mine, peer))
                    words = f"{ours.label}, {work.words}"
                    sides = ours._replace(label=mine.name), theirs._replace(label=peer.name)
                    yield compare(words, *sides, bench.slow_rounds, at_most(1.0))


def _works(bench: Bench) -> Iterator[WorkSet]:
    for name, (files, size) in _FILES.items():
        yield bench.work_set(name, files, size)


@contextlib.contextmanager
def _filled(bench: Bench, work: WorkSet, sink: int) -> Iterator[tuple[Archive, ...]]:
    with (
        archives.ours(bench.new_folder(), sink=sink) as mine,
        archives.dcmqrscp(bench.new_folder(), sink=sink) as dcmtk,
        archives.orthanc(bench.new_folder(), sink=sink) as other,
    ):
        for archive in (mine, dcmtk, other):
            archives.send(archive, work.folder)
        yield mine, dcmtk, other


# --- who asks --------------------------------------------------------------------------------------------------------


def _checked(label: str, words: list[str], inbox: Inbox, work: WorkSet) -> Side:
    def measured() -> float:
        value = run(words, NODELAY).seconds
        inbox.check(work)
        return value

    return Side(label, measured)


def _study(work: WorkSet) -> str:
    """The one study of a work set."""
    from pydicom import dcmread

    first = next(work.folder.iterdir())
    uid = dcmread(first, stop_before_pixels=True).get("StudyInstanceUID")
    if not uid:
        raise WrongResult(f"{first} has no study")
    return str(uid)


def _keys(work: WorkSet) -> list[str]:
    return ["-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={_study(work)}"]


def _peer(archive: Archive) -> list[str]:
    return ["-aec", archive.title, HOST, str(archive.port)]


def _get(archive: Archive, inbox: Inbox, work: WorkSet) -> Side:
    words = [*dcmnet(), "get", *_peer(archive), "--study", _study(work), "-od", str(inbox.folder)]
    return _checked("dcmnet get", words, inbox, work)


def _getscu(archive: Archive, inbox: Inbox, work: WorkSet) -> Side:
    words = [installed("getscu"), "-S", "+B", "-pdu", LARGEST_PDU, *_peer(archive), *_keys(work)]
    return _checked("getscu +B NODELAY", [*words, "-od", str(inbox.folder)], inbox, work)


def _move(archive: Archive, inbox: Inbox, work: WorkSet, port: int) -> Side:
    where = ["-aet", DESTINATION, "--here", str(inbox.folder), "+P", str(port), "--bind", HOST]
    words = [*dcmnet(), "move", *where, *_peer(archive), "--study", _study(work)]
    return _checked("dcmnet move --here", words, inbox, work)


def _movescu(archive: Archive, inbox: Inbox, work: WorkSet, port: int) -> Side:
    where = [
        "-aet",
        DESTINATION,
        "-aem",
        DESTINATION,
        "+P",
        str(port),
        "-od",
        str(inbox.folder),
    ]  # with +B it forgets -od
    words = [installed("movescu"), "-S", *where, "-pdu", LARGEST_PDU, *_peer(archive), *_keys(work)]
    return _checked("movescu +P NODELAY", words, inbox, work)


def _ordered(archive: Archive, inbox: Inbox, work: WorkSet) -> Side:
    """movescu that has it sent to a storescp which runs all the time."""
    words = [installed("movescu"), "-S", "-aem", DESTINATION, *_peer(archive), *_keys(work)]
    return _checked("movescu to storescp +B NODELAY", words, inbox, work)
