"""The approvals: who signed which words of the content, and when. Kept for good."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, RowMapping

from safeguarding.content.hours import LONDON
from safeguarding.content.items import Item, opened
from safeguarding.content.signing import (
    Decided,
    Decision,
    Standing,
    approved_words,
    standing_of,
)
from safeguarding.escalations.database import READING
from safeguarding.escalations.tables import approvals, staff
from safeguarding.staff import Role

_FACTS = [column for column in approvals.c if column.name != "words"]


class NotALeadError(Exception):
    """Only a lead in use may decide on content."""


class NoteNeededError(ValueError):
    """Content was sent back without a word on why."""


class AlreadySignedError(Exception):
    """This person's approval of these words is on record already."""


def _now() -> datetime:
    return datetime.now(timezone.utc)


class Approvals:
    """Decisions on content, on the database of the escalations. Thread-safe.

    Every method raises SQLAlchemyError when the database cannot do its part.
    """

    def __init__(self, engine: Engine, now: Callable[[], datetime] = _now) -> None:
        """Take an engine of `database.connect` on a migrated database."""
        self._engine = engine
        self._reading = engine.execution_options(**READING)
        self._now = now

    def decide(self, item: Item, decision: Decision, *, by: str, note: str = "") -> None:
        """Record what a lead decides about the words of `item`.

        Raises NotALeadError, NoteNeededError, AlreadySignedError.
        """
        if decision is Decision.SENT_BACK and not note.strip():
            raise NoteNeededError
        with self._engine.begin() as connection:
            member = _lead(connection, by)
            if decision is Decision.APPROVED and not self._adds(connection, item, by):
                raise AlreadySignedError
            values = {
                "content_id": item.id,
                "digest": item.digest,
                "words": item.words,
                "decision": decision.value,
                "by": by,
                "name": member["shown_name"],
                "role": member["role"],
                "at": self._now(),
                "note": note.strip(),
            }
            connection.execute(sa.insert(approvals).values(**values))

    def standings(self, items: Iterable[Item]) -> list[Standing]:
        """Where each item stands now."""
        with self._reading.connect() as connection:
            given = _decisions(connection, sa.select(*_FACTS))
        today = self._now().astimezone(LONDON).date()
        return [standing_of(item, given.get(item.id, ()), today) for item in items]

    def standing(self, item: Item) -> Standing:
        """Where one item stands now."""
        with self._reading.connect() as connection:
            return self._standing(connection, item)

    def words(self, content_id: str, digest: str) -> Item | None:
        """The words that were decided on, or None when nobody ever decided on such."""
        mine = (approvals.c.content_id == content_id) & (approvals.c.digest == digest)
        with self._reading.connect() as connection:
            found = connection.execute(sa.select(approvals.c.words).where(mine).limit(1)).scalar()
        return None if found is None else opened(found)

    def approved(self) -> frozenset[tuple[str, str]]:
        """Content id and digest of all words that enough people have signed."""
        with self._reading.connect() as connection:
            given = _decisions(connection, sa.select(*_FACTS))
        return approved_words(each for decisions in given.values() for each in decisions)

    def _adds(self, connection: Connection, item: Item, by: str) -> bool:
        return self._standing(connection, item).may_approve(by)

    def _standing(self, connection: Connection, item: Item) -> Standing:
        query = sa.select(*_FACTS).where(approvals.c.content_id == item.id)
        given = _decisions(connection, query).get(item.id, [])
        return standing_of(item, given, self._now().astimezone(LONDON).date())


def _lead(connection: Connection, staff_id: str) -> RowMapping:
    query = sa.select(staff).where(staff.c.id == staff_id, staff.c.disabled_at.is_(None))
    member = connection.execute(query).mappings().first()
    if member is None or Role(member["role"]) is not Role.LEAD:
        raise NotALeadError
    return member


def _decisions(
    connection: Connection, query: sa.Select[tuple[object, ...]]
) -> Mapping[str, list[Decided]]:
    """The decisions by content id, oldest first."""
    found: dict[str, list[Decided]] = defaultdict(list)
    for row in connection.execute(query.order_by(approvals.c.id)).mappings():
        found[row["content_id"]].append(_decided(row))
    return found


def _decided(row: RowMapping) -> Decided:
    return Decided(
        content_id=row["content_id"],
        digest=row["digest"],
        decision=Decision(row["decision"]),
        by=row["by"],
        name=row["name"],
        role=row["role"],
        at=row["at"],
        note=row["note"],
    )
