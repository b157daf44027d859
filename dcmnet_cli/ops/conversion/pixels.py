"""Frames of pixel data, decompressed and compressed by pydicom's decoders and encoders, with the limits they lack.

Values come out as they were stored: no colour is converted and no unused bit cleared, since both would lose
something. What the attributes must say afterwards is told with each frame.
"""

import zlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from dcmnet_cli.core import uids
from dcmnet_cli.errors import ConversionError
from dcmnet_cli.net.elements import Layout
from dcmnet_cli.ops.conversion.codestream import declared
from dcmnet_cli.ops.conversion.recode import PIXEL_DATA, Element
from dcmnet_cli.ops.conversion.spool import Reader, ReaderFile
from dcmnet_cli.ops.conversion.syntax_choice import BARE, DEFLATED_FRAMES, installed_codecs

if TYPE_CHECKING:
    import numpy

SAMPLES, PHOTOMETRIC, PLANAR, FRAMES = 0x00280002, 0x00280004, 0x00280006, 0x00280008
ROWS, COLUMNS, BITS_ALLOCATED, BITS_STORED, SIGNED = 0x00280010, 0x00280011, 0x00280100, 0x00280101, 0x00280103
OFFSETS, OFFSET_LENGTHS = 0x7FE00001, 0x7FE00002


# Never GDCM, which ends the process at a broken stream.
_PLUGINS = ("pylibjpeg", "pyjpegls", "pillow", "pydicom")
_LOSSLESS_JPEG = (uids.JPEG_LOSSLESS, uids.JPEG_LOSSLESS_SV1)
_HALVED = "YBR_FULL_422"  # two luma samples share one pair of chroma samples: two bytes a pixel when native


class Image(NamedTuple):
    """The attributes of the image pixel module (PS3.3 C.7.6.3) that pixel data cannot be read without."""

    rows: int
    columns: int
    samples: int
    bits_allocated: int
    bits_stored: int
    is_signed: bool
    photometric: str
    planar: int
    frames: int

    @property
    def frame_bits(self) -> int:
        """Bits of one frame in native form."""
        samples = 2 if self.photometric == _HALVED and self.samples == 3 else self.samples
        return self.rows * self.columns * samples * self.bits_allocated

    @property
    def native_length(self) -> int:
        """Bytes of all frames in native form, without padding. Only frames of one bit a pixel share bytes."""
        return (self.frame_bits * self.frames + 7) // 8

    def options(self) -> dict[str, Any]:
        """The same as pydicom's coders want it, for one frame."""
        values: dict[str, Any] = {
            "rows": self.rows,
            "columns": self.columns,
            "samples_per_pixel": self.samples,
            "bits_allocated": self.bits_allocated,
            "bits_stored": self.bits_stored,
            "pixel_representation": int(self.is_signed),
            "photometric_interpretation": self.photometric,
            "number_of_frames": 1,
        }
        return values | {"planar_configuration": self.planar} if self.samples > 1 else values


def read_image(reader: Reader, layout: Layout, top: Mapping[int, Element]) -> Image:
    """The attributes of the image among the elements ``top``. Raises ConversionError when they cannot be right."""

    def raw(tag: int) -> bytes:
        element = top.get(tag)
        return reader.take(element.value, element.length) if element and element.length <= 64 else b""

    def number(tag: int) -> int:
        return int.from_bytes(raw(tag)[:2], "little" if layout.little else "big")

    frames = raw(FRAMES).strip(b" \0") or b"1"
    samples, allocated = number(SAMPLES) or 1, number(BITS_ALLOCATED)
    image = Image(
        number(ROWS),
        number(COLUMNS),
        samples,
        allocated,
        number(BITS_STORED) or allocated,
        number(SIGNED) == 1,
        raw(PHOTOMETRIC).strip(b" \0").decode("ascii", "replace"),
        number(PLANAR),
        int(frames) if frames.isdigit() and len(frames) < 11 else 0,
    )
    if not (image.rows and image.columns and image.frames) or image.samples not in (1, 3, 4):
        raise ConversionError(f"no image of {image.rows} rows, {image.columns} columns and {image.frames} frames")
    if allocated not in (1, 8, 16, 32, 64) or image.bits_stored > allocated:
        raise ConversionError(f"no pixels of {image.bits_stored} bits stored in {allocated} bits allocated")
    return image


# --- decompressing ---------------------------------------------------------------------------------------------


def encoded_frames(reader: Reader, top: Mapping[int, Element], frames: int) -> Iterator[bytes]:
    """The compressed frames, as the offset tables, the number of frames or the codestreams divide the fragments."""
    from pydicom.encaps import generate_frames

    element = top[PIXEL_DATA]
    tables = [top.get(OFFSETS), top.get(OFFSET_LENGTHS)]
    extended = tuple(reader.take(table.value, table.length) for table in tables if table and table.length)
    file = ReaderFile(reader, element.value, reader.size - element.value)
    offsets: Any = extended if len(extended) == 2 else None
    try:
        yield from generate_frames(file, number_of_frames=frames, extended_offsets=offsets)
    except ConversionError:
        raise
    except Exception as error:  # whatever a library makes of a peer's bytes is this object's failure, not ours
        raise ConversionError(f"the compressed frames cannot be told apart: {one_line(error)}") from error


class FrameDecoder:
    """Decodes the frames of one object, all of them with the codec that could do the first."""

    def __init__(self, transfer_syntax: str, image: Image) -> None:
        self._syntax = transfer_syntax
        self._image = image
        self._plugins: tuple[str, ...] = ()
        be_quiet()

    def decode(self, frame: bytes) -> tuple[bytes, str]:
        """(samples in little endian and colour by pixel, photometric interpretation of them)."""
        image = self._image
        if self._syntax in BARE:
            return self._bare(frame), image.photometric
        if image.bits_allocated == 1:
            raise ConversionError("pixels of one bit cannot be decompressed")
        precision = self._check_size(frame)
        is_other = self._syntax in _LOSSLESS_JPEG or (self._syntax == uids.JPEG_EXTENDED_12_BIT and precision > 8)
        if is_other and "imagecodecs" in installed_codecs():
            pixels, photometric = self._in_container(decode_jpeg(frame, image)), image.photometric
        else:
            pixels, photometric = self._by_plugin(frame)
        if image.samples == 3 and photometric == _HALVED:
            photometric = "YBR_FULL"  # the codec has given every pixel its chroma samples
        expected = image.rows * image.columns * image.samples * image.bits_allocated // 8
        if len(pixels) != expected:
            raise ConversionError(f"a frame is {len(pixels)} bytes when decompressed, {expected} expected")
        return pixels, photometric

    def _bare(self, frame: bytes) -> bytes:
        expected, rest = divmod(self._image.frame_bits, 8)
        if rest:
            raise ConversionError("frames that end within a byte cannot be put together")
        if self._syntax == DEFLATED_FRAMES:
            try:
                frame = zlib.decompressobj(-15).decompress(frame, expected + 2)
            except zlib.error as error:
                raise ConversionError(f"a frame cannot be inflated: {error}") from error
        if not expected <= len(frame) <= expected + 1:
            raise ConversionError(f"a frame is {len(frame)} bytes, {expected} expected")
        return frame[:expected]

    def _check_size(self, frame: bytes) -> int:
        """The precision, once the codestream declares the size of the image: a decoder allocates what it is told."""
        image = self._image
        if self._syntax == uids.RLE_LOSSLESS:
            if len(frame) > image.frame_bits // 4 + 1024:
                raise ConversionError(f"a run length encoded frame of {len(frame)} bytes is more than any image takes")
            return image.bits_stored
        found = declared(frame)
        if found is None:
            raise ConversionError(f"a frame is not {uids.uid_name(self._syntax)}, though the transfer syntax says so")
        if (found.rows, found.columns, found.components) != (image.rows, image.columns, image.samples):
            raise ConversionError(
                f"a frame declares {found.rows} x {found.columns} x {found.components} samples, "
                f"the attributes say {image.rows} x {image.columns} x {image.samples}"
            )
        if found.precision > image.bits_allocated:
            raise ConversionError(
                f"a frame has {found.precision} bits a sample, Bits Allocated is {image.bits_allocated}"
            )
        return found.precision

    def _by_plugin(self, frame: bytes) -> tuple[bytes, str]:
        from pydicom.encaps import encapsulate
        from pydicom.pixels.decoders.base import get_decoder

        decoder = get_decoder(self._syntax)
        if not self._plugins:
            self._plugins = tuple(name for name in _PLUGINS if name in decoder.available_plugins)
        # Codecs give colour by pixel, or say otherwise: what the attribute says of the native form would mislead.
        options = self._image._replace(planar=0).options() | {"raw": True, "correct_unused_bits": False}
        source, problem = encapsulate([frame], has_bot=False), "no codec"
        for plugin in self._plugins:
            try:
                array, said = decoder.as_array(source, index=0, decoding_plugin=plugin, **options)
                pixels = self._in_container(array)
            except Exception as error:  # the codecs raise what they like; the next one may do better
                problem = one_line(error)
            else:
                self._plugins = (plugin,)
                return pixels, str(said["photometric_interpretation"])
        raise ConversionError(f"a frame cannot be decompressed: {problem}")

    def _in_container(self, array: "numpy.ndarray[Any, Any]") -> bytes:
        """Samples in as many bytes as Bits Allocated says; a codec chooses them by the precision of the codestream."""
        return array.astype(f"<{array.dtype.kind}{self._image.bits_allocated // 8}", copy=False).tobytes()


def decode_jpeg(frame: bytes, image: Image) -> "numpy.ndarray[Any, Any]":
    """Lossless JPEG, and JPEG of 12 bits: libjpeg-turbo reads them, which pydicom does not know how to ask."""
    import imagecodecs
    import numpy

    # Both colour spaces alike: components come out as they are, whatever they mean.
    colours: dict[str, Any] = {"colorspace": "RGB", "outcolorspace": "RGB"} if image.samples == 3 else {}
    try:
        array: numpy.ndarray[Any, Any] = imagecodecs.jpeg8_decode(frame, **colours)
    except Exception as error:  # see FrameDecoder
        raise ConversionError(f"a frame cannot be decompressed: imagecodecs: {one_line(error)}") from error
    return array.view(f"{'i' if image.is_signed else 'u'}{array.dtype.itemsize}")


# --- compressing -----------------------------------------------------------------------------------------------


class FrameEncoder:
    """Encodes the frames of one object without loss, and decodes each again to be sure of it."""

    def __init__(self, transfer_syntax: str, image: Image) -> None:
        # JPEG 2000 allows lossless codestreams too (PS3.5 A.4.4), and only those are made here.
        is_jpeg_2000 = transfer_syntax == uids.JPEG_2000
        self._syntax = uids.JPEG_2000_LOSSLESS if is_jpeg_2000 else transfer_syntax
        self._planar = image.planar if image.samples > 1 else 0
        self._image = image._replace(planar=0)
        self._back = FrameDecoder(self._syntax, self._image)
        if image.bits_allocated == 1 or image.photometric == _HALVED:
            raise ConversionError(f"pixels of {image.bits_allocated} bits, {image.photometric}, cannot be compressed")

    def encode(self, frame: bytes) -> bytes:
        """One compressed frame from ``frame`` in little endian, arranged as Planar Configuration says."""
        array = as_array(frame, self._image._replace(planar=self._planar))
        encoded = best_encoder(self._syntax, array, self._image.options())
        if self._back.decode(encoded)[0] != array.tobytes():
            raise ConversionError("a frame would not be the same after compression")
        return encoded


def as_array(frame: bytes, image: Image) -> "numpy.ndarray[Any, Any]":
    """A native frame as rows x columns, or rows x columns x samples whatever Planar Configuration says."""
    import numpy

    kind = "i" if image.is_signed else "u"
    array: numpy.ndarray[Any, Any] = numpy.frombuffer(frame, f"<{kind}{image.bits_allocated // 8}")
    if image.samples == 1:
        return array.reshape(image.rows, image.columns)
    if image.planar:
        return array.reshape(image.samples, image.rows, image.columns).transpose(1, 2, 0)
    return array.reshape(image.rows, image.columns, image.samples)


def best_encoder(syntax: str, array: "numpy.ndarray[Any, Any]", options: dict[str, Any]) -> bytes:
    """``array`` compressed by the best codec there is. Raises ConversionError."""
    from pydicom.pixels.encoders.base import get_encoder

    be_quiet()
    encoder = get_encoder(syntax)
    plugin = next((name for name in _PLUGINS if name in encoder.available_plugins), "none")
    try:
        return bytes(encoder.encode(array, encoding_plugin=plugin, **options))
    except Exception as error:  # see FrameDecoder
        raise ConversionError(f"a frame cannot be compressed: {one_line(error)}") from error


def be_quiet() -> None:
    """What pydicom would tell a terminal about a codec's trouble is told by us."""
    import logging
    import warnings

    logging.getLogger("pydicom").setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", module=r"pydicom\.")


def one_line(error: BaseException) -> str:
    """The most telling line of a library's exception."""
    from dcmnet_cli.core.text import printable

    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return printable(lines[-1] if lines else type(error).__name__)
