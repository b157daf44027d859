"""Commands that exist for the tests only: they show what reached them instead of working."""

import os
import sys
from typing import Annotated

import typer

from dcmnet_cli import errors
from dcmnet_cli.cli.app import Root, build
from dcmnet_cli.cli.command import Entry, command
from dcmnet_cli.cli.config import load_configuration
from dcmnet_cli.cli.options import (
    AssociationOptions,
    IdentityOptions,
    LocalOptions,
    OutputOptions,
    TimeoutOptions,
    WaitOptions,
    flag,
    value,
)
from dcmnet_cli.cli.peer import PeerWords, only_peer, take_peer
from dcmnet_cli.cli.settings import resolve_settings
from dcmnet_cli.cli.tls_options import TLSAcceptorOptions, TLSCheckOptions, TLSOptions

REQUEST = "Request"


@command(
    examples=[
        ("dcmnet echo -aec ARCHIVE1 pacs.example.org 104", "ask with DCMTK's words"),
        ("dcmnet echo ARCHIVE1@[2001:db8::7]:104", "the same in one word"),
    ]
)
def echo(
    peer: PeerWords = None,
    *,
    repeat: Annotated[int, value("--repeat", metavar="N", panel=REQUEST, text="how often")] = 1,
    abort: Annotated[bool, flag("--abort", panel=REQUEST, text="end with an abort")] = False,
    syntaxes: Annotated[int | None, value("-pts", "--propose-ts", metavar="N", panel=REQUEST)] = None,
    contexts: Annotated[int | None, value("-ppc", "--propose-pc", metavar="N", panel=REQUEST)] = None,
    output: OutputOptions,
    association: AssociationOptions,
    timeouts: TimeoutOptions,
    identity: IdentityOptions,
    tls: TLSOptions,
    check: TLSCheckOptions,
) -> None:
    """Ask a peer whether it answers."""
    if check != TLSCheckOptions():
        print(check)
        return
    configuration = load_configuration(association.local.config)
    settings = resolve_settings(
        "echo", only_peer(peer, configuration), configuration, association, timeouts, tls, identity
    )
    print(f"repeat={repeat} abort={abort} -pts={syntaxes} -ppc={contexts} verbosity={output.verbosity}")
    for name, field in settings._asdict().items():
        print(f"{name}={field!r}")
    if os.environ.get("SHOW_MODULES"):
        print("modules", *sorted(name for name in sys.modules if "." not in name), file=sys.stderr)


@command()
def store(
    words: PeerWords = None,
    *,
    keys: Annotated[list[str] | None, value("-k", "--key", metavar="KEY", panel=REQUEST)] = None,
    uncompressed: Annotated[bool, flag("-x=", "--propose-uncompr", panel=REQUEST)] = False,
    scan: Annotated[bool, flag("+sd", "--scan-directories", panel=REQUEST)] = False,
    recurse: Annotated[bool, flag("--recurse/--no-recurse", "+r/-r", panel=REQUEST)] = False,
    output: OutputOptions,
) -> None:
    """Send files."""
    peer, files = take_peer(words, load_configuration())
    print(peer.host, peer.port, files, keys, uncompressed, scan, recurse, output.verbosity)


@command()
def listen(
    port: Annotated[int, typer.Argument(metavar="PORT", help="the port to listen on")],
    *,
    association: LocalOptions,
    waits: WaitOptions,
    tls: TLSAcceptorOptions,
    normal: Annotated[bool, flag("-p", "--padding-off", panel=REQUEST)] = False,
    keep: Annotated[bool, flag("-u", "--disable-new-vr", panel=REQUEST)] = False,
) -> None:
    """Receive files."""
    association.check()
    print(port, association.aetitle, association.family, waits.given(), tls.settings(), normal, keep)


@command()
def fail(how: Annotated[str, typer.Argument(metavar="HOW", help="the failure")], debug: OutputOptions) -> None:
    """End in a failure."""
    outcomes = {
        "rejected": errors.AssociationRejected("PACS@host:104 rejected the association", 1, 1, 7),
        "hints": errors.ConnectError("no connection to host:104", hints=("is it running?", "is it \x1b[31mred?")),
        "bug": ZeroDivisionError("division by zero"),
        "unlisted": errors.DcmnetError("nobody knows what this means"),
        "interrupt": KeyboardInterrupt(),
        "pipe": BrokenPipeError(32, "Broken pipe"),
        "disk": OSError(28, "No space left on device"),
        "oserror": OSError(13, "Permission denied"),
        "exit": typer.Exit(5),
    }
    raise outcomes[how]


@command()
def spill(lines: Annotated[int, typer.Argument(metavar="LINES", help="how many")] = 1) -> None:
    """Print many lines."""
    for number in range(lines):
        print(number)


class FakeRoot(Root):
    subcommands = {  # noqa: RUF012
        name: Entry("tests.cli.fake_commands", f"the {name} of the tests")
        for name in ("echo", "store", "listen", "fail", "spill")
    }


app = build(FakeRoot)

if __name__ == "__main__":
    app()
