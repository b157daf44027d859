"""How the real servers are started, and the certificates that they and we show each other."""

import contextlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.certificates import Authority, Issued
from tests.interop.running import HOST, Peer, free_port, program, start_peer


@contextlib.contextmanager
def storescp(folder: Path, *options: str) -> Iterator[Peer]:
    """DCMTK's storescp, which takes any title."""
    command = program("storescp", "dcmtk")
    peer = start_peer("STORESCP", lambda port: (command, "-v", "-aet", "STORESCP", *options, str(port)), folder)
    yield from _until_done(peer)


@contextlib.contextmanager
def dcmqrscp(folder: Path) -> Iterator[Peer]:
    """DCMTK's dcmqrscp with one title, so that it rejects every other one."""
    command = program("dcmqrscp", "dcmtk")
    (folder / "db").mkdir()
    configuration = folder / "dcmqrscp.cfg"

    def words(port: int) -> Sequence[str]:
        configuration.write_text(
            f"NetworkTCPPort = {port}\nMaxPDUSize = 16384\nMaxAssociations = 4\n"
            "HostTable BEGIN\nHostTable END\nVendorTable BEGIN\nVendorTable END\n"
            f"AETable BEGIN\nQRSCP {folder / 'db'} RW (10, 16mb) ANY\nAETable END\n"
        )
        return command, "-v", "-c", str(configuration)

    yield from _until_done(start_peer("QRSCP", words, folder))


@contextlib.contextmanager
def orthanc(folder: Path) -> Iterator[Peer]:
    """Orthanc, told to check the title it is called by."""
    command = program("Orthanc", "orthanc")
    configuration = folder / "orthanc.json"

    def words(port: int) -> Sequence[str]:
        settings: dict[str, object] = {
            "Name": "dcmnet tests",
            "StorageDirectory": str(folder / "storage"),
            "IndexDirectory": str(folder / "storage"),
            "Plugins": [],
            "DicomAet": "ORTHANC",
            "DicomPort": port,
            "DicomCheckCalledAet": True,
            "HttpPort": free_port(),
            "RemoteAccessAllowed": True,
            "AuthenticationEnabled": False,
        }
        configuration.write_text(json.dumps(settings))
        return command, str(configuration)

    yield from _until_done(start_peer("ORTHANC", words, folder))


def _until_done(peer: Peer) -> Iterator[Peer]:
    assert peer.process is not None
    try:
        yield peer
    finally:
        peer.process.stop()


class Certificates:
    """An authority, what it vouches for, and another authority that vouches for nobody here."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder / "ours")
        self.stranger = Authority(folder / "theirs", "Somebody Else's Authority")
        self.server = self.authority.issue("server", HOST, "localhost")
        self.misnamed = self.authority.issue("misnamed", "pacs.example.org")
        self.client = self.authority.issue("client", "workstation.example.org")

    @property
    def trust(self) -> tuple[str, str]:
        """The option that trusts the authority, the same for DCMTK's programs and for ours."""
        return "+cf", self.authority.file


def own(issued: Issued) -> tuple[str, str, str]:
    """The option for one's own key and certificate, the same for DCMTK's programs and for ours."""
    return "+tls", issued.key_file, issued.certificate_file


@contextlib.contextmanager
def wlmscpfs(folder: Path, title: str, *items: Path) -> Iterator[Peer]:
    """DCMTK's worklist server, one title with the given worklist files."""
    command = program("wlmscpfs", "dcmtk")
    database = folder / "worklists" / title
    database.mkdir(parents=True)
    (database / "lockfile").touch()
    for path in items:
        (database / path.name).write_bytes(path.read_bytes())
    words = (command, "-v", "-dfp", str(folder / "worklists"))
    yield from _until_done(start_peer(title, lambda port: (*words, str(port)), folder))
