"""The option family of ``dcmnet listen --archive`` that keeps things back, as dcmqrscp's do: models, destinations,
character sets of answers, transfer syntaxes of what C-MOVE sends.
"""

import re
from typing import TYPE_CHECKING, Annotated, NamedTuple

from dcmnet_cli.cli.checks import exclude
from dcmnet_cli.cli.options import flag, known_default, value
from dcmnet_cli.core.character_set import LATIN_1, UTF_8, is_known
from dcmnet_cli.core.text import quoted
from dcmnet_cli.errors import UsageError

if TYPE_CHECKING:
    from dcmnet_cli.ops.archiving.archive_plan import Policy
    from dcmnet_cli.ops.storing.proposals import Proposal

RULES = "Archive: what it keeps back, and how it answers"
_TERM = re.compile(r"ISO_IR [0-9]+|GB18030|GBK")


class OutgoingOptions(NamedTuple):
    """dcmqrscp's ``-x?``, for C-MOVE. Its ``-xs`` is storescp's ``--exec-sync`` here. Named by their letters."""

    x_implicit: Annotated[
        bool,
        flag(
            "-xi",
            "--propose-implicit",
            panel=RULES,
            text="C-MOVE sends implicit VR only; dcmqrscp's other -x? work too",
        ),
    ] = False
    x_uncompressed: Annotated[bool, known_default("-x=", "--propose-uncompr")] = False
    x_e: Annotated[bool, known_default("-xe", "--propose-little")] = False
    x_b: Annotated[bool, known_default("-xb", "--propose-big")] = False
    x_s: Annotated[bool, known_default("--propose-lossless")] = False
    x_y: Annotated[bool, known_default("-xy", "--propose-jpeg8")] = False
    x_x: Annotated[bool, known_default("-xx", "--propose-jpeg12")] = False
    x_v: Annotated[bool, known_default("-xv", "--propose-j2k-lossless")] = False
    x_w: Annotated[bool, known_default("-xw", "--propose-j2k-lossy")] = False
    x_t: Annotated[bool, known_default("-xt", "--propose-jls-lossless")] = False
    x_u: Annotated[bool, known_default("-xu", "--propose-jls-lossy")] = False
    x_m: Annotated[bool, known_default("-xm", "--propose-mpeg2")] = False
    x_h: Annotated[bool, known_default("-xh", "--propose-mpeg2-high")] = False
    x_n: Annotated[bool, known_default("-xn", "--propose-mpeg4")] = False
    x_l: Annotated[bool, known_default("-xl", "--propose-mpeg4-bd")] = False
    x_2: Annotated[bool, known_default("-x2", "--propose-mpeg4-2-2d")] = False
    x_3: Annotated[bool, known_default("-x3", "--propose-mpeg4-2-3d")] = False
    x_o: Annotated[bool, known_default("-xo", "--propose-mpeg4-2-st")] = False
    x_4: Annotated[bool, known_default("-x4", "--propose-hevc")] = False
    x_5: Annotated[bool, known_default("-x5", "--propose-hevc10")] = False
    x_r: Annotated[bool, known_default("-xr", "--propose-rle")] = False
    x_d: Annotated[bool, known_default("-xd", "--propose-deflated")] = False

    def proposal(self) -> "Proposal | None":
        """What C-MOVE proposes, None for what the objects hold. Raises UsageError for two of them."""
        from dcmnet_cli.ops.storing.proposals import PROPOSALS

        letters = {name: name.removeprefix("x_") for name in self._fields}
        letters |= {"x_implicit": "i", "x_uncompressed": "="}
        given = exclude(*((f"-x{letters[name]}", wanted) for name, wanted in self._asdict().items()))
        return PROPOSALS[given.removeprefix("-x")] if given else None


class ArchiveRuleOptions(NamedTuple):
    """What an archive does not do for everybody, and how it answers."""

    disable_get: Annotated[bool, flag("--disable-get", panel=RULES, text="offer no C-GET")] = False
    no_patient_root: Annotated[
        bool, flag("-QP", "--no-patient-root", panel=RULES, text="not the patient root model")
    ] = False
    no_study_root: Annotated[bool, flag("-QS", "--no-study-root", panel=RULES, text="not the study root model")] = False
    no_patient_study: Annotated[
        bool, flag("-QO", "--no-patient-study", panel=RULES, text="not the patient/study only model, which is retired")
    ] = False
    no_check_find: Annotated[
        bool, flag("--no-check-find", panel=RULES, text="answer queries without the unique keys of upper levels, too")
    ] = False
    no_check_move: Annotated[
        bool, flag("--no-check-move", panel=RULES, text="the same for retrievals; by default both are refused")
    ] = False
    check_find: Annotated[bool, known_default("-XF", "--check-find")] = False
    check_move: Annotated[bool, known_default("-XM", "--check-move")] = False
    move_unrestricted: Annotated[bool, known_default("--move-unrestricted")] = False
    move_title: Annotated[
        bool, flag("-ZA", "--move-aetitle", panel=RULES, text="C-MOVE sends to the title that asks, to no other")
    ] = False
    move_host: Annotated[
        bool, flag("-ZH", "--move-host", panel=RULES, text="C-MOVE sends to the host that asks, to no other")
    ] = False
    charset: Annotated[
        str | None,
        value(
            "+C",
            "--convert-to-charset",
            metavar="TERM",
            panel=RULES,
            text="answers in this character set where the request's has not all letters; default ISO_IR 192",
        ),
    ] = None
    utf8: Annotated[bool, flag("+U8", "--convert-to-utf8", panel=RULES, text="the same, ISO_IR 192")] = False
    latin1: Annotated[bool, flag("+L1", "--convert-to-latin1", panel=RULES, text="the same, ISO_IR 100")] = False
    override: Annotated[
        bool, flag("-Cr", "--override-charset", panel=RULES, text="in that one, whatever the request's is")
    ] = False
    use_requested: Annotated[bool, known_default("+Cr", "--use-request-charset")] = False
    outgoing: OutgoingOptions = OutgoingOptions()

    def policy(self) -> "Policy":
        """How to answer. Raises UsageError."""
        from dcmnet_cli.ops.archiving.archive_plan import GET_CLASSES, MODEL_CLASSES, Policy

        exclude(("-XF", self.check_find), ("--no-check-find", self.no_check_find))
        exclude(("-XM", self.check_move), ("--no-check-move", self.no_check_move))
        restriction = exclude(
            ("--move-unrestricted", self.move_unrestricted), ("-ZA", self.move_title), ("-ZH", self.move_host)
        )
        models = (self.no_patient_root, self.no_study_root, self.no_patient_study)
        withheld = {uid for classes, no in zip(MODEL_CLASSES, models, strict=True) if no for uid in classes}
        if self.disable_get:
            withheld.update(GET_CLASSES)
        return Policy(
            frozenset(withheld),
            self.no_check_find,
            self.no_check_move,
            {"-ZA": "title", "-ZH": "host"}.get(restriction, ""),
            self._charset(),
            self.override,
            self.outgoing.proposal(),
        )

    def _charset(self) -> str:
        given = exclude(("+C", self.charset is not None), ("+U8", self.utf8), ("+L1", self.latin1))
        exclude(("+Cr", self.use_requested), ("-Cr", self.override))
        if self.override and not given:
            raise UsageError("-Cr needs a character set: add +U8, +L1 or +C TERM")
        if self.charset is not None and not (_TERM.fullmatch(self.charset) and is_known(self.charset)):
            raise UsageError(f"+C: {quoted(self.charset)} is no defined term; write ISO_IR 100, ISO_IR 192 or GB18030")
        return {"+U8": UTF_8, "+L1": LATIN_1}.get(given, self.charset or "")
