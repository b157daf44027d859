"""What tests of receiving share: a listener with a folder, and a sender that puts any bytes into a C-STORE."""

import threading
from collections.abc import Sequence
from types import TracebackType

from dcmnet_cli.core.association import Timers
from dcmnet_cli.core.commands import CEchoRQ, CStoreRQ, CStoreRSP
from dcmnet_cli.core.negotiation import own_information, propose
from dcmnet_cli.core.pdu import AAssociateRQ, UserIdentity
from dcmnet_cli.core.uids import IMPLICIT_VR_LITTLE_ENDIAN, VERIFICATION
from dcmnet_cli.net.association import Association
from dcmnet_cli.net.server import SERVER_TIMERS
from dcmnet_cli.net.transport import connect
from dcmnet_cli.ops.listening.listen import Listener, ListenPlan
from dcmnet_cli.ops.listening.listen_log import Summary
from dcmnet_cli.ops.results import ListenEvent
from tests.dicom_files import CT, EXPLICIT
from tests.scripted import PATIENCE, until

TIMERS = SERVER_TIMERS._replace(closing=0.05, dimse=5.0)


class Running:
    """A listener in a thread of its own, and its events."""

    def __init__(self, **options: object) -> None:
        self.events: list[ListenEvent] = []
        plan = ListenPlan(0, host="127.0.0.1", timers=TIMERS)._replace(**options)  # type: ignore[arg-type]
        self.listener = Listener(plan, self.events.append)
        self.port = self.listener.port
        self._summaries: list[Summary] = []
        self._thread = threading.Thread(target=lambda: self._summaries.append(self.listener.run()), daemon=True)
        self._thread.start()

    def __enter__(self) -> "Running":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.stopped()

    def all(self, word: str) -> list[ListenEvent]:
        return [event for event in self.events if event.event == word]

    def one(self, word: str) -> ListenEvent:
        """The one event of this name, once it has come."""
        until(lambda: self.all(word))
        (found,) = self.all(word)
        return found

    def closed(self, count: int) -> None:
        until(lambda: len(self.all("closed")) >= count)

    def stopped(self) -> Summary:
        self.listener.stop()
        return self.ended()

    def ended(self) -> Summary:
        self._thread.join(3 * PATIENCE)
        assert not self._thread.is_alive()
        return self._summaries[0]


class Sender:
    """An association as requestor that proposes Verification and ``contexts``: (abstract, transfer syntaxes)."""

    def __init__(
        self,
        port: int,
        contexts: Sequence[tuple[str, Sequence[str]]] = ((CT, (EXPLICIT,)),),
        *,
        calling: str = "CT1",
        identity: UserIdentity | None = None,
    ) -> None:
        proposed = propose([(VERIFICATION, [IMPLICIT_VR_LITTLE_ENDIAN]), *contexts])
        information = own_information(16384)._replace(user_identity=identity)
        self.association = Association.request(
            connect("127.0.0.1", port, timeout=PATIENCE),
            AAssociateRQ("INBOX", calling, proposed, information),
            timers=Timers(acse=PATIENCE, dimse=PATIENCE, release=PATIENCE, closing=0.05),
        )

    def __enter__(self) -> "Sender":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if kind is None:
            self.association.release()
        else:
            self.association.abort()

    def store(self, data: bytes, instance: str = "1.2.3.4", sop_class: str = CT, context_id: int = 3) -> CStoreRSP:
        request = CStoreRQ(self.association.next_message_id(), sop_class, instance)
        response = self.association.call(context_id, request, data)
        assert isinstance(response, CStoreRSP)
        return response

    def echo(self) -> int:
        return self.association.call(1, CEchoRQ(self.association.next_message_id(), VERIFICATION)).status
