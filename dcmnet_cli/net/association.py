"""An association over a connection, as a caller uses it: either role, blocking, one thread at a time."""

import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple, NoReturn

from dcmnet_cli.core.association import AssociationProtocol, Timers
from dcmnet_cli.core.command_set import has_data_set
from dcmnet_cli.core.commands import Message, Response
from dcmnet_cli.core.events import (
    Aborted,
    AssociationAccepted,
    AssociationEvent,
    AssociationRejected,
    AssociationRequested,
    ConnectionClosed,
    Fragment,
    MessageReceived,
    NotDICOM,
    Released,
    ReleaseRequested,
    TimerExpired,
    Trace,
    Violation,
)
from dcmnet_cli.core.negotiation import AcceptedContext, Negotiated
from dcmnet_cli.core.pdata import Buffer, Buffers, Chunks, chunks_of
from dcmnet_cli.core.pdu import AAssociateAC, AAssociateRJ, AAssociateRQ
from dcmnet_cli.core.state import State
from dcmnet_cli.errors import (
    AssociationAborted,
    ConnectionLost,
    DcmnetError,
    LocalProtocolError,
    RemoteProtocolError,
    TimedOut,
    UnexpectedMessage,
    UnexpectedRelease,
    WrongProtocol,
)
from dcmnet_cli.errors import AssociationRejected as RejectedError
from dcmnet_cli.net.observer import Observer, watches_traffic
from dcmnet_cli.net.transport import Transport

WRITE_TIMEOUT = 60.0
_LAST_WORDS = 0.3  # seconds we wait for an A-ABORT that may precede a broken connection
_ABORT_TIMEOUT = 2.0  # seconds an A-ABORT may take to leave

_TIMER_NAMES = {"acse": "ACSE", "dimse": "DIMSE", "idle": "idle", "release": "release", "write": "write"}


class Received(NamedTuple):
    """A DIMSE message from the peer. Its data set, if any, must be read before anything else is received."""

    context: AcceptedContext
    message: Message


class Association:
    """One association. Made by ``Association.request`` (requestor) or by a ``Server`` (acceptor).

    Methods raise AssociationAborted, ConnectionLost, TimedOut or RemoteProtocolError when the association ends before
    its time; by then it is aborted and closed. As a context manager it is released on the way out, or aborted when an
    exception passes.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        is_requestor: bool,
        peer: str,
        timers: Timers = Timers(),  # noqa: B008 - immutable
        write_timeout: float = WRITE_TIMEOUT,
        observers: Sequence[Observer] = (),
    ) -> None:
        self.transport = transport
        self.peer = peer
        self.write_timeout = write_timeout
        self._observers = observers
        self._protocol = AssociationProtocol(
            is_requestor=is_requestor, timers=timers, trace=self._trace if watches_traffic(observers) else None
        )
        self._told = 0  # notes already passed on
        self._first_bytes = b""
        self._lost: ConnectionLost | None = None
        self._is_interrupted = False
        self._message_id = 0
        self._in_data_set = False
        self._last_byte = time.monotonic()
        self._protocol.connected(self._last_byte) if not is_requestor else None

    # --- the requestor's beginning -----------------------------------------------------------------------------

    @classmethod
    def request(
        cls,
        transport: Transport,
        request: AAssociateRQ,
        *,
        peer: str = "",
        timers: Timers = Timers(),  # noqa: B008 - immutable
        write_timeout: float = WRITE_TIMEOUT,
        observers: Sequence[Observer] = (),
    ) -> "Association":
        """Propose an association over ``transport`` and return it once it is accepted, with whatever contexts.

        Raises AssociationRejected, WrongProtocol and what every method raises; the transport is closed then.
        """
        association = cls(
            transport,
            is_requestor=True,
            peer=peer or f"{request.called_ae_title}@{transport.remote}",
            timers=timers,
            write_timeout=write_timeout,
            observers=observers,
        )
        association._propose(request)
        return association

    def _propose(self, request: AAssociateRQ) -> None:
        try:
            self._protocol.propose(request)
            self._protocol.connected(time.monotonic())
        except LocalProtocolError:
            self.transport.close()
            raise
        for observer in self._observers:
            observer.requested(self, request)
        event = self._next_event()
        if not isinstance(event, AssociationAccepted):
            self._fail(UnexpectedMessage(f"{type(event).__name__} in answer to the association request", 2))
        for observer in self._observers:
            observer.accepted(self, event.negotiated)

    # --- the acceptor's beginning ------------------------------------------------------------------------------

    def receive_request(self) -> AAssociateRQ:
        """Wait for the association request. Raises RejectedError if our provider rejected it by itself."""
        event = self._next_event()
        if not isinstance(event, AssociationRequested):
            self._fail(UnexpectedMessage(f"{type(event).__name__} where an association request was due", 2))
        for observer in self._observers:
            observer.requested(self, event.request)
        return event.request

    def accept(self, answer: AAssociateAC) -> None:
        """Accept the request that ``receive_request`` returned."""
        self._protocol.accept(answer, time.monotonic())
        self._flush()
        if self._protocol.negotiated is None:
            self._next_event()
        for observer in self._observers:
            observer.accepted(self, self.negotiated)

    def reject(self, answer: AAssociateRJ) -> None:
        """Reject the request, and give the peer a moment to read that before the connection is closed."""
        self._protocol.reject(answer, time.monotonic())
        for observer in self._observers:
            observer.rejected(self, *answer)
        self._linger()

    # --- what was agreed ---------------------------------------------------------------------------------------

    @property
    def negotiated(self) -> Negotiated:
        """What was agreed. Only once the association is established."""
        negotiated = self._protocol.negotiated
        if negotiated is None:
            raise LocalProtocolError("the association is not established")
        return negotiated

    @property
    def requested(self) -> AAssociateRQ:
        """The request of this association, ours or the peer's."""
        assert self._protocol.request is not None
        return self._protocol.request

    @property
    def notes(self) -> Sequence[str]:
        """What was tolerated so far."""
        return self._protocol.notes

    @property
    def is_open(self) -> bool:
        """Whether messages can be exchanged."""
        return self._protocol.state == State.STA6 and not self._protocol.is_over

    # --- messages ----------------------------------------------------------------------------------------------

    def next_message_id(self) -> int:
        """A message id that none of our recent requests bears, 1 to 65535."""
        self._message_id = self._message_id % 0xFFFF + 1
        return self._message_id

    def send(self, context_id: int, message: Message, data_set: Buffer | Chunks = b"") -> None:
        """Send a message, and its data set if it announces one: buffers that are neither joined nor copied.

        Command set and first fragments leave in one write. A data set whose chunks do not add up to its length aborts
        the association and raises LocalProtocolError.
        """
        self._protocol.send_message(context_id, message, time.monotonic())
        if has_data_set(message):
            chunks = data_set if isinstance(data_set, Chunks) else chunks_of(data_set)
            try:
                for batch in self._protocol.data_set_batches(context_id, chunks):
                    self._write([*self._protocol.data_to_send(), *batch])
            except BaseException:  # half a data set is on the wire: nothing can follow it
                self.abort()
                raise
        else:
            self._flush()
        self._protocol.touch(time.monotonic())

    def receive(self) -> Received | None:
        """The next message of the peer; None once the peer has released the association.

        What is left of the data set before it is read and dropped.
        """
        self.drain()
        event = self._next_event()
        if isinstance(event, MessageReceived):
            self._in_data_set = has_data_set(event.message)
            return Received(self.negotiated.contexts[event.context_id], event.message)
        if isinstance(event, (ReleaseRequested, Released)):
            self._be_released(event)
            return None
        self._fail(UnexpectedMessage(f"{type(event).__name__} where a message was due", 2))

    def call(self, context_id: int, message: Message, data_set: Buffer | Chunks = b"") -> Response:
        """Send a request and return its one response; a data set that comes with it is dropped.

        Raises UnexpectedRelease when the peer releases instead.
        """
        self.send(context_id, message, data_set)
        received = self.receive()
        if received is None:
            raise UnexpectedRelease(f"{self.peer} released the association instead of answering")
        self.drain()
        response: Response = received.message  # type: ignore[assignment]  # the core matched it to our request
        return response

    def fragments(self) -> Iterator[list[memoryview]]:
        """The data set of the message just received, as lists of views, each list borrowed until the next.

        A list holds what one read from the network brought. Nothing is yielded for a message without a data set.
        """
        batch: list[memoryview] = []
        while self._in_data_set:
            event = self._protocol.next_event()
            if event is None:
                if batch:
                    yield batch
                    batch = []
                self._fill()
            elif isinstance(event, Fragment):
                batch.append(event.data)
                self._in_data_set = not event.is_last
            else:
                self._conclude(event)
        if batch:
            yield batch

    def read_data_set(self, limit: int) -> bytes:
        """The whole data set of the message just received. Raises UnexpectedMessage beyond ``limit`` bytes."""
        data = bytearray()
        for batch in self.fragments():
            for fragment in batch:
                data += fragment
            if len(data) > limit:
                self._fail(UnexpectedMessage(f"{self.peer} sent a data set of more than {limit} bytes", 0))
        return bytes(data)

    def drain(self) -> None:
        """Read and drop what is left of the data set of the message just received."""
        for _ in self.fragments():
            pass

    # --- the end -----------------------------------------------------------------------------------------------

    def release(self) -> str:
        """Release the association; returns "" or, as the work is done by then, what went wrong with it in words."""
        if not self.is_open:
            return ""
        self._protocol.release(time.monotonic())
        try:
            event: AssociationEvent | None = None
            while not isinstance(event, (Released, ReleaseRequested)):
                event = self._next_event()
        except DcmnetError as error:
            return error.message
        for observer in self._observers:
            observer.released(self)
        self._linger()
        return ""

    def abort(self) -> None:
        """Abort the association (A-ABORT, source service user). Never raises; does nothing once it is over."""
        if self._protocol.is_over:
            self.transport.close()
            return
        self._protocol.abort(time.monotonic())
        for observer in self._observers:
            observer.aborted(self, 0, 0, False)
        self._say_abort()

    def interrupt(self) -> None:
        """From another thread: have the thread that waits for the peer abort the association."""
        self._is_interrupted = True
        self.transport.interrupt_read()

    def __enter__(self) -> "Association":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.release()
        else:
            self.abort()

    # --- events to exceptions ----------------------------------------------------------------------------------

    def _next_event(self) -> AssociationEvent:
        """The next event that is not the end of the association; raises for those that are."""
        while True:
            event = self._protocol.next_event()
            if event is None:
                self._fill()
            elif isinstance(event, NotDICOM):
                self._first_bytes = event.first_bytes
            elif isinstance(event, (AssociationRejected, Aborted, Violation, TimerExpired, ConnectionClosed)):
                self._conclude(event)
            else:
                self._tell_notes()
                return event

    def _fill(self) -> None:
        """Write what is queued, then read once, within the protocol's deadline."""
        if self._protocol.is_over:
            raise LocalProtocolError("the association is over")
        self._flush()
        view = self._protocol.get_buffer()
        deadline = self._protocol.deadline()
        timeout = None if deadline is None else max(0.0, deadline - time.monotonic())
        try:
            count = self.transport.recv_into(view, timeout, quick_ack=True)
        except TimeoutError:
            self._protocol.timeout(time.monotonic())
            return
        except ConnectionLost as error:
            self._lost = error
            count = 0
        now = time.monotonic()
        if count:
            self._last_byte = now
            self._protocol.buffer_updated(count, now)
        elif self._is_interrupted:
            self.abort()
            raise AssociationAborted(f"the association with {self.peer} was aborted here", 0, 0, by_peer=False)
        else:
            self._protocol.eof_received(now)

    def _conclude(self, event: AssociationEvent) -> NoReturn:
        """The association ended before its time: tell, close, raise."""
        self._tell_notes()
        match event:
            case AssociationRejected(result, source, reason):
                for observer in self._observers:
                    observer.rejected(self, result, source, reason)
                self._linger()
                raise RejectedError(self._rejection_words(event), result, source, reason)
            case Aborted(source, reason):
                for observer in self._observers:
                    observer.aborted(self, source, reason, True)
                self.transport.close()
                raise AssociationAborted(self._abort_words(source, reason), source, reason)
            case Violation(error):
                self._violated(error)
            case TimerExpired():
                self._expired(event)
            case ConnectionClosed():
                self._closed(event)
            case _:
                self._fail(UnexpectedMessage(f"{type(event).__name__} at the wrong time", 2))

    def _rejection_words(self, event: AssociationRejected) -> str:
        from dcmnet_cli.core.reasons import explain_reject

        why = explain_reject(event.result, event.source, event.reason)
        who = self.peer if event.by_peer else "we"
        numbers = f"result {event.result}, source {event.source}, reason {event.reason}"
        return f"{who} {why.result_name}: {why.name} ({numbers})"

    def _abort_words(self, source: int, reason: int) -> str:
        from dcmnet_cli.core.reasons import explain_abort

        why = explain_abort(source, reason)
        waiting = self._protocol.describe_outstanding()
        due = f", {waiting} was due" if waiting else ""
        return f"{self.peer} aborted the association{due}: {why.name} (source {source}, reason {reason})"

    def _violated(self, error: RemoteProtocolError) -> NoReturn:
        if self._first_bytes:
            self._say_abort()
            raise self._wrong_protocol()
        for observer in self._observers:
            observer.aborted(self, 2, error.abort_reason, False)
        self._say_abort()
        error.message = f"{self.peer} broke the protocol: {error.message}"
        raise error

    def _wrong_protocol(self) -> WrongProtocol:
        from dcmnet_cli.core.banner import recognise

        banner = recognise(self._first_bytes)
        words, protocol = (banner.words, banner.protocol) if banner else ("something else", "unknown")
        message = f"{self.peer} does not speak DICOM: {words}"
        return WrongProtocol(message, protocol, first_bytes=self._first_bytes[:32].hex(" "))

    def _expired(self, event: TimerExpired) -> NoReturn:
        name = _TIMER_NAMES[event.timer]
        message = f"{self.peer} was silent for {event.seconds:g} s ({name} timeout), {event.waiting_for} was due"
        if not self._protocol.is_over:
            self.abort()
        self.transport.close()
        raise TimedOut(message, event.timer, event.seconds)

    def _closed(self, event: ConnectionClosed) -> NoReturn:
        self.transport.close()
        how = self._lost.details.get("how", "") if self._lost is not None else "closed"
        verb = "closed the connection" if how == "closed" else "reset the connection"
        if self._lost is not None and how not in ("closed", "reset"):
            verb = self._lost.message
        within = " in the middle of a PDU" if event.within_pdu else ""
        silence = time.monotonic() - self._last_byte
        message = f"{self.peer} {verb}{within}, {event.waiting_for} was due"
        for observer in self._observers:
            observer.lost(self, message)
        raise ConnectionLost(message, how=how, waiting_for=event.waiting_for, silence=round(silence, 3))

    def _be_released(self, event: AssociationEvent) -> None:
        if isinstance(event, ReleaseRequested):
            self._protocol.respond_to_release(time.monotonic())
        for observer in self._observers:
            observer.released(self)
        self._linger()

    def _fail(self, error: RemoteProtocolError) -> NoReturn:
        self.abort()
        raise error

    # --- bytes out ---------------------------------------------------------------------------------------------

    def _flush(self) -> None:
        buffers = self._protocol.data_to_send()
        if buffers:
            self._write(buffers)

    def _write(self, buffers: Buffers) -> None:
        try:
            self.transport.write_buffers(buffers, self.write_timeout)
        except TimeoutError:
            self.transport.close(abort=True)
            self._protocol.eof_received(time.monotonic())
            message = f"{self.peer} took no data for {self.write_timeout:g} s (write timeout)"
            raise TimedOut(message, "write", self.write_timeout) from None
        except ConnectionLost as error:
            self._hear_last_words(error)

    def _hear_last_words(self, lost: ConnectionLost) -> NoReturn:
        """Our write failed. The peer may have said why before it went: read what is there."""
        self._lost = lost
        try:
            while True:
                view = self._protocol.get_buffer()
                count = self.transport.recv_into(view, _LAST_WORDS)
                if not count:
                    break
                self._protocol.buffer_updated(count, time.monotonic())
                while (event := self._protocol.next_event()) is not None:
                    if not isinstance(event, (MessageReceived, Fragment)):
                        self._conclude(event)
        except (TimeoutError, ConnectionLost) as error:
            if isinstance(error, ConnectionLost) and error.details.get("waiting_for"):
                raise
        self._protocol.eof_received(time.monotonic())
        self._closed(ConnectionClosed(False, False, "the rest of what we were sending"))

    def _say_abort(self) -> None:
        """Get a queued A-ABORT out as well as possible, then close."""
        self.write_timeout = min(self.write_timeout, _ABORT_TIMEOUT)
        self._linger()

    def _linger(self) -> None:
        """Write what is queued and wait, for the closing time at most, until the peer closes (Sta13)."""
        try:
            buffers = self._protocol.data_to_send()
            if buffers:
                self.transport.write_buffers(buffers, self.write_timeout)
            while not self._protocol.is_over:
                deadline = self._protocol.deadline() or 0.0
                count = self.transport.recv_into(self._protocol.get_buffer(), max(0.0, deadline - time.monotonic()))
                if not count:
                    self._protocol.eof_received(time.monotonic())
                self._protocol.buffer_updated(count, time.monotonic())
                while self._protocol.next_event() is not None:
                    pass
        except (TimeoutError, ConnectionLost):
            pass  # it is over either way, and whatever mattered has been said
        finally:
            self.transport.close()

    # --- observers ---------------------------------------------------------------------------------------------

    def _trace(self, trace: Trace) -> None:
        for observer in self._observers:
            observer.traced(self, trace)

    def _tell_notes(self) -> None:
        notes = self._protocol.notes
        while self._told < len(notes):
            for observer in self._observers:
                observer.noted(self, notes[self._told])
            self._told += 1
