"""What dcmconv and dcmdjpeg make of the same files."""

import subprocess
from pathlib import Path

import numpy
import pydicom
import pytest

from dcmnet_cli.ops.conversion.transcode import choose, transcode
from tests.interop.running import program
from tests.ops.objects import EBE, ELE, FOLDER, ILE, bundled, data_of, opened, read, values


def dcmtk(tool: str, name: str, folder: Path, *options: str) -> pydicom.Dataset:
    output = folder / "output.dcm"
    subprocess.run([program(tool, "dcmtk"), *options, f"{FOLDER}/{name}", str(output)], check=True, timeout=60)
    return pydicom.dcmread(output)


def ours(name: str, target: str) -> pydicom.Dataset:
    pread, file = opened(bundled(name))
    result = transcode(pread, file, choose(file.transfer_syntax_uid, [target]))
    with result.data:
        return read(data_of(result), target)


@pytest.mark.parametrize(("option", "target"), [("+te", ELE), ("+ti", ILE), ("+tb", EBE)])
@pytest.mark.parametrize(
    "name", ["CT_small.dcm", "MR_small_implicit.dcm", "image_dfl.dcm", "reportsi.dcm", "rtplan.dcm"]
)
def test_encodings_hold_what_dcmconv_writes(name: str, option: str, target: str, tmp_path: Path) -> None:
    theirs = dcmtk("dcmconv", name, tmp_path, option)
    found, expected = values(ours(name, target)), values(theirs)
    private = {path for path in expected if any(tag > 0xFFFF and tag >> 16 & 1 for tag in path)}
    assert {path: value for path, value in found.items() if path not in private} == {
        path: value for path, value in expected.items() if path not in private
    }


@pytest.mark.parametrize("name", ["JPGExtended.dcm", "JPEG-lossy.dcm", "SC_rgb_jpeg_gdcm.dcm"])
def test_pixels_are_what_dcmdjpeg_decodes(name: str, tmp_path: Path) -> None:
    """Twelve bits among them, for which pydicom has no decoder of ours to be compared with."""
    theirs = dcmtk("dcmdjpeg", name, tmp_path, "+te")
    found = ours(name, ELE)
    assert numpy.array_equal(found.pixel_array, theirs.pixel_array)
    assert found.PhotometricInterpretation == theirs.PhotometricInterpretation


@pytest.mark.parametrize("options", [("+e1",), ("+el", "+sv", "1"), ("+el", "+sv", "5"), ("+el", "+sv", "7")])
@pytest.mark.parametrize("name", ["CT_small.dcm", "MR_small.dcm", "SC_rgb_small_odd.dcm", "examples_overlay.dcm"])
def test_lossless_jpeg_of_dcmcjpeg_comes_back(name: str, options: tuple[str, ...], tmp_path: Path) -> None:
    """Sixteen bits with and without sign, colour, and other predictors than the first."""
    dcmtk("dcmcjpeg", name, tmp_path, *options)
    pread, file = opened((tmp_path / "output.dcm").read_bytes())
    result = transcode(pread, file, choose(file.transfer_syntax_uid, [ELE]))
    with result.data:
        found = read(data_of(result), ELE)
    original = pydicom.dcmread(f"{FOLDER}/{name}")
    assert numpy.array_equal(found.pixel_array, original.pixel_array)
    assert found.PhotometricInterpretation == original.PhotometricInterpretation
