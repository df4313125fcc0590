"""Bodies of strangers: what is understood, what is refused, what is cleaned."""

from __future__ import annotations

import json
from typing import get_args
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.gateway.requests import (
    MAX_BODY_BYTES,
    MOST_TYPED,
    Beginning,
    BodyError,
    IncomingMessage,
    Reason,
    RefusalPhrases,
    clean,
    read_beginning,
    read_message,
)
from tests.content import real_content

ID = "5f0c7a52-4b0e-4d7e-9d51-6f6a2d3c9f10"


def phrases() -> RefusalPhrases:
    return real_content().phrases.of("refusals", RefusalPhrases)


def body(**fields: object) -> bytes:
    return json.dumps(fields).encode()


def test_words_are_read_as_typed() -> None:
    assert read_message(body(id=ID, text="/help\n me"), real_content().choices) == IncomingMessage(
        UUID(ID), "/help\n me"
    )


def test_a_button_brings_its_own_words() -> None:
    sent = read_message(body(id=ID, choice="safe_now"), real_content().choices)

    assert (sent.choice, sent.text) == ("safe_now", "I'm safe right now")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not json",
        b"[]",
        b"null",
        b"[" * 100_000,
        body(id=ID),
        body(id=ID, text="a", choice="safe_now"),
        body(id=ID, text=7),
        body(id=ID, text=["a"]),
        body(id=ID, choice="/restart"),
        body(id=ID, choice="ask_nothing_we_know"),
        body(id="1", text="a"),
        body(id=7, text="a"),
        body(text="a"),
    ],
)
def test_anything_else_is_refused(content: bytes) -> None:
    with pytest.raises(BodyError):
        read_message(content, real_content().choices)


def test_a_refusal_never_quotes_what_was_sent() -> None:
    with pytest.raises(BodyError) as refused:
        read_message(body(id=ID, choice="my secret"), real_content().choices)

    assert "my secret" not in str(refused.value)
    assert "my secret" not in phrases().unreadable(refused.value)[1]


def test_every_reason_has_a_phrase_of_its_own() -> None:
    details = [getattr(phrases(), reason) for reason in get_args(Reason)]

    assert len(set(details)) == len(details)


def test_a_refusal_names_what_is_expected() -> None:
    with pytest.raises(BodyError) as refused:
        read_beginning(body(audience="king"), real_content().choices)

    assert phrases().unreadable(refused.value) == (
        "That could not be read",
        "`audience` is one of young_person, parent, professional.",
    )


def test_a_beginning_may_be_empty_or_say_who_and_where() -> None:
    assert read_beginning(b"", real_content().choices) == Beginning()
    assert read_beginning(
        body(audience="parent", area="swindon"), real_content().choices
    ) == Beginning("parent", "swindon")


@pytest.mark.parametrize("fields", [{"audience": "king"}, {"area": "mars"}, {"area": 3}])
def test_an_unknown_audience_or_area_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(BodyError):
        read_beginning(body(**fields), real_content().choices)


def test_half_a_character_gets_through_as_a_mark() -> None:
    content = b'{"id": "%s", "text": "help \\ud83d me\\u0000"}' % ID.encode()

    assert read_message(content, real_content().choices).text == "help \N{REPLACEMENT CHARACTER} me"


@pytest.mark.parametrize("letter", ["a", "\n", '"', "é", "я", "汉", "😬"])
def test_the_longest_message_of_the_page_fits_into_a_body_in_every_language(letter: str) -> None:
    units = len(letter.encode("utf-16-le")) // 2
    fields = {"id": str(ID), "text": letter * (MOST_TYPED // units)}
    content = json.dumps(fields, ensure_ascii=False).encode()

    assert len(content) <= MAX_BODY_BYTES
    assert read_message(content, real_content().choices).text == fields["text"]


@given(st.text(alphabet=st.characters()))
def test_cleaned_text_can_be_stored_and_sent(text: str) -> None:
    cleaned = clean(text)

    assert "\0" not in cleaned
    assert cleaned.encode("utf-8").decode("utf-8") == cleaned
