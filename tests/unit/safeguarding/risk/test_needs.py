"""Which help a message asks for: on sentences of others, and on every reviewed phrase."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from safeguarding.conversation_state import ConversationState
from safeguarding.risk.engine import RiskEngine
from safeguarding.risk.lexicon.reader import Lexicon
from safeguarding.speaker import audience_said
from safeguarding.taxonomy import Severity, taxonomy
from tests.content import real_content

GROUPS = yaml.safe_load((Path(__file__).parents[3] / "held_out" / "needs.yml").read_text("utf-8"))
SENTENCES = [
    (text, group["audience"], group["need"]) for group in GROUPS for text in group["sentences"]
]
LEAST_RIGHT = 0.92


def card_for(engine: RiskEngine, text: str, audience: str | None) -> str:
    """Return the need of the card that a first message gets; "none" where it gets none."""
    found = engine.assess(text)
    before = ConversationState(audience=audience or audience_said(text))
    after = before.after(found)
    if found.severity == Severity.NONE:
        return "none"
    key = real_content().help_cards.due_key(before, after, found.severity)
    return key.split("-")[0]


@pytest.fixture(scope="module")
def cards(whole_engine: RiskEngine) -> dict[str, str]:
    """Return the card of each sentence."""
    return {text: card_for(whole_engine, text, audience) for text, audience, _ in SENTENCES}


def test_two_hundred_sentences_get_the_card_that_they_ask_for(cards: dict[str, str]) -> None:
    wrong = [
        f"{text!r}: {cards[text]}, not {need}" for text, _, need in SENTENCES if cards[text] != need
    ]

    assert len(wrong) <= (1 - LEAST_RIGHT) * len(SENTENCES), "\n".join(wrong)


MET_WITHOUT_A_CARD = 3
"""Requests for help that say nothing else: the planner meets them in words (tests/dialogues/
help_and_nothing_else.yml)."""


def test_each_of_them_that_tells_something_gets_a_card(cards: dict[str, str]) -> None:
    without = [need for text, _, need in SENTENCES if cards[text] == "none"]

    assert {*without} <= {"unclear"}
    assert len(without) <= MET_WITHOUT_A_CARD


def test_danger_now_never_gets_another_card(cards: dict[str, str]) -> None:
    danger = [text for text, _, need in SENTENCES if need == "danger_now"]

    assert len(danger) >= 20
    assert [text for text in danger if cards[text] != "danger_now"] == []


def test_every_need_is_asked_for() -> None:
    assert {need for _, _, need in SENTENCES} == set(taxonomy().needs)


def test_every_reviewed_urgent_phrase_gets_a_card_with_the_numbers(
    engine: RiskEngine, lexicon: Lexicon
) -> None:
    cards = real_content().help_cards
    for rule in lexicon.rules:
        if rule.severity < Severity.URGENT:
            continue
        for text in rule.match:
            found = engine.assess(text)
            after = ConversationState().after(found)
            card = cards.by_key(cards.due_key(ConversationState(), after, found.severity))
            assert found.severity >= Severity.URGENT, text
            assert "999" in card["text"], text
            if found.severity == Severity.IMMEDIATE:
                assert card["need"] == "danger_now", text
