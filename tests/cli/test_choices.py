"""The values that Tab offers for an option are those that it takes."""

import socket
from collections.abc import Iterator

import pytest
from pydicom.data import get_testdata_file
from typer.main import get_command

from dcmnet_cli.cli.app import Root, app, run
from dcmnet_cli.cli.exit import ExitCode
from dcmnet_cli.cli.tree import read_tree

# A call of each option's first command that fails only when it connects, and what makes sense only beside another.
CALLS = {
    "echo": "127.0.0.1 {port}",
    "store": "127.0.0.1 {port} " + str(get_testdata_file("CT_small.dcm")),
    "find": "127.0.0.1 {port}",
    "move": "127.0.0.1 {port} --study 1.2 --ignore +P 0",
    "explain": "A801",
}
BESIDE = {"--level": "-P --patient-id 1 --study 1.2 --series 1.3 --instance 1.4", "--tls-profile": "+tla"}
MOST = 3  # of a long list


def choices() -> list[tuple[str, str, tuple[str, ...]]]:
    """(command, option, values) for every option with a closed set, once for all the commands that have it."""
    root = get_command(app)
    assert isinstance(root, Root)
    found: dict[str, tuple[str, str, tuple[str, ...]]] = {}
    for command in read_tree(root):
        for option in command.options:
            if option.choices and command.name in CALLS:
                found.setdefault(option.long_names[0], (command.name, option.long_names[0], option.choices))
    return list(found.values())


@pytest.fixture
def port() -> Iterator[int]:
    """A port that refuses connections."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.mark.parametrize(("command", "option", "values"), choices())
def test_a_value_of_the_set_is_taken_and_another_refused(
    command: str, option: str, values: tuple[str, ...], port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [command, *CALLS[command].format(port=port).split(), *BESIDE.get(option, "").split(), option]
    for value in values if len(values) < 20 else values[:MOST]:
        assert run([*words, value]) != ExitCode.USAGE, capsys.readouterr().err
    assert run([*words, "nonsense"]) == ExitCode.USAGE
    assert '"nonsense"' in capsys.readouterr().err


def test_there_are_such_options() -> None:
    assert {option for _, option, _ in choices()} >= {"--priority", "--log-level", "--sync", "--transcode", "--service"}
