import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcmnet_cli.core.pdu import AAssociateRJ
from dcmnet_cli.errors import UsageError
from dcmnet_cli.ops.listening.faults import (
    AFTER,
    DURING,
    NO_ASSOCIATION_FAULT,
    NO_OBJECT_FAULT,
    AssociationFault,
    Faults,
    ObjectFault,
    parse_fault,
    storescp_faults,
)


def faults(*texts: str, seed: int = 1) -> Faults:
    return Faults([parse_fault(text) for text in texts], seed)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("reject=calling", (1, 1, 3)),
        ("reject=called", (1, 1, 7)),
        ("reject", (1, 1, 1)),
        ("reject=no-reason", (1, 1, 1)),
        ("reject=application-context", (1, 1, 2)),
        ("reject=transient", (2, 3, 2)),
        ("reject=limit", (2, 3, 2)),
        ("reject=congestion", (2, 3, 1)),
        ("reject=2/2/2", (2, 2, 2)),
        ("reject=1/1/10", (1, 1, 10)),
    ],
)
def test_rejections(text: str, numbers: tuple[int, int, int]) -> None:
    plan = faults(text)
    assert plan.on_association(1) == AssociationFault(AAssociateRJ(*numbers))
    assert plan.on_association(7) == plan.on_association(1)
    assert plan.on_object(1) == NO_OBJECT_FAULT


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("status=A700", ObjectFault(status=0xA700)),
        ("status=0xb000", ObjectFault(status=0xB000)),
        ("sleep=1.5", ObjectFault(sleep_after=1.5)),
        ("sleep-during=2", ObjectFault(sleep_during=2.0)),
        ("abort=after", ObjectFault(end="abort", end_moment=AFTER)),
        ("abort=during", ObjectFault(end="abort", end_moment=DURING)),
        ("drop", ObjectFault(end="drop", end_moment=AFTER)),
        ("drop=after", ObjectFault(end="drop", end_moment=AFTER)),
        ("drop=during", ObjectFault(end="drop", end_moment=DURING)),
    ],
)
def test_faults_of_objects(text: str, expected: ObjectFault) -> None:
    plan = faults(text)
    assert plan.on_object(1) == expected
    assert plan.on_association(1) == NO_ASSOCIATION_FAULT


def test_a_connection_dropped_instead_of_an_answer() -> None:
    assert faults("drop=association").on_association(3) == AssociationFault(None, drop=True)
    assert faults("drop=association").on_object(3) == NO_OBJECT_FAULT


def test_the_tenth_only() -> None:
    plan = faults("status=A700@10")
    assert [number for number in range(1, 41) if plan.on_object(number).status] == [10]


def test_every_tenth() -> None:
    plan = faults("status=A700@every:10")
    assert [number for number in range(1, 41) if plan.on_object(number).status] == [10, 20, 30, 40]


def test_a_percentage_is_about_that_many_and_the_same_again() -> None:
    hits = [number for number in range(1, 10_001) if faults_10.on_object(number).status]
    assert 850 < len(hits) < 1150
    again = faults("status=A700@10%", seed=1)
    assert [number for number in range(1, 10_001) if again.on_object(number).status] == hits
    other = faults("status=A700@10%", seed=2)
    assert [number for number in range(1, 10_001) if other.on_object(number).status] != hits
    assert all(faults("drop@100%").on_object(number).end for number in range(1, 100))


faults_10 = faults("status=A700@10%", seed=1)


def test_two_chances_of_one_plan_are_independent() -> None:
    plan = faults("status=A700@50%", "drop@50%")
    both = [plan.on_object(number) for number in range(1, 4001)]
    assert 800 < sum(bool(each.status) and bool(each.end) for each in both) < 1200


@given(st.lists(st.integers(1, 1 << 40), min_size=1), st.integers())
def test_the_order_of_asking_does_not_matter(numbers: list[int], seed: int) -> None:
    first, second = (faults("drop@25%", "sleep=1@5.5%", seed=seed) for _ in range(2))
    forward = {number: first.on_object(number) for number in numbers}
    assert {number: second.on_object(number) for number in reversed(numbers)} == forward


def test_several_faults_meet_on_one_object() -> None:
    plan = faults("status=A700@2", "status=C000", "sleep=1", "sleep=2@2", "sleep-during=4", "abort=after@3", "drop@3")
    assert plan.on_object(1) == ObjectFault(4.0, 1.0, status=0xC000)
    assert plan.on_object(2) == ObjectFault(4.0, 3.0, status=0xA700)
    assert plan.on_object(3) == ObjectFault(4.0, 1.0, "abort", AFTER, 0xC000)


def test_the_options_of_storescp() -> None:
    assert storescp_faults() == ()
    refuse = Faults(storescp_faults(refuse=True))
    assert refuse.on_association(1).rejection == AAssociateRJ(1, 1, 1)
    reject = Faults(storescp_faults(reject=True))
    assert reject.on_association(1, is_identified=True) == NO_ASSOCIATION_FAULT
    assert reject.on_association(1, is_identified=False).rejection == AAssociateRJ(1, 1, 1)
    assert Faults(storescp_faults(abort_after=True, sleep_after=2, sleep_during=1)).on_object(5) == ObjectFault(
        1.0, 2.0, "abort", AFTER
    )
    assert Faults(storescp_faults(abort_during=True)).on_object(1).end_moment == DURING


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@",
        "@10",
        "nonsense",
        "status",
        "status=",
        "status=A7",
        "status=A70G",
        "status=A7000",
        "status=A700@",
        "status=A700@0",
        "status=A700@-1",
        "status=A700@0%",
        "status=A700@101%",
        "status=A700@every:0",
        "status=A700@every:",
        "status=A700@10@20",
        "status=A700@\u0661",
        "reject=",
        "reject=nobody",
        "reject=3/1/1",
        "reject=1/1/256",
        "reject=1/1",
        "abort",
        "abort=before",
        "drop=before",
        "sleep",
        "sleep=0",
        "sleep=-1",
        "sleep=inf",
        "sleep=nan",
        "sleep=1e3",
        "sleep=99999",
        "\x1b[2J",
    ],
)
def test_what_cannot_be_meant(text: str) -> None:
    with pytest.raises(UsageError, match=r"^fault ") as caught:
        parse_fault(text)
    assert caught.value.message.isprintable()
