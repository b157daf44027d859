"""``--junit`` of the five commands: the file says what the exit status says."""

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from dcmnet_cli.cli.app import run
from dcmnet_cli.testing import DicomArchive, DicomListener, StartListener
from tests.certificates import Authority
from tests.collection import INSTANCES, STUDIES, write
from tests.interop.running import HOST, free_port
from tests.ops.retrieving import STORED, STUDY, archive, store_back


@pytest.fixture
def junit(tmp_path: Path) -> Path:
    return tmp_path / "junit.xml"


@pytest.fixture
def objects(tmp_path: Path) -> Path:
    write(tmp_path / "objects")
    return tmp_path / "objects"


def cases(junit: Path) -> dict[str, list[tuple[str, str]]]:
    """(name, what became of it) of each case, by the last word of its class name."""
    found: dict[str, list[tuple[str, str]]] = {}
    for case in ElementTree.parse(junit).iter("testcase"):
        verdict = next((part.tag for part in case if part.tag != "system-out"), "passed")
        found.setdefault(str(case.get("classname")).rpartition(".")[2], []).append((str(case.get("name")), verdict))
    return found


def verdicts(junit: Path) -> list[str]:
    return [verdict for group in cases(junit).values() for _, verdict in group]


def test_an_echo(dicom_listener: DicomListener, junit: Path) -> None:
    assert run(["echo", dicom_listener.peer, "--junit", str(junit)]) == 0
    names = [name for name, _ in cases(junit)["steps"]]
    assert names == ["resolve", "TCP connect", "association", "C-ECHO", "release"]
    assert set(verdicts(junit)) == {"passed"}


def test_a_rejection(start_dicom_listener: StartListener, junit: Path) -> None:
    listener = start_dicom_listener(called=["OTHER"])
    assert run(["echo", listener.peer, "--junit", str(junit), "--json"]) == 5
    assert cases(junit)["steps"][-1] == ("association", "failure")
    assert "Compare the title" in junit.read_text()


def test_nobody_there(junit: Path, objects: Path) -> None:
    port = str(free_port())
    for words in (["echo", HOST, port], ["store", HOST, port, str(objects)], ["find", HOST, port]):
        assert run([*words, "--junit", str(junit), "-q"]) == 3
        assert "error" in verdicts(junit)
        assert "failure" not in verdicts(junit)


def test_a_store(start_dicom_listener: StartListener, junit: Path, objects: Path) -> None:
    listener = start_dicom_listener(faults=["status=A700@2"])
    assert run(["store", listener.peer, str(objects), "--junit", str(junit), "-q"]) == 1
    told = cases(junit)["objects"]
    assert sorted(name for name, _ in told) == sorted(str(path) for path in objects.iterdir())
    assert [verdict for _, verdict in told].count("failure") == 1
    assert len(told) == INSTANCES


def test_a_query_and_retrievals(dicom_archive: DicomArchive, junit: Path, objects: Path, tmp_path: Path) -> None:
    dicom_archive.add(objects)
    words = [dicom_archive.peer, "--study", STUDIES[0].uid, "--junit", str(junit), "-q"]
    assert run(["find", *words]) == 0
    assert ("C-FIND", "passed") in cases(junit)["steps"]
    (tmp_path / "got").mkdir()
    assert run(["get", *words, "-od", str(tmp_path / "got")]) == 0
    assert len(cases(junit)["instances"]) == 6
    assert set(verdicts(junit)) == {"passed"}
    assert run(["move", *words, "-aem", "NOBODY"]) == 9
    assert [verdict for _, verdict in cases(junit)["requests"]] == ["failure"]
    assert "instances" not in cases(junit)


def test_an_instance_that_does_not_come(junit: Path, tmp_path: Path) -> None:
    def lose_one(request):
        for instance in STORED[1:]:
            store_back(request, instance)
        return 0

    with archive(get=lose_one) as scripted:
        words = [f"ARCHIVE@{HOST}:{scripted.port}", "--study", STUDY, "-od", str(tmp_path), "--junit", str(junit)]
        assert run(["get", *words, "-q"]) == 1
    assert dict(cases(junit)["instances"])[STORED[0]] == "failure"
    assert verdicts(junit).count("failure") == 1


@pytest.mark.parametrize(
    "words",
    [["echo", "PACS@"], ["store", HOST, "104"], ["find", HOST, "104", "-k", "NoSuchKeyword=1"], ["move", HOST, "104"]],
)
def test_what_is_wrong_before_anything_begins(junit: Path, words: list[str]) -> None:
    junit.write_text("<testsuites/>")
    assert run([*words, "--junit", str(junit)]) == 2
    assert "error" in verdicts(junit)


def test_a_file_that_cannot_be_written(
    dicom_listener: DicomListener, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is told before anything is sent where that is possible, and changes the exit status in any case."""
    (missing,) = [str(tmp_path / "no" / "junit.xml")]
    assert run(["echo", dicom_listener.peer, "--junit", missing]) == 11
    assert f"cannot write JUnit file {missing}: No such file or directory" in capsys.readouterr().err
    assert [event.event for event in dicom_listener.events] == ["listening"]


@pytest.mark.parametrize(("called", "last"), [((), "ok\trelease"), (("OTHER",), "FAILED\tassociation")])
def test_a_pipe_that_nobody_reads_any_more(
    start_dicom_listener: StartListener, called: tuple[str, ...], last: str
) -> None:
    """A pipe takes the file as well; when its reader has gone, the outcome is shown all the same, whatever it is."""
    reader, writer = os.pipe()
    os.close(reader)
    peer = start_dicom_listener(called=called).peer
    command = (sys.executable, "-m", "dcmnet_cli", "echo", peer, "--junit", f"/dev/fd/{writer}")
    done = subprocess.run(command, pass_fds=(writer,), capture_output=True, text=True, timeout=60, check=False)
    os.close(writer)
    assert done.returncode == 11
    assert last in done.stdout
    assert "cannot write JUnit file" in done.stderr


def test_looking_at_a_certificate_is_no_outcome(junit: Path, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    checked = authority.issue("server", HOST).certificate_file
    assert run(["echo", "+vc", checked, "+cf", authority.file, "--junit", str(junit)]) == 0
    assert not junit.exists()
