"""The open tasks of all cases: whose each is, by when, and whether its day is over."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, RowMapping

from staff.cases.case import Case, CaseStatus
from staff.cases.cases import case_of, may_see
from staff.cases.tables import case_actions, cases
from storage.engine import READING


@dataclass(frozen=True)
class OpenTask:
    """A task that is not done, without its words."""

    id: str
    case: Case
    """The open case on whose page it is."""
    own_case_id: str
    """The case that it was written on: another one where that was merged."""
    given_to: str | None
    """Id of the colleague to whom it was given."""
    due_on: date | None

    @property
    def owner(self) -> str | None:
        """Whose task it is: of the colleague it was given to, else of whoever has the case."""
        return self.given_to or self.case.assigned_to

    def is_overdue(self, today: date) -> bool:
        """Return whether its day is over."""
        return self.due_on is not None and self.due_on < today


class CaseTasks:
    """Reads open tasks. Thread-safe; methods raise SQLAlchemyError."""

    def __init__(self, engine: Engine) -> None:
        """Take an engine of `storage.engine.connect` on a migrated database."""
        self._reading = engine.execution_options(**READING)

    def open_tasks(
        self, areas: Collection[str] | None, *, of: str | None = None, limit: int = 100
    ) -> list[OpenTask]:
        """Return the tasks of open cases in these areas, the first due first.

        `of` narrows them to those of one member of staff.
        """
        head = _head()
        which: list[sa.ColumnElement[bool]] = [may_see(areas, head)]
        if of is not None:
            own = case_actions.c.given_to == of
            which.append(own | (case_actions.c.given_to.is_(None) & (head.c.assigned_to == of)))
        query = _query(head).where(*which).limit(limit)
        with self._reading.connect() as connection:
            return [_task(row) for row in connection.execute(query).mappings()]


def overdue_untold(connection: Connection, today: date, limit: int) -> list[OpenTask]:
    """Return tasks whose day is over and whose owner was not told of that today."""
    untold = case_actions.c.told_on.is_(None) | (case_actions.c.told_on < today)
    query = _query(_head()).where(case_actions.c.due_on < today, untold).limit(limit)
    return [_task(row) for row in connection.execute(query).mappings()]


def claim_telling(connection: Connection, task: OpenTask, today: date) -> bool:
    """Mark a task as told of today; return False where it was done, or another process did so."""
    column = case_actions.c
    untold = column.done_at.is_(None) & (column.told_on.is_(None) | (column.told_on < today))
    mark = sa.update(case_actions).where(column.id == task.id, untold).values(told_on=today)
    return connection.execute(mark).rowcount == 1


def give_back_telling(connection: Connection, task: OpenTask) -> None:
    """Let a task be told of again today: nobody could be reached."""
    mark = sa.update(case_actions).where(case_actions.c.id == task.id)
    connection.execute(mark.values(told_on=None))


def _head() -> sa.FromClause:
    """Return the table of cases, as the one on whose page a task is shown."""
    return cases.alias("head")


def _query(head: sa.FromClause) -> sa.Select[tuple[object, ...]]:
    own = cases.alias("own")
    column = case_actions.c
    return (
        sa.select(
            head,
            column.id.label("task_id"),
            column.case_id.label("own_case_id"),
            column.given_to,
            column.due_on,
        )
        .select_from(case_actions)
        .join(own, own.c.id == column.case_id)
        .join(head, head.c.id == sa.func.coalesce(own.c.merged_into, own.c.id))
        .where(column.done_at.is_(None), head.c.status == CaseStatus.OPEN.value)
        .order_by(column.due_on.is_(None), column.due_on, column.at, column.id)
    )


def _task(row: RowMapping) -> OpenTask:
    return OpenTask(
        row["task_id"], case_of(row), row["own_case_id"], row["given_to"], row["due_on"]
    )
