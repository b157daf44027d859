"""Instances made ready for an association: as they lie in their files where accepted, converted where they may be."""

import os
import zlib
from pathlib import Path

import pytest

from dcmnet_cli.core.negotiation import AcceptorPolicy, Negotiated
from dcmnet_cli.core.uids import DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN
from dcmnet_cli.ops.conversion.syntax_choice import Mode
from dcmnet_cli.ops.listening.storage import StoragePlan
from dcmnet_cli.ops.storing.invent import Inventor, Kinds
from dcmnet_cli.ops.storing.packing import Packer
from dcmnet_cli.ops.storing.plan import Instance
from dcmnet_cli.ops.storing.sending import Parcel
from dcmnet_cli.ops.storing.transfer import Outcome
from tests.dicom_files import BIG, CT, EXPLICIT, IMPLICIT, JPEG_2000, data_set, part10
from tests.ops.objects import encapsulated
from tests.receiving import Running, Sender
from tests.storing import Peer, plan_of


def negotiated(*accepted: str, proposed: tuple[str, ...] = (EXPLICIT, IMPLICIT, BIG, JPEG_2000)) -> Negotiated:
    """What an association with a context for each of ``proposed`` agrees on with a peer that takes ``accepted``."""
    peer = Peer(policy=AcceptorPolicy(abstract_syntaxes={CT: accepted}))
    with peer.serving() as target, Sender(target.port, [(CT, (syntax,)) for syntax in proposed]) as sender:
        return sender.association.negotiated


def instance(folder: Path, content: bytes) -> Instance:
    path = folder / "object.dcm"
    path.write_bytes(content)
    plan = plan_of([str(path)])
    return next(iter([*(one for batch in plan.batches for one in batch.instances), *plan.unfit]))


def pack(
    one: Instance, agreed: Negotiated, mode: Mode = "lossless", inventor: Inventor | None = None
) -> Parcel | Outcome:
    return Packer(agreed, mode, inventor)(one)


def sent(parcel: Parcel | Outcome) -> bytes:
    """The data set as it goes out, with the length that was announced; everything is closed after it."""
    assert isinstance(parcel, Parcel), parcel
    data = b"".join(bytes(piece) for piece in parcel.data_set.buffers)
    assert len(data) == parcel.data_set.length
    parcel.close()
    return data


@pytest.fixture(autouse=True)
def nothing_stays_open(tmp_path: Path) -> object:
    """Sockets of threads that are about to end do not count; files of ours do."""
    yield
    assert not [link for link in _links() if str(tmp_path) in link]


def _links() -> list[str]:
    found = []
    for number in os.listdir("/proc/self/fd"):
        try:
            found.append(os.readlink(f"/proc/self/fd/{number}"))
        except OSError:
            continue
    return found


def test_as_it_lies_in_the_file(tmp_path: Path) -> None:
    one = instance(tmp_path, part10(data_set(pixels=bytes(3 << 20))))
    parcel = pack(one, negotiated(EXPLICIT, IMPLICIT))
    assert isinstance(parcel, Parcel)
    assert (parcel.context.transfer_syntax, parcel.changes, parcel.converting) == (EXPLICIT, (), 0.0)
    assert (parcel.sop_class_uid, parcel.sop_instance_uid) == (CT, "1.2.3.4")
    assert sent(parcel) == data_set(pixels=bytes(3 << 20))


def test_converted_for_a_peer_that_takes_implicit_vr(tmp_path: Path) -> None:
    parcel = pack(instance(tmp_path, part10(data_set())), negotiated(IMPLICIT))
    assert isinstance(parcel, Parcel)
    assert parcel.context.transfer_syntax == IMPLICIT
    assert parcel.changes
    assert parcel.converting > 0
    assert sent(parcel) == data_set(vr=False)


def test_never_means_never(tmp_path: Path) -> None:
    outcome = pack(instance(tmp_path, part10(data_set())), negotiated(IMPLICIT), "never")
    assert isinstance(outcome, Outcome)
    assert outcome.kind == "not_sent"
    assert "not accepted" in outcome.reason


def test_no_context_at_all(tmp_path: Path) -> None:
    for mode in ("never", "lossless", "always"):
        agreed = negotiated("1.2.3.99")
        outcome = pack(instance(tmp_path, part10(data_set())), agreed, mode)  # type: ignore[arg-type]
        assert isinstance(outcome, Outcome)
        assert outcome.reason == "no context: transfer syntaxes not supported"


def test_pixels_that_cannot_be_decoded_are_not_dropped(tmp_path: Path) -> None:
    content = part10(data_set(pixels=b"") + encapsulated(b"no codestream "), JPEG_2000)
    outcome = pack(instance(tmp_path, content), negotiated(EXPLICIT))
    assert isinstance(outcome, Outcome)
    assert outcome.kind == "not_sent"
    assert outcome.reason


def test_an_invented_identity(tmp_path: Path) -> None:
    one = instance(tmp_path, part10(data_set()))
    parcel = pack(one, negotiated(EXPLICIT), inventor=Inventor(Kinds(True)))
    assert isinstance(parcel, Parcel)
    assert parcel.sop_instance_uid != "1.2.3.4"
    data = sent(parcel)
    assert parcel.sop_instance_uid.encode() in data
    assert b"1.2.3.4\0" not in data
    assert data.endswith(data_set()[-64:])
    assert len(data) % 2 == 0


def test_an_invented_identity_that_is_converted(tmp_path: Path) -> None:
    one = instance(tmp_path, part10(data_set(pixels=bytes(range(64)))))
    parcel = pack(one, negotiated(IMPLICIT), inventor=Inventor(Kinds(True)))
    assert isinstance(parcel, Parcel)
    assert parcel.sop_instance_uid != "1.2.3.4"
    data = sent(parcel)
    assert parcel.sop_instance_uid.encode() in data
    assert data.endswith(bytes(range(64)))


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    one = instance(tmp_path, part10(data_set()))
    os.unlink(tmp_path / "object.dcm")
    for agreed in (negotiated(EXPLICIT), negotiated(IMPLICIT)):
        outcome = pack(one, agreed)
        assert isinstance(outcome, Outcome)
        assert "no such file" in outcome.reason.lower()


def test_a_file_that_became_shorter(tmp_path: Path) -> None:
    one = instance(tmp_path, part10(data_set()))
    os.truncate(tmp_path / "object.dcm", 200)
    for agreed in (negotiated(EXPLICIT), negotiated(IMPLICIT)):
        outcome = pack(one, agreed)
        assert isinstance(outcome, Outcome)
        assert outcome.kind == "not_sent"


def test_what_is_sent_is_always_even(tmp_path: Path) -> None:
    """Deflated data may end on an odd byte in its file, and not on the wire (PS3.5 A.5)."""
    for extra in range(8):
        compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
        plain = data_set(pixels=os.urandom(2 * extra + 2))
        deflated = compressor.compress(plain) + compressor.flush()
        one = instance(tmp_path, part10(deflated, DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN))
        deflating = DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN
        data = sent(pack(one, negotiated(deflating, proposed=(deflating,))))
        assert len(data) % 2 == 0
        assert zlib.decompress(data, -15) == plain


def test_our_own_listener_agrees(tmp_path: Path) -> None:
    """The contexts of a real listener are routed like those of the tests above."""
    with Running(storage=StoragePlan(None)) as running, Sender(running.port) as sender:
        parcel = pack(instance(tmp_path, part10(data_set())), sender.association.negotiated)
        assert sent(parcel) == data_set()
