"""What a storage plan takes, and what it says of itself. What it does with objects is in ``test_receive``."""

import os
from pathlib import Path

import pytest

from dcmnet_cli.core.commands import CStoreRQ
from dcmnet_cli.errors import OutputError, UsageError
from dcmnet_cli.net.sink import Folder
from dcmnet_cli.ops.listening.naming import NameOptions
from dcmnet_cli.ops.listening.storage import StoragePlan
from tests.dicom_files import CT, data_set
from tests.receiving import Running, Sender

HANGING_PROTOCOL = "1.2.840.10008.5.1.4.38.1"


@pytest.mark.parametrize(
    ("uid", "is_taken"),
    [
        (CT, True),
        ("1.2.840.10008.5.1.4.1.1.88.11", True),
        (HANGING_PROTOCOL, True),
        ("1.2.840.10008.1.1", False),
        ("1.2.840.10008.1.3.10", False),
        ("1.2.840.10008.1.20.1", False),
        ("1.2.840.10008.5.1.4.1.2.2.1", False),
        ("1.2.840.10008.3.1.2.3.3", False),
        ("1.2.826.0.1.3680043.9.9", True),
    ],
    ids=["CT", "SR", "hanging protocol", "echo", "DICOMDIR", "commitment", "find", "MPPS", "private"],
)
def test_classes(uid: str, is_taken: bool) -> None:
    assert StoragePlan("inbox").takes(uid) is is_taken
    assert StoragePlan("inbox", only=frozenset([uid])).takes(uid)
    assert not StoragePlan("inbox", only=frozenset(["1.2.3"])).takes(uid)


def test_in_one_line() -> None:
    assert StoragePlan("inbox").describe() == "all classes to inbox"
    assert StoragePlan(None, only=frozenset([CT, "1.2.3"])).describe() == "2 classes dropped"


def test_a_template_that_makes_no_name_is_refused_before_anything_listens(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        Running(storage=StoragePlan(str(tmp_path), names=NameOptions(template="{NoSuchKeyword}")))


@pytest.mark.parametrize("is_released", [True, False])
def test_what_cannot_be_made_durable_is_told_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_released: bool
) -> None:
    """The sender is told as well as it still can be: its release is not confirmed."""

    def fail(*_: object) -> None:
        raise OutputError("cannot make durable what is in inbox: input/output error")

    monkeypatch.setattr(Folder, "sync_files", fail)
    with Running(storage=StoragePlan(str(tmp_path), sync="association")) as running:
        association = Sender(running.port).association
        for uid in ("1.2.3.4", "1.2.3.5"):
            request = CStoreRQ(association.next_message_id(), CT, uid)
            assert association.call(3, request, data_set(uid)).status == 0
        if is_released:
            assert "aborted" in association.release()
        else:
            association.abort()
        running.closed(1)
        summary = running.stopped()
    (failure,) = running.all("failed")
    assert failure.detail == (
        "2 objects stored and not made durable: cannot make durable what is in inbox: input/output error"
    )
    assert (failure.facts["kind"], failure.facts["not_durable"]) == ("output", 2)
    assert (summary.stored, summary.not_durable) == (2, 2)
    assert "2 not made durable" in summary.describe()


def test_the_release_is_confirmed_once_all_is_durable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    monkeypatch.setattr(Folder, "sync_files", lambda _, paths: synced.extend(paths))
    with Running(storage=StoragePlan(str(tmp_path), sync="association")) as running:
        sender = Sender(running.port)
        assert sender.store(data_set()).status == 0
        assert synced == []
        assert sender.association.release() == ""
        assert synced == [str(tmp_path / "1.2.3.4.dcm")]
    assert running.ended().not_durable == 0


def test_a_long_association_is_made_durable_on_its_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what fails on the way is remembered at the end."""
    synced: list[int] = []

    def sync(_: Folder, paths: list[str]) -> None:
        synced.append(len(paths))
        if len(synced) == 1:
            raise OutputError("input/output error")

    monkeypatch.setattr(Folder, "sync_files", sync)
    monkeypatch.setattr("dcmnet_cli.ops.listening.storage._MOST_UNSYNCED", 2)
    with Running(storage=StoragePlan(str(tmp_path), sync="association")) as running:
        sender = Sender(running.port)
        for number in range(5):
            assert sender.store(data_set(f"1.2.3.{number}"), f"1.2.3.{number}").status == 0
        assert "aborted" in sender.association.release()
        running.closed(1)
    assert synced == [2, 2, 1]
    assert running.ended().not_durable == 2


def test_studies_in_folders_of_their_own(tmp_path: Path) -> None:
    plan = StoragePlan(str(tmp_path), names=NameOptions(folders="study-uid", folder_prefix="in"))
    with Running(storage=plan) as running, Sender(running.port) as sender:
        for number in range(4):
            uid = f"1.2.3.4.{number}"
            assert sender.store(data_set(uid, study=f"1.2.3.{number % 2}"), uid).status == 0
    assert sorted(os.listdir(tmp_path)) == ["in_1.2.3.0", "in_1.2.3.1"]
    assert [len(os.listdir(tmp_path / name)) for name in ("in_1.2.3.0", "in_1.2.3.1")] == [2, 2]
