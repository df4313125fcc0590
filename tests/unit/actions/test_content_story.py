"""A story: the one that was named, else all as buttons."""

from __future__ import annotations

import pytest

from actions.content import ActionTellStory
from tests.content import real_content
from tests.unit.actions.trackers import CONCERN, tracker


def told(dispatcher, composition, **fields):
    fields = {"text": "tell me a story", "intent": "read_story", **fields}
    ActionTellStory(composition).run(dispatcher, tracker(**fields), {})
    (message,) = dispatcher.messages
    return message["custom"]


@pytest.mark.parametrize("story", [*real_content().stories.all()])
def test_tells_the_story_that_was_named_with_its_source_and_who_helps(dispatcher, composed, story):
    message = told(dispatcher, composed, entities={"story": story})

    assert message["kind"] == "answer"
    assert message["topic"] == f"story_{story}"
    assert message["sources"]
    assert message["steps"]
    assert "childline" in [contact["id"] for contact in message["contacts"]]


@pytest.mark.parametrize("entities", [{}, {"story": "no_such_story"}, {"tool": "grounding"}])
def test_without_a_name_offers_all_stories_and_a_person(dispatcher, composed, entities):
    message = told(dispatcher, composed, entities=entities)

    offered = [choice["id"] for choice in message["choices"]]
    assert message["kind"] == "prompt"
    stories = [f"story_{story}" for story in real_content().stories.all()]
    assert offered == [*stories, "speak_to_someone"]
    assert message["text"] == composed.phrases.which_story
    assert "contacts" not in message


def test_a_story_past_its_review_is_withheld_and_people_are_signposted(dispatcher, years_later):
    message = told(dispatcher, years_later, entities={"story": "party_house"})

    assert message["kind"] == "contacts"
    assert message["text"] == years_later.phrases.story_or_tool_withheld
    assert [contact["id"] for contact in message["contacts"]][-2:] == ["emergency_999", "childline"]


@pytest.mark.parametrize("entities", [{}, {"story": "party_house"}])
def test_a_worry_beside_the_wish_for_a_story_gets_contacts(dispatcher, composed, entities):
    message = told(dispatcher, composed, assessment=CONCERN, entities=entities)

    assert message["contacts"][-1]["id"] == "childline"
