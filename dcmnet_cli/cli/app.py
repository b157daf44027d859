"""The root command: the table of subcommands, and the one place where an error becomes an exit status."""

import errno
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, NoReturn

import typer
from typer.main import get_command

from dcmnet_cli import __version__
from dcmnet_cli.cli.command import HELP_NAMES, Entry, Group, show_version
from dcmnet_cli.cli.dcmtk_tools import COMMANDS
from dcmnet_cli.cli.exit import ExitCode, exit_code_of
from dcmnet_cli.errors import DcmnetError, OutputError, UsageError

# Errors of standard output itself: a reader that left, a full disk behind a redirection, a terminal that went away.
_CANNOT_PRINT = (errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG)


class Root(Group):
    """``dcmnet`` itself."""

    subcommands: ClassVar[Mapping[str, Entry]] = {
        "demo": Entry("dcmnet_cli.cli.demo", "show all of it at work, on this computer alone"),
        "echo": Entry("dcmnet_cli.cli.echo", "ask a peer whether it answers, and say why when it does not"),
        "store": Entry("dcmnet_cli.cli.store", "send objects, and account for each of them"),
        "find": Entry("dcmnet_cli.cli.find", "ask what a peer has: studies, series, a worklist"),
        "move": Entry("dcmnet_cli.cli.move", "have objects sent, here or elsewhere, and prove that all came"),
        "get": Entry("dcmnet_cli.cli.get", "fetch objects over the same connection, and prove that all came"),
        "listen": Entry("dcmnet_cli.cli.listen", "receive what peers send, be an archive or a worklist"),
        "hash-password": Entry("dcmnet_cli.cli.hash_password", "make a line for the users file of listen"),
        "compat": Entry("dcmnet_cli.cli.compat", "say a command line of DCMTK in our words, or run it"),
        "explain": Entry("dcmnet_cli.cli.explain", "say what a status, a reject reason or a UID means"),
    }
    known_elsewhere: ClassVar[Mapping[str, str]] = COMMANDS
    everyday: ClassVar[Mapping[str, str]] = {
        "ping": "echo",
        "verify": "echo",
        "send": "store",
        "query": "find",
        "retrieve": "get",
        "receive": "listen",
        "serve": "listen",
        "wlmscpfs": "listen",
    }

    def main(self, args: Sequence[str] | None = None, *_: Any, **__: Any) -> NoReturn:
        """Run and leave the process. Takes Typer's other arguments, and needs none of them."""
        sys.exit(run(sys.argv[1:] if args is None else args, self))


def run(words: Sequence[str], root: Group | None = None) -> int:
    """Run one command line and return its exit status. Nothing but SystemExit is raised, whatever happens."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a name that the terminal's encoding lacks must not end the program
            stream.reconfigure(errors="backslashreplace")
    shell = root if root is not None else get_command(app)
    assert isinstance(shell, Group)
    name = next((f"dcmnet {word}" for word in words[:1] if word in shell.subcommands), "dcmnet")
    return _flush(name, _guard(name, words, lambda: _invoke(shell, words)))


def _invoke(shell: Group, words: Sequence[str]) -> int:
    try:
        with shell.make_context("dcmnet", list(words)) as ctx:
            shell.invoke(ctx)
        return ExitCode.DONE
    except typer.Exit as leave:
        return leave.exit_code
    except typer.TyperException as error:  # what our own reading of the words did not catch, in Typer's words
        message = error.format_message().strip().rstrip(".")
        raise UsageError(message[:1].lower() + message[1:]) from error


def _guard(name: str, words: Sequence[str], work: Callable[[], int]) -> int:
    try:
        return work()
    except DcmnetError as error:
        if (code := exit_code_of(error)) is ExitCode.INTERNAL_ERROR:
            return _tell_bug(name, words, error)
        return _tell(name, words, error, code)
    except (KeyboardInterrupt, typer.Abort):
        _complain(f"{name}: interrupted")
        return ExitCode.INTERRUPTED
    except OSError as error:
        if error.errno not in _CANNOT_PRINT:
            return _tell_bug(name, words, error)
        return _lose_stdout(name, error)
    except Exception as error:  # the outermost frame: whatever is left is a bug of ours, and told as one
        return _tell_bug(name, words, error)


def _flush(name: str, code: int) -> int:
    """Write out what is buffered, while a failure can still change the exit status."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        if code == ExitCode.CANNOT_WRITE:  # told already
            _drop_stdout()
            return code
        return _lose_stdout(name, error)
    return code


def _tell(name: str, words: Sequence[str], error: DcmnetError, code: ExitCode) -> int:
    """One line and the hints, for what a command did not show itself: nearly always usage or configuration."""
    _complain(f"{name}: {error.message}", *(f"  {hint}" for hint in error.hints))
    if "--json" in words:
        _print_json(name, error, code)
    return code


def _print_json(name: str, error: DcmnetError, code: ExitCode) -> None:
    """The same as the object on stdout that ``--json`` promises whatever happens."""
    from dcmnet_cli.ops.results import Report
    from dcmnet_cli.render.json import dump
    from dcmnet_cli.render.output import Output

    report = Report(name.removeprefix("dcmnet").strip())
    report.error, report.exit_code = error, code
    try:
        dump(report, Output(json=True))
    except (OSError, OutputError):
        _drop_stdout()  # the exit status still tells


def _tell_bug(name: str, words: Sequence[str], error: Exception) -> int:
    if "-d" in words or "--debug" in words:
        import traceback

        _complain(*"".join(traceback.format_exception(error)).splitlines())
    hint = "this is a bug in dcmnet; the same command with -d shows where it happened"
    told = DcmnetError(f"internal error: {type(error).__name__}: {error}", hints=(hint,))
    return _tell(name, words, told, ExitCode.INTERNAL_ERROR)


def _complain(*lines: str) -> None:
    """Lines to standard error, with everything that could steer a terminal made visible."""
    from dcmnet_cli.core.text import printable

    try:
        for line in lines:
            print(printable(line), file=sys.stderr)
    except OSError:
        pass  # standard error is gone as well; the exit status still tells


def _lose_stdout(name: str, error: OSError) -> int:
    """Standard output failed. A reader that has seen enough is left in peace, everything else is told."""
    _drop_stdout()
    if not isinstance(error, BrokenPipeError):
        _complain(f"{name}: cannot write: {error.strerror}")
    return ExitCode.CANNOT_WRITE


def _drop_stdout() -> None:
    """Point standard output at nothing, so that the interpreter's last flush does not complain about it again."""
    try:
        descriptor = sys.stdout.fileno()
    except (OSError, AttributeError):
        return  # no descriptor behind it, so nothing is flushed into the broken one
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, descriptor)
    os.close(nothing)


def build(root: type[Group] = Root) -> typer.Typer:
    """The Typer app around a root group."""
    built = typer.Typer(
        cls=root,
        add_completion=False,
        context_settings={"help_option_names": list(HELP_NAMES)},
        subcommand_metavar="COMMAND ...",
        options_metavar="",
    )

    @built.callback(invoke_without_command=True)
    def start(
        ctx: typer.Context,
        version: Annotated[
            bool,
            typer.Option(
                "--version", help="print the version and exit", callback=show_version, is_eager=True, metavar=""
            ),
        ] = False,
    ) -> None:
        """DICOM networking at the command line, with a reason for every failure."""
        if ctx.invoked_subcommand is None:
            _show_start(root)

    return built


def _show_start(root: type[Group]) -> None:
    from dcmnet_cli.cli.help_screen import command_lines
    from dcmnet_cli.render.output import Channel

    channel = Channel(sys.stdout, os.environ)
    lines = [
        f"dcmnet {__version__}: DICOM networking at the command line",
        "",
        *command_lines(root.subcommands, channel),
        "",
        "Start with:  dcmnet demo              all of it at work, on this computer",
        "Then:        dcmnet echo HOST PORT    does it answer, and if not, why?",
        "Options:     dcmnet COMMAND --help    and examples; more in man dcmnet",
    ]
    channel.write("".join(f"{line}\n" for line in lines))


app = build()
