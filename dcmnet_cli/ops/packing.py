"""An instance made ready for an association: as it lies in the file where that is accepted, converted where it may be."""

import time

from dcmnet_cli.core.negotiation import Negotiated
from dcmnet_cli.errors import ConversionError, InputError, OutputError
from dcmnet_cli.ops.opened import LARGEST_CHUNK
from dcmnet_cli.ops.plan import Instance
from dcmnet_cli.ops.routes import Route, Router
from dcmnet_cli.ops.sending import Parcel, describe
from dcmnet_cli.ops.syntax_choice import Mode
from dcmnet_cli.ops.transfer import NOT_SENT, Outcome


class Packer:
    """Packs instances for one association; for one thread, as its parcels share a buffer."""

    def __init__(self, negotiated: Negotiated, mode: Mode) -> None:
        self._router = Router(negotiated)
        self._mode = mode
        self._buffer = bytearray(LARGEST_CHUNK)

    def __call__(self, instance: Instance) -> Parcel | Outcome:
        """The parcel, or the outcome of an instance that cannot be sent on this association."""
        route = self._router.route(instance.file)
        try:
            if route.context is not None and not instance.file.needs_repair:
                return self._as_stored(instance, route)
            if self._mode == "never":
                why = route.why or "its bytes need repair, and --transcode never forbids that"
                return describe(instance, NOT_SENT, reason=why)
            return self._converted(instance, route)
        except (InputError, OutputError, ConversionError) as error:
            hint = f"; {error.hints[0]}" if error.hints else ""
            return describe(instance, NOT_SENT, reason=f"{error.message}{hint}")

    def _as_stored(self, instance: Instance, route: Route) -> Parcel:
        assert route.context is not None
        file = instance.file
        opened = instance.source.open()
        try:
            data_set = opened.chunks(file.offset, file.length, self._buffer)
        except BaseException:
            opened.close()
            raise
        return Parcel(route.context, file.sop_class_uid, file.sop_instance_uid, data_set, opened.close)

    def _converted(self, instance: Instance, route: Route) -> Parcel | Outcome:
        from dcmnet_cli.ops.transcode import choose, repair, transcode

        begin = time.monotonic()
        file = instance.file
        accepted = {context.transfer_syntax: context for context in route.candidates}
        choice = choose(file.transfer_syntax_uid, tuple(accepted), self._mode)
        if route.context is None and not choice.target:
            return describe(instance, NOT_SENT, reason="; ".join((choice.why_not or route.why, *choice.hints[:1])))
        with instance.source.open() as opened:
            done = repair(opened.pread, file) if route.context else transcode(opened.pread, file, choice)
        context = route.context or accepted[done.transfer_syntax]
        return Parcel(
            context,
            file.sop_class_uid,
            file.sop_instance_uid,
            done.data.chunks(),
            done.data.close,
            done.changes,
            time.monotonic() - begin,
        )
