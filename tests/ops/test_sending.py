"""The courier: what it sends when, what it makes of answers, and that it lets go of everything it opened."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dcmnet_cli.core.commands import HIGH, CStoreRQ, CStoreRSP
from dcmnet_cli.core.negotiation import AcceptedContext
from dcmnet_cli.core.pdata import chunks_of
from dcmnet_cli.errors import ConnectionLost
from dcmnet_cli.ops.storing.plan import Instance
from dcmnet_cli.ops.storing.sending import Courier, Interrupted, Parcel, describe
from dcmnet_cli.ops.storing.transfer import NOT_SENT, Outcome
from tests.dicom_files import CT, EXPLICIT
from tests.storing import plan_of, write_objects

CONTEXT = AcceptedContext(5, CT, EXPLICIT)
LOST = ConnectionLost("it went away")


class Wire:
    """An association that does as ``script`` says for each object, and a note of everything that happens."""

    def __init__(self, *script: int | str) -> None:
        self.script = list(script)
        self.seen: list[str] = []
        self.requests: list[CStoreRQ] = []
        self.open = 0
        self._next: int | str = 0

    def next_message_id(self) -> int:
        return len(self.requests) + 1

    def send(self, context_id: int, request: CStoreRQ, data_set: Any) -> None:
        assert context_id == CONTEXT.context_id
        self.requests.append(request)
        self._next = self.script.pop(0) if self.script else 0
        self.seen.append("send")
        if self._next == "cut":
            raise LOST

    def receive_response(self, due: str, *_: object) -> CStoreRSP:
        self.seen.append("receive")
        if self._next == "lost":
            raise LOST
        assert isinstance(self._next, int)
        return CStoreRSP(self.requests[-1].message_id, self._next, error_comment="why", offending_element=(1,))

    def pack(self, instance: Instance) -> Parcel | Outcome:
        self.seen.append("pack")
        if instance.file.sop_instance_uid.endswith(".9"):
            return describe(instance, NOT_SENT, reason="cannot be packed")
        self.open += 1

        def close() -> None:
            self.open -= 1

        return Parcel(CONTEXT, CT, instance.file.sop_instance_uid, chunks_of(b"ab"), close, ("changed",), 0.001)


@pytest.fixture
def instances(tmp_path: Path) -> list[Instance]:
    return list(plan_of(write_objects(tmp_path, 4)).batches[0].instances)


def courier(wire: Wire, **more: Any) -> Courier:
    return Courier(wire, wire.pack, **more)  # type: ignore[arg-type]


def deliver(wire: Wire, taken: Iterator[Instance], **more: Any) -> list[Outcome]:
    return list(courier(wire, **more).deliver(taken))


def interrupted(wire: Wire, taken: Iterator[Instance]) -> tuple[list[str], Interrupted]:
    """The kinds of all outcomes until the association ended before its time, and how it did."""
    told: list[str] = []

    def run() -> None:
        for outcome in courier(wire).deliver(taken):
            told.append(outcome.kind)

    with pytest.raises(Interrupted) as caught:
        run()
    return told, caught.value


def test_the_next_is_made_ready_while_the_peer_works_on_the_last(instances: list[Instance]) -> None:
    wire = Wire()
    outcomes = deliver(wire, iter(instances[:3]))
    assert wire.seen == ["pack", "send", "pack", "receive", "send", "pack", "receive", "send", "receive"]
    assert [outcome.kind for outcome in outcomes] == ["stored"] * 3
    assert wire.open == 0


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (0x0000, "stored"),
        (0xB000, "warned"),
        (0xB006, "warned"),
        (0x0001, "warned"),
        (0x0107, "warned"),
        (0xA700, "refused"),
        (0xC000, "refused"),
        (0x0110, "refused"),
        (0xFE00, "refused"),
        (0xFF00, "refused"),
        (0x1234, "refused"),
    ],
)
def test_what_a_status_means(instances: list[Instance], status: int, kind: str) -> None:
    (outcome,) = deliver(Wire(status), iter(instances[:1]))
    assert (outcome.kind, outcome.status) == (kind, status)
    assert (outcome.error_comment, outcome.offending_element) == ("why", (1,))
    assert (outcome.sent_as, outcome.length, outcome.changes) == (EXPLICIT, 2, ("changed",))


def test_priority_and_originator(instances: list[Instance]) -> None:
    wire = Wire()
    deliver(wire, iter(instances[:1]), priority=HIGH, originator=("MOVER", 7))
    (request,) = wire.requests
    told = request.priority, request.move_originator_application_entity_title, request.move_originator_message_id
    assert told == (HIGH, "MOVER", 7)


def test_what_cannot_be_packed_has_its_outcome_and_is_not_sent(instances: list[Instance]) -> None:
    unfit = instances[1]._replace(file=instances[1].file._replace(sop_instance_uid="1.9"))
    wire = Wire()
    outcomes = deliver(wire, iter([instances[0], unfit, unfit, instances[2]]))
    assert [outcome.kind for outcome in outcomes] == ["stored", "not_sent", "not_sent", "stored"]
    assert len(wire.requests) == 2


def test_an_end_before_the_answer(instances: list[Instance]) -> None:
    wire, taken = Wire(0, "lost"), iter(instances)
    told, interruption = interrupted(wire, taken)
    assert told == ["stored", "in_doubt"]
    assert (interruption.error, interruption.cut_short) == (LOST, None)
    assert wire.open == 0
    assert len(list(taken)) == 1  # the third was taken and is without an outcome


def test_an_end_while_sending(instances: list[Instance]) -> None:
    wire = Wire(0, "cut")
    told, interruption = interrupted(wire, iter(instances))
    assert told == ["stored"]
    assert interruption.cut_short is not None
    assert (interruption.cut_short.kind, interruption.cut_short.reason) == ("not_sent", "it went away")
    assert interruption.cut_short.label == instances[1].source.label
    assert wire.open == 0


def test_stopping_sends_nothing_more_and_closes_what_was_ready(instances: list[Instance]) -> None:
    allowed = [True, True, False]
    wire = Wire()
    outcomes = deliver(wire, iter(instances), may_send=lambda _: allowed.pop(0))
    assert [outcome.kind for outcome in outcomes] == ["stored", "stored"]
    assert (len(wire.requests), wire.open) == (2, 0)


def test_who_stops_listening_leaves_nothing_open(instances: list[Instance]) -> None:
    wire = Wire()
    outcomes = courier(wire).deliver(iter(instances))
    next(outcomes)
    outcomes.close()  # type: ignore[attr-defined]
    assert wire.open == 0


def test_where_the_time_went(instances: list[Instance]) -> None:
    wire = Wire()
    working = courier(wire)
    list(working.deliver(iter(instances)))
    assert working.spent.converting == pytest.approx(0.004)
    assert working.spent.waiting >= 0
    assert working.spent.network >= 0


def test_a_bug_in_packing_lets_go_of_what_is_under_way(instances: list[Instance]) -> None:
    wire = Wire()
    pack = wire.pack

    def broken(instance: Instance) -> Parcel | Outcome:
        if instance is instances[1]:
            raise ZeroDivisionError
        return pack(instance)

    with pytest.raises(ZeroDivisionError):
        list(Courier(wire, broken).deliver(iter(instances)))  # type: ignore[arg-type]
    assert wire.open <= 0
