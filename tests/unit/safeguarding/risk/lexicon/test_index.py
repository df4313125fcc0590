"""A pattern is tried only where it could match."""

from __future__ import annotations

import pytest

from safeguarding.risk.lexicon.index import PatternIndex

HIT_ME = ({"NORM": {"IN": ["hit", "slap"]}}, {"OP": "{0,3}"}, {"NORM": "me"})
LEAVE = ({"NORM": "not", "OP": "?"}, {"NORM": "leave"})
BOUGHT = ({"NORM": "be"}, {"LOWER": {"IN": ["bought"]}})
NOT_HIM = ({"NORM": {"NOT_IN": ["him"]}},)


def places(norms: str) -> dict[str, list[int]]:
    """Return where each of the norms stands."""
    found: dict[str, list[int]] = {}
    for at, norm in enumerate(norms.split()):
        found.setdefault(norm, []).append(at)
    return found


def test_offers_a_pattern_whose_needed_words_are_there() -> None:
    index = PatternIndex([HIT_ME, LEAVE])

    assert set(index.candidates(places("he slap me"))) == {0}
    assert set(index.candidates(places("leave"))) == {1}


def test_keeps_back_a_pattern_that_lacks_a_word() -> None:
    assert set(PatternIndex([HIT_ME]).candidates(places("hit him"))) == set()


@pytest.mark.parametrize(
    ("norms", "offered"),
    [
        ("hit a b c me", True),
        ("me hit", False),
        ("me slap me", True),
        ("hit a b c d me", False),
        ("hit a b c d slap me", True),
    ],
)
def test_offers_a_pattern_only_where_its_words_stand_in_order_near_each_other(
    norms: str, offered: bool
) -> None:
    assert set(PatternIndex([HIT_ME]).candidates(places(norms))) == ({0} if offered else set())


def test_always_offers_a_pattern_that_names_no_word() -> None:
    assert set(PatternIndex([HIT_ME, NOT_HIM]).candidates(places("tea"))) == {1}


def test_a_form_is_not_looked_up_among_the_lemmas() -> None:
    assert set(PatternIndex([BOUGHT]).candidates(places("be buy"))) == {0}
