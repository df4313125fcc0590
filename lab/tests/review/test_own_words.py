"""A person's words are refused as a retelling: whole, in part, or slightly changed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.review.retelling import why_refused

MESSAGE = "he said dont tell ur mum or i will post the pics of u in ur room"
LETTERS = st.text("abcdefghij ", min_size=12, max_size=60).filter(lambda text: len(text.split()))


@pytest.mark.parametrize(
    "sentence",
    [
        "someone told me to keep it from my parents, else photos of me go online",
        "a lad has pictures and wants me to keep quiet at home",
        "my brother told me dont tell ur mum about the window",
    ],
)
def test_takes_a_sentence_in_words_of_its_own(sentence: str) -> None:
    assert why_refused(sentence, [MESSAGE]) is None


@pytest.mark.parametrize(
    "sentence",
    [
        MESSAGE,
        MESSAGE.upper() + "!!!",
        "a boy wrote: he said dont tell ur mum and then he laughed",
        "He said: don’t tell ur — mum",
        "he said dont\u200b tell ur mum",
        "ｈｅ ｓａｉｄ ｄｏｎｔ ｔｅｌｌ ｕｒ mum",
    ],
)
def test_refuses_five_words_in_a_row(sentence: str) -> None:
    assert "run of words in common" in str(why_refused(sentence, [MESSAGE]))


def test_refuses_nearly_the_same() -> None:
    slips = "he saidd dont teell ur mumm or i wil post thee pics of yu in ur rooom"

    assert "nearly what the person wrote" in str(why_refused(slips, [MESSAGE]))


def test_refuses_a_whole_short_message_within_another() -> None:
    assert why_refused("yesterday dad hurt me and i cried", ["dad hurt me"])
    assert why_refused("my cousin said her dad hurt her and she cried", ["dad hurt me"]) is None


def test_words_of_a_very_short_message_may_be_used() -> None:
    assert why_refused("can you help me find my lost dog today", ["help me"]) is None
    assert why_refused("help me", ["help me"])


def test_looks_at_every_line_of_a_pasted_chat_and_at_earlier_messages() -> None:
    chat = "Dan: how was school today\nDan: lets move to another app ok\nErin: why"

    assert why_refused("dan lets move to another apps ok", ["hello", chat])
    assert why_refused("how was your day at school", ["hello", chat]) is None


@pytest.mark.parametrize(
    "trace",
    [
        "my account is @someone_07",
        "write to me at someone@example.org",
        "it is on https://example.org/x",
        "see www.example.org",
        "ring 07700 900123",
        "i live at SN1 1AA",
    ],
)
def test_refuses_what_could_identify_a_person(trace: str) -> None:
    assert "lead back" in str(why_refused(trace, []))


@pytest.mark.parametrize("sentence", ["", "  ", "?!", "👍"])
def test_asks_for_a_sentence(sentence: str) -> None:
    assert "Write a sentence" in str(why_refused(sentence, [MESSAGE]))


@pytest.mark.parametrize("sentence", ["two\nlines", "a \x00", "half \ud83d", "a\u2028b"])
def test_refuses_what_a_file_cannot_hold_on_one_line(sentence: str) -> None:
    assert "on one line" in str(why_refused(sentence, [MESSAGE]))


@given(LETTERS)
def test_no_message_is_its_own_retelling(message: str) -> None:
    assert why_refused(message, [message])


@given(st.text(max_size=40), st.lists(st.text(max_size=40), max_size=3))
def test_any_text_can_be_compared_and_is_not_quoted(sentence: str, written: list[str]) -> None:
    answer = why_refused(sentence, written)

    assert answer is None or answer.isascii()


def test_the_reason_quotes_no_message() -> None:
    answer = str(why_refused(MESSAGE, [MESSAGE]))

    assert not {"mum", "pics", "room"} & set(answer.split())
