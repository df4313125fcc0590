"""The form by which content is approved or sent back: what was sent, checked."""

from __future__ import annotations

from dataclasses import dataclass

from sanic import Request

from safeguarding.content.signing import Decision
from web.console.services import field

LONGEST_NOTE = 10_000


@dataclass(frozen=True)
class DecisionForm:
    """The fields as they were sent; all empty on a fresh page."""

    decision: str = ""
    note: str = ""
    digest: str = ""
    """Of the words that were on the page when it was sent."""

    @classmethod
    def sent_in(cls, request: Request) -> DecisionForm:
        """Read the fields of a request. Browsers end lines with CR LF; records end them with LF."""
        note = field(request, "note").replace("\r\n", "\n")
        return cls(field(request, "decision"), note, field(request, "digest"))

    def errors(self) -> dict[str, str]:
        """What to say beside which field; empty when the form is right."""
        errors = {}
        if self.decision not in {decision.value for decision in Decision}:
            errors["decision"] = "Select whether you approve these words or send them back"
        if self.decision == Decision.SENT_BACK.value and not self.note.strip():
            errors["note"] = "Enter what is to be changed"
        elif len(self.note) > LONGEST_NOTE:
            errors["note"] = f"The note must be {LONGEST_NOTE:,} characters or less"
        return errors
