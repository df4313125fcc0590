"""Four members of staff and a rota."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy.engine import Engine

from staff.accounts.accounts import Staff, StaffAccounts
from staff.rota.rota import (
    ContactPreferences,
    Shift,
    ShiftKind,
    add_shifts,
    set_contact_preferences,
)
from tests.records import NOON, PASSWORD


@pytest.fixture
def team(engine: Engine, accounts: StaffAccounts) -> dict[str, Staff]:
    """Ann, Bob, Cem and Dee, each reached by email at <name>@example.org."""
    team = {name: accounts.add(name, PASSWORD) for name in ("ann", "bob", "cem", "dee")}
    with engine.begin() as connection:
        for name, member in team.items():
            set_contact_preferences(
                connection, ContactPreferences(member.id, f"{name}@example.org", "+447700900123")
            )
    return team


def shift(
    member: Staff,
    kind: ShiftKind = ShiftKind.ON_DUTY,
    start: datetime = NOON - timedelta(hours=3),
    hours: float = 8,
    cover_for: Staff | None = None,
) -> Shift:
    end = start + timedelta(hours=hours)
    return Shift(member.id, kind, start, end, cover_for.id if cover_for else None)


@pytest.fixture
def rota(engine: Engine, team: dict[str, Staff]) -> None:
    """From nine to five: Ann on duty, Bob second, Dee the duty manager."""
    kinds = {"ann": ShiftKind.ON_DUTY, "bob": ShiftKind.SECOND, "dee": ShiftKind.DUTY_MANAGER}
    with engine.begin() as connection:
        add_shifts(connection, [shift(team[name], kind) for name, kind in kinds.items()])
