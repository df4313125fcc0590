"""Who can help this person, here, now."""

from __future__ import annotations

from actions.signpost import ActionSignpost
from safeguarding.content.areas import areas
from tests.unit.actions.trackers import URGENT, tracker


def shown(dispatcher, clock, **fields):
    ActionSignpost(clock=clock).run(dispatcher, tracker("help", **fields), {})
    (message,) = dispatcher.messages
    return message["custom"]


def test_an_unknown_area_is_asked_for_by_buttons(dispatcher, clock):
    message = shown(dispatcher, clock, intent="ask_talk_to_someone")

    labels = [choice["label"] for choice in message["choices"]]
    assert labels[0] == "Wiltshire"
    assert labels[-1] == "Somewhere else"
    assert len(labels) == len(areas()) + 1


def test_wiltshires_own_number_is_shown_in_wiltshire_and_nowhere_else(dispatcher, clock):
    message = shown(
        dispatcher, clock, intent="choose_area", slots={"area": "wiltshire", "audience": "parent"}
    )

    assert "wiltshire_mash" in [contact["id"] for contact in message["contacts"]]
    assert "choices" not in message


def test_swindon_is_never_given_wiltshires_number(dispatcher, clock):
    message = shown(
        dispatcher, clock, intent="choose_area", slots={"area": "swindon", "audience": "parent"}
    )

    assert "0300 456 01" not in repr(message)


def test_the_last_line_is_always_999_and_childline(dispatcher, clock):
    message = shown(dispatcher, clock, intent="disclose_urgent", assessment=URGENT)

    assert [contact["id"] for contact in message["contacts"]][-2:] == ["emergency_999", "childline"]
