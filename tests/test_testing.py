"""The fixtures for other people's tests, used as they would be."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pydicom
import pytest

from dcmnet_cli.api import echo, find, move, peer, store
from dcmnet_cli.errors import AssociationRejected, DcmnetError, OperationFailed
from dcmnet_cli.testing import DicomArchive, DicomListener, StartArchive, StartListener
from tests.collection import CLASSES, CT, INSTANCES, STUDIES, objects, write
from tests.interop.running import HOST, free_port, is_open

EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"


def test_what_comes_can_be_looked_at(dicom_listener: DicomListener, tmp_path: Path) -> None:
    (first, *_) = write(tmp_path / "in")
    store(dicom_listener.target._replace(calling="CT1"), first)
    (received,) = dicom_listener.objects
    sent = pydicom.dcmread(first)
    assert received.data_set() == sent
    assert received.path.parent == dicom_listener.folder
    assert received.sop_instance_uid == sent.SOPInstanceUID
    assert received.sop_class_uid == sent.SOPClassUID
    assert received.study_instance_uid == sent.StudyInstanceUID
    assert received.transfer_syntax_uid == EXPLICIT_LITTLE
    assert (received.calling, received.called, received.outcome) == ("CT1", "LISTENER", "stored")


def test_the_same_object_again_is_seen_as_that(dicom_listener: DicomListener, tmp_path: Path) -> None:
    (first, *_) = write(tmp_path / "in")
    for _ in range(2):
        store(dicom_listener.target, first)
    assert [each.outcome for each in dicom_listener.objects] == ["stored", "skipped"]


def test_a_listener_has_a_word_for_the_command_line(dicom_listener: DicomListener) -> None:
    assert peer(dicom_listener.peer) == dicom_listener.target
    echo(dicom_listener.target)
    assert dicom_listener.wait_for("echo").called == "LISTENER"
    assert [event.event for event in dicom_listener.events][:2] == ["listening", "association"]


def test_waiting_in_vain_says_what_was_seen(dicom_listener: DicomListener) -> None:
    echo(dicom_listener.target)
    with pytest.raises(AssertionError, match=r"0 of 1 events 'stored' within 0\.05 s; seen:\n  listening"):
        dicom_listener.wait_for_objects(seconds=0.05)


def test_restrictions(start_dicom_listener: StartListener, tmp_path: Path) -> None:
    paths = write(tmp_path / "in")
    titled = start_dicom_listener(title="PACS", called=["PACS"], calling=["CT1"])
    echo(titled.target._replace(calling="CT1"))
    for stranger in (titled.target, titled.target._replace(called="OTHER", calling="CT1")):
        with pytest.raises(AssociationRejected):
            echo(stranger)
    choosy = start_dicom_listener(only=[CLASSES[CT]], transfer_syntaxes=["1.2.840.10008.1.2"])
    outcomes = store(choosy.target, *paths, check=False)
    taken = [each for each in outcomes if each.is_good]
    assert {each.sop_class_uid for each in taken} == {CLASSES[CT]}
    assert {each.transfer_syntax_uid for each in choosy.objects} == {"1.2.840.10008.1.2"}
    assert len(taken) == sum(study.modalities.count(CT) for study in STUDIES) * 2
    assert titled.folder != choosy.folder


def test_faults(start_dicom_listener: StartListener, tmp_path: Path) -> None:
    listener = start_dicom_listener(faults=["status=A700@1"])
    (first, *_) = write(tmp_path / "in")
    with pytest.raises(OperationFailed) as caught:
        store(listener.target, first)
    assert caught.value.status == 0xA700
    assert listener.objects == []
    with pytest.raises(DcmnetError):
        start_dicom_listener(faults=["nonsense"])


def test_an_archive_answers(dicom_archive: DicomArchive, tmp_path: Path) -> None:
    write(tmp_path / "in")
    assert len(dicom_archive.add(tmp_path / "in")) == INSTANCES == len(dicom_archive.objects)
    assert len(find(dicom_archive.target)) == len(STUDIES)


def test_an_archive_sends_to_a_listener(
    start_dicom_archive: StartArchive, dicom_listener: DicomListener, tmp_path: Path
) -> None:
    write(tmp_path / "in")
    archive = start_dicom_archive(nodes={"LISTENER": dicom_listener.target})
    archive.add(tmp_path / "in")
    move(archive.target, f"StudyInstanceUID={STUDIES[0].uid}", destination="LISTENER")
    arrived = {each.sop_instance_uid for each in dicom_listener.wait_for_objects(6)}
    assert arrived == {uid for uid, _ in objects() if uid.startswith(f"{STUDIES[0].uid}.")}


def test_a_port_can_be_given_and_is_free_afterwards(tmp_path: Path) -> None:
    """Run apart, to see what is left after a test that fails with a connection open."""
    port = free_port()
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["dcmnet_cli.testing"]\n')
    (tmp_path / "test_inner.py").write_text(
        textwrap.dedent(f"""
            import socket

            held = []

            def test_leaves_a_connection_open(start_dicom_listener, start_dicom_archive):
                assert start_dicom_listener(port={port}).port == {port}
                start_dicom_archive()
                held.append(socket.create_connection(("{HOST}", {port})))
                raise ValueError("the test under test")

            def test_the_port_is_free_again(start_dicom_listener):
                start_dicom_listener(port={port})
        """)
    )
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", str(tmp_path))
    environ = {name: text for name, text in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False, env=environ)
    assert "1 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    assert "ValueError: the test under test" in done.stdout
    assert not is_open(port)


def test_nothing_else_imports_pytest() -> None:
    code = "import dcmnet_cli.api, dcmnet_cli.cli.app, sys; sys.exit('pytest' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0
