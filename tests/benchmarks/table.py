"""The table of all rows: for a terminal, for a pipe, as Markdown."""

from collections.abc import Sequence

from tests.benchmarks.figures import Row, shown_all, shown_ratio

COLUMNS = ("what", "ours", "", "peer", "", "ratio", "goal", "")


def cells(row: Row) -> tuple[str, ...]:
    """One row in words."""
    what = f"{row.work} ({row.note})" if row.note else row.work
    return (
        what,
        row.label,
        shown_all(row.ours, row.unit),
        row.peer,
        shown_all(row.theirs, row.unit),
        shown_ratio(row),
        row.goal.text if row.goal else "",
        row.verdict,
    )


def markdown(rows: Sequence[Row], facts: Sequence[tuple[str, str]]) -> str:
    """A page with the table and what it was measured on."""
    lines = ["# Benchmark", "", *(f"- {name}: {text}" for name, text in facts), ""]
    lines += [_line(COLUMNS), _line(("---",) * len(COLUMNS))]
    lines += [_line(cells(row)) for row in rows]
    lines += ["", "Median, lowest and highest; the ratio is the median of those of each pair, ours to the peer's.", ""]
    return "\n".join(lines)


def _line(texts: Sequence[str]) -> str:
    return f"| {' | '.join(texts)} |"


def show(rows: Sequence[Row], facts: Sequence[tuple[str, str]]) -> None:
    """Print it: a rich table on a terminal, else Markdown, which reads well enough as it is."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    if not console.is_terminal:
        print(markdown(rows, facts))
        return
    for name, text in facts:
        console.print(f"{name}: {text}", markup=False, highlight=False)
    table = Table(*COLUMNS)
    for row in rows:
        style = {"met": "green", "missed": "bold red"}.get(row.verdict, "")
        *texts, verdict = cells(row)
        table.add_row(*texts, f"[{style}]{verdict}[/]" if style else verdict)
    console.print(table)
