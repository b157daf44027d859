"""DIMSE messages in their P-DATA-TF PDUs, with their records and data sets."""

from typing import NamedTuple

from dcmnet_cli.core.commands import (
    CCancelRQ,
    CEchoRQ,
    CEchoRSP,
    CFindRQ,
    CFindRSP,
    CMoveRQ,
    CMoveRSP,
    CStoreRQ,
    CStoreRSP,
    Message,
    NActionRQ,
    NCreateRSP,
    NDeleteRQ,
    NEventReportRQ,
    NGetRQ,
    NSetRQ,
)
from tests.golden import octets

VERIFICATION = "1.2.840.10008.1.1"
CT_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
STUDY_FIND = "1.2.840.10008.5.1.4.1.2.2.1"
STUDY_MOVE = "1.2.840.10008.5.1.4.1.2.2.2"
COMMITMENT = "1.2.840.10008.1.20.1"
INSTANCE = "1.2.3.4.5.6.7.8"


class Golden(NamedTuple):
    """``pdus`` carry ``message`` and, where it announces one, its whole data set (None where it does not).

    ``command`` and ``data_set`` are their bytes out of the PDVs. ``is_framed_alike``: our own framing, one PDV a PDU,
    makes exactly these PDUs.
    """

    name: str
    context_id: int
    pdus: bytes
    message: Message
    is_framed_alike: bool = False

    @property
    def command(self) -> bytes:
        return b"".join(fragment for control, fragment in pdvs(self.pdus) if control & 1)

    @property
    def data_set(self) -> bytes | None:
        fragments = [fragment for control, fragment in pdvs(self.pdus) if not control & 1]
        return b"".join(fragments) if fragments else None


def pdvs(pdus: bytes) -> list[tuple[int, bytes]]:
    """(message control header, fragment) of every PDV in whole P-DATA-TF PDUs."""
    found = []
    while pdus:
        end = 6 + int.from_bytes(pdus[2:6], "big")
        body, pdus = pdus[6:end], pdus[end:]
        while body:
            length = int.from_bytes(body[:4], "big")
            found.append((body[5], body[6 : 4 + length]))
            body = body[4 + length :]
    return found


ECHO_RQ = Golden(
    "C-ECHO-RQ",
    1,
    octets("""
    04 00 0000004A                             -- PDU length 74
    00000046 01 03                             -- PDV length 70, context 1, command, last
    0000 0000 04000000 3800 0000               -- Command Group Length
    0000 0200 12000000 '1.2.840.10008.1.1' 00  -- Affected SOP Class UID
    0000 0001 02000000 3000                    -- Command Field
    0000 1001 02000000 0100                    -- Message ID
    0000 0008 02000000 0101                    -- Command Data Set Type
    """),
    CEchoRQ(1, VERIFICATION),
    is_framed_alike=True,
)

ECHO_RSP = Golden(
    "C-ECHO-RSP, success",
    1,
    octets("""
    04 00 00000054                             -- PDU length 84
    00000050 01 03                             -- PDV length 80, context 1, command, last
    0000 0000 04000000 4200 0000               -- Command Group Length
    0000 0200 12000000 '1.2.840.10008.1.1' 00  -- Affected SOP Class UID
    0000 0001 02000000 3080                    -- Command Field
    0000 2001 02000000 0100                    -- Message ID Being Responded To
    0000 0008 02000000 0101                    -- Command Data Set Type
    0000 0009 02000000 0000                    -- Status
    """),
    CEchoRSP(1, 0x0000, VERIFICATION),
    is_framed_alike=True,
)

ECHO_RQ_IN_TWO = Golden(
    "C-ECHO-RQ in two PDVs of one PDU, cut within an element",
    1,
    octets("""
    04 00 00000050                                                    -- PDU length 80
    00000016 01 01                                                    -- PDV length 22, context 1, command
    0000000004000000380000000000020012000000
    00000032 01 03                                                    -- PDV length 50, context 1, command, last
    312E322E3834302E31303030382E312E31000000000102000000300000001001
    02000000010000000008020000000101
    """),
    CEchoRQ(1, VERIFICATION),
)

_STORE = CStoreRQ(7, CT_STORAGE, INSTANCE, command_data_set_type=0x0000)

STORE_RQ = Golden(
    "C-STORE-RQ, command and data set in one PDU",
    3,
    octets("""
    04 00 000000D2                                     -- PDU length 210
    00000070 03 03                                     -- PDV length 112, context 3, command, last
    0000 0000 04000000 6200 0000                       -- Command Group Length
    0000 0200 1A000000 '1.2.840.10008.5.1.4.1.1.2' 00  -- Affected SOP Class UID
    0000 0001 02000000 0100                            -- Command Field
    0000 1001 02000000 0700                            -- Message ID
    0000 0007 02000000 0000                            -- Priority
    0000 0008 02000000 0000                            -- Command Data Set Type
    0000 0010 10000000 '1.2.3.4.5.6.7.8' 00            -- Affected SOP Instance UID
    0000005A 03 02                                     -- PDV length 90, context 3, data set, last
    0800 1600 1A000000 '1.2.840.10008.5.1.4.1.1.2' 00  -- (0008,0016)
    0800 1800 10000000 '1.2.3.4.5.6.7.8' 00            -- (0008,0018)
    1000 1000 08000000 'DOE^JANE'                      -- (0010,0010)
    1000 2000 06000000 '12345 '                        -- (0010,0020)
    """),
    _STORE,
)

STORE_RQ_IN_FOUR = Golden(
    "C-STORE-RQ, command and data set in two PDUs each",
    3,
    octets("""
    04 00 00000038                                                    -- PDU length 56
    00000034 03 01                                                    -- PDV length 52, context 3, command
    000000000400000062000000000002001A000000312E322E3834302E31303030
    382E352E312E342E312E312E320000000001
    04 00 00000042                                                    -- PDU length 66
    0000003E 03 03                                                    -- PDV length 62, context 3, command, last
    0200000001000000100102000000070000000007020000000000000000080200
    000000000000001010000000312E322E332E342E352E362E372E3800
    04 00 00000034                                                    -- PDU length 52
    00000030 03 00                                                    -- PDV length 48, context 3, data set
    080016001A000000312E322E3834302E31303030382E352E312E342E312E312E
    32000800180010000000312E322E
    04 00 00000030                                                    -- PDU length 48
    0000002C 03 02                                                    -- PDV length 44, context 3, data set, last
    332E342E352E362E372E38001000100008000000444F455E4A414E4510002000
    06000000313233343520
    """),
    _STORE,
)

STORE_RSP_FULL = Golden(
    "C-STORE-RSP, out of resources",
    3,
    octets("""
    04 00 00000086                                     -- PDU length 134
    00000082 03 03                                     -- PDV length 130, context 3, command, last
    0000 0000 04000000 7400 0000                       -- Command Group Length
    0000 0200 1A000000 '1.2.840.10008.5.1.4.1.1.2' 00  -- Affected SOP Class UID
    0000 0001 02000000 0180                            -- Command Field
    0000 2001 02000000 0700                            -- Message ID Being Responded To
    0000 0008 02000000 0101                            -- Command Data Set Type
    0000 0009 02000000 00A7                            -- Status
    0000 0209 0A000000 'disk full '                    -- Error Comment
    0000 0010 10000000 '1.2.3.4.5.6.7.8' 00            -- Affected SOP Instance UID
    """),
    CStoreRSP(7, 0xA700, CT_STORAGE, INSTANCE, error_comment="disk full"),
    is_framed_alike=True,
)

STORE_RSP_COERCED = Golden(
    "C-STORE-RSP, elements coerced",
    3,
    octets("""
    04 00 00000084                                     -- PDU length 132
    00000080 03 03                                     -- PDV length 128, context 3, command, last
    0000 0000 04000000 7200 0000                       -- Command Group Length
    0000 0200 1A000000 '1.2.840.10008.5.1.4.1.1.2' 00  -- Affected SOP Class UID
    0000 0001 02000000 0180                            -- Command Field
    0000 2001 02000000 0700                            -- Message ID Being Responded To
    0000 0008 02000000 0101                            -- Command Data Set Type
    0000 0009 02000000 00B0                            -- Status
    0000 0109 08000000 1000 2000 2000 0D00             -- Offending Element
    0000 0010 10000000 '1.2.3.4.5.6.7.8' 00            -- Affected SOP Instance UID
    """),
    CStoreRSP(7, 0xB000, CT_STORAGE, INSTANCE, offending_element=(0x00100020, 0x0020000D)),
    is_framed_alike=True,
)

FIND_RQ = Golden(
    "C-FIND-RQ at study level, low priority",
    1,
    octets("""
    04 00 000000A8                                       -- PDU length 168
    0000005A 01 03                                       -- PDV length 90, context 1, command, last
    0000 0000 04000000 4C00 0000                         -- Command Group Length
    0000 0200 1C000000 '1.2.840.10008.5.1.4.1.2.2.1' 00  -- Affected SOP Class UID
    0000 0001 02000000 2000                              -- Command Field
    0000 1001 02000000 0200                              -- Message ID
    0000 0007 02000000 0200                              -- Priority
    0000 0008 02000000 0100                              -- Command Data Set Type
    00000046 01 02                                       -- PDV length 70, context 1, data set, last
    0800 2000 12000000 '20260101-20260131 '              -- (0008,0020)
    0800 5200 06000000 'STUDY '                          -- (0008,0052)
    0800 6100 00000000                                   -- (0008,0061)
    1000 1000 04000000 'DOE*'                            -- (0010,0010)
    2000 0D00 00000000                                   -- (0020,000D)
    """),
    CFindRQ(2, STUDY_FIND, priority=2, command_data_set_type=0x0001),
)

FIND_PENDING = Golden(
    "C-FIND-RSP, pending with a match",
    1,
    octets("""
    04 00 000000C2                                       -- PDU length 194
    0000005A 01 03                                       -- PDV length 90, context 1, command, last
    0000 0000 04000000 4C00 0000                         -- Command Group Length
    0000 0200 1C000000 '1.2.840.10008.5.1.4.1.2.2.1' 00  -- Affected SOP Class UID
    0000 0001 02000000 2080                              -- Command Field
    0000 2001 02000000 0200                              -- Message ID Being Responded To
    0000 0008 02000000 0100                              -- Command Data Set Type
    0000 0009 02000000 00FF                              -- Status
    00000060 01 02                                       -- PDV length 96, context 1, data set, last
    0800 2000 08000000 '20260115'                        -- (0008,0020)
    0800 5200 06000000 'STUDY '                          -- (0008,0052)
    0800 5400 08000000 'ARCHIVE '                        -- (0008,0054)
    0800 6100 06000000 'CT\\MR '                         -- (0008,0061)
    1000 1000 08000000 'DOE^JANE'                        -- (0010,0010)
    2000 0D00 0A000000 '1.2.3.4.9' 00                    -- (0020,000D)
    """),
    CFindRSP(2, 0xFF00, STUDY_FIND, command_data_set_type=0x0001),
)

FIND_FINAL = Golden(
    "C-FIND-RSP, final",
    1,
    octets("""
    04 00 0000005E                                       -- PDU length 94
    0000005A 01 03                                       -- PDV length 90, context 1, command, last
    0000 0000 04000000 4C00 0000                         -- Command Group Length
    0000 0200 1C000000 '1.2.840.10008.5.1.4.1.2.2.1' 00  -- Affected SOP Class UID
    0000 0001 02000000 2080                              -- Command Field
    0000 2001 02000000 0200                              -- Message ID Being Responded To
    0000 0008 02000000 0101                              -- Command Data Set Type
    0000 0009 02000000 0000                              -- Status
    """),
    CFindRSP(2, 0x0000, STUDY_FIND),
    is_framed_alike=True,
)

CANCEL_RQ = Golden(
    "C-CANCEL-RQ",
    1,
    octets("""
    04 00 00000030                -- PDU length 48
    0000002C 01 03                -- PDV length 44, context 1, command, last
    0000 0000 04000000 1E00 0000  -- Command Group Length
    0000 0001 02000000 FF0F       -- Command Field
    0000 2001 02000000 0200       -- Message ID Being Responded To
    0000 0008 02000000 0101       -- Command Data Set Type
    """),
    CCancelRQ(2),
    is_framed_alike=True,
)

MOVE_RQ = Golden(
    "C-MOVE-RQ of two studies",
    5,
    octets("""
    04 00 0000009C                                       -- PDU length 156
    00000068 05 03                                       -- PDV length 104, context 5, command, last
    0000 0000 04000000 5A00 0000                         -- Command Group Length
    0000 0200 1C000000 '1.2.840.10008.5.1.4.1.2.2.2' 00  -- Affected SOP Class UID
    0000 0001 02000000 2100                              -- Command Field
    0000 1001 02000000 0300                              -- Message ID
    0000 0006 06000000 'VIEWER'                          -- Move Destination
    0000 0007 02000000 0000                              -- Priority
    0000 0008 02000000 0100                              -- Command Data Set Type
    0000002C 05 02                                       -- PDV length 44, context 5, data set, last
    0800 5200 06000000 'STUDY '                          -- (0008,0052)
    2000 0D00 14000000 '1.2.3.4.9\\1.2.3.4.10'           -- (0020,000D)
    """),
    CMoveRQ(3, STUDY_MOVE, "VIEWER", command_data_set_type=0x0001),
)

MOVE_FINAL = Golden(
    "C-MOVE-RSP, final with one failure and no remaining count",
    5,
    octets("""
    04 00 0000009A                                       -- PDU length 154
    00000078 05 03                                       -- PDV length 120, context 5, command, last
    0000 0000 04000000 6A00 0000                         -- Command Group Length
    0000 0200 1C000000 '1.2.840.10008.5.1.4.1.2.2.2' 00  -- Affected SOP Class UID
    0000 0001 02000000 2180                              -- Command Field
    0000 2001 02000000 0300                              -- Message ID Being Responded To
    0000 0008 02000000 0100                              -- Command Data Set Type
    0000 0009 02000000 00B0                              -- Status
    0000 2110 02000000 0A00                              -- Completed Suboperations
    0000 2210 02000000 0100                              -- Failed Suboperations
    0000 2310 02000000 0000                              -- Warning Suboperations
    0000001A 05 02                                       -- PDV length 26, context 5, data set, last
    0800 5800 10000000 '1.2.3.4.5.6.7.9' 00              -- (0008,0058)
    """),
    CMoveRSP(
        3,
        0xB000,
        STUDY_MOVE,
        number_of_completed_suboperations=10,
        number_of_failed_suboperations=1,
        number_of_warning_suboperations=0,
        command_data_set_type=0x0001,
    ),
)

STORE_SUBOPERATION = Golden(
    "C-STORE-RQ on behalf of a C-MOVE, its data set still to come",
    3,
    octets("""
    04 00 0000008C                                     -- PDU length 140
    00000088 03 03                                     -- PDV length 136, context 3, command, last
    0000 0000 04000000 7A00 0000                       -- Command Group Length
    0000 0200 1A000000 '1.2.840.10008.5.1.4.1.1.2' 00  -- Affected SOP Class UID
    0000 0001 02000000 0100                            -- Command Field
    0000 1001 02000000 0C00                            -- Message ID
    0000 0007 02000000 0000                            -- Priority
    0000 0008 02000000 0000                            -- Command Data Set Type
    0000 0010 10000000 '1.2.3.4.5.6.7.8' 00            -- Affected SOP Instance UID
    0000 3010 06000000 'VIEWER'                        -- Move Originator AE Title
    0000 3110 02000000 0300                            -- Move Originator Message ID
    """),
    CStoreRQ(
        12,
        CT_STORAGE,
        INSTANCE,
        move_originator_application_entity_title="VIEWER",
        move_originator_message_id=3,
        command_data_set_type=0x0000,
    ),
    is_framed_alike=True,
)

COMMIT_RQ = Golden(
    "N-ACTION-RQ, storage commitment asked for",
    7,
    octets("""
    04 00 000000D6                                     -- PDU length 214
    00000070 07 03                                     -- PDV length 112, context 7, command, last
    0000 0000 04000000 6200 0000                       -- Command Group Length
    0000 0300 14000000 '1.2.840.10008.1.20.1'          -- Requested SOP Class UID
    0000 0001 02000000 3001                            -- Command Field
    0000 1001 02000000 0400                            -- Message ID
    0000 0008 02000000 0100                            -- Command Data Set Type
    0000 0110 16000000 '1.2.840.10008.1.20.1.1'        -- Requested SOP Instance UID
    0000 0810 02000000 0100                            -- Action Type ID
    0000005E 07 02                                     -- PDV length 94, context 7, data set, last
    0800 9511 0A000000 '1.2.3.4.77'                    -- (0008,1195)
    0800 9911 42000000                                 -- (0008,1199)
    FEFF 00E0 3A000000                                 -- item
    0800 5011 1A000000 '1.2.840.10008.5.1.4.1.1.2' 00  -- (0008,1150)
    0800 5511 10000000 '1.2.3.4.5.6.7.8' 00            -- (0008,1155)
    """),
    NActionRQ(4, COMMITMENT, "1.2.840.10008.1.20.1.1", 1, command_data_set_type=0x0001),
)

COMMIT_REPORT = Golden(
    "N-EVENT-REPORT-RQ, storage commitment with a failure",
    7,
    octets("""
    04 00 000000E0                                     -- PDU length 224
    00000070 07 03                                     -- PDV length 112, context 7, command, last
    0000 0000 04000000 6200 0000                       -- Command Group Length
    0000 0200 14000000 '1.2.840.10008.1.20.1'          -- Affected SOP Class UID
    0000 0001 02000000 0001                            -- Command Field
    0000 1001 02000000 0100                            -- Message ID
    0000 0008 02000000 0100                            -- Command Data Set Type
    0000 0010 16000000 '1.2.840.10008.1.20.1.1'        -- Affected SOP Instance UID
    0000 0210 02000000 0200                            -- Event Type ID
    00000068 07 02                                     -- PDV length 104, context 7, data set, last
    0800 9511 0A000000 '1.2.3.4.77'                    -- (0008,1195)
    0800 9811 4C000000                                 -- (0008,1198)
    FEFF 00E0 44000000                                 -- item
    0800 5011 1A000000 '1.2.840.10008.5.1.4.1.1.2' 00  -- (0008,1150)
    0800 5511 10000000 '1.2.3.4.5.6.7.8' 00            -- (0008,1155)
    0800 9711 02000000 1201                            -- (0008,1197)
    """),
    NEventReportRQ(1, COMMITMENT, "1.2.840.10008.1.20.1.1", 2, command_data_set_type=0x0001),
)

PRINTER_GET = Golden(
    "N-GET-RQ of two attributes of the printer",
    9,
    octets("""
    04 00 0000007C                               -- PDU length 124
    00000078 09 03                               -- PDV length 120, context 9, command, last
    0000 0000 04000000 6A00 0000                 -- Command Group Length
    0000 0300 16000000 '1.2.840.10008.5.1.1.16'  -- Requested SOP Class UID
    0000 0001 02000000 1001                      -- Command Field
    0000 1001 02000000 0500                      -- Message ID
    0000 0008 02000000 0101                      -- Command Data Set Type
    0000 0110 16000000 '1.2.840.10008.5.1.1.17'  -- Requested SOP Instance UID
    0000 0510 08000000 1021 1000 1021 2000       -- Attribute Identifier List
    """),
    NGetRQ(5, "1.2.840.10008.5.1.1.16", "1.2.840.10008.5.1.1.17", (0x21100010, 0x21100020)),
    is_framed_alike=True,
)

STEP_SET = Golden(
    "N-SET-RQ, procedure step completed",
    11,
    octets("""
    04 00 0000007A                                   -- PDU length 122
    0000005E 0B 03                                   -- PDV length 94, context 11, command, last
    0000 0000 04000000 5000 0000                     -- Command Group Length
    0000 0300 18000000 '1.2.840.10008.3.1.2.3.3' 00  -- Requested SOP Class UID
    0000 0001 02000000 2001                          -- Command Field
    0000 1001 02000000 0600                          -- Message ID
    0000 0008 02000000 0100                          -- Command Data Set Type
    0000 0110 0A000000 '1.2.3.4.88'                  -- Requested SOP Instance UID
    00000014 0B 02                                   -- PDV length 20, context 11, data set, last
    4000 5202 0A000000 'COMPLETED '                  -- (0040,0252)
    """),
    NSetRQ(6, "1.2.840.10008.3.1.2.3.3", "1.2.3.4.88", command_data_set_type=0x0001),
)

FILM_CREATED = Golden(
    "N-CREATE-RSP with the instance UID that the SCP chose",
    11,
    octets("""
    04 00 0000006A                                 -- PDU length 106
    00000066 0B 03                                 -- PDV length 102, context 11, command, last
    0000 0000 04000000 5800 0000                   -- Command Group Length
    0000 0200 16000000 '1.2.840.10008.5.1.1.1' 00  -- Affected SOP Class UID
    0000 0001 02000000 4081                        -- Command Field
    0000 2001 02000000 0800                        -- Message ID Being Responded To
    0000 0008 02000000 0101                        -- Command Data Set Type
    0000 0009 02000000 0000                        -- Status
    0000 0010 0A000000 '1.2.3.4.99'                -- Affected SOP Instance UID
    """),
    NCreateRSP(8, 0x0000, "1.2.840.10008.5.1.1.1", "1.2.3.4.99"),
    is_framed_alike=True,
)

FILM_DELETE = Golden(
    "N-DELETE-RQ of a film session",
    11,
    octets("""
    04 00 00000060                                 -- PDU length 96
    0000005C 0B 03                                 -- PDV length 92, context 11, command, last
    0000 0000 04000000 4E00 0000                   -- Command Group Length
    0000 0300 16000000 '1.2.840.10008.5.1.1.1' 00  -- Requested SOP Class UID
    0000 0001 02000000 5001                        -- Command Field
    0000 1001 02000000 0900                        -- Message ID
    0000 0008 02000000 0101                        -- Command Data Set Type
    0000 0110 0A000000 '1.2.3.4.99'                -- Requested SOP Instance UID
    """),
    NDeleteRQ(9, "1.2.840.10008.5.1.1.1", "1.2.3.4.99"),
    is_framed_alike=True,
)

GOLDEN = tuple(value for value in globals().values() if isinstance(value, Golden))

PDV_PAST_ITS_PDU = octets("""
    04 00 00000030                -- PDU length 48
    000000C8 01 03                -- PDV length 200, context 1, command, last
    0000 0000 04000000 1E00 0000  -- Command Group Length
    0000 0001 02000000 FF0F       -- Command Field
    0000 2001 02000000 0200       -- Message ID Being Responded To
    0000 0008 02000000 0101       -- Command Data Set Type
""")
"""The PDV claims 200 bytes where 44 are left: event 19."""
