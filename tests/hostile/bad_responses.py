"""What an acceptor may say once it has accepted, and the exit status that every command must end with.

``RESPONSES`` come where the response to our first DIMSE request is due, ``IDENTIFIERS`` and ``COUNTS`` in otherwise
good responses to a query or a retrieval, ``FAREWELLS`` where the release is to be answered.
"""

import contextlib
import socket
import struct
import time
from collections.abc import Callable

from tests.hostile.bad_answers import (
    ABORTED,
    DONE,
    FAILED,
    JUNK,
    NOT_DICOM,
    PARTLY,
    TIMED_OUT,
    Bad,
    declared,
    drip,
    ends,
    resets,
)
from tests.hostile.peers import (
    ABORT,
    RELEASE_RP,
    RELEASE_RQ,
    Asked,
    Scene,
    acceptance,
    associate,
    be_good,
    fragments,
    hear,
    hear_request,
    nested,
    until_gone,
    value,
)
from tests.scripted import Peer, p_data, us
from tests.wire import pdata, pdv


def responds(make: Callable[[Asked], bytes], then: Scene = be_good) -> Scene:
    """Accept everything; answer the first request with what ``make`` makes of it."""

    def scene(peer: Peer) -> None:
        associate(peer)
        with contextlib.suppress(OSError):  # the other side may have had enough
            peer.send(make(hear_request(peer)))
            then(peer)

    return scene


def field(asked: Asked, number: int) -> bytes:
    """A response under another command field."""
    return asked.say((0x0100, us(number)), (0x0120, asked.elements[0x0110]), (0x0800, us(0x0101)), (0x0900, us(0)))


def lacking(tag: int) -> Callable[[Asked], bytes]:
    """A response without one of its elements."""
    elements = {0x0100: 0, 0x0120: 0, 0x0800: 0x0101, 0x0900: 0}

    def make(asked: Asked) -> bytes:
        values = {each: us(number) for each, number in elements.items()}
        values |= {0x0100: us(asked.field | 0x8000), 0x0120: asked.elements[0x0110]}
        return asked.say(*((each, raw) for each, raw in values.items() if each != tag))

    return make


def on(context_id: int) -> Callable[[Asked], bytes]:
    return lambda asked: asked._replace(context_id=context_id).reply()


def cut(asked: Asked) -> bytes:
    return asked.reply()[:30]


RESPONSES = (
    Bad("silence", responds(lambda asked: b"", then=until_gone), (TIMED_OUT,)),
    Bad("the end", responds(lambda asked: b"", then=ends), (ABORTED,)),
    Bad("a reset", responds(lambda asked: b"", then=resets), (ABORTED,)),
    Bad("an A-ABORT", responds(lambda asked: ABORT), (ABORTED,)),
    Bad("a release request", responds(lambda asked: RELEASE_RQ, then=until_gone), (ABORTED,)),
    Bad("a release response", responds(lambda asked: RELEASE_RP, then=until_gone), (NOT_DICOM,)),
    Bad("half a response, then silence", responds(cut, then=until_gone), (TIMED_OUT,)),
    Bad("half a response, then the end", responds(cut, then=ends), (ABORTED,)),
    Bad("drops", lambda peer: (associate(peer), drip(hear_request(peer).reply())(peer)), (TIMED_OUT,)),
    Bad("an unknown PDU", responds(lambda asked: bytes(10)), (NOT_DICOM,)),
    Bad("HTTP", responds(lambda asked: b"HTTP/1.1 200 OK\r\n\r\n"), (NOT_DICOM,)),
    Bad("an empty P-DATA-TF", responds(lambda asked: declared(4, 0)), (NOT_DICOM,)),
    Bad("a P-DATA-TF of 4 GiB", responds(lambda asked: declared(4, 0xFFFFFFFF)), (NOT_DICOM,)),
    Bad(
        "a PDV of 4 GiB", responds(lambda asked: pdata(struct.pack(">IBB", 0xFFFFFFFF, 1, 3) + bytes(9))), (NOT_DICOM,)
    ),
    Bad("a PDV of length 0", responds(lambda asked: pdata(bytes(8))), (NOT_DICOM,)),
    Bad("a PDV of length 1", responds(lambda asked: pdata(b"\0\0\0\1\1" + bytes(3))), (NOT_DICOM,)),
    Bad("context 253", responds(on(253)), (NOT_DICOM,)),
    Bad("context 0", responds(on(0)), (NOT_DICOM,)),
    Bad(
        "an unknown message id",
        responds(lambda asked: asked._replace(elements=asked.elements | {0x0110: us(999)}).reply()),
        (NOT_DICOM,),
    ),
    Bad("another operation's response", responds(lambda asked: field(asked, 0x8140)), (NOT_DICOM,)),
    Bad("an unknown operation's response", responds(lambda asked: field(asked, 0x8055)), (NOT_DICOM,)),
    Bad("the request itself", responds(lambda asked: asked.say(*asked.elements.items())), (NOT_DICOM, TIMED_OUT)),
    Bad("no status", responds(lacking(0x0900)), (NOT_DICOM,)),
    Bad("no message id", responds(lacking(0x0120)), (NOT_DICOM,)),
    Bad("no command field", responds(lacking(0x0100)), (NOT_DICOM,)),
    Bad("no data set type", responds(lacking(0x0800)), (NOT_DICOM,)),
    Bad("an empty command set", responds(lambda asked: p_data(asked.context_id, 3, b"")), (NOT_DICOM,)),
    Bad("a command set of garbage", responds(lambda asked: p_data(asked.context_id, 3, b"\xff" * 99)), (NOT_DICOM,)),
    Bad(
        "a command set of 10 MB", responds(lambda asked: p_data(asked.context_id, 1, bytes(16000)) * 640), (NOT_DICOM,)
    ),
    Bad(
        "a data set that nobody announced", responds(lambda asked: p_data(asked.context_id, 2, bytes(8))), (NOT_DICOM,)
    ),
    Bad(
        "a data set that never comes",
        responds(lambda asked: asked.reply(data=0x0202), then=until_gone),
        (TIMED_OUT, DONE),
    ),
    Bad(
        "a data set of another context",
        responds(lambda asked: asked.reply(data=1) + p_data(asked.context_id ^ 2, 2, bytes(8))),
        (NOT_DICOM, DONE),
    ),
    Bad("a status of failure", responds(lambda asked: asked.reply(0xA700)), (FAILED, PARTLY)),
    Bad("a status of no known kind", responds(lambda asked: asked.reply(0x7777)), (FAILED, PARTLY)),
    Bad(
        "a comment of escapes",
        responds(lambda asked: asked.reply(0xC001, (0x0902, b"\x1b[2J[bold]\r\nERROR " + JUNK[:1]))),
        (FAILED, PARTLY),
    ),
    Bad(
        "a comment of 60,000 bytes",
        responds(lambda asked: asked.reply(0xC001, (0x0902, b"\x07" * 60_000))),
        (FAILED, PARTLY),
    ),
    Bad(
        "60,000 bytes of offending elements",
        responds(lambda asked: asked.reply(0xC001, (0x0901, bytes(60_000)))),
        (FAILED, PARTLY),
    ),
    Bad(
        "a success with a data set",
        responds(lambda asked: asked.reply(data=1) + fragments(asked.context_id, bytes(10_000))),
        (DONE, PARTLY),
    ),
    Bad(
        "a response in one-byte fragments",
        responds(
            lambda asked: (
                b"".join(p_data(asked.context_id, 1, bytes((each,))) for each in asked.reply()[12:])
                + p_data(asked.context_id, 3, b"")
            )
        ),
        (DONE, PARTLY),
    ),
    Bad("a response twice", responds(lambda asked: asked.reply() * 2), (DONE, PARTLY, NOT_DICOM)),
)
ENDLESS_EMPTY = Bad(
    "empty fragments without end",
    lambda peer: (associate(peer), _flood(peer, p_data(hear_request(peer).context_id, 1, b"") * 500, 5.0)),
    (TIMED_OUT,),
)


def _flood(peer: Peer, data: bytes, seconds: float) -> None:
    end = time.monotonic() + seconds
    with contextlib.suppress(OSError):
        while time.monotonic() < end:
            peer.send(data)
            with contextlib.suppress(BlockingIOError):
                peer.sock.recv(65536, socket.MSG_DONTWAIT)
                return


def at_release(*said: bytes, then: Scene = until_gone) -> Scene:
    """Do the work well, and answer the release with this."""

    def scene(peer: Peer) -> None:
        associate(peer)
        with contextlib.suppress(OSError, AssertionError):
            while isinstance(asked := hear(peer), Asked):
                if asked.elements:
                    peer.send(asked.reply())
            peer.send(*said)
            then(peer)

    return scene


FAREWELLS = (
    Bad("silence", at_release(), (DONE,)),
    Bad("the end", at_release(then=ends), (DONE,)),
    Bad("a reset", at_release(then=resets), (DONE,)),
    Bad("a collision", at_release(RELEASE_RQ, RELEASE_RP), (DONE,)),
    Bad("a collision, and then silence", at_release(RELEASE_RQ), (DONE,)),
    Bad("two release responses", at_release(RELEASE_RP, RELEASE_RP), (DONE,)),
    Bad("an A-ABORT", at_release(ABORT), (DONE,)),
    Bad("garbage", at_release(b"\xff" * 99), (DONE,)),
    Bad("a release response of 4 GiB", at_release(declared(6, 0xFFFFFFFF)), (DONE,)),
    Bad("an A-ASSOCIATE-AC", at_release(acceptance([])), (DONE,)),
    Bad("a message", at_release(p_data(1, 3, b"\xff" * 40), RELEASE_RP), (DONE,)),
)


# --- answers to queries -----------------------------------------------------------------------------------------------


def matches(*identifiers: bytes, status: int = 0xFF00) -> Scene:
    """Accept everything, give these answers to the first request, and end well."""

    def make(asked: Asked) -> bytes:
        answers = (asked.reply(status, data=1) + fragments(asked.context_id, each) for each in identifiers)
        return b"".join(answers) + asked.reply()

    return responds(make)


def vr_value(tag: int, vr: bytes, raw: bytes) -> bytes:
    """The context has explicit VR, which our commands propose first."""
    return value(tag, raw, vr=vr)


def _parts(asked: Asked) -> tuple[bytes, bytes]:
    """A pending response and its identifier, as PDVs that may share a PDU with others."""
    return pdv(asked.context_id, 3, asked.reply(0xFF00, data=1)[12:]), pdv(asked.context_id, 2, LEVEL)


LEVEL = vr_value(0x00080052, b"CS", b"STUDY ")
IDENTIFIERS = (
    Bad("nothing", matches(b""), (DONE, PARTLY)),
    Bad("garbage", matches(b"\xff" * 999), (PARTLY, NOT_DICOM)),
    Bad("zeros", matches(bytes(100_000)), (DONE, PARTLY)),
    Bad("nested 10,000 deep", matches(LEVEL + nested(10_000, vr=b"SQ")), (PARTLY, NOT_DICOM)),
    Bad(
        "nested 3,000 deep in defined lengths",
        matches(LEVEL + nested(3000, vr=b"SQ", undefined=False)),
        (PARTLY, NOT_DICOM),
    ),
    Bad("nested 3,000 deep, of VR UN", matches(LEVEL + nested(3000, vr=b"UN", undefined=False)), (DONE, PARTLY)),
    Bad(
        "an element past its end",
        matches(LEVEL + struct.pack("<HH2sH", 0x10, 0x10, b"PN", 0xFFFF)),
        (PARTLY, NOT_DICOM),
    ),
    Bad("an identifier of 20 MB", matches(bytes(20 << 20)), (NOT_DICOM,)),
    Bad(
        "escapes",
        matches(
            LEVEL
            + vr_value(0x00100010, b"PN", b"\x1b[2J\x07[red]\r\n\x9b31m^\x00X")
            + vr_value(0x0020000D, b"UI", b"../../\x1b[2J")
        ),
        (DONE,),
    ),
    Bad(
        "an unknown character set",
        matches(vr_value(0x00080005, b"CS", b"\x1b\\\x00") + LEVEL + vr_value(0x00100010, b"PN", b"\xff\xfe")),
        (DONE,),
    ),
    Bad("a status within the data set", matches(vr_value(0x00000900, b"US", b"\0\xa7") + LEVEL), (DONE,)),
    Bad(
        "pending for ever, then the end",
        responds(lambda asked: (asked.reply(0xFF00, data=1) + fragments(asked.context_id, LEVEL)) * 300, then=ends),
        (ABORTED, PARTLY),
    ),
)


# --- counts of sub-operations -----------------------------------------------------------------------------------------


def counts(
    remaining: int | None, completed: int | None, failed: int | None, warning: int | None
) -> list[tuple[int, bytes]]:
    numbers = zip((0x1020, 0x1021, 0x1022, 0x1023), (remaining, completed, failed, warning), strict=True)
    return [(tag, us(number)) for tag, number in numbers if number is not None]


def retrieved(*pending: list[tuple[int, bytes]], status: int = 0, final: list[tuple[int, bytes]]) -> Scene:
    return responds(
        lambda asked: b"".join(asked.reply(0xFF00, *each) for each in pending) + asked.reply(status, *final)
    )


ABSURD = counts(65535, 65535, 65535, 65535)
COUNTS = (
    Bad("none at all", retrieved(final=[]), (DONE, PARTLY)),
    Bad("none but in pending ones", retrieved(counts(9, 1, 0, 0), final=[]), (DONE, PARTLY)),
    Bad("65,535 of everything", retrieved(ABSURD, ABSURD, final=ABSURD), (PARTLY,)),
    Bad(
        "growing and shrinking",
        retrieved(counts(1, 9, 0, 0), counts(99, 0, 3, 0), final=counts(None, 2, 5, 0)),
        (PARTLY,),
    ),
    Bad("all failed, status success", retrieved(final=counts(0, 0, 7, 0)), (PARTLY, FAILED)),
    Bad("all well, status failure", retrieved(status=0xA702, final=counts(0, 7, 0, 0)), (PARTLY, FAILED)),
    Bad("counts of 1 byte", responds(lambda asked: asked.reply(0, (0x1021, b"\1"))), (NOT_DICOM,)),
    Bad("empty counts", retrieved(final=[(tag, b"") for tag in range(0x1020, 0x1024)]), (DONE, PARTLY)),
    Bad(
        "a failed list of escapes",
        responds(
            lambda asked: (
                asked.reply(0xB000, *counts(None, 1, 1, 0), data=1)
                + fragments(asked.context_id, vr_value(0x00080058, b"UI", b"\x1b[2J\\../..\\1.2"))
            )
        ),
        (PARTLY, FAILED),
    ),
    Bad(
        "a failed list of garbage",
        responds(
            lambda asked: (
                asked.reply(0xB000, *counts(None, 1, 1, 0), data=1) + fragments(asked.context_id, b"\xff" * 99)
            )
        ),
        (PARTLY, FAILED),
    ),
    Bad(
        "a failed list nested 10,000 deep",
        responds(
            lambda asked: (
                asked.reply(0xB000, *counts(None, 1, 1, 0), data=1)
                + fragments(asked.context_id, nested(10_000, vr=b"SQ"))
            )
        ),
        (PARTLY, FAILED),
    ),
    Bad(
        "a data set behind a pending response",
        responds(
            lambda asked: (
                asked.reply(0xFF00, *counts(1, 0, 0, 0), data=1)
                + fragments(asked.context_id, LEVEL)
                + asked.reply(0, *counts(None, 1, 0, 0))
            )
        ),
        (DONE, PARTLY),
    ),
)
