"""What staff have taught: sentences that retell what was misheard, and the level each must get."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from pathlib import Path
from typing import Literal

import msgspec

from safeguarding.records import ContentError, Problem
from safeguarding.taxonomy import ROOT, Severity

EXPECTED = ROOT / "tests" / "reviewed.jsonl"


class Verdict(str, Enum):
    """What staff say of an assessment. The values are in the database: never rename one."""

    FALSE_ALARM = "false_alarm"
    """It was raised, or raised so high, without need."""
    WRONG_LEVEL = "wrong_level"
    """It was heard, but as too little or too much."""
    MISSED = "missed"
    """Something was not heard at all."""


class Expected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A sentence in a reviewer's own words, and the level that staff found."""

    text: str
    severity: Literal["none", "concern", "urgent", "immediate"]
    verdict: Verdict

    def holds(self, found: Severity) -> bool:
        """Whether `found` mends what was wrong: no higher, no lower, or exactly as staff said."""
        wanted = Severity.named(self.severity)
        if self.verdict is Verdict.FALSE_ALARM:
            return found <= wanted
        if self.verdict is Verdict.MISSED:
            return found >= wanted
        return found == wanted


def read_expected(path: Path = EXPECTED) -> list[Expected]:
    """Every line of `path`. Raises ContentError with all lines that are wrong."""
    found: list[Expected] = []
    problems: list[Problem] = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        try:
            found.append(msgspec.json.decode(line, type=Expected))
        except msgspec.DecodeError as error:
            problems.append(Problem(path, number, str(error)))
    if problems:
        raise ContentError(problems)
    return found


def broken(expected: Iterable[Expected], hear: Callable[[str], Severity]) -> list[str]:
    """One line for each sentence that `hear` does not give the level which staff found."""
    bounds = {
        Verdict.FALSE_ALARM: "at most",
        Verdict.WRONG_LEVEL: "exactly",
        Verdict.MISSED: "at least",
    }
    return [
        f"heard as {found.label}, {bounds[each.verdict]} {each.severity} is right: {each.text}"
        for each in expected
        if not each.holds(found := hear(each.text))
    ]
