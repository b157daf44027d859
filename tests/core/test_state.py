"""Table 9-10 of PS3.8, written down a second time: by state, in words, and not made from ``core.state``."""

import pytest

from dcmnet_cli.core.state import TRANSITIONS, Action, Event, State

ASSOCIATE_PDUS = (3, 4, 6)  # AC, RJ, RQ
OTHER_PDUS = (10, 12, 13)  # P-DATA-TF, A-RELEASE-RQ, A-RELEASE-RP
INVALID = 19
ABORT, CLOSED, ABORT_REQUEST = 16, 17, 15

Cell = tuple[str, tuple[int, ...]]


def column(refusal: str | None, **cells: tuple[str, int] | tuple[str, int, int]) -> dict[int, Cell]:
    """One state: ``refusal`` is what a PDU out of place or an invalid one meets, always on the way to Sta13; the
    cells named ``evtN`` differ."""
    found: dict[int, Cell] = {}
    if refusal is not None:
        for event in (*ASSOCIATE_PDUS, *OTHER_PDUS, INVALID):
            found[event] = (refusal, (13,))
    for name, (action, *following) in cells.items():
        found[int(name.removeprefix("evt"))] = (action, tuple(following))
    return found


# From Sta3 on, whoever is in the middle of an association answers these three alike.
ALIVE = {"evt15": ("AA-1", 13), "evt16": ("AA-3", 1), "evt17": ("AA-4", 1)}

BY_STATE: dict[int, dict[int, Cell]] = {
    1: column(None, evt1=("AE-1", 4), evt5=("AE-5", 2)),
    2: column("AA-1", evt6=("AE-6", 3, 13), evt16=("AA-2", 1), evt17=("AA-5", 1), evt18=("AA-2", 1)),
    3: column("AA-8", evt7=("AE-7", 6), evt8=("AE-8", 13), **ALIVE),
    4: column(None, evt2=("AE-2", 5), evt15=("AA-2", 1), evt17=("AA-4", 1)),
    5: column("AA-8", evt3=("AE-3", 6), evt4=("AE-4", 1), **ALIVE),
    6: column("AA-8", evt9=("DT-1", 6), evt10=("DT-2", 6), evt11=("AR-1", 7), evt12=("AR-2", 8), **ALIVE),
    7: column("AA-8", evt10=("AR-6", 7), evt12=("AR-8", 9, 10), evt13=("AR-3", 1), **ALIVE),
    8: column("AA-8", evt9=("AR-7", 8), evt14=("AR-4", 13), **ALIVE),
    9: column("AA-8", evt14=("AR-9", 11), **ALIVE),
    10: column("AA-8", evt13=("AR-10", 12), **ALIVE),
    11: column("AA-8", evt13=("AR-3", 1), **ALIVE),
    12: column("AA-8", evt14=("AR-4", 13), **ALIVE),
    13: column("AA-6", evt6=("AA-7", 13), evt19=("AA-7", 13), evt16=("AA-2", 1), evt17=("AR-5", 1), evt18=("AA-2", 1)),
}


@pytest.mark.parametrize("state", range(1, 14))
@pytest.mark.parametrize("event", range(1, 20))
def test_every_cell(event: int, state: int) -> None:
    expected = BY_STATE[state].get(event)
    cell = TRANSITIONS.get((Event(event), State(state)))
    if expected is None:
        assert cell is None, "this combination cannot occur"
    else:
        assert cell is not None
        action, following = cell
        assert (action.value, tuple(int(s) for s in following)) == expected


def test_the_second_transcription_has_as_many_cells_as_the_standard_fills() -> None:
    assert sum(map(len, BY_STATE.values())) == 123
    assert len(TRANSITIONS) == 123


def test_only_a_request_and_a_collision_have_two_outcomes() -> None:
    forked = {action for action, following in TRANSITIONS.values() if len(following) == 2}
    assert forked == {Action.AE_6, Action.AR_8}


def test_every_action_is_used() -> None:
    assert {action for action, _ in TRANSITIONS.values()} == set(Action)


def test_states_print_with_their_meaning() -> None:
    assert str(State.STA6) == "Sta6 (established)"
    assert str(State.STA13) == "Sta13 (awaiting the close of the connection)"
    assert len({str(state) for state in State}) == 13
