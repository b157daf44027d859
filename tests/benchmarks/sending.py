"""``dcmnet store`` against the senders of others, to the receivers of others."""

import contextlib
import http.client
import json
from collections.abc import Iterator

from tests.benchmarks.bench import CT_BYTES, TINY_BYTES, Bench, Inbox
from tests.benchmarks.figures import Row, Side, WrongResult, at_most, compare, times_faster
from tests.benchmarks.objects import WorkSet
from tests.benchmarks.processes import HOST, NODELAY, free_port, installed, serving
from tests.benchmarks.programs import pynetdicom_storescu, store, storescp, storescu

_GOALS = {"ct512": at_most(0.8), "tiny": at_most(0.7), "short": None, "big": at_most(1.1)}


def to_storescp(bench: Bench) -> Iterator[Row]:
    """Both at their best: the receiver drops everything, Nagle's algorithm is off on both sides."""
    for work in (bench.ct512, bench.tiny, bench.short, bench.big):
        inbox = Inbox(bench)
        with serving(storescp(inbox.folder, "+B"), NODELAY) as server:  # --ignore leaves nothing to count
            _checked(store(server.port, work), inbox, work).run()
        with serving(storescp(), NODELAY) as server:
            sides = store(server.port, work), storescu(server.port, work)
            words = f"store to storescp --ignore NODELAY, {work.words}"
            yield compare(words, *sides, bench.rounds, _GOALS[work.name])


def to_storescp_as_installed(bench: Bench) -> Iterator[Row]:
    """Nothing set anywhere: the peers wait for acknowledgements that come late."""
    for work in _reduced(bench):
        inbox = Inbox(bench)
        with serving(storescp(inbox.folder, as_installed=True)) as server:
            ours = _checked(store(server.port, work), inbox, work)
            peer = _checked(storescu(server.port, work, as_installed=True), inbox, work)
            words = f"store to storescp as installed, {work.words}"
            yield compare(words, ours, peer, bench.slow_rounds, times_faster(20), note="reduced count")


def to_orthanc(bench: Bench) -> Iterator[Row]:
    """The same to Orthanc, emptied between runs: an instance that it has already costs it nothing."""
    for work in _reduced(bench):
        with _orthanc(bench) as (port, web):

            def emptied(side: Side, web: int = web, work: WorkSet = work) -> Side:
                def measured() -> float:
                    value = side.run()
                    _empty(web, work.files)
                    return value

                return side._replace(run=measured)

            ours, peer = emptied(store(port, work)), emptied(storescu(port, work, as_installed=True))
            words = f"store to Orthanc as installed, {work.words}"
            yield compare(words, ours, peer, bench.slow_rounds, times_faster(6), note="reduced count")


def against_pynetdicom(bench: Bench) -> Iterator[Row]:
    """Against the other toolkit in Python."""
    for work in (bench.ct512, bench.work_set("tiny", 400, TINY_BYTES)):
        with serving(storescp(), NODELAY) as server:
            sides = store(server.port, work), pynetdicom_storescu(server.port, work)
            words = f"store to storescp --ignore NODELAY, {work.words}"
            note = "reduced count" if work.name == "tiny" else ""
            yield compare(words, *sides, bench.slow_rounds, times_faster(10), note=note)


def _reduced(bench: Bench) -> tuple[WorkSet, WorkSet]:
    return bench.work_set("ct512", 500, CT_BYTES), bench.work_set("tiny", 250, TINY_BYTES)


def _checked(side: Side, inbox: Inbox, work: WorkSet) -> Side:
    def measured() -> float:
        value = side.run()
        inbox.check(work)
        return value

    return side._replace(run=measured)


@contextlib.contextmanager
def _orthanc(bench: Bench) -> Iterator[tuple[int, int]]:
    """Orthanc with nothing set but its ports and folders: (DICOM port, HTTP port)."""
    folder = bench.new_folder()
    web, port = free_port(), free_port()
    settings = {
        "StorageDirectory": str(folder),
        "IndexDirectory": str(folder),
        "Plugins": [],
        "DicomPort": port,
        "HttpPort": web,
    }
    configuration = folder / "orthanc.json"
    configuration.write_text(json.dumps(settings))
    with serving([installed("Orthanc"), str(configuration)], port=port):
        yield port, web


def _empty(web: int, expected: int) -> None:
    """Count the instances, then delete them. Raises WrongResult when some are missing."""
    connection = http.client.HTTPConnection(HOST, web, timeout=60)
    try:
        count = json.loads(_ask(connection, "GET", "/statistics"))["CountInstances"]
        for patient in json.loads(_ask(connection, "GET", "/patients")):
            _ask(connection, "DELETE", f"/patients/{patient}")
    finally:
        connection.close()
    if count != expected:
        raise WrongResult(f"Orthanc has {count} instances, {expected} were sent")


def _ask(connection: http.client.HTTPConnection, method: str, path: str) -> bytes:
    connection.request(method, path)
    return connection.getresponse().read()
