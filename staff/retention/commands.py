"""The commands `python -m lantern dispose` and `erase`, which delete cases for good."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import click
from sqlalchemy.exc import SQLAlchemyError

from safeguarding.settings import Settings, SettingsError
from staff.audit.trail import operator
from staff.cases.cases import Cases, UnknownCaseError
from staff.cases.worker import CaseWorker
from staff.retention.clocks import Due, RetentionPeriods
from staff.retention.disposal import (
    Disposals,
    Ground,
    HeldError,
    InProgressError,
    StillOpenError,
)
from staff.retention.ledger import LedgerError
from storage.engine import connect
from storage.handoffs import HandoffMailbox
from storage.spool import Spool
from storage.vault import Vault, VaultError

_REFUSALS = {
    UnknownCaseError: "There is no such case.",
    HeldError: "A legal hold keeps this case: lift it in the console first.",
    StillOpenError: "This case is open: close it, or say --open.",
    InProgressError: "Its conversation may still go on: wait until it has been silent for {wait}.",
}


@click.command()
@click.option("--dry-run", is_flag=True, help="Show what is due, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def dispose(*, dry_run: bool, yes: bool) -> None:
    """Dispose of closed cases whose clock has run out; a certificate says which."""
    settings = Settings.from_env()
    disposals = _disposals(settings)
    with _explained_errors():
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
        _finish(disposals)
    click.echo(f"Cases disposed of: {count}")


@click.command()
@click.argument("reference")
@click.option(
    "--reason",
    type=click.Choice([ground.value for ground in Ground]),
    required=True,
    help="The ground of UK GDPR Article 17(1), for the audit trail.",
)
@click.option("--open", "although_open", is_flag=True, help="Although it is open.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(reference: str, *, reason: str, although_open: bool, yes: bool) -> None:
    """Erase the case with this REFERENCE, and those merged into it, for good."""
    settings = Settings.from_env()
    silence = timedelta(seconds=settings.conversation_ttl_s)
    with _explained_errors():
        case_id = _find(settings, reference)
        if not yes:
            click.confirm(f"Erase {reference} and what is merged with it?", abort=True)
        disposals = _disposals(settings)
        try:
            group = disposals.erase(
                case_id, Ground(reason), silence=silence, although_open=although_open
            )
        except tuple(_REFUSALS) as error:
            raise click.ClickException(_REFUSALS[type(error)].format(wait=silence)) from None
        _finish(disposals)
    click.echo(f"Erased: {', '.join(case.reference for case in group.all)}.")
    click.echo("Copies made before still hold it: docs/retention.md says how they learn of it.")


@contextmanager
def _explained_errors() -> Iterator[None]:
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


def _finish(disposals: Disposals) -> None:
    """Complete the ledger and the certificates, and print where they are."""
    paths, cleaned = disposals.finish()
    for path in paths:
        click.echo(f"Certificate: {path}")
    if not cleaned:
        click.echo("The database is in use: its files are cleaned by the next run.")


def _disposals(settings: Settings) -> Disposals:
    return Disposals(connect(settings.database_url), Path(settings.state_dir), operator())


def _show(due: Due) -> None:
    head = due.group.case
    closed = f"{head.closed_at:%Y-%m-%d}" if head.closed_at else ""
    for case in due.group.all:
        why = f"{due.clock.value} clock ran out on {due.since:%Y-%m-%d}"
        merged = "" if case is head else f", merged into {head.reference}"
        click.echo(f"{case.reference}\t{head.severity.label}\tclosed {closed}\t{why}{merged}")


def _find(settings: Settings, reference: str) -> str:
    """Drain spool and mailbox; return the id of the case, or of the one it was merged into."""
    try:
        vault = Vault.of(settings)
    except (SettingsError, VaultError) as error:
        raise click.ClickException(str(error)) from None
    engine = connect(settings.database_url)
    spool = Spool.of(settings, vault)
    spool.drain(HandoffMailbox(engine, vault))
    unread = CaseWorker(engine, vault).work_off()
    for waiting, place in ((len(spool.waiting()), "spool"), (unread, "hand-off mailbox")):
        if waiting:
            warning = f"{waiting} records wait in the {place}: they may belong to this case."
            click.echo(warning, err=True)
    try:
        case = Cases(engine, vault).of_reference(reference)
    except UnknownCaseError:
        raise click.ClickException(_REFUSALS[UnknownCaseError]) from None
    return case.merged_into or case.id
