"""What a DIMSE status means: its category from the number alone, the rest from the tables of each service.

Only :func:`category` is needed while messages go back and forth, and it costs nothing. The tables of terms,
explanations and remedies are read when first asked for.
"""

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from dcmnet_cli.core.status_table import Row, Section

SUCCESS = 0x0000
CANCEL = 0xFE00
PENDING = 0xFF00
PENDING_WARNING = 0xFF01

# 0107 and 0116 lie among the failures and are warnings all the same (PS3.7 annex C).
_WARNINGS = (0x0001, 0x0107, 0x0116)

_ELEMENTS = {
    "0002": "Affected SOP Class UID",
    "0901": "Offending Element",
    "0902": "Error Comment",
    "0903": "Error ID",
    "1000": "Affected SOP Instance UID",
    "1002": "Event Type ID",
    "1005": "Attribute Identifier List",
    "1008": "Action Type ID",
    "1020": "Number of Remaining Sub-operations",
    "1021": "Number of Completed Sub-operations",
    "1022": "Number of Failed Sub-operations",
    "1023": "Number of Warning Sub-operations",
    "data": "data set",
    "identifier": "identifier",
}

_OPERATIONS = {"all": "every operation", "Failure-Reason": "Failure Reason (0008,1197)"}

# Everyday words for services; the keys of the tables themselves, and DIMSE operations, need no entry.
_SERVICE_WORDS = {
    "verification": "echo",
    "storage": "store",
    "query": "find",
    "retrieve": "move",
    "mwl": "worklist",
    "modality-worklist": "worklist",
    "commitment": "commit",
    "storage-commitment": "commit",
    "procedure-step": "mpps",
    "unified-procedure-step": "ups",
    "film": "print",
    "inventory-query": "non-patient-query",
    "hanging-protocol": "non-patient-query",
    "color-palette": "non-patient-query",
    "implant-template": "non-patient-query",
    "procedure-protocol": "non-patient-query",
    "protocol-approval": "non-patient-query",
}
_N_OPERATIONS = ("n-event-report", "n-get", "n-set", "n-action", "n-create", "n-delete")


class Status(NamedTuple):
    """One status in the light of one service.

    ``category`` is "success", "warning", "failure", "cancel" or "pending". ``meaning`` is the standard's
    term, and ``explanation`` and ``remedies`` are ours: the likeliest remedy first, none where nothing needs doing.
    ``service`` is the key of the service whose table speaks ("general" for the codes of all, "" when no table
    has the code), ``pattern`` the entry found there, such as "A7xx". ``operations`` are the DIMSE operations
    it answers, ``related`` the elements that may come with it.
    """

    code: int
    category: str
    meaning: str
    explanation: str
    remedies: tuple[str, ...]
    service: str
    pattern: str = ""
    operations: tuple[str, ...] = ()
    related: tuple[str, ...] = ()

    @property
    def remedy(self) -> str:
        """The remedies as one text, for where there is no room for a list."""
        return " ".join(self.remedies)

    @property
    def side(self) -> str:
        """Who should act first: "peer", "here", or "" when it is neither or cannot be told."""
        first = self.remedies[0] if self.remedies else ""
        return {"Peer": "peer", "Printer": "peer", "Here": "here"}.get(first.partition(":")[0], "")


def format_status(code: int) -> str:
    """Return ``code`` as it is written in logs and messages, such as ``0xA700``."""
    return f"0x{code:04X}"


def category(code: int) -> str:
    """Return "success", "warning", "failure", "cancel" or "pending", for any number (PS3.7 annex C)."""
    if code == SUCCESS:
        return "success"
    if code in (PENDING, PENDING_WARNING):
        return "pending"
    if code == CANCEL:
        return "cancel"
    if code in _WARNINGS or code >> 12 == 0xB:
        return "warning"
    return "failure"


def lookup(code: int, service: str = "") -> Status:
    """Say what ``code`` means to ``service``: by its exact code, by its masks, then the same among the
    general codes.

    ``service`` is a word that :func:`service_key` knows; any other is taken as none. Numbers that no table
    has get an honest "unknown" with their category. Never raises.
    """
    tables = _sections()
    section = tables.get(service_key(service))
    if section and (row := _match(_all_rows(section), code)):
        return _status(code, section, row)
    if row := _match(tables["general"].rows, code):
        return _status(code, tables["general"], row)
    return Status(
        code,
        category(code),
        "unknown status",
        "This number lies outside all ranges of the standard, so the peer alone knows what it means.",
        ("Treat the operation as failed.", "Peer: look in its log and conformance statement."),
        "",
    )


def readings(code: int) -> tuple[Status, ...]:
    """Return the general meaning of ``code`` and one for every service that defines it differently.

    The general one comes first where the standard fixed it for all, and last where it merely knows the range.
    """
    general = lookup(code)
    found = [general]
    for section in _sections().values():
        row = _match(section.rows, code)
        if section.key == "general" or row is None:
            continue
        status = _status(code, section, row)
        if all((status.meaning, status.explanation) != (other.meaning, other.explanation) for other in found):
            found.append(status)
    if "x" in general.pattern:
        found.append(found.pop(0))
    return tuple(found)


def service_key(word: str) -> str:
    """Return the key of the service that ``word`` names, or "".

    Takes the keys of :func:`services`, the names of DIMSE operations and messages ("move", "C-MOVE",
    "c-move-rsp", "N-GET"), and everyday words. Blanks and underscores count as hyphens.
    """
    key = word.strip().lower().replace(" ", "-").replace("_", "-")
    key = key.removesuffix("-rq").removesuffix("-rsp").removeprefix("c-")
    if key == "cancel":
        return ""
    key = _SERVICE_WORDS.get(key, key)
    return key if key in _N_OPERATIONS or key in _sections() else ""


def service_title(key: str) -> str:
    """Return the title of a service for a person, or "" for an unknown key."""
    section = _sections().get(key)
    return section.title if section else ""


def services() -> tuple[str, ...]:
    """Return every word for a service that :func:`service_key` knows, keys and everyday words alike."""
    return (*_sections(), *_N_OPERATIONS, *_SERVICE_WORDS)


@cache
def _sections() -> "dict[str, Section]":
    from dcmnet_cli.core.status_table import sections

    return sections()


def _all_rows(section: "Section") -> "dict[str, Row]":
    rows: dict[str, Row] = {}
    for parent in reversed(section.parents):
        rows |= _all_rows(_sections()[parent])
    inherited = {code: row._replace(operations=section.operations) for code, row in rows.items()}
    return inherited | section.rows


def _match(rows: "dict[str, Row]", code: int) -> "Row | None":
    digits = f"{code:04X}"
    for fixed in range(len(digits), 0, -1):
        if row := rows.get(digits[:fixed] + "x" * (len(digits) - fixed)):
            return row
    return None


def _status(code: int, section: "Section", row: "Row") -> Status:
    return Status(
        code,
        category(code),
        row.meaning,
        row.explanation,
        row.remedies,
        section.key,
        row.code,
        tuple(_OPERATIONS.get(operation, operation) for operation in row.operations),
        tuple(_ELEMENTS[element] for element in row.related),
    )
