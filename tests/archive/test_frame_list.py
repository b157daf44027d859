"""Frame lists of identifiers (PS3.4 Y.3.2): the example of the standard, and everything that breaks its rules."""

import struct

import pytest

from dcmnet_cli.archive.frame_list import CALCULATED, SIMPLE, TIME_RANGE, frame_list
from dcmnet_cli.archive.query import BadIdentifier
from dcmnet_cli.archive.values import Attribute, Attributes

END = 0xFFFFFFFF


def keys(*values: float, tag: int = SIMPLE) -> Attributes:
    code, vr = ("d", "FD") if tag == TIME_RANGE else ("I", "UL")
    return {tag: Attribute(tag, vr, raw=struct.pack(f"<{len(values)}{code}", *values))}


def test_a_simple_list_passes_over_what_is_not_there() -> None:
    assert frame_list(keys(2, 5, 9)).frames(5) == [2, 5]


@pytest.mark.parametrize(
    ("values", "count", "frames"),
    [
        ((2, 9, 3, 12, END, 5), 25, [2, 5, 8, 12, 17, 22]),  # the example of Y.3.2.1.2
        ((1, END, 1), 3, [1, 2, 3]),
        ((3, 9, 3), 25, [3, 6, 9]),
        ((1, 5, 2, 6, 6, 1), 10, [1, 3, 5, 6]),
        ((1, 2, 1, 30, 40, 1), 10, [1, 2]),
    ],
)
def test_a_calculated_list(values: tuple[int, ...], count: int, frames: list[int]) -> None:
    assert frame_list(keys(*values, tag=CALCULATED)).frames(count) == frames


def test_a_time_range_includes_its_ends() -> None:
    assert frame_list(keys(0.5, 1.5, tag=TIME_RANGE)).frames(4, [0.0, 0.5, 1.5, 1.6]) == [2, 3]


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        keys(1) | keys(1, 2, 1, tag=CALCULATED),
        keys(0),
        keys(2, 2),
        keys(3, 1),
        keys(1, 5, tag=CALCULATED),
        keys(1, 5, 0, tag=CALCULATED),
        keys(5, 1, 1, tag=CALCULATED),
        keys(0, 1, 1, tag=CALCULATED),
        keys(1, 5, 1, 5, 9, 1, tag=CALCULATED),
        keys(2.0, 1.0, tag=TIME_RANGE),
        keys(1.0, tag=TIME_RANGE),
        keys(float("nan"), 1.0, tag=TIME_RANGE),
        {SIMPLE: Attribute(SIMPLE, "UL", raw=b"\1\0\0")},
        {SIMPLE: Attribute(SIMPLE, "LO", "1")},
    ],
    ids=repr,
)
def test_an_invalid_request(attributes: Attributes) -> None:
    with pytest.raises(BadIdentifier) as caught:
        frame_list(attributes)
    assert caught.value.status == 0xAA04


def test_none_of_the_frames() -> None:
    for values, tag in (((9,), SIMPLE), ((9, END, 1), CALCULATED), ((7.0, 8.0), TIME_RANGE)):
        with pytest.raises(BadIdentifier) as caught:
            frame_list(keys(*values, tag=tag)).frames(8, [0.0] * 8)
        assert caught.value.status == 0xAA00


def test_only_the_last_range_may_reach_beyond_the_end() -> None:
    with pytest.raises(BadIdentifier) as caught:
        frame_list(keys(1, 20, 1, 30, END, 1, tag=CALCULATED)).frames(10)
    assert caught.value.status == 0xAA04
