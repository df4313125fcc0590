"""What the owner of a live chat writes, that they are there and type, and whispers to them."""

from __future__ import annotations

import uuid
from typing import Any

import sqlalchemy as sa

from safeguarding.live_chat import LEASE, TYPING, LiveChatState
from staff.alerts.outbox import acknowledge
from staff.audit import trail
from staff.audit.trail import Event
from staff.cases.case import MESSAGE, WHISPER, CaseEvent
from staff.cases.tables import live_messages
from staff.live.acts import LiveAct, LiveActs, row_of, words_in
from staff.live.chats import RUNS, StaleTermError
from storage.live_chats import live_chats
from storage.live_messages import NewLiveMessage, add

_HELD = (LiveChatState.OFFERED.value, LiveChatState.OPEN.value)


class Saying(LiveActs):
    """Writes in live chats."""

    def say(self, chat_id: str, text: str, *, by: str, term: int, key: str) -> str:
        """Write to the young person; return the id of the message.

        `key` is made by the page: sent again with the same key, it is the same message. Once this
        returns it is on a disk, sealed in the case and on its way. Raises StaleTermError,
        WordsMissingError; ValueError over LONGEST_WORDS, and for a key that is empty or too long.
        """
        words, row = words_in(text), row_of(chat_id, key)
        with self._act(chat_id, by) as act:
            if _is_known(act, row):
                # The page did not get the answer, and the chat may have ended meanwhile.
                return row
            chat = act.chat
            if (chat.owner, chat.term, chat.state) != (by, term, LiveChatState.OPEN):
                raise StaleTermError(chat.holder)
            trail.append(act.connection, write(act, words, row))
        return row

    def beat(self, chat_id: str, *, by: str, term: int) -> None:
        """Note that the owner's page is open. Raises StaleTermError."""
        self._touch(chat_id, by, term)

    def typing(self, chat_id: str, *, by: str, term: int) -> None:
        """Note that the owner is typing. Raises StaleTermError."""
        self._touch(chat_id, by, term, typing_until=self._now() + TYPING)

    def whisper(self, chat_id: str, text: str, *, by: str, key: str | None = None) -> str:
        """Write to the owner what the young person never sees; return its id.

        Raises CannotChatError unless `by` is a supervisor; otherwise as `say`.
        """
        words = words_in(text)
        row = str(uuid.uuid4()) if key is None else row_of(chat_id, f"whisper {key}")
        with self._supervised(chat_id, by) as act:
            if _is_known(act, row):
                return row
            if not act.chat.runs:
                raise StaleTermError(None)
            act.keep(WHISPER, words, row)
            act.record(CaseEvent.LIVE_WHISPERED, whisper=row)
        return row

    def uncovered(self, chat_id: str, *, by: str, session: str) -> None:
        """Record that a reader uncovered the words of the case, once in a session.

        Call it before `LiveRoom.transcript`. `session` is the digest that names the session on the
        audit trail, as in `Casework.revealed`. It ends the alerts of the case, as opening its page.
        """
        with self._act(chat_id, by) as act:
            case_id = act.case["id"]
            acknowledge(act.connection, case_id, by, act.at)
            row = trail.audit_events.c
            known = sa.select(row.detail).where(
                row.case_id == case_id, row.what == CaseEvent.REVEALED.value, row.who == by
            )
            details = act.connection.execute(known).scalars()
            if all(each.get("session") != session for each in details):
                what, detail = CaseEvent.REVEALED.value, {"session": session}
                trail.append(act.connection, Event(act.at, by, what, case_id, detail=detail))

    def _touch(self, chat_id: str, by: str, term: int, **columns: Any) -> None:
        of = live_chats.c
        mine = (of.id == chat_id) & (of.owner == by) & (of.term == term) & of.state.in_(_HELD)
        here = {"present_until": self._now() + LEASE, **columns}
        with self._engine.begin() as connection:
            touched = connection.execute(sa.update(live_chats).where(mine).values(**here))
            if not touched.rowcount:
                found = sa.select(of.owner).where(of.id == chat_id, RUNS)
                raise StaleTermError(connection.execute(found).scalar_one_or_none())


def write(act: LiveAct, words: str, row: str) -> Event:
    """Keep a message with its case, and send it on its way; return its event for the trail."""
    chat = act.chat
    act.keep(MESSAGE, words, row)
    name = chat.shown_name or ""
    message = NewLiveMessage(row, chat.conversation_id, chat.id, name, words, act.at)
    add(act.connection, act.vault, message)
    act.change(spoke_at=act.at, typing_until=None, present_until=act.at + LEASE)
    return act.event(CaseEvent.LIVE_SAID, message=row)


def _is_known(act: LiveAct, row: str) -> bool:
    of = live_messages.c
    known = sa.select(of.id).where(of.id == row, of.chat_id == act.chat.id, of.by == act.by)
    return act.connection.execute(known).first() is not None
