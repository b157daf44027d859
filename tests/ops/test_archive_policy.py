"""What an archive may be told to do otherwise: models withheld, unchecked keys, move destinations, character sets."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from dcmnet_cli.archive.values import write_attributes
from dcmnet_cli.core import uids
from dcmnet_cli.core.identifier import Element, encode
from dcmnet_cli.ops.archiving.archive_plan import GET_CLASSES, MODEL_CLASSES, ArchivePlan, Policy
from dcmnet_cli.ops.listening.listen import ListenPlan
from dcmnet_cli.ops.listening.storage import StoragePlan
from tests import collection
from tests.archiving import Requestor, Running, ask, identifier, running, target
from tests.collection import STUDIES

NAME, CHARACTER_SET = 0x00100010, 0x00080005
Start = Callable[[Policy], AbstractContextManager[Running]]


@pytest.fixture(scope="module")
def sink() -> Iterator[Running]:
    with running(ListenPlan(0, title="ASKER", storage=StoragePlan(None))) as server:
        yield server


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory, sink: Running) -> Start:
    folder = tmp_path_factory.mktemp("archive")
    collection.write(folder)
    nodes = {
        "ASKER": target(sink.port, "ASKER"),
        "SINK": target(sink.port),
        "AFAR": target(sink.port, "AFAR")._replace(host="192.0.2.1"),
    }

    def started(policy: Policy) -> AbstractContextManager[Running]:
        plan = ArchivePlan(str(folder), None, nodes, rebuild=True, policy=policy)
        return running(ListenPlan(0, title="PACS", storage=StoragePlan(str(folder)), archive=plan))

    return started


def accepts(server: Running, sop_class: str) -> bool:
    with Requestor(server, sop_class) as requestor:
        return requestor.association.negotiated.find(sop_class) is not None


def test_models_and_services_that_are_withheld(start: Start) -> None:
    with start(Policy(withheld=frozenset((*GET_CLASSES, *MODEL_CLASSES[0])))) as server:
        offered = {uid for model in MODEL_CLASSES for uid in model if accepts(server, uid)}
    assert offered == {
        uids.STUDY_ROOT_FIND,
        uids.STUDY_ROOT_MOVE,
        uids.PATIENT_STUDY_ONLY_FIND,
        uids.PATIENT_STUDY_ONLY_MOVE,
    }


@pytest.mark.parametrize("policy", [Policy(), Policy(takes_any_find=True), Policy(takes_any_move=True)])
def test_unique_keys_above_the_level(start: Start, policy: Policy) -> None:
    wanted = STUDIES[0].instance_uid(0, 0)
    with start(policy) as server:
        find = ask(server, uids.STUDY_ROOT_FIND, identifier("IMAGE", SOPInstanceUID=wanted))
        move = ask(server, uids.STUDY_ROOT_MOVE, identifier("IMAGE", SOPInstanceUID=wanted), "ASKER")
    assert [each.status for each in find] == ([0xFF00, 0] if policy.takes_any_find else [0xA900])
    assert move[-1].status == (0 if policy.takes_any_move else 0xA900)


@pytest.mark.parametrize(
    ("only", "allowed"), [("", {"ASKER", "SINK"}), ("title", {"ASKER"}), ("host", {"ASKER", "SINK"})]
)
def test_where_may_be_moved_to(start: Start, only: str, allowed: set[str]) -> None:
    keys = identifier("SERIES", StudyInstanceUID=STUDIES[0].uid, SeriesInstanceUID=STUDIES[0].series_uid(0))
    with start(Policy(move_only_to=only)) as server:
        statuses = {title: ask(server, uids.STUDY_ROOT_MOVE, keys, title)[-1] for title in ("ASKER", "SINK", "NONE")}
        afar = ask(server, uids.STUDY_ROOT_MOVE, keys, "AFAR")[-1].status if only else 0xA801
    assert {title for title, answer in statuses.items() if answer.status == 0} == allowed
    assert {answer.status for title, answer in statuses.items() if title not in allowed} == {0xA801}
    assert afar == 0xA801


@pytest.mark.parametrize(
    ("asked", "policy", "latin", "japanese"),
    [
        ("", Policy(), "ISO_IR 192", "ISO_IR 192"),
        ("", Policy(character_set="ISO_IR 100"), "ISO_IR 100", "ISO_IR 192"),
        ("ISO_IR 100", Policy(character_set="ISO_IR 192"), "ISO_IR 100", "ISO_IR 192"),
        ("ISO_IR 100", Policy(character_set="ISO_IR 192", overrides=True), "ISO_IR 192", "ISO_IR 192"),
        ("ISO_IR 101", Policy(character_set="GB18030"), "ISO_IR 101", "GB18030"),
    ],
)
def test_the_character_set_of_answers(start: Start, asked: str, policy: Policy, latin: str, japanese: str) -> None:
    keys = identifier("STUDY", StudyInstanceUID="", PatientName="", PatientID="PAT-*")
    declared = encode([Element(CHARACTER_SET, "CS", asked.encode())] if asked else [], True)
    with start(policy) as server:
        *answers, _ = ask(server, uids.STUDY_ROOT_FIND, declared + write_attributes(keys, (), True))
    found = {answer.identifier[NAME].text: answer.identifier[CHARACTER_SET].text for answer in answers}
    assert (found[collection.MUELLER], found[collection.YAMADA]) == (latin, japanese)


def test_progress_of_an_index_that_is_made(tmp_path: Path) -> None:
    study = STUDIES[0]._replace(modalities=("CT",) * 300)
    from tests.dicom_files import part10

    for series in range(300):
        for index in range(2):
            uid = study.instance_uid(series, index)
            (tmp_path / uid).write_bytes(part10(collection.data_set(study, series, index), instance=uid))
    heard: list[tuple[int, int]] = []
    plan = ArchivePlan(str(tmp_path), rebuild=True, on_progress=lambda done, total: heard.append((done, total)))
    with running(ListenPlan(0, storage=StoragePlan(str(tmp_path)), archive=plan)) as server:
        assert server.event("archive").facts["instances"] == 600
    assert heard == [(done, 600) for done in range(100, 601, 100)]
