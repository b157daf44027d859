"""A ``store`` as JSON: every instance, the counts, the plan, speeds and where the time went."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import islice

from dcmnet_cli.core.uids import uid_name
from dcmnet_cli.ops.results import Report
from dcmnet_cli.ops.storing.transfer import OUTCOMES, REFUSED, InputFacts, Outcome, PlanRow, StoreResult
from dcmnet_cli.render.json import envelope, line, plain
from dcmnet_cli.render.plan import input_json, plan_json
from dcmnet_cli.render.status import status_json

WORDS = {kind: "failed" if kind == REFUSED else kind for kind in OUTCOMES}
"""The words for outcomes that programs read, in JSON and in a pipe."""
_AT_ONCE = 1000
_NO_STATUS: dict[str, object] = dict.fromkeys(("status", "status_hex", "status_category", "status_name"))


def report_text(
    report: Report,
    result: StoreResult,
    outcomes: Iterable[Outcome],
    plan: Sequence[PlanRow] = (),
    facts: InputFacts | None = None,
) -> Iterator[str]:
    """One line of JSON with everything that is known, in pieces: what ``--json`` prints and ``--report`` writes.

    ``outcomes`` are all there were, in their order; each is taken when its turn comes, as there may be very many.
    """
    report.extra |= store_json(result, plan, facts)
    yield line(envelope(report)).removesuffix("}") + ',"instances":['
    separator = ""
    found = iter(outcomes)
    while batch := list(islice(found, _AT_ONCE)):
        yield separator + line(plain(instances_json(batch)))[1:-1]
        separator = ","
    yield "]}\n"


def store_json(result: StoreResult, plan: Sequence[PlanRow] = (), facts: InputFacts | None = None) -> dict[str, object]:
    """What ``store`` adds to the envelope, all but the instances."""
    tally, seconds = result.tally, result.seconds
    return {
        "counts": {WORDS[kind]: tally.counts[kind] for kind in OUTCOMES},
        "total": tally.total,
        "bytes": tally.bytes,
        "seconds": round(seconds, 3),
        "files_per_second": round(tally.answered / seconds, 3) if seconds > 0 else None,
        "bytes_per_second": round(tally.bytes / seconds) if seconds > 0 else None,
        "time_spent": {name: round(spent, 3) for name, spent in result.spent._asdict().items()},
        "associations": result.associations,
        "retries": result.retries,
        "jobs": result.jobs,
        "input": input_json(facts) if facts else None,
        "skipped": [{"file": label, "reason": why} for label, why in result.skipped],
        "plan": plan_json(plan),
    }


def instances_json(outcomes: Iterable[Outcome]) -> list[dict[str, object]]:
    """Every outcome, UIDs and statuses with their names."""
    named, worded = cache(uid_name), cache(_status)
    return [_instance(outcome, named, worded) for outcome in outcomes]


def _status(code: int | None, comment: str, elements: tuple[int, ...]) -> dict[str, object]:
    if code is None:
        return {**_NO_STATUS, "error_comment": comment, "offending_element": []}
    return status_json(code, "store", comment, elements)


def _instance(
    outcome: Outcome,
    named: Callable[[str], str],
    worded: Callable[[int | None, str, tuple[int, ...]], dict[str, object]],
) -> dict[str, object]:
    return {
        "file": outcome.label,
        "outcome": WORDS[outcome.kind],
        "sop_class_uid": outcome.sop_class_uid,
        "sop_class_name": named(outcome.sop_class_uid) or None,
        "sop_instance_uid": outcome.sop_instance_uid,
        "study_instance_uid": outcome.study_instance_uid,
        "stored_as": outcome.stored_as,
        "stored_as_name": named(outcome.stored_as) or None,
        "sent_as": outcome.sent_as or None,
        "sent_as_name": named(outcome.sent_as) or None,
        "bytes": outcome.length,
        "ms": round(outcome.seconds * 1000, 3),
        **worded(outcome.status, outcome.error_comment, outcome.offending_element),
        "reason": outcome.reason,
        "changes": list(outcome.changes),
        "notes": list(outcome.notes),
    }
