import inspect

import pytest

from dcmnet_cli import errors
from dcmnet_cli.cli.exit import ExitCode, exit_code_of

CASES = [
    (errors.UsageError("m"), 2),
    (errors.ConfigurationError("m"), 2),
    (errors.InputError("m"), 2),
    (errors.ConversionError("m"), 2),
    (errors.OutputError("m"), 11),
    (errors.ResolveError("m"), 3),
    (errors.ConnectError("m"), 3),
    (errors.ListenError("m"), 3),
    (errors.TimedOut("m", "connect", 10), 3),
    (errors.TLSError("m", "expired"), 4),
    (errors.TimedOut("m", "tls", 10), 4),
    (errors.AssociationRejected("m", 1, 1, 7), 5),
    (errors.AssociationAborted("m", 0, 0), 6),
    (errors.ConnectionLost("m"), 6),
    (errors.UnexpectedRelease("m"), 6),
    (errors.NoAcceptedContext("m"), 7),
    (errors.TimedOut("m", "acse", 30), 8),
    (errors.TimedOut("m", "dimse", 60), 8),
    (errors.TimedOut("m", "release", 10), 8),
    (errors.TimedOut("m", "write", 60), 8),
    (errors.TimedOut("m", "idle", 60), 8),
    (errors.OperationFailed("m", 0xA700), 9),
    (errors.Incomplete("m"), 1),
    (errors.WrongProtocol("m", "http"), 10),
    (errors.LocalProtocolError("m"), 10),
    (errors.RemoteProtocolError("m"), 10),
    (errors.InvalidPDU("A-ASSOCIATE-AC", "length", 2, "too long"), 10),
    (errors.InvalidCommandSet("m"), 10),
    (errors.InvalidIdentifier(0x00100010, "m"), 10),
    (errors.UnexpectedMessage("m"), 10),
]


@pytest.mark.parametrize(("error", "code"), CASES, ids=lambda case: getattr(case, "kind", str(case)))
def test_every_error_has_its_exit_status(error: errors.DcmnetError, code: int) -> None:
    assert exit_code_of(error) == code


def test_no_class_of_error_was_forgotten() -> None:
    abstract = {"DcmnetError", "TransportError", "AssociationError", "ProtocolError"}
    defined = {
        name for name, value in vars(errors).items() if inspect.isclass(value) and issubclass(value, errors.DcmnetError)
    }
    assert defined - abstract == {type(error).__name__ for error, _ in CASES}


def test_a_new_subclass_means_what_its_parent_means() -> None:
    class Throttled(errors.AssociationRejected):
        pass

    assert exit_code_of(Throttled("m", 2, 3, 2)) is ExitCode.REJECTED


def test_an_error_without_a_meaning_is_a_bug() -> None:
    assert exit_code_of(errors.DcmnetError("m")) is ExitCode.INTERNAL_ERROR


def test_the_numbers_are_those_of_the_published_table() -> None:
    assert [int(code) for code in ExitCode] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 70, 130]
