from __future__ import annotations

from safeguarding.risk.lexicon.matching import PatternIndex

HIT_ME = ({"NORM": {"IN": ["hit", "slap"]}}, {"OP": "{0,3}"}, {"NORM": "me"})
LEAVE = ({"NORM": "not", "OP": "?"}, {"NORM": "leave"})
BOUGHT = ({"NORM": "be"}, {"LOWER": {"IN": ["bought"]}})
NOT_HIM = ({"NORM": {"NOT_IN": ["him"]}},)


def test_offers_a_pattern_whose_needed_words_are_there() -> None:
    index = PatternIndex([HIT_ME, LEAVE])

    assert set(index.candidates({"he", "slap", "me"})) == {0}
    assert set(index.candidates({"leave"})) == {1}


def test_keeps_back_a_pattern_that_lacks_a_word() -> None:
    assert set(PatternIndex([HIT_ME]).candidates({"hit", "him"})) == set()


def test_always_offers_a_pattern_that_names_no_word() -> None:
    assert set(PatternIndex([HIT_ME, NOT_HIM]).candidates({"tea"})) == {1}


def test_a_form_is_not_looked_up_among_the_lemmas() -> None:
    assert set(PatternIndex([BOUGHT]).candidates({"be", "buy"})) == {0}
