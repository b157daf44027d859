"""Option families: each option declared once, with DCMTK's spelling where DCMTK has it.

A command takes a family as a parameter (``association: AssociationOptions``) and gets it back filled. Fields hold
what was typed and None where nothing was; ``settings`` merges them with environment and configuration.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from dcmnet_cli.cli.checks import check_choice, check_max_pdu, check_seconds, check_title, exclude
from dcmnet_cli.cli.command import show_version
from dcmnet_cli.errors import UsageError

if TYPE_CHECKING:
    from dcmnet_cli.core.pdu import UserIdentity
    from dcmnet_cli.render.junit import JUnitFile

OUTPUT = "Output"
ASSOCIATION = "Association"
TIMEOUTS = "Timeouts"
IDENTITY = "User identity"

QUIET, NORMAL, VERBOSE, DEBUG, TRACE = -1, 0, 1, 2, 3
_LOG_LEVELS = {"fatal": QUIET, "error": QUIET, "warn": NORMAL, "info": VERBOSE, "debug": DEBUG, "trace": TRACE}


def flag(*names: str, panel: str, text: str = "", hidden: bool = False) -> Any:
    """An option without a value. ``hidden`` ones are read, but not listed: spelled-out defaults of DCMTK."""
    return typer.Option(
        *names, help=text, rich_help_panel=panel, hidden=hidden, metavar="", show_default=False, show_envvar=False
    )


def value(
    *names: str,
    metavar: str,
    panel: str,
    text: str = "",
    hidden: bool = False,
    choices: Callable[[], Iterable[str]] | None = None,
) -> Any:
    """An option with a value, or with as many as its tuple type says.

    ``text`` names the default where it is none that the parameter has. ``choices`` gives all values there are, for
    completion; whoever reads the option refuses others.
    """
    return typer.Option(
        *names,
        help=text,
        rich_help_panel=panel,
        hidden=hidden,
        metavar=metavar,
        autocompletion=choices,
        show_default=False,
        show_envvar=False,
    )


def first_given(family: Any) -> str:
    """The first spelling of the first option of a family that was given, "" where none was."""
    for name, annotation in type(family).__annotations__.items():
        given = getattr(family, name)
        if given == type(family)._field_defaults.get(name):
            continue
        if hasattr(given, "_fields"):
            return first_given(given)
        info = annotation.__metadata__[0]  # Typer has the first spelling in the place of a default
        return str((info.default, *info.param_decls)[0])
    return ""


def known_default(*names: str) -> Any:
    """A default of DCMTK's, spelled out: read, and not listed."""
    return flag(*names, panel="", hidden=True)


class OutputOptions(NamedTuple):
    """What is shown. ``verbosity`` is the one number the rest of the program needs."""

    quiet: Annotated[bool, flag("-q", "--quiet", panel=OUTPUT, text="print results only, no diagnosis")] = False
    verbose: Annotated[
        int,
        typer.Option(
            "-v",
            "--verbose",
            "+v",
            "--verbose-pc",
            count=True,
            metavar="",
            show_default=False,
            rich_help_panel=OUTPUT,
            help="show negotiation and statuses; -vv as -d, -vvv with bytes",
        ),
    ] = 0
    debug: Annotated[bool, flag("-d", "--debug", panel=OUTPUT, text="show every PDU decoded")] = False
    log_level: Annotated[
        str | None,
        value(
            "-ll",
            "--log-level",
            metavar="LEVEL",
            panel=OUTPUT,
            text="fatal, error, warn, info, debug or trace",
            choices=lambda: _LOG_LEVELS,
        ),
    ] = None
    json: Annotated[bool, flag("--json", panel=OUTPUT, text="one JSON object on stdout, on failure too")] = False
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=show_version,
            is_eager=True,
            metavar="",
            show_default=False,
            rich_help_panel=OUTPUT,
            help="print the version and exit",
        ),
    ] = False

    @property
    def verbosity(self) -> int:
        """-1 quiet, 0 normal, 1 verbose, 2 debug, 3 debug with bytes. Raises UsageError for contradictions."""
        if self.log_level is not None:
            if self.quiet or self.verbose or self.debug:
                raise UsageError("-ll contradicts -q, -v and -d: it sets the same thing")
            return _LOG_LEVELS[check_choice("-ll/--log-level", self.log_level, _LOG_LEVELS)]
        if self.quiet and (self.verbose or self.debug):
            raise UsageError("-q contradicts -v and -d")
        return QUIET if self.quiet else max(min(self.verbose, TRACE), DEBUG if self.debug else NORMAL)


class JUnitOptions(NamedTuple):
    """The outcome for a CI server."""

    junit: Annotated[
        str | None,
        value("--junit", metavar="FILE", panel=OUTPUT, text="the outcome as JUnit XML, too: steps, files, instances"),
    ] = None

    def file(self, command: str) -> "JUnitFile | None":
        """The file, opened. Raises OutputError, and UsageError for one that holds something else."""
        if self.junit is None:
            return None
        from dcmnet_cli.render.junit import JUnitFile

        return JUnitFile(self.junit, command)


class LocalOptions(NamedTuple):
    """What requestor and acceptor share: our own side of an association."""

    aetitle: Annotated[
        str | None, value("-aet", "--aetitle", metavar="AE", panel=ASSOCIATION, text="our own AE title; default DCMNET")
    ] = None
    max_pdu: Annotated[
        int | None,
        value(
            "-pdu",
            "--max-pdu",
            metavar="BYTES",
            panel=ASSOCIATION,
            text="longest PDU we take, 4096 or more; 0 for no limit; default 131072",
        ),
    ] = None
    ipv4: Annotated[bool, flag("-i4", "--ipv4", panel=ASSOCIATION, text="IPv4 only")] = False
    ipv6: Annotated[bool, flag("-i6", "--ipv6", panel=ASSOCIATION, text="IPv6 only")] = False
    ip_auto: Annotated[bool, flag("-i0", "--ip-auto", panel=ASSOCIATION, hidden=True)] = False
    config: Annotated[
        str | None, value("--config", metavar="FILE", panel=ASSOCIATION, text="read this configuration, no other")
    ] = None

    @property
    def family(self) -> str:
        """ "auto", "4" or "6", as ``net.transport.connect`` wants it."""
        exclude(("-i4", self.ipv4), ("-i6", self.ipv6), ("-i0", self.ip_auto))
        return "4" if self.ipv4 else "6" if self.ipv6 else "auto"

    def check(self) -> None:
        """Raises UsageError for a title or size that cannot be sent."""
        if self.aetitle is not None:
            check_title("-aet", self.aetitle)
        if self.max_pdu is not None:
            check_max_pdu("-pdu", self.max_pdu)


class AssociationOptions(NamedTuple):
    """The requestor's side: ``LocalOptions`` and the title to call."""

    call: Annotated[
        str | None,
        value("-aec", "--call", metavar="AE", panel=ASSOCIATION, text="the peer's AE title; default ANY-SCP"),
    ] = None
    local: LocalOptions = LocalOptions()

    def check(self) -> None:
        self.local.check()
        if self.call is not None:
            check_title("-aec", self.call)


class WaitOptions(NamedTuple):
    """How long to wait for a connected peer: for requestor and acceptor."""

    acse_timeout: Annotated[
        float | None,
        value(
            "-ta",
            "--acse-timeout",
            metavar="SECONDS",
            panel=TIMEOUTS,
            text="wait for the association to be answered; default 30",
        ),
    ] = None
    dimse_timeout: Annotated[
        float | None,
        value(
            "-td",
            "--dimse-timeout",
            metavar="SECONDS",
            panel=TIMEOUTS,
            text="wait for the next message, 0 for no limit; default 60",
        ),
    ] = None
    socket_timeout: Annotated[
        float | None,
        value(
            "-ts",
            "--socket-timeout",
            metavar="SECONDS",
            panel=TIMEOUTS,
            text="wait for the peer to take what we send, 0 for no limit; default 60",
        ),
    ] = None
    release_timeout: Annotated[
        float | None,
        value(
            "--release-timeout",
            metavar="SECONDS",
            panel=TIMEOUTS,
            text="wait for the release to be answered; default 10",
        ),
    ] = None

    def given(self) -> dict[str, float]:
        """The timers that were set, under their names in ``Timeouts``. Raises UsageError for what is no duration."""
        typed = {
            "acse": ("-ta", self.acse_timeout),
            "dimse": ("-td", self.dimse_timeout),
            "write": ("-ts", self.socket_timeout),
            "release": ("--release-timeout", self.release_timeout),
        }
        return {
            timer: check_seconds(name, seconds, zero_is_no_limit=timer in ("dimse", "write"))
            for timer, (name, seconds) in typed.items()
            if seconds is not None
        }


class TimeoutOptions(NamedTuple):
    """The requestor's: ``WaitOptions`` and the connection itself."""

    connect_timeout: Annotated[
        float | None,
        value("-to", "--timeout", metavar="SECONDS", panel=TIMEOUTS, text="wait for the TCP connection; default 10"),
    ] = None
    waits: WaitOptions = WaitOptions()

    def given(self) -> dict[str, float]:
        given = self.waits.given()
        if self.connect_timeout is not None:
            given["connect"] = check_seconds("-to", self.connect_timeout)
        return given


class IdentityOptions(NamedTuple):
    """Who we say we are in the association request (PS3.7 D.3.3.7)."""

    user: Annotated[
        str | None, value("-usr", "--user", metavar="NAME", panel=IDENTITY, text="user name, alone or with a password")
    ] = None
    password: Annotated[
        str | None,
        value(
            "-pwd",
            "--password",
            metavar="PASS",
            panel=IDENTITY,
            text="the password, for every user of this computer to see: better one of the next three",
        ),
    ] = None
    password_file: Annotated[
        str | None, value("--password-file", metavar="FILE", panel=IDENTITY, text="password from a file's first line")
    ] = None
    password_env: Annotated[
        str | None, value("--password-env", metavar="VAR", panel=IDENTITY, text="password from the environment")
    ] = None
    ask_password: Annotated[bool, flag("--ask-password", panel=IDENTITY, text="ask for the password")] = False
    empty_password: Annotated[bool, flag("-epw", "--empty-password", panel=IDENTITY, text="an empty password")] = False
    kerberos: Annotated[
        str | None, value("-kt", "--kerberos", metavar="FILE", panel=IDENTITY, text="Kerberos service ticket")
    ] = None
    saml: Annotated[str | None, value("--saml", metavar="FILE", panel=IDENTITY, text="SAML assertion")] = None
    jwt: Annotated[str | None, value("--jwt", metavar="FILE", panel=IDENTITY, text="JSON Web Token")] = None
    pos_response: Annotated[
        bool, flag("-rsp", "--pos-response", panel=IDENTITY, text="ask the peer to confirm the identity")
    ] = False

    def identity(self) -> "UserIdentity | None":
        """What to send, secrets read or asked for, or None. Raises UsageError and InputError."""
        from dcmnet_cli.cli.identity import resolve_identity

        return resolve_identity(self) if self != IdentityOptions() else None
