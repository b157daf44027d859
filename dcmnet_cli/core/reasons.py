"""What the numbers of A-ASSOCIATE-RJ, A-ABORT and a presentation context result say, and what to do about them.

Names follow PS3.8 9.3.4, 9.3.8 and 9.3.3.2. Meanings, causes and remedies are what practice teaches, the likeliest
first. Peers send numbers that the standard does not know; whatever the numbers, an answer comes back and says so.
"""

from typing import NamedTuple


class Reason(NamedTuple):
    """The meaning of one combination of numbers.

    ``name`` is the standard's word for the reason or result. ``side`` tells who most likely has to act: "peer",
    "here", "network", or "" when the numbers do not tell. ``expected`` is false for combinations that no correct
    peer sends. ``source_name`` and ``result_name`` put the other two numbers into words, empty where there are none.
    """

    name: str
    meaning: str
    causes: tuple[str, ...]
    remedies: tuple[str, ...]
    side: str
    expected: bool
    source_name: str
    result_name: str


class _Entry(NamedTuple):
    name: str
    side: str
    meaning: str
    causes: tuple[str, ...]
    remedies: tuple[str, ...]


_RESULTS = {1: "rejected permanently", 2: "rejected for now (transient)"}
_REJECT_SOURCES = {1: "service user", 2: "service provider (ACSE)", 3: "service provider (presentation)"}
_ABORT_SOURCES = {0: "service user", 1: "reserved", 2: "service provider"}

_BUSY_REMEDIES = (
    "Try again, with growing pauses.",
    "Open fewer associations at a time from here.",
    "Peer: look for associations that were never released, and raise the limit if it is too low.",
)

_REJECTIONS = {
    (1, 1): _Entry(
        "no reason given",
        "peer",
        "The peer's application turned the association down and keeps its reason to itself.",
        (
            "The peer only accepts callers it has on file, and this AE title or address is not among them.",
            "A licence or node limit of the peer is used up.",
            "The peer refuses what was asked for, such as the user identity or the services.",
        ),
        (
            "Peer: read the log at the time of this attempt; it usually names the rule that applied.",
            "Peer: enter the calling AE title with the address and port of this host.",
            "Peer: look whether it takes these SOP classes at all; DCMTK's dcmrecv answers so when it takes none.",
            "Here: try without options such as user identity, and with one presentation context.",
        ),
    ),
    (1, 2): _Entry(
        "application context name not supported",
        "here",
        "The peer does not accept the application context of the request.",
        (
            "The request carried something other than 1.2.840.10008.3.1.1.1, or that UID with padding.",
            "The request was damaged on its way.",
        ),
        (
            "Here: look at item 10 of the A-ASSOCIATE-RQ; it must hold 1.2.840.10008.3.1.1.1 and nothing else.",
            "Report it to the maker of the software that sent the request.",
        ),
    ),
    (1, 3): _Entry(
        "calling AE title not recognized",
        "peer",
        "The peer does not know the AE title of the caller, or knows it at another address.",
        (
            "The calling AE title was never entered at the peer.",
            "It is entered there with other letters; upper and lower case differ.",
            "It is tied there to another IP address, as after a move or behind address translation.",
        ),
        (
            "Peer: enter the calling AE title, letter by letter, with the address and port of this host.",
            "Here: check which calling AE title was sent; tools often send a default of their own.",
            "Peer: if the title is there, compare the address entered with the one this host is seen under.",
        ),
    ),
    (1, 7): _Entry(
        "called AE title not recognized",
        "here",
        "A DICOM application answers on this port, but it does not go by the AE title that was called.",
        (
            "The called AE title is misspelled here; upper and lower case differ.",
            "The title belongs to another application on the same host, at another port.",
            "The peer's title was changed, as after an update or a restored configuration.",
        ),
        (
            "Compare the title with the peer's owner, letter by letter; titles are case-sensitive.",
            "Check the port: one host often runs several titles on several ports.",
            "If it worked before, ask whether the peer was updated, moved or restored.",
        ),
    ),
    (2, 1): _Entry(
        "no reason given",
        "here",
        "The peer's protocol layer turned the association down; this is what a refused user identity looks like.",
        (
            "The user name, passcode, ticket or token was refused, or has expired.",
            "The peer requires a user identity and none was sent.",
            "The peer could not make sense of the request.",
        ),
        (
            "Check user name and passcode, or the validity of ticket or token and the clocks of both hosts.",
            "If no user identity was sent, ask the peer's owner whether one is required.",
            "Peer: look for a parsing error in the log.",
        ),
    ),
    (2, 2): _Entry(
        "protocol version not supported",
        "peer",
        "The peer does not speak version 1 of the upper layer protocol, or did not find it in the request.",
        (
            "What answers on this port is not a DICOM application of today.",
            "The request was damaged on its way, by a proxy for instance.",
        ),
        (
            "Check that host and port belong to a DICOM application.",
            "Capture the A-ASSOCIATE-RQ: its bytes 6 and 7 must be 00 01.",
        ),
    ),
    (3, 1): _Entry(
        "temporary congestion",
        "peer",
        "The peer is too busy to take another association just now.",
        ("Too much work or too many associations at the peer.", "A burst of parallel senders, perhaps from here."),
        _BUSY_REMEDIES,
    ),
    (3, 2): _Entry(
        "local limit exceeded",
        "peer",
        "The peer has reached a limit of its own, as a rule the number of associations.",
        ("All associations the peer allows are in use.", "Associations that were never released still count there."),
        _BUSY_REMEDIES,
    ),
}

_TRANSIENT = {
    (1, 1): _Entry(
        "no reason given",
        "peer",
        "The peer's application turned the association down for the moment, without a reason.",
        ("The peer is starting, stopping or under maintenance.", "The peer is too busy."),
        (
            "Wait, then try again with growing pauses.",
            "If it goes on, peer: look at the log and the load at the time of this attempt.",
        ),
    ),
    (1, 3): _Entry(
        "calling AE title not recognized",
        "peer",
        "The peer does not know the AE title of the caller, and says that this may change.",
        ("The peer is reading its configuration anew.", "The flag is wrong and the title was never entered."),
        (
            "Try once more in a minute.",
            "Peer: then enter the calling AE title, letter by letter, with the address and port of this host.",
        ),
    ),
    (1, 7): _Entry(
        "called AE title not recognized",
        "peer",
        "The application that was called does not answer yet, though something at that host speaks for it.",
        ("The application behind this AE title is not running.", "The title is misspelled here."),
        (
            "Peer: start the application.",
            "Compare the title with the peer's owner, letter by letter; titles are case-sensitive.",
        ),
    ),
    (2, 1): _Entry(
        "no reason given",
        "",
        "The peer's protocol layer turned the association down for the moment.",
        (
            "The peer is short of resources.",
            "Some implementations answer a refused user identity this way, although it is not transient.",
        ),
        ("Check the credentials first, if any were sent.", "Wait, then try again with growing pauses."),
    ),
}

# Combinations of result, source and reason that a correct peer sends.
_EXPECTED = (
    (1, 1, 1),
    (2, 1, 1),
    (1, 1, 2),
    (1, 1, 3),
    (1, 1, 7),
    (1, 2, 1),
    (1, 2, 2),
    (2, 3, 1),
    (2, 3, 2),
)

_ABORTS = {
    0: _Entry(
        "reason not specified",
        "peer",
        "The peer's protocol layer ended the association and does not say why.",
        (
            "An idle or work timer of the peer ran out.",
            "The peer saw the network or TLS connection fail.",
            "An error inside the peer.",
        ),
        (
            "Peer: read the log at that time.",
            "Compare the pause before the abort with timers at the peer and with those of firewalls in between.",
        ),
    ),
    1: _Entry(
        "unrecognized PDU",
        "",
        "The peer received something that is not a PDU.",
        (
            "One side uses TLS and the other does not.",
            "The port belongs to something else than this kind of DICOM service.",
            "Sender and receiver lost step in the byte stream.",
        ),
        (
            "Make both sides use TLS, or neither.",
            "Check host and port.",
            "Capture the first bytes sent: a PDU begins with 01 to 07 and 00.",
        ),
    ),
    2: _Entry(
        "unexpected PDU",
        "",
        "The peer received a proper PDU at a moment when the protocol does not allow it.",
        (
            "Something was sent after a release or before the association stood.",
            "Two parts of a program used one association at the same time.",
        ),
        (
            "Capture the association and look at the last PDU before the abort.",
            "Report it, with the capture, to the maker of the side that was out of turn.",
        ),
    ),
    4: _Entry(
        "unrecognized PDU parameter",
        "peer",
        "A PDU carried an item that the peer does not know; it should have skipped it.",
        ("An old peer that fails on negotiation items made after its time.",),
        (
            "Here: leave out user identity, extended negotiation, roles and asynchronous operations, one by one.",
            "Peer: ask its maker for an update.",
        ),
    ),
    5: _Entry(
        "unexpected PDU parameter",
        "here",
        "A PDU carried a known item in a place where it does not belong.",
        (
            "Data was sent on a presentation context that had not been accepted.",
            "Data came before its command, or an item stood in the wrong PDU.",
        ),
        (
            "Check that the presentation context in use was accepted.",
            "Capture the association and compare the last PDU before the abort with PS3.8 9.3.",
        ),
    ),
    6: _Entry(
        "invalid PDU parameter value",
        "here",
        "A PDU carried a value that the peer does not accept.",
        (
            "A UID or AE title with too many or forbidden characters; UIDs end at 64.",
            "A P-DATA-TF longer than the peer's maximum length.",
            "A wrong length field, or an even presentation context ID.",
        ),
        (
            "Check the UIDs and AE titles that were sent.",
            "Lower the maximum PDU length used for sending, 16384 for instance.",
            "Capture the association and look at the last PDU before the abort.",
        ),
    ),
}

_USER_ABORT = _Entry(
    "service user abort",
    "peer",
    "The peer's application ended the association on purpose; the protocol leaves no room for a reason.",
    (
        "A timer of the peer's application ran out.",
        "The peer met an error it could not answer: a full disk, a data set or UID it cannot handle, a crash.",
        "Somebody or some program at the peer cancelled.",
    ),
    (
        "Peer: read the log at that time.",
        "Here: repeat it with a single object; if that works, look at the one in flight when the abort came.",
        "Compare the pause before the abort with the timers of both sides.",
    ),
)

_CONTEXT_RESULTS = {
    0: _Entry(
        "acceptance", "", "The presentation context may be used, in the transfer syntax named beside it.", (), ()
    ),
    1: _Entry(
        "user rejection",
        "peer",
        "The peer's application does not want this presentation context.",
        (
            "The service is switched off at the peer, or not for this caller.",
            "The role that was asked for is refused.",
        ),
        (
            "Peer: check which services the calling AE title may use.",
            "Here: propose the context without role selection, unless the work is C-GET.",
        ),
    ),
    2: _Entry(
        "no reason",
        "peer",
        "The peer refused this presentation context without a reason.",
        ("The peer takes only so many presentation contexts.", "A rule of the peer that it does not explain."),
        ("Here: propose fewer presentation contexts at a time.", "Peer: read the log at that time."),
    ),
    3: _Entry(
        "abstract syntax not supported",
        "peer",
        "The peer does not support this SOP class, or not in the role that was asked for.",
        (
            "The SOP class is missing from the peer's list: too new, too rare, or not licensed.",
            "For C-GET: the roles were not negotiated as the peer expects.",
        ),
        (
            "Peer: add the SOP class.",
            "For C-GET: check that the SCP role was proposed for the storage classes, or use C-MOVE.",
            "Here: use a SOP class that the peer's conformance statement lists.",
        ),
    ),
    4: _Entry(
        "transfer syntaxes not supported",
        "here",
        "The peer supports this SOP class, but none of the transfer syntaxes proposed for it.",
        ("Only compressed transfer syntaxes were proposed.", "Only big endian or a private syntax was proposed."),
        (
            "Here: propose implicit and explicit VR little endian too, and convert the data.",
            "Peer: enable the transfer syntax in which the objects are stored.",
        ),
    ),
}

_ODD_PEER = (
    "Take the numbers to the peer's owner: its log or its maker may know them.",
    "Otherwise proceed as if no reason had been given.",
)


def explain_reject(result: int, source: int, reason: int) -> Reason:
    """Explain an A-ASSOCIATE-RJ (PS3.8 9.3.4). A result that is neither 1 nor 2 counts as permanent. Never raises."""
    source_name = _REJECT_SOURCES.get(source, "undefined source")
    result_name = _RESULTS.get(result, "rejected, undefined result")
    entry = _REJECTIONS.get((source, reason))
    if result == 2:
        entry = _TRANSIENT.get((source, reason), entry)
    if entry is None:
        entry = _undefined(reason, source in _REJECT_SOURCES, "The peer turned the association down")
    expected = (result, source, reason) in _EXPECTED
    return _reason(entry, expected, source_name, result_name)


def explain_abort(source: int, reason: int) -> Reason:
    """Explain an A-ABORT (PS3.8 9.3.8). The reason means something only when the source is 2. Never raises."""
    source_name = _ABORT_SOURCES.get(source, "undefined source")
    if source == 0:
        return _reason(_USER_ABORT, True, source_name, "")
    entry = _ABORTS.get(reason) if source == 2 else None
    if entry is None:
        entry = _undefined(reason, source == 2, "The peer ended the association")
        return _reason(entry, False, source_name, "")
    return _reason(entry, True, source_name, "")


def explain_context_result(result: int) -> Reason:
    """Explain the result of a presentation context in an A-ASSOCIATE-AC (PS3.8 9.3.3.2). Never raises."""
    entry = _CONTEXT_RESULTS.get(result)
    if entry is None:
        undefined = _undefined(result, True, "The peer refused this presentation context")
        return _reason(undefined._replace(name="undefined result"), False, "", "rejected")
    source_name = {1: "user", 2: "provider", 3: "provider", 4: "provider"}.get(result, "")
    return _reason(entry, True, source_name, "accepted" if result == 0 else "rejected")


def _undefined(reason: int, is_known_source: bool, outcome: str) -> _Entry:
    where = (
        "which the standard does not define here"
        if is_known_source
        else "from a source that the standard does not define"
    )
    return _Entry(
        "undefined reason",
        "peer",
        f"{outcome} with the number {reason}, {where}.",
        ("A defective or very old peer, or a vendor's own number.",),
        _ODD_PEER,
    )


def _reason(entry: _Entry, expected: bool, source_name: str, result_name: str) -> Reason:
    return Reason(
        entry.name, entry.meaning, entry.causes, entry.remedies, entry.side, expected, source_name, result_name
    )
