"""The queue of record events: each claimed for a time, in order within its case.

An event is claimed only when all earlier ones of its case were taken: one that waits or was given
up holds up those behind it, and no other case. A claim expires, so that another dispatcher sends
what a killed one had claimed; the receiver knows the copy by its id.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from safeguarding.taxonomy import Severity
from staff.records.event import NotTakenError, RecordEvent
from staff.records.outbox import FAILED, QUEUED, SENT, SKIPPED, UNSENT, record_events
from staff.records.settings import RecordSettings

LEASE = timedelta(seconds=60)
"""How long a claim lasts: several times what one event may take (adapters/adapter.py)."""
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=10)
TRIES = 150
"""About a day at the longest pause; then the event is a dead letter."""
PAGE = 500
"""Events that are looked at by one query."""
_row = record_events.c


def is_due(connection: Connection, now: datetime) -> bool:
    """Return whether an event can be claimed now."""
    return next(_due(connection, now), None) is not None


def claim(
    connection: Connection, settings: RecordSettings, by: str, now: datetime, limit: int
) -> list[RecordEvent]:
    """Claim at most `limit` events under a name, each of another case; the oldest first."""
    due = list(islice(_due(connection, now), limit))
    # Another dispatcher may have taken or sent some of them meanwhile. An earlier event of their
    # cases cannot have come: an event never waits again once it was taken.
    free = sa.select(_row.number).where(_row.number.in_(due), *_free(now))
    numbers = connection.execute(free.with_for_update(skip_locked=True))
    mine = _row.number.in_(list(numbers.scalars()))
    claimed = {"claimed_by": by, "claimed_until": now + LEASE}
    connection.execute(sa.update(record_events).where(mine).values(**claimed))
    query = sa.select(record_events).where(mine).order_by(_row.number)
    return [_event(row, settings) for row in connection.execute(query).mappings()]


def release(connection: Connection, by: str) -> None:
    """Give back what a claim still holds."""
    held = (_row.claimed_by == by) & (_row.status == QUEUED)
    free = {"claimed_by": None, "claimed_until": None}
    connection.execute(sa.update(record_events).where(held).values(**free))


def mark_sent(connection: Connection, event: RecordEvent, by: str, now: datetime) -> None:
    """Record that the system took an event. Doing so twice is harmless."""
    sent = {"status": SENT, "sent_at": now, "claimed_until": None, "error": None}
    connection.execute(sa.update(record_events).where(_held(event, by)).values(**sent))


def mark_failed(
    connection: Connection, event: RecordEvent, by: str, error: NotTakenError, now: datetime
) -> bool:
    """Try an event again later, or make it a dead letter; return whether it is one now."""
    attempts = event.attempts + 1
    over = error.for_good or attempts >= TRIES
    failed = {
        "status": FAILED if over else QUEUED,
        "attempts": attempts,
        "next_at": now + _pause(attempts),
        "claimed_by": None,
        "claimed_until": None,
        "error": error.kind,
    }
    changed = connection.execute(sa.update(record_events).where(_held(event, by)).values(**failed))
    return over and changed.rowcount > 0


def retry(connection: Connection, now: datetime, number: int | None = None) -> int:
    """Queue the dead letters again, or one of them; return how many."""
    fresh = {"status": QUEUED, "attempts": 0, "next_at": now, "error": None, "told_at": None}
    dead = sa.update(record_events).where(_dead(number)).values(**fresh)
    return connection.execute(dead).rowcount


def skip(connection: Connection, number: int) -> int:
    """Leave a dead letter out, so that later events of its case go; return whether there is one."""
    left_out = sa.update(record_events).where(_dead(number)).values(status=SKIPPED)
    return connection.execute(left_out).rowcount


def dead_letters(connection: Connection, *, untold: bool = False) -> list[RowMapping]:
    """Return the rows of the dead letters, or of those that administrators were not told of."""
    which = _dead(None) & (_row.told_at.is_(None) if untold else sa.true())
    query = sa.select(record_events).where(UNSENT, which).order_by(_row.number)
    return list(connection.execute(query).mappings())


def mark_told(connection: Connection, numbers: list[int], now: datetime) -> None:
    """Record that administrators were told of these dead letters."""
    told = sa.update(record_events).where(_row.number.in_(numbers)).values(told_at=now)
    connection.execute(told)


def _due(connection: Connection, now: datetime) -> Iterator[int]:
    """Yield the events that can be claimed now: each the first of its case that was not taken.

    They are found here and not by a condition: PostgreSQL compares each event with all others of
    its case in plans that take seconds when thousands wait.
    """
    seen: set[str] = set()
    can_go = sa.and_(*_free(now)).label("can_go")
    after = 0
    while True:
        query = sa.select(_row.number, _row.case_id, can_go).where(UNSENT, _row.number > after)
        page = connection.execute(query.order_by(_row.number).limit(PAGE)).all()
        for row in page:
            if row.case_id not in seen and row.can_go:
                yield row.number
            seen.add(row.case_id)
        if len(page) < PAGE:
            return
        after = page[-1].number


def _free(now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the conditions for an event that waits, whose time has come and that no one holds."""
    is_free = _row.claimed_until.is_(None) | _passed(_row.claimed_until, now, LEASE)
    return _row.status == QUEUED, _passed(_row.next_at, now, LONGEST_PAUSE), is_free


def _passed(at: sa.Column[datetime], now: datetime, longest: timedelta) -> sa.ColumnElement[bool]:
    # A time further ahead than we set any is of a clock that has been set back since.
    return (at <= now) | (at > now + 2 * longest)


def _held(event: RecordEvent, by: str) -> sa.ColumnElement[bool]:
    mine = (_row.number == event.number) & (_row.claimed_by == by)
    return mine & (_row.status == QUEUED)


def _dead(number: int | None) -> sa.ColumnElement[bool]:
    is_dead = _row.status == FAILED
    return is_dead if number is None else is_dead & (_row.number == number)


def _pause(attempts: int) -> timedelta:
    longest = min(FIRST_PAUSE * (1 << min(attempts - 1, 20)), LONGEST_PAUSE)
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads the load, guards nothing


def _event(row: RowMapping, settings: RecordSettings) -> RecordEvent:
    same = ("number", "id", "case_id", "kind", "at", "reference", "state", "area", "opened_at")
    more = ("raised_at", "closed_at", "merged_into", "facts", "message_id", "attempts")
    return RecordEvent(
        **{name: row[name] for name in (*same, *more)},
        link=settings.link(row["case_id"]),
        severity=Severity(row["severity"]),
        categories=tuple(row["categories"]),
        words_noted=row["words_at"] is not None,
    )
