"""Tells administrators by email, once, that an address refuses alerts."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
import structlog
from sqlalchemy.engine import Connection, Engine

from safeguarding.clock import utc_now
from safeguarding.taxonomy import Severity
from staff.accounts.permissions import Role
from staff.accounts.tables import staff
from staff.alerts.channels.channel import Channel
from staff.alerts.formatter import Notice
from staff.alerts.outbox import Alert
from staff.alerts.queue import Delivery, NotSentError
from staff.loops import Beats, Loop
from staff.rota import refusals
from staff.rota.refusal_wording import RefusedWayPhrases
from staff.rota.refusals import RefusedWay
from staff.rota.rota import EMAIL, TEAM, contact_preferences
from storage.engine import READING

EVERY_S = 5.0
log = structlog.get_logger("dispatcher")


class RefusalNotices(Loop):
    """Sends one email about refused ways that are still untold, again until it is accepted."""

    def __init__(
        self,
        engine: Engine,
        channel: Channel,
        phrases: RefusedWayPhrases,
        console_url: str,
        beats: Beats,
        *,
        has_team_mailbox: bool,
    ) -> None:
        """`channel` sends email, and is used by no other thread."""
        super().__init__("refusals", beats, EVERY_S)
        self._engine = engine
        self._reading = engine.execution_options(**READING)
        self._channel = channel
        self._say = phrases
        self._link = f"{console_url.rstrip('/')}/rota"
        self._has_team_mailbox = has_team_mailbox

    def once(self) -> int:
        """Tell of the ways that became refused; return how many were told of."""
        with self._engine.begin() as connection:
            ways = refusals.take_untold(connection, utc_now())
        if not ways:
            return 0
        with self._reading.connect() as connection:
            recipients = administrators(connection, has_team_mailbox=self._has_team_mailbox)
        notice = self._notice(ways)
        # The same number for every attempt, so that a mailbox can recognise a second copy.
        number = int(ways[0].since.timestamp() * 1000)
        if sum(self._is_sent(number, to, address, notice) for to, address in recipients) == 0:
            log.critical("refusal.told_nobody", ways=len(ways))
            return 0
        with self._engine.begin() as connection:
            for way in ways:
                refusals.mark_told(connection, way, utc_now())
        log.warning("refusal.told", ways=len(ways))
        return len(ways)

    def _notice(self, ways: Sequence[RefusedWay]) -> Notice:
        say = self._say
        return Notice(
            subject=say.subject,
            lines=(say.why, "", *say.lines(ways), "", say.what_happens, say.what_to_do),
            link=self._link,
            open_line=say.open_line.format(link=self._link),
            open_button=say.open_button,
            text=say.subject,
            last_lines=(say.told_once,),
        )

    def _is_sent(self, number: int, to: str, address: str | None, notice: Notice) -> bool:
        about = Alert("", "", Severity.CONCERN, "", "", utc_now(), "new")
        message = Delivery(number, about, to, address, None, attempts=1, claimed_by=self.name)
        try:
            self._channel.send(message, notice)
        except NotSentError as error:
            log.warning("refusal.not_told", error=error.kind)
            return False
        self._beats.beat(self.name)
        return True


def administrators(
    connection: Connection, *, has_team_mailbox: bool
) -> list[tuple[str, str | None]]:
    """Return whom to tell of what only an administrator can repair, with their addresses.

    These are the team and the administrators in use, without an address that refuses mail.
    """
    in_use = (staff.c.role == Role.ADMINISTRATOR.value) & staff.c.disabled_at.is_(None)
    ids = connection.execute(sa.select(staff.c.id).where(in_use)).scalars().all()
    found = contact_preferences(connection, ids).items()
    wanted = {staff_id: each.email for staff_id, each in found if each.email}
    team: dict[str, str | None] = {TEAM: None} if has_team_mailbox else {}
    refused = {way.recipient for way in refusals.refused(connection) if way.channel == EMAIL}
    return [(to, address) for to, address in (team | wanted).items() if to not in refused]
