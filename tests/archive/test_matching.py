"""What matches what (PS3.4 C.2.2.2), value by value."""

import time

import pytest

from dcmnet_cli.archive.matching import (
    QUERY_RULES,
    WORKLIST_RULES,
    Rules,
    answered,
    conditions,
    fold,
    glob,
    name_key,
    text_test,
)
from dcmnet_cli.archive.values import Attribute, Attributes

STUDY_DATE, STUDY_TIME, CODES, CODE, SCHEME = 0x00080020, 0x00080030, 0x00081032, 0x00080100, 0x00080102


def matches(vr: str, asked: str, stored: str, rules: Rules = QUERY_RULES) -> bool:
    test = text_test(vr, asked, rules)
    return test is None or test(stored)


def has(vr: str, tag: int, text: str) -> Attribute:
    return Attribute(tag, vr, text)


def fits(keys: list[Attribute], stored: list[Attribute], rules: Rules = QUERY_RULES) -> bool:
    entity: Attributes = {each.tag: each for each in stored}
    return all(each.accepts(entity) for each in conditions({key.tag: key for key in keys}, rules))


@pytest.mark.parametrize(
    ("vr", "asked", "stored"),
    [
        ("LO", "12345", "12345"),
        ("LO", "", "anything"),
        ("LO", "*", "anything"),
        ("CS", "**", "CT"),
        ("LO", "1*5", "12345"),
        ("LO", "1*5", "15"),
        ("LO", "*23*", "12345"),
        ("LO", "?2?4?", "12345"),
        ("LO", "*?5", "12345"),
        ("SH", "a*b*c", "a-b-b-c"),
        ("UI", "1.2.3", "1.2.3"),
        ("UI", "1.2.3\\1.2.4", "1.2.4"),
        ("UI", "1.2.4", "1.2.3\\1.2.4"),
        ("CS", "MR", "CT\\MR"),
        ("LO", "*b", "a\\bb"),
        ("CS", "CT\\MR", "MR"),
        ("IS", "7", "007"),
        ("DS", "1.50", "1.5"),
        ("DA", "20240229", "20240229"),
        ("DA", "20240229", "2024.02.29"),
        ("DA", "20240101-20241231", "20240229"),
        ("DA", "20240229-20240229", "20240229"),
        ("DA", "20240229-", "20991231"),
        ("DA", "-20240229", "19000101"),
        ("TM", "2230", "223000"),
        ("TM", "223000.0", "2230"),
        ("TM", "22:30:00", "2230"),
        ("TM", "1000-1800", "100000"),
        ("TM", "1000-1800", "180000"),
        ("TM", "-0930", "093000"),
        ("DT", "20240229101500", "20240229101500.000000"),
        ("DT", "2024-2024", "20240229101500"),
        ("DT", "202402-202402", "20240229235959"),
        ("DT", "20240229100000+0100", "20240229090000+0000"),
        ("DT", "20240229080000+0000-20240229100000+0000", "20240229100000+0100"),
        ("PN", "müller^jürgen", "MULLER^JURGEN"),
        ("PN", "doe^jane^^^", "Doe^Jane"),
        ("PN", "Doe*", "DOE^JANE^M"),
        ("PN", "*jane*", "DOE^JANE^M"),
        ("PN", "山田*", "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        ("PN", "yamada^tarou", "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        ("PN", "=山田^太郎", "Yamada^Tarou=山田^太郎"),
        ("PN", "YAMADA*=山田*", "Yamada^Tarou=山田^太郎"),
        ("PN", "STRASSE", "Straße"),
        ("AE", "PACS?", "PACS1"),
    ],
)
def test_values_that_match(vr: str, asked: str, stored: str) -> None:
    assert matches(vr, asked, stored)


@pytest.mark.parametrize(
    ("vr", "asked", "stored"),
    [
        ("LO", "abc", "ABC"),
        ("LO", "1*6", "12345"),
        ("LO", "????", "12345"),
        ("LO", "12*234", "1234"),  # the pieces must not overlap
        ("LO", "[1-9]*", "12345"),
        ("LO", ".2345", "12345"),
        ("UI", "1.2.3*", "1.2.34"),
        ("UI", "1.2.3", "1.2.30"),
        ("IS", "7", "70"),
        ("DA", "20240101-20241231", "20250101"),
        ("DA", "20240301-", "20240229"),
        ("DA", "-20240228", "20240229"),
        ("DA", "20240229", "garbage"),
        ("DA", "20240101-20241231", "garbage"),
        ("TM", "2230", "223001"),
        ("TM", "1000-1800", "095959.999999"),
        ("TM", "1000-1800", "180100"),
        ("DT", "20240229100000+0100", "20240229100000+0000"),
        ("DT", "202402-202402", "20240301000000"),
        ("PN", "Doe", "Doe^Jane"),
        ("PN", "Doe*=山*", "Doe^Jane"),
        ("PN", "ガ", "カ"),  # a mark that makes another letter is no accent
        ("CS", "CT", "CTX"),
    ],
)
def test_values_that_do_not_match(vr: str, asked: str, stored: str) -> None:
    assert not matches(vr, asked, stored)


@pytest.mark.parametrize("asked", ["12345", "1*", "20240101-20241231", "DOE^JANE"])
@pytest.mark.parametrize("vr", ["LO", "DA", "PN", "UI", "IS", "LT"])
def test_an_unknown_value_matches_a_query_and_no_worklist(vr: str, asked: str) -> None:
    assert matches(vr, asked, "", QUERY_RULES)
    assert not matches(vr, asked, "", WORKLIST_RULES)


def test_a_universal_key_matches_an_unknown_value_everywhere() -> None:
    assert matches("LO", "", "", WORKLIST_RULES)
    assert matches("LO", "*", "", WORKLIST_RULES)


def test_empty_values_where_negotiated() -> None:
    rules = Rules(empty_values=True)
    assert matches("LO", '""', "", rules)
    assert not matches("LO", '""', "x", rules)
    assert not matches("LO", '""', "x")
    assert matches("LO", '""', '""')


def test_several_values_where_negotiated() -> None:
    rules = Rules(multiple_values=True)
    assert matches("CS", "CT\\MR", "MR\\PT\\CT", rules)
    assert not matches("CS", "CT\\MR", "CT", rules)


def test_fuzzy_names_where_negotiated() -> None:
    rules = Rules(fuzzy=True)
    assert matches("PN", "jane do", "DOE^JANE", rules)
    assert not matches("PN", "jane do", "DOE^JANE")
    assert not matches("PN", "jane smith", "DOE^JANE", rules)


def test_a_backslash_is_a_letter_of_long_text() -> None:
    assert matches("LT", "a\\b", "a\\b")
    assert not matches("LT", "a\\b", "a")


def test_wildcards_take_linear_time() -> None:
    begin = time.monotonic()
    assert not glob("*a" * 60 + "b")("a" * 10_000)
    assert not glob("*?a" * 60 + "b")("a" * 10_000)
    assert time.monotonic() - begin < 1.0


def test_folded_names() -> None:
    assert fold("Müller^Jürgen^^") == "muller^jurgen"
    assert name_key("Yamada=山田") == "=yamada=山田"


def sequence(tag: int, *items: list[Attribute]) -> Attribute:
    return Attribute(tag, "SQ", items=tuple({each.tag: each for each in one} for one in items))


def test_a_sequence_matches_within_one_item() -> None:
    stored = sequence(
        CODES, [has("SH", CODE, "A"), has("SH", SCHEME, "X")], [has("SH", CODE, "B"), has("SH", SCHEME, "Y")]
    )
    assert fits([sequence(CODES, [has("SH", CODE, "B"), has("SH", SCHEME, "Y")])], [stored])
    assert not fits([sequence(CODES, [has("SH", CODE, "A"), has("SH", SCHEME, "Y")])], [stored])
    assert fits([sequence(CODES)], [stored])
    assert fits([sequence(CODES, [])], [stored])
    assert fits([sequence(CODES, [has("SH", CODE, "A")])], [])
    assert not fits([sequence(CODES, [has("SH", CODE, "A")])], [], WORKLIST_RULES)


def test_matching_items_come_back_with_what_was_asked_for() -> None:
    stored = sequence(
        CODES, [has("SH", CODE, "A"), has("SH", SCHEME, "X")], [has("SH", CODE, "B"), has("SH", SCHEME, "Y")]
    )
    answer = answered(sequence(CODES, [has("SH", CODE, "B")]), stored, QUERY_RULES)
    assert answer.items == ({CODE: has("SH", CODE, "B")},)
    assert answered(sequence(CODES), stored, QUERY_RULES) == stored


JOINED = [has("DA", STUDY_DATE, "20060705-20060707"), has("TM", STUDY_TIME, "1000-1800")]


@pytest.mark.parametrize(
    ("day", "clock", "separately", "combined"),
    [
        ("20060705", "0900", False, False),
        ("20060705", "1000", True, True),
        ("20060706", "0300", False, True),
        ("20060707", "1800", True, True),
        ("20060707", "1900", False, False),
        ("20060708", "1200", False, False),
    ],
)
def test_date_and_time_as_one_interval_where_negotiated(day: str, clock: str, separately: bool, combined: bool) -> None:
    stored = [has("DA", STUDY_DATE, day), has("TM", STUDY_TIME, clock)]
    assert fits(JOINED, stored) is separately
    assert fits(JOINED, stored, Rules(combined=True)) is combined


def test_ranges_of_different_form_stay_apart() -> None:
    keys = [has("DA", STUDY_DATE, "20060705-"), has("TM", STUDY_TIME, "1000-1800")]
    assert not fits(keys, [has("DA", STUDY_DATE, "20060706"), has("TM", STUDY_TIME, "0300")], Rules(combined=True))
