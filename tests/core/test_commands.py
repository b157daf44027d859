"""DIMSE command sets: the 23 messages to bytes and back, what is tolerated, and what is not."""

import struct
from typing import Any

import pytest

from dcmnet_cli.core import commands as c
from dcmnet_cli.core.codec import Notes
from dcmnet_cli.core.command_set import decode, encode, has_data_set
from dcmnet_cli.errors import InvalidCommandSet
from tests.core.dimse_elements import (
    CLASS,
    COMMENT,
    COMPLETED,
    DESTINATION,
    ELEMENTS,
    FAILED,
    ID,
    INSTANCE_UID,
    LIST,
    MOVER,
    REMAINING,
    UID,
    VALUES,
    WARNING,
    ordered,
    parts,
)
from tests.golden.messages import ECHO_RQ, GOLDEN, STORE_RQ, Golden
from tests.wire import command_set, element

every_golden = pytest.mark.parametrize("example", GOLDEN, ids=[example.name for example in GOLDEN])


every_message = pytest.mark.parametrize("record", ELEMENTS, ids=[record.__name__ for record in ELEMENTS])


def read(data: bytes) -> tuple[Any, Notes]:
    notes = Notes()
    return decode(data, notes), notes


def refusal(data: bytes) -> InvalidCommandSet:
    with pytest.raises(InvalidCommandSet) as caught:
        decode(data, Notes())
    return caught.value


# --- the worked messages and the tables -----------------------------------------------------------------------


@every_golden
def test_worked_messages(example: Golden) -> None:
    message, notes = read(example.command)
    assert type(message) is type(example.message)
    assert message == example.message
    assert not notes
    assert encode(example.message) == example.command
    assert has_data_set(message) is (example.message.command_data_set_type != 0x0101)


def test_all_messages_of_the_standard_are_there() -> None:
    assert len(ELEMENTS) == 23
    assert {record: field for record, (field, _) in ELEMENTS.items()} == c.COMMAND_FIELDS
    assert set(c.RECORDS.values()) == set(ELEMENTS)


@every_message
def test_a_message_has_the_elements_of_its_table_and_no_others(record: Any) -> None:
    values, _ = parts(record)
    assert set(record._fields) == {*values, "command_data_set_type"}


@every_message
@pytest.mark.parametrize("optional", [True, False])
def test_all_elements_both_ways(record: Any, optional: bool) -> None:
    values, elements = parts(record, optional=optional)
    message = record(**values, command_data_set_type=0x0101)
    data = ordered(elements)
    assert encode(message) == data
    again, notes = read(data)
    assert type(again) is record
    assert again == message
    assert not notes


HARMLESS = {
    "affected_sop_class_uid": "",
    "affected_sop_instance_uid": "",
    "requested_sop_class_uid": "",
    "requested_sop_instance_uid": "",
    "event_type_id": None,
    "action_type_id": None,
    "move_destination": "",
    "priority": 0,
}


@every_message
def test_an_absent_element_has_a_harmless_stand_in_or_is_named(record: Any) -> None:
    _, elements = parts(record, optional=False)
    for tag in set(elements) - {"0100", "0800"}:
        name = VALUES[tag][0]
        for missing in (False, True):  # left out, or there without a value
            left = {t: e for t, e in elements.items() if t != tag}
            if not missing:
                left[tag] = element(tag, b"")
            if record is c.CEchoRQ and tag == CLASS:  # what else could it be about
                assert read(ordered(left))[0].affected_sop_class_uid == "1.2.840.10008.1.1"
            elif name in HARMLESS:
                message, notes = read(ordered(left))
                assert getattr(message, name) == HARMLESS[name]
                assert len(notes) == 1
                assert name.split("_")[0] in notes[0]
            else:
                error = refusal(ordered(left))
                assert error.details["tag"] == f"0000,{tag}"
                assert f"(0000,{tag})" in error.message
                assert record.__name__ in error.message


@pytest.mark.parametrize("tag", ["0100", "0800"])
def test_without_command_field_or_data_set_type_nothing_can_be_said(tag: str) -> None:
    _, elements = parts(c.CEchoRQ)
    del elements[tag]
    assert refusal(ordered(elements)).details["tag"] == f"0000,{tag}"


@pytest.mark.parametrize("value", [0x0000, 0x0001, 0x0102, 0x0202, 0x0100, 0x1101, 0xFFFF])
def test_any_data_set_type_but_0101_announces_a_data_set(value: int) -> None:
    _, elements = parts(c.CFindRQ)
    elements["0800"] = element("0800", value.to_bytes(2, "little"))
    message, notes = read(ordered(elements))
    assert message.command_data_set_type == value
    assert has_data_set(message)
    assert not notes


# --- tolerance -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "head",
    [
        b"",
        element(0, b""),
        element(0, b"\0\0\0\0"),
        element(0, b"\xff\xff\xff\xff"),
        element(0, b"\x38\0"),
        element(0, b"\x38\0\0\0\0\0\0\0"),
    ],
)
def test_a_wrong_or_missing_group_length_is_noted(head: bytes) -> None:
    message, notes = read(head + ECHO_RQ.command[12:])
    assert message == ECHO_RQ.message
    assert len(notes) == 1
    assert "group length" in notes[0]


def test_order_does_not_matter_and_repeated_or_foreign_elements_are_ignored() -> None:
    _, elements = parts(c.CEchoRQ)
    foreign = struct.pack("<HHI", 8, 0x16, 4) + b"1.2\0"
    message, notes = read(command_set(*reversed(elements.values()), foreign, element("0110", b"\xff\xff")))
    assert message == c.CEchoRQ(0x1234, UID)
    assert notes == [
        "element (0008,0016) of the command set ignored",
        "element (0000,0110) of the command set ignored",
    ]


def test_elements_of_other_messages_and_retired_ones_do_not_disturb() -> None:
    _, elements = parts(c.CFindRSP)
    elements |= {tag: element(tag, VALUES[tag][2]) for tag in (ID, MOVER, COMPLETED)}
    elements["0010"] = element("0010", b"ACR-NEMA")
    elements["5110"] = element("5110", b"x" * 1001)
    message, notes = read(ordered(elements))
    assert message == c.CFindRSP(**parts(c.CFindRSP)[0], command_data_set_type=0x0101)  # type: ignore[arg-type]
    assert not notes


def test_several_values_where_one_belongs() -> None:
    _, elements = parts(c.CEchoRQ)
    elements["0110"] = element("0110", b"\5\0\6\0\7\0")
    message, notes = read(ordered(elements))
    assert message.message_id == 5
    assert len(notes) == 1


def test_one_byte_where_two_belong() -> None:
    for tag in ("0100", "0110", "0800"):
        _, elements = parts(c.CEchoRQ)
        elements[tag] = element(tag, b"\5")
        assert refusal(ordered(elements)).details["tag"] == f"0000,{tag}"


def test_a_list_of_tags_that_is_cut_short_keeps_the_whole_ones() -> None:
    _, elements = parts(c.NGetRQ)
    elements[LIST] = element(LIST, b"\x10\0\x20\0\x20\0")
    message, notes = read(ordered(elements))
    assert message.attribute_identifier_list == (0x00100020,)
    assert len(notes) == 1


def test_a_count_that_is_empty_is_not_zero() -> None:
    for rsp in (c.CGetRSP, c.CMoveRSP):
        _, elements = parts(rsp)
        for tag in (REMAINING, COMPLETED, FAILED, WARNING):
            elements[tag] = element(tag, b"")
        message, _ = read(ordered(elements))
        assert message[3:7] == (None, None, None, None)


def test_text_is_stripped_and_odd_bytes_are_kept() -> None:
    _, elements = parts(c.CStoreRSP)
    elements[COMMENT] = element(COMMENT, b" gr\xfc\xdfe\x1b[31m\0")
    message, _ = read(ordered(elements))
    assert message.error_comment == "gr\udcfc\udcdfe\x1b[31m"
    _, elements = parts(c.CMoveRQ)
    elements[DESTINATION] = element(DESTINATION, b"  VIEWER  \0\0")
    assert read(ordered(elements))[0].move_destination == "VIEWER"


def test_message_id_0_and_65535_are_legal() -> None:
    for number in (0, 65535):
        assert read(encode(c.CEchoRQ(number)))[0].message_id == number


def test_unknown_operations_keep_what_an_answer_needs() -> None:
    data = command_set(element("0100", b"\x34\x12"), element("0110", b"\x09\0"), element("0800", b"\0\0"))
    message, _ = read(data)
    assert message == c.UnknownMessage(0x1234, message_id=9, command_data_set_type=0)
    assert has_data_set(message)
    assert c.message_name(message) == "message 1234H"
    answer = c.UnknownMessage(0x9234, message_id_being_responded_to=9, status=0x0211)
    assert read(encode(answer))[0] == answer


# --- padded UIDs ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "uid"),
    [
        (b"1.2.3.4 ", "1.2.3.4"),
        (b"1.2.34\0\0", "1.2.34"),
        (b"1.2.34  ", "1.2.34"),
        (b" 1.2.345", "1.2.345"),
        (b"1.2.34" + bytes(58), "1.2.34"),
    ],
)
def test_a_uid_padded_in_its_own_way_goes_back_as_it_came(raw: bytes, uid: str) -> None:
    _, elements = parts(c.CStoreRQ)
    elements[INSTANCE_UID] = element(INSTANCE_UID, raw)
    message, notes = read(ordered(elements))
    assert message.affected_sop_instance_uid == uid
    assert {message.affected_sop_instance_uid: 1}[uid] == 1, "the same key as the plain text"
    assert len(notes) == 1
    assert element(INSTANCE_UID, raw) in encode(c.respond(message, 0))


def test_an_unpadded_odd_uid_is_understood_and_answered_with_an_even_one() -> None:
    _, elements = parts(c.CStoreRQ)
    elements[INSTANCE_UID] = element(INSTANCE_UID, b"1.2.3")
    message, notes = read(ordered(elements))
    assert message.affected_sop_instance_uid == "1.2.3"
    assert len(notes) == 1
    answer = encode(c.respond(message, 0))
    assert element(INSTANCE_UID, b"1.2.3\0") in answer
    assert len(answer) % 2 == 0


def test_a_conforming_uid_is_plain_text() -> None:
    message, notes = read(STORE_RQ.command)
    assert type(message.affected_sop_instance_uid) is str
    assert not notes
