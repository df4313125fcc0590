"""Who reads what is handed over: leads, their second step, the rota, the mail that wakes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ops.doctor.finding import Check, Finding, Installation, not_ready, ok
from ops.doctor.records import newest_event
from safeguarding.clock import LONDON, is_day_off
from staff.accounts.accounts import StaffAccounts
from staff.accounts.permissions import Role
from staff.accounts.tables import staff_passkeys, staff_totp
from staff.alerts.tables import deliveries
from staff.rota import rota
from staff.rota.recipients import EMAIL
from staff.rota.rota import ShiftKind, Span
from staff.rota.service import RotaService
from storage.engine import READING

LEADS = 2
AHEAD = timedelta(days=7)
MAIL_LASTS = timedelta(days=30)
MAIL_TRIED = "test mail sent"
"""What was done, in the audit trail."""


def leads(here: Installation) -> Finding:
    """Two leads: words about risk need two signatures, urgent cases two people."""
    found = [each for each in StaffAccounts(here.engine).in_use() if each.role is Role.LEAD]
    admitted = [each.shown_name for each in found if each.admitted]
    if len(admitted) < LEADS:
        return not_ready(
            f"{len(admitted)} of {LEADS} leads", "open an account for a second person: Accounts"
        )
    return ok(", ".join(admitted))


def second_steps(here: Installation) -> Finding:
    """Everybody in use has set up a second step."""
    with here.engine.connect().execution_options(**READING) as connection:
        apps = sa.select(staff_totp.c.staff_id).where(staff_totp.c.in_use)
        secured = set(connection.execute(apps).scalars())
        secured |= set(connection.execute(sa.select(staff_passkeys.c.staff_id)).scalars())
    without = [each.name for each in StaffAccounts(here.engine).in_use() if each.id not in secured]
    if without:
        return not_ready(
            f"without: {', '.join(without)}", "each signs in and sets it up, or is disabled"
        )
    return ok("everybody has one")


def on_the_rota(here: Installation) -> Finding:
    """For seven days somebody is reached at every hour, and is on duty on every working day."""
    start = here.now()
    with here.engine.connect().execution_options(**READING) as connection:
        duty = rota.windows(connection, start, start + AHEAD)
        reached = _reached(connection, here, start)
    gap = next(iter(gaps(sorted(reached), start, start + AHEAD)), None)
    if gap is not None:
        return not_ready(
            f"nobody who can be reached is on duty or duty manager from {_said(gap[0])}",
            "fill the rota; who is on it leaves a way to be told: Rota",
        )
    days = (start.astimezone(LONDON).date() + timedelta(days=number) for number in range(1, 7))
    for day in days:
        begins = datetime.combine(day, datetime.min.time(), LONDON)
        covered = any(a < begins + timedelta(days=1) and b > begins for a, b in duty)
        if not covered and not is_day_off(day):
            return not_ready(
                f"nobody is on duty on {day.isoformat()}, a working day", "fill the rota: Rota"
            )
    return ok("somebody is reached at every hour of the next seven days")


def reachable(here: Installation) -> Finding:
    """Everybody who reads cases has left a way to be told."""
    office = RotaService(here.engine, here.now)
    readers = office.staff()
    without = office.unreachable(readers)
    if not readers or without:
        names = StaffAccounts(here.engine).shown_names(without)
        return not_ready(
            f"no way to be told: {', '.join(sorted(names.values())) or 'nobody reads cases'}",
            "each leaves an email address: Rota, How you are told",
        )
    return ok(f"{len(readers)} can be told")


def mail(here: Installation) -> Finding:
    """The mail server has taken a mail lately."""
    sent = sa.select(sa.func.max(deliveries.c.sent_at)).where(deliveries.c.channel == EMAIL)
    with here.engine.connect().execution_options(**READING) as connection:
        times = (connection.execute(sent).scalar(), newest_event(connection, MAIL_TRIED))
    newest = max((each for each in times if each is not None), default=None)
    if newest is None or here.now() - newest > MAIL_LASTS:
        return not_ready(
            "no mail was sent in the last 30 days", "lantern doctor --send-mail-to ADDRESS"
        )
    return ok(f"one was taken on {newest.date().isoformat()}; see that such mails arrive")


def gaps(spans: Iterable[Span], start: datetime, end: datetime) -> Iterable[Span]:
    """What of a time the spans, in the order of their beginnings, leave open."""
    at = start
    for first, last in spans:
        if first > at:
            yield at, min(first, end)
        at = max(at, last)
        if at >= end:
            return
    yield at, end


def _reached(connection: Connection, here: Installation, start: datetime) -> list[Span]:
    """When somebody who has left a way to be told is on duty or duty manager."""
    found = [
        shift
        for shift in rota.shifts(connection, start, start + AHEAD)
        if shift.kind in {ShiftKind.ON_DUTY, ShiftKind.DUTY_MANAGER}
    ]
    without = RotaService(here.engine, here.now).unreachable({each.staff_id for each in found})
    return [(each.starts_at, each.ends_at) for each in found if each.staff_id not in without]


def _said(at: datetime) -> str:
    return at.astimezone(LONDON).strftime("%a %-d %b %H:%M")


CHECKS: Mapping[str, Check] = {
    "leads": leads,
    "second steps": second_steps,
    "rota": on_the_rota,
    "ways to be told": reachable,
    "mail": mail,
}
