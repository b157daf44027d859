"""``dcmnet move`` against dcmqrscp and Orthanc: to this computer, to a third party, and to nobody."""

import os
import socket
import sys
from pathlib import Path

import pydicom
import pytest

from tests.interop.archives import ACCESSION, PATIENT, SECOND_STUDY, STUDY, Filled
from tests.interop.conftest import StartListener
from tests.interop.running import HOST, Process, dcmnet, is_open, wait_until


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    return folder


def names(folder: Path) -> set[str]:
    return {name.removesuffix(".dcm") for name in os.listdir(folder)}


def here(filled: Filled, folder: Path) -> tuple[str, ...]:
    return "--here", str(folder), "+P", str(filled.port), "--bind", HOST


def test_by_accession_to_this_computer(filled: Filled, inbox: Path) -> None:
    outcome = dcmnet("move", *filled.words, "--accession", ACCESSION, *here(filled, inbox))
    assert outcome.status == 0, outcome
    assert names(inbox) == set(filled.instances[STUDY])
    lines = outcome.stdout.splitlines()
    assert lines[:-1] == ["expected\t12", "completed\t12", "failed\t0", "warning\t0", "received\t12"]
    assert lines[-1].startswith(f"ok\tdcmnet move\t{filled.peer.label} as HERE\t")


def test_what_arrives_is_what_was_stored(filled: Filled, inbox: Path) -> None:
    outcome = dcmnet("move", *filled.words, "--study", SECOND_STUDY, *here(filled, inbox))
    assert outcome.status == 0, outcome
    (uid,) = filled.instances[SECOND_STUDY]
    found = pydicom.dcmread(inbox / f"{uid}.dcm")
    assert (found.SOPInstanceUID, found.StudyInstanceUID, found.PatientID) == (uid, SECOND_STUDY, PATIENT)
    assert found.pixel_array.shape == (128, 128)


def test_as_json(filled: Filled, inbox: Path) -> None:
    told = dcmnet("move", *filled.words, "--patient-id", PATIENT, *here(filled, inbox), "--json").json
    assert (told["ok"], told["exit"], told["complete"]) == (True, 0, True)
    assert told["counts"] == {"expected": 13, "completed": 13, "failed": 0, "warning": 0, "received": 13}
    assert told["missing"] == []
    assert {entity["key"] for entity in told["entities"]} == {STUDY, SECOND_STUDY}
    assert [request["status_hex"] for request in told["requests"]] == ["0x0000", "0x0000"]


def test_missing_brings_the_rest_alone(filled: Filled, inbox: Path) -> None:
    words = (*filled.words, "--study", STUDY, *here(filled, inbox))
    assert dcmnet("move", *words).status == 0
    gone = sorted(names(inbox))[:3]
    for name in gone:
        (inbox / f"{name}.dcm").unlink()
    told = dcmnet("move", *words, "--missing", "--json").json
    assert (told["exit"], told["already"], told["counts"]["expected"], told["counts"]["received"]) == (0, 9, 3, 3)
    assert names(inbox) == set(filled.instances[STUDY])
    again = dcmnet("move", *words, "--missing", "--json").json
    assert (again["exit"], again["already"], again["requests"]) == (0, 12, [])


def test_one_series_in_patient_root(filled: Filled, inbox: Path) -> None:
    series = pydicom.uid.generate_uid(entropy_srcs=["series", "CT_small.dcm"])
    keys = ("-P", "-k", "QueryRetrieveLevel=SERIES", "-k", f"0010,0020={PATIENT}", "-k", f"StudyInstanceUID={STUDY}")
    outcome = dcmnet(
        "move", *filled.words, *keys, "-k", f"0020,000e={series}", "-od", str(inbox), "+P", str(filled.port)
    )
    assert outcome.status == 0, outcome
    assert len(names(inbox)) == 5


def test_to_a_third_party(filled: Filled, inbox: Path, tmp_path: Path) -> None:
    words = ("listen", str(filled.third), "-aet", "THIRD", "-od", str(inbox))
    process = Process((sys.executable, "-m", "dcmnet_cli", *words), tmp_path / "third")
    try:
        wait_until(lambda: is_open(filled.third), "the third party listens")
        outcome = dcmnet("move", *filled.words, "--study", STUDY, "-aem", "THIRD")
    finally:
        process.stop()
    assert outcome.status == 0, outcome
    assert "received\t-" in outcome.stdout.splitlines()
    assert names(inbox) == set(filled.instances[STUDY])


def test_a_destination_that_the_archive_does_not_know(filled_dcmqrscp: Filled, inbox: Path) -> None:
    """The note that the archive's people need, with everything in it that they have to type."""
    words = (*filled_dcmqrscp.words, "-aem", "STRANGER", "--study", STUDY, *here(filled_dcmqrscp, inbox))
    outcome = dcmnet("move", *words)
    assert outcome.status == 9
    assert "0xA801" in outcome.stderr
    note = next(line for line in outcome.stderr.splitlines() if "AE title STRANGER" in line)
    for fact in (socket.gethostname(), HOST, f"port {filled_dcmqrscp.port}", "no TLS"):
        assert fact in note
    told = dcmnet("move", *words, "--json").json
    assert (told["exit"], told["error"]["status_hex"], told["counts"]["received"]) == (9, "0xA801", 0)
    assert told["destination"]["port"] == filled_dcmqrscp.port
    assert any("STRANGER" in line for line in told["note_to_peer"])


def test_a_destination_that_orthanc_does_not_know(filled_orthanc: Filled, inbox: Path) -> None:
    """It answers with a status of its own, and nothing reaches the listener: the note comes all the same."""
    words = (*filled_orthanc.words, "-aem", "STRANGER", "--study", STUDY, *here(filled_orthanc, inbox))
    outcome = dcmnet("move", *words, "--grace", "0.2")
    assert outcome.status == 9
    assert "0xC000" in outcome.stderr
    assert any("AE title STRANGER" in line for line in outcome.stderr.splitlines())


def test_a_destination_that_does_not_answer(filled: Filled) -> None:
    told = dcmnet("move", *filled.words, "--study", STUDY, "-aem", "NOBODY", "--json").json
    assert told["exit"] == 9
    assert told["error"]["kind"] == "status"
    assert told["counts"]["received"] is None
    assert told["counts"]["completed"] in (0, None)


def test_a_known_title_and_another_port(filled: Filled, inbox: Path) -> None:
    """The archive sends to the port on file, and we listen on another one."""
    words = (*filled.words, "--study", STUDY, "--here", str(inbox), "+P", "0", "--bind", HOST, "--grace", "0.2")
    told = dcmnet("move", *words, "--json").json
    assert told["exit"] in (1, 9)
    assert (told["counts"]["received"], len(told["missing"])) == (0, 12)
    assert any("on file" in line for line in told["advice"])
    assert names(inbox) == set()


def test_nothing_matches(filled: Filled, inbox: Path) -> None:
    outcome = dcmnet("move", *filled.words, "--accession", "NONE", *here(filled, inbox))
    assert outcome.status == 2
    assert "nothing to retrieve: no study matches" in outcome.stderr


def test_the_port_is_taken(filled: Filled, inbox: Path) -> None:
    with socket.create_server((HOST, filled.port)):
        outcome = dcmnet("move", *filled.words, "--study", STUDY, *here(filled, inbox))
    assert outcome.status == 3
    assert "in use" in outcome.stderr


def test_a_peer_without_c_move(listener: StartListener, filled: Filled, inbox: Path) -> None:
    """A listener of ours that only stores has no C-MOVE: one line says so."""
    server = listener("--ignore")
    outcome = dcmnet("move", HOST, str(server.port), "--study", STUDY, "--here", str(inbox), "+P", "0", "--bind", HOST)
    assert outcome.status == 7
    assert "C-MOVE" in outcome.stderr
