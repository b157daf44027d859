"""An archive asked by SOP Instance UID alone: instances, frames of one, and all but the bulk data (PS3.4 Y, Z)."""

import io
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy
import pydicom
import pytest

from dcmnet_cli.archive.values import Attribute
from dcmnet_cli.core import uids
from dcmnet_cli.core.commands import CFindRQ, CGetRQ
from dcmnet_cli.ops.archiving.archive_plan import ArchivePlan
from dcmnet_cli.ops.listening.listen import ListenPlan
from dcmnet_cli.ops.listening.storage import StoragePlan
from tests import collection
from tests.archiving import FAILED_LIST, IMPLICIT, Requestor, Running, ask, identifier, running, target
from tests.collection import STUDIES

FILES = Path(pydicom.__file__).parent / "data" / "test_files"
ULTRASOUND = pydicom.dcmread(FILES / "examples_ybr_color.dcm")  # 30 frames in JPEG Baseline, 33 ms each
DOSE = pydicom.dcmread(FILES / "rtdose.dcm")  # 15 frames, implicit VR
FIRST = STUDIES[0].instance_uid(0, 0)
JPEG = uids.JPEG_BASELINE_8_BIT


@pytest.fixture(scope="module")
def sink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, Path]]:
    folder = tmp_path_factory.mktemp("sink")
    with running(ListenPlan(0, title="SINK", storage=StoragePlan(str(folder)))) as server:
        yield server, folder


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory, sink: tuple[Running, Path]) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("archive")
    collection.write(folder)
    for name in ("examples_ybr_color.dcm", "rtdose.dcm"):
        shutil.copy(FILES / name, folder)
    plan = ArchivePlan(str(folder), None, {"SINK": target(sink[0].port)}, rebuild=True)
    with running(ListenPlan(0, title="PACS", storage=StoragePlan(str(folder)), archive=plan)) as server:
        yield server


def frames(instance: str, *numbers: int, level: str = "FRAME") -> dict[int, Attribute]:
    keys = identifier(level, SOPInstanceUID=instance)
    return keys | {0x00081161: Attribute(0x00081161, "UL", raw=struct.pack(f"<{len(numbers)}I", *numbers))}


def read(data: bytes, syntax: str = uids.EXPLICIT_VR_LITTLE_ENDIAN) -> pydicom.Dataset:
    from dcmnet_cli.net.part10 import meta_header

    return pydicom.dcmread(io.BytesIO(meta_header("1.2.3", "1.2.3", syntax, "") + data))


def test_instances_without_the_keys_above_them(archive: Running) -> None:
    wanted = [FIRST, STUDIES[5].instance_uid(1, 1), "1.2.3.999"]
    with Requestor(archive, uids.INSTANCE_ROOT_GET, storage=tuple(collection.CLASSES.values())) as requestor:
        requestor.send(identifier("IMAGE", SOPInstanceUID="\\".join(wanted)))
        *_, final = requestor.answers()
        assert (final.status, final.counts) == (0, (None, 2, 0, 0))
        assert requestor.stored.keys() == set(wanted[:2])


@pytest.mark.parametrize("level", ["STUDY", "PATIENT", "SERIES"])
@pytest.mark.parametrize("model", [uids.INSTANCE_ROOT_GET, uids.WITHOUT_BULK_DATA_GET])
def test_levels_that_these_models_do_not_have(archive: Running, model: str, level: str) -> None:
    (answer,) = ask(archive, model, identifier(level, StudyInstanceUID=STUDIES[0].uid, SOPInstanceUID=FIRST))
    assert answer.status == 0xA900


def test_frames_are_no_level_without_bulk_data(archive: Running) -> None:
    (answer,) = ask(archive, uids.WITHOUT_BULK_DATA_GET, frames(ULTRASOUND.SOPInstanceUID, 1))
    assert answer.status == 0xA900


def test_frames_by_c_get(archive: Running) -> None:
    with Requestor(archive, uids.INSTANCE_ROOT_GET, storage=[DOSE.SOPClassUID]) as requestor:
        requestor.send(frames(DOSE.SOPInstanceUID, 2, 15))
        *_, final = requestor.answers()
        assert (final.status, final.counts) == (0, (None, 1, 0, 0))
        ((instance, data),) = requestor.stored.items()
    found = read(data)
    assert found.SOPInstanceUID == instance != DOSE.SOPInstanceUID
    assert numpy.array_equal(found.pixel_array, DOSE.pixel_array[[1, 14]])
    assert found.FrameExtractionSequence[0].MultiFrameSourceSOPInstanceUID == DOSE.SOPInstanceUID
    (equipment,) = found.ContributingEquipmentSequence
    assert equipment.PurposeOfReferenceCodeSequence[0].CodeValue == "109105"


def test_frames_by_c_move_in_a_compressed_syntax(archive: Running, sink: tuple[Running, Path]) -> None:
    *_, final = ask(archive, uids.INSTANCE_ROOT_MOVE, frames(ULTRASOUND.SOPInstanceUID, 7, 8, 30), "SINK")
    assert (final.status, final.counts) == (0, (None, 1, 0, 0))
    (path,) = sink[1].glob("*.dcm")
    found = pydicom.dcmread(path)
    assert found.file_meta.TransferSyntaxUID == JPEG
    assert numpy.array_equal(found.pixel_array, ULTRASOUND.pixel_array[[6, 7, 29]])
    assert found.file_meta.MediaStorageSOPInstanceUID == found.SOPInstanceUID


def test_frames_by_time(archive: Running) -> None:
    keys = identifier("FRAME", SOPInstanceUID=ULTRASOUND.SOPInstanceUID)
    keys[0x00081163] = Attribute(0x00081163, "FD", raw=struct.pack("<2d", 0.1, 0.2))
    with Requestor(archive, uids.INSTANCE_ROOT_GET, storage=[ULTRASOUND.SOPClassUID]) as requestor:
        requestor.send(keys)
        *_, final = requestor.answers()
        (data,) = requestor.stored.values()
    assert final.status == 0
    found = read(data)
    # At 0.133, 0.167 and 0.200 s; the fourth comes one millionth of a second too early.
    assert found.NumberOfFrames == 3
    assert numpy.array_equal(found.pixel_array, ULTRASOUND.pixel_array[4:7])


@pytest.mark.parametrize(
    ("keys", "status"),
    [
        (frames(DOSE.SOPInstanceUID, 16), 0xAA00),
        (frames(FIRST, 1), 0xAA01),
        (
            identifier("FRAME", SOPInstanceUID=DOSE.SOPInstanceUID)
            | {0x00081163: Attribute(0x00081163, "FD", raw=struct.pack("<2d", 0.0, 1.0))},
            0xAA03,
        ),
        (identifier("FRAME", SOPInstanceUID=DOSE.SOPInstanceUID), 0xAA04),
        (frames(DOSE.SOPInstanceUID, 3, 2), 0xAA04),
        (frames(f"{DOSE.SOPInstanceUID}\\{FIRST}", 1), 0xA900),
        (frames("", 1), 0xA900),
    ],
    ids=["none found", "no frames", "no times", "no list", "not increasing", "two instances", "no instance"],
)
def test_frames_that_cannot_be_had(archive: Running, keys: dict[int, Attribute], status: int) -> None:
    for model in (uids.INSTANCE_ROOT_GET, uids.INSTANCE_ROOT_MOVE):
        (answer,) = ask(archive, model, keys, "SINK")
        assert answer.status == status


def test_frames_of_nothing_are_nothing(archive: Running) -> None:
    (answer,) = ask(archive, uids.INSTANCE_ROOT_GET, frames("1.2.3.999", 1))
    assert (answer.status, answer.counts) == (0, (None, 0, 0, 0))


def test_all_but_the_bulk_data(archive: Running) -> None:
    wanted = [FIRST, ULTRASOUND.SOPInstanceUID, DOSE.SOPInstanceUID]
    classes = [collection.CLASSES["CT"], ULTRASOUND.SOPClassUID, DOSE.SOPClassUID]
    with Requestor(archive, uids.WITHOUT_BULK_DATA_GET, storage=classes) as requestor:
        requestor.send(identifier("IMAGE", SOPInstanceUID="\\".join(wanted)))
        *_, final = requestor.answers()
        assert (final.status, final.counts) == (0, (None, 3, 0, 0))
        stored = {instance: read(data) for instance, data in requestor.stored.items()}
    assert stored.keys() == set(wanted)
    assert not any("PixelData" in each for each in stored.values())
    found = stored[ULTRASOUND.SOPInstanceUID]
    expected = {each.tag for each in ULTRASOUND} - {0x7FE00010}
    assert {each.tag for each in found} == expected
    assert found.NumberOfFrames == 30


def test_what_no_context_takes_fails_by_its_uid(archive: Running) -> None:
    with Requestor(archive, uids.WITHOUT_BULK_DATA_GET, storage=[DOSE.SOPClassUID]) as requestor:
        requestor.send(identifier("IMAGE", SOPInstanceUID=f"{FIRST}\\{DOSE.SOPInstanceUID}"))
        *_, final = requestor.answers()
    assert (final.status, final.counts) == (0xB000, (None, 1, 1, 0))
    assert final.identifier[FAILED_LIST].text == FIRST


@pytest.mark.parametrize(
    ("sop_class", "record"),
    [(uids.STUDY_ROOT_MOVE, CFindRQ), (uids.STUDY_ROOT_FIND, CGetRQ), (uids.INSTANCE_ROOT_GET, CFindRQ)],
)
def test_an_operation_that_its_class_does_not_have(archive: Running, sop_class: str, record: type) -> None:
    with Requestor(archive, sop_class, IMPLICIT) as requestor:
        requestor.association.send(1, record(7, sop_class), b"")
        assert requestor.next().status == 0x0211
