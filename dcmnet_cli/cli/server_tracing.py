"""``listen -d``: what goes over every association, as it goes."""

from dcmnet_cli.core.events import Trace
from dcmnet_cli.net.association import Association
from dcmnet_cli.net.server import ServerObserver
from dcmnet_cli.render.output import Output
from dcmnet_cli.render.trace import show_trace


class ServerTracer(ServerObserver):
    """Shows PDUs, messages and notes, each line behind the address of the peer: associations go on side by side."""

    def __init__(self, output: Output) -> None:
        self._output = output

    def traced(self, association: Association, trace: Trace) -> None:
        show_trace(trace, self._output, f"{association.transport.remote} ")

    def noted(self, association: Association, note: str) -> None:
        self._output.verbose(f"{association.transport.remote} note: {note}")
