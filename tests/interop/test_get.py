"""``dcmnet get`` against dcmqrscp, Orthanc and what has no C-GET."""

import os
from pathlib import Path

import pydicom
import pytest
from pydicom.uid import JPEG2000Lossless, JPEGLosslessSV1, RLELossless, generate_uid

from tests.interop.archives import ACCESSION, PATIENT, STUDY, Filled
from tests.interop.conftest import StartListener
from tests.interop.running import HOST, dcmnet


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    return folder


def names(folder: Path) -> set[str]:
    return {name.removesuffix(".dcm") for name in os.listdir(folder)}


def syntaxes(folder: Path) -> set[str]:
    found = (pydicom.dcmread(folder / name, stop_before_pixels=True) for name in os.listdir(folder))
    return {each.file_meta.TransferSyntaxUID for each in found}


def test_a_study_of_many_kinds(filled: Filled, inbox: Path) -> None:
    outcome = dcmnet("get", *filled.words, "--accession", ACCESSION, "-od", str(inbox))
    assert outcome.status == 0, outcome
    assert names(inbox) == set(filled.instances[STUDY])
    lines = outcome.stdout.splitlines()
    assert lines[:-1] == ["expected\t12", "completed\t12", "failed\t0", "warning\t0", "received\t12"]
    assert lines[-1].startswith(f"ok\tdcmnet get\t{filled.peer.label} as HERE\t")


def test_the_association_carries_no_more_than_it_may(filled: Filled, inbox: Path) -> None:
    told = dcmnet("get", *filled.words, "--patient-id", PATIENT, "-od", str(inbox), "--json").json
    assert (told["exit"], told["counts"]["received"], told["associations"]) == (0, 13, 1)
    contexts = told["association"]["presentation_contexts"]
    assert 1 < len(contexts) <= 128
    assert {each["sop_class_name"] for each in told["proposed"]} >= {"CT Image Storage", "RT Plan Storage"}
    assert names(inbox) == {uid for uids in filled.instances.values() for uid in uids}


def test_what_is_compressed_comes_as_it_is_kept(filled_orthanc: Filled, inbox: Path) -> None:
    """Not converted on the way: the archive has an accepted context for each encoding."""
    outcome = dcmnet("get", *filled_orthanc.words, "--study", STUDY, "-od", str(inbox))
    assert outcome.status == 0, outcome
    assert {JPEG2000Lossless, JPEGLosslessSV1, RLELossless} <= syntaxes(inbox)


@pytest.mark.parametrize(("option", "expected"), [("+x=", "1.2.840.10008.1.2.1"), ("+xs", JPEGLosslessSV1)])
def test_in_the_encoding_that_is_preferred(filled_orthanc: Filled, inbox: Path, option: str, expected: str) -> None:
    series = generate_uid(entropy_srcs=["series", "SC_rgb_jpeg_gdcm.dcm"])
    words = ("--study", STUDY, "--series", series, "-od", str(inbox), option)
    outcome = dcmnet("get", *filled_orthanc.words, *words)
    assert outcome.status == 0, outcome
    assert syntaxes(inbox) == {expected}


def test_missing_brings_the_rest_alone(filled: Filled, inbox: Path) -> None:
    words = (*filled.words, "--study", STUDY, "-od", str(inbox))
    assert dcmnet("get", *words).status == 0
    for name in sorted(names(inbox))[:4]:
        (inbox / f"{name}.dcm").unlink()
    told = dcmnet("get", *words, "--missing", "--json").json
    assert (told["exit"], told["already"], told["counts"]["received"]) == (0, 8, 4)
    assert names(inbox) == set(filled.instances[STUDY])


def test_dropped_for_a_test(filled: Filled, inbox: Path) -> None:
    outcome = dcmnet("get", *filled.words, "--study", STUDY, "--ignore")
    assert outcome.status == 0, outcome
    assert "received\t12" in outcome.stdout.splitlines()


def test_without_asking_first(filled: Filled, inbox: Path) -> None:
    outcome = dcmnet("get", *filled.words, "--study", STUDY, "-od", str(inbox), "--no-find", "--json")
    told = outcome.json
    assert (told["exit"], told["counts"]["expected"], told["counts"]["received"]) == (0, None, 12)
    assert names(inbox) == set(filled.instances[STUDY])


def test_by_date_and_modality(filled: Filled, inbox: Path) -> None:
    words = ("--date", "2025-01-14", "--patient-id", PATIENT, "--level", "series", "--modality", "CT")
    told = dcmnet("get", *filled.words, *words, "-od", str(inbox), "--json").json
    assert (told["exit"], told["counts"]["received"]) == (0, 6)
    assert {entity["level"] for entity in told["entities"]} == {"SERIES"}


def test_one_class_alone(filled_orthanc: Filled, inbox: Path) -> None:
    words = ("--study", STUDY, "-od", str(inbox), "--only", "CTImageStorage")
    told = dcmnet("get", *filled_orthanc.words, *words, "--json").json
    assert (told["exit"], told["counts"]["expected"], told["counts"]["received"]) == (0, 5, 5)


def test_what_has_no_context_is_missing(filled_dcmqrscp: Filled, inbox: Path) -> None:
    """This archive does not tell classes beforehand: what it cannot send is told afterwards, and exits 1."""
    words = ("--study", STUDY, "-od", str(inbox), "--only", "CTImageStorage")
    told = dcmnet("get", *filled_dcmqrscp.words, *words, "--json").json
    assert (told["exit"], told["counts"]["received"], len(told["missing"])) == (1, 5, 7)
    assert (told["counts"]["failed"], all(each["failed"] for each in told["missing"])) == (7, True)


def test_a_peer_without_c_get(listener: StartListener, inbox: Path) -> None:
    server = listener("--ignore")
    outcome = dcmnet("get", HOST, str(server.port), "--study", STUDY, "-od", str(inbox))
    assert outcome.status == 7
    assert "C-GET" in outcome.stderr
