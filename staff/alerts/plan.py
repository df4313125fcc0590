"""The plan of an alert: whom it goes to, step by step, until a person acknowledges it.

On duty; the second on the rota; everyone; the duty manager; and then everyone again and again, at
growing intervals. Nobody on duty: everyone and the duty manager at once. A step that reaches nobody
outside the console is not waited for.

Each step goes to those alone who may see cases of the alert's area. When nobody can be reached who
may, it goes to everyone and the duty manager all the same, for a lost alert is worse than a wide
one; and that is on the record.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import IntEnum

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from safeguarding.clock import next_working_day
from safeguarding.taxonomy import Severity
from staff.alerts.reach import CONSOLE, EMAIL, TEAM, WEBHOOK, everyone, ways_of, who_may_see
from staff.alerts.tables import alerts, deliveries
from staff.audit.trail import Event, append_all
from staff.rota.rota import ShiftKind, on_duty

DISPATCHER = "dispatcher"
"""Who it was, in the audit trail."""
ALERTED, REACHED_NOBODY = "alerted", "alert reached nobody"
"""What was done, in the audit trail."""
_DAY_BEGINS = time(9)
_LONGEST_PAUSE = timedelta(days=1)


class AlertStep(IntEnum):
    """The steps in their order; AGAIN has no end."""

    ON_DUTY = 0
    SECOND = 1
    EVERYONE = 2
    DUTY_MANAGER = 3
    AGAIN = 4


_KINDS = {
    AlertStep.ON_DUTY: ShiftKind.ON_DUTY,
    AlertStep.SECOND: ShiftKind.SECOND,
    AlertStep.DUTY_MANAGER: ShiftKind.DUTY_MANAGER,
}


@dataclass(frozen=True)
class ReminderDelays:
    """How long a step waits for somebody to acknowledge, by severity."""

    immediate: timedelta = timedelta(minutes=5)
    urgent: timedelta = timedelta(minutes=60)

    def due(self, severity: Severity, number: int, now: datetime) -> datetime:
        """When the step after this one is due; past the last step at growing intervals."""
        times = 1 << min(max(number - AlertStep.DUTY_MANAGER, 0), 10)
        if severity is Severity.IMMEDIATE:
            return now + min(self.immediate * times, _LONGEST_PAUSE)
        if severity is Severity.URGENT:
            return now + min(self.urgent * times, _LONGEST_PAUSE)
        return next_working_day(now, _DAY_BEGINS)


@dataclass(frozen=True)
class Plan:
    """What the steps need to know of this installation."""

    clocks: ReminderDelays = ReminderDelays()
    channels: frozenset[str] = frozenset({EMAIL})
    """The channels that this installation can send by."""
    team: frozenset[str] = frozenset()
    """The channels by which the team as a whole is reached: EMAIL (a mailbox), WEBHOOK."""


@dataclass
class Taken:
    """A step that was taken for one alert."""

    case_id: str
    alert_id: int
    severity: Severity
    reason: str
    step: AlertStep
    recipients: dict[str, list[str]] = field(default_factory=dict)
    """Recipients by channel, the console among them."""
    nobody_on_duty: bool = False
    area: str | None = None
    beyond_area: bool = False
    """Whether those are told, too, who may not see the area: nobody who may could be reached."""

    @property
    def reaches(self) -> bool:
        """Whether anybody is told who does not look at the console just now."""
        return any(told for channel, told in self.recipients.items() if channel != CONSOLE)


def is_due(connection: Connection, now: datetime) -> bool:
    """Whether there is a step to take: a look that takes no lock."""
    query = sa.select(alerts.c.id).where(_due(now)).limit(1)
    return connection.execute(query).first() is not None


def advance(connection: Connection, plan: Plan, now: datetime, limit: int = 50) -> list[Taken]:
    """Take the next step for up to `limit` alerts that are due: deliveries, clock, audit trail.

    All in the transaction of `connection`, so that whatever dies leaves all of it or none. Several
    dispatchers take different alerts. Raises SQLAlchemyError.
    """
    due = (
        sa.select(alerts)
        .where(_due(now))
        .order_by(alerts.c.severity.desc(), alerts.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken: list[Taken] = []
    for alert in connection.execute(due).mappings().all():
        taken += _advance_one(connection, plan, alert, now)
    append_all(connection, [_event(step, now) for step in taken])
    return taken


def _due(now: datetime) -> sa.ColumnElement[bool]:
    # The first step is always due, whatever the clocks of two machines say.
    return alerts.c.ended_at.is_(None) & ((alerts.c.next_at <= now) | (alerts.c.step == 0))


def _advance_one(
    connection: Connection, plan: Plan, alert: RowMapping, now: datetime
) -> Iterable[Taken]:
    """Steps until one reaches somebody, or all have been tried."""
    number, taken = alert["step"], []
    while True:
        step = _take(connection, plan, alert, number, now)
        taken.append(step)
        # Nobody on duty: everyone and the duty manager have been told with that.
        number = AlertStep.AGAIN if step.nobody_on_duty else number + 1
        if step.reaches or number >= AlertStep.AGAIN:
            break
    due = plan.clocks.due(Severity(alert["severity"]), number - 1, now)
    mine = alerts.c.id == alert["id"]
    connection.execute(sa.update(alerts).where(mine).values(step=number, next_at=due))
    return taken


def _take(
    connection: Connection, plan: Plan, alert: RowMapping, number: int, now: datetime
) -> Taken:
    severity, step = Severity(alert["severity"]), AlertStep(min(number, AlertStep.AGAIN))
    area = alert["area"]
    people = _people(connection, step, now, area)
    nobody = step is AlertStep.ON_DUTY and not people
    if nobody:
        people = _all(connection, now, area)
    beyond = (nobody or step >= AlertStep.EVERYONE) and not _within(connection, plan, alert, now)
    if beyond:
        people = _people(connection, step, now, None) if step is AlertStep.DUTY_MANAGER else []
        people = people or _all(connection, now, None)
    taken = Taken(
        alert["case_id"],
        alert["id"],
        severity,
        alert["reason"],
        step,
        _recipients(connection, plan, people, severity, now),
        nobody_on_duty=nobody,
        area=area,
        beyond_area=beyond,
    )
    if nobody or step >= AlertStep.EVERYONE:
        for channel in sorted(plan.team):
            taken.recipients.setdefault(channel, []).append(TEAM)
    elif step is AlertStep.ON_DUTY and WEBHOOK in plan.team:
        taken.recipients.setdefault(WEBHOOK, []).append(TEAM)
    rows = [
        {
            "alert_id": alert["id"],
            "step": number,
            "channel": channel,
            "recipient": recipient,
            # What the console shows needs no sending: the row is what it reads.
            "status": "sent" if channel == CONSOLE else "queued",
            "sent_at": now if channel == CONSOLE else None,
            "attempts": 0,
            "next_at": now,
        }
        for channel, told in taken.recipients.items()
        for recipient in told
    ]
    if rows:
        connection.execute(sa.insert(deliveries), rows)
    return taken


def _people(connection: Connection, step: AlertStep, now: datetime, area: str | None) -> list[str]:
    """Who is told at this step, of those who may see this area."""
    if step is AlertStep.AGAIN:
        return _all(connection, now, area)
    if step is AlertStep.EVERYONE:
        return who_may_see(connection, everyone(connection), area)
    return who_may_see(connection, on_duty(connection, now, _KINDS[step]), area)


def _all(connection: Connection, now: datetime, area: str | None) -> list[str]:
    """Everyone and the duty manager, of those who may see this area."""
    managers = on_duty(connection, now, ShiftKind.DUTY_MANAGER)
    every = dict.fromkeys([*managers, *everyone(connection)])
    return who_may_see(connection, every, area)


def _within(connection: Connection, plan: Plan, alert: RowMapping, now: datetime) -> bool:
    """Whether the alert can stay with those who may see its area: one of them can be reached.

    A way that was given up for this alert counts no more.
    """
    people = _all(connection, now, alert["area"])
    if alert["area"] is None or len(people) == len(_all(connection, now, None)):
        return True
    query = sa.select(deliveries.c.channel, deliveries.c.recipient).where(
        deliveries.c.alert_id == alert["id"], deliveries.c.status == "failed"
    )
    given_up = {tuple(row) for row in connection.execute(query)}
    found = _recipients(connection, plan, people, Severity(alert["severity"]), now)
    ways = {(channel, each) for channel, told in found.items() for each in told}
    return any(way not in given_up for way in ways if way[0] != CONSOLE)


def _recipients(
    connection: Connection,
    plan: Plan,
    people: Collection[str],
    severity: Severity,
    now: datetime,
) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {CONSOLE: list(people)} if people else {}
    ways = ways_of(connection, people)
    for person in people:
        for channel in ways[person].channels(severity, now) if person in ways else ():
            if channel in plan.channels:
                found.setdefault(channel, []).append(person)
    return found


def _event(taken: Taken, now: datetime) -> Event:
    detail = {
        "alert": taken.alert_id,
        "step": taken.step.name.lower(),
        "severity": taken.severity.label,
        "reason": taken.reason,
        "recipients": taken.recipients,
        "nobody_on_duty": taken.nobody_on_duty,
        "area": taken.area,
        "beyond_area": taken.beyond_area,
    }
    what = ALERTED if taken.reaches else REACHED_NOBODY
    return Event(now, DISPATCHER, what, case_id=taken.case_id, detail=detail)
