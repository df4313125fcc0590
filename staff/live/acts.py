"""What every act of staff on a live chat shares: one transaction, its locks, checks and events."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, RowMapping

from safeguarding.clock import utc_now
from safeguarding.live_chat import LEASE, LONGEST_WORDS, LiveChatEnd, LiveChatState
from staff.accounts.permissions import Permission, Role
from staff.audit import trail
from staff.audit.trail import Event
from staff.cases.case import CaseEvent
from staff.cases.casework import WordsMissingError
from staff.cases.tables import live_messages, make_key
from staff.live.chats import (
    ChatEnding,
    HeldChat,
    StaleTermError,
    change,
    end_chat,
    event,
    locked_chat,
    note_room,
)
from staff.live.takers import Taker, check_right, taker
from storage.vault import Vault

LONGEST_KEY = 200
"""Characters of a key that a page gives to a message."""


@dataclass(frozen=True)
class LiveAct:
    """One act of a member of staff on a locked live chat. `vault` is that of the installation."""

    connection: Connection
    vault: Vault
    chat: HeldChat
    own: RowMapping
    """The case that the conversation opened."""
    case: RowMapping
    """The case that staff see."""
    who: Taker
    at: datetime
    at_once: int

    @property
    def by(self) -> str:
        """Id of the member of staff."""
        return self.who.member.id

    def change(self, **columns: Any) -> None:
        """Write these columns of the live chat."""
        change(self.connection, self.chat, **columns)

    def give_to(self, who: Taker) -> int:
        """Make this person the owner in the next term; return the term."""
        term = self.chat.term + 1
        self.change(
            state=LiveChatState.OPEN.value,
            term=term,
            owner=who.member.id,
            shown_name=who.name,
            shown_role=who.role,
            transfer_to=None,
            opened_at=self.chat.opened_at or self.at,
            present_until=self.at + LEASE,
            typing_until=None,
            spoke_at=self.at,
        )
        return term

    def keep(self, kind: str, words: str, row: str) -> None:
        """Keep words sealed with the key of the case that the conversation opened."""
        vault = make_key(self.connection, self.vault, self.chat.case_id)
        sealed = vault.seal(words, table=live_messages.name, row=row, column="text")
        values = {"id": row, "case_id": self.chat.case_id, "at": self.at, "by": self.by}
        added = sa.insert(live_messages).values(
            **values, chat_id=self.chat.id, kind=kind, text=sealed
        )
        self.connection.execute(added)

    def end(self, why: LiveChatEnd, *before: Event, **detail: Any) -> None:
        """End the live chat; `before` are events of the act that come first."""
        ending = ChatEnding(why, self.by, self.at, at_once=self.at_once, before=before)
        end_chat(self.connection, self.chat, ending, **detail)

    def event(self, what: CaseEvent, **detail: Any) -> Event:
        """Return an event of the act."""
        return event(self.chat, self.at, self.by, what, **detail)

    def record(self, what: CaseEvent, **detail: Any) -> None:
        """Append the event of the act to the audit trail."""
        trail.append(self.connection, self.event(what, **detail))


class LiveActs:
    """Base of the classes that act on live chats. Thread-safe."""

    def __init__(
        self,
        engine: Engine,
        vault: Vault,
        roles: Mapping[Role, str],
        at_once: int,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        """Take an engine of `storage.engine.connect` on a migrated database.

        `roles` says what a young person reads of the work of someone who has not written their
        own words for it, and `at_once` how many live chats one person may have.
        """
        self._engine = engine
        self._vault = vault
        self._roles = dict(roles)
        self._at_once = at_once
        self._now = now

    @contextmanager
    def _act(self, chat_id: str, by: str) -> Iterator[LiveAct]:
        """Lock a person, and a live chat that they may see, for one act."""
        with self._engine.begin() as connection:
            who = taker(connection, by, self._roles)
            found = locked_chat(connection, chat_id)
            who.check_sees(found.case["area"])
            facts = (found.chat, found.own, found.case, who, self._now(), self._at_once)
            yield LiveAct(connection, self._vault, *facts)

    @contextmanager
    def _own(self, chat_id: str, by: str, term: int, *states: LiveChatState) -> Iterator[LiveAct]:
        """Do the same for the owner in this term. Raises StaleTermError where they are not."""
        with self._act(chat_id, by) as act:
            check_right(act.who)
            if (act.chat.owner, act.chat.term) != (by, term) or act.chat.state not in states:
                raise StaleTermError(act.chat.holder)
            yield act

    @contextmanager
    def _supervised(self, chat_id: str, by: str) -> Iterator[LiveAct]:
        """Do the same for a supervisor."""
        with self._act(chat_id, by) as act:
            check_right(act.who, Permission.SUPERVISE_CHATS)
            yield act

    def _note_room(self, connection: Connection, *staff_ids: str | None) -> None:
        # In one order, so that two acts at once do not wait for each other.
        for staff_id in sorted(filter(None, staff_ids)):
            note_room(connection, staff_id, self._at_once)


def words_in(text: str) -> str:
    """Return words without space around them.

    Raises WordsMissingError, and ValueError over LONGEST_WORDS.
    """
    words = text.replace("\r\n", "\n").strip()
    if not words:
        raise WordsMissingError
    if len(words) > LONGEST_WORDS:
        raise ValueError("a message is too long")
    return words


def row_of(chat_id: str, key: str) -> str:
    """Return the id of the message to which a page gave this key. Raises ValueError."""
    if not key or len(key) > LONGEST_KEY:
        raise ValueError("a message needs a key")
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{len(chat_id)} {chat_id} {key}"))
