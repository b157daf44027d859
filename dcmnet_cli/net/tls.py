"""TLS over a transport: the handshake with its deadline, and a transport that encrypts.

The TLS engine works on memory and never sees the socket, so that every wait is the plain transport's own, with its
deadlines, and the first bytes of a peer that does not speak TLS can be looked at.
"""

import socket
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

from dcmnet_cli.core.certificate import Certificate, read_certificate
from dcmnet_cli.core.steps import OnStep, Step
from dcmnet_cli.core.text import printable, quoted
from dcmnet_cli.errors import ConnectionLost, DcmnetError, TLSError, UsageError
from dcmnet_cli.net import tls_errors
from dcmnet_cli.net.race import Race
from dcmnet_cli.net.resolve import Address, format_address
from dcmnet_cli.net.tls_context import client_context as client_context
from dcmnet_cli.net.tls_context import server_context as server_context
from dcmnet_cli.net.tls_context import usable_ciphers as usable_ciphers
from dcmnet_cli.net.tls_errors import Circumstances
from dcmnet_cli.net.tls_settings import PROFILES as PROFILES
from dcmnet_cli.net.tls_settings import TLSSettings as TLSSettings
from dcmnet_cli.net.tls_settings import security_notes as security_notes
from dcmnet_cli.net.transport import Buffer, Transport

_BLOCK = 64 * 1024
_RECORD_TYPES = (0x15, 0x16)
# Seconds for looking at a certificate that was refused, at most.
_LOOK = 3.0
_REPLY = 5.0


class TLSFacts(NamedTuple):
    """What a handshake agreed on. ``certificate`` is the peer's, None when it showed none or one beyond reading."""

    version: str
    cipher: str
    certificate: Certificate | None
    is_verified: bool

    @property
    def detail(self) -> str:
        """One line for the ladder."""
        parts = [self.version, self.cipher]
        if self.certificate is None:
            return ", ".join((*parts, "no certificate from the peer"))
        parts.append(f"{self.certificate.subject}, valid until {self.certificate.not_after[:10]}")
        return ", ".join(parts if self.is_verified else (*parts, "NOT verified"))


class TLSTransport(Transport):
    """A transport that encrypts. Takes over the plain one, which must not be used any more.

    For one thread at a time. Beside what the plain transport raises, reading may raise TLSError: with TLS 1.3 a server
    refuses our certificate, or the lack of one, only after our side of the handshake is done. If a write fails with
    ConnectionLost, reading on tells whether that is why.
    """

    def __init__(self, transport: Transport, context: ssl.SSLContext, at: Circumstances) -> None:
        super().__init__(transport.sock, transport.remote)
        self._at = at
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(
            self._incoming, self._outgoing, server_side=at.is_server, server_hostname=at.host or None
        )
        self._is_verified = context.verify_mode != ssl.CERT_NONE
        self._chunk = memoryview(bytearray(2 * _BLOCK))
        self._received = 0
        self._first = b""
        self._failure: ssl.SSLError | None = None

    def handshake(self, timeout: float) -> None:
        """Do the handshake within ``timeout`` seconds; raises TLSError, or TimedOut with timer "tls".

        A certificate that does not verify raises ssl.SSLCertVerificationError, for the caller to find out more.
        """
        deadline = time.monotonic() + timeout
        try:
            self._shake(deadline)
        except TimeoutError:
            raise tls_errors.silent(self._at, self._received, timeout) from None
        except ConnectionLost as lost:
            raise self._last_words() or tls_errors.closed(self._at, self._received, str(lost.details["how"])) from lost
        except ssl.SSLError as error:
            # Our alert tells the peer's owner what was wrong, in the log of the peer.
            with suppress(OSError, ConnectionLost):
                self._send(0.0)
            if isinstance(error, ssl.SSLCertVerificationError):
                raise
            raise self._explained(error) from None

    def _shake(self, deadline: float) -> None:
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._send(max(0.0, deadline - time.monotonic()))
                if not self._feed(deadline):
                    raise tls_errors.closed(self._at, self._received, "closed") from None
                if self._first[0] not in _RECORD_TYPES:
                    raise tls_errors.not_tls(self._at, self._first) from None
            else:
                self._send(max(0.0, deadline - time.monotonic()))
                return

    def _last_words(self) -> TLSError | None:
        """Look for the alert of a peer that closed while we were still sending."""
        try:
            if self._feed(time.monotonic()):
                self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return None
        except ssl.SSLError as error:
            return self._explained(error)
        except (ConnectionLost, TimeoutError):
            return None
        return None

    def _explained(self, error: ssl.SSLError) -> TLSError:
        is_first = self._first[:1] == b"\x15"
        return tls_errors.broken_off(self._at, error.reason or str(error), is_first=is_first)

    def recv_into(self, view: memoryview, timeout: float | None, *, quick_ack: bool = False) -> int:
        """Read decrypted bytes as the plain transport reads plain ones; raises TLSError besides."""
        deadline = None if timeout is None else time.monotonic() + timeout
        if self._failure is not None:
            return self._ended(self._failure)
        while True:
            try:
                count = self._tls.read(len(view), view)
            except ssl.SSLWantReadError:
                self._reply()
                self._feed(deadline, quick_ack=quick_ack)
            except ssl.SSLError as error:
                return self._ended(error)
            else:
                return self._fill(view, int(count))

    def _fill(self, view: memoryview, count: int) -> int:
        """Add what else has arrived already: a record holds 16 KiB at most, a buffer many times that."""
        while 0 < count < len(view) and self._incoming.pending:
            try:
                more = int(self._tls.read(len(view) - count, view[count:]))
            except ssl.SSLWantReadError:
                break
            except ssl.SSLError as error:
                # First what came in good order, then the trouble.
                self._failure = error
                break
            if not more:
                break
            count += more
        return count

    def _ended(self, error: ssl.SSLError) -> int:
        # Many peers close without the closing alert. A data set cut short that way shows in DICOM itself.
        if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
            return 0
        raise self._explained(error) from None

    def _feed(self, deadline: float | None, *, quick_ack: bool = False) -> bool:
        """Hand the engine what the socket has; False at the end of the stream."""
        timeout = None if deadline is None else max(0.0, deadline - time.monotonic())
        count = super().recv_into(self._chunk, timeout, quick_ack=quick_ack)
        if not count:
            self._incoming.write_eof()
            return False
        if not self._received:
            self._first = bytes(self._chunk[: min(count, 256)])
        self._received += count
        self._incoming.write(self._chunk[:count])
        return True

    def write_buffers(self, buffers: Sequence[Buffer], timeout: float) -> None:
        """Encrypt and send all of ``buffers``, as the plain transport sends them; raises TLSError besides."""
        try:
            for block in _blocks(buffers):
                self._tls.write(block)
                if self._outgoing.pending >= 4 * _BLOCK:
                    self._send(timeout)
            self._send(timeout)
        except ssl.SSLError as error:
            raise self._explained(error) from None

    def _send(self, timeout: float) -> None:
        if self._outgoing.pending:
            super().write_buffers([self._outgoing.read()], timeout)

    def _reply(self) -> None:
        """Send what the engine has to say to what it read: that it does not renegotiate, that its key is new.

        Kept back, it would leave the peer waiting, and grow with every such message of a peer that means no good.
        """
        try:
            with suppress(ConnectionLost):  # what the peer sent before it went can still be read
                self._send(_REPLY)
        except TimeoutError:
            raise ConnectionLost(f"{self.remote} takes no answers of TLS itself", how="stalled") from None

    def facts(self) -> TLSFacts:
        """Return what the handshake agreed on."""
        der = self._tls.getpeercert(True)
        certificate = None
        if der is not None:
            # What OpenSSL takes and we cannot read is no reason to fail: only the facts are missing then.
            with suppress(ValueError):
                certificate = read_certificate(der)
        cipher = self._tls.cipher()
        is_verified = self._is_verified and der is not None
        return TLSFacts(self._tls.version() or "", cipher[0] if cipher else "", certificate, is_verified)

    def shutdown_write(self) -> None:
        """Say in TLS and in TCP that nothing more will come."""
        self._notify()
        super().shutdown_write()

    def close(self, *, abort: bool = False) -> None:
        """Close as the plain transport does, with the closing alert of TLS if it can be sent at once."""
        if not abort and self.sock.fileno() >= 0:
            self._notify()
        super().close(abort=abort)

    def _notify(self) -> None:
        # A courtesy to the peer: nothing is lost if it cannot be had. ValueError: the handshake was never done.
        with suppress(OSError, ConnectionLost, ValueError):
            try:
                self._tls.unwrap()
            finally:
                self._send(0.0)


def _blocks(buffers: Sequence[Buffer]) -> Iterator[Buffer]:
    """Gather ``buffers`` into blocks of 64 KiB, copying only where one of them does not fill a block."""
    gathered = bytearray()
    for buffer in buffers:
        view = memoryview(buffer)
        while view:
            if not gathered and len(view) >= _BLOCK:
                yield view[:_BLOCK]
                view = view[_BLOCK:]
                continue
            room = _BLOCK - len(gathered)
            gathered += view[:room]
            view = view[room:]
            if len(gathered) == _BLOCK:
                yield gathered
                gathered = bytearray()
    if gathered:
        yield gathered


def start_client(
    transport: Transport,
    settings: TLSSettings,
    host: str,
    timeout: float,
    *,
    context: ssl.SSLContext | None = None,
    on_step: OnStep | None = None,
) -> TLSTransport:
    """Do the requestor's handshake over ``transport`` and return what to use in its place.

    ``context`` saves making one for each connection (:func:`client_context`). ``on_step`` gets the rung "TLS
    handshake". On failure the transport is closed and TLSError raised, TimedOut with timer "tls" for a silent peer,
    UsageError or InputError for settings. To say what was wrong with a certificate that did not verify, the peer is
    connected to once more, for the handshake alone.
    """
    name = (settings.server_name or host).split("%")[0].rstrip(".")
    port = transport.remote.rpartition(":")[2]
    at = Circumstances(format_address((host, port)), name, False, settings.key_file is not None)
    address = _address_of(transport)
    deadline = time.monotonic() + timeout

    def look() -> Certificate | None:
        limit = min(_LOOK, max(0.5, deadline - time.monotonic()))
        return None if address is None else _look(address, settings, at, limit)

    try:
        secured = _wrap(transport, lambda: context or client_context(settings), at)
    except ValueError as error:
        raise UsageError(f"{quoted(name)} cannot be a server name: {printable(str(error))}") from None
    _shake_hands(secured, at, timeout, look, on_step)
    return secured


def start_server(
    transport: Transport,
    settings: TLSSettings,
    timeout: float,
    *,
    context: ssl.SSLContext | None = None,
    on_step: OnStep | None = None,
) -> TLSTransport:
    """Do the acceptor's handshake, as :func:`start_client` does the requestor's.

    ``TLSError.reason`` is "closed" with nothing received for a bare port check, "plain_dicom" or "not_tls" for other
    protocols; the transport is closed without an answer in their own tongue.
    """
    at = Circumstances(transport.remote, "", True)
    secured = _wrap(transport, lambda: context or server_context(settings), at)
    # A client cannot be called back for its certificate; what OpenSSL says has to do.
    _shake_hands(secured, at, timeout, lambda: None, on_step)
    return secured


def _wrap(transport: Transport, context: Callable[[], ssl.SSLContext], at: Circumstances) -> TLSTransport:
    try:
        return TLSTransport(transport, context(), at)
    except BaseException:
        transport.close(abort=True)
        raise


def _shake_hands(
    secured: TLSTransport,
    at: Circumstances,
    timeout: float,
    look: Callable[[], Certificate | None],
    on_step: OnStep | None,
) -> None:
    begin = time.monotonic()
    try:
        secured.handshake(timeout)
    except ssl.SSLCertVerificationError as error:
        # Closed first: a server that takes one connection at a time could not answer the second look.
        secured.close()
        failure: DcmnetError = tls_errors.unverified(at, error.verify_code, error.verify_message, look())
    except DcmnetError as error:
        secured.close()
        failure = error
    except BaseException:
        secured.close(abort=True)
        raise
    else:
        if on_step is not None:
            on_step(Step("TLS handshake", True, time.monotonic() - begin, secured.facts().detail))
        return
    if on_step is not None:
        on_step(Step("TLS handshake", False, time.monotonic() - begin, failure.message))
    raise failure


def _address_of(transport: Transport) -> Address | None:
    if transport.sock.family not in (socket.AF_INET, socket.AF_INET6):
        return None
    try:
        return Address(transport.sock.family, transport.sock.getpeername())
    except OSError:
        return None


def _look(address: Address, settings: TLSSettings, at: Circumstances, timeout: float) -> Certificate | None:
    """Fetch the certificate that a server shows, whatever it is worth; None when it cannot be had.

    The ssl module shows a certificate only after the handshake, and one that does not verify never gets that far.
    """
    settings = settings._replace(verify="ignore", ca_files=(), ca_dirs=(), crl_files=(), crl_check="none")
    if callable(settings.key_password):
        # Nobody is to be asked a second time for a password.
        settings = settings._replace(key_file=None, certificate_file=None, key_password=None)
    deadline = time.monotonic() + timeout
    sock = Race(deadline).run([address])
    if sock is None:
        return None
    secured = TLSTransport(Transport(sock), client_context(settings), at)
    try:
        secured.handshake(max(0.0, deadline - time.monotonic()))
        return secured.facts().certificate
    except DcmnetError:
        return None
    finally:
        secured.close()
