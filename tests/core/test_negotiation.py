"""Association negotiation: what a request and its answer agree on, seen from both sides."""

from typing import Any

import pytest

from dcmnet_cli.core.negotiation import (
    LOCAL_LIMIT_EXCEEDED,
    AcceptorPolicy,
    IdentityDecision,
    Negotiated,
    agreed_roles,
    answer,
    conclude,
    own_information,
    propose,
    provider_rejection,
    settle,
)
from dcmnet_cli.core.pdu import (
    AAssociateAC,
    AAssociateRJ,
    AAssociateRQ,
    AsynchronousOperationsWindow,
    CommonExtendedNegotiation,
    ContextResult,
    ExtendedNegotiation,
    ProposedContext,
    RoleSelection,
    UserIdentity,
    UserInformation,
)
from dcmnet_cli.errors import LocalProtocolError, RemoteProtocolError
from tests.golden import associate as golden
from tests.golden.associate import CT_STORAGE, EXPLICIT, IMPLICIT, JPEG_LOSSLESS, MR_STORAGE, STUDY_FIND, VERIFICATION

PRIVATE_CLASS, PRIVATE_SYNTAX = "1.2.826.0.1.3680043.9.9999.1", "1.2.826.0.1.3680043.9.9999.2"
ANY = AcceptorPolicy(any_abstract_syntax=True)


def request(*contexts: tuple[str, list[str]], **information: Any) -> AAssociateRQ:
    return AAssociateRQ(
        "PACS",
        "STATION",
        propose(contexts or [(VERIFICATION, [IMPLICIT])]),
        UserInformation(16384, "1.2.3", **information),
        fields=golden.titles("PACS", "STATION"),
    )


def accepted(rq: AAssociateRQ, policy: AcceptorPolicy = ANY, identity: IdentityDecision | None = None) -> AAssociateAC:
    response = answer(rq, policy, identity)
    assert isinstance(response, AAssociateAC)
    return response


def both(rq: AAssociateRQ, ac: AAssociateAC) -> Negotiated:
    """What the requestor makes of it, after a check that the acceptor sees the same contexts and options."""
    ours, theirs = conclude(rq, ac, []), settle(rq, ac)
    assert ours.contexts == theirs.contexts
    assert ours.outcomes == theirs.outcomes
    assert ours.extended == theirs.extended
    assert ours.window == theirs.window
    return ours


# --- proposing -----------------------------------------------------------------------------------------------


def test_ids_are_odd_and_ascending() -> None:
    contexts = propose([(CT_STORAGE, [EXPLICIT, IMPLICIT]), (CT_STORAGE, [JPEG_LOSSLESS])])
    assert contexts == (
        ProposedContext(1, CT_STORAGE, (EXPLICIT, IMPLICIT)),
        ProposedContext(3, CT_STORAGE, (JPEG_LOSSLESS,)),
    )


def test_128_contexts_fit_and_129_do_not() -> None:
    contexts = propose([(CT_STORAGE, [IMPLICIT])] * 128)
    assert [context.context_id for context in contexts] == list(range(1, 256, 2))
    with pytest.raises(LocalProtocolError, match="129"):
        propose([(CT_STORAGE, [IMPLICIT])] * 129)


def test_what_we_say_about_ourselves() -> None:
    information = own_information(28672)
    assert information.maximum_length == 28672
    assert information.implementation_class_uid.startswith("2.25.")
    assert 1 <= len(information.implementation_version_name) <= 16
    assert information.asynchronous_window is None
    assert information.roles == ()


# --- the acceptor: contexts ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "proposed", "result", "syntax"),
    [
        (AcceptorPolicy(), (CT_STORAGE, [IMPLICIT]), 3, IMPLICIT),
        (AcceptorPolicy(abstract_syntaxes={CT_STORAGE: ()}), (CT_STORAGE, [IMPLICIT]), 0, IMPLICIT),
        (AcceptorPolicy(abstract_syntaxes={CT_STORAGE: ()}), (MR_STORAGE, [EXPLICIT, IMPLICIT]), 3, EXPLICIT),
        (AcceptorPolicy(abstract_syntaxes={CT_STORAGE: (EXPLICIT,)}), (CT_STORAGE, [IMPLICIT]), 4, IMPLICIT),
        (AcceptorPolicy(abstract_syntaxes={CT_STORAGE: (EXPLICIT,)}), (CT_STORAGE, [IMPLICIT, EXPLICIT]), 0, EXPLICIT),
        (ANY, (PRIVATE_CLASS, [PRIVATE_SYNTAX]), 0, PRIVATE_SYNTAX),
        (ANY, ("unknown", ["unknown"]), 4, "unknown"),
        (ANY, ("", [IMPLICIT]), 3, IMPLICIT),
        (ANY, (CT_STORAGE, []), 4, IMPLICIT),
        (ANY, (CT_STORAGE, [""]), 4, ""),
        (ANY._replace(transfer_syntaxes=(IMPLICIT,)), (CT_STORAGE, ["unknown", PRIVATE_SYNTAX]), 4, "unknown"),
        (ANY._replace(transfer_syntaxes=(IMPLICIT,)), (CT_STORAGE, ["unknown", IMPLICIT]), 0, IMPLICIT),
        (
            ANY._replace(abstract_syntaxes={CT_STORAGE: (EXPLICIT,)}, transfer_syntaxes=(IMPLICIT,)),
            (CT_STORAGE, [IMPLICIT]),
            4,
            IMPLICIT,
        ),
        (ANY, (CT_STORAGE, [JPEG_LOSSLESS, EXPLICIT, IMPLICIT]), 0, JPEG_LOSSLESS),
        (ANY._replace(preferred=(EXPLICIT,)), (CT_STORAGE, [JPEG_LOSSLESS, EXPLICIT, IMPLICIT]), 0, EXPLICIT),
        (ANY._replace(preferred=(IMPLICIT, EXPLICIT)), (CT_STORAGE, [EXPLICIT, IMPLICIT]), 0, IMPLICIT),
        (ANY._replace(preferred=(EXPLICIT,)), (CT_STORAGE, [JPEG_LOSSLESS]), 0, JPEG_LOSSLESS),
    ],
)
def test_the_answer_to_one_context(
    policy: AcceptorPolicy, proposed: tuple[str, list[str]], result: int, syntax: str
) -> None:
    assert accepted(request(proposed), policy).contexts == (ContextResult(1, result, syntax),)


def test_every_context_gets_its_answer_under_its_own_id() -> None:
    contexts = tuple(ProposedContext(255 - 2 * i, CT_STORAGE, (EXPLICIT,)) for i in range(128))
    rq = request()._replace(contexts=contexts)
    ac = accepted(rq)
    assert [result.context_id for result in ac.contexts] == [context.context_id for context in contexts]
    assert len(both(rq, ac).contexts) == 128


def test_the_same_class_may_be_accepted_in_several_contexts() -> None:
    agreed = both(rq := request((CT_STORAGE, [IMPLICIT]), (CT_STORAGE, [EXPLICIT])), accepted(rq))
    first, second = agreed.find(CT_STORAGE), agreed.find(CT_STORAGE, EXPLICIT)
    assert first is not None
    assert second is not None
    assert (first.context_id, second.context_id) == (1, 3)
    assert agreed.find(CT_STORAGE, JPEG_LOSSLESS) is None
    assert agreed.find(MR_STORAGE) is None


def test_an_association_without_any_usable_context_is_still_accepted() -> None:
    agreed = both(rq := request(), accepted(rq, AcceptorPolicy()))
    assert agreed.contexts == {}
    assert [outcome.result for outcome in agreed.outcomes] == [3]


def test_the_answer_echoes_the_titles_and_says_who_we_are() -> None:
    ac = accepted(rq := request(), ANY._replace(maximum_length=4096))
    assert ac.fields == rq.fields
    assert ac.user_information == own_information(4096)


# --- the acceptor: rejections --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "expected"), [(0x0001, None), (0xFFFF, None), (0x0003, None), (0x0002, (1, 2, 2)), (0, (1, 2, 2))]
)
def test_bit_0_of_the_protocol_version_decides(version: int, expected: tuple[int, int, int] | None) -> None:
    rejection = provider_rejection(request()._replace(protocol_version=version))
    assert rejection == (AAssociateRJ(*expected) if expected else None)


@pytest.mark.parametrize("name", ["", "1.2.840.10008.3.1.1.2", "1.2.840.10008.3.1.1"])
def test_another_application_context_is_rejected(name: str) -> None:
    assert provider_rejection(request()._replace(application_context=name)) == AAssociateRJ(1, 1, 2)


def test_titles() -> None:
    policy = ANY._replace(called_ae_titles=frozenset({"PACS"}), calling_ae_titles=frozenset({"STATION", "OTHER"}))
    assert isinstance(answer(request(), policy), AAssociateAC)
    for called in ("pacs", "PACS2", "", "PACS\0X"):
        assert answer(request()._replace(called_ae_title=called), policy) == AAssociateRJ(1, 1, 7)
    assert answer(request()._replace(calling_ae_title="INTRUDER"), policy) == AAssociateRJ(1, 1, 3)
    assert answer(request()._replace(called_ae_title="X", calling_ae_title="Y"), policy) == AAssociateRJ(1, 1, 7)
    assert isinstance(answer(request()._replace(calling_ae_title=""), ANY), AAssociateAC)


def test_a_local_limit_is_transient() -> None:
    assert tuple(LOCAL_LIMIT_EXCEEDED) == (2, 3, 2)


# --- user identity -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("identity_type", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("wanted", [True, False])
def test_an_identity_is_answered_when_it_was_checked_and_an_answer_wanted(identity_type: int, wanted: bool) -> None:
    rq = request(user_identity=UserIdentity(identity_type, b"jane", b"", wanted))
    response = b"ticket" if identity_type in (3, 4) else b""
    ac = accepted(rq, identity=IdentityDecision(True, response))
    assert ac.user_information.identity_response == (response if wanted else None)
    assert accepted(rq).user_information.identity_response is None, "nobody had an opinion"
    assert answer(rq, ANY, IdentityDecision(False)) == AAssociateRJ(1, 2, 1)


def test_no_identity_no_answer() -> None:
    assert accepted(request(), identity=IdentityDecision(True, b"x")).user_information.identity_response is None
    assert answer(request(), ANY, IdentityDecision(False)) == AAssociateRJ(1, 2, 1)


def test_the_requestor_sees_the_answer() -> None:
    rq, ac = golden.RQ_PASSCODE.record, golden.AC_IDENTITY.record
    assert isinstance(rq, AAssociateRQ)
    assert isinstance(ac, AAssociateAC)
    assert conclude(rq, ac, []).peer.identity_response == b""
    assert settle(rq, ac).peer.user_identity == UserIdentity(2, b"jane", b"secret", True)


# --- the requestor -------------------------------------------------------------------------------------------


def test_worked_answers() -> None:
    for rq, ac, expected in (
        (golden.RQ_ECHO, golden.AC_ECHO, {1: (VERIFICATION, IMPLICIT, True, False)}),
        (golden.RQ_STORE, golden.AC_STORE, {1: (CT_STORAGE, EXPLICIT, True, False)}),
        (golden.RQ_STORE, golden.AC_SHUFFLED, {1: (CT_STORAGE, IMPLICIT, True, False)}),
        (
            golden.RQ_GET,
            golden.AC_GET,
            {1: (golden.COMPOSITE_GET, IMPLICIT, True, False), 3: (CT_STORAGE, IMPLICIT, False, True)},
        ),
    ):
        assert isinstance(rq.record, AAssociateRQ)
        assert isinstance(ac.record, AAssociateAC)
        notes: list[str] = []
        agreed = conclude(rq.record, ac.record, notes)
        assert {i: tuple(context[1:]) for i, context in agreed.contexts.items()} == expected
        assert not notes


def test_each_result_is_kept_for_the_user() -> None:
    rq = request(*[(CT_STORAGE, [IMPLICIT])] * 6)
    results = tuple(ContextResult(2 * i + 1, i, "") for i in range(1, 6))
    agreed = conclude(
        rq,
        AAssociateAC(
            (ContextResult(1, 0, IMPLICIT), *(r._replace(context_id=2 * r.result + 1) for r in results)),
            own_information(),
        ),
        [],
    )
    assert [outcome.result for outcome in agreed.outcomes] == [0, 1, 2, 3, 4, 5]
    assert [outcome.proposed for outcome in agreed.outcomes] == list(rq.contexts)
    assert list(agreed.contexts) == [1]


@pytest.mark.parametrize("syntax", [EXPLICIT, "", IMPLICIT + ".1", "1.2.840.10008.1"])
def test_a_transfer_syntax_that_was_not_proposed_is_not_used(syntax: str) -> None:
    notes: list[str] = []
    agreed = conclude(request(), AAssociateAC((ContextResult(1, 0, syntax),), own_information()), notes)
    assert agreed.contexts == {}
    assert agreed.outcomes[0].result == 0
    assert agreed.outcomes[0].transfer_syntax == ""
    assert len(notes) == 1
    assert "context 1" in notes[0]


def test_missing_answers_and_answers_to_nothing() -> None:
    rq = request((VERIFICATION, [IMPLICIT]), (CT_STORAGE, [IMPLICIT]))
    answers = (ContextResult(3, 0, IMPLICIT), ContextResult(5, 0, IMPLICIT), ContextResult(4, 0, IMPLICIT))
    notes: list[str] = []
    agreed = conclude(rq, AAssociateAC(answers, own_information()), notes)
    assert list(agreed.contexts) == [3]
    assert [outcome.result for outcome in agreed.outcomes] == [None, 0]
    assert len(notes) == 3
    assert sum("not proposed" in note for note in notes) == 2
    assert sum("no answer" in note for note in notes) == 1


def test_another_application_context_in_the_answer_is_noted() -> None:
    notes: list[str] = []
    conclude(rq := request(), accepted(rq)._replace(application_context="1.2"), notes)
    assert len(notes) == 1


# --- maximum length ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("announced", "limit"), [(None, 0), (0, 0), (8, 8), (9, 9), (16384, 16384), (0xFFFFFFFF, 0xFFFFFFFF)]
)
def test_the_peers_maximum_length_limits_us(announced: int | None, limit: int) -> None:
    rq = request()
    ac = accepted(rq)
    theirs = ac._replace(user_information=ac.user_information._replace(maximum_length=announced))
    assert conclude(rq, theirs, []).peer_maximum_length == limit
    asked = rq._replace(user_information=rq.user_information._replace(maximum_length=announced))
    assert settle(asked, accepted(asked)).peer_maximum_length == limit


@pytest.mark.parametrize("announced", range(1, 8))
def test_a_maximum_length_that_nothing_fits_is_refused(announced: int) -> None:
    rq = request()
    ac = accepted(rq)
    with pytest.raises(RemoteProtocolError) as caught:
        conclude(rq, ac._replace(user_information=own_information(announced)), [])
    assert caught.value.abort_reason == 6
    with pytest.raises(RemoteProtocolError):
        settle(rq._replace(user_information=own_information(announced)), ac)


def test_our_own_maximum_does_not_limit_what_we_send() -> None:
    rq = request()
    assert settle(rq, accepted(rq, ANY._replace(maximum_length=100))).peer_maximum_length == 16384


# --- roles ---------------------------------------------------------------------------------------------------

NO_ITEM = None
SCU, SCP, SCU_AND_SCP, NONE = (True, False), (False, True), (True, True), (False, False)

# What was offered, what was answered, what the requestor is then (PS3.7 D.3.3.4).
ROLES = [
    (NO_ITEM, NO_ITEM, SCU),
    (SCU, NO_ITEM, SCU),
    (SCP, NO_ITEM, SCU),
    (SCU_AND_SCP, NO_ITEM, SCU),
    (SCU, SCU, SCU),
    (SCP, SCP, SCP),
    (SCU_AND_SCP, SCU_AND_SCP, SCU_AND_SCP),
    (SCU_AND_SCP, SCU, SCU),
    (SCU_AND_SCP, SCP, SCP),
    (SCU, NONE, NONE),
    (SCP, NONE, NONE),
    (SCU_AND_SCP, NONE, NONE),
    (NONE, NONE, NONE),
    # an answer beyond the offer, or to no offer
    (SCU, SCU_AND_SCP, SCU),
    (SCP, SCU_AND_SCP, SCP),
    (SCU, SCP, NONE),
    (SCP, SCU, NONE),
    (NO_ITEM, SCP, SCU),
    (NO_ITEM, SCU_AND_SCP, SCU),
    (NO_ITEM, NONE, SCU),
]
Roles = tuple[bool, bool] | None


def selection(roles: Roles) -> tuple[RoleSelection, ...]:
    return () if roles is None else (RoleSelection(CT_STORAGE, *roles),)


@pytest.mark.parametrize(("offered", "answered", "expected"), ROLES)
def test_roles(offered: Roles, answered: Roles, expected: tuple[bool, bool]) -> None:
    rq = request((CT_STORAGE, [IMPLICIT]), (MR_STORAGE, [IMPLICIT]), (CT_STORAGE, [EXPLICIT]), roles=selection(offered))
    ac = accepted(rq)
    ac = ac._replace(user_information=ac.user_information._replace(roles=selection(answered)))
    agreed = both(rq, ac)
    for context_id in (1, 5):  # of the SOP class, not of one context
        context = agreed.contexts[context_id]
        assert (context.requestor_is_scu, context.requestor_is_scp) == expected
    other = agreed.contexts[3]
    assert (other.requestor_is_scu, other.requestor_is_scp) == SCU
    pick = [None if roles is None else RoleSelection(CT_STORAGE, *roles) for roles in (offered, answered)]
    assert agreed_roles(*pick) == expected


@pytest.mark.parametrize("offered", [SCU, SCP, SCU_AND_SCP, NONE])
@pytest.mark.parametrize("grants", [None, True, False])
def test_the_acceptor_never_answers_more_than_was_offered(offered: tuple[bool, bool], grants: bool | None) -> None:
    policy = ANY._replace(grants_scp_role=None if grants is None else lambda uid: bool(grants) and uid == CT_STORAGE)
    contexts = ((CT_STORAGE, [IMPLICIT]), (MR_STORAGE, [IMPLICIT]))
    rq = request(*contexts, roles=(*selection(offered), RoleSelection(MR_STORAGE, True, True)))
    roles = accepted(rq, policy).user_information.roles
    assert roles == (
        RoleSelection(CT_STORAGE, offered[0], offered[1] and bool(grants)),
        RoleSelection(MR_STORAGE, True, False),
    )


def test_no_role_item_is_answered_to_none() -> None:
    assert accepted(request(), ANY._replace(grants_scp_role=lambda _: True)).user_information.roles == ()


# --- asynchronous operations window --------------------------------------------------------------------------


def window(rq: tuple[int, int] | None, ac: tuple[int, int] | None) -> tuple[int, int]:
    asked = request(asynchronous_window=AsynchronousOperationsWindow(*rq) if rq else None)
    response = accepted(asked)
    answered = AsynchronousOperationsWindow(*ac) if ac else None
    agreed = both(
        asked, response._replace(user_information=response.user_information._replace(asynchronous_window=answered))
    )
    return tuple(agreed.window)  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("offered", "answered", "expected"),
    [
        (None, None, (1, 1)),
        ((5, 5), None, (1, 1)),
        (None, (5, 5), (1, 1)),
        ((5, 0), (2, 1), (2, 1)),
        ((5, 5), (5, 5), (5, 5)),
        ((0, 0), (0, 0), (0, 0)),
        ((0, 0), (7, 3), (7, 3)),
        # beyond the offer: what was offered holds
        ((5, 3), (9, 4), (5, 3)),
        ((5, 3), (0, 0), (5, 3)),
        ((1, 1), (0, 65535), (1, 1)),
    ],
)
def test_the_window(
    offered: tuple[int, int] | None, answered: tuple[int, int] | None, expected: tuple[int, int]
) -> None:
    assert window(offered, answered) == expected


def test_the_acceptor_answers_no_window() -> None:
    rq = request(asynchronous_window=AsynchronousOperationsWindow(0, 0))
    assert accepted(rq).user_information.asynchronous_window is None


# --- extended negotiation ------------------------------------------------------------------------------------


def test_extended_negotiation_is_answered_by_sop_class_where_the_policy_knows_it() -> None:
    offered = (ExtendedNegotiation(STUDY_FIND, b"\1\1\0"), ExtendedNegotiation(CT_STORAGE, b"\2\0"))
    rq = request((STUDY_FIND, [IMPLICIT]), extended=offered)
    assert accepted(rq).user_information.extended == ()
    seen = []

    def relational_only(information: bytes) -> bytes:
        seen.append(information)
        return information[:1]

    policy = ANY._replace(extended={STUDY_FIND: relational_only, CT_STORAGE: lambda _: None, MR_STORAGE: bytes})
    ac = accepted(rq, policy)
    assert ac.user_information.extended == (ExtendedNegotiation(STUDY_FIND, b"\1"),)
    assert seen == [b"\1\1\0"]
    assert both(rq, ac).extended == {STUDY_FIND: b"\1"}


def test_an_extended_answer_to_no_offer_is_ignored() -> None:
    rq = request((STUDY_FIND, [IMPLICIT]))
    ac = accepted(rq)
    extended = (ExtendedNegotiation(STUDY_FIND, b"\1"),)
    assert both(rq, ac._replace(user_information=ac.user_information._replace(extended=extended))).extended == {}


def test_common_extended_negotiation_reaches_the_acceptor_and_is_never_answered() -> None:
    item = CommonExtendedNegotiation(PRIVATE_CLASS, "1.2.840.10008.4.2", (CT_STORAGE,))
    rq = request((PRIVATE_CLASS, [IMPLICIT]), common_extended=(item,))
    ac = accepted(rq)
    assert ac.user_information.common_extended == ()
    assert settle(rq, ac).peer.common_extended == (item,)


# --- settling an answer of one's own -------------------------------------------------------------------------


def test_the_acceptor_settles_by_id_whatever_the_order() -> None:
    rq = request((VERIFICATION, [IMPLICIT]), (CT_STORAGE, [IMPLICIT, EXPLICIT]))
    ac = AAssociateAC((ContextResult(3, 0, EXPLICIT), ContextResult(1, 3)), own_information())
    agreed = both(rq, ac)
    assert agreed.contexts[3].transfer_syntax == EXPLICIT
    assert list(agreed.contexts) == [3]


def test_a_transfer_syntax_that_is_no_uid_is_refused_and_the_others_are_not() -> None:
    odd = ProposedContext(1, "1.2.840.10008.5.1.4.1.1.2", ("unknown",))
    mixed = ProposedContext(3, "1.2.840.10008.5.1.4.1.1.2", ("unknown", "1.2.840.10008.1.2"))
    request = AAssociateRQ("PACS", "CT1", (odd, mixed), own_information())
    answered = answer(request, AcceptorPolicy(any_abstract_syntax=True))
    assert isinstance(answered, AAssociateAC)
    assert [(each.result, each.transfer_syntax) for each in answered.contexts] == [
        (4, "unknown"),
        (0, "1.2.840.10008.1.2"),
    ]
