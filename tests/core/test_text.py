import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcmnet_cli.core.text import printable, quoted


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (b"ARCHIVE1", "ARCHIVE1"),
        (b"", ""),
        (b"A\x00B\x7f", "A\\x00B\\x7f"),
        (b"caf\xe9", "caf\\xe9"),
        ("\x1b[2J\x1b[31mred", "\\x1b[2J\\x1b[31mred"),
        ("one\r\ntwo\tthree", "one\\x0d\\x0atwo\\x09three"),
        ("\x85\x9b", "\\x85\\x9b"),
        ("evil\u202egpj", "evil\\u202egpj"),
        ("\u2066a\u2069\u200b\ufeff", "\\u2066a\\u2069\\u200b\\ufeff"),
        ("a\u2028b\u2029c", "a\\u2028b\\u2029c"),
        ("\udc80", "\\x80"),  # how surrogateescape keeps the byte 80
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("A\xa0B", "A\\xa0B"),
        ("Müller^Jörg", "Müller^Jörg"),
        ("山田^太郎", "山田^太郎"),
        ("山田\u3000太郎", "山田\u3000太郎"),
        ("ORIGINAL\\PRIMARY", "ORIGINAL\\PRIMARY"),
    ],
)
def test_printable_shows_what_it_may_and_escapes_the_rest(value: str | bytes, shown: str) -> None:
    assert printable(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (b"AE TITLE ", '"AE TITLE "'),
        ("", '""'),
        (b"A\x00\xff", '"A\\x00\\xff"'),
        ('say "hi"', '"say \\"hi\\""'),
        ("a\\x00", '"a\\\\x00"'),
        ("\n", '"\\x0a"'),
    ],
)
def test_quoted_cannot_be_left_by_its_content(value: str | bytes, shown: str) -> None:
    assert quoted(value) == shown


ANYTHING = st.one_of(
    st.binary(), st.text(st.characters(codec=None)), st.text(st.characters(categories=["Cc", "Cf", "Cs"]))
)


@given(ANYTHING)
def test_nothing_that_steers_a_terminal_gets_through(value: str | bytes) -> None:
    for shown in (printable(value), quoted(value)):
        assert not {unicodedata.category(c) for c in shown} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
        shown.encode("utf-8")


@given(st.binary())
def test_bytes_come_out_as_ascii(value: bytes) -> None:
    assert printable(value).isascii()


@given(st.one_of(st.binary(), st.text()), st.one_of(st.binary(), st.text()))
def test_quoting_tells_different_values_apart(first: str | bytes, second: str | bytes) -> None:
    if type(first) is type(second) and first != second:
        assert quoted(first) != quoted(second)
