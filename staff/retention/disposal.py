"""Disposes of cases: those whose clock has run out, and those that must be erased.

Each group is deleted in one transaction with its events on the audit trail, which stays: it holds
ids and labels. A run that is killed leaves whole groups; the next run continues, completes the
ledger and certifies both.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from safeguarding.clock import utc_now
from staff.alerts.outbox import forget
from staff.audit import trail
from staff.audit.trail import COMMAND_LINE, Event
from staff.cases.case import CaseStatus
from staff.cases.cases import UnknownCaseError
from staff.cases.tables import cases, live_messages
from staff.records import outbox
from staff.retention.clocks import CaseGroup, Due, RetentionPeriods, due, is_due, locked
from staff.retention.ledger import DISPOSED, ERASED, Ledger, LedgerEntry, certify, uncertified
from storage import handoffs, replies
from storage.engine import READING, metadata


class Ground(str, Enum):
    """Why a case is erased: a ground of UK GDPR Article 17(1), or a test. Never rename one."""

    NO_LONGER_NEEDED = "no-longer-needed"
    CONSENT_WITHDRAWN = "consent-withdrawn"
    OBJECTION = "objection"
    UNLAWFUL = "unlawful"
    LEGAL_OBLIGATION = "legal-obligation"
    TEST_RECORD = "test-record"


class HeldError(Exception):
    """The case is under a legal hold."""


class StillOpenError(Exception):
    """The case is open."""


class InProgressError(Exception):
    """The conversation may still go on."""


class Disposals:
    """Disposes of cases of one installation. Raises SQLAlchemyError, OSError, LedgerError."""

    def __init__(
        self,
        engine: Engine,
        state_dir: Path,
        operator: str,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        """`operator` is the account of the machine that runs the command."""
        self._engine = engine
        self._state_dir = state_dir
        self._operator = operator
        self._now = now

    def due(self, clocks: RetentionPeriods) -> list[Due]:
        """Return what a run would dispose of now."""
        with self._engine.connect().execution_options(**READING) as connection:
            return list(due(connection, clocks, self._now()))

    def dispose(self, clocks: RetentionPeriods) -> int:
        """Dispose of all groups that are due; return how many cases. Call `finish` afterwards."""
        run, count = new_run(self._now()), 0
        for listed in self.due(clocks):
            with self._engine.begin() as connection:
                group = locked(connection, listed.group.case.id)
                # It may have been reopened, merged or held since it was listed.
                still = group and is_due(group, clocks, self._now())
                if group and still:
                    why = {"clock": still.clock.value, "due": still.since.isoformat()}
                    self._dispose_of(connection, group, DISPOSED, run, why)
                    count += len(group.all)
        return count

    def erase(
        self, case_id: str, ground: Ground, *, silence: timedelta, although_open: bool = False
    ) -> CaseGroup:
        """Erase a case with those merged into it. Call `finish` afterwards.

        `silence`: how long the conversation must have been silent, so that no message arrives for
        a case that is gone. Raises UnknownCaseError, HeldError, StillOpenError, InProgressError.
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
        """Dispose again of those cases that a restored copy still has; return how many.

        A case that was opened after its entry is another one, and is kept.
        """
        run, count = new_run(self._now()), 0
        for entry in entries:
            own = sa.select(cases.c.opened_at).where(cases.c.id == entry.case_id)
            with self._engine.begin() as connection:
                opened = connection.execute(own.with_for_update()).scalar_one_or_none()
                if opened is None or opened > entry.moment:
                    continue
                detail = {
                    "run": run,
                    "operator": self._operator,
                    "reference": entry.reference,
                    "again": entry.at,
                    "first_run": entry.run,
                    "rows": remove(connection, [entry.case_id], self._now()),
                }
                event = Event(self._now(), COMMAND_LINE, entry.what, entry.case_id, detail=detail)
                trail.append(connection, event)
                count += 1
        return count

    def finish(self) -> tuple[list[Path], bool]:
        """Complete the ledger, certify every uncertified run, and clean the database's files.

        Return the certificates, and whether the files could be cleaned now.
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


def new_run(now: datetime) -> str:
    """Return a new name of a run: when it began, and random letters."""
    return f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"


def belonging() -> list[sa.Column[str]]:
    """Return the columns of all tables that refer to a case.

    A table that a later feature adds to cases is thereby deleted with them.
    """
    tables = (table for table in reversed(metadata.sorted_tables) if table is not cases)
    return [
        key.parent for table in tables for key in table.foreign_keys if key.column.table is cases
    ]


def remove(connection: Connection, case_ids: Collection[str], at: datetime) -> dict[str, int]:
    """Delete these locked cases with their words and data keys; return the rows deleted by table.

    A case that was merged into one of them and is not among them becomes a case of its own. Rows
    that wait in the hand-off mailbox for these cases lose their words too; a message that was
    handed over after a case's newest one opens a new case.
    """
    mine = sa.select(cases.c.conversation_id, cases.c.newest_at).where(cases.c.id.in_(case_ids))
    discarded = sum(
        handoffs.discard(connection, row.conversation_id, row.newest_at, at)
        for row in connection.execute(mine).all()
    )
    counts: Counter[str] = Counter()
    # Staff write to another conversation where an older case was opened in it by its letterbox.
    spoken = sa.select(live_messages.c.id).where(live_messages.c.case_id.in_(case_ids))
    row = replies.replies
    waiting = connection.execute(sa.delete(row).where(row.c.key.in_(spoken)))
    for column in belonging():
        counts[column.table.name] += _delete(connection, column, case_ids)
    counts["handoffs"] = discarded
    counts["replies"] = waiting.rowcount + replies.forget(connection, case_ids)
    counts["alerts"] = sum(forget(connection, each) for each in case_ids)
    counts["record_events"] = sum(outbox.forget(connection, each) for each in case_ids)
    merged = cases.c.merged_into.in_(case_ids)
    connection.execute(sa.update(cases).where(merged).values(merged_into=None))
    counts["cases"] = _delete(connection, cases.c.id, case_ids)
    return {name: count for name, count in sorted(counts.items()) if count}


def scrub(engine: Engine) -> bool:
    """Remove deleted rows from the database's files; return False while the database is in use.

    SQLite overwrites deleted rows (`secure_delete`), but keeps older pages in its write-ahead log
    until that is emptied. PostgreSQL keeps deleted rows until VACUUM, and their bytes until the
    table is rewritten: that is done for the keys, without which the rest cannot be decrypted, and
    for the mailboxes, which the key ring seals. A gateway that appends meanwhile uses its spool.
    """
    if engine.dialect.name == "sqlite":
        connection = engine.raw_connection()
        try:
            cursor = connection.cursor()
            busy, _, _ = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return not busy
        finally:
            connection.close()
    names = sorted({column.table.name for column in belonging()} | {cases.name})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as autocommit:
        autocommit.exec_driver_sql("SET statement_timeout = 0")
        try:
            autocommit.exec_driver_sql("VACUUM (FULL) data_keys, handoffs, replies")
            autocommit.exec_driver_sql(f"VACUUM {', '.join(names)}")
        except sa.exc.OperationalError:  # another connection holds a lock for longer than we wait
            return False
        finally:
            autocommit.invalidate()  # the pool must not hand out a connection without a timeout
    return True


def _delete(connection: Connection, column: sa.Column[str], values: Collection[str]) -> int:
    return connection.execute(sa.delete(column.table).where(column.in_(values))).rowcount
