"""The option families of ``dcmnet find``: how to ask, and what to do with the answers."""

import re
from typing import TYPE_CHECKING, Annotated, NamedTuple

from dcmnet_cli.cli.checks import check_priority, exclude
from dcmnet_cli.cli.key_options import KEYS, MODEL, ModelOptions
from dcmnet_cli.cli.options import flag, known_default, value
from dcmnet_cli.core import uids
from dcmnet_cli.core.text import quoted
from dcmnet_cli.errors import UsageError

if TYPE_CHECKING:
    from dcmnet_cli.ops.querying.find import Wishes

QUERY = "Query"
ANSWERS = "Answers"
PROPOSAL = "Proposed transfer syntaxes"


class FindModelOptions(NamedTuple):
    """The models of Query/Retrieve, and the modality worklist."""

    worklist: Annotated[bool, flag("-W", "--worklist", panel=MODEL, text="modality worklist")] = False
    station: Annotated[
        str | None, value("--station", metavar="AE", panel=KEYS, text="with -W: Scheduled Station AE Title")
    ] = None
    others: ModelOptions = ModelOptions()

    def model(self) -> str:
        """The word that ``ops.querying.levels`` has for it. Raises UsageError for two of them."""
        if self.worklist:
            others = (
                ("-S", self.others.study_root),
                ("-P", self.others.patient_root),
                ("-O", self.others.psonly),
            )
            exclude(("-W", True), *others)
            return "worklist"
        return self.others.model()


class AskOptions(NamedTuple):
    """How to ask."""

    limit: Annotated[
        int, value("--limit", "--cancel", metavar="N", panel=QUERY, text="N answers at most, then ask the peer to stop")
    ] = 0
    relax: Annotated[
        bool, flag("--relax", panel=QUERY, text="no answer: ask without each key, say what there would be")
    ] = False
    relational: Annotated[
        bool, flag("--relational", panel=QUERY, text="negotiate relational queries: keys of any level")
    ] = False
    combined: Annotated[bool, flag("--combined", panel=QUERY, text="negotiate date and time keys as one interval")] = (
        False
    )
    fuzzy: Annotated[bool, flag("--fuzzy", panel=QUERY, text="negotiate fuzzy matching of person names")] = False
    timezone: Annotated[
        str | None,
        value("--timezone", metavar="+HHMM", panel=QUERY, text="negotiate time zones; keys are in this one"),
    ] = None
    verbatim: Annotated[
        bool, flag("--verbatim", panel=QUERY, text="send the keys given and no others, and check no rule")
    ] = False
    priority: Annotated[
        str,
        value(
            "--priority",
            metavar="LEVEL",
            panel=QUERY,
            text="low, medium (default) or high",
            choices=lambda: ("low", "medium", "high"),
        ),
    ] = "medium"
    repeat: Annotated[int, value("--repeat", metavar="N", panel=QUERY, text="ask N times")] = 1
    abort: Annotated[bool, flag("--abort", panel=QUERY, text="end with an A-ABORT instead of a release")] = False

    def check(self) -> None:
        """Raises UsageError for what cannot be meant."""
        if self.limit < 0 or self.repeat < 1:
            raise UsageError("--limit takes a number of answers, --repeat 1 or more")
        check_priority(self.priority)
        if self.timezone is not None and not re.fullmatch(r"[+-](0\d|1[0-4])[0-5]\d", self.timezone):
            raise UsageError(f"--timezone: {quoted(self.timezone)} is no offset from UTC; write it as +0100")

    def wishes(self) -> "Wishes":
        """What to negotiate."""
        from dcmnet_cli.ops.querying.find import Wishes

        return Wishes(self.relational, self.combined, self.fuzzy, self.timezone is not None)

    def importance(self) -> int:
        """The priority as a number."""
        return check_priority(self.priority)


class AnswerOptions(NamedTuple):
    """What to do with the answers."""

    columns: Annotated[
        str | None,
        value("--columns", metavar="A,B,...", panel=ANSWERS, text="show these attributes, asked for if need be"),
    ] = None
    sort: Annotated[
        str | None, value("--sort", metavar="A,-B,...", panel=ANSWERS, text="sort by these; - for descending")
    ] = None
    count_only: Annotated[
        bool, flag("--count", panel=ANSWERS, text="print how many answers there are, nothing else")
    ] = False
    csv: Annotated[
        str | None, value("--csv", metavar="FILE", panel=ANSWERS, text="as CSV into a file, or - for stdout")
    ] = None
    ndjson: Annotated[bool, flag("--ndjson", panel=ANSWERS, text="a line of JSON an answer (DICOM JSON model)")] = False
    directory: Annotated[
        str, value("-od", "--output-directory", metavar="FOLDER", panel=ANSWERS, text="for -X and -Xx; default here")
    ] = "."
    extract: Annotated[bool, flag("-X", "--extract", panel=ANSWERS, text="a DICOM file an answer: rsp0001.dcm")] = False
    extract_xml: Annotated[
        bool, flag("-Xx", "--extract-xml", panel=ANSWERS, text="an XML file an answer: rsp0001.xml")
    ] = False
    extract_single: Annotated[
        str | None, value("-Xs", "--extract-xml-single", metavar="FILE", panel=ANSWERS, text="one XML file for all")
    ] = None
    limit_output: Annotated[
        int, value("-Xlo", "--limit-output", metavar="N", panel=ANSWERS, text="N answers at most into the files of -X")
    ] = 0
    show: Annotated[
        bool, flag("+sr", "--show-responses", panel=ANSWERS, text="show answers that go to a file as well")
    ] = False
    hide: Annotated[bool, flag("-sr", "--hide-responses", panel=ANSWERS, text="do not show answers")] = False
    assume: Annotated[
        str | None,
        value(
            "--assume-charset", metavar="NAME", panel=ANSWERS, text="for answers that declare none: ISO_IR 100, cp1252"
        ),
    ] = None
    correction: Annotated[bool, known_default("+dc", "--enable-correction")] = False
    no_correction: Annotated[bool, known_default("-dc", "--disable-correction")] = False
    new_vr: Annotated[bool, known_default("+u", "--enable-new-vr")] = False
    no_new_vr: Annotated[bool, known_default("-u", "--disable-new-vr")] = False

    @property
    def has_files(self) -> bool:
        """Whether answers go to files."""
        return self.extract or self.extract_xml or self.extract_single is not None or self.csv not in (None, "-")

    def check(self, json: bool) -> None:
        """Raises UsageError for what cannot be meant."""
        from dcmnet_cli.core.character_set import is_known

        exclude(("--json", json), ("--ndjson", self.ndjson), ("--csv -", self.csv == "-"), ("--count", self.count_only))
        exclude(("+sr", self.show), ("-sr", self.hide))
        if self.csv == "":
            raise UsageError("--csv needs a file name, or - for stdout")
        if self.limit_output < 0:
            raise UsageError("-Xlo takes a number of answers")
        if self.assume is not None and not is_known(self.assume):
            raise UsageError(
                f"--assume-charset: {quoted(self.assume)} is not known; write ISO_IR 100, ISO_IR 192, cp1252"
            )


class FindSyntaxOptions(NamedTuple):
    """findscu's ``-x?``: by default explicit, then implicit little endian in one context."""

    uncompressed: Annotated[bool, known_default("-x=", "--propose-uncompr")] = False
    little: Annotated[bool, flag("-xe", "--propose-little", panel=PROPOSAL, text="explicit little endian first")] = (
        False
    )
    implicit: Annotated[bool, flag("-xi", "--propose-implicit", panel=PROPOSAL, text="implicit little endian only")] = (
        False
    )
    deflated: Annotated[
        bool, flag("-xd", "--propose-deflated", panel=PROPOSAL, text="deflated explicit little endian first")
    ] = False
    compression: Annotated[int, value("+cl", "--compression-level", metavar="N", panel=PROPOSAL, hidden=True)] = 6

    def syntaxes(self) -> tuple[str, ...]:
        """What to propose. Raises UsageError."""
        given = exclude(
            ("-x=", self.uncompressed),
            ("-xe", self.little),
            ("-xi", self.implicit),
            ("-xd", self.deflated),
        )
        explicit, implicit = uids.EXPLICIT_VR_LITTLE_ENDIAN, uids.IMPLICIT_VR_LITTLE_ENDIAN
        deflated = (uids.DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN, explicit, implicit)
        return {"-xi": (implicit,), "-xd": deflated}.get(given, (explicit, implicit))
