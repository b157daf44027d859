"""The commands as plain records, read from the Typer tree: what help, man pages and completions are made of."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import typer

from dcmnet_cli.cli.command import HELP_NAMES, Command, Group

GENERAL = "Options"
_OUTPUT = "Output"

# What can stand for a value, by the word that help shows for it. Everything else is free text.
_KINDS = {
    "FILE": "file",
    "PATH": "file",
    "KEY": "file",
    "CERT": "file",
    "FOLDER": "folder",
    "CMD": "command",
    "VAR": "variable",
    "PEER": "node",
    "NODE": "node",
    "AE@HOST:PORT": "node",
}


class OptionFacts(NamedTuple):
    """One option. ``names`` in the order of their declaration, ``off_names`` are those that switch it off again.

    ``kinds`` has what each of its values is: "file", "folder", "command", "variable", "node", or "" for text;
    ``choices`` the values there are, if they are a closed set. ``is_listed`` is false for what is read and not shown.
    """

    names: tuple[str, ...]
    off_names: tuple[str, ...]
    metavar: str
    text: str
    kinds: tuple[str, ...]
    choices: tuple[str, ...]
    is_listed: bool

    @property
    def short_names(self) -> tuple[str, ...]:
        """DCMTK's spellings: one dash or a plus."""
        return tuple(name for name in self.names if not name.startswith("--"))

    @property
    def long_names(self) -> tuple[str, ...]:
        return tuple(name for name in self.names if name.startswith("--"))


class ArgumentFacts(NamedTuple):
    """A word of the command line that is no option: PEER, PATH..."""

    metavar: str
    text: str
    choices: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        return kind_of(self.metavar.strip("[].").rstrip("."))


class CommandFacts(NamedTuple):
    """One command, its options by panel."""

    name: str
    summary: str
    text: str
    usage: str
    arguments: tuple[ArgumentFacts, ...]
    panels: dict[str, tuple[OptionFacts, ...]]
    examples: tuple[tuple[str, str], ...]

    @property
    def options(self) -> tuple[OptionFacts, ...]:
        return tuple(option for panel in self.panels.values() for option in panel)


def read_tree(root: Group) -> list[CommandFacts]:
    """Every subcommand, imported for it."""
    above = _context(root)
    found = []
    for name, entry in root.subcommands.items():
        command = root.load(name)
        ctx = typer.Context(command, info_name=name, parent=above, help_option_names=list(HELP_NAMES))
        found.append(read_command(command, ctx)._replace(summary=entry.summary))
    return found


def read_root(root: Group) -> CommandFacts:
    """``dcmnet`` itself."""
    return read_command(root, _context(root))


def _context(root: Group) -> typer.Context:
    return typer.Context(root, info_name="dcmnet", help_option_names=HELP_NAMES)  # type: ignore[arg-type]


def read_command(command: Any, ctx: typer.Context) -> CommandFacts:
    """One command as it stands, the root among them."""
    panels: dict[str, list[OptionFacts]] = {}
    arguments: list[ArgumentFacts] = []
    usage = [ctx.command_path]
    for param in command.get_params(ctx):
        if param.param_type_name == "argument":
            arguments += _arguments(param, ctx)
        else:
            panels.setdefault(param.rich_help_panel or "", []).append(_option(param, ctx))
    for option in panels.pop("", []):  # --help and --version, which belong to no family
        panels.setdefault(_OUTPUT if _OUTPUT in panels else GENERAL, []).append(option)
    usage += command.collect_usage_pieces(ctx)
    text = " ".join((command.help or "").split())
    by_panel = {title: tuple(options) for title, options in panels.items()}
    examples = tuple(command.examples) if isinstance(command, Command) else ()
    return CommandFacts(ctx.info_name or "", "", text, " ".join(usage), tuple(arguments), by_panel, examples)


def kind_of(metavar: str) -> str:
    """What the value is that help calls ``metavar``, "" for free text."""
    return _KINDS.get(metavar, "")


def _arguments(param: Any, ctx: typer.Context) -> Iterable[ArgumentFacts]:
    """An argument of several words, such as PEER PATH..., has a line of help for each."""
    words, lines = str(param.metavar or param.name.upper()).split(), (param.help or "").splitlines()
    choices = _choices(param, ctx)
    return [ArgumentFacts(word, text, choices) for word, text in zip(words, lines, strict=True)]


def _option(param: Any, ctx: typer.Context) -> OptionFacts:
    takes_value = not (param.is_flag or param.count)
    metavar = (param.metavar or "") if takes_value else ""
    kinds = tuple(kind_of(word) for word in _words(metavar, param.nargs)) if takes_value else ()
    return OptionFacts(
        tuple(param.opts),
        tuple(param.secondary_opts),
        metavar,
        _with_default(param, takes_value),
        kinds,
        _choices(param, ctx) if takes_value else (),
        not param.hidden,
    )


def _words(metavar: str, count: int) -> Sequence[str]:
    return metavar.split() if count > 1 else (metavar,)


def _with_default(param: Any, takes_value: bool) -> str:
    """The help with the default, where neither the text says it nor it goes without saying."""
    text = param.help or ""
    if not takes_value or param.default in (None, "", 0) or re.search(r"\bdefault\b", text) or not text:
        return text
    return f"{text}; default {param.default}"


def _choices(param: Any, ctx: typer.Context) -> tuple[str, ...]:
    return tuple(item.value for item in param.shell_complete(ctx, "") if item.type == "plain")
