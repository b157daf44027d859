"""Real archives that hold something: one study of several kinds of objects, sent there by our own ``store``."""

import contextlib
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pydicom
import pydicom.data
from pydicom.uid import generate_uid

from tests.interop.running import HOST, Peer, dcmnet, free_port, program, start_peer

FILES = Path(pydicom.data.__file__).parent / "test_files"
STUDY, SECOND_STUDY = "1.2.826.0.1.3680043.8.498.1", "1.2.826.0.1.3680043.8.498.2"
ACCESSION, SECOND_ACCESSION, PATIENT = "RX88", "RX89", "PAT88"
KINDS = {
    "CT_small.dcm": 5,
    "MR_small_implicit.dcm": 2,
    "MR_small_jp2klossless.dcm": 1,
    "SC_rgb_jpeg_gdcm.dcm": 1,
    "SC_rgb_rle.dcm": 1,
    "reportsi.dcm": 1,
    "rtplan.dcm": 1,
}
"""The bundled files that the first study is made of, and how many instances each gives; a series each."""


class Filled(NamedTuple):
    """An archive with two studies. It knows the titles HERE, at ``port``, and THIRD, at ``third``; NOBODY is known
    with a port where nothing listens."""

    peer: Peer
    port: int
    third: int
    instances: dict[str, list[str]]

    @property
    def words(self) -> tuple[str, ...]:
        return ("-aet", "HERE", *self.peer.words)


def make_objects(folder: Path) -> dict[str, list[str]]:
    """Write the objects, and return their SOP Instance UIDs by study."""
    made: dict[str, list[str]] = {STUDY: [], SECOND_STUDY: []}
    for name, number in KINDS.items():
        series = generate_uid(entropy_srcs=["series", name])
        for index in range(number):
            made[STUDY].append(_write(folder, name, STUDY, ACCESSION, series, index))
    made[SECOND_STUDY].append(_write(folder, "CT_small.dcm", SECOND_STUDY, SECOND_ACCESSION, generate_uid(), 99))
    return made


def _write(folder: Path, name: str, study: str, accession: str, series: str, index: int) -> str:
    data = pydicom.dcmread(FILES / name)
    uid = generate_uid(entropy_srcs=[study, name, str(index)])
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = uid
    data.StudyInstanceUID, data.SeriesInstanceUID = study, series
    data.AccessionNumber, data.PatientID, data.StudyDate = accession, PATIENT, "20250114"
    data.PatientName, data.StudyID, data.StudyTime = "Doe^Jane", "1", "101500"
    data.StudyDescription, data.InstanceNumber = "CHEST", index + 1
    data.SeriesNumber = list(KINDS).index(name) + 1
    data.Modality = data.get("Modality") or "OT"
    data.save_as(folder / f"{uid}.dcm")
    return uid


def _fill(peer: Peer, folder: Path, port: int, third: int) -> Filled:
    objects = folder / "objects"
    objects.mkdir()
    instances = make_objects(objects)
    sent = dcmnet("store", "-aet", "HERE", *peer.words, str(objects), "--json", seconds=60)
    assert sent.status == 0, sent.stdout
    return Filled(peer, port, third, instances)


@contextlib.contextmanager
def filled_dcmqrscp(folder: Path) -> Iterator[Filled]:
    """DCMTK's dcmqrscp, which takes nothing compressed, and lists instances without their SOP classes."""
    command = program("dcmqrscp", "dcmtk")
    (folder / "db").mkdir(parents=True)
    configuration = folder / "dcmqrscp.cfg"
    port, third, closed = free_port(), free_port(), free_port()
    hosts = (("here", "HERE", port), ("third", "THIRD", third), ("gone", "NOBODY", closed))
    table = "\n".join(f"{name} = ({title}, {HOST}, {number})" for name, title, number in hosts)

    def words(own: int) -> Sequence[str]:
        configuration.write_text(
            f"NetworkTCPPort = {own}\nMaxPDUSize = 16384\nMaxAssociations = 8\n"
            f"HostTable BEGIN\n{table}\nHostTable END\nVendorTable BEGIN\nVendorTable END\n"
            f"AETable BEGIN\nQRSCP {folder / 'db'} RW (100, 64mb) ANY\nAETable END\n"
        )
        return command, "-v", "-c", str(configuration)

    yield from _served(start_peer("QRSCP", words, folder), folder, port, third)


@contextlib.contextmanager
def filled_orthanc(folder: Path) -> Iterator[Filled]:
    """Orthanc, which converts where it has to."""
    command = program("Orthanc", "orthanc")
    folder.mkdir(parents=True, exist_ok=True)
    configuration = folder / "orthanc.json"
    port, third, closed = free_port(), free_port(), free_port()

    def words(own: int) -> Sequence[str]:
        settings: dict[str, object] = {
            "StorageDirectory": str(folder / "storage"),
            "IndexDirectory": str(folder / "storage"),
            "Plugins": [],
            "DicomAet": "ORTHANC",
            "DicomPort": own,
            "DicomAlwaysAllowGet": True,
            "DicomAlwaysAllowMove": True,
            "DicomAlwaysAllowFind": True,
            "DicomModalities": {
                "here": ["HERE", HOST, port],
                "third": ["THIRD", HOST, third],
                "gone": ["NOBODY", HOST, closed],
            },
            "HttpPort": free_port(),
            "HttpServerEnabled": False,
            "SynchronousCMove": True,
        }
        configuration.write_text(json.dumps(settings))
        return command, str(configuration)

    yield from _served(start_peer("ORTHANC", words, folder), folder, port, third)


@contextlib.contextmanager
def filled_dcmnet(folder: Path) -> Iterator[Filled]:
    """Our own archive, which knows the same titles."""
    (folder / "archive").mkdir(parents=True)
    port, third, closed = free_port(), free_port(), free_port()
    hosts = (("HERE", port), ("THIRD", third), ("NOBODY", closed))
    nodes = [word for title, number in hosts for word in ("--node", f"{title}@{HOST}:{number}")]

    def words(own: int) -> Sequence[str]:
        command = (sys.executable, "-m", "dcmnet_cli", "listen", str(own), "--bind", HOST, "-aet", "OURS")
        return *command, "--archive", str(folder / "archive"), *nodes

    yield from _served(start_peer("OURS", words, folder), folder, port, third)


def _served(peer: Peer, folder: Path, port: int, third: int) -> Iterator[Filled]:
    assert peer.process is not None
    try:
        yield _fill(peer, folder, port, third)
    finally:
        peer.process.stop()
