"""One response again and again: on the wire it is what as many single ones would be, and observers see each."""

from collections.abc import Sequence

import pytest

from dcmnet_cli.core.commands import DATA_SET, CFindRSP
from dcmnet_cli.core.events import Trace
from dcmnet_cli.core.pdu import AAssociateRQ
from dcmnet_cli.net.association import Association
from dcmnet_cli.net.observer import Observer
from tests.golden import associate as golden
from tests.scripted import QUICK, Peer, connected


class Watching(Observer):
    """Counts what is traced."""

    def __init__(self) -> None:
        self.seen = 0

    def traced(self, association: Association, trace: Trace) -> None:
        self.seen += 1


def sent(data_sets: Sequence[bytes], *, alike: bool, observers: Sequence[Observer] = ()) -> bytes:
    """What goes out for them."""
    transport, peer = connected()
    with peer:
        peer.send(golden.AC_ECHO.data)
        assert isinstance(golden.RQ_ECHO.record, AAssociateRQ)
        association = Association.request(transport, golden.RQ_ECHO.record, timers=QUICK, observers=observers)
        peer.pdu()
        response = CFindRSP(1, 0xFF00, "1.2.3", command_data_set_type=DATA_SET)
        if alike:
            association.send_alike(1, response, data_sets)
        else:
            for data in data_sets:
                association.send(1, response, data)
        transport.close()
        return Peer.rest(peer)


@pytest.mark.parametrize("sizes", [(10, 20, 30), (0, 2), (100_000, 4), ()])
def test_the_bytes_are_those_of_single_responses(sizes: tuple[int, ...]) -> None:
    data_sets = [bytes((number,)) * size for number, size in enumerate(sizes, 65)]
    assert sent(data_sets, alike=True) == sent(data_sets, alike=False)


def test_each_is_traced() -> None:
    watching = Watching()
    data_sets = [b"ab", b"cd", b"ef"]
    assert sent(data_sets, alike=True, observers=[watching]) == sent(data_sets, alike=False)
    one = Watching()
    sent(data_sets[:1], alike=True, observers=[one])
    assert watching.seen > one.seen
