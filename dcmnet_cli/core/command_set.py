"""DIMSE command sets to bytes and back (PS3.7 6.3.1, annex E): group 0000, implicit VR little endian, always.

Reading is generous about what is harmless (a wrong or missing group length, repeated or unknown elements, a missing
priority) and says so in ``notes``; an element that overruns, or one without which no answer is possible, is an
``InvalidCommandSet``.
"""

import struct
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias, TypeVar

from dcmnet_cli.core.commands import (
    COMMAND_FIELDS,
    NO_DATA_SET,
    RECORDS,
    CStoreRQ,
    CStoreRSP,
    Message,
    PaddedUID,
    UnknownMessage,
)
from dcmnet_cli.errors import InvalidCommandSet, LocalProtocolError

COMMAND_SET_LIMIT = 64 * 1024
"""Longest command set we gather. Real ones are a few hundred bytes."""

_LONGEST_COMMENT = 256
_MOST_OFFENDING = 16
"""How much is kept of an Error Comment, which may have 64 letters (PS3.7 annex C), and of Offending Elements."""

_ELEMENTS = (
    (0x0002, "UI", "affected_sop_class_uid"),
    (0x0003, "UI", "requested_sop_class_uid"),
    (0x0100, "US", "command_field"),
    (0x0110, "US", "message_id"),
    (0x0120, "US", "message_id_being_responded_to"),
    (0x0600, "AE", "move_destination"),
    (0x0700, "US", "priority"),
    (0x0800, "US", "command_data_set_type"),
    (0x0900, "US", "status"),
    (0x0901, "AT", "offending_element"),
    (0x0902, "LO", "error_comment"),
    (0x0903, "US", "error_id"),
    (0x1000, "UI", "affected_sop_instance_uid"),
    (0x1001, "UI", "requested_sop_instance_uid"),
    (0x1002, "US", "event_type_id"),
    (0x1005, "AT", "attribute_identifier_list"),
    (0x1008, "US", "action_type_id"),
    (0x1020, "US", "number_of_remaining_suboperations"),
    (0x1021, "US", "number_of_completed_suboperations"),
    (0x1022, "US", "number_of_failed_suboperations"),
    (0x1023, "US", "number_of_warning_suboperations"),
    (0x1030, "AE", "move_originator_application_entity_title"),
    (0x1031, "US", "move_originator_message_id"),
)
_BY_TAG = {tag: (vr, name) for tag, vr, name in _ELEMENTS}
_VR_OF = {name: (tag, vr) for tag, vr, name in _ELEMENTS}

_Key = TypeVar("_Key")
_INSTANCE = 0x1000
_MOST_SHAPES = 64  # lengths of instance UIDs, and some more
_LONGEST_SHAPE = 1024  # bytes of a command set worth keeping: peers choose how long theirs are
_OFFENDING_ELEMENT = 0x0901
_HEADER = struct.Struct("<HHI")
_US_ELEMENT = struct.Struct("<HHIH")
_GROUP_LENGTH = struct.Struct("<HHII")

# Harmless when absent: the value that stands in. Whatever else a record demands is an error to leave out.
_STAND_INS: dict[str, object] = {
    "affected_sop_class_uid": "",
    "affected_sop_instance_uid": "",
    "requested_sop_class_uid": "",
    "requested_sop_instance_uid": "",
    "move_destination": "",  # unknown, as a blank one is
    "event_type_id": None,
    "action_type_id": None,
}


def encode(message: Message) -> bytes:
    """The command set of ``message``: ascending tags, group length first, absent elements left out.

    Raises LocalProtocolError where a value cannot be sent.
    """
    record = type(message)
    parts = [b""]
    for tag, encode_element, name, index in _plan(record):
        value = COMMAND_FIELDS.get(record, 0) if index < 0 else message[index]
        if value is None or value == "" or value == ():
            continue
        try:
            parts.append(encode_element(tag, value))
        except (ValueError, struct.error) as error:  # a number out of its range, a letter beyond ASCII
            raise LocalProtocolError(f"{name.replace('_', ' ')} cannot be sent: {error}") from error
    parts[0] = _GROUP_LENGTH.pack(0, 0, 4, sum(map(len, parts)))
    return b"".join(parts)


def _encode_us(tag: int, value: int) -> bytes:
    return _US_ELEMENT.pack(0, tag, 2, value)


def _encode_ui(tag: int, value: str) -> bytes:
    raw: bytes = value.raw if isinstance(value, PaddedUID) else value.encode("ascii", "surrogateescape")
    return _element(tag, raw, b"\0")


def _encode_at(tag: int, value: tuple[int, ...]) -> bytes:
    return _element(tag, b"".join(struct.pack("<HH", number >> 16, number & 0xFFFF) for number in value), b"")


def _encode_ae(tag: int, value: str) -> bytes:
    text = value.encode("ascii", "surrogateescape")
    if len(text) > 16:
        raise ValueError(f"an AE title has 16 characters at most: {value!r}")
    return _element(tag, text, b" ")


def _encode_lo(tag: int, value: str) -> bytes:
    return _element(tag, value.encode("ascii", "replace")[:64], b" ")


def _element(tag: int, raw: bytes, padding: bytes) -> bytes:
    if len(raw) % 2:
        raw += padding
    return _HEADER.pack(0, tag, len(raw)) + raw


_Encoder: TypeAlias = Callable[[int, Any], bytes]
_ENCODERS: dict[str, _Encoder] = {
    "US": _encode_us,
    "UI": _encode_ui,
    "AT": _encode_at,
    "AE": _encode_ae,
    "LO": _encode_lo,
}
_plans: dict[type, list[tuple[int, _Encoder, str, int]]] = {}


def _plan(record: Any) -> list[tuple[int, _Encoder, str, int]]:
    """Which elements a record has, ascending, how and where: worked out once a record type. -1 is the command field."""
    plan = _plans.get(record)
    if plan is None:
        names = record._fields
        plan = [
            (tag, _ENCODERS[vr], name, names.index(name) if name in names else -1)
            for tag, vr, name in _ELEMENTS
            if name in names or name == "command_field"
        ]
        _plans[record] = plan
    return plan


def decode(data: bytes, notes: list[str]) -> Message:
    """The message in a complete command set. Raises InvalidCommandSet, naming the element."""
    elements = _read_elements(data, notes)
    if "command_data_set_type" not in elements:
        raise InvalidCommandSet("command set without Command Data Set Type (0000,0800)", 6, tag="0000,0800")
    if "command_field" not in elements:
        raise InvalidCommandSet("command set without Command Field (0000,0100)", 6, tag="0000,0100")
    record = RECORDS.get(elements["command_field"])
    if record is None:
        known = {name: elements[name] for name in UnknownMessage._fields if name in elements}
        return UnknownMessage(**known)
    return _fill(record, elements, notes)


class Encoder:
    """Encodes the command sets of one association, as ``encode`` does: the other way round of a ``Decoder``."""

    def __init__(self) -> None:
        self._shapes: dict[tuple[object, ...], _Shape] = {}

    def encode(self, message: Message) -> bytes:
        """The command set of ``message``. Raises LocalProtocolError where a value cannot be sent."""
        if not isinstance(message, (CStoreRQ, CStoreRSP)):
            return encode(message)
        sop_class, uid = message.affected_sop_class_uid, message.affected_sop_instance_uid
        if type(sop_class) is not str or type(uid) is not str:  # a PaddedUID is told back with its padding
            return encode(message)
        key: tuple[object, ...]
        if isinstance(message, CStoreRQ):
            number, key = message[0], (len(uid), sop_class, *message[3:])
        else:
            number, key = message[0], (len(uid), *message[1:3], *message[4:])
        shape = self._shapes.get(key)
        try:
            if shape is not None:
                before, _, between, _, _ = shape
                value = uid.encode("ascii", "surrogateescape")
                padding = b"\0" if len(value) % 2 else b""
                return b"".join((before, number.to_bytes(2, "little"), between, value, padding))
        except (ValueError, OverflowError):
            pass  # ``encode`` finds it as well, and has the words
        data = encode(message)
        _keep(self._shapes, key, data, message)
        return data


class Decoder:
    """Decodes the command sets of one association, as ``decode`` does.

    C-STORE messages of one peer differ in little but message id and instance, thousands of times: where the rest is the
    same byte for byte as in one decoded before, comparing it is all there is to do.
    """

    def __init__(self, notes: list[str]) -> None:
        self._notes = notes
        self._shapes: dict[int, _Shape] = {}  # by the length of the command set

    def decode(self, data: bytes) -> Message:
        """The message in a complete command set. Raises InvalidCommandSet, naming the element."""
        shape = self._shapes.get(len(data))
        if shape is not None:
            before, middle, between, end, known = shape
            if data.startswith(before) and data.startswith(between, middle):
                number = data[middle - 2] | data[middle - 1] << 8
                uid = _decode_uid(_INSTANCE, data[end:], self._notes)
                if isinstance(known, CStoreRQ):
                    return CStoreRQ(number, known[1], uid, *known[3:])
                return CStoreRSP(number, known[1], known[2], uid, *known[4:])
        message = decode(data, self._notes)
        if isinstance(message, (CStoreRQ, CStoreRSP)):
            _keep(self._shapes, len(data), data, message)
        return message


class _Shape(NamedTuple):
    """A C-STORE message around its message id and its instance UID, which is the last element."""

    before: bytes
    middle: int
    between: bytes
    end: int
    message: CStoreRQ | CStoreRSP


def _keep(shapes: dict[_Key, _Shape], key: _Key, data: bytes, message: CStoreRQ | CStoreRSP) -> None:
    """Remember how a message looks, if it has a shape and there is room."""
    if len(data) <= _LONGEST_SHAPE and len(shapes) < _MOST_SHAPES:
        shape = _shape(data, message)
        if shape is not None:
            shapes[key] = shape


def _shape(data: bytes, message: CStoreRQ | CStoreRSP) -> _Shape | None:
    """None where the two are not where all peers have them."""
    numbered = 0x0110 if isinstance(message, CStoreRQ) else 0x0120
    offsets: dict[int, int] = {}
    offset = tag = 0
    while offset < len(data):
        group, tag, length = _HEADER.unpack_from(data, offset)
        if group or tag in offsets:
            return None
        offsets[tag] = offset + 8
        offset += 8 + length
    at, end = offsets[numbered], offsets.get(_INSTANCE, 0)
    if tag != _INSTANCE or not at < end < len(data):
        return None
    return _Shape(data[:at], at + 2, data[at + 2 : end], end, message)


def _fill(record: Any, elements: dict[str, Any], notes: list[str]) -> Message:
    values: dict[str, Any] = {}
    for name in record._fields:
        if name in elements:
            values[name] = elements[name]
        elif name == "priority":
            notes.append(f"{record.__name__} without a priority: medium assumed")
        elif name not in record._field_defaults:
            if name not in _STAND_INS:
                tag = _VR_OF[name][0]
                raise InvalidCommandSet(
                    f"{record.__name__} without {name.replace('_', ' ')} (0000,{tag:04X})",
                    6,
                    tag=f"0000,{tag:04X}",
                )
            values[name] = _STAND_INS[name]
            notes.append(f"{record.__name__} without {name.replace('_', ' ')}")
    message: Message = record(**values)
    return message


def _read_elements(data: bytes, notes: list[str]) -> dict[str, Any]:
    elements: dict[str, Any] = {}
    seen: set[int] = set()
    offset, end = 0, len(data)
    while offset < end:
        if end - offset < 8:
            raise InvalidCommandSet(f"command set ends within an element at offset {offset}", 6, offset=offset)
        group, tag, length = _HEADER.unpack_from(data, offset)
        start = offset + 8
        offset = start + length
        if offset > end:
            raise InvalidCommandSet(
                f"element ({group:04X},{tag:04X}) of the command set declares {length} bytes, {end - start} are left",
                6,
                tag=f"{group:04X},{tag:04X}",
                offset=start - 8,
            )
        if group != 0 or tag in seen:
            notes.append(f"element ({group:04X},{tag:04X}) of the command set ignored")
            continue
        seen.add(tag)
        if tag == 0:
            if length != 4 or int.from_bytes(data[start:offset], "little") != end - offset:
                notes.append("wrong command group length ignored")
        elif tag in _BY_TAG:
            vr, name = _BY_TAG[tag]
            value = _decode_value(tag, vr, data[start:offset], notes)
            if value is not None:
                elements[name] = value
    if 0 not in seen:
        notes.append("command set without a group length")
    return elements


def _decode_value(tag: int, vr: str, raw: bytes, notes: list[str]) -> Any:
    """The value of one element; None for an empty one, which is as good as absent."""
    if not raw:
        return None
    if vr == "US":
        if len(raw) < 2:
            raise InvalidCommandSet(f"element (0000,{tag:04X}) of 1 byte where 2 belong", 6, tag=f"0000,{tag:04X}")
        if len(raw) > 2:
            notes.append(f"element (0000,{tag:04X}) has {len(raw)} bytes: the first value is used")
        return raw[0] | raw[1] << 8
    if vr == "AT":
        if len(raw) % 4:
            notes.append(f"element (0000,{tag:04X}) is not a list of tags: the rest is ignored")
        if tag == _OFFENDING_ELEMENT and len(raw) > 4 * _MOST_OFFENDING:
            notes.append(
                f"element (0000,{tag:04X}) names {len(raw) // 4} elements: the first {_MOST_OFFENDING} are used"
            )
            raw = raw[: 4 * _MOST_OFFENDING]
        return tuple(
            struct.unpack_from("<H", raw, i)[0] << 16 | struct.unpack_from("<H", raw, i + 2)[0]
            for i in range(0, len(raw) - 3, 4)
        )
    if vr == "UI":
        return _decode_uid(tag, raw, notes)
    text = raw.strip(b"\0 ").decode("ascii", "surrogateescape")
    if vr == "LO" and len(text) > _LONGEST_COMMENT:
        notes.append(f"element (0000,{tag:04X}) has {len(text)} characters, 64 are allowed: cut off")
        return text[:_LONGEST_COMMENT]
    return text


def _decode_uid(tag: int, raw: bytes, notes: list[str]) -> str:
    text = raw.strip(b"\0 ").decode("ascii", "surrogateescape")
    length = len(text)
    if length == len(raw) - length % 2 and (length == len(raw) or raw[-1] == 0):
        return text
    notes.append(f"element (0000,{tag:04X}) is padded in its own way")
    uid = PaddedUID(text)
    uid.raw = raw
    return uid


def has_data_set(message: Message) -> bool:
    """Whether the message announces a data set: anything but 0101H does (PS3.7 9.3)."""
    return message.command_data_set_type != NO_DATA_SET
