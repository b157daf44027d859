"""What the README shows is what happens."""

import contextlib
import fcntl
import io
import os
import re
import shlex
import shutil
import struct
import subprocess
import sys
import termios
from pathlib import Path
from xml.etree import ElementTree

import pydicom
import pytest
from typer.main import get_command

from dcmnet_cli.cli.app import Root, app
from dcmnet_cli.cli.config import load_configuration
from dcmnet_cli.cli.exit import ExitCode
from dcmnet_cli.testing import DicomArchive, StartArchive
from tests.collection import STUDIES, write
from tests.interop.running import HOST

ROOT = Path(__file__).parents[1]
EXAMPLES = Path(pydicom.__file__).parent / "data" / "test_files"
TEXT = (ROOT / "README.md").read_text("utf-8")


def blocks(language: str, marker: str = "") -> list[str]:
    """The fenced blocks of a language, or only those right below the comment ``marker``."""
    return re.findall(rf"{re.escape(marker)}\n```{language}\n(.*?)```\n", TEXT, re.DOTALL)


def at_a_terminal(*words: str) -> str:
    """What a command draws on a terminal of 80 columns without colours."""
    reader, writer = os.openpty()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environ = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "FORCE_COLOR")}
    environ |= {"TERM": "xterm", "NO_COLOR": "1", "PYTHONUTF8": "1"}
    command = [sys.executable, "-m", "dcmnet_cli", *words]
    with subprocess.Popen(command, cwd=ROOT, stdin=writer, stdout=writer, stderr=writer, env=environ) as process:
        os.close(writer)
        drawn = b""
        with contextlib.suppress(OSError):  # how Linux tells that the other end is closed
            while piece := os.read(reader, 65536):
                drawn += piece
        os.close(reader)
    assert process.returncode == 0
    return drawn.decode().replace("\r\n", "\n")


def test_python_blocks_run_one_after_the_other(
    start_dicom_archive: StartArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = start_dicom_archive(title="PACS")
    (tmp_path / "export").mkdir()
    for name in ("CT_small.dcm", "MR_small.dcm", "dicomdirtests/77654033/CR1/6154"):
        shutil.copy(EXAMPLES / name, tmp_path / "export" / Path(name).name)
    monkeypatch.chdir(tmp_path)
    printed = io.StringIO()
    names: dict[str, object] = {}
    with contextlib.redirect_stdout(printed):
        for block in set_apart(blocks("python"), blocks("python", "<!-- run: pytest -->")):
            exec(compile(block.replace("localhost:11112", f"{HOST}:{archive.port}"), "README.md", "exec"), names)
    assert printed.getvalue().splitlines() == [
        "20010101 Doe^Archibald",
        "nothing to retrieve: no study matches StudyInstanceUID=1.2.3",
        "got CT from CT1",
    ]


def set_apart(all_blocks: list[str], some: list[str]) -> list[str]:
    assert len(some) == 1
    return [block for block in all_blocks if block not in some]


@pytest.fixture
def commands(tmp_path: Path) -> dict[str, str]:
    """An environment in which ``dcmnet`` is a command."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "dcmnet").write_text(f'#!/bin/sh\nexec {sys.executable} -m dcmnet_cli "$@"\n')
    (folder / "dcmnet").chmod(0o755)
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("PYTEST_", "DCMNET_"))}
    return kept | {"PATH": f"{folder}:{kept['PATH']}", "PYTHONPATH": str(ROOT)}


def test_the_lines_for_ci_run_and_leave_reports(
    dicom_archive: DicomArchive, commands: dict[str, str], tmp_path: Path
) -> None:
    write(tmp_path / "images")
    study = STUDIES[0]
    (block,) = blocks("sh", "<!-- run: ci -->")
    environ = commands | {"PACS": dicom_archive.peer, "STUDY": study.uid}
    done = subprocess.run(["sh", "-eu", "-c", block], cwd=tmp_path, env=environ, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    suites = {path.stem: ElementTree.parse(path).getroot() for path in tmp_path.glob("*.xml")}
    assert set(suites) == {"up", "accepts", "stored", "found", "verified"}
    assert all(root.get("failures") == root.get("errors") == "0" for root in suites.values())
    assert len((tmp_path / "series.csv").read_text().splitlines()) == 1 + len(study.modalities)
    assert len(list((tmp_path / "back").iterdir())) == 2 * len(study.modalities)
    other = block.replace("MRImageStorage", "ModalityWorklistInformationModelFind")
    again = subprocess.run(["sh", "-eu", "-c", other], cwd=tmp_path, env=environ, capture_output=True, timeout=60)
    assert again.returncode == 7  # and nothing after it has run


def test_the_tests_with_fixtures_pass(commands: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    shutil.copy(EXAMPLES / "CT_small.dcm", tmp_path / "images" / "ct.dcm")
    (block,) = blocks("python", "<!-- run: pytest -->")
    (tmp_path / "test_upload.py").write_text(UPLOAD + block)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    done = subprocess.run(command, cwd=tmp_path, env=commands, capture_output=True, text=True, timeout=60)
    assert "2 passed" in done.stdout, done.stdout


UPLOAD = """
import pytest
import subprocess

class UploadError(Exception):
    pass

def upload(path, host, port):
    done = subprocess.run(["dcmnet", "store", "-aet", "CT1", host, str(port), path], capture_output=True)
    if done.returncode:
        raise UploadError(done.stderr.decode())

"""


@pytest.mark.parametrize("line", re.findall(r"^\| .*? \| `(dcmnet .*?)` \|", TEXT, re.MULTILINE))
def test_what_stands_beside_dcmtk_s_commands_is_understood(line: str) -> None:
    _, name, *words = shlex.split(line)
    shell = get_command(app)
    shell.load(name).make_context(name, words)


def test_each_program_of_dcmtk_stands_in_the_table() -> None:
    told = set(re.findall(r"^\| `(\w+)", TEXT, re.MULTILINE))
    assert told == set(Root.known_elsewhere) - {"dcmrecv"} | {"dcmqrscp", "wlmscpfs"}


def test_configuration_can_be_read(tmp_path: Path) -> None:
    (block,) = blocks("toml")
    file = tmp_path / "config.toml"
    file.write_text(block, "utf-8")
    configuration = load_configuration(str(file))
    archive = configuration.nodes["archive"]
    assert (archive.host, archive.port, archive.aet, archive.calling) == (
        "pacs.example.org",
        2762,
        "ARCHIVE1",
        "RESEARCH2",
    )
    assert archive.tls is not None
    assert archive.tls.ca_files == (str(tmp_path / "hospital-ca.pem"),)
    assert configuration.defaults("listen").timeouts == {"connect": 5}


def test_every_exit_status_is_in_the_table() -> None:
    told = [int(code) for code in re.findall(r"^\| (\d+) \|", TEXT, re.MULTILINE)]
    assert told == sorted(ExitCode)


def test_explanation_is_what_the_command_shows() -> None:
    words = "explain A801 --service move"
    (block,) = blocks("", f"<!-- shown: {words} -->")
    prompt, _, shown = block.partition("\n")
    assert prompt == f"$ dcmnet {words}"
    assert at_a_terminal(*words.split()) == shown


def test_both_lines_that_ci_runs_are_there() -> None:
    for marker in ("install and run", "test"):
        (block,) = blocks("sh", f"<!-- ci: {marker} -->")
        assert block.count("\n") == 1
