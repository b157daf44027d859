"""``python -m tests.benchmarks [NAMES] [--runs N] [--quick] [--markdown FILE] [--list]``."""

import argparse
import os
import platform
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks import archiving, echo, memory, querying, receiving, retrieving, sending, table
from tests.benchmarks.bench import Bench, Benchmark
from tests.benchmarks.figures import Row, WrongResult, shown_ratio
from tests.benchmarks.processes import dcmnet, install, installed, run

BENCHMARKS = (
    Benchmark("version", echo.version),
    Benchmark("echo", echo.echoes, ("storescp", "echoscu")),
    Benchmark("store", sending.to_storescp, ("storescp", "storescu")),
    Benchmark("store-as-installed", sending.to_storescp_as_installed, ("storescp", "storescu")),
    Benchmark("store-orthanc", sending.to_orthanc, ("Orthanc", "storescu")),
    Benchmark("store-pynetdicom", sending.against_pynetdicom, ("storescp", "pynetdicom")),
    Benchmark("listen", receiving.from_storescu, ("storescp", "storescu")),
    Benchmark("listen-as-installed", receiving.from_storescu_as_installed, ("storescp", "storescu")),
    Benchmark("listen-four", receiving.from_four, ("storescp", "storescu")),
    Benchmark("far", receiving.over_a_long_line),
    Benchmark("huge", memory.huge_object),
    Benchmark("many", memory.many_files),
    Benchmark("find", querying.against_findscu, ("findscu",)),
    Benchmark("find-pynetdicom", querying.against_pynetdicom, ("pynetdicom",)),
    Benchmark("find-memory", querying.memory),
    Benchmark("retrieve", retrieving.asking, ("dcmqrscp", "getscu", "movescu")),
    Benchmark("archive-find", archiving.queries, ("dcmqrscp", "Orthanc", "findscu", "storescu")),
    Benchmark("archive-store", archiving.storing, ("dcmqrscp", "Orthanc", "storescu")),
    Benchmark("archive-send", retrieving.sending, ("dcmqrscp", "Orthanc", "getscu", "movescu", "storescp")),
)


def main(words: Sequence[str]) -> int:
    """Measure what is asked for and print the table; 1 when a goal was missed or a result was wrong."""
    options = _parser().parse_args(words)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    chosen = [each for each in BENCHMARKS if not options.names or each.name in options.names]
    rows: list[Row] = []
    has_failed = False
    with tempfile.TemporaryDirectory(prefix="dcmnet-bench-") as folder:
        install(Path(folder) / "installed")
        bench = Bench(Path(folder), options.runs, tenth=options.quick)
        try:
            for each in chosen:
                has_failed |= not _measure(each, bench, rows)
        except KeyboardInterrupt:
            _say("interrupted: the table has what was measured")
            has_failed = True
        facts = _facts(words)
    table.show(rows, facts)
    if options.markdown:
        options.markdown.write_text(table.markdown(rows, facts), encoding="utf-8")
    return int(has_failed or any(row.verdict == "missed" for row in rows))


def _measure(each: Benchmark, bench: Bench, rows: list[Row]) -> bool:
    """Add the rows of one comparison as they come; False when a result was wrong."""
    if each.missing:
        _say(f"{each.name}: left out, {' and '.join(each.missing)} not installed")
        return True
    try:
        for row in each.measure(bench):
            _say(f"{row.work}: {shown_ratio(row)} {row.verdict}")
            rows.append(row)
    except WrongResult as error:
        _say(f"{each.name}: wrong result: {error}")
        return False
    return True


def _parser() -> argparse.ArgumentParser:
    names = [each.name for each in BENCHMARKS]
    parser = argparse.ArgumentParser(
        "python -m tests.benchmarks", description="dcmnet side by side with the peers that are installed"
    )
    parser.add_argument("names", nargs="*", choices=[*names, []], metavar="NAMES", help=f"of {', '.join(names)}")
    parser.add_argument("--runs", type=int, default=5, metavar="N", help="rounds; default 5")
    parser.add_argument("--quick", action="store_true", help="a tenth of the work")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table there, too")
    return parser


def _facts(words: Sequence[str]) -> list[tuple[str, str]]:
    return [
        ("machine", f"{platform.system()} {platform.release()}, {platform.machine()}, {os.cpu_count()} cores"),
        ("load at the end", " ".join(f"{value:.1f}" for value in os.getloadavg())),
        ("versions", ", ".join(text for text in (_own(), _dcmtk(), _orthanc(), _pynetdicom()) if text)),
        ("command", " ".join(("python -m tests.benchmarks", *words))),
    ]


def _own() -> str:
    return f"{run([*dcmnet(), '--version']).output.strip()}, Python {platform.python_version()}"


def _dcmtk() -> str:
    words = run([installed("storescp"), "--version"]).output.split() if installed("storescp") else []
    return f"DCMTK {words[2].lstrip('v')}" if len(words) > 2 else ""


def _orthanc() -> str:
    words = run([installed("Orthanc"), "--version"]).output.split() if installed("Orthanc") else []
    return f"Orthanc {words[1]}" if len(words) > 1 else ""


def _pynetdicom() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"pynetdicom {version('pynetdicom')}"
    except PackageNotFoundError:
        return ""


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
