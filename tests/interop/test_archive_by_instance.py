"""pynetdicom and ``dcmnet get`` retrieve frames, and objects without bulk data, from ``dcmnet listen --archive``."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy
import pydicom
import pytest

from tests.interop.conftest import Folders
from tests.interop.running import HOST, Listener, dcmnet, missing

FILES = Path(pydicom.__file__).parent / "data" / "test_files"
NAMES = ("examples_ybr_color.dcm", "rtdose.dcm", "waveform_ecg.dcm", "CT_small.dcm")
DOSE = pydicom.dcmread(FILES / "rtdose.dcm")
ECG = pydicom.dcmread(FILES / "waveform_ecg.dcm")
ULTRASOUND = pydicom.dcmread(FILES / "examples_ybr_color.dcm")
INSTANCE_ROOT_GET, WITHOUT_BULK_DATA = "1.2.840.10008.5.1.4.1.2.4.3", "1.2.840.10008.5.1.4.1.2.5.3"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: Folders) -> Iterator[Listener]:
    folder = tmp_path_factory.mktemp("archive")
    for name in NAMES:
        shutil.copy(FILES / name, folder)
    listener = Listener(tmp_path_factory.mktemp("log"), "-aet", "PACS", "--archive", str(folder), "--reindex")
    yield listener
    listener.process.stop()


def got(archive: Listener, model: str, storage: str, query: pydicom.Dataset) -> tuple[Any, list[pydicom.Dataset]]:
    """The final response to a C-GET by pynetdicom, and what was stored."""
    try:
        from pynetdicom import AE, build_role, evt
    except ImportError:
        missing("pynetdicom", "pip install pynetdicom")
    stored: list[pydicom.Dataset] = []

    def store(event: Any) -> int:
        dataset = event.dataset
        dataset.file_meta = event.file_meta
        stored.append(dataset)
        return 0

    entity = AE("PYNETDICOM")
    entity.add_requested_context(model)
    entity.add_requested_context(storage)
    association = entity.associate(
        HOST,
        archive.port,
        ae_title="PACS",
        ext_neg=[build_role(storage, scp_role=True)],
        evt_handlers=[(evt.EVT_C_STORE, store)],
    )
    assert association.is_established
    try:
        *_, (status, _) = association.send_c_get(query, model)
    finally:
        association.release()
    return status, stored


def query(level: str, dataset: pydicom.Dataset) -> pydicom.Dataset:
    keys = pydicom.Dataset()
    keys.QueryRetrieveLevel, keys.SOPInstanceUID = level, dataset.SOPInstanceUID
    return keys


def test_pynetdicom_gets_frames(archive: Listener) -> None:
    keys = query("FRAME", DOSE)
    keys.CalculatedFrameList = [2, 9, 3]
    status, (found,) = got(archive, INSTANCE_ROOT_GET, DOSE.SOPClassUID, keys)
    assert (status.Status, status.NumberOfCompletedSuboperations) == (0, 1)
    assert numpy.array_equal(found.pixel_array, DOSE.pixel_array[[1, 4, 7]])
    assert found.FrameExtractionSequence[0].CalculatedFrameList == [2, 9, 3]


def test_pynetdicom_gets_no_frames_where_there_are_none(archive: Listener) -> None:
    keys = query("FRAME", ECG)
    keys.SimpleFrameList = [1]
    status, stored = got(archive, INSTANCE_ROOT_GET, ECG.SOPClassUID, keys)
    assert (status.Status, stored) == (0xAA01, [])


def test_pynetdicom_gets_a_waveform_without_its_data(archive: Listener) -> None:
    status, (found,) = got(archive, WITHOUT_BULK_DATA, ECG.SOPClassUID, query("IMAGE", ECG))
    assert status.Status == 0
    assert found.SOPInstanceUID == ECG.SOPInstanceUID
    groups = [(item.NumberOfWaveformSamples, "WaveformData" in item) for item in found.WaveformSequence]
    assert groups == [(item.NumberOfWaveformSamples, False) for item in ECG.WaveformSequence]


def test_dcmnet_get_of_frames(archive: Listener, tmp_path: Path) -> None:
    words = ("get", HOST, str(archive.port), "--instance", ULTRASOUND.SOPInstanceUID, "-od", str(tmp_path))
    assert dcmnet(*words, "--frames", "3,4,30").status == 0
    (path,) = tmp_path.iterdir()
    found = pydicom.dcmread(path)
    assert found.file_meta.TransferSyntaxUID == ULTRASOUND.file_meta.TransferSyntaxUID
    assert numpy.array_equal(found.pixel_array, ULTRASOUND.pixel_array[[2, 3, 29]])
    none = dcmnet(*words, "--frames", "31")
    assert none.status == 9
    assert "none of the frames requested were found" in none.stderr


def test_dcmnet_get_without_bulk_data(archive: Listener, tmp_path: Path) -> None:
    study = str(ULTRASOUND.StudyInstanceUID)
    words = ("get", HOST, str(archive.port), "--study", study, "-od", str(tmp_path), "--without-bulk-data")
    outcome = dcmnet(*words)
    assert outcome.status == 0, outcome
    (path,) = tmp_path.iterdir()
    assert path.stat().st_size < 40_000
    assert pydicom.dcmread(path).NumberOfFrames == 30
