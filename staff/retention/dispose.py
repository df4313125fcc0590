"""`python -m lantern dispose`: disposes of the cases whose retention clock has run out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from sqlalchemy.exc import SQLAlchemyError

from safeguarding.settings import Settings
from staff.audit.audit_log import operator
from staff.retention.clocks import Due, RetentionPeriods
from staff.retention.disposal import Disposals
from staff.retention.ledger import LedgerError
from storage.engine import connect


@contextmanager
def explained_errors() -> Iterator[None]:
    """Turn an error that stops a run into a message for the operator."""
    try:
        yield
    except LedgerError as error:
        raise click.ClickException(f"{error}. Nothing more was done.") from None
    except SQLAlchemyError as error:
        why = f"The database failed: {type(error).__name__}. Run it again: it goes on."
        raise click.ClickException(why) from None
    except OSError as error:
        why = f"A file cannot be written: {error.strerror}. Run it again: it goes on."
        raise click.ClickException(why) from None


def finish(disposals: Disposals) -> None:
    """Complete the ledger and the certificates, and print where they are."""
    paths, cleaned = disposals.finish()
    for path in paths:
        click.echo(f"Certificate: {path}")
    if not cleaned:
        click.echo("The database is in use: its files are cleaned by the next run.")


@click.command()
@click.option("--dry-run", is_flag=True, help="Show what is due, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def main(*, dry_run: bool, yes: bool) -> None:
    """Dispose of closed cases whose clock has run out; a certificate says which."""
    settings = Settings.from_env()
    disposals = _of(settings)
    with explained_errors():
        listed = disposals.due(RetentionPeriods.of(settings))
        for due in listed:
            _show(due)
        count = sum(len(due.group.all) for due in listed)
        click.echo(f"Cases that are due: {count}")
        if dry_run:
            return
        if listed and not yes:
            click.confirm("Dispose of them for good?", abort=True)
        count = disposals.dispose(RetentionPeriods.of(settings))
        finish(disposals)
    click.echo(f"Cases disposed of: {count}")


def _of(settings: Settings) -> Disposals:
    return Disposals(connect(settings.database_url), Path(settings.state_dir), operator())


def _show(due: Due) -> None:
    head = due.group.case
    closed = f"{head.closed_at:%Y-%m-%d}" if head.closed_at else ""
    for case in due.group.all:
        why = f"{due.clock.value} clock ran out on {due.since:%Y-%m-%d}"
        merged = "" if case is head else f", merged into {head.reference}"
        click.echo(f"{case.reference}\t{head.severity.label}\tclosed {closed}\t{why}{merged}")
