"""How often the pledge was taken: a number for each day, and nothing about anyone."""

from __future__ import annotations

import queue
import threading
from datetime import date

import click
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from safeguarding.settings import Settings
from storage.engine import READING, connect
from storage.metadata import metadata

pledges = sa.Table(
    "pledges",
    metadata,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("count", sa.Integer, nullable=False),
    sa.CheckConstraint("count > 0", name="count"),
)
"""How often the pledge was taken on a day: there is no column for anything about anyone."""

WAIT_S = 0.3
"""How long an answer waits to be counted, in seconds."""


class NotCountedError(Exception):
    """The database could not be written. Holds the kind of failure alone."""


class PledgeCounter:
    """Counts pledges by day."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._free = threading.Lock()
        """Held while one is counted aside: a database that hangs costs one thread."""

    def add(self, day: date) -> None:
        """One more on this day. Raises NotCountedError."""
        more = sa.update(pledges).where(pledges.c.day == day).values(count=pledges.c.count + 1)
        try:
            with self._engine.begin() as connection:
                if connection.execute(more).rowcount == 0:
                    self._first(connection, day, more)
        except sa.exc.SQLAlchemyError as error:
            raise NotCountedError(type(error).__name__) from None

    def add_in_time(self, day: date, within_s: float = WAIT_S) -> None:
        """The same for whoever cannot wait for the database. Raises NotCountedError.

        One that is late may still be counted, though it was said that it was not.
        """
        outcome: queue.SimpleQueue[NotCountedError | None] = queue.SimpleQueue()
        if not self._free.acquire(blocking=False):
            raise NotCountedError("busy")
        threading.Thread(target=self._add_aside, args=(day, outcome), daemon=True).start()
        try:
            error = outcome.get(timeout=within_s)
        except queue.Empty:
            raise NotCountedError("late") from None
        if error is not None:
            raise error

    def by_day(self) -> dict[date, int]:
        """The count of each day that has one, the first day first."""
        query = sa.select(pledges.c.day, pledges.c.count).order_by(pledges.c.day)
        with self._engine.connect().execution_options(**READING) as connection:
            return {row["day"]: row["count"] for row in connection.execute(query).mappings()}

    def _add_aside(self, day: date, outcome: queue.SimpleQueue[NotCountedError | None]) -> None:
        error = None
        try:
            self.add(day)
        except NotCountedError as failure:
            error = failure
        finally:
            self._free.release()
            outcome.put(error)

    @staticmethod
    def _first(connection: sa.Connection, day: date, more: sa.Update) -> None:
        try:
            with connection.begin_nested():
                connection.execute(sa.insert(pledges).values(day=day, count=1))
        except sa.exc.IntegrityError:  # another process was first
            connection.execute(more)


@click.command()
def main() -> None:
    """Print the count of each day, and their sum."""
    counts = PledgeCounter(connect(Settings.from_env().database_url)).by_day()
    for day, count in counts.items():
        click.echo(f"{day.isoformat()}  {count}")
    click.echo(f"pledges: {sum(counts.values())}")
