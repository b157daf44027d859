"""What the three completion scripts have in common: the words of each command, and how a node's name is found.

A script walks the words before the cursor as ``spelling`` does, so that it knows whether an option, its value or an
argument is being typed. Everything it offers stands in it, save files and the nodes of the configuration.
"""

from collections.abc import Sequence
from typing import NamedTuple

from dcmnet_cli.cli.tree import ArgumentFacts, CommandFacts, OptionFacts

CHOICE, NONE = "choice", "none"
MADE = "Written by python -m dcmnet_cli.cli.manual from the options in dcmnet_cli/cli; not to be edited."

# The names of [nodes.NAME], [nodes.NAME.tls], nodes.NAME.host = ... and NAME = { ... } below [nodes].
NODES_AWK = r"""
function tell(key) {
    if (match(key, /^"[^"]*"/) || match(key, /^\047[^\047]*\047/)) key = substr(key, 2, RLENGTH - 2)
    else if (match(key, /^[A-Za-z0-9_-]+/)) key = substr(key, 1, RLENGTH)
    else return
    if (!(key in seen)) { seen[key] = 1; print key }
}
BEGIN { top = 1 }
{ sub(/^[ \t]+/, "") }
/^\[/ { top = 0; inside = ($0 ~ /^\[[ \t]*"?nodes"?[ \t]*\]/) }
sub(/^\[[ \t]*"?nodes"?[ \t]*\.[ \t]*/, "") { tell($0); next }
top && sub(/^"?nodes"?[ \t]*\.[ \t]*/, "") { tell($0); next }
inside && /^[^#[].*=/ { tell($0) }
""".strip()


class Words(NamedTuple):
    """One command. ``options`` are (name, text) pairs to offer; ``values`` the options that take values, by what these
    are; ``arguments`` what each argument is, ``rest`` all those after them; ``choices`` the words of the first.
    """

    name: str
    summary: str
    options: tuple[tuple[str, str], ...]
    values: tuple["Values", ...]
    arguments: tuple[str, ...]
    rest: str
    choices: tuple[str, ...]


class Values(NamedTuple):
    """What the values of some options are, in the words of ``tree.OptionFacts.kinds``, CHOICE or NONE."""

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    choices: tuple[str, ...]


def words_of(command: CommandFacts) -> Words:
    """What a script needs to know of a command."""
    offered = tuple(
        (name, option.text)
        for option in command.options
        if option.is_listed or option.text  # not those that ask for what is done anyway
        for name in (*option.names, *option.off_names)
    )
    first = command.arguments[0] if command.arguments else ArgumentFacts("", "")
    return Words(
        command.name,
        command.summary,
        offered,
        _grouped(command.options),
        tuple(CHOICE if argument.choices else argument.kind or NONE for argument in command.arguments),
        _rest(command.arguments),
        first.choices,
    )


def _rest(arguments: Sequence[ArgumentFacts]) -> str:
    """What may follow the arguments: more of the last one, if it is repeated."""
    return arguments[-1].kind or NONE if arguments and "..." in arguments[-1].metavar else NONE


def _grouped(options: Sequence[OptionFacts]) -> tuple[Values, ...]:
    groups: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for option in options:
        if option.kinds:
            kinds = (CHOICE,) if option.choices else tuple(kind or NONE for kind in option.kinds)
            groups.setdefault((kinds, option.choices), []).extend(option.names)
    return tuple(Values(tuple(names), kinds, choices) for (kinds, choices), names in groups.items())
