"""A plan as the table a user sees: what was found, and what becomes of each kind of object."""

from collections.abc import Iterable

from dcmnet_cli.core.negotiation import Negotiated
from dcmnet_cli.net.part10 import DicomFile
from dcmnet_cli.ops.conversion.syntax_choice import Mode, choose
from dcmnet_cli.ops.storing.plan import Batch, Plan, Row
from dcmnet_cli.ops.storing.routes import Router
from dcmnet_cli.ops.storing.transfer import InputFacts, PlanRow


def input_facts(plan: Plan, paths: Iterable[str]) -> InputFacts:
    """What the paths turned out to hold."""
    faults = sum(skipped.is_fault for skipped in plan.skipped)
    return InputFacts(
        tuple(paths),
        plan.files + len(plan.unfit),
        plan.directories,
        len(plan.skipped) - faults,
        faults,
        len(plan.unfit),
        len(plan.duplicates),
    )


def proposed_rows(plan: Plan) -> list[PlanRow]:
    """The table before anybody was asked."""
    return [
        PlanRow(row.sop_class_uid, row.transfer_syntax_uid, row.files, row.bytes, row.proposed) for row in plan.rows
    ]


def answered_rows(plan: Plan, batch: Batch, negotiated: Negotiated, mode: Mode) -> list[PlanRow]:
    """The rows of ``batch``, with what the peer's answer makes of them."""
    router = Router(negotiated)
    classes = {abstract for abstract, _ in batch.contexts}
    return [_answered(row, router, mode) for row in plan.rows if row.sop_class_uid in classes]


def _answered(row: Row, router: Router, mode: Mode) -> PlanRow:
    file = DicomFile(row.sop_class_uid, "", row.transfer_syntax_uid, "", 0, 0)
    route = router.route(file)
    plain = PlanRow(row.sop_class_uid, row.transfer_syntax_uid, row.files, row.bytes, row.proposed)
    if route.context is not None:
        return plain._replace(accepted=row.transfer_syntax_uid, sent_as=row.transfer_syntax_uid)
    choice = choose(row.transfer_syntax_uid, tuple(c.transfer_syntax for c in route.candidates), mode)
    if not choice.target:
        accepted = route.candidates[0].transfer_syntax if route.candidates else ""
        return plain._replace(accepted=accepted, note=route.why if not route.candidates else choice.why_not)
    verb = "compressed" if choice.encodes else "decompressed" if choice.decodes else "converted"
    loss = "with loss" if choice.is_lossy else "without loss"
    return plain._replace(accepted=choice.target, sent_as=choice.target, note=f"{verb} {loss}")
