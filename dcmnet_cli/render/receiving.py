"""How far a retrieval is: before it what was found and where to, during it one line that is written anew.

On a terminal what was found is part of the screen, on stdout; in a pipe it goes to stderr, with ``-v``.
"""

from collections.abc import Sequence

from dcmnet_cli.core.quantities import clock, count, data_rate, plural, rate, size
from dcmnet_cli.core.text import printable
from dcmnet_cli.ops.retrieving.reconcile import Destination, Entity, SubOperations
from dcmnet_cli.render.output import Output
from dcmnet_cli.render.progress import LiveLine
from dcmnet_cli.render.words import object_name

_MOST_ENTITIES = 5
_MOST_CLASSES = 4
_SHORTEST_BAR = 10
_INDENT, _SHORTEST_LINE = 11, 40


def show_found(entities: Sequence[Entity], expected: int | None, already: int, output: Output) -> None:
    """What the keys stand for, one line an entity, and how many instances are going to be asked for."""
    for entity in entities[:_MOST_ENTITIES]:
        _tell("find", entity_words(entity), output)
    if (left := len(entities) - _MOST_ENTITIES) > 0:
        _tell("", f"and {plural(left, 'more like these', 'more like these')}", output)
    if expected is None:
        _tell("expect", "unknown: the peer does not list its instances", output)
    else:
        before = f", {count(already)} more are here already" if already else ""
        _tell("expect", f"{plural(expected, 'instance')}{before}", output)


def entity_words(entity: Entity) -> str:
    """``study 1.2.3: CT CHEST, 2025-01-14, 3 series, 412 instances``."""
    parts = [entity.words] if entity.words else []
    parts += [f"{count(entity.series)} series"] if entity.series is not None else []
    parts += [plural(entity.instances, "instance")] if entity.instances is not None else []
    level = {"IMAGE": "instance"}.get(entity.level, entity.level.lower())
    return f"{level} {entity.uid}{': ' if parts else ''}{', '.join(parts)}"


def show_listening(destination: Destination, addresses: Sequence[str], output: Output) -> None:
    """The listener that a C-MOVE sends to."""
    secured = " with TLS" if destination.tls else ""
    _tell("listen", f"{destination.title} on {' and '.join(addresses)}{secured}, {destination.takes}", output)


def show_proposed(classes: Sequence[tuple[str, int]], contexts: int, output: Output) -> None:
    """What a C-GET proposes."""
    shown = [f"{object_name(uid)} ×{number}" for uid, number in classes[:_MOST_CLASSES]]
    if (left := len(classes) - _MOST_CLASSES) > 0:
        shown.append(f"{count(left)} other classes")
    _tell("propose", f"{plural(contexts, 'context')} of 128 allowed: {', '.join(shown) or 'no storage class'}", output)


def show_asked(service: str, words: str, destination: str, output: Output) -> None:
    """One request."""
    _tell(service, f"{words}{f' to {destination}' if destination else ''}", output)


def _tell(label: str, words: str, output: Output) -> None:
    if output.json:
        return
    if output.out.is_screen and not output.quiet:
        import textwrap

        room = max(output.out.width - _INDENT, _SHORTEST_LINE)
        for number, line in enumerate(textwrap.wrap(output.out.text(words), room, break_long_words=False)):
            output.out.line(f"  {'' if number else label:<9}{line}")
    else:
        output.verbose(f"{label}: {printable(words)}" if label else printable(words))


class Receiving(LiveLine):
    """The progress of a ``move`` or ``get``. Call :meth:`arrived` with every object, from any thread, and
    :meth:`pending` with what the peer counts; ``total`` is None where nobody knows.
    """

    def __init__(self, output: Output, total: int | None, *, is_elsewhere: bool = False) -> None:
        super().__init__(output)
        self.total = total
        self._is_elsewhere = is_elsewhere
        self._objects = 0
        self._bytes = 0
        self._failed = 0
        self._before = 0  # of requests that are over
        self._counted = 0

    def arrived(self, length: int) -> None:
        """One more object is here."""
        self._objects += 1
        self._bytes += length

    def asked(self) -> None:
        """Another request goes out: its counts begin anew."""
        self._before += self._counted
        self._counted = 0

    def pending(self, counts: SubOperations) -> None:
        """What the peer says. In place of a total that nobody knows, its remaining sub-operations stand in."""
        self._counted = counts.done or 0
        self._failed = counts.failed or 0
        if self.total is None and counts.remaining is not None:
            self.total = self._before + self._counted + counts.remaining

    def compose(self, width: int, now: float, *, is_last: bool) -> str:
        seconds = now - self.began
        parts = [self._how_far(), *self._rates(seconds), clock(seconds)]
        trouble = f"{count(self._failed)} failed" if self._failed else ""
        label = "  sending    " if self._is_elsewhere else "  receiving  "
        for kept in (parts, [parts[0], parts[-1]], parts[:1]):
            plain = "  ".join(filter(None, (*kept, trouble)))
            room = width - len(label) - len(plain) - 3
            if room >= _SHORTEST_BAR:
                break
        if room < _SHORTEST_BAR or not self.total:
            return f"{label}{plain}"[: width - 1]
        return f"{label}{self._bar(room)}  {plain}"

    def sentence(self, now: float) -> str:
        seconds = now - self.began
        parts = [f"{'sending' if self._is_elsewhere else 'receiving'}: {self._how_far()}", *self._rates(seconds)]
        parts += [f"{count(self._failed)} failed"] if self._failed else []
        return ", ".join(parts)

    def _how_far(self) -> str:
        done = self._before + self._counted if self._is_elsewhere else self._objects
        return f"{count(done)}/{count(self.total)}" if self.total is not None else count(done)

    def _rates(self, seconds: float) -> list[str]:
        if self._is_elsewhere or not self._objects:
            return []
        return [size(self._bytes), f"{rate(self._objects, seconds)} files/s", data_rate(self._bytes, seconds)]

    def _bar(self, room: int) -> str:
        done = self._before + self._counted if self._is_elsewhere else self._objects
        filled = min(room, room * done // max(self.total or 0, 1))
        full, empty = ("━", "─") if self._channel.has_unicode else ("#", ".")
        return self._channel.paint(full * filled, "green") + self._channel.paint(empty * (room - filled), "dim")
