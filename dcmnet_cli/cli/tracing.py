"""``-v`` and ``-d``: what goes over the association, as it goes."""

from dcmnet_cli.core.events import Trace
from dcmnet_cli.net.association import Association
from dcmnet_cli.net.observer import Observer
from dcmnet_cli.render.output import Output
from dcmnet_cli.render.trace import show_trace


class Tracer(Observer):
    """Shows PDUs, messages and notes on an output, as much as its verbosity asks for."""

    def __init__(self, output: Output) -> None:
        self._output = output

    def traced(self, association: Association, trace: Trace) -> None:
        show_trace(trace, self._output)

    def noted(self, association: Association, note: str) -> None:
        self._output.verbose(f"note: {note}")
