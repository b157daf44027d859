"""Queries that lie in files: DICOM data sets, with or without file meta information, and the DICOM JSON model."""

import os

from dcmnet_cli.core import uids
from dcmnet_cli.core.identifier import character_set_of, decode
from dcmnet_cli.core.text import excerpt
from dcmnet_cli.errors import InputError, InvalidIdentifier, UsageError
from dcmnet_cli.net.part10 import layout_of, open_file, read_file
from dcmnet_cli.ops.querying.key_tree import Key, Tree, find_tag, tree_of, vr_of_tag
from dcmnet_cli.ops.querying.key_values import check_value

LARGEST = 1 << 20
_DEEPEST = 64


def read_query_file(path: str) -> Tree:
    """The keys of one file. Raises InputError for what is no query, UsageError for a value that breaks its VR."""
    data = _read(path)
    if data.lstrip()[:1] in (b"{", b"["):
        return _from_json(data, path)
    found = read_file(lambda count, offset: data[offset : offset + count], len(data))
    if found is None or not found.transfer_syntax_uid:
        return _decoded(data, data[4:6].isalpha() and data[4:6].isupper(), path)
    body = data[found.offset :]
    if found.transfer_syntax_uid == uids.DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN:
        body = _inflated(body, path)
    layout = layout_of(found.transfer_syntax_uid)
    if not layout.little:
        raise InputError(f"{path} is a query in big endian, which is not read here", path=path)
    return _decoded(body, layout.explicit, path)


def _read(path: str) -> bytes:
    descriptor, size = open_file(path)
    try:
        if size > LARGEST:
            raise InputError(f"{path} is no query: {size} bytes; a query has {LARGEST} at most", path=path)
        data = b""
        while piece := os.read(descriptor, LARGEST):
            data += piece
        return data
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}", path=path) from error
    finally:
        os.close(descriptor)


def _inflated(data: bytes, path: str) -> bytes:
    import zlib

    try:
        return zlib.decompressobj(-15).decompress(data, LARGEST)
    except zlib.error as error:
        raise InputError(f"{path}: the data set is not deflated, though its transfer syntax says so") from error


def _decoded(data: bytes, explicit: bool, path: str) -> Tree:
    try:
        elements = decode(data, explicit)
        if not elements:
            raise InputError(f"{path} is no query: no data set, and no JSON object", path=path)
        return tree_of(elements.values(), character_set_of(elements))
    except (InvalidIdentifier, UsageError) as error:
        raise InputError(f"{path} is no query: {error.message}", path=path) from error


def _from_json(data: bytes, path: str) -> Tree:
    """The DICOM JSON model (PS3.18 F): an object, or a list of one object."""
    import json

    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is no query: {error}", path=path) from error
    if isinstance(value, list):
        if len(value) != 1:
            raise InputError(f"{path} holds {len(value)} queries; give one a file", path=path)
        value = value[0]
    try:
        return _tree(value, 0)
    except UsageError as error:
        raise InputError(f"{path}: {error.message}", path=path) from error


def _tree(value: object, depth: int) -> Tree:
    if not isinstance(value, dict) or depth > _DEEPEST:
        raise UsageError("a query in JSON is an object of tags, as in the DICOM JSON model")
    tree: Tree = {}
    for name, attribute in value.items():
        is_tag = len(name) == 8 and all(digit in "0123456789abcdefABCDEF" for digit in name)
        tag = int(name, 16) if is_tag else find_tag(name)
        if tag >> 16 < 0x0008:
            continue
        attribute = attribute if isinstance(attribute, dict) else {"Value": [attribute] if attribute != "" else []}
        values = attribute.get("Value") or []
        vr = str(attribute.get("vr") or vr_of_tag(tag))
        if not isinstance(values, list) or len(vr) != 2 or not (vr.isalpha() and vr.isupper()):
            raise UsageError(f'{excerpt(name)} is not {{"vr": ..., "Value": [...]}}')
        if vr == "SQ":
            tree[tag] = [_tree(item, depth + 1) for item in values]
        else:
            tree[tag] = Key(vr, check_value(name, vr, "\\".join(_word(name, each) for each in values)))
    return tree


def _word(name: str, value: object) -> str:
    """One value in DICOM's own text."""
    if isinstance(value, dict):  # a person's name in its three groups
        groups = [str(value.get(group) or "") for group in ("Alphabetic", "Ideographic", "Phonetic")]
        return "=".join(groups).rstrip("=")
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise UsageError(f"{excerpt(name)}: a value is a text or a number")
    return str(value)
