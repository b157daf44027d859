"""C-GET: the peer sends over the association that asks, so nothing has to reach us from outside (PS3.4 C.4.3).

The storage contexts are proposed with us as their SCP. Which ones is found out by C-FIND first, as an association has
room for a part of all classes only.
"""

import time
from collections.abc import Sequence
from typing import NamedTuple

from dcmnet_cli.core.commands import MEDIUM, CEchoRQ, CGetRQ, CStoreRQ
from dcmnet_cli.core.negotiation import Negotiated
from dcmnet_cli.core.pdu import RoleSelection
from dcmnet_cli.core.uids import short_name
from dcmnet_cli.errors import DcmnetError, NoAcceptedContext, OutputError
from dcmnet_cli.net.association import Association, Received
from dcmnet_cli.net.observer import Observer
from dcmnet_cli.net.service import ServiceRequest, answer_echo
from dcmnet_cli.net.sink import Folder
from dcmnet_cli.ops.connect import open_association, require_context
from dcmnet_cli.ops.listening.naming import Naming
from dcmnet_cli.ops.listening.receive import ReceivedObject, ReceivePlan, Receiver
from dcmnet_cli.ops.listening.storage import StoragePlan
from dcmnet_cli.ops.results import Report
from dcmnet_cli.ops.retrieving.get_contexts import Batch, plan_batches
from dcmnet_cli.ops.retrieving.move import UNCOMPRESSED
from dcmnet_cli.ops.retrieving.reconcile import Claim, Ledger, Result
from dcmnet_cli.ops.retrieving.retrieve import SOP_CLASSES, Follower, Plan, Wish, finder, plan_retrieval
from dcmnet_cli.ops.retrieving.suboperations import Operation
from dcmnet_cli.ops.stop import Stop
from dcmnet_cli.ops.target import Target


class GetOptions(NamedTuple):
    """How to get. ``storage`` is where objects go, as for a listener; its ``preferred`` transfer syntaxes are proposed
    in place of the usual ones. ``strict_roles`` takes no objects where the peer did not confirm our role; ``syntaxes``
    are those of the identifier.
    """

    storage: StoragePlan
    syntaxes: tuple[str, ...] = UNCOMPRESSED
    strict_roles: bool = False
    priority: int = MEDIUM
    repeat: int = 1
    aborts: bool = False


def get(
    target: Target,
    wish: Wish,
    options: GetOptions,
    report: Report,
    *,
    follower: Follower | None = None,
    stop: Stop | None = None,
    observers: Sequence[Observer] = (),
) -> tuple[Result, DcmnetError | None]:
    """Do all of it: find out, propose, ask, take, compare. The error is what ended it before its time, if anything.

    Raises what is wrong before the first request: no connection, no C-GET at the peer, no folder, nothing to retrieve.
    """
    return _Getter(target, wish, options, report, follower or Follower(), stop or Stop(), observers).run()


class _Getter:
    def __init__(
        self,
        target: Target,
        wish: Wish,
        options: GetOptions,
        report: Report,
        follower: Follower,
        stop: Stop,
        observers: Sequence[Observer],
    ) -> None:
        self._target = target
        self._wish = wish
        self._options = options
        self._report = report
        self._follower = follower
        self._stop = stop
        self._observers = observers
        self._sop_class_uid = SOP_CLASSES[wish.model, "get"]
        self._claims: list[Claim] = []
        self._classes: dict[str, int] = {}
        self._associations = 0
        self._odd = 0
        self._ledger = Ledger(None)
        storage = options.storage
        self._folder: Folder | None = None
        self._unsynced: list[str] = []
        if storage.directory is not None:
            self._folder = Folder(storage.directory, on_duplicate=storage.on_duplicate, sync=storage.sync)
        plan = ReceivePlan(self._folder, Naming(storage.names), storage.convert_to)
        self._receiver = Receiver(plan, self._arrived, lambda request, error: self._ledger.refused(error))
        self._began = time.monotonic()

    def run(self) -> tuple[Result, DcmnetError | None]:
        plan = self._plan()
        self._ledger = Ledger(plan.expected)
        self._follower.resolved(plan)
        storage = self._options.storage
        error: DcmnetError | None = None
        if plan.requests:
            for batch in plan_batches(plan.requests, plan.expected, storage.preferred, storage.only):
                error = self._fetch(batch)
                if error is not None or self._stop.is_asked:
                    break
        return self._result(plan), error

    def _plan(self) -> Plan:
        """Ask what there is, on an association of its own: its answers decide what the next one proposes."""
        notes = self._report.notes
        label = self._target.facts.label
        if not self._wish.asks_first or self._wish.level == "FRAME":
            return plan_retrieval(None, self._wish, label, notes)
        sop_class_uid = SOP_CLASSES[self._wish.model, "find"]
        contexts = [(sop_class_uid, self._options.syntaxes)]
        with open_association(self._target, contexts, self._report, observers=self._observers) as association:
            context = association.negotiated.find(sop_class_uid)
            if context is None:
                notes.append(f"{label} offers no C-FIND here, so nothing says what to propose and to expect")
                return plan_retrieval(None, self._wish, label, notes)
            ask = finder(association, context.context_id, self._wish.model, lambda: self._stop.is_asked)
            return plan_retrieval(ask, self._wish, label, notes)

    def _fetch(self, batch: Batch) -> DcmnetError | None:
        """One association, and the requests that go over it."""
        contexts = [(self._sop_class_uid, self._options.syntaxes), *batch.contexts]
        roles = [RoleSelection(uid, False, True) for uid, _ in batch.classes]
        try:
            association = open_association(self._target, contexts, self._report, roles=roles, observers=self._observers)
        except DcmnetError as failure:
            if not self._claims:
                raise
            return failure
        self._associations += 1
        self._classes |= dict(batch.classes)
        with association:
            self._require_get(association)
            self._note_refusals(association.negotiated, batch)
            self._follower.proposed(batch.classes, len(contexts))
            error = self._ask(association, batch)
            if self._options.aborts:
                association.abort()
        self._make_durable()
        return error

    def _make_durable(self) -> None:
        """What one association brought, if that was asked for by association."""
        if self._folder is None or not self._unsynced:
            return
        try:
            self._folder.sync_files(self._unsynced)
        except OutputError as error:
            self._ledger.not_durable(len(self._unsynced), error)
        self._unsynced = []

    def _require_get(self, association: Association) -> int:
        """The context of C-GET. Raises NoAcceptedContext, with what the peer has in its place."""
        try:
            return require_context(association, self._sop_class_uid, "C-GET")
        except NoAcceptedContext as error:
            association.release()
            if self._offers_move():
                error.hints = (
                    f"{association.peer} offers C-MOVE: dcmnet move with --here FOLDER brings the objects to this "
                    "computer, once the peer knows our AE title, host and port.",
                )
                error.message += "; it offers C-MOVE"
                error.args = (error.message,)
            raise

    def _offers_move(self) -> bool:
        """Whether the peer takes a C-MOVE instead. Asks for nothing."""
        sop_class_uid = SOP_CLASSES.get((self._wish.model, "move"), SOP_CLASSES["study", "move"])
        contexts = [(sop_class_uid, self._options.syntaxes)]
        try:
            aside = Report(self._report.command)
            with open_association(self._target, contexts, aside, observers=self._observers) as association:
                return association.negotiated.find(sop_class_uid) is not None
        except DcmnetError:
            return False

    def _note_refusals(self, negotiated: Negotiated, batch: Batch) -> None:
        """Say which classes cannot come, and where the peer left our role open."""
        usable = {context.abstract_syntax for context in negotiated.contexts.values()}
        for uid, _ in batch.classes:
            if uid in batch.certain and uid not in usable:
                self._report.notes.append(f"no context for {short_name(uid) or uid}: its objects cannot come")
        answered = {role.sop_class_uid: role for role in negotiated.peer.roles}
        silent = [uid for uid, _ in batch.classes if uid in usable and uid not in answered]
        refused = [uid for uid, role in answered.items() if uid in usable and not role.scp_role]
        if silent:
            taken = "not taken, as asked" if self._options.strict_roles else "taken as granted"
            self._report.notes.append(
                f"the peer left the SCP role for {len(silent)} of {len(batch.classes)} SOP classes unanswered: {taken}"
            )
        for uid in refused:
            self._report.notes.append(f"the peer refuses us the SCP role for {short_name(uid) or uid}")

    def _ask(self, association: Association, batch: Batch) -> DcmnetError | None:
        context = association.negotiated.contexts[self._require_get(association)]
        operation = Operation(
            association,
            self._stop,
            pending=self._follower.pending,
            notes=self._report.notes,
            handlers={CStoreRQ: self._receiver, CEchoRQ: answer_echo},
            prepare=self._grant,
            failed=lambda error: self._ledger.refused(f"{type(error).__name__}: {error}"),
        )
        for request in batch.requests * self._options.repeat:
            if self._stop.is_asked:
                break
            self._follower.asked(request)
            message = CGetRQ(association.next_message_id(), context.abstract_syntax, self._options.priority)
            begin = time.monotonic()
            try:
                self._claims.append(operation.perform(context, message, request))
            except DcmnetError as error:
                self._claims.append(Claim(request.describe(), None, seconds=time.monotonic() - begin))
                return error
        return None

    def _grant(self, received: Received) -> Received:
        """Peers that use a role without having confirmed it, of which there are many, are taken at their deeds."""
        if self._options.strict_roles or not isinstance(received.message, CStoreRQ):
            return received
        return received._replace(context=received.context._replace(requestor_is_scp=True))

    def _arrived(self, request: ServiceRequest, received: ReceivedObject) -> None:
        if received.stored is not None and received.stored.outcome == "rejected":
            self._ledger.refused("an instance of this name is there already")
            return
        if received.stored is not None and self._options.storage.sync == "association":
            self._unsynced.append(received.stored.path)
        self._ledger.arrived(received.sop_instance_uid, received.length)
        self._follower.arrived(received.length)
        self._odd += len(received.notes)

    def _result(self, plan: Plan) -> Result:
        if self._odd:
            self._report.notes.append(f"{self._odd} objects hold another SOP Instance UID than their command named")
        return Result(
            "get",
            plan.entities,
            plan.expected,
            plan.already,
            tuple(self._claims),
            self._ledger.arrival(kept=self._options.storage.directory is not None),
            self._ledger.missing(),
            seconds=time.monotonic() - self._began,
            proposed=tuple(self._classes.items()),
            associations=self._associations,
            cancelled=self._stop.is_asked,
        )
