"""What staff do with a case: read, take, hand over, note, correct, refer, close, open again."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from safeguarding.clock import utc_now
from safeguarding.escalation import Outcome
from safeguarding.taxonomy import Severity, taxonomy
from staff.accounts.accounts import check_in_use
from staff.alerts.outbox import acknowledge
from staff.audit import trail
from staff.audit.trail import Event
from staff.cases.case import Case, CaseEvent, CaseStatus, Referral, look_by
from staff.cases.cases import UnknownCaseError
from staff.cases.rows import case_of, make_key
from staff.cases.tables import case_actions, case_notes, cases, referrals, reviews
from storage.vault import Vault

REFERRED_TO = ("social_care", "police", "school_lead", "health", "lado", "other")
REFERRED_BY = ("telephone", "form", "email", "in_person", "other")
"""To whom, and how, a case is referred. The values are in the database: never rename one."""
SECOND_PERSON_FROM = Severity.URGENT
"""From this severity on, two people close a case."""


class StaleCaseError(Exception):
    """A colleague has changed the case since it was read."""


class AlreadyClosedError(Exception):
    """A colleague has closed it already."""


class WordsMissingError(ValueError):
    """Something has to be said: a note, a reason, what is to be done."""


class NotYoursError(Exception):
    """Only another person may do this: whom it was handed to, or a second one."""


@dataclass(frozen=True)
class ClosingDecision:
    """How a member of staff closes a case."""

    outcome: Outcome
    note: str
    severity: Severity | None = None
    """What they make of it; None where they agree."""
    missed: bool = False
    """Whether something in the conversation should have been raised and was not."""


class Casework:
    """Changes to cases, each with its line on the audit trail in the same transaction.

    Thread-safe. Every method takes the id of the case and of whoever does it, and raises
    UnknownCaseError, UnknownStaffError and SQLAlchemyError; then nothing of the call was kept.
    Where `version` is given and the case has changed since, it raises StaleCaseError.
    """

    def __init__(self, engine: Engine, vault: Vault, now: Callable[[], datetime] = utc_now) -> None:
        """Take an engine of `database.engine.connect` on a migrated database."""
        self._engine = engine
        self._ring = vault
        self._now = now

    def viewed(self, case_id: str, *, by: str) -> None:
        """Note that somebody opened the case: its alerts have then reached a person."""
        with self._engine.begin() as connection:
            self._case(connection, case_id, by)
            acknowledge(connection, case_id, by, self._now())
            self._leave(connection, case_id, by, CaseEvent.VIEWED)

    def revealed(self, case_id: str, *, by: str, session: str) -> None:
        """Note that somebody uncovered the words of the case, in which of their sessions.

        `session` is a mark that tells sessions apart and opens none.
        """
        with self._engine.begin() as connection:
            self._case(connection, case_id, by)
            self._leave(connection, case_id, by, CaseEvent.REVEALED, {"session": session})

    def assign(self, case_id: str, to: str | None, *, by: str, version: int | None = None) -> None:
        """Give the case to somebody, take it, or (None) put it back. Ends an open handover."""
        with self._engine.begin() as connection:
            case = self._case(connection, case_id, by, version)
            if to is not None:
                check_in_use(connection, to)
            self._change(connection, case, {"assigned_to": to, "offered_to": None})
            self._leave(connection, case_id, by, CaseEvent.ASSIGNED, {"to": to})

    def hand_over(
        self, case_id: str, to: str, reason: str, *, by: str, version: int | None = None
    ) -> None:
        """Offer the case to a colleague; it stays where it is until they accept.

        Raises WordsMissingError without a reason.
        """
        with self._engine.begin() as connection:
            case = self._case(connection, case_id, by, version)
            check_in_use(connection, to)
            note_id = self._write_note(connection, case, by, reason)
            self._change(connection, case, {"offered_to": to})
            self._leave(connection, case_id, by, CaseEvent.OFFERED, {"to": to, "note": note_id})

    def answer_handover(
        self, case_id: str, *, accept: bool, by: str, reason: str = "", version: int | None = None
    ) -> None:
        """Accept a case that was handed over, or return it with a reason.

        Raises NotYoursError for anybody but whom it was offered to, WordsMissingError.
        """
        with self._engine.begin() as connection:
            case = self._case(connection, case_id, by, version)
            if case.offered_to != by:
                raise NotYoursError
            if accept:
                self._change(connection, case, {"assigned_to": by, "offered_to": None})
                self._leave(connection, case_id, by, CaseEvent.ACCEPTED)
                return
            note_id = self._write_note(connection, case, by, reason)
            self._change(connection, case, {"offered_to": None})
            self._leave(connection, case_id, by, CaseEvent.RETURNED, {"note": note_id})

    def note(self, case_id: str, text: str, *, by: str) -> None:
        """Add a note. Raises WordsMissingError."""
        with self._engine.begin() as connection:
            case = self._case(connection, case_id, by)
            note_id = self._write_note(connection, case, by, text)
            self._leave(connection, case_id, by, CaseEvent.NOTED, {"note": note_id})

    def add_action(self, case_id: str, what: str, due_on: date | None, *, by: str) -> None:
        """Add what somebody has to do. Raises WordsMissingError."""
        values: dict[str, Any] = {"due_on": due_on}
        with self._engine.begin() as connection:
            case = self._case(connection, case_id, by)
            action_id = self._insert(connection, case_actions, case, by, values, {"what": what})
            detail = {"action": action_id, "due_on": due_on.isoformat() if due_on else None}
            self._leave(connection, case_id, by, CaseEvent.ACTION_ADDED, detail)

    def finish_action(self, case_id: str, action_id: str, *, by: str) -> None:
        """Note that it is done; once done, it stays so."""
        merged = sa.select(cases.c.id).where(cases.c.merged_into == case_id)
        mine = (case_actions.c.case_id == case_id) | case_actions.c.case_id.in_(merged)
        todo = (case_actions.c.id == action_id) & mine & case_actions.c.done_at.is_(None)
        with self._engine.begin() as connection:
            self._case(connection, case_id, by)
            done = sa.update(case_actions).where(todo).values(done_at=self._now(), done_by=by)
            if connection.execute(done).rowcount == 1:
                self._leave(connection, case_id, by, CaseEvent.ACTION_DONE, {"action": action_id})

    def correct(
        self,
        case_id: str,
        *,
        severity: Severity | None,
        categories: Sequence[str] | None,
        reason: str,
        by: str,
        version: int | None = None,
    ) -> None:
        """Put right what the assessment says; None agrees with it.

        The clock starts from when the case was last raised. Raises WordsMissingError, and
        ValueError for an unknown category.
        """
        if not set(categories or ()) <= set(taxonomy().risk_categories):
            raise ValueError("an unknown risk category")
        with self._engine.begin() as connection:
            case = self._case(connection, case_id, by, version)
            note_id = self._write_note(connection, case, by, reason)
            named = None if categories is None else list(categories)
            judged = _judged(case, severity) | {"staff_categories": named}
            self._change(connection, case, judged)
            found = case.assessed_severity if severity is None else severity
            detail = {"from": case.severity.label, "to": found.label, "note": note_id}
            changed = {"categories": named} if named is not None else {}
            self._leave(connection, case_id, by, CaseEvent.CORRECTED, detail | changed)

    def refer(self, case_id: str, referral: Referral, *, by: str) -> None:
        """Record a referral; or, without `made_at`, why there is none. WordsMissingError: no why.

        Raises ValueError for an unknown receiver or way.
        """
        if referral.to_whom not in REFERRED_TO or referral.how not in REFERRED_BY:
            raise ValueError("an unknown receiver or way of referral")
        if referral.made_at is None and not referral.reason.strip():
            raise WordsMissingError
        facts: dict[str, Any] = {
            "to_whom": referral.to_whom,
            "how": referral.how,
            "made_at": referral.made_at,
        }
        words = {"reference": referral.reference, "reason": referral.reason}
        with self._engine.begin() as connection:
            case = self._case(connection, case_id, by)
            kept = self._insert(connection, referrals, case, by, facts, words, required=False)
            detail = {
                "referral": kept,
                "to": referral.to_whom,
                "made": referral.made_at is not None,
            }
            self._leave(connection, case_id, by, CaseEvent.REFERRED, detail)

    def close(
        self, case_id: str, decision: ClosingDecision, *, by: str, version: int | None = None
    ) -> CaseStatus:
        """Close a case with its outcome; an urgent or immediate one waits for a second person.

        Returns what it is now. Raises WordsMissingError without a note, AlreadyClosedError.
        """
        with self._engine.begin() as connection:
            case = self._case(connection, case_id, by, version)
            if case.status is CaseStatus.CLOSED:
                raise AlreadyClosedError
            self._review(connection, case, decision, by)
            detail = _told(decision)
            found = case.severity if decision.severity is None else decision.severity
            if max(found, case.severity, case.assessed_severity) >= SECOND_PERSON_FROM:
                self._change(connection, case, {"closing_by": by})
                self._leave(connection, case_id, by, CaseEvent.CLOSING_PROPOSED, detail)
                return CaseStatus.OPEN
            self._close(connection, case, decision.severity)
            self._leave(connection, case_id, by, CaseEvent.OUTCOME_RECORDED, detail)
            return CaseStatus.CLOSED

    def answer_closing(
        self, case_id: str, *, agree: bool, by: str, reason: str = "", version: int | None = None
    ) -> None:
        """Agree to a closing that a colleague proposed, or return it with a reason.

        Raises NotYoursError for whoever proposed it and where none is proposed, WordsMissingError.
        """
        with self._engine.begin() as connection:
            case = self._case(connection, case_id, by, version)
            if case.closing_by in {None, by} or case.status is CaseStatus.CLOSED:
                raise NotYoursError
            if not agree:
                note_id = self._write_note(connection, case, by, reason)
                self._change(connection, case, {"closing_by": None})
                self._leave(connection, case_id, by, CaseEvent.CLOSING_RETURNED, {"note": note_id})
                return
            newest = sa.select(reviews.c.id, reviews.c.severity, reviews.c.outcome)
            mine = newest.where(reviews.c.case_id == case_id).order_by(reviews.c.at.desc())
            review = connection.execute(mine.limit(1)).one()
            second = sa.update(reviews).where(reviews.c.id == review.id).values(second_by=by)
            connection.execute(second)
            found = None if review.severity is None else Severity(review.severity)
            self._close(connection, case, found)
            detail = {"outcome": review.outcome, "proposed_by": case.closing_by}
            self._leave(connection, case_id, by, CaseEvent.OUTCOME_RECORDED, detail)

    def reopen(self, case_id: str, *, by: str, reason: str) -> None:
        """Open a closed case again; an open one stays as it is. Raises WordsMissingError."""
        with self._engine.begin() as connection:
            case = self._case(connection, case_id, by)
            if case.status is CaseStatus.OPEN:
                return
            note_id = self._write_note(connection, case, by, reason)
            due = look_by(case.severity, self._now())
            opened = {"status": CaseStatus.OPEN.value, "closed_at": None, "due_at": due}
            self._change(connection, case, opened)
            self._leave(connection, case_id, by, CaseEvent.REOPENED, {"note": note_id})

    def _case(
        self, connection: Connection, case_id: str, by: str, version: int | None = None
    ) -> Case:
        """The case, locked until the transaction ends."""
        check_in_use(connection, by)
        query = sa.select(cases).where(cases.c.id == case_id).with_for_update()
        row = connection.execute(query).mappings().first()
        if row is None:
            raise UnknownCaseError
        if version is not None and row["version"] != version:
            raise StaleCaseError
        return case_of(row)

    def _change(self, connection: Connection, case: Case, changes: dict[str, Any]) -> None:
        values = {**changes, "version": case.version + 1}
        connection.execute(sa.update(cases).where(cases.c.id == case.id).values(**values))

    def _close(self, connection: Connection, case: Case, severity: Severity | None) -> None:
        closed = {"status": CaseStatus.CLOSED.value, "closed_at": self._now(), "closing_by": None}
        judged = {} if severity is None else _judged(case, severity)
        self._change(connection, case, closed | judged)

    def _review(
        self, connection: Connection, case: Case, decision: ClosingDecision, by: str
    ) -> None:
        facts = {
            "outcome": decision.outcome.value,
            "severity": None if decision.severity is None else int(decision.severity),
            "missed": decision.missed,
        }
        self._insert(connection, reviews, case, by, facts, {"note": decision.note})

    def _write_note(self, connection: Connection, case: Case, by: str, text: str) -> str:
        return self._insert(connection, case_notes, case, by, {}, {"text": text})

    def _insert(
        self,
        connection: Connection,
        table: sa.Table,
        case: Case,
        by: str,
        facts: dict[str, Any],
        words: dict[str, str],
        *,
        required: bool = True,
    ) -> str:
        """Keep what somebody wrote, sealed with the key of its case; its id."""
        if required and not all(text.strip() for text in words.values()):
            raise WordsMissingError
        vault, row = make_key(connection, self._ring, case.id), str(uuid.uuid4())
        sealed = {
            column: vault.seal(text.strip(), table=table.name, row=row, column=column)
            for column, text in words.items()
        }
        values = {"id": row, "case_id": case.id, "at": self._now(), "by": by, **facts, **sealed}
        connection.execute(sa.insert(table).values(**values))
        return row

    def _leave(
        self,
        connection: Connection,
        case_id: str,
        by: str,
        what: CaseEvent,
        detail: dict[str, Any] | None = None,
    ) -> None:
        event = Event(self._now(), by, what.value, case_id=case_id, detail=detail or {})
        trail.append(connection, event)


def _judged(case: Case, severity: Severity | None) -> dict[str, Any]:
    """The columns that follow from what staff make of it."""
    counts = case.assessed_severity if severity is None else severity
    return {
        "staff_severity": None if severity is None else int(severity),
        "severity": int(counts),
        "due_at": look_by(counts, case.raised_at),
    }


def _told(decision: ClosingDecision) -> dict[str, Any]:
    detail = {"outcome": decision.outcome.value}
    if decision.severity is not None:
        detail["severity"] = decision.severity.label
    return detail | ({"missed": "yes"} if decision.missed else {})
