import os
from collections.abc import Callable
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

from tests.cli.fake_commands import app


class Outcome(NamedTuple):
    """Everything a shell sees of a command."""

    status: int
    stdout: str
    stderr: str


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No configuration and no variable of whoever runs the tests."""
    for name in list(os.environ):
        if name.startswith("DCMNET_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("no-config")))
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("NO_COLOR", "FORCE_COLOR", "GITHUB_ACTIONS", "PY_COLORS", "TERMINAL_WIDTH"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def shell() -> Callable[..., Outcome]:
    """Run the tests' commands in this process: ``shell("echo", "-v", "host", "104")``."""

    def run(*words: str) -> Outcome:
        result = CliRunner().invoke(app, list(words))
        return Outcome(result.exit_code, result.stdout, result.stderr)

    return run
