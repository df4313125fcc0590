"""How hard a text is to read."""

from __future__ import annotations

import pytest

from safeguarding.content.lint.language import ease, too_hard

EASY = "You can tell an adult you trust.\nIt is not your fault."
HARD = (
    "Multidisciplinary safeguarding arrangements necessitate proportionate information sharing "
    "between statutory organisations whenever significant harm is reasonably suspected."
)


def test_short_words_in_short_sentences_are_easy() -> None:
    assert ease(EASY).grade < 3
    assert too_hard(EASY, "young_person") is None


def test_what_is_too_hard_for_a_reader_is_said_with_the_limit() -> None:
    assert too_hard(HARD, "younger") == f"younger: grade {ease(HARD).grade}; at most 4"
    assert too_hard(HARD, "young_person") == f"young_person: grade {ease(HARD).grade}; at most 6"
    assert too_hard(HARD, "parent") == f"parent: grade {ease(HARD).grade}; at most 8"
    assert too_hard(HARD, "professional") is None


def test_younger_children_are_told_in_plainer_words_than_young_people() -> None:
    between = (
        "You can tell a teacher or somebody else about it. It may feel difficult to say it aloud."
    )
    assert 4 < ease(between).grade <= 6

    assert too_hard(between, "young_person") is None
    assert too_hard(between, "younger") is not None


@pytest.mark.parametrize("audience", ["younger", "young_person"])
def test_easy_words_in_one_endless_sentence_are_too_long_for_a_child(audience: str) -> None:
    endless = "I go to it and we go up to it as we do it and so on to me "

    assert "words a sentence" in (too_hard(endless, audience) or "")


def test_a_step_without_a_full_stop_ends_its_sentence() -> None:
    steps = "Tell an adult\nCall Childline today\nTake your time"

    assert ease(steps).sentence < 4
