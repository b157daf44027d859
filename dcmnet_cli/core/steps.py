"""The rungs of the ladder that a connection climbs: name, TCP, TLS, association, and what the command adds.

The record lives below ``net`` because ``net`` reports the first rungs itself.
"""

from collections.abc import Callable
from typing import NamedTuple


class Step(NamedTuple):
    """One rung of the ladder of a connection. ``seconds`` is how long it took."""

    name: str
    ok: bool
    seconds: float
    detail: str


OnStep = Callable[[Step], None]
