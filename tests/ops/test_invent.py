"""Invented identities: new where asked for, after as many objects as asked for, and nothing else changed."""

import pydicom
import pytest

from dcmnet_cli.core import uids
from dcmnet_cli.ops.storing.invent import Identity, Inventor, Kinds
from tests.ops.objects import DEFLATED, FOLDER, bundled, opened, read, values

INVENTED = {
    "sop_instance_uid": 0x00080018,
    "accession_number": 0x00080050,
    "patient_name": 0x00100010,
    "patient_id": 0x00100020,
    "study_instance_uid": 0x0020000D,
    "series_instance_uid": 0x0020000E,
    "study_id": 0x00200010,
    "series_number": 0x00200011,
    "instance_number": 0x00200013,
}


def invented(inventor: Inventor, name: str) -> tuple[bytes, Identity]:
    pread, file = opened(bundled(name))
    result = inventor.invent(pread, file)
    with result.head as head:
        return head.pread(head.size, 0) + pread(result.length, result.offset), result.identity


def test_counts_roll_over_where_they_should() -> None:
    inventor = Inventor(Kinds(instance=True, series=3, study=2, patient=2))
    made = [inventor.next() for _ in range(24)]
    assert len({identity.sop_instance_uid for identity in made}) == 24
    for field, objects in (("series_instance_uid", 3), ("study_instance_uid", 6), ("patient_id", 12)):
        found = [getattr(identity, field) for identity in made]
        assert found == [found[index - index % objects] for index in range(24)]
        assert len(set(found)) == 24 // objects
    assert [identity.instance_number for identity in made[:4]] == ["1", "2", "3", "1"]
    assert [identity.series_number for identity in made[:7:3]] == ["1", "2", "1"]


def test_what_is_not_asked_for_stays() -> None:
    identity = Inventor(Kinds(series=1)).next()
    assert identity == Identity(series_instance_uid=identity.series_instance_uid, series_number="1")
    assert Inventor(Kinds()).next() == Identity()


def test_values_are_legal_and_marked() -> None:
    inventor = Inventor(Kinds(True, 1, 1, 1))
    for _ in range(3000):
        identity = inventor.next()
    for uid in (identity.sop_instance_uid, identity.series_instance_uid, identity.study_instance_uid):
        assert uids.is_valid_uid(uid)
    assert max(len(identity.study_id), len(identity.accession_number)) <= 16
    assert identity.patient_name.startswith("INVENTED^")
    assert identity.patient_id.startswith("INVENTED-")


def test_two_runs_do_not_share_a_patient() -> None:
    one, other = (Inventor(Kinds(True, 1, 1, 1)).next() for _ in range(2))
    assert one.patient_id != other.patient_id


@pytest.mark.parametrize(
    "name",
    ["CT_small.dcm", "MR_small_bigendian.dcm", "MR_small_implicit.dcm", "JPEG2000.dcm", "rtplan.dcm", "image_dfl.dcm"],
)
def test_only_the_identity_changes(name: str) -> None:
    inventor = Inventor(Kinds(True, 1, 1, 1))
    _, file = opened(bundled(name))
    data, identity = invented(inventor, name)
    ours = read(data, file.transfer_syntax_uid)
    original = pydicom.dcmread(f"{FOLDER}/{name}")
    for field, tag in INVENTED.items():
        assert str(ours[tag].value) == getattr(identity, field)
    touched = frozenset(INVENTED.values())
    assert values(ours, touched) == values(original, touched)
    assert [element.tag for element in ours] == sorted(element.tag for element in ours)


def test_pixel_data_is_not_copied() -> None:
    pread, file = opened(bundled("CT_small.dcm"))
    result = Inventor(Kinds(instance=True)).invent(pread, file)
    with result.head as head:
        assert head.size < 4096
    assert result.length > 32768
    assert result.offset + result.length == file.offset + file.length
    assert file.transfer_syntax_uid != DEFLATED
