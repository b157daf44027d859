"""Answers by the DICOM JSON model (PS3.18 F.2), without a data set being built."""

import re
from collections.abc import Sequence
from json.encoder import encode_basestring_ascii as quoted_json

from dcmnet_cli.core.character_set import UTF_8
from dcmnet_cli.core.identifier import SPECIFIC_CHARACTER_SET, Element, character_set_of, text
from dcmnet_cli.core.text import printable
from dcmnet_cli.ops.querying.answers import Match

_ONE_VALUE = frozenset(("LT", "ST", "UT", "UR"))
_NUMBERS = frozenset(("US", "SS", "UL", "SL", "UV", "SV", "FL", "FD", "IS", "DS"))
_SIMPLE = frozenset(("AE", "AS", "CS", "DA", "DT", "LO", "SH", "TM", "UC", "UI"))
_BULK = frozenset(("OB", "OD", "OF", "OL", "OV", "OW", "UN"))
_SURROGATE = re.compile("[\ud800-\udfff]")
_INTEGER = re.compile(r"[+-]?\d{1,15}")
_DECIMAL = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d{1,3})?")  # as JSON wants it
_LONGEST_NUMBER = 24
_MOST_KEPT, _LONGEST_KEPT = 4096, 256  # elements and bytes of each, so that no peer can fill our memory


class DicomJSON:
    """Writes one answer after the other as a JSON object in ASCII, so that it survives any stream.

    The answers to one query have much in common: an element that is the same as in the answer before is not written
    anew. ``assumed`` is the character set of answers that declare none.
    """

    def __init__(self, assumed: str = "") -> None:
        self._assumed = assumed
        # By tag: VR, value, what was written for them, and how that begins if the rest is the quoted value.
        self._last: dict[int, tuple[str, bytes, str, str]] = {}

    def of(self, match: Match) -> str:
        """One answer. Group lengths are left out, and the character set becomes that of JSON."""
        last, parts = self._last, []
        for element in match.elements.values():
            tag, vr, value, items = element
            known = last.get(tag)
            if known is not None and known[1] == value and known[0] == vr and items is None:
                parts.append(known[2])
            elif (
                known is not None
                and known[3]
                and known[0] == vr
                and value.isascii()
                and "\\" not in (quoted := quoted_json(str(value, "ascii").strip("\0 ")))
                and 2 < len(quoted) < _LONGEST_KEPT
            ):  # what most elements are, one short value and nothing to escape: as below, without all of its questions
                written = f"{known[3]}{quoted}]}}"
                last[tag] = vr, value, written, known[3]
                parts.append(written)
            elif tag & 0xFFFF:
                parts.append(self._write(element, match.character_set))
        return "{" + ",".join(parts) + "}"

    def _write(self, element: Element, character_set: str) -> str:
        tag, vr, value, items = element
        head = f'"{tag:08X}":{{"vr":"{vr}"'
        if items is not None:
            inner = ",".join(self._item(item, character_set) for item in items)
            return f'{head},"Value":[{inner}]}}' if inner else head + "}"
        if vr in _BULK:
            from base64 import b64encode

            return f'{head},"InlineBinary":"{b64encode(value).decode()}"}}' if value else head + "}"
        values = _values(
            vr, UTF_8 if value and tag == SPECIFIC_CHARACTER_SET else text(element, character_set, self._assumed)
        )
        written = f'{head},"Value":[{values}]}}' if values else head + "}"
        # What is not ASCII may mean something else in the next answer's character set.
        if value.isascii() and b"\x1b" not in value and len(value) <= _LONGEST_KEPT and len(self._last) < _MOST_KEPT:
            is_simple = vr in _SIMPLE and tag != SPECIFIC_CHARACTER_SET
            self._last[tag] = vr, value, written, f'{head},"Value":[' if is_simple else ""
        return written

    def _item(self, item: Sequence[Element], character_set: str) -> str:
        elements = {each.tag: each for each in item}
        return self.of(Match(elements, character_set_of(elements) or character_set))


def _values(vr: str, value: str) -> str:
    if not value:
        return ""
    if "\\" not in value or vr in _ONE_VALUE:
        return _value(vr, value)
    return ",".join(_value(vr, each.strip(" ")) for each in value.split("\\"))


def _value(vr: str, value: str) -> str:
    if not value:
        return "null"
    if not value.isascii() and _SURROGATE.search(value):
        value = printable(value)  # bytes that no character set explained, which JSON readers may refuse
    if vr == "IS" and value.isdigit() and value.isascii() and len(value) < 16:
        return str(int(value))
    if vr == "PN":
        return _name(value)
    if vr in _NUMBERS:
        if _INTEGER.fullmatch(value):
            return str(int(value))
        return value if len(value) <= _LONGEST_NUMBER and _DECIMAL.fullmatch(value) else quoted_json(value)
    if vr == "AT":
        return quoted_json(value.strip("()").replace(",", ""))
    return quoted_json(value)


def _name(value: str) -> str:
    if "=" not in value:
        return f'{{"Alphabetic":{quoted_json(value)}}}'
    groups = zip(("Alphabetic", "Ideographic", "Phonetic"), value.split("=", 2), strict=False)
    inner = ",".join(f'"{name}":{quoted_json(group)}' for name, group in groups if group)
    return f"{{{inner}}}" if inner else "null"
