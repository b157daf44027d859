"""The requestor's side in one call each."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dcmnet_cli.api.answers import Answer
from dcmnet_cli.core import uids
from dcmnet_cli.core.quantities import plural
from dcmnet_cli.errors import DcmnetError, Incomplete, InputError
from dcmnet_cli.ops.connect import open_association, require_context
from dcmnet_cli.ops.echo import echo as ask
from dcmnet_cli.ops.results import Report
from dcmnet_cli.ops.target import Target

if TYPE_CHECKING:
    from dcmnet_cli.ops.conversion.syntax_choice import Mode
    from dcmnet_cli.ops.retrieving.reconcile import Result
    from dcmnet_cli.ops.retrieving.retrieve import Wish
    from dcmnet_cli.ops.storing.transfer import Outcome

_SYNTAXES = (uids.EXPLICIT_VR_LITTLE_ENDIAN, uids.IMPLICIT_VR_LITTLE_ENDIAN)


def peer(name: str, *, calling: str = "", config: str | None = None) -> Target:
    """A peer as the command line takes it: ``AET@HOST:PORT``, ``HOST:PORT`` or a node of the configuration.

    ``calling`` is our own AE title; ``config`` a configuration file in place of the usual one. ``Target`` itself says
    all of it in fields, and looks at no configuration. Raises UsageError and ConfigurationError.
    """
    from dcmnet_cli.cli.config import load_configuration
    from dcmnet_cli.cli.options import AssociationOptions, TimeoutOptions
    from dcmnet_cli.cli.peer import only_peer
    from dcmnet_cli.cli.settings import resolve_settings
    from dcmnet_cli.cli.tls_options import TLSOptions

    configuration = load_configuration(config)
    named = only_peer([name], configuration)
    target = resolve_settings("", named, configuration, AssociationOptions(), TimeoutOptions(), TLSOptions())
    return target._replace(calling=calling) if calling else target


def echo(target: Target) -> Report:
    """C-ECHO: what was agreed, and how long each step took. Raises DcmnetError unless the peer answers with success."""
    report = Report("echo", target.facts)
    ask(target, report)
    return report


def store(
    target: Target,
    *paths: "str | os.PathLike[str]",
    jobs: int = 1,
    transcode: "Mode" = "lossless",
    check: bool = True,
) -> "list[Outcome]":
    """C-STORE of files, folders, DICOMDIRs, zip and tar archives: an outcome for every object in them.

    ``jobs`` associations at once; ``transcode`` is "never", "lossless" or "always", for what the peer does not take as
    it is. Raises InputError where there is no object at all. With ``check``, raises what all of them failed with, or
    Incomplete if the peer has some and not others; its ``done`` are the outcomes. Without, they say it alone.
    """
    from dcmnet_cli.ops.files.sources import find_sources
    from dcmnet_cli.ops.storing.plan import make_plan
    from dcmnet_cli.ops.storing.store import StoreOptions
    from dcmnet_cli.ops.storing.store import store as send

    plan = make_plan(find_sources(os.fspath(path) for path in paths))
    if not plan.files and not plan.unfit:
        why = "; ".join(f"{skipped.label}: {skipped.why}" for skipped in plan.skipped[:3])
        raise InputError("nothing to send: no DICOM object was found" + (f" ({why})" if why else ""))
    outcomes: list[Outcome] = []
    options = StoreOptions(jobs=jobs, transcode=transcode)
    result, error = send(target, plan, options, Report("store", target.facts), outcomes.append)
    if result.is_interrupted:
        raise KeyboardInterrupt
    if check and error is not None:
        raise error
    if check and not result.tally.is_complete:
        lacking = plural(result.tally.total - result.tally.good, "object")
        raise Incomplete(f"{target.facts.label} does not have {lacking} of {result.tally.total}", done=outcomes)
    return outcomes


def find(target: Target, *keys: str, model: str = "study", level: str = "", limit: int = 0) -> list[Answer]:
    """C-FIND: all answers, or the first ``limit``.

    ``keys`` are written as for ``-k``: ``PatientName=DOE*`` matches, ``StudyDate`` asks for an attribute; without any
    to ask for there is a useful selection. ``model`` is "study", "patient", "only" (patient/study only) or "worklist";
    ``level`` is found from the keys. Raises UsageError for keys that make no query, OperationFailed for a failure
    status, and InvalidIdentifier for an answer that cannot be read.
    """
    from dcmnet_cli.ops.querying.find import find as query_peer
    from dcmnet_cli.ops.querying.keys import build_query
    from dcmnet_cli.ops.querying.levels import MODELS

    query = build_query(model, keys, level=level, charset=target.charset or "")
    sop_class_uid, name, _ = MODELS[model]
    with open_association(target, [(sop_class_uid, _SYNTAXES)], Report("find", target.facts)) as association:
        context = association.negotiated.contexts[require_context(association, sop_class_uid, f"{name} queries")]
        return [Answer(match, target.charset or "") for match in query_peer(association, context, query, limit=limit)]


def get(
    target: Target,
    *keys: str,
    folder: "str | os.PathLike[str]",
    model: str = "study",
    level: str = "",
    check: bool = True,
) -> "Result":
    """C-GET into ``folder``, which has to exist, of what ``keys`` match (see ``find``).

    The result compares what the peer has with what arrived, by SOP Instance UID. With ``check``, raises what ended it
    before its time, or Incomplete unless everything is there; its ``done`` is the result.
    """
    from dcmnet_cli.ops.listening.storage import StoragePlan
    from dcmnet_cli.ops.retrieving.get import GetOptions
    from dcmnet_cli.ops.retrieving.get import get as retrieve

    options = GetOptions(StoragePlan(os.fspath(folder)))
    result, error = retrieve(target, _wish(target, keys, model, level), options, Report("get", target.facts))
    return _judged(target, result, error) if check else result


def move(
    target: Target,
    *keys: str,
    folder: "str | os.PathLike[str] | None" = None,
    port: int = 11112,
    destination: str = "",
    model: str = "study",
    level: str = "",
    check: bool = True,
) -> "Result":
    """C-MOVE of what ``keys`` match (see ``find``), to ``destination``, by default to our own AE title.

    With a ``folder``, which has to exist, a listener at ``port`` receives while it lasts; the peer has to know our
    title, host and port. Checked as ``get`` is; what goes to somebody else is judged by the peer's counts.
    """
    from dcmnet_cli.ops.listening.listen import ListenPlan
    from dcmnet_cli.ops.listening.storage import StoragePlan
    from dcmnet_cli.ops.retrieving.move import MoveOptions
    from dcmnet_cli.ops.retrieving.move import move as retrieve

    title, here = destination or target.calling, None
    if folder is not None:
        here = ListenPlan(port, title=title, tls=target.tls, grace=2.0, storage=StoragePlan(os.fspath(folder)))
    options = MoveOptions(title, here)
    result, error = retrieve(target, _wish(target, keys, model, level), options, Report("move", target.facts))
    return _judged(target, result, error) if check else result


def _wish(target: Target, keys: Sequence[str], model: str, level: str) -> "Wish":
    from dcmnet_cli.ops.querying.keys import build_query
    from dcmnet_cli.ops.retrieving.retrieve import Wish

    query = build_query(model, keys, level=level, charset=target.charset or "", verbatim=True)
    return Wish(model, query.level, query.elements)


def _judged(target: Target, result: "Result", error: DcmnetError | None) -> "Result":
    """The result, if it is one. Raises the error, or Incomplete."""
    if result.is_complete:
        return result
    if error is not None:
        raise error
    expected = "what was asked for" if result.expected is None else plural(len(result.expected), "instance")
    raise Incomplete(f"{result.good} of {expected} came from {target.facts.label}", done=result)
