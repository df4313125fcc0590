"""A row shows what was said in passing, and words to the reader who uncovered them."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from staff.cases.cases import CaseFilter, Cases
from staff.cases.casework import Casework
from staff.cases.merging import CaseMerge
from staff.cases.queue_details import QueueDetail, QueueDetails
from staff.cases.tables import data_keys
from storage.vault import Vault, key_ring, new_key
from tests.records import NOON, WORDS, Callbacks, EscalationLog, escalation, vault


@pytest.fixture
def details(engine: Engine) -> QueueDetails:
    return QueueDetails(engine, vault())


def shown(details: QueueDetails, cases: Cases, session: str = "s1") -> dict[str, QueueDetail]:
    found = cases.queue(CaseFilter())
    return details.of(found, NOON + timedelta(hours=1), reader="ann", session=session)


def test_what_was_said_by_the_newest_message_counts(
    log: EscalationLog, cases: Cases, details: QueueDetails
) -> None:
    log.record(escalation(facts=("pictures",)))
    later = NOON + timedelta(minutes=1)
    log.record(escalation("m2", raised_at=later, age=13, facts=("pictures", "money")))

    found = shown(details, cases)["c1"]

    assert (found.ages, found.facts) == ((13,), {"pictures", "money"})
    assert (found.line, found.wants_callback, found.is_writing) == (None, False, False)


def test_the_line_is_shown_to_the_reader_who_uncovered_the_words_in_this_session(
    log: EscalationLog, cases: Cases, casework: Casework, engine: Engine, ann: str, bob: str
) -> None:
    log.record(escalation())
    casework.revealed("c1", by=ann, session="s1")
    rows, (case,) = QueueDetails(engine, vault()), cases.queue(CaseFilter())

    def line(reader: str, session: str) -> str | None:
        return rows.of([case], NOON, reader=reader, session=session)["c1"].line

    assert line(ann, "s1") == WORDS
    assert line(ann, "s2") is None
    assert line(bob, "s1") is None


def test_a_call_back_of_a_case_that_was_merged_into_it_counts(
    log: EscalationLog,
    cases: Cases,
    merging: CaseMerge,
    wishes: Callbacks,
    details: QueueDetails,
    ann: str,
) -> None:
    log.record(escalation(age=12))
    log.record(escalation("m2", conversation_id="c2", age=14, facts=("money",)))
    wishes.leave("c2", "Sam", "after school")
    assert [each.wants_callback for each in shown(details, cases).values()] == [False, True]

    merging.merge("c2", "c1", by=ann)

    assert shown(details, cases) == {
        "c1": QueueDetail((12, 14), frozenset({"money"}), wants_callback=True)
    }


def test_a_person_is_writing_for_three_minutes_after_a_message(
    log: EscalationLog, cases: Cases, details: QueueDetails
) -> None:
    log.record(escalation())
    (case,) = cases.queue(CaseFilter())

    def writes(**after: float) -> bool:
        now = NOON + timedelta(**after)
        return details.of([case], now, reader="ann", session="s")["c1"].is_writing

    assert writes(minutes=2)
    assert not writes(minutes=4)


def test_a_case_that_cannot_be_opened_has_a_row_all_the_same(
    log: EscalationLog, cases: Cases, engine: Engine
) -> None:
    log.record(escalation(facts=("money",)))
    log.record(escalation("m2", conversation_id="c2", facts=("money",)))
    other = Vault(key_ring(f"k1:{new_key()}"))
    wrapped = other.seal(new_key(), table=data_keys.name, row="c1", column="wrapped")
    with engine.begin() as connection:
        mine = sa.update(data_keys).where(data_keys.c.case_id == "c1")
        connection.execute(mine.values(wrapped=wrapped))

    found = shown(QueueDetails(engine, vault()), cases)

    assert found["c1"].facts == frozenset()
    assert found["c2"].facts == {"money"}


def test_an_empty_page_needs_no_details(details: QueueDetails) -> None:
    assert details.of([], NOON, reader="ann", session="s1") == {}
