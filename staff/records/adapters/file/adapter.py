"""Writes each event as a line of JSON into a folder, for a system that has no door.

Files are named `000000000001-<id of the event>.jsonl`. A file appears whole or not at all, and the
numbers have no gap, so that a missing file can be noticed. If the dispatcher is killed between the
file and the database, it writes the event again: under the same name, or under a new number if
other events came between. The id in the name shows the copy. The importer may move or delete files.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec

from safeguarding.state_folder import write_whole
from staff.records.adapters.adapter import Adapter
from staff.records.event import NotTakenError, RecordEvent, record_of
from staff.records.settings import RecordSettings, folder_of

LONGEST_WAIT_S, _TRIES_EVERY_S = 5.0, 0.05
"""How long to wait for another dispatcher that writes, and how often to look, in seconds."""
_DIGITS = 12
_FOR_THE_IMPORTER = 0o640
"""The group of the folder may read a file, whatever the umask of the service."""


class LastWritten(msgspec.Struct, frozen=True):
    """What `.last` in the folder holds: the newest number and the event that has it."""

    number: int = 0
    id: str = ""


def adapter(settings: RecordSettings) -> Adapter:
    """Return the function that writes an event."""
    return RecordFolder(folder_of(settings.url)).take


class RecordFolder:
    """A folder on this machine. Several dispatchers may write into it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._last = folder / ".last"

    def take(self, event: RecordEvent) -> None:
        """Write it through to the disk. Raises NotTakenError."""
        try:
            with self._alone():
                self._write(event)
        except (OSError, msgspec.MsgspecError) as error:
            raise NotTakenError(type(error).__name__) from None

    def _write(self, event: RecordEvent) -> None:
        last = self._read()
        number = last.number if last.id == event.id else last.number + 1
        # First the number: with an event that is never written it would be used twice.
        last_written = msgspec.json.encode(LastWritten(number, event.id))
        write_whole(self._last, last_written, _FOR_THE_IMPORTER)
        name = f"{number:0{_DIGITS}}-{event.id}.jsonl"
        line = msgspec.json.encode(record_of(event)) + b"\n"
        write_whole(self._folder / name, line, _FOR_THE_IMPORTER)

    def _read(self) -> LastWritten:
        try:
            return msgspec.json.decode(self._last.read_bytes(), type=LastWritten)
        except FileNotFoundError:
            return LastWritten()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Wait for another dispatcher, which holds the lock only while it writes one file.

        Raises TimeoutError after LONGEST_WAIT_S: the other one may be frozen.
        """
        with (self._folder / ".lock").open("w") as lock:
            limit = time.monotonic() + LONGEST_WAIT_S
            while not _is_locked(lock):
                if time.monotonic() > limit:
                    raise TimeoutError
                time.sleep(_TRIES_EVERY_S)
            yield


def _is_locked(lock: IO[str]) -> bool:
    """Lock the file if no one else holds it; return whether that was so."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
