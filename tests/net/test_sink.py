"""An output folder: nothing under a final name until it is whole, and one whole file for each name."""

import errno
import os
import resource
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dcmnet_cli.errors import OutputError
from dcmnet_cli.net import sink
from dcmnet_cli.net.part10 import meta_header
from dcmnet_cli.net.sink import Folder, Stored
from tests.dicom_files import CT, EXPLICIT, IMPLICIT, data_set

BODY = data_set()
OTHER = data_set(pixels=b"\1" * 64)


def header(calling: str = "CT1", syntax: str = EXPLICIT) -> bytes:
    return meta_header(CT, "1.2.3.4", syntax, calling)


@pytest.fixture(params=["unnamed", "named", "no links"])
def root(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, on systems and file systems that can do less and less."""
    if request.param != "unnamed":
        monkeypatch.setattr(sink, "_OWN_DESCRIPTORS", "/nonexistent")
    if request.param == "no links":

        def refuse(*_: object, **__: object) -> None:
            raise PermissionError(errno.EPERM, "Operation not permitted")

        monkeypatch.setattr(os, "link", refuse)
    return tmp_path


def store(folder: Folder, name: str, body: bytes = BODY, head: bytes = b"") -> Stored:
    with folder.begin() as file:
        file.write([head or header()])
        half = len(body) // 2
        file.write([memoryview(body)[:half]])
        file.write([memoryview(body)[half:]])
        return file.commit(name)


def files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir())


def read(root: Path, name: str) -> bytes:
    return (root / name).read_bytes()


# --- one file ------------------------------------------------------------------------------------------------------


def test_a_file_appears_whole_and_at_once(root: Path) -> None:
    folder = Folder(str(root))
    with folder.begin() as file:
        file.write([header()])
        file.write([memoryview(BODY)])
        assert not [name for name in files(root) if not name.startswith(".dcmnet-")]
        assert file.commit("a.dcm") == Stored("stored", str(root / "a.dcm"))
    assert files(root) == ["a.dcm"]
    assert read(root, "a.dcm") == header() + BODY


def test_what_is_not_committed_leaves_nothing(root: Path) -> None:
    folder = Folder(str(root))
    with folder.begin() as file:
        file.write([header()])
        file.write([memoryview(BODY)])
    assert files(root) == []
    file.discard()  # twice is once


def test_files_opened_ahead_are_used_and_few(root: Path) -> None:
    folder = Folder(str(root))
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(100):
        folder.prepare()
    assert len(os.listdir("/proc/self/fd")) <= before + 8
    assert files(root) == []
    for number in range(20):
        assert store(folder, f"{number}").outcome == "stored"
    assert len(os.listdir("/proc/self/fd")) == before
    assert all(read(root, f"{number}") == header() + BODY for number in range(20))


def test_folders_are_made(root: Path) -> None:
    folder = Folder(str(root))
    assert store(folder, "p/s/a.dcm").path == str(root / "p/s/a.dcm")
    assert store(folder, "p/s/b.dcm").outcome == "stored"
    assert files(root) == ["p/s/a.dcm", "p/s/b.dcm"]


def test_thousands_of_fragments_in_one_batch(root: Path) -> None:
    """More than the kernel takes in one call, some of them empty."""
    folder = Folder(str(root))
    body = memoryview(bytes(range(256)) * 40)
    with folder.begin() as file:
        file.write([b"head"])
        file.write([body[index : index + 2] if index % 6 else body[:0] for index in range(0, len(body), 2)])
        file.commit("a")
        expected = b"head" + b"".join(bytes(body[index : index + 2]) for index in range(0, len(body), 2) if index % 6)
    assert read(root, "a") == expected


def test_an_object_without_a_byte_of_data(root: Path) -> None:
    folder = Folder(str(root))
    with folder.begin() as file:
        file.write([header()])
        file.commit("a")
    assert read(root, "a") == header()


def test_permissions_are_what_the_umask_leaves(root: Path) -> None:
    before = os.umask(0o027)
    try:
        store(Folder(str(root)), "a")
    finally:
        os.umask(before)
    assert (root / "a").stat().st_mode & 0o777 == 0o640


# --- the name is taken ---------------------------------------------------------------------------------------------


def test_skip_compares_data_sets_and_renames_what_differs(root: Path) -> None:
    folder = Folder(str(root))
    store(folder, "a.dcm")
    assert store(folder, "a.dcm", head=header("CT2")) == Stored("skipped", str(root / "a.dcm"))
    assert store(folder, "a.dcm", OTHER) == Stored("renamed", str(root / "a.1.dcm"))
    assert store(folder, "a.dcm", OTHER) == Stored("skipped", str(root / "a.1.dcm"))
    assert store(folder, "a.dcm", BODY + BODY[:8]).path.endswith("a.2.dcm")
    assert store(folder, "a.dcm", head=header(syntax=IMPLICIT)).path.endswith("a.3.dcm")
    assert files(root) == ["a.1.dcm", "a.2.dcm", "a.3.dcm", "a.dcm"]
    assert read(root, "a.dcm") == header() + BODY
    assert read(root, "a.1.dcm") == header() + OTHER


def test_skip_compares_large_ones_to_their_last_byte(root: Path) -> None:
    folder = Folder(str(root))
    large = data_set(pixels=bytes(3 << 20))
    store(folder, "a", large)
    assert store(folder, "a", large).outcome == "skipped"
    assert store(folder, "a", large[:-1] + b"\1").outcome == "renamed"


def test_overwrite(root: Path) -> None:
    folder = Folder(str(root), on_duplicate="overwrite")
    store(folder, "s/a.dcm")
    with (root / "s/a.dcm").open("rb") as reader:
        assert store(folder, "s/a.dcm", OTHER).outcome == "overwritten"
        assert reader.read() == header() + BODY  # who has it open goes on with what was there
    assert files(root) == ["s/a.dcm"]
    assert read(root, "s/a.dcm") == header() + OTHER


def test_rename(root: Path) -> None:
    folder = Folder(str(root), on_duplicate="rename")
    assert [store(folder, "a.b.dcm").outcome for _ in range(3)] == ["stored", "renamed", "renamed"]
    assert files(root) == ["a.b.1.dcm", "a.b.2.dcm", "a.b.dcm"]


def test_reject(root: Path) -> None:
    folder = Folder(str(root), on_duplicate="reject")
    store(folder, "a")
    assert store(folder, "a", OTHER).outcome == "rejected"
    assert files(root) == ["a"]
    assert read(root, "a") == header() + BODY


@pytest.mark.parametrize("policy", ["skip", "overwrite", "rename"])
def test_a_folder_where_the_file_should_be(root: Path, policy: str) -> None:
    folder = Folder(str(root), on_duplicate=policy)
    (root / "a").mkdir()
    if policy == "overwrite":
        with pytest.raises(OutputError):
            store(folder, "a")
        assert files(root) == []
    else:
        assert store(folder, "a").outcome == "renamed"
        assert files(root) == ["a.1"]


def test_a_pipe_of_this_name_holds_nobody_up(root: Path) -> None:
    os.mkfifo(root / "a")
    outcomes: list[str] = []
    thread = threading.Thread(target=lambda: outcomes.append(store(Folder(str(root)), "a").outcome), daemon=True)
    thread.start()
    thread.join(5.0)
    assert outcomes == ["renamed"]


# --- at once -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["skip", "overwrite", "rename", "reject"])
def test_the_same_name_at_once(root: Path, policy: str) -> None:
    """Two bodies from four threads, many times: what is under the name is one of them, whole."""
    folder = Folder(str(root), on_duplicate=policy)
    bodies = [data_set(pixels=bytes((number,)) * 100_000) for number in range(2)]
    barrier = threading.Barrier(4, timeout=10.0)
    outcomes: list[list[str]] = []

    def arrive(number: int) -> None:
        told = []
        for attempt in range(40):
            with folder.begin() as file:
                file.write([header()])
                file.write([memoryview(bodies[number % 2])])
                barrier.wait()
                told.append(file.commit(f"{attempt}/a.dcm").outcome)
        outcomes.append(told)

    threads = [threading.Thread(target=arrive, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20.0)
    assert len(outcomes) == 4
    whole = {header() + body for body in bodies}
    kept = {"skip": 2, "overwrite": 1, "rename": 4, "reject": 1}[policy]
    for attempt in range(40):
        told = sorted(each[attempt] for each in outcomes)
        expected = {
            "skip": ["renamed", "skipped", "skipped", "stored"],
            "overwrite": ["overwritten"] * 3 + ["stored"],
            "rename": ["renamed"] * 3 + ["stored"],
            "reject": ["rejected"] * 3 + ["stored"],
        }[policy]
        assert told == expected
        found = list((root / str(attempt)).iterdir())
        assert len(found) == kept
        assert {path.read_bytes() for path in found} <= whole
        if policy == "skip":
            assert {path.read_bytes() for path in found} == whole
    assert not [name for name in files(root) if ".dcmnet-" in name]


# --- where it must not go ------------------------------------------------------------------------------------------


def test_links_are_not_followed(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "target").write_bytes(b"precious")
    (root / "folder").symlink_to(outside)
    (root / "file").symlink_to(outside / "target")
    (root / "dangling").symlink_to(outside / "new")
    folder = Folder(str(root))
    with pytest.raises(OutputError):
        store(folder, "folder/a")
    assert store(folder, "file").path == str(root / "file.1")
    assert store(folder, "dangling").path == str(root / "dangling.1")
    assert files(outside) == ["target"]
    assert read(outside, "target") == b"precious"
    over = Folder(str(root), on_duplicate="overwrite")
    store(over, "file")
    assert read(outside, "target") == b"precious"
    assert not (root / "file").is_symlink()


def test_the_folder_itself_may_be_a_link(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    link = tmp_path_factory.mktemp("links") / "inbox"
    link.symlink_to(root)
    assert store(Folder(str(link)), "a").path == str(link / "a")
    assert files(root) == ["a"]


@pytest.mark.parametrize("name", ["../a", "s/../../a", "", "s/", "/etc/a", "/a", "./a"])
def test_a_name_that_leads_elsewhere_is_refused(root: Path, name: str) -> None:
    inner = root / "inbox"
    inner.mkdir()
    with pytest.raises(OutputError):
        store(Folder(str(inner)), name)
    assert files(root) == []


# --- the file system refuses ---------------------------------------------------------------------------------------


def test_the_folder_is_removed_and_others_still_work(root: Path) -> None:
    gone, stays = root / "gone", root / "stays"
    gone.mkdir()
    stays.mkdir()
    folder, other = Folder(str(gone)), Folder(str(stays))
    with folder.begin() as file:
        file.write([header()])
        file.write([memoryview(BODY)])
        shutil.rmtree(gone)
        with pytest.raises(OutputError, match=f"cannot write to {gone}: no such file or directory") as caught:
            file.commit("s/a")
    assert caught.value.details["why"] == "no such file or directory"
    with pytest.raises(OutputError, match="no such file or directory"):
        store(folder, "b")
    assert store(other, "b").outcome == "stored"
    gone.mkdir()
    assert store(folder, "c") == Stored("stored", str(gone / "c"))
    folder.prepare()
    assert store(folder, "s/d").outcome == "stored"
    assert sorted(os.listdir(gone)) == ["c", "s"]


@pytest.mark.parametrize("how", [shutil.rmtree, lambda path: path.rename(path.with_name("moved"))])
def test_a_folder_made_again_is_used_again(root: Path, how: Callable[[Path], object]) -> None:
    inbox = root / "inbox"
    inbox.mkdir()
    folder = Folder(str(inbox))
    store(folder, "s/a")
    how(inbox)
    with pytest.raises(OutputError, match="no such file or directory"):
        store(folder, "b")
    inbox.mkdir()
    assert store(folder, "s/c") == Stored("stored", str(inbox / "s/c"))
    assert files(inbox) == ["s/c"]


def test_a_folder_made_again_under_an_object(root: Path) -> None:
    """The object ends up under the path that is told, or it is refused."""
    inbox = root / "inbox"
    inbox.mkdir()
    folder = Folder(str(inbox))
    with folder.begin() as file:
        file.write([header()])
        file.write([memoryview(BODY)])
        inbox.rename(root / "moved")
        inbox.mkdir()
        file.write([memoryview(BODY)])
        stored = file.commit("a")
    assert stored == Stored("stored", str(inbox / "a"))
    assert files(root) == ["inbox/a"]
    assert read(root, "inbox/a") == header() + BODY + BODY


def test_a_sub_folder_that_somebody_removes_comes_again(root: Path) -> None:
    folder = Folder(str(root))
    store(folder, "s/a")
    shutil.rmtree(root / "s")
    assert store(folder, "s/b").outcome == "stored"


def test_names_of_patients_are_not_in_the_message(root: Path) -> None:
    folder = Folder(str(root))
    (root / "DOE^JANE").write_bytes(b"")
    with pytest.raises(OutputError) as caught:
        store(folder, "DOE^JANE/a")
    assert "DOE" not in caught.value.message
    assert caught.value.details["relative"] == "DOE^JANE/a"


@pytest.mark.parametrize("name", ["missing", "file", ""])
def test_no_folder_to_begin_with(root: Path, name: str) -> None:
    (root / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="cannot write to folder"):
        Folder(str(root / name) if name else "")


def test_a_name_that_is_too_long(root: Path) -> None:
    with pytest.raises(OutputError, match="file name too long"):
        store(Folder(str(root)), "a" * 300)
    assert files(root) == []


def test_no_room(root: Path) -> None:
    """A limit on file sizes stands in for a full disk: what does not fit leaves nothing, and smaller ones go on."""
    folder = Folder(str(root))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(OutputError, match="file too large"):
            store(folder, "a", bytes(50_000))
        assert store(folder, "b").outcome == "stored"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert files(root) == ["b"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB, where we may mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)]
    if os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("no permission to mount a file system")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk(small_disk: Path) -> None:
    folder = Folder(str(small_disk))
    store(folder, "a", bytes(200_000))
    with pytest.raises(OutputError, match="no space left on device") as caught:
        store(folder, "b", bytes(200_000))
    assert caught.value.details["errno"] == errno.ENOSPC
    assert files(small_disk) == ["a"]
    os.unlink(small_disk / "a")
    assert store(folder, "c", bytes(200_000)).outcome == "stored"


@pytest.mark.parametrize("root", ["named", "no links"], indirect=True)
def test_a_disk_that_is_full_only_when_the_file_is_closed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As network file systems have it: what they refuse then has no name yet, and gets none."""
    folder = Folder(str(root))
    close, dup = os.close, os.dup
    copies: list[int] = []

    def copy(number: int) -> int:
        copies.append(dup(number))
        return copies[-1]

    def refuse(number: int) -> None:
        close(number)
        if number in copies:
            copies.remove(number)
            raise OSError(errno.EDQUOT, "Disk quota exceeded")

    monkeypatch.setattr(os, "dup", copy)
    monkeypatch.setattr(os, "close", refuse)
    with pytest.raises(OutputError, match="disk quota exceeded"):
        store(folder, "a")
    assert files(root) == []


@pytest.mark.parametrize("root", ["unnamed", "named"], indirect=True)
@pytest.mark.parametrize("when", ["before", "during"])
def test_the_path_comes_to_lead_to_another_disk(root: Path, small_disk: Path, when: str) -> None:
    """Another volume is mounted there, or a link is changed: what is on its way then goes where the path leads."""
    first, inbox = root / "first", root / "inbox"
    first.mkdir()
    inbox.symlink_to(first)
    folder = Folder(str(inbox))
    store(folder, "a")
    folder.prepare()
    body = bytes(range(256)) * 800

    def switch() -> None:
        inbox.unlink()
        inbox.symlink_to(small_disk)

    if when == "before":
        switch()
    with folder.begin() as file:
        file.write([header(), body])
        if when == "during":
            switch()
        assert file.commit("b") == Stored("stored", str(inbox / "b"))
    assert read(small_disk, "b") == header() + body
    assert files(first) == ["a"]
    with pytest.raises(OutputError, match="no space left on device"):
        store(folder, "c", body)
    os.unlink(small_disk / "b")
    assert store(folder, "d", body).outcome == "stored"
    assert files(small_disk) == ["d"]


def test_a_folder_that_may_only_be_read(tmp_path: Path) -> None:
    """As another user than root, to whom everything is permitted."""
    (tmp_path / "inbox").mkdir()
    os.chmod(tmp_path / "inbox", 0o555)
    os.chmod(tmp_path, 0o755)
    script = f"""
import os, sys
sys.path.insert(0, {str(Path(sink.__file__).parents[2])!r})
from dcmnet_cli.errors import OutputError
from dcmnet_cli.net.sink import Folder
if not os.geteuid():
    os.setuid(65534)
os.chdir("/")
descriptor = os.open({str(tmp_path / "inbox")!r}, os.O_RDONLY) if len(sys.argv) > 2 else -1
try:
    Folder(sys.argv[1])
except OutputError as error:
    print(error)
"""
    for parent in (tmp_path, *tmp_path.parents):
        if not parent.stat().st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o011)
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "inbox")], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"cannot create a file in {tmp_path / 'inbox'}: permission denied\n"


# --- leftovers and durability --------------------------------------------------------------------------------------


def test_leftovers_of_a_run_that_was_killed_are_cleared(root: Path) -> None:
    (root / ".dcmnet-0123456789abcdef.part").write_bytes(b"half")
    (root / ".dcmnet-notes").write_bytes(b"not ours")
    (root / "a.part").write_bytes(b"not ours")
    Folder(str(root))
    assert files(root) == [".dcmnet-notes", "a.part"]


def test_what_another_process_is_receiving_is_no_leftover(root: Path) -> None:
    folder = Folder(str(root))
    with folder.begin() as file:
        file.write([header()])
        file.write([memoryview(BODY)])
        Folder(str(root))
        assert file.commit("a").outcome == "stored"
    assert read(root, "a") == header() + BODY


def test_a_system_that_turns_out_not_to_know_unnamed_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    actual = os.open

    def without(path: str, flags: int, *rest: int, **more: int) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
        return actual(path, flags, *rest, **more)

    monkeypatch.setattr(os, "open", without)
    folder = Folder(str(tmp_path))
    assert store(folder, "a").outcome == "stored"
    assert store(folder, "a").outcome == "skipped"
    assert files(tmp_path) == ["a"]


@pytest.mark.parametrize("policy", sink.DUPLICATES)
def test_no_descriptor_stays_open(root: Path, policy: str) -> None:
    folder = Folder(str(root), on_duplicate=policy)
    before = len(os.listdir("/proc/self/fd"))
    for number in range(50):
        store(folder, f"s/{number % 10}", OTHER if number % 3 else BODY)
        with folder.begin() as file:
            file.write([memoryview(BODY)])
    assert len(os.listdir("/proc/self/fd")) <= before  # fewer, when a folder of another test goes meanwhile


@pytest.mark.parametrize(("sync", "least"), [("none", 0), ("object", 4), ("association", 0)])
def test_sync(root: Path, sync: str, least: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """By object: the file before it has its name, then its folder, and the folders that were made for it."""
    synced: list[str] = []
    actual = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        actual(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    folder = Folder(str(root), sync=sync)
    stored = store(folder, "p/s/a")
    assert len(synced) == least
    if sync == "object":
        assert "deleted" in synced[0] or ".dcmnet-" in synced[0]
        assert synced[1:] == [str(root), str(root / "p"), str(root / "p/s")]
    synced.clear()
    folder.sync_files([stored.path])
    assert synced[0] == stored.path
    assert set(synced[1:]) == {str(root), str(root / "p"), str(root / "p/s")}


def test_a_file_that_went_cannot_be_made_durable(root: Path) -> None:
    folder = Folder(str(root), sync="association")
    stored = store(folder, "a")
    os.unlink(stored.path)
    with pytest.raises(OutputError, match="cannot make durable what is in"):
        folder.sync_files([stored.path])
