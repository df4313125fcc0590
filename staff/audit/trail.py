"""The audit trail: who did what and when, in the database, each event chained to the one before.

The chain is the tamper evidence of RFC 6962 in its simplest form: link(n) is SHA-256 over link(n-1)
and the event, so an event that is changed, left out or inserted changes every later link.

Code that changes records appends in its own transaction, with `append`; other code uses `AuditLog`.
"""

from __future__ import annotations

import getpass
import hashlib
import ipaddress
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.engine import Connection, Engine, RowMapping
from sqlalchemy.exc import SQLAlchemyError

from safeguarding.clock import utc_now
from safeguarding.settings import Settings
from safeguarding.taxonomy import Severity
from staff.records import outbox
from storage.engine import READING, UtcDateTime, connect, metadata

COMMAND_LINE = "command line"
"""The `who` of an event that a command caused; the detail names the operator."""
FIRST_LINK = "0" * 64
"""The link that the first event is chained to."""
SHORT_LINK = 16
"""Digits of a link that an alert mail shows: too many to make another trail that has them."""
_LOCK = 0x61756469
_OF_AN_EVENT = ("at", "who", "what", "case_id", "message_id", "detail")
_AT_ONCE = {"lock_timeout": "200ms", "statement_timeout": "500ms"}
"""How long PostgreSQL may take for what an alert does not wait for."""
log = structlog.get_logger("audit")

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
    number, link = last_link(connection)
    rows = []
    for event in events:
        number, link = number + 1, link_of(link, number + 1, event)
        rows.append(asdict(event) | {"id": number, "link": link})
    if rows:
        connection.execute(sa.insert(audit_events), rows)
    for row in rows:
        # Here, because whatever changes a case passes here, and in the order of the commits.
        facts = {name: row[name] for name in _OF_AN_EVENT if name != "who"}
        outbox.add(connection, row["id"], **facts)
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


def last_link(connection: Connection) -> tuple[int, str]:
    """Return number and link of the newest event; 0 and FIRST_LINK when there is none."""
    query = sa.select(audit_events.c.id, audit_events.c.link).order_by(audit_events.c.id.desc())
    last = connection.execute(query.limit(1)).first()
    return (last.id, last.link) if last else (0, FIRST_LINK)


def short_anchor(reading: Engine) -> str | None:
    """Return "NUMBER:LINK" of the newest event, the link shortened, as an alert mail shows it.

    None when the trail is empty, or cannot be read at once. Never raises SQLAlchemyError.
    """
    try:
        with reading.connect() as connection:
            if connection.dialect.name == "postgresql":
                for limit, value in _AT_ONCE.items():
                    connection.exec_driver_sql(f"SET LOCAL {limit} = '{value}'")
            number, link = last_link(connection)
    except SQLAlchemyError as error:
        log.warning("audit.not_shown", error=type(error).__name__)
        return None
    return f"{number}:{link[:SHORT_LINK]}" if number else None


def has_immediate_message(connection: Connection, after: int) -> bool:
    """Return whether a message was recorded as immediate, or raised to it, behind this number."""
    row = audit_events.c
    is_immediate = row.detail["severity"].as_string() == Severity.IMMEDIATE.label
    query = sa.select(row.id).where(row.id > after, row.message_id.is_not(None), is_immediate)
    return connection.execute(query.limit(1)).first() is not None


def newest_of(connection: Connection, what: str) -> Link | None:
    """Return the newest event of one kind."""
    query = sa.select(audit_events).where(audit_events.c.what == what)
    row = connection.execute(query.order_by(audit_events.c.id.desc()).limit(1)).mappings().first()
    return None if row is None else link_in(row)


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


def newest(
    connection: Connection, after: int = 0, which: sa.ColumnElement[bool] | None = None
) -> int:
    """Return the number of the newest event about a case; 0 when none is above `after`.

    `which` is a condition that narrows the events.
    """
    query = sa.select(audit_events.c.id).where(
        audit_events.c.case_id.is_not(None), audit_events.c.id > after
    )
    if which is not None:
        query = query.where(which)
    return connection.execute(query.order_by(audit_events.c.id.desc()).limit(1)).scalar() or 0


def link_in(row: RowMapping) -> Link:
    """Return a row of the table as a link."""
    return Link(row["id"], Event(**{name: row[name] for name in _OF_AN_EVENT}), row["link"])


def _read(connection: Connection, condition: sa.ColumnElement[bool]) -> list[Link]:
    query = sa.select(audit_events).where(condition).order_by(audit_events.c.id)
    return [link_in(row) for row in connection.execute(query).mappings()]


@dataclass(frozen=True)
class EventFilter:
    """Criteria of a search; an empty field matches every event."""

    who: str = ""
    """Id of the account that caused the event, or that somebody tried to sign in to."""
    what: str = ""
    about: tuple[str, ...] = ()
    """Ids of cases or messages; an event matches when it is about any of them."""
    since: datetime | None = None
    until: datetime | None = None
    """Exclusive."""
    visible: sa.ColumnElement[bool] | None = None
    """A condition of the events that the reader may see; None for all."""

    def condition(self) -> sa.ColumnElement[bool]:
        """Return the criteria as an SQL condition."""
        row = audit_events.c
        conditions: list[sa.ColumnElement[bool]] = []
        if self.who:
            account = row.detail["account"].as_string()
            conditions.append((row.who == self.who) | (account == self.who))
        if self.what:
            conditions.append(row.what == self.what)
        if self.about:
            conditions.append(row.case_id.in_(self.about) | row.message_id.in_(self.about))
        if self.since:
            conditions.append(row.at >= self.since)
        if self.until:
            conditions.append(row.at < self.until)
        if self.visible is not None:
            conditions.append(self.visible)
        return sa.and_(sa.true(), *conditions)


class AuditLog:
    """The audit trail of one database. Thread-safe; methods raise SQLAlchemyError."""

    def __init__(self, engine: Engine, now: Callable[[], datetime] = utc_now) -> None:
        self._engine = engine
        self._reading = engine.execution_options(**READING)
        self._now = now

    def add(
        self,
        who: str,
        what: str,
        *,
        case_id: str | None = None,
        message_id: str | None = None,
        detail: dict[str, Any] | None = None,
    ) -> int:
        """Append an event in a transaction of its own and return its number."""
        event = Event(self._now(), who, what, case_id, message_id, detail or {})
        with self._engine.begin() as connection:
            return append(connection, event)

    def newest(self, criteria: EventFilter, *, before: int | None = None, limit: int) -> list[Link]:
        """Return at most `limit` events with a number below `before`, newest first."""
        query = sa.select(audit_events).where(criteria.condition())
        if before is not None:
            query = query.where(audit_events.c.id < before)
        query = query.order_by(audit_events.c.id.desc()).limit(limit)
        with self._reading.connect() as connection:
            return [link_in(row) for row in connection.execute(query).mappings()]

    def kinds(self) -> list[str]:
        """Return each `what` on the trail once, in alphabetical order."""
        query = sa.select(audit_events.c.what).distinct().order_by(audit_events.c.what)
        with self._reading.connect() as connection:
            return list(connection.execute(query).scalars())


def record_command(what: str, settings: Settings | None = None, **detail: Any) -> None:
    """Append what a command has just done, such as "account opened", with ids and counts.

    Raises SQLAlchemyError. The change is made by then, so the command must end with an error.
    """
    settings = settings or Settings.from_env()
    engine = connect(settings.database_url)
    try:
        AuditLog(engine).add(COMMAND_LINE, what, detail=detail | {"operator": operator()})
    finally:
        engine.dispose()


def operator() -> str:
    """Return the name of the system account that runs the command."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container whose user has no name
        return str(os.getuid())


def client_digest(address: str, key: str) -> str:
    """Return the name of a client machine on the trail: keyed BLAKE2b, 16 hexadecimal digits.

    An address says something about its user, and the trail is kept for years. An investigator who
    has a list of addresses can still find the events of each one.
    """
    try:
        known = ipaddress.ip_address(address)
        address = str(getattr(known, "ipv4_mapped", None) or known)
    except ValueError:
        pass  # not an address: keep it as it was written
    secret, plain = hashlib.sha256(key.encode()).digest(), address.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(plain, key=secret, digest_size=8, person=b"audit-client").hexdigest()
