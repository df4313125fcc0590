"""The sentences of the figures, for staff: titles, rows, what is hidden, how they were counted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from safeguarding.escalation import Outcome
from safeguarding.taxonomy import Severity
from staff.cases import wording as case_wording
from staff.console import wording
from staff.reports.figure_tables import IN_TIME, LATE, NOT_YET, SMALLEST, FigureTable
from staff.reports.figures import OPEN, Period, Report, Wait

TITLES = {
    "time": "Cases over time",
    "severity": "How serious",
    "need": "What help was needed",
    "category": "Kinds of harm",
    "audience": "Who wrote",
    "area": "Areas",
    "outcome": "What was done",
    "looked_at": "Looked at in time",
    "alerts": "Alerts acknowledged in time",
}
"""The titles of the tables of a report."""

NOTES = {
    "time": "Each case counts in the week or month of its first hand-off, in United Kingdom time.",
    "severity": "The judgement of staff where they gave one, else the assessment.",
    "category": "A case counts once in each of its kinds, so the rows add up to more than all.",
    "outcome": "The newest outcome of each closed case.",
    "looked_at": (
        "Whether a member of staff opened the case before its deadline, counted from when it was "
        "last raised: immediate within 15 minutes, urgent within an hour, a concern by the end of "
        "the next working day."
    ),
    "alerts": "Each alert by the same deadline. One that a later alert replaced is not counted.",
}
"""How a table was counted, where its title does not say it."""

SUPPRESSED = (
    f"Numbers from 1 to {SMALLEST - 1} are hidden, and so are others from which they could be "
    "worked out. Two reports on overlapping times can still give a small number away by "
    "subtraction: publish one of them."
)
EXACT = (
    "You may see the cases, so every number is shown to you here. Few cases of a kind could still "
    f"identify a child: in the files below, numbers from 1 to {SMALLEST - 1} are hidden, and so "
    "are others from which they could be worked out. Give people the files, not this page."
)
"""What the page says to a reader who may see the cases."""
NOTE = "note"
NO_CASE = "No case"
HIDDEN = "Hidden"
HIDDEN_HINT = "hidden, to protect people"
FIRST_VIEW = "From the first hand-off until somebody opened the case"
CLOSING = "From the first hand-off until the case was closed"
TOO_FEW = f"fewer than {SMALLEST}"
WAITS = "How long people waited"
END_BEFORE_START = "The last month must not be before the first"
REPORT_TITLE = "Safeguarding report"
MADE = "Made on {when}."
ABOUT = (
    "Cases whose first hand-off fell into this time. It holds figures alone: nothing that anybody "
    "wrote, and no names."
)
OWN_AREAS = "Only the areas of whoever made it, and cases of which no area is known."
COLUMNS = ("figure", "row", "cases")
WAIT_COLUMNS = ("Severity", "Half within", "Nine of ten within")
ALL = "All cases"
PRESETS = ("This quarter", "Last quarter", "The twelve months before this one")

_ROWS = {
    ("outcome", OPEN): "Open: no outcome yet",
    ("looked_at", IN_TIME): "In time",
    ("looked_at", LATE): "Late",
    ("looked_at", NOT_YET): "Deadline not over yet",
    ("alerts", IN_TIME): "In time",
    ("alerts", LATE): "Late",
    ("alerts", NOT_YET): "Deadline not over yet",
}

_LABELS: dict[str, Callable[[str], str]] = {
    "audience": wording.audience,
    "need": case_wording.need,
    "severity": lambda name: wording.SEVERITIES[Severity.named(name)],
    "outcome": lambda name: wording.OUTCOMES[Outcome(name)],
}


def row(report: Report, table: str, key: str | None) -> str:
    """Return the label of a row."""
    if key is None:
        return "No outcome" if table == "outcome" else "Not said"
    if table == "time":
        day = date.fromisoformat(key)
        return f"Week of {wording.day(day)}" if report.period.by_week else f"{day:%B %Y}"
    return _ROWS.get((table, key)) or _LABELS.get(table, wording.label)(key)


def number(count: int | None) -> str:
    """Return a number in words; HIDDEN for None."""
    return HIDDEN if count is None else f"{count:,}"


def total(table: FigureTable) -> str:
    """Return the line below the title of a table."""
    if table.total is None:
        return f"{TOO_FEW.capitalize()} in all."
    noun = "alert" if table.name == "alerts" else "case"
    return f"{wording.counted(table.total, noun)} in all."


def late(table: FigureTable) -> str:
    """Return a sentence with the share of missed deadlines; empty when it is hidden."""
    share = table.late_share()
    return "" if share is None else f"Of those whose deadline is over, {share:.0%} were late."


def period(of: Period) -> str:
    """Return the first and the last day of a period."""
    return f"{wording.day(of.first)} to {wording.day(of.last)}"


def waiting(duration: timedelta | None, *, exact: bool = False) -> str:
    """Return a wait in two units, "1 hour 5 minutes"; for None that no, or too few, cases did."""
    if duration is None:
        return NO_CASE if exact else TOO_FEW.capitalize()
    minutes = round(duration.total_seconds() / 60)
    days, rest = divmod(minutes, 24 * 60)
    units = ((days, "day"), (rest // 60, "hour"), (rest % 60, "minute"))
    largest = [wording.counted(count, unit) for count, unit in units if count][:2]
    return " ".join(largest) or "Less than a minute"


def waited(of: Wait) -> str:
    """Return which cases a wait is about."""
    return ALL if of.severity is None else wording.SEVERITIES[of.severity]
