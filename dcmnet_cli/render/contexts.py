"""The presentation contexts of an association: what was proposed, what became of each."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dcmnet_cli.ops.results import ContextFacts
from dcmnet_cli.render.output import Channel
from dcmnet_cli.render.words import context_result, name_or_uid

if TYPE_CHECKING:
    from rich.table import Table

MOST_SYNTAXES = 6
"""Transfer syntaxes shown for one context on a screen; JSON and ``-d`` have them all."""


def context_table(channel: Channel, contexts: Sequence[ContextFacts]) -> "Table":
    """A table for a terminal, 80 columns and up. The accepted transfer syntax stands beside the result."""
    from dcmnet_cli.render.screen import Column, table, text

    columns = (
        Column("id", right=True, wraps=False),
        Column("abstract syntax", ratio=7),
        Column("proposed", ratio=5),
        Column("result", ratio=6),
        Column("accepted", ratio=5),
    )
    rows = [
        (
            text(channel, str(context.context_id)),
            text(channel, name_or_uid(context.abstract_syntax)),
            text(channel, "\n".join(_proposed(context)), "dim"),
            text(channel, context_result(context.result), "green" if context.result == 0 else "red"),
            text(channel, name_or_uid(context.accepted) or "-"),
        )
        for context in contexts
    ]
    return table(channel, columns, rows)


def context_lines(contexts: Sequence[ContextFacts]) -> list[tuple[str, ...]]:
    """Cells for lines: ``context``, id, UID, its name, the result in words, the accepted transfer syntax UID."""
    return [
        (
            "context",
            str(context.context_id),
            context.abstract_syntax,
            name_or_uid(context.abstract_syntax),
            context_result(context.result),
            context.accepted or "-",
        )
        for context in contexts
    ]


def _proposed(context: ContextFacts) -> list[str]:
    names = [name_or_uid(uid) for uid in context.transfer_syntaxes]
    if len(names) <= MOST_SYNTAXES:
        return names
    return [*names[: MOST_SYNTAXES - 1], f"and {len(names) - MOST_SYNTAXES + 1} more"]
