"""The outcome of a command as JUnit XML, which every CI server reads: a test case for each step, file and instance.

A *failure* is an answer that was not the one wanted: a rejection, a refused context, a failure status, an instance
that did not come. An *error* is what kept an answer away: no connection, a timeout, an unreadable file. One of them is
in the file exactly when the exit status is not 0. All text is made harmless first, so XML 1.0 can hold it.
"""

import os
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import NamedTuple

from dcmnet_cli.core.status import format_status, lookup
from dcmnet_cli.core.text import printable
from dcmnet_cli.errors import DcmnetError, OutputError, UsageError
from dcmnet_cli.ops.results import Report
from dcmnet_cli.ops.retrieving.reconcile import Claim, Result
from dcmnet_cli.ops.storing.transfer import CONFIRMED, IN_DOUBT, NOT_SENT, REFUSED, STORED, WARNED, Outcome

PASSED, SKIPPED, FAILURE, ERROR = "passed", "skipped", "failure", "error"
_ANSWERS = (1, 5, 7, 9)  # exit statuses that mean: the peer answered, and not as asked
_HARMLESS = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})


class Case(NamedTuple):
    """One test case: ``verdict`` is one of those above, ``kind`` a stable word for what went wrong, ``message`` says it
    in one line and ``lines`` hold the rest.
    """

    group: str
    name: str
    verdict: str = PASSED
    kind: str = ""
    message: str = ""
    lines: tuple[str, ...] = ()
    seconds: float = 0.0


class JUnitFile:
    """The file to write. Opened at once, and until ``write`` it tells of no end: a command that is killed, or
    whose options are wrong, never leaves the good news of an earlier run.

    Raises OutputError, and UsageError rather than overwrite what is no XML: an image, say, that a shell took for FILE.
    """

    def __init__(self, path: str, command: str) -> None:
        self._path = path
        if _holds_something_else(path):
            raise UsageError(f"--junit: {path} is there already, and is no XML file; give another name")
        try:
            self._file = open(path, "w", encoding="utf-8")  # noqa: SIM115 - closed by ``write``
            if self._file.seekable():
                report = Report(command)
                report.error = DcmnetError("ended before there was an outcome; its standard error says why")
                report.exit_code = 70
                self._file.write(junit_text(report, ()))
                self._file.flush()
        except OSError as error:
            raise self._error(error) from error

    def write(self, text: str) -> None:
        """The outcome. Raises OutputError."""
        try:
            with self._file as file:
                if file.seekable():
                    file.seek(0)
                    file.truncate()
                file.write(text)
        except OSError as error:
            with suppress(OSError):
                self._file.close()
            raise self._error(error) from error

    def _error(self, error: OSError) -> OutputError:
        return OutputError(f"cannot write JUnit file {self._path}: {error.strerror}", path=self._path)


def _holds_something_else(path: str) -> bool:
    if not os.path.isfile(path):
        return False
    with suppress(OSError), open(path, "rb") as file:
        return file.read(1) not in (b"", b"<")
    return False  # cannot be read: whether it can be written will show


def step_cases(report: Report) -> list[Case]:
    """The rungs of the ladder. The one that failed has the whole story."""
    cases = []
    for step in report.steps:
        case = Case("steps", step.name, PASSED, "", step.detail, (), step.seconds)
        if not step.ok and report.error is not None:
            kind, message = report.error.kind, report.error.message
            case = case._replace(verdict=_verdict(report), kind=kind, message=message, lines=_story(report))
        elif not step.ok:
            case = case._replace(verdict=_verdict(report), kind="step")
        cases.append(case)
    return cases


def store_cases(report: Report, outcomes: Iterable[Outcome], *, strict: bool = False) -> list[Case]:
    """A case for every object of a ``store``; with ``strict`` a warning is a failure."""
    verdicts = {STORED: PASSED, WARNED: FAILURE if strict else PASSED, CONFIRMED: SKIPPED}
    verdicts |= {REFUSED: FAILURE, NOT_SENT: _verdict(report), IN_DOUBT: ERROR}
    cases = []
    for outcome in outcomes:
        verdict = verdicts[outcome.kind]
        told = [outcome.reason] if outcome.reason else []
        if outcome.status:
            told.append(f"{format_status(outcome.status)} {lookup(outcome.status, 'store').meaning}")
        told += [outcome.error_comment] if outcome.error_comment else []
        if outcome.kind == CONFIRMED:
            told.append("stored by an earlier run, as the journal says")
        identity = f"SOP Instance UID: {outcome.sop_instance_uid}" if outcome.sop_instance_uid else ""
        lines = (identity, *outcome.changes, *outcome.notes)
        cases.append(Case("objects", outcome.label, verdict, outcome.kind, "; ".join(told), lines, outcome.seconds))
    return cases


def retrieval_cases(result: Result) -> list[Case]:
    """A case for every request of a ``move`` or ``get``, and for every instance that the peer had said it has."""
    missing = {wanted.sop_instance_uid for wanted in result.missing}
    cases = [_claim_case(claim, result.service) for claim in result.claims]
    for wanted in result.expected or () if result.arrival is not None else ():
        series = f"series {wanted.series_instance_uid}"
        case = Case("instances", wanted.sop_instance_uid, PASSED, "", series)
        if wanted.sop_instance_uid in missing:
            case = case._replace(verdict=FAILURE, kind="missing", message=f"did not arrive; {series}")
        cases.append(case)
    return cases


def _claim_case(claim: Claim, service: str) -> Case:
    case = Case("requests", claim.asked, PASSED, "", "", (), claim.seconds)
    if claim.status is None:
        return case._replace(verdict=ERROR, kind="no_response", message="no final response came")
    told = f"{format_status(claim.status)} {lookup(claim.status, service).meaning} {claim.error_comment}".rstrip()
    verdict = FAILURE if claim.category == "failure" else PASSED
    return case._replace(verdict=verdict, kind="status" if verdict == FAILURE else "", message=told)


def junit_text(report: Report, cases: Sequence[Case]) -> str:
    """The file: one suite, whose verdict is that of the exit status whatever ``cases`` say."""
    if report.exit_code == 0:
        judged = [case._replace(verdict=PASSED) if case.verdict in (FAILURE, ERROR) else case for case in cases]
    else:
        told = [case.group for case in cases if case.verdict in (FAILURE, ERROR)]
        is_explained = "steps" in told or (bool(told) and report.error is None)
        judged = [*cases] if is_explained else [*cases, _whole(report)]
    return "\n".join(("<?xml version='1.0' encoding='UTF-8'?>", *_suite(report, judged), ""))


def _whole(report: Report) -> Case:
    """What no other case tells."""
    error = report.error
    message = error.message if error is not None else f"exit status {report.exit_code}"
    kind = error.kind if error is not None else "incomplete"
    return Case("outcome", f"dcmnet {report.command}", _verdict(report), kind, message, _story(report))


def _verdict(report: Report) -> str:
    return FAILURE if report.exit_code in _ANSWERS else ERROR


def _story(report: Report) -> tuple[str, ...]:
    from dcmnet_cli.render.ladder import explanation

    return (*(f"{label}: {value}" for label, value in explanation(report)), *(f"note: {note}" for note in report.notes))


def _suite(report: Report, cases: Sequence[Case]) -> Iterable[str]:
    name = f"dcmnet {report.command}" + (f" {report.peer.label}" if report.peer is not None else "")
    verdicts = [case.verdict for case in cases]
    sums = _attributes(
        tests=str(len(cases)),
        failures=str(verdicts.count(FAILURE)),
        errors=str(verdicts.count(ERROR)),
        skipped=str(verdicts.count(SKIPPED)),
        time=f"{sum(case.seconds for case in cases):.6f}",
    )
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
    yield f"<testsuites{_attributes(name='dcmnet')}{sums}>"
    yield f"<testsuite{_attributes(name=name)}{sums}{_attributes(timestamp=stamp)}>"
    yield "<properties>"
    for key, value in _properties(report):
        yield f"<property{_attributes(name=key, value=value)}/>"
    yield "</properties>"
    for case in cases:
        yield from _testcase(case, f"dcmnet.{report.command}.{case.group}")
    yield "</testsuite>"
    yield "</testsuites>"


def _properties(report: Report) -> Iterable[tuple[str, str]]:
    yield "exit", str(report.exit_code)
    if report.peer is not None:
        for key, value in zip(("host", "port", "called", "calling"), report.peer, strict=True):
            yield key, str(value)
    for key, value in report.extra.items():
        if isinstance(value, int | float | str):
            yield key, str(value)


def _testcase(case: Case, classname: str) -> Iterable[str]:
    head = f"<testcase{_attributes(classname=classname, name=case.name, time=f'{case.seconds:.6f}')}"
    body = "\n".join(_escaped(line) for line in case.lines if line)
    if case.verdict == PASSED:
        told = "\n".join(filter(None, (_escaped(case.message), body)))
        yield f"{head}><system-out>{told}</system-out></testcase>" if told else f"{head}/>"
        return
    yield f"{head}>"
    if case.verdict == SKIPPED:
        yield f"<skipped{_attributes(message=case.message)}/>"
    else:
        yield f"<{case.verdict}{_attributes(type=case.kind, message=case.message)}>{body}</{case.verdict}>"
    yield "</testcase>"


def _attributes(**values: str) -> str:
    return "".join(f' {name}="{_escaped(value)}"' for name, value in values.items())


def _escaped(value: str) -> str:
    return printable(value).translate(_HARMLESS)
