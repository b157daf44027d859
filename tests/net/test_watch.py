"""A watch on an association: looked in on while nothing comes, and a say in what counts as silence."""

import time

import pytest

from dcmnet_cli.core.commands import CCancelRQ, CEchoRQ
from dcmnet_cli.core.negotiation import AcceptorPolicy, own_information, propose
from dcmnet_cli.core.pdu import AAssociateRQ, RoleSelection
from dcmnet_cli.core.uids import IMPLICIT_VR_LITTLE_ENDIAN, VERIFICATION
from dcmnet_cli.errors import TimedOut
from dcmnet_cli.net.association import Association
from dcmnet_cli.net.server import Server
from dcmnet_cli.net.service import Handler, ServiceRequest, answer_echo
from dcmnet_cli.net.transport import connect, listen
from tests.scripted import QUICK, until
from tests.serving import running

SYNTAXES = [(VERIFICATION, (IMPLICIT_VR_LITTLE_ENDIAN,))]


def serving(handler: Handler) -> Server:
    policy = AcceptorPolicy(any_abstract_syntax=True, grants_scp_role=lambda uid: True)
    return Server(listen("127.0.0.1", 0), {CEchoRQ: handler}, policy=policy)


def request_of(port: int, dimse: float, *roles: RoleSelection) -> Association:
    request = AAssociateRQ("YOU", "ME", propose(SYNTAXES), own_information()._replace(roles=roles))
    return Association.request(connect("127.0.0.1", port, timeout=2.0), request, timers=QUICK._replace(dimse=dimse))


def late(request: ServiceRequest) -> int:
    time.sleep(0.6)
    return 0


def later(request: ServiceRequest) -> int:
    time.sleep(2.0)
    return 0


def test_a_sign_of_life_elsewhere_holds_the_timer_off() -> None:
    with running(serving(later)) as port, request_of(port, 1.5) as association:
        association.watch = time.monotonic
        association.call(1, CEchoRQ(1))


def test_an_old_sign_of_life_does_not() -> None:
    with running(serving(late)) as port:
        association = request_of(port, 0.25)
        association.watch = lambda: 0.0
        with pytest.raises(TimedOut):
            association.call(1, CEchoRQ(1))


def test_it_is_looked_in_on_while_nothing_comes_and_may_send() -> None:
    looks: list[float] = []
    with running(serving(late)) as port, request_of(port, 2.0) as association:

        def look() -> float:
            looks.append(time.monotonic())
            if len(looks) == 2:
                association.send(1, CCancelRQ(1))
            return 0.0

        association.watch = look
        association.call(1, CEchoRQ(1))
        association.watch = None
    assert 4 <= len(looks) <= 12


def test_who_may_ask_is_a_matter_of_roles() -> None:
    """The requestor is SCP of a class where that was agreed, and then it does not serve as acceptors do."""
    with running(serving(answer_echo)) as port:
        for roles, serves in (((), False), ((RoleSelection(VERIFICATION, False, True),), True)):
            with request_of(port, 2.0, *roles) as association:
                assert association.serves(association.negotiated.contexts[1]) == serves
                assert association.peer_ae_title == "YOU"


def test_a_server_knows_when_it_last_heard_of_anybody() -> None:
    server = serving(answer_echo)
    with running(server) as port:
        assert server.last_heard == 0.0
        before = time.monotonic()
        with request_of(port, 2.0) as association:
            association.call(1, CEchoRQ(1))
            assert server.last_heard >= before
        until(lambda: server.last_heard == 0.0)
