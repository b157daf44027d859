"""C-GET: what is proposed, what comes over the same association, and what it amounts to."""

import os
from collections.abc import Sequence
from pathlib import Path

import pydicom
import pytest

from dcmnet_cli.core import uids
from dcmnet_cli.core.identifier import Element
from dcmnet_cli.core.negotiation import AcceptorPolicy
from dcmnet_cli.errors import AssociationAborted, DcmnetError, NoAcceptedContext, OutputError
from dcmnet_cli.net.service import ServiceRequest
from dcmnet_cli.ops.listening.storage import StoragePlan
from dcmnet_cli.ops.results import Report
from dcmnet_cli.ops.retrieving.get import GetOptions, get
from dcmnet_cli.ops.retrieving.get_contexts import ROOM, contexts_for, plan_batches
from dcmnet_cli.ops.retrieving.reconcile import Result, SubOperations, Wanted
from dcmnet_cli.ops.retrieving.retrieve import Follower, Request, Wish
from dcmnet_cli.ops.stop import Stop
from tests.dicom_files import CT
from tests.ops.retrieving import (
    ELE,
    HOLDINGS,
    ILE,
    SR,
    STORED,
    STUDY,
    Archive,
    Held,
    archive,
    counts,
    failed_list,
    store_back,
)

BY_STUDY = Wish("study", "STUDY", (Element(0x0020000D, "UI", STUDY.encode()),))
VIDEO = "1.2.840.10008.5.1.4.1.1.77.1.1.1"


class Got(Follower):
    """One get into a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.report = Report("get")
        self.stop = Stop()
        self.classes: list[tuple[str, int]] = []
        self.objects = 0

    def proposed(self, classes: Sequence[tuple[str, int]], contexts: int) -> None:
        self.classes += classes

    def arrived(self, length: int) -> None:
        self.objects += 1
        if self.objects == 2 and self.stop.after:
            self.stop.ask()

    def run(self, peer: Archive, wish: Wish = BY_STUDY, **changed: object) -> tuple[Result, DcmnetError | None]:
        options = GetOptions(StoragePlan(str(self.folder)))._replace(**changed)  # type: ignore[arg-type]
        return get(peer.target, wish, options, self.report, follower=self, stop=self.stop)

    @property
    def files(self) -> list[str]:
        return sorted(name.removesuffix(".dcm") for name in os.listdir(self.folder))


@pytest.fixture
def got(tmp_path: Path) -> Got:
    return Got(tmp_path)


def send_back(request: ServiceRequest, instances: tuple[str, ...] = STORED) -> None:
    for uid in instances:
        assert store_back(request, uid) == 0


def test_everything_comes_over_one_association(got: Got) -> None:
    def handle(request: ServiceRequest) -> None:
        for number, uid in enumerate(STORED, 1):
            assert store_back(request, uid) == 0
            request.respond(0xFF00, **counts(4 - number, number))
        request.respond(0, **counts(None, 4))

    with archive(get=handle) as peer:
        result, error = got.run(peer)
    assert error is None
    assert got.files == list(STORED)
    assert result.is_complete
    assert (result.claimed, result.claims[0].pending) == (SubOperations(None, 4, 0, 0), 4)
    assert [uid for uid, _ in got.classes] == [CT]
    assert got.report.notes == []
    written = pydicom.dcmread(got.folder / f"{STORED[0]}.dcm")
    assert (written.SOPInstanceUID, written.file_meta.SourceApplicationEntityTitle) == (STORED[0], "ARCHIVE")


def test_roles_left_unanswered_are_taken_as_granted(got: Got) -> None:
    """Many archives use the role without a word about it."""

    def handle(request: ServiceRequest) -> int:
        send_back(request)
        return 0

    with archive(get=handle, answers_roles=False) as peer:
        result, _ = got.run(peer)
    assert result.is_complete
    assert any("SCP role" in note and "granted" in note for note in got.report.notes)


def test_roles_left_unanswered_are_refused_when_asked_so(got: Got) -> None:
    statuses: list[int] = []

    def handle(request: ServiceRequest) -> None:
        statuses.append(store_back(request, STORED[0]))
        request.respond(0xA702, failed_list(*STORED), **counts(None, 0, 4))

    with archive(get=handle, answers_roles=False) as peer:
        result, _ = got.run(peer, strict_roles=True)
    assert statuses == [0x0211]
    assert (got.files, result.is_complete, len(result.missing)) == ([], False, 4)


def test_what_failed_is_missing(got: Got) -> None:
    def handle(request: ServiceRequest) -> None:
        send_back(request, STORED[:3])
        request.respond(0xB000, failed_list(STORED[3]), **counts(None, 3, 1))

    with archive(get=handle) as peer:
        result, error = got.run(peer)
    assert error is None
    assert result.failed_uids == (STORED[3],)
    assert [wanted.sop_instance_uid for wanted in result.missing] == [STORED[3]]
    assert not result.is_complete


def test_success_that_brought_nothing(got: Got) -> None:
    with archive(get=lambda request: request.respond(0, **counts(None, 4))) as peer:
        result, _ = got.run(peer)
    assert (result.is_complete, len(result.missing)) == (False, 4)


def test_no_c_get_at_the_peer_names_what_it_has(got: Got) -> None:
    with archive(move=lambda request: 0) as peer, pytest.raises(NoAcceptedContext) as caught:
        got.run(peer)
    assert "it offers C-MOVE" in caught.value.message
    assert "dcmnet move" in caught.value.hints[0]


def test_neither_c_get_nor_c_move(got: Got) -> None:
    with archive() as peer, pytest.raises(NoAcceptedContext) as caught:
        got.run(peer)
    assert "C-MOVE" not in caught.value.message


def test_cancel_while_objects_come(got: Got) -> None:
    seen: list[str] = []

    def handle(request: ServiceRequest) -> None:
        send_back(request, STORED[:2])
        received = request.association.receive()
        assert received is not None
        seen.append(type(received.message).__name__)
        request.respond(0xFE00, **counts(2, 2))

    got.stop.after = 1000
    with archive(get=handle) as peer:
        result, error = got.run(peer)
    assert (seen, error) == (["CCancelRQ"], None)
    assert (result.cancelled, got.files, result.is_complete) == (True, list(STORED[:2]), False)


def test_an_abort_in_the_middle_of_an_object(got: Got) -> None:
    def handle(request: ServiceRequest) -> None:
        send_back(request, STORED[:1])
        request.association.abort()

    with archive(get=handle) as peer:
        result, error = got.run(peer)
    assert isinstance(error, AssociationAborted)
    assert (got.files, len(result.missing)) == ([STORED[0]], 3)


def test_missing_fetches_the_rest(got: Got) -> None:
    def handle(request: ServiceRequest) -> int:
        send_back(request, STORED[1:])
        return 0

    with archive(get=handle) as peer:
        result, _ = got.run(peer, BY_STUDY._replace(already=frozenset(STORED[:1])))
    assert peer.identifiers[0][0x00080018] == "\\".join(STORED[1:])
    assert (got.files, result.is_complete, result.already) == (list(STORED[1:]), True, 1)


def test_models_by_instance_name_instances_alone(got: Got) -> None:
    model = "1.2.840.10008.5.1.4.1.2.5.3"

    def handle(request: ServiceRequest) -> int:
        send_back(request)
        return 0

    policy = AcceptorPolicy(
        abstract_syntaxes={uids.STUDY_ROOT_FIND: (ELE,), model: (ELE,), CT: ()}, grants_scp_role=lambda uid: True
    )
    with archive(get=handle, policy=policy) as peer:
        result, _ = got.run(peer, BY_STUDY._replace(model="no-bulk"))
    assert peer.identifiers == [{0x00080052: "IMAGE", 0x00080018: "\\".join(STORED)}]
    assert result.is_complete


def test_what_cannot_be_written_is_refused_and_told(got: Got, monkeypatch: pytest.MonkeyPatch) -> None:
    statuses: list[int] = []

    def handle(request: ServiceRequest) -> None:
        statuses.extend(store_back(request, uid) for uid in STORED[:1])
        request.respond(0xA702, failed_list(*STORED), **counts(None, 0, 4))

    def full(*_: object) -> None:
        raise OutputError("no space left on device")

    monkeypatch.setattr("dcmnet_cli.net.sink.IncomingFile.write", full)
    with archive(get=handle) as peer:
        result, _ = got.run(peer)
    assert statuses == [0xA700]
    assert result.arrival is not None
    assert result.arrival.refused == ("no space left on device",)
    assert not result.is_complete


def test_dropped_as_asked_is_received_all_the_same(got: Got) -> None:
    def handle(request: ServiceRequest) -> int:
        send_back(request)
        return 0

    with archive(get=handle) as peer:
        result, _ = got.run(peer, storage=StoragePlan(None))
    assert result.is_complete
    assert result.arrival is not None
    assert (result.arrival.kept, got.files) == (False, [])


# --- contexts --------------------------------------------------------------------------------------------------------


def wanted(number: int, sop_class: str = CT, syntax: str = "") -> Wanted:
    return Wanted(f"1.{number}", sop_class, STUDY, f"2.{number}", "", syntax)


def test_each_encoding_of_an_image_has_its_own_context() -> None:
    contexts = contexts_for({CT: frozenset()})
    assert all(len(syntaxes) == 1 for _, syntaxes in contexts)
    proposed = [syntaxes[0] for _, syntaxes in contexts]
    assert proposed[:2] == [ELE, ILE]
    assert {uids.JPEG_2000_LOSSLESS, uids.JPEG_LOSSLESS_SV1, uids.RLE_LOSSLESS, uids.JPEG_BASELINE_8_BIT} <= {*proposed}
    assert uids.MPEG4_HP_41 not in proposed


def test_documents_need_no_image_compression() -> None:
    assert [syntaxes for _, syntaxes in contexts_for({SR: frozenset()})] == [
        (ELE,),
        (ILE,),
        (uids.DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,),
    ]


def test_video_classes_get_video() -> None:
    assert (VIDEO, (uids.MPEG4_HP_41,)) in contexts_for({VIDEO: frozenset()})


def test_what_the_peer_says_it_has_is_enough() -> None:
    held = {CT: frozenset([uids.JPEG_LS_LOSSLESS])}
    assert contexts_for(held) == ((CT, (uids.JPEG_LS_LOSSLESS,)), (CT, (ELE,)), (CT, (ILE,)))


def test_preferences_stand_in_for_the_usual_ones() -> None:
    found = contexts_for({CT: frozenset()}, (uids.JPEG_LOSSLESS_SV1, ELE, ILE))
    assert found == ((CT, (uids.JPEG_LOSSLESS_SV1,)), (CT, (ELE, ILE)))


@pytest.mark.parametrize("number", [1, 12, 20, 63, 64, 126, 127])
def test_an_association_never_carries_more_than_fit(number: int) -> None:
    held = {f"1.3.{index}": frozenset[str]() for index in range(number)}
    contexts = contexts_for(held)
    assert len(contexts) <= ROOM
    assert {uid for uid, _ in contexts} == set(held)


def test_when_it_gets_tight_one_context_has_everything() -> None:
    contexts = contexts_for({f"1.3.{index}": frozenset[str]() for index in range(100)})
    assert len(contexts) == 100
    assert contexts[0][1][:2] == (ELE, ILE)
    assert uids.JPEG_2000_LOSSLESS in contexts[0][1]


def test_more_classes_than_fit_take_several_associations() -> None:
    expected = [wanted(number, f"1.3.{number}") for number in range(300)]
    batches = plan_batches([Request("STUDY", study=STUDY)], expected)
    assert len(batches) == 3
    assert all(len(batch.contexts) <= ROOM for batch in batches)
    asked = [uid for batch in batches for request in batch.requests for uid in request.instances]
    assert sorted(asked) == sorted(each.sop_instance_uid for each in expected)
    for batch in batches:
        proposed = {uid for uid, _ in batch.contexts}
        for request in batch.requests:
            assert {f"1.3.{uid.removeprefix('1.')}" for uid in request.instances} <= proposed


def test_nobody_knows_what_there_is() -> None:
    (batch,) = plan_batches([Request("STUDY", study=STUDY)], None)
    assert len(batch.contexts) <= ROOM
    assert CT in {uid for uid, _ in batch.contexts}


def test_only_what_was_asked_for_is_proposed() -> None:
    expected = [wanted(1), wanted(2, SR)]
    (batch,) = plan_batches([Request("STUDY", study=STUDY)], expected, only=[SR])
    assert {uid for uid, _ in batch.contexts} == {SR}


def test_private_classes_are_proposed_as_images(got: Got) -> None:
    private = Held("1.2.3.1.9", sop_class="1.3.46.670589.11.0.0.12.4")

    def handle(request: ServiceRequest) -> int:
        send_back(request)
        return 0

    with archive(get=handle, holdings=(*HOLDINGS, private)) as peer:
        result, _ = got.run(peer)
    assert {uid for uid, _ in got.classes} == {CT, private.sop_class}
    assert [each.sop_instance_uid for each in result.missing] == ["1.2.3.1.9"]
    assert any("no context for 1.3.46.670589.11.0.0.12.4" in note for note in got.report.notes)
