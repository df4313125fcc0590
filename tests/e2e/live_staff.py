"""A member of staff in a live chat, for browser tests of the chat: writes the rows as staff do."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from itsdangerous import URLSafeTimedSerializer
from playwright.sync_api import Page
from sqlalchemy.engine import Engine

from safeguarding.clock import utc_now
from safeguarding.live_chat import LiveChatEnd, LiveChatState
from staff.cases.tables import cases
from staff.cases.worker import CaseWorker
from storage import live_messages
from storage.live_chats import live_chats
from storage.live_messages import NewLiveMessage
from storage.replies import replies
from tests.e2e.running_widget import TOKEN_KEY, until
from tests.records import vault

NAME, ROLE = "Sam", "safeguarding adviser"
_KEYS = itertools.count(1)


def conversation_of(token: str) -> str:
    """Return the id of the conversation of a token."""
    claims: dict[str, str] = URLSafeTimedSerializer(
        TOKEN_KEY, salt="lantern.conversation.v1"
    ).loads(token)
    return claims["c"]


def token_of(page: Page) -> str:
    """Return the token that a page keeps for a reload."""
    token: str = page.evaluate("JSON.parse(sessionStorage.lantern).token")
    return token


class Sam:
    """A member of staff in one conversation that was handed over."""

    def __init__(self, engine: Engine, staff_id: str, conversation_id: str) -> None:
        self._engine = engine
        self._staff_id = staff_id
        self.conversation_id = conversation_id
        self.chat = str(uuid4())
        until(self._has_case)

    def offer(self) -> None:
        """Offer to join."""
        self._begin(LiveChatState.OFFERED)

    def open(self) -> None:
        """Have the chat, after the young person's yes or at once."""
        now = utc_now()
        if not self._change(state=LiveChatState.OPEN.value, opened_at=now, spoke_at=now):
            self._begin(LiveChatState.OPEN, opened_at=now, spoke_at=now)

    def say(self, text: str) -> None:
        """Write to the young person."""
        key, now = f"key {next(_KEYS)}", utc_now()
        new = NewLiveMessage(key, self.conversation_id, self.chat, NAME, text, now)
        with self._engine.begin() as connection:
            mine = live_chats.c.id == self.chat
            changed = {"spoke_at": now, "typing_until": None}
            connection.execute(sa.update(live_chats).where(mine).values(**changed))
            assert live_messages.add(connection, vault(), new)

    def types(self, seconds: float) -> None:
        """Be typing for so many seconds."""
        assert self._change(typing_until=utc_now() + timedelta(seconds=seconds))

    def end(self, why: LiveChatEnd = LiveChatEnd.FINISHED) -> None:
        """End the chat."""
        ended = {"state": LiveChatState.ENDED.value, "ended_at": utc_now(), "ended_why": why.value}
        assert self._change(**ended)

    def unseen(self) -> int:
        """Return how many of the messages have not been shown yet, as far as staff know."""
        mine = replies.c.conversation_id == self.conversation_id
        waiting = sa.select(sa.func.count()).where(mine, replies.c.delivered_at.is_(None))
        with self._engine.connect() as connection:
            return int(connection.execute(waiting).scalar_one())

    def _has_case(self) -> bool:
        """Take what was handed over into a case; return whether there is one."""
        CaseWorker(self._engine, vault()).work_off()
        query = sa.select(cases.c.id).where(cases.c.id == self.conversation_id)
        with self._engine.connect() as connection:
            return connection.execute(query).first() is not None

    def _begin(self, state: LiveChatState, **more: Any) -> None:
        now = utc_now()
        row = {
            "id": self.chat,
            "conversation_id": self.conversation_id,
            "case_id": self.conversation_id,
            "state": state.value,
            "term": 1,
            "owner": self._staff_id,
            "shown_name": NAME,
            "shown_role": ROLE,
            "begun_at": now,
            "present_until": now + timedelta(hours=1),
        }
        with self._engine.begin() as connection:
            connection.execute(sa.insert(live_chats).values(**row | more))

    def _change(self, **values: Any) -> bool:
        mine = live_chats.c.id == self.chat
        with self._engine.begin() as connection:
            return bool(
                connection.execute(sa.update(live_chats).where(mine).values(**values)).rowcount
            )
