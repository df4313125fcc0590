"""The topic that a message asks about, beside a disclosure or alone."""

from __future__ import annotations

import pytest

from safeguarding.answering.parsed import asked_about


def ranked(*names: str) -> list[dict[str, object]]:
    return [{"name": name, "confidence": 0.6 / at} for at, name in enumerate(names, 1)]


@pytest.mark.parametrize("tells", [False, True])
def test_the_surest_question_is_what_is_asked(tells):
    asked = asked_about(ranked("ask_consent", "ask_sextortion", "greet"), tells=tells)

    assert asked == {"topic": "consent", "confidence": 0.6}


@pytest.mark.parametrize("tells", [False, True])
@pytest.mark.parametrize("best", ["greet", "out_of_scope", "use_tool", "say_safe_now"])
def test_nothing_is_asked_where_something_else_is_surer(best, tells):
    assert asked_about(ranked(best, "ask_consent"), tells=tells) is None


@pytest.mark.parametrize(("tells", "topic"), [(False, None), (True, "consent")])
def test_an_unsure_question_counts_only_beside_something_told(tells, topic):
    asked = asked_about(ranked("nlu_fallback", "ask_consent", "ask_training"), tells=tells)

    assert (asked["topic"] if asked else None) == topic


@pytest.mark.parametrize("ranking", [[], ranked("nlu_fallback")])
def test_without_a_guess_nothing_is_asked(ranking):
    assert asked_about(ranking, tells=True) is None
