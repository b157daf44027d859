"""C-STORE as an acceptor: from the association to a file, nothing decoded, nothing acknowledged that is not safe."""

import os
import threading
import time
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import NamedTuple

from dcmnet_cli.core import uids
from dcmnet_cli.core.commands import CStoreRQ
from dcmnet_cli.core.status import category
from dcmnet_cli.core.text import printable
from dcmnet_cli.errors import AssociationAborted, ConnectionLost, ConversionError, DcmnetError, OutputError
from dcmnet_cli.net.elements import Glance
from dcmnet_cli.net.part10 import (
    SOP_CLASS_UID,
    SOP_INSTANCE_UID,
    STUDY_INSTANCE_UID,
    layout_of,
    meta_header,
    read_file,
)
from dcmnet_cli.net.service import SOP_CLASS_NOT_SUPPORTED, ServiceRequest
from dcmnet_cli.net.sink import Folder, IncomingFile, Stored
from dcmnet_cli.ops.listening.faults import DURING, Faults, ObjectFault
from dcmnet_cli.ops.listening.head import Head
from dcmnet_cli.ops.listening.naming import Naming

OUT_OF_RESOURCES = 0xA700
CANNOT_UNDERSTAND = 0xC000
DUPLICATE = 0xC111
"""Ours, of the range Cxxx: PS3.4 has no status for an instance that is there already and must not be replaced."""


class ReceivedObject(NamedTuple):
    """An object that arrived whole. ``length`` is that of its data set; ``stored`` is None when it is not kept."""

    sop_class_uid: str
    sop_instance_uid: str
    study_instance_uid: str
    transfer_syntax_uid: str
    length: int
    seconds: float
    stored: Stored | None
    notes: tuple[str, ...] = ()


class ReceivePlan(NamedTuple):
    """What is done with objects of SOP classes that it ``takes``. Without a ``folder`` they are dropped; ``convert_to``
    is the transfer syntax they are written in, "" as they came; ``wants_study`` that somebody asks for the Study
    Instance UID of each.
    """

    folder: Folder | None
    naming: Naming
    convert_to: str = ""
    wants_study: bool = False
    faults: Faults | None = None
    takes: Callable[[str], bool] = lambda _: True


class _Truth(NamedTuple):
    """The UIDs to go by: the data set's where it differs, as those are what readers of the file will see."""

    sop_class_uid: str
    sop_instance_uid: str
    notes: tuple[str, ...]


class Receiver:
    """The handler of C-STORE, for all associations of a listener.

    ``arrived`` is called with every object that is safe under its final name, before it is acknowledged; ``failed``
    with why one could not be stored, an OutputError or ConversionError.
    """

    def __init__(
        self,
        plan: ReceivePlan,
        arrived: Callable[[ServiceRequest, ReceivedObject], None],
        failed: Callable[[ServiceRequest, DcmnetError], None],
    ) -> None:
        self._plan = plan
        self._takes = lru_cache(maxsize=256)(plan.takes)  # asked for every object
        self._glance = lru_cache(maxsize=64)(self._new_glance)
        self._arrived = arrived
        self._failed = failed
        self._lock = threading.Lock()
        self._count = 0
        self._wanted = plan.naming.wanted | {SOP_CLASS_UID, SOP_INSTANCE_UID}
        if plan.wants_study:
            self._wanted |= {STUDY_INSTANCE_UID}

    def _new_glance(self, transfer_syntax_uid: str) -> Glance:
        return Glance(layout_of(transfer_syntax_uid), self._wanted)

    def __call__(self, request: ServiceRequest) -> int | None:
        if not self._takes(request.context.abstract_syntax):  # other services have their contexts here, too
            return SOP_CLASS_NOT_SUPPORTED
        fault = self._next_fault()
        status = 0
        try:
            status = self._receive(request, fault)
        except OutputError as error:
            self._failed(request, error)
            why = str(error.details.get("why", error.message))  # not where: that is no business of the peer's
            request.respond(OUT_OF_RESOURCES, error_comment=_comment(f"cannot be stored: {why}"))
        except ConversionError as error:
            self._failed(request, error)
            request.respond(CANNOT_UNDERSTAND, error_comment=_comment(error.message))
        if fault is not None:
            time.sleep(fault.sleep_after)
            _end_on_purpose(request, fault)
        if not request.is_answered:
            request.respond(status)
        if self._plan.folder is not None:
            self._plan.folder.prepare()
        return None

    def _next_fault(self) -> ObjectFault | None:
        if self._plan.faults is None:
            return None
        with self._lock:
            self._count += 1
            return self._plan.faults.on_object(self._count)

    def _receive(self, request: ServiceRequest, fault: ObjectFault | None) -> int:
        message = request.message
        assert isinstance(message, CStoreRQ)  # the server calls this for nothing else
        begin = time.monotonic()
        syntax = request.context.transfer_syntax
        head = Head(self._wanted, syntax, glance=self._glance(syntax))
        if fault is not None and (fault.sleep_during or fault.end_moment == DURING):
            time.sleep(fault.sleep_during)
            _end_on_purpose(request, fault)
        status = fault.status if fault is not None else None
        is_refused = status is not None and category(status) == "failure"
        folder = self._plan.folder
        said = _Truth(message.affected_sop_class_uid, message.affected_sop_instance_uid, ())
        if folder is None or is_refused:
            length, stored = self._drop(request, head), None
            true = _truth(said, head.values())
        else:
            length, stored, true = self._write(request, said, folder, head)
        if status is not None and is_refused:
            return status
        self._arrived(
            request,
            ReceivedObject(
                true.sop_class_uid,
                true.sop_instance_uid,
                head.values().get(STUDY_INSTANCE_UID, ""),
                syntax,
                length,
                time.monotonic() - begin,
                stored,
                true.notes,
            ),
        )
        if stored is not None and stored.outcome == "rejected":
            request.respond(DUPLICATE, error_comment="this instance is here already")
        return status or 0

    def _drop(self, request: ServiceRequest, head: Head) -> int:
        length = 0
        for batch in request.fragments():
            head.feed(batch)
            length += sum(map(len, batch))
        return length

    def _write(self, request: ServiceRequest, said: _Truth, folder: Folder, head: Head) -> tuple[int, Stored, _Truth]:
        """The object under its final name, behind a header with the UIDs that it has itself.

        What the request says is nearly always so. File, header, response and, where the UIDs make it, the name are
        ready while the data set is on its way: little is left to do once the peer waits.
        """
        syntax = request.context.transfer_syntax
        target = self._plan.convert_to
        with folder.begin() as file:
            header = self._header(request, said, syntax)
            naming = self._plan.naming
            name = naming.by_uid(said.sop_class_uid, said.sop_instance_uid) if naming.is_by_uid else ""
            request.expect(0)
            held = bytearray()  # what comes before the head is settled: nothing, but for peers that send crumbs
            true: _Truth | None = None
            for batch in request.fragments():
                head.feed(batch)
                if true is not None:
                    file.write(batch)
                elif head.is_settled:
                    true = _truth(said, head.values())
                    header = header if true is said else self._header(request, true, syntax)
                    file.write([header, held, *batch])
                else:
                    held += b"".join(batch)
            if true is None:
                true = _truth(said, head.values())
                header = header if true is said else self._header(request, true, syntax)
                file.write([header, held])
            if not name or true is not said:
                name = self._name(request, true, head.values())
            length = file.length - len(header)
            if target and target != syntax:
                with self._converted(request, true, folder, file) as converted:
                    return length, converted.commit(name), true
            return length, file.commit(name), true

    def _header(self, request: ServiceRequest, true: _Truth, syntax: str) -> bytes:
        return meta_header(true.sop_class_uid, true.sop_instance_uid, syntax, request.association.peer_ae_title)

    def _name(self, request: ServiceRequest, true: _Truth, values: Mapping[int, str]) -> str:
        asked = request.association.requested
        return self._plan.naming.path(
            sop_class_uid=true.sop_class_uid,
            sop_instance_uid=true.sop_instance_uid,
            transfer_syntax_uid=self._plan.convert_to or request.context.transfer_syntax,
            calling=asked.calling_ae_title,
            called=asked.called_ae_title,
            address=request.association.transport.remote.rpartition(":")[0],
            values=values,
        )

    def _converted(self, request: ServiceRequest, true: _Truth, folder: Folder, file: IncomingFile) -> IncomingFile:
        """A second file, in the transfer syntax that was asked for. Raises ConversionError."""
        from dcmnet_cli.ops.conversion.transcode import choose, transcode

        pread, size = partial(os.pread, file.reader()), file.length
        described = read_file(pread, size)
        target = self._plan.convert_to
        if described is None or described.problem:
            raise ConversionError(f"cannot be converted: {described.problem if described else 'not DICOM'}")
        choice = choose(described.transfer_syntax_uid, (target,), "lossless")
        with transcode(pread, described, choice).data as data:
            converted = folder.begin()
            try:
                converted.write([self._header(request, true, target)])
                for piece in data.chunks().buffers:
                    converted.write([memoryview(piece)])
            except BaseException:
                converted.discard()
                raise
            return converted


def _truth(said: _Truth, values: Mapping[int, str]) -> _Truth:
    """``said`` itself, or what the data set has that the request differs from."""
    sop_class, sop_instance, _ = said
    if values.get(SOP_INSTANCE_UID) == sop_instance and values.get(SOP_CLASS_UID) == sop_class:
        return said
    true_class = _truer(values.get(SOP_CLASS_UID, ""), sop_class)
    true_instance = _truer(values.get(SOP_INSTANCE_UID, ""), sop_instance)
    notes = tuple(
        f"the command names {what} {printable(named)}, the data set {true}"
        for what, named, true in (("class", sop_class, true_class), ("instance", sop_instance, true_instance))
        if named != true
    )
    return _Truth(true_class, true_instance, notes) if notes else said


def _truer(inner: str, named: str) -> str:
    return inner if inner != named and uids.is_valid_uid(inner) else named


def _end_on_purpose(request: ServiceRequest, fault: ObjectFault) -> None:
    """A fault that was asked for: the association ends here, with an A-ABORT or without a word."""
    if not fault.end:
        return
    if fault.end == "drop":
        request.association.transport.close(abort=True)
        request.association.abort()  # nobody hears it any more: the association knows that it is over
        raise ConnectionLost("dropped on purpose, as asked for", how="closed_here")
    request.association.abort()
    raise AssociationAborted("aborted on purpose, as asked for", 0, 0, by_peer=False)


def _comment(message: str) -> str:
    return printable(message)[:64]
