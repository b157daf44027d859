"""Objects for tests of faults: of one study, in ten series, as large as one likes, and never twice the same bytes."""

import random
from pathlib import Path

from tests.dicom_files import CT as CT
from tests.dicom_files import element, part10

STUDY = "1.2.3.4"


def uid_of(number: int) -> str:
    return f"{STUDY}.5.{number}"


def image(number: int, length: int = 1024) -> bytes:
    """The data set of instance ``number``, with so many bytes of pixels."""
    return b"".join(
        (
            element(0x00080016, "UI", CT),
            element(0x00080018, "UI", uid_of(number)),
            element(0x00080060, "CS", "CT"),
            element(0x00100010, "PN", "DOE^JANE"),
            element(0x00100020, "LO", "P1"),
            element(0x0020000D, "UI", STUDY),
            element(0x0020000E, "UI", f"{STUDY}.{number % 10}"),
            element(0x7FE00010, "OW", random.Random(number).randbytes(length)),
        )
    )


def write(folder: Path, number: int, length: int = 1024) -> Path:
    """Instance ``number`` as a file."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{number:04}.dcm"
    path.write_bytes(part10(image(number, length), instance=uid_of(number)))
    return path
