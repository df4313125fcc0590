"""The help card: calm, short, and the same numbers for everyone who needs them now."""

from __future__ import annotations

from pathlib import Path

import pytest

from safeguarding.content.help_card import help_cards
from safeguarding.content.wording import word_count
from safeguarding.records import ContentError
from safeguarding.taxonomy import CONTENT, Severity


@pytest.mark.parametrize("severity", [Severity.URGENT, Severity.IMMEDIATE])
def test_a_young_person_is_believed_and_promised_only_what_we_can_keep(severity: Severity) -> None:
    text = help_cards().message(severity, "young_person")["text"]

    assert word_count(text) <= 60
    for words in (
        "I believe you",
        "You did the right thing",
        "not your fault",
        "999",
        "0800 1111",
        "I am a computer and cannot send help",
        "A person who looks after safety here will read this",
    ):
        assert words in text
    assert "soon" not in text
    assert "?" not in text.replace("now?", "").replace("danger?", "").replace("speak?", "")


def test_in_immediate_danger_it_says_how_to_call_without_speaking() -> None:
    for audience in ("young_person", "parent"):
        assert "55" in help_cards().message(Severity.IMMEDIATE, audience)["text"]


@pytest.mark.parametrize("audience", ["parent", "professional"])
def test_adults_get_the_council_and_the_nspcc_helpline(audience: str) -> None:
    card = help_cards().message(Severity.URGENT, audience)

    assert [contact["id"] for contact in card["contacts"]] == [
        "emergency_999", "nspcc_helpline", "find_your_council"
    ]  # fmt: skip
    assert "0808 800 5000" in card["text"]


def test_whoever_has_not_said_who_they_are_is_spoken_to_as_a_young_person() -> None:
    cards = help_cards()

    assert cards.message(Severity.URGENT, None) == cards.message(Severity.URGENT, "young_person")


@pytest.mark.parametrize("severity", [Severity.NONE, Severity.CONCERN])
def test_below_urgent_it_claims_nothing(severity: Severity) -> None:
    card = help_cards().message(severity, None)

    assert card["severity"] == "none"
    assert "will read this" not in card["text"]
    assert "believe" not in card["text"]


def test_every_card_offers_the_same_next_steps() -> None:
    for card in help_cards().messages():
        assert [choice["id"] for choice in card["choices"]] == [
            "safe_now", "ask_what_happens_if_i_tell", "cannot_call", "something_else"
        ]  # fmt: skip


def test_a_card_that_was_shown_can_be_changed_without_harm() -> None:
    help_cards().message(Severity.URGENT, None)["contacts"].clear()

    assert help_cards().message(Severity.URGENT, None)["contacts"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("Or call Childline, day or night: 0800 1111.", "", "says nothing of 0800 1111"),
        ("I believe you.", "I believe you. " + "Word " * 60, "at most 60"),
        ("severity: immediate", "severity: urgent", "stands under `immediate`"),
        ("I'm safe right now", "I am safe", "no button 'safe_now' with this label"),
        ("kind: help_card", "kind: text", "help_card"),
    ],
)
def test_refuses_a_card_that_would_not_help(tmp_path: Path, old: str, new: str, words: str) -> None:
    text = (CONTENT / "help_card.yml").read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "help_card.yml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")

    with pytest.raises(ContentError, match=words):
        help_cards(path)
