"""The ledger: what was disposed of, outside the database, so that a restored copy learns of it.

One line of JSON a case, chained by SHA-256 like the audit trail, which it follows: whatever the
trail knows and the ledger does not is added. Keep a copy apart from the database, with the keys.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy.engine import Connection

from staff.audit import trail
from staff.audit.trail import FIRST_LINK, Link

FOLDER = "disposals"
"""Below the state folder: the ledger and the certificates."""
DISPOSED = "disposed of"
ERASED = "erased"
"""What was done to a case, on the trail: its clock had run out, or somebody asked for it."""


class LedgerError(ValueError):
    """The ledger is not what was written. Says where."""


@dataclass(frozen=True)
class LedgerEntry:
    """One case that is gone."""

    case_id: str
    reference: str
    what: str
    """DISPOSED or ERASED."""
    run: str
    at: str
    """When, in UTC, as ISO 8601."""

    @property
    def moment(self) -> datetime:
        """When, with its time zone."""
        return datetime.fromisoformat(self.at)

    @classmethod
    def of(cls, link: Link) -> LedgerEntry:
        """What an event of the trail says."""
        event = link.event
        detail = event.detail
        return cls(
            event.case_id or "", detail["reference"], event.what, detail["run"],
            event.at.isoformat(timespec="microseconds"),
        )  # fmt: skip


class Ledger:
    """The file of this installation. Several processes may share it."""

    NAME = "ledger.jsonl"
    """In its folder."""

    def __init__(self, path: Path) -> None:
        """Take its path; it is made with the first entry."""
        self._path = path

    @classmethod
    def of(cls, state_dir: Path) -> Ledger:
        """The ledger of an installation."""
        return cls(state_dir / FOLDER / cls.NAME)

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self._path

    def entries(self) -> list[LedgerEntry]:
        """All of it, oldest first; of a line that was cut off by a crash, nothing.

        Raises LedgerError when a line was changed, left out or put in.
        """
        return [entry for entry, _ in self._chained()]

    def catch_up(self, connection: Connection) -> int:
        """Add what the audit trail knows and the ledger does not; how many cases. OSError."""
        gone = [*trail.of_kind(connection, DISPOSED), *trail.of_kind(connection, ERASED)]
        return self._add(LedgerEntry.of(link) for link in sorted(gone, key=lambda link: link.id))

    def _add(self, entries: Iterable[LedgerEntry]) -> int:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            chained = self._chained()
            known = {(entry.run, entry.case_id) for entry, _ in chained}
            new = [entry for entry in entries if (entry.run, entry.case_id) not in known]
            link = chained[-1][1] if chained else FIRST_LINK
            # After a crash the last line may be half of one: it is written again.
            file.truncate(_whole(file.read()))
            file.seek(0, os.SEEK_END)
            for entry in new:
                link = _link(link, entry)
                file.write((json.dumps(asdict(entry) | {"link": link}) + "\n").encode())
            file.flush()
            os.fsync(file.fileno())
        return len(new)

    def _chained(self) -> list[tuple[LedgerEntry, str]]:
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return []
        found: list[tuple[LedgerEntry, str]] = []
        before = FIRST_LINK
        for number, line in enumerate(content[: _whole(content)].splitlines(), 1):
            try:
                record = json.loads(line)
                link = record.pop("link")
                entry = LedgerEntry(**record)
            except (ValueError, KeyError, TypeError, AttributeError):
                raise LedgerError(f"line {number} of {self._path} cannot be read") from None
            if link != _link(before, entry):
                raise LedgerError(f"line {number} of {self._path} is not what was written")
            found.append((entry, link))
            before = link
        return found


def _link(before: str, entry: LedgerEntry) -> str:
    plain = json.dumps(asdict(entry), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{before}\n{plain}".encode()).hexdigest()


def _whole(content: bytes) -> int:
    """How many bytes end with the end of a line."""
    return content.rfind(b"\n") + 1
