"""``dcmnet hash-password``."""

import sys
from typing import Annotated

import typer

from dcmnet_cli.cli.checks import exclude
from dcmnet_cli.cli.command import command
from dcmnet_cli.cli.identity import secret_from_environment, secret_from_file
from dcmnet_cli.cli.options import OutputOptions, value
from dcmnet_cli.cli.reporting import make_output
from dcmnet_cli.core.text import quoted
from dcmnet_cli.errors import UsageError

EXAMPLES = (
    ("dcmnet hash-password ct1 >> users.txt", "ask for a password, add a line for listen --users"),
    ("dcmnet hash-password ct1 --password-env CT1_PASSWORD", "without a terminal"),
)


@command(examples=EXAMPLES)
def hash_password(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="the user's name")] = None,
    *,
    password_file: Annotated[
        str | None, value("--password-file", metavar="FILE", panel="Password", text="take it from a file's first line")
    ] = None,
    password_env: Annotated[
        str | None, value("--password-env", metavar="VAR", panel="Password", text="take it from the environment")
    ] = None,
    output: OutputOptions,
) -> None:
    """Print a line for the file of listen --users: the name and a salted hash of a password."""
    from dcmnet_cli.ops.listening.identity import hash_password as hashed

    if not name or ":" in name or name != name.strip():
        raise UsageError(f"a user's name is not empty, without colon and outer blanks: {quoted(name or '')}")
    shown = make_output(output)
    shown.result(f"{name}:{hashed(_password(password_file, password_env))}")


def _password(file: str | None, variable: str | None) -> str:
    exclude(("--password-file", file), ("--password-env", variable))
    if file is not None:
        return secret_from_file("--password-file", file)
    if variable is not None:
        return secret_from_environment("--password-env", variable)
    if not sys.stdin.isatty():
        raise UsageError("no terminal to ask for the password on; use --password-file FILE or --password-env VAR")
    import getpass

    first = getpass.getpass("password: ")
    if first != getpass.getpass("once more: "):
        raise UsageError("the two passwords differ")
    return first
