"""Queries from within this process: how long until the first match, without the start of a program."""

import time
from collections.abc import Sequence

from tests.benchmarks.figures import WrongResult
from tests.benchmarks.processes import HOST


def first_match(title: str, port: int, keys: Sequence[str], *, least: int = 1) -> float:
    """Milliseconds from the request to the first match of a study level query that has ``least`` matches or more."""
    from dcmnet_cli.core.uids import STUDY_ROOT_FIND
    from dcmnet_cli.ops.connect import open_association
    from dcmnet_cli.ops.querying.find import Finding, proposals
    from dcmnet_cli.ops.querying.keys import build_query
    from dcmnet_cli.ops.results import Report
    from dcmnet_cli.ops.retrieving.move import UNCOMPRESSED
    from dcmnet_cli.ops.target import Target

    target = Target(HOST, port, called=title, calling="BENCH")
    query = build_query("study", [*keys, "PatientName", "PatientID", "StudyInstanceUID"], level="STUDY")
    with open_association(target, proposals("study", UNCOMPRESSED), Report("find")) as association:
        context = association.negotiated.find(STUDY_ROOT_FIND)
        if context is None:
            raise WrongResult(f"{title} takes no study root queries")
        finding = Finding(association, context, query)
        begin = time.perf_counter()
        answers = iter(finding)
        if next(answers, None) is None:
            raise WrongResult(f"{title} has no match for {' '.join(keys)}")
        elapsed = time.perf_counter() - begin
        found = 1 + sum(1 for _ in answers)
    if found < least:
        raise WrongResult(f"{title} has {found} matches for {' '.join(keys)}, {least} expected")
    return elapsed * 1000
