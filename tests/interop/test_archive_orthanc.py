"""Orthanc's own query and retrieve, and its storing, against ``dcmnet listen --archive`` and ``--worklist``."""

import http.client
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pydicom
import pytest

from tests import collection
from tests.collection import STUDIES
from tests.interop.conftest import Folders
from tests.interop.running import HOST, PATIENCE, Listener, Peer, free_port, program, start_peer


class Orthanc(NamedTuple):
    """Orthanc with its web service, which knows our archive as "pacs"."""

    peer: Peer
    web: int

    def ask(self, method: str, path: str, body: object = None) -> Any:
        connection = http.client.HTTPConnection(HOST, self.web, timeout=PATIENCE)
        try:
            data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
            connection.request(method, path, data)
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        assert response.status == 200, (path, response.status, content)
        return json.loads(content) if content[:1] in (b"{", b"[") else content

    def find(self, level: str, **query: str) -> tuple[str, list[dict[str, str]]]:
        """A query, which Orthanc keeps by the path that is returned, and its answers."""
        path = self.ask("POST", "/modalities/pacs/query", {"Level": level, "Query": query})["Path"]
        answers = [
            self.ask("GET", f"{path}/answers/{each}/content?simplify") for each in self.ask("GET", f"{path}/answers")
        ]
        return path, answers


@pytest.fixture(scope="module")
def both(tmp_path_factory: Folders) -> Iterator[tuple[Orthanc, Listener, Path]]:
    """Orthanc, our archive of the collection with a worklist beside it, and its folder; each knows the other."""
    folder, table = tmp_path_factory.mktemp("archive"), tmp_path_factory.mktemp("worklist") / "list.csv"
    collection.write(folder)
    table.write_text("PatientName,PatientID,Modality\nMüller^Jürgen,A1,CT\nDoe^Jane,B2,MR\n", encoding="utf-8")
    home = tmp_path_factory.mktemp("orthanc")
    dicom, web = free_port(), free_port()
    words = ("--archive", str(folder), "--reindex", "--node", f"ORTHANC@{HOST}:{dicom}", "--worklist", str(table))
    listener = Listener(tmp_path_factory.mktemp("log"), "-aet", "PACS", *words)
    peer = start_peer("ORTHANC", lambda port: _orthanc(home, port, web, listener.port), home, port=dicom)
    yield Orthanc(peer, web), listener, folder
    assert peer.process is not None
    peer.process.stop()
    listener.process.stop()


def _orthanc(home: Path, port: int, web: int, pacs: int) -> Sequence[str]:
    configuration = home / "orthanc.json"
    settings = {
        "StorageDirectory": str(home / "storage"),
        "IndexDirectory": str(home / "storage"),
        "Plugins": [],
        "DefaultEncoding": "Utf8",
        "DicomAet": "ORTHANC",
        "DicomPort": port,
        "DicomAlwaysAllowStore": True,
        "HttpPort": web,
        "RemoteAccessAllowed": False,
        "DicomModalities": {"pacs": ["PACS", HOST, pacs]},
    }
    configuration.write_text(json.dumps(settings))
    return program("Orthanc", "orthanc"), str(configuration)


def test_echo(both: tuple[Orthanc, Listener, Path]) -> None:
    assert both[0].ask("POST", "/modalities/pacs/echo", {}) == {}


def test_it_finds_patients_and_studies(both: tuple[Orthanc, Listener, Path]) -> None:
    orthanc = both[0]
    _, patients = orthanc.find("Patient", PatientID="PAT-*", PatientName="")
    assert {each["PatientID"]: each["PatientName"] for each in patients} == {
        study.patient_id: study.name for study in STUDIES
    }
    _, studies = orthanc.find("Study", PatientID="PAT-A", StudyDate="20230101-20230630", ModalitiesInStudy="")
    assert {each["StudyInstanceUID"] for each in studies} == {STUDIES[0].uid, STUDIES[1].uid}
    assert {frozenset(each["ModalitiesInStudy"].split("\\")) for each in studies} == {
        frozenset(("CT", "SR")),
        frozenset(("MR", "SR")),
    }


def test_it_retrieves_what_it_has_found(both: tuple[Orthanc, Listener, Path]) -> None:
    orthanc, listener, _ = both
    query, answers = orthanc.find("Study", StudyInstanceUID=STUDIES[4].uid)
    assert len(answers) == 1
    orthanc.ask("POST", f"{query}/retrieve", b"ORTHANC")
    event = listener.wait_for("move")
    assert (event["status"], event["completed"], event["failed"]) == ("0000", 8, 0)
    instances = [orthanc.ask("GET", f"/instances/{each}/file") for each in orthanc.ask("GET", "/instances")]
    assert len(instances) == 8
    expected = {STUDIES[4].instance_uid(series, index): (series, index) for series in range(4) for index in range(2)}
    for content in instances:
        uid = next(uid for uid in expected if f"{uid}\0".encode() in content or uid.encode() in content[:1200])
        data = collection.data_set(STUDIES[4], *expected.pop(uid))
        assert content.endswith(data)


def test_it_retrieves_series_and_instances(both: tuple[Orthanc, Listener, Path]) -> None:
    orthanc = both[0]
    before = set(orthanc.ask("GET", "/instances"))
    study = STUDIES[1]
    query, answers = orthanc.find("Series", StudyInstanceUID=study.uid, Modality="SR")
    assert [each["SeriesInstanceUID"] for each in answers] == [study.series_uid(3)]
    orthanc.ask("POST", f"{query}/retrieve", b"ORTHANC")
    query, answers = orthanc.find("Instance", StudyInstanceUID=study.uid, SeriesInstanceUID=study.series_uid(0))
    assert len(answers) == 2
    orthanc.ask("POST", f"{query}/answers/0/retrieve", b"ORTHANC")
    assert len(set(orthanc.ask("GET", "/instances")) - before) == 3


def test_what_it_stores_is_found(both: tuple[Orthanc, Listener, Path]) -> None:
    orthanc, _, folder = both
    bundled = Path(pydicom.__file__).parent / "data" / "test_files" / "CT_small.dcm"
    made = orthanc.ask("POST", "/instances", bundled.read_bytes())
    orthanc.ask("POST", "/modalities/pacs/store", [made["ID"]])
    uid = str(pydicom.dcmread(bundled).SOPInstanceUID)
    assert (folder / f"{uid}.dcm").is_file()
    _, studies = orthanc.find("Study", PatientID=str(pydicom.dcmread(bundled).PatientID))
    assert len(studies) == 1


def test_it_reads_the_worklist(both: tuple[Orthanc, Listener, Path]) -> None:
    query = {"PatientName": "", "ScheduledProcedureStepSequence": [{"Modality": "CT"}]}
    (answer,) = both[0].ask("POST", "/modalities/pacs/find-worklist", query)
    assert answer["PatientName"] == collection.MUELLER
