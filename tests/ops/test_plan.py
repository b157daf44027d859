import os
import tracemalloc
from collections.abc import Iterable
from pathlib import Path

import pytest

from dcmnet_cli.core.negotiation import AcceptorPolicy, Negotiated, answer, conclude, own_information, propose
from dcmnet_cli.core.pdu import AAssociateAC, AAssociateRQ
from dcmnet_cli.net.part10 import DicomFile
from dcmnet_cli.ops.files.sources import FileSource, Skipped, find_sources
from dcmnet_cli.ops.storing.plan import Batch, Plan, Row, make_plan
from dcmnet_cli.ops.storing.proposals import PROPOSALS, Proposal
from dcmnet_cli.ops.storing.routes import Router
from tests.dicom_files import BIG, CT, DEFLATED, EXPLICIT, IMPLICIT, JPEG_2000, data_set, part10

MR = "1.2.840.10008.5.1.4.1.1.4"
JPEG_14, JPEG_SV1 = "1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"
RLE = "1.2.840.10008.1.2.5"


class Writer:
    """Writes one small file after the other into a folder; pixel data is never looked at."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0

    def add(self, syntax: str = EXPLICIT, sop_class: str = CT, study: str = "1.1", instance: str = "") -> str:
        self.count += 1
        uid = instance or f"1.9.{self.count}"
        body = data_set(uid, sop_class, study, vr=syntax != IMPLICIT, order=">" if syntax == BIG else "<")
        path = self.folder / f"{self.count:05d}"
        path.write_bytes(part10(body, syntax, uid, sop_class))
        return str(path)

    def plan(self, proposal: Proposal = Proposal(), **options: object) -> Plan:  # noqa: B008
        return make_plan(find_sources([str(self.folder)]), proposal, **options)  # type: ignore[arg-type]


@pytest.fixture
def files(tmp_path: Path) -> Writer:
    return Writer(tmp_path)


def labels(instances: Iterable[object]) -> list[str]:
    return [Path(one.source.label).name for one in instances]  # type: ignore[attr-defined]


# --- the survey -----------------------------------------------------------------------------------------------


def test_everything_is_accounted_for(files: Writer) -> None:
    good = files.add()
    bad = files.folder / "bad"
    bad.write_bytes(part10(data_set("1.02")))
    cut = files.folder / "cut"
    cut.write_bytes(part10(data_set())[:-1])
    (files.folder / "readme").write_text("hello")
    (files.folder / "DICOMDIR").write_bytes(part10(data_set("", "", ""), sop_class="1.2.840.10008.1.3.10"))
    (files.folder / "dangling").symlink_to("nowhere")
    plan = files.plan()
    assert [one.source.label for batch in plan.batches for one in batch.instances] == [good]
    assert {Path(one.source.label).name: one.file.problem for one in plan.unfit} == {
        "bad": "SOP Instance UID: component with a leading zero",
        "cut": "element (7FE0,0010) lacks its last 1 bytes",
    }
    assert {Path(one.label).name: (one.why, one.is_fault) for one in plan.skipped} == {
        "readme": ("not DICOM", False),
        "dangling": ("a symbolic link to nothing", True),
    }
    assert (plan.directories, plan.files, plan.bytes) == (1, 1, len(data_set("1.9.1", study="1.1")))
    assert len(files.plan(check_uids=False).unfit) == 1


def test_what_cannot_be_opened_is_a_fault(files: Writer) -> None:
    path = files.add()
    source = FileSource(path)
    os.unlink(path)
    plan = make_plan([source, Skipped("x", "why")])
    assert plan.skipped == [Skipped(path, "No such file or directory"), Skipped("x", "why")]
    assert (plan.batches, plan.files) == ([], 0)


def test_one_instance_twice_is_noted_and_sent_twice(files: Writer) -> None:
    for _ in range(3):
        files.add(instance="1.2.3")
    plan = files.plan()
    assert [labels(pair) for pair in plan.duplicates] == [["00001", "00002"], ["00001", "00003"]]
    assert plan.files == 3


def test_progress_is_told(files: Writer) -> None:
    path = files.add()
    told: list[int] = []
    make_plan([FileSource(path)] * 1000, on_source=told.append)
    assert told == [256, 512, 768]


def test_each_file_is_opened_once(files: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        files.add(JPEG_2000 if number % 2 else EXPLICIT)
    opened: list[str] = []
    open_it = FileSource.open
    monkeypatch.setattr(FileSource, "open", lambda self: opened.append(self.label) or open_it(self))
    files.plan()
    assert len(opened) == len(set(opened)) == 5


def test_studies_stay_together_in_the_order_of_their_first_file(files: Writer) -> None:
    for study in ("1.5", "1.3", "1.5", "", "1.3"):
        files.add(study=study)
    (batch,) = files.plan().batches
    assert [(group.study_instance_uid, labels(group.instances)) for group in batch.groups] == [
        ("1.5", ["00001", "00003"]),
        ("1.3", ["00002", "00005"]),
        ("", ["00004"]),
    ]
    (batch,) = files.plan(group="none").batches
    assert labels(batch.instances) == ["00001", "00002", "00003", "00004", "00005"]
    assert len(batch.groups) == 1


def test_rows(files: Writer) -> None:
    for syntax, sop_class in ((EXPLICIT, CT), (JPEG_2000, CT), (EXPLICIT, MR), (JPEG_2000, CT)):
        files.add(syntax, sop_class)
    size = len(data_set("1.9.1", study="1.1"))
    of_ct = ((JPEG_2000,), (EXPLICIT,), (IMPLICIT,))
    assert files.plan().rows == [
        Row(CT, EXPLICIT, 1, size, of_ct),
        Row(CT, JPEG_2000, 2, 2 * size, of_ct),
        Row(MR, EXPLICIT, 1, size, ((EXPLICIT,), (IMPLICIT,))),
    ]


def test_a_hundred_thousand_instances_fit_into_100_mib(files: Writer) -> None:
    sources = [FileSource(files.add()) for _ in range(1000)]
    tracemalloc.start()
    plan = make_plan(FileSource("".join(one.label)) for one in sources)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert plan.files == 1000
    assert kept / 1000 < 1000


# --- proposals ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stored", "contexts"),
    [
        ([EXPLICIT], [(EXPLICIT,), (IMPLICIT,)]),
        ([IMPLICIT], [(IMPLICIT,)]),
        ([BIG], [(BIG,), (EXPLICIT, IMPLICIT)]),
        ([JPEG_2000], [(JPEG_2000,), (EXPLICIT, IMPLICIT)]),
        ([JPEG_2000, RLE, IMPLICIT], [(JPEG_2000,), (RLE,), (IMPLICIT,)]),
        ([DEFLATED], [(DEFLATED,), (EXPLICIT, IMPLICIT)]),
        (["1.2.840.113619.5.2.99"], [("1.2.840.113619.5.2.99",), (EXPLICIT, IMPLICIT)]),
        ([JPEG_14], [(JPEG_14,), (JPEG_SV1,), (EXPLICIT, IMPLICIT)]),
        ([JPEG_14, JPEG_SV1], [(JPEG_14,), (JPEG_SV1,), (EXPLICIT, IMPLICIT)]),
        ([EXPLICIT, IMPLICIT], [(EXPLICIT,), (IMPLICIT,)]),
        ([EXPLICIT, BIG, IMPLICIT], [(EXPLICIT,), (BIG,), (IMPLICIT,)]),
    ],
)
def test_what_the_files_hold_and_a_fallback(stored: list[str], contexts: list[tuple[str, ...]]) -> None:
    assert list(Proposal().contexts(stored)) == contexts


def test_required_proposes_what_is_stored_and_nothing_else() -> None:
    assert Proposal(required=True).contexts([JPEG_14, EXPLICIT]) == ((JPEG_14,), (EXPLICIT,))
    assert Proposal(required=True).contexts([EXPLICIT, IMPLICIT]) == ((EXPLICIT,), (IMPLICIT,))
    assert PROPOSALS["s"]._replace(required=True).contexts([JPEG_2000]) == ((JPEG_2000,),)


def test_combined_in_one_context() -> None:
    combined = Proposal(combine=True).contexts([JPEG_2000, IMPLICIT, EXPLICIT])
    assert combined == ((JPEG_2000, IMPLICIT, EXPLICIT),)
    assert PROPOSALS["s"]._replace(combine=True).contexts([RLE]) == ((JPEG_SV1, EXPLICIT, IMPLICIT),)


@pytest.mark.parametrize(
    ("letter", "contexts"),
    [
        ("=", [(EXPLICIT, IMPLICIT)]),
        ("e", [(EXPLICIT, IMPLICIT)]),
        ("b", [(BIG, EXPLICIT, IMPLICIT)]),
        ("i", [(IMPLICIT,)]),
        ("s", [("1.2.840.10008.1.2.4.70",), (EXPLICIT, IMPLICIT)]),
        ("y", [("1.2.840.10008.1.2.4.50",), (EXPLICIT, IMPLICIT)]),
        ("x", [("1.2.840.10008.1.2.4.51",), (EXPLICIT, IMPLICIT)]),
        ("v", [("1.2.840.10008.1.2.4.90",), (EXPLICIT, IMPLICIT)]),
        ("w", [("1.2.840.10008.1.2.4.91",), (EXPLICIT, IMPLICIT)]),
        ("t", [("1.2.840.10008.1.2.4.80",), (EXPLICIT, IMPLICIT)]),
        ("u", [("1.2.840.10008.1.2.4.81",), (EXPLICIT, IMPLICIT)]),
        ("r", [("1.2.840.10008.1.2.5",), (EXPLICIT, IMPLICIT)]),
        ("d", [("1.2.840.10008.1.2.1.99",), (EXPLICIT, IMPLICIT)]),
    ],
)
def test_storescu_proposals_name_what_is_proposed(letter: str, contexts: list[tuple[str, ...]]) -> None:
    assert list(PROPOSALS[letter].contexts([RLE, BIG])) == contexts


def test_every_sop_class_is_offered_implicit_vr_unless_told_otherwise() -> None:
    for proposal in (Proposal(), Proposal(combine=True), *PROPOSALS.values()):
        for stored in ([EXPLICIT], [JPEG_14, RLE], [BIG, DEFLATED]):
            assert any(IMPLICIT in syntaxes for syntaxes in proposal.contexts(stored))


# --- associations ---------------------------------------------------------------------------------------------


def covers(batch: Batch) -> bool:
    """Whether everything in a batch has a context that proposes it as it is stored."""
    proposed = {(name, syntax) for name, syntaxes in batch.contexts for syntax in syntaxes}
    return all((one.file.sop_class_uid, one.file.transfer_syntax_uid) in proposed for one in batch.instances)


def test_one_association_as_long_as_it_can_carry_all(files: Writer) -> None:
    for number in range(64):
        files.add(JPEG_2000, f"1.2.3.{number}", f"1.{number}")
    plan = files.plan()
    assert [len(batch.contexts) for batch in plan.batches] == [128]
    propose(plan.batches[0].contexts)
    files.add(JPEG_2000, "1.2.3.64", "1.64")
    assert [len(batch.contexts) for batch in files.plan().batches] == [128, 2]


def test_more_than_128_contexts_split_between_studies(files: Writer) -> None:
    for number in range(300):
        files.add(IMPLICIT, f"1.2.3.{number % 150}", f"1.{number % 150}")
    plan = files.plan()
    assert [len(batch.contexts) for batch in plan.batches] == [128, 22]
    assert all(covers(batch) for batch in plan.batches)
    assert sum(len(group.instances) for batch in plan.batches for group in batch.groups) == 300
    assert all(len(group.instances) == 2 for batch in plan.batches for group in batch.groups)


@pytest.mark.parametrize("group", ["study", "none"])
def test_a_study_too_large_for_one_association_is_split_between_sop_classes(files: Writer, group: str) -> None:
    files.add(EXPLICIT, CT, "1.0")
    for number in range(140):
        files.add(EXPLICIT if number % 2 else RLE, f"1.2.3.{number % 70}")
        files.add(JPEG_2000, f"1.2.3.{number % 70}")
    files.add(EXPLICIT, CT, "1.7")
    plan = files.plan(group=group)
    assert len(plan.batches) <= 4
    assert all(len(batch.contexts) <= 128 and covers(batch) for batch in plan.batches)
    seen = [one.file.sop_instance_uid for batch in plan.batches for one in batch.instances]
    assert len(seen) == len(set(seen)) == plan.files == 282
    places: dict[str, set[int]] = {}
    for index, batch in enumerate(plan.batches):
        for one in batch.instances:
            places.setdefault(one.file.sop_class_uid, set()).add(index)
    assert sum(len(found) > 1 for name, found in places.items() if name != CT) <= 1


def test_one_sop_class_in_more_than_128_private_syntaxes(files: Writer) -> None:
    for number in range(200):
        files.add(f"1.2.9.{number}")
    plan = files.plan()
    assert len(plan.batches) == 2
    assert all(len(batch.contexts) <= 128 and covers(batch) for batch in plan.batches)


# --- routes ---------------------------------------------------------------------------------------------------


def instance(syntax: str, sop_class: str = CT) -> DicomFile:
    return DicomFile(sop_class, "1.2", syntax, "1.1", 0, 2)


def negotiated(contexts: list[tuple[str, tuple[str, ...]]], policy: AcceptorPolicy) -> Negotiated:
    request = AAssociateRQ("B", "A", propose(contexts), own_information())
    answered = answer(request, policy)
    assert isinstance(answered, AAssociateAC)
    return conclude(request, answered, [])


CONTEXTS = [(CT, (JPEG_2000,)), (CT, (EXPLICIT, IMPLICIT)), (MR, (RLE,)), (MR, (EXPLICIT, IMPLICIT))]


def test_a_file_goes_as_it_is_where_its_syntax_was_accepted() -> None:
    router = Router(negotiated(CONTEXTS, AcceptorPolicy(any_abstract_syntax=True)))
    found = router.route(instance(JPEG_2000))
    assert found.context is not None
    assert (found.context.context_id, found.context.transfer_syntax, found.why) == (1, JPEG_2000, "")
    assert router.route(instance(RLE, MR)).context.context_id == 5  # type: ignore[union-attr]
    assert router.route(instance(JPEG_2000)) is found


def test_a_syntax_refused_leaves_candidates() -> None:
    policy = AcceptorPolicy(any_abstract_syntax=True, transfer_syntaxes=(IMPLICIT,))
    found = Router(negotiated(CONTEXTS, policy)).route(instance(JPEG_2000))
    assert found.context is None
    assert [(one.context_id, one.transfer_syntax) for one in found.candidates] == [(3, IMPLICIT)]
    assert found.why == "JPEG 2000 Lossless not accepted: transfer syntaxes not supported"
    assert found.results == (4, 0)
    other = Router(negotiated(CONTEXTS, policy)).route(instance(EXPLICIT))
    assert (other.context, other.why) == (None, "Explicit LE not accepted")


def test_candidates_come_uncompressed_first() -> None:
    contexts = [(CT, (syntax,)) for syntax in (RLE, BIG, DEFLATED, IMPLICIT, EXPLICIT)]
    found = Router(negotiated(contexts, AcceptorPolicy(any_abstract_syntax=True))).route(instance(JPEG_2000))
    assert [one.transfer_syntax for one in found.candidates] == [EXPLICIT, IMPLICIT, DEFLATED, BIG, RLE]


def test_a_sop_class_refused_has_its_reason() -> None:
    router = Router(negotiated(CONTEXTS, AcceptorPolicy(abstract_syntaxes={CT: ()})))
    refused = router.route(instance(RLE, MR))
    assert (refused.context, refused.candidates, refused.results) == (None, (), (3, 3))
    assert refused.why == "no context: abstract syntax not supported"
    unknown = router.route(instance(RLE, "1.2.3"))
    assert (unknown.why, unknown.results) == ("no context: not proposed", ())


def test_all_transfer_syntaxes_refused_or_not_answered() -> None:
    policy = AcceptorPolicy(any_abstract_syntax=True, transfer_syntaxes=("1.2.3",))
    found = Router(negotiated(CONTEXTS, policy)).route(instance(EXPLICIT))
    assert (found.why, found.results) == ("no context: transfer syntaxes not supported", (4, 4))
    request = AAssociateRQ("B", "A", propose(CONTEXTS), own_information())
    silent = conclude(request, AAssociateAC((), own_information(), fields=request.fields), [])
    assert Router(silent).route(instance(EXPLICIT)).why == "no context: not answered"
