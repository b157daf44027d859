"""What may come in place of an association request, or as one, and what PS3.8 answers to it (9.2.3, Sta2).

AA-1 sends an A-ABORT of the service user, source 0, reason 0; ``closed`` is a connection that ends without a word.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from tests.hostile.peers import ABORT, CONTEXTS, CT, IMPLICIT, RELEASE_RP, RELEASE_RQ, VERIFICATION, context
from tests.wire import APPLICATION, CLASS_UID, CONTEXT, MAXIMUM_LENGTH, USER_INFORMATION, counted, item, request

INVALID = "abort 0 0"
TAKEN = "accept, released"


class Bad(NamedTuple):
    """``sent`` is followed by a release request where the answer is an acceptance."""

    name: str
    sent: bytes
    answer: str


def titled(called: bytes, calling: bytes = b"CALLING") -> bytes:
    titles = called.ljust(16)[:16] + calling.ljust(16)[:16] + bytes(32)
    return request(APPLICATION, CONTEXT, USER_INFORMATION, titles=titles)


def contexts(*items: bytes) -> bytes:
    return request(APPLICATION, *items, USER_INFORMATION)


def information(*items: bytes) -> bytes:
    return request(APPLICATION, CONTEXT, item(0x50, b"".join(items)))


def maximum(length: int) -> bytes:
    return information(item(0x51, length.to_bytes(4, "big")), CLASS_UID)


def patched(data: bytes, offset: int, *replacement: int) -> bytes:
    return data[:offset] + bytes(replacement) + data[offset + len(replacement) :]


def declared(length: int, data: bytes = b"") -> bytes:
    return b"\1\0" + length.to_bytes(4, "big") + data


NOT_DICOM = (
    Bad("HTTP", b"GET / HTTP/1.1\r\nHost: pacs\r\nUser-Agent: \x1b[2J\r\n\r\n", INVALID),
    Bad("HTTP POST", b"POST /wado HTTP/1.0\r\n\r\n" + b"x" * 5000, INVALID),
    Bad("TLS client hello", bytes.fromhex("16 03 01 00 05 01 00 00 01 00"), INVALID),
    Bad("SSLv2 client hello", bytes.fromhex("80 2e 01 00 02"), INVALID),
    Bad("SSH", b"SSH-2.0-scanner\r\n", INVALID),
    Bad("SMB", bytes.fromhex("00 00 00 85 ff 53 4d 42"), INVALID),
    Bad("RDP", bytes.fromhex("03 00 00 13 0e e0 00 00"), INVALID),
    Bad("HL7 over MLLP", b"\x0bMSH|^~\\&|A|B\r\x1c\r", INVALID),
    Bad("SIP", b"OPTIONS sip:nm SIP/2.0\r\n\r\n", INVALID),
    Bad("zeros", bytes(4096), INVALID),
    Bad("ones", b"\xff" * 4096, INVALID),
    Bad("a line of text", b"hello\r\n", INVALID),
    Bad("an empty line", b"\r\n", INVALID),
    Bad("PDU type 08H", bytes.fromhex("08 00 00000004 00000000"), INVALID),
)
OTHER_PDUS = (
    Bad("A-ASSOCIATE-AC", b"\2" + contexts(CONTEXT)[1:], INVALID),
    Bad("A-ASSOCIATE-RJ", bytes.fromhex("03 00 00000004 00 01 01 01"), INVALID),
    Bad("P-DATA-TF", bytes.fromhex("04 00 00000006 00000002 01 03"), INVALID),
    Bad("A-RELEASE-RQ", RELEASE_RQ, INVALID),
    Bad("A-RELEASE-RP", RELEASE_RP, INVALID),
    Bad("A-ABORT", ABORT, "closed"),
    Bad("A-ABORT of a reserved source", bytes.fromhex("07 00 00000004 ffff 01 ff"), "closed"),
    Bad("A-ABORT of 0 bytes", bytes.fromhex("07 00 00000000"), INVALID),
    Bad("A-ABORT of 4 GiB", bytes.fromhex("07 00 ffffffff"), INVALID),
)
LENGTHS = (
    Bad("a PDU of 0 bytes", declared(0), INVALID),
    Bad("a PDU of 67 bytes", declared(67, bytes(67)), INVALID),
    Bad("a PDU of fixed fields alone", declared(68, b"\0\1" + bytes(66)), INVALID),
    Bad("a PDU of 1 MiB and 1", declared((1 << 20) + 1), INVALID),
    Bad("a PDU of 2 GiB, nothing following", declared(0x80000000), INVALID),
    Bad("a PDU of 4 GiB, nothing following", declared(0xFFFFFFFF), INVALID),
    Bad("a PDU shorter than its items", patched(contexts(CONTEXT), 5, len(contexts(CONTEXT)) - 6 - 9), INVALID),
    Bad("a stray byte behind the items", request(APPLICATION, CONTEXT, USER_INFORMATION, b"\x7e"), INVALID),
    Bad("three stray bytes behind the items", request(APPLICATION, CONTEXT, USER_INFORMATION, bytes(3)), INVALID),
)
CONTEXT_ITEMS = (
    Bad("no context", request(APPLICATION, USER_INFORMATION), INVALID),
    Bad("128 contexts", contexts(*(context(n, CT, IMPLICIT) for n in range(1, 256, 2))), TAKEN),
    Bad("129 contexts", contexts(*(context(n, CT, IMPLICIT) for n in range(1, 258, 2) if n < 256), CONTEXT), INVALID),
    Bad("100,000 contexts", contexts(*[CONTEXT] * 10_000), INVALID),
    Bad("an id twice", contexts(CONTEXT, CONTEXT), INVALID),
    Bad("an even id", contexts(context(2, CT, IMPLICIT)), INVALID),
    Bad("id 0", contexts(context(0, CT, IMPLICIT)), INVALID),
    Bad("id 255", contexts(context(255, CT, IMPLICIT)), TAKEN),
    Bad("ids out of order", contexts(context(5, CT, IMPLICIT), context(1, VERIFICATION, IMPLICIT)), TAKEN),
    Bad("no abstract syntax", contexts(item(0x20, b"\1\0\0\0" + item(0x40, IMPLICIT))), TAKEN),
    Bad("two abstract syntaxes", contexts(item(0x20, b"\1\0\0\0" + item(0x30, CT) * 2 + item(0x40, IMPLICIT))), TAKEN),
    Bad("no transfer syntax", contexts(context(1, VERIFICATION)), TAKEN),
    Bad("a transfer syntax twice", contexts(context(1, CT, IMPLICIT, IMPLICIT)), TAKEN),
    Bad("300 transfer syntaxes", contexts(context(1, CT, *(b"1.2.%d" % n for n in range(300)))), TAKEN),
    Bad("transfer syntax 'unknown'", contexts(context(1, CT, b"unknown")), TAKEN),
    Bad("transfer syntax of escapes", contexts(context(1, CT, b"\x1b[2J../../\0")), TAKEN),
    Bad("an empty transfer syntax", contexts(context(1, CT, b"")), TAKEN),
    Bad("UIDs of 200 characters", contexts(context(1, b"1." * 100, b"2." * 100)), TAKEN),
    Bad("UIDs of 60,000 characters", contexts(context(1, b"1" * 30_000, b"2" * 30_000)), TAKEN),
    Bad("padded UIDs", contexts(context(1, CT + b"\0", IMPLICIT + b" ")), TAKEN),
    Bad("a context of 3 bytes", contexts(item(0x20, b"\1\0\0")), INVALID),
    Bad("an empty context", contexts(item(0x20, b"")), INVALID),
    Bad("a result item", contexts(item(0x21, b"\1\0\0\0" + item(0x40, IMPLICIT)), CONTEXT), TAKEN),
)
TITLES = tuple(
    Bad(f"title {name}", titled(title, title), TAKEN)
    for name, title in (
        ("blank", b""),
        ("of NUL", bytes(16)),
        ("of escapes", b"\x1b]0;owned\x07\x1b[31m"),
        ("of line breaks", b"A\r\nERROR: B\r\n\r\n"),
        ("of a path", b"../../../../etc"),
        ("of dots", b".."),
        ("of shell words", b"$(reboot);`id`|&"),
        ("of markup", b"[bold][/][link=x"),
        ("beyond ASCII", b"M\xdcNCHEN\xff\xfe\x80"),
        ("of a backslash", b"A\\B"),
        ("of bidirectional marks", b"\xe2\x80\xaeSCAP"),
        ("of format characters", b"%s%s%n{0}{}{x}"),
        ("padded with NUL", b"CT1\0\0\0"),
        ("with space in front", b"   CT1"),
    )
)
VERSIONS = (
    Bad("version FFFFH", patched(contexts(CONTEXT), 6, 0xFF, 0xFF), TAKEN),
    Bad("version 2", patched(contexts(CONTEXT), 6, 0, 2), "reject 1 2 2"),
    Bad("version 0", patched(contexts(CONTEXT), 6, 0, 0), "reject 1 2 2"),
    Bad("another application context", request(item(0x10, b"1.2.3"), CONTEXT, USER_INFORMATION), "reject 1 1 2"),
    Bad("an empty application context", request(item(0x10, b""), CONTEXT, USER_INFORMATION), "reject 1 1 2"),
    Bad("no application context", request(CONTEXT, USER_INFORMATION), "reject 1 1 2"),
    Bad("an application context of 60,000 bytes", request(item(0x10, b"1" * 60_000), CONTEXT), INVALID),
    Bad("reserved bytes set", patched(contexts(CONTEXT), 8, 0xFF, 0xFF), TAKEN),
    Bad("reserved byte of the PDU set", patched(contexts(CONTEXT), 1, 0xFF), TAKEN),
    Bad("items in reverse", request(USER_INFORMATION, CONTEXT, APPLICATION), TAKEN),
    Bad("unknown items", request(item(0x7E, b"x" * 99), APPLICATION, CONTEXT, USER_INFORMATION, item(0, b"")), TAKEN),
    Bad("nothing but unknown items", request(item(0x7E, b"x" * 99) * 100), INVALID),
    Bad("1 MiB of empty items", request(APPLICATION, item(0x7E, b"") * 262_000), INVALID),
)
USER_ITEMS = (
    Bad("no user information", request(APPLICATION, CONTEXT), INVALID),
    Bad("user information twice", request(APPLICATION, CONTEXT, USER_INFORMATION, USER_INFORMATION), INVALID),
    Bad("empty user information", information(), TAKEN),
    Bad("no implementation class", information(MAXIMUM_LENGTH), TAKEN),
    Bad("maximum length 0", maximum(0), TAKEN),
    Bad("maximum length 1", maximum(1), "abort 2 6"),
    Bad("maximum length 7", maximum(7), "abort 2 6"),
    Bad("maximum length 8", maximum(8), TAKEN),
    Bad("maximum length 4 GiB", maximum(0xFFFFFFFF), TAKEN),
    Bad("maximum length of 2 bytes", information(item(0x51, b"\0\0"), CLASS_UID), INVALID),
    Bad("maximum length of 8 bytes", information(item(0x51, bytes(8)), CLASS_UID), TAKEN),
    Bad("a class UID of 60,000 bytes", information(MAXIMUM_LENGTH, item(0x52, b"1" * 60_000)), TAKEN),
    Bad("an asynchronous window of 0", information(MAXIMUM_LENGTH, item(0x53, bytes(4))), TAKEN),
    Bad("an asynchronous window of 1 byte", information(MAXIMUM_LENGTH, item(0x53, b"\1")), INVALID),
    Bad("a role without a class", information(MAXIMUM_LENGTH, item(0x54, b"\0\0\1\1")), TAKEN),
    Bad("a role past its item", information(MAXIMUM_LENGTH, item(0x54, b"\xff\xff1.2\1\1")), INVALID),
    Bad("a role without roles", information(MAXIMUM_LENGTH, item(0x54, counted(CT))), INVALID),
    Bad("role values of 255", information(MAXIMUM_LENGTH, item(0x54, counted(CT) + b"\xff\xff")), TAKEN),
    Bad("4,000 roles", information(*(item(0x54, counted(b"1.%d" % n) + b"\1\1") for n in range(4000))), TAKEN),
    Bad("a version name of escapes", information(MAXIMUM_LENGTH, item(0x55, b"\x1b[2J\r\n[red]")), TAKEN),
    Bad("a version name of 60,000 bytes", information(MAXIMUM_LENGTH, item(0x55, b"V" * 60_000)), TAKEN),
    Bad("extended negotiation past its item", information(MAXIMUM_LENGTH, item(0x56, b"\xff\xff1.2")), TAKEN),
    Bad("extended negotiation of 1 byte", information(MAXIMUM_LENGTH, item(0x56, b"\0")), INVALID),
    Bad("common negotiation past its item", information(MAXIMUM_LENGTH, item(0x57, b"\0\1\x31\x7f\xff")), INVALID),
    Bad(
        "related classes past their list",
        information(MAXIMUM_LENGTH, item(0x57, counted(CT) + counted(CT) + counted(b"\0\x09\x31"))),
        INVALID,
    ),
    Bad("an identity of no known type", information(MAXIMUM_LENGTH, item(0x58, b"\xff\1\0\0\0\0")), TAKEN),
    Bad("an identity past its item", information(MAXIMUM_LENGTH, item(0x58, b"\2\1\x80\0user\0\0")), INVALID),
    Bad("an identity of escapes", information(MAXIMUM_LENGTH, item(0x58, b"\1\0" + counted(b"\x1b[2J\n../"))), TAKEN),
    Bad(
        "an identity of 60,000 bytes", information(MAXIMUM_LENGTH, item(0x58, b"\5\0" + counted(b"j" * 60_000))), TAKEN
    ),
    Bad("items inside items", information(MAXIMUM_LENGTH, item(0x50, item(0x50, item(0x50, CLASS_UID)))), TAKEN),
)


def _everything() -> bytes:
    """A request that has every item there is."""
    return request(
        APPLICATION,
        CONTEXTS[0],
        item(
            0x50,
            MAXIMUM_LENGTH
            + CLASS_UID
            + item(0x53, b"\0\1\0\1")
            + item(0x54, counted(CT) + b"\0\1")
            + item(0x55, b"VERSION")
            + item(0x56, counted(CT) + b"\1")
            + item(0x57, counted(CT) + counted(CT) + counted(counted(CT)))
            + item(0x58, b"\2\0" + counted(b"user") + counted(b"password")),
        ),
    )


EVERYTHING = _everything()


def _length_fields(data: bytes, at: int, end: int) -> Iterator[tuple[str, int, int]]:
    """(name, offset of its length, bytes behind it in its container) of every item, the inner ones too."""
    while at < end:
        kind, length = data[at], int.from_bytes(data[at + 2 : at + 4], "big")
        yield f"item {kind:02X}H", at + 2, end - at - 4
        if kind == 0x20:
            yield from _length_fields(data, at + 8, at + 4 + length)
        elif kind == 0x50:
            yield from _length_fields(data, at + 4, at + 4 + length)
        elif kind in (0x54, 0x57):
            yield f"UID in item {kind:02X}H", at + 4, length - 2
        elif kind == 0x58:
            yield "field in item 58H", at + 6, length - 4
        at += 4 + length


def _wrong_lengths() -> Iterator[Bad]:
    """Every length of ``EVERYTHING`` in turn: one more than its container has, and all that look negative or huge."""
    for name, at, room in _length_fields(EVERYTHING, 74, len(EVERYTHING)):
        for length in (room + 1, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF):
            yield Bad(f"{name} of {length} bytes", patched(EVERYTHING, at, *length.to_bytes(2, "big")), INVALID)


def _off_by_one() -> Iterator[bytes]:
    """Every length of ``EVERYTHING`` in turn one off, odd, or zero: what follows is read as something else then."""
    for _, at, _ in _length_fields(EVERYTHING, 74, len(EVERYTHING)):
        true = int.from_bytes(EVERYTHING[at : at + 2], "big")
        for length in {0, 1, true - 1, true + 1, true + 2}:
            yield patched(EVERYTHING, at, *struct.pack(">H", length))


REQUESTS = (
    *NOT_DICOM,
    *OTHER_PDUS,
    *LENGTHS,
    *CONTEXT_ITEMS,
    *TITLES,
    *VERSIONS,
    *USER_ITEMS,
    *_wrong_lengths(),
    Bad("every item there is", EVERYTHING, TAKEN),
)
SHIFTED = tuple(_off_by_one())
