"""What the tests of this folder share: messages in raw bytes, good peers, and how a conversation is put into words."""

import contextlib
import os
import socket
import struct
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.interop.running import PATIENCE, Listener
from tests.scripted import Peer, command, dial, elements_of, p_data, us
from tests.wire import APPLICATION, CLASS_UID, MAXIMUM_LENGTH, item, request

VERIFICATION, CT, MR = b"1.2.840.10008.1.1", b"1.2.840.10008.5.1.4.1.1.2", b"1.2.840.10008.5.1.4.1.1.4"
STUDY_FIND, STUDY_MOVE, STUDY_GET = (b"1.2.840.10008.5.1.4.1.2.2.%d" % number for number in (1, 2, 3))
IMPLICIT, EXPLICIT = b"1.2.840.10008.1.2", b"1.2.840.10008.1.2.1"
USER_INFORMATION = item(0x50, MAXIMUM_LENGTH + CLASS_UID)
RELEASE_RQ, RELEASE_RP = bytes.fromhex("05 00 00000004 00000000"), bytes.fromhex("06 00 00000004 00000000")
ABORT = bytes.fromhex("07 00 00000004 0000 00 00")
ECHO, STORE, REFUSED, FIND, MOVE, GET = 1, 3, 5, 7, 9, 11
"""Context ids of ``PROPER``. The listener has no print service, so that the third is refused."""


def context(number: int, abstract_syntax: bytes, *transfer_syntaxes: bytes) -> bytes:
    """A proposed presentation context."""
    syntaxes = b"".join(item(0x40, syntax) for syntax in transfer_syntaxes)
    return item(0x20, bytes((number, 0, 0, 0)) + item(0x30, abstract_syntax) + syntaxes)


CONTEXTS = (
    context(ECHO, VERIFICATION, IMPLICIT),
    context(STORE, CT, EXPLICIT),
    context(REFUSED, b"1.2.840.10008.5.1.1.9", IMPLICIT),
    context(FIND, STUDY_FIND, IMPLICIT),
    context(MOVE, STUDY_MOVE, IMPLICIT),
    context(GET, STUDY_GET, IMPLICIT),
)
PROPER = request(APPLICATION, *CONTEXTS, USER_INFORMATION)


# --- messages ---------------------------------------------------------------------------------------------------------


def padded(uid: bytes) -> bytes:
    return uid + bytes(len(uid) % 2)


def dimse(field: int, message_id: int, sop_class: bytes, *more: tuple[int, bytes], data: int = 0x0101) -> bytes:
    """A request's elements as one PDU's worth of command set, ``data`` its Command Data Set Type."""
    return b"".join(
        struct.pack("<HHI", 0, tag, len(value)) + value
        for tag, value in sorted(
            [(0x0002, padded(sop_class)), (0x0100, us(field)), (0x0110, us(message_id)), (0x0800, us(data)), *more]
        )
    )


def echo(message_id: int = 1, context_id: int = ECHO) -> bytes:
    return p_data(context_id, 3, dimse(0x0030, message_id, VERIFICATION))


def store(
    instance: bytes = b"1.2.3.4", message_id: int = 1, *, context_id: int = STORE, sop_class: bytes = CT
) -> bytes:
    """A C-STORE request without its data set."""
    more = (0x0700, us(0)), (0x1000, padded(instance))
    return p_data(context_id, 3, dimse(0x0001, message_id, sop_class, *more, data=0))


def query(field: int, context_id: int, sop_class: bytes, identifier: bytes, *more: tuple[int, bytes]) -> bytes:
    """A C-FIND, C-MOVE or C-GET request and its identifier, in fragments of 16 KiB."""
    head = p_data(context_id, 3, dimse(field, 1, sop_class, (0x0700, us(0)), *more, data=1))
    return head + fragments(context_id, identifier)


def fragments(context_id: int, data: bytes, size: int = 16000) -> bytes:
    """A data set as P-DATA-TFs."""
    starts = range(0, max(len(data), 1), size)
    return b"".join(p_data(context_id, 2 * (at + size >= len(data)), data[at : at + size]) for at in starts)


def value(tag: int, raw: bytes, *, vr: bytes = b"") -> bytes:
    """An element of a data set, little endian, with a VR of two letters where it is explicit."""
    raw += bytes(len(raw) % 2)
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF)
    if not vr:
        return head + struct.pack("<I", len(raw)) + raw
    if vr in (b"SQ", b"UN", b"OB", b"OW"):
        return head + vr + struct.pack("<HI", 0, len(raw)) + raw
    return head + vr + struct.pack("<H", len(raw)) + raw


def ct_object(instance: bytes = b"1.2.3.4", *more: bytes) -> bytes:
    """A small CT image in explicit VR little endian."""
    return b"".join(
        (
            value(0x00080016, CT, vr=b"UI"),
            value(0x00080018, instance, vr=b"UI"),
            value(0x00100010, b"DOE^JANE", vr=b"PN"),
            value(0x00100020, b"P1", vr=b"LO"),
            value(0x0020000D, b"1.2.3", vr=b"UI"),
            value(0x0020000E, b"1.2.3.1", vr=b"UI"),
            *more,
        )
    )


def nested(depth: int, *, vr: bytes = b"", undefined: bool = True, tag: int = 0x00081140) -> bytes:
    """A sequence within a sequence, ``depth`` times; by default Referenced Image Sequence."""
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + (vr + b"\0\0" if vr else b"")
    item_head, ends = b"\xfe\xff\x00\xe0", b"\xfe\xff\x0d\xe0\0\0\0\0" + b"\xfe\xff\xdd\xe0\0\0\0\0"
    if undefined:
        return (head + b"\xff\xff\xff\xff" + item_head + b"\xff\xff\xff\xff") * depth + ends * depth
    inner = (level * (len(head) + 12) for level in reversed(range(depth)))
    return b"".join(head + struct.pack("<I", each + 8) + item_head + struct.pack("<I", each) for each in inner)


# --- conversations ----------------------------------------------------------------------------------------------------


def words_of(pdu: bytes) -> str:
    """What an acceptor's PDU says."""
    kind = pdu[0]
    if kind == 3:
        return "reject {} {} {}".format(*pdu[7:10])
    if kind == 7:
        return f"abort {pdu[8]} {pdu[9]}"
    if kind == 4:
        elements = elements_of(pdu) if pdu[11] & 1 else {}
        return f"status {int.from_bytes(elements[0x0900], 'little'):04X}" if 0x0900 in elements else "data"
    return {2: "accept", 5: "release asked", 6: "released"}.get(kind, f"PDU {kind}")


def heard(peer: Peer) -> list[str]:
    """Everything until the other side has ended the association, in words; nothing but ``closed`` if it just went.

    Then the connection is closed, as whoever hears an A-ABORT or a rejection has to.
    """
    said: list[str] = []
    try:
        while peer.sock.recv(1, socket.MSG_PEEK):
            pdu = peer.pdu()
            said.append(words_of(pdu))
            if pdu[0] in (3, 6, 7):
                return said
    except ConnectionResetError:
        pass
    return [*said, "closed"]


def converse(port: int, *sent: bytes, first: bytes = b"") -> str:
    """Send ``first`` and wait for its answer, then the rest in one go; what came after ``first``, in words."""
    with patient(port) as peer:
        if first:
            peer.send(first)
            assert words_of(peer.pdu()) == "accept"
        with contextlib.suppress(ConnectionError):  # the other side may have heard enough before we are through
            peer.send(*sent)
        return ", ".join(heard(peer))


def patient(port: int) -> Peer:
    """A connection that waits for as long as a busy machine may take."""
    peer = dial(port)
    peer.sock.settimeout(PATIENCE)
    return peer


def check_service(listener: Listener, folder: Path, number: int = 1) -> None:
    """A good echo and a good store, each on an association of its own: the listener is as if nothing had been."""
    instance = b"1.2.826.0.1.%d" % number
    assert converse(listener.port, echo(), RELEASE_RQ, first=PROPER) == "status 0000, released"
    data = fragments(STORE, ct_object(instance))
    assert converse(listener.port, store(instance), data, RELEASE_RQ, first=PROPER) == "status 0000, released"
    written = folder / f"{instance.decode()}.dcm"
    assert written.read_bytes().endswith(ct_object(instance))
    written.unlink()


class Usage(NamedTuple):
    """What a process holds: resident memory in KiB, open descriptors, threads."""

    memory: int
    descriptors: int
    threads: int


def usage(pid: int) -> Usage:
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return Usage(int(status["VmRSS"].split()[0]), len(os.listdir(f"/proc/{pid}/fd")), int(status["Threads"]))


# --- acceptors --------------------------------------------------------------------------------------------------------

Scene = Callable[[Peer], object]


class Caller(Peer):
    """Whoever has connected to an acceptor of ours. What does not speak DICOM, such as a trial of TLS, is not heard."""

    def pdu(self) -> bytes:
        assert self.sock.recv(1, socket.MSG_PEEK) <= b"\7", "not a PDU"
        return super().pdu()


def until_gone(peer: Peer) -> None:
    """Say nothing, until the other side has had enough of it."""
    data = b""
    with contextlib.suppress(OSError):
        while not data.startswith(ABORT[:6]) and (piece := peer.sock.recv(65536)):
            data = (data + piece)[-10:]


def contexts_of(rq: bytes) -> list[tuple[int, bytes, bytes]]:
    """(id, abstract syntax, first transfer syntax) of every context that an A-ASSOCIATE-RQ proposes."""
    found = []
    for kind, body in _items(rq[74:]):
        if kind == 0x20:
            inner = list(_items(body[4:]))
            syntaxes = [raw for inner_kind, raw in inner if inner_kind == 0x40]
            found.append((body[0], inner[0][1], syntaxes[0]))
    return found


def _items(data: bytes) -> Iterable[tuple[int, bytes]]:
    while data:
        length = int.from_bytes(data[2:4], "big")
        yield data[0], data[4 : 4 + length]
        data = data[4 + length :]


def acceptance(results: Sequence[bytes], information: bytes = MAXIMUM_LENGTH + CLASS_UID, called: bytes = b"") -> bytes:
    """An A-ASSOCIATE-AC with these result items."""
    body = b"\0\1\0\0" + called.ljust(64, b"\0") + APPLICATION + b"".join(results) + item(0x50, information)
    return b"\2\0" + len(body).to_bytes(4, "big") + body


def result(number: int, syntax: bytes, reason: int = 0) -> bytes:
    return item(0x21, bytes((number, 0, reason, 0)) + item(0x40, syntax))


def accept_all(rq: bytes, information: bytes = MAXIMUM_LENGTH + CLASS_UID) -> bytes:
    """The answer that takes every context as it was proposed, and grants every role that was offered."""
    roles = b"".join(
        item(0x54, body) for kind, body in _items(rq[74:]) if kind == 0x50 for sub, body in _items(body) if sub == 0x54
    )
    return acceptance([result(number, syntax) for number, _, syntax in contexts_of(rq)], information + roles)


class Asked(NamedTuple):
    """A request that came in: on which context, its elements of group 0000, and whether a data set came with it."""

    context_id: int
    elements: dict[int, bytes]

    @property
    def field(self) -> int:
        return int.from_bytes(self.elements[0x0100], "little")

    def reply(self, status: int = 0, *more: tuple[int, bytes], data: int = 0x0101) -> bytes:
        """The proper response, as one PDU."""
        return self.say(
            (0x0100, us(self.field | 0x8000)),
            (0x0120, self.elements.get(0x0110, us(1))),
            (0x0800, us(data)),
            (0x0900, us(status)),
            *more,
        )

    def say(self, *elements: tuple[int, bytes]) -> bytes:
        return command(self.context_id, *sorted(elements))


def hear(peer: Peer) -> Asked | bytes:
    """The next command set, from however many fragments, or a PDU that has none. A data set has no elements here."""
    pdu = peer.pdu()
    if pdu[0] != 4:
        return pdu
    command_set = bytes(12)
    while not pdu[11] & 2:
        command_set += pdu[12:] if pdu[11] & 1 else b""
        pdu = peer.pdu()
    return Asked(pdu[10], elements_of(command_set + pdu[12:]) if pdu[11] & 1 else {})


def hear_request(peer: Peer) -> Asked:
    """The next DIMSE request, its data set dropped."""
    asked = hear(peer)
    assert isinstance(asked, Asked), words_of(asked)
    if asked.elements[0x0800] != us(0x0101):
        hear(peer)
    return asked


def associate(peer: Peer) -> bytes:
    """Take an association request, and everything it proposes."""
    rq = peer.pdu()
    peer.send(accept_all(rq))
    return rq


def be_good(peer: Peer) -> None:
    """Answer every request with success until the other side releases or goes."""
    with contextlib.suppress(AssertionError, OSError):
        while isinstance(asked := hear(peer), Asked) or asked[0] == 5:
            if isinstance(asked, bytes):
                peer.send(RELEASE_RP)
                return
            if asked.elements:
                peer.send(asked.reply())
