"""``dcmnet move``."""

from dcmnet_cli.cli.command import command
from dcmnet_cli.cli.config import Configuration
from dcmnet_cli.cli.habit_options import ReceivingHabits
from dcmnet_cli.cli.key_options import KeyOptions, ModelOptions
from dcmnet_cli.cli.listen_options import NameFamily, StorageOptions
from dcmnet_cli.cli.peer import PeerAndQuery
from dcmnet_cli.cli.requestor import RequestorOptions
from dcmnet_cli.cli.retrieve_job import Screen, run_retrieval
from dcmnet_cli.cli.retrieve_options import DestinationOptions, RequestSyntaxOptions, RetrieveOptions
from dcmnet_cli.cli.retrieve_wish import InstanceModelOptions, make_wish, target_folder
from dcmnet_cli.errors import UsageError
from dcmnet_cli.net.server import SERVER_TIMERS
from dcmnet_cli.ops.listening.listen import ListenPlan
from dcmnet_cli.ops.listening.storage import StoragePlan
from dcmnet_cli.ops.retrieving.move import MoveOptions
from dcmnet_cli.ops.retrieving.move import move as retrieve
from dcmnet_cli.ops.target import Target

_FINISH = 2.0  # seconds that associations get to end once everything is here

EXAMPLES = (
    ("dcmnet move archive1 --accession RX20250114-88 --here ./in", "bring a study here, and prove it is complete"),
    ("dcmnet move archive1 --accession RX20250114-88 --here ./in --missing", "again, for what is not there yet"),
    ("dcmnet move archive1 --study 1.2.3.4 -aem WORKSTATION2", "have it sent to somebody else"),
    ("dcmnet move -aec PACS -aet ME +P 11113 -od in -S -k StudyInstanceUID=1.2.3 host 104", "in DCMTK's words"),
    ("dcmnet move archive1 --patient-id 1002233 --date -7d --here ./in --json", "last week's studies, told as JSON"),
)


@command(examples=EXAMPLES)
def move(
    words: PeerAndQuery = None,
    *,
    keys: KeyOptions,
    model: ModelOptions,
    instance_model: InstanceModelOptions,
    where: DestinationOptions,
    retrieving: RetrieveOptions,
    request: RequestSyntaxOptions,
    storage: StorageOptions,
    names: NameFamily,
    habits: ReceivingHabits,
    requestor: RequestorOptions,
) -> None:
    """Have a peer send what it has (C-MOVE), to this computer or another one, and account for every instance."""
    keys.check()
    target, rest, configuration, shown = requestor.call("move", words)
    where.check()
    habits.check(storage)
    folder = _folder(where, storage)
    wish = make_wish(
        keys, model, instance_model, retrieving, rest, folder, target.charset or "", only=storage.classes()
    )
    here = None
    title = where.destination or target.calling
    if folder is not None or storage.ignore:
        here = _listener(where, storage, names, title, folder, target, configuration)
    elif where.destination is None:
        raise UsageError("where to? --here FOLDER brings it to this computer, -aem AE has it sent elsewhere")
    options = MoveOptions(
        title, here, where.grace, request.syntaxes(), retrieving.level(), retrieving.repeat, retrieving.abort
    )
    screen = Screen("move", shown, elsewhere=title if here is None else "")
    run_retrieval(retrieve, screen, target, wish, options, retrieving.stop())


def _folder(where: DestinationOptions, storage: StorageOptions) -> str | None:
    """Where objects are stored here, None for nowhere. Raises UsageError."""
    if where.here is not None and storage.output_directory is not None:
        raise UsageError("--here and -od are the same; give one of them")
    if storage.ignore and where.here is not None:
        raise UsageError("--ignore contradicts --here")
    if storage.ignore:
        return storage.directory()
    return target_folder("--here" if where.here is not None else "-od", where.here or storage.output_directory) or (
        "." if where.port is not None else None
    )


def _listener(
    where: DestinationOptions,
    storage: StorageOptions,
    names: NameFamily,
    title: str,
    folder: str | None,
    target: Target,
    configuration: Configuration,
) -> ListenPlan:
    """The listener that receives what the peer sends. Raises UsageError."""
    tls = target.tls if target.tls is not None and target.tls.certificate_file and not where.plain_here else None
    if tls is not None:
        tls = tls._replace(server_name=where.expect_sni)
        tls = tls._replace(verify="verify-if-present") if where.verify_if_sent else tls
    plan: StoragePlan = storage.plan(names)
    return ListenPlan(
        where.listens_on(configuration.defaults("move").port),
        where.bind,
        family=target.family,
        title=title,
        max_pdu=target.max_pdu,
        grace=_FINISH,
        timers=SERVER_TIMERS._replace(acse=target.timeouts.acse, dimse=target.timeouts.dimse),
        write_timeout=target.timeouts.write,
        tls=tls,
        storage=plan._replace(directory=folder),
    )
