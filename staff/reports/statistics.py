"""What is counted about cases: how many of which kind, and how long they waited.

Asks for labels and times alone, opens nothing, and hides small numbers (`suppression`).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from statistics import quantiles
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from staff.alerts.outbox import SUPERSEDED
from staff.alerts.tables import alerts
from staff.audit.tables import audit_events
from safeguarding.clock import LONDON, utc_now
from storage.engine import READING
from staff.cases.case import CaseStatus, CaseEvent
from staff.cases.cases import CaseFilter
from staff.cases.case import look_by
from staff.reports.suppression import SMALLEST, FigureTable, told
from staff.cases.tables import cases, reviews
from safeguarding.taxonomy import Severity

IN_TIME, LATE, NOT_YET = "in_time", "late", "not_yet"
"""Rows of the tables about deadlines: kept, missed, not yet over."""
OPEN = "open"
"""Row of the outcomes: no outcome yet."""
WEEKS_UP_TO = 100
"""Days of a period that is still counted by week; a longer one is counted by month."""
_HOUR = {"sqlite": "%Y-%m-%dT%H", "postgresql": 'YYYY-MM-DD"T"HH24'}


@dataclass(frozen=True)
class Period:
    """Whole days in the United Kingdom, both included."""

    first: date
    last: date

    @property
    def starts_at(self) -> datetime:
        """The first moment of it."""
        return datetime.combine(self.first, time(), LONDON)

    @property
    def ends_at(self) -> datetime:
        """The first moment after it."""
        return datetime.combine(self.last + timedelta(days=1), time(), LONDON)

    @property
    def by_week(self) -> bool:
        """Whether it is short enough to be counted by week."""
        return (self.last - self.first).days < WEEKS_UP_TO

    def buckets(self, until: date) -> list[date]:
        """The first day of each week (Monday) or month of it that has begun, oldest first."""
        found: list[date] = []
        day = self.first
        while day <= min(self.last, until):
            if (bucket := self.bucket(day)) not in found[-1:]:
                found.append(bucket)
            day += timedelta(days=1)
        return found

    def bucket(self, day: date) -> date:
        """The first day of the week or month of a day."""
        return day - timedelta(days=day.weekday()) if self.by_week else day.replace(day=1)


@dataclass(frozen=True)
class Wait:
    """How long cases of one severity waited; None where fewer than five did."""

    severity: Severity | None
    """None: all of them."""
    median: timedelta | None
    ninety: timedelta | None
    """Nine of ten waited no longer."""


@dataclass(frozen=True)
class Report:
    """All figures of a period."""

    period: Period
    made_at: datetime
    tables: tuple[FigureTable, ...]
    """"time", "severity", "need", "category", "audience", "area", "outcome", "looked_at",
    "alerts"; each by the same name."""
    first_view: tuple[Wait, ...]
    closing: tuple[Wait, ...]

    def table(self, name: str) -> FigureTable:
        """One of the tables. Raises StopIteration for another name."""
        return next(table for table in self.tables if table.name == name)


class Statistics:
    """Figures about the cases that were opened in a period. Thread-safe. Raises SQLAlchemyError."""

    def __init__(self, engine: Engine, now: Callable[[], datetime] = utc_now) -> None:
        """Take an engine of `database.engine.connect` on a migrated database."""
        self._reading = engine.execution_options(**READING)
        self._now = now

    def report(self, period: Period, areas: Collection[str] | None = None) -> Report:
        """Every figure, for a reader who may see `areas`; None: all of them."""
        which = CaseFilter(
            status=None, areas=areas, opened_from=period.starts_at, opened_before=period.ends_at
        ).conditions()
        now = self._now()
        with self._reading.connect() as connection:
            over_time = _over_time(connection, which, period, now)
            total = sum(over_time.values())
            waits = _waits(connection, which)
            tables = (
                told("time", over_time),
                told("severity", _by_severity(connection, which)),
                *(told(column.name, _by(connection, which, column)) for column in _PLAIN),
                told("category", _by_category(connection, which), total),
                told("outcome", _by_outcome(connection, which)),
                told("looked_at", _kept(_views(waits), now)),
                told("alerts", _kept(_acknowledged(connection, which), now)),
            )
        return Report(
            period,
            now,
            tables,
            first_view=_medians(
                (each.severity, each.first_view - each.opened_at)
                for each in waits
                if each.first_view is not None
            ),
            closing=_medians(
                (each.severity, each.closed_at - each.opened_at)
                for each in waits
                if each.closed_at is not None
            ),
        )


_PLAIN = (cases.c.need, cases.c.audience, cases.c.area)


def _over_time(
    connection: Connection, which: list[Any], period: Period, now: datetime
) -> dict[str | None, int]:
    """By hour in the database, which is never split by London's time, then by week or month."""
    dialect = connection.dialect.name
    if dialect == "sqlite":
        hour: sa.ColumnElement[str] = sa.func.strftime(_HOUR[dialect], cases.c.opened_at)
    else:
        utc = sa.func.timezone("UTC", cases.c.opened_at)
        hour = sa.func.to_char(utc, sa.literal_column(f"'{_HOUR[dialect]}'"))
    query = sa.select(hour.label("hour"), sa.func.count()).where(*which).group_by("hour")
    begun = period.buckets(now.astimezone(LONDON).date())
    counts: Counter[str | None] = Counter({day.isoformat(): 0 for day in begun})
    for text, count in connection.execute(query):
        at = datetime.strptime(text, "%Y-%m-%dT%H").replace(tzinfo=timezone.utc)
        counts[period.bucket(at.astimezone(LONDON).date()).isoformat()] += count
    return counts


def _by_severity(connection: Connection, which: list[Any]) -> dict[str | None, int]:
    found = _by(connection, which, cases.c.severity)
    return {
        severity.label: found.get(int(severity), 0)
        for severity in reversed(Severity)
        if severity or int(severity) in found
    }


def _by(connection: Connection, which: list[Any], column: sa.Column[Any]) -> dict[Any, int]:
    """By the value of a column, the most frequent first."""
    query = sa.select(column, sa.func.count()).where(*which).group_by(column)
    return _most_first(dict(connection.execute(query).all()))


def _by_category(connection: Connection, which: list[Any]) -> dict[str | None, int]:
    """By category; a case counts once in each of its own. Grouped in the database by the list."""
    named = sa.func.coalesce(
        sa.cast(cases.c.staff_categories, sa.Text), sa.cast(cases.c.categories, sa.Text)
    ).label("named")
    query = sa.select(named, sa.func.count()).where(*which).group_by("named")
    counts: Counter[str | None] = Counter()
    for text, count in connection.execute(query):
        for name in dict.fromkeys(json.loads(text)) or (None,):
            counts[name] += count
    return _most_first(counts)


def _by_outcome(connection: Connection, which: list[Any]) -> dict[str | None, int]:
    """By the outcome of the newest review of a closed case; OPEN where it is not closed."""
    place = sa.func.row_number().over(
        partition_by=reviews.c.case_id, order_by=(reviews.c.at.desc(), reviews.c.id)
    )
    newest = sa.select(reviews.c.case_id, reviews.c.outcome, place.label("place")).subquery()
    last = sa.and_(newest.c.case_id == cases.c.id, newest.c.place == 1)
    closed = cases.c.status == CaseStatus.CLOSED.value
    outcome = sa.case((closed, newest.c.outcome), else_=OPEN).label("ended_as")
    query = (
        sa.select(outcome, sa.func.count())
        .select_from(cases.outerjoin(newest, last))
        .where(*which)
        .group_by("ended_as")
    )
    return _most_first(dict(connection.execute(query).all()))


@dataclass(frozen=True)
class _Waited:
    severity: Severity
    """As assessed: what staff made of it later changes no clock that has run."""
    opened_at: datetime
    raised_at: datetime
    closed_at: datetime | None
    first_view: datetime | None
    view_since_raised: datetime | None


def _waits(connection: Connection, which: list[Any]) -> list[_Waited]:
    seen = sa.and_(audit_events.c.case_id == cases.c.id, audit_events.c.what == CaseEvent.VIEWED.value)
    since = sa.case((audit_events.c.at >= cases.c.raised_at, audit_events.c.at))
    columns = (
        cases.c.assessed_severity,
        cases.c.opened_at,
        cases.c.raised_at,
        cases.c.closed_at,
    )
    query = (
        sa.select(*columns, sa.func.min(audit_events.c.at), sa.func.min(since))
        .select_from(cases.outerjoin(audit_events, seen))
        .where(*which)
        .group_by(cases.c.id, *columns)
    )
    return [_Waited(Severity(row[0]), *row[1:]) for row in connection.execute(query)]


def _views(waits: Iterable[_Waited]) -> Iterable[tuple[datetime, datetime | None]]:
    """By when somebody had to look at each case, and when somebody did."""
    return ((look_by(each.severity, each.raised_at), each.view_since_raised) for each in waits)


def _acknowledged(
    connection: Connection, which: list[Any]
) -> Iterable[tuple[datetime, datetime | None]]:
    """By when each alert had to be acknowledged, and when it was.

    One that a later alert took the place of counts no longer.
    """
    query = (
        sa.select(alerts.c.severity, alerts.c.raised_at, alerts.c.ended_at)
        .select_from(alerts.join(cases, cases.c.id == alerts.c.case_id))
        .where(*which, alerts.c.ended_by.is_distinct_from(SUPERSEDED))
    )
    rows = connection.execute(query).all()
    return ((look_by(Severity(row.severity), row.raised_at), row.ended_at) for row in rows)


def _kept(
    deadlines: Iterable[tuple[datetime, datetime | None]], now: datetime
) -> dict[str | None, int]:
    """How many deadlines were kept, missed, and are not over yet."""
    counts: dict[str | None, int] = {IN_TIME: 0, LATE: 0, NOT_YET: 0}
    for due, done in deadlines:
        kept = (done or now) <= due
        counts[(IN_TIME if done else NOT_YET) if kept else LATE] += 1
    return counts


def _medians(waited: Iterable[tuple[Severity, timedelta]]) -> tuple[Wait, ...]:
    """The waits of all, then of each severity, the gravest first."""
    pairs = [(severity, max(timedelta(), duration)) for severity, duration in waited]
    found = [_wait(None, [duration for _, duration in pairs])]
    for severity in (Severity.IMMEDIATE, Severity.URGENT, Severity.CONCERN):
        found.append(_wait(severity, [each for mine, each in pairs if mine is severity]))
    return tuple(found)


def _wait(severity: Severity | None, durations: list[timedelta]) -> Wait:
    if len(durations) < SMALLEST:
        return Wait(severity, None, None)
    seconds = [each.total_seconds() for each in durations]
    tenths = quantiles(seconds, n=10, method="inclusive")
    return Wait(severity, timedelta(seconds=tenths[4]), timedelta(seconds=tenths[8]))


def _most_first(counts: Any) -> dict[Any, int]:
    """The most frequent first; of equals by name, what is not said last."""
    order = sorted(counts.items(), key=lambda each: (-each[1], each[0] is None, str(each[0])))
    return dict(order)
