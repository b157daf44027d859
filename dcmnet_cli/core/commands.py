"""The 23 DIMSE messages as records (PS3.7 9.3, 10.3), for either role.

A record's fields bear the keywords of PS3.7; an element that may be absent is None, an empty string or an empty
tuple. ``core.command_set`` turns records to bytes and back.
"""

from typing import Any, NamedTuple, TypeAlias

from dcmnet_cli.core.dimse_names import command_name
from dcmnet_cli.core.uids import VERIFICATION

NO_DATA_SET = 0x0101
DATA_SET = 0x0001
"""Command Data Set Type (0000,0800). On reading, anything but 0101H announces a data set."""

MEDIUM, HIGH, LOW = 0, 1, 2
"""Priority (0000,0700)."""


class PaddedUID(str):
    """A UID that came with padding other than the standard's. Copied into a response, ``raw`` goes out unchanged
    (one more NUL if its length is odd): some peers compare the Affected SOP Instance UID byte for byte."""

    __slots__ = ("raw",)
    raw: bytes


class CStoreRQ(NamedTuple):
    """C-STORE-RQ (PS3.7 9.3.1.1)."""

    message_id: int
    affected_sop_class_uid: str
    affected_sop_instance_uid: str
    priority: int = MEDIUM
    move_originator_application_entity_title: str = ""
    move_originator_message_id: int | None = None
    command_data_set_type: int = DATA_SET


class CStoreRSP(NamedTuple):
    """C-STORE-RSP (PS3.7 9.3.1.2)."""

    message_id_being_responded_to: int
    status: int
    affected_sop_class_uid: str = ""
    affected_sop_instance_uid: str = ""
    offending_element: tuple[int, ...] = ()
    error_comment: str = ""
    command_data_set_type: int = NO_DATA_SET


class CFindRQ(NamedTuple):
    """C-FIND-RQ (PS3.7 9.3.2.1)."""

    message_id: int
    affected_sop_class_uid: str
    priority: int = MEDIUM
    command_data_set_type: int = DATA_SET


class CFindRSP(NamedTuple):
    """C-FIND-RSP (PS3.7 9.3.2.2)."""

    message_id_being_responded_to: int
    status: int
    affected_sop_class_uid: str = ""
    offending_element: tuple[int, ...] = ()
    error_comment: str = ""
    command_data_set_type: int = NO_DATA_SET


class CGetRQ(NamedTuple):
    """C-GET-RQ (PS3.7 9.3.3.1)."""

    message_id: int
    affected_sop_class_uid: str
    priority: int = MEDIUM
    command_data_set_type: int = DATA_SET


class CGetRSP(NamedTuple):
    """A missing count is None, which is not zero."""

    message_id_being_responded_to: int
    status: int
    affected_sop_class_uid: str = ""
    number_of_remaining_suboperations: int | None = None
    number_of_completed_suboperations: int | None = None
    number_of_failed_suboperations: int | None = None
    number_of_warning_suboperations: int | None = None
    offending_element: tuple[int, ...] = ()
    error_comment: str = ""
    command_data_set_type: int = NO_DATA_SET


class CMoveRQ(NamedTuple):
    """C-MOVE-RQ (PS3.7 9.3.4.1)."""

    message_id: int
    affected_sop_class_uid: str
    move_destination: str
    priority: int = MEDIUM
    command_data_set_type: int = DATA_SET


class CMoveRSP(NamedTuple):
    """A missing count is None, which is not zero."""

    message_id_being_responded_to: int
    status: int
    affected_sop_class_uid: str = ""
    number_of_remaining_suboperations: int | None = None
    number_of_completed_suboperations: int | None = None
    number_of_failed_suboperations: int | None = None
    number_of_warning_suboperations: int | None = None
    offending_element: tuple[int, ...] = ()
    error_comment: str = ""
    command_data_set_type: int = NO_DATA_SET


class CEchoRQ(NamedTuple):
    """C-ECHO-RQ (PS3.7 9.3.5.1)."""

    message_id: int
    affected_sop_class_uid: str = VERIFICATION
    command_data_set_type: int = NO_DATA_SET


class CEchoRSP(NamedTuple):
    """C-ECHO-RSP (PS3.7 9.3.5.2)."""

    message_id_being_responded_to: int
    status: int
    affected_sop_class_uid: str = ""
    error_comment: str = ""
    command_data_set_type: int = NO_DATA_SET


class CCancelRQ(NamedTuple):
    """C-CANCEL-FIND, -GET and -MOVE: one message, no response (PS3.7 9.3.2.3)."""

    message_id_being_responded_to: int
    command_data_set_type: int = NO_DATA_SET


class NEventReportRQ(NamedTuple):
    """N-EVENT-REPORT-RQ (PS3.7 10.3.1.1)."""

    message_id: int
    affected_sop_class_uid: str
    affected_sop_instance_uid: str
    event_type_id: int | None
    command_data_set_type: int = NO_DATA_SET


class NEventReportRSP(NamedTuple):
    """N-EVENT-REPORT-RSP (PS3.7 10.3.1.2)."""

    message_id_being_responded_to: int
    status: int
    affected_sop_class_uid: str = ""
    affected_sop_instance_uid: str = ""
    event_type_id: int | None = None
    error_comment: str = ""
    error_id: int | None = None
    command_data_set_type: int = NO_DATA_SET


class NGetRQ(NamedTuple):
    """N-GET-RQ (PS3.7 10.3.2.1)."""

    message_id: int
    requested_sop_class_uid: str
    requested_sop_instance_uid: str
    attribute_identifier_list: tuple[int, ...] = ()
    command_data_set_type: int = NO_DATA_SET


class NGetRSP(NamedTuple):
    """N-GET-RSP (PS3.7 10.3.2.2)."""

    message_id_being_responded_to: int
    status: int
    affected_sop_class_uid: str = ""
    affected_sop_instance_uid: str = ""
    offending_element: tuple[int, ...] = ()
    error_comment: str = ""
    error_id: int | None = None
    attribute_identifier_list: tuple[int, ...] = ()
    command_data_set_type: int = NO_DATA_SET


class NSetRQ(NamedTuple):
    """N-SET-RQ (PS3.7 10.3.3.1)."""

    message_id: int
    requested_sop_class_uid: str
    requested_sop_instance_uid: str
    command_data_set_type: int = DATA_SET


class NSetRSP(NamedTuple):
    """N-SET-RSP (PS3.7 10.3.3.2)."""

    message_id_being_responded_to: int
    status: int
    affected_sop_class_uid: str = ""
    affected_sop_instance_uid: str = ""
    offending_element: tuple[int, ...] = ()
    error_comment: str = ""
    error_id: int | None = None
    attribute_identifier_list: tuple[int, ...] = ()
    command_data_set_type: int = NO_DATA_SET


class NActionRQ(NamedTuple):
    """N-ACTION-RQ (PS3.7 10.3.4.1)."""

    message_id: int
    requested_sop_class_uid: str
    requested_sop_instance_uid: str
    action_type_id: int | None
    command_data_set_type: int = NO_DATA_SET


class NActionRSP(NamedTuple):
    """N-ACTION-RSP (PS3.7 10.3.4.2)."""

    message_id_being_responded_to: int
    status: int
    affected_sop_class_uid: str = ""
    affected_sop_instance_uid: str = ""
    action_type_id: int | None = None
    offending_element: tuple[int, ...] = ()
    error_comment: str = ""
    error_id: int | None = None
    command_data_set_type: int = NO_DATA_SET


class NCreateRQ(NamedTuple):
    """Without an instance UID the SCP makes one."""

    message_id: int
    affected_sop_class_uid: str
    affected_sop_instance_uid: str = ""
    command_data_set_type: int = NO_DATA_SET


class NCreateRSP(NamedTuple):
    """N-CREATE-RSP (PS3.7 10.3.5.2)."""

    message_id_being_responded_to: int
    status: int
    affected_sop_class_uid: str = ""
    affected_sop_instance_uid: str = ""
    offending_element: tuple[int, ...] = ()
    error_comment: str = ""
    error_id: int | None = None
    attribute_identifier_list: tuple[int, ...] = ()
    command_data_set_type: int = NO_DATA_SET


class NDeleteRQ(NamedTuple):
    """N-DELETE-RQ (PS3.7 10.3.6.1)."""

    message_id: int
    requested_sop_class_uid: str
    requested_sop_instance_uid: str
    command_data_set_type: int = NO_DATA_SET


class NDeleteRSP(NamedTuple):
    """N-DELETE-RSP (PS3.7 10.3.6.2)."""

    message_id_being_responded_to: int
    status: int
    affected_sop_class_uid: str = ""
    affected_sop_instance_uid: str = ""
    error_comment: str = ""
    error_id: int | None = None
    command_data_set_type: int = NO_DATA_SET


class UnknownMessage(NamedTuple):
    """A command field that PS3.7 does not define. As a request it is owed a response with status 0211H."""

    command_field: int
    message_id: int | None = None
    message_id_being_responded_to: int | None = None
    status: int | None = None
    command_data_set_type: int = NO_DATA_SET


Request: TypeAlias = (
    CStoreRQ
    | CFindRQ
    | CGetRQ
    | CMoveRQ
    | CEchoRQ
    | NEventReportRQ
    | NGetRQ
    | NSetRQ
    | NActionRQ
    | NCreateRQ
    | NDeleteRQ
)
Response: TypeAlias = (
    CStoreRSP
    | CFindRSP
    | CGetRSP
    | CMoveRSP
    | CEchoRSP
    | NEventReportRSP
    | NGetRSP
    | NSetRSP
    | NActionRSP
    | NCreateRSP
    | NDeleteRSP
)
Message: TypeAlias = Request | Response | CCancelRQ | UnknownMessage

COMMAND_FIELDS: dict[type, int] = {
    CStoreRQ: 0x0001,
    CGetRQ: 0x0010,
    CFindRQ: 0x0020,
    CMoveRQ: 0x0021,
    CEchoRQ: 0x0030,
    NEventReportRQ: 0x0100,
    NGetRQ: 0x0110,
    NSetRQ: 0x0120,
    NActionRQ: 0x0130,
    NCreateRQ: 0x0140,
    NDeleteRQ: 0x0150,
    CStoreRSP: 0x8001,
    CGetRSP: 0x8010,
    CFindRSP: 0x8020,
    CMoveRSP: 0x8021,
    CEchoRSP: 0x8030,
    NEventReportRSP: 0x8100,
    NGetRSP: 0x8110,
    NSetRSP: 0x8120,
    NActionRSP: 0x8130,
    NCreateRSP: 0x8140,
    NDeleteRSP: 0x8150,
    CCancelRQ: 0x0FFF,
}
"""Command Field (0000,0100) of each message (PS3.7 E.1-1)."""

RECORDS: dict[int, Any] = {number: record for record, number in COMMAND_FIELDS.items()}
"""The record of each command field."""


def respond(request: Request, status: int, **elements: object) -> Response:
    """The response record to ``request``, its SOP class and instance UIDs copied; ``elements`` are set on top.

    Elements that this kind of response does not have are a TypeError of the caller's.
    """
    if type(request) is CStoreRQ and not elements:  # the same as below, and what is asked for thousands of times
        return CStoreRSP(request.message_id, status, request.affected_sop_class_uid, request.affected_sop_instance_uid)
    record = RECORDS[COMMAND_FIELDS[type(request)] | 0x8000]
    fields: dict[str, object] = {"message_id_being_responded_to": request.message_id, "status": status}
    for name in ("sop_class_uid", "sop_instance_uid"):
        uid = getattr(request, f"affected_{name}", "") or getattr(request, f"requested_{name}", "")
        if uid and f"affected_{name}" in record._fields:
            fields[f"affected_{name}"] = uid
    fields.update(elements)
    response: Response = record(**fields)
    return response


def message_name(message: Message) -> str:
    """The name of PS3.7, such as ``C-STORE-RQ``; the command field in hexadecimal where there is none."""
    if isinstance(message, UnknownMessage):
        return f"message {message.command_field:04X}H"
    return command_name(COMMAND_FIELDS[type(message)])
