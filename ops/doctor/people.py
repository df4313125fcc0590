"""Checks of the people who read hand-offs: leads, second steps, the rota, and mail to them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ops.doctor import Check, Finding, Installation, not_ready, ok
from ops.doctor.records import newest_event
from safeguarding.clock import LONDON, is_day_off
from safeguarding.content.phrases import read_phrases
from safeguarding.settings import Settings, SettingsError
from safeguarding.taxonomy import CONTENT, Severity
from staff.accounts.accounts import StaffAccounts
from staff.accounts.permissions import Role
from staff.accounts.tables import staff_passkeys, staff_sign_ons, staff_totp
from staff.accounts.wrong_codes import SIGNED_IN
from staff.alerts.channels.channel import ChannelSetup, configured_channels
from staff.alerts.formatter import Notice
from staff.alerts.outbox import Alert, deliveries
from staff.alerts.queue import Delivery
from staff.audit.trail import audit_events, record_command
from staff.rota import rota
from staff.rota.rota import EMAIL, ShiftKind, Span
from staff.rota.service import RotaService
from storage.engine import READING

LEADS = 2
AHEAD = timedelta(days=7)
MAIL_LASTS = timedelta(days=30)
MAIL_TRIED = "test mail sent"
"""The audit event of a trial mail."""
_REFERENCE = "TEST"


def leads(here: Installation) -> Finding:
    """Check that there are two leads: content about risk needs two signatures."""
    of_role = [each for each in StaffAccounts(here.engine).in_use() if each.role is Role.LEAD]
    admitted = [each.shown_name for each in of_role if each.admitted]
    if len(admitted) < LEADS:
        return not_ready(
            f"{len(admitted)} of {LEADS} leads", "open an account for a second person: Accounts"
        )
    return ok(", ".join(admitted))


def second_steps(here: Installation) -> Finding:
    """Check that every account in use has set up a second step."""
    with here.engine.connect().execution_options(**READING) as connection:
        apps = sa.select(staff_totp.c.staff_id).where(staff_totp.c.in_use)
        secured = set(connection.execute(apps).scalars())
        secured |= set(connection.execute(sa.select(staff_passkeys.c.staff_id)).scalars())
        secured |= _secured_by_provider(connection)
    without = [each.name for each in StaffAccounts(here.engine).in_use() if each.id not in secured]
    if without:
        return not_ready(
            f"without: {', '.join(without)}", "each signs in and sets it up, or is disabled"
        )
    return ok("everybody has one")


def on_the_rota(here: Installation) -> Finding:
    """Check that the next seven days have staff to alert at every hour, on duty on working days."""
    start = here.now()
    with here.engine.connect().execution_options(**READING) as connection:
        duty = rota.windows(connection, start, start + AHEAD)
        reached = _reached(connection, here, start)
    gap = next(iter(gaps(sorted(reached), start, start + AHEAD)), None)
    if gap is not None:
        return not_ready(
            f"nobody who can be reached is on duty or duty manager from {_as_text(gap[0])}",
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
    """Check that everyone who reads cases can be alerted."""
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
    """Check that the mail server has accepted a mail in the last 30 days."""
    sent = sa.select(sa.func.max(deliveries.c.sent_at)).where(deliveries.c.channel == EMAIL)
    with here.engine.connect().execution_options(**READING) as connection:
        times = (connection.execute(sent).scalar(), newest_event(connection, MAIL_TRIED))
    newest = max((each for each in times if each is not None), default=None)
    if newest is None or here.now() - newest > MAIL_LASTS:
        return not_ready(
            "no mail was sent in the last 30 days", "lantern doctor --send-mail-to ADDRESS"
        )
    return ok(f"one was taken on {newest.date().isoformat()}; see that such mails arrive")


def _secured_by_provider(connection: Connection) -> set[str]:
    """Return the linked accounts whose last sign-in passed the second step of the provider."""
    linked = set(connection.execute(sa.select(staff_sign_ons.c.staff_id)).scalars())
    row = audit_events.c
    sign_ins = sa.select(row.who, row.detail).where(row.what == SIGNED_IN, row.who.in_(linked))
    last = {each.who: each.detail for each in connection.execute(sign_ins.order_by(row.id))}
    return {who for who, detail in last.items() if detail.get("second_step")}


def gaps(spans: Iterable[Span], start: datetime, end: datetime) -> Iterable[Span]:
    """Yield the parts of a period that the spans, ordered by their start, do not cover."""
    at = start
    for first, last in spans:
        if first > at:
            yield at, min(first, end)
        at = max(at, last)
        if at >= end:
            return
    yield at, end


def _reached(connection: Connection, here: Installation, start: datetime) -> list[Span]:
    """Return the shifts of staff who are on duty or duty manager and can be alerted."""
    on_call = [
        shift
        for shift in rota.shifts(connection, start, start + AHEAD)
        if shift.kind in {ShiftKind.ON_DUTY, ShiftKind.DUTY_MANAGER}
    ]
    without = RotaService(here.engine, here.now).unreachable({each.staff_id for each in on_call})
    return [(each.starts_at, each.ends_at) for each in on_call if each.staff_id not in without]


def _as_text(at: datetime) -> str:
    return at.astimezone(LONDON).strftime("%a %-d %b %H:%M")


class TrialMailPhrases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The phrases of content/phrases/trial_mail.yml."""

    subject: str
    text: str
    open_line: str
    last_line: str


def send_trial_mail(here: Installation, address: str) -> None:
    """Send a mail by the way of alerts, with an audit event. Raises SettingsError, NotSentError."""
    channel = configured_channels(ChannelSetup(here.settings, here.env)).get(EMAIL)
    if channel is None:
        raise SettingsError("There is no way to send mail: LANTERN_SMTP_HOST, or GOV.UK Notify")
    channel.send(_delivery(here, address), _notice(here.settings))
    record_command(MAIL_TRIED, here.settings)


def _delivery(here: Installation, address: str) -> Delivery:
    alert = Alert("", _REFERENCE, Severity.CONCERN, "", "", here.now(), "new", "test", None)
    number = time.time_ns() // 1_000_000
    return Delivery(number, alert, _REFERENCE, address, None, attempts=1, claimed_by="doctor")


def _notice(settings: Settings) -> Notice:
    say = read_phrases(CONTENT / "phrases").of("trial_mail", TrialMailPhrases)
    link = settings.alerts.console_url
    return Notice(
        subject=say.subject,
        lines=(say.text,),
        link=link,
        open_line=f"{say.open_line} {link}",
        open_button=say.open_line,
        text=say.text,
        last_lines=(say.last_line,),
    )


CHECKS: Mapping[str, Check] = {
    "leads": leads,
    "second steps": second_steps,
    "rota": on_the_rota,
    "ways to be told": reachable,
    "mail": mail,
}
