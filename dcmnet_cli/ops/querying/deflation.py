"""Identifiers on a presentation context whose transfer syntax deflates them (PS3.5 A.5)."""

from dcmnet_cli.core.uids import DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN
from dcmnet_cli.errors import InvalidIdentifier


def packed(data: bytes, transfer_syntax: str) -> bytes:
    """An encoded identifier as it is sent in ``transfer_syntax``."""
    if transfer_syntax != DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN:
        return data
    import zlib

    deflater = zlib.compressobj(6, zlib.DEFLATED, -15)
    deflated = deflater.compress(data) + deflater.flush()
    return deflated + b"\0" * (len(deflated) % 2)


def unpacked(data: bytes, transfer_syntax: str, most: int) -> bytes:
    """The encoded identifier of what came, its first ``most`` bytes. Raises InvalidIdentifier."""
    if transfer_syntax != DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN:
        return data
    import zlib

    try:
        return zlib.decompressobj(-15).decompress(data, most)
    except zlib.error as error:
        raise InvalidIdentifier(0, f"the answer is not deflated ({error})") from error
