"""Values of keys: what is refused, what is written out, and the bytes they become."""

import struct
from datetime import date

import pytest

from dcmnet_cli.errors import UsageError
from dcmnet_cli.ops.querying.key_values import check_value, encode_value

TODAY = date(2025, 3, 31)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("20250114", "20250114"),
        ("2025-01-14", "20250114"),
        ("2025.01.14", "20250114"),
        ("today", "20250331"),
        ("Yesterday", "20250330"),
        ("-7d", "20250324-20250331"),
        ("-2w", "20250317-20250331"),
        ("-1m", "20250228-20250331"),
        ("-1y", "20240331-20250331"),
        ("2025-02", "20250201-20250228"),
        ("202402", "20240201-20240229"),
        ("2024", "20240101-20241231"),
        ("2025-01..2025-03", "20250101-20250331"),
        ("2024-12..", "20241201-"),
        ("..yesterday", "-20250330"),
        ("20250101-20250131", "20250101-20250131"),
        ("20250101-", "20250101-"),
        ("-20250131", "-20250131"),
        (">2025-01-14", "20250115-"),
        (">=2025-01-14", "20250114-"),
        ("<2025-02", "-20250131"),
        ("<=2025-02", "-20250228"),
        ("20250101\\20250103", "20250101\\20250103"),
        ("*", "*"),
        ("", ""),
        ('""', '""'),
    ],
)
def test_dates(word: str, expected: str) -> None:
    assert check_value("StudyDate", "DA", word, TODAY) == expected


@pytest.mark.parametrize(
    "word", ["2025-13", "20250230", "tomorrow", "-", "..", "2025-03..2025-01", "-7x", "20250101-2025", "2025*", "0000"]
)
def test_what_is_no_date(word: str) -> None:
    with pytest.raises(UsageError, match="StudyDate: "):
        check_value("StudyDate", "DA", word, TODAY)


@pytest.mark.parametrize(
    ("vr", "value", "expected"),
    [
        ("TM", "10:30", "1030"),
        ("TM", "10:00..12:00", "1000-1200"),
        ("TM", "1000-", "1000-"),
        ("TM", "235959.123456", "235959.123456"),
        ("DT", "20250114103000+0100", "20250114103000+0100"),
        ("DT", "20250114-20250115", "20250114-20250115"),
        ("DT", "20250114103000-0500-20250114113000-0500", "20250114103000-0500-20250114113000-0500"),
        ("UI", "1.2.3\\1.2.4", "1.2.3\\1.2.4"),
        ("IS", "-12", "-12"),
        ("AS", "045Y", "045Y"),
        ("PN", "müller*", "müller*"),
        ("LO", "x" * 200, "x" * 200),
        ("CS", "ct", "ct"),
    ],
)
def test_other_values_pass(vr: str, value: str, expected: str) -> None:
    assert check_value("key", vr, value) == expected


@pytest.mark.parametrize(
    ("vr", "value"),
    [
        ("TM", "25"),
        ("TM", "10:61"),
        ("TM", "-"),
        ("TM", ".."),
        ("DT", "yesterday"),
        ("UI", "1.2.x"),
        ("UI", "1.2*"),
        ("UI", "1" * 65),
        ("IS", "many"),
        ("AS", "45"),
        ("PN", "DOE\x1b[2J"),
        ("OB", "00"),
    ],
)
def test_what_no_peer_could_understand_is_refused(vr: str, value: str) -> None:
    with pytest.raises(UsageError, match=r"^key"):
        check_value("key", vr, value)


@pytest.mark.parametrize(
    ("vr", "value", "expected"),
    [
        ("US", "512\\1", b"\0\2\1\0"),
        ("SS", "-1", b"\xff\xff"),
        ("FD", "0.5", struct.pack("<d", 0.5)),
        ("AT", "(0010,0020)", b"\x10\0\x20\0"),
        ("US", "", b""),
        ("DA", "20250101-", b"20250101-"),
    ],
)
def test_bytes(vr: str, value: str, expected: bytes) -> None:
    assert encode_value("key", vr, value, "") == expected


@pytest.mark.parametrize(
    ("vr", "value", "charset"),
    [("US", "70000", ""), ("US", "x", ""), ("AT", "10", ""), ("CS", "é", "ISO_IR 192"), ("LO", "山", "ISO_IR 100")],
)
def test_what_does_not_fit_is_refused(vr: str, value: str, charset: str) -> None:
    with pytest.raises(UsageError, match=r"^key: "):
        encode_value("key", vr, value, charset)


def test_text_in_the_character_set_of_the_peer() -> None:
    assert encode_value("key", "PN", "Müller", "ISO_IR 100") == b"M\xfcller"
    assert encode_value("key", "PN", "Müller", "ISO_IR 192") == "Müller".encode()
