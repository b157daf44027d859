"""DCMTK and pynetdicom against ``dcmnet listen --archive`` and ``--worklist``."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydicom
import pytest

from tests import collection
from tests.collection import CLASSES, STUDIES
from tests.interop.conftest import Folders, StartListener
from tests.interop.running import HOST, Listener, Outcome, Peer, dcmnet, missing, program, run

FIRST, SECOND = STUDIES[:2]


@pytest.fixture(scope="module")
def other(tmp_path_factory: Folders) -> Iterator[tuple[Listener, Path]]:
    """A ``dcmnet listen`` to move to."""
    folder = tmp_path_factory.mktemp("other")
    listener = Listener(tmp_path_factory.mktemp("log"), "-od", str(folder), "-aet", "OTHER")
    yield listener, folder
    listener.process.stop()


@pytest.fixture(scope="module")
def archive(
    tmp_path_factory: Folders, sink: tuple[Peer, Path], other: tuple[Listener, Path]
) -> Iterator[tuple[Listener, Path]]:
    """An archive that storescu has filled, with the invented collection and pydicom's bundled objects."""
    source, folder = tmp_path_factory.mktemp("objects"), tmp_path_factory.mktemp("archive")
    collection.write(source)
    nodes = ("--node", f"SINK@{HOST}:{sink[0].port}", "--node", f"OTHER@{HOST}:{other[0].port}")
    log = tmp_path_factory.mktemp("log")
    listener = Listener(log, "-aet", "PACS", "--archive", str(folder), *nodes)
    stored = run(program("storescu", "dcmtk"), "+sd", "-aec", "PACS", HOST, str(listener.port), str(source))
    assert stored.status == 0, stored
    bundled = Path(pydicom.__file__).parent / "data" / "test_files"
    dcmnet("store", f"PACS@{HOST}:{listener.port}", str(bundled), "-q")  # some of these no archive could take
    yield listener, folder
    listener.process.stop()


def find(server: Listener, *words: str) -> Outcome:
    return run(program("findscu", "dcmtk"), "-aec", "PACS", *words, HOST, str(server.port))


def values(outcome: Outcome, tag: str) -> list[str]:
    """The values of an element in findscu's listing, as often as it comes."""
    assert outcome.status == 0, outcome
    log = outcome.stdout + outcome.stderr
    return [found.strip("\0 ") for found in re.findall(rf"^I: *\({tag}\) \w\w \[?([^\]#]*)\]? *#", log, re.MULTILINE)]


def ours(outcome: Outcome) -> set[int]:
    """The numbers of the invented studies among those found. Bundled ones without the value asked for match as well."""
    uids = (uid for uid in values(outcome, "0020,000d") if uid.startswith(f"{collection.ROOT}."))
    return {int(uid.rpartition(".")[2]) for uid in uids}


def keys(*words: str) -> list[str]:
    return [part for word in words for part in ("-k", word)]


def test_every_level_of_every_model(archive: tuple[Listener, Path]) -> None:
    server, _ = archive
    patient = find(server, "-P", *keys("QueryRetrieveLevel=PATIENT", "PatientID=PAT-?", "PatientName"))
    assert values(patient, "0010,0020") == ["PAT-A", "PAT-B", "PAT-C"]
    only = find(server, "-O", *keys("QueryRetrieveLevel=STUDY", "PatientID=PAT-A", "StudyInstanceUID"))
    assert set(values(only, "0020,000d")) == {FIRST.uid, SECOND.uid}
    study = find(server, "-S", *keys("QueryRetrieveLevel=STUDY", "AccessionNumber=ACC?", "NumberOfStudyRelatedSeries"))
    counts = dict(zip(values(study, "0008,0050"), values(study, "0020,1206"), strict=True))
    assert {each.accession: counts[each.accession] for each in STUDIES} == {
        each.accession: str(len(each.modalities)) for each in STUDIES
    }
    series = find(
        server,
        "-S",
        *keys("QueryRetrieveLevel=SERIES", f"StudyInstanceUID={SECOND.uid}", "SeriesInstanceUID", "Modality"),
    )
    assert sorted(values(series, "0008,0060")) == sorted(SECOND.modalities)
    image = find(
        server,
        "-P",
        *keys("QueryRetrieveLevel=IMAGE", "PatientID=PAT-A", f"StudyInstanceUID={SECOND.uid}"),
        *keys(f"SeriesInstanceUID={SECOND.series_uid(0)}", "SOPInstanceUID"),
    )
    assert sorted(values(image, "0008,0018")) == [SECOND.instance_uid(0, 0), SECOND.instance_uid(0, 1)]


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("PatientName=YAMADA*", {3, 4}),
        ("StudyDate=20230101-20230630", {1, 2, 3, 6}),
        ("StudyTime=-0930", {1, 4, 6}),
        ("ModalitiesInStudy=MR", {2, 5}),
        ("(0008,1032)[0].(0008,0100)=P-3", {3}),
        (f"StudyInstanceUID={FIRST.uid}\\{STUDIES[5].uid}", {1, 6}),
    ],
)
def test_matching(archive: tuple[Listener, Path], key: str, found: set[int]) -> None:
    assert ours(find(archive[0], "-S", *keys("QueryRetrieveLevel=STUDY", "StudyInstanceUID", key))) == found


def test_names_of_every_character_set(archive: tuple[Listener, Path], tmp_path: Path) -> None:
    words = ("-S", "-X", "-od", str(tmp_path), *keys("QueryRetrieveLevel=STUDY", "PatientID", "PatientName"))
    assert find(archive[0], *words).status == 0
    answers = map(pydicom.dcmread, tmp_path.glob("rsp*.dcm"))
    names = {str(answer.PatientName) for answer in answers if str(answer.PatientID).startswith("PAT-")}
    assert names == {collection.MUELLER, collection.YAMADA, collection.WANG}


def test_every_bundled_study_is_found(archive: tuple[Listener, Path]) -> None:
    """What the index has is what lies on disk, and what findscu finds."""
    server, folder = archive
    studies = set()
    for path in folder.glob("*.dcm"):
        data_set = pydicom.dcmread(
            path, stop_before_pixels=True, specific_tags=["StudyInstanceUID", "SeriesInstanceUID"]
        )
        if data_set.get("StudyInstanceUID") and data_set.get("SeriesInstanceUID"):
            studies.add(str(data_set.StudyInstanceUID))
    found = values(find(server, "-S", *keys("QueryRetrieveLevel=STUDY", "StudyInstanceUID")), "0020,000d")
    assert len(studies) > 20
    assert set(found) == studies
    assert len(found) == len(studies)


def move(server: Listener, destination: str, *words: str) -> Outcome:
    program_ = program("movescu", "dcmtk")
    return run(program_, "-v", "-aec", "PACS", "-aem", destination, *words, HOST, str(server.port))


def test_movescu_to_storescp(archive: tuple[Listener, Path], sink: tuple[Peer, Path]) -> None:
    words = ("-S", *keys("QueryRetrieveLevel=STUDY", f"StudyInstanceUID={SECOND.uid}"))
    moved = move(archive[0], "SINK", *words)
    assert moved.status == 0
    assert "Received Final Move Response (Success)" in moved.stderr + moved.stdout
    arrived = {path.name.partition(".")[2] for path in sink[1].glob("*.*") if path.is_file()}
    assert arrived == {SECOND.instance_uid(series, index) for series in range(4) for index in range(2)}


def test_movescu_to_dcmnet_listen(archive: tuple[Listener, Path], other: tuple[Listener, Path]) -> None:
    words = ("-P", *keys("QueryRetrieveLevel=PATIENT", "PatientID=PAT-B"))
    assert move(archive[0], "OTHER", *words).status == 0
    other[0].wait_for("received")
    for study in STUDIES[2:4]:
        for series in range(3):
            for index in range(2):
                content = (other[1] / f"{study.instance_uid(series, index)}.dcm").read_bytes()
                assert content.endswith(collection.data_set(study, series, index))


def test_movescu_to_nobody(archive: tuple[Listener, Path]) -> None:
    words = ("-S", *keys("QueryRetrieveLevel=STUDY", f"StudyInstanceUID={FIRST.uid}"))
    moved = move(archive[0], "NOBODY", *words)
    assert "MoveDestinationUnknown" in moved.stderr + moved.stdout


def test_getscu(archive: tuple[Listener, Path], tmp_path: Path) -> None:
    got = run(
        program("getscu", "dcmtk"),
        *("-v", "-S", "-aec", "PACS", "-od", str(tmp_path), "+B", HOST, str(archive[0].port)),
        *keys("QueryRetrieveLevel=SERIES", f"StudyInstanceUID={FIRST.uid}", f"SeriesInstanceUID={FIRST.series_uid(0)}"),
    )
    assert got.status == 0, got
    assert "Number of Completed Suboperations : 2" in got.stderr + got.stdout
    contents = sorted(path.read_bytes() for path in tmp_path.iterdir())
    assert len(contents) == 2
    for index, content in enumerate(contents):
        assert content.endswith(collection.data_set(FIRST, 0, index))


def pynetdicom() -> Any:
    try:
        import pynetdicom
    except ImportError:
        missing("pynetdicom", "pip install pynetdicom")
    return pynetdicom


def test_pynetdicom_asks_relationally_and_gets(archive: tuple[Listener, Path]) -> None:
    library = pynetdicom()
    from pynetdicom.pdu_primitives import SOPClassExtendedNegotiation

    model, retrieve = "1.2.840.10008.5.1.4.1.2.2.1", "1.2.840.10008.5.1.4.1.2.2.3"
    entity = library.AE("PYNETDICOM")
    entity.add_requested_context(model)
    entity.add_requested_context(retrieve)
    entity.add_requested_context(CLASSES["SR"])
    extended = SOPClassExtendedNegotiation()
    extended.sop_class_uid, extended.service_class_application_information = model, b"\1\1\1\0\0\1\1"
    got: list[str] = []

    def store(event: Any) -> int:
        got.append(str(event.dataset.SOPInstanceUID))
        return 0

    association = entity.associate(
        HOST,
        archive[0].port,
        ae_title="PACS",
        ext_neg=[library.build_role(CLASSES["SR"], scp_role=True), extended],
        evt_handlers=[(library.evt.EVT_C_STORE, store)],
    )
    assert association.is_established
    try:
        query = pydicom.Dataset()
        query.QueryRetrieveLevel, query.Modality, query.PatientID, query.SOPInstanceUID = "IMAGE", "SR", "PAT-C", ""
        responses = [(status.Status, found) for status, found in association.send_c_find(query, model)]
        *matches, (final, nothing) = responses
        assert (final, nothing) == (0, None)
        wanted = {str(found.SOPInstanceUID) for status, found in matches if status == 0xFF00}
        assert {uid for uid in wanted if uid.startswith(collection.ROOT)} == {
            STUDIES[n].instance_uid(s, i) for n, s in ((4, 3), (5, 1)) for i in (0, 1)
        }
        keys_ = pydicom.Dataset()
        keys_.QueryRetrieveLevel, keys_.StudyInstanceUID = "SERIES", STUDIES[5].uid
        keys_.SeriesInstanceUID = STUDIES[5].series_uid(1)
        *_, (status, _) = association.send_c_get(keys_, retrieve)
        assert (status.Status, status.NumberOfCompletedSuboperations) == (0, 2)
        assert sorted(got) == [STUDIES[5].instance_uid(1, index) for index in (0, 1)]
    finally:
        association.release()


def test_findscu_asks_a_worklist(listener: StartListener, tmp_path: Path) -> None:
    table = tmp_path / "list.csv"
    header = "PatientName,PatientID,Modality,ScheduledStationAETitle,ScheduledProcedureStepStartDate\n"
    table.write_text(f"{header}Doe^Jane,P1,CT,CT1,20240229\nRoe^Richard,P2,MR,MR1,20240301\n")
    server = listener("--worklist", str(table))
    step = "ScheduledProcedureStepSequence[0]."
    words = ("-W", *keys("PatientName", "PatientID", f"{step}Modality=MR", f"{step}ScheduledProcedureStepStartDate"))
    assert values(find(server, *words), "0010,0020") == ["P2"]
    table.write_text(f"{header}Poe^Edgar,P3,MR,MR1,20240302\n")
    found = find(server, *words)
    assert values(found, "0010,0020") == ["P3"]
    assert values(found, "0040,0002") == ["20240302"]


def test_a_folder_that_is_none_or_no_archive_or_in_use(archive: tuple[Listener, Path], tmp_path: Path) -> None:
    missing_folder = dcmnet("listen", "0", "--archive", str(tmp_path / "missing"))
    assert (missing_folder.status, missing_folder.stdout) == (2, "")
    assert "is no folder" in missing_folder.stderr
    (tmp_path / "letter.txt").write_text("dear archive")
    stranger = dcmnet("listen", "0", "--archive", str(tmp_path))
    assert (stranger.status, stranger.stdout) == (2, "")
    assert "is no archive: it holds files and no index" in stranger.stderr
    assert "--reindex" in stranger.stderr
    in_use = dcmnet("listen", "0", "--archive", str(archive[1]))
    assert (in_use.status, in_use.stdout) == (11, "")
    assert "is in use by another listener" in in_use.stderr
    for words in (("--reindex",), ("--node", "X@h:1"), ("--archive", str(tmp_path), "-od", str(tmp_path))):
        assert dcmnet("listen", "0", *words).status == 2


def test_reindex_makes_an_archive_of_a_folder(listener: StartListener, tmp_path: Path) -> None:
    collection.write(tmp_path / "a" / "b")
    begin = time.monotonic()
    server = listener("--archive", str(tmp_path), "--reindex")
    event = server.wait_for("archive")
    assert (event["studies"], event["series"], event["instances"]) == (6, 20, 40)
    assert time.monotonic() - begin < 10
    found = find(server, "-S", *keys("QueryRetrieveLevel=STUDY", "AccessionNumber"))
    assert sorted(values(found, "0008,0050")) == [study.accession for study in STUDIES]
