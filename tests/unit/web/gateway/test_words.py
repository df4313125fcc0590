"""What the gateway says by itself, from the real content."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from safeguarding.content.contacts import contact_directory
from safeguarding.content.help_card import help_cards
from safeguarding.content.opening import opening
from safeguarding.messages import Message
from safeguarding.taxonomy import Severity
from web.gateway.words import Words, highest_shown, own_words, with_help_first

CARD = Message(kind="help_card", text="card", severity="urgent")
TEXT = Message(kind="text", text="hello")


def made(*, demonstration: bool) -> Words:
    at = datetime(2026, 11, 25, 3, tzinfo=timezone.utc)
    parts = (help_cards(), contact_directory(), own_words(), opening)
    return Words(*parts, lambda: at, demonstration=demonstration)


@pytest.fixture
def words() -> Words:
    return made(demonstration=False)


def test_a_demonstration_says_so_before_anything_else() -> None:
    notice, *rest = made(demonstration=True).opening()

    assert "demonstration" in notice["text"]
    assert "0800 1111" in notice["text"]
    assert rest == opening()


def test_signed_words_need_no_notice(words: Words) -> None:
    assert words.opening() == opening()


def test_at_night_too_there_is_someone_to_talk_to(words: Words) -> None:
    (message,) = words.cannot_answer(None)

    assert [(c["id"], c["open_now"]) for c in message["contacts"]] == [
        ("emergency_999", True),
        ("childline", True),
    ]


def test_the_request_to_wait_comes_after_help(words: Words) -> None:
    kinds = [m["kind"] for m in words.too_fast(Severity.URGENT, "parent")]

    assert kinds == ["help_card", "text"]


@pytest.mark.parametrize(
    ("replies", "severity", "expected"),
    [
        ([TEXT], Severity.URGENT, ["help_card", "text"]),
        ([TEXT, CARD], Severity.URGENT, ["text", "help_card"]),
        ([CARD], Severity.IMMEDIATE, ["help_card", "help_card"]),
        ([], Severity.NONE, ["help_card"]),
    ],
)
def test_help_leads_unless_it_is_there(
    replies: list[Message], severity: Severity, expected: list[str]
) -> None:
    assert [m["kind"] for m in with_help_first(replies, CARD, severity)] == expected


def test_only_help_cards_count_as_shown() -> None:
    concern = Message(kind="answer", text="x", severity="concern")

    assert highest_shown([concern, TEXT]) == Severity.NONE
    assert highest_shown([concern, CARD]) == Severity.URGENT
