"""The bookkeeping of the benchmark: turns, pairs, ratios, verdicts, and that a run which did not work cannot count."""

import sys
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.uid import UID

from tests.benchmarks.figures import Goal, Row, Side, WrongResult, at_most, below, compare, shown_all, times_faster
from tests.benchmarks.objects import write_set
from tests.benchmarks.processes import run
from tests.benchmarks.table import cells, markdown


def scripted(label: str, values: list[float], log: list[str]) -> Side:
    left = iter(values)

    def measured() -> float:
        log.append(label)
        return next(left)

    return Side(label, measured)


def test_the_sides_take_turns_and_none_is_always_the_first() -> None:
    log: list[str] = []
    row = compare("w", scripted("a", [1, 2, 3], log), scripted("b", [2, 4, 4], log), 3, None)
    assert log == ["a", "b", "b", "a", "a", "b"]
    assert (row.ours, row.theirs) == ([1, 2, 3], [2, 4, 4])


def test_the_ratio_is_the_median_of_pairs_and_not_that_of_medians() -> None:
    row = Row("w", "ours", [1.0, 10.0, 3.0], "peer", [2.0, 10.0, 4.0])
    assert row.ratios == [0.5, 1.0, 0.75]
    assert row.ratio == 0.75  # 3.0 to 4.0 by the medians as well; the next tells them apart
    skewed = Row("w", "ours", [1.0, 8.0, 9.0], "peer", [10.0, 16.0, 9.0])
    assert skewed.ratio == 0.5


@pytest.mark.parametrize(
    ("goal", "ours", "theirs", "verdict"),
    [
        (at_most(0.8), 0.8, 1.0, "met"),
        (at_most(0.8), 0.81, 1.0, "missed"),
        (times_faster(20), 1.0, 21.0, "met"),
        (times_faster(20), 1.0, 19.0, "missed"),
        (below(100, "MiB"), 99.0, 1.0, "met"),
        (below(100, "MiB"), 101.0, 1000.0, "missed"),
        (None, 1.0, 2.0, ""),
    ],
)
def test_verdicts(goal: Goal | None, ours: float, theirs: float, verdict: str) -> None:
    assert Row("w", "ours", [ours], "peer", [theirs], goal).verdict == verdict


def test_a_limit_needs_no_peer_and_a_ratio_has_no_verdict_without_one() -> None:
    assert Row("w", "ours", [120.0, 90.0, 95.0], goal=below(100, "MiB"), unit="MiB").verdict == "met"
    assert Row("w", "ours", [1.0], goal=at_most(0.8)).verdict == ""


def test_a_failed_round_is_no_figure() -> None:
    def fail() -> float:
        raise WrongResult("half of it was missing")

    with pytest.raises(WrongResult, match="half"):
        compare("w", Side("a", fail), Side("b", lambda: 1.0), 2, None)


def test_a_program_that_fails_is_a_wrong_result_and_says_what_it_printed() -> None:
    words = [sys.executable, "-c", "import sys; print('no route'); sys.exit(3)"]
    with pytest.raises(WrongResult, match="ended with 3: no route"):
        run(words)
    assert run(words, expect=3).output.strip() == "no route"


def test_median_and_spread_as_they_are_shown() -> None:
    assert shown_all([0.5, 0.4, 0.9], "s") == "0.50 s (0.40 to 0.90)"
    assert shown_all([24.4], "MiB") == "24 MiB"


def test_the_markdown_table_has_a_cell_for_every_column() -> None:
    row = Row("work", "ours", [1.0, 1.0], "peer", [4.0, 2.0], at_most(0.8), note="reduced count")
    assert cells(row)[0] == "work (reduced count)"
    lines = markdown([row], [("machine", "any")]).splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert {line.count("|") for line in table} == {9}
    assert "0.38 (0.25 to 0.50)" in table[-1]
    assert "- machine: any" in lines


def test_work_sets_are_dicom_files_with_instances_of_their_own(tmp_path: Path) -> None:
    work = write_set(tmp_path, "tiny", 4, 6 << 10, studies=2, first=10)
    read = [dcmread(path) for path in sorted(work.folder.iterdir())]
    assert len({each.SOPInstanceUID for each in read}) == work.files == 4
    assert len({each.StudyInstanceUID for each in read}) == 2
    assert all(each.file_meta.MediaStorageSOPInstanceUID == each.SOPInstanceUID for each in read)
    assert all(UID(each.SOPInstanceUID).is_valid and len(each.PixelData) >= 64 for each in read)
    assert work.bytes == sum(path.stat().st_size for path in work.folder.iterdir())
