"""Scores are found again by their text, and no text is kept."""

from __future__ import annotations

from safeguarding.risk.encoder.remembered import RememberedScores

SCORES = (1.0, -2.0, -3.0)


def test_finds_the_scores_of_a_text_that_was_read():
    remembered = RememberedScores()
    remembered.put("my uncle hurts me", SCORES)

    assert remembered.get("my uncle hurts me") == SCORES
    assert remembered.get("my uncle hurts") is None


def test_a_lone_surrogate_is_a_text_too():
    remembered = RememberedScores()
    remembered.put("a \ud800", SCORES)

    assert remembered.get("a \ud800") == SCORES


def test_the_text_is_not_kept_and_its_digest_is_this_process_own():
    first, second = RememberedScores(), RememberedScores()
    for each in (first, second):
        each.put("my uncle hurts me", SCORES)

    assert not first._scores.keys() & second._scores.keys()
    assert all(isinstance(key, bytes) and len(key) == 16 for key in first._scores)


def test_the_one_longest_unused_makes_room():
    remembered = RememberedScores(kept=2)
    for text in ("a", "b"):
        remembered.put(text, SCORES)
    remembered.get("a")
    remembered.put("c", SCORES)

    assert [remembered.get(text) is not None for text in "abc"] == [True, False, True]
