"""What a listener is to answer as an archive: cheap to import for listeners that are none."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from dcmnet_cli.core import uids
from dcmnet_cli.core.quantities import plural
from dcmnet_cli.ops.target import Target

if TYPE_CHECKING:
    from dcmnet_cli.ops.storing.proposals import Proposal

GET_CLASSES = (
    *(uids.PATIENT_ROOT_GET, uids.STUDY_ROOT_GET, uids.PATIENT_STUDY_ONLY_GET),
    *(uids.INSTANCE_ROOT_GET, uids.WITHOUT_BULK_DATA_GET),
)
MODEL_CLASSES = (
    (uids.PATIENT_ROOT_FIND, uids.PATIENT_ROOT_MOVE, uids.PATIENT_ROOT_GET),
    (uids.STUDY_ROOT_FIND, uids.STUDY_ROOT_MOVE, uids.STUDY_ROOT_GET),
    (uids.PATIENT_STUDY_ONLY_FIND, uids.PATIENT_STUDY_ONLY_MOVE, uids.PATIENT_STUDY_ONLY_GET),
)
"""The SOP classes of the three models, patient root first."""


class Policy(NamedTuple):
    """How an archive answers. ``withheld`` are SOP classes that are not offered; with ``takes_any_find`` and
    ``takes_any_move`` the unique keys of upper levels need not be there, and keys of any level count, as if relational
    queries and retrievals were always agreed on. ``move_only_to`` is "title" (of the requestor) or "host", "" for any
    node. ``character_set`` is that of answers whose request names none, or none that has their letters, and
    ``overrides`` that of all answers; "" is UTF-8 where it is needed. ``proposal`` is what C-MOVE proposes, None for
    what the objects hold.
    """

    withheld: frozenset[str] = frozenset()
    takes_any_find: bool = False
    takes_any_move: bool = False
    move_only_to: str = ""
    character_set: str = ""
    overrides: bool = False
    proposal: "Proposal | None" = None


class ArchivePlan(NamedTuple):
    """What is answered. ``directory`` None is no archive, ``worklist`` None no worklist; ``nodes`` are where C-MOVE may
    send, by AE title; ``rebuild`` makes the index anew from the objects, which ``on_progress`` hears of: objects read,
    and how many there are; ``tells_objects`` allows the log to name files by their paths, which may hold what patients
    are called by.
    """

    directory: str | None = None
    worklist: str | None = None
    nodes: Mapping[str, Target] = {}
    rebuild: bool = False
    tells_objects: bool = False
    policy: Policy = Policy()
    on_progress: Callable[[int, int], None] | None = None

    def describe(self) -> str:
        """One line for the log."""
        told = [f"archive with {plural(len(self.nodes), 'move destination')}"] if self.directory is not None else []
        return " and ".join(told + (["worklist"] if self.worklist is not None else []))
