"""Real senders and our own against ``dcmnet listen -od``: every byte kept, nothing acknowledged that is not there."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pydicom
import pytest

from dcmnet_cli.net.part10 import DicomFile, read_file
from tests.dicom_files import data_set, part10
from tests.interop.conftest import StartListener
from tests.interop.running import HOST, Listener, Outcome, dcmnet, missing, program, run, wait_until
from tests.interop.test_store import BUNDLED, data_of, objects
from tests.ops.objects import FOLDER

Send = Callable[..., Outcome]
_XFER = {  # what storescu has to be told to propose
    "1.2.840.10008.1.2.1.99": "-xd",
    "1.2.840.10008.1.2.4.50": "-xy",
    "1.2.840.10008.1.2.4.51": "-xx",
    "1.2.840.10008.1.2.4.70": "-xs",
    "1.2.840.10008.1.2.4.80": "-xt",
    "1.2.840.10008.1.2.4.81": "-xu",
    "1.2.840.10008.1.2.4.90": "-xv",
    "1.2.840.10008.1.2.4.91": "-xw",
    "1.2.840.10008.1.2.5": "-xr",
    "1.2.840.10008.1.2.2": "-xb",
    "1.2.840.10008.1.2": "-xi",
}


def described(path: Path) -> DicomFile:
    data = path.read_bytes()
    file = read_file(lambda count, offset: data[offset : offset + count], len(data))
    assert file is not None
    return file


def storescu(port: int, *words: str) -> Outcome:
    return run(program("storescu", "dcmtk"), HOST, str(port), *words)


def dcmsend(port: int, *words: str) -> Outcome:
    return run(program("dcmsend", "dcmtk"), HOST, str(port), *words)


def pynetdicom(port: int, *words: str) -> Outcome:
    try:
        import pynetdicom  # noqa: F401 - whether it is there
    except ImportError:
        missing("pynetdicom", "pip install pynetdicom")
    return run(sys.executable, "-m", "pynetdicom", "storescu", HOST, str(port), *words)


def end(server: Listener, status: int = 0) -> dict[str, Any]:
    server.process.signal(signal.SIGTERM)
    assert server.process.wait() == status
    assert server.process.stderr == ""
    assert server.events[-1]["event"] == "stopped"
    return server.events[-1]


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


# --- every transfer syntax -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BUNDLED)
def test_our_own_store_brings_the_same_bytes(listener: StartListener, inbox: Path, name: str) -> None:
    server = listener("-od", str(inbox))
    assert dcmnet("store", HOST, str(server.port), f"{FOLDER}/{name}").status == 0
    (stored,) = inbox.iterdir()
    original = data_of(f"{FOLDER}/{name}")
    if name == "image_dfl.dcm":  # has eight bytes behind the end of its deflated data, which are no data set
        original = original[:-8] + b"\0"
    assert data_of(stored) == original
    assert described(stored).problem == ""
    assert stored.name == f"{pydicom.dcmread(stored).SOPInstanceUID}.dcm"
    assert end(server)["stored"] == 1


@pytest.mark.parametrize("name", BUNDLED)
def test_what_storescu_sends_reads_as_what_it_was(listener: StartListener, inbox: Path, name: str) -> None:
    """storescu writes data sets anew, so values are compared, and encapsulated pixels as they are."""
    server = listener("-od", str(inbox))
    original = pydicom.dcmread(f"{FOLDER}/{name}")
    option = _XFER.get(str(original.file_meta.TransferSyntaxUID), "-xe")
    outcome = storescu(server.port, option, f"{FOLDER}/{name}")
    assert outcome.status == 0, outcome.stderr
    (stored,) = inbox.iterdir()
    received = pydicom.dcmread(stored)
    assert received.SOPInstanceUID == original.SOPInstanceUID
    assert received.file_meta.TransferSyntaxUID == original.file_meta.TransferSyntaxUID
    assert received.get("PixelData") == original.get("PixelData")
    assert len(received) >= len(original) - 1  # without data set trailing padding


@pytest.mark.parametrize(
    ("send", "name"),
    [
        (dcmsend, "CT_small.dcm"),
        (dcmsend, "JPEG2000.dcm"),
        (dcmsend, "SC_rgb_rle.dcm"),
        (dcmsend, "reportsi.dcm"),
        (pynetdicom, "CT_small.dcm"),
        (pynetdicom, "MR_small_implicit.dcm"),
        (pynetdicom, "reportsi.dcm"),
    ],
)
def test_other_senders(listener: StartListener, inbox: Path, send: Send, name: str) -> None:
    server = listener("-od", str(inbox))
    options = ("-dn",) if send is dcmsend else ()
    outcome = send(server.port, *options, f"{FOLDER}/{name}")
    assert outcome.status == 0, outcome.stderr
    (stored,) = inbox.iterdir()
    original, received = pydicom.dcmread(f"{FOLDER}/{name}"), pydicom.dcmread(stored)
    assert received.SOPInstanceUID == original.SOPInstanceUID
    assert received.get("PixelData") == original.get("PixelData")
    assert end(server)["stored"] == 1


def test_a_folder_from_dcmsend_and_again(listener: StartListener, inbox: Path, tmp_path: Path) -> None:
    server = listener("-od", str(inbox))
    folder = objects(tmp_path / "in", 50, studies=5)
    for _ in range(2):
        assert dcmsend(server.port, "+sd", "+r", str(folder)).status == 0
    assert len(list(inbox.iterdir())) == 50
    stopped = end(server)
    assert (stopped["stored"], stopped["duplicates"]) == (50, 50)


# --- what a shell asks for -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "syntax"),
    [("+te", "1.2.840.10008.1.2.1"), ("+ti", "1.2.840.10008.1.2"), ("+td", "1.2.840.10008.1.2.1.99")],
)
def test_written_in_another_transfer_syntax(listener: StartListener, inbox: Path, option: str, syntax: str) -> None:
    server = listener("-od", str(inbox), option)
    assert storescu(server.port, "-xi", f"{FOLDER}/MR_small_implicit.dcm").status == 0
    (stored,) = inbox.iterdir()
    received, original = pydicom.dcmread(stored), pydicom.dcmread(f"{FOLDER}/MR_small_implicit.dcm")
    assert received.file_meta.TransferSyntaxUID == syntax
    assert numpy.array_equal(received.pixel_array, original.pixel_array)


def test_names_by_template(listener: StartListener, inbox: Path) -> None:
    template = "{PatientID}/{StudyDate}-{Modality}/{SOPInstanceUID}.dcm"
    server = listener("-od", str(inbox), "--name", template)
    assert storescu(server.port, f"{FOLDER}/CT_small.dcm").status == 0
    (stored,) = (path for path in inbox.rglob("*") if path.is_file())
    original = pydicom.dcmread(f"{FOLDER}/CT_small.dcm")
    expected = f"{original.PatientID}/{original.StudyDate}-CT/{original.SOPInstanceUID}.dcm"
    assert str(stored.relative_to(inbox)) == expected


def test_only_and_implicit(listener: StartListener, inbox: Path) -> None:
    server = listener("-od", str(inbox), "--only", "CTImageStorage", "+xi")
    assert storescu(server.port, f"{FOLDER}/CT_small.dcm").status == 0
    assert storescu(server.port, f"{FOLDER}/MR_small.dcm").status != 0
    (stored,) = inbox.iterdir()
    assert pydicom.dcmread(stored).file_meta.TransferSyntaxUID == "1.2.840.10008.1.2"


def test_users_by_the_lines_of_hash_password(listener: StartListener, inbox: Path, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("secret\n")
    made = dcmnet("hash-password", "jane", "--password-file", str(tmp_path / "password"))
    assert made.stdout.startswith("jane:scrypt$")
    users = tmp_path / "users"
    users.write_text(made.stdout)
    users.chmod(0o600)
    server = listener("-od", str(inbox), "--users", str(users), "--require-identity", "-v")
    words = ("store", HOST, str(server.port), f"{FOLDER}/CT_small.dcm")
    assert dcmnet(*words).status == 5
    assert dcmnet(*words, "-usr", "jane", "-pwd", "guess").status == 5
    assert dcmnet(*words, "-usr", "jane", "-pwd", "secret").status == 0
    assert server.wait_for("stored")["identity"] == "jane"


def test_access_by_address(listener: StartListener, inbox: Path) -> None:
    closed = listener("-od", str(inbox), "--allow", "192.0.2.0/24")
    assert dcmnet("store", HOST, str(closed.port), f"{FOLDER}/CT_small.dcm").status == 5
    assert closed.wait_for("warning")["message"] == "127.0.0.1 is none of the addresses that are allowed"
    opened = listener("-od", str(inbox), "--allow", "127.0.0.0/8")
    assert dcmnet("store", HOST, str(opened.port), f"{FOLDER}/CT_small.dcm").status == 0


def test_a_full_disk_is_told_to_storescu_and_survived(listener: StartListener, inbox: Path, tmp_path: Path) -> None:
    """On a file system of our own where we may mount one."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(inbox)]
    if os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("no permission to mount a file system")
    try:
        server = listener("-od", str(inbox))
        big, small = tmp_path / "big.dcm", tmp_path / "small.dcm"
        big.write_bytes(part10(data_set("1.2.3.1", pixels=bytes(1 << 20)), instance="1.2.3.1"))
        small.write_bytes(part10(data_set("1.2.3.2"), instance="1.2.3.2"))
        outcome = storescu(server.port, "-v", "-nh", str(big), str(small))
        assert "0xa700" in outcome.stderr.lower() or "OutOfResources" in outcome.stderr
        assert [path.name for path in inbox.iterdir()] == ["1.2.3.2.dcm"]
        again = dcmnet("store", HOST, str(server.port), str(big), str(small))
        assert again.status == 1
        assert "cannot be stored: no space left on device" in again.stderr
        server.wait_for("closed", 2)
        end(server, status=1)
    finally:
        subprocess.run(["umount", "-l", str(inbox)], check=True)


def test_the_summary_of_a_pipe(inbox: Path, tmp_path: Path) -> None:
    """Without --json: lines of five cells, patients in none of them."""
    from tests.interop.running import Process

    command = (sys.executable, "-m", "dcmnet_cli", "listen", "0", "--bind", HOST, "-od", str(inbox), "--count", "1")
    process = Process((*command, "--name", "{PatientName}/{SOPInstanceUID}.dcm"), tmp_path / "run")
    try:
        wait_until(lambda: process.stdout.count("\n"), "the first line")
        port = int(process.stdout.split("127.0.0.1:")[1].split()[0])
        assert storescu(port, f"{FOLDER}/CT_small.dcm").status == 0
        assert process.wait() == 0
    finally:
        process.stop()
    rows = [line.split("\t") for line in process.stdout.splitlines()]
    assert [row[3] for row in rows] == ["listening", "association", "received", "stopped"]
    assert all(len(row) == 5 for row in rows)
    assert "1 stored" in rows[-1][4]
    name = str(pydicom.dcmread(f"{FOLDER}/CT_small.dcm").PatientName)
    assert name.partition("^")[0] not in process.log
