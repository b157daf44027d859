"""findscu's files: a DICOM or XML file an answer, one XML file for all."""

from pathlib import Path
from xml.etree import ElementTree

import pytest
from pydicom import dcmread

from dcmnet_cli.errors import OutputError
from dcmnet_cli.ops.querying.answers import Match
from dcmnet_cli.ops.querying.find_files import AnswerFiles, AnswerXML
from tests.finding import answer


def a_match(name: str) -> Match:
    return Match({each.tag: each for each in answer(name, SpecificCharacterSet="ISO_IR 192")}, "ISO_IR 192")


def files(folder: Path, *, dicom: bool = False, xml: bool = False, limit: int = 0) -> AnswerFiles:
    return AnswerFiles(str(folder), dicom=dicom, xml=xml, source="ARCHIVE", limit=limit, assumed="")


def test_a_dicom_file_an_answer(tmp_path: Path) -> None:
    sink = files(tmp_path, dicom=True)
    for name in ("Müller", "DOE"):
        sink.add(a_match(name))
    sink.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rsp0001.dcm", "rsp0002.dcm"]
    first = dcmread(tmp_path / "rsp0001.dcm")
    assert (first.PatientName, first.QueryRetrieveLevel) == ("Müller", "STUDY")
    assert first.file_meta.SourceApplicationEntityTitle == "ARCHIVE"
    instances = {dcmread(path).file_meta.MediaStorageSOPInstanceUID for path in tmp_path.iterdir()}
    assert len(instances) == 2
    assert all(uid.is_valid for uid in instances)


def test_files_of_both_kinds_up_to_a_limit(tmp_path: Path) -> None:
    sink = files(tmp_path, dicom=True, xml=True, limit=1)
    for name in ("Müller", "DOE"):
        sink.add(a_match(name))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rsp0001.dcm", "rsp0001.xml"]
    root = ElementTree.parse(tmp_path / "rsp0001.xml").getroot()
    assert root.tag == "data-set"
    assert [each.text for each in root if each.get("name") == "PatientName"] == ["Müller"]


def test_one_xml_file_for_all(tmp_path: Path) -> None:
    path = tmp_path / "all.xml"
    sink = AnswerXML(str(path), limit=2, assumed="")
    for name in ("A", "B", "C"):
        sink.add(a_match(name))
    sink.close()
    root = ElementTree.parse(path).getroot()
    assert (root.tag, root.attrib, len(root)) == ("responses", {"type": "C-FIND"}, 2)
    assert ElementTree.parse(path).findall("data-set/element[@name='PatientName']")[1].text == "B"


def test_no_answer_is_a_file_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "all.xml"
    AnswerXML(str(path), limit=0, assumed="").close()
    assert len(ElementTree.parse(path).getroot()) == 0


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="no such folder"):
        files(tmp_path / "absent", dicom=True)
    with pytest.raises(OutputError, match=r"cannot write .*: No such file"):
        AnswerXML(str(tmp_path / "absent" / "x.xml"), limit=0, assumed="")
    (tmp_path / "rsp0001.dcm").mkdir()
    with pytest.raises(OutputError, match=r"rsp0001\.dcm: Is a directory"):
        files(tmp_path, dicom=True).add(a_match("A"))
    full = AnswerXML("/dev/full", limit=0, assumed="")
    with pytest.raises(OutputError, match="No space left"):
        full.close()
