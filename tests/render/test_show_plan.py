"""The plan before a transfer."""

import textwrap

import pytest
from render_samples import pipe, terminal
from store_samples import CT, ELE, FACTS, HARMLESS, HOSTILE, PLAN, PRIVATE, PROPOSED

from dcmnet_cli.ops.storing.transfer import InputFacts, PlanRow
from dcmnet_cli.render.plan import input_line, show_input, show_plan

RULE = "─" * 78


def screen(text: str) -> str:
    return textwrap.indent(textwrap.dedent(text).removeprefix("\n"), "  ")


def test_what_the_peer_accepts_and_what_is_sent() -> None:
    output = terminal()
    show_plan(PLAN, output)
    assert output.stdout == screen(f"""

          plan                    files  stored as           peer accepts  sent as
          {RULE}
          CT Image                1,284  JPEG 2000 Lossless  Explicit LE   Explicit LE *
          Secondary Capture          20  Explicit LE         Explicit LE   unchanged
          Image
          X-Ray Radiation Dose        4  Explicit LE         Implicit LE   Implicit LE
          SR
          private                     1  Explicit LE         nothing       not sent
          1.3.46.670589.11.0.0
          * decompressed without loss; forbid with --transcode never
        """)


def test_what_will_be_proposed() -> None:
    output = terminal()
    show_plan(PROPOSED, output, is_result=True)
    assert output.stdout == screen(f"""

          plan                     files    size  stored as           proposed
          {RULE}
          CT Image                 1,284  695 MB  JPEG 2000 Lossless  JPEG 2000 Lossless
                                                                      Explicit LE
                                                                      Implicit LE
          Secondary Capture Image     20  9.0 MB  Explicit LE         Explicit LE
                                                                      Implicit LE
          X-Ray Radiation Dose SR      4   80 kB  Explicit LE         Explicit LE
                                                                      Implicit LE
          private                      1   512 B  Explicit LE         Explicit LE
          1.3.46.670589.11.0.0                                        Implicit LE
        """)


def test_several_notes_are_numbered() -> None:
    output = terminal()
    show_plan((PLAN[0], PLAN[3]._replace(note="no codec: pip install dcmnet-cli[codecs]")), output)
    assert "Explicit LE *1\n" in output.stdout
    assert "not sent *2\n" in output.stdout
    assert output.stdout.endswith("  *2 no codec: pip install dcmnet-cli[codecs]\n")


def test_an_ascii_terminal_can_show_it() -> None:
    output = terminal(encoding="ascii")
    show_plan(PLAN, output)
    assert "  " + "-" * 78 in output.stdout.splitlines()


def test_a_long_table_keeps_what_matters_and_verbose_has_all() -> None:
    rows = [PlanRow(f"1.2.{number}", ELE, number, 1, ((ELE,),), ELE, ELE) for number in range(1, 200)]
    rows[3] = rows[3]._replace(accepted="", sent_as="")
    short, whole = terminal(), terminal(verbosity=1)
    show_plan(rows, short)
    show_plan(rows, whole)
    assert "private 1.2.4 " in short.stdout
    assert "private 1.2.199 " in short.stdout
    assert "private 1.2.5 " not in short.stdout
    assert short.stdout.endswith("  and 176 more rows; -v shows all\n")
    assert whole.stdout.count("private") == 199


def test_the_result_of_a_dry_run_in_a_pipe() -> None:
    output = pipe()
    show_plan(PROPOSED, output, is_result=True)
    assert output.stdout.splitlines()[0].split("\t") == [
        "plan",
        CT,
        "CT Image",
        "1.2.840.10008.1.2.4.90",
        "1284",
        "695000000",
        "1.2.840.10008.1.2.4.90 1.2.840.10008.1.2.1,1.2.840.10008.1.2",
        "-",
        "-",
        "-",
    ]
    assert output.stdout.count("\n") == 4


def test_otherwise_a_pipe_hears_of_the_plan_only_when_it_asks() -> None:
    silent, verbose = pipe(), pipe(verbosity=1)
    for output in (silent, verbose):
        show_input(FACTS, (("a.txt", "not DICOM"),), output)
        show_plan(PLAN, output)
        assert output.stdout == ""
    assert silent.stderr == ""
    assert verbose.stderr.splitlines() == [
        "reading ./export   1,312 files: 1,309 objects, 1 DICOMDIR, 2 not DICOM (skipped)",
        "skipped: a.txt: not DICOM",
        "plan: 1,284 files of CT Image, JPEG 2000 Lossless: peer accepts Explicit LE, Explicit LE "
        "(decompressed without loss; forbid with --transcode never)",
        "plan: 20 files of Secondary Capture Image, Explicit LE: peer accepts Explicit LE, unchanged",
        "plan: 4 files of X-Ray Radiation Dose SR, Explicit LE: peer accepts Implicit LE, Implicit LE",
        f"plan: 1 file of private {PRIVATE}, Explicit LE: peer accepts nothing, not sent",
    ]


@pytest.mark.parametrize("options", [{"quiet": True}, {"json": True}])
def test_quiet_and_json_show_neither(options: dict[str, bool]) -> None:
    output = terminal(**options)
    show_input(FACTS, (), output)
    show_plan(PLAN, output, is_result=True)
    assert (output.stdout, output.stderr) == ("", "")


@pytest.mark.parametrize(
    ("facts", "line"),
    [
        (InputFacts(("a.dcm",), 1), "reading a.dcm   1 file: 1 object"),
        (InputFacts(("empty",), 0), "reading empty   0 files: 0 objects"),
        (
            InputFacts(("a", "b", "c", "d", "e"), 3, 0, 0, 1, 2, 1),
            "reading a, b, c and 2 more   4 files: 3 objects, 1 unreadable; 2 of them cannot be sent; "
            "1 SOP Instance UID came again",
        ),
    ],
)
def test_the_line_on_the_input(facts: InputFacts, line: str) -> None:
    assert input_line(facts) == line


def test_hostile_names_and_uids_stay_in_their_place() -> None:
    row = PlanRow(HOSTILE, HOSTILE, 1, 1, ((HOSTILE,),), HOSTILE, HOSTILE, HOSTILE)
    wide = {"NO_COLOR": "1", "COLUMNS": "1000"}
    for output in (terminal(wide, verbosity=1), pipe(verbosity=1)):
        show_input(InputFacts((HOSTILE,), 1), ((HOSTILE, HOSTILE),), output)
        show_plan([row], output, is_result=True)
        show_plan([row._replace(accepted=None)], output)
        text = output.stdout + output.stderr
        assert HARMLESS in text
        assert not any(character in text for character in "\x1b\u202e\udc80")
        assert not any(line.lstrip().startswith("forged") for line in text.splitlines())


@pytest.mark.parametrize("columns", [40, 60, 80])
def test_no_line_is_wider_than_the_terminal(columns: int) -> None:
    output = terminal({"NO_COLOR": "1", "COLUMNS": str(columns)}, verbosity=1)
    show_input(InputFacts(("/a-long-path" * 30,), 1), (), output)
    show_plan(PLAN, output)
    show_plan(PROPOSED, output)
    assert max(map(len, output.stdout.splitlines())) <= columns
