"""What a stream is, and what may be written to it."""

import errno
import io
import os
import subprocess
import sys

import pytest
from render_samples import Shown, Stream, pipe, terminal

from dcmnet_cli.render.output import Output


@pytest.mark.parametrize(
    ("is_terminal", "environ", "is_screen", "has_colour"),
    [
        (True, {"TERM": "xterm"}, True, True),
        (True, {"TERM": "dumb"}, True, False),
        (True, {"NO_COLOR": "1"}, True, False),
        (True, {"NO_COLOR": ""}, True, True),
        (True, {"TERM": "dumb", "FORCE_COLOR": "1"}, True, True),
        (False, {"TERM": "xterm"}, False, False),
        (False, {"FORCE_COLOR": "1"}, True, True),
        (False, {"FORCE_COLOR": ""}, False, False),
        (False, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
    ],
)
def test_colour_and_layout_follow_the_stream_and_the_environment(
    is_terminal: bool, environ: dict[str, str], is_screen: bool, has_colour: bool
) -> None:
    channel = Output(Stream(is_terminal=is_terminal), Stream(), environ=environ).out
    assert (channel.is_terminal, channel.is_screen, channel.has_colour) == (is_terminal, is_screen, has_colour)


def test_each_stream_is_judged_by_itself() -> None:
    output = Output(Stream(is_terminal=True), Stream(), environ={})
    assert output.out.is_screen
    assert not output.err.is_screen


@pytest.mark.parametrize(
    ("columns", "width"),
    [("132", 132), ("", 80), ("0", 80), ("-5", 80), ("wide", 80), ("²", 80), ("9" * 5000, 80), ("3", 40)],
)
def test_width_comes_from_columns_when_it_makes_sense(columns: str, width: int) -> None:
    assert pipe({"COLUMNS": columns}).out.width == width


def test_width_of_a_real_terminal_is_used() -> None:
    import fcntl
    import struct
    import termios

    leader, follower = os.openpty()
    try:
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 97, 0, 0))
        with open(follower, "w", encoding="utf-8", closefd=False) as stream:
            assert Output(stream, Stream(), environ={}).out.width == 97
            assert Output(stream, Stream(), environ={"COLUMNS": "60"}).out.width == 60
    finally:
        os.close(leader)
        os.close(follower)


def test_marks_become_words_where_the_encoding_lacks_them() -> None:
    output = terminal(encoding="ascii")
    output.result("✓ a → b · café")
    assert output.stdout == "ok a -> b - caf\\xe9\n"


def test_an_encoding_with_letters_but_without_marks_keeps_its_letters() -> None:
    output = terminal(encoding="latin-1")
    output.result("✗ café 東京")
    assert output.stdout == "FAILED café \\u6771\\u4eac\n"


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[31mred\x1b]0;title\x07", r"\x1b[31mred\x1b]0;title\x07"),
        ("two\nlines\r", r"two\x0alines\x0d"),
        ("abc\u202edef\u2066", r"abc\u202edef\u2066"),
        ("cell\tcell", r"cell\x09cell"),
        ("\x9b31m", r"\x9b31m"),
    ],
)
def test_nothing_a_peer_wrote_steers_the_terminal(hostile: str, shown: str) -> None:
    output = terminal()
    output.result(hostile, "next")
    output.say(hostile)
    output.error(hostile)
    assert output.stdout == f"{shown}\tnext\n"
    assert output.stderr == f"{shown}\n{shown}\n"


def test_quiet_leaves_errors_only() -> None:
    output = pipe(quiet=True, verbosity=2)
    output.result("result")
    output.say("remark")
    output.verbose("detail")
    output.error("what failed")
    assert (output.stdout, output.stderr) == ("", "what failed\n")


def test_json_keeps_lines_off_stdout_and_remarks_on_stderr() -> None:
    output = pipe(json=True)
    output.result("result")
    output.say("remark")
    assert (output.stdout, output.stderr) == ("", "remark\n")


@pytest.mark.parametrize(("verbosity", "expected"), [(0, ""), (1, "one\n"), (2, "one\ntwo\n")])
def test_verbosity_decides_which_remarks_are_made(verbosity: int, expected: str) -> None:
    output = pipe(verbosity=verbosity)
    output.verbose("one")
    output.verbose("two", level=2)
    assert output.stderr == expected


def test_styles_show_only_where_there_is_colour() -> None:
    coloured, plain = terminal({"TERM": "xterm"}), terminal()
    for output in (coloured, plain):
        output.result("bad", style="red")
    assert coloured.stdout == "\x1b[31mbad\x1b[0m\n"
    assert plain.stdout == "bad\n"


class _Full(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_behind_stdout_is_not_hidden() -> None:
    with pytest.raises(OSError, match="No space left"):
        Output(_Full(), Stream(), environ={}).result("lost")


def test_a_broken_stderr_does_not_replace_the_outcome() -> None:
    out = Stream()
    output = Output(out, _Full(), environ={})
    output.error("cannot be said")
    output.result("still here")
    assert out.text() == "still here\n"


def test_lines_reach_a_reader_at_once() -> None:
    class Unflushed(io.StringIO):
        flushed = ""

        def flush(self) -> None:
            self.flushed = self.getvalue()

    stream = Unflushed()
    Output(stream, Stream(), environ={}).result("event")
    assert stream.flushed == "event\n"


def test_a_closed_stdout_is_no_error() -> None:
    code = "from dcmnet_cli.render.output import Output; Output().result('x')"
    done = subprocess.run(["sh", "-c", '"$0" -c "$1" >&-', sys.executable, code], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_shown_is_an_output_without_colour() -> None:
    assert isinstance(terminal(), Shown)
    assert not terminal().out.has_colour
