"""Live chats: who has a conversation, in which term, and whether they are still there.

Chat and staff share this one table. Staff write it, in the transaction of what they do, and so does
the case worker; the gateway only reads it. No column holds a word that anyone wrote. ADR 58.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine, RowMapping

from safeguarding.live_chat import LiveChatEnd, LiveChatState
from storage.engine import READING, UtcDateTime, metadata

live_chats = sa.Table(
    "live_chats",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    # The conversation that staff write to, and the case that it opened: that may be part of another
    # case meanwhile.
    sa.Column("conversation_id", sa.Text, nullable=False),
    sa.Column("case_id", sa.Text, sa.ForeignKey("cases.id"), nullable=False, index=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("term", sa.Integer, nullable=False),
    sa.Column("owner", sa.Text, sa.ForeignKey("staff.id"), index=True),
    sa.Column("shown_name", sa.Text),
    sa.Column("shown_role", sa.Text),
    sa.Column("transfer_to", sa.Text, sa.ForeignKey("staff.id"), index=True),
    sa.Column("begun_at", UtcDateTime, nullable=False),
    sa.Column("opened_at", UtcDateTime),
    sa.Column("present_until", UtcDateTime),
    sa.Column("typing_until", UtcDateTime),
    sa.Column("spoke_at", UtcDateTime),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("ended_why", sa.Text),
    sa.Column("blocked", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("wrapped_at", UtcDateTime),
    sa.CheckConstraint("state IN ('asked', 'ended', 'offered', 'open')", name="state"),
    sa.CheckConstraint("(state = 'ended') = (ended_at IS NOT NULL)", name="ended"),
    sa.CheckConstraint("state IN ('asked', 'ended') OR owner IS NOT NULL", name="owner"),
    sa.Index("ix_live_chats_conversation_id", "conversation_id", "begun_at"),
    # One at a time in a conversation.
    sa.Index(
        "uq_live_chats_running",
        "conversation_id",
        unique=True,
        sqlite_where=sa.text("state <> 'ended'"),
        postgresql_where=sa.text("state <> 'ended'"),
    ),
)
"""`term` is the fencing number: it grows with every change of the owner, and what an earlier owner
does is refused. `present_until` ends the owner's lease. `blocked` says that the conversation cannot
ask for a person again. An owner may not join another chat before `wrapped_at`."""

live_readiness = sa.Table(
    "live_readiness",
    metadata,
    sa.Column("staff_id", sa.Text, sa.ForeignKey("staff.id"), primary_key=True),
    sa.Column("ready_until", UtcDateTime, nullable=False),
    sa.Column("areas", sa.JSON),
    sa.Column("room", sa.Integer, nullable=False),
)
"""Who on the staff is ready to chat now: a lease that their open page renews. `areas` limits whose
conversations they may have (None: all), and `room` is how many more chats they can take."""
_OF = live_chats.c
SEEN_BY_CHAT = (
    *(_OF.id, _OF.conversation_id, _OF.state, _OF.term, _OF.shown_name, _OF.shown_role),
    *(_OF.begun_at, _OF.opened_at, _OF.present_until, _OF.typing_until, _OF.spoke_at),
    *(_OF.ended_at, _OF.ended_why, _OF.blocked),
)
"""The columns that the gateway may read: not who on the staff it is."""


@dataclass(frozen=True)
class ReadyPerson:
    """A member of staff who can take a chat now; the chat is not told who it is."""

    ready_until: datetime
    areas: frozenset[str] | None
    """None: all areas."""

    def takes(self, area: str | None, at: datetime) -> bool:
        """Return whether they can take a chat of this area now."""
        sees = self.areas is None or area is None or area in self.areas
        return sees and at < self.ready_until


@dataclass(frozen=True)
class LiveChat:
    """A live chat as the young person's side sees it."""

    id: str
    conversation_id: str
    state: LiveChatState
    term: int
    shown_name: str | None
    """What the young person is told: the name, and what this person does."""
    shown_role: str | None
    begun_at: datetime
    opened_at: datetime | None
    present_until: datetime | None
    typing_until: datetime | None
    spoke_at: datetime | None
    """When the owner last wrote, or took over."""
    ended_at: datetime | None
    ended_why: LiveChatEnd | None
    blocked: bool

    def is_present(self, at: datetime) -> bool:
        """Return whether the owner's page told in time that it is open."""
        return self.present_until is not None and at < self.present_until

    def is_typing(self, at: datetime) -> bool:
        """Return whether the owner is typing."""
        return self.typing_until is not None and at < self.typing_until


class LiveChats:
    """Reads live chats for the chat. Thread-safe. Raises SQLAlchemyError."""

    def __init__(self, engine: Engine) -> None:
        """Take an engine of `storage.engine.connect` on a migrated database."""
        self._reading = engine.execution_options(**READING)

    def newest(self, conversation_ids: Collection[str]) -> dict[str, LiveChat]:
        """Return the newest live chat of each of these conversations, ended ones too."""
        query = (
            sa.select(*SEEN_BY_CHAT)
            .where(_OF.conversation_id.in_(conversation_ids))
            .order_by(_OF.begun_at)
        )
        with self._reading.connect() as connection:
            rows = connection.execute(query).mappings().all()
        return {row["conversation_id"]: live_chat_of(row) for row in rows}

    def ready(self, at: datetime) -> list[ReadyPerson]:
        """Return the members of staff who are ready for one more chat."""
        of = live_readiness.c
        query = sa.select(of.ready_until, of.areas).where(of.ready_until > at, of.room > 0)
        with self._reading.connect() as connection:
            rows = connection.execute(query).all()
        return [
            ReadyPerson(row.ready_until, None if row.areas is None else frozenset(row.areas))
            for row in rows
        ]


def is_chat() -> sa.ColumnElement[bool]:
    """Return the condition of rows that are live chats.

    The others only say that the young person left a conversation that had none, so that nobody
    offers to talk to them there.
    """
    return _OF.owner.is_not(None) | _OF.begun_at.is_distinct_from(_OF.ended_at)


def live_chat_of(row: RowMapping | dict[str, Any]) -> LiveChat:
    """Return the live chat of a row."""
    known = {column.name: row[column.name] for column in SEEN_BY_CHAT}
    why = known["ended_why"]
    known |= {"state": LiveChatState(known["state"]), "ended_why": why and LiveChatEnd(why)}
    return LiveChat(**known)
