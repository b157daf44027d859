"""C-STORE as a requestor: a plan's instances over as many associations as it takes, and an outcome for each of them."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from dcmnet_cli.core.commands import MEDIUM
from dcmnet_cli.core.negotiation import REJECTED_TRANSIENT, Negotiated
from dcmnet_cli.errors import AssociationRejected, DcmnetError, OperationFailed, TransportError
from dcmnet_cli.net.association import Association
from dcmnet_cli.net.observer import Observer
from dcmnet_cli.ops.connect import open_association
from dcmnet_cli.ops.journal import Journal
from dcmnet_cli.ops.packing import Packer
from dcmnet_cli.ops.plan import Batch, Instance, Plan
from dcmnet_cli.ops.results import Report
from dcmnet_cli.ops.sending import Courier, Interrupted, describe
from dcmnet_cli.ops.syntax_choice import Mode
from dcmnet_cli.ops.target import Target
from dcmnet_cli.ops.transfer import CONFIRMED, NOT_SENT, STORED, WARNED, Outcome, StoreResult, Tally, TimeSpent

if TYPE_CHECKING:
    from dcmnet_cli.ops.invent import Inventor

_PAUSES = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


class StoreOptions(NamedTuple):
    """``jobs`` associations at once; ``retries`` new ones after a failure, each with a longer pause; ``halt`` ends at
    the first instance that the peer does not have; ``files_per_second`` and ``bytes_per_second`` 0 for no limit;
    ``inventor`` gives every object a new identity; ``max_send_pdu`` 0 leaves the length of PDUs to the peer; ``abort``
    ends associations with an A-ABORT, as a test of the peer.
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

    ``tell`` hears of every outcome, one at a time, as it comes; ``negotiated`` of what each association agreed, before
    anything is sent on it; ``confirmed`` are outcomes of earlier runs, to be counted (``confirmed_apart``). Nothing
    that befalls single instances or associations is raised: that is in the outcomes. KeyboardInterrupt aborts the
    associations and passes.
    """
    run = _Run(target, options, report, tell, negotiated, journal, observers)
    begin = time.monotonic()
    for outcome in confirmed:
        run.settle(outcome)
    for instance in plan.unfit:
        run.settle(describe(instance, NOT_SENT, reason=instance.file.problem))
    for batch in plan.batches:
        if not run.is_halted:
            run.send(batch)
    result = StoreResult(
        run.tally,
        tuple((skipped.label, skipped.why) for skipped in plan.skipped),
        time.monotonic() - begin,
        run.spent,
        run.associations,
        run.retried,
        run.most_jobs,
    )
    return result, _failure_of(result, run.last_error, target.facts.label)


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


class _Work:
    """The instances of a batch that nobody has taken yet, in groups that stay together."""

    def __init__(self, batch: Batch) -> None:
        self._lock = threading.Lock()
        self._groups: deque[deque[Instance]] = deque(deque(group.instances) for group in batch.groups)

    def take(self) -> deque[Instance] | None:
        with self._lock:
            return self._groups.popleft() if self._groups else None

    def give_back(self, group: deque[Instance]) -> None:
        with self._lock:
            if group:
                self._groups.appendleft(group)

    @property
    def group_count(self) -> int:
        with self._lock:
            return len(self._groups)


class _Claim:
    """What one association works on: an iterator over whole groups, taken when the one before is used up."""

    def __init__(self, work: _Work, gate: Callable[[Instance], bool]) -> None:
        self._work = work
        self._gate = gate
        self._group: deque[Instance] = deque()

    def __iter__(self) -> Iterator[Instance]:
        return self

    def __next__(self) -> Instance:
        instance = self.peek()
        if instance is None or not self._gate(instance):
            raise StopIteration
        return self._group.popleft()

    def peek(self) -> Instance | None:
        """The next instance, left where it is; None when there is no more work."""
        if not self._group:
            self._group = self._work.take() or deque()
        return self._group[0] if self._group else None

    def put_back(self, instance: Instance | None) -> None:
        if instance is not None:
            self._group.appendleft(instance)

    def abandon(self) -> None:
        """Leave what is left of the group to others."""
        self._work.give_back(self._group)
        self._group = deque()


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
        self._open: set[Association] = set()
        self._failure: BaseException | None = None
        self.tally = Tally()
        self.spent = TimeSpent()
        self.last_error: DcmnetError | None = None
        self.is_halted = False
        self.associations = 0
        self.retried = 0
        self.most_jobs = 0
        self._files = 0
        self._bytes = 0

    def settle(self, outcome: Outcome) -> None:
        """One more outcome."""
        with self._lock:
            self.tally.add(outcome)
            if self._journal is not None and outcome.kind != CONFIRMED:
                self._journal.add(outcome)
            if self._options.halt and not outcome.is_good:
                self.is_halted = True
            self._tell(outcome)

    def send(self, batch: Batch) -> None:
        """Everything in ``batch``: by this thread alone, or by several that share it."""
        work = _Work(batch)
        jobs = max(1, min(self._options.jobs, work.group_count))
        self.most_jobs = max(self.most_jobs, jobs)
        if jobs == 1:
            claim = _Claim(work, self._gate)
            try:
                self._work(claim, batch, is_only=True)
            finally:
                claim.abandon()
        else:
            self._work_in_threads(work, batch, jobs)
        self._settle_rest(work)

    def _work_in_threads(self, work: _Work, batch: Batch, jobs: int) -> None:
        threads = [
            threading.Thread(target=self._guarded, args=(work, batch, number == 0), daemon=True)
            for number in range(jobs)
        ]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                while thread.is_alive():
                    thread.join(0.2)  # in slices, so that Ctrl-C gets through
        except BaseException:
            self.is_halted = True
            with self._lock:
                associations = list(self._open)
            for association in associations:
                association.interrupt()
            for thread in threads:
                thread.join(5.0)
            raise
        if self._failure is not None:
            raise self._failure

    def _guarded(self, work: _Work, batch: Batch, is_first: bool) -> None:
        claim = _Claim(work, self._gate)
        try:
            self._work(claim, batch, is_only=is_first)
        except BaseException as error:  # to be raised by the thread that waits for this one
            self._failure = error
            self.is_halted = True
        finally:
            claim.abandon()

    def _work(self, claim: _Claim, batch: Batch, *, is_only: bool) -> None:
        """Send what ``claim`` yields, over new associations as often as it takes and the options allow.

        An association beside the first steps down when it is turned away for now; the first keeps trying.
        """
        failures = 0
        while claim.peek() is not None and not self.is_halted:
            try:
                if self._deliver(claim, batch):
                    failures = 0
            except Interrupted as interruption:
                claim.put_back(interruption.unused)
                self.last_error = interruption.error
                failures += 1
            except DcmnetError as error:
                self.last_error = error
                if not is_only and _is_for_now(error):
                    return
                if not _may_pass(error):
                    return
                failures += 1
            if failures > self._options.retries:
                return
            if failures and claim.peek() is not None:
                self.retried += 1
                time.sleep(_PAUSES[min(failures, len(_PAUSES)) - 1])

    def _deliver(self, claim: _Claim, batch: Batch) -> bool:
        """Use one association until there is no more work; True if anything was delivered over it."""
        report = self._report if not self.associations else Report(self._report.command)
        association = open_association(self._target, batch.contexts, report, observers=self._observers)
        self.associations += 1
        if self._options.max_send_pdu:
            association.limit_sent_pdus(self._options.max_send_pdu)
        with self._lock:
            self._open.add(association)
            if self._negotiated is not None:
                self._negotiated(batch, association.negotiated)
        courier = Courier(
            association,
            Packer(association.negotiated, self._options.transcode, self._options.inventor),
            priority=self._options.priority,
        )
        is_useful = False
        try:
            for outcome in courier.deliver(claim):
                self.settle(outcome)
                is_useful = is_useful or outcome.status is not None
            if self._options.abort:
                association.abort()
            else:
                association.release()
        except Interrupted as interruption:
            association.abort()
            if is_useful:  # it had been working: what comes next is a new first try
                claim.put_back(interruption.unused)
                self.last_error = interruption.error
                self.retried += 1
                return True
            raise
        except BaseException:
            association.abort()
            raise
        finally:
            with self._lock:
                self._open.discard(association)
                self.spent = self.spent.plus(courier.spent)
        return is_useful

    def _gate(self, instance: Instance) -> bool:
        """Whether the next instance may go, after waiting for as long as the rate asks."""
        if self.is_halted:
            return False
        self._keep_to_rate(instance)
        return not self.is_halted

    def _keep_to_rate(self, instance: Instance) -> None:
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
            time.sleep(pause)

    def _settle_rest(self, work: _Work) -> None:
        """What no association could be had for, or what a halt left over."""
        reason = self.last_error.message if self.last_error is not None else "stopped before it was sent"
        if self.is_halted:
            reason = "stopped by --halt before it was sent"
        while (group := work.take()) is not None:
            for instance in group:
                self.settle(describe(instance, NOT_SENT, reason=reason))


def confirmed_apart(plan: Plan, journal: Journal) -> tuple[Plan, list[Outcome]]:
    """``plan`` without what the journal confirms, and the outcomes of those."""
    plan, taken = take_out(plan, lambda instance: instance.file.sop_instance_uid in journal.confirmed)
    return plan, [describe(instance, CONFIRMED, reason="confirmed by an earlier run") for instance in taken]


def take_out(plan: Plan, is_out: Callable[[Instance], bool]) -> tuple[Plan, list[Instance]]:
    """``plan`` without some of its instances, and these."""
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
    return plan._replace(batches=batches), taken


def _is_for_now(error: DcmnetError) -> bool:
    return isinstance(error, AssociationRejected) and error.result == REJECTED_TRANSIENT


def _may_pass(error: DcmnetError) -> bool:
    """Whether another try may fare better: not after a permanent rejection or with settings that cannot work."""
    if isinstance(error, AssociationRejected):
        return error.result == REJECTED_TRANSIENT
    return isinstance(error, TransportError) or error.kind in ("timeout", "aborted", "remote_protocol", "invalid_pdu")
