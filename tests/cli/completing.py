"""Real shells that complete a line: what each offers for the last word, asked as a user asks, by its own means."""

import os
import pty
import select
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from tests.interop.running import program

ROOT = Path(__file__).parents[2]
_PATIENCE = 60.0
_BASH = """\
PS1= PS2= HISTFILE=
bind 'set bell-style none'
bind -x '"\\C-o": printf "%s\\n" "$READLINE_LINE" >>.offered'
. {scripts}/dcmnet.bash
echo ready >>.offered
"""
_ZSH = """\
PS1= PS2= HISTFILE=
unsetopt zle_bracketed_paste 2>/dev/null
fpath=({scripts} $fpath)
autoload -Uz compinit && compinit -u -D
zstyle ':completion:*' list-prompt ''
all() {{ _main_complete; compstate[insert]=all; compstate[list]=; }}
zle -C all complete-word all
tell() {{ print -r -- "$BUFFER" >>.offered }}
zle -N tell
bindkey '^T' all
bindkey '^O' tell
bindkey '^U' kill-whole-line
echo ready >>.offered
"""


class ShellWithTerminal:
    """bash or zsh at a terminal of its own, in ``folder``: every match is put into the line, and the line told."""

    def __init__(self, shell: str, folder: Path, environ: Mapping[str, str]) -> None:
        self._offered = folder / ".offered"
        self._offered.touch()
        self._told = 0
        setup = {"bash": _BASH, "zsh": _ZSH}[shell].format(scripts=ROOT / "completions")
        (folder / ".setup").write_text(setup)
        start = {"bash": ["--norc", "--noprofile"], "zsh": ["-f"]}[shell]
        self._insert = {"bash": "\x1b*", "zsh": "\x14"}[shell]
        self._terminal, inner = pty.openpty()
        self._process = subprocess.Popen(
            [program(shell, shell), *start, "-i"],
            stdin=inner,
            stdout=inner,
            stderr=inner,
            cwd=folder,
            env={**environ, "TERM": "dumb"},
            start_new_session=True,
        )
        os.close(inner)
        assert self._send(". ./.setup\r") == "ready"

    def offers(self, line: str) -> set[str]:
        """What it puts in the place of the last word of ``line``."""
        told = self._send(f"\x15{line}{self._insert}\x0f")
        typed = line.rpartition(" ")[2]
        head = line[: len(line) - len(typed)]
        assert told.startswith(head), told
        words = set(told[len(head) :].split())
        return words if words != {typed} else set()

    def _send(self, keys: str) -> str:
        """Type, and return the line that is told then."""
        os.write(self._terminal, keys.encode())
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            if select.select([self._terminal], [], [], 0.01)[0]:
                os.read(self._terminal, 65536)  # or the shell stops, with nobody to read its echo
            lines = self._offered.read_text().split("\n")
            if len(lines) > self._told + 1:
                self._told += 1
                return lines[self._told - 1]
        raise TimeoutError(f"no answer to {keys!r}")

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._terminal)


class Fish:
    """fish, which tells what it would offer when asked; found as an installed program's completions are."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        vendor = folder / ".share" / "fish" / "vendor_completions.d"
        vendor.mkdir(parents=True)
        shutil.copy(ROOT / "completions" / "dcmnet.fish", vendor)
        program = folder / ".bin" / "dcmnet"
        program.parent.mkdir()
        program.write_text("#!/bin/sh\nexit 1\n")
        program.chmod(0o755)  # fish completes for programs that there are
        self._folder = folder
        self._environ = {
            **environ,
            "PATH": f"{program.parent}:{environ['PATH']}",
            "XDG_DATA_DIRS": f"{folder / '.share'}:/usr/local/share:/usr/share",
        }

    def offers(self, line: str) -> set[str]:
        ask = [program("fish", "fish"), "-c", "complete -C $argv[1]", "--", line]
        done = subprocess.run(
            ask, cwd=self._folder, env=self._environ, capture_output=True, text=True, timeout=_PATIENCE, check=True
        )
        assert done.stderr == ""
        return {told.partition("\t")[0] for told in done.stdout.splitlines()}

    def close(self) -> None:
        pass


def start(shell: str, folder: Path, environ: Mapping[str, str]) -> ShellWithTerminal | Fish:
    """A shell by name."""
    return Fish(folder, environ) if shell == "fish" else ShellWithTerminal(shell, folder, environ)
