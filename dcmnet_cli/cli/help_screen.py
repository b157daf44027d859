"""What ``--help`` prints: the same lines on a terminal and in a pipe, on a terminal with the names in bold.

DCMTK's spelling of an option stands before ours, a family of options below its name, examples at the end, where the
eye is when the screen has stopped.
"""

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest
from textwrap import wrap

import typer

from dcmnet_cli.cli.command import Entry, Group
from dcmnet_cli.cli.tree import CommandFacts, OptionFacts, read_command
from dcmnet_cli.render.output import Channel

_WIDEST = 100
_NARROW = 64  # where texts beside the names would be but words below each other
_WIDEST_NAME = 27  # of a long name with its value; what is wider pushes its text to the next line
_SHORT = 4
_QUOTED_WORDS = re.compile(r"(?:[^\s'\"]|'[^']*'|\"[^\"]*\")+")


def show_help(ctx: typer.Context) -> None:
    """Print the help of the command that ``ctx`` is about."""
    channel = Channel(sys.stdout, os.environ)
    facts = read_command(ctx.command, ctx)
    width = min(channel.width, _WIDEST)
    lines = [f"Usage: {facts.usage}", "", *wrap(facts.text, width)]
    if isinstance(ctx.command, Group):
        lines += ["", channel.paint("Commands", "bold"), *command_lines(ctx.command.subcommands, channel)]
    lines += _argument_lines(facts, width)
    column = _column(facts) if width >= _NARROW else 0
    for title, options in facts.panels.items():
        listed = [option for option in options if option.is_listed]
        if listed:
            lines += ["", channel.paint(title, "bold")]
            lines += [line for option in listed for line in _option_lines(option, column, channel, width)]
    if facts.examples:
        lines += ["", channel.paint("Examples", "bold"), *example_lines(facts.examples, channel, width)]
    lines += ["", more(ctx.command_path)]
    channel.write("".join(f"{line}\n" for line in lines))


def command_lines(subcommands: Mapping[str, Entry], channel: Channel) -> Iterator[str]:
    """What each subcommand does, within the width of ``channel``."""
    column = max(map(len, subcommands))
    for name, entry in subcommands.items():
        yield from _hang(f"  {name:<{column}}  ", entry.summary, channel.width, channel)


def example_lines(examples: Iterable[tuple[str, str]], channel: Channel, width: int) -> Iterator[str]:
    """Command lines, each with what it does below it; a long one goes on after a backslash, to be copied as it is."""
    for line, what in examples:
        yield from (channel.paint(part, "bold") for part in fold(line, width - 2, "  ", "      "))
        yield from wrap(what, width, initial_indent="      ", subsequent_indent="      ")


def fold(line: str, width: int, first: str = "", rest: str = "    ") -> list[str]:
    """A command line as several of a shell, parted between words where it is longer than ``width``."""
    parts = [first]
    for word in _QUOTED_WORDS.findall(line):
        if len(parts[-1]) + len(word) > width and parts[-1].strip():
            parts.append(rest)
        parts[-1] += word + " "
    return [part.rstrip() + " \\" for part in parts[:-1]] + [parts[-1].rstrip()]


def more(path: str) -> str:
    """Where the rest is told, for a command as it was called."""
    if " " not in path:
        return "More: dcmnet COMMAND --help, man dcmnet"
    return f"More: man {path.replace(' ', '-')}"


def _argument_lines(facts: CommandFacts, width: int) -> Iterator[str]:
    if facts.arguments:
        yield ""
        column = max(len(argument.metavar) for argument in facts.arguments)
        for argument in facts.arguments:
            yield from _hang(f"  {argument.metavar:<{column}}  ", argument.text, width)


def _column(facts: CommandFacts) -> int:
    """How wide the long names are, those aside that are too long."""
    return max(len(name) for option in facts.options for _, name in _names(option) if len(name) <= _WIDEST_NAME)


def _names(option: OptionFacts) -> Iterator[tuple[str, str]]:
    """The spellings in two columns: DCMTK's short one, and the long one with its value; what is left over below."""
    shorts = [*option.short_names, *(name for name in option.off_names if not name.startswith("--"))]
    longs = [*option.long_names, *(name for name in option.off_names if name.startswith("--"))]
    for number, (short, long) in enumerate(zip_longest(shorts, longs, fillvalue="")):
        yield short, f"{long or ''} {option.metavar}".strip() if number == 0 else long


def _option_lines(option: OptionFacts, column: int, channel: Channel, width: int) -> Iterator[str]:
    indent = " " * (_SHORT + column + 6)
    texts = wrap(option.text, width - len(indent))
    for short, long in _names(option):
        name = channel.paint(f"  {short:<{_SHORT}}  {long:<{column}}", "bold") + "  "
        fits = len(long) <= column
        text = texts.pop(0) if texts and fits else ""
        yield f"{name}{text}".rstrip()
    yield from (indent + text for text in texts)


def _hang(start: str, text: str, width: int, channel: Channel | None = None) -> Iterator[str]:
    """``text`` beside ``start``, and in the same column below it."""
    first, *rest = wrap(text, width - len(start)) or [""]
    yield (start if channel is None else channel.paint(start, "bold")) + first
    yield from (" " * len(start) + line for line in rest)
