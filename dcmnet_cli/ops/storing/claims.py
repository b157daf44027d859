"""Who sends what: the instances of a batch, and what each association has claimed of them. None is ever lost."""

import threading
from collections import deque
from collections.abc import Iterator

from dcmnet_cli.ops.storing.plan import Batch, Instance


class Work:
    """The instances of a batch that nobody has taken yet. A study is taken whole, all else one by one."""

    def __init__(self, batch: Batch) -> None:
        self._lock = threading.Lock()
        self._groups = deque((bool(group.study_instance_uid), deque(group.instances)) for group in batch.groups)

    def take(self) -> deque[Instance]:
        """What stays together on one association; empty when everything has been taken."""
        with self._lock:
            if not self._groups:
                return deque()
            stays_together, group = self._groups[0]
            if not stays_together and len(group) > 1:
                return deque((group.popleft(),))
            return self._groups.popleft()[1]

    def give_back(self, group: deque[Instance]) -> None:
        """Leave what was taken to others."""
        with self._lock:
            if group:
                self._groups.appendleft((True, group))

    @property
    def parts(self) -> int:
        """How many times something can be taken."""
        with self._lock:
            return sum(1 if stays_together else len(group) for stays_together, group in self._groups)


class Claim:
    """What one association works on: an iterator that takes more work when the last is used up.

    ``in_hand`` are the instances that were handed out and have no outcome yet, in order; ``is_over`` is for whoever
    works on it to set at the end.
    """

    def __init__(self, work: Work) -> None:
        self._work = work
        self._group: deque[Instance] = deque()
        self.in_hand: deque[Instance] = deque()
        self.is_over = threading.Event()

    def __iter__(self) -> Iterator[Instance]:
        return self

    def __next__(self) -> Instance:
        if not self.has_more:
            raise StopIteration
        instance = self._group.popleft()
        self.in_hand.append(instance)
        return instance

    @property
    def has_more(self) -> bool:
        """Whether there is work left; some is claimed by asking."""
        if not self._group:
            self._group = self._work.take()
        return bool(self._group)

    def settled(self) -> None:
        """The first of those in hand has its outcome."""
        self.in_hand.popleft()

    def recover(self) -> None:
        """Those in hand were not begun, or have to be begun again: they come next."""
        self._group.extendleft(reversed(self.in_hand))
        self.in_hand.clear()

    def abandon(self) -> None:
        """Leave all that has no outcome to others."""
        self.recover()
        self._work.give_back(self._group)
        self._group = deque()
