"""Which transfer syntaxes to propose for a SOP class, from what its files hold (PS3.5 10, PS3.8 9.3.2.2)."""

from collections.abc import Iterable
from typing import NamedTuple

from dcmnet_cli.core import uids
from dcmnet_cli.core.syntax_letters import COMPRESSED

UNCOMPRESSED = (uids.EXPLICIT_VR_LITTLE_ENDIAN, uids.IMPLICIT_VR_LITTLE_ENDIAN, uids.EXPLICIT_VR_BIG_ENDIAN)
_EXPLICIT, _IMPLICIT, _BIG = UNCOMPRESSED
_JPEG = uids.DICOM_ROOT + "1.2.4."
_COMPANIONS = {
    **{f"{_JPEG}{number}": uids.JPEG_LOSSLESS_SV1 for number in (57, 58, 65, 66)},
    **{f"{_JPEG}{number}": uids.JPEG_EXTENDED_12_BIT for number in (52, 53, 54, 55, 56, 59, 60, 61, 62, 63, 64)},
}
"""Who offers one of these offers the default of its kind too (PS3.5 10.2 and 10.3)."""


class Proposal(NamedTuple):
    """What is proposed for each SOP class.

    ``stored``: what the files hold, as they hold it. ``compressed``: these, whatever the files hold. ``uncompressed``:
    the fallbacks, in their order. ``required``: what the files hold and nothing else, whatever the others say.
    ``combine``: all of it in one context.
    """

    stored: bool = True
    compressed: tuple[str, ...] = ()
    uncompressed: tuple[str, ...] = (_EXPLICIT, _IMPLICIT)
    required: bool = False
    combine: bool = False

    def contexts(self, stored: Iterable[str]) -> tuple[tuple[str, ...], ...]:
        """The transfer syntaxes of each context for a SOP class whose files hold ``stored``, the likeliest first.

        An acceptor takes the syntax that it likes, not the one that serves us. So whatever the files hold has a
        context of its own, the uncompressed ones too: what can go as it lies is not converted.
        """
        held = list(dict.fromkeys(stored)) if self.stored or self.required else []
        native = [syntax for syntax in held if syntax in UNCOMPRESSED]
        alone = [syntax for syntax in held if syntax not in UNCOMPRESSED]
        fallbacks: list[str] = []
        if not self.required:
            alone = [*self.compressed, *alone, *(_COMPANIONS[syntax] for syntax in alone if syntax in _COMPANIONS)]
            if _IMPLICIT not in native:  # which nobody may refuse: then there is nothing to fall back to (PS3.5 10.1)
                fallbacks = [syntax for syntax in self.uncompressed if syntax not in native]
        groups = [[syntax] for syntax in (*alone, *native)] + [fallbacks]
        if self.combine:
            groups = [[syntax for group in groups for syntax in group]]
        unique = dict.fromkeys(tuple(dict.fromkeys(group)) for group in groups)
        return tuple(group for group in unique if group)


def _named(*compressed: str, uncompressed: tuple[str, ...] = (_EXPLICIT, _IMPLICIT)) -> Proposal:
    return Proposal(False, compressed, uncompressed)


PROPOSALS = {
    "=": _named(),
    "e": _named(),
    "b": _named(uncompressed=(_BIG, _EXPLICIT, _IMPLICIT)),
    "i": _named(uncompressed=(_IMPLICIT,)),
    **{letter: _named(syntax) for letter, syntax in COMPRESSED.items()},
}
"""storescu's ``-x?`` by its last letter: they name what is proposed, whatever the files hold."""
