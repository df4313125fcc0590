"""The state of a conversation between messages: enough for the next one, small, and no words."""

from __future__ import annotations

import json

import pytest
from rasa.shared.core.constants import ACTION_LISTEN_NAME, SESSION_START_METADATA_SLOT
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, BotUttered, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from bot.tracker_store import Dialogue
from safeguarding.answering.memory import LONGEST
from safeguarding.conversation_state import ALREADY_SHOWN, AlreadyShown

DOMAIN = Domain.load("domain.yml")
BEFORE = Dialogue(
    slots={"audience": "parent", "pledged": True},
    shown=AlreadyShown(("childline",), ("ask_what_is_grooming",), ("guide/sextortion/0",)),
)


def tracker(dialogue: Dialogue | None = None) -> DialogueStateTracker:
    return (dialogue or Dialogue()).begin(DialogueStateTracker("c1", DOMAIN.slots))


def test_a_conversation_goes_on_where_it_stood():
    begun = tracker(BEFORE)

    assert begun.get_slot("audience") == "parent"
    assert begun.get_slot("pledged") is True
    assert begun.get_slot(ALREADY_SHOWN) == BEFORE.shown.as_record()
    assert Dialogue.of(begun) == BEFORE


def test_rasa_finds_a_session_that_waits_for_a_message():
    begun = tracker()

    assert begun.applied_events() == [ActionExecuted(ACTION_LISTEN_NAME)]
    assert begun.latest_action_name == ACTION_LISTEN_NAME
    assert begun.followup_action is None
    assert begun.latest_message is None or begun.latest_message.text is None


def test_however_long_the_conversation_it_begins_with_a_few_events():
    assert len(tracker(BEFORE).events) <= 3 + len(DOMAIN.slots)


def test_what_is_shown_in_the_turn_comes_to_what_was_shown_before():
    begun = tracker(BEFORE)
    shown = {
        "kind": "contacts",
        "text": "Who knows",
        "contacts": [{"id": "ceop", "name": "CEOP"}, {"id": "childline", "name": "Childline"}],
        "choices": [{"id": "ask_what_is_sexting", "label": "What is sexting?"}],
        "topic": "sexting",
    }
    begun.update(UserUttered("something a child wrote"))
    begun.update(BotUttered("plain words"))
    begun.update(BotUttered(data={"custom": shown}))

    assert Dialogue.of(begun).shown == AlreadyShown(
        ("childline", "ceop"),
        ("ask_what_is_grooming", "ask_what_is_sexting"),
        ("guide/sextortion/0", "sexting"),
    )


def test_no_words_and_nothing_of_rasas_own_go_to_the_gateway():
    begun = tracker()
    begun.update(UserUttered("my uncle hurts me", metadata={"state": {}}))
    begun.update(SlotSet(SESSION_START_METADATA_SLOT, {"message_id": "m1"}))
    begun.update(SlotSet("area", "wiltshire"))
    begun.update(BotUttered("I'm sorry", data={"custom": {"kind": "text", "text": "I'm sorry"}}))

    assert Dialogue.of(begun).as_record() == {"slots": {"area": "wiltshire"}}


def test_a_record_is_json_and_comes_back_the_same():
    assert Dialogue.from_record(json.loads(json.dumps(BEFORE.as_record()))) == BEFORE
    assert Dialogue.from_record({}) == Dialogue()
    assert Dialogue().as_record() == {}


def test_a_slot_that_the_domain_has_no_more_is_left_out():
    begun = tracker(Dialogue(slots={"gone": "x", "area": "wiltshire"}))

    assert Dialogue.of(begun) == Dialogue(slots={"area": "wiltshire"})


@pytest.mark.parametrize(
    "record",
    [
        "x",
        [],
        {"words": "x"},
        {"slots": "x"},
        {"slots": ["x"]},
        {"slots": {"area": {"a": 1}}},
        {"slots": {"area": "x" * (LONGEST + 1)}},
        {"shown": "x"},
        {"shown": {"contacts": "childline"}},
        {"shown": {"contacts": [5]}},
        {"shown": {"words": ["x"]}},
    ],
)
def test_what_it_never_gave_back_is_refused(record):
    with pytest.raises((AttributeError, TypeError, ValueError)):
        Dialogue.from_record(record)
