"""DICOM networking from Python: the public names, typed, and promised to stay.

    from dcmnet_cli.api import echo, find, peer, store

    pacs = peer("PACS@pacs.example.org:104", calling="ME")
    echo(pacs)
    store(pacs, "export")
    for study in find(pacs, "PatientName=DOE*", "StudyDate"):
        print(study["StudyDate"], study["PatientName"])

A requestor's function opens an association, does its work, releases, and returns plain records. It raises a
``DcmnetError`` (all of them: ``dcmnet_cli.errors``) where the work was not done, and ``Incomplete`` where part of it
was not; ``diagnose`` says what to try. ``serving`` and ``listening`` run a server in the background: with handlers of
one's own, or as ``dcmnet listen`` is. For tests there are fixtures made of them: ``dcmnet_cli.testing``.

Nothing of dcmnet's own commands imports this package.
"""

from dcmnet_cli.api.answers import Answer
from dcmnet_cli.api.requestor import echo, find, get, move, peer, store
from dcmnet_cli.api.server import Serving, data_set_of, listening, respond_with, serving
from dcmnet_cli.core.commands import CEchoRQ, CFindRQ, CGetRQ, CMoveRQ, CStoreRQ
from dcmnet_cli.core.negotiation import AcceptorPolicy
from dcmnet_cli.errors import DcmnetError, Incomplete
from dcmnet_cli.net.service import Handler, ServiceRequest
from dcmnet_cli.net.tls_settings import TLSSettings
from dcmnet_cli.ops.archiving.archive_plan import ArchivePlan
from dcmnet_cli.ops.diagnosis import diagnose
from dcmnet_cli.ops.listening.listen import Listener, ListenPlan
from dcmnet_cli.ops.listening.storage import StoragePlan
from dcmnet_cli.ops.results import Diagnosis, ListenEvent, Report
from dcmnet_cli.ops.retrieving.reconcile import Result
from dcmnet_cli.ops.storing.transfer import Outcome
from dcmnet_cli.ops.target import Target, Timeouts

__all__ = [
    "AcceptorPolicy",
    "Answer",
    "ArchivePlan",
    "CEchoRQ",
    "CFindRQ",
    "CGetRQ",
    "CMoveRQ",
    "CStoreRQ",
    "DcmnetError",
    "Diagnosis",
    "Handler",
    "Incomplete",
    "ListenEvent",
    "ListenPlan",
    "Listener",
    "Outcome",
    "Report",
    "Result",
    "ServiceRequest",
    "Serving",
    "StoragePlan",
    "TLSSettings",
    "Target",
    "Timeouts",
    "data_set_of",
    "diagnose",
    "echo",
    "find",
    "get",
    "listening",
    "move",
    "peer",
    "respond_with",
    "serving",
    "store",
]
