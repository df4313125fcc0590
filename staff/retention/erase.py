"""`python -m lantern erase`: erases one case because somebody asked for it."""

from __future__ import annotations

from datetime import timedelta

import click

from safeguarding.settings import Settings, SettingsError
from staff.audit.command_line import operator
from staff.cases.cases import Cases, UnknownCaseError
from staff.cases.worker import CaseWorker
from staff.retention.disposal import (
    Disposals,
    Ground,
    HeldError,
    InProgressError,
    StillOpenError,
)
from staff.retention.dispose import finish, told
from storage.engine import connect
from storage.handoffs import HandoffMailbox
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
    with told():
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
    """The id of the case under which it is kept, once all that waits is in the database."""
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
            told = f"{waiting} records wait in the {place}: they may belong to this case."
            click.echo(told, err=True)
    try:
        case = Cases(engine, vault).of_reference(reference)
    except UnknownCaseError:
        raise click.ClickException(_NO[UnknownCaseError]) from None
    return case.merged_into or case.id
