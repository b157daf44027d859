"""An association over a connection, as a caller uses it: either role, blocking, one thread at a time."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from dcmnet_cli.core.association import Timers
from dcmnet_cli.core.command_set import has_data_set
from dcmnet_cli.core.commands import CCancelRQ, Message, Response, message_name
from dcmnet_cli.core.events import (
    AssociationAccepted,
    AssociationEvent,
    AssociationRequested,
    Fragment,
    MessageReceived,
    Released,
    ReleaseRequested,
)
from dcmnet_cli.core.negotiation import AcceptedContext, Negotiated
from dcmnet_cli.core.pdata import Buffer, Buffers, Chunks, chunks_of
from dcmnet_cli.core.pdu import AAssociateAC, AAssociateRJ, AAssociateRQ
from dcmnet_cli.core.text import printable
from dcmnet_cli.errors import DcmnetError, LocalProtocolError, UnexpectedMessage, UnexpectedRelease
from dcmnet_cli.net.link import WRITE_TIMEOUT as WRITE_TIMEOUT
from dcmnet_cli.net.link import Link
from dcmnet_cli.net.observer import Observer
from dcmnet_cli.net.transport import Transport


class Received(NamedTuple):
    """A DIMSE message from the peer. Its data set, if any, must be read before anything else is received."""

    context: AcceptedContext
    message: Message


class Association(Link):
    """One association. Made by ``Association.request`` (requestor) or by a ``Server`` (acceptor).

    Methods raise AssociationAborted, ConnectionLost, TimedOut or RemoteProtocolError when the association ends before
    its time; by then it is aborted and closed. As a context manager it is released on the way out, or aborted when an
    exception passes.
    """

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
        try:
            self._tell("requested", request)
            event = self._next_event()
            assert isinstance(event, AssociationAccepted)  # all else that Sta5 brings is an exception by now
            self._tell("accepted", event.negotiated)
        except BaseException:  # Ctrl-C while we wait, above all: the peer is told, and the socket closed
            self.abort()
            raise

    # --- the acceptor's beginning ------------------------------------------------------------------------------

    def receive_request(self) -> AAssociateRQ:
        """Wait for the association request; ``peer`` then has the calling AE title before the address.

        Raises AssociationRejected if our provider rejected the request by itself.
        """
        event = self._next_event()
        assert isinstance(event, AssociationRequested)  # all else that Sta2 brings is an exception by now
        self.peer = printable(f"{event.request.calling_ae_title}@{self.transport.remote}")
        self._tell("requested", event.request)
        return event.request

    def accept(self, answer: AAssociateAC) -> None:
        """Accept the request that ``receive_request`` returned."""
        self._protocol.accept(answer, time.monotonic())
        self._flush()
        if self._protocol.negotiated is None:
            self._next_event()
        self._tell("accepted", self.negotiated)

    def reject(self, answer: AAssociateRJ) -> None:
        """Reject the request, and give the peer a moment to read that before the connection is closed."""
        self._protocol.reject(answer, time.monotonic())
        self._tell("rejected", *answer)
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
        if self._protocol.request is None:
            raise LocalProtocolError("the association has not been requested yet")
        return self._protocol.request

    @property
    def peer_ae_title(self) -> str:
        """The AE title the peer goes by here: the called one if we requested, else the calling one."""
        return self.requested.called_ae_title if self._protocol.is_requestor else self.requested.calling_ae_title

    @property
    def notes(self) -> Sequence[str]:
        """What was tolerated so far."""
        return self._protocol.notes

    def serves(self, context: AcceptedContext) -> bool:
        """Whether the peer may ask on a context, that is whether we are its SCP there (PS3.7 D.3.3.4)."""
        return context.requestor_is_scp if self._protocol.is_requestor else context.requestor_is_scu

    # --- messages ----------------------------------------------------------------------------------------------

    def limit_sent_pdus(self, length: int) -> None:
        """Send no P-DATA-TF longer than ``length``, though the peer announced that it takes more."""
        self._protocol.largest_sent_pdu = length

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

    def prepare_response(self, context_id: int, response: Response) -> Buffers | None:
        """What ``send_prepared`` needs to send a response without a data set; None where every message is watched.

        For a response that is known but not due yet: when it is, sending it takes no longer than it must.
        """
        if self._is_watched:
            return None
        return self._protocol.prepare_response(context_id, response)

    def send_prepared(self, prepared: Buffers) -> None:
        """Send what ``prepare_response`` returned, once."""
        self._protocol.send_prepared(prepared, time.monotonic())
        self._flush()
        self._protocol.touch(time.monotonic())

    def send_alike(self, context_id: int, response: Message, data_sets: Sequence[bytes]) -> None:
        """Send one response again and again, with one of ``data_sets`` each: all of it in one write.

        For the pending responses to a query, each of which would cost a system call, and wake the peer.
        """
        if self._is_watched:
            for data in data_sets:
                self.send(context_id, response, data)
            return
        self._write([self._protocol.send_alike(context_id, response, data_sets, time.monotonic())])
        self._protocol.touch(time.monotonic())

    def receive(self) -> Received | None:
        """The next message of the peer; None once the peer has released the association.

        What is left of the data set before it is read and dropped.
        """
        self.drain()
        event, self._seen = self._seen or self._next_event(), None
        if isinstance(event, MessageReceived):
            self._in_data_set = has_data_set(event.message)
            return Received(self.negotiated.contexts[event.context_id], event.message)
        self._be_released()
        return None

    def peek(self) -> Message | None:
        """The message that ``receive`` would return at once, None when there is none yet. It stays to be received.

        For those who are busy sending and want to hear a C-CANCEL. Raises UnexpectedRelease when the peer has released.
        """
        self.drain()
        if self._seen is None:
            self._obey_interrupt()
            event = self._waiting_event()
            if event is None:
                return None
            if not isinstance(event, MessageReceived):
                self._be_released()
                raise UnexpectedRelease(f"{self.peer} released the association before its request was answered")
            self._seen = event
        return self._seen.message

    def call(self, context_id: int, message: Message, data_set: Buffer | Chunks = b"") -> Response:
        """Send a request and return its one response; a data set that comes with it is dropped.

        Raises UnexpectedRelease when the peer releases instead.
        """
        self.send(context_id, message, data_set)
        return self.receive_response(f"the response to {message_name(message)}")

    def receive_response(self, due: str, on_cancel: Callable[[CCancelRQ], None] | None = None) -> Response:
        """The one response to a request just sent, ``due`` in words. Raises as ``call`` does.

        ``on_cancel`` gets the C-CANCELs that may come before it, those of the peer's own request (C-GET).
        """
        received = self.receive()
        while on_cancel is not None and received is not None and isinstance(received.message, CCancelRQ):
            on_cancel(received.message)
            received = self.receive()
        if received is None:
            raise UnexpectedRelease(f"{self.peer} released the association instead of answering")
        if not isinstance(received.message, Response):
            self._fail(UnexpectedMessage(f"{self.peer} sent {message_name(received.message)}, {due} was due", 2))
        self.drain()
        return received.message

    def fragments(self) -> Iterator[list[memoryview]]:
        """The data set of the message just received, as lists of views, each list borrowed until the next.

        A list holds what one read from the network brought. Nothing is yielded for a message without a data set;
        the last list may be empty.
        """
        while self._in_data_set:
            batch, is_over = self._protocol.next_fragments()
            if not batch and not is_over:
                event = self._protocol.next_event()
                if event is None:
                    self._fill()
                    continue
                if not isinstance(event, Fragment):
                    self._conclude(event)
                batch, is_over = [event.data], event.is_last
            self._in_data_set = not is_over
            if not self._in_data_set:
                yield batch
            elif batch:
                begin = time.monotonic()
                yield batch
                self._protocol.excuse(time.monotonic() - begin)
                if self._protocol.needs_bytes:
                    self._fill()

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
        if self._in_data_set:
            for _ in self.fragments():
                pass

    # --- the end -----------------------------------------------------------------------------------------------

    def release(self) -> str:
        """Release the association; returns "" or, as the work is done by then, what went wrong with it in words."""
        if not self.is_open:
            self.abort()  # nothing to release: either it is over, or it was never accepted
            return ""
        self._protocol.release(time.monotonic())
        try:
            event: AssociationEvent | None = None
            while not isinstance(event, (Released, ReleaseRequested)):
                event = self._next_event()
        except DcmnetError as error:
            return error.message
        except BaseException:
            self.abort()
            raise
        self._tell("released")
        self._linger()
        return ""

    def __enter__(self) -> "Association":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.release()
        else:
            self.abort()
