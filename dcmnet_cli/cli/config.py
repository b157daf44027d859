"""The configuration: one TOML file with the nodes one talks to and defaults for the commands.

    [defaults]                  for every command; [defaults.echo] for one
    aet = "RESEARCH1"           our own AE title
    port = 11112                where move --here listens, as archives have it on file

    [nodes.archive1]
    host = "pacs.example.org"
    port = 11112
    aet = "ARCHIVE1"
    timeouts = { dimse = 300 }
    tls = { ca = "hospital-ca.pem" }

Paths are relative to the file. Every problem is a ConfigurationError that says where it is and what was expected.
"""

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from dcmnet_cli.cli.checks import check_max_pdu, check_seconds, check_title
from dcmnet_cli.errors import ConfigurationError, DcmnetError
from dcmnet_cli.net.tls_settings import TLSSettings, find_profile


class Defaults(NamedTuple):
    """What a file may preset. None and empty mean that it says nothing. ``port`` is where ``move --here`` listens."""

    aet: str | None = None
    max_pdu: int | None = None
    timeouts: Mapping[str, float] = {}
    charset: str | None = None
    port: int | None = None


class Node(NamedTuple):
    """A peer by name. ``aet`` is the title to call it by, ``calling`` our own title towards it."""

    host: str
    port: int
    aet: str | None = None
    calling: str | None = None
    tls: TLSSettings | None = None
    max_pdu: int | None = None
    timeouts: Mapping[str, float] = {}
    charset: str | None = None
    quirks: tuple[str, ...] = ()


class Configuration(NamedTuple):
    """What was read. ``path`` is where it was looked for, ``found`` whether there was a file."""

    path: str
    found: bool = False
    nodes: Mapping[str, Node] = {}
    general: Defaults = Defaults()
    by_command: Mapping[str, Defaults] = {}

    @property
    def place(self) -> str:
        """For messages: the file, and that there is none if so."""
        return self.path if self.found else f"{self.path}, which does not exist"

    def defaults(self, command: str) -> Defaults:
        """What the file presets for one command: its own table over the general one."""
        own = self.by_command.get(command)
        if own is None:
            return self.general
        merged = {name: value for name, value in own._asdict().items() if value is not None}
        merged["timeouts"] = {**self.general.timeouts, **own.timeouts}
        return self.general._replace(**merged)


def default_path(environ: Mapping[str, str], platform: str = sys.platform) -> str:
    """The platform's place for the file, whether there is one or not."""
    if platform == "win32":
        return str(Path(environ.get("APPDATA") or Path.home() / "AppData" / "Roaming") / "dcmnet" / "config.toml")
    base = environ.get("XDG_CONFIG_HOME") or ""
    # The XDG specification: a relative path there is invalid and is to be ignored.
    path = os.path.join(base if os.path.isabs(base) else os.path.expanduser("~/.config"), "dcmnet", "config.toml")
    if platform == "darwin" and not os.path.exists(path):
        return os.path.expanduser("~/Library/Application Support/dcmnet/config.toml")
    return path


def load_configuration(
    option: str | None = None,
    environ: Mapping[str, str] = os.environ,
    commands: Iterable[str] = ("echo", "store", "find", "move", "get", "listen", "explain"),
) -> Configuration:
    """Read the file that ``--config`` or ``DCMNET_CONFIG`` names, else the platform's if it exists.

    Raises ConfigurationError for a named file that is not there and for everything that is wrong in one.
    """
    named = option if option is not None else environ.get("DCMNET_CONFIG") or None
    path = os.path.expanduser(named) if named is not None else default_path(environ)
    try:
        with open(path, "rb") as file:
            content = file.read()
    except FileNotFoundError:
        if named is None:
            return Configuration(path)
        who = "--config" if option is not None else "DCMNET_CONFIG"
        raise ConfigurationError(f"{who} names {path}, which does not exist", file=path) from None
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}", file=path) from error
    return _Reader(path, content).read(tuple(commands))


class _Wrong(Exception):
    """A value that cannot be meant; the text says what was expected."""


class _Reader:
    """Turns one file's content into a Configuration, and knows the place of every key for the messages."""

    def __init__(self, path: str, content: bytes) -> None:
        import tomllib

        self.path = path
        self.folder = os.path.dirname(os.path.abspath(path))
        try:
            self.text = content.decode()
            self.document = tomllib.loads(self.text)
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            raise self._error(line, "", "not UTF-8 text, which TOML has to be") from None
        except tomllib.TOMLDecodeError as error:
            message, _, place = str(error).partition(" (at ")
            line = int("".join(filter(str.isdigit, place.partition(",")[0])) or self.text.count("\n") + 1)
            if "AETable BEGIN" in self.text:
                message = f'this is a configuration of dcmqrscp; dcmnet compat "dcmqrscp -c {path}" makes options of it'
            raise self._error(line, "", message[:1].lower() + message[1:]) from None

    def read(self, commands: tuple[str, ...]) -> Configuration:
        sections = self._table((), self.document, {"nodes": _table, "defaults": _table})
        nodes = {name: self._node(name, table) for name, table in sections.get("nodes", {}).items()}
        keys = dict(_DEFAULTS, **dict.fromkeys(commands, _table))
        general = self._table(("defaults",), sections.get("defaults", {}), keys)
        by_command = {
            name: Defaults(**self._table(("defaults", name), general.pop(name), _DEFAULTS))
            for name in commands
            if name in general
        }
        return Configuration(self.path, True, nodes, Defaults(**general), by_command)

    def _node(self, name: str, table: Any) -> Node:
        keys = dict(_NODE, tls=lambda value: self._tls(name, value))
        read = self._table(("nodes", name), self._convert(("nodes", name), _table, table), keys)
        for key in ("host", "port"):
            if key not in read:
                raise self._error(self._line(("nodes", name)), f"nodes.{name}", f"has no {key}")
        return Node(**read)

    def _tls(self, name: str, value: Any) -> TLSSettings | None:
        if isinstance(value, bool):
            return TLSSettings() if value else None
        if not isinstance(value, dict):
            raise _Wrong("true, false or a table")
        path = ("nodes", name, "tls")
        read = self._table(path, value, _TLS)
        if ("key" in read) != ("certificate" in read):
            raise self._error(self._line(path), ".".join(path), "needs both key and certificate, or neither")
        return TLSSettings(
            key_file=self._resolve(read.get("key")),
            certificate_file=self._resolve(read.get("certificate")),
            key_password=self._password(read),
            ca_files=tuple(str(self._resolve(file)) for file in read.get("ca", ())),
            verify="require" if read.get("verify", True) else "ignore",
            server_name=read.get("server_name"),
            profile=read.get("profile", TLSSettings().profile),
        )

    def _password(self, tls: Mapping[str, str]) -> Callable[[], str]:
        """Fetched when the key turns out to be encrypted, not before."""
        from dcmnet_cli.cli.identity import secret_from_environment, secret_from_file
        from dcmnet_cli.cli.tls_options import ask_key_password

        file, variable = self._resolve(tls.get("password_file")), tls.get("password_env")
        if variable:
            from dcmnet_cli.ops.secret_variables import withhold

            withhold(variable)  # now: a hook may run before, or without, the node being used
        if file:
            return lambda: secret_from_file("password_file", file)
        return (lambda: secret_from_environment("password_env", variable)) if variable else ask_key_password

    def _resolve(self, file: str | None) -> str | None:
        return None if file is None else os.path.join(self.folder, os.path.expanduser(file))

    def _table(self, path: tuple[str, ...], table: Mapping[str, Any], keys: Mapping[str, Any]) -> dict[str, Any]:
        """The values of one table, each through the reader of its key. Raises for keys that are not in ``keys``."""
        read = {}
        for key, value in table.items():
            if key not in keys:
                from dcmnet_cli.cli.spelling import did_you_mean

                known = did_you_mean(key, keys) or f"; known here are {', '.join(keys)}"
                raise self._error(self._line((*path, key)), ".".join((*path, key)), f"unknown key{known}")
            inner = (*path, key)
            if isinstance(keys[key], Mapping):
                read[key] = self._table(inner, self._convert(inner, _table, value), keys[key])
            else:
                read[key] = self._convert(inner, keys[key], value)
        return read

    def _convert(self, path: tuple[str, ...], reader: Callable[[Any], Any], value: Any) -> Any:
        """One value through its reader, or a ConfigurationError that names its place."""
        try:
            return reader(value)
        except ConfigurationError:
            raise
        except _Wrong as wrong:
            shown = "a table" if isinstance(value, dict) else repr(value)
            problem = f"expected {wrong}, found {shown}"
        except DcmnetError as error:
            problem = error.message.removeprefix(": ")
        raise self._error(self._line(path), ".".join(path), problem)

    def _line(self, path: tuple[str, ...]) -> int | None:
        return find_line(self.text, path)

    def _error(self, line: int | None, key: str, problem: str) -> ConfigurationError:
        where = f"{self.path}:{line}" if line else self.path
        return ConfigurationError(
            f"{where}: {key + ': ' if key else ''}{problem}", file=self.path, line=line, key=key or None
        )


def find_line(text: str, path: tuple[str, ...]) -> int | None:
    """The line where a key stands, or the nearest table around it; None when even that is not to be seen.

    ``tomllib`` keeps no positions. Reading headers and the keys before ``=`` finds every key that is not inside a
    multi-line string, which is enough for a message.
    """
    table: tuple[str, ...] = ()
    best, best_length = None, 0
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if line.startswith("["):
            found = table = _key_parts(line.strip("[]").partition("]")[0])
        else:
            key, equals, _ = line.partition("=")
            found = (*table, *_key_parts(key)) if equals else ()
        if best_length < len(found) <= len(path) and path[: len(found)] == found:
            best, best_length = number, len(found)
    return best


def _key_parts(key: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in key.split("."))


def _table(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _Wrong("a table")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _Wrong("some text")
    return value


def _title(value: Any) -> str:
    if not isinstance(value, str):
        raise _Wrong('an AE title such as "ARCHIVE1"')
    return check_title("", value)


def _port(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 0x10000:
        raise _Wrong("a number from 1 to 65535")
    return value


def _length(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _Wrong("a number of bytes")
    return check_max_pdu("", value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _Wrong("true or false")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise _Wrong("a list of texts")
    return tuple(value)


def _files(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) and value else _texts(value)


def _profile(value: Any) -> str:
    return find_profile(_text(value)).name


def _seconds(value: Any) -> float:
    return float(check_seconds("", _number(value)))


def _seconds_or_none(value: Any) -> float:
    return float(check_seconds("", _number(value), zero_is_no_limit=True))


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _Wrong("a number of seconds")
    return value


# What a table may hold: for each key the reader of its value, or the keys of the table that stands there.
_Keys = Mapping[str, Any]
_TIMEOUTS: _Keys = {
    "connect": _seconds,
    "acse": _seconds,
    "dimse": _seconds_or_none,
    "release": _seconds,
    "write": _seconds,
}
_DEFAULTS: _Keys = {
    "aet": _title,
    "port": _port,
    "max_pdu": _length,
    "timeouts": _TIMEOUTS,
    "charset": _text,
}
_NODE: _Keys = {
    "host": _text,
    "port": _port,
    "aet": _title,
    "calling": _title,
    "max_pdu": _length,
    "timeouts": _TIMEOUTS,
    "charset": _text,
    "quirks": _texts,
}
_TLS: _Keys = {
    "key": _text,
    "certificate": _text,
    "password_file": _text,
    "password_env": _text,
    "ca": _files,
    "verify": _flag,
    "profile": _profile,
    "server_name": _text,
}
