"""The sentences of case files and of the pages to download them, for staff."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from safeguarding.escalation import Outcome
from safeguarding.taxonomy import Severity
from staff.attachments import wording as file_wording
from staff.cases import case as kinds
from staff.cases import wording as case_wording
from staff.console import wording
from staff.reports.case_file import CaseFileKind, LeftOut

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
    "child": "What staff recorded about the child",
    "links": "Other cases of the same child",
    "chronology": "What was said, and what was shown",
    "messages": "Why each message was handed over",
    "wish": "How the person can be reached",
    "letters": "Letters of staff to the person",
    "notes": "Notes",
    "files": "Files: they are kept in Lantern and are not part of this document",
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
    LeftOut.LINKED_CASES.value: "Other cases that staff linked with this one, if there are any: "
    "they are records of their own.",
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
    "said": "Said in passing",
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
        if record.get(name) not in (None, "", [])
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
    plain = {"reference", "said", "assigned_to", "handoffs"}
    return str(value) if name in plain else labels.get(name, wording.label)(str(value))


def severity(label: str) -> str:
    """Return a severity in words."""
    return wording.SEVERITIES[Severity.named(label)]


def speaker(entry: Mapping[str, Any], audience: str | None) -> str:
    """Return who wrote an entry of the chronology."""
    if entry["live"] is not None:
        return f"{entry['by']}{LIVE[entry['live']]}"
    return wording.writer(audience) if entry["by"] == "user" else "Lantern"


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


def review(record: Mapping[str, Any]) -> str:
    """Return an outcome with the severity that staff found."""
    found = record["severity"]
    more = f"; found it {severity(found).lower()}" if found else ""
    missed = "; something was missed" if record["missed"] else ""
    why = f" ({wording.label(record['reason']).lower()})" if record["reason"] else ""
    return wording.OUTCOMES[Outcome(record["outcome"])] + why + more + missed


def reviewers(record: Mapping[str, Any]) -> str:
    """Return who recorded an outcome and when, and who agreed where a second person had to."""
    second = record["second_by"]
    return signed(record["by"], record["at"]) + (f"; {second} agreed" if second else "")


def file(record: Mapping[str, Any]) -> str:
    """Return what is told of an attached file: its size, who attached it, and if it is gone."""
    attached = (
        f"{file_wording.size(record['size'])}, attached by {signed(record['by'], record['at'])}"
    )
    if record["removed_at"]:
        return f"{attached}; removed by {signed(record['removed_by'], record['removed_at'])}"
    return attached if record["scanned"] else f"{attached}; not checked for viruses"


def action(record: Mapping[str, Any]) -> str:
    """Return the state of an action."""
    if record["done_at"]:
        return f"Done {wording.of_record(record['done_at'])} by {record['done_by']}"
    whose = f"For {record['given_to']}. " if record["given_to"] else ""
    return whose + (f"Due {record['due_on']}" if record["due_on"] else "No date")


def detail(record: Mapping[str, Any]) -> str:
    """Return what staff recorded about a child; one without a value was taken back."""
    kind = {"age": "Age", "known_pupil": "Known pupil"}[record["kind"]]
    return f"{kind}: {record['value'] or 'taken back'}"


def referral(record: Mapping[str, Any]) -> str:
    """Return a referral, or the decision not to refer."""
    to = case_wording.REFERRED_TO.get(record["to_whom"], record["to_whom"])
    if record["made_at"] is None:
        return f"{to}: not referred"
    how = case_wording.REFERRED_BY.get(record["how"], record["how"]).lower()
    return f"{to}: {how}, {wording.of_record(record['made_at'])}"


def released(kind: CaseFileKind, form: str) -> str:
    """Return one release for a list."""
    return f"{KINDS[kind]}, {FORMS[form][0]}"


STAFF = "Member of staff"
LIVE = {kinds.MESSAGE: " in the live chat", kinds.WHISPER: " to the colleague in the live chat"}
"""Where a member of staff wrote what the chronology has of them."""
REASON = "Why it was made: {reason}"
SHOWN = "Lantern showed"
THEIR_REFERENCE = "Their reference: {reference}"
SIGNAL_COLUMNS = ("Reason", "Kind of harm", "How serious", "Words", "Weight", "Source and version")
HISTORY_COLUMNS = ("Number", "When", "Who", "What")
MESSAGE = "Message of {at}: {severity}"
