"""The index of an archive: made from objects, repaired when opened, and rebuilt at will."""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file

from dcmnet_cli.archive.entry import EVERYTHING, read_entry, read_object
from dcmnet_cli.archive.index import INDEX_NAME, Counts, Index
from dcmnet_cli.errors import InputError, OutputError
from tests import collection
from tests.dicom_files import element, part10
from tests.scripted import until

WHOLE = Counts(len(collection.STUDIES), collection.SERIES, collection.INSTANCES)
Open = Callable[..., Index]


@pytest.fixture
def warnings() -> list[str]:
    return []


@pytest.fixture
def open_index(tmp_path: Path, warnings: list[str]) -> Iterator[Open]:
    opened: list[Index] = []

    def start(folder: Path = tmp_path, **options: bool) -> Index:
        opened.append(Index(str(folder), warnings.append, **options))
        return opened[-1]

    yield start
    for each in opened:
        if each._thread.is_alive():
            each.close()


def rows(index: Index) -> dict[str, str]:
    """Paths by SOP Instance UID."""
    with index.reading() as connection:
        return {
            uid: os.fsdecode(path) for uid, path in connection.execute("SELECT SOPInstanceUID, path FROM instances")
        }


def names(index: Index) -> list[str]:
    with index.reading() as connection:
        return [row[0] for row in connection.execute("SELECT PatientName FROM studies ORDER BY StudyInstanceUID")]


def test_objects_are_added_and_seen_at_once(tmp_path: Path, open_index: Open) -> None:
    index = open_index()
    for path in collection.write(tmp_path):
        index.add(str(path))
    assert index.counts() == WHOLE
    assert names(index) == [study.name for study in collection.STUDIES]
    assert rows(index) == {uid: f"{uid}.dcm" for uid, _ in collection.objects()}


def test_a_folder_of_objects_becomes_an_archive_only_when_asked(tmp_path: Path, open_index: Open) -> None:
    collection.write(tmp_path / "sub" / "folder")
    with pytest.raises(InputError, match="is no archive: it holds files and no index") as caught:
        open_index()
    assert "--reindex" in caught.value.hints[0]
    assert not (tmp_path / INDEX_NAME).exists()
    index = open_index(rebuild=True)
    assert index.counts() == WHOLE
    assert index.repaired.added == collection.INSTANCES


def test_reopening_changes_nothing(tmp_path: Path, open_index: Open) -> None:
    collection.write(tmp_path)
    open_index(rebuild=True).close()
    index = open_index()
    assert index.repaired[:2] == (0, 0)
    assert index.counts() == WHOLE


def test_what_came_went_and_changed_meanwhile_is_repaired(tmp_path: Path, open_index: Open) -> None:
    paths = collection.write(tmp_path)
    open_index(rebuild=True).close()
    for path in paths[:6]:  # the first study, which has three series of two
        path.unlink()
    other = collection.STUDIES[5]._replace(name_bytes=b"Renamed^Person", number=77)
    paths[-1].write_bytes(part10(collection.data_set(other, 0, 0), instance=other.instance_uid(0, 0)))
    (tmp_path / "new.dcm").write_bytes(part10(collection.data_set(other, 1, 0), instance=other.instance_uid(1, 0)))
    (tmp_path / "text.txt").write_text("no object")
    index = open_index()
    assert (index.repaired.added, index.repaired.removed, index.repaired.unfit_count) == (2, 7, 1)
    assert index.repaired.unfit == (("text.txt", "no DICOM object"),)
    assert len(rows(index)) == collection.INSTANCES - 7 + 2
    found = names(index)
    assert len(found) == len(collection.STUDIES)
    assert found.count("Renamed^Person") == 1
    with index.reading() as connection:
        orphans = "SELECT count(*) FROM series WHERE id NOT IN (SELECT series FROM instances)"
        assert connection.execute(orphans).fetchone() == (0,)


def test_a_second_file_of_an_instance_waits_for_the_first_to_go(tmp_path: Path, open_index: Open) -> None:
    (uid, content), *_ = collection.objects()
    first, second = tmp_path / "first.dcm", tmp_path / "second.dcm"
    first.write_bytes(content)
    index = open_index(rebuild=True)
    second.write_bytes(content)
    index.add(str(second))
    assert rows(index) == {uid: "first.dcm"}
    index.close()
    first.unlink()
    assert rows(open_index()) == {uid: "second.dcm"}


def test_an_overwritten_object_is_read_again(tmp_path: Path, open_index: Open) -> None:
    study = collection.STUDIES[0]
    path = tmp_path / "object.dcm"
    path.write_bytes(part10(collection.data_set(study, 0, 0)))
    index = open_index(rebuild=True)
    path.write_bytes(part10(collection.data_set(study._replace(modalities=("MR",)), 0, 0)))
    index.add(str(path))
    with index.reading() as connection:
        assert connection.execute("SELECT Modality FROM series").fetchall() == [("MR",)]
        assert connection.execute("SELECT SOPClassUID FROM instances").fetchall() == [(collection.CLASSES["MR"],)]


def test_a_folder_in_use(tmp_path: Path, open_index: Open) -> None:
    first = open_index()
    with pytest.raises(OutputError, match=rf"in use by another listener \(process {os.getpid()}\)"):
        open_index()
    first.close()
    open_index()


@pytest.mark.parametrize("content", [b"garbage" * 1000, b""], ids=["garbage", "empty"])
def test_a_damaged_index(tmp_path: Path, open_index: Open, content: bytes) -> None:
    collection.write(tmp_path)
    (tmp_path / INDEX_NAME).write_bytes(content)
    if content:
        with pytest.raises(InputError, match="cannot be used") as caught:
            open_index()
        assert "--reindex" in caught.value.hints[0]
        assert (tmp_path / INDEX_NAME).read_bytes() == content
    assert open_index(rebuild=bool(content)).counts() == WHOLE


def test_a_database_of_somebody_else_is_left_alone(tmp_path: Path, open_index: Open) -> None:
    with sqlite3.connect(tmp_path / INDEX_NAME) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    before = (tmp_path / INDEX_NAME).read_bytes()
    with pytest.raises(InputError, match="another program or version"):
        open_index()
    assert (tmp_path / INDEX_NAME).read_bytes() == before


def test_a_missing_folder() -> None:
    with pytest.raises(InputError, match="is no folder"):
        Index("/nonexistent/folder", print)


def test_links_are_not_followed(tmp_path: Path, open_index: Open) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    collection.write(outside)
    inside.mkdir()
    (inside / "link").symlink_to(outside)
    (inside / "file.dcm").symlink_to(next(outside.iterdir()))
    assert open_index(inside, rebuild=True).counts() == Counts(0, 0, 0)


def test_an_object_without_study_is_told_and_not_indexed(tmp_path: Path, open_index: Open, warnings: list[str]) -> None:
    index = open_index()
    path = tmp_path / "palette.dcm"
    path.write_bytes(
        part10(
            element(0x00080016, "UI", "1.2.3") + element(0x00080018, "UI", "1.2.4") + element(0x00080060, "CS", "OT")
        )
    )
    index.add(str(path))
    assert index.counts() == Counts(0, 0, 0)
    assert len(warnings) == 1
    assert "palette.dcm is stored and not indexed: StudyInstanceUID is missing" in warnings[0]


@pytest.mark.parametrize("uid", [b"1.2.\xff\xfe", b"1" * 66, b"1.2\x1b[2J "], ids=["bytes", "long", "escape"])
def test_a_uid_that_is_none_harms_nobody(tmp_path: Path, open_index: Open, warnings: list[str], uid: bytes) -> None:
    whole = collection.data_set(collection.STUDIES[0], 0, 0)
    at = whole.index(b"\x20\0\x0d\0UI")
    end = at + 8 + int.from_bytes(whole[at + 6 : at + 8], "little")
    index = open_index()
    (tmp_path / "bad.dcm").write_bytes(part10(whole[:at] + element(0x0020000D, "UI", uid) + whole[end:]))
    (tmp_path / "good.dcm").write_bytes(part10(whole))
    index.add(str(tmp_path / "bad.dcm"))
    index.add(str(tmp_path / "good.dcm"))
    assert index.counts() == Counts(1, 1, 1)
    assert warnings == ["bad.dcm is stored and not indexed: StudyInstanceUID is no UID"]


def test_a_uid_that_only_breaks_the_grammar_is_indexed(tmp_path: Path, open_index: Open) -> None:
    study = collection.STUDIES[0]
    whole = collection.data_set(study, 0, 0).replace(
        study.instance_uid(0, 0).encode(), study.instance_uid(0, 0)[:-1].encode() + b"x"
    )
    (tmp_path / "odd.dcm").write_bytes(part10(whole))
    assert open_index(rebuild=True).counts() == Counts(1, 1, 1)


def test_a_name_in_a_character_set_that_lies_is_kept_without_harm(tmp_path: Path, open_index: Open) -> None:
    study = collection.STUDIES[0]._replace(character_set="ISO_IR 192", name_bytes=b"M\xfcller^X\xff")
    (tmp_path / "x.dcm").write_bytes(part10(collection.data_set(study, 0, 0)))
    (found,) = names(open_index(rebuild=True))
    assert found.startswith("M")
    assert found.isprintable()


BUNDLED = (
    "CT_small.dcm",
    "MR_small_bigendian.dcm",
    "MR_small_RLE.dcm",
    "image_dfl.dcm",
    "MR_small_implicit.dcm",
    "JPEG2000.dcm",
)


@pytest.mark.parametrize("name", BUNDLED)
def test_entries_say_what_pydicom_says(name: str) -> None:
    path = get_testdata_file(name)
    assert path is not None
    theirs = pydicom.dcmread(path, stop_before_pixels=True)
    entry = read_entry(os.fsencode(os.path.dirname(path)), os.fsencode(os.path.basename(path)), EVERYTHING)
    for tag in (0x00100010, 0x00100020, 0x0020000D, 0x0020000E, 0x00080018, 0x00080020, 0x00080060, 0x00200013):
        assert entry.text_of(tag) == str(theirs[tag].value if tag in theirs and theirs[tag].value is not None else "")
    assert entry.syntax == theirs.file_meta.TransferSyntaxUID


@pytest.mark.parametrize("name", BUNDLED)
def test_the_rest_of_an_object_is_what_pydicom_says(name: str) -> None:
    path = get_testdata_file(name)
    assert path is not None
    theirs = pydicom.dcmread(path, stop_before_pixels=True)
    ours = read_object(path)
    assert int.from_bytes(ours[0x00280010].raw, "little") == theirs.Rows
    assert ours[0x00080016].text == theirs.SOPClassUID
    assert 0x7FE00010 not in ours
    assert set(ours) == {int(each.tag) for each in theirs if each.tag <= 0x51FFFFFF}


# --- what happens to it while it is open ------------------------------------------------------------------------------


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Another program holds the database, as a backup tool may."""
    connection = sqlite3.connect(folder / INDEX_NAME, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.close()


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """No five seconds of patience with others, and no pause before the next try."""
    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, timeout=0.0))
    monkeypatch.setattr("dcmnet_cli.archive.index._RETRY", 0.01)


def test_locked_by_another_program_nothing_is_missed(
    tmp_path: Path, open_index: Open, warnings: list[str], hasty: None
) -> None:
    """Queries fail rather than miss what was stored, and everything is there once the lock is gone."""
    index = open_index()
    with locked(tmp_path):
        for path in collection.write(tmp_path):
            index.add(str(path))
        with pytest.raises(OutputError, match="the index cannot be used: database is locked"):
            index.counts()
    until(lambda: any("written again" in warning for warning in warnings))
    assert index.counts() == WHOLE
    assert len(warnings) == 2
    assert warnings[0].startswith("the index cannot be written: database is locked; objects are stored")


def test_more_than_the_queue_holds_while_locked(
    tmp_path: Path, open_index: Open, hasty: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody who stores waits for the lock, and what found no room is found on disk."""
    monkeypatch.setattr("dcmnet_cli.archive.index._MOST_WAITING", 3)
    index = open_index()
    with locked(tmp_path):
        for path in collection.write(tmp_path):
            index.add(str(path))
    until(lambda: not index._trouble)
    assert index.counts() == WHOLE


def test_closed_while_locked_the_next_start_finds_the_rest(
    tmp_path: Path, open_index: Open, warnings: list[str], hasty: None
) -> None:
    index = open_index()
    with locked(tmp_path):
        for path in collection.write(tmp_path):
            index.add(str(path))
        index.close()
    assert warnings[-1].startswith(f"{collection.INSTANCES} objects stored and not indexed until the next start")
    again = open_index()
    assert again.repaired.added == collection.INSTANCES
    assert again.counts() == WHOLE


def test_locked_at_the_start(tmp_path: Path, open_index: Open, hasty: None) -> None:
    """Said as what it is: --reindex is no remedy for it."""
    open_index().close()
    collection.write(tmp_path)
    with locked(tmp_path), pytest.raises(OutputError, match="database is locked"):
        open_index()
    assert open_index().counts() == WHOLE


@pytest.mark.parametrize("what", ["folder", "database"])
def test_removed_and_made_again(tmp_path: Path, open_index: Open, warnings: list[str], hasty: None, what: str) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    index = open_index(folder)
    index.add(str(collection.write(folder)[0]))
    assert index.counts().instances == 1
    if what == "database":
        (folder / INDEX_NAME).unlink()
        assert index.counts() == WHOLE  # of the objects, which are all there
    else:
        shutil.rmtree(folder)
        with pytest.raises(OutputError, match="the index cannot be used"):
            index.counts()
        collection.write(tmp_path / "new")
        (tmp_path / "new").rename(folder)
        until(lambda: not index._trouble)
        assert index.counts() == WHOLE
    assert any("the index was gone, and was made again" in warning for warning in warnings)
    with pytest.raises(OutputError, match="in use by another listener"):
        open_index(folder)
