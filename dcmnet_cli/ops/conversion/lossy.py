"""Compression that loses something, done only where it was asked for: and what the object must say of it afterwards."""

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from dcmnet_cli.core import uids
from dcmnet_cli.errors import ConversionError
from dcmnet_cli.ops.conversion.pixels import PHOTOMETRIC, FrameDecoder, Image, as_array, best_encoder, one_line
from dcmnet_cli.ops.conversion.recode import Edit, Element
from dcmnet_cli.ops.conversion.spool import Reader, Spool

_IMAGE_TYPE, _SOP_INSTANCE = 0x00080008, 0x00080018
_FLAG, _RATIO, _METHOD = 0x00282110, 0x00282112, 0x00282114
_NEAR = 2  # by how much a value may differ in near-lossless JPEG-LS
_QUALITY = 90
_METHODS = {uids.JPEG_BASELINE_8_BIT: "ISO_10918_1", uids.JPEG_LS_NEAR_LOSSLESS: "ISO_14495_1"}


class LossyFrames:
    """All frames of an object, compressed, one after the other in ``data``, which is to be closed."""

    __slots__ = ("data", "lengths", "photometric")

    def __init__(self) -> None:
        self.data = Spool()
        self.lengths: list[int] = []
        self.photometric = ""

    def add(self, frame: bytes, photometric: str) -> None:
        self.data.write(frame)
        self.lengths.append(len(frame))
        self.photometric = photometric

    def __iter__(self) -> Iterator[bytes]:
        offset = 0
        for length in self.lengths:
            yield self.data.pread(length, offset)
            offset += length


def compress(target: str, image: Image, frames: Iterator[bytes]) -> LossyFrames:
    """Compress native ``frames`` to JPEG Baseline or near-lossless JPEG-LS. Raises ConversionError."""
    if image.photometric not in ("MONOCHROME1", "MONOCHROME2", "RGB", "YBR_FULL"):
        raise ConversionError(f"{image.photometric} is not compressed with loss")
    encode = _jpeg if target == uids.JPEG_BASELINE_8_BIT else _near_lossless
    compressed = LossyFrames()
    try:
        for frame in frames:
            compressed.add(*encode(frame, image))
    except BaseException:
        compressed.data.close()
        raise
    return compressed


def edits(
    reader: Reader, top: Mapping[int, Element], target: str, image: Image, compressed: LossyFrames
) -> tuple[dict[int, Edit], str]:
    """(attributes that must change, new SOP Instance UID): the image is another one now (PS3.3 C.7.6.1.1.5)."""

    def text(tag: int) -> bytes:
        element = top.get(tag)
        return reader.take(element.value, element.length).strip(b" \0") if element else b""

    ratio = b"%.2f" % (image.native_length / max(1, compressed.data.size))
    instance = f"2.25.{uuid.uuid4().int}"
    changed: dict[int, Edit] = {
        _SOP_INSTANCE: (b"UI", instance.encode()),
        _IMAGE_TYPE: (b"CS", b"\\".join((b"DERIVED", *text(_IMAGE_TYPE).split(b"\\")[1:]))),
        _FLAG: (b"CS", b"01"),
        _RATIO: (b"DS", _appended(text(_RATIO), ratio)),
        _METHOD: (b"CS", _appended(text(_METHOD), _METHODS[target].encode())),
    }
    if compressed.photometric != image.photometric:
        changed[PHOTOMETRIC] = (b"CS", compressed.photometric.encode())
    return changed, instance


def _appended(values: bytes, value: bytes) -> bytes:
    return values + b"\\" + value if values else value


def _jpeg(frame: bytes, image: Image) -> tuple[bytes, str]:
    """One frame in JPEG Baseline, colour as YBR_FULL_422, which is what decoders expect (PS3.5 8.2.1)."""
    import io

    from PIL import Image as Picture

    if image.bits_allocated != 8 or image.is_signed:
        raise ConversionError(f"JPEG Baseline holds 8 bits without sign, not {image.bits_stored}")
    mode = {"RGB": "RGB", "YBR_FULL": "YCbCr"}.get(image.photometric, "L")
    picture = Picture.frombytes(mode, (image.columns, image.rows), as_array(frame, image).tobytes())
    out = io.BytesIO()
    try:
        picture.save(out, "JPEG", quality=_QUALITY, subsampling="4:2:2")
    except (OSError, ValueError) as error:
        raise ConversionError(f"a frame cannot be compressed: {one_line(error)}") from error
    return out.getvalue(), image.photometric if mode == "L" else "YBR_FULL_422"


def _near_lossless(frame: bytes, image: Image) -> tuple[bytes, str]:
    """One frame in JPEG-LS, decoded again to see that no value differs by more than was meant."""
    import numpy

    array = as_array(frame, image)
    options: dict[str, Any] = image._replace(planar=0).options() | {"jls_error": _NEAR}
    encoded = best_encoder(uids.JPEG_LS_NEAR_LOSSLESS, array, options)
    back, _ = FrameDecoder(uids.JPEG_LS_NEAR_LOSSLESS, image._replace(planar=0)).decode(encoded)
    difference = numpy.frombuffer(back, array.dtype).astype("i8") - array.reshape(-1)
    if abs(difference).max() > _NEAR:
        raise ConversionError(f"a value would differ by more than {_NEAR} after compression")
    return encoded, image.photometric
