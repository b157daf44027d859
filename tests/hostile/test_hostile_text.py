"""Texts made to leave a folder, run a command or steer a terminal: in names, hooks, logs and screens."""

import json
import os
import pty
import re
import select
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.hostile.bad_answers import Bad, answers, with_information
from tests.hostile.bad_responses import matches, responds, vr_value
from tests.hostile.peers import (
    CT,
    EXPLICIT,
    PROPER,
    RELEASE_RQ,
    STORE,
    STUDY_GET,
    Asked,
    accept_all,
    be_good,
    contexts_of,
    converse,
    ct_object,
    fragments,
    hear_request,
    store,
    value,
)
from tests.hostile.test_bad_acceptors import acceptor, check, run
from tests.interop.running import ROOT, Listener, environment, wait_until
from tests.scripted import Peer
from tests.wire import MAXIMUM_LENGTH, item

HOSTILE = (
    b"",
    b".",
    b"..",
    b"../../../../tmp/x",
    b"/etc/passwd",
    b"a/b\\c",
    b"a\0b",
    b"\x1b[2J\x1b]0;owned\x07",
    b"\x9b31m\xff\xfe",
    b"line\r\nERROR forged",
    b"-rf",
    b"$(touch x)`id`;|&",
    b"%s%n{0}{PatientID}",
    b"[bold red]x[/]",
    b"CON",
    b"1." * 32,
    b"1." * 32 + b"1",
    b"1." * 300,
    b"x" * 8000,
    b"\xe2\x80\xaecod.exe",
    b".hidden",
    b"~root",
    b"name with spaces ",
)
STEERING = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
"""What our own screens use: colours and the cursor."""
RECORDER = "import json, sys; open(sys.argv[1], 'a').write(json.dumps(sys.argv[2:]) + chr(10))"


def titled(title: bytes) -> bytes:
    """``PROPER`` from a peer with a hostile title, to one."""
    return PROPER[:10] + title[:16].ljust(16) * 2 + PROPER[42:]


def send_all(port: int) -> int:
    """Every hostile text as instance, patient, study and title; how many objects were taken."""
    taken = 0
    for text in HOSTILE:
        sent = store(text) + fragments(STORE, hostile_object(text[:1000]))
        taken += converse(port, sent, RELEASE_RQ, first=titled(text)) == "status 0000, released"
    return taken


def hostile_object(text: bytes) -> bytes:
    """An object that has the text wherever a name of a file or folder may come from."""
    tags = (0x00080018, b"UI"), (0x00080060, b"CS"), (0x00100010, b"PN"), (0x00100020, b"LO"), (0x0020000D, b"UI")
    head = value(0x00080005, b"ISO_IR 192", vr=b"CS") + value(0x00080016, CT, vr=b"UI")
    return head + b"".join(value(tag, text, vr=vr) for tag, vr in tags)


def files_below(folder: Path) -> list[str]:
    return [os.path.join(place, name) for place, _, names in os.walk(folder) for name in names]


NAMES = (
    (),
    ("--name", "{Modality}{PatientName}/{PatientID}/{StudyInstanceUID}/{CallingAET}-{SOPInstanceUID}.dcm"),
    ("--sort-on-study-uid", "S"),
    ("--sort-on-patientname",),
    ("--modality-names",),
)


@pytest.mark.parametrize("words", NAMES, ids=["plain", "template", "study", "patient", "modality"])
def test_hostile_values_stay_in_the_folder_the_log_and_the_hook(words: tuple[str, ...], tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "down" / "objects"
    folder.mkdir(parents=True)
    record = tmp_path / "record"
    (tmp_path / "hook.py").write_text(RECORDER)
    hook = f"{sys.executable} {tmp_path}/hook.py {record} #p #f #a #c #r"
    listener = Listener(tmp_path / "log", "-od", str(folder), *words, "--exec-on-reception", hook)
    before = set(files_below(tmp_path)) - {str(record)}
    taken = send_all(listener.port)
    assert taken >= len(HOSTILE) - 1
    wait_until(lambda: record.exists() and len(record.read_text().splitlines()) >= taken, "all hooks have run")
    listener.process.stop()
    new = [path for path in files_below(tmp_path) if path not in before and path != str(record)]
    assert len(new) == taken
    for path in new:
        assert path.startswith(f"{folder}/")
        assert path.isprintable()
        assert max(map(len, path.split("/"))) <= 128
    for line in record.read_text().splitlines():
        arguments = json.loads(line)
        assert len(arguments) == 5
        assert not any(argument.startswith("-") for argument in arguments)
        assert all(argument.isprintable() for argument in arguments)
        assert os.path.realpath(os.path.join(arguments[0], arguments[1])).startswith(str(folder))
    assert listener.process.stderr == ""
    assert all(line.isascii() and line.isprintable() for line in listener.process.stdout.splitlines())


@pytest.mark.parametrize("level", ["-v", "-d", "-vvv"])
def test_a_log_for_people_shows_no_control_characters(level: str, tmp_path: Path) -> None:
    (tmp_path / "objects").mkdir()
    words = ("listen", "0", "--bind", "127.0.0.1", "-od", str(tmp_path / "objects"), level)
    output = Screen("listen", *words[1:])
    port = int(re.search(r"127\.0\.0\.1:(\d+)", output.until("listening"))[1])  # type: ignore[index]
    output.read_while(lambda: send_all(port))
    shown = output.end()
    assert all(line.isprintable() for line in STEERING.sub("", shown).splitlines())
    assert "owned" in shown


class Screen:
    """A command on a terminal of its own, 80 columns wide."""

    def __init__(self, *words: str) -> None:
        self._shown = b""
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:
            os.chdir(ROOT)
            os.execve(sys.executable, [sys.executable, "-m", "dcmnet_cli", *words], environment(TERM="xterm"))

    def until(self, text: str) -> str:
        wait_until(lambda: (self._read() and text in self.text) or text in self.text, f"{text} is shown")
        time.sleep(0.05)
        self._read()
        return self.text

    def read_while(self, work: Callable[[], None]) -> None:
        """Do ``work`` and read meanwhile: nobody can write to a terminal that is full."""
        with ThreadPoolExecutor(1) as pool:
            working = pool.submit(work)
            while not working.done():
                self._read()
                time.sleep(0.01)
        working.result()

    @property
    def text(self) -> str:
        return self._shown.decode(errors="backslashreplace").replace("\r\n", "\n").replace("\r", "\n")

    def _read(self) -> bool:
        try:
            while select.select([self._terminal], [], [], 0.02)[0]:
                piece = os.read(self._terminal, 65536)
                if not piece:
                    return False
                self._shown += piece
        except OSError:  # the other side of a terminal that has ended
            return False
        return True

    def wait(self) -> str:
        """Everything it shows until it ends by itself."""
        wait_until(lambda: not self._read(), "the command ends")
        os.waitpid(self._pid, 0)
        os.close(self._terminal)
        return self.text

    def end(self) -> str:
        """The same, ended by Ctrl-C."""
        self._read()
        os.write(self._terminal, b"\x03")
        return self.wait()


STEERS = b"\x1b[2J\x1b]0;owned\x07\x9b31m[bold]\r\n\xff"
NAMED = with_information(MAXIMUM_LENGTH, item(0x52, STEERS), item(0x55, STEERS))
SCREENS = (
    (
        "echo",
        Bad("names", answers(with_information(MAXIMUM_LENGTH, item(0x52, STEERS), item(0x55, STEERS))), ()),
        ("-v",),
    ),
    ("echo", Bad("comment", responds(lambda asked: asked.reply(0xC001, (0x0902, STEERS))), ()), ("-d",)),
    (
        "find",
        Bad(
            "answers",
            matches(
                vr_value(0x00080052, b"CS", b"STUDY ")
                + vr_value(0x00100010, b"PN", STEERS)
                + vr_value(0x00100020, b"LO", STEERS)
                + vr_value(0x0020000D, b"UI", STEERS)
            ),
            (),
        ),
        ("--study", "1.2.3"),
    ),
    (
        "find",
        Bad("comment", responds(lambda asked: asked.reply(0xA900, (0x0902, STEERS))), ()),
        ("--study", "1.2.3", "-d"),
    ),
    (
        "move",
        Bad("comment", responds(lambda asked: asked.reply(0xA702, (0x0902, STEERS))), ()),
        ("--no-find", "--study", "1.2.3", "-aem", "X"),
    ),
    ("echo", Bad("banner", lambda peer: (peer.pdu(), peer.send(b"SSH-2.0-" + STEERS), peer.rest()), ()), ()),
)


@pytest.mark.parametrize(("command", "case", "words"), SCREENS, ids=[f"{c}-{b.name}" for c, b, _ in SCREENS])
def test_a_terminal_is_steered_by_nobody_but_us(command: str, case: Bad, words: tuple[str, ...]) -> None:
    with acceptor(case.scene) as port:
        shown = Screen(command, "127.0.0.1", str(port), *words).wait()
    assert all(line.isprintable() for line in STEERING.sub("", shown).splitlines()), shown
    assert "\x1b[2J" not in shown
    assert "\\x1b" in shown


def test_a_value_of_12_megabytes_takes_no_longer_than_it_takes_to_arrive() -> None:
    length = 12 << 20
    comments = b"\x10\0\0\x40UT\0\0" + length.to_bytes(4, "little") + b"x" * length
    answer = matches(vr_value(0x00080052, b"CS", b"STUDY ") + comments)
    with acceptor(answer) as port:
        shown = Screen("find", "127.0.0.1", str(port), "--study", "1.2.3", "-k", "PatientComments").wait()
    assert "xxx…" in shown
    assert len(shown) < 2000


# --- what a C-GET brings ----------------------------------------------------------------------------------------------


def sub_operations(peer: Peer) -> None:
    """Accept everything and send every hostile text as an instance of the first storage context."""
    rq = peer.pdu()
    peer.send(accept_all(rq))
    number, _, syntax = next(each for each in contexts_of(rq) if each[1] != STUDY_GET and each[2] == EXPLICIT)
    sop_class = next(each[1] for each in contexts_of(rq) if each[0] == number)
    asked: Asked = hear_request(peer)
    for message_id, text in enumerate(HOSTILE, 1):
        peer.send(store(text, message_id, context_id=number, sop_class=sop_class))
        peer.send(fragments(number, ct_object(text[:64])))
        peer.pdu()
    peer.send(asked.reply(0, (0x1021, len(HOSTILE).to_bytes(2, "little")), (0x1022, b"\0\0"), (0x1023, b"\0\0")))
    be_good(peer)
    assert syntax == EXPLICIT


@pytest.mark.parametrize("words", NAMES[:3], ids=["plain", "template", "study"])
def test_what_a_get_brings_stays_in_the_folder(words: tuple[str, ...], tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "down" / "objects"
    folder.mkdir(parents=True)
    with acceptor(sub_operations) as port:
        outcome = run("get", port, "--no-find", "--study", "1.2.3", "-od", str(folder), *words)
    check(outcome, (0, 1))
    paths = files_below(tmp_path)
    assert len(paths) >= len(HOSTILE) - 1
    assert all(path.startswith(f"{folder}/") and path.isprintable() for path in paths)
