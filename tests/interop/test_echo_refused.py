"""``dcmnet echo`` to peers that reject, abort or accept nothing: which, why, and what to try."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.interop import peers
from tests.interop.conftest import StartAE
from tests.interop.running import HOST, Outcome, Peer, dcmnet
from tests.interop.scripted import abort_the_request, scripted

CLIMBED = [("ok", "resolve"), ("ok", "TCP connect")]
CT_STORAGE = "1.2.840.10008.5.1.4.1.1.2"


def headline(outcome: Outcome) -> str:
    """The one line that a log should hold; notes and contexts may stand before it."""
    (line,) = (line for line in outcome.stderr.splitlines() if line.startswith("dcmnet echo: "))
    return line


def explanation(outcome: Outcome) -> dict[str, str]:
    """The lines below the error, by their label."""
    lines = outcome.stderr.splitlines()
    rest = lines[lines.index(headline(outcome)) + 1 :]
    assert all(line.startswith("  ") for line in rest), outcome.stderr
    return dict(line.strip().split(": ", 1) for line in rest)


def assert_rejected(outcome: Outcome, label: str, triple: Sequence[int], reason: str) -> dict[str, str]:
    """Exit 5; the ladder stops at the association; the numbers, the reason in words, and what to try are there."""
    result, source, number = triple
    assert outcome.status == 5, outcome
    assert outcome.names == [*CLIMBED, ("FAILED", "association"), ("FAILED", "dcmnet echo")]
    assert reason in outcome.rungs[2].detail
    head = headline(outcome)
    assert label in head
    assert "rejected" in head
    assert f"{reason} (result {result}, source {source}, reason {number})" in head
    told = explanation(outcome)
    assert told["meaning"]
    assert told["try 1"]
    assert told["more"] == f"dcmnet explain rj {result} {source} {number}"
    return told


@pytest.fixture(params=["dcmqrscp", "orthanc"])
def particular(request: pytest.FixtureRequest) -> Peer:
    """The servers that answer to their own title only."""
    chosen: Peer = request.getfixturevalue(request.param)
    return chosen


def test_unknown_called_title(particular: Peer) -> None:
    peer = particular._replace(title="STRANGER")
    outcome = dcmnet("echo", "-aet", "ME TOO", *peer.words)
    told = assert_rejected(outcome, peer.label, (1, 1, 7), "called AE title not recognized")
    assert told["we sent"] == 'called "STRANGER"   calling "ME TOO"'
    assert "title" in told["try 1"]


def test_unknown_called_title_as_json(particular: Peer) -> None:
    outcome = dcmnet("echo", *particular._replace(title="STRANGER").words, "--json")
    told = outcome.json
    error = told["error"]
    assert (outcome.status, outcome.stderr, told["ok"], told["exit"]) == (5, "", False, 5)
    assert (error["kind"], error["layer"]) == ("rejected", "association")
    assert (error["result"], error["source"], error["reason"]) == (1, 1, 7)
    assert error["reason_name"] == "called AE title not recognized"
    assert len(error["hints"]) > 1
    assert (told["peer"]["called"], told["peer"]["calling"]) == ("STRANGER", "DCMNET")
    assert [(step["name"], step["ok"]) for step in told["steps"]][-1] == ("association", False)
    assert told["association"] is None


def test_titles_are_quoted_as_sent(particular: Peer) -> None:
    outcome = dcmnet("echo", "-aec", " two words ", HOST, str(particular.port), "--json")
    facts = outcome.json["error"]["facts"]
    assert outcome.status == 5
    assert {"label": "We sent", "value": 'called " two words "   calling "DCMNET"'} in facts


def test_unknown_called_title_by_pynetdicom(start_ae: StartAE) -> None:
    peer = start_ae(require_called_aet=True)._replace(title="STRANGER")
    assert_rejected(dcmnet("echo", *peer.words), peer.label, (1, 1, 7), "called AE title not recognized")


def test_unknown_calling_title(start_ae: StartAE) -> None:
    peer = start_ae(require_calling_aet=["FRIEND"])
    outcome = dcmnet("echo", "-aet", "NOBODY", *peer.words)
    told = assert_rejected(outcome, peer.label, (1, 1, 3), "calling AE title not recognized")
    assert told["we sent"] == 'called "PYNETDICOM"   calling "NOBODY"'
    assert dcmnet("echo", "-aet", "FRIEND", *peer.words).status == 0


def test_local_limit_is_transient(start_ae: StartAE) -> None:
    from pynetdicom import AE
    from pynetdicom.sop_class import Verification

    peer = start_ae(maximum_associations=1)
    guest = AE("GUEST")
    guest.add_requested_context(Verification)
    held = guest.associate(HOST, peer.port)
    assert held.is_established
    outcome = dcmnet("echo", *peer.words)
    held.release()
    told = assert_rejected(outcome, peer.label, (2, 3, 2), "local limit exceeded")
    assert "transient" in headline(outcome)
    assert told["who acts"] == "the peer's side"


def test_waiting_outlasts_a_transient_rejection(start_ae: StartAE) -> None:
    import threading

    from pynetdicom import AE
    from pynetdicom.sop_class import Verification

    peer = start_ae(maximum_associations=1)
    guest = AE("GUEST")
    guest.add_requested_context(Verification)
    held = guest.associate(HOST, peer.port)
    assert held.is_established
    leave = threading.Timer(0.8, held.release)
    leave.start()
    outcome = dcmnet("echo", *peer.words, "--wait", "15s", "--json")
    leave.join()
    assert (outcome.status, outcome.json["error"], outcome.stderr) == (0, None, "")
    assert outcome.json["attempts"] > 1


def test_rejected_user_identity(start_ae: StartAE) -> None:
    from pynetdicom import evt

    peer = start_ae(handlers=[(evt.EVT_USER_ID, lambda event: (False, None))])
    outcome = dcmnet("echo", *peer.words, "-usr", "anna")
    told = assert_rejected(outcome, peer.label, (2, 2, 1), "no reason given")
    assert "user identity type 1" in told["we sent"]
    assert "anna" not in told["we sent"]


@pytest.fixture
def refusing(tmp_path: Path) -> Iterator[Peer]:
    with peers.storescp(tmp_path, "--refuse") as peer:
        yield peer


def test_storescp_that_refuses_everyone(refusing: Peer) -> None:
    assert_rejected(dcmnet("echo", *refusing.words), refusing.label, (1, 1, 1), "no reason given")


def assert_aborted(outcome: Outcome, climbed: Sequence[tuple[str, str]], peer: Peer) -> None:
    assert outcome.status == 6, outcome
    assert outcome.names == [*CLIMBED, *climbed, ("FAILED", "dcmnet echo")]
    head = headline(outcome)
    assert f"{peer.label} aborted the association" in head
    told = explanation(outcome)
    assert told["meaning"]
    assert told["try 1"]
    assert told["more"].startswith("dcmnet explain abort ")


def test_abort_in_place_of_an_answer_to_the_request() -> None:
    with scripted(abort_the_request) as port:
        peer = Peer("ANY-SCP", port)
        outcome = dcmnet("echo", *peer.words)
    assert_aborted(outcome, [("FAILED", "association")], peer)
    assert "(source 2, reason 1)" in headline(outcome)


def test_abort_in_place_of_an_answer_to_the_echo(start_ae: StartAE) -> None:
    from pynetdicom import evt

    def abort(event: "evt.Event") -> int:
        event.assoc.abort()
        return 0

    peer = start_ae(handlers=[(evt.EVT_C_ECHO, abort)])
    assert_aborted(dcmnet("echo", *peer.words), [("ok", "association"), ("FAILED", "C-ECHO")], peer)


def test_failure_status(start_ae: StartAE) -> None:
    from pynetdicom import evt

    peer = start_ae(handlers=[(evt.EVT_C_ECHO, lambda event: 0x0122)])
    outcome = dcmnet("echo", *peer.words)
    assert outcome.status == 9
    assert outcome.names[-2:] == [("FAILED", "C-ECHO"), ("FAILED", "dcmnet echo")]
    assert "0x0122" in headline(outcome)
    assert "SOP class not supported" in explanation(outcome)["status"]


def test_no_context_is_accepted(start_ae: StartAE) -> None:
    peer = start_ae([CT_STORAGE])
    outcome = dcmnet("echo", *peer.words)
    assert outcome.status == 7
    assert outcome.names[:3] == [*CLIMBED, ("ok", "association")]
    assert outcome.rungs[2].detail == "accepted, 0 of 1 context"
    assert outcome.names[-1] == ("FAILED", "dcmnet echo")
    head = headline(outcome)
    assert f"{peer.label} accepted the association, but no presentation context for Verification" in head
    assert "abstract syntax not supported" in outcome.stderr


def test_no_context_is_accepted_as_json(start_ae: StartAE) -> None:
    outcome = dcmnet("echo", *start_ae([CT_STORAGE]).words, "--json")
    told = outcome.json
    (context,) = told["association"]["presentation_contexts"]
    assert (outcome.status, outcome.stderr, told["error"]["kind"]) == (7, "", "no_accepted_context")
    assert (context["result"], context["accepted"]) == (3, None)
    assert told["error"]["layer"] == "presentation context"
