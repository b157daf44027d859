"""The public functions of a requestor, against an archive of our own."""

import inspect
from pathlib import Path

import pydicom
import pytest

import dcmnet_cli.api
from dcmnet_cli.api import Incomplete, Result, ServiceRequest, Target, echo, find, get, move, peer, store
from dcmnet_cli.errors import (
    AssociationRejected,
    ConfigurationError,
    ConnectError,
    InputError,
    NoAcceptedContext,
    OperationFailed,
    UsageError,
)
from dcmnet_cli.testing import DicomArchive, StartArchive, StartListener
from tests.collection import INSTANCES, MUELLER, STUDIES, write
from tests.interop.running import free_port
from tests.ops.retrieving import STORED, STUDY, archive, store_back

FIRST = STUDIES[0]


@pytest.fixture
def objects(tmp_path: Path) -> Path:
    write(tmp_path / "objects")
    return tmp_path / "objects"


@pytest.fixture
def filled(dicom_archive: DicomArchive, objects: Path) -> DicomArchive:
    assert len(dicom_archive.add(objects)) == INSTANCES
    return dicom_archive


def test_an_echo(dicom_archive: DicomArchive) -> None:
    report = echo(dicom_archive.target)
    assert [step.name for step in report.steps] == ["resolve", "TCP connect", "association", "C-ECHO", "release"]
    assert report.association is not None
    assert report.association.contexts[0].result == 0


def test_an_echo_that_fails_raises(start_dicom_listener: StartListener) -> None:
    with pytest.raises(AssociationRejected) as caught:
        echo(start_dicom_listener(called=["OTHER"]).target)
    assert caught.value.reason == 7
    with pytest.raises(ConnectError):
        echo(Target("127.0.0.1", free_port()))


def test_every_outcome_of_a_store(dicom_archive: DicomArchive, objects: Path) -> None:
    outcomes = store(dicom_archive.target, objects, jobs=2)
    assert [outcome.kind for outcome in outcomes] == ["stored"] * INSTANCES
    assert {outcome.sop_instance_uid for outcome in outcomes} == {
        each.sop_instance_uid for each in dicom_archive.objects
    }


def test_a_store_that_is_not_whole_raises(start_dicom_listener: StartListener, objects: Path) -> None:
    listener = start_dicom_listener(faults=["status=A700@2"])
    with pytest.raises(Incomplete, match=f"does not have 1 object of {INSTANCES}") as caught:
        store(listener.target, objects)
    outcomes = store(start_dicom_listener(faults=["status=A700@2"]).target, objects, check=False)
    for told in (caught.value.done, outcomes):
        assert isinstance(told, list)
        assert [each.status for each in told if not each.is_good] == [0xA700]
        assert len(told) == INSTANCES


def test_a_store_of_which_nothing_arrived_raises_why(start_dicom_listener: StartListener, objects: Path) -> None:
    with pytest.raises(OperationFailed, match="refused every instance"):
        store(start_dicom_listener(faults=["status=A700@every:1"]).target, objects)
    with pytest.raises(ConnectError):
        store(Target("127.0.0.1", free_port()), objects)
    kept = store(Target("127.0.0.1", free_port()), objects, check=False)
    assert {outcome.kind for outcome in kept} == {"not_sent"}


def test_nothing_to_send(dicom_archive: DicomArchive, tmp_path: Path) -> None:
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "notes.txt").write_text("no image")
    with pytest.raises(InputError, match=r"no DICOM object was found \(.*notes.txt: not DICOM\)"):
        store(dicom_archive.target, tmp_path / "text")
    with pytest.raises(InputError, match="No such file"):
        store(dicom_archive.target, tmp_path / "missing")


def test_a_query_answers_in_any_script(filled: DicomArchive) -> None:
    studies = find(filled.target, f"PatientID={FIRST.patient_id}", "StudyDate", "PatientName")
    assert sorted(study["StudyDate"] for study in studies) == ["20230110", "20230615"]
    assert {study["PatientName"] for study in studies} == {MUELLER}
    assert {study["0010,0010"] for study in studies} == {MUELLER}
    assert studies[0].data_set().PatientName == MUELLER


def test_an_answer_is_a_mapping_of_what_came(filled: DicomArchive) -> None:
    (study,) = find(filled.target, f"StudyInstanceUID={FIRST.uid}", "StudyDescription")
    assert study["StudyDescription"] == "Abdomen"
    assert "StudyDescription" in dict(study)
    assert study.get("PatientBirthDate") is None
    with pytest.raises(KeyError, match="NoSuchKeyword"):
        study["NoSuchKeyword"]
    assert len(study) == len(dict(study))


def test_levels_and_models_and_limits(filled: DicomArchive) -> None:
    assert len(find(filled.target, f"StudyInstanceUID={FIRST.uid}", level="series")) == len(FIRST.modalities)
    assert len(find(filled.target, model="patient", level="patient")) == 3
    assert len(find(filled.target, limit=2)) == 2
    with pytest.raises(UsageError):
        find(filled.target, "NoSuchKeyword=1")


def test_a_peer_without_queries(start_dicom_listener: StartListener) -> None:
    with pytest.raises(NoAcceptedContext):
        find(start_dicom_listener().target)


def test_objects_come_by_get_and_by_move(start_dicom_archive: StartArchive, objects: Path, tmp_path: Path) -> None:
    port = free_port()
    archive = start_dicom_archive(nodes={"ME": Target("127.0.0.1", port, called="ME")})
    archive.add(objects)
    target = archive.target._replace(calling="ME")
    for name, bring in (("got", get), ("moved", move)):
        (tmp_path / name).mkdir()
        more = {"port": port} if bring is move else {}
        result = bring(target, f"StudyInstanceUID={FIRST.uid}", folder=tmp_path / name, **more)  # type: ignore[operator]
        assert result.is_complete
        came = {str(pydicom.dcmread(path).SOPInstanceUID) for path in (tmp_path / name).iterdir()}
        assert came == {FIRST.instance_uid(series, index) for series in range(3) for index in range(2)}


def test_a_retrieval_that_is_not_whole_raises(tmp_path: Path) -> None:
    """Though the peer says that it is."""

    def lose_one(request: ServiceRequest) -> int:
        for instance in STORED[1:]:
            store_back(request, instance)
        return 0

    with archive(get=lose_one) as scripted:
        with pytest.raises(Incomplete, match=f"{len(STORED) - 1} of {len(STORED)} instances came") as caught:
            get(scripted.target, f"StudyInstanceUID={STUDY}", folder=tmp_path)
        result = get(scripted.target, f"StudyInstanceUID={STUDY}", folder=tmp_path, check=False)
    assert [wanted.sop_instance_uid for wanted in result.missing] == [STORED[0]]
    assert isinstance(caught.value.done, Result)
    assert caught.value.done.missing == result.missing


def test_a_move_to_nobody_raises_the_status(filled: DicomArchive) -> None:
    with pytest.raises((OperationFailed, Incomplete)):
        move(filled.target, f"StudyInstanceUID={FIRST.uid}", destination="NOBODY")


def test_peers_are_named_as_on_the_command_line(tmp_path: Path) -> None:
    assert peer("PACS@localhost:104", calling="ME") == Target("localhost", 104, called="PACS", calling="ME")
    file = tmp_path / "config.toml"
    file.write_text('[defaults]\naet = "US"\n[nodes.archive]\nhost = "pacs"\nport = 11112\naet = "ARCHIVE1"\n')
    assert peer("archive", config=str(file)) == Target("pacs", 11112, called="ARCHIVE1", calling="US")
    with pytest.raises(UsageError):
        peer("no-such-node", config=str(file))
    with pytest.raises(ConfigurationError):
        peer("archive", config=str(tmp_path / "missing.toml"))


def test_every_public_name_is_documented() -> None:
    for name in dcmnet_cli.api.__all__:
        found = getattr(dcmnet_cli.api, name)
        if inspect.isclass(found) or inspect.isfunction(found):
            assert inspect.getdoc(found), name
