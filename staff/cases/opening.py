"""Opens what is sealed in many cases at once: one query for their keys, and one for each table.

What cannot be opened costs its own case at most, and is logged without a word of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import TypeVar

import sqlalchemy as sa
import structlog
from sqlalchemy.engine import Connection, RowMapping

from safeguarding.escalation import Escalation
from staff.cases.tables import escalations, keys_of, opened_row, vault_with
from storage.vault import Vault, VaultError

Opened = TypeVar("Opened")
log = structlog.get_logger("console.opening")


class CaseOpener:
    """Opens the rows of some cases within one transaction. Raises SQLAlchemyError."""

    def __init__(self, connection: Connection, vault: Vault, case_ids: Collection[str]) -> None:
        """`vault` is that of the installation. `case_ids` may name cases that are not there."""
        self._connection = connection
        self._ids = list(case_ids)
        self._vaults: dict[str, Vault] = {}
        self.unreadable: set[str] = set()
        """Ids of the cases of which something could not be opened so far."""
        keys = keys_of(connection, self._ids)
        for each in self._ids:
            try:
                self._vaults[each] = vault_with(vault, keys.get(each))
            except VaultError:
                self._fails(each)

    def rows(
        self,
        table: sa.Table,
        opens: Callable[[RowMapping, Vault], Opened],
        *order: sa.Column[object],
    ) -> Iterator[tuple[str, Opened]]:
        """Yield the id of the case and what `opens` returns, for each row that can be opened.

        `table` has a column `case_id`. `opens` takes a row and the vault of its case, and raises
        VaultError for what it cannot open.
        """
        query = sa.select(table).where(table.c.case_id.in_(self._vaults)).order_by(*order)
        for row in self._connection.execute(query).mappings():
            case_id = row["case_id"]
            try:
                found = opens(row, self._vaults[case_id])
            except VaultError:
                self._fails(case_id)
                continue
            yield case_id, found

    def messages(self) -> Iterator[tuple[str, Escalation]]:
        """Yield the messages of each case that can be opened, the oldest first."""
        return self.rows(escalations, opened_row, escalations.c.raised_at, escalations.c.message_id)

    def _fails(self, case_id: str) -> None:
        log.error("case.unreadable", case_id=case_id)
        self.unreadable.add(case_id)
