"""The last word of a listener."""

from dcmnet_cli.ops.reception import ListenTotals
from dcmnet_cli.render.output import Output


def show_listen_summary(totals: ListenTotals, exit_code: int, output: Output) -> None:
    """One headline on a terminal. A pipe and JSON have the event ``stopped``, which says the same."""
    if output.json or output.quiet or not output.out.is_screen:
        return
    from dcmnet_cli.render.screen import headline, show

    mark, colour = ("✓", "green") if totals.is_clean and exit_code == 0 else ("▲", "yellow")
    show(output.out, [headline(output.out, mark, colour, "listen", totals.detail, exit_code)])
