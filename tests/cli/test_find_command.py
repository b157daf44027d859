"""``dcmnet find`` from its words to its streams and exit status, against a query SCP in this process."""

import csv
import io
import json
import os
import signal
import threading
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from dcmnet_cli.cli.app import run
from dcmnet_cli.core.identifier import Element
from dcmnet_cli.net.service import ServiceRequest
from tests.finding import LEVEL, PATIENT_NAME, Archive, Script, answer, answering, archive, element, pending
from tests.render.json_schema import problems

SCHEMA = json.loads(files("dcmnet_cli.render").joinpath("schema.json").read_text(encoding="utf-8"))
STEP, MODALITY, STUDY_DATE = 0x00400100, 0x00080060, 0x00080020
TWO = answering(answer("DOE^JANE"), answer("ROE^RICHARD", "20250113"))


class Outcome(NamedTuple):
    status: int
    stdout: str
    stderr: str
    told: Archive

    @property
    def json(self) -> Any:
        assert self.stdout.count("\n") == 1
        value = json.loads(self.stdout)
        assert problems(value, SCHEMA, SCHEMA) == []
        return value

    @property
    def sent(self) -> dict[int, Element]:
        return self.told.queries[-1]


Find = Callable[..., Outcome]


@pytest.fixture
def find(capsys: pytest.CaptureFixture[str]) -> Find:
    def ask(script: Script, *words: str, **options: Any) -> Outcome:
        with archive(script, **options) as (port, told):
            status = run(["find", f"ARCHIVE@127.0.0.1:{port}", *words])
        stdout, stderr = capsys.readouterr()
        assert "Traceback" not in stderr
        return Outcome(status, stdout, stderr, told)

    return ask


# --- what is shown ---------------------------------------------------------------------------------------------------


def test_lines_in_a_pipe(find: Find) -> None:
    outcome = find(TWO, "--columns", "StudyDate,PatientName")
    assert (outcome.status, outcome.stdout) == (0, "20250114\tDOE^JANE\n20250113\tROE^RICHARD\n")
    assert outcome.stderr.startswith("2 studies, ")
    assert outcome.stderr.endswith("complete\n")


def test_a_table_on_a_terminal(find: Find, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    outcome = find(TWO)
    lines = outcome.stdout.splitlines()
    assert lines[0].split() == ["date", "time", "patient", "ID", "description", "mod.", "ser.", "inst.", "accession"]
    assert lines[2].split() == ["2025-01-14", "DOE,", "JANE"]
    assert lines[-1].startswith("✓ find  ARCHIVE@127.0.0.1:")
    assert lines[-1].endswith("exit 0")
    assert max(map(len, lines)) <= 80


def test_csv_on_stdout_and_in_a_file(find: Find, tmp_path: Path) -> None:
    outcome = find(TWO, "--csv", "-", "--columns", "PatientName")
    assert outcome.stdout == "PatientName\nDOE^JANE\nROE^RICHARD\n"
    path = tmp_path / "list.csv"
    outcome = find(TWO, "--csv", str(path), "--columns", "PatientName")
    assert (outcome.status, outcome.stdout) == (0, "")
    assert path.read_bytes() == b"\xef\xbb\xbfPatientName\r\nDOE^JANE\r\nROE^RICHARD\r\n"
    assert find(TWO, "--csv", str(path), "+sr", "--columns", "PatientName").stdout == "DOE^JANE\nROE^RICHARD\n"


def test_ndjson(find: Find) -> None:
    lines = find(TWO, "--ndjson").stdout.splitlines()
    names = [Dataset.from_json(line).PatientName for line in lines]
    assert names == ["DOE^JANE", "ROE^RICHARD"]


def test_json(find: Find) -> None:
    outcome = find(TWO, "--json", "--patient-name", "*OE*")
    found = outcome.json
    assert (found["ok"], found["exit"], found["count"], found["complete"]) == (True, 0, 2, True)
    assert [Dataset.from_json(match).StudyDate for match in found["matches"]] == ["20250114", "20250113"]
    assert found["query"]["level"] == "STUDY"
    assert found["narrowing"] == [{"key": "PatientName", "value": "*OE*"}]
    assert found["final"]["status_hex"] == "0x0000"
    assert [step["name"] for step in found["steps"]] == ["resolve", "TCP connect", "association", "C-FIND", "release"]
    assert outcome.stderr == ""


def test_json_of_nothing_and_of_a_failure(find: Find) -> None:
    found = find(answering(), "--json").json
    assert (found["matches"], found["count"], found["exit"]) == ([], 0, 0)
    found = find(answering(status=0xA700, error_comment="busy"), "--json").json
    assert (found["ok"], found["exit"], found["error"]["status_hex"], found["matches"]) == (False, 9, "0xA700", [])
    found = find(answering(answer("A"), status=0xC000), "--json").json
    assert (found["exit"], len(found["matches"]), found["error"]["status"]) == (1, 1, 0xC000)


def test_the_number_and_nothing_else(find: Find) -> None:
    assert find(TWO, "--count").stdout == "2\n"
    assert find(answering(), "--count").stdout == "0\n"
    assert find(TWO, "-sr").stdout == ""


def test_in_order(find: Find) -> None:
    outcome = find(TWO, "--sort", "StudyDate", "--columns", "PatientName,StudyDate")
    assert outcome.stdout == "ROE^RICHARD\t20250113\nDOE^JANE\t20250114\n"
    outcome = find(TWO, "--sort", "-PatientName", "--columns", "PatientName")
    assert outcome.stdout == "ROE^RICHARD\nDOE^JANE\n"


def test_files_as_findscu_writes_them(find: Find, tmp_path: Path) -> None:
    outcome = find(TWO, "-X", "-Xx", "-Xs", str(tmp_path / "all.xml"), "-Xlo", "1", "-od", str(tmp_path))
    assert (outcome.status, outcome.stdout) == (0, "")
    assert sorted(os.listdir(tmp_path)) == ["all.xml", "rsp0001.dcm", "rsp0001.xml"]
    assert dcmread(tmp_path / "rsp0001.dcm").PatientName == "DOE^JANE"


def test_letters_of_a_peer_that_declares_none(find: Find) -> None:
    script = answering(answer("Ωμέγα".encode("iso8859_7")))
    outcome = find(script, "--assume-charset", "ISO_IR 126", "--columns", "PatientName")
    assert outcome.stdout == "Ωμέγα\n"
    assert "no character set in 1 answer: read as ISO_IR 126, as you said" in outcome.stderr
    guessed = find(answering(answer(b"J\xf6rg")), "--columns", "PatientName")
    assert guessed.stdout == "Jörg\n"
    assert "read as ISO_IR 100, which is a guess" in guessed.stderr


def test_letters_of_a_node_of_the_configuration(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    configuration = tmp_path / "dcmnet.toml"
    with archive(answering(answer("Ωμέγα".encode("iso8859_7")))) as (port, told):
        configuration.write_text(
            f'[nodes.greece]\naet = "ARCHIVE"\nhost = "127.0.0.1"\nport = {port}\ncharset = "ISO_IR 126"\n'
        )
        words = ["find", "greece", "--config", str(configuration), "--columns", "PatientName", "--patient-name", "Ω*"]
        assert run(words) == 0
    assert capsys.readouterr().out == "Ωμέγα\n"
    assert told.queries[0][PATIENT_NAME].value.rstrip() == "Ω*".encode("iso8859_7")


def test_nothing_harmful_reaches_a_terminal(find: Find) -> None:
    evil = answering(answer("\x1b]0;x\x07\u202e\n=1", SpecificCharacterSet="ISO_IR 192"))
    for words in ((), ("--csv", "-"), ("--ndjson",), ("--json",)):
        outcome = find(evil, *words)
        for text in (outcome.stdout, outcome.stderr):
            assert "\x1b" not in text
            assert "\u202e" not in text


# --- what is asked ---------------------------------------------------------------------------------------------------


def test_keys_of_everyday(find: Find) -> None:
    outcome = find(TWO, "--date", "2025-01", "--modality", "ct", "--patient-id", "1")
    asked = {tag: each.value.strip() for tag, each in outcome.sent.items() if each.value.strip(b"\0 ")}
    assert asked == {LEVEL: b"STUDY", STUDY_DATE: b"20250101-20250131", 0x00080061: b"CT", 0x00100020: b"1"}


def test_a_date_that_looks_like_an_option(find: Find) -> None:
    outcome = find(TWO, "--date", "-7d")
    assert len(outcome.sent[STUDY_DATE].value) == len("20250107-20250114 ")


def test_keys_and_models_in_dcmtks_words(find: Find, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = find(
        TWO, "-P", "-aet", "ME", "-k", "0010,0010=DOE*", "-k", "(0010,0020)", "-k", "QueryRetrieveLevel=PATIENT"
    )
    assert outcome.sent[PATIENT_NAME].value == b"DOE*"
    assert outcome.sent[LEVEL].value.strip() == b"PATIENT"
    assert outcome.stdout == "DOE^JANE\t\nROE^RICHARD\t\n"
    with archive(TWO) as (port, told):
        assert run(["find", "-S", "-aec", "ARCHIVE", "127.0.0.1", str(port), "-k", "PatientName"]) == 0
    assert told.queries[0][LEVEL].value == b"STUDY "
    capsys.readouterr()


def test_a_worklist(find: Find) -> None:
    def script(request: ServiceRequest, identifier: dict[int, Element], told: Archive) -> int:
        step = (element(0x00400002, "20250114"), element(MODALITY, "CT"))
        pending(request, [element(PATIENT_NAME, "KAYA^ELIF"), Element(STEP, "SQ", b"", (step,))])
        return 0

    outcome = find(
        script, "-W", "--modality", "CT", "--station", "ROOM2", "--columns", f"PatientName,{'0040,0100[0].Modality'}"
    )
    assert outcome.stdout == "KAYA^ELIF\tCT\n"
    step = {each.tag: each.value.strip() for each in outcome.sent[STEP].items[0]}  # type: ignore[index]
    assert (step[MODALITY], step[0x00400001]) == (b"CT", b"ROOM2")
    assert LEVEL not in outcome.sent
    assert "1 item, " in outcome.stderr


def test_a_query_file_and_a_key_over_it(find: Find, tmp_path: Path) -> None:
    for name, who in (("one.json", "A*"), ("two.json", "B*")):
        (tmp_path / name).write_text(json.dumps({"00100010": {"vr": "PN", "Value": [{"Alphabetic": who}]}}))
    outcome = find(TWO, str(tmp_path / "one.json"), str(tmp_path / "two.json"), "-k", "StudyDate=20250114")
    assert [each[PATIENT_NAME].value for each in outcome.told.queries] == [b"A*", b"B*"]
    assert all(each[STUDY_DATE].value == b"20250114" for each in outcome.told.queries)
    assert outcome.stderr.startswith("4 studies, ")


def test_columns_are_asked_for(find: Find) -> None:
    outcome = find(TWO, "--columns", "StudyDescription", "-k", "PatientName=X*")
    assert {0x00081030, PATIENT_NAME, 0x0020000D} <= set(outcome.sent)
    assert 0x00080050 not in outcome.sent


def test_repeated_and_by_priority(find: Find) -> None:
    outcome = find(TWO, "--repeat", "3", "--priority", "high", "--count")
    assert [each.priority for each in outcome.told.requests] == [1, 1, 1]
    assert outcome.stdout == "6\n"


@pytest.mark.parametrize(("word", "syntax"), [("-xi", "1.2.840.10008.1.2"), ("-xd", "1.2.840.10008.1.2.1.99")])
def test_transfer_syntaxes(find: Find, word: str, syntax: str) -> None:
    found = find(TWO, word, "--json").json
    assert found["association"]["presentation_contexts"][0]["accepted"] == syntax
    assert found["count"] == 2


def test_what_is_negotiated(find: Find) -> None:
    outcome = find(TWO, "--relational", "--fuzzy", "-k", "Modality=CT", extended=lambda asked: asked)
    assert outcome.status == 0
    assert outcome.told.extended[0]["1.2.840.10008.5.1.4.1.2.2.1"] == b"\1\0\1"
    zone = find(TWO, "--timezone", "+0100")
    assert zone.sent[0x00080201].value.strip() == b"+0100"
    assert "does not agree to time zone adjustment" in zone.stderr


# --- endings ---------------------------------------------------------------------------------------------------------


def test_an_empty_result_says_what_narrowed_it(find: Find) -> None:
    outcome = find(answering(), "--patient-name", "müller", "--date", "2025-01-14")
    assert (outcome.status, outcome.stdout) == (0, "")
    assert "What narrowed it: PatientName=müller, StudyDate=20250114" in outcome.stderr
    assert "--relax" in outcome.stderr


def test_an_empty_result_of_everything(find: Find) -> None:
    assert "Nothing narrowed this query: the peer has no studies at all" in find(answering()).stderr
    series = find(answering(), "--study", "1.2.3", "--level", "series").stderr
    assert "the peer has no series with StudyInstanceUID=1.2.3" in series


def test_relaxing_says_what_there_would_be(find: Find) -> None:
    def script(request: ServiceRequest, identifier: dict[int, Element], told: Archive) -> int:
        if not identifier[STUDY_DATE].value:
            pending(request, answer("MÜLLER", "20250113"))
        return 0

    outcome = find(script, "--patient-name", "M*", "--date", "20250114", "--relax")
    lines = [line.strip() for line in outcome.stderr.splitlines()]
    assert "without PatientName  0" in lines
    assert "without StudyDate    1   the latest of 2025-01-13" in lines
    assert find(script, "--patient-name", "M*", "--date", "20250114", "--relax", "--json").json["relaxed"][1] == {
        "name": "StudyDate",
        "value": "20250114",
        "answers": 1,
        "has_more": False,
        "newest": "20250113",
        "instead": "",
    }


def test_a_limit(find: Find) -> None:
    def script(request: ServiceRequest, identifier: dict[int, Element], told: Archive) -> int:
        for number in range(4):
            pending(request, answer(str(number)))
        told.await_cancel(request)
        return 0xFE00

    for option in ("--limit", "--cancel"):
        outcome = find(script, option, "2", "--columns", "PatientName")
        assert (outcome.status, outcome.stdout) == (0, "0\n1\n")
        assert "limit reached" in outcome.stderr


def test_a_failure_in_words(find: Find) -> None:
    script = answering(status=0xA900, error_comment="bad\x1bkey", offending_element=(0x00100010,))
    outcome = find(script)
    assert outcome.status == 9
    assert "FAILED\tC-FIND\t" in outcome.stdout
    assert "0xA900" in outcome.stderr
    assert '"bad\\\\x1bkey"' in outcome.stderr
    assert "PatientName (0010,0010)" in outcome.stderr


def test_a_failure_after_answers_is_half_the_work(find: Find) -> None:
    outcome = find(answering(answer("A"), status=0xC000), "--columns", "PatientName")
    assert (outcome.status, outcome.stdout) == (1, "A\n")
    assert "not complete" in outcome.stderr
    assert "0xC000" in outcome.stderr


def test_a_peer_that_goes_away_leaves_what_came(find: Find) -> None:
    def script(request: ServiceRequest, identifier: dict[int, Element], told: Archive) -> None:
        pending(request, answer("A"))
        request.association.abort()

    outcome = find(script, "--columns", "PatientName")
    assert (outcome.status, outcome.stdout) == (6, "A\n")


def test_an_unreadable_answer_is_told(find: Find) -> None:
    def script(request: ServiceRequest, identifier: dict[int, Element], told: Archive) -> int:
        pending(request, answer("A"))
        request.respond(0xFF00, b"\x10\0\x10\0PN\xff\0AB")
        return 0

    outcome = find(script, "--columns", "PatientName")
    assert (outcome.status, outcome.stdout) == (1, "A\n")
    assert "left out as unreadable: 1 answer (" in outcome.stderr


def test_keys_that_a_peer_does_not_support(find: Find) -> None:
    def script(request: ServiceRequest, identifier: dict[int, Element], told: Archive) -> int:
        pending(request, answer("A"), 0xFF01)
        return 0

    outcome = find(script, "-k", "PatientName", "-k", "PatientComments")
    assert outcome.status == 0
    assert "its answers lack PatientComments, StudyInstanceUID" in outcome.stderr.replace("\n", " ")


def test_no_context_for_a_worklist(find: Find) -> None:
    outcome = find(TWO, "-W", classes=("1.2.840.10008.5.1.4.1.2.2.1",))
    assert outcome.status == 7
    assert "no presentation context for modality worklist queries" in outcome.stderr


def test_relational_refused(find: Find) -> None:
    outcome = find(TWO, "--relational", "-k", "Modality=CT")
    assert (outcome.status, outcome.told.queries) == (7, [])
    assert "does not agree to relational queries" in outcome.stderr


def test_ctrl_c_asks_the_peer_to_stop_and_keeps_what_came(find: Find) -> None:
    def script(request: ServiceRequest, identifier: dict[int, Element], told: Archive) -> int:
        pending(request, answer("A"))
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        told.await_cancel(request)
        pending(request, answer("B"))
        return 0xFE00

    before = signal.getsignal(signal.SIGINT)
    outcome = find(script, "--columns", "PatientName")
    assert (outcome.status, outcome.stdout) == (130, "A\nB\n")
    assert "stopped by you" in outcome.stderr
    assert outcome.told.cancelled.is_set()
    assert signal.getsignal(signal.SIGINT) is before


def test_answers_come_out_before_the_last(capsys: pytest.CaptureFixture[str]) -> None:
    seen: list[str] = []

    def script(request: ServiceRequest, identifier: dict[int, Element], told: Archive) -> int:
        pending(request, answer("A"))
        deadline = time.monotonic() + 2.0
        while "A\n" not in (seen[-1] if seen else "") and time.monotonic() < deadline:
            seen.append(capsys.readouterr().out)
            time.sleep(0.01)
        return 0

    with archive(script) as (port, _):
        assert run(["find", f"ARCHIVE@127.0.0.1:{port}", "--columns", "PatientName"]) == 0
    assert seen[-1] == "A\n"


# --- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("-k", "PatientNmae=X"), "no attribute has the keyword"),
        (("-k", "0010,9999=X"), "no attribute has the tag (0010,9999)"),
        (("-k", "StudyDate=soon"), 'StudyDate: "soon" is no date'),
        (("-k", "StudyInstanceUID=x"), "is not a UID"),
        (("--date", "2025-13"), "is no date"),
        (("-k", "SeriesInstanceUID"), "a query at SERIES level needs one StudyInstanceUID"),
        (("--level", "planet"), 'level "PLANET" does not exist'),
        (("-W", "-S"), "-W and -S contradict each other"),
        (("-W", "--level", "study"), "a worklist has no levels"),
        (("--station", "A"), "--station is a key of the modality worklist"),
        (("--columns", "A,,B"), "--columns: write names with commas"),
        (("--columns", "Nonsense"), 'no attribute has the keyword "Nonsense"'),
        (("--sort", "Nonsense"), 'no attribute has the keyword "Nonsense"'),
        (("--csv", "-", "--ndjson"), "contradict"),
        (("--json", "--count"), "contradict"),
        (("--limit", "-1"), "--limit takes"),
        (("--timezone", "CET"), "is no offset from UTC"),
        (("--assume-charset", "KLINGON"), "is not known"),
        (("--priority", "urgent"), "is not low, medium or high"),
        (("-xb",), "-xb is not supported"),
        (("absent.dcm",), "cannot read absent.dcm"),
        (("/dev/null",), "not a regular file"),
    ],
)
def test_one_line_and_nothing_sent(find: Find, words: tuple[str, ...], complaint: str) -> None:
    outcome = find(TWO, *words)
    assert outcome.status == 2
    assert outcome.told.requests == []
    first = outcome.stderr.splitlines()[0]
    assert first.startswith("dcmnet find: ")
    assert complaint.lower() in first.lower()


def test_nobody_there_leaves_old_files_alone(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "old.csv"
    path.write_text("old")
    assert run(["find", "ARCHIVE@127.0.0.1:1", "--csv", str(path)]) == 3
    assert path.read_text() == "old"
    assert "connection refused" in capsys.readouterr().err


def test_a_file_that_cannot_be_written(find: Find, tmp_path: Path) -> None:
    outcome = find(TWO, "--csv", str(tmp_path / "absent" / "x.csv"))
    assert (outcome.status, outcome.told.requests) == (11, [])
    assert "No such file or directory" in outcome.stderr
    assert find(TWO, "-X", "-od", str(tmp_path / "absent")).status == 11
    full = find(TWO, "--csv", "/dev/full")
    assert full.status == 11
    assert "cannot write /dev/full: No space left" in full.stderr


def test_csv_reads_back(find: Find) -> None:
    rows = list(csv.DictReader(io.StringIO(find(TWO, "--csv", "-").stdout)))
    assert [row["PatientName"] for row in rows] == ["DOE^JANE", "ROE^RICHARD"]
