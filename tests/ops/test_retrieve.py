"""From keys to unique keys: what is asked by C-FIND, and what is asked for then."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from dcmnet_cli.core.identifier import Element, decode, encode, text
from dcmnet_cli.errors import InputError, OperationFailed, UsageError
from dcmnet_cli.ops.retrieving.present import instances_in
from dcmnet_cli.ops.retrieving.reconcile import Arrival, Claim, Ledger, Result, SubOperations, Wanted
from dcmnet_cli.ops.retrieving.retrieve import (
    Answer,
    Ask,
    Plan,
    Request,
    Resolver,
    Wish,
    image_requests,
    plan_retrieval,
)
from dcmnet_cli.ops.retrieving.suboperations import failed_uids
from tests.dicom_files import CT, data_set, part10
from tests.ops.retrieving import HOLDINGS, SR, STORED, STUDY, Held, answers, failed_list

PATIENT_ID, STUDY_UID, SERIES_UID, INSTANCE_UID, ACCESSION = 0x00100020, 0x0020000D, 0x0020000E, 0x00080018, 0x00080050
MODALITY, LEVEL = 0x00080060, 0x00080052
ALL = (*HOLDINGS, Held("1.2.3.2.1", "1.2.3.2", sop_class=SR, modality="SR"), Held("5.1", "5.0", "5", accession="A2"))


class Asked:
    """A peer that answers from a list, and what it was asked: level, and the keys with a value."""

    def __init__(self, holdings: Sequence[Held] = ALL) -> None:
        self.holdings = holdings
        self.questions: list[tuple[str, dict[int, str]]] = []
        self.open = 0

    def __call__(self, level: str, elements: Sequence[Element]) -> Iterator[Answer]:
        assert not self.open, "a question while another one is being answered"
        self.open += 1
        given = {each.tag: each.value.decode() for each in elements if each.value}
        self.questions.append((level, given))
        identifier = encode((*elements, Element(LEVEL, "CS", level.encode())), True)
        for answer in answers(self.holdings, identifier):
            yield decode(answer, True)
        self.open -= 1


def key(tag: int, value: str) -> Element:
    return Element(tag, "UI" if tag in (STUDY_UID, SERIES_UID, INSTANCE_UID) else "SH", value.encode())


def planned(ask: Ask | None, *keys: Element, level: str = "STUDY", model: str = "study", **more: object) -> Plan:
    return plan_retrieval(ask, Wish(model, level, keys, **more), "PACS@host:104", [])  # type: ignore[arg-type]


def test_an_accession_number_becomes_a_study() -> None:
    ask = Asked()
    plan = planned(ask, key(ACCESSION, "A1"))
    assert plan.requests == (Request("STUDY", study=STUDY),)
    assert [level for level, _ in ask.questions] == ["STUDY", "SERIES", "IMAGE", "IMAGE"]
    assert [each.sop_instance_uid for each in plan.expected or ()] == [*STORED, "1.2.3.2.1"]
    assert {each.sop_class_uid for each in plan.expected or ()} == {CT, SR}


def test_a_patient_of_study_root_becomes_all_studies() -> None:
    plan = planned(Asked(), key(PATIENT_ID, "P1"))
    assert plan.requests == (Request("STUDY", study=STUDY), Request("STUDY", study="5"))
    assert [entity.uid for entity in plan.entities] == [STUDY, "5"]


def test_keys_of_two_levels_go_down_step_by_step() -> None:
    ask = Asked()
    plan = planned(ask, key(ACCESSION, "A1"), key(MODALITY, "SR"), level="SERIES")
    assert plan.requests == (Request("SERIES", study=STUDY, series="1.2.3.2"),)
    assert ask.questions[0] == ("STUDY", {ACCESSION: "A1"})
    assert ask.questions[1] == ("SERIES", {STUDY_UID: STUDY, MODALITY: "SR"})


def test_unique_keys_above_are_filled_in_from_the_answer() -> None:
    """A series alone: its study is not listed among all others, but read from the answer."""
    ask = Asked()
    plan = planned(ask, key(SERIES_UID, "1.2.3.2"), level="SERIES")
    assert plan.requests == (Request("SERIES", study=STUDY, series="1.2.3.2"),)
    assert ask.questions[0] == ("SERIES", {SERIES_UID: "1.2.3.2"})


def test_patient_root_gets_the_patient_id_it_needs() -> None:
    plan = planned(Asked(), key(STUDY_UID, STUDY), model="patient")
    assert plan.requests == (Request("STUDY", b"P1", STUDY),)


def test_instances_of_a_series_are_one_request() -> None:
    ask = Asked()
    plan = planned(ask, key(INSTANCE_UID, "\\".join(STORED[:2])), level="IMAGE")
    assert plan.requests == (Request("IMAGE", study=STUDY, series="1.2.3.1", instances=STORED[:2]),)
    assert [each.sop_instance_uid for each in plan.expected or ()] == list(STORED[:2])
    assert len(ask.questions) == 1


def test_nothing_matches() -> None:
    with pytest.raises(InputError, match="no study matches AccessionNumber=A9"):
        planned(Asked(), key(ACCESSION, "A9"))


class Careless(Asked):
    """Does not look at Patient IDs, and has studies of somebody else and of nobody."""

    def __call__(self, level: str, elements: Sequence[Element]) -> Iterator[Answer]:
        found = list(
            super().__call__(level, [each._replace(value=b"") if each.tag == PATIENT_ID else each for each in elements])
        )
        if level == "STUDY":
            for patient, study in (("", "6.0"), ("P2", "7.0")):
                found.append(found[0] | {PATIENT_ID: key(PATIENT_ID, patient), STUDY_UID: key(STUDY_UID, study)})
        yield from found


def test_studies_of_other_patients_or_of_none_are_left_out_and_told() -> None:
    notes: list[str] = []
    plan = plan_retrieval(Careless(), Wish("study", "STUDY", (key(PATIENT_ID, "P1"),)), "PACS", notes)
    assert {request.study for request in plan.requests} == {STUDY, "5"}
    assert notes == ["2 answers of PACS left out: of another patient, or without a Patient ID"]
    everybody = planned(Careless(), key(PATIENT_ID, "P*"))
    assert {request.study for request in everybody.requests} == {STUDY, "5", "6.0", "7.0"}


@pytest.mark.parametrize(("keys", "level"), [((), "STUDY"), ((key(MODALITY, "CT"),), "STUDY")])
def test_keys_that_do_not_say_it(keys: tuple[Element, ...], level: str) -> None:
    with pytest.raises(UsageError):
        planned(Asked(), *keys, level=level)


def test_without_c_find_unique_keys_go_as_they_are() -> None:
    assert planned(None, key(STUDY_UID, STUDY)).requests == (Request("STUDY", study=STUDY),)
    plan = planned(None, key(STUDY_UID, STUDY), key(SERIES_UID, "9"), level="SERIES")
    assert (plan.requests, plan.expected) == ((Request("SERIES", study=STUDY, series="9"),), None)


@pytest.mark.parametrize("wrong", [key(ACCESSION, "A1"), key(STUDY_UID, "1.*"), key(PATIENT_ID, "P1")])
def test_without_c_find_other_keys_cannot_be_meant(wrong: Element) -> None:
    with pytest.raises(UsageError, match="without C-FIND"):
        planned(None, wrong)


def test_a_c_find_that_fails_is_done_without_where_that_can_be() -> None:
    def fails(level: str, elements: Sequence[Element]) -> Iterator[Answer]:
        raise OperationFailed("no", 0xA700)
        yield {}

    assert planned(fails, key(STUDY_UID, STUDY)).expected is None
    with pytest.raises(OperationFailed):
        planned(fails, key(ACCESSION, "A1"))


def test_a_peer_that_lists_no_instances_is_asked_all_the_same() -> None:
    whole = Asked()

    def fails_below(level: str, elements: Sequence[Element]) -> Iterator[Answer]:
        if level == "IMAGE":
            raise OperationFailed("not here", 0xC000)
        yield from whole(level, elements)

    notes: list[str] = []
    plan = plan_retrieval(fails_below, Wish("study", "STUDY", (key(ACCESSION, "A1"),)), "PACS", notes)
    assert (plan.requests, plan.expected) == ((Request("STUDY", study=STUDY),), None)
    assert "nothing says what to expect" in notes[0]


def test_missing_leaves_out_what_is_there() -> None:
    plan = planned(Asked(), key(ACCESSION, "A1"), already=frozenset(STORED))
    assert plan.requests == (Request("IMAGE", study=STUDY, series="1.2.3.2", instances=("1.2.3.2.1",)),)
    assert (plan.already, len(plan.expected or ())) == (4, 1)
    nothing = planned(Asked(), key(ACCESSION, "A2"), already=frozenset(["5.1"]))
    assert (nothing.requests, nothing.expected) == ((), ())


def test_missing_in_patient_root_names_the_patient_too() -> None:
    plan = planned(Asked(), key(STUDY_UID, STUDY), model="patient", already=frozenset(STORED))
    assert plan.requests == (Request("IMAGE", b"P1", STUDY, "1.2.3.2", ("1.2.3.2.1",)),)


def test_missing_without_c_find_cannot_be_known() -> None:
    with pytest.raises(InputError, match="--missing"):
        planned(None, key(STUDY_UID, STUDY), already=frozenset())


def test_wanted_classes_alone() -> None:
    plan = planned(Asked(), key(ACCESSION, "A1"), only=frozenset([SR]))
    assert [each.sop_instance_uid for each in plan.expected or ()] == ["1.2.3.2.1"]
    assert plan.already == 0


def test_an_answer_without_its_unique_key_names_nothing() -> None:
    def mute(level: str, elements: Sequence[Element]) -> Iterator[Answer]:
        yield {ACCESSION: key(ACCESSION, "A1")}

    with pytest.raises(InputError):
        planned(mute, key(ACCESSION, "A1"))


def test_an_identifier_holds_the_level_and_unique_keys_alone() -> None:
    request = Request("IMAGE", b"P1", "1.2", "1.2.3", ("1", "2"))
    for explicit in (True, False):
        elements = decode(request.identifier(explicit), explicit)
        assert {tag: text(each, "") for tag, each in elements.items()} == {
            LEVEL: "IMAGE",
            PATIENT_ID: "P1",
            STUDY_UID: "1.2",
            SERIES_UID: "1.2.3",
            INSTANCE_UID: "1\\2",
        }


def test_long_lists_are_cut() -> None:
    wanted = [Wanted(f"1.{number}", study_instance_uid="1", series_instance_uid="2") for number in range(250)]
    requests = image_requests(wanted)
    assert [len(request.instances) for request in requests] == [100, 100, 50]
    assert {(request.study, request.series) for request in requests} == {("1", "2")}


def test_failed_uids() -> None:
    assert failed_uids(failed_list("1.2", "1.3"), True) == ("1.2", "1.3")
    assert failed_uids(b"", True) == ()


def test_a_level_that_the_model_does_not_have() -> None:
    with pytest.raises(UsageError, match="IMAGE"):
        Resolver(Asked(), "only", "IMAGE", [key(STUDY_UID, "1")])


def test_instances_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.dcm").write_bytes(part10(data_set("1.1"), instance="1.1"))
    (tmp_path / "sub" / "b").write_bytes(part10(data_set("1.2"), instance="1.2"))
    (tmp_path / "cut.dcm").write_bytes(part10(data_set("1.3"), instance="1.3")[:-40])
    (tmp_path / "note.txt").write_text("not DICOM")
    assert instances_in(str(tmp_path)) == {"1.1", "1.2"}


# --- accounts --------------------------------------------------------------------------------------------------------

TWO = (Wanted("1"), Wanted("2"))


def test_a_ledger_counts_instances_once() -> None:
    ledger = Ledger(TWO)
    for uid in ("1", "1", "9"):
        ledger.arrived(uid, 10)
    assert [wanted.sop_instance_uid for wanted in ledger.missing()] == ["2"]
    arrival = ledger.arrival(kept=True)
    assert (arrival.distinct, arrival.surplus, arrival.bytes) == (1, 1, 30)
    assert not ledger.is_complete()
    assert ledger.is_complete(given_up=["2"])


def test_a_ledger_tells_stragglers() -> None:
    ledger = Ledger(TWO)
    ledger.arrived("1", 1)
    ledger.final()
    ledger.arrived("1", 1)
    ledger.arrived("2", 1)
    assert ledger.arrival(kept=True).after_final == 1


def claimed(status: int | None, *counts: int | None) -> Claim:
    return Claim("x", status, SubOperations(None, *counts))


@pytest.mark.parametrize(
    ("result", "is_complete"),
    [
        (Result("get", expected=TWO, claims=(claimed(0, 2, 0, 0),), arrival=Arrival(2)), True),
        (Result("get", expected=TWO, claims=(claimed(0xA702, 0, 2, 0),), arrival=Arrival(2)), True),
        (Result("get", expected=TWO, claims=(claimed(None),), arrival=Arrival(2)), True),
        (Result("get", expected=TWO, claims=(claimed(0, 2, 0, 0),), arrival=Arrival(1), missing=TWO[1:]), False),
        (Result("get", claims=(claimed(0, 2, 0, 0),), arrival=Arrival(2)), True),
        (Result("get", claims=(claimed(0, 2, 0, 0),), arrival=Arrival(1)), False),
        (Result("get", claims=(claimed(0, None, None, None),), arrival=Arrival(0)), False),
        (Result("get", claims=(claimed(0, 2, 1, 0),), arrival=Arrival(3)), False),
        (Result("get", claims=(claimed(0xA702, 2, 0, 0),), arrival=Arrival(2)), False),
        (Result("get", claims=(claimed(0, 2, 0, 0),), arrival=Arrival(2), cancelled=True), False),
        (Result("move", expected=TWO, claims=(claimed(0, 1, 0, 0), claimed(0, 1, 0, 0))), True),
        (Result("move", expected=TWO, claims=(claimed(0, 1, 0, 0), claimed(None))), False),
    ],
)
def test_what_makes_it_complete(result: Result, is_complete: bool) -> None:
    assert result.is_complete == is_complete


def test_sums_are_unknown_where_a_part_is() -> None:
    result = Result("move", claims=(claimed(0, 1, 0, 0), claimed(0, None, 0, 0)))
    assert result.claimed == SubOperations(None, None, 0, 0)
    assert Result("move").claimed == SubOperations()
