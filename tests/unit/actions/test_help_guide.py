"""A guide: one step at a time by buttons, in the reader's own words, with who helps with it."""

from __future__ import annotations

import pytest
from rasa_sdk.executor import CollectingDispatcher

from actions.help import ActionGuide
from safeguarding.conversation_state import ConversationState
from tests.content import real_content
from tests.unit.actions.trackers import tracker

SEXTORTION = real_content().guides.all()["sextortion"]
PARENT = ConversationState(audience="parent")


def shown(dispatcher, composition, step, **fields):
    entities = {"step": step} if step else None
    pressed = tracker("Done", "follow_guide", entities=entities, **fields)
    assert ActionGuide(composition).run(dispatcher, pressed, {}) == []
    (message,) = dispatcher.messages
    return message["custom"]


def pressed(choice):
    """Return the step that a button leads to."""
    return real_content().choices[choice].entities["step"]


def test_the_button_of_a_guide_leads_to_its_first_step(dispatcher, composed):
    message = shown(dispatcher, composed, pressed("guide_sextortion"))

    assert (message["kind"], message["topic"]) == ("prompt", "guide_sextortion/0")
    assert (message["title"], message["text"]) == (
        SEXTORTION.title,
        SEXTORTION.steps[0].young_person,
    )
    assert [choice["id"] for choice in message["choices"]] == [
        "guide_sextortion_after_0",
        "not_safe_now",
        "guide_stop",
    ]


@pytest.mark.parametrize(
    ("choice", "place"),
    [
        ("guide_sextortion_after_0", "guide_sextortion/1"),
        ("guide_sextortion_back_2", "guide_sextortion/1"),
        ("guide_sextortion_resume_3", "guide_sextortion/3"),
    ],
)
def test_a_button_leads_on_from_the_step_that_it_names(dispatcher, composed, choice, place):
    message = shown(dispatcher, composed, pressed(choice))

    assert message["topic"] == place
    back = f"guide_sextortion_back_{place[-1]}"
    assert back in [choice["id"] for choice in message["choices"]]


def test_after_the_last_step_come_the_last_words_and_no_button_on(dispatcher, composed):
    last = len(SEXTORTION.steps) - 1

    message = shown(dispatcher, composed, pressed(f"guide_sextortion_after_{last}"))

    assert message["text"] == SEXTORTION.end.young_person
    assert [choice["id"] for choice in message["choices"]] == [
        f"guide_sextortion_back_{last + 1}",
        "not_safe_now",
        "guide_stop",
    ]


@pytest.mark.parametrize(
    "state",
    [PARENT, ConversationState(need="adult_for_child"), ConversationState(need="adult_in_crisis")],
)
def test_an_adult_reads_the_words_for_adults(dispatcher, composed, state):
    message = shown(dispatcher, composed, "sextortion/resume/0", state=state)

    assert message["text"] == SEXTORTION.steps[0].adult


def test_a_step_shows_the_contacts_that_help_with_it_and_no_others(dispatcher, composed):
    (report,) = (at for at, step in enumerate(SEXTORTION.steps) if step.id == "report")

    message = shown(dispatcher, composed, f"sextortion/resume/{report}")

    assert [contact["id"] for contact in message["contacts"]] == SEXTORTION.steps[report].ways


def test_a_step_without_contacts_shows_none(dispatcher, composed):
    assert "contacts" not in shown(dispatcher, composed, "sextortion/resume/0")


@pytest.mark.parametrize(
    "step", [None, "", "no_such_guide/after/0", "sextortion", "sextortion/after/x"]
)
def test_a_step_that_is_not_there_leads_to_who_can_help(dispatcher, composed, step):
    message = shown(dispatcher, composed, step)

    assert (message["kind"], message["text"]) == ("contacts", composed.phrases.who_can_help)
    assert [contact["id"] for contact in message["contacts"]][-2:] == ["emergency_999", "childline"]


@pytest.mark.parametrize("guide", [*real_content().guides.all()])
@pytest.mark.parametrize("state", [None, PARENT])
def test_every_guide_can_be_walked_from_its_first_step_to_its_last_words(composed, guide, state):
    record = real_content().guides.all()[guide]
    reader = "adult" if state else "young_person"
    said: list[str] = []
    choice: str | None = f"guide_{guide}"
    while choice:
        message = shown(CollectingDispatcher(), composed, pressed(choice), state=state)
        said.append(message["text"])
        ids = [each["id"] for each in message.get("choices", [])]
        choice = next((each for each in ids if "_after_" in each), None)

    words = [text for step in record.steps if (text := getattr(step, reader))]
    if words:
        assert said == [*words, getattr(record.end, reader)]
    else:
        assert said == [composed.phrases.who_can_help]
