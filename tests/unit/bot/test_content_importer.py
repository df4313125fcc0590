"""A topic is one article and its examples: the rest of the Rasa model follows from content."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from rasa.core.nlg import TemplatedNaturalLanguageGenerator
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, UserUttered
from rasa.shared.core.training_data.structures import RuleStep, StoryGraph

from bot.content_importer import OUT_OF_SCOPE, ContentImporter, EverydayTalk
from safeguarding.content.languages import field_for
from safeguarding.content.reader import read_content
from safeguarding.conversation_state import DANGER_NOW, ConversationState
from safeguarding.corpus import everyday, read_examples
from safeguarding.dialogue.plan import SAFE_AFTER_DANGER, SAFE_AFTER_HARM, language_key
from safeguarding.records import ContentError
from safeguarding.risk.assessment import NO_RISK, Assessment
from safeguarding.taxonomy import CONTENT, ROOT, Severity, reader_of, taxonomy
from tests.content import real_content

ARTICLE = """\
---
id: night_buses
title: "Is it safe to take the night bus?"
about: "getting home late"
sources:
  - {title: Travel, publisher: NSPCC, url: "https://nspcc.org.uk", date: null, read_on: 2026-11-25}
reviewed_on: 2026-11-25
review_due: 2027-05-25
approved_by: null
related: [help_a_friend]
contacts: {young_person: [childline]}
---
## young_person

Sit near the driver. Tell someone when you will be home.

What you can do:
- Share your way home with a person you trust.
- Call Childline on 0800 1111 if something worries you.
"""
EXAMPLES = """\
version: "3.1"
nlu:
- intent: ask_night_buses
  examples: |
    - is the night bus safe
    - how do i get home late
"""


def importer(content: Path = CONTENT, data: Path = ROOT / "data") -> ContentImporter:
    paths = [str(data / name) for name in ("nlu", "rules", "stories")]
    return ContentImporter(str(ROOT / "config.yml"), str(ROOT / "domain.yml"), paths, content)


def rules_for(stories: StoryGraph, intent: str) -> list[list[str | None]]:
    """Return the steps after the intent, in each rule that begins with it."""
    return [
        [event.action_name for event in step.events if isinstance(event, ActionExecuted)][1:]
        for step in stories.story_steps
        if isinstance(step, RuleStep)
        and intent in {each.intent_name for each in step.events if isinstance(each, UserUttered)}
    ]


@pytest.fixture(scope="module")
def domain() -> Domain:
    """Return the domain of the real content and of domain.yml."""
    return importer().get_domain()


@pytest.fixture(scope="module")
def stories() -> StoryGraph:
    """All rules and stories of the real content."""
    return importer().get_stories()


@pytest.fixture
def with_another(tmp_path: Path) -> tuple[Path, Path]:
    """Copy content/ and data/ and add one article and its examples."""
    content, data = tmp_path / "content", tmp_path / "data"
    shutil.copytree(CONTENT, content)
    (content / "articles" / "night_buses.md").write_text(ARTICLE, encoding="utf-8")
    for name in ("rules", "stories"):
        shutil.copytree(ROOT / "data" / name, data / name)
    (data / "nlu").mkdir()
    (data / "nlu" / "travel.yml").write_text(EXAMPLES, encoding="utf-8")
    return content, data


def test_one_article_and_its_examples_are_a_new_topic(with_another: tuple[Path, Path]) -> None:
    content, data = with_another
    made, read = importer(content, data), read_content(content)

    assert "ask_night_buses" in made.get_domain().intents
    assert rules_for(made.get_stories(), "ask_night_buses") == [["action_answer"]]
    assert made.get_nlu_data().intents == {"ask_night_buses"}
    assert "night_buses" in read.articles.all()
    assert read.choices.button("ask_night_buses") == {
        "id": "ask_night_buses",
        "label": "Is it safe to take the night bus?",
    }


def test_without_its_file_the_topic_is_not_there(domain: Domain) -> None:
    assert "ask_night_buses" not in domain.intents


def test_every_topic_has_exactly_one_rule_and_it_answers_first(stories: StoryGraph) -> None:
    for topic in real_content().articles.all():
        (follows,) = rules_for(stories, f"ask_{topic}")
        assert follows[0] == "action_answer"


def test_a_rule_written_by_hand_is_the_only_one_of_its_topic(stories: StoryGraph) -> None:
    assert rules_for(stories, "ask_pledge") == [["action_answer", "action_pledge"]]


AUDIENCES = [None, "young_person", "parent", "professional"]
HANDED_OVER = [Severity.CONCERN, Severity.URGENT, Severity.IMMEDIATE]
LANGUAGES = sorted(real_content().languages)


def said(domain: Domain, response: str, key: str | None) -> object:
    """Return the response of Rasa while the slot `help` holds `key`."""
    slots = {"help": key, "audience": None, "area": None}
    made = TemplatedNaturalLanguageGenerator(domain.responses)
    found = made.generate_from_slots(response, slots, "gateway")
    return found["custom"] if found else None


def own_keys(domain: Domain, response: str) -> list[str]:
    """Return the keys for which a response has its own variant."""
    return [
        condition["value"]
        for variant in domain.responses[response]
        for condition in variant.get("condition", [])
    ]


@pytest.mark.parametrize("audience", AUDIENCES)
@pytest.mark.parametrize("severity", HANDED_OVER)
def test_each_reader_is_shown_the_help_card_of_content_that_is_due(
    domain: Domain, severity: Severity, audience: str | None
) -> None:
    cards, response = real_content().help_cards, f"utter_help_{severity.label}"
    for need in taxonomy().needs:
        key = cards.key(severity, reader_of(audience), need)
        asked_for = "unclear" if need == DANGER_NOW else need
        assert said(domain, response, key) == cards.message(severity, audience, asked_for)


@pytest.mark.parametrize("key", [None, "no-such-card"])
@pytest.mark.parametrize("severity", HANDED_OVER)
def test_without_a_due_card_the_general_card_is_shown(
    domain: Domain, severity: Severity, key: str | None
) -> None:
    shown = said(domain, f"utter_help_{severity.label}", key)

    assert shown == real_content().help_cards.message(severity, None)


@pytest.mark.parametrize("severity", HANDED_OVER)
def test_a_line_in_place_of_a_card_is_there_at_each_severity(
    domain: Domain, severity: Severity
) -> None:
    for key, line in real_content().help_cards.agains():
        assert said(domain, f"utter_help_{severity.label}", key) == line


def test_danger_told_twice_is_999_first_both_times(domain: Domain) -> None:
    still = real_content().help_cards.still_by_keys()
    again = {key: words for key, words in still if key.startswith(DANGER_NOW)}

    assert again
    for key, words in again.items():
        assert said(domain, "utter_help_immediate", key) == words


def test_every_way_to_say_that_we_are_still_here_is_that_of_content(domain: Domain) -> None:
    for key, words in real_content().help_cards.still_by_keys():
        assert said(domain, "utter_still_here", key) == words

    by_itself = real_content().help_cards.still_here(ConversationState())
    assert said(domain, "utter_still_here", None) == by_itself


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_message_in_another_language_gets_the_english_of_its_card(
    domain: Domain, code: str
) -> None:
    card, key = real_content().languages[code], language_key(code)

    shown = said(domain, "utter_language_card", key)
    assert isinstance(shown, dict)
    assert (shown["kind"], shown["text"], shown["lang"]) == ("text", card.card_in_english, code)


@pytest.mark.parametrize("severity", HANDED_OVER)
@pytest.mark.parametrize("code", LANGUAGES)
def test_a_disclosure_in_another_language_gets_the_english_of_its_help(
    domain: Domain, code: str, severity: Severity
) -> None:
    shown = said(domain, f"utter_help_{severity.label}", language_key(code))

    assert isinstance(shown, dict)
    assert (shown["kind"], shown["severity"]) == ("help_card", severity.label)
    assert (shown["text"], shown["lang"]) == (
        real_content().languages[code].english(field_for(severity)),
        code,
    )
    assert "emergency_999" in [contact["id"] for contact in shown["contacts"]]


def test_a_person_who_is_safe_after_danger_is_told_of_999_all_the_same(domain: Domain) -> None:
    def says(key: str | None) -> str:
        slots = {"help": key, "audience": None, "area": None}
        made = TemplatedNaturalLanguageGenerator(domain.responses)
        found = made.generate_from_slots("utter_safe_now", slots, "gateway")
        return str(found["text"]) if found else ""

    assert "call 999" in says(SAFE_AFTER_DANGER)
    assert "Call 999 even so" in says(SAFE_AFTER_HARM)
    assert "I'm glad you're safe right now" in says(None)


def tellings() -> Iterator[Assessment]:
    """One of each category and severity, about each of whom it may be."""
    for severity in HANDED_OVER:
        for category in taxonomy().risk_categories:
            for subject in taxonomy().subjects:
                yield Assessment(severity, (category,), subject, ())


@pytest.mark.parametrize("audience", AUDIENCES)
def test_whatever_is_due_has_words_of_its_own_in_the_model(
    domain: Domain, audience: str | None
) -> None:
    cards, nobody = real_content().help_cards, ConversationState(audience=audience)
    known = {name: set(own_keys(domain, name)) for name in domain.responses}

    for first in tellings():
        before = nobody.after(first)
        response = f"utter_help_{first.severity.label}"
        assert cards.due_key(nobody, before, first.severity) in known[response]
        for need in taxonomy().needs:
            before = before.shown(need, first.severity)
        for _ in range(3):
            after = before.after(first)
            assert cards.due_key(before, after, first.severity) in known[response]
            before = before.after(NO_RISK)
            for intent in [None, *taxonomy().small_talk]:
                assert cards.still_key(before, intent) in known["utter_still_here"]


@pytest.mark.parametrize(
    "response",
    [
        "utter_help_immediate",
        "utter_help_urgent",
        "utter_help_concern",
        "utter_still_here",
        "utter_language_card",
    ],
)
def test_no_key_has_two_kinds_of_words(domain: Domain, response: str) -> None:
    keys = own_keys(domain, response)

    assert keys
    assert len(keys) == len(set(keys))


def test_what_is_written_by_hand_stays_as_it_is(domain: Domain) -> None:
    by_hand = Domain.load(str(ROOT / "domain.yml"))

    assert domain.session_config == by_hand.session_config
    for part in ("slots", "entities", "actions"):
        assert domain.as_dict()[part] == by_hand.as_dict()[part]
    assert set(by_hand.intents) < set(domain.intents)
    assert all(domain.responses[name] == said for name, said in by_hand.responses.items())


def test_an_article_that_is_not_sound_stops_the_training(with_another: tuple[Path, Path]) -> None:
    content, data = with_another
    path = content / "articles" / "night_buses.md"
    path.write_text(ARTICLE.replace("about:", "abuot:"), encoding="utf-8")

    with pytest.raises(ContentError, match="abuot"):
        importer(content, data)


# ---- everyday talk of data/risk -----------------------------------------------------------------
def test_every_everyday_sentence_is_an_example() -> None:
    taught = EverydayTalk().get_nlu_data().intent_examples
    assert [each.get("text") for each in taught] == everyday(read_examples())
    assert {each.get("intent") for each in taught} == {OUT_OF_SCOPE}


def test_no_sentence_that_was_held_out_is_taught() -> None:
    held = {each.text for each in read_examples() if each.part != "training"}
    taught = {each.get("text") for each in EverydayTalk().get_nlu_data().intent_examples}
    only_there = {
        each.text for each in read_examples() if each.part == "training"
    }  # a few greetings are in both
    assert not (taught & held) - only_there


def test_it_adds_nothing_but_examples() -> None:
    importer = EverydayTalk("config.yml", "domain.yml", ["data"])
    assert importer.get_domain().is_empty()
    assert importer.get_stories().is_empty()
    assert importer.get_config() == {}
    assert importer.get_config_file_for_auto_config() is None
