"""C-FIND as an operation: answers, endings, limits, patience, negotiation, and what there would be without a key."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from dcmnet_cli.core import uids
from dcmnet_cli.core.commands import CStoreRSP
from dcmnet_cli.core.identifier import Element, encode
from dcmnet_cli.core.negotiation import AcceptedContext
from dcmnet_cli.core.pdu import ExtendedNegotiation
from dcmnet_cli.errors import (
    AssociationAborted,
    ConnectionLost,
    InvalidIdentifier,
    NoAcceptedContext,
    OperationFailed,
    TimedOut,
    UnexpectedMessage,
    UnexpectedRelease,
)
from dcmnet_cli.net.association import Association
from dcmnet_cli.net.service import ServiceRequest
from dcmnet_cli.ops.connect import open_association
from dcmnet_cli.ops.querying.answers import Match, Relaxed, values_at
from dcmnet_cli.ops.querying.find import Finding, Wishes, check_wishes, find, proposals, relax
from dcmnet_cli.ops.querying.keys import Query, Shorthands, build_query, narrowing, widened
from dcmnet_cli.ops.results import Report
from dcmnet_cli.ops.target import Target, Timeouts
from tests.finding import LEVEL, PATIENT_NAME, STUDY_DATE, Archive, Script, answer, answering, archive, element, pending

QUICK = Timeouts(connect=2.0, acse=2.0, dimse=2.0, release=2.0, write=2.0)
EXPLICIT, IMPLICIT = uids.EXPLICIT_VR_LITTLE_ENDIAN, uids.IMPLICIT_VR_LITTLE_ENDIAN
DEFLATED = uids.DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN
NAME, DATE = (PATIENT_NAME,), (STUDY_DATE,)


class Asking:
    """An association with an archive, the context to ask on, and what the archive heard."""

    def __init__(self, association: Association, told: Archive, model: str) -> None:
        from dcmnet_cli.ops.querying.levels import MODELS

        self.association = association
        self.told = told
        context = association.negotiated.find(MODELS[model].sop_class_uid)
        assert context is not None
        self.context: AcceptedContext = context

    def finding(self, query: Query | None = None, **options: object) -> Finding:
        return Finding(self.association, self.context, query or build_query("study"), **options)  # type: ignore[arg-type]

    def find(self, query: Query | None = None, limit: int = 0) -> Iterator[Match]:
        return find(self.association, self.context, query or build_query("study"), limit=limit)


@contextmanager
def asking(
    script: Script,
    *,
    model: str = "study",
    syntaxes: tuple[str, ...] = (EXPLICIT, IMPLICIT),
    wishes: Wishes = Wishes(),  # noqa: B008 - immutable
    extended: Callable[[bytes], bytes | None] | None = None,
    timeouts: Timeouts = QUICK,
) -> Iterator[Asking]:
    with archive(script, extended=extended) as (port, told):
        target = Target("127.0.0.1", port, "ARCHIVE", "FINDER", timeouts=timeouts)
        association = open_association(target, proposals(model, syntaxes), Report("find"), extended=wishes.item(model))
        try:
            yield Asking(association, told, model)
        finally:
            association.abort()


def names(matches: Iterator[Match] | Finding) -> list[str]:
    return [values_at(match.elements, NAME, match.character_set) for match in matches]


# --- answers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, DEFLATED])
def test_answers_come_in_every_transfer_syntax(syntax: str) -> None:
    script = answering(answer("Müller", SpecificCharacterSet="ISO_IR 192"), answer("A"))
    with asking(script, syntaxes=(syntax,)) as asked:
        assert asked.context.transfer_syntax == syntax
        assert names(asked.find()) == ["Müller", "A"]
    assert asked.told.queries[0][LEVEL].value == b"STUDY "


def test_an_answer_that_is_not_deflated_is_left_out() -> None:
    def script(request: ServiceRequest, identifier: dict[int, Element], told: Archive) -> int:
        request.respond(0xFF00, encode(answer("A"), True))
        return 0

    with asking(script, syntaxes=(DEFLATED,)) as asked:
        finding = asked.finding()
        assert names(finding) == []
    assert (finding.ending.unreadable, "not deflated" in finding.ending.problem) == (1, True)


def test_the_request_on_the_wire() -> None:
    with asking(answering()) as asked:
        assert list(asked.find(build_query("study", short=Shorthands(patient_name="DOE*")))) == []
    identifier = asked.told.queries[0]
    assert identifier[LEVEL].value == b"STUDY "
    assert identifier[PATIENT_NAME].value == b"DOE*"
    assert list(identifier) == sorted(identifier)
    assert asked.told.requests[0].affected_sop_class_uid == uids.STUDY_ROOT_FIND


def test_an_ending_tells_how_many_and_that_there_is_no_more() -> None:
    with asking(answering(answer("A"), answer("B"))) as asked:
        finding = asked.finding()
        assert names(finding) == ["A", "B"]
    ending = finding.ending
    assert (ending.status, ending.answers, ending.is_complete, ending.is_cancelled) == (0, 2, True, False)


def test_several_queries_on_one_association() -> None:
    with asking(answering(answer("A"))) as asked:
        for _ in range(3):
            assert names(asked.find()) == ["A"]
        assert asked.association.release() == ""
    assert len({request.message_id for request in asked.told.requests}) == 3


def test_a_thousand_answers_are_handed_out_one_by_one() -> None:
    def script(request: ServiceRequest, identifier: dict[int, Element], told: Archive) -> int:
        for number in range(1000):
            pending(request, answer(str(number)))
        return 0

    with asking(script) as asked:
        assert names(asked.finding()) == [str(number) for number in range(1000)]


def test_an_identifier_with_the_final_response_is_no_answer() -> None:
    def script(request: ServiceRequest, identifier: dict[int, Element], told: Archive) -> None:
        pending(request, answer("A"))
        request.respond(0, encode(answer("AGAIN"), True))

    with asking(script) as asked:
        assert names(asked.find()) == ["A"]
        assert asked.association.release() == ""


def test_a_warning_pending_status_is_an_answer_and_says_which_keys_are_missing() -> None:
    def script(request: ServiceRequest, identifier: dict[int, Element], told: Archive) -> int:
        pending(request, answer("A"), 0xFF01)
        pending(request, answer("B", StudyDescription="x"), 0xFF01)
        return 0

    with asking(script) as asked:
        finding = asked.finding(build_query("study", ["PatientName", "StudyDescription", "PatientComments"]))
        assert names(finding) == ["A", "B"]
    assert finding.ending.warned == 2
    assert 0x00104000 in finding.absent
    assert 0x00081030 not in finding.absent


def test_a_missing_level_is_added() -> None:
    def script(request: ServiceRequest, identifier: dict[int, Element], told: Archive) -> int:
        pending(request, [element(PATIENT_NAME, "A")])
        return 0

    with asking(script) as asked:
        (match,) = asked.find()
    assert match.elements[LEVEL].value == b"STUDY"


def test_an_answer_that_cannot_be_read_does_not_cost_the_others() -> None:
    def script(request: ServiceRequest, identifier: dict[int, Element], told: Archive) -> int:
        pending(request, answer("A"))
        request.respond(0xFF00, b"\x10\0\x10\0PN\xff\0AB")
        pending(request, answer("B"))
        return 0

    with asking(script) as asked:
        finding = asked.finding()
        assert names(finding) == ["A", "B"]
        assert (finding.ending.answers, finding.ending.unreadable) == (2, 1)
        assert "(0010,0010)" in finding.ending.problem
        assert not finding.ending.is_complete
        with pytest.raises(InvalidIdentifier, match=r"\(0010,0010\).* \(1 of 3 answers\)"):
            list(asked.find())


# --- endings ---------------------------------------------------------------------------------------------------------


def test_a_failure_status_is_data_and_an_exception_where_asked_for() -> None:
    script = answering(answer("A"), status=0xA900, error_comment="no\x1b such key", offending_element=(0x00100010,))
    with asking(script) as asked:
        finding = asked.finding()
        assert names(finding) == ["A"]
        ending = finding.ending
        assert (ending.status, ending.is_failure, ending.is_complete) == (0xA900, True, False)
        assert ending.offending_element == (0x00100010,)
        assert ending.error_comment == "no\\x1b such key"
        matches = asked.find()
        assert next(matches)
        with pytest.raises(OperationFailed) as caught:
            next(matches)
    assert caught.value.status == 0xA900
    assert caught.value.details["service"] == "find"


def test_the_worklist_has_its_own_statuses() -> None:
    with asking(answering(status=0xC001), model="worklist") as asked, pytest.raises(OperationFailed) as caught:
        list(asked.find(build_query("worklist")))
    assert caught.value.details["service"] == "worklist"


def test_a_peer_that_releases_instead_of_ending() -> None:
    def script(request: ServiceRequest, identifier: dict[int, Element], told: Archive) -> None:
        pending(request, answer("A"))
        request.association.release()

    with asking(script) as asked, pytest.raises((UnexpectedRelease, UnexpectedMessage)):
        names(asked.finding())


def test_a_peer_that_aborts_leaves_what_came() -> None:
    def script(request: ServiceRequest, identifier: dict[int, Element], told: Archive) -> None:
        pending(request, answer("A"))
        request.association.abort()

    with asking(script) as asked:
        finding = asked.finding()
        matches = iter(finding)
        assert next(matches)
        with pytest.raises((AssociationAborted, ConnectionLost)):
            next(matches)
    assert (finding.ending.answers, finding.ending.status) == (1, None)


def test_a_silent_peer_times_out() -> None:
    def script(request: ServiceRequest, identifier: dict[int, Element], told: Archive) -> None:
        pending(request, answer("A"))
        with pytest.raises((AssociationAborted, ConnectionLost)):
            request.association.receive()

    with asking(script, timeouts=QUICK._replace(dimse=0.3)) as asked, pytest.raises(TimedOut):
        names(asked.finding())


def test_another_response_is_no_answer() -> None:
    def script(request: ServiceRequest, identifier: dict[int, Element], told: Archive) -> None:
        stray = CStoreRSP(request.message.message_id, 0)
        request.association.send(request.context.context_id, stray)
        with pytest.raises((AssociationAborted, ConnectionLost)):
            request.association.receive()

    with asking(script) as asked, pytest.raises(UnexpectedMessage):
        names(asked.finding())


# --- stopping early --------------------------------------------------------------------------------------------------


def test_the_limit_sends_a_cancel_and_the_association_lives_on() -> None:
    def script(request: ServiceRequest, identifier: dict[int, Element], told: Archive) -> int:
        if told.cancelled.is_set():
            return 0
        for number in range(5):
            pending(request, answer(str(number)))
        told.await_cancel(request)
        return 0xFE00

    with asking(script) as asked:
        finding = asked.finding(limit=3)
        assert names(finding) == ["0", "1", "2"]
        ending = finding.ending
        assert (ending.status, ending.is_cancelled, ending.has_more, ending.is_complete) == (0xFE00, True, True, False)
        assert names(asked.find()) == []
        assert asked.association.release() == ""


def test_a_limit_that_is_just_reached_is_complete_if_the_peer_says_so() -> None:
    with asking(answering(answer("A"), answer("B"))) as asked:
        finding = asked.finding(limit=2)
        assert names(finding) == ["A", "B"]
    assert finding.ending.is_cancelled
    assert finding.ending.is_complete


def test_a_peer_that_ignores_the_cancel_is_cut_short() -> None:
    def script(request: ServiceRequest, identifier: dict[int, Element], told: Archive) -> None:
        with suppress(AssociationAborted, ConnectionLost):
            while True:
                pending(request, answer("A"))
                time.sleep(0.01)

    with asking(script) as asked:
        finding = asked.finding(limit=2, patience=0.3)
        begin = time.monotonic()
        assert names(finding) == ["A", "A"]
        assert 0.2 < time.monotonic() - begin < 2.0
        assert (finding.ending.is_deaf, finding.ending.status, finding.ending.answers) == (True, None, 2)
        assert not asked.association.is_open


def test_a_peer_that_falls_silent_after_the_cancel_is_cut_short() -> None:
    def script(request: ServiceRequest, identifier: dict[int, Element], told: Archive) -> None:
        pending(request, answer("A"))
        told.await_cancel(request)
        with pytest.raises((AssociationAborted, ConnectionLost)):
            request.association.receive()

    with asking(script) as asked:
        finding = asked.finding(limit=1, patience=0.3)
        assert names(finding) == ["A"]
        assert finding.ending.is_deaf


def test_stopping_by_hand_keeps_what_comes_until_the_end() -> None:
    enough = threading.Event()

    def script(request: ServiceRequest, identifier: dict[int, Element], told: Archive) -> int:
        pending(request, answer("A"))
        told.await_cancel(request)
        pending(request, answer("B"))
        return 0xFE00

    with asking(script) as asked:
        finding = asked.finding(stop=enough.is_set)
        found = []
        for match in finding:
            found.append(values_at(match.elements, NAME, ""))
            enough.set()
    assert found == ["A", "B"]
    assert (finding.ending.is_stopped, finding.ending.status) == (True, 0xFE00)


def test_waiting_is_told() -> None:
    """So that what is buffered can be shown while nothing comes."""
    waits = []
    with asking(answering(answer("A"))) as asked:
        names(asked.finding(idle=lambda: waits.append(1)))
    assert waits


# --- extended negotiation --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wishes", "model", "expected"),
    [
        (Wishes(), "study", None),
        (Wishes(relational=True), "study", b"\1"),
        (Wishes(combined=True), "study", b"\0\1"),
        (Wishes(relational=True, fuzzy=True), "study", b"\1\0\1"),
        (Wishes(timezone=True), "study", b"\0\0\0\1"),
        (Wishes(empty_value=True), "study", b"\0\0\0\0\0\1"),
        (Wishes(fuzzy=True), "worklist", b"\1\1\1"),
        (Wishes(timezone=True), "worklist", b"\1\1\0\1"),
    ],
)
def test_the_item_of_extended_negotiation(wishes: Wishes, model: str, expected: bytes | None) -> None:
    uid = uids.STUDY_ROOT_FIND if model == "study" else uids.MODALITY_WORKLIST_FIND
    assert wishes.item(model) == (() if expected is None else (ExtendedNegotiation(uid, expected),))


def test_what_is_granted_is_used_without_a_word() -> None:
    notes: list[str] = []
    query = build_query("study", ["Modality=CT"], relational=True)
    wishes = Wishes(relational=True, fuzzy=True)
    with asking(answering(answer("A")), wishes=wishes, extended=lambda asked: asked) as asked:
        check_wishes(asked.association, wishes, query, notes)
        assert names(asked.find(query)) == ["A"]
    assert notes == []
    assert asked.told.extended == [{uids.STUDY_ROOT_FIND: b"\1\0\1"}]


@pytest.mark.parametrize("granted", [None, b"", b"\0\0\0", b"\0"])
def test_what_is_not_granted_is_noted_or_ends_the_matter(granted: bytes | None) -> None:
    notes: list[str] = []
    wishes = Wishes(relational=True, fuzzy=True)
    with asking(answering(), wishes=wishes, extended=lambda asked: granted) as asked:
        check_wishes(asked.association, wishes, build_query("study", relational=True), notes)
        assert [("relational" in note, "fuzzy" in note) for note in notes] == [(True, False), (False, True)]
        with pytest.raises(NoAcceptedContext, match="does not agree to relational queries, and a query at SERIES"):
            check_wishes(asked.association, wishes, build_query("study", ["Modality=CT"], relational=True), [])
    assert asked.told.queries == []


# --- relaxing --------------------------------------------------------------------------------------------------------


def test_what_there_would_be_without_each_key() -> None:
    def script(request: ServiceRequest, identifier: dict[int, Element], told: Archive) -> int:
        if not identifier[PATIENT_NAME].value:
            pending(request, answer("A", "20250110"))
            pending(request, answer("B", "20250112"))
        return 0

    query = build_query("study", short=Shorthands(patient_name="X*", date="20250114"))
    with asking(script) as asked:
        assert names(asked.find(query)) == []
        assert relax(asked.association, asked.context, query) == [
            Relaxed("PatientName", "X*", 2, False, "20250112"),
            Relaxed("PatientName", "X*", 0, False, "", "*X*"),
            Relaxed("StudyDate", "20250114", 0, False, ""),
        ]


@pytest.mark.parametrize(
    ("key", "wider"),
    [
        ("PatientName=MUELLER", "MUELLER*"),
        ("PatientName=MUELL*", "*MUELL*"),
        ("PatientName=*UELL*", ""),
        ("PatientName=MUELL?R", ""),
        ("AccessionNumber=12", "*12*"),
        ("PatientID=12*", "*12*"),
        ("StudyDate=20250114", ""),
        ("StudyInstanceUID=1.2.3", ""),
    ],
)
def test_a_wider_value(key: str, wider: str) -> None:
    query = build_query("study", [key])
    ((path, _),) = narrowing(query)
    found = widened(query, path)
    assert (dict(narrowing(found))[path] if found is not None else "") == wider


def test_relaxing_stops_at_a_peer_that_refuses() -> None:
    query = build_query("study", short=Shorthands(patient_name="X*"))
    with asking(answering(status=0xC000)) as asked:
        assert relax(asked.association, asked.context, query) == []
