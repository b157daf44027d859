"""The times of repeated echoes, for a screen, for lines and for JSON."""

from dcmnet_cli.ops.results import RoundTrips
from dcmnet_cli.render.output import Output
from dcmnet_cli.render.words import duration, milliseconds

_TIMES = ("min", "median", "p95", "max")


def show_round_trips(trips: RoundTrips, output: Output) -> None:
    """Counts and times: a small table on a terminal, ``name<TAB>value`` lines in a pipe. JSON has its own way."""
    if output.quiet or output.json:
        return
    counts = {"sent": trips.sent, "answered": trips.answered, "lost": trips.lost}
    times = _times(trips)
    if not output.out.is_screen:
        for name, count in counts.items():
            output.result(name, str(count))
        for name, seconds in times.items():
            output.result(name, milliseconds(seconds))
        return
    _show_table(counts, times, output)


def round_trips_json(trips: RoundTrips) -> dict[str, object]:
    """The same for the JSON envelope: counts, and times in ms, null where nothing was answered."""
    times = _times(trips)
    return {
        "sent": trips.sent,
        "answered": trips.answered,
        "lost": trips.lost,
        **{f"{name}_ms": round(times[name] * 1000, 3) if times else None for name in _TIMES},
    }


def _times(trips: RoundTrips) -> dict[str, float]:
    if not trips.seconds:
        return {}
    values = (trips.percentile(0), trips.median, trips.percentile(95), trips.percentile(100))
    return dict(zip(_TIMES, values, strict=True))


def _show_table(counts: dict[str, int], times: dict[str, float], output: Output) -> None:
    from dcmnet_cli.render.screen import Column, indented, show, table, text

    channel = output.out
    cells = [(name, str(count)) for name, count in counts.items()]
    cells += [(name, duration(seconds)) for name, seconds in times.items()]
    styles = ["red" if name == "lost" and counts["lost"] else "" for name, _ in cells]
    row = [text(channel, value, style) for (_, value), style in zip(cells, styles, strict=True)]
    columns = [Column(name, right=True, wraps=False) for name, _ in cells]
    show(channel, ["", indented(table(channel, columns, [row], full=False))])
