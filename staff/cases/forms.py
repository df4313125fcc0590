"""What the forms on the page of a case share: how one is checked, carried out and refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from staff.accounts.accounts import Staff, UnknownStaffError
from staff.cases import wording as case_wording
from staff.cases.page import CaseForm, readers_of
from staff.console import wording
from staff.console.pages import LONGEST_NOTE, Services

Check: TypeAlias = Callable[[CaseForm], dict[str, str]]
"""Returns the error messages of a form by the names of its fields."""
Work: TypeAlias = Callable[[Services, str, CaseForm, Staff], str | None]
"""Takes the services, the id of the case, the form and the member of staff.

Returns the page to go on to, or None for that of the case.
"""


class FormRefusedError(Exception):
    """The work cannot be done; carries the name of a field and its error message."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(field)
        self.field = field
        self.message = message


def unchecked(_sent: CaseForm) -> dict[str, str]:
    """Check nothing: the form has no field to fill in."""
    return {}


def field_required(name: str, missing: str) -> Check:
    """Return a check that a field is not empty; `missing` is the error message."""
    return lambda sent: {} if sent.get(name).strip() else {name: missing}


def note_required(missing: str) -> Check:
    """Return a check that the note is neither empty nor too long."""

    def check(sent: CaseForm) -> dict[str, str]:
        note = sent.get("note")
        return too_long(note) if note.strip() else {"note": missing}

    return check


why_required = note_required(case_wording.ENTER_WHY)
person_required = field_required("to", case_wording.SELECT_PERSON)


def too_long(note: str) -> dict[str, str]:
    """Return the error message of a note that is too long."""
    return {"note": wording.note_too_long(LONGEST_NOTE)} if len(note) > LONGEST_NOTE else {}


def colleague(console: Services, case_id: str, to: str) -> str:
    """Return `to` where they may read the case. Raises UnknownStaffError."""
    if all(each.id != to for each in readers_of(console, console.cases.find(case_id))):
        raise UnknownStaffError
    return to
