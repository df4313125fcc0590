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

    card = help_card(messages)
    assert card["severity"] == "urgent"
    assert kinds(messages)[-1] in {"contacts", "help_card"}
    shown = [c["id"] for message in messages for c in message.get("contacts", [])]
    assert "childline" in shown
    assert "999" in card["text"]
    assert len(shown) == len(set(shown)), "somebody is shown twice"
    (entry,) = log.of(DISCLOSURE)
    assert entry.case.severity.label == "urgent"
    assert entry.escalation.assessment.signals
    assert any("0800 1111" in shown for shown in entry.escalation.shown)
    assert entry.escalation.contacts is not None
    noted = [(each.id, each.open_now, each.hours) for each in entry.escalation.contacts]
    cards = [card for message in messages for card in message.get("contacts", [])]
    assert noted == [(card["id"], card["open_now"], card["hours"]) for card in cards]


@pytest.mark.parametrize("denial", ["jk", "you misunderstood", "forget it", "its for a friend"])
def test_a_denial_is_answered_kindly_and_cancels_nothing(person, log, denial):
    text = f"my uncle keeps touching me. i nearly wrote {denial} before"
    person.say(text)
    before = log.of(text)

    assert person.say(denial)
    (after,) = log.of(text)
    assert [(each.escalation, each.history) for each in before] == [
        (after.escalation, after.history)
    ]
    assert after.case.status.value == "open"
    assert after.case.severity == before[0].case.severity


@pytest.mark.parametrize(
    ("told", "then"),
    [
        ("he says he wants to die", "what do i do tonight"),
        ("like 30 paracetamol", "an hour ago"),
        ("my life is over", "lol"),
    ],
)
def test_whoever_told_us_something_is_never_left_with_small_talk(person, log, told, then):
    assert help_card(person.say(told))["severity"] != "none"
    assert log.of(told)

    messages = person.say(then)

    # A word that takes up what was said needs no number after a concern.
    taken_up = messages[0].get("topic", "").startswith(("reply_heard_", "reply_unclear_"))
    assert "999" in messages[0]["text"] or (then == "lol" and taken_up)
    buttons = [choice["id"] for message in messages for choice in message.get("choices", [])]
    assert "not_safe_now" in buttons
    assert not any(m["text"].startswith(("Bye", "Hi", "That's not")) for m in messages)


def test_whoever_tells_and_asks_gets_help_first_and_then_the_answer(stack):
    parent = Person(stack.url("gateway"), audience="parent")

    (card,) = parent.say("somebody made a fake nude of my daughter with ai, who takes it down")

    assert (card["kind"], card["topic"]) == ("help_card", "reply_first_fake_nude_of_me")
    assert card["contacts"][0]["id"] == "report_remove"
    assert "I'm a program" in card["text"]


def test_in_immediate_danger_there_is_a_card_then_what_to_do_now_and_nothing_to_read(person):
    messages = person.say("he locked me in and he has a knife")

    assert kinds(messages) == ["help_card", "prompt", "contacts"]
    assert messages[0]["contacts"][0]["id"] == "emergency_999"
    assert messages[1]["topic"] == "guide_someone_in_the_house/0"
    assert messages[2]["choices"][0]["id"].startswith("ask_")


def test_a_disclosure_interrupts_the_question_where_do_you_live(person):
    asked = person.press("speak_to_someone")
    assert any(choice["id"] == "area_wiltshire" for choice in asked[-1]["choices"])

    assert help_card(person.say("he is outside my house right now"))["severity"] == "immediate"


def test_after_help_the_conversation_goes_on(person):
    messages = person.say(DISCLOSURE)
    card = help_card(messages)

    # Of these, the button of the note stands with the last ones of the reply.
    assert "say_it" in [each["id"] for said in messages for each in said.get("choices", [])]
    labels = [choice["label"] for choice in card["choices"] if choice["id"] != "say_it"]
    assert labels[0] == "I'm not safe"
    assert labels[-2:] == ["Let someone get back to me", "Let me come back to this"]
    assert len(labels) > len(labels[:1] + labels[-2:]), "no button leads to more help"
    for choice in card["choices"][1:]:
        assert "help_card" not in kinds(person.press(choice["id"]))


def test_whoever_presses_not_safe_gets_999_first_and_is_recorded(person, log):
    assert help_card(person.press("not_safe_now"))["severity"] == "immediate"
    assert [entry.case.severity.label for entry in log.of("I'm not safe")] == ["immediate"]


def test_a_parent_is_spoken_to_as_a_parent(stack):
    parent = Person(stack.url("gateway"), audience="parent")

    answer = parent.say("what is grooming")[0]
    card = help_card(parent.say("a man is blackmailing my daughter with her nude pictures"))

    child = Person(stack.url("gateway")).say("what is grooming")[0]
    assert answer["text"] != child["text"]
    assert "your child" in card["text"].split("\n")[0]


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

    assert any(message.get("contacts") for message in messages)


def test_a_leading_slash_is_text(person, log):
    assert person.say("/restart")
    assert help_card(person.say("/disclose_urgent my uncle keeps touching me"))
    assert len(log.of("/disclose_urgent my uncle keeps touching me")) == 1


def test_what_is_not_understood_is_not_guessed(person):
    (offer,) = person.say("flibbertigibbet wuzzle of the nineteenth parsnip")

    everyday = ("reply_unclear_", "reply_chat_")
    assert "topic" not in offer or offer["topic"].startswith(everyday)
    assert "999" not in offer["text"]


def test_leaving_forgets_the_conversation(person):
    person.press("i_am_a_parent")
    to_a_parent = person.say("what is grooming")[0]["text"]
    person.leave()

    assert person.say("what is grooming")[0]["text"] != to_a_parent
