"""Streams and reports that the tests of this folder share."""

import io

from dcmnet_cli.core.steps import Step
from dcmnet_cli.errors import AssociationRejected, NoAcceptedContext, TimedOut
from dcmnet_cli.ops.results import AssociationFacts, ContextFacts, Diagnosis, PeerFacts, Report
from dcmnet_cli.render.output import Output

VERIFICATION = "1.2.840.10008.1.1"
CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
IMPLICIT, EXPLICIT, JPEG_2000 = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.91"


class Stream(io.TextIOWrapper):
    """What a command writes to, kept; ``encoding`` is strict about what it cannot hold."""

    def __init__(self, *, is_terminal: bool = False, encoding: str = "utf-8") -> None:
        super().__init__(io.BytesIO(), encoding=encoding, newline="\n")
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal

    def text(self) -> str:
        self.flush()
        buffer = self.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue().decode(self.encoding)


class Shown(Output):
    """An Output over two such streams, without colour unless ``environ`` says otherwise."""

    def __init__(self, out: Stream, err: Stream, environ: dict[str, str] | None, **options: object) -> None:
        super().__init__(out, err, environ={"NO_COLOR": "1"} if environ is None else environ, **options)  # type: ignore[arg-type]
        self._streams = out, err

    @property
    def stdout(self) -> str:
        return self._streams[0].text()

    @property
    def stderr(self) -> str:
        return self._streams[1].text()


def terminal(environ: dict[str, str] | None = None, encoding: str = "utf-8", **options: object) -> Shown:
    out, err = (Stream(is_terminal=True, encoding=encoding) for _ in range(2))
    return Shown(out, err, environ, **options)


def pipe(environ: dict[str, str] | None = None, **options: object) -> Shown:
    return Shown(Stream(), Stream(), environ, **options)


def accepted(*contexts: ContextFacts) -> Report:
    report = Report("echo", PeerFacts("127.0.0.1", 11112, "PACS", "ME"))
    report.steps = [
        Step("resolve", True, 0.0004, "127.0.0.1"),
        Step("TCP connect", True, 0.0123, "open, from 127.0.0.1:49822"),
        Step("association", True, 0.25, "accepted"),
        Step("C-ECHO", True, 12.5, "0x0000 success"),
    ]
    report.association = AssociationFacts("1.2.276.0.7230010.3.0.3.6.7", "OFFIS_DCMTK_367", 16384, contexts)
    return report


def rejected() -> Report:
    report = Report("echo", PeerFacts("pacs.example.org", 104, "ARCHIVE1", "CTROOM2"))
    report.steps = [
        Step("resolve", True, 0.0021, "10.20.4.17"),
        Step("TCP connect", True, 0.004, "open, from 10.20.9.31:49822"),
        Step("association", False, 0.0062, "result 1 · source 1 (service user) · reason 7"),
    ]
    report.error = AssociationRejected(
        "association rejected permanently by ARCHIVE1@pacs.example.org:104: called AE title not recognized "
        "(result 1, source 1, reason 7)",
        result=1,
        source=1,
        reason=7,
    )
    report.diagnosis = Diagnosis(
        layer="association",
        headline="REJECTED permanently: called AE title not recognized",
        facts=(("We sent", 'called "ARCHIVE1"  calling "CTROOM2"'),),
        meaning='A DICOM server answers on this port, but it does not answer to the name "ARCHIVE1".',
        remedies=(
            "Check the title with the archive's owner, letter by letter. Titles are case-sensitive.",
            "One host often runs several titles on several ports. Is 104 the right one?",
        ),
        side="here",
        more="dcmnet explain rj 1 1 7",
    )
    report.exit_code = 5
    return report


def timed_out() -> Report:
    report = Report("echo", PeerFacts("fe80::1", 104, "PACS", "ME"))
    report.steps = [Step("TCP connect", True, 0.001, "open"), Step("association", False, 30.0, "no answer within 30 s")]
    report.error = TimedOut("no answer from PACS@[fe80::1]:104 within 30 s", "acse", 30, hints=("Try again later.",))
    report.exit_code = 8
    return report


def without_context() -> Report:
    report = accepted(
        ContextFacts(1, CT_IMAGE, (IMPLICIT, EXPLICIT), 4, ""),
        ContextFacts(3, "1.3.46.670589.11.0.0.12.4", (EXPLICIT,), 3, ""),
        ContextFacts(5, VERIFICATION, (IMPLICIT,), None, ""),
    )
    del report.steps[3:]
    report.error = NoAcceptedContext("PACS@127.0.0.1:11112 accepted no presentation context")
    report.exit_code = 7
    return report
