"""C-MOVE: the peer sends to a third party, or to a listener of ours that runs for as long as it takes.

The peer opens a new connection to the destination, by an address of its own records; the association that asks hears
counts and a final status alone. So what arrives is counted at the listener, and waited for beyond that status.
"""

import socket
import threading
import time
from collections.abc import Sequence
from typing import NamedTuple

from dcmnet_cli.core.commands import MEDIUM, CMoveRQ
from dcmnet_cli.core.negotiation import AcceptedContext
from dcmnet_cli.core.text import printable
from dcmnet_cli.core.uids import EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN
from dcmnet_cli.errors import DcmnetError, OutputError, UsageError
from dcmnet_cli.net.association import Association
from dcmnet_cli.net.observer import Observer
from dcmnet_cli.ops.connect import open_association, require_context
from dcmnet_cli.ops.listening.listen import Listener, ListenPlan
from dcmnet_cli.ops.results import Diagnosis, ListenEvent, Report
from dcmnet_cli.ops.retrieving.reconcile import Claim, Destination, Ledger, Result
from dcmnet_cli.ops.retrieving.retrieve import SOP_CLASSES, Ask, Follower, Plan, Wish, finder, plan_retrieval
from dcmnet_cli.ops.retrieving.suboperations import Operation
from dcmnet_cli.ops.stop import Stop
from dcmnet_cli.ops.target import Target

UNKNOWN_DESTINATION = 0xA801
DEFAULT_PORT = 11112
UNCOMPRESSED = (EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN)
_LOOK_EVERY = 0.02
_MOST_TROUBLES = 5


class MoveOptions(NamedTuple):
    """How to move. ``here`` is the listener to start, None when ``destination`` is somebody else's title; ``grace`` is
    how many seconds of silence end the wait for stragglers; ``syntaxes`` are those of the identifier.
    """

    destination: str
    here: ListenPlan | None = None
    grace: float = 10.0
    syntaxes: tuple[str, ...] = UNCOMPRESSED
    priority: int = MEDIUM
    repeat: int = 1
    aborts: bool = False


def move(
    target: Target,
    wish: Wish,
    options: MoveOptions,
    report: Report,
    *,
    follower: Follower | None = None,
    stop: Stop | None = None,
    observers: Sequence[Observer] = (),
) -> tuple[Result, DcmnetError | None]:
    """Do all of it: find out, listen, ask, wait, compare. The error is what ended it before its time, if anything.

    Raises what is wrong before the first request: no connection, no port, nothing to retrieve.
    """
    return _Mover(target, wish, options, report, follower or Follower(), stop or Stop(), observers).run()


class _Mover:
    def __init__(
        self,
        target: Target,
        wish: Wish,
        options: MoveOptions,
        report: Report,
        follower: Follower,
        stop: Stop,
        observers: Sequence[Observer],
    ) -> None:
        if options.here is None and wish.already is not None:
            raise UsageError("--missing compares with a folder here; it goes with --here")
        self._target = target
        self._wish = wish
        self._options = options
        self._report = report
        self._follower = follower
        self._stop = stop
        self._observers = observers
        self._claims: list[Claim] = []
        self._reception: Reception | None = None
        self._began = time.monotonic()

    def run(self) -> tuple[Result, DcmnetError | None]:
        options = self._options
        # The port comes first: it would be a pity to find it taken when the archive is about to send.
        self._reception = Reception(options.here, self._follower) if options.here is not None else None
        try:
            return self._run()
        finally:
            if self._reception is not None:
                self._reception.stop()

    def _run(self) -> tuple[Result, DcmnetError | None]:
        model = self._wish.model
        find, retrieve = SOP_CLASSES[model, "find"], SOP_CLASSES[model, "move"]
        syntaxes = self._options.syntaxes
        contexts = [(find, syntaxes)] * self._wish.asks_first + [(retrieve, syntaxes)]
        with open_association(self._target, contexts, self._report, observers=self._observers) as association:
            context = association.negotiated.contexts[require_context(association, retrieve, "C-MOVE")]
            plan = plan_retrieval(self._asker(association, find), self._wish, association.peer, self._report.notes)
            self._follower.resolved(plan)
            destination = self._destination(association)
            ledger = Ledger(plan.expected)
            if self._reception is not None:
                self._reception.start(ledger)
                if plan.requests:
                    self._follower.listening(destination, self._reception.addresses)
            error = self._ask(association, context, plan)
            if self._options.aborts:
                association.abort()
        ledger.final()
        if self._reception is not None and plan.requests:
            self._await_stragglers(self._reception, ledger)
        return self._result(plan, destination, ledger), error

    def _asker(self, association: Association, sop_class_uid: str) -> Ask | None:
        if not self._wish.asks_first:
            return None
        context = association.negotiated.find(sop_class_uid)
        if context is None:
            self._report.notes.append(f"{association.peer} offers no C-FIND here, so nothing says what to expect")
            return None
        return finder(association, context.context_id, self._wish.model, lambda: self._stop.is_asked)

    def _destination(self, association: Association) -> Destination:
        here = self._options.here
        if here is None or self._reception is None:
            return Destination(self._options.destination)
        address = association.transport.local.rpartition(":")[0].strip("[]")
        return Destination(
            self._options.destination,
            socket.gethostname(),
            (here.host,) if here.host is not None else (address,),
            self._reception.port,
            here.tls is not None,
            _takes(here),
        )

    def _ask(self, association: Association, context: AcceptedContext, plan: Plan) -> DcmnetError | None:
        """Send the requests, one after the other, until one fails for all of them or the user has had enough."""
        reception = self._reception
        operation = Operation(
            association,
            self._stop,
            pending=self._follower.pending,
            notes=self._report.notes,
            handlers={},
            life=(lambda: 0.0) if reception is None else lambda: reception.last_sign,
            failed=lambda error: None,
        )
        for request in plan.requests * self._options.repeat:
            if self._stop.is_asked:
                break
            message = CMoveRQ(
                association.next_message_id(),
                context.abstract_syntax,
                self._options.destination,
                self._options.priority,
            )
            self._follower.asked(request)
            begin = time.monotonic()
            try:
                claim = operation.perform(context, message, request)
            except DcmnetError as error:
                self._claims.append(Claim(request.describe(), None, seconds=time.monotonic() - begin))
                return error
            self._claims.append(claim)
            if claim.status == UNKNOWN_DESTINATION:
                break  # it will not know it for the next request either
        return None

    def _await_stragglers(self, reception: "Reception", ledger: Ledger) -> None:
        """Wait for what is still on its way, as long as there is hope: until all is here, or nothing has moved for the
        grace time."""
        final = time.monotonic()
        if not reception.connections and all(claim.category == "failure" for claim in self._claims):
            return
        while not self._stop.is_asked and not self._has_enough(reception, ledger):
            if time.monotonic() - max(final, reception.last_sign) >= self._options.grace:
                return
            time.sleep(_LOOK_EVERY)

    def _has_enough(self, reception: "Reception", ledger: Ledger) -> bool:
        given_up = [uid for claim in self._claims for uid in claim.failed_uids]
        if ledger.is_complete(given_up):
            return True
        if reception.active:
            return False
        counts = [claim.counts for claim in self._claims]
        failed = sum(each.failed or 0 for each in counts)
        if ledger.expected is not None:
            return failed > 0 and ledger.distinct >= ledger.expected - failed
        done = [each.done for each in counts]
        return None not in done and 0 < sum(filter(None, done)) - failed <= ledger.distinct

    def _result(self, plan: Plan, destination: Destination, ledger: Ledger) -> Result:
        reception = self._reception
        result = Result(
            "move",
            plan.entities,
            plan.expected,
            plan.already,
            tuple(self._claims),
            destination=destination,
            seconds=time.monotonic() - self._began,
            associations=1,
            cancelled=self._stop.is_asked,
        )
        if reception is None:
            return result
        reception.stop()
        here = self._options.here
        is_kept = here is not None and here.storage is not None and here.storage.directory is not None
        result = result._replace(arrival=ledger.arrival(kept=is_kept), missing=ledger.missing())
        is_known = all(claim.status != UNKNOWN_DESTINATION for claim in self._claims)
        if is_known and not result.is_complete and not ledger.distinct and not result.cancelled:
            result = result._replace(diagnosis=_nothing_came(result, reception))
        return result


def _takes(plan: ListenPlan) -> str:
    """What the listener accepts, for whoever has to send it."""
    storage = plan.storage
    classes = f"{len(storage.only)} storage classes" if storage is not None and storage.only else "all storage classes"
    is_limited = storage is not None and storage.transfer_syntaxes
    return f"{classes}, {'Implicit VR Little Endian only' if is_limited else 'all transfer syntaxes'}"


class Reception:
    """The listener of one move. Bound at once (raises ListenError, OutputError), it serves from ``start`` to ``stop``.

    ``troubles`` says in words what went wrong at it, the first few times.
    """

    def __init__(self, plan: ListenPlan, follower: Follower) -> None:
        storage = plan.storage._replace(tells_objects=True) if plan.storage is not None else None
        self._listener = Listener(plan._replace(storage=storage), self._heard)
        self._follower = follower
        self._ledger: Ledger | None = None
        self._thread = threading.Thread(target=self._listener.run, daemon=True)
        self.addresses = self._listener.addresses
        self.port = self._listener.port
        self.connections = 0
        self.troubles: list[str] = []

    @property
    def last_sign(self) -> float:
        """When anything was last heard from those who send, on the monotonic clock; 0 for never."""
        arrived = self._ledger.last_arrival if self._ledger is not None else 0.0
        return max(arrived, self._listener.last_heard)

    @property
    def active(self) -> int:
        """How many associations are open."""
        return self._listener.active

    def start(self, ledger: Ledger) -> None:
        """Take what comes from now on, into ``ledger``."""
        self._ledger = ledger
        self._thread.start()

    def stop(self) -> None:
        """Accept nothing more, and wait for the end of what is under way. More than once does no harm."""
        self._listener.stop()
        if self._thread.ident is None:
            self._thread.start()  # it closes the sockets on its way out
        self._thread.join()

    def _heard(self, event: ListenEvent) -> None:
        facts = event.facts
        self._follower.heard(event)
        if event.event == "stored" and self._ledger is not None:
            if facts["outcome"] == "rejected":
                self._ledger.refused("an instance of this name is there already")
                return
            length = facts["bytes"]
            assert isinstance(length, int)
            self._ledger.arrived(str(facts["sop_instance_uid"]), length)
            self._follower.arrived(length)
        elif event.event == "association":
            self.connections += 1
        elif event.event in ("failed", "rejected", "aborted", "not_dicom", "warning"):
            if self._ledger is not None:
                self._note_loss(self._ledger, facts)
            if len(self.troubles) < _MOST_TROUBLES:
                self.troubles.append(f"{event.event.replace('_', ' ')}, {event.peer}: {printable(event.detail)}")

    @staticmethod
    def _note_loss(ledger: Ledger, facts: dict[str, object]) -> None:
        """Objects that came and could not be kept, or not be made durable."""
        message = str(facts.get("message", ""))
        error = OutputError(message) if facts.get("kind") == "output" else DcmnetError(message)
        objects = facts.get("not_durable")
        if isinstance(objects, int):
            ledger.not_durable(objects, error)
        elif "not_stored" in facts:
            ledger.refused(error)


def _nothing_came(result: Result, reception: Reception) -> Diagnosis:
    """Not one object arrived: what that usually is, from what the listener has seen of it."""
    destination = result.destination or Destination("")
    where = f"{', '.join(destination.addresses)} port {destination.port}"
    facts = tuple(("Listener", trouble) for trouble in reception.troubles)
    if reception.connections or reception.troubles:
        return Diagnosis(
            "association",
            "the archive connected and brought nothing",
            facts,
            "The archive does reach this listener, and what it wanted to send did not go through.",
            (
                "Run again with -v: it shows the associations that come in, and what became of them.",
                "TLS on one side only looks like this: compare what the archive has on file for this title.",
                "Does the archive offer storage classes or transfer syntaxes that were restricted here?",
            ),
            "peer",
        )
    return Diagnosis(
        "tcp",
        "no connection reached this listener",
        (),
        f"The archive opens a new connection to the address it has on file for {destination.title}, and that did not "
        f"arrive at {where}: it went elsewhere, or was stopped on the way.",
        (
            f"Ask the PACS team which host and port are on file for {destination.title}; here it is {where}.",
            "Ask the network team whether a firewall lets the archive open connections to this host and port.",
            "Does another program, or an older workstation, bear the same AE title? Then it has the objects.",
            "If the archive offers C-GET, dcmnet get needs no connection back.",
        ),
        "peer",
    )
