"""What a listener is to answer as an archive: cheap to import for listeners that are none."""

from collections.abc import Mapping
from typing import NamedTuple

from dcmnet_cli.core.quantities import plural
from dcmnet_cli.ops.target import Target


class ArchivePlan(NamedTuple):
    """What is answered. ``directory`` None is no archive, ``worklist`` None no worklist; ``nodes`` are where C-MOVE may
    send, by AE title; ``rebuild`` makes the index anew from the objects; ``tells_objects`` allows the log to name
    files by their paths, which may hold what patients are called by.
    """

    directory: str | None = None
    worklist: str | None = None
    nodes: Mapping[str, Target] = {}
    rebuild: bool = False
    tells_objects: bool = False

    def describe(self) -> str:
        """One line for the log."""
        told = [f"archive with {plural(len(self.nodes), 'move destination')}"] if self.directory is not None else []
        return " and ".join(told + (["worklist"] if self.worklist is not None else []))
