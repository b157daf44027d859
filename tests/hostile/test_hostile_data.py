"""Data sets that are nested without end, blow up when inflated, or are nothing at all, wherever one is decoded."""

import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from dcmnet_cli.archive.worklist import Worklist
from tests.dicom_files import BIG, DEFLATED, IMPLICIT, data_set, element, part10
from tests.dicom_files import EXPLICIT as EXPLICIT_UID
from tests.hostile.conftest import Target
from tests.hostile.peers import (
    CT,
    FIND,
    PROPER,
    RELEASE_RQ,
    STUDY_FIND,
    acceptance,
    associate,
    be_good,
    context,
    contexts_of,
    converse,
    ct_object,
    fragments,
    nested,
    patient,
    query,
    result,
    store,
    usage,
    value,
    words_of,
)
from tests.hostile.test_bad_acceptors import acceptor, check, run
from tests.scripted import Peer
from tests.wire import APPLICATION, USER_INFORMATION, request

DEEP = nested(10_000, vr=b"SQ")
DEEP_IMPLICIT = nested(10_000)
UNKNOWN = nested(3000, vr=b"UN", undefined=False)


def bomb(size: int, head: bytes = b"") -> bytes:
    """A deflated data set that begins with ``head`` and then has one element of ``size`` zeros."""
    deflater = zlib.compressobj(9, wbits=-15)
    packed = deflater.compress(head + b"\x42\0\x11\0OB\0\0" + size.to_bytes(4, "little"))
    packed += b"".join(deflater.compress(bytes(1 << 20)) for _ in range(size >> 20))
    packed += deflater.flush()
    return packed + bytes(len(packed) % 2)


def big_deep(depth: int) -> bytes:
    """As ``nested``, in big endian."""
    head = b"\x00\x08\x11\x40SQ\0\0\xff\xff\xff\xff\xff\xfe\xe0\x00\xff\xff\xff\xff"
    return head * depth + b"\xff\xfe\xe0\x0d\0\0\0\0\xff\xfe\xe0\xdd\0\0\0\0" * depth


def peak_of(work: Callable[[], object]) -> int:
    """The most bytes that Python held at once for it."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


# --- files that we read -----------------------------------------------------------------------------------------------


def deep_json(depth: int) -> bytes:
    return b'{"00081140":{"vr":"SQ","Value":[' * depth + b"{}" + b"]}}" * depth


FILES = {
    "deep.dcm": part10(ct_object(b"1.2.3.4", DEEP)),
    "deep-implicit.dcm": part10(value(0x00080018, b"1.2.3.4") + DEEP_IMPLICIT, IMPLICIT),
    "deep-big.dcm": part10(big_deep(10_000), BIG),
    "unknown.dcm": part10(ct_object(b"1.2.3.4", UNKNOWN)),
    "bomb.dcm": part10(bomb(128 << 20), DEFLATED),
    "no-deflate.dcm": part10(b"\xff" * 999, DEFLATED),
    "garbage.dcm": part10(b"\xff" * 9999),
    "cut.dcm": part10(ct_object())[:-3],
    "deep.json": deep_json(10_000),
    "brackets.json": b"[" * 100_000,
    "numbers.json": b'{"00280010":{"vr":"US","Value":[' + b"9" * 5000 + b"]}}",
    "lists.json": b'{"00100010":{"vr":"PN","Value":{"Alphabetic":[[[[1]]]]}}}',
    "nulls.json": b'[null, 1, "x", {"00100010": null}]',
}


@pytest.mark.parametrize("name", FILES)
def test_worklist_files_are_read_or_left_out_with_a_word(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(FILES[name])
    (tmp_path / "good.json").write_bytes(b'{"00100020":{"vr":"LO","Value":["P1"]}}')
    warnings: list[str] = []
    worklist = Worklist(str(tmp_path), warnings.append)
    if name == "bomb.dcm":
        assert peak_of(worklist.steps) < 100 << 20
    steps = worklist.steps()
    assert any(step[0x00100020].text == "P1" for step in steps if 0x00100020 in step)
    assert len(warnings) <= 1
    assert len(steps) + len(warnings) >= 2


def test_a_worklist_table_with_a_number_of_5000_digits(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("PatientID,PregnancyStatus\nP1," + "9" * 5000 + "\n")
    warnings: list[str] = []
    assert Worklist(str(tmp_path / "list.csv"), warnings.append).steps() == []
    assert len(warnings) == 1


@pytest.mark.parametrize("name", FILES)
def test_query_files_are_read_or_refused_with_a_word(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(FILES[name])
    with acceptor(lambda peer: (associate(peer), be_good(peer))) as port:
        outcome = run("find", port, str(path))
    check(outcome, (0, 2))


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".dcm")])
def test_store_sends_what_it_can_and_says_why_not(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(FILES[name])
    with acceptor(lambda peer: (associate(peer), be_good(peer))) as port:
        outcome = run("store", port, str(path), "--retry", "0")
    check(outcome, (0, 1, 2))


def accepting_implicit(peer: Peer) -> None:
    """An SCP that takes implicit VR little endian and nothing else."""
    rq = peer.pdu()
    taken = [(number, b"1.2.840.10008.1.2" in rq) for number, _, _ in contexts_of(rq)]
    peer.send(acceptance([result(number, b"1.2.840.10008.1.2") for number, _ in taken]))
    be_good(peer)


@pytest.mark.parametrize("name", ["deep.dcm", "deep-big.dcm", "unknown.dcm", "bomb.dcm", "garbage.dcm"])
def test_conversion_has_limits(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(FILES[name])
    with acceptor(accepting_implicit) as port:
        outcome = run("store", port, str(path), "--retry", "0")
    check(outcome, (0,) if name in ("unknown.dcm", "bomb.dcm") else (1, 2))


def test_a_directory_nested_10_000_deep(tmp_path: Path) -> None:
    directory = part10(value(0x00041220, b"", vr=b"SQ")[:4] + DEEP, EXPLICIT_UID, sop_class="1.2.840.10008.1.3.10")
    (tmp_path / "DICOMDIR").write_bytes(directory)
    (tmp_path / "good.dcm").write_bytes(part10(data_set()))
    with acceptor(lambda peer: (associate(peer), be_good(peer))) as port:
        check(run("store", port, str(tmp_path), "--retry", "0"), (0, 1, 2))


# --- objects in an archive --------------------------------------------------------------------------------------------

STORED = {
    "explicit": (EXPLICIT_UID, ct_object(b"1.5.1", value(0x0020000D, b"1.5", vr=b"UI"), DEEP)),
    "implicit": (
        IMPLICIT,
        b"".join(
            value(t, v)
            for t, v in ((0x00080016, CT), (0x00080018, b"1.5.2"), (0x0020000D, b"1.2.3"), (0x0020000E, b"1.2.3.1"))
        )
        + DEEP_IMPLICIT,
    ),
    "unknown": (EXPLICIT_UID, ct_object(b"1.5.3", UNKNOWN)),
    "deflated": (DEFLATED, bomb(64 << 20, ct_object(b"1.5.4"))),
    "big": (
        BIG,
        data_set("1.5.5", order=">", pixels=b"") + element(0x0020000E, "UI", "1.2.3.1", order=">") + big_deep(10_000),
    ),
    "garbage": (EXPLICIT_UID, ct_object(b"1.5.6") + b"\xff" * 99),
    "cut": (EXPLICIT_UID, ct_object(b"1.5.7")[:-1]),
}


def answers_to(port: int, asked: bytes) -> list[str]:
    """The statuses of all responses to a query, the final one last."""
    statuses = ["status FF00"]
    with patient(port) as peer:
        peer.send(PROPER)
        peer.pdu()
        peer.send(asked)
        while statuses[-1] in ("status FF00", "status FF01", "data"):
            statuses.append(words_of(peer.pdu()))
        peer.send(RELEASE_RQ)
        assert words_of(peer.pdu()) == "released"
    return statuses[1:]


def test_an_archive_of_hostile_objects_answers_as_before(archive: Target) -> None:
    """Stored as they come; a query that has to look into them answers for those that can be looked into."""
    pid = archive.listener.process._popen.pid
    before = usage(pid)
    for syntax, data in STORED.values():
        proposed = request(APPLICATION, context(3, CT, syntax.encode()), USER_INFORMATION)
        said = converse(archive.port, store(b"1.5.9"), fragments(3, data), RELEASE_RQ, first=proposed)
        assert said in ("status 0000, released", "status C000, released"), said
    level = value(0x00080052, b"IMAGE ") + value(0x0020000D, b"1.2.3") + value(0x0020000E, b"1.2.3.1")
    identifier = value(0x00080018, b"") + level + value(0x00189073, b"")  # Acquisition Duration is not in the index
    said = answers_to(archive.port, query(0x20, FIND, STUDY_FIND, identifier))
    assert said[-1] == "status 0000"
    assert said.count("status FF00") + said.count("status FF01") >= 4
    assert usage(pid).memory - before.memory < 100 << 10
    assert not [event for event in archive.listener.events if event["event"] == "failed"]
