"""An alert goes to one step of staff after another until it is acknowledged, on the audit trail."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from safeguarding.taxonomy import Severity
from staff.accounts.accounts import Staff
from staff.alerts.outbox import StaffAlerts, acknowledge, outbox_figures
from staff.alerts.plan import AlertStep, Plan, ReminderDelays, StepTaken, is_due
from staff.audit.trail import of_case
from staff.rota.rota import CONSOLE, EMAIL, SMS, TEAM, WEBHOOK, contact_ways
from tests.records import NOON, Clock
from tests.unit.staff.alerts.conftest import put, step

PLAN = Plan(
    channels=frozenset({EMAIL, SMS, WEBHOOK}),
    team=frozenset({EMAIL, WEBHOOK}),
)


def told(taken: StepTaken, channel: str = EMAIL) -> set[str]:
    return set(taken.recipients.get(channel, ()))


@pytest.mark.usefixtures("rota")
def test_goes_on_every_five_minutes_until_the_duty_manager_and_then_to_everyone_again(
    engine: Engine, team: dict[str, Staff], clock: Clock
) -> None:
    put(engine, clock)
    ids = {name: member.id for name, member in team.items()}
    expected = [
        (AlertStep.ON_DUTY, {ids["ann"]}),
        (AlertStep.SECOND, {ids["bob"]}),
        (AlertStep.EVERYONE, {*ids.values(), TEAM}),
        (AlertStep.DUTY_MANAGER, {ids["dee"], TEAM}),
        (AlertStep.AGAIN, {*ids.values(), TEAM}),
    ]

    for number, people in expected:
        [taken] = step(engine, clock, PLAN)
        assert (taken.step, told(taken)) == (number, people)
        clock.move(minutes=4.9)
        assert step(engine, clock, PLAN) == []
        clock.move(minutes=0.2)

    # Then less and less often: ten minutes, twenty …
    assert step(engine, clock, PLAN) == []
    clock.move(minutes=5)
    assert [taken.step for taken in step(engine, clock, PLAN)] == [AlertStep.AGAIN]


@pytest.mark.usefixtures("rota")
def test_opening_the_case_ends_the_alert(engine: Engine, clock: Clock) -> None:
    put(engine, clock)
    step(engine, clock, PLAN)
    with engine.begin() as connection:
        acknowledge(connection, "c1", "ann", clock())

    clock.move(days=3)
    assert step(engine, clock, PLAN) == []


def test_without_staff_on_duty_all_staff_and_the_duty_manager_are_told_at_once(
    engine: Engine, team: dict[str, Staff], clock: Clock
) -> None:
    put(engine, clock)

    [taken] = step(engine, clock, PLAN)

    assert taken.nobody_on_duty
    assert told(taken) == {*(member.id for member in team.values()), TEAM}
    clock.move(minutes=5.1)
    assert [each.step for each in step(engine, clock, PLAN)] == [AlertStep.AGAIN]


@pytest.mark.usefixtures("rota")
def test_after_a_step_that_reaches_no_one_the_next_follows_at_once(
    engine: Engine, team: dict[str, Staff], clock: Clock
) -> None:
    with engine.begin() as connection:
        gone = contact_ways.c.staff_id == team["ann"].id
        connection.execute(sa.delete(contact_ways).where(gone))
    put(engine, clock)

    taken = step(engine, clock, replace(PLAN, team=frozenset()))

    assert [(each.step, each.reaches) for each in taken] == [
        (AlertStep.ON_DUTY, False),
        (AlertStep.SECOND, True),
    ]


def test_an_alert_that_reaches_no_one_is_on_the_audit_trail(engine: Engine, clock: Clock) -> None:
    put(engine, clock)

    taken = step(engine, clock, Plan(channels=frozenset()))

    assert not any(each.reaches for each in taken)
    with engine.connect() as connection:
        assert {link.event.what for link in of_case(connection, "c1")} == {"alert reached nobody"}


@pytest.mark.usefixtures("rota")
def test_each_step_is_on_the_audit_trail(
    engine: Engine, team: dict[str, Staff], clock: Clock
) -> None:
    put(engine, clock)
    step(engine, clock, PLAN)

    with engine.connect() as connection:
        [link] = of_case(connection, "c1")
    assert (link.event.who, link.event.what) == ("dispatcher", "alerted")
    assert link.event.detail["step"] == "on_duty"
    assert link.event.detail["recipients"][SMS] == [team["ann"].id]


@pytest.mark.parametrize(
    ("severity", "waits"),
    [(Severity.IMMEDIATE, timedelta(minutes=7)), (Severity.URGENT, timedelta(minutes=30))],
)
def test_clocks_are_set_by_the_installation(severity: Severity, waits: timedelta) -> None:
    clocks = ReminderDelays(timedelta(minutes=7), timedelta(minutes=30))

    assert clocks.due(severity, AlertStep.ON_DUTY, NOON) == NOON + waits


def test_a_concern_waits_for_the_next_working_day() -> None:
    christmas_eve = NOON.replace(month=12, day=24)

    due = ReminderDelays().due(Severity.CONCERN, AlertStep.ON_DUTY, christmas_eve)

    # Christmas Day, Boxing Day (a Saturday, kept on Monday) and the Sunday are days off.
    assert due == NOON.replace(month=12, day=29, hour=9, tzinfo=ZoneInfo("Europe/London"))


@pytest.mark.usefixtures("rota")
def test_a_clock_that_was_set_back_does_not_hold_up_the_first_step(
    engine: Engine, clock: Clock
) -> None:
    put(engine, clock)
    clock.move(hours=-1)

    with engine.connect() as connection:
        assert is_due(connection, clock())
    assert len(step(engine, clock, PLAN)) == 1


@pytest.mark.usefixtures("rota")
def test_the_console_sees_what_the_plan_brought_to_a_person(
    engine: Engine, team: dict[str, Staff], clock: Clock
) -> None:
    put(engine, clock)
    step(engine, clock, PLAN)

    [waiting] = StaffAlerts(engine).waiting_for(team["ann"].id)
    assert (waiting.case_id, waiting.severity) == ("c1", Severity.IMMEDIATE)
    assert StaffAlerts(engine).waiting_for(team["bob"].id) == []
    with engine.connect() as connection:
        found = outbox_figures(connection, clock())
    assert found.open == {"immediate": 1}
    assert found.queued == {EMAIL: 1, SMS: 1, WEBHOOK: 1}
    assert CONSOLE not in found.queued
