"""What a listener does with objects: which it takes, where they go, who is told."""

import os
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from dcmnet_cli.core import uids
from dcmnet_cli.core.commands import CStoreRQ
from dcmnet_cli.core.quantities import plural
from dcmnet_cli.errors import AssociationAborted, DcmnetError, OutputError
from dcmnet_cli.net.server import ServerObserver
from dcmnet_cli.net.service import ServiceRequest
from dcmnet_cli.net.sink import Folder
from dcmnet_cli.ops.listening.faults import Faults
from dcmnet_cli.ops.listening.hook_commands import STUDY, Command, StoredObject
from dcmnet_cli.ops.listening.hooks import HookLimits, Hooks
from dcmnet_cli.ops.listening.listen_log import EventLog
from dcmnet_cli.ops.listening.naming import NameOptions, Naming
from dcmnet_cli.ops.listening.receive import ReceivedObject, ReceivePlan, Receiver

KEPT = ("stored", "renamed", "overwritten")
"""Outcomes that put new bytes into the folder."""
_MOST_UNSYNCED = 200  # objects of an association that wait for its end: its release should not take minutes
_STORAGE_SERVICES = ("Storage", "Non-Patient Object Storage")


class StoragePlan(NamedTuple):
    """What is stored and how. ``directory`` None drops what comes. Empty ``only`` takes every storage class and every
    class that PS3.6 does not know; empty ``transfer_syntaxes`` every one, ``preferred`` first. ``tells_objects`` makes
    every object an event.
    """

    directory: str | None
    names: NameOptions = NameOptions(extension=".dcm")
    on_duplicate: str = "skip"
    sync: str = "none"
    convert_to: str = ""
    only: frozenset[str] = frozenset()
    transfer_syntaxes: tuple[str, ...] = ()
    preferred: tuple[str, ...] = ()
    hooks: tuple[Command, ...] = ()
    hook_limits: HookLimits = HookLimits()
    tells_objects: bool = False

    def takes(self, sop_class_uid: str) -> bool:
        """Whether objects of a SOP class are taken. Other services' classes are not storage, whoever proposes them."""
        if self.only:
            return sop_class_uid in self.only
        entry = uids.lookup(sop_class_uid)
        return entry is None or entry.service_class in _STORAGE_SERVICES

    def describe(self) -> str:
        """One line for the log."""
        classes = f"{plural(len(self.only), 'class', 'classes')}" if self.only else "all classes"
        where = f"to {self.directory}" if self.directory is not None else "dropped"
        return f"{classes} {where}"


class Storage(ServerObserver):
    """Puts a ``StoragePlan`` to work; ``index`` gets the path of each new object.

    Raises OutputError for a folder that cannot be written to.
    """

    def __init__(
        self,
        plan: StoragePlan,
        log: EventLog,
        faults: Faults | None = None,
        index: Callable[[str], None] | None = None,
    ) -> None:
        self._log = log
        self._index = index
        self._tells_objects = plan.tells_objects
        naming = Naming(plan.names)
        folder = None
        if plan.directory is not None:
            folder = Folder(plan.directory, on_duplicate=plan.on_duplicate, sync=plan.sync)
        follows_studies = any(command.event == STUDY for command in plan.hooks) or plan.names.folders in (
            "study",
            "patient-name",
        )
        self._hooks = (
            Hooks(plan.hooks, log.hook_ended, log.warned, limits=plan.hook_limits, study_ended=naming.end_of_study)
            if plan.hooks or follows_studies
            else None
        )
        receive_plan = ReceivePlan(
            folder, naming, plan.convert_to, bool(self._hooks) or plan.tells_objects, faults, plan.takes
        )
        self.receiver = Receiver(receive_plan, self._arrived, self._failed)
        self._syncs_at_end = folder if plan.sync == "association" else None
        self._unsynced: dict[str, list[str]] = {}
        self._in_doubt: set[str] = set()  # associations that brought what could not be made durable

    def finish(self, grace: float) -> None:
        """The server has ended: let hooks run to their end, within the grace time."""
        if self._hooks is not None and not self._hooks.finish(grace):
            self._log.warned("some hooks did not end in time and were stopped")

    def closed(self, remote: str) -> None:
        """The end of an association, for one that was not released: what it brought is made durable all the same."""
        self._make_durable(remote)
        self._in_doubt.discard(remote)

    def _make_durable(self, remote: str) -> None:
        paths = self._unsynced.pop(remote, [])
        if self._syncs_at_end is None or not paths:
            return
        try:
            self._syncs_at_end.sync_files(paths)
        except OutputError as error:
            self._in_doubt.add(remote)
            self._log.not_durable(remote, len(paths), error)

    def _before_release(self, remote: str) -> None:
        """The confirmation of the release says that all is durable; what was acknowledged and is not costs it."""
        self._make_durable(remote)
        if remote in self._in_doubt:
            raise AssociationAborted("what it brought could not be made durable", 0, 0, by_peer=False)

    def _arrived(self, request: ServiceRequest, received: ReceivedObject) -> None:
        remote = request.association.transport.remote
        self._log.received(remote, received, tell=self._tells_objects)
        stored = received.stored
        if stored is None:
            return
        if self._index is not None and stored.outcome in KEPT:
            self._index(stored.path)
        if self._syncs_at_end is not None:
            waiting = self._unsynced.setdefault(remote, [])
            waiting.append(stored.path)
            request.association.before_release = partial(self._before_release, remote)
            if len(waiting) >= _MOST_UNSYNCED:
                self._make_durable(remote)
        if self._hooks is not None and stored.outcome in KEPT:
            self._hooks.object_stored(self._stored_object(request, received, os.path.abspath(stored.path)))

    def _stored_object(self, request: ServiceRequest, received: ReceivedObject, path: str) -> StoredObject:
        asked = request.association.requested
        remote = request.association.transport.remote
        return StoredObject(
            path,
            received.sop_class_uid,
            received.sop_instance_uid,
            received.study_instance_uid,
            received.transfer_syntax_uid,
            asked.calling_ae_title,
            asked.called_ae_title,
            remote.rpartition(":")[0].strip("[]"),
            self._log.identity_of(remote),
            received.length,
            received.stored.outcome if received.stored else "",
            time.time(),
        )

    def _failed(self, request: ServiceRequest, error: DcmnetError) -> None:
        message = request.message
        assert isinstance(message, CStoreRQ)
        self._log.not_stored(request.association.transport.remote, message.affected_sop_instance_uid, error)
