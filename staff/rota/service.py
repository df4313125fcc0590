"""The rota as staff see and change it, each change with its line on the audit trail."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import pairwise

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from safeguarding.clock import LONDON, bank_holiday, is_day_off, utc_now
from staff.accounts.accounts import check_in_use
from staff.alerts.reach import ContactPreferences, everyone, set_ways, ways_of
from staff.alerts.tables import alerts
from staff.alerts.waiting import Waiting, waiting_for
from staff.audit.trail import Event, append
from staff.rota import rota
from staff.rota.rota import Shift, ShiftKind, Span
from storage.engine import READING

LONGEST_DAYS = 366
"""How many days may be put on the rota at once."""


class ShiftError(ValueError):
    """Shifts that make no sense: no day among them, too many, or an end before the beginning."""


@dataclass(frozen=True)
class Pattern:
    """The same time of day on several days, by London's clock."""

    staff_id: str
    kind: ShiftKind
    first: date
    last: date
    start: time
    end: time
    """At or before `start` it is on the next day."""
    working_days: bool
    """Whether weekends and bank holidays are left out."""

    def shifts(self) -> list[Shift]:
        """One shift a day. Raises ShiftError."""
        number = (self.last - self.first).days + 1
        if not 1 <= number <= LONGEST_DAYS:
            raise ShiftError
        days = [self.first + timedelta(days=index) for index in range(number)]
        worked = [day for day in days if not (self.working_days and is_day_off(day))]
        if not worked:
            raise ShiftError
        return [self._on(day) for day in worked]

    def _on(self, day: date) -> Shift:
        ends_on = day if self.end > self.start else day + timedelta(days=1)
        starts_at = datetime.combine(day, self.start, LONDON)
        return Shift(
            self.staff_id, self.kind, starts_at, datetime.combine(ends_on, self.end, LONDON)
        )


@dataclass(frozen=True)
class Day:
    """A day of the rota."""

    day: date
    holiday: str | None
    shifts: list[Shift]
    """Those that touch this day."""
    gaps: list[Span]
    """When nobody is on duty who can be told."""


class RotaService:
    """Reads and changes the rota. Thread-safe; every method raises SQLAlchemyError."""

    def __init__(self, engine: Engine, now: Callable[[], datetime] = utc_now) -> None:
        """Take a migrated database."""
        self._engine = engine
        self._reading = engine.execution_options(**READING)
        self._now = now

    def days(self, first: date, number: int) -> list[Day]:
        """The rota of so many days from `first`."""
        midnights = [_midnight(first + timedelta(days=index)) for index in range(number + 1)]
        with self._reading.connect() as connection:
            shifts = rota.shifts(connection, midnights[0], midnights[-1])
            spans = rota.windows(connection, midnights[0], midnights[-1])
        return [
            Day(
                start.date(),
                bank_holiday(start.date()),
                [each for each in shifts if each.starts_at < end and each.ends_at > start],
                _gaps(spans, start, end),
            )
            for start, end in pairwise(midnights)
        ]

    def shift(self, shift_id: int) -> Shift | None:
        """One shift."""
        with self._reading.connect() as connection:
            return rota.shift_with(connection, shift_id)

    def on_duty_now(self) -> list[str]:
        """Ids of those whom an alert would reach first."""
        with self._reading.connect() as connection:
            return rota.on_duty(connection, self._now())

    def without_ways(self, staff_ids: Iterable[str]) -> set[str]:
        """Who of these has left no way to be told."""
        wanted = set(staff_ids)
        with self._reading.connect() as connection:
            known = ways_of(connection, wanted)
        return {each for each in wanted if each not in known or not _reachable(known[each])}

    def staff(self) -> list[str]:
        """Ids of those who may be on the rota."""
        with self._reading.connect() as connection:
            return everyone(connection)

    def add(self, pattern: Pattern, *, by: str) -> int:
        """Put shifts on the rota; how many. Raises ShiftError, UnknownStaffError."""
        shifts = pattern.shifts()
        with self._engine.begin() as connection:
            check_in_use(connection, pattern.staff_id)
            number = rota.add_shifts(connection, shifts)
            detail = _facts(replace(shifts[0], ends_at=shifts[-1].ends_at)) | {"shifts": number}
            self._note(connection, by, "shifts added", detail)
        return number

    def cover(
        self, shift_id: int, staff_id: str, start: datetime, end: datetime, *, by: str
    ) -> None:
        """Have somebody take the place of a shift's person for a time within it.

        Raises ShiftError, UnknownStaffError.
        """
        with self._engine.begin() as connection:
            check_in_use(connection, staff_id)
            found = rota.shift_with(connection, shift_id)
            if found is None or found.staff_id == staff_id:
                raise ShiftError
            if not found.starts_at <= start < end <= found.ends_at:
                raise ShiftError
            cover = Shift(staff_id, found.kind, start, end, cover_for=found.staff_id)
            rota.add_shifts(connection, [cover])
            self._note(connection, by, "cover arranged", _facts(cover))

    def remove(self, shift_id: int, *, by: str) -> bool:
        """Take a shift off the rota; False when it is gone."""
        with self._engine.begin() as connection:
            found = rota.shift_with(connection, shift_id)
            if found is None or not rota.remove_shift(connection, shift_id):
                return False
            self._note(connection, by, "shift removed", _facts(found))
        return True

    def ways(self, staff_id: str) -> ContactPreferences:
        """How somebody is told; the usual when they have not said."""
        with self._reading.connect() as connection:
            return ways_of(connection, [staff_id]).get(staff_id) or ContactPreferences(staff_id)

    def set_ways(self, ways: ContactPreferences, *, by: str) -> None:
        """Keep how somebody is told. The trail says that it changed, not to what."""
        with self._engine.begin() as connection:
            check_in_use(connection, ways.staff_id)
            set_ways(connection, ways)
            self._note(connection, by, "contact ways changed", {"staff": ways.staff_id})

    def waiting_for(self, staff_id: str) -> list[Waiting]:
        """The open alerts that have come to this person, the gravest first."""
        with self._reading.connect() as connection:
            return waiting_for(connection, staff_id)

    def case_of(self, reference: str) -> str | None:
        """The id of the case that an alert with this reference is about."""
        query = sa.select(alerts.c.case_id).where(alerts.c.reference == reference).limit(1)
        with self._reading.connect() as connection:
            return connection.execute(query).scalar()

    def _note(self, connection: Connection, by: str, what: str, detail: dict[str, object]) -> None:
        append(connection, Event(self._now(), by, what, detail=detail))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), LONDON)


def _reachable(ways: ContactPreferences) -> bool:
    return ways.email is not None or ways.phone is not None


def _gaps(spans: Iterable[Span], start: datetime, end: datetime) -> list[Span]:
    """What of a time the spans leave open."""
    gaps, at = [], start
    for first, last in spans:
        if first >= end or last <= at:
            continue
        if first > at:
            gaps.append((at, first))
        at = last
    return [*gaps, (at, end)] if at < end else gaps


def _facts(shift: Shift) -> dict[str, object]:
    return {
        "staff": shift.staff_id,
        "kind": shift.kind.value,
        "from": shift.starts_at.isoformat(),
        "until": shift.ends_at.isoformat(),
        "cover_for": shift.cover_for,
    }
