"""The codec under hostile and random bytes, generated records there and back, and what cannot be sent."""

import random
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcmnet_cli.core.codec import Notes, ae_title_field, decode, encode
from dcmnet_cli.core.pdu import (
    PDU,
    AAbort,
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
from dcmnet_cli.errors import InvalidPDU, LocalProtocolError
from tests.golden import associate as golden
from tests.golden import octets
from tests.golden.associate import ECHO_CONTEXT, GOLDEN, IMPLICIT, Golden, info
from tests.wire import (
    APPLICATION,
    CONTEXT,
    USER_INFORMATION,
    counted,
    item,
    request,
    request_with,
)


def read(data: bytes) -> tuple[Any, Notes]:
    notes = Notes()
    return decode(data, notes), notes


# --- hostile bytes -------------------------------------------------------------------------------------------


def took(work: Callable[[], object]) -> float:
    """Seconds of CPU. Quadratic work on what the tests below give would take minutes: 5 is generous on purpose."""
    started = time.process_time()
    work()
    return time.process_time() - started


@pytest.mark.parametrize(
    "filling",
    [
        item(0x7E, b""),
        item(0x7E, b"\1"),
        item(0x20, b"\1\0\0\0" + b"".join(item(0x40, str(i).encode()) for i in range(6000))),
        item(0x20, b"\1\0\0\0" + b"".join(item(i % 256, b"") for i in range(12000))),
    ],
    ids=["empty items", "small items", "transfer syntaxes", "kinds of sub-items"],
)
def test_hostile_items_are_read_in_linear_time_with_few_notes(filling: bytes) -> None:
    notes = Notes()
    data = request(APPLICATION, filling * ((1 << 18) // len(filling)))

    def read_all() -> None:
        with pytest.raises(InvalidPDU):
            decode(data, notes)

    assert took(read_all) < 5
    assert len(notes) <= Notes.MOST


def test_a_mebibyte_of_contexts_is_given_up_at_the_first_that_cannot_be() -> None:
    ids = b"".join(item(0x20, bytes((i % 256, 0, 0, 0)) + CONTEXT[8:]) for i in range(1, 256, 2))
    data = request(APPLICATION, ids, item(0x20, b"\1\0\0\0") * 100_000, USER_INFORMATION)
    with pytest.raises(InvalidPDU) as caught:
        decode(data, Notes())
    assert caught.value.offset == len(request(APPLICATION, ids)) + 5


@pytest.mark.parametrize(
    "filling",
    [
        [item(0x54, counted(f"1.{i}".encode()) + b"\1\1") for i in range(4000)],
        [item(0x56, counted(f"1.{i}".encode()) + b"\1\1") for i in range(4000)],
        [item(0x56, b"\xff\xff" + i.to_bytes(2, "big")) for i in range(4000)],
        [item(0x57, bytes(6))] * 6000,
        [item(0x57, bytes(4) + counted(bytes(60000)))],
        [item(0x52, b"1" * 9 + bytes(i % 200)) for i in range(500)],
        [item(0x5A + i % 100, b"") for i in range(15000)],
    ],
    ids=["roles", "extended", "broken extended", "common extended", "related classes", "class UIDs", "unknown"],
)
def test_hostile_user_information_is_read_in_linear_time_with_few_notes(filling: list[bytes]) -> None:
    notes = Notes()
    assert took(lambda: decode(request_with(*filling), notes)) < 5
    assert len(notes) <= Notes.MOST
    assert sum(map(len, notes)) < 8192


def test_notes_keep_each_remark_once_and_no_more_than_their_limit() -> None:
    notes = Notes()
    for i in range(1000):
        notes.append(f"remark {i // 2}")
    assert notes == [f"remark {i}" for i in range(Notes.MOST)]


@settings(max_examples=200, deadline=None, derandomize=True)
@given(example=st.sampled_from(GOLDEN), seed=st.integers(0, 2**32), changes=st.integers(1, 6))
def test_mutated_pdus_decode_or_are_refused_and_nothing_else(example: Golden, seed: int, changes: int) -> None:
    source = random.Random(seed)
    data = bytearray(example.data)
    for _ in range(changes):
        match source.randrange(4):
            case 0:
                data[source.randrange(len(data))] = source.choice((0, 1, 0x20, 0x50, 0x7F, 0xFF, source.randrange(256)))
            case 1:
                del data[source.randrange(6, len(data) + 1) :]
            case 2:
                at = source.randrange(6, len(data) + 1)
                data[at:at] = source.randbytes(source.randrange(1, 8))
            case 3:
                at, length = source.randrange(len(data)), source.randrange(1, 12)
                del data[max(6, at) : max(6, at) + length]
    if source.randrange(4):  # most of the time past the first check
        data[2:6] = (len(data) - 6).to_bytes(4, "big")
    _decodes_or_is_refused(bytes(data))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(pdu_type=st.sampled_from([1, 2, 3, 5, 6, 7]), body=st.binary(max_size=200), items=st.binary(max_size=100))
def test_random_bytes_decode_or_are_refused_and_nothing_else(pdu_type: int, body: bytes, items: bytes) -> None:
    _decodes_or_is_refused(bytes((pdu_type, 0)) + len(body).to_bytes(4, "big") + body)
    _decodes_or_is_refused(request_with(items))
    _decodes_or_is_refused(request(CONTEXT, items))


def _decodes_or_is_refused(data: bytes) -> None:
    try:
        pdu = decode(data, Notes())
    except InvalidPDU as error:
        refused_at = error.offset
    else:
        encode(_as_we_would_send_it(pdu))
        return
    assert 0 <= refused_at <= len(data)


def _as_we_would_send_it(pdu: PDU) -> PDU:
    """Whatever was read can be sent again, but for titles and contexts that nobody may send."""
    if isinstance(pdu, AAssociateRQ):
        contexts = tuple(c._replace(transfer_syntaxes=c.transfer_syntaxes or ("1.2",)) for c in pdu.contexts)
        return pdu._replace(called_ae_title="A", calling_ae_title="B", contexts=contexts)
    return pdu


# --- round trip ----------------------------------------------------------------------------------------------

uids = st.text("0123456789.", min_size=1, max_size=64)
titles = st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0x7E, blacklist_characters="\\"), min_size=1, max_size=16
)
numbers = st.integers(0, 0xFFFF)
user_informations = st.builds(
    UserInformation,
    maximum_length=st.integers(0, 0xFFFFFFFF),
    implementation_class_uid=uids,
    asynchronous_window=st.none() | st.builds(AsynchronousOperationsWindow, numbers, numbers),
    roles=st.lists(st.builds(RoleSelection, uids, st.booleans(), st.booleans()), unique_by=lambda r: r[0]).map(tuple),
    implementation_version_name=st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=16),
    extended=st.lists(st.builds(ExtendedNegotiation, uids, st.binary(max_size=9))).map(tuple),
    common_extended=st.lists(
        st.builds(CommonExtendedNegotiation, uids, uids, st.lists(uids, max_size=3).map(tuple), st.integers(0, 255))
    ).map(tuple),
    user_identity=st.none()
    | st.builds(UserIdentity, st.integers(0, 255), st.binary(max_size=50), st.binary(max_size=50), st.booleans()),
    identity_response=st.none() | st.binary(max_size=50),
)
syntaxes = st.lists(uids, min_size=1, max_size=4, unique=True).map(tuple)
proposed = st.lists(st.tuples(uids, syntaxes), min_size=1, max_size=6).map(
    lambda pairs: tuple(ProposedContext(2 * i + 1, *pair) for i, pair in enumerate(pairs))
)
results = st.lists(st.builds(ContextResult, st.integers(0, 255), st.just(0), uids), max_size=6).map(tuple)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(titles, titles, proposed, user_informations, uids, numbers)
def test_requests_survive_the_round_trip(
    called: str,
    calling: str,
    contexts: tuple[ProposedContext, ...],
    information: UserInformation,
    application_context: str,
    version: int,
) -> None:
    fields = golden.titles(called, calling)
    pdu = AAssociateRQ(called, calling, contexts, information, application_context, version, fields)
    assert read(encode(pdu))[0] == pdu


@settings(max_examples=30, deadline=None, derandomize=True)
@given(results, user_informations, uids, numbers, st.binary(min_size=64, max_size=64))
def test_acceptances_survive_the_round_trip(
    contexts: tuple[ContextResult, ...],
    information: UserInformation,
    application_context: str,
    version: int,
    fields: bytes,
) -> None:
    pdu = AAssociateAC(contexts, information, application_context, version, fields)
    assert read(encode(pdu))[0] == pdu


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255))
@settings(max_examples=20, deadline=None, derandomize=True)
def test_rejections_and_aborts_survive_the_round_trip(result: int, source: int, reason: int) -> None:
    assert read(encode(AAssociateRJ(result, source, reason)))[0] == AAssociateRJ(result, source, reason)
    assert read(encode(AAbort(source, reason)))[0] == AAbort(source, reason)


# --- what cannot be sent -------------------------------------------------------------------------------------

_RQ = golden.RQ_ECHO.record
_AC = golden.AC_ECHO.record
assert isinstance(_RQ, AAssociateRQ)
assert isinstance(_AC, AAssociateAC)


@pytest.mark.parametrize(
    "pdu",
    [
        _RQ._replace(contexts=()),
        _RQ._replace(contexts=tuple(ECHO_CONTEXT._replace(context_id=2 * i + 1) for i in range(129))),
        _RQ._replace(contexts=(ECHO_CONTEXT, ECHO_CONTEXT)),
        _RQ._replace(contexts=(ECHO_CONTEXT._replace(context_id=2),)),
        _RQ._replace(contexts=(ECHO_CONTEXT._replace(context_id=257),)),
        _RQ._replace(contexts=(ECHO_CONTEXT._replace(transfer_syntaxes=()),)),
        _RQ._replace(called_ae_title=""),
        _RQ._replace(calling_ae_title="  "),
        _RQ._replace(calling_ae_title="SEVENTEEN_LETTERS"),
        _RQ._replace(called_ae_title="MÜNCHEN"),
        _RQ._replace(application_context="1.2.é"),
        _RQ._replace(protocol_version=0x10000),
        _RQ._replace(user_information=info(2**32)),
        _RQ._replace(user_information=info(-1)),
        _RQ._replace(user_information=info(user_identity=UserIdentity(5, bytes(0x10000)))),
        _RQ._replace(user_information=info(user_identity=UserIdentity(5, bytes(0xFFF0)))),
        _RQ._replace(user_information=info(user_identity=UserIdentity(256, b""))),
        _RQ._replace(user_information=info(asynchronous_window=AsynchronousOperationsWindow(65536, 1))),
        _AC._replace(contexts=(ContextResult(1, 256, IMPLICIT),)),
        _AC._replace(contexts=(ContextResult(1, 0, "1.2.\u2603"),)),
        AAssociateRJ(1, 1, 256),
        AAbort(-1, 0),
    ],
)
def test_what_has_no_bytes_is_a_local_error(pdu: PDU) -> None:
    with pytest.raises(LocalProtocolError):
        encode(pdu)


def test_title_fields() -> None:
    assert ae_title_field("PACS") == b"PACS            "
    assert ae_title_field("SIXTEEN_LETTERS_") == b"SIXTEEN_LETTERS_"
    assert ae_title_field("M\udcdcNCHEN") == b"M\xdcNCHEN         ", "what a peer sent can be sent back"


def test_an_answer_echoes_the_fields_of_the_request() -> None:
    fields = bytes(range(64))
    assert encode(_AC._replace(fields=fields))[10:74] == fields
    assert encode(_AC._replace(fields=b""))[10:74] == bytes(64)


def test_version_names_are_cut_to_what_fits() -> None:
    data = encode(_RQ._replace(user_information=info(implementation_version_name="A_NAME_TOO_LONG_é")))
    assert data.endswith(octets("55 00 0010 'A_NAME_TOO_LONG_'"))
