"""The forms of the page of a case: their fields, and the errors in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime

from sanic import Request

from safeguarding.clock import LONDON
from safeguarding.escalation import Outcome
from safeguarding.taxonomy import Severity, taxonomy
from staff.cases import wording as case_wording
from staff.cases.casework import REFERRED_BY, REFERRED_TO
from staff.console import wording
from staff.console.pages import LONGEST_NOTE, note_in, number_in, written_in

AGREE = "agree"
"""Value of the severity field where staff agree with the assessment."""
LONGEST_REFERENCE = 200
"""Characters in the other service's reference of a referral."""


@dataclass(frozen=True)
class CaseForm:
    """A form as it was sent; empty on a fresh page."""

    work: str = ""
    """The form: a key of CHECKS."""
    fields: dict[str, str] = field(default_factory=dict)
    chosen: tuple[str, ...] = ()
    """The values of its ticked boxes."""
    written: str = ""
    """Everything that was typed, for the page to give back."""
    version: int | None = None
    """The version of the case on its page."""
    seen: int = 0
    """The number of the newest event on its page."""

    @classmethod
    def by(cls, request: Request, work: str) -> CaseForm:
        """Read the fields of a request."""
        form = request.form
        fields = {name: str(values[0]) for name, values in (form or {}).items()}
        fields["note"] = note_in(request)
        return cls(
            work=work,
            fields=fields,
            chosen=tuple(map(str, form.getlist("chosen", []))) if form else (),
            written=written_in(request),
            version=number_in(fields.get("version", "")),
            seen=number_in(fields.get("seen", "")) or 0,
        )

    def get(self, name: str) -> str:
        """Return a field; empty where it was not sent."""
        return self.fields.get(name, "")

    def kept(self, work: str, name: str, otherwise: str = "") -> str:
        """Return what was typed into a field of the form `work`, if this is that form."""
        return self.get(name) if self.work == work else otherwise

    def errors(self) -> dict[str, str]:
        """Return the error messages by the ids of their fields; empty where there is none."""
        errors = CHECKS[self.work](self)
        return {f"{self.work}-{name}": message for name, message in errors.items()}

    def judged(self) -> Severity | None:
        """Return the severity that staff chose; None where they agree with the assessment."""
        severity = self.get("severity") or AGREE
        return None if severity == AGREE else Severity.named(severity)

    def day(self, name: str) -> date | None:
        """Return a date, or None where the field is empty. Raises ValueError."""
        return date.fromisoformat(self.get(name)) if self.get(name) else None

    def moment(self, name: str) -> datetime | None:
        """Return a time in London, or None where the field is empty. Raises ValueError."""
        if not self.get(name):
            return None
        return datetime.fromisoformat(self.get(name)).replace(tzinfo=LONDON)


def _no_check(_sent: CaseForm) -> dict[str, str]:
    return {}


def _note_required(missing: str) -> Callable[[CaseForm], dict[str, str]]:
    def check(sent: CaseForm) -> dict[str, str]:
        note = sent.get("note")
        if not note.strip():
            return {"note": missing}
        return _too_long(note)

    return check


def _too_long(note: str) -> dict[str, str]:
    return {"note": wording.note_too_long(LONGEST_NOTE)} if len(note) > LONGEST_NOTE else {}


def _person(sent: CaseForm) -> dict[str, str]:
    return {} if sent.get("to") else {"to": case_wording.SELECT_PERSON}


def _handover(sent: CaseForm) -> dict[str, str]:
    return _person(sent) | _note_required(case_wording.ENTER_WHY)(sent)


def _severity(sent: CaseForm) -> dict[str, str]:
    known = {"", AGREE, *(severity.label for severity in Severity)}
    return {} if sent.get("severity") in known else {"severity": wording.SELECT_SEVERITY}


def _outcome(sent: CaseForm) -> dict[str, str]:
    known = sent.get("outcome") in {outcome.value for outcome in Outcome}
    errors = {} if known else {"outcome": wording.SELECT_OUTCOME}
    return errors | _note_required(wording.ENTER_REASON)(sent) | _severity(sent)


def _action(sent: CaseForm) -> dict[str, str]:
    errors = _note_required(case_wording.ENTER_ACTION)(sent)
    try:
        sent.day("due_on")
    except ValueError:
        errors["due_on"] = case_wording.REAL_DATE
    return errors


def _correct(sent: CaseForm) -> dict[str, str]:
    errors = _severity(sent) | _note_required(case_wording.ENTER_WHY)(sent)
    if not set(sent.chosen) <= set(taxonomy().risk_categories):
        errors["chosen"] = case_wording.ENTER_WHY
    return errors


def _refer(sent: CaseForm) -> dict[str, str]:
    errors = {}
    if sent.get("to_whom") not in REFERRED_TO:
        errors["to_whom"] = case_wording.SELECT_RECEIVER
    if sent.get("how") not in REFERRED_BY:
        errors["how"] = case_wording.SELECT_WAY
    made, note = sent.get("made"), sent.get("note")
    if made not in {"yes", "no"}:
        errors["made"] = case_wording.SELECT_MADE
    try:
        if made == "yes" and sent.moment("made_at") is None:
            errors["made_at"] = case_wording.ENTER_MADE_AT
    except ValueError:
        errors["made_at"] = case_wording.REAL_TIME
    if len(sent.get("reference")) > LONGEST_REFERENCE:
        errors["reference"] = case_wording.REFERENCE_LENGTH
    if made == "no" and not note.strip():
        errors["note"] = case_wording.ENTER_WHY_NOT
    return errors | _too_long(note)


def _merge(sent: CaseForm) -> dict[str, str]:
    return {} if sent.get("reference").strip() else {"reference": case_wording.UNKNOWN_REFERENCE}


def _split(sent: CaseForm) -> dict[str, str]:
    return {} if sent.chosen else {"chosen": case_wording.SELECT_MESSAGES}


CHECKS: dict[str, Callable[[CaseForm], dict[str, str]]] = {
    "": _no_check,
    "assign": _person,
    "handover": _handover,
    "accept": _no_check,
    "return": _note_required(case_wording.ENTER_WHY),
    "note": _note_required(case_wording.ENTER_NOTE),
    "action": _action,
    "finish": _no_check,
    "correct": _correct,
    "refer": _refer,
    "outcome": _outcome,
    "agree": _no_check,
    "disagree": _note_required(case_wording.ENTER_WHY),
    "reopen": _note_required(case_wording.ENTER_WHY),
    "merge": _merge,
    "separate": _no_check,
    "split": _split,
    "hold": _no_check,
    "release": _no_check,
}
