"""Instances over one association: the next is made ready while the peer works on the last."""

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

from dcmnet_cli.core.commands import MEDIUM, CCancelRQ, CStoreRQ, CStoreRSP
from dcmnet_cli.core.negotiation import AcceptedContext
from dcmnet_cli.core.pdata import Chunks
from dcmnet_cli.core.status import category
from dcmnet_cli.errors import DcmnetError
from dcmnet_cli.net.association import Association
from dcmnet_cli.ops.storing.plan import Instance
from dcmnet_cli.ops.storing.transfer import IN_DOUBT, NOT_SENT, REFUSED, STORED, WARNED, Outcome, TimeSpent

_KINDS = {"success": STORED, "warning": WARNED}


class Parcel(NamedTuple):
    """One instance ready to go: on which context, under which UIDs, and its bytes. ``close`` frees what it holds."""

    context: AcceptedContext
    sop_class_uid: str
    sop_instance_uid: str
    data_set: Chunks
    close: Callable[[], None]
    changes: tuple[str, ...] = ()
    converting: float = 0.0


Pack: TypeAlias = Callable[[Instance], Parcel | Outcome]
"""Makes an instance ready, or says why it cannot be sent."""


class Courier:
    """Sends instances over one association. ``spent`` grows as it works.

    ``may_send`` is asked right before each instance leaves, and may take its time; False ends the delivery.
    ``on_cancel`` gets the C-CANCELs of a peer whose own C-GET this serves.
    """

    def __init__(
        self,
        association: Association,
        pack: Pack,
        *,
        priority: int = MEDIUM,
        originator: tuple[str, int] | None = None,
        may_send: Callable[[Instance], bool] = lambda _: True,
        on_cancel: Callable[[CCancelRQ], None] | None = None,
    ) -> None:
        self._association = association
        self._pack = pack
        self._priority = priority
        self._originator = originator
        self._may_send = may_send
        self._on_cancel = on_cancel
        self._waiting = self._network = self._converting = self._disk = 0.0  # seconds, by object: no records here

    @property
    def spent(self) -> TimeSpent:
        """Where the time went so far."""
        return TimeSpent(self._waiting, self._network, self._converting, self._disk)

    def deliver(self, instances: Iterator[Instance]) -> Iterator[Outcome]:
        """The outcomes of the instances taken from ``instances``, in order.

        One that was taken and not begun when the delivery ends has none. Raises Interrupted when the association ends
        before its time.
        """
        following = self._next_parcel(instances)
        try:
            while following is not None:
                instance, parcel = following
                if isinstance(parcel, Outcome):
                    yield parcel
                    following = self._next_parcel(instances)
                    continue
                if not self._may_send(instance):
                    return
                begin = time.monotonic()
                self._send(instance, parcel)
                sent = time.monotonic()
                try:
                    following = self._next_parcel(instances)
                    outcome, failure = self._await_answer(instance, parcel, begin, sent)
                finally:
                    parcel.close()
                yield outcome
                if failure is not None:
                    raise Interrupted(failure)
        finally:
            if following is not None and isinstance(following[1], Parcel):
                following[1].close()

    def _next_parcel(self, instances: Iterator[Instance]) -> tuple[Instance, Parcel | Outcome] | None:
        instance = next(instances, None)
        if instance is None:
            return None
        begin = time.monotonic()
        parcel = self._pack(instance)
        seconds = time.monotonic() - begin
        converting = parcel.converting if isinstance(parcel, Parcel) else 0.0
        self._disk += seconds - converting
        self._converting += converting
        return instance, parcel

    def _send(self, instance: Instance, parcel: Parcel) -> None:
        """Send one request with its data set. Raises Interrupted if it does not leave whole."""
        title, number = self._originator or ("", None)
        request = CStoreRQ(
            self._association.next_message_id(),
            parcel.sop_class_uid,
            parcel.sop_instance_uid,
            self._priority,
            title,
            number,
        )
        begin = time.monotonic()
        try:
            self._association.send(parcel.context.context_id, request, parcel.data_set)
        except DcmnetError as error:
            raise Interrupted(error, describe(instance, NOT_SENT, parcel, reason=error.message)) from error
        finally:
            self._network += time.monotonic() - begin

    def _await_answer(
        self, instance: Instance, parcel: Parcel, begin: float, sent: float
    ) -> tuple[Outcome, DcmnetError | None]:
        waited_from = time.monotonic()
        try:
            response = self._association.receive_response("the response to C-STORE-RQ", self._on_cancel)
        except DcmnetError as error:
            return describe(instance, IN_DOUBT, parcel, reason=error.message, seconds=time.monotonic() - begin), error
        finally:
            self._waiting += time.monotonic() - waited_from
        assert isinstance(response, CStoreRSP)  # the core matched it to our request
        kind = _KINDS.get(category(response.status), REFUSED)
        return describe(instance, kind, parcel, response=response, seconds=time.monotonic() - begin), None


class Interrupted(Exception):
    """The association ended before its time.

    ``cut_short`` is the outcome of the instance that did not leave whole because of that, if there is one: the peer
    cannot have it, so it may be sent again. ``is_useful`` is for the caller to note that there had been answers.
    """

    def __init__(self, error: DcmnetError, cut_short: Outcome | None = None) -> None:
        super().__init__(error.message)
        self.error = error
        self.cut_short = cut_short
        self.is_useful = False


def describe(
    instance: Instance,
    kind: str,
    parcel: Parcel | None = None,
    *,
    response: CStoreRSP | None = None,
    reason: str = "",
    seconds: float = 0.0,
) -> Outcome:
    """The outcome of an instance, with everything known about it."""
    file = instance.file
    return Outcome(
        instance.source.label,
        kind,
        parcel.sop_class_uid if parcel else file.sop_class_uid,
        parcel.sop_instance_uid if parcel else file.sop_instance_uid,
        file.study_instance_uid,
        file.transfer_syntax_uid,
        parcel.context.transfer_syntax if parcel else "",
        parcel.data_set.length if parcel else file.length,
        response.status if response else None,
        response.error_comment if response else "",
        response.offending_element if response else (),
        reason,
        changes=parcel.changes if parcel else (),
        notes=file.notes,
        seconds=seconds,
    )
