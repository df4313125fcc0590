"""The rota: who is on duty, cover, staff who left, gaps, bank holidays, contact preferences."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy.engine import Engine

from safeguarding.clock import bank_holiday
from safeguarding.taxonomy import Severity
from staff.accounts.accounts import Staff, StaffAccounts
from staff.rota.rota import (
    ContactPreferences,
    ShiftKind,
    add_shifts,
    on_duty,
    remove_shift,
    set_contact_preferences,
    shifts,
    windows,
)
from storage.duty import watches
from tests.records import NOON
from tests.unit.staff.rota.conftest import shift

HOUR = timedelta(hours=1)


@pytest.mark.usefixtures("rota")
def test_staff_are_on_duty_from_the_start_of_their_shift_to_its_end(
    engine: Engine, team: dict[str, Staff]
) -> None:
    with engine.connect() as connection:
        assert on_duty(connection, NOON) == [team["ann"].id]
        assert on_duty(connection, NOON, ShiftKind.SECOND) == [team["bob"].id]
        assert on_duty(connection, NOON - 3 * HOUR) == [team["ann"].id]
        assert on_duty(connection, NOON + 5 * HOUR) == []


@pytest.mark.usefixtures("rota")
def test_a_cover_takes_the_place_of_the_other(engine: Engine, team: dict[str, Staff]) -> None:
    with engine.begin() as connection:
        cover = shift(team["cem"], start=NOON, hours=2, cover_for=team["ann"])
        add_shifts(connection, [cover])

        assert on_duty(connection, NOON + HOUR) == [team["cem"].id]
        assert on_duty(connection, NOON + 3 * HOUR) == [team["ann"].id]


@pytest.mark.usefixtures("rota")
def test_staff_who_left_are_not_on_duty_and_cover_for_no_one(
    engine: Engine, team: dict[str, Staff], accounts: StaffAccounts
) -> None:
    with engine.begin() as connection:
        add_shifts(connection, [shift(team["cem"], cover_for=team["ann"])])
    accounts.disable("cem")

    with engine.connect() as connection:
        assert on_duty(connection, NOON) == [team["ann"].id]


@pytest.mark.usefixtures("rota")
def test_spans_that_touch_are_one_and_rest_on_people_who_can_be_reached(
    engine: Engine, team: dict[str, Staff]
) -> None:
    start, end = NOON - timedelta(days=1), NOON + timedelta(days=1)
    evening = shift(team["bob"], start=NOON + 5 * HOUR, hours=4)
    with engine.begin() as connection:
        add_shifts(connection, [evening])
        assert windows(connection, start, end) == [(NOON - 3 * HOUR, NOON + 9 * HOUR)]

        set_contact_preferences(connection, ContactPreferences(team["bob"].id))
        assert windows(connection, start, end) == [(NOON - 3 * HOUR, NOON + 5 * HOUR)]


@pytest.mark.usefixtures("rota")
def test_a_watch_says_for_which_areas_it_is(
    engine: Engine, team: dict[str, Staff], accounts: StaffAccounts
) -> None:
    accounts.set_areas("ann", frozenset({"swindon"}))
    with engine.begin() as connection:
        add_shifts(connection, [shift(team["cem"], start=NOON)])
        on_watch = watches(connection, NOON, NOON + HOUR)

    assert [watch.areas for watch in on_watch] == [frozenset({"swindon"}), None]


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
    preferences = ContactPreferences(
        "ann", "ann@example.org", "+447700900123", quiet_from=22, quiet_to=7
    )

    assert preferences.channels(severity, NOON.replace(hour=hour)) == channels
