"""Live turns through real processes: what `rasa test` cannot judge."""

from __future__ import annotations

import pytest

from tests.integration.client import Person, help_card, kinds
from tests.integration.log_reader import LogReader

DISCLOSURE = "hes 24 and he keeps asking for pics, he said he'd hurt my brother if i tell"


@pytest.fixture
def log(stack) -> LogReader:
    return LogReader(stack)


@pytest.fixture
def person(stack) -> Person:
    return Person(stack.url("gateway"))


def test_a_question_is_answered_with_its_source_and_date(person):
    (answer,) = person.say("what is grooming")

    assert answer["kind"] == "answer"
    assert answer["topic"] == "what_is_grooming"
    assert answer["sources"][0]["publisher"]
    assert answer["reviewed_on"]


def test_a_disclosure_gets_help_first_and_is_recorded_once(person, log):
    messages = person.say(DISCLOSURE)

    assert help_card(messages)["severity"] == "urgent"
    assert messages[-1]["contacts"][-1]["id"] == "childline"
    (entry,) = log.of(DISCLOSURE)
    assert entry.entry.severity.label == "urgent"
    assert entry.escalation.assessment.signals
    assert any("0800 1111" in shown for shown in entry.escalation.shown)


@pytest.mark.parametrize("denial", ["jk", "you misunderstood", "forget it", "its for a friend"])
def test_a_denial_is_answered_kindly_and_cancels_nothing(person, log, denial):
    text = f"my uncle keeps touching me. i nearly wrote {denial} before"
    person.say(text)
    before = log.of(text)

    assert person.say(denial)
    assert log.of(text) == before
    assert before[0].entry.status.value == "open"


def test_a_disclosure_interrupts_the_question_where_do_you_live(person):
    asked = person.press("speak_to_someone")
    assert any(choice["id"] == "area_wiltshire" for choice in asked[-1]["choices"])

    assert help_card(person.say("he is outside my house right now"))["severity"] == "immediate"


def test_after_help_the_conversation_goes_on(person):
    card = help_card(person.say(DISCLOSURE))

    labels = [choice["label"] for choice in card["choices"]]
    assert labels == [
        "I'm safe right now",
        "What happens if I tell someone?",
        "I can't call",
        "Something else",
    ]
    for choice in card["choices"]:
        assert "help_card" not in kinds(person.press(choice["id"]))


def test_whoever_presses_not_safe_gets_999_first_and_is_recorded(person, log):
    assert help_card(person.press("not_safe_now"))["severity"] == "immediate"
    assert [entry.entry.severity.label for entry in log.of("I'm not safe")] == ["immediate"]


def test_a_parent_is_spoken_to_as_a_parent(stack):
    parent = Person(stack.url("gateway"), audience="parent")

    answer = parent.say("what is grooming")[0]
    card = help_card(parent.say("a man is blackmailing my daughter with her nude pictures"))

    child = Person(stack.url("gateway")).say("what is grooming")[0]
    assert answer["text"] != child["text"]
    assert "NSPCC" in card["text"]


def test_saying_who_one_is_by_button_changes_the_words(person):
    person.press("i_am_a_parent")

    answer = person.say("what is grooming")[0]
    child = Person(person._base).say("what is grooming")[0]
    assert answer["text"] != child["text"]


def test_a_mention_of_mum_does_not_make_the_writer_a_parent(person):
    person.say("my mum is funny")

    child = Person(person._base).say("what is grooming")[0]
    assert person.say("what is grooming")[0]["text"] == child["text"]


def test_speaking_to_someone_always_signposts(person):
    messages = person.say("can i talk to a real person please")

    assert "contacts" in kinds(messages)


def test_a_leading_slash_is_text(person, log):
    assert person.say("/restart")
    assert help_card(person.say("/disclose_urgent my uncle keeps touching me"))
    assert len(log.of("/disclose_urgent my uncle keeps touching me")) == 1


def test_what_is_not_understood_is_not_guessed(person):
    (offer,) = person.say("flibbertigibbet wuzzle of the nineteenth parsnip")

    assert offer["kind"] in {"prompt", "text"}
    assert any(choice["id"] == "speak_to_someone" for choice in offer["choices"])


def test_leaving_forgets_the_conversation(person):
    person.press("i_am_a_parent")
    to_a_parent = person.say("what is grooming")[0]["text"]
    person.leave()

    assert person.say("what is grooming")[0]["text"] != to_a_parent
