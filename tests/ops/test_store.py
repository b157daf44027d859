"""C-STORE as a requestor: every instance has one outcome, and the right one, whatever the peer does."""

import os
import threading
import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dcmnet_cli.core.events import Trace
from dcmnet_cli.core.negotiation import AcceptorPolicy
from dcmnet_cli.core.pdu import AAssociateRJ, PDataTF
from dcmnet_cli.errors import (
    AssociationAborted,
    AssociationRejected,
    ConnectError,
    ConnectionLost,
    InputError,
    OperationFailed,
    OutputError,
    UnexpectedMessage,
)
from dcmnet_cli.net.association import Association
from dcmnet_cli.net.observer import Observer
from dcmnet_cli.net.service import ServiceRequest
from dcmnet_cli.ops.results import Report
from dcmnet_cli.ops.storing import store as store_module
from dcmnet_cli.ops.storing.invent import Inventor, Kinds
from dcmnet_cli.ops.storing.journal import Journal
from dcmnet_cli.ops.storing.plan import Group
from dcmnet_cli.ops.storing.store import StoreOptions, confirmed_apart, repeated
from dcmnet_cli.ops.storing.transfer import Outcome
from dcmnet_cli.ops.target import Target
from tests.dicom_files import CT, IMPLICIT, data_set, part10
from tests.scripted import until
from tests.storing import BIG, BUSY, QUICK, Peer, Sent, check_nothing_lost, plan_of, write_object, write_objects


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "_PAUSES", (0.01,))


def send(peer: Peer, paths: list[str], options: StoreOptions = StoreOptions(), **more: object) -> Sent:  # noqa: B008
    plan = plan_of(paths)
    with peer.serving() as target:
        sent = Sent(target, plan, options, **more)
    check_nothing_lost(sent, plan)
    return sent


# --- answers -------------------------------------------------------------------------------------------------------


def test_each_kind_of_answer(tmp_path: Path) -> None:
    peer = Peer(["ok", "B007", "A700", "0107"])
    sent = send(peer, write_objects(tmp_path, 5))
    assert sent.kinds == ["stored", "warned", "refused", "warned", "stored"]
    assert sent.error is None
    assert (sent.result.associations, sent.result.retries) == (1, 0)
    for number, status in ((1, 0xB007), (2, 0xA700), (3, 0x0107)):
        outcome = sent.outcomes[number]
        assert (outcome.status, outcome.error_comment) == (status, "as scripted")
        assert outcome.offending_element == (0x00100020,)
    stored = sent.outcomes[0]
    assert (stored.status, stored.sop_instance_uid, stored.sop_class_uid) == (0, "1.2.3.4.0", CT)
    assert (stored.study_instance_uid, stored.sent_as) == ("1.2.3.0", "1.2.840.10008.1.2.1")
    assert stored.length == os.path.getsize(tmp_path / "0000.dcm") - len(part10(b"", instance="1.2.3.4.0"))


def test_the_data_set_arrives_as_it_lies_in_the_file(tmp_path: Path) -> None:
    path = write_object(tmp_path, 7, pixels=3 << 20)
    peer = Peer()
    peer.keeps_data = True
    send(peer, [str(path)])
    assert path.read_bytes().endswith(peer.data["1.2.3.4.7"])
    assert len(peer.data["1.2.3.4.7"]) > 3 << 20


class Watch(Observer):
    """What was sent, and how the association ended."""

    def __init__(self) -> None:
        self.fragments: list[int] = []
        self.ends: list[str] = []

    def traced(self, association: Association, trace: Trace) -> None:
        if trace.is_sent and isinstance(trace.what, PDataTF):
            self.fragments.append(trace.what.fragment_length)

    def released(self, association: Association) -> None:
        self.ends.append("released")

    def aborted(self, association: Association, source: int, reason: int, by_peer: bool) -> None:
        self.ends.append(f"aborted {source} {reason} {by_peer}")


@pytest.mark.parametrize(("limit", "longest"), [(0, 16372), (4096, 4090), (1 << 17, 16372)])
def test_no_pdu_is_longer_than_the_peer_and_we_ourselves_allow(tmp_path: Path, limit: int, longest: int) -> None:
    peer, watch = Peer(policy=AcceptorPolicy(any_abstract_syntax=True, maximum_length=16378)), Watch()
    path = write_object(tmp_path, 1, pixels=100_000)
    sent = send(peer, [str(path)], StoreOptions(max_send_pdu=limit), observers=(watch,))
    assert sent.kinds == ["stored"]
    assert max(watch.fragments) == longest  # the PDU without its PDV header
    assert watch.ends == ["released"]


def test_an_abort_in_place_of_the_release_costs_no_object(tmp_path: Path) -> None:
    peer, watch = Peer(), Watch()
    sent = send(peer, write_objects(tmp_path, 2), StoreOptions(abort=True), observers=(watch,))
    assert sent.kinds == ["stored", "stored"]
    assert sent.error is None
    assert watch.ends == ["aborted 0 0 False"]


def test_a_refusal_of_everything_is_what_the_whole_failed_with(tmp_path: Path) -> None:
    sent = send(Peer(["A701", "C000"]), write_objects(tmp_path, 2))
    assert isinstance(sent.error, OperationFailed)
    assert sent.error.status == 0xA701
    assert sent.counts() == {"refused": 2}


def test_a_request_where_the_response_is_due_is_no_answer(tmp_path: Path) -> None:
    sent = send(Peer(["echo"]), write_objects(tmp_path, 2))
    assert sent.kinds == ["in_doubt", "stored"]
    assert "C-ECHO-RQ" in sent.outcomes[0].reason
    sent = send(Peer(["echo"]), write_objects(tmp_path, 1))
    assert isinstance(sent.error, UnexpectedMessage)


# --- associations that end before their time -----------------------------------------------------------------------


@pytest.mark.parametrize(("word", "kind"), [("abort", AssociationAborted), ("drop", ConnectionLost)])
def test_an_end_before_the_answer_leaves_the_object_in_doubt_and_does_not_send_it_again(
    tmp_path: Path, word: str, kind: type
) -> None:
    peer = Peer(["ok", word])
    sent = send(peer, write_objects(tmp_path, 4))
    assert sent.kinds == ["stored", "in_doubt", "stored", "stored"]
    assert peer.received == [f"1.2.3.4.{number}" for number in range(4)]
    assert sent.outcomes[1].status is None
    assert "STORE@127.0.0.1:" in sent.outcomes[1].reason
    assert (sent.result.associations, sent.result.retries) == (2, 1)
    alone = send(Peer([word]), write_objects(tmp_path, 1))
    assert isinstance(alone.error, kind)
    assert alone.counts() == {"in_doubt": 1}


@pytest.mark.parametrize("word", ["abort during", "drop during"])
def test_an_object_that_did_not_leave_whole_is_sent_again_once(tmp_path: Path, word: str) -> None:
    paths = [str(write_object(tmp_path, number, pixels=BIG)) for number in range(3)]
    peer = Peer(["ok", word])
    sent = send(peer, paths)
    assert sent.kinds == ["stored"] * 3
    assert peer.kept == ["1.2.3.4.0", "1.2.3.4.1", "1.2.3.4.2"]
    stubborn = Peer([word, word])
    sent = send(stubborn, paths)
    assert sent.kinds == ["not_sent", "stored", "stored"]
    assert sent.outcomes[0].reason
    assert stubborn.kept == ["1.2.3.4.1", "1.2.3.4.2"]


def test_nothing_is_tried_again_without_retries(tmp_path: Path) -> None:
    sent = send(Peer(["ok", "abort"]), write_objects(tmp_path, 4), StoreOptions(retries=0))
    assert sent.kinds == ["stored", "in_doubt", "not_sent", "not_sent"]
    assert sent.error is None  # the peer has one of them: that is not a failure of the whole
    assert "aborted" in sent.outcomes[-1].reason
    assert (sent.result.associations, sent.result.retries) == (1, 0)


def test_retries_end_when_nothing_ever_works(tmp_path: Path) -> None:
    peer = Peer(["abort"] * 100)
    sent = send(peer, write_objects(tmp_path, 10), StoreOptions(retries=2))
    assert sent.counts() == {"in_doubt": 3, "not_sent": 7}
    assert (sent.result.associations, sent.result.retries) == (3, 2)
    assert isinstance(sent.error, AssociationAborted)


def test_retries_count_from_the_last_success(tmp_path: Path) -> None:
    sent = send(Peer(["ok", "abort"] * 10), write_objects(tmp_path, 20), StoreOptions(retries=1))
    assert sent.counts() == {"stored": 10, "in_doubt": 10}


def test_pauses_grow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "_PAUSES", (0.03, 0.1, 0.2))
    peer = Peer(["abort"] * 100)
    sent = send(peer, write_objects(tmp_path, 10), StoreOptions(retries=4))
    assert sent.counts() == {"in_doubt": 5, "not_sent": 5}
    gaps = [after - before for before, after in pairwise(peer.times)]
    assert all(gap >= pause for gap, pause in zip(gaps, (0.03, 0.1, 0.2, 0.2), strict=True))


def test_a_halt_waits_for_no_pause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "_PAUSES", (60.0,))
    begin = time.monotonic()
    sent = send(Peer(["abort"]), write_objects(tmp_path, 4), StoreOptions(halt=True))
    assert sent.counts() == {"in_doubt": 1, "not_sent": 3}
    assert time.monotonic() - begin < 5.0


# --- associations that do not come about ---------------------------------------------------------------------------


def test_a_permanent_rejection_is_not_tried_again(tmp_path: Path) -> None:
    peer = Peer(requests=[AAssociateRJ(1, 1, 7)])
    sent = send(peer, write_objects(tmp_path, 3))
    assert isinstance(sent.error, AssociationRejected)
    assert sent.counts() == {"not_sent": 3}
    assert peer.associations == 0
    assert [step.ok for step in sent.report.steps] == [True, True, False]


def test_a_transient_rejection_is(tmp_path: Path) -> None:
    sent = send(Peer(requests=[BUSY, BUSY]), write_objects(tmp_path, 3))
    assert sent.counts() == {"stored": 3}
    assert (sent.result.retries, sent.report.association is not None) == (2, True)
    assert [step.name for step in sent.report.steps] == ["resolve", "TCP connect", "association"]


def test_a_port_where_nothing_ever_listened_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "_PAUSES", (60.0,))
    plan = plan_of(write_objects(tmp_path, 2))
    with Peer().serving() as target:
        pass
    sent = Sent(target, plan)
    check_nothing_lost(sent, plan)
    assert isinstance(sent.error, ConnectError)


def test_who_insists_waits_for_a_peer_that_is_not_there_yet(tmp_path: Path) -> None:
    plan = plan_of(write_objects(tmp_path, 2))
    with Peer().serving() as target:
        pass
    sent = Sent(target, plan, StoreOptions(retries=4, insists=True))
    assert isinstance(sent.error, ConnectError)
    assert (sent.result.associations, sent.result.retries) == (0, 4)
    assert sent.counts() == {"not_sent": 2}


def test_more_associations_step_down_when_the_peer_is_busy(tmp_path: Path) -> None:
    peer = Peer(most=2)
    sent = send(peer, write_objects(tmp_path, 60, studies=12), StoreOptions(jobs=6))
    assert sent.counts() == {"stored": 60}
    assert peer.at_once == 2


def test_the_last_to_step_down_leaves_no_work_behind(tmp_path: Path) -> None:
    """All are turned away at the same moment, each in the belief that there are others."""
    barrier = threading.Barrier(4, timeout=5.0)

    class Reluctant(Peer):
        def _decide(self, request: object, association: object) -> object:  # type: ignore[override]
            if self.requests:
                barrier.wait()
            return super()._decide(request, association)  # type: ignore[arg-type]

    sent = send(Reluctant(requests=[BUSY] * 4), write_objects(tmp_path, 8, studies=4), StoreOptions(jobs=4))
    assert sent.counts() == {"stored": 8}


# --- many associations ---------------------------------------------------------------------------------------------


def test_fewer_threads_than_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that has no more of them."""
    start, left = threading.Thread.start, [2]

    def scarce(thread: threading.Thread) -> None:
        if "_guarded" in thread.name:
            left[0] -= 1
            if left[0] < 0:
                raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", scarce)
    sent = send(Peer(), write_objects(tmp_path, 20, studies=10), StoreOptions(jobs=10))
    assert sent.counts() == {"stored": 20}


def test_a_study_stays_on_one_association(tmp_path: Path) -> None:
    peer = Peer()
    peer.on_store = lambda _: time.sleep(0.002)
    sent = send(peer, write_objects(tmp_path, 60, studies=6), StoreOptions(jobs=3))
    assert sent.counts() == {"stored": 60}
    assert (sent.result.jobs, peer.at_once) == (3, 3)
    studies = [{int(uid.rpartition(".")[2]) % 6 for uid in uids} for uids in peer.callers.values()]
    assert sorted(study for held in studies for study in held) == list(range(6))


def test_a_peer_that_takes_fewer_associations_gets_fewer_and_that_is_told(tmp_path: Path) -> None:
    peer = Peer(most=2)
    peer.on_store = lambda _: time.sleep(0.01)
    sent = send(peer, write_objects(tmp_path, 24, studies=6), StoreOptions(jobs=4))
    assert sent.counts() == {"stored": 24}
    assert (sent.result.jobs, sent.result.retries) == (2, 0)
    (note,) = sent.report.notes
    assert note.startswith("fewer associations at once than asked for: ")
    assert "local limit exceeded" in note


def test_without_groups_one_study_is_spread(tmp_path: Path) -> None:
    peer = Peer()
    peer.on_store = lambda _: time.sleep(0.005)
    plan = plan_of(write_objects(tmp_path, 40), group="none")
    with peer.serving() as target:
        sent = Sent(target, plan, StoreOptions(jobs=4))
    check_nothing_lost(sent, plan)
    assert (sent.result.jobs, peer.at_once) == (4, 4)
    assert all(len(uids) > 2 for uids in peer.callers.values())


def test_one_association_for_one_study(tmp_path: Path) -> None:
    peer = Peer()
    sent = send(peer, write_objects(tmp_path, 10), StoreOptions(jobs=8))
    assert (sent.result.jobs, peer.associations) == (1, 1)


def test_repeated_studies(tmp_path: Path) -> None:
    plan = plan_of(write_objects(tmp_path, 3))
    again = repeated(plan, 5)
    assert (again.files, again.bytes, again.rows[0].files) == (15, 5 * plan.bytes, 15)
    peer = Peer(["ok", "abort"])
    with peer.serving() as target:
        sent = Sent(target, again, StoreOptions(jobs=3))
    check_nothing_lost(sent, again)
    assert sorted(peer.received) == sorted(["1.2.3.4.0", "1.2.3.4.1", "1.2.3.4.2"] * 5)


def test_more_contexts_than_one_association_can_have(tmp_path: Path) -> None:
    paths = []
    for number in range(100):  # two contexts each
        sop_class = f"{CT}.99.{number}"
        body = data_set(f"1.2.3.4.{number}", sop_class)
        path = tmp_path / f"{number:04}.dcm"
        path.write_bytes(part10(body, instance=f"1.2.3.4.{number}", sop_class=sop_class))
        paths.append(str(path))
    peer = Peer()
    sent = send(peer, paths)
    assert sent.counts() == {"stored": 100}
    assert peer.associations == 2
    halted = send(Peer(["A700"]), paths, StoreOptions(halt=True))
    assert halted.counts() == {"refused": 1, "not_sent": 99}


# --- what the user asks for ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["A700", "abort"])
def test_halt_sends_nothing_more(tmp_path: Path, word: str) -> None:
    peer = Peer(["ok", word])
    sent = send(peer, write_objects(tmp_path, 6), StoreOptions(halt=True))
    assert len(peer.received) == 2
    assert sent.kinds[0] == "stored"
    assert sent.kinds[2:] == ["not_sent"] * 4
    assert "--halt" in sent.outcomes[-1].reason


def test_warnings_do_not_halt(tmp_path: Path) -> None:
    sent = send(Peer(["B000"]), write_objects(tmp_path, 3), StoreOptions(halt=True))
    assert sent.counts() == {"stored": 2, "warned": 1}


@pytest.mark.parametrize("options", [StoreOptions(files_per_second=50.0), StoreOptions(bytes_per_second=9_000.0)])
def test_rate(tmp_path: Path, options: StoreOptions) -> None:
    begin = time.monotonic()
    sent = send(Peer(), write_objects(tmp_path, 11), options)
    assert sent.counts() == {"stored": 11}
    assert time.monotonic() - begin >= 0.19  # the eleventh is due after ten fiftieths of a second
    assert 0 < sent.result.spent.pausing <= sent.result.seconds


def test_a_limited_rate_does_not_keep_answers_waiting(tmp_path: Path) -> None:
    """What was answered is told then, not when the next one is due."""
    told: list[float] = []
    plan = plan_of(write_objects(tmp_path, 2))
    with Peer().serving() as target:
        begin = time.monotonic()
        report = Report("store", target.facts)
        options = StoreOptions(files_per_second=2.0)
        store_module.store(target, plan, options, report, lambda _: told.append(time.monotonic() - begin))
    assert told[0] < 0.4 < told[1]


def test_invented_identities(tmp_path: Path) -> None:
    peer = Peer()
    sent = send(peer, write_objects(tmp_path, 4), StoreOptions(inventor=Inventor(Kinds(True))))
    assert sent.counts() == {"stored": 4}
    assert len(set(peer.received)) == 4
    assert not any(uid.startswith("1.2.3.4.") for uid in peer.received)
    assert sorted(each.sop_instance_uid for each in sent.outcomes) == sorted(peer.received)


def test_journal(tmp_path: Path) -> None:
    paths = write_objects(tmp_path / "in", 6)
    plan = plan_of(paths)
    with Peer(["ok", "A700", "B000", "abort", "ok"]).serving() as target:
        journal = Journal(str(tmp_path / "journal"), "STORE")
        first = Sent(target, plan, StoreOptions(retries=0), journal=journal)
        journal.close()
    check_nothing_lost(first, plan)
    assert first.kinds == ["stored", "refused", "warned", "in_doubt", "not_sent", "not_sent"]
    again = Journal(str(tmp_path / "journal"), "STORE")
    assert again.confirmed == {"1.2.3.4.0", "1.2.3.4.2"}
    left, confirmed = confirmed_apart(plan, again)
    assert (left.files, left.rows[0].files) == (4, 4)
    peer = Peer()
    with peer.serving() as target:
        second = Sent(target, left, confirmed=confirmed, journal=again)
    again.close()
    check_nothing_lost(second, left, confirmed=2)
    assert sorted(peer.received) == [f"1.2.3.4.{number}" for number in (1, 3, 4, 5)]
    assert second.counts() == {"stored": 4, "confirmed": 2}
    assert Journal(str(tmp_path / "journal"), "STORE").confirmed == {f"1.2.3.4.{number}" for number in range(6)}
    assert Journal(str(tmp_path / "journal"), "ANOTHER").confirmed == set()


def test_a_journal_that_cannot_be_written_stops_everything_and_loses_nothing(tmp_path: Path) -> None:
    plan = plan_of(write_objects(tmp_path, 5))
    with Peer().serving() as target:
        journal = Journal(str(tmp_path / "journal"), "STORE")
        journal._file.close()
        journal._file = open("/dev/full", "w")  # noqa: SIM115
        sent = Sent(target, plan, journal=journal)
        journal.close()
    check_nothing_lost(sent, plan)
    assert isinstance(sent.error, OutputError)
    assert sent.counts() == {"stored": 1, "not_sent": 4}
    assert "journal" in sent.outcomes[-1].reason


# --- files that change ---------------------------------------------------------------------------------------------


def test_files_that_change_between_plan_and_sending(tmp_path: Path) -> None:
    paths = write_objects(tmp_path, 5)
    plan = plan_of(paths)
    os.unlink(paths[0])
    os.truncate(paths[2], os.path.getsize(paths[2]) - 2)
    os.chmod(paths[3], 0o644)
    with Peer().serving() as target:
        sent = Sent(target, plan, StoreOptions(retries=0))
    check_nothing_lost(sent, plan)
    assert sent.kinds == ["not_sent", "stored", "not_sent", "stored", "stored"]
    assert "no such file" in sent.outcomes[0].reason.lower()
    assert "shorter" in sent.outcomes[2].reason
    assert sent.result.associations == 1


def test_a_file_that_shrinks_while_it_is_sent_costs_itself_only(tmp_path: Path) -> None:
    big = write_object(tmp_path, 0, pixels=BIG)
    others = [str(write_object(tmp_path, number)) for number in range(1, 4)]
    peer = Peer()

    def shrink(request: ServiceRequest) -> None:
        if big.stat().st_size > 1000:
            os.truncate(big, 1000)

    peer.on_store = shrink
    sent = send(peer, [str(big), *others], StoreOptions(retries=0))
    assert sent.kinds == ["not_sent", "stored", "stored", "stored"]
    assert "shorter" in sent.outcomes[0].reason
    assert peer.kept == ["1.2.3.4.1", "1.2.3.4.2", "1.2.3.4.3"]
    write_object(tmp_path, 0, pixels=BIG)
    alone = send(peer, [str(big)])
    assert isinstance(alone.error, InputError)


def test_objects_that_cannot_be_sent_are_accounted_for(tmp_path: Path) -> None:
    paths = write_objects(tmp_path, 2)
    broken = tmp_path / "9999.dcm"
    broken.write_bytes(part10(data_set("1.2.3.4.9")[:-20]))
    sent = send(Peer(), [*paths, str(broken)])
    assert sent.kinds == ["stored", "stored", "not_sent"]
    assert sent.outcomes[0].reason


def test_a_class_without_a_context_costs_its_instances_only(tmp_path: Path) -> None:
    other = "1.2.840.10008.5.1.4.1.1.4"
    paths = write_objects(tmp_path, 2)
    strange = tmp_path / "0009.dcm"
    strange.write_bytes(part10(data_set("1.2.3.4.9", other), instance="1.2.3.4.9", sop_class=other))
    policy = AcceptorPolicy(abstract_syntaxes={CT: ()})
    sent = send(Peer(policy=policy), [*paths, str(strange)])
    assert sent.kinds == ["stored", "stored", "not_sent"]
    assert sent.outcomes[-1].reason.startswith("no context")


def test_a_peer_of_implicit_vr_only_gets_it_converted(tmp_path: Path) -> None:
    peer = Peer(policy=AcceptorPolicy(abstract_syntaxes={CT: (IMPLICIT,)}))
    peer.keeps_data = True
    sent = send(peer, write_objects(tmp_path, 2))
    assert sent.kinds == ["stored", "stored"]
    assert sent.outcomes[0].sent_as == IMPLICIT
    assert sent.outcomes[0].changes
    assert peer.data["1.2.3.4.0"] == data_set("1.2.3.4.0", study="1.2.3.0", vr=False)
    never = send(peer, write_objects(tmp_path, 2), StoreOptions(transcode="never"))
    assert never.counts() == {"not_sent": 2}


# --- nothing is ever lost ------------------------------------------------------------------------------------------

WORDS = st.sampled_from(
    ["ok", "ok", "ok", "B000", "A700", "C001", "abort", "drop", "abort during", "drop during", "echo"]
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    script=st.lists(WORDS, max_size=30),
    requests=st.lists(st.sampled_from([None, None, BUSY, AAssociateRJ(1, 1, 1)]), max_size=6),
    jobs=st.integers(1, 4),
    retries=st.integers(0, 3),
    halt=st.booleans(),
    group=st.sampled_from(["study", "none"]),
)
def test_every_instance_has_one_outcome_and_a_true_one(
    tmp_path: Path,
    script: list[str],
    requests: list[AAssociateRJ | None],
    jobs: int,
    retries: int,
    halt: bool,
    group: str,
) -> None:
    plan = plan_of(write_objects(tmp_path, 16, studies=4), group=group)
    peer = Peer(script, requests=requests)
    with peer.serving() as target:
        sent = Sent(target, plan, StoreOptions(jobs=jobs, retries=retries, halt=halt))
    check_nothing_lost(sent, plan)
    by_kind: dict[str, list[str]] = {}
    for outcome in sent.outcomes:
        by_kind.setdefault(outcome.kind, []).append(outcome.sop_instance_uid)
    assert sorted(peer.kept) == sorted(by_kind.get("stored", []) + by_kind.get("warned", []))
    assert len(set(peer.kept)) == len(peer.kept)
    assert not set(by_kind.get("not_sent", [])) & set(peer.received)
    assert sent.result.tally.good or sent.error is not None
    assert all(outcome.reason for outcome in sent.outcomes if outcome.status is None)


@pytest.mark.parametrize("jobs", [1, 3])
def test_interrupt(tmp_path: Path, jobs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while objects are under way: each has its outcome, and nothing goes out after it."""
    plan = plan_of(write_objects(tmp_path, 30, studies=6))
    peer = Peer()
    held = threading.Event()

    def hold(_: ServiceRequest) -> None:
        if len(peer.received) >= 6:
            held.set()
            time.sleep(0.5)

    peer.on_store = hold
    wait = threading.Event.wait

    def interrupted(event: threading.Event, timeout: float | None = None) -> bool:
        if held.is_set() and timeout == 0.2:
            monkeypatch.undo()
            raise KeyboardInterrupt
        return wait(event, timeout)

    monkeypatch.setattr(threading.Event, "wait", interrupted)
    with peer.serving() as target:
        sent = Sent(target, plan, StoreOptions(jobs=jobs))
        count = len(peer.received)
    check_nothing_lost(sent, plan)
    assert sent.result.is_interrupted
    assert 1 <= sent.counts()["in_doubt"] <= jobs
    assert sent.counts()["stored"] <= count
    assert set(sent.counts()) == {"stored", "in_doubt", "not_sent"}


def test_interrupt_while_a_thread_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that does not come back is accounted for by the one that gives up waiting."""
    monkeypatch.setattr(store_module, "_ABORTING", 0.1)
    plan = plan_of(write_objects(tmp_path, 6))
    release = threading.Event()
    hung = threading.Event()
    outcomes: list[Outcome] = []
    deliver = store_module.Courier.deliver

    def hanging(self: object, instances: object) -> object:
        for number, outcome in enumerate(deliver(self, instances)):  # type: ignore[arg-type]
            if number == 2:
                hung.set()
                release.wait(5.0)
            yield outcome

    wait = threading.Event.wait

    def interrupted(event: threading.Event, timeout: float | None = None) -> bool:
        if hung.is_set() and timeout == 0.2:
            raise KeyboardInterrupt
        return wait(event, timeout)

    monkeypatch.setattr(store_module.Courier, "deliver", hanging)
    monkeypatch.setattr(threading.Event, "wait", interrupted)
    with Peer().serving() as target:
        sent = Sent(target, plan)
        monkeypatch.undo()
        outcomes += sent.outcomes
        release.set()
        until(lambda: not any("_guarded" in each.name for each in threading.enumerate()))
    check_nothing_lost(sent, plan)
    assert sent.outcomes == outcomes
    assert sent.counts() == {"stored": 2, "in_doubt": 1, "not_sent": 3}


def test_nothing_is_left_open(tmp_path: Path) -> None:
    """Two thousand objects over associations that end in all ways: no descriptor, no thread more than before."""
    paths = write_objects(tmp_path, 400, studies=8)
    script = ["ok", "A700", "abort", "ok", "drop", "B000", "ok", "ok", "ok", "ok"]
    peer = Peer(script * 200)
    with peer.serving() as target:
        Sent(target, plan_of(paths[:20]), StoreOptions(jobs=4, retries=9))
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(5):
            plan = plan_of(paths)
            check_nothing_lost(Sent(target, plan, StoreOptions(jobs=4, retries=9)), plan)
        until(lambda: len(os.listdir("/proc/self/fd")) <= before)


def test_an_empty_group_needs_no_association(tmp_path: Path) -> None:
    plan = plan_of(write_objects(tmp_path, 1))
    batch = plan.batches[0]._replace(groups=[Group("1.2", [])])
    sent = Sent(Target("127.0.0.1", 1, timeouts=QUICK), plan._replace(batches=[batch]))
    assert (sent.outcomes, sent.result.associations) == ([], 0)
