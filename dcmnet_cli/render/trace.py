"""What goes over an association, in words: a line a PDU or message with ``-v``, every item of it with ``-d``.

Passcodes, tickets and tokens of a user identity are never shown, in the hex dump neither: only their length.
"""

from collections.abc import Iterator

from dcmnet_cli.core import pdu as pdus
from dcmnet_cli.core.commands import COMMAND_FIELDS, HIGH, LOW, MEDIUM, NO_DATA_SET, Message, UnknownMessage
from dcmnet_cli.core.dimse_names import command_name
from dcmnet_cli.core.events import Trace
from dcmnet_cli.core.pdata import COMMAND, LAST
from dcmnet_cli.core.pdu import PDU, PDataTF, UserIdentity, UserInformation
from dcmnet_cli.core.text import printable, quoted
from dcmnet_cli.render.output import Output
from dcmnet_cli.render.status import status_line
from dcmnet_cli.render.words import context_result, name_or_uid, named_uid, pdu_length, tag

_PDU_NAMES = {
    pdus.AAssociateRQ: "A-ASSOCIATE-RQ",
    pdus.AAssociateAC: "A-ASSOCIATE-AC",
    pdus.AAssociateRJ: "A-ASSOCIATE-RJ",
    pdus.AReleaseRQ: "A-RELEASE-RQ",
    pdus.AReleaseRP: "A-RELEASE-RP",
    pdus.AAbort: "A-ABORT",
}
_PRIORITIES = {MEDIUM: "medium", HIGH: "high", LOW: "low"}
_IDENTITIES = {
    1: "user name",
    2: "user name and passcode",
    3: "Kerberos service ticket",
    4: "SAML assertion",
    5: "JSON Web Token",
}
_USER_NAME_TYPES = (1, 2)
_FIRST_ITEM = 74
_ABBREVIATIONS = ("id", "uid", "sop")


def show_trace(trace: Trace, output: Output, before: str = "") -> None:
    """Write the lines of ``trace`` to stderr, each behind ``before``, as many as ``output.verbosity`` asks for."""
    for line in trace_lines(trace, output.verbosity, output.hexdump):
        output.verbose(before + line)


def trace_lines(trace: Trace, verbosity: int = 1, hexdump: bool = False) -> list[str]:
    """What went by, as lines: none for verbosity 0, one for 1, the items below it for 2.

    A fragment of a data set or command is worth a line from verbosity 2 on. ``hexdump`` adds the bytes, where they
    were kept.
    """
    what = trace.what
    if verbosity < 1 or (isinstance(what, PDataTF) and verbosity < 2):
        return []
    lines = [f"{'→' if trace.is_sent else '←'} {_summary(trace)}"]
    if verbosity >= 2 and not isinstance(what, PDataTF):
        lines += [f"    {line}" for line in _details(what)]
    if hexdump and trace.raw is not None:
        lines += [f"    {line}" for line in hex_lines(_masked(trace.raw, what))]
    return lines


def hex_lines(data: bytes | list[int | None]) -> list[str]:
    """Offset, sixteen bytes, their ASCII: the usual dump. None stands for a byte that is withheld."""
    lines = []
    for start in range(0, len(data), 16):
        row = data[start : start + 16]
        digits = " ".join("**" if byte is None else f"{byte:02x}" for byte in row)
        letters = "".join("*" if byte is None else chr(byte) if 32 <= byte < 127 else "." for byte in row)
        lines.append(f"{start:04x}  {digits:<47}  {letters}")
    return lines


def _summary(trace: Trace) -> str:
    what = trace.what
    if isinstance(what, PDataTF):
        kind = "command" if what.control & COMMAND else "data set"
        last = ", last" if what.control & LAST else ""
        return f"{'P-DATA-TF':<15} context {what.context_id}, {kind}, {what.fragment_length} bytes{last}"
    if isinstance(what, PDU):
        return f"{_PDU_NAMES[type(what)]:<15} {_pdu_summary(what)}".rstrip()
    return f"{_message_name(what):<15} {_message_summary(what, trace.context_id)}"


def _pdu_summary(what: PDU) -> str:
    from dcmnet_cli.core.reasons import explain_abort, explain_reject

    if isinstance(what, pdus.AAssociateRQ):
        titles = f"called {quoted(what.called_ae_title)}  calling {quoted(what.calling_ae_title)}"
        return f"{titles}  {_contexts(len(what.contexts))}"
    if isinstance(what, pdus.AAssociateAC):
        accepted = sum(context.result == pdus.ACCEPTANCE for context in what.contexts)
        return f"{accepted} of {_contexts(len(what.contexts))} accepted  {_implementation(what.user_information)}"
    if isinstance(what, pdus.AAssociateRJ):
        rejection = explain_reject(what.result, what.source, what.reason)
        return (
            f"{rejection.result_name} ({what.result}), source {rejection.source_name} ({what.source}), "
            f"reason {rejection.name} ({what.reason})"
        )
    if isinstance(what, pdus.AAbort):
        abort = explain_abort(what.source, what.reason)
        reason = f", reason {abort.name} ({what.reason})" if what.source else ""
        return f"source {abort.source_name} ({what.source}){reason}"
    return ""


def _contexts(count: int) -> str:
    return f"{count} context" if count == 1 else f"{count} contexts"


def _implementation(information: UserInformation) -> str:
    name = information.implementation_version_name or information.implementation_class_uid
    return f"by {printable(name)}" if name else ""


def _message_name(message: Message) -> str:
    if isinstance(message, UnknownMessage):
        return f"message 0x{message.command_field:04X}"
    return command_name(COMMAND_FIELDS[type(message)])


def _message_summary(message: Message, context_id: int) -> str:
    number = getattr(message, "message_id_being_responded_to", None)
    parts = [f"message {getattr(message, 'message_id', None) if number is None else number}"]
    status = getattr(message, "status", None)
    if status is not None:
        parts.append(status_line(status, _message_name(message)))
    counts = [
        f"{word} {value}"
        for word in ("remaining", "completed", "failed", "warning")
        if (value := getattr(message, f"number_of_{word}_suboperations", None)) is not None
    ]
    if counts:
        parts.append(" ".join(counts))
    for name in ("affected_sop_class_uid", "requested_sop_class_uid"):
        if status is None and (uid := getattr(message, name, "")):
            parts.append(printable(name_or_uid(uid)))
    if comment := getattr(message, "error_comment", ""):
        parts.append(quoted(comment))
    parts.append(f"context {context_id}")
    return ", ".join(parts)


def _details(what: PDU | Message) -> Iterator[str]:
    if isinstance(what, pdus.AAssociateRQ):
        yield f"application context: {printable(named_uid(what.application_context))}"
        for proposed in what.contexts:
            yield f"context {proposed.context_id}: {printable(named_uid(proposed.abstract_syntax))}"
            for uid in proposed.transfer_syntaxes:
                yield f"  transfer syntax: {printable(named_uid(uid))}"
        yield from _user_information(what.user_information)
    elif isinstance(what, pdus.AAssociateAC):
        yield f"application context: {printable(named_uid(what.application_context))}"
        for answer in what.contexts:
            syntax = f", {printable(named_uid(answer.transfer_syntax))}" if answer.result == pdus.ACCEPTANCE else ""
            yield f"context {answer.context_id}: {context_result(answer.result)}{syntax}"
        yield from _user_information(what.user_information)
    elif not isinstance(what, PDU):
        yield from _elements(what)


def _user_information(information: UserInformation) -> Iterator[str]:
    length = information.maximum_length
    yield f"maximum length: {'absent' if length is None else pdu_length(length)}"
    yield f"implementation class UID: {printable(information.implementation_class_uid) or 'absent'}"
    if information.implementation_version_name:
        yield f"implementation version name: {quoted(information.implementation_version_name)}"
    if (window := information.asynchronous_window) is not None:
        yield f"asynchronous operations window: invoked {window.invoked}, performed {window.performed} (0: no limit)"
    for role in information.roles:
        scu, scp = ("yes" if is_taken else "no" for is_taken in (role.scu_role, role.scp_role))
        yield f"role selection: {printable(named_uid(role.sop_class_uid))}: SCU {scu}, SCP {scp}"
    for extended in information.extended:
        data = extended.information.hex(" ") or "empty"
        yield f"extended negotiation: {printable(named_uid(extended.sop_class_uid))}: {data}"
    for common in information.common_extended:
        service = printable(named_uid(common.service_class_uid))
        yield f"common extended negotiation: {printable(named_uid(common.sop_class_uid))}: service class {service}"
    if information.user_identity is not None:
        yield f"user identity: {_user_identity(information.user_identity)}"
    if information.identity_response is not None:
        yield f"user identity response: {len(information.identity_response)} bytes, not shown"


def _user_identity(identity: UserIdentity) -> str:
    kind = _IDENTITIES.get(identity.identity_type, "undefined")
    if identity.identity_type in _USER_NAME_TYPES:
        primary = quoted(identity.primary.decode("utf-8", "backslashreplace"))
    else:
        primary = f"{len(identity.primary)} bytes, not shown"
    secondary = f", passcode {len(identity.secondary)} bytes, not shown" if identity.secondary else ""
    response = ", response requested" if identity.positive_response_requested else ""
    return f"type {identity.identity_type} ({kind}), {primary}{secondary}{response}"


def _elements(message: Message) -> Iterator[str]:
    for name, value in message._asdict().items():
        if value is None or value == "" or value == ():
            continue
        label = " ".join(word.upper() if word in _ABBREVIATIONS else word for word in name.split("_"))
        yield f"{label}: {_element(name, value, message)}"


def _element(name: str, value: object, message: Message) -> str:
    if name == "status" and isinstance(value, int):
        return status_line(value, _message_name(message))
    if name == "priority" and isinstance(value, int):
        return f"{_PRIORITIES.get(value, 'undefined')} ({value})"
    if name == "command_field":
        return f"0x{value:04X}"
    if name == "command_data_set_type":
        return f"0x{value:04X} ({'no data set' if value == NO_DATA_SET else 'a data set follows'})"
    if isinstance(value, tuple):
        return ", ".join(map(tag, value))
    if name.endswith("_uid"):
        return printable(named_uid(str(value)))
    return quoted(value) if isinstance(value, str) else str(value)


def _masked(raw: bytes, what: object) -> bytes | list[int | None]:
    """``raw`` with the bodies of user identity items (58H and 59H, PS3.7 D.3.3.7) withheld."""
    information = getattr(what, "user_information", None)
    if information is None or (information.user_identity is None and information.identity_response is None):
        return raw
    masked: list[int | None] = list(raw)
    # Better to withhold too much than to trust that bytes we did not make are where they should be.
    for start, end in list(_identity_spans(raw)) or [(_FIRST_ITEM, len(raw))]:
        masked[start:end] = [None] * (min(end, len(raw)) - start)
    return masked


def _identity_spans(raw: bytes) -> Iterator[tuple[int, int]]:
    """Where the bodies of user identity items lie. Those of item 50H are looked into."""
    offset = _FIRST_ITEM
    while offset + 4 <= len(raw):
        kind, length = raw[offset], int.from_bytes(raw[offset + 2 : offset + 4], "big")
        offset += 4
        if kind in (0x58, 0x59):
            yield offset, offset + length
        if kind != 0x50:
            offset += length
