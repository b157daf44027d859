"""Which of the accepted presentation contexts an instance goes over, or why none of them will do."""

from typing import NamedTuple

from dcmnet_cli.core import uids
from dcmnet_cli.core.negotiation import AcceptedContext, Negotiated
from dcmnet_cli.core.reasons import explain_context_result
from dcmnet_cli.net.part10 import DicomFile

_PREFERRED = (
    uids.EXPLICIT_VR_LITTLE_ENDIAN,
    uids.IMPLICIT_VR_LITTLE_ENDIAN,
    uids.DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    uids.EXPLICIT_VR_BIG_ENDIAN,
)
_NOT_ANSWERED = "not answered"


class Route(NamedTuple):
    """``context`` takes the instance as it is stored; without one, ``candidates`` would take it converted.

    Candidates are in the order in which they are worth trying. ``why`` says in words why there is no ``context``, with
    the ``results`` of what was proposed for the SOP class (PS3.8 table 9-18, None for no answer); ``results`` is empty
    where nothing was proposed.
    """

    context: AcceptedContext | None
    candidates: tuple[AcceptedContext, ...]
    why: str
    results: tuple[int | None, ...]


class Router:
    """Routes over one association. An answer is worked out once for a SOP class and transfer syntax."""

    def __init__(self, negotiated: Negotiated) -> None:
        self._negotiated = negotiated
        self._routes: dict[tuple[str, str], Route] = {}

    def route(self, file: DicomFile) -> Route:
        """Where an instance may go."""
        key = file.sop_class_uid, file.transfer_syntax_uid
        found = self._routes.get(key)
        if found is None:
            found = self._routes[key] = self._find(*key)
        return found

    def _find(self, sop_class: str, syntax: str) -> Route:
        usable: dict[str, AcceptedContext] = {}
        for context in self._negotiated.contexts.values():
            if context.abstract_syntax == sop_class and context.requestor_is_scu:
                usable.setdefault(context.transfer_syntax, context)
        candidates = tuple(sorted(usable.values(), key=_rank))
        outcomes = [one for one in self._negotiated.outcomes if one.proposed.abstract_syntax == sop_class]
        results = tuple(one.result for one in outcomes)
        if syntax in usable:
            return Route(usable[syntax], candidates, "", results)
        if not usable:
            return Route(None, (), f"no context: {_words(results)}", results)
        of_syntax = tuple(one.result for one in outcomes if one.proposed.transfer_syntaxes == (syntax,))
        reason = f": {_words(of_syntax)}" if any(of_syntax) else ""
        return Route(None, candidates, f"{uids.short_name(syntax) or syntax} not accepted{reason}", results)


def _rank(context: AcceptedContext) -> int:
    syntax = context.transfer_syntax
    return _PREFERRED.index(syntax) if syntax in _PREFERRED else len(_PREFERRED)


def _words(results: tuple[int | None, ...]) -> str:
    """The results in words, each once, acceptance left out: it came with an answer that could not be used."""
    names = {_NOT_ANSWERED if one is None else explain_context_result(one).name for one in results if one != 0}
    return ", ".join(sorted(names)) or ("not proposed" if not results else "accepted with what was not proposed")
