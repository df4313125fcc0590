"""Says on a help card when somebody reads what was told: what the rota says, and nothing more.

The rota is read in the background, again and again, and kept: no answer ever waits for the
database. A rota that was read long ago promises nothing, and the card keeps its own words.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import ClassVar, TypeAlias

import msgspec
import structlog

from chat.gateway.bounded_pool import BoundedPool
from safeguarding.clock import LONDON
from safeguarding.messages import Message
from staff.rota.recipients import may_see
from staff.rota.rota import Watch

EVERY_S = 30.0
READ_WITHIN_S = 5.0
HOLDS = timedelta(minutes=5)
"""How long a rota that was read may be believed."""
AHEAD = timedelta(days=14)
"""How far ahead the rota is read."""
_NOON = 12
_MIDNIGHT = "midnight"
log = structlog.get_logger("gateway.duty")

ReadRota: TypeAlias = Callable[[datetime, datetime], Sequence[Watch]]
"""When between two moments somebody is on duty who can be told, the earliest first. May raise
anything, and may hang: staff.rota.rota.watches."""


class DutyPhrases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The phrases of content/phrases/duty.yml."""

    FIELDS: ClassVar[dict[str, tuple[str, ...]]] = {
        "nobody_young_person": ("when",),
        "nobody_adult": ("when",),
        "today": ("time",),
        "tomorrow": ("time",),
        "this_week": ("day", "time"),
        "later": ("day", "date", "time"),
    }

    on_duty_young_person: str
    on_duty_adult: str
    nobody_young_person: str
    nobody_adult: str
    today: str
    tomorrow: str
    this_week: str
    later: str


class Duty:
    """Knows the rota of the coming days."""

    def __init__(
        self,
        read: ReadRota,
        endings: Callable[[str], str],
        phrases: DutyPhrases,
        now: Callable[[], datetime],
    ) -> None:
        """`endings` gives the last words of the help cards for "young_person" and for "adult"."""
        self._read = read
        self._endings = {reader: endings(reader) for reader in ("young_person", "adult")}
        self._phrases = phrases
        self._now = now
        self._lane = BoundedPool("rota", threads=1, room=1)
        self._watches: tuple[Watch, ...] = ()
        self._read_at: datetime | None = None

    async def read_forever(self, every_s: float = EVERY_S) -> None:
        """Read the rota, again and again. What fails is tried in the next round."""
        while True:
            await self.read_once()
            await asyncio.sleep(every_s)

    async def read_once(self) -> None:
        """Read the rota; keep the one that is known when it cannot be read."""
        at = self._now()
        try:
            watches = await self._lane.run(READ_WITHIN_S, self._read, at, at + AHEAD)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next round tries again
            log.warning("rota.not_read", error=type(error).__name__)
            return
        self._watches, self._read_at = tuple(watches), at

    def honest(self, shown: list[Message], area: str | None = None) -> list[Message]:
        """The messages, with the rota's words at the end of each help card that has the usual.

        Whoever may not see this area is not told of it, and so counts for nothing.
        """
        said = {reader: self._words(reader, area) for reader in self._endings}
        return [self._with_words(message, said) for message in shown]

    def close(self) -> None:
        """Read no more."""
        self._lane.close()

    def _with_words(self, message: Message, said: dict[str, str | None]) -> Message:
        if message["kind"] != "help_card":
            return message
        for reader, words in said.items():
            ending = self._endings[reader]
            if words is not None and message["text"].endswith(ending):
                return {**message, "text": message["text"].removesuffix(ending) + words}
        return message

    def _words(self, reader: str, area: str | None) -> str | None:
        """What the rota says to this reader now; None when it says nothing that can be told."""
        now = self._now()
        if self._read_at is None or not timedelta(0) <= now - self._read_at <= HOLDS:
            return None
        mine = (each for each in self._watches if may_see(each.areas, area))
        coming = next((each for each in mine if each.ends_at > now), None)
        if coming is None:
            return None
        if coming.starts_at <= now:
            return str(getattr(self._phrases, f"on_duty_{reader}"))
        nobody = str(getattr(self._phrases, f"nobody_{reader}"))
        return nobody.format(when=self._when(coming.starts_at, now))

    def _when(self, at: datetime, now: datetime) -> str:
        there, here = at.astimezone(LONDON), now.astimezone(LONDON)
        clock = _clock(there)
        if clock == _MIDNIGHT:
            # "Midnight tomorrow" is read as the end of that day: so it is said.
            there -= timedelta(minutes=1)
        days = (there.date() - here.date()).days
        facts = {"time": clock, "day": f"{there:%A}", "date": f"{there.day} {there:%B}"}
        say = self._phrases
        near = {0: say.today, 1: say.tomorrow}.get(days)
        phrase = near or (say.this_week if days < 7 else say.later)  # noqa: PLR2004 - a week
        return phrase.format(**facts)


def _clock(there: datetime) -> str:
    """ "9am", "9.30am", "midday", "midnight"."""
    minutes = f".{there:%M}" if there.minute else ""
    half = "am" if there.hour < _NOON else "pm"
    clock = f"{there.hour % _NOON or _NOON}{minutes}{half}"
    return {"12am": _MIDNIGHT, "12pm": "midday"}.get(clock, clock)


def nobody_known(_start: datetime, _end: datetime) -> Sequence[Watch]:
    """A rota that says nothing."""
    return ()
