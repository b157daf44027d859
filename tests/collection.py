"""An invented collection of objects for archives: 3 patients, 6 studies, 20 series, names in several character sets."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.dicom_files import element, item, part10

CT, MR, US, SR = "CT", "MR", "US", "SR"
CLASSES = {
    CT: "1.2.840.10008.5.1.4.1.1.2",
    MR: "1.2.840.10008.5.1.4.1.1.4",
    US: "1.2.840.10008.5.1.4.1.1.6.1",
    SR: "1.2.840.10008.5.1.4.1.1.88.11",
}
ROOT = "1.2.826.0.1.3680043.10.999"


class Study(NamedTuple):
    """One invented study. ``character_set`` as in (0008,0005), ``codec`` what Python calls it."""

    patient_id: str
    name: str
    character_set: str
    name_bytes: bytes
    number: int
    date: str
    time: str
    description: str
    modalities: tuple[str, ...]

    @property
    def uid(self) -> str:
        return f"{ROOT}.{self.number}"

    @property
    def accession(self) -> str:
        return f"ACC{self.number}"

    def series_uid(self, index: int) -> str:
        return f"{self.uid}.{index + 1}"

    def instance_uid(self, series: int, index: int) -> str:
        return f"{self.series_uid(series)}.{index + 1}"


MUELLER = "Müller^Jürgen"
YAMADA = "Yamada^Tarou=山田^太郎=やまだ^たろう"
WANG = "Wang^XiaoDong=王^小东"
# The example of PS3.5 H.3.1, byte for byte.
_YAMADA_BYTES = b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B"
STUDIES = (
    Study("PAT-A", MUELLER, "ISO_IR 100", MUELLER.encode("latin_1"), 1, "20230110", "093000", "Abdomen", (CT, CT, SR)),
    Study("PAT-A", MUELLER, "ISO_IR 100", MUELLER.encode("latin_1"), 2, "20230615", "141530", "Head", (MR, MR, MR, SR)),
    Study("PAT-B", YAMADA, "\\ISO 2022 IR 87", _YAMADA_BYTES, 3, "20230615", "2230", "Liver", (US, US, US)),
    Study("PAT-B", YAMADA, "\\ISO 2022 IR 87", _YAMADA_BYTES, 4, "20240229", "080000.5", "Thorax", (CT, CT, CT)),
    Study("PAT-C", WANG, "ISO_IR 192", WANG.encode(), 5, "20240301", "235959", "Head", (CT, MR, MR, SR)),
    Study("PAT-C", WANG, "ISO_IR 192", WANG.encode(), 6, "", "", "", (US, SR, US)),
)
INSTANCES_A_SERIES = 2
SERIES = sum(len(study.modalities) for study in STUDIES)
INSTANCES = SERIES * INSTANCES_A_SERIES


def data_set(study: Study, series: int, index: int, *, pixels: int = 64) -> bytes:
    """An object in explicit VR little endian."""
    modality = study.modalities[series]
    code = element(0x00080100, "SH", f"P-{study.number}") + element(0x00080102, "SH", "99TEST")
    request = element(0x00400009, "SH", f"STEP{series}") + element(0x00401001, "SH", f"REQ{study.number}")
    return b"".join(
        (
            element(0x00080005, "CS", study.character_set),
            element(0x00080008, "CS", "ORIGINAL\\PRIMARY"),
            element(0x00080016, "UI", CLASSES[modality]),
            element(0x00080018, "UI", study.instance_uid(series, index)),
            element(0x00080020, "DA", study.date),
            element(0x00080030, "TM", study.time),
            element(0x00080050, "SH", study.accession),
            element(0x00080060, "CS", modality),
            element(0x00080090, "PN", "Doktor^Vera"),
            element(0x00081030, "LO", study.description),
            element(0x00081032, "SQ", item(code)),
            element(0x0008103E, "LO", f"series {series}"),
            element(0x00100010, "PN", study.name_bytes + b" " * (len(study.name_bytes) % 2)),
            element(0x00100020, "LO", study.patient_id),
            element(0x00100030, "DA", "19560712"),
            element(0x00100040, "CS", "F" if study.patient_id == "PAT-C" else "M"),
            element(0x0020000D, "UI", study.uid),
            element(0x0020000E, "UI", study.series_uid(series)),
            element(0x00200010, "SH", str(study.number)),
            element(0x00200011, "IS", str(series + 1)),
            element(0x00200013, "IS", str(index + 1)),
            element(0x00280010, "US", b"\x08\0"),
            element(0x00400275, "SQ", item(request)),
            element(0x7FE00010, "OW", bytes(pixels)),
        )
    )


def objects() -> Iterator[tuple[str, bytes]]:
    """(SOP Instance UID, whole file) of every object."""
    for study in STUDIES:
        for series, modality in enumerate(study.modalities):
            for index in range(INSTANCES_A_SERIES):
                uid = study.instance_uid(series, index)
                yield uid, part10(data_set(study, series, index), instance=uid, sop_class=CLASSES[modality])


def write(folder: Path) -> list[Path]:
    """All objects as files."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for uid, content in objects():
        paths.append(folder / f"{uid}.dcm")
        paths[-1].write_bytes(content)
    return paths
