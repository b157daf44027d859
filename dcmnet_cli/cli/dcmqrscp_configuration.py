"""Reading a configuration file of dcmqrscp, to make options of ``dcmnet listen --archive`` of it."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from dcmnet_cli.core.text import quoted
from dcmnet_cli.errors import InputError

DEFAULT = "/etc/dcmtk/dcmqrscp.cfg"
_TABLES = ("HostTable", "VendorTable", "AETable")
_ENTRY = re.compile(r"\(([^()]*)\)|([^\s,()]+)")
_AE_ROW = re.compile(r'(\S+)\s+("[^"]*"|\S+)\s+(RW|R|W)\s+\([^)]*\)\s+(.+)')


class Host(NamedTuple):
    """An application entity of the HostTable."""

    title: str
    host: str
    port: str


class Area(NamedTuple):
    """A row of the AETable: a title with a folder. ``peers`` None is anybody."""

    title: str
    folder: str
    access: str
    peers: tuple[Host, ...] | None


class ArchiveConfiguration(NamedTuple):
    """What such a file says. ``settings`` are its global parameters, by name."""

    settings: dict[str, str]
    hosts: tuple[Host, ...]
    areas: tuple[Area, ...]

    @property
    def port(self) -> str:
        return self.settings.get("NetworkTCPPort", "")

    @property
    def notes(self) -> list[str]:
        """What no option of ours stands for."""
        limited = [area.title for area in self.areas if area.access != "RW"]
        told = ["quotas of the AETable: there are none; watch the disk"]
        told += [f"access of {title}: it takes objects and answers for them, whoever asks" for title in limited]
        return told

    def archives(self, *, with_max_pdu: bool, with_charset: bool) -> Iterator[list[str]]:
        """The options of a listener for each title."""
        nodes = [f"{each.title}@{_address(each)}" for each in self.hosts]
        for area in self.areas:
            words = ["--aetitle", area.title, "--called", area.title, "--archive", area.folder]
            for node in nodes:
                words += ["--node", node]
            for title in dict.fromkeys(each.title for each in area.peers or ()):
                words += ["--calling", title]
            words += self._limits(with_max_pdu) + (self._charset() if with_charset else [])
            yield words

    def _limits(self, with_max_pdu: bool) -> list[str]:
        names = {"MaxAssociations": "--max-associations"} | ({"MaxPDUSize": "--max-pdu"} if with_max_pdu else {})
        return [
            word for name, option in names.items() if name in self.settings for word in (option, self.settings[name])
        ]

    def _charset(self) -> list[str]:
        """``SpecificCharacterSet = "ISO_IR 192", override``, the words in any order."""
        words = [word.strip(' "') for word in self.settings.get("SpecificCharacterSet", "").split(",")]
        terms = [word for word in words if word.startswith(("ISO", "GB"))]
        if not terms:
            return []
        return ["--convert-to-charset", terms[0], *(["--override-charset"] if "override" in words else [])]


def read_configuration(path: str) -> ArchiveConfiguration:
    """Raises InputError for a file that cannot be read, or that names no title."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            lines = file.read().splitlines()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}; name the configuration with -c", path=path) from error
    settings, tables = _sections(lines)
    hosts = _hosts(tables["HostTable"])
    areas = tuple(_area(path, row, hosts) for row in tables["AETable"])
    if not areas:
        raise InputError(f"{path} has no AE title in its AETable", path=path)
    unique = dict.fromkeys(each for group in hosts.values() for each in group)
    return ArchiveConfiguration(settings, tuple(unique), areas)


def _sections(lines: Sequence[str]) -> tuple[dict[str, str], dict[str, list[str]]]:
    """The global parameters, and the rows of each table, without comments."""
    settings: dict[str, str] = {}
    tables: dict[str, list[str]] = {name: [] for name in _TABLES}
    table = ""
    for line in lines:
        words = line.partition("#")[0].split()
        if len(words) == 2 and words[0] in _TABLES and words[1] in ("BEGIN", "END"):
            table = words[0] if words[1] == "BEGIN" else ""
        elif words and table:
            tables[table].append(" ".join(words))
        elif words:
            name, _, value = " ".join(words).partition("=")
            settings[name.strip()] = value.strip()
    return settings, tables


def _hosts(rows: Sequence[str]) -> dict[str, tuple[Host, ...]]:
    """The application entities behind each symbolic name; names may stand for other names."""
    found: dict[str, tuple[Host, ...]] = {}
    for row in rows:
        name, _, value = row.partition("=")
        found[name.strip()] = _entities(value, found)
    return found


def _entities(text: str, known: dict[str, tuple[Host, ...]]) -> tuple[Host, ...]:
    entities: list[Host] = []
    for triple, name in _ENTRY.findall(text):
        parts = [part.strip() for part in triple.split(",")]
        if len(parts) == 3:
            entities.append(Host(parts[0], parts[1], parts[2]))
        entities += known.get(name, ())
    return tuple(entities)


def _area(path: str, row: str, hosts: dict[str, tuple[Host, ...]]) -> Area:
    match = _AE_ROW.fullmatch(row)
    if match is None:
        raise InputError(f"{path}: this row of the AETable is not understood: {quoted(row)}", path=path)
    title, folder, access, peers = match.groups()
    return Area(title, folder.strip('"'), access, None if peers == "ANY" else _entities(peers, hosts))


def _address(host: Host) -> str:
    return f"[{host.host}]:{host.port}" if ":" in host.host else f"{host.host}:{host.port}"
