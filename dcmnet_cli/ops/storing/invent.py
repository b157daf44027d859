"""Invented identities, so that a few files make a load test of any size (storescu's +II, +IR, +IS and +IP).

New instances after every object, new series, studies and patients after so many of what they are made of. Values say
what they are: nobody should take an invented patient for a real one.
"""

import threading
import uuid
from typing import NamedTuple

from dcmnet_cli.core import uids
from dcmnet_cli.errors import ConversionError
from dcmnet_cli.net.elements import Layout
from dcmnet_cli.net.part10 import DicomFile, PRead, layout_of
from dcmnet_cli.ops.conversion.recode import IMPLICIT_LITTLE, Edit, Recoder
from dcmnet_cli.ops.conversion.spool import Reader, Spool, deflate, inflate
from dcmnet_cli.ops.conversion.vrs import is_vr

_SOP_INSTANCE, _ACCESSION, _PATIENT_NAME, _PATIENT_ID = 0x00080018, 0x00080050, 0x00100010, 0x00100020
_STUDY, _SERIES, _STUDY_ID, _SERIES_NUMBER, _INSTANCE_NUMBER = (
    0x0020000D,
    0x0020000E,
    0x00200010,
    0x00200011,
    0x00200013,
)
_INFLATED = 1 << 30


class Kinds(NamedTuple):
    """What to invent. ``series`` is the number of objects in one, ``study`` of series, ``patient`` of studies; 0 leaves
    these as they are in the file. storescu's own numbers are 100, 50 and 25."""

    instance: bool = False
    series: int = 0
    study: int = 0
    patient: int = 0


class Identity(NamedTuple):
    """What one object is to be called. Empty values are left as they are."""

    sop_instance_uid: str = ""
    instance_number: str = ""
    series_instance_uid: str = ""
    series_number: str = ""
    study_instance_uid: str = ""
    study_id: str = ""
    accession_number: str = ""
    patient_id: str = ""
    patient_name: str = ""


class Invented(NamedTuple):
    """A data set under a new identity: ``head``, then ``length`` bytes of the file from ``offset`` on, as they lie.

    ``identity`` holds the new values; what was not invented is empty there. ``head`` is to be closed.
    """

    head: Spool
    offset: int
    length: int
    identity: Identity


class Inventor:
    """Counts objects, series and studies, and names them. One serves all associations of a run."""

    def __init__(self, kinds: Kinds) -> None:
        self._kinds = kinds
        self._lock = threading.Lock()
        self._objects = self._series = self._studies = self._patients = 0
        self._series_uid, self._study_uid = _new_uid(), _new_uid()
        self._run = uuid.uuid4().hex[:6]  # so that the next run does not add to the patients of this one

    def next(self) -> Identity:
        """The identity of the next object."""
        kinds = self._kinds
        with self._lock:
            self._advance()
            instance = (_new_uid(), str(self._objects)) if kinds.instance else ("", "")
            series = (self._series_uid, str(self._series + 1)) if kinds.series else ("", "")
            name = f"INV-{self._run}-{self._study_count}"
            study = (self._study_uid, name, name) if kinds.study else ("", "", "")
            name = f"{self._run}-{self._patients + 1}"
            patient = (f"INVENTED-{name}", f"INVENTED^{name}") if kinds.patient else ("", "")
            return Identity(*instance, *series, *study, *patient)

    @property
    def _study_count(self) -> int:
        return self._patients * (self._kinds.patient or 25) + self._studies + 1

    def _advance(self) -> None:
        """One more object, and whatever it is the first of. Kinds not asked for count too, as storescu's do."""
        if self._objects >= (self._kinds.series or 100):
            self._objects, self._series_uid = 0, _new_uid()
            self._series += 1
        if self._series >= (self._kinds.study or 50):
            self._series, self._study_uid = 0, _new_uid()
            self._studies += 1
        if self._studies >= (self._kinds.patient or 25):
            self._studies = 0
            self._patients += 1
        self._objects += 1

    def invent(self, pread: PRead, file: DicomFile) -> Invented:
        """``file``, which ``pread`` (count, offset) reads, under the next identity. Raises ConversionError."""
        identity = self.next()
        edits = _edits(identity)
        reader, layout = Reader(pread, file.offset, file.length), layout_of(file.transfer_syntax_uid)
        if file.transfer_syntax_uid == uids.DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN:
            with inflate(reader, _INFLATED) as plain:
                inner = Reader(plain.pread, 0, plain.size)
                head = _rewritten(inner, inner.size, layout, edits)
            return Invented(deflate(head), 0, 0, identity)
        if layout.explicit and file.length >= 8 and not is_vr(reader.take(0, 8)[4:6]):
            layout = IMPLICIT_LITTLE
        end = _end_of_head(reader, layout)
        return Invented(_rewritten(reader, end, layout, edits), file.offset + end, file.length - end, identity)


def _new_uid() -> str:
    return f"2.25.{uuid.uuid4().int}"


def _edits(identity: Identity) -> dict[int, Edit]:
    values = (
        (_SOP_INSTANCE, b"UI", identity.sop_instance_uid),
        (_ACCESSION, b"SH", identity.accession_number),
        (_PATIENT_NAME, b"PN", identity.patient_name),
        (_PATIENT_ID, b"LO", identity.patient_id),
        (_STUDY, b"UI", identity.study_instance_uid),
        (_SERIES, b"UI", identity.series_instance_uid),
        (_STUDY_ID, b"SH", identity.study_id),
        (_SERIES_NUMBER, b"IS", identity.series_number),
        (_INSTANCE_NUMBER, b"IS", identity.instance_number),
    )
    return {tag: (vr, value.encode("ascii")) for tag, vr, value in values if value}


def _end_of_head(reader: Reader, layout: Layout) -> int:
    """The offset behind group 0020, up to which identities lie. Nothing of what follows is looked at."""
    walker = Recoder(reader, layout, layout, None, keeps_fragments=True)
    return walker.run(last=0x0020FFFF)


def _rewritten(reader: Reader, end: int, layout: Layout, edits: dict[int, Edit]) -> Spool:
    out = Spool()
    try:
        Recoder(reader.part(end), layout, layout, out, edits={0: edits}, keeps_fragments=True).run()
    except ConversionError:
        out.close()
        raise
    return out
