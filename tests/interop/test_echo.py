"""``dcmnet echo`` to peers that answer."""

import time
from pathlib import Path

import pytest

from tests.interop.conftest import StartAE
from tests.interop.running import HOST, Outcome, Peer, dcmnet, free_port

LADDER = [("ok", name) for name in ("resolve", "TCP connect", "association", "C-ECHO", "release", "dcmnet echo")]
VERIFICATION = "1.2.840.10008.1.1"


def assert_answered(outcome: Outcome, peer: Peer, calling: str = "DCMNET") -> None:
    """All of it went well, was said on stdout, and nothing else was said."""
    assert (outcome.status, outcome.stderr) == (0, ""), outcome
    assert outcome.names == LADDER
    details = [rung.detail for rung in outcome.rungs]
    assert details[0] == HOST
    assert details[2:] == ["accepted, 1 of 1 context", "0x0000 success", "confirmed", f"{peer.label} as {calling}"]


def test_peer_answers(peer: Peer) -> None:
    assert_answered(dcmnet("echo", *peer.words), peer)


def test_peer_in_one_word_and_both_titles(peer: Peer) -> None:
    assert_answered(dcmnet("echo", "-aet", "ME", peer.label), peer, "ME")


def test_json_has_what_was_agreed(peer: Peer) -> None:
    outcome = dcmnet("echo", *peer.words, "--json")
    told = outcome.json
    assert (outcome.status, outcome.stderr) == (0, "")
    assert (told["schema"], told["command"]) == ("dcmnet/1", "echo")
    assert (told["ok"], told["exit"], told["error"]) == (True, 0, None)
    assert told["peer"] == {"host": HOST, "port": peer.port, "called": peer.title, "calling": "DCMNET"}
    assert [(step["name"], step["ok"]) for step in told["steps"]] == [(name, True) for _, name in LADDER[:-1]]
    (context,) = told["association"]["presentation_contexts"]
    assert (context["id"], context["abstract_syntax"], context["result"]) == (1, VERIFICATION, 0)
    assert context["accepted"] == "1.2.840.10008.1.2"
    assert told["association"]["max_pdu_length"] > 0
    assert told["status"] == "0000"


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("storescp", "OFFIS_DCMTK_"),
        ("dcmqrscp", "OFFIS_DCMTK_"),
        ("orthanc", "OFFIS_DCMTK_"),  # Orthanc uses DCMTK's association code, and says so
        ("pynetdicom", "PYNETDICOM_"),
    ],
)
def test_verbose_shows_who_answered_and_the_contexts(name: str, version: str, request: pytest.FixtureRequest) -> None:
    peer = request.getfixturevalue(name)
    outcome = dcmnet("echo", *peer.words, "-v")
    assert outcome.status == 0
    assert outcome.names == LADDER
    lines = outcome.stderr.splitlines()
    assert any(line.startswith(f"peer: {version}") for line in lines), outcome.stderr
    messages = [line.split()[:2] for line in lines if line.startswith(("→", "←"))]
    assert messages == [
        ["→", "A-ASSOCIATE-RQ"],
        ["←", "A-ASSOCIATE-AC"],
        ["→", "C-ECHO-RQ"],
        ["←", "C-ECHO-RSP"],
        ["→", "A-RELEASE-RQ"],
        ["←", "A-RELEASE-RP"],
    ]
    assert lines[-1].split("\t") == ["context", "1", VERIFICATION, "Verification", "accepted (0)", "1.2.840.10008.1.2"]


def test_repeat_shows_the_spread(peer: Peer) -> None:
    outcome = dcmnet("echo", *peer.words, "--repeat", "20", "--json")
    told = outcome.json
    trips = told["round_trips"]
    assert (outcome.status, outcome.stderr) == (0, "")
    assert (trips["sent"], trips["answered"], trips["lost"]) == (20, 20, 0)
    assert 0 < trips["min_ms"] <= trips["median_ms"] <= trips["p95_ms"]
    assert [step["name"] for step in told["steps"]].count("C-ECHO") == 1


def test_repeat_for_pipes(storescp: Peer) -> None:
    outcome = dcmnet("echo", *storescp.words, "--repeat", "5")
    assert (outcome.status, outcome.stderr) == (0, "")
    ladder, spread = outcome.stdout.splitlines()[:6], outcome.stdout.splitlines()[6:]
    assert [tuple(line.split("\t")[:2]) for line in ladder] == LADDER
    assert [line.split("\t")[0] for line in spread] == ["sent", "answered", "lost", "min", "median", "p95", "max"]
    assert spread[:3] == ["sent\t5", "answered\t5", "lost\t0"]


def test_as_many_contexts_and_syntaxes_as_there_are(peer: Peer) -> None:
    told = dcmnet("echo", *peer.words, "-ppc", "128", "-pts", "30", "--json").json
    contexts = told["association"]["presentation_contexts"]
    assert told["exit"] == 0
    assert [context["id"] for context in contexts] == list(range(1, 256, 2))
    assert all(len(context["transfer_syntaxes"]) == 30 for context in contexts)
    assert {context["result"] for context in contexts} == {0}
    assert {context["accepted"] for context in contexts} <= set(contexts[0]["transfer_syntaxes"])


def test_abort_in_place_of_a_release(peer: Peer) -> None:
    outcome = dcmnet("echo", *peer.words, "--abort")
    assert (outcome.status, outcome.stderr) == (0, "")
    assert outcome.names == [("ok", "abort") if rung[1] == "release" else rung for rung in LADDER]


def test_peer_lives_on_after_an_abort(peer: Peer) -> None:
    dcmnet("echo", *peer.words, "--abort")
    assert_answered(dcmnet("echo", *peer.words), peer)


def test_wait_for_a_peer_that_is_late(start_ae: StartAE) -> None:
    import threading

    port = free_port()
    late = threading.Timer(1.0, start_ae, kwargs={"port": port})
    begin = time.monotonic()
    late.start()
    outcome = dcmnet("echo", f"PYNETDICOM@{HOST}:{port}", "--wait", "15s", "--json")
    took = time.monotonic() - begin
    late.join()
    told = outcome.json
    assert (outcome.status, told["ok"], outcome.stderr) == (0, True, "")
    assert told["attempts"] > 1
    assert 0 < told["waited_s"] < took


def test_waiting_in_vain_ends_in_time_with_the_last_error() -> None:
    outcome = dcmnet("echo", HOST, str(free_port()), "--wait", "0.5s", "--json")
    told = outcome.json
    assert (outcome.status, told["exit"], told["error"]["kind"]) == (3, 3, "connect")
    assert told["attempts"] > 1
    assert told["waited_s"] < 5


def test_user_identity_is_taken_and_confirmed(start_ae: StartAE) -> None:
    from pynetdicom import evt

    seen: list[tuple[int, bytes, bytes]] = []

    def check(event: "evt.Event") -> tuple[bool, bytes | None]:
        seen.append((event.user_id_type, event.primary_field, event.secondary_field))
        return True, None

    peer = start_ae(handlers=[(evt.EVT_USER_ID, check)])
    outcome = dcmnet("echo", *peer.words, "-usr", "anna", "--password-env", "SECRET", SECRET="h4rd-to-guess")
    assert_answered(outcome, peer)
    assert seen == [(2, b"anna", b"h4rd-to-guess")]


def test_passcode_is_never_shown(pynetdicom: Peer, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("h4rd-to-guess\n")
    words = ("echo", *pynetdicom.words, "-usr", "anna", "--password-file", str(secret), "-vvv")
    for outcome in (dcmnet(*words), dcmnet(*words, "--json")):
        assert outcome.status == 0
        everything = outcome.stdout + outcome.stderr
        assert "anna" in everything
        assert "h4rd" not in everything
        assert b"h4rd".hex(" ") not in everything
        assert b"h4rd".hex() not in everything


def test_debug_decodes_every_pdu(storescp: Peer) -> None:
    outcome = dcmnet("echo", *storescp.words, "-d")
    assert outcome.status == 0
    assert outcome.names == LADDER
    for word in ("A-ASSOCIATE-RQ", "A-ASSOCIATE-AC", "P-DATA-TF", "A-RELEASE-RQ", "A-RELEASE-RP", VERIFICATION):
        assert word in outcome.stderr


def test_node_of_a_configuration(storescp: Peer, tmp_path: Path) -> None:
    file = tmp_path / "nodes.toml"
    file.write_text(f'[nodes.archive]\nhost = "{HOST}"\nport = {storescp.port}\naet = "STORESCP"\ncalling = "NODE1"\n')
    assert_answered(dcmnet("echo", "archive", DCMNET_CONFIG=str(file)), storescp, "NODE1")


def test_quiet_says_nothing_of_a_success(storescp: Peer) -> None:
    assert dcmnet("echo", *storescp.words, "-q") == (0, "", "")
