"""The acceptor's side: servers in the background of a program."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dcmnet_cli.core import uids
from dcmnet_cli.core.commands import CEchoRQ
from dcmnet_cli.core.negotiation import AcceptorPolicy
from dcmnet_cli.net.part10 import meta_header
from dcmnet_cli.net.server import SERVER_TIMERS, Server, ServerObserver
from dcmnet_cli.net.service import Handler, ServiceRequest, answer_echo
from dcmnet_cli.net.transport import Transport, listen

if TYPE_CHECKING:
    from pydicom import Dataset

    from dcmnet_cli.net.tls_settings import TLSSettings
    from dcmnet_cli.ops.listening.listen import Listener, ListenPlan
    from dcmnet_cli.ops.results import ListenEvent

_GRACE = 5.0
_TAKES_ALL = AcceptorPolicy(any_abstract_syntax=True)
_LARGEST = 1 << 31


class Serving:
    """A server that runs. ``port`` is the real one, whatever was asked for."""

    def __init__(self, port: int, thread: threading.Thread) -> None:
        self.port = port
        self._thread = thread

    def wait(self, seconds: float | None = None) -> None:
        """Wait for ever, or so long: for a program that does nothing but serve. Ctrl-C passes."""
        self._thread.join(seconds)


@contextmanager
def serving(
    handlers: Mapping[type, Handler],
    *,
    port: int = 0,
    host: str | None = "127.0.0.1",
    policy: AcceptorPolicy = _TAKES_ALL,
    tls: "TLSSettings | None" = None,
    observers: Sequence[ServerObserver] = (),
) -> Iterator[Serving]:
    """Serve with handlers of one's own while the context lasts, a thread for each connection.

    ``handlers`` maps the record of a request (``CStoreRQ``, ``CFindRQ`` ...; all: ``dcmnet_cli.core.commands``) to
    a function that takes a ``ServiceRequest`` and returns the status of the response. It is called from many threads at
    once; when it raises, its request gets a failure status, and the association lives on. C-ECHO is answered anyway.
    ``port`` 0 is any free one, ``host`` None every interface; ``policy`` says which titles, SOP classes and transfer
    syntaxes are accepted, by default all. At the end, open associations get five seconds. Raises ListenError.
    """
    secure = _secured(tls) if tls is not None else None
    sockets = listen(host, port)
    real_port: int = sockets[0].getsockname()[1]
    answers = {CEchoRQ: answer_echo, **handlers}
    server = Server(sockets, answers, policy=policy, secure=secure, observers=observers)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield Serving(real_port, thread)
    finally:
        server.stop()
        thread.join()
        server.finish(_GRACE)


def _secured(settings: "TLSSettings") -> Callable[[Transport], Transport]:
    from dcmnet_cli.net.tls import server_context, start_server

    context = server_context(settings)
    seconds = SERVER_TIMERS.acse or _GRACE
    return lambda transport: start_server(transport, settings, seconds, context=context)


@contextmanager
def listening(plan: "ListenPlan", emit: "Callable[[ListenEvent], None]" = lambda _: None) -> "Iterator[Listener]":
    """What ``dcmnet listen`` does, while the context lasts: receive objects, be an archive, inject faults.

    ``emit`` gets every event, from any thread. Raises ListenError and OutputError.
    """
    from dcmnet_cli.ops.listening.listen import Listener

    listener = Listener(plan, emit)
    thread = threading.Thread(target=listener.run, daemon=True)
    thread.start()
    try:
        yield listener
    finally:
        listener.stop()
        thread.join()


def data_set_of(request: ServiceRequest, limit: int = _LARGEST) -> "Dataset":
    """The data set of a request, decoded by pydicom: an object with its file meta information, or a query's identifier.

    Larger ones than ``limit`` bytes end the association; ``ServiceRequest.fragments`` takes any without holding it.
    """
    from io import BytesIO

    from pydicom import dcmread

    message = request.message
    header = meta_header(
        getattr(message, "affected_sop_class_uid", ""),
        getattr(message, "affected_sop_instance_uid", ""),
        request.context.transfer_syntax,
        request.association.peer_ae_title,
    )
    return dcmread(BytesIO(header + request.read_data_set(limit)))


def respond_with(request: ServiceRequest, data_set: "Dataset", status: int = 0xFF00) -> None:
    """Send a response with a data set: by default a pending one, such as each answer to a C-FIND."""
    from io import BytesIO

    from pydicom.filebase import DicomIO
    from pydicom.filewriter import write_dataset

    syntax = request.context.transfer_syntax
    buffer = BytesIO()
    file = DicomIO(buffer)
    file.is_implicit_VR = syntax == uids.IMPLICIT_VR_LITTLE_ENDIAN
    file.is_little_endian = syntax != uids.EXPLICIT_VR_BIG_ENDIAN
    write_dataset(file, data_set)
    written = buffer.getvalue()
    request.respond(status, _deflated(written) if syntax == uids.DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN else written)


def _deflated(data: bytes) -> bytes:
    """PS3.5 A.5: padded to an even length."""
    import zlib

    deflater = zlib.compressobj(wbits=-15)
    packed = deflater.compress(data) + deflater.flush()
    return packed + b"\0" * (len(packed) % 2)
