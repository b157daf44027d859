"""One answer to a query, as a mapping from keywords to text."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from dcmnet_cli.core.identifier import encode
from dcmnet_cli.errors import UsageError
from dcmnet_cli.ops.querying.answers import Match, values_at
from dcmnet_cli.ops.querying.key_tree import name_of, parse_path

if TYPE_CHECKING:
    from pydicom import Dataset


class Answer(Mapping[str, str]):
    """What the peer says of one patient, study, series, instance or scheduled step.

    Names are those of ``-k``: ``PatientName``, ``0010,0010``, ``ScheduledProcedureStepSequence[0].Modality``. Values
    are text in any script, several of them parted by backslashes, "" for an attribute that is there and empty; one that
    the peer did not send is a KeyError. The text is as the peer wrote it: not yet safe for a terminal.
    """

    __slots__ = ("_assumed", "_match")

    def __init__(self, match: Match, assumed: str = "") -> None:
        self._match = match
        self._assumed = assumed

    def __getitem__(self, name: str) -> str:
        try:
            path = parse_path(name)
        except UsageError as error:
            raise KeyError(f"{name}: {error.message}") from error
        if path[0] not in self._match.elements:
            raise KeyError(name)
        return values_at(self._match.elements, path, self._match.character_set, self._assumed)

    def __iter__(self) -> Iterator[str]:
        return map(name_of, self._match.elements)

    def __len__(self) -> int:
        return len(self._match.elements)

    def __repr__(self) -> str:
        return f"Answer({dict(self)!r})"

    def data_set(self) -> "Dataset":
        """The whole answer, as pydicom has it."""
        from io import BytesIO

        from pydicom.filereader import read_dataset

        return read_dataset(BytesIO(encode(self._match.elements.values(), True)), False, True)
