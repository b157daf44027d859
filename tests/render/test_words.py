"""Numbers, statuses and statistics in words."""

import pytest

from dcmnet_cli.ops.results import RoundTrips
from dcmnet_cli.render.status import status_facts, status_json, status_line
from dcmnet_cli.render.words import context_result, duration, milliseconds, named_uid, one_line, pdu_length, tag


@pytest.mark.parametrize(
    ("seconds", "for_people", "for_programs"),
    [
        (0.0, "0.00 ms", "0.00 ms"),
        (0.00004, "0.04 ms", "0.04 ms"),
        (0.0004, "0.40 ms", "0.40 ms"),
        (0.000999, "1.0 ms", "1.0 ms"),
        (0.0123, "12.3 ms", "12.3 ms"),
        (0.4121, "412 ms", "412.1 ms"),
        (9.999, "9999 ms", "9999.0 ms"),
        (30.04, "30.0 s", "30040.0 ms"),
    ],
)
def test_times(seconds: float, for_people: str, for_programs: str) -> None:
    assert (duration(seconds), milliseconds(seconds)) == (for_people, for_programs)


@pytest.mark.parametrize(
    ("code", "service", "expected"),
    [
        (0x0000, "echo", "0x0000 success"),
        (0xA801, "move", "0xA801 failure: refused: move destination unknown"),
        (0xA801, "C-MOVE-RSP", "0xA801 failure: refused: move destination unknown"),
        (0xB000, "store", "0xB000 warning: coercion of data elements"),
        (0x0122, "", "0x0122 failure: refused: SOP class not supported"),
        (0x7777, "store", "0x7777 failure: unknown status"),
    ],
)
def test_a_status_line_has_number_category_and_meaning(code: int, service: str, expected: str) -> None:
    assert status_line(code, service) == expected


def test_what_comes_with_a_status_is_shown_harmless() -> None:
    assert status_facts(0xA900, "store", "bad\x1b[2J", (0x00080018, 0x7FE00010))[1:] == (
        ("Error Comment", r'"bad\x1b[2J"'),
        ("Offending Element", "(0008,0018), (7FE0,0010)"),
    )
    assert status_facts(0, "echo") == (("Status", "0x0000 success"),)


def test_a_status_for_json_has_number_and_words() -> None:
    assert status_json(0xA801, "move", "no such title", (0x00000600,)) == {
        "status": 0xA801,
        "status_hex": "0xA801",
        "status_category": "failure",
        "status_name": "Refused: move destination unknown",
        "error_comment": "no such title",
        "offending_element": ["(0000,0600)"],
    }


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (None, "not answered"),
        (0, "accepted (0)"),
        (1, "user rejection (1)"),
        (2, "no reason (2)"),
        (3, "abstract syntax not supported (3)"),
        (4, "transfer syntaxes not supported (4)"),
        (9, "undefined result (9)"),
    ],
)
def test_results_of_presentation_contexts(result: int | None, words: str) -> None:
    assert context_result(result) == words


def test_small_words() -> None:
    assert named_uid("1.2.840.10008.1.2") == "1.2.840.10008.1.2 Implicit VR Little Endian"
    assert named_uid("1.2.3") == "1.2.3"
    assert (pdu_length(0), pdu_length(16384)) == ("no limit", "16384 bytes")
    assert tag(0x7FE00010) == "(7FE0,0010)"
    assert one_line("a\n\n  b \n") == "a; b"


def test_percentiles_are_times_that_were_measured() -> None:
    trips = RoundTrips(25, tuple(reversed([second / 1000 for second in range(1, 21)])))
    assert (trips.answered, trips.lost) == (20, 5)
    assert [trips.percentile(percent) for percent in (0, 50, 95, 96, 100)] == [0.001, 0.010, 0.019, 0.020, 0.020]
    assert trips.median == pytest.approx(0.0105)


def test_one_answer_is_every_percentile() -> None:
    trips = RoundTrips(1, (0.5,))
    assert {trips.percentile(0), trips.median, trips.percentile(95), trips.percentile(100)} == {0.5}
