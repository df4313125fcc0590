"""Queries of cases: the queue, and one case with all its words."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, RowMapping

from safeguarding.escalation import Outcome
from safeguarding.taxonomy import Severity
from staff.audit import trail
from staff.cases.case import (
    MESSAGE,
    READ_EVENTS,
    Action,
    CallbackRequest,
    Case,
    CaseEvent,
    CaseStatus,
    ChildDetail,
    LiveWords,
    Note,
    Referral,
    Review,
    StaffLetter,
    WholeCase,
)
from staff.cases.reads import read_by
from staff.cases.tables import (
    case_actions,
    case_notes,
    cases,
    child_details,
    escalations,
    letters,
    live_messages,
    opened_row,
    referrals,
    reviews,
    vault_of,
    wishes,
)
from storage import letterboxes
from storage.engine import READING
from storage.replies import replies
from storage.vault import Vault

_REFERENCE_LETTERS = 8
_T = TypeVar("_T")
UNASSIGNED = "nobody"
"""A value of `CaseFilter.assigned_to`: cases without an assignee."""


class UnknownCaseError(LookupError):
    """There is no such case, or this reader may not see it."""


@dataclass(frozen=True)
class CaseFilter:
    """Conditions that a case meets. A field that is None sets no condition."""

    status: CaseStatus | None = CaseStatus.OPEN
    severity: Severity | None = None
    category: str | None = None
    need: str | None = None
    audience: str | None = None
    area: str | None = None
    assigned_to: str | None = None
    """Id of a staff account, to which it is assigned or offered; or UNASSIGNED."""
    offered_to: str | None = None
    """Id of the member of staff to whom it was handed over and who has not answered."""
    second_person: str | None = None
    """Id of a member of staff who may agree to close it, because another one proposed it."""
    letter_waits: bool | None = None
    """True: a letter of the person waits in its letterbox for an answer."""
    burst: int | None = None
    """A burst of cases that look alike (staff/cases/bursts.py)."""
    reference: str | None = None
    """A reference or its beginning, in upper or lower case, with or without dashes."""
    overdue_at: datetime | None = None
    """A time before which it was due."""
    areas: Collection[str] | None = None
    """The areas of the reader, who also sees cases without an area."""
    opened_from: datetime | None = None
    opened_before: datetime | None = None

    def conditions(self, of: sa.FromClause = cases) -> list[sa.ColumnElement[bool]]:
        """Return the conditions on the table of cases or an alias of it.

        Merged cases and those without risk never match.
        """
        equal = {
            of.c.status: None if self.status is None else self.status.value,
            of.c.severity: None if self.severity is None else int(self.severity),
            of.c.need: self.need,
            sa.func.coalesce(of.c.staff_audience, of.c.audience): self.audience,
            of.c.area: self.area,
            of.c.offered_to: self.offered_to,
            of.c.burst: self.burst,
        }
        conditions = [of.c.merged_into.is_(None), of.c.handoffs > 0]
        conditions += [column == value for column, value in equal.items() if value is not None]
        if self.category is not None:
            # Both databases find a name in the text of a JSON list.
            of_staff = sa.cast(of.c.staff_categories, sa.Text)
            counts = sa.func.coalesce(of_staff, sa.cast(of.c.categories, sa.Text))
            conditions.append(counts.contains(f'"{self.category}"', autoescape=True))
        if self.assigned_to == UNASSIGNED:
            conditions.append(of.c.assigned_to.is_(None))
        elif self.assigned_to is not None:
            has_it = (of.c.assigned_to, of.c.offered_to)
            conditions.append(sa.or_(*(column == self.assigned_to for column in has_it)))
        if self.second_person is not None:
            conditions.append(of.c.closing_by != self.second_person)
        if self.letter_waits:
            conditions.append(of.c.id.in_(_with_letters()))
        if self.reference is not None:
            begins = of.c.reference.startswith
            readings = (begins(each, autoescape=True) for each in _references(self.reference))
            conditions.append(sa.or_(*readings))
        if self.overdue_at is not None:
            conditions.append(of.c.due_at < self.overdue_at)
        conditions.append(may_see(self.areas, of))
        if self.opened_from is not None:
            conditions.append(of.c.opened_at >= self.opened_from)
        if self.opened_before is not None:
            conditions.append(of.c.opened_at < self.opened_before)
        return conditions


class Cases:
    """Reads the cases on record. Thread-safe. Every method raises SQLAlchemyError.

    `areas` are those of the reader, None for all. A case of another area is as unknown to its
    reader as one that does not exist: the database is asked once, and finds neither.
    """

    def __init__(self, engine: Engine, vault: Vault) -> None:
        """Take an engine of `storage.engine.connect` on a migrated database."""
        self._reading = engine.execution_options(**READING)
        self._vault = vault

    def queue(self, which: CaseFilter, *, offset: int = 0, limit: int | None = 25) -> list[Case]:
        """Return a part of the queue: the most severe cases first, of those the first due."""
        query = in_order(which).offset(offset).limit(limit)
        with self._reading.connect() as connection:
            return [case_of(row) for row in connection.execute(query).mappings()]

    def count(self, which: CaseFilter, *, at_most: int | None = None) -> int:
        """Return the number of cases that match, but no more than `at_most`."""
        matching = sa.select(cases.c.id).where(*which.conditions()).limit(at_most)
        query = sa.select(sa.func.count()).select_from(matching.subquery())
        with self._reading.connect() as connection:
            return connection.execute(query).scalar_one()

    def latest_change(self, areas: Collection[str] | None = None, *, after: int = 0) -> int:
        """Return the number of the newest event about any case; 0 when none is above `after`."""
        seen = None if areas is None else _events_in(areas)
        with self._reading.connect() as connection:
            return trail.newest(connection, after, seen)

    def events(self, areas: Collection[str]) -> sa.ColumnElement[bool]:
        """Return the condition of the audit events that a reader of these areas may see.

        They are about a case that the reader may see, or about none.
        """
        return trail.audit_events.c.case_id.is_(None) | _events_in(areas)

    def areas(self) -> list[str]:
        """Return the areas of all cases, in alphabetical order."""
        named = sa.select(cases.c.area).where(cases.c.area.is_not(None)).distinct()
        with self._reading.connect() as connection:
            return list(connection.execute(named.order_by(cases.c.area)).scalars())

    def with_letters(self, case_ids: Collection[str]) -> set[str]:
        """Return those of these cases in whose letterbox a letter waits for an answer."""
        waiting = sa.select(cases.c.id).where(cases.c.id.in_(case_ids))
        with self._reading.connect() as connection:
            found = connection.execute(waiting.where(cases.c.id.in_(_with_letters())))
            return set(found.scalars())

    def revealed_since(self, since: datetime, *, by: str) -> int:
        """Return the number of cases whose words a member of staff has uncovered since then."""
        with self._reading.connect() as connection:
            links = trail.by_whom(connection, by, CaseEvent.REVEALED.value, since)
        return len({each.event.case_id for each in links})

    def changed(self, case_id: str) -> int:
        """Return the number of the newest event that changed a case. Raises UnknownCaseError."""
        with self._reading.connect() as connection:
            case = _found(connection, case_id, None)
            links = trail.of_case(connection, case.id)
        return max((link.id for link in links if link.event.what not in READ_EVENTS), default=0)

    def find(self, case_id: str, areas: Collection[str] | None = None) -> Case:
        """Return one case without its words, merged or not. Raises UnknownCaseError."""
        with self._reading.connect() as connection:
            return _found(connection, case_id, areas)

    def has(self, name: str, areas: Collection[str] | None) -> bool:
        """Return whether a case, or a message of one, has this id."""
        of_message = sa.select(escalations.c.case_id).where(escalations.c.message_id == name)
        named = (cases.c.id == name) | (cases.c.id == of_message.scalar_subquery())
        query = sa.select(cases.c.id).where(named, may_see(areas))
        with self._reading.connect() as connection:
            return connection.execute(query).first() is not None

    def of_message(self, message_id: str, areas: Collection[str] | None = None) -> str:
        """Return the id of the case of a message. Raises UnknownCaseError."""
        query = sa.select(cases.c.id).join(escalations, escalations.c.case_id == cases.c.id)
        query = query.where(escalations.c.message_id == message_id, may_see(areas))
        with self._reading.connect() as connection:
            case_id = connection.execute(query).scalar_one_or_none()
        if case_id is None:
            raise UnknownCaseError
        return str(case_id)

    def of_reference(self, reference: str, areas: Collection[str] | None = None) -> Case:
        """Return the case with this reference, as people write it. Raises UnknownCaseError."""
        query = sa.select(cases).where(
            cases.c.reference.in_(_references(reference)), may_see(areas)
        )
        with self._reading.connect() as connection:
            row = connection.execute(query).mappings().first()
        if row is None:
            raise UnknownCaseError
        return case_of(row)

    def references(
        self, case_ids: Collection[str], areas: Collection[str] | None = None
    ) -> dict[str, str]:
        """Return the references of these cases by id; without those of other areas."""
        query = sa.select(cases.c.id, cases.c.reference)
        query = query.where(cases.c.id.in_(case_ids), may_see(areas))
        with self._reading.connect() as connection:
            return {row.id: row.reference for row in connection.execute(query)}

    def is_uncovered(self, case_id: str, by: str, session: str) -> bool:
        """Return whether they have uncovered the words of a case in this session."""
        row = trail.audit_events.c
        what = (row.case_id == case_id) & (row.what == CaseEvent.REVEALED.value)
        query = sa.select(row.detail).where(what, row.who == by)
        with self._reading.connect() as connection:
            details = connection.execute(query).scalars().all()
        return any(each.get("session") == session for each in details)

    def has_read(self, case_id: str, by: str, session: str) -> bool:
        """Return whether they have read it in this session, since the closing was proposed."""
        since = {CaseEvent.CLOSING_PROPOSED.value}
        with self._reading.connect() as connection:
            return case_id in read_by(connection, [case_id], by, session, since, in_session=True)

    def whole(
        self, case_id: str, areas: Collection[str] | None = None, *, with_merged: bool = True
    ) -> WholeCase:
        """Return one case with all its words, by default with those of the cases merged into it.

        Raises UnknownCaseError, VaultError.
        """
        with self._reading.connect() as connection:
            case = _found(connection, case_id, areas)
            into = sa.select(cases).where(cases.c.merged_into == case.id)
            merged_rows = connection.execute(into).mappings() if with_merged else ()
            merged = tuple(map(case_of, merged_rows))
            ids = [case.id, *(each.id for each in merged)]
            vaults = {each: vault_of(connection, self._vault, each) for each in ids}

            def rows(table: sa.Table, *order: str) -> list[Any]:
                query = sa.select(table).where(table.c.case_id.in_(ids))
                ordered = query.order_by(*(table.c[name] for name in order))
                return list(connection.execute(ordered).mappings())

            def opened(table: sa.Table, open_row: Callable[[Any, Vault], _T]) -> tuple[_T, ...]:
                return tuple(open_row(row, vaults[row["case_id"]]) for row in rows(table, "at"))

            return WholeCase(
                case=case,
                messages=tuple(
                    opened_row(row, vaults[row["case_id"]])
                    for row in rows(escalations, "raised_at", "message_id")
                ),
                reviews=opened(reviews, review_of),
                notes=opened(case_notes, note_of),
                actions=opened(case_actions, action_of),
                referrals=opened(referrals, referral_of),
                wish=next(reversed(opened(wishes, wish_of)), None),
                history=tuple(trail.of_case(connection, *ids)),
                merged=merged,
                letterboxes=tuple(letterboxes.of_cases(connection, ids)),
                letters=tuple(_letters(connection, ids, vaults)),
                details=opened(child_details, detail_of),
                live_words=tuple(words_of_staff(connection, vaults)),
            )


def _with_letters() -> sa.Select[tuple[str]]:
    """Return the query of the cases that staff see in which a letter waits for an answer.

    A letterbox stays with the case that its conversation opened, also once that is merged.
    """
    box = letterboxes.letterboxes
    own = cases.alias("own")
    seen = sa.func.coalesce(own.c.merged_into, own.c.id)
    return (
        sa.select(seen).join(box, box.c.case_id == own.c.id).where(box.c.waits_since.is_not(None))
    )


def _letters(
    connection: Connection, case_ids: Collection[str], vaults: Mapping[str, Vault]
) -> Iterator[StaffLetter]:
    """Yield the letters of staff, opened, with what the reply mailbox says of each."""
    row = replies.c
    query = (
        sa.select(letters, row.delivered_at, row.claimed_by, row.sealed)
        .join(replies, row.key == letters.c.id, isouter=True)
        .where(letters.c.case_id.in_(case_ids))
        .order_by(letters.c.at)
    )
    for found in connection.execute(query).mappings():
        yield StaffLetter(
            id=found["id"],
            at=found["at"],
            by=found["by"],
            text=opened(found, "letters", "text", vaults[found["case_id"]]),
            read_at=found["delivered_at"],
            opened=found["claimed_by"] is not None,
            withdrawn=found["delivered_at"] is None and found["sealed"] is None,
        )


def words_of_staff(connection: Connection, vaults: Mapping[str, Vault]) -> Iterator[LiveWords]:
    """Yield what staff wrote in the live chats of cases, opened, the oldest first.

    `vaults` are those of the cases. The reply mailbox says what was shown. Raises VaultError.
    """
    row = replies.c
    query = (
        sa.select(live_messages, row.delivered_at, row.sealed)
        .join(replies, row.key == live_messages.c.id, isouter=True)
        .where(live_messages.c.case_id.in_(vaults))
        .order_by(live_messages.c.at, row.number)
    )
    for found in connection.execute(query).mappings():
        not_shown = found["delivered_at"] is None and found["sealed"] is None
        yield LiveWords(
            id=found["id"],
            at=found["at"],
            by=found["by"],
            kind=found["kind"],
            text=opened(found, "live_messages", "text", vaults[found["case_id"]]),
            chat_id=found["chat_id"],
            conversation_id=found["case_id"],
            seen_at=found["delivered_at"],
            withdrawn=found["kind"] == MESSAGE and not_shown,
        )


def in_order(which: CaseFilter) -> sa.Select[Any]:
    """Return the query of the queue, in the order of the index ix_cases_queue."""
    order = (cases.c.severity.desc(), cases.c.due_at, cases.c.id)
    return sa.select(cases).where(*which.conditions()).order_by(*order)


def may_see(areas: Collection[str] | None, of: sa.FromClause = cases) -> sa.ColumnElement[bool]:
    """Return the condition of the cases that a reader may see, also those without an area.

    `of` is the table of cases, or an alias of it.
    """
    return sa.true() if areas is None else of.c.area.is_(None) | of.c.area.in_(areas)


def _events_in(areas: Collection[str]) -> sa.ColumnElement[bool]:
    of_case = cases.c.id == trail.audit_events.c.case_id
    return sa.exists().where(of_case, may_see(areas)).correlate(trail.audit_events)


def _found(connection: Connection, case_id: str, areas: Collection[str] | None) -> Case:
    query = sa.select(cases).where(cases.c.id == case_id, may_see(areas))
    row = connection.execute(query).mappings().first()
    if row is None:
        raise UnknownCaseError
    return case_of(row)


def _references(typed: str) -> set[str]:
    """Return each reference, or beginning of one, that typed text can mean.

    "LN" is the prefix of all of them, and may be the first two letters after it.
    """
    letters = "".join(each for each in typed.upper() if each.isalnum())
    readings = {letters[:_REFERENCE_LETTERS], letters.removeprefix("LN")[:_REFERENCE_LETTERS]}
    if len(letters) > _REFERENCE_LETTERS:
        readings = {letters.removeprefix("LN")}
    parts = (["LN", each[:4], each[4:]] for each in readings)
    return {"-".join(filter(None, part)) for part in parts}


def case_of(row: RowMapping) -> Case:
    """Return the case of a row. Nothing of it is sealed."""
    named = (
        "id", "reference", "conversation_id", "need", "area", "opened_at", "raised_at",
        "newest_at", "due_at", "handoffs", "assigned_to", "offered_to", "closing_by", "closed_at",
        "legal_hold", "merged_into", "opening", "version", "staff_subject", "staff_audience",
    )  # fmt: skip
    staff_categories = row["staff_categories"]
    return Case(
        **{name: row[name] for name in named},
        status=CaseStatus(row["status"]),
        severity=Severity(row["severity"]),
        assessed_severity=Severity(row["assessed_severity"]),
        staff_severity=_severity(row["staff_severity"]),
        assessed_subject=row["subject"],
        said_audience=row["audience"],
        assessed_categories=tuple(row["categories"]),
        possible_categories=tuple(row["possible_categories"]),
        staff_categories=None if staff_categories is None else tuple(staff_categories),
    )


def review_of(row: RowMapping, vault: Vault) -> Review:
    """Return the review of a row, its note opened. Raises VaultError."""
    return Review(
        at=row["at"],
        by=row["by"],
        outcome=Outcome(row["outcome"]),
        note=opened(row, "reviews", "note", vault),
        severity=_severity(row["severity"]),
        missed=row["missed"],
        second_by=row["second_by"],
        reason=row["reason"],
    )


def note_of(row: RowMapping, vault: Vault) -> Note:
    """Return the note of a row, opened. Raises VaultError."""
    return Note(row["id"], row["at"], row["by"], opened(row, "case_notes", "text", vault))


def action_of(row: RowMapping, vault: Vault) -> Action:
    """Return the task of a row, opened. Raises VaultError."""
    what = opened(row, "case_actions", "what", vault)
    plain = (row[name] for name in ("due_on", "done_at", "done_by", "given_to"))
    return Action(row["id"], row["at"], row["by"], what, *plain)


def detail_of(row: RowMapping, vault: Vault) -> ChildDetail:
    """Return what staff recorded about the child, opened. Raises VaultError."""
    value = opened(row, "child_details", "value", vault)
    return ChildDetail(row["id"], row["at"], row["by"], row["kind"], value)


def referral_of(row: RowMapping, vault: Vault) -> Referral:
    """Return the referral of a row, opened. Raises VaultError."""
    return Referral(
        row["to_whom"],
        row["how"],
        row["made_at"],
        opened(row, "referrals", "reference", vault),
        opened(row, "referrals", "reason", vault),
        row["id"],
        row["at"],
        row["by"],
    )


def wish_of(row: RowMapping, vault: Vault) -> CallbackRequest:
    """Return the call-back request of a row, opened. Raises VaultError."""
    key = row["case_id"]
    name, reach = (
        vault.open(row[column], table="wishes", row=key, column=column)
        for column in ("name", "reach")
    )
    return CallbackRequest(row["at"], name, reach)


def opened(row: Mapping[str, Any] | RowMapping, table: str, column: str, vault: Vault) -> str:
    """Return a sealed cell of a table whose key is `id`; empty where it is null."""
    if row[column] is None:
        return ""
    return vault.open(row[column], table=table, row=row["id"], column=column)


def _severity(value: int | None) -> Severity | None:
    return None if value is None else Severity(value)
