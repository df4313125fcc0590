"""Tells staff by email, each working morning, which of their tasks are overdue."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import ClassVar

import msgspec
import structlog
from sqlalchemy.engine import Connection, Engine

from safeguarding.clock import LONDON, is_day_off, utc_now
from safeguarding.taxonomy import Severity
from staff.alerts.channels.channel import Channel
from staff.alerts.formatter import Notice
from staff.alerts.outbox import Alert
from staff.alerts.plan import DISPATCHER
from staff.alerts.queue import Delivery, NotSentError
from staff.audit import trail
from staff.audit.trail import Event
from staff.cases.case import CaseEvent
from staff.cases.tasks import OpenTask, claim_telling, give_back_telling, overdue_untold
from staff.loops import Beats, Loop
from staff.rota.rota import (
    TEAM,
    case_readers,
    contact_preferences,
    covers,
    on_duty,
    those_who_may_see,
)
from storage.engine import READING

EVERY_S = 60.0
TOLD_FROM = time(9)
"""The hour, London time, from which staff are told on a working day."""
BATCH = 100
"""Tasks of one round."""
_SOON = timedelta(minutes=1)
log = structlog.get_logger("dispatcher")


class TaskNoticePhrases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The phrases of content/phrases/task_notices.yml."""

    FIELDS: ClassVar[dict[str, tuple[str, ...]]] = {
        "subject": ("number",),
        "line": ("reference", "day"),
        "open_line": ("link",),
    }

    subject_one: str
    subject: str
    why: str
    line: str
    stand_in: str
    again: str
    open_line: str
    open_button: str


@dataclass(frozen=True)
class TaskTelling:
    """The tasks of one round, and who was told of each so far."""

    tasks: Sequence[OpenTask]
    told: dict[str, list[str]]
    """The ids of staff by the id of the task."""
    at: datetime


class TaskNotices(Loop):
    """Sends one email a person and day about the tasks that are overdue.

    It goes to the owner of a task and, while the rota says that they are off duty, to the colleague
    who covers for them. Where neither is reached it goes to the staff on duty, and else to the
    team's mailbox. Nothing of a task's words leaves the console.
    """

    def __init__(
        self,
        engine: Engine,
        channel: Channel,
        phrases: TaskNoticePhrases,
        console_url: str,
        beats: Beats,
        *,
        has_team_mailbox: bool,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        """`channel` sends email, and is used by no other thread."""
        super().__init__("tasks", beats, EVERY_S)
        self._engine = engine
        self._reading = engine.execution_options(**READING)
        self._channel = channel
        self._say = phrases
        self._link = f"{console_url.rstrip('/')}/tasks"
        self._has_team_mailbox = has_team_mailbox
        self._now = now
        self._unrecorded: TaskTelling | None = None
        """A round in which the database went away: it is put on record when that is back."""

    def once(self) -> int:
        """Tell of the tasks that are overdue and untold today; return how many were told of.

        Raises SQLAlchemyError when the database is away; the next round goes on from there.
        """
        self._record()
        now = self._now()
        local = now.astimezone(LONDON)
        if local.time() < TOLD_FROM or is_day_off(local.date()):
            return 0
        with self._reading.connect() as connection:
            due = overdue_untold(connection, local.date(), BATCH)
        with self._engine.begin() as connection:
            claimed = [each for each in due if claim_telling(connection, each, local.date())]
        if not claimed:
            return 0
        telling = TaskTelling(claimed, {each.id: [] for each in claimed}, now)
        self._unrecorded = telling
        self._tell(claimed, self._first(claimed, now), telling.told)
        left = [each for each in claimed if not telling.told[each.id]]
        if left:
            self._tell(left, self._instead(left, now), telling.told)
        if untold := [each for each in left if not telling.told[each.id]]:
            log.critical("task.told_nobody", tasks=len(untold))
        self._record()
        return sum(bool(ids) for ids in telling.told.values())

    def _first(self, tasks: Sequence[OpenTask], now: datetime) -> dict[str, list[str]]:
        """Return whom to tell of each task: its owner, and who covers for them now."""
        owners = {each.owner for each in tasks if each.owner is not None}
        with self._reading.connect() as connection:
            stand_ins: dict[str, list[str]] = {}
            for shift in covers(connection, owners, now, now + _SOON):
                stand_ins.setdefault(str(shift.cover_for), []).append(shift.staff_id)
            return {
                each.id: _readers(connection, [each.owner, *stand_ins.get(each.owner, [])], each)
                for each in tasks
                if each.owner is not None
            }

    def _instead(self, tasks: Sequence[OpenTask], now: datetime) -> dict[str, list[str]]:
        """Return whom to tell where the first were not reached: staff on duty, and the team."""
        team = [TEAM] if self._has_team_mailbox else []
        with self._reading.connect() as connection:
            present = on_duty(connection, now)
            return {each.id: [*_readers(connection, present, each), *team] for each in tasks}

    def _tell(
        self,
        tasks: Sequence[OpenTask],
        wanted: Mapping[str, Collection[str]],
        told: dict[str, list[str]],
    ) -> None:
        """Send each person one message about all their tasks; note in `told` whom it reached."""
        people = dict.fromkeys(each for ids in wanted.values() for each in ids)
        with self._reading.connect() as connection:
            found = contact_preferences(connection, people).items()
        addresses: dict[str, str | None] = {name: each.email for name, each in found if each.email}
        addresses |= {TEAM: None} if TEAM in people else {}
        for person in (each for each in people if each in addresses):
            theirs = [each for each in tasks if person in wanted.get(each.id, ())]
            if self._is_sent(person, addresses[person], self._notice(theirs, person)):
                for each in theirs:
                    told[each.id].append(person)

    def _notice(self, tasks: Sequence[OpenTask], person: str) -> Notice:
        say = self._say
        lines = [
            say.line.format(reference=each.case.reference, day=_day(each.due_on)) for each in tasks
        ]
        own = all(each.owner == person for each in tasks)
        one = len(tasks) == 1
        subject = say.subject_one if one else say.subject.format(number=len(tasks))
        return Notice(
            subject=subject,
            lines=(say.why if own else say.stand_in, "", *lines),
            link=self._link,
            open_line=say.open_line.format(link=self._link),
            open_button=say.open_button,
            text=subject,
            last_lines=(say.again,),
        )

    def _is_sent(self, to: str, address: str | None, notice: Notice) -> bool:
        number = int(self._now().timestamp() * 1000)
        about = Alert("", "", Severity.CONCERN, "", "", self._now(), "new")
        message = Delivery(number, about, to, address, None, attempts=1, claimed_by=self.name)
        try:
            self._channel.send(message, notice)
        except NotSentError as error:
            log.warning("task.not_told", error=error.kind)
            return False
        self._beats.beat(self.name)
        return True

    def _record(self) -> None:
        """Put on record who was told, and let the other tasks be told of again today."""
        if self._unrecorded is None:
            return
        with self._engine.begin() as connection:
            self._record_telling(connection, self._unrecorded)
        self._unrecorded = None

    def _record_telling(self, connection: Connection, telling: TaskTelling) -> None:
        tasks, told = telling.tasks, telling.told
        for task in (each for each in tasks if not told[each.id]):
            give_back_telling(connection, task)
        what = CaseEvent.ACTION_OVERDUE.value
        trail.append_all(
            connection,
            [
                Event(
                    telling.at,
                    DISPATCHER,
                    what,
                    each.own_case_id,
                    detail={"action": each.id, "told": told[each.id]},
                )
                for each in tasks
                if told[each.id]
            ],
        )


def _readers(
    connection: Connection, staff_ids: Collection[str | None], task: OpenTask
) -> list[str]:
    """Return those of these staff who are in use and may read the case of a task."""
    known = set(case_readers(connection))
    in_use = [each for each in staff_ids if each is not None and each in known]
    return those_who_may_see(connection, in_use, task.case.area)


def _day(due: date | None) -> str:
    return f"{due:%-d %B %Y}" if due else ""
