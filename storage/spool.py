"""The spool: where messages to hand over wait, sealed, while the database cannot be written."""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import re
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError

from safeguarding.escalation import Escalation, Handoff
from safeguarding.settings import Settings
from storage.reserve import Reserve, locked, no_space
from storage.vault import Vault, VaultError

logger = logging.getLogger(__name__)

_SAFE_NAME = re.compile(r"[A-Za-z0-9_-]{1,120}")
_SUFFIX = ".v1"
_RESERVE = ".reserve"
_PROBE_BYTES = 4096
_FULL = {errno.ENOSPC, errno.EDQUOT}


class Mailbox(Protocol):
    """What keeps a hand-off for good: `storage.handoffs.HandoffMailbox`."""

    def append(self, handoff: Handoff, /) -> bool:
        """Append a row; True when it was not there before. Raises when it cannot."""


class Spool:
    """A folder of sealed escalations, one file each. Several processes may share it."""

    def __init__(self, folder: Path, vault: Vault) -> None:
        """Take the folder; it is made when the first file is kept."""
        self._folder = folder
        self._vault = vault
        self._reserve = Reserve(folder / _RESERVE)
        self._reported: set[str] = set()

    @classmethod
    def of(cls, settings: Settings, vault: Vault) -> Spool:
        """The spool of this installation: a folder of its state."""
        return cls(settings.state_dir / "spool", vault)

    def keep(self, escalation: Escalation) -> None:
        """Write the escalation so that it survives a crash. Raises OSError when it cannot."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        stem = _stem(escalation.message_id)
        record = json.dumps(escalation.as_record())
        envelope = self._vault.seal(record, table="spool", row=stem, column="escalation")
        draft = self._folder / f".{stem}.{secrets.token_hex(8)}.draft"
        try:
            self._write(draft, envelope.encode("ascii"))
            _publish(draft, stem)
        finally:
            draft.unlink(missing_ok=True)
        _sync(self._folder)

    def reserve(self) -> None:
        """Set space aside for the day when the disk is full; what is there already stays.

        Raises OSError when there is none to set aside.
        """
        self._reserve.restore()

    def probe(self) -> None:
        """Write a small file and remove it, and look whether all that should be reserved is.

        Raises OSError when the disk is full, or was and still has no room for a reserve; and when
        it cannot be written.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        place = self._folder / f".{secrets.token_hex(8)}.probe"
        try:
            _write(place, bytes(_PROBE_BYTES))
        finally:
            place.unlink(missing_ok=True)
        if not self._reserve.complete():
            raise no_space()

    def waiting(self) -> list[Path]:
        """The files that wait, in the order of their names."""
        return sorted(self._folder.glob(f"*{_SUFFIX}"))

    def drain(self, mailbox: Mailbox) -> int:
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

    def _oldest_first(self) -> list[Path]:
        return sorted(self.waiting(), key=lambda path: path.stat().st_mtime_ns)

    def _write(self, draft: Path, content: bytes) -> None:
        try:
            _write(draft, content)
        except OSError as error:
            draft.unlink(missing_ok=True)
            if error.errno not in _FULL or not self._reserve.take(content, draft):
                raise

    def _take(self, path: Path, mailbox: Mailbox) -> bool:
        try:
            mailbox.append(self._read(path))
        except (VaultError, ValueError, KeyError, TypeError, OSError) as error:
            self._report("unreadable", path, error)
            return False
        except (OperationalError, InterfaceError):
            raise
        except SQLAlchemyError as error:
            self._report("not_recorded", path, error)
            return False
        path.unlink()
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


def _stem(message_id: str) -> str:
    if _SAFE_NAME.fullmatch(message_id):
        return message_id
    return hashlib.sha256(message_id.encode("utf-8", "surrogatepass")).hexdigest()


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _publish(draft: Path, stem: str) -> None:
    """Give the draft a name that no file has: what another process kept is never overwritten."""
    with suppress(OSError):
        (draft.parent / f"{stem}{_SUFFIX}").hardlink_to(draft)
        return
    draft.rename(draft.parent / f"{stem}.{secrets.token_hex(8)}{_SUFFIX}")


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
