import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcmnet_cli.core.reasons import Reason, explain_abort, explain_context_result, explain_reject

USER, ACSE, PRESENTATION = "service user", "service provider (ACSE)", "service provider (presentation)"

# PS3.8 table 9-21, with the result that fits each reason.
REJECTIONS = [
    (1, 1, 1, USER, "no reason given"),
    (2, 1, 1, USER, "no reason given"),
    (1, 1, 2, USER, "application context name not supported"),
    (1, 1, 3, USER, "calling AE title not recognized"),
    (1, 1, 7, USER, "called AE title not recognized"),
    (1, 2, 1, ACSE, "no reason given"),
    (1, 2, 2, ACSE, "protocol version not supported"),
    (2, 3, 1, PRESENTATION, "temporary congestion"),
    (2, 3, 2, PRESENTATION, "local limit exceeded"),
]
# PS3.8 table 9-26, source 2.
ABORTS = {
    0: "reason not specified",
    1: "unrecognized PDU",
    2: "unexpected PDU",
    4: "unrecognized PDU parameter",
    5: "unexpected PDU parameter",
    6: "invalid PDU parameter value",
}
# PS3.8 table 9-18.
CONTEXTS = {
    0: "acceptance",
    1: "user rejection",
    2: "no reason",
    3: "abstract syntax not supported",
    4: "transfer syntaxes not supported",
}


def assert_helpful(found: Reason) -> None:
    assert found.side in ("peer", "here", "network", "")
    assert found.name
    assert found.remedies
    assert found.causes
    for sentence in (found.meaning, *found.causes, *found.remedies):
        assert sentence[0].isupper()
        assert sentence.endswith(".")
        assert len(sentence) < 130
    assert len(set(found.remedies)) == len(found.remedies)


@pytest.mark.parametrize(("result", "source", "reason", "source_name", "name"), REJECTIONS)
def test_rejections_of_the_standard(result: int, source: int, reason: int, source_name: str, name: str) -> None:
    found = explain_reject(result, source, reason)
    assert_helpful(found)
    assert (found.name, found.source_name, found.expected) == (name, source_name, True)
    assert found.result_name.startswith("rejected permanently" if result == 1 else "rejected for now")


def test_only_those_are_expected() -> None:
    numbers = itertools.product(range(5), range(5), range(12))
    expected = {triple for triple in numbers if explain_reject(*triple).expected}
    assert expected == {row[:3] for row in REJECTIONS}


def test_titles_are_mended_on_different_sides() -> None:
    unknown_caller, unknown_called = explain_reject(1, 1, 3), explain_reject(1, 1, 7)
    assert (unknown_caller.side, unknown_called.side) == ("peer", "here")
    assert "calling AE title" in unknown_caller.remedies[0]
    assert "case-sensitive" in unknown_called.remedies[0]
    assert "port" in unknown_called.remedies[1]


def test_transient_rejections_say_to_wait() -> None:
    for source, reason in ((1, 1), (3, 1), (3, 2)):
        assert "again" in explain_reject(2, source, reason).remedies[0]
    assert explain_reject(2, 1, 1).meaning != explain_reject(1, 1, 1).meaning


def test_refused_identity_is_the_first_thought_for_a_provider_without_reason() -> None:
    assert "passcode" in explain_reject(1, 2, 1).remedies[0]


@pytest.mark.parametrize(
    ("numbers", "name", "source_name", "result_name"),
    [
        ((1, 1, 56), "undefined reason", USER, "rejected permanently"),
        ((2, 1, 8), "undefined reason", USER, "rejected for now (transient)"),
        ((0, 1, 7), "called AE title not recognized", USER, "rejected, undefined result"),
        ((9, 200, 7), "undefined reason", "undefined source", "rejected, undefined result"),
        ((1, 3, 0), "undefined reason", PRESENTATION, "rejected permanently"),
    ],
)
def test_what_can_be_decoded_of_odd_numbers_is(
    numbers: tuple[int, int, int], name: str, source_name: str, result_name: str
) -> None:
    found = explain_reject(*numbers)
    assert_helpful(found)
    assert (found.name, found.source_name, found.result_name) == (name, source_name, result_name)
    assert not found.expected
    if name == "undefined reason":
        assert str(numbers[2]) in found.meaning


@pytest.mark.parametrize(("reason", "name"), ABORTS.items())
def test_aborts_by_the_provider(reason: int, name: str) -> None:
    found = explain_abort(2, reason)
    assert_helpful(found)
    assert (found.name, found.source_name, found.expected) == (name, "service provider", True)


@given(st.integers(0, 255))
def test_reason_of_a_user_abort_means_nothing(reason: int) -> None:
    assert explain_abort(0, reason) == explain_abort(0, 0)
    assert explain_abort(0, reason).name == "service user abort"
    assert explain_abort(0, reason).expected


@pytest.mark.parametrize(
    ("source", "reason", "source_name"), [(1, 0, "reserved"), (2, 3, "service provider"), (77, 2, "undefined source")]
)
def test_aborts_no_correct_peer_sends(source: int, reason: int, source_name: str) -> None:
    found = explain_abort(source, reason)
    assert_helpful(found)
    assert (found.name, found.source_name, found.expected) == ("undefined reason", source_name, False)


@pytest.mark.parametrize(("result", "name"), CONTEXTS.items())
def test_context_results(result: int, name: str) -> None:
    found = explain_context_result(result)
    assert found.name == name
    assert found.expected
    assert found.result_name == ("accepted" if result == 0 else "rejected")
    if result:
        assert_helpful(found)


def test_undefined_context_result_counts_as_rejected() -> None:
    found = explain_context_result(5)
    assert_helpful(found)
    assert (found.name, found.expected, found.result_name) == ("undefined result", False, "rejected")


@given(st.integers(-1, 70000), st.integers(-1, 70000), st.integers(-1, 70000))
def test_no_numbers_raise(result: int, source: int, reason: int) -> None:
    assert_helpful(explain_reject(result, source, reason))
    assert_helpful(explain_abort(source, reason))
    assert explain_context_result(result).meaning
