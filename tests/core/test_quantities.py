"""Amounts in words."""

import pytest

from dcmnet_cli.core.quantities import clock, count, data_rate, percent, plural, rate, size


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (999.6, "1.0 kB"),
        (1000, "1.0 kB"),
        (9_949, "9.9 kB"),
        (9_951, "10 kB"),
        (216_000_000, "216 MB"),
        (999_499_999, "999 MB"),
        (999_500_000, "1.0 GB"),
        (4 << 30, "4.3 GB"),
        (5e15, "5.0 PB"),
        (5e19, "50000 PB"),
    ],
)
def test_sizes_have_two_or_three_digits(length: float, words: str) -> None:
    assert size(length) == words


def test_counts_and_plurals() -> None:
    assert (count(0), count(1306), count(10**6)) == ("0", "1,306", "1,000,000")
    assert (plural(0, "file"), plural(1, "file"), plural(1306, "file")) == ("0 files", "1 file", "1,306 files")
    assert (plural(1, "retry", "retries"), plural(2, "retry", "retries")) == ("1 retry", "2 retries")


def test_rates() -> None:
    assert [rate(*pair) for pair in ((58, 1), (4, 10), (9.96, 1), (12_040, 10), (1, 0))] == [
        "58",
        "0.4",
        "10",
        "1,204",
        "-",
    ]
    assert (data_rate(62_000_000, 2), data_rate(1, 0)) == ("31 MB/s", "-")


def test_clocks_and_shares() -> None:
    assert [clock(seconds) for seconds in (0, 21.6, 59.6, 3723, 360_000)] == [
        "0:00:00",
        "0:00:22",
        "0:01:00",
        "1:02:03",
        "100:00:00",
    ]
    assert [percent(*pair) for pair in ((78, 100), (1, 1000), (0, 5), (5, 0))] == ["78 %", "under 1 %", "0 %", "0 %"]
