"""A transfer with something of everything, for the tests of this folder."""

from dcmnet_cli.errors import DcmnetError
from dcmnet_cli.ops.results import PeerFacts, Report
from dcmnet_cli.ops.storing.transfer import (
    IN_DOUBT,
    NOT_SENT,
    REFUSED,
    STORED,
    WARNED,
    InputFacts,
    Outcome,
    PlanRow,
    StoreResult,
    Tally,
    TimeSpent,
)

CT, SC = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.7"
SR, PRIVATE = "1.2.840.10008.5.1.4.1.1.88.67", "1.3.46.670589.11.0.0"
J2K, ELE, ILE = "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"
HOSTILE = "a\x1b[2J\nforged\tcell [bold red]x[/] \u202e\udc80.dcm"
HARMLESS = r"a\x1b[2J\x0aforged\x09cell [bold red]x[/] \u202e\x80.dcm"

NOTE = "decompressed without loss; forbid with --transcode never"
_BOTH = ((ELE, ILE),)
PLAN = (
    PlanRow(CT, J2K, 1284, 695_000_000, ((J2K,), *_BOTH), ELE, ELE, NOTE),
    PlanRow(SC, ELE, 20, 9_000_000, _BOTH, ELE, ELE),
    PlanRow(SR, ELE, 4, 80_000, _BOTH, ILE, ILE),
    PlanRow(PRIVATE, ELE, 1, 512, _BOTH, "", ""),
)
PROPOSED = tuple(row._replace(accepted=None, sent_as="", note="") for row in PLAN)
FACTS = InputFacts(("./export",), 1309, 1, 2)


def report(exit_code: int = 0, error: DcmnetError | None = None) -> Report:
    made = Report("store", PeerFacts("pacs.example.org", 104, "PACS", "ME"))
    made.exit_code, made.error = exit_code, error
    return made


def outcome(label: str, kind: str = STORED, **facts: object) -> Outcome:
    given: dict[str, object] = {"sop_class_uid": CT, "sop_instance_uid": "1.2.3", "stored_as": ELE, "length": 500_000}
    if kind in (STORED, WARNED, REFUSED, IN_DOUBT):
        given["sent_as"] = ELE
    if kind == STORED:
        given["status"] = 0
    return Outcome(label, kind, **(given | facts))  # type: ignore[arg-type]


def mixed_outcomes() -> list[Outcome]:
    found = [outcome(f"export/IM{number:04}.dcm", changes=("recoded",) * (number < 30)) for number in range(1300)]
    found += [
        outcome(f"export/W{number}.dcm", WARNED, status=0xB000, offending_element=(0x00100020,)) for number in (7, 8)
    ]
    found += [outcome(f"export/R{n}.dcm", REFUSED, status=0xA700, error_comment="disk full") for n in range(5)]
    found.append(outcome("export/P.dcm", NOT_SENT, reason="no context: abstract syntax not supported"))
    found.append(outcome("export/D.dcm", IN_DOUBT, reason="the peer closed the connection"))
    return found


def result_of(outcomes: list[Outcome], **changed: object) -> StoreResult:
    tally = Tally()
    for one in outcomes:
        tally.add(one)
    made = StoreResult(tally, (), 22.4, TimeSpent(17.4, 1.5, 3.3, 0.1), 1, 0, 1)
    return made._replace(**changed)  # type: ignore[arg-type]


def mixed() -> StoreResult:
    skipped = (("export/a.txt", "not DICOM"), ("export/b.txt", "not DICOM"), ("export/c", "permission denied"))
    return result_of(mixed_outcomes(), skipped=skipped, associations=2, retries=1)
