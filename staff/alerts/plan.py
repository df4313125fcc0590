"""The plan of an alert: who is told, step by step, until a member of staff acknowledges it.

The steps are: staff on duty; the second on the rota; all staff; the duty manager; then all staff
again and again, at growing intervals. When no one is on duty, all staff and the duty manager are
told at once. When a step reaches no one outside the console, or the addresses of its people refuse
messages, the next step follows at once.

Each step goes only to staff who may see cases of the alert's area. When none of them can be
reached, all staff and the duty manager are told, because a lost alert is worse than one that is
seen too widely; the audit trail records it.

A young person who asks to talk to someone waits for a minute. So that alert goes at once to staff
on duty who are ready to chat, or to all on duty where none is; and after that minute to all on
duty, with the second on the rota.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import IntEnum

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from safeguarding.clock import next_working_day
from safeguarding.live_chat import JOIN_WITHIN
from safeguarding.taxonomy import Severity
from staff.alerts.outbox import alerts, deliveries
from staff.audit.trail import Event, append_all
from staff.rota import refusals
from staff.rota.rota import (
    CONSOLE,
    EMAIL,
    TEAM,
    WEBHOOK,
    ShiftKind,
    case_readers,
    contact_preferences,
    on_duty,
    those_who_may_see,
)
from storage.live_chats import live_readiness

DISPATCHER = "dispatcher"
"""The actor on the audit trail."""
ALERTED, REACHED_NOBODY = "alerted", "alert reached nobody"
"""Events on the audit trail."""
BATCH = 50
"""Alerts that one transaction advances."""
_DAY_BEGINS = time(9)
_LONGEST_PAUSE = timedelta(days=1)


class AlertStep(IntEnum):
    """The steps in their order; AGAIN is repeated."""

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
    """How long a step waits for an acknowledgement, by severity."""

    immediate: timedelta = timedelta(minutes=5)
    urgent: timedelta = timedelta(minutes=60)

    def due(self, severity: Severity, number: int, now: datetime) -> datetime:
        """Return when the step after this one is due; past the last step the delay grows."""
        times = 1 << min(max(number - AlertStep.DUTY_MANAGER, 0), 10)
        if severity < Severity.URGENT:
            return next_working_day(now, _DAY_BEGINS)
        delay = self.immediate if severity is Severity.IMMEDIATE else self.urgent
        return now + min(delay * times, _LONGEST_PAUSE)


@dataclass(frozen=True)
class Plan:
    """The delays and channels of this installation."""

    delays: ReminderDelays = ReminderDelays()
    channels: frozenset[str] = frozenset({EMAIL})
    """The channels that are configured."""
    team: frozenset[str] = frozenset()
    """The channels that reach the team as a whole: EMAIL (a mailbox), WEBHOOK."""


@dataclass
class StepTaken:
    """One step that was taken for an alert."""

    case_id: str
    alert_id: int
    severity: Severity
    reason: str
    step: AlertStep
    recipients: dict[str, list[str]]
    """Recipients by channel, with the console."""
    nobody_on_duty: bool
    area: str | None
    beyond_area: bool
    """Whether staff who may not see the area are told, because no one who may was reached."""
    refused: dict[str, list[str]] = field(default_factory=dict)
    """Recipients by channel whose addresses refuse messages."""

    @property
    def reaches(self) -> bool:
        """Whether the step tells a recipient outside the console."""
        return bool(self._outside_console())

    @property
    def is_refused(self) -> bool:
        """Whether it would tell a person outside the console if no address refused messages."""
        return bool(self.refused) and not self._outside_console() - {TEAM}

    def _outside_console(self) -> set[str]:
        told = self.recipients.items()
        return {each for channel, every in told if channel != CONSOLE for each in every}


def is_due(connection: Connection, now: datetime) -> bool:
    """Return whether an alert has a step that is due. Takes no lock."""
    query = sa.select(alerts.c.id).where(step_is_due(now)).limit(1)
    return connection.execute(query).first() is not None


def advance(connection: Connection, plan: Plan, now: datetime) -> list[StepTaken]:
    """Take the next step of the due alerts, BATCH at most: deliveries, next deadline, audit trail.

    All of it happens in the transaction of `connection`. Several dispatchers take different alerts.
    Raises SQLAlchemyError.
    """
    due = (
        sa.select(alerts)
        .where(step_is_due(now))
        .order_by(alerts.c.severity.desc(), alerts.c.id)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    taken: list[StepTaken] = []
    for alert in connection.execute(due).mappings().all():
        taken += _advance_one(connection, plan, alert, now)
    append_all(connection, [_event(step, now) for step in taken])
    return taken


def step_is_due(now: datetime) -> sa.ColumnElement[bool]:
    """Return the condition for open alerts of which a step is due."""
    # The first step is always due, even when the clocks of two machines differ.
    return alerts.c.ended_at.is_(None) & ((alerts.c.next_at <= now) | (alerts.c.step == 0))


def _advance_one(
    connection: Connection, plan: Plan, alert: RowMapping, now: datetime
) -> Iterable[StepTaken]:
    """Take steps until one reaches a recipient, or all have been tried."""
    number, taken = alert["step"], []
    while True:
        step = _take(connection, plan, alert, number, now)
        taken.append(step)
        # With no one on duty, that step has told all staff and the duty manager.
        number = AlertStep.AGAIN if step.nobody_on_duty else number + 1
        if (step.reaches and not step.is_refused) or number >= AlertStep.AGAIN:
            break
    due = plan.delays.due(Severity(alert["severity"]), number - 1, now)
    if alert["live_chat"] and number == AlertStep.SECOND:
        due = min(due, now + JOIN_WITHIN)
    own = alerts.c.id == alert["id"]
    connection.execute(sa.update(alerts).where(own).values(step=number, next_at=due))
    return taken


def _take(
    connection: Connection, plan: Plan, alert: RowMapping, number: int, now: datetime
) -> StepTaken:
    severity, step = Severity(alert["severity"]), AlertStep(min(number, AlertStep.AGAIN))
    area = alert["area"]
    people = _people(connection, step, now, area)
    if alert["live_chat"] and step <= AlertStep.SECOND:
        people = _for_live_chat(connection, step, people, now, area)
    unstaffed = step is AlertStep.ON_DUTY and not people
    if unstaffed:
        people = _all(connection, now, area)
    beyond = (unstaffed or step >= AlertStep.EVERYONE) and not _within(connection, plan, alert, now)
    if beyond:
        people = _people(connection, step, now, None) if step is AlertStep.DUTY_MANAGER else []
        people = people or _all(connection, now, None)
    taken = StepTaken(
        alert["case_id"],
        alert["id"],
        severity,
        alert["reason"],
        step,
        _recipients(connection, plan, people, severity, now),
        nobody_on_duty=unstaffed,
        area=area,
        beyond_area=beyond,
    )
    if unstaffed or step >= AlertStep.EVERYONE:
        for channel in sorted(plan.team):
            taken.recipients.setdefault(channel, []).append(TEAM)
    elif step is AlertStep.ON_DUTY and WEBHOOK in plan.team:
        taken.recipients.setdefault(WEBHOOK, []).append(TEAM)
    _write_deliveries(connection, taken, number, now)
    return taken


def _write_deliveries(connection: Connection, taken: StepTaken, number: int, now: datetime) -> None:
    """Write the deliveries of a step. Leave out the recipients whose addresses refuse messages.

    Each of those has one delivery of the alert that is given up, and none for each step.
    """
    errors = {(way.channel, way.recipient): way.error for way in refusals.refused(connection)}
    known = _given_up(connection, taken.alert_id) if errors else set()
    rows = []
    for channel, recipients in taken.recipients.items():
        for recipient in recipients:
            way = (channel, recipient)
            row = {
                "alert_id": taken.alert_id,
                "step": number,
                "channel": channel,
                "recipient": recipient,
                # The console reads this row: there is nothing to send.
                "status": "sent" if channel == CONSOLE else "queued",
                "sent_at": now if channel == CONSOLE else None,
                "attempts": 0,
                "next_at": now,
                "error": errors.get(way),
            }
            if way in errors:
                row["status"] = "failed"
                taken.refused.setdefault(channel, []).append(recipient)
            if way not in errors or way not in known:
                rows.append(row)
    if rows:
        connection.execute(sa.insert(deliveries), rows)
    taken.recipients = {
        channel: reached
        for channel, recipients in taken.recipients.items()
        if (reached := [each for each in recipients if (channel, each) not in errors])
    }


def _given_up(connection: Connection, alert_id: int) -> set[tuple[str, str]]:
    """Return channel and recipient of the deliveries of an alert that were given up."""
    query = sa.select(deliveries.c.channel, deliveries.c.recipient).where(
        deliveries.c.alert_id == alert_id, deliveries.c.status == "failed"
    )
    return {(row.channel, row.recipient) for row in connection.execute(query)}


def _people(connection: Connection, step: AlertStep, now: datetime, area: str | None) -> list[str]:
    """Return the staff of this step who may see the area."""
    if step is AlertStep.AGAIN:
        return _all(connection, now, area)
    if step is AlertStep.EVERYONE:
        return those_who_may_see(connection, case_readers(connection), area)
    return those_who_may_see(connection, on_duty(connection, now, _KINDS[step]), area)


def _for_live_chat(
    connection: Connection, step: AlertStep, people: list[str], now: datetime, area: str | None
) -> list[str]:
    """Return those of this step who are told that a young person asks for someone to talk to."""
    if step is AlertStep.SECOND:
        return list(dict.fromkeys([*_people(connection, AlertStep.ON_DUTY, now, area), *people]))
    of = live_readiness.c
    query = sa.select(of.staff_id).where(of.ready_until > now, of.room > 0)
    ready = set(connection.execute(query).scalars())
    return [each for each in people if each in ready] or people


def _all(connection: Connection, now: datetime, area: str | None) -> list[str]:
    """Return all staff and the duty manager who may see the area."""
    managers = on_duty(connection, now, ShiftKind.DUTY_MANAGER)
    every = dict.fromkeys([*managers, *case_readers(connection)])
    return those_who_may_see(connection, every, area)


def _within(connection: Connection, plan: Plan, alert: RowMapping, now: datetime) -> bool:
    """Return whether one of the staff who may see the area can be reached.

    A delivery of this alert that was given up does not count, nor an address that refuses messages.
    """
    people = _all(connection, now, alert["area"])
    if alert["area"] is None or len(people) == len(_all(connection, now, None)):
        return True
    given_up = _given_up(connection, alert["id"])
    given_up |= {(way.channel, way.recipient) for way in refusals.refused(connection)}
    reached = _recipients(connection, plan, people, Severity(alert["severity"]), now)
    ways = {(channel, each) for channel, recipients in reached.items() for each in recipients}
    return any(way not in given_up for way in ways if way[0] != CONSOLE)


def _recipients(
    connection: Connection,
    plan: Plan,
    people: Collection[str],
    severity: Severity,
    now: datetime,
) -> dict[str, list[str]]:
    recipients: dict[str, list[str]] = {CONSOLE: list(people)} if people else {}
    preferences = contact_preferences(connection, people)
    for person in people:
        if person not in preferences:
            continue
        for channel in preferences[person].channels(severity, now):
            if channel in plan.channels:
                recipients.setdefault(channel, []).append(person)
    return recipients


def _event(taken: StepTaken, now: datetime) -> Event:
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
    if taken.refused:
        detail["refused"] = taken.refused
    what = ALERTED if taken.reaches else REACHED_NOBODY
    return Event(now, DISPATCHER, what, case_id=taken.case_id, detail=detail)
