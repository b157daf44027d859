"""Worklists from files: what is read, what matches, and that changes are seen."""

import json
import os
from pathlib import Path

import pytest

from dcmnet_cli.archive.values import Attribute, Attributes
from dcmnet_cli.archive.worklist import STEPS, Worklist, WorklistQuery
from dcmnet_cli.errors import InputError
from tests.dicom_files import element, item, part10

NAME, ID, MODALITY, STATION, DATE, TIME, STEP_ID = (
    0x00100010,
    0x00100020,
    0x00080060,
    0x00400001,
    0x00400002,
    0x00400003,
    0x00400009,
)
TABLE = """PatientName,PatientID,AccessionNumber,ScheduledStationAETitle,Modality,ScheduledProcedureStepStartDate,\
ScheduledProcedureStepStartTime,ScheduledProcedureStepID
Müller^Jürgen,A1,ACC1,CT1,CT,2024-02-29,09:30,S1
DOE^JANE,B2,ACC2,CT1,CT,20240301,2200,S2
"山田^太郎",C3,,MR1,MR,20240302,0600,S3
,D4,ACC4,MR1,MR,20240302,,S4
"""


def text(tag: int, vr: str, value: str = "") -> Attribute:
    return Attribute(tag, vr, value)


def step(*keys: Attribute) -> Attribute:
    return Attribute(STEPS, "SQ", items=({key.tag: key for key in keys},))


def ask(worklist: Worklist, *keys: Attribute) -> list[str]:
    """The patient IDs of the answers."""
    wanted: Attributes = {key.tag: key for key in (text(ID, "LO"), *keys)}
    return [answer[ID].text for answer in WorklistQuery(wanted).run(worklist.steps())]


@pytest.fixture
def warnings() -> list[str]:
    return []


@pytest.fixture
def table(tmp_path: Path, warnings: list[str]) -> Worklist:
    path = tmp_path / "list.csv"
    path.write_text(TABLE, encoding="utf-8")
    return Worklist(str(path), warnings.append)


def test_everything(table: Worklist) -> None:
    assert ask(table) == ["A1", "B2", "C3", "D4"]


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ([text(NAME, "PN", "mul*")], ["A1"]),
        ([text(NAME, "PN", "山田*")], ["C3"]),
        ([text(NAME, "PN", "*")], ["A1", "B2", "C3", "D4"]),
        ([text(ID, "LO", "B2")], ["B2"]),
        ([text(0x00080050, "SH", "ACC1")], ["A1"]),
        ([step(text(MODALITY, "CS", "MR"))], ["C3", "D4"]),
        ([step(text(MODALITY, "CS", "MR"), text(STATION, "AE", "CT1"))], []),
        ([step(text(DATE, "DA", "20240229"))], ["A1"]),
        ([step(text(DATE, "DA", "20240301-20240302"))], ["B2", "C3", "D4"]),
        # A range of dates with times is one interval, always: from 9:30 on the 29th to 6:00 on the 2nd.
        ([step(text(DATE, "DA", "20240229-20240302"), text(TIME, "TM", "0930-0600"))], ["A1", "B2", "C3", "D4"]),
        ([step(text(DATE, "DA", "20240229-20240302"), text(TIME, "TM", "1000-0500"))], ["B2", "D4"]),
        # Beside a single date the time stands for itself, and a step without one matches none.
        ([step(text(DATE, "DA", "20240302"), text(TIME, "TM", "0000-1200"))], ["C3"]),
        ([step()], ["A1", "B2", "C3", "D4"]),
    ],
)
def test_matching(table: Worklist, keys: list[Attribute], found: list[str]) -> None:
    assert ask(table, *keys) == found


def test_what_is_asked_for_comes_back(table: Worklist) -> None:
    keys = [
        text(NAME, "PN"),
        text(0x0020000D, "UI"),
        text(0x00401001, "SH"),
        step(text(STATION, "AE"), text(STEP_ID, "SH")),
    ]
    answer = next(WorklistQuery({key.tag: key for key in keys}).run(table.steps()))
    assert answer[NAME].text == "Müller^Jürgen"
    assert answer[0x0020000D].text.startswith("2.25.")
    assert answer[0x00401001] == text(0x00401001, "SH")
    assert answer[STEPS].items == ({STATION: text(STATION, "AE", "CT1"), STEP_ID: text(STEP_ID, "SH", "S1")},)


def test_a_made_up_study_uid_stays_the_same(table: Worklist) -> None:
    uids = [entry[0x0020000D].text for entry in table.steps()]
    os.utime(table.path, ns=(1, 1))
    assert [entry[0x0020000D].text for entry in table.steps()] == uids
    assert len(set(uids)) == 4


def test_a_changed_table_is_read_again(table: Worklist) -> None:
    assert len(ask(table)) == 4
    Path(table.path).write_text("PatientID\nNEW\n", encoding="utf-8")
    assert ask(table) == ["NEW"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("PatientsName\nX\n", '"PatientsName" is no keyword'),
        ("PatientID,PatientName\nX\n", "line 2 has 1 cells"),
        ("ReferencedStudySequence\nX\n", "is a sequence"),
    ],
)
def test_a_broken_table_is_told_once(table: Worklist, warnings: list[str], content: str, problem: str) -> None:
    Path(table.path).write_text(content, encoding="utf-8")
    assert ask(table) == []
    assert ask(table) == []
    assert len(warnings) == 1
    assert problem in warnings[0]


def worklist_file(patient: str, *steps: str) -> bytes:
    items = b"".join(item(element(MODALITY, "CS", "CT") + element(STEP_ID, "SH", each)) for each in steps)
    body = element(0x00080005, "CS", "ISO_IR 100") + element(NAME, "PN", "Müller".encode("latin_1"))
    return part10(body + element(ID, "LO", patient) + element(STEPS, "SQ", items))


def test_a_folder_of_files(tmp_path: Path, warnings: list[str]) -> None:
    (tmp_path / "a.wl").write_bytes(worklist_file("ONE", "S1"))
    (tmp_path / "b.dcm").write_bytes(worklist_file("TWO", "S2", "S3"))
    document = {
        "00100020": {"vr": "LO", "Value": ["THREE"]},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Łoś"}]},
    }
    (tmp_path / "c.json").write_text(json.dumps([document]), encoding="utf-8")
    (tmp_path / "readme.txt").write_text("not looked at")
    (tmp_path / "d.wl").write_bytes(b"not DICOM at all")
    worklist = Worklist(str(tmp_path), warnings.append)
    assert ask(worklist) == ["ONE", "TWO", "TWO", "THREE"]
    assert [entry[NAME].text for entry in worklist.steps()] == ["Müller"] * 3 + ["Łoś"]
    assert [len(entry[STEPS].items or ()) for entry in worklist.steps()] == [1, 1, 1, 1]
    assert len(warnings) == 1
    assert "d.wl" in warnings[0]
    (tmp_path / "b.dcm").unlink()
    (tmp_path / "e.wl").write_bytes(worklist_file("FIVE", "S5"))
    assert ask(worklist) == ["ONE", "THREE", "FIVE"]


def test_what_is_no_worklist(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="neither a folder nor a"):
        Worklist(str(tmp_path / "missing"), print)
