"""When the frames of an object were taken, and how to say that of some of them (PS3.3 C.7.6.5, C.7.6.16.2.2)."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import accumulate, pairwise
from typing import NamedTuple

from dcmnet_cli.core.identifier import Element as Value
from dcmnet_cli.core.identifier import decode
from dcmnet_cli.errors import InvalidIdentifier
from dcmnet_cli.ops.conversion.recode import PIXEL_DATA, Edit, Element
from dcmnet_cli.ops.conversion.spool import Reader

_CONTENT_DATE, _CONTENT_TIME = 0x00080023, 0x00080033
_FRAME_TIME, _TIME_VECTOR, _POINTER = 0x00181063, 0x00181065, 0x00280009
_PER_FRAME, _FRAME_CONTENT, _REFERENCE_TIME = 0x52009230, 0x00209111, 0x00189151
_LARGEST_GROUPS = 64 << 20


class FrameTimes(NamedTuple):
    """``seconds`` of each frame after Content Time, empty where nothing tells them; ``by`` is the tag that does.

    ``content`` is Content Date and Time, "" where there is none.
    """

    seconds: Sequence[float] = ()
    by: int = 0
    content: str = ""

    def edits(self, numbers: Sequence[int]) -> dict[int, Edit]:
        """What must change for the times of the frames ``numbers`` alone to be right."""
        if self.by not in (_FRAME_TIME, _TIME_VECTOR):
            return {}  # every frame has a time of its own, or none
        times = [self.seconds[number - 1] for number in numbers]
        steps = {second - first for first, second in pairwise(numbers)}
        edits = self._start(times[0])
        if self.by == _FRAME_TIME and len(steps) <= 1:
            return edits | ({_FRAME_TIME: (b"DS", _number(1000 * (times[1] - times[0])))} if steps - {1} else {})
        increments = [0.0, *(1000 * (second - first) for first, second in pairwise(times))]
        edits[_TIME_VECTOR] = (b"DS", b"\\".join(map(_number, increments)))
        if self.by == _FRAME_TIME:
            edits |= {_FRAME_TIME: None, _POINTER: (b"AT", b"\x18\x00\x65\x10")}
        return edits

    def _start(self, first: float) -> dict[int, Edit]:
        """The first frame is the one that Content Time is about."""
        begin = _moment(self.content)
        if not first or begin is None:
            return {}
        begin += timedelta(seconds=first)
        return {
            _CONTENT_DATE: (b"DA", f"{begin:%Y%m%d}".encode()),
            _CONTENT_TIME: (b"TM", f"{begin:%H%M%S.%f}".encode()),
        }


def read_times(reader: Reader, top: Mapping[int, Element], frames: int) -> FrameTimes:
    """The times of an object in explicit VR little endian, whose elements at the top level are ``top``."""

    def text(tag: int) -> str:
        element = top.get(tag)
        if element is None or element.length > _LARGEST_GROUPS:
            return ""
        return reader.take(element.value, element.length).strip(b" \0").decode("ascii", "replace")

    content = text(_CONTENT_DATE) + text(_CONTENT_TIME)
    if (increments := _increments(text(_TIME_VECTOR))) and len(increments) == frames:
        return FrameTimes([each / 1000 for each in accumulate(increments)], _TIME_VECTOR, content)
    if len(step := _increments(text(_FRAME_TIME))) == 1:
        return FrameTimes([number * step[0] / 1000 for number in range(frames)], _FRAME_TIME, content)
    moments = list(_references(reader, top))
    begin = _moment(content)
    if begin is None or len(moments) != frames or None in moments:
        return FrameTimes((), 0, content)
    return FrameTimes([(each - begin).total_seconds() for each in moments if each], _REFERENCE_TIME, content)


def _increments(text: str) -> list[float]:
    try:
        return [float(word) for word in text.split("\\")] if text else []
    except ValueError:
        return []


def _references(reader: Reader, top: Mapping[int, Element]) -> Iterator[datetime | None]:
    """Frame Reference DateTime of every item of the per-frame functional groups."""
    groups = top.get(_PER_FRAME)
    if groups is None or PIXEL_DATA not in top or top[PIXEL_DATA].value - groups.value > _LARGEST_GROUPS:
        return
    start, end = groups.value - 12, top[PIXEL_DATA].value - 12
    try:
        items = decode(reader.take(start, end - start), True)[_PER_FRAME].items or ()
    except InvalidIdentifier:
        return
    for item in items:
        content = _within(_within(item, _FRAME_CONTENT), _REFERENCE_TIME)
        yield _moment(content[0].value.decode("ascii", "replace").strip(" \0")) if content else None


def _within(elements: Sequence[Value], tag: int) -> Sequence[Value]:
    """The first item of a sequence among ``elements``, or the element itself if it is none."""
    for element in elements:
        if element.tag == tag:
            return (element,) if element.items is None else (element.items or ((),))[0]
    return ()


def _moment(text: str) -> datetime | None:
    """``YYYYMMDDHHMMSS.FFFFFF``, the fraction and an offset left aside if need be."""
    whole, _, fraction = text.partition(".")
    try:
        moment = datetime.strptime(whole[:14], "%Y%m%d%H%M%S")
    except ValueError:
        return None
    digits = "".join(digit for digit in fraction[:6] if digit.isdigit())
    return moment.replace(microsecond=int(digits.ljust(6, "0"))) if digits else moment


def _number(value: float) -> bytes:
    """A decimal string of 16 bytes at most."""
    return f"{value:.6f}".rstrip("0").rstrip(".")[:16].encode()
