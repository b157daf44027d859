"""Looking at many files before a transfer: at so many that it takes seconds by several processes at once."""

import itertools
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

from dcmnet_cli.errors import InputError
from dcmnet_cli.net.part10 import DicomFile, read_file
from dcmnet_cli.ops.files.opened import Source
from dcmnet_cli.ops.files.sources import FileSource, Found, Skipped

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

_MANY = 4096
"""Sources looked at before others are called in, who take a tenth of a second to come. By then all is loaded that they
need: a process that is forked beside threads must not wait for a lock of the import system."""
_BATCH = 256

Seen: TypeAlias = DicomFile | InputError | None
"""What a source holds, None if it is not DICOM; or why it cannot be read."""


def look(source: Source, check_uids: bool) -> Seen:
    """Read the headers of one source."""
    try:
        with source.open() as opened:
            return read_file(opened.pread, opened.size, check_uids=check_uids)
    except InputError as error:
        return error


def look_at_all(
    sources: Iterable[Found], check_uids: bool, processes: int = 1
) -> Iterator[tuple[Source, Seen] | Skipped]:
    """Every source with what it holds, and what is no source as it is; in their order.

    Of more than 4,096 the plain files are read by so many ``processes``, where the system can fork.
    """
    stream = iter(sources)
    for found in itertools.islice(stream, _MANY if processes > 1 else None):
        yield found if isinstance(found, Skipped) else (found, look(found, check_uids))
    more = list(itertools.islice(stream, _BATCH))
    if more:
        yield from _look_together(itertools.chain(more, stream), check_uids, processes)


def _look_together(
    sources: Iterable[Found], check_uids: bool, processes: int
) -> Iterator[tuple[Source, Seen] | Skipped]:
    import multiprocessing
    import signal
    from concurrent.futures import ProcessPoolExecutor

    if "fork" not in multiprocessing.get_all_start_methods():
        yield from look_at_all(sources, check_uids)
        return
    context = multiprocessing.get_context("fork")
    # Ctrl-C goes to all of them, and is ours to answer.
    with ProcessPoolExecutor(processes, context, signal.signal, (signal.SIGINT, signal.SIG_IGN)) as pool:
        waiting: deque[tuple[Sequence[Found], Future[list[Seen]] | None]] = deque()
        stream = iter(sources)
        while batch := list(itertools.islice(stream, _BATCH)):
            waiting.append((batch, _submit(pool, batch, check_uids)))
            if len(waiting) > 2 * processes:
                yield from _results(*waiting.popleft(), check_uids)
        while waiting:
            yield from _results(*waiting.popleft(), check_uids)


def _submit(pool: "Executor", batch: Sequence[Found], check_uids: bool) -> "Future[list[Seen]] | None":
    """Have a batch read elsewhere; None where it has to be read here."""
    from concurrent.futures import BrokenExecutor

    paths = [found.label for found in batch if type(found) is FileSource]
    if len(paths) < len(batch):
        return None
    try:
        return pool.submit(_look_at_files, paths, check_uids)
    except BrokenExecutor:
        return None


def _look_at_files(paths: Sequence[str], check_uids: bool) -> list[Seen]:
    return [look(FileSource(path), check_uids) for path in paths]


def _results(
    batch: Sequence[Found], seen: "Future[list[Seen]] | None", check_uids: bool
) -> Iterator[tuple[Source, Seen] | Skipped]:
    from concurrent.futures import BrokenExecutor

    if seen is not None:
        try:
            together = seen.result()
        except BrokenExecutor:  # a process of ours was killed: what it had in hand is looked at here
            pass
        else:
            for found, file in zip(batch, together, strict=True):
                assert isinstance(found, Source)  # or it would not have been theirs to read
                yield found, _shared(file)
            return
    yield from look_at_all(batch, check_uids)


def _shared(file: Seen) -> Seen:
    """What came from another process, with one string for what is the same in a hundred thousand files."""
    if not isinstance(file, DicomFile):
        return file
    return file._replace(
        sop_class_uid=sys.intern(file.sop_class_uid),
        transfer_syntax_uid=sys.intern(file.transfer_syntax_uid),
        study_instance_uid=sys.intern(file.study_instance_uid),
    )
