import struct
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcmnet_cli.net.elements import WINDOW, FileWindow, Glance, Layout, Walk, walk
from tests.dicom_files import (
    CT,
    ITEM_END,
    SEQUENCE_END,
    UNDEFINED,
    data_set,
    delimiter,
    element,
    item,
)

LITTLE, BIG, IMPLICIT = Layout(True, True), Layout(True, False), Layout(False, True)
WANTED = frozenset((0x00080016, 0x00080018, 0x0020000D))
UIDS = {0x00080016: CT, 0x00080018: "1.2.3.4", 0x0020000D: "1.2.3"}


def walked(
    data: bytes,
    layout: Layout = LITTLE,
    offset: int = 0,
    last: int | None = None,
    wanted: frozenset[int] = WANTED,
) -> Walk:
    def pread(count: int, start: int) -> bytes:
        return data[start : start + count]

    return walk(FileWindow(pread, len(data), pread(WINDOW, 0)), offset, layout, wanted, last)


def sequence(content: bytes, vr: str = "SQ", tag: int = 0x30060020) -> bytes:
    return element(tag, vr, content, length=UNDEFINED)


@pytest.mark.parametrize(
    ("layout", "data"),
    [
        (LITTLE, data_set()),
        (IMPLICIT, data_set(vr=False)),
        (BIG, data_set(order=">")),
        (Layout(False, False), data_set(vr=False, order=">")),
    ],
)
def test_finds_the_uids_and_the_end_in_every_layout(layout: Layout, data: bytes) -> None:
    assert walked(data, layout) == Walk(UIDS, len(data), "", False)


@pytest.mark.parametrize("size", [WINDOW - 9, WINDOW - 8, WINDOW - 1, WINDOW, WINDOW + 1, 3 * WINDOW, 200_000])
def test_values_of_any_size_are_passed_wherever_the_window_ends(size: int) -> None:
    filler = element(0x00080001, "UT", bytes(size)) + element(0x00080008, "CS", "A " * 20) * (size // 48)
    data = filler + data_set()
    assert walked(data) == Walk(UIDS, len(data), "", bool(size % 2))


def test_a_value_across_the_end_of_the_window_is_read_whole() -> None:
    for size in range(WINDOW - 120, WINDOW):
        data = element(0x00080001, "UT", bytes(size & ~1)) + data_set()
        assert walked(data).values == UIDS


def test_uids_inside_a_sequence_are_not_the_instance() -> None:
    inner = data_set("9.9", "9.8", "9.7", pixels=b"")
    for nested in (
        sequence(item(inner) + SEQUENCE_END),
        sequence(item(inner, length=UNDEFINED) + ITEM_END + SEQUENCE_END),
        element(0x30060020, "SQ", item(inner)),
    ):
        data = nested + data_set()
        assert walked(data) == Walk(UIDS, len(data), "", False)


def test_encapsulated_pixel_data() -> None:
    fragments = item(b"") + item(b"\xfe\xff\x0d\xe0" * 4) + item(bytes(70_000)) + SEQUENCE_END
    for vr, tag in (("OB", 0x7FE00010), ("UN", 0x7FE10010)):  # the latter in a private element
        data = data_set(pixels=b"") + sequence(fragments, vr, tag)
        assert walked(data) == Walk(UIDS, len(data), "", False)


@pytest.mark.parametrize("layout", [LITTLE, IMPLICIT])
def test_an_undefined_length_within_another(layout: Layout) -> None:
    vr = "SQ" if layout.explicit else ""
    deep = sequence(item(data_set(vr=layout.explicit), length=UNDEFINED) + ITEM_END + SEQUENCE_END, vr)
    data = sequence(item(deep, length=UNDEFINED) + ITEM_END + SEQUENCE_END, vr) + data_set(vr=layout.explicit)
    assert walked(data, layout) == Walk(UIDS, len(data), "", False)


def test_un_of_undefined_length_holds_implicit_vr() -> None:
    for order, layout in (("<", LITTLE), (">", BIG)):
        inner = item(data_set(vr=False), length=UNDEFINED) + ITEM_END + SEQUENCE_END
        data = element(0x00091001, "UN", inner, length=UNDEFINED, order=order) + data_set(order=order)
        assert walked(data, layout) == Walk(UIDS, len(data), "", False)


def test_explicit_vr_within_un_is_followed_all_the_same() -> None:
    data = sequence(item(data_set(), length=UNDEFINED) + ITEM_END + SEQUENCE_END, "UN") + data_set()
    assert walked(data) == Walk(UIDS, len(data), "", False)


def test_implicit_vr_within_an_explicit_sequence_is_followed() -> None:
    inner = element(0x00080100, "", "T-D1100") + element(0x00080104, "", "")
    data = sequence(item(inner, length=UNDEFINED) + ITEM_END + SEQUENCE_END) + data_set()
    assert walked(data) == Walk(UIDS, len(data), "", False)


def test_an_item_length_that_reads_like_a_vr() -> None:
    data = sequence(item(bytes(int.from_bytes(b"CS", "little"))) + SEQUENCE_END) + data_set()
    assert walked(data) == Walk(UIDS, len(data), "", False)


def test_delimiters_too_many_or_missing() -> None:
    inner = element(0x00080100, "SH", "A ")
    for content in (
        item(inner) + ITEM_END + SEQUENCE_END,  # an item of known length, delimited all the same
        item(inner, length=UNDEFINED) + SEQUENCE_END,  # an item that is never delimited
    ):
        data = sequence(content) + data_set()
        assert walked(data) == Walk(UIDS, len(data), "", False)
    data = delimiter(0xFFFEE0DD) + data_set()
    assert walked(data) == Walk(UIDS, len(data), "", False)


def test_vrs_that_are_none() -> None:
    odd = b"".join(struct.pack("<HH2sH", 9, 0x1000 + n, vr, 4) + b"ABCD" for n, vr in enumerate((b"??", b"  ", b"-1")))
    coming = struct.pack("<HH2sHI", 9, 0x1010, b"ZZ", 0, 6) + b"ABCDEF"
    data = odd + coming + data_set()
    assert walked(data) == Walk(UIDS, len(data), "", False)


@pytest.mark.parametrize("depth", [63, 64, 65, 1000, 10_000])
def test_depth_costs_no_recursion(depth: int) -> None:
    opened = sequence(item(b"", length=UNDEFINED)) * depth
    data = opened + (ITEM_END + SEQUENCE_END) * depth + data_set()
    assert walked(data) == Walk(UIDS, len(data), "", False)
    assert "(3006,0020)" in walked(opened).problem


def test_stops_before_what_follows_the_last_tag() -> None:
    data = data_set()
    found = walked(data, last=0x0020000D)
    assert (found.values, found.problem) == (UIDS, "")
    assert data[found.end : found.end + 4] == b"\x28\x00\x10\x00"


@pytest.mark.parametrize(
    ("padding", "is_fine"), [(1, True), (7, True), (8, True), (4096, True), (1 << 16, True), (1 << 17, False)]
)
def test_zeros_behind_the_data_set(padding: int, is_fine: bool) -> None:
    for layout, data in ((LITTLE, data_set()), (IMPLICIT, data_set(vr=False))):
        found = walked(data + bytes(padding), layout)
        assert (found.end, found.problem == "") == (len(data), is_fine)


def test_zeros_where_elements_were_are_no_padding() -> None:
    data = data_set(pixels=b"")
    assert "no element at offset" in walked(data + bytes(64) + b"\x01" + bytes(64)).problem


@pytest.mark.parametrize(
    ("layout", "data"), [(LITTLE, data_set()), (IMPLICIT, data_set(vr=False)), (BIG, data_set(order=">"))]
)
def test_every_truncation_is_found_unless_it_falls_between_elements(layout: Layout, data: bytes) -> None:
    boundaries = {walked(data, layout, last=last).end for last in WANTED | {0, 0x00080005, 0x00080060, 0x00100010}}
    boundaries |= {walked(data, layout, last=0x00280010).end, len(data)}
    assert len(boundaries) == 9
    if not layout.little:
        boundaries |= {end + 1 for end in boundaries if data[end : end + 1] == b"\0"}  # is as good as padding
    for size in range(len(data) + 1):
        assert (walked(data[:size], layout).problem == "") == (size in boundaries), size


def test_every_truncation_within_a_sequence_is_found() -> None:
    nested = sequence(item(data_set(pixels=b""), length=UNDEFINED) + ITEM_END + item(b"ABCD") + SEQUENCE_END)
    for size in range(1, len(nested)):
        assert walked(nested[:size]).problem, size


@pytest.mark.parametrize("length", [0xFFFFFFFE, 0x80000000, 0x7FFFFFFF, 1 << 20])
def test_lengths_that_cannot_be(length: int) -> None:
    for layout, vr in ((LITTLE, "OW"), (IMPLICIT, "")):
        found = walked(data_set(vr=layout.explicit, pixels=b"") + element(0x7FE00010, vr, b"AB", length=length), layout)
        assert found.problem == f"element (7FE0,0010) lacks its last {length - 2} bytes"


def test_odd_lengths_are_noticed() -> None:
    assert walked(element(0x00080005, "CS", b"ABC") + data_set()).odd
    assert not walked(element(0x00080005, "CS", b"ABCD") + data_set()).odd


def test_a_uid_is_cut_only_where_it_is_absurd() -> None:
    assert walked(data_set("1." * 200 + "1")).values[0x00080018] == "1." * 200 + "1"
    assert len(walked(data_set("1." * 5000 + "1")).values[0x00080018]) == 1024


def test_a_file_that_shrinks_meanwhile_is_cut_short() -> None:
    data = element(0x00080001, "UT", bytes(WINDOW)) + data_set()
    window = FileWindow(lambda count, at: data[at : min(at + count, len(data) - 20)], len(data), data[:WINDOW])
    assert walk(window, 0, LITTLE, WANTED).problem


def test_a_million_elements_take_a_second_or_two_not_more() -> None:
    data = element(0x00090010, "SH", b"") * 2_500_000
    started = time.process_time()
    assert walked(data).end == len(data)
    items = sequence(item(b"") * 2_500_000 + SEQUENCE_END)
    assert walked(items).problem == ""
    assert time.process_time() - started < 30


@given(st.binary(max_size=200), st.sampled_from([LITTLE, BIG, IMPLICIT]))
def test_any_bytes_are_walked(data: bytes, layout: Layout) -> None:
    found = walked(data, layout)
    assert 0 <= found.end <= len(data)


@given(st.data())
def test_mutations_raise_nothing_and_end_within_the_file(draw: st.DataObject) -> None:
    nested = sequence(item(data_set(pixels=b""), length=UNDEFINED) + ITEM_END + SEQUENCE_END)
    data = bytearray(nested + data_set())
    for _ in range(draw.draw(st.integers(1, 8))):
        data[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.sampled_from([0, 1, 0x7F, 0xFE, 0xFF, 0x41]))
    layout = draw.draw(st.sampled_from([LITTLE, BIG, IMPLICIT]))
    assert 0 <= walked(bytes(data), layout).end <= len(data)


@given(st.data())
def test_glances_find_what_walks_do_or_nothing(draw: st.DataObject) -> None:
    """Whatever a glance remembers of one data set, it takes no other one for it."""
    layout = draw.draw(st.sampled_from([LITTLE, BIG, IMPLICIT]))
    wanted = draw.draw(st.sampled_from([frozenset((0x00080016, 0x00080018)), WANTED, WANTED | {0x00100020}]))
    glance = Glance(layout, wanted)
    instances = st.sampled_from(["1.2.3.4", "1.2.3.44", "1.2.3.4.5", ""])
    for _ in range(draw.draw(st.integers(1, 6))):
        data = bytearray(
            data_set(vr=layout.explicit, order="<" if layout.little else ">", instance=draw.draw(instances))
        )
        for _ in range(draw.draw(st.integers(0, 3))):
            data[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.sampled_from([0, 1, 8, 0x18, 0xFE, 0x41]))
        cut = bytes(data[: draw.draw(st.sampled_from([len(data), draw.draw(st.integers(0, len(data)))]))])
        found = glance(cut)
        assert found is None or found == walked(cut, layout, last=max(wanted), wanted=wanted).values


def test_a_glance_is_enough_for_a_plain_beginning() -> None:
    glance = Glance(LITTLE, frozenset((0x00080016, 0x00080018)))
    for instance in ("1.2.3.4", "1.2.3.6", "1.2.3.4.5.6"):
        assert glance(data_set(instance)[:200]) == {0x00080016: CT, 0x00080018: instance}
    assert Glance(IMPLICIT, WANTED)(data_set(vr=False)) == UIDS
