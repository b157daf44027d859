import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dcmnet_cli.ops import secret_variables
from dcmnet_cli.ops.listening.processes import Ran, run

PATIENCE = 10.0


def until(is_true: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not is_true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


def go(code: str, given: bytes = b"", *, seconds: float = PATIENCE, keep: int = 1000) -> tuple[int | None, bytes, str]:
    ran = run((sys.executable, "-S", "-c", code), given, seconds=seconds, keep=keep, with_errors=True)
    return ran.exit_status, ran.output, ran.problem


def test_output_status_and_input() -> None:
    code = "import sys; print(sys.stdin.read()); print('bad', file=sys.stderr); sys.exit(3)"
    assert go(code, b"given") == (3, b"given\nbad\n", "")


def test_a_large_input_goes_through_beside_a_large_output() -> None:
    given = bytes(range(256)) * 4000
    status, output, _ = go("import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())", given, keep=2_000_000)
    assert (status, output) == (0, given)


def test_an_input_that_nobody_reads_does_no_harm() -> None:
    assert go("import sys; sys.exit(0)", b"x" * 1_000_000)[0] == 0
    assert go("import os, time; os.close(0); time.sleep(0.05)", b"x" * 1_000_000)[0] == 0


def test_only_the_end_of_an_endless_output_is_kept() -> None:
    status, output, _ = go("import sys; sys.stdout.write('a' * 3_000_000 + 'end')", keep=10)
    assert (status, output) == (0, b"a" * 7 + b"end")


def interrupt(code: str, mark: Path) -> Ran:
    """Run ``code`` until it has written to ``mark``, then ask for its end."""
    halt = threading.Event()
    results: list[Ran] = []
    arguments = (sys.executable, "-S", "-c", code, str(mark))
    thread = threading.Thread(
        target=lambda: results.append(run(arguments, seconds=60, keep=100, with_errors=True, halt=halt))
    )
    thread.start()
    until(lambda: mark.exists() and mark.read_text())
    halt.set()
    thread.join(PATIENCE)
    return results[0]


def test_a_program_that_is_ended_goes_with_its_children(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen(['sleep', '300'])\n"
        "open(sys.argv[1], 'w').write(f'{child.pid} ')\n"
        "time.sleep(300)\n"
    )
    ran = interrupt(code, tmp_path / "pid")
    assert (ran.exit_status, ran.problem) == (None, "ended by us before it was done")
    until(lambda: not is_alive(int((tmp_path / "pid").read_text())))


def test_a_program_that_hangs_is_ended() -> None:
    begin = time.monotonic()
    assert go("import time; time.sleep(300)", seconds=0.2) == (None, b"", "not done within 0.2 s, ended")
    assert time.monotonic() - begin < 5


def is_alive(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    return "\nState:\tZ" not in status


def test_a_program_that_ignores_sigterm_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dcmnet_cli.ops.listening.processes._TERMINATE_GRACE", 0.1)
    code = (
        "import os, signal, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "open(sys.argv[1], 'w').write(f'{os.getpid()} ')\n"
        "time.sleep(300)\n"
    )
    assert interrupt(code, tmp_path / "pid").exit_status is None
    assert not is_alive(int((tmp_path / "pid").read_text()))


def test_a_child_left_behind_with_the_output_is_not_waited_for() -> None:
    begin = time.monotonic()
    code = "import subprocess; subprocess.Popen(['sleep', '3']); print('done')"
    assert go(code) == (0, b"done\n", "")
    assert time.monotonic() - begin < 2


def test_a_program_that_closes_its_output_is_still_waited_for() -> None:
    code = "import os, time; os.close(1); os.close(2); time.sleep(0.2); os._exit(4)"
    assert go(code) == (4, b"", "")


def test_no_socket_or_file_is_inherited(tmp_path: Path) -> None:
    with socket.socket() as sock, open(tmp_path / "x", "wb") as file:
        for each in (sock, file):
            os.set_inheritable(each.fileno(), True)
        numbers = (sock.fileno(), file.fileno())
        code = f"import os; print([n for n in os.listdir('/proc/self/fd') if int(n) in {numbers}])"
        assert go(code) == (0, b"[]\n", "")


def test_no_secret_is_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secret_variables, "_withheld", set())
    monkeypatch.setenv("KEY_WORD", "sesame")
    monkeypatch.setenv("OTHER_WORD", "plain")
    secret_variables.withhold("KEY_WORD")
    ran = run(("env",), seconds=10.0, keep=1 << 16, with_errors=True)
    assert b"KEY_WORD" not in ran.output
    assert b"OTHER_WORD=plain" in ran.output


def test_a_group_of_its_own() -> None:
    status, output, _ = go("import os; print(os.getpgrp() == os.getpid())")
    assert (status, output) == (0, b"True\n")


@pytest.mark.parametrize("arguments", [("/nonexistent",), ("/etc/passwd",), ("/",), ("a\0b",), ("x" * 300_000,)])
def test_what_cannot_start_says_so(arguments: tuple[str, ...]) -> None:
    ran = run(arguments, seconds=1, keep=10, with_errors=True)
    assert ran.exit_status is None
    assert ran.problem.startswith("cannot start: ")


def test_no_descriptors_or_zombies_are_left() -> None:
    go("pass")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        go("print('x')", b"y" * 100_000)
        run(("/nonexistent",), seconds=1, keep=10, with_errors=True)
    assert len(os.listdir("/proc/self/fd")) == before
