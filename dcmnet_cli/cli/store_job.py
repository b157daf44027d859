"""One ``store`` from its paths to its exit status."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import chain
from typing import IO, TYPE_CHECKING, cast

from dcmnet_cli.cli.checks import check_priority
from dcmnet_cli.cli.exit import ExitCode
from dcmnet_cli.cli.reporting import attempt, conclude, fail, traffic_observers
from dcmnet_cli.cli.store_options import InputOptions, SendingOptions
from dcmnet_cli.core.negotiation import Negotiated
from dcmnet_cli.errors import DcmnetError, InputError, OutputError, UsageError
from dcmnet_cli.ops.conversion.syntax_choice import Mode
from dcmnet_cli.ops.files.sources import Found, Skipped, find_sources, read_list
from dcmnet_cli.ops.results import Report
from dcmnet_cli.ops.storing.journal import Journal
from dcmnet_cli.ops.storing.plan import Batch, Plan, make_plan
from dcmnet_cli.ops.storing.plan_table import answered_rows, input_facts, proposed_rows
from dcmnet_cli.ops.storing.proposals import Proposal
from dcmnet_cli.ops.storing.store import StoreOptions, confirmed_apart, repeated, store, take_out, unsendable
from dcmnet_cli.ops.storing.transfer import InputFacts, Outcome, PlanRow, StoreResult
from dcmnet_cli.ops.target import Target
from dcmnet_cli.render.output import Output
from dcmnet_cli.render.plan import show_input, show_plan
from dcmnet_cli.render.progress import Progress, Reading
from dcmnet_cli.render.store import show_dry_run, show_store
from dcmnet_cli.render.store_json import report_text

if TYPE_CHECKING:
    from dcmnet_cli.ops.storing.invent import Inventor
    from dcmnet_cli.render.junit import Case

_MOST_READERS = 8  # processes that read headers: with more of them the disk has the last word


class StoreJob:
    """Plans, sends, shows and leaves. Raises UsageError for options that cannot be meant."""

    def __init__(
        self,
        target: Target,
        paths: list[str],
        inputs: InputOptions,
        sending: SendingOptions,
        proposal: Proposal,
        inventor: "Inventor | None",
        output: Output,
    ) -> None:
        _check(paths, inputs, sending)
        self._target = target
        self._paths = paths
        self._inputs = inputs
        self._sending = sending
        self._proposal = proposal
        self._output = output
        files, length = sending.rates()
        self._options = StoreOptions(
            jobs=sending.jobs,
            retries=StoreOptions().retries if sending.retry is None else sending.retry,
            insists=sending.retry is not None,
            transcode=cast(Mode, sending.mode()),
            priority=check_priority(sending.priority),
            halt=sending.halt,
            files_per_second=files,
            bytes_per_second=length,
            inventor=inventor,
            max_send_pdu=sending.max_send_pdu,
            abort=sending.abort,
        )
        self._report = Report("store", target.facts)
        self._outcomes: list[Outcome] = []
        self._unreadable: set[str] = set()  # not to be renamed: an archive may have members that are still to be sent
        self._keeps_outcomes = output.json or sending.report is not None or output.junit is not None
        self._rows: list[PlanRow] = []
        self._facts: InputFacts | None = None
        self._result: StoreResult | None = None
        self._show_instead: Callable[[], None] | None = None

    def run(self) -> None:
        """Do all of it. Leaves with the exit status."""
        attempt(self._report, self._target, self._work)
        result = self._result
        if result is None:
            conclude(self._report, self._output, show=self._show_instead)
        conclude(self._report, self._output, show=lambda: self._show(result), cases=self._cases)

    def _cases(self) -> "list[Case]":
        from dcmnet_cli.render.junit import store_cases

        return store_cases(self._report, self._outcomes, strict=self._sending.strict)

    def _show(self, result: StoreResult) -> None:
        show_store(
            self._report,
            result,
            self._output,
            outcomes=self._outcomes,
            plan=self._rows,
            facts=self._facts,
            report_file=self._sending.report or "",
        )

    def _work(self) -> None:
        if not self._sending.dry_run:
            self._report_file("a").close()  # hours later would be a bad time to learn that it cannot be written
        plan = self._plan()
        if self._sending.dry_run:
            unfit = list(unsendable(plan))
            self._report.exit_code = ExitCode.PARTLY_DONE if unfit else ExitCode.DONE
            rows, needed = proposed_rows(plan), len(plan.batches)
            self._show_instead = lambda: show_dry_run(self._report, rows, unfit, needed, self._output)
            return
        if self._sending.journal is None:
            self._send(plan, None)
            return
        journal = Journal(self._sending.journal, self._target.facts.label)
        try:
            self._send(plan, journal)
        finally:
            journal.close()

    def _plan(self) -> Plan:
        with Reading(self._output) as reading:
            plan = make_plan(
                self._sources(),
                self._proposal,
                group=self._sending.group,
                check_uids=not self._inputs.no_uid_checks,
                on_source=reading.seen,
                processes=min(_MOST_READERS, os.cpu_count() or 1),
            )
        if self._inputs.part10_only:
            plan, taken = take_out(plan, lambda instance: "no file meta information" in instance.file.notes)
            skipped = [Skipped(instance.source.label, "no file meta information", False) for instance in taken]
            plan = plan._replace(skipped=[*plan.skipped, *skipped])
        paths = [*self._paths, *([self._inputs.from_list] if self._inputs.from_list else [])]
        self._unreadable = {skipped.label for skipped in plan.skipped if skipped.is_fault}
        self._facts = facts = input_facts(plan, paths)
        show_input(facts, [(skipped.label, skipped.why) for skipped in plan.skipped], self._output)
        if not plan.files and not plan.unfit:
            why = "; ".join(f"{skipped.label}: {skipped.why}" for skipped in plan.skipped[:3])
            raise InputError("nothing to send: no DICOM object was found" + (f" ({why})" if why else ""))
        return repeated(plan, self._sending.repeat)

    def _sources(self) -> Iterator[Found]:
        search = self._inputs.search()
        listed = self._inputs.from_list
        more = read_list(listed, sys.stdin.buffer) if listed is not None else iter(())
        return chain(find_sources(self._paths, search), find_sources(more, search))

    def _send(self, plan: Plan, journal: Journal | None) -> None:
        confirmed: list[Outcome] = []
        if journal is not None:
            plan, confirmed = confirmed_apart(plan, journal)
        progress = Progress(self._output, plan.files + sum(1 for _ in unsendable(plan)), plan.bytes)
        with ExitStack() as stack:
            shown: set[int] = set()

            def negotiated(batch: Batch, agreed: Negotiated) -> None:
                if id(batch) in shown:
                    return
                self._rows += answered_rows(plan, batch, agreed, self._options.transcode)
                show_plan(answered_rows(plan, batch, agreed, self._options.transcode), self._output)
                if not shown:
                    stack.enter_context(progress)
                shown.add(id(batch))

            def tell(outcome: Outcome) -> None:
                progress.add(outcome)
                self._note(outcome)

            self._result, error = store(
                self._target,
                plan,
                self._options,
                self._report,
                tell,
                negotiated=negotiated,
                confirmed=confirmed,
                journal=journal,
                observers=traffic_observers(self._output),
            )
        self._judge(self._result, error)
        self._write_report(self._result)

    def _note(self, outcome: Outcome) -> None:
        if self._keeps_outcomes:
            self._outcomes.append(outcome)
        if self._sending.rename and outcome.label not in self._unreadable:
            ending = ".done" if outcome.is_good else ".bad"
            if os.path.isfile(outcome.label):
                try:
                    os.rename(outcome.label, outcome.label + ending)
                except OSError as error:
                    self._report.notes.append(f"cannot rename {outcome.label}: {error.strerror}")

    def _judge(self, result: StoreResult, error: DcmnetError | None) -> None:
        """The exit status: what nothing was stored for has its own, and partly done is never 0."""
        if result.is_interrupted:
            self._report.error = DcmnetError("interrupted")
            self._report.exit_code = ExitCode.INTERRUPTED
        elif error is not None:
            fail(self._report, error, self._target)
        elif not result.tally.good:
            unusable = any(not row.sent_as for row in self._rows)
            self._report.exit_code = ExitCode.NO_CONTEXT if unusable else ExitCode.USAGE
        elif not result.tally.is_complete or (self._sending.strict and result.tally.counts["warned"]):
            self._report.exit_code = ExitCode.PARTLY_DONE

    def _write_report(self, result: StoreResult) -> None:
        if self._sending.report is None:
            return
        try:
            with self._report_file("w") as file:
                file.writelines(report_text(self._report, result, self._outcomes, self._rows, self._facts))
        except OSError as error:
            raise self._cannot_report(error) from error

    def _report_file(self, mode: str) -> IO[str]:
        """The file of ``--report``, or one that swallows everything. Raises OutputError."""
        try:
            return open(self._sending.report or os.devnull, mode, encoding="utf-8")
        except OSError as error:
            raise self._cannot_report(error) from error

    def _cannot_report(self, error: OSError) -> OutputError:
        path = self._sending.report
        return OutputError(f"cannot write report {path}: {error.strerror}", path=path)


def _check(paths: list[str], inputs: InputOptions, sending: SendingOptions) -> None:
    if not paths and inputs.from_list is None:
        raise UsageError("nothing to send: give files or folders, or --from LIST")
    if sending.group not in ("study", "none"):
        raise UsageError(f'--group: "{sending.group}" is not study or none')
    if sending.max_send_pdu and sending.max_send_pdu < 4096:
        raise UsageError("--max-send-pdu takes 4096 or more")
    if sending.rename and sending.repeat > 1:
        raise UsageError("+rn contradicts --repeat: a renamed file is not found again")
    if sending.jobs < 1 or sending.repeat < 1 or (sending.retry or 0) < 0:
        raise UsageError("--jobs and --repeat take 1 or more, --retry 0 or more")
