"""The first answer and the card become one message, and lose no way to help."""

from __future__ import annotations

from typing import Literal

import pytest

from safeguarding.content.help_cards import MOST_BUTTONS, MOST_CONTACTS
from safeguarding.messages import Choice, ContactCard, Message
from safeguarding.taxonomy import READERS, YOUNG_PERSON, Severity
from tests.content import real_content

CARDS = real_content().help_cards
CHOICES, QUESTIONS = real_content().choices, real_content().questions
IN_DANGER = "If anyone's in danger now, call 999."
TOPIC = "reply_first_blackmailed_over_picture"
ANSWER = Message(
    kind="answer",
    topic=TOPIC,
    text="Do not pay.",
    sources=[{"title": "Pay", "publisher": "CEOP", "url": "https://ceop.uk", "date": "2025"}],
)


def merged_of(messages: list[Message], reader: str = YOUNG_PERSON) -> list[Message]:
    answer = next((each for each in messages if each.get("topic") == TOPIC), None)
    return CARDS.with_first_answer(messages, answer, reader)


def contact(id_: str) -> ContactCard:
    return {**CARDS.message(Severity.URGENT, None)["contacts"][0], "id": id_}


def people(*ids: str, buttons: tuple[str, ...] = ()) -> Message:
    return Message(
        kind="contacts",
        text="Who knows.",
        contacts=[*map(contact, ids)],
        choices=[Choice(id=each, label=each) for each in buttons],
    )


def card(severity: Severity = Severity.URGENT, audience: str | None = None) -> Message:
    return CARDS.message(severity, audience, "hurt_by_someone")


def ids(message: Message, kind: Literal["contacts", "choices"]) -> list[str]:
    return [each["id"] for each in message[kind]]


@pytest.mark.parametrize("reader", READERS)
def test_the_answer_takes_the_place_of_the_cards_words_and_keeps_its_ending(reader: str) -> None:
    whole = card(audience="parent" if reader == "adult" else None)
    (merged,) = merged_of([whole, ANSWER], reader)

    danger = "In danger now? Call 999." if reader == YOUNG_PERSON else IN_DANGER
    assert merged["text"] == f"Do not pay. {danger}\n\n{CARDS.ending(reader)}"
    assert whole["text"].endswith(CARDS.ending(reader))
    assert (merged["topic"], merged["sources"]) == (TOPIC, ANSWER["sources"])
    for name in ("kind", "severity", "need"):
        assert merged[name] == whole[name]


@pytest.mark.parametrize(
    ("severity", "text"), [(Severity.CONCERN, "Do not pay."), (Severity.URGENT, "Call 999.")]
)
def test_999_is_named_once_and_only_where_it_may_be_urgent(severity: Severity, text: str) -> None:
    (merged,) = merged_of([card(severity), {**ANSWER, "text": text}])

    assert merged["text"] == f"{text}\n\n{CARDS.ending(YOUNG_PERSON)}"


def test_the_contact_that_the_answer_speaks_of_first_comes_before_one_for_everybody() -> None:
    answer: Message = {**ANSWER, "contacts": [contact("report_remove"), contact("ceop")]}
    (merged,) = merged_of([card(), answer, people("police_101")])

    assert ids(merged, "contacts") == ["report_remove", "childline"]


@pytest.mark.parametrize(
    ("knowing", "shown"), [(("report_remove", "d"), ["report_remove", "a"]), ((), ["a", "b"])]
)
def test_the_one_who_knows_most_is_shown_and_the_cards_first_that_is_not_999(
    knowing: tuple[str, ...], shown: list[str]
) -> None:
    whole = card()
    whole["contacts"] = [*map(contact, ("emergency_999", "a", "b"))]
    (merged,) = merged_of([whole, ANSWER, people(*knowing)])

    assert ids(merged, "contacts") == shown
    assert len(ids(merged, "contacts")) == MOST_CONTACTS


def test_danger_then_what_fits_then_everyone_else_are_the_buttons() -> None:
    whole = card()
    assert "not_safe_now" in ids(whole, "choices")
    (merged,) = merged_of([whole, people(buttons=("guide", "x", "y")), ANSWER])

    assert ids(merged, "choices") == ["not_safe_now", "guide", "speak_to_someone"]
    assert len(ids(merged, "choices")) == MOST_BUTTONS


def test_without_a_guide_the_cards_own_buttons_fill_the_place() -> None:
    whole = card()
    own = [each for each in ids(whole, "choices") if each != "not_safe_now"]
    (merged,) = merged_of([whole, ANSWER])

    assert ids(merged, "choices") == ["not_safe_now", own[0], "speak_to_someone"]


def test_whatever_else_is_said_follows() -> None:
    other = Message(kind="prompt", topic="x", text="More?")

    merged, rest = merged_of([card(), ANSWER, people(), other])

    assert merged["topic"] == TOPIC
    assert rest == other


@pytest.mark.parametrize("reader", READERS)
def test_in_danger_999_is_named_before_the_answer_and_stays_among_the_contacts(
    reader: str,
) -> None:
    danger = card(Severity.IMMEDIATE, audience="parent" if reader == "adult" else None)
    (merged,) = merged_of([danger, ANSWER, people("a")], reader)

    first = "In danger now? Call 999." if reader == YOUNG_PERSON else IN_DANGER
    assert merged["text"] == f"{first} Do not pay.\n\n{CARDS.ending(reader)}"
    assert ids(merged, "contacts") == ["a", "emergency_999"]
    assert (merged["severity"], merged["need"]) == ("immediate", "danger_now")


def test_an_answer_without_a_card_names_999_where_that_is_due() -> None:
    silent, says = Message(kind="text", text="Breathe."), Message(kind="text", text="It's 999.")

    assert CARDS.naming_999([silent], YOUNG_PERSON)[0]["text"] == (
        "Breathe. In danger now? Call 999."
    )
    assert CARDS.naming_999([silent, says], YOUNG_PERSON) == [silent, says]
    assert CARDS.naming_999([], YOUNG_PERSON) == []


@pytest.mark.parametrize(
    ("reader", "asks"),
    [(YOUNG_PERSON, "Are you safe right now?"), ("adult", "Is everyone safe right now?")],
)
def test_a_reply_may_end_with_the_question_if_they_are_safe(reader: str, asks: str) -> None:
    buttons = [CHOICES.button(each) for each in ("leave_wish", "not_safe_now")]
    message = Message(kind="prompt", text="Take care. 999 is always there.", choices=buttons)

    asked = CARDS.asking_if_safe(message, reader)

    assert asked["text"] == f"Take care. 999 is always there. {asks}"
    assert ids(asked, "choices") == ["safe_now", "not_safe_now", "leave_wish"]
    assert QUESTIONS.open_after([asked]) == "safe_now"
    assert "999" in CARDS.asking_if_safe(Message(kind="prompt", text="Bye."), reader)["text"]


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [ANSWER],
        [card(), people("a")],
        [card(), Message(kind="answer", topic="reply_should_i_pay", text="No.")],
        [Message(kind="text", topic="help_again", text="Still."), ANSWER],
    ],
)
def test_without_a_card_or_a_first_answer_nothing_changes(messages: list[Message]) -> None:
    assert merged_of(messages) == messages
