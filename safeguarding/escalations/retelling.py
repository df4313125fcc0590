"""What a reviewer is asked, to retell in words of their own what was heard wrongly."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, get_args

import msgspec

from safeguarding.escalations.answers import Answers, listed, one_of, some_of
from safeguarding.escalations.deadlines import LONDON
from safeguarding.escalations.learning import Lesson
from safeguarding.escalations.own_words import why_refused
from safeguarding.risk.examples import Group, Kind
from safeguarding.risk.reviewed import Verdict
from safeguarding.taxonomy import Severity, taxonomy

VERDICTS = {
    Verdict.FALSE_ALARM: "false alarm",
    Verdict.WRONG_LEVEL: "wrong level",
    Verdict.MISSED: "missed",
}
HOW = """
Read the escalation in the console. Then tell it here as somebody else would, in one message:
 - Words of your own. Copy nothing, not even half a sentence.
 - Change whatever could lead back to anyone: names, places, ages, days, schools, apps, family.
 - Keep what made it matter, or what made it only sound alarming.
 - Nothing graphic.
"""
_SITUATION = re.compile(r"[a-z][a-z-]{2,48}")


def summary(lesson: Lesson) -> str:
    """A lesson in one line, without anybody's words."""
    entry = lesson.entry
    day = entry.raised_at.astimezone(LONDON).date().isoformat()
    found = "" if lesson.severity is None else f", found {lesson.severity.label} by staff"
    heard = f"heard as {entry.assessed_severity.label}{found}"
    return f"{day}  {VERDICTS[lesson.verdict]}: {heard}; {', '.join(entry.categories)}"


def retold(lesson: Lesson, answers: Answers, written: Sequence[str]) -> Group:
    """The reviewer's sentence with its labels. `written` is all that the person wrote.

    Raises RefusedError.
    """
    names, entry = taxonomy(), lesson.entry
    sentence = answers.get("sentence", "Your sentence", lambda text: why_refused(text, written))
    severity = _severity(lesson, answers)
    harmless = severity == Severity.NONE.label
    found: dict[str, Any] = {
        "sentences": [sentence],
        "severity": severity,
        "categories": listed(
            answers.get(
                "category",
                "It only seems to be about" if harmless else "Categories, the main one first",
                some_of(names.risk_categories),
                ",".join(entry.categories),
            )
        ),
        "subject": answers.get("subject", "About whom", one_of(names.subjects), entry.subject),
        "voice": answers.get(
            "voice", "Who would write it", one_of(names.audiences), entry.audience or "young_person"
        ),
        "kind": _kind(answers, harmless=harmless),
        "situation": answers.get("situation", "", _objection_to_situation),
    }
    return msgspec.convert(found, Group)


def _severity(lesson: Lesson, answers: Answers) -> str:
    """The level that the review found; of what was missed, the level that the reviewer says."""
    if lesson.severity is None:
        risks = [level.label for level in Severity if level > Severity.NONE]
        return answers.get("severity", "How serious was it", one_of(risks))
    found = lesson.severity.label

    def objection(answer: str) -> str | None:
        return None if answer == found else f"Staff found it {found}, and the review decides."

    return answers.get("severity", "", objection, found)


def _kind(answers: Answers, *, harmless: bool) -> str | None:
    """What sort of harmless message it is; a risk has no such sort."""
    if harmless:
        return answers.get("kind", "What sort of message", one_of(get_args(Kind)), "near_miss")
    answers.get("kind", "", lambda kind: "Only a harmless message has one." if kind else None)
    return None


def _objection_to_situation(name: str) -> str | None:
    # No digits: an id, a date of birth or a house number has no place in a name that stays.
    if not name or _SITUATION.fullmatch(name):
        return None
    return "Write a few small letters with hyphens between, or leave it out."
