"""Who is on duty when: cover, people who left, gaps, bank holidays."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy.engine import Engine

from safeguarding.taxonomy import Severity
from safeguarding.working_days import bank_holiday
from staff.accounts.accounts import Staff, StaffAccounts
from staff.alerts.reach import ContactPreferences, set_ways
from staff.rota.rota import (
    ShiftKind,
    add_shifts,
    next_duty,
    on_duty,
    remove_shift,
    shifts,
    windows,
)
from storage.duty import watches
from tests.records import NOON
from tests.unit.staff.alerts.conftest import shift

HOUR = timedelta(hours=1)


@pytest.mark.usefixtures("rota")
def test_each_is_on_duty_from_the_beginning_of_the_shift_to_its_end(
    engine: Engine, team: dict[str, Staff]
) -> None:
    with engine.connect() as connection:
        assert on_duty(connection, NOON) == [team["ann"].id]
        assert on_duty(connection, NOON, ShiftKind.SECOND) == [team["bob"].id]
        assert on_duty(connection, NOON - 3 * HOUR) == [team["ann"].id]
        assert on_duty(connection, NOON + 5 * HOUR) == []


@pytest.mark.usefixtures("rota")
def test_whoever_covers_takes_the_place_of_the_other(
    engine: Engine, team: dict[str, Staff]
) -> None:
    with engine.begin() as connection:
        cover = shift(team["cem"], start=NOON, hours=2, cover_for=team["ann"])
        add_shifts(connection, [cover])

        assert on_duty(connection, NOON + HOUR) == [team["cem"].id]
        assert on_duty(connection, NOON + 3 * HOUR) == [team["ann"].id]


@pytest.mark.usefixtures("rota")
def test_whoever_has_left_is_not_on_duty_and_covers_for_nobody(
    engine: Engine, team: dict[str, Staff], accounts: StaffAccounts
) -> None:
    with engine.begin() as connection:
        add_shifts(connection, [shift(team["cem"], cover_for=team["ann"])])
    accounts.disable("cem")

    with engine.connect() as connection:
        assert on_duty(connection, NOON) == [team["ann"].id]


@pytest.mark.usefixtures("rota")
def test_says_when_somebody_is_on_duty_next(engine: Engine, team: dict[str, Staff]) -> None:
    monday = NOON + timedelta(days=5)
    with engine.begin() as connection:
        add_shifts(connection, [shift(team["bob"], start=monday)])

        assert next_duty(connection, NOON) == NOON
        assert next_duty(connection, NOON + 6 * HOUR) == monday
        assert next_duty(connection, monday + timedelta(days=1)) is None


@pytest.mark.usefixtures("rota")
def test_spans_that_touch_are_one_and_rest_on_people_who_can_be_reached(
    engine: Engine, team: dict[str, Staff]
) -> None:
    start, end = NOON - timedelta(days=1), NOON + timedelta(days=1)
    evening = shift(team["bob"], start=NOON + 5 * HOUR, hours=4)
    with engine.begin() as connection:
        add_shifts(connection, [evening])
        assert windows(connection, start, end) == [(NOON - 3 * HOUR, NOON + 9 * HOUR)]

        set_ways(connection, ContactPreferences(team["bob"].id))
        assert windows(connection, start, end) == [(NOON - 3 * HOUR, NOON + 5 * HOUR)]


@pytest.mark.usefixtures("rota")
def test_a_watch_says_for_which_areas_it_is(
    engine: Engine, team: dict[str, Staff], accounts: StaffAccounts
) -> None:
    accounts.set_areas("ann", frozenset({"swindon"}))
    with engine.begin() as connection:
        add_shifts(connection, [shift(team["cem"], start=NOON)])
        found = watches(connection, NOON, NOON + HOUR)

    assert [each.areas for each in found] == [frozenset({"swindon"}), None]


@pytest.mark.usefixtures("rota")
def test_a_shift_can_be_taken_off(engine: Engine) -> None:
    with engine.begin() as connection:
        first = shifts(connection, NOON, NOON + HOUR)[0]
        assert remove_shift(connection, first.id)
        assert not remove_shift(connection, first.id)
        assert on_duty(connection, NOON) == []


def test_knows_the_bank_holidays() -> None:
    assert bank_holiday(date(2026, 12, 25))
    assert bank_holiday(date(2026, 12, 24)) is None


@pytest.mark.parametrize(
    ("severity", "hour", "channels"),
    [
        (Severity.CONCERN, 12, ("email",)),
        (Severity.URGENT, 12, ("email", "sms")),
        (Severity.URGENT, 23, ("email",)),
        (Severity.URGENT, 6, ("email",)),
        (Severity.IMMEDIATE, 23, ("email", "sms")),
    ],
)
def test_channels_follow_severity_and_hour(
    severity: Severity, hour: int, channels: tuple[str, ...]
) -> None:
    ways = ContactPreferences("ann", "ann@example.org", "+447700900123", quiet_from=22, quiet_to=7)

    assert ways.channels(severity, NOON.replace(hour=hour)) == channels
