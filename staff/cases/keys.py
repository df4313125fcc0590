"""The data key of each case: its words open with that key alone, so deleting it disposes of them.

Envelope encryption as NIST SP 800-57 part 1 describes it: the key ring wraps a random key a case.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from staff.cases.tables import data_keys
from storage.vault import DATA_KEY, Vault, key_ring, new_key


def make_key(connection: Connection, ring: Vault, case_id: str) -> Vault:
    """The vault of a case; a key is made where it has none. Raises VaultError."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    wrapped = ring.seal(new_key(), table=data_keys.name, row=case_id, column="wrapped")
    statement = insert(data_keys).values(case_id=case_id, wrapped=wrapped)
    connection.execute(statement.on_conflict_do_nothing())
    return vault_of(connection, ring, case_id)


def vault_of(connection: Connection, ring: Vault, case_id: str) -> Vault:
    """The vault of a case: seals with its data key, opens what the ring sealed before, too.

    A case whose key was deleted opens nothing that it sealed. Raises VaultError.
    """
    query = sa.select(data_keys.c.wrapped).where(data_keys.c.case_id == case_id)
    wrapped = connection.execute(query).scalar_one_or_none()
    if wrapped is None:
        return ring
    key = ring.open(wrapped, table=data_keys.name, row=case_id, column="wrapped")
    return ring.led_by(key_ring(f"{DATA_KEY}:{key}"))
