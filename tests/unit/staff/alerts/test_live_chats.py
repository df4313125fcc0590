"""The alert of a young person who asks to talk goes to those who can, at once, and alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from safeguarding.live_chat import JOIN_WITHIN
from safeguarding.taxonomy import Severity
from staff.accounts.accounts import Staff
from staff.alerts.flood import Flood
from staff.alerts.outbox import alerts, take_back
from staff.alerts.plan import AlertStep, Plan
from staff.rota.rota import EMAIL, Shift, ShiftKind, add_shifts
from storage.live_chats import live_readiness
from tests.records import NOON, Clock
from tests.unit.staff.alerts.conftest import ALERT, claim, put, step

PLAN = Plan(channels=frozenset({EMAIL}))
ASKED = replace(ALERT, severity=Severity.CONCERN, reason="raised", occasion="chat", live_chat=True)
pytestmark = pytest.mark.usefixtures("rota")


@pytest.fixture(autouse=True)
def both_on_duty(engine: Engine, team: dict[str, Staff]) -> None:
    """Put Bob on duty beside Ann."""
    day = timedelta(days=1)
    with engine.begin() as connection:
        bob = Shift(team["bob"].id, ShiftKind.ON_DUTY, NOON - day, NOON + day)
        add_shifts(connection, [bob])


def make_ready(engine: Engine, staff_id: str, room: int = 1) -> None:
    row = {"staff_id": staff_id, "ready_until": NOON + timedelta(seconds=60), "room": room}
    with engine.begin() as connection:
        connection.execute(sa.insert(live_readiness).values(**row, areas=sa.null()))


def told(engine: Engine, clock: Clock) -> tuple[AlertStep, set[str]]:
    (taken,) = step(engine, clock, PLAN)
    return taken.step, set(taken.recipients[EMAIL])


def test_those_who_are_ready_are_told_first_and_after_a_minute_all_on_duty(
    engine: Engine, team: dict[str, Staff], clock: Clock
) -> None:
    ann, bob = team["ann"].id, team["bob"].id
    make_ready(engine, bob)
    make_ready(engine, team["dee"].id)
    put(engine, clock, ASKED)

    assert told(engine, clock) == (AlertStep.ON_DUTY, {bob})
    clock.at += JOIN_WITHIN - timedelta(seconds=1)
    assert step(engine, clock, PLAN) == []
    clock.move(seconds=1)
    number, people = told(engine, clock)
    assert number is AlertStep.SECOND
    assert people >= {ann, bob}


@pytest.mark.parametrize("room", [0, None])
def test_where_nobody_can_take_it_all_on_duty_are_told(
    engine: Engine, team: dict[str, Staff], clock: Clock, room: int | None
) -> None:
    if room is not None:
        make_ready(engine, team["bob"].id, room)
    put(engine, clock, ASKED)

    assert told(engine, clock) == (AlertStep.ON_DUTY, {team["ann"].id, team["bob"].id})


def test_any_other_alert_goes_to_all_on_duty(
    engine: Engine, team: dict[str, Staff], clock: Clock
) -> None:
    make_ready(engine, team["bob"].id)
    put(engine, clock)

    assert told(engine, clock)[1] == {team["ann"].id, team["bob"].id}


def test_it_ends_no_other_alert_and_a_graver_one_ends_it(engine: Engine, clock: Clock) -> None:
    put(engine, clock)
    put(engine, clock, ASKED)
    with engine.connect() as connection:
        assert set(connection.execute(sa.select(alerts.c.ended_at)).scalars()) == {None}
    put(engine, clock, replace(ALERT, reason="raised", occasion="m9"))

    with engine.connect() as connection:
        rows = connection.execute(sa.select(alerts.c.occasion, alerts.c.ended_at)).all()
    assert [row.occasion for row in rows if row.ended_at is None] == ["m9"]


def test_taking_it_back_ends_it_alone_and_once(engine: Engine, clock: Clock) -> None:
    put(engine, clock)
    put(engine, clock, ASKED)
    with engine.begin() as connection:
        assert take_back(connection, "another", clock()) == 0
        assert [take_back(connection, "chat", clock()) for _ in range(2)] == [1, 0]
    with engine.connect() as connection:
        open_ones = sa.select(alerts.c.live_chat).where(alerts.c.ended_at.is_(None))
        assert connection.execute(open_ones).scalars().all() == [False]


def test_it_is_held_back_by_no_flood_and_belongs_to_no_burst(engine: Engine, clock: Clock) -> None:
    flood = Flood(most=1)
    for number in range(4):
        other = replace(ALERT, case_id=f"o{number}", severity=Severity.CONCERN)
        put(engine, clock, replace(other, reference=f"LN-{number}"))
    put(engine, clock, ASKED)
    put(engine, clock, replace(ASKED, case_id="c2", reference="LN-ABCD-2222", occasion="chat2"))
    for _ in range(3):
        step(engine, clock, PLAN)
    claimed = claim(engine, clock, flood=flood)

    alone = [each for each in claimed if each.alert.live_chat]
    assert {each.alert.occasion for each in alone} == {"chat", "chat2"}
    assert all(each.others == () and each.digest is None for each in alone)
    digests = [each for each in claimed if each.others]
    assert digests
    assert not any(each.alert.live_chat for digest in digests for each in digest.every)
    with engine.connect() as connection:
        rows = connection.execute(sa.select(alerts.c.id, alerts.c.burst, alerts.c.live_chat)).all()
    assert all(row.id == row.burst for row in rows if row.live_chat)
