"""The forms about the child of a case: what staff know of them, and other cases of theirs."""

from __future__ import annotations

from staff.accounts.accounts import Staff
from staff.cases import wording as case_wording
from staff.cases.cases import UnknownCaseError
from staff.cases.child import DetailKind, checked
from staff.cases.forms import Check, FormRefusedError, Work, note_required, unchecked
from staff.cases.links import CaseLinkError
from staff.cases.page import CaseForm
from staff.console.pages import Services

_WRONG = {
    DetailKind.AGE: case_wording.REAL_AGE,
    DetailKind.KNOWN_PUPIL: case_wording.DETAIL_LENGTH,
}


def _check_details(sent: CaseForm) -> dict[str, str]:
    errors = {}
    for kind, message in _WRONG.items():
        try:
            checked(kind, sent.get(kind.value))
        except ValueError:
            errors[kind.value] = message
    return errors


def _record_details(console: Services, case_id: str, sent: CaseForm, who: Staff) -> None:
    console.cases.find(case_id)
    for kind in DetailKind:
        # The field holds what is on record already; what nobody changed is not recorded again.
        value = checked(kind, sent.get(kind.value))
        if value != sent.get(f"{kind.value}_before").strip():
            console.child_details.record(case_id, kind, value, by=who.id)


def _check_link(sent: CaseForm) -> dict[str, str]:
    errors = note_required(case_wording.ENTER_WHY_LINKED)(sent)
    if not sent.get("reference").strip():
        errors = {"reference": case_wording.UNKNOWN_REFERENCE} | errors
    return errors


def _link(console: Services, case_id: str, sent: CaseForm, who: Staff) -> None:
    try:
        other = console.cases.of_reference(sent.get("reference"), who.areas)
        console.links.link(case_id, other.id, sent.get("note"), by=who.id, areas=who.areas)
    except UnknownCaseError:
        raise FormRefusedError("reference", case_wording.UNKNOWN_REFERENCE) from None
    except CaseLinkError:
        raise FormRefusedError("reference", case_wording.CANNOT_LINK) from None


def _unlink(console: Services, case_id: str, sent: CaseForm, who: Staff) -> None:
    console.links.unlink(case_id, sent.get("link"), by=who.id, areas=who.areas)


CHILD_WORKS: dict[str, tuple[Check, Work]] = {
    "detail": (_check_details, _record_details),
    "link": (_check_link, _link),
    "unlink": (unchecked, _unlink),
}
"""The forms, by the last part of their address."""
