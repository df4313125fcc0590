"""Appends to the audit trail and reads it: each event is chained to the one before by a hash.

The chain is that of RFC 6962's idea of tamper evidence in its simplest form: link(n) is SHA-256
over link(n-1) and the event, so that no event can be changed, left out or put in between without
every later link changing.
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

from staff.audit.tables import audit_events

FIRST_LINK = "0" * 64
"""What the first event is chained to."""
_LOCK = 0x61756469


@dataclass(frozen=True)
class Event:
    """Who did what, when. Holds nothing that a person wrote."""

    at: datetime
    """With a time zone."""
    who: str
    """Id of a staff account, or of a part of Lantern: "gateway", "dispatcher", "command line"."""
    what: str
    """What was done, in the past tense: "viewed", "outcome recorded", "sign-in refused"."""
    case_id: str | None = None
    message_id: str | None = None
    detail: dict[str, Any] = field(default_factory=dict)
    """JSON-ready facts: labels, counts, ids. Never what anyone wrote, never a secret."""


@dataclass(frozen=True)
class Link:
    """An event in its place in the chain."""

    id: int
    """1, 2, 3, … without a gap."""
    event: Event
    link: str
    """SHA-256 over the link before and the event, 64 hexadecimal digits."""


def append(connection: Connection, event: Event) -> int:
    """Append an event in the transaction of `connection`; its id.

    One transaction at a time appends, until it ends: take row locks before, not after. Raises
    ValueError when `at` has no time zone.
    """
    return append_all(connection, [event])


def append_all(connection: Connection, events: Iterable[Event]) -> int:
    """Append several events in order; the id of the last, 0 when there is none in the trail."""
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
    """The link of an event: SHA-256 of the link before, the number and the event as plain JSON."""
    if event.at.tzinfo is None:
        raise ValueError("an event needs a time zone")
    # Whole seconds and microseconds in UTC: the same on every database.
    at = event.at.astimezone(timezone.utc).isoformat(timespec="microseconds")
    facts = [number, at, event.who, event.what, event.case_id, event.message_id, event.detail]
    plain = json.dumps(facts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{before}\n{plain}".encode()).hexdigest()


def of_case(connection: Connection, *case_ids: str) -> list[Link]:
    """Every event of these cases, oldest first."""
    mine = audit_events.c.case_id.in_(case_ids)
    query = sa.select(audit_events).where(mine).order_by(audit_events.c.id)
    return [link_in(row) for row in connection.execute(query).mappings()]


def of_kind(connection: Connection, what: str) -> list[Link]:
    """Every event of one kind, oldest first."""
    query = sa.select(audit_events).where(audit_events.c.what == what).order_by(audit_events.c.id)
    return [link_in(row) for row in connection.execute(query).mappings()]


def by_whom(connection: Connection, who: str, what: str, since: datetime) -> list[Link]:
    """Every event of one kind by one doer since then, oldest first."""
    mine = (audit_events.c.who == who) & (audit_events.c.at >= since)
    query = sa.select(audit_events).where(audit_events.c.what == what, mine)
    ordered = query.order_by(audit_events.c.id)
    return [link_in(row) for row in connection.execute(ordered).mappings()]


def walk(connection: Connection, after: int | None = 0) -> Iterator[Link]:
    """Every event past the number `after`, oldest first, a thousand rows at a time.

    With None also those below 1, which were not appended here.
    """
    query = sa.select(audit_events).order_by(audit_events.c.id)
    if after is not None:
        query = query.where(audit_events.c.id > after)
    rows = connection.execute(query.execution_options(yield_per=1000)).mappings()
    return (link_in(row) for row in rows)


def link_in(row: RowMapping) -> Link:
    """A row of the table."""
    facts = ("at", "who", "what", "case_id", "message_id", "detail")
    return Link(row["id"], Event(**{name: row[name] for name in facts}), row["link"])


def newest(connection: Connection) -> int:
    """The number of the newest event that is about a case; 0 when there is none."""
    query = sa.select(audit_events.c.id).where(audit_events.c.case_id.is_not(None))
    return connection.execute(query.order_by(audit_events.c.id.desc()).limit(1)).scalar() or 0
