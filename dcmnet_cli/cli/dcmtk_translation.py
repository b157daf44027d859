"""A command line of DCMTK's in our words: the same work, with what DCMTK does unasked spelled out."""

import os.path
import re
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from dcmnet_cli.cli.dcmtk_differences import differences, refusal
from dcmnet_cli.cli.dcmtk_options import Option, options_of
from dcmnet_cli.cli.dcmtk_tools import COMMANDS
from dcmnet_cli.cli.shell_words import Typed, join, split
from dcmnet_cli.cli.spelling import did_you_mean
from dcmnet_cli.core.quantities import plural
from dcmnet_cli.core.text import quoted
from dcmnet_cli.errors import InputError, UsageError

_UNSAID = frozenset(
    (
        *("--read-file", "--read-dataset", "--scan-directories", "--recurse", "--no-rename", "--read-from-dicomdir"),
        *("--no-halt", "--multi-associations", "--no-illegal-proposal", "--decompress-lossless", "--decompress-lossy"),
        *(
            "--enable-new-vr",
            "--uid-padding",
            "--enable-correction",
            "--disable-correction",
            "--retain-un",
            "--no-port",
        ),
        *("--pending-ignore", "--pending-read", "--accept-all", "--promiscuous", "--normal", "--bit-preserving"),
        *("--write-file", "--write-xfer-same", "--group-length-recalc", "--length-explicit", "--padding-off"),
        *("--access-full", "--disable-host-lookup", "--single-process", "--fork", "--no-subdir", "--ip-auto"),
        *("--use-called-aetitle", "--default-filenames", "--check-find", "--check-move", "--move-unrestricted"),
        *("--use-request-charset", "--std-passwd", "--pem-keys", "--der-keys"),
    )
)
"""What is done anyway, or what a default of ours says already."""
_RENAMED: Mapping[str | tuple[str, str], str] = {
    "--study": "--study-root",
    "--patient": "--patient-root",
    "--verbose-pc": "--verbose",
    "--create-report-file": "--report",
    "--request-sni": "--server-name",
    "--system-time-names": "--timenames",
    "--eostudy-timeout": "--quiet-time",
    ("findscu", "--cancel"): "--limit",
    ("movescu", "--output-directory"): "--here",
    ("getscu", "--output-directory"): "--out",
    ("storescp", "--output-directory"): "--out",
    ("dcmrecv", "--output-directory"): "--out",
}
_SETTLED = (
    *("without -aet", "without -P", "without -W", "without -nh", "without +uf", "without -od", "without -aem"),
    *("-od without +P", "the model as --study", "the title of -aet", "-xs for", "the file of --config"),
)
"""How the differences begin that a translation makes good."""
_SIGNED_NUMBER = re.compile(r"[+-][0-9]")
_PLAIN_TITLE = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.-]*")
_PLAIN_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")


class Line(NamedTuple):
    """A command line of DCMTK's, understood. ``options`` come with their values, in their order."""

    tool: str
    options: tuple[tuple[Option, tuple[str, ...]], ...]
    parameters: tuple[str, ...]

    @property
    def given(self) -> dict[str, tuple[str, ...]]:
        """The values of each option by its long name; the last one counts."""
        return {option.long: values for option, values in self.options}

    def has(self, *names: str) -> bool:
        """Whether any of these options was given, by long names."""
        return not self.given.keys().isdisjoint(names)


class Translation(NamedTuple):
    """``commands`` are lines of ours, word by word without ``dcmnet``: one, but for archives. ``notes`` say what
    differs.
    """

    tool: str
    commands: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """To paste into a shell."""
        return tuple(join(("dcmnet", *words)) for words in self.commands)


def translate(words: Sequence[str]) -> Translation:
    """Our words for DCMTK's. Raises UsageError for what DCMTK would not understand, and for what we refuse; InputError
    for a file of arguments or a configuration that cannot be read.
    """
    line = read_line(words)
    command = COMMANDS[line.tool]
    for question in ("--help", "--version", "--list-profiles", "--list-ciphers", "--list-decoders"):
        if question in line.given:
            return Translation(line.tool, ((command, question),), ())
    notes: list[str] = []
    options = [word for option, values in line.options for word in _option(line, option, values, notes)]
    notes += _notes(line)
    if line.has("--verify-cert", "--is-root-cert"):
        return Translation(line.tool, ((command, *options),), tuple(notes))
    if line.tool == "dcmqrscp":
        return _archive(line, options, notes)
    filled = [*options, *_left_out(line)]
    rest = _port(line) if command == "listen" else _peer(line)
    return Translation(line.tool, ((command, *filled, *rest),), tuple(notes))


# --- reading ---------------------------------------------------------------------------------------------------------


def read_line(words: Sequence[str]) -> Line:
    """Take a line apart as DCMTK does. Raises UsageError, and InputError for a file of arguments."""
    tool, rest = _tool(list(words))
    known = options_of(tool)
    rest = [part for word in rest for part in _from_file(word)]
    options: list[tuple[Option, tuple[str, ...]]] = []
    parameters: list[str] = []
    while rest:
        word = rest.pop(0)
        if word in known:
            option = known[word]
            if len(rest) < option.values:
                raise UsageError(f"{tool} {word} needs {plural(option.values, 'value')}")
            options.append((option, tuple(rest[: option.values])))
            del rest[: option.values]
        elif len(word) > 1 and word[0] in "-+" and not _SIGNED_NUMBER.match(word):
            raise UsageError(f"{tool} has no option {quoted(word)}{did_you_mean(word, known)}")
        else:
            parameters.append(word)
    return Line(tool, tuple(options), tuple(parameters))


def _tool(words: list[str]) -> tuple[str, list[str]]:
    """The tool, and the words after it. A path is as good as a name, and so is ``dcmtk TOOL``."""
    if words and os.path.basename(words[0]) == "dcmtk":
        words = words[1:]
    if not words:
        raise UsageError('nothing to translate: give a line of DCMTK, as in dcmnet compat "echoscu host 104"')
    name = os.path.basename(words[0])
    if name not in COMMANDS:
        raise UsageError(
            f"{quoted(words[0])} is no tool that dcmnet can stand for{did_you_mean(name, COMMANDS)}",
            hints=(f"it knows {', '.join(COMMANDS)}",),
        )
    return name, words[1:]


def _from_file(word: str) -> list[str]:
    """``@FILE`` stands for the arguments in that file."""
    if not word.startswith("@") or len(word) == 1 or isinstance(word, Typed):
        return [word]
    try:
        with open(word[1:], encoding="utf-8", errors="surrogateescape") as file:
            return split(" ".join(file.read().splitlines()))
    except OSError as error:
        raise InputError(f"cannot read {word[1:]}: {error.strerror}", path=word[1:]) from error


# --- options ---------------------------------------------------------------------------------------------------------


def _option(line: Line, option: Option, values: tuple[str, ...], notes: list[str]) -> tuple[str, ...]:
    """One option in our words; none where we do it anyway. Raises UsageError for what we refuse."""
    tool, long = line.tool, option.long
    refused = refusal(COMMANDS[tool], long, tool)
    spelling = option.short or long
    if refused is not None and refused.instead.startswith("leave it out"):
        notes.append(f"{spelling}: {refused.reason}; it is left out")
        return ()
    if refused is not None:
        raise UsageError(f"{tool} {spelling} cannot be translated: {refused.sentence}")
    if long in _UNSAID or long == "--call" or (tool, long) == ("dcmqrscp", "--config"):
        return ()
    if (tool, long) == ("movescu", "--output-directory") and not line.has("--port"):
        notes.append("-od: without +P nothing comes here; it is left out")
        return ()
    if long == "--decompress-never":
        return "--transcode", "never"
    if (tool, long) == ("dcmrecv", "--aetitle"):
        return "--aetitle", *values, "--called", *values
    return (_RENAMED.get((tool, long)) or _RENAMED.get(long, long), *values)


def _left_out(line: Line) -> Iterator[str]:
    """What DCMTK does unasked, and we do not."""
    tool, has = line.tool, line.has
    if COMMANDS[tool] != "listen" and not has("--aetitle"):
        yield from ("--aetitle", tool.upper())
    if tool == "storescu" and not has("--no-halt"):
        yield "--halt"
    if COMMANDS[tool] == "store":
        yield from ("--no-recurse",) if has("--scan-directories") and not has("--recurse", "--no-recurse") else ()
    if tool == "findscu" and not has("--worklist", "--patient", "--study", "--psonly"):
        yield "--worklist"
    if tool in ("movescu", "getscu") and not has("--patient", "--study", "--psonly"):
        yield "--patient-root"
    if tool == "movescu" and not has("--move"):
        yield from ("--move", tool.upper())
    receives = COMMANDS[tool] == "listen" or tool == "getscu" or has("--port")
    if receives and not has("--output-directory", "--ignore"):
        yield from ("--here" if tool == "movescu" else "--out", ".")
    if receives and not has("--ignore"):
        yield "--modality-names"


def _notes(line: Line) -> Iterator[str]:
    """What differs in what the line does, and cannot be made the same by an option alone."""
    spellings = {name for option, _ in line.options for name in option[:2] if name}
    for each in differences(COMMANDS[line.tool], line.tool):
        if each.spellings or each.option.startswith(_SETTLED):
            continue
        named = [word.strip(",") for word in each.option.split() if word[0] in "-+"]
        is_given = any(fnmatchcase(spelling, name) for name in named for spelling in spellings)
        if not named or is_given != ("without " in each.option):
            yield f"{each.option}: {each.sentence}"


# --- parameters ------------------------------------------------------------------------------------------------------


def _peer(line: Line) -> list[str]:
    """``HOST PORT FILES`` and the title to call, in our words. Raises UsageError."""
    if len(line.parameters) < 2:
        raise UsageError(f"{line.tool} needs a host and a port")
    host, port, *files = line.parameters
    (title,) = line.given.get("--call", ("",))
    is_plain = not any(isinstance(word, Typed) for word in (host, port, title))
    if is_plain and not port.isdigit():
        raise UsageError(f"{line.tool}: {quoted(port)} is not a port; the host and its port come first")
    if line.tool in ("storescu", "dcmsend") and not files:
        raise UsageError(f"{line.tool} needs a file to send")
    if is_plain and _PLAIN_HOST.fullmatch(host) and (not title or _PLAIN_TITLE.fullmatch(title)):
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        return [f"{title}@{address}" if title else address, *files]
    return [*(("--call", title) if title else ()), host, port, *files]


def _port(line: Line) -> list[str]:
    """The port of a listener. Raises UsageError."""
    if not line.parameters:
        raise UsageError(f"{line.tool} needs a port")
    if len(line.parameters) > 1:
        raise UsageError(f"{line.tool}: unexpected {quoted(line.parameters[1])}")
    return list(line.parameters)


# --- dcmqrscp --------------------------------------------------------------------------------------------------------


def _archive(line: Line, options: Sequence[str], notes: list[str]) -> Translation:
    """A listener for each title of the configuration, which each have a folder of their own."""
    from dcmnet_cli.cli.dcmqrscp_configuration import DEFAULT, read_configuration

    (path,) = line.given.get("--config", (DEFAULT,))
    configuration = read_configuration(path)
    port = line.parameters[0] if line.parameters else configuration.port
    if not port:
        raise UsageError(f"dcmqrscp needs a port, on the line or in {path}")
    has_pdu, has_charset = line.has("--max-pdu"), line.has("--override-charset", "--convert-to-charset")
    commands = tuple(
        ("listen", *options, *words, port)
        for words in configuration.archives(with_max_pdu=not has_pdu, with_charset=not has_charset)
    )
    notes += configuration.notes
    if len(commands) > 1:
        notes.append("each title has a folder of its own, and so a listener of its own: give them ports of their own")
    return Translation(line.tool, commands, tuple(notes))
