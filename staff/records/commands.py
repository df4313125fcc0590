"""`python -m lantern records`: lists what a system of records did not take, and sends it again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError

from safeguarding.clock import utc_now
from safeguarding.settings import Settings
from staff.audit.trail import COMMAND_LINE, Event, append, operator
from staff.records import queue
from staff.records.outbox import figures
from storage.engine import READING, connect

RETRIED, SKIPPED = "record events queued again", "record event left out"
"""Events on the audit trail."""


@click.command()
@click.option("--retry", is_flag=True, help="Send all that was given up again.")
@click.option("--skip", type=int, metavar="NUMBER", help="Leave one out, so that later ones go.")
def main(skip: int | None, *, retry: bool) -> None:
    """List what was given up, by number, reference and reason; without a word of any case."""
    with _database() as engine:
        if skip is not None:
            _skip(engine, skip)
        if retry:
            click.echo(f"{_retry(engine)} queued again")
        with engine.connect().execution_options(**READING) as connection:
            now, dead = figures(connection), queue.dead_letters(connection)
    for each in dead:
        at = each["at"].isoformat(timespec="minutes")
        click.echo(f"{each['number']} {each['reference']} {each['kind']} {at}: {each['error']}")
    last = "never" if now.sent_at is None else now.sent_at.isoformat(timespec="minutes")
    click.echo(
        f"{now.system or 'off'}: {now.queued} wait, {now.failed} given up, last taken {last}"
    )


def _retry(engine: Engine) -> int:
    with engine.begin() as connection:
        number = queue.retry(connection, utc_now())
        if number:
            detail = {"events": number, "operator": operator()}
            append(connection, Event(utc_now(), COMMAND_LINE, RETRIED, detail=detail))
    return number


def _skip(engine: Engine, number: int) -> None:
    with engine.begin() as connection:
        if not queue.skip(connection, number):
            raise click.ClickException(f"{number} was not given up.")
        detail = {"number": number, "operator": operator()}
        append(connection, Event(utc_now(), COMMAND_LINE, SKIPPED, detail=detail))


@contextmanager
def _database() -> Iterator[Engine]:
    engine = connect(Settings.from_env().database_url)
    try:
        yield engine
    except SQLAlchemyError as error:
        raise click.ClickException(f"the database failed: {type(error).__name__}") from None
    finally:
        engine.dispose()
