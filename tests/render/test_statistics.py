"""The times of repeated echoes."""

from render_samples import pipe, terminal

from dcmnet_cli.ops.results import RoundTrips
from dcmnet_cli.render.statistics import round_trips_json, show_round_trips

TRIPS = RoundTrips(5, (0.004, 0.001, 0.003, 0.002))


def test_a_terminal_gets_a_table() -> None:
    output = terminal()
    show_round_trips(TRIPS, output)
    assert output.stdout.splitlines() == [
        "",
        "  sent  answered  lost     min  median     p95     max",
        "  " + "─" * 52,
        "     5         4     1  1.0 ms  2.5 ms  4.0 ms  4.0 ms",
    ]


def test_a_pipe_gets_a_line_each() -> None:
    output = pipe()
    show_round_trips(TRIPS, output)
    assert output.stdout.splitlines() == [
        "sent\t5",
        "answered\t4",
        "lost\t1",
        "min\t1.0 ms",
        "median\t2.5 ms",
        "p95\t4.0 ms",
        "max\t4.0 ms",
    ]


def test_without_an_answer_there_are_counts_only() -> None:
    output = pipe()
    show_round_trips(RoundTrips(2, ()), output)
    assert output.stdout.splitlines() == ["sent\t2", "answered\t0", "lost\t2"]


def test_lost_echoes_are_red() -> None:
    lossy, whole = terminal({"TERM": "xterm"}), terminal({"TERM": "xterm"})
    show_round_trips(TRIPS, lossy)
    show_round_trips(RoundTrips(4, TRIPS.seconds), whole)
    assert "\x1b[31m" in lossy.stdout
    assert "\x1b[31m" not in whole.stdout


def test_quiet_and_json_print_none_of_it() -> None:
    for output in (terminal(quiet=True), pipe(json=True)):
        show_round_trips(TRIPS, output)
        assert (output.stdout, output.stderr) == ("", "")


def test_json_has_ms_and_null_without_an_answer() -> None:
    assert round_trips_json(TRIPS) == {
        "sent": 5,
        "answered": 4,
        "lost": 1,
        "min_ms": 1.0,
        "median_ms": 2.5,
        "p95_ms": 4.0,
        "max_ms": 4.0,
    }
    assert round_trips_json(RoundTrips(1, ()))["median_ms"] is None
