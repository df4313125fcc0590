"""A letterbox or a letter that the trail does not know, or the mailbox lost, is named."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from staff.audit.reconcile import (
    LETTER_COUNT,
    NO_LETTERBOX_EVENT,
    NOT_POSTED,
    Reconciliation,
    one_moment,
)
from staff.cases.tables import letters
from staff.letterbox.desk import LetterboxDesk
from storage.letterboxes import open_box
from storage.replies import replies
from tests.letterbox_on import open_letterbox, opened
from tests.records import NOON, Clock, EscalationLog, escalation, vault


def wrong(engine: Engine, folder: Path) -> list[str]:
    with one_moment(engine) as connection:
        return [each.wrong for each in Reconciliation(connection, folder, NOON)]


@pytest.fixture
def written(engine: Engine, clock: Clock, log: EscalationLog, ann: str) -> None:
    """Write a letter into the letterbox of a case."""
    log.record(escalation())
    open_letterbox(engine, NOON)
    LetterboxDesk(engine, vault(), clock).write("c1", "c1", "We can meet.", by=ann)


@pytest.mark.usefixtures("written")
def test_what_belongs_together_agrees(engine: Engine, tmp_path: Path) -> None:
    assert wrong(engine, tmp_path) == []


@pytest.mark.usefixtures("written")
def test_a_letter_that_was_deleted_is_named(engine: Engine, tmp_path: Path) -> None:
    with engine.begin() as connection:
        connection.execute(sa.delete(letters))

    assert wrong(engine, tmp_path) == [LETTER_COUNT.format(expected=1, found=0)]


@pytest.mark.usefixtures("written")
def test_a_letter_that_the_mailbox_lost_is_named(engine: Engine, tmp_path: Path) -> None:
    with engine.begin() as connection:
        connection.execute(sa.delete(replies))

    assert wrong(engine, tmp_path) == [NOT_POSTED.format(number=1)]


def test_a_letterbox_that_nobody_opened_is_named(
    engine: Engine, log: EscalationLog, tmp_path: Path
) -> None:
    log.record(escalation())
    with engine.begin() as connection:
        open_box(connection, opened(NOON))

    assert wrong(engine, tmp_path) == [NO_LETTERBOX_EVENT]
