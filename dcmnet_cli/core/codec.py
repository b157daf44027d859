"""PDUs to bytes and back, all but P-DATA-TF (PS3.8 9.3, annex D; PS3.7 annex D).

Encoding is strict. Decoding is generous where the standard or the field asks for it, and says so in ``notes``;
it is strict about lengths: each is checked against what contains it, and a violation is an ``InvalidPDU``.
"""

import struct
from collections.abc import Container

from dcmnet_cli.core.pdu import (
    PDU,
    PDU_NAMES,
    AAbort,
    AAssociateAC,
    AAssociateRJ,
    AAssociateRQ,
    AReleaseRP,
    AReleaseRQ,
    AsynchronousOperationsWindow,
    CommonExtendedNegotiation,
    ContextResult,
    ExtendedNegotiation,
    ProposedContext,
    RoleSelection,
    UserIdentity,
    UserInformation,
)
from dcmnet_cli.errors import InvalidPDU, LocalProtocolError

ASSOCIATE_PDU_LIMIT = 1 << 20
"""Longest A-ASSOCIATE-RQ or -AC we gather. 128 contexts of 300 transfer syntaxes each still fit."""

_LONGEST_UID = 128  # the standard says 64; peers exceed it, and refusing the whole PDU helps nobody
_U16 = struct.Struct(">H")
_U32 = struct.Struct(">I")
_HEADER = struct.Struct(">BxI")
_ITEM = struct.Struct(">BxH")


# --- encoding -------------------------------------------------------------------------------------------------


def encode(pdu: PDU) -> bytes:
    """The bytes of ``pdu``. Raises LocalProtocolError where a value cannot be sent."""
    try:
        return _encode(pdu)
    except (ValueError, struct.error) as error:  # a number out of its range, a letter beyond ASCII
        raise LocalProtocolError(f"{type(pdu).__name__} cannot be sent: {error}") from error


def _encode(pdu: PDU) -> bytes:
    match pdu:
        case AAssociateRQ():
            return _encode_associate_rq(pdu)
        case AAssociateAC():
            return _encode_associate_ac(pdu)
        case AAssociateRJ():
            return bytes((3, 0, 0, 0, 0, 4, 0, pdu.result, pdu.source, pdu.reason))
        case AReleaseRQ():
            return b"\5\0\0\0\0\4\0\0\0\0"
        case AReleaseRP():
            return b"\6\0\0\0\0\4\0\0\0\0"
        case AAbort():
            return bytes((7, 0, 0, 0, 0, 4, 0, 0, pdu.source, pdu.reason))


def ae_title_field(title: str) -> bytes:
    """``title`` as the 16 bytes of a PDU, padded with spaces (PS3.8 table 9-11)."""
    field = title.encode("ascii", "surrogateescape")
    if not field.strip() or len(field) > 16:
        raise LocalProtocolError(f"an AE title has 1 to 16 characters, not all spaces: {title!r}")
    return field.ljust(16)


def _encode_associate_rq(pdu: AAssociateRQ) -> bytes:
    if not 1 <= len(pdu.contexts) <= 128:
        raise LocalProtocolError(
            f"an association request needs 1 to 128 presentation contexts, not {len(pdu.contexts)}"
        )
    ids = {context.context_id for context in pdu.contexts}
    if len(ids) != len(pdu.contexts) or any(not 1 <= i <= 255 or i % 2 == 0 for i in ids):
        raise LocalProtocolError("presentation context ids must be odd, 1 to 255, and each used once")
    fields = ae_title_field(pdu.called_ae_title) + ae_title_field(pdu.calling_ae_title) + bytes(32)
    items = [_item(0x10, _uid(pdu.application_context))]
    items += [_encode_proposed_context(context) for context in pdu.contexts]
    items.append(_encode_user_information(pdu.user_information))
    return _associate(1, pdu.protocol_version, fields, items)


def _encode_associate_ac(pdu: AAssociateAC) -> bytes:
    items = [_item(0x10, _uid(pdu.application_context))]
    for context in pdu.contexts:
        body = bytes((context.context_id, 0, context.result, 0))
        items.append(_item(0x21, body + _item(0x40, _uid(context.transfer_syntax))))
    items.append(_encode_user_information(pdu.user_information))
    return _associate(2, pdu.protocol_version, pdu.fields.ljust(64, b"\0")[:64], items)


def _associate(pdu_type: int, version: int, fields: bytes, items: list[bytes]) -> bytes:
    body = b"".join((_U16.pack(version), b"\0\0", fields, *items))
    return _HEADER.pack(pdu_type, len(body)) + body


def _encode_proposed_context(context: ProposedContext) -> bytes:
    if not context.transfer_syntaxes:
        raise LocalProtocolError(f"presentation context {context.context_id} proposes no transfer syntax")
    body = [bytes((context.context_id, 0, 0, 0)), _item(0x30, _uid(context.abstract_syntax))]
    body += [_item(0x40, _uid(syntax)) for syntax in context.transfer_syntaxes]
    return _item(0x20, b"".join(body))


def _encode_user_information(info: UserInformation) -> bytes:
    """Item 50, its sub-items ascending, as old peers expect them."""
    items = [
        _item(0x51, _U32.pack(info.maximum_length or 0)),
        _item(0x52, _uid(info.implementation_class_uid)),
    ]
    if info.asynchronous_window is not None:
        items.append(_item(0x53, struct.pack(">HH", *info.asynchronous_window)))
    for role in info.roles:
        items.append(_item(0x54, _counted_uid(role.sop_class_uid) + bytes((role.scu_role, role.scp_role))))
    if info.implementation_version_name:
        items.append(_item(0x55, info.implementation_version_name.encode("ascii", "replace")[:16]))
    for extended in info.extended:
        items.append(_item(0x56, _counted_uid(extended.sop_class_uid) + extended.information))
    items += [_encode_common_extended(common) for common in info.common_extended]
    if info.user_identity is not None:
        identity = info.user_identity
        kind = bytes((identity.identity_type, identity.positive_response_requested))
        items.append(_item(0x58, kind + _counted(identity.primary) + _counted(identity.secondary)))
    if info.identity_response is not None:
        items.append(_item(0x59, _counted(info.identity_response)))
    return _item(0x50, b"".join(items))


def _encode_common_extended(common: CommonExtendedNegotiation) -> bytes:
    related = b"".join(_counted_uid(uid) for uid in common.related_general_sop_class_uids)
    body = _counted_uid(common.sop_class_uid) + _counted_uid(common.service_class_uid) + _counted(related)
    return bytes((0x57, common.version)) + _length16(body) + body


def _item(item_type: int, body: bytes) -> bytes:
    return bytes((item_type, 0)) + _length16(body) + body


def _length16(body: bytes) -> bytes:
    if len(body) > 0xFFFF:
        raise LocalProtocolError(f"an item of {len(body)} bytes does not fit its 16-bit length")
    return _U16.pack(len(body))


def _counted(value: bytes) -> bytes:
    return _length16(value) + value


def _counted_uid(uid: str) -> bytes:
    return _counted(_uid(uid))


def _uid(uid: str) -> bytes:
    return uid.encode("ascii", "surrogateescape")


# --- decoding -------------------------------------------------------------------------------------------------


class _Span:
    """A bounded stretch of a PDU: reads cannot leave it, and errors name the PDU, the field and the offset."""

    __slots__ = ("data", "end", "name", "offset", "pdu")

    def __init__(self, data: bytes, offset: int, end: int, pdu: str, name: str) -> None:
        self.data = data
        self.offset = offset
        self.end = end
        self.pdu = pdu
        self.name = name

    def left(self) -> int:
        return self.end - self.offset

    def take(self, count: int, field: str) -> bytes:
        if count > self.end - self.offset:
            raise self.error(field, f"{count} bytes declared, {self.left()} left in {self.name}")
        start = self.offset
        self.offset = start + count
        return self.data[start : self.offset]

    def u8(self, field: str) -> int:
        return self.take(1, field)[0]

    def u16(self, field: str) -> int:
        return int.from_bytes(self.take(2, field), "big")

    def counted(self, field: str) -> bytes:
        return self.take(self.u16(f"{field} length"), field)

    def counted_span(self, name: str) -> "_Span":
        """A span of the next field, which begins with its 16-bit length."""
        length = self.u16(f"{name} length")
        start = self.offset
        self.take(length, name)
        return _Span(self.data, start, start + length, self.pdu, name)

    def rest(self) -> bytes:
        return self.take(self.left(), self.name)

    def item(self) -> tuple[int, int, "_Span"]:
        """The next item: its type, its second byte and a span of its body."""
        start = self.offset
        header = self.take(4, "item header")
        length = int.from_bytes(header[2:], "big")
        name = f"item {header[0]:02X}H"
        if length > self.left():
            self.offset = start + 2
            raise self.error(f"{name} length", f"{length} bytes declared, {self.end - start - 4} left in {self.name}")
        body = _Span(self.data, self.offset, self.offset + length, self.pdu, name)
        self.offset += length
        return header[0], header[1], body

    def error(self, field: str, problem: str) -> InvalidPDU:
        return InvalidPDU(self.pdu, field, self.offset, problem)


class Notes(list[str]):
    """Remarks on what was tolerated, each once. Bounded: a peer must not fill our memory with its own faults."""

    MOST = 32

    def append(self, note: str) -> None:
        if len(self) < self.MOST and note not in self:
            super().append(note)


def decode(data: bytes, notes: list[str]) -> PDU:
    """The record of one complete PDU (header included) other than P-DATA-TF.

    What had to be tolerated is appended to ``notes`` (a ``Notes``, where the bytes come from a peer). Raises
    InvalidPDU, whose offset counts from the first byte.
    """
    name = PDU_NAMES.get(data[0], f"PDU {data[0]:02X}H") if data else "PDU"
    span = _Span(data, 0, len(data), name, "the PDU")
    pdu_type = span.u8("type")
    span.take(1, "reserved")
    length = int.from_bytes(span.take(4, "length"), "big")
    if length != span.left():
        span.offset = 2
        raise span.error("length", f"{length} declared, {len(data) - 6} bytes follow")
    if pdu_type in (1, 2):
        return _decode_associate(span, pdu_type, notes)
    if pdu_type not in (3, 5, 6, 7):
        span.offset = 0
        raise InvalidPDU(name, "type", 0, "not a PDU of PS3.8", 1)
    body = span.take(4, "body")
    if span.left():
        raise span.error("length", f"{length} declared where PS3.8 has 4")
    if pdu_type == 3:
        return AAssociateRJ(body[1], body[2], body[3])
    if pdu_type == 7:
        return AAbort(body[2], body[3])
    return AReleaseRQ() if pdu_type == 5 else AReleaseRP()


def _decode_associate(span: _Span, pdu_type: int, notes: list[str]) -> PDU:
    version = span.u16("protocol version")
    span.take(2, "reserved")
    fields = span.take(64, "AE titles")
    application_context = ""
    proposed: dict[int, ProposedContext] = {}
    results: list[ContextResult] = []
    info: UserInformation | None = None
    while span.left():
        item_type, _, body = span.item()
        if item_type == 0x10:
            application_context = _text(body.rest(), "application context", notes)
        elif item_type == 0x20 and pdu_type == 1:
            context = _decode_proposed_context(body, proposed, notes)
            proposed[context.context_id] = context
        elif item_type == 0x21 and pdu_type == 2:
            results.append(_decode_context_result(body, notes))
        elif item_type == 0x50:
            if info is not None:
                raise span.error("item 50H", "a second user information item")
            info = _decode_user_information(body, notes)
        else:
            notes.append(f"{span.pdu}: unknown item {item_type:02X}H skipped")
    if info is None:
        raise span.error("item 50H", "no user information")
    if pdu_type == 2:
        return AAssociateAC(tuple(results), info, application_context, version, fields)
    if not proposed:
        raise span.error("item 20H", "no presentation context")
    called, calling = _title(fields[:16], "called", notes), _title(fields[16:32], "calling", notes)
    return AAssociateRQ(called, calling, tuple(proposed.values()), info, application_context, version, fields)


def _decode_proposed_context(span: _Span, taken: Container[int], notes: list[str]) -> ProposedContext:
    """Item 20. An id that makes the request impossible to answer is refused at once, so that there are never more
    than 128; a merely unsupported context is the acceptor's business."""
    context_id = span.u8("presentation context ID")
    if context_id % 2 == 0:
        raise span.error("presentation context ID", f"{context_id} is not odd")
    if context_id in taken:
        raise span.error("presentation context ID", f"{context_id} used twice")
    span.take(3, "reserved")
    abstract_syntax = ""
    syntaxes: list[str] = []
    while span.left():
        item_type, _, body = span.item()
        if item_type == 0x30:
            abstract_syntax = _uid_text(body, "abstract syntax", notes)
        elif item_type == 0x40:
            syntaxes.append(_uid_text(body, "transfer syntax", notes))
        else:
            notes.append(f"context {context_id}: unknown sub-item {item_type:02X}H skipped")
    if len(set(syntaxes)) != len(syntaxes):
        notes.append(f"context {context_id}: a transfer syntax is proposed twice")
        syntaxes = list(dict.fromkeys(syntaxes))
    return ProposedContext(context_id, abstract_syntax, tuple(syntaxes))


def _decode_context_result(span: _Span, notes: list[str]) -> ContextResult:
    """Item 21. Behind a refusal peers leave the sub-item out, empty, or full of junk: it is not looked at."""
    context_id = span.u8("presentation context ID")
    span.take(1, "reserved")
    result = span.u8("result")
    span.take(1, "reserved")
    if result != 0:
        return ContextResult(context_id, result)
    syntax = ""
    while span.left():
        item_type, _, body = span.item()
        if item_type == 0x40:
            syntax = _uid_text(body, "transfer syntax", notes)
    return ContextResult(context_id, result, syntax)


class _UserInformationParts:
    """Item 50 while it is being read: 64 KiB hold thousands of sub-items, so nothing here is rebuilt for each."""

    def __init__(self) -> None:
        self.maximum_length: int | None = None
        self.class_uid = ""
        self.version_name = ""
        self.window: AsynchronousOperationsWindow | None = None
        self.roles: dict[str, RoleSelection] = {}
        self.extended: list[ExtendedNegotiation] = []
        self.common_extended: list[CommonExtendedNegotiation] = []
        self.identity: UserIdentity | None = None
        self.identity_response: bytes | None = None

    def record(self) -> UserInformation:
        return UserInformation(
            self.maximum_length,
            self.class_uid,
            self.window,
            tuple(self.roles.values()),
            self.version_name,
            tuple(self.extended),
            tuple(self.common_extended),
            self.identity,
            self.identity_response,
        )


def _decode_user_information(span: _Span, notes: list[str]) -> UserInformation:
    parts = _UserInformationParts()
    while span.left():
        item_type, second, body = span.item()
        decoder = _SUB_ITEMS.get(item_type)
        if decoder is None:
            notes.append(f"unknown user information sub-item {item_type:02X}H skipped")
        else:
            decoder(parts, body, second, notes)
    if parts.maximum_length is None:
        notes.append("no maximum length (sub-item 51H): taken as unlimited")
    if not parts.class_uid:
        notes.append("no implementation class UID (sub-item 52H)")
    return parts.record()


def _maximum_length(parts: _UserInformationParts, span: _Span, _second: int, _notes: list[str]) -> None:
    parts.maximum_length = int.from_bytes(span.take(4, "maximum length"), "big")


def _class_uid(parts: _UserInformationParts, span: _Span, _second: int, notes: list[str]) -> None:
    parts.class_uid = _uid_text(span, "implementation class UID", notes)


def _async_window(parts: _UserInformationParts, span: _Span, _second: int, _notes: list[str]) -> None:
    parts.window = AsynchronousOperationsWindow(span.u16("operations invoked"), span.u16("operations performed"))


def _role(parts: _UserInformationParts, span: _Span, _second: int, notes: list[str]) -> None:
    uid = _strip_uid(span.counted("SOP class UID"), "SOP class UID", notes)
    role = RoleSelection(uid, span.u8("SCU role") == 1, span.u8("SCP role") == 1)
    if parts.roles.setdefault(uid, role) is not role:
        notes.append(f"second role selection for {uid} ignored")


def _version_name(parts: _UserInformationParts, span: _Span, _second: int, notes: list[str]) -> None:
    parts.version_name = _text(span.rest(), "implementation version name", notes)


def _extended(parts: _UserInformationParts, span: _Span, _second: int, notes: list[str]) -> None:
    """Item 56. A UID length that overruns its item is a known fault of peers: the item alone is dropped."""
    length = span.u16("SOP class UID length")
    if length > span.left():
        notes.append(f"extended negotiation dropped: UID length {length} in an item with {span.left()} bytes left")
        return
    uid = _strip_uid(span.take(length, "SOP class UID"), "SOP class UID", notes)
    parts.extended.append(ExtendedNegotiation(uid, span.rest()))


def _common_extended(parts: _UserInformationParts, span: _Span, second: int, notes: list[str]) -> None:
    uid = _strip_uid(span.counted("SOP class UID"), "SOP class UID", notes)
    service = _strip_uid(span.counted("service class UID"), "service class UID", notes)
    related = span.counted_span("related general SOP classes")
    uids: list[str] = []
    while related.left():
        uids.append(_strip_uid(related.counted("related general SOP class UID"), "related SOP class UID", notes))
    parts.common_extended.append(CommonExtendedNegotiation(uid, service, tuple(uids), second))


def _identity(parts: _UserInformationParts, span: _Span, _second: int, _notes: list[str]) -> None:
    kind, wanted = span.u8("user identity type"), span.u8("positive response requested")
    primary, secondary = span.counted("primary field"), b""
    if span.left():  # some peers leave the secondary length out where it would be 0
        secondary = span.counted("secondary field")
    parts.identity = UserIdentity(kind, primary, secondary, wanted == 1)


def _identity_response(parts: _UserInformationParts, span: _Span, _second: int, _notes: list[str]) -> None:
    parts.identity_response = span.counted("server response") if span.left() else b""


_SUB_ITEMS = {
    0x51: _maximum_length,
    0x52: _class_uid,
    0x53: _async_window,
    0x54: _role,
    0x55: _version_name,
    0x56: _extended,
    0x57: _common_extended,
    0x58: _identity,
    0x59: _identity_response,
}


def _uid_text(span: _Span, field: str, notes: list[str]) -> str:
    return _strip_uid(span.rest(), field, notes)


def _strip_uid(raw: bytes, field: str, notes: list[str]) -> str:
    """A UID as text. Padding is stripped, odd characters are kept: such a UID is opaque, not an error."""
    uid = _text(raw, field, notes)
    if len(uid) > 64:
        notes.append(f"{field} of {len(uid)} characters, 64 allowed")
    return uid[:_LONGEST_UID]


def _text(raw: bytes, field: str, notes: list[str]) -> str:
    stripped = raw.strip(b"\0 ")
    if stripped != raw:
        notes.append(f"padding around the {field} stripped")
    if not stripped.isascii():
        notes.append(f"the {field} holds bytes beyond ASCII")
    return stripped.decode("ascii", "surrogateescape")


def _title(raw: bytes, which: str, notes: list[str]) -> str:
    """An AE title: spaces at both ends carry no meaning; NUL, control and 8-bit bytes are kept inside, and noted."""
    title = raw.strip(b"\0 ")
    if not title:
        notes.append(f"the {which} AE title is blank")
    elif any(byte < 0x20 or byte > 0x7E or byte == 0x5C for byte in title):
        notes.append(f"the {which} AE title holds characters that the standard forbids")
    elif b"\0" in raw:
        notes.append(f"the {which} AE title is padded with NUL")
    return title.decode("ascii", "surrogateescape")
