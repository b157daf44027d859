"""Objects without bulk data: the elements of PS3.4 table Z.1-1 are gone, and every other byte is there."""

import io
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset

from dcmnet_cli.net.part10 import meta_header, read_file
from dcmnet_cli.ops.conversion.bulk import without_bulk_data

FILES = Path(pydicom.__file__).parent / "data" / "test_files"
BULK = {"PixelData", "EncapsulatedDocument"}


def stripped(content: bytes) -> Dataset:
    def pread(count: int, offset: int) -> bytes:
        return content[offset : offset + count]

    file = read_file(pread, len(content), check_uids=False)
    assert file is not None
    data, left = without_bulk_data(pread, file)
    with data:
        body = b"".join(data.chunks().buffers)
    assert left.length == len(body)
    return pydicom.dcmread(
        io.BytesIO(meta_header(left.sop_class_uid, left.sop_instance_uid, left.transfer_syntax_uid, "") + body)
    )


@pytest.mark.parametrize(
    ("name", "syntax"),
    [
        ("CT_small.dcm", "1.2.840.10008.1.2.1"),
        ("MR_small_implicit.dcm", "1.2.840.10008.1.2"),
        ("MR_small_bigendian.dcm", "1.2.840.10008.1.2.2"),
        ("JPEG2000.dcm", "1.2.840.10008.1.2.1"),
        ("examples_ybr_color.dcm", "1.2.840.10008.1.2.1"),
        ("image_dfl.dcm", "1.2.840.10008.1.2.1"),
        ("waveform_ecg.dcm", "1.2.840.10008.1.2.1"),
        ("test-SR.dcm", "1.2.840.10008.1.2.1"),
        ("reportsi.dcm", "1.2.840.10008.1.2.1"),
    ],
)
def test_all_but_the_bulk(name: str, syntax: str) -> None:
    content = (FILES / name).read_bytes()
    source, found = pydicom.dcmread(io.BytesIO(content)), stripped(content)
    assert found.file_meta.TransferSyntaxUID == syntax
    for element in list(source):
        if element.keyword in BULK:
            del source[element.tag]
    for item in source.get("WaveformSequence", ()):
        del item.WaveformData
    for dataset in (source, found):
        for element in list(dataset):
            if element.tag.element == 0:
                del dataset[element.tag]
    assert found.to_json_dict() == source.to_json_dict()


def saved(source: Dataset) -> bytes:
    buffer = io.BytesIO()
    source.save_as(buffer)
    return buffer.getvalue()


def test_overlays_and_curves_go_and_what_describes_them_stays() -> None:
    source = pydicom.dcmread(FILES / "CT_small.dcm")
    for group in (0x6000, 0x6002, 0x601E):
        source.add_new(group << 16 | 0x10, "US", 8)
        source.add_new(group << 16 | 0x3000, "OW", bytes(8))
    source.add_new(0x50003000, "OW", bytes(8))
    source.add_new(0x5002200C, "OW", bytes(8))
    found = stripped(saved(source))
    groups = {(element.tag.group, element.tag.element) for element in found if element.tag.group >= 0x5000}
    assert groups - {(0xFFFC, 0xFFFC)} == {(0x6000, 0x10), (0x6002, 0x10), (0x601E, 0x10)}


def test_icons_stay() -> None:
    source = pydicom.dcmread(FILES / "CT_small.dcm")
    icon = Dataset()
    icon.Rows = icon.Columns = 2
    icon.PixelData = b"abcd"
    icon["PixelData"].VR = "OB"
    source.IconImageSequence = [icon]
    found = stripped(saved(source))
    assert "PixelData" not in found
    assert found.IconImageSequence[0].PixelData == b"abcd"
