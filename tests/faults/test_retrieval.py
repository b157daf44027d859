"""``get`` and ``move --here`` onto a disk that is full: what could not be written is no failure of the peer's, the exit
status says whether any of it is here, and nothing half-written is."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults import objects
from tests.interop.conftest import StartListener
from tests.interop.running import HOST, Outcome, free_port, run
from tests.interop.test_store import data_of
from tests.receiving import Sender

SMALL, LARGE = (1, 2), (3, 4, 5)
Retrieve = Callable[..., Outcome]


@pytest.fixture(params=["get", "move"])
def retrieve(request: pytest.FixtureRequest, listener: StartListener, tmp_path: Path) -> Retrieve:
    """Fetch all that an archive has into ``in``, with files of at most so many blocks of 1 KiB."""
    (tmp_path / "archive").mkdir()
    (tmp_path / "in").mkdir()
    here = free_port()
    server = listener("--archive", str(tmp_path / "archive"), "--node", f"HERE@{HOST}:{here}")
    with Sender(server.port) as sender:
        for number in (*SMALL, *LARGE):
            data = objects.image(number, 200_000 if number in LARGE else 20_000)
            assert sender.store(data, objects.uid_of(number)).status == 0
    where = ("-od", str(tmp_path / "in"))
    if request.param == "move":
        where = ("--here", str(tmp_path / "in"), "+P", str(here), "-aet", "HERE", "--grace", "1")

    def fetch(blocks: int, *words: str) -> Outcome:
        # Blocks of 512 bytes, as POSIX has them for ulimit -f; a shell that counts in KiB limits at twice that.
        limited = ("sh", "-c", f'ulimit -f {2 * blocks}; exec "$0" "$@"', sys.executable, "-m", "dcmnet_cli")
        asked = (request.param, HOST, str(server.port), "--study", objects.STUDY)
        # Python itself writes no bytecode: what it cuts short there would be found by every later run.
        return run(*limited, *asked, *where, *words, PYTHONDONTWRITEBYTECODE="1")

    return fetch


def arrived(folder: Path) -> dict[str, int]:
    return {path.name.removesuffix(".dcm"): len(data_of(path)) for path in folder.iterdir()}


def test_room_for_some(retrieve: Retrieve, tmp_path: Path) -> None:
    outcome = retrieve(50)
    assert outcome.status == 1, outcome.stderr
    assert arrived(tmp_path / "in") == {objects.uid_of(each): len(objects.image(each, 20_000)) for each in SMALL}
    missing = [line.split("\t")[1] for line in outcome.stdout.splitlines() if line.startswith("missing")]
    assert sorted(missing) == [objects.uid_of(each) for each in LARGE]
    assert "file too large" in outcome.stderr


def test_room_for_none(retrieve: Retrieve, tmp_path: Path) -> None:
    outcome = retrieve(5)
    assert outcome.status == 11, outcome.stderr
    assert outcome.stderr.startswith("dcmnet ")
    assert f"cannot write to {tmp_path / 'in'}: file too large" in outcome.stderr.splitlines()[0]
    assert arrived(tmp_path / "in") == {}
    assert outcome.stdout.count("missing\t") == 5


def test_as_json(retrieve: Retrieve, tmp_path: Path) -> None:
    facts = retrieve(5, "--json").json
    assert (facts["exit"], facts["ok"], facts["complete"]) == (11, False, False)
    assert facts["error"]["kind"] == "output"
    assert len(facts["missing"]) == 5
    assert facts["arrival"]["refused"] == [f"cannot write to {tmp_path / 'in'}: file too large"] * 5
    assert facts["arrival"]["not_durable"] == 0
