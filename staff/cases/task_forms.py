"""The forms of a case's tasks: add one, give it to a colleague, hand it on, mark it as done."""

from __future__ import annotations

from staff.accounts.accounts import Staff
from staff.cases import wording as case_wording
from staff.cases.forms import Check, Work, colleague, note_required, person_required, unchecked
from staff.cases.page import CaseForm
from staff.console.pages import Services


def _check_task(sent: CaseForm) -> dict[str, str]:
    errors = note_required(case_wording.ENTER_ACTION)(sent)
    try:
        sent.day("due_on")
    except ValueError:
        errors["due_on"] = case_wording.REAL_DATE
    return errors


def _add(console: Services, case_id: str, sent: CaseForm, who: Staff) -> None:
    chosen = sent.get("to")
    given_to = colleague(console, case_id, chosen) if chosen else None
    due_on = sent.day("due_on")
    console.casework.add_action(case_id, sent.get("note"), due_on, by=who.id, given_to=given_to)


def _hand_on(console: Services, case_id: str, sent: CaseForm, who: Staff) -> None:
    to = colleague(console, case_id, sent.get("to"))
    console.casework.hand_on_action(case_id, sent.get("action"), to, by=who.id)


def _finish(console: Services, case_id: str, sent: CaseForm, who: Staff) -> None:
    console.casework.finish_action(case_id, sent.get("action"), by=who.id)


TASK_WORKS: dict[str, tuple[Check, Work]] = {
    "action": (_check_task, _add),
    "handon": (person_required, _hand_on),
    "finish": (unchecked, _finish),
}
"""The forms, by the last part of their address."""
