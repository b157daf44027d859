"""``dcmnet echo --accepts``: a SOP class in a transfer syntax, asserted and not used."""

import json

import pytest

from dcmnet_cli.cli.app import run
from dcmnet_cli.testing import StartListener

CT = "1.2.840.10008.5.1.4.1.1.2"
IMPLICIT, EXPLICIT, LOSSLESS = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.90"


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["CTImageStorage"], 0),
        (["CT Image Storage=ILE"], 0),
        ([f"{CT}={IMPLICIT}", "Verification"], 0),
        (["CTImageStorage=ExplicitVRLittleEndian"], 7),
        ([f"CTImageStorage={LOSSLESS}"], 7),
        (["MRImageStorage"], 7),
        (["CTImageStorage", "MRImageStorage"], 7),
        (["NoSuchClass"], 2),
        (["CTImageStorage=NoSuchSyntax"], 2),
        (["CTImageStorage="], 2),
        (["CTImageStorage=MRImageStorage"], 2),
        (["ImplicitVRLittleEndian"], 2),
    ],
)
def test_exit_status(start_dicom_listener: StartListener, words: list[str], status: int) -> None:
    listener = start_dicom_listener(only=[CT], transfer_syntaxes=[IMPLICIT])
    options = [option for word in words for option in ("--accepts", word)]
    assert run(["echo", listener.peer, *options]) == status
    echoes = [event for event in listener.events if event.event == "echo"]
    assert len(echoes) == (status == 0)


def test_every_refusal_is_told(start_dicom_listener: StartListener, capsys: pytest.CaptureFixture[str]) -> None:
    listener = start_dicom_listener(only=[CT], transfer_syntaxes=[IMPLICIT])
    wanted = ("CTImageStorage=ELE", "CTImageStorage", "MRImageStorage")
    assert run(["echo", listener.peer, *(f"--accepts={word}" for word in wanted), "--json"]) == 7
    told = json.loads(capsys.readouterr().out)
    steps = [(step["ok"], step["detail"]) for step in told["steps"] if step["name"] == "accepts"]
    assert steps == [
        (False, "CT Image Storage in Explicit LE: transfer syntaxes not supported (4)"),
        (True, "CT Image Storage in Implicit LE"),
        (False, "MR Image Storage in Explicit LE or Implicit LE: abstract syntax not supported (3)"),
    ]
    assert "does not accept CT Image Storage in Explicit LE, nor MR Image Storage" in told["error"]["message"]


def test_an_association_has_room_for_128(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["echo", "127.0.0.1:1", *["--accepts=CTImageStorage"] * 128]) == 2
    assert "an association carries 1 to 128" in capsys.readouterr().err
