"""Every error that dcmnet raises on purpose.

    DcmnetError
      UsageError                 options or arguments that cannot be meant
        ConfigurationError       the configuration file, with file, line and key
      InputError                 a file that cannot be read, or is not what was asked for
        ConversionError          a data set that cannot be put into another transfer syntax
      OutputError                a file or folder that cannot be written
      TransportError             below DICOM
        ResolveError             no address for the host name
        ConnectError             no TCP connection
        ListenError              the port cannot be bound
        TLSError                 the handshake failed
        ConnectionLost           the connection ended without A-ABORT or release
        WrongProtocol            what answered does not speak DICOM
      TimedOut                   one of our timers ran out
      AssociationError
        AssociationRejected      A-ASSOCIATE-RJ
        AssociationAborted       A-ABORT
        NoAcceptedContext        no presentation context that the work could use
        UnexpectedRelease        the peer released while work was open
      ProtocolError              never raised itself
        LocalProtocolError       we broke the rules: misuse, or a bug
        RemoteProtocolError      the peer did, and we have aborted
          InvalidPDU             names PDU, field and offset
          InvalidCommandSet      names the element
          InvalidIdentifier      names the element of a query or an answer
          UnexpectedMessage      a DIMSE message that has no place here
      OperationFailed            a DIMSE failure status, where a caller asked for an exception
      Incomplete                 some of the work was done and some not, where a caller asked for an exception

Messages are lower case, without a full stop, and name the peer as ``AET@host:port`` where there is one.
"""


class DcmnetError(Exception):
    """Base class. ``kind`` and ``layer`` are stable words for scripts, ``details`` the facts behind the message.

    ``hints`` says what to try, most likely first.
    """

    kind = "error"
    layer = "internal"

    def __init__(self, message: str, *, hints: tuple[str, ...] = (), **details: object) -> None:
        super().__init__(message)
        self.message = message
        self.hints = hints
        self.details = details

    def __str__(self) -> str:
        return self.message


class UsageError(DcmnetError):
    kind = "usage"
    layer = "usage"


class ConfigurationError(UsageError):
    """``details`` holds ``file`` and, where known, ``line`` and ``key``."""

    kind = "configuration"
    layer = "configuration"


class InputError(DcmnetError):
    kind = "input"
    layer = "file"


class ConversionError(InputError):
    """``hints`` names the package to install where a codec is missing."""

    kind = "conversion"
    layer = "data set"


class OutputError(DcmnetError):
    kind = "output"
    layer = "file"


class TransportError(DcmnetError):
    kind = "transport"
    layer = "tcp"


class ResolveError(TransportError):
    kind = "resolve"
    layer = "name"


class ConnectError(TransportError):
    """``details["attempts"]`` lists ``(address, reason)`` for every address tried."""

    kind = "connect"


class ListenError(TransportError):
    kind = "listen"


class TLSError(TransportError):
    """``reason`` is a stable word: ``unknown_ca``, ``expired``, ``name_mismatch``, ``not_tls`` ..."""

    kind = "tls"
    layer = "tls"

    def __init__(self, message: str, reason: str, *, hints: tuple[str, ...] = (), **details: object) -> None:
        super().__init__(message, hints=hints, reason=reason, **details)
        self.reason = reason


class ConnectionLost(TransportError):
    """The TCP connection ended (FIN, RST or an error) where PS3.8 asks for a release or an abort."""

    kind = "connection_lost"


class WrongProtocol(TransportError):
    """``protocol`` names what was recognised in the first bytes: ``tls``, ``http``, ``ssh`` ..."""

    kind = "not_dicom"
    layer = "association"

    def __init__(self, message: str, protocol: str, *, hints: tuple[str, ...] = (), **details: object) -> None:
        super().__init__(message, hints=hints, protocol=protocol, **details)
        self.protocol = protocol


class TimedOut(DcmnetError):
    """``timer`` is connect, tls, acse, dimse, release, write or idle; ``seconds`` its value."""

    kind = "timeout"
    layer = "association"

    def __init__(self, message: str, timer: str, seconds: float, *, hints: tuple[str, ...] = ()) -> None:
        super().__init__(message, hints=hints, timer=timer, seconds=seconds)
        self.timer = timer
        self.seconds = seconds


class AssociationError(DcmnetError):
    kind = "association"
    layer = "association"


class AssociationRejected(AssociationError):
    """A-ASSOCIATE-RJ (PS3.8 9.3.4), the three numbers as received."""

    kind = "rejected"

    def __init__(self, message: str, result: int, source: int, reason: int) -> None:
        super().__init__(message, result=result, source=source, reason=reason)
        self.result = result
        self.source = source
        self.reason = reason


class AssociationAborted(AssociationError):
    """A-ABORT (PS3.8 9.3.8) from the peer, or by us as provider when ``by_peer`` is false.

    ``details["waiting_for"]`` is what the peer owed us by then, in words.
    """

    kind = "aborted"

    def __init__(self, message: str, source: int, reason: int, *, by_peer: bool = True) -> None:
        super().__init__(message, source=source, reason=reason, by_peer=by_peer)
        self.source = source
        self.reason = reason
        self.by_peer = by_peer


class NoAcceptedContext(AssociationError):
    kind = "no_accepted_context"
    layer = "presentation context"


class UnexpectedRelease(AssociationError):
    kind = "unexpected_release"


class ProtocolError(DcmnetError):
    kind = "protocol"
    layer = "association"


class LocalProtocolError(ProtocolError):
    kind = "local_protocol"


class RemoteProtocolError(ProtocolError):
    """The peer broke the protocol. ``abort_reason`` is what our A-ABORT says (PS3.8 9.3.8, source 2)."""

    kind = "remote_protocol"

    def __init__(self, message: str, abort_reason: int = 0, *, hints: tuple[str, ...] = (), **details: object) -> None:
        super().__init__(message, hints=hints, **details)
        self.abort_reason = abort_reason


class InvalidPDU(RemoteProtocolError):
    """A PDU whose bytes cannot be right: ``pdu`` its name, ``field`` what is wrong, ``offset`` from its first byte."""

    kind = "invalid_pdu"

    def __init__(self, pdu: str, field: str, offset: int, problem: str, abort_reason: int = 6) -> None:
        super().__init__(
            f"invalid {pdu}: {field} at offset {offset}: {problem}",
            abort_reason,
            pdu=pdu,
            field=field,
            offset=offset,
        )
        self.pdu = pdu
        self.field = field
        self.offset = offset


class InvalidCommandSet(RemoteProtocolError):
    """A DIMSE command set that cannot be read or lacks what its service needs."""

    kind = "invalid_command_set"
    layer = "dimse"


class InvalidIdentifier(RemoteProtocolError):
    """The data set of a query or of its answer that cannot be read; ``tag`` is the element, 0 where there is none."""

    kind = "invalid_identifier"
    layer = "data set"

    def __init__(self, tag: int, problem: str) -> None:
        name = f"element ({tag >> 16:04X},{tag & 0xFFFF:04X}): " if tag else ""
        super().__init__(f"invalid identifier: {name}{problem}", tag=tag)
        self.tag = tag


class UnexpectedMessage(RemoteProtocolError):
    kind = "unexpected_message"
    layer = "dimse"


class OperationFailed(DcmnetError):
    """A DIMSE failure status. Ordinary code gets statuses as data; this is for callers that want an exception."""

    kind = "status"
    layer = "dimse"

    def __init__(self, message: str, status: int, *, hints: tuple[str, ...] = (), **details: object) -> None:
        super().__init__(message, hints=hints, status=status, **details)
        self.status = status


class Incomplete(DcmnetError):
    """Part of the work was done. ``done`` is what there is to know of it: outcomes, or the result of a retrieval."""

    kind = "incomplete"
    layer = "dimse"

    def __init__(self, message: str, *, hints: tuple[str, ...] = (), done: object = None) -> None:
        super().__init__(message, hints=hints)
        self.done = done
