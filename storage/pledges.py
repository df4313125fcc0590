"""Counts how often the pledge was taken on each day, and keeps nothing about any person."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from datetime import date

import click
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Engine

from safeguarding.answering.composition import NotCountedError
from safeguarding.settings import Settings
from storage.engine import READING, connect, metadata

pledges = sa.Table(
    "pledges",
    metadata,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("count", sa.Integer, nullable=False),
    sa.CheckConstraint("count > 0", name="count"),
)
WAIT_S = 1.5
"""Seconds that an answer waits to be counted."""


class PledgeCounter:
    """Counts pledges by day."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._free = threading.Lock()
        """Held by the one thread that counts aside: a database that hangs costs no second one."""

    def add(self, day: date) -> None:
        """Count one more on this day. Raises NotCountedError."""
        dialect = postgresql if self._engine.dialect.name == "postgresql" else sqlite
        more = {"count": pledges.c.count + 1}
        first = dialect.insert(pledges).values(day=day, count=1)
        try:
            with self._engine.begin() as connection:
                connection.execute(first.on_conflict_do_update(index_elements=["day"], set_=more))
        except sa.exc.SQLAlchemyError as error:
            raise NotCountedError(type(error).__name__) from None

    def add_in_time(self, day: date, within_s: float = WAIT_S) -> None:
        """Do the same without waiting longer for the database. Raises NotCountedError.

        A pledge that is late may be counted after this has raised.
        """
        if not self._free.acquire(blocking=False):
            raise NotCountedError("busy")
        counted: Future[None] = Future()
        threading.Thread(target=self._add_aside, args=(day, counted), daemon=True).start()
        try:
            counted.result(within_s)
        except TimeoutError:
            raise NotCountedError("late") from None

    def _add_aside(self, day: date, counted: Future[None]) -> None:
        failure = None
        try:
            self.add(day)
        except NotCountedError as error:
            failure = error
        finally:
            self._free.release()
        if failure:
            counted.set_exception(failure)
        else:
            counted.set_result(None)

    def by_day(self) -> dict[date, int]:
        """Return the count of each day that has one, the first day first."""
        query = sa.select(pledges.c.day, pledges.c.count).order_by(pledges.c.day)
        with self._engine.connect().execution_options(**READING) as connection:
            return {row["day"]: row["count"] for row in connection.execute(query).mappings()}


@click.command()
def main() -> None:
    """Print the count of each day, and their sum."""
    counts = PledgeCounter(connect(Settings.from_env().database_url)).by_day()
    for day, count in counts.items():
        click.echo(f"{day.isoformat()}  {count}")
    click.echo(f"pledges: {sum(counts.values())}")
