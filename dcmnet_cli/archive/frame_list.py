"""Which frames of an instance a retrieval at FRAME level asks for (PS3.4 Y.3.2)."""

import struct
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from dcmnet_cli.archive.query import BadIdentifier
from dcmnet_cli.archive.values import Attribute, Attributes

SIMPLE, CALCULATED, TIME_RANGE = 0x00081161, 0x00081162, 0x00081163
NO_SUCH_FRAMES, NOT_TIME_BASED, INVALID_REQUEST = 0xAA00, 0xAA03, 0xAA04


class FrameList(NamedTuple):
    """What was asked for: the tag of the key, its value on the wire in little endian, and its numbers."""

    tag: int
    raw: bytes
    numbers: tuple[float, ...]

    @property
    def is_by_time(self) -> bool:
        return self.tag == TIME_RANGE

    def frames(self, count: int, seconds: Sequence[float] = ()) -> list[int]:
        """The frames that are meant of ``count``, the first of which is 1; ``seconds`` are their times after Content
        Time, needed by time. Raises BadIdentifier, with the status to answer.
        """
        if self.is_by_time:
            first, last = self.numbers
            found = [number for number, at in enumerate(seconds, 1) if first <= at <= last]
        elif self.tag == SIMPLE:
            found = [int(number) for number in self.numbers if number <= count]
        else:
            found = [number for each in self._ranges(count) for number in each]
        if not found:
            raise BadIdentifier(f"none of these frames: the instance has {count}", self.tag, NO_SUCH_FRAMES)
        return found

    def _ranges(self, count: int) -> Iterable[range]:
        numbers = [int(number) for number in self.numbers]
        triples = list(zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True))
        if any(last > count for _, last, _ in triples[:-1]):
            raise BadIdentifier("only the last range may reach beyond the last frame", self.tag, INVALID_REQUEST)
        return (range(first, min(last, count) + 1, step) for first, last, step in triples)


def frame_list(keys: Attributes) -> FrameList:
    """The one frame list of an identifier. Raises BadIdentifier."""
    given = [keys[tag] for tag in (SIMPLE, CALCULATED, TIME_RANGE) if tag in keys and not keys[tag].is_empty]
    if len(given) != 1:
        raise BadIdentifier("one frame list, or a time range, is needed", SIMPLE, INVALID_REQUEST)
    found = FrameList(given[0].tag, given[0].raw, _numbers(given[0]))
    check = {SIMPLE: _check_simple, CALCULATED: _check_calculated, TIME_RANGE: _check_times}[found.tag]
    if problem := check(found.numbers):
        raise BadIdentifier(problem, found.tag, INVALID_REQUEST)
    return found


def _numbers(key: Attribute) -> tuple[float, ...]:
    code, size = ("d", 8) if key.tag == TIME_RANGE else ("I", 4)
    if not key.raw or len(key.raw) % size:
        raise BadIdentifier("the value has a wrong length", key.tag, INVALID_REQUEST)
    return struct.unpack(f"<{len(key.raw) // size}{code}", key.raw)


def _check_simple(numbers: Sequence[float]) -> str:
    return "" if numbers[0] >= 1 and _increases(numbers) else "frame numbers begin with 1 and increase"


def _check_calculated(numbers: Sequence[float]) -> str:
    if len(numbers) % 3:
        return "a calculated frame list has three numbers a range"
    if not all(1 <= first <= last and step for first, last, step in zip(*[iter(numbers)] * 3, strict=True)):
        return "a range has a first frame, one not before it, and a step"
    # The last frame of a range is the last one that its steps reach.
    ends = [last - (last - first) % step for first, last, step in zip(*[iter(numbers)] * 3, strict=True)]
    return "" if all(end < first for end, first in zip(ends, numbers[3::3], strict=False)) else "ranges overlap"


def _check_times(numbers: Sequence[float]) -> str:
    is_range = len(numbers) == 2 and numbers[0] <= numbers[1]  # neither is NaN then
    return "" if is_range else "a time range has a start and an end"


def _increases(numbers: Sequence[float]) -> bool:
    return all(first < second for first, second in pairwise(numbers))
