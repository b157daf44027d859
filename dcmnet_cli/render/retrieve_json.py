"""A ``move`` or ``get`` as JSON: the counts, what is missing, every request with its final status."""

from dcmnet_cli.core.uids import uid_name
from dcmnet_cli.ops.results import Report
from dcmnet_cli.ops.retrieving.reconcile import Arrival, Claim, Destination, Entity, Result, Wanted, service_of
from dcmnet_cli.render.retrieve import counts_of, needs_note, note_lines, remarks
from dcmnet_cli.render.status import status_json

_NO_STATUS: dict[str, object] = dict.fromkeys(("status", "status_hex", "status_category", "status_name"))


def retrieval_json(report: Report, result: Result) -> dict[str, object]:
    """What ``move`` and ``get`` add to the envelope. A count that nobody knows is null."""
    failed = frozenset(result.failed_uids)
    report.notes += remarks(result)
    destination = result.destination
    called = report.peer.called if report.peer else "the archive"
    return {
        "counts": counts_of(result),
        "already": result.already,
        "complete": result.is_complete,
        "missing": [_missing(wanted, wanted.sop_instance_uid in failed) for wanted in result.missing],
        "failed_sop_instance_uids": list(result.failed_uids),
        "entities": [_entity(entity) for entity in result.entities],
        "requests": [_claim(claim, result.service) for claim in result.claims],
        "arrival": _arrival(result.arrival) if result.arrival is not None else None,
        "destination": _destination(destination) if destination is not None else None,
        "note_to_peer": note_lines(destination, called) if destination is not None and needs_note(result) else [],
        "advice": [result.diagnosis.meaning, *result.diagnosis.remedies] if result.diagnosis is not None else [],
        "proposed": [
            {"sop_class_uid": uid, "sop_class_name": uid_name(uid) or None, "contexts": number}
            for uid, number in result.proposed
        ],
        "associations": result.associations,
        "cancelled": result.cancelled,
        "seconds": round(result.seconds, 3),
    }


def _missing(wanted: Wanted, failed: bool) -> dict[str, object]:
    return {
        "sop_instance_uid": wanted.sop_instance_uid,
        "sop_class_uid": wanted.sop_class_uid or None,
        "sop_class_name": uid_name(wanted.sop_class_uid) or None,
        "study_instance_uid": wanted.study_instance_uid or None,
        "series_instance_uid": wanted.series_instance_uid or None,
        "series_number": wanted.series_number or None,
        "failed": failed,
    }


def _entity(entity: Entity) -> dict[str, object]:
    return {
        "level": entity.level,
        "key": entity.uid,
        "description": entity.words,
        "series": entity.series,
        "instances": entity.instances,
    }


def _claim(claim: Claim, service: str) -> dict[str, object]:
    if claim.status is None:
        worded = {**_NO_STATUS, "error_comment": "", "offending_element": []}
    else:
        named = service_of(claim.status, service)
        worded = status_json(claim.status, named, claim.error_comment, claim.offending_element)
    return {
        "asked": claim.asked,
        **worded,
        **claim.counts._asdict(),
        "seconds": round(claim.seconds, 3),
    }


def _arrival(arrival: Arrival) -> dict[str, object]:
    return {
        "kept": arrival.kept,
        "surplus": arrival.surplus,
        "bytes": arrival.bytes,
        "refused": list(arrival.refused),
        "not_durable": arrival.not_durable,
        "after_final_response": arrival.after_final,
        "last_after_seconds": None if arrival.last_after is None else round(arrival.last_after, 3),
    }


def _destination(destination: Destination) -> dict[str, object]:
    return {
        "title": destination.title,
        "host_name": destination.host_name or None,
        "addresses": list(destination.addresses),
        "port": destination.port or None,
        "tls": destination.tls,
    }
