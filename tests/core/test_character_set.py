"""Letters from bytes and back: the examples of PS3.5 annexes H to K, what peers misspell, what nothing declares."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.charset import decode_element
from pydicom.data import get_charset_files
from pydicom.dataelem import DataElement

from dcmnet_cli.core.character_set import decode_text, encode_text, guess, is_known
from dcmnet_cli.core.text import printable

# PS3.5 H.3.1, H.3.2, I.2, J.1, J.3, J.4, K.2: the bytes as the standard prints them.
EXAMPLES = [
    (
        "\\ISO 2022 IR 87",
        b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
        "Yamada^Tarou=山田^太郎=やまだ^たろう",
    ),
    (
        "ISO 2022 IR 13\\ISO 2022 IR 87",
        b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J",
        "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
    ),
    (
        "\\ISO 2022 IR 149",
        b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf",
        "Hong^Gildong=洪^吉洞=홍^길동",
    ),
    ("ISO_IR 192", "Wang^XiaoDong=王^小東=".encode(), "Wang^XiaoDong=王^小東="),
    ("GB18030", b"Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab=", "Wang^XiaoDong=王^小东="),
    (
        "\\ISO 2022 IR 58",
        b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab=",
        "Zhang^XiaoDong=张^小东=",
    ),
    ("ISO_IR 100", b"Buc^J\xe9r\xf4me", "Buc^Jérôme"),
    ("ISO_IR 144", b"\xbb\xee\xda\x63\x65\xdc\xd1\x79\x70\xd3", "Люкceмбypг"),  # c, e, y and p are Latin there
    ("ISO_IR 126", b"\xc4\xe9\xef\xed\xf5\xf3\xe9\xef\xf2", "Διονυσιος"),
    ("ISO_IR 127", b"\xe2\xc8\xc7\xe6\xea^\xe4\xe6\xd2\xc7\xd1", "قباني^لنزار"),
    ("ISO_IR 138", b"\xf9\xf8\xe5\xef^\xe3\xe1\xe5\xf8\xe4", "שרון^דבורה"),
    ("ISO_IR 166", b"\xca\xc1\xaa\xd2\xc2", "สมชาย"),
    ("ISO_IR 203", b"\xa4", "€"),
    ("\\ISO 2022 IR 159", b"\x1b$(D\x30\x21\x1b(B^A", "丂^A"),
]
EVERY_EXAMPLE = pytest.mark.parametrize(("character_set", "raw", "expected"), EXAMPLES)


@EVERY_EXAMPLE
def test_examples_are_read(character_set: str, raw: bytes, expected: str) -> None:
    assert decode_text(raw, character_set, "PN") == expected


@EVERY_EXAMPLE
def test_what_is_written_is_read_by_us_and_by_pydicom(character_set: str, raw: bytes, expected: str) -> None:
    encoded = encode_text(expected, character_set)
    assert encoded is not None
    assert decode_text(encoded, character_set, "PN") == expected
    if not character_set.endswith(("203", "58")):  # one pydicom does not know, of the other it leaves the escapes in
        element = DataElement(0x00100010, "PN", encoded)
        decode_element(element, character_set.split("\\"))
        assert str(element.value) == expected.removesuffix("=")


def test_a_delimiter_brings_the_first_set_back() -> None:
    raw = b"\x1b-F\xc4^\xe9"
    assert decode_text(raw, "ISO 2022 IR 100\\ISO 2022 IR 126", "PN") == "Δ^é"
    assert decode_text(raw, "ISO 2022 IR 100\\ISO 2022 IR 126", "LO") == "Δ^ι"
    assert encode_text("Δ^éΔ", "ISO 2022 IR 100\\ISO 2022 IR 126") == b"\x1b-F\xc4^\xe9\x1b-F\xc4"


def test_a_set_that_should_have_been_called_is_taken_as_called() -> None:
    assert decode_text("김희중".encode("euc_kr"), "\\ISO 2022 IR 149", "PN") == "김희중"


@pytest.mark.parametrize(
    "term", ["ISO_IR 101", "ISO IR 101", "ISO-IR 101", "ISO2022 IR 101", "iso_ir_101", "ISO_IR101 "]
)
def test_misspelt_terms(term: str) -> None:
    assert decode_text(b"\xb1", term, "LO") == "ą"


@pytest.mark.parametrize("term", ["ISO 2022 GBK", "GBK", "ISO 2022 58"])
def test_terms_of_a_withdrawn_correction(term: str) -> None:
    assert decode_text("小东".encode("gbk"), term, "LO") == "小东"


@pytest.mark.parametrize(
    ("assumed", "codec", "expected"),
    [
        ("windows-1250", "cp1250", "Š"),
        ("cp1252", "cp1252", "€"),
        ("Shift_JIS", "shift_jis", "山"),
        ("utf-8", "utf8", "é"),
    ],
)
def test_sets_that_may_be_assumed(assumed: str, codec: str, expected: str) -> None:
    assert is_known(assumed)
    assert decode_text(expected.encode(codec), assumed, "LO") == expected


@pytest.mark.parametrize("character_set", ["", "ISO_IR 6", "NONSENSE", "ISO_IR 999", "idna", "unicode_escape"])
def test_undeclared_bytes_are_utf_8_or_else_latin_1(character_set: str) -> None:
    assert decode_text("é".encode(), character_set, "LO") == "é"
    assert decode_text(b"\xe9t\xe9", character_set, "LO") == "été"
    assert (guess("é".encode()), guess(b"\xe9")) == ("ISO_IR 192", "ISO_IR 100")


def test_bytes_outside_the_declared_set_can_be_shown() -> None:
    assert printable(decode_text(b"A\xff", "ISO_IR 192", "LO")) == "A\\xff"
    assert printable(decode_text(b"\x1b$B!!\x1b(B\x1bXx", "\\ISO 2022 IR 87", "LO")) == "\u3000\\x1bXx"


def test_what_a_set_does_not_have_is_not_sent() -> None:
    assert encode_text("山田", "ISO_IR 100") is None
    assert encode_text("é", "") is None
    assert encode_text("山", "ISO_IR 13") is None
    assert encode_text("¥", "ISO_IR 13") is None  # would be a backslash, and two values
    assert encode_text("‾", "ISO 2022 IR 13\\ISO 2022 IR 87") is None
    assert encode_text("Müller", "ISO_IR 100") == b"M\xfcller"


def test_known_terms() -> None:
    assert is_known("")
    assert is_known("ISO 2022 IR 13\\ISO 2022 IR 87\\ISO 2022 IR 159")
    assert not is_known("ISO_IR 100\\NONSENSE")


@pytest.mark.parametrize("path", get_charset_files("*.dcm"), ids=lambda path: path.rpartition("/")[2])
def test_pydicoms_files_read_as_pydicom_reads_them(path: str) -> None:
    dataset = dcmread(path)
    declared = dataset.get("SpecificCharacterSet", "")
    if "PatientName" not in dataset:
        dataset = dataset.RequestedProcedureCodeSequence[0]
        declared = dataset.get("SpecificCharacterSet", declared)
    character_set = declared if isinstance(declared, str) else "\\".join(declared)
    raw = dataset.get_item("PatientName").value
    raw = raw if isinstance(raw, bytes) else raw.original_string
    assert decode_text(raw, character_set, "PN").rstrip().rstrip("=") == str(dataset.PatientName)


@given(st.binary(max_size=60), st.sampled_from([each[0] for each in EXAMPLES]), st.sampled_from(["PN", "LO"]))
def test_reading_never_raises(raw: bytes, character_set: str, vr: str) -> None:
    printable(decode_text(raw, character_set, vr))


PIECES = [
    b"\x1b$B",
    b"\x1b(B",
    b"\x1b$)C",
    b"\x1b$(D",
    b"\x1b(J",
    b"\x1b)I",
    b"\x1b",
    b";3",
    b"=",
    b"^",
    b" ",
    b"\0",
    b"\xb0",
]


@given(st.lists(st.sampled_from(PIECES), max_size=8), st.sampled_from([each[0] for each in EXAMPLES]))
def test_reading_broken_escape_sequences_never_raises(pieces: list[bytes], character_set: str) -> None:
    printable(decode_text(b"".join(pieces), character_set, "PN"))


@pytest.mark.parametrize(
    ("raw", "text"),
    [(b"\x1b$B;3ED=", "山田="), (b"\x1b$B;3 ED", "山 田"), (b"\x1b$B;", ";")],
)
def test_what_is_no_character_of_two_bytes_stays_ascii(raw: bytes, text: str) -> None:
    assert decode_text(raw, "\\ISO 2022 IR 87", "PN") == text


@given(st.text(max_size=20), st.sampled_from([each[0] for each in EXAMPLES]))
def test_writing_is_reversed_by_reading_or_refused(value: str, character_set: str) -> None:
    encoded = encode_text(value, character_set)
    if encoded is not None and "\x1b" not in value:
        assert decode_text(encoded, character_set, "PN") == value
