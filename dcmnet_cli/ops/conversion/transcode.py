"""One object in another transfer syntax, so that a peer can take it: nothing dropped, nothing altered in silence.

``choose`` says what to do, ``transcode`` does it, ``repair`` writes an object anew in its own transfer syntax. Whatever
goes wrong is a ConversionError whose message is the reason why the object was not sent.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import NamedTuple

from dcmnet_cli.core import uids
from dcmnet_cli.errors import ConversionError
from dcmnet_cli.net.elements import UNDEFINED, Layout
from dcmnet_cli.net.part10 import DicomFile, PRead, layout_of
from dcmnet_cli.ops.conversion import lossy, pixels
from dcmnet_cli.ops.conversion.pixels import FrameDecoder, FrameEncoder, Image, encoded_frames, read_image
from dcmnet_cli.ops.conversion.recode import (
    IMPLICIT_LITTLE,
    ITEM,
    PIXEL_DATA,
    SEQUENCE_END,
    Edit,
    Edits,
    Element,
    Recoder,
    pixel_vr,
)
from dcmnet_cli.ops.conversion.spool import Reader, Spool, deflate, inflate
from dcmnet_cli.ops.conversion.syntax_choice import BARE, Choice, Mode, choose
from dcmnet_cli.ops.conversion.vrs import is_vr

__all__ = ["Choice", "Limits", "Mode", "Transcoded", "choose", "repair", "transcode"]

_EXPLICIT = uids.EXPLICIT_VR_LITTLE_ENDIAN
_DEFLATED = uids.DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN
_LOSSY_FLAG, _VALUE_TOTAL = 0x00282110, 0x7FE00003
_LONGEST_VALUE = 0xFFFFFFFE


class Limits(NamedTuple):
    """What an object may make of itself: bytes after inflating and after decompression, and depth of sequences."""

    inflated: int = 1 << 30
    decompressed: int = 1 << 32
    depth: int = 64


class Transcoded(NamedTuple):
    """A converted data set. ``data`` is to be closed; ``changes`` says in words what is not as it was in the file.

    ``sop_instance_uid`` is set only where compression with loss made another image of it.
    """

    data: Spool
    transfer_syntax: str
    changes: tuple[str, ...]
    sop_instance_uid: str = ""


class _Source(NamedTuple):
    """A data set to be converted, checked as a whole. ``top`` are the elements of its top level, ``compressed`` those
    of all data sets in it with compressed pixel data, by where these begin: 0 is the top level, others are icons."""

    reader: Reader
    layout: Layout
    top: Mapping[int, Element]
    compressed: Mapping[int, Mapping[int, Element]]
    keep: Spool | None = None

    def close(self) -> None:
        if self.keep:
            self.keep.close()


def transcode(pread: PRead, file: DicomFile, choice: Choice, limits: Limits = Limits()) -> Transcoded:  # noqa: B008
    """The object of ``file``, which ``pread`` (count, offset) reads, as ``choice`` says.

    Raises ConversionError with the reason, and OutputError when the temporary file has no room.
    """
    if not choice.target:
        raise ConversionError(choice.why_not, hints=choice.hints)
    changes: list[str] = []
    instance = ""
    source = _open(pread, file, limits)
    try:
        is_compressed = bool(source.compressed)
        if choice.encodes:
            if is_compressed or source.layout != layout_of(_EXPLICIT):
                plain = _uncompressed(source, file.transfer_syntax_uid, _EXPLICIT, limits, changes)
                source.close()
                source = _check(Reader(plain.pread, 0, plain.size), layout_of(_EXPLICIT), limits, plain)
            data, instance = _compressed(source, choice, changes)
        else:
            data = _uncompressed(source, file.transfer_syntax_uid, choice.target, limits, changes)
    except OSError as error:
        raise ConversionError(f"cannot be read: {error.strerror}") from error
    finally:
        source.close()
    before, after = uids.uid_name(file.transfer_syntax_uid) or file.transfer_syntax_uid, uids.uid_name(choice.target)
    verb = "compressed" if choice.encodes else "decompressed" if is_compressed else "converted"
    summary = f"{verb} from {before} to {after}"
    return Transcoded(_finished(data, choice.target), choice.target, (summary, *changes), instance)


def repair(pread: PRead, file: DicomFile, limits: Limits = Limits()) -> Transcoded:  # noqa: B008
    """The object of ``file`` written anew in its own transfer syntax: even lengths, and the VRs the syntax asks for."""
    syntax = uids.transfer_syntax(file.transfer_syntax_uid)
    target = layout_of(file.transfer_syntax_uid)
    changes: list[str] = []
    source = _open(pread, file, limits)
    try:
        if source.layout != target:
            changes.append("implicit VR rewritten as explicit VR")
        keeps = syntax is None or syntax.encapsulated
        data = _recode(source, target, limits, changes, keeps_fragments=keeps)
    except OSError as error:
        raise ConversionError(f"cannot be read: {error.strerror}") from error
    finally:
        source.close()
    return Transcoded(_finished(data, file.transfer_syntax_uid), file.transfer_syntax_uid, tuple(changes))


# --- reading ---------------------------------------------------------------------------------------------------


def _open(pread: PRead, file: DicomFile, limits: Limits) -> _Source:
    """The data set of ``file``, inflated where it is deflated, after one pass that follows all of it."""
    reader, keep = Reader(pread, file.offset, file.length), None
    if file.transfer_syntax_uid == _DEFLATED:
        keep = inflate(reader, limits.inflated)
        reader = Reader(keep.pread, 0, keep.size)
    layout = layout_of(file.transfer_syntax_uid)
    if layout.explicit and reader.size >= 8 and not is_vr(reader.take(0, 8)[4:6]):
        layout = IMPLICIT_LITTLE
    return _check(reader, layout, limits, keep)


def _check(reader: Reader, layout: Layout, limits: Limits, keep: Spool | None) -> _Source:
    survey = Recoder(reader, layout, layout, None, keeps_fragments=True, deepest=limits.depth)
    try:
        survey.run()
    except BaseException:
        if keep:
            keep.close()
        raise
    return _Source(reader, layout, survey.top, survey.compressed, keep)


# --- writing ---------------------------------------------------------------------------------------------------


def _recode(
    source: _Source,
    target: Layout,
    limits: Limits,
    changes: list[str],
    edits: Mapping[int, Edits] | None = None,
    keeps_fragments: bool = False,
) -> Spool:
    out = Spool()
    recoder = Recoder(
        source.reader,
        source.layout,
        target,
        out,
        edits=edits,
        keeps_fragments=keeps_fragments,
        deepest=limits.depth,
    )
    try:
        recoder.run()
    except BaseException:
        out.close()
        raise
    if recoder.padded:
        changes.append(f"odd lengths padded: {recoder.padded}")
    if recoder.unknown:
        changes.append(f"values of unknown VR sent as UN: {recoder.unknown}")
    return out


def _finished(data: Spool, syntax: str) -> Spool:
    return deflate(data) if syntax == _DEFLATED else data


def _uncompressed(source: _Source, stored: str, target: str, limits: Limits, changes: list[str]) -> Spool:
    """In an uncompressed syntax, not yet deflated."""
    edits = {
        begin: _decompression(source, begin, stored, layout_of(target), limits, changes) for begin in source.compressed
    }
    if PIXEL_DATA in source.top and 0 not in edits:
        changes.extend(_length_notes(source, source.top[PIXEL_DATA]))
    return _recode(source, layout_of(target), limits, changes, edits)


def _length_notes(source: _Source, pixel_data: Element) -> Iterator[str]:
    """Native pixel data that is not as long as its attributes say goes out as it is, but not without a word."""
    try:
        expected = read_image(source.reader, source.layout, source.top).native_length
    except ConversionError:
        return
    if pixel_data.length not in (expected, expected + expected % 2):
        yield f"pixel data of {pixel_data.length} bytes sent as it is, its attributes say {expected}"


def _decompression(
    source: _Source, begin: int, stored: str, target: Layout, limits: Limits, changes: list[str]
) -> Edits:
    """What changes when pixel data is decompressed. Decodes the first frame, which tells; the others while writing."""
    elements = source.compressed[begin]
    image = read_image(source.reader, source.layout, elements)
    full = image if stored in BARE else image._replace(photometric="")  # a codec gives every pixel all its samples
    length = full.native_length
    if length > min(limits.decompressed, _LONGEST_VALUE):
        raise ConversionError(
            f"pixel data would be {length} bytes, more than {min(limits.decompressed, _LONGEST_VALUE)}"
        )
    if not target.little:
        pixel_vr(b"OW", image.bits_allocated)
    decoder = FrameDecoder(stored, image)
    frames = (decoder.decode(frame) for frame in encoded_frames(source.reader, elements, image.frames))
    first = next(frames, None)
    if first is None:
        raise ConversionError("the pixel data holds no frame")
    edits: dict[int, Edit] = dict.fromkeys(
        tag for tag in (pixels.OFFSETS, pixels.OFFSET_LENGTHS, _VALUE_TOTAL) if tag in elements
    )
    if edits:
        changes.append("extended offset table left out")
    edits |= _attribute_edits(stored, image, first[1], changes)
    if begin == 0:
        edits |= _lossy_edit(source, stored, changes)
    edits[PIXEL_DATA] = _native_writer(image, length, chain((first,), frames))
    return edits


def _attribute_edits(stored: str, image: Image, photometric: str, changes: list[str]) -> Iterator[tuple[int, Edit]]:
    """The attributes that must follow the decompressed values (PS3.3 C.7.6.3)."""
    if photometric != image.photometric:
        changes.append(f"photometric interpretation {image.photometric} to {photometric}")
        yield pixels.PHOTOMETRIC, (b"CS", photometric.encode())
    if image.samples > 1 and image.planar and stored not in BARE:
        changes.append(f"planar configuration {image.planar} to 0")
        yield pixels.PLANAR, (b"US", b"\0\0")


def _lossy_edit(source: _Source, stored: str, changes: list[str]) -> Iterator[tuple[int, Edit]]:
    """That values were lost must not be forgotten with the syntax that said so (PS3.3 C.7.6.1.1.5)."""
    syntax, flag = uids.transfer_syntax(stored), source.top.get(_LOSSY_FLAG)
    said = source.reader.take(flag.value, 2) if flag and flag.length == 2 else b""
    if syntax and syntax.lossy == "yes" and said != b"01":
        changes.append("lossy image compression set to 01, as its source was")
        yield _LOSSY_FLAG, (b"CS", b"01")


def _native_writer(image: Image, length: int, frames: Iterator[tuple[bytes, str]]) -> Callable[[Recoder], None]:
    def write(recoder: Recoder) -> None:
        vr = b"OB" if image.bits_allocated <= 8 else b"OW"
        recoder.write_header(PIXEL_DATA, vr, length + length % 2)
        count, kind = 0, None
        for pixels_of_frame, photometric in frames:
            count += 1
            if count > image.frames or photometric != (kind := kind or photometric):
                break
            recoder.write_value(vr, pixels_of_frame)
        else:
            if count == image.frames:
                recoder.write_value(vr, b"\0" * (length % 2))
                return
        raise ConversionError(f"{count} frames found that belong together, Number of Frames is {image.frames}")

    return write


def _compressed(source: _Source, choice: Choice, changes: list[str]) -> tuple[Spool, str]:
    """In a compressed syntax, from explicit VR little endian, and the new SOP Instance UID if there is one."""
    target = choice.target
    pixel_data = source.top.get(PIXEL_DATA)
    if pixel_data is None:
        raise ConversionError(f"there is no pixel data to be compressed to {uids.uid_name(target)}")
    image = read_image(source.reader, source.layout, source.top)
    if pixel_data.length not in (image.native_length, image.native_length + image.native_length % 2):
        raise ConversionError(f"pixel data of {pixel_data.length} bytes, its attributes say {image.native_length}")
    size = image.frame_bits // 8
    native = (source.reader.take(pixel_data.value + index * size, size) for index in range(image.frames))
    edits: dict[int, Edit] = {}
    if image.samples > 1 and image.planar:
        changes.append("planar configuration 1 to 0")
        edits[pixels.PLANAR] = (b"US", b"\0\0")
    if not choice.is_lossy:
        encode = FrameEncoder(target, image).encode
        edits[PIXEL_DATA] = fragment_writer(image.frames, map(encode, native))
        return _recode(source, layout_of(_EXPLICIT), Limits(), changes, {0: edits}), ""
    frames = lossy.compress(target, image, native)
    with frames.data:
        attributes, instance = lossy.edits(source.reader, source.top, target, image, frames)
        changes.append(f"compressed with loss, SOP Instance UID now {instance}")
        edits |= attributes
        edits[PIXEL_DATA] = fragment_writer(image.frames, iter(frames))
        return _recode(source, layout_of(_EXPLICIT), Limits(), changes, {0: edits}), instance


def fragment_writer(count: int, frames: Iterator[bytes]) -> Callable[[Recoder], None]:
    """One fragment a frame behind a basic offset table, which is put right when all are written (PS3.5 A.4)."""

    def write(recoder: Recoder) -> None:
        recoder.write_header(PIXEL_DATA, b"OB", UNDEFINED)
        start = recoder.write_header(ITEM, b"", 4 * count)
        recoder.write_value(b"OB", bytes(4 * count))
        out = recoder.out
        first = start + 4 * count
        for index, frame in enumerate(frames):
            if out is not None:
                if out.size - first > _LONGEST_VALUE:
                    raise ConversionError("compressed pixel data of more than 4 GiB")
                out.patch(start + 4 * index, (out.size - first).to_bytes(4, "little"))
            recoder.write_header(ITEM, b"", len(frame) + len(frame) % 2)
            recoder.write_value(b"OB", frame + b"\0" * (len(frame) % 2))
        recoder.write_header(SEQUENCE_END, b"", 0)

    return write
