"""``dcmnet listen``."""

import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Annotated

import typer

from dcmnet_cli.cli.archive_options import ArchiveOptions
from dcmnet_cli.cli.checks import check_port, check_seconds, check_title
from dcmnet_cli.cli.command import command
from dcmnet_cli.cli.config import Configuration, load_configuration
from dcmnet_cli.cli.exit import ExitCode
from dcmnet_cli.cli.habit_options import ListenerHabits
from dcmnet_cli.cli.listen_options import (
    AdmissionOptions,
    FaultOptions,
    HookOptions,
    NameFamily,
    StorageOptions,
)
from dcmnet_cli.cli.options import LocalOptions, OutputOptions, TimeoutOptions, value
from dcmnet_cli.cli.reporting import make_output
from dcmnet_cli.cli.settings import merge_timeouts, own_max_pdu, own_title
from dcmnet_cli.cli.tls_options import TLSAcceptorOptions
from dcmnet_cli.errors import UsageError
from dcmnet_cli.net.server import SERVER_TIMERS, ServerObserver
from dcmnet_cli.ops.listening.listen import Listener, ListenPlan
from dcmnet_cli.ops.listening.storage import StoragePlan
from dcmnet_cli.ops.results import ListenEvent
from dcmnet_cli.ops.target import Target
from dcmnet_cli.render.events import show_event
from dcmnet_cli.render.listen_summary import has_headline, show_listen_summary
from dcmnet_cli.render.output import Output

LISTEN = "Listen"
ACCESS = "Who may"
EXAMPLES = (
    ("dcmnet listen 11112", "answer C-ECHO on port 11112, on every interface"),
    ("dcmnet listen 11112 -od inbox", "store what comes, bit by bit as it came"),
    (
        "dcmnet listen 11112 -od inbox --name '{PatientID}/{StudyDate}/{SOPInstanceUID}.dcm' --on-study ./route.py",
        "sort, and run a program for each study",
    ),
    (
        "dcmnet listen 11112 -aet PACS --archive pacs --node WS1@10.0.0.7:104",
        "an archive: store, find, get, and move to WS1 and the nodes of the configuration",
    ),
    ("dcmnet listen 11112 --worklist today.csv", "a modality worklist from a table"),
    ("dcmnet listen 0 --bind 127.0.0.1 --json --count 1", "in CI: a free port, told in the first line"),
    ("dcmnet listen 11112 --called PACS --calling CT1 --calling CT2", "reject all other AE titles"),
    ("dcmnet listen 2762 +tls key.pem cert.pem +cf ca.pem", "with TLS and client certificates"),
)

_SWITCH_INTERVAL = 0.0001
"""Seconds a thread may compute while others wait; Python's default is 5 ms. The index of an archive computes while
associations have an answer to give: storing with it costs some 5 % less so."""


@command(examples=EXAMPLES)
def listen(
    port: Annotated[str | None, typer.Argument(metavar="PORT", help="the port, 0 for any free one")] = None,
    *,
    port_option: Annotated[str | None, value("--port", metavar="PORT", panel=LISTEN, text="the same as PORT")] = None,
    bind: Annotated[
        str | None, value("--bind", metavar="ADDRESS", panel=LISTEN, text="listen on this address only; default all")
    ] = None,
    count: Annotated[
        int, value("--count", metavar="N", panel=LISTEN, text="stop after N associations; default never")
    ] = 0,
    grace: Annotated[
        float,
        value("--grace", metavar="SECONDS", panel=LISTEN, text="time for open associations at the end; default 10"),
    ] = 10.0,
    idle_exit: Annotated[
        float,
        value("--idle-exit", metavar="SECONDS", panel=LISTEN, text="stop after so long without any association"),
    ] = 0.0,
    max_associations: Annotated[
        int,
        value("--max-associations", metavar="N", panel=LISTEN, text="at once, more are rejected for now; default 256"),
    ] = 256,
    idle_timeout: Annotated[
        float,
        value("--idle-timeout", metavar="SECONDS", panel=LISTEN, text="abort associations idle so long; default 600"),
    ] = 600.0,
    called: Annotated[
        list[str] | None,
        value("--called", metavar="AE", panel=ACCESS, text="accept this called title only; repeatable"),
    ] = None,
    calling: Annotated[
        list[str] | None,
        value("--calling", metavar="AE", panel=ACCESS, text="accept this calling title only; repeatable"),
    ] = None,
    storage: StorageOptions,
    names: NameFamily,
    archive: ArchiveOptions,
    hooks: HookOptions,
    admission: AdmissionOptions,
    faults: FaultOptions,
    habits: ListenerHabits,
    output: OutputOptions,
    local: LocalOptions,
    timeouts: TimeoutOptions,
    tls: TLSAcceptorOptions,
) -> None:
    """Answer C-ECHO until stopped (Ctrl-C), with -od receive objects, with --archive be an archive of them."""
    shown = make_output(output)
    local.check()
    habits.check(storage, names, called or ())
    configuration = load_configuration(local.config)
    own = _own_terms(local, timeouts, configuration)
    storage = storage.within(archive.archive)
    plan = ListenPlan(
        port=_port(port, port_option),
        host=bind,
        family=own.family,
        title=own.calling,
        called=tuple(check_title("--called", title) for title in called or ()),
        calling=tuple(check_title("--calling", title) for title in calling or ()),
        max_pdu=own.max_pdu,
        networks=admission.networks(),
        max_associations=_at_least("--max-associations", max_associations, 1),
        stop_after=_at_least("--count", count, 0),
        grace=check_seconds("--grace", grace, zero_is_no_limit=True),
        timers=SERVER_TIMERS._replace(
            acse=own.timeouts.acse,
            dimse=own.timeouts.dimse,
            release=own.timeouts.release,
            idle=check_seconds("--idle-timeout", idle_timeout),
        ),
        write_timeout=own.timeouts.write,
        tls=tls.settings(),
        idle_exit=check_seconds("--idle-exit", idle_exit, zero_is_no_limit=True),
        storage=storage_plan(storage, names, hooks, shown) if storage.stores else None,
        archive=archive.plan(own, configuration, tells_objects=tells_objects(shown)),
        identity=admission.check(shown.say),
        faults=faults.faults(shown.say),
    )
    raise typer.Exit(run(plan, shown))


def _own_terms(local: LocalOptions, timeouts: TimeoutOptions, configuration: Configuration) -> Target:
    """Our side of associations, of those that an archive requests, too: a target without an address."""
    return Target(
        "",
        0,
        calling=own_title("listen", local.aetitle, configuration),
        family=local.family,
        max_pdu=own_max_pdu("listen", local.max_pdu, configuration),
        timeouts=merge_timeouts(configuration.defaults("listen").timeouts, timeouts.given()),
    )


def storage_plan(storage: StorageOptions, names: NameFamily, hooks: HookOptions, output: Output) -> StoragePlan:
    """What is stored and how. Raises UsageError."""
    return storage.plan(names)._replace(
        hooks=hooks.commands(),
        hook_limits=hooks.limits(),
        tells_objects=tells_objects(output),
    )


def tells_objects(output: Output) -> bool:
    """Whether the log has a line for every object, with its path."""
    return output.json or output.verbosity > 0


def run(plan: ListenPlan, output: Output) -> int:
    """Listen until a signal, the count or idleness ends it. 1 when associations were cut off, objects could not be
    stored or made durable, or hooks failed."""
    raise_file_limit()
    sys.setswitchinterval(_SWITCH_INTERVAL)

    def emit(event: ListenEvent) -> None:
        is_told_below = event.event == "stopped" and has_headline(output)
        if not is_told_below and (event.event != "closed" or output.json or output.verbosity):
            show_event(event, output)

    listener = _make_listener(plan, emit, output)

    def stop(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)  # a second one ends the program at once
        if number == signal.SIGINT and has_headline(output):
            output.out.write("\n")  # below the terminal's ^C
        listener.stop()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    summary = listener.run()
    is_clean = not (summary.cut_off or summary.refused or summary.not_durable or summary.hooks_failed)
    exit_code = ExitCode.DONE if is_clean else ExitCode.PARTLY_DONE
    show_listen_summary(summary.describe(), exit_code, output)
    return exit_code


def _make_listener(plan: ListenPlan, emit: Callable[[ListenEvent], None], output: Output) -> Listener:
    """The listener, once the index of its archive is what it has to be: that may take a while."""
    observers = _traffic_observers(output)
    if plan.archive is None:
        return Listener(plan, emit, observers)
    from dcmnet_cli.render.indexing import Indexing

    with Indexing(output) as indexing:
        return Listener(plan._replace(archive=plan.archive._replace(on_progress=indexing.read)), emit, observers)


def _traffic_observers(output: Output) -> Sequence[ServerObserver]:
    """What ``-d`` shows of every association; ``-v`` is a line an object here."""
    if output.verbosity < 2:
        return ()
    from dcmnet_cli.cli.server_tracing import ServerTracer

    return (ServerTracer(output),)


def raise_file_limit() -> None:
    """Allow as many open files as the system lets us: every association needs one or two."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _port(word: str | None, option: str | None) -> int:
    if word is not None and option is not None:
        raise UsageError("the port was given twice: as PORT and as --port")
    text = word if word is not None else option
    if text is None:
        raise UsageError("PORT is missing; 0 picks a free one")
    return 0 if text == "0" else check_port("PORT", text)


def _at_least(name: str, number: int, least: int) -> int:
    if number < least:
        raise UsageError(f"{name}: {number} is too few; give {least} or more")
    return number
