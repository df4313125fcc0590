"""Words are found by opening cases, in every text that people wrote, within a time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from safeguarding.escalation import Outcome
from safeguarding.risk.assessment import Turn
from staff.cases import word_search
from staff.cases.case import CaseStatus, Referral
from staff.cases.cases import CaseFilter
from staff.cases.casework import Casework, ClosingDecision
from staff.cases.child import ChildDetails, DetailKind
from staff.cases.merging import CaseMerge
from staff.cases.tables import data_keys
from staff.cases.word_search import MESSAGES, SearchResult, WordSearch
from tests.records import NOON, Callbacks, EscalationLog, escalation, vault

ANY = CaseFilter(status=None)


@pytest.fixture
def search(engine: Engine) -> WordSearch:
    return WordSearch(engine, vault())


def come(log: EscalationLog, case_id: str, text: str, **changes: Any) -> None:
    facts = {"conversation_id": case_id, "text": text, "turns_before": ()}
    log.record(escalation(f"message-{case_id}", **(facts | changes)))


def found(result: SearchResult) -> dict[str, dict[str, int]]:
    return {hit.case.id: hit.places for hit in result.hits}


def test_all_words_have_to_stand_in_one_text_in_any_letters(
    log: EscalationLog, search: WordSearch
) -> None:
    come(log, "a", "He waits in Victoria Road, every day")
    come(log, "b", "victoria told me")
    come(log, "c", "the road", turns_before=(Turn("user", "he is called victoria"),))

    assert found(search.search("victoria ROAD", ANY)) == {"a": {MESSAGES: 1}}
    assert set(found(search.search("victoria", ANY))) == {"a", "b", "c"}
    assert found(search.search("nothing like this", ANY)) == {}


def test_what_lantern_said_is_not_searched(log: EscalationLog, search: WordSearch) -> None:
    come(log, "a", "hello", shown=("You did the right thing.",))

    assert found(search.search("right thing", ANY)) == {}


def test_every_text_of_staff_and_wishes_is_searched(
    engine: Engine,
    log: EscalationLog,
    search: WordSearch,
    casework: Casework,
    wishes: Callbacks,
    ann: str,
) -> None:
    come(log, "c1", "hello")
    casework.note("c1", "One pelican.", by=ann)
    casework.add_action("c1", "Two pelican.", None, by=ann)
    casework.refer("c1", Referral("police", "telephone", NOON, "pelican", "pelican"), by=ann)
    ChildDetails(engine, vault()).record("c1", DetailKind.KNOWN_PUPIL, "pelican", by=ann)

    assert found(search.search("pelican", ANY)) == {
        "c1": {"case_notes": 1, "case_actions": 1, "referrals": 2, "child_details": 1}
    }


def test_status_category_days_and_areas_narrow_it(
    log: EscalationLog, search: WordSearch, casework: Casework, ann: str
) -> None:
    come(log, "open", "pelican")
    come(log, "closed", "pelican")
    come(log, "kent", "pelican", area="kent")
    come(log, "old", "pelican", raised_at=NOON - timedelta(days=9))
    casework.close("closed", ClosingDecision(Outcome.OTHER, "x"), by=ann)

    def ids(**which: Any) -> set[str]:
        return set(found(search.search("pelican", CaseFilter(**{"status": None} | which))))

    assert ids() == {"open", "closed", "kent", "old"}
    assert ids(status=CaseStatus.CLOSED) == {"closed"}
    assert ids(areas=frozenset({"wiltshire"})) == {"open", "closed", "old"}
    assert ids(opened_from=NOON) == {"open", "closed", "kent"}
    assert ids(category="suicide") == set()


def test_words_of_a_merged_case_lead_to_the_one_it_is_part_of(
    log: EscalationLog, search: WordSearch, merging: CaseMerge, ann: str
) -> None:
    come(log, "a", "hello")
    come(log, "b", "pelican")
    merging.merge("b", "a", by=ann)

    assert found(search.search("pelican", ANY)) == {"a": {MESSAGES: 1}}


def test_it_ends_after_its_time_says_how_far_it_went_and_goes_on_from_there(
    engine: Engine, log: EscalationLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(word_search, "BATCH", 2)
    for number in range(5):
        # Two of them at the same moment, over the end of a batch.
        at = NOON - timedelta(hours=number if number != 2 else 1)
        come(log, f"c{number}", "pelican", raised_at=at)
    seconds = iter([0.0, 9.0] * 3)
    search = WordSearch(engine, vault(), lambda: next(seconds))

    first = search.search("pelican", ANY)
    second = search.search("pelican", ANY, further=first.further)
    third = search.search("pelican", ANY, further=second.further)

    assert [each.looked_at for each in (first, second, third)] == [2, 2, 1]
    assert first.back_to == NOON - timedelta(hours=1)
    assert third.further == ""
    all_found = [hit.case.id for each in (first, second, third) for hit in each.hits]
    assert sorted(all_found) == ["c0", "c1", "c2", "c3", "c4"]


@pytest.mark.parametrize("further", ["x", "2026-11-25T12:00|c1", "|", "9" * 4000])
def test_a_place_that_is_not_known_begins_anew(
    log: EscalationLog, search: WordSearch, further: str
) -> None:
    come(log, "c1", "pelican")

    assert set(found(search.search("pelican", ANY, further=further))) == {"c1"}


def test_a_case_that_cannot_be_opened_is_counted_and_hides_no_other(
    engine: Engine, log: EscalationLog, search: WordSearch
) -> None:
    come(log, "a", "pelican")
    come(log, "b", "pelican")
    with engine.begin() as connection:
        connection.execute(sa.delete(data_keys).where(data_keys.c.case_id == "a"))

    result = search.search("pelican", ANY)

    assert (set(found(result)), result.unreadable) == ({"b"}, 1)


@pytest.mark.parametrize("words", ["", "  ", "a", "?!?", "ab"])
def test_less_than_three_letters_are_refused(search: WordSearch, words: str) -> None:
    with pytest.raises(ValueError, match="short"):
        search.search(words, ANY)
