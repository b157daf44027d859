"""Command sets refused, mutated and random; generated messages there and back; responses; what cannot be sent."""

import random
import struct
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcmnet_cli.core import commands as c
from dcmnet_cli.core.codec import Notes
from dcmnet_cli.core.command_set import COMMAND_SET_LIMIT, Decoder, Encoder, decode, encode, has_data_set
from dcmnet_cli.errors import InvalidCommandSet, LocalProtocolError
from tests.core.dimse_elements import (
    ACTION,
    ANSWERED,
    CLASS,
    COMMENT,
    COMPLETED,
    DESTINATION,
    ELEMENTS,
    ERROR_ID,
    EVENT,
    FAILED,
    ID,
    INSTANCE_UID,
    LIST,
    MOVE_ID,
    MOVER,
    OFFENDING,
    OTHER_UID,
    PRIORITY,
    REMAINING,
    REQUESTED_CLASS,
    REQUESTED_INSTANCE,
    STATUS,
    UID,
    VALUES,
    WARNING,
    parts,
)
from tests.golden.messages import CT_STORAGE, ECHO_RQ, GOLDEN, INSTANCE, Golden
from tests.wire import element

every_golden = pytest.mark.parametrize("example", GOLDEN, ids=[example.name for example in GOLDEN])


def read(data: bytes) -> tuple[Any, Notes]:
    notes = Notes()
    return decode(data, notes), notes


def refusal(data: bytes) -> InvalidCommandSet:
    with pytest.raises(InvalidCommandSet) as caught:
        decode(data, Notes())
    return caught.value


every_golden = pytest.mark.parametrize("example", GOLDEN, ids=[example.name for example in GOLDEN])


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


@settings(max_examples=200, deadline=None, derandomize=True)
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


@settings(max_examples=100, deadline=None, derandomize=True)
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


@settings(max_examples=80, deadline=None, derandomize=True)
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


@given(
    st.lists(
        st.tuples(
            st.booleans(),
            st.integers(0, 0xFFFF),
            st.text("0123456789.\0 ", max_size=12),
            st.sampled_from([b"", element("0001", b"xy"), element("0110", b"\1\0"), element("1030", b"MOVER ")]),
            st.integers(-1, 160),
        ),
        max_size=12,
    )
)
def test_a_decoder_remembers_nothing_wrong(drawn: list[tuple[bool, int, str, bytes, int]]) -> None:
    """One after the other or each for itself: the same message and the same notes, whatever differs between them."""
    notes = Notes()
    decoder = Decoder(notes)
    for is_request, number, instance, more, flip in drawn:
        message = (
            c.CStoreRQ(number, CT_STORAGE, instance) if is_request else c.CStoreRSP(number, 0, CT_STORAGE, instance)
        )
        data = bytearray(encode(message) + more)
        if 0 <= flip < len(data):
            data[flip] ^= 1
        known = Notes(notes)
        told = [_told(decode, bytes(data), known), _told(lambda raw, _: decoder.decode(raw), bytes(data), notes)]
        assert told[0] == told[1]
        assert notes == known


def _padded(text: str, raw: bytes) -> c.PaddedUID:
    uid = c.PaddedUID(text)
    uid.raw = raw
    return uid


_uids = st.sampled_from([CT_STORAGE, "1.2.3", "1.2.3.44", "", "1.2\u0660", "1.2\udcff"]) | st.builds(
    _padded, st.sampled_from(["1.2.3", CT_STORAGE]), st.sampled_from([b"1.2.3 ", b"1.2.3"])
)


@given(
    st.lists(
        st.builds(c.CStoreRQ, st.integers(-1, 0x10001), _uids, _uids, st.sampled_from([0, 2, 0x10000]))
        | st.builds(
            c.CStoreRSP,
            st.integers(-1, 0x10001),
            st.sampled_from([0, 0xA700, -1]),
            _uids,
            _uids,
            st.sampled_from([(), (0x00080018,)]),
            st.sampled_from(["", "why"]),
        ),
        max_size=12,
    )
)
def test_an_encoder_remembers_nothing_wrong(messages: list[c.CStoreRQ | c.CStoreRSP]) -> None:
    encoder = Encoder()
    for message in messages:
        assert _sent(encoder.encode, message) == _sent(encode, message)


def _sent(encodes: Callable[[c.Message], bytes], message: c.Message) -> object:
    try:
        return encodes(message)
    except LocalProtocolError as error:
        return error.message


def _told(reads: Callable[[bytes, Notes], object], data: bytes, notes: Notes) -> object:
    try:
        return reads(data, notes)
    except InvalidCommandSet as error:
        return error.message
