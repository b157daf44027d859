"""Identifiers of C-MOVE on a context that deflates them, both ways."""

import pytest

from dcmnet_cli.core.identifier import Element
from dcmnet_cli.core.negotiation import AcceptorPolicy
from dcmnet_cli.core.uids import DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN as DEFLATED
from dcmnet_cli.core.uids import STUDY_ROOT_MOVE
from dcmnet_cli.net.service import ServiceRequest
from dcmnet_cli.ops.querying.deflation import packed
from dcmnet_cli.ops.results import Report
from dcmnet_cli.ops.retrieving.move import MoveOptions, move
from dcmnet_cli.ops.retrieving.retrieve import Wish
from tests.ops.retrieving import STORED, STUDY, archive, counts, failed_list

POLICY = AcceptorPolicy(abstract_syntaxes={STUDY_ROOT_MOVE: (DEFLATED,)})
WISH = Wish("study", "STUDY", (Element(0x0020000D, "UI", STUDY.encode()),), asks_first=False)
OPTIONS = MoveOptions("THIRD", syntaxes=(DEFLATED,))


@pytest.mark.parametrize("is_right", [True, False])
def test_the_request_is_deflated_and_so_is_the_list_of_what_failed(is_right: bool) -> None:
    def refuse(request: ServiceRequest) -> None:
        failed = failed_list(STORED[0])
        request.respond(0xB000, packed(failed, DEFLATED) if is_right else failed, **counts(None, 3, 1))

    report = Report("move")
    with archive(move=refuse, policy=POLICY) as peer:
        result, error = move(peer.target, WISH, OPTIONS, report)
    assert error is None
    assert [each[0x0020000D] for each in peer.identifiers] == [STUDY]
    assert result.claims[0].status == 0xB000
    assert result.claims[0].failed_uids == ((STORED[0],) if is_right else ())
    assert any("not deflated" in note for note in report.notes) is not is_right
