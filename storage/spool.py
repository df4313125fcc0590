"""The spool: where messages to hand over wait, sealed, while the database cannot be written.

A part of the disk is reserved for it: files of fixed size, made while there is room. On a full disk
a record is written *into* such a file, over space that is taken already: were it given back first,
whatever else writes to the disk, a SQLite database above all, would be quicker. A file system that
never writes in place (btrfs, ZFS) keeps no such promise (docs/faults.md).

The name of a file says how severe its message is and of which area (storage/spooled_file.py), so
that staff can be alerted while no one can open it. All that was written is sealed.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import logging
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType

from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError

from safeguarding.escalation import Escalation
from safeguarding.settings import Settings
from safeguarding.taxonomy import Severity
from storage.handoffs import HandoffMailbox
from storage.spooled_file import (
    SUFFIX,
    SpooledFile,
    files_in,
    read_name,
    told_of,
    with_assessment,
)
from storage.vault import Vault, VaultError

logger = logging.getLogger(__name__)

SIZES: Mapping[int, int] = MappingProxyType({16 * 1024: 1024, 64 * 1024: 64, 512 * 1024: 4})
"""Bytes of a reserved file, and how many there are: 22 MiB, about a thousand usual records."""
_LEFT_TO_OTHERS = 2
"""Nothing is reserved unless this many times the whole reserve stays free."""
_LONGEST_NAME = 150
"""Characters of the longest name that a record or its draft has."""
_SAFE_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PROBE_BYTES = 4096
_FULL = {errno.ENOSPC, errno.EDQUOT}


class Spool:
    """A folder of sealed escalations, one file each. Several processes may share it."""

    def __init__(self, folder: Path, vault: Vault) -> None:
        """Take the folder; it is made when the first file is kept."""
        self._folder = folder
        self._vault = vault
        self._reserve = Reserve(folder / ".reserve")
        self._reported: set[str] = set()

    @classmethod
    def of(cls, settings: Settings, vault: Vault) -> Spool:
        """Return the spool of this installation: a folder of its state."""
        return cls(folder_of(settings), vault)

    def keep(self, escalation: Escalation) -> None:
        """Write the escalation so that it survives a crash. Raises OSError when it cannot."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        stem = _stem(escalation.message_id)
        record = json.dumps(escalation.as_record())
        envelope = self._vault.seal(record, table="spool", row=stem, column="escalation")
        draft = self._folder / f".{stem}.{secrets.token_hex(8)}.draft"
        try:
            self._write(draft, envelope.encode("ascii"))
            _publish(draft, f"{stem}.{told_of(escalation)}")
        finally:
            draft.unlink(missing_ok=True)
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def reserve(self) -> None:
        """Reserve what is missing of the space for a full disk. Raises OSError without room."""
        self._reserve.restore()

    def probe(self) -> None:
        """Write a small file and remove it, and look whether all space is reserved.

        Raises OSError when the disk is full, or was and still has no room for a reserve; and when
        it cannot be written.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        place = self._folder / f".{secrets.token_hex(8)}.probe"
        try:
            _write(place, bytes(_PROBE_BYTES), os.O_CREAT | os.O_EXCL)
        finally:
            place.unlink(missing_ok=True)
        if not self._reserve.complete():
            raise _no_space()

    def waiting(self) -> list[Path]:
        """Return the files that wait, in the order of their names."""
        return files_in(self._folder)

    def listed(self) -> list[SpooledFile]:
        """Return what waits, without opening it, in the order of the names.

        Raises OSError when the folder cannot be read; one that is not there holds nothing.
        """
        found = []
        with suppress(FileNotFoundError), os.scandir(self._folder) as entries:
            for entry in entries:
                if entry.name.endswith(SUFFIX):
                    with suppress(FileNotFoundError):  # another process took it in
                        found.append(read_name(entry.name, entry.stat().st_mtime))
        return sorted(found, key=lambda each: each.name)

    def read(self, name: str) -> Escalation:
        """Return the message of a file, which stays.

        Raises OSError (FileNotFoundError if it was taken in), VaultError, ValueError, KeyError and
        TypeError.
        """
        return self._read(self._folder / name)

    def note_assessment(self, file: SpooledFile, severity: Severity | None) -> bool:
        """Let the name of an unassessed file say what was found; None: it cannot be assessed.

        What the file holds stays as it is: the mailbox still has the message assessed. Returns
        False if the file was taken in meanwhile. Raises OSError.
        """
        try:
            (self._folder / file.name).rename(self._folder / with_assessment(file.name, severity))
        except FileNotFoundError:
            return False
        return True

    def drain(self, mailbox: HandoffMailbox) -> int:
        """Append what waits to the mailbox, the oldest first; return how many files were taken in.

        Appending twice is harmless, so a crash on the way loses and doubles nothing. A file that
        cannot be read stays and is reported; it does not stop the rest. Does nothing while
        another process drains.
        """
        if not self.waiting():
            return 0
        taken = 0
        with locked(self._folder / ".lock") as mine:
            for path in self._oldest_first() if mine else []:
                try:
                    taken += self._take(path, mailbox)
                except (OperationalError, InterfaceError):
                    logger.warning("spool.database_unavailable waiting=%d", len(self.waiting()))
                    break
        return taken

    def _write(self, draft: Path, content: bytes) -> None:
        try:
            _write(draft, content, os.O_CREAT | os.O_EXCL)
        except OSError as error:
            draft.unlink(missing_ok=True)
            if error.errno not in _FULL or not self._reserve.take(content, draft):
                raise

    def _oldest_first(self) -> list[Path]:
        aged = []
        for path in self.waiting():
            with suppress(FileNotFoundError):  # it has another name now
                aged.append((path.stat().st_mtime_ns, path))
        return [path for _, path in sorted(aged)]

    def _take(self, path: Path, mailbox: HandoffMailbox) -> bool:
        """Append a file to the mailbox; one that gets another name meanwhile is for next time."""
        try:
            mailbox.append(self._read(path))
        except FileNotFoundError:
            return False
        except (VaultError, ValueError, KeyError, TypeError, OSError) as error:
            self._report("unreadable", path, error)
            return False
        except (OperationalError, InterfaceError):
            raise
        except SQLAlchemyError as error:
            self._report("not_recorded", path, error)
            return False
        path.unlink(missing_ok=True)
        return True

    def _report(self, what: str, path: Path, error: Exception) -> None:
        """Report a stuck file once in a process: draining comes round every few seconds."""
        if path.name not in self._reported:
            self._reported.add(path.name)
            logger.error("spool.%s file=%s kind=%s", what, path.name, type(error).__name__)

    def _read(self, path: Path) -> Escalation:
        envelope = path.read_text(encoding="ascii").rstrip("\0")
        row = path.name.partition(".")[0]
        record = self._vault.open(envelope, table="spool", row=row, column="escalation")
        return Escalation.from_record(json.loads(record))


class Reserve:
    """A folder of files that hold nothing. Several processes may share it."""

    def __init__(self, folder: Path, sizes: Mapping[int, int] = SIZES) -> None:
        """Take the folder, inside that of the records; it is made when space is first reserved."""
        self._folder = folder
        self._sizes = sizes

    def complete(self) -> bool:
        """Return whether every file is there."""
        return not any(self._missing())

    def restore(self) -> None:
        """Make the files that are missing. Raises OSError when there is no room for them.

        Does nothing while another process does it.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.complete():
            return
        with locked(self._folder / ".lock") as mine:
            if mine:
                self._allocate(list(self._missing()))

    def take(self, content: bytes, target: Path) -> bool:
        """Write `content`, padded with NUL, to `target` in the place of a reserved file.

        False when none is large enough. `target` is on the same file system. Raises OSError.
        """
        for size in sorted(self._sizes):
            for number in range(self._sizes[size]) if size >= len(content) else ():
                with suppress(FileNotFoundError):  # used up, or another process was quicker
                    self._place(size, number).rename(target)
                    _write(target, content)
                    return True
        return False

    def _allocate(self, missing: list[tuple[Path, int]]) -> None:
        whole = sum(size * number for size, number in self._sizes.items())
        wanted = sum(size for _, size in missing)
        # Never the last of the space: that would fill the disk for all other programs.
        if shutil.disk_usage(self._folder).free < wanted + _LEFT_TO_OTHERS * whole:
            raise _no_space()
        # All are made where the records will be, under names as long: a directory is a file as
        # well, and on a full disk it could not grow. ext4 leaves it as large as it once was.
        drafts = {place: self._draft(place) for place, _ in missing}
        try:
            for place, size in missing:
                descriptor = os.open(drafts[place], os.O_WRONLY | os.O_CREAT, 0o600)
                try:
                    os.posix_fallocate(descriptor, 0, size)
                finally:
                    os.close(descriptor)
            for place, draft in drafts.items():
                draft.rename(place)
        finally:
            for draft in drafts.values():
                draft.unlink(missing_ok=True)

    def _draft(self, place: Path) -> Path:
        return self._folder.parent / f".{place.name}.draft".ljust(_LONGEST_NAME, "_")

    def _missing(self) -> Iterator[tuple[Path, int]]:
        there = {place.name for place in self._folder.glob("*")}
        for size, number in self._sizes.items():
            places = (self._place(size, each) for each in range(number))
            yield from ((place, size) for place in places if place.name not in there)

    def _place(self, size: int, number: int) -> Path:
        return self._folder / f"{size}-{number:04}"


def folder_of(settings: Settings) -> Path:
    """Return the folder of the spool of this installation."""
    return settings.state_dir / "spool"


@contextmanager
def locked(place: Path) -> Iterator[bool]:
    """Yield whether this process alone has the lock now, without waiting for it."""
    with place.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _stem(message_id: str) -> str:
    if _SAFE_NAME.fullmatch(message_id):
        return message_id
    return hashlib.sha256(message_id.encode("utf-8", "surrogatepass")).hexdigest()


def _write(path: Path, content: bytes, flags: int = 0) -> None:
    """Write the file through to the disk; without O_CREAT in `flags`, over an existing one."""
    descriptor = os.open(path, os.O_WRONLY | flags, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _publish(draft: Path, name: str) -> None:
    """Give the draft a name that no file has: what another process kept is never overwritten."""
    with suppress(OSError):
        (draft.parent / f"{name}{SUFFIX}").hardlink_to(draft)
        return
    draft.rename(draft.parent / f"{name}.{secrets.token_hex(8)}{SUFFIX}")


def _no_space() -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
