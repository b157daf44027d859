"""Frames of an object as an object of their own: the pixels that were asked for, and everything else in keeping."""

import io
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from dcmnet_cli.core.identifier import Element, encode
from dcmnet_cli.errors import ConversionError
from dcmnet_cli.net.part10 import meta_header, read_file
from dcmnet_cli.ops.conversion.frames import NotMultiFrame, extract_frames

FILES = Path(pydicom.__file__).parent / "data" / "test_files"
SIMPLE = 0x00081161
MAKER = encode([Element(0x00080070, "LO", b"somebody")], True)


def extracted(content: bytes, numbers: Sequence[int]) -> Dataset:
    """The frames ``numbers`` of a file, as pydicom reads what was made of them."""

    def pread(count: int, offset: int) -> bytes:
        return content[offset : offset + count]

    file = read_file(pread, len(content), check_uids=False)
    assert file is not None
    key = SIMPLE, "UL", struct.pack(f"<{len(numbers)}I", *numbers)
    data, made = extract_frames(pread, file, lambda count, times: numbers, key, MAKER)
    with data:
        assert (made.offset, made.length) == (0, data.size)
        assert data.size % 2 == 0
        body = b"".join(data.chunks().buffers)
    header = meta_header(made.sop_class_uid, made.sop_instance_uid, made.transfer_syntax_uid, "")
    found = pydicom.dcmread(io.BytesIO(header + body))
    assert found.SOPInstanceUID == made.sop_instance_uid
    return found


def saved(dataset: Dataset, syntax: str = ExplicitVRLittleEndian) -> bytes:
    buffer = io.BytesIO()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def multi_frame(frames: int = 5, bits: int = 8, rows: int = 3, columns: int = 5) -> Dataset:
    """An invented multi-frame object; every frame has pixels of its own."""
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.3.1", "1.2.3.4"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.3", "1.2.3.1"
    dataset.Rows, dataset.Columns, dataset.NumberOfFrames = rows, columns, frames
    dataset.BitsAllocated = dataset.BitsStored = bits
    dataset.HighBit, dataset.PixelRepresentation = bits - 1, 0
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    if bits == 1:
        pixels = numpy.random.default_rng(7).integers(0, 2, frames * rows * columns, "u1")
        dataset.PixelData = numpy.packbits(pixels, bitorder="little").tobytes()
    else:
        dataset.PixelData = numpy.arange(frames * rows * columns, dtype="<u1").tobytes()
    dataset["PixelData"].VR = "OB"
    if len(dataset.PixelData) % 2:
        dataset.PixelData += b"\0"
    return dataset


@pytest.mark.parametrize(
    "name",
    ["examples_ybr_color.dcm", "rtdose.dcm", "rtdose_rle.dcm", "SC_rgb_rle_2frame.dcm"],
)
def test_the_pixels_are_those_of_the_frames(name: str) -> None:
    content = (FILES / name).read_bytes()
    source = pydicom.dcmread(io.BytesIO(content))
    numbers = [1] if source.NumberOfFrames == 2 else [2, 3, 9]
    found = extracted(content, numbers)
    assert found.NumberOfFrames == len(numbers)
    expected = source.pixel_array[[number - 1 for number in numbers]]
    assert numpy.array_equal(found.pixel_array.reshape(expected.shape), expected)
    for keyword in ("SOPClassUID", "StudyInstanceUID", "SeriesInstanceUID", "PatientID", "Rows", "BitsAllocated"):
        assert found.get(keyword) == source.get(keyword)
    assert found.SOPInstanceUID != source.SOPInstanceUID


def test_dose_planes_keep_their_offsets() -> None:
    content = (FILES / "rtdose.dcm").read_bytes()
    source = pydicom.dcmread(io.BytesIO(content))
    found = extracted(content, [4, 15])
    assert found.GridFrameOffsetVector == [source.GridFrameOffsetVector[3], source.GridFrameOffsetVector[14]]


@pytest.mark.parametrize(("bits", "rows", "columns"), [(1, 3, 5), (1, 8, 4), (8, 3, 5)])
@pytest.mark.parametrize("numbers", [[1], [2, 4], [1, 2, 3, 4, 5], [5]])
def test_frames_that_end_within_a_byte(bits: int, rows: int, columns: int, numbers: list[int]) -> None:
    dataset = multi_frame(5, bits, rows, columns)
    expected = pydicom.dcmread(io.BytesIO(saved(dataset))).pixel_array[[number - 1 for number in numbers]]
    found = extracted(saved(dataset), numbers)
    assert numpy.array_equal(found.pixel_array.reshape(expected.shape), expected)


def test_it_says_where_it_comes_from_and_who_made_it() -> None:
    dataset = multi_frame()
    first = extracted(saved(dataset), [2, 3, 5])
    (origin,) = first.FrameExtractionSequence
    assert (origin.MultiFrameSourceSOPInstanceUID, origin.SimpleFrameList) == ("1.2.3.4", [2, 3, 5])
    assert [item.Manufacturer for item in first.ContributingEquipmentSequence] == ["somebody"]
    second = extracted(saved(first), [2])
    assert [item.SimpleFrameList for item in second.FrameExtractionSequence] == [[2, 3, 5], 2]
    assert second.FrameExtractionSequence[1].MultiFrameSourceSOPInstanceUID == first.SOPInstanceUID
    assert len(second.ContributingEquipmentSequence) == 2


def test_what_belongs_to_other_frames_goes() -> None:
    dataset = multi_frame()
    dataset.ConcatenationUID, dataset.InConcatenationNumber, dataset.RepresentativeFrameNumber = "1.2.9", 1, 4
    dataset.add_new(0x00091001, "LO", "private")
    dataset.add_new(0x00090010, "LO", "MAKER")
    dataset.SliceVector = [1, 2, 3, 4, 5]
    groups = []
    for number in range(5):
        item, content = Dataset(), Dataset()
        content.InStackPositionNumber = number + 1
        content.FrameReferenceDateTime = f"2025010110000{number}"
        item.FrameContentSequence = [content]
        groups.append(item)
    dataset.PerFrameFunctionalGroupsSequence = groups
    found = extracted(saved(dataset, ImplicitVRLittleEndian), [2, 5])
    positions = [item.FrameContentSequence[0].InStackPositionNumber for item in found.PerFrameFunctionalGroupsSequence]
    assert positions == [2, 5]
    assert found.SliceVector == [2, 5]
    for keyword in ("ConcatenationUID", "InConcatenationNumber", "RepresentativeFrameNumber"):
        assert keyword not in found
    assert not [each for each in found if each.tag.is_private]


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ([1, 2], {"FrameTime": "40", "ContentTime": "100000"}),
        ([2, 3, 4], {"FrameTime": "40", "ContentTime": "100000.040000"}),
        ([1, 3, 5], {"FrameTime": "80", "ContentTime": "100000"}),
        ([1, 2, 5], {"FrameTime": None, "FrameTimeVector": [0, 40, 120], "ContentTime": "100000"}),
        ([3], {"FrameTime": "40", "ContentTime": "100000.080000"}),
    ],
)
def test_frame_times_stay_true(numbers: list[int], expected: dict[str, Any]) -> None:
    dataset = multi_frame()
    dataset.ContentDate, dataset.ContentTime, dataset.FrameTime = "20250101", "100000", "40"
    dataset.FrameIncrementPointer = 0x00181063
    found = extracted(saved(dataset), numbers)
    assert {keyword: found.get(keyword) for keyword in expected} == expected
    assert found.FrameIncrementPointer == (0x00181065 if "FrameTimeVector" in expected else 0x00181063)


def test_a_vector_of_times_is_made_anew() -> None:
    dataset = multi_frame()
    dataset.FrameTimeVector, dataset.FrameIncrementPointer = [0, 10, 20, 30, 40], 0x00181065
    found = extracted(saved(dataset), [2, 3, 5])
    assert found.FrameTimeVector == [0, 20, 70]


def test_times_of_all_three_kinds_are_known() -> None:
    def times(dataset: Dataset) -> Sequence[float]:
        seen: list[Sequence[float]] = []
        content = saved(dataset)
        file = read_file(lambda count, offset: content[offset : offset + count], len(content), check_uids=False)
        assert file is not None

        def choose(count: int, times: Any) -> list[int]:
            seen.append([round(each, 6) for each in times.seconds])
            return [1]

        extract_frames(
            lambda count, offset: content[offset : offset + count], file, choose, (SIMPLE, "UL", b"\1\0\0\0"), MAKER
        ).data.close()
        return seen[0]

    dataset = multi_frame(3)
    assert times(dataset) == []
    dataset.FrameTime = "500"
    assert times(dataset) == [0.0, 0.5, 1.0]
    dataset.FrameTimeVector = [0, 100, 300]
    assert times(dataset) == [0.0, 0.1, 0.4]
    del dataset.FrameTime, dataset.FrameTimeVector
    dataset.ContentDate, dataset.ContentTime = "20250101", "095959.5"
    dataset.PerFrameFunctionalGroupsSequence = [Dataset() for _ in range(3)]
    for number, item in enumerate(dataset.PerFrameFunctionalGroupsSequence):
        item.FrameContentSequence = [Dataset()]
        item.FrameContentSequence[0].FrameReferenceDateTime = f"2025010110000{number}.250000"
    assert times(dataset) == [0.75, 1.75, 2.75]


def test_what_has_no_frames() -> None:
    for name in ("CT_small.dcm", "reportsi.dcm"):
        with pytest.raises(NotMultiFrame):
            extracted((FILES / name).read_bytes(), [1])


@pytest.mark.parametrize("frames", ["9999999999", "6", "0", "x"])
def test_a_number_of_frames_that_is_not_true(frames: str) -> None:
    dataset = multi_frame()
    content = saved(dataset)
    lying = content.replace(
        b"\x28\0\x08\0IS\x02\x005 ", b"\x28\0\x08\0IS" + struct.pack("<H", 10) + frames.ljust(10).encode()
    )
    assert lying != content
    with pytest.raises(ConversionError):
        extracted(lying, [1])


def test_overlays_of_many_frames_are_not_cut() -> None:
    dataset = multi_frame()
    dataset.add_new(0x60000015, "IS", "5")
    with pytest.raises(ConversionError, match="overlays"):
        extracted(saved(dataset), [1])
