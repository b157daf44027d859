"""Identifiers that nobody should send: each is answered soon, by no match or by a refusal, and none by an internal
error. The archive goes on."""

import random
import time
from collections.abc import Iterator

import pytest

from dcmnet_cli.core import uids
from dcmnet_cli.core.identifier import Element, encode
from dcmnet_cli.ops.archiving.archive_plan import ArchivePlan
from dcmnet_cli.ops.listening.listen import ListenPlan
from dcmnet_cli.ops.listening.storage import StoragePlan
from tests import collection
from tests.archiving import Running, ask, identifier, running
from tests.collection import STUDIES

LEVEL = Element(0x00080052, "CS", b"STUDY")
IMAGE = Element(0x00080052, "CS", b"IMAGE")
JAPANESE = Element(0x00080005, "CS", b"\\ISO 2022 IR 87")
UTF_8 = Element(0x00080005, "CS", b"ISO_IR 192")
EVERYTHING = b"\1\1\1\0\0\1\1"
ALL = len(STUDIES)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("archive")
    collection.write(folder)
    table = tmp_path_factory.mktemp("worklist") / "list.csv"
    table.write_text("PatientName,PatientID,Modality\nMüller^Jürgen,A1,CT\nDoe^Jane,B2,MR\n", encoding="utf-8")
    plan = ArchivePlan(str(folder), str(table), {}, rebuild=True)
    with running(ListenPlan(0, title="PACS", storage=StoragePlan(str(folder)), archive=plan)) as server:
        yield server
        assert [event for event in server.events if event.event == "failed"] == []


def name(value: bytes) -> Element:
    return Element(0x00100010, "PN", value)


def nested(depth: int) -> Element:
    found = name(b"X")
    for _ in range(depth):
        found = Element(0x00081032, "SQ", b"", ((found,),))
    return found


def uid_list(count: int, vr: str = "UI") -> Element:
    return Element(0x0020000D, vr, "\\".join(f"1.2.{number}" for number in range(count)).encode())


def query(*elements: Element) -> bytes:
    return encode((LEVEL, *elements), True)


CASES: dict[str, tuple[bytes, int | None]] = {
    # What is sent, and how many matches there are, None where it is to be refused.
    "many asterisks": (query(Element(0x00081030, "LO", b"*a" * 30000)), 1),
    "asterisks and question marks": (query(Element(0x00081030, "LO", b"*?*?" * 10000 + b"b")), 1),
    "a name of asterisks": (query(name(b"*a" * 30000)), None),
    "a name that grows when it is normalized": (query(UTF_8, name("\ufdfa".encode() * 20000)), None),
    "very many names": (query(name(b"a*\\" * 15000)), None),
    "very many values": (query(Element(0x00100020, "LO", b"\\" * 60000)), None),
    "very many values within a sequence": (
        query(Element(0x00081032, "SQ", b"", ((Element(0x00080100, "SH", b"\\" * 600),),))),
        None,
    ),
    "8,000 UIDs": (query(uid_list(8000)), 0),
    "60,000 UIDs as UN": (query(uid_list(60000, "UN")), 0),
    "64 sequences within each other": (query(nested(64)), ALL),
    "200 sequences within each other": (query(nested(200)), None),
    "5,000 items": (
        query(Element(0x00081032, "SQ", b"", tuple((Element(0x00080100, "SH", b"%d" % n),) for n in range(5000)))),
        0,
    ),
    "no key": (b"", None),
    "a UID as a sequence": (query(Element(0x0020000D, "SQ", b"", ((LEVEL,),))), 0),
    "a UID as bytes": (query(Element(0x0020000D, "OB", b"\xff\0")), 0),
    "the level as a sequence": (encode([Element(0x00080052, "SQ", b"", ((),))], True), None),
    "the level as a number": (encode([Element(0x00080052, "US", b"ST")], True), None),
    "a date as a number": (query(Element(0x00080020, "FD", bytes(8))), ALL),
    "a patient as a sequence": (query(Element(0x00100020, "SQ", b"", ((LEVEL,),))), ALL),
    "a character set of nothing": (query(Element(0x00080005, "CS", b"\\" * 300), name(b"M\xfc*")), 2),
    "escapes alone": (query(JAPANESE, name(b"\x1b$B\x1b(B\x1b$)C\x1b" * 100)), 0),
    "half a character": (query(JAPANESE, name(b"\x1b$B;3E")), 0),
    "no UTF-8": (query(UTF_8, name(b"\xff\xfe*")), 0),
    "a patient in no UTF-8": (query(UTF_8, Element(0x00100020, "LO", b"\xff\xfe")), 0),
    "an accession number of surrogates": (query(UTF_8, Element(0x00080050, "SH", b"\xed\xa0\x80*")), 0),
    "zero bytes": (query(name(b"\0\0M\0*\0")), 0),
    "escape sequences of terminals": (query(Element(0x00100020, "LO", b"\x1b[31mX\r\n")), 0),
    "a statement of SQL": (query(Element(0x00100020, "LO", b"' OR 1=1 --")), 0),
    "a date of hyphens": (query(Element(0x00080020, "DA", b"----")), 1),
    "a range turned round": (query(Element(0x00080020, "DA", b"20250101-20200101")), 1),
    "dates in other digits": (query(UTF_8, Element(0x00080020, "DA", "٢٠٢٥٠١٠١".encode())), 1),
    "cut short": (query()[:-3], None),
    "implicit VR": (encode([LEVEL], False), None),
    "a length without end": (b"\x08\0\x52\0SQ\0\0\xff\xff\xff\xff", None),
    "a length beyond the end": (b"\x08\0\x52\0UN\0\0\xff\xff\xff\x7f", None),
    "noise": (random.Random(1).randbytes(5000), None),
}


@pytest.mark.parametrize(("data", "matches"), CASES.values(), ids=CASES.keys())
def test_a_query(archive: Running, data: bytes, matches: int | None) -> None:
    begin = time.monotonic()
    *answers, final = ask(archive, uids.STUDY_ROOT_FIND, data, extended=EVERYTHING)
    assert time.monotonic() - begin < 20  # a loaded machine takes a while; what these were made for takes hours
    assert final.status == (0xA900 if matches is None else 0)
    assert len(answers) == (matches or 0)


STEP = 0x00400100
WORKLIST_CASES: dict[str, tuple[tuple[Element, ...], int]] = {
    "many asterisks": ((Element(0x00100020, "LO", b"*a" * 30000),), 0),
    "a step as text": ((Element(STEP, "LO", b"x"),), 0),
    "60 sequences within each other": ((nested(60),), 0),
    "a date of hyphens": ((Element(STEP, "SQ", b"", ((Element(0x00400002, "DA", b"--"),),)),), 0),
    "a date as a sequence": ((Element(STEP, "SQ", b"", ((Element(0x00400002, "SQ", b"", ((),)),),)),), 2),
    "five items": ((Element(STEP, "SQ", b"", tuple((Element(0x00080060, "CS", b"CT"),) for _ in range(5))),), 1),
}


@pytest.mark.parametrize(("keys", "matches"), WORKLIST_CASES.values(), ids=WORKLIST_CASES.keys())
def test_a_worklist_query(archive: Running, keys: tuple[Element, ...], matches: int) -> None:
    *answers, final = ask(archive, uids.MODALITY_WORKLIST_FIND, encode(keys, True))
    assert (final.status, len(answers)) == (0, matches)


@pytest.mark.parametrize(
    ("sop_class", "elements", "status"),
    [
        (uids.INSTANCE_ROOT_GET, (IMAGE, Element(0x00080018, "UN", b"1.2\\" * 90000)), 0),
        (uids.PATIENT_ROOT_GET, (Element(0x00080052, "CS", b"PATIENT"), Element(0x00100020, "LO", b"*")), 0),
        (uids.PATIENT_ROOT_GET, (Element(0x00080052, "CS", b"PATIENT"), UTF_8, Element(0x00100020, "LO", b"\xff")), 0),
        (uids.STUDY_ROOT_GET, (LEVEL, Element(0x0020000D, "SQ", b"", ((LEVEL,),))), 0xA900),
        (uids.STUDY_ROOT_GET, (LEVEL, Element(0x0020000D, "US", b"\1\0")), 0xA900),
        (uids.STUDY_ROOT_MOVE, (LEVEL, Element(0x0020000D, "UI", b"1.2.3")), 0xA801),
    ],
)
def test_a_retrieval(archive: Running, sop_class: str, elements: tuple[Element, ...], status: int) -> None:
    (final,) = ask(archive, sop_class, encode(elements, True), "\x1b[2J")
    assert final.status == status


def test_it_still_answers(archive: Running) -> None:
    assert len(ask(archive, uids.STUDY_ROOT_FIND, identifier("STUDY", PatientID="PAT-A"))) == 3
