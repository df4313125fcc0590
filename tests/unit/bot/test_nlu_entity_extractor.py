"""What is named in a message: areas, stories and tools by the words of the content."""

from __future__ import annotations

import pytest
from rasa.shared.nlu.constants import ENTITIES, TEXT
from rasa.shared.nlu.training_data.message import Message

from bot.nlu import ContentEntityExtractor


def named(text: str, known: list[dict[str, str]] | None = None) -> list[tuple[str, str]]:
    message = Message({TEXT: text, **({ENTITIES: known} if known else {})})
    ContentEntityExtractor().process([message])
    return [(found["entity"], found["value"]) for found in message.get(ENTITIES) or []]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("i live in Trowbridge", ("area", "wiltshire")),
        ("im in royal wootton bassett", ("area", "wiltshire")),
        ("we're in bath", ("area", "bath_and_north_east_somerset")),
        ("swindon", ("area", "swindon")),
        ("a story about vapes", ("story", "lifts_and_vapes")),
        ("tell me about zara", ("story", "party_house")),
        ("help me calm down", ("tool", "grounding")),
        ("what do i say to my teacher", ("tool", "words_to_start")),
        ("how do i report someone on snapchat", ("tool", "block_snapchat")),
    ],
)
def test_finds_what_the_content_knows_by_that_word(text, found):
    assert found in named(text)


@pytest.mark.parametrize("text", ["", "hello", "bathroom", "gameshow", "uncalm"])
def test_finds_nothing_in_other_words(text):
    assert named(text) == []


def test_finds_one_of_each_at_most_the_longest_word_first():
    assert named("block and report on instagram") == [("tool", "block_instagram")]


def test_leaves_what_others_found():
    known = [{"entity": "audience", "value": "parent"}]

    assert named("im a mum in salisbury", known) == [("audience", "parent"), ("area", "wiltshire")]


def test_says_where_the_word_stands():
    message = Message({TEXT: "im in swindon"})
    ContentEntityExtractor().process([message])
    (found,) = message.get(ENTITIES)

    assert "im in swindon"[found["start"] : found["end"]] == "swindon"
