"""What every screen on a terminal is made of: one rich console a channel, tables, hanging paragraphs.

rich is imported here and nowhere else in dcmnet, inside the functions, so that a pipe never pays for it. All text
goes in as ``rich.text.Text`` from :func:`text`, never as markup.
"""

import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from dcmnet_cli.render.output import Channel

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

Labelled: TypeAlias = "tuple[str, RenderableType]"
"""A label and what it says."""

WIDEST_PROSE = 100
"""Longer lines are hard to read, however wide the terminal is."""


class Column(NamedTuple):
    """A column of a table. ``ratio`` 0 keeps it as wide as its cells; the others share what is left. ``apart`` from the
    one before it by another blank, as prose is from numbers.
    """

    name: str
    ratio: int = 0
    right: bool = False
    wraps: bool = True
    apart: bool = False


def show(channel: Channel, parts: Iterable["RenderableType"], width: int = 0) -> None:
    """Lay ``parts`` out, one below the other, and write them in one piece. ``width`` 0 takes all there is."""
    from rich.console import Console

    file = io.StringIO()
    # Everything is said outright: a second reading of the environment could only disagree with the channel's.
    console = Console(
        file=file,
        width=width or channel.width,
        color_system="standard" if channel.has_colour else None,
        force_terminal=channel.has_colour,
        force_jupyter=False,
        legacy_windows=False,
        markup=False,
        highlight=False,
        emoji=False,
        no_color=not channel.has_colour,
    )
    for part in parts:
        console.print(part)
    channel.write("".join(line.rstrip(" ") + "\n" for line in file.getvalue().splitlines()))


def text(channel: Channel, value: str, style: str = "") -> "Text":
    """``value`` made harmless, as a rich text; line breaks stay, for texts of several lines."""
    from rich.text import Text

    return Text("\n".join(map(channel.text, value.split("\n"))), style)


def table(
    channel: Channel, columns: Sequence[Column], rows: Iterable[Sequence["Text"]], *, full: bool = True
) -> "Table":
    """A table with a rule below its head; ``full`` stretches it over the width there is."""
    from rich.box import Box
    from rich.padding import Padding
    from rich.table import Table

    def cell(column: Column, content: "Text") -> "RenderableType":
        return Padding(content, (0, 0, 0, 1)) if column.apart else content

    rule = "─" if channel.has_unicode else "-"
    box = Box(f"    \n    \n{rule * 4}\n    \n    \n    \n    \n    \n")
    result = Table(box=box, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), expand=full, header_style="dim")
    result.border_style = "dim"
    for column in columns:
        result.add_column(
            cell(column, text(channel, column.name)),
            ratio=column.ratio or None,
            justify="right" if column.right else "left",
            no_wrap=not column.wraps,
            overflow="fold",
        )
    for row in rows:
        result.add_row(*(cell(column, content) for column, content in zip(columns, row, strict=True)))
    return result


def headline(channel: Channel, mark: str, colour: str, command: str, about: str, exit_code: int) -> "Table":
    """The first line of a screen: ``✓ echo  PACS@host:104  as ME``, and the exit status at the right edge."""
    from rich.table import Table
    from rich.text import Text

    title = Text.assemble(text(channel, mark, colour), " ", text(channel, command, "bold"))
    title.append_text(text(channel, f"  {about}" if about else ""))
    grid = Table.grid(padding=(0, 2, 0, 0), expand=True)
    grid.add_column(ratio=1, overflow="fold")
    grid.add_column(justify="right", no_wrap=True, vertical="bottom")
    grid.add_row(title, text(channel, f"exit {exit_code}", colour))
    return grid


def paragraphs(channel: Channel, groups: Iterable[Sequence[Labelled]]) -> "Table":
    """Labels to the left, what they say to the right, wrapped beside its label; a blank line between groups."""
    from rich.table import Table

    grid = Table.grid(padding=(0, 3, 0, 0))
    grid.add_column(no_wrap=True, overflow="fold", max_width=16)
    grid.add_column(overflow="fold")
    for group in filter(None, groups):
        if grid.row_count:
            grid.add_row("", "")
        for label, value in group:
            grid.add_row(text(channel, label, "dim"), value)
    return grid


def numbered(channel: Channel, items: Sequence[str]) -> "RenderableType":
    """A list numbered from 1, wrapped beside its numbers; a single item goes without."""
    from rich.table import Table

    if len(items) == 1:
        return text(channel, items[0])
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(no_wrap=True, justify="right")
    grid.add_column(overflow="fold")
    for number, item in enumerate(items, 1):
        grid.add_row(f"{number}.", text(channel, item))
    return grid


def hanging(channel: Channel, mark: str, value: str) -> "Table":
    """One item of a list, wrapped beside its mark."""
    from rich.table import Table

    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(text(channel, mark), text(channel, value))
    return grid


def indented(part: "RenderableType", by: int = 2) -> "RenderableType":
    """``part`` moved to the right."""
    from rich.padding import Padding

    return Padding(part, (0, 0, 0, by))
