"""A query SCP that answers every C-FIND from a stream made beforehand, so that only the asker is measured."""

import socket
import struct
import sys
from collections.abc import Iterator

from dcmnet_cli.core.codec import decode, encode
from dcmnet_cli.core.command_set import encode as encode_command
from dcmnet_cli.core.commands import DATA_SET, NO_DATA_SET, CFindRSP
from dcmnet_cli.core.identifier import Element
from dcmnet_cli.core.identifier import encode as encode_identifier
from dcmnet_cli.core.negotiation import AcceptorPolicy, answer, settle
from dcmnet_cli.core.pdu import AAssociateAC, AAssociateRQ
from dcmnet_cli.core.uids import EXPLICIT_VR_LITTLE_ENDIAN, STUDY_ROOT_FIND

_P_DATA, _RELEASE_RQ = 4, 5
_RELEASE_RP = b"\6\0\0\0\0\4\0\0\0\0"
_NAMES = ("Müller", "Miller", "Molina", "Meyer", "Mann")
_COMMAND, _DATA_SET, _LAST = 1, 0, 2
_MESSAGE_ID = b"\x00\x00\x10\x01\x02\0\0\0"


def answers(count: int) -> Iterator[bytes]:
    """Identifiers of studies, of twelve elements each, as a busy archive would give them."""
    for number in range(count):
        values = (
            (0x00080005, "CS", "ISO_IR 100"),
            (0x00080020, "DA", f"2025{number % 12 + 1:02}{number % 28 + 1:02}"),
            (0x00080030, "TM", f"{number % 24:02}{number % 60:02}15"),
            (0x00080050, "SH", f"RX{number:08}"),
            (0x00080052, "CS", "STUDY"),
            (0x00080061, "CS", "CT\\SR"),
            (0x00081030, "LO", "CT HEAD/BRAIN W/O CONTRAST"),
            (0x00100010, "PN", f"{_NAMES[number % 5]}{number:05}^Jane"),
            (0x00100020, "LO", f"PAT{number:07}"),
            (0x0020000D, "UI", f"1.2.826.0.1.3680043.10.999.7.{number + 1}"),
            (0x00201206, "IS", "3"),
            (0x00201208, "IS", str(number % 900 + 1)),
        )
        yield encode_identifier([Element(tag, vr, text.encode("latin-1")) for tag, vr, text in values], True)


class Stream:
    """All responses to one C-FIND, as the bytes of PDUs."""

    def __init__(self, count: int) -> None:
        self._identifiers = list(answers(count))

    def made(self, context_id: int, message_id: int) -> bytes:
        pending = _pdv(context_id, _COMMAND | _LAST, _response(message_id, 0xFF00))
        parts = [pending + _pdv(context_id, _DATA_SET | _LAST, each) for each in self._identifiers]
        return b"".join((*parts, _pdv(context_id, _COMMAND | _LAST, _response(message_id, 0))))


def _response(message_id: int, status: int) -> bytes:
    kind = DATA_SET if status else NO_DATA_SET
    return encode_command(CFindRSP(message_id, status, STUDY_ROOT_FIND, command_data_set_type=kind))


def _pdv(context_id: int, control: int, data: bytes) -> bytes:
    """A P-DATA-TF PDU of one PDV."""
    return struct.pack(">BxIIBB", _P_DATA, len(data) + 6, len(data) + 2, context_id, control) + data


def serve(port: int, count: int) -> None:
    """Serve one association after the other, without end."""
    stream = Stream(count)
    listener = socket.create_server(("127.0.0.1", port))
    while True:
        connection, _ = listener.accept()
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                _serve(connection, stream)
            except (OSError, EOFError):
                continue  # whoever it was has gone


def _serve(connection: socket.socket, stream: Stream) -> None:
    request = decode(_pdu(connection), [])
    assert isinstance(request, AAssociateRQ)
    accepted = answer(request, AcceptorPolicy(abstract_syntaxes={STUDY_ROOT_FIND: (EXPLICIT_VR_LITTLE_ENDIAN,)}))
    assert isinstance(accepted, AAssociateAC)
    connection.sendall(encode(accepted))
    context = settle(request, accepted).find(STUDY_ROOT_FIND)
    assert context is not None
    message_id = 0
    while (pdu := _pdu(connection))[0] == _P_DATA:
        at = pdu.find(_MESSAGE_ID)
        message_id = struct.unpack_from("<H", pdu, at + 8)[0] if at >= 0 else message_id
        if _ends_identifier(pdu):
            connection.sendall(stream.made(context.context_id, message_id))
    if pdu[0] == _RELEASE_RQ:
        connection.sendall(_RELEASE_RP)


def _ends_identifier(pdu: bytes) -> bool:
    """Whether the last fragment of a data set is in it."""
    at = 6
    while at < len(pdu):
        (length,) = struct.unpack_from(">I", pdu, at)
        if pdu[at + 5] == _DATA_SET | _LAST:
            return True
        at += 4 + length
    return False


def _pdu(connection: socket.socket) -> bytes:
    head = _exactly(connection, 6)
    return head + _exactly(connection, int.from_bytes(head[2:], "big"))


def _exactly(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = connection.recv(count - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


if __name__ == "__main__":
    serve(int(sys.argv[1]), int(sys.argv[2]))
