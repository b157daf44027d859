"""The few values wanted from the head of a data set, read while it arrives and passes on untouched."""

import zlib
from collections.abc import Mapping, Sequence

from dcmnet_cli.core import uids
from dcmnet_cli.core.pdata import Buffer
from dcmnet_cli.net.elements import WINDOW, FileWindow, Glance, Layout, walk
from dcmnet_cli.net.part10 import layout_of

_GLANCE = 1024
LIMIT = 1 << 20
"""Bytes of a data set that are looked at, for all that comes before the last wanted element."""


class Head:
    """Collects the values of the ``wanted`` tags, all of the top level, from a data set that comes in fragments.

    Feeding costs nothing any more once ``is_settled``. Whatever the bytes are, it never raises: what cannot be read is
    missing, and the work is linear in the bytes, ``limit`` of them at most. One ``glance``, of the same tags and
    transfer syntax, can serve many data sets.
    """

    def __init__(
        self, wanted: frozenset[int], transfer_syntax_uid: str, limit: int = LIMIT, glance: Glance | None = None
    ) -> None:
        self.is_settled = not wanted
        self._wanted = wanted
        self._glance = glance or Glance(layout_of(transfer_syntax_uid), wanted)
        self._syntax = transfer_syntax_uid
        self._limit = limit
        self._held = bytearray()
        self._next_look = 0
        self._values: Mapping[int, str] = {}
        is_deflated = transfer_syntax_uid == uids.DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN
        self._inflate = zlib.decompressobj(-15) if is_deflated else None

    def feed(self, views: Sequence[Buffer]) -> None:
        """Look at the next fragments. The views are not kept."""
        if self.is_settled or not views:
            return
        if not self._held and self._inflate is None and (self._glance_at(views[0]) or self._look(views[0])):
            return  # the common cases: all of it in the first fragment, and nothing copied
        for view in views:
            self._take(view)
        # Looking again only when there is twice as much keeps a slow drip of fragments from costing quadratic time.
        if len(self._held) >= self._next_look:
            self._next_look = 2 * len(self._held)
            self._look(self._held)
        if len(self._held) >= self._limit:
            self.is_settled = True
        if self.is_settled:
            self._held = bytearray()

    def values(self) -> Mapping[int, str]:
        """What was found, padding stripped: ASCII, other bytes as ``surrogateescape`` has them. At the end only."""
        if not self.is_settled:
            self.is_settled = True
            self._look(self._held)
        return self._values

    def _take(self, view: Buffer) -> None:
        room = self._limit - len(self._held)
        if room <= 0:
            return
        if self._inflate is None:
            self._held += memoryview(view)[:room]
            return
        try:
            self._held += self._inflate.decompress(view, room)
        except zlib.error:
            self._limit = 0  # not deflated after all: nothing more can be read

    def _glance_at(self, view: Buffer) -> bool:
        found = self._glance(bytes(view[:_GLANCE]))
        if found is None:
            return False
        self._values = found
        self.is_settled = True
        return True

    def _look(self, data: Buffer) -> bool:
        """Walk over what there is; True once the walk has come past the last wanted tag."""
        view = memoryview(data)
        with view:
            first = bytes(view[:WINDOW])
            window = FileWindow(lambda count, at: bytes(view[at : at + count]), len(view), first)
            found = walk(window, 0, self._true_layout(first), self._wanted, max(self._wanted))
            self._values = found.values
            past = not found.problem and found.end + 8 <= len(view)
        self.is_settled = self.is_settled or past
        return past

    def _true_layout(self, first: bytes) -> Layout:
        """Some peers send implicit VR where an explicit syntax was agreed; the first element shows it."""
        vr = first[4:6]
        layout = layout_of(self._syntax)
        is_implicit = layout.explicit and len(vr) == 2 and not (vr.isalpha() and vr.isupper())
        return Layout(False, True) if is_implicit else layout
