"""What operations hand to renderers: plain facts, no formatting.

A ``Report`` is filled while a command works, so that what is known at the moment of a failure is never lost.
"""

from typing import NamedTuple

from dcmnet_cli.core.steps import Step as Step
from dcmnet_cli.errors import DcmnetError


class PeerFacts(NamedTuple):
    """Whom a command talks to, as the user gave it and as it was sent."""

    host: str
    port: int
    called: str
    calling: str

    @property
    def label(self) -> str:
        """``AET@host:port``, the way every message names a peer."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.called}@{host}:{self.port}"


class ContextFacts(NamedTuple):
    """One presentation context: what was proposed, and what became of it.

    ``result`` is the number of PS3.8 table 9-18, or None when the peer never answered it; ``accepted`` the
    transfer syntax to use, empty unless ``result`` is 0.
    """

    context_id: int
    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...]
    result: int | None
    accepted: str


class AssociationFacts(NamedTuple):
    """What an accepted association agreed on. ``max_pdu_length`` is the peer's, 0 for no limit."""

    peer_implementation_class_uid: str
    peer_implementation_version_name: str
    max_pdu_length: int
    contexts: tuple[ContextFacts, ...]
    notes: tuple[str, ...] = ()


class RoundTrips(NamedTuple):
    """Repeated echoes: how many were sent, and how long each answered one took, in seconds."""

    sent: int
    seconds: tuple[float, ...]

    @property
    def answered(self) -> int:
        return len(self.seconds)

    @property
    def lost(self) -> int:
        return self.sent - len(self.seconds)

    def percentile(self, percent: int) -> float:
        """The smallest time that ``percent`` of the answers did not exceed (nearest rank); 0 gives the minimum.

        Needs one answer at least.
        """
        rank = -(-percent * len(self.seconds) // 100)
        return sorted(self.seconds)[max(rank, 1) - 1]

    @property
    def median(self) -> float:
        """The middle time, or halfway between the middle two."""
        ordered, middle = sorted(self.seconds), len(self.seconds) // 2
        return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


class ListenEvent(NamedTuple):
    """Something that happened at a listener, for its log.

    ``event`` is a stable word: ``listening``, ``association``, ``echo``, ``stored``, ``received``, ``find``, ``move``,
    ``get``, ``archive``, ``hook``, ``rejected``, ``aborted``, ``not_dicom``, ``failed``, ``warning``, ``closed``,
    ``stopped``. ``at`` is Unix time; ``peer`` the peer's ``address:port``; the titles are empty where none is known;
    ``detail`` is for people, ``facts`` the same for programs.
    """

    event: str
    at: float
    peer: str
    calling: str
    called: str
    detail: str
    facts: dict[str, object]


class Reading(NamedTuple):
    """One thing that the words of ``explain`` can mean.

    ``kind`` is "rejection", "abort", "status", "context result", "uid", "command", "pdu" or "exit"; ``title`` one
    line; ``facts`` (label, value) pairs; the rest as in ``reasons.Reason``, empty where there is nothing to say.
    """

    kind: str
    title: str
    facts: tuple[tuple[str, str], ...]
    meaning: str
    causes: tuple[str, ...] = ()
    remedies: tuple[str, ...] = ()
    side: str = ""


class Explanation(NamedTuple):
    """The words that were asked about and every reading of them, the likeliest first; there is at least one."""

    words: tuple[str, ...]
    readings: tuple[Reading, ...]


class Diagnosis(NamedTuple):
    """Why something failed, for a person who has to mend it.

    ``headline`` is the one line; ``facts`` are (label, value) pairs of what was sent and what came back;
    ``meaning`` one or two sentences; ``remedies`` what to try in order of likelihood; ``side`` who has to act:
    "peer", "here", "network" or "" when that cannot be told; ``more`` a command that tells more, or "".
    """

    layer: str
    headline: str
    facts: tuple[tuple[str, str], ...] = ()
    meaning: str = ""
    remedies: tuple[str, ...] = ()
    side: str = ""
    more: str = ""


class Scene(NamedTuple):
    """A command of a demonstration: what it is to show, its words after ``dcmnet``, and the exit status it should have.

    An empty ``remark`` goes on with a scene that has begun.
    """

    remark: str
    words: tuple[str, ...]
    expected: int = 0


class Act(NamedTuple):
    """A scene as it was played: ``status`` is the exit status, None while the command still runs; ``output`` what it
    wrote to standard output and standard error, meant for the stream that we have.
    """

    scene: Scene
    status: int | None
    seconds: float
    output: str

    @property
    def is_good(self) -> bool:
        """Whether it did what it should, so far."""
        return self.status in (None, self.scene.expected)


class Report:
    """The outcome of one command, filled as it goes. ``extra`` holds what the command adds to the JSON object."""

    def __init__(self, command: str, peer: PeerFacts | None = None) -> None:
        self.command = command
        self.peer = peer
        self.steps: list[Step] = []
        self.association: AssociationFacts | None = None
        self.error: DcmnetError | None = None
        self.diagnosis: Diagnosis | None = None
        self.exit_code = 0
        self.notes: list[str] = []
        self.extra: dict[str, object] = {}
