"""Programs run when an object or a whole study has arrived, on threads of their own: receiving never waits for them."""

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from dcmnet_cli.core.text import printable
from dcmnet_cli.ops.listening.hook_commands import (
    OBJECT,
    STUDY,
    Command,
    StoredObject,
    Study,
    fill,
    object_document,
    study_document,
)
from dcmnet_cli.ops.listening.processes import run

_KEPT_OUTPUT = 8192
_MOST_LINES = 20
_BUSY = 100
_END_GRACE = 3.0
_MOST_STUDIES = 10_000
_MOST_PATHS = 200_000


class HookLimits(NamedTuple):
    """``quiet`` seconds after its last object end a study; a hook runs for at most ``seconds``; ``workers`` run at
    once, one keeps the order of events (``-xs``); at most ``backlog`` runs wait, further ones are reported undone."""

    quiet: float = 30.0
    seconds: float = 300.0
    workers: int = 2
    backlog: int = 20_000


class HookResult(NamedTuple):
    """How one hook ended. ``subject`` is the SOP Instance UID or Study Instance UID, ``output`` the last lines the
    program wrote, all of it printable. ``exit_status`` is negative for a signal and None where ``problem`` tells why
    there is none."""

    event: str
    program: str
    subject: str
    exit_status: int | None
    seconds: float
    output: tuple[str, ...]
    problem: str

    @property
    def is_ok(self) -> bool:
        return self.exit_status == 0 and not self.problem

    @property
    def detail(self) -> str:
        """One line for a log, with the last words of a program that failed."""
        ending = self.problem or f"exit {self.exit_status} in {self.seconds:.1f} s"
        if not self.problem and self.exit_status is not None and self.exit_status < 0:
            ending = f"killed by signal {-self.exit_status} after {self.seconds:.1f} s"
        said = "" if self.is_ok or not self.output else f': "{self.output[-1]}"'
        return f"{self.program} {self.event} {self.subject}: {ending}{said}"


class _Run(NamedTuple):
    command: Command
    about: StoredObject | Study

    @property
    def stored(self) -> StoredObject:
        return self.about.last if isinstance(self.about, Study) else self.about

    @property
    def subject(self) -> str:
        uid = self.stored.study_instance_uid if isinstance(self.about, Study) else self.stored.sop_instance_uid
        return printable(uid)


class Hooks:
    """Runs ``commands``; ``report`` gets every result and ``warn`` what an operator should know, from any thread.

    ``study_ended`` is called with the UID of each study that has been quiet for long enough, before its hooks start
    and with a lock held: it must be quick and call nothing here.
    A study is what has one Study Instance UID, however many associations bring it. End with ``finish``.
    """

    def __init__(
        self,
        commands: Sequence[Command],
        report: Callable[[HookResult], None],
        warn: Callable[[str], None],
        *,
        limits: HookLimits = HookLimits(),  # noqa: B008 - immutable
        study_ended: Callable[[str], None] | None = None,
    ) -> None:
        self._commands = {event: [each for each in commands if each.event == event] for event in (OBJECT, STUDY)}
        self._lists_files = any(each.takes_json for each in self._commands[STUDY])
        self._follows_studies = bool(self._commands[STUDY]) or study_ended is not None
        self._report, self._warn, self._limits = report, warn, limits
        self._study_ended = study_ended or (lambda _uid: None)
        self._lock = threading.Lock()
        self._work = threading.Condition(self._lock)
        self._quiet = threading.Condition(self._lock)
        self._waiting: deque[_Run] = deque()
        self._studies: OrderedDict[str, Study] = OrderedDict()  # the longest quiet first
        self._paths = 0
        self._is_closing = self._is_behind = False
        self._halt = threading.Event()
        workers = limits.workers if commands else 0
        self._threads = [threading.Thread(target=self._serve, daemon=True) for _ in range(workers)]
        self._watcher = threading.Thread(target=self._watch, daemon=True) if self._follows_studies else None
        for thread in (*self._threads, *([self._watcher] if self._watcher else [])):
            thread.start()

    def object_stored(self, stored: StoredObject) -> None:
        """Take note of an object. Returns at once, whatever the hooks are doing."""
        undone: list[_Run] = []
        with self._lock:
            runs = [_Run(command, stored) for command in self._commands[OBJECT]]
            undone += self._enqueue(runs, self._limits.backlog)
            if self._follows_studies:
                undone += self._note(stored)
            is_news = len(self._waiting) > _BUSY and not self._is_behind
            self._is_behind = self._is_behind or is_news
        if is_news:
            self._warn(f"hooks fall behind: over {_BUSY} runs wait; receiving goes on")
        self._give_up(undone, "not run: too many are waiting")

    def finish(self, grace: float) -> bool:
        """End every open study, and let hooks run for ``grace`` seconds more; then they are ended. True if all ran.

        Call it once, when no object can come any more.
        """
        deadline = time.monotonic() + grace
        with self._lock:
            self._is_closing = True
            undone = self._end_studies("shutdown", len(self._studies))
            self._work.notify_all()
            self._quiet.notify_all()
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        with self._lock:
            is_done = not undone and not any(thread.is_alive() for thread in self._threads)
            undone += self._waiting
            self._waiting.clear()
        self._halt.set()
        self._give_up(undone, "not run: the listener ended")
        for thread in (*self._threads, *([self._watcher] if self._watcher else [])):
            thread.join(_END_GRACE)
        return is_done

    # --- studies, with the lock held ---------------------------------------------------------------------------

    def _note(self, stored: StoredObject) -> list[_Run]:
        uid = stored.study_instance_uid
        study = self._studies.get(uid)
        undone: list[_Run] = []
        if study is None:
            if len(self._studies) >= _MOST_STUDIES:
                undone = self._end_studies("too many open studies", 1)
            study = self._studies[uid] = Study(stored)
        listed = len(study.files)
        study.add(stored, time.monotonic(), with_file=self._lists_files and self._paths < _MOST_PATHS)
        self._paths += len(study.files) - listed
        self._studies.move_to_end(uid)
        if len(self._studies) == 1:
            self._quiet.notify()
        return undone

    def _end_studies(self, ended_by: str, count: int) -> list[_Run]:
        """End the ``count`` studies that have been quiet longest; what cannot be queued is returned."""
        undone: list[_Run] = []
        for _ in range(count):
            uid, study = self._studies.popitem(last=False)
            study.ended_by = ended_by
            study.runs = len(self._commands[STUDY])
            self._study_ended(uid)
            # Twice the room objects have: a study's end should not be lost to a flood of its objects.
            undone += self._enqueue(
                [_Run(command, study) for command in self._commands[STUDY]], self._limits.backlog * 2
            )
        return undone

    def _enqueue(self, runs: list[_Run], most: int) -> list[_Run]:
        room = max(0, most - len(self._waiting))
        self._waiting.extend(runs[:room])
        if runs:
            self._work.notify(len(runs))
        return runs[room:]

    # --- the threads -------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        while True:
            with self._lock:
                if self._is_closing:
                    return
                oldest = next(iter(self._studies.values()), None)
                left = oldest.quiet_since + self._limits.quiet - time.monotonic() if oldest else None
                undone: list[_Run] = []
                if left is None or left > 0:
                    self._quiet.wait(left)
                else:
                    undone = self._end_studies("quiet", 1)
            self._give_up(undone, "not run: too many are waiting")

    def _serve(self) -> None:
        while True:
            with self._lock:
                while not self._waiting:
                    self._is_behind = False
                    if self._is_closing:
                        return
                    self._work.wait()
                job = self._waiting.popleft()
            result = self._run(job)
            self._forget(job)
            self._report(result)

    def _run(self, job: _Run) -> HookResult:
        given = b""
        if job.command.takes_json:
            given = study_document(job.about) if isinstance(job.about, Study) else object_document(job.about)
        ran = run(
            fill(job.command, job.stored),
            given,
            seconds=self._limits.seconds,
            keep=_KEPT_OUTPUT,
            with_errors=True,
            halt=self._halt,
        )
        output = _lines(ran.output)
        return HookResult(
            job.command.event, job.command.program, job.subject, ran.exit_status, ran.seconds, output, ran.problem
        )

    def _give_up(self, runs: Sequence[_Run], problem: str) -> None:
        for job in runs:
            self._forget(job)
            self._report(HookResult(job.command.event, job.command.program, job.subject, None, 0.0, (), problem))

    def _forget(self, job: _Run) -> None:
        """Make room for the paths of other studies once the last hook of this one is through."""
        if isinstance(study := job.about, Study):
            with self._lock:
                study.runs -= 1
                if study.runs == 0:
                    self._paths -= len(study.files)


def _lines(output: bytes) -> tuple[str, ...]:
    """The last lines of what a program wrote, for a log."""
    lines = output.decode("utf-8", "backslashreplace").splitlines()[-_MOST_LINES:]
    return tuple(printable(line) for line in lines if line.strip())
