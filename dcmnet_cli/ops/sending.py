"""Instances over one association: the next is made ready while the peer works on the last."""

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

from dcmnet_cli.core.commands import MEDIUM, CStoreRQ, CStoreRSP
from dcmnet_cli.core.negotiation import AcceptedContext
from dcmnet_cli.core.pdata import Chunks
from dcmnet_cli.core.status import category
from dcmnet_cli.errors import DcmnetError, UnexpectedRelease
from dcmnet_cli.net.association import Association
from dcmnet_cli.ops.plan import Instance
from dcmnet_cli.ops.transfer import IN_DOUBT, NOT_SENT, REFUSED, STORED, WARNED, Outcome, TimeSpent

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
    """Sends instances over one association. ``spent`` grows as it works."""

    def __init__(
        self,
        association: Association,
        pack: Pack,
        *,
        priority: int = MEDIUM,
        originator: tuple[str, int] | None = None,
    ) -> None:
        self._association = association
        self._pack = pack
        self._priority = priority
        self._originator = originator
        self.spent = TimeSpent()

    def deliver(self, instances: Iterator[Instance]) -> Iterator[Outcome]:
        """An outcome for every instance taken from ``instances``, in order.

        When the association ends before its time, the instance under way gets its outcome (in doubt if it had left
        whole), one taken and not begun is not lost: it comes out as ``NotBegun``, and the error is raised after that.
        """
        following = self._next_parcel(instances)
        while following is not None:
            instance, parcel = following
            if isinstance(parcel, Outcome):
                yield parcel
                following = self._next_parcel(instances)
                continue
            begin = time.monotonic()
            failure = self._send(parcel)
            if failure is None:
                sent = time.monotonic()
                following = self._next_parcel(instances)
                outcome, failure = self._await_answer(instance, parcel, begin, sent)
            else:
                following = None
                outcome = describe(instance, NOT_SENT, parcel, reason=failure.message)
            parcel.close()
            yield outcome
            if failure is not None:
                raise Interrupted(failure, self._unused(following))

    def _next_parcel(self, instances: Iterator[Instance]) -> tuple[Instance, Parcel | Outcome] | None:
        instance = next(instances, None)
        if instance is None:
            return None
        begin = time.monotonic()
        parcel = self._pack(instance)
        seconds = time.monotonic() - begin
        converting = parcel.converting if isinstance(parcel, Parcel) else 0.0
        self.spent = self.spent._replace(
            disk=self.spent.disk + seconds - converting, converting=self.spent.converting + converting
        )
        return instance, parcel

    def _send(self, parcel: Parcel) -> DcmnetError | None:
        """Send one request with its data set; what went wrong, if it did not leave whole."""
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
            return error
        finally:
            self.spent = self.spent._replace(network=self.spent.network + time.monotonic() - begin)
        return None

    def _await_answer(
        self, instance: Instance, parcel: Parcel, begin: float, sent: float
    ) -> tuple[Outcome, DcmnetError | None]:
        waited_from = time.monotonic()
        try:
            received = self._association.receive()
            if received is None:
                raise UnexpectedRelease(f"{self._association.peer} released the association instead of answering")
            self._association.drain()
        except DcmnetError as error:
            return describe(instance, IN_DOUBT, parcel, reason=error.message, seconds=time.monotonic() - begin), error
        finally:
            self.spent = self.spent._replace(waiting=self.spent.waiting + time.monotonic() - waited_from)
        response = received.message
        assert isinstance(response, CStoreRSP)  # the core matched it to our request
        kind = _KINDS.get(category(response.status), REFUSED)
        outcome = describe(instance, kind, parcel, seconds=time.monotonic() - begin)
        return outcome._replace(
            status=response.status,
            error_comment=response.error_comment,
            offending_element=response.offending_element,
        ), None

    @staticmethod
    def _unused(following: tuple[Instance, Parcel | Outcome] | None) -> Instance | None:
        if following is None:
            return None
        instance, parcel = following
        if isinstance(parcel, Parcel):
            parcel.close()
        return instance


class Interrupted(Exception):
    """The association ended before its time. ``unused`` was taken from the iterator and not begun, or is None."""

    def __init__(self, error: DcmnetError, unused: Instance | None) -> None:
        super().__init__(error.message)
        self.error = error
        self.unused = unused


def describe(
    instance: Instance, kind: str, parcel: Parcel | None = None, *, reason: str = "", seconds: float = 0.0
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
        reason=reason,
        changes=parcel.changes if parcel else (),
        notes=file.notes,
        seconds=seconds,
    )
