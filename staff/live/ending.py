"""Ends live chats that ended long ago, although no gateway told: the dispatcher looks regularly.

A gateway that runs tells by itself when an offer was not answered, when nobody came, and when the
person went away. This is for the rest: a gateway that was killed, a browser that was closed.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from safeguarding.clock import utc_now
from safeguarding.live_chat import ANSWER_WITHIN, JOIN_WITHIN, LiveChatEnd, LiveChatState
from staff.alerts.plan import DISPATCHER
from staff.live.chats import RUNS, ChatEnding, HeldChat, chats, end_chat, locked_chat
from staff.loops import Beats, Loop
from storage.engine import READING
from storage.live_chats import live_readiness

GRACE = timedelta(seconds=60)
"""How much later than the gateway this ends a live chat: the gateway tells the young person."""
NOT_READY_AFTER = timedelta(minutes=10)
"""How long a readiness that was not renewed is kept: a page that comes back renews it."""


EVERY_S = 5.0
"""How often the dispatcher looks, in seconds."""


class LiveChatLoop(Loop):
    """The thread of the dispatcher that ends stale live chats. Several may run."""

    def __init__(self, engine: Engine, beats: Beats) -> None:
        super().__init__("live chats", beats, EVERY_S)
        self._engine = engine

    def once(self) -> int:
        """End those that are stale; return how many there were."""
        forget_lapsed(self._engine, utc_now())
        return end_stale(self._engine, utc_now())


def stale_end(chat: HeldChat, at: datetime, grace: timedelta = timedelta(0)) -> LiveChatEnd | None:
    """Return why a live chat should have ended by now; None where it goes on."""
    if chat.state is LiveChatState.ASKED and at >= chat.begun_at + JOIN_WITHIN + grace:
        return LiveChatEnd.NOBODY_CAME
    if chat.state is LiveChatState.OFFERED and at >= chat.begun_at + ANSWER_WITHIN + grace:
        return LiveChatEnd.NOT_ANSWERED
    if chat.state is LiveChatState.OPEN and not chat.is_present(at - grace):
        return LiveChatEnd.AWAY
    return None


def forget_lapsed(engine: Engine, at: datetime) -> None:
    """Forget who has not renewed for long that they are ready to chat. Raises SQLAlchemyError."""
    late = live_readiness.c.ready_until <= at - NOT_READY_AFTER
    with engine.connect().execution_options(**READING) as connection:
        lapsed = connection.execute(sa.select(live_readiness.c.staff_id).where(late)).first()
    if lapsed is not None:
        with engine.begin() as connection:
            connection.execute(sa.delete(live_readiness).where(late))


def end_stale(
    engine: Engine,
    at: datetime,
    which: sa.ColumnElement[bool] | None = None,
    grace: timedelta = GRACE,
) -> int:
    """End the live chats that are stale, each in a transaction; return how many there were.

    `which` is a condition that narrows them. Raises SQLAlchemyError.
    """
    running = RUNS if which is None else RUNS & which
    with engine.connect().execution_options(**READING) as connection:
        stale = [each.id for each in chats(connection, running) if stale_end(each, at, grace)]
    ended = 0
    for chat_id in stale:
        with engine.begin() as connection:
            chat = locked_chat(connection, chat_id).chat
            # Its owner may have come back, or a gateway told, until it was locked.
            why = stale_end(chat, at, grace)
            if why is not None:
                end_chat(connection, chat, ChatEnding(why, DISPATCHER, at))
                ended += 1
    return ended
