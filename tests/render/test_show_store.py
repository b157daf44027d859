"""The end of a store, as a person and as a script see it."""

import textwrap
import time

import pytest
from render_samples import pipe, terminal
from store_samples import HARMLESS, HOSTILE, PROPOSED, mixed, mixed_outcomes, outcome, report, result_of

from dcmnet_cli.core.steps import Step
from dcmnet_cli.errors import AssociationRejected, ConnectionLost, OperationFailed
from dcmnet_cli.ops.diagnosis import diagnose
from dcmnet_cli.ops.storing.transfer import CONFIRMED, IN_DOUBT, NOT_SENT, REFUSED, Tally, TimeSpent
from dcmnet_cli.render.store import show_dry_run, show_store, time_line

RULE = "─" * 78


def screen(text: str) -> str:
    return textwrap.dedent(text).removeprefix("\n")


SCREEN = screen(f"""

    ▲ store  PACS@pacs.example.org:104  1,302 of 1,309 stored                 exit 1

      outcome                 files   detail
      {RULE}
      stored                  1,300   0x0000 success
      stored, with a warning      2   0xB000 warning: coercion of data elements
      refused                     5   0xA700 failure: refused: out of resources
      not sent                    1   no context: abstract syntax not supported
      in doubt                    1   the peer closed the connection

      0xB000      Stored, but the peer overwrote some values, often patient or study
                  identifiers.
                  Offending Element: (0010,0020) PatientID
                  export/W7.dcm
                  export/W8.dcm

      0xA700      Not stored: the peer has no room, as a rule no disk space.
                  Error Comment: "disk full" (5 times)
                  Peer: free or add storage.
                  Here: send the instance again afterwards; nothing is wrong with
                  it.
                  export/R0.dcm
                  export/R1.dcm
                  export/R2.dcm
                  and 2 more: --report FILE lists all

      Not sent    no context: abstract syntax not supported
                  export/P.dcm

      In doubt    Sent whole, but the association ended before the answer, so the
                  peer may have it or not. Look for it there, or send it again: the
                  same SOP Instance UID makes no second object.
                  export/D.dcm

      Skipped     2 files, not DICOM
                  1 file, permission denied: export/c
      Converted   30 files: recoded
      Time        22.4 s: 78 % waiting for the peer, 15 % converting, 7 % network
      Speed       58 files/s, 29 MB/s, 654 MB in all
      Link        2 associations, 1 retry
    """)


def test_a_mixed_outcome_is_one_screen() -> None:
    output = terminal()
    show_store(report(1), mixed(), output)
    assert output.stdout == SCREEN
    assert output.stderr == ""


def test_an_ascii_terminal_gets_the_same_words() -> None:
    output = terminal(encoding="ascii")
    show_store(report(1), mixed(), output)
    assert output.stdout == SCREEN.replace("▲", "!").replace("─", "-")


def test_one_file_stored_is_short() -> None:
    output = terminal()
    show_store(report(), result_of([outcome("a.dcm")], seconds=0.02, spent=TimeSpent(0.012, 0.002, 0, 0.001)), output)
    assert output.stdout == screen(f"""

        ✓ store  PACS@pacs.example.org:104  1 of 1 stored                         exit 0

          outcome  files   detail
          {RULE}
          stored       1   0x0000 success

          Time    20.0 ms: 60 % waiting for the peer, 10 % network, 5 % disk, 25 % other
          Speed   50 files/s, 25 MB/s, 500 kB in all
        """)


def test_nothing_to_send_says_so() -> None:
    shown, piped = terminal(), pipe()
    nothing = result_of([], seconds=0.0, spent=TimeSpent())
    show_store(report(), nothing, shown)
    show_store(report(), nothing, piped)
    assert shown.stdout.split() == ["✓", "store", "PACS@pacs.example.org:104", "nothing", "to", "send", "exit", "0"]
    lines = piped.stdout.splitlines()
    assert {"stored\t0", "files_per_second\t-", "bytes_per_second\t-"} <= set(lines)
    assert lines[-1] == "ok\tdcmnet store\tPACS@pacs.example.org:104 as ME\t0.00 ms"


def test_what_an_earlier_run_confirmed_counts_as_stored_and_not_for_the_speed() -> None:
    earlier = [outcome(f"{number}.dcm", CONFIRMED, reason="journal") for number in range(41_200)]
    output = terminal()
    show_store(report(), result_of([*earlier, outcome("new.dcm")], seconds=1.0), output)
    assert "41,201 of 41,201 stored" in output.stdout
    assert "  confirmed earlier  41,200   by the journal of an earlier run" in output.stdout
    assert "Speed   1.0 files/s, 500 kB/s, 500 kB in all" in output.stdout


def test_nothing_stored_is_a_cross() -> None:
    refused = [outcome(f"{number}.dcm", REFUSED, status=0xC123) for number in range(2)]
    error = OperationFailed("PACS refused every instance", 0xC123, service="store")
    output = terminal()
    show_store(report(9, error), result_of(refused), output)
    first = output.stdout.splitlines()[1]
    assert first == "✗ store  PACS@pacs.example.org:104  0 of 2 stored".ljust(74) + "exit 9"
    assert "0xC123 failure: error: cannot understand" in output.stdout
    assert "\n  Error " not in output.stdout  # the status tells it all


def test_an_error_in_the_middle_is_told_with_its_remedies() -> None:
    error = ConnectionLost("PACS@pacs.example.org:104 closed the connection", hints=("Try --jobs 1.",))
    done = [outcome("a.dcm"), outcome("b.dcm", IN_DOUBT, reason=error.message)]
    shown, piped = terminal(), pipe()
    show_store(report(6, error), result_of(done), shown)
    show_store(report(6, error), result_of(done), piped)
    assert "  Error      PACS@pacs.example.org:104 closed the connection\n  Try        Try --jobs 1.\n" in shown.stdout
    assert piped.stderr.startswith(
        "dcmnet store: PACS@pacs.example.org:104 closed the connection\n  try 1: Try --jobs 1"
    )


def test_without_an_association_the_ladder_leads() -> None:
    error = AssociationRejected("rejected: called AE title not recognized", result=1, source=1, reason=7)
    made = report(5, error)
    made.steps = [Step("TCP connect", True, 0.004, "open"), Step("association", False, 0.006, error.message)]
    unsent = [outcome(f"{number}.dcm", NOT_SENT, reason=error.message) for number in range(3)]
    shown, piped = terminal(), pipe()
    for output in (shown, piped):
        show_store(made, result_of(unsent, seconds=0.1, spent=TimeSpent(), associations=0), output)
    assert shown.stdout.startswith("✗ store  PACS@pacs.example.org:104  as ME")
    assert "✗  association   rejected: called AE title not recognized" in shown.stdout
    assert shown.stdout.endswith("  not sent      3   for the reason above\n\n")
    assert shown.stdout.count("exit 5") == 1
    assert [line for line in piped.stdout.splitlines() if "dcmnet store" in line] == [
        "FAILED\tdcmnet store\tPACS@pacs.example.org:104 as ME\t10.0 ms"
    ]
    assert "not_sent\t3" in piped.stdout.splitlines()
    assert piped.stderr.count("called AE title not recognized") == 1


def test_a_pipe_gets_troubled_instances_counts_and_times() -> None:
    output = pipe()
    show_store(report(1), mixed(), output)
    lines = output.stdout.splitlines()
    assert lines[0] == "instance\twarned\t0xB000\texport/W7.dcm\t1.2.3\twarning: coercion of data elements"
    assert lines[2] == (
        'instance\tfailed\t0xA700\texport/R0.dcm\t1.2.3\tfailure: refused: out of resources, "disk full"'
    )
    assert lines[7] == "instance\tnot_sent\t-\texport/P.dcm\t1.2.3\tno context: abstract syntax not supported"
    assert lines[9:] == [
        "stored\t1300",
        "warned\t2",
        "failed\t5",
        "not_sent\t1",
        "in_doubt\t1",
        "confirmed\t0",
        "skipped\t3",
        "bytes\t653500000",
        "files_per_second\t58.3",
        "bytes_per_second\t29174107",
        "waiting\t17400.0 ms",
        "network\t1500.0 ms",
        "converting\t3300.0 ms",
        "disk\t100.0 ms",
        "pausing\t0.00 ms",
        "FAILED\tdcmnet store\tPACS@pacs.example.org:104 as ME\t22400.0 ms",
    ]
    told = output.stderr.splitlines()
    assert told[0] == (
        "dcmnet store: PACS@pacs.example.org:104: 1,302 of 1,309 stored, 5 refused, 1 in doubt, 1 not sent"
    )
    assert "  refused, 5 files: 0xA700 failure: refused: out of resources" in told
    assert '    error comment: "disk full" (5 times)' in told
    assert "    and 2 more: --report FILE lists all" in told


def test_stdout_of_a_pipe_does_not_depend_on_verbosity() -> None:
    plain, verbose = pipe(), pipe(verbosity=1)
    show_store(report(1), mixed(), plain)
    show_store(report(1), mixed(), verbose)
    assert plain.stdout == verbose.stdout
    assert "converted: 30 files: recoded" in verbose.stderr


def test_a_success_in_a_pipe_is_silent_on_stderr() -> None:
    output = pipe()
    show_store(report(), result_of([outcome("a.dcm")]), output)
    assert output.stderr == ""


def test_quiet_leaves_the_line_that_says_what_failed() -> None:
    for output in (terminal(quiet=True), pipe(quiet=True)):
        show_store(report(), result_of([outcome("a.dcm")]), output)
        assert (output.stdout, output.stderr) == ("", "")
        show_store(report(1), mixed(), output)
        assert output.stdout == ""
        assert output.stderr.splitlines() == [
            "dcmnet store: PACS@pacs.example.org:104: 1,302 of 1,309 stored, 5 refused, 1 in doubt, 1 not sent"
        ]


def test_the_report_file_is_named_when_there_is_one() -> None:
    output = terminal()
    show_store(report(1), mixed(), output, report_file="out.json")
    assert "and 2 more: out.json lists all" in output.stdout
    assert "--report" not in output.stdout


def test_remarks_on_files_are_for_those_who_ask() -> None:
    noted = result_of([outcome(f"{number}.dcm", notes=("no preamble",)) for number in range(12)])
    silent, verbose = terminal(), terminal(verbosity=1)
    show_store(report(), noted, silent)
    show_store(report(), noted, verbose)
    assert "preamble" not in silent.stdout
    assert "Remark   12 files: no preamble: 0.dcm, 1.dcm, 2.dcm and 9 more" in verbose.stdout


def test_hostile_texts_stay_in_their_place() -> None:
    done = [
        outcome(HOSTILE, REFUSED, status=0xA700, error_comment=HOSTILE),
        outcome("b.dcm", NOT_SENT, reason=HOSTILE, notes=(HOSTILE,)),
        outcome("c.dcm", changes=(HOSTILE,)),
    ]
    wide = {"NO_COLOR": "1", "COLUMNS": "200"}
    for output in (terminal(wide, verbosity=1), pipe(verbosity=1)):
        show_store(report(1), result_of(done, skipped=((HOSTILE, HOSTILE),)), output)
        text = output.stdout + output.stderr
        assert HARMLESS in text
        assert not any(character in text for character in "\x1b\u202e\udc80")
        assert not any(line.lstrip().startswith("forged") for line in text.splitlines())
    instance = next(line for line in output.stdout.splitlines() if line.startswith("instance\tfailed"))
    assert instance.count("\t") == 5


@pytest.mark.parametrize("columns", [40, 60, 80, 200])
def test_no_line_is_wider_than_the_terminal(columns: int) -> None:
    long = "export/" + "very-long-folder-name/" * 13 + "IM1.dcm"
    assert len(long) > 290
    done = [outcome(long, REFUSED, status=0xA700, error_comment="x" * 64), outcome(long, NOT_SENT, reason="y " * 200)]
    output = terminal({"NO_COLOR": "1", "COLUMNS": str(columns)}, verbosity=1)
    show_store(report(1), result_of(done, skipped=((long, "unreadable"),)), output)
    lines = output.stdout.splitlines()
    assert max(map(len, lines)) <= columns
    assert long in "".join(line.strip() for line in lines)


def test_an_end_of_the_association_is_one_cause_whichever_message_it_befell() -> None:
    done = [outcome(f"{number}.dcm", IN_DOUBT, reason=f"the response (message {number}) was due") for number in (1, 2)]
    output = terminal()
    show_store(report(1), result_of(done), output)
    assert "  in doubt      2   the response was due\n" in output.stdout


def test_a_long_detail_goes_on_below_its_beginning() -> None:
    output = terminal()
    show_store(report(1), result_of([outcome("a.dcm", NOT_SENT, reason="word " * 20)]), output)
    lines = output.stdout.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("  not sent"))
    assert lines[first + 1].startswith(" " * lines[first].index("word") + "word")


def test_many_causes_are_told_in_few_rows() -> None:
    done = [outcome(f"{number}.dcm", NOT_SENT, reason=f"cannot read {number}.dcm") for number in range(50)]
    output = terminal()
    show_store(report(1), result_of(done), output)
    assert "  not sent     44   44 other causes\n" in output.stdout
    assert output.stdout.count("cannot read") == 12  # six causes, in the table and below it


def test_what_was_odd_about_a_refused_file_is_told_and_what_it_means_once() -> None:
    done = [outcome("a.dcm", REFUSED, status=0xC000, notes=("it names no SOP class",)), outcome("b.dcm", NOT_SENT)]
    failed = report(9, OperationFailed("all refused", 0xC000, service="store"))
    assert failed.error is not None
    failed.diagnosis = diagnose(failed.error, None)
    for output in (terminal(), pipe()):
        show_store(failed, result_of(done), output)
        told = output.stdout + output.stderr
        assert "remark: it names no sop class" in told.lower()
        assert told.count("could not read or would not take") == 1


def test_many_comments_and_elements_are_cut_short() -> None:
    done = [
        outcome(f"{number}.dcm", REFUSED, status=0xA900, error_comment=f"no {number}", offending_element=(number,))
        for number in range(20)
    ]
    output = pipe()
    show_store(report(1), result_of(done), output)
    assert "    error comment: and 17 others" in output.stderr.splitlines()
    assert "(0000,0005) and 14 others" in output.stderr


def test_a_hundred_thousand_refusals_are_shown_at_once() -> None:
    done = result_of([outcome(f"{number}.dcm", REFUSED, status=0xA700) for number in range(100_000)])
    output = terminal()
    begin = time.process_time()
    show_store(report(1), done, output)
    assert time.process_time() - begin < 5  # seconds: three orders of magnitude above what one line may take
    assert "and 99,997 more" in output.stdout
    assert output.stdout.count("\n") < 30


def test_a_tally_keeps_only_what_has_to_be_told() -> None:
    tally = Tally()
    for number in range(1000):
        tally.add(outcome(f"{number}.dcm", changes=(f"odd lengths padded: {number}",), notes=("no preamble",)))
    assert tally.remarkable == []
    assert tally.notes["no preamble"].count == 1000
    assert len(tally.notes["no preamble"].labels) == 5
    assert len(tally.changes) == 101
    assert tally.changes["other remarks"].count == 900


def test_shares_of_time_add_up_and_small_ones_are_left_out() -> None:
    done = result_of([outcome("a.dcm")], seconds=100.0, spent=TimeSpent(50.0, 0.1, 0.0, 30.0))
    assert time_line(done) == "100.0 s: 50 % waiting for the peer, 30 % disk, 20 % other"
    several = done._replace(seconds=3723.0, spent=TimeSpent(7500.0, 2500.0, 0.0, 0.0), jobs=4)
    assert time_line(several) == ("1:02:03, up to 4 associations at once: 75 % waiting for the peer, 25 % network")


def test_a_dry_run_ends_with_what_cannot_be_sent() -> None:
    unfit = [outcome("export/t.dcm", NOT_SENT, reason="truncated: 512 bytes are missing")]
    shown, piped = terminal(), pipe()
    show_dry_run(report(1), PROPOSED, unfit, 1, shown)
    show_dry_run(report(1), PROPOSED, unfit, 4, piped)
    assert shown.stdout.endswith(
        screen("""
            ▲ store  PACS@pacs.example.org:104  dry run: 1,309 of 1,310 can be sent   exit 1

              Not sent   truncated: 512 bytes are missing
                         export/t.dcm
            """)
    )
    many = terminal()
    show_dry_run(report(1), PROPOSED, unfit * 5, 1, many)
    assert "and 2 more: --json lists all\n" in many.stdout  # as it writes no report
    lines = piped.stdout.splitlines()
    assert [line.split("\t")[0] for line in lines] == [*["plan"] * 4, "instance", "FAILED"]
    assert lines[-1] == "FAILED\tdcmnet store\tdry run: 1,309 of 1,310 can be sent, over 4 associations\t-"


def test_outcomes_of_every_kind_are_in_the_sample() -> None:
    assert {one.kind for one in mixed_outcomes()} | {CONFIRMED} == set(Tally().counts)
