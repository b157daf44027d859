"""What may come on an association, and what is answered (PS3.8 9.2.3 Sta6: AA-8, and table 9-26; PS3.7 9.3, annex C).

Reasons of an A-ABORT by the provider: 1 unrecognized PDU, 2 unexpected PDU, 5 unexpected and 6 invalid parameter.
"""

import struct
from typing import NamedTuple

from tests.hostile.peers import (
    ABORT,
    CT,
    ECHO,
    FIND,
    GET,
    MOVE,
    MR,
    PROPER,
    REFUSED,
    RELEASE_RP,
    RELEASE_RQ,
    STORE,
    STUDY_FIND,
    STUDY_GET,
    STUDY_MOVE,
    VERIFICATION,
    ct_object,
    dimse,
    echo,
    fragments,
    nested,
    query,
    store,
    value,
)
from tests.scripted import command, p_data, us
from tests.wire import element, pdata, pdv

UNEXPECTED_PDU, UNRECOGNIZED, UNEXPECTED_PARAMETER, INVALID_PARAMETER = (f"abort 2 {n}" for n in (2, 1, 5, 6))
FINE = "status 0000, released"
AS_USER = "abort 0 0"


class Bad(NamedTuple):
    """A release request follows ``sent``: whoever is still there answers it."""

    name: str
    sent: bytes
    answer: str


def echo_with(*elements: bytes, field: int = 0x30) -> bytes:
    """A C-ECHO request whose command set is that of ``echo`` and then ``elements``."""
    return p_data(ECHO, 3, dimse(field, 1, VERIFICATION) + b"".join(elements))


def without(tag: int) -> bytes:
    """A C-ECHO request that lacks one element."""
    elements = {0x0002: VERIFICATION + b"\0", 0x0100: us(0x30), 0x0110: us(1), 0x0800: us(0x0101)}
    return command(ECHO, *((each, raw) for each, raw in elements.items() if each != tag))


def raw(data: bytes) -> bytes:
    return p_data(ECHO, 3, data)


def declaring(length: int, body: bytes = b"") -> bytes:
    """A P-DATA-TF that claims ``length`` bytes."""
    return b"\4\0" + length.to_bytes(4, "big") + body


def pdv_of(length: int, body: bytes = bytes(44)) -> bytes:
    """A P-DATA-TF of one PDV that claims ``length`` bytes."""
    return pdata(struct.pack(">IBB", length, ECHO, 3) + body)


def drops(data: bytes, size: int) -> bytes:
    """A command set in fragments of ``size`` bytes, one PDU each."""
    starts = range(0, len(data), size)
    return b"".join(p_data(ECHO, 1 | 2 * (at + size >= len(data)), data[at : at + size]) for at in starts)


ECHO_RQ = dimse(0x30, 1, VERIFICATION)
PDUS = (
    Bad("a second A-ASSOCIATE-RQ", PROPER, UNEXPECTED_PDU),
    Bad("A-ASSOCIATE-AC", b"\2" + PROPER[1:], UNEXPECTED_PDU),
    Bad("A-ASSOCIATE-RJ", bytes.fromhex("03 00 00000004 00 01 01 01"), UNEXPECTED_PDU),
    Bad("A-RELEASE-RP", RELEASE_RP, UNEXPECTED_PDU),
    Bad("A-ABORT", ABORT, "closed"),
    Bad("A-ABORT, then more", ABORT + echo() * 3, "closed"),
    Bad("A-RELEASE-RQ twice", RELEASE_RQ, "released"),
    Bad("A-RELEASE-RQ, then a request", RELEASE_RQ + echo(), "released"),
    Bad("A-RELEASE-RQ of 0 bytes", bytes.fromhex("05 00 00000000"), INVALID_PARAMETER),
    Bad("A-RELEASE-RQ of 8 bytes", bytes.fromhex("05 00 00000008") + bytes(8), INVALID_PARAMETER),
    Bad("A-ABORT of 4 GiB", bytes.fromhex("07 00 ffffffff"), INVALID_PARAMETER),
    Bad("PDU type 00H", bytes(10), UNRECOGNIZED),
    Bad("PDU type 08H", bytes.fromhex("08 00 00000004 00000000"), UNRECOGNIZED),
    Bad("PDU type FFH", b"\xff" * 100, UNRECOGNIZED),
    Bad("HTTP", b"GET / HTTP/1.1\r\n\r\n", UNRECOGNIZED),
)
PDVS = (
    Bad("an empty P-DATA-TF", declaring(0), INVALID_PARAMETER),
    Bad("a P-DATA-TF of 5 bytes", declaring(5, bytes(5)), INVALID_PARAMETER),
    Bad("a P-DATA-TF of 2 GiB", declaring(0x80000000), INVALID_PARAMETER),
    Bad("a P-DATA-TF of 4 GiB", declaring(0xFFFFFFFF), INVALID_PARAMETER),
    Bad("a PDV of length 0", pdv_of(0), INVALID_PARAMETER),
    Bad("a PDV of length 1", pdv_of(1), INVALID_PARAMETER),
    Bad("a PDV one past its PDU", pdv_of(47), INVALID_PARAMETER),
    Bad("a PDV of 2 GiB", pdv_of(0x80000000), INVALID_PARAMETER),
    Bad("a PDV of FFFFFFFCH", pdv_of(0xFFFFFFFC), INVALID_PARAMETER),
    Bad("a PDV of FFFFFFFFH", pdv_of(0xFFFFFFFF), INVALID_PARAMETER),
    *(Bad(f"{n} stray bytes behind a PDV", pdata(pdv(ECHO, 3, ECHO_RQ), bytes(n)), "") for n in range(1, 6)),
    Bad("a PDV for an unknown context", p_data(99, 3, ECHO_RQ), UNEXPECTED_PARAMETER),
    Bad("a PDV for a refused context", p_data(REFUSED, 3, ECHO_RQ), UNEXPECTED_PARAMETER),
    Bad("a PDV for context 0", p_data(0, 3, ECHO_RQ), UNEXPECTED_PARAMETER),
    Bad("a PDV for an even context", p_data(2, 3, ECHO_RQ), UNEXPECTED_PARAMETER),
    Bad("reserved bits of the control header", p_data(ECHO, 0xFF, ECHO_RQ), FINE),
    Bad("two requests in one PDU", pdata(pdv(ECHO, 3, ECHO_RQ) * 2), "status 0000, status 0000, released"),
    Bad("a PDU larger than we announced", p_data(STORE, 0, bytes(1 << 18)), UNEXPECTED_PARAMETER),
)
COMMAND_SETS = (
    Bad("no group length", raw(ECHO_RQ), FINE),
    Bad("a wrong group length", raw(element(0, b"\xff\xff\xff\xff") + ECHO_RQ), FINE),
    Bad("a group length of 2 bytes", raw(element(0, b"\4\0") + ECHO_RQ), FINE),
    Bad("elements of other groups", echo_with(value(0x00080018, b"1.2"), value(0x7FE00010, bytes(99))), FINE),
    Bad("an element twice", echo_with(element(0x0110, us(9))), FINE),
    Bad(
        "elements in reverse",
        raw(element(0x0800, us(0x101)) + element(0x0110, us(1)) + dimse(0x30, 1, VERIFICATION)),
        FINE,
    ),
    Bad("retired and unknown elements", echo_with(element(0x5110, bytes(8)), element(0x0010, b"x")), FINE),
    Bad("an empty command set", raw(b""), INVALID_PARAMETER),
    Bad("a command set of 1 byte", raw(b"\0"), INVALID_PARAMETER),
    Bad("a command set of a header", raw(ECHO_RQ + bytes(7)), INVALID_PARAMETER),
    Bad("a command set of zeros", raw(bytes(8000)), INVALID_PARAMETER),
    Bad("an element past the end", raw(ECHO_RQ[:-2]), INVALID_PARAMETER),
    Bad("an element of 4 GiB", raw(ECHO_RQ + struct.pack("<HHI", 0, 0x0901, 0xFFFFFFFF)), INVALID_PARAMETER),
    Bad("explicit VR", raw(bytes.fromhex("00000000 554c 0400 38000000 00000201 5553 0200 3000")), INVALID_PARAMETER),
    Bad("a command set of 10 MB", b"".join([p_data(ECHO, 1, bytes(16000))] * 640), INVALID_PARAMETER),
    Bad(
        "a command set of 1 GB in one PDV",
        declaring(0x0FFFFFFF, struct.pack(">IBB", 0x0FFFFFFB, ECHO, 1)),
        INVALID_PARAMETER,
    ),
    Bad("a message id of 1 byte", raw(struct.pack("<HHIB", 0, 0x0110, 1, 1) + without(0x0110)[12:]), INVALID_PARAMETER),
    Bad("a message id of 8 bytes", raw(element(0x0110, us(1) * 4) + without(0x0110)[12:]), FINE),
    Bad("no message id", without(0x0110), INVALID_PARAMETER),
    Bad("an empty message id", raw(element(0x0110, b"") + without(0x0110)[12:]), INVALID_PARAMETER),
    Bad("no data set type", without(0x0800), INVALID_PARAMETER),
    Bad("no command field", without(0x0100), INVALID_PARAMETER),
    Bad("no SOP class", without(0x0002), FINE),
    Bad("another SOP class", raw(dimse(0x30, 1, CT)), "status 0122, released"),
    Bad("a SOP class of escapes", raw(dimse(0x30, 1, b"\x1b[2J../../" * 500)), "status 0122, released"),
    Bad("a command in 2,000 empty fragments", p_data(ECHO, 1, b"") * 2000 + echo(), FINE),
    Bad("a command in drops of 2 bytes", drops(ECHO_RQ, 2), FINE),
    Bad("a command in drops of 1 byte", drops(ECHO_RQ, 1), FINE),
    Bad("an empty last fragment", p_data(ECHO, 1, ECHO_RQ) + p_data(ECHO, 3, b""), FINE),
)
OPERATIONS = (
    Bad("an unknown operation", echo_with(field=0x0055), "status 0211, released"),
    Bad("operation 0", echo_with(field=0), "status 0211, released"),
    Bad("operation FFFFH", echo_with(field=0xFFFF), "released"),
    Bad("N-DELETE", echo_with(field=0x0150), "status 0211, released"),
    Bad(
        "a response that nobody asked for",
        command(ECHO, (0x100, us(0x8030)), (0x120, us(1)), (0x800, us(0x101)), (0x900, us(0))),
        UNEXPECTED_PDU,
    ),
    Bad(
        "an unknown response",
        command(ECHO, (0x100, us(0x8055)), (0x120, us(1)), (0x800, us(0x101)), (0x900, us(0))),
        UNEXPECTED_PDU,
    ),
    Bad("C-CANCEL for nothing", command(ECHO, (0x100, us(0xFFF)), (0x120, us(7)), (0x800, us(0x101))) + echo(), FINE),
    Bad("C-CANCEL without a message id", command(ECHO, (0x100, us(0xFFF)), (0x800, us(0x101))), INVALID_PARAMETER),
    Bad("1,000 C-CANCELs", command(ECHO, (0x100, us(0xFFF)), (0x120, us(7)), (0x800, us(0x101))) * 1000, "released"),
    Bad("the same message id twice", echo() * 2, "status 0000, status 0000, released"),
    Bad("message id 0", echo(0), FINE),
    Bad("C-STORE on Verification", store(context_id=ECHO) + fragments(ECHO, ct_object()), "status 0122, released"),
    Bad("C-STORE of another class", store(sop_class=MR) + fragments(STORE, ct_object()), "status 0122, released"),
    Bad("C-ECHO on storage", echo(context_id=STORE), "status 0122, released"),
    Bad("C-FIND on storage", query(0x20, STORE, CT, value(0x00080052, b"STUDY ")), "status 0211, released"),
)
DATA_SETS = (
    Bad(
        "a data set that nobody announced", echo() + fragments(ECHO, bytes(99)), "status 0000, " + UNEXPECTED_PARAMETER
    ),
    Bad("a data set before any command", fragments(STORE, ct_object()), UNEXPECTED_PARAMETER),
    Bad("a command where the data set is due", store() + echo(), UNEXPECTED_PARAMETER),
    Bad("a release where the data set is due", store(), AS_USER),
    Bad("a release within the data set", store() + p_data(STORE, 0, bytes(16)), AS_USER),
    Bad("another store where the data set is due", store() * 2, UNEXPECTED_PARAMETER),
    Bad(
        "C-STORE that says it has no data set",
        p_data(STORE, 3, dimse(1, 1, CT, (0x1000, b"1.2.3.4\0"))),
        "status A900, released",
    ),
    Bad(
        "fragments of two contexts",
        store() + p_data(STORE, 0, bytes(16)) + p_data(ECHO, 0, bytes(16)),
        UNEXPECTED_PARAMETER,
    ),
    Bad(
        "a command of two contexts",
        p_data(ECHO, 1, ECHO_RQ[:20]) + p_data(STORE, 3, ECHO_RQ[20:]),
        UNEXPECTED_PARAMETER,
    ),
    Bad("data within a command", p_data(ECHO, 1, ECHO_RQ[:20]) + p_data(ECHO, 0, bytes(8)), UNEXPECTED_PARAMETER),
    Bad(
        "a fragment after the last",
        store(b"1.9.1") + fragments(STORE, ct_object(b"1.9.1")) + p_data(STORE, 2, b"xx"),
        "status 0000, " + UNEXPECTED_PARAMETER,
    ),
    Bad(
        "a data set of 0x0202", p_data(ECHO, 3, dimse(0x30, 1, VERIFICATION, data=0x0202)) + p_data(ECHO, 2, b""), FINE
    ),
)
IDENTIFIERS = tuple(
    Bad(f"C-FIND {name}", query(0x20, FIND, STUDY_FIND, identifier), answer)
    for name, identifier, answer in (
        ("of nothing", b"", "status A900, released"),
        ("of garbage", b"\xff" * 999, "status A900, released"),
        ("of text", b"SELECT * FROM studies; --" * 40, "status A900, released"),
        ("of zeros", bytes(100_000), "status A900, released"),
        (
            "past its end",
            value(0x00080052, b"STUDY ") + struct.pack("<HHI", 0x10, 0x20, 0x7FFFFFFF),
            "status A900, released",
        ),
        ("without a level", value(0x00100020, b"P1"), "status A900, released"),
        ("of level ../", value(0x00080052, b"../../"), "status A900, released"),
        ("nested 10,000 deep", value(0x00080052, b"STUDY ") + nested(10_000), "status A900, released"),
        (
            "nested 3,000 deep in defined lengths",
            value(0x00080052, b"STUDY ") + nested(3000, undefined=False),
            "status A900, released",
        ),
        (
            "nested 3,000 deep in what nobody knows",
            value(0x00080052, b"STUDY ") + nested(3000, undefined=False, tag=0x00091001),
            FINE,
        ),
        ("nested 60 deep", value(0x00080052, b"STUDY ") + nested(60), FINE),
        ("of a whole file", bytes(128) + b"DICM" + value(0x00080052, b"STUDY "), FINE),
        ("of 2 MB", value(0x00080052, b"STUDY ") + value(0x00100010, b"x" * (2 << 20)), "abort 0 0"),
        (
            "with 100,000 values",
            value(0x00080052, b"STUDY ") + value(0x00100020, b"x\\" * 100_000),
            "status A900, released",
        ),
        ("with 100,000 UIDs", value(0x00080052, b"STUDY ") + value(0x0020000D, b"1.2\\" * 100_000), FINE),
        (
            "with 500,000 asterisks",
            value(0x00080052, b"STUDY ") + value(0x00100010, b"*a" * 250_000),
            "status A900, released",
        ),
        (
            "with bytes that are no UTF-8",
            value(0x00080005, b"ISO_IR 192")
            + value(0x00080052, b"STUDY ")
            + value(0x00100020, b"\xff\xfe")
            + value(0x00100010, b"\xff*"),
            FINE,
        ),
        (
            "with an unknown character set",
            value(0x00080005, b"\x1b[2J\\\\ISO 2022 IR 999")
            + value(0x00080052, b"STUDY ")
            + value(0x00100010, b"\x1b$B\xff\xff"),
            FINE,
        ),
        ("with a UID beyond ASCII", value(0x00080052, b"STUDY ") + value(0x0020000D, b"1.2.\xff\x80"), FINE),
        (
            "with dates that are none",
            value(0x00080020, b"99999999-00000000") + value(0x00080030, b"\xff-\xff") + value(0x00080052, b"STUDY "),
            FINE,
        ),
        (
            "with a sequence as a string",
            value(0x00080052, b"STUDY ") + value(0x00081032, b"\xff" * 30),
            "status A900, released",
        ),
    )
)
RETRIEVALS = (
    Bad(
        "C-MOVE to ../",
        query(
            0x21,
            MOVE,
            STUDY_MOVE,
            value(0x00080052, b"STUDY ") + value(0x0020000D, b"1.2.3"),
            (0x0600, b"../../../etc\x1b[2J"[:16]),
        ),
        "status A801, released",
    ),
    Bad(
        "C-MOVE to nobody",
        query(0x21, MOVE, STUDY_MOVE, value(0x00080052, b"STUDY ") + value(0x0020000D, b"1.2.3"), (0x0600, b"")),
        "status A801, released",
    ),
    Bad(
        "C-MOVE without keys",
        query(0x21, MOVE, STUDY_MOVE, value(0x00080052, b"STUDY "), (0x0600, b"X ")),
        "status A900, released",
    ),
    Bad("C-GET of garbage", query(0x10, GET, STUDY_GET, b"\xff" * 99), "status A900, released"),
    Bad(
        "C-GET of nothing known",
        query(0x10, GET, STUDY_GET, value(0x00080052, b"STUDY ") + value(0x0020000D, b"9.9")),
        FINE,
    ),
    Bad(
        "C-GET nested 10,000 deep",
        query(0x10, GET, STUDY_GET, value(0x00080052, b"STUDY ") + nested(10_000)),
        "status A900, released",
    ),
    Bad(
        "C-GET of bytes beyond ASCII",
        query(0x10, GET, STUDY_GET, value(0x00080052, b"STUDY ") + value(0x0020000D, b"\xff\xfe")),
        FINE,
    ),
    Bad(
        "C-FIND on the C-GET context",
        query(0x20, GET, STUDY_GET, value(0x00080052, b"STUDY ")),
        "status 0211, released",
    ),
)
MESSAGES = (
    *PDUS,
    *(bad if bad.answer else bad._replace(answer=f"status 0000, {INVALID_PARAMETER}") for bad in PDVS),
    *COMMAND_SETS,
    *OPERATIONS,
    *DATA_SETS,
)
