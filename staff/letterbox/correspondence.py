"""The letters of both sides in the order in which they were written, for the page of a case."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from staff.cases.case import StaffLetter, WholeCase
from staff.cases.conversation import displayable


@dataclass(frozen=True)
class LetterView:
    """One letter of either side."""

    at: datetime
    text: str
    letter: StaffLetter | None
    """None for a letter of the person, which is a message of the case."""


def correspondence(whole: WholeCase) -> list[LetterView]:
    """Return the letters of a case, oldest first."""
    theirs = (
        LetterView(each.raised_at, displayable(each.text), None)
        for each in whole.messages
        if each.is_letter
    )
    ours = (LetterView(each.at, displayable(each.text), each) for each in whole.letters)
    return sorted((*theirs, *ours), key=lambda each: each.at)
