"""What is sent in place of an object on disk: some of its frames, or all of it without bulk data (PS3.4 Y, Z)."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeAlias

from dcmnet_cli.archive.frame_list import NOT_TIME_BASED, TIME_RANGE, FrameList
from dcmnet_cli.archive.query import BadIdentifier
from dcmnet_cli.core import uids
from dcmnet_cli.core.identifier import Element, encode
from dcmnet_cli.core.pdata import Chunks
from dcmnet_cli.errors import InputError
from dcmnet_cli.ops.conversion.spool import PIECE, Spool
from dcmnet_cli.ops.files.opened import Opened, Source
from dcmnet_cli.ops.storing.plan import Instance

UNABLE_TO_CREATE, UNABLE_TO_EXTRACT = 0xAA01, 0xAA02
Derive: TypeAlias = Callable[[Instance], Instance]
"""Makes of an instance on disk what is to be sent. Raises InputError and OutputError."""


def as_it_lies(instance: Instance) -> Instance:
    """The instance itself."""
    return instance


def without_bulk_data(instance: Instance) -> Instance:
    """The same instance, but for its bulk data."""
    from dcmnet_cli.ops.conversion.bulk import without_bulk_data as strip

    with instance.source.open() as opened:
        data, file = strip(opened.pread, instance.file)
    return Instance(_Made(instance.source.label, data), file)


def frames_of(instance: Instance, frames: FrameList) -> Instance:
    """A new instance of some frames. Raises BadIdentifier with the status to answer."""
    from dcmnet_cli.ops.conversion.frame_times import FrameTimes
    from dcmnet_cli.ops.conversion.frames import NotMultiFrame, extract_frames

    def choose(count: int, times: FrameTimes) -> list[int]:
        if frames.is_by_time and not times.by:
            raise BadIdentifier("nothing tells the times of its frames", frames.tag, NOT_TIME_BASED)
        return frames.frames(count, times.seconds)

    key = frames.tag, "FD" if frames.tag == TIME_RANGE else "UL", frames.raw
    try:
        with instance.source.open() as opened:
            extract = extract_frames(opened.pread, instance.file, choose, key, _equipment())
    except NotMultiFrame as error:
        raise BadIdentifier(error.message, 0, UNABLE_TO_CREATE) from error
    except InputError as error:
        raise BadIdentifier(f"cannot extract frames: {error.message}", 0, UNABLE_TO_EXTRACT) from error
    return Instance(_Made(instance.source.label, extract.data), extract.file)


def _equipment() -> bytes:
    """The item of Contributing Equipment Sequence that says who has extracted frames (PS3.4 Y.3.3)."""
    purpose = (
        Element(0x00080100, "SH", b"109105"),
        Element(0x00080102, "SH", b"DCM"),
        Element(0x00080104, "LO", b"Frame Extracting Equipment"),
    )
    return encode(
        (
            Element(0x00080070, "LO", b"dcmnet"),
            Element(0x00081090, "LO", b"dcmnet listen --archive"),
            Element(0x00181020, "LO", uids.IMPLEMENTATION_VERSION_NAME.encode()),
            Element(0x0018A002, "DT", f"{datetime.now():%Y%m%d%H%M%S}".encode()),
            Element(0x0040A170, "SQ", b"", (purpose,)),
        ),
        True,
    )


class _Made(Source):
    """A data set that was made and lies in a spool. It can be opened once: that closes the spool in the end."""

    __slots__ = ("_data", "_label")

    def __init__(self, label: str, data: Spool) -> None:
        self._label = label
        self._data = data

    @property
    def label(self) -> str:
        return self._label

    def open(self) -> Opened:
        return _OpenedSpool(self._label, self._data)


class _OpenedSpool(Opened):
    __slots__ = ("_data",)

    def __init__(self, label: str, data: Spool) -> None:
        super().__init__(label, data.size)
        self._data = data

    def pread(self, count: int, offset: int) -> bytes:
        return self._data.pread(count, offset)

    def chunks(self, offset: int, length: int, buffer: bytearray | None = None) -> Chunks:
        end = offset + length
        return Chunks(length, (self.pread(min(PIECE, end - at), at) for at in range(offset, end, PIECE)))

    def close(self) -> None:
        self._data.close()
