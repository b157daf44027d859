"""Every bad requestor against a real listener: the right answer at once, and service as before right after it."""

import pytest

from tests.hostile import bad_messages, bad_requests
from tests.hostile.conftest import Target
from tests.hostile.peers import PROPER, RELEASE_RQ, check_service, converse


def named(cases: tuple, *, prefix: str = "") -> pytest.MarkDecorator:  # type: ignore[type-arg]
    return pytest.mark.parametrize("bad", cases, ids=[prefix + bad.name for bad in cases])


@named(bad_requests.REQUESTS)
def test_in_place_of_a_request(storing: Target, bad: bad_requests.Bad) -> None:
    sent = bad.sent + (RELEASE_RQ if bad.answer == bad_requests.TAKEN else b"")
    assert converse(storing.port, sent) == bad.answer


def test_a_request_with_a_length_that_is_slightly_wrong_gets_an_answer(storing: Target) -> None:
    """One off, zero or odd: whatever the bytes behind it then mean, there is a word, and no silence."""
    said = {converse(storing.port, sent + RELEASE_RQ) for sent in bad_requests.SHIFTED}
    assert said <= {"abort 0 0", "abort 2 6", "reject 1 1 2", "accept, released"}
    assert "abort 0 0" in said


@named(bad_messages.MESSAGES)
def test_on_an_association(storing: Target, bad: bad_messages.Bad) -> None:
    assert converse(storing.port, bad.sent, RELEASE_RQ, first=PROPER) == bad.answer


@named((*bad_messages.IDENTIFIERS, *bad_messages.RETRIEVALS))
def test_to_an_archive(archive: Target, bad: bad_messages.Bad) -> None:
    assert converse(archive.port, bad.sent, RELEASE_RQ, first=PROPER) == bad.answer


@pytest.fixture(autouse=True)
def _serves_on(request: pytest.FixtureRequest) -> object:
    yield
    target = request.getfixturevalue("archive" if "archive" in request.fixturenames else "storing")
    assert not target.listener.process.has_ended
    if "archive" not in request.fixturenames:
        check_service(target.listener, target.folder)
