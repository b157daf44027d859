"""What speaks on a port when it is not DICOM, told from its first bytes."""

from typing import NamedTuple

from dcmnet_cli.core.text import quoted


class Banner(NamedTuple):
    """``protocol`` is a stable word (``tls``, ``http``, ``ssh`` ...), ``words`` what to tell a person."""

    protocol: str
    words: str


_SHOWN = 60

_HTTP_METHODS = (
    b"GET ",
    b"POST ",
    b"HEAD ",
    b"PUT ",
    b"OPTIONS ",
    b"DELETE ",
    b"CONNECT ",
    b"TRACE ",
    b"PATCH ",
    b"PRI ",
)

# Beginnings of protocols that speak in text: prefix, protocol, words to put before the quoted line.
_TEXT = (
    (b"HTTP/", "http", "an HTTP response"),
    *((method, "http", "an HTTP request") for method in _HTTP_METHODS),
    (b"SSH-", "ssh", "an SSH server"),
    (b"+OK", "pop3", "a POP3 mail server"),
    (b"* OK", "imap", "an IMAP mail server"),
    (b"RFB ", "vnc", "a VNC server"),
    (b"-ERR", "redis", "a Redis server"),
    (b"-DENIED", "redis", "a Redis server"),
    (b"-NOAUTH", "redis", "a Redis server"),
    (b"+PONG", "redis", "a Redis server"),
    (b"\x0bMSH", "hl7", "an HL7 message (MLLP)"),
    (b"MSH|", "hl7", "an HL7 message without its MLLP frame"),
)

# RFC 8446 6: the alerts that a peer sends when it is not content with what it got.
_ALERTS = {
    0: "close notify",
    10: "unexpected message",
    20: "bad record",
    22: "record overflow",
    40: "handshake failure",
    47: "illegal parameter",
    50: "decode error",
    70: "protocol version",
    80: "internal error",
}


def recognise(first_bytes: bytes) -> Banner | None:
    """Return what the first bytes of a connection say about its protocol; None for a DICOM PDU or for no bytes.

    Any number of bytes will do, a hundred or so give the best words. Everything quoted in them is cleaned.
    """
    data = bytes(first_bytes[:512])
    if not data:
        return None
    if 1 <= data[0] <= 7:
        return _remote_desktop(data)
    return _tls(data) or _mysql(data) or _text(data) or _binary(data)


def _tls(data: bytes) -> Banner | None:
    if len(data) >= 3 and data[0] in (0x15, 0x16) and data[1] == 3 and data[2] <= 4:
        if data[0] == 0x16:
            who = {1: "TLS client hello", 2: "TLS server hello"}.get(data[5] if len(data) > 5 else 0)
            return Banner("tls", f"a {who or 'TLS handshake'}")
        alert = _ALERTS.get(data[6], f"number {data[6]}") if len(data) > 6 else "cut short"
        return Banner("tls", f"a TLS alert ({alert})")
    # The hello of SSL 2, which old scanners and old clients still send (RFC 5246 E.2).
    if (
        len(data) >= 5
        and data[0] & 0x80
        and data[2] == 1
        and data[3:5] in (b"\0\2", b"\3\0", b"\3\1", b"\3\2", b"\3\3")
    ):
        return Banner("tls", "an SSL 2 client hello")
    return None


def _remote_desktop(data: bytes) -> Banner | None:
    # TPKT (RFC 1006) begins like an A-ASSOCIATE-RJ, whose length is always 4: 03 00 00 00 00 04.
    if len(data) >= 6 and data[:2] == b"\3\0" and data[5] in (0xD0, 0xE0):
        length = int.from_bytes(data[2:4])
        if length >= 11 and data[4] == length - 5:
            return Banner("rdp", "a remote desktop (RDP) connection")
    return None


def _mysql(data: bytes) -> Banner | None:
    if len(data) < 6 or data[3] != 0:
        return None
    if data[4] == 0x0A and data[5:6].isdigit():
        version = data[5:].split(b"\0")[0]
        return Banner("mysql", f"a MySQL or MariaDB server, version {quoted(version[:_SHOWN])}")
    if data[4] == 0xFF and data[7:8].isalpha() and int.from_bytes(data[:3], "little") < 512:
        return Banner("mysql", f"a MySQL or MariaDB server that says {quoted(data[7 : 7 + _SHOWN])}")
    return None


def _text(data: bytes) -> Banner | None:
    line = data.splitlines()[0]
    for prefix, protocol, words in _TEXT:
        if data.startswith(prefix):
            shown = line.lstrip(b"\x0b")[:_SHOWN]
            # A message of HL7 names patients, and its first fields alone show nothing that helps.
            return Banner(protocol, words if protocol == "hl7" else f"{words}: {quoted(shown)}")
    if data[:4] in (b"220 ", b"220-"):
        return _mail_or_file_server(data, line)
    if data.lstrip()[:9].upper().startswith((b"<!DOCTYPE", b"<HTML")):  # HTTP/0.9: an answer without a status line
        return Banner("http", f"a web page (HTTP): {quoted(line[:_SHOWN])}")
    if all(0x20 <= byte < 0x7F or byte in b"\t\r\n" for byte in data):
        return Banner("text", f"text: {quoted(data.strip()[:_SHOWN])}")
    return None


def _mail_or_file_server(data: bytes, line: bytes) -> Banner:
    greeting = data.upper()
    if b"SMTP" in greeting:
        protocol, words = "smtp", "an SMTP mail server"
    elif b"FTP" in greeting:
        protocol, words = "ftp", "an FTP server"
    else:
        protocol, words = "text", "a mail or file server (SMTP or FTP)"
    return Banner(protocol, f"{words}: {quoted(line[:_SHOWN])}")


def _binary(data: bytes) -> Banner:
    if not any(data):
        return Banner("zeros", f"nothing but zero bytes ({len(data)} of them)")
    if data[:1] == b"\xff" and 0xFB <= data[1:2].ljust(1, b"\0")[0] <= 0xFE:
        return Banner("telnet", "a Telnet server")
    return Banner("binary", f"unknown binary data beginning {data[:8].hex(' ')}")
