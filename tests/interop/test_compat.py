"""Command lines of DCMTK's, run as they are and through ``dcmnet compat --run``: the same things happen."""

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pydicom
import pytest

from tests.interop.archives import FILES, STUDY, Filled, filled_dcmqrscp
from tests.interop.conftest import Folders
from tests.interop.peers import storescp as start_storescp
from tests.interop.running import HOST, Outcome, Process, dcmnet, free_port, is_open, program, run, wait_until

CT = FILES / "CT_small.dcm"
CT_UID = "1.3.6.1.4.1.5962.1.1.1.1.1.20040119072730.12322"
KEYS = ("-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={STUDY}")


def ours(*words: str) -> Outcome:
    return dcmnet("compat", "--run", *words, seconds=60)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.fixture(scope="module")
def qrscp(tmp_path_factory: Folders) -> Iterator[Filled]:
    """A dcmqrscp with a study of uncompressed objects and one more, which moves to HERE."""
    yield from filled_dcmqrscp.__wrapped__(tmp_path_factory.mktemp("filled"))  # type: ignore[attr-defined]


def test_echoscu(dcmqrscp, tmp_path: Path) -> None:
    line = ("echoscu", "-v", "-aec", "QRSCP", HOST, str(dcmqrscp.port))
    asked = ours(*line)
    assert asked.status == 0
    assert ("ok", "C-ECHO") in asked.names
    assert f"dcmnet echo --verbose --aetitle ECHOSCU QRSCP@{HOST}:{dcmqrscp.port}" in asked.stderr
    pasted = dcmnet("compat", " ".join(line))
    again = run("sh", "-c", pasted.stdout.replace("dcmnet", f"{sys.executable} -m dcmnet_cli", 1))
    assert (again.status, again.names) == (0, asked.names)


def test_a_rejection_has_the_status_of_the_command(dcmqrscp) -> None:
    refused = ours("echoscu", "-aec", "NOBODY", HOST, str(dcmqrscp.port))
    assert refused.status == 5
    told = ours("echoscu", "-aec", "NOBODY", HOST, str(dcmqrscp.port), "--json")
    assert (told.status, told.json["command"], told.json["peer"]["calling"]) == (5, "echo", "ECHOSCU")


def test_storescu_with_folders(tmp_path: Path) -> None:
    (tmp_path / "in" / "below").mkdir(parents=True)
    (tmp_path / "in" / "a.dcm").write_bytes(CT.read_bytes())
    (tmp_path / "in" / "below" / "b.dcm").write_bytes((FILES / "MR_small.dcm").read_bytes())
    inboxes = []
    for number, words in enumerate((("+sd",), ("+sd", "+r"))):
        inbox = tmp_path / f"out{number}"
        inbox.mkdir()
        with contextmanager(lambda box: start_storescp.__wrapped__(box.parent / f"log-{box.name}", "-od", str(box)))(
            inbox
        ) as peer:
            line = ("storescu", *words, HOST, str(peer.port), str(tmp_path / "in"))
            assert ours(*line).status == 0
            came = names(inbox)
            assert run(program("storescu", "dcmtk"), *line[1:]).status == 0
            assert names(inbox) == came
            inboxes.append(len(came))
    assert inboxes == [1, 2]


def test_findscu(qrscp: Filled) -> None:
    line = ("findscu", "-S", *KEYS, "-k", "PatientName", *qrscp.words)
    asked = dcmnet("compat", "--run", *line, "--json")
    assert (asked.status, asked.json["count"]) == (0, 1)
    assert asked.json["matches"][0]["0020000D"]["Value"] == [STUDY]
    theirs = run(program("findscu", "dcmtk"), *line[1:])
    assert theirs.status == 0
    assert STUDY in theirs.stdout + theirs.stderr


def test_getscu_writes_the_same_files(qrscp: Filled, tmp_path: Path) -> None:
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    for folder in (mine, theirs):
        folder.mkdir()
    line = ("getscu", "-S", *KEYS, *qrscp.words)
    got = ours(*line, "-od", str(mine))
    assert run(program("getscu", "dcmtk"), *line[1:], "-od", str(theirs)).status == 0
    assert got.status == 0, got
    assert names(mine) == names(theirs) != set()


def test_movescu_writes_the_same_files(qrscp: Filled, tmp_path: Path) -> None:
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    for folder in (mine, theirs):
        folder.mkdir()
    line = ("movescu", "-S", *KEYS, *qrscp.words, "-aem", "HERE", "+P", str(qrscp.port))
    moved = ours(*line, "-od", str(mine))
    assert run(program("movescu", "dcmtk"), *line[1:], "-od", str(theirs)).status == 0
    assert moved.status == 0, moved
    assert names(mine) == names(theirs) != set()


@contextmanager
def listener(folder: Path, *line: str) -> Iterator[Process]:
    """A translated listener, once it listens."""
    process = Process((sys.executable, "-m", "dcmnet_cli", "compat", "--run", *line), folder)
    wait_until(lambda: process.has_ended or is_open(int(line[-1])), "it listens")
    yield process
    process.stop()


@pytest.mark.parametrize("tool", ["storescp", "dcmrecv"])
def test_a_receiver_writes_the_same_name(tool: str, tmp_path: Path) -> None:
    inbox, port = tmp_path / "in", free_port()
    inbox.mkdir()
    with listener(tmp_path / "log", tool, "-od", str(inbox), "-fe", ".dcm", str(port)) as process:
        assert run(program("storescu", "dcmtk"), HOST, str(port), str(CT)).status == 0
        assert names(inbox) == {f"CT.{CT_UID}.dcm"}
        process.signal(signal.SIGTERM)
        assert process.wait() == 0


def test_dcmqrscp_from_its_configuration(tmp_path: Path) -> None:
    """Three titles of DCMTK's, and the archive that their configuration becomes."""
    area, here, port, free = tmp_path / "area", tmp_path / "here", free_port(), free_port()
    area.mkdir()
    here.mkdir()
    configuration = tmp_path / "dcmqrscp.cfg"
    configuration.write_text(
        f"NetworkTCPPort = {port}\nMaxPDUSize = 16384\nMaxAssociations = 4\n"
        f"HostTable BEGIN\nhere = (HERE, localhost, {free})\nHostTable END\nVendorTable BEGIN\nVendorTable END\n"
        f"AETable BEGIN\nPACS {area} RW (10, 16mb) here\nAETable END\n"
    )
    server = ("-aec", "PACS", HOST, str(port))
    study = pydicom.dcmread(CT).StudyInstanceUID
    with listener(tmp_path / "log", "dcmqrscp", "-c", str(configuration), str(port)):
        stranger = run(program("echoscu", "dcmtk"), *server)
        assert stranger.status == 1
        assert "Calling AE Title Not Recognized" in stranger.stderr
        assert run(program("storescu", "dcmtk"), "-aet", "HERE", *server, str(CT)).status == 0
        keys = ("-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={study}")
        words = ("-S", "-aet", "HERE", "-aem", "HERE", "+P", str(free), "-od", str(here), *keys, *server)
        assert run(program("movescu", "dcmtk"), *words).status == 0
        assert names(here) == {f"CT.{CT_UID}"}


def test_a_line_that_is_none_runs_nothing() -> None:
    outcome = dcmnet("compat", "--run", "--json", "storescu", "-zz", "h", "1", "a")
    assert (outcome.status, json.loads(outcome.stdout)["error"]["kind"]) == (2, "usage")
