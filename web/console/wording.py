"""How the console says things: labels in plain words, and times as read in the United Kingdom."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from safeguarding.escalations.deadlines import LONDON
from safeguarding.escalations.recorded import HistoryEvent, Outcome, What
from safeguarding.taxonomy import Severity

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
    "unknown": "someone; it is not clear who",
}

_RECORDERS = {"assistant": "The assistant", "gateway": "The gateway’s second check"}


def label(name: str) -> str:
    """A name of the taxonomy as words: "image_abuse" becomes "Image abuse"."""
    return name.replace("_", " ").capitalize()


def audience(name: str | None) -> str:
    """Who wrote, as far as they said."""
    return "Not said" if name is None else _AUDIENCES.get(name, label(name))


def subject(name: str) -> str:
    """Whom the message is about, to follow "about"."""
    return _SUBJECTS.get(name, label(name).lower())


def chat_sign(name: str) -> str:
    """A sign that a pasted chat shows, to stand inside a sentence."""
    name = name.replace("-", "_")
    return _CHAT_SIGNS.get(name, label(name).lower())


def sureness(weight: float) -> str:
    """How sure a model is, in words and per cent: "Fairly sure, 82%"."""
    words = next((words for least, words in _SURE.items() if weight >= least), "A faint sign")
    percent = round(weight * 100)
    figure = "over 99" if percent == 100 else percent or "under 1"  # noqa: PLR2004
    return f"{words}, {figure}%"


def who(name: str, staff_names: Mapping[str, str]) -> str:
    """The doer of something in the history."""
    return staff_names.get(name) or _RECORDERS.get(name) or label(name)


def what(event: HistoryEvent) -> str:
    """What was done, to stand beside the doer."""
    if event.what is What.RAISED:
        before, after = (_severity(event.detail.get(key)) for key in ("from", "to"))
        return f"Raised it from {before} to {after}"
    if event.what is What.OUTCOME_RECORDED:
        outcome = OUTCOMES[Outcome(event.detail["outcome"])]
        found = event.detail.get("severity")
        return (
            f"Recorded the outcome: {outcome}"
            + (f"; found it {_severity(found)}" if found else "")
            + ("; something was missed" if event.detail.get("missed") else "")
        )
    return {
        What.RECORDED: "Recorded it",
        What.ADDED_TO: "Added what it knew besides",
        What.VIEWED: "Read it",
        What.REOPENED: "Opened it again",
        What.LEARNED: "Retold it in other words, as an example for Lantern to learn from",
    }[event.what]


def moment(at: datetime) -> str:
    """A time as the design system writes it: "25 November 2026 at 9:05am", in London's time."""
    return f"{date_of(at)} at {clock(at)}"


def date_of(at: datetime) -> str:
    """The day alone: "25 November 2026"."""
    there = at.astimezone(LONDON)
    return f"{there.day} {there:%B %Y}"


def clock(at: datetime) -> str:
    """The time of day alone: "9:05am", "5pm"."""
    there = at.astimezone(LONDON)
    minutes = f":{there:%M}" if there.minute else ""
    return f"{there.hour % 12 or 12}{minutes}{'am' if there.hour < 12 else 'pm'}"  # noqa: PLR2004


def deadline(at: datetime, now: datetime) -> str:
    """A deadline in few words: "2:05pm today", or the whole date on another day."""
    same = at.astimezone(LONDON).date() == now.astimezone(LONDON).date()
    return f"{clock(at)} today" if same else moment(at)


def lasting(duration: timedelta) -> str:
    """A duration in its largest unit: "3 hours"."""
    minutes = max(0, int(duration.total_seconds() // 60))
    for unit, size in (("day", 24 * 60), ("hour", 60)):
        if minutes >= size:
            return counted(minutes // size, unit)
    return counted(minutes, "minute") if minutes else "less than a minute"


def counted(number: int, noun: str) -> str:
    """ "1 hour", "2 hours"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _severity(name: object) -> str:
    return SEVERITIES[Severity.named(str(name))].lower()
