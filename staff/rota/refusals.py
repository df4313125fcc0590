"""Which ways of telling staff are refused: an address that does not exist, a mailbox that is full.

A way is a channel and a recipient. It is refused from the first refusal until a message is accepted
again. Meanwhile it is tried with a pause that doubles, by one delivery at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from staff.accounts.tables import staff
from staff.rota.rota import TEAM
from storage.engine import UtcDateTime, metadata

FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)
"""The pause before a refused way is tried again, and its limit."""
MAILBOX_FULL = "mailbox full"
"""The kind of failure that ends when the owner of a mailbox makes room."""
TELL_AGAIN = timedelta(minutes=5)
"""The pause before another attempt if none of the administrators could be told."""

refused_ways = sa.Table(
    "refused_ways",
    metadata,
    sa.Column("channel", sa.Text, primary_key=True),
    sa.Column("recipient", sa.Text, primary_key=True),
    sa.Column("error", sa.Text, nullable=False),
    sa.Column("since", UtcDateTime, nullable=False),
    sa.Column("times", sa.Integer, nullable=False),
    sa.Column("next_at", UtcDateTime, nullable=False),
    sa.Column("tell_at", UtcDateTime, nullable=False),
    sa.Column("told_at", UtcDateTime),
)
"""One row a refused way, until it works again. `recipient` is the id of a member of staff, or TEAM.
`told_at` is when administrators were told of it, and `tell_at` when to try that."""


@dataclass(frozen=True)
class RefusedWay:
    """A channel by which a recipient takes no messages."""

    channel: str
    recipient: str
    """The id of a member of staff, or TEAM."""
    shown_name: str | None
    """The name of the member of staff; None for the team."""
    error: str
    """A kind of failure, never a server's text."""
    since: datetime


def refuse(connection: Connection, channel: str, recipient: str, error: str, now: datetime) -> bool:
    """Record a refusal; return whether the way worked before."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    row = {"channel": channel, "recipient": recipient, "error": error, "times": 1}
    times = {"since": now, "next_at": now + FIRST_PAUSE, "tell_at": now}
    first = insert(refused_ways).values(**row, **times).on_conflict_do_nothing()
    if connection.execute(first.returning(refused_ways.c.times)).first() is not None:
        return True
    own = _is(channel, recipient)
    query = sa.select(refused_ways.c.times).where(own).with_for_update()
    # None: a message has been accepted meanwhile.
    number: int = (connection.execute(query).scalar() or 0) + 1
    again = {"error": error, "times": number, "next_at": now + pause(number)}
    connection.execute(sa.update(refused_ways).where(own).values(**again))
    return False


def pause(times: int) -> timedelta:
    """Return the pause after this many refusals in a row."""
    return min(FIRST_PAUSE * (1 << min(times - 1, 20)), LONGEST_PAUSE)


def forget(connection: Connection, channel: str, recipient: str) -> bool:
    """Record that a way is not refused; return whether it was."""
    return bool(connection.execute(sa.delete(refused_ways).where(_is(channel, recipient))).rowcount)


def try_again(connection: Connection, recipient: str, now: datetime) -> None:
    """Let the refused ways of a recipient be tried at once: the address may be another now."""
    own = refused_ways.c.recipient == recipient
    connection.execute(sa.update(refused_ways).where(own).values(next_at=now, times=0))


def refused(connection: Connection) -> list[RefusedWay]:
    """Return the refused ways of the team and of staff in use, the oldest first."""
    way = refused_ways.c
    query = (
        sa.select(way.channel, way.recipient, staff.c.shown_name, way.error, way.since)
        .outerjoin(staff, staff.c.id == way.recipient)
        .where((way.recipient == TEAM) | staff.c.disabled_at.is_(None))
        .order_by(way.since, way.recipient, way.channel)
    )
    return [RefusedWay(*row) for row in connection.execute(query)]


def is_due(now: datetime) -> sa.ColumnElement[bool]:
    """Return the condition for ways that may be tried again."""
    at = refused_ways.c.next_at
    # A pause longer than ours was set by a clock that has been set back since.
    return (at <= now) | (at > now + 2 * LONGEST_PAUSE)


def take_due(connection: Connection, channel: str, now: datetime, lasts: timedelta) -> list[str]:
    """Return the recipients to try now by a channel; none is returned again while it `lasts`."""
    due = (refused_ways.c.channel == channel) & is_due(now)
    taken = sa.update(refused_ways).where(due).values(next_at=now + lasts)
    return list(connection.execute(taken.returning(refused_ways.c.recipient)).scalars())


def take_untold(connection: Connection, now: datetime) -> list[RefusedWay]:
    """Return the ways of which administrators must be told; none again within TELL_AGAIN."""
    at = refused_ways.c.tell_at
    # A time far ahead is of a clock that has been set back since.
    untold = refused_ways.c.told_at.is_(None) & ((at <= now) | (at > now + 2 * TELL_AGAIN))
    taken = sa.update(refused_ways).where(untold).values(tell_at=now + TELL_AGAIN)
    returned = taken.returning(refused_ways.c.channel, refused_ways.c.recipient)
    ways = {(row.channel, row.recipient) for row in connection.execute(returned)}
    return [way for way in refused(connection) if (way.channel, way.recipient) in ways]


def mark_told(connection: Connection, way: RefusedWay, now: datetime) -> None:
    """Record that an administrator was told; a way that was refused anew since is still untold."""
    own = _is(way.channel, way.recipient) & (refused_ways.c.since == way.since)
    connection.execute(sa.update(refused_ways).where(own).values(told_at=now))


def _is(channel: str, recipient: str) -> sa.ColumnElement[bool]:
    return (refused_ways.c.channel == channel) & (refused_ways.c.recipient == recipient)
