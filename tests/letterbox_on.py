"""A letterbox on record, as the case worker leaves it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.engine import Engine

from safeguarding.escalation import LetterboxClosed, LetterboxOpened
from staff.letterbox.recording import record_letterbox

LOCATOR, SECRET, QUESTION = "abcde", "a slow hash", "letterbox_question_1"


def opened(at: datetime, case_id: str = "c1", locator: str = LOCATOR) -> LetterboxOpened:
    """Return what the gateway hands over when a phrase was given."""
    return LetterboxOpened(f"{locator}.{at}", case_id, at, locator, SECRET, QUESTION)


def open_letterbox(
    engine: Engine, at: datetime, case_id: str = "c1", locator: str = LOCATOR
) -> bool:
    """Open the letterbox of a case; return whether that changed anything."""
    with engine.begin() as connection:
        return record_letterbox(connection, opened(at, case_id, locator), at)


def close_letterbox(engine: Engine, at: datetime, case_id: str = "c1") -> bool:
    """Close it at the wish of the person."""
    with engine.begin() as connection:
        return record_letterbox(connection, LetterboxClosed(f"closed.{at}", case_id, at), at)
