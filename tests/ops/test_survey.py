"""Many files looked at by several processes: the same as by one, whatever they hold."""

import os
import zipfile
from pathlib import Path

import pytest

from dcmnet_cli.ops.files.sources import find_sources
from dcmnet_cli.ops.storing import survey
from dcmnet_cli.ops.storing.plan import Plan, make_plan
from tests.dicom_files import data_set, part10

COUNT = 60


@pytest.fixture
def paths(tmp_path: Path) -> list[str]:
    """Objects with some of everything else between them, more than are looked at alone."""
    for number in range(COUNT):
        (tmp_path / f"{number:03}.dcm").write_bytes(part10(data_set(f"1.2.{number}", study=f"1.{number % 3}")))
    (tmp_path / "010.cut").write_bytes(part10(data_set("1.3.1"))[:-1])
    (tmp_path / "020.txt").write_text("hello")
    (tmp_path / "030\udcff.dcm").write_bytes(part10(data_set("1.3.2")))
    with zipfile.ZipFile(tmp_path / "040.zip", "w") as archive:
        archive.writestr("a.dcm", part10(data_set("1.3.3")))
    return [str(path) for path in sorted(tmp_path.iterdir())] + [str(tmp_path / "missing")]


@pytest.fixture(autouse=True)
def few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey, "_MANY", 5)
    monkeypatch.setattr(survey, "_BATCH", 4)


def facts(plan: Plan) -> object:
    sent = [(one.source.label, one.file) for batch in plan.batches for one in batch.instances]
    unfit = [(one.source.label, one.file) for one in plan.unfit]
    return sent, unfit, plan.skipped, plan.rows, plan.files, plan.bytes


def test_several_processes_see_what_one_does(paths: list[str]) -> None:
    alone = make_plan(find_sources(paths))
    assert alone.files == COUNT + 2
    assert [Path(skipped.label).name for skipped in alone.skipped] == ["020.txt", "missing"]
    assert facts(make_plan(find_sources(paths), processes=2)) == facts(alone)
    assert facts(make_plan(find_sources(paths[:3]), processes=2)) == facts(make_plan(find_sources(paths[:3])))


def test_what_a_killed_process_had_in_hand_is_looked_at_all_the_same(
    paths: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = facts(make_plan(find_sources(paths)))
    here, look = os.getpid(), survey.look

    def look_or_die(source: survey.Source, check_uids: bool) -> survey.Seen:
        if os.getpid() != here and "033" in source.label:
            os._exit(9)
        return look(source, check_uids)

    monkeypatch.setattr(survey, "look", look_or_die)
    assert facts(make_plan(find_sources(paths), processes=2)) == expected
