"""`python -m lantern rotate-keys`: seals every record again with the first key."""

from __future__ import annotations

import click
import sqlalchemy as sa
from sqlalchemy.engine import Engine, RowMapping

from safeguarding.settings import Settings
from staff.accounts.tables import SEALED as SEALED_OF_STAFF
from staff.audit.command_line import record_command
from staff.cases.log import EscalationLog
from staff.cases.rows import facts_of, make_key
from staff.cases.tables import SEALED, data_keys, escalations
from storage import key_users
from storage.engine import connect
from storage.spool import Spool
from storage.vault import Vault, VaultError

ALL_SEALED = {**SEALED, **SEALED_OF_STAFF}
"""Every sealed column, by table."""


def rotate(engine: Engine, vault: Vault) -> int:
    """Seal again every cell that an older key sealed; return how many changed.

    The words of a case are sealed with its data key, and that with the installation's keys. May run
    while the service runs, and again after it was interrupted. Raises VaultError when a key is
    missing; the cells before that one are done.
    """
    return sum(
        _rotate_row(engine, vault, table, key)
        for table in ALL_SEALED
        for key in _keys(engine, table)
    )


def _keys(engine: Engine, table: sa.Table) -> list[str]:
    with engine.connect() as connection:
        return list(connection.execute(sa.select(*table.primary_key.columns)).scalars())


def _rotate_row(engine: Engine, vault: Vault, table: sa.Table, key: str) -> int:
    # One short transaction a row, so that no recording waits for the whole run.
    this_row = table.primary_key.columns[0] == key
    with engine.begin() as connection:
        query = sa.select(table).where(this_row).with_for_update()
        row = connection.execute(query).mappings().first()
        if row is None:
            return 0
        of_case = table is not data_keys and "case_id" in table.c
        own_vault = make_key(connection, vault, row["case_id"]) if of_case else vault
        changes = _resealed(own_vault, table, key, row)
        if changes:
            connection.execute(sa.update(table).where(this_row).values(**changes))
    return len(changes)


def _resealed(vault: Vault, table: sa.Table, key: str, row: RowMapping) -> dict[str, str]:
    changes = {}
    for column in ALL_SEALED[table]:
        envelope = row[column]
        if envelope is not None and not vault.is_current(envelope):
            facts = facts_of(row) if table is escalations and column == "text" else ""
            place = {"table": table.name, "row": key, "column": column, "facts": facts}
            changes[column] = vault.seal(vault.open(envelope, **place), **place)
    return changes


@click.command()
def main() -> None:
    """Drain the spool, rotate, and say whether the older keys may go."""
    settings = Settings.from_env()
    vault, engine = Vault.of(settings), connect(settings.database_url)
    # Ask first: such a process goes on sealing with the older key while this one works.
    behind = key_users.with_other_keys(settings, vault)
    spool = Spool.of(settings, vault)
    spool.drain(EscalationLog(engine, vault))
    try:
        count = rotate(engine, vault)
    except VaultError as error:
        why = f"{error}. Put it back into field_keys and run this again."
        raise click.ClickException(why) from None
    record_command("keys rotated", settings, key=vault.key_id, values=count)
    click.echo(f"{count} values sealed again with key {vault.key_id}.")
    if waiting := len(spool.waiting()):
        click.echo(f"{waiting} records wait in the spool: keep the older keys.")
        raise SystemExit(1)
    if behind:
        which = ", ".join(map(str, behind))
        click.echo(f"Process {which} seals with an older key: restart it, and run this again.")
        raise SystemExit(1)
    click.echo("The older keys may be removed from field_keys.")
