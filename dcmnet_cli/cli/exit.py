"""The exit status of every command, and which error means which."""

from enum import IntEnum

from dcmnet_cli import errors
from dcmnet_cli.errors import DcmnetError


class ExitCode(IntEnum):
    """One table for all commands. 0 is only ever the whole truth: everything asked for was done."""

    DONE = 0
    PARTLY_DONE = 1
    USAGE = 2
    CANNOT_CONNECT = 3
    TLS_FAILED = 4
    REJECTED = 5
    ABORTED = 6
    NO_CONTEXT = 7
    TIMED_OUT = 8
    FAILURE_STATUS = 9
    NOT_DICOM = 10
    CANNOT_WRITE = 11
    INTERNAL_ERROR = 70  # a bug in dcmnet, outside the table on purpose (EX_SOFTWARE of sysexits.h)
    INTERRUPTED = 130  # what a shell reports for a process ended by SIGINT


# Looked up along the class hierarchy, so a new subclass inherits its parent's meaning. DcmnetError itself and
# anything unlisted is a bug: an error whose meaning nobody decided.
_BY_CLASS: dict[type, ExitCode] = {
    errors.UsageError: ExitCode.USAGE,
    errors.InputError: ExitCode.USAGE,
    errors.OutputError: ExitCode.CANNOT_WRITE,
    errors.ResolveError: ExitCode.CANNOT_CONNECT,
    errors.ConnectError: ExitCode.CANNOT_CONNECT,
    errors.ListenError: ExitCode.CANNOT_CONNECT,
    errors.TLSError: ExitCode.TLS_FAILED,
    errors.WrongProtocol: ExitCode.NOT_DICOM,
    errors.TransportError: ExitCode.ABORTED,  # ConnectionLost, and whatever else ends a connection
    errors.TimedOut: ExitCode.TIMED_OUT,
    errors.AssociationRejected: ExitCode.REJECTED,
    errors.NoAcceptedContext: ExitCode.NO_CONTEXT,
    errors.AssociationError: ExitCode.ABORTED,  # AssociationAborted, UnexpectedRelease
    errors.ProtocolError: ExitCode.NOT_DICOM,
    errors.OperationFailed: ExitCode.FAILURE_STATUS,
    errors.Incomplete: ExitCode.PARTLY_DONE,
}
# A timer that ran out while the connection was being made belongs to the step that failed, not to "no answer".
_BY_TIMER = {"connect": ExitCode.CANNOT_CONNECT, "tls": ExitCode.TLS_FAILED}


def exit_code_of(error: DcmnetError) -> ExitCode:
    """The exit status that ``error`` means when nothing else was achieved. Never raises."""
    if isinstance(error, errors.TimedOut):
        return _BY_TIMER.get(error.timer, ExitCode.TIMED_OUT)
    codes = (_BY_CLASS[cls] for cls in type(error).__mro__ if cls in _BY_CLASS)
    return next(codes, ExitCode.INTERNAL_ERROR)
