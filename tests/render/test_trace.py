"""What ``-v`` and ``-d`` show of an association, and what they must never show."""

import re

import pytest
from render_samples import pipe, terminal

from dcmnet_cli.core import codec, commands
from dcmnet_cli.core.commands import CCancelRQ, CEchoRQ, CMoveRQ, CMoveRSP, UnknownMessage
from dcmnet_cli.core.events import Trace
from dcmnet_cli.core.pdu import (
    PDU,
    AAbort,
    AAssociateAC,
    AAssociateRJ,
    AAssociateRQ,
    AReleaseRP,
    AReleaseRQ,
    AsynchronousOperationsWindow,
    CommonExtendedNegotiation,
    ContextResult,
    ExtendedNegotiation,
    PDataTF,
    ProposedContext,
    RoleSelection,
    UserIdentity,
    UserInformation,
)
from dcmnet_cli.render.trace import hex_lines, show_trace, trace_lines

INFORMATION = UserInformation(16384, "1.2.3", implementation_version_name="DCMNET_010")
REQUEST = AAssociateRQ(
    "PACS", "ME", (ProposedContext(1, "1.2.840.10008.1.1", ("1.2.840.10008.1.2", "1.2.3.4")),), INFORMATION
)


def traced(what: PDU, *, is_sent: bool = True) -> Trace:
    return Trace(is_sent, what, codec.encode(what))


@pytest.mark.parametrize(
    ("trace", "line"),
    [
        (Trace(True, REQUEST), '→ A-ASSOCIATE-RQ  called "PACS"  calling "ME"  1 context'),
        (
            Trace(False, AAssociateAC((ContextResult(1, 0, "1.2.840.10008.1.2"), ContextResult(3, 4)), INFORMATION)),
            "← A-ASSOCIATE-AC  1 of 2 contexts accepted  by DCMNET_010",
        ),
        (
            Trace(False, AAssociateRJ(1, 1, 7)),
            "← A-ASSOCIATE-RJ  rejected permanently (1), source service user (1), "
            "reason called AE title not recognized (7)",
        ),
        (
            Trace(True, AAssociateAC((ContextResult(1, 3),), UserInformation())),
            "→ A-ASSOCIATE-AC  0 of 1 context accepted",
        ),
        (Trace(True, AAbort(0, 0)), "→ A-ABORT         source service user (0)"),
        (
            Trace(False, AAbort(2, 6)),
            "← A-ABORT         source service provider (2), reason invalid PDU parameter value (6)",
        ),
        (Trace(True, AReleaseRQ()), "→ A-RELEASE-RQ"),
        (Trace(False, AReleaseRP()), "← A-RELEASE-RP"),
        (Trace(True, CEchoRQ(1), b"", 3), "→ C-ECHO-RQ       message 1, Verification, context 3"),
        (
            Trace(False, CMoveRSP(7, 0xA801, "", 0, 1, 2, None, (), "who?"), b"", 5),
            "← C-MOVE-RSP      message 7, 0xA801 failure: refused: move destination unknown, "
            'remaining 0 completed 1 failed 2, "who?", context 5',
        ),
        (Trace(True, CCancelRQ(7), b"", 5), "→ C-CANCEL-RQ     message 7, context 5"),
        (Trace(False, UnknownMessage(0x1234, 9), b"", 5), "← message 0x1234  message 9, context 5"),
    ],
)
def test_one_line_for_each_pdu_and_message(trace: Trace, line: str) -> None:
    assert trace_lines(trace) == [line]


def test_fragments_are_for_the_curious() -> None:
    fragment = Trace(False, PDataTF(1, 2, 16370), None, 1)
    assert trace_lines(fragment, verbosity=1) == []
    assert trace_lines(fragment, verbosity=2) == ["← P-DATA-TF       context 1, data set, 16370 bytes, last"]


def test_an_association_request_item_by_item() -> None:
    information = INFORMATION._replace(
        asynchronous_window=AsynchronousOperationsWindow(3, 0),
        roles=(RoleSelection("1.2.840.10008.5.1.4.1.1.2", False, True),),
        extended=(ExtendedNegotiation("1.2.840.10008.5.1.4.1.2.2.1", b"\x01\x00"),),
        common_extended=(CommonExtendedNegotiation("1.2.3", "1.2.840.10008.4.2"),),
    )
    assert trace_lines(traced(REQUEST._replace(user_information=information)), verbosity=2)[1:] == [
        "    application context: 1.2.840.10008.3.1.1.1 DICOM Application Context Name",
        "    context 1: 1.2.840.10008.1.1 Verification SOP Class",
        "      transfer syntax: 1.2.840.10008.1.2 Implicit VR Little Endian",
        "      transfer syntax: 1.2.3.4",
        "    maximum length: 16384 bytes",
        "    implementation class UID: 1.2.3",
        '    implementation version name: "DCMNET_010"',
        "    asynchronous operations window: invoked 3, performed 0 (0: no limit)",
        "    role selection: 1.2.840.10008.5.1.4.1.1.2 CT Image Storage: SCU no, SCP yes",
        "    extended negotiation: 1.2.840.10008.5.1.4.1.2.2.1 "
        "Study Root Query/Retrieve Information Model - FIND: 01 00",
        "    common extended negotiation: 1.2.3: service class 1.2.840.10008.4.2 Storage Service Class",
    ]


def test_an_answer_item_by_item() -> None:
    answer = AAssociateAC(
        (ContextResult(1, 0, "1.2.840.10008.1.2"), ContextResult(3, 3, "1.2.840.10008.1.2")),
        UserInformation(None, ""),
    )
    assert trace_lines(Trace(False, answer), verbosity=2)[1:] == [
        "    application context: 1.2.840.10008.3.1.1.1 DICOM Application Context Name",
        "    context 1: accepted (0), 1.2.840.10008.1.2 Implicit VR Little Endian",
        "    context 3: abstract syntax not supported (3)",
        "    maximum length: absent",
        "    implementation class UID: absent",
    ]


def test_a_message_element_by_element() -> None:
    request = CMoveRQ(7, "1.2.840.10008.5.1.4.1.2.2.2", "DEST\x1b")
    assert trace_lines(Trace(True, request, b"", 5), verbosity=2)[1:] == [
        "    message ID: 7",
        "    affected SOP class UID: 1.2.840.10008.5.1.4.1.2.2.2 Study Root Query/Retrieve Information Model - MOVE",
        r'    move destination: "DEST\x1b"',
        "    priority: medium (0)",
        "    command data set type: 0x0001 (a data set follows)",
    ]
    response = CMoveRSP(7, 0xA801, number_of_failed_suboperations=0, offending_element=(0x00080018,))
    assert trace_lines(Trace(False, response, b"", 5), verbosity=2)[1:] == [
        "    message ID being responded to: 7",
        "    status: 0xA801 failure: refused: move destination unknown",
        "    number of failed suboperations: 0",
        "    offending element: (0008,0018)",
        "    command data set type: 0x0101 (no data set)",
    ]


def test_every_dimse_message_has_its_name_and_its_elements() -> None:
    for record in commands.COMMAND_FIELDS:
        values = {name: "1.2.3" if name.endswith("_uid") else 1 for name in record._fields}  # type: ignore[attr-defined]
        values |= {name: "TEXT" for name in values if name in ("move_destination", "error_comment")}
        lines = trace_lines(Trace(True, record(**values), b"", 1), verbosity=2)
        name = lines[0].split()[1].replace("-", "").upper()
        assert name == record.__name__.upper()
        assert len(lines) == 1 + len(record._fields)  # type: ignore[attr-defined]


SECRET = b"correct horse battery"


@pytest.mark.parametrize(
    ("identity", "shown"),
    [
        (UserIdentity(2, b"joe", SECRET), 'type 2 (user name and passcode), "joe", passcode 21 bytes, not shown'),
        (UserIdentity(3, SECRET), "type 3 (Kerberos service ticket), 21 bytes, not shown"),
        (UserIdentity(4, SECRET, b"", True), "type 4 (SAML assertion), 21 bytes, not shown, response requested"),
        (UserIdentity(5, SECRET), "type 5 (JSON Web Token), 21 bytes, not shown"),
        (UserIdentity(77, SECRET), "type 77 (undefined), 21 bytes, not shown"),
    ],
)
def test_secrets_never_show(identity: UserIdentity, shown: str) -> None:
    request = REQUEST._replace(user_information=INFORMATION._replace(user_identity=identity))
    lines = trace_lines(traced(request), verbosity=2, hexdump=True)
    assert f"    user identity: {shown}" in lines
    everything = "\n".join(lines)
    assert "correct" not in everything
    assert SECRET[:4].hex(" ") not in everything
    assert everything.count("**") >= len(SECRET)


def test_the_answer_to_an_identity_does_not_show() -> None:
    answer = AAssociateAC((), INFORMATION._replace(identity_response=SECRET))
    everything = "\n".join(trace_lines(traced(answer, is_sent=False), verbosity=2, hexdump=True))
    assert "user identity response: 21 bytes, not shown" in everything
    assert "correct" not in everything
    assert SECRET[:4].hex(" ") not in everything


def test_where_the_identity_is_not_found_all_items_are_withheld() -> None:
    request = REQUEST._replace(user_information=INFORMATION._replace(user_identity=UserIdentity(3, SECRET)))
    odd = bytes(74) + b"\x20\x00\x00\xff" + SECRET
    everything = "\n".join(trace_lines(Trace(False, request, odd), hexdump=True))
    assert "correct" not in everything
    assert SECRET[:4].hex(" ") not in everything


def test_hex_dump() -> None:
    assert hex_lines(b"\x01\x00DICOM\x1b\xff~" + b"x" * 8) == [
        "0000  01 00 44 49 43 4f 4d 1b ff 7e 78 78 78 78 78 78  ..DICOM..~xxxxxx",
        "0010  78 78                                            xx",
    ]


def test_hostile_titles_and_names() -> None:
    hostile = REQUEST._replace(
        called_ae_title="A\x1b[2J\udc9b",
        contexts=(ProposedContext(1, "1.2\u202e", ("\x07",)),),
        user_information=UserInformation(0, "\x1b]0;x", implementation_version_name="[red]\x1b"),
    )
    for what in (hostile, AAssociateAC((ContextResult(1, 0, "\x1b"),), hostile.user_information)):
        text = "\n".join(trace_lines(Trace(False, what), verbosity=2))
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\udc9b]", text)


@pytest.mark.parametrize(
    ("verbosity", "hexdump", "quiet", "expected"),
    [
        (0, False, False, ""),
        (1, False, False, "→ A-RELEASE-RQ\n"),
        (1, False, True, ""),
        (2, True, False, "→ A-RELEASE-RQ\n    0000  05 00 00 00 00 04 00 00 00 00                    ..........\n"),
    ],
)
def test_output_decides_how_much_is_shown_and_where(verbosity: int, hexdump: bool, quiet: bool, expected: str) -> None:
    output = pipe(verbosity=verbosity, hexdump=hexdump, quiet=quiet)
    show_trace(traced(AReleaseRQ()), output)
    assert (output.stdout, output.stderr) == ("", expected)


def test_arrows_on_an_ascii_terminal() -> None:
    output = terminal(encoding="ascii", verbosity=1)
    show_trace(traced(AReleaseRP(), is_sent=False), output)
    assert output.stderr == "<- A-RELEASE-RP\n"
