"""A tool: the one that was named, else all as buttons."""

from __future__ import annotations

import pytest

from actions.content import ActionUseTool
from tests.content import real_content
from tests.unit.actions.trackers import CONCERN, tracker


def used(dispatcher, composition, **fields):
    fields = {"text": "help me calm down", "intent": "use_tool", **fields}
    ActionUseTool(composition).run(dispatcher, tracker(**fields), {})
    (message,) = dispatcher.messages
    return message["custom"]


@pytest.mark.parametrize("tool", [*real_content().tools.all()])
def test_shows_the_steps_of_the_tool_that_was_named(dispatcher, composed, tool):
    message = used(dispatcher, composed, entities={"tool": tool})

    assert message["topic"] == f"tool_{tool}"
    assert 2 <= len(message["steps"]) <= 8
    assert message["sources"]
    assert message["contacts"]


def test_a_parent_reads_a_parents_words(dispatcher, composed):
    message = used(
        dispatcher,
        composed,
        entities={"tool": "words_to_start"},
        slots={"audience": "parent"},
    )

    assert any("To a helpline" in step for step in message["steps"])


def test_without_a_name_offers_the_tools_and_a_person(dispatcher, composed):
    offered = [choice["id"] for choice in used(dispatcher, composed)["choices"]]

    assert "tool_grounding" in offered
    assert "tool_block_roblox" not in offered
    assert offered[0] == "say_it"
    assert offered[-1] == "speak_to_someone"


def test_an_adult_is_not_offered_a_note_in_a_young_persons_words(dispatcher, composed):
    message = used(dispatcher, composed, slots={"audience": "parent"})

    assert "say_it" not in [choice["id"] for choice in message["choices"]]


def test_a_worry_gets_contacts_while_the_tool_is_shown(dispatcher, composed):
    message = used(dispatcher, composed, entities={"tool": "grounding"}, assessment=CONCERN)

    assert message["topic"] == "tool_grounding"
    assert message["contacts"][-1]["id"] == "childline"
