"""Readings: which parts of which words a lead has opened, one after the other, by our clock.

The server measures, so that it works without JavaScript: the next part, and at last the signature,
are refused until the time is over that the part before it takes to read. One person reads one text
at a time, and at most so many words an hour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from safeguarding.clock import utc_now
from safeguarding.content.items import Item
from staff.accounts.tables import staff
from staff.approvals.parts import PACE, ReadingPace, ReadingPart, parts_of
from staff.approvals.tables import content_readings
from storage.approval_records import approvals
from storage.engine import READING

READ_WITHIN = timedelta(days=14)
"""A part that was opened longer ago is read again before the signature."""
KEPT_FOR = timedelta(days=90)
"""Rows are deleted after this time: the signature itself says how long was read."""
_HOUR = timedelta(hours=1)


class TooSoonError(Exception):
    """The part before it, or the words of this hour, are not read yet."""

    def __init__(self, until: datetime) -> None:
        super().__init__(until)
        self.until = until
        """When it may be tried again."""


class OutOfOrderError(Exception):
    """Another part comes first."""


class NotReadError(Exception):
    """The words were not opened to their end, or faster than they can be read."""


@dataclass(frozen=True)
class ReadingProgress:
    """How far one person has read one item."""

    parts: tuple[ReadingPart, ...]
    opened: int
    """How many parts, from the first, are open."""
    began_at: datetime | None
    next_at: datetime | None
    """When the next part may be opened or, after the last, the words may be signed; None: now."""

    @property
    def at_the_end(self) -> bool:
        """Whether every part is open."""
        return self.opened == len(self.parts)

    @property
    def finished(self) -> bool:
        """Whether all was opened, and the time to read it is over."""
        return self.at_the_end and self.next_at is None

    @property
    def words(self) -> int:
        """The words of all parts."""
        return sum(part.words for part in self.parts)

    @property
    def words_left(self) -> int:
        """The words of the parts that are not open yet."""
        return sum(part.words for part in self.parts[self.opened :])


class Readings:
    """What leads have opened to read. Thread-safe; methods raise SQLAlchemyError."""

    def __init__(
        self, engine: Engine, now: Callable[[], datetime] = utc_now, pace: ReadingPace = PACE
    ) -> None:
        self._engine = engine
        self._reading = engine.execution_options(**READING)
        self._now = now
        self.pace = pace

    def progress(self, item: Item, staff_id: str) -> ReadingProgress:
        """Return how far a person has read the present words of an item."""
        with self._reading.connect() as connection:
            return progress_of(connection, item, staff_id, self._now(), self.pace)

    def open(self, item: Item, number: int, *, by: str) -> None:
        """Open a part; one that is open stays so.

        Raises OutOfOrderError unless it is the next one, and TooSoonError.
        """
        with self._of_one_person(by) as connection:
            now = self._now()
            found = progress_of(connection, item, by, now, self.pace)
            if 1 <= number <= found.opened:
                return
            if number != found.opened + 1 or number > len(found.parts):
                raise OutOfOrderError
            if found.next_at is not None:
                raise TooSoonError(found.next_at)
            row = {
                "staff_id": by,
                "content_id": item.id,
                "digest": item.digest,
                "part": number,
                "words": found.parts[number - 1].words,
                "opened_at": now,
            }
            table = content_readings
            old = (table.c.staff_id == by) & (table.c.opened_at < now - KEPT_FOR)
            connection.execute(sa.delete(table).where(old))
            connection.execute(sa.insert(table).values(**row))

    @contextmanager
    def _of_one_person(self, staff_id: str) -> Iterator[Connection]:
        """Begin a transaction for which others of this person wait."""
        with self._engine.begin() as connection:
            own = sa.select(staff.c.id).where(staff.c.id == staff_id).with_for_update()
            connection.execute(own)
            yield connection


def check_read(
    connection: Connection, item: Item, staff_id: str, now: datetime, pace: ReadingPace
) -> ReadingProgress:
    """Return the reading that a signature rests on. Raises NotReadError."""
    found = progress_of(connection, item, staff_id, now, pace)
    if not found.finished:
        raise NotReadError
    return found


def progress_of(
    connection: Connection, item: Item, staff_id: str, now: datetime, pace: ReadingPace
) -> ReadingProgress:
    """Return how far a person has read an item, in the caller's transaction.

    What was opened before the person's last decision on the same words does not count again.
    """
    parts = parts_of(item)
    own = (approvals.c.content_id == item.id) & (approvals.c.digest == item.digest)
    last = sa.select(sa.func.max(approvals.c.at)).where(own, approvals.c.by == staff_id)
    decided_at = connection.execute(last).scalar()
    table = content_readings
    lately = sa.select(table).where(
        table.c.staff_id == staff_id, table.c.opened_at >= now - READ_WITHIN
    )
    rows = connection.execute(lately.order_by(table.c.opened_at, table.c.id)).mappings().all()
    opened = {
        row["part"]: row["opened_at"]
        for row in rows
        if (row["content_id"], row["digest"]) == (item.id, item.digest)
        and (decided_at is None or row["opened_at"] > decided_at)
    }
    number = next(each for each in range(len(parts) + 1) if each + 1 not in opened)
    openings = [(row["opened_at"], row["words"]) for row in rows]
    if number == len(parts):
        next_at = max(opened[each.number] + pace.time_for(each.words) for each in parts)
    else:
        next_at = _next_at(openings, parts[number].words, now, pace)
    return ReadingProgress(
        parts, number, opened.get(1) if number else None, next_at if next_at > now else None
    )


def _next_at(
    openings: list[tuple[datetime, int]], words: int, now: datetime, pace: ReadingPace
) -> datetime:
    """Return when a part of so many words may be opened, after these openings of all items."""
    if not openings:
        return now
    newest_at, newest_words = openings[-1]
    next_at = newest_at + pace.time_for(newest_words)
    of_hour = [each for each in openings if each[0] > now - _HOUR]
    total = words + sum(each for _, each in of_hour)
    for opened_at, each in of_hour:
        if total <= pace.words_per_hour:
            break
        total -= each
        next_at = max(next_at, opened_at + _HOUR)
    return next_at
