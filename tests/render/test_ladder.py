"""The ladder, as a person and as a script see it."""

import re
import subprocess
import sys
import textwrap

import pytest
from render_samples import (
    CT_IMAGE,
    EXPLICIT,
    IMPLICIT,
    JPEG_2000,
    VERIFICATION,
    Stream,
    accepted,
    pipe,
    rejected,
    terminal,
    timed_out,
    without_context,
)

from dcmnet_cli.core.steps import Step
from dcmnet_cli.errors import UsageError
from dcmnet_cli.ops.results import ContextFacts, Diagnosis, PeerFacts, Report
from dcmnet_cli.render.ladder import show_report
from dcmnet_cli.render.output import Output


def screen(text: str) -> str:
    return textwrap.dedent(text).removeprefix("\n")


RULE = "─" * 78

REJECTION = screen(f"""
    ✗ echo  ARCHIVE1@pacs.example.org:104  as CTROOM2                         exit 5

         step          result                                                   time
      {RULE}
      ✓  resolve       10.20.4.17                                             2.1 ms
      ✓  TCP connect   open, from 10.20.9.31:49822                            4.0 ms
      ✗  association   REJECTED permanently: called AE title not recognized   6.2 ms
                       result 1 · source 1 (service user) · reason 7

      We sent    called "ARCHIVE1"  calling "CTROOM2"

      Meaning    A DICOM server answers on this port, but it does not answer to the
                 name "ARCHIVE1".

      Try        1. Check the title with the archive's owner, letter by letter.
                    Titles are case-sensitive.
                 2. One host often runs several titles on several ports. Is 104 the
                    right one?

      Who acts   this side
      More       dcmnet explain rj 1 1 7
    """)


def test_rejection_on_a_terminal_is_one_screen() -> None:
    output = terminal()
    show_report(rejected(), output)
    assert output.stdout == REJECTION
    assert output.stderr == ""


def test_rejection_on_an_ascii_terminal() -> None:
    output = terminal(encoding="ascii")
    show_report(rejected(), output)
    lines = output.stdout.splitlines()
    assert lines[0] == "FAILED echo  ARCHIVE1@pacs.example.org:104  as CTROOM2".ljust(74) + "exit 5"
    assert lines[2:7] == [
        "          step          result                                              time",
        "  " + "-" * 78,
        "  ok      resolve       10.20.4.17                                        2.1 ms",
        "  ok      TCP connect   open, from 10.20.9.31:49822                       4.0 ms",
        "  FAILED  association   REJECTED permanently: called AE title not         6.2 ms",
    ]
    assert "result 1 - source 1 (service user) - reason 7" in lines[8]


def test_success_on_a_terminal() -> None:
    output = terminal()
    show_report(accepted(), output)
    assert output.stdout == screen(f"""
        ✓ echo  PACS@127.0.0.1:11112  as ME                                       exit 0

             step          result                                                   time
          {RULE}
          ✓  resolve       127.0.0.1                                             0.40 ms
          ✓  TCP connect   open, from 127.0.0.1:49822                            12.3 ms
          ✓  association   accepted                                               250 ms
          ✓  C-ECHO        0x0000 success                                         12.5 s
        """)


def test_timeout_without_a_diagnosis_still_says_what_is_known() -> None:
    output = terminal()
    show_report(timed_out(), output)
    assert output.stdout == screen(f"""
        ✗ echo  PACS@[fe80::1]:104  as ME                                         exit 8

             step          result                                                   time
          {RULE}
          ✓  TCP connect   open                                                   1.0 ms
          ✗  association   no answer within 30 s                                  30.0 s

          Try   Try again later.
        """)


def test_contexts_with_verbosity() -> None:
    output = terminal(verbosity=1)
    report = accepted(
        ContextFacts(1, VERIFICATION, (IMPLICIT, EXPLICIT), 0, IMPLICIT),
        ContextFacts(3, CT_IMAGE, (JPEG_2000,), 3, ""),
        ContextFacts(255, "1.3.46.670589.11.0.0.12.4", (JPEG_2000,), 4, ""),
        ContextFacts(7, "1.2.3", ("1.2.3.4",), None, ""),
    )
    show_report(report, output)
    below = output.stdout.split("12.5 s\n")[1]
    assert below == "\n" + textwrap.indent(
        screen(f"""
            Peer          OFFIS_DCMTK_367 (1.2.276.0.7230010.3.0.3.6.7)
            Largest PDU   16384 bytes, set by the peer

             id  abstract syntax        proposed        result             accepted
            {RULE}
              1  Verification           Implicit LE     accepted (0)       Implicit LE
                                        Explicit LE
              3  CT Image Storage       JPEG 2000       abstract syntax    -
                                                        not supported (3)
            255  1.3.46.670589.11.0.0.  JPEG 2000       transfer syntaxes  -
                 12.4                                   not supported (4)
              7  1.2.3                  1.2.3.4         not answered       -
            """),
        "  ",
    )


def test_a_failure_for_want_of_a_context_shows_them_unasked() -> None:
    output = terminal()
    show_report(without_context(), output)
    assert "  Error   PACS@127.0.0.1:11112 accepted no presentation context\n" in output.stdout
    assert "transfer syntaxes" in output.stdout
    assert "not supported (4)" in output.stdout


def test_many_proposed_transfer_syntaxes_are_cut_short() -> None:
    output = terminal(verbosity=1)
    syntaxes = tuple(f"1.2.840.10008.1.2.4.{last}" for last in (50, 51, 57, 70, 80, 81, 90, 91))
    show_report(accepted(ContextFacts(1, CT_IMAGE, syntaxes, 0, syntaxes[0])), output)
    assert "and 3 more" in output.stdout


@pytest.mark.parametrize("columns", [40, 60, 80, 200])
@pytest.mark.parametrize("make", [rejected, timed_out, without_context])
def test_no_line_is_wider_than_the_terminal(columns: int, make: type) -> None:
    report = make()
    report.notes.append("a note that goes on for longer than one would like " * 5)
    report.peer = PeerFacts("a-host-with-a-long-name." * 6 + "example.org", 104, "A" * 16, "B" * 16)
    output = terminal({"NO_COLOR": "1", "COLUMNS": str(columns)}, verbosity=1)
    show_report(report, output)
    assert max(map(len, output.stdout.splitlines())) <= columns


def test_a_pipe_gets_a_line_a_rung_and_the_reason_on_stderr() -> None:
    output = pipe()
    show_report(rejected(), output)
    assert output.stdout.splitlines() == [
        "ok\tresolve\t10.20.4.17\t2.1 ms",
        "ok\tTCP connect\topen, from 10.20.9.31:49822\t4.0 ms",
        "FAILED\tassociation\tREJECTED permanently: called AE title not recognized; "
        "result 1 · source 1 (service user) · reason 7\t6.2 ms",
        "FAILED\tdcmnet echo\tARCHIVE1@pacs.example.org:104 as CTROOM2\t12.3 ms",
    ]
    assert output.stderr.splitlines() == [
        "dcmnet echo: association rejected permanently by ARCHIVE1@pacs.example.org:104: "
        "called AE title not recognized (result 1, source 1, reason 7)",
        '  we sent: called "ARCHIVE1"  calling "CTROOM2"',
        '  meaning: A DICOM server answers on this port, but it does not answer to the name "ARCHIVE1".',
        "  try 1: Check the title with the archive's owner, letter by letter. Titles are case-sensitive.",
        "  try 2: One host often runs several titles on several ports. Is 104 the right one?",
        "  who acts: this side",
        "  more: dcmnet explain rj 1 1 7",
    ]


def test_a_pipe_writes_every_time_in_ms() -> None:
    output = pipe()
    show_report(accepted(), output)
    assert [line.split("\t")[3] for line in output.stdout.splitlines()] == [
        "0.40 ms",
        "12.3 ms",
        "250.0 ms",
        "12500.0 ms",
        "12762.7 ms",
    ]


def test_stdout_of_a_pipe_does_not_depend_on_verbosity() -> None:
    report = accepted(ContextFacts(1, VERIFICATION, (IMPLICIT,), 0, IMPLICIT))
    plain, verbose = pipe(), pipe(verbosity=1)
    show_report(report, plain)
    show_report(report, verbose)
    assert plain.stdout == verbose.stdout
    assert plain.stderr == ""
    assert f"context\t1\t{VERIFICATION}\tVerification\taccepted (0)\t{IMPLICIT}" in verbose.stderr.splitlines()


def test_quiet_leaves_one_line_of_a_failure_and_nothing_of_a_success() -> None:
    for output in (terminal(quiet=True), pipe(quiet=True)):
        show_report(accepted(), output)
        assert (output.stdout, output.stderr) == ("", "")
        show_report(rejected(), output)
        assert output.stdout == ""
        assert output.stderr.startswith("dcmnet echo: association rejected permanently by ARCHIVE1@")
        assert output.stderr.count("\n") == 1


def test_a_redirected_stderr_gets_the_error_although_the_screen_shows_it() -> None:
    out, err = Stream(is_terminal=True), Stream()
    show_report(rejected(), Output(out, err, environ={"NO_COLOR": "1"}))
    assert out.text() == REJECTION
    assert err.text().startswith("dcmnet echo: association rejected permanently")


def test_on_a_terminal_the_hints_of_a_pipe_wrap_beside_their_labels() -> None:
    out, err = Stream(), Stream(is_terminal=True)
    show_report(rejected(), Output(out, err, environ={"NO_COLOR": "1"}))
    assert "  meaning: A DICOM server answers on this port, but it does not answer to the\n" in err.text()
    assert '\n           name "ARCHIVE1".\n' in err.text()


def test_what_fails_before_the_first_rung_is_a_line_and_its_hints() -> None:
    report = Report("echo")
    report.error = UsageError("no port in PACS", hints=("write PACS:104",))
    report.exit_code = 2
    output = terminal()
    show_report(report, output)
    assert (output.stdout, output.stderr) == ("", "dcmnet echo: no port in PACS\n  try 1: write PACS:104\n")


def test_hints_of_the_error_stand_in_for_remedies() -> None:
    report = timed_out()
    report.diagnosis = Diagnosis("association", "no answer", meaning="It is silent.")
    output = pipe()
    show_report(report, output)
    assert output.stderr.splitlines()[1:] == ["  meaning: It is silent.", "  try 1: Try again later."]


def test_colours_mark_success_and_failure_and_nothing_else() -> None:
    output = terminal({"TERM": "xterm-256color"})
    show_report(rejected(), output)
    assert "\x1b[31m✗\x1b[0m" in output.stdout
    assert "\x1b[32m✓\x1b[0m" in output.stdout
    codes = set(re.findall(r"\x1b\[([0-9;]*)m", output.stdout))
    assert codes <= {"0", "1", "2", "31", "32", "33"}
    plain = re.sub(r"\x1b\[[0-9;]*m", "", output.stdout)
    assert [line.rstrip() for line in plain.splitlines()] == REJECTION.splitlines()


HOSTILE = "[bold red]x[/] \x1b[2J\x07 \u202eevil \\[ \ud800 " + "W" * 70


def test_hostile_text_is_shown_and_does_nothing() -> None:
    report = rejected()
    report.steps[2] = Step("association\x1b[1m", False, 0.1, HOSTILE)
    report.peer = PeerFacts("host\x1b[0m", 104, "[link=x]AE[/link]", "\u202eME")
    report.diagnosis = Diagnosis(
        "association", HOSTILE, ((HOSTILE, HOSTILE),), HOSTILE, (HOSTILE, HOSTILE), "here", HOSTILE
    )
    report.notes.append(HOSTILE)
    for output in (terminal(), pipe(), terminal(encoding="ascii")):
        show_report(report, output)
        everything = output.stdout + output.stderr
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800]", everything)
        assert r"[bold red]x[/] \x1b[2J\x07 \u202eevil" in everything
        assert "[link=x]AE[/link]@host\\x1b[0m" in everything
        assert max(map(len, output.stdout.splitlines())) <= 80 or not output.out.is_terminal


def test_a_line_break_from_a_peer_does_not_forge_a_line_of_a_pipe() -> None:
    report = rejected()
    report.steps[2] = Step("association", False, 0.1, "oh\nok\tdcmnet echo\tall fine")
    output = pipe()
    show_report(report, output)
    assert len(output.stdout.splitlines()) == 4
    assert all(line.count("\t") == 3 for line in output.stdout.splitlines())


def test_a_pipe_never_loads_rich() -> None:
    code = textwrap.dedent("""
        import sys
        sys.path.insert(0, "tests/render")
        from render_samples import pipe, rejected, accepted
        from dcmnet_cli.ops.results import ListenEvent, RoundTrips
        from dcmnet_cli.ops.explain import explain
        from dcmnet_cli.render.events import show_event
        from dcmnet_cli.render.explain import show_explanation
        from dcmnet_cli.render.ladder import show_report
        from dcmnet_cli.render.statistics import show_round_trips
        for output in (pipe(verbosity=2), pipe(json=True), pipe(quiet=True)):
            show_report(rejected(), output)
            show_report(accepted(), output)
            show_round_trips(RoundTrips(1, (0.1,)), output)
            show_event(ListenEvent("echo", 0.0, "10.0.0.1:4", "A", "B", "", {}), output)
            show_explanation(explain(["A801"]), output)
        heavy = [name for name in ("rich", "pydicom", "typer", "ssl", "asyncio", "logging") if name in sys.modules]
        print(heavy)
    """)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
