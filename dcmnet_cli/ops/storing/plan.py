"""The plan of a transfer: what there is to send, what cannot be sent and why, and over which associations it goes.

Each source is opened once and its headers are read; data sets are not. A hundred thousand instances are kept, so
what is kept of one is small and shares what is the same in others.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from dcmnet_cli.core import uids
from dcmnet_cli.core.negotiation import MAXIMUM_CONTEXTS
from dcmnet_cli.errors import InputError
from dcmnet_cli.net.part10 import DicomFile
from dcmnet_cli.ops.files.opened import Source
from dcmnet_cli.ops.files.sources import Found, Skipped, unread
from dcmnet_cli.ops.storing.proposals import Proposal
from dcmnet_cli.ops.storing.survey import Seen, look_at_all


class Instance(NamedTuple):
    """A SOP instance to send, and what its file says of it."""

    source: Source
    file: DicomFile


class Group(NamedTuple):
    """Instances that stay on one association: a study, or all there is where nothing is grouped."""

    study_instance_uid: str
    instances: list[Instance]


class Batch(NamedTuple):
    """What one association can carry: ``contexts`` to propose, (abstract syntax, transfer syntaxes), and what for.

    It may be divided by groups among several associations that propose the same.
    """

    contexts: tuple[tuple[str, tuple[str, ...]], ...]
    groups: list[Group]

    @property
    def instances(self) -> Iterator[Instance]:
        """Everything in it, in sending order."""
        return (instance for group in self.groups for instance in group.instances)


class Row(NamedTuple):
    """A line of the plan: the files of one SOP class and transfer syntax, and what is proposed for that class."""

    sop_class_uid: str
    transfer_syntax_uid: str
    files: int
    bytes: int
    proposed: tuple[tuple[str, ...], ...]


class Duplicate(NamedTuple):
    """A SOP Instance UID that came again; both files are sent."""

    first: Instance
    again: Instance


class Plan(NamedTuple):
    """``unfit`` are objects that cannot be sent, ``file.problem`` says why; ``skipped`` what is no object, and with
    ``is_fault`` what may hold some and cannot be read.

    ``directories`` counts DICOMDIR files that were come upon, ``bytes`` is the length of all data sets to send.
    """

    batches: list[Batch]
    rows: list[Row]
    unfit: list[Instance]
    skipped: list[Skipped]
    duplicates: list[Duplicate]
    directories: int
    files: int
    bytes: int


def make_plan(
    sources: Iterable[Found],
    proposal: Proposal = Proposal(),  # noqa: B008 (immutable)
    *,
    group: str = "study",
    check_uids: bool = True,
    on_source: Callable[[int], None] | None = None,
    processes: int = 1,
) -> Plan:
    """Read every source once and plan its transfer; ``group`` is "study" or "none".

    ``on_source`` is told how many were looked at, every 256 of them. Instances keep the order of their sources within
    a study, studies that of their first instance. ``processes`` as in ``look_at_all``.
    """
    survey = _Survey(group == "study")
    for count, seen in enumerate(look_at_all(sources, check_uids, processes), 1):
        if isinstance(seen, Skipped):
            survey.skipped.append(seen)
        else:
            survey.add(*seen)
        if on_source and not count % 256:
            on_source(count)
    return Plan(
        list(_batches(survey, proposal)),
        survey.rows(proposal),
        survey.unfit,
        survey.skipped,
        survey.duplicates,
        survey.directories,
        sum(files for files, _ in survey.sums.values()),
        sum(length for _, length in survey.sums.values()),
    )


class _Survey:
    """What the sources turned out to be. ``sums`` counts files and bytes by (SOP class, transfer syntax)."""

    def __init__(self, by_study: bool) -> None:
        self.groups: dict[str, Group] = {}
        self.sums: dict[tuple[str, str], list[int]] = {}
        self.unfit: list[Instance] = []
        self.skipped: list[Skipped] = []
        self.duplicates: list[Duplicate] = []
        self.directories = 0
        self._by_study = by_study
        self._seen: dict[str, Instance] = {}

    def add(self, found: Source, file: Seen) -> None:
        if isinstance(file, InputError):
            self.skipped.append(unread(found.label, file))
        elif file is None:
            self.skipped.append(Skipped(found.label, "not DICOM", False))
        elif file.sop_class_uid == uids.MEDIA_STORAGE_DIRECTORY:
            self.directories += 1
        elif file.problem:
            self.unfit.append(Instance(found, file))
        else:
            self._keep(Instance(found, file))

    def _keep(self, instance: Instance) -> None:
        file = instance.file
        first = self._seen.setdefault(file.sop_instance_uid, instance)
        if first is not instance:
            self.duplicates.append(Duplicate(first, instance))
        sums = self.sums.setdefault((file.sop_class_uid, file.transfer_syntax_uid), [0, 0])
        sums[0] += 1
        sums[1] += file.length
        key = file.study_instance_uid if self._by_study else ""
        group = self.groups.get(key)
        if group is None:
            group = self.groups[key] = Group(key, [])
        group.instances.append(instance)

    def contexts(self, proposal: Proposal, sop_class: str, stored: Iterable[str]) -> tuple[tuple[str, ...], ...]:
        """The contexts for a SOP class, with the syntax that most of its files have ahead."""
        return proposal.contexts(sorted(stored, key=lambda syntax: -self.sums[sop_class, syntax][0]))

    def rows(self, proposal: Proposal) -> list[Row]:
        """The plan table, SOP classes in the order of their first file."""
        stored: dict[str, list[str]] = {}
        for sop_class, syntax in self.sums:
            stored.setdefault(sop_class, []).append(syntax)
        proposed = {sop_class: self.contexts(proposal, sop_class, held) for sop_class, held in stored.items()}
        return [
            Row(
                sop_class, syntax, self.sums[sop_class, syntax][0], self.sums[sop_class, syntax][1], proposed[sop_class]
            )
            for sop_class, held in stored.items()
            for syntax in held
        ]


# --- associations ---------------------------------------------------------------------------------------------


class _Load:
    """What an association is to carry by now, and how many contexts that takes."""

    def __init__(self, survey: _Survey, proposal: Proposal) -> None:
        self._survey = survey
        self._proposal = proposal
        self._contexts: dict[str, tuple[tuple[str, ...], ...]] = {}
        self._stored: dict[str, tuple[str, ...]] = {}
        self._count = 0

    def take(self, pairs: Iterable[tuple[str, str]]) -> bool:
        """Add what is stored, (SOP class, transfer syntax); False, and nothing added, if that were too much."""
        grown: dict[str, tuple[str, ...]] = {}
        for sop_class, syntax in pairs:
            if syntax not in (held := grown.get(sop_class) or self._stored.get(sop_class, ())):
                grown[sop_class] = (*held, syntax)
        contexts = {
            sop_class: self._survey.contexts(self._proposal, sop_class, held) for sop_class, held in grown.items()
        }
        more = sum(len(new) - len(self._contexts.get(sop_class, ())) for sop_class, new in contexts.items())
        if self._count + more > MAXIMUM_CONTEXTS:
            return False
        self._count += more
        self._stored |= grown
        self._contexts |= contexts
        return True

    def batch(self, groups: list[Group]) -> Batch:
        proposed = ((name, syntaxes) for name, contexts in self._contexts.items() for syntaxes in contexts)
        return Batch(tuple(proposed), groups)


def _batches(survey: _Survey, proposal: Proposal) -> Iterator[Batch]:
    """One batch, or as many as it takes for no association to need more than 128 contexts (PS3.8 9.3.2.2)."""
    load, groups = _Load(survey, proposal), list[Group]()
    for group in survey.groups.values():
        pairs = dict.fromkeys((one.file.sop_class_uid, one.file.transfer_syntax_uid) for one in group.instances)
        if not load.take(pairs):
            if groups:
                yield load.batch(groups)
            load, groups = _Load(survey, proposal), []
            if not load.take(pairs):
                yield from _split(survey, proposal, group, sorted(pairs))
                continue
        groups.append(group)
    if groups:
        yield load.batch(groups)


def _split(survey: _Survey, proposal: Proposal, group: Group, pairs: list[tuple[str, str]]) -> Iterator[Batch]:
    """A group that is too much for one association, cut between SOP classes where that is possible."""
    instances: dict[tuple[str, str], list[Instance]] = {pair: [] for pair in pairs}
    for one in group.instances:
        instances[one.file.sop_class_uid, one.file.transfer_syntax_uid].append(one)
    load, part = _Load(survey, proposal), Group(group.study_instance_uid, [])
    for pair in pairs:
        if not load.take([pair]):
            yield load.batch([part])
            load, part = _Load(survey, proposal), Group(group.study_instance_uid, [])
            load.take([pair])
        part.instances.extend(instances[pair])
    yield load.batch([part])
