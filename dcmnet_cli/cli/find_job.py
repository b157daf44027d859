"""One ``find`` from its keys to its exit status."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from dcmnet_cli.cli.exit import ExitCode
from dcmnet_cli.cli.find_options import AnswerOptions, AskOptions, FindModelOptions
from dcmnet_cli.cli.interruption import stopping
from dcmnet_cli.cli.key_options import KeyOptions, split_names
from dcmnet_cli.cli.reporting import attempt, conclude, fail, traffic_observers
from dcmnet_cli.core.identifier import Element
from dcmnet_cli.core.steps import Step
from dcmnet_cli.errors import DcmnetError, OutputError
from dcmnet_cli.net.association import Association
from dcmnet_cli.ops.connect import open_association, require_context
from dcmnet_cli.ops.querying.answers import Assumption, Column, Ending
from dcmnet_cli.ops.querying.find import Finding, Wishes, check_wishes, failed, proposals, relax
from dcmnet_cli.ops.querying.key_tree import Tree, name_of, parse_path, path_name
from dcmnet_cli.ops.querying.keys import Query, above, describe, narrowing
from dcmnet_cli.ops.querying.levels import MODELS, NO_KEYS, TIMEZONE
from dcmnet_cli.ops.results import Report
from dcmnet_cli.ops.stop import Stop
from dcmnet_cli.ops.target import Target
from dcmnet_cli.render.answers import CSV, NDJSON, JSONList, Lines, Sink
from dcmnet_cli.render.find import Found, heading, json_opening, show_count, show_find, show_query
from dcmnet_cli.render.output import Output

_ROWS_BESIDE_A_FILE = 20


class FindJob:
    """Asks, passes the answers on while they come, explains an empty result, and leaves. Raises UsageError for options
    that cannot be meant.
    """

    def __init__(
        self,
        target: Target,
        files: Sequence[str],
        keys: KeyOptions,
        model: FindModelOptions,
        ask: AskOptions,
        answers: AnswerOptions,
        syntaxes: Sequence[str],
        output: Output,
    ) -> None:
        ask.check()
        answers.check(output.json)
        self._target = target
        self._ask = ask
        self._answers = answers
        self._syntaxes = syntaxes
        self._output = output
        self._model = model.model()
        self._columns: list[Column] = []
        sorting = split_names("--sort", answers.sort)
        self._order = [(parse_path(name.removeprefix("-")), name.startswith("-")) for name in sorting]
        self._queries = self._build(files, keys, model.station)
        self._assumption = Assumption(answers.assume or target.charset or "")
        self._report = Report("find", target.facts)
        self._stop = Stop()
        self._found = Found(
            MODELS[self._model].name, self._queries[0].level, [describe(each) for each in self._queries]
        )
        self._json: JSONList | None = None

    def run(self) -> None:
        """Do all of it. Leaves with the exit status."""
        attempt(self._report, self._target, self._work)
        found = self._found
        found.assumed, found.is_told = self._assumption.counts, bool(self._assumption.given)
        if self._answers.count_only and self._report.error is None:
            show_count(found, self._output)
        conclude(self._report, self._output, show=lambda: show_find(self._report, found, self._output, self._json))

    def _build(self, files: Sequence[str], keys: KeyOptions, station: str | None) -> list[Query]:
        from dcmnet_cli.ops.querying.query_file import read_query_file

        paths = [parse_path(name) for name in split_names("--columns", self._answers.columns)]
        queries = []
        trees: list[Tree | None] = [read_query_file(path) for path in files] or [None]
        for tree in trees:
            query = keys.query(
                self._model,
                tree,
                station=station,
                returns=[*paths, *(path for path, _ in self._order)] if paths else [],
                charset=self._target.charset or "",
                relational=self._ask.relational,
                verbatim=self._ask.verbatim,
            )
            if self._ask.timezone is not None:
                zone = Element(TIMEZONE, "SH", self._ask.timezone.encode())
                query = query._replace(elements=(*query.elements, zone))
            queries.append(query)
        paths = paths or list(dict.fromkeys(path for query in queries for path in query.columns))
        self._columns = [Column(path, path_name(path), heading(path, path_name(path))) for path in paths]
        return queries

    # --- the work ----------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        report, model = self._report, self._model
        wishes = self._ask.wishes()
        association = open_association(
            self._target,
            proposals(model, self._syntaxes),
            report,
            extended=wishes.item(model),
            observers=traffic_observers(self._output),
        )
        try:
            context_id = require_context(association, MODELS[model].sop_class_uid, f"{MODELS[model].name} queries")
            with ExitStack() as stack:  # files are opened now: without an association, old ones stay what they are
                sinks = self._open_sinks(stack)
                for query in self._queries * self._ask.repeat:
                    self._query(association, context_id, query, wishes, sinks)
                    if self._found.ending.is_failure or self._stop.is_asked or not association.is_open:
                        break
        except BaseException:
            association.abort()
            raise
        self._end(association)
        self._judge(association)

    def _query(
        self, association: Association, context_id: int, query: Query, wishes: Wishes, sinks: Sequence[Sink]
    ) -> None:
        """One query, its answers passed on. What ends the association before its time passes, after a rung for it."""
        found, notes = self._found, self._found.notes
        notes += [note for note in query.notes if note not in notes]
        check_wishes(association, wishes, query, notes)
        show_query(describe(query), self._output)
        context = association.negotiated.contexts[context_id]
        finding = Finding(
            association,
            context,
            query,
            limit=self._ask.limit,
            priority=self._ask.importance(),
            stop=lambda: self._stop.is_asked,
            idle=lambda: _flush(sinks),
        )
        begin = time.monotonic()
        try:
            with stopping(self._stop):
                self._pass_on(finding, sinks)
                self._count(finding.ending)
                if self._ask.relax and not finding.ending.answers and finding.ending.is_complete:
                    found.relaxed = relax(association, context, query, stop=lambda: self._stop.is_asked)
        except DcmnetError as error:
            self._count(finding.ending)
            self._report.steps.append(Step("C-FIND", False, time.monotonic() - begin, error.message))
            raise
        found.narrowing = [(path_name(path), value) for path, value in narrowing(query)]
        found.absent = [name_of(tag) for tag in sorted(finding.absent - NO_KEYS)]
        found.within = [(path_name(path), value) for path, value in above(query)]
        self._report.steps.append(_rung(finding.ending))

    def _pass_on(self, finding: Finding, sinks: Sequence[Sink]) -> None:
        assumption = self._assumption
        add = [sink.add for sink in sinks]
        for match in finding:
            if not match.character_set:
                assumption.note(match)
            for each in add:
                each(match)

    def _count(self, ending: Ending) -> None:
        self._found.ending = ending
        self._found.answers += ending.answers

    def _end(self, association: Association) -> None:
        begin = time.monotonic()
        if self._ask.abort or not association.is_open:
            association.abort()
            return
        complaint = association.release()
        self._report.steps.append(Step("release", not complaint, time.monotonic() - begin, complaint or "confirmed"))

    def _judge(self, association: Association) -> None:
        """The exit status. Answers up to the limit are all that was asked for."""
        ending, report = self._found.ending, self._report
        if self._stop.is_asked:
            report.error = DcmnetError("interrupted")
            report.exit_code = ExitCode.INTERRUPTED
        elif ending.is_failure:
            fail(report, failed(association.peer, ending, self._queries[0]), self._target)
            report.exit_code = ExitCode.PARTLY_DONE if self._found.answers else report.exit_code
        elif ending.unreadable or not (ending.is_complete or ending.is_cancelled):
            report.exit_code = ExitCode.PARTLY_DONE

    # --- where answers go --------------------------------------------------------------------------------------------

    def _open_sinks(self, stack: ExitStack) -> list[Sink]:
        """Everything that wants the answers, closed at the end of ``stack`` whatever happens."""
        sinks = [*self._files(stack), *self._screen()]
        for sink in sinks:
            stack.callback(sink.close)
        if not self._order:
            return sinks
        from dcmnet_cli.render.sorting import Sorted

        collected = Sorted(self._order, sinks, self._assumption.given)
        stack.callback(collected.close)
        return [collected]

    def _files(self, stack: ExitStack) -> Iterator[Sink]:
        answers, assumed = self._answers, self._assumption.given
        if answers.csv not in (None, "-"):
            file = _TextFile(str(answers.csv))
            stack.callback(file.close)
            yield CSV(file.write, self._columns, assumed, for_spreadsheet=True)
        if answers.extract or answers.extract_xml or answers.extract_single is not None:
            from dcmnet_cli.ops.querying.find_files import AnswerFiles, AnswerXML

            if answers.extract or answers.extract_xml:
                yield AnswerFiles(
                    answers.directory,
                    dicom=answers.extract,
                    xml=answers.extract_xml,
                    source=self._target.called,
                    limit=answers.limit_output,
                    assumed=assumed,
                )
            if answers.extract_single is not None:
                yield AnswerXML(answers.extract_single, limit=answers.limit_output, assumed=assumed)

    def _screen(self) -> Iterator[Sink]:
        """What standard output shows of the answers."""
        output, answers, assumed = self._output, self._answers, self._assumption.given
        write = output.out.write
        if output.json:
            self._json = JSONList(write, json_opening(), assumed)
            yield self._json
        elif answers.count_only or answers.hide:
            return
        elif answers.ndjson:
            yield NDJSON(write, assumed)
        elif answers.csv == "-":
            yield CSV(write, self._columns, assumed, for_spreadsheet=False)
        elif output.out.is_screen and not output.quiet:
            from dcmnet_cli.render.answer_table import Table

            most = _ROWS_BESIDE_A_FILE if answers.has_files and not answers.show else 0
            self._found.table = Table(output.out, self._columns, assumed, may_drop=answers.columns is None, most=most)
            yield self._found.table
        elif not answers.has_files or answers.show:
            yield Lines(write, self._columns, assumed, output.out.text)


class _TextFile:
    """A file to write text into. Everything raises OutputError."""

    def __init__(self, path: str) -> None:
        self._path = path
        with self._explained():
            self._file = open(path, "w", encoding="utf-8", errors="backslashreplace", newline="")  # noqa: SIM115

    def write(self, piece: str) -> None:
        with self._explained():
            self._file.write(piece)

    def close(self) -> None:
        with self._explained():
            self._file.close()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OutputError(f"cannot write {self._path}: {error.strerror}", path=self._path) from error


def _flush(sinks: Sequence[Sink]) -> None:
    for sink in sinks:
        sink.flush()


def _rung(ending: Ending) -> Step:
    from dcmnet_cli.render.find import outcome

    is_good = not ending.is_failure and not ending.unreadable and not ending.is_deaf
    return Step("C-FIND", is_good, ending.seconds, outcome(ending))
