"""The root command, and what becomes of errors. Streams that break need a process of their own."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FAKE = [sys.executable, "-c", "from tests.cli.fake_commands import app; app()"]
BUG = "  this is a bug in dcmnet; the same command with -d shows where it happened\n"


def run(*words: str, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60, **options)


def test_alone_it_says_where_to_start(shell) -> None:
    status, stdout, stderr = shell()
    assert (status, stderr) == (0, "")
    assert "  echo    the echo of the tests\n" in stdout
    assert "dcmnet COMMAND --help" in stdout
    assert max(map(len, stdout.splitlines())) <= 80


@pytest.mark.parametrize("words", [("--help",), ("-h",)])
def test_help_of_the_root_lists_every_command(shell, words: tuple[str, ...]) -> None:
    status, stdout, stderr = shell(*words)
    assert (status, stderr) == (0, "")
    for line in (
        "  echo    the echo of the tests",
        "  listen  the listen of the tests",
        "        --version  print the",
    ):
        assert f"\n{line}" in stdout


@pytest.mark.parametrize("words", [("echo", "--help"), ("help", "echo")])
def test_help_may_be_asked_as_a_command(shell, words: tuple[str, ...]) -> None:
    assert shell(*words).stdout == shell("echo", "-h").stdout
    assert shell("help").stdout == shell("--help").stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("eco",), 'no such command "eco"; did you mean echo?'),
        (("lsten", "-x"), 'no such command "lsten"; did you mean listen?'),
        (("storescp",), 'no such command "storescp"; did you mean listen?'),
        (("echoscu", "host", "104"), 'no such command "echoscu"; did you mean echo?'),
        (("ping", "host", "104"), 'no such command "ping"; did you mean echo?'),
        (("findscu",), 'no such command "findscu"'),
        (("help", "ecko"), 'no such command "ecko"; did you mean echo?'),
        (("--hlep",), 'no such option "--hlep"; did you mean --help?'),
        (("--csv",), 'no such option "--csv"; options stand after the command, as in dcmnet echo -v'),
        (("-v", "echo"), 'no such option "-v"; options stand after the command, as in dcmnet echo -v'),
    ],
)
def test_a_wrong_command_gets_one_line(shell, words: tuple[str, ...], message: str) -> None:
    assert shell(*words) == (2, "", f"dcmnet: {message}\n")


@pytest.mark.parametrize(
    ("how", "status", "stderr"),
    [
        ("rejected", 5, "dcmnet fail: PACS@host:104 rejected the association\n"),
        ("hints", 3, "dcmnet fail: no connection to host:104\n  is it running?\n  is it \\x1b[31mred?\n"),
        ("bug", 70, "dcmnet fail: internal error: ZeroDivisionError: division by zero\n" + BUG),
        ("oserror", 70, "dcmnet fail: internal error: PermissionError: [Errno 13] Permission denied\n" + BUG),
        ("unlisted", 70, "dcmnet fail: internal error: DcmnetError: nobody knows what this means\n" + BUG),
        ("interrupt", 130, "dcmnet fail: interrupted\n"),
        ("pipe", 11, ""),
        ("disk", 11, "dcmnet fail: cannot write: No space left on device\n"),
        ("exit", 5, ""),
    ],
)
def test_an_error_becomes_a_line_and_a_status(shell, how: str, status: int, stderr: str) -> None:
    assert shell("fail", how) == (status, "", stderr)


@pytest.mark.parametrize("option", ["-d", "--debug"])
def test_debug_shows_the_traceback_of_a_bug(shell, option: str) -> None:
    status, stdout, stderr = shell("fail", "bug", option)
    assert (status, stdout) == (70, "")
    assert stderr.startswith("Traceback (most recent call last):\n")
    assert "fake_commands.py" in stderr


def test_debug_shows_no_traceback_of_an_error_that_is_no_bug(shell) -> None:
    assert shell("fail", "rejected", "-d").stderr == "dcmnet fail: PACS@host:104 rejected the association\n"


@pytest.mark.parametrize(
    ("words", "code", "kind"),
    [
        (("echo", "--json", "-aex", "host", "104"), 2, "usage"),
        (("echo", "--json", "--config", "/nowhere", "host", "104"), 2, "configuration"),
        (("fail", "hints", "--json"), 3, "connect"),
        (("fail", "bug", "--json"), 70, "error"),
    ],
)
def test_json_is_promised_on_failure_too(shell, words: tuple[str, ...], code: int, kind: str) -> None:
    status, stdout, stderr = shell(*words)
    assert status == code
    told = json.loads(stdout)
    assert (told["schema"], told["command"], told["ok"], told["exit"]) == ("dcmnet/1", words[0], False, code)
    assert told["error"]["kind"] == kind
    assert stderr.startswith(f"dcmnet {words[0]}: {told['error']['message']}\n")


@pytest.mark.parametrize("words", [("fail", "hints", "--json"), ("spill", "3")])
def test_a_reader_that_never_was_is_no_reason_for_noise(words: tuple[str, ...]) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as pipe:
        done = subprocess.run([*FAKE, *words], cwd=ROOT, stdout=pipe, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == (3 if words[0] == "fail" else 11)
    assert "Exception" not in done.stderr


def test_a_reader_that_leaves_ends_the_command_quietly() -> None:
    with subprocess.Popen(
        [*FAKE, "spill", "200000"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "0\n"
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""
        assert process.wait(30) == 11


@pytest.mark.parametrize("lines", ["1", "200000"], ids=["at the last flush", "on the way"])
def test_a_full_disk_behind_stdout_is_told(lines: str) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full on this system")
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*FAKE, "spill", lines], cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False
        )
    assert (done.returncode, done.stderr) == (11, "dcmnet spill: cannot write: No space left on device\n")


def test_closed_streams_are_no_reason_to_fail() -> None:
    done = run("sh", "-c", 'exec "$0" "$@" >&- 2>&-', *FAKE, "spill", "3")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_sigint_in_the_middle_is_130_in_one_line() -> None:
    with subprocess.Popen(
        [*FAKE, "spill", "2000000000"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "0\n"  # it is past its imports
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=30)
    assert (process.returncode, stderr) == (130, "dcmnet spill: interrupted\n")


def test_a_terminal_without_the_characters_is_no_reason_to_fail() -> None:
    done = run(*FAKE, "echo", "müller", env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert done.returncode == 2
    assert done.stderr.startswith('dcmnet echo: "m\\xfcller" has no port')


@pytest.mark.parametrize("words", [("--version",), ("echo", "--version")])
def test_version_from_the_front_door(words: tuple[str, ...]) -> None:
    from dcmnet_cli import __version__

    done = run(sys.executable, "-m", "dcmnet_cli", *words)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"dcmnet {__version__}\n", "")


@pytest.mark.parametrize("words", [("--version",), ("echo", "-v", "--version"), ("echo", "--version", "host")])
def test_version_within_the_shell(shell, words: tuple[str, ...]) -> None:
    from dcmnet_cli import __version__

    assert shell(*words) == (0, f"dcmnet {__version__}\n", "")


def test_the_module_and_the_script_are_the_same_program() -> None:
    module = run(sys.executable, "-m", "dcmnet_cli", "nonsense")
    script = run(sys.executable, "-c", "from dcmnet_cli.__main__ import main; main()", "nonsense")
    assert (module.returncode, module.stdout) == (script.returncode, script.stdout) == (2, "")
    assert module.stderr == script.stderr == 'dcmnet: no such command "nonsense"\n'
