"""C-FIND: ask, take the answers as they come, stop early in good order (PS3.7 9.1.2, PS3.4 C.4.1)."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from dcmnet_cli.core import uids
from dcmnet_cli.core.commands import MEDIUM, CCancelRQ, CFindRQ, CFindRSP, message_name
from dcmnet_cli.core.identifier import Element, character_set_of, decode, encode
from dcmnet_cli.core.negotiation import AcceptedContext
from dcmnet_cli.core.pdu import ExtendedNegotiation
from dcmnet_cli.core.status import CANCEL, PENDING, PENDING_WARNING
from dcmnet_cli.core.text import printable
from dcmnet_cli.errors import (
    InvalidIdentifier,
    NoAcceptedContext,
    OperationFailed,
    UnexpectedMessage,
    UnexpectedRelease,
    UsageError,
)
from dcmnet_cli.net.association import Association
from dcmnet_cli.ops.querying.answers import Ending, Match, Relaxed
from dcmnet_cli.ops.querying.deflation import packed, unpacked
from dcmnet_cli.ops.querying.key_tree import Path, path_name
from dcmnet_cli.ops.querying.keys import Query, check_baseline, narrowing, widened, without
from dcmnet_cli.ops.querying.levels import LEVEL, MODELS

CANCEL_PATIENCE = 3.0
"""Seconds that a peer gets to stop after a C-CANCEL, which some ignore."""
LARGEST_ANSWER = 1 << 24
"""Bytes of one answer beyond which the association is aborted. A real one has a few hundred."""
_MOST_RELAXED = 500
_STUDY_DATE = 0x00080020


class Wishes(NamedTuple):
    """What to negotiate beyond a baseline query (PS3.4 C.5.1.1)."""

    relational: bool = False
    combined: bool = False
    fuzzy: bool = False
    timezone: bool = False
    empty_value: bool = False
    multiple_value: bool = False

    def item(self, model: str) -> tuple[ExtendedNegotiation, ...]:
        """The extended negotiation item for a model, none where nothing is wished."""
        wanted = self._bytes(model)
        if not any(self):
            return ()
        return (ExtendedNegotiation(MODELS[model].sop_class_uid, wanted),)

    def _bytes(self, model: str) -> bytes:
        if model == "worklist":  # the first two are always 1 there (PS3.4 K.5.1)
            return bytes((1, 1, self.fuzzy, self.timezone))[: 4 if self.timezone else 3]
        flags = (
            self.relational,
            self.combined,
            self.fuzzy,
            self.timezone,
            False,
            self.empty_value,
            self.multiple_value,
        )
        return bytes(flags).rstrip(b"\0")

    def refused(self, association: Association, model: str) -> tuple[str, ...]:
        """The wishes that the peer did not grant, in words. No answer is a refusal."""
        answer = association.negotiated.extended.get(MODELS[model].sop_class_uid, b"")
        granted = answer.ljust(7, b"\0")
        places = {"relational": 0, "combined": 1, "fuzzy": 2, "timezone": 3, "empty_value": 5, "multiple_value": 6}
        return tuple(_WISHES[name] for name, place in places.items() if getattr(self, name) and granted[place] != 1)


_WISHES = {
    "relational": "relational queries",
    "combined": "combined date and time matching",
    "fuzzy": "fuzzy matching of person names",
    "timezone": "time zone adjustment",
    "empty_value": "empty value matching",
    "multiple_value": "multiple value matching",
}


def check_wishes(association: Association, wishes: Wishes, query: Query, notes: list[str]) -> None:
    """Note what the peer did not agree to. Raises NoAcceptedContext where the query cannot do without."""
    refused = wishes.refused(association, query.model)
    if _WISHES["relational"] in refused:
        try:
            check_baseline(query)
        except UsageError as error:
            raise NoAcceptedContext(
                f"{association.peer} does not agree to relational queries, and {error.message}",
                hints=(
                    *error.hints[:1],
                    "Or send the query unchecked, with --verbatim: some peers answer all the same.",
                ),
            ) from error
    notes += [f"the peer does not agree to {words}; the query goes out without" for words in refused]


class Finding:
    """One C-FIND: iterate over it once for the answers; ``ending`` then says how it ended, and ``absent`` which keys no
    answer of those with status FF01 had.

    Nothing is kept of an answer. After ``limit`` answers, or once ``stop`` returns true, a C-CANCEL goes out; the peer
    then has ``patience`` seconds to end before the association is aborted. ``idle`` is called before each wait for the
    network. Whoever stops iterating early has to abort the association.
    """

    def __init__(
        self,
        association: Association,
        context: AcceptedContext,
        query: Query,
        *,
        limit: int = 0,
        priority: int = MEDIUM,
        stop: Callable[[], bool] = lambda: False,
        idle: Callable[[], None] = lambda: None,
        patience: float = CANCEL_PATIENCE,
    ) -> None:
        self.ending = Ending(None)
        self.absent: set[int] = set()
        self._association = association
        self._context = context
        self._query = query
        self._limit = limit
        self._priority = priority
        self._stop = stop
        self._idle = idle
        self._patience = patience
        self._message_id = 0
        self._cancelled: float | None = None
        self._is_over = False

    def __iter__(self) -> Iterator[Match]:
        """Yields the answers. Raises what ends the association before its time; a failure status is an ending."""
        association, context_id = self._association, self._context.context_id
        syntax = self._context.transfer_syntax
        explicit = syntax != uids.IMPLICIT_VR_LITTLE_ENDIAN
        begin = time.monotonic()
        self._message_id = association.next_message_id()
        request = CFindRQ(self._message_id, self._context.abstract_syntax, self._priority)
        association.send(context_id, request, packed(identifier(self._query, explicit), syntax))
        association.watch = self._watch
        answers = 0
        level = Element(LEVEL, "CS", self._query.level.encode("ascii")) if self._query.level else None
        try:
            while True:
                response = self._receive()
                if response.status not in (PENDING, PENDING_WARNING):
                    association.drain()  # some repeat their last answer here (PS3.7 9.1.2.1.5 forbids it)
                    self._end(response, answers, begin)
                    return
                data = association.read_data_set(LARGEST_ANSWER)
                if self._limit and answers >= self._limit:
                    self.ending = self.ending._replace(has_more=True)
                    continue
                try:
                    elements = decode(unpacked(data, syntax, LARGEST_ANSWER), explicit)
                except InvalidIdentifier as error:
                    self._note_unreadable(error)
                    continue
                answers += 1
                if response.status == PENDING_WARNING:
                    self._note_warned(elements)
                if level is not None:
                    elements.setdefault(LEVEL, level)  # some leave it out
                yield Match(elements, character_set_of(elements))
                if answers == self._limit:
                    self._cancel()
        except _Deaf:
            self.ending = self.ending._replace(answers=answers, is_deaf=True, seconds=time.monotonic() - begin)
        finally:
            association.watch = None
            self.ending = self.ending._replace(answers=answers)

    def _receive(self) -> CFindRSP:
        association = self._association
        received = association.receive()
        if received is None:
            raise UnexpectedRelease(f"{association.peer} released the association before its final response")
        if not isinstance(received.message, CFindRSP):
            association.abort()
            name = message_name(received.message)
            raise UnexpectedMessage(f"{association.peer} sent {name} where an answer to C-FIND was due", 2)
        return received.message

    def _note_warned(self, elements: dict[int, Element]) -> None:
        absent = {each.tag for each in self._query.elements} - elements.keys()
        self.absent = self.absent & absent if self.ending.warned else absent
        self.ending = self.ending._replace(warned=self.ending.warned + 1)

    def _note_unreadable(self, error: InvalidIdentifier) -> None:
        ending = self.ending
        self.ending = ending._replace(unreadable=ending.unreadable + 1, problem=ending.problem or error.message)

    def _end(self, response: CFindRSP, answers: int, begin: float) -> None:
        self.ending = self.ending._replace(
            status=response.status,
            error_comment=printable(response.error_comment),
            offending_element=response.offending_element,
            answers=answers,
            seconds=time.monotonic() - begin,
        )

    def _cancel(self) -> None:
        if self._cancelled is None:
            self._cancelled = time.monotonic()
            self.ending = self.ending._replace(is_cancelled=True)
            self._association.send(self._context.context_id, CCancelRQ(self._message_id))

    def _watch(self) -> float:
        """Called by the association before every read, and now and then while it waits."""
        self._idle()
        if self._cancelled is None:
            if self._stop():
                self.ending = self.ending._replace(is_stopped=True)
                self._cancel()
        elif time.monotonic() - self._cancelled > self._patience:
            self._association.abort()
            raise _Deaf
        return 0.0


class _Deaf(Exception):
    """The peer went on after a C-CANCEL, and the association has been aborted."""


def find(association: Association, context: AcceptedContext, query: Query, *, limit: int = 0) -> Iterator[Match]:
    """The answers to ``query``, as they come. Raises OperationFailed for a failure status, at its place in the stream,
    InvalidIdentifier if an answer could not be read, and what ends the association before its time.
    """
    finding = Finding(association, context, query, limit=limit)
    yield from finding
    ending = finding.ending
    if ending.is_failure and ending.status is not None:
        raise failed(association.peer, ending, query)
    if ending.unreadable:
        problem = ending.problem.removeprefix("invalid identifier: ")
        raise InvalidIdentifier(0, f"{problem} ({ending.unreadable} of {ending.answers + ending.unreadable} answers)")


def failed(peer: str, ending: Ending, query: Query) -> OperationFailed:
    """The failure status of a query as an exception, for its diagnosis."""
    status = ending.status or 0
    return OperationFailed(
        f"{peer} answered C-FIND with status 0x{status:04X}",
        status,
        service="worklist" if query.model == "worklist" else "find",
        error_comment=ending.error_comment,
        offending_element=ending.offending_element,
    )


def identifier(query: Query, explicit: bool) -> bytes:
    """The data set of the request, its level included."""
    level = (Element(LEVEL, "CS", query.level.encode("ascii")),) if query.level else ()
    return encode((*(each for each in query.elements if each.tag != LEVEL), *level), explicit)


def relax(
    association: Association, context: AcceptedContext, query: Query, *, stop: Callable[[], bool] = lambda: False
) -> list[Relaxed]:
    """Ask again without each narrowing key in turn: what there would be. Where there is something, ask once more with
    asterisks round its value. Ends early if the peer does not go along.
    """
    found = []

    def probe(changed: Query, path: Path, value: str) -> bool:
        """Whether there are answers now."""
        if not association.is_open or stop():
            return False
        answers, is_more, newest = _count(association, context, changed, stop)
        if answers is not None:
            instead = dict(narrowing(changed)).get(path, "")
            found.append(Relaxed(path_name(path), value, answers, is_more, printable(newest), instead))
        return bool(answers)

    for path, value in narrowing(query):
        if probe(without(query, path), path, value) and (wider := widened(query, path)) is not None:
            probe(wider, path, value)
    return found


def _count(
    association: Association, context: AcceptedContext, query: Query, stop: Callable[[], bool]
) -> tuple[int | None, bool, str]:
    """How many answers there are, None for a query that failed; whether there are more; their latest study date."""
    finding = Finding(association, context, query, limit=_MOST_RELAXED, stop=stop)
    newest = ""
    for match in finding:
        date = match.elements.get(_STUDY_DATE)
        newest = max(newest, date.value.decode("ascii", "replace").strip("\0 ") if date is not None else "")
    ending = finding.ending
    if ending.status not in (0, CANCEL) and not ending.answers:
        return None, False, ""
    return ending.answers, ending.is_cancelled and ending.answers >= _MOST_RELAXED, newest


def proposals(model: str, syntaxes: Sequence[str]) -> list[tuple[str, Sequence[str]]]:
    """What to propose for a model: one context."""
    return [(MODELS[model].sop_class_uid, syntaxes)]
