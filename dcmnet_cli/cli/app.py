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
from dcmnet_cli.cli.exit import ExitCode, exit_code_of
from dcmnet_cli.errors import DcmnetError, UsageError

# Errors of standard output itself: a full disk behind a redirection, a terminal that went away.
_CANNOT_PRINT = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG)


class Root(Group):
    """``dcmnet`` itself."""

    subcommands: ClassVar[Mapping[str, Entry]] = {
        "echo": Entry("dcmnet_cli.cli.echo", "ask a peer whether it answers, and say why when it does not"),
        "listen": Entry("dcmnet_cli.cli.listen", "receive what peers send: echo and storage"),
        "explain": Entry("dcmnet_cli.cli.explain", "say what a status, a reject reason or a UID means"),
    }
    known_elsewhere: ClassVar[Mapping[str, str]] = {
        "echoscu": "echo",
        "storescu": "store",
        "dcmsend": "store",
        "findscu": "find",
        "movescu": "move",
        "getscu": "get",
        "storescp": "listen",
        "dcmrecv": "listen",
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
    return _guard(name, words, lambda: _invoke(shell, words))


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
        code = work()
        if sys.stdout is not None:
            sys.stdout.flush()  # here, where a failure can still change the exit status
        return code
    except DcmnetError as error:
        return _tell_failure(name, words, error)
    except (KeyboardInterrupt, typer.Abort):
        _complain(f"{name}: interrupted")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        _drop_stdout()
        return ExitCode.CANNOT_WRITE
    except OSError as error:
        if error.errno not in _CANNOT_PRINT:
            return _tell_bug(name, words, error)
        _drop_stdout()
        _complain(f"{name}: cannot write: {error.strerror}")
        return ExitCode.CANNOT_WRITE
    except Exception as error:
        return _tell_bug(name, words, error)


def _tell_failure(name: str, words: Sequence[str], error: DcmnetError) -> int:
    """One line and the hints, for what a command did not show itself: nearly always usage or configuration."""
    code = exit_code_of(error)
    if code is ExitCode.INTERNAL_ERROR:
        return _tell_bug(name, words, error)
    _complain(f"{name}: {error.message}", *(f"  {hint}" for hint in error.hints))
    return code


def _tell_bug(name: str, words: Sequence[str], error: Exception) -> int:
    if "-d" in words or "--debug" in words:
        import traceback

        _complain(*"".join(traceback.format_exception(error)).splitlines())
    _complain(
        f"{name}: internal error: {type(error).__name__}: {error}",
        "  this is a bug in dcmnet; the same command with -d shows where it happened",
    )
    return ExitCode.INTERNAL_ERROR


def _complain(*lines: str) -> None:
    """Lines to standard error, with everything that could steer a terminal made visible."""
    from dcmnet_cli.core.text import printable

    try:
        for line in lines:
            print(printable(line), file=sys.stderr)
    except OSError:
        pass  # standard error is gone as well; the exit status still tells


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
            typer.Option("--version", help="print the version", callback=show_version, is_eager=True, metavar=""),
        ] = False,
    ) -> None:
        """DICOM networking at the command line, with a reason for every failure."""
        if ctx.invoked_subcommand is None:
            _show_start(root)

    return built


def _show_start(root: type[Group]) -> None:
    print(f"dcmnet {__version__}: DICOM networking at the command line\n")
    for name, entry in root.subcommands.items():
        print(f"  dcmnet {name:<9}{entry.summary}")
    print("\nStart with:  dcmnet echo HOST PORT\nOptions:     dcmnet COMMAND --help")


app = build()
