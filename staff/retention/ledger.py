"""The ledger and the certificates: records of disposals outside the database.

Both are made from the audit trail. The ledger has one line of JSON for each case, chained by
SHA-256 like the audit trail, so that a restored copy learns which cases are gone; keep a copy of it
apart from the database, with the keys. Each run has a certificate, a file whose digest is on the
audit trail; a run that was cut off is certified by the next one.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Connection

from safeguarding.state_folder import write_whole
from staff.audit import trail
from staff.audit.trail import FIRST_LINK, Event, Link

FOLDER = "disposals"
"""The folder of the ledger and the certificates, in the state folder."""
DISPOSED = "disposed of"
ERASED = "erased"
"""The events on the audit trail: the clock had run out, or erasure was requested."""
CERTIFIED = "disposal certified"
CERTIFICATE = "lantern disposal certificate 1"
"""The kind of a certificate. Its number rises when a reader of older ones could misread it."""


class LedgerError(ValueError):
    """The ledger was changed. Says in which line."""


@dataclass(frozen=True)
class LedgerEntry:
    """One case that was disposed of."""

    case_id: str
    reference: str
    what: str
    """DISPOSED or ERASED."""
    run: str
    at: str
    """When, in UTC, as ISO 8601."""

    @property
    def moment(self) -> datetime:
        """The time as a datetime with its time zone."""
        return datetime.fromisoformat(self.at)

    @classmethod
    def of(cls, link: Link) -> LedgerEntry:
        """Return the entry for an event of the audit trail."""
        event = link.event
        detail = event.detail
        return cls(
            event.case_id or "", detail["reference"], event.what, detail["run"],
            event.at.isoformat(timespec="microseconds"),
        )  # fmt: skip


class Ledger:
    """The ledger file of an installation. Several processes may share it."""

    NAME = "ledger.jsonl"

    def __init__(self, path: Path) -> None:
        """`path` is the file, which is created with the first entry."""
        self.path = path

    @classmethod
    def of(cls, state_dir: Path) -> Ledger:
        """Return the ledger of the installation in this state folder."""
        return cls(state_dir / FOLDER / cls.NAME)

    def entries(self) -> list[LedgerEntry]:
        """Return all entries, oldest first, without a last line that a crash cut off.

        Raises LedgerError when a line was changed, removed or inserted.
        """
        return [entry for entry, _ in self._chained()]

    def catch_up(self, connection: Connection) -> int:
        """Add the disposals that only the audit trail has; return how many. Raises OSError."""
        return self._add(LedgerEntry.of(link) for link in _disposals(connection))

    def _add(self, entries: Iterable[LedgerEntry]) -> int:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            chained = self._chained()
            known = {(entry.run, entry.case_id) for entry, _ in chained}
            new = [entry for entry in entries if (entry.run, entry.case_id) not in known]
            link = chained[-1][1] if chained else FIRST_LINK
            # A crash may have left half a line at the end: it is overwritten.
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
            content = self.path.read_bytes()
        except FileNotFoundError:
            return []
        entries: list[tuple[LedgerEntry, str]] = []
        before = FIRST_LINK
        for number, line in enumerate(content[: _whole(content)].splitlines(), 1):
            try:
                record = json.loads(line)
                link = record.pop("link")
                entry = LedgerEntry(**record)
            except (ValueError, KeyError, TypeError, AttributeError):
                raise LedgerError(f"line {number} of {self.path} cannot be read") from None
            if link != _link(before, entry):
                raise LedgerError(f"line {number} of {self.path} is not what was written")
            entries.append((entry, link))
            before = link
        return entries


def uncertified(connection: Connection) -> dict[str, list[Link]]:
    """Return the runs without a certificate, with their events, oldest first."""
    done = {link.event.detail["run"] for link in trail.of_kind(connection, CERTIFIED)}
    runs: dict[str, list[Link]] = {}
    for link in _disposals(connection):
        if (run := link.event.detail["run"]) not in done:
            runs.setdefault(run, []).append(link)
    return runs


def certify(
    connection: Connection, run: str, links: Sequence[Link], state_dir: Path, now: datetime
) -> Path:
    """Write the certificate of a run, then record its digest. Raises OSError.

    It says who disposed of what, when and why, and which events say so. After a crash between the
    two, the next call writes the same bytes again.
    """
    lines = "\n".join(sorted(link.event.detail["reference"] for link in links))
    references = hashlib.sha256(lines.encode()).hexdigest()
    certificate = {
        "kind": CERTIFICATE,
        "run": run,
        "by": links[0].event.who,
        "began": links[0].event.at.isoformat(),
        "ended": links[-1].event.at.isoformat(),
        "count": len(links),
        "references_sha256": references,
        "cases": [_line(link) for link in links],
    }
    content = (json.dumps(certificate, indent=1, sort_keys=True) + "\n").encode()
    path = state_dir / FOLDER / f"{run}.json"
    write_whole(path, content)
    detail = {
        "run": run,
        "count": len(links),
        "digest": hashlib.sha256(content).hexdigest(),
        "references": references,
    }
    trail.append(connection, Event(now, links[0].event.who, CERTIFIED, detail=detail))
    return path


def _disposals(connection: Connection) -> list[Link]:
    """Return the events of all disposals, oldest first."""
    events = [*trail.of_kind(connection, DISPOSED), *trail.of_kind(connection, ERASED)]
    return sorted(events, key=lambda link: link.id)


def _line(link: Link) -> dict[str, Any]:
    detail = {name: value for name, value in link.event.detail.items() if name != "run"}
    event = {"case_id": link.event.case_id, "what": link.event.what, "event": link.id}
    return detail | event | {"link": link.link}


def _link(before: str, entry: LedgerEntry) -> str:
    plain = json.dumps(asdict(entry), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{before}\n{plain}".encode()).hexdigest()


def _whole(content: bytes) -> int:
    """Return the number of bytes up to the end of the last whole line."""
    return content.rfind(b"\n") + 1
