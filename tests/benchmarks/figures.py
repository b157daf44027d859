"""The bookkeeping: values measured in turns, the ratio of every pair, and whether a goal was reached."""

from collections.abc import Callable, Sequence
from statistics import median
from typing import NamedTuple


class WrongResult(Exception):
    """A run did not do the work, so its time means nothing."""


class Side(NamedTuple):
    """One of those compared. ``run`` does the work once and returns what is measured; it raises WrongResult."""

    label: str
    run: Callable[[], float]


class Goal(NamedTuple):
    """``limit`` is the highest ratio to the peer or, where ``is_absolute``, the highest value that reaches it."""

    text: str
    limit: float
    is_absolute: bool = False


def at_most(ratio: float) -> Goal:
    """At most so many times the peer's figure."""
    return Goal(f"ratio at most {ratio:g}", ratio)


def times_faster(factor: float) -> Goal:
    """At least so many times faster than the peer."""
    return Goal(f"{factor:g} times faster", 1 / factor)


def below(limit: float, unit: str) -> Goal:
    """A limit in ``unit``, whatever the peer does."""
    return Goal(f"below {limit:g} {unit}", limit, True)


class Row(NamedTuple):
    """What came of one comparison. ``ours`` and ``theirs`` hold one value a round; without a peer ``theirs`` is empty.

    ``unit`` is "s", "ms" or "MiB".
    """

    work: str
    label: str
    ours: Sequence[float]
    peer: str = ""
    theirs: Sequence[float] = ()
    goal: Goal | None = None
    unit: str = "s"
    note: str = ""

    @property
    def ratios(self) -> list[float]:
        """Ours to theirs, round by round: what slows the machine for a while slows both of a pair."""
        return [mine / other for mine, other in zip(self.ours, self.theirs, strict=True)] if self.theirs else []

    @property
    def ratio(self) -> float | None:
        """The median of the ratios."""
        return median(self.ratios) if self.theirs else None

    @property
    def verdict(self) -> str:
        """``met``, ``missed``, or "" where there is no goal."""
        if self.goal is None:
            return ""
        reached = median(self.ours) if self.goal.is_absolute else self.ratio
        if reached is None:
            return ""
        return "met" if reached <= self.goal.limit else "missed"


def take_turns(sides: Sequence[Side], rounds: int) -> list[list[float]]:
    """Run all sides once in each round, and return their values in the order of the sides.

    Every second round goes the other way round: what a run leaves for the kernel to do slows the one behind it.
    """
    values: list[list[float]] = [[] for _ in sides]
    for number in range(rounds):
        turns = list(zip(sides, values, strict=True))
        for side, mine in reversed(turns) if number % 2 else turns:
            mine.append(side.run())
    return values


def compare(
    work: str, ours: Side, peer: Side, rounds: int, goal: Goal | None, *, unit: str = "s", note: str = ""
) -> Row:
    """Measure two sides in turns."""
    mine, theirs = take_turns((ours, peer), rounds)
    return Row(work, ours.label, mine, peer.label, theirs, goal, unit, note)


def shown(value: float, unit: str) -> str:
    """A value with as many digits as mean something."""
    if unit == "s":
        return f"{value:.2f} s" if value < 100 else f"{value:.0f} s"
    return f"{value:.0f} {unit}"


def shown_all(values: Sequence[float], unit: str) -> str:
    """``0.81 s (0.79 to 0.90)``: the median and the spread."""
    if not values:
        return ""
    if len(values) == 1:
        return shown(values[0], unit)
    low, high = (shown(value, unit).partition(" ")[0] for value in (min(values), max(values)))
    return f"{shown(median(values), unit)} ({low} to {high})"


def shown_ratio(row: Row) -> str:
    """The ratio; well below one it reads better the other way round."""
    ratio = row.ratio
    if ratio is None:
        return ""
    low, high = min(row.ratios), max(row.ratios)
    if ratio < 0.34:
        return f"{1 / ratio:.1f}x faster ({1 / high:.1f} to {1 / low:.1f})"
    return f"{ratio:.2f} ({low:.2f} to {high:.2f})"
