"""The sentences of the rota pages, for staff."""

from __future__ import annotations

from staff.rota.rota import ShiftKind

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
