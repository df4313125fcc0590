"""The page on which members of staff set how they are told of alerts."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

import phonenumbers
from sanic import Blueprint, HTTPResponse, Request
from sanic.response import redirect

from safeguarding.taxonomy import Severity
from staff.accounts.auth import requires, session_of
from staff.accounts.permissions import Permission
from staff.console import wording as console_wording
from staff.console.composition import services
from staff.console.pages import ROTA, SEE_OTHER, field
from staff.rota import wording
from staff.rota.recipients import ContactPreferences

_SEVERITIES = {each.label: each for each in Severity if each > Severity.NONE}
_EMAIL = re.compile(r"[^@\s,;<>\"]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_LAST_HOUR = 23

contact_preferences = Blueprint("contact_preferences", url_prefix=f"{ROTA}/ways")


@contact_preferences.get("")
@requires(Permission.READ_ROTA)
async def show(request: Request) -> HTTPResponse:
    """Show the reader's own preferences."""
    staff_id = session_of(request).staff.id
    preferences = await asyncio.to_thread(services(request).rota.preferences, staff_id)
    return _page(request, PreferencesForm.of(preferences), {})


@contact_preferences.post("")
@requires(Permission.READ_ROTA)
async def save(request: Request) -> HTTPResponse:
    """Store the reader's own preferences; no one can set another person's."""
    staff_id = session_of(request).staff.id
    form = PreferencesForm.of_request(request)
    if errors := form.errors():
        return _page(request, form, errors, 400)
    preferences = form.preferences(staff_id)
    await asyncio.to_thread(services(request).rota.set_preferences, preferences, by=staff_id)
    return redirect(f"{ROTA}?saved=ways", status=SEE_OTHER)


@dataclass(frozen=True)
class PreferencesForm:
    """The fields of the form, as text."""

    email: str = ""
    phone: str = ""
    sms_from: str = Severity.URGENT.label
    quiet_from: str = ""
    quiet_to: str = ""

    @classmethod
    def of(cls, stored: ContactPreferences) -> PreferencesForm:
        """Return the form for stored preferences."""
        hours = ["" if hour is None else str(hour) for hour in (stored.quiet_from, stored.quiet_to)]
        return cls(stored.email or "", stored.phone or "", stored.sms_from.label, *hours)

    @classmethod
    def of_request(cls, request: Request) -> PreferencesForm:
        """Return the form as it was sent."""
        return cls(
            field(request, "email").strip(),
            field(request, "phone").strip(),
            field(request, "sms_from"),
            field(request, "quiet_from").strip(),
            field(request, "quiet_to").strip(),
        )

    def errors(self) -> dict[str, str]:
        """Return the error message of each wrong field; empty when the form is right."""
        errors = {}
        if self.email and not _EMAIL.fullmatch(self.email):
            errors["email"] = wording.ENTER_EMAIL
        if self.phone and _international(self.phone) is None:
            errors["phone"] = wording.ENTER_PHONE
        if self.sms_from not in _SEVERITIES:
            errors["sms_from"] = console_wording.SELECT_SEVERITY
        hours = (self.quiet_from, self.quiet_to)
        if any(hours) and not all(_is_hour(hour) for hour in hours):
            errors["quiet_from"] = wording.ENTER_HOURS
        return errors

    def preferences(self, staff_id: str) -> ContactPreferences:
        """Return the preferences to store. Call it only on a form without errors."""
        return ContactPreferences(
            staff_id,
            self.email or None,
            _international(self.phone),
            _SEVERITIES[self.sms_from],
            int(self.quiet_from) if self.quiet_from else None,
            int(self.quiet_to) if self.quiet_to else None,
        )


def _page(
    request: Request, form: PreferencesForm, errors: dict[str, str], status: int = 200
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


def _is_hour(text: str) -> bool:
    return text.isascii() and text.isdigit() and int(text) <= _LAST_HOUR
