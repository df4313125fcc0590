"""The rota: who is on duty when, who covers, how each is told; and the way from an alert in."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import date, datetime, time

import phonenumbers
from sanic import Blueprint, HTTPResponse, Request
from sanic.exceptions import NotFound
from sanic.response import json, redirect

from safeguarding.clock import LONDON
from safeguarding.taxonomy import Severity
from staff.accounts.accounts import UnknownStaffError
from staff.accounts.auth import requires, session_of
from staff.accounts.permissions import Permission
from staff.alerts.reach import ContactPreferences
from staff.console import wording
from staff.console.composition import services
from staff.console.pages import ROTA, SEE_OTHER, address_of, field
from staff.rota.rota import Shift, ShiftKind
from staff.rota.service import Pattern, ShiftError

DAYS = 14
_KINDS = {kind.value: kind for kind in ShiftKind}
_SEVERITIES = {each.label: each for each in Severity if each > Severity.NONE}
_EMAIL = re.compile(r"[^@\s,;<>\"]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_LAST_HOUR = 23

rota = Blueprint("rota")


@rota.get("/escalations/find/<reference:str>")
@requires(Permission.READ_CASES)
async def find(request: Request, reference: str) -> HTTPResponse:
    """From the link of an alert to its case: short enough for a text message."""
    case_id = await asyncio.to_thread(services(request).rota.case_of, reference)
    if case_id is None:
        raise NotFound
    return redirect(address_of(case_id))


@rota.get("/live/alerts")
@requires(Permission.READ_CASES)
async def alerts_to_show(request: Request) -> HTTPResponse:
    """The open alerts that have come to the reader, for their browser to show."""
    staff_id = session_of(request).staff.id
    waiting = await asyncio.to_thread(services(request).rota.waiting_for, staff_id)
    shown = [
        {
            "id": each.alert_id,
            "title": wording.alert_title(each.severity),
            "body": each.reference,
            "href": address_of(each.case_id),
        }
        for each in waiting
    ]
    return json({"alerts": shown})


@rota.get(ROTA)
@requires(Permission.READ_ROTA)
async def listed(request: Request) -> HTTPResponse:
    """The coming two weeks, or those from `?from=`; with the form to add, for whoever may."""
    return await _page(request, {})


@rota.post(ROTA)
@requires(Permission.MANAGE_ROTA)
async def add(request: Request) -> HTTPResponse:
    """Put the same hours on the rota for several days."""
    pattern, errors = _pattern(request)
    if pattern is not None:
        try:
            number = await asyncio.to_thread(
                services(request).rota.add, pattern, by=session_of(request).staff.id
            )
        except ShiftError:
            errors["last"] = wording.NO_SUCH_DAYS
        except UnknownStaffError:
            errors["staff"] = wording.SELECT_PERSON
        else:
            return redirect(
                f"{ROTA}?from={pattern.first.isoformat()}&added={number}", status=SEE_OTHER
            )
    return await _page(request, errors, 400)


@rota.get(f"{ROTA}/shift/<shift_id:int>")
@requires(Permission.READ_ROTA)
async def shift_page(request: Request, shift_id: int) -> HTTPResponse:
    """One shift: who covers for it, and taking it off."""
    return await _shift_page(request, await _shift(request, shift_id), {})


@rota.post(f"{ROTA}/shift/<shift_id:int>/cover")
@requires(Permission.MANAGE_ROTA)
async def cover(request: Request, shift_id: int) -> HTTPResponse:
    """Have somebody take the place of its person, for all of it or a part."""
    shift = await _shift(request, shift_id)
    start, end = _moment(request, "start"), _moment(request, "end")
    errors = {} if start and end else {"start": wording.ENTER_TIMES}
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
            errors["start"] = wording.COVER_WITHIN
        except UnknownStaffError:
            errors["staff"] = wording.SELECT_PERSON
    if errors:
        return await _shift_page(request, shift, errors, 400)
    return _back(shift)


@rota.post(f"{ROTA}/shift/<shift_id:int>/remove")
@requires(Permission.MANAGE_ROTA)
async def remove(request: Request, shift_id: int) -> HTTPResponse:
    """Take it off the rota."""
    shift = await _shift(request, shift_id)
    by = session_of(request).staff.id
    await asyncio.to_thread(services(request).rota.remove, shift_id, by=by)
    return _back(shift)


@rota.get(f"{ROTA}/ways")
@requires(Permission.READ_ROTA)
async def ways_page(request: Request) -> HTTPResponse:
    """How the reader is told of alerts."""
    console, session = services(request), session_of(request)
    kept = await asyncio.to_thread(console.rota.ways, session.staff.id)
    return _ways_page(request, WaysForm.of(kept), {})


@rota.post(f"{ROTA}/ways")
@requires(Permission.READ_ROTA)
async def set_ways(request: Request) -> HTTPResponse:
    """Keep how the reader is told: everybody's own alone."""
    console, session = services(request), session_of(request)
    form = WaysForm.sent_in(request)
    errors = form.errors()
    if errors:
        return _ways_page(request, form, errors, 400)
    ways = form.ways(session.staff.id)
    await asyncio.to_thread(console.rota.set_ways, ways, by=session.staff.id)
    return redirect(f"{ROTA}?saved=ways", status=SEE_OTHER)


@dataclass(frozen=True)
class WaysForm:
    """The fields of the form as they were sent."""

    email: str = ""
    phone: str = ""
    sms_from: str = Severity.URGENT.label
    quiet_from: str = ""
    quiet_to: str = ""

    @classmethod
    def of(cls, ways: ContactPreferences) -> WaysForm:
        """What is kept, as the form shows it."""
        hours = ["" if hour is None else str(hour) for hour in (ways.quiet_from, ways.quiet_to)]
        return cls(ways.email or "", ways.phone or "", ways.sms_from.label, *hours)

    @classmethod
    def sent_in(cls, request: Request) -> WaysForm:
        """Read the fields of a request."""
        return cls(
            field(request, "email").strip(),
            field(request, "phone").strip(),
            field(request, "sms_from"),
            field(request, "quiet_from").strip(),
            field(request, "quiet_to").strip(),
        )

    def errors(self) -> dict[str, str]:
        """What to say beside which field; empty when the form is right."""
        errors = {}
        if self.email and not _EMAIL.fullmatch(self.email):
            errors["email"] = wording.ENTER_EMAIL
        if self.phone and _phone(self.phone) is None:
            errors["phone"] = wording.ENTER_PHONE
        if self.sms_from not in _SEVERITIES:
            errors["sms_from"] = wording.SELECT_SEVERITY
        hours = (self.quiet_from, self.quiet_to)
        if any(hours) and not all(_is_hour(hour) for hour in hours):
            errors["quiet_from"] = wording.ENTER_HOURS
        return errors

    def ways(self, staff_id: str) -> ContactPreferences:
        """What is to be kept of a form without errors."""
        return ContactPreferences(
            staff_id,
            self.email or None,
            _phone(self.phone),
            _SEVERITIES[self.sms_from],
            int(self.quiet_from) if self.quiet_from else None,
            int(self.quiet_to) if self.quiet_to else None,
        )


async def _page(request: Request, errors: dict[str, str], status: int = 200) -> HTTPResponse:
    console = services(request)
    first = _date(str(request.args.get("from") or "")) or _today(request)
    days = await asyncio.to_thread(console.rota.days, first, DAYS)
    names = await _names(request, days_shifts := [shift for day in days for shift in day.shifts])
    silent = await asyncio.to_thread(
        console.rota.without_ways, {shift.staff_id for shift in days_shifts}
    )
    return console.pages.render(
        "rota.html",
        status=status,
        session=session_of(request),
        days=days,
        names=names,
        silent=silent,
        on_duty_now=await asyncio.to_thread(console.rota.on_duty_now),
        staff=await asyncio.to_thread(console.rota.staff),
        may_change=_may_change(request),
        errors=errors,
        form={name: field(request, name) for name in _FIELDS},
        first=first,
        kinds=ShiftKind,
        added=str(request.args.get("added") or ""),
        saved=str(request.args.get("saved") or ""),
    )


_FIELDS = ("staff", "kind", "first", "last", "start", "end", "working_days")


async def _shift_page(
    request: Request, shift: Shift, errors: dict[str, str], status: int = 200
) -> HTTPResponse:
    console = services(request)
    staff = await asyncio.to_thread(console.rota.staff)
    return console.pages.render(
        "rota_shift.html",
        status=status,
        session=session_of(request),
        shift=shift,
        names=await _names(request, [shift]),
        staff=[each for each in staff if each != shift.staff_id],
        may_change=_may_change(request),
        errors=errors,
        chosen=field(request, "staff"),
        start=field(request, "start") or _local(shift.starts_at),
        end=field(request, "end") or _local(shift.ends_at),
    )


def _ways_page(
    request: Request, form: WaysForm, errors: dict[str, str], status: int = 200
) -> HTTPResponse:
    return services(request).pages.render(
        "rota_ways.html", status=status, session=session_of(request), form=form, errors=errors
    )


async def _names(request: Request, shifts: list[Shift]) -> dict[str, str]:
    """The names to show, of those on the rota and of those who may be."""
    console = services(request)
    staff = await asyncio.to_thread(console.rota.staff)
    covered = {shift.cover_for for shift in shifts if shift.cover_for}
    ids = {*staff, *(shift.staff_id for shift in shifts), *covered}
    return await asyncio.to_thread(console.accounts.shown_names, ids)


async def _shift(request: Request, shift_id: int) -> Shift:
    # Beyond what the databases hold there is no shift.
    known = shift_id < 1 << 31
    found = await asyncio.to_thread(services(request).rota.shift, shift_id) if known else None
    if found is None:
        raise NotFound
    return found


def _may_change(request: Request) -> bool:
    return session_of(request).staff.may(Permission.MANAGE_ROTA)


def _pattern(request: Request) -> tuple[Pattern | None, dict[str, str]]:
    kind = _KINDS.get(field(request, "kind"))
    first, last = _date(field(request, "first")), _date(field(request, "last"))
    start, end = _time(field(request, "start")), _time(field(request, "end"))
    wrong = {
        "staff": None if field(request, "staff") else wording.SELECT_PERSON,
        "kind": None if kind else wording.SELECT_KIND,
        "first": None if first else wording.ENTER_DATES,
        "last": None if last else wording.ENTER_DATES,
        "start": None if start is not None and end is not None else wording.ENTER_TIMES,
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
        found = date.fromisoformat(text)
    except ValueError:
        return None
    # Years that a calendar of bank holidays knows.
    return found if 2020 <= found.year <= 2100 else None  # noqa: PLR2004


def _time(text: str) -> time | None:
    try:
        return time.fromisoformat(text).replace(tzinfo=None) if text else None
    except ValueError:
        return None


def _moment(request: Request, name: str) -> datetime | None:
    """A field of a date with a time, by London's clock."""
    try:
        return datetime.fromisoformat(field(request, name)).replace(tzinfo=LONDON)
    except ValueError:
        return None


def _local(at: datetime) -> str:
    return at.astimezone(LONDON).strftime("%Y-%m-%dT%H:%M")


def _phone(text: str) -> str | None:
    """A number in international form; None when it is none."""
    try:
        number = phonenumbers.parse(text, "GB")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _is_hour(text: str) -> bool:
    return text.isascii() and text.isdigit() and int(text) <= _LAST_HOUR
