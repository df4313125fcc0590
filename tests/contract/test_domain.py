"""domain.yml, rules, examples, content, the button catalogue and the trained model agree."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from safeguarding.conversation_state import ConversationState
from safeguarding.taxonomy import CONTENT, ROOT, Severity, taxonomy
from tests.content import real_content

DOMAIN: dict[str, Any] = yaml.safe_load((ROOT / "domain.yml").read_text("utf-8"))
CARDS = real_content().help_cards
LANGUAGES = real_content().languages
MODEL = ROOT / "models" / "lantern.tar.gz"
FROM_CONTENT = {
    "utter_help_immediate",
    "utter_help_urgent",
    "utter_help_concern",
    "utter_still_here",
    "utter_language_card",
}
"""The responses that bot/content_importer.py makes of content/help_card.yml and languages."""
BUTTONS = {"take_pledge", "follow_guide"}  # pressed, never learned: in words it is a question
DISCLOSING = {"disclose_immediate", "disclose_urgent", "disclose_concern"}
OVERRULING = DISCLOSING | {"still_here"}
SCREENED = {"ask_about_chat", "language_card", "ask_next", "ask_which"}
"""Set by the risk screen, which knows the message better than a classifier of intents."""


def rules() -> Iterator[tuple[str, list[dict[str, str]]]]:
    for path in sorted((ROOT / "data" / "rules").glob("*.yml")):
        for rule in yaml.safe_load(path.read_text("utf-8"))["rules"]:
            yield rule["rule"], rule["steps"]


def examples(folder: Path = ROOT / "data" / "nlu") -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in sorted(folder.glob("*.yml")):
        for block in yaml.safe_load(path.read_text("utf-8"))["nlu"]:
            if "intent" in block:
                lines = block["examples"].splitlines()
                found.setdefault(block["intent"], []).extend(line[2:] for line in lines)
    return found


TOPICS = set(real_content().articles.all())
INTENTS = {*DOMAIN["intents"], *(f"ask_{topic}" for topic in TOPICS)}
RESPONSES = {*DOMAIN["responses"], *FROM_CONTENT}
RULES = dict(rules())
EXAMPLES = examples()


def test_what_follows_from_content_is_not_written_by_hand_as_well():
    assert not set(DOMAIN["intents"]) & {f"ask_{topic}" for topic in TOPICS}
    assert not set(DOMAIN["responses"]) & FROM_CONTENT


def test_all_small_talk_of_the_taxonomy_is_understood_and_answered():
    assert set(taxonomy().small_talk) <= INTENTS
    assert {f"utter_{name}" for name in taxonomy().small_talk} <= set(DOMAIN["responses"])


def test_every_intent_that_is_no_topic_has_a_rule():
    answered = {steps[0]["intent"] for steps in RULES.values()}

    assert answered - {f"ask_{topic}" for topic in TOPICS} == {*DOMAIN["intents"], "nlu_fallback"}


def test_a_topic_has_a_rule_of_its_own_only_where_more_than_an_answer_follows():
    own = [steps for steps in RULES.values() if steps[0]["intent"].removeprefix("ask_") in TOPICS]

    assert own
    assert all(steps[1] == {"action": "action_answer"} and len(steps) > 2 for steps in own)


def test_every_intent_that_is_learned_has_examples_and_no_other():
    assert set(EXAMPLES) == INTENTS - OVERRULING - SCREENED - BUTTONS


@pytest.mark.parametrize("intent", sorted(EXAMPLES))
def test_each_intent_has_at_least_twenty_examples(intent):
    assert len(EXAMPLES[intent]) >= 20


@pytest.mark.parametrize("intent", ["read_story", "use_tool"])
def test_a_story_or_a_tool_can_be_asked_for_in_many_words(intent):
    assert len(EXAMPLES[intent]) >= 40


def test_every_button_carries_only_what_the_domain_knows():
    listed = yaml.safe_load((CONTENT / "choices.yml").read_text("utf-8"))["choices"]

    assert {name for choice in listed for name in choice.get("entities", {})} <= set(
        DOMAIN["entities"]
    )


def test_no_example_teaches_two_intents():
    seen: dict[str, str] = {}
    for intent, texts in EXAMPLES.items():
        for text in texts:
            plain = text.strip().lower()
            assert seen.setdefault(plain, intent) == intent, f"{text!r}: {seen[plain]}, {intent}"


@pytest.mark.parametrize("name", sorted(RULES))
def test_a_rule_for_a_disclosure_shows_help_before_it_calls_an_action(name):
    steps = RULES[name]
    if steps[0]["intent"] in DISCLOSING | {"say_not_safe"}:
        assert steps[1]["action"].startswith("utter_help_")
    actions = [step["action"] for step in steps[1:]]
    known = {*DOMAIN["actions"], *RESPONSES}
    assert actions
    assert set(actions) <= known


@pytest.mark.parametrize("intent", sorted(DISCLOSING | {"say_not_safe"}))
def test_after_help_every_disclosure_is_answered_and_then_signposted(intent):
    (steps,) = [steps for steps in RULES.values() if steps[0]["intent"] == intent]

    assert [step["action"] for step in steps[2:]] == ["action_escalate", "action_signpost"]


@pytest.mark.parametrize("audience", [None, *taxonomy().audiences])
@pytest.mark.parametrize("category", [*taxonomy().risk_categories])
def test_every_risk_category_has_an_article_for_each_reader(category, audience):
    answer = real_content().articles.all()[taxonomy().article_on(category, audience)]

    assert answer.section_for(audience) is not None


def test_every_risk_category_asks_for_a_help_of_its_own_and_for_no_other():
    known = taxonomy()

    assert set(known.category_help) == set(known.risk_categories)
    assert {each["need"] for each in known.category_help.values()} <= set(known.needs)


def test_what_needs_no_action_server_after_a_concern_needs_none_in_another_language_either():
    for intent in ("still_here", "language_card"):
        (steps,) = [steps for steps in RULES.values() if steps[0]["intent"] == intent]
        assert [step["action"] for step in steps[1:]] == [f"utter_{intent}"]
        assert f"utter_{intent}" in FROM_CONTENT


def test_there_is_no_form():
    assert "forms" not in DOMAIN


@pytest.fixture(scope="module")
def trained() -> dict[str, Any]:
    """Return the domain inside the trained model, which the Rasa server answers from."""
    assert MODEL.exists(), "no trained model: make train"
    with tarfile.open(MODEL) as model:
        inside = next(each for each in model if each.name.endswith("domain_provider/domain.yml"))
        file = model.extractfile(inside)
        assert file is not None
        found: dict[str, Any] = yaml.safe_load(file)
    return found


def shown_for(trained: dict[str, Any], response: str, key: str | None) -> list[dict[str, Any]]:
    """Return the variants that Rasa chooses from when the slot `help` is `key`, else the others."""
    wanted = [{"type": "slot", "name": "help", "value": key}]
    variants = trained["responses"][response]
    own = [each for each in variants if each.get("condition") == wanted]
    return [each["custom"] for each in own or variants if own or "condition" not in each]


@pytest.mark.parametrize(("key", "card"), [*CARDS.by_keys()])
def test_every_help_card_of_content_is_in_the_model_under_its_key(trained, key, card):
    assert shown_for(trained, f"utter_help_{card['severity']}", key) == [card]


@pytest.mark.parametrize("label", ["immediate", "urgent", "concern"])
def test_a_card_that_nobody_chose_is_that_of_whoever_has_said_nothing(trained, label):
    card = CARDS.message(Severity.named(label), None)

    assert shown_for(trained, f"utter_help_{label}", None) == [card]
    assert shown_for(trained, f"utter_help_{label}", "of-another-year") == [card]


@pytest.mark.parametrize("label", ["immediate", "urgent", "concern"])
def test_every_line_in_place_of_a_card_is_in_the_model_for_every_severity(trained, label):
    still = [(key, said) for key, said in CARDS.still_by_keys() if key.startswith("danger_now-")]

    for key, line in [*CARDS.agains(), *still]:
        assert shown_for(trained, f"utter_help_{label}", key) == [line]


@pytest.mark.parametrize(("key", "said"), [*CARDS.still_by_keys()])
def test_every_way_to_say_that_we_are_still_here_is_in_the_model(trained, key, said):
    assert shown_for(trained, "utter_still_here", key) == [said]


def test_we_are_still_here_also_for_whom_nobody_can_say_what_was_told(trained):
    said = shown_for(trained, "utter_still_here", None)

    assert said == [CARDS.still_here(ConversationState())]


@pytest.mark.parametrize("code", sorted(LANGUAGES))
def test_the_cards_in_other_languages_are_in_the_model(trained, code):
    key, card = f"language-{code}", LANGUAGES[code]

    # In English: the gateway puts the translation in its place where it may be shown.
    said = [each["text"] for each in shown_for(trained, "utter_language_card", key)]
    assert said == [card.card_in_english]
    for label in ("immediate", "urgent", "concern"):
        (shown,) = shown_for(trained, f"utter_help_{label}", key)
        own = CARDS.message(Severity.named(label), None)
        text = card.english("immediate_card" if label == "immediate" else "urgent_card")
        assert shown == {**own, "text": text, "lang": code}


def test_the_model_knows_every_topic_and_says_nothing_that_is_not_here(trained):
    intents = {next(iter(each)) if isinstance(each, dict) else each for each in trained["intents"]}

    assert intents == INTENTS
    assert set(trained["responses"]) == RESPONSES


def test_every_button_says_what_the_catalogue_says():
    for name, variants in DOMAIN["responses"].items():
        for variant in variants:
            for button in variant.get("buttons", []):
                known = real_content().choices.button(button["payload"])
                assert known["label"] == button["title"], name


def test_every_button_leads_to_an_intent_that_exists():
    listed = yaml.safe_load((CONTENT / "choices.yml").read_text("utf-8"))["choices"]

    # Without an intent: the gateway answers by itself.
    assert {choice["intent"] for choice in listed if choice["intent"]} <= INTENTS


def test_what_a_person_is_told_first_says_it_is_a_program_and_cannot_send_help():
    opening = " ".join(
        message["text"]
        for message in yaml.safe_load((CONTENT / "opening.yml").read_text("utf-8"))["messages"]
    )

    assert "computer program" in opening
    assert "can't send help" in opening
    assert "999" in opening
