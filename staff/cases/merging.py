"""Cases put in order by hand: two that are one, one that is two; and a legal hold."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, RowMapping

from safeguarding.clock import utc_now
from safeguarding.escalation import Escalation
from safeguarding.taxonomy import Severity
from staff.accounts.accounts import check_in_use
from staff.alerts.outbox import acknowledge, set_area
from staff.audit import trail
from staff.audit.trail import Event
from staff.cases.case import CaseEvent, CaseStatus, look_by, reference_of
from staff.cases.cases import UnknownCaseError
from staff.cases.casework import StaleCaseError
from staff.cases.joining import summed
from staff.cases.rows import make_key, opened_row, sealed_row, vault_of
from staff.cases.tables import cases, escalations
from storage.vault import Vault

_OPEN: dict[str, Any] = {"status": CaseStatus.OPEN.value, "closed_at": None}


class CaseMergeError(ValueError):
    """This cannot be done: a case with itself, or nothing with risk would be left."""


class CaseMerge:
    """Merges, splits and holds cases. Raises UnknownCaseError, UnknownStaffError.

    Where `version` is given and the case has changed since, it raises StaleCaseError.
    """

    def __init__(self, engine: Engine, vault: Vault, now: Callable[[], datetime] = utc_now) -> None:
        """Take an engine of `database.engine.connect` on a migrated database."""
        self._engine = engine
        self._ring = vault
        self._now = now

    def merge(self, case_id: str, into: str, *, by: str, version: int | None = None) -> None:
        """Make one case part of another: its messages are read there, its later ones alert there.

        Nothing is moved, so `separate` undoes it. An open case opens the one it becomes part of,
        and a hold on either holds both. Raises SortingError.
        """
        with self._engine.begin() as connection:
            check_in_use(connection, by)
            # In the order of their ids: two who merge at once do not wait for each other.
            found = {each: _locked(connection, each) for each in sorted({case_id, into})}
            row, target = found[case_id], found[into]
            _check_version(row, version)
            if case_id == into or row["merged_into"] or target["merged_into"]:
                raise CaseMergeError
            under = sa.update(cases).where(cases.c.merged_into == case_id)
            connection.execute(under.values(merged_into=into))
            held = row["legal_hold"] or target["legal_hold"]
            _change(connection, row, {"merged_into": into, "legal_hold": held})
            opened = _opened_by(row, target)
            self._sum_up(connection, target, opened | {"closing_by": None, "legal_hold": held})
            # Whoever puts it there knows of it: nobody could open it to end its alerts.
            acknowledge(connection, case_id, by, self._now())
            detail = {"into": target["reference"], "case": row["reference"]}
            for each in (case_id, into):
                self._leave(connection, each, by, CaseEvent.MERGED, detail)
            if opened:
                self._leave(connection, into, by, CaseEvent.REOPENED, detail)

    def separate(self, case_id: str, *, by: str) -> None:
        """Undo a merge: both cases say again what their own messages do.

        One that was handed over again in the meantime is open. Raises SortingError when the case
        is not merged.
        """
        with self._engine.begin() as connection:
            check_in_use(connection, by)
            row = _locked(connection, case_id)
            into = row["merged_into"]
            if into is None:
                raise CaseMergeError
            target = _locked(connection, into)
            _change(connection, row, {"merged_into": None})
            self._sum_up(connection, target, {})
            self._sum_up(connection, _locked(connection, case_id), {}, reopen=True)
            for each in (case_id, into):
                self._leave(connection, each, by, CaseEvent.SEPARATED, {"case": row["reference"]})

    def split(
        self, case_id: str, message_ids: Collection[str], *, by: str, version: int | None = None
    ) -> str:
        """Move messages to a case of their own; its id. Raises SortingError."""
        with self._engine.begin() as connection:
            check_in_use(connection, by)
            row = _locked(connection, case_id)
            _check_version(row, version)
            kept = self._messages(connection, [case_id])
            moved = [each for each in kept if each.message_id in set(message_ids)]
            stay = [each for each in kept if each not in moved]
            if len(moved) != len(set(message_ids)):
                raise UnknownCaseError
            try:
                own, rest = summed(moved), summed(stay)
            except ValueError:
                raise CaseMergeError from None
            new = str(uuid.uuid4())
            values = {
                "id": new,
                "reference": reference_of(new),
                "conversation_id": row["conversation_id"],
                "status": CaseStatus.OPEN.value,
                "assigned_to": row["assigned_to"],
                "legal_hold": row["legal_hold"],
                "version": 1,
            }
            connection.execute(sa.insert(cases).values(**values, **own))
            self._move(connection, moved, new)
            _change(connection, row, rest | _as_judged(row, rest) | {"closing_by": None})
            detail = {"messages": len(moved), "new": values["reference"], "from": row["reference"]}
            for each in (case_id, new):
                self._leave(connection, each, by, CaseEvent.SPLIT, detail)
            return new

    def hold(self, case_id: str, *, held: bool, by: str, version: int | None = None) -> None:
        """Keep a case from disposal, with those merged into it, or let their clock run again."""
        with self._engine.begin() as connection:
            check_in_use(connection, by)
            row = _locked(connection, case_id)
            _check_version(row, version)
            _change(connection, row, {"legal_hold": held})
            under = sa.update(cases).where(cases.c.merged_into == case_id)
            connection.execute(under.values(legal_hold=held))
            self._leave(connection, case_id, by, CaseEvent.HELD if held else CaseEvent.RELEASED, {})

    def _messages(self, connection: Connection, case_ids: list[str]) -> list[Escalation]:
        vaults = {each: vault_of(connection, self._ring, each) for each in case_ids}
        query = sa.select(escalations).where(escalations.c.case_id.in_(case_ids))
        rows = connection.execute(query.order_by(escalations.c.raised_at)).mappings()
        return [opened_row(row, vaults[row["case_id"]]) for row in rows]

    def _move(self, connection: Connection, messages: list[Escalation], case_id: str) -> None:
        """Seal them with the key of their new case."""
        vault = make_key(connection, self._ring, case_id)
        for message in messages:
            mine = escalations.c.message_id == message.message_id
            values = sealed_row(message, vault) | {"case_id": case_id}
            connection.execute(sa.update(escalations).where(mine).values(**values))

    def _sum_up(
        self,
        connection: Connection,
        target: RowMapping,
        changes: dict[str, Any],
        *,
        reopen: bool = False,
    ) -> None:
        """Let a case say what its messages do; with `reopen`, open it if there are new ones."""
        into = sa.select(cases.c.id).where(cases.c.merged_into == target["id"])
        ids = [target["id"], *connection.execute(into).scalars()]
        total = summed(self._messages(connection, ids))
        if reopen and total["handoffs"] > target["handoffs"]:
            changes = changes | _OPEN
        _change(connection, target, total | _as_judged(target, total) | changes)

    def _leave(
        self, connection: Connection, case_id: str, by: str, what: CaseEvent, detail: dict[str, Any]
    ) -> None:
        trail.append(connection, Event(self._now(), by, what.value, case_id=case_id, detail=detail))


def _as_judged(row: RowMapping, total: dict[str, Any]) -> dict[str, Any]:
    """What staff made of it stays, unless its messages now say that it is graver."""
    judged = row["staff_severity"]
    if judged is None or total["assessed_severity"] > row["assessed_severity"]:
        return {"staff_severity": None}
    return {"severity": judged, "due_at": look_by(Severity(judged), total["raised_at"])}


def _opened_by(row: RowMapping, target: RowMapping) -> dict[str, Any]:
    waits = row["status"] == CaseStatus.OPEN.value and target["status"] == CaseStatus.CLOSED.value
    return _OPEN if waits else {}


def _change(connection: Connection, row: RowMapping, changes: dict[str, Any]) -> None:
    values = changes | {"version": row["version"] + 1}
    connection.execute(sa.update(cases).where(cases.c.id == row["id"]).values(**values))
    if values.get("area", row["area"]) != row["area"]:
        set_area(connection, row["id"], values["area"])


def _locked(connection: Connection, case_id: str) -> RowMapping:
    query = sa.select(cases).where(cases.c.id == case_id).with_for_update()
    row = connection.execute(query).mappings().first()
    if row is None:
        raise UnknownCaseError
    return row


def _check_version(row: RowMapping, version: int | None) -> None:
    if version is not None and row["version"] != version:
        raise StaleCaseError
