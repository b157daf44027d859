"""An archive as its peers see it: C-FIND, C-MOVE and C-GET over the index, worklists, and what is agreed about them."""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from dcmnet_cli.archive.frame_list import FrameList
from dcmnet_cli.archive.index import Index
from dcmnet_cli.archive.matching import Rules
from dcmnet_cli.archive.query import (
    FIND_MODELS,
    GET_MODELS,
    INSTANCE_ROOT,
    MODELS,
    MOVE_MODELS,
    WITHOUT_BULK_DATA,
    BadIdentifier,
    Query,
    Write,
    check_keys,
)
from dcmnet_cli.archive.retrieve import Found, Selection
from dcmnet_cli.archive.values import Attributes, read_attributes, write_attributes
from dcmnet_cli.archive.worklist import Worklist, WorklistQuery
from dcmnet_cli.core import uids
from dcmnet_cli.core.attributes import keyword_of
from dcmnet_cli.core.commands import CFindRQ, CGetRQ, CMoveRQ
from dcmnet_cli.core.quantities import plural
from dcmnet_cli.core.text import printable, quoted
from dcmnet_cli.core.uids import is_valid_uid
from dcmnet_cli.errors import InputError, InvalidIdentifier, OutputError, ResolveError
from dcmnet_cli.net.resolve import resolve
from dcmnet_cli.net.service import UNRECOGNIZED_OPERATION, ServiceRequest
from dcmnet_cli.ops.archiving.archive_plan import ArchivePlan
from dcmnet_cli.ops.archiving.archive_transfer import Read, SubOperations, get, move, read_instance
from dcmnet_cli.ops.archiving.derivation import UNABLE_TO_EXTRACT, as_it_lies, frames_of, without_bulk_data
from dcmnet_cli.ops.listening.listen_log import EventLog
from dcmnet_cli.ops.storing.plan import Instance
from dcmnet_cli.ops.target import Target

PENDING, PENDING_UNSURE, CANCELLED = 0xFF00, 0xFF01, 0xFE00
MOVE_DESTINATION_UNKNOWN = 0xA801
OUT_OF_RESOURCES, CANNOT_COUNT_MATCHES = 0xA700, 0xA701

_TOGETHER = 32 << 10  # bytes of answers that leave together
_SYNTAXES = (uids.EXPLICIT_VR_LITTLE_ENDIAN, uids.IMPLICIT_VR_LITTLE_ENDIAN)
_RELATIONAL, _COMBINED, _FUZZY, _EMPTY_VALUES, _MULTIPLE_VALUES = 0, 1, 2, 5, 6
_FIND_EXTENDED = bytes((1, 1, 1, 0, 0, 1, 1))
_RETRIEVE_EXTENDED = bytes((1, 0))
_BY_INSTANCE_EXTENDED = bytes((0, 0))
_WORKLIST_EXTENDED = bytes((1, 1, 1, 0))
"""What we agree to, byte by byte, of what extended negotiation offers (PS3.4 C.5, K.5)."""


class ArchiveService:
    """Puts an ``ArchivePlan`` to work; ``title`` is our AE title. Raises as ``Index`` and ``Worklist`` do."""

    def __init__(self, plan: ArchivePlan, title: str, log: EventLog) -> None:
        self._plan = plan
        self._title = title
        self._log = log
        self._worklist = Worklist(plan.worklist, log.warned) if plan.worklist is not None else None
        self.index: Index | None = None
        if plan.directory is not None:
            name_of = printable if plan.tells_objects else _harmless_name
            self.index = Index(
                plan.directory, log.warned, rebuild=plan.rebuild, name_of=name_of, progress=plan.on_progress
            )

    def close(self) -> None:
        """Let go of the folder."""
        if self.index is not None:
            self.index.close()

    def tell(self) -> None:
        """An event about what the archive holds, and what was found different from its index."""
        if self.index is None:
            return
        try:
            counts, repair = self.index.counts(), self.index.repaired
        except OutputError as error:  # since it was opened, a moment ago
            self._log.warned(error.message)
            return
        detail = f"{plural(counts.instances, 'instance')} in {plural(counts.studies, 'study', 'studies')}"
        if repair.added or repair.removed:
            detail += f", index repaired: {repair.added:,} added, {repair.removed:,} removed in {repair.seconds:.1f} s"
        facts: dict[str, object] = {**counts._asdict(), "added": repair.added, "removed": repair.removed}
        self._log.emit("archive", "", detail, facts)
        name_of = printable if self._plan.tells_objects else _harmless_name
        for path, why in repair.unfit:
            self._log.warned(f"{name_of(path)} is not indexed: {why}")
        if repair.unfit_count > len(repair.unfit):
            self._log.warned(f"{repair.unfit_count - len(repair.unfit):,} other files are not indexed")

    # --- what is agreed ----------------------------------------------------------------------------------------

    @property
    def contexts(self) -> dict[str, tuple[str, ...]]:
        """The query and retrieve models that are accepted, with their transfer syntaxes."""
        models = [uid for uid in MODELS if uid not in self._plan.policy.withheld] if self.index is not None else []
        if self._worklist is not None:
            models.append(uids.MODALITY_WORKLIST_FIND)
        return dict.fromkeys(models, _SYNTAXES)

    @property
    def extended(self) -> dict[str, Callable[[bytes], bytes | None]]:
        """The answers to extended negotiation, by SOP class."""
        return {uid: _agreeing_to(_extended_of(uid)) for uid in self.contexts}

    def handlers(self) -> dict[type, Callable[[ServiceRequest], int | None]]:
        """The handlers by request."""
        finding = (*FIND_MODELS, uids.MODALITY_WORKLIST_FIND)
        found: dict[type, Callable[[ServiceRequest], int | None]] = {CFindRQ: _only(finding, self.find)}
        if self.index is not None:
            found |= {CMoveRQ: _only(MOVE_MODELS, self.move), CGetRQ: _only(GET_MODELS, self.get)}
        return found

    # --- C-FIND ------------------------------------------------------------------------------------------------

    def find(self, request: ServiceRequest) -> int | None:
        """Answer a query, response by response; between two of them a C-CANCEL is heard."""
        begin = time.monotonic()
        keys = self._identifier(request)
        if keys is None:
            return None
        attributes, character_set = keys
        try:
            check_keys(attributes)
            answers, unsure, level = self._answers(request, attributes, character_set)
        except BadIdentifier as error:
            self._refuse(request, error)
            return None
        pending = PENDING_UNSURE if unsure else PENDING
        try:
            count, status = _send(request, pending, answers)
        except OutputError as error:
            self._fail(request, OUT_OF_RESOURCES, error)
            return None
        asked = [keyword_of(tag) or f"({tag >> 16:04X},{tag & 0xFFFF:04X})" for tag in _narrowing(attributes)]
        by = f" by {', '.join(asked)}" if asked else ""
        seconds = time.monotonic() - begin
        detail = f"{level}{by}: {plural(count, 'match', 'matches')}{', cancelled' if status else ''} in {seconds:.2f} s"
        facts: dict[str, object] = {"level": level, "keys": asked, "matches": count, "status": f"{status:04X}"}
        self._tell(request, "find", detail, facts | {"seconds": round(seconds, 3)})
        return status

    def _character_sets(self, asked: str) -> tuple[str, ...]:
        """In which character sets to try to answer, before it becomes UTF-8."""
        policy = self._plan.policy
        return (policy.character_set,) if policy.overrides else tuple(filter(None, (asked, policy.character_set)))

    def _answers(
        self, request: ServiceRequest, keys: Attributes, character_set: str
    ) -> tuple[Iterator[bytes | None], bool, str]:
        """(answers as data sets, whether keys are not matched, level)."""
        uid = request.context.abstract_syntax
        explicit = request.context.transfer_syntax != uids.IMPLICIT_VR_LITTLE_ENDIAN
        write = partial(write_attributes, wanted=self._character_sets(character_set), explicit=explicit)
        agreed = request.association.negotiated.extended.get(uid, b"").ljust(len(_FIND_EXTENDED), b"\0")
        if uid == uids.MODALITY_WORKLIST_FIND:
            assert self._worklist is not None  # or the context would not have been accepted
            worklist = WorklistQuery(keys, fuzzy=bool(agreed[_FUZZY]))
            return map(write, worklist.run(self._worklist.steps())), worklist.is_unsure, "worklist"
        rules = Rules(
            fuzzy=bool(agreed[_FUZZY]),
            empty_values=bool(agreed[_EMPTY_VALUES]),
            multiple_values=bool(agreed[_MULTIPLE_VALUES]),
            combined=bool(agreed[_COMBINED]),
        )
        relational = bool(agreed[_RELATIONAL]) or self._plan.policy.takes_any_find
        query = Query(MODELS[uid], keys, rules, relational=relational, title=self._title)
        return self._run(query, write, explicit), query.is_unsure, query.level

    def _run(self, query: Query, write: Write, explicit: bool) -> Iterator[bytes | None]:
        assert self.index is not None
        with self.index.reading() as connection:
            yield from query.encoded(connection, self.index.absolute, write, explicit)

    # --- C-MOVE and C-GET --------------------------------------------------------------------------------------

    def move(self, request: ServiceRequest) -> int | None:
        """Send what is asked for to one of the nodes."""
        message = request.message
        assert isinstance(message, CMoveRQ)
        selected = self._selected(request)
        if selected is None:
            return None
        selection, found, read = selected
        target = self._plan.nodes.get(message.move_destination)
        problem = "unknown" if target is None else self._may_not_move(request, target)
        if target is None or problem:
            comment = f"{problem} move destination {quoted(message.move_destination)}"
            request.respond(MOVE_DESTINATION_UNKNOWN, error_comment=comment[:64])
            self._tell(request, "move", f"{selection.level}: {comment}", {"level": selection.level, "status": "A801"})
            return None
        counts = SubOperations(request, len(found))
        move(target, found, read, counts, self._plan.policy.proposal)
        self._conclude("move", request, selection, counts, f" to {target.facts.label}")
        return None

    def _may_not_move(self, request: ServiceRequest, target: Target) -> str:
        """Why a requestor may not have something sent to ``target``, "" if it may."""
        association, only = request.association, self._plan.policy.move_only_to
        if only == "title" and target.called != association.requested.calling_ae_title:
            return "not its own"
        if only == "host" and not _is_at(target, association.transport.remote):
            return "not its own host's"
        return ""

    def get(self, request: ServiceRequest) -> int | None:
        """Send what is asked for over the association itself."""
        selected = self._selected(request)
        if selected is None:
            return None
        selection, found, read = selected
        counts = SubOperations(request, len(found))
        get(found, read, counts)
        self._conclude("get", request, selection, counts, "")
        return None

    def _selected(self, request: ServiceRequest) -> tuple[Selection, list[Found], Read] | None:
        """What the identifier names, and how it is made ready for sending; None if it was refused."""
        identifier = self._identifier(request)
        if identifier is None:
            return None
        uid = request.context.abstract_syntax
        agreed = request.association.negotiated.extended.get(uid, b"")
        assert self.index is not None
        try:
            relational = bool(agreed[:1].strip(b"\0")) or self._plan.policy.takes_any_move
            selection = Selection(MODELS[uid], identifier[0], relational=relational)
            with self.index.reading() as connection:
                found = list(selection.run(connection))
            if selection.frames is not None and found:
                return selection, *self._extract(found[0], selection.frames)
        except BadIdentifier as error:
            self._refuse(request, error)
            return None
        except OutputError as error:
            self._fail(request, CANNOT_COUNT_MATCHES, error)
            return None
        derive = without_bulk_data if uid == uids.WITHOUT_BULK_DATA_GET else as_it_lies
        return selection, found, lambda one: derive(self._read(one))

    def _read(self, one: Found) -> Instance:
        assert self.index is not None
        return read_instance(self.index.absolute(one.path))

    def _extract(self, one: Found, frames: FrameList) -> tuple[list[Found], Read]:
        """A new instance, before anything is sent: whether it can be made decides on the status."""
        try:
            made = frames_of(self._read(one), frames)
        except (InputError, OutputError) as error:
            raise BadIdentifier(error.message, 0, UNABLE_TO_EXTRACT) from error
        file = made.file
        return [Found(one.path, file.sop_class_uid, file.sop_instance_uid, file.transfer_syntax_uid)], lambda _: made

    def _conclude(
        self, what: str, request: ServiceRequest, selection: Selection, counts: SubOperations, whither: str
    ) -> None:
        status = counts.conclude()
        facts: dict[str, object] = {"level": selection.level, "status": f"{status:04X}", **counts.facts()}
        self._tell(request, what, f"{selection.level}{whither}: {counts.describe()}", facts)

    # --- common ------------------------------------------------------------------------------------------------

    def _identifier(self, request: ServiceRequest) -> tuple[Attributes, str] | None:
        """The identifier and its character set; None if it cannot be read, and then that was answered."""
        data = request.read_data_set()
        try:
            return read_attributes(data, request.context.transfer_syntax != uids.IMPLICIT_VR_LITTLE_ENDIAN)
        except InvalidIdentifier as error:
            self._refuse(request, BadIdentifier(error.message.removeprefix("invalid identifier: "), error.tag))
            return None

    def _refuse(self, request: ServiceRequest, error: BadIdentifier) -> None:
        offending = (error.tag,) if error.tag else ()
        request.respond(error.status, error_comment=error.problem[:64], offending_element=offending)
        self._tell_refusal(request, error.status, error.problem)

    def _fail(self, request: ServiceRequest, status: int, error: OutputError) -> None:
        """The index cannot be used at the moment. What it would have said is unknown, which is not nothing."""
        request.respond(status, error_comment=printable(error.message)[:64])
        self._tell_refusal(request, status, error.message)

    def _tell_refusal(self, request: ServiceRequest, status: int, why: str) -> None:
        what = {CFindRQ: "find", CMoveRQ: "move", CGetRQ: "get"}[type(request.message)]
        self._tell(request, what, f"refused: {why}", {"status": f"{status:04X}"})

    def _tell(self, request: ServiceRequest, event: str, detail: str, facts: dict[str, object]) -> None:
        model = MODELS.get(request.context.abstract_syntax)
        name = f"{model.name} " if model is not None else ""
        named = {"model": model.name if model is not None else "worklist"}
        self._log.retrieved(request.association.transport.remote, event, f"{name}{detail}", facts | named)


def _harmless_name(path: str) -> str:
    """A file in words, for a log that is not to hold names of patients: by its UID, where it bears one."""
    name = os.path.basename(path)
    return name if is_valid_uid(os.path.splitext(name)[0]) or is_valid_uid(name) else "a file (-v names it)"


def _send(request: ServiceRequest, pending: int, answers: Iterable[bytes | None]) -> tuple[int, int]:
    """Send answers, many at a time, and what there is wherever ``answers`` has None; (how many, final status)."""
    waiting: list[bytes] = []
    count = length = 0
    for answer in answers:
        if answer is not None:
            waiting.append(answer)
            length += len(answer)
            count += 1
        if answer is None or length > _TOGETHER or count == 1:  # somebody waits for the first one
            if waiting:
                request.respond_alike(pending, waiting)
            waiting, length = [], 0
            if request.is_cancelled():
                return count, CANCELLED
    if waiting:
        request.respond_alike(pending, waiting)
    return count, 0


def _only(
    classes: Iterable[str], handler: Callable[[ServiceRequest], int | None]
) -> Callable[[ServiceRequest], int | None]:
    """``handler`` for contexts of ``classes``, and a failure for what has no place on other ones."""
    own = frozenset(classes)

    def handle(request: ServiceRequest) -> int | None:
        if request.context.abstract_syntax in own:
            return handler(request)
        request.respond(UNRECOGNIZED_OPERATION, error_comment="no operation of this SOP class")
        return None

    return handle


def _is_at(target: Target, remote: str) -> bool:
    """Whether a node's host has the address of a connection."""
    import ipaddress

    def plain(address: str) -> object:
        parsed = ipaddress.ip_address(address.partition("%")[0])
        return getattr(parsed, "ipv4_mapped", None) or parsed

    asking = plain(remote.rpartition(":")[0].strip("[]"))
    try:
        return any(plain(address.text) == asking for address in resolve(target.host, target.port))
    except ResolveError:
        return False


def _narrowing(keys: Attributes) -> list[int]:
    """The keys that ask for something, but for those that only control the query."""
    return [tag for tag, key in keys.items() if not key.is_empty and tag not in (0x00080005, 0x00080052)]


def _extended_of(uid: str) -> bytes:
    if uid == uids.MODALITY_WORKLIST_FIND:
        return _WORKLIST_EXTENDED
    if uid in FIND_MODELS:
        return _FIND_EXTENDED
    return _BY_INSTANCE_EXTENDED if MODELS[uid] in (INSTANCE_ROOT, WITHOUT_BULK_DATA) else _RETRIEVE_EXTENDED


def _agreeing_to(supported: bytes) -> Callable[[bytes], bytes | None]:
    """An answer that has 1 where 1 was offered and we agree, and no more bytes than were offered."""
    return lambda offered: bytes(int(ours == theirs == 1) for ours, theirs in zip(supported, offered, strict=False))
