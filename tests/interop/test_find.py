"""``dcmnet find`` against dcmqrscp, Orthanc, our own archive and wlmscpfs, with findscu beside it."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from pydicom import dcmread
from pydicom.data import get_charset_files
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from tests import collection
from tests.interop import archives, peers
from tests.interop.running import Outcome, Peer, dcmnet, program, run

Folders = pytest.TempPathFactory
NAMES = {study.name for study in collection.STUDIES}
_STARTERS = {
    "dcmqrscp": archives.filled_dcmqrscp,
    "Orthanc": archives.filled_orthanc,
    "dcmnet": archives.filled_dcmnet,
}


@pytest.fixture(scope="module", params=list(_STARTERS))
def archive(request: pytest.FixtureRequest, tmp_path_factory: Folders) -> Iterator[Peer]:
    """An archive that holds the collection, and pydicom's files of many character sets."""
    folder = tmp_path_factory.mktemp("find") / request.param
    with _STARTERS[request.param](folder) as filled:
        collection.write(folder / "collection")
        sent = dcmnet("store", *filled.peer.words, str(folder / "collection"), seconds=60)
        assert sent.status == 0, sent.stderr
        dcmnet("store", *filled.peer.words, *get_charset_files("*.dcm"), seconds=60)  # not all of them have a study
        yield filled.peer


def find(peer: Peer, *words: str) -> Outcome:
    return dcmnet("find", *peer.words, *words)


def rows(peer: Peer, *words: str) -> list[dict[str, str]]:
    outcome = find(peer, "--csv", "-", *words)
    assert outcome.status == 0, outcome.stderr
    return list(csv.DictReader(io.StringIO(outcome.stdout, newline="")))


def ours(found: list[dict[str, str]]) -> list[dict[str, str]]:
    """Those of the collection."""
    return [row for row in found if row["StudyInstanceUID"].startswith(collection.ROOT + ".")]


# --- levels and keys -------------------------------------------------------------------------------------------------


def test_every_study_with_useful_columns(archive: Peer) -> None:
    found = {row["StudyInstanceUID"]: row for row in ours(rows(archive))}
    assert set(found) == {study.uid for study in collection.STUDIES}
    for study in collection.STUDIES:
        row = found[study.uid]
        assert (row["PatientID"], row["AccessionNumber"]) == (study.patient_id, study.accession)
        assert (row["StudyDate"], row["StudyDescription"]) == (study.date, study.description)


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        (("--patient-id", "PAT-A"), {1, 2}),
        (("--date", "2023-06"), {2, 3}),
        (("--date", "20240229-20240301"), {4, 5}),
        (("--date", "..2023-01-31", "--patient-id", "PAT-A"), {1}),
        (("--accession", "ACC4"), {4}),
        (("--study", f"{collection.ROOT}.2\\{collection.ROOT}.5"), {2, 5}),
        (("-k", "StudyDescription=Hea*", "--patient-id", "PAT-*"), {2, 5}),
    ],
)
def test_studies_by_keys(archive: Peer, words: tuple[str, ...], numbers: set[int]) -> None:
    found = {row["StudyInstanceUID"] for row in ours(rows(archive, "--columns", "StudyInstanceUID", *words))}
    # Study 6 has neither date nor description, and what is empty matches everything (PS3.4 C.2.2.1.2), if one likes.
    assert found - {collection.STUDIES[5].uid} == {f"{collection.ROOT}.{number}" for number in numbers}


def test_series_and_instances(archive: Peer) -> None:
    study = collection.STUDIES[4]
    series = rows(archive, "--study", study.uid, "--level", "series", "--sort", "SeriesNumber")
    assert [row["Modality"] for row in series] == list(study.modalities)
    assert [row["SeriesInstanceUID"] for row in series] == [study.series_uid(index) for index in range(4)]
    instances = rows(archive, "--study", study.uid, "--series", study.series_uid(0), "--level", "image")
    assert {row["SOPInstanceUID"] for row in instances} == {study.instance_uid(0, 0), study.instance_uid(0, 1)}
    modality = rows(archive, "--study", study.uid, "--level", "series", "--modality", "mr")
    assert len(modality) == 2


def test_patients_in_the_patient_root(archive: Peer) -> None:
    found = rows(archive, "-P", "--patient-id", "PAT-*")
    assert sorted(row["PatientID"] for row in found) == ["PAT-A", "PAT-B", "PAT-C"]
    studies = rows(archive, "-P", "--patient-id", "PAT-B", "-k", "StudyDate", "-k", "StudyInstanceUID")
    assert sorted(row["StudyDate"] for row in studies) == ["20230615", "20240229"]


def test_a_limit_stops_in_good_order(archive: Peer) -> None:
    outcome = find(archive, "--limit", "2", "--json")
    found = outcome.json
    assert (outcome.status, found["count"], len(found["matches"])) == (0, 2, 2)
    assert found["steps"][-1]["name"] == "release"
    assert found["steps"][-1]["ok"]


def test_nothing_found_and_why(archive: Peer) -> None:
    outcome = find(archive, "--patient-id", "PAT-A", "--date", "19990101", "--relax")
    assert (outcome.status, outcome.stdout) == (0, "")
    lines = [" ".join(line.split()) for line in outcome.stderr.splitlines()]
    assert "without StudyDate 2 the latest of 2023-06-15" in lines
    assert any(line.startswith("without PatientID ") for line in lines)


# --- letters ---------------------------------------------------------------------------------------------------------


def bundled_names() -> dict[str, str]:
    """Study UID to name of pydicom's own files, as pydicom reads them."""
    found = {}
    for path in get_charset_files("*.dcm"):
        dataset = dcmread(path)
        if "PatientName" in dataset:
            found[str(dataset.StudyInstanceUID)] = str(dataset.PatientName)
    return found


def test_names_in_every_character_set(archive: Peer) -> None:
    found = {row["StudyInstanceUID"]: row["PatientName"] for row in rows(archive)}
    if archive.title == "ORTHANC":  # it answers in one character set of its own, Latin-1
        assert found[collection.STUDIES[0].uid] == collection.MUELLER
        return
    assert {found[study.uid] for study in collection.STUDIES} == NAMES
    bundled = bundled_names()
    stored = bundled.keys() & found.keys()
    assert len(stored) >= 10
    assert {uid: found[uid].rstrip("=") for uid in stored} == {uid: bundled[uid] for uid in stored}


def test_a_name_beyond_ascii_as_key(archive: Peer) -> None:
    # dcmqrscp compares bytes, so it has to be asked in the character set of what it holds.
    words = ("-k", "SpecificCharacterSet=ISO_IR 100") if archive.title == "QRSCP" else ()
    found = ours(rows(archive, "--patient-name", "Müller*", "--columns", "StudyInstanceUID,PatientName", *words))
    assert {row["StudyInstanceUID"] for row in found} == {study.uid for study in collection.STUDIES[:2]}


# --- beside findscu --------------------------------------------------------------------------------------------------


def test_the_same_answers_as_findscu(archive: Peer, tmp_path: Path) -> None:
    findscu = program("findscu", "dcmtk")
    keys = ("-k", "QueryRetrieveLevel=STUDY", "-k", "PatientID=PAT-*", "-k", "StudyInstanceUID", "-k", "StudyDate")
    single = tmp_path / "theirs.xml"
    done = run(findscu, "-S", *archive_words(archive), *keys, "-Xs", str(single))
    assert done.status == 0, done.stderr
    theirs = {tuple(values_of(each)) for each in ElementTree.parse(single).getroot()}
    own = tmp_path / "ours.xml"
    outcome = dcmnet("find", "-S", *archive_words(archive), *keys, "-Xs", str(own))
    assert (outcome.status, outcome.stdout) == (0, "")
    found = {tuple(values_of(each)) for each in ElementTree.parse(own).getroot()}
    assert len(found) == 6
    assert theirs <= found  # it leaves out those whose letters its iconv cannot convert
    assert len(theirs) >= 4


def archive_words(peer: Peer) -> tuple[str, ...]:
    """The same for findscu and for us."""
    return ("-aet", "HERE", *peer.words)


def values_of(data_set: ElementTree.Element) -> list[str]:
    wanted = ("PatientID", "StudyInstanceUID", "StudyDate")
    return sorted(f"{each.get('name')}={each.text or ''}" for each in data_set if each.get("name") in wanted)


def test_the_same_files_as_findscu(archive: Peer, tmp_path: Path) -> None:
    keys = ("-k", "QueryRetrieveLevel=STUDY", "-k", "PatientID=PAT-A", "-k", "StudyInstanceUID", "-k", "PatientName")
    folders = tmp_path / "theirs", tmp_path / "ours"
    for folder in folders:
        folder.mkdir()
    assert (
        run(program("findscu", "dcmtk"), "-S", *archive_words(archive), *keys, "-X", "-od", str(folders[0])).status == 0
    )
    assert dcmnet("find", "-S", *archive_words(archive), *keys, "-X", "-od", str(folders[1])).status == 0
    theirs, own = ([dcmread(path) for path in sorted(folder.iterdir())] for folder in folders)
    assert [path.name for path in sorted(folders[1].iterdir())] == [path.name for path in sorted(folders[0].iterdir())]
    assert Counter(str(each.StudyInstanceUID) for each in own) == Counter(str(each.StudyInstanceUID) for each in theirs)
    assert {str(each.PatientName) for each in own} == {str(each.PatientName) for each in theirs}


# --- worklist --------------------------------------------------------------------------------------------------------


def worklist_item(name: str, station: str, modality: str, when: str, character_set: str = "ISO_IR 100") -> Dataset:
    dataset = Dataset()
    dataset.SpecificCharacterSet = character_set
    dataset.AccessionNumber = "RX90"
    dataset.PatientName = name
    dataset.PatientID = f"ID{name[:2]}"
    dataset.PatientBirthDate, dataset.PatientSex = "19700101", "F"
    dataset.StudyInstanceUID = f"1.2.3.{len(name)}"
    dataset.RequestedProcedureDescription = "CT Head native"
    dataset.RequestedProcedureID = "RP1"
    step = Dataset()
    step.Modality, step.ScheduledStationAETitle = modality, station
    step.ScheduledProcedureStepStartDate, step.ScheduledProcedureStepStartTime = when, "081500"
    step.ScheduledPerformingPhysicianName = "DOC"
    step.ScheduledProcedureStepDescription = "native"
    step.ScheduledProcedureStepID = "SPS1"
    dataset.ScheduledProcedureStepSequence = [step]
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return dataset


@pytest.fixture(scope="module")
def worklist(tmp_path_factory: Folders) -> Iterator[Peer]:
    folder = tmp_path_factory.mktemp("worklist")
    items = (
        worklist_item("KAYA^Ælif", "CTROOM2", "CT", "20250114"),
        worklist_item("OKAFOR^Chidi", "CTROOM1", "CT", "20250114"),
        worklist_item("ROE^Richard", "MR1", "MR", "20250115"),
    )
    paths = []
    for number, item in enumerate(items):
        paths.append(folder / f"{number}.wl")
        item.save_as(paths[-1])
    with peers.wlmscpfs(folder, "RIS", *paths) as peer:
        yield peer


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ((), {"KAYA^Ælif", "OKAFOR^Chidi", "ROE^Richard"}),
        (("--modality", "CT"), {"KAYA^Ælif", "OKAFOR^Chidi"}),
        (("--date", "2025-01-14", "--station", "CTROOM2"), {"KAYA^Ælif"}),
        (("--date", "2025-01-15.."), {"ROE^Richard"}),
        (("-k", "(0040,0100)[0].Modality=MR"), {"ROE^Richard"}),
        (("--patient-name", "OKA*"), {"OKAFOR^Chidi"}),
    ],
)
def test_a_worklist(worklist: Peer, words: tuple[str, ...], names: set[str]) -> None:
    outcome = find(worklist, "-W", *words, "--json")
    found = outcome.json
    assert outcome.status == 0
    matches = [Dataset.from_json(json.dumps(match)) for match in found["matches"]]
    assert {str(match.PatientName) for match in matches} == names
    for match in matches:
        (step,) = match.ScheduledProcedureStepSequence
        assert step.ScheduledProcedureStepStartTime == "081500"


def test_a_worklist_by_path_in_lines(worklist: Peer) -> None:
    outcome = find(
        worklist,
        "-W",
        "--modality",
        "CT",
        "--columns",
        "ScheduledProcedureStepSequence[0].ScheduledStationAETitle,PatientName",
        "--sort",
        "PatientName",
    )
    assert outcome.stdout == "CTROOM2\tKAYA^Ælif\nCTROOM1\tOKAFOR^Chidi\n"


def test_the_same_worklist_as_findscu(worklist: Peer, tmp_path: Path) -> None:
    keys = ("-k", "PatientName", "-k", "(0040,0100)[0].Modality=CT", "-k", "(0040,0100)[0].(0040,0001)")
    found: list[Any] = []
    for command in ((program("findscu", "dcmtk"),), None):
        folder = tmp_path / str(len(found))
        folder.mkdir()
        words = ("-W", *worklist.words, *keys, "-X", "-od", str(folder))
        outcome = run(*command, *words) if command else dcmnet("find", *words)
        assert outcome.status == 0, outcome.stderr
        answers = [dcmread(path) for path in sorted(folder.iterdir())]
        found.append(sorted((str(a.PatientName), str(a.ScheduledProcedureStepSequence[0].Modality)) for a in answers))
    assert found[0] == found[1]
    assert len(found[0]) == 2


def test_no_worklist_here(archive: Peer) -> None:
    outcome = find(archive, "-W")
    assert outcome.status == 7
    assert "no presentation context for modality worklist queries" in outcome.stderr


def test_orthanc_hangs_up_on_titles_it_does_not_know(orthanc: Peer) -> None:
    """And says nothing of it, so we do."""
    outcome = find(orthanc, "-aet", "STRANGER")
    assert outcome.status == 6
    assert 'try 1: Peer: register our AE title, "STRANGER"' in outcome.stderr
