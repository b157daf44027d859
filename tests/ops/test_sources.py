import gzip
import io
import os
import random
import subprocess
import sys
import tarfile
import threading
import zipfile
from pathlib import Path

import pytest

from dcmnet_cli.errors import InputError
from dcmnet_cli.ops.files import archives, opened
from dcmnet_cli.ops.files.opened import LARGEST_CHUNK, Source
from dcmnet_cli.ops.files.sources import FileSource, Search, Skipped, find_sources, read_list
from tests.dicom_files import EXPLICIT, data_set, element, item, part10

DICOMDIR = "1.2.840.10008.1.3.10"
PACKED = [".tar.gz", ".tgz", ".tar.bz2", ".tar.xz"]


def labels(*paths: Path | str, search: Search | None = None) -> list[str]:
    return [found.label for found in find_sources([str(path) for path in paths], search or Search())]


def faults(*paths: Path | str) -> list[tuple[str, str]]:
    found = find_sources([str(path) for path in paths])
    return [(Path(one.label).name, one.why) for one in found if isinstance(one, Skipped)]


def content(source: object) -> bytes:
    assert isinstance(source, Source)
    with source.open() as file:
        chunks = file.chunks(0, file.size)
        return b"".join(bytes(piece) for piece in chunks.buffers)


def fill(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())


def pack(path: Path, files: dict[str, bytes]) -> Path:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in files.items():
                archive.writestr(name, data)
        return path
    mode = {".tar": "w", ".tgz": "w:gz"}.get(path.suffix, "w:" + path.suffix[1:])
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


# --- files and folders ----------------------------------------------------------------------------------------


def test_a_folder_in_order_its_files_before_its_folders(tmp_path: Path) -> None:
    fill(tmp_path, "b/2", "b/1", "a/z", "c", "B", "b/a/0")
    assert labels(tmp_path) == [str(tmp_path / name) for name in ("B", "c", "a/z", "b/1", "b/2", "b/a/0")]


def test_recursion_and_pattern_and_no_folders_at_all(tmp_path: Path) -> None:
    fill(tmp_path, "one.dcm", "two.txt", "sub/three.dcm")
    assert labels(tmp_path, search=Search(recurse=False)) == [str(tmp_path / name) for name in ("one.dcm", "two.txt")]
    found = labels(tmp_path, tmp_path / "two.txt", search=Search(pattern="*.dcm"))
    assert found == [str(tmp_path / name) for name in ("one.dcm", "sub/three.dcm", "two.txt")]
    (only,) = find_sources([str(tmp_path)], Search(folders=False))
    assert only == Skipped(str(tmp_path), "a folder", False)


def test_paths_come_in_their_order_and_as_often_as_given(tmp_path: Path) -> None:
    fill(tmp_path, "a", "b")
    assert labels(tmp_path / "b", tmp_path, tmp_path / "b") == [str(tmp_path / name) for name in ("b", "a", "b", "b")]


def test_symbolic_links_never_lead_in_circles_nor_twice_to_a_folder(tmp_path: Path) -> None:
    fill(tmp_path, "sub/one")
    (tmp_path / "sub/up").symlink_to(tmp_path)
    (tmp_path / "twin").symlink_to(tmp_path / "sub")
    (tmp_path / "self").symlink_to("self")
    assert labels(tmp_path) == [str(tmp_path / "self"), str(tmp_path / "sub/one")]
    assert [name for name, _ in faults(tmp_path)] == ["self"]
    link = tmp_path / "zlink"
    link.symlink_to(tmp_path / "sub/one")
    assert str(link) in labels(tmp_path)


def test_what_cannot_be_read_is_told_and_does_not_stop_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path, "a/1", "b/2")
    scan = os.scandir

    def refuse(path: str) -> object:
        if path.endswith("/a"):
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert faults(tmp_path, tmp_path / "none", "nul\0") == [
        ("a", "Permission denied"),
        ("none", "No such file or directory"),
        ("nul\0", "embedded null byte"),
    ]
    assert str(tmp_path / "b/2") in labels(tmp_path)


def test_pipes_and_dangling_links_are_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "dangling").symlink_to("nowhere")
    found = {one.label: one for one in find_sources([str(tmp_path)])}
    assert found[str(tmp_path / "pipe")] == Skipped(str(tmp_path / "pipe"), "not a regular file", False)
    assert found[str(tmp_path / "dangling")].is_fault  # type: ignore[union-attr]
    assert faults(tmp_path / "pipe") == [("pipe", "not a regular file")]


def test_names_that_are_no_text(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/caf\xe9\n"
    with open(name, "wb") as file:
        file.write(b"found")
    (source,) = find_sources([str(tmp_path)])
    assert os.fsencode(source.label) == name
    assert content(source) == b"found"


def test_a_walk_is_lazy(tmp_path: Path) -> None:
    fill(tmp_path, *(f"{number}/x" for number in range(5)))
    walk = find_sources([str(tmp_path)])
    assert next(walk).label == str(tmp_path / "0/x")
    fill(tmp_path, "3/later")
    assert str(tmp_path / "3/later") in [one.label for one in walk]


# --- lists ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        (b"", []),
        (b"one", ["one"]),
        (b"one\n\ntwo words\r\nthree\n", ["one", "two words", "three"]),
        (b"one\ntwo\0three\r\0", ["one\ntwo", "three\r"]),
        (b"caf\xe9\n", ["caf\udce9"]),
        (b"x" * 50_000 + b"\n" + b"y" * 50_000, ["x" * 50_000, "y" * 50_000]),
    ],
)
def test_lists(tmp_path: Path, text: bytes, paths: list[str]) -> None:
    (tmp_path / "list").write_bytes(text)
    assert list(read_list(str(tmp_path / "list"), io.BytesIO())) == paths
    assert list(read_list("-", io.BytesIO(text))) == paths


def test_lists_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        list(read_list(str(tmp_path / "list"), io.BytesIO()))
    with pytest.raises(InputError, match="64 KiB"):
        list(read_list("-", io.BytesIO(bytes([65]) * (1 << 20))))


# --- reading a file -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 1000, LARGEST_CHUNK, LARGEST_CHUNK + 1, 3 * LARGEST_CHUNK + 7])
def test_chunks_of_a_file(tmp_path: Path, size: int) -> None:
    data = random.Random(size).randbytes(size + 10)
    (tmp_path / "one").write_bytes(data)
    for buffer in (None, bytearray(4096)):
        with FileSource(str(tmp_path / "one")).open() as file:
            chunks = file.chunks(10, size, buffer)
            pieces = [bytes(piece) for piece in chunks.buffers]
        assert b"".join(pieces) == data[10:]
        assert chunks.length == size
        assert all(len(piece) % 2 == 0 for piece in pieces[:-1])
        assert all(len(piece) <= (4096 if buffer else LARGEST_CHUNK) for piece in pieces)


def test_a_file_that_shrinks_never_goes_out_short_or_stale(tmp_path: Path) -> None:
    path, size = tmp_path / "one", 4 * LARGEST_CHUNK
    path.write_bytes(b"\1" * size)
    with FileSource(str(path)).open() as file:
        pieces = iter(file.chunks(0, size).buffers)
        assert len(next(pieces)) == LARGEST_CHUNK
        os.truncate(path, LARGEST_CHUNK + 5)
        with pytest.raises(InputError, match="shorter"):
            list(pieces)
        with pytest.raises(InputError, match="shorter"):
            file.chunks(LARGEST_CHUNK, 6)
    with FileSource(str(path)).open() as file, pytest.raises(InputError, match="shorter"):
        file.chunks(0, size)


def test_large_files_share_one_buffer(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(bytes(3 * LARGEST_CHUNK))
    with FileSource(str(tmp_path / "one")).open() as file:
        owners = {id(memoryview(piece).obj) for piece in file.chunks(0, 3 * LARGEST_CHUNK).buffers}
    assert len(owners) == 1


# --- archives -------------------------------------------------------------------------------------------------

FILES = {"b/one": b"1" * 5000, "a/two": b"2" * 1024, "../three": b"", "/abs": b"abcd" * 300}


@pytest.mark.parametrize("ending", [".zip", ".tar", *PACKED])
def test_archives_are_read_in_place_in_their_order(
    tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = pack(tmp_path / f"archive{ending}", FILES)
    monkeypatch.chdir(tmp_path)
    for given in (path, tmp_path):
        found = list(find_sources([str(given)]))
        assert [one.label for one in found] == [f"{path}:{name}" for name in FILES]
        assert [content(one) for one in reversed(found)] == list(reversed(FILES.values()))
        assert [content(one) for one in found] == list(FILES.values())
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("ending", [".zip", ".tar", ".tar.gz"])
def test_an_archive_named_is_known_by_its_content(tmp_path: Path, ending: str) -> None:
    disguised = tmp_path / "IM0001"
    pack(tmp_path / f"archive{ending}", FILES).rename(disguised)
    assert len(labels(disguised)) == len(FILES)
    assert labels(tmp_path) == [str(disguised)]  # come upon in a folder, it is not
    (tmp_path / "no.zip").write_bytes(b"nothing of the kind")
    assert str(tmp_path / "no.zip") in labels(tmp_path)


def test_a_preamble_that_looks_like_an_archive(tmp_path: Path) -> None:
    (tmp_path / "one.zip").write_bytes(part10(data_set(), preamble=b"PK\3\4" + bytes(124)))
    assert labels(tmp_path / "one.zip") == [str(tmp_path / "one.zip")]


@pytest.mark.parametrize("ending", [".zip", ".tar", *PACKED])
def test_only_what_is_looked_at_is_unpacked(tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opened, "IN_MEMORY", 1 << 20)
    big = random.Random(1).randbytes(3 << 20)
    path = pack(tmp_path / f"archive{ending}", {"big": big, "small": b"small"})
    first, second = find_sources([str(path)])
    assert isinstance(first, Source)
    with first.open() as file:
        assert file.pread(4, 0) == big[:4]
        assert file.pread(8, 2 << 20) == big[2 << 20 : (2 << 20) + 8]
        assert file.pread(8, 5) == big[5:13]
        assert file.pread(8, len(big) - 3) == big[-3:]
        pieces = [bytes(piece) for piece in file.chunks(100, len(big) - 100).buffers]
        assert b"".join(pieces) == big[100:]
        assert max(map(len, pieces)) <= LARGEST_CHUNK
    assert content(second) == b"small"


@pytest.mark.parametrize("ending", [".zip", ".tar", *PACKED])
def test_archives_cut_short_raise_nothing_but_input_errors(tmp_path: Path, ending: str) -> None:
    files = {f"file{number}": random.Random(number).randbytes(3000) for number in range(4)}
    path = pack(tmp_path / f"archive{ending}", files)
    whole = path.read_bytes()
    for size in range(1, len(whole), 97):
        path.write_bytes(whole[:size])
        for found in archives_of(path):
            try:
                assert content(found) in files.values()
            except InputError as error:
                assert "cannot read" in error.message  # noqa: PT017 (either outcome is right)


@pytest.mark.parametrize("ending", [".zip", ".tar", *PACKED])
def test_mutated_archives_raise_nothing_but_input_errors(tmp_path: Path, ending: str) -> None:
    files = {f"file{number}": random.Random(number).randbytes(600) for number in range(3)}
    path = pack(tmp_path / f"archive{ending}", files)
    whole, chance = path.read_bytes(), random.Random(7)
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(3):
            data[chance.randrange(len(data))] = chance.randrange(256)
        path.write_bytes(data)
        for found in archives_of(path):
            try:
                content(found)
            except InputError as error:
                assert str(path) in error.message  # noqa: PT017 (either outcome is right)


def archives_of(path: Path) -> list[Source]:
    kind = archives.archive_kind(path.read_bytes()[: archives.HEAD])
    found = archives.members(str(path), kind or "tar")
    sources = []
    try:
        sources.extend(found)
    except InputError as error:
        assert str(path) in error.message  # noqa: PT017 (either outcome is right)
    return sources


def test_a_tar_damaged_in_the_middle_does_not_end_quietly(tmp_path: Path) -> None:
    path = pack(tmp_path / "archive.tar", {name: bytes(600) for name in "abc"})
    data = bytearray(path.read_bytes())
    data[1536 + 100 : 1536 + 140] = b"\xff" * 40
    path.write_bytes(data)
    assert faults(path) == [(path.name, "damaged header at offset 1536")]


def test_links_and_folders_in_archives_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "archive.tar"
    with tarfile.open(path, "w") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE):
            info = tarfile.TarInfo("/etc/passwd")
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
    assert labels(path) == []


def test_a_tar_header_bomb_is_refused(tmp_path: Path) -> None:
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, 1 << 30
    path = tmp_path / "bomb.tar.gz"
    path.write_bytes(gzip.compress(info.tobuf() + b"9" * (4 << 20)))
    ((_, why),) = faults(path)
    assert "larger than any that is read" in why


def test_a_chain_of_long_names_is_refused(tmp_path: Path) -> None:
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 1
    path = tmp_path / "chain.tar"
    path.write_bytes((info.tobuf(tarfile.GNU_FORMAT) + bytes(512)) * 1500)
    assert len(faults(path)) == 1


def test_a_zip_with_a_directory_too_large_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "many.zip"
    end = b"PK\5\6" + bytes(4) + b"\xff\xff\xff\xff" + (65 << 20).to_bytes(4, "little") + bytes(6)
    path.write_bytes(b"PK\3\4" + bytes(100) + end)
    ((_, why),) = faults(path)
    assert "more than is read" in why


def test_a_zip_that_lies_about_a_size(tmp_path: Path) -> None:
    path = pack(tmp_path / "lies.zip", {"one": b"A" * 1000})
    data = path.read_bytes()
    at = data.rfind(b"PK\1\2") + 24
    for lie in (10, 5000):
        path.write_bytes(data[:at] + lie.to_bytes(4, "little") + data[at + 4 :])
        (source,) = find_sources([str(path)])
        with pytest.raises(InputError, match="cannot read"):
            content(source)


def test_zip_members_that_cannot_be_unpacked_in_steps_or_at_all(tmp_path: Path) -> None:
    path = tmp_path / "one.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("one", b"A" * 100)
    (source,) = find_sources([str(path)])
    with pytest.raises(InputError, match="compression method 14"):
        content(source)
    data = bytearray(pack(path, {"one": b"A" * 100}).read_bytes())
    data[6] |= 1
    data[data.rfind(b"PK\1\2") + 8] |= 1
    path.write_bytes(data)
    (source,) = find_sources([str(path)])
    with pytest.raises(InputError, match="encrypted"):
        content(source)


def test_no_member_fills_the_disk(tmp_path: Path) -> None:
    info = tarfile.TarInfo("huge")
    info.size = 1 << 50
    path = tmp_path / "huge.tar.gz"
    path.write_bytes(gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + bytes(1 << 20)))
    source = next(find_sources([str(path)]))
    with pytest.raises(InputError, match="more than half of what is free"):
        content(source)


@pytest.mark.parametrize("ending", [".zip", ".tar.gz"])
def test_members_are_read_by_several_threads(tmp_path: Path, ending: str) -> None:
    files = {f"file{number}": random.Random(number).randbytes(20_000) for number in range(40)}
    found = list(find_sources([str(pack(tmp_path / f"archive{ending}", files))]))
    wrong = []

    def work(sources: list[object]) -> None:
        wrong.extend(one for one in sources if content(one) != files[one.label.rpartition(":")[2]])  # type: ignore[attr-defined]

    threads = [threading.Thread(target=work, args=(found[start::4],)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


# --- file-sets ------------------------------------------------------------------------------------------------


def dicomdir(*file_ids: str, in_use: int = 0xFFFF) -> bytes:
    records = b"".join(
        item(
            element(0x00041410, "US", in_use.to_bytes(2, "little"))
            + element(0x00041430, "CS", "IMAGE")
            + (element(0x00041500, "CS", name) if name else b"")
        )
        for name in file_ids
    )
    body = element(0x00041130, "CS", "SET") + element(0x00041220, "SQ", records)
    return part10(body, EXPLICIT, sop_class=DICOMDIR)


def test_a_dicomdir_stands_for_its_instances(tmp_path: Path) -> None:
    fill(tmp_path, "CD/IMG/ONE", "CD/IMG/two.", "CD/img/none", "CD/three;1")
    path = tmp_path / "CD/DICOMDIR"
    path.write_bytes(dicomdir("", "IMG\\ONE", "IMG\\TWO", "THREE", "IMG\\NONE"))
    expected = [str(tmp_path / "CD" / name) for name in ("IMG/ONE", "IMG/two.", "three;1", "IMG/NONE")]
    assert labels(path) == expected
    assert faults(path) == [("NONE", "file missing")]
    renamed = path.rename(tmp_path / "CD/index")
    assert labels(renamed) == expected
    assert str(renamed) in labels(tmp_path)  # within a folder it is a file like others


def test_records_not_in_use_are_left_out(tmp_path: Path) -> None:
    fill(tmp_path, "ONE")
    (tmp_path / "DICOMDIR").write_bytes(dicomdir("ONE", in_use=0))
    assert labels(tmp_path / "DICOMDIR") == []


@pytest.mark.parametrize(
    "name", ["..\\SECRET", "SUB\\..\\..\\SECRET", "/etc/passwd", "\\SECRET", "SUB\\LINK", "../SECRET"]
)
def test_a_dicomdir_never_leads_out_of_its_folder(tmp_path: Path, name: str) -> None:
    fill(tmp_path, "SECRET", "CD/SUB/ONE")
    (tmp_path / "CD/SUB/LINK").symlink_to(tmp_path / "SECRET")
    (tmp_path / "CD/DICOMDIR").write_bytes(dicomdir(name))
    ((_, why),) = faults(tmp_path / "CD/DICOMDIR")
    assert why == "the DICOMDIR refers to a file outside of its folder"
    assert len(labels(tmp_path / "CD/DICOMDIR")) == 1


def test_a_damaged_dicomdir_is_one_fault(tmp_path: Path) -> None:
    whole, chance = dicomdir("ONE", "TWO"), random.Random(3)
    for _ in range(200):
        data = bytearray(whole)
        data[chance.randrange(132, len(data))] = chance.randrange(256)
        (tmp_path / "DICOMDIR").write_bytes(data[: chance.randrange(200, len(data))])
        assert all(isinstance(one, Source | Skipped) for one in find_sources([str(tmp_path / "DICOMDIR")]))


def test_pydicom_is_loaded_for_a_dicomdir_only(tmp_path: Path) -> None:
    fill(tmp_path, "one", "sub/two")
    pack(tmp_path / "three.zip", FILES)
    program = (
        "import sys\n"
        "from dcmnet_cli.ops.files.sources import find_sources\n"
        "from dcmnet_cli.ops.storing.plan import make_plan\n"
        "make_plan(find_sources(sys.argv[1:]))\n"
        "print([name for name in ('pydicom', 'rich', 'logging', 'numpy') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
