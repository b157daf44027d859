"""Cores in every state, reached as in life, and a PDU of every kind."""

from dcmnet_cli.core.association import AssociationProtocol
from dcmnet_cli.core.pdu import AAssociateAC
from dcmnet_cli.core.state import State
from tests.golden import associate as golden
from tests.golden import messages
from tests.helpers import drive, sent

ABORT_USER = golden.ABORT_USER.data
UNEXPECTED, UNRECOGNIZED = golden.ABORT_PROVIDER.data, b"\7\0\0\0\0\4\0\0\2\1"
RELEASE_RQ, RELEASE_RP = golden.RELEASE_RQ.data, golden.RELEASE_RP.data
_RQ, _AC = golden.RQ_ECHO.record, golden.AC_ECHO.record


def requestor(*received: bytes) -> AssociationProtocol:
    """A requestor that has asked for verification, and what it then received; nothing is queued."""
    core = AssociationProtocol(is_requestor=True, buffer_size=64)
    assert isinstance(_RQ, golden.AAssociateRQ)
    core.propose(_RQ)
    core.connected(0.0)
    _settle(core, received)
    return core


def acceptor(*received: bytes) -> AssociationProtocol:
    """An acceptor with an open connection, and what it then received; nothing is queued."""
    core = AssociationProtocol(is_requestor=False, buffer_size=64)
    core.connected(0.0)
    _settle(core, received)
    return core


def _settle(core: AssociationProtocol, received: tuple[bytes, ...]) -> None:
    drive(core, received)
    sent(core)


def accepting() -> AssociationProtocol:
    """An acceptor in Sta6."""
    core = acceptor(golden.RQ_ECHO.data)
    assert isinstance(_AC, AAssociateAC)
    core.accept(_AC, 0.0)
    sent(core)
    return core


def core_in(number: int) -> AssociationProtocol:
    """A core in a state, reached as in life where one can rest in it; nothing is queued or untold."""
    match number:
        case 1:
            core = AssociationProtocol(is_requestor=True)
        case 2:
            core = acceptor()
        case 3:
            core = acceptor(golden.RQ_ECHO.data)
        case 4:
            core = AssociationProtocol(is_requestor=True)
            assert isinstance(_RQ, golden.AAssociateRQ)
            core.propose(_RQ)
        case 5:
            core = requestor()
        case 6:
            core = requestor(golden.AC_ECHO.data)
        case 7:
            core = core_in(6)
            core.release(0.0)
        case 8:
            core = requestor(golden.AC_ECHO.data, RELEASE_RQ)
        case 10:
            core = accepting()
            core.release(0.0)
            drive(core, [RELEASE_RQ])
        case 11:
            core = core_in(7)
            drive(core, [RELEASE_RQ])
        case 13:
            core = core_in(6)
            core.abort(0.0)
        case _:  # Sta9 and Sta12 are passed through: the answer to a release needs no user
            core = core_in(7 if number == 9 else 10)
            core.state = State(number)
    sent(core)
    assert core.state == State(number)
    assert core.next_event() is None
    return core


PDUS = {
    3: golden.AC_ECHO.data,
    4: golden.RJ_CALLED.data,
    6: golden.RQ_ECHO.data,
    10: messages.ECHO_RQ.pdus,
    12: RELEASE_RQ,
    13: RELEASE_RP,
    16: golden.ABORT_PROVIDER.data,
    19: golden.UNKNOWN_PDU,
}
