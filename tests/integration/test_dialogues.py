"""Whole conversations through the real stack: tests/dialogues, a file each, for anybody to read.

A file says who writes and what must go right (`what`), and for each turn what is said or the button
that is pressed, the least severity and the need of the help card that is due, words that must stand
somewhere in the reply (a list of alternatives counts as one), and words that must not.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ops.reply import replies
from safeguarding.content.help_cards import AGAIN, STILL_HERE
from safeguarding.content.items import word_count
from safeguarding.messages import words_of
from safeguarding.taxonomy import Severity

FOLDER = Path(__file__).parents[1] / "dialogues"
DIALOGUES = {
    path.stem: yaml.safe_load(path.read_text("utf-8")) for path in sorted(FOLDER.glob("*.yml"))
}
Messages = list[dict[str, Any]]
MEDIAN_WORDS = 90
"""The most words in the middle one of the first replies to a disclosure, contacts left out."""


@pytest.fixture(scope="module")
def held(stack) -> dict[str, list[Messages]]:
    """Return the replies to every turn of every dialogue."""

    async def hold() -> dict[str, list[Messages]]:
        lines = [
            json.dumps(
                {
                    "id": name,
                    "turns": [
                        {"choice": turn["pressed"]} if "pressed" in turn else turn["said"]
                        for turn in dialogue["turns"]
                    ],
                    **({"audience": dialogue["audience"]} if dialogue.get("audience") else {}),
                }
            ).encode()
            for name, dialogue in DIALOGUES.items()
        ]
        return {
            str(each["id"]): each["replies"] async for each in replies(lines, stack.url("gateway"))
        }

    return asyncio.run(hold())


def faults(turn: dict[str, Any], messages: Messages, before: list[Messages]) -> Iterator[str]:
    """Return what is wrong with the reply to one turn."""
    text = "\n".join(words_of(message) for message in messages).casefold()  # type: ignore[arg-type]
    cards = [message for message in messages if message["kind"] == "help_card"]
    if wanted := turn.get("severity"):
        due = Severity.named(wanted)
        earlier = [card for said in before for card in said if card["kind"] == "help_card"]
        given = [Severity.named(card["severity"]) for card in cards]
        if AGAIN in {message.get("topic") for message in messages} or STILL_HERE in {
            message.get("topic") for message in messages
        }:
            given += [Severity.named(card["severity"]) for card in earlier]
        if max(given, default=Severity.NONE) < due:
            yield f"no card of at least {wanted}: {[each.label for each in given]}"
    if (need := turn.get("need")) and cards and cards[0].get("need") != need:
        yield f"a card for {cards[0].get('need')}, not {need}"
    if turn.get("no_card") and cards:
        yield f"a card of {cards[0]['severity']} for something harmless"
    for words in turn.get("must", ()):
        alternatives = words if isinstance(words, list) else [words]
        if not any(str(each).casefold() in text for each in alternatives):
            yield f"says none of {alternatives}"
    for words in turn.get("must_not", ()):
        if str(words).casefold() in text:
            yield f"says {words!r}"


@pytest.mark.parametrize("name", DIALOGUES)
def test_a_conversation_goes_as_it_must(held: dict[str, list[Messages]], name: str) -> None:
    said = held[name]
    wrong = [
        f"{turn.get('said') or turn['pressed']!r}: {fault}"
        for at, turn in enumerate(DIALOGUES[name]["turns"])
        for fault in faults(turn, said[at], said[:at])
    ]

    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", DIALOGUES)
def test_no_card_is_shown_twice(held: dict[str, list[Messages]], name: str) -> None:
    cards = [
        message["text"]
        for messages in held[name]
        for message in messages
        if message["kind"] == "help_card"
    ]

    assert len(cards) == len(set(cards))


def test_the_first_reply_to_a_disclosure_is_short(held: dict[str, list[Messages]]) -> None:
    lengths = sorted(
        sum(word_count(message.get("text", "")) for message in first)
        for name, dialogue in DIALOGUES.items()
        if dialogue["turns"][0].get("severity") and (first := held[name][0])
    )

    assert lengths[len(lengths) // 2] <= MEDIAN_WORDS
