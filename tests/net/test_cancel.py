"""How a handler hears of a C-CANCEL while it sends responses."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from dcmnet_cli.core.commands import CEchoRQ, CFindRQ
from dcmnet_cli.core.negotiation import AcceptorPolicy
from dcmnet_cli.errors import AssociationAborted, UnexpectedRelease
from dcmnet_cli.net.listener import listen
from dcmnet_cli.net.server import Server
from dcmnet_cli.net.service import ServiceRequest, answer_echo
from tests.scripted import (
    ABORT_BY_USER,
    PATIENCE,
    QUICK,
    RELEASE_RP,
    RELEASE_RQ,
    Peer,
    Watcher,
    command,
    dial,
    elements_of,
    p_data,
    status_of,
    until,
    us,
)
from tests.serving import running

FIND = b"1.2.840.10008.5.1.4.1.2.2.1\0"
MESSAGE = 9


def item(kind: int, body: bytes) -> bytes:
    return bytes((kind, 0)) + len(body).to_bytes(2, "big") + body


def request() -> bytes:
    contexts = b"".join(
        item(0x20, bytes((number, 0, 0, 0)) + item(0x30, uid) + item(0x40, b"1.2.840.10008.1.2"))
        for number, uid in ((1, b"1.2.840.10008.1.1"), (3, FIND.rstrip(b"\0")))
    )
    information = item(0x50, item(0x51, (16384).to_bytes(4, "big")) + item(0x52, b"1.2.3.4"))
    body = b"\0\1\0\0" + b"SCP".ljust(16) + b"SCU".ljust(16) + bytes(32)
    body += item(0x10, b"1.2.840.10008.3.1.1.1") + contexts + information
    return b"\1\0" + len(body).to_bytes(4, "big") + body


def find() -> bytes:
    number = (0x0110, us(MESSAGE))
    elements = (0x0002, FIND), (0x0100, us(0x20)), number, (0x0700, us(0)), (0x0800, us(1))
    return command(3, *elements) + p_data(3, 2, bytes(8))


def cancel(message: int = MESSAGE) -> bytes:
    return command(3, (0x0100, us(0x0FFF)), (0x0120, us(message)), (0x0800, us(0x0101)))


def echo() -> bytes:
    uid = b"1.2.840.10008.1.1\0"
    return command(1, (0x0002, uid), (0x0100, us(0x30)), (0x0110, us(77)), (0x0800, us(0x0101)))


class Searching:
    """A handler that looks for a C-CANCEL, step by step, as a test lets it: each ``step`` is one look."""

    def __init__(self) -> None:
        self.heard: list[bool] = []
        self.failures: list[Exception] = []
        self._may = threading.Semaphore(0)
        self._steps = 0
        self.is_over = False

    def __call__(self, request: ServiceRequest) -> int:
        while not self.is_over:
            assert self._may.acquire(timeout=PATIENCE)
            if self.is_over:
                break
            try:
                self.heard.append(request.is_cancelled())
            except Exception as error:
                self.failures.append(error)
                raise
            if self.heard[-1]:
                return 0xFE00
        return 0

    def step(self) -> bool:
        """Look once; whether the C-CANCEL was heard."""
        self._steps += 1
        self._may.release()
        until(lambda: len(self.heard) == self._steps)
        return self.heard[-1]

    def finish(self) -> None:
        self.is_over = True
        self._may.release()


@contextmanager
def searching() -> Iterator[tuple[Peer, Searching, Watcher]]:
    """An association on which the answer to a C-FIND is under way."""
    handler, watcher = Searching(), Watcher()
    policy = AcceptorPolicy(any_abstract_syntax=True)
    handlers = {CFindRQ: handler, CEchoRQ: answer_echo}
    server = Server(listen("127.0.0.1", 0), handlers, policy=policy, timers=QUICK, observers=(watcher,))
    with running(server) as port, dial(port) as peer:
        peer.send(request())
        assert peer.pdu()[0] == 2
        peer.send(find())
        try:
            yield peer, handler, watcher
        finally:
            handler.finish()


def test_nothing_came() -> None:
    with searching() as (peer, handler, _):
        assert not handler.step()
        assert not handler.step()
        handler.finish()
        assert status_of(peer.pdu()) == 0


def test_a_cancel_is_heard() -> None:
    with searching() as (peer, handler, watcher):
        assert not handler.step()
        peer.send(cancel())
        until(handler.step)
        answer = elements_of(peer.pdu())
        assert (answer[0x0120], answer[0x0900]) == (us(MESSAGE), us(0xFE00))
        peer.send(RELEASE_RQ)
        assert peer.pdu() == RELEASE_RP
        assert watcher.errors == []


def test_half_a_cancel_is_none() -> None:
    with searching() as (peer, handler, _):
        whole = cancel()
        peer.send(whole[:20])
        assert not any(handler.step() for _ in range(20))
        peer.send(whole[20:])
        until(handler.step)
        assert status_of(peer.pdu()) == 0xFE00


def test_a_cancel_of_something_else_is_dropped() -> None:
    with searching() as (peer, handler, _):
        peer.send(cancel(MESSAGE + 1))
        assert not any(handler.step() for _ in range(20))
        peer.send(cancel())
        until(handler.step)
        assert status_of(peer.pdu()) == 0xFE00


def test_another_request_waits_for_its_turn() -> None:
    with searching() as (peer, handler, watcher):
        peer.send(echo())
        assert not any(handler.step() for _ in range(20))
        handler.finish()
        assert status_of(peer.pdu()) == 0
        assert elements_of(peer.pdu())[0x0120] == us(77)
        peer.send(RELEASE_RQ)
        assert peer.pdu() == RELEASE_RP
        assert watcher.errors == []


@pytest.mark.parametrize(
    ("last_words", "error", "answer"),
    [(RELEASE_RQ, UnexpectedRelease, RELEASE_RP), (ABORT_BY_USER, AssociationAborted, b"")],
    ids=["release", "abort"],
)
def test_the_end_of_the_association_ends_the_handler(last_words: bytes, error: type[Exception], answer: bytes) -> None:
    with searching() as (peer, handler, watcher):
        peer.send(last_words)
        while not handler.failures:
            handler._may.release()
        assert isinstance(handler.failures[0], error)
        assert peer.rest() == answer
        watcher.await_closed()
        assert isinstance(watcher.errors[0], error)
