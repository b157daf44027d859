"""The option family of ``dcmnet listen`` that makes it an archive or a worklist server."""

from typing import TYPE_CHECKING, Annotated, NamedTuple

from dcmnet_cli.cli.checks import exclude
from dcmnet_cli.cli.options import flag, value
from dcmnet_cli.cli.peer import take_peer
from dcmnet_cli.core.text import quoted
from dcmnet_cli.errors import UsageError

if TYPE_CHECKING:
    from dcmnet_cli.cli.config import Configuration, Node
    from dcmnet_cli.ops.archiving.archive_plan import ArchivePlan, Policy
    from dcmnet_cli.ops.target import Target

ARCHIVE = "Archive"


class ArchiveOptions(NamedTuple):
    """What is answered beside C-ECHO and C-STORE."""

    archive: Annotated[
        str | None,
        value("--archive", metavar="FOLDER", panel=ARCHIVE, text="store here, index it, answer find, move and get"),
    ] = None
    node: Annotated[
        list[str] | None,
        value("--node", metavar="AE@HOST:PORT", panel=ARCHIVE, text="a move destination beside the nodes; repeatable"),
    ] = None
    reindex: Annotated[bool, flag("--reindex", panel=ARCHIVE, text="rebuild the index from the objects first")] = False
    worklist: Annotated[
        str | None,
        value("--worklist", metavar="PATH", panel=ARCHIVE, text="answer worklist queries: folder of files, or a .csv"),
    ] = None
    disable_get: Annotated[bool, flag("--disable-get", panel=ARCHIVE, text="no C-GET")] = False
    no_patient_root: Annotated[bool, flag("-QP", "--no-patient-root", panel=ARCHIVE, text="no patient root")] = False
    no_study_root: Annotated[bool, flag("-QS", "--no-study-root", panel=ARCHIVE, text="no study root")] = False
    no_patient_study: Annotated[
        bool, flag("-QO", "--no-patient-study", panel=ARCHIVE, text="no patient/study only")
    ] = False
    no_check_find: Annotated[
        bool, flag("--no-check-find", panel=ARCHIVE, text="answer queries without the unique keys of upper levels, too")
    ] = False
    no_check_move: Annotated[
        bool, flag("--no-check-move", panel=ARCHIVE, text="the same for retrievals; by default both are refused")
    ] = False
    check_find: Annotated[bool, flag("-XF", "--check-find", panel=ARCHIVE, hidden=True)] = False
    check_move: Annotated[bool, flag("-XM", "--check-move", panel=ARCHIVE, hidden=True)] = False
    move_unrestricted: Annotated[bool, flag("--move-unrestricted", panel=ARCHIVE, hidden=True)] = False
    move_aetitle: Annotated[
        bool, flag("-ZA", "--move-aetitle", panel=ARCHIVE, text="move to the AE title that asks for it and no other")
    ] = False
    move_host: Annotated[
        bool, flag("-ZH", "--move-host", panel=ARCHIVE, text="move to nodes on the host that asks for it alone")
    ] = False
    charset: Annotated[
        str | None,
        value(
            "--convert-to-charset",
            "+C",
            metavar="NAME",
            panel=ARCHIVE,
            text="of answers, where the query's will not do: ISO_IR 100; default ISO_IR 192",
        ),
    ] = None
    to_utf8: Annotated[bool, flag("+U8", "--convert-to-utf8", panel=ARCHIVE, hidden=True)] = False
    to_latin1: Annotated[bool, flag("+L1", "--convert-to-latin1", panel=ARCHIVE, hidden=True)] = False
    request_charset: Annotated[bool, flag("+Cr", "--use-request-charset", panel=ARCHIVE, hidden=True)] = False
    override_charset: Annotated[
        bool, flag("-Cr", "--override-charset", panel=ARCHIVE, text="answer in that one, whatever the query's is")
    ] = False

    def plan(
        self, own: "Target", configuration: "Configuration", *, tells_objects: bool = False
    ) -> "ArchivePlan | None":
        """What to answer, None for nothing. ``own`` has our own title and terms, for associations to move
        destinations. Raises UsageError.
        """
        if self.archive is None:
            for name, given in (("--node", self.node), ("--reindex", self.reindex), *self._of_archives()):
                if given:
                    raise UsageError(f"{name} needs --archive")
            if self.worklist is None:
                return None
        from dcmnet_cli.ops.archiving.archive_plan import ArchivePlan

        nodes = {node.aet or name: _target(node, node.aet or name, own) for name, node in configuration.nodes.items()}
        for word in self.node or ():
            peer, _ = take_peer([word], configuration)
            title = peer.called or (peer.node.aet or word if peer.node is not None else "")
            if not title:
                raise UsageError(f"--node: {quoted(word)} has no AE title; give AE@HOST:PORT")
            if peer.node is not None:
                nodes[title] = _target(peer.node, title, own)
            else:
                nodes[title] = own._replace(host=peer.host, port=peer.port, called=title)
        return ArchivePlan(self.archive, self.worklist, nodes, self.reindex, tells_objects, self._policy())

    def _of_archives(self) -> "tuple[tuple[str, bool], ...]":
        """What means nothing without an archive."""
        return (
            ("--disable-get", self.disable_get),
            ("-QP", self.no_patient_root),
            ("-QS", self.no_study_root),
            ("-QO", self.no_patient_study),
            ("--no-check-find", self.no_check_find),
            ("--no-check-move", self.no_check_move),
            ("-ZA", self.move_aetitle),
            ("-ZH", self.move_host),
        )

    def _policy(self) -> "Policy":
        """How to answer. Raises UsageError."""
        from dcmnet_cli.ops.archiving.archive_plan import GET_CLASSES, MODEL_CLASSES, Policy

        exclude(("-XF", self.check_find), ("--no-check-find", self.no_check_find))
        exclude(("-XM", self.check_move), ("--no-check-move", self.no_check_move))
        exclude(("--move-unrestricted", self.move_unrestricted), ("-ZA", self.move_aetitle), ("-ZH", self.move_host))
        models = (self.no_patient_root, self.no_study_root, self.no_patient_study)
        withheld = {uid for classes, no in zip(MODEL_CLASSES, models, strict=True) if no for uid in classes}
        if self.disable_get:
            withheld.update(GET_CLASSES)
        return Policy(
            frozenset(withheld),
            self.no_check_find,
            self.no_check_move,
            "title" if self.move_aetitle else "host" if self.move_host else "",
            self._charset(),
            self.override_charset,
        )

    def _charset(self) -> str:
        from dcmnet_cli.core.character_set import LATIN_1, UTF_8, is_known

        exclude(("+C", self.charset is not None), ("+U8", self.to_utf8), ("+L1", self.to_latin1))
        exclude(("+Cr", self.request_charset), ("-Cr", self.override_charset))
        if self.charset is not None and not is_known(self.charset):
            raise UsageError(f"+C: {quoted(self.charset)} is not known; write ISO_IR 100, ISO_IR 192")
        chosen = self.charset or (UTF_8 if self.to_utf8 else LATIN_1 if self.to_latin1 else "")
        if self.override_charset and not chosen:
            raise UsageError("-Cr needs the character set to answer in: +C NAME, +U8 or +L1")
        return chosen


def _target(node: "Node", title: str, own: "Target") -> "Target":
    """A node as a move destination: its own terms where it has some, else ours."""
    from dcmnet_cli.cli.settings import merge_timeouts

    return own._replace(
        host=node.host,
        port=node.port,
        called=title,
        calling=node.calling or own.calling,
        max_pdu=own.max_pdu if node.max_pdu is None else node.max_pdu,
        timeouts=merge_timeouts(own.timeouts._asdict(), node.timeouts),
        tls=node.tls,
        charset=node.charset,
        quirks=node.quirks,
    )
