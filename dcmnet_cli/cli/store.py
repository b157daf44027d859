"""``dcmnet store``."""

from typing import TYPE_CHECKING

from dcmnet_cli.cli.command import command
from dcmnet_cli.cli.peer import PeerAndFiles
from dcmnet_cli.cli.reporting import make_output
from dcmnet_cli.cli.requestor import RequestorOptions
from dcmnet_cli.cli.store_job import StoreJob
from dcmnet_cli.cli.store_options import InputOptions, InventionOptions, ProposalOptions, SendingOptions
from dcmnet_cli.errors import UsageError
from dcmnet_cli.render.output import Output

if TYPE_CHECKING:
    from dcmnet_cli.ops.storing.invent import Inventor

EXAMPLES = (
    ("dcmnet store PACS@pacs.example.org:104 ./export", "send a folder with all its sub-folders"),
    ("dcmnet store -aec PACS pacs.example.org 104 image.dcm study.zip", "files and archives, in DCMTK's words"),
    ("dcmnet store archive ./export --dry-run", "what would be sent, and as what; connects to nobody"),
    ("dcmnet store archive --from list.txt --journal move.jsonl", "a list; run it again to go on after a break"),
    ("dcmnet store archive ./export --jobs 4 --report report.json", "four associations; every outcome as JSON"),
)


@command(examples=EXAMPLES)
def store(
    words: PeerAndFiles = None,
    *,
    inputs: InputOptions,
    sending: SendingOptions,
    proposals: ProposalOptions,
    invention: InventionOptions,
    requestor: RequestorOptions,
) -> None:
    """Send DICOM objects (C-STORE): files, folders, DICOMDIRs, zip and tar archives, and account for each of them."""
    if sending.list_decoders:
        show_decoders(make_output(requestor.output))
        return
    call = requestor.call("store", words)
    proposal, inventor = proposals.proposal(), _inventor(invention)
    StoreJob(call.target, call.rest, inputs, sending, proposal, inventor, call.output).run()


def _inventor(options: InventionOptions) -> "Inventor | None":
    if options == InventionOptions():
        return None
    from dcmnet_cli.ops.storing.invent import Inventor, Kinds

    numbers = (options.series, options.study, options.patient)
    if any(number is not None and number < 1 for number in numbers):
        raise UsageError("+IR, +IS and +IP take a number of 1 or more")
    series, study, patient = (number or 0 for number in numbers)
    # A new series without new instances would be the same instances in two series.
    return Inventor(Kinds(options.instance or bool(series or study or patient), series, study, patient))


def show_decoders(output: Output) -> None:
    """``--list-decoders``: what can be decompressed with what is installed."""
    from dcmnet_cli.core.uids import uid_name
    from dcmnet_cli.ops.conversion.syntax_choice import INSTALL, decodable

    for uid in decodable():
        output.result(uid, uid_name(uid))
    output.say(f"more with: {INSTALL}")
