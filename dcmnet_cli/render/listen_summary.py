"""The last word of a listener."""

from dcmnet_cli.render.output import Output


def has_headline(output: Output) -> bool:
    """Whether the end is told by :func:`show_listen_summary`. A pipe and JSON have the event ``stopped`` for it."""
    return output.out.is_screen and not output.json


def show_listen_summary(words: str, exit_code: int, output: Output) -> None:
    """One headline on a terminal: what was done, and the exit status."""
    if output.quiet or not has_headline(output):
        return
    from dcmnet_cli.render.screen import headline, show

    mark, colour = ("✓", "green") if exit_code == 0 else ("▲", "yellow")
    show(output.out, [headline(output.out, mark, colour, "listen", words, exit_code)])
