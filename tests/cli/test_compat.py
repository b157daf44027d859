"""``dcmnet compat``: lines of DCMTK's in our words, and what is said of those that are none."""

import json
import shlex
from importlib.resources import files
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dcmnet_cli.cli.app import app
from dcmnet_cli.cli.shell_words import Typed, join, split
from dcmnet_cli.errors import UsageError
from tests.cli.conftest import Outcome
from tests.render.json_schema import problems

SCHEMA = json.loads(files("dcmnet_cli.render").joinpath("schema.json").read_text(encoding="utf-8"))


def compat(*words: str) -> Outcome:
    result = CliRunner().invoke(app, ["compat", *words])
    return Outcome(result.exit_code, result.stdout, result.stderr)


LINES = [
    (
        "storescu -v +sd +r -aec PACS host 104 dir",
        "store --verbose --aetitle STORESCU --halt PACS@host:104 dir",
    ),
    ("storescu +sd -nh -aet CT1 host 104 dir", "store --aetitle CT1 --no-recurse host:104 dir"),
    ("storescu -nh -R +C -xs -td 30 h 1 a b", "store --required --combine --propose-lossless --dimse-timeout 30 "
     "--aetitle STORESCU h:1 a b"),
    ("dcmsend +sd +r -dn +crf out.txt h 1 dir", "store --transcode never --report out.txt --aetitle DCMSEND h:1 dir"),
    ("echoscu -d 10.0.0.1 104", "echo --debug --aetitle ECHOSCU 10.0.0.1:104"),
    ("echoscu -aec P ::1 104", "echo --aetitle ECHOSCU 'P@[::1]:104'"),
    ("echoscu +tls key.pem cert.pem +cf ca.pem h 1", "echo --enable-tls key.pem cert.pem --add-cert-file ca.pem "
     "--aetitle ECHOSCU h:1"),
    ("echoscu +vc cert.pem", "echo --verify-cert cert.pem"),
    ("echoscu --version", "echo --version"),
    ("findscu -k 0010,0010=DOE* h 1", "find --key 0010,0010=DOE* --aetitle FINDSCU --worklist h:1"),
    ("findscu -S --cancel 5 -X -od out h 1 query.dcm", "find --study-root --limit 5 --extract --output-directory out "
     "--aetitle FINDSCU h:1 query.dcm"),
    ("movescu -aem WS1 -od here -S -k StudyInstanceUID=1.2 h 1", "move --move WS1 --study-root "
     "--key StudyInstanceUID=1.2 --aetitle MOVESCU h:1"),
    ("movescu +P 105 -k PatientID=1 h 1", "move --port 105 --key PatientID=1 --aetitle MOVESCU --patient-root "
     "--move MOVESCU --here . --modality-names h:1"),
    ("movescu +P 105 --ignore -P -k PatientID=1 h 1", "move --port 105 --ignore --patient-root --key PatientID=1 "
     "--aetitle MOVESCU --move MOVESCU h:1"),
    ("getscu -od in +xv -S -k StudyInstanceUID=1.2 h 1", "get --out in --prefer-j2k-lossless --study-root "
     "--key StudyInstanceUID=1.2 --aetitle GETSCU --modality-names h:1"),
    ("storescp 104", "listen --out . --modality-names 104"),
    ("storescp --fork +xa -pm -od in -fe .dcm -su ST -tos 5 -xcs 'route.sh #p' 104", "listen --out in "
     "--filename-extension .dcm --sort-on-study-uid ST --quiet-time 5 --exec-on-eostudy 'route.sh #p' "
     "--modality-names 104"),
    ("storescp --ignore 104", "listen --ignore 104"),
    ("dcmrecv -aet ME -xf storescp.cfg Default +fst -od in 104", "listen --aetitle ME --called ME --timenames "
     "--out in --modality-names 104"),
    ("/usr/bin/echoscu h 1", "echo --aetitle ECHOSCU h:1"),
    ("dcmtk echoscu h 1", "echo --aetitle ECHOSCU h:1"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "ours"), LINES, ids=[line for line, _ in LINES])
def test_a_line_in_our_words(line: str, ours: str) -> None:
    whole = compat(line)
    assert (whole.status, whole.stdout) == (0, f"dcmnet {ours}\n")
    assert all(note.startswith("note: ") for note in whole.stderr.splitlines())
    if "*" not in line:  # which a shell would have expanded, or left as it is
        assert compat(*shlex.split(line)) == whole
        assert compat("--", *shlex.split(line)) == whole


@pytest.mark.parametrize(
    ("words", "ours"),
    [
        (("storescu", "-nh", "h", "1", "my dir/a b.dcm"), "store --aetitle STORESCU h:1 'my dir/a b.dcm'"),
        (("storescu -nh -aec 'MY PACS' h 1 \"it's\"",), "store --aetitle STORESCU --call 'MY PACS' h 1 'it'\"'\"'s'"),
        (("echoscu", "-aec", "-v", "h", "1"), "echo --aetitle ECHOSCU --call -v h 1"),
        (("echoscu", "-aec", "A@B", "h", "1"), "echo --aetitle ECHOSCU --call A@B h 1"),
        (
            ("storescu -nh -aec $PACS $HOST 104 ~/in/*.dcm",),
            "store --aetitle STORESCU --call $PACS $HOST 104 ~/in/*.dcm",
        ),
        (("findscu -S -k 'PatientName=A*' h 1",), "find --study-root --key 'PatientName=A*' --aetitle FINDSCU h:1"),
        (
            ('findscu -S -k "PatientName=$NAME" h 1',),
            'find --study-root --key "PatientName=$NAME" --aetitle FINDSCU h:1',
        ),
        (("echoscu \\\n  -v h 1\n",), "echo --verbose --aetitle ECHOSCU h:1"),
        (("storescu", "-nh", "h", "1", "-1", "+2.dcm"), "store --aetitle STORESCU h:1 -1 +2.dcm"),
    ],
)
def test_it_can_be_pasted_into_a_shell(words: tuple[str, ...], ours: str) -> None:
    assert compat(*words).stdout == f"dcmnet {ours}\n"


def notes(*words: str) -> list[str]:
    outcome = compat(*words)
    assert outcome.status == 0, outcome
    return outcome.stderr.splitlines()


def test_notes_are_about_what_the_line_does() -> None:
    bare, full = notes("echoscu h 1"), notes("echoscu -to 5 -td 0 h 1")
    assert [note for note in bare if "waited for" in note] == [
        "note: without -to: the connection is waited for 10 s at most; use -to SECONDS",
        "note: without -td: an answer is waited for 60 s at most; use -td SECONDS, or -td 0 to wait for ever",
    ]
    assert [note for note in full if "waited for" in note] == []
    assert any("exit status: 0 means that everything asked for was done" in note for note in full)
    assert any("--no-hostname-check" in note for note in notes("echoscu +tla h 1"))
    assert not any("--no-hostname-check" in note for note in full)
    assert any("folders are looked through" in note for note in notes("storescu h 1 dir"))
    assert not any("folders are looked through" in note for note in notes("storescu +sd h 1 dir"))


def test_what_can_be_left_out_is_left_out_with_a_note() -> None:
    outcome = compat("echoscu +tla +rs seed.bin --no-sni h 1")
    assert outcome.stdout == "dcmnet echo --anonymous-tls --aetitle ECHOSCU h:1\n"
    assert "note: +rs: random numbers come from the operating system; it is left out\n" in outcome.stderr
    assert "note: --no-sni: " in outcome.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "nothing to translate: give a line of DCMTK"),
        (("  ",), "nothing to translate: give a line of DCMTK"),
        (("storescpu", "104"), '"storescpu" is no tool that dcmnet can stand for; did you mean'),
        (("dcmdump a.dcm",), '"dcmdump" is no tool that dcmnet can stand for'),
        (("echoscu -aex A h 1",), 'echoscu has no option "-aex"; did you mean -aec or -aet?'),
        (("echoscu -k A=b h 1",), 'echoscu has no option "-k"'),
        (("dcmsend -R h 1 a",), 'dcmsend has no option "-R"'),
        (
            ("echoscu -lc log.cfg h 1",),
            "echoscu -lc cannot be translated: log configurations of DCMTK are not read; use",
        ),
        (("storescp -id",), "storescp -id cannot be translated: "),
        (("echoscu h 1 -aec",), "echoscu -aec needs 1 value"),
        (("echoscu +tls key.pem",), "echoscu +tls needs 2 values"),
        (("echoscu h",), "echoscu needs a host and a port"),
        (("echoscu 104 h",), 'echoscu: "h" is not a port'),
        (("storescu h 1",), "storescu needs a file to send"),
        (("storescp",), "storescp needs a port"),
        (("storescp 104 105",), 'storescp: unexpected "105"'),
        (("echoscu h 1 | tee log",), 'one command at a time: "| tee log" is for the shell'),
        (("echoscu h 1 && echo up",), 'one command at a time: "&& echo up" is for the shell'),
        (("echoscu -aec 'PACS h 1",), "the line ends within ': "),
        (("echoscu @missing.txt",), "cannot read missing.txt: No such file or directory"),
        (
            ("dcmqrscp -c missing.cfg",),
            "cannot read missing.cfg: No such file or directory; name the configuration with",
        ),
        (("--rnu", "echoscu h 1"), 'no such option "--rnu"; did you mean --run?'),
        (("--run", "echoscu $HOST 1"), '"$HOST" is for the shell to expand: leave out the quotes round the line'),
    ],
)
def test_what_cannot_be_translated(words: tuple[str, ...], message: str) -> None:
    outcome = compat(*words)
    assert (outcome.status, outcome.stdout) == (2, "")
    assert outcome.stderr.startswith(f"dcmnet compat: {message}")
    assert len([line for line in outcome.stderr.splitlines() if not line.startswith("  ")]) == 1


def test_json_has_the_line_and_its_words() -> None:
    outcome = compat("storescu -nh -aec P h 1 'a b'", "--json")
    told = json.loads(outcome.stdout)
    assert problems(told, SCHEMA, SCHEMA) == []
    assert (outcome.stderr, told["command"], told["ok"], told["exit"], told["tool"]) == (
        "",
        "compat",
        True,
        0,
        "storescu",
    )
    words = ["dcmnet", "store", "--aetitle", "STORESCU", "P@h:1", "a b"]
    assert told["lines"] == [{"line": "dcmnet store --aetitle STORESCU P@h:1 'a b'", "words": words}]
    assert any(note.startswith("exit status: ") for note in told["notes"])


def test_json_on_failure() -> None:
    outcome = compat("--json", "storescu", "-zz")
    told = json.loads(outcome.stdout)
    assert problems(told, SCHEMA, SCHEMA) == []
    assert (outcome.status, told["ok"], told["exit"], told["error"]["kind"]) == (2, False, 2, "usage")


def test_a_file_of_arguments_is_read_as_dcmtk_does(tmp_path: Path) -> None:
    (tmp_path / "args.txt").write_text("-aec PACS\n-aet 'MY CT'\nhost 104\n")
    outcome = compat(f"echoscu -v @{tmp_path}/args.txt")
    assert outcome.stdout == "dcmnet echo --verbose --aetitle 'MY CT' PACS@host:104\n"


def test_words_of_a_shell_survive_it() -> None:
    line = "a 'b c' d\\ e \"f g\" '' x'y'\"z\""
    assert split(line) == ["a", "b c", "d e", "f g", "", "xyz"]
    assert split(join(split(line))) == split(line)
    assert [isinstance(word, Typed) for word in split("'*' \\* * '$x' \"$x\" \"*\"")] == [
        False, False, True, False, True, False,
    ]  # fmt: skip


@pytest.mark.parametrize("line", ["a | b", "a; b", "a > b", "a\nb", "a & b", "(a)", "a 2>&1"])
def test_more_than_one_command_is_refused(line: str) -> None:
    with pytest.raises(UsageError, match="one command at a time"):
        split(line)


CONFIGURATION = """
# a comment
NetworkTCPPort  = 11112   # another one
MaxPDUSize      = 16384
MaxAssociations = 8
SpecificCharacterSet = "ISO_IR 192", override, discard
UserName = dcmtk
HostTable BEGIN
ct1 = (CT1, ct1.example.org, 104)
ws  = (WS1, 10.0.0.7, 11113), (WS2, ::1, 104)
all = ct1, ws
HostTable END
VendorTable BEGIN
"Acme" = ct1
VendorTable END
AETable BEGIN
PACS "/srv/pacs" RW (200, 1024mb) all
{more}AETable END
"""
NODES = "--node CT1@ct1.example.org:104 --node WS1@10.0.0.7:11113 --node 'WS2@[::1]:104'"
LIMITS = "--max-associations 8"
CHARSET = "--convert-to-charset 'ISO_IR 192' --override-charset"


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    path = tmp_path / "dcmqrscp.cfg"
    path.write_text(CONFIGURATION.format(more=""))
    return path


def test_an_archive_from_its_configuration(configuration: Path) -> None:
    outcome = compat(f"dcmqrscp -v -ZA --propose-lossless -c {configuration}")
    own = "--aetitle PACS --called PACS --archive /srv/pacs"
    callers = "--calling CT1 --calling WS1 --calling WS2"
    expected = (
        f"--verbose --move-aetitle --propose-lossless {own} {NODES} {callers} {LIMITS} --max-pdu 16384 {CHARSET} 11112"
    )
    assert outcome.stdout == f"dcmnet listen {expected}\n"
    assert "note: quotas of the AETable: there are none" in outcome.stderr


def test_the_configuration_in_the_place_of_ours_says_what_to_do(configuration: Path) -> None:
    result = CliRunner().invoke(app, ["listen", "0", "--config", str(configuration)])
    assert result.exit_code == 2
    assert f'dcmnet compat "dcmqrscp -c {configuration}" makes options of it' in result.stderr


def test_the_line_is_over_the_configuration(configuration: Path) -> None:
    line = compat(f"dcmqrscp -pdu 32768 +L1 -Cr -c {configuration} 104").stdout
    assert line.endswith(" 104\n")
    assert "--max-pdu 16384" not in line
    assert "--max-pdu 32768" in line
    assert "ISO_IR 192" not in line


def test_every_title_is_a_listener(configuration: Path) -> None:
    configuration.write_text(CONFIGURATION.format(more="READ /srv/read R (9, 1mb) ANY\n"))
    outcome = compat(f"dcmqrscp -c {configuration}")
    first, second = outcome.stdout.splitlines()
    assert "--called PACS --archive /srv/pacs" in first
    assert "--called READ --archive /srv/read" in second
    assert "--calling" not in second
    assert "note: access of READ: " in outcome.stderr
    assert "give them ports of their own" in outcome.stderr
    refused = compat("--run", f"dcmqrscp -c {configuration}")
    assert (refused.status, refused.stdout) == (2, "")
    assert "would be 2 listeners" in refused.stderr


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("NetworkTCPPort = 104\n", "has no AE title in its AETable"),
        ("AETable BEGIN\nPACS /srv\nAETable END\n", 'this row of the AETable is not understood: "PACS /srv"'),
        ("AETable BEGIN\nPACS /srv RW (9, 1mb) ANY\nAETable END\n", "dcmqrscp needs a port, on the line or in "),
    ],
)
def test_a_configuration_that_says_too_little(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "dcmqrscp.cfg"
    path.write_text(text)
    outcome = compat(f"dcmqrscp -c {path}")
    assert outcome.status == 2
    assert problem in outcome.stderr
