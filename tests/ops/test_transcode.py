"""Conversion between encodings, decompression and compression: values stay what they were, whatever is around them."""

import os
import struct
import warnings
import zlib
from collections.abc import Iterator

import numpy
import pydicom
import pytest
from pydicom.pixels.decoders.base import get_decoder

from dcmnet_cli.core import uids
from dcmnet_cli.errors import ConversionError
from dcmnet_cli.net.part10 import read_file
from dcmnet_cli.ops.conversion.recode import swapped
from dcmnet_cli.ops.conversion.transcode import Choice, Limits, choose, repair, transcode
from tests.ops.objects import (
    DEFLATED,
    EBE,
    ELE,
    FOLDER,
    IDENTITY,
    ILE,
    ITEM,
    ITEM_END,
    SEQUENCE_END,
    UNDEFINED,
    as_file,
    bundled,
    data_of,
    encapsulated,
    explicit,
    image_elements,
    implicit,
    numbers,
    opened,
    part10,
    read,
    values,
)

NATIVE = (ILE, ELE, EBE, DEFLATED)
# Pixels of 32 bits, and sequences of unknown VR: readers do not agree on the byte order of either.
NOT_BIG = {"rtdose.dcm", "rtdose_1frame.dcm", "badVR.dcm", "nested_priv_SQ.dcm"}
NOT_FROM_BIG = {"rtdose_expb.dcm", "rtdose_expb_1frame.dcm"}
NOT_FOR_PYDICOM = {"JPGExtended.dcm", "JPEG-lossy.dcm", "SC_rgb_jpeg_gdcm.dcm"}
BROKEN = {"JPEG2000-embedded-sequence-delimiter.dcm"}


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _names(compressed: bool) -> list[str]:
    """Bundled files whose pixel data is compressed or not, but for those that cannot be read at all."""
    found = []
    for name in sorted(os.listdir(FOLDER)):
        if not name.endswith(".dcm") or name in BROKEN:
            continue
        data = bundled(name)
        file = read_file(lambda count, offset, data=data: data[offset : offset + count], len(data))  # type: ignore[misc]
        syntax = uids.transfer_syntax(file.transfer_syntax_uid) if file else None
        if file and syntax and file.problem[:2] in ("", "no") and syntax.encapsulated == compressed:
            found.append(name)
    return found


def converted(data: bytes, target: str) -> tuple[bytes, tuple[str, ...]]:
    pread, file = opened(data)
    choice = choose(file.transfer_syntax_uid, [target])
    assert choice.target == target, choice.why_not
    result = transcode(pread, file, choice)
    with result.data:
        return data_of(result), result.changes


def data_set_of(data: bytes) -> bytes:
    _, file = opened(data)
    return data[file.offset : file.offset + file.length]


def refusal(data: bytes, target: str = ELE, limits: Limits = Limits()) -> str:  # noqa: B008
    pread, file = opened(data)
    choice = choose(file.transfer_syntax_uid, [target], "lossless")
    with pytest.raises(ConversionError) as caught:
        transcode(pread, file, choice, limits)
    return caught.value.message


# --- uncompressed encodings ------------------------------------------------------------------------------------


def test_there_are_files_to_test_with() -> None:
    assert len(_names(compressed=False)) > 20
    assert len(_names(compressed=True)) > 30


@pytest.mark.parametrize("name", sorted(set(_names(compressed=False)) - NOT_FROM_BIG))
def test_values_are_the_same_in_every_uncompressed_encoding(name: str) -> None:
    data = bundled(name)
    _, file = opened(data)
    original = values(pydicom.dcmread(os.path.join(FOLDER, name), force=True))
    for target in NATIVE:
        if target == file.transfer_syntax_uid or (target == EBE and name in NOT_BIG):
            continue
        output, _ = converted(data, target)
        _same(values(read(output, target)), original, EBE in (target, file.transfer_syntax_uid))


def _same(found: dict[tuple[int, ...], object], original: dict[tuple[int, ...], object], is_swapped: bool) -> None:
    """A value that is bytes on one side alone has lost its VR: the round trips below hold its bytes."""
    assert list(found) == list(original)
    for path, value in original.items():
        other = found[path]
        if isinstance(value, bytes) and isinstance(other, bytes):
            even = value + b"\0" * (len(value) % 2)
            assert other == even or (is_swapped and swapped(other, 2) == even), hex(path[-1])
        elif not isinstance(value, bytes) and not isinstance(other, bytes):
            assert (other or None) == (value or None), hex(path[-1])


@pytest.mark.parametrize("name", sorted(NOT_BIG | NOT_FROM_BIG))
def test_what_has_no_agreed_big_endian_form_is_refused(name: str) -> None:
    assert "agreed" in refusal(bundled(name), ELE if name in NOT_FROM_BIG else EBE)


@pytest.mark.parametrize("name", sorted(set(_names(compressed=False)) - {"nested_priv_SQ.dcm"}))
def test_there_and_back_gives_the_same_bytes(name: str) -> None:
    data = bundled(name)
    _, file = opened(data)
    stored = file.transfer_syntax_uid
    even, _ = _repaired(data)
    for between in NATIVE:
        if between == stored or EBE in (between, stored) or (stored != ILE and between == ILE):
            continue  # private VRs do not come back from implicit; big endian below
        there, _ = converted(as_file(even, stored), between)
        back, _ = converted(as_file(there, between), stored)
        if stored == DEFLATED:
            back, even = zlib.decompress(back, -15), zlib.decompress(data_set_of(data), -15)
        assert back == even


def _repaired(data: bytes) -> tuple[bytes, tuple[str, ...]]:
    pread, file = opened(data)
    result = repair(pread, file)
    with result.data:
        return data_of(result), result.changes


@pytest.mark.parametrize("name", ["CT_small.dcm", "MR_small.dcm", "rtplan.dcm", "reportsi.dcm", "waveform_ecg.dcm"])
def test_big_endian_and_back_gives_the_same_bytes(name: str) -> None:
    data = bundled(name)
    plain = converted(data, ELE)[0] if opened(data)[1].transfer_syntax_uid != ELE else _repaired(data)[0]
    big, _ = converted(as_file(plain, ELE), EBE)
    assert big != plain
    assert converted(as_file(big, EBE), ELE)[0] == plain


def test_big_endian_is_what_others_wrote() -> None:
    """pydicom's files in big endian were made by other programs from the ones in little endian."""
    ours = read(converted(bundled("MR_small_bigendian.dcm"), ELE)[0], ELE)
    assert ours.PixelData == pydicom.dcmread(os.path.join(FOLDER, "MR_small.dcm")).PixelData
    big, _ = converted(part10(ELE, b"".join(IDENTITY) + explicit(0x00280010, "US", b"\x01\x02")), EBE)
    assert big.endswith(b"\x00\x28\x00\x10US\x00\x02\x02\x01")


def test_every_vr_is_swapped_by_its_own_width() -> None:
    tags = {"US": 2, "SS": 2, "OW": 2, "AT": 2, "UL": 4, "FL": 4, "OF": 4, "OL": 4, "FD": 8, "OD": 8, "UV": 8}
    for vr, width in (tags | {"OB": 1, "UN": 1, "UT": 1, "LO": 1}).items():
        body = bytes(range(16))
        big, _ = converted(part10(ELE, b"".join(IDENTITY) + explicit(0x00430010, vr, body)), EBE)
        expected = b"".join(body[at : at + width][::-1] for at in range(0, 16, width))
        assert big.endswith(expected), vr


def test_bytes_that_no_character_set_explains_are_kept() -> None:
    odd_values = (
        explicit(0x00080005, "CS", b"ISO_IR 999"),
        explicit(0x00080020, "DA", b"not a date"),
        explicit(0x00090010, "LO", b"MAKER\xff\xfe "),
        explicit(0x00091001, "US", b"\1\2\3\4"),
        explicit(0x00091002, "XX", b"\xde\xad"),
        explicit(0x00100010, "PN", b"\xc4\xd6\x1b$B^^^^^=="),
        explicit(0x00200013, "IS", b"12x4"),
        explicit(0x00300040, "DS", b"1.00000000000000000000000000"),
    )
    output, _ = converted(part10(ELE, b"".join(sorted(IDENTITY + odd_values, key=_tag))), ILE)
    assert output == b"".join(implicit(*_parts(element)) for element in sorted(IDENTITY + odd_values, key=_tag))


def _tag(element: bytes) -> tuple[int, int]:
    group, number = struct.unpack_from("<HH", element)
    return group, number


def _parts(element: bytes) -> tuple[int, bytes]:
    group, number = _tag(element)
    return group << 16 | number, element[8:]


def test_unknown_values_become_un_and_their_bytes_stay() -> None:
    private = implicit(0x00091001, b"\1\2\3\4")
    sequence = implicit(
        0x00091002, ITEM + UNDEFINED + private + ITEM_END + bytes(4) + SEQUENCE_END + bytes(4), UNDEFINED
    )
    head = b"".join(implicit(*_parts(element)) for element in IDENTITY[:2])
    tail = implicit(*_parts(IDENTITY[2]))
    output, changes = converted(part10(ILE, head + private + sequence + tail), ELE)
    assert explicit(0x00091001, "UN", b"\1\2\3\4") in output
    assert explicit(0x00091002, "UN", sequence[8:], UNDEFINED) in output
    assert any("unknown VR" in change for change in changes)


def test_ambiguous_vrs_follow_pixel_representation() -> None:
    padding = implicit(0x00280120, b"\x18\xfc")
    for signed, vr in ((0, "US"), (1, "SS")):
        head = b"".join(implicit(*_parts(element)) for element in IDENTITY)
        data = part10(ILE, head + implicit(0x00280103, numbers(signed)) + padding)
        assert converted(data, ELE)[0].endswith(explicit(0x00280120, vr, b"\x18\xfc"))


def test_a_value_too_long_for_its_vr_becomes_un() -> None:
    long_value = b"1\\" * 40_000
    data = part10(ILE, b"".join(implicit(*_parts(element)) for element in IDENTITY) + implicit(0x30060050, long_value))
    assert converted(data, ELE)[0].endswith(explicit(0x30060050, "UN", long_value))


def test_group_lengths_are_right_afterwards() -> None:
    name = explicit(0x00100010, "PN", b"A^B ")
    comment = explicit(0x00104000, "LT", b"text")
    length = explicit(0x00100000, "UL", len(name + comment).to_bytes(4, "little"))
    output, _ = converted(part10(ELE, b"".join((*IDENTITY[:2], length, name, comment, IDENTITY[2]))), ILE)
    assert implicit(0x00100000, (24).to_bytes(4, "little")) + implicit(0x00100010, b"A^B ") in output


def test_pixel_data_of_another_length_goes_out_with_a_word() -> None:
    data = part10(ELE, b"".join(IDENTITY) + image_elements(4, 4) + explicit(0x7FE00010, "OW", bytes(40)))
    output, changes = converted(data, ILE)
    assert output.endswith(implicit(0x7FE00010, bytes(40)))
    assert "pixel data of 40 bytes sent as it is, its attributes say 32" in changes


def test_deflated_comes_out_padded_and_inflates_to_the_same() -> None:
    output, _ = converted(bundled("CT_small.dcm"), DEFLATED)
    assert zlib.decompressobj(-15).decompress(output) == data_set_of(bundled("CT_small.dcm"))


# --- repair ----------------------------------------------------------------------------------------------------


def test_odd_lengths_are_padded_as_their_vr_asks() -> None:
    sequence = explicit(0x00400275, "SQ", ITEM + (13).to_bytes(4, "little") + explicit(0x00400007, "LO", b"abcde"))
    odd = (*IDENTITY[:2], explicit(0x00100010, "PN", b"A^B"), explicit(0x0020000D, "UI", b"1.2.4"), sequence)
    output, changes = _repaired(part10(ELE, b"".join(odd)))
    item = explicit(0x00400007, "LO", b"abcde ")
    assert output == b"".join(
        (
            *IDENTITY[:2],
            explicit(0x00100010, "PN", b"A^B "),
            explicit(0x0020000D, "UI", b"1.2.4\0"),
            explicit(0x00400275, "SQ", ITEM + len(item).to_bytes(4, "little") + item),
        )
    )
    assert changes == ("odd lengths padded: 3",)


def test_implicit_vr_under_an_explicit_name_is_written_as_explicit() -> None:
    elements = (*IDENTITY, explicit(0x00280010, "US", b"\1\0"))
    data = part10(ELE, b"".join(implicit(*_parts(element)) for element in elements))
    assert opened(data)[1].needs_repair
    output, changes = _repaired(data)
    assert output == b"".join(elements)
    assert changes == ("implicit VR rewritten as explicit VR",)


def test_repair_keeps_compressed_frames() -> None:
    data = part10(uids.JPEG_2000, b"".join(IDENTITY) + encapsulated(b"odd"))
    assert _repaired(data)[0].endswith(encapsulated(b"odd\0"))


# --- decompression ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in _names(compressed=True) if name not in NOT_FOR_PYDICOM])
def test_decompressed_pixels_are_what_pydicom_decodes(name: str) -> None:
    original = pydicom.dcmread(os.path.join(FOLDER, name))
    output, changes = converted(bundled(name), ELE)
    ours = read(output, ELE)
    assert changes[0].startswith("decompressed from " if "PixelData" in original else "converted from ")
    if "PixelData" not in original:
        return
    decoder = get_decoder(original.file_meta.TransferSyntaxUID)
    expected, said = decoder.as_array(original, raw=True, correct_unused_bits=False)
    found, _ = get_decoder(ELE).as_array(ours, raw=True)
    assert numpy.array_equal(found, expected)
    assert ours.PhotometricInterpretation in (said["photometric_interpretation"], "YBR_FULL")
    assert numpy.array_equal(ours.pixel_array, original.pixel_array)  # in RGB where colours are converted
    touched = frozenset((0x7FE00010, 0x7FE00001, 0x7FE00002, 0x00280004, 0x00280006, 0x00282110))
    assert values(ours, touched) == values(original, touched)


def test_lossless_jpeg_holds_the_same_image_as_run_lengths() -> None:
    one, other = (read(converted(bundled(name), ELE)[0], ELE) for name in ("SC_rgb_jpeg_gdcm.dcm", "SC_rgb_rle.dcm"))
    assert one.PixelData == other.PixelData


def test_a_compressed_icon_is_decompressed_where_it_is() -> None:
    def icon(element: bytes) -> bytes:
        item = image_elements(2, 2, allocated=8) + element
        return explicit(0x00880200, "SQ", ITEM + len(item).to_bytes(4, "little") + item)

    image = image_elements(4, 4, allocated=8)
    data = b"".join((*IDENTITY, image, icon(encapsulated(b"icon")), encapsulated(bytes(16))))
    output, _ = converted(part10(uids.ENCAPSULATED_UNCOMPRESSED_EXPLICIT_VR_LITTLE_ENDIAN, data), ELE)
    native = explicit(0x7FE00010, "OB", bytes(16))
    assert output == b"".join((*IDENTITY, image, icon(explicit(0x7FE00010, "OB", b"icon")), native))


@pytest.mark.parametrize("name", ["JPEG-lossy.dcm", "SC_rgb_jpeg_dcmtk.dcm"])
def test_a_lossy_past_is_not_forgotten(name: str) -> None:
    ours = read(converted(bundled(name), ILE)[0], ILE)
    original = pydicom.dcmread(os.path.join(FOLDER, name))
    assert ours.LossyImageCompression == "01"
    for keyword in ("LossyImageCompressionRatio", "LossyImageCompressionMethod"):
        assert ours.get(keyword) == original.get(keyword)


def test_all_targets_get_the_same_pixels() -> None:
    plain = read(converted(bundled("MR_small_jpeg_ls_lossless.dcm"), ELE)[0], ELE).pixel_array
    for target in NATIVE:
        output, _ = converted(bundled("MR_small_jpeg_ls_lossless.dcm"), target)
        assert numpy.array_equal(read(output, target).pixel_array, plain)


def test_offset_tables_go_with_the_compression() -> None:
    frames = [bytes([value]) * 16 for value in (1, 2, 3)]
    tables = (
        explicit(0x7FE00001, "OV", struct.pack("<3Q", 0, 24, 48)),
        explicit(0x7FE00002, "OV", struct.pack("<3Q", 16, 16, 16)),
    )
    image = image_elements(4, 4, allocated=8, frames=b"3 ")
    data = part10(
        uids.ENCAPSULATED_UNCOMPRESSED_EXPLICIT_VR_LITTLE_ENDIAN,
        b"".join((*IDENTITY, image, *tables, encapsulated(*frames))),
    )
    output, changes = converted(data, ELE)
    assert output == b"".join((*IDENTITY, image, explicit(0x7FE00010, "OB", b"".join(frames))))
    assert "extended offset table left out" in changes


def test_deflated_frames_are_inflated() -> None:
    frames = [bytes(range(16)), bytes(16)]
    packed = []
    for frame in frames:
        compress = zlib.compressobj(wbits=-15)
        data = compress.compress(frame) + compress.flush()
        packed.append(data + b"\0" * (len(data) % 2))
    image = image_elements(4, 4, allocated=8, frames=b"2 ")
    data = part10("1.2.840.10008.1.2.8.1", b"".join((*IDENTITY, image, encapsulated(*packed))))
    assert converted(data, ELE)[0].endswith(explicit(0x7FE00010, "OB", b"".join(frames)))


def test_unused_bits_are_kept() -> None:
    """Overlays used to lie in bits above Bits Stored, and run length encoding holds whole cells."""
    cells = numpy.arange(64, dtype="<u2") | 0xA000
    image = image_elements(8, 8, stored=12)
    native = explicit(0x7FE00010, "OW", cells.tobytes())
    high, low = (b"\x3f" + cells.tobytes()[place::2] + b"\0" for place in (1, 0))  # one literal run each
    frame = struct.pack("<16I", 2, 64, 64 + len(high), *bytes(13)) + high + low
    data = part10(uids.RLE_LOSSLESS, b"".join((*IDENTITY, image, encapsulated(frame))))
    assert converted(data, ELE)[0].endswith(native)
    assert "cannot be compressed" in refusal(part10(ELE, b"".join((*IDENTITY, image, native))), uids.JPEG_LS_LOSSLESS)


# --- compression -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [uids.JPEG_LS_LOSSLESS, uids.JPEG_2000_LOSSLESS, uids.JPEG_2000, uids.RLE_LOSSLESS])
@pytest.mark.parametrize("name", ["CT_small.dcm", "MR_small_bigendian.dcm", "image_dfl.dcm", "examples_rgb_color.dcm"])
def test_compression_without_loss_comes_back_the_same(name: str, target: str) -> None:
    original = pydicom.dcmread(os.path.join(FOLDER, name))
    packed, _ = converted(bundled(name), target)
    compressed = read(packed, target)
    assert numpy.array_equal(compressed.pixel_array, original.pixel_array)
    assert values(compressed, frozenset((0x7FE00010,))) == values(original, frozenset((0x7FE00010,)))
    plain, _ = converted(as_file(packed, target), ELE)
    assert numpy.array_equal(read(plain, ELE).pixel_array, original.pixel_array)


def test_planes_are_interleaved_and_said_so() -> None:
    planes = numpy.random.default_rng(1).integers(0, 256, (3, 16, 16), dtype="u1")
    image = image_elements(16, 16, allocated=8, samples=3, photometric=b"RGB ", planar=1)
    data = part10(ELE, b"".join((*IDENTITY, image, explicit(0x7FE00010, "OB", planes.tobytes()))))
    packed, changes = converted(data, uids.JPEG_LS_LOSSLESS)
    assert "planar configuration 1 to 0" in changes
    assert numpy.array_equal(read(packed, uids.JPEG_LS_LOSSLESS).pixel_array, planes.transpose(1, 2, 0))


def test_offsets_of_several_frames_are_right() -> None:
    frames = numpy.random.default_rng(2).integers(0, 4096, (3, 64, 64), dtype="<u2")
    image = image_elements(64, 64, stored=12, frames=b"3 ")
    data = part10(ELE, b"".join((*IDENTITY, image, explicit(0x7FE00010, "OW", frames.tobytes()))))
    packed, _ = converted(data, uids.JPEG_2000_LOSSLESS)
    item = packed.index(ITEM) + 4
    assert packed[item : item + 4] == (12).to_bytes(4, "little")
    first = item + 16
    for index, offset in enumerate(struct.unpack_from("<3I", packed, item + 4)):
        assert packed[first + offset : first + offset + 4] == ITEM, index
    assert numpy.array_equal(read(packed, uids.JPEG_2000_LOSSLESS).pixel_array, frames)


def test_what_is_no_image_is_not_compressed() -> None:
    assert "no pixel data" in refusal(bundled("reportsi.dcm"), uids.RLE_LOSSLESS)


def test_a_choice_without_target_says_why() -> None:
    pread, file = opened(bundled("CT_small.dcm"))
    with pytest.raises(ConversionError, match="because"):
        transcode(pread, file, Choice("", why_not="because"))


@pytest.mark.parametrize(
    ("name", "target", "photometric", "method"),
    [
        ("examples_rgb_color.dcm", uids.JPEG_BASELINE_8_BIT, "YBR_FULL_422", "ISO_10918_1"),
        ("image_dfl.dcm", uids.JPEG_BASELINE_8_BIT, "MONOCHROME2", "ISO_10918_1"),
        ("CT_small.dcm", uids.JPEG_LS_NEAR_LOSSLESS, "MONOCHROME2", "ISO_14495_1"),
    ],
)
def test_loss_makes_another_image_and_says_so(name: str, target: str, photometric: str, method: str) -> None:
    pread, file = opened(bundled(name))
    assert not choose(file.transfer_syntax_uid, [target]).target
    result = transcode(pread, file, choose(file.transfer_syntax_uid, [target], "always"))
    with result.data:
        ours = read(data_of(result), target)
    original = pydicom.dcmread(os.path.join(FOLDER, name))
    assert ours.SOPInstanceUID == result.sop_instance_uid != original.SOPInstanceUID
    assert (ours.LossyImageCompression, ours.LossyImageCompressionMethod) == ("01", method)
    assert float(ours.LossyImageCompressionRatio) > 1
    assert ours.PhotometricInterpretation == photometric
    types = ours["ImageType"].value
    assert types == "DERIVED" if "ImageType" not in original else types[1:] == original.ImageType[1:]
    assert types == "DERIVED" or types[0] == "DERIVED"
    difference = ours.pixel_array.astype(int) - original.pixel_array.astype(int)
    assert 0 < numpy.abs(difference).mean() < 3
    if method == "ISO_14495_1":
        assert numpy.abs(difference).max() <= 2


def test_what_jpeg_baseline_cannot_hold_is_refused() -> None:
    pread, file = opened(bundled("CT_small.dcm"))
    choice = choose(ELE, [uids.JPEG_BASELINE_8_BIT], "always")
    with pytest.raises(ConversionError, match="holds 8 bits without sign"):
        transcode(pread, file, choice)
