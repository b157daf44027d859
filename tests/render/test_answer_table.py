"""Answers as a table on a terminal: within its width, in the words of people, and harmless."""

import pytest

from dcmnet_cli.core.identifier import Element
from dcmnet_cli.ops.querying.answers import Column, Match
from dcmnet_cli.render.answer_table import Table, cells, humane, padded
from dcmnet_cli.render.find import heading
from tests.finding import element
from tests.render.render_samples import Shown, terminal

DATE, TIME, NAME, ID, DESCRIPTION, INSTANCES, ACCESSION, STUDY_UID = (
    0x00080020,
    0x00080030,
    0x00100010,
    0x00100020,
    0x00081030,
    0x00201208,
    0x00080050,
    0x0020000D,
)
DEFAULT = [DATE, TIME, NAME, ID, DESCRIPTION, INSTANCES, ACCESSION, STUDY_UID]
LONG_UID = "1.2.840.113619.2.55.3.604688119.971.1736850000.1"


def columns(*tags: int) -> list[Column]:
    return [Column((tag,), str(tag), heading((tag,), str(tag))) for tag in tags]


def study(name: str = "MÜLLER^JÖRG", description: str = "CT Thorax native", number: str = "412") -> Match:
    elements = [
        element(DATE, "20250114"),
        element(TIME, "081500"),
        element(NAME, name),
        element(ID, "1002233"),
        element(DESCRIPTION, description),
        element(INSTANCES, number),
        element(ACCESSION, "RX20250114-90"),
        element(STUDY_UID, LONG_UID),
    ]
    return Match({each.tag: each for each in elements}, "ISO_IR 192")


def shown(
    *matches: Match,
    tags: list[int] = DEFAULT,
    width: int = 80,
    may_drop: bool = True,
    most: int = 0,
    encoding: str = "utf-8",
) -> list[str]:
    output = terminal({"COLUMNS": str(width), "NO_COLOR": "1"}, encoding=encoding)
    table = Table(output.out, columns(*tags), "", may_drop=may_drop, most=most)
    for each in matches:
        table.add(each)
    table.close()
    return output.stdout.splitlines()


def test_a_table_of_eighty_columns() -> None:
    lines = shown(study(), study("ΠΑΠΑΔΟΠΟΥΛΟΥ^ΜΑΡΙΑ", "CT Brain", "64"))
    assert lines[0] == "  date        patient              ID       description       inst."
    assert set(lines[1].strip()) == {"─"}
    assert lines[2:] == [
        "  2025-01-14  MÜLLER, JÖRG         1002233  CT Thorax native    412",
        "  2025-01-14  ΠΑΠΑΔΟΠΟΥΛΟΥ, ΜΑΡΙΑ  1002233  CT Brain             64",
    ]


def test_more_columns_where_there_is_room() -> None:
    assert shown(study(), width=100)[0].split() == [
        "date",
        "time",
        "patient",
        "ID",
        "description",
        "inst.",
        "accession",
    ]
    assert "study UID" in shown(study(), width=160)[0]


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
@pytest.mark.parametrize("may_drop", [False, True])
def test_no_line_is_wider_than_the_terminal(width: int, may_drop: bool) -> None:
    matches = [study("山田^太郎" * number, "x" * number * 9) for number in range(1, 6)]
    for line in shown(*matches, width=width, may_drop=may_drop):
        assert cells(line) <= width


def test_dates_and_numbers_are_cut_last() -> None:
    lines = shown(study("A" * 60, "B" * 60), width=60, may_drop=False, tags=[DATE, NAME, DESCRIPTION, INSTANCES])
    assert lines[2].startswith("  2025-01-14  AAAA")
    assert lines[2].endswith("…    412")
    assert lines[2].count("…") == 2


def test_columns_that_were_asked_for_stay() -> None:
    assert "study UID" in shown(study(), tags=[NAME, STUDY_UID], width=50, may_drop=False)[0]


def test_the_first_rows_decide_and_later_ones_are_cut() -> None:
    lines = shown(*[study("A")] * 40, study("B" * 50, "C"))
    assert len(lines) == 43
    assert "BBB…" in lines[-1]


def test_rows_come_out_while_others_are_awaited(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    output = terminal()
    table = Table(output.out, columns(NAME), "", may_drop=True)
    table.add(study())
    table.flush()
    assert output.stdout == ""
    now[0] += 1.0
    table.flush()
    assert len(output.stdout.splitlines()) == 3
    table.add(study())
    assert len(output.stdout.splitlines()) == 4


def test_beside_a_file_a_few_rows_are_enough() -> None:
    output = terminal()
    table = Table(output.out, columns(NAME), "", may_drop=True, most=3)
    for _ in range(10):
        table.add(study())
    table.close()
    assert len(output.stdout.splitlines()) == 5
    assert table.left_out == 7


def test_no_answer_no_table() -> None:
    assert shown() == []


def test_nothing_of_a_peer_reaches_the_terminal_as_it_is() -> None:
    text = "\n".join(shown(study("\x1b]0;title\x07EVIL^\u202eGNP", "line\nbreak\r")))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\\x1b]0;title" in text
    assert len(text.splitlines()) == 3


def test_a_terminal_without_unicode() -> None:
    text = "\n".join(shown(study("MÜLLER^山" + "x" * 60), encoding="ascii"))
    assert text.isascii()
    assert "~" in text
    assert "---" in text


@pytest.mark.parametrize(
    ("vr", "value", "expected"),
    [
        ("DA", "20250114", "2025-01-14"),
        ("DA", "2025", "2025"),
        ("TM", "081500.000", "08:15"),
        ("TM", "08", "08"),
        ("PN", "MÜLLER^Jörg^Maria^Dr.^", "MÜLLER, Jörg Maria"),
        ("PN", "Yamada^Tarou=山田^太郎=やまだ^たろう", "Yamada, Tarou (山田, 太郎)"),
        ("PN", "=山田^太郎", "山田, 太郎"),
        ("PN", "SMITH", "SMITH"),
        ("PN", "^GIVEN", "GIVEN"),
        ("PN", "^^", ""),
        ("CS", "CT\\SR", "CT, SR"),
        ("LT", "a\\b", "a\\b"),
    ],
)
def test_values_as_people_write_them(vr: str, value: str, expected: str) -> None:
    assert humane(value, vr) == expected


@pytest.mark.parametrize(
    ("text", "width", "right", "expected"),
    [
        ("abc", 5, False, "abc  "),
        ("abc", 5, True, "  abc"),
        ("abcdef", 5, False, "abcd…"),
        ("山田太郎", 5, False, "山田…"),
        ("山田太郎", 6, False, "山田… "),
        ("e\u0301te\u0301", 3, False, "e\u0301te\u0301"),
    ],
)
def test_cells_of_an_exact_width(text: str, width: int, right: bool, expected: str) -> None:
    found = padded(text, width, "…", right=right)
    assert found == expected
    assert cells(found) == width


def test_nested_values_are_found_by_path() -> None:
    steps = Element(0x00400100, "SQ", b"", ((element(0x00400002, "20250114"),),))
    output: Shown = terminal()
    table = Table(output.out, [Column((0x00400100, 0x00400002), "x", "date")], "", may_drop=True)
    table.add(Match({0x00400100: steps}, ""))
    table.close()
    assert output.stdout.splitlines()[-1] == "  2025-01-14"
