"""Asks a reviewer to retell a message in their own words, and checks that they are their own."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, get_args

import msgspec

from lab.review.lessons import Lesson, Verdict
from safeguarding.clock import LONDON
from safeguarding.corpus import RETOLD, Kind, SentenceGroup
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
LONGEST_RUN = 4
"""Number of words in a row that two independent texts may share."""
TOO_ALIKE = 0.6
"""Share of common trigrams above which one text is a copy of the other with small changes."""
_SHORTEST = 3
_APOSTROPHES = re.compile(r"['’‘ʼ`]")
_TRACES = re.compile(
    r"@\w|\w@|https?:|www\.|\d[\d ()-]{4,}\d|\b[a-z]{1,2}\d[a-z\d]? ?\d[a-z]{2}\b", re.IGNORECASE
)
"""Accounts, links, telephone numbers, postcodes."""

Ask = Callable[[str], str]
Objection = Callable[[str], str | None]
"""Returns what is wrong with an answer, or None."""


class RetellingRefusedError(Exception):
    """Raised when a retelling is impossible; the message tells the reviewer why."""


class Answers:
    """Answers from the options, else from the person; without `ask`, from the defaults."""

    def __init__(self, options: Mapping[str, str | None], ask: Ask | None) -> None:
        self._options = options
        self._ask = ask

    def get(self, name: str, question: str, objection: Objection, default: str = "") -> str:
        """Return the option `name`, else an answer to `question`, without an objection.

        An empty question is not asked. Raises RetellingRefusedError where it cannot ask again.
        """
        option = self._options.get(name)
        if option is not None or self._ask is None or not question:
            answer = (default if option is None else option).strip()
            if why := objection(answer):
                raise RetellingRefusedError(f"--{name}: {why}")
            return answer
        prompt = f"{question} [{default}]: " if default else f"{question}: "
        while why := objection(answer := self._ask(prompt).strip() or default):
            sys.stdout.write(f"{why}\n")
        return answer

    def confirm(self, question: str) -> None:
        """Ask for a yes. Raises RetellingRefusedError on any other answer."""
        if self._ask and self._ask(f"{question} (yes or no): ").strip().lower() not in {"y", "yes"}:
            raise RetellingRefusedError("Nothing was written.")


def one_of(allowed: Collection[str]) -> Objection:
    """Return an objection to anything but one of these names."""
    return lambda answer: None if answer in allowed else f"Write one of {', '.join(allowed)}."


def some_of(allowed: Collection[str]) -> Objection:
    """Return an objection to a comma-separated list with anything but these names."""

    def objection(answer: str) -> str | None:
        if set(listed(answer)) <= set(allowed):
            return None
        return f"Write one or more of {', '.join(allowed)}, with commas between."

    return objection


def listed(answer: str) -> list[str]:
    """Split an answer at its commas."""
    return [part.strip() for part in answer.split(",")]


def summary(lesson: Lesson) -> str:
    """Describe a lesson in one line, without words of the conversation."""
    case = lesson.case
    day = case.raised_at.astimezone(LONDON).date().isoformat()
    by_staff = "" if lesson.severity is None else f", found {lesson.severity.label} by staff"
    assessed = f"assessed as {case.assessed_severity.label}{by_staff}"
    why = f" ({lesson.reason.replace('_', ' ')})" if lesson.reason else ""
    return (
        f"{day}  {VERDICTS[lesson.verdict]}{why}: {assessed}; {', '.join(case.assessed_categories)}"
    )


def retell(lesson: Lesson, answers: Answers, written: Sequence[str]) -> SentenceGroup:
    """Return the reviewer's sentence with its labels. `written`: all messages of the person.

    Raises RetellingRefusedError.
    """
    names, case = taxonomy(), lesson.case
    sentence = answers.get("sentence", "Your sentence", lambda text: why_refused(text, written))
    severity = _severity(lesson, answers)
    harmless = severity == Severity.NONE.label
    group: dict[str, Any] = {
        "writer": RETOLD,
        "sentences": [sentence],
        "severity": severity,
        "categories": listed(
            answers.get(
                "category",
                "It only seems to be about" if harmless else "Categories, the main one first",
                some_of(names.risk_categories),
                ",".join(case.assessed_categories),
            )
        ),
        "subject": answers.get("subject", "About whom", one_of(names.subjects), case.subject),
        "voice": answers.get(
            "voice", "Who would write it", one_of(names.audiences), case.audience or "young_person"
        ),
        "kind": _kind(answers, harmless=harmless),
        "situation": answers.get("situation", "", _objection_to_situation),
    }
    return msgspec.convert(group, SentenceGroup)


def _severity(lesson: Lesson, answers: Answers) -> str:
    """Return the level that the review found; for a missed message, ask the reviewer."""
    if lesson.severity is None:
        risks = [level.label for level in Severity if level > Severity.NONE]
        return answers.get("severity", "How serious was it", one_of(risks))
    found = lesson.severity.label

    def objection(answer: str) -> str | None:
        return None if answer == found else f"Staff found it {found}, and the review decides."

    return answers.get("severity", "", objection, found)


def _kind(answers: Answers, *, harmless: bool) -> str | None:
    """Return the kind of a harmless message; a risk has none."""
    if harmless:
        return answers.get("kind", "What sort of message", one_of(get_args(Kind)), "near_miss")
    answers.get("kind", "", lambda kind: "Only a harmless message has one." if kind else None)
    return None


def _objection_to_situation(name: str) -> str | None:
    # No digits: an id, a date of birth or a house number has no place in a name that stays.
    if not name or _SITUATION.fullmatch(name):
        return None
    return "Write a few small letters with hyphens between, or leave it out."


Run = tuple[str, ...]


def why_refused(sentence: str, written: Iterable[str]) -> str | None:
    """Return why `sentence` is refused, or None when it is in the reviewer's own words.

    `written`: all messages of the person. The reason quotes none of them.
    """
    if not _plain_words(sentence):
        return "Write a sentence, in words of your own."
    if any(unicodedata.category(letter) in {"Cc", "Cs", "Zl", "Zp"} for letter in sentence):
        return "Write it on one line, in letters, numbers, punctuation and emoji."
    if _TRACES.search(sentence):
        return (
            "It seems to hold an account name, a link, a telephone number or a postcode. "
            "Leave it out: nothing here may lead back to anyone."
        )
    parts = [part for text in written for part in dict.fromkeys((text, *text.splitlines()))]
    if any(_shares_a_run(sentence, part) for part in parts):
        return (
            "It has a run of words in common with what the person wrote. Their words stay with "
            "them: please tell the same thing as you would, and change who, where and when."
        )
    if any(_alike(sentence, part) > TOO_ALIKE for part in parts):
        return (
            "It is nearly what the person wrote. Their words stay with them: please tell the "
            "same thing as somebody else would, and change who, where and when."
        )
    return None


def _shares_a_run(sentence: str, other: str) -> bool:
    """Return whether both share five words in a row, or the whole of a text of three or four."""
    theirs = _plain_words(other)
    length = min(LONGEST_RUN + 1, len(theirs))
    return length >= _SHORTEST and not _runs(_plain_words(sentence), length).isdisjoint(
        _runs(theirs, length)
    )


def _runs(words: Run, length: int) -> set[Run]:
    return {words[start : start + length] for start in range(len(words) - length + 1)}


def _alike(one: str, other: str) -> float:
    """Return the share of character trigrams that both texts have, of those of either."""
    ones, others = (_trigrams(" ".join(_plain_words(text))) for text in (one, other))
    return len(ones & others) / len(ones | others)


def _trigrams(text: str) -> set[str]:
    padded = f" {text} "
    return {padded[start : start + 3] for start in range(max(1, len(padded) - 2))}


def _plain_words(text: str) -> Run:
    """Return the words without differences of case, letter forms, apostrophes and marks."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    visible = "".join(letter for letter in plain if unicodedata.category(letter) != "Cf")
    return tuple(re.findall(r"\w+", _APOSTROPHES.sub("", visible)))
