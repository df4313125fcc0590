"""The rows of live chats on the staff side: read, locked, changed, and ended.

Every writer locks the case that the conversation opened, then the row of the live chat, and only
then appends to the audit trail. So whatever two people do at once has an order.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, RowMapping

from safeguarding.live_chat import LiveChatEnd, LiveChatState
from staff.alerts import outbox
from staff.audit import trail
from staff.audit.trail import Event
from staff.cases.case import CaseEvent
from staff.cases.cases import UnknownCaseError
from staff.cases.casework import locked
from staff.cases.tables import cases
from storage import replies
from storage.live_chats import LiveChat, live_chat_of, live_chats, live_readiness
from storage.replies import AddressKind

RUNS = live_chats.c.state != LiveChatState.ENDED.value
"""The condition of the live chats that have not ended."""
UNWRAPPED = (
    ~RUNS
    & live_chats.c.opened_at.is_not(None)
    & live_chats.c.owner.is_not(None)
    & live_chats.c.wrapped_at.is_(None)
)
"""The condition of those that a person had, and whose owner has not said what came of it."""
_BROKEN_OFF = (LiveChatEnd.SILENT.value, LiveChatEnd.AWAY.value)
_LEFT_BY_PERSON = frozenset({LiveChatEnd.STOPPED, LiveChatEnd.LEFT})


class WhyNot(str, Enum):
    """Why a member of staff cannot have a live chat. Pages have a sentence for each."""

    NOT_ON_DUTY = "not_on_duty"
    FULL = "full"
    """They have as many chats as one person may have at once."""
    NOT_WRAPPED_UP = "not_wrapped_up"
    """They have not said yet what came of an earlier one."""
    HAS_LEFT = "has_left"
    """The young person is not writing now."""
    RUNNING = "running"
    """There is a live chat in the conversation."""
    BLOCKED = "blocked"
    NO_RIGHT = "no_right"


class CannotChatError(Exception):
    """The live chat cannot be had, for a reason that the person can be told."""

    def __init__(self, reason: WhyNot) -> None:
        super().__init__(reason)
        self.reason = reason


class StaleTermError(Exception):
    """Another person has the live chat, or it ended: what was asked for was not done."""

    def __init__(self, owner: str | None = None) -> None:
        """`owner` is the id of the member of staff who has it now; None where it ended."""
        super().__init__(owner)
        self.owner = owner


@dataclass(frozen=True)
class HeldChat(LiveChat):
    """A live chat with what only staff know of it."""

    case_id: str
    """The case that the conversation opened: it may be part of another one meanwhile."""
    owner: str | None
    transfer_to: str | None
    """The colleague to whom the owner has offered it."""
    wrapped_at: datetime | None

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self.state is not LiveChatState.ENDED

    @property
    def holder(self) -> str | None:
        """Who has it now; None where it ended, or waits for a person."""
        return self.owner if self.runs else None

    @property
    def waits_for_wrap_up(self) -> bool:
        """Whether it ended, and its owner has not said what came of it."""
        was_open = self.opened_at is not None and self.owner is not None
        return not self.runs and was_open and self.wrapped_at is None


def chat_of(row: RowMapping) -> HeldChat:
    """Return the live chat of a row."""
    own = {name: row[name] for name in ("case_id", "owner", "transfer_to", "wrapped_at")}
    return HeldChat(**vars(live_chat_of(row)), **own)


def chats(connection: Connection, which: sa.ColumnElement[bool]) -> list[HeldChat]:
    """Return the live chats that meet a condition, the oldest first."""
    query = sa.select(live_chats).where(which).order_by(live_chats.c.begun_at, live_chats.c.id)
    return [chat_of(row) for row in connection.execute(query).mappings()]


def newest_of(connection: Connection, conversation_id: str) -> HeldChat | None:
    """Return the newest live chat of a conversation, one that runs before any that ended."""
    query = (
        sa.select(live_chats)
        .where(live_chats.c.conversation_id == conversation_id)
        .order_by(sa.case((RUNS, 0), else_=1), live_chats.c.begun_at.desc())
        .limit(1)
    )
    row = connection.execute(query).mappings().first()
    return None if row is None else chat_of(row)


@dataclass(frozen=True)
class LockedChat:
    """A live chat, with its case, locked until the transaction ends."""

    chat: HeldChat
    own: RowMapping
    """The case that the conversation opened, with whose key its words are sealed."""
    case: RowMapping
    """The case that staff see: its own, or the one that this was merged into."""


def locked_chat(connection: Connection, chat_id: str) -> LockedChat:
    """Lock a live chat. Raises UnknownCaseError when there is none."""
    mine = live_chats.c.id == chat_id
    case_id = connection.execute(sa.select(live_chats.c.case_id).where(mine)).scalar_one_or_none()
    if case_id is None:
        raise UnknownCaseError
    own, case = locked_with_head(connection, case_id)
    row = connection.execute(sa.select(live_chats).where(mine).with_for_update()).mappings().first()
    if row is None:
        raise UnknownCaseError
    return LockedChat(chat_of(row), own, case)


def locked_with_head(connection: Connection, case_id: str) -> tuple[RowMapping, RowMapping]:
    """Lock a case and the one that it was merged into; return both. Raises UnknownCaseError."""
    own = locked(connection, case_id)
    into = own["merged_into"]
    return own, own if into is None else locked(connection, into)


def group_of(connection: Connection, case_id: str) -> tuple[str, list[str]]:
    """Return the case that staff see in place of this one, and the ids of all that are part of it.

    Raises UnknownCaseError.
    """
    query = sa.select(cases.c.id, cases.c.merged_into).where(cases.c.id == case_id)
    row = connection.execute(query).first()
    if row is None:
        raise UnknownCaseError
    head = row.merged_into or row.id
    merged = sa.select(cases.c.id).where(cases.c.merged_into == head)
    return head, [head, *connection.execute(merged).scalars()]


def change(connection: Connection, chat: HeldChat, **columns: Any) -> None:
    """Write these columns of a locked live chat."""
    mine = live_chats.c.id == chat.id
    connection.execute(sa.update(live_chats).where(mine).values(**columns))


def event(chat: HeldChat, at: datetime, who: str, what: CaseEvent, **detail: Any) -> Event:
    """Return the event of something that happened in a live chat."""
    return Event(at, who, what.value, case_id=chat.case_id, detail={"chat": chat.id, **detail})


def insert_chat(connection: Connection, **row: Any) -> bool:
    """Insert a live chat; False when its conversation has one that runs, or its id is known."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    added = dialect.insert(live_chats).values(**row).on_conflict_do_nothing()
    return connection.execute(added, execution_options={"preserve_rowcount": True}).rowcount > 0


@dataclass(frozen=True)
class ChatEnding:
    """How a live chat ends."""

    why: LiveChatEnd
    who: str
    """Who ends it, as the audit trail names them."""
    at: datetime
    """The time of its event."""
    ended_at: datetime | None = None
    """When it ended, where that was not `at`."""
    at_once: int | None = None
    """How many live chats its owner may have, where that is known."""
    before: tuple[Event, ...] = ()
    """Events of the same act that come first on the trail."""


def end_chat(connection: Connection, chat: HeldChat, ending: ChatEnding, **detail: Any) -> None:
    """End a locked live chat that runs, with its event on the trail.

    What the young person has not seen is withdrawn where they stopped it or left; after any other
    end it is still shown to them. Takes row locks: nothing may be on the trail before.
    """
    why, at, at_once = ending.why, ending.at, ending.at_once
    change(
        connection,
        chat,
        state=LiveChatState.ENDED.value,
        ended_at=ending.ended_at or at,
        ended_why=why.value,
        typing_until=None,
        transfer_to=None,
    )
    if why in _LEFT_BY_PERSON:
        replies.withdraw(connection, chat.conversation_id, AddressKind.CONVERSATION)
        if chat.state is LiveChatState.ASKED:
            outbox.take_back(connection, chat.id, at)
    if chat.owner is not None and at_once is not None:
        note_room(connection, chat.owner, at_once)
    elif chat.owner is not None and chat.opened_at is not None:
        # They say what came of it first. Their open page counts again what room they have then.
        mine = live_readiness.c.staff_id == chat.owner
        connection.execute(sa.update(live_readiness).where(mine).values(room=0))
    ended = event(chat, at, ending.who, CaseEvent.LIVE_ENDED, why=why.value, **detail)
    trail.append_all(connection, [*ending.before, ended])


def owes_wrap_up(connection: Connection, staff_id: str, besides: str | None = None) -> bool:
    """Return whether they had a live chat and have not said what came of it.

    `besides`: a conversation in which one does not count that ended because they were silent or
    away.
    """
    of = live_chats.c
    query = sa.select(of.id).where(of.owner == staff_id, UNWRAPPED)
    if besides is not None:
        goes_on = (of.conversation_id == besides) & of.ended_why.in_(_BROKEN_OFF)
        query = query.where(~goes_on)
    return connection.execute(query.limit(1)).first() is not None


def taken(connection: Connection, staff_id: str) -> int:
    """Return how many live chats they have, with those that they offer."""
    query = sa.select(sa.func.count()).where(live_chats.c.owner == staff_id, RUNS)
    return int(connection.execute(query).scalar_one())


def room_of(connection: Connection, staff_id: str, at_once: int) -> int:
    """Return how many more live chats they can take."""
    if owes_wrap_up(connection, staff_id):
        return 0
    return max(0, at_once - taken(connection, staff_id))


def note_room(connection: Connection, staff_id: str, at_once: int) -> None:
    """Let the chat know how many more live chats they can take, where they are ready at all."""
    mine = live_readiness.c.staff_id == staff_id
    room = room_of(connection, staff_id, at_once)
    connection.execute(sa.update(live_readiness).where(mine).values(room=room))
