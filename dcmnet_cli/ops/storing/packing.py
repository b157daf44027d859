"""An instance made ready for an association: as it lies in the file where accepted, converted where it may be."""

import time
from collections.abc import Callable, Iterator
from itertools import chain
from typing import TYPE_CHECKING

from dcmnet_cli.core.negotiation import Negotiated
from dcmnet_cli.core.pdata import Buffer, Chunks
from dcmnet_cli.errors import ConversionError, InputError, OutputError
from dcmnet_cli.net.part10 import DicomFile
from dcmnet_cli.ops.conversion.syntax_choice import Mode
from dcmnet_cli.ops.files.opened import LARGEST_CHUNK, Opened
from dcmnet_cli.ops.storing.plan import Instance
from dcmnet_cli.ops.storing.routes import Route, Router
from dcmnet_cli.ops.storing.sending import Parcel, describe
from dcmnet_cli.ops.storing.transfer import NOT_SENT, Outcome

if TYPE_CHECKING:
    from dcmnet_cli.ops.storing.invent import Invented, Inventor


class Packer:
    """Packs instances for one association; for one thread, as its parcels share a buffer."""

    def __init__(self, negotiated: Negotiated, mode: Mode, inventor: "Inventor | None" = None) -> None:
        self._router = Router(negotiated)
        self._mode = mode
        self._inventor = inventor
        self._buffer = bytearray(LARGEST_CHUNK)

    def __call__(self, instance: Instance) -> Parcel | Outcome:
        """The parcel, or the outcome of an instance that cannot be sent on this association."""
        route = self._router.route(instance.file)
        try:
            if route.context is not None and not instance.file.needs_repair:
                return self._as_stored(instance, route)
            if self._mode == "never":
                why = route.why if route.context is None else "its bytes need repair"
                forbids = ", and --transcode never forbids to change it" if route.candidates else ""
                return describe(instance, NOT_SENT, reason=f"{why}{forbids}")
            return self._converted(instance, route)
        except (InputError, OutputError, ConversionError) as error:
            hint = f"; {error.hints[0]}" if error.hints else ""
            return describe(instance, NOT_SENT, reason=f"{error.message}{hint}")

    def _as_stored(self, instance: Instance, route: Route) -> Parcel:
        assert route.context is not None
        file = instance.file
        opened = instance.source.open()
        try:
            if self._inventor is not None:
                return self._renamed(opened, file, route)
            data_set = _even(opened.chunks(file.offset, file.length, self._buffer))
        except BaseException:
            opened.close()
            raise
        return Parcel(route.context, file.sop_class_uid, file.sop_instance_uid, data_set, opened.close)

    def _renamed(self, opened: Opened, file: DicomFile, route: Route) -> Parcel:
        """Under an invented identity: a new head, and the rest of the file as it lies."""
        assert self._inventor is not None
        assert route.context is not None
        begin = time.monotonic()
        invented = self._inventor.invent(opened.pread, file)
        rest = opened.chunks(invented.offset, invented.length, self._buffer)
        buffers: Iterator[Buffer] = chain(invented.head.chunks().buffers, rest.buffers)

        def close() -> None:
            invented.head.close()
            opened.close()

        return Parcel(
            route.context,
            file.sop_class_uid,
            invented.identity.sop_instance_uid or file.sop_instance_uid,
            Chunks(invented.head.size + invented.length, buffers),
            close,
            ("identity invented",),
            time.monotonic() - begin,
        )

    def _converted(self, instance: Instance, route: Route) -> Parcel | Outcome:
        from dcmnet_cli.ops.conversion.transcode import choose, repair, transcode

        begin = time.monotonic()
        file = instance.file
        accepted = {context.transfer_syntax: context for context in route.candidates}
        choice = choose(file.transfer_syntax_uid, tuple(accepted), self._mode)
        if route.context is None and not choice.target:
            why = choice.why_not if accepted else route.why
            return describe(instance, NOT_SENT, reason="; ".join((why, *choice.hints[:1])))
        with instance.source.open() as opened:
            pread: Callable[[int, int], bytes] = opened.pread
            close = _nothing
            if self._inventor is not None:
                invented = self._inventor.invent(opened.pread, file)
                pread, file = _joined(invented, opened.pread), _invented_file(invented, file)
                close = invented.head.close
            try:
                done = repair(pread, file) if route.context else transcode(pread, file, choice)
            finally:
                close()
        return Parcel(
            route.context or accepted[done.transfer_syntax],
            file.sop_class_uid,
            done.sop_instance_uid or file.sop_instance_uid,  # what lost values is another instance
            done.data.chunks(),
            done.data.close,
            done.changes,
            time.monotonic() - begin,
        )


def _even(chunks: Chunks) -> Chunks:
    """A deflated data set of odd length gets a null byte (PS3.5 A.5); all others are even, or repaired."""
    return Chunks(chunks.length + 1, _padded(chunks)) if chunks.length % 2 else chunks


def _padded(chunks: Chunks) -> Iterator[Buffer]:
    left = chunks.length
    for chunk in chunks.buffers:
        left -= len(chunk)
        yield chunk if left else bytes(chunk) + b"\0"


def _nothing() -> None:
    """Nothing to close."""


def _joined(invented: "Invented", pread: Callable[[int, int], bytes]) -> Callable[[int, int], bytes]:
    """Reads the new head and the rest of the file as if they were one."""
    size = invented.head.size

    def read(count: int, offset: int) -> bytes:
        front = invented.head.pread(min(count, max(0, size - offset)), offset) if offset < size else b""
        left = min(count - len(front), size + invented.length - max(offset, size))
        return front if left <= 0 else front + pread(left, invented.offset + max(offset, size) - size)

    return read


def _invented_file(invented: "Invented", file: DicomFile) -> DicomFile:
    uid = invented.identity.sop_instance_uid or file.sop_instance_uid
    return file._replace(offset=0, length=invented.head.size + invented.length, sop_instance_uid=uid)
