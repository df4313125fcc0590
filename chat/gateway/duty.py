"""Says on a help card when staff read the message, as far as the rota tells.

The rota is read in the background in rounds, so that no answer waits for the database. With a rota
that was read too long ago the card keeps its own words, which promise nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import ClassVar, TypeAlias

import msgspec
import structlog
from sqlalchemy.engine import Engine

from chat.gateway.recorder import BoundedPool, repeat
from safeguarding.clock import LONDON
from safeguarding.content.reader import Content
from safeguarding.messages import Message
from storage.duty import Watch, watches
from storage.engine import READING

EVERY_S = 30.0
READ_WITHIN_S = 5.0
HOLDS = timedelta(minutes=5)
"""How long a rota that was read is used."""
AHEAD = timedelta(days=14)
"""How far ahead the rota is read."""
_NOON = 12
_MIDNIGHT = "midnight"
log = structlog.get_logger("gateway.duty")

ReadRota: TypeAlias = Callable[[datetime, datetime], Sequence[Watch]]
"""Returns the watches between two moments, the earliest first. It may raise anything, and hang."""


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
    """The rota of the coming days, and its words on help cards."""

    def __init__(self, read: ReadRota, content: Content, now: Callable[[], datetime]) -> None:
        self._read = read
        ending = content.help_cards.ending
        self._endings = {reader: ending(reader) for reader in ("young_person", "adult")}
        """The usual last words of help cards, which the words of the rota replace."""
        self._phrases = content.phrases.of("duty", DutyPhrases)
        self._now = now
        self._lane = BoundedPool("rota", threads=1, room=1)
        self._watches: tuple[Watch, ...] = ()
        self._read_at: datetime | None = None

    async def read_forever(self) -> None:
        """Read the rota in rounds."""
        await repeat(self.read_once, EVERY_S)

    async def read_once(self) -> None:
        """Read the rota, or keep the last one if that fails."""
        at = self._now()
        try:
            found = await self._lane.run(READ_WITHIN_S, self._read, at, at + AHEAD)
        except Exception as error:  # noqa: BLE001 - the next round tries again
            log.warning("rota.not_read", error=type(error).__name__)
            return
        self._watches, self._read_at = tuple(found), at

    def with_rota(
        self, shown: list[Message], area: str | None = None, *, again: bool = False
    ) -> list[Message]:
        """Replace the usual ending of each help card with the words of the rota for this area.

        Only the watches of staff who may see the cases of the area count. A conversation that has
        had a card (`again`) has read them: the ending is left out.
        """
        said = {reader: "" if again else self._words(reader, area) for reader in self._endings}
        return [self._with_words(message, said) for message in shown]

    def is_on_duty(self, area: str | None) -> bool:
        """Return whether a person who may see the cases of an area is on duty now.

        False where the rota was not read lately.
        """
        now = self._now()
        known = self._read_at is not None and timedelta(0) <= now - self._read_at <= HOLDS
        mine = (each for each in self._watches if each.covers(area))
        return known and any(each.starts_at <= now < each.ends_at for each in mine)

    def close(self) -> None:
        """Stop the thread that reads the rota."""
        self._lane.close()

    def _with_words(self, message: Message, said: dict[str, str | None]) -> Message:
        if message["kind"] != "help_card":
            return message
        for reader, words in said.items():
            ending = self._endings[reader]
            if words is not None and message["text"].endswith(ending):
                text = message["text"].removesuffix(ending) + words
                return {**message, "text": text.rstrip()}
        return message

    def _words(self, reader: str, area: str | None) -> str | None:
        """Return the words of the rota for this reader now, or None if it promises nothing."""
        now = self._now()
        if self._read_at is None or not timedelta(0) <= now - self._read_at <= HOLDS:
            return None
        mine = (each for each in self._watches if each.covers(area))
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
            # People read "midnight tomorrow" as the end of that day.
            there -= timedelta(minutes=1)
        days = (there.date() - here.date()).days
        facts = {"time": clock, "day": f"{there:%A}", "date": f"{there.day} {there:%B}"}
        say = self._phrases
        near = {0: say.today, 1: say.tomorrow}.get(days)
        phrase = near or (say.this_week if days < 7 else say.later)  # noqa: PLR2004 - a week
        return phrase.format(**facts)


def _clock(there: datetime) -> str:
    """Return a time such as "9am", "9.30am", "midday" or "midnight"."""
    minutes = f".{there:%M}" if there.minute else ""
    half = "am" if there.hour < _NOON else "pm"
    clock = f"{there.hour % _NOON or _NOON}{minutes}{half}"
    return {"12am": _MIDNIGHT, "12pm": "midday"}.get(clock, clock)


def read_rota(database: Engine, start: datetime, end: datetime) -> Sequence[Watch]:
    """Read the watches between two moments from the database."""
    with database.connect().execution_options(**READING) as connection:
        return watches(connection, start, end)
