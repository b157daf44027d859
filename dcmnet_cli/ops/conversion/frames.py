"""A new object of some frames of another one (PS3.4 Y.3.3), valid by itself, with nothing decoded."""

import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from dcmnet_cli.core import uids
from dcmnet_cli.core.identifier import Element as Value
from dcmnet_cli.core.identifier import encode
from dcmnet_cli.errors import ConversionError
from dcmnet_cli.net.elements import UNDEFINED
from dcmnet_cli.net.part10 import DicomFile, PRead, layout_of
from dcmnet_cli.ops.conversion import pixels
from dcmnet_cli.ops.conversion.frame_times import FrameTimes, read_times
from dcmnet_cli.ops.conversion.pixels import Image, encoded_frames, read_image
from dcmnet_cli.ops.conversion.recode import ITEM, PIXEL_DATA, Edit, Element, Recoder
from dcmnet_cli.ops.conversion.spool import Reader, Spool
from dcmnet_cli.ops.conversion.syntax_choice import Choice
from dcmnet_cli.ops.conversion.transcode import fragment_writer, transcode

_EXPLICIT = uids.EXPLICIT_VR_LITTLE_ENDIAN
_SOP_INSTANCE, _PER_FRAME = 0x00080018, 0x52009230
_FRAME_EXTRACTION, _SOURCE_INSTANCE = 0x00081164, 0x00081167
_CONTRIBUTING_EQUIPMENT = 0x0018A001
_FRAMES_IN_OVERLAY = 0x60000015
_VALUE_TOTAL = 0x7FE00003
_DROPPED = (
    *(0x00209161, 0x00209162, 0x00209163, 0x00209228, 0x00200242),  # of a concatenation
    0x00287FE0,  # Pixel Data Provider URL
    *(0x00082142, 0x00082143),  # Start and Stop Trim
    *(0x00286010, 0x00286020, 0x00286022, 0x00286023, 0x00286040, 0x00286100),  # name frames by their old numbers
    *(pixels.OFFSETS, pixels.OFFSET_LENGTHS, _VALUE_TOTAL),
)
_NUMBERS_A_FRAME = (
    *(0x00540010, 0x00540020, 0x00540030, 0x00540050, 0x00540060),
    *(0x00540070, 0x00540080, 0x00540090, 0x00540100),
)
_TEXTS_A_FRAME = (0x00182002, 0x00182003, 0x00182004, 0x00182005, 0x00182006, 0x3004000C)
"""Vectors with a value for each frame, as Frame Increment Pointer names them."""


class NotMultiFrame(ConversionError):
    """There are no frames to choose from."""


class Extract(NamedTuple):
    """A new object. ``data`` is to be closed, ``file`` says what it is: its data set begins at offset 0 of ``data``."""

    data: Spool
    file: DicomFile


Choose = Callable[[int, FrameTimes], Sequence[int]]
"""From the number of frames and their times to the numbers of those wanted, increasing, the first frame being 1."""


def extract_frames(pread: PRead, file: DicomFile, choose: Choose, key: tuple[int, str, bytes], maker: bytes) -> Extract:
    """The frames that ``choose`` names as an object of their own; ``key`` is the frame list that asked for them, tag,
    VR and value, and ``maker`` the encoded item for Contributing Equipment Sequence.

    Raises NotMultiFrame, ConversionError, and whatever ``choose`` raises.
    """
    syntax = uids.transfer_syntax(file.transfer_syntax_uid)
    is_explicit = file.transfer_syntax_uid == _EXPLICIT or (syntax is not None and syntax.encapsulated)
    if is_explicit and not file.needs_repair:
        return _Extraction(Reader(pread, file.offset, file.length), file).run(choose, key, maker)
    if syntax is None or syntax.encapsulated:
        raise ConversionError("how its frames are encoded is not known")
    with transcode(pread, file, Choice(_EXPLICIT)).data as plain:
        plain_file = file._replace(transfer_syntax_uid=_EXPLICIT)
        return _Extraction(Reader(plain.pread, 0, plain.size), plain_file).run(choose, key, maker)


class _Extraction:
    """One object in explicit VR little endian, compressed or not."""

    def __init__(self, reader: Reader, file: DicomFile) -> None:
        layout = layout_of(_EXPLICIT)
        survey = Recoder(reader, layout, layout, None, keeps_fragments=True)
        survey.run()
        self._reader = reader
        self._file = file
        self._top = survey.top
        if PIXEL_DATA not in self._top or pixels.FRAMES not in self._top:
            raise NotMultiFrame("it has no frames to choose from")
        self._image = read_image(reader, layout, self._top)
        self._check()

    def _check(self) -> None:
        """What is counted by frames has to be there, before anything is made of their number."""
        element, image = self._top[PIXEL_DATA], self._image
        syntax = uids.transfer_syntax(self._file.transfer_syntax_uid)
        if syntax is not None and syntax.video:
            raise ConversionError("video is not cut into frames")
        is_short = element.length not in (image.native_length, image.native_length + image.native_length % 2)
        if is_short if element.length != UNDEFINED else image.frames > self._reader.size // 8:
            raise ConversionError(f"its pixel data is not that of {image.frames} frames")
        for tag in self._top:
            if tag & 0xFF00FFFF == _FRAMES_IN_OVERLAY and self._text(tag) not in (b"", b"1"):
                raise ConversionError("it has overlays of many frames")
            if tag in (_PER_FRAME, _FRAME_EXTRACTION, _CONTRIBUTING_EQUIPMENT) and self._top[tag].vr != b"SQ":
                raise ConversionError("a sequence in it is not marked as one")

    def run(self, choose: Choose, key: tuple[int, str, bytes], maker: bytes) -> Extract:
        times = read_times(self._reader, self._top, self._image.frames)
        numbers = list(choose(self._image.frames, times))
        instance = f"2.25.{uuid.uuid4().int}"
        source = Value(_SOURCE_INSTANCE, "UI", self._file.sop_instance_uid.encode())
        added = {
            _FRAME_EXTRACTION: encode((Value(*key), source), True),
            _CONTRIBUTING_EQUIPMENT: maker,
        }
        edits = self._edits(numbers, instance, times)
        edits |= {tag: _new_sequence(tag, item) for tag, item in added.items() if tag not in self._top}
        out = Spool()
        try:
            _FrameRecoder(self._reader, out, edits, frozenset(number - 1 for number in numbers), added).run()
        except BaseException:
            out.close()
            raise
        return Extract(out, self._file._replace(sop_instance_uid=instance, offset=0, length=out.size))

    def _edits(self, numbers: Sequence[int], instance: str, times: FrameTimes) -> dict[int, Edit]:
        private = (tag for tag in self._top if tag >> 16 & 1)  # what they say of frames nobody knows (PS3.4 Y.3.3)
        edits: dict[int, Edit] = dict.fromkeys(tag for tag in (*_DROPPED, *private) if tag in self._top)
        edits |= {
            _SOP_INSTANCE: (b"UI", instance.encode()),
            pixels.FRAMES: (b"IS", str(len(numbers)).encode()),
            PIXEL_DATA: self._pixels(numbers),
        }
        for tag in self._top.keys() & {*_NUMBERS_A_FRAME, *_TEXTS_A_FRAME}:
            vector = self._vector(tag)
            if len(vector) == self._image.frames:
                glue = b"" if tag in _NUMBERS_A_FRAME else b"\\"
                edits[tag] = (self._top[tag].vr, glue.join(vector[number - 1] for number in numbers))
        return edits | times.edits(numbers)

    def _vector(self, tag: int) -> list[bytes]:
        value = self._reader.take(self._top[tag].value, self._top[tag].length)
        if tag in _TEXTS_A_FRAME:
            return value.strip(b" \0").split(b"\\")
        return [value[at : at + 2] for at in range(0, len(value), 2)]

    def _text(self, tag: int) -> bytes:
        element = self._top[tag]
        return self._reader.take(element.value, element.length).strip(b" \0") if element.length <= 16 else b"?"

    def _pixels(self, numbers: Sequence[int]) -> Callable[[Recoder], None]:
        element, image = self._top[PIXEL_DATA], self._image
        if element.length == UNDEFINED:
            frames = encoded_frames(self._reader, self._top, image.frames)
            return fragment_writer(len(numbers), _chosen(frames, numbers))
        length = (image.frame_bits * len(numbers) + 7) // 8

        def write(recoder: Recoder) -> None:
            recoder.write_header(PIXEL_DATA, element.vr, length + length % 2)
            cut = _bit_frames if image.frame_bits % 8 else _byte_frames
            for piece in cut(self._reader, element, image, numbers):
                recoder.write_value(element.vr, piece)
            recoder.write_value(b"OB", bytes(length % 2))

        return write


class _FrameRecoder(Recoder):
    """Writes the items of chosen frames alone, and another item into each of the sequences ``added``."""

    def __init__(
        self, reader: Reader, out: Spool, edits: dict[int, Edit], wanted: frozenset[int], added: dict[int, bytes]
    ) -> None:
        layout = layout_of(_EXPLICIT)
        super().__init__(reader, layout, layout, out, edits={0: edits}, keeps_fragments=True)
        self._wanted = wanted
        self._added = added

    def wants_item(self, tag: int, depth: int, index: int) -> bool:
        return depth > 0 or tag != _PER_FRAME or index in self._wanted

    def end_items(self, tag: int, depth: int) -> None:
        if not depth and tag in self._added:
            _write_item(self, self._added[tag])


def _new_sequence(tag: int, item: bytes) -> Callable[[Recoder], None]:
    def write(recoder: Recoder) -> None:
        recoder.write_header(tag, b"SQ", len(item) + 8)
        _write_item(recoder, item)

    return write


def _write_item(recoder: Recoder, item: bytes) -> None:
    recoder.write_header(ITEM, b"", len(item))
    recoder.write_value(b"OB", item)


# --- frames ----------------------------------------------------------------------------------------------------------


def _chosen(frames: Iterator[bytes], numbers: Sequence[int]) -> Iterator[bytes]:
    wanted, left = frozenset(numbers), len(numbers)
    for number, frame in enumerate(frames, 1):
        if number in wanted:
            left -= 1
            yield frame
    if left:
        raise ConversionError(f"{left} of its frames cannot be found")


def _byte_frames(reader: Reader, element: Element, image: Image, numbers: Sequence[int]) -> Iterator[bytes]:
    size = image.frame_bits // 8
    for number in numbers:
        yield from reader.pieces(element.value + (number - 1) * size, size)


def _bit_frames(reader: Reader, element: Element, image: Image, numbers: Sequence[int]) -> Iterator[bytes]:
    """Frames of one bit a pixel, which may begin and end within a byte (PS3.5 8.1.1)."""
    pending = filled = 0  # bits that do not make a byte yet, and how many
    for number in numbers:
        start = (number - 1) * image.frame_bits
        end = start + image.frame_bits
        data = int.from_bytes(reader.take(element.value + start // 8, (end + 7) // 8 - start // 8), "little")
        pending |= (data >> start % 8 & (1 << image.frame_bits) - 1) << filled
        filled += image.frame_bits
        whole = filled // 8
        yield (pending & (1 << 8 * whole) - 1).to_bytes(whole, "little")
        pending, filled = pending >> 8 * whole, filled - 8 * whole
    if filled:
        yield pending.to_bytes(1, "little")
