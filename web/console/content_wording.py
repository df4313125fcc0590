"""How the console speaks of content: kinds, statuses and readers in plain words."""

from __future__ import annotations

from datetime import date

from safeguarding.content.items import Part
from safeguarding.content.signing import Decided, Decision, Status
from safeguarding.staff import Role
from web.console.wording import label

KINDS = {
    "help_card": "Help card",
    "answer": "Answers",
    "story": "Stories",
    "tool": "Tools",
    "contacts": "Contacts",
    "risk": "What the risk screen looks for",
    "opening": "Opening",
    "pledge": "The pledge",
    "chat_signs": "What is said of a pasted chat",
    "responses": "Between answers",
    "gateway": "When something fails",
    "choices": "Buttons",
    "language": "Language",
}
"""In the order of the list."""

STATUSES = {
    Status.SENT_BACK: ("Sent back", "red"),
    Status.CHANGED: ("Changed since approval", "orange"),
    Status.WAITING: ("Waiting for second person", "yellow"),
    Status.PAST_REVIEW: ("Past review", "red"),
    Status.REVIEW_DUE: ("Review due", "yellow"),
    Status.NEVER: ("Never approved", "grey"),
    Status.APPROVED: ("Approved", "green"),
}
"""Words and colour, in the order in which they ask for attention."""

ROLES = {Role.LEAD: "Safeguarding lead", Role.REVIEWER: "Reviewer"}
DECISIONS = {Decision.APPROVED: "Approved", Decision.SENT_BACK: "Sent back"}

_READERS = {
    "young_person": "young people",
    "parent": "parents and carers",
    "professional": "professionals",
}


def readers(part: Part) -> str:
    """Who reads a part, to stand in a heading."""
    named = [_READERS.get(name, label(name).lower()) for name in part.audiences]
    if not named or len(named) == len(_READERS):
        return "Everyone"
    words = f"{', '.join(named[:-1])} and {named[-1]}" if len(named) > 1 else named[0]
    return words[0].upper() + words[1:]


def day(at: date) -> str:
    """A date as the design system writes it: "25 November 2026"."""
    return f"{at.day} {at:%B %Y}"


def signer(decided: Decided) -> str:
    """Who decided, with the role they had then."""
    roles = {role.value: words for role, words in ROLES.items()}
    return f"{decided.name} ({roles.get(decided.role, decided.role).lower()})"
