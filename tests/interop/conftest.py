"""Real peers for the tests of this folder: each server starts when it is first asked for, on a free loopback port."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.interop import archives, peers
from tests.interop.running import HOST, Listener, Peer, Process, missing, program, start_peer

Folders = pytest.TempPathFactory


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.interop)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Any:
    """A failure shows what the programs have said that run at this moment."""
    report = yield
    if report.failed:
        report.sections += [(f"log of {process.name}", process.log[-4000:]) for process in Process.running]
    return report


@pytest.fixture(scope="session")
def storescp(tmp_path_factory: Folders) -> Iterator[Peer]:
    with peers.storescp(tmp_path_factory.mktemp("storescp")) as peer:
        yield peer


@pytest.fixture(scope="module")
def sink(tmp_path_factory: Folders) -> Iterator[tuple[Peer, Path]]:
    """A storescp that takes everything, and its folder."""
    folder = tmp_path_factory.mktemp("sink")
    storescp = program("storescp", "dcmtk")
    peer = start_peer("SINK", lambda port: (storescp, "+xa", "-od", str(folder), str(port)), folder / "log")
    yield peer, folder
    assert peer.process is not None
    peer.process.stop()


@pytest.fixture(scope="session")
def dcmqrscp(tmp_path_factory: Folders) -> Iterator[Peer]:
    with peers.dcmqrscp(tmp_path_factory.mktemp("dcmqrscp")) as peer:
        yield peer


@pytest.fixture(scope="session")
def orthanc(tmp_path_factory: Folders) -> Iterator[Peer]:
    with peers.orthanc(tmp_path_factory.mktemp("orthanc")) as peer:
        yield peer


StartAE = Callable[..., Peer]


@pytest.fixture(scope="session")
def start_ae() -> Iterator[StartAE]:
    """Start pynetdicom servers: ``start_ae(contexts, handlers)``, and attributes of its AE by name."""
    try:
        from pynetdicom import AE
        from pynetdicom.sop_class import Verification
    except ImportError:
        missing("pynetdicom", "pip install pynetdicom")
    servers = []

    def start(
        contexts: Sequence[str] = (Verification,), handlers: Sequence[Any] = (), port: int = 0, **attributes: Any
    ) -> Peer:
        entity = AE("PYNETDICOM")
        for name, setting in attributes.items():
            assert hasattr(entity, name)
            setattr(entity, name, setting)
        for context in contexts:
            entity.add_supported_context(context)
        server = entity.start_server((HOST, port), block=False, evt_handlers=list(handlers))
        servers.append(server)
        return Peer("PYNETDICOM", server.server_address[1])

    yield start
    with ThreadPoolExecutor() as pool:  # each takes half a second to notice
        list(pool.map(lambda server: server.shutdown(), servers))


@pytest.fixture(scope="session")
def pynetdicom(start_ae: StartAE) -> Peer:
    """pynetdicom with its defaults: any title, Verification only."""
    return start_ae()


@pytest.fixture(params=["storescp", "dcmqrscp", "orthanc", "pynetdicom"])
def peer(request: pytest.FixtureRequest) -> Peer:
    """Each of the four in turn."""
    chosen: Peer = request.getfixturevalue(request.param)
    return chosen


StartListener = Callable[..., Listener]


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[StartListener]:
    """Start ``dcmnet listen 0 --json`` with further words."""
    started: list[Listener] = []

    def start(*words: str) -> Listener:
        started.append(Listener(tmp_path / f"listener{len(started)}", *words))
        return started[-1]

    yield start
    for each in started:
        each.process.stop()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: Folders) -> peers.Certificates:
    return peers.Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def filled_dcmqrscp(tmp_path_factory: Folders) -> Iterator[archives.Filled]:
    with archives.filled_dcmqrscp(tmp_path_factory.mktemp("filled") / "dcmqrscp") as filled:
        yield filled


@pytest.fixture(scope="session")
def filled_orthanc(tmp_path_factory: Folders) -> Iterator[archives.Filled]:
    with archives.filled_orthanc(tmp_path_factory.mktemp("filled") / "orthanc") as filled:
        yield filled


@pytest.fixture(scope="session")
def filled_dcmnet(tmp_path_factory: Folders) -> Iterator[archives.Filled]:
    with archives.filled_dcmnet(tmp_path_factory.mktemp("filled") / "dcmnet") as filled:
        yield filled


@pytest.fixture(params=["filled_dcmqrscp", "filled_orthanc", "filled_dcmnet"], ids=["dcmqrscp", "Orthanc", "dcmnet"])
def filled(request: pytest.FixtureRequest) -> archives.Filled:
    """An archive with two studies, of each kind in turn."""
    chosen: archives.Filled = request.getfixturevalue(request.param)
    return chosen
