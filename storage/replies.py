"""The reply mailbox: what a member of staff writes to a conversation or to a letterbox.

The chat shows it. Each row is sealed, numbered, shown in order and once, and expires. A reader of a
letterbox claims the oldest row, shows it, and says so; then its words are deleted. The claim of a
reader that was killed ends by itself, and another shows the row under the same number. ADR 36. How
a live chat is read stands in storage/live_messages.py.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import Enum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, RowMapping

from storage.engine import READING, UtcDateTime, metadata
from storage.handoffs import NUMBER, insert_new, insert_once
from storage.vault import Vault

LEASE = timedelta(seconds=30)
"""How long a reader has to show a row before another may."""


class AddressKind(str, Enum):
    """What a message is addressed to. The values are stored: never rename one."""

    CONVERSATION = "conversation"
    """A conversation in progress."""
    LETTERBOX = "letterbox"
    """The letterbox of a conversation's case, which another conversation may open later."""


replies = sa.Table(
    "replies",
    metadata,
    sa.Column("number", NUMBER, sa.Identity(), primary_key=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("conversation_id", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False, server_default=AddressKind.CONVERSATION.value),
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
_CONVERSATION = AddressKind.CONVERSATION


@dataclass(frozen=True)
class NewReply:
    """A message to post."""

    key: str
    """Of two messages with one key, the first counts."""
    conversation_id: str
    text: str
    at: datetime
    expires_at: datetime
    kind: AddressKind = _CONVERSATION


@dataclass(frozen=True)
class StaffReply:
    """One message from a member of staff."""

    number: int
    """Grows within an address: a browser that saw this number before shows it no more."""
    text: str
    written_at: datetime


class ReplyMailbox:
    """Both ends of the mailbox. Thread-safe. Raises SQLAlchemyError."""

    def __init__(self, engine: Engine, vault: Vault) -> None:
        self._engine = engine
        self._vault = vault

    def post(
        self,
        key: str,
        conversation_id: str,
        text: str,
        *,
        at: datetime,
        expires_at: datetime,
        kind: AddressKind = _CONVERSATION,
    ) -> bool:
        """Address a message to a conversation or its letterbox; False if the key was posted before.

        Returns once it is on a disk. Raises ValueError when a moment has no time zone.
        """
        reply = NewReply(key, conversation_id, text, at, expires_at, kind)
        return insert_new(self._engine, replies, _row(self._vault, reply))

    def claim(
        self,
        conversation_id: str,
        reader: str,
        at: datetime,
        kind: AddressKind = _CONVERSATION,
    ) -> StaffReply | None:
        """Claim the next message of an address for `reader`, a name that no other reader has.

        None when there is none, or when another reader is showing it. The same reader gets the
        same message again until it is delivered. Raises VaultError.
        """
        with self._engine.begin() as connection:
            row = _next(connection, conversation_id, at, kind)
            if row is None or not _take(connection, row, reader, at):
                return None
            return StaffReply(row["number"], sealed_words(row, self._vault), row["written_at"])

    def waiting(self, conversation_id: str, at: datetime, kind: AddressKind = _CONVERSATION) -> int:
        """Return how many messages of an address were not shown yet, claimed ones included."""
        mine = _waiting(conversation_id, at, kind)
        query = sa.select(sa.func.count()).select_from(replies).where(*mine)
        with self._engine.connect().execution_options(**READING) as connection:
            return connection.execute(query).scalar_one()

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


def add(connection: Connection, vault: Vault, reply: NewReply) -> bool:
    """Post a message as part of a transaction; False when its key was posted before."""
    return insert_once(connection, replies, _row(vault, reply))


def withdraw(connection: Connection, conversation_id: str, kind: AddressKind) -> int:
    """Delete the words of all messages of an address that were not shown; return how many."""
    unread = (
        (replies.c.conversation_id == conversation_id)
        & (replies.c.kind == kind.value)
        & replies.c.sealed.is_not(None)
    )
    return connection.execute(sa.update(replies).where(unread).values(sealed=None)).rowcount


def forget(connection: Connection, conversation_ids: Collection[str]) -> int:
    """Delete all rows of conversations and their letterboxes; return how many there were."""
    mine = replies.c.conversation_id.in_(conversation_ids)
    return connection.execute(sa.delete(replies).where(mine)).rowcount


def facts_of(row: Mapping[Any, Any]) -> str:
    """Return the plain columns that are proved with the words."""
    moments = (row[name].astimezone(timezone.utc) for name in ("written_at", "expires_at"))
    written = (moment.isoformat(timespec="microseconds") for moment in moments)
    # Rows from before there were kinds were sealed without one.
    kind = [] if row["kind"] == _CONVERSATION.value else [row["kind"]]
    return json.dumps([row["conversation_id"], *written, *kind])


def sealed_words(row: RowMapping, vault: Vault) -> str:
    """Return the words of a row that waits. Raises VaultError."""
    return vault.open(row["sealed"], **_place(row))


def _place(row: Mapping[Any, Any]) -> dict[str, str]:
    return {"table": "replies", "row": row["key"], "column": "sealed", "facts": facts_of(row)}


def _row(vault: Vault, reply: NewReply) -> dict[str, Any]:
    plain = {
        "key": reply.key,
        "conversation_id": reply.conversation_id,
        "kind": reply.kind.value,
        "written_at": reply.at,
        "expires_at": reply.expires_at,
    }
    return plain | {"sealed": vault.seal(reply.text, **_place(plain))}


def _waiting(
    conversation_id: str, at: datetime, kind: AddressKind
) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        replies.c.conversation_id == conversation_id,
        replies.c.kind == kind.value,
        replies.c.delivered_at.is_(None),
        replies.c.sealed.is_not(None),
        replies.c.expires_at > at,
    )


def _next(
    connection: Connection, conversation_id: str, at: datetime, kind: AddressKind
) -> RowMapping | None:
    """Return the oldest message that is neither shown nor expired."""
    waiting = _waiting(conversation_id, at, kind)
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
