"""What the README shows is what happens."""

import contextlib
import fcntl
import io
import os
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

from dcmnet_cli.cli.config import load_configuration
from dcmnet_cli.cli.exit import ExitCode

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text("utf-8")


def blocks(language: str, marker: str = "") -> list[str]:
    """The fenced blocks of a language, or only those right below the comment ``marker``."""
    return re.findall(rf"{re.escape(marker)}\n```{language}\n(.*?)```\n", TEXT, re.DOTALL)


def at_a_terminal(*words: str) -> str:
    """What a command draws on a terminal of 80 columns without colours."""
    reader, writer = os.openpty()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environ = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "FORCE_COLOR")}
    environ |= {"TERM": "xterm", "NO_COLOR": "1", "PYTHONUTF8": "1"}
    command = [sys.executable, "-m", "dcmnet_cli", *words]
    with subprocess.Popen(command, cwd=ROOT, stdin=writer, stdout=writer, stderr=writer, env=environ) as process:
        os.close(writer)
        drawn = b""
        with contextlib.suppress(OSError):  # how Linux tells that the other end is closed
            while piece := os.read(reader, 65536):
                drawn += piece
        os.close(reader)
    assert process.returncode == 0
    return drawn.decode().replace("\r\n", "\n")


def test_python_blocks_run_one_after_the_other() -> None:
    printed = io.StringIO()
    names: dict[str, object] = {}
    with contextlib.redirect_stdout(printed):
        for block in blocks("python"):
            exec(compile(block, "README.md", "exec"), names)
    assert printed.getvalue().splitlines() == [
        'C-ECHO from "ME"',
        "answered: resolve, TCP connect, association, C-ECHO, release",
    ]


def test_configuration_can_be_read(tmp_path: Path) -> None:
    (block,) = blocks("toml")
    file = tmp_path / "config.toml"
    file.write_text(block, "utf-8")
    configuration = load_configuration(str(file))
    archive = configuration.nodes["archive"]
    assert (archive.host, archive.port, archive.aet, archive.calling) == (
        "pacs.example.org",
        2762,
        "ARCHIVE1",
        "RESEARCH2",
    )
    assert archive.tls is not None
    assert archive.tls.ca_files == (str(tmp_path / "hospital-ca.pem"),)
    assert configuration.defaults("listen").timeouts == {"connect": 5}


def test_every_exit_status_is_in_the_table() -> None:
    told = [int(code) for code in re.findall(r"^\| (\d+) \|", TEXT, re.MULTILINE)]
    assert told == sorted(ExitCode)


def test_explanation_is_what_the_command_shows() -> None:
    words = "explain A801 --service move"
    (block,) = blocks("", f"<!-- shown: {words} -->")
    prompt, _, shown = block.partition("\n")
    assert prompt == f"$ dcmnet {words}"
    assert at_a_terminal(*words.split()) == shown


def test_both_lines_that_ci_runs_are_there() -> None:
    for marker in ("install and run", "test"):
        (block,) = blocks("sh", f"<!-- ci: {marker} -->")
        assert block.count("\n") == 1
