"""Wrong protocols told from their first bytes."""

import pytest

from dcmnet_cli.core.banner import recognise

RECOGNISED = [
    # PS3.8 knows no PDU type 16 and 15; these are records of TLS (RFC 8446 5.1)
    ("16 03 01 02 00 01 00 01 fc 03 03", "tls", "client hello"),
    ("16 03 03 00 7a 02 00 00 76 03 03", "tls", "server hello"),
    ("16 03 01", "tls", "handshake"),
    ("15 03 01 00 02 02 28", "tls", "handshake failure"),
    ("15 03 03 00 02 02 46", "tls", "protocol version"),
    ("15 03 03 00 02 02 71", "tls", "113"),
    ("15 03 03", "tls", "cut short"),
    ("80 2e 01 03 01 00 15 00 00 00 10", "tls", "SSL 2"),
    # X.224 connection request and confirm in TPKT, 19 bytes
    ("03 00 00 13 0e e0 00 00 00 00 00 01 00 08 00 03 00 00 00", "rdp", "RDP"),
    ("03 00 00 13 0e d0 00 00 12 34 00 02 1f 08 00 02 00 00 00", "rdp", "RDP"),
    # a greeting of MySQL 8 and its refusal of a host (error 1130)
    ("4a 00 00 00 0a 38 2e 30 2e 33 34 00 08 00 00 00", "mysql", '"8.0.34"'),
    ("45 00 00 00 ff 6a 04 48 6f 73 74 20 69 73 20 6e 6f 74", "mysql", '"Host is not"'),
    ("ff fd 18 ff fd 20", "telnet", "Telnet"),
    ("00 00 00 00 00 00", "zeros", "6"),
    ("9f 00 41 b2 00 00 00 00 00", "binary", "9f 00 41 b2 00 00 00 00"),
]

RECOGNISED_TEXT = [
    (b"HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n", "http", 'response: "HTTP/1.1 400 Bad Request"'),
    (b"<!DOCTYPE HTML>\n<html lang='en'>\n", "http", 'web page (HTTP): "<!DOCTYPE HTML>"'),
    (b"\r\n<html><head>", "http", "web page"),
    (b"GET / HTTP/1.0\r\n\r\n", "http", 'request: "GET / HTTP/1.0"'),
    (b"OPTIONS / RTSP/1.0\r\n\r\n", "http", "request"),
    (b"SSH-2.0-OpenSSH_9.2p1\r\n", "ssh", '"SSH-2.0-OpenSSH_9.2p1"'),
    (b"220 mail.example.org ESMTP ready\r\n", "smtp", "SMTP"),
    (b"220-FTP server\r\n220 welcome\r\n", "ftp", "FTP"),
    (b"220 ready\r\n", "text", '"220 ready"'),
    (b"+OK POP3 ready\r\n", "pop3", "POP3"),
    (b"* OK IMAP4rev1\r\n", "imap", "IMAP"),
    (b"RFB 003.008\n", "vnc", '"RFB 003.008"'),
    (b"-ERR unknown command\r\n", "redis", "Redis"),
    (b"-DENIED Redis is running in protected mode\r\n", "redis", "protected mode"),
    (b"Go away, this is private.\r\n", "text", '"Go away, this is private."'),
    (b"\r\n\r\n", "text", '""'),
]


@pytest.mark.parametrize(("data", "protocol", "words"), RECOGNISED)
def test_binary_protocols(data: str, protocol: str, words: str) -> None:
    banner = recognise(bytes.fromhex(data))
    assert banner is not None
    assert banner.protocol == protocol
    assert words in banner.words


@pytest.mark.parametrize(("data", "protocol", "words"), RECOGNISED_TEXT)
def test_text_protocols(data: bytes, protocol: str, words: str) -> None:
    banner = recognise(data)
    assert banner is not None
    assert banner.protocol == protocol
    assert words in banner.words


@pytest.mark.parametrize("pdu_type", range(1, 8))
@pytest.mark.parametrize("rest", ["", "00", "00 00 00 00 04 00 01 01 07", "00 00 00 0a 38 00 01", "ff ff ff ff ff"])
def test_a_pdu_is_not_a_banner(pdu_type: int, rest: str) -> None:
    assert recognise(bytes([pdu_type]) + bytes.fromhex(rest)) is None


def test_no_bytes_say_nothing() -> None:
    assert recognise(b"") is None


def test_an_hl7_message_is_named_but_not_quoted() -> None:
    for data in (b"\x0bMSH|^~\\&|ADT|WARD|||202405||ADT^A01|1|P|2.3\rPID|||1||DOE^JANE\r\x1c\r", b"MSH|^~\\&|DOE^JANE"):
        banner = recognise(data)
        assert banner is not None
        assert banner.protocol == "hl7"
        assert "DOE" not in banner.words


def test_what_is_quoted_is_cleaned_and_short() -> None:
    banner = recognise(b"SSH-2.0-\x1b[2J\x07" + b"x" * 5000)
    assert banner is not None
    assert "\x1b" not in banner.words
    assert "\\x1b[2J" in banner.words
    assert len(banner.words) < 120


def test_every_first_byte_and_length_gets_an_answer() -> None:
    for first in range(256):
        for length in range(1, 9):
            banner = recognise(bytes([first]) * length)
            assert (banner is None) == (1 <= first <= 7)
            assert banner is None or banner.words.isprintable()
