"""C-STORE as a requestor: a plan's instances over as many associations as it takes, and an outcome for each of them."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from dcmnet_cli.core.commands import MEDIUM
from dcmnet_cli.core.negotiation import REJECTED_TRANSIENT, Negotiated
from dcmnet_cli.errors import (
    AssociationAborted,
    AssociationRejected,
    ConnectionLost,
    DcmnetError,
    InputError,
    OperationFailed,
    OutputError,
    RemoteProtocolError,
    TimedOut,
    TransportError,
)
from dcmnet_cli.net.association import Association
from dcmnet_cli.net.observer import Observer
from dcmnet_cli.ops.connect import open_association
from dcmnet_cli.ops.conversion.syntax_choice import Mode
from dcmnet_cli.ops.results import Report
from dcmnet_cli.ops.storing.claims import Claim, Work
from dcmnet_cli.ops.storing.journal import Journal
from dcmnet_cli.ops.storing.packing import Packer
from dcmnet_cli.ops.storing.plan import Batch, Instance, Plan
from dcmnet_cli.ops.storing.sending import Courier, Interrupted, describe
from dcmnet_cli.ops.storing.transfer import (
    CONFIRMED,
    IN_DOUBT,
    NOT_SENT,
    STORED,
    WARNED,
    Outcome,
    StoreResult,
    Tally,
    TimeSpent,
)
from dcmnet_cli.ops.target import Target

if TYPE_CHECKING:
    from dcmnet_cli.ops.storing.invent import Inventor

_PAUSES = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_ABORTING = 2.5  # seconds that associations get to be aborted properly
_INTERRUPTED = "interrupted before it was confirmed"


class StoreOptions(NamedTuple):
    """``jobs`` associations at once; ``retries`` new ones after a failure, each with a longer pause, ``insists`` where
    that is for a peer that was never reached, too; ``halt`` ends at the first instance that the peer does not have;
    ``files_per_second`` and ``bytes_per_second`` 0 for no limit; ``inventor`` gives every object a new identity;
    ``max_send_pdu`` 0 leaves the length of PDUs to the peer; ``abort`` ends associations with an A-ABORT, as a test of
    the peer.
    """

    jobs: int = 1
    retries: int = 3
    transcode: Mode = "lossless"
    priority: int = MEDIUM
    halt: bool = False
    files_per_second: float = 0.0
    bytes_per_second: float = 0.0
    inventor: "Inventor | None" = None
    max_send_pdu: int = 0
    abort: bool = False
    insists: bool = False


Tell = Callable[[Outcome], None]


def store(
    target: Target,
    plan: Plan,
    options: StoreOptions,
    report: Report,
    tell: Tell,
    *,
    negotiated: Callable[[Batch, Negotiated], None] | None = None,
    confirmed: Sequence[Outcome] = (),
    journal: Journal | None = None,
    observers: Sequence[Observer] = (),
) -> tuple[StoreResult, DcmnetError | None]:
    """Send everything in ``plan``; the result, and what it failed with if nothing at all was stored.

    That nothing could be written to the journal is a failure of the whole, too: it stops the rest.

    ``tell`` hears of every outcome, one at a time, as it comes; ``negotiated`` of what each association agreed, before
    anything is sent on it; ``confirmed`` are outcomes of earlier runs, to be counted (``confirmed_apart``). Nothing
    that befalls single instances or associations is raised: that is in the outcomes, of which there is one for every
    instance, always. KeyboardInterrupt aborts the associations, and the result says so.
    """
    run = _Run(target, options, report, tell, negotiated, journal, observers)
    begin = time.monotonic()
    for outcome in confirmed:
        run.settle(outcome)
    for outcome in unsendable(plan):
        run.settle(outcome)
    for batch in plan.batches:
        run.send(batch)
    run.close()
    report.notes += run.notes
    result = StoreResult(
        run.tally,
        tuple((skipped.label, skipped.why) for skipped in plan.skipped if not skipped.is_fault),
        time.monotonic() - begin,
        run.spent,
        run.associations,
        run.retried,
        run.most_jobs,
        run.is_interrupted,
    )
    return result, run.journal_error or _failure_of(result, run.last_error, target.facts.label)


def _failure_of(result: StoreResult, last: DcmnetError | None, peer: str) -> DcmnetError | None:
    """What the whole transfer failed with, None if the peer has any of it: then the outcomes tell."""
    tally = result.tally
    if any(tally.counts[kind] for kind in (STORED, WARNED, CONFIRMED)):
        return None
    refused = next((outcome for outcome in tally.remarkable if outcome.status is not None), None)
    if refused is not None and refused.status is not None:
        return OperationFailed(
            f"{peer} refused every instance, first with status 0x{refused.status:04X}",
            refused.status,
            service="store",
            error_comment=refused.error_comment,
        )
    return last


class _Run:
    """One ``store``: what is shared by the associations that work on it. Outcomes pass one at a time."""

    def __init__(
        self,
        target: Target,
        options: StoreOptions,
        report: Report,
        tell: Tell,
        negotiated: Callable[[Batch, Negotiated], None] | None,
        journal: Journal | None,
        observers: Sequence[Observer],
    ) -> None:
        self._target = target
        self._options = options
        self._report = report
        self._tell = tell
        self._negotiated = negotiated
        self._journal = journal
        self._observers = observers
        self._lock = threading.Lock()
        self._begin = time.monotonic()
        self._halted = threading.Event()
        self._open: set[Association] = set()
        self._workers = 0
        self._failure: BaseException | None = None  # a bug of ours in another thread
        self._is_closed = False
        self._cut_short: set[int] = set()
        self._files = 0
        self._bytes = 0
        self.tally = Tally()
        self.spent = TimeSpent()
        self._gave_up: DcmnetError | None = None
        self._turned_away = ""
        self.journal_error: OutputError | None = None
        self.last_error: DcmnetError | None = None
        self.is_interrupted = False
        self.associations = 0
        self.retried = 0
        self.most_jobs = 0

    def settle(self, outcome: Outcome) -> None:
        """One more outcome. A journal that cannot be written stops everything else."""
        with self._lock:
            if self._is_closed:
                return  # of a thread that hung when everything was stopped: accounted for by now
            self.tally.add(outcome)
            if self._options.halt and not outcome.is_good:
                self._halted.set()
            self._tell(outcome)
            if self._journal is not None and outcome.kind != CONFIRMED:
                try:
                    self._journal.add(outcome)
                except OutputError as error:
                    self._journal, self.journal_error = None, error
                    self._halted.set()

    @property
    def notes(self) -> list[str]:
        """What is worth knowing about associations that were not had, though nothing was lost with them."""
        return [self._turned_away] if self._turned_away else []

    def close(self) -> None:
        """Outcomes that come later are too late."""
        with self._lock:
            self._is_closed = True

    def send(self, batch: Batch) -> None:
        """Everything in ``batch``: when this returns, each of its instances has its outcome."""
        work = Work(batch)
        jobs = max(1, min(self._options.jobs, work.parts))
        self._gave_up = None
        while work.parts and self._gave_up is None and not self._halted.is_set():
            self._work_in_threads(work, batch, jobs)
            jobs = 1  # for what the last one to step down left when nobody was there any more to take it
        if self._failure is not None and not self.is_interrupted:
            raise self._failure
        reason = self._why_stopped()
        while group := work.take():
            for instance in group:
                self.settle(describe(instance, NOT_SENT, reason=reason))

    def _why_stopped(self) -> str:
        if self.is_interrupted:
            return _INTERRUPTED
        if self.journal_error is not None:
            return self.journal_error.message
        return self._gave_up.message if self._gave_up is not None else "stopped by --halt before it was sent"

    def _work_in_threads(self, work: Work, batch: Batch, jobs: int) -> None:
        """Even one association has a thread of its own, so that Ctrl-C never falls between sending and noting it."""
        claims = [Claim(work) for _ in range(jobs)]
        self._workers = jobs
        started: list[Claim] = []
        try:
            for claim in claims:
                try:
                    threading.Thread(target=self._guarded, args=(claim, batch), daemon=True).start()
                except RuntimeError:
                    if not started:
                        raise
                    break  # no more threads to be had: those there are do the work
                started.append(claim)
            for claim in started:  # not by Thread.join: interrupted there, Python before 3.13 takes threads for dead
                while not claim.is_over.wait(0.2):
                    pass
        except KeyboardInterrupt:
            self._interrupt(started)

    def _interrupt(self, claims: Sequence[Claim]) -> None:
        """Abort the associations. What a thread that hangs has in hand is accounted for in its stead."""
        self.is_interrupted = True
        self._halted.set()
        with self._lock:
            for association in self._open:
                association.interrupt()
        deadline = time.monotonic() + _ABORTING
        for claim in claims:
            if not claim.is_over.wait(max(0.0, deadline - time.monotonic())):
                for number, instance in enumerate(list(claim.in_hand)):
                    self.settle(describe(instance, NOT_SENT if number else IN_DOUBT, reason=_INTERRUPTED))
                claim.in_hand.clear()
                claim.abandon()

    def _guarded(self, claim: Claim, batch: Batch) -> None:
        try:
            self._work(claim, batch)
        except BaseException as error:  # to be raised by the thread that waits for this one
            self._failure = error
            self._halted.set()
        finally:
            claim.abandon()
            with self._lock:
                self._workers -= 1
            claim.is_over.set()

    def _work(self, claim: Claim, batch: Batch) -> None:
        """Send what ``claim`` yields, over new associations as often as it takes and the options allow.

        An association that is turned away for now while others are at work leaves the work to them.
        """
        failures = 0
        while not self._halted.is_set() and claim.has_more:
            try:
                self._deliver(claim, batch)
                continue
            except Interrupted as interruption:
                error = interruption.error
                failures = 1 if interruption.is_useful else failures + 1
                self._take_stock(claim, interruption)
                if isinstance(error, InputError):
                    failures = 0  # a file that could not be read to its end is no fault of the peer's
            except DcmnetError as caught:
                error = caught
                if _is_for_now(error) and self._steps_down():
                    self._turned_away = f"fewer associations at once than asked for: {error.message}"
                    return
                failures = failures + 1 if self._may_pass(error) else self._options.retries + 1
            if failures > self._options.retries:
                self._gave_up = self.last_error = error
                return
            if failures and claim.has_more:
                with self._lock:
                    self.retried += 1
                self._pause(_PAUSES[min(failures, len(_PAUSES)) - 1])

    def _take_stock(self, claim: Claim, interruption: Interrupted) -> None:
        """An instance that was cut short is sent again, once; those that were not begun come next."""
        outcome = interruption.cut_short
        if outcome is None:
            self.last_error = interruption.error  # the one under way is in doubt
        elif self._is_final(claim.in_hand[0], interruption.error):
            self.last_error = interruption.error
            claim.settled()
            self.settle(outcome)
        claim.recover()

    def _is_final(self, instance: Instance, error: DcmnetError) -> bool:
        with self._lock:
            is_second = id(instance) in self._cut_short
            self._cut_short.add(id(instance))
        return is_second or isinstance(error, InputError) or self._halted.is_set()

    def _steps_down(self) -> bool:
        with self._lock:
            return self._workers > 1

    def _deliver(self, claim: Claim, batch: Batch) -> None:
        """Use one association until there is no more work. Raises what opening one raises, and Interrupted."""
        association = self._open_association(batch)
        courier = Courier(
            association,
            Packer(association.negotiated, self._options.transcode, self._options.inventor),
            priority=self._options.priority,
            may_send=self._may_send,
        )
        is_useful = False
        try:
            for outcome in courier.deliver(claim):
                claim.settled()
                self.settle(outcome)
                is_useful = is_useful or outcome.status is not None
            if not self._options.abort:
                self._note_release(association.release())
        except Interrupted as interruption:
            interruption.is_useful = is_useful
            raise
        finally:
            association.abort()  # unless it has been released
            with self._lock:
                self._open.discard(association)
                self.spent = self.spent.plus(courier.spent)

    def _note_release(self, complaint: str) -> None:
        """What was answered stays so; but a peer that makes objects durable at the end may have failed at that."""
        note = f"the peer did not confirm the release: {complaint}"
        with self._lock:
            if complaint and note not in self._report.notes:
                self._report.notes.append(note)

    def _open_association(self, batch: Batch) -> Association:
        """The report tells of the first one that was had, or of the last try."""
        attempt = Report(self._report.command)
        try:
            association = open_association(self._target, batch.contexts, attempt, observers=self._observers)
        finally:
            with self._lock:
                if self._report.association is None:
                    self._report.steps, self._report.association = attempt.steps, attempt.association
                    self._report.notes += [note for note in attempt.notes if note not in self._report.notes]
        if self._options.max_send_pdu:
            association.limit_sent_pdus(self._options.max_send_pdu)
        with self._lock:
            self.associations += 1
            self._open.add(association)
            self.most_jobs = max(self.most_jobs, len(self._open))
            if self._negotiated is not None:
                self._negotiated(batch, association.negotiated)
        return association

    def _pause(self, seconds: float) -> None:
        begin = time.monotonic()
        self._halted.wait(seconds)
        with self._lock:
            self.spent = self.spent.plus(TimeSpent(pausing=time.monotonic() - begin))

    def _may_pass(self, error: DcmnetError) -> bool:
        """Whether another try may fare better: not after a permanent rejection, nor where nobody was ever
        there, which is how a wrong port looks.
        """
        if isinstance(error, AssociationRejected):
            return _is_for_now(error)
        if isinstance(error, (TransportError, TimedOut)) and not isinstance(error, ConnectionLost):
            return self._options.insists or self.associations > 0
        return isinstance(error, (ConnectionLost, AssociationAborted, RemoteProtocolError))

    def _may_send(self, instance: Instance) -> bool:
        """Whether the instance may go, after waiting for as long as the rate asks."""
        options = self._options
        with self._lock:
            due = self._begin
            if options.files_per_second:
                due = max(due, self._begin + self._files / options.files_per_second)
            if options.bytes_per_second:
                due = max(due, self._begin + self._bytes / options.bytes_per_second)
            self._files += 1
            self._bytes += instance.file.length
        pause = due - time.monotonic()
        if pause > 0:
            self._pause(pause)
        return not self._halted.is_set()


def unsendable(plan: Plan) -> Iterator[Outcome]:
    """The outcomes of what cannot be sent whatever the peer says: unreadable files, and objects that lack something."""
    for skipped in plan.skipped:
        if skipped.is_fault:
            yield Outcome(skipped.label, NOT_SENT, reason=skipped.why)
    for instance in plan.unfit:
        yield describe(instance, NOT_SENT, reason=instance.file.problem)


def confirmed_apart(plan: Plan, journal: Journal) -> tuple[Plan, list[Outcome]]:
    """``plan`` without what the journal confirms, and the outcomes of those."""
    plan, taken = take_out(plan, lambda instance: instance.file.sop_instance_uid in journal.confirmed)
    return plan, [describe(instance, CONFIRMED, reason="confirmed by an earlier run") for instance in taken]


def take_out(plan: Plan, is_out: Callable[[Instance], bool]) -> tuple[Plan, list[Instance]]:
    """``plan`` without some of its instances, its rows and sums adapted, and these."""
    taken: list[Instance] = []
    batches: list[Batch] = []
    for batch in plan.batches:
        groups = []
        for group in batch.groups:
            left = [instance for instance in group.instances if not is_out(instance)]
            if len(left) != len(group.instances):
                taken += [instance for instance in group.instances if is_out(instance)]
            if left:
                groups.append(group._replace(instances=left))
        if groups:
            batches.append(batch._replace(groups=groups))
    return (_adapted(plan, batches) if taken else plan), taken


def repeated(plan: Plan, times: int) -> Plan:
    """``plan`` with everything in it ``times`` over."""
    batches = [batch._replace(groups=batch.groups * times) for batch in plan.batches]
    return _adapted(plan, batches) if times > 1 else plan


def _adapted(plan: Plan, batches: list[Batch]) -> Plan:
    sums: dict[tuple[str, str], list[int]] = {}
    for batch in batches:
        for instance in batch.instances:
            sum_ = sums.setdefault((instance.file.sop_class_uid, instance.file.transfer_syntax_uid), [0, 0])
            sum_[0] += 1
            sum_[1] += instance.file.length
    rows = [
        row._replace(files=sums[key][0], bytes=sums[key][1])
        for row in plan.rows
        if (key := (row.sop_class_uid, row.transfer_syntax_uid)) in sums
    ]
    return plan._replace(
        batches=batches, rows=rows, files=sum(row.files for row in rows), bytes=sum(row.bytes for row in rows)
    )


def _is_for_now(error: DcmnetError) -> bool:
    return isinstance(error, AssociationRejected) and error.result == REJECTED_TRANSIENT
