"""How far the making of an archive's index is: a line that leaves no trace, or now and then one in a log."""

from dcmnet_cli.core.quantities import clock, count, plural
from dcmnet_cli.render.output import Output
from dcmnet_cli.render.progress import LiveLine


class Indexing(LiveLine):
    """Call :meth:`read` with the number of objects read and of all that are to be read."""

    stays = False

    def __init__(self, output: Output) -> None:
        super().__init__(output)
        self._read = self._total = 0

    def read(self, done: int, total: int) -> None:
        """So many of so many by now."""
        self._read, self._total = done, total

    def compose(self, width: int, now: float, *, is_last: bool) -> str:
        return f"  indexing  {self._words(now)}"[: width - 1]

    def sentence(self, now: float) -> str:
        return f"indexing: {self._words(now)}"

    def _words(self, now: float) -> str:
        if not self._read:
            return "looking for what is new"
        left = clock((now - self.began) * (self._total - self._read) / self._read)
        return f"{count(self._read)} of {plural(self._total, 'object')}, {left} left"
