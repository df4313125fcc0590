"""`python -m lantern rotate-keys`: seals records with the ring's first key."""

from __future__ import annotations

import click
import sqlalchemy as sa
from sqlalchemy.engine import Engine, RowMapping

from safeguarding.settings import Settings
from staff.accounts.tables import SEALED as SEALED_OF_STAFF
from staff.audit.trail import record_command
from staff.cases.tables import SEALED, data_keys, escalations, facts_of, make_key
from storage import handoffs, replies
from storage.engine import connect
from storage.handoffs import HandoffMailbox
from storage.spool import Spool
from storage.vault import Vault, VaultError, processes_with_other_keys

ALL_SEALED = {**SEALED, **SEALED_OF_STAFF, **handoffs.SEALED, **replies.SEALED}
"""Every column with an envelope."""


def rotate(engine: Engine, vault: Vault) -> int:
    """Seal again what an older key sealed; return how many cells changed.

    The words of a case are sealed by its data key, and that by the ring. May run while the service
    runs, and again after it was cut off. Raises VaultError when a key is missing from the ring;
    the cells before it are then done.
    """
    return sum(
        _rotate_row(engine, vault, table, key)
        for table in ALL_SEALED
        for key in _keys(engine, table)
    )


def _keys(engine: Engine, table: sa.Table) -> list[str]:
    """Select the rows that hold an envelope; a hand-off that is done holds none."""
    sealed = sa.or_(*(table.c[column].is_not(None) for column in ALL_SEALED[table]))
    with engine.connect() as connection:
        query = sa.select(*table.primary_key.columns).where(sealed)
        return list(connection.execute(query).scalars())


def _rotate_row(engine: Engine, ring: Vault, table: sa.Table, key: str) -> int:
    """One short transaction a row: records are written between two of them, not after all."""
    mine = table.primary_key.columns[0] == key
    with engine.begin() as connection:
        row = connection.execute(sa.select(table).where(mine).with_for_update()).mappings().first()
        if row is None:
            return 0
        of_ring = table is data_keys or "case_id" not in table.c
        vault = ring if of_ring else make_key(connection, ring, row["case_id"])
        changes = {}
        for column in ALL_SEALED[table]:
            envelope = row[column]
            if envelope is not None and not vault.is_current(envelope):
                place = _place(table, key, column, row)
                changes[column] = vault.seal(vault.open(envelope, **place), **place)
        if changes:
            connection.execute(sa.update(table).where(mine).values(**changes))
    return len(changes)


def _place(table: sa.Table, key: str, column: str, row: RowMapping) -> dict[str, str]:
    facts = ""
    if table is escalations and column == "text":
        facts = facts_of(row)
    for mailbox in (handoffs, replies):
        if table in mailbox.SEALED:
            # A mailbox is numbered by the database; what is sealed is bound to the key.
            key, facts = row["key"], mailbox.facts_of(row)
    return {"table": table.name, "row": key, "column": column, "facts": facts}


@click.command()
def main() -> None:
    """Drain the spool, rotate, and say whether the older keys may go."""
    settings = Settings.from_env()
    vault, engine = Vault.of(settings), connect(settings.database_url)
    # Before anything is sealed again: what such a process seals meanwhile would need the older key.
    behind = processes_with_other_keys(settings, vault)
    spool = Spool.of(settings, vault)
    spool.drain(HandoffMailbox(engine, vault))
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
