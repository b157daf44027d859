"""The journal of a transfer: one JSON line an instance, flushed, so that a second run knows what is confirmed."""

import json
import time
from contextlib import suppress
from typing import IO

from dcmnet_cli.errors import InputError, OutputError
from dcmnet_cli.ops.storing.transfer import STORED, WARNED, Outcome

_LONGEST = 1 << 20  # of a line: what goes on and on is no journal
_BEGINNING = b'{"time": "'


class Journal:
    """Append-only. ``confirmed`` are the SOP Instance UIDs that earlier runs stored at the same peer."""

    def __init__(self, path: str, peer: str) -> None:
        self._path = path
        self._peer = peer
        self._torn = 0  # bytes of a last line that a crash cut short
        self.confirmed = self._read()
        try:
            self._file: IO[str] = open(path, "a", encoding="utf-8", errors="backslashreplace")  # noqa: SIM115
            if self._torn:
                self._file.truncate(self._file.tell() - self._torn)  # or the next line would be spoilt with it
        except OSError as error:
            raise OutputError(f"cannot write journal {path}: {error.strerror}", path=path) from error

    def _read(self) -> set[str]:
        """Lines of other peers count for nothing here; a last line cut short by a crash is passed over."""
        confirmed: set[str] = set()
        with suppress(FileNotFoundError):
            try:
                with open(self._path, "rb") as file:
                    for number, line in enumerate(iter(lambda: file.readline(_LONGEST), b""), 1):
                        self._learn(line, number, confirmed)
            except FileNotFoundError:
                raise
            except OSError as error:
                raise InputError(f"cannot read journal {self._path}: {error.strerror}") from error
        return confirmed

    def _learn(self, line: bytes, number: int, confirmed: set[str]) -> None:
        if not line.endswith(b"\n") and line[: len(_BEGINNING)] == _BEGINNING[: len(line)]:
            self._torn = len(line)
            return
        try:
            entry = json.loads(line)
        except ValueError:
            entry = None
        if not isinstance(entry, dict):
            raise InputError(f"{self._path}, line {number}: not a journal of dcmnet")
        if entry.get("peer") == self._peer and entry.get("outcome") in (STORED, WARNED):
            confirmed.add(str(entry.get("sop_instance_uid")))

    def add(self, outcome: Outcome) -> None:
        """Write down one outcome. Raises OutputError: a transfer that cannot be written down stops."""
        entry = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "peer": self._peer,
            "outcome": outcome.kind,
            "sop_instance_uid": outcome.sop_instance_uid,
            "sop_class_uid": outcome.sop_class_uid,
            "status": None if outcome.status is None else f"{outcome.status:04X}",
            "reason": outcome.reason,
            "file": outcome.label,
        }
        try:
            self._file.write(json.dumps(entry) + "\n")
            self._file.flush()
        except OSError as error:
            raise OutputError(f"cannot write journal {self._path}: {error.strerror}", path=self._path) from error

    def close(self) -> None:
        """Close the file. What was added is in it already."""
        with suppress(OSError):  # of a line that could not be written: ``add`` has said so
            self._file.close()
