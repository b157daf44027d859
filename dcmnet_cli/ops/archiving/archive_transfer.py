"""The sub-operations of C-MOVE and C-GET: instances sent, counted and told (PS3.4 C.4.2, C.4.3)."""

import os
import time
from collections.abc import Callable, Iterator, Sequence

from dcmnet_cli.archive.retrieve import Found
from dcmnet_cli.core.commands import CGetRQ, CMoveRQ
from dcmnet_cli.core.identifier import Element, encode
from dcmnet_cli.core.negotiation import MAXIMUM_CONTEXTS
from dcmnet_cli.core.quantities import plural
from dcmnet_cli.core.text import printable
from dcmnet_cli.core.uids import IMPLICIT_VR_LITTLE_ENDIAN
from dcmnet_cli.errors import DcmnetError, InputError, OutputError
from dcmnet_cli.net.part10 import read_file
from dcmnet_cli.net.service import ServiceRequest
from dcmnet_cli.ops.connect import open_association
from dcmnet_cli.ops.files.sources import FileSource
from dcmnet_cli.ops.results import Report
from dcmnet_cli.ops.storing.packing import Packer
from dcmnet_cli.ops.storing.plan import Instance
from dcmnet_cli.ops.storing.proposals import Proposal
from dcmnet_cli.ops.storing.sending import Courier, Interrupted
from dcmnet_cli.ops.storing.transfer import STORED, WARNED, Outcome
from dcmnet_cli.ops.target import Target

SUCCESS, PENDING, CANCELLED = 0x0000, 0xFF00, 0xFE00
SUB_OPERATIONS_INCOMPLETE = 0xB000
SUB_OPERATIONS_IMPOSSIBLE = 0xA702

_FAILED_SOP_INSTANCE_UID_LIST = 0x00080058
_LONGEST_LIST = 0xFFFE  # bytes of a UI value in explicit VR
_LARGEST_COUNT = 0xFFFF  # counts are US; PS3.7 has no rule for more
_BETWEEN_RESPONSES = 0.2  # seconds between pending responses
Read = Callable[[Found], Instance]
"""Makes an instance ready. Raises InputError or OutputError for one that cannot be sent."""


class SubOperations:
    """What became of the ``total`` instances of one request, and the responses that say so.

    Created once the instances are known: the first pending response goes out then.
    """

    def __init__(self, request: ServiceRequest, total: int) -> None:
        self.request = request
        self.total = total
        self.completed = self.failed = self.warned = 0
        self.is_cancelled = False
        self._failed_uids: list[str] = []
        self._why = ""
        self._begin = self._told = time.monotonic()
        if total:
            self._tell()

    @property
    def remaining(self) -> int:
        """Sub-operations that have not ended."""
        return self.total - self.completed - self.failed - self.warned

    def settle(self, outcome: Outcome) -> None:
        """One more has ended; the peer hears of it now and then."""
        if outcome.kind == STORED:
            self.completed += 1
        elif outcome.kind == WARNED:
            self.warned += 1
        else:
            status = f"refused with status 0x{outcome.status:04X}" if outcome.status is not None else ""
            self.fail(outcome.sop_instance_uid, outcome.reason or status)
        if time.monotonic() - self._told >= _BETWEEN_RESPONSES and self.remaining:
            self._tell()

    def may_go_on(self, _: Instance) -> bool:
        """Whether the peer still wants what is left."""
        self.is_cancelled = self.request.is_cancelled()
        return not self.is_cancelled

    def fail(self, sop_instance_uid: str, why: str) -> None:
        """One that could not be sent, or was not stored."""
        self.failed += 1
        self._failed_uids.append(sop_instance_uid)
        self._why = self._why or why

    def conclude(self) -> int:
        """Send the final response; its status (PS3.4 C.4.2.1.5, C.4.3.1.4)."""
        if self.is_cancelled and self.remaining:
            status = CANCELLED
        elif not self.failed and not self.warned:
            status = SUCCESS
        elif not self.completed and not self.warned:
            status = SUB_OPERATIONS_IMPOSSIBLE
        else:
            status = SUB_OPERATIONS_INCOMPLETE
        counts = self._counts()
        if status != CANCELLED:
            del counts["number_of_remaining_suboperations"]
        self.request.respond(status, self._failed_list(), error_comment=printable(self._why)[:64], **counts)
        return status

    def facts(self) -> dict[str, object]:
        """The counts for programs."""
        return {
            "completed": self.completed,
            "failed": self.failed,
            "warning": self.warned,
            "remaining": self.remaining,
            "seconds": round(time.monotonic() - self._begin, 3),
            "reason": self._why or None,
        }

    def describe(self) -> str:
        """The counts in words."""
        told = [f"{self.completed:,} of {plural(self.total, 'instance')} sent"]
        told += [f"{self.warned:,} with a warning"] if self.warned else []
        told += [f"{self.failed:,} failed: {self._why}"] if self.failed else []
        told += ["cancelled"] if self.is_cancelled else []
        return ", ".join(told)

    def _tell(self) -> None:
        self._told = time.monotonic()
        self.request.respond(PENDING, None, **self._counts())

    def _counts(self) -> dict[str, object]:
        return {
            "number_of_remaining_suboperations": min(self.remaining, _LARGEST_COUNT),
            "number_of_completed_suboperations": min(self.completed, _LARGEST_COUNT),
            "number_of_failed_suboperations": min(self.failed, _LARGEST_COUNT),
            "number_of_warning_suboperations": min(self.warned, _LARGEST_COUNT),
        }

    def _failed_list(self) -> bytes | None:
        """The identifier of the final response, None where nothing failed."""
        if not self._failed_uids:
            return None
        value = "\\".join(self._failed_uids).encode("ascii", "replace")
        if len(value) > _LONGEST_LIST:
            value = value[: value.rindex(b"\\", 0, _LONGEST_LIST)]
        explicit = self.request.context.transfer_syntax != IMPLICIT_VR_LITTLE_ENDIAN
        return encode([Element(_FAILED_SOP_INSTANCE_UID_LIST, "UI", value)], explicit)


def move(
    target: Target, found: Sequence[Found], read: Read, counts: SubOperations, proposal: Proposal | None = None
) -> None:
    """Send ``found`` to ``target``, over as many associations as its SOP classes need; the outcomes go to ``counts``.

    What is proposed is what the objects hold, with uncompressed fallbacks, unless ``proposal`` has something else.
    Raises only what ends the association of the request itself.
    """
    request = counts.request
    message = request.message
    assert isinstance(message, CMoveRQ)
    originator = request.association.requested.calling_ae_title, message.message_id
    for contexts, load in _loads(found, proposal or Proposal()):
        if counts.is_cancelled:
            return
        claim = _Claim(load, read, counts)
        try:
            association = open_association(target, contexts, Report("move"))
        except DcmnetError as error:
            claim.abandon(error.message)
            continue
        try:
            packer = Packer(association.negotiated, "lossless")
            courier = Courier(
                association, packer, priority=message.priority, originator=originator, may_send=counts.may_go_on
            )
            _deliver(courier, claim, counts)
            association.release()
        except Interrupted as interruption:
            association.abort()
            claim.abandon(interruption.error.message)
        except BaseException:
            association.abort()
            raise


def get(found: Sequence[Found], read: Read, counts: SubOperations) -> None:
    """Send ``found`` over the association that asked for it, on the contexts whose SCP the requestor is."""
    request = counts.request
    message = request.message
    assert isinstance(message, CGetRQ)
    association = request.association
    negotiated = association.negotiated
    # For these stores the roles are turned round: what the requestor is SCP of, we are SCU of (PS3.7 D.3.3.4).
    ours = {
        number: context._replace(requestor_is_scu=True)
        for number, context in negotiated.contexts.items()
        if context.requestor_is_scp
    }
    packer = Packer(negotiated._replace(contexts=ours), "lossless")
    courier = Courier(
        association, packer, priority=message.priority, may_send=counts.may_go_on, on_cancel=request.cancelled
    )
    try:
        _deliver(courier, _Claim(found, read, counts), counts)
    except Interrupted as interruption:
        raise interruption.error from interruption


def _deliver(courier: Courier, claim: "_Claim", counts: SubOperations) -> None:
    for outcome in courier.deliver(iter(claim)):
        claim.settled += 1
        counts.settle(outcome)


class _Claim:
    """Instances for one association, opened one after the other.

    ``settled`` counts outcomes. What is no longer on disk fails here, and is not offered.
    """

    def __init__(self, found: Sequence[Found], read: Read, counts: SubOperations) -> None:
        self._found = found
        self._read = read
        self._counts = counts
        self._offered: list[Found] = []
        self._next = 0
        self.settled = 0

    def __iter__(self) -> Iterator[Instance]:
        while self._next < len(self._found):
            one = self._found[self._next]
            self._next += 1
            try:
                instance = self._read(one)
            except (InputError, OutputError) as error:
                self._counts.fail(one.sop_instance_uid, error.message)
                continue
            self._offered.append(one)
            yield instance

    def abandon(self, why: str) -> None:
        """What has no outcome yet fails."""
        for one in (*self._offered[self.settled :], *self._found[self._next :]):
            self._counts.fail(one.sop_instance_uid, why)
        self._next = len(self._found)
        self.settled = len(self._offered)


def read_instance(path: str) -> Instance:
    """A file and what it says of itself now. Raises InputError for one that cannot be sent."""
    source = FileSource(path)
    with source.open() as opened:
        file = read_file(opened.pread, opened.size)
    if file is None or file.problem:
        raise InputError(f"cannot send {os.path.basename(path)}: {file.problem if file else 'not DICOM'}", path=path)
    return Instance(source, file)


_Contexts = list[tuple[str, tuple[str, ...]]]


def _loads(found: Sequence[Found], proposal: Proposal) -> Iterator[tuple[_Contexts, list[Found]]]:
    """``found`` in parts that need no more contexts than an association has, and those contexts."""
    stored: dict[str, dict[str, None]] = {}
    for one in found:
        stored.setdefault(one.sop_class_uid, {})[one.transfer_syntax_uid] = None
    contexts: _Contexts = []
    classes: set[str] = set()
    for sop_class, syntaxes in stored.items():
        proposed = proposal.contexts(syntaxes)[:MAXIMUM_CONTEXTS]
        if len(contexts) + len(proposed) > MAXIMUM_CONTEXTS:
            yield contexts, [one for one in found if one.sop_class_uid in classes]
            contexts, classes = [], set()
        contexts += [(sop_class, each) for each in proposed]
        classes.add(sop_class)
    if contexts:
        yield contexts, [one for one in found if one.sop_class_uid in classes]
