"""The journal of a transfer: what it keeps, whom it believes, and what it makes of a file that is no journal."""

import json
from pathlib import Path

import pytest

from dcmnet_cli.errors import InputError, OutputError
from dcmnet_cli.ops.storing.journal import Journal
from dcmnet_cli.ops.storing.transfer import CONFIRMED, IN_DOUBT, NOT_SENT, REFUSED, STORED, WARNED, Outcome

PEER = "PACS@pacs.example.org:104"


def entry(number: int, kind: str, **more: object) -> Outcome:
    return Outcome(f"in/{number}.dcm", kind, "1.2.840.10008.5.1.4.1.1.2", f"1.2.3.{number}", **more)  # type: ignore[arg-type]


def written(path: Path, *outcomes: Outcome, peer: str = PEER) -> None:
    journal = Journal(str(path), peer)
    for outcome in outcomes:
        journal.add(outcome)
    journal.close()


def confirmed(path: Path, peer: str = PEER) -> set[str]:
    journal = Journal(str(path), peer)
    journal.close()
    return journal.confirmed


def test_what_the_peer_has_is_confirmed_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    kinds = (STORED, WARNED, REFUSED, NOT_SENT, IN_DOUBT)
    written(path, *(entry(number, kind) for number, kind in enumerate(kinds)))
    assert confirmed(path) == {"1.2.3.0", "1.2.3.1"}
    assert confirmed(path, "OTHER@pacs.example.org:104") == set()


def test_a_line_holds_what_is_needed_to_understand_it(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    written(path, entry(1, REFUSED, status=0xA700), entry(2, IN_DOUBT, reason='connection "lost"\n'))
    refused, in_doubt = (json.loads(line) for line in path.read_text().splitlines())
    assert (refused["status"], refused["outcome"], refused["file"], refused["peer"]) == (
        "A700",
        "refused",
        "in/1.dcm",
        PEER,
    )
    assert (in_doubt["status"], in_doubt["reason"]) == (None, 'connection "lost"\n')


def test_a_line_is_in_the_file_once_it_is_added(tmp_path: Path) -> None:
    journal = Journal(str(tmp_path / "journal"), PEER)
    journal.add(entry(1, STORED))
    assert (tmp_path / "journal").read_text().count("\n") == 1
    journal.close()


def test_a_file_name_that_is_no_text(tmp_path: Path) -> None:
    written(tmp_path / "journal", entry(1, STORED)._replace(label="in/\udcff.dcm"))
    assert confirmed(tmp_path / "journal") == {"1.2.3.1"}


def test_a_later_failure_does_not_take_back_what_was_confirmed(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    written(path, entry(1, STORED))
    written(path, entry(1, REFUSED))
    assert confirmed(path) == {"1.2.3.1"}
    assert CONFIRMED not in path.read_text()


@pytest.mark.parametrize("cut", [1, 5, 60, 150])
def test_a_line_that_a_crash_cut_short_spoils_nothing(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "journal"
    written(path, entry(1, STORED), entry(2, STORED))
    whole = path.read_bytes()
    first = whole.index(b"\n") + 1
    assert first + cut < len(whole)
    path.write_bytes(whole[: first + cut])
    assert confirmed(path) == {"1.2.3.1"}
    written(path, entry(3, STORED))
    assert confirmed(path) == {"1.2.3.1", "1.2.3.3"}
    assert [json.loads(line)["sop_instance_uid"] for line in path.read_text().splitlines()] == ["1.2.3.1", "1.2.3.3"]


@pytest.mark.parametrize(
    "content", [b"notes\n", b"[]\n", b"\0" * 132 + b"DICM", b"no end of line", b'{"time": "x"}\n[1]\n']
)
def test_what_is_no_journal_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "image.dcm"
    path.write_bytes(content)
    with pytest.raises(InputError, match="not a journal"):
        Journal(str(path), PEER)
    assert path.read_bytes() == content


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot write journal"):
        Journal(str(tmp_path / "no" / "journal"), PEER)
    with pytest.raises(InputError, match="cannot read journal"):
        Journal(str(tmp_path), PEER)
