"""``dcmnet explain`` on a terminal and in a pipe."""

import textwrap

from render_samples import pipe, terminal

from dcmnet_cli.ops.results import Explanation, Reading
from dcmnet_cli.render.explain import show_explanation

REJECTION = Reading(
    kind="rejection",
    title="A-ASSOCIATE-RJ: called AE title not recognized",
    facts=(("result", "1 (rejected permanently)"), ("uid", "1.2.3")),
    meaning="An application answers on this port, but it does not go by the AE title that was called.",
    causes=("The title is misspelled.",),
    remedies=("Compare the title, letter by letter.", "Check the port: one host often runs several titles on several."),
    side="here",
)
EXIT = Reading(kind="exit", title="exit status 7", facts=(), meaning="No context.")


def test_one_reading_on_a_terminal() -> None:
    output = terminal()
    show_explanation(Explanation(("rj",), (REJECTION,)), output)
    assert output.stdout == textwrap.dedent("""\
        A-ASSOCIATE-RJ: called AE title not recognized

          Result     1 (rejected permanently)
          UID        1.2.3

          Meaning    An application answers on this port, but it does not go by the AE
                     title that was called.

          Causes     The title is misspelled.

          Try        1. Compare the title, letter by letter.
                     2. Check the port: one host often runs several titles on several.

          Who acts   this side
        """)


def test_several_readings_are_numbered() -> None:
    output = terminal()
    show_explanation(Explanation(("7",), (EXIT, EXIT._replace(title="[red]other", meaning=""))), output)
    assert output.stdout == "1. exit status 7\n\n  Meaning   No context.\n\n2. [red]other\n"


def test_a_pipe_gets_label_and_value() -> None:
    output = pipe()
    show_explanation(Explanation(("7",), (REJECTION, EXIT)), output)
    assert output.stdout.splitlines() == [
        "reading\tA-ASSOCIATE-RJ: called AE title not recognized",
        "result\t1 (rejected permanently)",
        "uid\t1.2.3",
        "meaning\tAn application answers on this port, but it does not go by the AE title that was called.",
        "cause\tThe title is misspelled.",
        "try\tCompare the title, letter by letter.",
        "try\tCheck the port: one host often runs several titles on several.",
        "who acts\tthis side",
        "reading\texit status 7",
        "meaning\tNo context.",
    ]


def test_quiet_shows_nothing() -> None:
    for output in (terminal(quiet=True), pipe(quiet=True)):
        show_explanation(Explanation(("7",), (EXIT,)), output)
        assert (output.stdout, output.stderr) == ("", "")
