"""A story: the one that was named, else all as buttons."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from actions.pieces import WITHHELD
from actions.tell_story import ActionTellStory
from safeguarding.content.stories import stories
from tests.unit.actions.trackers import CONCERN, tracker


def told(dispatcher, records, clock, **fields):
    fields = {"text": "tell me a story", "intent": "read_story", **fields}
    ActionTellStory(records=records, clock=clock).run(dispatcher, tracker(**fields), {})
    (message,) = dispatcher.messages
    return message["custom"]


@pytest.mark.parametrize("story", [*stories().all()])
def test_tells_the_story_that_was_named_with_its_source_and_who_helps(
    dispatcher, records, clock, story
):
    message = told(dispatcher, records, clock, entities={"story": story})

    assert message["kind"] == "answer"
    assert message["topic"] == f"story_{story}"
    assert message["sources"]
    assert message["steps"]
    assert "childline" in [contact["id"] for contact in message["contacts"]]


@pytest.mark.parametrize("entities", [{}, {"story": "no_such_story"}, {"tool": "grounding"}])
def test_without_a_name_offers_all_stories_and_a_person(dispatcher, records, clock, entities):
    message = told(dispatcher, records, clock, entities=entities)

    offered = [choice["id"] for choice in message["choices"]]
    assert message["kind"] == "prompt"
    assert len(offered) == 7
    assert offered[-1] == "speak_to_someone"
    assert "contacts" not in message


def test_a_story_past_its_review_is_withheld_and_people_are_signposted(dispatcher, records):
    def much_later() -> datetime:
        return datetime(2036, 1, 1, 12, 0, tzinfo=ZoneInfo("Europe/London"))

    message = told(dispatcher, records, much_later, entities={"story": "party_house"})

    assert message["kind"] == "contacts"
    assert message["text"] == WITHHELD
    assert [contact["id"] for contact in message["contacts"]][-2:] == ["emergency_999", "childline"]


@pytest.mark.parametrize("entities", [{}, {"story": "party_house"}])
def test_a_worry_beside_the_wish_for_a_story_gets_contacts_and_is_recorded(
    dispatcher, log, records, clock, entities
):
    message = told(dispatcher, records, clock, assessment=CONCERN, entities=entities)

    assert message["contacts"][-1]["id"] == "childline"
    assert log.get("m1").escalation.text == "tell me a story"
