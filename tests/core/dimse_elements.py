"""The elements of the 23 DIMSE messages, written down a second time, with a value and its bytes for each."""

from typing import Any

from dcmnet_cli.core import commands as c
from tests.wire import command_set, element

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
    return command_set(*(elements[tag] for tag in sorted(elements)))
