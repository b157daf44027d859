"""DCMTK's clients against ``dcmnet listen --archive`` with the options of dcmqrscp that keep things back."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pydicom
import pytest

from tests import collection
from tests.collection import STUDIES
from tests.interop.conftest import Folders
from tests.interop.running import HOST, Listener, Outcome, Peer, program, run

FIRST = STUDIES[0]
KEYS = ("-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={FIRST.uid}")
WITHOUT_CONTEXT = "No Acceptable Presentation Contexts"


class Restricted(NamedTuple):
    """An archive that keeps to rules, the destination SINK of its moves, and where that writes to."""

    listener: Listener
    folder: Path

    def ask(self, tool: str, *words: str) -> Outcome:
        return run(program(tool, "dcmtk"), "-v", "-aec", "PACS", *words, HOST, str(self.listener.port))

    def answer(self, inbox: Path, *keys: str) -> pydicom.Dataset:
        """The one answer to a query for the first study."""
        asked = self.ask("findscu", "-S", *KEYS, *keys, "-X", "-od", str(inbox))
        assert asked.status == 0, asked
        return pydicom.dcmread(inbox / "rsp0001.dcm")


@contextmanager
def serving(log: Path, *words: str) -> Iterator[Listener]:
    listener = Listener(log, *words)
    yield listener
    listener.process.stop()


@pytest.fixture(scope="module")
def restricted(tmp_path_factory: Folders, sink: tuple[Peer, Path]) -> Iterator[Restricted]:
    """No patient root and no C-GET; moves to the title that asks, in implicit VR; Latin-1 whatever is asked in."""
    folder = tmp_path_factory.mktemp("archive")
    collection.write(folder)
    nodes = ("--node", f"SINK@{HOST}:{sink[0].port}", "--node", f"OTHER@{HOST}:{sink[0].port}")
    rules = ("-QP", "-QO", "--disable-get", "-ZA", "+L1", "-Cr", "-xi", "-XF", "-XM", "-to", "5", "+F")
    words = ("-aet", "PACS", "--archive", str(folder), "--reindex", *nodes, *rules)
    with serving(tmp_path_factory.mktemp("log"), *words) as listener:
        yield Restricted(listener, sink[1])


def test_models_that_are_not_offered(restricted: Restricted) -> None:
    patient = restricted.ask("findscu", "-P", "-k", "QueryRetrieveLevel=PATIENT", "-k", "PatientID")
    assert WITHOUT_CONTEXT in patient.stderr + patient.stdout
    assert restricted.ask("findscu", "-S", *KEYS).status == 0
    got = restricted.ask("getscu", "-S", *KEYS, "--ignore")
    assert got.status != 0
    assert re.search("no.*presentation context", got.stdout + got.stderr, re.IGNORECASE)


def test_a_move_goes_to_the_title_that_asks_and_as_proposed(restricted: Restricted) -> None:
    other = restricted.ask("movescu", "-S", "-aet", "SINK", "-aem", "OTHER", *KEYS)
    assert other.status == 69
    assert list(restricted.folder.glob("*.*")) == []
    own = restricted.ask("movescu", "-S", "-aet", "SINK", "-aem", "SINK", *KEYS)
    assert own.status == 0
    came = [pydicom.dcmread(path, stop_before_pixels=True) for path in restricted.folder.glob("*.*")]
    assert {each.SOPInstanceUID for each in came} == {
        FIRST.instance_uid(series, index)
        for series in range(len(FIRST.modalities))
        for index in range(collection.INSTANCES_A_SERIES)
    }
    assert {each.file_meta.TransferSyntaxUID for each in came} == {"1.2.840.10008.1.2"}
    events = [event for event in restricted.listener.events if event["event"] == "move"]
    assert [event["status"] for event in events] == ["A801", "0000"]
    assert "unknown" not in events[0]["detail"]


def test_the_character_set_of_answers(restricted: Restricted, tmp_path: Path) -> None:
    """Latin-1 although UTF-8 was asked in; UTF-8 where Latin-1 has not all letters, and never a lost one."""
    answer = restricted.answer(tmp_path, "-k", "PatientName", "-k", "SpecificCharacterSet=ISO_IR 192")
    assert (answer.SpecificCharacterSet, str(answer.PatientName)) == ("ISO_IR 100", collection.MUELLER)
    words = ("-S", "-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={STUDIES[4].uid}", "-k", "PatientName")
    assert restricted.ask("findscu", *words, "-X", "-od", str(tmp_path)).status == 0
    answer = pydicom.dcmread(tmp_path / "rsp0001.dcm")
    assert (answer.SpecificCharacterSet, str(answer.PatientName)) == ("ISO_IR 192", collection.WANG)


def test_a_move_goes_to_the_host_that_asks(tmp_path: Path, sink: tuple[Peer, Path]) -> None:
    archive = tmp_path / "archive"
    archive.mkdir()
    collection.write(archive)
    nodes = ("--node", f"NEAR@localhost:{sink[0].port}", "--node", "FAR@192.0.2.1:104")
    with serving(tmp_path / "log", "--archive", str(archive), "--reindex", "-ZH", *nodes) as listener:
        server = Restricted(listener, archive)
        assert server.ask("movescu", "-S", "-aem", "FAR", *KEYS).status == 69
        assert server.ask("movescu", "-S", "-aem", "NEAR", *KEYS).status == 0


def test_an_archive_that_ignores_what_is_sent(tmp_path: Path) -> None:
    archive, objects = tmp_path / "archive", tmp_path / "objects"
    archive.mkdir()
    objects.mkdir()
    collection.write(objects)
    with serving(tmp_path / "log", "--archive", str(archive), "--ignore") as listener:
        stored = run(program("storescu", "dcmtk"), "+sd", HOST, str(listener.port), str(objects))
        assert stored.status == 0
        assert list(archive.rglob("*.dcm")) == []
        asked = Restricted(listener, archive).ask("findscu", "-S", "-k", "QueryRetrieveLevel=STUDY")
        assert (asked.status, [event["matches"] for event in listener.events if event["event"] == "find"]) == (0, [0])
