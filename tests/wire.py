"""PDUs, items and command elements put together from their parts, right or wrong as a test wants them."""

import struct

from dcmnet_cli.core.command_set import encode
from dcmnet_cli.core.commands import Message
from dcmnet_cli.core.pdata import COMMAND, LAST

_TITLES = b"CALLED".ljust(16) + b"CALLING".ljust(16) + bytes(32)


def item(item_type: int, body: bytes, second: int = 0) -> bytes:
    """An item of an associate PDU."""
    return bytes((item_type, second)) + len(body).to_bytes(2, "big") + body


def counted(value: bytes) -> bytes:
    """A field behind its 16-bit length."""
    return len(value).to_bytes(2, "big") + value


APPLICATION = item(0x10, b"1.2.840.10008.3.1.1.1")
CONTEXT = item(0x20, b"\1\0\0\0" + item(0x30, b"1.2.840.10008.1.1") + item(0x40, b"1.2.840.10008.1.2"))
RESULT = item(0x21, b"\1\0\0\0" + item(0x40, b"1.2.840.10008.1.2"))
MAXIMUM_LENGTH = item(0x51, b"\0\0\x40\0")
CLASS_UID = item(0x52, b"1.2.3.4")
USER_INFORMATION = item(0x50, MAXIMUM_LENGTH + CLASS_UID)


def request(*items: bytes, titles: bytes = _TITLES) -> bytes:
    """An A-ASSOCIATE-RQ of the given items."""
    body = b"\0\1\0\0" + titles + b"".join(items)
    return b"\1\0" + len(body).to_bytes(4, "big") + body


def request_with(*sub_items: bytes) -> bytes:
    """A good A-ASSOCIATE-RQ with more user information."""
    return request(APPLICATION, CONTEXT, item(0x50, MAXIMUM_LENGTH + CLASS_UID + b"".join(sub_items)))


def acceptance(*items: bytes) -> bytes:
    """An A-ASSOCIATE-AC of the given items."""
    body = b"\0\1\0\0" + bytes(64) + b"".join(items)
    return b"\2\0" + len(body).to_bytes(4, "big") + body


def pdata(*pdvs: bytes) -> bytes:
    """A P-DATA-TF of the given PDVs."""
    body = b"".join(pdvs)
    return b"\4\0" + len(body).to_bytes(4, "big") + body


def pdv(context_id: int, control: int, fragment: bytes) -> bytes:
    """A presentation data value."""
    return struct.pack(">IBB", len(fragment) + 2, context_id, control) + fragment


def command(context_id: int, message: Message) -> bytes:
    """A message's command set in one PDU."""
    return pdata(pdv(context_id, COMMAND | LAST, encode(message)))


def element(tag: int | str, value: bytes) -> bytes:
    """An element of group 0000; its number as such or in four hexadecimal digits."""
    number = int(tag, 16) if isinstance(tag, str) else tag
    return struct.pack("<HHI", 0, number, len(value)) + value


def command_set(*elements: bytes) -> bytes:
    """A command set: the elements behind their group length."""
    body = b"".join(elements)
    return element(0, len(body).to_bytes(4, "little")) + body
