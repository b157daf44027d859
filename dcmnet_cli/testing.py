"""pytest fixtures: a listener and an archive on a free port of the loopback interface, for the tests of DICOM clients.

    pytest_plugins = ["dcmnet_cli.testing"]  # in the conftest.py at the top, or -p dcmnet_cli.testing


    def test_upload(dicom_listener):
        upload("image.dcm", dicom_listener.host, dicom_listener.port)  # the code under test
        (received,) = dicom_listener.objects
        assert received.data_set().PatientID == "4711"

``dicom_listener`` takes everything and keeps it; ``dicom_archive`` answers C-FIND, C-GET and C-MOVE about it as well.
``start_dicom_listener`` and ``start_dicom_archive`` make as many as a test needs, with AE titles, restrictions, TLS and
faults. All of them end with the test: connections are closed, files go with pytest's ``tmp_path``.

pytest is imported by this module and by nothing else of dcmnet.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

import pytest

from dcmnet_cli.api import ArchivePlan, ListenEvent, ListenPlan, Outcome, StoragePlan, Target, listening, store
from dcmnet_cli.ops.listening.faults import Faults, parse_fault

if TYPE_CHECKING:
    from pydicom import Dataset

    from dcmnet_cli.api import TLSSettings

HOST = "127.0.0.1"
_PATIENCE = 10.0
_GRACE = 0.5  # seconds for associations that a test has left open


class ReceivedObject(NamedTuple):
    """An object that came and was acknowledged. ``outcome`` is "stored", or "skipped" for one that was there already,
    byte for byte, or "renamed" for another one of the same UID. ``calling`` and ``called`` are AE titles.
    """

    path: Path
    outcome: str
    sop_class_uid: str
    sop_instance_uid: str
    study_instance_uid: str
    transfer_syntax_uid: str
    calling: str
    called: str

    def data_set(self) -> "Dataset":
        """The object, read by pydicom from its file."""
        from pydicom import dcmread

        return dcmread(self.path)


class DicomListener:
    """A listener that runs, and what it has heard. Fixtures make it; ``folder`` has the objects as files."""

    def __init__(self, title: str, folder: Path) -> None:
        self.host = HOST
        self.port = 0
        self.title = title
        self.folder = folder
        self._events: list[ListenEvent] = []
        self._changed = threading.Condition()

    @property
    def peer(self) -> str:
        """``TITLE@127.0.0.1:PORT``, as dcmnet's commands and ``dcmnet_cli.api.peer`` take it."""
        return f"{self.title}@{self.host}:{self.port}"

    @property
    def target(self) -> Target:
        """The same for the functions of ``dcmnet_cli.api``."""
        return Target(self.host, self.port, called=self.title)

    @property
    def events(self) -> list[ListenEvent]:
        """Everything that has happened so far: ``association``, ``echo``, ``stored``, ``rejected``, ``find`` ..."""
        with self._changed:
            return list(self._events)

    @property
    def objects(self) -> list[ReceivedObject]:
        """What has come so far, in this order: complete once the client has its response."""
        return [_received(event) for event in self.events if event.event == "stored"]

    def wait_for_objects(self, count: int = 1, seconds: float = _PATIENCE) -> list[ReceivedObject]:
        """The objects, once there are ``count``. Raises AssertionError if they do not come in time."""
        self.wait_for("stored", count, seconds)
        return self.objects

    def wait_for(self, event: str, count: int = 1, seconds: float = _PATIENCE) -> ListenEvent:
        """The ``count``-th event of a kind. Raises AssertionError, with what came instead."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while len(found := [each for each in self._events if each.event == event]) < count:
                if not self._changed.wait(deadline - time.monotonic()):
                    told = "".join(f"\n  {each.event} {each.peer} {each.detail}" for each in self._events)
                    raise AssertionError(f"{len(found)} of {count} events {event!r} within {seconds:g} s; seen:{told}")
        return found[count - 1]

    def heard(self, event: ListenEvent) -> None:
        """Take note of an event. Called by the server, from any thread."""
        with self._changed:
            self._events.append(event)
            self._changed.notify_all()


class DicomArchive(DicomListener):
    """An archive that runs: it answers queries and retrievals about what it holds."""

    def add(self, *paths: "str | os.PathLike[str]") -> list[Outcome]:
        """Store files and folders in it, over the network as anybody would. Raises DcmnetError unless it took all."""
        return store(self.target, *paths)


class StartListener(Protocol):
    """Start a listener.

    ``called`` and ``calling`` are the AE titles to accept, by default all; ``only`` the SOP classes and
    ``transfer_syntaxes`` to accept, by UID. ``faults`` are those of ``dcmnet listen --fault``, as ``status=A700@2`` for
    the second object. ``port`` 0 is any free one.
    """

    def __call__(
        self,
        *,
        title: str = "LISTENER",
        port: int = 0,
        called: Sequence[str] = (),
        calling: Sequence[str] = (),
        only: Sequence[str] = (),
        transfer_syntaxes: Sequence[str] = (),
        faults: Sequence[str] = (),
        tls: "TLSSettings | None" = None,
    ) -> DicomListener: ...


class StartArchive(Protocol):
    """Start an archive that accepts every title; ``nodes`` are where C-MOVE may send, by AE title."""

    def __call__(
        self,
        *,
        title: str = "ARCHIVE",
        port: int = 0,
        nodes: Mapping[str, Target] = {},
        tls: "TLSSettings | None" = None,
    ) -> DicomArchive: ...


@pytest.fixture
def start_dicom_listener(tmp_path: Path) -> Iterator[StartListener]:
    """Start listeners that end with the test: see ``StartListener``."""
    with ExitStack() as stack:

        def start(
            *,
            title: str = "LISTENER",
            port: int = 0,
            called: Sequence[str] = (),
            calling: Sequence[str] = (),
            only: Sequence[str] = (),
            transfer_syntaxes: Sequence[str] = (),
            faults: Sequence[str] = (),
            tls: "TLSSettings | None" = None,
        ) -> DicomListener:
            made = DicomListener(title, _fresh(tmp_path, "dicom-listener"))
            plan = _plan(made, port, tls)
            assert plan.storage is not None
            plan = plan._replace(
                called=tuple(called),
                calling=tuple(calling),
                faults=Faults([parse_fault(fault) for fault in faults], 0) if faults else None,
                storage=plan.storage._replace(only=frozenset(only), transfer_syntaxes=tuple(transfer_syntaxes)),
            )
            made.port = stack.enter_context(listening(plan, made.heard)).port
            return made

        yield start


@pytest.fixture
def start_dicom_archive(tmp_path: Path) -> Iterator[StartArchive]:
    """Start archives that end with the test: see ``StartArchive``."""
    with ExitStack() as stack:

        def start(
            *,
            title: str = "ARCHIVE",
            port: int = 0,
            nodes: Mapping[str, Target] = {},
            tls: "TLSSettings | None" = None,
        ) -> DicomArchive:
            made = DicomArchive(title, _fresh(tmp_path, "dicom-archive"))
            plan = _plan(made, port, tls)._replace(archive=ArchivePlan(str(made.folder), nodes=nodes))
            made.port = stack.enter_context(listening(plan, made.heard)).port
            return made

        yield start


@pytest.fixture
def dicom_listener(start_dicom_listener: Callable[[], DicomListener]) -> DicomListener:
    """A listener that takes everything and keeps it."""
    return start_dicom_listener()


@pytest.fixture
def dicom_archive(start_dicom_archive: Callable[[], DicomArchive]) -> DicomArchive:
    """An empty archive that takes everything, and answers C-FIND, C-GET and C-MOVE."""
    return start_dicom_archive()


def _fresh(parent: Path, name: str) -> Path:
    number = sum(path.name.startswith(name) for path in parent.iterdir())
    folder = parent / (f"{name}-{number + 1}" if number else name)
    folder.mkdir()
    return folder


def _plan(made: DicomListener, port: int, tls: "TLSSettings | None") -> ListenPlan:
    storage = StoragePlan(str(made.folder), tells_objects=True)
    return ListenPlan(port, HOST, title=made.title, tls=tls, grace=_GRACE, storage=storage)


def _received(event: ListenEvent) -> ReceivedObject:
    facts = event.facts
    return ReceivedObject(
        Path(str(facts["path"])),
        str(facts["outcome"]),
        str(facts["sop_class_uid"]),
        str(facts["sop_instance_uid"]),
        str(facts["study_instance_uid"] or ""),
        str(facts["transfer_syntax_uid"]),
        event.calling,
        event.called,
    )
