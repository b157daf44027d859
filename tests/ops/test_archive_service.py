"""A listener as an archive: C-FIND, C-MOVE and C-GET over loopback, counted and told."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dcmnet_cli.archive.query import Query
from dcmnet_cli.archive.values import Attributes
from dcmnet_cli.core import uids
from dcmnet_cli.errors import OutputError
from dcmnet_cli.ops.archiving.archive_plan import ArchivePlan
from dcmnet_cli.ops.archiving.archive_transfer import SubOperations
from dcmnet_cli.ops.listening.faults import Faults, parse_fault
from dcmnet_cli.ops.listening.listen import Listener, ListenPlan
from dcmnet_cli.ops.listening.storage import StoragePlan
from dcmnet_cli.ops.storing.plan import Instance
from tests import collection
from tests.archiving import EXPLICIT, FAILED_LIST, IMPLICIT, LEVEL, Requestor, Running, ask, identifier, running, target
from tests.collection import STUDIES
from tests.scripted import PATIENCE, until

FIRST = STUDIES[0]


@pytest.fixture(scope="module")
def sink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, Path]]:
    """A receiver of what is moved."""
    folder = tmp_path_factory.mktemp("sink")
    plan = ListenPlan(0, title="SINK", storage=StoragePlan(str(folder), on_duplicate="overwrite", tells_objects=True))
    with running(plan) as server:
        yield server, folder


@pytest.fixture(scope="module")
def faulty() -> Iterator[Running]:
    """A receiver that refuses every second object of all but the first two, which it warns about."""
    faults = Faults([parse_fault("status=B007@1"), parse_fault("status=A700@every:2")], 1)
    plan = ListenPlan(0, title="FAULTY", storage=StoragePlan(None), faults=faults)
    with running(plan) as server:
        yield server


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory, sink: tuple[Running, Path], faulty: Running) -> Iterator[Running]:
    """An archive of the whole collection, and a worklist."""
    folder = tmp_path_factory.mktemp("archive")
    collection.write(folder)
    table = tmp_path_factory.mktemp("worklist") / "list.csv"
    table.write_text("PatientName,PatientID,Modality\nMüller^Jürgen,A1,CT\nDoe^Jane,B2,MR\n", encoding="utf-8")
    nodes = {"SINK": target(sink[0].port), "FAULTY": target(faulty.port, "FAULTY"), "NOBODY": target(1, "NOBODY")}
    plan = ListenPlan(
        0,
        title="PACS",
        storage=StoragePlan(str(folder)),
        archive=ArchivePlan(str(folder), str(table), nodes, rebuild=True),
    )
    with running(plan) as server:
        yield server


# --- C-FIND -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
def test_a_query(archive: Running, syntax: str) -> None:
    keys = identifier("STUDY", PatientID="PAT-B", PatientName="", StudyInstanceUID="", AccessionNumber="")
    *matches, final = ask(archive, uids.STUDY_ROOT_FIND, keys, syntax=syntax)
    assert [match.status for match in matches] == [0xFF00, 0xFF00]
    assert {match.identifier[0x00080050].text for match in matches} == {"ACC3", "ACC4"}
    assert {match.identifier[0x00100010].text for match in matches} == {collection.YAMADA}
    assert {match.identifier[0x00080005].text for match in matches} == {"ISO_IR 192"}
    assert (final.status, final.identifier) == (0, {})


def test_no_match_is_one_response_without_identifier(archive: Running) -> None:
    keys = identifier("PATIENT", PatientID="NOBODY")
    assert [(each.status, each.identifier) for each in ask(archive, uids.PATIENT_ROOT_FIND, keys)] == [(0, {})]


def test_keys_that_are_not_supported_make_answers_unsure(archive: Running) -> None:
    keys = identifier("STUDY", AccessionNumber="ACC1", Modality="CT")
    match, final = ask(archive, uids.STUDY_ROOT_FIND, keys)
    assert (match.status, final.status) == (0xFF01, 0)
    assert 0x00080060 not in match.identifier


def test_the_event_of_a_query_names_keys_and_no_values(archive: Running) -> None:
    archive.events.clear()
    ask(archive, uids.STUDY_ROOT_FIND, identifier("STUDY", PatientName="muller*", StudyDate=""))
    event = archive.event("find")
    assert event.detail.startswith("study root STUDY by PatientName: 2 matches in ")
    assert (event.calling, event.facts["matches"], event.facts["status"]) == ("ASKER", 2, "0000")
    assert "muller" not in str(event).lower()


@pytest.mark.parametrize(
    ("sop_class", "keys", "offending", "comment"),
    [
        (uids.STUDY_ROOT_FIND, identifier(""), (LEVEL,), "Query/Retrieve Level is missing"),
        (uids.STUDY_ROOT_FIND, identifier("PATIENT"), (LEVEL,), "no level of this model"),
        (uids.PATIENT_ROOT_FIND, identifier("STUDY"), (0x00100020,), "PatientID: one value is needed at STUDY level"),
        (
            uids.STUDY_ROOT_FIND,
            b"\x08\0\x52\0CS\xff\0",
            (LEVEL,),
            "element (0008,0052): its last 255 bytes are not there",
        ),
        (uids.STUDY_ROOT_MOVE, identifier("STUDY"), (0x0020000D,), "StudyInstanceUID is needed at STUDY level"),
        (
            uids.STUDY_ROOT_GET,
            identifier("SERIES"),
            (0x0020000D,),
            "StudyInstanceUID: one value is needed at SERIES level",
        ),
    ],
)
def test_a_bad_identifier(
    archive: Running, sop_class: str, keys: Attributes | bytes, offending: tuple[int, ...], comment: str
) -> None:
    (answer,) = ask(archive, sop_class, keys, "SINK")
    assert answer.status == 0xA900
    assert answer.message.offending_element == offending  # type: ignore[union-attr]
    assert answer.message.error_comment == comment[:64]  # type: ignore[union-attr]


def test_what_extended_negotiation_agrees_on(archive: Running) -> None:
    for offered, agreed in (
        (b"\1" * 7, "01010100000101"),
        (b"\1", "01"),
        (b"\0\1\0", "000100"),
        (b"\1" * 9, "01010100000101"),
    ):
        with Requestor(archive, uids.STUDY_ROOT_FIND, extended=offered) as requestor:
            assert requestor.association.negotiated.extended == {uids.STUDY_ROOT_FIND: bytes.fromhex(agreed)}
    with Requestor(archive, uids.STUDY_ROOT_MOVE, extended=b"\1\1") as requestor:
        assert requestor.association.negotiated.extended == {uids.STUDY_ROOT_MOVE: b"\1\0"}
    with Requestor(archive, uids.MODALITY_WORKLIST_FIND, extended=b"\1\1\1") as requestor:
        assert requestor.association.negotiated.extended == {uids.MODALITY_WORKLIST_FIND: b"\1\1\1"}


def test_a_relational_query_where_agreed(archive: Running) -> None:
    keys = identifier("SERIES", PatientID="PAT-C", Modality="SR", SeriesInstanceUID="")
    *matches, final = ask(archive, uids.STUDY_ROOT_FIND, keys, extended=b"\1")
    assert (len(matches), final.status) == (2, 0)
    (refused,) = ask(archive, uids.STUDY_ROOT_FIND, keys)
    assert refused.status == 0xA900


def test_a_query_is_cancelled(archive: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was found by then has gone out; the next answer does not."""
    is_sent = threading.Event()
    encoded = Query.encoded

    def slowly(query: Query, *more: Any) -> Iterator[bytes | None]:
        for number, answer in enumerate(filter(None, encoded(query, *more))):
            if number == 3:
                yield None  # as a query does that takes its time
                assert is_sent.wait(PATIENCE)
                yield None
            yield answer

    monkeypatch.setattr(Query, "encoded", slowly)
    with Requestor(archive, uids.STUDY_ROOT_FIND) as requestor:
        requestor.send(identifier("STUDY", StudyInstanceUID=""))
        assert [requestor.next().status for _ in range(3)] == [0xFF00] * 3
        requestor.cancel()
        is_sent.set()
        (final,) = requestor.answers()
        assert (final.status, final.identifier) == (0xFE00, {})


def test_a_worklist_query(archive: Running) -> None:
    keys = identifier("", PatientName="mul*", PatientID="")
    match, final = ask(archive, uids.MODALITY_WORKLIST_FIND, keys)
    assert (match.status, match.identifier[0x00100020].text, final.status) == (0xFF00, "A1", 0)


# --- C-MOVE -----------------------------------------------------------------------------------------------------------


def test_a_move(archive: Running, sink: tuple[Running, Path]) -> None:
    server, folder = sink
    server.events.clear()
    keys = identifier("STUDY", StudyInstanceUID=FIRST.uid)
    first, *_, final = ask(archive, uids.STUDY_ROOT_MOVE, keys, "SINK")
    assert (first.status, first.counts, first.identifier) == (0xFF00, (6, 0, 0, 0), {})
    assert (final.status, final.counts, final.identifier) == (0, (None, 6, 0, 0), {})
    until(lambda: sum(event.event == "stored" for event in server.events) == 6)
    for series in range(3):
        for index in range(2):
            stored = (folder / f"{FIRST.instance_uid(series, index)}.dcm").read_bytes()
            assert stored.endswith(collection.data_set(FIRST, series, index))


@pytest.mark.parametrize("destination", ["STRANGER", "ASKER"])
def test_an_unknown_destination(archive: Running, destination: str) -> None:
    (answer,) = ask(archive, uids.STUDY_ROOT_MOVE, identifier("STUDY", StudyInstanceUID=FIRST.uid), destination)
    assert answer.status == 0xA801
    assert answer.message.error_comment == f'unknown move destination "{destination}"'  # type: ignore[union-attr]


def test_nothing_to_move_is_success(archive: Running) -> None:
    (answer,) = ask(archive, uids.STUDY_ROOT_MOVE, identifier("STUDY", StudyInstanceUID="1.2.3"), "SINK")
    assert (answer.status, answer.counts) == (0, (None, 0, 0, 0))


def test_a_destination_that_does_not_answer(archive: Running) -> None:
    keys = identifier("SERIES", StudyInstanceUID=FIRST.uid, SeriesInstanceUID=FIRST.series_uid(1))
    *_, final = ask(archive, uids.STUDY_ROOT_MOVE, keys, "NOBODY")
    assert (final.status, final.counts) == (0xA702, (None, 0, 2, 0))
    failed = {FIRST.instance_uid(1, 0), FIRST.instance_uid(1, 1)}
    assert set(final.identifier[FAILED_LIST].text.split("\\")) == failed
    assert set(final.identifier) == {FAILED_LIST}
    assert "cannot connect" in final.message.error_comment  # type: ignore[union-attr]


def test_warnings_and_failures_are_counted(archive: Running) -> None:
    *_, final = ask(archive, uids.STUDY_ROOT_MOVE, identifier("STUDY", StudyInstanceUID=FIRST.uid), "FAULTY")
    assert (final.status, final.counts) == (0xB000, (None, 2, 3, 1))
    assert len(final.identifier[FAILED_LIST].text.split("\\")) == 3


def test_a_move_is_cancelled(archive: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    has_begun, is_sent = threading.Event(), threading.Event()
    may_go_on = SubOperations.may_go_on

    def slowly(counts: SubOperations, instance: Instance) -> bool:
        if counts.completed:
            has_begun.set()
            assert is_sent.wait(PATIENCE)
        return may_go_on(counts, instance)

    monkeypatch.setattr(SubOperations, "may_go_on", slowly)
    with Requestor(archive, uids.STUDY_ROOT_MOVE) as requestor:
        requestor.send(identifier("STUDY", StudyInstanceUID=f"{FIRST.uid}\\{STUDIES[1].uid}"), "SINK")
        assert requestor.next().counts == (14, 0, 0, 0)
        assert has_begun.wait(PATIENCE)
        requestor.cancel()
        is_sent.set()
        *_, final = requestor.answers()
    assert (final.status, final.counts, final.identifier) == (0xFE00, (13, 1, 0, 0), {})


def test_an_object_that_is_gone_fails_alone(tmp_path: Path, sink: tuple[Running, Path]) -> None:
    paths = collection.write(tmp_path)
    plan = ArchivePlan(str(tmp_path), None, {"SINK": target(sink[0].port)}, rebuild=True)
    with running(ListenPlan(0, title="PACS", archive=plan)) as server:
        paths[0].unlink()
        *_, final = ask(server, uids.STUDY_ROOT_MOVE, identifier("STUDY", StudyInstanceUID=FIRST.uid), "SINK")
    assert (final.status, final.counts) == (0xB000, (None, 5, 1, 0))
    assert final.identifier[FAILED_LIST].text == FIRST.instance_uid(0, 0)


# --- C-GET ------------------------------------------------------------------------------------------------------------

ALL = tuple(collection.CLASSES.values())


def test_a_get(archive: Running) -> None:
    with Requestor(archive, uids.STUDY_ROOT_GET, storage=ALL) as requestor:
        requestor.send(identifier("STUDY", StudyInstanceUID=FIRST.uid))
        first, *_, final = requestor.answers()
        stored = requestor.stored
    assert (first.status, first.counts) == (0xFF00, (6, 0, 0, 0))
    assert (final.status, final.counts, final.identifier) == (0, (None, 6, 0, 0), {})
    assert stored == {
        FIRST.instance_uid(series, index): collection.data_set(FIRST, series, index)
        for series in range(3)
        for index in range(2)
    }


def test_a_class_without_context_fails(archive: Running) -> None:
    with Requestor(archive, uids.STUDY_ROOT_GET, storage=[collection.CLASSES["CT"]]) as requestor:
        requestor.send(identifier("STUDY", StudyInstanceUID=FIRST.uid))
        *_, final = requestor.answers()
        assert len(requestor.stored) == 4
    assert (final.status, final.counts) == (0xB000, (None, 4, 2, 0))
    assert set(final.identifier[FAILED_LIST].text.split("\\")) == {FIRST.instance_uid(2, index) for index in (0, 1)}


def test_a_get_without_the_role_gets_nothing(archive: Running) -> None:
    *_, final = ask(archive, uids.STUDY_ROOT_GET, identifier("STUDY", StudyInstanceUID=FIRST.uid))
    assert (final.status, final.counts) == (0xA702, (None, 0, 6, 0))


@pytest.mark.parametrize(
    ("statuses", "status", "counts"),
    [
        ((0xB000, 0xB000), 0xB000, (None, 0, 0, 2)),
        ((0xB000, 0xA700), 0xB000, (None, 0, 1, 1)),
        ((0xA700, 0xA700), 0xA702, (None, 0, 2, 0)),
        ((0x0000, 0xB000), 0xB000, (None, 1, 0, 1)),
    ],
)
def test_the_final_status(
    archive: Running, statuses: tuple[int, int], status: int, counts: tuple[int | None, ...]
) -> None:
    given = iter(statuses)
    with Requestor(archive, uids.PATIENT_ROOT_GET, storage=ALL) as requestor:
        requestor.refuse = lambda _uid: next(given)
        keys = {"PatientID": "PAT-A", "StudyInstanceUID": FIRST.uid, "SeriesInstanceUID": FIRST.series_uid(0)}
        requestor.send(identifier("SERIES", **keys))
        *_, final = requestor.answers()
    assert (final.status, final.counts) == (status, counts)


def test_a_get_is_cancelled_while_a_store_awaits_its_answer(archive: Running) -> None:
    with Requestor(archive, uids.STUDY_ROOT_GET, storage=ALL) as requestor:

        def cancel(_uid: str) -> int:
            if not requestor.stored:
                requestor.cancel()
            return 0

        requestor.refuse = cancel
        requestor.send(identifier("STUDY", StudyInstanceUID=FIRST.uid))
        *_, final = requestor.answers()
        assert (final.status, final.counts) == (0xFE00, (5, 1, 0, 0))
        assert len(requestor.stored) == 1


# --- storing ----------------------------------------------------------------------------------------------------------


def test_what_was_acknowledged_is_found(tmp_path: Path, sink: tuple[Running, Path], archive: Running) -> None:
    """An archive as a move destination of another: each object is asked for right after it was stored."""
    plan = ListenPlan(0, title="OTHER", storage=StoragePlan(str(tmp_path)), archive=ArchivePlan(str(tmp_path)))
    with running(plan) as other:
        archive.listener._plan.archive.nodes["OTHER"] = target(other.port, "OTHER")  # type: ignore[union-attr,index]
        *_, final = ask(archive, uids.PATIENT_ROOT_MOVE, identifier("PATIENT", PatientID="PAT-C"), "OTHER")
        assert (final.status, final.counts) == (0, (None, 14, 0, 0))
        keys = identifier("PATIENT", PatientID="", NumberOfPatientRelatedInstances="", PatientName="")
        match, _ = ask(other, uids.PATIENT_ROOT_FIND, keys)
        assert match.identifier[0x00201204].text == "14"
        assert match.identifier[0x00100010].text == collection.WANG
        assert other.event("archive").detail == "0 instances in 0 studies"


def test_a_folder_in_use_by_another_listener(archive: Running) -> None:
    plan = archive.listener._plan
    with pytest.raises(OutputError, match="in use by another listener"):
        Listener(plan._replace(port=0), archive.events.append)


def test_without_an_archive_queries_are_not_accepted(sink: tuple[Running, Path]) -> None:
    with Requestor(sink[0], uids.STUDY_ROOT_FIND) as requestor:
        assert requestor.association.negotiated.contexts == {}
