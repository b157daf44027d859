"""From the options of ``move`` and ``get`` to what is to be retrieved."""

import os
from collections.abc import Sequence
from typing import Annotated, NamedTuple

from dcmnet_cli.cli.checks import exclude
from dcmnet_cli.cli.key_options import MODEL, KeyOptions, ModelOptions
from dcmnet_cli.cli.options import flag, value
from dcmnet_cli.cli.retrieve_options import RetrieveOptions
from dcmnet_cli.core.text import quoted
from dcmnet_cli.errors import UsageError
from dcmnet_cli.ops.retrieving.retrieve import Wish


class InstanceModelOptions(NamedTuple):
    """Retrieval by SOP Instance UID alone (PS3.4 Y and Z)."""

    instance_root: Annotated[
        bool, flag("--instance-root", panel=MODEL, text="composite instance root: by SOP Instance UID, or frames")
    ] = False
    frames: Annotated[
        str | None,
        value("--frames", metavar="LIST", panel=MODEL, text="frames 1,3,5 of one --instance, as a new instance"),
    ] = None


class NoBulkOptions(NamedTuple):
    """Retrieval without pixel data (PS3.4 Z), which is C-GET's only."""

    without_bulk_data: Annotated[
        bool, flag("--without-bulk-data", panel=MODEL, text="leave pixel and other bulk data out, where the peer can")
    ] = False


def make_wish(
    keys: KeyOptions,
    model: ModelOptions,
    by_instance: InstanceModelOptions,
    options: RetrieveOptions,
    files: Sequence[str],
    folder: str | None,
    charset: str,
    *,
    only: frozenset[str] = frozenset(),
    without_bulk_data: bool = False,
) -> Wish:
    """What to retrieve. ``files`` has at most one query file, ``only`` the SOP classes that are taken.

    Raises UsageError and InputError.
    """
    if by_instance.frames is not None:
        return _frames(keys, by_instance.frames)
    special = exclude(("--instance-root", by_instance.instance_root), ("--without-bulk-data", without_bulk_data))
    root = model.model()
    if special and root != "study":
        raise UsageError(f"{special} contradicts -P and -O: it is a model of its own")
    if len(files) > 1:
        raise UsageError(f"one query file at a time: {quoted(files[1])} is the second")
    tree = None
    if files:
        from dcmnet_cli.ops.querying.query_file import read_query_file

        tree = read_query_file(files[0])
    query = keys.query(root, tree, charset=charset, verbatim=True)
    already = None
    if options.missing:
        if options.no_find:
            raise UsageError("--missing contradicts --no-find: what is missing is what C-FIND lists and is not here")
        if folder is None:
            raise UsageError("--missing compares with a folder; give one with --here or -od")
        from dcmnet_cli.ops.retrieving.present import instances_in

        already = instances_in(folder)
    name = {"--instance-root": "instance", "--without-bulk-data": "no-bulk"}.get(special, root)
    return Wish(name, query.level, query.elements, already, not options.no_find, only)


def _frames(keys: KeyOptions, frames: str) -> Wish:
    """A retrieval at FRAME level: one instance, and the numbers of frames (PS3.4 Y.6.1.2)."""
    import struct

    from dcmnet_cli.core.identifier import Element
    from dcmnet_cli.core.uids import is_valid_uid

    if keys.instance is None or not is_valid_uid(keys.instance):
        raise UsageError("--frames goes with one --instance UID")
    words = frames.split(",")
    if not all(word.strip().isascii() and word.strip().isdigit() and 0 < int(word) < 1 << 31 for word in words):
        raise UsageError(f"--frames: {quoted(frames)} is no list of frame numbers, as in 1,3,5")
    numbers = struct.pack(f"<{len(words)}I", *map(int, words))
    elements = (Element(0x00080018, "UI", keys.instance.encode()), Element(0x00081161, "UL", numbers))
    return Wish("instance", "FRAME", elements, asks_first=False)


def target_folder(name: str, path: str | None) -> str | None:
    """The folder to store in. Raises UsageError."""
    if path is not None and not os.path.isdir(path):
        raise UsageError(f"{name}: {quoted(path)} is no folder")
    return path
