"""What an association rests on: a transport and the protocol core, how the one feeds the other, and how both end."""

import time
from collections.abc import Callable, Sequence
from typing import NoReturn

from dcmnet_cli.core.association import AssociationProtocol, Timers
from dcmnet_cli.core.events import (
    Aborted,
    AssociationEvent,
    AssociationRejected,
    ConnectionClosed,
    Fragment,
    MessageReceived,
    NotDICOM,
    TimerExpired,
    Trace,
    Violation,
)
from dcmnet_cli.core.pdata import Buffers
from dcmnet_cli.core.state import State
from dcmnet_cli.errors import (
    AssociationAborted,
    ConnectionLost,
    LocalProtocolError,
    RemoteProtocolError,
    TimedOut,
    TLSError,
    TransportError,
    UnexpectedMessage,
)
from dcmnet_cli.net import endings
from dcmnet_cli.net.observer import Observer, watches_traffic
from dcmnet_cli.net.transport import Transport

WRITE_TIMEOUT = 60.0
_LAST_WORDS = 0.3  # seconds we wait for an A-ABORT that may precede a broken connection
_ABORT_TIMEOUT = 2.0  # seconds an A-ABORT may take to leave
_WATCH_EVERY = 0.1


class Link:
    """The lower half of ``Association``: events of the peer in, bytes out, and every premature end an exception.

    Whatever raises has closed the transport by then, and told the observers.

    ``watch``, where one is set, is called before every read and ten times a second while nothing comes. It says when
    there was last a sign of life elsewhere, on the monotonic clock: silence here counts from then. It may send messages
    without a data set, and what it raises ends the wait.

    ``before_release``, where one is set, is called when the peer has asked for the release and before that is
    confirmed. What it raises aborts the association in place of the confirmation.
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
        self._is_watched = watches_traffic(observers)
        self._protocol = AssociationProtocol(
            is_requestor=is_requestor, timers=timers, trace=self._trace if self._is_watched else None
        )
        self._told = 0  # notes already passed on
        self._first_bytes = b""
        self._lost: TransportError | None = None
        self._is_interrupted = False
        self._message_id = 0
        self._in_data_set = False
        self._seen: MessageReceived | None = None  # looked at by ``peek``, to be received yet
        self._last_byte = time.monotonic()
        self._past = 0.0  # the deadline after which one more read was granted
        self.watch: Callable[[], float] | None = None
        self.before_release: Callable[[], None] | None = None
        if not is_requestor:
            self._protocol.connected(self._last_byte)

    @property
    def is_open(self) -> bool:
        """Whether messages can be exchanged."""
        return self._protocol.state == State.STA6 and not self._protocol.is_over

    def abort(self) -> None:
        """Abort the association (A-ABORT, source service user). Never raises; does nothing once it is over."""
        if self._protocol.is_over:
            self.transport.close()
            return
        self._protocol.abort(time.monotonic())
        self._tell("aborted", 0, 0, False)
        self._say_abort()

    @property
    def last_heard(self) -> float:
        """When the peer was last heard of, on the monotonic clock."""
        return self._last_byte

    def interrupt(self) -> None:
        """From another thread: have the thread that uses the association abort it, when it next reads or writes."""
        self._is_interrupted = True
        self.transport.interrupt_read()

    # --- events to exceptions ----------------------------------------------------------------------------------

    def _next_event(self) -> AssociationEvent:
        """The next event that is not the end of the association; raises for those that are."""
        while True:
            event = self._protocol.next_event()
            if event is None:
                self._fill()
            elif self._is_welcome(event):
                return event

    def _waiting_event(self) -> AssociationEvent | None:
        """As ``_next_event``, if there is one by now: what has arrived is read, and nothing waited for."""
        while True:
            event = self._protocol.next_event()
            if event is None:
                try:
                    self._read(0.0)
                except TimeoutError:
                    return None
            elif self._is_welcome(event):
                return event

    def _is_welcome(self, event: AssociationEvent) -> bool:
        """Whether an event is one for the caller; raises for those that are the end of the association."""
        if isinstance(event, NotDICOM):
            self._first_bytes = event.first_bytes
            return False
        if isinstance(event, (AssociationRejected, Aborted, Violation, TimerExpired, ConnectionClosed)):
            self._conclude(event)
        self._tell_notes()
        return True

    def _fill(self) -> None:
        """Write what is queued, then read once, within the protocol's deadline."""
        if self._protocol.is_over:
            raise LocalProtocolError("the association is over")
        self._flush()
        self._obey_interrupt()
        if self.watch is not None:
            self._protocol.excuse_until(self.watch())
            self._flush()
        deadline = self._protocol.deadline()
        now = time.monotonic()
        if deadline is not None and now >= deadline:
            if deadline == self._past:
                self._protocol.timeout(now)  # the wait is over, however much the peer has to say that is no headway
                return
            self._past = deadline  # it may be us who were late: what has arrived by now is read before we judge
        timeout = None if deadline is None else max(0.0, deadline - now)
        if self.watch is not None:
            timeout = _WATCH_EVERY if timeout is None else min(timeout, _WATCH_EVERY)
        try:
            self._read(timeout, quick_ack=True)
        except TimeoutError:
            self._protocol.timeout(time.monotonic())

    def _read(self, timeout: float | None, *, quick_ack: bool = False) -> None:
        """Read once. Raises TimeoutError when nothing came; every other trouble is left to the events."""
        try:
            count = self.transport.recv_into(self._protocol.get_buffer(), timeout, quick_ack=quick_ack)
        except (ConnectionLost, TLSError) as error:
            self._lost = error
            count = 0
        now = time.monotonic()
        if count:
            self._last_byte = now
            self._protocol.buffer_updated(count, now)
        else:
            self._obey_interrupt()
            self._protocol.eof_received(now)

    def _obey_interrupt(self) -> None:
        if self._is_interrupted:
            self.abort()
            raise AssociationAborted(f"the association with {self.peer} was aborted here", 0, 0, by_peer=False)

    def _conclude(self, event: AssociationEvent) -> NoReturn:
        """The association ended before its time: tell, close, raise."""
        self._tell_notes()
        match event:
            case AssociationRejected(result, source, reason):
                self._tell("rejected", result, source, reason)
                self._linger()
                raise endings.rejected(self.peer, event)
            case Aborted(source, reason):
                self._tell("aborted", source, reason, True)
                self.transport.close()
                raise endings.aborted(self.peer, source, reason, self._protocol.describe_outstanding())
            case Violation(error):
                self._violated(error)
            case TimerExpired():
                self._expired(event)
            case ConnectionClosed(_, within_pdu, due):
                self._closed(" in the middle of a PDU" if within_pdu else "", due)
            case _:  # the one event that is welcome elsewhere
                due = self._protocol.describe_outstanding() or "something else"
                self._fail(UnexpectedMessage(f"{self.peer} asked for the release, {due} was due", 2))

    def _violated(self, error: RemoteProtocolError) -> NoReturn:
        is_request_due = self._protocol.request is None  # Sta2, where the A-ABORT is that of a service user (AA-1)
        self._tell("aborted", *((0, 0) if is_request_due else (2, error.abort_reason)), False)
        self._say_abort()
        if self._first_bytes:
            raise endings.not_dicom(self.peer, self._first_bytes)
        error.message = f"{self.peer} broke the protocol: {error.message}"
        raise error

    def _expired(self, event: TimerExpired) -> NoReturn:
        error = endings.expired(self.peer, event, time.monotonic() - self._last_byte)
        if self._protocol.is_over:  # Sta2: without an association there is nothing to abort (AA-2)
            self._tell("lost", error.message)
        self.abort()
        raise error

    def _closed(self, when: str, due: str) -> NoReturn:
        self._end()
        error: TransportError = endings.lost(self.peer, self._lost, when, due, time.monotonic() - self._last_byte)
        if isinstance(self._lost, TLSError):
            error = self._lost  # with TLS 1.3 a server refuses our certificate only now
        self._tell("lost", error.message)
        raise error

    def _be_released(self) -> None:
        """The peer asked for the release: agree."""
        if self.before_release is not None:
            try:
                self.before_release()
            except BaseException:
                self.abort()
                raise
        self._protocol.respond_to_release(time.monotonic())
        self._tell("released")
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
        self._obey_interrupt()
        try:
            self.transport.write_buffers(buffers, self.write_timeout)
        except TimeoutError:
            self.transport.close(abort=True)
            self._end()
            message = f"{self.peer} took no data for {self.write_timeout:g} s (write timeout)"
            self._tell("lost", message)
            raise TimedOut(message, "write", self.write_timeout) from None
        except (ConnectionLost, TLSError) as error:
            self._lost = error
            self._hear_last_words()

    def _hear_last_words(self) -> NoReturn:
        """Our write failed. The peer may have said why before it went: read what is there."""
        due = self._protocol.waiting_for()
        deadline = time.monotonic() + _LAST_WORDS
        while self._hear(deadline):
            while (event := self._protocol.next_event()) is not None:
                if isinstance(event, NotDICOM):
                    self._first_bytes = event.first_bytes
                elif not isinstance(event, (MessageReceived, Fragment)):
                    self._conclude(event)
        self._closed(" while we were sending", due)

    def _hear(self, deadline: float) -> bool:
        """Read once; False when nothing more comes before the deadline."""
        left = deadline - time.monotonic()
        if left <= 0 or isinstance(self._lost, TLSError):
            return False
        try:
            count = self.transport.recv_into(self._protocol.get_buffer(), left)
        except (TimeoutError, ConnectionLost):
            return False
        except TLSError as error:
            self._lost = error
            return False
        self._protocol.buffer_updated(count, time.monotonic())
        return count > 0

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
            deadline = self._protocol.deadline() or 0.0
            while not self._protocol.is_over and self._hear(deadline):
                while self._protocol.next_event() is not None:
                    pass
        except (TimeoutError, ConnectionLost, TLSError):
            pass  # it is over either way, and whatever mattered has been said
        finally:
            self._end()

    def _end(self) -> None:
        """Nothing more is sent or heard; what is left of the protocol's events has no reader."""
        self._protocol.eof_received(time.monotonic())
        while self._protocol.next_event() is not None:
            pass
        self.transport.close()

    # --- observers ---------------------------------------------------------------------------------------------

    def _trace(self, trace: Trace) -> None:
        self._tell("traced", trace)

    def _tell(self, what: str, *facts: object) -> None:
        """Call the method ``what`` of every observer."""
        for observer in self._observers:
            getattr(observer, what)(self, *facts)

    def _tell_notes(self) -> None:
        notes = self._protocol.notes
        while self._told < len(notes):
            self._tell("noted", notes[self._told])
            self._told += 1
