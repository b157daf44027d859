"""``dcmnet echo`` to what is no DICOM application, or no longer one, or not there at all."""

import pytest

from tests.interop.running import HOST, Peer, dcmnet, free_port
from tests.interop.scripted import Script, close_at_once, greet_as_ssh, never_answer, scripted, web_server
from tests.interop.test_echo_refused import CLIMBED, explanation, headline

AT_ASSOCIATION = [*CLIMBED, ("FAILED", "association"), ("FAILED", "dcmnet echo")]


def test_nobody_listens() -> None:
    port = free_port()
    outcome = dcmnet("echo", HOST, str(port))
    assert outcome.status == 3
    assert outcome.names == [("ok", "resolve"), ("FAILED", "TCP connect"), ("FAILED", "dcmnet echo")]
    head = headline(outcome)
    assert f"{HOST}:{port}" in head
    assert "refused" in head
    assert explanation(outcome)["try 1"]


def test_unknown_host() -> None:
    outcome = dcmnet("echo", "no-such-host.invalid", "104")
    assert outcome.status == 3
    assert outcome.names == [("FAILED", "resolve"), ("FAILED", "dcmnet echo")]
    assert "no-such-host.invalid" in headline(outcome)
    assert explanation(outcome)["try 1"]


def test_connection_closed_at_once() -> None:
    with scripted(close_at_once) as port:
        outcome = dcmnet("echo", HOST, str(port))
    assert outcome.status == 6
    assert outcome.names == AT_ASSOCIATION
    assert f"ANY-SCP@{HOST}:{port}" in headline(outcome)
    told = explanation(outcome)
    assert "+tla" in "".join(told.values())
    assert told["who acts"]


def test_silence_names_timer_value_and_option() -> None:
    with scripted(never_answer) as port:
        outcome = dcmnet("echo", HOST, str(port), "-ta", "1")
    assert outcome.status == 8
    assert outcome.names == AT_ASSOCIATION
    assert "was silent for 1 s (ACSE timeout)" in headline(outcome)
    assert explanation(outcome)["timer"] == "acse, 1 s, set with -ta/--acse-timeout"


def test_silence_as_json() -> None:
    with scripted(never_answer) as port:
        outcome = dcmnet("echo", HOST, str(port), "-ta", "0.5", "--json")
    error = outcome.json["error"]
    assert (outcome.status, outcome.stderr) == (8, "")
    assert (error["kind"], error["timer"], error["seconds"]) == ("timeout", "acse", 0.5)
    assert outcome.json["steps"][-1]["ms"] >= 500


def test_web_server() -> None:
    with web_server() as port:
        outcome = dcmnet("echo", HOST, str(port))
    assert outcome.status == 10
    assert outcome.names == AT_ASSOCIATION
    head = headline(outcome)
    assert "does not speak DICOM" in head
    assert "HTTP" in head
    assert outcome.rungs[2].detail.count("does not speak DICOM") == 1
    assert "port" in explanation(outcome)["try 1"]


@pytest.mark.parametrize("script", [greet_as_ssh], ids=["SSH"])
def test_server_that_speaks_first(script: Script) -> None:
    with scripted(script) as port:
        outcome = dcmnet("echo", HOST, str(port), "--json")
    told = outcome.json
    assert (outcome.status, outcome.stderr) == (10, "")
    assert (told["error"]["kind"], told["error"]["protocol"]) == ("not_dicom", "ssh")
    assert "SSH" in told["error"]["message"]
    assert told["error"]["hints"]


def test_peer_that_was_killed_between_two_echoes(storescp: Peer) -> None:
    """The listener of a dead program is gone: nothing of an earlier success is remembered."""
    assert dcmnet("echo", *storescp.words).status == 0
    outcome = dcmnet("echo", "-aec", "STORESCP", HOST, str(free_port()))
    assert (outcome.status, outcome.names[-1]) == (3, ("FAILED", "dcmnet echo"))
