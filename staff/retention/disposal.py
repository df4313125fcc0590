"""Disposes of cases: those whose clock has run out, and those that somebody has to have erased.

Each group goes in one transaction with its lines on the audit trail. A run that is killed leaves
whole groups; the next one goes on, completes the ledger and certifies both.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Connection, Engine

from safeguarding.clock import utc_now
from staff.audit import trail
from staff.audit.command_line import COMMAND_LINE
from staff.audit.trail import Event
from staff.cases.case import CaseStatus
from staff.cases.cases import UnknownCaseError
from staff.retention.certificate import certify, uncertified
from staff.retention.clocks import RetentionPeriods
from staff.retention.groups import CaseGroup, Due, due, is_due, locked, opened_at
from staff.retention.ledger import DISPOSED, ERASED, Ledger, LedgerEntry
from staff.retention.removal import remove, scrub
from storage.engine import READING


class Ground(str, Enum):
    """Why a case is erased: UK GDPR Article 17(1), or no case at all. Never rename one."""

    NO_LONGER_NEEDED = "no-longer-needed"
    CONSENT_WITHDRAWN = "consent-withdrawn"
    OBJECTION = "objection"
    UNLAWFUL = "unlawful"
    LEGAL_OBLIGATION = "legal-obligation"
    TEST_RECORD = "test-record"


class HeldError(Exception):
    """A legal hold keeps the case."""


class StillOpenError(Exception):
    """Somebody still has to look at the case."""


class InProgressError(Exception):
    """Its conversation may still go on."""


class Disposals:
    """Disposes of cases of one installation. Raises SQLAlchemyError, OSError, LedgerError."""

    def __init__(
        self,
        engine: Engine,
        state_dir: Path,
        operator: str,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        """Take a migrated database and the account of the machine that runs the command."""
        self._engine = engine
        self._state_dir = state_dir
        self._operator = operator
        self._now = now

    def due(self, clocks: RetentionPeriods) -> list[Due]:
        """What a run would dispose of now."""
        with self._engine.connect().execution_options(**READING) as connection:
            return list(due(connection, clocks, self._now()))

    def dispose(self, clocks: RetentionPeriods) -> int:
        """Dispose of all that is due; how many cases. Call `finish` afterwards."""
        run, gone = new_run(self._now()), 0
        for found in self.due(clocks):
            with self._engine.begin() as connection:
                group = locked(connection, found.group.case.id)
                # It may have been opened again, merged or held since it was listed.
                still = group and is_due(group, clocks, self._now())
                if group and still:
                    why = {"clock": still.clock.value, "due": still.since.isoformat()}
                    self._dispose_of(connection, group, DISPOSED, run, why)
                    gone += len(group.all)
        return gone

    def erase(
        self, case_id: str, ground: Ground, *, silence: timedelta, although_open: bool = False
    ) -> CaseGroup:
        """Erase a case with those merged into it. Call `finish` afterwards.

        `silence`: how long its conversation must have been silent, so that no message comes to a
        case that is gone. Raises UnknownCaseError, HeldError, StillOpenError, InProgressError.
        """
        with self._engine.begin() as connection:
            group = locked(connection, case_id)
            if group is None:
                raise UnknownCaseError
            if group.held:
                raise HeldError
            if group.case.status is CaseStatus.OPEN and not although_open:
                raise StillOpenError
            if self._now() - group.newest_at < silence:
                raise InProgressError
            self._dispose_of(
                connection, group, ERASED, new_run(self._now()), {"ground": ground.value}
            )
        return group

    def again(self, entries: Iterable[LedgerEntry]) -> int:
        """Dispose once more of what a restored copy still has of these; how many cases.

        A case that was opened after its entry is another one, and stays.
        """
        run = new_run(self._now())
        gone = 0
        for entry in entries:
            with self._engine.begin() as connection:
                gone += self._dispose_of_one(connection, entry, run)
        return gone

    def finish(self) -> tuple[list[Path], bool]:
        """Complete the ledger, certify every run that is not, and clean the database's files.

        Returns the certificates, and whether the files could be cleaned now.
        """
        paths = []
        with self._engine.connect().execution_options(**READING) as connection:
            Ledger.of(self._state_dir).catch_up(connection)
            waiting = uncertified(connection)
        for run, links in waiting.items():
            with self._engine.begin() as connection:
                paths.append(certify(connection, run, links, self._state_dir, self._now()))
        return paths, scrub(self._engine)

    def _dispose_of(
        self, connection: Connection, group: CaseGroup, what: str, run: str, why: dict[str, Any]
    ) -> None:
        rows = remove(connection, [case.id for case in group.all], self._now())
        head = group.case
        shared = {"run": run, "operator": self._operator, "severity": head.severity.label} | why
        events = []
        for case in group.all:
            detail = shared | {
                "reference": case.reference,
                "opened": case.opened_at.isoformat(),
                "closed": None if head.closed_at is None else head.closed_at.isoformat(),
            }
            own = {"rows": rows} if case is head else {"with": head.reference}
            events.append(Event(self._now(), COMMAND_LINE, what, case.id, detail=detail | own))
        trail.append_all(connection, events)

    def _dispose_of_one(self, connection: Connection, entry: LedgerEntry, run: str) -> int:
        found = opened_at(connection, entry.case_id)
        if found is None or found > entry.moment:
            return 0
        rows = remove(connection, [entry.case_id], self._now())
        detail = {
            "run": run,
            "operator": self._operator,
            "reference": entry.reference,
            "again": entry.at,
            "first_run": entry.run,
            "rows": rows,
        }
        event = Event(self._now(), COMMAND_LINE, entry.what, entry.case_id, detail=detail)
        trail.append(connection, event)
        return 1


def new_run(now: datetime) -> str:
    """The name of a run: when it began, and letters that tell it from others."""
    return f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
