"""The first answer and the card become one message, and lose no way to help."""

from __future__ import annotations

from typing import Literal

import pytest

from safeguarding.dialogue.first_answer import MOST_BUTTONS, MOST_CONTACTS, with_first_answer
from safeguarding.messages import Choice, ContactCard, Message
from safeguarding.taxonomy import READERS, YOUNG_PERSON, Severity
from tests.content import real_content

CARDS = real_content().help_cards
TOPIC = "reply_first_blackmailed_over_picture"
ANSWER = Message(
    kind="answer",
    topic=TOPIC,
    text="Do not pay.",
    sources=[{"title": "Pay", "publisher": "CEOP", "url": "https://ceop.uk", "date": "2025"}],
)


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
    (merged,) = with_first_answer([whole, ANSWER], CARDS, reader)

    assert merged["text"] == f"Do not pay.\n\n{CARDS.ending(reader)}"
    assert whole["text"].endswith(CARDS.ending(reader))
    assert (merged["topic"], merged["sources"]) == (TOPIC, ANSWER["sources"])
    for name in ("kind", "severity", "need"):
        assert merged[name] == whole[name]


@pytest.mark.parametrize("emergency", [True, False])
def test_999_stays_among_three_contacts_beside_the_one_who_knows_most(emergency: bool) -> None:
    whole = card()
    whole["contacts"] = [*map(contact, ("a", "b", "c"))]
    if emergency:
        whole["contacts"].append(contact("emergency_999"))
    (merged,) = with_first_answer(
        [whole, ANSWER, people("report_remove", "d")], CARDS, YOUNG_PERSON
    )

    shown = ids(merged, "contacts")
    assert shown[0] == "report_remove"
    assert len(shown) == MOST_CONTACTS
    assert (shown[-1] == "emergency_999") is emergency


def test_the_cards_buttons_come_first_and_are_four_at_most_none_twice() -> None:
    whole = card()
    own = ids(whole, "choices")
    more = people(buttons=(own[0], "w", "x", "y", "z"))
    (merged,) = with_first_answer([whole, more, ANSWER], CARDS, YOUNG_PERSON)

    shown = ids(merged, "choices")
    assert shown[: len(own)] == own[:MOST_BUTTONS]
    assert len(shown) == len({*shown}) == MOST_BUTTONS


def test_whatever_else_is_said_follows() -> None:
    other = Message(kind="prompt", topic="x", text="More?")

    merged, rest = with_first_answer([card(), ANSWER, people(), other], CARDS, YOUNG_PERSON)

    assert merged["topic"] == TOPIC
    assert rest == other


def test_in_danger_the_card_stays_as_it_is_and_the_answer_is_left_out() -> None:
    danger, who = card(Severity.IMMEDIATE), people("a")

    assert with_first_answer([danger, ANSWER, who], CARDS, YOUNG_PERSON) == [danger, who]


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
    assert with_first_answer(messages, CARDS, YOUNG_PERSON) == messages
