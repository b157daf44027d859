"""Man pages and completions: what lies in the repository is what the tree makes, and all of the tree is in it."""

import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import pytest
from typer.main import get_command

from dcmnet_cli.cli.app import Root, app
from dcmnet_cli.cli.dcmtk_differences import DIFFERENCES
from dcmnet_cli.cli.exit import ExitCode
from dcmnet_cli.cli.manual.__main__ import COMMAND, generated, write
from dcmnet_cli.cli.manual.completion import words_of
from dcmnet_cli.cli.manual.pages import man_pages
from dcmnet_cli.cli.manual.roff import escape, prose
from dcmnet_cli.cli.manual.texts import ENVIRONMENT, PAGES
from dcmnet_cli.cli.tree import CommandFacts, read_root, read_tree
from tests.cli.fake_commands import app as fake_app
from tests.interop.running import program

ROOT = Path(__file__).parents[2]
SECTIONS = (
    "NAME",
    "SYNOPSIS",
    "DESCRIPTION",
    "OPTIONS",
    "EXAMPLES",
    "EXIT STATUS",
    "FILES",
    "ENVIRONMENT",
    "DIFFERENCES FROM DCMTK",
    "SEE ALSO",
)


@cache
def made() -> dict[str, str]:
    return generated()


@cache
def commands() -> dict[str, CommandFacts]:
    root = get_command(app)
    assert isinstance(root, Root)
    return {command.name: command for command in read_tree(root)}


def page(name: str) -> str:
    """A man page as a reader sees it, more or less: without escapes and requests."""
    text = re.sub(r"\\f[BIR]|\\%|\\&", "", made()[f"man/dcmnet-{name}.1"])
    for escaped, shown in (("\\-", "-"), ("\\(aq", "'"), ("\\(ha", "^"), ("\\(ti", "~"), ("\\(ga", "`"), ("\\e", "\\")):
        text = text.replace(escaped, shown)
    return text


def test_what_lies_in_the_repository_is_what_the_tree_makes() -> None:
    there = {str(path.relative_to(ROOT)) for folder in ("man", "completions") for path in (ROOT / folder).iterdir()}
    assert there == set(made()), f"run {COMMAND}"
    stale = [name for name, text in made().items() if (ROOT / name).read_text("utf-8") != text]
    assert stale == [], f"run {COMMAND}"


def test_writing_takes_away_what_is_no_more(tmp_path: Path) -> None:
    (tmp_path / "man").mkdir()
    (tmp_path / "man" / "dcmnet-gone.1").touch()
    write(tmp_path)
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.glob("*/*")} == set(made())


def test_every_file_is_installed_where_it_is_looked_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    places = project["tool"]["setuptools"]["data-files"]
    found = {
        str(path.relative_to(ROOT)): place
        for place, patterns in places.items()
        for pattern in patterns
        for path in ROOT.glob(pattern)
    }
    shells = {"dcmnet.bash": "bash-completion/completions", "_dcmnet": "zsh/site-functions"}
    shells["dcmnet.fish"] = "fish/vendor_completions.d"
    expected = {name: f"share/{shells.get(Path(name).name, 'man/man1')}" for name in made()}
    assert found == expected


@pytest.mark.parametrize("name", Root.subcommands)
def test_a_page_has_every_section_in_its_order(name: str) -> None:
    titles = re.findall(r"^\.SH (.*)$", page(name), re.MULTILINE)
    reads_configuration = any("--config" in option.names for option in commands()[name].options)
    assert titles == [title for title in SECTIONS if title != "FILES" or reads_configuration]


@pytest.mark.parametrize("name", Root.subcommands)
def test_a_page_has_every_option_with_its_text(name: str) -> None:
    shown = " ".join(page(name).split())
    for option in commands()[name].options:
        for spelling in (*option.names, *option.off_names):
            assert re.search(rf"(?<![\w+-]){re.escape(spelling)}(?![\w-])", shown), spelling
        assert " ".join(option.text.split()) in shown
    for title in (title for title, options in commands()[name].panels.items() if any(o.is_listed for o in options)):
        assert f".SS {title} " in shown


@pytest.mark.parametrize("name", Root.subcommands)
def test_a_page_has_the_examples_of_the_help(name: str) -> None:
    shown = " ".join(page(name).replace("\\\n", "").split())
    for line, what in commands()[name].examples:
        assert line in shown
        assert what[1:] in shown


@pytest.mark.parametrize("name", Root.subcommands)
def test_a_page_says_where_the_command_parts_from_dcmtk(name: str) -> None:
    shown = " ".join(page(name).partition(".SH DIFFERENCES")[2].split())
    for each in DIFFERENCES.get(name, ()):
        assert f"{each.option} {each.reason}; {each.instead} " in shown
    assert bool(DIFFERENCES.get(name)) is ("DCMTK has no such command" not in shown)


def test_texts_are_of_commands_that_there_are() -> None:
    assert set(PAGES) | set(DIFFERENCES) <= set(Root.subcommands)


def test_every_exit_status_is_on_the_main_page() -> None:
    _, _, told = made()["man/dcmnet.1"].partition(".SH EXIT STATUS\n")
    told, _, _ = told.partition(".SH ")
    assert [int(code) for code in re.findall(r"^\\fB(\d+)\\fR$", told, re.MULTILINE)] == sorted(ExitCode)


def test_every_variable_of_ours_is_told() -> None:
    code = "".join(
        path.read_text("utf-8") for path in (ROOT / "dcmnet_cli").rglob("*.py") if "manual" not in path.parts
    )
    told = {name for names, _, _ in ENVIRONMENT for name in names.split(", ")}
    assert set(re.findall(r'"(DCMNET_[A-Z]+)"', code)) <= told
    assert {"NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM"} <= told


def test_a_command_without_texts_gets_a_page_and_completions() -> None:
    root = get_command(fake_app)
    assert isinstance(root, Root)
    facts = read_tree(root)
    pages = man_pages(facts, read_root(root))
    assert "\nPrint many lines.\n" in pages["dcmnet-spill.1"]
    assert "\nDCMTK has no such command.\n" in pages["dcmnet-spill.1"]
    assert "dcmnet\\-spill" in pages["dcmnet.1"]
    words = {each.name: words_of(each) for each in facts}
    assert ("--abort", "end with an abort") in words["echo"].options
    assert words["echo"].arguments == ("node",)


@pytest.mark.parametrize("lint", [("mandoc", "-T", "lint", "-W", "warning"), ("groff", "-man", "-Tutf8", "-ww", "-z")])
def test_readers_of_man_pages_have_no_complaint(lint: tuple[str, ...]) -> None:
    files = sorted(ROOT.glob("man/*.1"))
    done = subprocess.run([program(lint[0], lint[0]), *lint[1:], *files], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_text_gets_into_a_page_unharmed() -> None:
    assert escape(r"a\b 'c' -d ~/e ^f `g`") == r"a\eb \(aqc\(aq \-d \(ti/e \(haf \(gag\(ga"
    assert prose("see `-k` of ~/x") == r"see \%\fB\-k\fR of \%\(ti/x"
    assert prose(".hidden").startswith(r"\&.")
    with pytest.raises(ValueError, match="not ASCII"):
        escape("…")
