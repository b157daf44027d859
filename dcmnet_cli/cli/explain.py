"""``dcmnet explain``."""

from typing import Annotated

import typer

from dcmnet_cli.cli.command import command
from dcmnet_cli.cli.options import OutputOptions, value
from dcmnet_cli.cli.reporting import make_output
from dcmnet_cli.core.status import services
from dcmnet_cli.ops.explain import explain as look_up
from dcmnet_cli.render.explain import show_explanation

EXAMPLES = (
    ("dcmnet explain rj 1 1 7", "an association rejection: result, source, reason"),
    ("dcmnet explain abort 2 1", "an A-ABORT: source, reason"),
    ("dcmnet explain A801 --service move", "a DIMSE status of one service"),
    ("dcmnet explain 1.2.840.10008.1.2.4.90", "a UID, or a keyword such as CTImageStorage"),
    ("dcmnet explain command 8021", "a DIMSE command field"),
)


@command(examples=EXAMPLES)
def explain(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="WORDS...",
            help="a rejection, an abort, a status, a UID, a command field, an exit status",
            autocompletion=lambda: ("rj", "abort", "status", "context", "uid", "command", "pdu", "exit"),
        ),
    ] = None,
    *,
    service: Annotated[
        str,
        value(
            "--service",
            metavar="NAME",
            panel="Explain",
            text="read a status as this service does: move, store",
            choices=services,
        ),
    ] = "",
    output: OutputOptions,
) -> None:
    """Say what a status, a reject reason or a UID means, without a network."""
    shown = make_output(output)
    show_explanation(look_up(words or (), service), shown)
