"""Answers without end: in constant memory, and over at the first Ctrl-C."""

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from dcmnet_cli.core.identifier import Element
from dcmnet_cli.errors import InputError
from dcmnet_cli.ops.retrieving import retrieve
from tests.hostile.peers import Asked, Scene, accept_all, fragments, hear_request, padded, usage, value
from tests.hostile.test_bad_acceptors import acceptor
from tests.interop.running import ROOT, environment
from tests.scripted import Peer


def endless(make: Callable[[Asked], bytes]) -> Scene:
    """The same again and again, until the other side has enough."""

    def scene(peer: Peer) -> None:
        peer.send(accept_all(peer.pdu()))
        block = make(hear_request(peer)) * 200
        while True:
            peer.send(block)

    return scene


def match(asked: Asked) -> bytes:
    """A pending response with an identifier."""
    study = value(0x00080052, b"STUDY ", vr=b"CS") + value(0x0020000D, padded(b"1.2.3"), vr=b"UI")
    return asked.reply(0xFF00, data=1) + fragments(asked.context_id, study)


def garbage(asked: Asked) -> bytes:
    """One whose identifier cannot be read."""
    return asked.reply(0xFF00, data=1) + fragments(asked.context_id, b"\xff" * 99)


def pending(asked: Asked) -> bytes:
    """One without counts."""
    return asked.reply(0xFF00)


ENDLESS: tuple[tuple[str, Callable[[Asked], bytes], str], ...] = (
    ("find", match, ""),
    ("find", match, "--json"),
    ("find", garbage, ""),
    ("move", match, "-aem X"),
    ("get", match, "--ignore"),
    ("move", pending, "-aem X --no-find"),
    ("get", pending, "--ignore --no-find"),
)


@contextlib.contextmanager
def started(command: str, make: Callable[[Asked], bytes], words: str) -> Iterator[subprocess.Popen[bytes]]:
    """A command against a peer that does not end; killed if it has not ended by then."""
    with acceptor(endless(make)) as port:
        line = [sys.executable, "-m", "dcmnet_cli", command, "127.0.0.1", str(port), "--study", "1.2.3", *words.split()]
        quiet = subprocess.DEVNULL
        process = subprocess.Popen(line, cwd=ROOT, stdin=quiet, stdout=quiet, stderr=subprocess.PIPE, env=environment())
        try:
            yield process
        finally:
            process.kill()
            process.communicate()


def test_answers_without_end_cost_no_memory_and_end_with_ctrl_c() -> None:
    """All commands at once: some seconds to warm up, some to grow, and then each ends, having said so to its peer."""
    with contextlib.ExitStack() as stack:
        running = [stack.enter_context(started(*case)) for case in ENDLESS]
        time.sleep(4.0)
        before = [usage(each.pid).memory for each in running]
        time.sleep(2.0)
        growth = [usage(each.pid).memory - was for each, was in zip(running, before, strict=True)]
        for each in running:
            each.send_signal(signal.SIGINT)
        told = [each.communicate(timeout=20.0)[1].decode() for each in running]
    assert max(growth) < 4096, "KiB"
    assert [each.returncode for each in running] == [130] * len(ENDLESS)
    assert not [text for text in told if "Traceback" in text]


def test_more_answers_than_anyone_retrieves_are_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrieve, "_MOST_ANSWERS", 5)
    given = 0

    def ask(level: str, elements: object) -> Iterator[dict[int, Element]]:
        nonlocal given
        while True:
            given += 1
            yield {0x0020000D: Element(0x0020000D, "UI", b"1.2.%d" % given)}

    wish = retrieve.Wish("study", "STUDY", (Element(0x00080050, "SH", b"A1"),))
    with pytest.raises(InputError, match="more than 5 at STUDY level"):
        retrieve.plan_retrieval(ask, wish, "PEER", [])
    assert given == 6
