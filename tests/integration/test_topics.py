"""Every topic, asked in the voice of each audience, through the trained assistant.

The gate presses buttons: what a person is then shown must not depend on a guess. How often the
same question typed is understood is printed, not judged here: `make evaluate` measures it.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from safeguarding.taxonomy import ROOT, taxonomy
from tests.content import real_content
from tests.integration.client import Person

HELD_OUT = ROOT / "tests" / "held_out"


@pytest.fixture
def someone(stack, audience) -> Person:
    """Return a person of this audience, who has asked nothing yet."""
    return Person(stack.url("gateway"), audience=audience)


def the_answer(messages: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the first message, which answers; signposting may follow."""
    return messages[0]


@pytest.mark.parametrize("audience", [*taxonomy().audiences])
@pytest.mark.parametrize("topic", [*real_content().articles.all()])
def test_each_reader_gets_the_words_written_for_them_with_their_source(someone, topic, audience):
    answer = real_content().articles.all()[topic]
    section = answer.section_for(audience)

    shown = the_answer(someone.press(f"ask_{topic}"))

    if section is None:  # for adults alone: a child is sent to people instead
        assert shown["kind"] == "contacts"
        assert shown["contacts"][-1]["id"] == "childline"
        return
    assert shown["kind"] == "answer"
    assert shown["topic"] == topic
    assert shown["text"] == section.text
    assert shown["steps"] == list(section.steps)
    assert [source["url"] for source in shown["sources"]] == [s.url for s in answer.front.sources]
    assert shown["reviewed_on"]
    assert shown["choices"]


@pytest.mark.parametrize("audience", [*taxonomy().audiences])
@pytest.mark.parametrize("story", [*real_content().stories.all()])
def test_each_reader_is_told_each_story(someone, story):
    (shown,) = someone.press(f"story_{story}")

    assert shown["topic"] == f"story_{story}"
    assert "How it ended:" in shown["text"]
    assert shown["sources"]
    assert shown["contacts"]


@pytest.mark.parametrize("audience", [*taxonomy().audiences])
@pytest.mark.parametrize("tool", [*real_content().tools.all()])
def test_each_reader_can_use_each_tool(someone, tool):
    (shown,) = someone.press(f"tool_{tool}")

    assert shown["topic"] == f"tool_{tool}"
    assert len(shown["steps"]) >= 2
    assert shown["sources"]


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("help me calm down", "tool_grounding"),
        ("what do i say to my teacher", "tool_words_to_start"),
        ("tell me about zara", "story_party_house"),
    ],
)
def test_a_story_or_a_tool_can_be_asked_for_in_words(stack, text, topic):
    shown = Person(stack.url("gateway")).say(text)

    assert topic in [message.get("topic") for message in shown]


def test_a_story_without_a_name_is_offered_by_buttons(stack):
    (shown,) = Person(stack.url("gateway")).say("tell me a story about it")

    assert shown["kind"] == "prompt"
    assert len([c for c in shown["choices"] if c["id"].startswith("story_")]) == 14


def test_the_pledge_is_a_journey_by_buttons_that_counts_once(stack):
    person = Person(stack.url("gateway"))

    answer, prompt = person.press("ask_pledge")
    taken = person.press("pledge_take")[0]["text"]
    if "could not count it" in taken:  # the database was busy: the button may be pressed again
        taken = person.press("pledge_take")[0]["text"]
    again = person.press("pledge_take")[0]["text"]
    tell = person.press("pledge_tell")[0]["text"]

    assert answer["topic"] == "pledge"
    assert "pledge_take" in [choice["id"] for choice in prompt["choices"]]
    assert "We counted one more pledge" in taken
    assert "not counted twice" in again
    assert person.token not in tell


def test_a_council_of_the_second_area_is_found_by_its_button_and_by_its_town(stack):
    pressed = Person(stack.url("gateway"), audience="parent")
    typed = Person(stack.url("gateway"), audience="parent")

    by_button = pressed.press("area_bath_and_north_east_somerset")[0]["contacts"]
    in_words = typed.say("i live in keynsham")[0]["contacts"]

    for contacts in (by_button, in_words):
        assert any(card["id"].startswith("bath_") for card in contacts)
        assert not any(card["id"].startswith(("wiltshire_", "swindon_")) for card in contacts)


def test_how_often_a_typed_question_is_understood_is_printed(stack, capsys):
    asked: dict[str, dict[str, Any]] = {}
    for path in sorted(HELD_OUT.glob("topics_*.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            row = json.loads(line)
            asked.setdefault(row["intent"].removeprefix("ask_"), row)
    questions = {topic: asked[topic] for topic in real_content().articles.all()}
    right = 0
    for topic, row in questions.items():
        person = Person(stack.url("gateway"), audience=row["voice"])
        shown = person.say(row["text"])
        right += any(message.get("topic") == topic for message in shown)

    with capsys.disabled():
        sys.stdout.write(
            f"\ntyped, one question a topic: {right} of {len(questions)} answered on their topic\n"
        )
    assert len(questions) == len(real_content().articles.all())
