"""What must not be told: passwords, tokens and pass phrases in no output, log or report and to no other program, ever;
names of patients in no log line, unless objects are asked for one by one.
"""

import base64
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults import objects
from tests.interop.conftest import StartListener
from tests.interop.peers import Certificates
from tests.interop.running import HOST, Outcome, Process, dcmnet, run, wait_until
from tests.ops.test_identity import hash_password

SECRET = "sesame4711"
LOUDEST = ("-ll", "trace")
PATIENT = "DOE"


def tells(text: str, secret: str = SECRET) -> bool:
    """Whether a secret is in there, as it is or in any of the forms that programs give to bytes."""
    raw = secret.encode()
    forms = (secret, raw.hex(" "), raw.hex(), base64.b64encode(raw).decode().rstrip("="))
    return any(form.lower() in text.lower() for form in forms)


def texts(folder: Path) -> str:
    """Everything that was written below a folder."""
    return "\n".join(path.read_text(errors="replace") for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """The secret, where it may be."""
    path = tmp_path / "secret"
    path.write_text(f"{SECRET}\n")
    path.chmod(0o600)
    return path


Sources = dict[str, tuple[str, ...]]


@pytest.fixture
def sources(kept: Path) -> Sources:
    return {
        "literal": ("-usr", "jane", "-pwd", SECRET),
        "file": ("-usr", "jane", "--password-file", str(kept)),
        "variable": ("-usr", "jane", "--password-env", "WORD"),
    }


def echo(port: int, *words: str) -> Outcome:
    return dcmnet("echo", HOST, str(port), *words, WORD=SECRET)


@pytest.mark.parametrize("passcode", [SECRET, "another"], ids=["right", "wrong"])
def test_passcodes(listener: StartListener, tmp_path: Path, sources: Sources, passcode: str) -> None:
    """On both sides, accepted or not."""
    users = tmp_path / "users"
    users.write_text(f"jane:{hash_password(passcode)}\n")
    users.chmod(0o600)
    server = listener("--users", str(users), "--require-identity", *LOUDEST)
    for words, level in zip(sources.values(), (LOUDEST, (*LOUDEST, "--json"), ("-d",)), strict=True):
        outcome = echo(server.port, *words, *level)
        assert outcome.status == (0 if passcode == SECRET else 5)
        assert "jane" in outcome.stdout + outcome.stderr
        assert not tells(outcome.stdout + outcome.stderr)
    server.wait_for("closed", 3)
    assert (passcode == SECRET) or "unknown user or wrong passcode" in server.process.log
    assert not tells(server.process.log)


def test_a_token_and_the_program_that_checks_it(listener: StartListener, tmp_path: Path, kept: Path) -> None:
    """The program gets it on its standard input, and nowhere else."""
    seen = tmp_path / "seen"
    check = tmp_path / "check.sh"
    check.write_text(f'#!/bin/sh\nenv > {seen}\ntr "\\0" " " < /proc/$$/cmdline >> {seen}\ncat > /dev/null\n')
    check.chmod(0o755)
    server = listener("--identity-command", str(check), *LOUDEST)
    outcome = echo(server.port, "--jwt", str(kept), *LOUDEST)
    assert outcome.status == 0
    server.wait_for("closed")
    assert "check.sh" in seen.read_text()
    assert not tells(seen.read_text() + outcome.stdout + outcome.stderr + server.process.log)


def test_reports_and_journals(listener: StartListener, tmp_path: Path, sources: Sources) -> None:
    server = listener("--ignore")
    objects.write(tmp_path / "source", 1)
    told = tmp_path / "told"
    told.mkdir()
    notes = ("--report", str(told / "report"), "--journal", str(told / "journal"))
    words = ("store", HOST, str(server.port), str(tmp_path / "source"), *notes, *sources["literal"], *LOUDEST)
    outcome = dcmnet(*words)
    assert outcome.status == 0
    assert {path.name for path in told.iterdir()} == {"report", "journal"}
    assert not tells(texts(told) + outcome.stdout + outcome.stderr)


def test_the_pass_phrase_of_a_key_and_a_hook(
    listener: StartListener, tmp_path: Path, certificates: Certificates
) -> None:
    locked = certificates.authority.issue("locked", HOST, password=SECRET)
    seen = tmp_path / "seen"
    hook = tmp_path / "hook.sh"
    hook.write_text(f'#!/bin/sh\nenv > {seen}\ntr "\\0" " " < /proc/$$/cmdline >> {seen}\n')
    hook.chmod(0o755)
    objects.write(tmp_path / "source", 1)
    (tmp_path / "inbox").mkdir()
    secured = ("+tls", locked.key_file, locked.certificate_file, "-ic", "--key-password-env", "WORD")
    os.environ["WORD"] = SECRET
    try:
        server = listener("-od", str(tmp_path / "inbox"), "--on-object", str(hook), *secured, *LOUDEST)
    finally:
        del os.environ["WORD"]
    trusting = ("+tla", *certificates.trust)
    assert dcmnet("store", HOST, str(server.port), str(tmp_path / "source"), *trusting).status == 0
    server.wait_for("hook")
    assert "hook.sh" in seen.read_text()
    assert "PATH=" in seen.read_text()
    assert not tells(seen.read_text() + server.process.log)


def test_a_pass_phrase_that_does_not_fit(listener: StartListener, certificates: Certificates) -> None:
    server = listener()
    locked = certificates.authority.issue("locked too", HOST, password="something else")
    words = ("+tls", locked.key_file, locked.certificate_file, "+pw", SECRET, *certificates.trust)
    for level in ((), LOUDEST, ("--json",)):
        outcome = dcmnet("echo", HOST, str(server.port), *words, *level)
        assert outcome.status == 2
        assert "does not open" in outcome.stdout + outcome.stderr
        assert not tells(outcome.stdout + outcome.stderr)


_BUG = """
from dcmnet_cli.net.association import Association
def fail(transport, request, **more):
    raise RuntimeError(f"a bug while {request!r} is sent")
Association.request = fail
from dcmnet_cli.__main__ import main
main()
"""


@pytest.mark.parametrize("level", [(), ("-d",), ("-d", "--json")])
def test_a_bug_of_ours(listener: StartListener, sources: Sources, level: tuple[str, ...]) -> None:
    """Not in the traceback either, nor in the request that somebody thought useful to show."""
    server = listener()
    words = ("echo", HOST, str(server.port), *sources["literal"], *level)
    outcome = run(sys.executable, "-c", _BUG, *words)
    assert outcome.status == 70
    assert "a bug while" in outcome.stdout + outcome.stderr
    assert not tells(outcome.stdout + outcome.stderr)


@pytest.mark.parametrize("words", [("--passwrod=" + SECRET,), ("-pwd" + SECRET,), ("+pw" + SECRET,)])
def test_a_mistyped_option(words: tuple[str, ...]) -> None:
    outcome = dcmnet("echo", HOST, "104", "-usr", "jane", *words)
    assert outcome.status == 2
    assert not tells(outcome.stdout + outcome.stderr)


# --- names of patients -----------------------------------------------------------------------------------------------

Start = Callable[..., tuple[Process, int]]


@pytest.fixture
def quiet_listener(tmp_path: Path) -> Iterator[Start]:
    """A listener with the log that people get who ask for nothing."""
    started: list[Process] = []

    def start(*words: str) -> tuple[Process, int]:
        command = (sys.executable, "-m", "dcmnet_cli", "listen", "0", "--bind", HOST, *words)
        process = Process(command, tmp_path / "listener")
        started.append(process)
        wait_until(lambda: process.has_ended or "\n" in process.stdout, "dcmnet listen says that it listens")
        return process, int(process.stdout.partition(f"{HOST}:")[2].split()[0])

    yield start
    for each in started:
        each.stop()


def end(process: Process) -> str:
    process.signal(signal.SIGTERM)
    process.wait()
    return process.log


@pytest.mark.parametrize("option", ["-od", "--archive"])
def test_names_of_patients(quiet_listener: Start, tmp_path: Path, option: str) -> None:
    """Not in the log of a listener that has them in paths, nor in what senders and those who ask say with -d."""
    (tmp_path / "inbox").mkdir()
    objects.write(tmp_path / "source", 1)
    unfit = objects.write(tmp_path / "source", 2)
    unfit.write_bytes(unfit.read_bytes().replace(b"\x20\x00\x0e\x00UI", b"\x20\x00\x0f\x00UI"))  # of no series
    template = ("--name", "{PatientName}/{SOPInstanceUID}x.dcm")
    process, port = quiet_listener(option, str(tmp_path / "inbox"), *template)
    sent = dcmnet("store", HOST, str(port), str(tmp_path / "source"), *LOUDEST)
    assert sent.status == 0
    again = dcmnet("store", HOST, str(port), str(tmp_path / "source"))
    assert again.status == 0
    assert len(list((tmp_path / "inbox").glob(f"{PATIENT}*/*.dcm"))) == 2
    said = [sent.stdout, sent.stderr, again.stdout, again.stderr]
    if option == "--archive":
        wait_until(lambda: "stored and not indexed" in process.stdout, "the object without a series is told")
        for command in ("find", "get"):
            where = ("-od", str(tmp_path / "source")) if command == "get" else ()
            outcome = dcmnet(command, HOST, str(port), "--patient-name", "D*", *where, *LOUDEST)
            assert outcome.status == 0, outcome.stderr
            said.append(outcome.stderr)
    log = end(process)
    assert log.count("\tassociation\t") >= 2
    assert PATIENT not in log
    assert not [text for text in said if PATIENT in text]


def test_names_of_patients_that_cannot_be_paths(quiet_listener: Start, tmp_path: Path) -> None:
    """A refusal says why, and not under which name."""
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    objects.write(tmp_path / "source", 1)
    process, port = quiet_listener("-od", str(inbox), "--name", "{PatientName}/{SOPInstanceUID}.dcm")
    (inbox / "DOE_JANE").write_text("in the way")
    (inbox / "DOE^JANE").write_text("in the way")
    outcome = dcmnet("store", HOST, str(port), str(tmp_path / "source"))
    assert outcome.status == 9
    assert "A700" in outcome.stderr
    assert PATIENT not in end(process) + outcome.stdout + outcome.stderr
