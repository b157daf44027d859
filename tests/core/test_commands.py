"""DIMSE command sets: the 23 messages to bytes and back, what is tolerated, and what is not."""

import random
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcmnet_cli.core import commands as c
from dcmnet_cli.core.codec import Notes
from dcmnet_cli.core.command_set import COMMAND_SET_LIMIT, decode, encode, has_data_set
from dcmnet_cli.errors import InvalidCommandSet, LocalProtocolError
from tests.golden.messages import CT_STORAGE, ECHO_RQ, GOLDEN, INSTANCE, STORE_RQ, Golden

every_golden = pytest.mark.parametrize("example", GOLDEN, ids=[example.name for example in GOLDEN])

# PS3.7 9.3 and 10.3, a second transcription: elements of group 0000 in ascending order, the group length, Command
# Field and Command Data Set Type left out, which every message has. Behind a question mark: may be absent.
CLASS, REQUESTED_CLASS, ID, ANSWERED, DESTINATION, PRIORITY = "0002", "0003", "0110", "0120", "0600", "0700"
STATUS, OFFENDING, COMMENT, ERROR_ID, INSTANCE_UID, REQUESTED_INSTANCE = "0900", "0901", "0902", "0903", "1000", "1001"
EVENT, LIST, ACTION, REMAINING, COMPLETED, FAILED, WARNING = "1002", "1005", "1008", "1020", "1021", "1022", "1023"
MOVER, MOVE_ID = "1030", "1031"

_RETRIEVE = f"?{CLASS} {ANSWERED} {STATUS} ?{OFFENDING} ?{COMMENT} ?{REMAINING} ?{COMPLETED} ?{FAILED} ?{WARNING}"
_TO_INSTANCE = f"{REQUESTED_CLASS} {ID} {REQUESTED_INSTANCE}"

ELEMENTS = {
    c.CStoreRQ: (0x0001, f"{CLASS} {ID} {PRIORITY} {INSTANCE_UID} ?{MOVER} ?{MOVE_ID}"),
    c.CStoreRSP: (0x8001, f"?{CLASS} {ANSWERED} {STATUS} ?{OFFENDING} ?{COMMENT} ?{INSTANCE_UID}"),
    c.CFindRQ: (0x0020, f"{CLASS} {ID} {PRIORITY}"),
    c.CFindRSP: (0x8020, f"?{CLASS} {ANSWERED} {STATUS} ?{OFFENDING} ?{COMMENT}"),
    c.CGetRQ: (0x0010, f"{CLASS} {ID} {PRIORITY}"),
    c.CGetRSP: (0x8010, _RETRIEVE),
    c.CMoveRQ: (0x0021, f"{CLASS} {ID} {DESTINATION} {PRIORITY}"),
    c.CMoveRSP: (0x8021, _RETRIEVE),
    c.CEchoRQ: (0x0030, f"{CLASS} {ID}"),
    c.CEchoRSP: (0x8030, f"?{CLASS} {ANSWERED} {STATUS} ?{COMMENT}"),
    c.CCancelRQ: (0x0FFF, ANSWERED),
    c.NEventReportRQ: (0x0100, f"{CLASS} {ID} {INSTANCE_UID} {EVENT}"),
    c.NEventReportRSP: (
        0x8100,
        f"?{CLASS} {ANSWERED} {STATUS} ?{COMMENT} ?{ERROR_ID} ?{INSTANCE_UID} ?{EVENT}",
    ),
    c.NGetRQ: (0x0110, f"{_TO_INSTANCE} ?{LIST}"),
    c.NGetRSP: (
        0x8110,
        f"?{CLASS} {ANSWERED} {STATUS} ?{OFFENDING} ?{COMMENT} ?{ERROR_ID} ?{INSTANCE_UID} ?{LIST}",
    ),
    c.NSetRQ: (0x0120, _TO_INSTANCE),
    c.NSetRSP: (
        0x8120,
        f"?{CLASS} {ANSWERED} {STATUS} ?{OFFENDING} ?{COMMENT} ?{ERROR_ID} ?{INSTANCE_UID} ?{LIST}",
    ),
    c.NActionRQ: (0x0130, f"{_TO_INSTANCE} {ACTION}"),
    c.NActionRSP: (
        0x8130,
        f"?{CLASS} {ANSWERED} {STATUS} ?{OFFENDING} ?{COMMENT} ?{ERROR_ID} ?{INSTANCE_UID} ?{ACTION}",
    ),
    c.NCreateRQ: (0x0140, f"{CLASS} {ID} ?{INSTANCE_UID}"),
    c.NCreateRSP: (
        0x8140,
        f"?{CLASS} {ANSWERED} {STATUS} ?{OFFENDING} ?{COMMENT} ?{ERROR_ID} ?{INSTANCE_UID} ?{LIST}",
    ),
    c.NDeleteRQ: (0x0150, _TO_INSTANCE),
    c.NDeleteRSP: (0x8150, f"?{CLASS} {ANSWERED} {STATUS} ?{COMMENT} ?{ERROR_ID} ?{INSTANCE_UID}"),
}
every_message = pytest.mark.parametrize("record", ELEMENTS, ids=[record.__name__ for record in ELEMENTS])

# Keyword, value and bytes of each element as they stand in a message that has all it may have.
UID, OTHER_UID = "1.2.840.10008.5.1.4.1.1.2", "1.2.34"
VALUES: dict[str, tuple[str, object, bytes]] = {
    CLASS: ("affected_sop_class_uid", UID, UID.encode() + b"\0"),
    REQUESTED_CLASS: ("requested_sop_class_uid", UID, UID.encode() + b"\0"),
    ID: ("message_id", 0x1234, b"\x34\x12"),
    ANSWERED: ("message_id_being_responded_to", 0x4321, b"\x21\x43"),
    DESTINATION: ("move_destination", "VIEWER_1X", b"VIEWER_1X "),
    PRIORITY: ("priority", 2, b"\2\0"),
    STATUS: ("status", 0xA701, b"\x01\xa7"),
    OFFENDING: ("offending_element", (0x00100020, 0x0020000D), b"\x10\0\x20\0\x20\0\x0d\0"),
    COMMENT: ("error_comment", "no room", b"no room "),
    ERROR_ID: ("error_id", 0, b"\0\0"),
    INSTANCE_UID: ("affected_sop_instance_uid", OTHER_UID, b"1.2.34"),
    REQUESTED_INSTANCE: ("requested_sop_instance_uid", OTHER_UID, b"1.2.34"),
    EVENT: ("event_type_id", 2, b"\2\0"),
    LIST: ("attribute_identifier_list", (0x21100010,), b"\x10\x21\x10\0"),
    ACTION: ("action_type_id", 1, b"\1\0"),
    REMAINING: ("number_of_remaining_suboperations", 0, b"\0\0"),
    COMPLETED: ("number_of_completed_suboperations", 65535, b"\xff\xff"),
    FAILED: ("number_of_failed_suboperations", 1, b"\1\0"),
    WARNING: ("number_of_warning_suboperations", 256, b"\0\1"),
    MOVER: ("move_originator_application_entity_title", "MOVER", b"MOVER "),
    MOVE_ID: ("move_originator_message_id", 7, b"\7\0"),
}


def element(tag: str | int, value: bytes) -> bytes:
    number = int(tag, 16) if isinstance(tag, str) else tag
    return struct.pack("<HHI", 0, number, len(value)) + value


def command(*elements: bytes) -> bytes:
    body = b"".join(elements)
    return element(0, len(body).to_bytes(4, "little")) + body


def parts(record: Any, *, optional: bool = True) -> tuple[dict[str, object], dict[str, bytes]]:
    """Field values and element bytes, by tag, of a message with all of its elements, or with those it must have."""
    field, tags = ELEMENTS[record]
    values: dict[str, object] = {}
    found = {"0100": element("0100", field.to_bytes(2, "little")), "0800": element("0800", b"\1\1")}
    for word in tags.split():
        tag = word.removeprefix("?")
        if optional or word == tag:
            name, value, raw = VALUES[tag]
            values[name] = value
            found[tag] = element(tag, raw)
    return values, found


def ordered(elements: dict[str, bytes]) -> bytes:
    return command(*(elements[tag] for tag in sorted(elements)))


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
    message, notes = read(command(*reversed(elements.values()), foreign, element("0110", b"\xff\xff")))
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
    data = command(element("0100", b"\x34\x12"), element("0110", b"\x09\0"), element("0800", b"\0\0"))
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


# --- what is refused -----------------------------------------------------------------------------------------


@every_golden
def test_every_truncation_is_refused_until_the_message_is_known(example: Golden) -> None:
    ends = _element_ends(example.command)
    for end in range(len(example.command)):
        if end in ends and "0800" in _tags_in(example.command[:end]):
            continue  # whole elements, and enough of them for some messages
        error = refusal(example.command[:end])
        assert error.abort_reason == 6
        if end not in ends:
            assert isinstance(error.details["offset"], int)
            assert error.details["offset"] <= end


def _element_ends(data: bytes) -> set[int]:
    ends, offset = {0}, 0
    while offset < len(data):
        offset += 8 + int.from_bytes(data[offset + 4 : offset + 8], "little")
        ends.add(offset)
    return ends


def _tags_in(data: bytes) -> set[str]:
    return {
        f"{int.from_bytes(data[end + 2 : end + 4], 'little'):04X}" for end in _element_ends(data) if end < len(data)
    }


@pytest.mark.parametrize("length", [19, 100, 0x7FFFFFFF, 0xFFFFFFFC, 0xFFFFFFFF])
def test_an_element_past_the_end_is_named(length: int) -> None:
    data = ECHO_RQ.command[:-10] + struct.pack("<HHI", 0, 0x0800, length) + b"\1\1" * 9
    error = refusal(data)
    assert error.details["tag"] == "0000,0800"
    assert error.details["offset"] == len(ECHO_RQ.command) - 10


def test_explicit_vr_and_big_endian_are_refused() -> None:
    explicit = b"\0\0\0\0UL\4\0\x38\0\0\0" + b"\0\0\2\0UI\x12\0" + b"1.2.840.10008.1.1\0"
    assert refusal(explicit).details["tag"] == "0000,0000"
    big = struct.pack(">HHIH", 0, 0x0100, 2, 0x0030) + struct.pack(">HHIH", 0, 0x0800, 2, 0x0101)
    refusal(big)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(example=st.sampled_from(GOLDEN), seed=st.integers(0, 2**32), changes=st.integers(1, 5))
def test_mutated_command_sets_decode_or_are_refused_and_nothing_else(example: Golden, seed: int, changes: int) -> None:
    source = random.Random(seed)
    data = bytearray(example.command)
    for _ in range(changes):
        at = source.randrange(len(data))
        match source.randrange(3):
            case 0:
                data[at] = source.choice((0, 1, 0xFF, 0x80, source.randrange(256)))
            case 1:
                data[at:at] = source.randbytes(source.randrange(1, 9))
            case 2:
                del data[at : at + source.randrange(1, 9)]
    _decodes_or_is_refused(bytes(data))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(st.sampled_from([*VALUES, "0000", "0100", "0800", "0009"]), st.binary(max_size=9)), max_size=12)
)
def test_any_elements_decode_or_are_refused_and_nothing_else(pairs: list[tuple[str, bytes]]) -> None:
    _decodes_or_is_refused(b"".join(element(tag, value) for tag, value in pairs))


def _decodes_or_is_refused(data: bytes) -> None:
    try:
        message = decode(data, Notes())
    except InvalidCommandSet:
        return
    if len(getattr(message, "move_destination", "")) <= 16 >= len(getattr(message, MOVER_FIELD, "")):
        encode(message)


MOVER_FIELD = "move_originator_application_entity_title"


def test_a_full_command_set_of_tiny_elements_is_quick_and_its_notes_are_bounded() -> None:
    notes = Notes()
    flood = b"".join(struct.pack("<HHI", 1 + i, i, 0) for i in range(COMMAND_SET_LIMIT // 8 - 20))
    assert decode(ECHO_RQ.command + flood, notes) == ECHO_RQ.message
    assert len(notes) <= Notes.MOST


# --- round trip and answers ----------------------------------------------------------------------------------

_us = st.integers(0, 0xFFFF)
_uid = st.text("0123456789.", min_size=1, max_size=64)
_ae = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=16)
_tags = st.lists(st.integers(0, 0xFFFFFFFF), min_size=1, max_size=5).map(tuple)
_STRATEGIES = {
    **dict.fromkeys((ID, ANSWERED, PRIORITY, STATUS, ERROR_ID, EVENT, ACTION, MOVE_ID), _us),
    **dict.fromkeys((REMAINING, COMPLETED, FAILED, WARNING), _us),
    **dict.fromkeys((CLASS, REQUESTED_CLASS, INSTANCE_UID, REQUESTED_INSTANCE), _uid),
    **dict.fromkeys((DESTINATION, MOVER), _ae),
    **dict.fromkeys((OFFENDING, LIST), _tags),
    COMMENT: st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=64),
}


@st.composite
def messages(draw: st.DrawFn) -> Any:
    record: Any = draw(st.sampled_from(list(ELEMENTS)))
    values = {"command_data_set_type": draw(_us)}
    for word in ELEMENTS[record][1].split():
        tag = word.removeprefix("?")
        if word == tag or draw(st.booleans()):
            values[VALUES[tag][0]] = draw(_STRATEGIES[tag])
    return record(**values)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(messages())
def test_messages_survive_the_round_trip(message: Any) -> None:
    data = encode(message)
    again, notes = read(data)
    assert type(again) is type(message)
    assert again == message
    assert not notes
    assert len(data) % 2 == 0
    assert int.from_bytes(data[8:12], "little") == len(data) - 12


_REQUESTS = [record for record, (field, _) in ELEMENTS.items() if field < 0x0FFF]


@pytest.mark.parametrize("record", _REQUESTS, ids=[record.__name__ for record in _REQUESTS])
def test_every_request_has_its_response(record: Any) -> None:
    values, _ = parts(record)
    request = record(**values)
    response = c.respond(request, 0x0110)
    field = ELEMENTS[record][0]
    assert c.COMMAND_FIELDS[type(response)] == field | 0x8000
    assert response.message_id_being_responded_to == 0x1234
    assert response.status == 0x0110
    assert response.affected_sop_class_uid == UID
    if "affected_sop_instance_uid" in type(response)._fields:
        assert getattr(response, "affected_sop_instance_uid") == OTHER_UID  # noqa: B009 - not in every response
    assert not has_data_set(response)
    name = c.message_name(request)
    assert c.message_name(response) == name.removesuffix("-RQ") + "-RSP"


def test_more_elements_can_be_set_in_a_response() -> None:
    request = c.NCreateRQ(4, UID)
    response = c.respond(request, 0, affected_sop_instance_uid="1.2.9", attribute_identifier_list=(1,))
    assert response == c.NCreateRSP(4, 0, UID, "1.2.9", attribute_identifier_list=(1,))
    assert c.respond(request, 0) == c.NCreateRSP(4, 0, UID, "")
    with pytest.raises(TypeError):
        c.respond(c.CEchoRQ(1), 0, affected_sop_instance_uid="1.2.9")


@pytest.mark.parametrize(
    "message",
    [
        c.CEchoRQ(65536),
        c.CEchoRQ(-1),
        c.CEchoRSP(1, 0x10000),
        c.CEchoRQ(1, "1.2.é"),
        c.CMoveRQ(1, UID, "SEVENTEEN_LETTERS"),
        c.CMoveRQ(1, UID, "MÜNCHEN"),
        c.CStoreRQ(1, CT_STORAGE, INSTANCE, move_originator_application_entity_title="SEVENTEEN_LETTERS"),
        c.NGetRQ(1, UID, INSTANCE, (2**32,)),
        c.NGetRQ(1, UID, INSTANCE, (-1,)),
    ],
)
def test_what_has_no_bytes_is_a_local_error(message: c.Message) -> None:
    with pytest.raises(LocalProtocolError):
        encode(message)


def test_comments_are_cut_to_64_characters_of_the_default_repertoire() -> None:
    data = encode(c.CEchoRSP(1, 0x0122, error_comment="größe " * 20))
    assert element("0902", b"gr??e " * 10 + b"gr??") in data
