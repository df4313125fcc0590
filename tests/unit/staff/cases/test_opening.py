"""What is sealed in many cases is opened together, and what cannot be opened costs one case."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from staff.cases.cases import CaseFilter, note_of
from staff.cases.casework import Casework
from staff.cases.likeness import LikenessSearch
from staff.cases.opening import CaseOpener
from staff.cases.tables import case_notes, data_keys, escalations
from staff.cases.word_search import WordSearch
from storage.engine import READING
from tests.records import NOON, EscalationLog, escalation, vault


@pytest.fixture(autouse=True)
def three(log: EscalationLog) -> None:
    """Put three cases with the same words on record, "a" with an earlier message as well."""
    for each in ("a", "b", "c"):
        log.record(escalation(f"of-{each}", conversation_id=each, text="a pelican"))
    earlier = NOON.replace(hour=1)
    log.record(escalation("first", conversation_id="a", text="hi", raised_at=earlier))


def spoil(engine: Engine, what: str) -> None:
    """Make what is sealed in case "b" unreadable: without its key, or with another's."""
    of_b = data_keys.c.case_id == "b"
    with engine.begin() as connection:
        if what == "key gone":
            connection.execute(sa.delete(data_keys).where(of_b))
        elif what == "key of another":
            others = sa.select(data_keys.c.wrapped).where(data_keys.c.case_id == "a")
            wrapped = connection.execute(others).scalar_one()
            connection.execute(sa.update(data_keys).where(of_b).values(wrapped=wrapped))
        else:
            changed = sa.update(escalations).where(escalations.c.case_id == "b")
            connection.execute(changed.values(severity=0))


SPOILED = pytest.mark.parametrize("what", ["key gone", "key of another", "message changed"])


def test_messages_come_by_case_the_oldest_first(engine: Engine) -> None:
    with engine.connect().execution_options(**READING) as connection:
        opener = CaseOpener(connection, vault(), ["a", "b", "not there"])
        found = [(case_id, message.message_id) for case_id, message in opener.messages()]

    assert [message for case_id, message in found if case_id == "a"] == ["first", "of-a"]
    assert [message for case_id, message in found if case_id == "b"] == ["of-b"]
    assert {case_id for case_id, _ in found} == {"a", "b"}
    assert opener.unreadable == set()


def test_no_case_is_no_error(engine: Engine) -> None:
    with engine.connect().execution_options(**READING) as connection:
        opener = CaseOpener(connection, vault(), [])
        assert list(opener.messages()) == []


@SPOILED
def test_what_cannot_be_opened_is_named_and_hides_no_other(engine: Engine, what: str) -> None:
    spoil(engine, what)
    with engine.connect().execution_options(**READING) as connection:
        opener = CaseOpener(connection, vault(), ["a", "b", "c"])
        found = sorted(message.message_id for _, message in opener.messages())

    assert (found, opener.unreadable) == (["first", "of-a", "of-c"], {"b"})


def test_what_staff_wrote_is_opened_by_the_key_of_its_case(
    engine: Engine, casework: Casework, ann: str
) -> None:
    casework.note("a", "One.", by=ann)
    casework.note("b", "Two.", by=ann)
    spoil(engine, "key gone")
    with engine.connect().execution_options(**READING) as connection:
        opener = CaseOpener(connection, vault(), ["a", "b"])
        found = [(case_id, note.text) for case_id, note in opener.rows(case_notes, note_of)]

    assert (found, opener.unreadable) == ([("a", "One.")], {"b"})


@SPOILED
def test_both_searches_go_on_without_it(engine: Engine, what: str) -> None:
    spoil(engine, what)

    words = WordSearch(engine, vault()).search("pelican", CaseFilter(status=None))
    alike = LikenessSearch(engine, vault()).like("a", None)

    assert ({hit.case.id for hit in words.hits}, words.unreadable) == ({"a", "c"}, 1)
    assert [each.case.id for each in alike.found] == ["c"]
