"""C-MOVE: who sends what where, what is believed, what is waited for."""

import os
import select
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from dcmnet_cli.core.identifier import Element
from dcmnet_cli.errors import (
    AssociationAborted,
    DcmnetError,
    InputError,
    ListenError,
    NoAcceptedContext,
    TimedOut,
    UsageError,
)
from dcmnet_cli.net.service import ServiceRequest
from dcmnet_cli.ops.listening.listen import ListenPlan
from dcmnet_cli.ops.listening.storage import StoragePlan
from dcmnet_cli.ops.results import Report
from dcmnet_cli.ops.retrieving.move import MoveOptions, move
from dcmnet_cli.ops.retrieving.reconcile import Result, SubOperations
from dcmnet_cli.ops.retrieving.retrieve import Follower, Wish
from dcmnet_cli.ops.stop import Stop
from tests.ops.retrieving import (
    HOLDINGS,
    QUICK,
    STORED,
    STUDY,
    Archive,
    Sender,
    archive,
    counts,
    failed_list,
    later,
    send_all,
)
from tests.scripted import PATIENCE

BY_STUDY = Wish("study", "STUDY", (Element(0x0020000D, "UI", STUDY.encode()),))


class Ports(Follower):
    """Remembers where the listener is, for the archive to send to, and what the peer counted."""

    def __init__(self) -> None:
        self.port = 0
        self.pendings: list[SubOperations] = []

    def listening(self, destination: object, addresses: tuple[str, ...]) -> None:
        self.port = int(addresses[0].rpartition(":")[2])

    def pending(self, counts: SubOperations) -> None:
        self.pendings.append(counts)


class Moved:
    """One move to a folder here."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.follower = Ports()
        self.report = Report("move")
        self.stop = Stop()
        self.seconds = 0.0

    def run(
        self, peer: Archive, wish: Wish = BY_STUDY, *, grace: float = 0.3, **changed: object
    ) -> tuple[Result, DcmnetError | None]:
        plan = ListenPlan(0, "127.0.0.1", title="HERE", grace=1.0, storage=StoragePlan(str(self.folder)))
        options = MoveOptions("HERE", plan, grace)._replace(**changed)  # type: ignore[arg-type]
        begin = time.monotonic()
        try:
            return move(peer.target, wish, options, self.report, follower=self.follower, stop=self.stop)
        finally:
            self.seconds = time.monotonic() - begin

    @property
    def files(self) -> list[str]:
        return sorted(name.removesuffix(".dcm") for name in os.listdir(self.folder))


@pytest.fixture
def moved(tmp_path: Path) -> Moved:
    return Moved(tmp_path)


def test_everything_arrives_and_is_accounted_for(moved: Moved) -> None:
    def handle(request: ServiceRequest) -> None:
        sender = Sender(moved.follower.port)
        for number, uid in enumerate(STORED, 1):
            assert sender.store(uid) == 0
            request.respond(0xFF00, **counts(4 - number, number))
        sender.close()
        request.respond(0, **counts(None, 4))

    with archive(move=handle) as peer:
        result, error = moved.run(peer)
    assert error is None
    assert moved.files == list(STORED)
    assert result.is_complete
    assert [wanted.sop_instance_uid for wanted in result.expected or ()] == list(STORED)
    assert result.claimed == SubOperations(None, 4, 0, 0)
    assert result.arrival is not None
    assert (result.arrival.distinct, result.arrival.surplus, result.arrival.after_final) == (4, 0, 0)
    assert moved.follower.pendings[0] == SubOperations(3, 1, 0, 0)
    assert peer.destinations == ["HERE"]
    assert peer.identifiers == [{0x00080052: "STUDY", 0x0020000D: STUDY}]
    assert (result.claims[0].pending, moved.report.notes) == (4, [])


def test_early_success_is_not_believed(moved: Moved) -> None:
    """The final response comes first, the objects after it."""

    def handle(request: ServiceRequest) -> None:
        request.respond(0, **counts(None, 4))
        later(0.2, lambda: send_all(moved.follower.port))

    with archive(move=handle) as peer:
        result, _ = moved.run(peer, grace=2.0)
    assert moved.files == list(STORED)
    assert result.is_complete
    assert result.arrival is not None
    assert result.arrival.after_final == 4
    assert moved.seconds < 2.0  # no longer than it took


def test_stragglers_are_waited_for_as_long_as_they_come(moved: Moved) -> None:
    """Each within the grace time of the one before, all of them together much longer."""

    def trickle() -> None:
        sender = Sender(moved.follower.port)
        for uid in STORED:
            time.sleep(0.25)
            assert sender.store(uid) == 0
        sender.close()

    def handle(request: ServiceRequest) -> None:
        request.respond(0, **counts(None, 4))
        later(0.0, trickle)

    with archive(move=handle) as peer:
        result, _ = moved.run(peer, grace=0.6)
    assert result.is_complete
    assert moved.seconds > 0.9


def test_success_without_objects_ends_after_the_grace_time_and_says_what_it_usually_is(moved: Moved) -> None:
    with archive(move=lambda request: request.respond(0, **counts(None, 4))) as peer:
        result, error = moved.run(peer, grace=0.2)
    assert error is None
    assert not result.is_complete
    assert [wanted.sop_instance_uid for wanted in result.missing] == list(STORED)
    assert result.diagnosis is not None
    assert "no connection" in result.diagnosis.headline
    assert f"port {moved.follower.port}" in result.diagnosis.meaning


def test_a_connection_that_brings_nothing_is_told_apart(moved: Moved) -> None:
    def handle(request: ServiceRequest) -> int:
        Sender(moved.follower.port).association.abort()
        return 0

    with archive(move=handle) as peer:
        result, _ = moved.run(peer, grace=0.2)
    assert result.diagnosis is not None
    assert result.diagnosis.headline == "the archive connected and brought nothing"


def test_missing_counts_are_unknown_and_not_zero(moved: Moved) -> None:
    def handle(request: ServiceRequest) -> None:
        send_all(moved.follower.port)
        request.respond(0, **counts(None, None, None, None))

    with archive(move=handle) as peer:
        result, _ = moved.run(peer)
    assert result.claimed == SubOperations()
    assert result.is_complete


def test_success_with_all_sub_operations_failed(moved: Moved) -> None:
    with archive(move=lambda request: request.respond(0, **counts(None, 0, 4))) as peer:
        result, _ = moved.run(peer, grace=5.0)
    assert not result.is_complete
    assert result.claims[0].category == "success"
    assert (result.claimed.failed, len(result.missing)) == (4, 4)
    assert moved.seconds < 3.0  # nothing is on its way by the peer's own account


def test_what_the_peer_gives_up_is_listed_and_not_waited_for(moved: Moved) -> None:
    def handle(request: ServiceRequest) -> None:
        send_all(moved.follower.port, STORED[:3])
        request.respond(0xB000, failed_list(STORED[3]), **counts(None, 3, 1))

    with archive(move=handle) as peer:
        result, _ = moved.run(peer, grace=5.0)
    assert result.failed_uids == (STORED[3],)
    assert [wanted.sop_instance_uid for wanted in result.missing] == [STORED[3]]
    assert not result.is_complete
    assert moved.seconds < 3.0


def test_unknown_destination(moved: Moved) -> None:
    comment = "unknown \x1b[31m HERE"
    with archive(move=lambda request: request.respond(0xA801, error_comment=comment)) as peer:
        result, error = moved.run(peer, grace=5.0)
    assert error is None
    assert result.worst is not None
    assert (result.worst.status, result.worst.error_comment) == (0xA801, r"unknown \x1b[31m HERE")
    assert result.destination is not None
    assert (result.destination.title, result.destination.port) == ("HERE", moved.follower.port)
    assert result.destination.addresses == ("127.0.0.1",)
    assert result.destination.host_name == socket.gethostname()
    assert moved.seconds < 3.0


def test_counts_beyond_all_measure_do_not_matter_where_objects_can_be_counted(moved: Moved) -> None:
    def handle(request: ServiceRequest) -> None:
        send_all(moved.follower.port, STORED[:2])
        request.respond(0, **counts(65535, 65535, 0, 65535))

    with archive(move=handle) as peer:
        result, _ = moved.run(peer)
    assert not result.is_complete
    assert len(result.missing) == 2


def test_objects_that_were_not_asked_for_are_kept_and_counted_apart(moved: Moved) -> None:
    def handle(request: ServiceRequest) -> None:
        send_all(moved.follower.port, (*STORED, "1.2.9"))
        request.respond(0, **counts(None, 5))

    with archive(move=handle) as peer:
        result, _ = moved.run(peer)
    assert result.is_complete
    assert result.arrival is not None
    assert (result.arrival.distinct, result.arrival.surplus) == (4, 1)
    assert "1.2.9" in moved.files


def test_incoming_objects_are_a_sign_of_life(moved: Moved) -> None:
    """No pending responses, and the whole takes longer than the silence that is allowed."""

    def handle(request: ServiceRequest) -> None:
        sender = Sender(moved.follower.port)
        for uid in STORED:
            time.sleep(0.3)
            assert sender.store(uid) == 0
        sender.close()
        request.respond(0, **counts(None, 4))

    with archive(move=handle) as peer:
        target = peer.target._replace(timeouts=QUICK._replace(dimse=0.7))
        plan = ListenPlan(0, "127.0.0.1", grace=1.0, storage=StoragePlan(str(moved.folder)))
        result, error = move(target, BY_STUDY, MoveOptions("HERE", plan), Report("move"), follower=moved.follower)
    assert error is None
    assert result.is_complete


def test_silence_on_all_sides_times_out_and_keeps_what_came(moved: Moved) -> None:
    def handle(request: ServiceRequest) -> None:
        send_all(moved.follower.port, STORED[:1])
        time.sleep(1.2)

    with archive(move=handle) as peer:
        target = peer.target._replace(timeouts=QUICK._replace(dimse=0.5))
        plan = ListenPlan(0, "127.0.0.1", grace=1.0, storage=StoragePlan(str(moved.folder)))
        options = MoveOptions("HERE", plan, 0.1)
        result, error = move(target, BY_STUDY, options, Report("move"), follower=moved.follower)
    assert isinstance(error, TimedOut)
    assert error.timer == "dimse"
    assert moved.files == [STORED[0]]
    assert result.claims[0].status is None
    assert len(result.missing) == 3


def test_endless_pending_ends_with_a_cancel(moved: Moved) -> None:
    seen: list[str] = []

    def handle(request: ServiceRequest) -> None:
        association = request.association
        while True:
            request.respond(0xFF00, **counts(4, 0))
            if (association.transport.sock.fileno() >= 0) and _is_readable(association.transport.sock):
                received = association.receive()
                assert received is not None
                seen.append(type(received.message).__name__)
                break
            time.sleep(0.01)
        request.respond(0xFE00, **counts(4, 0))

    later(0.4, moved.stop.ask)
    with archive(move=handle) as peer:
        result, error = moved.run(peer)
    assert seen == ["CCancelRQ"]
    assert error is None
    assert result.cancelled
    assert result.claims[0].category == "cancel"
    assert result.claims[0].pending > 1
    assert not result.is_complete


def test_cancel_after_a_number_of_responses(moved: Moved) -> None:
    def handle(request: ServiceRequest) -> None:
        for _ in range(3):
            request.respond(0xFF00, **counts(4, 0))
        received = request.association.receive()
        assert received is not None
        assert type(received.message).__name__ == "CCancelRQ"
        request.respond(0xFE00, **counts(4, 0))

    moved.stop.after = 3
    with archive(move=handle) as peer:
        result, error = moved.run(peer)
    assert error is None
    assert result.claims[0].category == "cancel"


def test_a_peer_that_ignores_the_cancel_is_aborted(moved: Moved, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dcmnet_cli.ops.retrieving.suboperations.CANCEL_PATIENCE", 0.3)
    gone = threading.Event()

    def handle(request: ServiceRequest) -> None:
        try:
            while True:
                request.respond(0xFF00, **counts(4, 0))
                time.sleep(0.02)
        finally:
            gone.set()

    class StopsSoon(Ports):
        def asked(self, request: object) -> None:
            later(0.1, moved.stop.ask)

    moved.follower = StopsSoon()
    with archive(move=handle) as peer:
        _, error = moved.run(peer)
        assert gone.wait(PATIENCE)
    assert isinstance(error, TimedOut)
    assert "C-CANCEL" in error.message


def test_an_abort_in_the_middle_keeps_the_account(moved: Moved) -> None:
    def handle(request: ServiceRequest) -> None:
        send_all(moved.follower.port, STORED[:2])
        request.association.abort()

    with archive(move=handle) as peer:
        result, error = moved.run(peer)
    assert isinstance(error, AssociationAborted)
    assert moved.files == list(STORED[:2])
    assert (len(result.missing), result.claims[0].status) == (2, None)


def test_a_data_set_behind_a_pending_response_is_dropped_and_noted(moved: Moved) -> None:
    def handle(request: ServiceRequest) -> None:
        request.respond(0xFF00, b"\x08\0\x58\0UI\x04\x001.2\0", **counts(4, 0))
        request.respond(0xFF00, b"\x08\0\x58\0UI\x04\x001.2\0", **counts(4, 0))
        send_all(moved.follower.port)
        request.respond(0, **counts(None, 4))

    with archive(move=handle) as peer:
        result, error = moved.run(peer)
    assert error is None
    assert result.is_complete
    assert len([note for note in moved.report.notes if "pending" in note]) == 1


def test_to_a_third_party_the_claim_is_all_there_is(moved: Moved) -> None:
    with archive(move=lambda request: request.respond(0, **counts(None, 4))) as peer:
        result, _ = move(peer.target, BY_STUDY, MoveOptions("ELSEWHERE"), moved.report)
    assert result.is_complete
    assert result.arrival is None
    assert peer.destinations == ["ELSEWHERE"]


@pytest.mark.parametrize(
    ("status", "claim", "is_complete"),
    [
        (0, counts(None, 3), False),
        (0, counts(None, 4, 1), False),
        (0, counts(None, None, None, None), True),
        (0xB000, counts(None, 3, 0, 1), True),
        (0xB000, counts(None, None, None, None), False),
        (0xB000, counts(None, 3, 1), False),
        (0xFE00, counts(None, 4), False),
    ],
)
def test_what_a_claim_proves(moved: Moved, status: int, claim: dict[str, Any], is_complete: bool) -> None:
    with archive(move=lambda request: request.respond(status, **claim)) as peer:
        result, _ = move(peer.target, BY_STUDY, MoveOptions("ELSEWHERE"), moved.report)
    assert result.is_complete == is_complete


def test_missing_asks_for_single_instances(moved: Moved) -> None:
    def handle(request: ServiceRequest) -> None:
        send_all(moved.follower.port, STORED[2:])
        request.respond(0, **counts(None, 2))

    with archive(move=handle) as peer:
        result, _ = moved.run(peer, BY_STUDY._replace(already=frozenset(STORED[:2])))
    assert peer.identifiers == [
        {0x00080052: "IMAGE", 0x0020000D: STUDY, 0x0020000E: "1.2.3.1", 0x00080018: "\\".join(STORED[2:])}
    ]
    assert (result.already, len(result.expected or ()), result.is_complete) == (2, 2, True)


def test_missing_where_nothing_is(moved: Moved) -> None:
    with archive(move=lambda request: 0xA801) as peer:
        result, error = moved.run(peer, BY_STUDY._replace(already=frozenset(STORED)))
    assert (peer.identifiers, result.claims, error) == ([], (), None)
    assert result.is_complete


def test_missing_means_nothing_to_a_third_party(moved: Moved) -> None:
    with archive(move=lambda request: 0) as peer, pytest.raises(UsageError, match="--missing"):
        move(peer.target, BY_STUDY._replace(already=frozenset()), MoveOptions("ELSEWHERE"), moved.report)


def test_a_taken_port_is_found_before_anything_is_asked(moved: Moved) -> None:
    with archive(move=lambda request: 0) as peer, socket.create_server(("127.0.0.1", 0)) as taken:
        plan = ListenPlan(taken.getsockname()[1], "127.0.0.1", storage=StoragePlan(str(moved.folder)))
        with pytest.raises(ListenError):
            move(peer.target, BY_STUDY, MoveOptions("HERE", plan), moved.report)
        assert peer.queries == []


def test_no_match_retrieves_nothing(moved: Moved) -> None:
    wish = BY_STUDY._replace(keys=(Element(0x00080050, "SH", b"NOBODY"),))
    with archive(move=lambda request: 0) as peer, pytest.raises(InputError, match="no study matches"):
        moved.run(peer, wish)
    assert peer.identifiers == []


def test_accession_is_resolved_first(moved: Moved) -> None:
    def handle(request: ServiceRequest) -> None:
        send_all(moved.follower.port)
        request.respond(0, **counts(None, 4))

    wish = BY_STUDY._replace(keys=(Element(0x00080050, "SH", b"A1"),))
    with archive(move=handle) as peer:
        result, _ = moved.run(peer, wish)
    assert peer.queries == ["STUDY", "SERIES", "IMAGE"]
    assert peer.identifiers == [{0x00080052: "STUDY", 0x0020000D: STUDY}]
    assert (result.entities[0].uid, result.entities[0].words) == (STUDY, "CHEST, 2025-01-14")
    assert result.is_complete


def test_a_peer_without_c_find_still_moves_by_unique_keys(moved: Moved) -> None:
    def handle(request: ServiceRequest) -> None:
        send_all(moved.follower.port)
        request.respond(0, **counts(None, 4))

    with archive(move=handle, find_status=0xA700) as peer:
        result, error = moved.run(peer)
    assert error is None
    assert result.expected is None
    assert result.is_complete
    assert any("C-FIND failed" in note for note in moved.report.notes)


def test_a_peer_without_c_move(moved: Moved) -> None:
    with archive() as peer, pytest.raises(NoAcceptedContext, match="C-MOVE"):
        moved.run(peer)


def test_two_studies_are_two_requests(moved: Moved) -> None:
    more = [held._replace(instance=f"9.{held.instance}", series="9.1", study="9") for held in HOLDINGS[:1]]

    def handle(request: ServiceRequest) -> int:
        send_all(moved.follower.port, [f"9.{STORED[0]}"] if len(peer.identifiers) == 2 else STORED)
        return 0

    wish = BY_STUDY._replace(keys=(Element(0x00080050, "SH", b"A1"),))
    with archive(move=handle, holdings=(*HOLDINGS, *more)) as peer:
        result, _ = moved.run(peer, wish)
    assert [keys[0x0020000D] for keys in peer.identifiers] == [STUDY, "9"]
    assert (len(result.claims), result.is_complete) == (2, True)


def _is_readable(sock: socket.socket) -> bool:
    return bool(select.select([sock], [], [], 0)[0])
