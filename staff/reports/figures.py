"""Figures about cases: how many of each kind there were, and how long they waited.

Reads labels and times only and decrypts nothing. Few cases of a kind could identify people. So in
what leaves the console, and for readers who may not see cases, numbers below five are hidden, as in
the statistics of the Department for Education, and so are others from which they could be worked
out; zero identifies no one and is shown.
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

from safeguarding.clock import LONDON, utc_now
from safeguarding.taxonomy import Severity
from staff.alerts.outbox import NOT_ACKNOWLEDGED, alerts
from staff.audit.trail import audit_events
from staff.cases.case import CaseEvent, CaseStatus, look_by
from staff.cases.cases import CaseFilter
from staff.cases.tables import cases, reviews
from staff.reports.figure_tables import (
    IN_TIME,
    LATE,
    NOT_YET,
    SMALLEST,
    FigureTable,
    counted,
    suppressed,
)
from storage.engine import READING

OPEN = "open"
"""Row of the outcomes: no outcome yet."""
WEEKS_UP_TO = 100
"""The longest period, in days, that is counted by week; a longer one is counted by month."""
_WRITER = sa.func.coalesce(cases.c.staff_audience, cases.c.audience).label("audience")
_HOUR = {"sqlite": "%Y-%m-%dT%H", "postgresql": 'YYYY-MM-DD"T"HH24'}


@dataclass(frozen=True)
class Period:
    """Whole days in the United Kingdom, both included."""

    first: date
    last: date

    @property
    def starts_at(self) -> datetime:
        """The first moment of the period."""
        return datetime.combine(self.first, time(), LONDON)

    @property
    def ends_at(self) -> datetime:
        """The first moment after the period."""
        return datetime.combine(self.last + timedelta(days=1), time(), LONDON)

    @property
    def by_week(self) -> bool:
        """Whether the period is counted by week, not by month."""
        return (self.last - self.first).days < WEEKS_UP_TO

    def buckets(self, until: date) -> list[date]:
        """Return the first day of each week (Monday) or month that has begun, oldest first."""
        number = (min(self.last, until) - self.first).days + 1
        days = (self.first + timedelta(days=each) for each in range(number))
        return list(dict.fromkeys(map(self.bucket, days)))

    def bucket(self, day: date) -> date:
        """Return the first day of the week or month that `day` is in."""
        return day - timedelta(days=day.weekday()) if self.by_week else day.replace(day=1)


@dataclass(frozen=True)
class Wait:
    """How long cases of one severity waited; None where none did, or where it is hidden."""

    severity: Severity | None
    """None: all severities."""
    median: timedelta | None
    ninety: timedelta | None
    """Nine of ten cases waited no longer."""


@dataclass(frozen=True)
class Report:
    """All figures of a period."""

    period: Period
    made_at: datetime
    tables: tuple[FigureTable, ...]
    """Of these names: "time", "severity", "need", "category", "audience", "area", "outcome",
    "looked_at", "alerts"."""
    first_view: tuple[Wait, ...]
    closing: tuple[Wait, ...]
    exact: bool = False
    """Whether no number is hidden."""


class CaseFigures:
    """Counts the cases that were opened in a period. Thread-safe. Raises SQLAlchemyError."""

    def __init__(self, engine: Engine, now: Callable[[], datetime] = utc_now) -> None:
        """Take an engine on a migrated database."""
        self._reading = engine.execution_options(**READING)
        self._now = now

    def report(
        self, period: Period, areas: Collection[str] | None = None, *, exact: bool = False
    ) -> Report:
        """Return every figure for a reader who may see `areas`; None: all areas.

        `exact` hides no number: for the page of a reader who may see the cases themselves.
        """
        which = CaseFilter(
            status=None, areas=areas, opened_from=period.starts_at, opened_before=period.ends_at
        ).conditions()
        now = self._now()
        with self._reading.connect() as connection:
            over_time = _over_time(connection, which, period, now)
            total = sum(over_time.values())
            waits = _waits(connection, which)
            views = [(look_by(each.severity, each.raised_at), each.viewed_at) for each in waits]
            table_of = counted if exact else suppressed
            tables = (
                table_of("time", over_time),
                table_of("severity", _by_severity(connection, which)),
                *(
                    table_of(name, _by(connection, which, column))
                    for name, column in (
                        ("need", cases.c.need),
                        ("audience", _WRITER),
                        ("area", cases.c.area),
                    )
                ),
                table_of("category", _by_category(connection, which), total),
                table_of("outcome", _by_outcome(connection, which)),
                table_of("looked_at", _kept(views, now)),
                table_of("alerts", _kept(_acknowledged(connection, which), now)),
            )
        least = 1 if exact else SMALLEST
        return Report(
            period,
            now,
            tables,
            first_view=_medians(
                (
                    (each.severity, each.first_view - each.opened_at)
                    for each in waits
                    if each.first_view is not None
                ),
                least,
            ),
            closing=_medians(
                (
                    (each.severity, each.closed_at - each.opened_at)
                    for each in waits
                    if each.closed_at is not None
                ),
                least,
            ),
            exact=exact,
        )


def _over_time(
    connection: Connection, which: list[Any], period: Period, now: datetime
) -> dict[str | None, int]:
    """Count by hour in the database, in UTC, then by week or month in London time."""
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
    counts = _by(connection, which, cases.c.severity)
    return {
        severity.label: counts.get(int(severity), 0)
        for severity in reversed(Severity)
        if severity or int(severity) in counts
    }


def _by(connection: Connection, which: list[Any], column: sa.ColumnElement[Any]) -> dict[Any, int]:
    """Count by the value of a column, the most frequent first."""
    query = sa.select(column, sa.func.count()).where(*which).group_by(column)
    return _most_first(dict(connection.execute(query).all()))


def _by_category(connection: Connection, which: list[Any]) -> dict[str | None, int]:
    """Count by category; a case counts once in each of its categories."""
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
    """Count by the outcome of the newest review; OPEN for cases that are not closed."""
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
    """As assessed: a later judgement of staff does not change a past deadline."""
    opened_at: datetime
    raised_at: datetime
    closed_at: datetime | None
    first_view: datetime | None
    viewed_at: datetime | None
    """When staff first opened the case after it was last raised."""


def _waits(connection: Connection, which: list[Any]) -> list[_Waited]:
    seen = sa.and_(
        audit_events.c.case_id == cases.c.id, audit_events.c.what == CaseEvent.VIEWED.value
    )
    since = sa.case((audit_events.c.at >= cases.c.raised_at, audit_events.c.at))
    c = cases.c
    columns = (c.assessed_severity, c.opened_at, c.raised_at, c.closed_at)
    query = (
        sa.select(*columns, sa.func.min(audit_events.c.at), sa.func.min(since))
        .select_from(cases.outerjoin(audit_events, seen))
        .where(*which)
        .group_by(cases.c.id, *columns)
    )
    return [_Waited(Severity(row[0]), *row[1:]) for row in connection.execute(query)]


def _acknowledged(
    connection: Connection, which: list[Any]
) -> Iterable[tuple[datetime, datetime | None]]:
    """Return the deadline of each alert and when it was acknowledged.

    Without those that ended by themselves.
    """
    query = (
        sa.select(alerts.c.severity, alerts.c.raised_at, alerts.c.ended_at)
        .select_from(alerts.join(cases, cases.c.id == alerts.c.case_id))
        .where(*which, ~sa.func.coalesce(alerts.c.ended_by, "").in_(NOT_ACKNOWLEDGED))
    )
    rows = connection.execute(query).all()
    return ((look_by(Severity(row.severity), row.raised_at), row.ended_at) for row in rows)


def _kept(
    deadlines: Iterable[tuple[datetime, datetime | None]], now: datetime
) -> dict[str | None, int]:
    """Count the deadlines that were kept, were missed, and are not past yet."""
    counts: dict[str | None, int] = {IN_TIME: 0, LATE: 0, NOT_YET: 0}
    for due, done in deadlines:
        kept = (done or now) <= due
        counts[(IN_TIME if done else NOT_YET) if kept else LATE] += 1
    return counts


def _medians(waited: Iterable[tuple[Severity, timedelta]], least: int) -> tuple[Wait, ...]:
    """Return the waits of all cases, then of each severity, the most severe first.

    Fewer than `least` cases are hidden.
    """
    pairs = [(severity, max(timedelta(), duration)) for severity, duration in waited]
    waits = [_wait(None, [duration for _, duration in pairs], least)]
    for severity in (Severity.IMMEDIATE, Severity.URGENT, Severity.CONCERN):
        own = [duration for s, duration in pairs if s is severity]
        waits.append(_wait(severity, own, least))
    return tuple(waits)


def _wait(severity: Severity | None, durations: list[timedelta], least: int) -> Wait:
    if len(durations) < least:
        return Wait(severity, None, None)
    if len(durations) == 1:
        return Wait(severity, durations[0], durations[0])
    seconds = [each.total_seconds() for each in durations]
    tenths = quantiles(seconds, n=10, method="inclusive")
    return Wait(severity, timedelta(seconds=tenths[4]), timedelta(seconds=tenths[8]))


def _most_first(counts: Any) -> dict[Any, int]:
    """Sort by count, then by name, None last."""
    order = sorted(counts.items(), key=lambda each: (-each[1], each[0] is None, str(each[0])))
    return dict(order)
