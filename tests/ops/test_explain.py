import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcmnet_cli.cli.exit import ExitCode
from dcmnet_cli.core.dimse_names import COMMAND_FIELDS
from dcmnet_cli.errors import UsageError
from dcmnet_cli.ops.explain import explain
from dcmnet_cli.ops.explain_table import DIMSE_SERVICES, EXITS, PDUS
from dcmnet_cli.ops.results import Reading


def readings(text: str, service: str = "") -> list[Reading]:
    return list(explain(text.split(), service).readings)


def only(text: str, service: str = "") -> Reading:
    (reading,) = readings(text, service)
    return reading


@pytest.mark.parametrize(
    "text",
    [
        "rj 1 1 7",
        "reject 1 1 7",
        "RJ 1/1/7",
        "1 1 7",
        "1/1/7",
        "1,1,7",
        "a-associate-rj 0x01 0x1 7",
        "rj result=1 source=1 reason=7",
        "rj result 1 source 1 reason: 7",
    ],
)
def test_rejection_in_any_spelling(text: str) -> None:
    found = only(text)
    assert found.kind == "rejection"
    assert found.title == "A-ASSOCIATE-RJ 1 1 7: called AE title not recognized"
    assert found.facts == (
        ("result", "1 (rejected permanently)"),
        ("source", "1 (service user)"),
        ("reason", "7 (called AE title not recognized)"),
    )
    assert found.side == "here"
    assert found.remedies


def test_rejection_no_correct_peer_sends_is_noted() -> None:
    found = only("rj 1 1 56")
    assert ("reason", "56 (undefined reason)") in found.facts
    assert ("note", "not a combination that a correct peer sends") in found.facts


@pytest.mark.parametrize("text", ["abort 2 1", "ab 2 1", "A-ABORT 2 1", "2 1", "2/1"])
def test_abort_in_any_spelling(text: str) -> None:
    found = only(text)
    assert (found.kind, found.title) == ("abort", "A-ABORT 2 1: unrecognized PDU")


def test_reason_of_a_user_abort_is_not_read() -> None:
    assert only("abort 0 5").facts[1] == ("reason", "5 (not significant)")


@pytest.mark.parametrize("text", ["A801", "0xA801", "a801h", "status A801", "status 0xa801", "43009", "status 43009"])
def test_status_in_any_spelling(text: str) -> None:
    found = readings(text)
    assert found[0].title == "0xA801 Refused: move destination unknown"
    assert ("service", "Retrieve by C-MOVE") in found[0].facts
    assert [one.kind for one in found] == ["status", "status"]


@pytest.mark.parametrize("service", ["move", "c-move", "C-MOVE-RSP", "Retrieve"])
def test_a_service_leaves_one_reading(service: str) -> None:
    found = only("A801", service)
    assert found.title == "0xA801 Refused: move destination unknown"
    assert found.side == "peer"
    assert only("0110", "mpps").facts[2] == ("service", "Modality Performed Procedure Step")


def test_status_without_service_tells_all_meanings() -> None:
    services = [dict(one.facts)["service"] for one in readings("A700")]
    assert services[:3] == ["Storage", "Non-Patient Object Storage", "Query (C-FIND)"]
    assert services[-1] == "every service"


def test_short_status_needs_the_word() -> None:
    assert readings("status 110")[0].title == "0x0110 Processing failure"
    assert readings("status 0")[0].title == "0x0000 Success"


def test_ambiguous_words_get_all_readings() -> None:
    assert [one.kind for one in readings("8001")] == ["command", "status"]
    as_status_first = readings("0110")
    assert as_status_first[0].kind == "status"
    assert as_status_first[-1].title == "N-GET-RQ (0x0110)"
    assert [one.kind for one in readings("3")] == ["exit", "context result", "pdu"]
    assert [one.kind for one in readings("7")] == ["exit", "pdu"]
    assert only("130").title == "exit status 130: interrupted"


@pytest.mark.parametrize(
    ("result", "name", "source"),
    [
        (1, "user rejection", "user"),
        (3, "abstract syntax not supported", "provider"),
        (4, "transfer syntaxes not supported", "provider"),
    ],
)
def test_context_result(result: int, name: str, source: str) -> None:
    found = only(f"context {result}")
    assert found.title == f"presentation context result {result}: {name}"
    assert found.facts == (("result", f"{result} ({name})"), ("decided by", source))


def test_transfer_syntax() -> None:
    found = only("1.2.840.10008.1.2.4.90")
    assert found.kind == "uid"
    assert dict(found.facts) == {
        "uid": "1.2.840.10008.1.2.4.90",
        "name": "JPEG 2000 Image Compression (Lossless Only)",
        "keyword": "JPEG2000Lossless",
        "kind": "Transfer Syntax",
        "retired": "no",
        "short name": "JPEG 2000 Lossless",
        "encoding": "explicit VR, little endian",
        "lossy": "no",
    }
    assert "encapsulated" in found.meaning
    assert only("jpeg2000lossless") == only("JPEG 2000 Lossless") == found


@pytest.mark.parametrize(
    ("word", "fragment"),
    [
        ("DEFL", "deflate"),
        ("JPIPReferenced", "URL"),
        ("ILE", "native"),
        ("MPEG2MPML", "video"),
        ("XMLEncoding", "never negotiated"),
    ],
)
def test_what_a_transfer_syntax_does(word: str, fragment: str) -> None:
    assert fragment in only(word).meaning


def test_sop_class() -> None:
    facts = dict(only("CT Image Storage").facts)
    assert facts["uid"] == "1.2.840.10008.5.1.4.1.1.2"
    assert facts["service class"] == "Storage"
    assert dict(only("uid UltrasoundImageStorageRetired").facts)["retired"] == "yes"
    assert dict(only("1.2.840.10008.5.1.4.1.1.40").facts)["name"] == "(none)"


@pytest.mark.parametrize(
    ("uid", "title", "fragment"),
    [
        ("2.25.1234", "not a UID of the standard", "UUID"),
        ("1.2.840.113619.2.1", "not a UID of the standard", "private"),
        ("1.2.840.10008.99.1", "not a UID of the standard", "root of DICOM"),
        ("1.2.03", "not a valid UID", "64 characters"),
    ],
)
def test_other_uids(uid: str, title: str, fragment: str) -> None:
    assert only(uid).title == title
    assert fragment in only(uid).meaning


def test_an_overlong_uid_is_counted() -> None:
    assert ("problem", "65 characters, 64 at most") in only("1." * 32 + "1").facts


@pytest.mark.parametrize("text", ["command 8021", "command 0x8021", "C-MOVE-RSP", "c-move-rsp", "command C-MOVE-RSP"])
def test_command(text: str) -> None:
    found = only(text)
    assert found.title == "C-MOVE-RSP (0x8021)"
    assert ("direction", "response") in found.facts


def test_a_service_name_means_both_its_messages() -> None:
    assert [one.title for one in readings("c-echo")] == ["C-ECHO-RQ (0x0030)", "C-ECHO-RSP (0x8030)"]
    assert only("C-CANCEL").title == "C-CANCEL-RQ (0x0FFF)"
    assert only("command 1").title == "C-STORE-RQ (0x0001)"


@pytest.mark.parametrize("text", ["pdu 07", "pdu 7", "pdu 0x07", "pdu A-ABORT", "abort", "a-abort"])
def test_pdu(text: str) -> None:
    assert only(text).title == "PDU type 07: A-ABORT"


def test_every_exit_status_of_ours_is_explained() -> None:
    assert set(EXITS) == {int(code) for code in ExitCode}
    for number, (name, meaning, _) in EXITS.items():
        assert only(f"exit {number}").title == f"exit status {number}: {name}"
        assert meaning.endswith(".")


def test_every_message_and_pdu_is_explained() -> None:
    for name in COMMAND_FIELDS:
        assert only(name).meaning == DIMSE_SERVICES[name.rpartition("-")[0]]
    for number, (name, meaning) in PDUS.items():
        assert only(name).meaning == only(f"pdu {number}").meaning == meaning


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "nothing to explain"),
        ("rj 1 1", "wrong count of numbers, expected: rj RESULT SOURCE REASON"),
        ("rj 1 1 256", 'not a number from 0 to 255: "256"'),
        ("abort 1 x", 'not a number from 0 to 255: "x"'),
        ("abort 1 ²", 'not a number from 0 to 255: "²"'),
        ("status A8012", 'not a status: "A8012"'),
        ("status 99999", 'not a status: "99999"'),
        ("status", "status takes one word after it"),
        ("command 8FFF", 'no DIMSE message "8FFF"'),
        ("pdu 08", 'no PDU type "08"'),
        ("exit 44", "no command of dcmnet ends with exit status 44"),
        ("context", "wrong count of numbers, expected: context RESULT"),
        ("xyzzy", 'cannot explain "xyzzy"'),
        ("\x1b[2J", 'cannot explain "\\x1b[2J"'),
    ],
)
def test_what_cannot_be_explained(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        explain(text.split())
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("text", "service", "hint"),
    [
        ("CTImgeStorage", "", "did you mean CTImageStorage?"),
        ("C-MOVE-RESP", "", "did you mean C-MOVE-RSP?"),
        ("rejct", "", "did you mean reject?"),
        ("uid EnhancedMRImagStorage", "", "did you mean EnhancedMRImageStorage?"),
        ("A801", "mvoe", "did you mean move?"),
    ],
)
def test_close_matches(text: str, service: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        explain(text.split(), service)
    assert caught.value.hints[0] == hint


def test_a_service_goes_with_a_status_only() -> None:
    with pytest.raises(UsageError, match="a service goes with a status"):
        explain(["rj", "1", "1", "7"], "move")


@given(st.lists(st.text(max_size=8) | st.sampled_from(["rj", "abort", "status", "pdu", "exit", "uid", "command", "7"])))
def test_any_words_are_explained_or_refused(words: list[str]) -> None:
    try:
        found = explain(words).readings
        shown = [text for one in found for text in (one.title, *dict(one.facts).values())]
    except UsageError as error:
        shown = [error.message]
    assert shown
    # The wide space of East Asian text is shown as it is, although str.isprintable does not count it.
    assert all(text.replace("\u3000", "").isprintable() for text in shown)


def test_difflib_is_not_loaded_for_an_answer() -> None:
    code = "import sys; from dcmnet_cli.ops.explain import explain; explain(['A801']); print('difflib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
