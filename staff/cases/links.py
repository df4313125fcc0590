"""Links between cases of the same child, which stay cases of their own.

A link shows on both cases, to staff who may see both. Its reason is sealed with the key of the case
from which it was made. It goes with either of them (staff/retention/disposal.py).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from safeguarding.clock import utc_now
from staff.accounts.accounts import check_in_use
from staff.audit import trail
from staff.audit.trail import Event
from staff.cases.case import CaseEvent, CaseLink
from staff.cases.cases import UnknownCaseError, case_of, may_see, opened
from staff.cases.casework import WordsMissingError, locked
from staff.cases.tables import case_links, cases, make_key, vaults_of
from storage.engine import READING
from storage.vault import Vault


class CaseLinkError(ValueError):
    """The cases are linked already, or one is part of another case, or both are the same."""


class CaseLinks:
    """Links cases. Thread-safe. Every method raises SQLAlchemyError.

    `areas` are those of the member of staff: a case that they may not see is unknown to them, and
    so is a link with it.
    """

    def __init__(self, engine: Engine, vault: Vault, now: Callable[[], datetime] = utc_now) -> None:
        """Take an engine of `storage.engine.connect` on a migrated database."""
        self._engine = engine
        self._reading = engine.execution_options(**READING)
        self._vault = vault
        self._now = now

    def link(
        self, case_id: str, other_id: str, reason: str, *, by: str, areas: Collection[str] | None
    ) -> None:
        """Link two cases of the same child.

        Raises WordsMissingError without a reason, CaseLinkError, UnknownCaseError,
        UnknownStaffError.
        """
        if not reason.strip():
            raise WordsMissingError
        with self._engine.begin() as connection:
            check_in_use(connection, by)
            # In the order of their ids, so that two links at once do not deadlock.
            rows = {each: locked(connection, each) for each in sorted({case_id, other_id})}
            _check_visible(connection, rows, areas)
            merged = any(row["merged_into"] for row in rows.values())
            if merged or len(rows) == 1 or _linked(connection, case_id, other_id):
                raise CaseLinkError
            link_id, at = str(uuid.uuid4()), self._now()
            vault = make_key(connection, self._vault, case_id)
            place = {"table": case_links.name, "row": link_id, "column": "reason"}
            values = {"id": link_id, "case_id": case_id, "other_id": other_id, "at": at, "by": by}
            sealed = vault.seal(reason.strip(), **place)
            connection.execute(sa.insert(case_links).values(**values, reason=sealed))
            _record(connection, (case_id, other_id), Event(at, by, CaseEvent.LINKED.value), link_id)

    def unlink(self, case_id: str, link_id: str, *, by: str, areas: Collection[str] | None) -> None:
        """End a link of this case. A link that has ended already stays as it is.

        Raises UnknownCaseError, also for a link of other cases, and UnknownStaffError.
        """
        with self._engine.begin() as connection:
            check_in_use(connection, by)
            own = _of_cases([case_id]) & (case_links.c.id == link_id)
            link = connection.execute(sa.select(case_links).where(own)).first()
            if link is None:
                raise UnknownCaseError
            both, at = sorted({link.case_id, link.other_id}), self._now()
            for each in both:
                locked(connection, each)
            _check_visible(connection, both, areas)
            ended = sa.update(case_links).where(own, case_links.c.ended_at.is_(None))
            if connection.execute(ended.values(ended_at=at, ended_by=by)).rowcount == 1:
                _record(connection, both, Event(at, by, CaseEvent.UNLINKED.value), link_id)

    def of_case(self, case_id: str, areas: Collection[str] | None) -> list[CaseLink]:
        """Return the links of a case, and of those merged into it, oldest first.

        Raises VaultError.
        """
        with self._reading.connect() as connection:
            merged = sa.select(cases.c.id).where(cases.c.merged_into == case_id)
            ids = {case_id, *connection.execute(merged).scalars()}
            query = sa.select(case_links).where(_of_cases(ids), case_links.c.ended_at.is_(None))
            rows = connection.execute(query.order_by(case_links.c.at)).mappings().all()
            others = {row["case_id"] for row in rows} | {row["other_id"] for row in rows}
            seen = sa.select(cases).where(cases.c.id.in_(others), may_see(areas))
            known = {row["id"]: case_of(row) for row in connection.execute(seen).mappings()}
            vaults = vaults_of(connection, self._vault, {row["case_id"] for row in rows})
        links = []
        for row in rows:
            other = row["other_id"] if row["case_id"] in ids else row["case_id"]
            if other in known and other not in ids:
                reason = opened(row, case_links.name, "reason", vaults[row["case_id"]])
                links.append(CaseLink(row["id"], known[other], row["at"], row["by"], reason))
        return links


def _of_cases(case_ids: Collection[str]) -> sa.ColumnElement[bool]:
    return case_links.c.case_id.in_(case_ids) | case_links.c.other_id.in_(case_ids)


def _linked(connection: Connection, one: str, other: str) -> bool:
    both = _of_cases([one]) & _of_cases([other]) & case_links.c.ended_at.is_(None)
    return connection.execute(sa.select(case_links.c.id).where(both).limit(1)).first() is not None


def _check_visible(
    connection: Connection, case_ids: Collection[str], areas: Collection[str] | None
) -> None:
    query = sa.select(sa.func.count()).where(cases.c.id.in_(case_ids), may_see(areas))
    if connection.execute(query).scalar_one() < len(case_ids):
        raise UnknownCaseError


def _record(connection: Connection, case_ids: Collection[str], event: Event, link_id: str) -> None:
    """Leave the event on both cases. It names the link only: not all may see the other case."""
    detail = {"link": link_id}
    events = [Event(event.at, event.who, event.what, each, detail=detail) for each in case_ids]
    trail.append_all(connection, events)
