"""The first answer and the card become one message, and lose no way to help."""

from __future__ import annotations

from typing import Literal

import pytest

from safeguarding.content.help_cards import MOST_BUTTONS, MOST_CONTACTS
from safeguarding.messages import Choice, ContactCard, Message
from safeguarding.taxonomy import READERS, YOUNG_PERSON, Severity
from tests.content import real_content

CARDS = real_content().help_cards
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


def test_the_contacts_that_the_answer_speaks_of_come_first() -> None:
    answer: Message = {**ANSWER, "contacts": [contact("report_remove"), contact("ceop")]}
    (merged,) = merged_of([card(), answer, people("police_101")])

    assert ids(merged, "contacts") == ["report_remove", "ceop", "emergency_999"]


@pytest.mark.parametrize("emergency", [True, False])
def test_999_stays_among_three_contacts_beside_the_one_who_knows_most(emergency: bool) -> None:
    whole = card()
    whole["contacts"] = [*map(contact, ("a", "b", "c"))]
    if emergency:
        whole["contacts"].append(contact("emergency_999"))
    (merged,) = merged_of([whole, ANSWER, people("report_remove", "d")])

    shown = ids(merged, "contacts")
    assert shown[0] == "report_remove"
    assert len(shown) == MOST_CONTACTS
    assert (shown[-1] == "emergency_999") is emergency


def test_the_cards_buttons_come_first_and_are_four_at_most_none_twice() -> None:
    whole = card()
    own = ids(whole, "choices")
    more = people(buttons=(own[0], "w", "x", "y", "z"))
    (merged,) = merged_of([whole, more, ANSWER])

    shown = ids(merged, "choices")
    assert shown[: len(own)] == own[:MOST_BUTTONS]
    assert len(shown) == len({*shown}) == MOST_BUTTONS


def test_whatever_else_is_said_follows() -> None:
    other = Message(kind="prompt", topic="x", text="More?")

    merged, rest = merged_of([card(), ANSWER, people(), other])

    assert merged["topic"] == TOPIC
    assert rest == other


def test_in_danger_the_card_stays_as_it_is_and_the_answer_is_left_out() -> None:
    danger, who = card(Severity.IMMEDIATE), people("a")

    assert merged_of([danger, ANSWER, who]) == [danger, who]


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
