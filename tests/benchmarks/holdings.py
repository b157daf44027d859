"""What archives hold in a comparison: many studies of small objects, written as fast as the disk takes them."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.dicom_files import CT, element, part10

ROOT = "1.2.826.0.1.3680043.10.999.8"
_DAYS = 500
_STUDIES_A_PATIENT = 4


class Holding(NamedTuple):
    """``studies`` studies of one series with ``instances`` objects each, on 500 days, four to a patient."""

    studies: int
    instances: int

    @property
    def total(self) -> int:
        return self.studies * self.instances

    @property
    def words(self) -> str:
        return f"{self.studies:,} studies, {self.total:,} instances"


def day(number: int) -> str:
    """The date of a study: 25 days a month, ten months a year."""
    index = number % _DAYS
    return f"{2000 + index // 250}{index // 25 % 10 + 1:02}{index % 25 + 1:02}"


def patient(number: int) -> str:
    return f"PAT{number // _STUDIES_A_PATIENT:06}"


def write_holding(folder: Path, holding: Holding) -> None:
    """One folder for each hundred studies, a file for each object."""
    for study in range(holding.studies):
        below = folder / f"{study // 100:04}"
        if study % 100 == 0:
            below.mkdir(parents=True)
        for uid, content in _objects(study, holding.instances):
            with (below / f"{uid}.dcm").open("wb", buffering=0) as file:
                file.write(content)


def _objects(study: int, instances: int) -> Iterator[tuple[str, bytes]]:
    uid = f"{ROOT}.{study + 1}"
    for number in range(instances):
        instance = f"{uid}.1.{number + 1}"
        yield instance, part10(_data_set(study, uid, instance, number), instance=instance)


def _data_set(study: int, uid: str, instance: str, number: int) -> bytes:
    return b"".join(
        (
            element(0x00080005, "CS", "ISO_IR 100"),
            element(0x00080016, "UI", CT),
            element(0x00080018, "UI", instance),
            element(0x00080020, "DA", day(study)),
            element(0x00080030, "TM", f"{study % 24:02}{study % 60:02}00"),
            element(0x00080050, "SH", f"ACC{study:07}"),
            element(0x00080060, "CS", "CT"),
            element(0x00080090, "PN", "Doktor^Vera"),
            element(0x00081030, "LO", "CT HEAD/BRAIN W/O CONTRAST"),
            element(0x00100010, "PN", f"Miller{study // _STUDIES_A_PATIENT:05}^Jane"),
            element(0x00100020, "LO", patient(study)),
            element(0x00100030, "DA", "19560712"),
            element(0x00100040, "CS", "F"),
            element(0x0020000D, "UI", uid),
            element(0x0020000E, "UI", f"{uid}.1"),
            element(0x00200010, "SH", str(study % 1000)),
            element(0x00200011, "IS", "1"),
            element(0x00200013, "IS", str(number + 1)),
            element(0x00280010, "US", b"\x08\0"),
            element(0x00280011, "US", b"\x08\0"),
            element(0x7FE00010, "OW", bytes(128)),
        )
    )
