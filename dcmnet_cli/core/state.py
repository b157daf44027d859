# ruff: noqa: E501 - the table is wider than a line of code
"""The state machine of the upper layer, PS3.8 table 9-10, as data. Blind to role; all state changes happen here.

A row of ``_ROWS`` is one event; a cell is ``action>state``, the states numbered as in the standard, and an empty
cell is a combination that cannot occur in a correct implementation. Two actions choose their next state:
AE-6 (Sta3, or Sta13 when the provider itself rejects) and AR-8 (Sta9 as requestor, Sta10 as acceptor).
"""

from enum import Enum, IntEnum


class State(IntEnum):
    """Sta1 to Sta13 (PS3.8 9.2.1)."""

    STA1 = 1
    STA2 = 2
    STA3 = 3
    STA4 = 4
    STA5 = 5
    STA6 = 6
    STA7 = 7
    STA8 = 8
    STA9 = 9
    STA10 = 10
    STA11 = 11
    STA12 = 12
    STA13 = 13

    def __str__(self) -> str:
        return f"Sta{self.value} ({_MEANINGS[self.value - 1]})"


_MEANINGS = (
    "idle",
    "awaiting an association request",
    "awaiting our answer to a request",
    "awaiting the transport connection",
    "awaiting the answer to our request",
    "established",
    "awaiting the release response",
    "awaiting our release response",
    "release collision, requestor, awaiting our response",
    "release collision, acceptor, awaiting the peer's response",
    "release collision, requestor, awaiting the peer's response",
    "release collision, acceptor, awaiting our response",
    "awaiting the close of the connection",
)


class Event(IntEnum):
    """Evt1 to Evt19, in the order of the table's rows."""

    ASSOCIATE_REQUEST = 1
    TRANSPORT_CONFIRMED = 2
    ASSOCIATE_AC_RECEIVED = 3
    ASSOCIATE_RJ_RECEIVED = 4
    TRANSPORT_INDICATION = 5
    ASSOCIATE_RQ_RECEIVED = 6
    ASSOCIATE_ACCEPT = 7
    ASSOCIATE_REJECT = 8
    P_DATA_REQUEST = 9
    P_DATA_RECEIVED = 10
    RELEASE_REQUEST = 11
    RELEASE_RQ_RECEIVED = 12
    RELEASE_RP_RECEIVED = 13
    RELEASE_RESPONSE = 14
    ABORT_REQUEST = 15
    ABORT_RECEIVED = 16
    TRANSPORT_CLOSED = 17
    ARTIM_EXPIRED = 18
    INVALID_PDU = 19


class Action(Enum):
    """The actions of PS3.8 tables 9-6 to 9-9."""

    __hash__ = object.__hash__  # Enum's own is a Python function, and one runs for every PDU

    AE_1 = "AE-1"
    AE_2 = "AE-2"
    AE_3 = "AE-3"
    AE_4 = "AE-4"
    AE_5 = "AE-5"
    AE_6 = "AE-6"
    AE_7 = "AE-7"
    AE_8 = "AE-8"
    DT_1 = "DT-1"
    DT_2 = "DT-2"
    AR_1 = "AR-1"
    AR_2 = "AR-2"
    AR_3 = "AR-3"
    AR_4 = "AR-4"
    AR_5 = "AR-5"
    AR_6 = "AR-6"
    AR_7 = "AR-7"
    AR_8 = "AR-8"
    AR_9 = "AR-9"
    AR_10 = "AR-10"
    AA_1 = "AA-1"
    AA_2 = "AA-2"
    AA_3 = "AA-3"
    AA_4 = "AA-4"
    AA_5 = "AA-5"
    AA_6 = "AA-6"
    AA_7 = "AA-7"
    AA_8 = "AA-8"


_ROWS = """
      Sta1       Sta2       Sta3       Sta4       Sta5       Sta6       Sta7       Sta8       Sta9       Sta10      Sta11      Sta12      Sta13
1     AE-1>4     -          -          -          -          -          -          -          -          -          -          -          -
2     -          -          -          AE-2>5     -          -          -          -          -          -          -          -          -
3     -          AA-1>13    AA-8>13    -          AE-3>6     AA-8>13    AA-8>13    AA-8>13    AA-8>13    AA-8>13    AA-8>13    AA-8>13    AA-6>13
4     -          AA-1>13    AA-8>13    -          AE-4>1     AA-8>13    AA-8>13    AA-8>13    AA-8>13    AA-8>13    AA-8>13    AA-8>13    AA-6>13
5     AE-5>2     -          -          -          -          -          -          -          -          -          -          -          -
6     -          AE-6>3|13  AA-8>13    -          AA-8>13    AA-8>13    AA-8>13    AA-8>13    AA-8>13    AA-8>13    AA-8>13    AA-8>13    AA-7>13
7     -          -          AE-7>6     -          -          -          -          -          -          -          -          -          -
8     -          -          AE-8>13    -          -          -          -          -          -          -          -          -          -
9     -          -          -          -          -          DT-1>6     -          AR-7>8     -          -          -          -          -
10    -          AA-1>13    AA-8>13    -          AA-8>13    DT-2>6     AR-6>7     AA-8>13    AA-8>13    AA-8>13    AA-8>13    AA-8>13    AA-6>13
11    -          -          -          -          -          AR-1>7     -          -          -          -          -          -          -
12    -          AA-1>13    AA-8>13    -          AA-8>13    AR-2>8     AR-8>9|10  AA-8>13    AA-8>13    AA-8>13    AA-8>13    AA-8>13    AA-6>13
13    -          AA-1>13    AA-8>13    -          AA-8>13    AA-8>13    AR-3>1     AA-8>13    AA-8>13    AR-10>12   AR-3>1     AA-8>13    AA-6>13
14    -          -          -          -          -          -          -          AR-4>13    AR-9>11    -          -          AR-4>13    -
15    -          -          AA-1>13    AA-2>1     AA-1>13    AA-1>13    AA-1>13    AA-1>13    AA-1>13    AA-1>13    AA-1>13    AA-1>13    -
16    -          AA-2>1     AA-3>1     -          AA-3>1     AA-3>1     AA-3>1     AA-3>1     AA-3>1     AA-3>1     AA-3>1     AA-3>1     AA-2>1
17    -          AA-5>1     AA-4>1     AA-4>1     AA-4>1     AA-4>1     AA-4>1     AA-4>1     AA-4>1     AA-4>1     AA-4>1     AA-4>1     AR-5>1
18    -          AA-2>1     -          -          -          -          -          -          -          -          -          -          AA-2>1
19    -          AA-1>13    AA-8>13    -          AA-8>13    AA-8>13    AA-8>13    AA-8>13    AA-8>13    AA-8>13    AA-8>13    AA-8>13    AA-7>13
"""


def _parse(rows: str) -> dict[tuple[Event, State], tuple[Action, tuple[State, ...]]]:
    table = {}
    for row in rows.strip().splitlines()[1:]:
        number, *cells = row.split()
        for state, cell in zip(State, cells, strict=True):
            if cell != "-":
                action, _, following = cell.partition(">")
                table[Event(int(number)), state] = (
                    Action(action),
                    tuple(State(int(n)) for n in following.split("|")),
                )
    return table


TRANSITIONS = _parse(_ROWS)
"""(event, state) to (action, next states): one next state, or two where AE-6 or AR-8 choose."""
