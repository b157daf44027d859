"""A listener that stores: what lies in the folder, what was acknowledged, and what the association does after it."""

import hashlib
import os
import re
import resource
import shutil
import threading
import time
import zlib
from contextlib import suppress
from pathlib import Path

import pydicom
import pytest

from dcmnet_cli.core.commands import CStoreRQ
from dcmnet_cli.core.pdu import UserIdentity
from dcmnet_cli.errors import AssociationAborted, AssociationRejected, ConnectionLost, OutputError
from dcmnet_cli.ops.listening.faults import Faults, parse_fault
from dcmnet_cli.ops.listening.hook_commands import OBJECT, STUDY, Command
from dcmnet_cli.ops.listening.hooks import HookLimits
from dcmnet_cli.ops.listening.identity import IdentityCheck, UserFile, hash_password
from dcmnet_cli.ops.listening.naming import NameOptions
from dcmnet_cli.ops.listening.storage import StoragePlan
from tests.dicom_files import CT, DEFLATED, EXPLICIT, IMPLICIT, JPEG_2000, data_set, element, part10
from tests.ops.objects import encapsulated
from tests.receiving import Running, Sender
from tests.scripted import until

MR = "1.2.840.10008.5.1.4.1.1.4"
STUDY_FIND = "1.2.840.10008.5.1.4.1.2.2.1"


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


def storing(inbox: Path, **options: object) -> StoragePlan:
    return StoragePlan(str(inbox))._replace(**options)  # type: ignore[arg-type]


def files(inbox: Path) -> list[str]:
    return sorted(str(path.relative_to(inbox)) for path in inbox.rglob("*") if path.is_file())


# --- objects -------------------------------------------------------------------------------------------------------


def test_an_object_is_stored_bit_by_bit(inbox: Path) -> None:
    data = data_set(pixels=bytes(range(256)) * 1000)
    with Running(storage=storing(inbox, tells_objects=True)) as running:
        with Sender(running.port) as sender:
            assert sender.store(data).status == 0
            assert files(inbox) == ["1.2.3.4.dcm"]  # before the association is over
        running.closed(1)
        summary = running.stopped()
    stored = (inbox / "1.2.3.4.dcm").read_bytes()
    assert stored.endswith(data)
    assert stored[:132] == bytes(128) + b"DICM"
    file = pydicom.dcmread(inbox / "1.2.3.4.dcm")
    assert file.file_meta.MediaStorageSOPClassUID == CT
    assert file.file_meta.MediaStorageSOPInstanceUID == "1.2.3.4"
    assert file.file_meta.TransferSyntaxUID == EXPLICIT
    assert file.file_meta.SourceApplicationEntityTitle == "CT1"
    assert (summary.stored, summary.refused, summary.associations, summary.failed) == (1, 0, 1, 0)
    event = running.one("stored")
    assert (event.calling, event.called) == ("CT1", "INBOX")
    assert event.facts["sop_instance_uid"] == "1.2.3.4"
    assert event.facts["study_instance_uid"] == "1.2.3"
    assert event.facts["bytes"] == len(data)
    assert event.facts["path"] == str(inbox / "1.2.3.4.dcm")
    assert running.one("received").facts["outcomes"] == {"stored": 1}


@pytest.mark.parametrize(
    "data",
    [
        b"\0" * 2,
        b"garbage!" * 100,
        data_set()[:-3],
        data_set()[:-3] + b"\0",
        element(0x00080018, "UI", "1", length=60000),
    ],
    ids=["zeros", "garbage", "odd", "cut", "lying length"],
)
def test_data_sets_that_make_no_sense_are_stored_as_they_came(inbox: Path, data: bytes) -> None:
    with Running(storage=storing(inbox, tells_objects=True)) as running, Sender(running.port) as sender:
        assert sender.store(data).status == 0
        assert sender.echo() == 0
    (name,) = files(inbox)
    assert (inbox / name).read_bytes().endswith(data)


def test_a_deflated_bomb_costs_neither_memory_nor_time(inbox: Path) -> None:
    import zlib

    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = compressor.compress(element(0x00080005, "UN", b"", length=0xFFFFFFF0))
    bomb += b"".join(compressor.compress(bytes(1 << 20)) for _ in range(300)) + compressor.flush()
    begin = time.monotonic()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    plan = storing(inbox, tells_objects=True)
    with Running(storage=plan) as running, Sender(running.port, [(CT, [DEFLATED])]) as sender:
        assert sender.store(bomb).status == 0
    assert time.monotonic() - begin < 5.0
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10  # KiB


@pytest.mark.parametrize(
    "instance",
    [
        "../../etc/passwd",
        "/etc/passwd",
        "1.2.3/../../x",
        "..",
        ".",
        "a\\b",
        "1.2.3\0.4",
        "\x1b[2J",
        "-rf",
        "1" * 64,
        "",
    ],
)
def test_names_stay_in_the_folder(inbox: Path, instance: str) -> None:
    with Running(storage=storing(inbox)) as running, Sender(running.port) as sender:
        response = sender.store(data_set(instance=""), instance)
        assert sender.echo() == 0
    everything = [path for path in inbox.parent.rglob("*") if path.is_file()]
    assert all(inbox in path.parents for path in everything)
    assert len(everything) == (response.status == 0)
    assert all(re.fullmatch(r"[\w.%^=+~-]+", path.name) and path.name[0] not in "-." for path in everything)


def test_different_bad_uids_never_share_a_file(inbox: Path) -> None:
    with Running(storage=storing(inbox, on_duplicate="overwrite")) as running, Sender(running.port) as sender:
        statuses = [sender.store(data_set(instance=""), f"a{c}b").status for c in "/\\:*?"]
    assert statuses.count(0) == len(files(inbox))


@pytest.mark.parametrize("max_pdu", [16384, 16], ids=["in one piece", "in crumbs"])
def test_command_and_data_set_disagree(inbox: Path, max_pdu: int) -> None:
    """Stored under the UIDs that readers of the file will see, its header too (PS3.10 7.1), and said; without a path
    unless objects are told."""
    data = data_set("1.2.3.9", MR)
    with Running(storage=storing(inbox), max_pdu=max_pdu) as running:
        with Sender(running.port) as sender:
            response = sender.store(data, "1.2.3.4")
        event = running.one("stored")
    assert (response.status, response.affected_sop_class_uid, response.affected_sop_instance_uid) == (0, CT, "1.2.3.4")
    assert files(inbox) == ["1.2.3.9.dcm"]
    stored = pydicom.dcmread(inbox / "1.2.3.9.dcm")
    assert stored.file_meta.MediaStorageSOPInstanceUID == stored.SOPInstanceUID == "1.2.3.9"
    assert stored.file_meta.MediaStorageSOPClassUID == stored.SOPClassUID == MR
    assert (inbox / "1.2.3.9.dcm").read_bytes().endswith(data)
    assert event.facts["sop_instance_uid"] == "1.2.3.9"
    assert all(uid in event.detail for uid in ("1.2.3.4", CT, MR))
    assert str(inbox) not in event.detail


@pytest.mark.parametrize("inner", ["", "1.2.03", "../9", "1." * 40], ids=["none", "zeros", "path", "long"])
def test_a_uid_of_the_data_set_that_is_none_counts_for_nothing(inbox: Path, inner: str) -> None:
    with Running(storage=storing(inbox)) as running, Sender(running.port) as sender:
        assert sender.store(data_set(inner), "1.2.3.4").status == 0
    assert files(inbox) == ["1.2.3.4.dcm"]
    assert pydicom.dcmread(inbox / "1.2.3.4.dcm").file_meta.MediaStorageSOPInstanceUID == "1.2.3.4"


def test_a_request_without_a_data_set_is_no_success(inbox: Path) -> None:
    with Running(storage=storing(inbox)) as running, Sender(running.port) as sender:
        request = CStoreRQ(7, CT, "1.2.3.4", command_data_set_type=0x0101)
        assert sender.association.call(3, request).status == 0xA900
        assert sender.echo() == 0
    assert files(inbox) == []


def test_another_class_than_that_of_the_context(inbox: Path) -> None:
    with Running(storage=storing(inbox)) as running, Sender(running.port) as sender:
        assert sender.store(data_set(), sop_class=MR).status == 0x0122
        assert sender.store(data_set(), context_id=1, sop_class="1.2.840.10008.1.1").status == 0x0122
    assert files(inbox) == []


def test_an_object_that_never_ends_leaves_nothing(inbox: Path) -> None:
    with Running(storage=storing(inbox)) as running:
        sender = Sender(running.port)
        wire: list[bytes] = []
        association = sender.association
        original = association.transport.write_buffers

        def cut(buffers: list[bytes], timeout: float) -> None:
            wire.append(b"".join(bytes(each) for each in buffers))
            original([wire[0][: len(wire[0]) // 2]], timeout)
            association.transport.close()
            raise InterruptedError

        association.transport.write_buffers = cut  # type: ignore[method-assign, assignment]
        with pytest.raises(InterruptedError):
            sender.store(data_set(pixels=bytes(100_000)))
        running.closed(1)
        summary = running.stopped()
    assert files(inbox) == []
    assert (summary.stored, summary.failed) == (0, 1)


# --- the name is taken ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "statuses", "names", "counts"),
    [
        ("skip", [0, 0, 0], ["1.2.3.4.1.dcm", "1.2.3.4.dcm"], (2, 1, 0)),
        ("overwrite", [0, 0, 0], ["1.2.3.4.dcm"], (3, 0, 0)),
        ("rename", [0, 0, 0], ["1.2.3.4.1.dcm", "1.2.3.4.2.dcm", "1.2.3.4.dcm"], (3, 0, 0)),
        ("reject", [0, 0xC111, 0xC111], ["1.2.3.4.dcm"], (1, 0, 2)),
    ],
)
def test_duplicates(
    inbox: Path, policy: str, statuses: list[int], names: list[str], counts: tuple[int, int, int]
) -> None:
    with Running(storage=storing(inbox, on_duplicate=policy)) as running:
        with Sender(running.port) as sender:
            answers = [sender.store(data_set(pixels=bytes((n,)) * 8)) for n in (0, 0, 1)]
        running.closed(1)
        summary = running.stopped()
    assert [answer.status for answer in answers] == statuses
    assert [bool(answer.error_comment) for answer in answers] == [bool(status) for status in statuses]
    assert files(inbox) == names
    assert (summary.stored, summary.duplicates, summary.refused) == counts


def test_the_same_instance_over_several_associations_at_once(inbox: Path) -> None:
    data = data_set(pixels=bytes(500_000))
    statuses: list[int] = []

    def send(port: int) -> None:
        with Sender(port) as sender:
            for number in range(20):
                statuses.append(sender.store(data, f"1.2.3.{number}").status)

    with Running(storage=storing(inbox)) as running:
        threads = [threading.Thread(target=send, args=(running.port,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20.0)
        running.closed(4)
        summary = running.stopped()
    assert statuses == [0] * 80
    # the data set's UID is the same in all of them, and so is its content: one file
    assert files(inbox) == ["1.2.3.4.dcm"]
    assert (summary.stored, summary.duplicates) == (1, 79)


# --- what cannot be stored -----------------------------------------------------------------------------------------


def test_no_room_for_one_object_and_life_goes_on(inbox: Path) -> None:
    """A limit on file sizes stands in for a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Running(storage=storing(inbox)) as running:
        with Sender(running.port) as sender:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
            try:
                refused = sender.store(data_set("1.2.3.1", pixels=bytes(3_000_000)), "1.2.3.1")
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            assert (refused.status, refused.error_comment) == (0xA700, "cannot be stored: file too large")
            assert sender.store(data_set("1.2.3.2"), "1.2.3.2").status == 0
        running.closed(1)
        summary = running.stopped()
    assert files(inbox) == ["1.2.3.2.dcm"]
    assert (summary.stored, summary.refused, summary.failed) == (1, 1, 0)
    assert "file too large" in running.one("failed").detail
    assert running.one("received").facts["not_stored"] == 1


def test_the_folder_goes_away(inbox: Path) -> None:
    with Running(storage=storing(inbox)) as running:
        with Sender(running.port) as sender:
            assert sender.store(data_set()).status == 0
            shutil.rmtree(inbox)
            answer = sender.store(data_set("1.2.3.5"), "1.2.3.5")
            assert (answer.status, answer.error_comment[:16]) == (0xA700, "cannot be stored")
            assert str(inbox.parent) not in answer.error_comment
            assert sender.echo() == 0
        running.closed(1)
    assert not inbox.exists()


def test_a_folder_that_is_missing_at_the_start(inbox: Path) -> None:
    with pytest.raises(OutputError, match="cannot write to folder"):
        Running(storage=storing(inbox / "missing"))


def test_patients_are_not_in_the_log_when_a_name_cannot_be_given(inbox: Path) -> None:
    (inbox / "DOE^JANE").write_bytes(b"")
    names = NameOptions(template="{PatientName}/{SOPInstanceUID}.dcm")
    with Running(storage=storing(inbox, names=names)) as running:
        with Sender(running.port) as sender:
            assert sender.store(data_set()).status == 0xA700
        running.closed(1)
    assert "DOE" not in repr(running.events)


def test_patients_are_not_in_the_log_of_what_arrives(inbox: Path) -> None:
    names = NameOptions(template="{PatientName}/{SOPInstanceUID}.dcm")
    with Running(storage=storing(inbox, names=names)) as running:
        with Sender(running.port) as sender:
            assert sender.store(data_set("1.2.3.9"), "1.2.3.4").status == 0
        running.closed(1)
    assert files(inbox)[0].startswith("DOE")
    assert "DOE" not in " ".join(event.detail for event in running.events)


# --- what is taken -------------------------------------------------------------------------------------------------


def accepted(port: int, *contexts: tuple[str, list[str]]) -> list[str]:
    """The transfer syntax of each context, "" where it was not accepted."""
    with Sender(port, contexts) as sender:
        found = {each.proposed.context_id: each for each in sender.association.negotiated.outcomes}
        return [found[3 + 2 * index].transfer_syntax for index in range(len(contexts))]


def test_only_storage_classes_and_any_private_one(inbox: Path) -> None:
    with Running(storage=storing(inbox)) as running:
        assert accepted(running.port, (CT, [EXPLICIT]), (STUDY_FIND, [IMPLICIT]), ("1.2.3.99", [IMPLICIT])) == [
            EXPLICIT,
            "",
            IMPLICIT,
        ]


def test_only_some_classes(inbox: Path) -> None:
    with Running(storage=storing(inbox, only=frozenset([MR]))) as running:
        assert accepted(running.port, (CT, [EXPLICIT]), (MR, [EXPLICIT])) == ["", EXPLICIT]


def test_preferred_and_only_transfer_syntaxes(inbox: Path) -> None:
    with Running(storage=storing(inbox, preferred=(JPEG_2000, EXPLICIT))) as running:
        assert accepted(running.port, (CT, [IMPLICIT, EXPLICIT]), (MR, [IMPLICIT, EXPLICIT, JPEG_2000])) == [
            EXPLICIT,
            JPEG_2000,
        ]
    with Running(storage=storing(inbox, transfer_syntaxes=(IMPLICIT,))) as running:
        assert accepted(running.port, (CT, [EXPLICIT, IMPLICIT]), (MR, [EXPLICIT])) == [IMPLICIT, ""]


def test_without_a_folder_everything_is_dropped() -> None:
    with Running(storage=StoragePlan(None)) as running:
        with Sender(running.port) as sender:
            assert sender.store(data_set()).status == 0
        running.closed(1)
        summary = running.stopped()
    assert (summary.ignored, summary.stored) == (1, 0)


# --- another transfer syntax ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [EXPLICIT, IMPLICIT, DEFLATED])
@pytest.mark.parametrize("source", [EXPLICIT, IMPLICIT])
def test_conversion_on_receipt(inbox: Path, source: str, target: str) -> None:
    data = data_set(vr=source == EXPLICIT)
    with (
        Running(storage=storing(inbox, convert_to=target)) as running,
        Sender(running.port, [(CT, [source])]) as sender,
    ):
        assert sender.store(data).status == 0
    file = pydicom.dcmread(inbox / "1.2.3.4.dcm")
    assert file.file_meta.TransferSyntaxUID == target
    assert (file.SOPInstanceUID, file.PatientName, file.Rows) == ("1.2.3.4", "DOE^JANE", 8)
    assert file["PixelData"].value == bytes(64)
    if source == target:
        assert (inbox / "1.2.3.4.dcm").read_bytes().endswith(data)
    assert files(inbox) == ["1.2.3.4.dcm"]


def test_what_cannot_be_converted_is_refused_and_not_kept(inbox: Path) -> None:
    plan = storing(inbox, convert_to=IMPLICIT)
    with Running(storage=plan) as running:
        with Sender(running.port, [(CT, [JPEG_2000]), (CT, [EXPLICIT])]) as sender:
            refused = sender.store(data_set(pixels=b"") + encapsulated(b"no codestream "))
            assert refused.status == 0xC000
            assert refused.error_comment
            assert sender.store(data_set()[:-10], context_id=5).status == 0xC000
            assert sender.store(data_set(), context_id=5).status == 0
        running.closed(1)
        summary = running.stopped()
    assert files(inbox) == ["1.2.3.4.dcm"]
    assert (summary.stored, summary.refused, summary.failed) == (1, 2, 0)


def test_no_room_for_what_was_converted(inbox: Path) -> None:
    """A limit on file sizes stands in for a full disk: what came deflated fits, and what it becomes does not."""
    packed = zlib.compressobj(wbits=-15)
    data = packed.compress(data_set(pixels=bytes(100_000))) + packed.flush()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with (
        Running(storage=storing(inbox, convert_to=EXPLICIT)) as running,
        Sender(running.port, [(CT, [DEFLATED])]) as sender,
    ):
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
        try:
            sender.store(data + b"\0" * (len(data) % 2))
            before = _open_below(inbox)
            for _ in range(5):
                assert sender.store(data + b"\0" * (len(data) % 2)).status == 0xA700
            assert _open_below(inbox) <= before + 1  # the next file is opened ahead, sooner or later
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert files(inbox) == []
        assert sender.store(data + b"\0" * (len(data) % 2)).status == 0
    assert files(inbox) == ["1.2.3.4.dcm"]


def _open_below(folder: Path) -> int:
    """How many descriptors of this process lead into ``folder``, those of files without a name too."""
    count = 0
    for descriptor in os.listdir("/proc/self/fd"):
        with suppress(FileNotFoundError):  # closed by now
            count += os.readlink(f"/proc/self/fd/{descriptor}").startswith(f"{folder}/")
    return count


# --- faults on purpose ---------------------------------------------------------------------------------------------


def faults(*texts: str) -> Faults:
    return Faults([parse_fault(text) for text in texts])


def test_a_status_on_purpose(inbox: Path) -> None:
    """A failure is one: the object is not there. A warning leaves it."""
    plan = faults("status=A700@2", "status=B000@3")
    with Running(storage=storing(inbox), faults=plan) as running, Sender(running.port) as sender:
        statuses = [sender.store(data_set(f"1.2.3.{n}"), f"1.2.3.{n}").status for n in range(1, 5)]
    assert statuses == [0, 0xA700, 0xB000, 0]
    assert files(inbox) == ["1.2.3.1.dcm", "1.2.3.3.dcm", "1.2.3.4.dcm"]


@pytest.mark.parametrize(
    ("text", "kind", "kept"),
    [
        ("abort=after", AssociationAborted, 1),
        ("abort=during", AssociationAborted, 0),
        ("drop=after", ConnectionLost, 1),
        ("drop=during", ConnectionLost, 0),
    ],
)
def test_an_end_on_purpose(inbox: Path, text: str, kind: type, kept: int) -> None:
    with Running(storage=storing(inbox), faults=faults(text)) as running:
        with pytest.raises(kind), Sender(running.port) as sender:
            sender.store(data_set())
        running.closed(1)
        assert len(running.all("failed") + running.all("aborted")) == 1  # told once
        with Sender(running.port) as sender:
            assert sender.echo() == 0
    assert len(files(inbox)) == kept


def test_requests_rejected_and_dropped_on_purpose(inbox: Path) -> None:
    plan = faults("reject=congestion@1", "drop=association@2")
    with Running(storage=storing(inbox), faults=plan) as running:
        with pytest.raises(AssociationRejected) as caught:
            Sender(running.port)
        assert (caught.value.result, caught.value.source, caught.value.reason) == (2, 3, 1)
        with pytest.raises(ConnectionLost):
            Sender(running.port)
        with Sender(running.port) as sender:
            assert sender.store(data_set()).status == 0


def test_sleeping_on_purpose(inbox: Path) -> None:
    plan = faults("sleep=0.1", "sleep-during=0.1")
    with Running(storage=storing(inbox), faults=plan) as running, Sender(running.port) as sender:
        begin = time.monotonic()
        assert sender.store(data_set()).status == 0
        assert time.monotonic() - begin >= 0.2


# --- hooks ---------------------------------------------------------------------------------------------------------


def test_hooks_that_hang_do_not_hold_up_receiving(inbox: Path) -> None:
    hanging = Command(OBJECT, ("sleep", "60"), takes_json=False)
    limits = HookLimits(seconds=0.5, workers=1)
    with Running(storage=storing(inbox, hooks=(hanging,), hook_limits=limits), grace=1.0) as running:
        begin = time.monotonic()
        with Sender(running.port) as sender:
            for number in range(30):
                assert sender.store(data_set(f"1.2.3.{number}"), f"1.2.3.{number}").status == 0
        assert time.monotonic() - begin < 3.0
        summary = running.stopped()
    assert summary.stored == 30
    assert summary.hooks_failed == 30


def test_hooks_get_the_object_under_its_final_name(inbox: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    script = tmp_path / "hook.sh"
    script.write_text(f'#!/bin/sh\nls "$1/$2" >> {log}\n')
    script.chmod(0o755)
    hook = Command(OBJECT, (str(script), "#p", "#f"), takes_json=False)
    study = Command(STUDY, ("sh", "-c", f"cat >> {log}.study"), takes_json=True)
    plan = storing(inbox, hooks=(hook, study), hook_limits=HookLimits(quiet=0.2, workers=1))
    with Running(storage=plan) as running:
        with Sender(running.port) as sender:
            for number in (1, 1, 2):
                sender.store(data_set(f"1.2.3.{number}"), f"1.2.3.{number}")
        until(lambda: len(running.all("hook")) == 3)
        assert all(event.facts["exit_status"] == 0 for event in running.all("hook"))
    assert log.read_text().split() == [f"{inbox}/1.2.3.1.dcm", f"{inbox}/1.2.3.2.dcm"]  # the duplicate is no event
    assert '"study_instance_uid": "1.2.3"' in Path(f"{log}.study").read_text().replace('":"', '": "')


# --- who may -------------------------------------------------------------------------------------------------------


@pytest.fixture
def users(tmp_path: Path) -> Path:
    path = tmp_path / "users"
    path.write_text(f"jane:{hash_password('secret')}\n")
    path.chmod(0o600)
    return path


def test_users_of_a_file(inbox: Path, users: Path) -> None:
    check = IdentityCheck(UserFile(str(users), lambda _: None), required=True)
    with Running(storage=storing(inbox, tells_objects=True), identity=check) as running:
        for identity in (None, UserIdentity(2, b"jane", b"guess"), UserIdentity(2, b"eve", b"secret")):
            with pytest.raises(AssociationRejected):
                Sender(running.port, identity=identity)
        with Sender(running.port, identity=UserIdentity(2, b"jane", b"secret", True)) as sender:
            assert sender.association.negotiated.peer.identity_response == b""
            assert sender.store(data_set()).status == 0
        running.closed(4)
        summary = running.stopped()
    assert running.one("stored").facts["identity"] == "jane"
    assert (summary.associations, summary.rejected) == (1, 3)
    assert "secret" not in repr(running.events)
    assert "guess" not in repr(running.events)


# --- the end -------------------------------------------------------------------------------------------------------


def test_count_and_idle_exit(inbox: Path) -> None:
    with Running(storage=storing(inbox), stop_after=2) as running:
        for _ in range(2):
            with Sender(running.port) as sender:
                sender.store(data_set())
        assert running.ended().associations == 2
    with Running(storage=storing(inbox), idle_exit=0.5) as running:
        with Sender(running.port) as sender:
            time.sleep(1.0)  # open is not idle
            assert sender.echo() == 0
        assert running.ended().associations == 1


def test_stopping_under_load_loses_nothing_that_was_acknowledged(inbox: Path) -> None:
    acknowledged: list[str] = []

    def send(port: int, number: int) -> None:
        try:
            with Sender(port) as sender:
                for each in range(10_000):
                    uid = f"1.2.3.{number}.{each}"
                    if sender.store(data_set(uid, pixels=bytes(20_000)), uid).status == 0:
                        acknowledged.append(uid)
        except (AssociationAborted, ConnectionLost):
            pass

    with Running(storage=storing(inbox), grace=0.2) as running:
        threads = [threading.Thread(target=send, args=(running.port, number)) for number in range(4)]
        for thread in threads:
            thread.start()
        until(lambda: len(acknowledged) > 40)
        summary = running.stopped()
        for thread in threads:
            thread.join(5.0)
    assert summary.cut_off
    names = set(files(inbox))
    assert {f"{uid}.dcm" for uid in acknowledged} <= names
    sizes = {hashlib.sha256((inbox / name).read_bytes()[-20_000:]).digest() for name in names}
    assert sizes == {hashlib.sha256(bytes(20_000)).digest()}
    assert summary.stored == len(names)


def test_durable_by_association(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    actual = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        actual(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with Running(storage=storing(inbox, sync="association")) as running:
        with Sender(running.port) as sender:
            for number in range(3):
                sender.store(data_set(f"1.2.3.{number}"), f"1.2.3.{number}")
            assert synced == []
        running.closed(1)
    assert sorted(synced) == sorted([*(f"{inbox}/1.2.3.{number}.dcm" for number in range(3)), str(inbox)])


def test_nothing_stays_open(inbox: Path) -> None:
    with Running(storage=storing(inbox)) as running:
        with Sender(running.port) as sender:
            sender.store(data_set())
        running.closed(1)
        until(lambda: threading.active_count() < 6)
        before = len(os.listdir("/proc/self/fd"))
        for number in range(20):
            with Sender(running.port) as sender:
                for each in range(20):
                    uid = f"1.2.3.{number}.{each % 15}"
                    assert sender.store(data_set(uid, pixels=bytes((each,) * 8)), uid).status == 0
        running.closed(21)
        until(lambda: len(os.listdir("/proc/self/fd")) <= before)


def test_whole_files_are_readable_as_what_they_are(inbox: Path) -> None:
    """The head we write is the one that our own writer of test files would."""
    with Running(storage=storing(inbox)) as running, Sender(running.port) as sender:
        sender.store(data_set())
    ours = pydicom.dcmread(inbox / "1.2.3.4.dcm")
    (inbox / "theirs").write_bytes(part10(data_set()))
    assert ours == pydicom.dcmread(inbox / "theirs")
