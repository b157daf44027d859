"""What Tab offers, in the real shells: subcommands, options of every spelling, values, files, nodes."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.completing import Fish, ShellWithTerminal, start

CONFIGURATION = """\
[defaults]
aet = "ME"
[nodes.archive]   # the old one
host = "pacs.example.org"
port = 104
[nodes.archive.tls]
ca = "ca.pem"
[ nodes . "ris.2" ]
host = "ris.example.org"
port = 104
[nodes]
# none = { host = "h", port = 1 }
scanner = { host = "ct1", port = 104 }
"""
NODES = {"archive", "ris.2", "scanner"}


@pytest.fixture(params=["bash", "zsh", "fish"], scope="module")
def shell(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ShellWithTerminal | Fish]:
    folder = tmp_path_factory.mktemp(request.param)
    for name in ("key.pem", "cert.pem", "query.dcm"):
        (folder / name).touch()
    (folder / "queue").mkdir()
    (folder / "config.toml").write_text(CONFIGURATION)
    (folder / "other.toml").write_text('nodes.far.host = "h"\nnodes.far.port = 1\n')
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8"}
    running = start(request.param, folder, {**environ, "DCMNET_CONFIG": str(folder / "config.toml")})
    yield running
    running.close()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("dcmnet l", {"listen"}),
        ("dcmnet --v", {"--version"}),
        ("dcmnet nonsense ", set()),
        # options: of one dash, with a plus, long, those that help does not list
        ("dcmnet echo -ae", {"-aec", "-aet"}),
        ("dcmnet echo +tl", {"+tla", "+tls"}),
        ("dcmnet echo --acse", {"--acse-timeout"}),
        ("dcmnet find --propose-", {"--propose-deflated", "--propose-implicit", "--propose-little"}),
        ("dcmnet listen --prefer-jp", {"--prefer-jpeg8", "--prefer-jpeg12"}),
        ("dcmnet echo archive -aet ME --rep", {"--repeat"}),
        ("dcmnet store archive -- -", set()),
        # values: a closed set, apart or attached, files and folders, what cannot be known
        ("dcmnet find --priority ", {"low", "medium", "high"}),
        ("dcmnet find --priority=h", {"--priority=high"}),
        ("dcmnet listen -ll t", {"trace"}),
        ("dcmnet listen --prefer JPEGLSL", {"JPEGLSLossless"}),
        ("dcmnet explain abo", {"abort"}),
        ("dcmnet explain abort ", set()),
        ("dcmnet echo +tls k", {"key.pem"}),
        ("dcmnet echo +tls key.pem c", {"cert.pem", "config.toml"}),
        ("dcmnet echo --config=o", {"--config=other.toml"}),
        ("dcmnet move archive --here q", {"queue"}),
        ("dcmnet echo --password-env DCMNET_", {"DCMNET_CONFIG"}),
        ("dcmnet echo -aet ", set()),
        # arguments: nodes of the configuration that is meant, then files
        ("dcmnet echo ", NODES),
        ("dcmnet echo +tls key.pem cert.pem -v ", NODES),
        ("dcmnet echo ME@sc", {"ME@scanner"}),
        ("dcmnet echo --config other.toml ", {"far"}),
        ("dcmnet echo --config=other.toml f", {"far"}),
        ("dcmnet listen --node a", {"archive"}),
        ("dcmnet echo archive ", set()),
        ("dcmnet store archive q", {"query.dcm", "queue"}),
        ("dcmnet find ris.2 q", {"query.dcm", "queue"}),
    ],
)
def test_tab_offers(shell: ShellWithTerminal | Fish, line: str, offered: set[str]) -> None:
    assert {word.rstrip("/") for word in shell.offers(line)} == offered


def test_an_option_that_ends_in_equals_is_offered(shell: ShellWithTerminal | Fish) -> None:
    assert {"-x=", "-xe", "-xb"} <= shell.offers("dcmnet store -x")


def test_every_command_is_offered(shell: ShellWithTerminal | Fish) -> None:
    from dcmnet_cli.cli.app import Root

    assert shell.offers("dcmnet ") - set(Root.subcommands) <= {"--version", "--help", "-h"}
    assert set(Root.subcommands) <= shell.offers("dcmnet ")


@pytest.mark.parametrize("shell_name", ["bash", "zsh", "fish"])
def test_scripts_run_no_python(shell_name: str) -> None:
    name = {"bash": "dcmnet.bash", "zsh": "_dcmnet", "fish": "dcmnet.fish"}[shell_name]
    lines = (Path(__file__).parents[2] / "completions" / name).read_text("utf-8").splitlines()
    assert [line for line in lines if "python" in line and not line.startswith("#")] == []
