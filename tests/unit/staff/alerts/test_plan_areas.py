"""An alert goes to staff who may see its case, and beyond them only where it would be lost."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from staff.accounts.accounts import Staff, StaffAccounts
from staff.alerts import outcomes
from staff.alerts.outbox import StaffAlerts, set_area
from staff.alerts.plan import AlertStep, Plan, StepTaken
from staff.alerts.queue import NotSentError
from staff.audit.trail import of_case
from staff.rota.rota import CONSOLE, EMAIL, TEAM, WEBHOOK, contact_ways, may_see
from tests.records import Clock
from tests.unit.staff.alerts.conftest import ALERT, claim, put, step

PLAN = Plan(team=frozenset({EMAIL}))


@pytest.fixture
def raised(engine: Engine, clock: Clock) -> None:
    """Raise an alert in Wiltshire."""
    put(engine, clock, replace(ALERT, area="wiltshire"))


def keep(accounts: StaffAccounts, **areas: str | None) -> None:
    """Keep staff to an area each; None: to none."""
    for name, area in areas.items():
        assert accounts.set_areas(name, None if area is None else frozenset({area}))


def told(taken: StepTaken, team: dict[str, Staff], channel: str = EMAIL) -> set[str]:
    """By their names, who is told."""
    names = {member.id: name for name, member in team.items()}
    return {names.get(each, each) for each in taken.recipients.get(channel, ())}


def forget_ways(engine: Engine, *members: Staff) -> None:
    mine = contact_ways.c.staff_id.in_([each.id for each in members])
    with engine.begin() as connection:
        connection.execute(sa.delete(contact_ways).where(mine))


def give_up_all(engine: Engine, clock: Clock) -> set[str | None]:
    """Every email that waits is refused for good; the addresses."""
    held = claim(engine, clock)
    refused = NotSentError("no such address", refused=True)
    for each in held:
        with engine.begin() as connection:
            outcomes.mark_failed(connection, each, refused, clock())
    return {each.email for each in held}


@pytest.mark.usefixtures("rota", "raised")
def test_every_step_goes_to_those_alone_who_may_see_the_area(
    engine: Engine, accounts: StaffAccounts, team: dict[str, Staff], clock: Clock
) -> None:
    keep(accounts, ann="wiltshire", bob="swindon", cem=None, dee="wiltshire")
    expected = [
        [(AlertStep.ON_DUTY, {"ann"})],
        # The second may not see it, and is not waited for.
        [(AlertStep.SECOND, set()), (AlertStep.EVERYONE, {"ann", "cem", "dee", TEAM})],
        [(AlertStep.DUTY_MANAGER, {"dee", TEAM})],
        [(AlertStep.AGAIN, {"ann", "cem", "dee", TEAM})],
    ]

    for steps in expected:
        taken = step(engine, clock, PLAN)
        assert [(each.step, told(each, team)) for each in taken] == steps
        assert not any(each.beyond_area for each in taken)
        assert not any("bob" in told(each, team, CONSOLE) for each in taken)
        clock.move(minutes=5.1)


@pytest.mark.usefixtures("rota", "raised")
def test_staff_on_duty_for_another_area_do_not_count_as_on_duty(
    engine: Engine, accounts: StaffAccounts, team: dict[str, Staff], clock: Clock
) -> None:
    keep(accounts, ann="swindon")

    [taken] = step(engine, clock, PLAN)

    assert (taken.nobody_on_duty, taken.beyond_area) == (True, False)
    assert told(taken, team) == {"bob", "cem", "dee", TEAM}


@pytest.mark.usefixtures("rota", "raised")
def test_where_no_one_may_see_the_area_all_staff_are_told_and_it_is_on_the_trail(
    engine: Engine, accounts: StaffAccounts, team: dict[str, Staff], clock: Clock
) -> None:
    keep(accounts, ann="swindon", bob="swindon", cem="swindon", dee="swindon")

    [taken] = step(engine, clock, PLAN)

    assert taken.beyond_area
    assert told(taken, team) == {*team, TEAM}
    with engine.connect() as connection:
        [link] = of_case(connection, "c1")
    assert (link.event.what, link.event.detail["area"]) == ("alerted", "wiltshire")
    assert link.event.detail["beyond_area"] is True
    clock.move(minutes=5.1)
    [again] = step(engine, clock, PLAN)
    assert (again.step, again.beyond_area, told(again, team)) == (
        AlertStep.AGAIN,
        True,
        {*team, TEAM},
    )


@pytest.mark.usefixtures("rota", "raised")
def test_who_may_see_it_and_cannot_be_reached_is_not_waited_for(
    engine: Engine, accounts: StaffAccounts, team: dict[str, Staff], clock: Clock
) -> None:
    keep(accounts, ann="wiltshire", bob="swindon", cem="swindon", dee="swindon")
    forget_ways(engine, team["ann"])

    taken = step(engine, clock, PLAN)

    assert [(each.step, each.beyond_area) for each in taken] == [
        (AlertStep.ON_DUTY, False), (AlertStep.SECOND, False), (AlertStep.EVERYONE, True),
    ]  # fmt: skip
    assert told(taken[-1], team) == {"bob", "cem", "dee", TEAM}
    assert "ann" in told(taken[-1], team, CONSOLE)
    clock.move(minutes=5.1)
    [manager] = step(engine, clock, PLAN)
    assert (manager.step, told(manager, team)) == (AlertStep.DUTY_MANAGER, {"dee", TEAM})


@pytest.mark.usefixtures("rota", "raised")
def test_the_teams_own_channel_does_not_stand_in_for_a_person(
    engine: Engine, accounts: StaffAccounts, team: dict[str, Staff], clock: Clock
) -> None:
    keep(accounts, ann="swindon", bob="swindon", cem="swindon", dee="swindon")
    channels = frozenset({EMAIL, WEBHOOK})

    [taken] = step(engine, clock, Plan(channels=channels, team=channels))

    assert told(taken, team, WEBHOOK) == {TEAM}
    assert told(taken, team) == {*team, TEAM}


@pytest.mark.usefixtures("rota", "raised")
def test_an_address_that_refuses_messages_reaches_no_one(
    engine: Engine, accounts: StaffAccounts, team: dict[str, Staff], clock: Clock
) -> None:
    keep(accounts, ann="wiltshire", bob="swindon", cem="swindon", dee="swindon")
    alone = replace(PLAN, team=frozenset())
    assert [told(each, team) for each in step(engine, clock, alone)] == [{"ann"}]
    assert give_up_all(engine, clock) == {"ann@example.org"}

    *_, last = step(engine, clock, alone)

    assert (last.step, last.beyond_area) == (AlertStep.EVERYONE, True)
    assert told(last, team) == {"bob", "cem", "dee"}
    assert last.refused == {EMAIL: [team["ann"].id]}


@pytest.mark.usefixtures("rota")
def test_a_case_of_no_known_area_is_everybodys(
    engine: Engine, accounts: StaffAccounts, team: dict[str, Staff], clock: Clock
) -> None:
    keep(accounts, ann="swindon", bob="wiltshire")
    put(engine, clock)

    [taken] = step(engine, clock, PLAN)

    assert (told(taken, team), taken.beyond_area) == ({"ann"}, False)


@pytest.mark.usefixtures("rota", "raised")
def test_an_area_that_becomes_known_counts_from_the_next_step(
    engine: Engine, accounts: StaffAccounts, team: dict[str, Staff], clock: Clock
) -> None:
    keep(accounts, ann="wiltshire", bob="wiltshire", cem="swindon")
    step(engine, clock, PLAN)
    with engine.begin() as connection:
        set_area(connection, "c1", "swindon")
    clock.move(minutes=5.1)

    *_, last = step(engine, clock, PLAN)

    assert (last.step, told(last, team)) == (AlertStep.EVERYONE, {"cem", "dee", TEAM})


@pytest.mark.usefixtures("rota", "raised")
def test_a_recipient_who_may_not_see_the_area_is_known_when_it_is_sent(
    engine: Engine, accounts: StaffAccounts, team: dict[str, Staff], clock: Clock
) -> None:
    keep(accounts, ann="wiltshire", bob="swindon", cem="swindon", dee="swindon")
    forget_ways(engine, team["ann"])
    step(engine, clock, PLAN)

    held = claim(engine, clock)
    waiting = StaffAlerts(engine).waiting_for(team["bob"].id)

    outside = {each.recipient: each.outside for each in held}
    assert outside == {
        TEAM: False, team["bob"].id: True, team["cem"].id: True, team["dee"].id: True,
    }  # fmt: skip
    assert [each.case_id for each in waiting] == ["c1"]


@pytest.mark.parametrize(
    ("kept_to", "area", "seen"),
    [
        (None, "wiltshire", True),
        (["wiltshire"], "wiltshire", True),
        (["swindon"], "wiltshire", False),
        (["swindon"], None, True),
        ([], "wiltshire", False),
    ],
)
def test_no_areas_are_all_areas(kept_to: list[str] | None, area: str | None, seen: bool) -> None:
    assert may_see(kept_to, area) is seen
