"""Every command's ``--help``: complete, within 80 columns, plain in a pipe; and its examples can be typed."""

import fcntl
import os
import re
import shlex
import struct
import subprocess
import sys
import termios
from functools import cache

import pytest
import typer
from typer.main import get_command

from dcmnet_cli.cli.app import Root, app, run
from dcmnet_cli.cli.tree import CommandFacts, read_tree

ROOT = get_command(app)
COMMANDS = list(Root.subcommands)


@cache
def facts() -> dict[str, CommandFacts]:
    assert isinstance(ROOT, Root)
    return {command.name: command for command in read_tree(ROOT)}


@pytest.fixture(params=COMMANDS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def screen(name: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What a pipe gets of a command's help."""
    assert run([name, "--help"]) == 0
    stdout, stderr = capsys.readouterr()
    assert stderr == ""
    return stdout


def test_help_fits_80_columns_without_a_blank_at_any_end(screen: str) -> None:
    lines = screen.splitlines()
    assert max(map(len, lines)) <= 80
    assert [line for line in lines if line != line.rstrip()] == []
    assert screen.isascii()
    assert "\x1b" not in screen


@pytest.mark.parametrize("width", [50, 63, 64, 200])
def test_help_fits_other_widths(
    width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    assert run(["hash-password", "--help"]) == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= min(width, 100)
    assert "show negotiation" in shown


def test_every_option_stands_in_a_family_with_its_text(name: str, screen: str) -> None:
    _, *families = re.split(r"^(?=[A-Z].*$)", screen.partition("\n\n")[2], flags=re.MULTILINE)
    shown = {family.partition("\n")[0]: " ".join(family.split()) for family in families}
    for panel, options in facts()[name].panels.items():
        for option in (option for option in options if option.is_listed):
            assert option.text
            for spelling in (*option.names, *option.off_names):
                assert f" {spelling} " in f"{shown[panel]} "
    assert "Options" not in shown


def test_the_spelling_of_dcmtk_stands_beside_ours(screen: str) -> None:
    for line in re.findall(r"^  [-+]\S+.*$", screen, re.MULTILINE):
        assert re.match(r"  [-+]\S{1,4} +(--[a-z]|[A-Z])", line) or line.startswith("  +"), line


def test_defaults_are_told(name: str) -> None:
    command = ROOT.load(name)
    ctx = typer.Context(command, info_name=name)
    texts = {option.names: option.text for option in facts()[name].options}
    for param in command.get_params(ctx):
        takes_value = param.param_type_name == "option" and not (param.is_flag or param.count)
        if takes_value and not param.hidden and param.default not in (None, "", 0):
            assert "default" in texts[tuple(param.opts)]


def test_examples_stand_at_the_end(name: str, screen: str) -> None:
    _, _, shown = screen.partition("\nExamples\n")
    assert shown.endswith(f"\n\nMore: man dcmnet-{name}\n")
    told = " ".join(shown.replace("\\\n", "").split())
    for line, what in facts()[name].examples:
        assert f"{line} {what}" in told
    assert len(facts()[name].examples) >= 2


def test_examples_can_be_typed(name: str) -> None:
    command = ROOT.load(name)
    for line, _ in facts()[name].examples:
        words = shlex.split(line.partition(" >> ")[0])
        assert words[:2] == ["dcmnet", name]
        command.make_context(name, words[2:]).close()


@pytest.mark.parametrize(
    ("environ", "is_bold"),
    [({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
    ids=["terminal", "NO_COLOR", "dumb"],
)
def test_a_terminal_that_can_shows_names_in_bold(environ: dict[str, str], is_bold: bool) -> None:
    drawn = on_terminal(["echo", "--help"], environ)
    assert ("\x1b[1m  -aet" in drawn) is is_bold
    assert ("\x1b" in drawn) is is_bold
    plain = re.sub(r"\x1b\[\d*m", "", drawn)
    assert "\r\nAssociation\r\n  -aec  --call AE" in plain
    assert max(map(len, plain.splitlines())) <= 72


def on_terminal(words: list[str], environ: dict[str, str]) -> str:
    """What a terminal of 72 columns receives."""
    reader, writer = os.openpty()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 72, 0, 0))
    kept = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "NO_COLOR", "FORCE_COLOR")}
    command = [sys.executable, "-m", "dcmnet_cli", *words]
    with subprocess.Popen(command, stdin=writer, stdout=writer, stderr=writer, env=kept | environ) as process:
        os.close(writer)
        drawn = b""
        try:
            while piece := os.read(reader, 65536):
                drawn += piece
        except OSError:  # how Linux tells that the other end is closed
            pass
        os.close(reader)
    assert process.returncode == 0
    return drawn.decode()
