"""The dispatch of requests to handlers, through a server on loopback and a peer whose bytes are scripted."""

from collections.abc import Callable, Iterator

import pytest

from dcmnet_cli.core.commands import CEchoRQ, CFindRQ, CStoreRQ, NGetRQ
from dcmnet_cli.core.negotiation import AcceptorPolicy
from dcmnet_cli.errors import AssociationAborted, LocalProtocolError, OutputError
from dcmnet_cli.net.listener import listen
from dcmnet_cli.net.server import Server
from dcmnet_cli.net.service import Handlers, ServiceRequest, answer_echo
from tests.golden import associate as golden
from tests.golden import messages
from tests.scripted import (
    ABORT_BY_USER,
    QUICK,
    RELEASE_RP,
    RELEASE_RQ,
    Peer,
    Watcher,
    command,
    dial,
    echo_request,
    elements_of,
    p_data,
    status_of,
    us,
)
from tests.serving import running

CT = b"1.2.840.10008.5.1.4.1.1.2\0"
Serve = Callable[[Handlers], tuple[Peer, Watcher]]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a server with these handlers, and have an association on it for Verification, CT (id 3) and find (5)."""
    opened: list[object] = []

    def start(handlers: Handlers) -> tuple[Peer, Watcher]:
        watcher = Watcher()
        policy = AcceptorPolicy(any_abstract_syntax=True)
        server = Server(listen("127.0.0.1", 0), handlers, policy=policy, timers=QUICK, observers=(watcher,))
        context = running(server)
        port = context.__enter__()
        peer = dial(port)
        opened.append((context, peer))
        peer.send(THREE_CONTEXTS)
        assert peer.pdu()[0] == 2
        return peer, watcher

    yield start
    for context, peer in opened:  # type: ignore[misc]
        peer.close()
        context.__exit__(None, None, None)


def proposing(*contexts: tuple[int, bytes]) -> bytes:
    """An association request for these SOP classes, each with Implicit VR Little Endian."""

    def item(kind: int, body: bytes) -> bytes:
        return bytes((kind, 0)) + len(body).to_bytes(2, "big") + body

    syntax = item(0x40, b"1.2.840.10008.1.2")
    items = item(0x10, b"1.2.840.10008.3.1.1.1")
    for context_id, uid in contexts:
        items += item(0x20, bytes((context_id, 0, 0, 0)) + item(0x30, uid) + syntax)
    items += item(0x50, item(0x51, (16384).to_bytes(4, "big")) + item(0x52, b"1.2.3.4"))
    body = b"\0\1\0\0" + b"SCP".ljust(16) + b"SCU".ljust(16) + bytes(32) + items
    return b"\1\0" + len(body).to_bytes(4, "big") + body


THREE_CONTEXTS = proposing(
    (1, golden.VERIFICATION.encode()), (3, golden.CT_STORAGE.encode()), (5, golden.STUDY_FIND.encode())
)


def store(context_id: int = 3, *, sop_class: bytes = CT, data_set_type: int = 1, message_id: int = 7) -> bytes:
    return command(
        context_id,
        (0x0002, sop_class),
        (0x0100, us(1)),
        (0x0110, us(message_id)),
        (0x0700, us(0)),
        (0x0800, us(data_set_type)),
        (0x1000, b"1.2.3.4.5.6.7.8\0"),
    )


def released(peer: Peer) -> bool:
    """Whether the association is alive and well to the end."""
    peer.send(RELEASE_RQ)
    return peer.pdu() == RELEASE_RP


def test_an_echo(serve: Serve) -> None:
    peer, watcher = serve({CEchoRQ: answer_echo})
    peer.send(messages.ECHO_RQ.pdus)
    assert peer.pdu() == messages.ECHO_RSP.pdus
    assert released(peer)
    assert watcher.errors == []


def test_a_handler_reads_the_data_set_and_says_the_status(serve: Serve) -> None:
    stored: list[tuple[bytes, str, str]] = []

    def keep(request: ServiceRequest) -> int:
        assert isinstance(request.message, CStoreRQ)
        data = b"".join(bytes(view) for batch in request.fragments() for view in batch)
        stored.append((data, request.message.affected_sop_instance_uid, request.context.transfer_syntax))
        return 0xB000

    peer, _ = serve({CStoreRQ: keep})
    peer.send(store(), p_data(3, 0, b"half"), p_data(3, 2, b"rest"))
    answered = peer.pdu()
    elements = elements_of(answered)
    assert stored == [(b"halfrest", "1.2.3.4.5.6.7.8", golden.IMPLICIT)]
    assert answered[10] == 3
    assert status_of(answered) == 0xB000
    assert elements[0x0100] == us(0x8001)
    assert elements[0x0120] == us(7)
    assert (elements[0x0002], elements[0x1000]) == (CT, b"1.2.3.4.5.6.7.8\0")
    assert released(peer)


def test_what_a_handler_leaves_of_the_data_set_is_dropped(serve: Serve) -> None:
    peer, _ = serve({CStoreRQ: lambda request: 0xA700, CEchoRQ: answer_echo})
    peer.send(store(), p_data(3, 0, bytes(10000)), p_data(3, 2, bytes(10000)), echo_request())
    assert status_of(peer.pdu()) == 0xA700
    assert status_of(peer.pdu()) == 0
    assert released(peer)


def test_a_uid_padded_in_its_own_way_comes_back_byte_by_byte(serve: Serve) -> None:
    peer, _ = serve({CStoreRQ: lambda request: 0})
    instance = b"1.2.3.4.5.6.7.8\0\0\0"
    fixed = (0x0002, CT), (0x0100, us(1)), (0x0110, us(7)), (0x0700, us(0)), (0x0800, us(1)), (0x1000, instance)
    peer.send(command(3, *fixed), p_data(3, 2, b""))
    assert elements_of(peer.pdu())[0x1000] == instance


# --- handlers that fail --------------------------------------------------------------------------------------------


def failing(error: Exception) -> Callable[[ServiceRequest], int]:
    def handler(request: ServiceRequest) -> int:
        raise error

    return handler


@pytest.mark.parametrize("error", [ZeroDivisionError("x"), OutputError("the disk is full"), LocalProtocolError("we")])
def test_a_handler_that_raises_costs_one_failure(serve: Serve, error: Exception) -> None:
    peer, watcher = serve({CStoreRQ: failing(error), CEchoRQ: answer_echo})
    peer.send(store(), p_data(3, 2, bytes(100)))
    assert status_of(peer.pdu()) == 0xC000
    peer.send(echo_request())
    assert status_of(peer.pdu()) == 0
    assert released(peer)
    assert watcher.errors == [error]


def test_an_operation_of_the_other_kind_fails_with_its_own_status(serve: Serve) -> None:
    peer, watcher = serve({NGetRQ: failing(ZeroDivisionError())})
    printer = (0x0003, b"1.2.840.10008.5.1.1.16"), (0x1001, b"1.2.840.10008.5.1.1.17")
    peer.send(command(1, printer[0], (0x0100, us(0x0110)), (0x0110, us(1)), (0x0800, us(0x0101)), printer[1]))
    assert status_of(peer.pdu()) == 0x0110
    assert len(watcher.errors) == 1


def test_a_status_that_cannot_be_sent_is_the_handlers_fault(serve: Serve) -> None:
    peer, watcher = serve({CEchoRQ: lambda request: request.respond(0x10000)})
    peer.send(echo_request())
    assert status_of(peer.pdu()) == 0xC000
    assert isinstance(watcher.errors[0], LocalProtocolError)
    assert released(peer)


def test_no_status_is_never_taken_for_success(serve: Serve) -> None:
    peer, watcher = serve({CStoreRQ: lambda request: None})
    peer.send(store(), p_data(3, 2, b"data"))
    assert status_of(peer.pdu()) == 0xC000
    assert "the handler of C-STORE-RQ gave no status" in str(watcher.errors[0])
    assert released(peer)


def test_a_handler_that_aborts_has_the_last_word(serve: Serve) -> None:
    peer, watcher = serve({CEchoRQ: lambda request: request.association.abort()})
    peer.send(echo_request())
    assert peer.rest() == ABORT_BY_USER
    watcher.await_closed()
    assert watcher.errors == []
    assert watcher.names.count("aborted") == 1


def test_a_handler_that_swallows_the_end_of_the_association(serve: Serve) -> None:
    def stubborn(request: ServiceRequest) -> int:
        try:
            request.read_data_set()
        except AssociationAborted:
            raise ValueError("something else") from None
        return 0

    peer, watcher = serve({CStoreRQ: stubborn})
    peer.send(store(), p_data(3, 0, b"half"), ABORT_BY_USER)
    assert peer.is_gone()
    watcher.await_closed()
    assert [str(error) for error in watcher.errors] == ["something else"]


def test_a_data_set_beyond_the_limit_of_an_identifier(serve: Serve) -> None:
    peer, watcher = serve({CStoreRQ: lambda request: len(request.read_data_set(10))})
    peer.send(store(), p_data(3, 2, bytes(11)))
    assert peer.rest() == ABORT_BY_USER
    watcher.await_closed()
    assert len(watcher.errors) == 1


# --- handlers that answer themselves -------------------------------------------------------------------------------


def find(message_id: int = 2) -> bytes:
    uid = golden.STUDY_FIND.encode() + b"\0"
    head = command(5, (0x0002, uid), (0x0100, us(0x20)), (0x0110, us(message_id)), (0x0700, us(0)), (0x0800, us(1)))
    return head + p_data(5, 2, b"identifier")


def test_pending_responses_and_a_final_one(serve: Serve) -> None:
    def matches(request: ServiceRequest) -> int:
        identifier = request.read_data_set()
        for _ in range(3):
            request.respond(0xFF00, identifier)
        return 0

    peer, _ = serve({CFindRQ: matches})
    peer.send(find())
    for _ in range(3):
        pending = peer.pdu()
        assert status_of(pending) == 0xFF00
        assert elements_of(pending)[0x0800] != us(0x0101)
        assert peer.pdu()[12:] == b"identifier"
    final = peer.pdu()
    assert status_of(final) == 0
    assert elements_of(final)[0x0800] == us(0x0101)
    assert released(peer)


def test_pending_alone_is_no_answer(serve: Serve) -> None:
    peer, watcher = serve({CFindRQ: lambda request: request.respond(0xFF01, b"")})
    peer.send(find())
    assert status_of(peer.pdu()) == 0xFF01
    assert peer.pdu()[12:] == b""
    assert status_of(peer.pdu()) == 0xC000
    assert len(watcher.errors) == 1


def test_one_final_response_and_no_other(serve: Serve) -> None:
    def both(request: ServiceRequest) -> int:
        request.respond(0xFE00, error_comment="as you wish")
        return 0

    peer, _ = serve({CFindRQ: both})
    peer.send(find())
    answered = peer.pdu()
    assert status_of(answered) == 0xFE00
    assert elements_of(answered)[0x0902].rstrip() == b"as you wish"
    assert released(peer)


# --- requests that reach no handler --------------------------------------------------------------------------------


def test_an_operation_without_a_handler(serve: Serve) -> None:
    peer, watcher = serve({CEchoRQ: answer_echo})
    peer.send(find())
    assert status_of(peer.pdu()) == 0x0211
    assert released(peer)
    assert watcher.errors == []


def test_an_operation_that_does_not_exist(serve: Serve) -> None:
    peer, _ = serve({CEchoRQ: answer_echo})
    peer.send(command(3, (0x0100, us(0x0077)), (0x0110, us(9)), (0x0800, us(1))), p_data(3, 2, bytes(2000)))
    answered = peer.pdu()
    elements = elements_of(answered)
    assert status_of(answered) == 0x0211
    assert (elements[0x0100], elements[0x0120]) == (us(0x8077), us(9))
    assert answered[10] == 3
    assert released(peer)


def test_an_unknown_operation_without_a_message_id_gets_no_answer(serve: Serve) -> None:
    peer, _ = serve({CEchoRQ: answer_echo})
    peer.send(command(1, (0x0100, us(0x0077)), (0x0800, us(0x0101))))
    peer.send(command(1, (0x0100, us(0x8077)), (0x0110, us(5)), (0x0800, us(0x0101))))
    assert released(peer)


def test_a_service_on_the_context_of_another(serve: Serve) -> None:
    calls: list[object] = []
    peer, _ = serve({CStoreRQ: lambda request: calls.append(request) or 0})  # type: ignore[func-returns-value]
    peer.send(store(1), p_data(1, 2, b"data"))
    answered = peer.pdu()
    assert status_of(answered) == 0x0122
    assert elements_of(answered)[0x1000] == b"1.2.3.4.5.6.7.8\0"
    assert calls == []
    assert released(peer)


def test_a_sop_class_that_is_not_its_contexts(serve: Serve) -> None:
    peer, _ = serve({CStoreRQ: lambda request: 0})
    peer.send(store(3, sop_class=golden.MR_STORAGE.encode() + b"\0"), p_data(3, 2, b"data"))
    assert status_of(peer.pdu()) == 0x0122


def test_a_store_without_a_data_set_is_no_success(serve: Serve) -> None:
    calls: list[object] = []
    peer, _ = serve({CStoreRQ: lambda request: calls.append(request) or 0})  # type: ignore[func-returns-value]
    peer.send(store(data_set_type=0x0101))
    assert status_of(peer.pdu()) == 0xA900
    assert calls == []
    assert released(peer)


def test_a_cancel_for_nothing_is_ignored(serve: Serve) -> None:
    peer, watcher = serve({CEchoRQ: answer_echo})
    peer.send(messages.CANCEL_RQ.pdus, echo_request())
    assert status_of(peer.pdu()) == 0
    assert released(peer)
    assert watcher.errors == []


def test_a_response_that_nobody_asked_for_is_an_abort(serve: Serve) -> None:
    peer, watcher = serve({CEchoRQ: answer_echo})
    peer.send(messages.ECHO_RSP.pdus)
    assert peer.rest() == bytes.fromhex("07 00 00000004 0000 02 02")
    watcher.await_closed()
    assert "which awaits none" in str(watcher.errors[0])


def test_an_error_comment_is_never_too_long(serve: Serve) -> None:
    def verbose(request: ServiceRequest) -> None:
        request.respond(0xC001, error_comment="ä" * 100)

    peer, _ = serve({CStoreRQ: verbose})
    peer.send(store(), p_data(3, 2, b"data"))
    assert elements_of(peer.pdu())[0x0902] == b"?" * 64


def test_the_golden_store_request(serve: Serve) -> None:
    data: list[bytes] = []

    def keep(request: ServiceRequest) -> int:
        data.append(request.read_data_set())
        return 0

    peer, _ = serve({CStoreRQ: keep})
    peer.send(messages.STORE_RQ.pdus, messages.STORE_RQ_IN_FOUR.pdus)
    assert status_of(peer.pdu()) == 0
    assert status_of(peer.pdu()) == 0
    assert data == [messages.STORE_RQ.data_set, messages.STORE_RQ_IN_FOUR.data_set]
