"""``dcmnet find``."""

from dcmnet_cli.cli.command import command
from dcmnet_cli.cli.find_job import FindJob
from dcmnet_cli.cli.find_options import AnswerOptions, AskOptions, FindModelOptions, FindSyntaxOptions
from dcmnet_cli.cli.key_options import KeyOptions
from dcmnet_cli.cli.peer import PeerAndQueries
from dcmnet_cli.cli.requestor import RequestorOptions

EXAMPLES = (
    ("dcmnet find PACS@pacs.example.org:104 --date -7d --modality CT", "last week's CT studies"),
    ("dcmnet find archive --patient-name 'MILLER*' --limit 50", "stop after fifty answers"),
    ("dcmnet find archive --study 1.2.840.99.1 --level series", "the series of a study"),
    ("dcmnet find archive --date 2025-01 --csv january.csv", "a list for a spreadsheet"),
    ("dcmnet find -W RIS@ris.example.org:104 --date today --modality CT", "what a scanner sees on its worklist"),
    ("dcmnet find -S -aec PACS pacs 104 -k 0010,0010='MIL*' -k StudyDate", "in DCMTK's words"),
)


@command(examples=EXAMPLES)
def find(
    words: PeerAndQueries = None,
    *,
    keys: KeyOptions,
    model: FindModelOptions,
    ask: AskOptions,
    answers: AnswerOptions,
    syntaxes: FindSyntaxOptions,
    requestor: RequestorOptions,
) -> None:
    """Ask what a peer has (C-FIND): patients, studies, series, instances, or the modality worklist."""
    keys.check()
    call = requestor.call("find", words)
    FindJob(call.target, call.rest, keys, model, ask, answers, syntaxes.syntaxes(), call.output).run()
