"""``dcmnet move`` and ``dcmnet get`` as a shell sees them: options, refusals, exit statuses."""

import json
import os
import signal
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from dcmnet_cli.cli.app import app
from dcmnet_cli.cli.spelling import Spelling
from dcmnet_cli.net.service import ServiceRequest
from tests.cli.conftest import Outcome
from tests.ops.retrieving import STORED, STUDY, Archive, Sender, archive, counts, failed_list, store_back

# The names that both programs of DCMTK have, from their own help, 3.6.7 to 3.7.0.
BOTH = """-h --help --version -q --quiet -v --verbose -d --debug -ll --log-level -k --key -P --patient -S -O --psonly
-aet --aetitle -aec --call +x= --prefer-uncompr +xe --prefer-little +xb --prefer-big +xs --prefer-lossless
+xy --prefer-jpeg8 +xx --prefer-jpeg12 +xv --prefer-j2k-lossless +xw --prefer-j2k-lossy +xt --prefer-jls-lossless
+xu --prefer-jls-lossy +xm --prefer-mpeg2 +xh --prefer-mpeg2-high +xn --prefer-mpeg4 +xl --prefer-mpeg4-bd
+x2 --prefer-mpeg4-2-2d +x3 --prefer-mpeg4-2-3d +xo --prefer-mpeg4-2-st +x4 --prefer-hevc +x5 --prefer-hevc10
+xr --prefer-rle +xd --prefer-deflated +xi --implicit -x= --propose-uncompr -xe --propose-little -xi --propose-implicit
-to --timeout -ta --acse-timeout -td --dimse-timeout -pdu --max-pdu --repeat --abort -od --output-directory
+B --bit-preserving --ignore -i4 --ipv4 -i6 --ipv6 -i0 --ip-auto +tls --enable-tls -tls --disable-tls +pw --use-passwd
-der --der-keys -pem --pem-keys +cf --add-cert-file +cd --add-cert-dir +crl --add-crl-file +crv --enable-crl-vfy
+cra --enable-crl-all +ph --list-profiles +pg --profile-8996 +pm --profile-8996-mod +py --profile-bcp195-nd
+px --profile-bcp195 +pz --profile-bcp195-ex +cc --list-ciphers +cs --cipher --request-sni -rc --require-peer-cert
-ic --ignore-peer-cert -B --normal"""
MOVESCU = """-aem --move +xa --accept-all --no-port +P --port -pi --pending-ignore -pr --pending-read --cancel +F
--write-file +t= --write-xfer-same +te --write-xfer-little +ti --write-xfer-implicit +u --enable-new-vr -vc
--verify-peer-cert --expect-sni +g= --group-length-recalc +e --length-explicit -p --padding-off"""
GETSCU = "+v --verbose-pc +tla --anonymous-tls"
REFUSED = "-lc --arguments +ac -F +tb -u +g -g -e +p +cl +pa +rs +dp --no-sni -xb"
"""What has no use any more: each is refused with a sentence that says what to do instead."""


def options_of(name: str) -> dict[str, Any]:
    root = get_command(app)
    return Spelling(root.load(name).params, ("-h", "--help")).options  # type: ignore[attr-defined]


@pytest.mark.parametrize(("command", "names"), [("move", f"{BOTH} {MOVESCU}"), ("get", f"{BOTH} {GETSCU}")])
def test_every_option_of_dcmtk_that_matters_is_known(command: str, names: str) -> None:
    known = options_of(command).keys() | {"-h", "--help"}
    assert [name for name in names.split() if name not in known] == []


def shell(*words: str) -> Outcome:
    result = CliRunner().invoke(app, list(words))
    return Outcome(result.exit_code, result.stdout, result.stderr)


@pytest.mark.parametrize("name", REFUSED.split())
def test_what_is_refused_says_what_to_do_instead(name: str) -> None:
    outcome = shell("move", name, "host", "104")
    assert outcome.status == 2
    assert f"{name} is not supported: " in outcome.stderr


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    return folder


def names(folder: Path) -> list[str]:
    return sorted(name.removesuffix(".dcm") for name in os.listdir(folder))


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("move", "h:104", "--study", "1.2"), "where to?"),
        (("move", "h:104", "--study", "1.2", "--here", "no-such-folder"), "--here: "),
        (("move", "h:104", "--study", "1.2", "--here", ".", "-od", "."), "give one of them"),
        (("move", "h:104", "--study", "1.2", "--here", ".", "--ignore"), "--ignore contradicts --here"),
        (("move", "h:104", "--study", "1.2", "-aem", "SEVENTEEN-LETTERS"), "-aem: "),
        (("move", "h:104", "--study", "1.2", "-aem", "A", "+P", "99999"), "+P: "),
        (("move", "h:104", "--study", "1.2", "-aem", "A", "--missing"), "--missing compares with a folder"),
        (("move", "h:104", "--study", "1.2", "-aem", "A", "--no-port", "+P", "104"), "--no-port contradicts +P"),
        (("move", "h:104", "--study", "1.2", "-aem", "A", "-xb"), "-xb is not supported"),
        (("get", "h:104", "--study", "1.2", "--missing", "--no-find"), "--missing contradicts --no-find"),
        (("get", "h:104", "--study", "1.2", "--priority", "urgent"), "--priority: "),
        (("get", "h:104", "--study", "1.2", "--instance-root", "-P"), "--instance-root contradicts -P"),
        (("get", "h:104", "--study", "1.2", "+xs", "+xy"), "contradict"),
        (("get", "h:104", "--frames", "1,3"), "--frames goes with one --instance"),
        (("get", "h:104", "--frames", "1,x", "--instance", "1.2"), "--frames: "),
        (("get", "h:104", "-k", "NoSuchKeyword=1"), "NoSuchKeyword"),
        (("get", "h:104", "--study", "1.2", "one.dcm", "two.dcm"), "one query file at a time"),
        (("get", "h:104", "--study", "1.2", "--cancel", "-1"), "--cancel"),
    ],
)
def test_what_cannot_be_meant_is_said_before_anybody_is_asked(words: tuple[str, ...], problem: str) -> None:
    outcome = shell(*words)
    assert (outcome.status, outcome.stdout) == (2, "")
    assert problem in outcome.stderr
    assert len(outcome.stderr.splitlines()) <= 3


def peer_words(peer: Archive) -> tuple[str, ...]:
    return f"ARCHIVE@127.0.0.1:{peer.port}", "-aet", "HERE"


def send_back(request: ServiceRequest, instances: tuple[str, ...] = STORED) -> None:
    for uid in instances:
        assert store_back(request, uid) == 0


def test_get_in_full(inbox: Path) -> None:
    def handle(request: ServiceRequest) -> None:
        send_back(request)
        request.respond(0, **counts(None, 4))

    with archive(get=handle) as peer:
        outcome = shell("get", *peer_words(peer), "--study", STUDY, "--out", str(inbox))
    assert (outcome.status, outcome.stderr) == (0, "")
    assert names(inbox) == list(STORED)
    assert outcome.stdout.splitlines()[:5] == ["expected\t4", "completed\t4", "failed\t0", "warning\t0", "received\t4"]


def test_get_in_part_is_1(inbox: Path) -> None:
    def handle(request: ServiceRequest) -> None:
        send_back(request, STORED[:3])
        request.respond(0, **counts(None, 4))  # a lie

    with archive(get=handle) as peer:
        outcome = shell("get", *peer_words(peer), "--study", STUDY, "--out", str(inbox), "--json")
    told = json.loads(outcome.stdout)
    assert (outcome.status, told["ok"], told["exit"]) == (1, False, 1)
    assert [each["sop_instance_uid"] for each in told["missing"]] == [STORED[3]]
    assert (told["counts"]["completed"], told["counts"]["received"]) == (4, 3)


def test_get_refused_is_9(inbox: Path) -> None:
    def handle(request: ServiceRequest) -> None:
        request.respond(0xA702, failed_list(*STORED), error_comment="tape drive busy", **counts(None, 0, 4))

    with archive(get=handle) as peer:
        outcome = shell("get", *peer_words(peer), "--study", STUDY, "--out", str(inbox))
    assert outcome.status == 9
    assert "0xA702" in outcome.stderr
    assert "tape drive busy" in outcome.stderr


def test_get_that_nobody_offers_is_7(inbox: Path) -> None:
    with archive(move=lambda request: 0) as peer:
        outcome = shell("get", *peer_words(peer), "--study", STUDY, "--out", str(inbox))
    assert outcome.status == 7
    assert "it offers C-MOVE" in outcome.stderr
    assert "dcmnet move" in outcome.stderr


def test_an_abort_is_6_and_what_came_is_told(inbox: Path) -> None:
    def handle(request: ServiceRequest) -> None:
        send_back(request, STORED[:2])
        request.association.abort()

    with archive(get=handle) as peer:
        outcome = shell("get", *peer_words(peer), "--study", STUDY, "--out", str(inbox))
    assert outcome.status == 6
    assert "received\t2" in outcome.stdout.splitlines()
    assert names(inbox) == list(STORED[:2])


def test_an_abort_when_everything_is_here_is_0(inbox: Path) -> None:
    def handle(request: ServiceRequest) -> None:
        send_back(request)
        request.association.abort()

    with archive(get=handle) as peer:
        outcome = shell("get", *peer_words(peer), "--study", STUDY, "--out", str(inbox))
    assert outcome.status == 0
    assert "everything had arrived when the association ended" in outcome.stderr


def test_no_match_is_2(inbox: Path) -> None:
    with archive(get=lambda request: 0) as peer:
        outcome = shell("get", *peer_words(peer), "--accession", "NONE", "--out", str(inbox))
    assert outcome.status == 2
    assert "nothing to retrieve" in outcome.stderr


def test_move_to_a_third_party_in_part_is_1() -> None:
    def handle(request: ServiceRequest) -> None:
        request.respond(0xB000, failed_list(STORED[0]), **counts(None, 3, 1))

    with archive(move=handle) as peer:
        outcome = shell("move", *peer_words(peer), "--study", STUDY, "-aem", "WS2")
    assert (outcome.status, peer.destinations) == (1, ["WS2"])
    assert "received\t-" in outcome.stdout.splitlines()


def test_move_here_with_a_configured_port(inbox: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    configuration = tmp_path / "config.toml"
    configuration.write_text(f"[defaults]\nport = {port}\n")

    def handle(request: ServiceRequest) -> int:
        sender = Sender(port)
        for uid in STORED:
            assert sender.store(uid) == 0
        sender.close()
        return 0

    with archive(move=handle) as peer:
        words = ("--study", STUDY, "--here", str(inbox), "--bind", "127.0.0.1", "--config", str(configuration))
        outcome = shell("move", *peer_words(peer), *words)
    assert outcome.status == 0, outcome
    assert peer.destinations == ["HERE"]
    assert names(inbox) == list(STORED)


def test_ctrl_c_asks_the_peer_to_stop_and_exits_130(inbox: Path) -> None:
    seen: list[str] = []

    def handle(request: ServiceRequest) -> None:
        send_back(request, STORED[:2])
        threading.Thread(target=_interrupt, daemon=True).start()
        received = request.association.receive()
        assert received is not None
        seen.append(type(received.message).__name__)
        request.respond(0xFE00, **counts(2, 2))

    with archive(get=handle) as peer:
        outcome = shell("get", *peer_words(peer), "--study", STUDY, "--out", str(inbox))
    assert seen == ["CCancelRQ"]
    assert outcome.status == 130
    assert names(inbox) == list(STORED[:2])
    assert "received\t2" in outcome.stdout.splitlines()


def test_ctrl_c_that_the_peer_ignores_ends_all_the_same(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dcmnet_cli.ops.retrieving.suboperations.CANCEL_PATIENCE", 0.3)

    def handle(request: ServiceRequest) -> None:
        send_back(request, STORED[:1])
        threading.Thread(target=_interrupt, daemon=True).start()
        while True:
            request.respond(0xFF00, **counts(3, 1))
            time.sleep(0.02)

    with archive(get=handle) as peer:
        outcome = shell("get", *peer_words(peer), "--study", STUDY, "--out", str(inbox))
    assert outcome.status == 130
    assert "C-CANCEL" in outcome.stderr
    assert names(inbox) == [STORED[0]]


def _interrupt() -> None:
    time.sleep(0.1)
    os.kill(os.getpid(), signal.SIGINT)
