"""Merges, separates and splits cases, and sets legal holds."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, RowMapping

from safeguarding.clock import utc_now
from safeguarding.escalation import Escalation
from safeguarding.speaker import subject_said
from safeguarding.taxonomy import Severity
from staff.accounts.accounts import check_in_use
from staff.alerts.outbox import acknowledge, set_area
from staff.audit import trail
from staff.audit.trail import Event
from staff.cases.case import CaseEvent, CaseStatus, look_by, reference_of
from staff.cases.cases import UnknownCaseError
from staff.cases.casework import locked
from staff.cases.recording import ESCALATE_FROM
from staff.cases.summary import summary_of
from staff.cases.tables import cases, escalations, make_key, opened_row, sealed_row, vault_of
from storage.vault import Vault

_OPEN: dict[str, Any] = {"status": CaseStatus.OPEN.value, "closed_at": None}


class CaseMergeError(ValueError):
    """The cases cannot be merged or split so."""


class CaseMerge:
    """Changes to which messages belong to a case, and legal holds.

    Every method raises UnknownCaseError, UnknownStaffError and, where the case has changed since
    `version`, StaleCaseError; then nothing was changed.
    """

    def __init__(self, engine: Engine, vault: Vault, now: Callable[[], datetime] = utc_now) -> None:
        """Take an engine of `storage.engine.connect` on a migrated database."""
        self._engine = engine
        self._vault = vault
        self._now = now

    def merge(self, case_id: str, into: str, *, by: str, version: int | None = None) -> None:
        """Make one case part of another, where its messages are read and its later ones alert.

        Nothing is moved, so `separate` undoes it. An open case opens the one it becomes part of,
        and a hold on either holds both. Raises CaseMergeError for a case with itself, and where
        either is merged already.
        """
        with self._engine.begin() as connection:
            check_in_use(connection, by)
            # In the order of their ids, so that two merges at once do not deadlock.
            rows = {
                each: locked(connection, each, version if each == case_id else None)
                for each in sorted({case_id, into})
            }
            row, target = rows[case_id], rows[into]
            if case_id == into or row["merged_into"] or target["merged_into"]:
                raise CaseMergeError
            under = sa.update(cases).where(cases.c.merged_into == case_id)
            connection.execute(under.values(merged_into=into))
            held = row["legal_hold"] or target["legal_hold"]
            _change(connection, row, {"merged_into": into, "legal_hold": held})
            reopens = (row["status"], target["status"]) == (CaseStatus.OPEN, CaseStatus.CLOSED)
            opened = _OPEN if reopens else {}
            self._sum_up(connection, target, opened | {"closing_by": None, "legal_hold": held})
            # Its own page is gone, so its alerts could not be ended by opening it.
            acknowledge(connection, case_id, by, self._now())
            detail = {"into": target["reference"], "case": row["reference"]}
            for each in (case_id, into):
                self._leave(connection, each, by, CaseEvent.MERGED, detail)
            if opened:
                self._leave(connection, into, by, CaseEvent.REOPENED, detail)

    def separate(self, case_id: str, *, by: str) -> None:
        """Undo a merge: the facts of both cases follow from their own messages again.

        The case opens if messages with risk joined it since. Raises CaseMergeError where it is not
        merged.
        """
        with self._engine.begin() as connection:
            check_in_use(connection, by)
            row = locked(connection, case_id)
            into = row["merged_into"]
            if into is None:
                raise CaseMergeError
            target = locked(connection, into)
            _change(connection, row, {"merged_into": None})
            self._sum_up(connection, target, {})
            self._sum_up(connection, locked(connection, case_id), {}, reopen=True)
            for each in (case_id, into):
                self._leave(connection, each, by, CaseEvent.SEPARATED, {"case": row["reference"]})

    def split(
        self, case_id: str, message_ids: Collection[str], *, by: str, version: int | None = None
    ) -> str:
        """Move messages to a new case; return its id.

        Raises CaseMergeError unless a message with risk moves and another one stays.
        """
        with self._engine.begin() as connection:
            check_in_use(connection, by)
            row = locked(connection, case_id, version)
            kept = self._messages(connection, [case_id])
            moved = [each for each in kept if each.message_id in set(message_ids)]
            stay = [each for each in kept if each not in moved]
            if len(moved) != len(set(message_ids)):
                raise UnknownCaseError
            try:
                own, rest = _summed(moved), _summed(stay, row)
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
        """Set or lift the legal hold of a case and of those merged into it."""
        with self._engine.begin() as connection:
            check_in_use(connection, by)
            row = locked(connection, case_id, version)
            _change(connection, row, {"legal_hold": held})
            under = sa.update(cases).where(cases.c.merged_into == case_id)
            connection.execute(under.values(legal_hold=held))
            self._leave(connection, case_id, by, CaseEvent.HELD if held else CaseEvent.RELEASED, {})

    def _messages(self, connection: Connection, case_ids: list[str]) -> list[Escalation]:
        vaults = {each: vault_of(connection, self._vault, each) for each in case_ids}
        query = sa.select(escalations).where(escalations.c.case_id.in_(case_ids))
        rows = connection.execute(query.order_by(escalations.c.raised_at)).mappings()
        return [opened_row(row, vaults[row["case_id"]]) for row in rows]

    def _move(self, connection: Connection, messages: list[Escalation], case_id: str) -> None:
        # They are sealed again, with the key of their new case.
        vault = make_key(connection, self._vault, case_id)
        for message in messages:
            this_row = escalations.c.message_id == message.message_id
            values = sealed_row(message, vault) | {"case_id": case_id}
            connection.execute(sa.update(escalations).where(this_row).values(**values))

    def _sum_up(
        self,
        connection: Connection,
        target: RowMapping,
        changes: dict[str, Any],
        *,
        reopen: bool = False,
    ) -> None:
        """Update the facts of a case from its messages; `reopen` opens it if there are new ones."""
        into = sa.select(cases.c.id).where(cases.c.merged_into == target["id"])
        ids = [target["id"], *connection.execute(into).scalars()]
        total = _summed(self._messages(connection, ids), target)
        if reopen and total["handoffs"] > target["handoffs"]:
            changes = changes | _OPEN
        _change(connection, target, total | _as_judged(target, total) | changes)

    def _leave(
        self, connection: Connection, case_id: str, by: str, what: CaseEvent, detail: dict[str, Any]
    ) -> None:
        trail.append(connection, Event(self._now(), by, what.value, case_id=case_id, detail=detail))


def _as_judged(row: RowMapping, total: dict[str, Any]) -> dict[str, Any]:
    """Return the columns of the judgement of staff, which ends when the assessment is higher."""
    judged = row["staff_severity"]
    if judged is None or total["assessed_severity"] > row["assessed_severity"]:
        return {"staff_severity": None}
    return {"severity": judged, "due_at": look_by(Severity(judged), total["raised_at"])}


def _change(connection: Connection, row: RowMapping, changes: dict[str, Any]) -> None:
    values = changes | {"version": row["version"] + 1}
    connection.execute(sa.update(cases).where(cases.c.id == row["id"]).values(**values))
    if values.get("area", row["area"]) != row["area"]:
        set_area(connection, row["id"], values["area"])


def _summed(messages: Sequence[Escalation], row: RowMapping | None = None) -> dict[str, Any]:
    """Return the columns that follow from the messages, for a split or merged case.

    `row` is that of the case, for what staff corrected; None for a new one. Raises ValueError when
    none of them shows risk.
    """
    raised = [each for each in messages if each.assessment.severity >= ESCALATE_FROM]
    if not raised:
        raise ValueError("none of the messages shows risk")
    by_severity = sorted(
        raised, key=lambda each: (-each.assessment.severity, each.raised_at, each.message_id)
    )
    most_severe, first = by_severity[0], min(each.raised_at for each in raised)
    severity = most_severe.assessment.severity
    audience = next((each.audience for each in messages if each.audience), None)
    corrections = (subject_said(each.text) for each in reversed(messages))
    said = next(filter(None, corrections), None)
    summary = summary_of(raised, lambda each: each.text)
    return {
        **summary.columns({**(row or {}), "subject_said": said}, audience),
        "subject_said": said,
        "severity": int(severity),
        "assessed_severity": int(severity),
        "audience": audience,
        "area": next((each.area for each in messages if each.area), None),
        "opened_at": first,
        "raised_at": most_severe.raised_at,
        "newest_at": max(each.raised_at for each in messages),
        "due_at": look_by(severity, most_severe.raised_at),
        "handoffs": len(raised),
    }
