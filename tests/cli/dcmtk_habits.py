"""The table of DCMTK's options in ``dcmtk_habits.tsv``, and our commands read without being run."""

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import typer
from typer.main import get_command

from dcmnet_cli.cli.app import app

TAKEN, ANSWERED, REFUSED, DIFFERS = "taken", "answered", "refused", "differs"
OURS = {
    "echoscu": "echo",
    "storescu": "store",
    "dcmsend": "store",
    "findscu": "find",
    "movescu": "move",
    "getscu": "get",
    "storescp": "listen",
    "dcmrecv": "listen",
    "dcmqrscp": "listen",
}
PARAMETERS = {"echo": ("host", "104"), "store": ("host", "104", "a.dcm"), "listen": ("11112",)}
"""What each command needs beside options; the others need as much as echo."""


class Habit(NamedTuple):
    """A row of the table. ``values`` are words that make sense behind the option."""

    spellings: tuple[str, ...]
    values: tuple[str, ...]
    expected: str
    tools: tuple[str, ...]


def _habit(line: str) -> Habit:
    spellings, values, expected, tools = line.split("\t")
    return Habit(tuple(spellings.split()), tuple(values.split()), expected, tuple(tools.split()))


_LINES = (Path(__file__).parent / "dcmtk_habits.tsv").read_text().splitlines()
HABITS = tuple(_habit(line) for line in _LINES if not line.startswith("#"))


def habits_of(tool: str, *expected: str) -> list[Habit]:
    """The rows of a tool, of all kinds or of those ``expected``."""
    return [each for each in HABITS if tool in each.tools and (not expected or each.expected in expected)]


def parameters(command: str) -> tuple[str, ...]:
    """Words without which a command line would not be one."""
    return PARAMETERS.get(command, PARAMETERS["echo"])


@cache
def _command(name: str) -> Any:
    return get_command(app).load(name)  # type: ignore[attr-defined]


def given(command: str, *words: str) -> dict[str, Any]:
    """Read a line as the command would, and return what it sets, by parameter. Raises UsageError as the command does,
    and ``typer.Exit`` where an option answers at once."""
    context: typer.Context = _command(command).make_context(command, list(words))
    sources = {name: context.get_parameter_source(name) for name in context.params}
    return {
        name: context.params[name] for name, source in sources.items() if getattr(source, "name", "") == "COMMANDLINE"
    }
