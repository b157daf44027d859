"""The facts of a screen as one JSON object; ``schema.json`` beside this file says what is in it.

Output is ASCII with everything else escaped, so that it survives any terminal, log and locale unharmed.
"""

import json
from collections.abc import Mapping
from enum import Enum

from dcmnet_cli.core.text import printable
from dcmnet_cli.core.uids import uid_name
from dcmnet_cli.errors import DcmnetError
from dcmnet_cli.ops.results import AssociationFacts, ContextFacts, Diagnosis, PeerFacts, Report, Step
from dcmnet_cli.render.output import Output
from dcmnet_cli.render.status import status_json
from dcmnet_cli.render.words import context_result_name

SCHEMA = "dcmnet/1"
"""Changes its number when a key changes its meaning or goes; new keys may come at any time."""


def dump(report: Report, output: Output) -> None:
    """Write the envelope of ``report`` to stdout, on one line."""
    _write(envelope(report), output)


def dump_object(value: Mapping[str, object], output: Output) -> None:
    """Write any object to stdout, on one line, cleaned as by :func:`plain`."""
    _write(plain(value), output)


def _write(value: object, output: Output) -> None:
    output.out.write(line(value) + "\n")


def line(value: object) -> str:
    """What is :func:`plain` already, as one line of ASCII."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def envelope(report: Report) -> dict[str, object]:
    """The object for ``report``: fixed keys first and in a fixed order, then what the command adds.

    ``extra`` must not use a fixed key; ValueError says so.
    """
    fixed: dict[str, object] = {
        "schema": SCHEMA,
        "command": report.command,
        "ok": report.error is None and report.exit_code == 0,
        "exit": report.exit_code,
        "error": _error(report.error, report.diagnosis) if report.error else None,
        "peer": _peer(report.peer) if report.peer else None,
        "steps": [_step(step) for step in report.steps],
        "association": _association(report.association) if report.association else None,
        "notes": list(report.notes),
    }
    if taken := fixed.keys() & report.extra.keys():
        raise ValueError(f"keys of the envelope used in extra: {', '.join(sorted(taken))}")
    result = plain({**fixed, **report.extra})
    assert isinstance(result, dict)
    return result


def plain(value: object) -> object:
    """``value`` in what JSON has: records become objects, bytes text with escapes, what is not a number null."""
    if isinstance(value, Enum):
        return plain(value.value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if abs(value) < float("inf") else None
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return printable(bytes(value))
    if isinstance(value, Mapping):
        return {_text(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return plain(value._asdict())
    if isinstance(value, set | frozenset):
        return [plain(item) for item in sorted(value, key=str)]
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return printable(str(value))


def _text(value: str) -> str:
    if value.isascii():
        return str(value)
    # Bytes that no encoding explained are lone surrogates by now, which JSON readers may refuse.
    return printable(value) if any("\ud800" <= character <= "\udfff" for character in value) else str(value)


def _error(error: DcmnetError, diagnosis: Diagnosis | None) -> dict[str, object]:
    result: dict[str, object] = {
        "kind": error.kind,
        "layer": diagnosis.layer if diagnosis and diagnosis.layer else error.layer,
        "message": error.message,
        "hints": list(diagnosis.remedies if diagnosis and diagnosis.remedies else error.hints),
    }
    if diagnosis is not None:
        result |= {
            "headline": diagnosis.headline,
            "meaning": diagnosis.meaning,
            "side": diagnosis.side or None,
            "facts": [{"label": label, "value": value} for label, value in diagnosis.facts],
            "more": diagnosis.more or None,
        }
    details = {**error.details, **_names(error)}
    if isinstance(attempts := details.get("attempts"), list | tuple):
        details["attempts"] = [{"address": address, "reason": reason} for address, reason in attempts]
    return result | {key: value for key, value in details.items() if key not in result}


def _names(error: DcmnetError) -> dict[str, object]:
    """The words for the numbers in an error's details."""
    from dcmnet_cli.core.reasons import explain_abort, explain_reject
    from dcmnet_cli.errors import AssociationAborted, AssociationRejected, OperationFailed

    if isinstance(error, AssociationRejected):
        rejection = explain_reject(error.result, error.source, error.reason)
        return {
            "result_name": rejection.result_name,
            "source_name": rejection.source_name,
            "reason_name": rejection.name,
        }
    if isinstance(error, AssociationAborted):
        abort = explain_abort(error.source, error.reason)
        return {"source_name": abort.source_name, "reason_name": abort.name}
    if isinstance(error, OperationFailed):
        words = status_json(error.status, str(error.details.get("service", "")))
        return {key: words[key] for key in ("status_hex", "status_category", "status_name")}
    return {}


def _peer(peer: PeerFacts) -> dict[str, object]:
    return {"host": peer.host, "port": peer.port, "called": peer.called, "calling": peer.calling}


def _step(step: Step) -> dict[str, object]:
    return {"name": step.name, "ok": step.ok, "ms": round(step.seconds * 1000, 3), "detail": step.detail}


def _association(association: AssociationFacts) -> dict[str, object]:
    return {
        "peer_implementation_class_uid": association.peer_implementation_class_uid,
        "peer_implementation_version_name": association.peer_implementation_version_name,
        "max_pdu_length": association.max_pdu_length,
        "presentation_contexts": [context_json(context) for context in association.contexts],
        "notes": list(association.notes),
    }


def context_json(context: ContextFacts) -> dict[str, object]:
    """One presentation context, UIDs with their names beside them. ``accepted`` is null unless ``result`` is 0."""
    return {
        "id": context.context_id,
        "abstract_syntax": context.abstract_syntax,
        "abstract_syntax_name": uid_name(context.abstract_syntax) or None,
        "transfer_syntaxes": list(context.transfer_syntaxes),
        "transfer_syntax_names": [uid_name(uid) or None for uid in context.transfer_syntaxes],
        "result": context.result,
        "result_name": context_result_name(context.result),
        "accepted": context.accepted or None,
        "accepted_name": uid_name(context.accepted) or None,
    }
