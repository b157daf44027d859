"""From a received object to the path it is stored under, below the output folder."""

import itertools
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import NamedTuple

from dcmnet_cli.core.text import quoted
from dcmnet_cli.errors import UsageError
from dcmnet_cli.ops.listening.filenames import clean, component, uid_component
from dcmnet_cli.ops.listening.name_fields import (
    PATIENT_NAME,
    SERIES_DATE,
    SPECIFIC_CHARACTER_SET,
    STUDY_INSTANCE_UID,
    modality_word,
    text_of,
)
from dcmnet_cli.ops.listening.name_template import Arrival, Template

SCHEMES = ("uid", "unique", "short", "time")
FOLDERS = ("", "study", "study-uid", "patient-name", "series-date")

_LONGEST_EXTENSION = 16
_LONGEST_PREFIX = 20
_MOST_STUDIES = 4096
_MODALITY = 0x00080060


class NameOptions(NamedTuple):
    """How received objects are named.

    ``scheme``: "uid" the SOP Instance UID, "unique" a fresh UID (``+uf``), "short" 16 random characters (``+fsu``),
    "time" the clock (``-tn``). ``modality`` puts ``CT.`` before the name, ``extension`` goes behind it as it is.
    ``folders``: "study" ``PREFIX_DATE_TIME`` (``-ss``), "study-uid" ``PREFIX_UID`` (``-su``), "patient-name"
    ``NAME_DATE_TIME`` (``-sp``), "series-date" ``data/YYYY/MM/DD`` (``+ssd``), each with ``folder_prefix`` where it
    says so. A ``template`` takes the place of all these but ``extension``.
    """

    scheme: str = "uid"
    modality: bool = False
    extension: str = ""
    folders: str = ""
    folder_prefix: str = ""
    template: str = ""


class Naming:
    """Makes names as ``options`` say. Safe for many threads. Raises UsageError for options that make no name.

    ``wanted`` are the tags whose values it needs of each object, empty where the C-STORE request says it all.
    ``is_by_uid``: the UIDs alone make the name, and asking twice gives the same.
    """

    def __init__(self, options: NameOptions) -> None:
        _check(options)
        self._options = options
        self._lock = threading.Lock()
        self._sequence = itertools.count(1)
        self._studies: OrderedDict[str, str] = OrderedDict()
        self._last_stamp = 0
        self._last_clock = ("", -1)
        self._template = Template(options.template, options.extension) if options.template else None
        self._folder = self._folder_maker()
        self._name = self._name_maker()
        self.is_by_uid = options.scheme == "uid" and not options.folders and not options.template
        self.wanted = self._template.wanted if self._template else _WANTED_BY[options.folders]

    def path(
        self,
        *,
        sop_class_uid: str,
        sop_instance_uid: str,
        transfer_syntax_uid: str = "",
        calling: str = "",
        called: str = "",
        address: str = "",
        values: Mapping[int, str] | None = None,
        at: float | None = None,
    ) -> str:
        """The path of an object, relative, with slashes. ``values`` as ``Head`` gives them, ``at`` in Unix time.

        Never raises, whatever a peer sent; never absolute, never with a name of dots.
        """
        moment = time.time() if at is None else at
        uids = (sop_class_uid, sop_instance_uid, transfer_syntax_uid)
        arrival = Arrival(*uids, calling, called, address, values or {}, moment, next(self._sequence))
        return self._path(arrival)

    def by_uid(self, sop_class_uid: str, sop_instance_uid: str) -> str:
        """The same for names that ``is_by_uid``."""
        return uid_component(sop_instance_uid, self._before(sop_class_uid), self._options.extension)

    def sample(self) -> str:
        """The path of an invented CT image, for a look before the first object comes."""
        texts = {0x00080020: "20240131", 0x00080030: "142359", _MODALITY: "CT", SERIES_DATE: "20240131"}
        texts |= {PATIENT_NAME: "DOE^JANE", 0x00100020: "12345", STUDY_INSTANCE_UID: "1.2.3.4", 0x00200011: "7"}
        arrival = Arrival(
            "1.2.840.10008.5.1.4.1.1.2",
            "1.2.3.4.5.6",
            "1.2.840.10008.1.2.1",
            "CT1",
            "DCMNET",
            "192.0.2.1",
            texts,
            time.time(),
            1,
        )
        return self._path(arrival)

    def _path(self, arrival: Arrival) -> str:
        if self._template is not None:
            return self._template.path(arrival)
        return self._folder(arrival) + self._name(arrival)

    def end_of_study(self, study_instance_uid: str) -> None:
        """Objects of this study that still come go to a new folder, where folders are named by time."""
        with self._lock:
            self._studies.pop(study_instance_uid, None)

    # --- folders -----------------------------------------------------------------------------------------------

    def _folder_maker(self) -> Callable[[Arrival], str]:
        makers: dict[str, Callable[[Arrival], str]] = {
            "": lambda _arrival: "",
            "study": lambda arrival: self._study_folder(arrival, lambda: self._prefixed("")),
            "study-uid": self._study_uid_folder,
            "patient-name": lambda arrival: self._study_folder(arrival, lambda: _patient(arrival) + "_"),
            "series-date": _series_date_folder,
        }
        return makers[self._options.folders]

    def _prefixed(self, name: str) -> str:
        prefix = self._options.folder_prefix
        return f"{prefix}_{name}" if prefix else name

    def _study_uid_folder(self, arrival: Arrival) -> str:
        return uid_component(arrival.values.get(STUDY_INSTANCE_UID, ""), self._prefixed("")) + "/"

    def _study_folder(self, arrival: Arrival, beginning: Callable[[], str]) -> str:
        """The folder of a study, named when its first object came. No two studies get the same."""
        study = arrival.values.get(STUDY_INSTANCE_UID, "")
        with self._lock:
            folder = self._studies.get(study)
            if folder is None:
                self._last_stamp = max(int(arrival.at * 1000), self._last_stamp + 1)
                text = beginning() + _stamp(self._last_stamp, "%Y%m%d_%H%M%S")
                folder = self._studies[study] = component(clean(text), text) + "/"
                if len(self._studies) > _MOST_STUDIES:
                    self._studies.popitem(last=False)
            self._studies.move_to_end(study)
            return folder

    # --- names -------------------------------------------------------------------------------------------------

    def _name_maker(self) -> Callable[[Arrival], str]:
        extension = self._options.extension

        makers: dict[str, Callable[[Arrival], str]] = {
            "uid": lambda arrival: self.by_uid(arrival.sop_class_uid, arrival.sop_instance_uid),
            "unique": lambda arrival: f"{self._before(arrival.sop_class_uid)}{_fresh_uid()}{extension}",
            "short": lambda arrival: (
                f"{self._before(arrival.sop_class_uid).replace('.', '_')}{os.urandom(8).hex()}{extension}"
            ),
            "time": lambda arrival: f"{self._clock(arrival.at)}.{modality_word(arrival.sop_class_uid)}{extension}",
        }
        return makers[self._options.scheme]

    def _before(self, sop_class_uid: str) -> str:
        return modality_word(sop_class_uid) + "." if self._options.modality else ""

    def _clock(self, at: float) -> str:
        """The time to the millisecond; a serial number behind it for all but the first object of a millisecond."""
        stamp = _stamp(int(at * 1000), "%Y%m%d%H%M%S")
        with self._lock:
            last, serial = self._last_clock
            serial = serial + 1 if stamp == last else -1
            self._last_clock = (stamp, serial)
        return stamp if serial < 0 else f"{stamp}_{serial:04}"


_WANTED_BY = {
    "": frozenset[int](),
    "study": frozenset((STUDY_INSTANCE_UID,)),
    "study-uid": frozenset((STUDY_INSTANCE_UID,)),
    "patient-name": frozenset((STUDY_INSTANCE_UID, PATIENT_NAME, SPECIFIC_CHARACTER_SET)),
    "series-date": frozenset((SERIES_DATE,)),
}


def _check(options: NameOptions) -> None:
    if options.scheme not in SCHEMES or options.folders not in FOLDERS:
        raise ValueError(f"scheme {options.scheme!r}, folders {options.folders!r}")
    if options.template and (options.scheme != "uid" or options.folders or options.modality):
        raise UsageError("a name template says it all: it goes with no other option for names or folders")
    for what, text, longest in (
        ("file name extension", options.extension, _LONGEST_EXTENSION),
        ("folder prefix", options.folder_prefix, _LONGEST_PREFIX),
    ):
        if text != clean(text) or text != text.rstrip(" .") or len(text.encode()) > longest:
            raise UsageError(f"{what} {quoted(text)}: up to {longest} letters, digits and . _ - + = @, no . at the end")
    if options.folder_prefix[:1] in (".", "-", " "):
        raise UsageError(f"folder prefix {quoted(options.folder_prefix)} begins with a mark")


def _stamp(milliseconds: int, pattern: str) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"{time.strftime(pattern, time.localtime(seconds))}{rest:03}"


def _fresh_uid() -> str:
    """A UID made of a random UUID (PS3.5 B.2), marked as not being the object's own."""
    import uuid

    return f"X.2.25.{uuid.uuid4().int}"


def _patient(arrival: Arrival) -> str:
    values = arrival.values
    name = text_of(values.get(PATIENT_NAME, ""), values.get(SPECIFIC_CHARACTER_SET, ""), "PN") or "ANONYMOUS"
    return name.replace("^", "_").replace(" ", "_")  # as DCMTK does; the time behind it keeps folders apart


def _series_date_folder(arrival: Arrival) -> str:
    date = arrival.values.get(SERIES_DATE, "")
    if len(date) == 8 and date.isascii() and date.isdigit():
        return f"data/{date[:4]}/{date[4:6]}/{date[6:]}/"
    return f"undef/{time.strftime('%Y%m%d', time.localtime(arrival.at))}/"
