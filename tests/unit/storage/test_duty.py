"""The view of the rota says when people are on duty, and nothing about them."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from staff.accounts.permissions import Role
from staff.rota.rota import (
    ContactPreferences,
    Shift,
    ShiftKind,
    add_shifts,
    set_contact_preferences,
)
from storage.duty import Watch, duty_hours, watches
from tests.records import NOON, PASSWORD, accounts_on

HOUR = timedelta(hours=1)


def test_only_who_is_on_duty_and_can_be_reached_counts(engine: Engine) -> None:
    accounts = accounts_on(engine)
    ids = [
        accounts.add(name, PASSWORD, name.title(), Role.LEAD).id
        for name in ("ann", "bob", "cat", "dan")
    ]
    accounts.disable("dan")
    with engine.begin() as connection:
        for staff_id, email in zip(
            ids, ("a@x.example", None, "c@x.example", "d@x.example"), strict=True
        ):
            set_contact_preferences(connection, ContactPreferences(staff_id, email=email))
        add_shifts(
            connection,
            [
                Shift(ids[0], ShiftKind.ON_DUTY, NOON + HOUR, NOON + 2 * HOUR),
                Shift(ids[1], ShiftKind.ON_DUTY, NOON, NOON + HOUR),
                Shift(ids[2], ShiftKind.SECOND, NOON, NOON + HOUR),
                Shift(ids[3], ShiftKind.ON_DUTY, NOON, NOON + HOUR),
                Shift(ids[0], ShiftKind.ON_DUTY, NOON + 9 * HOUR, NOON + 10 * HOUR),
            ],
        )
    with engine.connect() as connection:
        assert watches(connection, NOON, NOON + 5 * HOUR) == [Watch(NOON + HOUR, NOON + 2 * HOUR)]
        columns = connection.execute(sa.text("SELECT * FROM duty_hours")).keys()
    assert set(columns) == {column.name for column in duty_hours.columns}
    assert set(columns) == {"starts_at", "ends_at", "areas"}


def test_a_watch_covers_its_areas_and_what_has_none() -> None:
    kept_to = Watch(NOON, NOON + HOUR, frozenset({"wiltshire"}))

    assert [kept_to.covers(area) for area in ("wiltshire", "leeds", None)] == [True, False, True]
    assert Watch(NOON, NOON + HOUR).covers("leeds")
