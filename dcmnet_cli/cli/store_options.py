"""The option families of ``dcmnet store``: what to read, what to propose, how to send."""

from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from dcmnet_cli.cli.checks import exclude
from dcmnet_cli.cli.habit_options import SendingHabits
from dcmnet_cli.cli.options import flag, value
from dcmnet_cli.errors import UsageError

if TYPE_CHECKING:
    from dcmnet_cli.ops.files.sources import Search
    from dcmnet_cli.ops.storing.proposals import Proposal

INPUT = "Input"
PROPOSAL = "Proposed transfer syntaxes"
SENDING = "Sending"
INVENTION = "Invented identities (load tests)"
_MODES = ("never", "lossless", "always")


def _x(short: str, long: str, text: str, *, rare: bool = False) -> Any:
    """One of storescu's proposals. The rare ones are read and not listed: nobody remembers them all."""
    return flag(short, long, panel=PROPOSAL, text=text, hidden=rare)


class InputOptions(NamedTuple):
    """Which files."""

    from_list: Annotated[
        str | None, value("--from", metavar="FILE", panel=INPUT, text="read paths from a file, or from - (one a line)")
    ] = None
    recurse: Annotated[
        bool, flag("--recurse/--no-recurse", "+r/-r", panel=INPUT, text="look into sub-folders; default yes")
    ] = True
    scan_directories: Annotated[bool, flag("+sd", "--scan-directories", panel=INPUT, hidden=True)] = False
    no_scan: Annotated[
        bool, flag("-sd", "--no-scan-directories", panel=INPUT, text="folders are not looked through")
    ] = False
    pattern: Annotated[
        str, value("+sp", "--scan-pattern", metavar="PATTERN", panel=INPUT, text='only names like this, as "*.dcm"')
    ] = ""
    read_file: Annotated[bool, flag("+f", "--read-file", panel=INPUT, hidden=True)] = False
    part10_only: Annotated[
        bool, flag("+fo", "--read-file-only", panel=INPUT, text="only files with file meta information")
    ] = False
    read_dicomdir: Annotated[bool, flag("+rd", "--read-from-dicomdir", panel=INPUT, hidden=True)] = False
    no_uid_checks: Annotated[
        bool, flag("-nuc", "--no-uid-checks", panel=INPUT, text="send objects whose UIDs break the rules, too")
    ] = False
    habits: SendingHabits = SendingHabits()

    def search(self) -> "Search":
        """How folders are looked through."""
        from dcmnet_cli.ops.files.sources import Search

        return Search(recurse=self.recurse, folders=not self.no_scan, pattern=self.pattern)


class ProposalOptions(NamedTuple):
    """storescu's ``-x?``: by default what the files hold is proposed, and uncompressed fallbacks."""

    required: Annotated[
        bool, flag("-R", "--required", panel=PROPOSAL, text="propose what the files hold and nothing else")
    ] = False
    combine: Annotated[
        bool, flag("+C", "--combine", panel=PROPOSAL, text="all transfer syntaxes of a class in one context")
    ] = False
    uncompressed: Annotated[bool, _x("-x=", "--propose-uncompr", "uncompressed only")] = False
    little: Annotated[bool, _x("-xe", "--propose-little", "explicit little endian first")] = False
    big: Annotated[bool, _x("-xb", "--propose-big", "explicit big endian (retired) first", rare=True)] = False
    implicit: Annotated[bool, _x("-xi", "--propose-implicit", "implicit little endian only")] = False
    lossless: Annotated[bool, _x("-xs", "--propose-lossless", "JPEG lossless")] = False
    jpeg8: Annotated[bool, _x("-xy", "--propose-jpeg8", "JPEG baseline")] = False
    jpeg12: Annotated[bool, _x("-xx", "--propose-jpeg12", "JPEG extended")] = False
    j2k_lossless: Annotated[bool, _x("-xv", "--propose-j2k-lossless", "JPEG 2000 lossless")] = False
    j2k_lossy: Annotated[bool, _x("-xw", "--propose-j2k-lossy", "JPEG 2000")] = False
    jls_lossless: Annotated[bool, _x("-xt", "--propose-jls-lossless", "JPEG-LS lossless")] = False
    jls_lossy: Annotated[bool, _x("-xu", "--propose-jls-lossy", "JPEG-LS near-lossless")] = False
    rle: Annotated[bool, _x("-xr", "--propose-rle", "RLE")] = False
    deflated: Annotated[
        bool, flag("-xd", "--propose-deflated", panel=PROPOSAL, text="deflated explicit little endian")
    ] = False
    mpeg2: Annotated[bool, _x("-xm", "--propose-mpeg2", "MPEG-2 main level", rare=True)] = False
    mpeg2_high: Annotated[bool, _x("-xh", "--propose-mpeg2-high", "MPEG-2 high level", rare=True)] = False
    mpeg4: Annotated[bool, _x("-xn", "--propose-mpeg4", "MPEG-4 high profile", rare=True)] = False
    mpeg4_bd: Annotated[bool, _x("-xl", "--propose-mpeg4-bd", "MPEG-4 Blu-ray compatible", rare=True)] = False
    mpeg4_2d: Annotated[bool, _x("-x2", "--propose-mpeg4-2-2d", "MPEG-4 for 2D video", rare=True)] = False
    mpeg4_3d: Annotated[bool, _x("-x3", "--propose-mpeg4-2-3d", "MPEG-4 for 3D video", rare=True)] = False
    mpeg4_stereo: Annotated[bool, _x("-xo", "--propose-mpeg4-2-st", "MPEG-4 stereo", rare=True)] = False
    hevc: Annotated[bool, _x("-x4", "--propose-hevc", "HEVC main profile", rare=True)] = False
    hevc10: Annotated[bool, _x("-x5", "--propose-hevc10", "HEVC main 10 profile", rare=True)] = False

    def proposal(self) -> "Proposal":
        """What is proposed. Raises UsageError where two ``-x?`` are given."""
        from dcmnet_cli.ops.storing.proposals import PROPOSALS, Proposal

        letters = dict(zip(self._fields[2:], "=ebisyxvwturdmhnl23o45", strict=True))
        given = exclude(*((f"-x{letter}", getattr(self, name)) for name, letter in letters.items()))
        if given and self.required:
            raise UsageError(f"{given} contradicts -R: it proposes what the files hold")
        chosen = PROPOSALS[given.removeprefix("-x")] if given else Proposal()
        return chosen._replace(required=self.required, combine=self.combine)


class SendingOptions(NamedTuple):
    """How it is sent, and what is kept of it."""

    jobs: Annotated[int, value("-j", "--jobs", metavar="N", panel=SENDING, text="associations at once; default 1")] = 1
    group: Annotated[
        str,
        value(
            "--group",
            metavar="HOW",
            panel=SENDING,
            text="study: a study on one association (default); none",
            choices=lambda: ("study", "none"),
        ),
    ] = "study"
    transcode: Annotated[
        str,
        value(
            "--transcode",
            metavar="HOW",
            panel=SENDING,
            text="convert: never, lossless (default), always",
            choices=lambda: _MODES,
        ),
    ] = ""
    decompress_never: Annotated[
        bool, flag("-dn", "--decompress-never", panel=SENDING, text="as --transcode never", hidden=True)
    ] = False
    decompress_lossless: Annotated[bool, flag("+dls", "--decompress-lossless", panel=SENDING, hidden=True)] = False
    decompress_lossy: Annotated[bool, flag("+dly", "--decompress-lossy", panel=SENDING, hidden=True)] = False
    halt: Annotated[bool, flag("--halt", panel=SENDING, text="stop at the first instance that is not stored")] = False
    no_halt: Annotated[bool, flag("-nh", "--no-halt", panel=SENDING, hidden=True)] = False
    retry: Annotated[
        int | None,
        value(
            "--retry",
            metavar="N",
            panel=SENDING,
            text="new associations after a failure; default 3, and 0 if the first cannot connect",
        ),
    ] = None
    journal: Annotated[
        str | None,
        value("--journal", metavar="FILE", panel=SENDING, text="note each outcome; a second run skips the stored"),
    ] = None
    report: Annotated[
        str | None,
        value("--report", "+crf", "--create-report-file", metavar="FILE", panel=SENDING, text="all outcomes, as JSON"),
    ] = None
    rate: Annotated[
        str | None, value("--rate", metavar="RATE", panel=SENDING, text="at most so much: 20/s (files) or 5MB/s")
    ] = None
    priority: Annotated[
        str,
        value(
            "--priority",
            metavar="LEVEL",
            panel=SENDING,
            text="low, medium (default) or high",
            choices=lambda: ("low", "medium", "high"),
        ),
    ] = "medium"
    repeat: Annotated[int, value("--repeat", metavar="N", panel=SENDING, text="send everything N times")] = 1
    strict: Annotated[bool, flag("--strict", panel=SENDING, text="exit 1 for warnings, too")] = False
    abort: Annotated[bool, flag("--abort", panel=SENDING, text="end with an A-ABORT instead of a release")] = False
    max_send_pdu: Annotated[
        int, value("--max-send-pdu", metavar="BYTES", panel=SENDING, text="send no longer PDUs, whatever the peer says")
    ] = 0
    multi_associations: Annotated[bool, flag("+ma", "--multi-associations", panel=SENDING, hidden=True)] = False
    legal_proposal: Annotated[bool, flag("-nip", "--no-illegal-proposal", panel=SENDING, hidden=True)] = False
    list_decoders: Annotated[
        bool, flag("--list-decoders", panel=SENDING, text="list what can be decompressed here, and exit")
    ] = False
    dry_run: Annotated[bool, flag("--dry-run", panel=SENDING, text="show the plan, connect to nobody")] = False
    rename: Annotated[
        bool, flag("+rn", "--rename", panel=SENDING, text="rename files: .done when stored, .bad when not")
    ] = False
    no_rename: Annotated[bool, flag("-rn", "--no-rename", panel=SENDING, hidden=True)] = False

    def mode(self) -> str:
        """never, lossless or always. Raises UsageError."""
        given = exclude(
            ("--transcode", self.transcode),
            ("-dn", self.decompress_never),
            ("+dls", self.decompress_lossless),
            ("+dly", self.decompress_lossy),
        )
        mode = self.transcode or ("never" if given == "-dn" else "lossless")
        if mode not in _MODES:
            raise UsageError(f'--transcode: "{mode}" is not never, lossless or always')
        return mode

    def rates(self) -> tuple[float, float]:
        """(files, bytes) a second, 0 for no limit. Raises UsageError."""
        if self.rate is None:
            return 0.0, 0.0
        import re

        match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([kMG]?B)?/s", self.rate)
        if match is None or not float(match[1]):
            raise UsageError(f'--rate: "{self.rate}" is no rate; write 20/s for files or 5MB/s')
        number = float(match[1])
        if match[2] is None:
            return number, 0.0
        return 0.0, number * {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9}[match[2]]


class InventionOptions(NamedTuple):
    """storescu's invented identities."""

    instance: Annotated[
        bool, flag("+II", "--invent-instance", panel=INVENTION, text="a new SOP Instance UID for every object")
    ] = False
    series: Annotated[
        int | None, value("+IR", "--invent-series", metavar="N", panel=INVENTION, text="a new series after N objects")
    ] = None
    study: Annotated[
        int | None, value("+IS", "--invent-study", metavar="N", panel=INVENTION, text="a new study after N series")
    ] = None
    patient: Annotated[
        int | None, value("+IP", "--invent-patient", metavar="N", panel=INVENTION, text="a new patient after N studies")
    ] = None
