"""Who a certificate names, who signed it and how long it holds, read from its DER bytes (X.509, RFC 5280 4.1).

Nothing is verified here. The standard library tells these facts only of a certificate that it has accepted, and they
are needed most of one that it has not.
"""

from typing import NamedTuple

from dcmnet_cli.core.text import printable


class Certificate(NamedTuple):
    """``subject`` and ``issuer`` are lines such as ``CN=pacs.example.org, O=Hospital``, ``names`` the alternative
    names (DNS names and IP addresses), times are UTC as ``2027-01-31T12:00:00Z`` and compare as text.

    Everything is cleaned for a terminal.
    """

    subject: str
    issuer: str
    not_before: str
    not_after: str
    names: tuple[str, ...]
    is_self_issued: bool


_SEQUENCE, _OID, _EXTENSIONS, _VERSION = 0x30, 0x06, 0xA3, 0xA0
_UTC_TIME, _GENERALIZED_TIME = 0x17, 0x18
_BMP_STRING, _UNIVERSAL_STRING, _UTF8_STRING = 0x1E, 0x1C, 0x0C

_DNS_NAME, _IP_ADDRESS = 0x82, 0x87

_ATTRIBUTES = {
    "550403": "CN",
    "550405": "serialNumber",
    "550406": "C",
    "550407": "L",
    "550408": "ST",
    "55040a": "O",
    "55040b": "OU",
    "0992268993f22c640119": "DC",
    "2a864886f70d010901": "emailAddress",
}
_SUBJECT_ALTERNATIVE_NAME = bytes.fromhex("551d11")


def read_certificate(der: bytes) -> Certificate:
    """Return the facts of one certificate; raises ValueError for bytes that are none."""
    try:
        fields = elements(elements(_one(der, _SEQUENCE))[0][1])
        if fields[0][0] == _VERSION:
            del fields[0]
        # serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo, then what is optional
        issuer, validity, subject = fields[2][1], elements(fields[3][1]), fields[4][1]
        extensions = [content for tag, content in fields[6:] if tag == _EXTENSIONS]
        return Certificate(
            _name(subject),
            _name(issuer),
            _time(*validity[0]),
            _time(*validity[1]),
            _alternative_names(extensions[0]) if extensions else (),
            issuer == subject,
        )
    except IndexError:
        raise ValueError("not a certificate: an element is missing") from None


def elements(data: bytes) -> list[tuple[int, bytes]]:
    """Split DER into (tag, content) pairs, of definite length as X.690 10.1 has it; raises ValueError or IndexError."""
    found = []
    offset = 0
    while offset < len(data):
        tag, length = data[offset], data[offset + 1]
        offset += 2
        if length & 0x80:
            size = length & 0x7F
            length = int.from_bytes(data[offset : offset + size])
            offset += size
        if offset + length > len(data):
            raise ValueError(f"not a certificate: an element at offset {offset} claims {length} bytes")
        found.append((tag, data[offset : offset + length]))
        offset += length
    return found


def _one(data: bytes, tag: int) -> bytes:
    found = elements(data)
    if len(found) != 1 or found[0][0] != tag:
        raise ValueError("not a certificate: not one sequence")
    return found[0][1]


def _name(content: bytes) -> str:
    parts = []
    for _, relative in elements(content):
        for _, pair in elements(relative):
            (_, oid), (tag, value) = elements(pair)[:2]
            parts.append(f"{_ATTRIBUTES.get(oid.hex(), 'other')}={_text(tag, value)}")
    # Encoded from the country down; a reader wants the common name first (RFC 4514 2.1 does it too).
    return ", ".join(reversed(parts))


def _text(tag: int, value: bytes) -> str:
    encoding = {_BMP_STRING: "utf-16-be", _UNIVERSAL_STRING: "utf-32-be", _UTF8_STRING: "utf-8"}.get(tag, "latin-1")
    return printable(value.decode(encoding, "replace"))


def _time(tag: int, value: bytes) -> str:
    digits = value.decode("ascii", "replace")
    if tag == _UTC_TIME:
        # Two digits of the year: 50 to 99 are of the last century (RFC 5280 4.1.2.5.1).
        digits = ("19" if digits[:2] >= "50" else "20") + digits
    if tag not in (_UTC_TIME, _GENERALIZED_TIME) or len(digits) != 15 or not digits[:14].isdecimal():
        raise ValueError("not a certificate: its time of validity cannot be read")
    year, month, day, hour, minute, second = (digits[:4], *(digits[at : at + 2] for at in range(4, 14, 2)))
    return f"{year}-{month}-{day}T{hour}:{minute}:{second}Z"


def _alternative_names(content: bytes) -> tuple[str, ...]:
    for _, extension in elements(_one(content, _SEQUENCE)):
        parts = elements(extension)
        if parts[0] == (_OID, _SUBJECT_ALTERNATIVE_NAME):
            return tuple(
                _address(value) if tag == _IP_ADDRESS else _text(tag, value)
                for tag, value in elements(_one(parts[-1][1], _SEQUENCE))
                if tag in (_DNS_NAME, _IP_ADDRESS)
            )
    return ()


def _address(value: bytes) -> str:
    if len(value) == 4:
        return ".".join(str(byte) for byte in value)
    from ipaddress import IPv6Address

    return str(IPv6Address(value)) if len(value) == 16 else printable(value.hex())
