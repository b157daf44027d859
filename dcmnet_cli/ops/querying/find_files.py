"""findscu's files of answers: one DICOM or XML file an answer, or one XML file for all of them."""

import os
from collections.abc import Iterable, Sequence
from typing import TextIO

from dcmnet_cli.core import uids
from dcmnet_cli.core.character_set import UTF_8
from dcmnet_cli.core.identifier import SPECIFIC_CHARACTER_SET, Element, character_set_of, encode, text
from dcmnet_cli.core.text import printable
from dcmnet_cli.errors import OutputError
from dcmnet_cli.net.part10 import meta_header
from dcmnet_cli.ops.querying.answers import Match
from dcmnet_cli.ops.querying.key_tree import name_of

_ANSWER = uids.IMPLEMENTATION_CLASS_UID + ".1"
"""A file needs a SOP class and an answer has none: a private one, so that no archive takes it for an object."""
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})
_DATA_SET = f'<data-set xfer="{uids.EXPLICIT_VR_LITTLE_ENDIAN}" name="Little Endian Explicit">\n'
_PROLOGUE = '<?xml version="1.0" encoding="UTF-8"?>\n'


class AnswerFiles:
    """Writes answers as ``rsp0001.dcm`` and ``rsp0001.xml`` into ``folder``, ``limit`` of them at most (0: all)."""

    def __init__(self, folder: str, *, dicom: bool, xml: bool, source: str, limit: int, assumed: str) -> None:
        if not os.path.isdir(folder):
            raise OutputError(f"cannot write to folder {folder}: no such folder", path=folder)
        self.written = 0
        self._folder = folder
        self._dicom = dicom
        self._xml = xml
        self._source = source
        self._limit = limit
        self._assumed = assumed

    def add(self, match: Match) -> None:
        """Write one answer. Raises OutputError."""
        if self._limit and self.written >= self._limit:
            return
        self.written += 1
        stem = os.path.join(self._folder, f"rsp{self.written:04d}")
        if self._dicom:
            _write(stem + ".dcm", self._file(match))
        if self._xml:
            _write(stem + ".xml", (_PROLOGUE + xml_of(match, self._assumed)).encode("utf-8", "backslashreplace"))

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Nothing is open."""

    def _file(self, match: Match) -> bytes:
        syntax = uids.EXPLICIT_VR_LITTLE_ENDIAN
        head = meta_header(_ANSWER, new_uid(), syntax, self._source)
        return head + encode(match.elements.values(), True)


class AnswerXML:
    """One XML file with all answers, written as they come (findscu's ``-Xs``)."""

    def __init__(self, path: str, *, limit: int, assumed: str) -> None:
        self.path = path
        self.written = 0
        self._limit = limit
        self._assumed = assumed
        self._file: TextIO
        try:
            self._file = open(  # noqa: SIM115 - closed by ``close``
                path, "w", encoding="utf-8", errors="backslashreplace", newline="\n", buffering=1 << 16
            )
            self._file.write(_PROLOGUE + '<responses type="C-FIND">\n')
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror}", path=path) from error

    def add(self, match: Match) -> None:
        """Write one answer. Raises OutputError."""
        if self._limit and self.written >= self._limit:
            return
        self.written += 1
        try:
            self._file.write(xml_of(match, self._assumed))
        except OSError as error:
            raise OutputError(f"cannot write {self.path}: {error.strerror}", path=self.path) from error

    def flush(self) -> None:
        """A file is nobody's screen: it is written when there is enough."""

    def close(self) -> None:
        """End the file. Raises OutputError."""
        try:
            self._file.write("</responses>\n")
            self._file.close()
        except OSError as error:
            raise OutputError(f"cannot write {self.path}: {error.strerror}", path=self.path) from error


def new_uid() -> str:
    """A UID made from a random UUID (PS3.5 B.2)."""
    import uuid

    return f"2.25.{uuid.uuid4().int}"


def _write(path: str, data: bytes) -> None:
    """Whole or not at all: another program may be waiting for the name."""
    partial = path + ".part"
    try:
        with open(partial, "wb") as file:
            file.write(data)
        os.replace(partial, path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}", path=path) from error


# --- XML as DCMTK writes it ------------------------------------------------------------------------------------------


def xml_of(match: Match, assumed: str) -> str:
    """One answer in the format of dcm2xml, in UTF-8 whatever it came in."""
    return f"{_DATA_SET}{''.join(_lines(match.elements.values(), match.character_set, assumed))}</data-set>\n"


def _lines(elements: Iterable[Element], character_set: str, assumed: str) -> Iterable[str]:
    for element in elements:
        tag, vr, raw, items = element
        head = f'tag="{tag >> 16:04x},{tag & 0xFFFF:04x}" vr="{vr}"'
        if items is not None:
            yield f'<sequence {head} card="{len(items)}" name="{name_of(tag)}">\n'
            for item in items:
                yield from _item(item, character_set, assumed)
            yield "</sequence>\n"
            continue
        value = text(element, character_set, assumed) if tag != SPECIFIC_CHARACTER_SET or not raw else UTF_8
        multiplicity = value.count("\\") + 1 if value else 0
        length = len(raw) if value.isascii() else len(value.encode("utf-8", "replace"))
        length += length % 2
        shown = _clean(value)
        yield f'<element {head} vm="{multiplicity}" len="{length}" name="{name_of(tag)}">{shown}</element>\n'


def _item(item: Sequence[Element], character_set: str, assumed: str) -> Iterable[str]:
    own = character_set_of({each.tag: each for each in item}) or character_set
    yield f'<item card="{len(item)}">\n'
    yield from _lines(item, own, assumed)
    yield "</item>\n"


def _clean(value: str) -> str:
    """Text that XML can hold: control characters made visible, marks written as entities."""
    if value.isalnum():
        return value
    if not value.isprintable():
        value = printable(value)
    return value.translate(_ENTITIES)
