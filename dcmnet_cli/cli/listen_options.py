"""The option families of ``dcmnet listen`` that are about objects: storing, naming, hooks, identity, faults."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from dcmnet_cli.cli.checks import check_choice, check_seconds, exclude
from dcmnet_cli.cli.options import flag, value
from dcmnet_cli.cli.shell_words import check_plain
from dcmnet_cli.core import uids
from dcmnet_cli.core.syntax_letters import BY_LETTER
from dcmnet_cli.core.text import quoted
from dcmnet_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcmnet_cli.ops.listening.faults import Faults
    from dcmnet_cli.ops.listening.hook_commands import Command
    from dcmnet_cli.ops.listening.hooks import HookLimits
    from dcmnet_cli.ops.listening.identity import IdentityCheck
    from dcmnet_cli.ops.listening.naming import NameOptions
    from dcmnet_cli.ops.listening.storage import StoragePlan

STORAGE = "Storage"
NAMES = "File names"
HOOKS = "Hooks"
ACCESS = "Who may"
FAULTS = "Faults on purpose"


def _prefer(short: str, long: str, text: str) -> Any:
    """One of storescp's preferences, read and not listed: ``--prefer`` says it in words."""
    return flag(short, long, panel=STORAGE, text=f"prefer {text}", hidden=True)


class PreferenceOptions(NamedTuple):
    """storescp's ``+x?``: which of the transfer syntaxes offered in one context is chosen."""

    xe: Annotated[bool, _prefer("+xe", "--prefer-little", "explicit VR little endian")] = False
    xb: Annotated[bool, _prefer("+xb", "--prefer-big", "explicit VR big endian")] = False
    xs: Annotated[bool, _prefer("+xs", "--prefer-lossless", "JPEG lossless")] = False
    xy: Annotated[bool, _prefer("+xy", "--prefer-jpeg8", "JPEG baseline")] = False
    xx: Annotated[bool, _prefer("+xx", "--prefer-jpeg12", "JPEG extended")] = False
    xv: Annotated[bool, _prefer("+xv", "--prefer-j2k-lossless", "JPEG 2000 lossless")] = False
    xw: Annotated[bool, _prefer("+xw", "--prefer-j2k-lossy", "JPEG 2000")] = False
    xt: Annotated[bool, _prefer("+xt", "--prefer-jls-lossless", "JPEG-LS lossless")] = False
    xu: Annotated[bool, _prefer("+xu", "--prefer-jls-lossy", "JPEG-LS near-lossless")] = False
    xr: Annotated[bool, _prefer("+xr", "--prefer-rle", "RLE")] = False
    xd: Annotated[bool, _prefer("+xd", "--prefer-deflated", "deflated explicit little endian")] = False
    xm: Annotated[bool, _prefer("+xm", "--prefer-mpeg2", "MPEG-2 main level")] = False
    xh: Annotated[bool, _prefer("+xh", "--prefer-mpeg2-high", "MPEG-2 high level")] = False
    xn: Annotated[bool, _prefer("+xn", "--prefer-mpeg4", "MPEG-4 high profile")] = False
    xl: Annotated[bool, _prefer("+xl", "--prefer-mpeg4-bd", "MPEG-4 Blu-ray compatible")] = False
    x2: Annotated[bool, _prefer("+x2", "--prefer-mpeg4-2-2d", "MPEG-4 for 2D video")] = False
    x3: Annotated[bool, _prefer("+x3", "--prefer-mpeg4-2-3d", "MPEG-4 for 3D video")] = False
    xo: Annotated[bool, _prefer("+xo", "--prefer-mpeg4-2-st", "MPEG-4 stereo")] = False
    x4: Annotated[bool, _prefer("+x4", "--prefer-hevc", "HEVC main profile")] = False
    x5: Annotated[bool, _prefer("+x5", "--prefer-hevc10", "HEVC main 10 profile")] = False
    uncompressed: Annotated[bool, _prefer("+x=", "--prefer-uncompr", "uncompressed")] = False

    def syntaxes(self) -> tuple[str, ...]:
        """What is preferred, with uncompressed fallbacks. Raises UsageError for two of them."""
        given = exclude(*((f"+{name}", wanted) for name, wanted in self._asdict().items()))
        if not given:
            return ()
        fallbacks = (uids.EXPLICIT_VR_LITTLE_ENDIAN, uids.IMPLICIT_VR_LITTLE_ENDIAN)
        if given == "+uncompressed":
            return fallbacks
        return (BY_LETTER[given.removeprefix("+x")], *fallbacks)


def _duplicates() -> Sequence[str]:
    from dcmnet_cli.net.sink import DUPLICATES

    return DUPLICATES


def _syncs() -> Sequence[str]:
    from dcmnet_cli.net.sink import SYNCS

    return SYNCS


def _classes() -> Sequence[str]:
    return _keywords(uids.storage_sop_classes(retired=True))


def _syntaxes() -> Sequence[str]:
    return _keywords(uids.transfer_syntaxes())


def _keywords(found: Sequence[str]) -> Sequence[str]:
    entries = filter(None, map(uids.lookup, found))
    return [entry.keyword for entry in entries if entry.keyword]


class StorageOptions(NamedTuple):
    """Whether objects are taken, which, and where they go."""

    output_directory: Annotated[
        str | None,
        value(
            "-od",
            "--output-directory",
            "--out",
            metavar="FOLDER",
            panel=STORAGE,
            text="store here; get: default this folder",
        ),
    ] = None
    ignore: Annotated[bool, flag("--ignore", panel=STORAGE, text="take objects and drop them, for tests")] = False
    on_duplicate: Annotated[
        str,
        value(
            "--on-duplicate",
            metavar="HOW",
            panel=STORAGE,
            text="skip (default: if the bytes are equal, else rename), overwrite, rename, reject",
            choices=_duplicates,
        ),
    ] = "skip"
    sync: Annotated[
        str,
        value(
            "--sync",
            metavar="HOW",
            panel=STORAGE,
            text="durable at none (default: survives us, not a power cut), object (before its answer), association "
            "(before its release)",
            choices=_syncs,
        ),
    ] = "none"
    only: Annotated[
        list[str] | None,
        value(
            "--only",
            metavar="CLASS",
            panel=STORAGE,
            text="take this SOP class only, UID or keyword; repeatable",
            choices=_classes,
        ),
    ] = None
    prefer: Annotated[
        list[str] | None,
        value(
            "--prefer",
            metavar="SYNTAX",
            panel=STORAGE,
            text="choose this transfer syntax if offered; repeatable",
            choices=_syntaxes,
        ),
    ] = None
    preference: PreferenceOptions = PreferenceOptions()
    implicit: Annotated[bool, flag("+xi", "--implicit", panel=STORAGE, text="take implicit VR little endian only")] = (
        False
    )
    accept_all: Annotated[bool, flag("+xa", "--accept-all", panel=STORAGE, hidden=True)] = False
    promiscuous: Annotated[bool, flag("-pm", "--promiscuous", panel=STORAGE, hidden=True)] = False
    bit_preserving: Annotated[bool, flag("+B", "--bit-preserving", panel=STORAGE, hidden=True)] = False
    write_little: Annotated[
        bool, flag("+te", "--write-xfer-little", panel=STORAGE, text="write explicit VR little endian")
    ] = False
    write_implicit: Annotated[
        bool, flag("+ti", "--write-xfer-implicit", panel=STORAGE, text="write implicit VR little endian")
    ] = False
    write_deflated: Annotated[
        bool, flag("+td", "--write-xfer-deflated", panel=STORAGE, text="write deflated explicit little endian")
    ] = False

    def directory(self) -> str | None:
        """The folder, None to drop what comes. Raises UsageError."""
        if self.ignore and self.output_directory is not None:
            raise UsageError("--ignore contradicts -od")
        if self.output_directory is not None and not os.path.isdir(self.output_directory):
            raise UsageError(f"-od: {quoted(self.output_directory)} is no folder")
        return self.output_directory

    def within(self, archive: str | None) -> "StorageOptions":
        """The same for an archive in a folder, None for no archive. Raises UsageError for contradictions."""
        if archive is None:
            return self
        if self.output_directory is not None:
            raise UsageError("-od contradicts --archive, which stores in its own folder")
        if not os.path.isdir(archive):
            raise UsageError(f"--archive: {quoted(archive)} is no folder")
        return self if self.ignore else self._replace(output_directory=archive)

    @property
    def stores(self) -> bool:
        """Whether C-STORE is offered at all."""
        return self.ignore or self.output_directory is not None

    def convert_to(self) -> str:
        """The transfer syntax to write, "" for as it came. Raises UsageError."""
        given = exclude(("+te", self.write_little), ("+ti", self.write_implicit), ("+td", self.write_deflated))
        if given and self.bit_preserving:
            raise UsageError(f"{given} contradicts +B: it converts what +B preserves")
        return {
            "+te": uids.EXPLICIT_VR_LITTLE_ENDIAN,
            "+ti": uids.IMPLICIT_VR_LITTLE_ENDIAN,
            "+td": uids.DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
        }.get(given, "")

    def plan(self, names: "NameFamily") -> "StoragePlan":
        """What is stored and how, hooks aside. Raises UsageError."""
        from dcmnet_cli.net.sink import DUPLICATES, SYNCS
        from dcmnet_cli.ops.listening.storage import StoragePlan

        return StoragePlan(
            self.directory(),
            names=names.naming(),
            on_duplicate=check_choice("--on-duplicate", self.on_duplicate, DUPLICATES),
            sync=check_choice("--sync", self.sync, SYNCS),
            convert_to=self.convert_to(),
            only=self.classes(),
            transfer_syntaxes=(uids.IMPLICIT_VR_LITTLE_ENDIAN,) if self.implicit else (),
            preferred=self.preferences(),
        )

    def classes(self) -> frozenset[str]:
        """The SOP classes of ``--only``, by UID. Raises UsageError."""
        return frozenset(_uid("--only", word) for word in self.only or ())

    def preferences(self) -> tuple[str, ...]:
        """The transfer syntaxes to choose, by UID, most wanted first. Raises UsageError."""
        return (*(_uid("--prefer", word) for word in self.prefer or ()), *self.preference.syntaxes())


def _uid(name: str, word: str) -> str:
    uid = word if uids.is_valid_uid(word) else uids.by_keyword(word)
    if uid is None:
        raise UsageError(f"{name}: {quoted(word)} is neither a UID nor a keyword of PS3.6")
    return uid


class NameFamily(NamedTuple):
    """How files are called."""

    name: Annotated[
        str,
        value("--name", metavar="TEMPLATE", panel=NAMES, text="a template: '{PatientID}/{SOPInstanceUID}.dcm'"),
    ] = ""
    modality_names: Annotated[
        bool, flag("--modality-names", panel=NAMES, text="CT.<UID>, as storescp names files; default <UID>.dcm")
    ] = False
    default_names: Annotated[bool, flag("-uf", "+fd", "--default-filenames", panel=NAMES, hidden=True)] = False
    unique: Annotated[bool, flag("+uf", "+fu", "--unique-filenames", panel=NAMES, text="a fresh name for each")] = False
    short: Annotated[bool, flag("+fsu", "--short-unique-names", panel=NAMES, text="16 random characters")] = False
    timed: Annotated[
        bool, flag("-tn", "+fst", "--timenames", "--system-time-names", panel=NAMES, text="the time of arrival")
    ] = False
    extension: Annotated[
        str | None, value("-fe", "--filename-extension", metavar="EXT", panel=NAMES, text="put this behind each name")
    ] = None
    sort_studies: Annotated[
        str | None, value("-ss", "--sort-conc-studies", metavar="PREFIX", panel=NAMES, text="PREFIX_DATE_TIME folders")
    ] = None
    sort_uid: Annotated[
        str | None, value("-su", "--sort-on-study-uid", metavar="PREFIX", panel=NAMES, text="PREFIX_STUDYUID folders")
    ] = None
    sort_patient: Annotated[bool, flag("-sp", "--sort-on-patientname", panel=NAMES, text="NAME_DATE_TIME folders")] = (
        False
    )
    sort_date: Annotated[
        bool, flag("+ssd", "--series-date-subdir", panel=NAMES, text="data/YYYY/MM/DD folders by series date")
    ] = False

    def naming(self) -> "NameOptions":
        """The scheme. Raises UsageError for contradictions."""
        from dcmnet_cli.ops.listening.naming import NameOptions

        scheme = exclude(("+uf", self.unique), ("+fsu", self.short), ("-tn", self.timed), ("-uf", self.default_names))
        folders = exclude(
            ("-ss", self.sort_studies is not None),
            ("-su", self.sort_uid is not None),
            ("-sp", self.sort_patient),
            ("+ssd", self.sort_date),
        )
        if self.name and (scheme or folders or self.modality_names):
            raise UsageError(f"--name contradicts {scheme or folders or '--modality-names'}")
        prefixed = self.modality_names or scheme == "+uf"
        default = "" if self.name or prefixed else ".dcm"
        return NameOptions(
            scheme={"+uf": "unique", "+fsu": "short", "-tn": "time"}.get(scheme, "uid"),
            modality=prefixed,
            extension=default if self.extension is None else self.extension,
            folders={"-ss": "study", "-su": "study-uid", "-sp": "patient-name", "+ssd": "series-date"}.get(folders, ""),
            folder_prefix=self.sort_studies or self.sort_uid or "",
            template=self.name,
        )


class HookOptions(NamedTuple):
    """What is run for objects and studies: argument lists, never a shell."""

    on_reception: Annotated[
        str | None,
        value("-xcr", "--exec-on-reception", metavar="CMD", panel=HOOKS, text="for each object: #p #f #a #c #r"),
    ] = None
    on_end_of_study: Annotated[
        str | None,
        value("-xcs", "--exec-on-eostudy", metavar="CMD", panel=HOOKS, text="for each study: #p #a #c #r"),
    ] = None
    on_object: Annotated[
        str | None, value("--on-object", metavar="CMD", panel=HOOKS, text="the same, with JSON on its standard input")
    ] = None
    on_study: Annotated[str | None, value("--on-study", metavar="CMD", panel=HOOKS, text="the same for a study")] = None
    quiet_time: Annotated[
        float,
        value(
            "-tos",
            "--eostudy-timeout",
            "--quiet-time",
            metavar="SECONDS",
            panel=HOOKS,
            text="a study ends after so long; default 30",
        ),
    ] = 30.0
    hook_timeout: Annotated[
        float, value("--hook-timeout", metavar="SECONDS", panel=HOOKS, text="a hook may run so long; default 300")
    ] = 300.0
    sync_hooks: Annotated[bool, flag("-xs", "--exec-sync", panel=HOOKS, text="one hook at a time, in order")] = False

    def commands(self) -> "tuple[Command, ...]":
        """The hooks. Raises UsageError."""
        from dcmnet_cli.ops.listening.hook_commands import OBJECT, STUDY, parse_command

        wanted = (
            ("-xcr", self.on_reception, OBJECT, False),
            ("--on-object", self.on_object, OBJECT, True),
            ("-xcs", self.on_end_of_study, STUDY, False),
            ("--on-study", self.on_study, STUDY, True),
        )
        for option, text, _, _ in wanted:
            check_plain(option, text or "", then=" hook '#p/#f'")
        if self.sync_hooks and not any(text for _, text, _, _ in wanted):
            raise UsageError("-xs runs hooks one by one, and there is none; dcmqrscp's -xs is --propose-lossless here")
        return tuple(
            parse_command(option, text, event, takes_json=takes_json)
            for option, text, event, takes_json in wanted
            if text is not None
        )

    def limits(self) -> "HookLimits":
        """How long and how many. Raises UsageError."""
        from dcmnet_cli.ops.listening.hooks import HookLimits

        return HookLimits(
            quiet=check_seconds("-tos", self.quiet_time),
            seconds=check_seconds("--hook-timeout", self.hook_timeout),
            workers=1 if self.sync_hooks else HookLimits().workers,
        )


class AdmissionOptions(NamedTuple):
    """User identity and addresses."""

    allow: Annotated[
        list[str] | None,
        value("--allow", metavar="NETWORK", panel=ACCESS, text="only from 10.1.2.3 or 10.1.0.0/16; repeatable"),
    ] = None
    users: Annotated[
        str | None,
        value("--users", metavar="FILE", panel=ACCESS, text="check user and password by lines of hash-password"),
    ] = None
    identity_command: Annotated[
        str | None,
        value("--identity-command", metavar="CMD", panel=ACCESS, text="check identities by a program (JSON, exit 0)"),
    ] = None
    require_identity: Annotated[
        bool, flag("--require-identity", panel=ACCESS, text="reject who names no user identity")
    ] = False

    def networks(self) -> tuple:  # type: ignore[type-arg]
        """The networks of ``--allow``. Raises UsageError."""
        import ipaddress

        try:
            return tuple(ipaddress.ip_network(text, strict=False) for text in self.allow or ())
        except ValueError as error:
            raise UsageError(f"--allow: {error}") from None

    def check(self, warn: "Callable[[str], None]") -> "IdentityCheck | None":
        """What decides on identities, None when nothing does. Raises UsageError and InputError."""
        if self.users is None and self.identity_command is None and not self.require_identity:
            return None
        from dcmnet_cli.ops.listening.identity import IdentityCheck, UserFile
        from dcmnet_cli.ops.listening.processes import check_program, parse_arguments

        command: tuple[str, ...] = ()
        if self.identity_command is not None:  # an empty one above all must not let everybody in
            check_plain("--identity-command", self.identity_command)
            command = parse_arguments("--identity-command", self.identity_command)
            check_program("--identity-command", command[0])
        users = UserFile(self.users, warn) if self.users is not None else None
        return IdentityCheck(users, command, required=self.require_identity)


class FaultOptions(NamedTuple):
    """storescp's faults and ours."""

    refuse: Annotated[bool, flag("--refuse", panel=FAULTS, text="reject every association")] = False
    reject: Annotated[bool, flag("--reject", panel=FAULTS, text="reject requests without implementation class UID")] = (
        False
    )
    abort_after: Annotated[bool, flag("--abort-after", panel=FAULTS, text="abort instead of answering")] = False
    abort_during: Annotated[bool, flag("--abort-during", panel=FAULTS, text="abort while an object comes in")] = False
    sleep_after: Annotated[float, value("--sleep-after", metavar="SECONDS", panel=FAULTS, text="before the answer")] = (
        0.0
    )
    sleep_during: Annotated[
        float, value("--sleep-during", metavar="SECONDS", panel=FAULTS, text="while an object comes in")
    ] = 0.0
    fault: Annotated[
        list[str] | None,
        value("--fault", metavar="WHAT@WHEN", panel=FAULTS, text="status=A700@10, reject=calling@every:3, drop@5%"),
    ] = None
    seed: Annotated[int | None, value("--fault-seed", metavar="N", panel=FAULTS, text="the faults of another run")] = (
        None
    )

    def faults(self, warn: "Callable[[str], None]") -> "Faults | None":
        """The plan of faults, None for none; a seed that was drawn is told. Raises UsageError."""
        from dcmnet_cli.ops.listening.faults import Faults, parse_fault, storescp_faults

        plan = [
            *storescp_faults(
                refuse=self.refuse,
                reject=self.reject,
                abort_after=self.abort_after,
                abort_during=self.abort_during,
                sleep_after=self.sleep_after,
                sleep_during=self.sleep_during,
            ),
            *(parse_fault(text) for text in self.fault or ()),
        ]
        if not plan:
            return None
        seed = self.seed
        if seed is None:
            import secrets

            seed = secrets.randbelow(1_000_000)
            if any(fault.when.kind == "chance" for fault in plan):
                warn(f"faults by chance use --fault-seed {seed}")
        return Faults(plan, seed)
