"""Faults on purpose: how a test receiver misbehaves, and when. Pure decisions, the same for the same seed.

``WHAT[@WHEN]``, where WHAT is one of

    reject=WORD           the association: no-reason, application-context, calling, called, congestion, limit or
                          transient, or the numbers as in 1/1/7
    reject                the same as reject=no-reason
    drop=association      the connection is closed in place of an answer to the request
    status=A700           the object is answered with this status
    sleep=SECONDS         before the response, or sleep-during=SECONDS while the object comes in
    abort=after|during    A-ABORT in place of the response, or while the object comes in
    drop[=after|during]   the same, but the connection is closed without a word

and WHEN picks among associations or among objects, counted from 1: ``@10`` the tenth, ``@every:10`` every tenth,
``@10%`` one in ten at random. Without it every one is hit.
"""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from dcmnet_cli.core.pdu import AAssociateRJ
from dcmnet_cli.core.text import quoted
from dcmnet_cli.errors import UsageError

DURING, AFTER = "during", "after"
_LONGEST_SLEEP = 86_400.0

_REJECTIONS = {
    "": AAssociateRJ(1, 1, 1),
    "no-reason": AAssociateRJ(1, 1, 1),
    "application-context": AAssociateRJ(1, 1, 2),
    "calling": AAssociateRJ(1, 1, 3),
    "called": AAssociateRJ(1, 1, 7),
    "congestion": AAssociateRJ(2, 3, 1),
    "limit": AAssociateRJ(2, 3, 2),
    "transient": AAssociateRJ(2, 3, 2),
}


class When(NamedTuple):
    """``kind`` is "all", "nth", "every" or "chance"; ``number`` the count, or the chance between 0 and 1."""

    kind: str = "all"
    number: float = 0.0


class Fault(NamedTuple):
    """One fault of a plan. ``moment`` is DURING, AFTER, or "" for an association; of the others one is set, as
    ``action`` says: "reject", "drop", "abort", "status" or "sleep". ``only_unidentified`` spares peers that give an
    implementation class UID."""

    action: str
    moment: str = ""
    rejection: AAssociateRJ | None = None
    status: int = 0
    seconds: float = 0.0
    when: When = When()
    only_unidentified: bool = False


class AssociationFault(NamedTuple):
    """What to do with a request instead of answering it."""

    rejection: AAssociateRJ | None = None
    drop: bool = False


class ObjectFault(NamedTuple):
    """What to do to an object: wait, while it comes in and before the response; then end the association ("abort" or
    "drop") while it comes in or in place of the response; or answer with ``status``, None for the true one."""

    sleep_during: float = 0.0
    sleep_after: float = 0.0
    end: str = ""
    end_moment: str = ""
    status: int | None = None


NO_ASSOCIATION_FAULT = AssociationFault()
NO_OBJECT_FAULT = ObjectFault()


def parse_fault(text: str) -> Fault:
    """One ``--fault``, as the head of this module has it. Raises UsageError."""
    what, at, when = text.partition("@")
    name, equals, value = what.partition("=")
    parser = _PARSERS.get(name)
    try:
        if parser is None:
            raise ValueError(f"no fault of this name; there are {', '.join(sorted(_PARSERS))}")
        if equals and not value:
            raise ValueError("nothing behind the equals sign")
        return parser(value)._replace(when=_parse_when(when) if at else When())
    except ValueError as error:
        raise UsageError(f"fault {quoted(text)}: {error}") from None


def storescp_faults(
    *,
    refuse: bool = False,
    reject: bool = False,
    abort_after: bool = False,
    abort_during: bool = False,
    sleep_after: float = 0.0,
    sleep_during: float = 0.0,
) -> tuple[Fault, ...]:
    """The plan of storescp's options of these names."""
    faults = (
        (refuse, Fault("reject", rejection=_REJECTIONS[""])),
        (reject, Fault("reject", rejection=_REJECTIONS[""], only_unidentified=True)),
        (abort_after, Fault("abort", AFTER)),
        (abort_during, Fault("abort", DURING)),
        (sleep_after, Fault("sleep", AFTER, seconds=sleep_after)),
        (sleep_during, Fault("sleep", DURING, seconds=sleep_during)),
    )
    return tuple(fault for is_wanted, fault in faults if is_wanted)


class Faults:
    """A plan and a seed. The answers depend on these and the number asked about only, so threads do not matter."""

    def __init__(self, plan: Sequence[Fault], seed: int = 0) -> None:
        self._seed = seed
        numbered = list(enumerate(plan))
        self._of_associations = [(index, fault) for index, fault in numbered if not fault.moment]
        self._of_objects = [(index, fault) for index, fault in numbered if fault.moment]

    def on_association(self, number: int, *, is_identified: bool = True) -> AssociationFault:
        """What to do to the ``number``-th request, from 1; ``is_identified`` if it has an implementation class UID."""
        for index, fault in self._of_associations:
            if fault.only_unidentified and is_identified:
                continue
            if self._hits(index, fault.when, number):
                return AssociationFault(fault.rejection, fault.action == "drop")
        return NO_ASSOCIATION_FAULT

    def on_object(self, number: int) -> ObjectFault:
        """What to do to the ``number``-th object, from 1. Of several statuses or endings the first counts."""
        result = NO_OBJECT_FAULT
        for index, fault in self._of_objects:
            if not self._hits(index, fault.when, number):
                continue
            if fault.action == "sleep" and fault.moment == DURING:
                result = result._replace(sleep_during=result.sleep_during + fault.seconds)
            elif fault.action == "sleep":
                result = result._replace(sleep_after=result.sleep_after + fault.seconds)
            elif fault.action == "status":
                result = result._replace(status=fault.status if result.status is None else result.status)
            elif not result.end:
                result = result._replace(end=fault.action, end_moment=fault.moment)
        return result

    def _hits(self, index: int, when: When, number: int) -> bool:
        if when.kind == "nth":
            return number == when.number
        if when.kind == "every":
            return number % when.number == 0
        return when.kind == "all" or _chance(self._seed, index, number) < when.number


def _chance(seed: int, index: int, number: int) -> float:
    """A number in [0, 1) that looks random and depends on nothing else: the mixing steps of SplitMix64."""
    state = (seed * 0x9E3779B97F4A7C15 + index * 0xD1B54A32D192ED03 + number * 0x8CB92BA72F3D8DD7) & _ALL
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        state = ((state ^ state >> shift) * factor) & _ALL
    return ((state ^ state >> 31) >> 11) / (1 << 53)


_ALL = (1 << 64) - 1


def _parse_when(text: str) -> When:
    if match := re.fullmatch(r"(\d{1,3}(?:\.\d{1,6})?)%", text, re.ASCII):
        chance = float(match[1]) / 100
        if 0 < chance <= 1:
            return When("chance", chance)
    elif (match := re.fullmatch(r"(every:)?(\d{1,9})", text, re.ASCII)) and int(match[2]):
        return When("every" if match[1] else "nth", int(match[2]))
    raise ValueError("behind @ comes a number from 1, every:NUMBER, or a percentage up to 100%")


def _parse_reject(value: str) -> Fault:
    rejection = _REJECTIONS.get(value)
    if match := re.fullmatch(r"([12])/([123])/(\d{1,3})", value, re.ASCII):
        rejection = AAssociateRJ(int(match[1]), int(match[2]), int(match[3]))
    if rejection is None or rejection.reason > 0xFF:
        words = ", ".join(word for word in _REJECTIONS if word)
        raise ValueError(f"reject takes {words}, or result/source/reason such as 1/1/7")
    return Fault("reject", rejection=rejection)


def _parse_status(value: str) -> Fault:
    if not re.fullmatch(r"(?:0[xX])?[0-9A-Fa-f]{4}", value):
        raise ValueError("a status is four hexadecimal digits, such as A700")
    return Fault("status", AFTER, status=int(value, 16))


def _parse_sleep(value: str, moment: str) -> Fault:
    if not re.fullmatch(r"\d{1,5}(?:\.\d{1,6})?", value, re.ASCII) or not 0 < float(value) <= _LONGEST_SLEEP:
        raise ValueError(f"seconds, over 0 and up to {_LONGEST_SLEEP:.0f}")
    return Fault("sleep", moment, seconds=float(value))


def _parse_end(action: str, value: str) -> Fault:
    if value not in (DURING, AFTER):
        raise ValueError(f"write {action}={DURING} or {action}={AFTER}")
    return Fault(action, value)


_PARSERS: dict[str, Callable[[str], Fault]] = {
    "reject": _parse_reject,
    "status": _parse_status,
    "sleep": lambda value: _parse_sleep(value, AFTER),
    "sleep-during": lambda value: _parse_sleep(value, DURING),
    "abort": lambda value: _parse_end("abort", value),
    "drop": lambda value: Fault("drop") if value == "association" else _parse_end("drop", value or AFTER),
}
