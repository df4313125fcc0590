"""Leads, second steps, rota, ways to be told, mail."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pyotp
import pytest
import sqlalchemy as sa

from ops.doctor import CheckState, Installation, find
from ops.doctor.people import CHECKS, MAIL_TRIED
from safeguarding.clock import utc_now
from staff.accounts.accounts import StaffAccounts
from staff.accounts.permissions import Role
from staff.accounts.second_step import SecondSteps
from staff.alerts.outbox import alerts, deliveries
from staff.audit.trail import AuditLog
from staff.rota.rota import EMAIL, ContactPreferences, ShiftKind, rota_shifts
from staff.rota.service import RotaService
from tests.records import vault
from tests.unit.ops.doctor.conftest import Team


def state_of(name: str, here: Installation) -> CheckState:
    return find(CHECKS[name], here).state


def test_a_second_lead_is_asked_for(here: Installation, team: Team) -> None:
    accounts = StaffAccounts(here.engine)
    assert find(CHECKS["leads"], here).says == "Ann, Bob"

    accounts.set_role("bob", Role.LEAD, admitted=False)
    assert find(CHECKS["leads"], here).says == "1 of 2 leads"
    accounts.disable("bob")
    assert state_of("leads", here) is CheckState.NOT_READY


def test_an_account_without_a_second_step_is_named(here: Installation, team: Team) -> None:
    steps = SecondSteps(here.engine, vault())
    for each in (team.first, team.second):
        steps.set_up(each, pyotp.TOTP(steps.offered(each)).now())
    assert find(CHECKS["second steps"], here).says == "without: cat"

    steps.set_up(team.administrator, pyotp.TOTP(steps.offered(team.administrator)).now())
    assert state_of("second steps", here) is CheckState.OK


def test_an_hour_in_which_no_staff_can_be_alerted_is_named(here: Installation, team: Team) -> None:
    assert state_of("rota", here) is CheckState.OK

    manager = rota_shifts.c.kind == ShiftKind.DUTY_MANAGER.value
    with here.engine.begin() as connection:
        connection.execute(sa.delete(rota_shifts).where(manager))

    # No shift is left for the weekend.
    found = find(CHECKS["rota"], here)
    assert (found.state, "nobody who can be reached" in found.says) == (CheckState.NOT_READY, True)


def test_a_working_day_without_anybody_on_duty_is_named(here: Installation, team: Team) -> None:
    with here.engine.begin() as connection:
        on_duty = rota_shifts.c.kind == ShiftKind.ON_DUTY.value
        connection.execute(sa.delete(rota_shifts).where(on_duty))

    assert "a working day" in find(CHECKS["rota"], here).says


def test_a_rota_of_people_who_cannot_be_told_covers_nothing(here: Installation, team: Team) -> None:
    RotaService(here.engine).set_preferences(ContactPreferences(team.second), by=team.second)

    assert state_of("rota", here) is CheckState.NOT_READY


def test_a_reader_of_cases_who_cannot_be_alerted_is_named(here: Installation, team: Team) -> None:
    assert state_of("ways to be told", here) is CheckState.OK

    RotaService(here.engine).set_preferences(ContactPreferences(team.first), by=team.first)

    assert find(CHECKS["ways to be told"], here).says == "no way to be told: Ann"


def test_an_installation_without_readers_of_cases_is_not_ready(here: Installation) -> None:
    assert "nobody reads cases" in find(CHECKS["ways to be told"], here).says


@pytest.mark.parametrize("tried", ["by hand", "by an alert"])
def test_mail_that_was_never_tried_is_named(here: Installation, tried: str) -> None:
    assert state_of("mail", here) is CheckState.NOT_READY

    if tried == "by hand":
        AuditLog(here.engine).add("command line", MAIL_TRIED)
    else:
        _send_an_alert(here)

    assert state_of("mail", here) is CheckState.OK
    later = replace(here, now=lambda: utc_now() + timedelta(days=31))
    assert state_of("mail", later) is CheckState.NOT_READY


def _send_an_alert(here: Installation) -> None:
    now = utc_now()
    alert = {
        "case_id": "c1", "reference": "LN-1", "severity": 2, "need": "", "category": "",
        "raised_at": now, "reason": "new", "occasion": "1", "step": 1, "next_at": now,
    }  # fmt: skip
    delivery = {
        "alert_id": 1, "step": 0, "channel": EMAIL, "recipient": "ann", "status": "sent",
        "attempts": 1, "next_at": now, "sent_at": now,
    }  # fmt: skip
    with here.engine.begin() as connection:
        connection.execute(sa.insert(alerts).values(**alert))
        connection.execute(sa.insert(deliveries).values(**delivery))
