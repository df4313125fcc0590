"""The audit log: appends events outside a transaction, searches them, and names their origin.

Code that changes records appends in its own transaction, with `trail.append`.
"""

from __future__ import annotations

import getpass
import hashlib
import ipaddress
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import click
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from safeguarding.clock import utc_now
from safeguarding.settings import Settings
from staff.audit.trail import Event, Link, append, audit_events, link_in
from storage.engine import READING, connect

COMMAND_LINE = "command line"
"""The `who` of an event that a command caused; the detail names the operator."""


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


@click.command()
@click.argument("address")
def main(address: str) -> None:
    """Print the "client" that the trail records for events from this ADDRESS."""
    click.echo(client_digest(address, Settings.from_env().secret("token_key")))
