"""Rasa's rules and domain, read without Rasa."""

from __future__ import annotations

from pathlib import Path

import pytest

from safeguarding.answering.actions import ACTIONS
from safeguarding.answering.parsed import entity
from safeguarding.answering.rules import Domain, Rules
from safeguarding.records import ContentError
from tests.content import real_content

RULES, DOMAIN = Rules(real_content()), Domain(real_content())


@pytest.mark.parametrize(
    ("intent", "actions"),
    [
        ("disclose_urgent", ("utter_help_urgent", "action_escalate", "action_signpost")),
        ("ask_talk_to_someone", ("action_answer", "action_signpost")),
        ("ask_what_is_grooming", ("action_answer",)),
        ("nlu_fallback", ("action_offer_topics",)),
        ("an intent that no rule knows", ("action_offer_topics",)),
    ],
)
def test_an_intent_has_the_actions_of_its_rule(intent: str, actions: tuple[str, ...]) -> None:
    assert RULES.actions(intent) == actions


@pytest.mark.parametrize("topic", real_content().articles.all())
def test_every_action_of_a_topic_is_known(topic: str) -> None:
    assert set(RULES.actions(f"ask_{topic}")) <= set(ACTIONS)


def test_a_rule_of_another_form_is_refused(tmp_path: Path) -> None:
    steps = "[{intent: greet}, {slot_was_set: [{area: x}]}, {action: utter_greet}]"
    (tmp_path / "odd.yml").write_text(f"rules: [{{rule: Odd, steps: {steps}}}]", "utf-8")

    with pytest.raises(ContentError, match="Odd"):
        Rules(real_content(), tmp_path)


def test_an_audience_named_in_the_text_counts_only_where_people_say_who_they_are() -> None:
    named = [entity("audience", "parent"), entity("known_audience", "young_person")]

    assert DOMAIN.filled("choose_audience", named) == {"audience": "parent"}
    assert DOMAIN.filled("greet", named) == {"audience": "young_person"}


def test_the_last_of_several_values_counts() -> None:
    named = [entity("audience", "parent"), entity("audience", "professional")]

    assert DOMAIN.filled("choose_audience", named) == {"audience": "professional"}


def test_wordings_for_the_reader_come_before_the_others() -> None:
    young, parents = (
        DOMAIN.variants("utter_greet", {"audience": audience}) for audience in (None, "parent")
    )

    assert all("condition" in each for each in parents)
    assert not any("condition" in each for each in young)


def test_the_card_that_is_due_is_the_one_wording() -> None:
    cards = dict(real_content().help_cards.by_keys())
    key = next(key for key, card in cards.items() if card["severity"] == "urgent")

    (variant,) = DOMAIN.variants("utter_help_urgent", {"help": key})
    assert variant["custom"] == cards[key]
