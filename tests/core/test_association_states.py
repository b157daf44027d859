"""AssociationProtocol against table 9-10: every PDU, close, timer and verb in every state."""

from collections.abc import Callable

import pytest

from dcmnet_cli.core.association import AssociationProtocol
from dcmnet_cli.core.commands import CEchoRQ
from dcmnet_cli.core.events import (
    Aborted,
    AssociationAccepted,
    AssociationRejected,
    AssociationRequested,
    ConnectionClosed,
    MessageReceived,
    Released,
    ReleaseRequested,
    TimerExpired,
    Violation,
)
from dcmnet_cli.core.negotiation import LOCAL_LIMIT_EXCEEDED, own_information
from dcmnet_cli.core.pdu import AAssociateAC
from dcmnet_cli.core.state import Event, State
from dcmnet_cli.errors import LocalProtocolError
from tests.core.cores import (
    ABORT_USER,
    PDUS,
    RELEASE_RP,
    RELEASE_RQ,
    UNEXPECTED,
    UNRECOGNIZED,
    accepting,
    core_in,
)
from tests.core.test_state import BY_STATE
from tests.helpers import ECHO, REQUEST, drive, only, sent, splits

# --- every PDU in every state --------------------------------------------------------------------------------

# What an action sends, whether it ends the association, and the event it tells.
EFFECTS: dict[str, tuple[bytes, bool, type | None]] = {
    "AE-3": (b"", False, AssociationAccepted),
    "AE-4": (b"", True, AssociationRejected),
    "AE-6": (b"", False, AssociationRequested),
    "DT-2": (b"", False, MessageReceived),
    "AR-2": (b"", False, ReleaseRequested),
    "AR-3": (b"", True, Released),
    "AR-6": (b"", False, MessageReceived),
    "AR-8": (RELEASE_RP, False, None),
    "AR-10": (RELEASE_RP, False, Released),
    "AA-1": (ABORT_USER, False, Violation),
    "AA-2": (b"", True, None),
    "AA-3": (b"", True, Aborted),
    "AA-6": (b"", False, None),
    "AA-7": (UNEXPECTED, False, None),
    "AA-8": (UNEXPECTED, False, Violation),
}
CONNECTED = [2, 3, *range(5, 14)]


@pytest.mark.parametrize("number", CONNECTED)
@pytest.mark.parametrize("event", PDUS)
def test_every_pdu_in_every_state(event: int, number: int) -> None:
    action, following = BY_STATE[number][event]
    expected_bytes, is_over, kind = EFFECTS[action]
    if action == "AA-8" and event == 19:
        expected_bytes = UNRECOGNIZED
    if (event, number) == (16, 2):  # the one A-ABORT of AA-2 that somebody waits for
        kind = Aborted
    for chunks in splits(PDUS[event]):
        core = core_in(number)
        events = [e for e in drive(core, chunks) if type(e).__name__ != "NotDICOM"]
        assert [type(e) for e in events] == ([kind] if kind else [])
        assert sent(core) == expected_bytes
        assert core.is_over is is_over
        assert core.state == _state_after(action, following)


def test_another_request_after_the_end_is_answered_on_its_first_byte() -> None:
    core = core_in(13)
    assert drive(core, [b"\1"]) == []
    assert sent(core) == UNEXPECTED


def _state_after(action: str, following: tuple[int, ...]) -> State:
    if action == "AR-8":
        return State.STA11  # as requestor, through Sta9
    if action == "AR-10":
        return State.STA13  # through Sta12
    return State(following[0])


def test_the_acceptor_waits_in_a_release_collision() -> None:
    core = accepting()
    core.release(0.0)
    sent(core)
    assert drive(core, [RELEASE_RQ]) == []
    assert (core.state, sent(core)) == (State.STA10, b"")


@pytest.mark.parametrize("number", CONNECTED)
def test_close_in_every_state(number: int) -> None:
    core = core_in(number)
    core.eof_received(1.0)
    event = core.next_event()
    assert isinstance(event, ConnectionClosed)
    assert event.in_order is (number == 13)
    assert event.within_pdu is False
    assert bool(event.waiting_for) is (number != 13)
    assert core.next_event() is None
    assert core.is_over
    assert core.state == State.STA1
    assert sent(core) == b""
    core.eof_received(2.0)
    assert core.next_event() is None


@pytest.mark.parametrize("number", [2, 5, 6])
def test_close_within_a_pdu(number: int) -> None:
    pdu = next(PDUS[event] for event in (6, 3, 10) if BY_STATE[number][event][0] not in ("AA-1", "AA-7", "AA-8"))
    for cut in (1, 5, 6, 7, len(pdu) - 1):
        core = core_in(number)
        drive(core, [pdu[:cut]])
        core.eof_received(1.0)
        assert only([core.next_event()], ConnectionClosed).within_pdu  # type: ignore[list-item]


@pytest.mark.parametrize("number", range(1, 14))
def test_timer_in_every_state(number: int) -> None:
    core = core_in(number)
    if number == 6:
        core.send_message(ECHO, CEchoRQ(1), 0.0)
        sent(core)
    deadline = core.deadline()
    assert (deadline is None) == (number in (1, 3, 4, 8, 12))
    core.timeout(1e9)
    events = [event for event in iter(core.next_event, None)]  # noqa: C416
    assert [type(event) for event in events] == ([] if deadline is None or number == 13 else [TimerExpired])
    assert core.is_over is (number in (2, 13))
    assert sent(core) == b""


# --- every verb in every state -------------------------------------------------------------------------------

VERBS: dict[int, Callable[[AssociationProtocol], None]] = {
    1: lambda core: core.propose(REQUEST),
    2: lambda core: core.connected(1.0),
    7: lambda core: core.accept(AAssociateAC((), own_information()), 1.0),
    8: lambda core: core.reject(LOCAL_LIMIT_EXCEEDED, 1.0),
    9: lambda core: core.send_message(ECHO, CEchoRQ(9), 1.0),
    11: lambda core: core.release(1.0),
    14: lambda core: core.respond_to_release(1.0),
}


@pytest.mark.parametrize("number", range(1, 14))
@pytest.mark.parametrize("event", VERBS)
def test_every_verb_in_every_state(event: int, number: int) -> None:
    core = core_in(number)
    cell = BY_STATE[number].get(event)
    if cell is None:
        with pytest.raises(LocalProtocolError, match=Event(event).name.lower().split("_")[0]):
            VERBS[event](core)
        assert core.state == State(number)
        assert sent(core) == b""
        assert core.next_event() is None
    else:
        VERBS[event](core)
        assert core.state == State(cell[1][0])


@pytest.mark.parametrize("number", range(1, 14))
def test_abort_in_every_state(number: int) -> None:
    core = core_in(number)
    core.abort(1.0)
    if BY_STATE[number].get(15, ("", ()))[0] == "AA-1":
        assert sent(core) == ABORT_USER
        assert core.state == State.STA13
        assert not core.is_over
        core.timeout(1.9)
        assert not core.is_over
        core.timeout(2.0)
    assert sent(core) == b""
    assert core.is_over
    core.abort(3.0)
    assert core.is_over
