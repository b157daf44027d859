"""Three archives side by side: ours, dcmqrscp and Orthanc, each with what it could be filled with in bounded time."""

import contextlib
import json
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks.processes import HOST, NODELAY, Server, dcmnet, free_port, installed, run, serving

DESTINATION = "SINK"
"""The title that every archive knows, at the port it is started with."""
DCMQRSCP_HOLDS = 500
"""Studies. Beyond that it deletes old ones, whatever its configuration says."""
_FILLING = 240.0  # seconds that a peer's filling may take


class Archive(NamedTuple):
    """An archive that is up: ``name`` for people, its AE title, ``studies`` in it, and its process."""

    name: str
    title: str
    server: Server
    studies: int = 0

    @property
    def port(self) -> int:
        return self.server.port


@contextlib.contextmanager
def ours(folder: Path, *options: str, sink: int = 1) -> Iterator[Archive]:
    """``dcmnet listen --archive``."""
    words = [*dcmnet(), "listen", "{port}", "--bind", HOST, "-aet", "OURS", "--archive", str(folder), "-q"]
    with serving([*words, "--node", f"{DESTINATION}@{HOST}:{sink}", *options]) as server:
        yield Archive("dcmnet listen --archive", "OURS", server)


@contextlib.contextmanager
def dcmqrscp(folder: Path, *, sink: int = 1) -> Iterator[Archive]:
    """DCMTK's archive, Nagle's algorithm off."""
    (folder / "db").mkdir()
    configuration = folder / "dcmqrscp.cfg"
    configuration.write_text(
        "NetworkTCPPort = 104\nMaxPDUSize = 131072\nMaxAssociations = 8\n"
        f"HostTable BEGIN\nsink = ({DESTINATION}, {HOST}, {sink})\nHostTable END\nVendorTable BEGIN\nVendorTable END\n"
        f"AETable BEGIN\nQRSCP {folder / 'db'} RW ({DCMQRSCP_HOLDS}, 4096mb) ANY\nAETable END\n"
    )
    words = [installed("dcmqrscp"), "-c", str(configuration), "+B", "{port}"]
    with serving(words, NODELAY) as server:
        yield Archive("dcmqrscp NODELAY", "QRSCP", server)


@contextlib.contextmanager
def orthanc(folder: Path, *, sink: int = 1) -> Iterator[Archive]:
    """Orthanc with its own database, as installed but for its limits, ports and folders."""
    web, port = free_port(), free_port()
    settings: Mapping[str, object] = {
        "StorageDirectory": str(folder),
        "IndexDirectory": str(folder),
        "Plugins": [],
        "DicomAet": "ORTHANC",
        "DicomPort": port,
        "HttpPort": web,
        "DicomAlwaysAllowFind": True,
        "DicomAlwaysAllowGet": True,
        "DicomAlwaysAllowMove": True,
        "SynchronousCMove": True,
        "DicomModalities": {"sink": [DESTINATION, HOST, sink]},
    }
    configuration = folder / "orthanc.json"
    configuration.write_text(json.dumps(settings))
    with serving([installed("Orthanc"), str(configuration)], port=port) as server:
        yield Archive("Orthanc", "ORTHANC", server)


def fill(archive: Archive, folder: Path, studies: int) -> Archive:
    """Store ``studies`` studies of a holding's ``folder``, hundred by hundred, fewer if the time is up before."""
    begin = time.monotonic()
    stored = 0
    for below in sorted(folder.iterdir()):
        if stored >= studies or time.monotonic() - begin > _FILLING:
            break
        send(archive, below)
        stored = min(studies, stored + 100)
    _say(f"{archive.name}: {stored:,} studies stored in {time.monotonic() - begin:.0f} s")
    return archive._replace(studies=stored)


def send(archive: Archive, folder: Path) -> float:
    """Store a folder with storescu, whoever the archive is; the seconds."""
    words = [installed("storescu"), "-pdu", "131072", "-aec", archive.title, "+sd", HOST, str(archive.port)]
    return run([*words, str(folder)], NODELAY).seconds


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
