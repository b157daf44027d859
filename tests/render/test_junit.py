"""JUnit XML: well formed whatever peers and file names hold, and of one mind with the exit status."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from dcmnet_cli.core.steps import Step
from dcmnet_cli.errors import AssociationRejected, ConnectError, DcmnetError, OutputError, UsageError
from dcmnet_cli.ops.results import Diagnosis, PeerFacts, Report
from dcmnet_cli.ops.retrieving.reconcile import Arrival, Claim, Result, SubOperations, Wanted
from dcmnet_cli.ops.storing.transfer import CONFIRMED, IN_DOUBT, NOT_SENT, REFUSED, STORED, WARNED, Outcome
from dcmnet_cli.render.junit import JUnitFile, junit_text, retrieval_cases, step_cases, store_cases

PEER = PeerFacts("host", 104, "PACS", "ME")
CONNECTED = Step("TCP connect", True, 0.25, "open")
HOSTILE = "\x00\x0b\x1b[31m<&\">\ud800\udcff\ufffe\u202e]]>\r\n\t'Grüße 山田"
OUTCOMES = {STORED: None, WARNED: 0xB007, CONFIRMED: None, REFUSED: 0xA700, NOT_SENT: None, IN_DOUBT: None}


def report(exit_code: int = 0, error: DcmnetError | None = None, *steps: Step) -> Report:
    made = Report("store", PEER)
    made.exit_code, made.error, made.steps = exit_code, error, list(steps)
    return made


def suite(text: str) -> ElementTree.Element:
    """The one suite of a file whose sums are right."""
    root = ElementTree.fromstring(text.encode())
    (found,) = root
    assert (root.tag, found.tag) == ("testsuites", "testsuite")
    cases = found.findall("testcase")
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert found.get(name) == root.get(name) == str(sum(case.find(tag) is not None for case in cases))
    assert found.get("tests") == str(len(cases))
    return found


def verdicts(text: str) -> dict[str, str]:
    """What became of each case, by its name."""
    told = {}
    for case in suite(text).findall("testcase"):
        told[str(case.get("name"))] = next((part.tag for part in case if part.tag != "system-out"), "passed")
    return told


def test_steps_that_went_well() -> None:
    text = junit_text(made := report(0, None, CONNECTED), step_cases(made))
    assert suite(text).get("name") == "dcmnet store PACS@host:104"
    (case,) = suite(text).findall("testcase")
    assert (case.get("classname"), case.get("name"), case.get("time")) == (
        "dcmnet.store.steps",
        "TCP connect",
        "0.250000",
    )
    assert case.findtext("system-out") == "open"


def test_a_rejection_is_a_failure_with_its_remedies() -> None:
    made = report(5, AssociationRejected("no", 1, 1, 7), CONNECTED, Step("association", False, 0.1, "rejected"))
    made.diagnosis = Diagnosis("association", "rejected", remedies=("Compare the titles.",))
    text = junit_text(made, step_cases(made))
    assert verdicts(text) == {"TCP connect": "passed", "association": "failure"}
    failure = suite(text).find("testcase/failure")
    assert failure is not None
    assert (failure.get("type"), failure.get("message")) == ("rejected", "no")
    assert "Compare the titles." in str(failure.text)


def test_no_connection_is_an_error() -> None:
    made = report(3, ConnectError("refused"), Step("TCP connect", False, 0.1, "refused"))
    assert verdicts(junit_text(made, step_cases(made))) == {"TCP connect": "error"}


@pytest.mark.parametrize(("strict", "warned"), [(False, "passed"), (True, "failure")])
def test_every_outcome_of_a_store(strict: bool, warned: str) -> None:
    outcomes = [Outcome(kind, kind, status=status) for kind, status in OUTCOMES.items()]
    text = junit_text(report(1), store_cases(report(1), outcomes, strict=strict))
    assert verdicts(text) == {
        "stored": "passed",
        "warned": warned,
        "confirmed": "skipped",
        "refused": "failure",
        "not_sent": "failure",
        "in_doubt": "error",
    }


def test_what_was_not_sent_for_want_of_a_connection_is_an_error() -> None:
    made = report(3, ConnectError("refused"))
    cases = store_cases(made, [Outcome("a.dcm", NOT_SENT, reason="refused")])
    assert verdicts(junit_text(made, cases)) == {"a.dcm": "error", "dcmnet store": "error"}


def test_every_instance_of_a_retrieval() -> None:
    wanted = tuple(Wanted(uid, series_instance_uid="1.2") for uid in ("1.2.1", "1.2.2"))
    claim = Claim("study 1", 0xB000, SubOperations(0, 1, 1, 0))
    result = Result("get", expected=wanted, claims=(claim,), arrival=Arrival(1), missing=wanted[1:])
    text = junit_text(report(1), retrieval_cases(result))
    assert verdicts(text) == {"study 1": "passed", "1.2.1": "passed", "1.2.2": "failure"}


def test_instances_that_went_elsewhere_are_not_called_arrived() -> None:
    result = Result("move", expected=(Wanted("1.2.1"),), claims=(Claim("study 1", 0xA801), Claim("study 2", None)))
    made = report(9)
    assert verdicts(junit_text(made, retrieval_cases(result))) == {"study 1": "failure", "study 2": "error"}


@pytest.mark.parametrize("code", [1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 130])
def test_no_exit_status_but_0_passes(code: int) -> None:
    """Whatever the cases say: an unknown cause is still a failure."""
    text = junit_text(report(code), store_cases(report(code), [Outcome("a.dcm", STORED)]))
    kind = "failure" if code in (1, 5, 7, 9) else "error"
    assert verdicts(text) == {"a.dcm": "passed", "dcmnet store": kind}


def test_0_passes_whatever_a_step_complains_of() -> None:
    made = report(0, None, Step("release", False, 0.1, "not confirmed"))
    text = junit_text(made, step_cases(made))
    assert verdicts(text) == {"release": "passed"}
    assert suite(text).findtext("testcase/system-out") == "not confirmed"


def test_hostile_text_stays_text() -> None:
    made = report(9, DcmnetError(HOSTILE), Step(HOSTILE, False, 0.1, HOSTILE))
    made.notes, made.extra = [HOSTILE], {"key": HOSTILE}
    made.peer = PeerFacts(HOSTILE, 104, HOSTILE, HOSTILE)
    outcome = Outcome(HOSTILE, REFUSED, status=0xA700, error_comment=HOSTILE, reason=HOSTILE, notes=(HOSTILE,))
    text = junit_text(made, [*step_cases(made), *store_cases(made, [outcome])])
    step, instance = suite(text).findall("testcase")
    shown = "\\x00\\x0b\\x1b[31m<&\">\\ud800\\xff\\ufffe\\u202e]]>\\x0d\\x0a\\x09'Grüße 山田"
    assert step.get("name") == instance.get("name") == shown
    assert shown in str(step.find("failure").get("message"))  # type: ignore[union-attr]
    assert shown in str(instance.find("failure").text)  # type: ignore[union-attr]


def test_until_it_is_written_the_file_says_that_there_was_no_end(tmp_path: Path) -> None:
    path = tmp_path / "junit.xml"
    path.write_text("<testsuites/>" + " " * 10_000)  # good news of an earlier run
    file = JUnitFile(str(path), "echo")
    assert verdicts(path.read_text()) == {"dcmnet echo": "error"}
    file.write(junit_text(report(0, None, CONNECTED), step_cases(report(0, None, CONNECTED))))
    assert verdicts(path.read_text()) == {"TCP connect": "passed"}


def test_nothing_is_left_of_what_it_said_before(tmp_path: Path) -> None:
    path = tmp_path / "junit.xml"
    JUnitFile(str(path), "echo").write("<testsuites/>")
    assert path.read_text() == "<testsuites/>"


def test_what_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"cannot write JUnit file .*: No such file or directory"):
        JUnitFile(str(tmp_path / "no" / "junit.xml"), "echo")
    with pytest.raises(OutputError, match="No space left on device"):
        JUnitFile("/dev/full", "echo").write("x")


def test_an_image_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "image.dcm"
    path.write_bytes(b"\0" * 128 + b"DICM")
    with pytest.raises(UsageError, match="no XML file"):
        JUnitFile(str(path), "store")
    assert path.read_bytes().endswith(b"DICM")
