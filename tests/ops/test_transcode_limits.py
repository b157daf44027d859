"""Conversion of what is broken, hostile or very large: one reason, no exception of a library, bounded memory."""

import contextlib
import random
import struct
import subprocess
import sys
import tracemalloc
import zlib

import pytest

from dcmnet_cli.core import uids
from dcmnet_cli.errors import ConversionError
from dcmnet_cli.net.part10 import DicomFile
from dcmnet_cli.ops.conversion.codestream import declared
from dcmnet_cli.ops.conversion.syntax_choice import choose, installed_codecs
from dcmnet_cli.ops.conversion.transcode import Limits, repair, transcode
from tests.ops.objects import (
    DEFLATED,
    EBE,
    ELE,
    IDENTITY,
    ILE,
    ITEM,
    SEQUENCE_END,
    UNDEFINED,
    bundled,
    encapsulated,
    explicit,
    image_elements,
    opened,
)

HEAD = b"".join(IDENTITY)


def whole(data_set: bytes, syntax: str) -> tuple[object, DicomFile]:
    """A file whose description is taken on trust, as hostile ones may get past the first look."""
    return lambda count, offset: data_set[offset : offset + count], DicomFile(
        "1.2", "1.2.3", syntax, "1.2.4", 0, len(data_set)
    )


def refusal(data_set: bytes, syntax: str, target: str, limits: Limits = Limits()) -> str:  # noqa: B008
    pread, file = whole(data_set, syntax)
    with pytest.raises(ConversionError) as caught:
        transcode(pread, file, choose(syntax, [target]), limits)  # type: ignore[arg-type]
    return caught.value.message


def nested(depth: int) -> bytes:
    body = b""
    for _ in range(depth):
        body = explicit(
            0x00400275,
            "SQ",
            ITEM + UNDEFINED + body + b"\xfe\xff\x0d\xe0" + bytes(4) + SEQUENCE_END + bytes(4),
            UNDEFINED,
        )
    return HEAD + body


def test_sequences_may_be_64_deep_and_no_deeper() -> None:
    pread, file = whole(nested(64), ELE)
    with transcode(pread, file, choose(ELE, [ILE])).data as data:  # type: ignore[arg-type]
        assert data.size
    assert "64 deep" in refusal(nested(65), ELE, ILE)
    assert "64 deep" in refusal(nested(20_000), ELE, ILE)


def test_sequences_of_unknown_vr_count_as_deep() -> None:
    inner = b""
    for _ in range(70):
        item = ITEM + UNDEFINED + inner + b"\xfe\xff\x0d\xe0" + bytes(4) + SEQUENCE_END + bytes(4)
        inner = b"\x09\x00\x10\x10" + UNDEFINED + item
    assert "64 deep" in refusal(HEAD + inner[:4] + b"UN\0\0" + inner[4:], ELE, ILE)


def test_a_deflate_bomb_stops_at_the_limit() -> None:
    compress = zlib.compressobj(9, wbits=-15)
    parts = [compress.compress(HEAD + explicit(0x7FE00010, "OB", b"", (1 << 28).to_bytes(4, "little")))]
    parts += [compress.compress(bytes(1 << 20)) for _ in range(64)]
    bomb = b"".join(parts) + compress.flush()
    tracemalloc.start()
    assert "inflates to more than" in refusal(bomb, DEFLATED, ELE, Limits(inflated=1 << 25))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 24 << 20


@pytest.mark.parametrize("cut", [1, 5, 200])
def test_deflated_data_cut_short_is_refused(cut: int) -> None:
    compress = zlib.compressobj(wbits=-15)
    data = compress.compress(HEAD + explicit(0x00104000, "LT", random.Random(1).randbytes(400))) + compress.flush()
    assert "cut short" in refusal(data[:-cut], DEFLATED, ELE)


def test_what_is_not_deflated_is_refused() -> None:
    assert "inflated" in refusal(b"\xff" * 40, DEFLATED, ELE)


def test_decompressed_size_is_checked_before_a_codec_runs() -> None:
    data = HEAD + image_elements(65535, 65535, frames=b"100 ") + encapsulated(b"\0\0")
    message = refusal(data, uids.JPEG_2000_LOSSLESS, ELE)
    assert "858967245000 bytes" in message  # 65535 x 65535 x 2 x 100: the limit is 4 GiB
    small = HEAD + image_elements(64, 64) + encapsulated(b"\0\0")
    assert "8192 bytes" in refusal(small, uids.JPEG_2000_LOSSLESS, ELE, Limits(decompressed=8191))


def test_a_frame_that_declares_another_size_is_refused() -> None:
    pread, file = opened(bundled("MR_small_jp2klossless.dcm"))
    data = bytearray(pread(file.length, file.offset))
    at = data.index(b"\xff\x4f\xff\x51")
    data[at + 8 : at + 12] = (0x7FFFFFFF).to_bytes(4, "big")
    message = refusal(bytes(data), file.transfer_syntax_uid, ELE)
    assert "declares 64 x 2147483647" in message


@pytest.mark.parametrize(("said", "held"), [(b"1 ", 2), (b"3 ", 2), (b"2 ", 1)])
def test_frames_are_counted(said: bytes, held: int) -> None:
    frames = [bytes(16)] * held
    data = HEAD + image_elements(4, 4, allocated=8, frames=said) + encapsulated(*frames)
    refusal(data, uids.ENCAPSULATED_UNCOMPRESSED_EXPLICIT_VR_LITTLE_ENDIAN, ELE)


def test_private_encapsulated_data_is_not_guessed_at() -> None:
    private = explicit(0x7FE11010, "OB", ITEM + bytes(4) + SEQUENCE_END + bytes(4), UNDEFINED)
    assert "private element (7FE1,1010)" in refusal(HEAD + private, uids.JPEG_BASELINE_8_BIT, ELE)


def test_a_broken_icon_is_a_reason() -> None:
    item = image_elements(4, 4, allocated=8) + encapsulated(bytes(16))
    icon = explicit(0x00880200, "SQ", ITEM + len(item).to_bytes(4, "little") + item)
    assert "cannot be decompressed" in refusal(HEAD + icon, uids.RLE_LOSSLESS, ELE)


@pytest.mark.parametrize(
    ("element", "words"),
    [
        (b"\x10\x00\x10\x00\0\0\4\0abcd", "no value representation"),
        (explicit(0x00104000, "UT", b"abc", (1 << 20).to_bytes(4, "little")), "declares 1048576 bytes, 3 follow"),
        (explicit(0x00400275, "SQ", b"abcdefgh"), "where an item of (0040,0275) has to be"),
        (explicit(0x00400275, "SQ", ITEM + (99).to_bytes(4, "little") + explicit(0x00400007, "LO", b"ab")), ""),
        (ITEM + bytes(4), "where an element has to be"),
        (explicit(0x00280010, "US", b"abc"), "cannot change their byte order"),
        (b"\x10\x00", "ends within an element"),
    ],
)
def test_broken_elements_are_named(element: bytes, words: str) -> None:
    assert words in refusal(HEAD + element, ELE, EBE)


def test_mutated_objects_raise_nothing_else() -> None:
    """Any byte may be wrong: a result or a reason comes of it."""
    source = random.Random(7)
    for name in (
        "CT_small.dcm",
        "rtplan.dcm",
        "MR_small_RLE.dcm",
        "MR_small_jpeg_ls_lossless.dcm",
        "image_dfl.dcm",
        "SC_rgb_jpeg_gdcm.dcm",
        "JPGExtended.dcm",
        "MR_small_jp2klossless.dcm",
        "SC_rgb_jpeg_dcmtk.dcm",
    ):
        pread, file = opened(bundled(name))
        original = pread(file.length, file.offset)
        target = ILE if file.transfer_syntax_uid == ELE else ELE
        for _ in range(60):
            data = bytearray(original)
            for _ in range(source.randint(1, 4)):
                data[source.randrange(min(len(data), 3000))] = source.randrange(256)
            del data[source.choice((len(data), source.randrange(len(data)))) :]
            reader, described = whole(bytes(data), file.transfer_syntax_uid)
            choice = choose(file.transfer_syntax_uid, [target])
            with contextlib.suppress(ConversionError):
                transcode(reader, described, choice).data.close()  # type: ignore[arg-type]
            with contextlib.suppress(ConversionError):
                repair(reader, described).data.close()  # type: ignore[arg-type]


def test_a_broken_frame_of_12_bits_is_a_reason() -> None:
    pread, file = opened(bundled("JPGExtended.dcm"))
    data = bytearray(pread(file.length, file.offset))
    at = data.index(b"\xff\xc4")
    data[at + 4 : at + 24] = b"\xff" * 20
    assert "cannot be decompressed" in refusal(bytes(data), file.transfer_syntax_uid, ELE)


def test_200_megabytes_in_many_frames_take_little_memory() -> None:
    """Run length encoded: 400 frames of 512 KB, each of one value."""
    row = b"\x81\x00" * 2048  # 128 zeros each
    frame = struct.pack("<16I", 2, 64, 64 + len(row), *bytes(13)) + row + row
    data = HEAD + image_elements(512, 512, frames=b"400 ") + encapsulated(*[frame] * 400)
    pread, file = whole(data, uids.RLE_LOSSLESS)
    choice = choose(uids.RLE_LOSSLESS, [ELE])
    transcode(*whole(HEAD + image_elements(512, 512) + encapsulated(frame), uids.RLE_LOSSLESS), choice).data.close()  # type: ignore[arg-type]
    tracemalloc.start()
    result = transcode(pread, file, choice)  # type: ignore[arg-type]
    peak = tracemalloc.get_traced_memory()[1]
    with result.data:
        assert result.data.size > 400 * 512 * 512 * 2
        total = sum(len(chunk) for chunk in result.data.chunks().buffers)
        assert total == result.data.size
    tracemalloc.stop()
    assert peak < 40 << 20


def test_a_large_native_object_is_copied_in_pieces() -> None:
    """200 MB that exist only as they are asked for, into the other byte order."""
    length = 200 << 20
    head = HEAD + image_elements(10240, 10240) + explicit(0x7FE00010, "OW", b"", length.to_bytes(4, "little"))

    def pread(count: int, offset: int) -> bytes:
        from_head = head[offset : offset + count]
        return from_head + b"\1\2" * ((count - len(from_head) + 1) // 2) if len(from_head) < count else from_head

    file = DicomFile("1.2", "1.2.3", ELE, "1.2.4", 0, len(head) + length)
    tracemalloc.start()
    result = transcode(pread, file, choose(ELE, [EBE]))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    with result.data:
        assert result.data.size == len(head) + length
        assert result.data.pread(4, len(head) + length - 4) == b"\2\1\2\1"
    assert peak < 24 << 20


# --- which target, and with what ---------------------------------------------------------------------------------

EVERY = frozenset(("numpy", "PIL", "imagecodecs", "pylibjpeg", "openjpeg", "jpeg_ls"))
J2K, RLE, JPEG = uids.JPEG_2000_LOSSLESS, uids.RLE_LOSSLESS, uids.JPEG_BASELINE_8_BIT


def test_the_stored_syntax_is_never_left_without_need() -> None:
    for mode in ("never", "lossless", "always"):
        assert choose(JPEG, [ILE, ELE, JPEG], mode) == (JPEG, False, False, False, "", ())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("stored", "accepted", "target", "decodes", "encodes"),
    [
        (ELE, [ILE], ILE, False, False),
        (ILE, [EBE, DEFLATED, ELE], ELE, False, False),
        (ELE, [RLE, ILE], ILE, False, False),
        (JPEG, [ILE], ILE, True, False),
        (J2K, [RLE], RLE, True, True),
        (ELE, [RLE, J2K], J2K, False, True),
        (DEFLATED, [uids.JPEG_2000], uids.JPEG_2000, False, True),
        (uids.HTJ2K, [EBE], EBE, True, False),
    ],
)
def test_uncompressed_comes_before_compressed(
    stored: str, accepted: list[str], target: str, decodes: bool, encodes: bool
) -> None:
    choice = choose(stored, accepted, "lossless", EVERY)
    assert (choice.target, choice.decodes, choice.encodes, choice.is_lossy) == (target, decodes, encodes, False)


@pytest.mark.parametrize(
    ("stored", "accepted", "mode", "words"),
    [
        (ELE, [ILE], "never", "switched off"),
        (ELE, [], "always", "no transfer syntax was accepted"),
        (uids.MPEG2_MAIN_LEVEL, [ELE], "always", "video is not converted"),
        (uids.JPEG_XL_LOSSLESS, [ELE], "always", "there is no codec for it"),
        ("1.2.3.4", [ELE], "always", "private transfer syntax 1.2.3.4"),
        (uids.JPEG_2000_MC, [ELE], "always", "there is no codec for it"),
        (ELE, [uids.JPEG_LOSSLESS_SV1], "lossless", "cannot convert to JPEG Lossless"),
        (ELE, [JPEG], "lossless", "only JPEG Baseline (Process 1) was accepted, which would lose image quality"),
    ],
)
def test_why_there_is_no_target(stored: str, accepted: list[str], mode: str, words: str) -> None:
    choice = choose(stored, accepted, mode, EVERY)  # type: ignore[arg-type]
    assert not choice.target
    assert words in choice.why_not


@pytest.mark.parametrize(
    ("stored", "target", "codecs"),
    [
        (uids.JPEG_LOSSLESS_SV1, ELE, EVERY - {"imagecodecs"}),
        (J2K, ELE, {"numpy"}),
        (J2K, ELE, {"imagecodecs", "PIL"}),
        (RLE, ELE, ()),
        (uids.HTJ2K, ELE, EVERY - {"openjpeg"}),
        (ELE, uids.JPEG_LS_LOSSLESS, EVERY - {"jpeg_ls"}),
    ],
)
def test_a_missing_codec_names_the_package(stored: str, target: str, codecs: frozenset[str]) -> None:
    choice = choose(stored, [target], "lossless", codecs)
    assert not choice.target
    assert "is installed" in choice.why_not
    assert choice.hints == ("pip install 'dcmnet-cli[codecs]'",)


def test_the_codecs_of_the_extra_are_there() -> None:
    assert installed_codecs() >= EVERY


def test_choosing_imports_neither_pydicom_nor_a_codec() -> None:
    program = (
        "import sys; from dcmnet_cli.ops.conversion.syntax_choice import choose\n"
        f"assert choose({J2K!r}, [{ELE!r}]).target\n"
        "print(sorted({'pydicom', 'numpy', 'PIL', 'gdcm', 'logging'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"


def test_sizes_are_read_from_every_kind_of_codestream() -> None:
    jpeg = b"\xff\xd8\xff\xe0\0\4ab\xff\xff\xc3\0\x0b\x0c\0\x10\0\x20\1" + bytes(4)
    assert declared(jpeg) == (16, 32, 1, 12)
    siz = struct.pack(">HHHHIIIIIIIIHB", 0xFF4F, 0xFF51, 41, 0, 37, 21, 5, 1, 32, 32, 0, 0, 3, 0x87)
    assert declared(siz) == (20, 32, 3, 8)
    assert declared(b"\0\0\0\x0cjP  \r\n\x87\n" + siz) == (20, 32, 3, 8)
    for end in range(len(jpeg) - 4):
        assert declared(jpeg[:end]) is None or end >= 19
    assert declared(b"") is None
