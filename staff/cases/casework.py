"""What staff do with a case: read, assign, hand over, note, correct, refer, close and reopen."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, RowMapping

from safeguarding.clock import utc_now
from safeguarding.escalation import Outcome
from safeguarding.taxonomy import Severity, taxonomy
from staff.accounts.accounts import check_in_use
from staff.alerts.outbox import acknowledge
from staff.audit import trail
from staff.audit.trail import Event
from staff.cases.case import Case, CaseEvent, CaseStatus, Referral, look_by
from staff.cases.cases import UnknownCaseError, case_of
from staff.cases.closing import check_finished
from staff.cases.summary import summary_on_record
from staff.cases.tables import case_actions, case_notes, cases, make_key, referrals, reviews
from storage.vault import Vault

REFERRED_TO = ("social_care", "police", "school_lead", "health", "lado", "other")
REFERRED_BY = ("telephone", "form", "email", "in_person", "other")
"""To whom, and how, a case is referred. The values are in the database: never rename one."""
SECOND_PERSON_FROM = Severity.URGENT
"""The severity from which two people close a case."""


class StaleCaseError(Exception):
    """A colleague has changed the case since it was read."""


class AlreadyClosedError(Exception):
    """The case is closed already."""


class WordsMissingError(ValueError):
    """A note, a reason or a task is empty."""


class NotYoursError(Exception):
    """Only the colleague to whom it was offered, or a second person, may do this."""


@dataclass(frozen=True)
class ClosingDecision:
    """How a member of staff closes a case."""

    outcome: Outcome
    note: str
    severity: Severity | None = None
    """The severity that they choose; None where they agree with the assessment."""
    missed: bool = False
    """Whether Lantern should have raised something in the conversation and did not."""
    reason: str | None = None
    """Why it was a false alarm: one of the reviewed reasons (staff/cases/false_alarms.py)."""


@dataclass(frozen=True)
class CorrectedPeople:
    """Whom a case is about and who writes, as a member of staff corrects them; None agrees."""

    subject: str | None = None
    """One of the taxonomy's subjects."""
    audience: str | None = None
    """One of the taxonomy's audiences."""


@dataclass(frozen=True)
class CaseChange:
    """One change to a locked case, in one transaction with its event on the audit trail.

    `vault` is that of the installation.
    """

    connection: Connection
    vault: Vault
    case: Case
    by: str
    at: datetime

    def update(self, **columns: Any) -> None:
        """Write these columns of the case, with its next version."""
        values = {**columns, "version": self.case.version + 1}
        self.connection.execute(sa.update(cases).where(cases.c.id == self.case.id).values(**values))

    def record(self, what: CaseEvent, **detail: Any) -> None:
        """Append the event of the change to the audit trail."""
        event = Event(self.at, self.by, what.value, case_id=self.case.id, detail=detail)
        trail.append(self.connection, event)

    def write(self, table: sa.Table, words: dict[str, str], **facts: Any) -> str:
        """Insert a row with the words sealed by the key of the case; return its id."""
        vault, row = make_key(self.connection, self.vault, self.case.id), str(uuid.uuid4())
        sealed = {
            column: vault.seal(text.strip(), table=table.name, row=row, column=column)
            for column, text in words.items()
        }
        values = {"id": row, "case_id": self.case.id, "at": self.at, "by": self.by}
        self.connection.execute(sa.insert(table).values(**values, **facts, **sealed))
        return row

    def note(self, text: str) -> str:
        """Add a note; return its id. Raises WordsMissingError."""
        return self.write(case_notes, {"text": _required(text)})

    def conclude(self, decision: ClosingDecision, *, batch: str | None = None) -> CaseStatus:
        """Close the case, or propose it where a second person has to agree; return its status.

        `batch` names the cases that are closed together. Raises AlreadyClosedError,
        UnfinishedCaseError and, without a note or a reason, WordsMissingError.
        """
        case, severity = self.case, decision.severity
        if case.status is CaseStatus.CLOSED:
            raise AlreadyClosedError
        check_finished(self.connection, case.id, decision.outcome)
        self.write(
            reviews,
            {"note": decision.note if decision.reason else _required(decision.note)},
            outcome=decision.outcome.value,
            severity=None if severity is None else int(severity),
            missed=decision.missed,
            reason=decision.reason,
            batch=batch,
        )
        detail = {"outcome": decision.outcome.value}
        if severity is not None:
            detail["severity"] = severity.label
        if decision.missed:
            detail["missed"] = "yes"
        if decision.reason is not None:
            detail["reason"] = decision.reason
        if batch is not None:
            detail["batch"] = batch
        highest = max(severity or case.severity, case.severity, case.assessed_severity)
        if highest >= SECOND_PERSON_FROM:
            self.update(closing_by=self.by)
            self.record(CaseEvent.CLOSING_PROPOSED, **detail)
            return CaseStatus.OPEN
        self.close(severity)
        self.record(CaseEvent.OUTCOME_RECORDED, **detail)
        return CaseStatus.CLOSED

    def close(self, severity: Severity | None) -> None:
        """Close the case, with the severity that staff chose where they chose one."""
        judged = {} if severity is None else _judged(self.case, severity)
        self.update(status=CaseStatus.CLOSED.value, closed_at=self.at, closing_by=None, **judged)


class Casework:
    """Changes to cases, each with its event on the audit trail in the same transaction.

    Thread-safe. Every method takes the ids of the case and of the member of staff. It raises
    UnknownCaseError, UnknownStaffError, SQLAlchemyError and, where the case has changed since
    `version`, StaleCaseError; then nothing was changed.
    """

    def __init__(self, engine: Engine, vault: Vault, now: Callable[[], datetime] = utc_now) -> None:
        """Take an engine of `storage.engine.connect` on a migrated database."""
        self._engine = engine
        self._vault = vault
        self._now = now

    def viewed(self, case_id: str, *, by: str) -> None:
        """Record that a member of staff opened the case, which ends its alerts."""
        with self._change(case_id, by) as change:
            acknowledge(change.connection, case_id, by, change.at)
            change.record(CaseEvent.VIEWED)

    def revealed(self, case_id: str, *, by: str, session: str) -> None:
        """Record that a member of staff uncovered the words of the case.

        `session` is a digest that names the session and cannot be used to sign in.
        """
        with self._change(case_id, by) as change:
            change.record(CaseEvent.REVEALED, session=session)

    def assign(self, case_id: str, to: str | None, *, by: str, version: int | None = None) -> None:
        """Assign the case, or unassign it (None). Ends an open handover."""
        with self._change(case_id, by, version) as change:
            if to is not None:
                check_in_use(change.connection, to)
            change.update(assigned_to=to, offered_to=None)
            change.record(CaseEvent.ASSIGNED, to=to)

    def hand_over(
        self, case_id: str, to: str, reason: str, *, by: str, version: int | None = None
    ) -> None:
        """Offer the case to a colleague; it stays assigned as it is until they accept.

        Raises WordsMissingError without a reason.
        """
        with self._change(case_id, by, version) as change:
            check_in_use(change.connection, to)
            note_id = change.note(reason)
            change.update(offered_to=to)
            change.record(CaseEvent.OFFERED, to=to, note=note_id)

    def answer_handover(
        self, case_id: str, *, accept: bool, by: str, reason: str = "", version: int | None = None
    ) -> None:
        """Accept a case that was handed over, or return it with a reason.

        Raises NotYoursError unless it was offered to `by`, and WordsMissingError.
        """
        with self._change(case_id, by, version) as change:
            if change.case.offered_to != by:
                raise NotYoursError
            if accept:
                change.update(assigned_to=by, offered_to=None)
                change.record(CaseEvent.ACCEPTED)
                return
            note_id = change.note(reason)
            change.update(offered_to=None)
            change.record(CaseEvent.RETURNED, note=note_id)

    def note(self, case_id: str, text: str, *, by: str) -> None:
        """Add a note. Raises WordsMissingError."""
        with self._change(case_id, by) as change:
            change.record(CaseEvent.NOTED, note=change.note(text))

    def add_action(
        self, case_id: str, what: str, due_on: date | None, *, by: str, given_to: str | None = None
    ) -> None:
        """Add a task, for a colleague or for whoever does it. Raises WordsMissingError."""
        with self._change(case_id, by) as change:
            if given_to is not None:
                check_in_use(change.connection, given_to)
            words = {"what": _required(what)}
            action_id = change.write(case_actions, words, due_on=due_on, given_to=given_to)
            due = due_on.isoformat() if due_on else None
            given = {} if given_to is None else {"to": given_to}
            change.record(CaseEvent.ACTION_ADDED, action=action_id, due_on=due, **given)

    def hand_on_action(self, case_id: str, action_id: str, to: str, *, by: str) -> None:
        """Give an open task of the case, or of one merged into it, to a colleague."""
        with self._change(case_id, by) as change:
            check_in_use(change.connection, to)
            given = sa.update(case_actions).where(_open_task(case_id, action_id))
            # The colleague is told anew that it is overdue.
            given = given.values(given_to=to, told_on=None)
            if change.connection.execute(given).rowcount == 1:
                change.record(CaseEvent.ACTION_GIVEN, action=action_id, to=to)

    def finish_action(self, case_id: str, action_id: str, *, by: str) -> None:
        """Mark a task of the case, or of one merged into it, as done."""
        with self._change(case_id, by) as change:
            done = sa.update(case_actions).where(_open_task(case_id, action_id))
            done = done.values(done_at=change.at, done_by=by)
            if change.connection.execute(done).rowcount == 1:
                change.record(CaseEvent.ACTION_DONE, action=action_id)

    def correct(
        self,
        case_id: str,
        *,
        severity: Severity | None,
        categories: Sequence[str] | None,
        people: CorrectedPeople | None = None,
        reason: str,
        by: str,
        version: int | None = None,
    ) -> None:
        """Correct the assessment, and whom the case is about and who writes; None agrees with it.

        What was assessed or said stays on record beside it. The need follows from all of them. The
        deadline counts from when the case was last raised. Raises WordsMissingError, and ValueError
        for an unknown category, subject or audience.
        """
        names, people = taxonomy(), people or CorrectedPeople()
        subject, audience = people.subject, people.audience
        if (
            not set(categories or ()) <= set(names.risk_categories)
            or subject not in {None, *names.subjects}
            or audience not in {None, *names.audiences}
        ):
            raise ValueError("an unknown risk category, subject or audience")
        with self._change(case_id, by, version) as change:
            case, note_id = change.case, change.note(reason)
            named = None if categories is None else list(categories)
            corrected = {
                "staff_subject": subject,
                "staff_audience": audience,
                "staff_categories": named,
            }
            said = {"subject_said": case.assessed_subject, **corrected}
            summary = summary_on_record(change.connection, self._vault, case_id)
            need = summary.columns(said, case.said_audience)["need"]
            change.update(**_judged(case, severity), **corrected, need=need)
            after = case.assessed_severity if severity is None else severity
            detail: dict[str, Any] = {
                "from": case.severity.label,
                "to": after.label,
                "note": note_id,
            }
            detail |= {} if named is None else {"categories": named}
            for name, before, now in (
                ("subject", case.subject, subject or case.assessed_subject),
                ("audience", case.audience, audience or case.said_audience),
            ):
                if before != now:
                    detail |= {f"{name}_from": before, f"{name}_to": now}
            change.record(CaseEvent.CORRECTED, **detail)

    def refer(self, case_id: str, referral: Referral, *, by: str) -> None:
        """Record a referral; without `made_at`, why there is none.

        Raises WordsMissingError where that reason is missing, and ValueError for an unknown
        receiver or way.
        """
        if referral.to_whom not in REFERRED_TO or referral.how not in REFERRED_BY:
            raise ValueError("an unknown receiver or way of referral")
        if referral.made_at is None:
            _required(referral.reason)
        with self._change(case_id, by) as change:
            referral_id = change.write(
                referrals,
                {"reference": referral.reference, "reason": referral.reason},
                to_whom=referral.to_whom,
                how=referral.how,
                made_at=referral.made_at,
            )
            made = referral.made_at is not None
            change.record(CaseEvent.REFERRED, referral=referral_id, to=referral.to_whom, made=made)

    def close(
        self, case_id: str, decision: ClosingDecision, *, by: str, version: int | None = None
    ) -> CaseStatus:
        """Close a case with its outcome; return its status.

        From SECOND_PERSON_FROM on it stays open until a second person agrees. Raises
        WordsMissingError without a note, AlreadyClosedError and UnfinishedCaseError.
        """
        with self._change(case_id, by, version) as change:
            return change.conclude(decision)

    def answer_closing(
        self, case_id: str, *, agree: bool, by: str, reason: str = "", version: int | None = None
    ) -> None:
        """Agree to a closing that a colleague proposed, or return it with a reason.

        Raises NotYoursError where `by` proposed it or none is proposed, UnfinishedCaseError and
        WordsMissingError.
        """
        with self._change(case_id, by, version) as change:
            proposed_by = change.case.closing_by
            if proposed_by in {None, by} or change.case.status is CaseStatus.CLOSED:
                raise NotYoursError
            if not agree:
                note_id = change.note(reason)
                change.update(closing_by=None)
                change.record(CaseEvent.CLOSING_RETURNED, note=note_id)
                return
            columns = sa.select(reviews.c.id, reviews.c.severity, reviews.c.outcome)
            of_case = columns.where(reviews.c.case_id == case_id).order_by(reviews.c.at.desc())
            review = change.connection.execute(of_case.limit(1)).one()
            check_finished(change.connection, case_id, Outcome(review.outcome))
            second = sa.update(reviews).where(reviews.c.id == review.id).values(second_by=by)
            change.connection.execute(second)
            change.close(None if review.severity is None else Severity(review.severity))
            change.record(
                CaseEvent.OUTCOME_RECORDED, outcome=review.outcome, proposed_by=proposed_by
            )

    def reopen(self, case_id: str, *, by: str, reason: str) -> None:
        """Open a closed case again; an open one stays as it is. Raises WordsMissingError."""
        with self._change(case_id, by) as change:
            if change.case.status is CaseStatus.OPEN:
                return
            note_id = change.note(reason)
            due = look_by(change.case.severity, change.at)
            change.update(status=CaseStatus.OPEN.value, closed_at=None, due_at=due)
            change.record(CaseEvent.REOPENED, note=note_id)

    @contextmanager
    def _change(self, case_id: str, by: str, version: int | None = None) -> Iterator[CaseChange]:
        with self._engine.begin() as connection:
            check_in_use(connection, by)
            row = locked(connection, case_id, version)
            yield CaseChange(connection, self._vault, case_of(row), by, self._now())


def locked(connection: Connection, case_id: str, version: int | None = None) -> RowMapping:
    """Return the row of a case, locked until the transaction ends.

    Raises UnknownCaseError and, where the case has changed since `version`, StaleCaseError.
    """
    query = sa.select(cases).where(cases.c.id == case_id).with_for_update()
    row = connection.execute(query).mappings().first()
    if row is None:
        raise UnknownCaseError
    if version is not None and row["version"] != version:
        raise StaleCaseError
    return row


def _open_task(case_id: str, action_id: str) -> sa.ColumnElement[bool]:
    merged = sa.select(cases.c.id).where(cases.c.merged_into == case_id)
    of_case = (case_actions.c.case_id == case_id) | case_actions.c.case_id.in_(merged)
    return (case_actions.c.id == action_id) & of_case & case_actions.c.done_at.is_(None)


def _required(text: str) -> str:
    if not text.strip():
        raise WordsMissingError
    return text


def _judged(case: Case, severity: Severity | None) -> dict[str, Any]:
    """Return the columns that follow from the severity that staff chose."""
    counts = case.assessed_severity if severity is None else severity
    return {
        "staff_severity": None if severity is None else int(severity),
        "severity": int(counts),
        "due_at": look_by(counts, case.raised_at),
    }
