"""domain.yml, rules, examples, content and the button catalogue agree."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from safeguarding.choices import choices
from safeguarding.taxonomy import CONTENT, ROOT, taxonomy

DOMAIN: dict[str, Any] = yaml.safe_load((ROOT / "domain.yml").read_text("utf-8"))
CARDS = yaml.safe_load((CONTENT / "help_card.yml").read_text("utf-8"))["cards"]
BUTTONS = {"take_pledge"}  # pressed, never learned: asking about it in words is a question
OVERRULING = {"disclose_immediate", "disclose_urgent", "disclose_concern"}
PASTED = {"ask_about_chat"}  # set by the risk screen: a chat stands in the message


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


INTENTS = set(DOMAIN["intents"])
TOPICS = {intent.removeprefix("ask_") for intent in INTENTS - PASTED if intent.startswith("ask_")}
RULES = dict(rules())
EXAMPLES = examples()


def test_every_topic_has_an_answer_and_every_answer_a_topic():
    assert {path.stem for path in (CONTENT / "answers").glob("*.md")} == TOPICS
    assert set(taxonomy().topics) >= TOPICS


def test_all_small_talk_of_the_taxonomy_is_understood_and_answered():
    assert set(taxonomy().small_talk) <= INTENTS
    assert {f"utter_{name}" for name in taxonomy().small_talk} <= set(DOMAIN["responses"])


def test_every_intent_has_a_rule():
    answered = {steps[0]["intent"] for steps in RULES.values()}

    assert answered == INTENTS | {"nlu_fallback"}


def test_every_intent_that_is_learned_has_examples_and_no_other():
    assert set(EXAMPLES) == INTENTS - OVERRULING - PASTED - BUTTONS


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
    if steps[0]["intent"] in OVERRULING | {"say_not_safe"}:
        assert steps[1]["action"].startswith("utter_")
    actions = [step["action"] for step in steps[1:]]
    known = {*DOMAIN["actions"], *DOMAIN["responses"]}
    assert actions
    assert set(actions) <= known


def test_there_is_no_form():
    assert "forms" not in DOMAIN


@pytest.mark.parametrize("label", ["immediate", "urgent"])
def test_the_help_card_in_the_domain_is_the_one_in_content(label):
    by_reader = {
        (card["condition"][0]["value"] if "condition" in card else None): card["custom"]
        for card in DOMAIN["responses"][f"utter_help_{label}"]
    }

    assert by_reader == {
        None: CARDS[label]["young_person"],
        "parent": CARDS[label]["adult"],
        "professional": CARDS[label]["adult"],
    }


def test_every_button_says_what_the_catalogue_says():
    for name, variants in DOMAIN["responses"].items():
        for variant in variants:
            for button in variant.get("buttons", []):
                known = choices().button(button["payload"])
                assert known["label"] == button["title"], name


def test_every_button_leads_to_an_intent_that_exists():
    listed = yaml.safe_load((CONTENT / "choices.yml").read_text("utf-8"))["choices"]

    assert {choice["intent"] for choice in listed} <= INTENTS


def test_what_a_person_is_told_first_says_it_is_a_program_and_cannot_send_help():
    opening = " ".join(
        message["text"]
        for message in yaml.safe_load((CONTENT / "opening.yml").read_text("utf-8"))["messages"]
    )

    assert "computer program" in opening
    assert "can't send help" in opening
    assert "999" in opening
