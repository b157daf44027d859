"""Data sets on their way out of a file: when they are read, in which pieces, and what happens if they are gone."""

import os
from pathlib import Path

import pytest

from dcmnet_cli.errors import InputError
from dcmnet_cli.ops.files.opened import LARGEST_CHUNK, OpenedFile


def opened(path: Path, data: bytes, base: int = 0) -> OpenedFile:
    path.write_bytes(data)
    return OpenedFile(str(path), os.open(path, os.O_RDONLY), len(data) - base, base)


def test_the_first_piece_is_read_before_anybody_asks_for_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with opened(path, b"headdata set") as file:
        chunks = file.chunks(4, 8, bytearray(64))
        os.truncate(path, 0)
        assert (chunks.length, [bytes(piece) for piece in chunks.buffers]) == (8, [b"data set"])


def test_a_file_that_became_shorter_is_told_before_anything_is_sent(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with opened(path, b"0123456789") as file:
        os.truncate(path, 6)
        with pytest.raises(InputError, match="shorter"):
            file.chunks(2, 8, bytearray(64))


@pytest.mark.parametrize("buffer", [bytearray(4), bytearray(6), bytearray(64)])
def test_pieces_fill_the_buffer_and_add_up(tmp_path: Path, buffer: bytearray) -> None:
    with opened(tmp_path / "file", b"..0123456789abcde", base=2) as file:
        pieces = [bytes(piece) for piece in file.chunks(1, 13, buffer).buffers]
        assert b"".join(pieces) == b"123456789abcd"
        assert {len(piece) for piece in pieces[:-1]} <= {len(buffer)}


def test_what_becomes_shorter_on_the_way_ends_in_an_error_and_not_in_old_bytes(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with opened(path, b"0123456789") as file:
        pieces = iter(file.chunks(0, 10, bytearray(4)).buffers)
        assert bytes(next(pieces)) == b"0123"
        os.truncate(path, 6)
        with pytest.raises(InputError, match="shorter"):
            next(pieces)


def test_without_a_buffer_pieces_have_a_megabyte_at_most(tmp_path: Path) -> None:
    with opened(tmp_path / "file", bytes(LARGEST_CHUNK) + b"end.") as file:
        assert [len(piece) for piece in file.chunks(0, LARGEST_CHUNK + 4).buffers] == [LARGEST_CHUNK, 4]
        assert [bytes(piece) for piece in file.chunks(LARGEST_CHUNK, 4).buffers] == [b"end."]
        assert list(file.chunks(4, 0).buffers) == [b""]
