"""Answers put in order before they are passed on: the one way of showing them that keeps them all in memory."""

import re
from collections.abc import Sequence

from dcmnet_cli.ops.querying.answers import Match, Path, values_at
from dcmnet_cli.render.answers import Sink

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")


class Sorted:
    """Collects, and passes on at ``close``. ``order`` has (path, descending) pairs, the first one weighs most."""

    def __init__(self, order: Sequence[tuple[Path, bool]], sinks: Sequence[Sink], assumed: str) -> None:
        self._order = order
        self._sinks = sinks
        self._assumed = assumed
        self._matches: list[Match] = []

    def add(self, match: Match) -> None:
        """Keep it."""
        self._matches.append(match)

    def flush(self) -> None:
        """There is nothing to show before the last answer."""

    def close(self) -> None:
        """Sort, and pass on."""
        for path, descending in reversed(self._order):
            self._matches.sort(key=lambda match: self._key(match, path), reverse=descending)
        for match in self._matches:
            for sink in self._sinks:
                sink.add(match)

    def _key(self, match: Match, path: Path) -> tuple[int, float, str]:
        """Numbers before texts, by value."""
        value = values_at(match.elements, path, match.character_set, self._assumed)
        number = _NUMBER.fullmatch(value)
        return (0, float(value), "") if number else (1, 0.0, value.casefold())
