"""PDUs to bytes and back, against the worked PDUs of ``tests.golden`` and against everything done to them."""

from typing import Any

import pytest

from dcmnet_cli.core.codec import ASSOCIATE_PDU_LIMIT, Notes, decode, encode
from dcmnet_cli.core.pdu import (
    AAbort,
    AAssociateRJ,
    AAssociateRQ,
    AReleaseRP,
    AReleaseRQ,
    CommonExtendedNegotiation,
    ContextResult,
    ExtendedNegotiation,
    ProposedContext,
    RoleSelection,
    UserIdentity,
    UserInformation,
)
from dcmnet_cli.errors import InvalidPDU
from tests.golden import associate as golden
from tests.golden.associate import ECHO_CONTEXT, GOLDEN, IMPLICIT, Golden, info
from tests.wire import (
    APPLICATION,
    CLASS_UID,
    CONTEXT,
    MAXIMUM_LENGTH,
    RESULT,
    USER_INFORMATION,
    acceptance,
    counted,
    item,
    request,
    request_with,
)

NAMES = {
    1: "A-ASSOCIATE-RQ",
    2: "A-ASSOCIATE-AC",
    3: "A-ASSOCIATE-RJ",
    5: "A-RELEASE-RQ",
    6: "A-RELEASE-RP",
    7: "A-ABORT",
}
every_golden = pytest.mark.parametrize("example", GOLDEN, ids=[example.name for example in GOLDEN])


def read(data: bytes) -> tuple[Any, Notes]:
    notes = Notes()
    return decode(data, notes), notes


def refusal(data: bytes) -> InvalidPDU:
    with pytest.raises(InvalidPDU) as caught:
        decode(data, Notes())
    return caught.value


# --- the worked PDUs -----------------------------------------------------------------------------------------


@every_golden
def test_decodes_to_its_record(example: Golden) -> None:
    record, notes = read(example.data)
    assert type(record) is type(example.record)
    assert record == example.record
    assert len(notes) == (1 if example is golden.RQ_SHUFFLED else 0)


@pytest.mark.parametrize("example", [e for e in GOLDEN if e.sent is not None], ids=lambda example: example.name)
def test_encodes_to_exactly_its_bytes(example: Golden) -> None:
    assert example.sent is not None
    assert encode(example.sent) == example.data


@every_golden
def test_every_truncation_is_refused_with_pdu_field_and_offset(example: Golden) -> None:
    for end in range(len(example.data)):
        for corrected in (False, True):  # as it is, and with a PDU length that matches what is left
            data = example.data[:end]
            if corrected and end >= 6:
                data = data[:2] + (end - 6).to_bytes(4, "big") + data[6:]
            error = refusal(data)
            assert error.pdu == (NAMES[example.data[0]] if end else "PDU")
            assert error.field
            assert 0 <= error.offset <= end
            assert error.abort_reason == 6


@every_golden
def test_one_stray_byte_at_the_end_is_refused(example: Golden) -> None:
    data = example.data + b"\0"
    assert "length" in refusal(data).field
    refusal(data[:2] + (len(data) - 6).to_bytes(4, "big") + data[6:])


@every_golden
def test_the_length_of_the_pdu_must_be_what_follows(example: Golden) -> None:
    for wrong in (0, len(example.data) - 7, len(example.data) - 5, 0x7FFFFFFF, 0xFFFFFFFF):
        error = refusal(example.data[:2] + wrong.to_bytes(4, "big") + example.data[6:])
        assert (error.field, error.offset) == ("length", 2)


def test_reserved_bytes_are_never_tested() -> None:
    data = bytearray(golden.RQ_ECHO.data)
    items = 74 + 25
    for offset in (1, 8, 9, *range(42, 74), 75, items + 1, items + 5, items + 6, items + 7):
        data[offset] = 0xFF
    record, notes = read(bytes(data))
    assert record == golden.RQ_ECHO.record._replace(fields=bytes(data[10:74]))
    assert not notes
    assert read(b"\7\xff\0\0\0\4\xff\xff\1\7")[0] == AAbort(1, 7)
    assert read(b"\3\xff\0\0\0\4\xff\3\x38\xff")[0] == AAssociateRJ(3, 56, 255)
    assert type(read(b"\5\xff\0\0\0\4\xff\xff\xff\xff")[0]) is AReleaseRQ
    assert type(read(b"\6\xff\0\0\0\4\xff\xff\xff\xff")[0]) is AReleaseRP


def test_a_pdu_type_of_its_own_is_refused_as_unrecognized() -> None:
    for pdu_type in (0, 4, 8, 0x15, 0x47, 0xFF):
        error = refusal(bytes((pdu_type,)) + golden.UNKNOWN_PDU[1:])
        assert (error.field, error.offset, error.abort_reason) == ("type", 0, 1)


# --- tolerance -----------------------------------------------------------------------------------------------


def test_unknown_items_are_skipped_with_a_note_wherever_they_stand() -> None:
    odd = item(0x7E, b"what is this")
    strange = item(0x20, b"\1\0\0\0" + odd + item(0x30, b"1.2.840.10008.1.1") + odd + item(0x40, b"1.2.840.10008.1.2"))
    data = request(odd, APPLICATION, strange, odd, item(0x50, odd + MAXIMUM_LENGTH + odd + CLASS_UID), odd)
    record, notes = read(data)
    assert record.contexts == (ECHO_CONTEXT,)
    assert record.user_information == info()
    assert len(notes) == 3, "one for each kind of place"
    assert all("7EH skipped" in note for note in notes)


def test_items_of_the_other_pdu_are_unknown_items() -> None:
    record, notes = read(request(APPLICATION, CONTEXT, RESULT, USER_INFORMATION))
    assert record.contexts == (ECHO_CONTEXT,)
    assert notes == ["A-ASSOCIATE-RQ: unknown item 21H skipped"]
    record, notes = read(acceptance(APPLICATION, CONTEXT, RESULT, USER_INFORMATION))
    assert record.contexts == (ContextResult(1, 0, IMPLICIT),)
    assert notes == ["A-ASSOCIATE-AC: unknown item 20H skipped"]


def test_items_and_sub_items_in_any_order() -> None:
    syntaxes = item(0x40, b"1.2.840.10008.1.2") + item(0x30, b"1.2.840.10008.1.1")
    record, notes = read(
        request(item(0x50, CLASS_UID + MAXIMUM_LENGTH), item(0x20, b"\1\0\0\0" + syntaxes), APPLICATION)
    )
    assert record.contexts == (ECHO_CONTEXT,)
    assert record.user_information == info()
    assert record.application_context == "1.2.840.10008.3.1.1.1"
    assert not notes


@pytest.mark.parametrize("sub_items", [b"", item(0x40, b""), item(0x40, b"junk!\0\xff"), b"\x40", b"\x40\0\xff\xff"])
def test_behind_a_refused_context_anything_may_stand(sub_items: bytes) -> None:
    refused = item(0x21, b"\3\0\3\0" + sub_items)
    record, notes = read(acceptance(APPLICATION, RESULT, refused, USER_INFORMATION))
    assert record.contexts == (ContextResult(1, 0, IMPLICIT), ContextResult(3, 3))
    assert not notes


def test_an_accepted_context_may_hold_what_we_do_not_know() -> None:
    odd = item(0x21, b"\1\0\0\0" + item(0x7E, b"?") + item(0x40, b"1.2.840.10008.1.2") + item(0x30, b"1.2"))
    assert read(acceptance(APPLICATION, odd, USER_INFORMATION))[0].contexts == (ContextResult(1, 0, IMPLICIT),)


def test_an_accepted_context_without_a_transfer_syntax_has_none() -> None:
    record, _ = read(acceptance(APPLICATION, item(0x21, b"\1\0\0\0"), USER_INFORMATION))
    assert record.contexts == (ContextResult(1, 0, ""),)


@pytest.mark.parametrize("padding", [b"\0", b" ", b"\0\0 "])
def test_padding_around_uids_is_stripped_and_noted(padding: bytes) -> None:
    context = item(0x30, b"1.2.840.10008.1.1" + padding) + item(0x40, padding + b"1.2.840.10008.1.2")
    user = MAXIMUM_LENGTH + item(0x52, b"1.2.3.4" + padding) + item(0x54, counted(b"1.2.5" + padding) + b"\1\0")
    record, notes = read(request(APPLICATION, item(0x20, b"\1\0\0\0" + context), item(0x50, user)))
    assert record.contexts == (ECHO_CONTEXT,)
    assert record.user_information == info(roles=(RoleSelection("1.2.5", True, False),))
    assert len(notes) == 4


def test_odd_uids_are_opaque_text() -> None:
    names = [b"unknown", b"1.2.\xe9", b"1.02.3", b"1" * 128]
    context = item(0x30, b"9" * 65) + b"".join(item(0x40, name) for name in names)
    record, notes = read(request(item(0x20, b"\1\0\0\0" + context), USER_INFORMATION))
    assert record.contexts[0].abstract_syntax == "9" * 65
    assert record.contexts[0].transfer_syntaxes == ("unknown", "1.2.\udce9", "1.02.3", "1" * 128)
    assert record.application_context == ""
    assert notes == [
        "abstract syntax of 65 characters, 64 allowed",
        "the transfer syntax holds bytes beyond ASCII",
        "transfer syntax of 128 characters, 64 allowed",
    ]


def test_a_transfer_syntax_proposed_twice_counts_once() -> None:
    twice = b"".join(item(0x40, uid) for uid in (b"1.2.1", b"1.2.2", b"1.2.1"))
    data = request(item(0x20, b"\1\0\0\0" + item(0x30, b"1.2") + twice), USER_INFORMATION)
    record, notes = read(data)
    assert record.contexts[0].transfer_syntaxes == ("1.2.1", "1.2.2")
    assert len(notes) == 1


@pytest.mark.parametrize(
    ("field", "title", "note"),
    [
        (b"  PACS  ", "PACS", None),
        (b" " * 16, "", "blank"),
        (bytes(16), "", "blank"),
        (b"PACS\0\0\0\0", "PACS", "NUL"),
        (b"PACS\0left over", "PACS\0left over", "forbids"),
        (b"\x1b[31mRED", "\x1b[31mRED", "forbids"),
        (b"M\xdcNCHEN", "M\udcdcNCHEN", "forbids"),
        (b"..\\..\\up", "..\\..\\up", "forbids"),
        (b"[bold]../etc", "[bold]../etc", None),
        (b"SIXTEEN_LETTERS_", "SIXTEEN_LETTERS_", None),
    ],
)
def test_titles_are_stripped_and_otherwise_kept(field: bytes, title: str, note: str | None) -> None:
    head = b"CALLED".ljust(16) + field.ljust(16, b" ") + bytes(32)
    record, notes = read(request(APPLICATION, CONTEXT, USER_INFORMATION, titles=head))
    assert record.calling_ae_title == title
    assert record.fields == head
    assert [note is not None and note in text and "calling" in text for text in notes] == [True] * (note is not None)


def test_the_protocol_version_is_handed_on() -> None:
    for version in (0, 1, 2, 0xFFFF):
        data = bytearray(golden.RQ_ECHO.data)
        data[6:8] = version.to_bytes(2, "big")
        assert read(bytes(data))[0].protocol_version == version


def test_missing_lengths_and_class_uids_are_noted() -> None:
    record, notes = read(request(APPLICATION, CONTEXT, item(0x50, b"")))
    assert record.user_information == UserInformation(None)
    assert len(notes) == 2


def test_user_identity_without_a_secondary_length() -> None:
    record, _ = read(request_with(item(0x58, b"\1\1" + counted("jané".encode()))))
    assert record.user_information.user_identity == UserIdentity(1, "jané".encode(), b"", True)


def test_an_empty_identity_answer_may_lack_its_length() -> None:
    record, _ = read(acceptance(APPLICATION, RESULT, item(0x50, MAXIMUM_LENGTH + CLASS_UID + item(0x59, b""))))
    assert record.user_information.identity_response == b""


def test_identities_do_not_show_in_a_representation() -> None:
    shown = repr(golden.RQ_PASSCODE.record)
    assert "jane" not in shown
    assert "secret" not in shown
    assert "type 2" in shown


def test_extended_negotiation_with_a_uid_length_past_its_item_is_dropped_alone() -> None:
    broken = item(0x56, b"\0\xff1.2.3\1")
    good = item(0x56, counted(b"1.2.4") + b"\1\1")
    record, notes = read(request_with(broken, good))
    assert record.user_information.extended == (ExtendedNegotiation("1.2.4", b"\1\1"),)
    assert len(notes) == 1


def test_common_extended_negotiation_keeps_its_version_and_skips_what_follows() -> None:
    body = counted(b"1.2.3") + counted(b"1.2.840.10008.4.2") + counted(counted(b"1.2.4") + counted(b"1.2.5"))
    record, _ = read(request_with(item(0x57, body + b"of the future", 7)))
    expected = CommonExtendedNegotiation("1.2.3", "1.2.840.10008.4.2", ("1.2.4", "1.2.5"), 7)
    assert record.user_information.common_extended == (expected,)


def test_the_first_role_selection_of_a_sop_class_counts() -> None:
    record, notes = read(request_with(item(0x54, counted(b"1.2") + b"\0\1"), item(0x54, counted(b"1.2") + b"\1\0")))
    assert record.user_information.roles == (RoleSelection("1.2", False, True),)
    assert len(notes) == 1


@pytest.mark.parametrize(
    ("roles", "expected"), [(b"\xff\1", (False, True)), (b"\1\xff", (True, False)), (b"\2\2", (False, False))]
)
def test_a_role_byte_is_1_or_not(roles: bytes, expected: tuple[bool, bool]) -> None:
    record, _ = read(request_with(item(0x54, counted(b"1.2") + roles)))
    assert record.user_information.roles == (RoleSelection("1.2", *expected),)


# --- what is refused -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sub_item", "field"),
    [
        (item(0x51, b"\0\0\x40"), "maximum length"),
        (item(0x51, b""), "maximum length"),
        (item(0x53, b"\0\1\0"), "operations performed"),
        (item(0x54, b"\0"), "SOP class UID length"),
        (item(0x54, b"\0\x051.2"), "SOP class UID"),
        (item(0x54, counted(b"1.2") + b"\1"), "SCP role"),
        (item(0x56, b"\0"), "SOP class UID length"),
        (item(0x57, counted(b"1.2") + b"\0\x091.2"), "service class UID"),
        (item(0x57, counted(b"1.2") + counted(b"1.3")), "related general SOP classes length"),
        (item(0x57, counted(b"1.2") + counted(b"1.3") + b"\0\5\0\x091.4"), "related general SOP class UID"),
        (item(0x57, counted(b"1.2") + counted(b"1.3") + b"\xff\xff"), "related general SOP classes"),
        (item(0x58, b"\1"), "positive response requested"),
        (item(0x58, b"\1\0\0\x09jane"), "primary field"),
        (item(0x58, b"\2\0" + counted(b"jane") + b"\0"), "secondary field length"),
        (item(0x58, b"\2\0" + counted(b"jane") + b"\0\x07secret"), "secondary field"),
        (item(0x59, b"\0\5abc"), "server response"),
        (b"\x52\0\0\x09" + b"1.2.3.4", "item 52H length"),
        (b"\x5a\0\xff\xff", "item 5AH length"),
        (b"\x5a\0\0", "item header"),
    ],
)
def test_a_length_past_its_sub_item_is_refused(sub_item: bytes, field: str) -> None:
    data = request_with(sub_item)
    error = refusal(data)
    assert error.field == field
    assert len(data) - len(sub_item) <= error.offset <= len(data)
    assert f"{field} at offset {error.offset}" in error.message


@pytest.mark.parametrize(
    ("items", "field"),
    [
        ((APPLICATION, item(0x50, MAXIMUM_LENGTH)), "item 20H"),
        ((APPLICATION, CONTEXT), "item 50H"),
        ((APPLICATION, CONTEXT, item(0x50, MAXIMUM_LENGTH), item(0x50, MAXIMUM_LENGTH)), "item 50H"),
        ((APPLICATION, CONTEXT, CONTEXT, item(0x50, MAXIMUM_LENGTH)), "presentation context ID"),
        ((item(0x20, b"\0\0\0\0" + CONTEXT[8:]), item(0x50, MAXIMUM_LENGTH)), "presentation context ID"),
        ((item(0x20, b"\2\0\0\0" + CONTEXT[8:]), item(0x50, MAXIMUM_LENGTH)), "presentation context ID"),
        ((item(0x20, b""), item(0x50, MAXIMUM_LENGTH)), "presentation context ID"),
        ((item(0x20, b"\1\0\0"), item(0x50, MAXIMUM_LENGTH)), "reserved"),
        ((item(0x20, b"\1\0\0\0\x30\0\0\x09" + b"1.2"), item(0x50, MAXIMUM_LENGTH)), "item 30H length"),
        ((item(0x20, b"\1\0\0\0\x30\0\0"), item(0x50, MAXIMUM_LENGTH)), "item header"),
        ((APPLICATION[:-1],), "item 10H length"),
        ((APPLICATION, CONTEXT, item(0x50, MAXIMUM_LENGTH), b"\x50\0\0"), "item header"),
    ],
)
def test_requests_that_nobody_could_answer_are_refused(items: tuple[bytes, ...], field: str) -> None:
    assert refusal(request(*items)).field == field


@pytest.mark.parametrize(
    ("items", "field"),
    [
        ((APPLICATION, RESULT), "item 50H"),
        ((item(0x21, b"\1\0\0"), item(0x50, MAXIMUM_LENGTH)), "reserved"),
        ((item(0x21, b"\1\0\0\0\x40\0\0\x30" + b"1.2"), item(0x50, MAXIMUM_LENGTH)), "item 40H length"),
    ],
)
def test_answers_with_wrong_lengths_are_refused(items: tuple[bytes, ...], field: str) -> None:
    assert refusal(acceptance(*items)).field == field


def test_the_fixed_length_of_the_short_pdus() -> None:
    for pdu_type in (3, 5, 6, 7):
        for length in (0, 3, 5, 260):
            error = refusal(bytes((pdu_type, 0)) + length.to_bytes(4, "big") + bytes(length))
            assert error.pdu == NAMES[pdu_type]


def test_128_contexts_with_300_transfer_syntaxes_fit_the_limit() -> None:
    syntaxes = tuple(f"1.2.840.10008.1.2.4.{i}" for i in range(300))
    contexts = tuple(ProposedContext(2 * i + 1, f"1.2.840.10008.5.1.4.1.1.{i}", syntaxes) for i in range(128))
    pdu = AAssociateRQ("CALLED", "CALLING", contexts, info())
    data = encode(pdu)
    assert len(data) - 6 <= ASSOCIATE_PDU_LIMIT
    assert read(data)[0].contexts == contexts
