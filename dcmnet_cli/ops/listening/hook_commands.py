"""Hook commands as the user writes them, and what a program gets to know of an object or a study."""

import json
import os
import re
from collections.abc import Mapping
from itertools import pairwise
from typing import NamedTuple

from dcmnet_cli.core.text import printable
from dcmnet_cli.errors import UsageError
from dcmnet_cli.ops.listening.processes import check_program, parse_arguments

OBJECT, STUDY = "object", "study"
MOST_FILES = 10_000
"""Files of one study that are listed by name; ``instances`` counts them all."""

_PLACEHOLDER = re.compile("#([pfacr])")
_INTERPRETER = re.compile(r"(?:ba|da|a|z|k|mk|c|tc|fi)?sh|busybox|pwsh|(?:python|perl|ruby|node|php|lua)[0-9.]*")
_SCRIPT_FLAG = re.compile(r"-[A-Za-z]*[cCeEr]")


class StoredObject(NamedTuple):
    """An object that has its final name. ``path`` is absolute, ``length`` in bytes, ``at`` in Unix time.

    ``address`` is the peer's, without port; ``identity`` the printable name that ``identity`` gave its user, or "".
    """

    path: str
    sop_class_uid: str
    sop_instance_uid: str
    study_instance_uid: str
    transfer_syntax_uid: str
    calling: str
    called: str
    address: str
    identity: str
    length: int
    outcome: str
    at: float


class Study:
    """The objects of one study that came so far, on whatever associations; the last one speaks for all of them."""

    __slots__ = ("ended_by", "files", "first", "instances", "last", "length", "outcomes", "quiet_since", "runs")

    def __init__(self, first: StoredObject) -> None:
        self.first = self.last = first
        self.instances = self.length = self.runs = 0
        self.quiet_since = 0.0
        self.outcomes: dict[str, int] = {}
        self.files: list[str] = []
        self.ended_by = ""

    def add(self, stored: StoredObject, now: float, *, with_file: bool) -> None:
        """Count one more object; its path is kept ``with_file``, for the first MOST_FILES."""
        self.last = stored
        self.quiet_since = now
        self.instances += 1
        self.length += stored.length
        self.outcomes[stored.outcome] = self.outcomes.get(stored.outcome, 0) + 1
        if with_file and len(self.files) < MOST_FILES:
            self.files.append(stored.path)


class Command(NamedTuple):
    """A hook: the ``event`` it waits for, its argument list, and whether it gets JSON or placeholders."""

    event: str
    arguments: tuple[str, ...]
    takes_json: bool

    @property
    def program(self) -> str:
        return os.path.basename(self.arguments[0])


def parse_command(option: str, text: str, event: str, *, takes_json: bool) -> Command:
    """The argument list of ``text``, split as a shell would, but never given to one.

    Raises UsageError, naming ``option``, for a program that does not exist and for placeholders where what a peer
    chose would become a program or a script.
    """
    arguments = parse_arguments(option, text)
    if not takes_json:
        _check_placeholders(option, arguments, event)
    check_program(option, arguments[0])
    return Command(event, arguments, takes_json)


def _check_placeholders(option: str, arguments: tuple[str, ...], event: str) -> None:
    if _PLACEHOLDER.search(arguments[0]):
        raise UsageError(f"{option}: a placeholder cannot name the program")
    if event == STUDY and any("#f" in argument for argument in arguments):
        raise UsageError(f"{option}: #f means nothing at the end of a study; #p is its folder")
    if not any(_INTERPRETER.fullmatch(os.path.basename(argument)) for argument in arguments):
        return
    for flag, script in pairwise(arguments):
        if _SCRIPT_FLAG.fullmatch(flag) and _PLACEHOLDER.search(script):
            raise UsageError(
                f"{option}: a placeholder inside a script would let a peer run commands",
                hints=("""hand it over as an argument: sh -c 'echo "$1"' hook '#f'""",),
            )


def fill(command: Command, stored: StoredObject) -> list[str]:
    """The argument list with its placeholders filled, each within its argument, none of them twice.

    What a peer chose is cleaned of everything unprintable, and where it would begin an argument with ``-``, and so
    pass for an option, ``./`` comes before a file and ``_`` before anything else.
    """
    if command.takes_json:
        return list(command.arguments)
    values = {
        "p": os.path.dirname(stored.path),
        "f": os.path.basename(stored.path),
        "a": printable(stored.calling),
        "c": printable(stored.called),
        "r": printable(stored.address),
    }
    return [_fill_argument(argument, values) for argument in command.arguments]


def _fill_argument(argument: str, values: Mapping[str, str]) -> str:
    filled = _PLACEHOLDER.sub(lambda match: values[match[1]], argument)
    if filled.startswith("-") and not argument.startswith("-"):
        return ("./" if argument.startswith(("#f", "#p")) else "_") + filled
    return filled


def object_document(stored: StoredObject) -> bytes:
    """The JSON object, in one line, that a hook for objects gets on standard input."""
    facts: dict[str, object] = {
        "schema": "dcmnet/1",
        "event": OBJECT,
        "path": stored.path,
        "sop_class_uid": printable(stored.sop_class_uid),
        "sop_instance_uid": printable(stored.sop_instance_uid),
        "length": stored.length,
        "outcome": stored.outcome,
        "time": stored.at,
    }
    return _line(facts | _origin(stored))


def study_document(study: Study) -> bytes:
    """The JSON object, in one line, that a hook for studies gets on standard input."""
    facts: dict[str, object] = {
        "schema": "dcmnet/1",
        "event": STUDY,
        "instances": study.instances,
        "length": study.length,
        "outcomes": study.outcomes,
        "files": study.files,
        "files_are_complete": len(study.files) == study.instances,
        "first_time": study.first.at,
        "last_time": study.last.at,
        "ended_by": study.ended_by,
    }
    return _line(facts | _origin(study.last))


def _origin(stored: StoredObject) -> dict[str, object]:
    return {
        "folder": os.path.dirname(stored.path),
        "study_instance_uid": printable(stored.study_instance_uid),
        "transfer_syntax_uid": printable(stored.transfer_syntax_uid),
        "calling": printable(stored.calling),
        "called": printable(stored.called),
        "address": printable(stored.address),
        "identity": printable(stored.identity),
    }


def _line(facts: Mapping[str, object]) -> bytes:
    return json.dumps(facts).encode("ascii") + b"\n"
