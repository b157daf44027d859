"""Associate, release and abort PDUs, with their records."""

from typing import NamedTuple

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
    ProposedContext,
    RoleSelection,
    UserIdentity,
    UserInformation,
)
from tests.golden import octets

VERIFICATION = "1.2.840.10008.1.1"
CT_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
MR_STORAGE = "1.2.840.10008.5.1.4.1.1.4"
LOG_STORAGE = "1.2.840.10008.5.1.4.1.1.88.40"
STUDY_FIND = "1.2.840.10008.5.1.4.1.2.2.1"
COMPOSITE_GET = "1.2.840.10008.5.1.4.1.2.1.3"
IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
JPEG_LOSSLESS = "1.2.840.10008.1.2.4.70"

ECHO_CONTEXT = ProposedContext(1, VERIFICATION, (IMPLICIT,))
ECHO_ACCEPTED = ContextResult(1, 0, IMPLICIT)


class Golden(NamedTuple):
    """``record`` is what ``data`` decodes to. ``sent`` is the record that encodes to ``data``: None where no
    conforming sender makes these bytes."""

    name: str
    data: bytes
    record: PDU
    sent: PDU | None


def titles(called: str, calling: str) -> bytes:
    """Bytes 10 to 73 of an associate PDU."""
    return called.encode().ljust(16) + calling.encode().ljust(16) + bytes(32)


def info(maximum_length: int = 16384, **others: object) -> UserInformation:
    """User information of the placeholder implementation 1.2.3.4."""
    return UserInformation(maximum_length, "1.2.3.4", **others)  # type: ignore[arg-type]


def _request(
    called: str, calling: str, contexts: tuple[ProposedContext, ...], information: UserInformation
) -> AAssociateRQ:
    return AAssociateRQ(called, calling, contexts, information, fields=titles(called, calling))


def _same(name: str, data: bytes, record: PDU) -> Golden:
    return Golden(name, data, record, record)


RQ_ECHO = _same(
    "request for verification alone",
    octets("""
    01 00 000000A6                         -- PDU length 166
    0001 0000                              -- version 1
    'ANY-SCP         ' 'ECHOSCU         '  -- called, calling
    00*32                                  -- reserved
    10 00 0015 '1.2.840.10008.3.1.1.1'     -- application context
    20 00 002E 01 000000                   -- proposed context 1
      30 00 0011 '1.2.840.10008.1.1'       -- abstract syntax
      40 00 0011 '1.2.840.10008.1.2'       -- transfer syntax
    50 00 0013                             -- user information
      51 00 0004 00004000                  -- maximum length 16384
      52 00 0007 '1.2.3.4'                 -- implementation class
    """),
    _request("ANY-SCP", "ECHOSCU", (ECHO_CONTEXT,), info()),
)

AC_ECHO = _same(
    "acceptance of verification",
    octets("""
    02 00 00000091                         -- PDU length 145
    0001 0000                              -- version 1
    'ANY-SCP         ' 'ECHOSCU         '  -- their echo
    00*32                                  -- reserved
    10 00 0015 '1.2.840.10008.3.1.1.1'     -- application context
    21 00 0019 01 000000                   -- answered context 1, result 0
      40 00 0011 '1.2.840.10008.1.2'       -- transfer syntax
    50 00 0013                             -- user information
      51 00 0004 00008000                  -- maximum length 32768
      52 00 0007 '1.2.3.4'                 -- implementation class
    """),
    AAssociateAC((ECHO_ACCEPTED,), info(32768), fields=titles("ANY-SCP", "ECHOSCU")),
)

RJ_CALLED = _same("rejection, called title not recognized", octets("03 00 00000004 00 01 01 07"), AAssociateRJ(1, 1, 7))
RJ_LIMIT = _same("rejection, local limit exceeded", octets("03 00 00000004 00 02 03 02"), AAssociateRJ(2, 3, 2))
RELEASE_RQ = _same("release request", octets("05 00 00000004 00000000"), AReleaseRQ())
RELEASE_RP = _same("release response", octets("06 00 00000004 00000000"), AReleaseRP())
ABORT_USER = _same("abort by the service user", octets("07 00 00000004 0000 00 00"), AAbort(0, 0))
ABORT_PROVIDER = _same("abort by the provider, unexpected PDU", octets("07 00 00000004 0000 02 02"), AAbort(2, 2))

_THREE_CONTEXTS = (
    ProposedContext(1, CT_STORAGE, (IMPLICIT, EXPLICIT)),
    ProposedContext(3, CT_STORAGE, (JPEG_LOSSLESS,)),
    ProposedContext(5, MR_STORAGE, (IMPLICIT,)),
)

RQ_STORE = _same(
    "request with three contexts, one SOP class twice, no limit of length, version name",
    octets("""
    01 00 00000160                             -- PDU length 352
    0001 0000                                  -- version 1
    'ARCHIVE         ' 'CT_ROOM_1       '      -- called, calling
    00*32                                      -- reserved
    10 00 0015 '1.2.840.10008.3.1.1.1'         -- application context
    20 00 004D 01 000000                       -- proposed context 1
      30 00 0019 '1.2.840.10008.5.1.4.1.1.2'   -- abstract syntax
      40 00 0011 '1.2.840.10008.1.2'           -- transfer syntax
      40 00 0013 '1.2.840.10008.1.2.1'         -- transfer syntax
    20 00 003B 03 000000                       -- proposed context 3
      30 00 0019 '1.2.840.10008.5.1.4.1.1.2'   -- abstract syntax
      40 00 0016 '1.2.840.10008.1.2.4.70'      -- transfer syntax
    20 00 0036 05 000000                       -- proposed context 5
      30 00 0019 '1.2.840.10008.5.1.4.1.1.4'   -- abstract syntax
      40 00 0011 '1.2.840.10008.1.2'           -- transfer syntax
    50 00 0035                                 -- user information
      51 00 0004 00000000                      -- maximum length 0
      52 00 001A '1.2.826.0.1.3680043.9.9999'  -- implementation class
      55 00 000B 'TOOLKIT_1.0'                 -- version name
    """),
    _request(
        "ARCHIVE",
        "CT_ROOM_1",
        _THREE_CONTEXTS,
        UserInformation(0, "1.2.826.0.1.3680043.9.9999", implementation_version_name="TOOLKIT_1.0"),
    ),
)

_STORE_TITLES = titles("ARCHIVE", "CT_ROOM_1")

AC_STORE = Golden(
    "one context accepted, two refused for different reasons",
    octets("""
    02 00 000000D2                         -- PDU length 210
    0001 0000                              -- version 1
    'ARCHIVE         ' 'CT_ROOM_1       '  -- their echo
    00*32                                  -- reserved
    10 00 0015 '1.2.840.10008.3.1.1.1'     -- application context
    21 00 001B 01 000000                   -- answered context 1, result 0
      40 00 0013 '1.2.840.10008.1.2.1'     -- transfer syntax
    21 00 001E 03 000400                   -- answered context 3, result 4
      40 00 0016 '1.2.840.10008.1.2.4.70'  -- transfer syntax
    21 00 0019 05 000300                   -- answered context 5, result 3
      40 00 0011 '1.2.840.10008.1.2'       -- transfer syntax
    50 00 0013                             -- user information
      51 00 0004 00004000                  -- maximum length 16384
      52 00 0007 '1.2.3.4'                 -- implementation class
    """),
    AAssociateAC(
        (ContextResult(1, 0, EXPLICIT), ContextResult(3, 4), ContextResult(5, 3)), info(), fields=_STORE_TITLES
    ),
    AAssociateAC(
        (ContextResult(1, 0, EXPLICIT), ContextResult(3, 4, JPEG_LOSSLESS), ContextResult(5, 3, IMPLICIT)),
        info(),
        fields=_STORE_TITLES,
    ),
)

AC_SHUFFLED = Golden(
    "answers out of order, the refused ones without a transfer syntax",
    octets("""
    02 00 000000A1                         -- PDU length 161
    0001 0000                              -- version 1
    'ARCHIVE         ' 'CT_ROOM_1       '  -- their echo
    00*32                                  -- reserved
    10 00 0015 '1.2.840.10008.3.1.1.1'     -- application context
    21 00 0004 05 000300                   -- answered context 5, result 3
    21 00 0019 01 000000                   -- answered context 1, result 0
      40 00 0011 '1.2.840.10008.1.2'       -- transfer syntax
    21 00 0004 03 000100                   -- answered context 3, result 1
    50 00 0013                             -- user information
      51 00 0004 00004000                  -- maximum length 16384
      52 00 0007 '1.2.3.4'                 -- implementation class
    """),
    AAssociateAC(
        (ContextResult(5, 3), ContextResult(1, 0, IMPLICIT), ContextResult(3, 1)), info(), fields=_STORE_TITLES
    ),
    None,
)

_RETRIEVE_CONTEXTS = (
    ProposedContext(1, COMPOSITE_GET, (IMPLICIT,)),
    ProposedContext(3, CT_STORAGE, (IMPLICIT,)),
)
_SCP_OF_CT = (RoleSelection(CT_STORAGE, False, True),)

RQ_GET = _same(
    "request that offers the SCP role, as C-GET needs it",
    octets("""
    01 00 0000010B                                       -- PDU length 267
    0001 0000                                            -- version 1
    'ARCHIVE         ' 'VIEWER          '                -- called, calling
    00*32                                                -- reserved
    10 00 0015 '1.2.840.10008.3.1.1.1'                   -- application context
    20 00 0038 01 000000                                 -- proposed context 1
      30 00 001B '1.2.840.10008.5.1.4.1.2.1.3'           -- abstract syntax
      40 00 0011 '1.2.840.10008.1.2'                     -- transfer syntax
    20 00 0036 03 000000                                 -- proposed context 3
      30 00 0019 '1.2.840.10008.5.1.4.1.1.2'             -- abstract syntax
      40 00 0011 '1.2.840.10008.1.2'                     -- transfer syntax
    50 00 0034                                           -- user information
      51 00 0004 00010000                                -- maximum length 65536
      52 00 0007 '1.2.3.4'                               -- implementation class
      54 00 001D 0019 '1.2.840.10008.5.1.4.1.1.2' 00 01  -- roles
    """),
    _request("ARCHIVE", "VIEWER", _RETRIEVE_CONTEXTS, info(65536, roles=_SCP_OF_CT)),
)

AC_GET = _same(
    "acceptance that grants the SCP role",
    octets("""
    02 00 000000CF                                       -- PDU length 207
    0001 0000                                            -- version 1
    'ARCHIVE         ' 'VIEWER          '                -- their echo
    00*32                                                -- reserved
    10 00 0015 '1.2.840.10008.3.1.1.1'                   -- application context
    21 00 0019 01 000000                                 -- answered context 1, result 0
      40 00 0011 '1.2.840.10008.1.2'                     -- transfer syntax
    21 00 0019 03 000000                                 -- answered context 3, result 0
      40 00 0011 '1.2.840.10008.1.2'                     -- transfer syntax
    50 00 0034                                           -- user information
      51 00 0004 00010000                                -- maximum length 65536
      52 00 0007 '1.2.3.4'                               -- implementation class
      54 00 001D 0019 '1.2.840.10008.5.1.4.1.1.2' 00 01  -- roles
    """),
    AAssociateAC(
        (ContextResult(1, 0, IMPLICIT), ContextResult(3, 0, IMPLICIT)),
        info(65536, roles=_SCP_OF_CT),
        fields=titles("ARCHIVE", "VIEWER"),
    ),
)

RQ_WINDOW = _same(
    "request with an asynchronous operations window",
    octets("""
    01 00 000000AE                         -- PDU length 174
    0001 0000                              -- version 1
    'ANY-SCP         ' 'ECHOSCU         '  -- called, calling
    00*32                                  -- reserved
    10 00 0015 '1.2.840.10008.3.1.1.1'     -- application context
    20 00 002E 01 000000                   -- proposed context 1
      30 00 0011 '1.2.840.10008.1.1'       -- abstract syntax
      40 00 0011 '1.2.840.10008.1.2'       -- transfer syntax
    50 00 001B                             -- user information
      51 00 0004 00004000                  -- maximum length 16384
      52 00 0007 '1.2.3.4'                 -- implementation class
      53 00 0004 0005 0000                 -- operations window
    """),
    _request("ANY-SCP", "ECHOSCU", (ECHO_CONTEXT,), info(asynchronous_window=AsynchronousOperationsWindow(5, 0))),
)

AC_WINDOW = _same(
    "acceptance with a smaller window",
    octets("""
    02 00 00000099                         -- PDU length 153
    0001 0000                              -- version 1
    'ANY-SCP         ' 'ECHOSCU         '  -- their echo
    00*32                                  -- reserved
    10 00 0015 '1.2.840.10008.3.1.1.1'     -- application context
    21 00 0019 01 000000                   -- answered context 1, result 0
      40 00 0011 '1.2.840.10008.1.2'       -- transfer syntax
    50 00 001B                             -- user information
      51 00 0004 00004000                  -- maximum length 16384
      52 00 0007 '1.2.3.4'                 -- implementation class
      53 00 0004 0002 0001                 -- operations window
    """),
    AAssociateAC(
        (ECHO_ACCEPTED,),
        info(asynchronous_window=AsynchronousOperationsWindow(2, 1)),
        fields=titles("ANY-SCP", "ECHOSCU"),
    ),
)

RQ_FIND = _same(
    "request with extended negotiation of C-FIND, three bytes",
    octets("""
    01 00 000000D4                                            -- PDU length 212
    0001 0000                                                 -- version 1
    'ANY-SCP         ' 'ECHOSCU         '                     -- called, calling
    00*32                                                     -- reserved
    10 00 0015 '1.2.840.10008.3.1.1.1'                        -- application context
    20 00 0038 01 000000                                      -- proposed context 1
      30 00 001B '1.2.840.10008.5.1.4.1.2.2.1'                -- abstract syntax
      40 00 0011 '1.2.840.10008.1.2'                          -- transfer syntax
    50 00 0037                                                -- user information
      51 00 0004 00004000                                     -- maximum length 16384
      52 00 0007 '1.2.3.4'                                    -- implementation class
      56 00 0020 001B '1.2.840.10008.5.1.4.1.2.2.1' 01 01 00  -- extended negotiation
    """),
    _request(
        "ANY-SCP",
        "ECHOSCU",
        (ProposedContext(1, STUDY_FIND, (IMPLICIT,)),),
        info(extended=(ExtendedNegotiation(STUDY_FIND, b"\x01\x01\x00"),)),
    ),
)

AC_FIND = _same(
    "acceptance with extended negotiation, one byte",
    octets("""
    02 00 000000B3                                      -- PDU length 179
    0001 0000                                           -- version 1
    'ANY-SCP         ' 'ECHOSCU         '               -- their echo
    00*32                                               -- reserved
    10 00 0015 '1.2.840.10008.3.1.1.1'                  -- application context
    21 00 0019 01 000000                                -- answered context 1, result 0
      40 00 0011 '1.2.840.10008.1.2'                    -- transfer syntax
    50 00 0035                                          -- user information
      51 00 0004 00004000                               -- maximum length 16384
      52 00 0007 '1.2.3.4'                              -- implementation class
      56 00 001E 001B '1.2.840.10008.5.1.4.1.2.2.1' 01  -- extended negotiation
    """),
    AAssociateAC(
        (ECHO_ACCEPTED,),
        info(extended=(ExtendedNegotiation(STUDY_FIND, b"\x01"),)),
        fields=titles("ANY-SCP", "ECHOSCU"),
    ),
)

RQ_COMMON = _same(
    "request with common extended negotiation",
    octets("""
    01 00 00000109                                     -- PDU length 265
    0001 0000                                          -- version 1
    'ANY-SCP         ' 'ECHOSCU         '              -- called, calling
    00*32                                              -- reserved
    10 00 0015 '1.2.840.10008.3.1.1.1'                 -- application context
    20 00 003A 01 000000                               -- proposed context 1
      30 00 001D '1.2.840.10008.5.1.4.1.1.88.40'       -- abstract syntax
      40 00 0011 '1.2.840.10008.1.2'                   -- transfer syntax
    50 00 006A                                         -- user information
      51 00 0004 00004000                              -- maximum length 16384
      52 00 0007 '1.2.3.4'                             -- implementation class
      57 00 0053 001D '1.2.840.10008.5.1.4.1.1.88.40'  -- common extended negotiation
        0011 '1.2.840.10008.4.2'                       -- service class
        001F 001D '1.2.840.10008.5.1.4.1.1.88.22'      -- related general classes
    """),
    _request(
        "ANY-SCP",
        "ECHOSCU",
        (ProposedContext(1, LOG_STORAGE, (IMPLICIT,)),),
        info(
            common_extended=(
                CommonExtendedNegotiation(LOG_STORAGE, "1.2.840.10008.4.2", ("1.2.840.10008.5.1.4.1.1.88.22",)),
            )
        ),
    ),
)

RQ_PASSCODE = _same(
    "request with user name and passcode, answer wanted",
    octets("""
    01 00 000000BA                         -- PDU length 186
    0001 0000                              -- version 1
    'ANY-SCP         ' 'ECHOSCU         '  -- called, calling
    00*32                                  -- reserved
    10 00 0015 '1.2.840.10008.3.1.1.1'     -- application context
    20 00 002E 01 000000                   -- proposed context 1
      30 00 0011 '1.2.840.10008.1.1'       -- abstract syntax
      40 00 0011 '1.2.840.10008.1.2'       -- transfer syntax
    50 00 0027                             -- user information
      51 00 0004 00004000                  -- maximum length 16384
      52 00 0007 '1.2.3.4'                 -- implementation class
      58 00 0010 02 01                     -- user identity
        0004 'jane'                        -- primary
        0006 'secret'                      -- secondary
    """),
    _request("ANY-SCP", "ECHOSCU", (ECHO_CONTEXT,), info(user_identity=UserIdentity(2, b"jane", b"secret", True))),
)

AC_IDENTITY = _same(
    "acceptance with an empty identity answer",
    octets("""
    02 00 00000097                         -- PDU length 151
    0001 0000                              -- version 1
    'ANY-SCP         ' 'ECHOSCU         '  -- their echo
    00*32                                  -- reserved
    10 00 0015 '1.2.840.10008.3.1.1.1'     -- application context
    21 00 0019 01 000000                   -- answered context 1, result 0
      40 00 0011 '1.2.840.10008.1.2'       -- transfer syntax
    50 00 0019                             -- user information
      51 00 0004 00004000                  -- maximum length 16384
      52 00 0007 '1.2.3.4'                 -- implementation class
      59 00 0002 00 00                     -- identity answer
    """),
    AAssociateAC((ECHO_ACCEPTED,), info(identity_response=b""), fields=titles("ANY-SCP", "ECHOSCU")),
)

RQ_TOKEN = _same(
    "request with a JSON Web Token, no answer wanted",
    octets("""
    01 00 000000D8                                       -- PDU length 216
    0001 0000                                            -- version 1
    'ANY-SCP         ' 'ECHOSCU         '                -- called, calling
    00*32                                                -- reserved
    10 00 0015 '1.2.840.10008.3.1.1.1'                   -- application context
    20 00 002E 01 000000                                 -- proposed context 1
      30 00 0011 '1.2.840.10008.1.1'                     -- abstract syntax
      40 00 0011 '1.2.840.10008.1.2'                     -- transfer syntax
    50 00 0045                                           -- user information
      51 00 0004 00004000                                -- maximum length 16384
      52 00 0007 '1.2.3.4'                               -- implementation class
      58 00 002E 05 00                                   -- user identity
        0028 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJqYW5lIn0.'  -- primary
        0000                                             -- secondary
    """),
    _request(
        "ANY-SCP",
        "ECHOSCU",
        (ECHO_CONTEXT,),
        info(user_identity=UserIdentity(5, b"eyJhbGciOiJub25lIn0.eyJzdWIiOiJqYW5lIn0.")),
    ),
)

RQ_SHUFFLED = Golden(
    "request with user information out of order, and a sub-item of the future",
    octets("""
    01 00 000000B2                         -- PDU length 178
    0001 0000                              -- version 1
    'ANY-SCP         ' 'ECHOSCU         '  -- called, calling
    00*32                                  -- reserved
    10 00 0015 '1.2.840.10008.3.1.1.1'     -- application context
    20 00 002E 01 000000                   -- proposed context 1
      30 00 0011 '1.2.840.10008.1.1'       -- abstract syntax
      40 00 0011 '1.2.840.10008.1.2'       -- transfer syntax
    50 00 001F                             -- user information
      55 00 0001 'X'                       -- version name
      5A 00 0003 DE AD BE                  -- unknown
      52 00 0007 '1.2.3.4'                 -- implementation class
      51 00 0004 00002000                  -- maximum length 8192
    """),
    _request("ANY-SCP", "ECHOSCU", (ECHO_CONTEXT,), info(8192, implementation_version_name="X")),
    None,
)

GOLDEN = tuple(value for value in globals().values() if isinstance(value, Golden))

UNKNOWN_PDU = octets("""
    08 00 00000004  -- PDU length 4
    00 00 00 00
""")
"""No PDU has type 08H: event 19."""
