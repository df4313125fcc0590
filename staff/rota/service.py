"""Reads and changes the rota for staff; each change has its line on the audit trail."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import pairwise

from sqlalchemy.engine import Connection, Engine

from safeguarding.clock import LONDON, bank_holiday, is_day_off, utc_now
from staff.accounts.accounts import check_in_use
from staff.audit.trail import Event, append
from staff.rota import refusals, rota
from staff.rota.refusals import RefusedWay
from staff.rota.rota import (
    ContactPreferences,
    Shift,
    ShiftKind,
    Span,
    case_readers,
    contact_preferences,
    set_contact_preferences,
)
from storage.engine import READING

LONGEST_DAYS = 366
"""How many days may be put on the rota at once."""


class ShiftError(ValueError):
    """Shifts without a day, with too many days, or with an end before the start."""


@dataclass(frozen=True)
class Pattern:
    """The same hours on several days, London time."""

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
        """Return one shift a day. Raises ShiftError."""
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
    """One day of the rota."""

    day: date
    holiday: str | None
    shifts: list[Shift]
    """Those that touch this day."""
    gaps: list[Span]
    """Times in which no one who can be told is on duty."""


class RotaService:
    """Reads and changes the rota. Thread-safe; every method raises SQLAlchemyError."""

    def __init__(self, engine: Engine, now: Callable[[], datetime] = utc_now) -> None:
        """Take a migrated database."""
        self._engine = engine
        self._reading = engine.execution_options(**READING)
        self._now = now

    def days(self, first: date, number: int) -> list[Day]:
        """Return the rota of `number` days from `first`."""
        midnights = [_midnight(first + timedelta(days=index)) for index in range(number + 1)]
        with self._reading.connect() as connection:
            shifts = rota.shifts(connection, midnights[0], midnights[-1])
            spans = rota.windows(connection, midnights[0], midnights[-1])
        return [
            Day(
                start.date(),
                bank_holiday(start.date()),
                [shift for shift in shifts if shift.starts_at < end and shift.ends_at > start],
                _gaps(spans, start, end),
            )
            for start, end in pairwise(midnights)
        ]

    def shift(self, shift_id: int) -> Shift | None:
        """Return one shift, or None."""
        with self._reading.connect() as connection:
            return rota.shift_with(connection, shift_id)

    def on_duty_now(self) -> list[str]:
        """Return the ids of staff whom an alert would reach first."""
        with self._reading.connect() as connection:
            return rota.on_duty(connection, self._now())

    def covers(self, staff_ids: Iterable[str], days: int) -> list[Shift]:
        """Return the shifts of the next days during which one of these staff is off duty."""
        now = self._now()
        with self._reading.connect() as connection:
            return rota.covers(connection, staff_ids, now, now + timedelta(days=days))

    def unreachable(self, staff_ids: Iterable[str]) -> set[str]:
        """Return which of these staff have left no way to be told."""
        wanted = set(staff_ids)
        with self._reading.connect() as connection:
            preferences = contact_preferences(connection, wanted)
        return wanted - {name for name, each in preferences.items() if each.reachable}

    def staff(self) -> list[str]:
        """Return the ids of staff who may be put on the rota."""
        with self._reading.connect() as connection:
            return case_readers(connection)

    def add(self, pattern: Pattern, *, by: str) -> int:
        """Put shifts on the rota; return how many. Raises ShiftError, UnknownStaffError."""
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
        """Let `staff_id` cover a shift for a time within it.

        Raises ShiftError, UnknownStaffError.
        """
        with self._engine.begin() as connection:
            check_in_use(connection, staff_id)
            shift = rota.shift_with(connection, shift_id)
            if shift is None or shift.staff_id == staff_id:
                raise ShiftError
            if not shift.starts_at <= start < end <= shift.ends_at:
                raise ShiftError
            cover = Shift(staff_id, shift.kind, start, end, cover_for=shift.staff_id)
            rota.add_shifts(connection, [cover])
            self._note(connection, by, "cover arranged", _facts(cover))

    def remove(self, shift_id: int, *, by: str) -> bool:
        """Take a shift off the rota; return False when it is gone."""
        with self._engine.begin() as connection:
            shift = rota.shift_with(connection, shift_id)
            if shift is None or not rota.remove_shift(connection, shift_id):
                return False
            self._note(connection, by, "shift removed", _facts(shift))
        return True

    def preferences(self, staff_id: str) -> ContactPreferences:
        """Return how a member of staff wants to be told; the defaults when they set nothing."""
        with self._reading.connect() as connection:
            preferences = contact_preferences(connection, [staff_id])
        return preferences.get(staff_id) or ContactPreferences(staff_id)

    def set_preferences(self, preferences: ContactPreferences, *, by: str) -> None:
        """Store contact preferences. The audit trail says that they changed, not to what."""
        with self._engine.begin() as connection:
            check_in_use(connection, preferences.staff_id)
            set_contact_preferences(connection, preferences)
            refusals.try_again(connection, preferences.staff_id, self._now())
            self._note(connection, by, "contact ways changed", {"staff": preferences.staff_id})

    def refused(self) -> list[RefusedWay]:
        """Return the ways of the team and of staff in use that are refused, the oldest first."""
        with self._reading.connect() as connection:
            return refusals.refused(connection)

    def _note(self, connection: Connection, by: str, what: str, detail: dict[str, object]) -> None:
        append(connection, Event(self._now(), by, what, detail=detail))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), LONDON)


def _gaps(spans: Iterable[Span], start: datetime, end: datetime) -> list[Span]:
    """Return the parts of a time that the spans leave open."""
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
