"""The pages of the rota: shifts, cover, and how a member of staff wants to be told of alerts."""

from __future__ import annotations

import asyncio
import re
from datetime import date, datetime, time

import phonenumbers
from sanic import Blueprint, HTTPResponse, Request
from sanic.exceptions import NotFound
from sanic.response import redirect

from safeguarding.clock import LONDON
from safeguarding.taxonomy import Severity
from staff.accounts.accounts import UnknownStaffError
from staff.accounts.auth import requires, session_of
from staff.accounts.permissions import Permission
from staff.console.pages import ROTA, SEE_OTHER, field, services
from staff.console.wording import SELECT_SEVERITY
from staff.rota.rota import ContactPreferences, Shift, ShiftKind
from staff.rota.service import Pattern, ShiftError

DAYS = 14
"""Days that a page shows."""
KINDS = {
    ShiftKind.ON_DUTY: "On duty",
    ShiftKind.SECOND: "Second",
    ShiftKind.DUTY_MANAGER: "Duty manager",
}
KIND_HINTS = {
    ShiftKind.ON_DUTY: "is told first",
    ShiftKind.SECOND: "is told when nobody has opened the case in time",
    ShiftKind.DUTY_MANAGER: "is told last, and at once when nobody is on duty",
}
SELECT_PERSON = "Select a person"
SELECT_KIND = "Select what they are on the rota for"
ENTER_DATES = "Enter a day"
ENTER_TIMES = "Enter from when until when"
NO_SUCH_DAYS = "Between these days there is none to add, or more than a year"
COVER_WITHIN = "Cover is by somebody else, and within the shift"
ENTER_EMAIL = "Enter an email address, like name@council.gov.uk"
ENTER_PHONE = "Enter a phone number, like 07700 900 982"
ENTER_HOURS = "Enter two hours from 0 to 23, or leave both empty"

_KINDS = {kind.value: kind for kind in ShiftKind}
_SEVERITIES = {each.label: each for each in Severity if each > Severity.NONE}
_SHIFT_FIELDS = ("staff", "kind", "first", "last", "start", "end", "working_days")
_PREFERENCE_FIELDS = ("email", "phone", "sms_from", "quiet_from", "quiet_to")
_EMAIL = re.compile(r"[^@\s,;<>\"]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_HOUR = re.compile(r"0*(1?[0-9]|2[0-3])")

rota = Blueprint("rota")
contact_preferences = Blueprint("contact_preferences", url_prefix=f"{ROTA}/ways")


@rota.get(ROTA)
@requires(Permission.READ_ROTA)
async def two_weeks(request: Request) -> HTTPResponse:
    """Show two weeks from today or from `?from=`, with the form to add shifts for those who may."""
    return await _page(request, {})


@rota.post(ROTA)
@requires(Permission.MANAGE_ROTA)
async def add(request: Request) -> HTTPResponse:
    """Add the same hours for several days."""
    pattern, errors = _pattern(request)
    if pattern is not None:
        try:
            number = await asyncio.to_thread(
                services(request).rota.add, pattern, by=session_of(request).staff.id
            )
        except ShiftError:
            errors["last"] = NO_SUCH_DAYS
        except UnknownStaffError:
            errors["staff"] = SELECT_PERSON
        else:
            return redirect(
                f"{ROTA}?from={pattern.first.isoformat()}&added={number}", status=SEE_OTHER
            )
    return await _page(request, errors, 400)


@rota.get(f"{ROTA}/shift/<shift_id:int>")
@requires(Permission.READ_ROTA)
async def shift_page(request: Request, shift_id: int) -> HTTPResponse:
    """Show one shift, with the forms to arrange cover and to remove it."""
    return await _shift_page(request, await _shift(request, shift_id), {})


@rota.post(f"{ROTA}/shift/<shift_id:int>/cover")
@requires(Permission.MANAGE_ROTA)
async def cover(request: Request, shift_id: int) -> HTTPResponse:
    """Let another member of staff cover the shift or a part of it."""
    shift = await _shift(request, shift_id)
    start, end = _moment(request, "start"), _moment(request, "end")
    errors = {} if start and end else {"start": ENTER_TIMES}
    if start and end:
        try:
            await asyncio.to_thread(
                services(request).rota.cover,
                shift_id,
                field(request, "staff"),
                start,
                end,
                by=session_of(request).staff.id,
            )
        except ShiftError:
            errors["start"] = COVER_WITHIN
        except UnknownStaffError:
            errors["staff"] = SELECT_PERSON
    if errors:
        return await _shift_page(request, shift, errors, 400)
    return _back(shift)


@rota.post(f"{ROTA}/shift/<shift_id:int>/remove")
@requires(Permission.MANAGE_ROTA)
async def remove(request: Request, shift_id: int) -> HTTPResponse:
    """Take a shift off the rota."""
    shift = await _shift(request, shift_id)
    by = session_of(request).staff.id
    await asyncio.to_thread(services(request).rota.remove, shift_id, by=by)
    return _back(shift)


@contact_preferences.get("")
@requires(Permission.READ_ROTA)
async def show(request: Request) -> HTTPResponse:
    """Show the reader's own preferences."""
    staff_id = session_of(request).staff.id
    stored = await asyncio.to_thread(services(request).rota.preferences, staff_id)
    form = {
        "email": stored.email or "",
        "phone": stored.phone or "",
        "sms_from": stored.sms_from.label,
        "quiet_from": "" if stored.quiet_from is None else str(stored.quiet_from),
        "quiet_to": "" if stored.quiet_to is None else str(stored.quiet_to),
    }
    return _preferences_page(request, form, {})


@contact_preferences.post("")
@requires(Permission.READ_ROTA)
async def save(request: Request) -> HTTPResponse:
    """Store the reader's own preferences; no one can set another person's."""
    form = {name: field(request, name).strip() for name in _PREFERENCE_FIELDS}
    phone, hours = _international(form["phone"]), (form["quiet_from"], form["quiet_to"])
    errors = {}
    if form["email"] and not _EMAIL.fullmatch(form["email"]):
        errors["email"] = ENTER_EMAIL
    if form["phone"] and phone is None:
        errors["phone"] = ENTER_PHONE
    if form["sms_from"] not in _SEVERITIES:
        errors["sms_from"] = SELECT_SEVERITY
    if any(hours) and not all(_HOUR.fullmatch(hour) for hour in hours):
        errors["quiet_from"] = ENTER_HOURS
    if errors:
        return _preferences_page(request, form, errors, 400)
    staff_id = session_of(request).staff.id
    preferences = ContactPreferences(
        staff_id,
        form["email"] or None,
        phone,
        _SEVERITIES[form["sms_from"]],
        *(int(hour) if hour else None for hour in hours),
    )
    await asyncio.to_thread(services(request).rota.set_preferences, preferences, by=staff_id)
    return redirect(f"{ROTA}?saved=ways", status=SEE_OTHER)


async def _page(request: Request, errors: dict[str, str], status: int = 200) -> HTTPResponse:
    console = services(request)
    first = _date(str(request.args.get("from") or "")) or _today(request)
    days = await asyncio.to_thread(console.rota.days, first, DAYS)
    shifts = [shift for day in days for shift in day.shifts]
    staff, names = await _people(request, shifts)
    unreachable = await asyncio.to_thread(
        console.rota.unreachable, {shift.staff_id for shift in shifts}
    )
    return console.pages.render(
        "rota.html",
        status=status,
        session=session_of(request),
        days=days,
        names=names,
        unreachable=unreachable,
        refused=console.refused_way_phrases.lines(await asyncio.to_thread(console.rota.refused)),
        on_duty_now=await asyncio.to_thread(console.rota.on_duty_now),
        staff=staff,
        may_change=_may_change(request),
        errors=errors,
        form={name: field(request, name) for name in _SHIFT_FIELDS},
        first=first,
        kinds=KINDS,
        kind_hints=KIND_HINTS,
        added=str(request.args.get("added") or ""),
        saved=str(request.args.get("saved") or ""),
    )


async def _shift_page(
    request: Request, shift: Shift, errors: dict[str, str], status: int = 200
) -> HTTPResponse:
    staff, names = await _people(request, [shift])
    return services(request).pages.render(
        "rota_shift.html",
        status=status,
        session=session_of(request),
        shift=shift,
        kinds=KINDS,
        names=names,
        staff=[each for each in staff if each != shift.staff_id],
        may_change=_may_change(request),
        errors=errors,
        chosen=field(request, "staff"),
        start=field(request, "start") or _local(shift.starts_at),
        end=field(request, "end") or _local(shift.ends_at),
    )


async def _people(request: Request, shifts: list[Shift]) -> tuple[list[str], dict[str, str]]:
    """Return the ids of staff who may be on the rota; shown names of these and of these shifts."""
    console = services(request)
    staff = await asyncio.to_thread(console.rota.staff)
    covered = {shift.cover_for for shift in shifts if shift.cover_for}
    ids = {*staff, *(shift.staff_id for shift in shifts), *covered}
    return staff, await asyncio.to_thread(console.accounts.shown_names, ids)


async def _shift(request: Request, shift_id: int) -> Shift:
    # A larger number does not fit the column: PostgreSQL would raise an error.
    fits = shift_id < 1 << 31
    shift = await asyncio.to_thread(services(request).rota.shift, shift_id) if fits else None
    if shift is None:
        raise NotFound
    return shift


def _may_change(request: Request) -> bool:
    return session_of(request).staff.may(Permission.MANAGE_ROTA)


def _pattern(request: Request) -> tuple[Pattern | None, dict[str, str]]:
    kind = _KINDS.get(field(request, "kind"))
    first, last = _date(field(request, "first")), _date(field(request, "last"))
    start, end = _time(field(request, "start")), _time(field(request, "end"))
    wrong = {
        "staff": None if field(request, "staff") else SELECT_PERSON,
        "kind": None if kind else SELECT_KIND,
        "first": None if first else ENTER_DATES,
        "last": None if last else ENTER_DATES,
        "start": None if start is not None and end is not None else ENTER_TIMES,
    }
    errors = {name: words for name, words in wrong.items() if words}
    if errors or kind is None or first is None or last is None or start is None or end is None:
        return None, errors
    working_days = field(request, "working_days") == "yes"
    return Pattern(field(request, "staff"), kind, first, last, start, end, working_days), {}


def _back(shift: Shift) -> HTTPResponse:
    day = shift.starts_at.astimezone(LONDON).date()
    return redirect(f"{ROTA}?from={day.isoformat()}", status=SEE_OTHER)


def _today(request: Request) -> date:
    return services(request).now().astimezone(LONDON).date()


def _date(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    # The calendar of bank holidays covers these years.
    return day if 2020 <= day.year <= 2100 else None  # noqa: PLR2004


def _time(text: str) -> time | None:
    try:
        return time.fromisoformat(text).replace(tzinfo=None) if text else None
    except ValueError:
        return None


def _moment(request: Request, name: str) -> datetime | None:
    """Return a date-and-time field, read as London time; None when it is not one."""
    try:
        return datetime.fromisoformat(field(request, name)).replace(tzinfo=LONDON)
    except ValueError:
        return None


def _local(at: datetime) -> str:
    return at.astimezone(LONDON).strftime("%Y-%m-%dT%H:%M")


def _preferences_page(
    request: Request, form: dict[str, str], errors: dict[str, str], status: int = 200
) -> HTTPResponse:
    return services(request).pages.render(
        "rota_ways.html", status=status, session=session_of(request), form=form, errors=errors
    )


def _international(phone: str) -> str | None:
    """Return a phone number in international form; None when it is not one."""
    try:
        number = phonenumbers.parse(phone, "GB")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
