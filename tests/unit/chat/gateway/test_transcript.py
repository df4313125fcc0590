"""What was said in a conversation, in order, as a page shows it that keeps nothing itself."""

from __future__ import annotations

from uuid import uuid4

from chat.gateway.conversations import Conversation
from chat.gateway.transcript import Line, lines_of, with_new
from safeguarding.messages import Message
from safeguarding.risk.assessment import Turn


def text(words: str) -> Message:
    return Message(kind="text", text=words)


def from_sam(number: int, words: str = "hi") -> Message:
    return Message(kind="text", text=words, by="person", name="Sam", number=number)


def said(lines: list[Line]) -> list[tuple[str, str]]:
    return [(line.by, each["text"]) for line in lines for each in line.messages]


def test_turns_and_answers_are_merged_in_the_order_of_the_conversation() -> None:
    conversation = Conversation(uuid4())
    for message_id in ("1", "3", "4"):
        conversation.remember(message_id, Turn("user", f"words {message_id}"))
    conversation.remember("live 7", Turn("assistant", "from Sam"))
    for message_id in ("1", "2", "4"):
        # The words of the second were details of a call-back, which are kept nowhere here.
        conversation.keep_answer(message_id, [text(f"answer {message_id}")])

    assert said(lines_of(conversation)) == [
        ("you", "words 1"),
        ("lantern", "answer 1"),
        ("you", "words 3"),
        ("lantern", "answer 2"),
        ("you", "words 4"),
        ("lantern", "answer 4"),
        ("person", "from Sam"),
    ]


def test_an_empty_answer_is_no_line() -> None:
    conversation = Conversation(uuid4())
    conversation.remember("1", Turn("user", "words"))
    conversation.keep_answer("1", [])

    assert said(lines_of(conversation)) == [("you", "words")]


def test_of_an_old_answer_the_words_are_left_without_its_buttons() -> None:
    conversation = Conversation(uuid4())
    conversation.remember("1", Turn("user", "words"))
    conversation.remember("1", Turn("assistant", "Are you safe?\n[I'm safe right now]\n[No]"))

    assert said(lines_of(conversation)) == [("you", "words"), ("lantern", "Are you safe?")]


def test_an_offer_that_is_remembered_is_left_to_the_page() -> None:
    conversation = Conversation(uuid4())
    conversation.remember("live offer c", Turn("assistant", "Sam could talk to you."))

    assert lines_of(conversation) == []


def test_what_a_person_wrote_is_there_once_with_their_name_and_in_its_place() -> None:
    lines = [
        Line("person", [text("hi")], number=4),
        Line("you", [text("hello")], id="a"),
    ]

    found = with_new(lines, [from_sam(4), from_sam(5, "again"), text("Sam has gone.")])

    assert said(found) == [
        ("person", "hi"),
        ("you", "hello"),
        ("person", "again"),
        ("lantern", "Sam has gone."),
    ]
    assert [line.name for line in found] == ["Sam", "", "Sam", ""]
