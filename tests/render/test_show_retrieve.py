"""The end of a move or get, as a person and as a script see it, and the progress before it."""

import json
import textwrap
from importlib.resources import files

import pytest
from json_schema import problems
from render_samples import Shown, pipe, terminal

from dcmnet_cli.errors import ConnectionLost, DcmnetError, OperationFailed
from dcmnet_cli.ops.results import Diagnosis, PeerFacts, Report
from dcmnet_cli.ops.retrieving.reconcile import (
    Arrival,
    Claim,
    Destination,
    Entity,
    Result,
    SubOperations,
    Wanted,
)
from dcmnet_cli.render.receiving import Receiving, show_found, show_listening, show_proposed
from dcmnet_cli.render.retrieve import headline_words, note_lines, remarks, show_retrieval

SCHEMA = json.loads(files("dcmnet_cli.render").joinpath("schema.json").read_text(encoding="utf-8"))
CT, KO = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.88.59"
EXPECTED = tuple(Wanted(f"1.2.{number}", CT, "1.2", "1.2.0", "3") for number in range(1, 413))
HERE = Destination("RESEARCH1", "ws31", ("10.20.9.31",), 11113)
HOSTILE = "\x1b[2J\nforged\tcell"
RULE = "─" * 78


def report(exit_code: int = 0, error: DcmnetError | None = None, command: str = "move") -> Report:
    made = Report(command, PeerFacts("pacs.example.org", 104, "ARCHIVE1", "RESEARCH1"))
    made.exit_code, made.error = exit_code, error
    return made


def complete(**changed: object) -> Result:
    claim = Claim("study 1.2", 0, SubOperations(None, 412, 0, 0), seconds=1.9)
    made = Result(
        "move",
        (Entity("STUDY", "1.2", "CT CHEST, 2025-01-14", 3, 412),),
        EXPECTED,
        claims=(claim,),
        arrival=Arrival(412, 0, 216_000_000, last_after=4.7, after_final=198),
        destination=HERE,
        seconds=5.0,
    )
    return made._replace(**changed)  # type: ignore[arg-type]


def lacking() -> Result:
    counts = SubOperations(None, 411, 1, 0)
    claim = Claim("study 1.2", 0xB000, counts, "object offline", failed_uids=("1.2.412",), seconds=4.0)
    missing = (Wanted("1.2.412", KO, "1.2", "1.2.9", "99"),)
    arrival = Arrival(411, 0, 215_000_000, last_after=4.0)
    return complete(service="get", claims=(claim,), arrival=arrival, missing=missing, destination=None)


def refused() -> Result:
    claim = Claim("study 1.2", 0xA801, SubOperations(None, 0, 0, 0), seconds=0.012)
    return complete(claims=(claim,), arrival=Arrival(0), missing=EXPECTED)


def screen(text: str) -> str:
    return textwrap.dedent(text).removeprefix("\n")


def test_a_screen_with_three_accounts() -> None:
    output = terminal({"COLUMNS": "80", "NO_COLOR": "1"})
    show_retrieval(report(), complete(), output)
    assert output.stdout == screen(f"""

        ✓ move  ARCHIVE1@pacs.example.org:104  412 of 412 on disk                 exit 0

          count                                 instances   detail
          {RULE}
          the peer says it has (C-FIND)               412
          the peer says it sent (final C-MOVE)        412   0x0000 success after 1900 ms
          arrived and written here                    412   last one after 4700 ms

          Speed   88 files/s, 46 MB/s, 216 MB in all

          Note    198 instances were still on the way when the peer reported the end; a
                  program that stops there loses them
    """)
    assert output.stderr == ""


def test_a_screen_with_something_missing() -> None:
    output = terminal({"COLUMNS": "80", "NO_COLOR": "1"})
    show_retrieval(report(1, command="get"), lacking(), output)
    text = " ".join(output.stdout.split())
    assert "▲ get ARCHIVE1@pacs.example.org:104 411 of 412 on disk, 1 missing, 1 failed" in text
    assert "411 / 1" in text
    assert "1.2.412 Key Object Selection Document, series 99, failed, says the peer" in text
    assert '"object offline"' in text
    assert "the same command with --missing" in text
    assert max(map(len, output.stdout.splitlines())) <= 80


def test_the_note_for_the_people_of_the_archive() -> None:
    output = terminal({"COLUMNS": "80", "NO_COLOR": "1"})
    error = OperationFailed("refused", 0xA801, service="move")
    show_retrieval(report(9, error), refused(), output)
    _, _, note = output.stdout.partition("Send this to the PACS team\n")
    for fact in ("ARCHIVE1", "RESEARCH1", "ws31", "10.20.9.31", "port 11113", "no TLS", "all storage classes"):
        assert fact in note
    assert "1.2.412" not in output.stdout  # where everything is missing, a list says nothing
    assert max(map(len, output.stdout.splitlines())) <= 80


def test_the_note_for_somebody_elses_title_does_not_invent_an_address() -> None:
    lines = note_lines(Destination("WS2"), "ARCHIVE1")
    assert "WS2" in lines[1]
    assert not any("port 0" in line for line in lines)


def test_lines_of_a_pipe() -> None:
    output = pipe()
    show_retrieval(report(1, command="get"), lacking(), output)
    assert output.stdout.splitlines() == [
        "missing\t1.2.412\tKey Object Selection Document\t1.2\t1.2.9\tfailed",
        "expected\t412",
        "completed\t411",
        "failed\t1",
        "warning\t0",
        "received\t411",
        "FAILED\tdcmnet get\tARCHIVE1@pacs.example.org:104 as RESEARCH1\t5000.0 ms",
    ]
    first, *rest = output.stderr.splitlines()
    assert first == "dcmnet get: ARCHIVE1@pacs.example.org:104: 411 of 412 on disk, 1 missing, 1 failed"
    assert any("object offline" in line for line in rest)


def test_what_nobody_knows_is_no_number() -> None:
    output = pipe()
    claim = Claim("study 1.2", 0)
    show_retrieval(report(), complete(expected=None, claims=(claim,), arrival=None), output)
    assert output.stdout.splitlines()[:5] == [
        f"{name}\t-" for name in ("expected", "completed", "failed", "warning", "received")
    ]
    assert "unknown, which is not none" in output.stderr


def test_quiet_says_one_line_of_a_failure_and_none_of_success() -> None:
    for result, status, lines in ((complete(), 0, 0), (lacking(), 1, 1)):
        output = pipe(quiet=True)
        show_retrieval(report(status), result, output)
        assert output.stdout == ""
        assert len(output.stderr.splitlines()) == lines


@pytest.mark.parametrize("result", [complete(), lacking(), refused()], ids=["complete", "lacking", "refused"])
def test_json_follows_the_schema(result: Result) -> None:
    output = pipe(json=True)
    show_retrieval(report(1), result, output)
    value = json.loads(output.stdout)
    assert problems(value, SCHEMA["$defs"]["envelope"], SCHEMA) == []
    assert len(value["missing"]) == len(result.missing)


def test_json_counts() -> None:
    output = pipe(json=True)
    lost = complete(claims=(Claim("study 1.2", None),), arrival=Arrival(3), missing=EXPECTED[3:])
    show_retrieval(report(6, ConnectionLost("gone")), lost, output)
    value = json.loads(output.stdout)
    assert value["counts"] == {"expected": 412, "completed": None, "failed": None, "warning": None, "received": 3}
    assert (value["requests"][0]["status"], value["error"]["kind"]) == (None, "connection_lost")
    assert value["missing"][0]["sop_class_name"] == "CT Image Storage"
    assert problems(value, SCHEMA["$defs"]["envelope"], SCHEMA) == []


def test_words_of_a_peer_stay_harmless() -> None:
    hostile = Wanted(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE)
    claim = Claim(HOSTILE, 0xC000, SubOperations(), HOSTILE)
    advice = Diagnosis("tcp", HOSTILE, (("Listener", HOSTILE),), HOSTILE, (HOSTILE,))
    result = complete(claims=(claim,), missing=(hostile,), diagnosis=advice)
    for output in (pipe(), terminal({"NO_COLOR": "1", "COLUMNS": "80"})):
        show_retrieval(report(1), result, output)
        assert "\x1b[2J" not in output.stdout + output.stderr
        assert "\nforged" not in output.stdout + output.stderr


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (complete(), "412 of 412 on disk"),
        (complete(already=7), "412 of 412 on disk (7 were here before)"),
        (complete(expected=(), already=12, claims=(), arrival=Arrival(0)), "nothing is missing, 12 were here before"),
        (complete(expected=None), "412 on disk"),
        (complete(arrival=Arrival(412, kept=False)), "412 of 412 received and dropped"),
        (complete(arrival=None, destination=Destination("WS2")), "412 of 412 reported as sent to WS2"),
    ],
)
def test_headlines(result: Result, words: str) -> None:
    assert headline_words(result) == words


def test_remarks_tell_what_does_not_fit_together() -> None:
    odd = complete(claims=(Claim("study 1.2", 0, SubOperations(None, 9999, 3, 0)),), arrival=Arrival(412, surplus=2))
    told = " ".join(remarks(odd))
    for fact in ("2 instances came that C-FIND did not list", "reported success, and failed", "10,002 sub-operations"):
        assert fact in told


# --- before and during ----------------------------------------------------------------------------------------------


def test_what_was_found_and_where_it_goes() -> None:
    output = terminal({"NO_COLOR": "1", "COLUMNS": "80"})
    show_found(complete().entities, 400, 12, output)
    show_listening(HERE, ("0.0.0.0:11113",), output)
    show_proposed([(CT, 6), (KO, 3)], 10, output)
    assert output.stdout.splitlines() == [
        "  find     study 1.2: CT CHEST, 2025-01-14, 3 series, 412 instances",
        "  expect   400 instances, 12 more are here already",
        "  listen   RESEARCH1 on 0.0.0.0:11113, all storage classes, all transfer",
        "           syntaxes",
        "  propose  10 contexts of 128 allowed: CT Image ×6, Key Object Selection",
        "           Document ×3",
    ]


@pytest.mark.parametrize("options", [{}, {"json": True}, {"quiet": True}])
def test_a_pipe_is_not_told_of_it(options: dict[str, object]) -> None:
    output = pipe(**options)
    show_found(complete().entities, None, 0, output)
    assert (output.stdout, output.stderr) == ("", "")


def line(progress: Receiving, width: int = 80) -> str:
    return progress.compose(width, progress.began + 2.0, is_last=False)


def drawn() -> Shown:
    return terminal({"NO_COLOR": "1"})


def test_progress_counts_objects() -> None:
    progress = Receiving(drawn(), 412)
    for _ in range(206):
        progress.arrived(1_000_000)
    text = line(progress)
    assert "206/412" in text
    assert "103 files/s" in text
    assert text.count("━") == pytest.approx(text.count("─"), abs=1)
    assert len(text) < 80
    assert "206/412" in line(progress, 40)


def test_progress_of_what_goes_elsewhere_is_the_peers_count() -> None:
    progress = Receiving(drawn(), None, is_elsewhere=True)
    progress.pending(SubOperations(3, 1, 0, 0))
    assert "1/4" in line(progress)
    progress.asked()
    progress.pending(SubOperations(0, 2, 1, 0))
    assert "4/4" in line(progress)
    assert "1 failed" in line(progress)
    assert progress.sentence(progress.began + 1).startswith("sending: 4/4")


def test_progress_without_any_counts() -> None:
    progress = Receiving(drawn(), None)
    progress.pending(SubOperations())
    progress.arrived(10)
    assert "receiving  1  " in line(progress)
