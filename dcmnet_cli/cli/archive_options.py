"""The option family of ``dcmnet listen`` that makes it an archive or a worklist server."""

from typing import TYPE_CHECKING, Annotated, NamedTuple

from dcmnet_cli.cli.archive_rule_options import ArchiveRuleOptions
from dcmnet_cli.cli.options import first_given, flag, value
from dcmnet_cli.cli.peer import take_peer
from dcmnet_cli.core.text import quoted
from dcmnet_cli.errors import UsageError

if TYPE_CHECKING:
    from dcmnet_cli.cli.config import Configuration, Node
    from dcmnet_cli.ops.archiving.archive_plan import ArchivePlan
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
    rules: ArchiveRuleOptions = ArchiveRuleOptions()

    def plan(
        self, own: "Target", configuration: "Configuration", *, tells_objects: bool = False
    ) -> "ArchivePlan | None":
        """What to answer, None for nothing. ``own`` has our own title and terms, for associations to move
        destinations. Raises UsageError.
        """
        if self.archive is None:
            given = first_given(self._replace(worklist=None))
            if given:
                raise UsageError(f"{given} needs --archive")
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
        return ArchivePlan(self.archive, self.worklist, nodes, self.reindex, tells_objects, self.rules.policy())


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
