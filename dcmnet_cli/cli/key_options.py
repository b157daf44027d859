"""The option families that say what is asked for: information model, keys, level. For find, move and get."""

import re
from typing import TYPE_CHECKING, Annotated, NamedTuple

from dcmnet_cli.cli.checks import exclude
from dcmnet_cli.cli.options import flag, value
from dcmnet_cli.core.text import quoted
from dcmnet_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcmnet_cli.ops.querying.key_tree import Path, Tree
    from dcmnet_cli.ops.querying.keys import Query, Shorthands

KEYS = "Keys"
_NAMES = re.compile(r"(?:(?:^|(?<=[-,.]))\(?[0-9A-Fa-f]{4},[0-9A-Fa-f]{4}|[^,])+")
MODEL = "Information model"
_UIDS = re.compile(r"[0-9.\\*?\s]*")


class ModelOptions(NamedTuple):
    """Which Query/Retrieve information model."""

    study_root: Annotated[bool, flag("-S", "--study-root", panel=MODEL, text="study root (default)")] = False
    patient_root: Annotated[bool, flag("-P", "--patient", "--patient-root", panel=MODEL, text="patient root")] = False
    psonly: Annotated[bool, flag("-O", "--psonly", panel=MODEL, text="patient/study only (retired)")] = False

    def model(self) -> str:
        """The word that ``ops.querying.levels`` has for it. Raises UsageError for two of them."""
        given = exclude(("-S", self.study_root), ("-P", self.patient_root), ("-O", self.psonly))
        return {"-P": "patient", "-O": "only"}.get(given, "study")


class KeyOptions(NamedTuple):
    """Keys, by DCMTK's spellings and by everyday names."""

    keys: Annotated[
        list[str] | None,
        value("-k", "--key", metavar="KEY=VALUE", panel=KEYS, text="gggg,eeee=x, keyword=x or Sequence[0].keyword=x"),
    ] = None
    date: Annotated[
        str | None,
        value("--date", metavar="DATE", panel=KEYS, text="today, yesterday, -7d, 2025-01-14, 2025-01..2025-03"),
    ] = None
    patient_id: Annotated[str | None, value("--patient-id", metavar="ID", panel=KEYS, text="Patient ID")] = None
    patient_name: Annotated[
        str | None, value("--patient-name", metavar="NAME", panel=KEYS, text="Patient's Name, as in 'MILLER*'")
    ] = None
    accession: Annotated[str | None, value("--accession", metavar="NUMBER", panel=KEYS, text="Accession Number")] = None
    modality: Annotated[
        str | None, value("--modality", metavar="CT", panel=KEYS, text="modality; of studies: one that is in them")
    ] = None
    study: Annotated[str | None, value("--study", metavar="UID", panel=KEYS, text="Study Instance UID")] = None
    series: Annotated[str | None, value("--series", metavar="UID", panel=KEYS, text="Series Instance UID")] = None
    instance: Annotated[str | None, value("--instance", metavar="UID", panel=KEYS, text="SOP Instance UID")] = None
    level: Annotated[
        str,
        value(
            "--level",
            metavar="LEVEL",
            panel=KEYS,
            text="patient, study, series or image; default by the keys",
            choices=lambda: ("patient", "study", "series", "image"),
        ),
    ] = ""

    def check(self) -> None:
        """Raises UsageError where ``--study`` was meant as DCMTK's, which takes no value and names the model."""
        if self.study is not None and not _UIDS.fullmatch(self.study):
            raise UsageError(
                f"--study: {quoted(self.study)} is no Study Instance UID; the study root model is -S or --study-root"
            )

    def shorthands(self, station: str | None = None) -> "Shorthands":
        """The everyday names, for ``ops.querying.keys.build_query``."""
        from dcmnet_cli.ops.querying.keys import Shorthands

        return Shorthands(
            self.patient_id,
            self.patient_name,
            self.accession,
            self.study,
            self.series,
            self.instance,
            self.modality,
            self.date,
            station,
        )

    def query(
        self,
        model: str,
        tree: "Tree | None" = None,
        *,
        station: str | None = None,
        returns: "Sequence[Path]" = (),
        charset: str = "",
        relational: bool = False,
        verbatim: bool = False,
    ) -> "Query":
        """What the options and a query file's ``tree`` make; ``returns`` are asked for, too. Raises UsageError."""
        from dcmnet_cli.ops.querying.keys import build_query

        return build_query(
            model,
            self.keys or (),
            tree,
            self.shorthands(station),
            self.level,
            returns=returns,
            charset=charset,
            relational=relational,
            verbatim=verbatim,
        )


def split_names(option: str, words: str | None) -> list[str]:
    """``a,b,c`` as a list; tags of DCMTK's spelling keep their comma. Raises UsageError for an empty name."""
    if words is None:
        return []
    names = [name.strip() for name in _NAMES.findall(words)]
    if not all(names) or len(_NAMES.sub("", words)) != len(names) - 1:
        raise UsageError(f"{option}: write names with commas between, as in StudyDate,PatientName")
    return names
