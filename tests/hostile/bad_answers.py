"""What an acceptor may say to our association requests, and the exit status that every command must end with.

``CONNECTIONS`` act in place of an answer, ``ANSWERS`` are answers. Responses are in ``bad_responses``.
"""

import contextlib
from collections.abc import Callable
from typing import NamedTuple

from tests.hostile.peers import (
    ABORT,
    IMPLICIT,
    RELEASE_RP,
    RELEASE_RQ,
    Scene,
    accept_all,
    acceptance,
    be_good,
    contexts_of,
    result,
    until_gone,
)
from tests.scripted import Peer, p_data
from tests.wire import CLASS_UID, MAXIMUM_LENGTH, item

DONE, PARTLY, CANNOT_CONNECT, REJECTED, ABORTED, NO_CONTEXT, TIMED_OUT, FAILED, NOT_DICOM = 0, 1, 3, 5, 6, 7, 8, 9, 10


class Bad(NamedTuple):
    """``scene`` has the whole conversation of one connection; ``exits`` are the statuses that it may end with."""

    name: str
    scene: Scene
    exits: tuple[int, ...]


def says(*data: bytes, then: Scene = until_gone) -> Scene:
    """Whatever is asked, answer with these bytes."""

    def scene(peer: Peer) -> None:
        peer.pdu()
        peer.send(*data)
        then(peer)

    return scene


def drip(data: bytes) -> Scene:
    """One byte at a time, for longer than anyone should wait."""

    def scene(peer: Peer) -> None:
        peer.sock.settimeout(0.1)
        for byte in data:
            with contextlib.suppress(TimeoutError):
                peer.send(bytes((byte,)))
                if peer.sock.recv(65536)[-10:-4] == ABORT[:6]:
                    return

    return scene


def drips_from(first: Callable[[Peer], bytes]) -> Scene:
    return lambda peer: drip(first(peer))(peer)


def ends(peer: Peer) -> None:
    """Close the connection, which the caller does anyhow."""


def resets(peer: Peer) -> None:
    peer.reset()


def rejecting(*numbers: int) -> Scene:
    return says(bytes((3, 0, 0, 0, 0, 4, 0, *numbers)))


def aborting(*numbers: int) -> Scene:
    return says(bytes((7, 0, 0, 0, 0, 4, 0, 0, *numbers)))


def declared(kind: int, length: int) -> bytes:
    return bytes((kind, 0)) + length.to_bytes(4, "big")


CONNECTIONS = (
    Bad("closed at once", ends, (ABORTED,)),
    Bad("reset at once", resets, (ABORTED, CANNOT_CONNECT)),
    Bad("closed after the request", lambda peer: peer.pdu(), (ABORTED,)),
    Bad("silence", until_gone, (TIMED_OUT,)),
    Bad("SSH", says(b"SSH-2.0-OpenSSH\r\n"), (NOT_DICOM,)),
    Bad("HTTP", says(b"HTTP/1.1 400 Bad Request\r\nX: \x1b[2J\r\n\r\n"), (NOT_DICOM,)),
    Bad("TLS alert", says(bytes.fromhex("15 03 01 00 02 02 28")), (NOT_DICOM,)),
    Bad("garbage", says(b"\xff\xfe\x00" * 1000), (NOT_DICOM,)),
    Bad("escapes", says(b"\x1b]0;x\x07\x1b[2J\x9b31m" * 9), (NOT_DICOM,)),
    Bad("zeros", says(bytes(4096)), (NOT_DICOM,)),
    Bad("an echo of the request", lambda peer: (peer.send(peer.pdu()), until_gone(peer)), (NOT_DICOM,)),
    Bad("a byte every tenth of a second", drips_from(lambda peer: accept_all(peer.pdu())), (TIMED_OUT,)),
    Bad(
        "half an answer, then silence",
        lambda peer: (peer.send(accept_all(peer.pdu())[:50]), until_gone(peer)),
        (TIMED_OUT,),
    ),
    Bad("half an answer, then the end", lambda peer: peer.send(accept_all(peer.pdu())[:50]), (ABORTED,)),
    Bad("half a header, then the end", lambda peer: peer.send(accept_all(peer.pdu())[:3]), (ABORTED,)),
    Bad(
        "half an answer, then a reset", lambda peer: (peer.send(accept_all(peer.pdu())[:50]), peer.reset()), (ABORTED,)
    ),
    Bad("P-DATA", says(p_data(1, 3, bytes(40))), (NOT_DICOM,)),
    Bad("A-RELEASE-RQ", says(RELEASE_RQ), (NOT_DICOM,)),
    Bad("A-RELEASE-RP", says(RELEASE_RP), (NOT_DICOM,)),
    Bad("A-ABORT of the user", aborting(0, 0), (ABORTED,)),
    Bad("A-ABORT of the provider", aborting(2, 1), (ABORTED,)),
    Bad("A-ABORT of a reserved source", aborting(1, 99), (ABORTED,)),
    Bad("A-ABORT of 2 bytes", says(declared(7, 2) + bytes(2)), (NOT_DICOM,)),
    Bad("a rejection", rejecting(1, 1, 7), (REJECTED,)),
    Bad("a rejection for now", rejecting(2, 3, 2), (REJECTED,)),
    Bad("a rejection of no known kind", rejecting(0, 0, 56), (REJECTED,)),
    Bad("a rejection of 255", rejecting(255, 255, 255), (REJECTED,)),
    Bad("a rejection of 4 GiB", says(declared(3, 0xFFFFFFFF)), (NOT_DICOM,)),
    Bad("half a rejection", says(declared(3, 4) + b"\0\1", then=ends), (ABORTED,)),
)


def answers(make: Callable[[bytes], bytes], then: Scene = be_good) -> Scene:
    """Answer the association request with what ``make`` makes of it."""

    def scene(peer: Peer) -> None:
        peer.send(make(peer.pdu()))
        then(peer)

    return scene


def each_result(make: Callable[[int, bytes], bytes]) -> Callable[[bytes], bytes]:
    """An acceptance with what ``make`` says of every context: its id and first transfer syntax."""
    return lambda rq: acceptance([make(number, syntax) for number, _, syntax in contexts_of(rq)])


def with_information(*items: bytes) -> Callable[[bytes], bytes]:
    return lambda rq: accept_all(rq, b"".join(items))


def with_maximum(length: int) -> Callable[[bytes], bytes]:
    return with_information(item(0x51, length.to_bytes(4, "big")), CLASS_UID)


def patched(offset: int, *replacement: int) -> Callable[[bytes], bytes]:
    def make(rq: bytes) -> bytes:
        ac = accept_all(rq)
        return ac[:offset] + bytes(replacement) + ac[offset + len(replacement) :]

    return make


JUNK = b"\x1b[2J\r\n../../\0\xff"
ANSWERS = (
    Bad("an answer of 4 GiB", answers(lambda _: declared(2, 0xFFFFFFFF)), (NOT_DICOM,)),
    Bad("an answer of 0 bytes", answers(lambda _: declared(2, 0)), (NOT_DICOM,)),
    Bad("an answer of fixed fields alone", answers(lambda _: declared(2, 68) + bytes(68)), (NOT_DICOM,)),
    Bad("an item past the answer", answers(patched(76, 0xFF, 0xFF)), (NOT_DICOM,)),
    Bad("no user information", answers(lambda _: declared(2, 68) + b"\0\1" + bytes(66)), (NOT_DICOM,)),
    Bad("no contexts", answers(lambda rq: acceptance([])), (NO_CONTEXT,)),
    Bad(
        "contexts that nobody proposed",
        answers(lambda rq: acceptance([result(253, IMPLICIT), result(2, IMPLICIT)])),
        (NO_CONTEXT,),
    ),
    Bad("all contexts refused", answers(each_result(lambda n, s: result(n, s, 3))), (NO_CONTEXT,)),
    Bad(
        "all refused, no transfer syntax",
        answers(each_result(lambda n, s: item(0x21, bytes((n, 0, 4, 0))))),
        (NO_CONTEXT,),
    ),
    Bad(
        "all refused, junk for a syntax",
        answers(each_result(lambda n, s: item(0x21, bytes((n, 0, 3, 0)) + JUNK))),
        (NO_CONTEXT,),
    ),
    Bad("all refused for no known reason", answers(each_result(lambda n, s: result(n, s, 77))), (NO_CONTEXT,)),
    Bad(
        "a transfer syntax that nobody proposed", answers(each_result(lambda n, s: result(n, b"1.2.3"))), (NO_CONTEXT,)
    ),
    Bad("a transfer syntax of junk", answers(each_result(lambda n, s: result(n, JUNK))), (NO_CONTEXT,)),
    Bad(
        "accepted without a transfer syntax",
        answers(each_result(lambda n, s: item(0x21, bytes((n, 0, 0, 0))))),
        (NO_CONTEXT,),
    ),
    Bad("a result of 3 bytes", answers(each_result(lambda n, s: item(0x21, bytes((n, 0, 0))))), (NOT_DICOM,)),
    Bad(
        "a syntax past its result",
        answers(each_result(lambda n, s: item(0x21, bytes((n, 0, 0, 0)) + b"\x40\0\xff\xff"))),
        (NOT_DICOM,),
    ),
    Bad("a maximum length of 1", answers(with_maximum(1)), (NOT_DICOM,)),
    Bad("a maximum length of 7", answers(with_maximum(7)), (NOT_DICOM,)),
    Bad("no maximum length", answers(with_information(CLASS_UID)), (DONE,)),
    Bad("a maximum length of 0", answers(with_maximum(0)), (DONE,)),
    Bad("a maximum length of 8", answers(with_maximum(8)), (DONE,)),
    Bad("a maximum length of 116793", answers(with_maximum(116_793)), (DONE,)),
    Bad("a maximum length of 4 GiB", answers(with_maximum(0xFFFFFFFF)), (DONE,)),
    Bad("no implementation class", answers(with_information(MAXIMUM_LENGTH)), (DONE,)),
    Bad(
        "a window that nobody asked for",
        answers(with_information(MAXIMUM_LENGTH, CLASS_UID, item(0x53, bytes(4)))),
        (DONE,),
    ),
    Bad(
        "an extended negotiation past its item",
        answers(with_information(MAXIMUM_LENGTH, CLASS_UID, item(0x56, b"\xff\xff1.2"))),
        (DONE,),
    ),
    Bad(
        "a role past its item",
        answers(with_information(MAXIMUM_LENGTH, CLASS_UID, item(0x54, b"\xff\xff1.2"))),
        (NOT_DICOM,),
    ),
    Bad("junk for names", answers(with_information(MAXIMUM_LENGTH, item(0x52, JUNK), item(0x55, JUNK))), (DONE,)),
    Bad("titles of junk", answers(lambda rq: accept_all(rq)[:10] + (JUNK * 6)[:64] + accept_all(rq)[74:]), (DONE,)),
    Bad("padded syntaxes", answers(each_result(lambda n, s: result(n, s + b"\0"))), (DONE,)),
    Bad("everything twice", answers(lambda rq: acceptance([result(n, s) for n, _, s in contexts_of(rq)] * 2)), (DONE,)),
    Bad(
        "an answer to an identity that nobody gave",
        answers(with_information(MAXIMUM_LENGTH, CLASS_UID, item(0x59, b"\0\2ok"))),
        (DONE,),
    ),
    Bad(
        "an identity past its item",
        answers(with_information(MAXIMUM_LENGTH, CLASS_UID, item(0x59, b"\xff\xffok"))),
        (NOT_DICOM,),
    ),
    Bad("two answers", answers(lambda rq: accept_all(rq) * 2, then=until_gone), (NOT_DICOM,)),
    Bad("accepted, then closed", answers(accept_all, then=ends), (ABORTED,)),
    Bad("accepted, then reset", answers(accept_all, then=resets), (ABORTED,)),
    Bad("accepted, then aborted", answers(lambda rq: accept_all(rq) + ABORT, then=until_gone), (ABORTED,)),
    Bad(
        "accepted, then rejected",
        answers(lambda rq: accept_all(rq) + declared(3, 4) + b"\0\1\1\1", then=until_gone),
        (NOT_DICOM,),
    ),
    Bad("accepted, then released", answers(lambda rq: accept_all(rq) + RELEASE_RQ, then=until_gone), (ABORTED,)),
    Bad("accepted, then silent", answers(accept_all, then=until_gone), (TIMED_OUT,)),
    Bad(
        "accepted, then HTTP",
        answers(lambda rq: accept_all(rq) + b"HTTP/1.1 200 OK\r\n\r\n", then=until_gone),
        (NOT_DICOM,),
    ),
)
