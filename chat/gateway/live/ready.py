"""Who could take a live chat now: read every few seconds, so that no answer waits for it.

A person is offered only while they are ready, and while the rota says that staff are on duty.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import structlog

from chat.gateway.duty import Duty
from chat.gateway.recorder import BoundedPool, repeat
from storage.live_chats import LiveChats, ReadyPerson

EVERY_S = 5.0
READ_WITHIN_S = 3.0
log = structlog.get_logger("gateway.live")


class Readiness:
    """The members of staff who are ready to chat, as read last."""

    def __init__(self, chats: LiveChats, duty: Duty, now: Callable[[], datetime]) -> None:
        self._chats = chats
        self._duty = duty
        self._now = now
        self._lane = BoundedPool("live-ready", threads=1, room=1)
        self._people: Sequence[ReadyPerson] = ()
        self._is_away = False

    async def read_forever(self) -> None:
        """Read who is ready, in rounds."""
        await repeat(self.read_once, EVERY_S)

    async def read_once(self) -> None:
        """Read who is ready; if that fails, what was read last holds until its leases end."""
        try:
            self._people = await self._lane.run(READ_WITHIN_S, self._chats.ready, self._now())
        except Exception as error:  # noqa: BLE001 - the next round tries again
            if not self._is_away:
                log.warning("live.readiness_not_read", error=type(error).__name__)
            self._is_away = True
        else:
            self._is_away = False

    def has(self, area: str | None) -> bool:
        """Return whether a person could take a conversation of this area now."""
        now = self._now()
        ready = any(person.takes(area, now) for person in self._people)
        return ready and self._duty.is_on_duty(area)

    def close(self) -> None:
        """Stop the thread. Called when the server stops."""
        self._lane.close()
