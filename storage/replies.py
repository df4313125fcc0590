"""The reply mailbox: what a member of staff writes to one conversation, for the chat to show.

Each row is sealed, numbered, shown in order and once, and expires. A reader claims the oldest row
of the conversation, shows it, and says so; then its words are deleted. The claim of a reader that
was killed ends by itself, and another shows the row under the same number. ADR 36.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, RowMapping

from storage.engine import UtcDateTime, metadata
from storage.handoffs import NUMBER, insert_new
from storage.vault import Vault

LEASE = timedelta(seconds=30)
"""How long a reader has to show a row before another may."""

replies = sa.Table(
    "replies",
    metadata,
    sa.Column("number", NUMBER, sa.Identity(), primary_key=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("conversation_id", sa.Text, nullable=False),
    sa.Column("written_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.Column("sealed", sa.Text),
    sa.Column("claimed_by", sa.Text),
    sa.Column("claimed_until", UtcDateTime),
    sa.Column("delivered_at", UtcDateTime),
    sa.CheckConstraint("delivered_at IS NULL OR sealed IS NULL", name="sealed"),
    sa.Index("ix_replies_conversation_id", "conversation_id", "number"),
    sqlite_autoincrement=True,
)
SEALED: dict[sa.Table, tuple[str, ...]] = {replies: ("sealed",)}
"""The columns that hold an envelope of the key ring, until the row is shown or expires."""


@dataclass(frozen=True)
class StaffReply:
    """One message from a member of staff to a conversation."""

    number: int
    """Grows within a conversation: a browser that saw this number before shows it no more."""
    text: str
    written_at: datetime


class ReplyMailbox:
    """Both ends of the mailbox. Thread-safe. Raises SQLAlchemyError."""

    def __init__(self, engine: Engine, vault: Vault) -> None:
        self._engine = engine
        self._vault = vault

    def post(
        self, key: str, conversation_id: str, text: str, *, at: datetime, expires_at: datetime
    ) -> bool:
        """Address a message to a conversation; False when this key was posted before.

        Returns once it is on a disk. Raises ValueError when a moment has no time zone.
        """
        plain = {
            "key": key,
            "conversation_id": conversation_id,
            "written_at": at,
            "expires_at": expires_at,
        }
        sealed = {"sealed": self._vault.seal(text, **_place(plain))}
        return insert_new(self._engine, replies, plain | sealed)

    def claim(self, conversation_id: str, reader: str, at: datetime) -> StaffReply | None:
        """Claim the next message of a conversation for `reader`, a name that no other reader has.

        None when there is none, or when another reader is showing it. The same reader gets the
        same message again until it is delivered. Raises VaultError.
        """
        with self._engine.begin() as connection:
            row = _next(connection, conversation_id, at)
            if row is None or not _take(connection, row, reader, at):
                return None
            return StaffReply(
                row["number"], self._vault.open(row["sealed"], **_place(row)), row["written_at"]
            )

    def delivered(self, reply: StaffReply, reader: str, at: datetime) -> bool:
        """Note that `reader` has shown it, and delete its words.

        False when the claim had ended and another reader took it over.
        """
        mine = (
            (replies.c.number == reply.number)
            & (replies.c.claimed_by == reader)
            & replies.c.delivered_at.is_(None)
        )
        done = sa.update(replies).where(mine).values(delivered_at=at, sealed=None)
        with self._engine.begin() as connection:
            return bool(connection.execute(done).rowcount)

    def expire(self, at: datetime) -> int:
        """Delete the words of messages that were not shown in time; return how many there were."""
        late = replies.c.sealed.is_not(None) & (replies.c.expires_at <= at)
        with self._engine.begin() as connection:
            return connection.execute(sa.update(replies).where(late).values(sealed=None)).rowcount


def facts_of(row: Mapping[Any, Any]) -> str:
    """Return the plain columns that are proved with the words."""
    moments = (row[name].astimezone(timezone.utc) for name in ("written_at", "expires_at"))
    written = (moment.isoformat(timespec="microseconds") for moment in moments)
    return json.dumps([row["conversation_id"], *written])


def _place(row: Mapping[Any, Any]) -> dict[str, str]:
    return {"table": "replies", "row": row["key"], "column": "sealed", "facts": facts_of(row)}


def _next(connection: Connection, conversation_id: str, at: datetime) -> RowMapping | None:
    """Return the oldest message that is neither shown nor expired."""
    waiting = (
        replies.c.conversation_id == conversation_id,
        replies.c.delivered_at.is_(None),
        replies.c.sealed.is_not(None),
        replies.c.expires_at > at,
    )
    query = sa.select(replies).where(*waiting).order_by(replies.c.number).limit(1)
    return connection.execute(query).mappings().first()


def _take(connection: Connection, row: RowMapping, reader: str, at: datetime) -> bool:
    """Compare and set: of two readers of the same row, the database lets one claim it."""
    free = (
        replies.c.claimed_by.is_(None)
        | (replies.c.claimed_by == reader)
        | (replies.c.claimed_until <= at)
    )
    mine = (replies.c.number == row["number"]) & replies.c.delivered_at.is_(None) & free
    claim = sa.update(replies).where(mine).values(claimed_by=reader, claimed_until=at + LEASE)
    return bool(connection.execute(claim).rowcount)
