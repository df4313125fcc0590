"""Says why a member of staff cannot have one more live chat now, so that a list can say it once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.engine import Engine

from safeguarding.clock import utc_now
from staff.live.chats import CannotChatError, WhyNot
from staff.live.takers import check_free, taker
from storage.engine import READING


class MayChat:
    """Reads what the desk checks again when they join. Thread-safe. Raises SQLAlchemyError."""

    def __init__(self, engine: Engine, at_once: int, now: Callable[[], datetime] = utc_now) -> None:
        """Take an engine on a migrated database; `at_once` is how many chats one may have."""
        self._reading = engine.execution_options(**READING)
        self._at_once = at_once
        self._now = now

    def why_not(self, staff_id: str, conversation: str | None = None) -> WhyNot | None:
        """Return what keeps them from a chat, or from one in this conversation; None: nothing.

        Raises UnknownStaffError.
        """
        with self._reading.connect() as connection:
            who = taker(connection, staff_id, {}, lock=False)
            try:
                check_free(connection, who, self._now(), self._at_once, conversation)
            except CannotChatError as error:
                return error.reason
        return None
