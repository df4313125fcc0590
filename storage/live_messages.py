"""What staff write in a live chat, on its way through the reply mailbox to the young person.

Rows of one conversation are numbered in the order in which they were written, because their writers
lock the row of the live chat first. A browser asks for what is behind the last number that it has
shown: that deletes the words up to there, and an answer that was lost on the way comes again.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from safeguarding.live_chat import LiveMessage
from storage import replies as mailbox
from storage.engine import READING
from storage.replies import AddressKind, NewReply, replies, sealed_words
from storage.vault import Vault

LASTS = timedelta(hours=1)
"""How long a message waits for a browser that was cut off."""
AT_ONCE = 50
"""Messages that are given to a browser in one answer."""
CONVERSATION = AddressKind.CONVERSATION


@dataclass(frozen=True)
class NewLiveMessage:
    """A message of a member of staff, to be shown to a young person."""

    key: str
    """Of two messages with one key, the first counts."""
    conversation_id: str
    chat_id: str
    name: str
    """The name that the young person reads."""
    text: str
    at: datetime


def add(connection: Connection, vault: Vault, message: NewLiveMessage) -> bool:
    """Write it as part of a transaction that holds the lock of the live chat's row.

    False when its key was written before.
    """
    words = {"chat": message.chat_id, "name": message.name, "text": message.text}
    expires_at = message.at + LASTS
    to = (message.key, message.conversation_id, json.dumps(words), message.at, expires_at)
    return mailbox.add(connection, vault, NewReply(*to, CONVERSATION))


def seen(connection: Connection, keys: Collection[str]) -> dict[str, datetime]:
    """Return when each of these messages was shown, by their keys; others are left out."""
    query = sa.select(replies.c.key, replies.c.delivered_at).where(
        replies.c.key.in_(keys), replies.c.delivered_at.is_not(None)
    )
    return {row.key: row.delivered_at for row in connection.execute(query)}


class LiveMessages:
    """The end of the mailbox in the chat. Thread-safe. Raises SQLAlchemyError and VaultError."""

    def __init__(self, engine: Engine, vault: Vault) -> None:
        """Take an engine of `storage.engine.connect` on a migrated database."""
        self._engine = engine
        self._vault = vault

    def newest(self, conversation_ids: Collection[str], at: datetime) -> dict[str, int]:
        """Return the highest number that waits in each of these conversations that have any."""
        query = (
            sa.select(replies.c.conversation_id, sa.func.max(replies.c.number))
            .where(replies.c.conversation_id.in_(conversation_ids), *_waits(at))
            .group_by(replies.c.conversation_id)
        )
        with self._engine.connect().execution_options(**READING) as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    def after(self, conversation_id: str, number: int, at: datetime) -> list[LiveMessage]:
        """Return the messages of a conversation behind this number, in order, at most AT_ONCE."""
        query = (
            sa.select(replies)
            .where(
                replies.c.conversation_id == conversation_id,
                replies.c.number > number,
                *_waits(at),
            )
            .order_by(replies.c.number)
            .limit(AT_ONCE)
        )
        with self._engine.connect().execution_options(**READING) as connection:
            rows = connection.execute(query).mappings().all()
        messages = []
        for row in rows:
            words = json.loads(sealed_words(row, self._vault))
            name, text = words["name"], words["text"]
            at_number = row["number"], words["chat"]
            messages.append(LiveMessage(*at_number, name, text, row["written_at"]))
        return messages

    def shown(self, conversation_id: str, number: int, at: datetime) -> int:
        """Note that a browser has shown all up to this number, and delete their words."""
        mine = (replies.c.conversation_id == conversation_id) & (replies.c.number <= number)
        done = sa.update(replies).where(mine, *_waits(at)).values(delivered_at=at, sealed=None)
        with self._engine.begin() as connection:
            return connection.execute(done).rowcount


def _waits(at: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        replies.c.kind == CONVERSATION.value,
        replies.c.delivered_at.is_(None),
        replies.c.sealed.is_not(None),
        replies.c.expires_at > at,
    )
