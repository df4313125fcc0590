"""The audit trail: its table, and functions that append to it and read it in a transaction.

Each event is chained to the one before. This is the tamper evidence of RFC 6962 in its simplest
form: link(n) is SHA-256 over link(n-1) and the event, so an event that is changed, left out or
inserted changes every later link.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from storage.metadata import UtcDateTime, metadata

FIRST_LINK = "0" * 64
"""The link that the first event is chained to."""
_LOCK = 0x61756469

audit_events = sa.Table(
    "audit_events",
    metadata,
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("what", sa.Text, nullable=False, index=True),
    # No foreign keys: the trail of a case outlives the case.
    sa.Column("case_id", sa.Text, index=True),
    sa.Column("message_id", sa.Text),
    sa.Column("detail", sa.JSON, nullable=False),
    sa.Column("link", sa.Text, nullable=False),
)


@dataclass(frozen=True)
class Event:
    """Who did what, and when. Holds no text that a person wrote."""

    at: datetime
    """With a time zone."""
    who: str
    """Id of a staff account, or a part of Lantern: "gateway", "dispatcher", "command line"."""
    what: str
    """In the past tense: "viewed", "outcome recorded", "sign-in refused"."""
    case_id: str | None = None
    message_id: str | None = None
    detail: dict[str, Any] = field(default_factory=dict)
    """Labels, counts and ids that JSON can hold. No free text and no secret."""


@dataclass(frozen=True)
class Link:
    """An event in its place in the chain."""

    id: int
    """1, 2, 3, … without a gap."""
    event: Event
    link: str
    """SHA-256 over the previous link and the event, 64 hexadecimal digits."""


def append(connection: Connection, event: Event) -> int:
    """Append an event in the transaction of `connection` and return its id.

    Only one transaction can append until it ends, so take row locks before this call, not after.
    Raises ValueError when `at` has no time zone.
    """
    return append_all(connection, [event])


def append_all(connection: Connection, events: Iterable[Event]) -> int:
    """Append several events in order; return the newest id on the trail, 0 when it is empty."""
    if connection.dialect.name == "postgresql":
        # SQLite's writers wait for each other anyway.
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    newest = sa.select(audit_events.c.id, audit_events.c.link)
    last = connection.execute(newest.order_by(audit_events.c.id.desc()).limit(1)).first()
    number, link = (last.id, last.link) if last else (0, FIRST_LINK)
    rows = []
    for event in events:
        number, link = number + 1, link_of(link, number + 1, event)
        rows.append(
            {
                "id": number,
                "at": event.at,
                "who": event.who,
                "what": event.what,
                "case_id": event.case_id,
                "message_id": event.message_id,
                "detail": event.detail,
                "link": link,
            }
        )
    if rows:
        connection.execute(sa.insert(audit_events), rows)
    return number


def link_of(before: str, number: int, event: Event) -> str:
    """Return the SHA-256 of the previous link, the number and the event as plain JSON."""
    if event.at.tzinfo is None:
        raise ValueError("an event needs a time zone")
    # Whole seconds and microseconds in UTC: the same on every database.
    at = event.at.astimezone(timezone.utc).isoformat(timespec="microseconds")
    facts = [number, at, event.who, event.what, event.case_id, event.message_id, event.detail]
    plain = json.dumps(facts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{before}\n{plain}".encode()).hexdigest()


def of_case(connection: Connection, *case_ids: str) -> list[Link]:
    """Return every event of these cases, oldest first."""
    return _read(connection, audit_events.c.case_id.in_(case_ids))


def of_kind(connection: Connection, what: str) -> list[Link]:
    """Return every event of one kind, oldest first."""
    return _read(connection, audit_events.c.what == what)


def by_whom(connection: Connection, who: str, what: str, since: datetime) -> list[Link]:
    """Return every event of one kind that `who` caused from `since` on, oldest first."""
    row = audit_events.c
    return _read(connection, (row.what == what) & (row.who == who) & (row.at >= since))


def walk(connection: Connection, after: int | None = 0) -> Iterator[Link]:
    """Yield every event with a number above `after`, oldest first, a thousand rows at a time.

    With None it also yields numbers below 1, which `append` never gives.
    """
    query = sa.select(audit_events).order_by(audit_events.c.id)
    if after is not None:
        query = query.where(audit_events.c.id > after)
    rows = connection.execute(query.execution_options(yield_per=1000)).mappings()
    return (link_in(row) for row in rows)


def newest(connection: Connection) -> int:
    """Return the number of the newest event that is about a case; 0 when there is none."""
    query = sa.select(audit_events.c.id).where(audit_events.c.case_id.is_not(None))
    return connection.execute(query.order_by(audit_events.c.id.desc()).limit(1)).scalar() or 0


def link_in(row: RowMapping) -> Link:
    """Return a row of the table as a link."""
    facts = ("at", "who", "what", "case_id", "message_id", "detail")
    return Link(row["id"], Event(**{name: row[name] for name in facts}), row["link"])


def _read(connection: Connection, condition: sa.ColumnElement[bool]) -> list[Link]:
    query = sa.select(audit_events).where(condition).order_by(audit_events.c.id)
    return [link_in(row) for row in connection.execute(query).mappings()]
