"""``dcmnet echo``."""

from typing import Annotated

from dcmnet_cli.cli.checks import check_seconds
from dcmnet_cli.cli.command import command
from dcmnet_cli.cli.config import load_configuration
from dcmnet_cli.cli.options import (
    AssociationOptions,
    IdentityOptions,
    JUnitOptions,
    OutputOptions,
    TimeoutOptions,
    flag,
    value,
)
from dcmnet_cli.cli.peer import PeerWords, only_peer
from dcmnet_cli.cli.reporting import attempt, conclude, fail, make_output, traffic_observers
from dcmnet_cli.cli.settings import resolve_settings
from dcmnet_cli.cli.tls_options import TLSCheckOptions, TLSOptions
from dcmnet_cli.cli.values import parse_duration
from dcmnet_cli.core.text import quoted
from dcmnet_cli.errors import DcmnetError, UsageError
from dcmnet_cli.ops.echo import EchoPlan, Wanted, wait_for
from dcmnet_cli.ops.echo import echo as ask
from dcmnet_cli.ops.results import Report, RoundTrips
from dcmnet_cli.ops.target import Target
from dcmnet_cli.render.output import Output
from dcmnet_cli.render.statistics import round_trips_json, show_round_trips

ECHO = "Echo"
EXAMPLES = (
    ("dcmnet echo pacs.example.org 104", "does it answer?"),
    ("dcmnet echo -aet CT1 -aec PACS pacs.example.org 104", "with both AE titles, as in DCMTK"),
    ("dcmnet echo PACS@pacs.example.org:104 -v", "the peer in one word; show what was negotiated"),
    ("dcmnet echo archive --repeat 100", "round trip times of a node of the configuration"),
    ("dcmnet echo archive --accepts CTImageStorage=JPEG2000Lossless", "does it take CT images in JPEG 2000?"),
    ("dcmnet echo localhost:4242 --wait 60s --json", "in CI: wait until the server is up"),
)


@command(examples=EXAMPLES)
def echo(
    peer: PeerWords = None,
    *,
    repeat: Annotated[
        int, value("--repeat", metavar="N", panel=ECHO, text="ask N times on one association, show the times")
    ] = 1,
    wait: Annotated[
        str | None, value("--wait", metavar="TIME", panel=ECHO, text="retry until it answers, at most TIME: 60s, 2m")
    ] = None,
    abort: Annotated[bool, flag("--abort", panel=ECHO, text="end with an A-ABORT instead of a release")] = False,
    propose_pc: Annotated[
        int, value("-ppc", "--propose-pc", metavar="N", panel=ECHO, text="propose N presentation contexts, 1 to 128")
    ] = 1,
    propose_ts: Annotated[
        int, value("-pts", "--propose-ts", metavar="N", panel=ECHO, text="propose N transfer syntaxes in each")
    ] = 1,
    accepts: Annotated[
        list[str] | None,
        value("--accepts", metavar="CLASS[=SYNTAX]", panel=ECHO, text="exit 7 unless it takes that; repeatable"),
    ] = None,
    output: OutputOptions,
    junit: JUnitOptions,
    association: AssociationOptions,
    timeouts: TimeoutOptions,
    identity: IdentityOptions,
    tls: TLSOptions,
    check: TLSCheckOptions,
) -> None:
    """Ask a peer whether it answers (C-ECHO), and say why when it does not."""
    if check != TLSCheckOptions():
        check_files(check, tls, make_output(output))
        return
    shown = make_output(output, junit.file("echo"))
    plan = _plan(propose_pc, propose_ts, repeat, abort, tuple(map(_wanted, accepts or ())))
    patience = None if wait is None else check_seconds("--wait", parse_duration("--wait", wait))
    configuration = load_configuration(association.local.config)
    target = resolve_settings(
        "echo", only_peer(peer, configuration), configuration, association, timeouts, tls, identity
    )
    run(target, plan, patience, shown)


def check_files(check: TLSCheckOptions, tls: TLSOptions, output: Output) -> None:
    """``+vc`` and ``+rc``: look at certificate files, connect to nobody."""
    from dcmnet_cli.net.tls_settings import TLSSettings
    from dcmnet_cli.ops.certificate_check import check_certificate, check_self_signed

    if check.verify_cert is not None:
        output.result(check_certificate(check.verify_cert, tls.common.over(TLSSettings())))
    if check.is_root_cert is not None:
        output.result(check_self_signed(check.is_root_cert))


def _wanted(word: str) -> Wanted:
    """``CTImageStorage``, ``CTImageStorage=JPEG2000Lossless``: what has to be accepted. Raises UsageError."""
    from dcmnet_cli.core import uids

    name, equals, syntax = word.partition("=")
    if not equals:
        return Wanted(_uid(name, "SOP Class"), (uids.EXPLICIT_VR_LITTLE_ENDIAN, uids.IMPLICIT_VR_LITTLE_ENDIAN))
    return Wanted(_uid(name, "SOP Class"), (_uid(syntax, "Transfer Syntax"),))


def _uid(word: str, kind: str) -> str:
    """The UID that a word stands for. One that PS3.6 does not know may be anything."""
    from dcmnet_cli.core.uids import by_keyword, is_valid_uid, lookup

    uid = word if is_valid_uid(word) else by_keyword(word)
    if uid is None:
        raise UsageError(f"--accepts: {quoted(word)} is neither a UID nor a keyword of PS3.6")
    entry = lookup(uid)
    if entry is not None and kind not in entry.kind:  # a Meta SOP Class is one, too
        raise UsageError(f"--accepts: {quoted(word)} is no {kind}, but a {entry.kind}; write CLASS=SYNTAX")
    return uid


def _plan(contexts: int, syntaxes: int, repeat: int, abort: bool, accepts: tuple[Wanted, ...]) -> EchoPlan:
    from dcmnet_cli.core.uids import transfer_syntaxes

    if not 1 <= contexts <= 128 - len(accepts):
        raise UsageError(f"-ppc: {contexts} presentation contexts; an association carries 1 to 128, --accepts included")
    if syntaxes != 1 and not 1 <= syntaxes <= len(transfer_syntaxes()):
        raise UsageError(f"-pts: {syntaxes} transfer syntaxes; there are 1 to {len(transfer_syntaxes())}")
    if repeat < 1:
        raise UsageError(f"--repeat: {repeat} is no number of times; give 1 or more")
    return EchoPlan(contexts, syntaxes, repeat, abort, accepts)


def run(target: Target, plan: EchoPlan, patience: float | None, output: Output) -> None:
    """Echo and show the outcome. Leaves with the exit status."""
    report = Report("echo", target.facts)
    trips: list[RoundTrips] = []
    observers = traffic_observers(output)

    def once(into: Report) -> RoundTrips:
        return ask(target, into, plan, observers)

    def work() -> None:
        nonlocal report
        if patience is None:
            trips.append(once(report))
            return

        def tell(error: DcmnetError) -> None:
            output.verbose(f"not yet: {error.message}")

        report, result = wait_for(once, lambda: Report("echo", target.facts), patience, tell)
        if result is not None:
            trips.append(result)
        elif report.error is not None:
            fail(report, report.error, target)

    attempt(report, target, work)
    if plan.repeat > 1 and trips:
        report.extra["round_trips"] = round_trips_json(trips[0])
    conclude(report, output, lambda: show_round_trips(trips[0], output) if plan.repeat > 1 and trips else None)
