"""Every option of DCMTK's tools is read as there, or says why not and what to use instead."""

import pytest
import typer
from typer.testing import CliRunner

from dcmnet_cli.cli.app import app
from dcmnet_cli.cli.dcmtk_differences import DIFFERENCES, differences, refusal
from dcmnet_cli.cli.dcmtk_options import Option, options_of
from dcmnet_cli.cli.dcmtk_tools import COMMANDS
from dcmnet_cli.cli.dcmtk_translation import translate
from dcmnet_cli.errors import UsageError
from tests.cli.conftest import Outcome
from tests.cli.dcmtk_habits import ANSWERED, DIFFERS, OURS, REFUSED, TAKEN, given, habits_of, parameters


def shell(*words: str) -> Outcome:
    result = CliRunner().invoke(app, list(words))
    return Outcome(result.exit_code, result.stdout, result.stderr)


def as_typed(value: object) -> tuple[str, ...]:
    """The words that a value was read from."""
    if isinstance(value, list | tuple):
        return tuple(str(each) for each in value)
    return () if isinstance(value, bool) else (f"{value:g}" if isinstance(value, float) else str(value),)


@pytest.mark.parametrize("tool", OURS)
def test_what_is_taken_sets_one_thing_to_its_value_by_either_spelling(tool: str) -> None:
    for habit in habits_of(tool, TAKEN):
        read = [given(OURS[tool], spelling, *habit.values) for spelling in habit.spellings]
        if habit.spellings != ("-s", "--single-process"):  # dcmrecv's -s is --no-subdir, and neither changes anything
            assert all(each == read[0] for each in read), habit
        assert len(read[0]) == 1, habit
        (value,) = read[0].values()
        is_counted = habit.spellings[0] in ("-v", "+v")
        assert as_typed(value) == (("1",) if is_counted else habit.values), habit


@pytest.mark.parametrize("tool", OURS)
def test_what_answers_at_once_does_so(tool: str, capsys: pytest.CaptureFixture[str]) -> None:
    for habit in habits_of(tool, ANSWERED):
        for spelling in habit.spellings:
            with pytest.raises(typer.Exit) as leave:
                given(OURS[tool], spelling)
            assert leave.value.exit_code == 0
            assert capsys.readouterr().out.count("\n") > (0 if spelling == "--version" else 3), spelling


@pytest.mark.parametrize("tool", OURS)
def test_what_is_refused_says_why_and_what_to_do(tool: str) -> None:
    command = OURS[tool]
    for habit in habits_of(tool, REFUSED):
        for spelling in habit.spellings:
            known = refusal(command, spelling, tool)
            assert known is not None, (tool, spelling)
            assert known.spellings == habit.spellings
            assert known.reason
            assert known.instead.startswith(("use ", "leave it out", "convert ", "send "))
            with pytest.raises(UsageError) as error:
                given(command, spelling, *habit.values)
            assert error.value.message == f"{spelling} is not supported: {known.reason}; {known.instead}"


@pytest.mark.parametrize(
    ("tool", "word", "sentence"),
    [
        ("findscu", "--study", "-S or --study-root"),
        ("movescu", "--study", "-S or --study-root"),
        ("getscu", "--study", "-S or --study-root"),
        ("dcmqrscp", "-xs", "--propose-lossless"),
        ("dcmqrscp", "--config", "dcmnet compat"),
    ],
)
def test_what_differs_is_listed(tool: str, word: str, sentence: str) -> None:
    assert any(word in habit.spellings for habit in habits_of(tool, DIFFERS))
    listed = [each for each in differences(OURS[tool], tool) if word in each.option.split() and not each.spellings]
    assert [sentence in each.instead for each in listed] == [True]


def test_nothing_else_differs() -> None:
    assert sum(len(habits_of(tool, DIFFERS)) for tool in OURS) == 5


def test_no_difference_is_about_an_option_that_is_taken() -> None:
    """A refusal that nobody will ever see would be a lie on the man page."""
    for command, listed in DIFFERENCES.items():
        for each in listed:
            for tool in each.tool.split(", "):
                assert OURS[tool] == command
                refused = {name for habit in habits_of(tool, REFUSED) for name in habit.spellings}
                wanted = refused if each.option != "-c" else {"-c"}
                assert wanted.issuperset(each.spellings), (tool, each.option)


@pytest.mark.parametrize("tool", OURS)
def test_the_product_knows_the_same_options(tool: str) -> None:
    assert COMMANDS[tool] == OURS[tool]
    wanted = set()
    for habit in habits_of(tool):
        short, long = habit.spellings if len(habit.spellings) == 2 else ("", *habit.spellings)
        wanted.add(Option(short, long, len(habit.values)))
    assert set(options_of(tool).values()) == wanted


@pytest.mark.parametrize("tool", [tool for tool in OURS if tool != "dcmqrscp"])
def test_a_translation_of_every_option_is_understood(tool: str) -> None:
    command = OURS[tool]
    for habit in habits_of(tool, TAKEN, DIFFERS):
        beside = ("+P", "11113") if tool == "movescu" else ()  # without which its -od stands for nothing
        line = (tool, *parameters(command), *beside, habit.spellings[0], *habit.values)
        (words,) = translate(line).commands
        assert words[0] == command
        assert given(*words), habit
        assert all(value in " ".join(words) for value in habit.values), habit


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("echo #p | cat", '-xcr runs without a shell; one command at a time: "| cat" is for the shell'),
        ("cp #p/#f $DEST/", '-xcr runs without a shell, which would expand "$DEST/"'),
        ("cp #p/*.dcm /in", '-xcr runs without a shell, which would expand "#p/*.dcm"'),
    ],
)
def test_a_hook_that_needs_a_shell_is_refused_with_the_way_to_one(command: str, message: str) -> None:
    outcome = shell("listen", "0", "-od", ".", "-xcr", command)
    assert (outcome.status, outcome.stdout) == (2, "")
    assert outcome.stderr.splitlines() == [
        f"dcmnet listen: {message}",
        "  give it to one: sh -c '...' hook '#p/#f', or write a script",
    ]


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("", "--identity-command: no command"),  # what an unset variable of a script leaves
        (" ", "--identity-command: no command"),
        ("check 'x", "--identity-command runs without a shell; "),
        ("check $WHO", '--identity-command runs without a shell, which would expand "$WHO"'),
        ("no-such-program --strict", '--identity-command: no program "no-such-program" that can be run'),
    ],
)
def test_an_identity_command_that_could_check_nobody_lets_nobody_in(command: str, message: str) -> None:
    outcome = shell("listen", "0", "--identity-command", command)
    assert (outcome.status, outcome.stdout) == (2, "")
    assert outcome.stderr.startswith(f"dcmnet listen: {message}")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("find", "-S", "--study", "-aec", "PACS", "h", "104"), '--study: "-aec" is no Study Instance UID'),
        (("move", "h", "104", "--study", "h"), "the study root model is -S or --study-root"),
        (("get", "--study", "host", "104"), "the study root model is -S or --study-root"),
        (("listen", "0", "--archive", ".", "-xs"), "dcmqrscp's -xs is --propose-lossless here"),
        (("listen", "0", "-od", ".", "+B", "-B"), "-B and +B contradict each other"),
        (("listen", "0", "-od", ".", "+t=", "+te"), "+t= and +te contradict each other"),
        (("listen", "0", "-od", ".", "+ssd", "-s"), "-s and +ssd contradict each other"),
        (("listen", "0", "--single-process", "--fork"), "--single-process and --fork contradict each other"),
        (("listen", "0", "-uca", "--called", "A"), "-uca and --called contradict each other"),
        (("get", "h:104", "--study", "1.2", "+t=", "+ti"), "+t= and +ti contradict each other"),
        (("listen", "0", "-QP"), "-QP needs --archive"),
        (("listen", "0", "-xv"), "-xv needs --archive"),
        (("listen", "0", "--archive", ".", "-ZA", "-ZH"), "-ZA and -ZH contradict each other"),
        (("listen", "0", "--archive", ".", "-Cr"), "-Cr needs a character set: add +U8, +L1 or +C TERM"),
        (("listen", "0", "--archive", ".", "+U8", "+L1"), "+U8 and +L1 contradict each other"),
        (("listen", "0", "--archive", ".", "+C", "cp1252"), '+C: "cp1252" is no defined term'),
        (("listen", "0", "--archive", ".", "-xi", "-xy"), "-xi and -xy contradict each other"),
        (("listen", "0", "--archive", ".", "-od", "."), "-od contradicts --archive"),
        (("storescu", "h", "104"), "did you mean store? dcmnet compat storescu ... puts a whole line into our words"),
    ],
)
def test_habits_that_cannot_be_meant_say_so(words: tuple[str, ...], message: str) -> None:
    outcome = shell(*words)
    assert (outcome.status, outcome.stdout) == (2, "")
    assert message in outcome.stderr
    assert outcome.stderr.count("\n") == 1
