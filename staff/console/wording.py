"""Labels and sentences that pages of the console share; times, durations and counts in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from safeguarding.clock import LONDON
from safeguarding.content.booklet import READERS
from safeguarding.content.items import Block
from safeguarding.content.signing import ApprovalDecision, ApprovalStatus, Decided
from safeguarding.escalation import ASSISTANT, GATEWAY, Outcome
from safeguarding.taxonomy import Severity
from staff.accounts.permissions import Role

SEVERITIES = {
    Severity.NONE: "No risk",
    Severity.CONCERN: "Concern",
    Severity.URGENT: "Urgent",
    Severity.IMMEDIATE: "Immediate",
}

SEVERITY_HINTS = {
    Severity.NONE: "nothing here needs anyone to act",
    Severity.CONCERN: "a worry; look by the next working day",
    Severity.URGENT: "harm, or a clear risk of it; act within the hour",
    Severity.IMMEDIATE: "someone may be seriously hurt now; act at once",
}

OUTCOMES = {
    Outcome.ADVICE_GIVEN: "Advice given",
    Outcome.CONTACTED_PERSON: "Contacted the person",
    Outcome.REFERRED_SOCIAL_CARE: "Referred to children’s social care",
    Outcome.REFERRED_POLICE: "Referred to the police",
    Outcome.SHARED_WITH_SCHOOL_LEAD: "Shared with the school’s safeguarding lead",
    Outcome.FALSE_ALARM: "False alarm",
    Outcome.NO_ACTION_NEEDED: "No action needed",
    Outcome.OTHER: "Something else",
}

SIGNAL_KINDS = {
    "lexicon": "A reviewed phrase",
    "combination": "Several small signs together, in this message",
    "conversation": "Several small signs together, in this message and earlier ones",
    "model": "The trained model, weighing the whole message",
    "button": "A button that the person pressed",
    "answer": "The answer to Lantern’s question “Are you safe right now?”",
    "length": "A message too long for every part of it to be weighed: please read it all",
}

WEIGHED_KINDS = {
    "model": "Reads like",
    "conversation": "Read together with earlier messages, it is like",
}

_SURE = {0.95: "Very sure", 0.75: "Fairly sure", 0.5: "More likely than not", 0.2: "Unsure"}

_CHAT_SIGNS = {
    "asking_age": "asking for age",
    "being_alone": "asking about being alone",
    "gifts": "gifts or favours",
    "guilt": "making somebody feel guilty",
    "isolation": "setting against family or friends",
    "meeting": "wanting to meet",
    "money": "money",
    "moving_apps": "moving to another app",
    "pictures": "asking for pictures",
    "requests_job": "getting somebody to do a job",
    "secrecy": "asking for secrecy",
    "testing_limits": "testing limits",
}

_AUDIENCES = {
    "young_person": "Young person",
    "parent": "Parent or carer",
    "professional": "Professional",
}

_SUBJECTS = {
    "self": "themselves",
    "friend": "a friend",
    "own_child": "their own child",
    "other_child": "another child",
    "child": "a child",
    "unknown": "someone; it is not clear who",
}

_RECORDERS = {ASSISTANT: "The assistant", GATEWAY: "The gateway"}
LANTERN = "Lantern"


CONTENT_STATUSES = {
    ApprovalStatus.SENT_BACK: ("Sent back", "red"),
    ApprovalStatus.CHANGED: ("Changed since approval", "orange"),
    ApprovalStatus.WAITING: ("Waiting for second person", "yellow"),
    ApprovalStatus.PAST_REVIEW: ("Past review", "red"),
    ApprovalStatus.REVIEW_DUE: ("Review due", "yellow"),
    ApprovalStatus.NEVER: ("Never approved", "grey"),
    ApprovalStatus.APPROVED: ("Approved", "green"),
}
"""Label and colour of each status, the most pressing first."""

ROLES = {
    Role.REVIEWER: "Reviewer",
    Role.LEAD: "Safeguarding lead",
    Role.ADMINISTRATOR: "Administrator",
    Role.AUDITOR: "Auditor",
}
ROLE_HINTS = {
    Role.REVIEWER: "Reads cases and works them. Waits for a safeguarding lead to admit them",
    Role.LEAD: "Also signs content and exports. Waits for a safeguarding lead to admit them",
    Role.ADMINISTRATOR: "Runs the accounts and the rota. Sees no case",
    Role.AUDITOR: "Reads the audit trail and the figures. Sees no case",
}
DECISIONS = {ApprovalDecision.APPROVED: "Approved", ApprovalDecision.SENT_BACK: "Sent back"}

SELECT_OUTCOME = "Select what was done"
ENTER_REASON = "Enter why, in a sentence or two"
SELECT_SEVERITY = "Select how serious you find it"
SELECT_DECISION = "Select whether you approve these words or send them back"
ENTER_CHANGE = "Enter what is to be changed"
ENTER_SHOWN_NAME = "Enter their name, in 80 characters or less"
SELECT_ROLE = "Select what the account is for"
LAST_ADMINISTRATOR = "This is the last administrator. Invite another one first"
NAME_TAKEN = "Choose another sign-in name: this one is empty or taken"
WRONG_CODE = "The code is not right, or was used before. Wait for the next one"
WRONG_PASSKEY = "That passkey did not open the account. Try again, or use a code"
WRONG_PROOF = "The password or the code is not right"
WRONG_SIGN_IN = "The sign-in name or the password is not right"
WRONG_PASSWORD = "The password you have now is not right"  # noqa: S105 - a sentence

ENTER_DATE = "Enter a day as a date, for example 27 November 2026"
DATES_TURNED = "The last day must be the first day or later"


def moment(at: datetime) -> str:
    """Return a time in London as the design system writes it: "25 November 2026 at 9:05am"."""
    return f"{date_of(at)} at {clock(at)}"


def of_record(text: str) -> str:
    """Return a time of a JSON record as people read it."""
    return moment(datetime.fromisoformat(text))


def date_of(at: datetime) -> str:
    """Return the day of a time, in London: "25 November 2026"."""
    return day(at.astimezone(LONDON))


def day(at: date) -> str:
    """Return a date as the design system writes it: "25 November 2026"."""
    return f"{at.day} {at:%B %Y}"


def clock(at: datetime) -> str:
    """Return the time of day, in London: "9:05am", "5pm"."""
    local = at.astimezone(LONDON)
    minutes = f":{local:%M}" if local.minute else ""
    return f"{local.hour % 12 or 12}{minutes}{'am' if local.hour < 12 else 'pm'}"  # noqa: PLR2004


def deadline(at: datetime, now: datetime) -> str:
    """Return a deadline in few words: "2:05pm today", or the date too on another day."""
    same = at.astimezone(LONDON).date() == now.astimezone(LONDON).date()
    return f"{clock(at)} today" if same else moment(at)


def lasting(duration: timedelta) -> str:
    """Return a duration in its largest unit: "3 hours"."""
    minutes = max(0, int(duration.total_seconds() // 60))
    for unit, size in (("day", 24 * 60), ("hour", 60)):
        if minutes >= size:
            return counted(minutes // size, unit)
    return counted(minutes, "minute") if minutes else "less than a minute"


def waited(duration: timedelta) -> str:
    """Return a duration as one who waits counts it: "40 seconds", then as `lasting` does.

    static/chats.mjs says it in the same words while the page is open.
    """
    seconds = max(0, int(duration.total_seconds()))
    return counted(seconds, "second") if seconds < 60 else lasting(duration)  # noqa: PLR2004


def counted(number: int, noun: str) -> str:
    """Return a count with its noun: "1 hour", "2 hours"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def time_of_day(at: datetime) -> str:
    """Return the time of day, with words for the two that are misread: "9am", "midnight"."""
    words = clock(at)
    return {"12am": "midnight", "12pm": "midday"}.get(words, words)


def alert_title(severity: Severity, *, live_chat: bool = False) -> str:
    """Return the title of a browser's notification, which says only how serious a case is.

    Of `live_chat` it says that a young person asks for a person.
    """
    if live_chat:
        return "Lantern: someone asks to talk to a person now"
    return f"Lantern: {SEVERITIES[severity].lower()} hand-off"


def label(name: str) -> str:
    """Return a name of the taxonomy as words: "image_abuse" becomes "Image abuse"."""
    return name.replace("_", " ").capitalize()


def audience(name: str | None) -> str:
    """Return the audience that a person chose, in words."""
    return "Not said" if name is None else _AUDIENCES.get(name, label(name))


def subject(name: str) -> str:
    """Return the subject of a message, to follow "about"."""
    return _SUBJECTS.get(name, label(name).lower())


def writer(audience_name: str | None) -> str:
    """Return the name of the person in a conversation, by their audience."""
    return "The person" if audience_name is None else audience(audience_name)


def chat_sign(name: str) -> str:
    """Return a sign in a pasted chat, to stand inside a sentence."""
    name = name.replace("-", "_")
    return _CHAT_SIGNS.get(name, label(name).lower())


def sureness(weight: float) -> str:
    """Return how sure a model is, in words and per cent: "Fairly sure, 82%"."""
    words = next((words for floor, words in _SURE.items() if weight >= floor), "A faint sign")
    percent = round(weight * 100)
    figure = "over 99" if percent == 100 else percent or "under 1"  # noqa: PLR2004
    return f"{words}, {figure}%"


def in_chat(sign: str, line: int | None) -> str:
    """Return a sign in a pasted chat with its line, as the beginning of a sentence."""
    where = f", on line {line}" if line else ""
    return f"A sign in the pasted chat: {chat_sign(sign)}{where}"


def weighed(kind: str, severity: Severity, category: str) -> str:
    """Return the finding of a model, a kind of WEIGHED_KINDS, as the beginning of a sentence."""
    labels = f"{SEVERITIES[severity].lower()}, {label(category).lower()}"
    return f"{WEIGHED_KINDS[kind]} sentences that were labelled {labels}"


def who(name: str, staff_names: Mapping[str, str]) -> str:
    """Return the name of the staff or part of Lantern that did something."""
    return staff_names.get(name) or _RECORDERS.get(name) or label(name)


def readers(block: Block) -> str:
    """Return the readers of a block, to stand in a heading."""
    named = [READERS.get(name, label(name).lower()) for name in block.audiences]
    if not named or len(named) == len(READERS):
        return "Everyone"
    words = f"{', '.join(named[:-1])} and {named[-1]}" if len(named) > 1 else named[0]
    return words[0].upper() + words[1:]


def signer(decided: Decided) -> str:
    """Return the name of the person who decided, with their role at that time."""
    roles = {role.value: words for role, words in ROLES.items()}
    return f"{decided.name} ({roles.get(decided.role, decided.role).lower()})"


def reading(block: Block, *, mixed: bool) -> str:
    """Return the heading over a block; `mixed` where the item has blocks for different readers."""
    if not block.audiences:
        return "About all of it" if mixed else "What it says"
    named = readers(block)
    return f"What {named.lower()} {'reads' if named == 'Everyone' else 'read'}"


def lines_the_same(number: int) -> str:
    """Return the line that stands for unchanged lines."""
    return f"{number} lines the same"


def note_too_long(longest: int) -> str:
    """Return the error message for a note of more than `longest` characters."""
    return f"The note must be {longest:,} characters or less"


def too_many_attempts(wait_s: int) -> str:
    """Return the error message after too many attempts to sign in; wait `wait_s` seconds."""
    minutes = -(-wait_s // 60)
    wait = counted(minutes, "minute") if minutes > 1 else counted(wait_s, "second")
    return f"Too many attempts. Wait {wait}, then try again"
