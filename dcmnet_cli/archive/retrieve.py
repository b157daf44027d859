"""Which instances a C-MOVE or C-GET asks for (PS3.4 C.4.2.1.4, C.4.3.1.3)."""

import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

from dcmnet_cli.archive.frame_list import frame_list
from dcmnet_cli.archive.query import BadIdentifier, Model, check_upper_keys, level_of
from dcmnet_cli.archive.schema import ALIASES, FRAME, IMAGE, LEVEL_OF, PATIENT_ID, UNIQUE_KEYS, column
from dcmnet_cli.archive.values import Attributes
from dcmnet_cli.core.attributes import keyword_of

_MOST_AT_ONCE = 500  # values of a list in one statement; SQLite takes 999 in its oldest versions
_FROM = "instances i JOIN series e ON e.id = i.series JOIN studies s ON s.id = e.study"


class Found(NamedTuple):
    """An instance to send: where it lies and what it is."""

    path: bytes
    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str


class Selection:
    """The instances that an identifier names; ``frames`` are those of the one that is named at FRAME level, else None.

    ``relational`` if that was agreed on. Raises BadIdentifier.
    """

    def __init__(self, model: Model, keys: Attributes, *, relational: bool) -> None:
        self.level = level_of(model, keys)
        if not relational:
            check_upper_keys(model, self.level, keys)
        self.frames = frame_list(keys) if self.level == FRAME else None
        own = UNIQUE_KEYS[IMAGE if self.level == FRAME else self.level]
        text = keys[own].text if own in keys else ""
        if not text:
            raise BadIdentifier(f"{keyword_of(own)} is needed at {self.level} level", own)
        self._upper = [
            (UNIQUE_KEYS[upper], keys[UNIQUE_KEYS[upper]].text)
            for upper in model.above(self.level)
            if upper != IMAGE and UNIQUE_KEYS[upper] in keys and keys[UNIQUE_KEYS[upper]].text
        ]
        self._tag = own
        self.values = (
            [text] if own == PATIENT_ID else list(dict.fromkeys(uid.strip() for uid in text.split("\\") if uid.strip()))
        )

    def run(self, connection: sqlite3.Connection) -> Iterator[Found]:
        """The instances, each once, those of a series together."""
        where = " AND ".join([f"{_name(self._tag)} IN ({{}})", *(f"{_name(tag)} = ?" for tag, _ in self._upper)])
        upper = [text for _, text in self._upper]
        for start in range(0, len(self.values), _MOST_AT_ONCE):
            some = self.values[start : start + _MOST_AT_ONCE]
            statement = (
                f"SELECT i.path, i.SOPClassUID, i.SOPInstanceUID, i.syntax FROM {_FROM} "
                f"WHERE {where.format(', '.join('?' * len(some)))} ORDER BY s.id, e.id, i.id"
            )
            for row in connection.execute(statement, [*some, *upper]):
                yield Found(*row)


def _name(tag: int) -> str:
    return f"{ALIASES[LEVEL_OF[tag]]}.{column(tag)}"
