"""Tells administrators by email, once, that a system of records did not take an event."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import ClassVar

import msgspec
import structlog
from sqlalchemy.engine import Engine, RowMapping

from safeguarding.clock import LONDON, utc_now
from safeguarding.taxonomy import Severity
from staff.alerts.channels.channel import Channel
from staff.alerts.formatter import Notice
from staff.alerts.outbox import Alert
from staff.alerts.queue import Delivery, NotSentError
from staff.alerts.refusal_notices import administrators
from staff.loops import Beats, Loop
from staff.records import queue
from storage.engine import READING

EVERY_S = 60.0
LISTED = 20
"""Dead letters that one email names."""
log = structlog.get_logger("records")


class RecordPushPhrases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The phrases of content/phrases/record_push.yml."""

    FIELDS: ClassVar[dict[str, tuple[str, ...]]] = {
        "line": ("reference", "number", "time", "day"),
        "more": ("number",),
        "open_line": ("link",),
    }

    subject: str
    why: str
    line: str
    more: str
    what_happens: str
    what_to_do: str
    told_once: str
    open_line: str
    open_button: str


class RecordNotices(Loop):
    """Sends one email about the dead letters that are untold, again until it is accepted."""

    def __init__(
        self,
        engine: Engine,
        channel: Channel,
        phrases: RecordPushPhrases,
        console_url: str,
        beats: Beats,
        *,
        has_team_mailbox: bool,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        """`channel` sends email, and is used by no other thread."""
        super().__init__("record notices", beats, EVERY_S)
        self._engine = engine
        self._reading = engine.execution_options(**READING)
        self._channel = channel
        self._say = phrases
        self._link = f"{console_url.rstrip('/')}/cases"
        self._has_team_mailbox = has_team_mailbox
        self._now = now

    def once(self) -> int:
        """Tell of the dead letters that are untold; return how many were told of.

        If the dispatcher is killed before it is on record, they are told of again.
        """
        with self._reading.connect() as connection:
            dead = queue.dead_letters(connection, untold=True)
            to = administrators(connection, has_team_mailbox=self._has_team_mailbox) if dead else []
        if not dead:
            return 0
        notice = self._notice(dead)
        # The same number for every attempt, so that a mailbox can recognise a second copy.
        number = int(dead[0]["at"].timestamp() * 1000)
        if sum([self._is_sent(number, name, address, notice) for name, address in to]) == 0:
            log.critical("record.told_nobody", events=len(dead))
            return 0
        with self._engine.begin() as connection:
            queue.mark_told(connection, [each["number"] for each in dead], self._now())
        return len(dead)

    def _notice(self, dead: Sequence[RowMapping]) -> Notice:
        say = self._say
        lines = [self._line(each) for each in dead[:LISTED]]
        if len(dead) > LISTED:
            lines.append(say.more.format(number=len(dead) - LISTED))
        return Notice(
            subject=say.subject,
            lines=(say.why, "", *lines, "", say.what_happens, say.what_to_do),
            link=self._link,
            open_line=say.open_line.format(link=self._link),
            open_button=say.open_button,
            text=say.subject,
            last_lines=(say.told_once,),
        )

    def _line(self, dead: RowMapping) -> str:
        at = dead["at"].astimezone(LONDON)
        return self._say.line.format(
            reference=dead["reference"],
            number=dead["number"],
            time=f"{at:%H:%M}",
            day=f"{at:%-d %B}",
        )

    def _is_sent(self, number: int, to: str, address: str | None, notice: Notice) -> bool:
        about = Alert("", "", Severity.CONCERN, "", "", self._now(), "new")
        message = Delivery(number, about, to, address, None, attempts=1, claimed_by=self.name)
        try:
            self._channel.send(message, notice)
        except NotSentError as error:
            log.warning("record.not_told", error=error.kind)
            return False
        self._beats.beat(self.name)
        return True
