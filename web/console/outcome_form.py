"""The outcome form: what was sent, checked, with an error for each field that needs one."""

from __future__ import annotations

from dataclasses import dataclass

from sanic import Request

from safeguarding.escalations.recorded import Outcome
from safeguarding.taxonomy import Severity
from web.console.services import field

LONGEST_NOTE = 10_000
AGREE = "agree"


@dataclass(frozen=True)
class OutcomeForm:
    """The fields as they were sent; all empty on a fresh page."""

    outcome: str = ""
    note: str = ""
    severity: str = AGREE
    missed: bool = False
    """Whether something was not heard."""

    @classmethod
    def sent_in(cls, request: Request) -> OutcomeForm:
        """Read the fields of a request. Browsers end lines with CR LF; records end them with LF."""
        note = field(request, "note").replace("\r\n", "\n")
        severity, missed = field(request, "severity") or AGREE, field(request, "missed") == "yes"
        return cls(field(request, "outcome"), note, severity, missed)

    def errors(self) -> dict[str, str]:
        """What to say beside which field; empty when the form is right."""
        errors = {}
        if self.outcome not in {outcome.value for outcome in Outcome}:
            errors["outcome"] = "Select what was done"
        if not self.note.strip():
            errors["note"] = "Enter why, in a sentence or two"
        elif len(self.note) > LONGEST_NOTE:
            errors["note"] = f"The note must be {LONGEST_NOTE:,} characters or less"
        if self.severity not in {AGREE, *(severity.label for severity in Severity)}:
            errors["severity"] = "Select how serious you find it"
        return errors

    def judged(self) -> Severity | None:
        """The severity staff chose; None where they agree with the assessment."""
        return None if self.severity == AGREE else Severity.named(self.severity)
