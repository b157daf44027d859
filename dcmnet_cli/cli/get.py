"""``dcmnet get``."""

from typing import Annotated

from dcmnet_cli.cli.command import command
from dcmnet_cli.cli.habit_options import ReceivingHabits
from dcmnet_cli.cli.key_options import KeyOptions, ModelOptions
from dcmnet_cli.cli.listen_options import NameFamily, StorageOptions
from dcmnet_cli.cli.options import flag
from dcmnet_cli.cli.peer import PeerAndQuery
from dcmnet_cli.cli.requestor import RequestorOptions
from dcmnet_cli.cli.retrieve_job import Screen, run_retrieval
from dcmnet_cli.cli.retrieve_options import RETRIEVE, RequestSyntaxOptions, RetrieveOptions
from dcmnet_cli.cli.retrieve_wish import InstanceModelOptions, NoBulkOptions, make_wish, target_folder
from dcmnet_cli.core.uids import IMPLICIT_VR_LITTLE_ENDIAN
from dcmnet_cli.ops.retrieving.get import GetOptions
from dcmnet_cli.ops.retrieving.get import get as retrieve
from dcmnet_cli.ops.retrieving.move import UNCOMPRESSED

EXAMPLES = (
    ("dcmnet get archive2 --study 1.2.3.4 --out ./study", "one study, over the association that asks"),
    ("dcmnet get archive2 --accession RX20250114-88 --out ./study --missing", "what is not in the folder yet"),
    ("dcmnet get -aec PACS -S -k StudyInstanceUID=1.2.3 -od in +xs host 104", "in DCMTK's words, JPEG lossless"),
    ("dcmnet get archive2 --study 1.2.3.4 --without-bulk-data --out ./headers", "headers alone, where the peer can"),
    ("dcmnet get archive2 --patient-id 1002233 --modality CT --ignore --json", "does it work? keep nothing, tell all"),
)


@command(examples=EXAMPLES)
def get(
    words: PeerAndQuery = None,
    *,
    strict_roles: Annotated[
        bool, flag("--strict-roles", panel=RETRIEVE, text="take nothing where the peer did not confirm the SCP role")
    ] = False,
    keys: KeyOptions,
    model: ModelOptions,
    instance_model: InstanceModelOptions,
    no_bulk: NoBulkOptions,
    retrieving: RetrieveOptions,
    request: RequestSyntaxOptions,
    storage: StorageOptions,
    names: NameFamily,
    habits: ReceivingHabits,
    requestor: RequestorOptions,
) -> None:
    """Fetch objects over the association that asks (C-GET), and account for every instance."""
    keys.check()
    habits.check(storage)
    target, rest, _, shown = requestor.call("get", words)
    folder = None if storage.ignore else target_folder("-od", storage.output_directory or ".")
    wish = make_wish(
        keys,
        model,
        instance_model,
        retrieving,
        rest,
        folder,
        target.charset or "",
        only=storage.classes(),
        without_bulk_data=no_bulk.without_bulk_data,
    )
    plan = storage.plan(names)._replace(directory=folder)
    if storage.implicit:
        plan = plan._replace(preferred=(IMPLICIT_VR_LITTLE_ENDIAN,))
    elif plan.preferred:
        plan = plan._replace(preferred=tuple(dict.fromkeys((*plan.preferred, *UNCOMPRESSED))))
    options = GetOptions(
        plan, request.syntaxes(), strict_roles, retrieving.level(), retrieving.repeat, retrieving.abort
    )
    screen = Screen("get", shown)
    run_retrieval(retrieve, screen, target, wish, options, retrieving.stop())
