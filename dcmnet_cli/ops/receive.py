"""C-STORE as an acceptor: from the association to a file, nothing decoded, nothing acknowledged that is not safe."""

import time
from collections.abc import Callable
from typing import NamedTuple

from dcmnet_cli.core import uids
from dcmnet_cli.core.commands import CStoreRQ
from dcmnet_cli.core.text import printable
from dcmnet_cli.errors import OutputError
from dcmnet_cli.net.part10 import meta_header
from dcmnet_cli.net.service import ServiceRequest
from dcmnet_cli.net.sink import Folder, Stored

OUT_OF_RESOURCES = 0xA700
DUPLICATE = 0xC111


class ReceivedObject(NamedTuple):
    """An object that arrived whole. ``length`` is that of its data set; ``stored`` None when it is not kept."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    length: int
    seconds: float
    stored: Stored | None


class Receiver:
    """The handler of C-STORE. ``name`` gives the path below the folder; without a ``folder`` objects are dropped.

    ``arrived`` is called with every object, after it has its final name and before it is acknowledged.
    """

    def __init__(
        self,
        folder: Folder | None,
        name: Callable[[CStoreRQ], str],
        arrived: Callable[[ServiceRequest, ReceivedObject], None],
    ) -> None:
        self._folder = folder
        self._name = name
        self._arrived = arrived

    def __call__(self, request: ServiceRequest) -> int:
        message = request.message
        assert isinstance(message, CStoreRQ)
        begin = time.monotonic()
        try:
            length, stored = self._receive(request, message)
        except OutputError as error:
            request.respond(OUT_OF_RESOURCES, error_comment=printable(error.message)[:64])
            return OUT_OF_RESOURCES
        self._arrived(
            request,
            ReceivedObject(
                message.affected_sop_class_uid,
                message.affected_sop_instance_uid,
                request.context.transfer_syntax,
                length,
                time.monotonic() - begin,
                stored,
            ),
        )
        if stored is not None and stored.outcome == "rejected":
            request.respond(DUPLICATE, error_comment="this instance is here already")
        return 0

    def _receive(self, request: ServiceRequest, message: CStoreRQ) -> tuple[int, Stored | None]:
        if self._folder is None:
            return sum(len(fragment) for batch in request.fragments() for fragment in batch), None
        header = meta_header(
            message.affected_sop_class_uid,
            message.affected_sop_instance_uid,
            request.context.transfer_syntax,
            request.association.requested.calling_ae_title,
        )
        with self._folder.begin(header) as file:
            for batch in request.fragments():
                file.write(batch)
            return file.length - len(header), file.commit(self._name(message))


def plain_name(message: CStoreRQ) -> str:
    """``<SOP Instance UID>.dcm``; a UID that breaks the rules does not get near a path."""
    uid = message.affected_sop_instance_uid
    if uids.is_valid_uid(uid):
        return f"{uid}.dcm"
    import hashlib

    return f"invalid-uid-{hashlib.sha256(uid.encode('utf-8', 'surrogateescape')).hexdigest()[:32]}.dcm"
