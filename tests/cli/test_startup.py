"""What a command must not import: start time is what people wait for. Times are printed (``-s``), never asserted."""

import os
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FAKE = "from tests.cli.fake_commands import app; app()"
HEAVY = {"pydantic", "rich", "pydicom", "ssl", "asyncio", "tomllib", "logging", "concurrent", "email"}


def modules_after(code: str, *words: str, **environ: str) -> set[str]:
    """The top-level modules a process has when it leaves, whatever its exit status."""
    tell = "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr)); "
    done = subprocess.run(
        [sys.executable, "-c", tell + code, *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environ},
    )
    return {name.partition(".")[0] for name in done.stderr.splitlines()[-1].split()}


@pytest.mark.parametrize(
    "words",
    [
        ("echo", "-aet", "ME", "-aec", "YOU", "-to", "5", "host", "104"),
        ("echo", "PACS@[::1]:104", "-vv", "+tls", "key", "cert", "+cf", "ca"),
        ("echo", "-aex", "ME", "host", "104"),
        ("fail", "hints"),
        (),
    ],
    ids=["echo", "echo with TLS options", "usage error", "failure", "alone"],
)
def test_nothing_heavy_is_imported(words: tuple[str, ...]) -> None:
    assert modules_after(FAKE, *words) & HEAVY == set()


def test_a_real_echo_imports_nothing_heavy_either() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    loaded = modules_after("from dcmnet_cli.cli.app import run; run(sys.argv[1:])", "echo", "127.0.0.1", str(port))
    assert "socket" in loaded  # it did try
    assert loaded & HEAVY == set()


def test_only_the_module_of_the_command_is_imported() -> None:
    code = (
        "from dcmnet_cli.cli.app import Root, build; from dcmnet_cli.cli.command import Entry\n"
        "class Two(Root):\n"
        "    subcommands = {'spill': Entry('tests.cli.fake_commands', ''), 'other': Entry('no.such', '')}\n"
        "build(Two)()"
    )
    assert "no" not in modules_after(code, "spill", "2")


def test_version_imports_nothing_of_typer() -> None:
    loaded = modules_after("from dcmnet_cli.__main__ import main; main()", "--version")
    loaded -= modules_after("")  # an editable installation has the interpreter import more before it begins
    assert loaded & {"typer", "typing", "argparse", "re"} == set()


def test_help_needs_nothing_heavy() -> None:
    assert modules_after(FAKE, "echo", "--help") & HEAVY == set()


def test_a_configuration_file_is_what_needs_tomllib(tmp_path: Path) -> None:
    (tmp_path / "dcmnet.toml").write_text('[nodes.a]\nhost = "h"\nport = 1\n')
    loaded = modules_after(FAKE, "echo", "a", DCMNET_CONFIG=str(tmp_path / "dcmnet.toml"))
    assert "tomllib" in loaded
    assert loaded & (HEAVY - {"tomllib"}) == set()


@pytest.mark.parametrize(
    "words",
    [
        ("-c", "pass"),
        ("-m", "dcmnet_cli", "--version"),
        ("-c", FAKE, "echo", "host", "104"),
        ("-c", FAKE, "echo", "--help"),
    ],
    ids=["interpreter", "version", "echo", "help"],
)
def test_start_time_is_told(words: tuple[str, ...]) -> None:
    taken = []
    for _ in range(5):
        start = time.perf_counter()
        done = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, timeout=60, check=False)
        taken.append((time.perf_counter() - start) * 1000)
        assert done.returncode == 0
    print(f"{' '.join(words[-2:])}: median {statistics.median(taken):.0f} ms")
