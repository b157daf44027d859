"""Servers in the background: handlers of one's own, and what becomes of them at the end."""

import socket
import threading
from contextlib import ExitStack
from pathlib import Path

import pydicom
import pytest

from dcmnet_cli.api import (
    AcceptorPolicy,
    CFindRQ,
    CStoreRQ,
    ListenPlan,
    ServiceRequest,
    StoragePlan,
    Target,
    TLSSettings,
    data_set_of,
    echo,
    find,
    listening,
    respond_with,
    serving,
    store,
)
from dcmnet_cli.errors import AssociationRejected, ListenError, OperationFailed
from tests.certificates import Authority
from tests.collection import write
from tests.interop.running import HOST, is_open, wait_until

STUDY_ROOT = "1.2.840.10008.5.1.4.1.2.2.1"


def target(port: int) -> Target:
    return Target(HOST, port, called="ANY", calling="ME")


def test_echo_is_answered_without_a_handler() -> None:
    with serving({}) as server:
        echo(target(server.port))


def test_a_store_handler_gets_the_object(tmp_path: Path) -> None:
    write(tmp_path)
    seen: list[pydicom.Dataset] = []

    def keep(request: ServiceRequest) -> int:
        seen.append(data_set_of(request))
        return 0xB000 if len(seen) == 2 else 0

    with serving({CStoreRQ: keep}) as server:
        outcomes = store(target(server.port), tmp_path)
    sent = {str(pydicom.dcmread(path).SOPInstanceUID): pydicom.dcmread(path) for path in tmp_path.iterdir()}
    assert {str(each.SOPInstanceUID) for each in seen} == set(sent)
    assert all(each == sent[str(each.SOPInstanceUID)] for each in seen)
    assert [outcome.status for outcome in outcomes].count(0xB000) == 1


@pytest.mark.parametrize(
    "syntax",
    ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"],
    ids=["implicit", "explicit", "big endian", "deflated"],
)
def test_a_find_handler_answers_with_data_sets(syntax: str) -> None:
    """To pynetdicom, which reads every one of these."""
    from pynetdicom import AE

    def answer(request: ServiceRequest) -> int:
        asked = data_set_of(request)
        for number in range(2):
            found = pydicom.Dataset()
            found.QueryRetrieveLevel = asked.QueryRetrieveLevel
            found.PatientName = f"{asked.PatientName}^{number}"
            respond_with(request, found)
        return 0

    entity = AE("ME")
    entity.add_requested_context(STUDY_ROOT, syntax)
    keys = pydicom.Dataset()
    keys.QueryRetrieveLevel, keys.PatientName = "STUDY", "DOE"
    with serving({CFindRQ: answer}) as server:
        association = entity.associate(HOST, server.port)
        found = [str(each.PatientName) for _, each in association.send_c_find(keys, STUDY_ROOT) if each]
        association.release()
    assert found == ["DOE^0", "DOE^1"]


def test_a_handler_that_raises_costs_its_request_alone() -> None:
    def fail(request: ServiceRequest) -> int:
        raise ValueError("no")

    with serving({CFindRQ: fail}) as server:
        with pytest.raises(OperationFailed):
            find(target(server.port))
        echo(target(server.port))


def test_a_policy_decides_who_is_accepted() -> None:
    policy = AcceptorPolicy(calling_ae_titles=frozenset({"YOU"}), any_abstract_syntax=True)
    with serving({}, policy=policy) as server, pytest.raises(AssociationRejected):
        echo(target(server.port))


def test_with_tls(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    issued = authority.issue("server", HOST, "localhost")
    ours = TLSSettings(key_file=issued.key_file, certificate_file=issued.certificate_file, verify="ignore")
    with serving({}, tls=ours) as server:
        report = echo(target(server.port)._replace(tls=TLSSettings(ca_files=(authority.file,))))
    assert "TLS" in [step.name for step in report.steps][2]


def test_nothing_is_left_of_a_server() -> None:
    """Though somebody still holds a connection to it."""
    before = threading.active_count()
    with ExitStack() as stack:
        with serving({}) as server:
            port = server.port
            stack.enter_context(socket.create_connection((HOST, port)))
            wait_until(lambda: threading.active_count() == before + 2, "a thread for the connection")
            with pytest.raises(ListenError), serving({}, port=port):
                raise AssertionError("two servers at one port")
        assert threading.active_count() == before
        assert not is_open(port)


def test_a_listener_tells_what_it_does(tmp_path: Path) -> None:
    write(tmp_path / "in")
    (tmp_path / "out").mkdir()
    events: list[str] = []
    plan = ListenPlan(0, HOST, storage=StoragePlan(str(tmp_path / "out")))
    with listening(plan, lambda event: events.append(event.event)) as listener:
        store(target(listener.port), tmp_path / "in")
    assert len(list((tmp_path / "out").iterdir())) == len(list((tmp_path / "in").iterdir()))
    assert events[0] == "listening"
    assert events[-1] == "stopped"
    assert "received" in events
