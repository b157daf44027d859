"""Short texts for ``explain`` that no protocol table holds: PDUs, DIMSE services, exit statuses of our commands."""

# PS3.8 9.3.1: PDU type, name, and what it is for.
PDUS = {
    0x01: ("A-ASSOCIATE-RQ", "The requestor proposes an association: AE titles, presentation contexts, limits."),
    0x02: ("A-ASSOCIATE-AC", "The acceptor agrees, with a result for every presentation context."),
    0x03: ("A-ASSOCIATE-RJ", "The acceptor refuses the association, with result, source and reason."),
    0x04: ("P-DATA-TF", "Fragments of DIMSE messages: command sets and data sets."),
    0x05: ("A-RELEASE-RQ", "One side has nothing more to send and asks to end the association in good order."),
    0x06: ("A-RELEASE-RP", "The answer to A-RELEASE-RQ; the connection is closed after it."),
    0x07: ("A-ABORT", "One side ends the association at once, with source and reason. Work in flight is lost."),
}

# PS3.7 9.1 and 10.1: what each service asks for.
DIMSE_SERVICES = {
    "C-STORE": "One instance, sent to be stored.",
    "C-FIND": "A query; every match comes in a response of its own.",
    "C-GET": "Retrieval over this same association: the instances come back in C-STORE-RQ messages.",
    "C-MOVE": "Retrieval to a third place: the peer opens a new association to the move destination.",
    "C-ECHO": "A test that the DICOM application at the other end is alive.",
    "C-CANCEL": "Stops a C-FIND, C-GET or C-MOVE that is under way. It is never answered itself.",
    "N-EVENT-REPORT": "The service class provider tells that something happened to a managed object.",
    "N-GET": "Reads attributes of a managed object.",
    "N-SET": "Changes attributes of a managed object.",
    "N-ACTION": "Has a managed object do something, such as print, or commit to storage.",
    "N-CREATE": "Makes a managed object, such as a performed procedure step.",
    "N-DELETE": "Deletes a managed object.",
}

# Exit status of every command: what it says, and what to look at.
EXITS = {
    0: ("done", "Everything asked for was done.", ()),
    1: (
        "partly done",
        "Some of the work was done and some was not: instances failed, were not sent or are missing.",
        ("The summary names every instance concerned, with the cause.",),
    ),
    2: (
        "usage",
        "Options, arguments or configuration cannot be meant, the input cannot be read, or there was nothing to do.",
        ("Compare the command with its --help; nothing was sent.",),
    ),
    3: (
        "cannot connect",
        "No connection came about: name, route, refusal or time ran out. Or a port to listen on could not be had.",
        ("Check host and port, that the peer is running, and the firewalls in between.",),
    ),
    4: (
        "TLS failed",
        "The TCP connection stood, but no TLS session came about over it.",
        ("Check that the port speaks TLS, and the certificates and authorities of both sides.",),
    ),
    5: (
        "association rejected",
        "The peer answered the request for an association with A-ASSOCIATE-RJ.",
        ("Explain its three numbers: dcmnet explain rj RESULT SOURCE REASON",),
    ),
    6: (
        "association aborted or connection lost",
        "The association stood and ended before the work was done.",
        ("Read the peer's log at that time.", "For an A-ABORT: dcmnet explain abort SOURCE REASON"),
    ),
    7: (
        "no usable presentation context",
        "The peer accepted the association, but no presentation context that the work could use.",
        ("Run the command with -v: it lists what was proposed and why it was refused.",),
    ),
    8: (
        "timed out",
        "The connected peer fell silent, and the timer named in the message ran out.",
        ("If the peer is merely slow, raise that timer; otherwise read the peer's log.",),
    ),
    9: (
        "failure status",
        "The peer answered with a DIMSE failure status, and nothing was done.",
        ("Explain the status: dcmnet explain STATUS --service SERVICE",),
    ),
    10: (
        "not DICOM",
        "What answers does not speak DICOM, or broke the protocol.",
        ("Check host and port, and whether one side uses TLS and the other does not.",),
    ),
    11: (
        "cannot write output",
        "A file or folder could not be written: it is missing, protected, or the disk is full.",
        ("Check the folder named in the message; what was written before is complete.",),
    ),
    70: ("internal error", "A defect of dcmnet itself.", ("Repeat it with --debug and report what is printed.",)),
    130: (
        "interrupted",
        "The command was interrupted. The association was aborted properly, and what was complete is kept.",
        (),
    ),
}
