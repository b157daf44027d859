"""One function a decoder: it takes any bytes, and raises where a promise about the decoder is broken."""

import os
import tempfile
from collections.abc import Callable
from contextlib import suppress

from dcmnet_cli.core import codec, command_set, identifier
from dcmnet_cli.core.association import AssociationProtocol
from dcmnet_cli.core.commands import Message
from dcmnet_cli.core.negotiation import AcceptorPolicy, answer
from dcmnet_cli.core.text import printable
from dcmnet_cli.errors import (
    InputError,
    InvalidCommandSet,
    InvalidIdentifier,
    InvalidPDU,
    LocalProtocolError,
    UsageError,
)
from dcmnet_cli.net.part10 import read_file
from dcmnet_cli.ops.querying.key_tree import Tree, elements_of, leaves, parse_key, path_name, put, tree_of
from dcmnet_cli.ops.querying.query_file import read_query_file
from tests.golden import associate as golden
from tests.helpers import REQUEST, drive, only, sent

_POLICY = AcceptorPolicy(any_abstract_syntax=True)


def pdu(data: bytes) -> None:
    """A PDU decodes or is an InvalidPDU within its bounds; what was decoded is encoded and comes back the same."""
    notes = codec.Notes()
    try:
        record = codec.decode(data, notes)
    except InvalidPDU as error:
        _check(0 <= error.offset <= len(data))
        return
    assert len(notes) <= codec.Notes.MOST
    try:
        again = codec.decode(codec.encode(record), codec.Notes())
    except LocalProtocolError:
        return  # read with more patience than anyone may write
    assert type(again) is type(record)
    assert codec.encode(again) == codec.encode(record)


def association(data: bytes) -> None:
    """A core that is fed anything, in whatever state, has events for it and never an exception.

    The first byte says how far the association has come, and how the rest is cut into pieces.
    """
    if not data:
        return
    stage, size = data[0] % 5, 1 + data[0] // 5
    core = AssociationProtocol(is_requestor=stage in (1, 3), buffer_size=4096)
    if core.is_requestor:
        core.propose(REQUEST)
    core.connected(0.0)
    if stage == 3:
        drive(core, [golden.AC_ECHO.data])
    elif stage in (2, 4):
        request = drive(core, [codec.encode(REQUEST)])
        response = answer(only(request, type(request[-1])).request, _POLICY)  # type: ignore[attr-defined]
        core.accept(response, 0.0)  # type: ignore[arg-type]
    if stage == 3:
        core.release(0.0)
    body = data[1:]
    drive(core, (body[at : at + size] for at in range(0, len(body), size)), is_quick=stage == 4)
    sent(core)
    core.eof_received(1.0)
    while core.next_event() is not None:
        pass
    assert len(core.notes) <= codec.Notes.MOST


def commands(data: bytes) -> None:
    """A command set decodes or is an InvalidCommandSet; what was decoded and can be sent stays the same."""
    try:
        message = command_set.decode(data, codec.Notes())
    except InvalidCommandSet:
        return
    decoder = command_set.Decoder(codec.Notes())
    for each in (data, data, data[:-1] + b"9", data):  # the later ones by comparison, where that is possible
        assert _outcome(decoder.decode, each) == _outcome(lambda raw: command_set.decode(raw, codec.Notes()), each)
    try:
        raw = command_set.encode(message)
    except LocalProtocolError:
        return
    assert command_set.encode(command_set.decode(raw, codec.Notes())) == raw


def _outcome(decode: Callable[[bytes], Message], data: bytes) -> object:
    try:
        message = decode(data)
    except InvalidCommandSet as error:
        return error.message
    return type(message), message


def file_meta(data: bytes) -> None:
    """A file is DICOM or it is not; if it is, its data set lies within it."""
    found = read_file(lambda count, at: data[at : at + count], len(data))
    if found is not None and not found.problem:
        assert 0 <= found.offset <= found.offset + found.length <= len(data)
        assert found.sop_class_uid
        assert found.sop_instance_uid


def identifiers(data: bytes) -> None:
    """A data set of a query or an answer decodes or is an InvalidIdentifier; all of it can be shown and sent."""
    explicit = bool(data[:1] and data[0] & 1)
    try:
        elements = identifier.decode(data[1:], explicit)
    except InvalidIdentifier:
        return
    character_set = identifier.character_set_of(elements)
    for element in elements.values():
        assert printable(identifier.text(element, character_set)).isprintable()
    raw = identifier.encode(elements.values(), explicit)
    if raw[128:132] != b"DICM":  # a value that makes it look like a whole file
        assert identifier.encode(identifier.decode(raw, explicit).values(), explicit) == raw
    with suppress(UsageError):
        elements_of(tree_of(elements.values(), character_set), character_set)


def keys(data: bytes) -> None:
    """Lines as ``-k`` takes them: each a key or a UsageError, and what was taken is written as it is read."""
    tree: Tree = {}
    for word in data.decode("utf-8", "surrogateescape").splitlines()[:50]:
        try:
            path, value = parse_key(word)
            assert parse_key(path_name(path))[0] == path
            put(tree, path, value)
        except UsageError as error:
            _check(len(error.message) < 1000)
    for path, value in leaves(tree):
        assert path
        assert isinstance(value, str)
    try:
        raw = identifier.encode(elements_of(tree, "ISO_IR 192"), True)
    except UsageError:
        return
    assert identifier.encode(identifier.decode(raw, True).values(), True) == raw


def query_files(data: bytes) -> None:
    """A query file is a tree of keys, or an InputError or UsageError."""
    path = os.path.join(tempfile.gettempdir(), f"dcmnet-fuzz-{os.getpid()}")
    with open(path, "wb") as file:
        file.write(data)
    with suppress(InputError, UsageError):
        list(leaves(read_query_file(path)))
    os.unlink(path)


def _check(promise: bool) -> None:
    assert promise


TARGETS: dict[str, Callable[[bytes], None]] = {
    "pdu": pdu,
    "association": association,
    "command-set": commands,
    "file-meta": file_meta,
    "identifier": identifiers,
    "keys": keys,
    "query-file": query_files,
}
"""By the name of the command line and of the folder in the corpus."""
