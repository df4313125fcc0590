"""`python -m lantern erase`: erases one case for good."""

from __future__ import annotations

from datetime import timedelta

import click

from safeguarding.secret_files import SettingsError
from safeguarding.settings import Settings
from staff.audit.audit_log import operator
from staff.cases.cases import Cases, UnknownCaseError
from staff.cases.log import EscalationLog
from staff.retention.disposal import (
    Disposals,
    Ground,
    HeldError,
    InProgressError,
    StillOpenError,
)
from staff.retention.dispose import explained_errors, finish
from storage.engine import connect
from storage.spool import Spool
from storage.vault import Vault, VaultError

_NO = {
    UnknownCaseError: "There is no such case.",
    HeldError: "A legal hold keeps this case: lift it in the console first.",
    StillOpenError: "This case is open: close it, or say --open.",
    InProgressError: "Its conversation may still go on: wait until it has been silent for {wait}.",
}


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
def main(reference: str, *, reason: str, although_open: bool, yes: bool) -> None:
    """Erase the case with this REFERENCE, and those merged into it, for good."""
    settings = Settings.from_env()
    silence = timedelta(seconds=settings.conversation_ttl_s)
    with explained_errors():
        case_id = _find(settings, reference)
        if not yes:
            click.confirm(f"Erase {reference} and what is merged with it?", abort=True)
        disposals = Disposals(connect(settings.database_url), settings.state_dir, operator())
        try:
            group = disposals.erase(
                case_id, Ground(reason), silence=silence, although_open=although_open
            )
        except tuple(_NO) as error:
            raise click.ClickException(_NO[type(error)].format(wait=silence)) from None
        finish(disposals)
    click.echo(f"Erased: {', '.join(case.reference for case in group.all)}.")
    click.echo("Copies made before still hold it: docs/retention.md says how they learn of it.")


def _find(settings: Settings, reference: str) -> str:
    """Drain the spool, and return the id of the case or of the one that it was merged into."""
    try:
        vault = Vault.of(settings)
    except (SettingsError, VaultError) as error:
        raise click.ClickException(str(error)) from None
    engine = connect(settings.database_url)
    spool = Spool.of(settings, vault)
    spool.drain(EscalationLog(engine, vault))
    if waiting := len(spool.waiting()):
        click.echo(f"{waiting} records wait in the spool: they may belong to this case.", err=True)
    try:
        case = Cases(engine, vault).of_reference(reference)
    except UnknownCaseError:
        raise click.ClickException(_NO[UnknownCaseError]) from None
    return case.merged_into or case.id
