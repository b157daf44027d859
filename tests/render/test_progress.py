"""The line that says how far a transfer is."""

import re
import time
import timeit

import pytest
from render_samples import Shown, Stream, pipe, terminal
from store_samples import outcome

from dcmnet_cli.ops.storing.transfer import CONFIRMED, NOT_SENT, REFUSED, STORED
from dcmnet_cli.render import progress as module
from dcmnet_cli.render.output import Output
from dcmnet_cli.render.progress import Progress, Reading

MB = 1_000_000


def half_way(columns: int = 80, encoding: str = "utf-8", environ: dict[str, str] | None = None) -> Progress:
    given = {"NO_COLOR": "1"} if environ is None else environ
    made = Progress(terminal({**given, "COLUMNS": str(columns)}, encoding), 1000, 1000 * MB)
    made.began = 100.0
    for _ in range(500):
        made.add(outcome("x", length=MB))
    return made


def drawn(progress: Progress, now: float = 110.0, *, is_last: bool = False) -> str:
    channel = progress._channel
    return progress.compose(channel.width, now, is_last=is_last)


@pytest.fixture
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_AFTER", 0.01)
    monkeypatch.setattr(module, "DRAW_EVERY", 0.01)
    monkeypatch.setattr(module, "LOG_EVERY", 0.01)


def wait_for(found: object, seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not found():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_line_for_80_columns() -> None:
    assert drawn(half_way()) == "  sending  ━━━━━─────    500/1,000  500 MB   50 files/s   50 MB/s  0:00:10 left"


def test_a_wider_one_has_a_longer_bar() -> None:
    line = drawn(half_way(120))
    assert line.endswith("    500/1,000  500 MB   50 files/s   50 MB/s  0:00:10 left")
    assert len(line) == 119


@pytest.mark.parametrize(
    ("columns", "kept"),
    [
        (60, "    500/1,000  0:00:10 left  2 refused"),
        (50, "    500/1,000  2 refused"),
        (40, "    500/1,000  2 refused"),
    ],
)
def test_a_narrow_one_keeps_how_far_and_what_went_wrong(columns: int, kept: str) -> None:
    progress = half_way(columns)
    progress.add(outcome("x", REFUSED, length=0))
    progress.add(outcome("x", REFUSED, length=0))
    line = drawn(progress)
    assert line.endswith(kept.replace("500/", "502/"))
    assert len(line) < columns


def test_the_last_line_has_the_time_taken() -> None:
    assert drawn(half_way(), 120.0, is_last=True).endswith("   25 files/s   25 MB/s  0:00:20")


def test_an_ascii_terminal_has_a_bar_too() -> None:
    assert "  #####.....  " in drawn(half_way(encoding="ascii"))


def test_colour_does_not_count_as_width() -> None:
    plain = half_way()
    coloured = half_way(environ={"TERM": "xterm"})
    for progress in (plain, coloured):
        progress.add(outcome("x", REFUSED))
    line = drawn(coloured)
    assert "\x1b[31m1 refused\x1b[0m" in line
    assert re.sub(r"\x1b\[[0-9]*m", "", line) == drawn(plain)


def test_the_rate_is_that_of_the_last_seconds() -> None:
    progress = half_way()
    assert " 50 files/s" in drawn(progress, 110.0)
    for now in range(111, 125):
        progress.add(outcome("x", length=MB))
        line = drawn(progress, float(now))
    assert " 1.0 files/s  1.0 MB/s  0:08:06 left" in line


def test_what_is_not_sent_is_no_speed_and_not_to_go_either() -> None:
    progress = half_way()
    for _ in range(400):
        progress.add(outcome("x", NOT_SENT, length=MB))
    line = drawn(progress)
    assert "900/1,000" in line
    assert "50 MB/s  0:00:02 left  400 not sent" in line


def test_what_was_confirmed_earlier_does_not_count() -> None:
    progress = half_way()
    progress.add(outcome("x", CONFIRMED))
    assert "500/1,000" in drawn(progress)


def test_a_large_object_under_way_moves_the_bar() -> None:
    progress = Progress(terminal(), 1, 4000 * MB)
    progress.began = 0.0
    for _ in range(1000):
        progress.moved(MB)
    assert drawn(progress, 10.0) == "  sending  ━━━━──────────────  0/1  1.0 GB  0.0 files/s  100 MB/s  0:00:30 left"
    progress.add(outcome("x", length=4000 * MB))
    assert "  1/1  4.0 GB" in drawn(progress, 40.0)


def test_nothing_to_send_divides_by_nothing() -> None:
    progress = Progress(terminal(), 0, 0)
    assert "0/0" in drawn(progress, progress.began)
    assert "0 of 0 files" in progress.sentence(progress.began)


@pytest.mark.usefixtures("_hurried")
def test_a_terminal_gets_one_line_written_anew_and_the_cursor_below_it() -> None:
    output = terminal()
    with Progress(output, 2, 2 * MB) as progress:
        progress.add(outcome("x", length=MB))
        wait_for(lambda: "1/2" in output.stderr)
        progress.add(outcome("x", length=MB))
    assert output.stdout == ""
    assert output.stderr.endswith("\x1b[K\x1b[?7h\n")
    assert output.stderr.count("\n") == 1
    assert "2/2" in output.stderr.rpartition("\r")[2]
    assert output.stderr.count("\x1b[?7l") == output.stderr.count("\x1b[?7h")


@pytest.mark.usefixtures("_hurried")
def test_an_interrupt_leaves_the_cursor_on_a_line_of_its_own() -> None:
    output = terminal()

    def interrupted() -> None:
        with Progress(output, 2, 2 * MB):
            wait_for(lambda: output.stderr)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert output.stderr.endswith("\x1b[?7h\n")
    before = output.stderr
    time.sleep(0.05)
    assert output.stderr == before


def test_what_is_over_at_once_shows_nothing() -> None:
    for output in (terminal(), pipe()):
        with Progress(output, 1, MB) as progress:
            progress.add(outcome("x", length=MB))
        assert output.stderr == ""


@pytest.mark.usefixtures("_hurried")
def test_a_pipe_and_a_dumb_terminal_get_lines() -> None:
    for output in (pipe(), terminal({"TERM": "dumb"})):
        with Progress(output, 1000, 1000 * MB) as progress:
            progress.add(outcome("x", length=MB))
            progress.add(outcome("x", REFUSED, length=MB))
            wait_for(lambda shown=output: shown.stderr.count("\n") > 1)
        assert re.fullmatch(
            r"sending: 2 of 1,000 files, 2\.0 MB, [0-9,.]+ files/s, [0-9.]+ [MG]B/s, 0:00:[0-9]{2} left, 1 refused",
            output.stderr.splitlines()[0],
        )
        assert "\x1b" not in output.stderr
        assert "\r" not in output.stderr


def test_a_pipe_waits_ten_seconds_between_its_lines() -> None:
    assert Progress(pipe(), 1, 1)._every == 10.0
    assert Progress(terminal(), 1, 1)._every == 0.1


@pytest.mark.usefixtures("_hurried")
@pytest.mark.parametrize("options", [{"quiet": True}, {"json": True}, {"verbosity": 1}])
@pytest.mark.parametrize("make", [terminal, pipe])
def test_quiet_json_and_verbose_have_none(make: object, options: dict[str, object]) -> None:
    output = make(**options)  # type: ignore[operator]
    assert isinstance(output, Shown)
    with Progress(output, 2, 2 * MB) as progress:
        progress.add(outcome("x"))
        time.sleep(0.05)
    assert (output.stdout, output.stderr) == ("", "")


@pytest.mark.usefixtures("_hurried")
def test_progress_stays_where_the_results_are_piped_away() -> None:
    out, err = Stream(), Stream(is_terminal=True)
    with Progress(Output(out, err, environ={"NO_COLOR": "1"}), 1, MB):
        wait_for(err.text)
    assert out.text() == ""


@pytest.mark.usefixtures("_hurried")
def test_reading_leaves_no_trace() -> None:
    output = terminal()
    with Reading(output) as reading:
        reading.seen(12_345)
        wait_for(lambda: "  reading  12,345 files" in output.stderr)
    assert output.stderr.endswith("\r\x1b[?7l\x1b[K\x1b[?7h")
    assert "\n" not in output.stderr


def test_counting_is_cheap() -> None:
    one = outcome("x", STORED)
    for output in (pipe(verbosity=1), terminal()):
        progress = Progress(output, 100_000, MB)
        best = min(timeit.repeat(lambda made=progress: made.add(one), number=20_000, repeat=5)) / 20_000
        assert best < 20e-6  # seconds; a tenth of it is usual, and ten times as much would show in a transfer
