"""``dcmnet store`` against real archives, and what a shell sees of it: exit status, stdout and stderr."""

import json
import os
import signal
import socket
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy
import pydicom
import pytest

from dcmnet_cli.core.uids import IMPLICIT_VR_LITTLE_ENDIAN
from tests.dicom_files import CT, data_set, part10
from tests.interop import peers
from tests.interop.conftest import StartAE, StartListener
from tests.interop.running import HOST, Outcome, Peer, Process, dcmnet, free_port, wait_until
from tests.interop.scripted import abort_the_request, close_at_once, never_answer, scripted
from tests.ops.objects import FOLDER, values

BUNDLED = (
    "CT_small.dcm",  # explicit VR little endian
    "MR_small_implicit.dcm",
    "MR_small_bigendian.dcm",
    "image_dfl.dcm",
    "SC_rgb_jpeg_dcmtk.dcm",
    "JPGExtended.dcm",
    "JPEG-lossy.dcm",
    "SC_rgb_jpeg_gdcm.dcm",
    "JPEGLSNearLossless_16.dcm",
    "SC_rgb_rle.dcm",
    "JPEG2000.dcm",
    "MR_small_jp2klossless.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
    "reportsi.dcm",
    "rtplan.dcm",
    "waveform_ecg.dcm",
)
"""A file of every transfer syntax that pydicom brings, and some that are no images."""


def objects(folder: Path, count: int, studies: int = 1) -> Path:
    folder.mkdir()
    for number in range(count):
        uid = f"1.2.3.4.{number}"
        (folder / f"{number:03}.dcm").write_bytes(
            part10(data_set(uid, study=f"1.2.3.{number % studies}"), instance=uid)
        )
    return folder


def summary(outcome: Outcome) -> dict[str, str]:
    """The ``name<TAB>value`` lines of stdout."""
    return dict(line.split("\t") for line in outcome.stdout.splitlines() if line.count("\t") == 1)


def counts(outcome: Outcome) -> tuple[int, ...]:
    """stored, warned, failed, not_sent, in_doubt, confirmed"""
    told = summary(outcome)
    return tuple(int(told[name]) for name in ("stored", "warned", "failed", "not_sent", "in_doubt", "confirmed"))


def data_of(path: str | Path) -> bytes:
    """The data set of a file, byte by byte."""
    raw = Path(path).read_bytes()
    length = int.from_bytes(raw[140:144], "little")
    return raw[144 + length :]


# --- archives ------------------------------------------------------------------------------------------------------


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[tuple[Peer, Path]]:
    """storescp that takes every transfer syntax and keeps the bytes as they come."""
    folder = tmp_path / "storescp"
    folder.mkdir()
    inbox = folder / "inbox"
    inbox.mkdir()
    with peers.storescp(folder, "+B", "+xa", "-od", str(inbox)) as peer:
        yield peer, inbox


@pytest.mark.parametrize("name", BUNDLED)
def test_storescp_gets_the_bytes_of_the_file(receiver: tuple[Peer, Path], name: str) -> None:
    peer, inbox = receiver
    outcome = dcmnet("store", *peer.words, f"{FOLDER}/{name}")
    assert (outcome.status, counts(outcome)) == (0, (1, 0, 0, 0, 0, 0)), outcome.stderr
    (stored,) = inbox.iterdir()
    original = pydicom.dcmread(f"{FOLDER}/{name}")
    data, kept = data_of(f"{FOLDER}/{name}"), data_of(stored)
    if name == "image_dfl.dcm":  # has eight bytes behind the end of its deflated data, which are no data set
        assert (kept[:-1], kept[-1:]) == (data[:-8], b"\0")
    else:
        assert kept == data
    assert pydicom.dcmread(stored).file_meta.TransferSyntaxUID == original.file_meta.TransferSyntaxUID


def test_a_folder_of_everything_to_storescp(receiver: tuple[Peer, Path]) -> None:
    peer, inbox = receiver
    outcome = dcmnet("store", *peer.words, *(f"{FOLDER}/{name}" for name in BUNDLED), "--json", "--jobs", "4")
    assert outcome.status == 0
    assert outcome.json["counts"]["stored"] == len(BUNDLED)
    assert len(outcome.json["instances"]) == len(BUNDLED)
    uids = {str(pydicom.dcmread(path).SOPInstanceUID) for path in inbox.iterdir()}
    assert uids == {str(pydicom.dcmread(f"{FOLDER}/{name}").SOPInstanceUID) for name in BUNDLED}


@pytest.mark.parametrize("name", ["CT_small.dcm", "MR_small_bigendian.dcm", "image_dfl.dcm", "reportsi.dcm"])
def test_storescp_that_takes_implicit_vr_only(tmp_path: Path, name: str) -> None:
    (tmp_path / "inbox").mkdir()
    with peers.storescp(tmp_path, "+xi", "-od", str(tmp_path / "inbox")) as peer:
        never = dcmnet("store", *peer.words, f"{FOLDER}/{name}", "--transcode", "never", "--json")
        assert (never.status, never.json["counts"]["not_sent"]) == (7, 1)
        assert (
            "not accepted: transfer syntaxes not supported, and --transcode never"
            in never.json["instances"][0]["reason"]
        )
        outcome = dcmnet("store", *peer.words, f"{FOLDER}/{name}", "--json")
    assert outcome.status == 0
    (instance,) = outcome.json["instances"]
    assert instance["sent_as"] == IMPLICIT_VR_LITTLE_ENDIAN
    assert instance["changes"]
    (stored,) = (tmp_path / "inbox").iterdir()
    converted, original = pydicom.dcmread(stored), pydicom.dcmread(f"{FOLDER}/{name}")
    without = frozenset((0x7FE00010, 0xFFFCFFFC))  # pixels in another byte order; padding behind the end
    assert values(converted, without) == values(original, without)
    if "PixelData" in original:
        assert numpy.array_equal(converted.pixel_array, original.pixel_array)


@pytest.mark.parametrize("name", ["SC_rgb_rle.dcm", "MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm"])
def test_what_is_decompressed_for_a_peer_has_the_same_pixels(tmp_path: Path, name: str) -> None:
    (tmp_path / "inbox").mkdir()
    with peers.storescp(tmp_path, "+xi", "-od", str(tmp_path / "inbox")) as peer:
        outcome = dcmnet("store", *peer.words, f"{FOLDER}/{name}")
    assert (outcome.status, counts(outcome)) == (0, (1, 0, 0, 0, 0, 0)), outcome.stderr
    (stored,) = (tmp_path / "inbox").iterdir()
    original, converted = pydicom.dcmread(f"{FOLDER}/{name}"), pydicom.dcmread(stored)
    assert converted.file_meta.TransferSyntaxUID == IMPLICIT_VR_LITTLE_ENDIAN
    assert numpy.array_equal(original.pixel_array, converted.pixel_array)


def test_orthanc(orthanc: Peer) -> None:
    files = [f"{FOLDER}/{name}" for name in ("CT_small.dcm", "MR_small.dcm", "JPEG2000.dcm", "rtplan.dcm")]
    outcome = dcmnet("store", *orthanc.words, *files)
    assert (outcome.status, counts(outcome)) == (0, (4, 0, 0, 0, 0, 0)), outcome.stderr
    assert outcome.stderr == ""
    again = dcmnet("store", *orthanc.words, *files, "--repeat", "3", "-j", "3")
    assert (again.status, counts(again)) == (0, (12, 0, 0, 0, 0, 0))


def test_orthanc_refuses_what_has_no_patient(orthanc: Peer, tmp_path: Path) -> None:
    """It wants four identifiers and answers with a failure when it finds none of them in a truncated object."""
    file = pydicom.dcmread(f"{FOLDER}/CT_small.dcm")
    for keyword in ("PatientID", "StudyInstanceUID", "SeriesInstanceUID"):
        delattr(file, keyword)
    file.save_as(tmp_path / "bad.dcm")
    outcome = dcmnet("store", *orthanc.words, str(tmp_path / "bad.dcm"), f"{FOLDER}/MR_small.dcm")
    assert (outcome.status, counts(outcome)) in ((1, (1, 0, 1, 0, 0, 0)), (0, (2, 0, 0, 0, 0, 0)))


@pytest.fixture(scope="session")
def choosy(start_ae: StartAE) -> Peer:
    """pynetdicom that answers by the last component of the instance UID: 1 warns, 2 refuses, 3 cannot process."""
    from pynetdicom import evt

    def handle(event: Any) -> Any:
        number = int(event.request.AffectedSOPInstanceUID.rpartition(".")[2])
        answer = pydicom.Dataset()
        answer.Status = {1: 0xB007, 2: 0xA701, 3: 0xC123}.get(number, 0)
        if answer.Status:
            answer.ErrorComment = "quota of \x1b[31mJANE[/red] reached"
            answer.OffendingElement = 0x00100020
        return answer

    return start_ae([CT], [(evt.EVT_C_STORE, handle)])


def test_accepted_warned_and_refused(choosy: Peer, tmp_path: Path) -> None:
    folder = objects(tmp_path / "in", 5)
    outcome = dcmnet("store", *choosy.words, str(folder))
    assert (outcome.status, counts(outcome)) == (1, (2, 1, 2, 0, 0, 0))
    instances = [line.split("\t") for line in outcome.stdout.splitlines() if line.startswith("instance\t")]
    assert [(row[1], row[2], Path(row[3]).name) for row in instances] == [
        ("warned", "0xB007", "001.dcm"),
        ("failed", "0xA701", "002.dcm"),
        ("failed", "0xC123", "003.dcm"),
    ]
    assert outcome.stdout.splitlines()[-1].startswith("FAILED\tdcmnet store\t")
    assert "(0010,0020)" in outcome.stderr
    assert "quota of" in outcome.stderr
    asked = dcmnet("store", *choosy.words, str(folder), "--json").json
    assert (asked["ok"], asked["exit"], asked["error"]) == (False, 1, None)
    assert asked["counts"] == {
        **asked["counts"],
        "stored": 2,
        "warned": 1,
        "failed": 2,
        "not_sent": 0,
    }
    assert [each["status"] for each in asked["instances"]].count(0xA701) == 1


def test_only_warnings(choosy: Peer, tmp_path: Path) -> None:
    folder = objects(tmp_path / "in", 2)
    assert dcmnet("store", *choosy.words, str(folder)).status == 0
    assert dcmnet("store", *choosy.words, str(folder), "--strict").status == 1


def test_nothing_but_refusals(choosy: Peer, tmp_path: Path) -> None:
    folder = objects(tmp_path / "in", 4)
    outcome = dcmnet("store", *choosy.words, str(folder / "002.dcm"), str(folder / "003.dcm"))
    assert (outcome.status, counts(outcome)) == (9, (0, 0, 2, 0, 0, 0))
    assert "0xA701" in outcome.stderr


def test_halt(choosy: Peer, tmp_path: Path) -> None:
    folder = objects(tmp_path / "in", 6)
    outcome = dcmnet("store", *choosy.words, str(folder), "--halt")
    assert (outcome.status, counts(outcome)) == (1, (1, 1, 1, 3, 0, 0))


def test_report_and_renamed_files(choosy: Peer, tmp_path: Path) -> None:
    folder = objects(tmp_path / "in", 4)
    outcome = dcmnet("store", *choosy.words, str(folder), "--report", str(tmp_path / "report.json"), "+rn")
    assert outcome.status == 1
    report = json.loads((tmp_path / "report.json").read_text())
    assert {each["file"].rpartition("/")[2]: each["outcome"] for each in report["instances"]} == {
        "000.dcm": "stored",
        "001.dcm": "warned",
        "002.dcm": "failed",
        "003.dcm": "failed",
    }
    assert sorted(os.listdir(folder)) == ["000.dcm.done", "001.dcm.done", "002.dcm.bad", "003.dcm.bad"]


def test_journal_of_two_runs(choosy: Peer, tmp_path: Path) -> None:
    folder, journal = objects(tmp_path / "in", 5), str(tmp_path / "journal")
    assert dcmnet("store", *choosy.words, str(folder), "--journal", journal).status == 1
    again = dcmnet("store", *choosy.words, str(folder), "--journal", journal)
    assert (again.status, counts(again)) == (1, (0, 0, 2, 0, 0, 3))


# --- every exit status ---------------------------------------------------------------------------------------------


def test_what_is_no_journal(tmp_path: Path) -> None:
    """Nor something that never ends."""
    folder = str(objects(tmp_path / "in", 1))
    for path in (f"{folder}/000.dcm", "/dev/zero"):
        outcome = dcmnet("store", HOST, str(free_port()), folder, "--journal", path)
        assert outcome.status == 2
        assert "not a journal of dcmnet" in outcome.stderr


def test_nothing_to_send(tmp_path: Path) -> None:
    """2, before any connection is made."""
    (tmp_path / "notes.txt").write_text("no image")
    port = str(free_port())
    outcome = dcmnet("store", HOST, port, str(tmp_path))
    assert outcome.status == 2
    assert "nothing to send: no DICOM object was found" in outcome.stderr
    assert dcmnet("store", HOST, port).status == 2
    assert dcmnet("store", HOST, port, str(tmp_path / "missing")).status == 2
    assert dcmnet("store", HOST, port, str(tmp_path), "--rate", "fast").status == 2
    assert dcmnet("store", HOST, port, str(tmp_path), "--jobs", "0").status == 2


def test_what_cannot_be_read_is_not_sent_and_no_success(listener: StartListener, tmp_path: Path) -> None:
    """A name that is wrong, an archive cut short: nobody can say that everything was stored."""
    folder = objects(tmp_path / "in", 3)
    (folder / "gone").symlink_to("nowhere")
    with tarfile.open(tmp_path / "all.tar", "w") as archive:
        archive.add(folder / "000.dcm", "000.dcm")
        archive.add(folder / "001.dcm", "001.dcm")
    with tarfile.open(tmp_path / "all.tar") as archive:
        os.truncate(tmp_path / "all.tar", archive.getmember("001.dcm").offset_data)
    (tmp_path / "all.zip").write_bytes(b"PK\3\4" + bytes(300))
    words = ("store", HOST, str(listener("--ignore").port))
    for path, reason in (
        (str(tmp_path / "missing.dcm"), "No such file or directory"),
        (str(folder / "gone"), "No such file or directory"),
        (str(tmp_path / "all.zip"), "cut short"),
    ):
        outcome = dcmnet(*words, str(folder / "002.dcm"), path)
        assert (outcome.status, counts(outcome)) == (1, (1, 0, 0, 1, 0, 0)), outcome
        assert "1 of 2 stored, 1 not sent" in outcome.stderr
        assert reason in outcome.stderr
        assert dcmnet(*words, str(folder / "002.dcm"), path, "--dry-run").status == 1
    outcome = dcmnet(*words, str(tmp_path / "all.tar"), "+rn")
    assert (tmp_path / "all.tar").exists()
    assert (outcome.status, counts(outcome)) == (1, (1, 0, 0, 1, 0, 0)), outcome
    assert "ends within 001.dcm" in outcome.stderr
    outcome = dcmnet(*words, str(folder), "--json")
    assert (outcome.status, outcome.json["counts"]["not_sent"], outcome.json["skipped"]) == (1, 1, [])
    (lost,) = [one for one in outcome.json["instances"] if one["outcome"] == "not_sent"]
    assert (lost["file"], lost["reason"]) == (str(folder / "gone"), "a symbolic link to nothing")


def test_cannot_connect(tmp_path: Path) -> None:
    begin = time.monotonic()
    outcome = dcmnet("store", HOST, str(free_port()), str(objects(tmp_path / "in", 2)))
    assert (outcome.status, counts(outcome)) == (3, (0, 0, 0, 2, 0, 0))
    assert "connection refused" in outcome.stderr
    assert time.monotonic() - begin < 3.0


def test_who_asks_for_retries_gets_them_for_the_first_connection_too(tmp_path: Path) -> None:
    words = ("store", HOST, str(free_port()), str(objects(tmp_path / "in", 1)), "--json")
    assert dcmnet(*words).json["retries"] == 0
    assert dcmnet(*words, "--retry", "1").json["retries"] == 1


def test_rejected(listener: StartListener, tmp_path: Path) -> None:
    server = listener("--called", "ARCHIVE", "--ignore")
    outcome = dcmnet("store", "-aec", "OTHER", HOST, str(server.port), str(objects(tmp_path / "in", 2)))
    assert (outcome.status, counts(outcome)) == (5, (0, 0, 0, 2, 0, 0))
    assert "called" in outcome.stderr


@pytest.mark.parametrize("script", [abort_the_request, close_at_once])
def test_aborted(script: Any, tmp_path: Path) -> None:
    with scripted(script) as port:
        outcome = dcmnet("store", HOST, str(port), str(objects(tmp_path / "in", 2)), "--retry", "1")
    assert (outcome.status, counts(outcome)) == (6, (0, 0, 0, 2, 0, 0))


def test_in_doubt(listener: StartListener, tmp_path: Path) -> None:
    server = listener("--ignore", "--abort-after")
    outcome = dcmnet("store", HOST, str(server.port), str(objects(tmp_path / "in", 3)), "--retry", "1")
    assert (outcome.status, counts(outcome)) == (6, (0, 0, 0, 1, 2, 0))
    assert outcome.stdout.count("instance\tin_doubt\t") == 2


def test_no_context(listener: StartListener, tmp_path: Path) -> None:
    server = listener("--ignore", "--only", "MRImageStorage")
    outcome = dcmnet("store", HOST, str(server.port), str(objects(tmp_path / "in", 2)))
    assert (outcome.status, counts(outcome)) == (7, (0, 0, 0, 2, 0, 0))
    assert "abstract syntax not supported" in outcome.stderr.lower()


def test_timed_out(tmp_path: Path) -> None:
    with scripted(never_answer) as port:
        outcome = dcmnet("store", HOST, str(port), str(objects(tmp_path / "in", 1)), "-ta", "0.3")
    assert (outcome.status, counts(outcome)) == (8, (0, 0, 0, 1, 0, 0))


def test_cannot_write(listener: StartListener, tmp_path: Path) -> None:
    """A journal or a report that cannot be written. What was sent is accounted for all the same."""
    server = listener("--ignore")
    folder = str(objects(tmp_path / "in", 3))
    outcome = dcmnet("store", HOST, str(server.port), folder, "--journal", str(tmp_path / "no" / "journal"))
    assert outcome.status == 11
    assert "cannot write journal" in outcome.stderr
    outcome = dcmnet("store", HOST, str(server.port), folder, "--report", "/dev/full")
    assert outcome.status == 11
    assert "cannot write report /dev/full: no space left on device" in outcome.stderr.lower()
    assert counts(outcome) == (3, 0, 0, 0, 0, 0)
    connections = len(server.events)
    outcome = dcmnet("store", HOST, str(server.port), folder, "--report", str(tmp_path / "no" / "report"))
    assert outcome.status == 11
    assert "cannot write report" in outcome.stderr
    assert len(server.events) == connections  # told before anything was sent


@pytest.mark.parametrize("jobs", ["1", "3"])
def test_interrupted(listener: StartListener, tmp_path: Path, jobs: str) -> None:
    server = listener("--ignore", "--sleep-after", "0.2")
    folder = objects(tmp_path / "in", 60, studies=6)
    report = tmp_path / "report.json"
    command = (sys.executable, "-m", "dcmnet_cli", "store", HOST, str(server.port), str(folder))
    process = Process((*command, "-j", jobs, "--report", str(report)), tmp_path / "run")
    try:
        server.wait_for("association", int(jobs))
        time.sleep(0.7)
        begin = time.monotonic()
        process.signal(signal.SIGINT)
        assert process.wait() == 130
        assert time.monotonic() - begin < 3.0
        outcome = Outcome(130, process.stdout, process.stderr)
    finally:
        process.stop()
    assert "Traceback" not in outcome.stderr
    assert "interrupted" in outcome.stderr
    stored, _, _, not_sent, in_doubt, _ = counts(outcome)
    assert stored >= int(jobs)
    assert 1 <= in_doubt <= int(jobs)
    assert stored + not_sent + in_doubt == 60
    assert len(json.loads(report.read_text())["instances"]) == 60
    event = server.wait_for("aborted", int(jobs))
    assert event["kind"] == "aborted"  # with an A-ABORT, not by a connection that went away


def test_dry_run_connects_to_nobody(tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as server:
        server.settimeout(0.3)
        port = server.getsockname()[1]
        outcome = dcmnet("store", HOST, str(port), str(objects(tmp_path / "in", 2)), "--dry-run")
        assert outcome.status == 0
        assert "2 of 2 can be sent" in outcome.stdout
        with pytest.raises(TimeoutError):
            server.accept()


def test_patients_are_not_in_what_is_said(listener: StartListener, tmp_path: Path) -> None:
    server = listener("-od", str(tmp_path), "--name", "{PatientName}/{SOPInstanceUID}.dcm")
    for level in ((), ("-v",), ("-d",)):
        outcome = dcmnet("store", HOST, str(server.port), str(objects(tmp_path / f"in{len(level)}{level}", 2)), *level)
        assert outcome.status == 0
        assert "DOE" not in outcome.stdout + outcome.stderr
    wait_until(lambda: list(tmp_path.glob("DOE*/*.dcm")), "objects in the folder of the patient")
