"""The sentences of case files and of the pages to download them, for staff."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from safeguarding.escalation import Outcome
from safeguarding.taxonomy import Severity
from staff.cases import wording as case_wording
from staff.console import wording
from staff.reports.case_file import CaseFileKind, LeftOut
from staff.reports.figures_wording import MARKING, PAGE, made

__all__ = ["MARKING", "PAGE", "made"]

KINDS = {
    CaseFileKind.CASE_PACK: "Case pack",
    CaseFileKind.SUBJECT_ACCESS: "Subject-access export",
}
KIND_HINTS = {
    CaseFileKind.CASE_PACK: "Everything on record, with names: for those who take the case over.",
    CaseFileKind.SUBJECT_ACCESS: (
        "For a request by the person whose data it is. Names of staff become roles, and other "
        "cases are left out. It is a draft: somebody at the council decides what to redact."
    ),
}
FORMS = {
    "pdf": ("PDF", "to read and to print"),
    "json": ("JSON", "for another system; holds every letter exactly as it was typed"),
}
MERGED = "Also what belongs to the cases that were merged into this one"
MERGED_HINT = "Only if you know that they are about the same person."
SELECT_KIND = "Select what to export"
SELECT_FORM = "Select the kind of file"
ENTER_REASON = "Enter why this leaves Lantern, and who gets it"
UNKNOWN_REFERENCE = "There is no case with this reference"
CONTENTS = {
    "case": "Facts",
    "merged": "Cases that are part of it",
    "chronology": "What was said, and what was shown",
    "messages": "Why each message was handed over",
    "wish": "How the person can be reached",
    "notes": "Notes",
    "actions": "What is to do",
    "referrals": "Referrals",
    "reviews": "Outcomes",
    "history": "Who did what",
}
"""The chapters of a PDF."""
NOTHING = "Nothing on record."
ABOUT = (
    "A child’s own words may stand in this document. Keep it as you keep a case file, and pass it "
    "on only to those who need it."
)
LETTERS = (
    "Signs that cannot be printed are told by their number in square brackets. "
    "The JSON form holds them exactly as they were typed, and the details of every event."
)
TO_VERIFY = (
    "The SHA-256 of this file is on Lantern’s audit trail. To see that nothing was changed: "
    "python -m lantern verify-pack FILE {reference}"
)
LEFT_OUT_TITLE = "What is left out, and why"
LEFT_OUT = {
    LeftOut.STAFF_NAMES.value: "Names of staff: roles stand in their place, because they are data "
    "about other people.",
    LeftOut.MERGED_CASES.value: "Cases that were merged with this one, if there are any: they may "
    "be about other people.",
    LeftOut.EXAMPLES.value: "Example sentences that Lantern compared a message with: its authors "
    "wrote them, and they are not about this person.",
    LeftOut.MACHINES.value: "Which browser or device of staff was used.",
}
TO_DECIDE_TITLE = "Before this is sent, somebody at the council decides"
TO_DECIDE = (
    "Whether whoever asks is the person who wrote: Lantern’s conversations have no names.",
    "What to redact about other people: friends, family, and whoever told something. Lantern "
    "cannot know where they are named in what was typed.",
    "Whether any of it would be likely to cause serious harm to somebody, or to hinder the "
    "prevention or detection of crime, and so may be withheld (Data Protection Act 2018, "
    "schedules 2 and 3).",
    "Whether an adult asks on behalf of a child, and whether the child should know of it.",
)

_FACTS = {
    "reference": "Reference",
    "status": "Status",
    "severity": "Severity",
    "assessed_severity": "As Lantern assessed it",
    "staff_severity": "As staff found it",
    "need": "Need",
    "categories": "Kinds of harm",
    "audience": "Who wrote",
    "subject": "About",
    "area": "Area",
    "handoffs": "Messages handed over",
    "opened_at": "First hand-off",
    "raised_at": "Last raised",
    "newest_at": "Newest message",
    "due_at": "Look by",
    "closed_at": "Closed",
    "assigned_to": "Assigned to",
    "legal_hold": "Legal hold",
}


def facts(record: dict[str, object]) -> list[tuple[str, str]]:
    """Return names and values of the known facts of a case, in order."""
    return [
        (words, fact(name, record[name]))
        for name, words in _FACTS.items()
        if record[name] not in (None, "", [])
    ]


def fact(name: str, value: object) -> str:
    """Return one fact in words."""
    if name.endswith("_at"):
        return wording.of_record(str(value))
    if name.endswith("severity"):
        return wording.SEVERITIES[Severity.named(str(value))]
    if isinstance(value, (list, tuple)):
        return ", ".join(wording.label(str(each)) for each in value)
    if isinstance(value, bool):
        return "Yes" if value else "No"
    labels = {"need": case_wording.need, "audience": wording.audience, "subject": wording.subject}
    plain = {"reference", "assigned_to", "handoffs"}
    return str(value) if name in plain else labels.get(name, wording.label)(str(value))


def severity(label: str) -> str:
    """Return a severity in words."""
    return wording.SEVERITIES[Severity.named(label)]


def outcome(value: str) -> str:
    """Return an outcome in words."""
    return wording.OUTCOMES[Outcome(value)]


def speaker(by: str, audience: str | None) -> str:
    """Return who wrote an entry of the chronology."""
    return wording.writer(audience) if by == "user" else "Lantern"


def signed(who: str, at: str) -> str:
    """Return who wrote something down, and when."""
    return f"{who}, {wording.of_record(at)}"


def contacts_shown(contacts: Sequence[Mapping[str, Any]] | None) -> str:
    """Return which contacts a person was shown; None: not recorded."""
    if contacts is None:
        return case_wording.contacts_shown(None)
    return case_wording.contacts_shown(
        [(each["name"], each["open_now"], each["hours"]) for each in contacts]
    )


def contact(shown: Mapping[str, Any]) -> tuple[str, str]:
    """Return the id of a contact, and its name and opening hours as they were shown."""
    return shown["id"], f"{shown['name']}: “{shown['hours']}”"


def review(outcome_words: str, severity_label: str | None, *, missed: bool) -> str:
    """Return an outcome with the severity that staff found."""
    more = f"; found it {severity(severity_label).lower()}" if severity_label else ""
    return outcome_words + more + ("; something was missed" if missed else "")


def agreed(second: str | None) -> str:
    """Return who agreed to the outcome; empty when no second person had to."""
    return f"; {second} agreed" if second else ""


def action(done_at: str | None, done_by: str | None, due_on: str | None) -> str:
    """Return the state of an action."""
    if done_at:
        return f"Done {wording.of_record(done_at)} by {done_by}"
    return f"Due {due_on}" if due_on else "No date"


def referral(to_whom: str, how: str, made_at: str | None) -> str:
    """Return a referral, or the decision not to refer."""
    to = case_wording.REFERRED_TO.get(to_whom, to_whom)
    if made_at is None:
        return f"{to}: not referred"
    return f"{to}: {case_wording.REFERRED_BY.get(how, how).lower()}, {wording.of_record(made_at)}"


def their_reference(reference: str) -> str:
    """Return the reference that the other organisation gave."""
    return f"Their reference: {reference}"


def released(kind: str, form: str) -> str:
    """Return one release for a list."""
    return f"{KINDS[CaseFileKind(kind)]}, {FORMS[form][0]}"


def numbered(role: str, number: int) -> str:
    """Return a role with a number, in place of a name."""
    return f"{role} {number}"


STAFF = "Member of staff"
REASON = "Why it was made: {reason}"
SHOWN = "Lantern showed"
SIGNAL_COLUMNS = ("Reason", "Kind of harm", "How serious", "Words", "Weight", "Source and version")
HISTORY_COLUMNS = ("Number", "When", "Who", "What")
MESSAGE = "Message of {at}: {severity}"
