"""From identity options to the bytes that go into an association request, and secrets from where they are kept."""

import os
import sys
from typing import TYPE_CHECKING

from dcmnet_cli.cli.checks import exclude
from dcmnet_cli.errors import InputError, UsageError

if TYPE_CHECKING:
    from dcmnet_cli.cli.options import IdentityOptions
    from dcmnet_cli.core.pdu import UserIdentity

_LONGEST = 0xFFFF  # the length fields of PS3.7 table D.3-14 have 16 bits


def resolve_identity(options: "IdentityOptions") -> "UserIdentity":
    """Raises UsageError for what does not fit together, InputError for a file that cannot be used."""
    from dcmnet_cli.core.pdu import UserIdentity

    files = {"-kt": (3, options.kerberos), "--saml": (4, options.saml), "--jwt": (5, options.jwt)}
    # A user name may be empty text, but it is then still a mistake worth a message.
    kind = exclude(("-usr", options.user is not None), *((name, path) for name, (_, path) in files.items()))
    if kind != "-usr":
        _refuse_password(options)
    if not kind:
        raise UsageError("-rsp asks for an answer to an identity; give one with -usr, -kt, --saml or --jwt")
    if kind == "-usr":
        secret = _secret(options)
        primary = _encode("-usr", options.user or "")
        secondary = _encode("password", secret) if secret else b""
        return UserIdentity(1 if secret is None else 2, primary, secondary, options.pos_response)
    number, path = files[kind]
    content = _read(kind, path or "")
    if kind == "--jwt":
        content = content.strip()  # the line break an editor adds is not part of a token
    return UserIdentity(number, _limited(kind, content), b"", options.pos_response)


def _refuse_password(options: "IdentityOptions") -> None:
    names = ("-pwd", "--password-file", "--password-env", "--ask-password", "-epw")
    values = (
        options.password is not None,
        options.password_file,
        options.password_env,
        options.ask_password,
        options.empty_password,
    )
    given = exclude(*zip(names, values, strict=True))
    if given:
        raise UsageError(f"{given} needs a user name: add -usr NAME")


def _secret(options: "IdentityOptions") -> str | None:
    return find_secret(
        ("-pwd", options.password),
        ("--password-file", options.password_file),
        ("--password-env", options.password_env),
        ("-epw", options.empty_password),
        ("--ask-password", options.ask_password),
        prompt=f"Password of {options.user}: ",
    )


def find_secret(
    literal: tuple[str, str | None],
    file: tuple[str, str | None],
    variable: tuple[str, str | None],
    empty: tuple[str, bool],
    asked: tuple[str, bool] = ("ask", False),
    *,
    prompt: str = "",
) -> str | None:
    """A secret from the one place that was named, or None. Arguments are (option name, value) pairs.

    Raises UsageError when two places are named, the variable is not set or nobody can be asked; InputError for a
    file that cannot be read.
    """
    given = exclude((literal[0], literal[1] is not None), file, variable, empty, asked)
    if given == file[0]:
        return secret_from_file(given, file[1] or "")
    if given == variable[0]:
        return secret_from_environment(given, variable[1] or "")
    if given == asked[0]:
        return ask(given, prompt)
    return "" if given == empty[0] else literal[1]


def secret_from_file(name: str, path: str) -> str:
    """The first line of a file, without its line break. ``name`` says who asks."""
    try:
        return _read(name, path).decode().splitlines()[0]
    except UnicodeDecodeError:
        raise InputError(f"{name}: {path} is not UTF-8 text") from None


def secret_from_environment(name: str, variable: str) -> str:
    """The value of a variable, which no program that we start gets to see. ``name`` says who asks."""
    from dcmnet_cli.ops.secret_variables import withhold

    withhold(variable)
    if variable not in os.environ:
        raise UsageError(f"{name}: the environment has no variable {variable}")
    return os.environ[variable]


def ask(name: str, prompt: str) -> str:
    """A secret typed at the terminal, unseen. Raises UsageError, beginning with ``name``, where there is none."""
    import getpass

    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError(f"{name}: standard input is no terminal to ask at; use a file or the environment")
    try:
        return getpass.getpass(prompt, sys.stderr)
    except EOFError:
        raise UsageError(f"{name}: no password was typed") from None


def _read(name: str, path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            content = file.read(1 << 20)
    except OSError as error:
        raise InputError(f"{name}: cannot read {path}: {error.strerror}") from error
    if not content.strip():
        raise InputError(f"{name}: {path} is empty")
    return content


def _encode(name: str, text: str) -> bytes:
    if not text:
        raise UsageError(f"{name}: empty")
    return _limited(name, text.encode("utf-8", "surrogateescape"))


def _limited(name: str, content: bytes) -> bytes:
    if len(content) > _LONGEST:
        raise UsageError(f"{name}: {len(content)} bytes; an identity has room for {_LONGEST}")
    return content
